/* `tailrace backfill SELECTOR --from --to`: many partitions, several at once. */
#include "cli/cli.h"
#include "cli/planned.h"
#include "cli/stop.h"
#include "core/period.h"

enum { FLAG_FROM, FLAG_TO, FLAG_MISSING, FLAG_JOBS, FLAG_SELECTOR, FLAG_VARS, FLAG_JSON };
static const struct flag flags[] = {
	{"from", "KEY", "the first partition: 2026-11-02, 2026-11-02T05, 2026-11, 2026"},
	{"to", "KEY", "the last one, which is built, too"},
	{"missing", NULL, "those alone that were never built"},
	{"jobs", "N", "build at most N at once; models.threads without it"},
	{"selector", "NAME", "build what this selector of selectors.yml selects"},
	{"vars", "MAP", "variables that go before those of dbt_project.yml, '{name: value}'"},
	{"json", NULL, "print a JSON document in the end, instead of progress"},
	SELECT_FLAG,
	{0},
};

/* A key stands for its whole period: from its start, to its end. */
static int read_range(const struct call *call, struct span *out)
{
	const char *from = call->flags[FLAG_FROM], *to = call->flags[FLAG_TO];
	enum period precision;

	*out = SPAN_ALL;
	if (!from || !to)
		return wrong_use(
			"backfill wants --from and --to, the first and the last partition");
	if (!time_parse(from, &out->from_us, &precision))
		return wrong_use("--from takes a time as 2026-11-02 or 2026-11, not '%s'", from);
	if (!time_parse(to, &out->to_us, &precision))
		return wrong_use("--to takes a time as 2026-11-02 or 2026-11, not '%s'", to);
	if (precision != PERIOD_NONE)
		out->to_us = period_add(precision, out->to_us, 1);
	if (span_is_empty(*out))
		return wrong_use("--to %s is before --from %s", to, from);
	return DONE;
}

static int backfill_planned(
	struct builder *b, const struct call *call, struct planned *p, struct span range)
{
	struct plan_options options = {.range = range,
		.all = !call->flags[FLAG_MISSING],
		.missing = call->flags[FLAG_MISSING]};
	struct error err = {0};

	if (!planned_make(p, b, &options, &err))
		return failed(&err);
	struct run run = {.kind = "backfill",
		.selector = arena_printf(&p->outlook.arena, "%s --from %s --to %s%s",
			p->outlook.selector, call->flags[FLAG_FROM], call->flags[FLAG_TO],
			options.missing ? " --missing" : ""),
		.reason = "by hand",
		.vars = call->flags[FLAG_VARS],
		.jobs = b->threads};
	return planned_run(p, b, &run,
		options.missing ? ": nothing is missing there"
				: ": there are no partitions in that time");
}

static int backfill(const struct call *call)
{
	struct builder b;
	struct planned p = {0};
	const struct choice choice = {call->args, call->n_args, NULL, call->flags[FLAG_SELECTOR]};
	struct error err = {0};
	struct span range;
	int64_t jobs = 0;

	stop_on_signals();
	if (!call->n_args && !call->flags[FLAG_SELECTOR])
		return wrong_use("backfill wants to know of what: a selector, or --selector NAME");
	if (!flag_count(call, FLAG_JOBS, 64, &jobs) || read_range(call, &range) != DONE)
		return WRONG_USE;
	bool ok = builder_open(&b, call->config_path, jobs, call->flags[FLAG_JSON], &err) &&
		  builder_hold(&b, &err) &&
		  planned_open(&p, &b, &choice, call->flags[FLAG_VARS], &err);
	int code = ok ? backfill_planned(&b, call, &p, range) : failed(&err);
	planned_close(&p);
	builder_close(&b);
	return code;
}

const struct command backfill_command = {
	.name = "backfill",
	.args = "SELECTOR...",
	.max_args = -1,
	.summary = "build partitions of a range of time, several at once",
	.help = "Builds the partitions from --from to --to, both among them, of what is selected,\n"
		"several at once, or with --missing those that were never built. One that fails\n"
		"keeps no other from being built. What Ctrl-C or a crash leaves undone is done by\n"
		"the same command with --missing; after a crash the next build goes on with it by\n"
		"itself. Times are UTC.\n",
	.flags = flags,
	.run = backfill,
};
