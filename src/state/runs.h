/*
 * Runs of models: the queue, and its history. A run has steps (an asset, or one partition of it), a step has
 * attempts. Who wants something built adds a run; the process that holds state_lock() takes it, in its own time,
 * and writes down what becomes of it; anybody may follow it here, or ask for its end.
 *
 *	queued -> running -> succeeded | warned | failed | cancelled      (a step also: skipped)
 *	            |-> interrupted (its process died) -> running
 *
 * What is recorded of steps and attempts survives the death of the process at once, and a power failure but for
 * the last moments: they are history, and what was built is known from state/assets.h. Texts that are read are in
 * the caller's arena.
 */
#ifndef STATE_RUNS_H
#define STATE_RUNS_H

#include "base/arena.h"
#include "state/state.h"

enum run_status {
	RUN_QUEUED,
	RUN_RUNNING,
	RUN_SUCCEEDED,
	RUN_WARNED, /* a check found what it only warns of */
	RUN_FAILED,
	RUN_CANCELLED,
	RUN_INTERRUPTED,
	RUN_SKIPPED, /* what the step stands on failed */
};
#define RUN_STATUSES (RUN_SKIPPED + 1)
const char *run_status_name(enum run_status);
bool run_status_ended(enum run_status);

struct run {
	int64_t id;           /* 1 and up; given by state_run_add() */
	const char *kind;     /* build, backfill, test */
	const char *selector; /* as it was written; of people's interest alone */
	const char *reason;   /* who wanted it: "by hand", "schedule 0 2 * * *", ... */
	const char *vars;     /* as of --vars; "" */
	bool full_refresh;
	int64_t jobs; /* most steps of it at once; 0: as many as there are workers */
	enum run_status status;
	bool cancel; /* somebody asked for its end */
	const char *error;
	int64_t created_us, started_us, ended_us; /* 0: not yet */
	/* of its steps; only read */
	int64_t n_steps, n_done, n_failed, n_skipped;
};
VEC_TYPE(runs, struct run);

struct step {
	int number;             /* from 0, parents before children */
	const char *asset;      /* "model.shop.orders" */
	const char *partition;  /* its key; "": the whole */
	int64_t from_us, to_us; /* of a partition of time: [from, to); else both 0 */
	const char *why;        /* what made it part of the run */
	bool quiet; /* what it builds says nothing new to those who stand on it: no mark */
	enum run_status status;
	int attempts;
	const char *message; /* "created table", "3 rows"; "" */
	const char *error;
	uint64_t rows;
	int64_t started_us, ended_us;
};
VEC_TYPE(steps, struct step);

struct attempt {
	int step, number; /* number from 1 */
	enum run_status status;
	const char *query_ids; /* of the engine, by spaces */
	const char *sql;       /* every statement that was run */
	const char *log;
	const char *error;
	uint64_t read_rows, read_bytes, written_rows, written_bytes, peak_bytes;
	int64_t started_us, ended_us;
};
VEC_TYPE(attempts, struct attempt);

/* --- who wants something --- */

/* Queues it with its steps, as one. Of the run: kind, selector, reason, vars, full_refresh, jobs; of the steps:
 * asset, partition, from, to, why, quiet, in the order of their numbers. */
MUST_CHECK bool state_run_add(
	struct state *, struct run *run, const struct step *steps, size_t n, struct error *err);
/* Ends at once what nobody runs yet; of what runs, its process is asked to. *found false: there is no such run,
 * or it has ended. */
MUST_CHECK bool state_run_cancel(struct state *, int64_t id, bool *found, struct error *err);

/* --- who looks --- */

/* Newest first; at most `limit` (0: all), those before id `before` (0: from the newest). */
MUST_CHECK bool state_runs(struct state *, int64_t before, int64_t limit, struct arena *arena,
	struct runs *out, struct error *err);
MUST_CHECK bool state_run_get(struct state *, int64_t id, struct arena *arena, struct run *out,
	bool *found, struct error *err);
MUST_CHECK bool state_steps(
	struct state *, int64_t run, struct arena *arena, struct steps *out, struct error *err);
/* Of one step, or with -1 of all. */
MUST_CHECK bool state_attempts(struct state *, int64_t run, int step, struct arena *arena,
	struct attempts *out, struct error *err);

/* What became of an asset last. */
struct latest {
	/* in the latest run that has steps of it: running or queued while one is, else the worst end */
	enum run_status status;
	/* of the run that built it last, from the first start of its steps to the last end; -1: it is forgotten */
	int64_t took_us;
	uint64_t rows; /* that these steps wrote */
};
/* The end, or state, that `status` of it tells of, with the partition and what was said of it. */
struct outcome {
	int64_t run;
	enum run_status status;
	const char *partition, *error; /* "" */
};
/* run 0: no run that is known has steps of it. Texts in the arena. */
MUST_CHECK bool state_outcome(struct state *, const char *asset, struct arena *arena,
	struct outcome *out, struct error *err);
/* `built_run`: see struct built; 0: none. *found false: no run that is known has steps of it. */
MUST_CHECK bool state_latest(struct state *, const char *asset, int64_t built_run,
	struct latest *out, bool *found, struct error *err);
/* How many there are by status, those that have ended until they are forgotten. */
MUST_CHECK bool state_runs_count(struct state *, int64_t counts[RUN_STATUSES], struct error *err);

/* --- who runs them; holds state_lock() --- */

/* Those that have not ended, oldest first. */
MUST_CHECK bool state_runs_open(
	struct state *, struct arena *arena, struct runs *out, struct error *err);
/* At the start: what an earlier process left running is interrupted: its attempts have ended so, its steps are
 * queued again. */
MUST_CHECK bool state_runs_interrupt(struct state *, struct error *err);
/* *taken false: it was cancelled meanwhile. */
MUST_CHECK bool state_run_take(struct state *, int64_t id, bool *taken, struct error *err);
/* Steps that have not ended share the run's end: cancelled, or skipped. */
MUST_CHECK bool state_run_end(
	struct state *, int64_t id, enum run_status status, const char *error, struct error *err);
/* A step's status, attempts, message, error, rows and times, by its number; with the attempt that began or ended
 * with it, or NULL. */
MUST_CHECK bool state_step_put(struct state *, int64_t run, const struct step *step,
	const struct attempt *attempt, struct error *err);
/* Forgets runs that have ended but the newest `keep`, and those that ended before then_us. */
MUST_CHECK bool state_runs_prune(struct state *, int64_t keep, int64_t then_us, struct error *err);

/* --- why something ran, or did not --- */

struct reason {
	int64_t at_us; /* when it was said last */
	int64_t times; /* in a row */
	const char *text;
};
VEC_TYPE(reasons, struct reason);
/* The newest few of an asset are kept; one that is said again only moves on. */
MUST_CHECK bool state_reason_put(
	struct state *, const char *asset, const char *text, struct error *err);
/* Newest first. */
MUST_CHECK bool state_reasons(struct state *, const char *asset, struct arena *arena,
	struct reasons *out, struct error *err);

#endif
