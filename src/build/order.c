/*
 * Which job waits for which. The jobs of a node are a group; a job waits for whole groups, or, where partitions map to
 * partitions, for single jobs. A node that is not part of the run is looked through: who stands on it waits for
 * what it stands on.
 *
 * Tests of a node are groups as well, that wait for it; who stands on all that a test looks at waits for the test. A unit
 * test goes before the model that it is of, and waits for what that waits for.
 *
 * A hook of the run is a gate: it waits for all jobs before it, and all behind it wait for it. Where one of on-run-start
 * fails, those behind it are skipped, but for those of on-run-end, which run however the run went.
 */
#include <string.h>
#include "build/internal.h"

#define NOT_THERE SIZE_MAX

struct order {
	struct active *a;
	const struct nodes *nodes;
	size_t *group_of; /* by node->mark */
	size_t *seen;     /* by node->mark: the walk that saw it last */
	size_t walk;
};

static struct group *group_of(const struct order *o, const struct node *node)
{
	size_t group = o->group_of[node->mark];
	return group == NOT_THERE ? NULL : &o->a->groups.items[group];
}

static bool succeeded(const struct job *job)
{
	return job->step.status == RUN_SUCCEEDED || job->step.status == RUN_WARNED;
}

static const char *name_of(const struct job *job)
{
	return job->node ? job->node->name : job->step.asset;
}

/* --- waiting --- */

static void wait_for_job(struct active *a, size_t waiter, size_t other)
{
	struct job *w = &a->jobs[waiter], *job = &a->jobs[other];

	if (job->phase == JOB_ENDED) {
		if (!succeeded(job))
			w->blocked_by = name_of(job);
		return;
	}
	vec_push(&job->children, waiter);
	w->n_waits++;
}

static void wait_for_group(struct active *a, size_t waiter, struct group *group)
{
	struct job *w = &a->jobs[waiter];

	if (group->failed)
		w->blocked_by = group->node->name;
	if (!group->n_left)
		return;
	vec_push(&group->waiters, waiter);
	w->n_waits++;
}

/* The time of a parent that a partition is made of. */
static void mapped_time(const struct job *job, const struct node *parent,
	struct partition_mapping mapping, int64_t *from, int64_t *to)
{
	int window = mapping.kind == MAPPING_WINDOW ? mapping.window : 0;

	*to = job->step.to_us;
	*from = period_add(job->node->batch_size,
		period_start(parent->batch_size, job->step.from_us), -window);
	if (*from > job->step.from_us)
		*from = job->step.from_us;
}

static bool by_partition(
	const struct node *node, const struct node *parent, struct partition_mapping mapping)
{
	bool same = mapping.kind == MAPPING_SAME || mapping.kind == MAPPING_WINDOW;
	bool by_time = node->batch_size != PERIOD_NONE && parent->batch_size != PERIOD_NONE;

	return same && (by_time || (node->partitions.n && parent->partitions.n));
}

static void wait_for_partitions(
	struct active *a, size_t waiter, struct group *group, struct partition_mapping mapping)
{
	const struct job *job = &a->jobs[waiter];
	bool by_time = job->node->batch_size != PERIOD_NONE;
	int64_t from = 0, to = 0;

	if (by_time)
		mapped_time(job, group->node, mapping, &from, &to);
	vec_each (&group->jobs, it) {
		const struct step *other = &a->jobs[*it].step;
		if (by_time ? other->from_us < to && other->to_us > from
			    : !strcmp(other->partition, job->step.partition))
			wait_for_job(a, waiter, *it);
	}
}

/* --- walking --- */

/* The nearest nodes of the run that it stands on. */
static void nearest(struct order *o, const struct node *node, struct nodes *out)
{
	vec_each (&node->parents, it) {
		struct node *parent = *it;
		if (o->seen[parent->mark] == o->walk)
			continue;
		o->seen[parent->mark] = o->walk;
		if (group_of(o, parent))
			vec_push(out, parent);
		else
			nearest(o, parent, out);
	}
}

static void mark_ancestors(struct order *o, const struct node *node)
{
	vec_each (&node->parents, it)
		if (o->seen[(*it)->mark] != o->walk) {
			o->seen[(*it)->mark] = o->walk;
			mark_ancestors(o, *it);
		}
}

static bool reads_source(const struct node *node, const struct source_table *table)
{
	vec_each (&node->sources, it)
		if (!strcmp((*it)->source, table->source) && !strcmp((*it)->name, table->name))
			return true;
	return false;
}

/* Is the node downstream of all that the test looks at? */
static bool must_wait_for_test(struct order *o, const struct node *node, const struct node *test)
{
	if (test->parents.len == 0)
		return test->sources.len == 1 && reads_source(node, test->sources.items[0]);
	o->walk++;
	mark_ancestors(o, node);
	vec_each (&test->parents, it)
		if (o->seen[(*it)->mark] != o->walk)
			return false;
	return true;
}

static bool is_direct(const struct node *node, const struct node *parent)
{
	vec_each (&node->parents, it)
		if (*it == parent)
			return true;
	return false;
}

static void wait_for_parent(struct order *o, const struct group *group, const struct node *parent)
{
	struct group *other = group_of(o, parent);
	struct partition_mapping mapping = {MAPPING_ALL, 0};

	if (is_direct(group->node, parent))
		mapping = node_mapping(group->node, parent);
	bool fine = by_partition(group->node, parent, mapping);
	vec_each (&group->jobs, it)
		if (fine)
			wait_for_partitions(o->a, *it, other, mapping);
		else
			wait_for_group(o->a, *it, other);
}

/* A test runs again, of a node that is there already: it is near nothing of the run. */
static bool looks_outside(const struct order *o, const struct node *test)
{
	vec_each (&test->parents, it)
		if (!group_of(o, *it))
			return true;
	return false;
}

static void wait_for_tests(struct order *o, const struct group *group, const struct nodes *parents)
{
	for (size_t g = 0; g < o->a->groups.len; g++) {
		struct group *test = &o->a->groups.items[g];
		bool near = !test->node->parents.len || looks_outside(o, test->node);
		if (!node_is_test(test->node))
			continue;
		bool unit = test->node->unit && test->node->tested == group->node;
		for (size_t i = 0; !near && i < parents->len; i++)
			near = is_direct(test->node, parents->items[i]);
		if (unit || (near && must_wait_for_test(o, group->node, test->node)))
			vec_each (&group->jobs, it)
				wait_for_group(o->a, *it, test);
	}
}

/* What a unit test waits for is what its model does. */
static const struct node *waiter_of(const struct node *node)
{
	return node->unit && node->tested ? node->tested : node;
}

static void wait_of_group(struct order *o, size_t number)
{
	const struct group *group = &o->a->groups.items[number];
	struct nodes parents = {0};

	o->walk++;
	nearest(o, waiter_of(group->node), &parents);
	vec_each (&parents, it)
		if (!node_is_test(*it))
			wait_for_parent(o, group, *it);
	if (!node_is_test(group->node))
		wait_for_tests(o, group, &parents);
	vec_release(&parents);
}

/* --- groups --- */

static void add_to_group(struct order *o, size_t number)
{
	struct job *job = &o->a->jobs[number];
	size_t *at = &o->group_of[job->node->mark];

	if (*at == NOT_THERE) {
		struct group group = {.node = job->node};
		*at = o->a->groups.len;
		vec_push(&o->a->groups, group);
	}
	job->group = *at;
	struct group *group = &o->a->groups.items[*at];
	vec_push(&group->jobs, number);
	if (job->phase == JOB_ENDED)
		group->failed |= !succeeded(job);
	else
		group->n_left++;
}

static void make_ready(struct active *a, size_t number)
{
	a->jobs[number].phase = JOB_READY;
	vec_push(&a->ready, number);
}

/* --- gates --- */

static void note_hook(struct active *a, const struct job *job)
{
	const char **failed = &a->failed_hooks[job->node->ends_run];

	if (!succeeded(job) && !*failed)
		*failed = job->node->name;
}

static void open_job(struct active *a, size_t number)
{
	struct job *job = &a->jobs[number];
	const char *failed = a->failed_hooks[job_is_hook(job) && job->node->ends_run];

	if (job->phase == JOB_ENDED) {
		if (job_is_hook(job))
			note_hook(a, job);
		return;
	}
	a->n_shut--;
	if (failed)
		job->blocked_by = failed;
	if (!job->n_waits)
		make_ready(a, number);
}

static bool may_open(const struct active *a, size_t number)
{
	const struct job *before = number ? &a->jobs[number - 1] : NULL;

	if (job_is_hook(&a->jobs[number]))
		return a->n_left == a->n_shut;
	return !before || !job_is_hook(before) || before->phase == JOB_ENDED;
}

static void open_jobs(struct active *a)
{
	while (a->n_open < a->n_jobs && may_open(a, a->n_open))
		open_job(a, a->n_open++);
}

/* --- the whole --- */

void order_jobs(struct active *a)
{
	const struct nodes *nodes = project_nodes(a->project);
	struct order o = {.a = a, .nodes = nodes};

	o.group_of = xcalloc(nodes->len + 1, sizeof *o.group_of);
	o.seen = xcalloc(nodes->len + 1, sizeof *o.seen);
	for (size_t i = 0; i < nodes->len; i++) {
		nodes->items[i]->mark = (int)i;
		o.group_of[i] = NOT_THERE;
	}
	for (size_t i = 0; i < a->n_jobs; i++)
		if (a->jobs[i].node && !job_is_hook(&a->jobs[i]))
			add_to_group(&o, i);
	for (size_t i = 0; i < a->groups.len; i++)
		wait_of_group(&o, i);
	a->n_shut = a->n_left;
	open_jobs(a);
	free(o.group_of);
	free(o.seen);
}

/* --- going on --- */

static void release(struct active *a, const struct numbers *waiters, const char *blocked_by)
{
	vec_each (waiters, it) {
		struct job *job = &a->jobs[*it];
		if (blocked_by && !job->blocked_by)
			job->blocked_by = blocked_by;
		if (--job->n_waits == 0 && *it < a->n_open)
			make_ready(a, *it);
	}
}

static void group_ended(struct active *a, struct group *group, const char *blocked_by)
{
	group->failed |= blocked_by != NULL;
	if (--group->n_left == 0)
		release(a, &group->waiters, group->failed ? group->node->name : NULL);
}

void job_ended(struct active *a, size_t number)
{
	struct job *job = &a->jobs[number];
	const char *blocked_by = succeeded(job) ? NULL : name_of(job);

	job->phase = JOB_ENDED;
	a->n_left--;
	release(a, &job->children, blocked_by);
	if (job_is_hook(job))
		note_hook(a, job);
	else if (job->node)
		group_ended(a, &a->groups.items[job->group], blocked_by);
	open_jobs(a);
}
