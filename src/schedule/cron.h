/*
 * Cron lines of five fields (minute, hour, day of month, month, day of week), with lists, ranges, steps and
 * names, and @hourly to @yearly. What a line does where clocks are changed is what Vixie's cron does: one that
 * names its hours runs once in a repeated hour, and at the end of a skipped one; one with a star for hours or
 * minutes goes by the time that passes. A day matches where both its fields do, or, when neither begins with a
 * star, where one of them does.
 */
#ifndef SCHEDULE_CRON_H
#define SCHEDULE_CRON_H

#include "core/zone.h"

struct cron {
	uint64_t minutes;
	uint32_t hours, days, months, weekdays; /* bits; day and month from 1, Sunday 0 */
	bool any_time;                          /* a star for hours or minutes */
	bool either_day;
};

/* ERROR_CONFIG says what is wrong and what to write instead. A line that never comes ("0 0 30 2 *") is wrong. */
bool cron_parse(const char *text, struct cron *out, struct error *err);

/* The first time behind `after`, in seconds; INT64_MAX where there is none within 40 years. */
int64_t cron_next(const struct cron *, const struct zone *, int64_t after);

/* The last time up to `upto`, with it; INT64_MIN where there is none behind `after`. */
int64_t cron_last(const struct cron *, const struct zone *, int64_t after, int64_t upto);

#endif
