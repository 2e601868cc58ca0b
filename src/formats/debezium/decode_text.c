/* What the target holds as text: text itself, and what PostgreSQL prints of values that have a form of their own. */
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "formats/debezium/base64.h"
#include "formats/debezium/decode.h"
#include "formats/debezium/shape_text.h"
#include "formats/pgtype/forms.h"

#define MOST_BITS 65536 /* that a short value is filled up to: a schema may say any length */

/* --- Integers of a meaning -------------------------------------------------------------------- */

static int64_t to_us(const struct decoder *d, int64_t v)
{
	int64_t us, unit_us = d->unit_ns / 1000;

	if (!unit_us)
		return v / 1000;
	return __builtin_mul_overflow(v, unit_us, &us) ? (v < 0 ? INT64_MIN : INT64_MAX) : us;
}

/* The column's own printer, without its quotes. */
static void print_as(enum type_kind kind, const void *value, size_t size, struct buf *out)
{
	struct column c;

	column_init(&c, &(struct type){.kind = kind});
	memcpy(column_add_fixed(&c, size), value, size);
	size_t from = out->len;
	column_print(&c, 0, out);
	out->len -= 2;
	memmove(out->data + from, out->data + from + 1, out->len - from);
	column_release(&c);
}

/* MySQL's may be negative, and beyond a day. */
static void print_time(int64_t us, struct buf *out)
{
	if (us < 0)
		buf_u8(out, '-');
	pg_print_time(us < 0 && us > INT64_MIN ? -us : us, out);
}

static void print_integer(const struct decoder *d, int64_t v, struct buf *out)
{
	int64_t us = to_us(d, v);
	int32_t days = (int32_t)v;

	switch (d->wire) {
	case WIRE_TIME: print_time(us, out); return;
	case WIRE_DURATION: iso_duration(us, out); return;
	case WIRE_DAYS: print_as(TYPE_DATE, &days, sizeof days, out); return;
	case WIRE_TIMESTAMP: print_as(TYPE_TIMESTAMP, &us, sizeof us, out); return;
	case WIRE_PLAIN:
	case WIRE_FLOAT:
	case WIRE_BYTES:
	case WIRE_BASE64:
	case WIRE_HEX:
	case WIRE_DECIMAL:
	case WIRE_VARIABLE:
	case WIRE_BITS:
	case WIRE_ISO_TIME:
	case WIRE_ZONED_TIME:
	case WIRE_INTERVAL:
	case WIRE_POINT:
	case WIRE_GEOMETRY:
	case WIRE_CIRCLE:
	case WIRE_LINE: break;
	}
	text_print_int(v, out);
}

/* --- Bytes ------------------------------------------------------------------------------------ */

/* The lowest bit first; `scale` of them, or as many as there are from the highest that is set. */
static void print_bits(const struct decoder *d, const uint8_t *bytes, size_t n, struct buf *out)
{
	size_t bits = d->scale > 0 && d->scale <= MOST_BITS ? (size_t)d->scale : 0;

	if (!bits)
		for (bits = n * 8; bits && !(bytes[(bits - 1) / 8] >> ((bits - 1) % 8) & 1);)
			bits--;
	for (size_t i = bits; i-- > 0;)
		buf_u8(out, i / 8 < n && (bytes[i / 8] >> (i % 8) & 1) ? '1' : '0');
}

static bool print_bytes(
	const struct decoder *d, const uint8_t *bytes, size_t n, struct buf *out, struct error *err)
{
	if (d->wire == WIRE_BITS) {
		print_bits(d, bytes, n, out);
		return true;
	}
	if (d->wire == WIRE_DECIMAL)
		return error_set(err, ERROR_DATA, "a decimal without a scale");
	if (d->hex) {
		buf_append(out, "\\x", 2);
		text_hex(bytes, n, buf_extend(out, 2 * n));
		return true;
	}
	buf_append(out, bytes, n);
	return true;
}

static bool print_encoded(
	const struct decoder *d, const struct connect_reader *r, struct buf *out, struct error *err)
{
	uint8_t *bytes = xmalloc(r->len + 1);
	ssize_t n = d->wire == WIRE_HEX ? hex_decode(r->data, r->len, bytes)
					: base64_decode(r->data, r->len, bytes);
	bool fine = n >= 0 ? print_bytes(d, bytes, (size_t)n, out, err)
			   : error_set(err, ERROR_DATA, "the text is not %s",
				     d->wire == WIRE_HEX ? "hexadecimal" : "base64");

	free(bytes);
	return fine;
}

/* --- Strings ---------------------------------------------------------------------------------- */

static bool print_string(
	const struct decoder *d, struct connect_reader *r, struct buf *out, struct error *err)
{
	bool utc = r->len && r->data[r->len - 1] == 'Z';

	switch (d->wire) {
	case WIRE_BYTES:
	case WIRE_BASE64:
	case WIRE_HEX:
	case WIRE_BITS: return print_encoded(d, r, out, err);
	case WIRE_INTERVAL:
		return iso_interval(r->data, r->len, out) ||
		       error_set(err, ERROR_DATA, "the text is no interval in ISO 8601");
	case WIRE_ISO_TIME:
	case WIRE_ZONED_TIME:
		buf_append(out, r->data, r->len - utc);
		if (utc && d->wire == WIRE_ZONED_TIME)
			buf_append(out, "+00", 3);
		return true;
	case WIRE_DECIMAL: return decode_digits(d, r, TOKEN_STRING, err);
	case WIRE_PLAIN:
	case WIRE_FLOAT:
	case WIRE_VARIABLE:
	case WIRE_DAYS:
	case WIRE_TIMESTAMP:
	case WIRE_TIME:
	case WIRE_DURATION:
	case WIRE_POINT:
	case WIRE_GEOMETRY:
	case WIRE_CIRCLE:
	case WIRE_LINE: break;
	}
	buf_append(out, r->data, r->len);
	return true;
}

/* --- JSON of what has no column of its own ---------------------------------------------------- */

static void print_scalar(const struct connect_reader *r, enum connect_token token, struct buf *out)
{
	switch (token) {
	case TOKEN_NULL: buf_append(out, "null", 4); break;
	case TOKEN_BOOLEAN: buf_puts(out, r->boolean ? "true" : "false"); break;
	case TOKEN_INTEGER: text_print_int(r->integer, out); break;
	case TOKEN_REAL:
		if (r->data)
			buf_append(out, r->data, r->len);
		else
			pg_print_float8(r->real, out);
		break;
	case TOKEN_STRING:
	case TOKEN_FIELD: text_print_json((const char *)r->data, r->len, out); break;
	case TOKEN_BYTES:
		buf_append(out, "\"\\\\x", 4);
		text_hex(r->data, r->len, buf_extend(out, 2 * r->len));
		buf_u8(out, '"');
		break;
	case TOKEN_ARRAY: buf_u8(out, '['); break;
	case TOKEN_ARRAY_END: buf_u8(out, ']'); break;
	case TOKEN_STRUCT: buf_u8(out, '{'); break;
	case TOKEN_STRUCT_END: buf_u8(out, '}'); break;
	case TOKEN_END:
	case TOKEN_FAILED: break;
	}
}

bool print_json(
	struct connect_reader *r, enum connect_token token, struct buf *out, struct error *err)
{
	bool first = true;

	for (int depth = 0;; token = connect_next(r, err)) {
		bool opens = token == TOKEN_ARRAY || token == TOKEN_STRUCT;
		bool closes = token == TOKEN_ARRAY_END || token == TOKEN_STRUCT_END;
		if (token == TOKEN_FAILED || token == TOKEN_END)
			return false;
		if (!first && !closes)
			buf_u8(out, ',');
		print_scalar(r, token, out);
		if (token == TOKEN_FIELD)
			buf_u8(out, ':');
		first = opens || token == TOKEN_FIELD;
		depth += opens - closes;
		if (!depth)
			return true;
	}
}

/* --- All -------------------------------------------------------------------------------------- */

static bool print_struct(const struct decoder *d, struct connect_reader *r,
	enum connect_token token, struct buf *out, bool *unchanged, struct error *err)
{
	if (token == TOKEN_STRUCT && d->wire >= WIRE_GEOMETRY)
		return print_shape(d, r, out, unchanged, err);
	return print_json(r, token, out, err);
}

static bool print_any(const struct decoder *d, struct connect_reader *r, enum connect_token token,
	struct buf *out, bool *unchanged, struct error *err)
{
	switch (token) {
	case TOKEN_BOOLEAN:
		if (d->wire == WIRE_BITS)
			buf_u8(out, r->boolean ? '1' : '0');
		else
			buf_puts(out, r->boolean ? "true" : "false");
		return true;
	case TOKEN_INTEGER: print_integer(d, r->integer, out); return true;
	case TOKEN_REAL:
		if (!r->data)
			return decode_digits(d, r, token, err);
		buf_append(out, r->data, r->len);
		return true;
	case TOKEN_STRING: return print_string(d, r, out, err);
	case TOKEN_BYTES:
		if (d->wire == WIRE_DECIMAL)
			return decode_digits(d, r, token, err);
		return print_bytes(d, r->data, r->len, out, err);
	case TOKEN_ARRAY:
	case TOKEN_STRUCT: return print_struct(d, r, token, out, unchanged, err);
	case TOKEN_NULL:
	case TOKEN_ARRAY_END:
	case TOKEN_STRUCT_END:
	case TOKEN_FIELD:
	case TOKEN_END:
	case TOKEN_FAILED: break;
	}
	return wrong_token(d, token, err);
}

static bool add_text(const struct decoder *d, const uint8_t *text, size_t len,
	struct column *column, struct error *err)
{
	if (d->type.kind == TYPE_JSON)
		return pg_decode_json_text(&d->pg, text, len, column, err);
	uint8_t *to = column_add_string(column, len);
	if (len)
		memcpy(to, text, len);
	return true;
}

bool decode_string(const struct decoder *d, struct connect_reader *r, enum connect_token token,
	struct column *column, struct error *err)
{
	struct buf *text = &d->scratch->text;
	bool unchanged = false;

	if (token == TOKEN_STRING && d->wire <= WIRE_FLOAT)
		return add_text(d, r->data, r->len, column, err);
	buf_clear(text);
	bool fine = print_any(d, r, token, text, &unchanged, err);
	if (fine && unchanged)
		column_add_unchanged(column);
	else if (fine)
		fine = add_text(d, text->data, text->len, column, err);
	pg_trim(text);
	return fine;
}
