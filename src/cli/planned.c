/* See planned.h. */
#include "cli/planned.h"

#include "assets/select.h"
#include "base/clock.h"
#include "models/project.h"

bool planned_open(
	struct planned *p, const struct config *config, const char *vars, struct error *err)
{
	*p = (struct planned){.selector = ""};
	arena_init(&p->arena);
	plan_init(&p->plan);
	p->project = models_project(config, vars, &p->arena, err);
	if (p->project)
		p->graph = graph_new(p->project, NULL, 0);
	return p->project;
}

static void put_word(struct buf *out, const char *word)
{
	buf_printf(out, "%s%s", out->len ? " " : "", word);
}

bool planned_select(struct planned *p, struct state *state, char *const *words, int n_words,
	const char *exclude, struct error *err)
{
	struct buf text;

	buf_init(&text, BUF_MAX);
	for (int i = 0; i < n_words; i++)
		put_word(&text, words[i]);
	if (exclude) {
		put_word(&text, "--exclude");
		put_word(&text, exclude);
	}
	p->selector = arena_strdup(&p->arena, buf_text(&text));
	buf_release(&text);
	p->survey = survey_new(p->graph, state);
	const struct selector selector = {.select = (const char *const *)words,
		.n_select = (size_t)n_words,
		.exclude = exclude};
	return assets_select(p->graph, state, &selector, &p->selected, err);
}

static void add_step(struct planned *p, const struct asset *asset, const char *why)
{
	struct step step = {
		.number = (int)p->steps.len, .asset = asset->id, .partition = "", .why = why};

	vec_push(&p->steps, step);
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
			if (part->waits && part->span.from_us == TIME_MIN && !*part->partition)
				add_step(p, a->asset,
					arena_printf(&p->arena, "waits for %s", part->waits->name));
	}
}

bool planned_make(
	struct planned *p, struct builder *b, struct plan_options *options, struct error *err)
{
	const char *url;

	if (!ends_warehouse(&b->ends, err))
		return false;
	url = *b->ends.warehouse_url ? b->ends.warehouse_url : NULL;
	p->engine = models_engine(&b->ends.config, url, &p->arena, err);
	if (!p->engine)
		return false;
	options->selected = *p->selector ? &p->selected : NULL;
	options->now_us = wall_us();
	options->engine = p->engine;
	if (!plan_make(p->survey, options, &p->plan, err))
		return false;
	plan_steps(&p->plan, p->graph, &p->arena, &p->steps);
	add_hopeless(p);
	return true;
}

void planned_close(struct planned *p)
{
	plan_release(&p->plan);
	vec_release(&p->steps);
	vec_release(&p->selected);
	survey_free(p->survey);
	graph_free(p->graph);
	project_free(p->project);
	engine_free(p->engine);
	arena_release(&p->arena);
}
