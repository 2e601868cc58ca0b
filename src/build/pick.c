/*
 * The next job: of the runs under way the one that has the fewest jobs running goes first, the oldest among equals, so
 * that a long backfill keeps nobody else from being built; within a run in the order of its steps. A job must
 * not exceed the limits of its tags and its run, and no two of different runs build the same at once.
 */
#include <string.h>
#include "base/clock.h"
#include "build/internal.h"

static bool has_tag(const struct node *node, const char *tag)
{
	for (size_t i = 0; i < node->tags.n; i++)
		if (!strcmp(node->tags.items[i], tag))
			return true;
	return false;
}

static int64_t running_with_tag(const struct executor *e, const char *tag)
{
	int64_t n = 0;

	for (size_t i = 0; i < e->n_workers; i++) {
		const struct job *job = e->workers[i].job;
		n += job && job->node && has_tag(job->node, tag);
	}
	return n;
}

static bool within_tags(const struct executor *e, const struct node *node)
{
	const struct models_config *models = &e->config->models;

	for (size_t i = 0; i < models->n_limits; i++)
		if (has_tag(node, models->limits[i].tag) &&
			running_with_tag(e, models->limits[i].tag) >= models->limits[i].steps)
			return false;
	return true;
}

/* Partitions of one asset are built side by side, all else of it one after the other. */
static bool collides(const struct executor *e, const struct job *job)
{
	for (size_t i = 0; i < e->n_workers; i++) {
		const struct job *other = e->workers[i].job;
		if (!other || strcmp(other->step.asset, job->step.asset) != 0)
			continue;
		if (!*job->step.partition || !*other->step.partition ||
			!strcmp(job->step.partition, other->step.partition))
			return true;
	}
	return false;
}

static bool can_run(const struct executor *e, const struct job *job)
{
	if (!job->node || job->blocked_by)
		return true; /* it is only told so */
	return within_tags(e, job->node) && !collides(e, job);
}

static struct job *pick_of(struct executor *e, struct active *a, int *wait_ms)
{
	int64_t now = mono_ms();

	if (a->run.jobs && a->n_running >= (size_t)a->run.jobs)
		return NULL;
	for (size_t i = 0; i < a->ready.len; i++) {
		struct job *job = &a->jobs[a->ready.items[i]];
		if (job->not_before_ms > now && !atomic_load(&a->cancelled)) {
			int left_ms = (int)(job->not_before_ms - now);
			*wait_ms = *wait_ms < 0 || left_ms < *wait_ms ? left_ms : *wait_ms;
			continue;
		}
		if (!can_run(e, job))
			continue;
		memmove(&a->ready.items[i], &a->ready.items[i + 1],
			(a->ready.len - i - 1) * sizeof *a->ready.items);
		a->ready.len--;
		return job;
	}
	return NULL;
}

struct job *pick_job(struct worker *worker, struct active **of, int *wait_ms)
{
	struct executor *e = worker->executor;
	VEC(struct active *) left = {0};
	struct job *job = NULL;

	*wait_ms = -1;
	vec_each (&e->active, it)
		vec_push(&left, *it);
	while (!job && left.len) {
		size_t least = 0;
		for (size_t i = 1; i < left.len; i++)
			if (left.items[i]->n_running < left.items[least]->n_running)
				least = i;
		*of = left.items[least];
		job = pick_of(e, *of, wait_ms);
		memmove(&left.items[least], &left.items[least + 1],
			(left.len - least - 1) * sizeof *left.items);
		left.len--;
	}
	vec_release(&left);
	if (!job)
		return NULL;
	job->phase = JOB_RUNNING;
	worker->job = job->node ? job : NULL;
	(*of)->n_running++;
	return job;
}
