/*
 * Threads. The keeper looks into the queue: it takes what is new, passes on who wants to cancel, and forgets old
 * history. Workers take jobs (pick.c) and do them (job.c). One lock guards what is under way; nobody holds it while
 * he speaks with the engine or the state store.
 */
#include "build/executor.h"

#include <stdio.h>
#include <string.h>
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/wait.h"
#include "build/internal.h"
#include "build/materialize.h"
#include "build/openlineage.h"

#define LOOK_MS  100
#define PRUNE_MS ((int64_t)3600 * 1000)

/* Waits for a change, at most so long; wait_ms < 0: for ever. With the lock. */
static void wait_changed(struct executor *e, int wait_ms)
{
	if (wait_ms < 0) {
		pthread_cond_wait(&e->changed, &e->lock);
		return;
	}
	struct timespec until = deadline_in(wait_ms);
	pthread_cond_timedwait(&e->changed, &e->lock, &until);
}

/* --- the end of a run --- */

static enum run_status outcome(const struct active *a)
{
	if (atomic_load(&a->cancelled))
		return RUN_CANCELLED;
	return a->failed ? RUN_FAILED : a->warned ? RUN_WARNED : RUN_SUCCEEDED;
}

/* Nobody but the caller has it any more. */
static void end_run(struct executor *e, struct active *a)
{
	struct error err = {0};
	enum run_status status = outcome(a);

	if (!a->stopped && !state_run_end(e->state, a->run.id, status, NULL, &err))
		log_error("the end of a run could not be recorded; it is taken again at the next "
			  "start",
			F("run", a->run.id), F("error", (const char *)err.text));
	else if (!a->stopped)
		log_info("run ended", F("run", a->run.id), F("status", run_status_name(status)));
	if (!a->stopped)
		openlineage_run(e->lineage, a, status);
	active_free(a);
}

/* With the lock: takes what has ended off the list. */
static struct active *remove_ended(struct executor *e)
{
	for (size_t i = 0; i < e->active.len; i++) {
		struct active *a = e->active.items[i];
		if (a->n_left || a->n_running)
			continue;
		memmove(&e->active.items[i], &e->active.items[i + 1],
			(e->active.len - i - 1) * sizeof *e->active.items);
		e->active.len--;
		return a;
	}
	return NULL;
}

static void end_runs(struct executor *e)
{
	struct active *a;

	while ((a = remove_ended(e))) {
		pthread_mutex_unlock(&e->lock);
		end_run(e, a);
		pthread_mutex_lock(&e->lock);
	}
}

/* --- workers --- */

static void put_back(struct active *a, struct job *job)
{
	job->phase = JOB_READY;
	job->not_before_ms = mono_ms() + backoff_next_ms(&job->backoff);
	vec_push(&a->ready, (size_t)(job - a->jobs));
}

static void *work(void *argument)
{
	struct worker *worker = argument;
	struct executor *e = worker->executor;
	struct active *a;
	int wait_ms;

	pthread_mutex_lock(&e->lock);
	for (;;) {
		struct job *job = pick_job(worker, &a, &wait_ms);
		if (!job && e->stopping)
			break;
		if (!job) {
			wait_changed(e, wait_ms);
			continue;
		}
		pthread_mutex_unlock(&e->lock);
		bool ended = job_run(e, a, job);
		pthread_mutex_lock(&e->lock);
		worker->job = NULL;
		a->n_running--;
		if (ended)
			job_ended(a, (size_t)(job - a->jobs));
		else
			put_back(a, job);
		end_runs(e);
		pthread_cond_broadcast(&e->changed);
	}
	pthread_mutex_unlock(&e->lock);
	return NULL;
}

/* --- the keeper --- */

static bool reach_engine(struct executor *e, struct error *err)
{
	if (!e->engine)
		e->engine = models_engine(e->config, e->warehouse_url, &e->arena, err);
	return e->engine;
}

/* What an earlier process left in the engine; a project that cannot be read keeps it for later. */
static bool recover(struct executor *e, struct error *err)
{
	if (e->recovered)
		return true;
	struct arena arena;
	arena_init(&arena);
	struct project *project = models_project(e->config, NULL, true, &arena, err);
	e->recovered = project && materialize_recover(e->state, e->engine, project, err);
	project_free(project);
	arena_release(&arena);
	return e->recovered;
}

static void take_run(struct executor *e, const struct run *run)
{
	struct error err = {0};
	bool taken = false;

	if (!state_run_take(e->state, run->id, &taken, &err) || !taken)
		return;
	failpoint("build.run_taken");
	struct active *a = recover(e, &err) ? active_load(e, run, &err) : NULL;
	if (!a) {
		if (e->says)
			log_error("a run cannot be run", F("run", run->id),
				F("error", (const char *)err.text));
		if (!state_run_end(e->state, run->id, RUN_FAILED, err.text, &err))
			log_error("nor can this be recorded", F("error", (const char *)err.text));
		return;
	}
	openlineage_interrupted(e->lineage, a);
	openlineage_run(e->lineage, a, RUN_RUNNING);
	pthread_mutex_lock(&e->lock);
	vec_push(&e->active, a);
	end_runs(e);
	pthread_cond_broadcast(&e->changed);
	pthread_mutex_unlock(&e->lock);
}

static void cancel_run(struct executor *e, int64_t id)
{
	pthread_mutex_lock(&e->lock);
	vec_each (&e->active, it)
		if ((*it)->run.id == id)
			atomic_store(&(*it)->cancelled, true);
	pthread_cond_broadcast(&e->changed);
	pthread_mutex_unlock(&e->lock);
}

static bool look(struct executor *e, struct error *err)
{
	struct arena arena;
	struct runs runs;

	arena_init(&arena);
	bool ok = state_runs_open(e->state, &arena, &runs, err);
	for (size_t i = 0; ok && i < runs.len; i++) {
		const struct run *run = &runs.items[i];
		if (run->cancel)
			cancel_run(e, run->id);
		else if (run->status != RUN_RUNNING)
			take_run(e, run);
	}
	if (ok)
		vec_release(&runs);
	arena_release(&arena);
	return ok;
}

static bool prune(struct executor *e, int64_t *next_ms, struct error *err)
{
	const struct models_config *models = &e->config->models;

	if (mono_ms() < *next_ms)
		return true;
	*next_ms = mono_ms() + PRUNE_MS;
	int64_t then_us = models->keep_for_ms ? wall_us() - models->keep_for_ms * 1000 : 0;
	return state_runs_prune(e->state, models->keep_runs, then_us, err);
}

static void *keep(void *argument)
{
	struct executor *e = argument;
	struct backoff backoff = {0};
	int64_t prune_ms = 0;

	pthread_mutex_lock(&e->lock);
	while (!e->stopping) {
		struct error err = {0};
		int wait_ms = LOOK_MS;
		e->poked = false;
		pthread_mutex_unlock(&e->lock);
		if (reach_engine(e, &err) && look(e, &err) && prune(e, &prune_ms, &err)) {
			backoff_reset(&backoff);
		} else {
			wait_ms = backoff_next_ms(&backoff);
			log_warn("models cannot be built now", F("error", (const char *)err.text));
		}
		pthread_mutex_lock(&e->lock);
		int64_t until_ms = mono_ms() + wait_ms;
		while (!e->stopping && !e->poked && mono_ms() < until_ms)
			wait_changed(e, (int)(until_ms - mono_ms()));
	}
	pthread_mutex_unlock(&e->lock);
	return NULL;
}

/* --- the whole --- */

void executor_poke(struct executor *e)
{
	pthread_mutex_lock(&e->lock);
	e->poked = true;
	pthread_cond_broadcast(&e->changed);
	pthread_mutex_unlock(&e->lock);
}

static void free_executor(struct executor *e)
{
	openlineage_free(e->lineage);
	engine_free(e->engine);
	pthread_cond_destroy(&e->changed);
	pthread_mutex_destroy(&e->lock);
	vec_release(&e->active);
	arena_release(&e->arena);
	free(e->workers);
	free(e->warehouse_url);
	free(e);
}

struct executor *executor_start(const struct executor_options *options, struct error *err)
{
	struct executor *e = xcalloc(1, sizeof *e);

	e->config = options->config;
	e->says = options->patient;
	e->state = options->state;
	e->warehouse_url = options->warehouse_url ? xstrdup(options->warehouse_url) : NULL;
	arena_init(&e->arena);
	pthread_mutex_init(&e->lock, NULL);
	wait_init(&e->changed);
	if (!state_runs_interrupt(e->state, err) || (!options->patient && !reach_engine(e, err))) {
		free_executor(e);
		return NULL;
	}
	e->lineage = openlineage_new(e->config, e->state);
	e->n_workers = (size_t)(options->threads ? options->threads : e->config->models.threads);
	e->workers = xcalloc(e->n_workers, sizeof *e->workers);
	for (size_t i = 0; i < e->n_workers; i++) {
		e->workers[i].executor = e;
		pthread_create(&e->workers[i].thread, NULL, work, &e->workers[i]);
	}
	pthread_create(&e->keeper, NULL, keep, e);
	return e;
}

void executor_stop(struct executor *e)
{
	struct error err = {0};

	if (!e)
		return;
	pthread_mutex_lock(&e->lock);
	e->stopping = true;
	pthread_cond_broadcast(&e->changed);
	pthread_mutex_unlock(&e->lock);
	pthread_join(e->keeper, NULL);
	pthread_mutex_lock(&e->lock);
	vec_each (&e->active, it) {
		(*it)->stopped = true;
		atomic_store(&(*it)->cancelled, true);
	}
	pthread_cond_broadcast(&e->changed);
	pthread_mutex_unlock(&e->lock);
	for (size_t i = 0; i < e->n_workers; i++)
		pthread_join(e->workers[i].thread, NULL);
	vec_each (&e->active, it)
		active_free(*it);
	if (!state_runs_interrupt(e->state, &err))
		log_warn("runs could not be marked as interrupted",
			F("error", (const char *)err.text));
	free_executor(e);
}
