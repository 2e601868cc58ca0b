/*
 * Where in a model's file an error of the engine is. The engine names a line of the statement, or a name in it; the
 * rendered SQL stands in that statement as it is; and its rendering has noted which text came from where.
 */
#ifndef BUILD_PLACE_H
#define BUILD_PLACE_H

#include "build/work.h"

/* A node as messages name it: of what a yml says the line in it as well. */
const char *place_of_node(const struct node *node, struct arena *arena);

/* Puts file and line before the error, and behind it the macros that led there and the line. */
void place_error(const struct work *w, const char *sql, const struct statement_stats *stats,
	struct error *err);

#endif
