/* Hours, days, months and years as partitions; see period.h. */
#include "core/period.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include "base/attrs.h"
#include "base/clock.h"

#define SECOND_US ((int64_t)1000000)
#define HOUR_US   (3600 * SECOND_US)
#define DAY_US    (24 * HOUR_US)

static const char *const names[] = {[PERIOD_HOUR] = "hour",
	[PERIOD_DAY] = "day",
	[PERIOD_MONTH] = "month",
	[PERIOD_YEAR] = "year"};

const char *period_name(enum period period)
{
	return period == PERIOD_NONE ? "none" : names[period];
}

bool period_parse(const char *name, enum period *out)
{
	for (size_t i = PERIOD_HOUR; i < COUNT_OF(names); i++) {
		if (strcmp(name, names[i]) != 0)
			continue;
		*out = (enum period)i;
		return true;
	}
	return false;
}

static int64_t month_start(int64_t year, int64_t month) /* month from 0, beyond 11 too */
{
	struct civil civil = {.year = year + floor_div(month, 12), .day = 1};

	civil.month = (int)(month - floor_div(month, 12) * 12) + 1;
	return civil_to_days(civil) * DAY_US;
}

int64_t period_start(enum period period, int64_t us)
{
	return period_add(period, us, 0);
}

int64_t period_add(enum period period, int64_t start_us, int64_t n)
{
	struct civil civil = civil_from_days(floor_div(start_us, DAY_US));

	switch (period) {
	case PERIOD_NONE: return start_us;
	case PERIOD_HOUR: return (floor_div(start_us, HOUR_US) + n) * HOUR_US;
	case PERIOD_DAY: return (floor_div(start_us, DAY_US) + n) * DAY_US;
	case PERIOD_MONTH: return month_start(civil.year, civil.month - 1 + n);
	case PERIOD_YEAR: return month_start(civil.year + n, 0);
	}
	return start_us;
}

void period_key(enum period period, int64_t start_us, char out[PERIOD_KEY_SIZE])
{
	/* As much of 2026-11-21T05 as the period says. */
	static const int lengths[] = {
		[PERIOD_HOUR] = 13, [PERIOD_DAY] = 10, [PERIOD_MONTH] = 7, [PERIOD_YEAR] = 4};
	char text[32];

	format_utc(start_us, text);
	snprintf(out, PERIOD_KEY_SIZE, "%.*s", lengths[period], text);
}

/* --- times as people write them --- */

/* So many digits, behind what separates them; false: they are not there. */
static bool read_digits(const char **p, const char *separators, int n, int *out)
{
	const char *s = *p;

	if (separators && (!*s || !strchr(separators, *s++)))
		return false;
	*out = 0;
	for (int i = 0; i < n; i++) {
		if (!isdigit((unsigned char)s[i]))
			return false;
		*out = *out * 10 + (s[i] - '0');
	}
	*p = s + n;
	return true;
}

static int64_t read_fraction(const char **p)
{
	int64_t us = 0, place = SECOND_US / 10;

	if (**p != '.' || !isdigit((unsigned char)(*p)[1]))
		return 0;
	for (++*p; isdigit((unsigned char)**p); ++*p, place /= 10)
		us += place * (**p - '0');
	return us;
}

static bool is_date(struct civil civil)
{
	struct civil again = civil_from_days(civil_to_days(civil));
	return again.month == civil.month && again.day == civil.day;
}

bool time_parse(const char *text, int64_t *us, enum period *precision)
{
	const char *p = text;
	int year, month = 1, day = 1, hour = 0, minute = 0, second = 0;
	int64_t fraction = 0;

	*precision = PERIOD_YEAR;
	if (!read_digits(&p, NULL, 4, &year))
		return false;
	if (read_digits(&p, "-", 2, &month)) {
		*precision = PERIOD_MONTH;
		if (read_digits(&p, "-", 2, &day))
			*precision = PERIOD_DAY;
	}
	if (*precision == PERIOD_DAY && read_digits(&p, "T ", 2, &hour)) {
		*precision = PERIOD_HOUR;
		if (read_digits(&p, ":", 2, &minute) && read_digits(&p, ":", 2, &second))
			fraction = read_fraction(&p);
		if (minute || second || fraction)
			*precision = PERIOD_NONE;
		p += !strcmp(p, "Z") ? 1 : !strcmp(p, "+00:00") ? 6 : 0;
	}
	struct civil civil = {year, month, day};
	if (*p || month < 1 || day < 1 || !is_date(civil) || hour > 23 || minute > 59 ||
		second > 59)
		return false;
	*us = civil_to_days(civil) * DAY_US +
	      ((int64_t)hour * 3600 + minute * 60 + second) * SECOND_US + fraction;
	return true;
}
