/*
 * Rows back out of the storage: by key, in key order, and their number. What is asked for goes
 * along as a temporary table in Native, so that every type of key is compared as it is, never as
 * text.
 *
 * A table that keeps its latest state is read with FINAL. Of a history the latest version of each
 * key is taken that no later TRUNCATE has removed, unless it is a delete.
 */
#include <stdio.h>
#include <string.h>
#include "formats/native/native.h"
#include "sinks/clickhouse/clickhouse.h"

#define FETCH_KEYS ((size_t)20000) /* in one statement */
#define KEYS       "keys"

/* A SELECT under way. */
struct reading {
	struct clickhouse_sink *sink;
	const struct landing *landing;
	enum storage_kind kind;
	char *storage;
	struct layout *layout;
	const struct stored_column **columns; /* of out's table */
	struct batch *out;
	struct buf sql, structure;
	struct error *err;
};

static const struct table *table_of(const struct reading *r)
{
	return r->out->table;
}

static void begin(struct reading *r, struct clickhouse_sink *s, const struct landing *landing,
	struct batch *out, struct error *err)
{
	*r = (struct reading){.sink = s, .landing = landing, .out = out, .err = err};
	buf_init(&r->sql, BUF_MAX);
	buf_init(&r->structure, BUF_MAX);
	r->kind = table_keeps(landing->table, STORAGE_ROWS) ? STORAGE_ROWS : STORAGE_LOG;
	r->storage = storage_name(s, landing, r->kind);
	r->columns = xcalloc(out->table->n_columns + 1, sizeof *r->columns);
}

static bool find_columns(struct reading *r)
{
	return layout_map(r->sink, r->storage, table_of(r), &r->layout, r->columns, r->err);
}

static void end(struct reading *r)
{
	if (r->layout)
		layout_put(r->sink, r->layout);
	free(r->storage);
	free(r->columns);
	buf_release(&r->sql);
	buf_release(&r->structure);
}

static const struct stored_column *key_column(const struct reading *r, size_t i)
{
	return r->columns[table_of(r)->key[i]];
}

static void add_key_list(struct reading *r)
{
	for (size_t i = 0; i < table_of(r)->n_key; i++) {
		buf_puts(&r->sql, i ? ", " : "");
		clickhouse_quote_name(key_column(r, i)->name, &r->sql);
	}
}

#define OPERATION "CAST(ascii(_op), 'UInt8')"

/* Does the storage have NULLs, of earlier versions at least, where the definition takes none any more? */
static bool has_more_nulls(const struct reading *r, size_t i)
{
	static const char plain[] = "Nullable(", symbol[] = "LowCardinality(Nullable(";
	const struct type *type = &table_of(r)->columns[i].type;
	const char *stored = r->columns[i]->type;

	return !type->nullable && !column_child_count(type->kind) &&
	       (!strncmp(stored, plain, sizeof plain - 1) ||
		       !strncmp(stored, symbol, sizeof symbol - 1));
}

/* What is not NULL is of the table's own type again once it has been read. */
static void take_nulls(struct column *column)
{
	if (!column->nulls.len && column->rows)
		memset(buf_extend(&column->nulls, column->rows), 0, column->rows);
	column->type.nullable = true;
}

static void settle_nulls(struct column *column)
{
	if (column->nulls.len && memchr(column->nulls.data, 1, column->nulls.len))
		return;
	buf_clear(&column->nulls);
	column->type.nullable = false;
}

/* Without aliases: one could hide a column of the source. */
static void add_select(struct reading *r)
{
	const struct table *t = table_of(r);
	struct buf wire;

	buf_init(&wire, BUF_MAX);
	buf_puts(&r->sql, "SELECT ");
	for (size_t i = 0; i < t->n_columns; i++) {
		struct type type = t->columns[i].type;
		type.nullable = type.nullable || has_more_nulls(r, i);
		buf_clear(&wire);
		native_type_print(&type, &wire);
		bool cast = strcmp(buf_text(&wire), r->columns[i]->type) != 0;
		buf_puts(&r->sql, cast ? "CAST(" : "");
		clickhouse_quote_name(r->columns[i]->name, &r->sql);
		if (cast) {
			buf_puts(&r->sql, ", ");
			add_text(&r->sql, buf_text(&wire));
			buf_puts(&r->sql, ")");
		}
		buf_puts(&r->sql, ",");
	}
	buf_puts(&r->sql, t->n_key ? "_version FROM " : "_version, " OPERATION " FROM ");
	buf_release(&wire);
}

/* The rows of the last TRUNCATE have default keys: the sorting key leads to them. */
static void add_truncated(struct reading *r)
{
	const struct table *t = table_of(r);

	buf_puts(&r->sql, "_version >= (SELECT max(_version) FROM ");
	add_name(&r->sql, r->sink->cdc, r->storage);
	buf_puts(&r->sql, " WHERE _op = 't'");
	for (size_t i = 0; i < t->n_key; i++) {
		buf_puts(&r->sql, " AND ");
		clickhouse_quote_name(key_column(r, i)->name, &r->sql);
		/* zero is not the server's default of a date */
		bool date = t->columns[t->key[i]].type.kind == TYPE_DATE;
		buf_puts(&r->sql, date ? " = CAST(0, " : " = defaultValueOfTypeName(");
		add_text(&r->sql, key_column(r, i)->type);
		buf_puts(&r->sql, ")");
	}
	buf_puts(&r->sql, ")");
}

/* Opens "live rows where ..."; the condition is put in by the caller, or "1", then close_rows(). */
static void open_rows(struct reading *r)
{
	if (r->kind == STORAGE_LOG)
		buf_puts(&r->sql, "(SELECT * FROM ");
	add_name(&r->sql, r->sink->cdc, r->storage);
	buf_puts(&r->sql, r->kind == STORAGE_LOG ? " WHERE " : " FINAL WHERE ");
	if (r->kind == STORAGE_LOG) {
		add_truncated(r);
		buf_puts(&r->sql, " AND ");
	}
}

static void close_rows(struct reading *r)
{
	if (r->kind == STORAGE_ROWS)
		return;
	buf_puts(&r->sql, " ORDER BY ");
	add_key_list(r);
	buf_puts(&r->sql, ", _version DESC LIMIT 1 BY ");
	add_key_list(r);
	buf_puts(&r->sql, ") WHERE _op NOT IN ('d', 't')");
}

/* The answer */

struct batch_taker_of_native {
	struct http_taker taker;
	struct native_decoder decoder;
};

static bool take_block(
	struct http_taker *taker, const uint8_t *bytes, size_t len, struct error *err)
{
	return native_decoder_push(
		&((struct batch_taker_of_native *)taker)->decoder, bytes, len, err);
}

static void commit_rows(
	struct batch *out, const struct buf *versions, const struct buf *ops, size_t rows)
{
	for (size_t i = 0; i < rows; i++) {
		struct row_meta meta = {.op = ops->len ? (char)ops->data[i] : OP_COPY};
		memcpy(&meta.version, versions->data + i * sizeof meta.version,
			sizeof meta.version);
		batch_commit_row(out, &meta);
	}
}

/* Runs the SELECT with the block as its temporary table; what it gives is appended to out, whole
 * or not at all. */
static bool run(struct reading *r, struct native_encoder *keys)
{
	struct batch *out = r->out;
	size_t n = out->table->n_columns;
	size_t n_targets = n + 1 + !out->table->n_key;
	struct native_target *targets = xcalloc(n_targets, sizeof *targets);
	struct batch_taker_of_native taker = {.taker.take = take_block};
	struct block_body body;
	struct buf versions, ops;

	buf_init(&versions, BUF_MAX);
	buf_init(&ops, BUF_MAX);
	for (size_t i = 0; i < n; i++) {
		targets[i].column = &out->columns[i];
		if (has_more_nulls(r, i))
			take_nulls(&out->columns[i]);
	}
	targets[n] = (struct native_target){
		.name = "_version", .type = "UInt128", .width = 16, .bytes = &versions};
	if (!out->table->n_key)
		targets[n + 1] = (struct native_target){.type = "UInt8", .width = 1, .bytes = &ops};
	native_decoder_init(&taker.decoder, targets, n_targets, BUF_MAX);
	uint64_t given;
	struct clickhouse_query q = {.sql = buf_text(&r->sql),
		.settings = settings_to_read,
		.taker = &taker.taker,
		.answer_rows = &given};
	if (keys) {
		block_body_init(&body, keys);
		q.table = &body.body;
		q.table_name = KEYS;
		q.table_structure = buf_text(&r->structure);
	}
	bool ok = clickhouse_query(r->sink->client, &q, r->err) &&
		  rows_end(&taker.decoder, given, r->err);
	if (ok)
		commit_rows(out, &versions, &ops, taker.decoder.rows);
	else if (r->err->kind == ERROR_DATA)
		r->err->kind = ERROR_TABLE; /* no row is at fault */
	if (!ok)
		error_add(r->err, "reading %s.%s", r->sink->cdc, r->storage);
	for (size_t i = 0; i < n; i++) {
		if (!ok)
			column_truncate(&out->columns[i], out->rows);
		if (has_more_nulls(r, i))
			settle_nulls(&out->columns[i]);
	}
	native_decoder_release(&taker.decoder);
	buf_release(&ops);
	buf_release(&versions);
	free(targets);
	return ok;
}

static void add_structure(struct reading *r, const struct table *t)
{
	for (size_t i = 0; i < t->n_key; i++) {
		buf_printf(&r->structure, "%sk%zu ", i ? ", " : "", i);
		native_type_print(&t->columns[t->key[i]].type, &r->structure);
	}
}

/* Fetch */

static void write_fetch(struct reading *r)
{
	size_t n_key = table_of(r)->n_key;

	add_select(r);
	open_rows(r);
	buf_puts(&r->sql, n_key > 1 ? "(" : "");
	add_key_list(r);
	buf_puts(&r->sql, n_key > 1 ? ") IN (SELECT " : " IN (SELECT ");
	for (size_t i = 0; i < n_key; i++)
		buf_printf(&r->sql, "%sk%zu", i ? ", " : "", i);
	buf_puts(&r->sql, " FROM " KEYS ")");
	close_rows(r);
	buf_puts(&r->sql, " FORMAT Native");
}

static bool fetch_slice(struct reading *r, const struct batch *keys, const uint32_t *rows, size_t n)
{
	const struct table *t = keys->table;
	struct native_encoder e;
	char name[24];

	native_encoder_init(&e, t->n_key, n, rows);
	for (size_t i = 0; i < t->n_key; i++) {
		snprintf(name, sizeof name, "k%zu", i);
		native_encoder_column(&e, name, &keys->columns[t->key[i]]);
	}
	bool ok = run(r, &e);
	native_encoder_release(&e);
	return ok;
}

bool clickhouse_fetch(struct sink *sink, const struct landing *landing, const struct batch *keys,
	struct batch *out, struct error *err)
{
	struct reading r;
	uint32_t *rows = xmalloc(FETCH_KEYS * sizeof *rows);

	begin(&r, clickhouse_sink_of(sink), landing, out, err);
	bool ok = out->table->n_key ||
		  error_set(err, ERROR_TABLE, "%s.%s has no key to find its rows by",
			  out->table->schema, out->table->name);
	ok = ok && find_columns(&r);
	if (ok) {
		write_fetch(&r);
		add_structure(&r, keys->table);
	}
	for (size_t from = 0; ok && from < keys->rows; from += FETCH_KEYS) {
		size_t n = keys->rows - from < FETCH_KEYS ? keys->rows - from : FETCH_KEYS;
		for (size_t i = 0; i < n; i++)
			rows[i] = (uint32_t)(from + i);
		ok = fetch_slice(&r, keys, rows, n);
	}
	end(&r);
	free(rows);
	return ok;
}

/* Scan */

enum { BOUND_AFTER, BOUND_UPTO };
static const struct type *key_type(const struct reading *r, size_t i)
{
	const struct table *t = table_of(r);
	return &t->columns[t->key[i]].type;
}

static void add_ordered(struct reading *r, size_t i)
{
	add_sorted(&r->sql, key_type(r, i), key_column(r, i)->name);
}

static void add_comparison(struct reading *r, size_t i, const char *sign, int bound)
{
	char name[24];

	add_ordered(r, i);
	buf_printf(&r->sql, " %s (SELECT ", sign);
	snprintf(name, sizeof name, "k%zu", i);
	add_sorted(&r->sql, key_type(r, i), name);
	buf_printf(&r->sql, " FROM " KEYS " WHERE bound = %d)", bound);
}

/* a >= A AND (a > A OR (a = A AND b >= B AND (b > B))): the plain comparisons let the index help.
 * `last` is the sign for the last column. */
static void add_bound(
	struct reading *r, int bound, const char *loose, const char *strict, const char *last)
{
	size_t n = table_of(r)->n_key;

	for (size_t i = 0; i + 1 < n; i++) {
		add_comparison(r, i, loose, bound);
		buf_puts(&r->sql, " AND (");
		add_comparison(r, i, strict, bound);
		buf_puts(&r->sql, " OR (");
		add_comparison(r, i, "=", bound);
		buf_puts(&r->sql, " AND ");
	}
	add_comparison(r, n - 1, last, bound);
	for (size_t i = 0; i + 1 < n; i++)
		buf_puts(&r->sql, "))");
}

static void write_scan(struct reading *r, const struct scan_range *range)
{
	add_select(r);
	open_rows(r);
	if (range->after)
		add_bound(r, BOUND_AFTER, ">=", ">", ">");
	if (range->after && range->upto)
		buf_puts(&r->sql, " AND ");
	if (range->upto)
		add_bound(r, BOUND_UPTO, "<=", "<", "<=");
	if (!range->after && !range->upto)
		buf_puts(&r->sql, "1");
	close_rows(r);
	buf_puts(&r->sql, " ORDER BY ");
	for (size_t i = 0; i < table_of(r)->n_key; i++) {
		buf_puts(&r->sql, i ? ", " : "");
		add_ordered(r, i);
	}
	buf_printf(&r->sql, " LIMIT %zu FORMAT Native", range->limit);
}

static bool scan_between(struct reading *r, const struct scan_range *range)
{
	static const uint8_t bounds[] = {BOUND_AFTER, BOUND_UPTO};
	const struct table *t = (range->after ? range->after : range->upto)->table;
	struct column *columns = xcalloc(t->n_key, sizeof *columns);
	size_t n = !!range->after + !!range->upto;
	struct native_encoder e;
	char name[24];

	add_structure(r, t);
	buf_puts(&r->structure, ", bound UInt8");
	native_encoder_init(&e, t->n_key + 1, n, NULL);
	for (size_t i = 0; i < t->n_key; i++) {
		column_init(&columns[i], &t->columns[t->key[i]].type);
		if (range->after)
			column_copy_row(&columns[i], &range->after->columns[t->key[i]], 0);
		if (range->upto)
			column_copy_row(&columns[i], &range->upto->columns[t->key[i]], 0);
		snprintf(name, sizeof name, "k%zu", i);
		native_encoder_column(&e, name, &columns[i]);
	}
	native_encoder_field(&e, &(struct native_field){.name = "bound",
					 .type = "UInt8",
					 .first = range->after ? &bounds[0] : &bounds[1],
					 .stride = 1,
					 .width = 1});
	bool ok = run(r, &e);
	native_encoder_release(&e);
	for (size_t i = 0; i < t->n_key; i++)
		column_release(&columns[i]);
	free(columns);
	return ok;
}

/* By their versions alone, which the storage is sorted by. */
static bool scan_keyless(struct reading *r, const struct scan_range *range)
{
	char version[VERSION_TEXT];

	add_select(r);
	add_name(&r->sql, r->sink->cdc, r->storage);
	buf_puts(&r->sql, " FINAL WHERE ");
	add_truncated(r);
	if (range->after) {
		version_print(batch_meta(range->after)[0].version, version);
		buf_printf(&r->sql, " AND _version > toUInt128('%s')", version);
	}
	buf_printf(
		&r->sql, " AND _op != 't' ORDER BY _version LIMIT %zu FORMAT Native", range->limit);
	return run(r, NULL);
}

bool clickhouse_scan(struct sink *sink, const struct landing *landing,
	const struct scan_range *range, struct batch *out, struct error *err)
{
	struct reading r;

	begin(&r, clickhouse_sink_of(sink), landing, out, err);
	bool ok = find_columns(&r);
	if (ok && !table_of(&r)->n_key) {
		ok = scan_keyless(&r, range);
	} else if (ok) {
		write_scan(&r, range);
		ok = range->after || range->upto ? scan_between(&r, range) : run(&r, NULL);
	}
	end(&r);
	return ok;
}

/* Count */

/* Without a key rows cannot be told apart: what came, less what was deleted, since the last
 * TRUNCATE. */
static void write_keyless_count(struct reading *r)
{
	buf_puts(&r->sql, "SELECT toUInt64(greatest(countIf(_op IN ('c', 'r')) - countIf(_op = "
			  "'d'), 0)) FROM ");
	add_name(&r->sql, r->sink->cdc, r->storage);
	buf_puts(&r->sql, " FINAL WHERE ");
	add_truncated(r);
}

static void write_count(struct reading *r)
{
	buf_puts(&r->sql, "SELECT count() FROM ");
	open_rows(r);
	buf_puts(&r->sql, "1");
	close_rows(r);
}

bool clickhouse_count(
	struct sink *sink, const struct landing *landing, uint64_t *count, struct error *err)
{
	struct reading r;
	struct batch shape;
	struct rows rows;

	batch_init(&shape, landing->table);
	begin(&r, clickhouse_sink_of(sink), landing, &shape, err);
	bool ok = find_columns(&r);
	if (ok && landing->table->n_key)
		write_count(&r);
	else if (ok)
		write_keyless_count(&r);
	ok = ok && (rows_query(r.sink, "u", buf_text(&r.sql), NULL, &rows, err) ||
			   error_add(err, "counting %s.%s", r.sink->cdc, r.storage));
	if (ok) {
		*count = rows_number(&rows, 0, 0);
		rows_release(&rows);
	}
	end(&r);
	batch_release(&shape);
	return ok;
}
