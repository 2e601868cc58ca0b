/*
 * What runs by itself: schedules, changes, what is missing, limits of freshness, sensors. One thread in the process
 * that holds state_lock(); it reads the project, again whenever its files change, tells the streams by which columns
 * their changes are told apart, and puts runs into the queue (state/runs.h). Why something ran, or did not, is
 * written down (state_reason_put).
 */
#ifndef SCHEDULE_SCHEDULER_H
#define SCHEDULE_SCHEDULER_H

#include "build/executor.h"
#include "pipeline/pipeline.h"

struct assets;
struct graph;
struct node;
struct project;

struct scheduler_options {
	const struct config *config;
	struct state *state;
	struct pipeline *pipeline;
	struct executor *executor; /* told of new runs */
	const char *warehouse_url; /* of the embedded ClickHouse; NULL: none runs */
};

struct scheduler;
/* A project that cannot be read now is tried again when its files change. */
MUST_CHECK struct scheduler *scheduler_start(const struct scheduler_options *, struct error *err);
void scheduler_stop(struct scheduler *s); /* NULL-safe */

/* What is known of something that the project builds. */
struct model_fact {
	const char *project, *name; /* of the package; "orders" */
	bool up_to_date;            /* as `tailrace assets` says it, but for tables that are gone */
	int64_t built_us;           /* when something of it was built last; 0: never */
	int64_t as_of_us; /* every change of its streams committed until then is in it; 0: not known */
	int64_t took_us;    /* of the last run that built it; -1: not known */
	uint64_t rows;      /* that it wrote, where took_us is known */
	const char *status; /* of its steps in the latest run; "": there was none */
};
VEC_TYPE(model_facts, struct model_fact);
/* As of a few seconds ago: nothing is asked, and nobody waits. Texts in the arena; release the list. */
void scheduler_facts(struct scheduler *s, struct arena *arena, struct model_facts *out);

/* What a sensor has built; release the list. */
MUST_CHECK bool sensor_selects(const struct sensor_config *sensor, const struct graph *g,
	struct state *state, struct assets *out, struct error *err);

/* The tables of streams that have an event time, as sources of the project. */
void project_watch_list(const struct project *, struct watch_list *out);

/* Is its cron line or time zone wrong? Then why, with file, line, and what to write instead. */
bool schedule_problem(const struct node *node, char *why, size_t size);
/* Appends when and by what the node runs, a line each, for people; `last_s` as recorded by schedule_last(). */
void schedule_print(const struct node *node, int64_t last_s, int64_t now_us, struct buf *out);
/* The last tick that was done of an asset; 0: none is known. */
int64_t schedule_last(struct state *, const char *asset);

#endif
