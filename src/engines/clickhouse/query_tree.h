/*
 * What EXPLAIN QUERY TREE says of a query, read: a line a node, indented by two spaces a level.
 *
 *	QUERY id: 0
 *	  PROJECTION COLUMNS
 *	    total Decimal(38, 2)
 *	  PROJECTION
 *	    LIST id: 1, nodes: 1
 *	      FUNCTION id: 2, function_name: sum, function_type: aggregate, result_type: Decimal(38, 2)
 *	        ARGUMENTS
 *	          LIST id: 3, nodes: 1
 *	            COLUMN id: 4, column_name: amount, result_type: Decimal(18, 2), source_id: 5
 *	  JOIN TREE
 *	    TABLE id: 5, alias: __table1, table_name: shop.orders
 *
 * A column names its source by id. Nothing in it is quoted, so names that hold what separates fields cannot be
 * told apart from it: such a line is not read, and what comes through it is not known. Pure.
 */
#ifndef ENGINES_CLICKHOUSE_QUERY_TREE_H
#define ENGINES_CLICKHOUSE_QUERY_TREE_H

#include "base/vec.h"
#include "core/engine.h"

struct tree_line {
	char *text; /* without the indent */
	int depth;
	int id;     /* of a node; -1: a heading, or a projection column */
	size_t end; /* behind what is below it */
};
struct query_tree {
	struct arena *arena;
	VEC(struct tree_line) lines;
	VEC(size_t) by_id; /* the first line of each node, from 1; 0: none */
};

#define NO_LINE SIZE_MAX

/* False: it is not whole, or is not as it is known. The arena is the caller's. */
MUST_CHECK bool query_tree_read(struct query_tree *t, const char *text, struct arena *arena);
void query_tree_release(struct query_tree *t);

/* The direct children of a line: for (size_t c = tree_first(t, at); c != NO_LINE; c = tree_next(t, at, c)). */
size_t tree_first(const struct query_tree *t, size_t at);
size_t tree_next(const struct query_tree *t, size_t at, size_t child);
/* The child of a line that is that heading; NO_LINE. */
size_t tree_heading(const struct query_tree *t, size_t at, const char *heading);
/* The items of the LIST below a heading; NO_LINE. */
size_t tree_list(const struct query_tree *t, size_t heading);
bool tree_is(const struct query_tree *t, size_t at, const char *kind);
size_t tree_by_id(const struct query_tree *t, int id);

/* Copies the value of a field, between "KEY: " and ", NEXT: " (NULL: the end of the line); NULL where the line has
 * none, or it cannot be told where it ends. */
const char *tree_field(const struct query_tree *t, size_t at, const char *key, const char *next);
/* The number at the end of the line, behind "KEY: "; -1. */
int tree_last_number(const struct query_tree *t, size_t at, const char *key);

/* Where each column of the query comes from; `columns` are those that it gives. Texts in the arena. */
void query_tree_lineage(const char *text, const struct engine_columns *columns, struct arena *arena,
	struct lineage *out);

#endif
