/* Values that need no arithmetic, and containers of others. */
#include <openssl/evp.h>
#include "base/text.h"
#include "formats/debezium/base64.h"
#include "formats/debezium/decode.h"
#include "formats/debezium/field.h"

#define READ(type, c, row)                                                               \
	({                                                                               \
		type value_;                                                             \
		memcpy(&value_, column_fixed((c), (row), sizeof value_), sizeof value_); \
		value_;                                                                  \
	})

bool write_bool(const struct field *f, const struct column *c, size_t row, struct connect_writer *w,
	struct error *err)
{
	(void)f;
	(void)err;
	w->ops->boolean(w, *column_fixed(c, row, 1));
	return true;
}

bool write_int16(const struct field *f, const struct column *c, size_t row,
	struct connect_writer *w, struct error *err)
{
	(void)f;
	(void)err;
	w->ops->integer(w, READ(int16_t, c, row));
	return true;
}

bool write_int32(const struct field *f, const struct column *c, size_t row,
	struct connect_writer *w, struct error *err)
{
	(void)f;
	(void)err;
	w->ops->integer(w, READ(int32_t, c, row));
	return true;
}

bool write_int64(const struct field *f, const struct column *c, size_t row,
	struct connect_writer *w, struct error *err)
{
	(void)f;
	(void)err;
	w->ops->integer(w, READ(int64_t, c, row));
	return true;
}

bool write_uint32(const struct field *f, const struct column *c, size_t row,
	struct connect_writer *w, struct error *err)
{
	(void)f;
	(void)err;
	w->ops->integer(w, READ(uint32_t, c, row));
	return true;
}

bool write_uint64(const struct field *f, const struct column *c, size_t row,
	struct connect_writer *w, struct error *err)
{
	char memory[24];
	struct buf text = {.data = (uint8_t *)memory, .cap = sizeof memory, .max = sizeof memory};

	(void)f;
	(void)err;
	text_print_uint(READ(uint64_t, c, row), &text);
	w->ops->string(w, text.data, text.len);
	return true;
}

bool write_float32(const struct field *f, const struct column *c, size_t row,
	struct connect_writer *w, struct error *err)
{
	(void)f;
	(void)err;
	w->ops->float32(w, READ(float, c, row));
	return true;
}

bool write_float64(const struct field *f, const struct column *c, size_t row,
	struct connect_writer *w, struct error *err)
{
	(void)f;
	(void)err;
	w->ops->float64(w, READ(double, c, row));
	return true;
}

bool write_string(const struct field *f, const struct column *c, size_t row,
	struct connect_writer *w, struct error *err)
{
	size_t len;
	const uint8_t *text = column_string(c, row, &len);

	(void)f;
	if (!utf8_valid((const char *)text, len))
		return error_set(err, ERROR_DATA, "the text is not UTF-8, as texts in events are");
	w->ops->string(w, text, len);
	return true;
}

bool write_uuid(const struct field *f, const struct column *c, size_t row, struct connect_writer *w,
	struct error *err)
{
	static const uint8_t groups[] = {4, 2, 2, 2, 6};
	const uint8_t *bytes = column_fixed(c, row, 16);
	char text[37], *at = text;

	(void)f;
	(void)err;
	for (size_t i = 0; i < COUNT_OF(groups); i++) {
		text_hex(bytes, groups[i], at);
		bytes += groups[i];
		at += 2 * groups[i];
		*at++ = '-';
	}
	w->ops->string(w, text, 36);
	return true;
}

static size_t print_binary(int mode, const uint8_t *bytes, size_t n, char *out)
{
	if (mode == BINARY_HEX) {
		text_hex(bytes, n, out);
		return 2 * n;
	}
	size_t len = (size_t)EVP_EncodeBlock((unsigned char *)out, bytes, (int)n);
	for (size_t i = 0; mode == BINARY_BASE64_URL && i < len; i++)
		out[i] = out[i] == '+' ? '-' : out[i] == '/' ? '_' : out[i];
	return len;
}

static void put_bytes(
	const struct field *f, const uint8_t *bytes, size_t len, struct connect_writer *w)
{
	if (f->modes->binary == BINARY_BYTES) {
		w->ops->bytes(w, bytes, len);
		return;
	}
	char *text = xmalloc(2 * len + 4);
	w->ops->string(w, text, print_binary(f->modes->binary, bytes, len, text));
	free(text);
}

bool write_bytes(const struct field *f, const struct column *c, size_t row,
	struct connect_writer *w, struct error *err)
{
	size_t len;
	const uint8_t *bytes = column_string(c, row, &len);

	(void)err;
	put_bytes(f, bytes, len, w);
	return true;
}

/* In JSON bytes are "\x0aff". */
bool write_text_bytes(const struct field *f, const struct column *c, size_t row,
	struct connect_writer *w, struct error *err)
{
	size_t len;
	const uint8_t *text = column_string(c, row, &len);
	uint8_t *bytes = xmalloc(len + 1);
	ssize_t n = len < 2 ? -1 : hex_decode(text + 2, len - 2, bytes);

	if (n >= 0)
		put_bytes(f, bytes, (size_t)n, w);
	free(bytes);
	return n >= 0 || error_set(err, ERROR_DATA, "the text is not hexadecimal");
}

/* bit(1), varbit(1) */
bool write_bit(const struct field *f, const struct column *c, size_t row, struct connect_writer *w,
	struct error *err)
{
	size_t len;
	const uint8_t *text = column_string(c, row, &len);

	(void)f;
	(void)err;
	w->ops->boolean(w, len && text[len - 1] == '1');
	return true;
}

/* The lowest bit first, as java.util.BitSet lays them out: zeros on the left take no bytes. */
bool write_bits(const struct field *f, const struct column *c, size_t row, struct connect_writer *w,
	struct error *err)
{
	size_t len;
	const uint8_t *text = column_string(c, row, &len);

	(void)f;
	(void)err;
	for (; len && *text == '0'; len--)
		text++;
	size_t n = (len + 7) / 8;
	uint8_t *bytes = xcalloc(n + 1, 1);
	for (size_t i = 0; i < len; i++)
		if (text[len - 1 - i] == '1')
			bytes[i / 8] |= (uint8_t)(1u << (i % 8));
	w->ops->bytes(w, bytes, n);
	free(bytes);
	return true;
}

/* --- Containers ------------------------------------------------------------------------------- */

bool write_array(const struct field *f, const struct column *c, size_t row,
	struct connect_writer *w, struct error *err)
{
	size_t from, to;
	bool fine = true;

	column_range(c, row, &from, &to);
	w->ops->array_begin(w, to - from);
	for (size_t i = from; fine && i < to; i++)
		fine = field_write(f->element, &c->children[0], i, w, err);
	w->ops->array_end(w);
	return fine;
}

bool write_map(const struct field *f, const struct column *c, size_t row, struct connect_writer *w,
	struct error *err)
{
	size_t from, to;
	bool fine = true;

	column_range(c, row, &from, &to);
	w->ops->map_begin(w, to - from);
	for (size_t i = from; fine && i < to; i++) {
		size_t len;
		const char *key = (const char *)column_string(&c->children[0], i, &len);
		bool present = !column_is_null(&c->children[1], i);
		w->ops->field(w, key, len);
		w->ops->optional(w, f->schema->element, present);
		fine = !present || write_string(f, &c->children[1], i, w, err);
	}
	w->ops->map_end(w);
	return fine;
}

bool write_map_as_json(const struct field *f, const struct column *c, size_t row,
	struct connect_writer *w, struct error *err)
{
	struct buf text;

	(void)f;
	(void)err;
	buf_init(&text, BUF_MAX);
	column_print(c, row, &text);
	w->ops->string(w, text.data, text.len);
	buf_release(&text);
	return true;
}

/* From JSON text, for want of a nullable container; see table_column.json_of. */
bool write_carried(const struct field *f, const struct column *c, size_t row,
	struct connect_writer *w, struct error *err)
{
	size_t len;
	const uint8_t *json = column_string(c, row, &len);
	struct column value;

	column_init(&value, f->element->type);
	bool fine = decode_json(f->element->type, json, len, &value, err) &&
		    f->element->write(f->element, &value, 0, w, err);
	column_release(&value);
	return fine;
}
