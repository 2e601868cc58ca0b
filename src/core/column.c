/* Columns: layout, appending, taking back, copying; see column.h. Order and text are in their own
 * files. */
#include "core/column.h"

#include <assert.h>
#include <stdlib.h>
#include "base/mem.h"

/* A cleared column keeps its memory for the next batch, but not what one giant value needed. */
#define KEPT_BY_CLEAR ((size_t)16 << 20)

#define LONGEST_LENGTH 5 /* bytes of the varint of a uint32 */

static const struct type coordinate_type = {.kind = TYPE_FLOAT64};
static const struct type map_key_type = {.kind = TYPE_STRING};
static const struct type map_value_type = {.kind = TYPE_STRING, .nullable = true};

static const struct type *child_type(const struct type *type, size_t i)
{
	if (type->kind == TYPE_ARRAY)
		return type->element;
	if (type->kind == TYPE_POINT)
		return &coordinate_type;
	return i == 0 ? &map_key_type : &map_value_type;
}

void column_init(struct column *c, const struct type *type)
{
	size_t children = column_child_count(type->kind);

	assert(!(type->nullable && children));
	*c = (struct column){.type = *type};
	buf_init(&c->nulls, BUF_MAX);
	buf_init(&c->values, BUF_MAX);
	buf_init(&c->ends, BUF_MAX);
	buf_init(&c->unchanged, BUF_MAX);
	if (!children)
		return;
	c->children = xcalloc(children, sizeof *c->children);
	for (size_t i = 0; i < children; i++)
		column_init(&c->children[i], child_type(type, i));
}

void column_release(struct column *c)
{
	buf_release(&c->nulls);
	buf_release(&c->values);
	buf_release(&c->ends);
	buf_release(&c->unchanged);
	for (size_t i = 0; c->children && i < column_child_count(c->type.kind); i++)
		column_release(&c->children[i]);
	free(c->children);
	c->children = NULL;
	c->rows = 0;
}

static void clear_buf(struct buf *b)
{
	if (b->cap > KEPT_BY_CLEAR)
		buf_release(b);
	else
		buf_clear(b);
}

void column_clear(struct column *c)
{
	clear_buf(&c->nulls);
	clear_buf(&c->values);
	clear_buf(&c->ends);
	clear_buf(&c->unchanged);
	for (size_t i = 0; i < column_child_count(c->type.kind); i++)
		column_clear(&c->children[i]);
	c->rows = 0;
}

static uint32_t string_end(const struct column *c, size_t row)
{
	uint32_t end;

	memcpy(&end, c->ends.data + row * sizeof end, sizeof end);
	return end;
}

static uint64_t elements_end(const struct column *c, size_t row)
{
	uint64_t end;

	memcpy(&end, c->ends.data + row * sizeof end, sizeof end);
	return end;
}

/* Children are cut even when no row of this column goes: a half row may have left elements in
 * them. */
static void truncate_children(struct column *c)
{
	size_t keep = c->rows;

	if (c->type.kind != TYPE_POINT) {
		keep = c->rows ? (size_t)elements_end(c, c->rows - 1) : 0;
		c->ends.len = c->rows * sizeof(uint64_t);
	}
	for (size_t i = 0; i < column_child_count(c->type.kind); i++)
		column_truncate(&c->children[i], keep);
}

void column_truncate(struct column *c, size_t rows)
{
	if (rows < c->rows)
		c->rows = rows;
	if (c->nulls.len > c->rows)
		c->nulls.len = c->rows;
	if (c->unchanged.len > c->rows)
		c->unchanged.len = c->rows;
	if (c->children) {
		truncate_children(c);
	} else if (type_is_string(&c->type)) {
		c->values.len = c->rows ? string_end(c, c->rows - 1) : 0;
		c->ends.len = c->rows * sizeof(uint32_t);
	} else {
		c->values.len = c->rows * type_width(&c->type);
	}
}

size_t column_bytes(const struct column *c)
{
	size_t bytes = c->nulls.len + c->values.len + c->ends.len + c->unchanged.len;

	for (size_t i = 0; i < column_child_count(c->type.kind); i++)
		bytes += column_bytes(&c->children[i]);
	return bytes;
}

/* The hottest function there is: room is asked for once for length and bytes. */
uint8_t *column_add_string(struct column *c, size_t len)
{
	struct buf *values = &c->values;

	assert(len <= UINT32_MAX);
	if (values->cap - values->len < len + LONGEST_LENGTH)
		buf_grow(values, len + LONGEST_LENGTH);
	uint8_t *p = values->data + values->len;
	size_t rest = len;
	for (; rest >= 0x80; rest >>= 7)
		*p++ = (uint8_t)(rest | 0x80);
	*p++ = (uint8_t)rest;
	values->len = (size_t)(p - values->data) + len;
	uint32_t end = (uint32_t)values->len;
	memcpy(buf_extend(&c->ends, sizeof end), &end, sizeof end);
	if (c->type.nullable)
		buf_u8(&c->nulls, 0);
	c->rows++;
	return p;
}

void column_end_row(struct column *c)
{
	size_t elements = c->children[0].rows;

	if (c->type.kind == TYPE_POINT) {
		assert(elements == c->rows + 1 && c->children[1].rows == elements);
	} else {
		uint64_t end = elements;
		assert(c->type.kind == TYPE_ARRAY || c->children[1].rows == elements);
		buf_append(&c->ends, &end, sizeof end);
	}
	c->rows++;
}

/* Zero, the empty string, no elements, the point (0,0). */
static void add_zero(struct column *c)
{
	if (c->type.kind == TYPE_POINT) {
		add_zero(&c->children[0]);
		add_zero(&c->children[1]);
	}
	if (c->children) {
		column_end_row(c);
	} else if (type_is_string(&c->type)) {
		column_add_string(c, 0);
	} else {
		size_t width = type_width(&c->type);
		memset(column_add_fixed(c, width), 0, width);
	}
}

void column_add_null(struct column *c)
{
	assert(c->type.nullable);
	add_zero(c);
	c->nulls.data[c->rows - 1] = 1;
}

void column_add_default(struct column *c)
{
	if (c->type.nullable)
		column_add_null(c);
	else
		add_zero(c);
}

/* Marks the last row; rows before it that have no mark yet get none. */
static void mark_unchanged(struct column *c)
{
	size_t missing = c->rows - c->unchanged.len;

	memset(buf_extend(&c->unchanged, missing), 0, missing);
	c->unchanged.data[c->rows - 1] = 1;
}

void column_add_unchanged(struct column *c)
{
	column_add_default(c);
	mark_unchanged(c);
}

const uint8_t *column_string(const struct column *c, size_t row, size_t *len)
{
	size_t start = row ? string_end(c, row - 1) : 0;
	size_t end = string_end(c, row);

	while (c->values.data[start] & 0x80)
		start++;
	start++;
	*len = end - start;
	return c->values.data + start;
}

void column_range(const struct column *c, size_t row, size_t *from, size_t *to)
{
	*from = row ? (size_t)elements_end(c, row - 1) : 0;
	*to = (size_t)elements_end(c, row);
}

static void copy_children(struct column *to, const struct column *from, size_t row)
{
	size_t first = row, end = row + 1;

	if (from->type.kind != TYPE_POINT)
		column_range(from, row, &first, &end);
	for (size_t i = 0; i < column_child_count(from->type.kind); i++)
		for (size_t at = first; at < end; at++)
			column_copy_row(&to->children[i], &from->children[i], at);
	column_end_row(to);
}

void column_copy_row(struct column *to, const struct column *from, size_t row)
{
	assert(to->type.kind == from->type.kind);
	if (column_is_null(from, row)) {
		column_add_default(to);
	} else if (from->children) {
		copy_children(to, from, row);
	} else if (type_is_string(&from->type)) {
		size_t len;
		const uint8_t *bytes = column_string(from, row, &len);
		memcpy(column_add_string(to, len), bytes, len);
	} else {
		size_t width = type_width(&from->type);
		assert(width == type_width(&to->type));
		memcpy(column_add_fixed(to, width), column_fixed(from, row, width), width);
	}
	if (column_is_unchanged(from, row))
		mark_unchanged(to);
}
