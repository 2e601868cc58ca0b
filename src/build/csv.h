/*
 * Rows of a CSV file (RFC 4180) as they are read: cells in quotes hold delimiters, newlines and doubled quotes; lines
 * end with LF or CRLF; a byte order mark and empty lines are passed over.
 */
#ifndef BUILD_CSV_H
#define BUILD_CSV_H

#include <stdio.h>
#include "base/buf.h"
#include "base/error.h"
#include "base/vec.h"

struct csv {
	FILE *file;
	const char *name; /* as messages say it */
	char delimiter;
	int line, next_line; /* where the row begins, and the next one */
	struct buf text;     /* the cells of the row, each ended by a NUL */
	VEC(size_t) starts;
	VEC(const char *) cells; /* into text */
};

enum csv_status { CSV_ROW, CSV_END, CSV_FAILED };

/* The name is borrowed. */
MUST_CHECK bool csv_open(
	struct csv *c, const char *path, const char *name, char delimiter, struct error *err);
/* As that, of a text that stands in a file behind so many lines of it. */
MUST_CHECK bool csv_open_text(struct csv *c, const char *text, const char *name, int line,
	char delimiter, struct error *err);
void csv_close(struct csv *c);
/* The cells are good until the next call. Errors name file and line. */
enum csv_status csv_next(struct csv *c, struct error *err);

#endif
