/*
 * How two sets of rows differ, as a text for people, in the manner of dbt's. Order does not matter, how often a row comes
 * does.
 *
 *	@@  | id | total
 *	→   | 1  | 10→12     expected and actual
 *	+++ | 2  | 5         not expected
 *	--- | 3  | 6         missing
 */
#ifndef BUILD_DIFFERENCE_H
#define BUILD_DIFFERENCE_H

#include "base/buf.h"
#include "core/engine.h"

/* Of an answer whose last column is "actual" or "expected". Appends the table of what is not the same, of at most so
 * many lines; the number of all of them. */
size_t rows_differ(const struct engine_rows *rows, size_t most, struct buf *out);

#endif
