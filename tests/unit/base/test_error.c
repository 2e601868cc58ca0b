/* Errors: kind, context, and texts that are too long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "base/error.h"

static void context_goes_in_front_and_the_kind_stays(void **state)
{
	struct error err = {0};

	(void)state;
	assert_false(error_set(&err, ERROR_RETRY, "connection refused by %s", "db"));
	assert_false(error_add(&err, "source %s", "shop"));
	assert_int_equal(err.kind, ERROR_RETRY);
	assert_string_equal(err.text, "source shop: connection refused by db");
	assert_string_equal(error_kind_name(err.kind), "retry");
	error_clear(&err);
	assert_int_equal(err.kind, ERROR_NONE);
	assert_string_equal(err.text, "");
}

static void an_error_that_nobody_wants_is_allowed(void **state)
{
	(void)state;
	assert_false(error_set(NULL, ERROR_DATA, "x"));
	assert_false(error_add(NULL, "x"));
}

static void a_text_that_is_too_long_loses_its_end(void **state)
{
	struct error err = {0};
	char large[2 * sizeof err.text];

	(void)state;
	memset(large, 'x', sizeof large);
	large[sizeof large - 1] = '\0';
	error_set(&err, ERROR_DATA, "%s", large);
	assert_int_equal(strlen(err.text), sizeof err.text - 1);
	error_add(&err, "front");
	assert_int_equal(strlen(err.text), sizeof err.text - 1);
	assert_memory_equal(err.text, "front: xxx", 10);
	error_add(&err, "%s", large);
	assert_int_equal(strlen(err.text), sizeof err.text - 1);
	assert_memory_equal(err.text, large, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(context_goes_in_front_and_the_kind_stays),
		cmocka_unit_test(an_error_that_nobody_wants_is_allowed),
		cmocka_unit_test(a_text_that_is_too_long_loses_its_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
