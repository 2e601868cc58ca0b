/*
 * Values as JSON text; see column.h. Everything is exact: numbers keep all their digits, floats are
 * the shortest text that reads back the same, and bytes that are not UTF-8 become PostgreSQL's hex
 * form "\x0aff".
 */
#include "core/column.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/clock.h"
#include "base/text.h"

#define DAY_US ((int64_t)86400 * 1000000)

/* The value read as a C type of its width. */
#define READ(type, bytes)                                \
	({                                               \
		type value_;                             \
		memcpy(&value_, (bytes), sizeof value_); \
		value_;                                  \
	})

static void print_hex(const uint8_t *bytes, size_t len, struct buf *out)
{
	buf_puts(out, "\"\\\\x");
	text_hex(bytes, len, buf_extend(out, 2 * len));
	buf_u8(out, '"');
}

static void print_string(const struct column *c, size_t row, struct buf *out)
{
	size_t len;
	const uint8_t *bytes = column_string(c, row, &len);

	if (utf8_valid((const char *)bytes, len))
		text_print_json((const char *)bytes, len, out);
	else
		print_hex(bytes, len, out);
}

/* JSON has no words for what is not finite: they are strings, named as PostgreSQL names them. */
static void print_float(
	double value, int least_digits, int most_digits, bool narrow, struct buf *out)
{
	char text[40];

	if (!isfinite(value)) {
		buf_puts(out, isnan(value) ? "\"NaN\""
			      : value < 0  ? "\"-Infinity\""
					   : "\"Infinity\"");
		return;
	}
	for (int digits = least_digits; digits <= most_digits; digits++) {
		snprintf(text, sizeof text, "%.*g", digits, value);
		if (narrow ? strtof(text, NULL) == (float)value : strtod(text, NULL) == value)
			break;
	}
	buf_puts(out, text);
}

static bool is_zero(const uint32_t *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (words[i])
			return false;
	return true;
}

/* Divides by 10^9 in place and returns the remainder: nine digits at a time. */
static uint32_t take_digits(uint32_t *words, size_t n)
{
	uint64_t rest = 0;

	for (size_t i = n; i-- > 0;) {
		rest = rest << 32 | words[i];
		words[i] = (uint32_t)(rest / 1000000000);
		rest %= 1000000000;
	}
	return (uint32_t)rest;
}

static void negate(uint32_t *words, size_t n)
{
	uint64_t carry = 1;

	for (size_t i = 0; i < n; i++) {
		carry += (uint32_t)~words[i];
		words[i] = (uint32_t)carry;
		carry >>= 32;
	}
}

static void print_decimal(const struct type *type, const uint8_t *bytes, struct buf *out)
{
	uint32_t words[8];
	char digits[96];
	size_t n = type_width(type) / sizeof *words, scale = type->scale;
	char *end = digits + sizeof digits, *p = end;

	memcpy(words, bytes, n * sizeof *words);
	if (words[n - 1] >> 31) {
		buf_u8(out, '-');
		negate(words, n);
	}
	while (!is_zero(words, n)) {
		uint32_t nine = take_digits(words, n);
		for (int i = 0; i < 9; i++, nine /= 10)
			*--p = (char)('0' + nine % 10);
	}
	while (p < end && *p == '0')
		p++;
	while ((size_t)(end - p) < scale + 1)
		*--p = '0';
	buf_append(out, p, (size_t)(end - p) - scale);
	if (scale) {
		buf_u8(out, '.');
		buf_append(out, end - scale, scale);
	}
}

static void print_uuid(const uint8_t *b, struct buf *out)
{
	buf_printf(out, "\"%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x\"",
		b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12],
		b[13], b[14], b[15]);
}

/* ISO 8601; years outside 0 to 9999 in its expanded form, with a sign ("-0043-03-15" is 44 BC). */
static void print_day(int64_t days, struct buf *out)
{
	struct civil day = civil_from_days(days);

	if (day.year < 0 || day.year > 9999)
		buf_printf(out, "%c%04" PRId64, day.year < 0 ? '-' : '+',
			day.year < 0 ? -day.year : day.year);
	else
		buf_printf(out, "%04" PRId64, day.year);
	buf_printf(out, "-%02d-%02d", day.month, day.day);
}

static void print_timestamp(int64_t us, const char *zone, struct buf *out)
{
	int64_t days = floor_div(us, DAY_US);
	int64_t rest = us % DAY_US +
		       (us % DAY_US < 0 ? DAY_US : 0); /* days * DAY_US may be out of range */
	int second = (int)(rest / 1000000), fraction = (int)(rest % 1000000), digits = 6;

	buf_u8(out, '"');
	print_day(days, out);
	buf_printf(out, "T%02d:%02d:%02d", second / 3600, second / 60 % 60, second % 60);
	if (fraction) {
		for (; fraction % 10 == 0; fraction /= 10)
			digits--;
		buf_printf(out, ".%0*d", digits, fraction);
	}
	buf_printf(out, "%s\"", zone);
}

static void print_array(const struct column *c, size_t row, struct buf *out)
{
	size_t from, to;

	column_range(c, row, &from, &to);
	buf_u8(out, '[');
	for (size_t i = from; i < to; i++) {
		if (i > from)
			buf_u8(out, ',');
		column_print(&c->children[0], i, out);
	}
	buf_u8(out, ']');
}

static void print_map(const struct column *c, size_t row, struct buf *out)
{
	size_t from, to;

	column_range(c, row, &from, &to);
	buf_u8(out, '{');
	for (size_t i = from; i < to; i++) {
		if (i > from)
			buf_u8(out, ',');
		column_print(&c->children[0], i, out);
		buf_u8(out, ':');
		column_print(&c->children[1], i, out);
	}
	buf_u8(out, '}');
}

static void print_point(const struct column *c, size_t row, struct buf *out)
{
	buf_u8(out, '[');
	column_print(&c->children[0], row, out);
	buf_u8(out, ',');
	column_print(&c->children[1], row, out);
	buf_u8(out, ']');
}

static void print_date(int32_t days, struct buf *out)
{
	buf_u8(out, '"');
	print_day(days, out);
	buf_u8(out, '"');
}

static void print_value(const struct column *c, size_t row, struct buf *out)
{
	size_t width = type_width(&c->type);
	const uint8_t *p = width ? column_fixed(c, row, width) : NULL;

	switch (c->type.kind) {
	case TYPE_BOOL: buf_puts(out, *p ? "true" : "false"); break;
	case TYPE_INT16: buf_printf(out, "%" PRId16, READ(int16_t, p)); break;
	case TYPE_INT32: buf_printf(out, "%" PRId32, READ(int32_t, p)); break;
	case TYPE_INT64: buf_printf(out, "%" PRId64, READ(int64_t, p)); break;
	case TYPE_UINT32: buf_printf(out, "%" PRIu32, READ(uint32_t, p)); break;
	case TYPE_UINT64: buf_printf(out, "%" PRIu64, READ(uint64_t, p)); break;
	case TYPE_FLOAT32: print_float(READ(float, p), 6, 9, true, out); break;
	case TYPE_FLOAT64: print_float(READ(double, p), 15, 17, false, out); break;
	case TYPE_DECIMAL: print_decimal(&c->type, p, out); break;
	case TYPE_STRING:
	case TYPE_SYMBOL:
	case TYPE_JSON: print_string(c, row, out); break;
	case TYPE_UUID: print_uuid(p, out); break;
	case TYPE_DATE: print_date(READ(int32_t, p), out); break;
	case TYPE_TIMESTAMP: print_timestamp(READ(int64_t, p), "", out); break;
	case TYPE_TIMESTAMPTZ: print_timestamp(READ(int64_t, p), "Z", out); break;
	case TYPE_POINT: print_point(c, row, out); break;
	case TYPE_ARRAY: print_array(c, row, out); break;
	case TYPE_MAP: print_map(c, row, out); break;
	}
}

void column_print(const struct column *c, size_t row, struct buf *out)
{
	if (column_is_null(c, row))
		buf_puts(out, "null");
	else
		print_value(c, row, out);
}
