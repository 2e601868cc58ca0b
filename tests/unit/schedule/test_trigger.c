/* When an asset is due by its schedule, and what a tick builds of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>
#include "schedule/scheduler.h"
#include "schedule/trigger.h"

static struct arena arena;
static struct dict *config;
static struct node node;
static struct asset asset;

static int64_t utc(const char *text)
{
	struct tm tm = {0};

	assert_non_null(strptime(text, "%Y-%m-%d %H:%M", &tm));
	return timegm(&tm);
}

static void begin(struct trigger *t, const char *cron, const char *zone, enum period period,
	const char *last, const char *now)
{
	node = (struct node){.config = config,
		.path = "models/m.sql",
		.schedule = {.cron = cron, .timezone = zone, .place = "models/m.sql:3"}};
	asset = (struct asset){.node = &node,
		.partitioning = {.period = period, .begin_us = utc("2026-01-01 00:00") * 1000000}};
	trigger_init(t, &asset, last ? utc(last) : 0, utc(now));
	assert_string_equal(t->problem, "");
}

static void ticks(
	struct trigger *t, const char *now, const char *tick, const char *from, const char *to)
{
	trigger_tick(t, utc(now));
	assert_int_equal(t->tick_s, tick ? utc(tick) : 0);
	if (!from)
		return;
	struct span due = trigger_due(t);
	assert_int_equal(due.from_us / 1000000, utc(from));
	assert_int_equal(due.to_us / 1000000, utc(to));
}

static void midnight_builds_yesterday(void **state)
{
	struct trigger t;

	(void)state;
	begin(&t, "0 0 * * *", NULL, PERIOD_DAY, NULL, "2026-11-20 10:00");
	ticks(&t, "2026-11-20 23:59", NULL, NULL, NULL);
	ticks(&t, "2026-11-21 00:00", "2026-11-21 00:00", "2026-11-20 00:00", "2026-11-21 00:00");
	trigger_release(&t);
}

static void a_later_hour_builds_the_last_complete_day_as_well(void **state)
{
	struct trigger t;

	(void)state;
	begin(&t, "30 2 * * *", "Europe/Berlin", PERIOD_DAY, NULL, "2026-11-20 10:00");
	ticks(&t, "2026-11-21 01:30", "2026-11-21 01:30", "2026-11-20 00:00", "2026-11-21 00:00");
	trigger_release(&t);
}

static void a_daily_tick_builds_24_hours_and_what_is_under_way_of_a_month(void **state)
{
	struct trigger t;

	(void)state;
	begin(&t, "0 6 * * *", NULL, PERIOD_HOUR, NULL, "2026-11-20 10:00");
	ticks(&t, "2026-11-21 06:00", "2026-11-21 06:00", "2026-11-20 06:00", "2026-11-21 06:00");
	trigger_release(&t);
	begin(&t, "0 6 * * *", NULL, PERIOD_MONTH, NULL, "2026-11-20 10:00");
	ticks(&t, "2026-11-21 06:00", "2026-11-21 06:00", "2026-11-01 00:00", "2026-12-01 00:00");
	trigger_release(&t);
	begin(&t, "0 6 * * *", NULL, PERIOD_MONTH, NULL, "2026-11-30 10:00");
	ticks(&t, "2026-12-01 06:00", "2026-12-01 06:00", "2026-11-01 00:00", "2026-12-01 00:00");
	trigger_release(&t);
}

static void missed_ticks_become_the_latest(void **state)
{
	struct trigger t;

	(void)state;
	begin(&t, "0 0 * * *", NULL, PERIOD_DAY, "2026-11-10 00:00", "2026-11-21 09:00");
	ticks(&t, "2026-11-21 09:00", "2026-11-21 00:00", "2026-11-20 00:00", "2026-11-21 00:00");
	assert_int_equal(t.next_s, utc("2026-11-22 00:00"));
	trigger_release(&t);
}

static void with_catchup_nothing_is_left_out(void **state)
{
	struct trigger t;

	(void)state;
	dict_put_text(&arena, config, "catchup", value_bool(true));
	begin(&t, "0 0 * * *", NULL, PERIOD_DAY, "2026-11-10 00:00", "2026-11-21 09:00");
	ticks(&t, "2026-11-21 09:00", "2026-11-21 00:00", "2026-11-10 00:00", "2026-11-21 00:00");
	trigger_release(&t);
	dict_put_text(&arena, config, "catchup", value_bool(false));
}

static void a_tick_that_waits_is_not_forgotten_over_the_next(void **state)
{
	struct trigger t;

	(void)state;
	begin(&t, "0 0 * * *", NULL, PERIOD_DAY, NULL, "2026-11-19 10:00");
	ticks(&t, "2026-11-20 00:01", "2026-11-20 00:00", "2026-11-19 00:00", "2026-11-20 00:00");
	ticks(&t, "2026-11-21 00:01", "2026-11-21 00:00", "2026-11-19 00:00", "2026-11-21 00:00");
	trigger_release(&t);
}

static void what_was_under_way_goes_on_when_the_project_is_read_again(void **state)
{
	struct trigger t, again;

	(void)state;
	begin(&t, "0 0 * * *", NULL, PERIOD_DAY, NULL, "2026-11-19 10:00");
	ticks(&t, "2026-11-20 00:01", "2026-11-20 00:00", NULL, NULL);
	begin(&again, "0 0 * * *", NULL, PERIOD_DAY, NULL, "2026-11-20 10:00");
	trigger_carry(&again, &t);
	ticks(&again, "2026-11-21 00:01", "2026-11-21 00:00", "2026-11-19 00:00",
		"2026-11-21 00:00");
	trigger_release(&again);
	trigger_release(&t);
}

static void another_line_begins_anew(void **state)
{
	struct schedule hourly = {.cron = "0 * * * *"};
	struct trigger t, again;

	(void)state;
	begin(&t, "0 0 * * *", NULL, PERIOD_DAY, NULL, "2026-11-19 10:00");
	ticks(&t, "2026-11-20 00:01", "2026-11-20 00:00", NULL, NULL);
	begin(&again, "0 12 * * *", NULL, PERIOD_DAY, NULL, "2026-11-20 12:01");
	t.schedule = &hourly;
	trigger_carry(&again, &t);
	ticks(&again, "2026-11-21 11:59", NULL, NULL, NULL);
	trigger_release(&again);
	trigger_release(&t);
}

static void what_does_not_come_is_tried_ever_more_seldom(void **state)
{
	struct trigger t = {0};
	int64_t at = utc("2026-11-21 00:00") * 1000000, tries = 0;

	(void)state;
	for (int64_t end = at + INT64_C(86400000000); at < end; at += 500000)
		tries += trigger_try(&t, 7, at);
	assert_in_range(tries, 24, 34);
	assert_false(trigger_try(&t, 7, at));
	assert_true(trigger_try(&t, 8, at));
	assert_false(trigger_try(&t, 8, at + 19000000));
	assert_true(trigger_try(&t, 8, at + 20000000));
}

static void an_asset_that_is_new_does_not_run_for_the_past(void **state)
{
	struct trigger t;

	(void)state;
	begin(&t, "0 0 * * *", NULL, PERIOD_DAY, NULL, "2026-11-21 09:00");
	ticks(&t, "2026-11-21 23:59", NULL, NULL, NULL);
	trigger_release(&t);
}

static void nothing_before_begin_is_due(void **state)
{
	struct trigger t;

	(void)state;
	begin(&t, "0 0 1 * *", NULL, PERIOD_DAY, NULL, "2025-12-31 12:00");
	ticks(&t, "2026-01-01 00:00", "2026-01-01 00:00", NULL, NULL);
	assert_true(span_is_empty(trigger_due(&t)));
	trigger_release(&t);
}

static void a_wrong_line_is_told_with_its_place(void **state)
{
	char why[600];

	(void)state;
	node = (struct node){.config = config,
		.path = "models/m.sql",
		.schedule = {.cron = "0 25 * * *", .place = "models/m.sql:3"}};
	assert_true(schedule_problem(&node, why, sizeof why));
	assert_string_equal(
		why, "models/m.sql:3: cron line \"0 25 * * *\": hour '25' is none of 0 to 23");
	node.schedule.cron = "0 5 * * *";
	node.schedule.timezone = "Europe/Berlinn";
	assert_true(schedule_problem(&node, why, sizeof why));
	assert_non_null(strstr(why, "models/m.sql:3: there is no time zone 'Europe/Berlinn'"));
	node.schedule.timezone = "Europe/Berlin";
	assert_false(schedule_problem(&node, why, sizeof why));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(midnight_builds_yesterday),
		cmocka_unit_test(a_later_hour_builds_the_last_complete_day_as_well),
		cmocka_unit_test(a_daily_tick_builds_24_hours_and_what_is_under_way_of_a_month),
		cmocka_unit_test(missed_ticks_become_the_latest),
		cmocka_unit_test(with_catchup_nothing_is_left_out),
		cmocka_unit_test(a_tick_that_waits_is_not_forgotten_over_the_next),
		cmocka_unit_test(what_was_under_way_goes_on_when_the_project_is_read_again),
		cmocka_unit_test(another_line_begins_anew),
		cmocka_unit_test(what_does_not_come_is_tried_ever_more_seldom),
		cmocka_unit_test(an_asset_that_is_new_does_not_run_for_the_past),
		cmocka_unit_test(nothing_before_begin_is_due),
		cmocka_unit_test(a_wrong_line_is_told_with_its_place),
	};

	arena_init(&arena);
	config = dict_new(&arena);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	arena_release(&arena);
	return failed;
}
