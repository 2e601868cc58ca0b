/*
 * Rows of a unit test as a yml or a CSV file has them, and as SQL: a query of as many constant rows, each value cast to
 * the type of its column. What is not said of a row is NULL, or what the type has instead.
 */
#ifndef BUILD_FIXTURE_H
#define BUILD_FIXTURE_H

#include "core/engine.h"
#include "models/project.h"

struct fixture_row {
	int line;
	struct value *cells; /* one a name; absent: it has none */
};

struct fixture {
	const struct unit_rows *of;
	const char **names; /* of columns, in the order in which the rows name them */
	size_t n_names;
	VEC(struct fixture_row) rows;  /* none where it is SQL */
	struct engine_columns columns; /* with the types of those that it stands for */
};

/* Memory is the arena's, but for what fixture_release() frees. Not of SQL. */
MUST_CHECK bool fixture_read(
	struct fixture *f, const struct unit_rows *of, struct arena *arena, struct error *err);
void fixture_release(struct fixture *f);

/* Are all that it names among its columns? `what` is said of who does not have it. */
MUST_CHECK bool fixture_fits(const struct fixture *f, const char *what, struct error *err);
/* Appends its rows from one to before another with all of its columns. */
void fixture_select(
	const struct fixture *f, const struct dialect *d, size_t from, size_t to, struct buf *out);
/* The value of a column of a row; NULL: it has none. */
const struct value *fixture_cell(
	const struct fixture *f, const struct fixture_row *row, const char *column);
/* Appends that value as its column has it. */
void fixture_value(const struct fixture *f, const struct dialect *d, const struct fixture_row *row,
	const struct engine_column *column, struct buf *out);

#endif
