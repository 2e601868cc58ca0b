/* `tailrace build`: models, seeds, snapshots and their tests, parents before children. */
#include <stdlib.h>
#include <string.h>
#include "cli/builder.h"
#include "cli/cli.h"
#include "cli/stop.h"
#include "models/project.h"

static int build(const struct call *call)
{
	struct builder b;
	struct error err = {0};
	struct arena arena;
	VEC(struct step) steps = {0};

	stop_on_signals();
	arena_init(&arena);
	if (!builder_open(&b, call->config_path, &err) || !builder_hold(&b, &err))
		return failed(&err);
	struct project *p = models_project(&b.ends.config, NULL, &arena, &err);
	if (!p)
		return failed(&err);
	const struct nodes *nodes = project_nodes(p);
	vec_each (nodes, it) {
		if ((*it)->materialization == MATERIALIZED_EPHEMERAL && (*it)->kind == NODE_MODEL)
			continue;
		struct step s = {.asset = (*it)->id,
			.from_us = INT64_MIN,
			.to_us = INT64_MAX,
			.why = "asked for"};
		vec_push(&steps, s);
	}
	struct run run = {.kind = "build", .reason = "by hand", .selector = ""};
	int code = builder_run(&b, &run, steps.items, steps.len);
	vec_release(&steps);
	project_free(p);
	arena_release(&arena);
	builder_close(&b);
	return code;
}

const struct command build_command = {
	.name = "build",
	.args = "",
	.summary = "build the models of the project, and test them",
	.help = "Builds every model, seed and snapshot of the project, parents before children, "
		"and\n"
		"runs the tests of each behind it. What stands on a failure is skipped. Where\n"
		"`tailrace run` runs, that builds, and its progress is shown; Ctrl-C cancels.\n"
		"Ends with 1 if anything failed.\n",
	.run = build,
};
