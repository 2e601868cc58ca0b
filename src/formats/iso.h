/*
 * Reading ISO 8601, part by part: what the texts of PostgreSQL and of Kafka Connect have in common. Each takes
 * what it finds at t->at and moves behind it; false: it is not there, and t->at is where it went wrong.
 */
#ifndef FORMATS_ISO_H
#define FORMATS_ISO_H

#include <stdbool.h>
#include <stdint.h>
#include "base/clock.h"

#define ISO_SECOND_US INT64_C(1000000)

struct iso_text {
	const uint8_t *at, *end;
};

bool iso_take(struct iso_text *t, char ch);
bool iso_take_number(struct iso_text *t, int least_digits, int most_digits, int64_t *out);

/* "2024-05-31", without a sign; a year of `most_digits`. Of month and day, only that such can be. */
bool iso_take_date(struct iso_text *t, int most_digits, struct civil *out);

/* "10:11"; the seconds are for iso_take_seconds(). */
bool iso_take_minutes(struct iso_text *t, int64_t *us);
/* "12" or "12.345", added to *us; digits beyond microseconds are cut. */
bool iso_take_seconds(struct iso_text *t, int64_t *us);

#endif
