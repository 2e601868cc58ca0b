/*
 * What a plan does to those who stand on what it builds: their partitions are touched by what will be built, and none
 * is built on a partition that is not there.
 */
#include <stdlib.h>
#include "assets/internal.h"
#include "assets/planning.h"

/* --- telling --- */

static void push(struct effects *to, const struct asset *cause, struct span span)
{
	struct effect effect = {.cause = cause, .partition = "", .span = span};

	vec_push(to, effect);
}

/* Through a view, as it maps its parents. */
static void pass_pending(struct planning *p, const struct asset *asset)
{
	vec_each (&asset->parents, parent) {
		enum mapping_kind kind = asset_mapping(asset, *parent).kind;
		if (kind == MAPPING_IGNORE)
			continue;
		vec_each (&p->pending[(*parent)->index], it)
			push(&p->pending[asset->index], it->cause,
				kind == MAPPING_SAME ? it->span : SPAN_ALL);
	}
}

static void add_there(
	struct planning *p, const struct asset *asset, const char *key, struct span span)
{
	spans_add(&p->there[asset->index], *key ? SPAN_ALL : span);
}

void planning_tell(struct planning *p, const struct asset *asset, struct plan_asset *a)
{
	const struct status *status = survey_status(p->survey, asset, NULL);

	if (asset->passes)
		pass_pending(p, asset);
	for (size_t i = 0; asset->passes && !asset->table && i < asset->parents.len; i++)
		p->changes[asset->index] |= p->changes[asset->parents.items[i]->index];
	vec_each (&status->built, b)
		add_there(p, asset, b->partition, (struct span){b->from_us, b->to_us});
	for (size_t i = 0; a && i < a->parts.len; i++) {
		const struct plan_part *part = &a->parts.items[i];
		if (part->waits)
			continue;
		p->changes[asset->index] |= part->reason == PLAN_CHANGED;
		add_there(p, asset, part->partition, part->span);
		if (!a->quiet)
			push(&p->pending[asset->index], asset, part->span);
	}
	effects_compact(&p->pending[asset->index]);
}

/* --- waiting --- */

/* What of `asset` nothing can be built for, as that parent has not what it needs: added to the set. */
static void add_waiting(struct planning *p, const struct asset *asset, const struct asset *parent,
	struct spans *out)
{
	struct partition_mapping mapping = asset_mapping(asset, parent);
	bool same = mapping.kind == MAPPING_SAME || mapping.kind == MAPPING_WINDOW;
	const struct spans *there = &p->there[parent->index];
	struct spans holes = {0};

	if (parent->kind == ASSET_MIRROR && survey_status(p->survey, parent, NULL)->absent)
		spans_add(out, SPAN_ALL);
	if (!parent->node || (parent->passes && !parent->table))
		return; /* it is always there; what is behind an ephemeral model is looked at by itself */
	if (!same || !asset->partitioning.period || !parent->partitioning.period) {
		if (!there->len)
			spans_add(out, SPAN_ALL);
		return;
	}
	spans_missing(there, partitions_until(&parent->partitioning, p->options->now_us), &holes);
	vec_each (&holes, it)
		spans_add(out, mapped(&asset->partitioning, mapping, 0, *it));
	vec_release(&holes);
}

/* The part, where the set has some of it, becomes several. */
static void split(struct plan_parts *to, const struct plan_part *part, const struct spans *waiting,
	const struct asset *waits)
{
	struct spans with = {0}, without = {0};
	struct plan_part piece = *part;

	spans_common(waiting, part->span, &with);
	spans_missing(waiting, part->span, &without);
	vec_each (&without, it) {
		piece.span = *it;
		vec_push(to, piece);
	}
	piece.waits = part->waits ? part->waits : waits;
	vec_each (&with, it) {
		piece.span = *it;
		vec_push(to, piece);
	}
	vec_release(&with);
	vec_release(&without);
}

static void wait_for(struct planning *p, struct plan_asset *a, const struct asset *parent,
	const struct asset *of)
{
	struct spans waiting = {0};
	struct plan_parts parts = {0};

	add_waiting(p, of, parent, &waiting);
	if (waiting.len) {
		vec_each (&a->parts, it)
			split(&parts, it, &waiting, parent);
		vec_release(&a->parts);
		a->parts = parts;
	}
	vec_release(&waiting);
}

/* Through ephemeral models, each once. */
static void wait_for_parents(
	struct planning *p, struct plan_asset *a, const struct asset *of, bool *seen)
{
	vec_each (&of->parents, it) {
		if (seen[(*it)->index])
			continue;
		seen[(*it)->index] = true;
		wait_for(p, a, *it, of);
		if ((*it)->passes && !(*it)->table)
			wait_for_parents(p, a, *it, seen);
	}
}

void planning_wait(struct planning *p, struct plan_asset *a)
{
	bool *seen = xcalloc(graph_assets(survey_graph(p->survey))->len + 1, sizeof *seen);

	wait_for_parents(p, a, a->asset, seen);
	free(seen);
}
