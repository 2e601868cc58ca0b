/* Documents put together member by member. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/json.h"

static void commas_stand_between_members_and_between_elements(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, BUF_MAX);
	json_put_open(&out, NULL, '{');
	json_put_text(&out, "a", "{");
	json_put_int(&out, "b", -1);
	json_put_open(&out, "c", '[');
	json_put_uint(&out, NULL, UINT64_MAX);
	json_put_text(&out, NULL, "[");
	json_put_open(&out, NULL, '{');
	buf_puts(&out, "}");
	json_put_open(&out, NULL, '[');
	buf_puts(&out, "]]");
	json_put_key(&out, "d");
	json_put_decimal(&out, NULL, 0.5);
	json_put_raw(&out, "e", "{\"f\":[]}");
	json_put_bool(&out, "g", false);
	buf_puts(&out, "}\n");
	json_put_bool(&out, NULL, true);
	assert_string_equal(buf_text(&out),
		"{\"a\":\"{\",\"b\":-1,\"c\":[18446744073709551615,\"[\",{},[]],\"d\":0.500,"
		"\"e\":{\"f\":[]},\"g\":false}\ntrue");
	buf_release(&out);
}

static void what_is_not_there_is_null(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, BUF_MAX);
	json_put_text(&out, NULL, NULL);
	json_put_raw(&out, NULL, NULL);
	json_put_utc(&out, NULL, 0);
	json_put_utc(&out, NULL, 1000001);
	assert_string_equal(buf_text(&out), "null,null,null,\"1970-01-01T00:00:01.000001Z\"");
	buf_release(&out);
}

static void names_are_escaped_as_texts_are(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, BUF_MAX);
	json_put_text(&out, "a \"b\"", "\n\xff");
	assert_string_equal(buf_text(&out), "\"a \\\"b\\\"\":\"\\n\\ufffd\"");
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commas_stand_between_members_and_between_elements),
		cmocka_unit_test(what_is_not_there_is_null),
		cmocka_unit_test(names_are_escaped_as_texts_are),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
