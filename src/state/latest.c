/*
 * What became of an asset last, and how many runs there are; see runs.h. Both are asked again and again while models are
 * built: of a long history they touch only what they tell of, and hold up nobody for long.
 */
#include <string.h>
#include "state/runs.h"
#include "state/store.h"

bool state_latest(struct state *s, const char *asset, int64_t built_run, struct latest *out,
	bool *found, struct error *err)
{
	/* Left to itself, SQLite looks through all steps of the run. */
	static const char sql[] =
		"SELECT (SELECT status FROM steps INDEXED BY steps_asset WHERE asset = ?1 AND"
		" run = (SELECT max(run) FROM steps WHERE asset = ?1) ORDER BY"
		" instr('running queued failed cancelled skipped warned succeeded', status)"
		" LIMIT 1), ifnull(max(ended_us) - min(started_us), -1), ifnull(sum(n_rows), 0)"
		" FROM steps INDEXED BY steps_asset WHERE asset = ?1 AND run = ?2"
		" AND status IN ('succeeded', 'warned')";

	store_enter(s);
	sqlite3_stmt *row = store_query(s, sql, VALUES(V(asset), V(built_run)), err);
	int step = row ? store_step(s, row, err) : -1;
	*found = step == 1 && sqlite3_column_type(row, 0) != SQLITE_NULL;
	if (*found)
		*out = (struct latest){.status = store_run_status(row, 0),
			.took_us = sqlite3_column_int64(row, 1),
			.rows = (uint64_t)sqlite3_column_int64(row, 2)};
	if (step == 1)
		sqlite3_reset(row);
	return store_leave(s, step >= 0);
}

bool state_outcome(struct state *s, const char *asset, struct arena *arena, struct outcome *out,
	struct error *err)
{
	static const char sql[] =
		"SELECT run, status, part, error FROM steps INDEXED BY steps_asset WHERE asset = ?1"
		" AND run = (SELECT max(run) FROM steps WHERE asset = ?1) ORDER BY"
		" instr('running queued failed cancelled skipped warned succeeded', status)"
		" LIMIT 1";

	*out = (struct outcome){0};
	store_enter(s);
	sqlite3_stmt *row = store_query(s, sql, VALUES(V(asset)), err);
	int step = row ? store_step(s, row, err) : -1;
	if (step == 1) {
		*out = (struct outcome){.run = sqlite3_column_int64(row, 0),
			.status = store_run_status(row, 1),
			.partition = store_string(row, 2, arena),
			.error = store_string(row, 3, arena)};
		sqlite3_reset(row);
	}
	return store_leave(s, step >= 0);
}

bool state_runs_count(struct state *s, int64_t counts[RUN_STATUSES], struct error *err)
{
	memset(counts, 0, RUN_STATUSES * sizeof *counts);
	store_enter(s);
	sqlite3_stmt *row = store_query(
		s, "SELECT status, count(*) FROM runs GROUP BY status", NO_VALUES, err);
	int step = row ? store_step(s, row, err) : -1;
	for (; step == 1; step = store_step(s, row, err))
		counts[store_run_status(row, 0)] = sqlite3_column_int64(row, 1);
	return store_leave(s, step == 0);
}
