/* Time: the wall's for people and lag, the monotonic one for everything that waits. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

int64_t wall_us(void); /* microseconds since 1970-01-01 UTC */
int64_t mono_ms(void);
int64_t mono_us(void);

/* "2026-11-02T10:11:12.123456Z" into out, which holds at least 28 bytes. Years 0 to 9999. */
void format_utc(int64_t us, char *out);

/* a / b downwards, for b above 0: what lies before 1970 is in the unit that has begun. */
static inline int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* A day of the proleptic Gregorian calendar; year 0 is 1 BC. */
struct civil {
	int64_t year;
	int month, day; /* from 1 */
};
struct civil civil_from_days(
	int64_t days); /* since 1970-01-01; exact for every int32, and far beyond */
int64_t civil_to_days(struct civil civil);

/* Sunday is 0. */
static inline int weekday_of(int64_t days)
{
	return (int)(days + 4 - floor_div(days + 4, 7) * 7);
}

#endif
