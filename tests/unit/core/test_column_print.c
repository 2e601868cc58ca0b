/* Values as JSON text. */
#include "values.h"

#include <math.h>

static struct arena arena;

static void integers_and_booleans_print_as_they_are(void **state)
{
	struct column c = make_column(&arena, "nullable(int64)");

	(void)state;
	add_fixed(&c, INT64_MIN);
	add_fixed(&c, INT64_MAX);
	column_add_null(&c);
	assert_prints(&c, 0, "-9223372036854775808");
	assert_prints(&c, 1, "9223372036854775807");
	assert_prints(&c, 2, "null");
	column_release(&c);
	c = make_column(&arena, "uint64");
	add_fixed(&c, UINT64_MAX);
	assert_prints(&c, 0, "18446744073709551615");
	column_release(&c);
	c = make_column(&arena, "int16");
	add_fixed(&c, (int16_t)INT16_MIN);
	assert_prints(&c, 0, "-32768");
	column_release(&c);
	c = make_column(&arena, "uint32");
	add_fixed(&c, UINT32_MAX);
	assert_prints(&c, 0, "4294967295");
	column_release(&c);
	c = make_column(&arena, "bool");
	add_fixed(&c, (uint8_t)1);
	assert_prints(&c, 0, "true");
	column_release(&c);
}

static void floats_print_the_shortest_text_that_reads_back(void **state)
{
	static const struct {
		double value;
		const char *text;
	} cases[] = {{0.1, "0.1"}, {1, "1"}, {-0.0, "-0"}, {1.0 / 3, "0.3333333333333333"},
		{1e300, "1e+300"}, {5e-324, "4.94065645841247e-324"},
		{0.1 + 0.2, "0.30000000000000004"}, {NAN, "\"NaN\""}, {INFINITY, "\"Infinity\""},
		{-INFINITY, "\"-Infinity\""}};
	struct column c = make_column(&arena, "float64"), f = make_column(&arena, "float32");

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		add_fixed(&c, cases[i].value);
		assert_prints(&c, i, cases[i].text);
	}
	add_fixed(&f, 0.1f);
	add_fixed(&f, 16777216.0f);
	add_fixed(&f, 3.4028235e38f);
	assert_prints(&f, 0, "0.1");
	assert_prints(&f, 1, "16777216");
	assert_prints(&f, 2, "3.4028235e+38");
	column_release(&c);
	column_release(&f);
}

static void every_float_reads_back_to_its_own_bits(void **state)
{
	struct column c = make_column(&arena, "float64");
	struct buf out;

	(void)state;
	srand(3);
	buf_init(&out, BUF_MAX);
	for (size_t i = 0; i < 5000; i++) {
		uint64_t bits = (uint64_t)rand() << 33 ^ (uint64_t)rand() << 11 ^ (uint64_t)rand();
		double value;
		memcpy(&value, &bits, sizeof value);
		if (!isfinite(value))
			value = (double)i;
		column_clear(&c);
		buf_clear(&out);
		add_fixed(&c, value);
		column_print(&c, 0, &out);
		double back = strtod(buf_text(&out), NULL);
		assert_memory_equal(&back, &value, sizeof back);
	}
	buf_release(&out);
	column_release(&c);
}

static void assert_decimal(const char *type, const void *bytes, const char *expected)
{
	struct column c = make_column(&arena, type);
	size_t width = type_width(&c.type);

	memcpy(column_add_fixed(&c, width), bytes, width);
	assert_prints(&c, 0, expected);
	column_release(&c);
}

static void decimals_print_every_digit(void **state)
{
	static const uint8_t minus_one[32] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	static const uint8_t least[32] = {[31] = 0x80}, zero[32] = {0};

	(void)state;
	assert_decimal("decimal(9,2)", &(int32_t){12345}, "123.45");
	assert_decimal("decimal(9,2)", &(int32_t){-5}, "-0.05");
	assert_decimal("decimal(9,0)", &(int32_t){-5}, "-5");
	assert_decimal("decimal(9,0)", &(int32_t){0}, "0");
	assert_decimal("decimal(9,9)", &(int32_t){100000000}, "0.100000000");
	assert_decimal("decimal(9,2)", &(int32_t){INT32_MIN}, "-21474836.48");
	assert_decimal("decimal(18,4)", &(int64_t){1000000000}, "100000.0000");
	assert_decimal("decimal(18,4)", &(int64_t){INT64_MIN}, "-922337203685477.5808");
	assert_decimal("decimal(38,0)", &(__int128){(__int128)1 << 126},
		"85070591730234615865843651857942052864");
	assert_decimal("decimal(76,3)", zero, "0.000");
	assert_decimal("decimal(76,3)", minus_one, "-0.001");
	assert_decimal("decimal(76,76)", minus_one,
		"-0.0000000000000000000000000000000000000000000000000000000000000000000000000001");
	assert_decimal("decimal(76,0)", least,
		"-57896044618658097711785492504343953926634992332820282019728792003956564819968");
}

static void text_is_escaped_and_other_bytes_are_hex(void **state)
{
	struct column c = make_column(&arena, "string");

	(void)state;
	add_text(&c, "say \"hi\"\n\xc3\xa9");
	add_text(&c, "\xff\x01z");
	memcpy(column_add_string(&c, 1), "\0", 1);
	assert_prints(&c, 0, "\"say \\\"hi\\\"\\n\xc3\xa9\"");
	assert_prints(&c, 1, "\"\\\\xff017a\"");
	assert_prints(&c, 2, "\"\\u0000\"");
	column_release(&c);
	c = make_column(&arena, "json");
	add_text(&c, "{\"a\": 1}");
	assert_prints(&c, 0, "\"{\\\"a\\\": 1}\"");
	column_release(&c);
	c = make_column(&arena, "uuid");
	memcpy(column_add_fixed(&c, 16),
		"\x01\x23\x45\x67\x89\xab\xcd\xef\x01\x23\x45\x67\x89\xab\xcd\xef", 16);
	assert_prints(&c, 0, "\"01234567-89ab-cdef-0123-456789abcdef\"");
	column_release(&c);
}

static void dates_are_iso_8601_before_year_0_and_after_9999_too(void **state)
{
	static const struct {
		int32_t days;
		const char *text;
	} cases[] = {{0, "\"1970-01-01\""}, {-1, "\"1969-12-31\""}, {20759, "\"2026-11-02\""},
		{-719528, "\"0000-01-01\""}, {-719529, "\"-0001-12-31\""},
		{2932896, "\"9999-12-31\""}, {2932897, "\"+10000-01-01\""},
		{2145042905, "\"+5874897-12-31\""}};
	struct column c = make_column(&arena, "date");

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		add_fixed(&c, cases[i].days);
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_prints(&c, i, cases[i].text);
	column_release(&c);
}

static void timestamps_keep_their_microseconds_and_their_zone(void **state)
{
	static const struct {
		int64_t us;
		const char *text;
	} cases[] = {{0, "1970-01-01T00:00:00"}, {-1, "1969-12-31T23:59:59.999999"},
		{1793614272123456, "2026-11-02T10:11:12.123456"},
		{1793614272100000, "2026-11-02T10:11:12.1"},
		{1793614272000001, "2026-11-02T10:11:12.000001"},
		{253402300800000000, "+10000-01-01T00:00:00"},
		{-62167219200000001, "-0001-12-31T23:59:59.999999"},
		{INT64_MAX, "+294247-01-10T04:00:54.775807"},
		{INT64_MIN, "-290308-12-21T19:59:05.224192"}};
	struct column local = make_column(&arena, "timestamp"),
		      utc = make_column(&arena, "timestamptz");
	char text[64];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		add_fixed(&local, cases[i].us);
		add_fixed(&utc, cases[i].us);
		snprintf(text, sizeof text, "\"%s\"", cases[i].text);
		assert_prints(&local, i, text);
		snprintf(text, sizeof text, "\"%sZ\"", cases[i].text);
		assert_prints(&utc, i, text);
	}
	column_release(&local);
	column_release(&utc);
}

static void arrays_maps_and_points_print_their_parts(void **state)
{
	struct column a = make_column(&arena, "array(array(nullable(int16)))"),
		      m = make_column(&arena, "map");
	struct column p = make_column(&arena, "point");

	(void)state;
	add_fixed(&a.children[0].children[0], (int16_t)1);
	column_add_null(&a.children[0].children[0]);
	column_end_row(&a.children[0]);
	column_end_row(&a.children[0]);
	column_end_row(&a);
	column_end_row(&a);
	assert_prints(&a, 0, "[[1,null],[]]");
	assert_prints(&a, 1, "[]");
	add_text(&m.children[0], "k\"1");
	add_text(&m.children[1], "v");
	add_text(&m.children[0], "k2");
	column_add_null(&m.children[1]);
	column_end_row(&m);
	column_end_row(&m);
	assert_prints(&m, 0, "{\"k\\\"1\":\"v\",\"k2\":null}");
	assert_prints(&m, 1, "{}");
	add_fixed(&p.children[0], 1.5);
	add_fixed(&p.children[1], -2.0);
	column_end_row(&p);
	assert_prints(&p, 0, "[1.5,-2]");
	column_release(&a);
	column_release(&m);
	column_release(&p);
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
		cmocka_unit_test(integers_and_booleans_print_as_they_are),
		cmocka_unit_test(floats_print_the_shortest_text_that_reads_back),
		cmocka_unit_test(every_float_reads_back_to_its_own_bits),
		cmocka_unit_test(decimals_print_every_digit),
		cmocka_unit_test(text_is_escaped_and_other_bytes_are_hex),
		cmocka_unit_test(dates_are_iso_8601_before_year_0_and_after_9999_too),
		cmocka_unit_test(timestamps_keep_their_microseconds_and_their_zone),
		cmocka_unit_test(arrays_maps_and_points_print_their_parts),
	};
	return cmocka_run_group_tests(tests, open_arena, close_arena);
}
