/*
 * Rows to the storages of a table, one block an insert, sorted; and TRUNCATE. Columns are found
 * by attribute, so rows of an older definition (a chunk of a copy, a replay) still go where they
 * belong.
 */
#include <stdio.h>
#include <string.h>
#include "base/failpoint.h"
#include "formats/native/native.h"
#include "sinks/clickhouse/clickhouse.h"
#include "sinks/clickhouse/order.h"

static size_t read_block(struct http_body *body, uint8_t *out, size_t room)
{
	struct block_body *b = (struct block_body *)body;
	size_t done = 0;

	while (done < room) {
		if (!b->left && !native_encoder_next(b->encoder, &b->data, &b->left))
			break;
		size_t n = b->left < room - done ? b->left : room - done;
		memcpy(out + done, b->data, n);
		b->data += n;
		b->left -= n;
		done += n;
	}
	return done;
}

static void rewind_block(struct http_body *body)
{
	struct block_body *b = (struct block_body *)body;

	b->left = 0;
	native_encoder_rewind(b->encoder);
}

void block_body_init(struct block_body *b, struct native_encoder *encoder)
{
	*b = (struct block_body){
		.body = {.read = read_block, .rewind = rewind_block}, .encoder = encoder};
}

bool insert_run(struct clickhouse_sink *s, const struct insert *insert, struct error *err)
{
	struct clickhouse_setting settings[N_SETTINGS_TO_INSERT];

	settings_to_insert(s, insert->gather, settings);
	struct clickhouse_query q = {.sql = insert->sql,
		.settings = settings,
		.rows = insert->rows,
		.cancelled = insert->cancelled};
	return clickhouse_query(s->client, &q, err);
}

bool insert_block(struct clickhouse_sink *s, const char *sql, struct native_encoder *encoder,
	struct error *err)
{
	struct block_body body;

	block_body_init(&body, encoder);
	return insert_run(s, &(struct insert){.sql = sql, .rows = &body.body}, err);
}

/* What an operation goes out as. */
static const uint8_t deleted_of[256] = {[OP_DELETE] = 1, [OP_KEY_CHANGED] = 1};
static const uint8_t op_of[256] = {[OP_INSERT] = 'c',
	[OP_UPDATE] = 'u',
	[OP_DELETE] = 'd',
	[OP_COPY] = 'r',
	[OP_KEY_CHANGED] = 'd',
	['t'] = 't'};

#define META(member) \
	(const uint8_t *)meta + offsetof(struct row_meta, member), .stride = sizeof *meta

static size_t meta_fields(
	const struct row_meta *meta, enum storage_kind kind, struct native_field out[5])
{
	size_t n = 0;

	out[n++] = (struct native_field){"_version", "UInt128", META(version), .width = 16};
	if (kind == STORAGE_ROWS) {
		out[n++] = (struct native_field){
			"_deleted", "UInt8", META(op), .width = 1, .map = deleted_of};
		return n;
	}
	out[n++] = (struct native_field){
		"_op", "FixedString(1)", META(op), .width = 1, .map = op_of};
	out[n++] = (struct native_field){"_commit_lsn", "UInt64", META(commit_lsn), .width = 8};
	out[n++] = (struct native_field){
		"_commit_time", "DateTime64(6, 'UTC')", META(commit_time_us), .width = 8};
	out[n++] = (struct native_field){"_xid", "UInt32", META(xid), .width = 4};
	return n;
}

void insert_statement(struct clickhouse_sink *s, const char *storage, struct buf *sql)
{
	buf_puts(sql, "INSERT INTO ");
	add_name(sql, s->cdc, storage);
	buf_puts(sql, " FORMAT Native");
}

void block_encode(struct native_encoder *e, const struct batch *b, enum storage_kind kind,
	const struct stored_column *const *columns, const struct order *order)
{
	struct native_field fields[5];
	size_t n_fields = meta_fields(batch_meta(b), kind, fields);
	size_t n_columns = b->table->n_columns;

	native_encoder_init(e, n_columns + n_fields, order->n, order->rows);
	for (size_t i = 0; i < n_columns; i++)
		native_encoder_column(e, columns[i]->name, &b->columns[i]);
	for (size_t i = 0; i < n_fields; i++)
		native_encoder_field(e, &fields[i]);
}

static bool send_rows(struct clickhouse_sink *s, const char *storage, enum storage_kind kind,
	const struct batch *b, const struct stored_column *const *columns,
	const struct order *order, struct error *err)
{
	struct native_encoder e;
	struct buf sql;

	block_encode(&e, b, kind, columns, order);
	buf_init(&sql, BUF_MAX);
	insert_statement(s, storage, &sql);
	bool ok = insert_block(s, buf_text(&sql), &e, err) ||
		  error_add(err, "%s.%s", s->cdc, storage);
	native_encoder_release(&e);
	buf_release(&sql);
	return ok;
}

/* Copied rows of a table without a key are told apart by their version alone: equal ones would be
 * merged. */
bool check_places(const struct batch *b, struct error *err)
{
	const struct row_meta *meta = batch_meta(b);

	for (size_t i = 0; i < b->rows && !b->table->n_key; i++)
		if (!(uint64_t)meta[i].version)
			return error_set(err, ERROR_BROKEN,
				"%s.%s has no key, and a copied row of it has no place in its "
				"version",
				b->table->schema, b->table->name);
	return true;
}

/* *stale: the storage has changed since its layout was read, by another process. */
static bool write_rows(struct clickhouse_sink *s, const char *storage, enum storage_kind kind,
	const struct batch *b, bool *stale, struct error *err)
{
	const struct table *t = b->table;
	const struct stored_column **columns = xcalloc(t->n_columns + 1, sizeof *columns);
	uint16_t *key = xcalloc(t->n_key + 1, sizeof *key);
	struct layout *layout;
	struct order order;

	*stale = false;
	bool ok = layout_map(s, storage, t, &layout, columns, err);
	if (ok) {
		selection_sort_key(t, key);
		order_init(&order, b, key, t->n_key, kind == STORAGE_ROWS);
		ok = send_rows(s, storage, kind, b, columns, &order, err);
		order_release(&order);
		layout_put(s, layout);
		*stale = !ok && err->kind == ERROR_TABLE;
		if (*stale)
			layout_forget(s, storage);
	}
	free(key);
	free(columns);
	return ok;
}

static bool write_storage(struct clickhouse_sink *s, const struct landing *landing,
	enum storage_kind kind, const struct batch *b, struct error *err)
{
	CLEANUP(free_string) char *storage = storage_name(s, landing, kind);
	bool stale, ok = write_rows(s, storage, kind, b, &stale, err);

	if (!ok && stale) {
		error_clear(err);
		ok = write_rows(s, storage, kind, b, &stale, err);
	}
	return ok;
}

bool clickhouse_write(
	struct sink *sink, const struct landing *landing, struct batch *b, struct error *err)
{
	struct clickhouse_sink *s = clickhouse_sink_of(sink);
	bool ok = check_places(b, err);

	for (enum storage_kind kind = 0; ok && b->rows && kind < N_STORAGE_KINDS; kind++) {
		if (table_keeps(landing->table, kind))
			ok = write_storage(s, landing, kind, b, err);
		failpoint("clickhouse.written");
	}
	return ok;
}

/* A mutation rewrites the parts that hold such rows, drops those that hold nothing else, and is
 * waited for. */
static bool delete_below(struct clickhouse_sink *s, const struct landing *landing, version_t below,
	struct error *err)
{
	CLEANUP(free_string) char *part = part_name(s, landing, STORAGE_ROWS);
	char version[VERSION_TEXT];
	struct buf sql;

	version_print(below, version);
	buf_init(&sql, BUF_MAX);
	buf_puts(&sql, "ALTER TABLE ");
	add_name(&sql, part_database(s), part);
	buf_printf(&sql, " DELETE WHERE _version < toUInt128('%s')", version);
	struct clickhouse_query q = {
		.sql = buf_text(&sql), .settings = settings_to_alter, .patient = true};
	bool ok = run_everywhere(s, &q, err) ||
		  error_add(err, "%s.%s: truncating", part_database(s), part);
	buf_release(&sql);
	return ok;
}

/* One row of operation 't' and no values; of a replay an equal one, which is merged with it. */
static bool log_truncate(struct clickhouse_sink *s, const struct landing *landing,
	const struct row_meta *meta, struct error *err)
{
	struct row_meta row = *meta;
	struct batch b;

	row.op = 't';
	batch_init(&b, landing->table);
	for (size_t i = 0; i < landing->table->n_columns; i++)
		column_add_default(&b.columns[i]);
	batch_commit_row(&b, &row);
	bool ok = write_storage(s, landing, STORAGE_LOG, &b, err);
	batch_release(&b);
	return ok;
}

bool clickhouse_truncate(struct sink *sink, const struct landing *landing,
	const struct row_meta *meta, struct error *err)
{
	struct clickhouse_sink *s = clickhouse_sink_of(sink);

	if (table_keeps(landing->table, STORAGE_ROWS) &&
		!delete_below(s, landing, meta->version, err))
		return false;
	return !table_keeps(landing->table, STORAGE_LOG) || log_truncate(s, landing, meta, err);
}
