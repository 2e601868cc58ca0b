/* `tailrace test [SELECTOR...]`: tests of data, of what is built already, and unit tests of models. */
#include "cli/cli.h"
#include "cli/planned.h"
#include "cli/stop.h"

enum { FLAG_EXCLUDE, FLAG_SELECTOR, FLAG_VARS, FLAG_THREADS, FLAG_JSON };
static const struct flag flags[] = {
	{"exclude", "SELECTOR", "leave out what this selects"},
	{"selector", "NAME", "run the tests that this selector of selectors.yml selects"},
	{"vars", "MAP", "variables that go before those of dbt_project.yml, '{name: value}'"},
	{"threads", "N", "run at most N at once; models.threads without it"},
	{"json", NULL, "print a JSON document in the end, instead of progress"},
	SELECT_FLAG,
	{0},
};

static int test(const struct call *call)
{
	struct builder b;
	struct planned p = {0};
	const struct choice choice = {
		call->args, call->n_args, call->flags[FLAG_EXCLUDE], call->flags[FLAG_SELECTOR]};
	struct error err = {0};
	int64_t threads = 0;
	int code;

	stop_on_signals();
	if (!flag_count(call, FLAG_THREADS, 64, &threads))
		return WRONG_USE;
	if (builder_open(&b, call->config_path, threads, call->flags[FLAG_JSON], &err) &&
		builder_hold(&b, &err) &&
		planned_open(&p, &b, &choice, call->flags[FLAG_VARS], &err)) {
		struct run run = {.kind = "test",
			.selector = p.outlook.selector,
			.reason = "by hand",
			.vars = call->flags[FLAG_VARS],
			.jobs = threads};
		planned_checks(&p);
		code = planned_run(&p, &b, &run, ": it has no tests");
	} else {
		code = failed(&err);
	}
	planned_close(&p);
	builder_close(&b);
	return code;
}

const struct command test_command = {
	.name = "test",
	.args = "[SELECTOR...]",
	.max_args = -1,
	.summary = "run the tests of data, and the unit tests, of the models",
	.help = "Runs the tests that are selected, or that look at what is selected, or all, on\n"
		"what is built; a unit test builds nothing, and needs the columns of what its\n"
		"model reads alone. Severity, warn_if, error_if, limit, where and store_failures "
		"are\n"
		"dbt's. Ends with 1 if a test of severity `error` finds rows, or a unit test "
		"fails.\n",
	.flags = flags,
	.run = test,
};
