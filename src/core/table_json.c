/*
 * A table's definition as JSON and back, for the state store. Numbers that may need 64 bits are
 * texts, as JSON's readers do not agree beyond 2^53. Reading is strict: what does not fit is an
 * error, not a default.
 */
#include "core/table.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"

#define MOST_COLUMNS 10000 /* PostgreSQL's limit is 1600, MySQL's 4096 */

static const char *const keep_names[] = {
	[KEEP_LATEST] = "latest", [KEEP_HISTORY] = "history", [KEEP_BOTH] = "both"};
static const char *const rule_names[] = {
	[RULE_NONE] = "none",
	[RULE_DROP] = "drop",
	[RULE_HASH] = "hash",
	[RULE_HMAC] = "hmac",
	[RULE_MASK] = "mask",
	[RULE_NULL] = "null",
	[RULE_CONSTANT] = "constant",
};

/* Members that are absent are NULL. */
static void print_text(const char *name, const char *text, struct buf *out)
{
	if (text)
		json_put_text(out, name, text);
}

static void print_type(const char *name, const struct type *type, struct buf *out)
{
	if (!type)
		return;
	buf_printf(out, ",\"%s\":\"", name);
	type_print(type, out);
	buf_u8(out, '"');
}

static void print_column(const struct table_column *c, struct buf *out)
{
	buf_printf(out, "{\"attribute\":%d", c->attribute);
	print_text("name", c->name, out);
	print_type("type", &c->type, out);
	print_text("source_type", c->source_type, out);
	if (c->rule.kind != RULE_NONE)
		print_text("rule", rule_names[c->rule.kind], out);
	print_text("constant", c->rule.constant, out);
	print_text("missing", c->missing, out);
	if (c->approximate)
		buf_puts(out, ",\"approximate\":true");
	print_type("json_of", c->json_of, out);
	print_text("base_type", c->base_type, out);
	print_text("labels", c->labels, out);
	print_text("default_sql", c->default_sql, out);
	buf_puts(out, "}");
}

void table_to_json(const struct table *t, struct buf *out)
{
	buf_printf(out, "{\"source_id\":\"%" PRIu64 "\"", t->source_id);
	print_text("schema", t->schema, out);
	print_text("name", t->name, out);
	print_text("target", t->target, out);
	print_text("keep", keep_names[t->keep], out);
	buf_puts(out, ",\"columns\":[");
	for (size_t i = 0; i < t->n_columns; i++) {
		if (i)
			buf_u8(out, ',');
		print_column(&t->columns[i], out);
	}
	buf_puts(out, "],\"key\":[");
	for (size_t i = 0; i < t->n_key; i++)
		buf_printf(out, "%s%u", i ? "," : "", t->key[i]);
	buf_puts(out, "]");
	print_text("configured", t->configured, out);
	print_text("physical", t->physical, out);
	buf_printf(out, ",\"rows_estimate\":\"%" PRIu64 "\",\"bytes_estimate\":\"%" PRIu64 "\"",
		t->rows_estimate, t->bytes_estimate);
	print_text("problem", t->problem, out);
	buf_puts(out, "}");
}

static bool wrong(struct error *err, const char *name)
{
	return error_set(err, ERROR_BROKEN, "\"%s\" is missing or not what it should be", name);
}

/* A text from the arena; NULL where an optional one is absent. */
static bool get_text(struct arena *a, const json_t *object, const char *name, bool required,
	const char **out, struct error *err)
{
	const json_t *value = json_object_get(object, name);

	*out = NULL;
	if (!value && !required)
		return true;
	if (!json_is_string(value))
		return wrong(err, name);
	*out = arena_strdup(a, json_string_value(value));
	return true;
}

static bool get_u64(const json_t *object, const char *name, uint64_t *out, struct error *err)
{
	const char *text = json_string_value(json_object_get(object, name));
	char *end;

	if (!text || *text < '0' || *text > '9')
		return wrong(err, name);
	errno = 0;
	*out = strtoull(text, &end, 10);
	return *end || errno ? wrong(err, name) : true;
}

/* Index of the text in a table of names; an absent member is the first of them. */
static bool get_choice(const json_t *object, const char *name, const char *const *names, size_t n,
	size_t *out, struct error *err)
{
	const json_t *value = json_object_get(object, name);

	*out = 0;
	if (!value)
		return true;
	for (size_t i = 0; json_is_string(value) && i < n; i++) {
		*out = i;
		if (!strcmp(json_string_value(value), names[i]))
			return true;
	}
	return wrong(err, name);
}

/* NULL where it is absent. */
static bool get_type(struct arena *a, const json_t *object, const char *name,
	const struct type **out, struct error *err)
{
	struct type *type = arena_alloc(a, sizeof *type);
	const char *text;

	*out = NULL;
	if (!get_text(a, object, name, false, &text, err))
		return false;
	if (!text)
		return true;
	*out = type;
	return type_parse(text, a, type, err);
}

static bool get_words(
	struct arena *a, const json_t *object, struct table_column *c, struct error *err)
{
	return get_text(a, object, "source_type", false, &c->source_type, err) &&
	       get_text(a, object, "base_type", false, &c->base_type, err) &&
	       get_text(a, object, "labels", false, &c->labels, err) &&
	       get_text(a, object, "default_sql", false, &c->default_sql, err) &&
	       get_type(a, object, "json_of", &c->json_of, err);
}

static bool get_column(
	struct arena *a, const json_t *object, struct table_column *c, struct error *err)
{
	const char *type;
	size_t rule;
	json_int_t attribute = json_integer_value(json_object_get(object, "attribute"));

	if (attribute < 1 || attribute > INT32_MAX)
		return wrong(err, "attribute");
	if (!get_text(a, object, "name", true, &c->name, err) ||
		!get_text(a, object, "type", true, &type, err) ||
		!type_parse(type, a, &c->type, err) || !get_words(a, object, c, err) ||
		!get_choice(object, "rule", rule_names, COUNT_OF(rule_names), &rule, err) ||
		!get_text(a, object, "constant", false, &c->rule.constant, err) ||
		!get_text(a, object, "missing", false, &c->missing, err))
		return false;
	c->attribute = (int)attribute;
	c->rule.kind = (enum rule_kind)rule;
	c->approximate = json_is_true(json_object_get(object, "approximate"));
	return true;
}

static bool get_columns(struct table *t, const json_t *object, struct error *err)
{
	const json_t *list = json_object_get(object, "columns");
	size_t n = json_array_size(list);

	if (!json_is_array(list) || n > MOST_COLUMNS)
		return wrong(err, "columns");
	t->columns = arena_alloc(&t->arena, n * sizeof *t->columns);
	t->n_columns = n;
	for (size_t i = 0; i < n; i++)
		if (!get_column(&t->arena, json_array_get(list, i), &t->columns[i], err))
			return error_add(err, "column %zu", i + 1);
	return true;
}

static bool get_key(struct table *t, const json_t *object, struct error *err)
{
	const json_t *list = json_object_get(object, "key");
	size_t n = json_array_size(list);

	if (!json_is_array(list) || n > t->n_columns)
		return wrong(err, "key");
	t->key = arena_alloc(&t->arena, n * sizeof *t->key);
	t->n_key = n;
	for (size_t i = 0; i < n; i++) {
		const json_t *value = json_array_get(list, i);
		json_int_t column = json_integer_value(value);
		if (!json_is_integer(value) || column < 0 || (size_t)column >= t->n_columns)
			return wrong(err, "key");
		t->key[i] = (uint16_t)column;
		t->columns[column].key = true;
	}
	return true;
}

static bool get_table(struct table *t, const json_t *object, struct error *err)
{
	size_t keep;

	if (!get_u64(object, "source_id", &t->source_id, err) ||
		!get_text(&t->arena, object, "schema", true, &t->schema, err) ||
		!get_text(&t->arena, object, "name", true, &t->name, err) ||
		!get_text(&t->arena, object, "target", false, &t->target, err) ||
		!get_choice(object, "keep", keep_names, COUNT_OF(keep_names), &keep, err) ||
		!get_columns(t, object, err) || !get_key(t, object, err) ||
		!get_text(&t->arena, object, "configured", false, &t->configured, err) ||
		!get_text(&t->arena, object, "physical", false, &t->physical, err) ||
		!get_u64(object, "rows_estimate", &t->rows_estimate, err) ||
		!get_u64(object, "bytes_estimate", &t->bytes_estimate, err) ||
		!get_text(&t->arena, object, "problem", false, &t->problem, err))
		return false;
	t->keep = (enum keep)keep;
	return true;
}

struct table *table_from_json(const char *json, const char *stream,
	const struct table_options *options, struct error *err)
{
	json_error_t why;
	json_t *object = json_loads(json, JSON_REJECT_DUPLICATES, &why);
	struct table *t = table_new();

	t->stream = arena_strdup(&t->arena, stream);
	t->options = options;
	bool fine = object ? get_table(t, object, err)
			   : error_set(err, ERROR_BROKEN, "not JSON: %s at offset %d", why.text,
				     why.position);
	json_decref(object);
	if (fine)
		return t;
	error_add(err, "recorded definition of a table");
	table_unref(t);
	return NULL;
}
