/* Inside of selectors: the methods, and whether an asset is meant by one. */
#ifndef ASSETS_METHODS_H
#define ASSETS_METHODS_H

#include "assets/assets.h"

/* METHOD.ARGUMENT:VALUE; texts live as long as the arena of the selection. */
struct criterion {
	const char *method;   /* one of method_names */
	const char *argument; /* behind its dot: of config the path; "" */
	const char *value;
};

struct selecting {
	const struct graph *graph;
	struct state *state;
	struct arena arena;
	bool alone; /* what the words name, without its parents and children */
	struct error *err;
};

extern const char *const method_names[]; /* ends with NULL */

/* False with s->err set where it cannot be told. */
MUST_CHECK bool criterion_matches(
	struct selecting *s, const struct criterion *c, const struct asset *asset, bool *out);
/* A value that nothing has is a mistake; of state:, say, it is not. */
bool criterion_must_match(const struct criterion *c);

#endif
