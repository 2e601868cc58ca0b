/* Periods of time, and times as people write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/attrs.h"
#include "base/clock.h"
#include "core/period.h"

static int64_t at(const char *text)
{
	enum period precision;
	int64_t us;

	if (!time_parse(text, &us, &precision))
		fail_msg("%s is no time", text);
	return us;
}

static void assert_key(enum period period, int64_t us, const char *expected)
{
	char key[PERIOD_KEY_SIZE];

	period_key(period, us, key);
	assert_string_equal(key, expected);
}

static void every_precision_is_read(void **state)
{
	static const struct {
		const char *text, *full;
		enum period precision;
	} times[] = {
		{"2026", "2026-01-01T00:00:00.000000Z", PERIOD_YEAR},
		{"2026-11", "2026-11-01T00:00:00.000000Z", PERIOD_MONTH},
		{"2024-02-29", "2024-02-29T00:00:00.000000Z", PERIOD_DAY},
		{"2026-11-21T05", "2026-11-21T05:00:00.000000Z", PERIOD_HOUR},
		{"2026-11-21 05:00:00", "2026-11-21T05:00:00.000000Z", PERIOD_HOUR},
		{"2026-11-21T05:30", "2026-11-21T05:30:00.000000Z", PERIOD_NONE},
		{"2026-11-21T05:30:15Z", "2026-11-21T05:30:15.000000Z", PERIOD_NONE},
		{"1969-12-31 23:59:59.9999999+00:00", "1969-12-31T23:59:59.999999Z", PERIOD_NONE},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(times); i++) {
		enum period precision;
		int64_t us;
		char full[32];
		assert_true(time_parse(times[i].text, &us, &precision));
		format_utc(us, full);
		assert_string_equal(full, times[i].full);
		assert_int_equal(precision, times[i].precision);
	}
}

static void what_is_no_time_is_refused(void **state)
{
	static const char *const texts[] = {"", "x", "26", "2026-", "2026-13", "2026-00",
		"2026-02-29", "2026-1-1", "2026-11-21T", "2026-11-21T24", "2026-11-21T05:60",
		"2026-11-21x", "2026-11-21T05:30:15.", "2026-11T05", "2026-11-21T05:00+01:00",
		" 2026", "2026-11-31", "20261121"};
	enum period precision;
	int64_t us;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		if (time_parse(texts[i], &us, &precision))
			fail_msg("'%s' was read", texts[i]);
}

static void periods_begin_and_follow_by_the_calendar(void **state)
{
	int64_t us = at("2024-02-29T23:59:59.5");

	(void)state;
	assert_int_equal(period_start(PERIOD_HOUR, us), at("2024-02-29T23"));
	assert_int_equal(period_start(PERIOD_DAY, us), at("2024-02-29"));
	assert_int_equal(period_start(PERIOD_MONTH, us), at("2024-02"));
	assert_int_equal(period_start(PERIOD_YEAR, us), at("2024"));
	assert_int_equal(period_add(PERIOD_MONTH, at("2024-01"), 13), at("2025-02"));
	assert_int_equal(period_add(PERIOD_MONTH, at("2024-01"), -1), at("2023-12"));
	assert_int_equal(period_add(PERIOD_MONTH, at("2024-01"), -13), at("2022-12"));
	assert_int_equal(period_add(PERIOD_YEAR, at("2024"), -60), at("1964"));
	assert_int_equal(period_add(PERIOD_DAY, at("2024-02-28"), 2), at("2024-03-01"));
	assert_int_equal(period_start(PERIOD_DAY, at("1969-12-31T05")), at("1969-12-31"));
}

static void a_key_is_as_long_as_its_period_says(void **state)
{
	(void)state;
	assert_key(PERIOD_HOUR, at("2026-11-21T05"), "2026-11-21T05");
	assert_key(PERIOD_DAY, at("2026-11-21"), "2026-11-21");
	assert_key(PERIOD_MONTH, at("2026-11"), "2026-11");
	assert_key(PERIOD_YEAR, at("2026"), "2026");
}

static void periods_are_read_by_name(void **state)
{
	enum period period;

	(void)state;
	for (enum period p = PERIOD_HOUR; p <= PERIOD_YEAR; p++) {
		assert_true(period_parse(period_name(p), &period));
		assert_int_equal(period, p);
	}
	assert_false(period_parse("week", &period));
	assert_false(period_parse("none", &period));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_precision_is_read),
		cmocka_unit_test(what_is_no_time_is_refused),
		cmocka_unit_test(periods_begin_and_follow_by_the_calendar),
		cmocka_unit_test(a_key_is_as_long_as_its_period_says),
		cmocka_unit_test(periods_are_read_by_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
