/*
 * ClickHouse's Native format as it goes over HTTP: blocks of columns, each with its name and type
 * (src/Formats/NativeWriter.cpp, revision 0; clickhouse.com/docs/interfaces/formats/Native).
 * Pure: columns to bytes and back, no I/O. Columns hold the wire's own layout (core/column.h), so
 * most go out as they are.
 *
 * A column travels under its wire type: SYMBOL and JSON as String, for the server converts to
 * what the table has on INSERT, and a SELECT casts (the wire types of LowCardinality and JSON
 * change with versions).
 */
#ifndef FORMATS_NATIVE_NATIVE_H
#define FORMATS_NATIVE_NATIVE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/vec.h"
#include "core/column.h"

/* Appends the name of the wire type, as the server prints it: "Nullable(Decimal(10, 2))". */
void native_type_print(const struct type *type, struct buf *out);

/*
 * Encoder: one block, pulled in pieces. What needs no change is handed out by reference, the rest
 * is gathered through 64 KiB of scratch. Columns must not change until it is released.
 */
struct native_piece;
struct native_encoder {
	size_t rows;
	const uint32_t *order;
	VEC(struct native_piece) pieces;
	struct arena arena;
	uint8_t *scratch;
	size_t piece;   /* the one that is going out */
	size_t row;     /* and its row */
	uint64_t total; /* of array elements so far, within the piece */
};

/* Values that lie `stride` bytes apart in an array of structs. */
struct native_field {
	const char *name, *type; /* type: as the server prints it, of a fixed width */
	const void *first;
	size_t stride, width;
	const uint8_t
		*map; /* of 256 bytes: what a byte goes out as; NULL: as it is. width is 1 then */
};

/* A block of `columns` columns and of `rows` rows: row order[i] of the columns, or row i when
 * order is NULL. */
void native_encoder_init(
	struct native_encoder *e, size_t columns, size_t rows, const uint32_t *order);
void native_encoder_release(struct native_encoder *e);
void native_encoder_column(struct native_encoder *e, const char *name, const struct column *c);
void native_encoder_field(struct native_encoder *e, const struct native_field *f);

/* The next bytes, valid until the next call; false at the end. */
bool native_encoder_next(struct native_encoder *e, const uint8_t **data, size_t *len);
void native_encoder_rewind(struct native_encoder *e); /* begin again with the first byte */

/*
 * Decoder: any number of blocks, pushed in pieces of any size, appended to columns. Names and
 * types must be those of the targets, in their order; time zones are not looked at. Nothing in
 * the bytes is trusted: bad ones give ERROR_DATA.
 */
struct native_target {
	const char *name;      /* NULL: any */
	struct column *column; /* where the values go; or NULL, and then: */
	const char *type;      /* a fixed-width type of `width` bytes, whose bytes go to `bytes` */
	size_t width;
	struct buf *bytes;
};

struct native_decoder {
	const struct native_target *targets;
	size_t n_targets;
	struct buf pending; /* what came and could not be taken yet: at most a column of a block */
	size_t want;        /* bytes in `pending` before another try is worth it */
	size_t rows, block_rows;
	size_t column; /* of the block; n_targets between blocks */
	bool named;    /* the column's name and type have been read */
};

/* `targets` must outlive the decoder. A column of a block may hold max_bytes. */
void native_decoder_init(
	struct native_decoder *d, const struct native_target *targets, size_t n, size_t max_bytes);
void native_decoder_release(struct native_decoder *d);
MUST_CHECK bool native_decoder_push(
	struct native_decoder *d, const uint8_t *bytes, size_t len, struct error *err);
/* No more bytes: checks that the last block is whole. After it, d->rows have been appended to
 * each target. */
MUST_CHECK bool native_decoder_end(struct native_decoder *d, struct error *err);

#endif
