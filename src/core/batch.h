/*
 * Rows of one table, by column, each with its version and operation. A batch is filled by a source
 * or a copy, transformed, and written by a sink; it is owned by one thread at a time and moved,
 * never shared. Memory is bounded by its user through batch_bytes().
 *
 * To append a row: append one value to every column, then batch_commit_row(); when a value cannot
 * be had, batch_abort_row() takes the half row back, and batch_set_aside() may keep the reason.
 */
#ifndef CORE_BATCH_H
#define CORE_BATCH_H

#include "base/vec.h"
#include "core/column.h"
#include "core/table.h"
#include "core/version.h"

/* 'c' insert, 'u' update, 'd' delete (only the key columns hold values), 'r' row of a copy.
 * 'k' is the tombstone of the old key of an update that changes the key. */
enum row_op {
	OP_INSERT = 'c',
	OP_UPDATE = 'u',
	OP_DELETE = 'd',
	OP_COPY = 'r',
	OP_KEY_CHANGED = 'k'
};

struct row_meta {
	version_t version;
	/* place of the commit in the source's own numbers; of a copied row: of its reading */
	uint64_t commit_lsn;
	int64_t commit_time_us; /* of a copied row: of its reading */
	uint32_t xid;
	/* which change of its transaction it is, from 1; 0: not known */
	uint32_t order;
	char op; /* enum row_op */
};

/* A row that could not be taken, with all that is needed to look into it and to mend it. */
struct set_aside {
	struct row_meta meta;
	const char *key; /* JSON object of the key columns, or of all when there is no key */
	/* JSON object of the row in the source's text form; dropped columns left out, columns under
	 * a rule shown as "..." */
	const char *row;
	const char *column; /* the column that failed */
	const char *reason;
};

/* How `row` begins where it holds the message, with its place; and how the key begins, and there is no column, of a
 * message whose key cannot be read: its place stands there. */
#define SET_ASIDE_NO_KEY "{\"topic\":"

struct batch {
	struct table *table;    /* a reference */
	struct column *columns; /* table->n_columns */
	size_t rows;
	struct buf meta; /* struct row_meta, rows of them */
	VEC(struct set_aside) aside;
	bool retried;       /* of messages that had been set aside, and counted */
	struct arena arena; /* of `aside` */
	/* the rows as they were before, for who wants them (sink_ops.wants_before): read it by
	 * batch_before(); NULL: none is known */
	struct batch *before;
};

void batch_init(struct batch *b, struct table *table); /* takes a reference of its own */
void batch_release(struct batch *b);
void batch_clear(struct batch *b); /* forgets the rows, keeps table and memory */
/* of its rows; looks at every column: not for every row of a wide table */
size_t batch_bytes(const struct batch *b);

static inline struct row_meta *batch_meta(const struct batch *b)
{
	return (struct row_meta *)(void *)b->meta.data;
}
static inline void batch_commit_row(struct batch *b, const struct row_meta *meta)
{
	buf_append(&b->meta, meta, sizeof *meta);
	b->rows++;
}
void batch_abort_row(struct batch *b);
void batch_take_back_row(struct batch *b); /* the last one, which was committed */

/* Where the row as it was can be found, under the same number; NULL: it is not known. */
const struct batch *batch_before(const struct batch *b, size_t row);
/* `before`, made when missing, with places for all rows in front of `row`: what is appended to it
 * next is that row as it was. */
struct batch *batch_before_upto(struct batch *b, size_t row);

/* Strings are copied into the batch. */
void batch_set_aside(struct batch *b, const struct set_aside *aside);
/* A row of the batch, as far as it is known; it stays in the batch. */
void batch_set_row_aside(struct batch *b, size_t row, const char *column, const char *reason);

/* Hash of the key columns of a row, and whether two rows have the same key. Without a key all
 * columns count, but only rows of a table with a key have an order. */
uint64_t batch_key_hash(const struct batch *b, size_t row);
bool batch_key_equal(const struct batch *a, size_t row_a, const struct batch *b, size_t row_b);
int batch_key_compare(const struct batch *a, size_t row_a, const struct batch *b, size_t row_b);

/* One line of JSON a row: {"op":"c","version":"...","id":1,...}: golden tests read it. Tombstones
 * show their key alone; columns that are as before are named in "unchanged":[...]. Rows set aside
 * follow, with "reason". */
void batch_print(const struct batch *b, struct buf *out);
void batch_print_key(const struct batch *b, size_t row, struct buf *out); /* {"id":1} */

#endif
