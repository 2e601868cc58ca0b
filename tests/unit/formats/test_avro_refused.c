/* Avro: what is not as it should be. Names that it does not allow are adjusted, hostile schemas and values are
 * refused with the reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "avro_parse.h"

/* --- Names ------------------------------------------------------------------------------------- */

static const struct connect_schema int32 = {.kind = CONNECT_INT32};

/* A struct of int32s. */
static struct connect_schema struct_of(const char *name, struct connect_field *fields, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!fields[i].schema)
			fields[i].schema = &int32;
	return (struct connect_schema){
		.kind = CONNECT_STRUCT, .name = name, .fields = fields, .n_fields = n};
}

static void expect_schema(const struct connect_schema *schema, const char *expected)
{
	struct error err = {0};
	struct buf out;

	buf_init(&out, BUF_MAX);
	if (!avro_schema_from_connect(schema, &out, &err))
		fail_msg("%s", err.text);
	assert_string_equal(buf_text(&out), expected);
	avro_schema_free(parse(buf_text(&out), out.len));
	buf_release(&out);
}

static void names_are_adjusted_as_debezium_does(void **state)
{
	struct connect_field fields[] = {{.name = "a-b"}, {.name = "1st"}, {.name = "Zo\xc3\xab"},
		{.name = "\xf0\x9f\x98\x80"}, {.name = "with.dot"}, {.name = "_ok9"}};
	struct connect_schema schema = struct_of("my-shop.2024.order lines.Value", fields, 6);

	(void)state;
	expect_schema(&schema,
		"{\"type\":\"record\",\"name\":\"Value\",\"namespace\":\"my_shop._2024.order_"
		"lines\","
		"\"fields\":[{\"name\":\"a_b\",\"type\":\"int\"},{\"name\":\"_1st\",\"type\":"
		"\"int\"},"
		"{\"name\":\"Zo_\",\"type\":\"int\"},{\"name\":\"__\",\"type\":\"int\"},"
		"{\"name\":\"with_dot\",\"type\":\"int\"},{\"name\":\"_ok9\",\"type\":\"int\"}],"
		"\"connect.name\":\"my_shop._2024.order_lines.Value\"}");
}

static void fields_whose_names_become_one_are_refused(void **state)
{
	struct connect_field fields[] = {{.name = "a-b"}, {.name = "c"}, {.name = "a_b"}};
	struct connect_schema schema = struct_of("s.Value", fields, 3);
	struct error err = {0};
	struct buf out;

	(void)state;
	buf_init(&out, BUF_MAX);
	buf_puts(&out, "before");
	assert_false(avro_schema_from_connect(&schema, &out, &err));
	assert_int_equal(err.kind, ERROR_TABLE);
	assert_non_null(strstr(err.text, "\"a-b\" and \"a_b\" are both \"a_b\""));
	assert_string_equal(buf_text(&out), "before");
	buf_release(&out);
}

/* As AvroData of Confluent 7.4 and later numbers them; that of the golden files makes no second one. */
static void structs_without_a_name_are_numbered(void **state)
{
	struct connect_field x = {.name = "x"}, y = {.name = "y"};
	struct connect_schema one = struct_of(NULL, &x, 1), same = one,
			      other = struct_of(NULL, &y, 1);
	struct connect_field fields[] = {
		{.name = "a", .schema = &one},
		{.name = "b", .schema = &same},
		{.name = "c", .schema = &other},
	};
	struct connect_schema schema = struct_of(NULL, fields, 3);

	(void)state;
	same.optional = true;
	expect_schema(&schema,
		"{\"type\":\"record\",\"name\":\"ConnectDefault\",\"namespace\":"
		"\"io.confluent.connect.avro\",\"fields\":[{\"name\":\"a\",\"type\":{\"type\":"
		"\"record\",\"name\":\"ConnectDefault2\",\"fields\":[{\"name\":\"x\",\"type\":"
		"\"int\"}]}}"
		",{\"name\":\"b\",\"type\":[\"null\",\"ConnectDefault2\"],\"default\":null},{"
		"\"name\":"
		"\"c\",\"type\":{\"type\":\"record\",\"name\":\"ConnectDefault3\",\"fields\":[{"
		"\"name\":"
		"\"y\",\"type\":\"int\"}]}}]}");
}

static void a_header_is_taken_off_again(void **state)
{
	struct buf out;
	uint32_t id = 0;

	(void)state;
	buf_init(&out, BUF_MAX);
	avro_header(&out, 0x01020384);
	buf_u8(&out, 9);
	assert_memory_equal(out.data, "\0\1\2\3\x84\x09", out.len);
	const uint8_t *data = out.data;
	size_t len = out.len;
	assert_true(avro_take_header(&data, &len, &id));
	assert_int_equal(id, 0x01020384);
	assert_int_equal(len, 1);
	assert_int_equal(*data, 9);
	for (len = 0; len < 5; len++)
		assert_false(avro_take_header(&data, &len, &id));
	data = (const uint8_t *)"{\"a\":1}";
	len = 7;
	assert_false(avro_take_header(&data, &len, &id));
	assert_int_equal(len, 7);
	buf_release(&out);
}

/* --- Hostile ----------------------------------------------------------------------------------- */

static void a_schema_that_is_none_is_refused_with_its_reason(void **state)
{
	static const struct {
		const char *json, *why;
	} cases[] = {
		{"", "the document ends too early"},
		{"{", "the document ends"},
		{"\"int\" 1", "more behind"},
		{"5", "no string, object or array"},
		{"{}", "without a type"},
		{"\"nothing\"", "nothing is not a type"},
		{"[]", "a union of nothing"},
		{"[\"int\",[\"null\"]]", "a union within a union"},
		{"[\"int\",\"int\"]", "int stands twice"},
		{"[\"null\",\"null\"]", "null stands twice"},
		{"{\"type\":\"record\",\"fields\":[]}", "has no name"},
		{"{\"type\":\"record\",\"name\":\"R\"}", "R has no fields"},
		{"{\"type\":\"record\",\"name\":\"R\",\"fields\":{}}", "R has no array"},
		{"{\"type\":\"record\",\"name\":\"R\",\"fields\":[1]}", "R has a field that is no"},
		{"{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"type\":\"int\"}]}",
			"without a name"},
		{"{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\"}]}",
			"without a type"},
		{"{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":\"int\"}"
		 ","
		 "{\"name\":\"a\",\"type\":\"int\"}]}",
			"a is the name of two fields"},
		{"{\"type\":\"record\",\"name\":\"n.R\",\"fields\":[{\"name\":\"next\","
		 "\"type\":[\"null\",\"R\"]}]}",
			"n.R contains itself"},
		{"[{\"type\":\"fixed\",\"name\":\"F\",\"size\":1},{\"type\":\"enum\",\"name\":"
		 "\"F\","
		 "\"symbols\":[\"A\"]}]",
			"F is defined twice"},
		{"{\"type\":\"fixed\",\"name\":\"F\",\"size\":-1}", "F has no size"},
		{"{\"type\":\"fixed\",\"name\":\"F\",\"size\":\"1\"}", "F has no size"},
		{"{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[1]}", "E has symbols that are no"},
		{"{\"type\":\"array\"}", "an array without items"},
		{"{\"type\":\"map\"}", "a map without values"},
		{"{\"type\":\"array\",\"items\":\"null\"}", "takes no bytes"},
		{"{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"R\",\"fields\":[]}"
		 "}",
			"takes no bytes"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct error err = {0};
		assert_null(avro_schema_parse(cases[i].json, strlen(cases[i].json), &err));
		assert_int_equal(err.kind, ERROR_DATA);
		if (!strstr(err.text, cases[i].why))
			fail_msg("%s: \"%s\", expected \"%s\"", cases[i].json, err.text,
				cases[i].why);
	}
}

static void a_schema_that_is_too_deep_or_too_wide_is_refused(void **state)
{
	struct error err = {0};
	struct buf json;

	(void)state;
	buf_init(&json, BUF_MAX);
	for (int i = 0; i < 100000; i++)
		buf_puts(&json, "{\"type\":\"array\",\"items\":");
	buf_puts(&json, "\"int\"");
	for (int i = 0; i < 100000; i++)
		buf_puts(&json, "}");
	assert_null(avro_schema_parse(buf_text(&json), json.len, &err));
	assert_non_null(strstr(err.text, "64 levels"));

	/* each record has the one before ten times: a value would have 10^20 fields */
	buf_clear(&json);
	buf_puts(&json, "[{\"type\":\"record\",\"name\":\"R0\",\"fields\":[]}");
	for (int i = 1; i <= 20; i++) {
		buf_printf(&json, ",{\"type\":\"record\",\"name\":\"R%d\",\"fields\":[", i);
		for (int j = 0; j < 10; j++)
			buf_printf(&json, "%s{\"name\":\"f%d\",\"type\":\"R%d\"}", j ? "," : "", j,
				i - 1);
		buf_puts(&json, "]}");
	}
	buf_puts(&json, "]");
	assert_null(avro_schema_parse(buf_text(&json), json.len, &err));
	assert_non_null(strstr(err.text, "100000 values"));
	buf_release(&json);
}

static void expect_failure(const char *schema_json, const char *hex, const char *why)
{
	struct avro_schema *schema = parse(schema_json, strlen(schema_json));
	struct error err = {0};
	struct avro_reader r;
	struct buf data;

	from_hex(hex, &data);
	avro_reader_init(&r);
	avro_read(&r, schema, data.data, data.len);
	enum connect_token token;
	do
		token = connect_next(&r.base, &err);
	while (token != TOKEN_END && token != TOKEN_FAILED);
	assert_int_equal(token, TOKEN_FAILED);
	assert_int_equal(err.kind, ERROR_DATA);
	if (!strstr(err.text, why))
		fail_msg("%s %s: \"%s\", expected \"%s\"", schema_json, hex, err.text, why);
	assert_int_equal(connect_next(&r.base, &err), TOKEN_FAILED);
	assert_false(connect_skip(&r.base, &err));
	buf_release(&data);
	avro_schema_free(schema);
}

static void a_value_that_does_not_fit_its_schema_is_refused(void **state)
{
	static const char array[] = "{\"type\":\"array\",\"items\":\"int\"}";

	(void)state;
	expect_failure("\"int\"", "", "does not end");
	expect_failure("\"int\"", "80", "does not end");
	expect_failure("\"int\"", "8080808010", "beyond 32 bits");
	expect_failure("\"long\"", "ffffffffffffffffff02", "beyond 64 bits");
	expect_failure("\"int\"", "0202", "more bytes than the value has");
	expect_failure("\"boolean\"", "02", "neither 0 nor 1");
	expect_failure("\"double\"", "00000000000000", "longer than what is left");
	expect_failure("\"string\"", "0461", "longer than what is left");
	expect_failure("\"bytes\"", "01", "longer than what is left");
	expect_failure("\"string\"", "02ff", "not UTF-8");
	expect_failure("\"string\"", "12616161616161616180", "not UTF-8");
	expect_failure("[\"null\",\"int\"]", "04", "branch that the union does not have");
	expect_failure("[\"null\",\"int\"]", "01", "branch that the union does not have");
	expect_failure("{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\"]}", "02", "a symbol");
	expect_failure("{\"type\":\"fixed\",\"name\":\"F\",\"size\":4}", "000000", "longer than");
	expect_failure(array, "0402", "longer than what is left");
	expect_failure(array, "feffffffffffffffff0102", "longer than what is left");
	expect_failure(array, "ffffffffffffffffff0102", "longer than what is left");
	expect_failure(array, "0106", "longer than what is left");
	expect_failure("{\"type\":\"map\",\"values\":\"int\"}", "0402610202", "longer than");
	expect_failure("{\"type\":\"map\",\"values\":\"int\"}", "0202ff0200", "not UTF-8");
}

static void any_cut_of_a_value_is_refused(void **state)
{
	static const char json[] =
		"{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":"
		"{\"type\":\"array\",\"items\":[\"null\",\"string\",\"long\"]}},{\"name\":\"m\","
		"\"type\":{\"type\":\"map\",\"values\":\"double\"}},{\"name\":\"e\",\"type\":"
		"\"float\"}]}";
	static const char hex[] = "0602046869000480890f00010c026b000000000000f83f0000000000";

	(void)state;
	CLEANUP(free_string) char *cut = xstrdup(hex);
	for (size_t len = sizeof hex - 3; len; len -= 2) {
		cut[len] = '\0';
		expect_failure(json, cut, "Avro, at byte ");
	}
}

static void fields_are_passed_over_one_by_one(void **state)
{
	static const char json[] =
		"{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":"
		"[\"null\",\"int\",\"string\"]},{\"name\":\"b\",\"type\":{\"type\":\"array\","
		"\"items\":"
		"\"long\"}},{\"name\":\"c\",\"type\":\"int\"}]}";
	struct avro_schema *schema = parse(json, strlen(json));
	struct error err = {0};
	struct avro_reader r;
	struct buf data;

	(void)state;
	from_hex("04026103040204020600"
		 "54",
		&data);
	avro_reader_init(&r);
	avro_read(&r, schema, data.data, data.len);
	assert_int_equal(connect_next(&r.base, &err), TOKEN_STRUCT);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(connect_next(&r.base, &err), TOKEN_FIELD);
		assert_true(connect_skip(&r.base, &err));
	}
	assert_int_equal(connect_next(&r.base, &err), TOKEN_FIELD);
	assert_memory_equal(r.base.data, "c", 1);
	assert_int_equal(connect_next(&r.base, &err), TOKEN_INTEGER);
	assert_int_equal(r.base.integer, 42);
	assert_int_equal(connect_next(&r.base, &err), TOKEN_STRUCT_END);
	assert_int_equal(connect_next(&r.base, &err), TOKEN_END);
	buf_release(&data);
	avro_schema_free(schema);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_adjusted_as_debezium_does),
		cmocka_unit_test(fields_whose_names_become_one_are_refused),
		cmocka_unit_test(structs_without_a_name_are_numbered),
		cmocka_unit_test(a_header_is_taken_off_again),
		cmocka_unit_test(a_schema_that_is_none_is_refused_with_its_reason),
		cmocka_unit_test(a_schema_that_is_too_deep_or_too_wide_is_refused),
		cmocka_unit_test(a_value_that_does_not_fit_its_schema_is_refused),
		cmocka_unit_test(any_cut_of_a_value_is_refused),
		cmocka_unit_test(fields_are_passed_over_one_by_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
