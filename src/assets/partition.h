/*
 * Partitions of an asset: hours, days, months or years from `begin` on, or keys of its own, or none (the whole). Pure:
 * times are microseconds since 1970, UTC, so no day has 23 hours; a span is [from, to).
 */
#ifndef ASSETS_PARTITION_H
#define ASSETS_PARTITION_H

#include "base/vec.h"
#include "core/period.h"
#include "models/project.h"
#include "state/assets.h"

struct partitioning {
	enum period period; /* PERIOD_NONE: not by time */
	int64_t begin_us;   /* where the first starts; a start of a period */
	struct texts keys;  /* static ones; none: not by key */
};
static inline bool is_partitioned(const struct partitioning *p)
{
	return p->period != PERIOD_NONE || p->keys.n;
}

struct span {
	int64_t from_us, to_us;
};
#define SPAN_ALL ((struct span){TIME_MIN, TIME_MAX})
static inline bool span_is_empty(struct span s)
{
	return s.from_us >= s.to_us;
}
struct span span_common(struct span a, struct span b);

/* Spans that neither overlap nor touch, ascending. */
VEC_TYPE(spans, struct span);
void spans_add(struct spans *set, struct span s);
void spans_remove(struct spans *set, struct span s);
/* What of `s` is in the set, or is not, appended to `out`, which may not be the set. */
void spans_common(const struct spans *set, struct span s, struct spans *out);
void spans_missing(const struct spans *set, struct span s, struct spans *out);

/* What there is at that time, the period that it is in among it. Empty before `begin`; the whole where it is not
 * partitioned by time. */
struct span partitions_until(const struct partitioning *p, int64_t now_us);
/* The partitions by time that have a part of the span, from `begin` on: their span; else the whole. */
struct span partitions_touched(const struct partitioning *p, struct span s);
/* How many partitions by time a span of whole ones holds. */
int64_t partitions_count(const struct partitioning *p, struct span s);
/* Does the span begin and end where partitions do, from `begin` on? */
bool partitions_fit(const struct partitioning *p, struct span s);

/* What is written of a span of whole partitions: "2026-11-02", "2026-11-02 to 2026-11-20", "all". */
#define SPAN_TEXT_SIZE (2 * PERIOD_KEY_SIZE + 8)
const char *span_print(const struct partitioning *p, struct span s, char out[SPAN_TEXT_SIZE]);

/* Which partitions of the child a change of the parent within `changed` touches. `lookback`: so many before each of
 * these as well. Not clipped to what there is of the child, but at `begin`. Empty: none. */
struct span mapped(const struct partitioning *child, struct partition_mapping mapping, int lookback,
	struct span changed);

#endif
