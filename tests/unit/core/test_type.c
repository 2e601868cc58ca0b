/* Types: their text and back, and which widen exactly into which. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "core/type.h"

static struct arena arena;

static struct type parse(const char *text)
{
	struct error err = {0};
	struct type type;

	if (!type_parse(text, &arena, &type, &err))
		fail_msg("%s", err.text);
	return type;
}

static void every_type_prints_what_was_parsed(void **state)
{
	static const char *const texts[] = {"bool", "int16", "int32", "int64", "uint32", "uint64",
		"float32", "float64", "decimal(10,2)", "decimal(1,0)", "decimal(76,76)", "string",
		"symbol", "json", "uuid", "date", "timestamp", "timestamptz", "point",
		"array(int32)", "map", "nullable(string)", "nullable(decimal(38,9))",
		"array(nullable(int32))", "array(array(nullable(decimal(9,4))))", "array(map)",
		"array(point)"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		struct type type = parse(texts[i]);
		struct buf out;
		buf_init(&out, BUF_MAX);
		type_print(&type, &out);
		assert_string_equal(buf_text(&out), texts[i]);
		struct type again = parse(texts[i]);
		assert_true(type_equal(&type, &again));
		buf_release(&out);
	}
}

static void what_is_not_a_type_is_refused(void **state)
{
	static const char *const texts[] = {"", "int", "int32 ", " int32", "int32)", "INT32",
		"decimal", "decimal(0,0)", "decimal(77,0)", "decimal(10,11)", "decimal(10)",
		"decimal(10,)", "decimal(999999999999,1)", "decimal(-1,0)", "array", "array()",
		"array(int32", "array(int32))", "nullable", "nullable()",
		"nullable(nullable(int32))", "nullable(array(int32))", "nullable(map)",
		"nullable(point)", "map(int32)", "array(nullable(array(int32)))"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		struct error err = {0};
		struct type type;
		if (type_parse(texts[i], &arena, &type, &err))
			fail_msg("\"%s\" was taken for a type", texts[i]);
		assert_int_equal(err.kind, ERROR_BROKEN);
		assert_non_null(strstr(err.text, "is not a type"));
	}
}

static void nesting_without_end_is_refused(void **state)
{
	char text[60001];
	struct error err = {0};
	struct type type;

	(void)state;
	for (size_t i = 0; i < sizeof text - 1; i++)
		text[i] = "array("[i % 6];
	text[sizeof text - 1] = '\0';
	assert_false(type_parse(text, &arena, &type, &err));
}

static void widths_follow_the_layout(void **state)
{
	static const struct {
		const char *type;
		size_t width;
	} cases[] = {{"bool", 1}, {"int16", 2}, {"int32", 4}, {"uint32", 4}, {"float32", 4},
		{"date", 4}, {"int64", 8}, {"uint64", 8}, {"float64", 8}, {"timestamp", 8},
		{"timestamptz", 8}, {"uuid", 16}, {"decimal(9,0)", 4}, {"decimal(10,0)", 8},
		{"decimal(18,0)", 8}, {"decimal(19,0)", 16}, {"decimal(38,0)", 16},
		{"decimal(39,0)", 32}, {"decimal(76,0)", 32}, {"string", 0}, {"symbol", 0},
		{"json", 0}, {"point", 0}, {"array(int32)", 0}, {"map", 0}, {"nullable(int64)", 8}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct type type = parse(cases[i].type);
		assert_int_equal(type_width(&type), cases[i].width);
	}
}

static void types_that_differ_anywhere_are_not_equal(void **state)
{
	static const char *const pairs[][2] = {{"int32", "int64"}, {"int32", "nullable(int32)"},
		{"decimal(10,2)", "decimal(10,3)"}, {"decimal(10,2)", "decimal(11,2)"},
		{"string", "json"}, {"array(int32)", "array(nullable(int32))"},
		{"array(int32)", "array(array(int32))"}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(pairs); i++) {
		struct type a = parse(pairs[i][0]), b = parse(pairs[i][1]);
		assert_false(type_equal(&a, &b));
		assert_true(type_equal(&a, &a));
	}
}

static void assert_widens(const char *from_text, const char *to_text, bool expected)
{
	struct type from = parse(from_text), to = parse(to_text);

	if (type_widens(&from, &to) != expected)
		fail_msg("%s into %s: expected %s", from_text, to_text, expected ? "yes" : "no");
}

static void only_what_holds_every_value_unchanged_widens(void **state)
{
	static const char *const yes[][2] = {{"int16", "int32"}, {"int16", "int64"},
		{"int32", "int64"}, {"uint32", "int64"}, {"uint32", "uint64"}, {"int16", "float32"},
		{"int32", "float64"}, {"float32", "float64"}, {"int32", "nullable(int32)"},
		{"int32", "nullable(int64)"}, {"nullable(int32)", "nullable(int64)"},
		{"decimal(10,2)", "decimal(12,2)"}, {"decimal(10,2)", "decimal(12,4)"},
		{"int32", "decimal(10,0)"}, {"uint64", "decimal(22,2)"}, {"symbol", "string"},
		{"json", "string"}, {"string", "symbol"}, {"array(int32)", "array(int64)"},
		{"array(int32)", "array(nullable(int32))"}, {"uuid", "uuid"}, {"map", "map"}};
	static const char *const no[][2] = {{"int64", "int32"}, {"int32", "uint32"},
		{"int64", "uint64"}, {"uint64", "int64"}, {"int32", "float32"},
		{"int64", "float64"}, {"float64", "float32"}, {"nullable(int32)", "int32"},
		{"nullable(int32)", "int64"}, {"decimal(10,2)", "decimal(11,4)"},
		{"decimal(10,2)", "decimal(10,1)"}, {"int64", "decimal(18,0)"},
		{"decimal(10,0)", "int64"}, {"string", "json"}, {"uuid", "string"},
		{"date", "timestamp"}, {"timestamp", "timestamptz"}, {"int32", "string"},
		{"array(int64)", "array(int32)"}, {"array(nullable(int32))", "array(int32)"},
		{"int32", "array(int32)"}, {"float32", "decimal(76,30)"}, {"bool", "int16"}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(yes); i++)
		assert_widens(yes[i][0], yes[i][1], true);
	for (size_t i = 0; i < COUNT_OF(no); i++)
		assert_widens(no[i][0], no[i][1], false);
}

static void a_join_is_the_narrowest_type_that_holds_both(void **state)
{
	static const char *const joins[][3] = {{"int32", "int64", "int64"},
		{"nullable(int32)", "int64", "nullable(int64)"},
		{"nullable(int64)", "int32", "nullable(int64)"},
		{"decimal(10,4)", "decimal(12,2)", "decimal(14,4)"},
		{"nullable(decimal(8,2))", "decimal(10,2)", "nullable(decimal(10,2))"},
		{"decimal(10,0)", "int32", "decimal(10,0)"},
		{"decimal(76,40)", "decimal(60,0)", NULL},
		{"nullable(uuid)", "uuid", "nullable(uuid)"},
		{"array(nullable(int32))", "array(int64)", "array(nullable(int64))"},
		{"array(uuid)", "array(int64)", NULL}, {"array(int32)", "int32", NULL},
		{"float64", "int64", NULL}, {"float64", "int32", "float64"}, {"map", "map", "map"},
		{"date", "nullable(timestamp)", NULL}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(joins); i++) {
		for (int turned = 0; turned < 2; turned++) {
			struct type a = parse(joins[i][turned]), b = parse(joins[i][!turned]), join;
			bool found = type_join(&a, &b, &arena, &join);
			if (found != (joins[i][2] != NULL))
				fail_msg("%s and %s", joins[i][0], joins[i][1]);
			struct type expected = found ? parse(joins[i][2]) : join;
			if (found && !type_equal(&join, &expected))
				fail_msg("%s and %s", joins[i][0], joins[i][1]);
		}
	}
}

static int open_arena(void **state)
{
	(void)state;
	arena_init(&arena);
	return 0;
}

static int close_arena(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_prints_what_was_parsed),
		cmocka_unit_test(what_is_not_a_type_is_refused),
		cmocka_unit_test(nesting_without_end_is_refused),
		cmocka_unit_test(widths_follow_the_layout),
		cmocka_unit_test(types_that_differ_anywhere_are_not_equal),
		cmocka_unit_test(only_what_holds_every_value_unchanged_widens),
		cmocka_unit_test(a_join_is_the_narrowest_type_that_holds_both),
	};
	return cmocka_run_group_tests(tests, open_arena, close_arena);
}
