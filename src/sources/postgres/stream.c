/*
 * The live tail by the streaming replication protocol (PostgreSQL's manual, "Streaming Replication
 * Protocol"): XLogData and keepalives in, status updates out. The server sends a message a row and so
 * would wake us for each; while they come thick, we let them gather for a moment.
 */
#include <time.h>
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "formats/pgtype/pgwire.h"
#include "sources/postgres/wal.h"

#define CONFIRM_MS   100  /* the server hears of a confirmed position this soon */
#define IDLE_END_MS  1000 /* where nothing of ours happens, positions come this far apart */
#define HELD_MS      15000 /* a walsender of ours that was left takes up to 13 s to let go of the slot */
#define LARGE_BYTES  (16 << 20)
#define BUSY_WAKES   20 /* wakes within ... */
#define BUSY_SPAN_US 10000
#define BUSY_US      100000 /* ... make us gather for so long */
#define GATHER_US    500

#define DATA_HEADER    25 /* 'w', start, end of the log, time */
#define KEEPALIVE_SIZE 18 /* 'k', end of the log, time, reply wanted */
#define STATUS_SIZE    34 /* 'r', written, flushed, applied, time, reply wanted */

static void publication_names(const struct postgres *p, struct buf *sql)
{
	struct buf names;
	buf_init(&names, BUF_MAX);
	pg_quote_name(&names, p->publication_name);
	buf_puts(&names, ",");
	pg_quote_name(&names, p->insert_publication_name);
	pg_quote_literal(sql, buf_text(&names));
	buf_release(&names);
}

static PGresult *start_replication(struct pg_log *log)
{
	char from[PG_LSN_TEXT];
	struct buf sql;
	pg_lsn_print(log->position, from);
	buf_init(&sql, BUF_MAX);
	buf_printf(&sql,
		"START_REPLICATION SLOT \"%s\" LOGICAL %s (proto_version '1', publication_names ",
		log->p->slot_name, from);
	publication_names(log->p, &sql);
	buf_puts(&sql, log->text ? ")" : ", binary 'true')");
	PGresult *result = PQexec(log->conn, buf_text(&sql));
	buf_release(&sql);
	return result;
}

/* Another holds the slot. Just after a connection of ours was given up, its walsender may not have noticed. */
static bool slot_is_held(struct pg_log *log, struct error *err)
{
	struct pg_slot slot;
	int64_t now_ms = mono_ms();
	if (!log->active_since_ms)
		log->active_since_ms = now_ms;
	if (now_ms - log->active_since_ms < HELD_MS)
		return true;
	return pg_slot_look(log->p, &slot, err) && pg_slot_in_use(log->p, slot.active_pid, err);
}

bool pg_stream_open(struct pg_log *log, bool *started, struct error *err)
{
	*started = false;
	/* The first time there is no connection of ours that could be ending: whoever holds the slot is another. */
	bool first = log->mode == LOG_OPEN && !log->active_since_ms && !log->status_ms;
	if (log->mode == LOG_STREAM || !log->conn_replication)
		pg_log_disconnect(log);
	log->mode = LOG_OPEN;
	log->conn_replication = true;
	if (!log->conn && !(log->conn = pg_connect(log->p, true, err)))
		return false;
	CLEANUP(pg_free_result) PGresult *result = start_replication(log);
	if (PQresultStatus(result) != PGRES_COPY_BOTH) {
		if (pg_sqlstate_is(result, "55006") && !first)
			return slot_is_held(log, err);
		return pg_log_fail(log, result, err);
	}
	if (failpoint("postgres.streaming"))
		return error_set(err, ERROR_RETRY, "failpoint postgres.streaming");
	*started = true;
	log->mode = LOG_STREAM;
	log->reopen = log->want_bulk = false;
	log->active_since_ms = 0;
	log->apply.in_transaction = false;
	log->status_ms = mono_ms();
	log->status_lsn = 0;
	log->busy_until_us = 0;
	log_debug("streaming", F("stream", log->p->source.name), F("text", log->text));
	return true;
}

static void store64(uint8_t *to, uint64_t v)
{
	v = __builtin_bswap64(v);
	memcpy(to, &v, sizeof v);
}

static bool send_status(struct pg_log *log, struct error *err)
{
	uint64_t confirmed = atomic_load(&log->p->confirmed_lsn);
	uint8_t message[STATUS_SIZE] = {'r'};
	if (failpoint("postgres.before_confirm"))
		return error_set(err, ERROR_RETRY, "failpoint postgres.before_confirm");
	store64(message + 1, log->position > confirmed ? log->position : confirmed);
	store64(message + 9, confirmed);
	store64(message + 17, confirmed);
	store64(message + 25, (uint64_t)(wall_us() - PG_EPOCH_US));
	if (PQputCopyData(log->conn, (const char *)message, sizeof message) != 1 ||
		PQflush(log->conn) < 0)
		return pg_log_fail(log, NULL, err);
	log->status_lsn = confirmed;
	log->status_ms = mono_ms();
	return true;
}

bool pg_stream_status(struct pg_log *log, bool now, struct error *err)
{
	int64_t since_ms = mono_ms() - log->status_ms;
	bool moved = atomic_load(&log->p->confirmed_lsn) > log->status_lsn;
	if (!now && since_ms < log->status_every_ms && !(moved && since_ms >= CONFIRM_MS))
		return true;
	return send_status(log, err);
}

/* The server has sent all that it decoded up to here: where no transaction is open, that is a position. The slot moves
 * although nothing changes in our tables, if not with every keepalive. */
static void give_idle_end(struct pg_log *log, struct bundle *bundle, uint64_t end)
{
	if (log->apply.in_transaction)
		return;
	if (end > log->position)
		log->position = end;
	bool soon = !log->p->source.hurry && log->given_ms &&
		    mono_ms() - log->given_ms < IDLE_END_MS;
	if (log->position > log->given && (!soon || !bundle_empty(bundle)))
		pg_log_give(log, bundle, 0);
}

static bool take_keepalive(struct pg_log *log, struct bundle *bundle, const uint8_t *data,
	size_t len, struct error *err)
{
	if (len != KEEPALIVE_SIZE)
		return error_set(err, ERROR_BROKEN, "a keepalive of %zu bytes", len);
	give_idle_end(log, bundle, pg_load64(data + 1));
	return !data[17] || pg_stream_status(log, true, err);
}

static bool take_message(struct pg_log *log, struct bundle *bundle, const uint8_t *data, size_t len,
	struct error *err)
{
	if (len > LARGE_BYTES)
		log->reopen =
			true; /* libpq's buffer never shrinks: another connection gives the memory back */
	if (data[0] == 'k')
		return take_keepalive(log, bundle, data, len, err);
	if (data[0] != 'w' || len < DATA_HEADER)
		return error_set(err, ERROR_BROKEN,
			"the server streams a message '%c' of %zu bytes", data[0], len);
	return pg_apply_message(
		log, bundle, pg_load64(data + 1), data + DATA_HEADER, len - DATA_HEADER, err);
}

/* The server's last word. */
static bool ended(struct pg_log *log, struct error *err)
{
	CLEANUP(pg_free_result) PGresult *result = PQgetResult(log->conn);
	if (PQresultStatus(result) == PGRES_FATAL_ERROR)
		return pg_log_fail(log, result, err);
	return error_set(err, ERROR_RETRY, "the server ended the stream");
}

/* At the end of a transaction, something else may begin. *left: it did. */
static bool maybe_leave(struct pg_log *log, bool *left, struct error *err)
{
	bool started;
	*left = false;
	if (log->apply.in_transaction || (!log->reopen && !log->want_bulk))
		return true;
	*left = true;
	if (!pg_stream_status(log, true, err))
		return false;
	if (!log->want_bulk)
		return pg_stream_open(log, &started, err);
	log->want_bulk = false;
	log->mode = LOG_SETTLE;
	pg_log_disconnect(log);
	log_info("backlog is fetched in bulk", F("stream", log->p->source.name),
		F("bytes", log->server_end - log->position));
	return true;
}

enum taken { TAKEN_ALL, TAKEN_FULL, TAKEN_LEFT, TAKEN_FAILED };

/* The messages that are here. *count: how many. */
static enum taken take_messages(
	struct pg_log *log, struct bundle *bundle, size_t *count, struct error *err)
{
	char *data;
	int len;
	bool left;
	while ((len = PQgetCopyData(log->conn, &data, 1)) > 0) {
		bool ok = take_message(log, bundle, (const uint8_t *)data, (size_t)len, err);
		PQfreemem(data);
		if (!ok || !maybe_leave(log, &left, err))
			return TAKEN_FAILED;
		++*count;
		if (left)
			return TAKEN_LEFT;
		if (pg_log_check_full(log, bundle, (size_t)len))
			return TAKEN_FULL;
	}
	if (len == 0)
		return TAKEN_ALL;
	ended(log, err);
	return TAKEN_FAILED;
}

/* Wakes in quick succession mean that we are faster than the server: gather instead. */
static void count_wake(struct pg_log *log)
{
	int64_t now_us = mono_us();
	if (now_us - log->wakes_since_us > BUSY_SPAN_US) {
		log->wakes_since_us = now_us;
		log->wakes = 0;
	}
	if (++log->wakes >= BUSY_WAKES)
		log->busy_until_us = now_us + BUSY_US;
	if (now_us < log->busy_until_us)
		nanosleep(&(struct timespec){.tv_nsec = GATHER_US * 1000}, NULL);
}

enum source_status pg_stream_read(
	struct pg_log *log, struct bundle *bundle, int64_t until_ms, struct error *err)
{
	size_t count = 0;
	bool left;
	if (!maybe_leave(log, &left, err))
		return SOURCE_FAILED;
	while (!left) {
		enum taken taken = take_messages(log, bundle, &count, err);
		if (taken == TAKEN_FAILED)
			return SOURCE_FAILED;
		if (taken != TAKEN_ALL)
			return SOURCE_MORE;
		give_idle_end(log, bundle, 0);
		if (!pg_stream_status(log, false, err))
			return SOURCE_FAILED;
		int64_t now_ms = mono_ms();
		int64_t status_ms = log->status_ms + CONFIRM_MS;
		int64_t wait_ms = count                                        ? now_ms
				  : status_ms > now_ms && status_ms < until_ms ? status_ms
									       : until_ms;
		bool readable = pg_log_wait(log, wait_ms);
		if (!readable && (count || mono_ms() >= until_ms))
			return SOURCE_IDLE;
		if (readable) {
			count_wake(log);
			if (!PQconsumeInput(log->conn))
				return pg_log_fail(log, NULL, err), SOURCE_FAILED;
		}
	}
	return SOURCE_MORE;
}
