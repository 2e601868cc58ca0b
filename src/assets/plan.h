/*
 * What would be built, and why, before anything is. A plan is made of what files, state store and, where an engine is
 * given, the warehouse say at one moment; it changes nothing.
 *
 *	plan_init(&plan);
 *	if (plan_make(survey, &options, &plan, &err) && plan_steps(&plan, &arena, &steps, &err)) ...
 *	plan_release(&plan);
 */
#ifndef ASSETS_PLAN_H
#define ASSETS_PLAN_H

#include "assets/definition.h"
#include "assets/survey.h"
#include "core/engine.h"
#include "state/runs.h"

enum plan_reason {
	PLAN_ASKED,    /* somebody wants it built anew */
	PLAN_GONE,     /* it was built, and its table is not in the warehouse */
	PLAN_NEW,      /* never built */
	PLAN_CHANGED,  /* its definition is another one */
	PLAN_MISSING,  /* other partitions are built */
	PLAN_DIRTY,    /* a parent changed since */
	PLAN_UPSTREAM, /* a parent will be built by this plan */
	PLAN_UNKNOWN,  /* it is not known whether what it is made of changed since */
};
const char *plan_reason_name(enum plan_reason reason); /* "dirty" */

/* Partitions of an asset that have one reason. */
struct plan_part {
	enum plan_reason reason;
	const char *partition;     /* a static one; "": of time, or the whole */
	struct span span;          /* of whole partitions; SPAN_ALL */
	const struct asset *cause; /* of dirty, upstream and unknown: whose change; else NULL */
	const struct asset
		*waits;  /* not built: this is not there yet, nor in the plan; NULL: it is built */
	const char *why; /* a sentence */
};
VEC_TYPE(plan_parts, struct plan_part);

struct plan_asset {
	const struct asset *asset;
	const char *problem; /* why nothing of it can be built; NULL */
	enum change change;  /* of its definition since what is built */
	const char *what;    /* differs; NULL */
	const char *note;    /* for people; NULL */
	bool quiet; /* what is built says nothing new to those who stand on it: do not mark it */
	bool blind; /* what it is made of is not known, so only who names it has it built */
	bool unchecked; /* its checks failed, or did not end: they run again, even if nothing is built */
	struct plan_parts parts;
	/* partitions, 1 where it has none; of what there is at that time */
	int64_t n_all, n_built, n_missing, n_dirty;
};

struct plan {
	struct arena arena;
	VEC(struct plan_asset)
	assets; /* those selected with rows to be built, parents before children */
	struct known_assets gone; /* built once, and of no file of the project any more */
	size_t n_steps;           /* partitions to build */
	bool limited;             /* some were selected */
	struct assets sources; /* that were selected: their tests go before what stands on them */
	struct assets checks;  /* that were selected, where only some are */
	bool some_checks;      /* no others run */
};

struct plan_options {
	const struct assets *selected; /* NULL: all */
	bool some_checks; /* none but those that are selected run; else all of what is built */
	const struct assets *named; /* of these, those that were asked for themselves; NULL: none */
	int64_t now_us;
	struct span range;     /* SPAN_ALL; else partitions by time that have a part in it, alone */
	bool full_refresh;     /* everything, from nothing */
	bool all;              /* what is up to date, too */
	bool missing;          /* what is missing or was never built, alone */
	struct engine *engine; /* to see which tables are there; NULL: nobody is asked */
};

void plan_init(struct plan *plan);
void plan_release(struct plan *plan);
/* The survey must outlive the plan. */
MUST_CHECK bool plan_make(
	struct survey *v, const struct plan_options *options, struct plan *plan, struct error *err);

/* Is all of it built, of what there is now, and checked? */
bool plan_is_current(const struct plan_asset *a);

/* A step a partition, parents before children; checks of what is built, and of selected sources that it stands on.
 * Texts in the arena. */
void plan_steps(
	const struct plan *plan, const struct graph *g, struct arena *arena, struct steps *out);
/* Queues the run with its steps, and, where there are any, the hooks of on-run-start before and those of on-run-end
 * behind them. Their number is in run->n_steps. */
MUST_CHECK bool run_queue(struct state *state, const struct project *project, struct run *run,
	const struct steps *steps, struct error *err);
/* Checks of any of these assets, in the order of the graph, those that are among them too. */
void checks_of(const struct graph *g, const struct assets *assets, struct assets *out);

/* For people, and as a JSON document. */
void plan_text(const struct plan *plan, struct buf *out);
void plan_json(const struct plan *plan, struct buf *out);

#endif
