/* Names of storages, types and comments as SQL; see clickhouse.h. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "base/clock.h"
#include "base/json.h"
#include "formats/native/native.h"
#include "sinks/clickhouse/clickhouse.h"

static const char *const suffix[N_STORAGE_KINDS] = {"", "_log"};
static const char *const kind_name[N_STORAGE_KINDS] = {"rows", "log"};

bool table_keeps(const struct table *t, enum storage_kind kind)
{
	return t->keep == KEEP_BOTH || (t->keep == KEEP_LATEST) == (kind == STORAGE_ROWS);
}

char *live_name(const struct table *t, enum storage_kind kind)
{
	return xasprintf("%s%s", t->target, suffix[kind]);
}

char *building_name(const struct table *t, enum storage_kind kind, uint32_t generation)
{
	return xasprintf("%s%s__g%u", t->target, suffix[kind], generation);
}

char *storage_name(struct clickhouse_sink *s, const struct landing *landing, enum storage_kind kind)
{
	if (!landing->building)
		return live_name(landing->table, kind);
	char *name = building_name(landing->table, kind, landing->generation);
	pthread_mutex_lock(&s->lock);
	bool published = map_get(&s->published, name, strlen(name)) != NULL;
	pthread_mutex_unlock(&s->lock);
	if (!published)
		return name;
	free(name);
	return live_name(landing->table, kind);
}

void add_name(struct buf *sql, const char *database, const char *name)
{
	clickhouse_quote_name(database, sql);
	buf_puts(sql, ".");
	clickhouse_quote_name(name, sql);
}

void add_text(struct buf *sql, const char *text)
{
	clickhouse_quote_text(text, strlen(text), sql);
}

static void print_type(
	const struct clickhouse_sink *s, const struct type *type, bool json, struct buf *out)
{
	const char *name = NULL;

	if (type->kind == TYPE_ARRAY) {
		buf_puts(out, "Array(");
		print_type(s, type->element, json, out);
		buf_puts(out, ")");
		return;
	}
	if (type->kind == TYPE_SYMBOL) {
		buf_puts(out, type->nullable ? "LowCardinality(Nullable(String))"
					     : "LowCardinality(String)");
		return;
	}
	if (type->kind == TYPE_JSON && json)
		name = "JSON";
	else if (type->kind == TYPE_TIMESTAMP && !s->utc)
		/* Shown in the server's zone it would be another time than the source's. */
		name = "DateTime64(6, 'UTC')";
	if (name)
		buf_printf(out, type->nullable ? "Nullable(%s)" : "%s", name);
	else
		native_type_print(type, out);
}

/* The server's JSON cannot be sorted by. */
static bool prints_json(const struct table *t, const struct table_column *c)
{
	return !c->key && t->options && t->options->json == JSON_NATIVE;
}

void storage_type_print(const struct clickhouse_sink *s, const struct table *t,
	const struct table_column *c, struct buf *out)
{
	print_type(s, &c->type, prints_json(t, c), out);
}

static bool prints_as(
	const struct clickhouse_sink *s, const struct type *type, bool json, const char *text)
{
	struct buf printed;

	buf_init(&printed, BUF_MAX);
	print_type(s, type, json, &printed);
	bool same = !strcmp(buf_text(&printed), text);
	buf_release(&printed);
	return same;
}

/* One that is told by its name alone; those of one name are taken for `like`. */
static bool read_plain_type(const struct clickhouse_sink *s, const struct type *like, bool json,
	const char *text, struct type *out)
{
	for (int i = -1; i < TYPE_ARRAY; i++) {
		*out = (struct type){.kind = i < 0 ? like->kind : (enum type_kind)i};
		if (out->kind == TYPE_DECIMAL)
			continue;
		if (prints_as(s, out, json, text))
			return true;
		out->nullable = true;
		if (prints_as(s, out, json, text))
			return true;
	}
	return false;
}

static bool read_decimal(const char *text, struct type *out)
{
	int end = 0;

	*out = (struct type){.kind = TYPE_DECIMAL, .nullable = text[0] == 'N'};
	sscanf(text,
		out->nullable ? "Nullable(Decimal(%" SCNu8 ", %" SCNu8 "))%n"
			      : "Decimal(%" SCNu8 ", %" SCNu8 ")%n",
		&out->precision, &out->scale, &end);
	return end && !text[end];
}

static bool read_type(const struct clickhouse_sink *s, const struct type *like, bool json,
	const char *text, struct arena *arena, struct type *out)
{
	static const char array[] = "Array(";
	size_t len = strlen(text), before = sizeof array - 1;

	if (like->kind != TYPE_ARRAY)
		return read_decimal(text, out) || read_plain_type(s, like, json, text, out);
	if (len <= before || memcmp(text, array, before) != 0)
		return false;
	struct type *element = arena_alloc(arena, sizeof *element);
	*out = (struct type){.kind = TYPE_ARRAY, .element = element};
	return read_type(s, like->element, json,
		arena_strndup(arena, text + before, len - before - 1), arena, element);
}

bool storage_type_read(const struct clickhouse_sink *s, const struct table *t,
	const struct table_column *c, const char *text, struct arena *arena, struct type *out)
{
	return read_type(s, &c->type, prints_json(t, c), text, arena, out);
}

void add_table_comment(struct buf *sql, const struct landing *landing, enum storage_kind kind)
{
	const struct table *t = landing->table;
	CLEANUP(free_string) char *source = xasprintf("%s.%s", t->schema, t->name);
	struct buf json;

	buf_init(&json, BUF_MAX);
	buf_puts(&json, "{\"tailrace\":{");
	json_put_text(&json, "stream", t->stream);
	json_put_text(&json, "table", source);
	json_put_text(&json, "kind", landing->generation ? kind_name[kind] : "view");
	if (landing->generation)
		json_put_uint(&json, "generation", landing->generation);
	buf_puts(&json, "}}");
	add_text(sql, buf_text(&json));
	buf_release(&json);
}

void add_column_comment(struct buf *sql, const struct table_column *c, bool dropped)
{
	struct buf json;
	char now[32];

	buf_init(&json, BUF_MAX);
	buf_puts(&json, "{");
	json_put_int(&json, "attribute", c->attribute);
	if (c->source_type)
		json_put_text(&json, "type", c->source_type);
	if (dropped) {
		format_utc(wall_us(), now);
		json_put_text(&json, "dropped", now);
	}
	buf_puts(&json, "}");
	add_text(sql, buf_text(&json));
	buf_release(&json);
}

void add_told_comment(struct buf *sql, const struct table *t)
{
	char told[VERSION_TEXT];

	version_print(t->told, told);
	buf_printf(sql, "'{\"told\":\"%s\"}'", told);
}

void add_sorted(struct buf *sql, const struct type *type, const char *name)
{
	bool uuid = type->kind == TYPE_UUID;

	buf_puts(sql, uuid ? "toUInt128(" : "");
	clickhouse_quote_name(name, sql);
	buf_puts(sql, uuid ? ")" : "");
}
