/*
 * Making a model, seed or snapshot, or one partition of it, in the engine: filled beside what is there, then put in its
 * place at once. A process that dies anywhere leaves either the old or the new; materialize_recover() finishes
 * what was recorded and sweeps what is left.
 */
#ifndef BUILD_MATERIALIZE_H
#define BUILD_MATERIALIZE_H

#include "build/work.h"

/* Ends with work_built(). ERROR_RETRY: trying again may help. */
MUST_CHECK bool materialize(struct work *w, struct error *err);

/* At the start, by the one process that builds: swaps under way are finished, staging tables without one dropped. */
MUST_CHECK bool materialize_recover(struct state *state, struct engine *engine,
	const struct project *project, struct error *err);

#endif
