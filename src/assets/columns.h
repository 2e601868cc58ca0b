/*
 * What columns of assets are made of, and what is made of them, from what builds have recorded (state/assets.h).
 *
 *	struct columns *c = columns_new(graph, state, &err);
 *	columns_up(c, asset, "total", COLUMNS_ALL, &refs);
 *	columns_free(c);                                        before the graph
 */
#ifndef ASSETS_COLUMNS_H
#define ASSETS_COLUMNS_H

#include "assets/assets.h"

struct columns;
struct columns *columns_new(const struct graph *g, struct state *state, struct error *err);
void columns_free(struct columns *c);

/* As it was built last; none: never, or it is no table or view of ours. */
const struct lineage *columns_of(const struct columns *c, const struct asset *asset);

/* NULL: none is called so. */
const struct lineage_column *column_named(const struct lineage *l, const char *name, size_t len);

/* A column that one is made of, or that is made of it. */
struct column_ref {
	const struct asset *asset; /* NULL: of a table that is no asset */
	const char *relation, *column;
	enum lineage_how how; /* the last of the ways there */
	int depth;            /* 1: direct */
	const char *gap;      /* of its own: there may be more behind it; NULL */
};
VEC_TYPE(column_refs, struct column_ref);

/* Each once, the near before the far; `depth` at most, 0: however far. Appends. */
void columns_up(const struct columns *c, const struct asset *asset, const char *column, int depth,
	struct column_refs *out);
void columns_down(const struct columns *c, const struct asset *asset, const char *column, int depth,
	struct column_refs *out);

/* "orders.amount": the asset and its column, both of which may have dots in their names. NULL: there is no such asset;
 * that it has the column is not looked at, where there is no better way to read it. */
const struct asset *columns_find(const struct columns *c, const char *text, const char **column);

#endif
