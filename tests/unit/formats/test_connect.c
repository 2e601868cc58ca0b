/* Connect's schemas: looked into, compared, printed and read as JsonConverter does it. */
#define GOLDEN "tests/golden/connect/"
#include "golden.h"

#include "formats/connect/json.h"

static struct connect_json_reader reader;
static struct arena arena;

static int set_up(void **state)
{
	(void)state;
	connect_json_reader_init(&reader);
	arena_init(&arena);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	connect_json_reader_release(&reader);
	arena_release(&arena);
	return 0;
}

static struct connect_schema *parse(const char *json)
{
	struct error err = {0};

	connect_json_read(&reader, json, strlen(json));
	struct connect_schema *schema = connect_schema_from_json(&reader, &arena, &err);
	if (!schema)
		fail_msg("%s: %s", json, err.text);
	return schema;
}

static void a_field_and_a_parameter_are_found_by_their_names(void **state)
{
	(void)state;
	const struct connect_schema *schema = parse(
		"{\"type\":\"struct\",\"parameters\":{\"scale\":\"2\",\"p\":\"10\"},\"fields\":["
		"{\"type\":\"int32\",\"field\":\"id\"},{\"type\":\"string\",\"field\":\"ident\"}]"
		"}");

	assert_ptr_equal(connect_field(schema, "ident"), &schema->fields[1]);
	assert_int_equal(connect_field(schema, "ident")->schema->kind, CONNECT_STRING);
	assert_null(connect_field(schema, "iden"));
	assert_string_equal(connect_parameter(schema, "p"), "10");
	assert_null(connect_parameter(schema, "precision"));
}

static void schemas_that_say_the_same_are_equal(void **state)
{
	(void)state;
	static const char *const json[] = {
		"{\"type\":\"struct\",\"fields\":[{\"type\":\"int32\",\"field\":\"id\"}]}",
		"{\"type\":\"struct\",\"fields\":[{\"type\":\"int32\",\"field\":\"key\"}]}",
		"{\"type\":\"struct\",\"fields\":[{\"type\":\"int64\",\"field\":\"id\"}]}",
		"{\"type\":\"struct\",\"fields\":[{\"type\":\"int32\",\"field\":\"id\"},"
		"{\"type\":\"int32\",\"field\":\"b\"}]}",
		"{\"type\":\"struct\",\"fields\":[]}",
		"{\"type\":\"int32\"}",
		"{\"type\":\"int32\",\"optional\":true}",
		"{\"type\":\"int32\",\"name\":\"io.debezium.time.Date\"}",
		"{\"type\":\"int32\",\"name\":\"io.debezium.time.Time\"}",
		"{\"type\":\"int32\",\"version\":1}",
		"{\"type\":\"int32\",\"doc\":\"\"}",
		"{\"type\":\"int32\",\"default\":0}",
		"{\"type\":\"int32\",\"parameters\":{\"a\":\"1\"}}",
		"{\"type\":\"int32\",\"parameters\":{\"a\":\"2\"}}",
		"{\"type\":\"int32\",\"parameters\":{\"a\":\"1\",\"b\":\"2\"}}",
		"{\"type\":\"array\",\"items\":{\"type\":\"int32\"}}",
		"{\"type\":\"array\",\"items\":{\"type\":\"int32\",\"optional\":true}}",
		"{\"type\":\"map\",\"keys\":{\"type\":\"string\"},\"values\":{\"type\":\"int32\"}}",
	};

	for (size_t i = 0; i < COUNT_OF(json); i++)
		for (size_t j = 0; j < COUNT_OF(json); j++)
			if (connect_schema_equal(parse(json[i]), parse(json[j])) != (i == j))
				fail_msg("%s and %s", json[i], json[j]);
	assert_true(connect_schema_equal(
		parse("{\"type\":\"int32\",\"parameters\":{\"a\":\"1\",\"b\":\"2\"}}"),
		parse("{\"type\":\"int32\",\"parameters\":{\"b\":\"2\",\"a\":\"1\"}}")));
}

static void a_schema_is_printed_as_json_converter_prints_it(void **state)
{
	struct buf file, out;
	size_t lines = 0;
	char *line;

	(void)state;
	golden_read("schemas.json", &file);
	buf_init(&out, BUF_MAX);
	for (char *rest = (char *)file.data; golden_line(&rest, &line, 1); lines++) {
		buf_clear(&out);
		connect_schema_to_json(parse(line), &out);
		assert_string_equal(buf_text(&out), line);
	}
	assert_int_equal(lines, 4);
	buf_release(&out);
	buf_release(&file);
}

static void a_schema_is_read_whole(void **state)
{
	struct buf file;
	char *line = NULL;

	(void)state;
	golden_read("schemas.json", &file);
	char *rest = (char *)file.data;
	for (int i = 0; i < 3; i++)
		assert_true(golden_line(&rest, &line, 1));
	const struct connect_schema *row = parse(line);
	assert_int_equal(row->kind, CONNECT_STRUCT);
	assert_false(row->optional);
	assert_string_equal(row->name, "shop.public.orders.Value");
	assert_int_equal(row->n_fields, 17);
	const struct connect_schema *total = connect_field(row, "total")->schema;
	assert_int_equal(total->kind, CONNECT_BYTES);
	assert_true(total->optional);
	assert_string_equal(total->name, "org.apache.kafka.connect.data.Decimal");
	assert_int_equal(total->version, 1);
	assert_int_equal(total->n_parameters, 2);
	assert_string_equal(connect_parameter(total, "scale"), "2");
	assert_string_equal(total->fallback, "\"BOI=\"");
	assert_string_equal(connect_field(row, "note")->schema->doc, "what the \xc3\xa9"
								     "diteur said");
	assert_string_equal(connect_field(row, "note")->schema->fallback, "\"a \\\"quote\\\"\\n\"");
	assert_int_equal(connect_field(row, "ratio")->schema->kind, CONNECT_FLOAT64);
	assert_int_equal(connect_field(row, "narrow")->schema->kind, CONNECT_FLOAT32);
	assert_int_equal(connect_field(row, "tiny")->schema->kind, CONNECT_INT8);
	const struct connect_schema *grid = connect_field(row, "grid")->schema;
	assert_int_equal(grid->kind, CONNECT_ARRAY);
	assert_int_equal(grid->element->element->kind, CONNECT_INT32);
	assert_int_equal(connect_field(row, "labels")->schema->kind, CONNECT_MAP);
	assert_true(connect_field(row, "labels")->schema->element->optional);
	buf_release(&file);
}

static void members_stand_in_any_order_and_unknown_ones_are_passed_over(void **state)
{
	(void)state;
	assert_true(connect_schema_equal(
		parse(" { \"fields\" : [ { \"field\" : \"a\" , \"optional\" : true , \"type\" : "
		      "\"map\" ,"
		      " \"values\" : { \"type\" : \"int8\" } , \"keys\" : { \"type\" : \"string\" "
		      "} } ] ,"
		      " \"more\" : [ { \"type\" : 1 } ] , \"name\" : null , \"version\" : null ,"
		      " \"default\" : null , \"doc\" : null , \"parameters\" : null , \"type\" : "
		      "\"struct\" }"),
		parse("{\"type\":\"struct\",\"fields\":[{\"type\":\"map\",\"keys\":{\"type\":"
		      "\"string\"},"
		      "\"values\":{\"type\":\"int8\"},\"optional\":true,\"field\":\"a\"}]}")));
}

static void a_schema_that_cannot_be_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *json, *why;
	} cases[] = {
		{"null", "schema, at byte 4: a schema is expected"},
		{"{}", "schema, at byte 2: a schema without a type"},
		{"{\"type\":\"uuid\"}", "a type that Kafka Connect does not know"},
		{"{\"type\":1}", "a text is expected"},
		{"{\"type\":\"a\\u0000\"}", "a text with a NUL in it"},
		{"{\"type\":\"array\"}", "without the schema of its values"},
		{"{\"type\":\"array\",\"items\":[]}", "a schema is expected"},
		{"{\"type\":\"map\",\"keys\":{\"type\":\"string\"}}",
			"without the schema of its values"},
		{"{\"type\":\"map\",\"values\":{\"type\":\"string\"}}", "keys are not strings"},
		{"{\"type\":\"map\",\"keys\":{\"type\":\"int8\"},\"values\":{\"type\":\"int8\"}}",
			"keys are not strings"},
		{"{\"type\":\"struct\",\"fields\":{}}", "the fields are expected"},
		{"{\"type\":\"struct\",\"fields\":[1]}", "a schema is expected"},
		{"{\"type\":\"struct\",\"fields\":[{\"type\":\"int8\"}]}",
			"a field without its name"},
		{"{\"type\":\"int8\",\"version\":4294967297}", "a version is expected"},
		{"{\"type\":\"int8\",\"version\":\"1\"}", "a version is expected"},
		{"{\"type\":\"int8\",\"optional\":1}", "true or false is expected"},
		{"{\"type\":\"int8\",\"parameters\":{\"scale\":2}}", "a text is expected"},
		{"{\"type\":\"int8\",\"parameters\":{\"scale\":null}}", "a text is expected"},
		{"{\"type\":\"int8\",\"parameters\":[]}", "the parameters are expected"},
		{"{\"type\":\"int8\"", "JSON, at byte 14: the document ends too early"},
		{"{\"type\":\"int8\",\"default\":{\"a\"", "the document ends too early"},
		{"{\"type\":\"struct\",\"fields\":[{\"type\":\"int8\",\"field\":\"a\"}",
			"the document ends too early"},
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct error err = {0};
		connect_json_read(&reader, cases[i].json, strlen(cases[i].json));
		if (connect_schema_from_json(&reader, &arena, &err))
			fail_msg("%s was taken", cases[i].json);
		assert_int_equal(err.kind, ERROR_DATA);
		if (!strstr(err.text, cases[i].why))
			fail_msg("%s: %s", cases[i].json, err.text);
	}
}

static void a_schema_may_be_as_deep_as_a_document(void **state)
{
	struct buf json;
	struct error err = {0};

	(void)state;
	buf_init(&json, BUF_MAX);
	for (int depth = 64; depth <= 65; depth++) {
		buf_clear(&json);
		for (int i = 1; i < depth; i++)
			buf_puts(&json, "{\"type\":\"array\",\"items\":");
		buf_puts(&json, "{\"type\":\"int8\"}");
		for (int i = 1; i < depth; i++)
			buf_puts(&json, "}");
		connect_json_read(&reader, json.data, json.len);
		assert_int_equal(!!connect_schema_from_json(&reader, &arena, &err), depth == 64);
	}
	assert_non_null(strstr(err.text, "64 levels"));
	buf_release(&json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_field_and_a_parameter_are_found_by_their_names),
		cmocka_unit_test(schemas_that_say_the_same_are_equal),
		cmocka_unit_test(a_schema_is_printed_as_json_converter_prints_it),
		cmocka_unit_test(a_schema_is_read_whole),
		cmocka_unit_test(members_stand_in_any_order_and_unknown_ones_are_passed_over),
		cmocka_unit_test(a_schema_that_cannot_be_is_refused),
		cmocka_unit_test(a_schema_may_be_as_deep_as_a_document),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
