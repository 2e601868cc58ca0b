/* A graph of the project in the test's folder: put() files, then make(). */
#ifndef TESTS_GRAPH_FILES_H
#define TESTS_GRAPH_FILES_H

#include "../models/project_files.h"
#include "assets/assets.h"

static struct graph *graph;

static inline void make(void)
{
	static const struct mirrored_table mirrored[] = {
		{"shop", "lake", "orders"}, {"shop", "lake", "unread"}};

	graph_free(graph);
	load();
	graph = graph_new(project, mirrored, COUNT_OF(mirrored));
}

static inline struct asset *asset(const char *name)
{
	struct asset *found = graph_find(graph, name);
	if (!found)
		fail_msg("there is no %s", name);
	return found;
}

/* Names, by spaces. */
static inline void assert_assets(const struct assets *assets, const char *expected)
{
	struct buf names;

	buf_init(&names, BUF_MAX);
	vec_each (assets, it)
		buf_printf(&names, "%s%s", names.len ? " " : "", (*it)->name);
	if (strcmp(buf_text(&names), expected))
		fail_msg("%s, expected %s", buf_text(&names), expected);
	buf_release(&names);
}

static inline int close_graph(void **state)
{
	graph_free(graph);
	graph = NULL;
	return close_folder(state);
}

#define IN_GRAPH(test) cmocka_unit_test_setup_teardown(test, open_folder, close_graph)

#endif
