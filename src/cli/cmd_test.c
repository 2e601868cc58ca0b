/* `tailrace test [SELECTOR...]`: tests of data, of what is built already. */
#include "cli/cli.h"
#include "cli/planned.h"
#include "cli/stop.h"

enum { FLAG_EXCLUDE, FLAG_VARS, FLAG_THREADS, FLAG_JSON };
static const struct flag flags[] = {
	{"exclude", "SELECTOR", "leave out what this selects"},
	{"vars", "MAP", "variables that go before those of dbt_project.yml, '{name: value}'"},
	{"threads", "N", "run at most N at once; models.threads without it"},
	{"json", NULL, "print a JSON document in the end, instead of progress"},
	{0},
};

static void add_checks(struct planned *p)
{
	struct assets checks = {0};

	checks_of(p->graph, &p->selected, &checks);
	vec_each (&checks, it) {
		struct step step = {.number = (int)p->steps.len,
			.asset = (*it)->id,
			.partition = "",
			.why = "asked for"};
		vec_push(&p->steps, step);
	}
	vec_release(&checks);
}

static int test_planned(struct builder *b, const struct call *call, struct planned *p)
{
	struct error err = {0};

	if (!builder_hold(b, &err) || !planned_select(p, b->ends.state, call->args, call->n_args,
					      call->flags[FLAG_EXCLUDE], &err))
		return failed(&err);
	add_checks(p);
	struct run run = {.kind = "test",
		.selector = p->selector,
		.reason = "by hand",
		.vars = call->flags[FLAG_VARS],
		.jobs = b->threads};
	return builder_run(b, &run, p->steps.items, p->steps.len);
}

static int test(const struct call *call)
{
	struct builder b;
	struct planned p;
	struct error err = {0};
	int64_t threads = 0;

	stop_on_signals();
	if (!flag_count(call, FLAG_THREADS, 64, &threads))
		return WRONG_USE;
	if (!builder_open(&b, call->config_path, &err))
		return failed(&err);
	b.threads = threads;
	b.quiet = call->flags[FLAG_JSON];
	int code = planned_open(&p, &b.ends.config, call->flags[FLAG_VARS], &err)
			   ? test_planned(&b, call, &p)
			   : failed(&err);
	planned_close(&p);
	builder_close(&b);
	return code;
}

const struct command test_command = {
	.name = "test",
	.args = "[SELECTOR...]",
	.max_args = -1,
	.summary = "run the tests of data of the models",
	.help = "Runs the tests that are selected, or that look at what is selected, or all, on\n"
		"what is built. Severity, warn_if, error_if, limit, where and store_failures are\n"
		"dbt's. Ends with 1 if a test of severity `error` finds rows.\n",
	.flags = flags,
	.run = test,
};
