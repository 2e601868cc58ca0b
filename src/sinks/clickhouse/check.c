/* What `tailrace check` says of the target: version, rights, time zone, names that are taken. */
#include <stdio.h>
#include <string.h>
#include "sinks/clickhouse/clickhouse.h"

#define CAN_ASK_RIGHTS 2411 /* CHECK GRANT came with 24.11 */
/* A table's file is its name, escaped, and a suffix; file systems take 255 bytes. */
#define LONGEST_NAME 200

#define NEEDED "SELECT, INSERT, ALTER, CREATE TABLE, CREATE VIEW, DROP TABLE, DROP VIEW, TRUNCATE"
static const char needed[] = NEEDED, needed_to_make[] = "CREATE DATABASE, " NEEDED;

static bool database_exists(
	struct clickhouse_sink *s, const char *name, bool *exists, struct error *err)
{
	const struct clickhouse_setting settings[] = {{"param_d", name}, {0}};
	struct rows rows;

	if (!rows_query(s, "s", "SELECT name FROM system.databases WHERE name = {d:String}",
		    settings, &rows, err))
		return false;
	*exists = rows.rows > 0;
	rows_release(&rows);
	return true;
}

/* `what` as in GRANT: "TABLE ENGINE ON Atomic". */
static bool granted(struct clickhouse_sink *s, const char *what, bool *has, struct error *err)
{
	struct buf answer;

	CLEANUP(free_string) char *sql = xasprintf("CHECK GRANT %s", what);
	buf_init(&answer, 4096);
	struct clickhouse_query q = {.sql = sql, .answer = &answer};
	bool ok = clickhouse_query(s->client, &q, err);
	*has = ok && answer.len && answer.data[0] == '1'; /* or '0' */
	buf_release(&answer);
	return ok;
}

static const char *user_of(const struct clickhouse_sink *s)
{
	return s->user ? s->user : "the user";
}

static char *on_database(const char *rights, const char *database)
{
	struct buf what;

	buf_init(&what, BUF_MAX);
	buf_printf(&what, "%s ON ", rights);
	clickhouse_quote_name(database, &what);
	buf_puts(&what, ".*");
	char *text = xstrdup(buf_text(&what));
	buf_release(&what);
	return text;
}

static bool check_rights(
	struct clickhouse_sink *s, const char *database, struct findings *f, struct error *err)
{
	bool exists = false, has = true;

	if (!database_exists(s, database, &exists, err))
		return false;
	CLEANUP(free_string)
	char *what = on_database(exists ? needed : needed_to_make, database);
	if (!granted(s, what, &has, err))
		return false;
	if (!has)
		findings_add(f, FINDING_PROBLEM,
			arena_printf(&f->arena, "the user lacks rights on %sdatabase %s",
				exists ? "" : "the missing ", database),
			arena_printf(&f->arena, "GRANT %s ON `%s`.* TO %s", needed_to_make,
				database, user_of(s)));
	return true;
}

/* Where the server asks for them: table_engines_require_grant in its configuration, as it is shipped. */
static bool check_engines(struct clickhouse_sink *s, struct findings *f, struct error *err)
{
	static const char *const engines[] = {"Atomic", "ReplacingMergeTree", "Distributed"};
	size_t n = s->cluster ? COUNT_OF(engines) : COUNT_OF(engines) - 1;

	for (size_t i = 0; i < n; i++) {
		char what[64];
		bool has;
		snprintf(what, sizeof what, "TABLE ENGINE ON %s", engines[i]);
		if (!granted(s, what, &has, err))
			return false;
		if (!has)
			findings_add(f, FINDING_PROBLEM,
				arena_printf(&f->arena, "the user may not use the engine %s",
					engines[i]),
				arena_printf(&f->arena, "GRANT %s TO %s", what, user_of(s)));
	}
	return true;
}

static bool check_name(struct clickhouse_sink *s, const char *database, const char *name,
	const struct table *t, struct findings *f, struct error *err)
{
	struct stored_table have;
	struct error taken = {0};

	if (!stored_table_get(s, database, name, &f->arena, &have, err))
		return false;
	if (!stored_table_check(&have, database, t, &taken))
		findings_add(f, FINDING_PROBLEM, arena_strdup(&f->arena, taken.text),
			arena_printf(&f->arena, "%s.%s: {as: other_name}", t->schema, t->name));
	if (strlen(name) > LONGEST_NAME)
		findings_add(f, FINDING_PROBLEM,
			arena_printf(&f->arena, "the name %s is too long for ClickHouse", name),
			arena_printf(&f->arena, "%s.%s: {as: other_name}", t->schema, t->name));
	return true;
}

static bool check_table(
	struct clickhouse_sink *s, const struct table *t, struct findings *f, struct error *err)
{
	bool ok = true;

	for (enum storage_kind kind = 0; ok && kind < N_STORAGE_KINDS; kind++) {
		CLEANUP(free_string) char *name = live_name(t, kind);
		if (table_keeps(t, kind))
			ok = check_name(s, s->cdc, name, t, f, err) &&
			     check_name(s, s->database, name, t, f, err);
	}
	return ok;
}

bool clickhouse_check(struct sink *sink, struct table *const *tables, size_t n, struct findings *f,
	struct error *err)
{
	struct clickhouse_sink *s = clickhouse_sink_of(sink);
	bool ok = true;

	findings_add(f, FINDING_OK,
		arena_printf(&f->arena, "ClickHouse %u.%u at %s", s->version / 100,
			s->version % 100, clickhouse_url(s->client)),
		NULL);
	if (!s->utc)
		findings_add(f, FINDING_NOTE,
			"the server's time zone is not UTC: timestamps without a time zone become "
			"DateTime64(6, 'UTC'), so that "
			"they show the source's values",
			NULL);
	if (s->version >= CAN_ASK_RIGHTS)
		ok = check_rights(s, s->database, f, err) && check_rights(s, s->cdc, f, err) &&
		     (!s->cluster || check_rights(s, s->shard, f, err)) && check_engines(s, f, err);
	ok = ok && settings_check(s, f, err);
	for (size_t i = 0; ok && i < n; i++)
		ok = check_table(s, tables[i], f, err);
	return ok;
}
