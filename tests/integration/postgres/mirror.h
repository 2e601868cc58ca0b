/*
 * What the tests of the PostgreSQL source share: a source that is open on a cluster, with the rules of
 * one selection, and a taker that keeps what a copy hands over as lines of text.
 */
#ifndef TESTS_POSTGRES_MIRROR_H
#define TESTS_POSTGRES_MIRROR_H

#include "cluster.h"
#include "core/source.h"

struct mirror {
	struct source *source;
	struct arena arena;
	struct selection selection;
	struct selection_rule rules[8];
	struct tables tables; /* of the last mirror_discover() */
};

/* Takes the tables of schema `public`; change m->rules before the first call of the source. */
void mirror_open(struct mirror *, const char *url);
void mirror_close(struct mirror *);

/* Discovers anew, and finds a table by its name; NULL when it is not among them. */
struct table *mirror_discover(struct mirror *, const char *name);

struct copied {
	struct batch_taker taker;
	struct buf rows; /* batch_print() of everything, and "aside: REASON" lines */
	size_t n_rows, n_batches;
};
void copied_init(struct copied *);
void copied_release(struct copied *);

/* Plans and copies; anything but COPY_DONE fails the test. */
void mirror_copy(struct mirror *, struct table *, struct copied *);

/* Values of a column, in the order of the lines, with commas in between. To be freed. */
char *copied_values(struct copied *, const char *column);

#endif
