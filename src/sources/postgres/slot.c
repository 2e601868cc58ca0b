/* The slot: looked at before each start, made when missing, dropped only to begin anew. */
#include <poll.h>
#include <stdio.h>
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "sources/postgres/wal.h"

#define MAKE_MS 60000 /* making a slot waits for every transaction that is open */
#define SAY_MS  5000  /* and says so when that takes a while */

bool pg_slot_look(struct postgres *p, struct pg_slot *out, struct error *err)
{
	*out = (struct pg_slot){0};
	CLEANUP(pg_free_result)
	PGresult *slot = pg_query(p->control, err,
		"SELECT coalesce(plugin, 'physical'), coalesce(database, ''), active_pid, "
		"confirmed_flush_lsn, restart_lsn,"
		" wal_status, database = current_database() AND plugin = 'pgoutput' AND NOT "
		"temporary%s"
		" FROM pg_replication_slots WHERE slot_name = '%s'",
		p->server_version >= 170000   ? ", invalidation_reason"
		: p->server_version >= 160000 ? ", CASE WHEN conflicting THEN 'rows_removed or "
						"wal_level_insufficient' END"
					      : ", NULL",
		p->slot_name);
	if (!slot)
		return false;
	if (!PQntuples(slot))
		return true;
	const char *reason = pg_value(slot, 0, 7);
	out->exists = true;
	out->active_pid = (int)pg_value_u64(slot, 0, 2);
	out->confirmed_lsn = pg_lsn_parse(pg_value(slot, 0, 3));
	out->restart_lsn = pg_lsn_parse(pg_value(slot, 0, 4));
	out->ours = pg_value_bool(slot, 0, 6);
	out->lost = out->ours &&
		    (!strcmp(pg_value(slot, 0, 5), "lost") || !out->restart_lsn || *reason);
	if (out->lost)
		snprintf(out->why, sizeof out->why, "%s",
			*reason ? reason : "the log it needs was removed (max_slot_wal_keep_size)");
	else
		snprintf(out->why, sizeof out->why, "it is of %.60s, database %.60s",
			pg_value(slot, 0, 0), pg_value(slot, 0, 1));
	return true;
}

bool pg_slot_in_use(struct postgres *p, int pid, struct error *err)
{
	CLEANUP(pg_free_result)
	PGresult *who = pg_query(p->control, NULL,
		"SELECT application_name, coalesce(host(client_addr), 'a local socket'), "
		"date_trunc('second', backend_start) FROM pg_stat_activity WHERE "
		"pid = %d",
		pid);
	bool known = who && PQntuples(who);
	CLEANUP(free_string)
	char *by = known ? xasprintf(" (%s from %s, since %s)", pg_value(who, 0, 0),
				   pg_value(who, 0, 1), pg_value(who, 0, 2))
			 : xstrdup("");
	return error_set(err, ERROR_RETRY,
		"slot \"%s\" is in use by pid %d%s; where that is another tailrace, end it, or "
		"give this one a slot of its own by `slot` of the connection",
		p->slot_name, pid, by);
}

/* Names what the slot waits for: transactions that are open now. */
static void name_open(struct postgres *p, struct buf *out)
{
	struct error ignored = {0};
	if (p->standby) {
		buf_puts(out, "those of the primary; a list of them comes with the log as long as "
			      "it is at work, on an idle one run SELECT pg_log_standby_snapshot()");
		return;
	}
	PGconn *conn = pg_take_connection(p, &ignored);
	if (!conn)
		return;
	CLEANUP(pg_free_result)
	PGresult *next = pg_query(
		conn, &ignored, "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint - 1");
	if (next)
		pg_fence_holders(conn, pg_value_u64(next, 0, 0), out);
	pg_return_connection(p, conn, next != NULL);
}

static void cancel(PGconn *conn)
{
	char why[256];
	PGcancel *c = PQgetCancel(conn);
	if (c)
		PQcancel(c, why, sizeof why);
	PQfreeCancel(c);
}

/* Until the statement has a result; longer than MAKE_MS, and it is cancelled: a half-made slot goes with it. */
static bool wait_for_slot(struct postgres *p, struct buf *open)
{
	int64_t began_ms = mono_ms(), said_ms = began_ms;
	bool in_time = true;
	while (PQconsumeInput(p->control) && PQisBusy(p->control)) {
		struct pollfd fd = {.fd = PQsocket(p->control), .events = POLLIN};
		int64_t now_ms = mono_ms();
		if (in_time && now_ms - began_ms >= MAKE_MS) {
			in_time = false;
			buf_clear(open);
			name_open(p, open);
			cancel(p->control);
		} else if (now_ms - said_ms >= SAY_MS) {
			said_ms = now_ms;
			buf_clear(open);
			name_open(p, open);
			log_warn("the slot waits for open transactions to end",
				F("stream", p->source.name), F("slot", p->slot_name),
				F("open", buf_text(open)));
		}
		poll(&fd, 1, 1000);
	}
	return in_time;
}

static bool take_result(struct postgres *p, uint64_t *lsn, struct error *err)
{
	bool ok = false;
	PGresult *result;
	while ((result = PQgetResult(p->control))) {
		if (PQresultStatus(result) == PGRES_TUPLES_OK) {
			*lsn = pg_lsn_parse(pg_value(result, 0, 0));
			ok = true;
		} else {
			pg_fail(p->control, result, err);
		}
		PQclear(result);
	}
	return ok || err->kind != ERROR_NONE ? ok : pg_fail(p->control, NULL, err);
}

bool pg_slot_create(struct postgres *p, uint64_t *lsn, struct error *err)
{
	struct buf open;
	CLEANUP(free_string)
	char *sql = xasprintf("SELECT lsn FROM pg_create_logical_replication_slot('%s', "
			      "'pgoutput', false, false)",
		p->slot_name);
	if (!PQsendQuery(p->control, sql))
		return pg_fail(p->control, NULL, err);
	buf_init(&open, BUF_MAX);
	bool in_time = wait_for_slot(p, &open);
	bool ok = take_result(p, lsn, err);
	if (!ok && !in_time)
		error_set(err, ERROR_RETRY,
			"slot \"%s\" cannot be made before the transactions that were open have "
			"ended: %.700s",
			p->slot_name, open.len ? buf_text(&open) : "which ones is not to be seen");
	else if (!ok)
		error_add(err, "making slot \"%s\"", p->slot_name);
	else
		log_info("slot made", F("stream", p->source.name), F("slot", p->slot_name));
	buf_release(&open);
	failpoint("postgres.slot_made");
	return ok;
}

bool pg_slot_drop(struct postgres *p, struct error *err)
{
	if (!pg_exec(p->control, err, "SELECT pg_drop_replication_slot('%s')", p->slot_name))
		return error_add(err, "dropping slot \"%s\"", p->slot_name);
	log_warn("slot dropped, to begin anew", F("stream", p->source.name),
		F("slot", p->slot_name));
	return true;
}
