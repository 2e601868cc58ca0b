/*
 * Floats in the fewest digits that read back as the same number, laid out as PostgreSQL does
 * (float8out, src/common/d2s.c, f2s.c): a decimal exactly between two floats counts for neither,
 * the nearest of several is taken, and the exponent form begins at 1e15 (float4: 1e6) and below
 * 1e-4.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "formats/pgtype/forms.h"

struct shortest {
	uint64_t digits;
	int exponent; /* value is digits * 10^exponent */
};

/* The widest float around the value that still reads as it, both ends excluded. */
struct interval {
	long double low, high;
};

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

static void print_shortest(const struct shortest *s, int scientific_from, struct buf *out)
{
	char digits[24];
	int n = snprintf(digits, sizeof digits, "%llu", (unsigned long long)s->digits);
	int point = n + s->exponent; /* digits before the decimal point */

	while (n > 1 && digits[n - 1] == '0')
		n--;
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

/* From `sure` digits on: what has fewer digits prints the same with more, but for its zeros.
 * That does not hold of subnormal numbers, which begin at one digit. */
static void print_float(double v, const struct interval *interval, int sure, int most,
	int scientific_from, struct buf *out)
{
	struct shortest s = {0};

	for (int n = sure; n <= most; n++)
		if (try_digits(v, n, interval, &s))
			break;
	print_shortest(&s, scientific_from, out);
}

void pg_print_float8(double v, struct buf *out)
{
	if (print_special(v, out))
		return;
	v = fabs(v);
	double above = nextafter(v, INFINITY), below = nextafter(v, 0);
	struct interval interval = {
		.low = ((long double)v + below) / 2,
		.high = isinf(above) ? (long double)v + ((long double)v - below) / 2
				     : ((long double)v + above) / 2,
	};
	print_float(v, &interval, fpclassify(v) == FP_SUBNORMAL ? 1 : 15, 17, 15, out);
}

void pg_print_float4(float v, struct buf *out)
{
	if (print_special((double)v, out))
		return;
	v = fabsf(v);
	float above = nextafterf(v, INFINITY), below = nextafterf(v, 0);
	struct interval interval = {
		.low = ((long double)v + below) / 2,
		.high = isinf(above) ? (long double)v + ((long double)v - below) / 2
				     : ((long double)v + above) / 2,
	};
	print_float((double)v, &interval, fpclassify(v) == FP_SUBNORMAL ? 1 : 6, 9, 6, out);
}
