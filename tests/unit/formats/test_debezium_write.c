/* Events of rows: what stands beside the row, what has no form, and what was not sent. */
#include "../core/tables.h"
#include "core/batch.h"
#include "formats/connect/json.h"
#include "formats/debezium/debezium.h"
#include "formats/debezium/digits.h"
#include "formats/debezium/source_type.h"

static const struct debezium_origin origin = {"postgresql", "shop", "db"};
static struct debezium_modes modes = {.unavailable = "__debezium_unavailable_value"};

struct world {
	struct table *table;
	struct batch batch;
	struct buf text;
	struct error err;
};

static int set_up(void **state)
{
	struct world *w = xcalloc(1, sizeof *w);

	modes.envelope = ENVELOPE_DEBEZIUM;
	w->table = make_table(
		"sales", "orders", 1, 3, "id", "int64", "name", "nullable(string)", "n", "int16");
	batch_init(&w->batch, w->table);
	buf_init(&w->text, BUF_MAX);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	batch_release(&w->batch);
	table_unref(w->table);
	buf_release(&w->text);
	free(w);
	return 0;
}

static void add_row(struct world *w, char op)
{
	const struct row_meta meta = {.op = op,
		.version = version_make(5, 300, 256),
		.commit_lsn = 300,
		.commit_time_us = 1700000000123456,
		.xid = 4000000000};

	add_fixed(&w->batch.columns[0], (int64_t)1);
	add_text(&w->batch.columns[1], "a");
	add_fixed(&w->batch.columns[2], (int16_t)7);
	batch_commit_row(&w->batch, &meta);
}

static const char *written(struct world *w, const struct debezium_event *event)
{
	struct debezium_table *t = debezium_table_new(w->table, &origin, &modes);
	struct connect_json_writer writer;

	buf_clear(&w->text);
	connect_json_writer_init(&writer, &w->text);
	bool fine = debezium_write_value(
		t, &w->batch, w->batch.rows - 1, event, &writer.base, &w->err);
	debezium_table_free(t);
	return fine ? buf_text(&w->text) : NULL;
}

#define SOURCE(snapshot, sequence, lsn)                                                     \
	"\"source\":{\"version\":\"3.7.0.Final\",\"connector\":\"postgresql\",\"name\":"    \
	"\"shop\",\"ts_ms\":1700000000123,\"snapshot\":\"" snapshot                         \
	"\",\"db\":\"db\",\"sequence\":\"" sequence                                         \
	"\",\"ts_us\":1700000000123456,\"ts_ns\":1700000000123456000,\"schema\":\"sales\"," \
	"\"table\":\"orders\",\"txId\":4000000000,\"lsn\":" lsn                             \
	",\"xmin\":null,\"origin\":null,\"origin_lsn\":null},\"transaction\":null,"
#define TIMES ",\"ts_ms\":5,\"ts_us\":5001,\"ts_ns\":5001000}"

static void an_event_has_the_row_its_place_and_its_times(void **state)
{
	struct world *w = *state;

	add_row(w, OP_INSERT);
	assert_string_equal(written(w, &(struct debezium_event){.op = 'c', .ts_us = 5001}),
		"{\"before\":null,\"after\":{\"id\":1,\"name\":\"a\",\"n\":7}," SOURCE(
			"false", "[\\\"300\\\",\\\"256\\\"]", "256") "\"op\":\"c\"" TIMES);
}

static void a_copied_row_has_the_place_of_its_reading(void **state)
{
	struct world *w = *state;

	add_row(w, OP_COPY);
	assert_string_equal(
		written(w, &(struct debezium_event){.op = 'r', .ts_us = 5001, .snapshot = 't'}),
		"{\"before\":null,\"after\":{\"id\":1,\"name\":\"a\",\"n\":7}," SOURCE(
			"true", "[null,\\\"300\\\"]", "300") "\"op\":\"r\"" TIMES);
	assert_non_null(strstr(written(w, &(struct debezium_event){.op = 'r', .snapshot = 'l'}),
		"\"snapshot\":\"last\""));
}

static void the_old_key_of_a_row_that_moved_is_deleted(void **state)
{
	struct world *w = *state;

	add_row(w, OP_KEY_CHANGED);
	assert_string_equal(written(w, &(struct debezium_event){.op = 'k', .ts_us = 5001}),
		"{\"before\":{\"id\":1,\"name\":null,\"n\":0},\"after\":null," SOURCE(
			"false", "[\\\"300\\\",\\\"256\\\"]", "256") "\"op\":\"d\"" TIMES);
}

static void a_delete_of_a_table_without_a_key_has_the_whole_row(void **state)
{
	struct world *w = *state;
	struct debezium_table *t;

	w->table->n_key = 0;
	w->table->columns[0].key = false;
	add_row(w, OP_DELETE);
	assert_non_null(strstr(written(w, &(struct debezium_event){.op = 'd'}),
		"{\"before\":{\"id\":1,\"name\":\"a\",\"n\":7},\"after\":null,"));
	t = debezium_table_new(w->table, &origin, &modes);
	assert_null(debezium_key_schema(t));
	debezium_table_free(t);
}

static void a_flat_event_is_the_row_and_four_words(void **state)
{
	struct world *w = *state;

	modes.envelope = ENVELOPE_FLAT;
	add_row(w, OP_UPDATE);
	assert_string_equal(written(w, &(struct debezium_event){.op = 'u'}),
		"{\"id\":1,\"name\":\"a\",\"n\":7,\"__deleted\":\"false\",\"__op\":\"u\","
		"\"__source_ts_ms\":1700000000123,\"__source_lsn\":256}");
	assert_string_equal(written(w, &(struct debezium_event){.op = 'd'}),
		"{\"id\":1,\"name\":null,\"n\":0,\"__deleted\":\"true\",\"__op\":\"d\","
		"\"__source_ts_ms\":1700000000123,\"__source_lsn\":256}");
}

static void the_key_is_in_the_order_of_the_identity(void **state)
{
	struct world *w = *state;
	struct connect_json_writer writer;

	w->table->n_key = 2;
	w->table->key[0] = 2;
	w->table->key[1] = 0;
	add_row(w, OP_UPDATE);
	struct debezium_table *t = debezium_table_new(w->table, &origin, &modes);
	connect_json_writer_init(&writer, &w->text);
	assert_true(debezium_write_key(t, &w->batch, 0, &writer.base, &w->err));
	assert_string_equal(buf_text(&w->text), "{\"n\":7,\"id\":1}");
	assert_string_equal(debezium_key_schema(t)->name, "shop.sales.orders.Key");
	assert_string_equal(debezium_value_schema(t)->name, "shop.sales.orders.Envelope");
	debezium_table_free(t);
}

static void a_column_under_a_rule_is_what_the_rule_made_of_it(void **state)
{
	struct world *w = *state;

	w->table->columns[1].source_type = "numeric";
	w->table->columns[1].rule.kind = RULE_HASH;
	add_row(w, OP_UPDATE);
	assert_non_null(strstr(written(w, &(struct debezium_event){.op = 'u'}), "\"name\":\"a\""));
}

static void a_number_that_is_none_has_no_precise_form(void **state)
{
	struct world *w = *state;
	static const char *const words[] = {"NaN", "Infinity", "-Infinity"};

	w->table->columns[1].source_type = "numeric";
	for (size_t i = 0; i < COUNT_OF(words); i++) {
		batch_clear(&w->batch);
		add_fixed(&w->batch.columns[0], (int64_t)1);
		add_text(&w->batch.columns[1], words[i]);
		add_fixed(&w->batch.columns[2], (int16_t)7);
		batch_commit_row(&w->batch, &(struct row_meta){.op = OP_INSERT});
		assert_null(written(w, &(struct debezium_event){.op = 'c'}));
		assert_int_equal(w->err.kind, ERROR_DATA);
		assert_non_null(strstr(w->err.text, "column name: "));
		modes.decimal = DECIMAL_AS_STRING;
		assert_non_null(strstr(written(w, &(struct debezium_event){.op = 'c'}), words[i]));
		modes.decimal = DECIMAL_PRECISE;
	}
}

static void text_that_is_not_utf8_has_no_form(void **state)
{
	struct world *w = *state;

	add_fixed(&w->batch.columns[0], (int64_t)1);
	add_text(&w->batch.columns[1], "caf\xe9, in Latin-1");
	add_fixed(&w->batch.columns[2], (int16_t)7);
	batch_commit_row(&w->batch, &(struct row_meta){.op = OP_INSERT});
	assert_null(written(w, &(struct debezium_event){.op = 'c'}));
	assert_string_equal(
		w->err.text, "column name: the text is not UTF-8, as texts in events are");
}

/* --- What was not sent ------------------------------------------------------------------------ */

static const struct {
	const char *type, *source;
} stored_outside[] = {
	{"nullable(string)", "text"},
	{"nullable(string)", "bytea"},
	{"nullable(string)", "numeric"},
	{"nullable(string)", "bit varying"},
	{"nullable(string)", "polygon"},
	{"nullable(string)", "tsvector"},
	{"nullable(decimal(76,0))", "numeric(76,0)"},
	{"map", "hstore"},
	{"array(nullable(string))", "text[]"},
	{"array(nullable(int64))", "bigint[]"},
	{"array(nullable(float32))", "real[]"},
	{"array(nullable(float64))", "double precision[]"},
	{"array(nullable(uuid))", "uuid[]"},
	{"array(nullable(decimal(8,3)))", "numeric(8,3)[]"},
	{"array(nullable(string))", "numeric[]"},
	{"array(map)", "hstore[]"},
};

/* Written, and read again by a table that is as the first. */
static void write_and_read_unchanged(const char *type, const char *source)
{
	struct table *t = make_table("s", "t", 1, 2, "id", "int64", "v", type);
	static const struct table_options options;
	struct connect_json_writer writer;
	struct connect_json_reader reader;
	struct row_meta meta = {.op = OP_UPDATE};
	struct debezium_source seen;
	struct batch out, back;
	struct buf text;
	struct error err;

	t->options = &options;
	t->columns[1].source_type = source;
	batch_init(&out, t);
	batch_init(&back, t);
	buf_init(&text, BUF_MAX);
	add_fixed(&out.columns[0], (int64_t)1);
	column_add_unchanged(&out.columns[1]);
	batch_commit_row(&out, &meta);
	struct debezium_table *events = debezium_table_new(t, &origin, &modes);
	struct debezium_shape *shape = debezium_shape_known(t, &modes);
	connect_json_writer_init(&writer, &text);
	connect_json_reader_init(&reader);
	if (!debezium_write_value(
		    events, &out, 0, &(struct debezium_event){.op = 'u'}, &writer.base, &err))
		fail_msg("%s: %s", source, err.text);
	connect_json_read(&reader, text.data, text.len);
	if (!debezium_read(shape, NULL, &reader.base, &meta, &seen, &back, &err))
		fail_msg("%s: %s", source, err.text);
	if (back.rows != 1 || !column_is_unchanged(&back.columns[1], 0))
		fail_msg("%s: %s does not come back as unchanged", source, buf_text(&text));
	connect_json_reader_release(&reader);
	debezium_shape_free(shape);
	debezium_table_free(events);
	batch_release(&out);
	batch_release(&back);
	buf_release(&text);
	table_unref(t);
}

static void nothing_that_was_not_sent_is_bent(void)
{
	for (size_t i = 0; i < COUNT_OF(stored_outside); i++)
		write_and_read_unchanged(stored_outside[i].type, stored_outside[i].source);
}

static void what_was_not_sent_comes_back_so_in_every_mode(void **state)
{
	(void)state;
	for (modes.decimal = 0; modes.decimal <= DECIMAL_AS_STRING; modes.decimal++)
		for (modes.binary = 0; modes.binary <= BINARY_HEX; modes.binary++)
			for (modes.hstore = 0; modes.hstore <= HSTORE_MAP; modes.hstore++)
				nothing_that_was_not_sent_is_bent();
	modes.decimal = modes.binary = modes.hstore = 0;
}

static void a_number_that_was_not_sent_has_no_placeholder(void **state)
{
	struct world *w = *state;

	add_fixed(&w->batch.columns[0], (int64_t)1);
	add_text(&w->batch.columns[1], "a");
	column_add_unchanged(&w->batch.columns[2]);
	batch_commit_row(&w->batch, &(struct row_meta){.op = OP_UPDATE});
	assert_null(written(w, &(struct debezium_event){.op = 'u'}));
	assert_string_equal(w->err.text, "column n: the value is as before and was not sent, and "
					 "its type has no placeholder; "
					 "REPLICA IDENTITY FULL sends it");
}

/* --- Types by name ---------------------------------------------------------------------------- */

static void assert_type(const char *text, const char *name, int first, int second, bool array)
{
	struct source_type type;

	source_type_parse(text, &type);
	assert_string_equal(type.name, name);
	assert_int_equal(type.modifiers[0], first);
	assert_int_equal(type.modifiers[1], second);
	assert_int_equal(type.array, array);
}

static void types_are_told_by_their_names(void **state)
{
	(void)state;
	assert_type("numeric(10,2)", "numeric", 10, 2, false);
	assert_type("numeric(5,-2)[]", "numeric", 5, -2, true);
	assert_type("timestamp(3) without time zone", "timestamp without time zone", 3, -1, false);
	assert_type("bit varying", "bit varying", -1, -1, false);
	assert_type("public.ltree[]", "ltree", -1, -1, true);
	assert_type("public.numeric", "", -1, -1, false);
	assert_type("sales.\"json\"", "", -1, -1, false);
	assert_type("numeric(10", "numeric", 10, -1, false);
	assert_type("[]", "[]", -1, -1, false);
	assert_type(NULL, "", -1, -1, false);
}

/* --- Digits ----------------------------------------------------------------------------------- */

static void bytes_are(const char *digits, bool negative, const char *bytes, size_t n)
{
	struct buf out, back;

	buf_init(&out, BUF_MAX);
	buf_init(&back, BUF_MAX);
	digits_to_bytes(digits, strlen(digits), negative, &out);
	assert_int_equal(out.len, n);
	assert_memory_equal(out.data, bytes, n);
	digits_from_bytes(out.data, out.len, 0, &back);
	while (*digits == '0' && digits[1])
		digits++;
	assert_string_equal(buf_text(&back) + (*back.data == '-'), digits);
	buf_release(&out);
	buf_release(&back);
}

static void digits_are_the_fewest_bytes_of_twos_complement(void **state)
{
	(void)state;
	bytes_are("0", false, "\0", 1);
	bytes_are("0", true, "\0", 1);
	bytes_are("1", false, "\x01", 1);
	bytes_are("1", true, "\xff", 1);
	bytes_are("127", false, "\x7f", 1);
	bytes_are("128", false, "\0\x80", 2);
	bytes_are("128", true, "\x80", 1);
	bytes_are("129", true, "\xff\x7f", 2);
	bytes_are("000255", false, "\0\xff", 2);
	bytes_are("256", true, "\xff\0", 2);
	bytes_are("4294967296", false, "\x01\0\0\0\0", 5);
	bytes_are("18446744073709551615", false, "\0\xff\xff\xff\xff\xff\xff\xff\xff", 9);
	bytes_are("9223372036854775808", true, "\x80\0\0\0\0\0\0\0", 8);
}

static void digits_of_any_length_come_back(void **state)
{
	struct buf bytes, back;
	char digits[1500];

	(void)state;
	buf_init(&bytes, BUF_MAX);
	buf_init(&back, BUF_MAX);
	for (size_t n = 1; n < sizeof digits; n += n / 7 + 1) {
		for (size_t i = 0; i < n; i++)
			digits[i] = (char)('0' + (i * 7 + n) % 9 + !i);
		digits[n] = '\0';
		buf_clear(&bytes);
		buf_clear(&back);
		digits_to_bytes(digits, n, n % 2, &bytes);
		digits_from_bytes(bytes.data, bytes.len, 0, &back);
		assert_string_equal(buf_text(&back) + n % 2, digits);
	}
	buf_clear(&back);
	digits_from_bytes((const uint8_t *)"\xff\x7f", 2, 2, &back);
	assert_string_equal(buf_text(&back), "-1.29");
	buf_clear(&back);
	digits_from_bytes((const uint8_t *)"\x05", 1, 4, &back);
	assert_string_equal(buf_text(&back), "0.0005");
	buf_release(&bytes);
	buf_release(&back);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_event_has_the_row_its_place_and_its_times),
		TEST(a_copied_row_has_the_place_of_its_reading),
		TEST(the_old_key_of_a_row_that_moved_is_deleted),
		TEST(a_delete_of_a_table_without_a_key_has_the_whole_row),
		TEST(a_flat_event_is_the_row_and_four_words),
		TEST(the_key_is_in_the_order_of_the_identity),
		TEST(a_column_under_a_rule_is_what_the_rule_made_of_it),
		TEST(a_number_that_is_none_has_no_precise_form),
		TEST(text_that_is_not_utf8_has_no_form),
		cmocka_unit_test(what_was_not_sent_comes_back_so_in_every_mode),
		TEST(a_number_that_was_not_sent_has_no_placeholder),
		cmocka_unit_test(types_are_told_by_their_names),
		cmocka_unit_test(digits_are_the_fewest_bytes_of_twos_complement),
		cmocka_unit_test(digits_of_any_length_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
