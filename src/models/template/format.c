/* Numbers and texts by a specification: digits, sign, groups, then width; see format.h. */
#include "models/template/format.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "models/template/unicode.h"

#define MOST_DIGITS 400 /* after the point */

/* A number in parts: "-", "0x", "1234", ".5e+10". */
struct parts {
	char sign; /* 0: none */
	const char *prefix;
	const char *whole;
	size_t whole_len;
	const char *rest;
};

static bool pad(struct render *r, struct buf *out, uint32_t fill, int64_t n)
{
	if (n <= 0)
		return true;
	if (!render_grow(r, out, (size_t)n * 4))
		return false;
	while (n-- > 0)
		utf8_append(out, fill ? fill : ' ');
	return true;
}

static bool aligned(struct render *r, const char *text, size_t len, const struct spec *spec,
	char align, struct buf *out)
{
	int64_t room = spec->width - (int64_t)utf8_count(text, len);
	int64_t left = align == '>' || align == '=' ? room : align == '^' ? room / 2 : 0;

	if (room < 0)
		room = left = 0;
	return pad(r, out, spec->fill, left) && render_append(r, out, text, len) &&
	       pad(r, out, spec->fill, room - left);
}

bool format_text(struct render *r, struct value text, const struct spec *spec, struct buf *out)
{
	size_t len = text.len;

	if (spec->type && spec->type != 's')
		return render_fail(
			r, "Unknown format code '%c' for object of type 'str'", spec->type);
	if (spec->align == '=')
		return render_fail(r, "'=' alignment not allowed in string format specifier");
	if (spec->precision >= 0)
		len = utf8_offset(text.s, text.len, (size_t)spec->precision);
	return aligned(r, text.s, len, spec, spec->align ? spec->align : '<', out);
}

static void group(const struct parts *p, const struct spec *spec, int64_t least, struct buf *out)
{
	int every = strchr("boxX", spec->type) && spec->type ? 4 : 3;
	int64_t len = (int64_t)p->whole_len;

	if (!spec->group)
		every = INT32_MAX;
	/* Zeros that fill the width are grouped as well. */
	while (len < least && len + (len - 1) / every < least)
		len++;
	for (int64_t i = len; i > 0; i--) {
		buf_u8(out, i > (int64_t)p->whole_len
				    ? '0'
				    : (uint8_t)p->whole[p->whole_len - (size_t)i]);
		if (i > 1 && (i - 1) % every == 0)
			buf_u8(out, (uint8_t)spec->group);
	}
}

static bool put_parts(
	struct render *r, const struct parts *p, const struct spec *spec, struct buf *out)
{
	char align = spec->align ? spec->align : spec->zero ? '=' : '>';
	bool inside = align == '=' && spec->fill == '0';
	size_t around = (p->sign != 0) + strlen(p->prefix) + strlen(p->rest);
	int64_t least = inside ? spec->width - (int64_t)around : 0;
	struct buf text;

	if (!render_room(r, least > 0 ? (size_t)least * 2 : 0))
		return false;
	render_buf(r, &text);
	if (p->sign)
		buf_u8(&text, (uint8_t)p->sign);
	buf_append(&text, p->prefix, strlen(p->prefix));
	if (!inside && align == '=') {
		size_t digits = p->whole_len + (spec->group ? (p->whole_len - 1) / 3 : 0);
		if (!pad(r, &text, spec->fill, spec->width - (int64_t)(around + digits))) {
			buf_release(&text);
			return false;
		}
	}
	group(p, spec, least, &text);
	buf_append(&text, p->rest, strlen(p->rest));
	bool ok = aligned(r, (char *)text.data, text.len, spec, align, out);
	buf_release(&text);
	return ok;
}

static char sign_of(bool negative, const struct spec *spec)
{
	return negative ? '-' : spec->sign == '-' ? '\0' : spec->sign;
}

static bool format_integer(struct render *r, int64_t i, const struct spec *spec, struct buf *out)
{
	uint64_t magnitude = i < 0 ? 0 - (uint64_t)i : (uint64_t)i;
	unsigned base = spec->type == 'b'            ? 2
			: spec->type == 'o'          ? 8
			: (spec->type | 0x20) == 'x' ? 16
						     : 10;
	const char *digits = spec->type == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
	char text[65], *at = text + sizeof text, prefix[3] = {'0', spec->type, '\0'};

	if (spec->precision >= 0)
		return render_fail(r, "Precision not allowed in integer format specifier");
	do {
		*--at = digits[magnitude % base];
		magnitude /= base;
	} while (magnitude);
	struct parts parts = {.sign = sign_of(i < 0, spec),
		.prefix = spec->alternate && base != 10 ? prefix : "",
		.whole = at,
		.whole_len = (size_t)(text + sizeof text - at),
		.rest = ""};
	return put_parts(r, &parts, spec, out);
}

static void print_by_type(double f, const struct spec *spec, char *text, size_t size)
{
	int precision = spec->precision < 0 ? 6 : (int)spec->precision;
	char pattern[8] = "%#.*", type = spec->type == 'n'   ? 'g'
					 : spec->type == '%' ? 'f'
							     : spec->type;

	snprintf(
		pattern, sizeof pattern, spec->alternate ? "%%#.*%c" : "%%.*%c", type ? type : 'g');
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(text, size, pattern, precision, f);
#pragma GCC diagnostic pop
}

/* Without a type: as repr(); with a precision as g, but with a digit behind the point, for which
 * an exponent makes room where there is none. */
static void print_untyped(double f, const struct spec *spec, char *text, size_t size)
{
	struct spec inner = *spec;
	struct buf b;

	if (spec->precision < 0 || !isfinite(f)) {
		buf_init(&b, 64);
		print_float(f, &b);
		snprintf(text, size, "%s", buf_text(&b));
		buf_release(&b);
		return;
	}
	inner.precision = inner.precision ? inner.precision - 1 : 0;
	inner.type = 'e';
	print_by_type(f, &inner, text, size);
	char *e = strchr(text, 'e');
	int power = (int)strtol(e + 1, NULL, 10);
	if (power < -4 || power >= inner.precision) {
		char *end = e;
		while (strchr(text, '.') && (end[-1] == '0' || end[-1] == '.') && end > text + 1)
			end--;
		memmove(end, e, strlen(e) + 1);
		return;
	}
	inner.precision++;
	inner.type = 'g';
	print_by_type(f, &inner, text, size);
	if (!strchr(text, '.') && strlen(text) + 3 < size)
		strcat(text, ".0");
}

static bool format_float(struct render *r, double f, const struct spec *spec, struct buf *out)
{
	char text[MOST_DIGITS + 340];
	struct spec inner = *spec;

	if (spec->precision > MOST_DIGITS)
		return render_fail(r, "more than %d digits of precision", MOST_DIGITS);
	if (spec->type == '%')
		f *= 100;
	bool negative = signbit(f) && !isnan(f);
	if (spec->type)
		print_by_type(fabs(f), spec, text, sizeof text - 1);
	else
		print_untyped(fabs(f), spec, text, sizeof text - 1);
	if (spec->type == '%')
		strcat(text, "%");
	size_t whole = strspn(text, "0123456789");
	if (!whole)
		inner.group = '\0';
	struct parts parts = {.sign = sign_of(negative, spec),
		.prefix = "",
		.whole = text,
		.whole_len = whole,
		.rest = text + whole};
	return put_parts(r, &parts, &inner, out);
}

bool format_number(struct render *r, struct value v, const struct spec *spec, struct buf *out)
{
	bool of_float = spec->type && strchr("eEfFgG%", spec->type);
	bool of_integer = spec->type && strchr("dboxXc", spec->type);
	int64_t i;

	if (spec->type && !of_float && !of_integer && spec->type != 'n')
		return render_fail(r, "Unknown format code '%c' for object of type '%s'",
			spec->type, value_type(v));
	if (!integer_of(v, &i)) {
		if (of_integer)
			return render_fail(r, "Unknown format code '%c' for object of type 'float'",
				spec->type);
		return format_float(r, v.f, spec, out);
	}
	if (of_float)
		return format_float(r, (double)i, spec, out);
	if (spec->type != 'c')
		return format_integer(r, i, spec, out);
	if (i < 0 || i > 0x10ffff || (i >= 0xd800 && i <= 0xdfff))
		return render_fail(r, "%%c arg not in range(0x110000)");
	struct buf one;
	buf_init(&one, 8);
	utf8_append(&one, (uint32_t)i);
	bool ok = aligned(r, (char *)one.data, one.len, spec, spec->align ? spec->align : '>', out);
	buf_release(&one);
	return ok;
}
