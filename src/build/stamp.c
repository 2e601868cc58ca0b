/* See stamp.h. */
#include "build/stamp.h"

#include <pthread.h>
#include <string.h>
#include "assets/definition.h"
#include "assets/survey.h"
#include "base/clock.h"

/* --- what it is made from --- */

/* Looking at all that stands behind each step would take the square of the time. */
#define SURVEY_MS 1000

struct stamps {
	const struct graph *graph;
	struct state *state;
	pthread_mutex_t lock;
	struct survey *survey; /* NULL: none yet */
	int64_t made_ms;
};

struct stamps *stamps_new(const struct graph *graph, struct state *state)
{
	struct stamps *s = xcalloc(1, sizeof *s);

	s->graph = graph;
	s->state = state;
	pthread_mutex_init(&s->lock, NULL);
	return s;
}

void stamps_free(struct stamps *s)
{
	if (!s)
		return;
	survey_free(s->survey);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

void stamps_forget(struct stamps *s, const struct node *node)
{
	pthread_mutex_lock(&s->lock);
	if (s->survey)
		survey_forget(s->survey, graph_find(s->graph, node->id));
	pthread_mutex_unlock(&s->lock);
}

static bool stamp(struct stamps *s, const struct asset *asset, struct work *w,
	struct definition *definition, struct error *err)
{
	pthread_mutex_lock(&s->lock);
	if (!s->survey || mono_ms() - s->made_ms > SURVEY_MS) {
		survey_free(s->survey);
		s->survey = survey_new(s->graph, s->state);
		s->made_ms = mono_ms();
	}
	bool ok = survey_stamp(s->survey, asset, w->arena, &w->built, err) &&
		  survey_inputs(s->survey, asset, w->arena, definition, err);
	if (!ok)
		s->made_ms = 0; /* what it could not read in full it would take for known */
	pthread_mutex_unlock(&s->lock);
	return ok;
}

bool stamp_work(struct stamps *s, struct work *w, struct error *err)
{
	const struct asset *asset = graph_find(s->graph, w->node->id);
	struct definition definition;

	if (!definition_of(s->graph, asset, w->arena, &definition, err) ||
		!stamp(s, asset, w, &definition, err))
		return false;
	w->built.fingerprint = definition.fingerprint;
	w->built.partition = w->node->partitions.n ? w->partition : "";
	w->built.from_us = w->from_us;
	w->built.to_us = w->to_us;
	return state_definition_put(w->state, w->node->id, &definition, err);
}

/* --- whether that is there --- */

/* `key`: of one by keys that alone; NULL: whatever there is. */
static bool read_built(struct state *state, const struct asset *asset, const char *key,
	struct spans *out, struct error *err)
{
	bool by_key = asset->partitioning.keys.n;
	struct arena arena;
	struct builts builts;

	arena_init(&arena);
	bool ok = state_built(state, asset->id, &arena, &builts, err);
	for (size_t i = 0; ok && i < builts.len; i++) {
		const struct built *b = &builts.items[i];
		if (by_key ? *b->partition && (!key || !strcmp(b->partition, key)) : !*b->partition)
			spans_add(out, (struct span){b->from_us, b->to_us});
	}
	if (ok)
		vec_release(&builts);
	arena_release(&arena);
	return ok;
}

/* What of the parent the step needs: of one by time the partitions that map to its own, but for those that are still
 * to come. */
static struct span needed(
	const struct asset *asset, const struct asset *parent, const struct step *step)
{
	struct partition_mapping mapping = asset_mapping(asset, parent);
	const struct partitioning *p = &parent->partitioning;
	enum period period = asset->partitioning.period;
	struct span s = {step->from_us, step->to_us};

	if (p->period == PERIOD_NONE)
		return SPAN_ALL;
	if (period == PERIOD_NONE ||
		(mapping.kind != MAPPING_SAME && mapping.kind != MAPPING_WINDOW))
		return (struct span){0};
	if (mapping.kind == MAPPING_WINDOW)
		s.from_us = period_add(period, period_start(period, s.from_us), -mapping.window);
	return span_common(partitions_touched(p, s), partitions_until(p, wall_us()));
}

/* Of a parent by keys the one that the step is of, where they are the same keys; NULL: any. */
static const char *needed_key(
	const struct asset *asset, const struct asset *parent, const struct step *step)
{
	bool same = asset->partitioning.keys.n && parent->partitioning.keys.n &&
		    asset_mapping(asset, parent).kind == MAPPING_SAME;
	return same ? step->partition : NULL;
}

static bool exists(struct state *state, const struct asset *asset, const struct asset *parent,
	const struct step *step, struct error *err)
{
	struct spans built = {0}, missing = {0};
	struct span need = needed(asset, parent, step);
	const char *key = needed_key(asset, parent, step);
	char text[SPAN_TEXT_SIZE];
	bool by_key = parent->partitioning.keys.n;

	bool ok = read_built(state, parent, key, &built, err);
	if (ok && !by_key && !span_is_empty(need))
		spans_missing(&built, need, &missing);
	if (ok && missing.len && parent->partitioning.period != PERIOD_NONE)
		error_set(err, ERROR_DATA, "%s has no partition %s yet", parent->name,
			span_print(&parent->partitioning, missing.items[0], text));
	else if (ok && key && !built.len)
		error_set(err, ERROR_DATA, "%s has no partition %s yet", parent->name, key);
	else if (ok && (missing.len || (!built.len && is_partitioned(&parent->partitioning))))
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
