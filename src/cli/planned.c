/* See planned.h. */
#include "cli/planned.h"

#include <stdio.h>
#include "base/clock.h"
#include "cli/cli.h"

bool planned_open(struct planned *p, struct builder *b, const struct choice *choice,
	const char *vars, struct error *err)
{
	*p = (struct planned){0};
	plan_init(&p->plan);
	return outlook_open(&p->outlook, &b->ends, vars, err) &&
	       outlook_select(&p->outlook, &b->ends, choice, err);
}

static void add_step(struct planned *p, const struct asset *asset, const char *why)
{
	struct step step = {.number = (int)p->steps.len,
		.asset = asset->id,
		.partition = "",
		.from_us = TIME_MIN,
		.to_us = TIME_MAX,
		.why = why};

	vec_push(&p->steps, step);
}

/* It is a step, so that it is skipped before all eyes; of partitions there may be a hundred thousand. */
static bool waits_as_step(const struct plan_part *part)
{
	return part->waits && part->span.from_us == TIME_MIN && !*part->partition;
}

/* What cannot be built is part of the run all the same, to fail or to be skipped before all eyes. */
static void add_hopeless(struct planned *p)
{
	vec_each (&p->plan.assets, a) {
		if (a->problem) {
			add_step(p, a->asset, "it cannot be built");
			continue;
		}
		vec_each (&a->parts, part)
			if (waits_as_step(part))
				add_step(p, a->asset,
					arena_printf(&p->outlook.arena, "waits for %s",
						part->waits->name));
	}
}

bool planned_make(
	struct planned *p, struct builder *b, struct plan_options *options, struct error *err)
{
	if (!outlook_engine(&p->outlook, &b->ends, err))
		return false;
	options->selected = p->outlook.limited ? &p->outlook.selected : NULL;
	options->some_checks = p->outlook.limited;
	options->named = &p->outlook.named;
	options->now_us = wall_us();
	options->engine = p->outlook.engine;
	if (!plan_make(p->outlook.survey, options, &p->plan, err))
		return false;
	plan_steps(&p->plan, p->outlook.graph, &p->outlook.arena, &p->steps);
	add_hopeless(p);
	return true;
}

void planned_checks(struct planned *p)
{
	vec_each (&p->outlook.selected, it)
		if ((*it)->kind == ASSET_CHECK)
			add_step(p, *it, "asked for");
}

static bool say_waits(const struct planned *p)
{
	char text[SPAN_TEXT_SIZE];
	bool some = false;

	vec_each (&p->plan.assets, a)
		vec_each (&a->parts, part) {
			if (!part->waits || waits_as_step(part))
				continue;
			printf("%s %s waits for %s, which is not there\n", a->asset->name,
				*part->partition
					? part->partition
					: span_print(&a->asset->partitioning, part->span, text),
				part->waits->name);
			some = true;
		}
	return some;
}

int planned_run(struct planned *p, struct builder *b, struct run *run, const char *nothing)
{
	bool waits = !b->quiet && say_waits(p);

	if (p->steps.len || b->quiet)
		return builder_run(b, p->outlook.project, run, &p->steps);
	printf("Nothing to do%s\n", waits ? " but what waits" : nothing);
	return DONE;
}

void planned_close(struct planned *p)
{
	plan_release(&p->plan);
	vec_release(&p->steps);
	outlook_close(&p->outlook);
}
