/* Lines of rendered SQL, found again in the template that they came from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "build/place.h"

static void a_line_that_was_not_rendered_is_found_by_its_text(void **unused)
{
	(void)unused;
	static const char template[] =
		"{{ config(a=1) }}\n{% set x = 1 %}\nselect\n  amout\nfrom t\n";
	static const char rendered[] = "\n\nselect\n  amout\nfrom t\n";
	assert_int_equal(place_of_line(template, rendered, 4), 4);
	assert_int_equal(place_of_line(template, "select\n\tamout\nfrom t", 2), 4);
	assert_int_equal(place_of_line(template, rendered, 1), 0);
	assert_int_equal(place_of_line(template, rendered, 99), 0);
}

static void a_line_with_a_place_for_values_is_found_by_what_is_around_it(void **unused)
{
	(void)unused;
	static const char template[] = "select\n  sum({{ column }}) as total\nfrom {{ ref('a') }}";
	static const char rendered[] = "select\n  sum(amout) as total\nfrom `d`.`a`";
	assert_int_equal(place_of_line(template, rendered, 2), 2);
	assert_int_equal(place_of_line(template, rendered, 3), 3);
}

static void lines_that_read_the_same_are_told_apart_by_their_order(void **unused)
{
	(void)unused;
	static const char template[] = "{% set a %}{% endset %}\nselect 1\nunion all\nselect 1";
	static const char rendered[] = "select 1\nunion all\nselect 1";
	assert_int_equal(place_of_line(template, rendered, 1), 2);
	assert_int_equal(place_of_line(template, rendered, 3), 4);
}

static void a_line_of_a_loop_is_not_guessed(void **unused)
{
	(void)unused;
	static const char loop[] = "{% for i in x %}\nselect 1\n{% endfor %}";
	assert_int_equal(place_of_line(loop, "select 1\nselect 1", 2), 0);
	static const char two[] = "a {{ x }}\na {{ y }}";
	assert_int_equal(place_of_line(two, "a 1\na 2", 2), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_that_was_not_rendered_is_found_by_its_text),
		cmocka_unit_test(a_line_with_a_place_for_values_is_found_by_what_is_around_it),
		cmocka_unit_test(lines_that_read_the_same_are_told_apart_by_their_order),
		cmocka_unit_test(a_line_of_a_loop_is_not_guessed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
