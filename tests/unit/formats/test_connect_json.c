/* JSON is written byte for byte as JsonConverter writes it: tests/golden/connect. */
#define GOLDEN "tests/golden/connect/"
#include "golden.h"

#include <math.h>
#include "base/text.h"
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

static void begin(struct connect_json_writer *w)
{
	buf_clear(&out);
	connect_json_writer_init(w, &out);
}

static size_t unhex(const char *hex, uint8_t *to)
{
	size_t n = strlen(hex) / 2;

	for (size_t i = 0; i < n; i++) {
		unsigned byte;
		assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
		to[i] = (uint8_t)byte;
	}
	return n;
}

static double double_of(uint64_t bits)
{
	double v;

	memcpy(&v, &bits, sizeof v);
	return v;
}

static float float_of(uint32_t bits)
{
	float v;

	memcpy(&v, &bits, sizeof v);
	return v;
}

static void write_golden(struct connect_writer *w, const char *method, const char *hex)
{
	uint8_t data[256];
	size_t len = unhex(hex, data);
	uint64_t bits = strtoull(hex, NULL, 16);

	if (!strcmp(method, "float64"))
		w->ops->float64(w, double_of(bits));
	else if (!strcmp(method, "float32"))
		w->ops->float32(w, float_of((uint32_t)bits));
	else if (!strcmp(method, "integer"))
		w->ops->integer(w, (int64_t)bits);
	else if (!strcmp(method, "string"))
		w->ops->string(w, data, len);
	else if (!strcmp(method, "bytes"))
		w->ops->bytes(w, data, len);
	else
		fail_msg("no method is called %s", method);
}

static void values_are_written_as_json_converter_writes_them(void **state)
{
	struct buf file;
	char *f[3];
	size_t n = 0;

	(void)state;
	golden_read("values.tsv", &file);
	for (char *rest = (char *)file.data; golden_line(&rest, f, 3); n++) {
		struct connect_json_writer w;
		begin(&w);
		write_golden(&w.base, f[0], f[1]);
		if (strcmp(buf_text(&out), f[2]) != 0)
			fail_msg("%s %s: %s, not %s", f[0], f[1], buf_text(&out), f[2]);
	}
	assert_int_equal(n, 93);
	buf_release(&file);
}

static void put(struct connect_writer *w, const char *name)
{
	w->ops->field(w, name, strlen(name));
}

static void put_optional(struct connect_writer *w, const char *name, bool present)
{
	static const struct connect_schema schema = {.optional = true};

	put(w, name);
	w->ops->optional(w, &schema, present);
}

static void put_string(struct connect_writer *w, const char *name, const char *text)
{
	put_optional(w, name, text);
	if (text)
		w->ops->string(w, text, strlen(text));
}

static void put_lists(struct connect_writer *w)
{
	static const struct connect_schema optional = {.kind = CONNECT_STRING, .optional = true};
	const struct connect_writer_ops *ops = w->ops;

	put_optional(w, "tags", true);
	ops->array_begin(w, 3);
	ops->optional(w, &optional, true);
	ops->string(w, "a", 1);
	ops->optional(w, &optional, false);
	ops->optional(w, &optional, true);
	ops->string(w, "", 0);
	ops->array_end(w);
	put(w, "grid");
	ops->array_begin(w, 2);
	ops->array_begin(w, 2);
	ops->integer(w, 1);
	ops->integer(w, 2);
	ops->array_end(w);
	ops->array_begin(w, 0);
	ops->array_end(w);
	ops->array_end(w);
	put_optional(w, "labels", true);
	ops->map_begin(w, 2);
	put_string(w, "a", "1");
	put_string(w, "q\"\xc3\xa9", NULL);
	ops->map_end(w);
}

/* The value of Record.java. */
static void put_row(struct connect_writer *w)
{
	const struct connect_writer_ops *ops = w->ops;

	ops->struct_begin(w);
	put(w, "id");
	ops->integer(w, 42);
	put(w, "small");
	ops->integer(w, -3);
	put_optional(w, "tiny", false);
	put(w, "on");
	ops->boolean(w, false);
	put_optional(w, "ratio", true);
	ops->float64(w, 2.5);
	put_optional(w, "narrow", true);
	ops->float32(w, 0.1f);
	put_string(w, "note", "x");
	put_optional(w, "raw", true);
	ops->bytes(w, "\xff\0\1\2", 4);
	put_optional(w, "total", true);
	ops->bytes(w, "\x97", 1);
	put_optional(w, "day", false);
	put_optional(w, "at", false);
	put_optional(w, "at_us", true);
	ops->integer(w, 1737975000123456);
	put_string(w, "mood", "ok");
	put_lists(w);
	put_string(w, "\xe6\x97\xa5\xe6\x9c\xac", "\xe6\x9c\xac");
	ops->struct_end(w);
}

static void a_row_is_written_as_json_converter_writes_it(void **state)
{
	struct buf file;
	struct connect_json_writer w;
	char *line = NULL;

	(void)state;
	golden_read("row.json", &file);
	char *rest = (char *)file.data;
	assert_true(golden_line(&rest, &line, 1));
	begin(&w);
	put_row(&w.base);
	char *payload = strstr(line, ",\"payload\":");
	assert_non_null(payload);
	buf_puts(&out, "}");
	assert_string_equal(buf_text(&out), payload + strlen(",\"payload\":"));
	buf_release(&file);
}

static void what_is_not_utf8_is_written_as_the_replacement_character(void **state)
{
	static const char bad[] = "a\xff\xc3(\xed\xa0\x80\xf4\x90\x80\x80z\xe6\x97";
	struct connect_json_writer w;

	(void)state;
	begin(&w);
	w.base.ops->string(&w.base, bad, sizeof bad - 1);
	assert_true(utf8_valid((const char *)out.data, out.len));
	assert_int_equal(out.data[1], 'a');
	assert_int_equal(out.data[out.len - 2 - 6], 'z');
	assert_memory_equal(out.data + 2, "\xef\xbf\xbd\xef\xbf\xbd(\xef\xbf\xbd", 10);
}

static void bytes_longer_than_a_stride_are_padded_at_the_end_alone(void **state)
{
	const size_t len = ((size_t)3 << 20) + 4;
	struct connect_json_writer w;

	(void)state;
	begin(&w);
	uint8_t *data = xcalloc(1, len);
	w.base.ops->bytes(&w.base, data, len);
	assert_int_equal(out.len, (len + 2) / 3 * 4 + 2);
	assert_ptr_equal(memchr(out.data, '=', out.len), out.data + out.len - 3);
	free(data);
}

static void what_is_written_reads_back(void **state)
{
	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct connect_json_writer w;
		struct error err = {0};
		uint64_t bits = draw_bits();
		double v = i & 1 ? (double)draw(100000000) / 1000 : double_of(bits);
		float narrow = i & 1 ? (float)v : float_of((uint32_t)bits);
		if (!isfinite(v) || !isfinite(narrow))
			continue;
		begin(&w);
		w.base.ops->array_begin(&w.base, 3);
		w.base.ops->float64(&w.base, v);
		w.base.ops->float32(&w.base, narrow);
		w.base.ops->integer(&w.base, (int64_t)bits);
		w.base.ops->array_end(&w.base);
		connect_json_read(&reader, out.data, out.len);
		assert_int_equal(connect_next(&reader.base, &err), TOKEN_ARRAY);
		assert_int_equal(connect_next(&reader.base, &err), TOKEN_REAL);
		assert_memory_equal(&v, &reader.base.real, sizeof v);
		assert_int_equal(connect_next(&reader.base, &err), TOKEN_REAL);
		float read = strtof((const char *)reader.base.data, NULL);
		assert_memory_equal(&narrow, &read, sizeof read);
		assert_int_equal(connect_next(&reader.base, &err), TOKEN_INTEGER);
		assert_int_equal(reader.base.integer, (int64_t)bits);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_written_as_json_converter_writes_them),
		cmocka_unit_test(a_row_is_written_as_json_converter_writes_it),
		cmocka_unit_test(what_is_not_utf8_is_written_as_the_replacement_character),
		cmocka_unit_test(bytes_longer_than_a_stride_are_padded_at_the_end_alone),
		cmocka_unit_test(what_is_written_reads_back),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
