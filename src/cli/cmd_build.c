/* `tailrace build [SELECTOR...]`: what is missing, dirty or changed of the project is built, and tested. */
#include "cli/cli.h"
#include "cli/planned.h"
#include "cli/stop.h"

enum {
	FLAG_EXCLUDE,
	FLAG_SELECTOR,
	FLAG_FULL,
	FLAG_ALL,
	FLAG_VARS,
	FLAG_THREADS,
	FLAG_DRY,
	FLAG_JSON
};
static const struct flag flags[] = {
	{"exclude", "SELECTOR", "leave out what this selects"},
	{"selector", "NAME", "build what this selector of selectors.yml selects"},
	{"full-refresh", NULL, "build everything of what is selected, from nothing"},
	{"all", NULL, "build also what is up to date"},
	{"vars", "MAP", "variables that go before those of dbt_project.yml, '{name: value}'"},
	{"threads", "N", "build at most N at once; models.threads without it"},
	{"dry-run", NULL, "print what would be built, and why, and end"},
	{"json", NULL, "print a JSON document in the end, instead of progress"},
	SELECT_FLAG,
	{0},
};

static int print_plan(const struct plan *plan, bool json)
{
	struct buf out;

	buf_init(&out, BUF_MAX);
	if (json) {
		plan_json(plan, &out);
		buf_puts(&out, "\n");
	} else {
		plan_text(plan, &out);
	}
	fwrite(out.data, 1, out.len, stdout);
	buf_release(&out);
	return DONE;
}

static int build_planned(struct builder *b, const struct call *call, struct planned *p)
{
	struct plan_options options = {.range = SPAN_ALL,
		.full_refresh = call->flags[FLAG_FULL],
		.all = call->flags[FLAG_ALL]};
	struct error err = {0};

	if (!planned_make(p, b, &options, &err))
		return failed(&err);
	if (call->flags[FLAG_DRY])
		return print_plan(&p->plan, call->flags[FLAG_JSON]);
	struct run run = {.kind = "build",
		.selector = p->outlook.selector,
		.reason = "by hand",
		.vars = call->flags[FLAG_VARS],
		.full_refresh = options.full_refresh,
		.jobs = b->threads};
	return planned_run(p, b, &run, ": all of it is up to date");
}

static int build(const struct call *call)
{
	struct builder b;
	struct planned p = {0};
	const struct choice choice = {
		call->args, call->n_args, call->flags[FLAG_EXCLUDE], call->flags[FLAG_SELECTOR]};
	struct error err = {0};
	int64_t threads = 0;

	stop_on_signals();
	if (!flag_count(call, FLAG_THREADS, 64, &threads))
		return WRONG_USE;
	bool ok = builder_open(&b, call->config_path, threads, call->flags[FLAG_JSON], &err) &&
		  (call->flags[FLAG_DRY] || builder_hold(&b, &err)) &&
		  planned_open(&p, &b, &choice, call->flags[FLAG_VARS], &err);
	int code = ok ? build_planned(&b, call, &p) : failed(&err);
	planned_close(&p);
	builder_close(&b);
	return code;
}

const struct command build_command = {
	.name = "build",
	.args = "[SELECTOR...]",
	.max_args = -1,
	.summary = "build what is missing, dirty or changed of the models, and test it",
	.help = "Builds models, seeds and snapshots, parents before children, and runs the tests\n"
		"of each behind it: those whose partitions are missing, whose parents changed, or\n"
		"whose definition did; --all and --full-refresh take the others too. A selector\n"
		"is dbt's: `orders`, `+orders`, `tag:daily`, `path:models/marts`. What stands on "
		"a\n"
		"failure is skipped. Where `tailrace run` runs, that builds, and its progress is\n"
		"shown. Ctrl-C cancels; what is built stays. Ends with 1 if anything failed.\n",
	.flags = flags,
	.run = build,
};
