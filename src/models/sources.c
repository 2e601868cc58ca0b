/*
 * Tables of sources: what a yml declares, else a table of the stream of that name. A stream takes a table of
 * the target where some name in its source would become that: public.orders is orders, sales.orders
 * sales_orders.
 */
#include <stdlib.h>
#include "models/internal.h"

static bool renamed(const struct selection *selection, const char *table)
{
	for (size_t i = 0; i < selection->n_rules; i++) {
		const char *as = selection->rules[i].options.as;
		if (!selection->rules[i].exclude && as && strcmp(as, table) == 0)
			return true;
	}
	return false;
}

static bool takes(const struct selection *selection, const char *table)
{
	size_t len = strlen(table);

	if (renamed(selection, table) || selection_match(selection, "public", table))
		return true;
	for (size_t i = 1; i + 1 < len; i++) {
		CLEANUP(free_string) char *schema = xstrndup(table, i);
		if (table[i] == '_' && selection_match(selection, schema, table + i + 1))
			return true;
	}
	return false;
}

/* A history is beside its table, as TABLE_log. */
static bool stream_takes(const struct stream_source *stream, const char *table)
{
	size_t len = strlen(table);
	bool log = len > 4 && strcmp(table + len - 4, "_log") == 0;
	CLEANUP(free_string) char *plain = log ? xstrndup(table, len - 4) : NULL;

	return takes(stream->selection, table) || (log && takes(stream->selection, plain));
}

static bool unknown_source(
	const struct project *p, const char *source, const char *table, struct error *err)
{
	VEC(const char *) names = {0};
	const struct source_table *declared = NULL;
	const void *key;
	size_t i = 0, len;
	void *found;

	for (size_t s = 0; s < p->options.n_streams; s++)
		vec_push(&names, p->options.streams[s].name);
	while (map_next(&p->sources, &i, &key, &len, &found)) {
		const struct source_table *other = found;
		if (strcmp(other->source, source) == 0)
			declared = other;
		else
			vec_push(&names, other->source);
	}
	vec_push(&names, NULL);
	const char *near = declared ? NULL : nearest_name(source, names.items);
	error_set(err, ERROR_CONFIG,
		"there is no source '%s' with a table '%s': %s, nor is there a stream of that "
		"name%s%s%s",
		source, table,
		declared ? "the yml that declares the source does not have it"
			 : "neither a yml declares it",
		near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	vec_release(&names);
	return false;
}

const struct stream_source *project_stream(const struct project *p, const char *name)
{
	for (size_t i = 0; i < p->options.n_streams; i++)
		if (strcmp(p->options.streams[i].name, name) == 0)
			return &p->options.streams[i];
	return NULL;
}

bool project_source(const struct project *p, struct arena *arena, const char *source,
	const char *table, struct source_table *out, struct error *err)
{
	const char *key = arena_printf(arena, "%s.%s", source, table);
	const struct source_table *declared = map_get(&p->sources, key, strlen(key));

	if (declared) {
		*out = *declared;
		return true;
	}
	const struct stream_source *stream = project_stream(p, source);
	if (!stream)
		return unknown_source(p, source, table, err);
	if (!stream_takes(stream, table))
		return error_set(err, ERROR_CONFIG,
			"stream '%s' takes no table that would be called '%s'; see its tables: in "
			"tailrace.yaml",
			source, table);
	*out = (struct source_table){.source = source,
		.name = table,
		.database = stream->database,
		.table = table,
		.stream = stream};
	return true;
}

/* --- what a yml says of them --- */

/* {count: 12, period: hour}; 0 where there is none. */
static bool read_limit(const struct value *freshness, const char *key, int64_t *out_us)
{
	static const struct {
		const char *name;
		int64_t minutes;
	} periods[] = {{"minute", 1}, {"hour", 60}, {"day", 1440}};
	struct value limit = dict_get_text(freshness->dict, key), count, period;

	if (!value_given(limit))
		return true;
	*out_us = 0;
	if (limit.kind == VALUE_NONE)
		return true;
	if (limit.kind != VALUE_DICT)
		return false;
	count = dict_get_text(limit.dict, "count");
	period = dict_get_text(limit.dict, "period");
	if (count.kind == VALUE_NONE || !value_given(count)) /* as dbt's own default says nothing */
		return true;
	for (size_t i = 0; i < COUNT_OF(periods); i++)
		if (value_is_text(period, periods[i].name) && count.kind == VALUE_INT &&
			count.i > 0 && count.i < 1000000) {
			*out_us = count.i * periods[i].minutes * 60 * 1000000;
			return true;
		}
	return false;
}

static const char *text_or(struct arena *a, struct value v, const char *otherwise)
{
	return v.kind == VALUE_STRING ? value_strdup(a, v) : otherwise;
}

static bool take_freshness(struct project *p, struct source_table *table, struct value v)
{
	if (v.kind == VALUE_NONE) {
		table->warn_after_us = table->error_after_us = 0;
		return true;
	}
	if (v.kind != VALUE_DICT || !read_limit(&v, "warn_after", &table->warn_after_us) ||
		!read_limit(&v, "error_after", &table->error_after_us))
		return false;
	table->freshness_filter = text_or(
		&p->arena, dict_get_text(v.dict, "filter"), table->freshness_filter);
	return true;
}

bool source_take_settings(struct project *p, const struct package *package,
	struct source_table *table, const struct tree *item, const char *path, struct error *err)
{
	static const char *const keys[] = {"event_time", "loaded_at_field", "freshness"};
	const struct tree *config = tree_get(item, "config");
	const char **texts[] = {&table->event_time, &table->loaded_at_field};

	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		const struct tree *tree = tree_get(config, keys[i]);
		struct value v;
		if (!tree && i)
			tree = tree_get(item, keys[i]);
		if (!tree)
			continue;
		if (!rendered_tree(p, package, tree, path, &v, err))
			return false;
		if (i < COUNT_OF(texts))
			*texts[i] = text_or(&p->arena, v, NULL);
		else if (!take_freshness(p, table, v))
			return error_set(err, ERROR_CONFIG,
				"%s:%d: freshness takes warn_after and error_after, each as "
				"{count: 12, period: hour} with minute, hour or day",
				path, tree->line);
	}
	return true;
}
