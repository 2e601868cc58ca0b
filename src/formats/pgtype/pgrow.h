/*
 * Rows of one table from cells: the one place where copy and stream append to a batch, and where a
 * value that cannot be had meets the table's on_unrepresentable:
 *	set_aside  the row is kept with its reason in batch.aside, and not among the rows;
 *	null       the value becomes NULL where the column takes it, else the row is set aside;
 *	stop       ERROR_TABLE: the table goes no further.
 */
#ifndef FORMATS_PGTYPE_PGROW_H
#define FORMATS_PGTYPE_PGROW_H

#include "core/batch.h"
#include "formats/pgtype/pgtype.h"

/* The codecs of a table's columns. One thread at a time. */
struct pg_rows {
	struct table *table;     /* a reference */
	struct pg_codec *codecs; /* table->n_columns */
	struct buf key, row;     /* scratch for set-asides */
	struct arena arena;
};

/* `columns` describes table->columns one by one (their rules are taken from the table).
 * ERROR_TABLE where a codec gives another type than the table has: the catalog has moved on
 * since the table was described. */
MUST_CHECK bool pg_rows_init(struct pg_rows *r, struct table *table,
	const struct pg_catalog *catalog, const struct pg_column *columns, struct error *err);
void pg_rows_release(struct pg_rows *r);

/* Must the stream run with `binary` off for this table? (See pg_codec.text_stream.) */
bool pg_rows_text_stream(const struct pg_rows *r);

/* Appends one row, or sets it aside: one cell for each column of the table, in its order. Of a
 * delete or an old key (OP_DELETE, OP_KEY_CHANGED) only the key columns are looked at, others
 * get defaults; of a table without a key, all are. False: ERROR_TABLE (stop, absent column,
 * changed type); the batch is as it was. */
MUST_CHECK bool pg_rows_append(struct pg_rows *r, struct batch *batch, const struct pg_cell *cells,
	const struct row_meta *meta, struct error *err);

/* The first column besides the key that takes no NULL and is one in this whole row; -1: there is none. */
int pg_rows_refused_null(const struct pg_rows *r, const struct pg_cell *cells);

/* Do the key columns of two rows of cells hold the same bytes? Both must come in the same form
 * (text, binary). An unchanged or absent key in either is the same. */
bool pg_rows_same_key(const struct pg_rows *r, const struct pg_cell *a, const struct pg_cell *b);

/* Unchanged cells of `row` take the value of `old` where it has one. */
void pg_rows_fill(const struct pg_rows *r, struct pg_cell *row, const struct pg_cell *old);

#endif
