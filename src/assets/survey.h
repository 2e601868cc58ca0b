/*
 * What the state store knows of assets, put together with the graph: what of an asset is built, what of that is dirty
 * and through whom, and up to when it is.
 *
 *	struct survey *v = survey_new(graph, state);
 *	const struct status *s = survey_status(v, asset, &err);     also of all that it stands on; NULL with an error
 *	survey_free(v);                                              before the graph
 *
 * A survey remembers what it has read, and is of one moment. One thread at a time.
 */
#ifndef ASSETS_SURVEY_H
#define ASSETS_SURVEY_H

#include "assets/assets.h"

/* A change of `cause`, as whom looks at it sees it. */
struct effect {
	const struct asset *cause;
	const char *partition; /* a static one; "": of time, or all */
	struct span span;
	int64_t seq;
};
VEC_TYPE(effects, struct effect);

/* Up to when: every change of the sources that was committed until then is in it. */
struct as_of {
	int64_t us;           /* 0: not known */
	const char *position; /* of the stream that is furthest behind: "shop 0/16B3748"; "" */
	/* constant: seeds, and what stands on nothing else */
	bool always;
	/* it stands also on tables of which it is not known when they change, or that are being copied */
	const struct asset *unknown; /* NULL: on none */
};

struct status {
	struct builts built;
	struct effects
		changes; /* its own marks, and where it passes those of its parents, as children see them */
	struct effects
		dirty; /* parts of what is built, and whose change made them so; they may overlap */
	struct as_of as_of;   /* of what is built; of partitions that are missing it says nothing */
	struct as_of parents; /* what a build that begins now would be up to */
	/* Who looks at it looks at this table, of which it is not known when it changes; NULL: at none. */
	const struct asset *unfed;
	/* Likewise at this one, which names nothing that it is made of. */
	const struct asset *blind;
	bool absent; /* of a mirrored table: its first copy is not whole yet */
};

/* Of what reaches an asset by several ways each once, and of what touches everything the latest alone. */
void effects_compact(struct effects *effects);

struct survey;
struct survey *survey_new(const struct graph *g, struct state *state);
void survey_free(struct survey *v);
const struct status *survey_status(struct survey *v, const struct asset *asset, struct error *err);
/* For who asks more of the same store. */
struct state *survey_state(struct survey *v);
const struct graph *survey_graph(struct survey *v);

/* It was built: what is known of it is asked again; of what stands on it only where nobody has asked yet. */
void survey_forget(struct survey *v, const struct asset *asset);

/* Before the first statement of a build of the asset: seq, as_of and position of what will be built. The seq is that of
 * now, as_of what the survey knows, which only grows. Texts in the arena. */
MUST_CHECK bool survey_stamp(struct survey *v, const struct asset *asset, struct arena *arena,
	struct built *out, struct error *err);

/* --- inputs.c --- */

/* Adds to the asset's definition what of its parents it is made of, as they are now: nothing for most. Texts in the
 * arena. */
MUST_CHECK bool survey_inputs(struct survey *v, const struct asset *asset, struct arena *arena,
	struct definition *d, struct error *err);
/* What the stream knows of the table that is called so in the target; NULL: nothing. The survey's. */
MUST_CHECK bool survey_mirrored(struct survey *v, const char *stream, const char *table,
	const struct table_state **out, struct error *err);

#endif
