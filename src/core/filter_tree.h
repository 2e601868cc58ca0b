/*
 * Inside of the row filter: the tree that filter.c makes and filter_match.c evaluates, and, of
 * filter_literal.c, what a column may be compared with and literals as values of its type.
 */
#ifndef CORE_FILTER_TREE_H
#define CORE_FILTER_TREE_H

#include "base/error.h"
#include "core/column.h"
#include "core/table.h"

enum node_kind {
	NODE_OR,
	NODE_AND,
	NODE_NOT,
	NODE_TRUE,
	NODE_NULL,
	NODE_COMPARE,
	NODE_IN,
	NODE_LIKE
};

struct filter {
	enum node_kind kind;
	struct filter *first, *next; /* children of OR, AND, NOT; the next of one's siblings */
	size_t column;
	char op[3];             /* of COMPARE, != as <> */
	struct column literals; /* one value; of IN one a row. Its buffers are the arena's */
	const char *pattern;    /* of LIKE */
};

struct literal {
	enum { LITERAL_NUMBER, LITERAL_STRING, LITERAL_BOOL } kind;
	const char *text; /* a number with its sign, a string without quotes, "true" or "false" */
};

/* What may be asked of a column, each including those before it. */
enum comparable {
	COMPARE_NOTHING,
	COMPARE_NULL,     /* IS NULL */
	COMPARE_EQUALITY, /* = <> IN */
	COMPARE_ORDER,    /* < <= > >= BETWEEN */
};

/* *why says what keeps it from being comparable further; NULL for COMPARE_ORDER. */
enum comparable column_comparable(const struct table_column *column, const char **why);
bool column_takes_like(const struct table_column *column);

/* The type that this column and this literal are compared in: the column's own, but for real, which SQL
 * compares with an unquoted number in double precision. */
struct type literal_type(const struct table_column *column, const struct literal *literal);

/* Appends the literal's value. What the type cannot hold exactly is an error, which says what it takes. */
MUST_CHECK bool literal_add(struct column *to, const struct literal *literal, struct error *err);

#endif
