/*
 * One chunk of a table, in its own short transaction (invariant 2): nothing is read before the fence is
 * behind every snapshot; then the leaf is locked against rewrites, its file compared with the chunk's,
 * and its rows copied. A row read here has a version below that of any streamed change.
 */
#include "sources/postgres/chunk.h"
#include "sources/postgres/reader.h"

#define LOCK_TIMEOUT "2s"

struct copying {
	struct postgres *p;
	PGconn *conn;
	struct table *table;
	struct pg_chunk chunk;
	struct batch_taker *taker;
	char *leaf; /* "schema"."name" */
	struct pg_reader reader;
	uint64_t lsn; /* of the reading */
	int64_t time_us;
};

/* A snapshot taken now sees every transaction from before the fence. */
static enum copy_status wait_for_fence(struct copying *c, struct error *err)
{
	CLEANUP(pg_free_result)
	PGresult *passed = pg_query(c->conn, err,
		"SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint > %llu",
		(unsigned long long)c->chunk.fence);
	if (!passed)
		return COPY_FAILED;
	if (pg_value_bool(passed, 0, 0))
		return COPY_DONE;
	struct buf holders;
	buf_init(&holders, BUF_MAX);
	pg_fence_holders(c->conn, c->chunk.fence, &holders);
	error_set(err, ERROR_RETRY,
		"waiting for transactions that were open before the copy began: %s",
		holders.len     ? buf_text(&holders)
		: c->p->standby ? "they are the primary's, whose pg_stat_activity and "
				  "pg_prepared_xacts name them"
				: "they are just ending");
	buf_release(&holders);
	return COPY_WAIT;
}

static enum copy_status find_leaf(struct copying *c, struct error *err)
{
	CLEANUP(pg_free_result)
	PGresult *found = pg_query(c->conn, err,
		"SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = "
		"c.relnamespace"
		" WHERE c.oid = %u AND coalesce(pg_partition_root(c.oid), c.oid) = %llu",
		c->chunk.leaf, (unsigned long long)c->table->source_id);
	if (!found)
		return COPY_FAILED;
	if (!PQntuples(found)) {
		error_set(err, ERROR_RETRY, "it is gone, or no longer a partition of its table");
		return COPY_STALE;
	}
	struct buf name;
	buf_init(&name, BUF_MAX);
	pg_quote_table(&name, pg_value(found, 0, 0), pg_value(found, 0, 1));
	c->leaf = xstrdup(buf_text(&name));
	buf_release(&name);
	return COPY_DONE;
}

/* Who keeps the lock from us. The transaction has failed by then: asked behind a ROLLBACK. */
static enum copy_status name_blockers(struct copying *c, struct error *err)
{
	CLEANUP(pg_free_result)
	PGresult *blockers = pg_query(c->conn, NULL,
		"SELECT string_agg(coalesce('pid ' || l.pid || ' (user ' || coalesce(a.usename, "
		"'?') || ', ' ||"
		" coalesce(a.state, '?') || ', open for ' ||"
		" coalesce(to_char(clock_timestamp() - a.xact_start, 'HH24:MI:SS'), '?') || ')',"
		" 'a prepared transaction'), '; ') FROM pg_locks l LEFT JOIN pg_stat_activity a ON "
		"a.pid = l.pid"
		" WHERE l.locktype = 'relation' AND l.relation = %u AND l.mode = "
		"'AccessExclusiveLock'",
		c->chunk.leaf);
	const char *who = blockers ? pg_value(blockers, 0, 0) : "";
	error_set(err, ERROR_RETRY, "waiting for a lock on %s that is held by %s", c->leaf,
		*who ? who : "a session that just ended");
	return COPY_WAIT;
}

static enum copy_status lock_leaf(struct copying *c, struct error *err)
{
	PGresult *locked = PQexec(c->conn, "SET LOCAL lock_timeout = '" LOCK_TIMEOUT "'");
	if (PQresultStatus(locked) == PGRES_COMMAND_OK) {
		CLEANUP(free_string)
		char *sql = xasprintf("LOCK TABLE ONLY %s IN ACCESS SHARE MODE", c->leaf);
		PQclear(locked);
		locked = PQexec(c->conn, sql);
	}
	enum copy_status status = COPY_DONE;
	if (pg_sqlstate_is(locked, "55P03")) {
		status = pg_exec(c->conn, err, "ROLLBACK") ? name_blockers(c, err) : COPY_FAILED;
	} else if (pg_sqlstate_is(locked, "42P01")) {
		status = COPY_STALE;
		error_set(err, ERROR_RETRY, "%s is gone", c->leaf);
	} else if (PQresultStatus(locked) != PGRES_COMMAND_OK) {
		status = COPY_FAILED;
		pg_fail(c->conn, locked, err);
	}
	PQclear(locked);
	return status;
}

/* Behind the lock, what is asked of the leaf stays so. */
static enum copy_status compare_file(struct copying *c, struct error *err)
{
	struct buf name;
	buf_init(&name, BUF_MAX);
	pg_quote_literal(&name, c->leaf);
	CLEANUP(pg_free_result)
	PGresult *leaf = pg_query(c->conn, err,
		"SELECT pg_relation_filenode(%u) = %u AND to_regclass(%s)::oid = %u"
		" AND coalesce(pg_partition_root(%u), %u) = %llu, %s,"
		" (extract(epoch FROM clock_timestamp()) * 1000000)::bigint",
		c->chunk.leaf, c->chunk.file, buf_text(&name), c->chunk.leaf, c->chunk.leaf,
		c->chunk.leaf, (unsigned long long)c->table->source_id,
		c->p->standby ? "pg_last_wal_replay_lsn()" : "pg_current_wal_insert_lsn()");
	buf_release(&name);
	if (!leaf)
		return COPY_FAILED;
	c->lsn = pg_lsn_parse(pg_value(leaf, 0, 1));
	c->time_us = (int64_t)pg_value_u64(leaf, 0, 2);
	if (pg_value_bool(leaf, 0, 0))
		return COPY_DONE;
	error_set(err, ERROR_RETRY, "%s was rewritten or renamed since the copy was planned",
		c->leaf);
	return COPY_STALE;
}

static enum copy_status prepare_reader(struct copying *c, struct error *err)
{
	enum copy_status status = COPY_FAILED;
	switch (pg_reader_init(&c->reader, c->p, c->conn, c->table, err)) {
	case PG_READER_READY: status = COPY_DONE; break;
	case PG_READER_GONE:
		status = COPY_STALE;
		error_set(err, ERROR_RETRY, "the table is gone, or no longer selected");
		break;
	case PG_READER_AHEAD: status = COPY_WAIT; break;
	case PG_READER_FAILED: break;
	}
	c->reader.meta.commit_lsn = c->lsn;
	c->reader.meta.commit_time_us = c->time_us;
	c->reader.with_ctid = !c->table->n_key;
	c->reader.part = c->chunk.part;
	return status;
}

static bool copy_rows(struct copying *c, struct error *err)
{
	struct buf sql;
	struct batch batch;
	buf_init(&sql, BUF_MAX);
	pg_reader_select(&c->reader, &sql);
	buf_printf(&sql, " FROM ONLY %s AS t", c->leaf);
	const char *before = " WHERE ";
	if (c->chunk.from > 0) {
		buf_printf(
			&sql, "%st.ctid >= '(%llu,0)'", before, (unsigned long long)c->chunk.from);
		before = " AND ";
	}
	if (!c->chunk.open_end) {
		buf_printf(&sql, "%st.ctid < '(%llu,0)'", before, (unsigned long long)c->chunk.to);
		before = " AND ";
	}
	pg_reader_where(&c->reader, &sql, before);
	batch_init(&batch, c->table);
	bool ok = pg_reader_run(&c->reader, &sql, &batch, c->taker, err);
	batch_release(&batch);
	buf_release(&sql);
	return ok;
}

static enum copy_status copy_chunk(struct copying *c, struct error *err)
{
	static enum copy_status (*const steps[])(struct copying *, struct error *) = {
		wait_for_fence, find_leaf, lock_leaf, compare_file, prepare_reader};
	if (!pg_exec(c->conn, err, "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY"))
		return COPY_FAILED;
	for (size_t i = 0; i < COUNT_OF(steps); i++) {
		enum copy_status status = steps[i](c, err);
		if (status != COPY_DONE)
			return status;
	}
	if (!copy_rows(c, err) || !pg_exec(c->conn, err, "COMMIT"))
		return COPY_FAILED;
	return COPY_DONE;
}

enum copy_status postgres_copy(struct source *source, struct table *table,
	const struct chunk *chunk, struct batch_taker *taker, struct error *err)
{
	struct copying c = {.p = postgres_of(source), .table = table, .taker = taker};
	if (!pg_chunk_parse(chunk, &c.chunk, err))
		return COPY_FAILED;
	c.conn = pg_take_connection(c.p, err);
	if (!c.conn)
		return COPY_FAILED;
	enum copy_status status = copy_chunk(&c, err);
	if (status != COPY_FAILED && PQtransactionStatus(c.conn) != PQTRANS_IDLE)
		PQclear(PQexec(c.conn, "ROLLBACK"));
	if (status != COPY_DONE)
		error_add(err, "copying %s.%s", table->schema, table->name);
	bool reusable = status != COPY_FAILED && pg_reader_reusable(&c.reader);
	pg_reader_release(&c.reader);
	pg_return_connection(c.p, c.conn, reusable);
	free(c.leaf);
	return status;
}
