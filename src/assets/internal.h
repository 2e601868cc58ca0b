/*
 * Inside of assets/.
 *
 *	partition.c    spans of time, partitions, how those of a parent map to those of a child; pure
 *	graph.c        assets, and what stands on what
 *	select.c       selectors: the words; methods.c: what each method takes
 *	inputs.c       what of its parents a view was made of
 *	definition.c   what a definition is now, and how it differs from another
 *	survey.c       what is built of an asset, what of that is dirty, up to when it is
 *	plan.c         what would be built, and why; plan_make.c, plan_parents.c: how it is found out;
 *	               plan_print.c: for people and programs
 *	columns.c      what columns are made of
 */
#ifndef ASSETS_INTERNAL_H
#define ASSETS_INTERNAL_H

#include "assets/assets.h"
#include "base/map.h"

struct graph {
	struct arena arena;
	const struct project *project;
	struct assets assets;
	struct map by_id; /* -> struct asset * */
};

/* Lines of its configuration, which its fingerprint is of from then on. */
struct definition;
void definition_add(struct definition *d, struct arena *arena, const char *lines);

#endif
