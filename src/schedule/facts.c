/*
 * What is known of every model, for those who watch: a plan of everything, made by the scheduler's thread every few
 * seconds and kept, so that whoever asks waits for nobody. What takes long is done more seldom.
 */
#include "base/clock.h"
#include "models/project.h"
#include "schedule/internal.h"
#include "state/runs.h"

#define FACTS_MS 2000
#define SHARE    50 /* at most one part of so many of the thread's time */

static bool gather_one(struct scheduler *s, const struct plan_asset *a, const struct status *status,
	struct model_fact *out, struct error *err)
{
	struct latest latest;
	int64_t run = 0;
	bool found;

	*out = (struct model_fact){.project = package_name(a->asset->node->package),
		.name = a->asset->name,
		.up_to_date = plan_is_current(a),
		.as_of_us = status->as_of.us,
		.took_us = -1,
		.status = ""};
	vec_each (&status->built, it) {
		out->built_us = it->built_us > out->built_us ? it->built_us : out->built_us;
		run = it->run > run ? it->run : run;
	}
	if (!state_latest(s->options.state, a->asset->id, run, &latest, &found, err))
		return false;
	if (found) {
		out->status = run_status_name(latest.status);
		out->took_us = latest.took_us;
		out->rows = latest.rows;
	}
	return true;
}

/* Texts are in the arena: the project may be read anew before they are told. */
static void copy_facts(const struct model_facts *from, struct arena *arena, struct model_facts *out)
{
	*out = (struct model_facts){0};
	vec_each (from, it) {
		struct model_fact fact = *it;
		fact.project = arena_strdup(arena, it->project);
		fact.name = arena_strdup(arena, it->name);
		vec_push(out, fact);
	}
}

static void publish(struct scheduler *s, const struct model_facts *facts)
{
	pthread_mutex_lock(&s->lock);
	vec_release(&s->facts);
	arena_reset(&s->facts_arena);
	copy_facts(facts, &s->facts_arena, &s->facts);
	pthread_mutex_unlock(&s->lock);
}

static bool gather(struct scheduler *s, struct survey *v, struct plan *plan, struct error *err)
{
	const struct plan_options options = {.now_us = wall_us(), .range = SPAN_ALL};
	struct model_facts facts = {0};
	struct model_fact fact;
	bool ok = plan_make(v, &options, plan, err);

	for (size_t i = 0; ok && i < plan->assets.len; i++) {
		const struct plan_asset *a = &plan->assets.items[i];
		ok = gather_one(s, a, survey_status(v, a->asset, NULL), &fact, err);
		if (ok)
			vec_push(&facts, fact);
	}
	if (ok)
		publish(s, &facts);
	vec_release(&facts);
	return ok;
}

bool look_at_facts(struct scheduler *s, struct error *err)
{
	int64_t began_ms = mono_ms();
	struct plan plan;

	if (!s->graph || began_ms < s->facts_ms)
		return true;
	struct survey *v = survey_new(s->graph, s->options.state);
	plan_init(&plan);
	bool ok = gather(s, v, &plan, err);
	plan_release(&plan);
	survey_free(v);
	int64_t rest_ms = (mono_ms() - began_ms) * SHARE;
	s->facts_ms = mono_ms() + (rest_ms > FACTS_MS ? rest_ms : FACTS_MS);
	return ok;
}

void scheduler_facts(struct scheduler *s, struct arena *arena, struct model_facts *out)
{
	pthread_mutex_lock(&s->lock);
	copy_facts(&s->facts, arena, out);
	pthread_mutex_unlock(&s->lock);
}
