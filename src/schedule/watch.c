/* Which tables of streams have an event time, as the project says. */
#include "models/project.h"
#include "schedule/scheduler.h"

#include <string.h>

static void add(struct watch_list *list, const struct source_table *table)
{
	vec_each (&list->tables, it)
		if (!strcmp(it->stream, table->stream->name) && !strcmp(it->table, table->table))
			return;
	struct watched watched = {.stream = arena_strdup(&list->arena, table->stream->name),
		.table = arena_strdup(&list->arena, table->table),
		.event_time = arena_strdup(&list->arena, table->event_time)};
	vec_push(&list->tables, watched);
}

void project_watch_list(const struct project *p, struct watch_list *out)
{
	const struct nodes *nodes = project_nodes(p);

	*out = (struct watch_list){0};
	arena_init(&out->arena);
	for (size_t i = 0; i < nodes->len; i++)
		vec_each (&nodes->items[i]->sources, it)
			if ((*it)->stream && (*it)->event_time)
				add(out, *it);
}
