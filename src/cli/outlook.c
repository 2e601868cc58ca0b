/* See outlook.h. */
#include "cli/outlook.h"

#include "build/executor.h"

VEC_TYPE(mirrored_tables, struct mirrored_table);

static bool list_tables(const struct ends *ends, struct arena *arena, struct mirrored_tables *out,
	struct error *err)
{
	for (size_t i = 0; i < ends->config.n_streams; i++) {
		const struct stream_config *stream = &ends->config.streams[i];
		struct table_states tables = {0};
		if (!state_tables(ends->state, stream->name, &tables, err))
			return false;
		vec_each (&tables, t) {
			struct mirrored_table m = {stream->name, stream->selection.target_database,
				arena_strdup(arena, t->target)};
			if (t->status != TABLE_DROPPED && t->status != TABLE_EXCLUDED)
				vec_push(out, m);
		}
		table_states_release(&tables);
	}
	return true;
}

bool outlook_open(struct outlook *o, const struct ends *ends, const char *vars, struct error *err)
{
	struct mirrored_tables tables = {0};

	*o = (struct outlook){0};
	arena_init(&o->arena);
	if (!models_wanted(&ends->config))
		return error_set(err, ERROR_CONFIG,
			"%s: there is no project of models in '%s', neither dbt_project.yml nor a "
			"folder models; `models: {project: FOLDER}` says where it is",
			ends->config.path, ends->config.models.project);
	o->project = models_project(&ends->config, vars, false, &o->arena, err);
	if (!o->project)
		return false;
	bool ok = list_tables(ends, &o->arena, &tables, err);
	if (ok) {
		o->graph = graph_new(o->project, tables.items, tables.len);
		o->survey = survey_new(o->graph, ends->state);
	}
	vec_release(&tables);
	return ok;
}

static const char *spelled(struct arena *arena, const struct selector *selector)
{
	struct buf text;

	buf_init(&text, BUF_MAX);
	if (selector->name)
		buf_printf(&text, "--selector %s", selector->name);
	for (size_t i = 0; i < selector->n_select; i++)
		buf_printf(&text, "%s%s", i ? " " : "", selector->select[i]);
	if (selector->exclude)
		buf_printf(&text, "%s--exclude %s", text.len ? " " : "", selector->exclude);
	const char *whole = arena_strdup(arena, buf_text(&text));
	buf_release(&text);
	return whole;
}

bool outlook_select(
	struct outlook *o, const struct ends *ends, const struct choice *choice, struct error *err)
{
	struct selector selector = {.select = (const char *const *)choice->words,
		.n_select = (size_t)choice->n,
		.exclude = choice->exclude,
		.name = choice->name};
	bool some = choice->n || choice->exclude, asked = some || choice->name;

	if (some && choice->name)
		return error_set(err, ERROR_CONFIG,
			"--selector %s selects by itself: leave out the other selectors and "
			"--exclude",
			choice->name);
	if (!asked && !selector_default(o->project, &o->arena, &selector.name, err))
		return false;
	o->limited = some || selector.name;
	o->selector = spelled(&o->arena, &selector);
	return assets_select(o->graph, ends->state, &selector, &o->selected, err) &&
	       (!asked || assets_named(o->graph, ends->state, &selector, &o->named, err));
}

bool outlook_engine(struct outlook *o, struct ends *ends, struct error *err)
{
	struct known_assets known;

	if (!state_assets(ends->state, &o->arena, &known, err))
		return false;
	bool some = known.len;
	vec_release(&known);
	return !some || outlook_reach(o, ends, true, err);
}

bool outlook_reach(struct outlook *o, struct ends *ends, bool start, struct error *err)
{
	if (o->engine || (!start && !ends_warehouse_runs(ends)))
		return true;
	if (!ends_warehouse(ends, err))
		return false;
	o->engine = models_engine(
		&ends->config, *ends->warehouse_url ? ends->warehouse_url : NULL, &o->arena, err);
	return o->engine;
}

void outlook_close(struct outlook *o)
{
	engine_free(o->engine);
	vec_release(&o->selected);
	vec_release(&o->named);
	survey_free(o->survey);
	graph_free(o->graph);
	project_free(o->project);
	arena_release(&o->arena);
}
