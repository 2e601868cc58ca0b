/* `tailrace runs [ID]`: what was built, by whom, how it went; and ending what runs. */
#include <stdlib.h>
#include "cli/builder.h"
#include "cli/cli.h"

#define SHOWN_RUNS 20

enum { FLAG_JSON, FLAG_SQL, FLAG_LOG, FLAG_CANCEL, FLAG_LIMIT };
static const struct flag flags[] = {
	{"json", NULL, "print a JSON document; of one run with its steps and attempts"},
	{"sql", NULL, "of one run: every statement of each attempt"},
	{"log", NULL, "of one run: the log of each attempt"},
	{"cancel", NULL, "end that run; what it has built stays"},
	{"limit", "N", "how many runs are listed; 20 without it, 0: all"},
	{0},
};

static int list(struct ends *e, const struct call *call, struct arena *arena)
{
	struct error err = {0};
	struct runs runs;
	struct buf json;
	int64_t limit = SHOWN_RUNS;

	if (!flag_count(call, FLAG_LIMIT, INT32_MAX, &limit))
		return WRONG_USE;
	if (!state_runs(e->state, 0, limit, arena, &runs, &err))
		return failed(&err);
	if (call->flags[FLAG_JSON]) {
		buf_init(&json, BUF_MAX);
		buf_puts(&json, "{\"runs\":[");
		vec_each (&runs, it)
			run_json(it, NULL, NULL, &json);
		buf_puts(&json, "]}");
		puts(buf_text(&json));
		buf_release(&json);
	} else if (runs.len) {
		print_runs(&runs);
	} else {
		puts("nothing was built yet; `tailrace build` does");
	}
	vec_release(&runs);
	return DONE;
}

static int cancel(struct ends *e, const struct run *run)
{
	struct error err = {0};
	bool found;

	if (!state_run_cancel(e->state, run->id, &found, &err))
		return failed(&err);
	if (!found)
		printf("run %lld has ended already: %s\n", (long long)run->id,
			run_status_name(run->status));
	else if (run->status == RUN_RUNNING)
		printf("run %lld ends\n", (long long)run->id);
	else
		printf("run %lld is cancelled\n", (long long)run->id);
	return DONE;
}

static int show(struct ends *e, const struct call *call, const struct run *run, struct arena *arena)
{
	bool json = call->flags[FLAG_JSON], sql = call->flags[FLAG_SQL],
	     log = call->flags[FLAG_LOG];
	struct attempts attempts = {0};
	struct error err = {0};
	struct steps steps = {0};
	struct buf out;

	if (!state_steps(e->state, run->id, arena, &steps, &err) ||
		!state_attempts(e->state, run->id, -1, arena, &attempts, &err)) {
		vec_release(&steps);
		return failed(&err);
	}
	if (json) {
		buf_init(&out, BUF_MAX);
		run_json(run, &steps, &attempts, &out);
		puts(buf_text(&out));
		buf_release(&out);
	} else {
		print_run(run, &steps);
		if (sql || log)
			print_attempts(&steps, &attempts, sql, log);
	}
	vec_release(&steps);
	vec_release(&attempts);
	return DONE;
}

static int one(struct ends *e, const struct call *call, struct arena *arena)
{
	struct error err = {0};
	struct run run;
	bool found;
	char *end;
	long long id = strtoll(call->args[0], &end, 10);

	if (*end || id < 1)
		return wrong_use(
			"'%s' is no run's number; `tailrace runs` lists them", call->args[0]);
	if (!state_run_get(e->state, id, arena, &run, &found, &err))
		return failed(&err);
	if (!found)
		return wrong_use("there is no run %lld; `tailrace runs` lists them", id);
	return call->flags[FLAG_CANCEL] ? cancel(e, &run) : show(e, call, &run, arena);
}

static int runs(const struct call *call)
{
	struct error err = {0};
	struct ends ends;
	struct arena arena;
	int code;

	for (int i = FLAG_SQL; i <= FLAG_CANCEL && !call->n_args; i++)
		if (call->flags[i])
			return wrong_use("--%s wants the number of a run", flags[i].name);
	if (!ends_open(&ends, call->config_path, &err))
		return failed(&err);
	arena_init(&arena);
	code = call->n_args ? one(&ends, call, &arena) : list(&ends, call, &arena);
	arena_release(&arena);
	ends_close(&ends);
	return code;
}

const struct command runs_command = {
	.name = "runs",
	.args = "[ID]",
	.max_args = 1,
	.summary = "what was built, and how it went",
	.help = "Lists runs of models, the newest first; of one run its steps, with --sql and\n"
		"--log also what each attempt did. A run that waits or runs is ended by\n"
		"--cancel, also in ClickHouse. How much is remembered: models.keep_runs and\n"
		"models.keep_runs_for.\n",
	.flags = flags,
	.run = runs,
};
