/*
 * The queue of runs, and reasons; see runs.h. Steps and attempts are in steps.c. A run's counts are counted from its
 * steps when it is read: history is bounded, and a step is written more often than a run is looked at.
 */
#include "state/runs.h"

#include <string.h>
#include "base/clock.h"
#include "state/store.h"

#define KEPT_REASONS 20

static const char *const status_names[] = {
	[RUN_QUEUED] = "queued",
	[RUN_RUNNING] = "running",
	[RUN_SUCCEEDED] = "succeeded",
	[RUN_WARNED] = "warned",
	[RUN_FAILED] = "failed",
	[RUN_CANCELLED] = "cancelled",
	[RUN_INTERRUPTED] = "interrupted",
	[RUN_SKIPPED] = "skipped",
};

const char *run_status_name(enum run_status status)
{
	return status_names[status];
}

bool run_status_ended(enum run_status status)
{
	return status != RUN_QUEUED && status != RUN_RUNNING && status != RUN_INTERRUPTED;
}

enum run_status store_run_status(sqlite3_stmt *row, int column)
{
	const char *name = (const char *)sqlite3_column_text(row, column);

	for (size_t i = 0; name && i < COUNT_OF(status_names); i++)
		if (!strcmp(name, status_names[i]))
			return (enum run_status)i;
	return RUN_FAILED;
}

const char *store_string(sqlite3_stmt *row, int column, struct arena *arena)
{
	const char *text = (const char *)sqlite3_column_text(row, column);
	return arena_strdup(arena, text ? text : "");
}

bool store_begin_history(struct state *s, struct error *err)
{
	return store_run(s, "PRAGMA synchronous = NORMAL", NO_VALUES, err) && store_begin(s, err);
}

bool store_end_history(struct state *s, bool ok, struct error *err)
{
	ok = store_end(s, ok, err);
	return store_run(s, "PRAGMA synchronous = FULL", NO_VALUES, ok ? err : NULL) && ok;
}

/* --- adding --- */

static bool add_run(struct state *s, struct run *run, struct error *err)
{
	static const char sql[] =
		"INSERT INTO runs (kind, selector, reason, vars, full_refresh, jobs, status,"
		" created_us) VALUES (?, ?, ?, ?, ?, ?, 'queued', ?)";

	run->created_us = wall_us();
	run->status = RUN_QUEUED;
	if (!store_run(s, sql,
		    VALUES(V(run->kind), V(text_or_empty(run->selector)),
			    V(text_or_empty(run->reason)), V(text_or_empty(run->vars)),
			    V(run->full_refresh), V(run->jobs), V(run->created_us)),
		    err))
		return false;
	run->id = sqlite3_last_insert_rowid(s->db);
	return true;
}

static bool add_step(
	struct state *s, int64_t run, int number, const struct step *step, struct error *err)
{
	static const char sql[] =
		"INSERT INTO steps (run, number, asset, part, from_us, to_us, why, quiet)"
		" VALUES (?, ?, ?, ?, ?, ?, ?, ?)";

	return store_run(s, sql,
		VALUES(V(run), V(number), V(step->asset), V(text_or_empty(step->partition)),
			V(step->from_us), V(step->to_us), V(text_or_empty(step->why)),
			V(step->quiet)),
		err);
}

bool state_run_add(
	struct state *s, struct run *run, const struct step *steps, size_t n, struct error *err)
{
	store_enter(s);
	bool ok = store_begin(s, err);
	if (!ok)
		return store_leave(s, false);
	ok = add_run(s, run, err);
	for (size_t i = 0; ok && i < n; i++)
		ok = add_step(s, run->id, (int)i, &steps[i], err);
	return store_leave(s, store_end(s, ok, err));
}

/* --- looking --- */

#define RUN_COLUMNS                                                                             \
	"SELECT id, kind, selector, reason, vars, full_refresh, jobs, status, cancel, error,"   \
	" created_us, started_us, ended_us,"                                                    \
	" (SELECT count(*) FROM steps WHERE run = id),"                                         \
	" (SELECT count(*) FROM steps WHERE run = id AND status NOT IN ('queued', 'running'))," \
	" (SELECT count(*) FROM steps WHERE run = id AND status = 'failed'),"                   \
	" (SELECT count(*) FROM steps WHERE run = id AND status = 'skipped')"                   \
	" FROM runs "

static struct run read_run(sqlite3_stmt *row, struct arena *arena)
{
	return (struct run){
		.id = sqlite3_column_int64(row, 0),
		.kind = store_string(row, 1, arena),
		.selector = store_string(row, 2, arena),
		.reason = store_string(row, 3, arena),
		.vars = store_string(row, 4, arena),
		.full_refresh = sqlite3_column_int(row, 5),
		.jobs = sqlite3_column_int64(row, 6),
		.status = store_run_status(row, 7),
		.cancel = sqlite3_column_int(row, 8),
		.error = store_string(row, 9, arena),
		.created_us = sqlite3_column_int64(row, 10),
		.started_us = sqlite3_column_int64(row, 11),
		.ended_us = sqlite3_column_int64(row, 12),
		.n_steps = sqlite3_column_int64(row, 13),
		.n_done = sqlite3_column_int64(row, 14),
		.n_failed = sqlite3_column_int64(row, 15),
		.n_skipped = sqlite3_column_int64(row, 16),
	};
}

static bool read_runs(struct state *s, sqlite3_stmt *row, struct arena *arena, struct runs *out,
	struct error *err)
{
	memset(out, 0, sizeof *out);
	int step = row ? store_step(s, row, err) : -1;
	for (; step == 1; step = store_step(s, row, err))
		vec_push(out, read_run(row, arena));
	if (step != 0)
		vec_release(out);
	return store_leave(s, step == 0);
}

bool state_runs(struct state *s, int64_t before, int64_t limit, struct arena *arena,
	struct runs *out, struct error *err)
{
	static const char sql[] = RUN_COLUMNS "WHERE ?1 = 0 OR id < ?1 ORDER BY id DESC LIMIT ?2";

	store_enter(s);
	return read_runs(s, store_query(s, sql, VALUES(V(before), V(limit ? limit : -1)), err),
		arena, out, err);
}

bool state_runs_open(struct state *s, struct arena *arena, struct runs *out, struct error *err)
{
	static const char sql[] = RUN_COLUMNS
		"WHERE status IN ('queued', 'running', 'interrupted') ORDER BY id";

	store_enter(s);
	return read_runs(s, store_query(s, sql, NO_VALUES, err), arena, out, err);
}

bool state_run_get(struct state *s, int64_t id, struct arena *arena, struct run *out, bool *found,
	struct error *err)
{
	struct runs runs;

	store_enter(s);
	if (!read_runs(s, store_query(s, RUN_COLUMNS "WHERE id = ?", VALUES(V(id)), err), arena,
		    &runs, err))
		return false;
	*found = runs.len == 1;
	if (*found)
		*out = runs.items[0];
	vec_release(&runs);
	return true;
}

/* --- its way --- */

bool state_run_cancel(struct state *s, int64_t id, bool *found, struct error *err)
{
	static const char end_run[] =
		"UPDATE runs SET cancel = 1, status = 'cancelled', ended_us = ?2"
		" WHERE id = ?1 AND status IN ('queued', 'interrupted')";
	static const char end_steps[] = "UPDATE steps SET status = 'cancelled'"
					" WHERE run = ? AND status IN ('queued', 'running')";
	static const char ask[] = "UPDATE runs SET cancel = 1 WHERE id = ? AND status = 'running'";

	store_enter(s);
	bool ok = store_begin(s, err);
	if (!ok)
		return store_leave(s, false);
	ok = store_run(s, end_run, VALUES(V(id), V(wall_us())), err);
	*found = ok && store_changed(s) == 1;
	if (*found)
		ok = store_run(s, end_steps, VALUES(V(id)), err);
	else if (ok) {
		ok = store_run(s, ask, VALUES(V(id)), err);
		*found = ok && store_changed(s) == 1;
	}
	return store_leave(s, store_end(s, ok, err));
}

bool state_runs_interrupt(struct state *s, struct error *err)
{
	static const char *const sql[] = {
		"UPDATE attempts SET status = 'interrupted' WHERE status = 'running'",
		"UPDATE steps SET status = 'queued' WHERE status = 'running'",
		"UPDATE runs SET status = 'interrupted' WHERE status = 'running'",
	};

	store_enter(s);
	bool ok = store_begin(s, err);
	if (!ok)
		return store_leave(s, false);
	for (size_t i = 0; ok && i < COUNT_OF(sql); i++)
		ok = store_run(s, sql[i], NO_VALUES, err);
	return store_leave(s, store_end(s, ok, err));
}

bool state_run_take(struct state *s, int64_t id, bool *taken, struct error *err)
{
	static const char sql[] = "UPDATE runs SET status = 'running', started_us = ?2"
				  " WHERE id = ?1 AND status IN ('queued', 'interrupted')";

	store_enter(s);
	bool ok = store_run(s, sql, VALUES(V(id), V(wall_us())), err);
	*taken = ok && store_changed(s) == 1;
	return store_leave(s, ok);
}

bool state_run_end(
	struct state *s, int64_t id, enum run_status status, const char *error, struct error *err)
{
	static const char end_run[] =
		"UPDATE runs SET status = ?2, error = ?3, ended_us = ?4 WHERE id = ?1";
	static const char end_steps[] = "UPDATE steps SET status = ?2"
					" WHERE run = ?1 AND status IN ('queued', 'running')";
	const char *rest = run_status_name(status == RUN_CANCELLED ? RUN_CANCELLED : RUN_SKIPPED);

	store_enter(s);
	bool ok = store_begin(s, err);
	if (!ok)
		return store_leave(s, false);
	ok = store_run(s, end_run,
		     VALUES(V(id), V(run_status_name(status)), V(text_or_empty(error)),
			     V(wall_us())),
		     err) &&
	     store_run(s, end_steps, VALUES(V(id), V(rest)), err);
	return store_leave(s, store_end(s, ok, err));
}

bool state_runs_prune(struct state *s, int64_t keep, int64_t then_us, struct error *err)
{
	static const char runs[] =
		"DELETE FROM runs WHERE ended_us > 0 AND (ended_us < ?2 OR id NOT IN"
		" (SELECT id FROM runs WHERE ended_us > 0 ORDER BY id DESC LIMIT ?1))";
	static const char *const rest[] = {
		"DELETE FROM steps WHERE run NOT IN (SELECT id FROM runs)",
		"DELETE FROM attempts WHERE run NOT IN (SELECT id FROM runs)",
	};

	store_enter(s);
	bool ok = store_begin_history(s, err);
	if (!ok)
		return store_leave(s, false);
	ok = store_run(s, runs, VALUES(V(keep), V(then_us)), err);
	bool some = ok && store_changed(s) > 0;
	for (size_t i = 0; ok && some && i < COUNT_OF(rest); i++)
		ok = store_run(s, rest[i], NO_VALUES, err);
	return store_leave(s, store_end_history(s, ok, err));
}

/* --- reasons --- */

static bool add_reason(struct state *s, const char *asset, const char *text, struct error *err)
{
	static const char again[] =
		"UPDATE reasons SET at_us = ?3, times = times + 1 WHERE text = ?2 AND number ="
		" (SELECT max(number) FROM reasons WHERE asset = ?1)";
	static const char add[] = "INSERT INTO reasons (asset, text, at_us) VALUES (?, ?, ?)";
	static const char forget[] =
		"DELETE FROM reasons WHERE asset = ?1 AND number <= (SELECT number FROM reasons"
		" WHERE asset = ?1 ORDER BY number DESC LIMIT 1 OFFSET ?2)";

	if (!store_run(s, again, VALUES(V(asset), V(text), V(wall_us())), err))
		return false;
	if (store_changed(s))
		return true;
	return store_run(s, add, VALUES(V(asset), V(text), V(wall_us())), err) &&
	       store_run(s, forget, VALUES(V(asset), V(KEPT_REASONS)), err);
}

bool state_reason_put(struct state *s, const char *asset, const char *text, struct error *err)
{
	store_enter(s);
	if (!store_begin_history(s, err))
		return store_leave(s, false);
	return store_leave(s, store_end_history(s, add_reason(s, asset, text, err), err));
}

bool state_reasons(struct state *s, const char *asset, struct arena *arena, struct reasons *out,
	struct error *err)
{
	static const char sql[] = "SELECT at_us, times, text FROM reasons WHERE asset = ?"
				  " ORDER BY number DESC";

	memset(out, 0, sizeof *out);
	store_enter(s);
	sqlite3_stmt *row = store_query(s, sql, VALUES(V(asset)), err);
	int step = row ? store_step(s, row, err) : -1;
	for (; step == 1; step = store_step(s, row, err)) {
		struct reason reason = {.at_us = sqlite3_column_int64(row, 0),
			.times = sqlite3_column_int64(row, 1),
			.text = store_string(row, 2, arena)};
		vec_push(out, reason);
	}
	if (step != 0)
		vec_release(out);
	return store_leave(s, step == 0);
}
