/*
 * What is due becomes a run. A plan says what there is to build and why; what the cause does not ask for is taken out
 * of it, and so is what waits for a parent.
 */
#include <stdio.h>
#include <string.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "schedule/internal.h"
#include "state/runs.h"

#define HOLD_US INT64_C(3000000) /* what waits is looked at again */

/* One run in the making. */
struct wanted {
	struct scheduler *s;
	enum cause cause;
	const struct trigger_list *due;
	int64_t now_us;
	struct survey *survey;
	struct arena arena;
	struct steps steps;
	const char **waits; /* by trigger: what it waits for; NULL: nothing */
	size_t *n_steps;    /* by trigger */
};

static size_t index_of(const struct wanted *w, const struct asset *asset)
{
	for (size_t i = 0; i < w->due->len; i++)
		if (w->due->items[i]->asset == asset)
			return i;
	return SIZE_MAX;
}

/* --- what the cause asks for --- */

static bool record_taken(struct wanted *w, struct trigger *t, int64_t seq, struct error *err)
{
	CLEANUP(free_string) char *fact = xasprintf("taken %s", t->asset->id);
	CLEANUP(free_string) char *value = xasprintf("%lld", (long long)seq);

	if (seq <= t->taken_seq)
		return true;
	t->taken_seq = seq;
	return state_fact_put(w->s->options.state, fact, value, err);
}

/* Of an asset that is new here, what was built last tells. */
static bool read_taken(struct wanted *w, struct trigger *t, struct error *err)
{
	CLEANUP(free_string) char *fact = xasprintf("taken %s", t->asset->id);
	const struct status *own = survey_status(w->survey, t->asset, err);
	char value[32];
	int64_t seq = 0;

	if (!own)
		return false;
	if (t->taken_seq < 0 && state_fact_get(w->s->options.state, fact, value, sizeof value))
		t->taken_seq = atoll(value);
	if (t->taken_seq >= 0)
		return true;
	vec_each (&own->built, it)
		seq = it->seq > seq ? it->seq : seq;
	return record_taken(w, t, seq, err);
}

/* Partitions that changes of the parents touch, as far as these are not taken. */
static bool touched_spans(struct wanted *w, struct trigger *t, struct spans *out, struct error *err)
{
	const struct asset *asset = t->asset;

	if (!read_taken(w, t, err))
		return false;
	vec_each (&asset->parents, parent) {
		struct partition_mapping mapping = asset_mapping(asset, *parent);
		const struct status *status = survey_status(w->survey, *parent, err);
		if (!status)
			return false;
		vec_each (&status->changes, it)
			if (it->seq > t->taken_seq)
				spans_add(out, mapped(&asset->partitioning, mapping,
						       asset->node->lookback, it->span));
	}
	return true;
}

static bool add_span(struct plan_parts *parts, struct plan_part part, struct span span)
{
	part.span = span;
	if (!span_is_empty(span))
		vec_push(parts, part);
	return true;
}

static bool trim_for_change(struct wanted *w, struct trigger *t, const struct plan_part *part,
	struct plan_parts *kept, struct error *err)
{
	struct spans touched = {0}, common = {0};

	if (part->reason == PLAN_DIRTY)
		return add_span(kept, *part, part->span);
	if (part->reason == PLAN_UPSTREAM || part->reason == PLAN_UNKNOWN)
		return true;
	bool ok = touched_spans(w, t, &touched, err);
	if (ok)
		spans_common(&touched, part->span, &common);
	vec_each (&common, it)
		add_span(kept, *part, *it);
	t->touched |= common.len > 0;
	vec_release(&touched);
	vec_release(&common);
	return ok;
}

/* A tick builds what it is due for, whether it is up to date or not (`all`), and what became dirty of what was
 * complete. */
static bool trim_for_tick(const struct wanted *w, const struct trigger *t, bool all,
	const struct plan_part *part, struct plan_parts *kept)
{
	const struct partitioning *p = &t->asset->partitioning;
	struct span due = trigger_due(t);

	if (all)
		return add_span(kept, *part, span_common(part->span, due));
	if (part->reason != PLAN_DIRTY || p->period == PERIOD_NONE)
		return true;
	struct span complete = complete_until(p, part->span, w->now_us);
	return add_span(kept, *part, span_common(complete, (struct span){TIME_MIN, due.from_us})) &&
	       add_span(kept, *part, span_common(complete, (struct span){due.to_us, TIME_MAX}));
}

static bool trim_part(struct wanted *w, const struct plan_asset *a, struct trigger *t, bool all,
	const struct plan_part *part, struct plan_parts *kept, struct error *err)
{
	bool absent = part->reason == PLAN_MISSING || part->reason == PLAN_NEW ||
		      part->reason == PLAN_GONE;

	switch (w->cause) {
	case BY_TICK: return trim_for_tick(w, t, all, part, kept);
	case BY_ABSENCE:
		return !absent ||
		       add_span(kept, *part,
			       complete_until(&a->asset->partitioning, part->span, w->now_us));
	case BY_CHANGE:
	case BY_AGE: return trim_for_change(w, t, part, kept, err);
	}
	return false;
}

/* What is wanted of an asset, and of which state of it. */
static bool hash_wanted(struct wanted *w, const struct asset *asset, const struct plan_parts *parts,
	uint64_t *out, struct error *err)
{
	const struct status *status = survey_status(w->survey, asset, err);
	int64_t run = 0;
	struct buf text;

	if (!status)
		return false;
	vec_each (&status->built, it)
		run = it->run > run ? it->run : run;
	buf_init(&text, BUF_MAX);
	buf_printf(&text, "%lld", (long long)run);
	vec_each (parts, it)
		buf_printf(&text, " %s %lld %lld", it->partition, (long long)it->span.from_us,
			(long long)it->span.to_us);
	*out = parts->len ? text_hash(buf_text(&text), text.len) : 0;
	buf_release(&text);
	return true;
}

/* What did not come of being missing or old goes on to be so: it is not tried at once again. */
static bool hold_back(struct wanted *w, size_t i, struct plan_parts *parts, struct error *err)
{
	struct trigger *t = w->due->items[i];
	uint64_t what;
	char at[28];

	if (w->cause != BY_ABSENCE && w->cause != BY_AGE)
		return true;
	if (!hash_wanted(w, t->asset, parts, &what, err))
		return false;
	if (trigger_try(t, what, w->now_us) || !what)
		return true;
	format_utc(t->retry.at_us, at);
	at[19] = '\0';
	w->waits[i] = arena_printf(&w->arena, "%sZ, as the last run did not build it", at);
	parts->len = 0;
	return true;
}

static bool trim(struct wanted *w, struct plan_asset *a, bool all, struct error *err)
{
	size_t i = index_of(w, a->asset);
	struct plan_parts kept = {0};
	bool ok = true;

	for (size_t k = 0; ok && k < a->parts.len; k++)
		ok = trim_part(w, a, w->due->items[i], all, &a->parts.items[k], &kept, err);
	size_t n = 0;
	for (size_t k = 0; k < kept.len; k++) {
		if (kept.items[k].waits)
			w->waits[i] = arena_strdup(&w->arena, kept.items[k].waits->name);
		else
			kept.items[n++] = kept.items[k];
	}
	if (a->problem)
		w->waits[i] = arena_strdup(&w->arena, a->problem);
	/* a tick is done as a whole, so that nothing of it is built twice */
	kept.len = all && w->waits[i] ? 0 : n;
	ok = ok && hold_back(w, i, &kept, err);
	vec_release(&a->parts);
	a->parts = kept;
	return ok;
}

/* --- steps --- */

static void add_steps(struct wanted *w, const struct steps *steps)
{
	vec_each (steps, it) {
		struct step step = *it;
		const struct asset *asset = graph_find(w->s->graph, step.asset);
		size_t i = asset ? index_of(w, asset) : SIZE_MAX;
		step.number = (int)w->steps.len;
		vec_push(&w->steps, step);
		if (i != SIZE_MAX)
			w->n_steps[i]++;
	}
}

static bool plan_due(struct wanted *w, bool all, struct error *err)
{
	struct assets selected = {0};
	struct steps steps = {0};
	struct plan plan;

	vec_each (w->due, t) {
		vec_push(&selected, (struct asset *)(*t)->asset);
		(*t)->touched = false;
	}
	struct plan_options options = {
		.selected = &selected, .now_us = w->now_us, .range = SPAN_ALL, .all = all};
	plan_init(&plan);
	bool ok = plan_make(w->survey, &options, &plan, err);
	for (size_t i = 0; ok && i < plan.assets.len; i++)
		ok = trim(w, &plan.assets.items[i], all, err);
	if (ok) {
		plan_steps(&plan, w->s->graph, &w->arena, &steps);
		add_steps(w, &steps);
	}
	vec_release(&steps);
	vec_release(&selected);
	plan_release(&plan);
	return ok;
}

/* --- the run, and what is said of it --- */

static const char *reason_of(struct wanted *w)
{
	const char *line = NULL;

	if (w->cause == BY_CHANGE)
		return "on change";
	if (w->cause == BY_ABSENCE)
		return "on missing";
	if (w->cause == BY_AGE)
		return "freshness";
	vec_each (w->due, t) {
		if (line && strcmp(line, (*t)->schedule->cron) != 0)
			return "schedules";
		line = (*t)->schedule->cron;
	}
	return arena_printf(&w->arena, "schedule %s", line);
}

static bool queue_run(struct wanted *w, int64_t *id, struct error *err)
{
	struct run run = {.kind = "build", .reason = reason_of(w), .vars = ""};
	struct buf names;

	buf_init(&names, BUF_MAX);
	for (size_t i = 0; i < w->due->len; i++)
		if (w->n_steps[i])
			buf_printf(&names, "%s%s", names.len ? " " : "",
				w->due->items[i]->asset->name);
	run.selector = buf_text(&names);
	bool ok = run_queue(w->s->options.state, w->s->project, &run, &w->steps, err);
	if (ok)
		log_info("models are to be built", F("run", run.id), F("by", run.reason),
			F("models", run.selector), F("steps", run.n_steps));
	if (ok)
		executor_poke(w->s->options.executor);
	*id = run.id;
	buf_release(&names);
	return ok;
}

/* "tick 2026-11-21T02:00:00Z of its schedule 0 2 * * *", "a change of what it stands on" */
static void print_cause(const struct wanted *w, const struct trigger *t, char *out, size_t size)
{
	static const char *const words[] = {[BY_CHANGE] = "a change of what it stands on",
		[BY_ABSENCE] = "what is missing",
		[BY_AGE] = "its limit of age"};
	char tick[28];

	if (w->cause != BY_TICK) {
		snprintf(out, size, "%s", words[w->cause]);
		return;
	}
	format_utc(t->tick_s * 1000000, tick);
	tick[19] = '\0';
	snprintf(out, size, "the tick %sZ of its schedule '%s'", tick, t->schedule->cron);
}

static bool tick_done(struct wanted *w, struct trigger *t, struct error *err)
{
	CLEANUP(free_string) char *name = xasprintf("tick %s", t->asset->id);
	CLEANUP(free_string) char *value = xasprintf("%lld", (long long)t->tick_s);

	t->tick_s = t->since_s = 0;
	return state_fact_put(w->s->options.state, name, value, err);
}

static bool settle(struct wanted *w, size_t i, int64_t run, struct error *err)
{
	struct trigger *t = w->due->items[i];
	char cause[256];

	print_cause(w, t, cause, sizeof cause);
	if (w->n_steps[i])
		say(w->s, t, "run %lld, of %zu step%s: by %s%s%s", (long long)run, w->n_steps[i],
			plural(w->n_steps[i]), cause, w->waits[i] ? "; more waits: " : "",
			w->waits[i] ? w->waits[i] : "");
	else if (w->waits[i])
		say(w->s, t, "%s comes to nothing yet: it waits for %s", cause, w->waits[i]);
	else if (w->cause == BY_TICK)
		say(w->s, t, "%s: there was nothing to build", cause);
	if (w->n_steps[i])
		t->ran_us = w->now_us;
	if (w->waits[i]) {
		t->held_until_us = w->now_us + HOLD_US;
		return true;
	}
	if ((w->cause == BY_CHANGE || w->cause == BY_AGE) && !t->touched &&
		!record_taken(w, t, t->seq, err))
		return false;
	t->changed = t->changed && w->cause != BY_CHANGE && w->cause != BY_AGE;
	return w->cause != BY_TICK || tick_done(w, t, err);
}

bool want(struct scheduler *s, enum cause cause, const struct trigger_list *due, struct error *err)
{
	struct wanted w = {.s = s, .cause = cause, .due = due, .now_us = wall_us()};
	int64_t run = 0;

	arena_init(&w.arena);
	w.waits = xcalloc(due->len, sizeof *w.waits);
	w.n_steps = xcalloc(due->len, sizeof *w.n_steps);
	w.survey = survey_new(s->graph, s->options.state);
	bool ok = plan_due(&w, false, err) && (cause != BY_TICK || plan_due(&w, true, err)) &&
		  (!w.steps.len || queue_run(&w, &run, err));
	for (size_t i = 0; ok && i < due->len; i++)
		ok = settle(&w, i, run, err);
	survey_free(w.survey);
	vec_release(&w.steps);
	free(w.waits);
	free(w.n_steps);
	arena_release(&w.arena);
	return ok;
}
