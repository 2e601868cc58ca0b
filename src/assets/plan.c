/*
 * The plan: assets in the order of the graph, so that what is planned of parents is known. Of each, reasons claim
 * partitions one after the other, the weightiest first; what one has claimed is no other's.
 */
#include "assets/plan.h"

#include <string.h>
#include "assets/internal.h"
#include "assets/planning.h"

const char *plan_reason_name(enum plan_reason reason)
{
	static const char *const names[] = {[PLAN_ASKED] = "asked",
		[PLAN_GONE] = "gone",
		[PLAN_NEW] = "new",
		[PLAN_CHANGED] = "changed",
		[PLAN_MISSING] = "missing",
		[PLAN_DIRTY] = "dirty",
		[PLAN_UPSTREAM] = "upstream",
		[PLAN_UNKNOWN] = "unknown"};

	return names[reason];
}

void plan_init(struct plan *plan)
{
	*plan = (struct plan){0};
	arena_init(&plan->arena);
}

void plan_release(struct plan *plan)
{
	vec_each (&plan->assets, it)
		vec_release(&it->parts);
	vec_release(&plan->assets);
	vec_release(&plan->gone);
	vec_release(&plan->sources);
	vec_release(&plan->checks);
	arena_release(&plan->arena);
}

bool plan_is_current(const struct plan_asset *a)
{
	return !a->problem && !a->unchecked && a->change <= CHANGE_FORMAT && !a->n_missing &&
	       !a->n_dirty;
}

void planning_note(struct planning *p, struct plan_asset *a, const char *text)
{
	if (!a->note)
		a->note = text;
	else if (!strstr(a->note, text))
		a->note = arena_printf(&p->plan->arena, "%s; %s", a->note, text);
}

/* --- claims --- */

/* One behind the other, for the same reason. */
static bool goes_on(const struct plan_part *last, const struct plan_part *next)
{
	return last->reason == next->reason && last->cause == next->cause &&
	       last->span.to_us == next->span.from_us && !strcmp(last->why, next->why);
}

static void add_part(struct plan_parts *parts, const struct plan_part *part)
{
	struct plan_part *last = parts->len ? &parts->items[parts->len - 1] : NULL;

	if (last && goes_on(last, part))
		last->span.to_us = part->span.to_us;
	else
		vec_push(parts, *part);
}

/* What of the span nobody has claimed, of what there is. */
static void claim(struct claims *c, struct plan_part part, struct span span)
{
	struct spans left = {0};

	part.partition = c->key;
	span = span_common(partitions_touched(&c->partitioning, span), c->due);
	spans_missing(&c->taken, span, &left);
	vec_each (&left, it) {
		part.span = *it;
		spans_add(&c->taken, *it);
		add_part(&c->of->parts, &part);
	}
	vec_release(&left);
}

static void claim_due(struct claims *c, enum plan_reason reason, const char *why)
{
	claim(c, (struct plan_part){.reason = reason, .why = why}, c->due);
}

/* --- definitions --- */

static bool keeps_history(const struct asset *asset)
{
	struct value v = dict_get_text(asset->node->config, "full_refresh");

	return asset->kind == ASSET_SNAPSHOT || (v.kind == VALUE_BOOL && !v.b);
}

/* How the definition of one range differs from today's; the weightiest is told. */
static bool look_at_definition(struct planning *p, struct claims *c, const struct built *b,
	enum change *out, struct error *err)
{
	struct plan_asset *a = c->of;
	struct arena *arena = &p->plan->arena;
	struct definition old;
	const char *what = "its definition";
	bool found;

	if (!state_definition_get(survey_state(p->survey), a->asset->id, b->fingerprint, arena,
		    &old, &found, err))
		return false;
	*out = CHANGE_BREAKING;
	if (found)
		*out = definition_change(&old, c->now, arena, &what);
	if (*out > a->change) {
		a->change = *out;
		a->what = what;
	}
	return true;
}

/* What a view reads will have other columns, which are known once it is built. */
static void claim_columns(struct planning *p, struct claims *c)
{
	struct plan_asset *a = c->of;

	vec_each (&a->asset->parents, it) {
		const struct asset *parent = *it;
		if (!p->changes[parent->index] || !c->built.len)
			continue;
		if (a->change < CHANGE_ADDS)
			a->change = CHANGE_ADDS;
		a->what = a->what ? a->what : parent->name;
		claim_due(
			c, PLAN_CHANGED, arena_printf(&p->plan->arena, "%s changed", parent->name));
		return;
	}
}

static bool claim_changed(struct planning *p, struct claims *c, struct error *err)
{
	struct plan_asset *a = c->of;
	enum change change = CHANGE_NONE;
	bool keeps = keeps_history(a->asset);

	for (size_t i = 0; i < c->built.len; i++) {
		const struct built *b = &c->built.items[i];
		bool again = i && b->fingerprint == c->built.items[i - 1].fingerprint;
		if (!again && !look_at_definition(p, c, b, &change, err))
			return false;
		if (change <= CHANGE_FORMAT || keeps)
			continue;
		struct plan_part part = {.reason = PLAN_CHANGED,
			.why = arena_printf(
				&p->plan->arena, "%s changed (%s)", a->what, change_name(change))};
		claim(c, part, (struct span){b->from_us, b->to_us});
	}
	if (asset_is_view(a->asset) && !keeps)
		claim_columns(p, c);
	if (a->change > CHANGE_FORMAT && keeps)
		planning_note(p, a,
			"its definition changed; what it holds is kept, what comes is made by the "
			"new one");
	return true;
}

/* --- reasons --- */

static void claim_missing(struct claims *c)
{
	struct plan_asset *a = c->of;
	struct spans have = {0}, missing = {0};
	int64_t n = partitions_count(&c->partitioning, c->due);

	vec_each (&c->built, b) {
		struct span span = {b->from_us, b->to_us};
		spans_add(&have, span_common(partitions_touched(&c->partitioning, span), c->due));
	}
	spans_missing(&have, c->due, &missing);
	a->n_all += n;
	a->n_built += n;
	vec_each (&missing, it) {
		n = partitions_count(&c->partitioning, *it);
		a->n_missing += n;
		a->n_built -= n;
		claim(c, (struct plan_part){.reason = PLAN_MISSING, .why = "not built yet"}, *it);
	}
	vec_release(&have);
	vec_release(&missing);
}

static void claim_dirty(struct planning *p, struct claims *c)
{
	struct spans dirty = {0};

	vec_each (&c->dirty, it) {
		struct span span = partitions_touched(&c->partitioning, it->span);
		struct plan_part part = {.reason = PLAN_DIRTY,
			.cause = it->cause,
			.why = arena_printf(&p->plan->arena, "%s changed", it->cause->name)};
		spans_add(&dirty, span_common(span, c->due));
		claim(c, part, span);
	}
	vec_each (&dirty, it)
		c->of->n_dirty += partitions_count(&c->partitioning, *it);
	vec_release(&dirty);
}

static void claim_upstream(struct planning *p, struct claims *c)
{
	const struct asset *asset = c->of->asset;

	vec_each (&asset->parents, parent) {
		struct partition_mapping mapping = asset_mapping(asset, *parent);
		vec_each (&p->pending[(*parent)->index], it) {
			struct plan_part part = {.reason = PLAN_UPSTREAM,
				.cause = it->cause,
				.why = arena_printf(
					&p->plan->arena, "%s is built", it->cause->name)};
			claim(c, part,
				mapped(&c->partitioning, mapping, asset->node->lookback, it->span));
		}
	}
}

/* Whether what it is made of changed cannot be known: of a table that no stream feeds, or as it names nothing. The
 * latter are calendars and the like more often than not, and built again only for who asks for them by name. */
static void claim_unknown(struct planning *p, struct claims *c)
{
	struct plan_asset *a = c->of;
	const struct asset *asset = a->asset, *unfed = NULL, *blind = NULL;

	for (size_t i = 0; i < asset->parents.len; i++) {
		const struct asset *parent = asset->parents.items[i];
		const struct status *status = survey_status(p->survey, parent, NULL);
		if (asset_mapping(asset, parent).kind == MAPPING_IGNORE)
			continue;
		unfed = unfed ? unfed : status->unfed;
		blind = blind ? blind : status->blind;
	}
	bool partitioned = is_partitioned(&asset->partitioning);
	struct plan_part part = {.reason = PLAN_UNKNOWN};
	blind = asset->parents.len ? blind : asset;
	a->blind = blind && !partitioned && !p->named[asset->index];
	if (unfed) {
		part.cause = unfed;
		part.why = arena_printf(&p->plan->arena,
			"no stream feeds %s: whether it changed is not known", unfed->name);
	} else if (blind && p->named[asset->index]) {
		part.cause = blind;
		part.why = arena_printf(&p->plan->arena,
			"%s names no ref or source: whether it changed is not known", blind->name);
	}
	if (part.why && !partitioned)
		claim(c, part, SPAN_ALL);
	else if (unfed)
		planning_note(p, a, part.why);
}

bool planning_claim(struct planning *p, struct claims *c, struct error *err)
{
	const struct plan_options *options = p->options;
	const struct asset *asset = c->of->asset;

	if (options->full_refresh || options->all)
		claim_due(c, PLAN_ASKED, "asked for");
	if (options->engine && asset->table && c->built.len && !planning_has_table(p, asset))
		claim_due(c, PLAN_GONE, "its table is not in the warehouse");
	if (!c->built.len)
		claim_due(c, PLAN_NEW, "never built");
	if (!options->missing && !claim_changed(p, c, err))
		return false;
	claim_missing(c);
	if (options->missing || asset->passes)
		return true;
	claim_dirty(p, c);
	claim_upstream(p, c);
	if (asset->kind != ASSET_SEED)
		claim_unknown(p, c);
	return true;
}
