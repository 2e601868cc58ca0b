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
	const void *key;
	size_t i = 0, len;
	void *found;

	for (size_t s = 0; s < p->options.n_streams; s++)
		vec_push(&names, p->options.streams[s].name);
	while (map_next(&p->sources, &i, &key, &len, &found))
		vec_push(&names, ((struct source_table *)found)->source);
	vec_push(&names, NULL);
	const char *near = nearest_name(source, names.items);
	error_set(err, ERROR_CONFIG,
		"there is no source '%s' with a table '%s': neither a yml declares it, nor is "
		"there a stream of that "
		"name%s%s%s",
		source, table, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	vec_release(&names);
	return false;
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
	for (size_t i = 0; i < p->options.n_streams; i++) {
		const struct stream_source *stream = &p->options.streams[i];
		if (strcmp(stream->name, source) != 0)
			continue;
		if (!stream_takes(stream, table))
			return error_set(err, ERROR_CONFIG,
				"stream '%s' takes no table that would be called '%s'; see its "
				"tables: in "
				"tailrace.yaml",
				source, table);
		*out = (struct source_table){.source = source,
			.name = table,
			.database = stream->database,
			.table = table,
			.stream = stream};
		return true;
	}
	return unknown_source(p, source, table, err);
}
