/*
 * The row filter of a table (`where`): comparisons of a column with a literal (= <> != < <= > >=),
 * IN, BETWEEN, LIKE, IS [NOT] NULL, a bare boolean column, joined by AND, OR, NOT and parentheses: a
 * subset of SQL that means the same here as in the source, which evaluates the same text when it copies.
 * Text compares only for equality, since its order is the source's collation.
 */
#ifndef CORE_FILTER_H
#define CORE_FILTER_H

#include "core/batch.h"

struct filter;

/* Memory from the arena. NULL with an ERROR_CONFIG that names the place in the text. */
struct filter *filter_compile(
	const char *where, const struct table *table, struct arena *arena, struct error *err);

/* NULL counts as false, as in WHERE. Of a row with values that an update left unchanged, and which are not known: does
 * it match for certain, whatever they are? */
bool filter_matches(const struct filter *, const struct batch *, size_t row);

/* Is there any such value with which it matches? Without them, the same as filter_matches(). */
bool filter_may_match(const struct filter *, const struct batch *, size_t row);

/* Does it look at the key alone? Then all that ever happens to a key is within, or none of it. */
bool filter_is_of_key(const struct filter *, const struct table *);

#endif
