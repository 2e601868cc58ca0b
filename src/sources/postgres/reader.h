/*
 * Rows of one table by COPY (SELECT ...) TO STDOUT (FORMAT binary), into batches: what copy, fetch and scan
 * have in common. The definition to fill is the caller's table; the names are those of the server now,
 * found by attribute number.
 */
#ifndef SOURCES_POSTGRES_READER_H
#define SOURCES_POSTGRES_READER_H

#include "sources/postgres/postgres.h"

struct pg_reader {
	struct postgres *p;
	PGconn *conn;
	struct table *table;          /* the caller's */
	struct pg_relation *relation; /* as it is now */
	const char **names;           /* a column of `table`: its name now */
	struct pg_rows rows;
	struct pg_cell *cells;
	struct row_meta meta; /* of every row */
	bool with_ctid;       /* the first column is ctid, and tells rows apart that have no key */
	uint64_t part;
	size_t largest_message;
};

enum pg_reader_status {
	PG_READER_READY,
	PG_READER_GONE, /* the table is gone, or no longer selected */
	PG_READER_AHEAD, /* columns are not what `table` says: the stream has not come so far; err->text says which */
	PG_READER_FAILED,
};

/* Afterwards pg_reader_release() in any case. */
enum pg_reader_status pg_reader_init(
	struct pg_reader *, struct postgres *, PGconn *, struct table *, struct error *);
void pg_reader_release(struct pg_reader *);

/* "COPY (SELECT columns": the caller adds " FROM ... AS t ...". */
void pg_reader_select(const struct pg_reader *, struct buf *sql);
void pg_reader_where(
	const struct pg_reader *, struct buf *sql, const char *before); /* the row filter, if any */

/* Runs "... ) TO STDOUT (FORMAT binary)" added to sql. Rows are appended to the batch; with a taker it is handed on
 * whenever it is full, and at the end. On failure the connection may be in the middle of the COPY. */
MUST_CHECK bool pg_reader_run(
	struct pg_reader *, struct buf *sql, struct batch *, struct batch_taker *, struct error *);

/* A connection whose buffer in libpq has grown is not kept: it never shrinks. */
bool pg_reader_reusable(const struct pg_reader *);

#endif
