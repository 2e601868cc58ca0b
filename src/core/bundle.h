/*
 * What a source hands over in one go: batches of several tables and what happened to tables between
 * them, in the order of the log. The writer applies the items in order and then, when `ended`,
 * records `end`. A transaction may go through several bundles; only those in which one ends carry a
 * position.
 */
#ifndef CORE_BUNDLE_H
#define CORE_BUNDLE_H

#include "core/batch.h"
#include "core/position.h"

enum bundle_kind {
	BUNDLE_ROWS,     /* batch */
	BUNDLE_TRUNCATE, /* everything of `table` below meta's version is gone */
	BUNDLE_TABLE,    /* `table` is new, or its definition or physical identity is now this */
	BUNDLE_RECOPY,   /* the log cannot carry it on: copy it anew, as `table`; `reason` */
	BUNDLE_BROKEN,   /* `table` cannot go on as it is configured: `reason` */
	BUNDLE_DROPPED,  /* `table` is gone in the source: keep, mark */
	BUNDLE_RETRIED,  /* what source_ops.retry was given of `table` stands before this */
};

struct bundle_item {
	enum bundle_kind kind;
	struct batch batch;   /* BUNDLE_ROWS */
	struct table *table;  /* a reference; of every kind */
	struct row_meta meta; /* BUNDLE_TRUNCATE */
	char reason[1024];    /* BUNDLE_RECOPY, BUNDLE_BROKEN */
};

struct bundle {
	VEC(struct bundle_item) items;
	struct map *open;    /* source_id -> index + 1 of the batch that new rows go to */
	struct position end; /* end of the last whole transaction within */
	bool ended;          /* `end` is set */
	bool within; /* set by the source's read: a transaction that began behind `end` goes on */
	uint64_t transactions, changes;
	int64_t started_ms; /* mono_ms() of the first item; 0 while empty */
};

struct bundle *bundle_new(void);
void bundle_free(struct bundle *b);
bool bundle_empty(const struct bundle *b); /* no items and no end */
size_t bundle_bytes(const struct bundle *b);

/* The batch that new rows of this definition go to. Pointers to batches move when an item is
 * added. */
struct batch *bundle_batch(struct bundle *b, struct table *table);

/* Later rows of the table go to a new batch. */
void bundle_cut(struct bundle *b, const struct table *table);

/* Adds an item that is not rows; later rows of the table go to a new batch behind it. */
struct bundle_item *bundle_add(struct bundle *b, enum bundle_kind kind, struct table *table);

#endif
