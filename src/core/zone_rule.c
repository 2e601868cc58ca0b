/* TZ strings; see zone_rule.h. */
#include "core/zone_rule.h"

#include <ctype.h>
#include <string.h>
#include "base/clock.h"

#define DAY_S  86400
#define HOUR_S 3600

/* --- reading --- */

static bool take(const char **p, char c)
{
	if (**p != c)
		return false;
	++*p;
	return true;
}

static bool read_number(const char **p, int least, int most, int *out)
{
	int n = 0;

	if (!isdigit((unsigned char)**p))
		return false;
	for (; isdigit((unsigned char)**p) && n <= most; ++*p)
		n = n * 10 + (**p - '0');
	*out = n;
	return n >= least && n <= most;
}

static bool read_name(const char **p)
{
	const char *from = *p;

	if (take(p, '<')) {
		*p += strcspn(*p, ">");
		return take(p, '>');
	}
	while (isalpha((unsigned char)**p))
		++*p;
	return *p - from >= 3;
}

/* [+-]hh[:mm[:ss]] */
static bool read_time(const char **p, int most_hours, int32_t *out)
{
	int hours, minutes = 0, seconds = 0;
	bool minus = take(p, '-');

	if (!minus)
		(void)take(p, '+');
	if (!read_number(p, 0, most_hours, &hours) ||
		(take(p, ':') && !read_number(p, 0, 59, &minutes)) ||
		(take(p, ':') && !read_number(p, 0, 59, &seconds)))
		return false;
	*out = hours * HOUR_S + minutes * 60 + seconds;
	if (minus)
		*out = -*out;
	return true;
}

static bool read_day(const char **p, struct zone_day *out)
{
	*out = (struct zone_day){.second = 2 * HOUR_S};
	if (take(p, 'M')) {
		if (!read_number(p, 1, 12, &out->month) || !take(p, '.') ||
			!read_number(p, 1, 5, &out->week) || !take(p, '.') ||
			!read_number(p, 0, 6, &out->day))
			return false;
	} else {
		out->kind = take(p, 'J') ? DAY_WITHOUT_LEAP : DAY_OF_YEAR;
		if (!read_number(p, out->kind == DAY_WITHOUT_LEAP, 365, &out->day))
			return false;
	}
	return !take(p, '/') || read_time(p, 167, &out->second);
}

bool zone_rule_parse(const char *text, struct zone_rule *out)
{
	const char *p = text;
	int32_t west;

	*out = (struct zone_rule){0};
	if (!read_name(&p) || !read_time(&p, 24, &west))
		return false;
	out->standard = -west;
	if (!*p)
		return true;
	out->has_summer = true;
	out->summer = out->standard + HOUR_S;
	if (!read_name(&p))
		return false;
	if (*p != ',') {
		if (!read_time(&p, 24, &west))
			return false;
		out->summer = -west;
	}
	return take(&p, ',') && read_day(&p, &out->begins) && take(&p, ',') &&
	       read_day(&p, &out->ends) && !*p;
}

/* --- asking --- */

static int64_t first_of(int64_t year, int month)
{
	return civil_to_days((struct civil){.year = year, .month = month, .day = 1});
}

static int64_t day_in(const struct zone_day *day, int64_t year)
{
	if (day->kind == DAY_OF_YEAR)
		return first_of(year, 1) + day->day;
	if (day->kind == DAY_WITHOUT_LEAP) {
		bool leap = first_of(year, 3) - first_of(year, 2) == 29;
		return first_of(year, 1) + day->day - 1 + (leap && day->day > 59);
	}
	int64_t first = first_of(year, day->month);
	int64_t next = day->month == 12 ? first_of(year + 1, 1) : first_of(year, day->month + 1);
	int64_t found = first + (day->day - weekday_of(first) + 7) % 7 + 7 * (day->week - 1);
	return found < next ? found : found - 7;
}

int32_t zone_rule_offset(const struct zone_rule *rule, int64_t instant)
{
	if (!rule->has_summer)
		return rule->standard;
	int64_t local = instant + rule->standard;
	int64_t days = floor_div(local, DAY_S);
	int64_t year = civil_from_days(days).year;
	int64_t begins = day_in(&rule->begins, year) * DAY_S + rule->begins.second - rule->standard;
	int64_t ends = day_in(&rule->ends, year) * DAY_S + rule->ends.second - rule->summer;
	/* south of the equator summer goes on over the turn of the year */
	bool summer = begins < ends ? instant >= begins && instant < ends
				    : instant >= begins || instant < ends;
	return summer ? rule->summer : rule->standard;
}
