/*
 * Inside of the scheduler.
 *
 *	cron.c, cron_next.c   when a line comes; pure
 *	trigger.c     what makes one asset run, and what a tick builds of it
 *	scheduler.c   the thread: project, triggers, what is due
 *	wanted.c      what is due becomes a run, as far as there is anything to build
 *	sensor.c      files, values in the warehouse, words by HTTP
 *	files.c       have the project's files changed?
 *	facts.c       what is known of every model, for those who watch
 *	watch.c       which tables of streams have an event time
 *	describe.c    when and by what an asset runs, for people
 */
#ifndef SCHEDULE_INTERNAL_H
#define SCHEDULE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include "base/map.h"
#include "schedule/scheduler.h"
#include "schedule/trigger.h"

struct scheduler {
	struct scheduler_options options;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	atomic_bool stopping;     /* set under the lock */
	struct arena facts_arena; /* under the lock */
	struct model_facts facts; /* likewise */

	/* of the thread */
	uint64_t files; /* of the project as it is read */
	int64_t files_ms;
	struct arena arena; /* of the project */
	struct project *project;
	struct graph *graph;
	struct triggers triggers;
	struct map busy;       /* assets that open runs build -> the run's id */
	int64_t facts_ms;      /* when facts are gathered next */
	struct look *looks;    /* one a sensor */
	struct engine *engine; /* of sensors; NULL: not opened yet */
	struct arena engine_arena;
	struct error said; /* the failure logged last */
};

/* What is known of a sensor. */
struct look {
	int64_t ms;        /* when it was looked at last; 0: never */
	struct error said; /* why it could not be; cleared: it could */
};

/* What makes assets run. */
enum cause { BY_TICK, BY_CHANGE, BY_ABSENCE, BY_AGE };

VEC_TYPE(trigger_list, struct trigger *);

/* Queues a run of what there is to build of them, and writes down why, or why not. What waits for a parent stays due. */
MUST_CHECK bool want(
	struct scheduler *s, enum cause cause, const struct trigger_list *due, struct error *err);

/* Those that are due. One that cannot be looked at is told, and keeps nothing else from running. */
void look_at_sensors(struct scheduler *s);

/* Gathers what scheduler_facts() tells, when it is time to. */
MUST_CHECK bool look_at_facts(struct scheduler *s, struct error *err);

/* Logs a failure, unless it is the one that was logged last; was it another one? */
bool say_failure(struct error *said, const char *what, const struct error *err);

/* Writes a reason down, unless it is the one that was written last. */
void say(struct scheduler *s, struct trigger *t, const char *fmt, ...) PRINTF(3, 4);

/* A number that is another one once files of the project have changed. */
uint64_t project_files(const char *folder);

#endif
