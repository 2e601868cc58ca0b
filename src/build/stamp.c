/* See stamp.h. */
#include "build/stamp.h"

#include <string.h>
#include "assets/survey.h"

/* --- what it is made from --- */

bool stamp_work(const struct graph *graph, struct work *w, struct error *err)
{
	const struct asset *asset = graph_find(graph, w->node->id);
	struct definition definition;

	if (!asset_stamp(graph, w->state, asset, w->arena, &w->built, &definition, err))
		return false;
	w->built.partition = w->node->partitions.n ? w->partition : "";
	w->built.from_us = w->from_us;
	w->built.to_us = w->to_us;
	return state_definition_put(w->state, w->node->id, &definition, err);
}

/* --- whether that is there --- */

static bool read_built(struct state *state, const struct asset *asset, const char *key,
	struct spans *out, struct error *err)
{
	struct arena arena;
	struct builts builts;

	arena_init(&arena);
	bool ok = state_built(state, asset->id, &arena, &builts, err);
	for (size_t i = 0; ok && i < builts.len; i++) {
		const struct built *b = &builts.items[i];
		if (!*b->partition || (key && !strcmp(b->partition, key)))
			spans_add(out, (struct span){b->from_us, b->to_us});
	}
	if (ok)
		vec_release(&builts);
	arena_release(&arena);
	return ok;
}

/* What of the parent the step needs: of one by time the partitions that map to its own. */
static struct span needed(
	const struct asset *asset, const struct asset *parent, const struct step *step)
{
	struct partition_mapping mapping = asset_mapping(asset, parent);
	const struct partitioning *p = &parent->partitioning;
	struct span s = {step->from_us, step->to_us};

	if (p->period == PERIOD_NONE)
		return SPAN_ALL;
	if (asset->partitioning.period == PERIOD_NONE ||
		(mapping.kind != MAPPING_SAME && mapping.kind != MAPPING_WINDOW))
		return (struct span){0};
	if (mapping.kind == MAPPING_WINDOW)
		s.from_us = period_add(
			p->period, period_start(p->period, s.from_us), -mapping.window);
	return partitions_touched(p, s);
}

static bool exists(struct state *state, const struct asset *asset, const struct asset *parent,
	const struct step *step, struct error *err)
{
	struct spans built = {0}, missing = {0};
	struct span need = needed(asset, parent, step);
	char text[SPAN_TEXT_SIZE];
	bool by_key = parent->partitioning.keys.n;

	bool ok = read_built(state, parent,
		by_key && asset->partitioning.keys.n ? step->partition : NULL, &built, err);
	if (ok && !by_key && !span_is_empty(need))
		spans_missing(&built, need, &missing);
	if (ok && missing.len && parent->partitioning.period == PERIOD_NONE)
		error_set(err, ERROR_DATA, "%s was not built yet", parent->name);
	else if (ok && missing.len)
		error_set(err, ERROR_DATA, "%s has no partition %s yet", parent->name,
			span_print(&parent->partitioning, missing.items[0], text));
	else if (ok && !built.len && (by_key || parent->partitioning.period != PERIOD_NONE))
		error_set(err, ERROR_DATA, "%s was not built yet", parent->name);
	ok = ok && err->kind == ERROR_NONE;
	vec_release(&built);
	vec_release(&missing);
	return ok;
}

static bool is_ephemeral(const struct asset *asset)
{
	return asset->node && asset->node->kind == NODE_MODEL &&
	       asset->node->materialization == MATERIALIZED_EPHEMERAL;
}

static bool parents_exist(
	struct state *state, const struct asset *asset, const struct step *step, struct error *err)
{
	vec_each (&asset->parents, it) {
		const struct asset *parent = *it;
		if (!parent->node)
			continue;
		bool ok = is_ephemeral(parent) ? parents_exist(state, parent, step, err)
					       : exists(state, asset, parent, step, err);
		if (!ok)
			return false;
	}
	return true;
}

bool stamp_parents(const struct graph *graph, struct state *state, const struct node *node,
	const struct step *step, struct error *err)
{
	const struct asset *asset = graph_find(graph, node->id);

	return parents_exist(state, asset, step, err);
}
