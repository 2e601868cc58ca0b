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

/* What reads as a float of one width and of no other: up to so many digits, and never more. */
struct width {
	int sure, most;
	double few; /* 10^sure */
	bool narrow;
};
static const struct width wide = {.sure = 15, .most = 17, .few = 1e15};
static const struct width narrow = {.sure = 6, .most = 9, .few = 1e6, .narrow = true};

/* The widest float around the value that still reads as it, both ends excluded. */
struct interval {
	long double low, high;
};

/* Most numbers have few digits. Those and the powers of ten are exact, so that the quotient is
 * what the decimal reads as. */
static bool try_few_digits(double v, const struct width *width, struct shortest *out)
{
	static const double powers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10,
		1e11, 1e12, 1e13, 1e14, 1e15};

	for (int n = 0; n < (int)COUNT_OF(powers) && v * powers[n] < width->few; n++) {
		uint64_t digits = (uint64_t)(v * powers[n] + 0.5);
		double read = (double)digits / powers[n];
		if ((width->narrow ? (double)(float)read : read) == v) {
			*out = (struct shortest){digits, -n};
			return true;
		}
	}
	return false;
}

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

	if (!try_few_digits(v, width, &s)) {
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
