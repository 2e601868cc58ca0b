/*
 * Messages of pgoutput to rows of a bundle. A row's version is made of the place of its transaction's
 * commit and of its own WAL record (core/version.h), which are the same whether the message was streamed or
 * peeked, today or again tomorrow. Rows of tables that are not mirrored are counted, for the
 * ordinals' sake, and left out.
 */
#include <stdio.h>
#include "base/log.h"
#include "sources/postgres/wal.h"

void pg_apply_release(struct pg_apply *a)
{
	free(a->cells);
	free(a->old_cells);
	*a = (struct pg_apply){0};
}

static void ensure_cells(struct pg_apply *a, size_t n)
{
	if (n <= a->n_cells)
		return;
	a->n_cells = n + n / 2;
	a->cells = xrealloc(a->cells, a->n_cells * sizeof *a->cells);
	a->old_cells = xrealloc(a->old_cells, a->n_cells * sizeof *a->old_cells);
}

static bool begin(struct pg_apply *a, const struct pgoutput_begin *m, struct error *err)
{
	if (a->in_transaction)
		return error_set(err, ERROR_BROKEN, "the log begins a transaction within another");
	a->in_transaction = true;
	a->commit_lsn = m->commit_lsn;
	a->commit_time_us = m->commit_time_us;
	a->xid = m->xid;
	a->record_lsn = a->ordinal = 0;
	a->order = 0;
	return true;
}

static bool commit(struct pg_log *log, struct bundle *bundle, const struct pgoutput_commit *m,
	struct error *err)
{
	struct pg_apply *a = &log->apply;
	if (!a->in_transaction || a->commit_lsn != m->commit_lsn)
		return error_set(
			err, ERROR_BROKEN, "the log ends a transaction that it did not begin");
	a->in_transaction = false;
	bundle->transactions++;
	pg_log_reached(log, bundle, m->end_lsn, m->commit_time_us);
	return true;
}

static bool said_broken(const struct bundle *bundle, const struct table *table)
{
	vec_each (&bundle->items, item)
		if (item->kind == BUNDLE_BROKEN && item->table->source_id == table->source_id)
			return true;
	return false;
}

/* A row that cannot be taken breaks its table, and no other. Said once a bundle: the table may be mended, and
 * copied anew, in between. */
static bool break_table(
	struct pg_log *log, struct bundle *bundle, const struct pg_tracked *t, struct error *err)
{
	if (!error_is_of_table(err))
		return false;
	if (t->relation && !said_broken(bundle, t->relation->table)) {
		struct bundle_item *item = bundle_add(bundle, BUNDLE_BROKEN, t->relation->table);
		snprintf(item->reason, sizeof item->reason, "%.250s", err->text);
		log_error("table cannot go on", F("stream", log->p->source.name),
			F("table", t->relation->sql_name), F("reason", err->text));
	}
	error_clear(err);
	return true;
}

/* The table of a row, ready to decode; NULL when its rows are left out. */
static bool find_table(struct pg_log *log, struct bundle *bundle, uint32_t oid,
	struct pg_tracked **out, struct error *err)
{
	struct pg_apply *a = &log->apply;
	struct pg_tracked *t = a->latest && a->latest->oid == oid ? a->latest
								  : pg_tracked_get(log, oid);
	bool unsettled = t->lost ? a->commit_lsn >= t->lost_until : !t->settled;

	a->latest = t;
	*out = NULL;
	if (unsettled && !pg_tracked_settle(log, bundle, t, err) &&
		!break_table(log, bundle, t, err))
		return false;
	if (t->relation && t->settled && !t->lost && !t->relation->table->problem)
		*out = t;
	return true;
}

static bool read_cells(const struct pg_tracked *t, const struct pgoutput_tuple *tuple,
	struct pg_cell *cells, struct error *err)
{
	struct pgoutput_map map = {t->map, t->message.n};
	size_t n = t->relation->table->n_columns;
	if (!pgoutput_cells(tuple, &map, cells, n, err))
		return false;
	for (size_t i = 0; t->fill_null && i < n; i++)
		if (cells[i].kind == PG_CELL_ABSENT)
			cells[i].kind = PG_CELL_NULL;
	return true;
}

struct row {
	struct pg_log *log;
	struct bundle *bundle;
	struct pg_tracked *table;
	struct pg_relation *relation; /* that it is given out as a row of */
	struct row_meta meta;
};

/* The row as it was, where somebody wants it. What of it cannot be had leaves it unknown. */
static void append_before(struct row *r, struct batch *batch, const struct pg_cell *old)
{
	struct row_meta meta = r->meta;
	struct error ignored = {0};
	struct batch *before = batch_before_upto(batch, batch->rows - 1);
	meta.op = OP_UPDATE; /* all of its columns count */
	if (!pg_rows_append(&r->relation->rows, before, old, &meta, &ignored))
		batch_abort_row(before);
	before->aside.len = 0;
}

/* A row that was set aside is no longer what the target shows of its key, which would be taken for the present one. */
static bool bury(struct row *r, struct batch *batch, const struct pg_cell *cells, struct error *err)
{
	size_t aside = batch->aside.len;
	r->meta.op = OP_DELETE;
	bool ok = pg_rows_append(&r->relation->rows, batch, cells, &r->meta, err);
	batch->aside.len = aside; /* a key that cannot be held was never there */
	return ok;
}

/* `old`: the whole row as it was; NULL: not known. */
static bool append(struct row *r, const struct pg_cell *cells, enum row_op op,
	const struct pg_cell *old, struct error *err)
{
	struct table *table = r->relation->table;
	struct batch *batch = bundle_batch(r->bundle, table);
	size_t rows = batch->rows;
	r->meta.op = (char)op;
	r->meta.order = ++r->log->apply.order;
	if (!pg_rows_append(&r->relation->rows, batch, cells, &r->meta, err))
		return break_table(r->log, r->bundle, r->table, err);
	bool aside = batch->rows == rows;
	if (aside && op == OP_UPDATE && table->n_key && !bury(r, batch, cells, err))
		return break_table(r->log, r->bundle, r->table, err);
	if (old && r->log->p->source.want_before && !aside)
		append_before(r, batch, old);
	if ((int64_t)batch->rows >= r->log->p->source.batch_rows)
		r->log->full = true;
	return true;
}

static void take_back(struct batch *batch, size_t rows)
{
	batch->rows = rows;
	batch->meta.len = rows * sizeof(struct row_meta);
	batch_abort_row(batch);
	if (batch->before && batch->before->rows > rows)
		take_back(batch->before, rows);
}

/* Keys whose bytes differ may still be one key once decoded (1.0 and 1.00): then there is no old row to bury. */
static bool change_key(struct row *r, const struct pg_cell *old, struct error *err)
{
	const struct pg_apply *a = &r->log->apply;
	struct table *table = r->relation->table;
	size_t before = bundle_batch(r->bundle, table)->rows;
	if (!append(r, a->old_cells, OP_KEY_CHANGED, old, err) ||
		!append(r, a->cells, OP_UPDATE, NULL, err))
		return false;
	struct batch *batch = bundle_batch(r->bundle, table);
	if (batch->rows != before + 2 || batch_meta(batch)[before + 1].op != OP_UPDATE ||
		!batch_key_equal(batch, before, batch, before + 1))
		return true;
	take_back(batch, before);
	r->log->apply.order -= 2;
	return append(r, a->cells, OP_UPDATE, old, err);
}

/* The new row has been read. */
static bool update(struct row *r, const struct pgoutput_change *m, struct error *err)
{
	struct pg_apply *a = &r->log->apply;
	const struct pg_rows *rows = &r->relation->rows;
	if (!m->old_kind)
		return append(r, a->cells, OP_UPDATE, NULL, err);
	if (!read_cells(r->table, &m->old, a->old_cells, err))
		return false;
	bool same_key = pg_rows_same_key(rows, a->old_cells, a->cells);
	pg_rows_fill(rows, a->cells, a->old_cells); /* of 'K', key columns alone have a value */
	const struct pg_cell *old = m->old_kind == 'O' ? a->old_cells : NULL;
	if (same_key)
		return append(r, a->cells, OP_UPDATE, old, err);
	return change_key(r, old, err);
}

/* A row that is left out will be copied; one that is gone will not, and who keeps a log must be told. It is, unless
 * the key is not what it was. */
static bool leave_out(struct row *r, struct pg_tracked *t, enum pgoutput_kind kind,
	const struct pgoutput_change *m, struct error *err)
{
	struct pg_apply *a = &r->log->apply;
	if (!r->log->p->source.into_log || !t->lost || kind == PGOUTPUT_INSERT || !m->old_kind)
		return true;
	r->table = t;
	r->relation = pg_tracked_map_key(t);
	if (!r->relation)
		return true;
	struct pgoutput_map map = {t->map, t->message.n};
	size_t n = r->relation->table->n_columns;
	ensure_cells(a, n);
	if (!pgoutput_cells(&m->old, &map, a->old_cells, n, err) ||
		(kind == PGOUTPUT_UPDATE && !pgoutput_cells(&m->new, &map, a->cells, n, err)))
		return false;
	if (kind == PGOUTPUT_UPDATE && pg_rows_same_key(&r->relation->rows, a->old_cells, a->cells))
		return true;
	return append(r, a->old_cells, OP_DELETE, NULL, err);
}

/* NOT NULL is the catalog's, which may be ahead of the log: what the log has, the column takes. */
static bool take_nulls(struct row *r, struct error *err)
{
	int column;
	while (!r->table->lost &&
		(column = pg_rows_refused_null(&r->relation->rows, r->log->apply.cells)) >= 0) {
		if (!pg_tracked_takes_null(r->log, r->bundle, r->table, column, err))
			return false;
		r->relation = r->table->relation;
	}
	return true;
}

static bool apply_row(
	struct row *r, enum pgoutput_kind kind, const struct pgoutput_change *m, struct error *err)
{
	struct pg_apply *a = &r->log->apply;
	ensure_cells(a, r->relation->table->n_columns);
	r->bundle->changes++;
	if (kind == PGOUTPUT_DELETE)
		return read_cells(r->table, &m->old, a->cells, err) &&
		       append(r, a->cells, OP_DELETE, m->old_kind == 'O' ? a->cells : NULL, err);
	if (!read_cells(r->table, &m->new, a->cells, err) || !take_nulls(r, err))
		return false;
	if (r->table->lost)
		return leave_out(r, r->table, kind, m, err);
	return kind == PGOUTPUT_INSERT ? append(r, a->cells, OP_INSERT, NULL, err)
				       : update(r, m, err);
}

static version_t next_version(struct pg_log *log, uint64_t lsn)
{
	struct pg_apply *a = &log->apply;
	a->ordinal = lsn == a->record_lsn ? a->ordinal + 1 : 0;
	a->record_lsn = lsn;
	return version_make(log->p->source.epoch, a->commit_lsn, lsn + a->ordinal);
}

static bool change(struct pg_log *log, struct bundle *bundle, uint64_t lsn,
	const struct pgoutput *m, struct error *err)
{
	struct pg_apply *a = &log->apply;
	struct row r = {.log = log, .bundle = bundle};
	if (!a->in_transaction)
		return error_set(err, ERROR_BROKEN, "the log has a row outside of a transaction");
	r.meta = (struct row_meta){
		.version = next_version(log, lsn),
		.commit_lsn = a->commit_lsn,
		.commit_time_us = a->commit_time_us,
		.xid = a->xid,
	};
	if (!find_table(log, bundle, m->change.relation, &r.table, err))
		return false;
	if (!r.table)
		return leave_out(&r, a->latest, m->kind, &m->change, err);
	r.relation = r.table->relation;
	return apply_row(&r, m->kind, &m->change, err) ||
	       error_add(err, "table %s", r.relation->sql_name);
}

static bool truncate_one(struct pg_log *log, struct bundle *bundle, uint64_t lsn,
	struct pg_tracked *t, struct error *err)
{
	if (!t || !t->relation || t->relation->table->problem)
		return true;
	if (!pg_tracked_truncated(log, t, err))
		return error_add(err, "table %s", t->relation->sql_name);
	struct pg_relation *given = t->lost ? t->seen : t->relation;
	struct bundle_item *item = bundle_add(bundle, BUNDLE_TRUNCATE, given->table);
	item->meta = (struct row_meta){
		.version = version_make(log->p->source.epoch, log->apply.commit_lsn, lsn),
		.commit_lsn = log->apply.commit_lsn,
		.commit_time_us = log->apply.commit_time_us,
		.xid = log->apply.xid,
		.order = ++log->apply.order,
		.op = 't',
	};
	bundle->changes++;
	return true;
}

static bool truncate_all(struct pg_log *log, struct bundle *bundle, uint64_t lsn,
	const struct pgoutput_truncate *m, struct error *err)
{
	if (!log->apply.in_transaction)
		return error_set(
			err, ERROR_BROKEN, "the log has a TRUNCATE outside of a transaction");
	for (uint32_t i = 0; i < m->n_relations; i++)
		if (!truncate_one(
			    log, bundle, lsn, pg_tracked_find(log, pgoutput_truncated(m, i)), err))
			return false;
	return true;
}

bool pg_apply_message(struct pg_log *log, struct bundle *bundle, uint64_t lsn, const uint8_t *data,
	size_t len, struct error *err)
{
	struct pgoutput m;
	if (!pgoutput_parse(data, len, &m, err))
		return false;
	switch (m.kind) {
	case PGOUTPUT_BEGIN: return begin(&log->apply, &m.begin, err);
	case PGOUTPUT_COMMIT: return commit(log, bundle, &m.commit, err);
	case PGOUTPUT_RELATION:
		pg_tracked_described(pg_tracked_get(log, m.relation.id), &m.relation);
		return true;
	case PGOUTPUT_INSERT:
	case PGOUTPUT_UPDATE:
	case PGOUTPUT_DELETE: return change(log, bundle, lsn, &m, err);
	case PGOUTPUT_TRUNCATE: return truncate_all(log, bundle, lsn, &m.truncate, err);
	case PGOUTPUT_ORIGIN:
	case PGOUTPUT_TYPE:
	case PGOUTPUT_MESSAGE: return true;
	}
	return true;
}
