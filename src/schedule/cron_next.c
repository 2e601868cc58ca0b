/* When a cron line comes; see cron.h. */
#include "schedule/cron.h"

#include "base/clock.h"

#define MINUTE_S INT64_C(60)
#define HOUR_S   INT64_C(3600)
#define DAY_S    INT64_C(86400)
#define FAR_DAYS (40 * 366) /* 29 February may be 8 years away, on a given weekday 40 */

static int64_t floor_to(int64_t seconds, int64_t unit)
{
	return floor_div(seconds, unit) * unit;
}

static bool day_matches(const struct cron *c, int64_t days)
{
	struct civil civil = civil_from_days(days);
	bool day = c->days >> civil.day & 1;
	bool weekday = c->weekdays >> weekday_of(days) & 1;

	return (c->months >> civil.month & 1) && (c->either_day ? day || weekday : day && weekday);
}

static bool wall_matches(const struct cron *c, int64_t wall)
{
	int64_t day = floor_to(wall, DAY_S);

	return (c->hours >> ((wall - day) / HOUR_S) & 1) && day_matches(c, day / DAY_S);
}

/* By the time that passes: minute by minute, in hours and days that match. */
static int64_t next_by_minute(const struct cron *c, const struct zone *z, int64_t after)
{
	int64_t at = floor_to(after, MINUTE_S) + MINUTE_S, far = after + FAR_DAYS * DAY_S;

	while (at < far) {
		int64_t wall = at + zone_offset(z, at);
		int64_t minute = (wall - floor_to(wall, HOUR_S)) / MINUTE_S;
		bool hour = wall_matches(c, wall);
		if (hour && (c->minutes >> minute & 1))
			return at;
		int64_t hour_ends = at + (60 - minute) * MINUTE_S;
		at = hour || zone_offset(z, hour_ends) != zone_offset(z, at) ? at + MINUTE_S
									     : hour_ends;
	}
	return INT64_MAX;
}

/* The first wall time of a day whose instant is behind `after`. */
static int64_t next_in_day(const struct cron *c, const struct zone *z, int64_t days, int64_t after)
{
	for (int hour = 0; hour < 24; hour++) {
		for (int minute = 0; (c->hours >> hour & 1) && minute < 60; minute++) {
			if (!(c->minutes >> minute & 1))
				continue;
			int64_t at = zone_instant(
				z, days * DAY_S + hour * HOUR_S + minute * MINUTE_S);
			if (at > after)
				return at;
		}
	}
	return INT64_MAX;
}

static int64_t next_by_wall(const struct cron *c, const struct zone *z, int64_t after)
{
	/* the day before: what was skipped there comes at the end of the gap, which may be now */
	int64_t day = floor_to(after + zone_offset(z, after), DAY_S) / DAY_S - 1;

	for (int64_t last = day + FAR_DAYS; day < last; day++) {
		int64_t at = day_matches(c, day) ? next_in_day(c, z, day, after) : INT64_MAX;
		if (at != INT64_MAX)
			return at;
	}
	return INT64_MAX;
}

int64_t cron_next(const struct cron *c, const struct zone *z, int64_t after)
{
	return c->any_time ? next_by_minute(c, z, after) : next_by_wall(c, z, after);
}

int64_t cron_last(const struct cron *c, const struct zone *z, int64_t after, int64_t upto)
{
	int64_t last = INT64_MIN;

	/* from near the end first: most lines come at least once a month */
	for (int64_t back = DAY_S;; back *= 31) {
		int64_t from = upto - back > after ? upto - back : after;
		for (int64_t at = cron_next(c, z, from); at <= upto; at = cron_next(c, z, at))
			last = at;
		if (last != INT64_MIN || from == after)
			return last;
	}
}
