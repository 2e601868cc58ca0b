/*
 * What commands that look at models share: the project that the configuration names, its graph, what the state store
 * knows of it, and what was selected.
 */
#ifndef CLI_OUTLOOK_H
#define CLI_OUTLOOK_H

#include "assets/plan.h"
#include "assets/select.h"
#include "cli/ends.h"

struct outlook {
	struct arena arena;
	struct project *project;
	struct graph *graph;
	struct survey *survey;
	struct assets selected, named; /* see select.h */
	bool limited;                  /* not all is selected */
	const char *selector;          /* as it was written */
	struct engine *engine;         /* NULL: none was opened */
};

/* Vars: of --vars, or NULL. On failure too it is to be closed. */
MUST_CHECK bool outlook_open(
	struct outlook *o, const struct ends *ends, const char *vars, struct error *err);
/* What a call selects: its words, --exclude, --selector, each NULL where it has no such flag; without any the default
 * of selectors.yml, or all. */
struct choice {
	char **words;
	int n;
	const char *exclude, *name;
};
MUST_CHECK bool outlook_select(
	struct outlook *o, const struct ends *ends, const struct choice *choice, struct error *err);
/* Opens the engine, where something was built that its tables tell of. */
MUST_CHECK bool outlook_engine(struct outlook *o, struct ends *ends, struct error *err);
/* Opens the engine; with `start`, an embedded one that does not run is started for that, else it stays NULL. */
MUST_CHECK bool outlook_reach(struct outlook *o, struct ends *ends, bool start, struct error *err);
void outlook_close(struct outlook *o);

#endif
