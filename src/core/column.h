/*
 * One column of values, laid out so that it can go to a columnar store as it is (for ClickHouse's
 * Native format see formats/native): fixed-width values are little-endian and side by side; strings
 * are each a varint length and the bytes, with the end of each kept beside for random access.
 *
 * Rows are appended only at the end; column_truncate() takes back a row whose later column failed.
 * A NULL has its byte in `nulls` and a zero value in `values`.
 */
#ifndef CORE_COLUMN_H
#define CORE_COLUMN_H

#include "base/buf.h"
#include "core/type.h"

struct column {
	struct type type;
	size_t rows;
	struct buf nulls;  /* nullable types: a byte a row, 1 is NULL */
	struct buf values; /* fixed: rows * width; strings: varint length + bytes each */
	/* strings: uint32_t, end of row i in `values`; arrays and maps: uint64_t, number of elements
	 * up to and with row i */
	struct buf ends;
	struct column *children; /* array: 1 (elements); map: 2 (keys, values); point: 2 (x, y) */
	/* empty, or a byte a row: 1 is "as it was before" (TOAST); the value is then a placeholder
	 * that must be filled before the row goes anywhere */
	struct buf unchanged;
};

void column_init(struct column *c, const struct type *type);
void column_release(struct column *c);
void column_clear(struct column *c); /* keeps the memory, but for what a giant value took */
void column_truncate(struct column *c, size_t rows); /* forgets the rows from there on */

/* Bytes of its rows; the buffers may hold half as much again. */
size_t column_bytes(const struct column *c);

static inline size_t column_child_count(enum type_kind kind)
{
	return kind == TYPE_ARRAY ? 1 : kind == TYPE_MAP || kind == TYPE_POINT ? 2 : 0;
}

/* A non-NULL fixed-width value: returns where its bytes go. */
static inline uint8_t *column_add_fixed(struct column *c, size_t width)
{
	if (c->type.nullable)
		buf_u8(&c->nulls, 0);
	c->rows++;
	return buf_extend(&c->values, width);
}

/* A non-NULL string of `len` bytes: returns where they go. len is below 4 GiB. */
uint8_t *column_add_string(struct column *c, size_t len);

void column_add_null(struct column *c);      /* the type is nullable */
void column_add_default(struct column *c);   /* NULL where nullable; else zero, empty */
void column_add_unchanged(struct column *c); /* a default, marked in `unchanged` */

/* Arrays, maps and points: append the elements (x and y) to the children first, then end the
 * row. */
void column_end_row(struct column *c);

static inline bool column_is_null(const struct column *c, size_t row)
{
	return c->nulls.len && c->nulls.data[row];
}
static inline bool column_is_unchanged(const struct column *c, size_t row)
{
	return c->unchanged.len > row && c->unchanged.data[row];
}

/* The bytes of a string; valid until the column grows. */
const uint8_t *column_string(const struct column *c, size_t row, size_t *len);
static inline const uint8_t *column_fixed(const struct column *c, size_t row, size_t width)
{
	return c->values.data + row * width;
}
/* Elements of an array or map row: [*from, *to) of the children. */
void column_range(const struct column *c, size_t row, size_t *from, size_t *to);

/* Appends row `row` of `from` to `to`; types are equal but for nullability (a NULL into a column
 * that takes none becomes the default). The unchanged mark goes along. */
void column_copy_row(struct column *to, const struct column *from, size_t row);

/* -1, 0, 1: the total order used for sorting and by verify: numbers by value, strings and UUIDs by
 * bytes, NULLs first; NaN equals NaN and is above all numbers, -0.0 equals 0.0. Not for arrays,
 * maps, points. */
int column_compare(const struct column *a, size_t row_a, const struct column *b, size_t row_b);

/* Of any type; equal values have equal hashes. */
bool column_equal(const struct column *a, size_t row_a, const struct column *b, size_t row_b);
uint64_t column_hash(const struct column *c, size_t row, uint64_t seed);

/* For messages, golden dumps and set-aside keys: the value as JSON text, exact. Decimals are
 * numbers with all their digits; NaN and infinities strings; dates and timestamps ISO 8601; bytes
 * that are not UTF-8 the string "\x0aff"; a JSON document the string of its text; a point [x,y]. */
void column_print(const struct column *c, size_t row, struct buf *out);

#endif
