/*
 * How the tests of a node ended, for the state of assets: failed as soon as one has; passed once all of them have, in
 * one run. What a run that did not test all of it found is no proof that it is good.
 */
#include "build/internal.h"

static size_t tests_of(const struct project *project, const struct node *node)
{
	const struct nodes *nodes = project_nodes(project);
	size_t n = 0;

	vec_each (nodes, it)
		n += (*it)->kind == NODE_TEST && (*it)->tested == node;
	return n;
}

static struct checked *find(const struct active *a, const struct node *node)
{
	vec_each (&a->checked, it)
		if (it->node == node)
			return it;
	return NULL;
}

/* It is made anew, so tests that are left out on purpose have nothing to say of what was there before. */
static bool is_built_whole(const struct active *a, const struct node *node)
{
	for (size_t i = 0; i < a->n_jobs && !node_is_partitioned(node); i++)
		if (a->jobs[i].node == node)
			return true;
	return false;
}

bool is_checked(const struct active *a, const struct node *node)
{
	return find(a, node);
}

void list_checked(struct active *a)
{

	for (size_t i = 0; i < a->n_jobs; i++) {
		const struct node *node = a->jobs[i].node;
		if (!node || node->kind != NODE_TEST || !node->tested)
			continue;
		struct checked *known = find(a, node->tested);
		if (!known) {
			struct checked checked = {.node = node->tested};
			vec_push(&a->checked, checked);
			known = &a->checked.items[a->checked.len - 1];
		}
		known->n_left++;
		if (a->jobs[i].phase == JOB_ENDED)
			known->unsure = true;
	}
	vec_each (&a->checked, it)
		it->complete = tests_of(a->project, it->node) == it->n_left ||
			       is_built_whole(a, it->node);
}

void built_spans(const struct active *a, const struct node *node, struct spans *out)
{
	for (size_t i = 0; i < a->n_jobs; i++) {
		const struct job *job = &a->jobs[i];
		if (job->node != node || node->batch_size == PERIOD_NONE ||
			job->step.status != RUN_SUCCEEDED)
			continue;
		spans_add(out, (struct span){job->step.from_us, job->step.to_us});
	}
}

static bool put(struct state *s, const struct active *a, const struct checked *c,
	enum checks checks, struct error *err)
{
	struct spans spans = {0};
	bool ok = true;

	built_spans(a, c->node, &spans);
	for (size_t i = 0; ok && i < spans.len; i++)
		ok = state_built_checked(s, c->node->id, "", spans.items[i].from_us,
			spans.items[i].to_us, checks, err);
	for (size_t i = 0; ok && i < c->node->partitions.n; i++)
		ok = state_built_checked(s, c->node->id, c->node->partitions.items[i], TIME_MIN,
			TIME_MAX, checks, err);
	if (!spans.len && !c->node->partitions.n)
		ok = state_built_checked(s, c->node->id, "", TIME_MIN, TIME_MAX, checks, err);
	vec_release(&spans);
	return ok;
}

bool record_checked(struct executor *e, struct active *a, const struct job *job, struct error *err)
{
	struct checked *c = job->node->tested ? find(a, job->node->tested) : NULL;
	enum checks now = CHECKS_PENDING;

	if (!c)
		return true;
	pthread_mutex_lock(&e->lock);
	c->n_left--;
	if (job->step.status == RUN_FAILED && !c->failed) {
		c->failed = true;
		now = CHECKS_FAILED;
	}
	c->unsure |= job->step.status != RUN_SUCCEEDED && job->step.status != RUN_WARNED;
	if (!c->n_left && c->complete && !c->unsure)
		now = CHECKS_PASSED;
	pthread_mutex_unlock(&e->lock);
	return now == CHECKS_PENDING || put(e->state, a, c, now, err);
}
