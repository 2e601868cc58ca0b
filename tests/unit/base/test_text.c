/* UTF-8 and JSON strings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "base/attrs.h"
#include "base/text.h"

static void what_is_utf8_is_taken(void **state)
{
	static const char *const fine[] = {"", "plain", "\xc3\xa9", "\xe2\x82\xac",
		"\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf", "\xee\x80\x80",
		"\xe0\xa0\x80", "\xf0\x90\x80\x80", "\xc2\x80"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(fine); i++)
		assert_true(utf8_valid(fine[i], strlen(fine[i])));
	assert_true(utf8_valid("a\0b", 3));
}

static void what_is_not_utf8_is_refused(void **state)
{
	static const char *const wrong[] = {"\x80", "\xc3", "\xc3(", "\xc0\x80", "\xc1\xbf",
		"\xe2\x82", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80", "\xff", "a\xfe", "\xe2\x28\xa1", "\xf0\x9f\x98"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		assert_false(utf8_valid(wrong[i], strlen(wrong[i])));
}

static void one_wrong_byte_is_found_wherever_it_stands(void **state)
{
	(void)state;
	for (size_t at = 0; at < 20; at++) {
		char text[] = "twenty letters of it";
		text[at] = '\xe9';
		assert_false(utf8_valid(text, 20));
		assert_true(utf8_valid(text, at));
	}
}

static void assert_json(const char *text, size_t n, const char *expected)
{
	struct buf out;

	buf_init(&out, BUF_MAX);
	text_print_json(text, n, &out);
	assert_string_equal(buf_text(&out), expected);
	buf_release(&out);
}

static void json_strings_escape_what_json_must_and_keep_the_rest(void **state)
{
	(void)state;
	assert_json("caf\xc3\xa9 / x", 9, "\"caf\xc3\xa9 / x\"");
	assert_json("a\"b\\c\n\r\t\b\f", 10, "\"a\\\"b\\\\c\\n\\r\\t\\b\\f\"");
	assert_json("\0\x01\x1f\x7f", 4, "\"\\u0000\\u0001\\u001f\\u007f\"");
	assert_json("", 0, "\"\"");
}

static void bytes_that_are_not_utf8_become_the_replacement_character(void **state)
{
	(void)state;
	assert_json("a\xff"
		    "b",
		3, "\"a\\ufffdb\"");
	assert_json("\xe2\x82", 2, "\"\\ufffd\\ufffd\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_utf8_is_taken),
		cmocka_unit_test(what_is_not_utf8_is_refused),
		cmocka_unit_test(one_wrong_byte_is_found_wherever_it_stands),
		cmocka_unit_test(json_strings_escape_what_json_must_and_keep_the_rest),
		cmocka_unit_test(bytes_that_are_not_utf8_become_the_replacement_character),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
