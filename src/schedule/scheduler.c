/* The scheduler's thread: the project, what is due, and when to look again; see scheduler.h. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/wait.h"
#include "schedule/internal.h"
#include "state/runs.h"

#define ROUND_MS      500
#define FILES_MS      2000
#define LOOK_US       INT64_C(15000000) /* for what is missing, and how old things are */
#define AGE_US        INT64_C(5000000)
#define AT_MOST_EVERY INT64_C(10000000) /* where `at_most_every` says nothing */

/* --- the project --- */

int64_t schedule_last(struct state *state, const char *asset)
{
	char value[32];
	CLEANUP(free_string) char *name = xasprintf("tick %s", asset);

	return state_fact_get(state, name, value, sizeof value) ? atoll(value) : 0;
}

static void forget_project(struct scheduler *s)
{
	vec_each (&s->triggers, t)
		trigger_release(t);
	vec_release(&s->triggers);
	graph_free(s->graph);
	project_free(s->project);
	arena_release(&s->arena);
	s->graph = NULL;
	s->project = NULL;
}

/* Up to when its ticks are done: the last one, or, of a line that is new, now. */
static int64_t ticked_until(struct scheduler *s, const struct asset *asset, int64_t now_s)
{
	const struct schedule *schedule = &asset->node->schedule;
	CLEANUP(free_string) char *fact = xasprintf("schedule %s", asset->id);
	CLEANUP(free_string)
	char *line = xasprintf(
		" %s %s", schedule->cron, schedule->timezone ? schedule->timezone : "");
	int64_t last = schedule_last(s->options.state, asset->id), since = last ? last : now_s;
	struct error err = {0};
	struct buf known;
	char *rest;

	buf_init(&known, BUF_MAX);
	if (state_fact_read(s->options.state, fact, &known)) {
		int64_t seen = strtoll(buf_text(&known), &rest, 10);
		since = strcmp(rest, line) != 0 ? now_s : seen > last ? seen : last;
	}
	CLEANUP(free_string) char *value = xasprintf("%lld%s", (long long)since, line);
	if (strcmp(buf_text(&known), value) != 0 &&
		!state_fact_put(s->options.state, fact, value, &err))
		say_failure(&s->said, "a schedule is not recorded", &err);
	buf_release(&known);
	return since;
}

static const struct trigger *find_trigger(const struct triggers *triggers, const char *id)
{
	vec_each (triggers, t)
		if (strcmp(t->asset->id, id) == 0)
			return t;
	return NULL;
}

static void take_triggers(struct scheduler *s, const struct graph *graph, struct triggers *out)
{
	const struct assets *assets = graph_assets(graph);
	int64_t now_s = wall_us() / 1000000;

	vec_each (assets, it) {
		struct trigger t;
		if (!(*it)->node || !(*it)->node->enabled || !node_is_scheduled((*it)->node))
			continue;
		trigger_init(&t, *it, (*it)->node->schedule.cron ? ticked_until(s, *it, now_s) : 0,
			now_s);
		const struct trigger *old = find_trigger(&s->triggers, (*it)->id);
		if (old)
			trigger_carry(&t, old);
		if (*t.problem) {
			log_error("a schedule is wrong", F("asset", (*it)->name),
				F("error", (const char *)t.problem));
			say(s, &t, "it does not run by its schedule: %s", t.problem);
		}
		vec_push(out, t);
	}
}

bool say_failure(struct error *said, const char *what, const struct error *err)
{
	if (strcmp(said->text, err->text) == 0)
		return false;
	log_warn(what, F("error", (const char *)err->text));
	*said = *err;
	return true;
}

/* A project that cannot be read leaves the one before in force. */
static void read_project(struct scheduler *s)
{
	const struct config *config = s->options.config;
	struct error err = {0};
	struct arena arena;
	struct watch_list watched;

	arena_init(&arena);
	struct project *project = models_project(config, NULL, false, &arena, &err);
	if (!project) {
		arena_release(&arena);
		say_failure(&s->said, "the project of models is not read", &err);
		return;
	}
	struct graph *graph = graph_new(project, NULL, 0);
	struct triggers triggers = {0};
	take_triggers(s, graph, &triggers);
	forget_project(s);
	s->arena = arena;
	s->project = project;
	s->graph = graph;
	s->triggers = triggers;
	project_watch_list(project, &watched);
	pipeline_watch(s->options.pipeline, &watched);
}

static void look_at_files(struct scheduler *s)
{
	int64_t now = mono_ms();

	if (s->files && now - s->files_ms < FILES_MS)
		return;
	s->files_ms = now;
	uint64_t files = project_files(s->options.config->models.project);
	if (files == s->files)
		return;
	s->files = files;
	read_project(s);
}

/* --- what is due --- */

void say(struct scheduler *s, struct trigger *t, const char *fmt, ...)
{
	struct error err = {0};
	char text[sizeof t->said];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	if (strcmp(text, t->said) == 0)
		return;
	snprintf(t->said, sizeof t->said, "%s", text);
	if (!state_reason_put(s->options.state, t->asset->id, text, &err))
		say_failure(&s->said, "a reason is not recorded", &err);
}

static bool list_busy(struct scheduler *s, struct error *err)
{
	struct state *state = s->options.state;
	struct runs runs = {0};
	struct arena arena;

	map_clear(&s->busy);
	arena_init(&arena);
	bool ok = state_runs_open(state, &arena, &runs, err);
	for (size_t i = 0; ok && i < runs.len; i++) {
		struct steps steps = {0};
		ok = state_steps(state, runs.items[i].id, &arena, &steps, err);
		vec_each (&steps, step)
			if (!run_status_ended(step->status))
				map_put(&s->busy, step->asset, strlen(step->asset),
					(void *)(uintptr_t)runs.items[i].id);
		vec_release(&steps);
	}
	vec_release(&runs);
	arena_release(&arena);
	return ok;
}

static int64_t run_of(const struct scheduler *s, const struct trigger *t)
{
	return (int64_t)(uintptr_t)map_get(&s->busy, t->asset->id, strlen(t->asset->id));
}

static bool see_change(struct scheduler *s, struct trigger *t, struct error *err)
{
	struct asset_ids inputs = {0};
	int64_t seq;

	asset_inputs(s->graph, t->asset, &inputs);
	bool ok = state_seq(s->options.state, inputs.items, inputs.len, &seq, err);
	vec_release(&inputs);
	if (ok && seq > t->seq) {
		t->seq = seq;
		t->changed = true;
	}
	return ok;
}

/* How old it is: up to when what it stands on is, or, where something of that is not in it yet, up to when it was. */
static bool see_age(
	struct scheduler *s, struct survey *v, struct trigger *t, int64_t now_us, struct error *err)
{
	const struct status *status = survey_status(v, t->asset, err);
	char as_of[28];

	if (!status)
		return false;
	bool behind = status->dirty.len || !status->built.len;
	const struct as_of *of = behind ? &status->as_of : &status->parents;
	t->late = false;
	if (of->always || (!of->us && status->built.len)) {
		if (of->unknown)
			say(s, t, "how old it is cannot be known, as no stream feeds %s",
				of->unknown->name);
		return true;
	}
	if (now_us - of->us <= t->schedule->max_age_us)
		return true;
	format_utc(of->us, as_of);
	t->late = behind;
	if (behind)
		return true;
	log_warn("a model is older than its limit, and so is what it stands on",
		F("asset", t->asset->name), F("as_of", (const char *)as_of));
	say(s, t,
		"it is older than its limit, but so is what it stands on (as of %s): see `tailrace "
		"status`",
		as_of);
	return true;
}

static bool see_ages(struct scheduler *s, int64_t now_us, struct error *err)
{
	struct survey *v = NULL;
	bool ok = true;

	for (size_t i = 0; ok && i < s->triggers.len; i++) {
		struct trigger *t = &s->triggers.items[i];
		if (!t->schedule->max_age_us || now_us - t->aged_us < AGE_US)
			continue;
		v = v ? v : survey_new(s->graph, s->options.state);
		ok = see_age(s, v, t, now_us, err);
		t->aged_us = now_us;
	}
	if (v)
		survey_free(v);
	return ok;
}

static bool is_due(struct trigger *t, enum cause cause, int64_t now_us)
{
	int64_t every_us = t->schedule->at_most_every_us;

	if (now_us < t->held_until_us)
		return false;
	switch (cause) {
	case BY_TICK: return t->tick_s;
	case BY_CHANGE:
		return t->schedule->on_change && t->changed &&
		       now_us - t->ran_us >= (every_us ? every_us : AT_MOST_EVERY);
	case BY_ABSENCE:
		if (!t->schedule->on_missing || now_us - t->looked_us < LOOK_US)
			return false;
		t->looked_us = now_us;
		return true;
	case BY_AGE: return t->late;
	}
	return false;
}

static bool want_due(struct scheduler *s, enum cause cause, int64_t now_us, struct error *err)
{
	struct trigger_list due = {0};

	vec_each (&s->triggers, t) {
		if (!is_due(t, cause, now_us))
			continue;
		int64_t run = run_of(s, t);
		if (!run)
			vec_push(&due, t);
		else if (cause == BY_TICK)
			say(s, t, "its schedule waits until run %lld of it has ended",
				(long long)run);
	}
	bool ok = !due.len || want(s, cause, &due, err);
	vec_release(&due);
	return ok;
}

static bool round_of(struct scheduler *s, struct error *err)
{
	int64_t now_us = wall_us();

	if (!list_busy(s, err))
		return false;
	look_at_sensors(s);
	if (!s->triggers.len)
		return true;
	vec_each (&s->triggers, t) {
		trigger_tick(t, now_us / 1000000);
		if ((t->schedule->on_change || t->schedule->max_age_us) && !see_change(s, t, err))
			return false;
	}
	if (!see_ages(s, now_us, err))
		return false;
	for (enum cause cause = BY_TICK; cause <= BY_AGE; cause++)
		if (!list_busy(s, err) || !want_due(s, cause, now_us, err))
			return false;
	return true;
}

/* --- the thread --- */

static bool pause_round(struct scheduler *s)
{
	struct timespec until = deadline_in(ROUND_MS);

	pthread_mutex_lock(&s->lock);
	if (!s->stopping)
		pthread_cond_timedwait(&s->wake, &s->lock, &until);
	bool on = !s->stopping;
	pthread_mutex_unlock(&s->lock);
	return on;
}

static void *scheduler_run(void *scheduler)
{
	struct scheduler *s = scheduler;

	do {
		struct error err = {0};
		look_at_files(s);
		bool ok = !s->options.config->models.schedules || round_of(s, &err);
		if (!(ok && look_at_facts(s, &err)))
			say_failure(&s->said, "the scheduler could not look at everything", &err);
	} while (pause_round(s));
	return NULL;
}

static void scheduler_free(struct scheduler *s)
{
	forget_project(s);
	engine_free(s->engine);
	arena_release(&s->engine_arena);
	vec_release(&s->facts);
	arena_release(&s->facts_arena);
	map_release(&s->busy);
	free(s->looks);
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

struct scheduler *scheduler_start(const struct scheduler_options *options, struct error *err)
{
	struct scheduler *s = xcalloc(1, sizeof *s);

	s->options = *options;
	arena_init(&s->arena);
	arena_init(&s->engine_arena);
	arena_init(&s->facts_arena);
	s->looks = xcalloc(options->config->n_sensors + 1, sizeof *s->looks);
	pthread_mutex_init(&s->lock, NULL);
	wait_init(&s->wake);
	if (pthread_create(&s->thread, NULL, scheduler_run, s) == 0)
		return s;
	error_set(err, ERROR_RETRY, "no thread could be started for the scheduler");
	scheduler_free(s);
	return NULL;
}

void scheduler_stop(struct scheduler *s)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
	scheduler_free(s);
}
