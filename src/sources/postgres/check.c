/*
 * What `tailrace check` says of a server: settings, rights, slots, what is in the way of making one, and
 * what one costs. Of its tables see check_tables.c. Everything comes with what mends it; nothing is changed.
 */
#include "sources/postgres/finding.h"

#define OPEN_LONG_SECONDS 60 /* a transaction open for so long is worth naming */

void pg_finding_add(struct pg_check *c, int level, const char *mend, const char *what)
{
	struct finding finding = {.what = what, .mend = mend};
	finding.level = (__typeof__(finding.level))level;
	vec_push(&c->findings->list, finding);
}

void pg_finding_name(struct buf *list, size_t nth, const char *name)
{
	if (nth < 10)
		buf_printf(list, "%s%s", nth ? ", " : "", name);
	else if (nth == 10)
		buf_puts(list, ", ...");
}

static void check_standby(struct pg_check *c, const char *feedback, const char *slot)
{
	if (strcmp(feedback, "on") != 0)
		FINDING(c, FINDING_NOTE,
			"ALTER SYSTEM SET hot_standby_feedback = on; SELECT pg_reload_conf();",
			"hot_standby_feedback is off: the primary may remove what the slot of this "
			"standby needs");
	else if (!*slot)
		FINDING(c, FINDING_NOTE,
			"on the primary: SELECT pg_create_physical_replication_slot('standby'); "
			"here: ALTER SYSTEM SET primary_slot_name = 'standby'; SELECT "
			"pg_reload_conf();",
			"the standby has no slot on its primary, which may remove what the slot "
			"of this standby needs whenever the two are not connected");
}

static bool check_settings(struct pg_check *c, struct error *err)
{
	CLEANUP(pg_free_result)
	PGresult *s = pg_query(c->conn, err,
		"SELECT current_setting('wal_level'), current_setting('server_version'),"
		" current_setting('max_slot_wal_keep_size'), "
		"current_setting('hot_standby_feedback'), current_setting('primary_slot_name'),"
		" coalesce(nullif(current_setting('idle_replication_slot_timeout', true), '0'), "
		"'')");
	if (!s)
		return false;
	const char *wal_level = pg_value(s, 0, 0), *keep = pg_value(s, 0, 2);
	FINDING(c, FINDING_OK, NULL, "the server is PostgreSQL %s, a %s", pg_value(s, 0, 1),
		c->p->standby ? "standby" : "primary");
	if (!strcmp(PQparameterStatus(c->conn, "server_encoding"), "SQL_ASCII"))
		FINDING(c, FINDING_NOTE, NULL,
			"the database is of encoding SQL_ASCII: its text arrives as the bytes it "
			"is, UTF-8 or not");
	if (strcmp(wal_level, "logical") != 0)
		FINDING(c, FINDING_PROBLEM,
			"ALTER SYSTEM SET wal_level = 'logical'; then restart the server",
			"wal_level is \"%s\", logical replication needs \"logical\"", wal_level);
	if (c->p->standby)
		check_standby(c, pg_value(s, 0, 3), pg_value(s, 0, 4));
	if (*pg_value(s, 0, 5))
		FINDING(c, FINDING_NOTE,
			"ALTER SYSTEM SET idle_replication_slot_timeout = 0; SELECT "
			"pg_reload_conf(); and bound what a slot keeps by max_slot_wal_keep_size",
			"a slot that nobody reads for %s is lost (idle_replication_slot_timeout): "
			"tailrace must not be down for so long",
			pg_value(s, 0, 5));
	if (!strcmp(keep, "-1"))
		FINDING(c, FINDING_NOTE,
			"ALTER SYSTEM SET max_slot_wal_keep_size = '50GB'; SELECT "
			"pg_reload_conf();",
			"max_slot_wal_keep_size is unlimited: while tailrace is down, WAL is kept "
			"until the disk "
			"is full");
	else
		FINDING(c, FINDING_OK, NULL,
			"a slot keeps at most %s of WAL (max_slot_wal_keep_size); further "
			"behind, it is lost",
			keep);
	return true;
}

/* A connection for replication must be let in like any other: nothing tells better than to try. */
static bool check_replication(struct pg_check *c, struct error *err)
{
	struct error refused = {0};
	CLEANUP(pg_free_result)
	PGresult *role = pg_query(c->conn, err,
		"SELECT rolreplication OR rolsuper OR coalesce((SELECT pg_has_role(r.oid, 'member')"
		" FROM pg_roles r WHERE r.rolname = 'rds_replication'), false)"
		" FROM pg_roles WHERE rolname = current_user");
	if (!role)
		return false;
	if (!pg_value_bool(role, 0, 0)) {
		FINDING(c, FINDING_PROBLEM, MEND(c, "ALTER ROLE %s REPLICATION;", c->role),
			"role %s may not replicate", c->role);
		return true;
	}
	PGconn *stream = pg_connect(c->p, true, &refused);
	if (stream)
		FINDING(c, FINDING_OK, NULL, "role %s may replicate", c->role);
	else
		FINDING(c, FINDING_PROBLEM,
			strstr(refused.text, "pg_hba.conf")
				? MEND(c,
					  "add to pg_hba.conf: host %s %s <address of tailrace>/32 "
					  "scram-sha-256; "
					  "then SELECT pg_reload_conf();",
					  c->database, c->role)
				: NULL,
			"a replication connection is refused: %s", refused.text);
	pg_disconnect(&stream);
	return true;
}

static bool check_free_places(struct pg_check *c, bool have_slot, struct error *err)
{
	CLEANUP(pg_free_result)
	PGresult *r = pg_query(c->conn, err,
		"SELECT current_setting('max_replication_slots')::int,"
		" (SELECT count(*) FROM pg_replication_slots), "
		"current_setting('max_wal_senders')::int,"
		" (SELECT count(*) FROM pg_stat_get_wal_senders() w)");
	if (!r)
		return false;
	uint64_t slots = pg_value_u64(r, 0, 0), senders = pg_value_u64(r, 0, 2);
	if (!have_slot && pg_value_u64(r, 0, 1) >= slots)
		FINDING(c, FINDING_PROBLEM,
			MEND(c,
				"drop a slot that nobody uses (SELECT * FROM "
				"pg_replication_slots), or ALTER SYSTEM SET "
				"max_replication_slots = %llu; then restart the server",
				(unsigned long long)slots + 5),
			"all %llu replication slots are taken (max_replication_slots)",
			(unsigned long long)slots);
	if (pg_value_u64(r, 0, 3) >= senders)
		FINDING(c, FINDING_PROBLEM,
			MEND(c, "ALTER SYSTEM SET max_wal_senders = %llu; then restart the server",
				(unsigned long long)senders + 5),
			"all %llu WAL senders are busy (max_wal_senders)",
			(unsigned long long)senders);
	return true;
}

/* A slot can only be made once every transaction that runs at that moment has ended. */
static bool check_open_transactions(struct pg_check *c, struct error *err)
{
	CLEANUP(pg_free_result)
	PGresult *prepared = pg_query(c->conn, err,
		"SELECT quote_literal(gid), owner, database,"
		" extract(epoch FROM clock_timestamp() - prepared)::bigint FROM pg_prepared_xacts "
		"ORDER BY prepared");
	CLEANUP(pg_free_result)
	PGresult *open = pg_query(c->conn, err,
		"SELECT a.pid, coalesce(a.usename, '?'), coalesce(a.state, '?'),"
		" extract(epoch FROM clock_timestamp() - a.xact_start)::bigint FROM "
		"pg_stat_activity a"
		" WHERE a.pid IN (SELECT pid FROM pg_locks WHERE locktype = 'transactionid' AND "
		"granted)"
		" AND a.pid <> pg_backend_pid() AND clock_timestamp() - a.xact_start > interval "
		"'%d seconds'"
		" ORDER BY a.xact_start",
		OPEN_LONG_SECONDS);
	if (!prepared || !open)
		return false;
	for (int i = 0; i < PQntuples(prepared); i++)
		FINDING(c, FINDING_PROBLEM,
			MEND(c, "in database %s: COMMIT PREPARED %s; or ROLLBACK PREPARED %s;",
				pg_value(prepared, i, 2), pg_value(prepared, i, 0),
				pg_value(prepared, i, 0)),
			"transaction %s of %s was prepared %s s ago and keeps the slot from being "
			"made",
			pg_value(prepared, i, 0), pg_value(prepared, i, 1),
			pg_value(prepared, i, 3));
	for (int i = 0; i < PQntuples(open); i++)
		FINDING(c, FINDING_NOTE,
			MEND(c, "let it end, or SELECT pg_terminate_backend(%s);",
				pg_value(open, i, 0)),
			"a transaction of %s (pid %s, %s) has been open for %s s: until it ends, "
			"the slot cannot be made",
			pg_value(open, i, 1), pg_value(open, i, 0), pg_value(open, i, 2),
			pg_value(open, i, 3));
	return true;
}

static void check_own_slot(struct pg_check *c, const PGresult *slot)
{
	const char *plugin = pg_value(slot, 0, 0), *database = pg_value(slot, 0, 1);
	const char *wal_status = pg_value(slot, 0, 2);
	if (strcmp(plugin, "pgoutput") != 0 || !pg_value_bool(slot, 0, 4))
		FINDING(c, FINDING_PROBLEM, "set slot: to another name in the configuration",
			"slot %s is of plugin \"%s\" in database \"%s\"; it must be of pgoutput in "
			"this database",
			c->p->slot_name, plugin, database);
	else if (!strcmp(wal_status, "lost"))
		FINDING(c, FINDING_PROBLEM,
			MEND(c,
				"SELECT pg_drop_replication_slot('%s'); and start with on_gap: "
				"recopy, which copies "
				"every table anew",
				c->p->slot_name),
			"slot %s is lost: the server has removed WAL that it needed",
			c->p->slot_name);
	else if (!strcmp(wal_status, "unreserved"))
		FINDING(c, FINDING_PROBLEM, "start tailrace now, or raise max_slot_wal_keep_size",
			"slot %s is about to be lost: it is further behind than "
			"max_slot_wal_keep_size",
			c->p->slot_name);
	else
		FINDING(c, FINDING_OK, NULL, "slot %s is there and holds back %s of WAL",
			c->p->slot_name, pg_value(slot, 0, 3));
}

static bool check_slots(struct pg_check *c, struct error *err)
{
	CLEANUP(pg_free_result)
	PGresult *own = pg_query(c->conn, err,
		"SELECT plugin, database, wal_status,"
		" pg_size_pretty(%s - restart_lsn), coalesce(database = current_database(), false)"
		" FROM pg_replication_slots WHERE slot_name = '%s'",
		c->p->standby ? "pg_last_wal_replay_lsn()" : "pg_current_wal_flush_lsn()",
		c->p->slot_name);
	CLEANUP(pg_free_result)
	PGresult *idle = pg_query(c->conn, err,
		"SELECT slot_name, quote_literal(slot_name), pg_size_pretty(%s - restart_lsn)"
		" FROM pg_replication_slots WHERE NOT active AND slot_name <> '%s' AND restart_lsn "
		"IS NOT NULL",
		c->p->standby ? "pg_last_wal_replay_lsn()" : "pg_current_wal_flush_lsn()",
		c->p->slot_name);
	if (!own || !idle)
		return false;
	if (PQntuples(own))
		check_own_slot(c, own);
	for (int i = 0; i < PQntuples(idle); i++)
		FINDING(c, FINDING_NOTE,
			MEND(c,
				"where nobody needs it any more: SELECT "
				"pg_drop_replication_slot(%s);",
				pg_value(idle, i, 1)),
			"slot %s of someone else is idle and holds back %s of WAL",
			pg_value(idle, i, 0), pg_value(idle, i, 2));
	if (c->p->standby && !PQntuples(own))
		FINDING(c, FINDING_NOTE,
			"if it is idle, on the primary: SELECT pg_log_standby_snapshot();",
			"a slot on a standby is made once the primary has listed its open "
			"transactions in the log, which it does while it is at work");
	return check_free_places(c, PQntuples(own) > 0, err) &&
	       (PQntuples(own) > 0 || check_open_transactions(c, err));
}

static bool look_at_role(struct pg_check *c, struct error *err)
{
	CLEANUP(pg_free_result)
	PGresult *role = pg_query(
		c->conn, err, "SELECT quote_ident(current_user), quote_ident(current_database())");
	if (!role)
		return false;
	c->role = arena_strdup(&c->findings->arena, pg_value(role, 0, 0));
	c->database = arena_strdup(&c->findings->arena, pg_value(role, 0, 1));
	return true;
}

bool postgres_check(struct source *source, struct findings *findings, struct error *err)
{
	struct postgres *p = postgres_of(source);
	struct pg_check c = {.p = p, .findings = findings};
	c.conn = pg_take_connection(p, err);
	if (!c.conn)
		return false;
	bool ok = look_at_role(&c, err) && check_settings(&c, err) && check_replication(&c, err) &&
		  check_slots(&c, err) && pg_check_tables(&c, err);
	pg_return_connection(p, c.conn, ok);
	return ok;
}
