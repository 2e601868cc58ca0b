/* What a build is made from, noted before its first statement; and whether that is there. Any thread. */
#ifndef BUILD_STAMP_H
#define BUILD_STAMP_H

#include "assets/assets.h"
#include "build/work.h"

/* Fills what w->built says of range, parents and definition, and records the definition. */
MUST_CHECK bool stamp_work(const struct graph *graph, struct work *w, struct error *err);

/* ERROR_DATA names what the step stands on and does not exist. */
MUST_CHECK bool stamp_parents(const struct graph *graph, struct state *state,
	const struct node *node, const struct step *step, struct error *err);

#endif
