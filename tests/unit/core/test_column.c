/*
 * Columns: layout, taking rows back, copying. The types below stand for every layout; random_value() makes any
 * value of any of them, so that truncating and copying are tried on nested ones as well.
 */
#include "values.h"

static const char *const type_texts[] = {"bool", "int16", "nullable(int64)", "float64",
	"decimal(76,3)", "nullable(string)", "symbol", "uuid", "point", "array(int32)",
	"array(nullable(string))", "array(array(nullable(int16)))", "map", "array(map)",
	"array(point)"};

static struct arena arena;

static void random_value(struct column *c);

static void random_elements(struct column *c)
{
	int n = c->type.kind == TYPE_POINT ? 1 : rand() % 4;

	for (int i = 0; i < n; i++)
		for (size_t child = 0; child < column_child_count(c->type.kind); child++)
			random_value(&c->children[child]);
	column_end_row(c);
}

static void random_value(struct column *c)
{
	if (c->type.nullable && rand() % 3 == 0) {
		column_add_null(c);
	} else if (c->children) {
		random_elements(c);
	} else if (type_is_string(&c->type)) {
		size_t len = (size_t)(rand() % 8 ? rand() % 20 : 100 + rand() % 300);
		uint8_t *bytes = column_add_string(c, len);
		for (size_t i = 0; i < len; i++)
			bytes[i] = (uint8_t)rand();
	} else {
		size_t width = type_width(&c->type);
		uint8_t *bytes = column_add_fixed(c, width);
		for (size_t i = 0; i < width; i++)
			bytes[i] = c->type.kind == TYPE_BOOL ? rand() & 1 : (uint8_t)rand();
	}
}

static void assert_same_buf(const struct buf *a, const struct buf *b)
{
	assert_int_equal(a->len, b->len);
	if (a->len)
		assert_memory_equal(a->data, b->data, a->len);
}

/* Byte for byte: what goes to the wire, and what finds it. */
static void assert_same_column(const struct column *a, const struct column *b)
{
	assert_int_equal(a->rows, b->rows);
	assert_same_buf(&a->nulls, &b->nulls);
	assert_same_buf(&a->values, &b->values);
	assert_same_buf(&a->ends, &b->ends);
	for (size_t i = 0; i < column_child_count(a->type.kind); i++)
		assert_same_column(&a->children[i], &b->children[i]);
}

static void strings_are_a_varint_length_and_their_bytes(void **state)
{
	struct column c = make_column(&arena, "string");
	char large[300];
	size_t len;

	(void)state;
	memset(large, 'x', sizeof large);
	add_text(&c, "abc");
	add_text(&c, "");
	memcpy(column_add_string(&c, sizeof large), large, sizeof large);
	add_text(&c, "z");
	assert_memory_equal(c.values.data, "\3abc\0\xac\2xxx", 10);
	assert_int_equal(c.values.len, 4 + 1 + 302 + 2);
	assert_memory_equal(column_string(&c, 0, &len), "abc", 3);
	assert_int_equal(len, 3);
	column_string(&c, 1, &len);
	assert_int_equal(len, 0);
	assert_memory_equal(column_string(&c, 2, &len), large, sizeof large);
	assert_int_equal(len, sizeof large);
	assert_memory_equal(column_string(&c, 3, &len), "z", 1);
	column_release(&c);
}

static void a_null_has_its_mark_and_a_zero_value(void **state)
{
	struct column number = make_column(&arena, "nullable(int32)"),
		      text = make_column(&arena, "nullable(string)");

	(void)state;
	add_fixed(&number, (int32_t)-1);
	column_add_null(&number);
	add_text(&text, "a");
	column_add_null(&text);
	assert_memory_equal(number.nulls.data, "\0\1", 2);
	assert_memory_equal(number.values.data, "\xff\xff\xff\xff\0\0\0\0", 8);
	assert_int_equal(number.values.len, 8);
	assert_memory_equal(text.values.data, "\1a\0", 3);
	assert_false(column_is_null(&number, 0));
	assert_true(column_is_null(&number, 1));
	column_release(&number);
	column_release(&text);
}

static void a_default_is_null_where_it_may_be_and_zero_elsewhere(void **state)
{
	static const char *const expected[] = {"false", "0", "null", "0", "0.000", "null", "\"\"",
		"\"00000000-0000-0000-0000-000000000000\"", "[0,0]", "[]", "[]", "[]", "{}", "[]",
		"[]"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(type_texts); i++) {
		struct column c = make_column(&arena, type_texts[i]);
		column_add_default(&c);
		assert_int_equal(c.rows, 1);
		assert_prints(&c, 0, expected[i]);
		column_release(&c);
	}
}

static void elements_of_an_array_are_found_by_its_ends(void **state)
{
	struct column c = make_column(&arena, "array(int32)");
	size_t from, to;

	(void)state;
	for (int32_t row = 0; row < 4; row++) {
		for (int32_t i = 0; i < row; i++)
			add_fixed(&c.children[0], row * 10 + i);
		column_end_row(&c);
	}
	column_range(&c, 0, &from, &to);
	assert_true(from == 0 && to == 0);
	column_range(&c, 3, &from, &to);
	assert_true(from == 3 && to == 6);
	assert_prints(&c, 3, "[30,31,32]");
	column_release(&c);
}

static void truncating_leaves_what_was_there_before_to_the_byte(void **state)
{
	(void)state;
	srand(11);
	for (int round = 0; round < 300; round++) {
		const char *text = type_texts[round % (int)COUNT_OF(type_texts)];
		struct column c = make_column(&arena, text), expected = make_column(&arena, text);
		size_t keep = (size_t)rand() % 20, more = (size_t)rand() % 20;
		for (size_t i = 0; i < keep; i++) {
			random_value(&c);
			column_copy_row(&expected, &c, i);
		}
		for (size_t i = 0; i < more; i++)
			random_value(&c);
		column_truncate(&c, keep);
		assert_same_column(&c, &expected);
		random_value(&c);
		column_copy_row(&expected, &c, keep);
		assert_same_column(&c, &expected);
		column_release(&c);
		column_release(&expected);
	}
}

static void truncating_takes_back_elements_of_a_row_that_never_ended(void **state)
{
	struct column nested = make_column(&arena, "array(array(int16))"),
		      map = make_column(&arena, "map");
	struct column point = make_column(&arena, "point");

	(void)state;
	add_fixed(&nested.children[0].children[0], (int16_t)1);
	column_end_row(&nested.children[0]);
	column_end_row(&nested);
	column_end_row(&nested.children[0]);
	add_fixed(&nested.children[0].children[0], (int16_t)2);
	column_truncate(&nested, 1);
	assert_int_equal(nested.children[0].rows, 1);
	assert_int_equal(nested.children[0].children[0].rows, 1);
	assert_prints(&nested, 0, "[[1]]");

	add_text(&map.children[0], "key without a value");
	column_truncate(&map, 0);
	assert_int_equal(map.children[0].rows, 0);
	assert_int_equal(map.children[0].values.len, 0);

	add_fixed(&point.children[0], 1.0);
	column_truncate(&point, 0);
	assert_int_equal(point.children[0].rows, 0);
	column_release(&nested);
	column_release(&map);
	column_release(&point);
}

static void truncating_beyond_the_end_changes_nothing(void **state)
{
	struct column c = make_column(&arena, "nullable(string)");

	(void)state;
	add_text(&c, "a");
	column_truncate(&c, 5);
	assert_int_equal(c.rows, 1);
	assert_prints(&c, 0, "\"a\"");
	column_release(&c);
}

static void a_copied_row_prints_and_hashes_like_the_original(void **state)
{
	(void)state;
	srand(12);
	for (size_t t = 0; t < COUNT_OF(type_texts); t++) {
		struct column from = make_column(&arena, type_texts[t]),
			      to = make_column(&arena, type_texts[t]);
		for (size_t i = 0; i < 50; i++)
			random_value(&from);
		for (size_t i = 50; i-- > 0;)
			column_copy_row(&to, &from, i);
		for (size_t i = 0; i < 50; i++) {
			assert_true(column_equal(&from, i, &to, 49 - i));
			assert_int_equal(column_hash(&from, i, 5), column_hash(&to, 49 - i, 5));
		}
		column_release(&from);
		column_release(&to);
	}
}

static void copying_between_nullabilities_keeps_values_and_makes_defaults_of_nulls(void **state)
{
	struct column loose = make_column(&arena, "nullable(int32)"),
		      strict = make_column(&arena, "int32");
	struct column loose_array = make_column(&arena, "array(nullable(string))");
	struct column strict_array = make_column(&arena, "array(string)");

	(void)state;
	add_fixed(&loose, (int32_t)7);
	column_add_null(&loose);
	column_copy_row(&strict, &loose, 0);
	column_copy_row(&strict, &loose, 1);
	assert_prints(&strict, 0, "7");
	assert_prints(&strict, 1, "0");
	assert_int_equal(strict.nulls.len, 0);
	column_copy_row(&loose, &strict, 0);
	assert_prints(&loose, 2, "7");
	assert_int_equal(loose.nulls.len, 3);

	add_text(&loose_array.children[0], "x");
	column_add_null(&loose_array.children[0]);
	column_end_row(&loose_array);
	column_copy_row(&strict_array, &loose_array, 0);
	assert_prints(&strict_array, 0, "[\"x\",\"\"]");
	column_release(&loose);
	column_release(&strict);
	column_release(&loose_array);
	column_release(&strict_array);
}

static void unchanged_marks_cost_nothing_until_there_is_one(void **state)
{
	struct column c = make_column(&arena, "nullable(string)");

	(void)state;
	add_text(&c, "a");
	assert_int_equal(c.unchanged.cap, 0);
	add_text(&c, "b");
	column_add_unchanged(&c);
	add_text(&c, "d");
	assert_int_equal(c.unchanged.len, 3);
	assert_false(column_is_unchanged(&c, 0));
	assert_false(column_is_unchanged(&c, 1));
	assert_true(column_is_unchanged(&c, 2));
	assert_false(column_is_unchanged(&c, 3));
	assert_true(column_is_null(&c, 2));
	column_add_unchanged(&c);
	assert_memory_equal(c.unchanged.data, "\0\0\1\0\1", 5);
	column_truncate(&c, 4);
	add_text(&c, "e");
	assert_false(column_is_unchanged(&c, 4));
	column_truncate(&c, 2);
	add_text(&c, "f");
	assert_false(column_is_unchanged(&c, 2));
	column_release(&c);
}

static void an_unchanged_mark_goes_along_with_its_row(void **state)
{
	struct column from = make_column(&arena, "string"),
		      to = make_column(&arena, "nullable(string)");

	(void)state;
	column_add_unchanged(&from);
	add_text(&from, "b");
	add_text(&to, "first");
	column_copy_row(&to, &from, 0);
	column_copy_row(&to, &from, 1);
	assert_false(column_is_unchanged(&to, 0));
	assert_true(column_is_unchanged(&to, 1));
	assert_false(column_is_unchanged(&to, 2));
	column_release(&from);
	column_release(&to);
}

static void clearing_keeps_small_memory_and_gives_giants_back(void **state)
{
	struct column c = make_column(&arena, "string");

	(void)state;
	add_text(&c, "small");
	const uint8_t *kept = c.values.data;
	column_clear(&c);
	assert_int_equal(c.rows, 0);
	assert_int_equal(column_bytes(&c), 0);
	assert_ptr_equal(c.values.data, kept);
	memset(column_add_string(&c, 20 << 20), 0, 20 << 20);
	assert_true(column_bytes(&c) > 20 << 20);
	column_clear(&c);
	assert_int_equal(c.values.cap, 0);
	add_text(&c, "usable");
	assert_prints(&c, 0, "\"usable\"");
	column_release(&c);
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
		cmocka_unit_test(strings_are_a_varint_length_and_their_bytes),
		cmocka_unit_test(a_null_has_its_mark_and_a_zero_value),
		cmocka_unit_test(a_default_is_null_where_it_may_be_and_zero_elsewhere),
		cmocka_unit_test(elements_of_an_array_are_found_by_its_ends),
		cmocka_unit_test(truncating_leaves_what_was_there_before_to_the_byte),
		cmocka_unit_test(truncating_takes_back_elements_of_a_row_that_never_ended),
		cmocka_unit_test(truncating_beyond_the_end_changes_nothing),
		cmocka_unit_test(a_copied_row_prints_and_hashes_like_the_original),
		cmocka_unit_test(
			copying_between_nullabilities_keeps_values_and_makes_defaults_of_nulls),
		cmocka_unit_test(unchanged_marks_cost_nothing_until_there_is_one),
		cmocka_unit_test(an_unchanged_mark_goes_along_with_its_row),
		cmocka_unit_test(clearing_keeps_small_memory_and_gives_giants_back),
	};
	return cmocka_run_group_tests(tests, open_arena, close_arena);
}
