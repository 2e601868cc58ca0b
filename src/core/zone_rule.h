/*
 * What a zone does after the last transition that its file lists: a TZ string as POSIX has it, with the hours of
 * RFC 9636 ("CET-1CEST,M3.5.0,M10.5.0/3").
 */
#ifndef CORE_ZONE_RULE_H
#define CORE_ZONE_RULE_H

#include <stdbool.h>
#include <stdint.h>

struct zone_day {
	enum { DAY_OF_MONTH_WEEK, DAY_WITHOUT_LEAP, DAY_OF_YEAR } kind;
	int month, week, day; /* DAY_OF_MONTH_WEEK: week 5 is the last; else only `day` */
	int32_t second;       /* of the day, by the clock until then; may be before or behind it */
};

struct zone_rule {
	int32_t standard, summer; /* seconds east of UTC */
	bool has_summer;
	struct zone_day begins, ends; /* of summer time */
};

/* False: it is no such string. */
bool zone_rule_parse(const char *text, struct zone_rule *out);
int32_t zone_rule_offset(const struct zone_rule *, int64_t instant);

#endif
