/* Cron lines: what is read, what is refused, and when they come, held against the C library's own clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>
#include "schedule/cron.h"

static struct cron line_of(const char *text)
{
	struct error err = {0};
	struct cron c;

	if (!cron_parse(text, &c, &err))
		fail_msg("%s: %s", text, err.text);
	return c;
}

static struct zone *zone_of(const char *name)
{
	struct error err = {0};
	struct zone *z = zone_load(name, &err);

	if (!z)
		fail_msg("%s", err.text);
	return z;
}

static int64_t utc(const char *text)
{
	struct tm tm = {0};

	assert_non_null(strptime(text, "%Y-%m-%d %H:%M", &tm));
	return timegm(&tm);
}

/* "2026-03-29 01:00" of the next n times, one a line, in UTC. */
static void comes(const char *line, const char *zone, const char *after, const char *expected)
{
	struct cron c = line_of(line);
	struct zone *z = zone_of(zone);
	int64_t at = utc(after);
	char got[1024] = "";

	for (const char *p = expected; *p; p++) {
		if (p != expected && p[-1] != '\n')
			continue;
		at = cron_next(&c, z, at);
		time_t t = at;
		struct tm tm;
		gmtime_r(&t, &tm);
		strftime(got + strlen(got), sizeof got - strlen(got), "%Y-%m-%d %H:%M\n", &tm);
	}
	zone_free(z);
	assert_string_equal(got, expected);
}

static void lines_are_read_as_cron_reads_them(void **state)
{
	(void)state;
	comes("0 0 * * *", "UTC", "2026-11-21 00:00", "2026-11-22 00:00\n2026-11-23 00:00\n");
	comes("@daily", "UTC", "2026-12-31 23:59", "2027-01-01 00:00\n");
	comes("*/20 9-10 * * mon-fri", "UTC", "2026-11-20 10:30",
		"2026-11-20 10:40\n2026-11-23 09:00\n2026-11-23 09:20\n");
	comes("5,10-12 1 1 JAN,jul *", "UTC", "2026-11-21 00:00",
		"2027-01-01 01:05\n2027-01-01 01:10\n2027-01-01 01:11\n2027-01-01 01:12\n"
		"2027-07-01 01:05\n");
	comes("50/5 0 * * *", "UTC", "2026-11-21 00:00", "2026-11-21 00:50\n2026-11-21 00:55\n");
	comes("0 12 * * 7", "UTC", "2026-11-21 00:00", "2026-11-22 12:00\n2026-11-29 12:00\n");
	comes("0 12 * * fri-sun", "UTC", "2026-11-21 13:00",
		"2026-11-22 12:00\n2026-11-27 12:00\n");
}

static void a_day_of_both_kinds_matches_by_either(void **state)
{
	(void)state;
	comes("0 0 13 * 5", "UTC", "2026-11-01 00:00",
		"2026-11-06 00:00\n2026-11-13 00:00\n2026-11-20 00:00\n2026-11-27 00:00\n"
		"2026-12-04 00:00\n2026-12-11 00:00\n2026-12-13 00:00\n");
	/* with a star in front the other one decides */
	comes("0 0 */2 * 5", "UTC", "2026-11-01 00:00", "2026-11-13 00:00\n2026-11-27 00:00\n");
}

static void the_29th_of_february_is_waited_for(void **state)
{
	(void)state;
	comes("0 0 29 2 *", "UTC", "2096-03-01 00:00", "2104-02-29 00:00\n");
}

static void a_job_in_the_skipped_hour_runs_once_at_its_end(void **state)
{
	(void)state;
	comes("30 2 * * *", "Europe/Berlin", "2026-03-28 12:00",
		"2026-03-29 01:00\n2026-03-30 00:30\n");
	comes("0,30 2 * * *", "America/New_York", "2026-03-07 12:00",
		"2026-03-08 07:00\n2026-03-09 06:00\n");
}

static void a_job_in_the_repeated_hour_runs_once(void **state)
{
	(void)state;
	comes("30 2 * * *", "Europe/Berlin", "2026-10-24 12:00",
		"2026-10-25 00:30\n2026-10-26 01:30\n");
	comes("30 1 * * *", "Europe/London", "2026-10-24 12:00",
		"2026-10-25 00:30\n2026-10-26 01:30\n");
}

static void a_job_of_every_hour_goes_by_the_time_that_passes(void **state)
{
	(void)state;
	comes("30 * * * *", "Europe/Berlin", "2026-10-24 23:31",
		"2026-10-25 00:30\n2026-10-25 01:30\n2026-10-25 02:30\n");
	comes("30 * * * *", "Europe/Berlin", "2026-03-29 00:00",
		"2026-03-29 00:30\n2026-03-29 01:30\n2026-03-29 02:30\n");
}

static void the_rules_behind_the_end_of_a_file_are_followed(void **state)
{
	(void)state;
	comes("30 2 * * *", "Europe/Berlin", "2060-03-27 12:00",
		"2060-03-28 01:00\n2060-03-29 00:30\n");
	comes("30 2 * * *", "Australia/Lord_Howe", "2060-10-01 00:00",
		"2060-10-01 16:00\n2060-10-02 15:30\n2060-10-03 15:30\n");
}

static void the_last_time_before_now_is_found_however_far_away(void **state)
{
	static const char *const lines[] = {
		"*/5 * * * *", "0 0 * * *", "0 0 1 1 *", "0 0 29 2 *", "0 3 * * 1"};
	struct zone *z = zone_of("Europe/Berlin");

	(void)state;
	for (size_t i = 0; i < COUNT_OF(lines); i++) {
		struct cron c = line_of(lines[i]);
		int64_t from = utc("2022-01-01 00:00"), upto = utc("2026-11-21 10:11");
		int64_t last = cron_last(&c, z, from, upto);
		assert_true(last <= upto && last > from);
		assert_true(cron_next(&c, z, last) > upto);
		assert_int_equal(cron_next(&c, z, last - 1), last);
		assert_int_equal(cron_last(&c, z, last, upto), INT64_MIN);
	}
	zone_free(z);
}

/* --- the oracle: the C library's clock of that zone, looked at every minute --- */

static struct tm clock_at(int64_t at)
{
	time_t t = at;
	struct tm tm;

	localtime_r(&t, &tm);
	return tm;
}

static bool date_matches(const struct cron *c, const struct tm *tm)
{
	bool day = c->days >> tm->tm_mday & 1, weekday = c->weekdays >> tm->tm_wday & 1;

	return (c->months >> (tm->tm_mon + 1) & 1) &&
	       (c->either_day ? day || weekday : day && weekday);
}

/* Marks every minute from `from` on at which the line comes. */
static void watch(const struct cron *c, int64_t from, size_t n, bool *comes_at)
{
	int64_t shown = INT64_MIN; /* the latest wall time shown so far */

	for (size_t i = 0; i < n; i++) {
		struct tm now = clock_at(from + (int64_t)i * 60), as_utc = now;
		int64_t wall = timegm(&as_utc);
		/* the minutes that this one shows for the first time, skipped ones among them */
		int64_t first = shown == INT64_MIN || c->any_time ? wall : shown + 60;
		comes_at[i] = false;
		for (int64_t w = first; w <= wall; w += 60) {
			time_t t = w;
			struct tm tm;
			gmtime_r(&t, &tm);
			comes_at[i] |= date_matches(c, &tm) && (c->hours >> tm.tm_hour & 1) &&
				       (c->minutes >> tm.tm_min & 1);
		}
		shown = wall > shown ? wall : shown;
	}
}

static void random_field(char *out, size_t size, int least, int most)
{
	int a = least + rand() % (most - least + 1), b = a + rand() % (most - a + 1);

	switch (rand() % 6) {
	case 0: snprintf(out, size, "%d", a); break;
	case 1: snprintf(out, size, "%d-%d", a, b); break;
	case 2: snprintf(out, size, "*/%d", 1 + rand() % most); break;
	case 3: snprintf(out, size, "%d,%d", a, b); break;
	case 4: snprintf(out, size, "%d-%d/%d", a, b, 1 + rand() % 7); break;
	default: snprintf(out, size, "*"); break;
	}
}

#define WATCHED (5 * 24 * 60)

static void hold_against_clock(const char *line, const struct zone *z, int64_t from)
{
	static bool comes_at[WATCHED];
	struct cron c = line_of(line);

	watch(&c, from, WATCHED, comes_at);
	/* what the first day skipped or repeated is known from the second on */
	int64_t next = cron_next(&c, z, from + 24 * 3600 - 60);
	for (size_t i = 24 * 60; i < WATCHED; i++) {
		int64_t at = from + (int64_t)i * 60;
		if (comes_at[i] != (at == next))
			fail_msg("%s at %lld: %d, but next is %lld", line, (long long)at,
				comes_at[i], (long long)next);
		if (at == next)
			next = cron_next(&c, z, at);
	}
}

static void random_lines_come_when_the_clock_says_so(void **state)
{
	static const char *const places[] = {"Europe/Berlin", "America/New_York", "UTC",
		"Australia/Lord_Howe", "Asia/Kathmandu", "America/Sao_Paulo", "Africa/Casablanca"};
	static const char *const days[] = {"2026-03-27 00:00", "2026-10-23 00:00",
		"2026-03-06 00:00", "2026-10-30 00:00", "2026-04-03 00:00", "2026-10-02 00:00",
		"2024-02-26 00:00", "2017-10-13 00:00", "2045-03-24 00:00"};

	(void)state;
	srand(7);
	for (size_t p = 0; p < COUNT_OF(places); p++) {
		struct zone *z = zone_of(places[p]);
		setenv("TZ", places[p], 1);
		tzset();
		for (int i = 0; i < 60; i++) {
			char part[5][24], line[128];
			random_field(part[0], sizeof part[0], 0, 59);
			random_field(part[1], sizeof part[1], 0, 23);
			random_field(part[2], sizeof part[2], 1, 28);
			random_field(part[3], sizeof part[3], 1, 12);
			random_field(part[4], sizeof part[4], 0, 6);
			snprintf(line, sizeof line, "%s %s %s %s %s", part[0], part[1], part[2],
				i % 2 ? "*" : part[3], i % 3 ? "*" : part[4]);
			hold_against_clock(line, z, utc(days[rand() % (int)COUNT_OF(days)]));
		}
		zone_free(z);
	}
	unsetenv("TZ");
	tzset();
}

static void every_zone_has_the_offsets_of_the_c_library(void **state)
{
	static const char *const places[] = {"Europe/Dublin", "Europe/London", "Asia/Tehran",
		"America/St_Johns", "Pacific/Apia", "Pacific/Chatham", "Asia/Kolkata",
		"America/Santiago", "Africa/Cairo", "Antarctica/Troll", "Asia/Jerusalem"};

	(void)state;
	for (size_t p = 0; p < COUNT_OF(places); p++) {
		struct zone *z = zone_of(places[p]);
		setenv("TZ", places[p], 1);
		tzset();
		for (int64_t at = utc("1900-01-01 00:00"); at < utc("2090-01-01 00:00");
			at += 5 * 3600 + 1234) {
			struct tm tm = clock_at(at);
			if (zone_offset(z, at) != tm.tm_gmtoff)
				fail_msg("%s at %lld: %d, not %ld", places[p], (long long)at,
					zone_offset(z, at), tm.tm_gmtoff);
		}
		zone_free(z);
	}
	unsetenv("TZ");
	tzset();
}

/* --- what is refused --- */

static void refused(const char *line, const char *why)
{
	struct error err = {0};
	struct cron c;

	if (cron_parse(line, &c, &err))
		fail_msg("%s was taken", line);
	assert_int_equal(err.kind, ERROR_CONFIG);
	if (!strstr(err.text, why))
		fail_msg("%s: %s", line, err.text);
}

static void bad_lines_are_refused_with_what_to_write_instead(void **state)
{
	(void)state;
	refused("", "it has 0 fields; five are wanted");
	refused("0 0 * *", "it has 4 fields; five are wanted");
	refused("0 0 0 * * *", "there are no seconds and no years");
	refused("60 0 * * *", "minute '60' is none of 0 to 59");
	refused("0 24 * * *", "hour '24' is none of 0 to 23");
	refused("0 0 0 * *", "day of the month '0' is none of 1 to 31");
	refused("0 0 1 foo *", "month 'foo' is none of 1 to 12 or jan to dec");
	refused("0 0 * * funday", "none of 0 to 7 or sun to sat");
	refused("0 0 L * *", "of other schedulers");
	refused("0 0 * * 5#2", "of other schedulers");
	refused("*/0 * * * *", "a step is a number from 1 to 59");
	refused("*/90 * * * *", "a step is a number from 1 to 59");
	refused("0 22-4 * * *", "write 22-23,0-4");
	refused("0 0 * * sat-tue", "ends before it begins; write 6-7,0-2");
	refused("0,,5 0 * * *", "minute");
	refused("0 0 * * 1,", "day of the week");
	refused("99999999999999 0 * * *", "minute");
	refused("0 0 30 2 *", "it never comes");
	refused("0 0 31 4,6 *", "it never comes");
	refused("@reboot", "none of @hourly");
	refused("@every 5m", "write \"*/5 * * * *\"");
	refused("1-2-3 0 * * *", "minute");
	refused("-1 0 * * *", "minute '-1' is none of 0 to 59");
}

static void a_zone_that_is_not_there_is_refused(void **state)
{
	static const char *const names[] = {
		"Europe/Berlinn", "../../etc/passwd", "/etc/passwd", "", "Europe", "zone.tab"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		struct error err = {0};
		assert_null(zone_load(names[i], &err));
		assert_int_equal(err.kind, ERROR_CONFIG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_read_as_cron_reads_them),
		cmocka_unit_test(a_day_of_both_kinds_matches_by_either),
		cmocka_unit_test(the_29th_of_february_is_waited_for),
		cmocka_unit_test(a_job_in_the_skipped_hour_runs_once_at_its_end),
		cmocka_unit_test(a_job_in_the_repeated_hour_runs_once),
		cmocka_unit_test(a_job_of_every_hour_goes_by_the_time_that_passes),
		cmocka_unit_test(the_rules_behind_the_end_of_a_file_are_followed),
		cmocka_unit_test(the_last_time_before_now_is_found_however_far_away),
		cmocka_unit_test(random_lines_come_when_the_clock_says_so),
		cmocka_unit_test(every_zone_has_the_offsets_of_the_c_library),
		cmocka_unit_test(bad_lines_are_refused_with_what_to_write_instead),
		cmocka_unit_test(a_zone_that_is_not_there_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
