/*
 * One attempt at a step: what is to be built, the way to the engine, and the record of what was done. The executor
 * makes one for each attempt and hands it to materialize() or check_data(); every statement of theirs goes through
 * work_run() or its sisters, so that it is recorded, ends at the attempt's deadline and when the run is cancelled,
 * and its error says where in the model's file it is.
 * One thread at a time; several works share project, state and engine.
 */
#ifndef BUILD_WORK_H
#define BUILD_WORK_H

#include "config/config.h"
#include "models/project.h"
#include "models/template/origin.h"
#include "state/assets.h"
#include "state/runs.h"

struct work {
	/* --- given --- */
	const struct project *project;
	const char *folder; /* of the project */
	const struct node *node;
	struct state *state;
	struct engine *engine;
	struct s3_config s3;
	const char *partition; /* its key, "2026-11-21", "eu"; "": the whole */
	int64_t from_us,
		to_us; /* of a partition of time; TIME_MIN to TIME_MAX: the whole, or a static one */
	bool full_refresh;
	bool quiet;  /* what is built says nothing new to who stands on it: it is not marked */
	int attempt; /* at the step, from 1 */
	int64_t deadline_ms; /* of mono_ms(); 0: none */
	const atomic_bool *cancelled;
	struct arena *arena; /* of the attempt */
	/* What work_built() records: range, seq (read before the first statement), as_of, run, fingerprint. */
	struct built built;

	/* --- for the doer to fill --- */
	const char *rendered;   /* its SQL as it was rendered: an error is looked for in it */
	struct origins origins; /* where that came from */
	const char *select;     /* its SQL as it is run: the same, or something around it */
	const char *message;    /* "created view", "inserted 120 rows"; NULL */
	uint64_t rows;          /* that the table or partition got; of a check: that fail */
	bool warned;            /* of a check */

	/* --- the record --- */
	const char *id; /* query ids begin with it */
	int n_statements;
	struct buf sql, log, query_ids;
	struct statement_stats stats; /* the sums; of peak_bytes the greatest */
};

void work_init(struct work *w); /* of the record; all else is zeroed */
void work_release(struct work *w);

MUST_CHECK bool work_run(struct work *w, const char *sql, struct error *err);
/* The answer is in the attempt's arena. */
MUST_CHECK bool work_query(
	struct work *w, const char *sql, struct engine_rows *out, struct error *err);

/* For what its templates are rendered; of no partition. `command` as in flags.WHICH. */
struct compile_options work_options(const struct work *w, const char *command);

/* The node's SQL into `select` and `rendered`, with where it came from. */
MUST_CHECK bool work_compile(struct work *w, const struct node *node,
	struct compile_options *options, struct error *err);

/* For what the engine does otherwise (load, export): the statement to hand over, recorded as `sql`; and what became
 * of it. work_end() gives back `ok`. */
MUST_CHECK bool work_begin(
	struct work *w, const char *sql, struct statement *out, struct error *err);
MUST_CHECK bool work_begin_as(
	struct work *w, const char *id, const char *sql, struct statement *out, struct error *err);
MUST_CHECK bool work_end(struct work *w, const char *sql, const struct statement_stats *stats,
	bool ok, struct error *err);

/* A line of the attempt's log. */
void work_log(struct work *w, const char *fmt, ...) PRINTF(2, 3);

/* What was built is recorded: the range, a mark for those who stand on it, its swap erased; as one. After the
 * swap, before the staging table is dropped. */
MUST_CHECK bool work_built(struct work *w, struct error *err);

#endif
