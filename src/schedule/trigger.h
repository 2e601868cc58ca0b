/*
 * Inside of the scheduler: what makes one asset run by itself, as its configuration says, and where that stands. Of
 * the scheduler's thread alone.
 */
#ifndef SCHEDULE_TRIGGER_H
#define SCHEDULE_TRIGGER_H

#include "assets/plan.h"
#include "schedule/cron.h"

struct trigger {
	const struct asset *asset;
	const struct schedule *schedule;
	char problem[512]; /* of its cron line or time zone; "": none */

	struct cron cron;
	struct zone *zone; /* NULL: no cron line, or a wrong one */
	bool catchup;
	int64_t next_s; /* when the line comes next */
	/* the tick that came and is not done yet, 0: none; what is complete since the one before is built */
	int64_t tick_s, since_s;

	int64_t seq;  /* of what it stands on, when last looked at */
	bool changed; /* it has changed since the last run */
	/* Up to here, what changes touch is built; recorded. -1: not read yet. */
	int64_t taken_seq;
	bool touched; /* changes behind that touch what was never built */
	bool late;    /* older than its limit */
	int64_t ran_us, looked_us, aged_us, held_until_us;
	struct retry {
		uint64_t what; /* was wanted last because it was missing or old; 0: nothing */
		int64_t at_us, wait_us;
	} retry;
	char said[512]; /* the reason written down last */
};
VEC_TYPE(triggers, struct trigger);

/* Is anything said of when the node runs? */
bool node_is_scheduled(const struct node *node);

/* Reads what the configuration says; a wrong cron line is the trigger's problem. `last_s`: the last tick that was
 * done, 0: none is known. */
void trigger_init(struct trigger *t, const struct asset *asset, int64_t last_s, int64_t now_s);
void trigger_release(struct trigger *t);

/* The same asset, of a project that is read again: what was under way goes on. */
void trigger_carry(struct trigger *t, const struct trigger *old);

/* Is it time to try that? What was wanted before, and still is, has not been built: it is tried ever more seldom. */
bool trigger_try(struct trigger *t, uint64_t what, int64_t now_us);

/* Moves on to the tick that is due, if one is. Several that were missed become the latest, or with catchup one that
 * reaches back to the first. */
void trigger_tick(struct trigger *t, int64_t now_s);

/* What a tick builds of the asset: what became complete since the tick before; where a partition is longer than
 * that, the one under way; all where it is not partitioned by time. */
struct span trigger_due(const struct trigger *t);

/* What of a span of partitions is complete. */
struct span complete_until(const struct partitioning *p, struct span s, int64_t now_us);

#endif
