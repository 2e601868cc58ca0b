/* From a selector to the steps of a run: project, graph, survey and plan, for commands that build. */
#ifndef CLI_PLANNED_H
#define CLI_PLANNED_H

#include "assets/plan.h"
#include "cli/builder.h"

struct planned {
	struct arena arena;
	struct project *project;
	struct graph *graph;
	struct survey *survey;
	struct engine *engine;  /* NULL: not reached */
	struct assets selected; /* in the order of the graph */
	const char *selector;   /* as it was written */
	struct plan plan;
	struct steps steps;
};

/* Reads the project. Once opened, also in vain: planned_close(). */
MUST_CHECK bool planned_open(
	struct planned *p, const struct config *config, const char *vars, struct error *err);
/* What the words select; all of it where there are none. exclude may be NULL. */
MUST_CHECK bool planned_select(struct planned *p, struct state *state, char *const *words,
	int n_words, const char *exclude, struct error *err);
/* The plan, and its steps. Asks the warehouse which tables are there. */
MUST_CHECK bool planned_make(
	struct planned *p, struct builder *b, struct plan_options *options, struct error *err);
void planned_close(struct planned *p);

#endif
