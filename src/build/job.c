/*
 * One attempt at a job: what it is made from is noted, materialize(), check_data() or check_unit() does it, and what became of it is
 * recorded. A job that nobody can build (its file is gone, what it stands on failed) ends here as well, without an
 * attempt.
 */
#include <string.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "build/internal.h"
#include "build/materialize.h"
#include "build/openlineage.h"

struct attempting {
	struct executor *e;
	struct active *a;
	struct job *job;
	struct work work;
	struct attempt attempt;
	struct arena arena;
};

/* Texts of a step live as long as its run. With the lock: the run's arena has many users. */
static const char *keep(struct executor *e, struct active *a, const char *text)
{
	if (!text)
		return "";
	pthread_mutex_lock(&e->lock);
	const char *kept = arena_strdup(&a->arena, text);
	pthread_mutex_unlock(&e->lock);
	return kept;
}

/* A record that fails is said once, and does not undo what was built. */
static void record(struct executor *e, const struct active *a, const struct job *job,
	const struct attempt *attempt)
{
	struct error err = {0};

	if (!a->stopped && !state_step_put(e->state, a->run.id, &job->step, attempt, &err))
		log_warn("a step could not be recorded", F("run", a->run.id),
			F("asset", job->step.asset), F("error", (const char *)err.text));
}

/* The run's verdict, and that of who waits for the tests of a node. */
static void conclude(struct executor *e, struct active *a, struct job *job)
{
	struct error err = {0};

	pthread_mutex_lock(&e->lock);
	a->failed |= job->step.status == RUN_FAILED;
	a->warned |= job->step.status == RUN_WARNED;
	pthread_mutex_unlock(&e->lock);
	if (!job->node || job->node->kind != NODE_TEST || a->stopped)
		return;
	if (!record_checked(e, a, job, &err))
		log_warn("the outcome of tests could not be recorded", F("asset", job->step.asset),
			F("error", (const char *)err.text));
}

/* It ends without an attempt. */
static bool end_without(struct executor *e, struct active *a, struct job *job,
	enum run_status status, const char *error)
{
	job->step.status = status;
	job->step.error = keep(e, a, error);
	job->step.ended_us = wall_us();
	record(e, a, job, NULL);
	conclude(e, a, job);
	return true;
}

/* --- an attempt --- */

static void give_work(struct attempting *at)
{
	struct executor *e = at->e;
	struct step *step = &at->job->step;
	struct work *w = &at->work;
	int64_t timeout_ms = e->config->models.timeout_ms;

	work_init(w);
	w->project = at->a->project;
	w->folder = e->config->models.project;
	w->node = at->job->node;
	w->state = e->state;
	w->engine = e->engine;
	w->s3 = e->config->models.s3;
	w->partition = step->partition;
	w->from_us = step->from_us;
	w->to_us = step->to_us;
	w->full_refresh = at->a->run.full_refresh;
	w->quiet = step->quiet;
	w->attempt = step->attempts;
	w->deadline_ms = timeout_ms ? mono_ms() + timeout_ms : 0;
	w->cancelled = &at->a->cancelled;
	w->arena = &at->arena;
	w->id = arena_printf(&at->arena, "tailrace-%d-%lld-%lld-%d-%d", (int)getpid(),
		(long long)wall_us(), (long long)at->a->run.id, step->number, step->attempts);
}

/* Of a run the first of its partitions that is built tells for all of them. */
static void trace_once(struct attempting *at)
{
	struct group *group = &at->a->groups.items[at->job->group];

	pthread_mutex_lock(&at->e->lock);
	bool traced = group->traced;
	group->traced = true;
	pthread_mutex_unlock(&at->e->lock);
	if (!traced)
		trace_columns(&at->work);
}

static bool do_hook(struct attempting *at, struct error *err)
{
	const char *command = strcmp(at->a->run.kind, "test") ? "build" : "test";
	struct node_results results = {0};

	if (at->work.node->ends_run) {
		pthread_mutex_lock(&at->e->lock);
		run_results(at->a, &results);
		pthread_mutex_unlock(&at->e->lock);
	}
	bool ok = (at->job->step.number || make_databases(&at->work, at->a, err)) &&
		  run_hook(&at->work, command, &results, err);
	vec_release(&results);
	return ok;
}

static bool do_work(struct attempting *at, struct error *err)
{
	struct work *w = &at->work;

	if (w->node->kind == NODE_HOOK)
		return do_hook(at, err);
	if (w->node->kind == NODE_UNIT_TEST)
		return check_unit(w, err);
	if (w->node->kind == NODE_TEST) {
		struct spans spans = {0};
		if (w->node->tested) {
			pthread_mutex_lock(&at->e->lock);
			built_spans(at->a, w->node->tested, &spans);
			pthread_mutex_unlock(&at->e->lock);
		}
		bool ok = check_data(w, &spans, err);
		vec_release(&spans);
		return ok;
	}
	if (!stamp_work(at->a->stamps, w, err))
		return false;
	w->built.run = at->a->run.id;
	w->built.checks = is_checked(at->a, w->node) ? CHECKS_PENDING : CHECKS_PASSED;
	bool ok = materialize(w, err);
	stamps_forget(at->a->stamps, w->node);
	if (ok)
		trace_once(at);
	return ok;
}

static void begin(struct attempting *at)
{
	struct step *step = &at->job->step;

	step->status = RUN_RUNNING;
	step->attempts++;
	step->ended_us = 0;
	at->attempt = (struct attempt){.step = step->number,
		.number = step->attempts,
		.status = RUN_RUNNING,
		.started_us = wall_us()};
	if (step->attempts == 1)
		step->started_us = at->attempt.started_us;
	record(at->e, at->a, at->job, &at->attempt);
	openlineage_attempt(
		at->e->lineage, at->a, at->job, step->attempts, RUN_RUNNING, NULL, NULL);
	failpoint("build.begun");
}

static enum run_status status_of(const struct attempting *at, bool ok)
{
	if (ok)
		return at->work.warned ? RUN_WARNED : RUN_SUCCEEDED;
	return atomic_load(&at->a->cancelled) ? RUN_CANCELLED : RUN_FAILED;
}

/* What the work has told goes into step and attempt; ids, SQL and log stay the work's. */
static void tell(struct attempting *at, enum run_status status, const struct error *err)
{
	struct step *step = &at->job->step;
	struct attempt *attempt = &at->attempt;
	struct work *w = &at->work;

	attempt->status = status;
	attempt->query_ids = buf_text(&w->query_ids);
	attempt->sql = buf_text(&w->sql);
	attempt->log = buf_text(&w->log);
	attempt->error = status == RUN_FAILED ? err->text : "";
	attempt->read_rows = w->stats.read_rows;
	attempt->read_bytes = w->stats.read_bytes;
	attempt->written_rows = w->stats.written_rows;
	attempt->written_bytes = w->stats.written_bytes;
	attempt->peak_bytes = w->stats.peak_bytes;
	attempt->ended_us = wall_us();
	step->message = keep(at->e, at->a, w->message);
	step->error = keep(at->e, at->a, attempt->error);
	step->rows = w->rows;
	step->ended_us = attempt->ended_us;
}

static bool tries_again(
	const struct attempting *at, enum run_status status, const struct error *err)
{
	return status == RUN_FAILED && err->kind == ERROR_RETRY &&
	       at->job->step.attempts <= at->e->config->models.retries;
}

static bool attempt_job(struct executor *e, struct active *a, struct job *job)
{
	struct attempting at = {.e = e, .a = a, .job = job};
	struct error err = {0};

	arena_init(&at.arena);
	begin(&at);
	give_work(&at);
	enum run_status status = status_of(&at, do_work(&at, &err));
	tell(&at, status, &err);
	bool again = tries_again(&at, status, &err);
	job->step.status = again ? RUN_QUEUED : status;
	record(e, a, job, &at.attempt);
	openlineage_attempt(
		e->lineage, a, job, at.attempt.number, status, &at.work, at.attempt.error);
	failpoint("build.ended");
	if (status == RUN_FAILED && e->says)
		log_warn("a step failed", F("run", a->run.id), F("asset", job->step.asset),
			F("partition", job->step.partition), F("again", again ? "yes" : "no"),
			F("error", (const char *)err.text));
	if (!again)
		conclude(e, a, job);
	work_release(&at.work);
	arena_release(&at.arena);
	return !again;
}

bool job_run(struct executor *e, struct active *a, struct job *job)
{
	struct error err = {0};

	if (atomic_load(&a->cancelled))
		return end_without(e, a, job, RUN_CANCELLED, "");
	if (!job->node)
		return end_without(e, a, job, RUN_FAILED, "it is no longer in the project");
	if (job->blocked_by) {
		error_set(&err, ERROR_DATA, "%s failed or was skipped", job->blocked_by);
		return end_without(e, a, job, RUN_SKIPPED, err.text);
	}
	bool stamped = !job_is_hook(job) && !job->node->unit;
	if (stamped && !stamp_parents(a->graph, e->state, job->node, &job->step, &err))
		return end_without(
			e, a, job, err.kind == ERROR_DATA ? RUN_SKIPPED : RUN_FAILED, err.text);
	return attempt_job(e, a, job);
}
