/*
 * Clocks and the calendar; see clock.h. The calendar counts in eras of 400 years that begin on 1
 * March, so that a leap day ends its year.
 */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

#define DAY_US          ((int64_t)86400 * 1000000)
#define ERA_DAYS        146097
#define ERA_TO_1970     719468                      /* days from 0000-03-01 */
#define FIRST_PRINTABLE (-(int64_t)719528 * DAY_US) /* 0000-01-01 */
#define AFTER_PRINTABLE ((int64_t)2932897 * DAY_US) /* 10000-01-01 */

static int64_t read_us(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t wall_us(void)
{
	return read_us(CLOCK_REALTIME);
}

int64_t mono_us(void)
{
	return read_us(CLOCK_MONOTONIC);
}

int64_t mono_ms(void)
{
	return mono_us() / 1000;
}

struct civil civil_from_days(int64_t days)
{
	int64_t since = days + ERA_TO_1970;
	int64_t era = floor_div(since, ERA_DAYS);
	int64_t of_era = since - era * ERA_DAYS;
	int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	int64_t from_march = (5 * of_year + 2) / 153;
	int day = (int)(of_year - (153 * from_march + 2) / 5 + 1);
	int month = (int)(from_march < 10 ? from_march + 3 : from_march - 9);
	return (struct civil){.year = era * 400 + year + (month <= 2), .month = month, .day = day};
}

int64_t civil_to_days(struct civil civil)
{
	int64_t year = civil.year - (civil.month <= 2);
	int64_t era = floor_div(year, 400);
	int64_t of_400 = year - era * 400;
	int from_march = civil.month > 2 ? civil.month - 3 : civil.month + 9;
	int64_t of_year = (153 * from_march + 2) / 5 + civil.day - 1;
	return era * ERA_DAYS + of_400 * 365 + of_400 / 4 - of_400 / 100 + of_year - ERA_TO_1970;
}

void format_utc(int64_t us, char *out)
{
	if (us < FIRST_PRINTABLE)
		us = FIRST_PRINTABLE;
	if (us >= AFTER_PRINTABLE)
		us = AFTER_PRINTABLE - 1;
	int64_t days = floor_div(us, DAY_US);
	int64_t rest = us - days * DAY_US;
	struct civil day = civil_from_days(days);
	unsigned second = (unsigned)(rest / 1000000);

	snprintf(out, 28, "%04u-%02u-%02uT%02u:%02u:%02u.%06uZ", (unsigned)day.year % 10000,
		(unsigned)day.month % 100, (unsigned)day.day % 100, second / 3600 % 24,
		second / 60 % 60, second % 60, (unsigned)(rest % 1000000));
}
