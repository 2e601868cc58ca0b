/*
 * numeric. In binary (numeric_send): the number of base-10000 digits, the weight of the first, the
 * sign, the number of decimals to show, the digits. Up to 18 digits of precision are computed in 64
 * bits, the rest in 256.
 */
#include <math.h>
#include <stdlib.h>
#include "base/mem.h"
#include "formats/pgtype/forms.h"

#define SIGN_NEGATIVE  0x4000
#define SIGN_NAN       0xC000
#define SIGN_INFINITY  0xD000
#define SIGN_NINFINITY 0xF000
#define SCALE_MAX      0x3FFF
#define HEADER_BYTES   8

struct numeric {
	const uint8_t *digits; /* big-endian uint16_t each, below 10000 */
	int n;
	int weight; /* value of digit i is 10000^(weight - i) */
	uint16_t sign;
	int scale;
};

struct wide {
	uint64_t limb[4]; /* little end first */
};

static const uint16_t powers[] = {1, 10, 100, 1000, 10000};

static unsigned digit_at(const struct numeric *v, int i)
{
	return i >= 0 && i < v->n ? pg_load16(v->digits + 2 * (size_t)i) : 0;
}

/* Without the zeros that may lead. */
static bool read_numeric(const struct pg_codec *c, const uint8_t *data, size_t len,
	struct numeric *out, struct error *err)
{
	if (len < HEADER_BYTES)
		return pg_bad_binary(c, err);
	*out = (struct numeric){
		.digits = data + HEADER_BYTES,
		.n = pg_load16(data),
		.weight = (int16_t)pg_load16(data + 2),
		.sign = pg_load16(data + 4),
		.scale = pg_load16(data + 6),
	};
	bool special = out->sign == SIGN_NAN || out->sign == SIGN_INFINITY ||
		       out->sign == SIGN_NINFINITY;
	if ((size_t)out->n * 2 != len - HEADER_BYTES || out->scale > SCALE_MAX ||
		(out->sign && out->sign != SIGN_NEGATIVE && !special))
		return pg_bad_binary(c, err);
	for (int i = 0; i < out->n; i++)
		if (digit_at(out, i) > 9999)
			return pg_bad_binary(c, err);
	for (; out->n && !digit_at(out, 0); out->n--, out->weight--)
		out->digits += 2;
	return true;
}

static bool is_special(const struct numeric *v)
{
	return v->sign & 0x8000;
}

static const char *special_name(const struct numeric *v)
{
	return v->sign == SIGN_NAN ? "NaN" : v->sign == SIGN_INFINITY ? "Infinity" : "-Infinity";
}

static bool not_finite(const struct pg_codec *c, const char *name, struct error *err)
{
	return error_set(err, ERROR_DATA, "%s in a Decimal(%d,%d), which holds finite numbers only",
		name, c->type.precision, c->type.scale);
}

static bool too_large(const struct pg_codec *c, struct error *err)
{
	return error_set(err, ERROR_DATA,
		"the number has more than %d digits before the point, which is what "
		"Decimal(%d,%d) holds",
		c->type.precision - c->type.scale, c->type.precision, c->type.scale);
}

static bool too_fine(const struct pg_codec *c, struct error *err)
{
	return error_set(err, ERROR_DATA,
		"the number has more than %d digits behind the point, which is what "
		"Decimal(%d,%d) holds",
		c->type.scale, c->type.precision, c->type.scale);
}

/* --- Appending -------------------------------------------------------------------------------- */

static void wide_mul_add(struct wide *w, uint64_t factor, uint64_t more)
{
	unsigned __int128 carry = more;

	for (int i = 0; i < 4; i++) {
		carry += (unsigned __int128)w->limb[i] * factor;
		w->limb[i] = (uint64_t)carry;
		carry >>= 64;
	}
}

static void add_wide(struct wide *w, bool negative, struct column *column)
{
	uint64_t carry = negative;
	size_t width = type_width(&column->type);

	for (int i = 0; negative && i < 4; i++) {
		w->limb[i] = ~w->limb[i] + carry;
		carry = carry && !w->limb[i];
	}
	memcpy(column_add_fixed(column, width), w->limb, width);
}

/* --- Binary ----------------------------------------------------------------------------------- */

static int count_digits(unsigned v)
{
	return v >= 1000 ? 4 : v >= 100 ? 3 : v >= 10 ? 2 : 1;
}

/* Does the value fit Decimal(precision, scale) exactly? */
static bool check_fit(const struct pg_codec *c, const struct numeric *v, struct error *err)
{
	int scale = c->type.scale;

	if (v->n && v->weight * 4 + count_digits(digit_at(v, 0)) > c->type.precision - scale &&
		v->weight >= 0)
		return too_large(c, err);
	int cut = v->weight + scale / 4 +
		  1; /* the group that holds the last digit kept, and the first lost */
	if (cut >= v->n)
		return true;
	if (cut >= 0 && digit_at(v, cut) % powers[4 - scale % 4])
		return too_fine(c, err);
	for (int i = cut < 0 ? 0 : cut + 1; i < v->n; i++)
		if (digit_at(v, i))
			return too_fine(c, err);
	return true;
}

bool pg_decimal_binary(const struct pg_codec *c, const uint8_t *data, size_t len,
	struct column *column, struct error *err)
{
	struct numeric v;

	if (!read_numeric(c, data, len, &v, err))
		return false;
	if (is_special(&v))
		return not_finite(c, special_name(&v), err);
	if (!check_fit(c, &v, err))
		return false;

	int scale = c->type.scale,
	    whole = v.n ? v.weight + scale / 4 + 1 : 0; /* groups taken as they are */
	unsigned part = powers[scale % 4], last = digit_at(&v, whole) / powers[4 - scale % 4];
	if (c->type.precision <= 18) {
		uint64_t sum = 0;
		for (int i = 0; i < whole; i++)
			sum = sum * 10000 + digit_at(&v, i);
		sum = sum * part + (whole >= 0 ? last : 0);
		int64_t out = v.sign ? (int64_t)-sum : (int64_t)sum;
		size_t width = type_width(&c->type);
		memcpy(column_add_fixed(column, width), &out, width);
		return true;
	}
	struct wide sum = {0};
	for (int i = 0; i < whole; i++)
		wide_mul_add(&sum, 10000, digit_at(&v, i));
	wide_mul_add(&sum, part, whole >= 0 ? last : 0);
	add_wide(&sum, v.sign, column);
	return true;
}

static void print_group(unsigned group, int least_width, struct buf *out)
{
	int width = count_digits(group) > least_width ? count_digits(group) : least_width;
	uint8_t *to = buf_extend(out, (size_t)width) + width;

	for (; width--; group /= 10)
		*--to = (uint8_t)('0' + group % 10);
}

bool pg_render_numeric(const struct pg_codec *c, const uint8_t *data, size_t len, struct buf *out,
	struct error *err)
{
	struct numeric v;

	if (!read_numeric(c, data, len, &v, err))
		return false;
	if (is_special(&v)) {
		buf_append(out, special_name(&v), strlen(special_name(&v)));
		return true;
	}
	if (v.sign && v.n)
		buf_u8(out, '-');
	if (!v.n || v.weight < 0)
		buf_u8(out, '0');
	for (int i = 0; v.n && i <= v.weight; i++)
		print_group(digit_at(&v, i), i ? 4 : 1, out);
	if (!v.scale)
		return true;
	buf_u8(out, '.');
	size_t end = out->len + (size_t)v.scale;
	for (int i = v.n ? v.weight + 1 : 0; out->len < end; i++)
		print_group(v.n ? digit_at(&v, i) : 0, 4, out);
	out->len = end;
	return true;
}

/* --- Text ------------------------------------------------------------------------------------- */

struct text_numeric {
	bool negative;
	const uint8_t *whole, *fraction; /* without the zeros that lead, or trail */
	size_t n_whole, n_fraction;
};

static bool all_digits(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] < '0' || p[i] > '9')
			return false;
	return true;
}

static bool read_text(const uint8_t *data, size_t len, struct text_numeric *out)
{
	*out = (struct text_numeric){.negative = len && *data == '-'};
	data += out->negative;
	len -= out->negative;
	const uint8_t *point = len ? memchr(data, '.', len) : NULL;
	out->whole = data;
	out->n_whole = point ? (size_t)(point - data) : len;
	if (point) {
		out->fraction = point + 1;
		out->n_fraction = len - out->n_whole - 1;
	}
	if (!all_digits(out->whole, out->n_whole) || !all_digits(out->fraction, out->n_fraction) ||
		out->n_whole + out->n_fraction == 0)
		return false;
	for (; out->n_whole && *out->whole == '0'; out->n_whole--)
		out->whole++;
	while (out->n_fraction && out->fraction[out->n_fraction - 1] == '0')
		out->n_fraction--;
	return true;
}

static bool is_special_text(const uint8_t *data, size_t len)
{
	return (len == 3 && !memcmp(data, "NaN", 3)) ||
	       (len == 8 && !memcmp(data, "Infinity", 8)) ||
	       (len == 9 && !memcmp(data, "-Infinity", 9));
}

bool pg_decimal_text(const struct pg_codec *c, const uint8_t *data, size_t len,
	struct column *column, struct error *err)
{
	struct text_numeric v;
	struct wide sum = {0};
	size_t scale = c->type.scale;

	if (is_special_text(data, len))
		return not_finite(c,
			*data == 'N'   ? "NaN"
			: *data == 'I' ? "Infinity"
				       : "-Infinity",
			err);
	if (!read_text(data, len, &v))
		return pg_bad_text(c, err);
	if (v.n_whole > c->type.precision - scale)
		return too_large(c, err);
	if (v.n_fraction > scale)
		return too_fine(c, err);
	for (size_t i = 0; i < v.n_whole; i++)
		wide_mul_add(&sum, 10, v.whole[i] - '0');
	for (size_t i = 0; i < scale; i++)
		wide_mul_add(&sum, 10, i < v.n_fraction ? v.fraction[i] - '0' : 0);
	add_wide(&sum, v.negative, column);
	return true;
}

/* --- Floats, for NUMERIC_FLOAT: the nearest --------------------------------------------------- */

static bool add_nearest(
	const struct pg_codec *c, struct buf *text, struct column *column, struct error *err)
{
	char *end;
	const char *start = buf_text(text);
	double v = strtod(start, &end);

	if (*end || end == start)
		return pg_bad_text(c, err);
	if (isinf(v) && !strstr(start, "Infinity"))
		return error_set(err, ERROR_DATA, "the number is larger than any Float64");
	memcpy(column_add_fixed(column, sizeof v), &v, sizeof v);
	return true;
}

bool pg_numeric_float_binary(const struct pg_codec *c, const uint8_t *data, size_t len,
	struct column *column, struct error *err)
{
	struct buf *text = &c->scratch->rendered;

	buf_clear(text);
	return pg_render_numeric(c, data, len, text, err) && add_nearest(c, text, column, err);
}

bool pg_numeric_float_text(const struct pg_codec *c, const uint8_t *data, size_t len,
	struct column *column, struct error *err)
{
	struct buf *text = &c->scratch->rendered;

	buf_clear(text);
	buf_append(text, data, len);
	return add_nearest(c, text, column, err);
}
