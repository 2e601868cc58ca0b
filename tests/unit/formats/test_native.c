/* The Native codec: what the encoder writes is what ClickHouse reads (bytes taken from a server),
 * what it writes the decoder reads back, in any order of rows and cut anywhere, and hostile bytes
 * are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "formats/native/native.h"

#define MAX_BYTES ((size_t)1 << 20)

static const struct type int32_nullable = {.kind = TYPE_INT32, .nullable = true};
static const struct type numbers = {.kind = TYPE_ARRAY, .element = &int32_nullable};
static const struct type types[] = {
	{.kind = TYPE_BOOL},
	{.kind = TYPE_INT16},
	{.kind = TYPE_INT64},
	{.kind = TYPE_FLOAT64, .nullable = true},
	{.kind = TYPE_DECIMAL, .precision = 10, .scale = 2},
	{.kind = TYPE_DECIMAL, .precision = 60, .scale = 5, .nullable = true},
	{.kind = TYPE_STRING},
	{.kind = TYPE_SYMBOL, .nullable = true},
	{.kind = TYPE_UUID},
	{.kind = TYPE_DATE},
	{.kind = TYPE_TIMESTAMPTZ, .nullable = true},
	{.kind = TYPE_POINT},
	{.kind = TYPE_ARRAY, .element = &int32_nullable},
	{.kind = TYPE_ARRAY, .element = &numbers},
	{.kind = TYPE_MAP},
};
#define N_TYPES (sizeof types / sizeof types[0])

static uint64_t seed;
static uint64_t draw(uint64_t below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (seed >> 33) % below;
}

static void add_random(struct column *c)
{
	if (c->type.nullable && !draw(4)) {
		column_add_null(c);
	} else if (c->type.kind == TYPE_ARRAY || c->type.kind == TYPE_MAP) {
		for (uint64_t n = draw(4); n > 0; n--)
			for (size_t i = 0; i < column_child_count(c->type.kind); i++)
				add_random(&c->children[i]);
		column_end_row(c);
	} else if (c->type.kind == TYPE_POINT) {
		add_random(&c->children[0]);
		add_random(&c->children[1]);
		column_end_row(c);
	} else if (type_is_string(&c->type)) {
		size_t len = draw(20) ? draw(40) : 9000 + draw(70000);
		memset(column_add_string(c, len), 'a' + (int)draw(26), len);
	} else {
		size_t width = type_width(&c->type);
		uint8_t *p = column_add_fixed(c, width);
		for (size_t i = 0; i < width; i++)
			p[i] = c->type.kind == TYPE_BOOL ? draw(2) : (uint8_t)draw(100);
	}
}

static void fill_columns(struct column *columns, size_t rows)
{
	for (size_t i = 0; i < N_TYPES; i++) {
		column_init(&columns[i], &types[i]);
		for (size_t row = 0; row < rows; row++)
			add_random(&columns[i]);
	}
}

static void release_columns(struct column *columns)
{
	for (size_t i = 0; i < N_TYPES; i++)
		column_release(&columns[i]);
}

static void encode(
	const struct column *columns, size_t n, size_t rows, const uint32_t *order, struct buf *out)
{
	struct native_encoder e;
	const uint8_t *data;
	size_t len;

	native_encoder_init(&e, n, rows, order);
	for (size_t i = 0; i < n; i++)
		native_encoder_column(&e, "c", &columns[i]);
	for (int round = 0; round < 2; round++) { /* the second after a rewind must be the same */
		size_t before = out->len;
		while (native_encoder_next(&e, &data, &len))
			buf_append(out, data, len);
		native_encoder_rewind(&e);
		if (round) {
			assert_int_equal(out->len - before, before);
			assert_memory_equal(out->data, out->data + before, before);
			out->len = before;
		}
	}
	native_encoder_release(&e);
}

static void targets_of(struct column *columns, struct native_target *targets)
{
	for (size_t i = 0; i < N_TYPES; i++)
		targets[i] = (struct native_target){.name = "c", .column = &columns[i]};
}

/* Decodes `bytes` in steps of `step` and compares with the rows of `columns` in `order`. */
static void expect_decoded(const struct column *columns, size_t rows, const uint32_t *order,
	const struct buf *bytes, size_t step, size_t blocks)
{
	struct column back[N_TYPES];
	struct native_target targets[N_TYPES];
	struct native_decoder d;
	struct error err = {0};

	for (size_t i = 0; i < N_TYPES; i++)
		column_init(&back[i], &types[i]);
	targets_of(back, targets);
	native_decoder_init(&d, targets, N_TYPES, (size_t)64 << 20);
	for (size_t block = 0; block < blocks; block++)
		for (size_t at = 0; at < bytes->len; at += step) {
			size_t n = bytes->len - at < step ? bytes->len - at : step;
			assert_true(native_decoder_push(&d, bytes->data + at, n, &err));
		}
	assert_true(native_decoder_end(&d, &err));
	assert_int_equal(d.rows, rows * blocks);
	for (size_t i = 0; i < N_TYPES; i++) {
		assert_int_equal(back[i].rows, rows * blocks);
		for (size_t row = 0; row < rows * blocks; row++)
			assert_true(column_equal(&back[i], row, &columns[i],
				order ? order[row % rows] : row % rows));
	}
	native_decoder_release(&d);
	release_columns(back);
}

static void what_is_encoded_is_decoded_in_any_order_and_cut_anywhere(void **state)
{
	static const size_t sizes[] = {0, 1, 2, 300};
	(void)state;

	for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
		struct column columns[N_TYPES];
		size_t rows = sizes[s];
		uint32_t order[300];
		struct buf bytes;

		seed = 42 + rows;
		fill_columns(columns, rows);
		for (size_t i = 0; i < rows; i++)
			order[i] = (uint32_t)(rows - 1 - i);
		buf_init(&bytes, BUF_MAX);
		encode(columns, N_TYPES, rows, NULL, &bytes);
		expect_decoded(columns, rows, NULL, &bytes, 1 + bytes.len / 3, 3);
		expect_decoded(columns, rows, NULL, &bytes, rows > 2 ? 997 : 1, 1);
		buf_clear(&bytes);
		encode(columns, N_TYPES, rows, order, &bytes);
		expect_decoded(columns, rows, order, &bytes, bytes.len, 2);
		buf_release(&bytes);
		release_columns(columns);
	}
}

/* SELECT toUUID('00112233-4455-6677-8899-aabbccddeeff') c, ['a', NULL] d, toDecimal32('-1.50', 2)
 * e FORMAT Native */
static const uint8_t from_server[] =
	"\x03\x01"
	"\x01"
	"c"
	"\x04"
	"UUID"
	"\x77\x66\x55\x44\x33\x22\x11\x00\xff\xee\xdd\xcc\xbb\xaa\x99\x88"
	"\x01"
	"d"
	"\x17"
	"Array(Nullable(String))"
	"\x02\0\0\0\0\0\0\0"
	"\x00\x01"
	"\x01"
	"a"
	"\x00"
	"\x01"
	"e"
	"\x0d"
	"Decimal(9, 2)"
	"\x6a\xff\xff\xff";

static void bytes_are_those_of_the_server(void **state)
{
	static const uint8_t uuid[16] = {0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99,
		0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
	static const struct type text = {.kind = TYPE_STRING, .nullable = true};
	static const struct type of[3] = {{.kind = TYPE_UUID},
		{.kind = TYPE_ARRAY, .element = &text},
		{.kind = TYPE_DECIMAL, .precision = 9, .scale = 2}};
	static const char *const names[3] = {"c", "d", "e"};
	struct column columns[3];
	struct native_encoder e;
	struct buf bytes;
	const uint8_t *data;
	size_t len;
	int32_t amount = -150;
	(void)state;

	for (size_t i = 0; i < 3; i++)
		column_init(&columns[i], &of[i]);
	memcpy(column_add_fixed(&columns[0], 16), uuid, 16);
	memcpy(column_add_string(&columns[1].children[0], 1), "a", 1);
	column_add_null(&columns[1].children[0]);
	column_end_row(&columns[1]);
	memcpy(column_add_fixed(&columns[2], 4), &amount, 4);
	buf_init(&bytes, MAX_BYTES);
	native_encoder_init(&e, 3, 1, NULL);
	for (size_t i = 0; i < 3; i++)
		native_encoder_column(&e, names[i], &columns[i]);
	while (native_encoder_next(&e, &data, &len))
		buf_append(&bytes, data, len);
	native_encoder_release(&e);
	assert_int_equal(bytes.len, sizeof from_server - 1);
	assert_memory_equal(bytes.data, from_server, bytes.len);
	buf_release(&bytes);
	for (size_t i = 0; i < 3; i++)
		column_release(&columns[i]);
}

static void fields_of_structs_follow_the_order_and_the_map(void **state)
{
	static const struct {
		uint32_t xid;
		uint8_t op;
	} metas[3] = {{7, 'c'}, {8, 'd'}, {9, 'u'}};
	static const uint8_t deleted[256] = {['d'] = 1};
	static const uint32_t order[3] = {2, 0, 1};
	static const uint8_t expected[] = "\x02\x03"
					  "\x01"
					  "x"
					  "\x06"
					  "UInt32"
					  "\x09\0\0\0\x07\0\0\0\x08\0\0\0"
					  "\x01"
					  "d"
					  "\x05"
					  "UInt8"
					  "\0\0\x01";
	struct native_encoder e;
	struct buf bytes;
	const uint8_t *data;
	size_t len;
	(void)state;

	buf_init(&bytes, MAX_BYTES);
	native_encoder_init(&e, 2, 3, order);
	native_encoder_field(&e, &(struct native_field){.name = "x",
					 .type = "UInt32",
					 .first = &metas[0].xid,
					 .stride = sizeof metas[0],
					 .width = 4});
	native_encoder_field(&e, &(struct native_field){.name = "d",
					 .type = "UInt8",
					 .first = &metas[0].op,
					 .stride = sizeof metas[0],
					 .width = 1,
					 .map = deleted});
	while (native_encoder_next(&e, &data, &len))
		buf_append(&bytes, data, len);
	native_encoder_release(&e);
	assert_int_equal(bytes.len, sizeof expected - 1);
	assert_memory_equal(bytes.data, expected, bytes.len);
	buf_release(&bytes);
}

static bool decodes(const void *bytes, size_t len, const struct type *type, struct error *err)
{
	struct column column;
	struct native_target target = {.name = "c", .column = &column};
	struct native_decoder d;

	column_init(&column, type);
	native_decoder_init(&d, &target, 1, MAX_BYTES);
	bool ok = native_decoder_push(&d, bytes, len, err) && native_decoder_end(&d, err);
	native_decoder_release(&d);
	column_release(&column);
	return ok;
}

#define DECODES(bytes, type) decodes(bytes, sizeof(bytes) - 1, &(type), &err)

static void a_block_that_is_not_what_was_asked_for_is_refused(void **state)
{
	static const struct type text = {.kind = TYPE_STRING}, int32 = {.kind = TYPE_INT32};
	struct error err = {0};
	(void)state;

	assert_true(DECODES("", text));
	assert_true(DECODES("\x01\x01\x01"
			    "c\x06"
			    "String\x02"
			    "hi",
		text));
	assert_true(DECODES("\x01\x00\x01"
			    "c\x06"
			    "String",
		text));
	assert_false(DECODES("\x01\x01\x01"
			     "d\x06"
			     "String\x02"
			     "hi",
		text));
	assert_non_null(strstr(err.text, "another name"));
	assert_false(DECODES("\x01\x01\x01"
			     "c\x06"
			     "String\x02"
			     "hi",
		int32));
	assert_non_null(strstr(err.text, "another type"));
	assert_false(DECODES("\x02\x01\x01"
			     "c\x06"
			     "String\x02"
			     "hi",
		text));
	assert_int_equal(err.kind, ERROR_DATA);
}

static void a_time_zone_is_no_part_of_a_type(void **state)
{
	static const struct type time = {.kind = TYPE_TIMESTAMP};
	struct error err = {0};
	(void)state;

	assert_true(DECODES("\x01\x00\x01"
			    "c\x0d"
			    "DateTime64(6)",
		time));
	assert_true(DECODES("\x01\x00\x01"
			    "c\x1e"
			    "DateTime64(6, 'Europe/Berlin')",
		time));
	assert_false(DECODES("\x01\x00\x01"
			     "c\x1c"
			     "DateTime64(6, 'Europe/Berli)",
		time));
	assert_false(DECODES("\x01\x00\x01"
			     "c\x0d"
			     "DateTime64(3)",
		time));
}

static void a_block_that_lies_about_its_lengths_is_refused(void **state)
{
	static const struct type text = {.kind = TYPE_STRING}, int32 = {.kind = TYPE_INT32};
	struct error err = {0};
	(void)state;

	assert_false(DECODES("\x01\x01\x01"
			     "c\x06"
			     "String\x03"
			     "hi",
		text));
	assert_non_null(strstr(err.text, "in the middle"));
	assert_false(DECODES("\x01\x01\x01"
			     "c\x06"
			     "String\xff\xff\xff\xff\x0f"
			     "hi",
		text));
	assert_false(DECODES("\x01\x01\x01"
			     "c\x06"
			     "String\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
		text));
	assert_false(DECODES("\x01\xff\xff\xff\xff\xff\xff\x01\x01"
			     "c\x05"
			     "Int32",
		int32));
	assert_false(DECODES("\x01\xff\xff\xff\xff\x0f\x01"
			     "c\x05"
			     "Int32",
		int32));
	assert_false(DECODES("\x01\x01\x01"
			     "c\x16"
			     "Array(Nullable(Int32))\xff\xff\xff\xff\xff\xff\xff\xff",
		numbers));
	assert_false(DECODES("\x01\x02\x01"
			     "c\x16"
			     "Array(Nullable(Int32))\x02\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0",
		numbers));
	assert_int_equal(err.kind, ERROR_DATA);
}

/* Any byte of a good block, changed in any way, gives an error or other values, never a crash:
 * run under AddressSanitizer this is what it says. */
static void no_change_of_bytes_does_harm(void **state)
{
	struct column columns[N_TYPES];
	struct buf bytes;
	(void)state;

	seed = 7;
	fill_columns(columns, 6);
	buf_init(&bytes, BUF_MAX);
	encode(columns, N_TYPES, 6, NULL, &bytes);
	for (int round = 0; round < 3000; round++) {
		struct column back[N_TYPES];
		struct native_target targets[N_TYPES];
		struct native_decoder d;
		struct error err = {0};
		size_t at = draw(bytes.len), len = draw(2) ? bytes.len : draw(bytes.len);
		uint8_t was = bytes.data[at];

		bytes.data[at] = (uint8_t)draw(256);
		for (size_t i = 0; i < N_TYPES; i++)
			column_init(&back[i], &types[i]);
		targets_of(back, targets);
		native_decoder_init(&d, targets, N_TYPES, MAX_BYTES);
		if (native_decoder_push(&d, bytes.data, len, &err) && native_decoder_end(&d, &err))
			for (size_t i = 0; i < N_TYPES; i++)
				assert_int_equal(back[i].rows, d.rows);
		native_decoder_release(&d);
		release_columns(back);
		bytes.data[at] = was;
	}
	buf_release(&bytes);
	release_columns(columns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_encoded_is_decoded_in_any_order_and_cut_anywhere),
		cmocka_unit_test(bytes_are_those_of_the_server),
		cmocka_unit_test(fields_of_structs_follow_the_order_and_the_map),
		cmocka_unit_test(a_block_that_is_not_what_was_asked_for_is_refused),
		cmocka_unit_test(a_time_zone_is_no_part_of_a_type),
		cmocka_unit_test(a_block_that_lies_about_its_lengths_is_refused),
		cmocka_unit_test(no_change_of_bytes_does_harm),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
