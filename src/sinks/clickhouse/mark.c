/*
 * The mark of each stream, in a table beside the storages: a time that only rises. The state store has
 * it as well, so a server that was set back to an older copy is known by it; see core/sink.h.
 */
#include <inttypes.h>
#include <stdio.h>
#include "sinks/clickhouse/clickhouse.h"

#define STREAMS "_streams"

bool clickhouse_marked(struct sink *sink, const char *stream, int64_t *mark_us, struct error *err)
{
	const struct clickhouse_setting settings[] = {
		{"param_s", stream}, {"select_sequential_consistency", "1"}, {0}};
	struct clickhouse_sink *s = clickhouse_sink_of(sink);
	struct stored_table have;
	struct arena arena;
	struct rows rows;
	struct buf sql;

	*mark_us = 0;
	arena_init(&arena);
	bool ok = stored_table_get(s, s->cdc, STREAMS, &arena, &have, err);
	arena_release(&arena);
	if (!ok || !have.exists)
		return ok;
	buf_init(&sql, BUF_MAX);
	buf_puts(
		&sql, "SELECT toUInt64(greatest(toUnixTimestamp64Micro(max(marked_at)), 0)) FROM ");
	add_name(&sql, s->cdc, STREAMS);
	buf_puts(&sql, " WHERE stream = {s:String}");
	ok = rows_query(s, "u", buf_text(&sql), settings, &rows, err) ||
	     error_add(err, "%s." STREAMS, s->cdc);
	buf_release(&sql);
	if (!ok)
		return false;
	*mark_us = (int64_t)rows_number(&rows, 0, 0);
	rows_release(&rows);
	return true;
}

static bool create(struct clickhouse_sink *s, struct error *err)
{
	struct buf sql;

	if (!database_create(s, s->cdc, err))
		return false;
	buf_init(&sql, BUF_MAX);
	buf_puts(&sql, "CREATE TABLE IF NOT EXISTS ");
	add_name(&sql, s->cdc, STREAMS);
	buf_puts(&sql, " (stream String, marked_at DateTime64(6, 'UTC'))"
		       " ENGINE = ReplacingMergeTree(marked_at) ORDER BY stream" DURABLE
		       " COMMENT '{\"tailrace\":{\"kind\":\"streams\"}}'");
	bool ok = clickhouse_run(s->client, buf_text(&sql), err) ||
		  error_add(err, "cannot make table %s." STREAMS, s->cdc);
	buf_release(&sql);
	return ok;
}

bool clickhouse_mark(struct sink *sink, const char *stream, int64_t mark_us, struct error *err)
{
	struct clickhouse_sink *s = clickhouse_sink_of(sink);
	char mark[24];
	const struct clickhouse_setting settings[] = {{"param_s", stream}, {"param_m", mark}, {0}};
	struct buf sql;

	if (!create(s, err))
		return false;
	snprintf(mark, sizeof mark, "%" PRId64, mark_us);
	buf_init(&sql, BUF_MAX);
	buf_puts(&sql, "INSERT INTO ");
	add_name(&sql, s->cdc, STREAMS);
	buf_puts(&sql, " SELECT {s:String}, fromUnixTimestamp64Micro({m:Int64}, 'UTC')");
	struct clickhouse_query q = {.sql = buf_text(&sql), .settings = settings};
	bool ok = clickhouse_query(s->client, &q, err) || error_add(err, "%s." STREAMS, s->cdc);
	buf_release(&sql);
	return ok;
}
