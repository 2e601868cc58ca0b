/*
 * Order, equality and hash of values; see column.h. Floats follow PostgreSQL: NaN equals NaN and is
 * above every number, and -0.0 equals 0.0.
 */
#include "core/column.h"

#include <assert.h>
#include <math.h>
#include <xxhash.h>

#define ORDER(a, b) (((a) > (b)) - ((a) < (b)))

/* Compares two values read as a C type of their width. */
#define ORDER_AS(type, a, b)                         \
	({                                           \
		type left_, right_;                  \
		memcpy(&left_, (a), sizeof left_);   \
		memcpy(&right_, (b), sizeof right_); \
		ORDER(left_, right_);                \
	})

static double read_float(enum type_kind kind, const uint8_t *bytes)
{
	float narrow;
	double wide;

	if (kind == TYPE_FLOAT64) {
		memcpy(&wide, bytes, sizeof wide);
		return wide;
	}
	memcpy(&narrow, bytes, sizeof narrow);
	return narrow;
}

static int order_floats(double a, double b)
{
	if (isnan(a) || isnan(b))
		return ORDER(!!isnan(a), !!isnan(b));
	return ORDER(a, b);
}

static int order_decimals(size_t width, const uint8_t *a, const uint8_t *b)
{
	switch (width) {
	case 4: return ORDER_AS(int32_t, a, b);
	case 8: return ORDER_AS(int64_t, a, b);
	case 16: return ORDER_AS(__int128, a, b);
	default: break;
	}
	int upper = ORDER_AS(__int128, a + 16, b + 16);
	return upper ? upper : ORDER_AS(unsigned __int128, a, b);
}

static int order_strings(const struct column *a, size_t row_a, const struct column *b, size_t row_b)
{
	size_t len_a, len_b;
	const uint8_t *bytes_a = column_string(a, row_a, &len_a);
	const uint8_t *bytes_b = column_string(b, row_b, &len_b);
	int order = memcmp(bytes_a, bytes_b, len_a < len_b ? len_a : len_b);

	return order ? ORDER(order, 0) : ORDER(len_a, len_b);
}

static int order_fixed(const struct type *type, const uint8_t *a, const uint8_t *b)
{
	switch (type->kind) {
	case TYPE_BOOL: return ORDER(*a, *b);
	case TYPE_INT16: return ORDER_AS(int16_t, a, b);
	case TYPE_INT32:
	case TYPE_DATE: return ORDER_AS(int32_t, a, b);
	case TYPE_INT64:
	case TYPE_TIMESTAMP:
	case TYPE_TIMESTAMPTZ: return ORDER_AS(int64_t, a, b);
	case TYPE_UINT32: return ORDER_AS(uint32_t, a, b);
	case TYPE_UINT64: return ORDER_AS(uint64_t, a, b);
	case TYPE_FLOAT32:
	case TYPE_FLOAT64:
		return order_floats(read_float(type->kind, a), read_float(type->kind, b));
	case TYPE_DECIMAL: return order_decimals(type_width(type), a, b);
	case TYPE_UUID: return ORDER(memcmp(a, b, 16), 0);
	case TYPE_STRING:
	case TYPE_SYMBOL:
	case TYPE_JSON:
	case TYPE_POINT:
	case TYPE_ARRAY:
	case TYPE_MAP: break;
	}
	assert(!"a value of a fixed width");
	return 0;
}

int column_compare(const struct column *a, size_t row_a, const struct column *b, size_t row_b)
{
	bool null_a = column_is_null(a, row_a), null_b = column_is_null(b, row_b);

	assert(a->type.kind == b->type.kind && !a->children);
	if (null_a || null_b)
		return ORDER(null_b, null_a);
	if (type_is_string(&a->type))
		return order_strings(a, row_a, b, row_b);
	size_t width = type_width(&a->type);
	return order_fixed(&a->type, column_fixed(a, row_a, width), column_fixed(b, row_b, width));
}

/* The elements of a row; for a point its one place in both children. */
static void elements(const struct column *c, size_t row, size_t *from, size_t *to)
{
	*from = row;
	*to = row + 1;
	if (c->type.kind != TYPE_POINT)
		column_range(c, row, from, to);
}

bool column_equal(const struct column *a, size_t row_a, const struct column *b, size_t row_b)
{
	if (!a->children)
		return column_compare(a, row_a, b, row_b) == 0;
	size_t from_a, to_a, from_b, to_b;
	elements(a, row_a, &from_a, &to_a);
	elements(b, row_b, &from_b, &to_b);
	if (to_a - from_a != to_b - from_b)
		return false;
	for (size_t child = 0; child < column_child_count(a->type.kind); child++)
		for (size_t i = 0; i < to_a - from_a; i++)
			if (!column_equal(&a->children[child], from_a + i, &b->children[child],
				    from_b + i))
				return false;
	return true;
}

static uint64_t hash_float(double value, uint64_t seed)
{
	if (isnan(value))
		value = NAN;
	else if (value == 0)
		value = 0;
	return XXH3_64bits_withSeed(&value, sizeof value, seed);
}

uint64_t column_hash(const struct column *c, size_t row, uint64_t seed)
{
	static const char null_marker[] = "NULL value";

	if (column_is_null(c, row))
		return XXH3_64bits_withSeed(null_marker, sizeof null_marker, seed);
	if (c->children) {
		size_t from, to;
		elements(c, row, &from, &to);
		seed = XXH3_64bits_withSeed(&(uint64_t){to - from}, sizeof(uint64_t), seed);
		for (size_t child = 0; child < column_child_count(c->type.kind); child++)
			for (size_t i = from; i < to; i++)
				seed = column_hash(&c->children[child], i, seed);
		return seed;
	}
	if (type_is_string(&c->type)) {
		size_t len;
		const uint8_t *bytes = column_string(c, row, &len);
		return XXH3_64bits_withSeed(bytes, len, seed);
	}
	size_t width = type_width(&c->type);
	const uint8_t *bytes = column_fixed(c, row, width);
	if (c->type.kind == TYPE_FLOAT32 || c->type.kind == TYPE_FLOAT64)
		return hash_float(read_float(c->type.kind, bytes), seed);
	return XXH3_64bits_withSeed(bytes, width, seed);
}
