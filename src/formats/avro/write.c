/*
 * Connect values as Avro: numbers as zigzag varints, strings and bytes with their length in front, structs
 * as their fields and nothing else, arrays and maps as one block. The schema is not looked at: that the
 * calls fit it is the caller's promise.
 */
#include <assert.h>
#include "formats/avro/avro.h"
#include "formats/avro/forms.h"

enum { MAGIC = 0, HEADER_BYTES = 5 };

static inline void put_long(struct buf *out, int64_t v)
{
	buf_varint(out, (uint64_t)v << 1 ^ (uint64_t)(v >> 63));
}

static void write_optional(
	struct connect_writer *w, const struct connect_schema *schema, bool present)
{
	put_long(w->out, present != avro_has_default(schema));
}

static void write_boolean(struct connect_writer *w, bool v)
{
	buf_u8(w->out, v);
}

static void write_integer(struct connect_writer *w, int64_t v)
{
	put_long(w->out, v);
}

static void write_float32(struct connect_writer *w, float v)
{
	buf_append(w->out, &v, sizeof v); /* little-endian, as this machine is */
}

static void write_float64(struct connect_writer *w, double v)
{
	buf_append(w->out, &v, sizeof v);
}

static void write_bytes(struct connect_writer *w, const void *data, size_t len)
{
	put_long(w->out, (int64_t)len);
	buf_append(w->out, data, len);
}

static inline void enter(struct connect_writer *base, bool map)
{
	struct avro_writer *w = (struct avro_writer *)base;

	assert(!(w->in_map >> 63));
	w->in_map = w->in_map << 1 | map;
}

static inline void leave(struct connect_writer *base)
{
	((struct avro_writer *)base)->in_map >>= 1;
}

static void write_array_begin(struct connect_writer *w, size_t n)
{
	enter(w, false);
	if (n)
		put_long(w->out, (int64_t)n);
}

static void write_map_begin(struct connect_writer *w, size_t n)
{
	enter(w, true);
	if (n)
		put_long(w->out, (int64_t)n);
}

static void write_blocks_end(struct connect_writer *w)
{
	leave(w);
	put_long(w->out, 0);
}

static void write_struct_begin(struct connect_writer *w)
{
	enter(w, false);
}

static void write_struct_end(struct connect_writer *w)
{
	leave(w);
}

static void write_field(struct connect_writer *w, const char *name, size_t len)
{
	if (((struct avro_writer *)w)->in_map & 1)
		write_bytes(w, name, len);
}

static void write_name(struct connect_writer *w, const struct connect_name *name)
{
	write_field(w, name->text, name->len);
}

void avro_writer_init(struct avro_writer *w, struct buf *out)
{
	static const struct connect_writer_ops ops = {
		.optional = write_optional,
		.boolean = write_boolean,
		.integer = write_integer,
		.float32 = write_float32,
		.float64 = write_float64,
		.string = write_bytes,
		.bytes = write_bytes,
		.array_begin = write_array_begin,
		.array_end = write_blocks_end,
		.map_begin = write_map_begin,
		.map_end = write_blocks_end,
		.struct_begin = write_struct_begin,
		.struct_end = write_struct_end,
		.field = write_field,
		.name = write_name,
	};

	*w = (struct avro_writer){.base = {.ops = &ops, .out = out}};
}

void avro_header(struct buf *out, uint32_t schema_id)
{
	uint8_t *p = buf_extend(out, HEADER_BYTES);

	p[0] = MAGIC;
	for (int i = 1; i < HEADER_BYTES; i++)
		p[i] = (uint8_t)(schema_id >> 8 * (HEADER_BYTES - 1 - i));
}

bool avro_take_header(const uint8_t **data, size_t *len, uint32_t *schema_id)
{
	if (*len < HEADER_BYTES || (*data)[0] != MAGIC)
		return false;
	*schema_id = 0;
	for (int i = 1; i < HEADER_BYTES; i++)
		*schema_id = *schema_id << 8 | (*data)[i];
	*data += HEADER_BYTES;
	*len -= HEADER_BYTES;
	return true;
}
