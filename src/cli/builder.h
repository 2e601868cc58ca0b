/*
 * What commands that build share. Where a process runs already, it builds: they put a run into its queue and follow it in
 * the state store. Where none does, or once it is gone, they build it themselves.
 */
#ifndef CLI_BUILDER_H
#define CLI_BUILDER_H

#include "build/executor.h"
#include "cli/ends.h"

struct builder {
	struct ends ends;
	struct executor *executor; /* NULL: another process has it */
	int64_t threads;           /* of ours; 0: as configured */
	bool quiet;                /* nothing on standard output */
};

/* Opens configuration and state. Of a failed one too: builder_close(). */
MUST_CHECK bool builder_open(
	struct builder *b, const char *config_path, int64_t threads, bool quiet, struct error *err);
/* Becomes the one who builds, where nobody is; runs that were interrupted are then followed to their end. */
MUST_CHECK bool builder_hold(struct builder *b, struct error *err);
/* Queues the run with its hooks, prints its steps as they end, and how it ended; the exit code. Ctrl-C cancels it. */
int builder_run(struct builder *b, const struct project *project, struct run *run,
	const struct steps *steps);
void builder_close(struct builder *b);

/* --- run_print.c --- */

/* "orders", "fact_sales 2026-11-02" */
const char *step_name(const struct step *step, struct arena *arena);
void print_step(const struct step *step, int64_t number, int64_t total);
void print_outcome(const struct run *run, const struct steps *steps);
/* One line each, newest first; and one with its steps. */
void print_runs(const struct runs *runs);
void print_run(const struct run *run, const struct steps *steps);
void print_attempts(const struct steps *steps, const struct attempts *attempts, bool sql, bool log);
/* With steps and attempts where they are not NULL. */
void run_json(const struct run *run, const struct steps *steps, const struct attempts *attempts,
	struct buf *out);

#endif
