/*
 * The graph of assets: whatever holds rows or says something of them, and what stands on what. It is made from a
 * project; what is built, dirty or fresh is asked with the state store (plan.h, survey.h).
 *
 *	struct graph *g = graph_new(project);
 *	const struct asset *orders = graph_find(g, "orders");
 *	vec_each (graph_assets(g), it) ...            parents before children
 *	graph_free(g);                                before the project
 *
 * Read-only once it is made: any number of threads may look.
 */
#ifndef ASSETS_ASSETS_H
#define ASSETS_ASSETS_H

#include "assets/partition.h"
#include "models/project.h"

enum asset_kind {
	ASSET_SOURCE, /* a table that no stream of ours feeds: it is not known when it changes */
	ASSET_MIRROR, /* a stream's table */
	ASSET_SEED,
	ASSET_MODEL,
	ASSET_SNAPSHOT,
	ASSET_EXPORT,  /* a model materialized as external: files */
	ASSET_COMMAND, /* a model materialized as exec */
	ASSET_CHECK,   /* a test of data */
};
const char *asset_kind_name(enum asset_kind kind); /* "model" */

struct asset;
VEC_TYPE(assets, struct asset *);

struct asset {
	enum asset_kind kind;
	const char *id;               /* as in state/assets.h */
	const char *name;             /* "orders"; of a table of a source "shop.orders" */
	const char *database, *table; /* in the warehouse; NULL: it is no table or view there */
	const struct node *node;      /* NULL: a table of a source */
	const struct source_table *source; /* NULL: a node */
	struct partitioning partitioning;
	/* A view, an ephemeral model, or a view that the engine keeps: what changes its parents changes it at once,
	 * so its marks are theirs beside its own, and nothing of it is dirty. */
	bool passes;
	struct assets parents, children; /* direct, each once; checks among the children */
	size_t index;                    /* in graph_assets() */
};

/* A view of the engine that holds no rows. */
bool asset_is_view(const struct asset *asset);

struct graph;
/* A table that a stream mirrors, whether a model reads it or not. */
struct mirrored_table {
	const char *stream, *database, *table;
};
/* Its memory is its own; the project and the tables must outlive it. */
struct graph *graph_new(
	const struct project *project, const struct mirrored_table *tables, size_t n_tables);
void graph_free(struct graph *g);

const struct assets *graph_assets(const struct graph *g);
const struct project *graph_project(const struct graph *g);
/* By id, by name, or by path of its file; NULL. */
struct asset *graph_find(const struct graph *g, const char *name);
/* The nearest name of an asset, or NULL. */
const char *graph_nearest(const struct graph *g, const char *name);

/* Those whose marks make `asset` dirty: its parents, and through views and ephemeral models theirs; the views among
 * them too. For state_seq(). Ids in the order of the graph; release the list. */
VEC_TYPE(asset_ids, const char *);
void asset_inputs(const struct graph *g, const struct asset *asset, struct asset_ids *out);

/* How partitions of the parent, one of asset->parents, map to those of the asset; of a view that says nothing of it:
 * the same, where both call the column of time the same. */
struct partition_mapping asset_mapping(const struct asset *asset, const struct asset *parent);

#endif
