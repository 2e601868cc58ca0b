/* Spans of time, sets of them, and the partitions that they are; see partition.h. */
#include "assets/partition.h"

#include <stdio.h>
#include <string.h>

/* --- spans --- */

struct span span_common(struct span a, struct span b)
{
	return (struct span){a.from_us > b.from_us ? a.from_us : b.from_us,
		a.to_us < b.to_us ? a.to_us : b.to_us};
}

/* The first that ends behind the time. */
static size_t first_behind(const struct spans *set, int64_t us)
{
	size_t low = 0, high = set->len;

	while (low < high) {
		size_t middle = (low + high) / 2;
		if (set->items[middle].to_us > us)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* `n` spans from `at` on give way to `with`, of which there are `m` (2 at most). */
static void splice(struct spans *set, size_t at, size_t n, const struct span *with, size_t m)
{
	static const struct span none;

	for (size_t i = n; i < m; i++)
		vec_push(set, none);
	if (!set->len)
		return;
	size_t grown = m > n ? m - n : 0;
	memmove(set->items + at + m, set->items + at + n,
		(set->len - grown - at - n) * sizeof *set->items);
	if (m)
		memcpy(set->items + at, with, m * sizeof *with);
	if (n > m)
		set->len -= n - m;
}

void spans_add(struct spans *set, struct span s)
{
	if (span_is_empty(s))
		return;
	/* One that ends right at its start touches it. */
	size_t at = s.from_us == TIME_MIN ? 0 : first_behind(set, s.from_us - 1), end = at;
	for (; end < set->len && set->items[end].from_us <= s.to_us; end++) {
		const struct span *near = &set->items[end];
		s.from_us = near->from_us < s.from_us ? near->from_us : s.from_us;
		s.to_us = near->to_us > s.to_us ? near->to_us : s.to_us;
	}
	splice(set, at, end - at, &s, 1);
}

void spans_remove(struct spans *set, struct span s)
{
	struct span left[2];
	size_t n = 0;

	if (span_is_empty(s))
		return;
	size_t at = first_behind(set, s.from_us), end = at;
	for (; end < set->len && set->items[end].from_us < s.to_us; end++) {
		const struct span *near = &set->items[end];
		if (near->from_us < s.from_us)
			left[n++] = (struct span){near->from_us, s.from_us};
		if (near->to_us > s.to_us)
			left[n++] = (struct span){s.to_us, near->to_us};
	}
	splice(set, at, end - at, left, n);
}

void spans_common(const struct spans *set, struct span s, struct spans *out)
{
	for (size_t i = first_behind(set, s.from_us);
		i < set->len && set->items[i].from_us < s.to_us; i++)
		spans_add(out, span_common(set->items[i], s));
}

void spans_missing(const struct spans *set, struct span s, struct spans *out)
{
	int64_t from_us = s.from_us;

	for (size_t i = first_behind(set, s.from_us);
		i < set->len && set->items[i].from_us < s.to_us; i++) {
		spans_add(out, (struct span){from_us, set->items[i].from_us});
		from_us = set->items[i].to_us;
	}
	spans_add(out, (struct span){from_us, s.to_us});
}

/* --- partitions --- */

struct span partitions_until(const struct partitioning *p, int64_t now_us)
{
	if (p->period == PERIOD_NONE)
		return SPAN_ALL;
	if (now_us < p->begin_us)
		return (struct span){p->begin_us, p->begin_us};
	return (struct span){
		p->begin_us, period_add(p->period, period_start(p->period, now_us), 1)};
}

/* The start of the first period that starts at the time or behind it. */
static int64_t ceiling(enum period period, int64_t us)
{
	int64_t start_us = period_start(period, us);

	return start_us == us ? us : period_add(period, start_us, 1);
}

/* Behind the years that have keys there are no partitions. */
#define LAST_US INT64_C(253402300800000000)

struct span partitions_touched(const struct partitioning *p, struct span s)
{
	if (span_is_empty(s))
		return s;
	if (p->period == PERIOD_NONE)
		return SPAN_ALL;
	s = span_common(s, (struct span){p->begin_us, LAST_US});
	if (span_is_empty(s))
		return (struct span){p->begin_us, p->begin_us};
	return (struct span){period_start(p->period, s.from_us), ceiling(p->period, s.to_us)};
}

static int64_t number_of(enum period period, int64_t us)
{
	static const int64_t HOUR_US = INT64_C(3600000000);
	char key[PERIOD_KEY_SIZE];
	int year = 0, month = 1;

	if (period == PERIOD_HOUR)
		return us / HOUR_US;
	if (period == PERIOD_DAY)
		return us / (24 * HOUR_US);
	period_key(PERIOD_MONTH, us, key);
	sscanf(key, "%d-%d", &year, &month);
	return period == PERIOD_MONTH ? (int64_t)year * 12 + month : year;
}

int64_t partitions_count(const struct partitioning *p, struct span s)
{
	if (span_is_empty(s))
		return 0;
	if (p->period == PERIOD_NONE)
		return 1;
	/* Through the last one's start: LAST_US itself has no key. */
	int64_t last_us = period_start(p->period, s.to_us - 1);
	return number_of(p->period, last_us) - number_of(p->period, s.from_us) + 1;
}

bool partitions_fit(const struct partitioning *p, struct span s)
{
	if (p->period == PERIOD_NONE)
		return s.from_us == TIME_MIN && s.to_us == TIME_MAX;
	return s.from_us >= p->begin_us && s.to_us <= LAST_US &&
	       period_start(p->period, s.from_us) == s.from_us &&
	       period_start(p->period, s.to_us) == s.to_us;
}

const char *span_print(const struct partitioning *p, struct span s, char out[SPAN_TEXT_SIZE])
{
	char first[PERIOD_KEY_SIZE], last[PERIOD_KEY_SIZE];

	if (p->period == PERIOD_NONE || span_is_empty(s)) {
		snprintf(out, SPAN_TEXT_SIZE, "%s", span_is_empty(s) ? "none" : "all");
		return out;
	}
	period_key(p->period, s.from_us, first);
	period_key(p->period, period_start(p->period, s.to_us - 1), last);
	if (strcmp(first, last) == 0)
		snprintf(out, SPAN_TEXT_SIZE, "%s", first);
	else
		snprintf(out, SPAN_TEXT_SIZE, "%s to %s", first, last);
	return out;
}

/* --- mapping --- */

/* Periods on, as far as there are keys. */
static int64_t moved(const struct partitioning *p, int64_t start_us, int n)
{
	if (start_us <= p->begin_us && n < 0)
		return p->begin_us;
	int64_t us = period_add(p->period, start_us, n);
	return us > LAST_US ? LAST_US : us;
}

struct span mapped(const struct partitioning *child, struct partition_mapping mapping, int lookback,
	struct span changed)
{
	static const struct span none;

	if (mapping.kind == MAPPING_IGNORE || span_is_empty(changed))
		return none;
	if (child->period == PERIOD_NONE)
		return SPAN_ALL;
	if (mapping.kind == MAPPING_ALL)
		return (struct span){child->begin_us, LAST_US};
	struct span s = partitions_touched(child, changed);
	if (mapping.kind == MAPPING_WINDOW) {
		/* A change right before `begin` is in the window of the first ones. */
		struct partitioning any = *child;
		any.begin_us = period_add(child->period, child->begin_us, -mapping.window);
		s = partitions_touched(&any, changed);
		s = (struct span){s.from_us,
			span_is_empty(s) ? s.from_us : moved(&any, s.to_us, mapping.window)};
		s = span_common(s, (struct span){child->begin_us, LAST_US});
	}
	if (span_is_empty(s))
		return none;
	s.from_us = moved(child, s.from_us, -lookback);
	if (s.from_us < child->begin_us)
		s.from_us = child->begin_us;
	return s;
}
