/* Numbers as people read them, and tables that line up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "cli/cli.h"

static void counts_are_grouped_by_thousands(void **unused)
{
	(void)unused;
	char out[AMOUNT];
	assert_string_equal(print_count(0, out), "0");
	assert_string_equal(print_count(999, out), "999");
	assert_string_equal(print_count(1000, out), "1,000");
	assert_string_equal(print_count(1234567, out), "1,234,567");
	assert_string_equal(print_count(UINT64_MAX, out), "18,446,744,073,709,551,615");
}

static void sizes_take_the_unit_that_fits(void **unused)
{
	(void)unused;
	char out[AMOUNT];
	assert_string_equal(print_size(0, out), "0 B");
	assert_string_equal(print_size(1023, out), "1023 B");
	assert_string_equal(print_size(1536, out), "1.5 KiB");
	assert_string_equal(print_size((uint64_t)64 << 20, out), "64 MiB");
	assert_string_equal(print_size(UINT64_MAX, out), "16384 PiB");
}

static void times_take_two_units_at_most(void **unused)
{
	(void)unused;
	char out[AMOUNT];
	assert_string_equal(print_time(0.0124, out), "12 ms");
	assert_string_equal(print_time(3.44, out), "3.4 s");
	assert_string_equal(print_time(59.4, out), "59 s");
	assert_string_equal(print_time(59.6, out), "1 min 0 s");
	assert_string_equal(print_time(3599.9, out), "1 h 0 min");
	assert_string_equal(print_time(90061, out), "1 d 1 h");
	assert_string_equal(print_time(-1, out), "?");
}

static void columns_line_up_and_keep_the_terminal_as_it_is(void **unused)
{
	(void)unused;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	struct grid grid;
	grid_init(&grid, 3, "lrl");
	grid_cell(&grid, "TABLE");
	grid_cell(&grid, "ROWS");
	grid_cell(&grid, "WHY");
	grid_cell(&grid, "%s", "größe");
	grid_cell(&grid, "%d", 7);
	grid_cell(&grid, "%s", "a\033[2Jb\n");
	grid_print(&grid, "  ", out);
	grid_release(&grid);
	fclose(out);
	assert_string_equal(text, "  TABLE  ROWS  WHY\n"
				  "  größe     7  a?[2Jb?\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_are_grouped_by_thousands),
		cmocka_unit_test(sizes_take_the_unit_that_fits),
		cmocka_unit_test(times_take_two_units_at_most),
		cmocka_unit_test(columns_line_up_and_keep_the_terminal_as_it_is),
	};
	setenv("NO_COLOR", "1", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
