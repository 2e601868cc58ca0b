/* Steps of runs and their attempts; see runs.h. */
#include <string.h>
#include "state/runs.h"
#include "state/store.h"

#define LONGEST_TEXT ((size_t)1 << 20) /* of an attempt's SQL or log; what is beyond is cut */

bool state_steps(
	struct state *s, int64_t run, struct arena *arena, struct steps *out, struct error *err)
{
	static const char sql[] =
		"SELECT number, asset, part, from_us, to_us, why, status, attempts, message,"
		" error, n_rows, started_us, ended_us, quiet FROM steps WHERE run = ? ORDER BY "
		"number";

	memset(out, 0, sizeof *out);
	store_enter(s);
	sqlite3_stmt *row = store_query(s, sql, VALUES(V(run)), err);
	int result = row ? store_step(s, row, err) : -1;
	for (; result == 1; result = store_step(s, row, err)) {
		struct step step = {
			.number = sqlite3_column_int(row, 0),
			.asset = store_string(row, 1, arena),
			.partition = store_string(row, 2, arena),
			.from_us = sqlite3_column_int64(row, 3),
			.to_us = sqlite3_column_int64(row, 4),
			.why = store_string(row, 5, arena),
			.status = store_run_status(row, 6),
			.attempts = sqlite3_column_int(row, 7),
			.message = store_string(row, 8, arena),
			.error = store_string(row, 9, arena),
			.rows = (uint64_t)sqlite3_column_int64(row, 10),
			.started_us = sqlite3_column_int64(row, 11),
			.ended_us = sqlite3_column_int64(row, 12),
			.quiet = sqlite3_column_int(row, 13),
		};
		vec_push(out, step);
	}
	if (result != 0)
		vec_release(out);
	return store_leave(s, result == 0);
}

static struct attempt read_attempt(sqlite3_stmt *row, struct arena *arena)
{
	return (struct attempt){
		.step = sqlite3_column_int(row, 0),
		.number = sqlite3_column_int(row, 1),
		.status = store_run_status(row, 2),
		.query_ids = store_string(row, 3, arena),
		.sql = store_string(row, 4, arena),
		.log = store_string(row, 5, arena),
		.error = store_string(row, 6, arena),
		.read_rows = (uint64_t)sqlite3_column_int64(row, 7),
		.read_bytes = (uint64_t)sqlite3_column_int64(row, 8),
		.written_rows = (uint64_t)sqlite3_column_int64(row, 9),
		.written_bytes = (uint64_t)sqlite3_column_int64(row, 10),
		.peak_bytes = (uint64_t)sqlite3_column_int64(row, 11),
		.started_us = sqlite3_column_int64(row, 12),
		.ended_us = sqlite3_column_int64(row, 13),
	};
}

bool state_attempts(struct state *s, int64_t run, int step, struct arena *arena,
	struct attempts *out, struct error *err)
{
	static const char sql[] =
		"SELECT step, number, status, query_ids, sql, log, error, read_rows, read_bytes,"
		" written_rows, written_bytes, peak_bytes, started_us, ended_us FROM attempts"
		" WHERE run = ?1 AND (?2 < 0 OR step = ?2) ORDER BY step, number";

	memset(out, 0, sizeof *out);
	store_enter(s);
	sqlite3_stmt *row = store_query(s, sql, VALUES(V(run), V(step)), err);
	int result = row ? store_step(s, row, err) : -1;
	for (; result == 1; result = store_step(s, row, err))
		vec_push(out, read_attempt(row, arena));
	if (result != 0)
		vec_release(out);
	return store_leave(s, result == 0);
}

static const char *cut(const char *text, char **owned)
{
	if (!text || strlen(text) <= LONGEST_TEXT)
		return text ? text : "";
	return *owned = xstrndup(text, LONGEST_TEXT);
}

static bool put_attempt(struct state *s, int64_t run, const struct attempt *a, struct error *err)
{
	static const char put[] =
		"INSERT OR REPLACE INTO attempts (run, step, number, status, query_ids, sql, log,"
		" error, read_rows, read_bytes, written_rows, written_bytes, peak_bytes,"
		" started_us, ended_us) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
	CLEANUP(free_string) char *short_sql = NULL;
	CLEANUP(free_string) char *short_log = NULL;
	const char *sql = cut(a->sql, &short_sql), *log = cut(a->log, &short_log);

	return store_run(s, put,
		VALUES(V(run), V(a->step), V(a->number), V(run_status_name(a->status)),
			V(a->query_ids ? a->query_ids : ""), V(sql), V(log),
			V(a->error ? a->error : ""), V(a->read_rows), V(a->read_bytes),
			V(a->written_rows), V(a->written_bytes), V(a->peak_bytes), V(a->started_us),
			V(a->ended_us)),
		err);
}

bool state_step_put(struct state *s, int64_t run, const struct step *step,
	const struct attempt *attempt, struct error *err)
{
	static const char put[] =
		"UPDATE steps SET status = ?3, attempts = ?4, message = ?5, error = ?6,"
		" n_rows = ?7, started_us = ?8, ended_us = ?9 WHERE run = ?1 AND number = ?2";

	store_enter(s);
	if (!store_begin_history(s, err))
		return store_leave(s, false);
	bool ok = store_run(s, put,
		VALUES(V(run), V(step->number), V(run_status_name(step->status)), V(step->attempts),
			V(step->message ? step->message : ""), V(step->error ? step->error : ""),
			V(step->rows), V(step->started_us), V(step->ended_us)),
		err);
	ok = ok && (!attempt || put_attempt(s, run, attempt, err));
	return store_leave(s, store_end_history(s, ok, err));
}
