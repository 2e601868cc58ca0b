/*
 * Chunks of a table: ranges of blocks of each of its leaves, and the fence that every chunk waits for.
 * The last range of a leaf has no end, so that rows that arrive meanwhile are within it. A chunk says
 * which file it was made for; where the leaf has another by then, its blocks mean nothing.
 */
#include <stdio.h>
#include "sources/postgres/chunk.h"
#include "sources/postgres/sql.h"

/* A chunk is a part of what is left of its leaf, so that the last ones are small and all connections end together. */
#define CHUNK_MOST   ((uint64_t)64 << 20)
#define CHUNK_LEAST  ((uint64_t)16 << 20)
#define CHUNK_SHARE  8
#define LOCK_TIMEOUT "10s"

/*
 * A standby cannot give out a transaction id. There, age() counts up to the first one that the log has not
 * named yet, in 32 bits; the snapshot knows the rest.
 */
bool pg_fence(PGconn *conn, uint64_t *xid, struct error *err)
{
	CLEANUP(pg_free_result)
	PGresult *result = pg_query(conn, err,
		"SELECT CASE WHEN pg_is_in_recovery() THEN ended + mod(mod(age('3'::xid)::bigint + "
		"2 - ended, 1::bigint << 32) + (1::bigint << 32), 1::bigint << 32)"
		" ELSE pg_current_xact_id()::text::bigint END"
		" FROM (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint - 1 AS ended) "
		"s");
	if (!result)
		return error_add(err, "taking the fence");
	*xid = pg_value_u64(result, 0, 0);
	return true;
}

bool pg_fence_holders(PGconn *conn, uint64_t xid, struct buf *text)
{
	/* By their locks: of others' sessions pg_stat_activity hides most from an ordinary role. */
	CLEANUP(pg_free_result)
	PGresult *holders = pg_query(conn, NULL,
		"SELECT what, opened FROM (SELECT 'pid ' || l.pid || ' (user ' || "
		"coalesce(a.usename, '?')"
		" || ', database ' || coalesce(a.datname, '?') || ', ' || coalesce(a.state, '?') "
		"|| ')'"
		" AS what, l.age, to_char(clock_timestamp() - a.xact_start, 'HH24:MI:SS') AS opened"
		" FROM (SELECT pid, max(age(transactionid)) AS age FROM pg_locks"
		" WHERE locktype = 'transactionid' AND granted AND pid <> pg_backend_pid() GROUP "
		"BY pid) l"
		" LEFT JOIN pg_stat_activity a ON a.pid = l.pid"
		" UNION ALL SELECT 'prepared transaction ' || quote_literal(gid) || ' (user ' || "
		"owner"
		" || ', database ' || database || ')', age(transaction),"
		" to_char(clock_timestamp() - prepared, 'HH24:MI:SS') FROM pg_prepared_xacts) t"
		" WHERE age >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint - %llu"
		" ORDER BY age DESC LIMIT 3",
		(unsigned long long)xid);
	int n = holders ? PQntuples(holders) : 0;
	for (int i = 0; i < n; i++)
		buf_printf(text, "%s%s%s%s", i ? "; " : "", pg_value(holders, i, 0),
			*pg_value(holders, i, 1) ? ", open for " : "", pg_value(holders, i, 1));
	return n > 0;
}

bool pg_chunk_parse(const struct chunk *chunk, struct pg_chunk *out, struct error *err)
{
	char to[24];
	unsigned long long from, fence;
	if (sscanf(chunk->spec, "leaf=%u part=%u file=%u from=%llu to=%23s fence=%llu", &out->leaf,
		    &out->part, &out->file, &from, to, &fence) != 6)
		return error_set(err, ERROR_BROKEN, "chunk \"%s\" is none of ours", chunk->spec);
	out->from = from;
	out->open_end = !strcmp(to, "end");
	out->to = out->open_end ? 0 : strtoull(to, NULL, 10);
	out->fence = fence;
	return true;
}

static void print_chunk(const struct pg_chunk *c, struct chunk *out)
{
	char to[24] = "end";
	if (!c->open_end)
		snprintf(to, sizeof to, "%llu", (unsigned long long)c->to);
	snprintf(out->spec, sizeof out->spec, "leaf=%u part=%u file=%u from=%llu to=%s fence=%llu",
		c->leaf, c->part, c->file, (unsigned long long)c->from, to,
		(unsigned long long)c->fence);
}

static void add_chunk(struct chunks *out, const struct pg_chunk *c)
{
	struct chunk chunk = {.number = (uint32_t)out->len};
	print_chunk(c, &chunk);
	vec_push(out, chunk);
}

static uint64_t chunk_blocks(uint64_t left, uint64_t block_size)
{
	uint64_t bytes = left * block_size / CHUNK_SHARE;
	bytes = bytes > CHUNK_MOST ? CHUNK_MOST : bytes < CHUNK_LEAST ? CHUNK_LEAST : bytes;
	return bytes / block_size;
}

/* Only a heap is sure to know ranges of ctid. */
static void cut_leaf(
	struct chunks *out, struct pg_chunk c, uint64_t blocks, uint64_t block_size, bool heap)
{
	uint64_t step = chunk_blocks(blocks, block_size);
	for (c.from = 0; heap && blocks - c.from > step + step / 2; c.from = c.to) {
		c.to = c.from + step;
		add_chunk(out, &c);
		step = chunk_blocks(blocks - c.to, block_size);
	}
	c.open_end = true;
	add_chunk(out, &c);
}

static bool plan(PGconn *conn, const struct table *table, struct chunks *out, struct error *err)
{
	struct pg_chunk c = {0};
	if (!pg_fence(conn, &c.fence, err) ||
		!pg_exec(conn, err, "SET lock_timeout = '" LOCK_TIMEOUT "'"))
		return false;
	CLEANUP(free_string) char *which = pg_tables_sql((uint32_t)table->source_id);
	CLEANUP(pg_free_result)
	PGresult *leaves = pg_query(conn, err,
		"WITH RECURSIVE " PG_TREE " SELECT c.oid, pg_relation_filenode(c.oid), "
		"pg_relation_size(c.oid) / b.size, b.size,"
		" m.amname = 'heap' FROM tree t JOIN pg_class c ON c.oid = t.oid"
		" LEFT JOIN pg_am m ON m.oid = c.relam,"
		" (SELECT current_setting('block_size')::bigint AS size) b"
		" WHERE c.relkind <> 'p' ORDER BY c.oid",
		which);
	if (!leaves)
		return error_add(err, "cutting %s.%s into chunks", table->schema, table->name);
	for (int row = 0; row < PQntuples(leaves); row++) {
		c.leaf = (uint32_t)pg_value_u64(leaves, row, 0);
		c.file = (uint32_t)pg_value_u64(leaves, row, 1);
		c.part = (uint32_t)row;
		cut_leaf(out, c, pg_value_u64(leaves, row, 2), pg_value_u64(leaves, row, 3),
			pg_value_bool(leaves, row, 4));
	}
	return pg_exec(conn, err, "SET lock_timeout = 0");
}

bool postgres_plan(
	struct source *source, const struct table *table, struct chunks *out, struct error *err)
{
	struct postgres *p = postgres_of(source);
	PGconn *conn = pg_take_connection(p, err);
	if (!conn)
		return false;
	out->len = 0;
	bool ok = plan(conn, table, out, err);
	pg_return_connection(p, conn, ok);
	return ok;
}

bool postgres_renew(struct source *source, struct chunks *chunks, struct error *err)
{
	struct postgres *p = postgres_of(source);
	uint64_t fence = 0;
	PGconn *conn = pg_take_connection(p, err);
	if (!conn)
		return false;
	bool ok = pg_fence(conn, &fence, err);
	pg_return_connection(p, conn, ok);
	vec_each (chunks, chunk) {
		struct pg_chunk c;
		if (!ok || !pg_chunk_parse(chunk, &c, err))
			return false;
		c.fence = fence;
		print_chunk(&c, chunk);
	}
	return ok;
}
