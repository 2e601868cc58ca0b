/*
 * A backlog is not streamed, where the server pays several system calls a row, but decoded within the
 * server and fetched by one COPY: peek, wait until it is durable, advance the slot, again. Each peek decodes
 * from restart_lsn, which moves rarely, so steps are large; their bound is the server's temporary disk, where
 * it keeps the result meanwhile. Where steps are no bargain (an old transaction pins restart_lsn, there is a limit
 * on temporary files) the backlog is streamed.
 */
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "formats/pgtype/pgwire.h"
#include "sources/postgres/wal.h"

#define HELD_MS      15000
#define HELD_LOOK_MS 20
#define LARGE_BYTES  (16 << 20)

static enum source_status failed(struct pg_log *log, const PGresult *result, struct error *err)
{
	pg_log_fail(log, result, err);
	return SOURCE_FAILED;
}

static enum source_status to_streaming(struct pg_log *log, const char *why)
{
	log_info("log is streamed", F("stream", log->p->source.name), F("reason", why));
	pg_log_disconnect(log);
	log->active_since_ms = 0;
	log->status_ms = log->status_ms ? log->status_ms : mono_ms();
	log->mode = LOG_OPEN;
	return SOURCE_MORE;
}

/* Waits for the next result. *out NULL: not yet. */
static bool await(struct pg_log *log, int64_t until_ms, PGresult **out, struct error *err)
{
	*out = NULL;
	while (PQisBusy(log->conn)) {
		if (!pg_log_wait(log, until_ms) && mono_ms() >= until_ms)
			return true;
		if (!PQconsumeInput(log->conn))
			return pg_log_fail(log, NULL, err);
	}
	*out = PQgetResult(log->conn);
	return *out || pg_log_fail(log, NULL, err);
}

static void end_query(struct pg_log *log)
{
	PGresult *result;
	while ((result = PQgetResult(log->conn)))
		PQclear(result);
}

static enum source_status send(
	struct pg_log *log, const char *sql, enum pg_log_mode next, struct error *err)
{
	if (!PQsendQuery(log->conn, sql))
		return failed(log, NULL, err);
	log->mode = next;
	return SOURCE_MORE;
}

/* The walsender that was left lets go of the slot in its own time. */
static enum source_status wait_for_slot(
	struct pg_log *log, int pid, int64_t until_ms, struct error *err)
{
	int64_t now_ms = mono_ms(), look_ms = now_ms + HELD_LOOK_MS;
	if (!log->active_since_ms)
		log->active_since_ms = now_ms;
	if (now_ms - log->active_since_ms > HELD_MS) {
		pg_slot_in_use(log->p, pid, err);
		return SOURCE_FAILED;
	}
	pg_log_wait(log, look_ms < until_ms ? look_ms : until_ms);
	return SOURCE_IDLE;
}

/* All that was read must be confirmed: peeking begins where the slot is, and the slot moves by hand here. */
static enum source_status settle(struct pg_log *log, int64_t until_ms, struct error *err)
{
	struct postgres *p = log->p;
	struct pg_slot slot;
	char to[PG_LSN_TEXT];
	while (atomic_load(&p->confirmed_lsn) < log->given) {
		pg_log_wait(log, until_ms);
		if (mono_ms() >= until_ms)
			break;
	}
	if (atomic_load(&p->confirmed_lsn) < log->given)
		return SOURCE_IDLE;
	if (!pg_slot_look(p, &slot, err))
		return SOURCE_FAILED;
	if (!slot.exists || slot.lost) {
		error_set(err, ERROR_GAP, "slot \"%s\" is %s", p->slot_name,
			slot.exists ? slot.why : "gone");
		return SOURCE_FAILED;
	}
	if (slot.active_pid)
		return wait_for_slot(log, slot.active_pid, until_ms, err);
	log->active_since_ms = 0;
	log->conn_replication = false;
	if (!log->conn && !(log->conn = pg_connect(p, false, err)))
		return SOURCE_FAILED;
	if (slot.confirmed_lsn >= log->given) { /* never beyond what is recorded */
		log->mode = LOG_DECIDE;
		return SOURCE_MORE;
	}
	if (failpoint("postgres.before_advance")) {
		error_set(err, ERROR_RETRY, "failpoint postgres.before_advance");
		return SOURCE_FAILED;
	}
	pg_lsn_print(log->given, to);
	CLEANUP(free_string)
	char *sql = xasprintf("SELECT pg_replication_slot_advance('%s', '%s')", p->slot_name, to);
	return send(log, sql, LOG_ADVANCE, err);
}

static enum source_status advance(struct pg_log *log, int64_t until_ms, struct error *err)
{
	CLEANUP(pg_free_result) PGresult *result = NULL;
	if (!await(log, until_ms, &result, err))
		return SOURCE_FAILED;
	if (!result)
		return SOURCE_IDLE;
	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		return failed(log, result, err);
	end_query(log);
	if (failpoint("postgres.after_advance")) {
		error_set(err, ERROR_RETRY, "failpoint postgres.after_advance");
		return SOURCE_FAILED;
	}
	log->mode = LOG_DECIDE;
	return SOURCE_MORE;
}

static enum source_status send_peek(struct pg_log *log, struct error *err)
{
	struct postgres *p = log->p;
	struct buf sql, names;
	char upto[PG_LSN_TEXT];
	pg_lsn_print(log->upto, upto);
	buf_init(&sql, BUF_MAX);
	buf_init(&names, BUF_MAX);
	pg_quote_name(&names, p->publication_name);
	buf_puts(&names, ",");
	pg_quote_name(&names, p->insert_publication_name);
	buf_printf(&sql,
		"COPY (SELECT lsn, data FROM pg_logical_slot_peek_binary_changes('%s', '%s', NULL,"
		" 'proto_version', '1', 'publication_names', ",
		p->slot_name, upto);
	pg_quote_literal(&sql, buf_text(&names));
	buf_printf(&sql, "%s)) TO STDOUT (FORMAT binary)", log->text ? "" : ", 'binary', 'true'");
	pgcopy_reset(&log->copy);
	log->apply.in_transaction = false;
	log->copying = false;
	enum source_status status = send(log, buf_text(&sql), LOG_PEEK, err);
	buf_release(&names);
	buf_release(&sql);
	return status;
}

static enum source_status decide(struct pg_log *log, struct error *err)
{
	struct postgres *p = log->p;
	struct pg_slot slot;
	uint64_t step = (uint64_t)p->bulk_step_bytes;
	CLEANUP(pg_free_result)
	PGresult *end = pg_query(p->control, err, "SELECT %s", pg_wal_end_sql(p));
	if (!end || !pg_slot_look(p, &slot, err))
		return SOURCE_FAILED;
	log->server_end = pg_lsn_parse(pg_value(end, 0, 0));
	uint64_t backlog = log->server_end > log->position ? log->server_end - log->position : 0;
	if (backlog < (uint64_t)p->bulk_bytes / 4 || !backlog)
		return to_streaming(log, "the backlog is small again");
	if (log->position > slot.restart_lsn && log->position - slot.restart_lsn > step) {
		log->bulk_off = true;
		return to_streaming(log, "an old transaction holds the slot's restart_lsn back");
	}
	log->upto = backlog > step ? log->position + step : log->server_end;
	return send_peek(log, err);
}

/* The server has refused: temp_file_limit. */
static enum source_status refused(struct pg_log *log, PGresult *result, struct error *err)
{
	if (!pg_sqlstate_is(result, "53400"))
		return failed(log, result, err);
	log->bulk_off = true;
	return to_streaming(log, "the server's temp_file_limit does not let a step through");
}

static enum source_status end_peek(struct pg_log *log, struct bundle *bundle, struct error *err)
{
	CLEANUP(pg_free_result) PGresult *result = PQgetResult(log->conn);
	if (PQresultStatus(result) != PGRES_COMMAND_OK)
		return refused(log, result, err);
	end_query(log);
	if (log->copy.state != PGCOPY_AT_END || log->apply.in_transaction) {
		error_set(err, ERROR_BROKEN, "a peek ended in the middle");
		return SOURCE_FAILED;
	}
	if (failpoint("postgres.peeked")) {
		error_set(err, ERROR_RETRY, "failpoint postgres.peeked");
		return SOURCE_FAILED;
	}
	pg_log_reached(log, bundle, log->upto, 0);
	if (log->reopen) {
		log->reopen = false;
		pg_log_disconnect(log);
	}
	log->mode = LOG_SETTLE;
	return SOURCE_MORE;
}

static bool take_rows(
	struct pg_log *log, struct bundle *bundle, const char *data, size_t len, struct error *err)
{
	struct pg_cell cells[2];
	enum pgcopy_status status;
	pgcopy_feed(&log->copy, (const uint8_t *)data, len);
	while ((status = pgcopy_next(&log->copy, cells, COUNT_OF(cells), err)) == PGCOPY_ROW) {
		if (cells[0].kind != PG_CELL_BINARY || cells[0].len != 8 ||
			cells[1].kind != PG_CELL_BINARY)
			return error_set(
				err, ERROR_BROKEN, "a peeked change is not what it should be");
		if (!pg_apply_message(log, bundle, pg_load64(cells[0].data), cells[1].data,
			    cells[1].len, err))
			return false;
	}
	return status != PGCOPY_FAILED;
}

static enum source_status begin_copy(struct pg_log *log, int64_t until_ms, struct error *err)
{
	CLEANUP(pg_free_result) PGresult *result = NULL;
	if (!await(log, until_ms, &result, err))
		return SOURCE_FAILED;
	if (!result)
		return SOURCE_IDLE;
	if (PQresultStatus(result) != PGRES_COPY_OUT)
		return refused(log, result, err);
	log->copying = true;
	return SOURCE_MORE;
}

static enum source_status peek(
	struct pg_log *log, struct bundle *bundle, int64_t until_ms, struct error *err)
{
	bool got = false;
	if (!log->copying)
		return begin_copy(log, until_ms, err);
	for (;;) {
		char *data;
		int len = PQgetCopyData(log->conn, &data, 1);
		if (len == -1)
			return end_peek(log, bundle, err);
		if (len < 0)
			return failed(log, NULL, err);
		if (len > 0) {
			bool ok = take_rows(log, bundle, data, (size_t)len, err);
			PQfreemem(data);
			if (!ok)
				return SOURCE_FAILED;
			got = true;
			log->reopen = log->reopen || len > LARGE_BYTES;
			if (pg_log_check_full(log, bundle, (size_t)len))
				return SOURCE_MORE;
			continue;
		}
		bool readable = pg_log_wait(log, got ? mono_ms() : until_ms);
		if (!readable && (got || mono_ms() >= until_ms))
			return SOURCE_IDLE;
		if (readable && !PQconsumeInput(log->conn))
			return failed(log, NULL, err);
	}
}

enum source_status pg_bulk_read(
	struct pg_log *log, struct bundle *bundle, int64_t until_ms, struct error *err)
{
	switch (log->mode) {
	case LOG_SETTLE: return settle(log, until_ms, err);
	case LOG_ADVANCE: return advance(log, until_ms, err);
	case LOG_DECIDE: return decide(log, err);
	case LOG_PEEK: return peek(log, bundle, until_ms, err);
	case LOG_OPEN:
	case LOG_STREAM: break;
	}
	return SOURCE_MORE;
}
