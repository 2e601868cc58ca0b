/*
 * Where in a model's file an error of the engine is. The engine names a line of the statement; the rendered SQL stands
 * in that statement on lines of its own; and a line of it is looked for in the file: the one that reads the same, or
 * whose text around {{ }} does. Where no line or more than one fits, the rendered line alone is told.
 */
#ifndef BUILD_PLACE_H
#define BUILD_PLACE_H

#include "build/work.h"

/* Its file; of what a yml says the line in it as well. */
const char *place_of_node(const struct node *node, struct arena *arena);
/* Puts file and line before the error, and the line behind it. line 0: not known. */
void place_error(const struct work *w, const char *sql, int line, struct error *err);

/* The line of the template (from 1) that became line `line` of the rendered text; 0: cannot be told. */
int place_of_line(const char *template, const char *rendered, int line);

#endif
