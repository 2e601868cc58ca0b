/*
 * Floats in the fewest digits that read back as the same number, laid out as PostgreSQL does
 * (float8out, src/common/d2s.c, f2s.c): a decimal exactly between two floats counts for neither,
 * the nearest of several is taken, and the exponent form begins at 1e15 (float4: 1e6) and below
 * 1e-4.
 */
#include "formats/pgtype/shortest.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "formats/pgtype/forms.h"

struct width {
	int bits;       /* of the mantissa */
	int sure, most; /* so many digits tell any decimal, and any float, from the others */
};
static const struct width wide = {.bits = 53, .sure = 15, .most = 17};
static const struct width narrow = {.bits = 24, .sure = 6, .most = 9};

/* The widest float around the value that still reads as it, both ends excluded. */
struct interval {
	long double low, high;
};

/* --- Of numbers of everyday size, in 128 bits --------------------------------------------------- */

typedef unsigned __int128 uint128_t;

/* v * 10^decimals * 2^shift, which leaves nothing to round; so the middles between it and the next ones. */
struct scaled {
	uint128_t low, value, high;
	int shift;
};

/* False: too large or too small. */
static bool scale(double v, int decimals, const struct width *width, struct scaled *out)
{
	uint64_t five = 1;
	int exponent;
	uint64_t mantissa = (uint64_t)ldexp(frexp(v, &exponent), width->bits);

	exponent -= width->bits;
	*out = (struct scaled){.shift = 2 - exponent - decimals};
	if (decimals < 0 || decimals > 27 || out->shift < 0)
		return false;
	for (int i = 0; i < decimals; i++)
		five *= 5;
	out->value = (uint128_t)(4 * mantissa) * five;
	out->high = out->value + 2 * five;
	/* below a power of two floats lie closer together */
	out->low = out->value - (mantissa == UINT64_C(1) << (width->bits - 1) ? five : 2 * five);
	return true;
}

static bool lies_within(const struct scaled *s, uint64_t decimal)
{
	uint128_t v = (uint128_t)decimal << s->shift;

	return v > s->low && v < s->high;
}

/* The nearest multiple of `step`, or the next nearest: the nearest may lie on the shorter side. */
static bool try_multiple(const struct scaled *s, uint64_t step, uint64_t *out)
{
	uint64_t below = (uint64_t)(s->value >> s->shift) / step * step, above = below + step;
	uint128_t down = s->value - ((uint128_t)below << s->shift);
	uint128_t up = ((uint128_t)above << s->shift) - s->value;
	bool first_up = up < down || (up == down && below / step % 2);

	*out = first_up ? above : below;
	if (lies_within(s, *out))
		return true;
	*out = first_up ? below : above;
	return lies_within(s, *out);
}

static bool find_scaled(double v, const struct width *width, struct shortest *out)
{
	struct scaled s;
	int decimals = width->most - 1 - (int)floor(log10(v));
	uint64_t step = 1;

	if (!scale(v, decimals, width, &s))
		return false;
	for (int n = width->sure; n < width->most; n++)
		step *= 10;
	while (!try_multiple(&s, step, &out->digits))
		step /= 10; /* down to 1: floats are further apart */
	out->exponent = -decimals;
	return true;
}

/* --- Of all others ------------------------------------------------------------------------------ */

static bool within(const struct shortest *s, const struct interval *interval)
{
	char text[40];

	snprintf(text, sizeof text, "%llue%d", (unsigned long long)s->digits, s->exponent);
	long double v = strtold(text, NULL);
	return v > interval->low && v < interval->high;
}

/* The n-digit decimal nearest to v, or its neighbour above: next to a power of two the nearest
 * may lie outside. */
static bool try_digits(double v, int n, const struct interval *interval, struct shortest *out)
{
	char text[40], digits[24];
	size_t len = 0;

	snprintf(text, sizeof text, "%.*e", n - 1, v);
	char *e = strchr(text, 'e');
	for (const char *p = text; p < e; p++)
		if (*p != '.')
			digits[len++] = *p;
	digits[len] = '\0';
	out->digits = strtoull(digits, NULL, 10);
	out->exponent = atoi(e + 1) - (n - 1);
	if (within(out, interval))
		return true;
	out->digits++;
	return within(out, interval);
}

/* From `sure` digits on: what has fewer digits prints the same with more, but for its zeros.
 * That does not hold of subnormal numbers, which begin at one digit. */
static struct shortest find(
	double v, double below, double above, bool subnormal, const struct width *width)
{
	struct shortest s = {0};

	if (!find_scaled(v, width, &s)) {
		struct interval interval = {
			.low = ((long double)v + below) / 2,
			.high = isinf(above) ? (long double)v + ((long double)v - below) / 2
					     : ((long double)v + above) / 2,
		};
		for (int n = subnormal ? 1 : width->sure; n <= width->most; n++)
			if (try_digits(v, n, &interval, &s))
				break;
	}
	for (; s.digits % 10 == 0; s.digits /= 10)
		s.exponent++;
	return s;
}

struct shortest shortest_double(double v)
{
	return find(
		v, nextafter(v, 0), nextafter(v, INFINITY), fpclassify(v) == FP_SUBNORMAL, &wide);
}

struct shortest shortest_float(float v)
{
	return find((double)v, (double)nextafterf(v, 0), (double)nextafterf(v, INFINITY),
		fpclassify(v) == FP_SUBNORMAL, &narrow);
}

/* --- As PostgreSQL lays them out ---------------------------------------------------------------- */

static void print_fixed(const char *digits, int n, int point, struct buf *out)
{
	if (point <= 0) {
		buf_append(out, "0.", 2);
		for (; point < 0; point++)
			buf_u8(out, '0');
		buf_append(out, digits, (size_t)n);
		return;
	}
	for (int i = 0; i < point; i++)
		buf_u8(out, i < n ? (uint8_t)digits[i] : '0');
	if (n > point) {
		buf_u8(out, '.');
		buf_append(out, digits + point, (size_t)(n - point));
	}
}

static void print_shortest(struct shortest s, int scientific_from, struct buf *out)
{
	char digits[24];
	int n = snprintf(digits, sizeof digits, "%llu", (unsigned long long)s.digits);
	int point = n + s.exponent; /* digits before the decimal point */

	if (point > -4 && point <= scientific_from) {
		print_fixed(digits, n, point, out);
		return;
	}
	buf_u8(out, (uint8_t)digits[0]);
	if (n > 1) {
		buf_u8(out, '.');
		buf_append(out, digits + 1, (size_t)n - 1);
	}
	buf_printf(out, "e%c%02d", point > 0 ? '+' : '-', abs(point - 1));
}

static bool print_special(double v, struct buf *out)
{
	if (isnan(v)) {
		buf_append(out, "NaN", 3);
		return true;
	}
	if (signbit(v))
		buf_u8(out, '-');
	if (isinf(v))
		buf_append(out, "Infinity", 8);
	else if (v == 0)
		buf_u8(out, '0');
	return isinf(v) || v == 0;
}

void pg_print_float8(double v, struct buf *out)
{
	if (!print_special(v, out))
		print_shortest(shortest_double(fabs(v)), 15, out);
}

void pg_print_float4(float v, struct buf *out)
{
	if (!print_special((double)v, out))
		print_shortest(shortest_float(fabsf(v)), 6, out);
}
