/* Booleans, numbers, UUIDs: from numbers, from their digits, from Connect's Decimal. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "formats/debezium/base64.h"
#include "formats/debezium/digits.h"
#include "formats/debezium/decode.h"
#include "formats/pgtype/forms.h"

#define LARGEST_SCALE    16383 /* of PostgreSQL's numeric */
#define LARGEST_EXPONENT 1000  /* more than any decimal holds */

bool decode_bool(const struct decoder *d, struct connect_reader *r, enum connect_token token,
	struct column *column, struct error *err)
{
	bool number = token == TOKEN_INTEGER && (r->integer == 0 || r->integer == 1);

	if (token != TOKEN_BOOLEAN && !number)
		return wrong_token(d, token, err);
	*column_add_fixed(column, 1) = number ? (uint8_t)r->integer : r->boolean;
	return true;
}

/* --- Digits ----------------------------------------------------------------------------------- */

/* The exponent behind the first n bytes, "E+3"; none is 0. */
static bool read_exponent(const uint8_t *text, size_t n, size_t len, long *out)
{
	char number[16], *end;

	*out = 0;
	if (n == len)
		return true;
	size_t digits = len - n - 1;
	if (!digits || digits >= sizeof number)
		return false;
	memcpy(number, text + n + 1, digits);
	number[digits] = '\0';
	*out = strtol(number, &end, 10);
	return !*end && labs(*out) <= LARGEST_EXPONENT;
}

/* "-1.25E+3" to "-1250": the exponent moves the point. */
static bool print_plain(const uint8_t *text, size_t len, struct buf *out)
{
	struct buf digits;
	size_t n = 0;
	long point = -1, exponent;

	while (n < len && memchr("+-.0123456789", text[n], 13))
		n++;
	if (n < len && text[n] != 'e' && text[n] != 'E')
		n = len; /* a word: whoever takes it says what it is */
	if (!read_exponent(text, n, len, &exponent))
		return false;
	if (n == len) {
		buf_append(out, text, len);
		return true;
	}
	bool negative = n && *text == '-';
	buf_init(&digits, BUF_MAX);
	for (size_t i = negative; i < n; i++)
		if (text[i] == '.')
			point = (long)digits.len;
		else
			buf_u8(&digits, text[i]);
	point = (point < 0 ? (long)digits.len : point) + exponent;
	if (negative)
		buf_u8(out, '-');
	for (long i = point < 1 ? point - 1 : 0; i < (long)digits.len || i < point; i++) {
		if (i == point)
			buf_u8(out, '.');
		buf_u8(out, i >= 0 && i < (long)digits.len ? digits.data[i] : '0');
	}
	buf_release(&digits);
	return true;
}

static void print_shortest(double v, struct buf *out)
{
	struct buf text;

	buf_init(&text, BUF_MAX);
	pg_print_float8(v, &text);
	print_plain(text.data, text.len, out);
	buf_release(&text);
}

static bool bytes_to_digits(
	const struct decoder *d, struct connect_reader *r, enum connect_token token, int scale)
{
	struct buf *out = &d->scratch->text;

	if (scale < 0 || scale > LARGEST_SCALE)
		return false;
	if (token == TOKEN_BYTES) {
		digits_from_bytes(r->data, r->len, (size_t)scale, out);
		return true;
	}
	uint8_t *bytes = xmalloc(r->len + 1);
	ssize_t n = base64_decode(r->data, r->len, bytes);
	if (n >= 0)
		digits_from_bytes(bytes, (size_t)n, (size_t)scale, out);
	free(bytes);
	return n >= 0;
}

/* {"scale":2,"value":"AQ=="}, in whatever order: the value is kept as it came until the scale is known. */
static bool read_variable(struct connect_reader *r, struct buf *value, bool *is_text,
	int64_t *scale, struct error *err)
{
	enum connect_token token;

	*scale = -1;
	while ((token = connect_next(r, err)) == TOKEN_FIELD) {
		bool is_scale = r->len == 5 && !memcmp(r->data, "scale", 5);
		token = connect_next(r, err);
		if (is_scale && token == TOKEN_INTEGER) {
			*scale = r->integer;
		} else if (!is_scale && (token == TOKEN_STRING || token == TOKEN_BYTES)) {
			buf_clear(value);
			buf_append(value, r->data, r->len);
			*is_text = token == TOKEN_STRING;
		} else {
			break;
		}
	}
	if (token == TOKEN_STRUCT_END && *scale >= 0 && *scale <= LARGEST_SCALE && value->len)
		return true;
	return token != TOKEN_FAILED &&
	       error_set(err, ERROR_DATA, "this is no VariableScaleDecimal");
}

/* As a text of its digits, which every type that takes a number takes. */
bool decode_variable(
	const struct decoder *d, struct connect_reader *r, struct column *column, struct error *err)
{
	struct buf value, digits;
	bool is_text = false, fine = true;
	int64_t scale;

	buf_init(&value, BUF_MAX);
	buf_init(&digits, BUF_MAX);
	if (!read_variable(r, &value, &is_text, &scale, err)) {
		buf_release(&value);
		return false;
	}
	if (is_text) {
		ssize_t n = base64_decode(value.data, value.len, value.data);
		fine = n > 0 || error_set(err, ERROR_DATA, "these bytes are no number");
		value.len = n > 0 ? (size_t)n : 0;
	}
	if (fine && d->unavailable && value.len == d->unavailable_len &&
		!memcmp(value.data, d->unavailable, value.len)) {
		column_add_unchanged(column);
	} else if (fine) {
		digits_from_bytes(value.data, value.len, (size_t)scale, &digits);
		struct connect_reader text = {.data = digits.data, .len = digits.len};
		fine = d->decode(d, &text, TOKEN_STRING, column, err);
	}
	buf_release(&value);
	buf_release(&digits);
	return fine;
}

bool decode_digits(const struct decoder *d, struct connect_reader *r, enum connect_token token,
	struct error *err)
{
	struct buf *out = &d->scratch->text;

	buf_clear(out);
	if (token == TOKEN_BYTES || (token == TOKEN_STRING && d->wire == WIRE_DECIMAL)) {
		return (d->wire == WIRE_DECIMAL && bytes_to_digits(d, r, token, d->scale)) ||
		       error_set(err, ERROR_DATA,
			       token == TOKEN_BYTES
				       ? "these bytes are no number"
				       : "the text is not a decimal's bytes in base64; where "
					 "decimals are "
					 "texts of digits, set decimal_handling_mode: string");
	}
	if (token == TOKEN_INTEGER) {
		buf_printf(out, "%" PRId64, r->integer);
		return true;
	}
	if (token == TOKEN_REAL && (!r->data || (d->wire == WIRE_FLOAT && isfinite(r->real)))) {
		print_shortest(r->real, out);
		return true;
	}
	if (token != TOKEN_REAL && token != TOKEN_STRING)
		return wrong_token(d, token, err);
	return print_plain(r->data, r->len, out) ||
	       error_set(err, ERROR_DATA, "the number's exponent is too large");
}

/* --- Integers --------------------------------------------------------------------------------- */

static bool out_of_range(const struct decoder *d, struct error *err)
{
	return error_set(err, ERROR_DATA, "the number is out of the range of a %s", d->pg.name);
}

static bool add_integer(
	const struct decoder *d, int64_t v, struct column *column, struct error *err)
{
	static const struct {
		int64_t least, most;
	} ranges[] = {
		[TYPE_INT16] = {INT16_MIN, INT16_MAX},
		[TYPE_INT32] = {INT32_MIN, INT32_MAX},
		[TYPE_INT64] = {INT64_MIN, INT64_MAX},
		[TYPE_UINT32] = {0, UINT32_MAX},
		[TYPE_UINT64] = {0, INT64_MAX},
	};
	size_t width = type_width(&d->type);

	if (v < ranges[d->type.kind].least || v > ranges[d->type.kind].most)
		return out_of_range(d, err);
	memcpy(column_add_fixed(column, width), &v, width);
	return true;
}

/* Without the zeros behind the point. */
static size_t whole_digits(const struct buf *digits)
{
	const uint8_t *point = digits->len ? memchr(digits->data, '.', digits->len) : NULL;

	for (const uint8_t *p = point; point && p < digits->data + digits->len; p++)
		if (*p != '.' && *p != '0')
			return digits->len;
	return point ? (size_t)(point - digits->data) : digits->len;
}

static bool is_number(const struct buf *digits)
{
	for (size_t i = 0; i < digits->len; i++)
		if (!memchr("-.0123456789", digits->data[i], 12))
			return false;
	return digits->len > 0;
}

bool decode_integer(const struct decoder *d, struct connect_reader *r, enum connect_token token,
	struct column *column, struct error *err)
{
	if (token == TOKEN_INTEGER)
		return add_integer(d, r->integer, column, err);
	if (token == TOKEN_BOOLEAN)
		return add_integer(d, r->boolean, column, err);
	if (!decode_digits(d, r, token, err))
		return false;
	const struct buf *digits = &d->scratch->text;
	pg_decode_fn *text = d->type.kind == TYPE_INT16    ? pg_int2_text
			     : d->type.kind == TYPE_INT32  ? pg_int4_text
			     : d->type.kind == TYPE_INT64  ? pg_int8_text
			     : d->type.kind == TYPE_UINT32 ? pg_oid_text
							   : pg_xid8_text;
	if (text(&d->pg, digits->data, whole_digits(digits), column, NULL))
		return true;
	if (!is_number(digits))
		return error_set(err, ERROR_DATA, "the text is no number");
	return memchr(digits->data, '.', whole_digits(digits))
		       ? error_set(err, ERROR_DATA, "the number has a fraction, which a %s has not",
				 d->pg.name)
		       : out_of_range(d, err);
}

/* --- Floats ----------------------------------------------------------------------------------- */

static void add_float(const struct decoder *d, double v, struct column *column)
{
	float narrow = (float)v;

	if (d->type.kind == TYPE_FLOAT32)
		memcpy(column_add_fixed(column, sizeof narrow), &narrow, sizeof narrow);
	else
		memcpy(column_add_fixed(column, sizeof v), &v, sizeof v);
}

bool decode_float(const struct decoder *d, struct connect_reader *r, enum connect_token token,
	struct column *column, struct error *err)
{
	if (token == TOKEN_INTEGER || token == TOKEN_REAL) {
		double v = token == TOKEN_REAL ? r->real : (double)r->integer;
		if (isinf(d->type.kind == TYPE_FLOAT32 ? (double)(float)v : v) && r->data)
			return out_of_range(d, err);
		add_float(d, v, column);
		return true;
	}
	if (!decode_digits(d, r, token, err))
		return false;
	const char *text = buf_text(&d->scratch->text);
	char *end;
	double v = strtod(text, &end);
	if (end == text || *end)
		return error_set(err, ERROR_DATA, "the text is no number");
	add_float(d, v, column);
	return true;
}

/* --- Decimals --------------------------------------------------------------------------------- */

static const int64_t powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000,
	1000000000, 10000000000, 100000000000, 1000000000000, 10000000000000, 100000000000000,
	1000000000000000, 10000000000000000, 100000000000000000, 1000000000000000000};

/* Of up to eight bytes and the column's own scale. */
static bool add_short_decimal(
	const struct decoder *d, const uint8_t *bytes, size_t n, struct column *column)
{
	size_t width = type_width(&d->type);
	int64_t v = n && bytes[0] & 0x80 ? -1 : 0;

	if (!n || n > sizeof v || d->scale != d->type.scale)
		return false;
	for (size_t i = 0; i < n; i++)
		v = (int64_t)((uint64_t)v << 8 | bytes[i]);
	if (d->type.precision < COUNT_OF(powers) &&
		(v <= -powers[d->type.precision] || v >= powers[d->type.precision]))
		return false;
	uint8_t *to = column_add_fixed(column, width);
	memset(to, v < 0 ? 0xff : 0, width);
	memcpy(to, &v, width < sizeof v ? width : sizeof v);
	return true;
}

bool decode_decimal(const struct decoder *d, struct connect_reader *r, enum connect_token token,
	struct column *column, struct error *err)
{
	uint8_t bytes[16];
	ssize_t n = -1;

	if (d->wire == WIRE_DECIMAL && token == TOKEN_BYTES &&
		add_short_decimal(d, r->data, r->len, column))
		return true;
	if (d->wire == WIRE_DECIMAL && token == TOKEN_STRING && r->len < sizeof bytes)
		n = base64_decode(r->data, r->len, bytes);
	if (n >= 0 && add_short_decimal(d, bytes, (size_t)n, column))
		return true;
	if (!decode_digits(d, r, token, err))
		return false;
	const struct buf *digits = &d->scratch->text;
	return pg_decimal_text(&d->pg, digits->data, digits->len, column, err);
}

bool decode_uuid(const struct decoder *d, struct connect_reader *r, enum connect_token token,
	struct column *column, struct error *err)
{
	if (token == TOKEN_BYTES && r->len == 16) {
		memcpy(column_add_fixed(column, 16), r->data, 16);
		return true;
	}
	if (token != TOKEN_STRING)
		return wrong_token(d, token, err);
	return pg_uuid_text(&d->pg, r->data, r->len, column, err);
}
