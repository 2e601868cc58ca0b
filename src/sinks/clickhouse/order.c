/*
 * Sorting of rows; see order.h. Mostly they are in order already, and one pass says so. Otherwise
 * each key column is reduced to 64 bits that sort as its values do, and rows are sorted by radix
 * on these: column by column from the last to the first where the bits say all (integers, dates),
 * else by the first column's bits, and rows of equal bits by comparison.
 */
#include "sinks/clickhouse/order.h"

#include <stdlib.h>

#define SIGN ((uint64_t)1 << 63)

struct item {
	uint64_t bits;
	uint32_t row;
};

struct sorting {
	const struct batch *batch;
	const uint16_t *key;
	size_t n_key;
};

static const struct column *key_column(const struct sorting *s, size_t i)
{
	return &s->batch->columns[s->key[i]];
}

#define LOAD(type, bytes)                                \
	({                                               \
		type value_;                             \
		memcpy(&value_, (bytes), sizeof value_); \
		value_;                                  \
	})

static uint64_t string_bits(const struct column *c, size_t row)
{
	uint64_t bits = 0;
	size_t len;
	const uint8_t *bytes = column_string(c, row, &len);

	memcpy(&bits, bytes, len < sizeof bits ? len : sizeof bits);
	return __builtin_bswap64(bits);
}

/* As IEEE 754 numbers sort when their bits are read as integers; both zeros are one. */
static uint64_t float_bits(double value)
{
	uint64_t bits;

	if (value == 0)
		value = 0;
	memcpy(&bits, &value, sizeof bits);
	return bits & SIGN ? ~bits : bits | SIGN;
}

static uint64_t bits_of(const struct column *c, size_t row)
{
	size_t width = type_width(&c->type);
	const uint8_t *p = c->values.data + row * width;

	switch (c->type.kind) {
	case TYPE_BOOL: return *p;
	case TYPE_INT16: return (uint64_t)LOAD(int16_t, p) ^ SIGN;
	case TYPE_INT32:
	case TYPE_DATE: return (uint64_t)LOAD(int32_t, p) ^ SIGN;
	case TYPE_INT64:
	case TYPE_TIMESTAMP:
	case TYPE_TIMESTAMPTZ: return LOAD(uint64_t, p) ^ SIGN;
	case TYPE_UINT32: return LOAD(uint32_t, p);
	case TYPE_UINT64: return LOAD(uint64_t, p);
	case TYPE_FLOAT32: return float_bits((double)LOAD(float, p));
	case TYPE_FLOAT64: return float_bits(LOAD(double, p));
	case TYPE_DECIMAL:
		return (width == 4 ? (uint64_t)LOAD(int32_t, p) : LOAD(uint64_t, p + width - 8)) ^
		       SIGN;
	case TYPE_UUID: return __builtin_bswap64(LOAD(uint64_t, p));
	case TYPE_STRING:
	case TYPE_SYMBOL:
	case TYPE_JSON: return string_bits(c, row);
	case TYPE_POINT:
	case TYPE_ARRAY:
	case TYPE_MAP: break;
	}
	return 0;
}

/* Do equal bits mean equal values? */
static bool bits_say_all(const struct type *type)
{
	size_t width = type_width(type);
	return width && width <= 8;
}

static bool has_order(const struct type *type)
{
	return type->kind != TYPE_ARRAY && type->kind != TYPE_MAP && type->kind != TYPE_POINT;
}

static int compare_column(const struct column *c, size_t a, size_t b)
{
	uint64_t bits_a = bits_of(c, a), bits_b = bits_of(c, b);

	if (bits_a != bits_b)
		return bits_a < bits_b ? -1 : 1;
	return bits_say_all(&c->type) ? 0 : column_compare(c, a, c, b);
}

static int compare_rows(const struct sorting *s, size_t a, size_t b)
{
	for (size_t i = 0; i < s->n_key; i++) {
		int order = compare_column(key_column(s, i), a, b);
		if (order)
			return order;
	}
	return 0;
}

/* Rows of a single integer are the common case: a loop without calls. */
static bool is_sorted(const struct sorting *s, bool strictly)
{
	size_t rows = s->batch->rows;

	if (s->n_key == 1 && bits_say_all(&key_column(s, 0)->type)) {
		const struct column *c = key_column(s, 0);
		uint64_t before = rows ? bits_of(c, 0) : 0;
		for (size_t row = 1; row < rows; row++) {
			uint64_t now = bits_of(c, row);
			if (now < before || (strictly && now == before))
				return false;
			before = now;
		}
		return true;
	}
	for (size_t row = 1; row < rows; row++) {
		int order = compare_rows(s, row - 1, row);
		if (order > 0 || (strictly && !order))
			return false;
	}
	return true;
}

/* Least significant byte first, stable; a byte that is the same in all items costs nothing. */
static void sort_by_bits(struct item **items, struct item **spare, size_t n)
{
	static const size_t values = 256;
	size_t counts[8][256] = {{0}};

	for (size_t i = 0; i < n; i++)
		for (size_t byte = 0; byte < 8; byte++)
			counts[byte][(*items)[i].bits >> (8 * byte) & 0xff]++;
	for (size_t byte = 0; byte < 8; byte++) {
		size_t at = 0;
		if (counts[byte][(*items)[0].bits >> (8 * byte) & 0xff] == n)
			continue;
		for (size_t v = 0; v < values; v++) {
			size_t count = counts[byte][v];
			counts[byte][v] = at;
			at += count;
		}
		for (size_t i = 0; i < n; i++)
			(*spare)[counts[byte][(*items)[i].bits >> (8 * byte) & 0xff]++] =
				(*items)[i];
		struct item *sorted = *spare;
		*spare = *items;
		*items = sorted;
	}
}

static void load_bits(const struct sorting *s, size_t key, struct item *items)
{
	const struct column *c = key_column(s, key);

	for (size_t i = 0; i < s->batch->rows; i++)
		items[i].bits = bits_of(c, items[i].row);
}

static int compare_items(const void *a, const void *b, void *context)
{
	uint32_t row_a = ((const struct item *)a)->row, row_b = ((const struct item *)b)->row;
	int order = compare_rows(context, row_a, row_b);
	return order ? order : (row_a > row_b) - (row_a < row_b);
}

/* Items are sorted by the bits of the first column: settles those of equal bits. */
static void sort_ties(struct sorting *s, struct item *items)
{
	for (size_t from = 0, upto; from < s->batch->rows; from = upto) {
		for (upto = from + 1; upto < s->batch->rows && items[upto].bits == items[from].bits;
			upto++)
			;
		if (upto - from > 1)
			qsort_r(items + from, upto - from, sizeof *items, compare_items, s);
	}
}

static struct item *sort_rows(struct sorting *s)
{
	size_t rows = s->batch->rows;
	struct item *items = xmalloc(rows * sizeof *items), *spare = xmalloc(rows * sizeof *spare);
	bool all = true;

	for (size_t i = 0; i < rows; i++)
		items[i].row = (uint32_t)i;
	for (size_t i = 0; i < s->n_key; i++)
		all = all && bits_say_all(&key_column(s, i)->type);
	for (size_t i = all ? s->n_key : 1; i-- > 0;) {
		load_bits(s, i, items);
		sort_by_bits(&items, &spare, rows);
	}
	if (!all)
		sort_ties(s, items);
	free(spare);
	return items;
}

/* Rows of a key lie side by side, the later ones behind. */
static size_t keep_newest(const struct sorting *s, uint32_t *rows, size_t n)
{
	const struct row_meta *meta = batch_meta(s->batch);
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (!kept || compare_rows(s, rows[kept - 1], rows[i]))
			rows[kept++] = rows[i];
		else if (meta[rows[i]].version >= meta[rows[kept - 1]].version)
			rows[kept - 1] = rows[i];
	}
	return kept;
}

void order_init(
	struct order *o, const struct batch *b, const uint16_t *key, size_t n_key, bool newest_only)
{
	struct sorting s = {.batch = b, .key = key, .n_key = n_key};

	*o = (struct order){.n = b->rows};
	for (size_t i = 0; i < n_key; i++)
		if (!has_order(&key_column(&s, i)->type))
			return;
	if (!n_key || is_sorted(&s, newest_only))
		return;
	struct item *items = sort_rows(&s);
	o->rows = xmalloc(b->rows * sizeof *o->rows);
	for (size_t i = 0; i < b->rows; i++)
		o->rows[i] = items[i].row;
	free(items);
	if (newest_only)
		o->n = keep_newest(&s, o->rows, b->rows);
}

void order_release(struct order *o)
{
	free(o->rows);
	*o = (struct order){0};
}
