/*
 * The executor: takes runs from the queue (state/runs.h) and does their steps, parents before children, several at
 * once, within the limits of the configuration. There is one in the process that holds state_lock(). Runs that an
 * earlier process left are marked as interrupted when it starts, and go on.
 *
 * A step that fails by what may pass is tried again; when it has failed for good, all that stands on it is skipped, and
 * the rest of the run goes on. No step is built on a partition that does not exist.
 */
#ifndef BUILD_EXECUTOR_H
#define BUILD_EXECUTOR_H

#include "config/config.h"
#include "state/runs.h"

struct engine;
struct project;

struct executor_options {
	const struct config *config;
	struct state *state;
	const char *warehouse_url; /* of the embedded ClickHouse; NULL: none runs */
	int64_t threads;           /* 0: as configured */
	bool patient; /* an engine that is not reached is waited for; else it is an error of executor_start() */
};

struct executor;
MUST_CHECK struct executor *executor_start(const struct executor_options *, struct error *err);
/* What runs is ended, and goes on with the next executor. NULL-safe. */
void executor_stop(struct executor *e);
/* There is something new in the queue: it is looked at without delay. */
void executor_poke(struct executor *e);

/* Does the configuration name a project of models? */
bool models_wanted(const struct config *config);

/* The project that the configuration names; `again` is project_options'. Configuration, vars and arena must outlive it. */
MUST_CHECK struct project *models_project(const struct config *config, const char *vars, bool again,
	struct arena *arena, struct error *err);

/* The connection that models are built in. */
const struct connection_config *models_connection(const struct config *config, struct error *err);

/* The engine of the models, opened; engine_free() closes it. Strings live in the arena. */
MUST_CHECK struct engine *models_engine(const struct config *config, const char *warehouse_url,
	struct arena *arena, struct error *err);
void engine_free(struct engine *engine);

#endif
