/*
 * Native blocks to columns; see native.h. Each part (a block's head, a column's name and type, a
 * column's values) is first measured in what has come so far; only when it is whole and sane is
 * it appended, so nothing ever has to be taken back. A part that is not whole waits until the
 * bytes it misses are there; strings, whose length is known only by walking them, until half as
 * many again, so that the walking stays linear.
 */
#include "formats/native/native.h"

#include <assert.h>

#define MAX_ROWS   ((uint64_t)UINT32_MAX) /* of a block, and elements of its arrays */
#define MAX_NAME   ((uint64_t)64 << 10)
#define MAX_STRING ((uint64_t)UINT32_MAX)

enum part { PART_WHOLE, PART_SHORT, PART_BAD };

struct cursor {
	const uint8_t *at, *end;
	size_t missing; /* after PART_SHORT: at least so many bytes more */
	bool walked;    /* strings were walked to find that out */
	const char *problem;
};

static enum part bad(struct cursor *c, const char *problem)
{
	c->problem = problem;
	return PART_BAD;
}

static enum part skip(struct cursor *c, uint64_t n)
{
	uint64_t have = (uint64_t)(c->end - c->at);
	if (have < n) {
		c->missing = n - have;
		return PART_SHORT;
	}
	c->at += n;
	return PART_WHOLE;
}

static enum part read_varint(struct cursor *c, uint64_t *out)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		if (c->at == c->end) {
			c->missing = 1;
			return PART_SHORT;
		}
		uint8_t byte = *c->at++;
		v |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80) {
			*out = v;
			return PART_WHOLE;
		}
	}
	return bad(c, "a length has no end");
}

static enum part read_text(struct cursor *c, const uint8_t **text, size_t *len)
{
	uint64_t n;
	enum part part = read_varint(c, &n);

	if (part != PART_WHOLE)
		return part;
	if (n > MAX_NAME)
		return bad(c, "a name is longer than 64 KiB");
	*text = c->at;
	*len = n;
	return skip(c, n);
}

static enum part measure_strings(struct cursor *c, size_t rows)
{
	const uint8_t *start = c->at;

	for (size_t i = 0; i < rows; i++) {
		uint64_t n;
		enum part part = read_varint(c, &n);
		if (part == PART_WHOLE && n > MAX_STRING)
			return bad(c, "a string is longer than 4 GiB");
		if (part == PART_WHOLE)
			part = skip(c, n);
		if (part == PART_SHORT)
			c->walked = true;
		if (part != PART_WHOLE)
			return part;
	}
	if ((uint64_t)(c->at - start) > MAX_STRING)
		return bad(c, "the strings of a block are longer than 4 GiB");
	return PART_WHOLE;
}

static uint64_t load_u64(const uint8_t *p)
{
	uint64_t v;
	memcpy(&v, p, sizeof v);
	return v;
}

static enum part measure_values(
	struct cursor *c, const struct type *type, const struct column *column, size_t rows);

static enum part measure_elements(struct cursor *c, const struct column *column, size_t rows)
{
	const uint8_t *offsets = c->at;
	uint64_t last = 0;
	enum part part = skip(c, (uint64_t)rows * sizeof(uint64_t));

	if (part != PART_WHOLE)
		return part;
	for (size_t i = 0; i < rows; i++) {
		uint64_t end = load_u64(offsets + i * sizeof end);
		if (end < last || end > MAX_ROWS)
			return bad(c, "the offsets of an array do not grow, or are too large");
		last = end;
	}
	for (size_t i = 0; part == PART_WHOLE && i < column_child_count(column->type.kind); i++)
		part = measure_values(c, &column->children[i].type, &column->children[i], last);
	return part;
}

static enum part measure_values(
	struct cursor *c, const struct type *type, const struct column *column, size_t rows)
{
	enum part part = type->nullable ? skip(c, rows) : PART_WHOLE;

	if (part != PART_WHOLE)
		return part;
	if (type->kind == TYPE_ARRAY || type->kind == TYPE_MAP)
		return measure_elements(c, column, rows);
	if (type_is_string(type))
		return measure_strings(c, rows);
	for (size_t i = 0; part == PART_WHOLE && i < column_child_count(type->kind); i++)
		part = measure_values(c, &column->children[i].type, &column->children[i], rows);
	return part == PART_WHOLE ? skip(c, (uint64_t)rows * type_width(type)) : part;
}

/* Below, every byte is known to be there. */

static const uint8_t *take(struct cursor *c, size_t n)
{
	const uint8_t *p = c->at;
	c->at += n;
	assert(c->at <= c->end);
	return p;
}

static void append_strings(
	struct cursor *c, struct column *column, size_t rows, const uint8_t *nulls)
{
	for (size_t i = 0; i < rows; i++) {
		uint64_t n = 0;
		enum part part = read_varint(c, &n);
		assert(part == PART_WHOLE);
		const uint8_t *bytes = take(c, n);
		if (nulls && nulls[i])
			column_add_null(column);
		else
			memcpy(column_add_string(column, n), bytes, n);
	}
}

static void turn_uuids(uint8_t *values, size_t rows)
{
	for (size_t i = 0; i < rows; i++) {
		uint64_t half[2];
		memcpy(half, values + i * 16, 16);
		half[0] = __builtin_bswap64(half[0]);
		half[1] = __builtin_bswap64(half[1]);
		memcpy(values + i * 16, half, 16);
	}
}

static void append_fixed(struct cursor *c, struct column *column, size_t rows, const uint8_t *nulls)
{
	size_t width = type_width(&column->type);
	uint8_t *values = buf_extend(&column->values, rows * width);

	memcpy(values, take(c, rows * width), rows * width);
	if (column->type.kind == TYPE_UUID)
		turn_uuids(values, rows);
	if (column->type.kind == TYPE_BOOL)
		for (size_t i = 0; i < rows; i++)
			values[i] = values[i] != 0;
	column->rows += rows;
	if (!nulls)
		return;
	uint8_t *flags = buf_extend(&column->nulls, rows);
	for (size_t i = 0; i < rows; i++) {
		flags[i] = nulls[i] != 0;
		if (flags[i])
			memset(values + i * width, 0, width);
	}
}

static void append_values(struct cursor *c, struct column *column, size_t rows);

static void append_elements(struct cursor *c, struct column *column, size_t rows)
{
	const uint8_t *offsets = take(c, rows * sizeof(uint64_t));
	uint64_t base = 0, last = load_u64(offsets + (rows - 1) * sizeof last);

	if (column->rows)
		base = load_u64(column->ends.data + (column->rows - 1) * sizeof base);
	for (size_t i = 0; i < rows; i++) {
		uint64_t end = base + load_u64(offsets + i * sizeof end);
		buf_append(&column->ends, &end, sizeof end);
	}
	column->rows += rows;
	for (size_t i = 0; i < column_child_count(column->type.kind); i++)
		append_values(c, &column->children[i], last);
}

static void append_values(struct cursor *c, struct column *column, size_t rows)
{
	if (!rows)
		return;
	const uint8_t *nulls = column->type.nullable ? take(c, rows) : NULL;
	if (column->type.kind == TYPE_ARRAY || column->type.kind == TYPE_MAP) {
		append_elements(c, column, rows);
	} else if (column->type.kind == TYPE_POINT) {
		append_values(c, &column->children[0], rows);
		append_values(c, &column->children[1], rows);
		column->rows += rows;
	} else if (type_is_string(&column->type)) {
		append_strings(c, column, rows, nulls);
	} else {
		append_fixed(c, column, rows, nulls);
	}
}

/* The decoder proper: which part comes next. */

void native_decoder_init(
	struct native_decoder *d, const struct native_target *targets, size_t n, size_t max_bytes)
{
	*d = (struct native_decoder){.targets = targets, .n_targets = n, .column = n};
	buf_init(&d->pending, max_bytes);
}

void native_decoder_release(struct native_decoder *d)
{
	buf_release(&d->pending);
}

static enum part read_head(struct native_decoder *d, struct cursor *c)
{
	uint64_t columns = 0, rows = 0;
	enum part part = read_varint(c, &columns);

	if (part == PART_WHOLE)
		part = read_varint(c, &rows);
	if (part != PART_WHOLE)
		return part;
	if (rows > MAX_ROWS)
		return bad(c, "a block has too many rows");
	if (!columns && !rows)
		return PART_WHOLE;
	if (columns != d->n_targets)
		return bad(c, "a block has another number of columns than was asked for");
	d->block_rows = rows;
	d->column = 0;
	d->named = false;
	return PART_WHOLE;
}

static bool text_is(const uint8_t *text, size_t len, const char *expected)
{
	return strlen(expected) == len && !memcmp(text, expected, len);
}

/* The text behind a time zone: ", 'Europe/Berlin'". It says how a time is shown, not what it is,
 * and comes from the server's settings as well. */
static const uint8_t *skip_zone(const uint8_t *at, const uint8_t *end)
{
	if (end - at < 4 || memcmp(at, ", '", 3) != 0)
		return at;
	const uint8_t *quote = memchr(at + 3, '\'', (size_t)(end - at - 3));
	return quote ? quote + 1 : at;
}

static bool same_type(
	const uint8_t *a, const uint8_t *end_a, const uint8_t *b, const uint8_t *end_b)
{
	for (;; a++, b++) {
		a = skip_zone(a, end_a);
		b = skip_zone(b, end_b);
		if (a == end_a || b == end_b)
			return a == end_a && b == end_b;
		if (*a != *b)
			return false;
	}
}

static bool type_is(const struct native_target *target, const uint8_t *text, size_t len)
{
	struct buf expected;

	buf_init(&expected, BUF_MAX);
	if (target->column)
		native_type_print(&target->column->type, &expected);
	else
		buf_puts(&expected, target->type);
	bool is = same_type(text, text + len, expected.data, expected.data + expected.len);
	buf_release(&expected);
	return is;
}

static enum part read_name(struct native_decoder *d, struct cursor *c)
{
	const struct native_target *target = &d->targets[d->column];
	const uint8_t *name = NULL, *type = NULL;
	size_t name_len = 0, type_len = 0;
	enum part part = read_text(c, &name, &name_len);

	if (part == PART_WHOLE)
		part = read_text(c, &type, &type_len);
	if (part != PART_WHOLE)
		return part;
	if (target->name && !text_is(name, name_len, target->name))
		return bad(c, "a column has another name than was asked for");
	if (!type_is(target, type, type_len))
		return bad(c, "a column has another type than was asked for");
	d->named = true;
	return PART_WHOLE;
}

/* Would the bytes of one part, all of them, overflow a buffer of the target? */
static bool has_room(const struct column *column, size_t bytes)
{
	if (buf_room(&column->values) < bytes || buf_room(&column->ends) < bytes ||
		buf_room(&column->nulls) < bytes)
		return false;
	if (type_is_string(&column->type) && column->values.len + bytes > MAX_STRING)
		return false;
	for (size_t i = 0; i < column_child_count(column->type.kind); i++)
		if (!has_room(&column->children[i], bytes))
			return false;
	return true;
}

static enum part read_values(struct native_decoder *d, struct cursor *c)
{
	const struct native_target *target = &d->targets[d->column];
	struct cursor start = *c;
	enum part part = target->column ? measure_values(c, &target->column->type, target->column,
						  d->block_rows)
					: skip(c, (uint64_t)d->block_rows * target->width);

	if (part != PART_WHOLE)
		return part;
	size_t size = (size_t)(c->at - start.at);
	/* The ends of strings take four bytes a row, where the wire takes as little as one. */
	if (target->column ? !has_room(target->column, size * sizeof(uint32_t))
			   : buf_room(target->bytes) < size)
		return bad(c, "the answer is larger than what it may take");
	*c = start;
	if (target->column)
		append_values(c, target->column, d->block_rows);
	else
		buf_append(target->bytes, take(c, size), size);
	d->named = false;
	if (++d->column == d->n_targets)
		d->rows += d->block_rows;
	return PART_WHOLE;
}

static enum part read_part(struct native_decoder *d, struct cursor *c)
{
	if (d->column == d->n_targets)
		return read_head(d, c);
	return d->named ? read_values(d, c) : read_name(d, c);
}

static bool fail(struct native_decoder *d, const char *problem, struct error *err)
{
	const char *name = d->column < d->n_targets ? d->targets[d->column].name : NULL;
	return error_set(err, ERROR_DATA, "Native after row %zu%s%s: %s", d->rows,
		name ? ", column " : "", name ? name : "", problem);
}

static bool drain(struct native_decoder *d, struct error *err)
{
	size_t used = 0;
	enum part part = PART_WHOLE;

	while (part == PART_WHOLE && used < d->pending.len) {
		struct cursor c = {
			.at = d->pending.data + used, .end = d->pending.data + d->pending.len};
		part = read_part(d, &c);
		if (part == PART_BAD)
			return fail(d, c.problem, err);
		if (part == PART_WHOLE) {
			used = (size_t)(c.at - d->pending.data);
			continue;
		}
		size_t rest = d->pending.len - used;
		if (c.missing > d->pending.max - rest)
			return fail(d, "a column of a block is larger than what it may take", err);
		d->want = rest + c.missing;
		if (c.walked && d->want < rest + rest / 2)
			d->want = rest + rest / 2;
	}
	d->pending.len -= used;
	if (used)
		memmove(d->pending.data, d->pending.data + used, d->pending.len);
	if (part == PART_WHOLE)
		d->want = 0;
	return true;
}

bool native_decoder_push(
	struct native_decoder *d, const uint8_t *bytes, size_t len, struct error *err)
{
	while (len) {
		size_t room = buf_room(&d->pending), n = len < room ? len : room;
		if (!n)
			return fail(d, "a column of a block is larger than what it may take", err);
		buf_append(&d->pending, bytes, n);
		bytes += n;
		len -= n;
		if ((d->pending.len >= d->want || !buf_room(&d->pending)) && !drain(d, err))
			return false;
	}
	return true;
}

bool native_decoder_end(struct native_decoder *d, struct error *err)
{
	if (!drain(d, err))
		return false;
	/* A column of no bytes (a block of no rows) needs no more input to be whole. */
	while (d->column < d->n_targets && d->named && !d->block_rows) {
		struct cursor none = {0};
		if (read_part(d, &none) != PART_WHOLE)
			break;
	}
	if (d->pending.len || d->column < d->n_targets)
		return fail(d, "the answer ends in the middle of a block", err);
	return true;
}
