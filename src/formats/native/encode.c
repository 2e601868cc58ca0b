/*
 * Columns to a Native block; see native.h. Adding a column only notes its pieces (a null map,
 * offsets, values ...); the bytes are made when they are pulled. A piece whose rows are taken in
 * their own order and need no change is the column's memory itself.
 */
#include "formats/native/native.h"

#include <assert.h>

#define SCRATCH_BYTES ((size_t)64 << 10)
#define BY_REFERENCE  ((size_t)8 << 10) /* a string that long is not copied */
#define HEADER_BYTES  32

enum piece_kind {
	PIECE_BYTES,   /* `base`, `rows` bytes */
	PIECE_FIXED,   /* values `stride` apart */
	PIECE_MAPPED,  /* bytes through `map` */
	PIECE_UUID,    /* two halves, each with its bytes turned */
	PIECE_STRINGS, /* `base`, `ends` */
	PIECE_OFFSETS, /* of arrays, from `ends` */
};

struct native_piece {
	enum piece_kind kind;
	const uint8_t *base;
	const void *ends;
	const uint8_t *map;
	const uint32_t *order;
	size_t rows, stride, width;
};

static void add_piece(struct native_encoder *e, struct native_piece piece)
{
	if (piece.rows)
		vec_push(&e->pieces, piece);
}

static void add_bytes(struct native_encoder *e, const void *bytes, size_t len)
{
	add_piece(e, (struct native_piece){.kind = PIECE_BYTES, .base = bytes, .rows = len});
}

static void add_copy(struct native_encoder *e, const struct buf *bytes)
{
	add_bytes(e, arena_strndup(&e->arena, (const char *)bytes->data, bytes->len), bytes->len);
}

void native_encoder_init(
	struct native_encoder *e, size_t columns, size_t rows, const uint32_t *order)
{
	struct buf head;

	*e = (struct native_encoder){.rows = rows, .order = order};
	arena_init(&e->arena);
	e->scratch = xmalloc(SCRATCH_BYTES);
	buf_init(&head, HEADER_BYTES);
	buf_varint(&head, columns);
	buf_varint(&head, rows);
	add_copy(e, &head);
	buf_release(&head);
}

void native_encoder_release(struct native_encoder *e)
{
	vec_release(&e->pieces);
	arena_release(&e->arena);
	free(e->scratch);
	e->scratch = NULL;
}

void native_encoder_rewind(struct native_encoder *e)
{
	e->piece = 0;
	e->row = 0;
	e->total = 0;
}

static void add_name(struct native_encoder *e, const char *name, const char *type, size_t type_len)
{
	struct buf head;

	buf_init(&head, BUF_MAX);
	buf_varint(&head, strlen(name));
	buf_append(&head, name, strlen(name));
	buf_varint(&head, type_len);
	buf_append(&head, type, type_len);
	add_copy(e, &head);
	buf_release(&head);
}

static void add_fixed(struct native_encoder *e, const void *base, size_t width, size_t rows,
	const uint32_t *order)
{
	if (!order)
		add_bytes(e, base, rows * width);
	else
		add_piece(e, (struct native_piece){.kind = PIECE_FIXED,
				     .base = base,
				     .order = order,
				     .rows = rows,
				     .stride = width,
				     .width = width});
}

static void add_values(
	struct native_encoder *e, const struct column *c, size_t rows, const uint32_t *order);

/* The elements of the rows in their new order, one index each. */
static uint32_t *element_order(struct native_encoder *e, const struct column *c, size_t rows,
	const uint32_t *order, size_t *n_out)
{
	size_t n = 0, from, to;

	for (size_t i = 0; i < rows; i++) {
		column_range(c, order[i], &from, &to);
		n += to - from;
	}
	uint32_t *elements = arena_alloc(&e->arena, (n ? n : 1) * sizeof *elements);
	size_t at = 0;
	for (size_t i = 0; i < rows; i++) {
		column_range(c, order[i], &from, &to);
		for (size_t k = from; k < to; k++)
			elements[at++] = (uint32_t)k;
	}
	*n_out = n;
	return elements;
}

static void add_elements(
	struct native_encoder *e, const struct column *c, size_t rows, const uint32_t *order)
{
	size_t n = 0, from = 0;

	if (order) {
		add_piece(e, (struct native_piece){.kind = PIECE_OFFSETS,
				     .ends = c->ends.data,
				     .order = order,
				     .rows = rows});
		order = element_order(e, c, rows, order, &n);
	} else if (rows) {
		add_bytes(e, c->ends.data, rows * sizeof(uint64_t));
		column_range(c, rows - 1, &from, &n);
	}
	for (size_t i = 0; i < column_child_count(c->type.kind); i++)
		add_values(e, &c->children[i], n, order);
}

static void add_strings(
	struct native_encoder *e, const struct column *c, size_t rows, const uint32_t *order)
{
	if (order)
		add_piece(e, (struct native_piece){.kind = PIECE_STRINGS,
				     .base = c->values.data,
				     .ends = c->ends.data,
				     .order = order,
				     .rows = rows});
	else if (rows)
		add_bytes(e, c->values.data,
			((const uint32_t *)(const void *)c->ends.data)[rows - 1]);
}

static void add_values(
	struct native_encoder *e, const struct column *c, size_t rows, const uint32_t *order)
{
	if (c->type.nullable)
		add_fixed(e, c->nulls.data, 1, rows, order);
	if (c->type.kind == TYPE_ARRAY || c->type.kind == TYPE_MAP) {
		add_elements(e, c, rows, order);
	} else if (c->type.kind == TYPE_POINT) {
		for (size_t i = 0; i < 2; i++)
			add_values(e, &c->children[i], rows, order);
	} else if (type_is_string(&c->type)) {
		add_strings(e, c, rows, order);
	} else if (c->type.kind == TYPE_UUID) {
		add_piece(e, (struct native_piece){.kind = PIECE_UUID,
				     .base = c->values.data,
				     .order = order,
				     .rows = rows});
	} else {
		add_fixed(e, c->values.data, type_width(&c->type), rows, order);
	}
}

void native_encoder_column(struct native_encoder *e, const char *name, const struct column *c)
{
	struct buf type;

	buf_init(&type, BUF_MAX);
	native_type_print(&c->type, &type);
	add_name(e, name, (const char *)type.data, type.len);
	buf_release(&type);
	add_values(e, c, e->rows, e->order);
}

void native_encoder_field(struct native_encoder *e, const struct native_field *f)
{
	assert(!f->map || f->width == 1);
	add_name(e, f->name, f->type, strlen(f->type));
	add_piece(e, (struct native_piece){.kind = f->map ? PIECE_MAPPED : PIECE_FIXED,
			     .base = f->first,
			     .map = f->map,
			     .order = e->order,
			     .rows = e->rows,
			     .stride = f->stride,
			     .width = f->width});
}

static inline size_t row_at(const struct native_piece *p, size_t i)
{
	return p->order ? p->order[i] : i;
}

#define GATHER(bytes)                  \
	for (size_t i = 0; i < n; i++) \
	memcpy(out + i * (bytes), p->base + row_at(p, from + i) * p->stride, (bytes))

static void gather_fixed(const struct native_piece *p, size_t from, size_t n, uint8_t *out)
{
	/* A constant width is a load and a store; a variable one a call. */
	switch (p->width) {
	case 1: GATHER(1); break;
	case 2: GATHER(2); break;
	case 4: GATHER(4); break;
	case 8: GATHER(8); break;
	case 16: GATHER(16); break;
	default: GATHER(p->width); break;
	}
}

static size_t pull_fixed(struct native_encoder *e, const struct native_piece *p)
{
	size_t n = SCRATCH_BYTES / p->width;
	if (n > p->rows - e->row)
		n = p->rows - e->row;
	gather_fixed(p, e->row, n, e->scratch);
	e->row += n;
	return n * p->width;
}

static size_t pull_mapped(struct native_encoder *e, const struct native_piece *p)
{
	size_t n = p->rows - e->row < SCRATCH_BYTES ? p->rows - e->row : SCRATCH_BYTES;
	for (size_t i = 0; i < n; i++)
		e->scratch[i] = p->map[p->base[row_at(p, e->row + i) * p->stride]];
	e->row += n;
	return n;
}

static size_t pull_uuids(struct native_encoder *e, const struct native_piece *p)
{
	size_t n = SCRATCH_BYTES / 16;
	if (n > p->rows - e->row)
		n = p->rows - e->row;
	for (size_t i = 0; i < n; i++) {
		uint64_t half[2];
		memcpy(half, p->base + row_at(p, e->row + i) * 16, 16);
		half[0] = __builtin_bswap64(half[0]);
		half[1] = __builtin_bswap64(half[1]);
		memcpy(e->scratch + i * 16, half, 16);
	}
	e->row += n;
	return n * 16;
}

static size_t pull_offsets(struct native_encoder *e, const struct native_piece *p)
{
	const uint64_t *ends = p->ends;
	size_t n = SCRATCH_BYTES / sizeof(uint64_t);
	if (n > p->rows - e->row)
		n = p->rows - e->row;
	for (size_t i = 0; i < n; i++) {
		size_t row = row_at(p, e->row + i);
		e->total += ends[row] - (row ? ends[row - 1] : 0);
		memcpy(e->scratch + i * sizeof e->total, &e->total, sizeof e->total);
	}
	e->row += n;
	return n * sizeof(uint64_t);
}

/* Long strings go out by reference, which also keeps the scratch bounded. */
static size_t pull_strings(
	struct native_encoder *e, const struct native_piece *p, const uint8_t **data)
{
	const uint32_t *ends = p->ends;
	size_t len = 0;

	for (; e->row < p->rows; e->row++) {
		size_t row = row_at(p, e->row);
		size_t from = row ? ends[row - 1] : 0, size = ends[row] - from;
		if (size >= BY_REFERENCE && !len) {
			e->row++;
			*data = p->base + from;
			return size;
		}
		if (size >= BY_REFERENCE || len + size > SCRATCH_BYTES)
			break;
		memcpy(e->scratch + len, p->base + from, size);
		len += size;
	}
	return len;
}

bool native_encoder_next(struct native_encoder *e, const uint8_t **data, size_t *len)
{
	if (e->piece == e->pieces.len)
		return false;
	const struct native_piece *p = &e->pieces.items[e->piece];
	*data = e->scratch;
	switch (p->kind) {
	case PIECE_BYTES:
		*data = p->base;
		*len = e->row = p->rows;
		break;
	case PIECE_FIXED: *len = pull_fixed(e, p); break;
	case PIECE_MAPPED: *len = pull_mapped(e, p); break;
	case PIECE_UUID: *len = pull_uuids(e, p); break;
	case PIECE_STRINGS: *len = pull_strings(e, p, data); break;
	case PIECE_OFFSETS: *len = pull_offsets(e, p); break;
	}
	if (e->row == p->rows) {
		e->piece++;
		e->row = 0;
		e->total = 0;
	}
	return true;
}
