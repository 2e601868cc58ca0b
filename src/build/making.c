/* What is read of a model's configuration, and the statements of an attempt; see making.h. */
#include "build/making.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "models/template/value.h"
#include "models/tokens.h"

/* --- configuration --- */

struct value config_value(const struct making *m, const char *key)
{
	struct value v = dict_get_text(m->w->node->config, key);
	return v.kind == VALUE_NONE ? (struct value){0} : v;
}

static const char *text_of(struct arena *a, struct value v)
{
	switch ((int)v.kind) {
	case VALUE_STRING: return value_strdup(a, v);
	case VALUE_INT: return arena_printf(a, "%lld", (long long)v.i);
	case VALUE_BOOL: return v.b ? "1" : "0";
	case VALUE_FLOAT: return arena_printf(a, "%.17g", v.f);
	default: return NULL;
	}
}

const char *config_text(const struct making *m, const char *key)
{
	const char *text = text_of(m->w->arena, config_value(m, key));
	return text && *text ? text : NULL;
}

struct texts config_texts(const struct making *m, const char *key)
{
	struct arena *a = m->w->arena;
	struct value v = config_value(m, key);
	bool list = v.kind == VALUE_LIST || v.kind == VALUE_TUPLE;
	const char **items = arena_alloc(a, (list ? v.list->len + 1 : 1) * sizeof *items);
	struct texts out = {items, 0};

	for (size_t i = 0; list && i < v.list->len; i++)
		if (text_of(a, v.list->items[i]))
			items[out.n++] = text_of(a, v.list->items[i]);
	if (!list && config_text(m, key))
		items[out.n++] = config_text(m, key);
	return out;
}

bool config_wrong(const struct making *m, const char *key, struct error *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	CLEANUP(free_string) char *text = xvasprintf(fmt, ap);
	va_end(ap);
	return error_set(err, ERROR_CONFIG, "%s: %s", node_place(m->w->node, key), text);
}

/* A list is a tuple of expressions, a text one expression. */
static const char *expression(const struct making *m, const char *key)
{
	struct texts texts = config_texts(m, key);
	struct value v = config_value(m, key);
	struct buf out;

	if (v.kind == VALUE_STRING || !texts.n)
		return v.kind == VALUE_LIST ? "tuple()" : config_text(m, key);
	buf_init(&out, BUF_MAX);
	for (size_t i = 0; i < texts.n; i++)
		buf_printf(&out, "%s%s", i ? ", " : "(", texts.items[i]);
	buf_puts(&out, ")");
	const char *kept = arena_strdup(m->w->arena, buf_text(&out));
	buf_release(&out);
	return kept;
}

static bool is_number(const char *text)
{
	return *text && strspn(text, "0123456789.") == strlen(text);
}

/* "a = 1, b = 'x'"; NULL where there are none. */
static bool settings_of(
	const struct making *m, const char *key, const char **out, struct error *err)
{
	struct value v = config_value(m, key);
	struct buf text;
	size_t i = 0;

	*out = NULL;
	if (!value_given(v))
		return true;
	if (v.kind != VALUE_DICT)
		return config_wrong(m, key, err, "'%s' takes a map of names and values", key);
	buf_init(&text, BUF_MAX);
	for (struct dict_entry *entry; (entry = dict_next(v.dict, &i));) {
		const char *value = text_of(m->w->arena, entry->value);
		if (!value || entry->key.kind != VALUE_STRING)
			continue;
		buf_printf(&text, "%s%s = ", text.len ? ", " : "",
			value_strdup(m->w->arena, entry->key));
		if (is_number(value))
			buf_puts(&text, value);
		else
			m->d->text(&text, value, strlen(value));
	}
	*out = text.len ? arena_strdup(m->w->arena, buf_text(&text)) : NULL;
	buf_release(&text);
	return true;
}

static const char *comment_of(const struct making *m)
{
	const struct node *node = m->w->node;
	struct value persist = config_value(m, "persist_docs");
	bool described = persist.kind == VALUE_DICT &&
			 value_truth(dict_get_text(persist.dict, "relation"));
	struct value text = described && node->properties.kind == VALUE_DICT
				    ? dict_get_text(node->properties.dict, "description")
				    : (struct value){0};
	struct buf json;

	buf_init(&json, BUF_MAX);
	buf_puts(&json, "{\"tailrace\":{");
	json_put_text(&json, "asset", node->id);
	json_put_int(&json, "run", m->w->built.run);
	buf_puts(&json, "}");
	if (text.kind == VALUE_STRING) {
		json_put_key(&json, "description");
		text_print_json(text.s, text.len, &json);
	}
	buf_puts(&json, "}");
	const char *kept = arena_strdup(m->w->arena, buf_text(&json));
	buf_release(&json);
	return kept;
}

bool config_table(const struct making *m, struct table_spec *out, struct error *err)
{
	*out = (struct table_spec){
		.engine = config_text(m, "engine"),
		.order_by = expression(m, "order_by"),
		.partition_by = expression(m, "partition_by"),
		.primary_key = expression(m, "primary_key"),
		.ttl = config_text(m, "ttl"),
		.comment = comment_of(m),
	};
	return settings_of(m, "settings", &out->settings, err) && config_parts(m, out, err);
}

/* --- statements --- */

struct relation_name staging_of(const struct making *m, const char *what)
{
	const char *key = m->w->partition;

	return (struct relation_name){
		m->target.database, arena_printf(m->w->arena, "%s" STAGING_MARK "%s%s%s",
					    m->target.name, what, *key ? "_" : "", key)};
}

bool making_run(struct making *m, struct error *err)
{
	bool ok = work_run(m->w, buf_text(&m->sql), err);

	buf_clear(&m->sql);
	return ok;
}

const struct engine_setting *making_settings(const struct making *m)
{
	struct value v = config_value(m, "query_settings");
	struct arena *a = m->w->arena;
	size_t n = 0, i = 0;

	if (v.kind != VALUE_DICT)
		return NULL;
	struct engine_setting *list = arena_alloc(a, (v.dict->len + 1) * sizeof *list);
	for (struct dict_entry *entry; (entry = dict_next(v.dict, &i));)
		if (entry->key.kind == VALUE_STRING && text_of(a, entry->value))
			list[n++] = (struct engine_setting){
				value_strdup(a, entry->key), text_of(a, entry->value)};
	return list;
}

bool making_fill(struct making *m, uint64_t *rows, struct error *err)
{
	struct statement_stats stats = {0};
	struct statement statement;
	struct work *w = m->w;
	const char *sql = buf_text(&m->sql);

	bool ok = work_begin(w, sql, &statement, err);
	if (ok) {
		statement.settings = making_settings(m);
		ok = w->engine->ops->run(w->engine, &statement, &stats, err);
		ok = work_end(w, sql, &stats, ok, err);
	}
	buf_clear(&m->sql);
	*rows = stats.written_rows;
	if (!ok && m->casts && err->kind == ERROR_TABLE) {
		const char *why = arena_strdup(w->arena, err->text);
		return error_set(err, ERROR_TABLE, "%s\n  %s", why, m->casts);
	}
	return ok;
}

static bool is_made_as(const struct making *m, const char *materialized)
{
	const char *how = config_text(m, "materialized");
	return how && !strcmp(how, materialized);
}

static bool says_something(const struct work *w, struct error *err)
{
	return *sql_skip_space(w->select) ||
	       error_set(err, ERROR_CONFIG, "%s: it gives no SQL", w->node->path);
}

bool making_options(struct making *m, bool incremental, struct compile_batch *batch,
	struct compile_options *out, struct error *err)
{
	struct work *w = m->w;

	*out = work_options(w, "run");
	out->incremental = incremental;
	if (!*w->partition)
		return true;
	out->batch = batch;
	return node_batch(w->node, w->partition, batch, err);
}

bool making_compile(struct making *m, bool incremental, struct error *err)
{
	struct work *w = m->w;
	struct compile_options options;
	struct compile_batch batch;

	if (!making_options(m, incremental, &batch, &options, err) ||
		!work_compile(w, w->node, &options, err))
		return false;
	return is_made_as(m, "exec") ||
	       (says_something(w, err) &&
		       (is_made_as(m, "materialized_view") || making_names(m, err)) &&
		       making_contract(m, err));
}

bool making_describe(
	struct making *m, const char *select, struct engine_columns *out, struct error *err)
{
	struct work *w = m->w;

	if (m->described != select) {
		m->described = NULL;
		if (!w->engine->ops->describe(
			    w->engine, select, making_settings(m), w->arena, &m->gives, err))
			return error_add(err, "%s", w->node->path);
		m->described = select;
	}
	out->len = m->gives.len;
	out->items = arena_alloc(w->arena, (out->len + 1) * sizeof *out->items);
	memcpy(out->items, m->gives.items, out->len * sizeof *out->items);
	return true;
}

bool making_clear(struct making *m, struct relation_name name, struct error *err)
{
	m->d->drop(&m->sql, name, RELATION_TABLE);
	return making_run(m, err);
}

bool making_database(struct making *m, struct error *err)
{
	if (m->had.kind != RELATION_ABSENT)
		return true;
	m->d->create_database(&m->sql, m->target.database);
	return making_run(m, err);
}

void making_message(struct making *m, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	CLEANUP(free_string) char *text = xvasprintf(fmt, ap);
	va_end(ap);
	m->w->message = arena_strdup(m->w->arena, text);
}
