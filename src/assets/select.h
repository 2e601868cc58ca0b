/*
 * Selectors, as dbt's --select and --exclude: names, globs, paths and METHOD:VALUE; `+` with a depth before and behind
 * for parents and children, `@` for children with all their parents; united by spaces, intersected by commas.
 * docs/models.md lists the methods. Selectors of selectors.yml, too, by their names.
 */
#ifndef ASSETS_SELECT_H
#define ASSETS_SELECT_H

#include "assets/assets.h"

struct selector {
	const char *const *select; /* each with any number of words; none: all */
	size_t n_select;
	const char *exclude; /* NULL: nothing */
	const char *name;    /* of selectors.yml, instead of both; NULL */
};

/* In the order of the graph, tables of sources among them, and checks of what is selected, unless they are excluded.
 * The state store is asked by state: alone. A name
 * that nothing has, or a method that there is not, is ERROR_CONFIG with the nearest. */
MUST_CHECK bool assets_select(const struct graph *g, struct state *state,
	const struct selector *selector, struct assets *out, struct error *err);

/* Of these, those that a word itself means, not as parents or children of others; none where there are no words. */
MUST_CHECK bool assets_named(const struct graph *g, struct state *state,
	const struct selector *selector, struct assets *out, struct error *err);

/* The one of selectors.yml that holds where nothing is selected, in the arena; NULL: there is none. */
MUST_CHECK bool selector_default(
	const struct project *project, struct arena *arena, const char **name, struct error *err);

#endif
