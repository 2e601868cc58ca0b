/* Making a plan: each selected asset in turn, and the steps that it comes to. */
#include <stdlib.h>
#include <string.h>
#include "assets/internal.h"
#include "assets/planning.h"

/* --- the warehouse --- */

static bool list_tables(struct planning *p, const char *database, struct error *err)
{
	struct engine *engine = p->options->engine;
	struct relations tables;

	if (map_get(&p->databases, database, strlen(database)))
		return true;
	if (!engine->ops->relations(engine, database, &p->plan->arena, &tables, err))
		return false;
	for (size_t i = 0; i < tables.len; i++) {
		const char *name = arena_printf(
			&p->plan->arena, "%s.%s", database, tables.items[i].name);
		map_put(&p->tables, name, strlen(name), p);
	}
	map_put(&p->databases, database, strlen(database), p);
	return true;
}

bool planning_has_table(const struct planning *p, const struct asset *asset)
{
	CLEANUP(free_string) char *name = xasprintf("%s.%s", asset->database, asset->table);

	return map_get(&p->tables, name, strlen(name));
}

/* --- one asset --- */

static bool holds_rows(const struct asset *asset)
{
	switch (asset->kind) {
	case ASSET_SOURCE:
	case ASSET_MIRROR:
	case ASSET_CHECK: return false;
	case ASSET_SEED:
	case ASSET_MODEL:
	case ASSET_SNAPSHOT: return asset->table;
	case ASSET_EXPORT:
	case ASSET_COMMAND: break;
	}
	return true;
}

static void take_status(struct claims *c, const struct status *status)
{
	vec_each (&status->built, b)
		if (!strcmp(b->partition, c->key))
			vec_push(&c->built, *b);
	vec_each (&status->dirty, it)
		if (!strcmp(it->partition, c->key))
			vec_push(&c->dirty, *it);
}

static bool claim_one(struct planning *p, struct plan_asset *a, const struct definition *now,
	const char *key, struct error *err)
{
	const struct partitioning *by = &a->asset->partitioning;
	struct claims c = {.of = a, .now = now, .key = key, .due = SPAN_ALL};

	if (by->period != PERIOD_NONE) {
		c.partitioning = *by;
		c.due = span_common(partitions_until(by, p->options->now_us),
			partitions_touched(by, p->options->range));
	}
	take_status(&c, survey_status(p->survey, a->asset, NULL));
	bool ok = planning_claim(p, &c, err);
	vec_release(&c.built);
	vec_release(&c.dirty);
	vec_release(&c.taken);
	return ok;
}

/* "eu, us", or "2026-10-01 to 2026-10-31": partitions that were built and are none of it any more; NULL. */
static const char *outside_of(
	struct planning *p, const struct asset *asset, const struct status *status)
{
	const struct partitioning *by = &asset->partitioning;
	struct span before = {by->begin_us, by->begin_us};
	const char *keys = NULL;
	char text[SPAN_TEXT_SIZE];

	vec_each (&status->built, b) {
		bool known = !*b->partition;
		for (size_t i = 0; !known && i < by->keys.n; i++)
			known = !strcmp(b->partition, by->keys.items[i]);
		if (!known && by->keys.n)
			keys = arena_printf(&p->plan->arena, "%s%s%s", keys ? keys : "",
				keys ? ", " : "", b->partition);
		if (b->from_us > TIME_MIN && b->from_us < before.from_us)
			before.from_us = b->from_us;
	}
	if (by->period == PERIOD_NONE || span_is_empty(before))
		return keys;
	return arena_strdup(&p->plan->arena, span_print(by, before, text));
}

static void note_outside(struct planning *p, struct plan_asset *a, const struct status *status)
{
	const struct asset *asset = a->asset;
	const char *outside = outside_of(p, asset, status);

	if (outside && !p->options->full_refresh)
		planning_note(p, a,
			arena_printf(&p->plan->arena,
				"%s: built once, and not among its partitions any more; the rows "
				"stay in %s.%s until a --full-refresh",
				outside, asset->database, asset->table));
}

static void sum_up(struct planning *p, struct plan_asset *a, const struct status *status)
{
	bool only_changed = a->parts.len;

	vec_each (&a->parts, part) {
		only_changed &= part->reason == PLAN_CHANGED;
		if (!part->waits)
			p->plan->n_steps += (size_t)partitions_count(
				&a->asset->partitioning, part->span);
	}
	a->quiet = only_changed && a->change == CHANGE_ADDS;
	vec_each (&status->built, b)
		a->unchecked |= b->checks != CHECKS_PASSED;
}

static bool plan_one(
	struct planning *p, const struct asset *asset, struct plan_asset *a, struct error *err)
{
	const struct texts *keys = &asset->partitioning.keys;
	struct definition now;
	struct error problem = {0};
	bool ok = true;

	*a = (struct plan_asset){.asset = asset};
	if (!definition_of(survey_graph(p->survey), asset, &p->plan->arena, &now, &problem)) {
		a->problem = arena_strdup(&p->plan->arena, problem.text);
		return true;
	}
	if (!survey_inputs(p->survey, asset, &p->plan->arena, &now, err))
		return false;
	if (p->options->engine && asset->database && !list_tables(p, asset->database, err))
		return false;
	for (size_t i = 0; ok && i < keys->n; i++)
		ok = claim_one(p, a, &now, keys->items[i], err);
	if (!keys->n)
		ok = claim_one(p, a, &now, "", err);
	planning_wait(p, a);
	note_outside(p, a, survey_status(p->survey, asset, NULL));
	sum_up(p, a, survey_status(p->survey, asset, NULL));
	return ok;
}

/* --- the whole --- */

/* What was built once, and is of no file any more. */
static bool list_gone(struct planning *p, struct error *err)
{
	struct known_assets known;
	struct plan *plan = p->plan;

	if (!state_assets(survey_state(p->survey), &plan->arena, &known, err))
		return false;
	vec_each (&known, it)
		if (!graph_find(survey_graph(p->survey), it->asset))
			vec_push(&plan->gone, *it);
	vec_release(&known);
	return true;
}

static bool plan_all(struct planning *p, struct error *err)
{
	vec_each (graph_assets(survey_graph(p->survey)), it) {
		struct asset *asset = *it;
		struct plan_asset a = {0};
		if (asset->kind == ASSET_CHECK) {
			if (p->selected[asset->index])
				vec_push(&p->plan->checks, asset);
			continue;
		}
		if (!survey_status(p->survey, asset, err))
			return false;
		bool planned = p->selected[asset->index] && holds_rows(asset);
		if (p->selected[asset->index] && asset->source)
			vec_push(&p->plan->sources, asset);
		if (planned && !plan_one(p, asset, &a, err)) {
			vec_release(&a.parts);
			return false;
		}
		planning_tell(p, asset, planned ? &a : NULL);
		if (planned)
			vec_push(&p->plan->assets, a);
	}
	return true;
}

bool plan_make(
	struct survey *v, const struct plan_options *options, struct plan *plan, struct error *err)
{
	size_t n = graph_assets(survey_graph(v))->len;
	struct planning p = {.survey = v,
		.options = options,
		.plan = plan,
		.selected = xcalloc(n + 1, sizeof *p.selected),
		.named = xcalloc(n + 1, sizeof *p.named),
		.pending = xcalloc(n + 1, sizeof *p.pending),
		.there = xcalloc(n + 1, sizeof *p.there),
		.changes = xcalloc(n + 1, sizeof *p.changes)};

	plan->limited = options->selected;
	plan->some_checks = options->some_checks;
	for (size_t i = 0; i < n; i++)
		p.selected[i] = !options->selected;
	for (size_t i = 0; options->selected && i < options->selected->len; i++)
		p.selected[options->selected->items[i]->index] = true;
	for (size_t i = 0; options->named && i < options->named->len; i++)
		p.named[options->named->items[i]->index] = true;
	bool ok = list_gone(&p, err) && plan_all(&p, err);
	for (size_t i = 0; i < n; i++) {
		vec_release(&p.pending[i]);
		vec_release(&p.there[i]);
	}
	map_release(&p.tables);
	map_release(&p.databases);
	free(p.selected);
	free(p.named);
	free(p.pending);
	free(p.there);
	free(p.changes);
	return ok;
}

/* --- steps --- */

static void add_step(struct steps *out, struct step step)
{
	step.number = (int)out->len;
	vec_push(out, step);
}

static void add_partitions(struct steps *out, struct arena *arena, const struct plan_asset *a,
	const struct plan_part *part)
{
	enum period period = a->asset->partitioning.period;
	struct step step = {.asset = a->asset->id,
		.quiet = a->quiet,
		.partition = part->partition,
		.from_us = TIME_MIN,
		.to_us = TIME_MAX};

	step.why = arena_printf(arena, "%s: %s", plan_reason_name(part->reason), part->why);
	if (period == PERIOD_NONE) {
		add_step(out, step);
		return;
	}
	for (int64_t us = part->span.from_us; us < part->span.to_us; us = step.to_us) {
		char key[PERIOD_KEY_SIZE];
		period_key(period, us, key);
		step.partition = arena_strdup(arena, key);
		step.from_us = us;
		step.to_us = period_add(period, us, 1);
		add_step(out, step);
	}
}

void checks_of(const struct graph *g, const struct assets *assets, struct assets *out)
{
	bool *wanted = xcalloc(graph_assets(g)->len + 1, sizeof *wanted);

	vec_each (assets, it) {
		wanted[(*it)->index] = true;
		vec_each (&(*it)->children, child)
			wanted[(*child)->index] = true;
	}
	vec_each (graph_assets(g), it)
		if ((*it)->kind == ASSET_CHECK && wanted[(*it)->index])
			vec_push(out, *it);
	free(wanted);
}

static void add_checks(struct steps *out, const struct assets *checks, const char *why)
{
	vec_each (checks, it)
		add_step(out, (struct step){.asset = (*it)->id,
				      .partition = "",
				      .from_us = TIME_MIN,
				      .to_us = TIME_MAX,
				      .why = (*it)->node->unit ? "checks a model before it is built"
							       : why});
}

static void mark_with_ancestors(const struct asset *asset, bool *marks)
{
	if (marks[asset->index])
		return;
	marks[asset->index] = true;
	vec_each (&asset->parents, it)
		mark_with_ancestors(*it, marks);
}

/* The checks of the plan's sources that what is built stands on, but for those that look at what is built too. */
static void source_checks(const struct plan *plan, const struct graph *g,
	const struct assets *built, const struct assets *others, struct assets *out)
{
	bool *below = xcalloc(graph_assets(g)->len + 1, sizeof *below);
	bool *taken = xcalloc(graph_assets(g)->len + 1, sizeof *taken);

	vec_each (built, it)
		mark_with_ancestors(*it, below);
	vec_each (others, it)
		taken[(*it)->index] = true;
	vec_each (&plan->sources, source)
		vec_each (&(*source)->children, it) {
			bool of_source = (*it)->kind == ASSET_CHECK && (*it)->node->tested_source;
			if (of_source && below[(*source)->index] && !taken[(*it)->index])
				vec_push(out, *it);
			taken[(*it)->index] = true;
		}
	free(below);
	free(taken);
}

/* Those of the plan alone. */
static void keep_checks(const struct plan *plan, const struct graph *g, struct assets *checks)
{
	bool *wanted = xcalloc(graph_assets(g)->len + 1, sizeof *wanted);
	size_t kept = 0;

	vec_each (&plan->checks, it)
		wanted[(*it)->index] = true;
	vec_each (checks, it)
		if (wanted[(*it)->index] || !plan->some_checks)
			checks->items[kept++] = *it;
	checks->len = kept;
	free(wanted);
}

/* Nobody builds an ephemeral model; who is made of it stands for it. */
static void ephemeral_parents(const struct asset *asset, bool *seen, struct assets *out)
{
	vec_each (&asset->parents, it) {
		const struct node *node = (*it)->node;
		bool ephemeral = node && node->kind == NODE_MODEL &&
				 node->materialization == MATERIALIZED_EPHEMERAL;
		if (!ephemeral || seen[(*it)->index])
			continue;
		seen[(*it)->index] = true;
		vec_push(out, *it);
		ephemeral_parents(*it, seen, out);
	}
}

static void ephemeral_unit_tests(
	const struct graph *g, const struct assets *built, struct assets *out)
{
	bool *seen = xcalloc(graph_assets(g)->len + 1, sizeof *seen);
	struct assets models = {0}, checks = {0};

	vec_each (built, it)
		ephemeral_parents(*it, seen, &models);
	checks_of(g, &models, &checks);
	vec_each (&checks, it)
		if ((*it)->node->unit)
			vec_push(out, *it);
	vec_release(&models);
	vec_release(&checks);
	free(seen);
}

void plan_steps(
	const struct plan *plan, const struct graph *g, struct arena *arena, struct steps *out)
{
	struct assets built = {0}, sources = {0}, checks = {0};

	vec_each (&plan->assets, a) {
		bool some = a->unchecked;
		vec_each (&a->parts, part) {
			if (part->waits)
				continue;
			some = true;
			add_partitions(out, arena, a, part);
		}
		if (some)
			vec_push(&built, (struct asset *)a->asset);
	}
	checks_of(g, &built, &checks);
	ephemeral_unit_tests(g, &built, &checks);
	source_checks(plan, g, &built, &checks, &sources);
	keep_checks(plan, g, &checks);
	keep_checks(plan, g, &sources);
	add_checks(out, &sources, "checks a source of what is built");
	add_checks(out, &checks, "checks what is built");
	vec_release(&built);
	vec_release(&sources);
	vec_release(&checks);
}
