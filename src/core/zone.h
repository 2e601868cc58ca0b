/*
 * Time zones, from the system's tzdata (RFC 9636 files below $TZDIR or /usr/share/zoneinfo). A zone is read
 * once and immutable then; "UTC" is there without any file. Instants are seconds since 1970 UTC; a wall time is
 * the seconds since 1970 that a clock in UTC would have when it shows the same.
 */
#ifndef CORE_ZONE_H
#define CORE_ZONE_H

#include <stdint.h>
#include "base/error.h"

struct zone;

/* "Europe/Berlin"; NULL and ERROR_CONFIG where there is none of that name. */
struct zone *zone_load(const char *name, struct error *err);
void zone_free(struct zone *);

/* Seconds east of UTC. */
int32_t zone_offset(const struct zone *, int64_t instant);

/* When the zone's clocks show that wall time: the first of two times, where it is repeated; where it is skipped
 * the end of the gap. */
int64_t zone_instant(const struct zone *, int64_t wall);

#endif
