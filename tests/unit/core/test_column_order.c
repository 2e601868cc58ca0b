/* The order of values, and that equality and hash agree with it. */
#include "values.h"

#include <math.h>

static struct arena arena;

/* The rows of the column ascend strictly; every pair must agree. */
static void assert_ascending(struct column *c)
{
	for (size_t a = 0; a < c->rows; a++) {
		for (size_t b = 0; b < c->rows; b++) {
			assert_int_equal(column_compare(c, a, c, b), (a > b) - (a < b));
			assert_int_equal(column_equal(c, a, c, b), a == b);
			if (a != b)
				assert_int_not_equal(column_hash(c, a, 0), column_hash(c, b, 0));
		}
	}
	column_release(c);
}

static void integers_are_ordered_by_value_and_nulls_come_first(void **state)
{
	struct column c = make_column(&arena, "nullable(int64)");

	(void)state;
	column_add_null(&c);
	add_fixed(&c, INT64_MIN);
	add_fixed(&c, (int64_t)-1);
	add_fixed(&c, (int64_t)0);
	add_fixed(&c, (int64_t)256);
	add_fixed(&c, INT64_MAX);
	assert_ascending(&c);
	c = make_column(&arena, "uint64");
	add_fixed(&c, (uint64_t)0);
	add_fixed(&c, (uint64_t)INT64_MAX);
	add_fixed(&c, UINT64_MAX);
	assert_ascending(&c);
	c = make_column(&arena, "uint32");
	add_fixed(&c, (uint32_t)1);
	add_fixed(&c, UINT32_MAX);
	assert_ascending(&c);
	c = make_column(&arena, "int16");
	add_fixed(&c, (int16_t)INT16_MIN);
	add_fixed(&c, (int16_t)3);
	assert_ascending(&c);
	c = make_column(&arena, "date");
	add_fixed(&c, (int32_t)-5);
	add_fixed(&c, (int32_t)5);
	assert_ascending(&c);
	c = make_column(&arena, "bool");
	add_fixed(&c, (uint8_t)0);
	add_fixed(&c, (uint8_t)1);
	assert_ascending(&c);
}

static void floats_are_ordered_with_nan_above_all(void **state)
{
	static const double doubles[] = {
		-INFINITY, -1e300, -1, -5e-324, 0, 5e-324, 0.1, 1, 1e300, INFINITY, NAN};
	struct column c = make_column(&arena, "nullable(float64)"),
		      f = make_column(&arena, "float32");

	(void)state;
	column_add_null(&c);
	for (size_t i = 0; i < COUNT_OF(doubles); i++)
		add_fixed(&c, doubles[i]);
	assert_ascending(&c);
	add_fixed(&f, -1.5f);
	add_fixed(&f, 1.5f);
	add_fixed(&f, NAN);
	assert_ascending(&f);
}

static void every_nan_is_the_same_and_so_are_both_zeros(void **state)
{
	static const uint64_t bits[][2] = {
		{0x7ff8000000000000, 0xfff8000000000001}, {0x0000000000000000, 0x8000000000000000}};
	struct column c = make_column(&arena, "float64"), f = make_column(&arena, "float32");

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bits); i++) {
		add_fixed(&c, bits[i][0]);
		add_fixed(&c, bits[i][1]);
		assert_int_equal(column_compare(&c, 2 * i, &c, 2 * i + 1), 0);
		assert_true(column_equal(&c, 2 * i, &c, 2 * i + 1));
		assert_int_equal(column_hash(&c, 2 * i, 1), column_hash(&c, 2 * i + 1, 1));
	}
	add_fixed(&f, 0.0f);
	add_fixed(&f, -0.0f);
	assert_int_equal(column_hash(&f, 0, 1), column_hash(&f, 1, 1));
	column_release(&c);
	column_release(&f);
}

struct wide {
	unsigned __int128 low;
	__int128 high;
};

static void decimals_of_every_width_are_ordered_by_value(void **state)
{
	struct column c = make_column(&arena, "decimal(9,2)");

	(void)state;
	add_fixed(&c, INT32_MIN);
	add_fixed(&c, (int32_t)-1);
	add_fixed(&c, (int32_t)0x0100);
	add_fixed(&c, (int32_t)0x010000);
	assert_ascending(&c);
	c = make_column(&arena, "decimal(18,2)");
	add_fixed(&c, INT64_MIN);
	add_fixed(&c, (int64_t)-1);
	add_fixed(&c, (int64_t)1 << 40);
	assert_ascending(&c);
	c = make_column(&arena, "decimal(38,2)");
	add_fixed(&c, -((__int128)1 << 100));
	add_fixed(&c, (__int128)-1);
	add_fixed(&c, (__int128)1);
	add_fixed(&c, (__int128)1 << 100);
	assert_ascending(&c);
	c = make_column(&arena, "nullable(decimal(76,2))");
	column_add_null(&c);
	add_fixed(&c, ((struct wide){0, -5}));
	add_fixed(&c, ((struct wide){1, -1}));
	add_fixed(&c, ((struct wide){~(unsigned __int128)0, -1}));
	add_fixed(&c, ((struct wide){0, 0}));
	add_fixed(&c, ((struct wide){~(unsigned __int128)0, 0}));
	add_fixed(&c, ((struct wide){0, 1}));
	assert_ascending(&c);
}

static void strings_and_uuids_are_ordered_by_bytes(void **state)
{
	struct column c = make_column(&arena, "nullable(string)"), u = make_column(&arena, "uuid");

	(void)state;
	column_add_null(&c);
	add_text(&c, "");
	add_text(&c, "A");
	add_text(&c, "a");
	add_text(&c, "aa");
	add_text(&c, "b");
	add_text(&c, "\xc3\xa9");
	add_text(&c, "\xff");
	assert_ascending(&c);
	memcpy(column_add_fixed(&u, 16), "\0aaaaaaaaaaaaaaa", 16);
	memcpy(column_add_fixed(&u, 16), "\1aaaaaaaaaaaaaaa", 16);
	memcpy(column_add_fixed(&u, 16), "\xff\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
	assert_ascending(&u);
}

static void add_array(struct column *c, const char *const *texts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (texts[i])
			add_text(&c->children[0], texts[i]);
		else
			column_add_null(&c->children[0]);
	}
	column_end_row(c);
}

static void arrays_are_equal_when_all_their_elements_are(void **state)
{
	static const char *const texts[] = {"a", "b", NULL, "", "a"};
	struct column c = make_column(&arena, "array(nullable(string))"),
		      d = make_column(&arena, "array(nullable(string))");

	(void)state;
	add_array(&c, texts, 0);
	add_array(&c, texts, 1);
	add_array(&c, texts, 2);
	add_array(&c, texts, 3);
	add_array(&c, texts + 2, 1);
	add_array(&c, texts + 3, 1);
	add_array(&d, texts + 4, 1);
	for (size_t a = 0; a < c.rows; a++)
		for (size_t b = 0; b < c.rows; b++)
			assert_int_equal(column_equal(&c, a, &c, b), a == b);
	assert_true(column_equal(&c, 1, &d, 0));
	assert_int_equal(column_hash(&c, 1, 9), column_hash(&d, 0, 9));
	column_release(&c);
	column_release(&d);
}

static void maps_and_points_are_equal_part_by_part(void **state)
{
	struct column m = make_column(&arena, "map"), p = make_column(&arena, "point");

	(void)state;
	for (int i = 0; i < 3; i++) {
		add_text(&m.children[0], "k");
		add_text(&m.children[1], i == 1 ? "other" : "v");
		column_end_row(&m);
		add_fixed(&p.children[0], 1.0);
		add_fixed(&p.children[1], i == 1 ? 3.0 : 2.0);
		column_end_row(&p);
	}
	assert_false(column_equal(&m, 0, &m, 1));
	assert_true(column_equal(&m, 0, &m, 2));
	assert_false(column_equal(&p, 0, &p, 1));
	assert_true(column_equal(&p, 0, &p, 2));
	assert_int_equal(column_hash(&p, 0, 0), column_hash(&p, 2, 0));
	column_release(&m);
	column_release(&p);
}

static void a_hash_does_not_see_nullability_but_sees_its_seed(void **state)
{
	struct column a = make_column(&arena, "int32"), b = make_column(&arena, "nullable(int32)");

	(void)state;
	add_fixed(&a, (int32_t)5);
	add_fixed(&b, (int32_t)5);
	assert_true(column_equal(&a, 0, &b, 0));
	assert_int_equal(column_hash(&a, 0, 1), column_hash(&b, 0, 1));
	assert_int_not_equal(column_hash(&a, 0, 1), column_hash(&a, 0, 2));
	column_release(&a);
	column_release(&b);
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
		cmocka_unit_test(integers_are_ordered_by_value_and_nulls_come_first),
		cmocka_unit_test(floats_are_ordered_with_nan_above_all),
		cmocka_unit_test(every_nan_is_the_same_and_so_are_both_zeros),
		cmocka_unit_test(decimals_of_every_width_are_ordered_by_value),
		cmocka_unit_test(strings_and_uuids_are_ordered_by_bytes),
		cmocka_unit_test(arrays_are_equal_when_all_their_elements_are),
		cmocka_unit_test(maps_and_points_are_equal_part_by_part),
		cmocka_unit_test(a_hash_does_not_see_nullability_but_sees_its_seed),
	};
	return cmocka_run_group_tests(tests, open_arena, close_arena);
}
