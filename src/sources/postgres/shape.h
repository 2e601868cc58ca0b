/*
 * The published columns of a table, from the catalog (with attribute numbers) or from a Relation message
 * (with names alone), and whether the two are the same. Pure: no connection is asked.
 *
 * Numbers never come back once dropped, so between two looks at the catalog with nothing dropped, or nothing
 * added, in between, names in order can only mean one set of numbers.
 */
#ifndef SOURCES_POSTGRES_SHAPE_H
#define SOURCES_POSTGRES_SHAPE_H

#include <stdbool.h>
#include <stdint.h>
#include "core/table.h"
#include "formats/pgoutput/pgoutput.h"

struct pg_shape_column {
	const char *name;
	uint32_t type;
	int32_t typmod;
	int attribute; /* 0 in a message */
	bool key;      /* of the replica identity */
};

struct pg_shape {
	struct pg_shape_column *columns; /* NULL: empty. One block, with the names behind */
	char *names_end;
	uint16_t n;
	char identity;  /* d, n, f, i; of a message */
	int attributes; /* numbers ever given out; from the catalog */
	int dropped;    /* of them */
};

void pg_shape_release(struct pg_shape *);

/* Room for so many columns whose names, each with its NUL, take so many bytes. */
void pg_shape_init(struct pg_shape *out, size_t n, size_t name_bytes);
void pg_shape_add(struct pg_shape *, struct pg_shape_column); /* copies the name */
void pg_shape_from_message(struct pg_shape *out, const struct pgoutput_relation *);

enum pg_shape_match {
	SHAPE_NOW,     /* the message describes the table as the catalog has it */
	SHAPE_ADDED,   /* so it does, but for columns that were added at the end since */
	SHAPE_KNOWN,   /* it still describes the table as it was known */
	SHAPE_UNCLEAR, /* it could mean different columns, or means none that is known */
};

/* `known` may be NULL: then nothing was. `known_before`: what is known was so at or before this place of the
 * log (not read later, as after a restart). `now` may be NULL: the table is gone. */
enum pg_shape_match pg_shape_compare(const struct pg_shape *message, const struct pg_shape *known,
	bool known_before, const struct pg_shape *now);

/* The message's columns that begin a shape (all of it: n is the same), by name, type and key. */
bool pg_shape_begins(const struct pg_shape *message, const struct pg_shape *shape);

#endif
