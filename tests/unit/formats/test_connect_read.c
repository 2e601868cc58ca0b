/* JSON is read as RFC 8259 has it, wherever in the strides of the reader its characters fall. Documents lie
 * in memory of just their size, so that AddressSanitizer sees every byte read beyond. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <math.h>
#include "base/mem.h"
#include "formats/connect/json.h"

static struct connect_json_reader reader;
static struct buf out;

static int set_up(void **state)
{
	(void)state;
	connect_json_reader_init(&reader);
	buf_init(&out, BUF_MAX);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	connect_json_reader_release(&reader);
	buf_release(&out);
	return 0;
}

static uint64_t seed;
static uint64_t draw(uint64_t below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (seed >> 33) % below;
}

static uint64_t draw_bits(void)
{
	return draw(UINT64_C(1) << 31) << 33 ^ draw(UINT64_C(1) << 31) << 15 ^ draw(1 << 15);
}

/* A copy in memory of its own size; the last one is freed. */
static void read_exactly(const void *json, size_t len)
{
	static void *copy;

	free(copy);
	copy = len ? memcpy(xmalloc(len), json, len) : NULL;
	connect_json_read(&reader, copy, len);
}

static void read_text(const char *json)
{
	read_exactly(json, strlen(json));
}

static enum connect_token take(void)
{
	struct error err = {0};
	enum connect_token token = connect_next(&reader.base, &err);

	assert_int_equal(token == TOKEN_FAILED, err.kind == ERROR_DATA);
	return token;
}

static void assert_taken(enum connect_token token, const char *data)
{
	assert_int_equal(take(), token);
	assert_int_equal(reader.base.len, strlen(data));
	assert_memory_equal(reader.base.data, data, strlen(data));
}

static void tokens_come_in_the_order_of_the_document(void **state)
{
	(void)state;
	read_text(" {\"a\" : [ 1 , -2.5,true ,[], \"x\\n\"],\t\"b\":{ } "
		  ",\r\n\"\":{\"c\":null,\"d\":false}} ");
	for (int again = 0; again < 2; again++) {
		assert_int_equal(take(), TOKEN_STRUCT);
		assert_taken(TOKEN_FIELD, "a");
		assert_int_equal(take(), TOKEN_ARRAY);
		assert_int_equal(take(), TOKEN_INTEGER);
		assert_int_equal(reader.base.integer, 1);
		assert_taken(TOKEN_REAL, "-2.5");
		assert_true(reader.base.real == -2.5);
		assert_int_equal(take(), TOKEN_BOOLEAN);
		assert_true(reader.base.boolean);
		assert_int_equal(take(), TOKEN_ARRAY);
		assert_int_equal(take(), TOKEN_ARRAY_END);
		assert_taken(TOKEN_STRING, "x\n");
		assert_int_equal(take(), TOKEN_ARRAY_END);
		assert_taken(TOKEN_FIELD, "b");
		assert_int_equal(take(), TOKEN_STRUCT);
		assert_int_equal(take(), TOKEN_STRUCT_END);
		assert_taken(TOKEN_FIELD, "");
		assert_int_equal(take(), TOKEN_STRUCT);
		assert_taken(TOKEN_FIELD, "c");
		assert_int_equal(take(), TOKEN_NULL);
		assert_taken(TOKEN_FIELD, "d");
		assert_int_equal(take(), TOKEN_BOOLEAN);
		assert_false(reader.base.boolean);
		assert_int_equal(take(), TOKEN_STRUCT_END);
		assert_int_equal(take(), TOKEN_STRUCT_END);
		assert_int_equal(take(), TOKEN_END);
		assert_int_equal(take(), TOKEN_END);
		reader.base.ops->restart(&reader.base);
	}
}

/* The byte is the one that is wrong. */
static const struct {
	const char *json;
	int at;
} not_json[] = {
	{"", 0},
	{"  ", 2},
	{"[", 1},
	{"{", 1},
	{"[1", 2},
	{"[1,", 3},
	{"[1,]", 3},
	{"[,1]", 1},
	{"[1 2]", 3},
	{"[1}", 2},
	{"{\"a\":1]", 6},
	{"[]]", 2},
	{"]", 0},
	{"}", 0},
	{",", 0},
	{":", 0},
	{"1 2", 2},
	{"{} {}", 3},
	{"{\"a\"}", 4},
	{"{\"a\":}", 5},
	{"{\"a\":1,}", 7},
	{"{\"a\":1 \"b\":2}", 7},
	{"{\"a\"", 4},
	{"{\"a\":", 5},
	{"{\"a\" 1}", 5},
	{"{a:1}", 1},
	{"{1:1}", 1},
	{"{'a':1}", 1},
	{"{null:1}", 1},
	{"tru", 0},
	{"True", 0},
	{"nul", 0},
	{"NaN", 0},
	{"Infinity", 0},
	{"truefalse", 4},
	{"01", 0},
	{"-01", 0},
	{"-", 0},
	{"+1", 0},
	{".5", 0},
	{"1.", 0},
	{"1.e5", 0},
	{"-.5", 0},
	{"1e", 0},
	{"1e+", 0},
	{"1e-", 0},
	{"0x10", 1},
	{"1_000", 1},
	{"[1.5.5]", 4},
	{"\"", 1},
	{"\"abc", 4},
	{"\"a\nb\"", 2},
	{"\"a\tb\"", 2},
	{"\"\\x\"", 1},
	{"\"\\\"", 3},
	{"\"\\", 1},
	{"\"ab\\u12\"", 3},
	{"\"\\u12g4\"", 1},
	{"\"\\ud800\"", 1},
	{"\"\\ud800\\n\"", 1},
	{"\"\\ud800\\ud800\"", 1},
	{"\"\\ud800\\u0041\"", 1},
	{"\"\\udc00\"", 1},
	{"\"a\\nb\\ud800 \"", 5},
	{"\"\xff\"", 1},
	{"\"a\xc3\"", 2},
	{"\"\xc0\x80\"", 1},
	{"\"\xed\xa0\x80\"", 1},
	{"\"\xf4\x90\x80\x80\"", 1},
	{"\"\\n\xe6\x97\"", 3},
	{"\xef\xbb\xbf{}", 0},
	{"\f1", 0},
	{"1\v", 1},
	{"/* */1", 0},
};

static void what_is_not_json_is_refused_at_its_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(not_json); i++) {
		char expected[32];
		struct error err = {0};
		enum connect_token token;
		read_text(not_json[i].json);
		do
			token = connect_next(&reader.base, &err);
		while (token != TOKEN_END && token != TOKEN_FAILED);
		snprintf(expected, sizeof expected, "JSON, at byte %d: ", not_json[i].at);
		if (token == TOKEN_END || strncmp(err.text, expected, strlen(expected)) != 0)
			fail_msg(
				"%s: byte %d, not: %s", not_json[i].json, not_json[i].at, err.text);
		assert_int_equal(take(), TOKEN_FAILED);
	}
}

static void a_nul_is_no_end_of_a_document(void **state)
{
	(void)state;
	read_exactly("1\0", 2);
	assert_int_equal(take(), TOKEN_INTEGER);
	assert_int_equal(take(), TOKEN_FAILED);
	read_exactly("\"a\0b\"", 5);
	assert_int_equal(take(), TOKEN_FAILED);
	read_text("\"a\\u0000b\"");
	assert_int_equal(take(), TOKEN_STRING);
	assert_int_equal(reader.base.len, 3);
	assert_memory_equal(reader.base.data, "a\0b", 3);
}

static const struct part {
	const char *json, *text; /* text NULL: refused */
} parts[] = {
	{"\\\"", "\""},
	{"\\\\", "\\"},
	{"\\/", "/"},
	{"\\b\\f\\n\\r\\t", "\b\f\n\r\t"},
	{"\\u0041\\u00e9\\u65E5", "A\xc3\xa9\xe6\x97\xa5"},
	{"\\ud83d\\uDE00", "\xf0\x9f\x98\x80"},
	{"\\udbff\\udfff", "\xf4\x8f\xbf\xbf"},
	{"\xc3\xa9", "\xc3\xa9"},
	{"\xe6\x97\xa5", "\xe6\x97\xa5"},
	{"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
	{"\x7f{}[]:,", "\x7f{}[]:,"},
	{"\x1f", NULL},
	{"\xff", NULL},
	{"\\a", NULL},
};

/* The part with so many characters on either side. */
static void check_part(const struct part *part, int before, int after)
{
	static const char *const filling = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEF";
	char json[128], text[128];

	snprintf(json, sizeof json, "\"%.*s%s%.*s\"", before, filling, part->json, after, filling);
	read_text(json);
	if (!part->text) {
		assert_int_equal(take(), TOKEN_FAILED);
		return;
	}
	snprintf(text, sizeof text, "%.*s%s%.*s", before, filling, part->text, after, filling);
	assert_taken(TOKEN_STRING, text);
	assert_int_equal(take(), TOKEN_END);
}

static void a_string_is_read_wherever_its_characters_fall(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(parts); i++)
		for (int before = 0; before < 40; before++)
			for (int after = 0; after < 40; after += 1 + after / 3)
				check_part(&parts[i], before, after);
}

static void a_string_without_escapes_is_not_copied(void **state)
{
	static const char json[] = "\"as it st\xc3\xa4nds\"";

	(void)state;
	connect_json_read(&reader, json, strlen(json));
	assert_int_equal(take(), TOKEN_STRING);
	assert_ptr_equal(reader.base.data, json + 1);
}

static void an_integer_that_fits_is_one(void **state)
{
	(void)state;
	static const struct {
		const char *json;
		int64_t value;
	} cases[] = {
		{"0", 0},
		{"-0", 0},
		{"7", 7},
		{"1737975000123456789", 1737975000123456789},
		{"9223372036854775807", INT64_MAX},
		{"-9223372036854775808", INT64_MIN},
	};
	static const char *const beyond[] = {"9223372036854775808", "-9223372036854775809",
		"18446744073709551616", "100000000000000000000", "12345678901234567890123456789"};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		read_text(cases[i].json);
		assert_taken(TOKEN_INTEGER, cases[i].json);
		assert_int_equal(reader.base.integer, cases[i].value);
	}
	for (size_t i = 0; i < COUNT_OF(beyond); i++) {
		read_text(beyond[i]);
		assert_taken(TOKEN_REAL, beyond[i]);
		assert_true(reader.base.real == strtod(beyond[i], NULL));
		assert_int_equal(take(), TOKEN_END);
	}
}

static void assert_real(const char *json)
{
	double expected = strtod(json, NULL);

	read_text(json);
	assert_taken(TOKEN_REAL, json);
	if (memcmp(&reader.base.real, &expected, sizeof expected) != 0)
		fail_msg("%s: %.17g", json, reader.base.real);
	assert_int_equal(take(), TOKEN_END);
}

static double double_of(uint64_t bits)
{
	double v;

	memcpy(&v, &bits, sizeof v);
	return v;
}

static void a_real_is_the_nearest_double(void **state)
{
	static const char *const edges[] = {"0.0", "-0.0", "-0e5", "0e400", "1e22", "1e23", "1E-22",
		"1e-23", "9007199254740993.0", "9007199254740992e22", "9007199254740993e-22",
		"1e308", "1.8e308", "-1.8e308", "1e999999999999", "4.9e-324", "2.4e-324",
		"1e-999999999999", "2.2250738585072011e-308", "0.1e+1",
		"123456789012345678901234567890.5e-10",
		"0.000000000000000000000000000000000000000001234567890123456789e40"};
	char json[64];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(edges); i++)
		assert_real(edges[i]);
	for (int i = 0; i < 20000; i++) {
		double v = double_of(draw_bits());
		if (isfinite(v)) {
			snprintf(json, sizeof json, "%.*e", (int)draw(20), v);
			assert_real(json);
		}
		snprintf(json, sizeof json, "%llu.%0*llu",
			(unsigned long long)draw_bits() >> draw(64), (int)draw(18) + 1,
			(unsigned long long)draw(10));
		assert_real(json);
	}
}

static void sixty_four_levels_are_read_and_no_more(void **state)
{
	(void)state;
	for (int depth = 64; depth <= 65; depth++) {
		enum connect_token token;
		buf_clear(&out);
		for (int i = 0; i < depth; i++)
			buf_puts(&out, i % 3 ? "{\"a\":" : "[");
		buf_puts(&out, "1");
		for (int i = depth; i-- > 0;)
			buf_puts(&out, i % 3 ? "}" : "]");
		read_exactly(out.data, out.len);
		for (int levels = 0; (token = take()) != TOKEN_END && token != TOKEN_FAILED;) {
			levels += token == TOKEN_ARRAY || token == TOKEN_STRUCT;
			assert_in_range(levels, 1, 64);
		}
		assert_int_equal(token, depth == 64 ? TOKEN_END : TOKEN_FAILED);
	}
}

/* A value whose strings are full of what looks like the end of something. */
static void print_random(int depth)
{
	static const char *const pieces[] = {"\\\"", "\\\\", "{", "}", "[", "]", ",", ":", "a", " ",
		"\\u005c", "\xc3\xa9",
		"long enough to pass the end of a block of the reader's own, all of it"};
	uint64_t kind = draw(depth > 5 ? 2 : 4);

	if (kind == 0) {
		buf_puts(&out, draw(2) ? "-12.5e3" : "null");
	} else if (kind == 1) {
		buf_puts(&out, "\"");
		for (uint64_t n = draw(12); n > 0; n--)
			buf_puts(&out, pieces[draw(COUNT_OF(pieces))]);
		buf_puts(&out, "\"");
	} else {
		buf_puts(&out, kind == 2 ? "[" : "{");
		for (uint64_t n = draw(5), i = 0; i < n; i++) {
			buf_puts(&out, i ? ", " : "");
			buf_puts(&out, kind == 2 ? "" : "\"}\\\\\" :");
			print_random(depth + 1);
		}
		buf_puts(&out, kind == 2 ? "]" : "}");
	}
}

static void a_skipped_value_ends_where_a_read_one_does(void **state)
{
	(void)state;
	for (int i = 0; i < 5000; i++) {
		struct error err = {0};
		buf_clear(&out);
		buf_printf(&out, "[%*s", (int)draw(70), "");
		size_t from = out.len;
		print_random(0);
		size_t to = out.len;
		buf_puts(&out, " ,7]");
		read_exactly(out.data, out.len);
		assert_int_equal(take(), TOKEN_ARRAY);
		assert_true(connect_skip(&reader.base, &err));
		assert_int_equal(reader.base.len, to - from);
		assert_memory_equal(reader.base.data, out.data + from, to - from);
		assert_int_equal(take(), TOKEN_INTEGER);
		assert_int_equal(take(), TOKEN_ARRAY_END);
		assert_int_equal(take(), TOKEN_END);
		reader.base.ops->restart(&reader.base);
		enum connect_token token;
		while ((token = take()) != TOKEN_END)
			assert_int_not_equal(token, TOKEN_FAILED);
	}
}

static void a_value_that_is_not_there_is_not_skipped(void **state)
{
	static const char *const cases[] = {"", "[]", "[1", "{", "[1,", "[{\"a\":[1,2]", "[\"abc",
		"[nul",
		"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
		"[{\"}\\\"]"};
	struct error err;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		err = (struct error){0};
		read_text(cases[i]);
		if (*cases[i])
			take();
		if (!strcmp(cases[i], "[1") || !strcmp(cases[i], "[1,"))
			take();
		assert_false(connect_skip(&reader.base, &err));
		assert_int_equal(err.kind, ERROR_DATA);
		assert_int_equal(take(), TOKEN_FAILED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tokens_come_in_the_order_of_the_document),
		cmocka_unit_test(what_is_not_json_is_refused_at_its_byte),
		cmocka_unit_test(a_nul_is_no_end_of_a_document),
		cmocka_unit_test(a_string_is_read_wherever_its_characters_fall),
		cmocka_unit_test(a_string_without_escapes_is_not_copied),
		cmocka_unit_test(an_integer_that_fits_is_one),
		cmocka_unit_test(a_real_is_the_nearest_double),
		cmocka_unit_test(sixty_four_levels_are_read_and_no_more),
		cmocka_unit_test(a_skipped_value_ends_where_a_read_one_does),
		cmocka_unit_test(a_value_that_is_not_there_is_not_skipped),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
