/*
 * The graph: tables of sources first (declared, read by a node, or mirrored), then the nodes of the project, whose
 * parents come before them already; then each learns its children.
 */
#include <stdlib.h>
#include <string.h>
#include "assets/internal.h"
#include "core/option.h"

static const char *const kind_names[] = {
	[ASSET_SOURCE] = "source",
	[ASSET_MIRROR] = "mirror",
	[ASSET_SEED] = "seed",
	[ASSET_MODEL] = "model",
	[ASSET_SNAPSHOT] = "snapshot",
	[ASSET_EXPORT] = "export",
	[ASSET_COMMAND] = "command",
	[ASSET_CHECK] = "check",
};

const char *asset_kind_name(enum asset_kind kind)
{
	return kind_names[kind];
}

static struct asset *add(struct graph *g, struct asset asset)
{
	struct asset *kept = arena_alloc(&g->arena, sizeof *kept);

	*kept = asset;
	kept->index = g->assets.len;
	vec_push(&g->assets, kept);
	map_put(&g->by_id, asset.id, strlen(asset.id), kept);
	return kept;
}

/* --- tables of sources --- */

static struct asset *add_source(struct graph *g, const struct source_table *t)
{
	const char *root = project_name(g->project);
	/* What no stream feeds is called as in dbt, where no mirrored table can be meant. */
	const char *id = t->stream ? arena_printf(
					     &g->arena, "source.%s.%s", t->stream->name, t->table)
				   : arena_printf(&g->arena, "source.%s.%s.%s", root, t->source,
					     t->name);
	struct asset *asset = map_get(&g->by_id, id, strlen(id));

	if (asset && (asset->source->place || !t->place))
		return asset;
	if (asset) {
		asset->source = t;
		return asset;
	}
	return add(g, (struct asset){.kind = t->stream ? ASSET_MIRROR : ASSET_SOURCE,
			      .id = id,
			      .name = arena_printf(&g->arena, "%s.%s", t->source, t->name),
			      .database = t->database,
			      .table = t->table,
			      .source = t});
}

static void add_mirrored(struct graph *g, const struct mirrored_table *m)
{
	struct source_table *t = arena_alloc(&g->arena, sizeof *t);
	struct stream_source *stream = arena_alloc(&g->arena, sizeof *stream);

	*stream = (struct stream_source){.name = m->stream, .database = m->database};
	*t = (struct source_table){.source = m->stream,
		.name = m->table,
		.database = m->database,
		.table = m->table,
		.stream = stream};
	add_source(g, t);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp((*(struct asset *const *)a)->name, (*(struct asset *const *)b)->name);
}

static void add_sources(struct graph *g, const struct mirrored_table *tables, size_t n_tables)
{
	struct source_tables declared = {0};

	project_sources(g->project, &declared);
	vec_each (&declared, it)
		add_source(g, *it);
	vec_release(&declared);
	vec_each (project_nodes(g->project), it)
		vec_each (&(*it)->sources, table)
			add_source(g, *table);
	for (size_t i = 0; i < n_tables; i++)
		add_mirrored(g, &tables[i]);
	if (g->assets.len)
		qsort(g->assets.items, g->assets.len, sizeof *g->assets.items, compare_names);
	for (size_t i = 0; i < g->assets.len; i++)
		g->assets.items[i]->index = i;
}

/* --- nodes --- */

static enum asset_kind kind_of(const struct node *node)
{
	struct value how = dict_get_text(node->config, "materialized");

	switch (node->kind) {
	case NODE_SEED: return ASSET_SEED;
	case NODE_SNAPSHOT: return ASSET_SNAPSHOT;
	case NODE_TEST:
	case NODE_UNIT_TEST: return ASSET_CHECK;
	case NODE_HOOK: /* is no asset */
	case NODE_MODEL: break;
	}
	if (value_is_text(how, "external"))
		return ASSET_EXPORT;
	return value_is_text(how, "exec") ? ASSET_COMMAND : ASSET_MODEL;
}

static bool passes(const struct node *node)
{
	return node->materialization == MATERIALIZED_VIEW ||
	       node->materialization == MATERIALIZED_EPHEMERAL ||
	       value_is_text(dict_get_text(node->config, "materialized"), "materialized_view");
}

bool asset_is_view(const struct asset *asset)
{
	return asset->table && asset->kind == ASSET_MODEL &&
	       asset->node->materialization == MATERIALIZED_VIEW;
}

static void add_parent(struct asset *asset, struct asset *parent)
{
	vec_each (&asset->parents, it)
		if (*it == parent)
			return;
	vec_push(&asset->parents, parent);
	vec_push(&parent->children, asset);
}

static void add_node(struct graph *g, const struct node *node)
{
	enum asset_kind kind = kind_of(node);
	bool model = kind == ASSET_MODEL;
	bool table = (model && node->materialization != MATERIALIZED_EPHEMERAL) ||
		     kind == ASSET_SEED || kind == ASSET_SNAPSHOT;
	struct asset *asset = add(
		g, (struct asset){.kind = kind,
			   .id = node->id,
			   .name = node->name,
			   .database = table ? node->database : NULL,
			   .table = table ? node->alias : NULL,
			   .node = node,
			   .partitioning = {node->batch_size, node->begin_us, node->partitions},
			   .passes = model && passes(node)});

	vec_each (&node->sources, it)
		add_parent(asset, add_source(g, *it));
	vec_each (&node->parents, it) {
		struct asset *parent = map_get(&g->by_id, (*it)->id, strlen((*it)->id));
		if (parent) /* a parent that is disabled has no asset: the node has a problem */
			add_parent(asset, parent);
	}
}

struct graph *graph_new(
	const struct project *project, const struct mirrored_table *tables, size_t n_tables)
{
	struct graph *g = xcalloc(1, sizeof *g);

	arena_init(&g->arena);
	g->project = project;
	add_sources(g, tables, n_tables);
	vec_each (project_nodes(project), it)
		add_node(g, *it);
	return g;
}

void graph_free(struct graph *g)
{
	if (!g)
		return;
	vec_each (&g->assets, it) {
		vec_release(&(*it)->parents);
		vec_release(&(*it)->children);
	}
	vec_release(&g->assets);
	map_release(&g->by_id);
	arena_release(&g->arena);
	free(g);
}

/* --- looking --- */

const struct assets *graph_assets(const struct graph *g)
{
	return &g->assets;
}

const struct project *graph_project(const struct graph *g)
{
	return g->project;
}

struct asset *graph_find(const struct graph *g, const char *name)
{
	struct asset *found = map_get(&g->by_id, name, strlen(name));
	const struct node *node = found ? NULL : project_find(g->project, name);

	if (node)
		found = map_get(&g->by_id, node->id, strlen(node->id));
	for (size_t i = 0; !found && i < g->assets.len; i++)
		if (!strcmp(g->assets.items[i]->name, name))
			found = g->assets.items[i];
	return found;
}

const char *graph_nearest(const struct graph *g, const char *name)
{
	VEC(const char *) names = {0};

	vec_each (&g->assets, it)
		if ((*it)->kind != ASSET_CHECK)
			vec_push(&names, (*it)->name);
	vec_push(&names, NULL);
	const char *near = nearest_name(name, names.items);
	vec_release(&names);
	return near;
}

static void list_inputs(const struct asset *asset, bool *seen)
{
	vec_each (&asset->parents, it) {
		if (seen[(*it)->index])
			continue;
		seen[(*it)->index] = true;
		if ((*it)->passes)
			list_inputs(*it, seen);
	}
}

void asset_inputs(const struct graph *g, const struct asset *asset, struct asset_ids *out)
{
	bool *seen = xcalloc(g->assets.len + 1, sizeof *seen);

	list_inputs(asset, seen);
	for (size_t i = 0; i < g->assets.len; i++)
		if (seen[i])
			vec_push(out, g->assets.items[i]->id);
	free(seen);
}

/* A view keeps the times of a parent whose column of time it has under the same name. */
static bool keeps_times(const struct asset *asset, const char *event_time)
{
	return asset->passes && asset->node->event_time && event_time &&
	       !strcmp(asset->node->event_time, event_time) &&
	       !value_given(dict_get_text(asset->node->config, "partition_mapping"));
}

struct partition_mapping asset_mapping(const struct asset *asset, const struct asset *parent)
{
	const char *event_time = parent->node ? parent->node->event_time
					      : parent->source->event_time;

	if (keeps_times(asset, event_time))
		return (struct partition_mapping){.kind = MAPPING_SAME};
	return parent->node ? node_mapping(asset->node, parent->node)
			    : node_source_mapping(asset->node, parent->source);
}
