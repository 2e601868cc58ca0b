/*
 * Inside of selectors: what their parts share.
 *
 *	select.c     words of the command line, and what stands around what they name
 *	selectors.c  selectors.yml
 *	methods.c    the methods, and whether an asset is meant by one
 */
#ifndef ASSETS_METHODS_H
#define ASSETS_METHODS_H

#include <limits.h>
#include "assets/survey.h"

/* METHOD.ARGUMENT:VALUE; texts live as long as the arena of the selection. */
struct criterion {
	const char *method;   /* one of method_names */
	const char *argument; /* behind its dot: of config the path; "" */
	const char *value;
};

struct selecting {
	const struct graph *graph;
	struct state *state;
	struct survey *survey; /* NULL: nobody has asked for one yet */
	struct arena arena;
	bool alone;  /* what the words name, without its parents, children and checks */
	bool listed; /* in selectors.yml, where a name that nothing has is warned of, as in dbt */
	struct error *err;
};

/* Which checks come with what is selected; dbt's indirect_selection. */
enum indirect {
	INDIRECT_EAGER,     /* those of any of it */
	INDIRECT_CAUTIOUS,  /* that look at nothing else */
	INDIRECT_BUILDABLE, /* that look at nothing but it, what it stands on, and sources */
	INDIRECT_EMPTY,     /* none */
};

#define SELECTORS_FILE "selectors.yml"
#define ANY_DEPTH      INT_MAX

/* One word: @2+METHOD:VALUE+3 */
struct word {
	struct criterion criterion;
	bool whole_children;   /* @ */
	int parents, children; /* how deep; 0: none */
	enum indirect indirect;
};

/* --- select.c --- */
/* A set is an array of truths by the assets' index. Texts are the selection's. */
MUST_CHECK bool word_read(struct selecting *s, const char *text, struct word *out);
/* "config.materialized"; `text` is what messages show. */
MUST_CHECK bool word_take_method(struct selecting *s, const char *text, const char *method,
	const char *value, struct word *out);
MUST_CHECK bool word_select(struct selecting *s, const struct word *w, bool *set);

/* --- selectors.c --- */
MUST_CHECK bool select_by_name(struct selecting *s, const char *name, bool *set);

/* --- methods.c --- */
extern const char *const method_names[]; /* ends with NULL */

/* False with s->err set where it cannot be told. */
MUST_CHECK bool criterion_matches(
	struct selecting *s, const struct criterion *c, const struct asset *asset, bool *out);
/* A value that nothing has is a mistake; of state:, say, it is not. */
bool criterion_must_match(const struct criterion *c);

#endif
