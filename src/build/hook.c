/* Hooks of a run: on-run-start and on-run-end, and what the latter are told of the run. */
#include <string.h>
#include "build/internal.h"
#include "models/tokens.h"

/* --- how a run went --- */

struct tally {
	size_t n, good, failed, warned;
	int64_t from_us, to_us;
	uint64_t rows;
	const char *message;
};

static void count_step(struct tally *t, const struct step *step)
{
	bool failed = step->status == RUN_FAILED;

	t->n++;
	t->good += step->status == RUN_SUCCEEDED || step->status == RUN_WARNED;
	t->warned += step->status == RUN_WARNED;
	t->rows += step->rows;
	if (step->started_us && (!t->from_us || step->started_us < t->from_us))
		t->from_us = step->started_us;
	if (step->ended_us > t->to_us)
		t->to_us = step->ended_us;
	if (!t->message || (failed && !t->failed))
		t->message = *step->error ? step->error : step->message;
	t->failed += failed;
}

static const char *status_of(const struct node *node, const struct tally *t)
{
	bool test = node_is_test(node);

	if (t->good == t->n)
		return test ? t->warned ? "warn" : "pass" : "success";
	if (t->good)
		return "partial success";
	if (!t->failed)
		return "skipped";
	return test && t->rows ? "fail" : "error";
}

static struct node_result result_of(const struct node *node, const struct tally *t)
{
	bool test = node_is_test(node);

	return (struct node_result){.node = node,
		.status = status_of(node, t),
		.message = t->message ? t->message : "",
		.took_s = t->from_us && t->to_us > t->from_us
				  ? (double)(t->to_us - t->from_us) / 1e6
				  : 0,
		.failures = test                      ? (int64_t)t->rows
			    : node->kind == NODE_HOOK ? 1
						      : -1,
		.rows = test ? 0 : t->rows,
		.made = t->good && !test};
}

/* Of hooks those that failed, as in dbt. */
void run_results(const struct active *a, struct node_results *out)
{
	for (size_t i = 0; i < a->n_jobs; i++) {
		const struct job *job = &a->jobs[i];
		struct tally tally = {0};
		if (!job_is_hook(job) || job->step.status != RUN_FAILED)
			continue;
		count_step(&tally, &job->step);
		vec_push(out, result_of(job->node, &tally));
	}
	vec_each (&a->groups, group) {
		struct tally tally = {0};
		vec_each (&group->jobs, it)
			count_step(&tally, &a->jobs[*it].step);
		vec_push(out, result_of(group->node, &tally));
	}
}

/* --- one of them --- */

/* Somebody else may have made it, and we need no right to. */
static bool make_database(struct work *w, const char *database, struct error *err)
{
	struct relations there = {0};
	struct buf sql;
	bool ok = w->engine->ops->relations(w->engine, database, w->arena, &there, err);

	if (ok && !there.len) {
		buf_init(&sql, BUF_MAX);
		w->engine->ops->dialect->create_database(&sql, database);
		ok = work_run(w, buf_text(&sql), err);
		buf_release(&sql);
	}
	return ok;
}

bool make_databases(struct work *w, const struct active *a, struct error *err)
{
	struct map made = {0};
	bool ok = true;

	for (size_t i = 0; ok && i < a->groups.len; i++) {
		const struct asset *asset = graph_find(a->graph, a->groups.items[i].node->id);
		const char *database = asset && asset->table ? asset->database : NULL;
		if (database && !map_put(&made, database, strlen(database), (void *)database))
			ok = make_database(w, database, err);
	}
	map_release(&made);
	return ok;
}

bool run_hook(
	struct work *w, const char *command, const struct node_results *results, struct error *err)
{
	struct compile_options options = work_options(w, command);

	options.results = results;
	if (!work_compile(w, w->node, &options, err))
		return false;
	if (*sql_skip_space(w->select))
		return work_run(w, w->select, err);
	w->message = "nothing to run";
	return true;
}
