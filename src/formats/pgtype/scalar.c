/* Booleans, integers, floats, strings, UUIDs, bytes, money and what else is a number inside. */
#include <errno.h>
#include <stdlib.h>
#include "base/mem.h"
#include "base/text.h"
#include "formats/pgtype/forms.h"

#define LONGEST_FLOAT 63 /* far above what float8out prints */

#define RENDER(fn)                                                                          \
	bool fn(const struct pg_codec *c, const uint8_t *data, size_t len, struct buf *out, \
		struct error *err)
#define DECODE(fn)                                                                                \
	bool fn(const struct pg_codec *c, const uint8_t *data, size_t len, struct column *column, \
		struct error *err)

/* --- Integers --------------------------------------------------------------------------------- */

static bool parse_u64(const uint8_t *data, size_t len, uint64_t most, uint64_t *out)
{
	uint64_t v = 0;

	if (!len)
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned digit = (unsigned)data[i] - '0';
		if (digit > 9 || __builtin_mul_overflow(v, 10u, &v) ||
			__builtin_add_overflow(v, digit, &v))
			return false;
	}
	*out = v;
	return v <= most;
}

static bool parse_i64(const uint8_t *data, size_t len, int64_t least, int64_t most, int64_t *out)
{
	bool negative = len && *data == '-';
	uint64_t v, limit = negative ? -(uint64_t)least : (uint64_t)most;

	if (!parse_u64(data + negative, len - negative, limit, &v))
		return false;
	*out = negative ? (int64_t)-v : (int64_t)v;
	return true;
}

DECODE(pg_int2_binary)
{
	if (len != 2)
		return pg_bad_binary(c, err);
	uint16_t v = pg_load16(data);
	memcpy(column_add_fixed(column, sizeof v), &v, sizeof v);
	return true;
}

DECODE(pg_int4_binary)
{
	if (len != 4)
		return pg_bad_binary(c, err);
	uint32_t v = pg_load32(data);
	memcpy(column_add_fixed(column, sizeof v), &v, sizeof v);
	return true;
}

/* Eight bytes of any meaning: int8, float8, xid8, pg_lsn. */
DECODE(pg_int8_binary)
{
	if (len != 8)
		return pg_bad_binary(c, err);
	uint64_t v = pg_load64(data);
	memcpy(column_add_fixed(column, sizeof v), &v, sizeof v);
	return true;
}

DECODE(pg_oid_binary)
{
	return pg_int4_binary(c, data, len, column, err);
}

DECODE(pg_float4_binary)
{
	return pg_int4_binary(c, data, len, column, err);
}

/* Little-endian, so that the low bytes are the narrower integer. */
static bool add_integer(const struct pg_codec *c, const uint8_t *data, size_t len, size_t width,
	struct column *column, struct error *err)
{
	int64_t most = INT64_MAX >> (64 - 8 * width), v;

	if (!parse_i64(data, len, -most - 1, most, &v))
		return pg_bad_text(c, err);
	memcpy(column_add_fixed(column, width), &v, width);
	return true;
}

DECODE(pg_int2_text)
{
	return add_integer(c, data, len, 2, column, err);
}

DECODE(pg_int4_text)
{
	return add_integer(c, data, len, 4, column, err);
}

DECODE(pg_int8_text)
{
	return add_integer(c, data, len, 8, column, err);
}

static bool add_unsigned(const struct pg_codec *c, const uint8_t *data, size_t len, size_t width,
	struct column *column, struct error *err)
{
	uint64_t v;

	if (!parse_u64(data, len, UINT64_MAX >> (64 - 8 * width), &v))
		return pg_bad_text(c, err);
	memcpy(column_add_fixed(column, width), &v, width);
	return true;
}

DECODE(pg_oid_text)
{
	return add_unsigned(c, data, len, 4, column, err);
}

DECODE(pg_xid8_text)
{
	return add_unsigned(c, data, len, 8, column, err);
}

RENDER(pg_render_int2)
{
	if (len != 2)
		return pg_bad_binary(c, err);
	text_print_int((int16_t)pg_load16(data), out);
	return true;
}

RENDER(pg_render_int4)
{
	if (len != 4)
		return pg_bad_binary(c, err);
	text_print_int((int32_t)pg_load32(data), out);
	return true;
}

RENDER(pg_render_int8)
{
	if (len != 8)
		return pg_bad_binary(c, err);
	text_print_int((int64_t)pg_load64(data), out);
	return true;
}

RENDER(pg_render_oid)
{
	if (len != 4)
		return pg_bad_binary(c, err);
	text_print_uint(pg_load32(data), out);
	return true;
}

RENDER(pg_render_xid8)
{
	if (len != 8)
		return pg_bad_binary(c, err);
	text_print_uint(pg_load64(data), out);
	return true;
}

/* --- pg_lsn: two hexadecimal halves ----------------------------------------------------------- */

RENDER(pg_render_lsn)
{
	if (len != 8)
		return pg_bad_binary(c, err);
	buf_printf(out, "%X/%X", pg_load32(data), pg_load32(data + 4));
	return true;
}

static bool parse_hex32(const uint8_t *data, size_t len, uint32_t *out)
{
	uint32_t v = 0;

	if (!len || len > 8)
		return false;
	for (size_t i = 0; i < len; i++) {
		uint8_t ch = data[i] | 0x20;
		if (ch >= '0' && ch <= '9')
			v = v << 4 | (uint32_t)(ch - '0');
		else if (ch >= 'a' && ch <= 'f')
			v = v << 4 | (uint32_t)(ch - 'a' + 10);
		else
			return false;
	}
	*out = v;
	return true;
}

DECODE(pg_lsn_text)
{
	const uint8_t *slash = memchr(data, '/', len);
	uint32_t high, low;

	if (!slash || !parse_hex32(data, (size_t)(slash - data), &high) ||
		!parse_hex32(slash + 1, len - (size_t)(slash - data) - 1, &low))
		return pg_bad_text(c, err);
	uint64_t v = (uint64_t)high << 32 | low;
	memcpy(column_add_fixed(column, sizeof v), &v, sizeof v);
	return true;
}

/* --- Booleans --------------------------------------------------------------------------------- */

DECODE(pg_bool_binary)
{
	if (len != 1)
		return pg_bad_binary(c, err);
	*column_add_fixed(column, 1) = *data != 0;
	return true;
}

DECODE(pg_bool_text)
{
	if (len != 1 || (*data != 't' && *data != 'f'))
		return pg_bad_text(c, err);
	*column_add_fixed(column, 1) = *data == 't';
	return true;
}

RENDER(pg_render_bool)
{
	if (len != 1)
		return pg_bad_binary(c, err);
	buf_u8(out, *data ? 't' : 'f');
	return true;
}

/* --- Floats ----------------------------------------------------------------------------------- */

RENDER(pg_render_float4)
{
	float v;

	if (len != sizeof v)
		return pg_bad_binary(c, err);
	uint32_t bits = pg_load32(data);
	memcpy(&v, &bits, sizeof v);
	pg_print_float4(v, out);
	return true;
}

RENDER(pg_render_float8)
{
	double v;

	if (len != sizeof v)
		return pg_bad_binary(c, err);
	uint64_t bits = pg_load64(data);
	memcpy(&v, &bits, sizeof v);
	pg_print_float8(v, out);
	return true;
}

/* strtod() knows "NaN" and "Infinity" as well. */
static bool parse_float(const uint8_t *data, size_t len, char text[LONGEST_FLOAT + 1])
{
	if (!len || len > LONGEST_FLOAT || memchr(data, 0, len))
		return false;
	memcpy(text, data, len);
	text[len] = '\0';
	return true;
}

DECODE(pg_float4_text)
{
	char text[LONGEST_FLOAT + 1], *end;

	if (!parse_float(data, len, text))
		return pg_bad_text(c, err);
	float v = strtof(text, &end);
	if (*end)
		return pg_bad_text(c, err);
	memcpy(column_add_fixed(column, sizeof v), &v, sizeof v);
	return true;
}

DECODE(pg_float8_text)
{
	char text[LONGEST_FLOAT + 1], *end;

	if (!parse_float(data, len, text))
		return pg_bad_text(c, err);
	double v = strtod(text, &end);
	if (*end)
		return pg_bad_text(c, err);
	memcpy(column_add_fixed(column, sizeof v), &v, sizeof v);
	return true;
}

/* --- Strings ---------------------------------------------------------------------------------- */

RENDER(pg_render_text)
{
	(void)c;
	(void)err;
	buf_append(out, data, len);
	return true;
}

/* jsonb and jsonpath: a version, then the text. */
RENDER(pg_render_versioned)
{
	if (len < 1 || *data != 1)
		return pg_bad_binary(c, err);
	buf_append(out, data + 1, len - 1);
	return true;
}

DECODE(pg_decode_json_text)
{
	size_t at = 0;

	while (at < len && strchr(" \t\r\n", data[at]) && data[at])
		at++;
	if (at == len || data[at] != '{')
		return error_set(err, ERROR_DATA,
			"this JSON is not an object, which is all that the target's JSON type "
			"takes; "
			"`json: string` takes any");
	return pg_decode_string(c, data, len, column, err);
}

DECODE(pg_decode_json_binary)
{
	if (len < 1 || *data != 1)
		return pg_bad_binary(c, err);
	return pg_decode_json_text(c, data + 1, len - 1, column, err);
}

/* "char" holds any byte; those that are no ASCII are written as PostgreSQL 16 and later do. */
RENDER(pg_render_char)
{
	if (len != 1)
		return pg_bad_binary(c, err);
	if (*data >= 0x80)
		buf_printf(out, "\\%03o", *data);
	else if (*data)
		buf_u8(out, *data);
	return true;
}

DECODE(pg_char_text)
{
	if (len == 1 && *data >= 0x80)
		return pg_decode_rendered(c, data, len, column, err);
	return pg_decode_string(c, data, len, column, err);
}

/* --- bytea ------------------------------------------------------------------------------------ */

RENDER(pg_render_bytea)
{
	uint8_t *to = buf_extend(out, 2 + 2 * len);

	(void)c;
	(void)err;
	*to++ = '\\';
	*to++ = 'x';
	text_hex(data, len, to);
	return true;
}

static int hex_digit(uint8_t ch)
{
	if (ch >= '0' && ch <= '9')
		return ch - '0';
	ch |= 0x20;
	return ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

DECODE(pg_bytea_text)
{
	if (len < 2 || len % 2 || data[0] != '\\' || data[1] != 'x')
		return pg_bad_text(c, err);
	uint8_t *to = column_add_string(column, len / 2 - 1);
	for (size_t i = 2; i < len; i += 2) {
		int high = hex_digit(data[i]), low = hex_digit(data[i + 1]);
		if (high < 0 || low < 0) {
			column_truncate(column, column->rows - 1);
			return pg_bad_text(c, err);
		}
		*to++ = (uint8_t)(high << 4 | low);
	}
	return true;
}

/* --- uuid ------------------------------------------------------------------------------------- */

DECODE(pg_uuid_binary)
{
	if (len != 16)
		return pg_bad_binary(c, err);
	memcpy(column_add_fixed(column, 16), data, 16);
	return true;
}

static bool is_uuid_hyphen(size_t i)
{
	return i == 8 || i == 13 || i == 18 || i == 23;
}

DECODE(pg_uuid_text)
{
	uint8_t uuid[16];
	size_t n = 0;

	if (len != 36)
		return pg_bad_text(c, err);
	for (size_t i = 0; i < 36;) {
		if (is_uuid_hyphen(i)) {
			if (data[i++] != '-')
				return pg_bad_text(c, err);
			continue;
		}
		int high = hex_digit(data[i]), low = hex_digit(data[i + 1]);
		if (high < 0 || low < 0)
			return pg_bad_text(c, err);
		uuid[n++] = (uint8_t)(high << 4 | low);
		i += 2;
	}
	memcpy(column_add_fixed(column, 16), uuid, 16);
	return true;
}

RENDER(pg_render_uuid)
{
	if (len != 16)
		return pg_bad_binary(c, err);
	for (size_t i = 0; i < 16; i++)
		buf_printf(out, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", data[i]);
	return true;
}

/* --- money: hundredths, and "-$1,234.56" in the C locale -------------------------------------- */

static void add_cents(int64_t cents, struct column *column)
{
	__int128 v = cents;

	memcpy(column_add_fixed(column, sizeof v), &v, sizeof v);
}

DECODE(pg_money_binary)
{
	if (len != 8)
		return pg_bad_binary(c, err);
	add_cents((int64_t)pg_load64(data), column);
	return true;
}

DECODE(pg_money_text)
{
	uint8_t digits[24];
	size_t n = 0, at = 0;
	int64_t cents;

	if (len && data[0] == '-')
		digits[n++] = data[at++];
	if (at < len && data[at] == '$')
		at++;
	if (len < at + 4 || data[len - 3] != '.')
		return pg_bad_text(c, err);
	for (; at < len; at++) {
		if (data[at] == ',' || at == len - 3)
			continue;
		if (n == sizeof digits)
			return pg_bad_text(c, err);
		digits[n++] = data[at];
	}
	if (!parse_i64(digits, n, INT64_MIN, INT64_MAX, &cents))
		return pg_bad_text(c, err);
	add_cents(cents, column);
	return true;
}

RENDER(pg_render_money)
{
	if (len != 8)
		return pg_bad_binary(c, err);
	int64_t cents = (int64_t)pg_load64(data);
	uint64_t size = cents < 0 ? -(uint64_t)cents : (uint64_t)cents;
	char text[32], *p = text + sizeof text;
	for (int i = 0; i < 3 || size; i++, size /= 10) {
		if (i == 2)
			*--p = '.';
		else if (i > 4 && (i - 2) % 3 == 0)
			*--p = ',';
		*--p = (char)('0' + size % 10);
	}
	*--p = '$';
	if (cents < 0)
		*--p = '-';
	buf_append(out, p, (size_t)(text + sizeof text - p));
	return true;
}
