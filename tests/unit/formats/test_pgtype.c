/* Values of every type, as a real PostgreSQL sent them in binary and in text
 * (tests/golden/postgres). */
#include "pg_golden.h"

struct value {
	const char *column; /* name of the case */
	const struct pg_codec *codec;
	struct pg_cell binary, text;
};

struct walk {
	void (*visit)(struct walk *, const struct value *);
	struct buf dump;
	size_t visited;
};

static enum rule_kind rule_named(const char *name)
{
	static const char *const names[] = {[RULE_HASH] = "rule=hash",
		[RULE_HMAC] = "rule=hmac",
		[RULE_MASK] = "rule=mask",
		[RULE_NULL] = "rule=null",
		[RULE_CONSTANT] = "rule=constant"};

	for (size_t i = RULE_HASH; i < COUNT_OF(names); i++)
		if (!strcmp(names[i], name))
			return (enum rule_kind)i;
	return RULE_NONE;
}

static struct table_options options_named(const char *name)
{
	return (struct table_options){
		.numeric = !strcmp(name, "numeric=decimal") ? NUMERIC_DECIMAL
			   : !strcmp(name, "numeric=float") ? NUMERIC_FLOAT
							    : NUMERIC_STRING,
		.json = !strcmp(name, "json=native") ? JSON_NATIVE : JSON_TEXT,
		.out_of_range = !strcmp(name, "range=clamp") ? RANGE_CLAMP : RANGE_UNREPRESENTABLE,
		.null_is_empty = !strcmp(name, "empty"),
	};
}

static int hex_value(char ch)
{
	return ch <= '9' ? ch - '0' : ch - 'a' + 10;
}

static struct pg_cell binary_cell(char *hex)
{
	size_t n = strlen(hex) / 2;

	if (!strcmp(hex, "\\N"))
		return (struct pg_cell){.kind = PG_CELL_NULL};
	for (size_t i = 0; i < n; i++)
		hex[i] = (char)(hex_value(hex[2 * i]) << 4 | hex_value(hex[2 * i + 1]));
	return (struct pg_cell){(const uint8_t *)hex, (uint32_t)n, PG_CELL_BINARY};
}

/* Takes the escapes of COPY's text format out, in place. */
static struct pg_cell text_cell(char *text)
{
	static const char escaped[] = "bfnrtv", plain[] = "\b\f\n\r\t\v";
	char *to = text;

	if (!strcmp(text, "\\N"))
		return (struct pg_cell){.kind = PG_CELL_NULL};
	for (const char *from = text; *from; from++) {
		const char *known = *from == '\\' && from[1] ? strchr(escaped, *++from) : NULL;
		*to++ = known ? plain[known - escaped] : *from;
	}
	return (struct pg_cell){(const uint8_t *)text, (uint32_t)(to - text), PG_CELL_TEXT};
}

static void start_column(struct pg_codec *codec, struct arena *arena,
	const struct pg_catalog *catalog, char *const f[8])
{
	struct table_options options = options_named(f[6]);
	struct pg_column column = {
		.type = golden_u32(f[2]),
		.typmod = (int32_t)strtol(f[3], NULL, 10),
		.dims = (int16_t)strtol(f[4], NULL, 10),
		.not_null = *f[5] == '1',
		.rule = rule_named(f[6]),
	};
	struct error err = {0};

	pg_codec_release(codec);
	if (!pg_codec_init(codec, arena, catalog, &column, &options, &err))
		fail_msg("%s: %s", f[1], err.text);
}

static void walk(struct walk *w)
{
	struct pg_catalog catalog;
	struct pg_codec codec = {0};
	struct arena arena;
	struct buf file;
	char *f[8];
	struct value value = {.codec = &codec};

	golden_catalog(&catalog);
	golden_read("values.tsv", &file);
	arena_init(&arena);
	buf_init(&w->dump, BUF_MAX);
	for (char *rest = (char *)file.data; golden_line(&rest, f, 7);) {
		if (!strcmp(f[0], "column")) {
			start_column(&codec, &arena, &catalog, f);
			value.column = f[1];
			w->visited = 0;
			continue;
		}
		value.binary = binary_cell(f[1]);
		value.text = text_cell(f[2]);
		w->visit(w, &value);
		w->visited++;
	}
	pg_codec_release(&codec);
	pg_catalog_release(&catalog);
	arena_release(&arena);
	buf_release(&file);
}

static bool readable(const struct value *v)
{
	return v->codec->render && v->binary.kind == PG_CELL_BINARY;
}

/* --- The tests -------------------------------------------------------------------------------- */

static void compare_text(struct walk *w, const struct value *v)
{
	struct buf text;
	struct error err = {0};

	if (!readable(v))
		return;
	buf_init(&text, BUF_MAX);
	if (!pg_codec_text(v->codec, &v->binary, &text, &err))
		fail_msg("%s, value %zu: %s", v->column, w->visited, err.text);
	if (text.len != v->text.len || (text.len && memcmp(text.data, v->text.data, text.len) != 0))
		fail_msg("%s, value %zu: rendered %.200s, the server prints %.*s", v->column,
			w->visited, buf_text(&text), (int)(v->text.len < 200 ? v->text.len : 200),
			v->text.data);
	buf_release(&text);
}

static void the_text_of_a_binary_value_is_what_the_server_prints(void **state)
{
	struct walk w = {.visit = compare_text};

	(void)state;
	walk(&w);
	buf_release(&w.dump);
}

static void compare_forms(struct walk *w, const struct value *v)
{
	struct column binary, text;
	struct error binary_err = {0}, text_err = {0};

	if (v->binary.kind == PG_CELL_BINARY && !v->codec->render)
		return;
	column_init(&binary, &v->codec->type);
	column_init(&text, &v->codec->type);
	bool ok = pg_codec_decode(v->codec, &v->binary, &binary, &binary_err);
	assert_int_equal(pg_codec_decode(v->codec, &v->text, &text, &text_err), ok);
	if (!ok) {
		assert_string_equal(binary_err.text, text_err.text);
		assert_int_equal(binary.rows, 0);
		assert_int_equal(text.rows, 0);
	} else if (!column_equal(&binary, 0, &text, 0)) {
		fail_msg("%s, value %zu: binary and text differ", v->column, w->visited);
	}
	column_release(&binary);
	column_release(&text);
}

static void binary_and_text_give_the_same_value(void **state)
{
	struct walk w = {.visit = compare_forms};

	(void)state;
	walk(&w);
	buf_release(&w.dump);
}

/* A failing value must not disturb those around it, in deep columns neither. */
static void a_failed_value_leaves_the_column_as_it_was_in_one(
	const struct value *v, const struct pg_cell *cell, struct column *column)
{
	struct buf before, after;
	struct error err = {0};

	buf_init(&before, BUF_MAX);
	buf_init(&after, BUF_MAX);
	if (column->rows)
		column_print(column, column->rows - 1, &before);
	size_t rows = column->rows, bytes = column_bytes(column);
	if (!pg_codec_decode(v->codec, cell, column, &err)) {
		assert_int_equal(column->rows, rows);
		assert_int_equal(column_bytes(column), bytes);
		if (rows)
			column_print(column, rows - 1, &after);
		assert_string_equal(buf_text(&before), buf_text(&after));
	}
	buf_release(&before);
	buf_release(&after);
}

static void cut_everywhere(struct walk *w, const struct value *v)
{
	struct column column;

	(void)w;
	column_init(&column, &v->codec->type);
	for (int form = 0; form < 2; form++) {
		struct pg_cell cell = form ? v->text : v->binary;
		uint32_t len = cell.len;
		for (uint32_t cut = len > 300 ? len - 300 : 0; cut <= len; cut++) {
			/* A copy of its own size, so that AddressSanitizer sees a read behind
			 * its end. */
			uint8_t *copy = xmalloc(cut + !cut);
			memcpy(copy, cell.data ? cell.data : copy, cut);
			a_failed_value_leaves_the_column_as_it_was_in_one(
				v, &(struct pg_cell){copy, cut, cell.kind}, &column);
			free(copy);
		}
	}
	column_release(&column);
}

static void a_value_cut_anywhere_fails_or_decodes_and_leaves_the_column_whole(void **state)
{
	struct walk w = {.visit = cut_everywhere};

	(void)state;
	walk(&w);
	buf_release(&w.dump);
}

static void print_cell(const struct value *v, const struct pg_cell *cell, struct buf *out)
{
	struct buf json;
	struct error err = {0};

	buf_init(&json, BUF_MAX);
	if (!pg_codec_json(v->codec, cell, &json, &err))
		buf_printf(out, "! %s", err.text);
	else if (json.len > 400)
		buf_printf(out, "%.100s... %zu bytes", buf_text(&json), json.len);
	else
		buf_append(out, json.data, json.len);
	buf_release(&json);
}

static void dump_value(struct walk *w, const struct value *v)
{
	const struct pg_cell *cell = readable(v) ? &v->binary : &v->text;

	if (!w->visited) {
		buf_printf(&w->dump, "\n%s: ", v->column);
		type_print(&v->codec->type, &w->dump);
		buf_printf(&w->dump, "%s%s%s\n", v->codec->approximate ? ", approximate" : "",
			v->codec->cast_in_copy ? ", cast in COPY" : "",
			v->codec->text_stream ? ", streamed in text" : "");
	}
	buf_puts(&w->dump, "\t");
	print_cell(v, cell, &w->dump);
	buf_puts(&w->dump, "\n");
}

static void values_come_out_as_expected(void **state)
{
	struct walk w = {.visit = dump_value};

	(void)state;
	walk(&w);
	golden_compare("values.expected", &w.dump);
	buf_release(&w.dump);
}

static void the_built_in_types_are_those_of_the_server(void **state)
{
	struct pg_catalog catalog;
	struct arena arena;
	struct buf file;
	char *fields[TYPE_FIELDS];
	size_t compared = 0;

	(void)state;
	pg_catalog_init(&catalog);
	arena_init(&arena);
	golden_read("catalog.tsv", &file);
	for (char *rest = (char *)file.data; golden_line(&rest, fields, TYPE_FIELDS);) {
		struct pg_type type = golden_type(fields, &arena);
		const struct pg_type *ours = pg_catalog_find(&catalog, type.oid);
		if (!ours)
			continue;
		compared++;
		assert_string_equal(ours->name, type.name);
		assert_int_equal(ours->typtype, type.typtype);
		assert_int_equal(ours->category, type.category);
		assert_int_equal(ours->delimiter, type.delimiter);
		assert_int_equal(ours->no_send, type.no_send);
		assert_int_equal(ours->element, type.element);
		assert_int_equal(ours->subtype, type.subtype);
	}
	assert_int_equal(compared, catalog.types.len);
	pg_catalog_release(&catalog);
	arena_release(&arena);
	buf_release(&file);
}

static void decodes(uint32_t type, const struct pg_cell *cell, const char *json)
{
	struct pg_catalog catalog;
	struct arena arena;
	struct pg_codec codec;
	struct table_options options = {0};
	struct error err = {0};
	struct buf got;

	pg_catalog_init(&catalog);
	arena_init(&arena);
	buf_init(&got, BUF_MAX);
	assert_true(pg_codec_init(
		&codec, &arena, &catalog, &(struct pg_column){.type = type}, &options, &err));
	if (!pg_codec_json(&codec, cell, &got, &err))
		fail_msg("%s", err.text);
	assert_string_equal(buf_text(&got), json);
	pg_codec_release(&codec);
	arena_release(&arena);
	pg_catalog_release(&catalog);
	buf_release(&got);
}

#define BYTES(kind, s)                                              \
	&(struct pg_cell)                                           \
	{                                                           \
		(const uint8_t *)(s), sizeof(s) - 1, PG_CELL_##kind \
	}

/* Since 17; the recording is of 15, which has no such value. */
static void an_infinite_interval_has_its_name(void **state)
{
	(void)state;
	decodes(1186,
		BYTES(BINARY, "\x7f\xff\xff\xff\xff\xff\xff\xff\x7f\xff\xff\xff\x7f\xff\xff\xff"),
		"\"infinity\"");
	decodes(1186, BYTES(BINARY, "\x80\0\0\0\0\0\0\0\x80\0\0\0\x80\0\0\0"), "\"-infinity\"");
	decodes(1186, BYTES(TEXT, "-infinity"), "\"-infinity\"");
}

/* PostgreSQL prints the byte until 15, and from 16 on what is carried here. */
static void a_char_that_is_no_ascii_is_carried_in_octal(void **state)
{
	(void)state;
	decodes(18, BYTES(BINARY, "\xc3"), "\"\\\\303\"");
	decodes(18, BYTES(TEXT, "\xc3"), "\"\\\\303\"");
	decodes(18, BYTES(TEXT, "\\303"), "\"\\\\303\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_built_in_types_are_those_of_the_server),
		cmocka_unit_test(the_text_of_a_binary_value_is_what_the_server_prints),
		cmocka_unit_test(binary_and_text_give_the_same_value),
		cmocka_unit_test(a_value_cut_anywhere_fails_or_decodes_and_leaves_the_column_whole),
		cmocka_unit_test(values_come_out_as_expected),
		cmocka_unit_test(an_infinite_interval_has_its_name),
		cmocka_unit_test(a_char_that_is_no_ascii_is_carried_in_octal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
