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

const struct stream_source *project_streams(const struct project *p, size_t *n)
{
	*n = p->options.n_streams;
	return p->options.streams;
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

static const char *text_or_none(struct arena *a, struct value v)
{
	return v.kind == VALUE_STRING ? value_strdup(a, v) : NULL;
}

/* In `config:`, or beside it. */
static const struct tree *said_of(const struct tree *item, const char *key)
{
	const struct tree *tree = tree_get(tree_get(item, "config"), key);

	return tree ? tree : tree_get(item, key);
}

/* A query is rendered where it runs. The nearest of the two that says when rows came goes before the other. */
static bool take_loaded_at(struct project *p, const struct package *package,
	struct source_table *table, const struct tree *item, const char *path, struct error *err)
{
	const struct tree *field = said_of(item, "loaded_at_field"),
			  *query = said_of(item, "loaded_at_query");
	struct value v;

	if (field && field->text && query && query->text)
		return error_set(err, ERROR_CONFIG,
			"%s:%d: loaded_at_field and loaded_at_query say the same twice; take one "
			"of them out",
			path, query->line);
	if (field) {
		if (!rendered_tree(p, package, field, path, &v, err))
			return false;
		table->loaded_at_field = text_or_none(&p->arena, v);
		table->loaded_at_query = NULL;
	}
	if (query)
		table->loaded_at_query = query->kind == TREE_NULL ? NULL : query->text;
	return true;
}

bool source_take_settings(struct project *p, const struct package *package,
	struct source_table *table, const struct tree *item, const char *path, struct error *err)
{
	const struct tree *event_time = tree_get(tree_get(item, "config"), "event_time"),
			  *enabled = tree_get(tree_get(item, "config"), "enabled"),
			  *freshness = said_of(item, "freshness");
	struct value v;

	if (event_time) {
		if (!rendered_tree(p, package, event_time, path, &v, err))
			return false;
		table->event_time = text_or_none(&p->arena, v);
	}
	if (enabled) {
		if (!rendered_tree(p, package, enabled, path, &v, err))
			return false;
		table->disabled = !value_truth(v);
	}
	if (!take_loaded_at(p, package, table, item, path, err))
		return false;
	return !freshness || freshness_take(p, package, table, freshness, path, err);
}
