/*
 * The periods that partitions by time are made of, and times as people write them. Times are
 * microseconds since 1970, UTC, in the years 0 to 9999.
 */
#ifndef CORE_PERIOD_H
#define CORE_PERIOD_H

#include <stdbool.h>
#include <stdint.h>

enum period { PERIOD_NONE, PERIOD_HOUR, PERIOD_DAY, PERIOD_MONTH, PERIOD_YEAR };

const char *period_name(enum period period); /* "day" */
bool period_parse(const char *name, enum period *out);

/* The start of the period that the time is in. */
int64_t period_start(enum period period, int64_t us);
/* n periods on (or back) from the start of one; months and years by the calendar. */
int64_t period_add(enum period period, int64_t start_us, int64_t n);

/* The key of a partition, by its start: 2026-11-21T05, 2026-11-21, 2026-11, 2026. */
#define PERIOD_KEY_SIZE 16
void period_key(enum period period, int64_t start_us, char out[PERIOD_KEY_SIZE]);

/* 2026, 2026-11, 2026-11-21, then T or a space and 05, 05:30, 05:30:15, 05:30:15.123456, then Z or
 * +00:00 or nothing. The precision is the period that is written in full, PERIOD_NONE: finer than
 * an hour. False when it is no such time. */
bool time_parse(const char *text, int64_t *us, enum period *precision);

#endif
