/* See reader.h. */
#include "sources/postgres/reader.h"

#define LARGE_MESSAGE ((size_t)8 << 20)
#define CHECK_ROWS    256 /* the size of a batch is looked at after so many rows or bytes */
#define CHECK_BYTES   ((size_t)64 << 10)

/* NULLs let in: rows from before a column took none are still to be written. */
static bool is_readable_as(const struct type *now, const struct type *then)
{
	struct type type = *now;
	type.nullable = type.nullable || then->nullable;
	return type_equal(&type, then);
}

/* The columns of the caller's table in that of now. */
static bool find_columns(struct pg_reader *r, struct pg_column *columns, struct error *err)
{
	const struct table *now = r->relation->table;
	for (size_t i = 0; i < r->table->n_columns; i++) {
		const struct table_column *column = &r->table->columns[i];
		int found = table_column_by_attribute(now, column->attribute);
		if (found < 0)
			return error_set(err, ERROR_RETRY,
				"column %s is dropped in the source, and the stream has not come "
				"there",
				column->name);
		if (!is_readable_as(&now->columns[found].type, &column->type))
			return error_set(err, ERROR_RETRY,
				"column %s is of type %s in the source now, and the stream has not "
				"come there",
				column->name, now->columns[found].source_type);
		columns[i] = r->relation->columns[found];
		columns[i].not_null = columns[i].not_null && !column->type.nullable;
		r->names[i] = now->columns[found].name;
	}
	return true;
}

static bool init_rows(struct pg_reader *r, const struct pg_column *columns, struct error *err)
{
	pthread_rwlock_rdlock(&r->p->catalog_lock);
	bool ok = pg_rows_init(&r->rows, r->table, &r->p->catalog, columns, err);
	pthread_rwlock_unlock(&r->p->catalog_lock);
	if (!ok)
		r->rows = (struct pg_rows){0};
	return ok;
}

enum pg_reader_status pg_reader_init(struct pg_reader *r, struct postgres *p, PGconn *conn,
	struct table *table, struct error *err)
{
	*r = (struct pg_reader){.p = p, .conn = conn, .table = table};
	r->meta = (struct row_meta){.version = version_copied(p->source.epoch), .op = OP_COPY};
	r->relation = pg_relation_load(p, conn, (uint32_t)table->source_id, err);
	if (!r->relation)
		return err->kind == ERROR_NONE ? PG_READER_GONE : PG_READER_FAILED;
	if (r->relation->table->problem) {
		error_set(err, ERROR_TABLE, "%s", r->relation->table->problem);
		return PG_READER_FAILED;
	}
	struct pg_column *columns = xcalloc(table->n_columns + 1, sizeof *columns);
	r->names = xcalloc(table->n_columns + 1, sizeof *r->names);
	r->cells = xcalloc(table->n_columns + 1, sizeof *r->cells);
	enum pg_reader_status status = PG_READER_READY;
	if (!find_columns(r, columns, err))
		status = PG_READER_AHEAD;
	else if (!init_rows(r, columns, err))
		status = PG_READER_FAILED;
	free(columns);
	return status;
}

void pg_reader_release(struct pg_reader *r)
{
	if (r->rows.table)
		pg_rows_release(&r->rows);
	pg_relation_free(r->relation);
	free(r->names);
	free(r->cells);
	*r = (struct pg_reader){0};
}

bool pg_reader_reusable(const struct pg_reader *r)
{
	return r->largest_message < LARGE_MESSAGE;
}

static void select_column(const struct pg_reader *r, size_t i, struct buf *sql)
{
	const struct pg_codec *codec = &r->rows.codecs[i];
	struct buf name;
	if (codec->ignored) {
		/* Under a rule that gives a constant: what is not needed is not even read. */
		buf_puts(sql, "''");
		return;
	}
	buf_init(&name, BUF_MAX);
	buf_puts(&name, "t.");
	pg_quote_name(&name, r->names[i]);
	if (codec->cast_in_copy)
		buf_printf(sql, PG_COPY_AS_TEXT, buf_text(&name), buf_text(&name));
	else
		buf_puts(sql, buf_text(&name));
	buf_release(&name);
}

void pg_reader_select(const struct pg_reader *r, struct buf *sql)
{
	buf_puts(sql, "COPY (SELECT ");
	if (r->with_ctid)
		buf_puts(sql, "t.ctid, ");
	for (size_t i = 0; i < r->table->n_columns; i++) {
		buf_puts(sql, i ? ", " : "");
		select_column(r, i, sql);
	}
}

void pg_reader_where(const struct pg_reader *r, struct buf *sql, const char *before)
{
	const char *where = r->table->options ? r->table->options->where : NULL;
	if (where && *where)
		buf_printf(sql, "%s(%s)", before, where);
}

/* Block and line of a tid, below the WAL position of any commit: see version.h. */
static version_t version_of_ctid(const struct pg_reader *r, const struct pg_cell *cell)
{
	uint64_t ctid = 0;
	for (uint32_t i = 0; i < cell->len && i < 6; i++)
		ctid = ctid << 8 | cell->data[i];
	return r->meta.version + ((version_t)r->part << 48) + ctid;
}

static bool append_row(
	struct pg_reader *r, struct pg_cell *cells, struct batch *batch, struct error *err)
{
	struct row_meta meta = r->meta;
	if (r->with_ctid)
		meta.version = version_of_ctid(r, cells++);
	for (size_t i = 0; i < r->table->n_columns; i++)
		if (cells[i].kind == PG_CELL_BINARY &&
			(r->rows.codecs[i].cast_in_copy || r->rows.codecs[i].ignored))
			cells[i].kind = PG_CELL_TEXT;
	return pg_rows_append(&r->rows, batch, cells, &meta, err);
}

static bool append_message(struct pg_reader *r, struct pgcopy *copy, const char *data, size_t len,
	struct batch *batch, struct error *err)
{
	enum pgcopy_status status;
	pgcopy_feed(copy, (const uint8_t *)data, len);
	while ((status = pgcopy_next(copy, r->cells, r->table->n_columns + r->with_ctid, err)) ==
		PGCOPY_ROW)
		if (!append_row(r, r->cells, batch, err))
			return false;
	return status != PGCOPY_FAILED;
}

static bool hand_on(struct batch *batch, struct batch_taker *taker, struct error *err)
{
	return (!batch->rows && !batch->aside.len) || taker->take(taker, batch, err);
}

static bool batch_is_full(const struct source *source, const struct batch *batch)
{
	return (int64_t)batch->rows >= source->batch_rows ||
	       (int64_t)batch_bytes(batch) >= source->copy_bytes;
}

/* One row a message. */
static bool read_messages(struct pg_reader *r, struct pgcopy *copy, struct batch *batch,
	struct batch_taker *taker, struct error *err)
{
	size_t bytes = 0, rows = 0;
	char *data;
	int len;
	while ((len = PQgetCopyData(r->conn, &data, 0)) > 0) {
		bool ok = append_message(r, copy, data, (size_t)len, batch, err);
		PQfreemem(data);
		if (!ok)
			return false;
		if ((size_t)len > r->largest_message)
			r->largest_message = (size_t)len;
		bytes += (size_t)len;
		if (!taker || (++rows < CHECK_ROWS && bytes < CHECK_BYTES))
			continue;
		rows = bytes = 0;
		if (batch_is_full(&r->p->source, batch) && !taker->take(taker, batch, err))
			return false;
	}
	if (len == -2)
		return error_set(
			err, ERROR_RETRY, "connection to PostgreSQL: %s", PQerrorMessage(r->conn));
	return true;
}

/* After the data: the command's own end, which alone says that nothing is missing. */
static bool end_copy(struct pg_reader *r, const struct pgcopy *copy, struct error *err)
{
	bool ok = true;
	PGresult *result;
	while ((result = PQgetResult(r->conn))) {
		if (ok && PQresultStatus(result) != PGRES_COMMAND_OK)
			ok = pg_fail(r->conn, result, err);
		PQclear(result);
	}
	if (ok && copy->state != PGCOPY_AT_END)
		ok = error_set(err, ERROR_RETRY, "a COPY ended before its trailer");
	return ok;
}

/* What was looked up in the catalog may have another name by now. */
static bool start_copy(struct pg_reader *r, struct buf *sql, struct error *err)
{
	buf_puts(sql, ") TO STDOUT (FORMAT binary)");
	CLEANUP(pg_free_result) PGresult *started = PQexec(r->conn, buf_text(sql));
	if (PQresultStatus(started) == PGRES_COPY_OUT)
		return true;
	pg_fail(r->conn, started, err);
	if (pg_sqlstate_is(started, "42703") || pg_sqlstate_is(started, "42P01"))
		err->kind = ERROR_RETRY;
	return false;
}

bool pg_reader_run(struct pg_reader *r, struct buf *sql, struct batch *batch,
	struct batch_taker *taker, struct error *err)
{
	struct pgcopy copy;
	if (!start_copy(r, sql, err))
		return false;
	pgcopy_init(&copy);
	bool ok = read_messages(r, &copy, batch, taker, err) && end_copy(r, &copy, err);
	pgcopy_release(&copy);
	return ok && (!taker || hand_on(batch, taker, err));
}
