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
	bool stopping;            /* under the lock */
	struct arena facts_arena; /* likewise */
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
	int64_t *sensors_ms;   /* when each was looked at last */
	struct engine *engine; /* of sensors; NULL: not opened yet */
	struct arena engine_arena;
	char said[1024]; /* the failure logged last */
};

/* What makes assets run. */
enum cause { BY_TICK, BY_CHANGE, BY_ABSENCE, BY_AGE };

VEC_TYPE(trigger_list, struct trigger *);

/* Queues a run of what there is to build of them, and writes down why, or why not. What waits for a parent stays due. */
MUST_CHECK bool want(
	struct scheduler *s, enum cause cause, const struct trigger_list *due, struct error *err);

/* Those that are due; the first failure of several is told. */
MUST_CHECK bool look_at_sensors(struct scheduler *s, struct error *err);

/* Gathers what scheduler_facts() tells, when it is time to. */
MUST_CHECK bool look_at_facts(struct scheduler *s, struct error *err);

/* Writes a reason down, unless it is the one that was written last. */
void say(struct scheduler *s, struct trigger *t, const char *fmt, ...) PRINTF(3, 4);

/* A number that is another one once files of the project have changed. */
uint64_t project_files(const char *folder);

#endif
