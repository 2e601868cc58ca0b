/* Sizes and durations; see units.h. */
#include "core/units.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include "base/attrs.h"

struct unit {
	const char *name;
	int64_t times;
};

/* From the largest down: the first that divides an amount prints it. */
static const struct unit byte_units[] = {
	{"TiB", (int64_t)1 << 40},
	{"TB", 1000000000000},
	{"GiB", (int64_t)1 << 30},
	{"GB", 1000000000},
	{"MiB", (int64_t)1 << 20},
	{"MB", 1000000},
	{"KiB", (int64_t)1 << 10},
	{"kB", 1000},
	{"T", 1000000000000},
	{"G", 1000000000},
	{"M", 1000000},
	{"k", 1000},
	{"B", 1},
	{"", 1},
};
static const struct unit time_units[] = {
	{"d", 86400000},
	{"h", 3600000},
	{"min", 60000},
	{"m", 60000},
	{"s", 1000},
	{"ms", 1},
};

static const struct unit *find_unit(const struct unit *units, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcasecmp(units[i].name, name))
			return &units[i];
	return NULL;
}

/* The fraction is taken digit by digit, so that 1.5 GiB is exact; what is below one is dropped. */
static bool parse(const char *text, const struct unit *units, size_t n, int64_t *out)
{
	const char *p = text, *whole = text;
	int64_t amount = 0;

	while (isdigit((unsigned char)*p))
		p++;
	const char *whole_end = p, *fraction = p;
	if (*p == '.' && isdigit((unsigned char)p[1])) {
		fraction = ++p;
		while (isdigit((unsigned char)*p))
			p++;
	}
	const char *fraction_end = p;
	while (*p == ' ')
		p++;
	const struct unit *unit = find_unit(units, n, p);
	if (whole_end == whole || !unit)
		return false;
	for (p = whole; p < whole_end; p++)
		if (__builtin_mul_overflow(amount, 10, &amount) ||
			__builtin_add_overflow(amount, *p - '0', &amount))
			return false;
	if (__builtin_mul_overflow(amount, unit->times, &amount))
		return false;
	int64_t of_one = 0, place = unit->times;
	for (p = fraction; p < fraction_end && place >= 10; p++) {
		of_one += place * (*p - '0') / 10;
		place /= 10;
	}
	return !__builtin_add_overflow(amount, of_one, out);
}

bool bytes_parse(const char *text, int64_t *out)
{
	return parse(text, byte_units, COUNT_OF(byte_units), out);
}

bool duration_parse(const char *text, int64_t *out_ms)
{
	if (!strcmp(text, "0")) {
		*out_ms = 0;
		return true;
	}
	return parse(text, time_units, COUNT_OF(time_units), out_ms);
}

static void print(
	int64_t amount, const struct unit *units, size_t n, const char *smallest, char out[32])
{
	for (size_t i = 0; i < n && amount > 0; i++) {
		if (units[i].times > 1 && amount % units[i].times == 0) {
			snprintf(out, 32, "%lld%s", (long long)(amount / units[i].times),
				units[i].name);
			return;
		}
	}
	snprintf(out, 32, "%lld%s", (long long)amount, amount ? smallest : "");
}

void bytes_print(int64_t bytes, char out[32])
{
	print(bytes, byte_units, COUNT_OF(byte_units), "", out);
}

void duration_print(int64_t ms, char out[32])
{
	print(ms, time_units, COUNT_OF(time_units), "ms", out);
}
