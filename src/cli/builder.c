/* See builder.h. A run is followed by looking at its steps in the state store, wherever they are done. */
#include "cli/builder.h"

#include <string.h>
#include <unistd.h>
#include "assets/plan.h"
#include "base/clock.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/stop.h"

#define LOOK_US 20000

bool builder_open(
	struct builder *b, const char *config_path, int64_t threads, bool quiet, struct error *err)
{
	*b = (struct builder){.threads = threads, .quiet = quiet};
	return ends_open(&b->ends, config_path, err);
}

void builder_close(struct builder *b)
{
	executor_stop(b->executor);
	if (b->ends.locked && b->ends.state)
		(void)!state_fact_put(b->ends.state, "warehouse_url", NULL, NULL);
	ends_close(&b->ends);
}

/* --- who builds --- */

static bool lock(struct builder *b, struct error *err)
{
	if (!b->ends.locked && !state_lock_briefly(b->ends.state, err))
		return false;
	b->ends.locked = true;
	return true;
}

static bool start_executor(struct builder *b, struct error *err)
{
	if (!lock(b, err))
		return false;
	/* What the plan was made with may have been the ClickHouse of a process that died since. */
	if (!b->ends.own)
		*b->ends.warehouse_url = '\0';
	if (!ends_warehouse(&b->ends, err))
		return false;
	const char *url = *b->ends.warehouse_url ? b->ends.warehouse_url : NULL;
	if (!state_fact_put(b->ends.state, "warehouse_url", url, err))
		return false;
	struct executor_options options = {.config = &b->ends.config,
		.state = b->ends.state,
		.warehouse_url = url,
		.threads = b->threads};
	b->executor = executor_start(&options, err);
	return b->executor;
}

/* Another process may be quicker: then it builds. */
static bool become_executor(struct builder *b, struct error *err)
{
	struct error mine = {0};

	if (b->executor || state_runner(b->ends.state))
		return true;
	if (start_executor(b, &mine))
		return true;
	if (!b->ends.locked && state_runner(b->ends.state))
		return true;
	*err = mine;
	return false;
}

/* --- following --- */

struct follower {
	struct builder *b;
	int64_t id;
	bool *told; /* by number of step */
	size_t n_told;
	bool cancelling;
	int64_t version; /* of the state store, at the last look */
};

static int by_end(const void *a, const void *b)
{
	const struct step *x = *(const struct step *const *)a, *y = *(const struct step *const *)b;
	if (x->ended_us != y->ended_us)
		return x->ended_us < y->ended_us ? -1 : 1;
	return x->number - y->number;
}

/* Those that have ended since the last look, in the order in which they did. */
static void tell_steps(struct follower *f, const struct steps *steps)
{
	VEC(const struct step *) ended = {0};

	if (!f->told)
		f->told = xcalloc(steps->len + 1, sizeof *f->told);
	vec_each (steps, it)
		if (run_status_ended(it->status) && !f->told[it->number])
			vec_push(&ended, it);
	if (ended.len)
		qsort(ended.items, ended.len, sizeof *ended.items, by_end);
	vec_each (&ended, it) {
		f->told[(*it)->number] = true;
		print_step(*it, (int64_t)++f->n_told, (int64_t)steps->len);
	}
	vec_release(&ended);
	fflush(stdout);
}

/* One look, unless nothing was written since the last one; *ended once the run has. */
static bool look(
	struct follower *f, struct run *run, struct arena *arena, bool *ended, struct error *err)
{
	struct state *state = f->b->ends.state;
	int64_t seen = f->version;
	struct steps steps;
	bool found;

	if (!state_version(state, &f->version, err))
		return false;
	if (f->version == seen)
		return true;
	if (!state_run_get(state, f->id, arena, run, &found, err))
		return false;
	if (!found)
		return error_set(err, ERROR_BROKEN, "run %lld is forgotten", (long long)f->id);
	*ended = run_status_ended(run->status);
	if (f->b->quiet)
		return true;
	if (!state_steps(state, f->id, arena, &steps, err))
		return false;
	tell_steps(f, &steps);
	if (*ended)
		print_outcome(run, &steps);
	vec_release(&steps);
	return true;
}

static bool pass_on_stop(struct follower *f, struct error *err)
{
	bool found;

	if (f->cancelling || !atomic_load(&stop_asked))
		return true;
	f->cancelling = true;
	if (!state_run_cancel(f->b->ends.state, f->id, &found, err))
		return false;
	if (f->b->executor)
		executor_poke(f->b->executor);
	return true;
}

/* Until it has ended. A look at many steps takes its time, and is taken more seldom. */
static bool follow(struct builder *b, int64_t id, enum run_status *status, struct error *err)
{
	struct follower f = {.b = b, .id = id, .version = -1};
	struct arena arena;
	struct run run = {.status = RUN_QUEUED};
	bool ended = false, ok = true;

	arena_init(&arena);
	while (ok && !ended) {
		int64_t began_us = mono_us();
		ok = pass_on_stop(&f, err) && become_executor(b, err) &&
		     look(&f, &run, &arena, &ended, err);
		if (ok)
			*status = run.status;
		arena_reset(&arena);
		int64_t took_us = mono_us() - began_us;
		if (ok && !ended)
			usleep((useconds_t)(took_us > LOOK_US ? took_us * 5 : LOOK_US));
	}
	free(f.told);
	arena_release(&arena);
	return ok;
}

bool builder_hold(struct builder *b, struct error *err)
{
	struct arena arena;
	struct runs runs;

	if (!become_executor(b, err))
		return false;
	if (!b->executor)
		return true;
	arena_init(&arena);
	bool ok = state_runs_open(b->ends.state, &arena, &runs, err);
	for (size_t i = 0; ok && i < runs.len && !atomic_load(&stop_asked); i++) {
		enum run_status status;
		if (!b->quiet)
			printf("Run %lld was interrupted, and goes on\n",
				(long long)runs.items[i].id);
		ok = follow(b, runs.items[i].id, &status, err);
	}
	if (ok)
		vec_release(&runs);
	arena_release(&arena);
	return ok;
}

static bool show_json(struct builder *b, int64_t id, struct error *err)
{
	struct arena arena;
	struct run run;
	struct steps steps;
	struct buf out;
	bool found;

	arena_init(&arena);
	buf_init(&out, BUF_MAX);
	bool ok = state_run_get(b->ends.state, id, &arena, &run, &found, err) &&
		  state_steps(b->ends.state, id, &arena, &steps, err);
	if (ok) {
		run_json(&run, &steps, NULL, &out);
		puts(buf_text(&out));
		vec_release(&steps);
	}
	buf_release(&out);
	arena_release(&arena);
	return ok;
}

int builder_run(struct builder *b, const struct project *project, struct run *run,
	const struct steps *steps)
{
	enum run_status status = RUN_FAILED;
	struct error err = {0};

	if (!run_queue(b->ends.state, project, run, steps, &err))
		return failed(&err);
	if (!b->quiet)
		printf("Run %lld: %lld step%s%s\n", (long long)run->id, (long long)run->n_steps,
			plural(run->n_steps), b->executor ? "" : ", by the process that runs");
	if (b->executor)
		executor_poke(b->executor);
	if (!follow(b, run->id, &status, &err))
		return failed(&err);
	if (b->quiet && !show_json(b, run->id, &err))
		return failed(&err);
	return status == RUN_SUCCEEDED || status == RUN_WARNED ? DONE : FAILED;
}
