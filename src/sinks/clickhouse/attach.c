/*
 * Databases, storages and views are made here; see clickhouse.h. What exists is left as it is,
 * but a view is made anew when it does not show the columns that its storage has.
 */
#include <ctype.h>
#include <string.h>
#include "base/failpoint.h"
#include "base/log.h"
#include "sinks/clickhouse/clickhouse.h"

/* Only databases that keep tables by identity, not by name, can exchange them. */
static bool engine_exchanges(const char *engine)
{
	return !strcmp(engine, "Atomic") || !strcmp(engine, "Replicated") ||
	       !strcmp(engine, "Shared");
}

bool database_create(struct clickhouse_sink *s, const char *name, struct error *err)
{
	const struct clickhouse_setting settings[] = {{"param_d", name}, {0}};
	struct arena arena;
	struct rows rows;
	struct buf sql;

	if (!rows_query(s, "s", "SELECT engine FROM system.databases WHERE name = {d:String}",
		    settings, &rows, err))
		return false;
	bool there = rows.rows;
	if (there) {
		arena_init(&arena);
		const char *engine = rows_text(&rows, &arena, 0, 0);
		bool ok = engine_exchanges(engine) ||
			  error_set(err, ERROR_CONFIG,
				  "database %s has the engine %s, which cannot exchange tables; "
				  "name a "
				  "database of the engine Atomic, or one that does not exist yet",
				  name, engine);
		arena_release(&arena);
		if (!ok || !s->cluster) {
			rows_release(&rows);
			return ok;
		}
	}
	rows_release(&rows);
	buf_init(&sql, BUF_MAX);
	buf_puts(&sql, "CREATE DATABASE IF NOT EXISTS ");
	clickhouse_quote_name(name, &sql);
	buf_puts(&sql, " ENGINE = Atomic");
	bool ok = run_everywhere(s, &(struct clickhouse_query){.sql = buf_text(&sql)}, err) ||
		  error_add(err, "cannot make database %s", name);
	buf_release(&sql);
	return ok;
}

/* JSON as column_print() writes it, to an expression of the column's type. Decimals are read from
 * text: as JSON numbers they would pass through a double. */
static void add_value(
	const char *json, const char *type, const struct type *innermost, struct buf *sql)
{
	struct buf text;

	if (innermost->kind != TYPE_DECIMAL) {
		buf_puts(sql, "JSONExtract(");
		add_text(sql, json);
		buf_puts(sql, ", ");
		add_text(sql, type);
		buf_puts(sql, ")");
		return;
	}
	buf_init(&text, BUF_MAX);
	for (; *json; json++)
		buf_u8(&text, (uint8_t)toupper(
				      (unsigned char)*json)); /* null: there are no other letters */
	buf_puts(sql, "CAST(");
	add_text(sql, buf_text(&text));
	buf_puts(sql, ", ");
	add_text(sql, type);
	buf_puts(sql, ")");
	buf_release(&text);
}

bool has_missing_value(const struct table_column *c)
{
	return c->rule.kind == RULE_NONE && c->missing && *c->missing &&
	       strcmp(c->missing, "null") != 0;
}

void add_missing_value(struct clickhouse_sink *s, const struct table *t,
	const struct table_column *c, struct buf *sql)
{
	const struct type *innermost = &c->type;
	struct buf type;

	while (innermost->kind == TYPE_ARRAY)
		innermost = innermost->element;
	buf_init(&type, BUF_MAX);
	storage_type_print(s, t, c, &type);
	/* The server's JSON type is made from the document's text. */
	bool document = !strcmp(buf_text(&type), "JSON") ||
			!strcmp(buf_text(&type), "Nullable(JSON)");
	add_value(c->missing, document ? "String" : buf_text(&type), innermost, sql);
	buf_release(&type);
}

void add_column_definition(struct clickhouse_sink *s, const struct table *t,
	const struct table_column *c, bool with_default, bool dropped, struct buf *sql)
{
	struct buf type;

	buf_init(&type, BUF_MAX);
	storage_type_print(s, t, c, &type);
	clickhouse_quote_name(c->name, sql);
	buf_printf(sql, " %s", buf_text(&type));
	buf_release(&type);
	if (with_default && has_missing_value(c)) {
		buf_puts(sql, " DEFAULT ");
		add_missing_value(s, t, c, sql);
	}
	buf_puts(sql, " COMMENT ");
	add_column_comment(sql, c, dropped);
}

static void add_own_columns(const struct table *t, enum storage_kind kind, struct buf *sql)
{
	bool log = kind == STORAGE_LOG;

	buf_puts(sql, log ? "`_op` LowCardinality(String), " : "");
	buf_puts(sql, "`" TOLD_COLUMN "` UInt128");
	if (t->told) {
		buf_puts(sql, " COMMENT ");
		add_told_comment(sql, t);
	}
	buf_puts(sql,
		log ? ", `_commit_lsn` UInt64, `_commit_time` DateTime64(6, 'UTC'), `_xid` UInt32"
		    : ", `_deleted` UInt8");
}

static void add_order(const struct table *t, enum storage_kind kind, struct buf *sql)
{
	uint16_t *key = xcalloc(t->n_key + 1, sizeof *key);

	selection_sort_key(t, key);
	buf_puts(sql, " ORDER BY (");
	for (size_t i = 0; i < t->n_key; i++) {
		buf_puts(sql, i ? ", " : "");
		add_sorted(sql, &t->columns[key[i]].type, t->columns[key[i]].name);
	}
	if (kind == STORAGE_LOG)
		buf_puts(sql, t->n_key ? ", `_version`" : "`_version`");
	buf_puts(sql, ")");
	free(key);
}

static bool key_holds_nullable(const struct table *t)
{
	for (size_t i = 0; i < t->n_key; i++) {
		enum type_kind kind = t->columns[t->key[i]].type.kind;
		if (kind == TYPE_ARRAY || kind == TYPE_MAP)
			return true;
	}
	return false;
}

static void create_statement(struct clickhouse_sink *s, const struct landing *landing,
	enum storage_kind kind, const char *name, struct buf *sql)
{
	const struct table *t = landing->table;
	const struct table_options *options = t->options;

	buf_puts(sql, "CREATE TABLE IF NOT EXISTS ");
	add_name(sql, part_database(s), name);
	buf_puts(sql, " (");
	for (size_t i = 0; i < t->n_columns; i++) {
		add_column_definition(s, t, &t->columns[i], false, false, sql);
		buf_puts(sql, ", ");
	}
	add_own_columns(t, kind, sql);
	buf_puts(sql, kind == STORAGE_ROWS ? ") ENGINE = ReplacingMergeTree(_version, _deleted)"
					   : ") ENGINE = ReplacingMergeTree");
	if (options && options->partition_by)
		buf_printf(sql, " PARTITION BY (%s)", options->partition_by);
	add_order(t, kind, sql);
	buf_puts(sql, DURABLE);
	if (key_holds_nullable(t))
		buf_puts(sql, ", allow_nullable_key = 1");
	if (options && options->settings)
		buf_printf(sql, ", %s", options->settings);
	buf_puts(sql, " COMMENT ");
	add_table_comment(sql, landing, kind);
}

static bool create_storage(struct clickhouse_sink *s, const struct landing *landing,
	enum storage_kind kind, const char *name, struct error *err)
{
	CLEANUP(free_string) char *part = part_name(s, landing, kind);
	struct buf sql;

	buf_init(&sql, BUF_MAX);
	create_statement(s, landing, kind, part, &sql);
	bool ok = run_everywhere(s, &(struct clickhouse_query){.sql = buf_text(&sql)}, err) ||
		  error_add(err, "cannot make table %s.%s", s->cdc, name);
	buf_release(&sql);
	return ok && cluster_spread(s, landing, kind, &(struct spread){name, part, false}, err);
}

/* Has the generation that is being built become the live one, before a crash? */
static bool find_published(struct clickhouse_sink *s, const struct landing *landing,
	enum storage_kind kind, struct arena *arena, struct error *err)
{
	CLEANUP(free_string) char *live = live_name(landing->table, kind);
	CLEANUP(free_string)
	char *building = building_name(landing->table, kind, landing->generation);
	struct stored_table have;

	if (!stored_table_get(s, s->cdc, live, arena, &have, err) ||
		!stored_table_check(&have, s->cdc, landing->table, err))
		return false;
	if (have.exists && have.generation == landing->generation) {
		pthread_mutex_lock(&s->lock);
		map_put(&s->published, building, strlen(building), s);
		pthread_mutex_unlock(&s->lock);
	}
	return true;
}

static bool ensure_storage(struct clickhouse_sink *s, const struct landing *landing,
	enum storage_kind kind, struct arena *arena, struct error *err)
{
	struct stored_table have;

	if (landing->building && !find_published(s, landing, kind, arena, err))
		return false;
	CLEANUP(free_string) char *name = storage_name(s, landing, kind);
	if (!stored_table_get(s, s->cdc, name, arena, &have, err) ||
		!stored_table_check(&have, s->cdc, landing->table, err))
		return false;
	layout_forget(s, name);
	if (!have.exists && landing->known)
		return error_set(err, ERROR_TABLE, "%s.%s is gone from the target", s->cdc, name);
	return have.exists || create_storage(s, landing, kind, name, err);
}

/* Leaves what the view shows: the source's columns in the source's order, and of a log our own
 * behind them. */
static void keep_shown(struct layout *l, enum storage_kind kind)
{
	size_t n = 0, ours;
	struct stored_column *own = xcalloc(l->columns.len + 1, sizeof *own);
	size_t n_own = 0;

	vec_each (&l->columns, c) {
		if (c->attribute && !c->dropped)
			l->columns.items[n++] = *c;
		else if (!c->attribute && kind == STORAGE_LOG && c->name[0] == '_')
			own[n_own++] = *c;
	}
	for (ours = 0; ours < n_own; ours++)
		l->columns.items[n++] = own[ours];
	l->columns.len = n;
	free(own);
}

static bool read_shown(struct clickhouse_sink *s, const char *storage, enum storage_kind kind,
	struct layout **out, struct error *err)
{
	bool ok = layout_read(s, s->cdc, storage, out, err);

	if (ok)
		keep_shown(*out, kind);
	return ok;
}

static bool same_columns(const struct layout *a, const struct layout *b)
{
	if (a->columns.len != b->columns.len)
		return false;
	for (size_t i = 0; i < a->columns.len; i++)
		if (strcmp(a->columns.items[i].name, b->columns.items[i].name) != 0 ||
			strcmp(a->columns.items[i].type, b->columns.items[i].type) != 0)
			return false;
	return true;
}

static bool create_view(struct clickhouse_sink *s, const struct table *t, enum storage_kind kind,
	const char *name, const struct layout *shown, struct error *err)
{
	const struct landing of_view = {.table = (struct table *)t};
	struct buf sql;

	failpoint("clickhouse.before_view");
	buf_init(&sql, BUF_MAX);
	buf_puts(&sql, "CREATE OR REPLACE VIEW ");
	add_name(&sql, s->database, name);
	buf_puts(&sql, " AS SELECT ");
	for (size_t i = 0; i < shown->columns.len; i++) {
		buf_puts(&sql, i ? ", " : "");
		clickhouse_quote_name(shown->columns.items[i].name, &sql);
	}
	buf_puts(&sql, " FROM ");
	add_name(&sql, s->cdc, name);
	buf_puts(&sql, " FINAL COMMENT ");
	add_table_comment(&sql, &of_view, kind);
	bool ok = run_everywhere(s, &(struct clickhouse_query){.sql = buf_text(&sql)}, err) ||
		  error_add(err, "cannot make view %s.%s", s->database, name);
	buf_release(&sql);
	return ok;
}

/* Another process may alter the storage, and its view, meanwhile: then what was asked for is of columns from before. */
static bool show_columns(struct clickhouse_sink *s, const struct table *t, enum storage_kind kind,
	const char *name, struct layout **shown, struct error *err)
{
	struct error of_read = {0};
	bool ok, same;

	do {
		struct layout *before = *shown, *after;
		error_clear(err);
		ok = create_view(s, t, kind, name, before, err);
		if (!ok && err->kind != ERROR_TABLE)
			return false;
		if (!read_shown(s, name, kind, &after, &of_read)) {
			*err = of_read;
			return false;
		}
		same = same_columns(before, after);
		layout_put(s, before);
		*shown = after;
	} while (!same);
	return ok;
}

bool view_update(
	struct clickhouse_sink *s, const struct table *t, enum storage_kind kind, struct error *err)
{
	CLEANUP(free_string) char *name = live_name(t, kind);
	struct layout *shown = NULL, *now = NULL;
	struct stored_table have;
	struct arena arena;

	arena_init(&arena);
	bool ok = stored_table_get(s, s->database, name, &arena, &have, err) &&
		  stored_table_check(&have, s->database, t, err) &&
		  read_shown(s, name, kind, &shown, err) &&
		  layout_read(s, s->database, name, &now, err);
	if (ok && (!have.exists || !same_columns(shown, now)))
		ok = show_columns(s, t, kind, name, &shown, err);
	if (shown)
		layout_put(s, shown);
	if (now)
		layout_put(s, now);
	arena_release(&arena);
	return ok;
}

bool clickhouse_attach(struct sink *sink, const struct landing *landing, struct error *err)
{
	struct clickhouse_sink *s = clickhouse_sink_of(sink);
	struct arena arena;

	arena_init(&arena);
	bool ok = database_create(s, s->cdc, err) && database_create(s, s->database, err) &&
		  (!s->cluster || database_create(s, s->shard, err)) && set_aside_create(s, err);
	for (enum storage_kind kind = 0; ok && kind < N_STORAGE_KINDS; kind++) {
		if (!table_keeps(landing->table, kind))
			continue;
		ok = ensure_storage(s, landing, kind, &arena, err) &&
		     (landing->building || view_update(s, landing->table, kind, err));
	}
	arena_release(&arena);
	return ok;
}

bool clickhouse_generation(
	struct sink *sink, const struct landing *landing, uint32_t *live, struct error *err)
{
	struct clickhouse_sink *s = clickhouse_sink_of(sink);
	struct arena arena;
	bool ok = true;

	*live = 0;
	arena_init(&arena);
	for (enum storage_kind kind = 0; ok && kind < N_STORAGE_KINDS; kind++) {
		CLEANUP(free_string) char *name = live_name(landing->table, kind);
		struct stored_table have;
		if (!table_keeps(landing->table, kind))
			continue;
		ok = stored_table_get(s, s->cdc, name, &arena, &have, err) &&
		     stored_table_check(&have, s->cdc, landing->table, err);
		if (ok && have.generation > *live)
			*live = have.generation;
	}
	arena_release(&arena);
	return ok;
}
