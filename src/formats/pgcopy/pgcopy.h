/*
 * The stream of COPY ... TO STDOUT (FORMAT binary): signature, flags, header extension, tuples,
 * trailer (PostgreSQL's manual, COPY, "Binary Format"). The messages may cut it anywhere: feed one,
 * take rows until it wants more. A tuple that lies whole within a message is not copied.
 *
 *	pgcopy_feed(&copy, data, len);
 *	while ((status = pgcopy_next(&copy, cells, n, &err)) == PGCOPY_ROW)
 *		...
 */
#ifndef FORMATS_PGCOPY_PGCOPY_H
#define FORMATS_PGCOPY_PGCOPY_H

#include "formats/pgtype/pgrow.h"

struct pgcopy {
	const uint8_t *data; /* what is not yet read: of the message, or of `carry` */
	size_t len;
	struct buf carry; /* a tuple that messages cut */
	uint64_t offset;  /* in the whole stream, for messages */
	enum { PGCOPY_AT_HEADER, PGCOPY_AT_ROWS, PGCOPY_AT_END, PGCOPY_TOO_LONG } state;
};

enum pgcopy_status {
	PGCOPY_ROW,
	PGCOPY_MORE,   /* everything fed has been read: feed the next message */
	PGCOPY_END,    /* the trailer: nothing may follow */
	PGCOPY_FAILED, /* ERROR_BROKEN: not such a stream, with the offset */
};

void pgcopy_init(struct pgcopy *c);
void pgcopy_release(struct pgcopy *c);
void pgcopy_reset(struct pgcopy *c); /* for another COPY */

/* `data` is borrowed until pgcopy_next() says PGCOPY_MORE; feed only then. */
void pgcopy_feed(struct pgcopy *c, const uint8_t *data, size_t len);

/* The cells (n of them; PG_CELL_BINARY or PG_CELL_NULL) are valid until the next call. A column
 * that was selected as COLUMN::text is PG_CELL_TEXT by the caller's hand. */
MUST_CHECK enum pgcopy_status pgcopy_next(
	struct pgcopy *c, struct pg_cell *cells, size_t n, struct error *err);

#endif
