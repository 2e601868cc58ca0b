/* A run out of the queue, as jobs: the project is read as its files are now, and each step finds its node in it. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "build/internal.h"

static bool is_there(const char *folder, const char *name)
{
	CLEANUP(free_string) char *path = xasprintf("%s/%s", folder, name);
	struct stat st;
	return stat(path, &st) == 0;
}

bool models_wanted(const struct config *config)
{
	const char *folder = config->models.project;
	return is_there(folder, "dbt_project.yml") || is_there(folder, "models");
}

struct project *models_project(const struct config *config, const char *vars, bool again,
	struct arena *arena, struct error *err)
{
	struct stream_source *streams = arena_alloc(
		arena, (config->n_streams + 1) * sizeof *streams);

	for (size_t i = 0; i < config->n_streams; i++)
		streams[i] = (struct stream_source){.name = config->streams[i].name,
			.database = config->streams[i].selection.target_database,
			.selection = &config->streams[i].selection};
	struct project_options options = {.folder = config->models.project,
		.database = config->models.database,
		.target = config->models.target,
		.engine = models_engine_ops(config),
		.vars = vars && *vars ? vars : NULL,
		.again = again,
		.streams = streams,
		.n_streams = config->n_streams};
	return project_load(&options, err);
}

static enum job_phase phase_of(const struct step *step)
{
	return run_status_ended(step->status) ? JOB_ENDED : JOB_WAITING;
}

static void make_jobs(struct active *a, const struct steps *steps)
{
	const struct nodes *nodes = project_nodes(a->project);
	struct map by_id = {0};

	vec_each (nodes, it)
		map_put(&by_id, (*it)->id, strlen((*it)->id), *it);
	vec_each (project_hooks(a->project), it)
		map_put(&by_id, (*it)->id, strlen((*it)->id), *it);
	a->n_jobs = steps->len;
	a->jobs = xcalloc(steps->len + 1, sizeof *a->jobs);
	for (size_t i = 0; i < steps->len; i++) {
		struct job *job = &a->jobs[i];
		job->step = steps->items[i];
		job->node = map_get(&by_id, job->step.asset, strlen(job->step.asset));
		job->phase = phase_of(&job->step);
		if (!job->step.from_us && !job->step.to_us) {
			job->step.from_us = TIME_MIN;
			job->step.to_us = TIME_MAX;
		}
		a->n_left += job->phase != JOB_ENDED;
		a->failed |= job->step.status == RUN_FAILED;
		a->warned |= job->step.status == RUN_WARNED;
	}
	map_release(&by_id);
}

struct active *active_load(struct executor *e, const struct run *run, struct error *err)
{
	struct active *a = xcalloc(1, sizeof *a);
	struct steps steps = {0};
	bool found;

	arena_init(&a->arena);
	bool ok = state_run_get(e->state, run->id, &a->arena, &a->run, &found, err) &&
		  state_steps(e->state, run->id, &a->arena, &steps, err);
	a->project = ok ? models_project(e->config, a->run.vars, true, &a->arena, err) : NULL;
	if (a->project) {
		a->graph = graph_new(a->project, NULL, 0);
		a->stamps = stamps_new(a->graph, e->state);
		make_jobs(a, &steps);
		list_checked(a);
		order_jobs(a);
	}
	vec_release(&steps);
	if (a->project)
		return a;
	active_free(a);
	return NULL;
}

void active_free(struct active *a)
{
	if (!a)
		return;
	for (size_t i = 0; i < a->n_jobs; i++)
		vec_release(&a->jobs[i].children);
	vec_each (&a->groups, it) {
		vec_release(&it->jobs);
		vec_release(&it->waiters);
	}
	free(a->jobs);
	vec_release(&a->groups);
	vec_release(&a->checked);
	vec_release(&a->ready);
	stamps_free(a->stamps);
	graph_free(a->graph);
	project_free(a->project);
	arena_release(&a->arena);
	free(a);
}
