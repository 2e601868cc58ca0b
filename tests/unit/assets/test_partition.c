/* Spans and their sets against a row of days; partitions at the edges of months, years and leap years. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "assets/partition.h"
#include "base/mem.h"

#define DAYS 30

static int64_t at(const char *text)
{
	enum period precision;
	int64_t us;
	assert_true(time_parse(text, &us, &precision));
	return us;
}

static struct partitioning by(enum period period, const char *begin)
{
	return (struct partitioning){.period = period, .begin_us = at(begin)};
}

static void assert_span(const struct partitioning *p, struct span s, const char *expected)
{
	char text[SPAN_TEXT_SIZE];
	assert_string_equal(span_print(p, s, text), expected);
}

/* Ascending, apart, and of exactly these days. */
static void assert_days(const struct spans *set, const bool *days)
{
	int64_t end = -1;
	int n = 0;
	vec_each (set, s) {
		assert_true(s->from_us > end && s->to_us > s->from_us);
		for (end = s->from_us; end < s->to_us; end++, n++)
			assert_true(days[end]);
	}
	for (int i = 0; i < DAYS; i++)
		n -= days[i];
	assert_int_equal(n, 0);
}

static void sets_of_spans_are_as_rows_of_days(void **state)
{
	(void)state;
	struct spans set = {0}, common = {0}, missing = {0};
	bool days[DAYS] = {false}, in[DAYS], out[DAYS];
	unsigned seed = 3;
	for (int round = 0; round < 2000; round++) {
		struct span s = {.from_us = rand_r(&seed) % DAYS};
		s.to_us = s.from_us + rand_r(&seed) % (DAYS + 1 - s.from_us);
		bool adding = rand_r(&seed) % 2;
		for (int64_t i = 0; i < DAYS; i++) {
			bool within = i >= s.from_us && i < s.to_us;
			in[i] = within && days[i];
			out[i] = within && !days[i];
		}
		spans_common(&set, s, &common);
		spans_missing(&set, s, &missing);
		assert_days(&common, in);
		assert_days(&missing, out);
		for (int64_t i = s.from_us; i < s.to_us; i++)
			days[i] = adding;
		(adding ? spans_add : spans_remove)(&set, s);
		assert_days(&set, days);
		common.len = missing.len = 0;
	}
	vec_release(&set);
	vec_release(&common);
	vec_release(&missing);
}

static void the_ends_of_time_are_times(void **state)
{
	(void)state;
	struct spans set = {0}, out = {0};
	spans_add(&set, SPAN_ALL);
	spans_remove(&set, (struct span){10, 20});
	assert_int_equal(set.len, 2);
	spans_add(&set, (struct span){TIME_MIN, 15});
	assert_int_equal(set.items[0].to_us, 15);
	spans_missing(&set, SPAN_ALL, &out);
	assert_int_equal(out.len, 1);
	assert_int_equal(out.items[0].from_us, 15);
	assert_int_equal(out.items[0].to_us, 20);
	vec_release(&set);
	vec_release(&out);
}

static void partitions_end_with_the_one_that_now_is_in(void **state)
{
	(void)state;
	struct partitioning day = by(PERIOD_DAY, "2026-02-27"), none = {0};
	assert_span(
		&day, partitions_until(&day, at("2026-03-01T00:00")), "2026-02-27 to 2026-03-01");
	assert_span(&day, partitions_until(&day, at("2026-02-27T23:59")), "2026-02-27");
	assert_span(&day, partitions_until(&day, at("2026-02-26T23:59")), "none");
	assert_span(&none, partitions_until(&none, 0), "all");
}

static void months_and_leap_years_are_counted_by_the_calendar(void **state)
{
	(void)state;
	struct partitioning day = by(PERIOD_DAY, "2023-12-31"), month = by(PERIOD_MONTH, "2023-11"),
			    year = by(PERIOD_YEAR, "1999"), hour = by(PERIOD_HOUR, "2024-02-28T22");
	struct span feb = {at("2024-02-28"), at("2024-03-01")};
	assert_int_equal(partitions_count(&day, feb), 2);
	assert_int_equal(partitions_count(&month, (struct span){at("2023-11"), at("2024-03")}), 4);
	assert_int_equal(partitions_count(&year, (struct span){at("1999"), at("2027")}), 28);
	assert_int_equal(partitions_count(&hour, feb), 48);
	assert_span(&month, partitions_touched(&month, feb), "2024-02");
	assert_span(&month, partitions_touched(&month, (struct span){feb.from_us, feb.to_us + 1}),
		"2024-02 to 2024-03");
	assert_span(&year, partitions_touched(&year, (struct span){0, 1}), "none");
	assert_span(&hour, partitions_touched(&hour, feb), "2024-02-28T22 to 2024-02-29T23");
	assert_span(&day, partitions_touched(&day, SPAN_ALL), "2023-12-31 to 9999-12-31");
	assert_int_equal(partitions_count(&year, partitions_touched(&year, SPAN_ALL)), 8001);
}

/* The days on which clocks in Berlin are changed have 24 hours, as all have. */
static void a_day_has_24_hours(void **state)
{
	(void)state;
	struct partitioning hour = by(PERIOD_HOUR, "2026-01-01T00");
	struct span spring = {at("2026-03-29"), at("2026-03-30")},
		    autumn = {at("2026-10-25"), at("2026-10-26")};
	assert_int_equal(partitions_count(&hour, spring), 24);
	assert_int_equal(partitions_count(&hour, autumn), 24);
}

static void only_whole_partitions_fit(void **state)
{
	(void)state;
	struct partitioning month = by(PERIOD_MONTH, "2026-01");
	assert_true(partitions_fit(&month, (struct span){at("2026-01"), at("2026-03")}));
	assert_false(partitions_fit(&month, (struct span){at("2026-01"), at("2026-03-02")}));
	assert_false(partitions_fit(&month, (struct span){at("2025-12"), at("2026-03")}));
}

static struct span map(const struct partitioning *p, enum mapping_kind kind, int window,
	int lookback, const char *from, const char *to)
{
	struct partition_mapping mapping = {kind, window};
	return mapped(p, mapping, lookback, (struct span){at(from), at(to)});
}

static void changes_of_a_parent_map_to_partitions_of_the_child(void **state)
{
	(void)state;
	struct partitioning day = by(PERIOD_DAY, "2026-11-01"), none = {0};
	static const char from[] = "2026-11-10T05", to[] = "2026-11-10T06";
	assert_span(&day, map(&day, MAPPING_SAME, 0, 0, from, to), "2026-11-10");
	assert_span(&day, map(&day, MAPPING_SAME, 0, 2, from, to), "2026-11-08 to 2026-11-10");
	assert_span(&day, map(&day, MAPPING_WINDOW, 3, 0, from, to), "2026-11-10 to 2026-11-13");
	assert_span(&day, map(&day, MAPPING_WINDOW, 3, 1, from, to), "2026-11-09 to 2026-11-13");
	assert_span(&day, map(&day, MAPPING_ALL, 0, 0, from, to), "2026-11-01 to 9999-12-31");
	assert_true(span_is_empty(map(&day, MAPPING_IGNORE, 0, 0, from, to)));
	assert_span(&none, map(&none, MAPPING_SAME, 0, 0, from, to), "all");
	/* Before the first partition: only those whose window sees it. */
	assert_true(span_is_empty(map(&day, MAPPING_SAME, 0, 9, "2026-10-30", "2026-10-31")));
	assert_span(&day, map(&day, MAPPING_WINDOW, 3, 0, "2026-10-30", "2026-10-31"),
		"2026-11-01 to 2026-11-02");
	assert_true(span_is_empty(map(&day, MAPPING_WINDOW, 3, 0, "2026-10-20", "2026-10-21")));
	assert_span(&day, map(&day, MAPPING_SAME, 0, 9, "2026-11-02", "2026-11-03"),
		"2026-11-01 to 2026-11-02");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sets_of_spans_are_as_rows_of_days),
		cmocka_unit_test(the_ends_of_time_are_times),
		cmocka_unit_test(partitions_end_with_the_one_that_now_is_in),
		cmocka_unit_test(months_and_leap_years_are_counted_by_the_calendar),
		cmocka_unit_test(a_day_has_24_hours),
		cmocka_unit_test(only_whole_partitions_fit),
		cmocka_unit_test(changes_of_a_parent_map_to_partitions_of_the_child),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
