/* The calendar against the C library's, and backoff. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <cmocka.h>
#include "base/backoff.h"
#include "base/clock.h"

static void every_day_agrees_with_the_c_library_and_comes_back(void **state)
{
	(void)state;
	for (int64_t day = -3000000; day < 4000000; day += 13) {
		time_t t = (time_t)(day * 86400);
		struct tm tm;
		struct civil civil = civil_from_days(day);
		gmtime_r(&t, &tm);
		assert_int_equal(civil.year, (int64_t)tm.tm_year + 1900);
		assert_int_equal(civil.month, tm.tm_mon + 1);
		assert_int_equal(civil.day, tm.tm_mday);
		assert_int_equal(civil_to_days(civil), day);
	}
}

static void the_ends_of_int32_days_come_back(void **state)
{
	static const int64_t days[] = {
		INT32_MIN, INT32_MIN + 1, -719528, -719529, -1, 0, 1, INT32_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof days / sizeof *days; i++)
		assert_int_equal(civil_to_days(civil_from_days(days[i])), days[i]);
	assert_int_equal(civil_from_days(-719528).year, 0);
	assert_int_equal(civil_from_days(-719529).year, -1);
}

static void times_are_printed_in_utc_with_microseconds(void **state)
{
	char text[28];

	(void)state;
	format_utc(0, text);
	assert_string_equal(text, "1970-01-01T00:00:00.000000Z");
	format_utc(1793614272123456, text);
	assert_string_equal(text, "2026-11-02T10:11:12.123456Z");
	format_utc(-1, text);
	assert_string_equal(text, "1969-12-31T23:59:59.999999Z");
	format_utc(951782400000000, text);
	assert_string_equal(text, "2000-02-29T00:00:00.000000Z");
}

static void times_beyond_four_digits_of_year_stay_within_the_text(void **state)
{
	char text[28];

	(void)state;
	format_utc(INT64_MIN, text);
	assert_string_equal(text, "0000-01-01T00:00:00.000000Z");
	format_utc(INT64_MAX, text);
	assert_string_equal(text, "9999-12-31T23:59:59.999999Z");
}

static void the_monotonic_clock_never_goes_back(void **state)
{
	int64_t last = mono_us();

	(void)state;
	for (int i = 0; i < 10000; i++) {
		int64_t now = mono_us();
		assert_true(now >= last);
		last = now;
	}
	assert_true(wall_us() > 1700000000000000);
}

static void waits_grow_from_a_tenth_of_a_second_to_thirty_and_start_again(void **state)
{
	struct backoff b = {0};
	int last = 0;

	(void)state;
	int first = backoff_next_ms(&b);
	assert_in_range(first, 75, 100);
	last = first;
	for (int i = 0; i < 7; i++) {
		int next = backoff_next_ms(&b);
		assert_true(next > last);
		last = next;
	}
	for (int i = 0; i < 100; i++)
		last = backoff_next_ms(&b);
	assert_in_range(last, 22500, 30000);
	backoff_reset(&b);
	assert_in_range(backoff_next_ms(&b), 75, 100);
}

static void waits_of_those_that_failed_together_differ(void **state)
{
	struct backoff b = {.next_ms = 30000};
	int first = backoff_next_ms(&b), different = 0;

	(void)state;
	for (int i = 0; i < 50; i++)
		different += backoff_next_ms(&b) != first;
	assert_true(different > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_day_agrees_with_the_c_library_and_comes_back),
		cmocka_unit_test(the_ends_of_int32_days_come_back),
		cmocka_unit_test(times_are_printed_in_utc_with_microseconds),
		cmocka_unit_test(times_beyond_four_digits_of_year_stay_within_the_text),
		cmocka_unit_test(the_monotonic_clock_never_goes_back),
		cmocka_unit_test(waits_grow_from_a_tenth_of_a_second_to_thirty_and_start_again),
		cmocka_unit_test(waits_of_those_that_failed_together_differ),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
