/*
 * read(): whether the log is streamed or fetched in bulk, and what both ways share.
 *
 *	        ┌───────────────── backlog small again, or bulk is no bargain ─────────────┐
 *	        ▼                                                                          │
 *	LOG_OPEN ──► LOG_STREAM ──► backlog large ──► LOG_SETTLE ──► LOG_ADVANCE ──► LOG_DECIDE
 *	                                                  ▲                                │
 *	                                                  └────────── LOG_PEEK ◄───────────┘
 */
#include <poll.h>
#include <unistd.h>
#include "base/clock.h"
#include "sources/postgres/wal.h"

#define CHECK_BYTES ((size_t)64 << 10)
#define MORE_SHARE  8

const char *pg_wal_end_sql(const struct postgres *p)
{
	return p->standby ? "pg_last_wal_replay_lsn()" : "pg_current_wal_flush_lsn()";
}

void pg_log_disconnect(struct pg_log *log)
{
	pg_disconnect(&log->conn);
	pgcopy_release(&log->copy);
	pgcopy_init(&log->copy);
}

void pg_log_give(struct pg_log *log, struct bundle *bundle, int64_t commit_time_us)
{
	if (!commit_time_us && bundle->ended)
		commit_time_us = bundle->end.commit_time_us;
	pg_position(log->position, commit_time_us, &bundle->end);
	bundle->ended = true;
	if (!bundle->started_ms)
		bundle->started_ms = mono_ms();
	log->given = log->position;
	log->given_ms = mono_ms();
}

void pg_log_reached(struct pg_log *log, struct bundle *bundle, uint64_t lsn, int64_t commit_time_us)
{
	if (lsn > log->position)
		log->position = lsn;
	if (log->position > log->given)
		pg_log_give(log, bundle, commit_time_us);
}

bool pg_log_full(struct pg_log *log, const struct bundle *bundle)
{
	const struct source *source = &log->p->source;
	log->unchecked_bytes = 0;
	log->full = false;
	if ((int64_t)bundle_bytes(bundle) >= source->bundle_bytes)
		return true;
	vec_each (&bundle->items, item)
		if (item->kind == BUNDLE_ROWS && (int64_t)item->batch.rows >= source->batch_rows)
			return true;
	return false;
}

/* A little more is taken where a transaction ends by it: what is whole can be recorded. */
bool pg_log_check_full(struct pg_log *log, const struct bundle *bundle, size_t len)
{
	log->unchecked_bytes += len;
	if (!log->full && log->unchecked_bytes >= CHECK_BYTES)
		log->full = pg_log_full(log, bundle);
	return log->full &&
	       (!log->apply.in_transaction ||
		       (int64_t)log->unchecked_bytes >= log->p->source.bundle_bytes / MORE_SHARE);
}

bool pg_log_wait(struct pg_log *log, int64_t until_ms)
{
	int64_t left = until_ms - mono_ms();
	struct pollfd fds[] = {
		{.fd = log->wake_fd, .events = POLLIN},
		{.fd = log->conn ? PQsocket(log->conn) : -1, .events = POLLIN},
	};
	if (poll(fds, COUNT_OF(fds), left > 0 ? (int)left : 0) <= 0)
		return false;
	uint64_t count;
	if (fds[0].revents && read(log->wake_fd, &count, sizeof count) < 0)
		return fds[1].revents != 0;
	return fds[1].revents != 0;
}

static bool is_gap(const PGresult *result, const struct error *err)
{
	static const char *const lost[] = {
		"can no longer", "invalidated", "has already been removed"};
	for (size_t i = 0; i < COUNT_OF(lost); i++)
		if (strstr(err->text, lost[i]))
			return true;
	return pg_sqlstate_is(
		result, "42704"); /* no slot, or no publication at this place in the log */
}

bool pg_log_fail(struct pg_log *log, const PGresult *result, struct error *err)
{
	pg_fail(log->conn, result, err);
	if (is_gap(result, err))
		err->kind = ERROR_GAP;
	else if (pg_sqlstate_is(result,
			 "42883")) /* a type without a binary form: the next start sees it */
		err->kind = ERROR_RETRY;
	return error_add(err, "slot \"%s\"", log->p->slot_name);
}

static enum source_status read_stream(
	struct pg_log *log, struct bundle *bundle, int64_t until_ms, struct error *err)
{
	bool started = true;
	if (log->mode == LOG_OPEN && !pg_stream_open(log, &started, err))
		return SOURCE_FAILED;
	if (!started) {
		int64_t soon_ms = mono_ms() + 20;
		pg_log_wait(log, soon_ms < until_ms ? soon_ms : until_ms);
		return SOURCE_IDLE;
	}
	return pg_stream_read(log, bundle, until_ms, err);
}

enum source_status postgres_read(
	struct source *source, struct bundle *bundle, int wait_ms, struct error *err)
{
	struct pg_log *log = postgres_of(source)->log;
	int64_t until_ms = mono_ms() + wait_ms;
	enum source_status status;

	if (pg_log_full(
		    log, bundle)) /* held up downstream: the server only has to know that we live */
		status = log->mode != LOG_STREAM || pg_stream_status(log, false, err)
				 ? SOURCE_MORE
				 : SOURCE_FAILED;
	else if (!pg_watch_tick(log, bundle, err))
		status = SOURCE_FAILED;
	else if (log->mode == LOG_OPEN || log->mode == LOG_STREAM)
		status = read_stream(log, bundle, until_ms, err);
	else
		status = pg_bulk_read(log, bundle, until_ms, err);
	bundle->within = log->apply.in_transaction;
	if (status == SOURCE_FAILED)
		error_add(err, "source %s", source->name);
	return status;
}
