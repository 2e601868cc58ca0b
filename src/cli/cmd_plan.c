/* `tailrace plan`: what a build would do, and why. */
#include "base/clock.h"
#include "cli/cli.h"
#include "cli/outlook.h"
#include "core/period.h"

enum { FLAG_JSON, FLAG_EXCLUDE, FLAG_SELECTOR, FLAG_VARS, FLAG_FULL, FLAG_OFFLINE };
static const struct flag flags[] = {
	{"json", NULL, "print a JSON document"},
	{"exclude", "SELECTOR", "what is left out"},
	{"selector", "NAME", "a selector of selectors.yml"},
	{"vars", "MAP", "variables that go before those of dbt_project.yml, '{name: value}'"},
	{"full-refresh", NULL, "as if nothing was built yet"},
	{"offline", NULL, "do not ask the warehouse which tables are there"},
	SELECT_FLAG,
	{0},
};

static bool make(const struct call *call, struct ends *ends, struct outlook *o, struct plan *plan,
	struct error *err)
{
	const struct choice choice = {
		call->args, call->n_args, call->flags[FLAG_EXCLUDE], call->flags[FLAG_SELECTOR]};

	if (!ends_open(ends, call->config_path, err) ||
		!outlook_open(o, ends, call->flags[FLAG_VARS], err) ||
		!outlook_select(o, ends, &choice, err) ||
		(!call->flags[FLAG_OFFLINE] && !outlook_engine(o, ends, err)))
		return false;
	const struct plan_options options = {.selected = o->limited ? &o->selected : NULL,
		.named = &o->named,
		.now_us = wall_us(),
		.range = SPAN_ALL,
		.full_refresh = call->flags[FLAG_FULL],
		.engine = o->engine};
	return plan_make(o->survey, &options, plan, err);
}

static int show(const struct call *call)
{
	struct ends ends = {0};
	struct outlook o = {0};
	struct plan plan;
	struct error err = {0};
	struct buf out;

	plan_init(&plan);
	buf_init(&out, BUF_MAX);
	bool ok = make(call, &ends, &o, &plan, &err);
	if (ok && call->flags[FLAG_JSON]) {
		plan_json(&plan, &out);
		puts(buf_text(&out));
	} else if (ok) {
		plan_text(&plan, &out);
		fwrite(out.data, 1, out.len, stdout);
	}
	buf_release(&out);
	plan_release(&plan);
	outlook_close(&o);
	ends_close(&ends);
	return ok ? DONE : failed(&err);
}

const struct command plan_command = {
	.name = "plan",
	.args = "[SELECTOR...]",
	.max_args = -1,
	.summary = "what a build would do, and why, before anything runs",
	.help = "Of the selected models, seeds and snapshots, or of all: which would be built, "
		"which\n"
		"partitions of them, and for what reason: never built, its definition changed,\n"
		"missing partitions, partitions that are dirty because rows of a parent changed,\n"
		"what is built because a parent will be, tables that are gone from the\n"
		"warehouse. Nothing is changed.\n"
		"\n"
		"Selectors are those of dbt: names, folders, globs, tag:NAME, path:FOLDER,\n"
		"source:NAME, config.materialized:view, resource_type:seed, package:NAME,\n"
		"state:new, state:modified; +NAME and NAME+ for parents and children, 2+NAME for\n"
		"so many steps, @NAME; several unite, a comma intersects.\n",
	.flags = flags,
	.run = show,
};
