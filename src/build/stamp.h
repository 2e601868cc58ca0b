/* What a build is made from, noted before its first statement; and whether that is there. Any thread. */
#ifndef BUILD_STAMP_H
#define BUILD_STAMP_H

#include "assets/assets.h"
#include "build/work.h"

/* Of the builds of one run; what they stand on is looked at once a second. */
struct stamps;
struct stamps *stamps_new(const struct graph *graph, struct state *state);
void stamps_free(struct stamps *s); /* before the graph; NULL-safe */

/* Fills what w->built says of range, parents and definition, and records the definition. */
MUST_CHECK bool stamp_work(struct stamps *s, struct work *w, struct error *err);
/* The node was built, before those that stand on it are stamped. */
void stamps_forget(struct stamps *s, const struct node *node);

/* ERROR_DATA names what the step stands on and does not exist. */
MUST_CHECK bool stamp_parents(const struct graph *graph, struct state *state,
	const struct node *node, const struct step *step, struct error *err);

#endif
