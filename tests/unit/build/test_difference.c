/* What a unit test of a model found, as a text for people. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include "build/difference.h"

static struct buf out;

static int set_up(void **state)
{
	(void)state;
	buf_init(&out, BUF_MAX);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	buf_release(&out);
	return 0;
}

/* Rows of id, total, and of which side they are. */
static size_t differ(const char *const (*cells)[3], size_t n, size_t most)
{
	static const char *const names[] = {"id", "total", "actual_or_expected"};
	const struct engine_rows rows = {
		.names = names, .cells = (const char *const *)cells, .n_columns = 3, .n_rows = n};

	buf_clear(&out);
	return rows_differ(&rows, most, &out);
}

static void order_does_not_matter_and_how_often_a_row_comes_does(void **state)
{
	static const char *const same[][3] = {{"1", "5", "actual"}, {"2", NULL, "actual"},
		{"1", "5", "actual"}, {"2", NULL, "expected"}, {"1", "5", "expected"},
		{"1", "5", "expected"}};
	static const char *const twice[][3] = {
		{"1", "5", "actual"}, {"1", "5", "actual"}, {"1", "5", "expected"}};

	(void)state;
	assert_int_equal(differ(same, COUNT_OF(same), 9), 0);
	assert_string_equal(buf_text(&out), "");
	assert_int_equal(differ(twice, COUNT_OF(twice), 9), 1);
	assert_string_equal(buf_text(&out), "@@  | id | total\n+++ | 1  | 5");
}

static void rows_that_are_alike_are_one_line(void **state)
{
	static const char *const rows[][3] = {{"1", "12", "actual"}, {"1", "10", "expected"},
		{"2", "5", "actual"}, {"3", "6", "expected"}, {"4", NULL, "actual"},
		{"4", "", "expected"}, {"ä", "7", "actual"}};

	(void)state;
	assert_int_equal(differ(rows, COUNT_OF(rows), 9), 5);
	assert_string_equal(buf_text(&out), "@@  | id | total\n"
					    "→   | 1  | 10→12\n"
					    "--- | 3  | 6\n"
					    "→   | 4  | →NULL\n"
					    "+++ | 2  | 5\n"
					    "+++ | ä  | 7");
}

static void among_many_that_are_the_same_the_one_that_is_not_is_one_line(void **state)
{
	static const char *rows[1202][3];
	static char ids[601][8];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		bool actual = i % 2;
		snprintf(ids[i / 2], sizeof ids[0], "%zu", i / 2);
		rows[i][0] = ids[i / 2];
		rows[i][1] = i / 2 < 600 ? "x" : actual ? "a\tb\r" : "a\nb";
		rows[i][2] = actual ? "actual" : "expected";
	}
	assert_int_equal(differ(rows, COUNT_OF(rows), 9), 1);
	assert_string_equal(buf_text(&out), "@@  | id  | total\n→   | 600 | a\\nb→a\\tb\\r");
}

static void of_many_rows_the_first_are_shown(void **state)
{
	static const char *const rows[][3] = {
		{"1", "x", "expected"}, {"2", "y", "expected"}, {"3", "z", "expected"}};

	(void)state;
	assert_int_equal(differ(rows, COUNT_OF(rows), 2), 3);
	assert_string_equal(buf_text(&out), "@@  | id | total\n--- | 1  | x\n--- | 2  | y");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_does_not_matter_and_how_often_a_row_comes_does),
		cmocka_unit_test(rows_that_are_alike_are_one_line),
		cmocka_unit_test(among_many_that_are_the_same_the_one_that_is_not_is_one_line),
		cmocka_unit_test(of_many_rows_the_first_are_shown),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
