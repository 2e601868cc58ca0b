/*
 * Avro: schemas and bytes are those that Confluent's AvroConverter makes of the same Connect data, and what
 * Avro's own library wrote is read (tests/golden/avro, see record.py there); what is hostile is refused.
 */
#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/text.h"
#include "formats/avro/avro.h"
#include "formats/connect/json.h"
#define GOLDEN "tests/golden/avro/"
#include "avro_parse.h"
#include "golden.h"

struct slice {
	const uint8_t *at;
	size_t len;
};

/* The value of a key of a line. */
static struct slice member(const char *line, const char *key)
{
	struct connect_json_reader r;
	struct error err;

	connect_json_reader_init(&r);
	connect_json_read(&r, line, strlen(line));
	assert_int_equal(connect_next(&r.base, &err), TOKEN_STRUCT);
	while (connect_next(&r.base, &err) == TOKEN_FIELD) {
		bool found = r.base.len == strlen(key) && !memcmp(r.base.data, key, r.base.len);
		assert_true(connect_skip(&r.base, &err));
		if (found) {
			struct slice value = {r.base.data, r.base.len};
			connect_json_reader_release(&r);
			return value;
		}
	}
	fail_msg("no %s in %s", key, line);
	return (struct slice){0};
}

static const struct connect_schema *connect_schema_of(const char *line, struct arena *arena)
{
	struct slice json = member(line, "schema");
	struct connect_json_reader r;
	struct error err = {0};

	connect_json_reader_init(&r);
	connect_json_read(&r, json.at, json.len);
	const struct connect_schema *schema = connect_schema_from_json(&r, arena, &err);
	if (!schema)
		fail_msg("%s: %s", line, err.text);
	connect_json_reader_release(&r);
	return schema;
}

static void put_hex(const uint8_t *bytes, size_t n, struct buf *out)
{
	for (size_t i = 0; i < n; i++)
		buf_printf(out, "%02x", bytes[i]);
}

/* --- Writing ----------------------------------------------------------------------------------- */

static void push(struct connect_reader *from, enum connect_token token,
	const struct connect_schema *schema, struct connect_writer *to);

static void push_next(
	struct connect_reader *from, const struct connect_schema *schema, struct connect_writer *to)
{
	struct error err;

	push(from, connect_next(from, &err), schema, to);
}

static void push_base64(struct connect_reader *from, struct connect_writer *to)
{
	uint8_t raw[256];
	int n = EVP_DecodeBlock(raw, from->data, (int)from->len);

	for (size_t i = from->len; i && from->data[i - 1] == '='; i--)
		n--;
	to->ops->bytes(to, raw, (size_t)n);
}

/* How many values an array or a map has that was begun. */
static size_t count(struct connect_reader *from, bool map)
{
	struct connect_json_reader r = *(struct connect_json_reader *)from;
	struct error err;
	size_t n = 0;

	buf_init(&r.text, BUF_MAX);
	for (; !map && *r.at != ']'; n++)
		assert_true(connect_skip(&r.base, &err));
	for (; map && connect_next(&r.base, &err) == TOKEN_FIELD; n++)
		assert_true(connect_skip(&r.base, &err));
	connect_json_reader_release(&r);
	return n;
}

static void push_array(
	struct connect_reader *from, const struct connect_schema *schema, struct connect_writer *to)
{
	struct error err;
	enum connect_token token;

	to->ops->array_begin(to, count(from, false));
	while ((token = connect_next(from, &err)) != TOKEN_ARRAY_END)
		push(from, token, schema->element, to);
	to->ops->array_end(to);
}

static void push_map(
	struct connect_reader *from, const struct connect_schema *schema, struct connect_writer *to)
{
	struct error err;

	to->ops->map_begin(to, count(from, true));
	while (connect_next(from, &err) == TOKEN_FIELD) {
		to->ops->field(to, (const char *)from->data, from->len);
		push_next(from, schema->element, to);
	}
	to->ops->map_end(to);
}

/* The fields of the JSON stand in the order of the schema. */
static void push_struct(
	struct connect_reader *from, const struct connect_schema *schema, struct connect_writer *to)
{
	struct error err;

	to->ops->struct_begin(to);
	for (size_t i = 0; i < schema->n_fields; i++) {
		const char *name = schema->fields[i].name;
		assert_int_equal(connect_next(from, &err), TOKEN_FIELD);
		assert_memory_equal(from->data, name, from->len);
		to->ops->field(to, name, strlen(name));
		push_next(from, schema->fields[i].schema, to);
	}
	assert_int_equal(connect_next(from, &err), TOKEN_STRUCT_END);
	to->ops->struct_end(to);
}

static void push(struct connect_reader *from, enum connect_token token,
	const struct connect_schema *schema, struct connect_writer *to)
{
	double real = token == TOKEN_REAL ? from->real : (double)from->integer;

	assert_int_not_equal(token, TOKEN_FAILED);
	if (schema->optional)
		to->ops->optional(to, schema, token != TOKEN_NULL);
	if (token == TOKEN_NULL)
		return;
	switch (schema->kind) {
	case CONNECT_INT8:
	case CONNECT_INT16:
	case CONNECT_INT32:
	case CONNECT_INT64: to->ops->integer(to, from->integer); break;
	case CONNECT_FLOAT32: to->ops->float32(to, (float)real); break;
	case CONNECT_FLOAT64: to->ops->float64(to, real); break;
	case CONNECT_BOOLEAN: to->ops->boolean(to, from->boolean); break;
	case CONNECT_STRING: to->ops->string(to, from->data, from->len); break;
	case CONNECT_BYTES: push_base64(from, to); break;
	case CONNECT_ARRAY: push_array(from, schema, to); break;
	case CONNECT_MAP: push_map(from, schema, to); break;
	case CONNECT_STRUCT: push_struct(from, schema, to); break;
	}
}

/* The line's payload as Avro. */
static void write_payload(const char *line, const struct connect_schema *schema, struct buf *out)
{
	struct slice payload = member(line, "payload");
	struct connect_json_reader r;
	struct avro_writer w;

	connect_json_reader_init(&r);
	connect_json_read(&r, payload.at, payload.len);
	avro_writer_init(&w, out);
	push_next(&r.base, schema, &w.base);
	connect_json_reader_release(&r);
}

/* --- Reading ----------------------------------------------------------------------------------- */

static bool put_token(struct avro_reader *r, enum connect_token token, struct buf *out)
{
	static const char *const words[] = {
		[TOKEN_ARRAY] = "[",
		[TOKEN_ARRAY_END] = "]",
		[TOKEN_STRUCT] = "{",
		[TOKEN_STRUCT_END] = "}",
		[TOKEN_NULL] = "null",
	};
	uint8_t last = out->len ? out->data[out->len - 1] : '[';
	bool opens = last == '[' || last == '{' || last == ':';

	if (!opens && token != TOKEN_ARRAY_END && token != TOKEN_STRUCT_END)
		buf_u8(out, ',');
	switch (token) {
	case TOKEN_ARRAY:
	case TOKEN_ARRAY_END:
	case TOKEN_STRUCT:
	case TOKEN_STRUCT_END:
	case TOKEN_NULL: buf_puts(out, words[token]); break;
	case TOKEN_BOOLEAN: buf_puts(out, r->base.boolean ? "true" : "false"); break;
	case TOKEN_INTEGER: buf_printf(out, "%lld", (long long)r->base.integer); break;
	case TOKEN_REAL: buf_printf(out, "%.15g", r->base.real); break;
	case TOKEN_BYTES:
		buf_u8(out, '"');
		put_hex(r->base.data, r->base.len, out);
		buf_u8(out, '"');
		break;
	case TOKEN_STRING:
	case TOKEN_FIELD:
		text_print_json((const char *)r->base.data, r->base.len, out);
		if (token == TOKEN_FIELD)
			buf_u8(out, ':');
		break;
	case TOKEN_END:
	case TOKEN_FAILED: return false;
	}
	return true;
}

/* The value as JSON, bytes as hexadecimal. */
static void read_value(const struct avro_schema *schema, const struct buf *data, struct buf *out)
{
	struct avro_reader r;
	struct error err = {0};
	enum connect_token token;

	buf_init(out, BUF_MAX);
	avro_reader_init(&r);
	avro_read(&r, schema, data->data, data->len);
	while ((token = connect_next(&r.base, &err)) != TOKEN_END) {
		if (token == TOKEN_FAILED)
			fail_msg("%s", err.text);
		buf_clear(out);
	}
	(r.base.ops->restart)(&r.base);
	assert_true(connect_skip(&r.base, &err));
	assert_int_equal(connect_next(&r.base, &err), TOKEN_END);
	(r.base.ops->restart)(&r.base);
	buf_clear(out);
	while ((token = connect_next(&r.base, &err)) != TOKEN_END)
		put_token(&r, token, out);
	buf_text(out);
}

/* --- Against the real libraries ---------------------------------------------------------------- */

typedef void check_line_fn(const char *line, char **recorded, struct buf *out);

static void each_line(const char *name, size_t n_fields, check_line_fn *check, struct buf *out)
{
	CLEANUP(free_string) char *inputs = xasprintf("%s.jsonl", name);
	CLEANUP(free_string) char *outputs = xasprintf("%s.tsv", name);
	struct buf lines, recorded;
	char *line, *fields[2];
	size_t n = 0;

	golden_read(inputs, &lines);
	golden_read(outputs, &recorded);
	char *rest = (char *)lines.data, *rest_recorded = (char *)recorded.data;
	while ((line = strsep(&rest, "\n")) && *line) {
		assert_true(golden_line(&rest_recorded, fields, n_fields));
		check(line, fields, out);
		n++;
	}
	assert_true(n > 10);
	buf_release(&lines);
	buf_release(&recorded);
}

static void check_schema(const char *line, char **recorded, struct buf *out)
{
	struct arena arena;
	struct error err = {0};

	arena_init(&arena);
	buf_clear(out);
	assert_true(avro_schema_from_connect(connect_schema_of(line, &arena), out, &err));
	assert_string_equal(buf_text(out), recorded[0]);
	arena_release(&arena);
}

static void check_bytes(const char *line, char **recorded, struct buf *out)
{
	struct arena arena;
	struct buf expected;

	arena_init(&arena);
	from_hex(recorded[1], &expected);
	buf_clear(out);
	write_payload(line, connect_schema_of(line, &arena), out);
	assert_int_equal(out->len, expected.len);
	assert_memory_equal(out->data, expected.data, out->len);
	buf_release(&expected);
	arena_release(&arena);
}

static void check_way_back(const char *line, char **recorded, struct buf *out)
{
	struct avro_schema *schema = parse(recorded[0], strlen(recorded[0]));
	struct arena arena;
	struct buf again;

	arena_init(&arena);
	buf_init(&again, BUF_MAX);
	buf_clear(out);
	connect_schema_to_json(connect_schema_of(line, &arena), out);
	connect_schema_to_json(avro_schema_connect(schema), &again);
	assert_string_equal(buf_text(&again), buf_text(out));
	buf_release(&again);
	avro_schema_free(schema);
	arena_release(&arena);
}

static void check_read(const char *line, char **recorded, struct buf *out)
{
	struct slice json = member(line, "schema"), reads = member(line, "reads");
	struct avro_schema *schema = parse((const char *)json.at, json.len);
	struct buf data, got;

	for (int i = 0; i < 2; i++) {
		from_hex(recorded[i], &data);
		read_value(schema, &data, &got);
		assert_int_equal(got.len, reads.len);
		assert_memory_equal(got.data, reads.at, got.len);
		buf_release(&data);
		buf_release(&got);
	}
	connect_schema_to_json(avro_schema_connect(schema), out);
	buf_puts(out, "\n");
	avro_schema_free(schema);
}

static void what_debezium_registered_and_wrote_is_understood(void **state)
{
	struct buf file, data, out, text, value;
	char *fields[2];
	struct error err = {0};

	(void)state;
	golden_read("debezium.tsv", &file);
	buf_init(&out, BUF_MAX);
	buf_init(&text, BUF_MAX);
	for (char *rest = (char *)file.data; golden_line(&rest, fields, 2);) {
		struct avro_schema *schema = parse(fields[0], strlen(fields[0]));
		buf_clear(&text);
		assert_true(avro_schema_from_connect(avro_schema_connect(schema), &text, &err));
		assert_string_equal(buf_text(&text), fields[0]);
		from_hex(fields[1], &data);
		read_value(schema, &data, &value);
		buf_printf(&out, "%s\n", buf_text(&value));
		buf_release(&value);
		buf_release(&data);
		avro_schema_free(schema);
	}
	golden_compare("debezium.expected", &out);
	buf_release(&text);
	buf_release(&out);
	buf_release(&file);
}

static void a_schema_is_the_one_that_confluents_converter_registers(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, BUF_MAX);
	each_line("connect", 2, check_schema, &out);
	buf_release(&out);
}

static void a_value_is_written_as_confluents_converter_writes_it(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, BUF_MAX);
	each_line("connect", 2, check_bytes, &out);
	buf_release(&out);
}

static void a_schema_that_was_connects_is_connects_again(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, BUF_MAX);
	each_line("connect", 2, check_way_back, &out);
	buf_release(&out);
}

static void what_avros_library_wrote_is_read(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, BUF_MAX);
	each_line("avro", 2, check_read, &out);
	golden_compare("avro.expected", &out);
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_schema_is_the_one_that_confluents_converter_registers),
		cmocka_unit_test(a_value_is_written_as_confluents_converter_writes_it),
		cmocka_unit_test(a_schema_that_was_connects_is_connects_again),
		cmocka_unit_test(what_avros_library_wrote_is_read),
		cmocka_unit_test(what_debezium_registered_and_wrote_is_understood),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
