/* How statements are said to ClickHouse; see struct dialect in core/engine.h. */
#include "engines/clickhouse/clickhouse.h"

#include <ctype.h>
#include "base/clock.h"

static void put_name(struct buf *out, const char *name)
{
	clickhouse_quote_name(name, out);
}

static void put_relation(struct buf *out, struct relation_name r)
{
	put_name(out, r.database);
	buf_puts(out, ".");
	put_name(out, r.name);
}

static void put_text(struct buf *out, const char *text, size_t len)
{
	clickhouse_quote_text(text, len, out);
}

/* Compared with a Date it is taken at midnight UTC, whatever the zone of the session. */
static void put_time(struct buf *out, int64_t us)
{
	char text[32];

	format_utc(us, text);
	text[10] = ' ';
	buf_printf(out, "toDateTime64('%.26s', 6, 'UTC')", text);
}

static bool has_period(const struct engine_column *column, enum period period)
{
	static const char nullable[] = "Nullable(";
	size_t wrapped = strncmp(column->type, nullable, strlen(nullable)) ? 0 : strlen(nullable);
	const char *type = column->type + wrapped;

	return !strncmp(type, "DateTime", 8) ||
	       (!strncmp(type, "Date", 4) && period != PERIOD_HOUR);
}

/* Periods are those of UTC, whatever the zone of the server or the column; a Date has none. */
static void put_period(struct buf *out, const struct engine_column *column, enum period period)
{
	static const char *const functions[] = {[PERIOD_NONE] = "",
		[PERIOD_HOUR] = "toStartOfHour",
		[PERIOD_DAY] = "toDate",
		[PERIOD_MONTH] = "toStartOfMonth",
		[PERIOD_YEAR] = "toStartOfYear"};

	buf_printf(out, "%s(", functions[period]);
	put_name(out, column->name);
	buf_puts(out, strstr(column->type, "DateTime") ? ", 'UTC')" : ")");
}

static void put_call(struct buf *out, const char *function, const char *const *items, size_t n)
{
	buf_printf(out, "%s(", function);
	for (size_t i = 0; i < n; i++)
		buf_printf(out, "%s%s", i ? ", " : "", items[i]);
	buf_puts(out, ")");
}

static void put_list(struct buf *out, const char *const *items, size_t n)
{
	put_call(out, "array", items, n);
}

static void put_map(struct buf *out, const char *const *items, size_t n)
{
	put_call(out, "map", items, n);
}

/* "VERB `database`.`name`REST" */
static void put_statement(
	struct buf *out, const char *verb, struct relation_name r, const char *rest)
{
	buf_puts(out, verb);
	put_relation(out, r);
	buf_puts(out, rest);
}

static void put_comment(struct buf *out, const char *comment)
{
	if (!comment)
		return;
	buf_puts(out, "\nCOMMENT ");
	put_text(out, comment, strlen(comment));
}

static void create_database(struct buf *out, const char *name)
{
	buf_puts(out, "CREATE DATABASE IF NOT EXISTS ");
	put_name(out, name);
}

static void put_column(struct buf *out, const struct engine_column *c)
{
	put_name(out, c->name);
	buf_printf(out, " %s", c->type);
	if (c->comment && *c->comment) {
		buf_puts(out, " COMMENT ");
		put_text(out, c->comment, strlen(c->comment));
	}
	if (c->storage)
		buf_printf(out, " %s", c->storage);
}

static void put_part(struct buf *out, const struct table_part *part)
{
	static const char *const words[][3] = {[PART_INDEX] = {"INDEX ", " ", ""},
		[PART_PROJECTION] = {"PROJECTION ", " (", ")"},
		[PART_CHECK] = {"CONSTRAINT ", " CHECK (", ")"}};
	const char *const *w = words[part->kind];

	buf_printf(out, ",\n\t%s", w[0]);
	put_name(out, part->name);
	buf_printf(out, "%s%s%s", w[1], part->definition, w[2]);
}

/* " (COLUMNS, PARTS)", or nothing. */
static void put_columns(struct buf *out, const struct engine_columns *columns,
	const struct table_part *parts, size_t n_parts)
{
	if (!columns)
		return;
	buf_puts(out, " (\n");
	for (size_t i = 0; i < columns->len; i++) {
		buf_puts(out, i ? ",\n\t" : "\t");
		put_column(out, &columns->items[i]);
	}
	for (size_t i = 0; i < n_parts; i++)
		put_part(out, &parts[i]);
	buf_puts(out, "\n)");
}

static void create_view(struct buf *out, struct relation_name r, const char *comment,
	const struct engine_columns *columns, const char *select)
{
	put_statement(out, "CREATE OR REPLACE VIEW ", r, "");
	put_columns(out, columns, NULL, 0);
	buf_printf(out, "\nAS (\n%s\n)", select);
	put_comment(out, comment);
}

static void put_names(struct buf *out, const struct engine_columns *columns)
{
	for (size_t i = 0; i < columns->len; i++) {
		buf_puts(out, i ? ", " : "");
		put_name(out, columns->items[i].name);
	}
}

static void put_clause(struct buf *out, const char *clause, const char *what)
{
	if (what)
		buf_printf(out, "\n%s %s", clause, what);
}

/* What was built is on the disk before it is recorded as built. */
#define DURABLE                                              \
	"fsync_after_insert = 1, fsync_part_directory = 1, " \
	"min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1"

/* Columns of mirrored tables are Nullable where the source's are: keys may be of them. */
#define NULLABLE_KEY "allow_nullable_key = 1"

static void put_settings(struct buf *out, const char *settings, bool merges)
{
	const char *const own[][2] = {{"fsync_", DURABLE}, {"allow_nullable_key", NULLABLE_KEY}};
	const char *before = "\nSETTINGS ";

	for (size_t i = 0; merges && i < COUNT_OF(own); i++) {
		if (settings && strstr(settings, own[i][0]))
			continue;
		buf_printf(out, "%s%s", before, own[i][1]);
		before = ", ";
	}
	if (settings)
		buf_printf(out, "%s%s", before, settings);
}

static void put_spec(struct buf *out, const struct table_spec *spec)
{
	const char *engine = spec->engine ? spec->engine : "MergeTree";
	bool merges = strstr(engine, "MergeTree");

	buf_printf(out, "\nENGINE = %s", engine);
	put_clause(out, "PARTITION BY", spec->partition_by);
	put_clause(out, "PRIMARY KEY", spec->primary_key);
	put_clause(out, "ORDER BY", spec->order_by ? spec->order_by : merges ? "tuple()" : NULL);
	put_clause(out, "TTL", spec->ttl);
	put_settings(out, spec->settings, merges);
	put_comment(out, spec->comment);
}

static void create_table(struct buf *out, struct relation_name r, const struct table_spec *spec,
	const struct engine_columns *columns, const char *select)
{
	put_statement(out, "CREATE TABLE IF NOT EXISTS ", r, "");
	put_columns(out, columns, spec->parts, spec->n_parts);
	put_spec(out, spec);
	if (!columns)
		buf_printf(out, "\nEMPTY AS (\n%s\n)", select);
}

static void create_materialized_view(struct buf *out, struct relation_name r,
	const struct table_spec *spec, const char *refresh, const char *select)
{
	put_statement(out, "CREATE MATERIALIZED VIEW ", r, "");
	put_clause(out, "REFRESH", refresh);
	put_spec(out, spec);
	buf_printf(out, "\nAS\n%s\n", select);
}

static void change_query(struct buf *out, struct relation_name r, const char *select)
{
	put_statement(out, "ALTER TABLE ", r, " MODIFY QUERY");
	buf_printf(out, "\n%s\n", select);
}

static void await_refresh(struct buf *out, struct relation_name r)
{
	put_statement(out, "SYSTEM WAIT VIEW ", r, "");
}

static void followed(struct buf *out, struct relation_name r)
{
	buf_puts(out,
		"SELECT concat(database, '.', name), engine LIKE '%View' FROM system.tables WHERE "
		"arrayExists((d, t) -> d = ");
	put_text(out, r.database, strlen(r.database));
	buf_puts(out, " AND t = ");
	put_text(out, r.name, strlen(r.name));
	buf_puts(out, ", dependencies_database, dependencies_table)");
}

static void create_like(struct buf *out, struct relation_name r, struct relation_name like)
{
	put_statement(out, "CREATE TABLE IF NOT EXISTS ", r, " AS ");
	put_relation(out, like);
}

static void create_clone(struct buf *out, struct relation_name r, struct relation_name of)
{
	put_statement(out, "CREATE TABLE ", r, " CLONE AS ");
	put_relation(out, of);
}

static void insert(struct buf *out, struct relation_name r, const struct engine_columns *columns,
	const char *select)
{
	put_statement(out, "INSERT INTO ", r, "");
	if (columns) {
		buf_puts(out, " (");
		put_names(out, columns);
		buf_puts(out, ")");
	}
	if (select)
		buf_printf(out, "\n%s\n", select);
}

static void delete_where(struct buf *out, struct relation_name r, const char *condition)
{
	put_statement(out, "DELETE FROM ", r, " WHERE ");
	buf_puts(out, condition);
}

static void add_column(struct buf *out, struct relation_name r, const struct engine_column *c)
{
	put_statement(out, "ALTER TABLE ", r, " ADD COLUMN IF NOT EXISTS ");
	put_column(out, c);
}

static void drop_column(struct buf *out, struct relation_name r, const char *column)
{
	put_statement(out, "ALTER TABLE ", r, " DROP COLUMN IF EXISTS ");
	put_name(out, column);
}

static void change_column(struct buf *out, struct relation_name r, const struct engine_column *c)
{
	put_statement(out, "ALTER TABLE ", r, " MODIFY COLUMN ");
	put_column(out, c);
}

static void rename_relation(struct buf *out, struct relation_name r, struct relation_name to)
{
	put_statement(out, "RENAME TABLE ", r, " TO ");
	put_relation(out, to);
}

static void exchange(struct buf *out, struct relation_name a, struct relation_name b)
{
	put_statement(out, "EXCHANGE TABLES ", a, " AND ");
	put_relation(out, b);
}

static void replace_partition(
	struct buf *out, struct relation_name r, struct relation_name from, const char *id)
{
	put_statement(out, "ALTER TABLE ", r, " REPLACE PARTITION ID ");
	put_text(out, id, strlen(id));
	buf_puts(out, " FROM ");
	put_relation(out, from);
}

static void drop_partition(struct buf *out, struct relation_name r, const char *id)
{
	put_statement(out, "ALTER TABLE ", r, " DROP PARTITION ID ");
	put_text(out, id, strlen(id));
}

/* Without SYNC: that would wait for whoever still reads it. */
static void drop(struct buf *out, struct relation_name r, enum relation_kind kind)
{
	bool view = kind == RELATION_VIEW || kind == RELATION_MATERIALIZED_VIEW;
	put_statement(out, view ? "DROP VIEW IF EXISTS " : "DROP TABLE IF EXISTS ", r, "");
}

const char *format_name(enum export_format format)
{
	static const char *const names[] = {[EXPORT_PARQUET] = "Parquet",
		[EXPORT_CSV] = "CSVWithNames",
		[EXPORT_JSON_LINES] = "JSONEachRow"};
	return names[format];
}

static void write_object(struct buf *out, const struct object_target *target,
	enum export_format format, const char *select)
{
	const char *const arguments[] = {target->url, target->access_key_id,
		target->secret_access_key, target->session_token, format_name(format)};

	buf_puts(out, "INSERT INTO FUNCTION s3(");
	for (size_t i = 0; i < COUNT_OF(arguments); i++) {
		if (!arguments[i])
			continue;
		buf_puts(out, i ? ", " : "");
		put_text(out, arguments[i], strlen(arguments[i]));
	}
	buf_printf(out, ")\nSETTINGS s3_truncate_on_insert = 1, replace_running_query = 1\n%s\n",
		select);
}

static void same_expression(struct buf *out, const char *a, const char *b)
{
	const char *const expressions[] = {a, b};

	for (size_t i = 0; i < COUNT_OF(expressions); i++) {
		buf_puts(out, i ? " = " : "SELECT ");
		buf_puts(out, "formatQuerySingleLineOrNull(concat('SELECT tuple(', ");
		put_text(out, expressions[i], strlen(expressions[i]));
		buf_puts(out, ", ')'))");
	}
}

static void partitions_outside(struct buf *out, struct relation_name r, const char *const *ids,
	size_t n_ids, const char *condition)
{
	buf_printf(out,
		"SELECT _partition_id AS id, countIf(NOT ifNull((%s), 0)) AS outside\nFROM ",
		condition);
	put_relation(out, r);
	buf_puts(out, ids ? "\nWHERE " : "");
	for (size_t i = 0; i < n_ids; i++) {
		buf_puts(out, i ? ", " : "_partition_id IN (");
		put_text(out, ids[i], strlen(ids[i]));
	}
	buf_puts(out, n_ids ? ") OR " : "");
	if (ids) {
		buf_puts(out, "_partition_id IN (SELECT DISTINCT _partition_id FROM ");
		put_relation(out, r);
		buf_printf(out, " WHERE %s)", condition);
	}
	buf_puts(out, "\nGROUP BY id ORDER BY id");
}

static bool is_plain(const char *name)
{
	return (isalpha((unsigned char)*name) || *name == '_') &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") ==
		       strlen(name);
}

/* As put_period() says it: what else is the same is not known here. Of what is beyond their range toDate() and its
 * like give the nearest that is within. */
static bool splits_by(const char *by, const struct engine_column *column, enum period period,
	int64_t from_us, int64_t to_us)
{
	const int64_t first_us = 0, last_us = INT64_C(4102444800000000); /* 1970 to 2100 */
	struct buf usual;
	bool same = true;

	if (!is_plain(column->name) || !has_period(column, period) || from_us < first_us ||
		to_us > last_us)
		return false;
	buf_init(&usual, BUF_MAX);
	put_period(&usual, column, period);
	/* The engine writes a plain name without its quotes. */
	for (const char *at = buf_text(&usual); same && *at; at++)
		same = *at == '`' || *at == *by++;
	same = same && !*by;
	buf_release(&usual);
	return same;
}

const struct dialect clickhouse_dialect = {
	.name = put_name,
	.relation = put_relation,
	.text = put_text,
	.time = put_time,
	.has_period = has_period,
	.period = put_period,
	.exact_cast = clickhouse_exact_cast,
	.typed = clickhouse_typed,
	.rows = clickhouse_constants,
	.list = put_list,
	.map = put_map,
	.create_database = create_database,
	.create_view = create_view,
	.create_table = create_table,
	.create_materialized_view = create_materialized_view,
	.change_query = change_query,
	.await_refresh = await_refresh,
	.followed = followed,
	.create_like = create_like,
	.create_clone = create_clone,
	.insert = insert,
	.delete_where = delete_where,
	.add_column = add_column,
	.drop_column = drop_column,
	.wider_type = clickhouse_wider_type,
	.change_column = change_column,
	.rename = rename_relation,
	.exchange = exchange,
	.replace_partition = replace_partition,
	.drop_partition = drop_partition,
	.drop = drop,
	.write_object = write_object,
	.same_expression = same_expression,
	.history = clickhouse_history,
	.partitions_outside = partitions_outside,
	.splits_by = splits_by,
};
