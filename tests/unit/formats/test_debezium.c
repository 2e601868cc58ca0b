/* Events into rows: places, deletes, what is missing, what cannot be taken, and documents that are no events. */
#include "../core/tables.h"
#include "core/batch.h"
#include "formats/connect/json.h"
#include "formats/debezium/debezium.h"

static const struct debezium_modes modes = {.unavailable = "__debezium_unavailable_value"};

/* A table, what it is read by, and what came of the last message. */
struct world {
	struct table_options options;
	struct table *table;
	struct debezium_shape *shape;
	struct batch batch;
	struct row_meta meta;
	struct debezium_source seen;
	struct error err;
	struct buf printed;
	uint8_t epoch;
};

static int set_up(void **state)
{
	struct world *w = xcalloc(1, sizeof *w);

	w->table = make_table("public", "t", 1, 5, "id", "int64", "name", "nullable(string)", "n",
		"int16", "price", "nullable(decimal(6,2))", "at", "nullable(timestamptz)");
	w->table->options = &w->options;
	w->shape = debezium_shape_known(w->table, &modes);
	batch_init(&w->batch, w->table);
	buf_init(&w->printed, BUF_MAX);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	batch_release(&w->batch);
	debezium_shape_free(w->shape);
	table_unref(w->table);
	buf_release(&w->printed);
	free(w);
	return 0;
}

static bool read_message(struct world *w, const char *key, const char *value, size_t len)
{
	struct connect_json_reader k, v;
	char *own = xstrndup(value ? value : "", len); /* so that a read behind the end is seen */

	batch_clear(&w->batch);
	connect_json_reader_init(&k);
	connect_json_reader_init(&v);
	if (key)
		connect_json_read(&k, key, strlen(key));
	connect_json_read(&v, own, len);
	w->meta = (struct row_meta){.version = version_make(w->epoch, 0, 42)};
	bool fine = debezium_read(w->shape, key ? &k.base : NULL, value ? &v.base : NULL, &w->meta,
		&w->seen, &w->batch, &w->err);
	connect_json_reader_release(&k);
	connect_json_reader_release(&v);
	free(own);
	return fine;
}

/* The batch that the message gives, without its versions. */
static const char *rows_of(struct world *w, const char *key, const char *value)
{
	if (!read_message(w, key, value, value ? strlen(value) : 0))
		fail_msg("%s", w->err.text);
	for (size_t i = 0; i < w->batch.rows; i++)
		batch_meta(&w->batch)[i].version = 0;
	for (size_t i = 0; i < w->batch.aside.len; i++)
		w->batch.aside.items[i].meta.version = 0;
	buf_clear(&w->printed);
	batch_print(&w->batch, &w->printed);
	return buf_text(&w->printed);
}

#define ROW     "{\"id\":1,\"name\":\"a\",\"n\":7,\"price\":\"AMg=\",\"at\":null}"
#define PRINTED "\"id\":1,\"name\":\"a\",\"n\":7,\"price\":2.00,\"at\":null}\n"
#define CREATED "{\"op\":\"c\",\"version\":\"0\"," PRINTED

/* --- Envelopes -------------------------------------------------------------------------------- */

static void the_parts_of_an_envelope_come_in_any_order(void **state)
{
	struct world *w = *state;

	assert_string_equal(
		rows_of(w, NULL, "{\"before\":null,\"after\":" ROW ",\"source\":{},\"op\":\"c\"}"),
		CREATED);
	assert_string_equal(rows_of(w, NULL, "{\"op\":\"c\",\"after\":" ROW "}"), CREATED);
	assert_string_equal(
		rows_of(w, NULL,
			"{\"source\":{\"lsn\":5},\"op\":\"c\",\"more\":[{}],\"after\":" ROW "}"),
		CREATED);
	/* an update's old row is not what is written */
	assert_string_equal(
		rows_of(w, NULL,
			"{\"before\":{\"id\":9,\"n\":\"wrong\"},\"after\":" ROW ",\"op\":\"u\"}"),
		"{\"op\":\"u\",\"version\":\"0\"," PRINTED);
}

static void the_fields_of_a_row_come_in_any_order(void **state)
{
	struct world *w = *state;

	for (int twice = 0; twice < 2; twice++)
		assert_string_equal(
			rows_of(w, NULL,
				"{\"op\":\"c\",\"after\":{\"at\":null,\"price\":\"AMg=\",\"n\":7,"
				"\"name\":\"a\",\"id\":1}}"),
			CREATED);
	/* of a name that is given twice the last counts */
	assert_string_equal(
		rows_of(w, NULL,
			"{\"op\":\"c\",\"after\":{\"id\":2,\"name\":\"b\",\"id\":1,\"n\":8,\"n\":7,"
			"\"name\":\"a\",\"price\":\"AMg=\",\"at\":null}}"),
		CREATED);
}

static void a_delete_takes_the_key_of_the_old_row_or_of_the_message(void **state)
{
	struct world *w = *state;
	const char *deleted = "{\"op\":\"d\",\"version\":\"0\",\"id\":1}\n";

	assert_string_equal(
		rows_of(w, NULL, "{\"before\":" ROW ",\"after\":null,\"op\":\"d\"}"), deleted);
	assert_string_equal(
		rows_of(w, NULL, "{\"op\":\"d\",\"before\":{\"id\":1,\"n\":\"nonsense\"}}"),
		deleted);
	assert_string_equal(
		rows_of(w, "{\"id\":1}", "{\"before\":null,\"after\":null,\"op\":\"d\"}"), deleted);
	const char *nameless = "{\"before\":null,\"op\":\"d\"}";
	assert_false(read_message(w, NULL, nameless, strlen(nameless)));
	assert_string_equal(w->err.text, "a delete that names no row");
}

static void what_is_neither_row_nor_delete_gives_no_row(void **state)
{
	struct world *w = *state;

	assert_string_equal(rows_of(w, NULL, "{\"op\":\"t\",\"before\":null,\"after\":null}"), "");
	assert_int_equal(w->seen.op, 't');
	assert_string_equal(rows_of(w, NULL, "{\"op\":\"m\",\"before\":null,\"message\":{}}"), "");
	assert_int_equal(w->seen.op, 'm');
}

/* --- Places ----------------------------------------------------------------------------------- */

static version_t version_of(struct world *w, const char *op, const char *source)
{
	CLEANUP(free_string)
	char *text = xasprintf("{\"after\":" ROW ",\"source\":{%s},\"op\":\"%s\"}", source, op);

	assert_true(read_message(w, NULL, text, strlen(text)));
	assert_true(batch_meta(&w->batch)[0].version == w->meta.version);
	return w->meta.version;
}

static void a_change_of_postgresql_is_placed_by_its_sequence(void **state)
{
	struct world *w = *state;

	w->epoch = 2;
	assert_true(
		version_of(w, "u",
			"\"ts_ms\":1700,\"ts_us\":1700001,\"txId\":99,\"lsn\":500,\"schema\":"
			"\"public\",\"table\":\"t\",\"sequence\":\"[\\\"400\\\",\\\"500\\\"]\"") ==
		version_make(2, 400, 500));
	assert_int_equal(w->meta.commit_lsn, 400);
	assert_int_equal(w->meta.commit_time_us, 1700001);
	assert_int_equal(w->meta.xid, 99);
	assert_true(w->seen.has_position);
	assert_string_equal(w->seen.schema, "public");
	/* before the first commit that Debezium saw */
	assert_true(version_of(w, "u", "\"lsn\":5,\"sequence\":\"[null,\\\"5\\\"]\"") ==
		    version_make(2, 0, 5));
	/* of two copied rows the later one wins, and a change where they were read wins over both */
	assert_true(version_of(w, "r", "\"lsn\":5,\"sequence\":\"[null,\\\"5\\\"]\"") ==
		    version_make(2, 0, 4));
	assert_true(version_of(w, "r", "\"lsn\":6,\"sequence\":\"[\\\"3\\\",\\\"6\\\"]\"") ==
		    version_make(2, 0, 5));
}

static void a_change_of_mysql_is_placed_by_its_binlog(void **state)
{
	struct world *w = *state;

	w->epoch = 1;
	assert_true(version_of(w, "u",
			    "\"connector\":\"mysql\",\"db\":\"shop\",\"table\":\"orders\","
			    "\"server_id\":1,\"gtid\":null,\"file\":\"mysql-bin.000003\","
			    "\"pos\":154,\"row\":2,\"thread\":7,\"query\":null") ==
		    version_make(1, (uint64_t)3 << 40 | 154, 2));
	assert_string_equal(w->seen.schema, "shop");
	assert_string_equal(w->seen.table, "orders");
	assert_true(version_of(w, "r", "\"file\":\"mysql-bin.000003\",\"pos\":154,\"row\":0") ==
		    version_make(1, 0, (uint64_t)3 << 40 | 153));
}

static void an_event_that_has_no_place_keeps_the_callers(void **state)
{
	struct world *w = *state;
	static const char *const sources[] = {"", "\"lsn\":5", "\"lsn\":5,\"sequence\":null",
		"\"lsn\":5,\"sequence\":\"[]\"", "\"lsn\":5,\"sequence\":\"[\\\"1\\\",null]\"",
		"\"sequence\":\"[\\\"99999999999999999999\\\",\\\"1\\\"]\",\"lsn\":1",
		"\"file\":\"no number\",\"pos\":1,\"row\":1", "\"file\":\"f.000001\",\"pos\":-1"};

	w->epoch = 3;
	for (size_t i = 0; i < COUNT_OF(sources); i++) {
		assert_true(version_of(w, "u", sources[i]) == version_make(3, 0, 42));
		assert_false(w->seen.has_position);
	}
}

/* --- Plain rows ------------------------------------------------------------------------------- */

#define UPDATED "{\"op\":\"u\",\"version\":\"0\"," PRINTED

static void a_plain_row_is_an_update_and_none_is_a_delete(void **state)
{
	struct world *w = *state;

	assert_string_equal(rows_of(w, NULL, ROW), UPDATED);
	assert_string_equal(
		rows_of(w, "{\"id\":3}", NULL), "{\"op\":\"d\",\"version\":\"0\",\"id\":3}\n");
	/* the key may be in the message's key alone */
	assert_string_equal(
		rows_of(w, "{\"id\":1}", "{\"name\":\"a\",\"n\":7,\"price\":2,\"at\":null}"),
		UPDATED);
}

static void a_flat_row_tells_its_operation(void **state)
{
	struct world *w = *state;

	assert_string_equal(rows_of(w, NULL,
				    "{\"id\":1,\"name\":\"a\",\"n\":7,\"price\":2,\"at\":null,"
				    "\"__deleted\":\"false\",\"__op\":\"c\",\"__source_ts_ms\":12,"
				    "\"__source_lsn\":34}"),
		CREATED);
	assert_int_equal(w->meta.commit_time_us, 12000);
	assert_int_equal(w->meta.commit_lsn, 34);
	assert_int_equal(w->seen.unknown, 0);
	/* that the row is none is said last */
	assert_string_equal(
		rows_of(w, NULL, "{\"id\":1,\"n\":null,\"__deleted\":\"true\",\"__op\":\"d\"}"),
		"{\"op\":\"d\",\"version\":\"0\",\"id\":1}\n");
}

static void a_topic_whose_events_change_their_form_is_followed(void **state)
{
	struct world *w = *state;

	assert_string_equal(rows_of(w, NULL, ROW), UPDATED);
	assert_string_equal(rows_of(w, NULL, "{\"op\":\"c\",\"after\":" ROW "}"), CREATED);
	assert_string_equal(rows_of(w, NULL, ROW), UPDATED);
}

/* --- What is missing, or not known ------------------------------------------------------------ */

static void fields_without_a_column_are_counted(void **state)
{
	struct world *w = *state;

	assert_string_equal(
		rows_of(w, NULL,
			"{\"id\":1,\"x\":{\"y\":[1,{}]},\"name\":\"a\",\"n\":7,\"price\":2,"
			"\"at\":null,\"z\":0}"),
		UPDATED);
	assert_int_equal(w->seen.unknown, 2);
}

static void a_column_without_a_field_is_null_or_what_rows_had_before_it(void **state)
{
	struct world *w = *state;

	w->table->columns[2].missing = "7";
	assert_string_equal(rows_of(w, NULL, "{\"id\":1,\"name\":\"a\",\"price\":2}"), UPDATED);
	w->table->columns[2].missing = NULL;
	assert_string_equal(rows_of(w, NULL, "{\"name\":\"a\",\"id\":1}"),
		"{\"op\":\"d\",\"version\":\"0\",\"id\":1}\n"
		"{\"op\":\"u\",\"version\":\"0\",\"column\":\"n\",\"reason\":\"the event has no "
		"such "
		"field\",\"key\":{\"id\":1},\"row\":{\"name\":\"a\",\"id\":1}}\n");
}

/* --- What cannot be taken --------------------------------------------------------------------- */

static void a_value_that_the_column_cannot_hold_sets_the_row_aside(void **state)
{
	struct world *w = *state;

	w->table->columns[1].rule.kind = RULE_MASK;
	assert_string_equal(
		rows_of(w, NULL,
			"{\"after\":{\"id\":1,\"name\":\"secret\",\"n\":40000,\"price\":\"AMg=\","
			"\"at\":null},\"op\":\"u\",\"source\":{\"lsn\":5}}"),
		"{\"op\":\"d\",\"version\":\"0\",\"id\":1}\n"
		"{\"op\":\"u\",\"version\":\"0\",\"column\":\"n\",\"reason\":\"the number is out "
		"of the "
		"range of a smallint\",\"key\":{\"id\":1},\"row\":{\"id\":1,\"name\":\"...\","
		"\"n\":40000,\"price\":\"AMg=\",\"at\":null}}\n");
	assert_int_equal(w->meta.commit_lsn, 5);
	/* the next is taken */
	w->table->columns[1].rule.kind = RULE_NONE;
	assert_string_equal(rows_of(w, NULL, "{\"op\":\"c\",\"after\":" ROW "}"), CREATED);
}

static void a_row_set_aside_takes_the_place_of_an_earlier_one_where_there_may_be_one(void **state)
{
	struct world *w = *state;

	rows_of(w, "{\"id\":3}", "{\"name\":\"a\",\"n\":40000}");
	assert_int_equal(w->batch.aside.len, 1);
	assert_int_equal(batch_meta(&w->batch)->op, OP_DELETE);
	buf_clear(&w->printed);
	batch_print_key(&w->batch, 0, &w->printed);
	assert_string_equal(buf_text(&w->printed), "{\"id\":3}");
	/* a new one; one whose key is what cannot be held; one that is told from others by nothing */
	rows_of(w, NULL, "{\"op\":\"c\",\"after\":{\"id\":1,\"n\":40000}}");
	assert_int_equal(w->batch.rows, 0);
	rows_of(w, NULL, "{\"op\":\"u\",\"after\":{\"id\":\"one\",\"n\":1}}");
	assert_int_equal(w->batch.rows, 0);
	w->table->n_key = 0;
	rows_of(w, NULL, "{\"op\":\"u\",\"after\":{\"id\":1,\"n\":40000}}");
	assert_int_equal(w->batch.rows, 0);
}

static const char *reason_of(struct world *w, const char *field, const char *value)
{
	CLEANUP(free_string)
	char *text = xasprintf("{\"id\":1,\"n\":0,\"%s\":%s}", field, value);

	rows_of(w, NULL, text);
	assert_int_equal(w->batch.aside.len, 1);
	assert_string_equal(w->batch.aside.items[0].column, field);
	return w->batch.aside.items[0].reason;
}

static void the_reason_says_what_is_wrong(void **state)
{
	struct world *w = *state;

	assert_string_equal(reason_of(w, "n", "null"), "NULL in a column that takes none");
	assert_string_equal(reason_of(w, "n", "\"seven\""), "the text is no number");
	assert_string_equal(reason_of(w, "n", "\"\""), "the text is no number");
	assert_string_equal(
		reason_of(w, "n", "\"-8e4\""), "the number is out of the range of a smallint");
	assert_string_equal(reason_of(w, "n", "[1]"), "a list where the column takes a smallint");
	assert_string_equal(
		reason_of(w, "n", "1.5"), "the number has a fraction, which a smallint has not");
	assert_string_equal(reason_of(w, "price", "12345.67"),
		"the number has more than 4 digits before the "
		"point, which is what Decimal(6,2) holds");
	assert_string_equal(reason_of(w, "price", "\"*\""),
		"the text is not a decimal's bytes in base64; where decimals are texts of digits, "
		"set decimal_handling_mode: string");
	assert_string_equal(
		reason_of(w, "price", "1e999999999"), "the number's exponent is too large");
	assert_string_equal(
		reason_of(w, "at", "\"soon\""), "the text is no timestamptz in ISO 8601");
	assert_string_equal(
		reason_of(w, "at", "5"), "an integer where the column takes a timestamptz");
	assert_non_null(strstr(reason_of(w, "at", "\"1850-01-01T00:00:00Z\""), "1900 to 2299"));
	assert_non_null(strstr(reason_of(w, "at", "\"infinity\""), "1900 to 2299"));
}

static void on_unrepresentable_null_reads_the_event_without_the_value(void **state)
{
	struct world *w = *state;

	w->options.unrepresentable = UNREPRESENTABLE_NULL;
	assert_string_equal(rows_of(w, NULL,
				    "{\"op\":\"c\",\"after\":{\"id\":1,\"name\":\"a\",\"n\":7,"
				    "\"price\":[[1],2],"
				    "\"at\":\"never\"}}"),
		"{\"op\":\"c\",\"version\":\"0\",\"id\":1,\"name\":\"a\",\"n\":7,\"price\":null,"
		"\"at\":null}\n");
	/* of a column that takes no NULL the row is set aside all the same */
	rows_of(w, NULL, "{\"op\":\"c\",\"after\":{\"id\":1,\"n\":[],\"price\":[]}}");
	assert_int_equal(w->batch.aside.len, 1);
	assert_string_equal(w->batch.aside.items[0].column, "n");
}

static void on_unrepresentable_stop_ends_the_table(void **state)
{
	struct world *w = *state;

	w->options.unrepresentable = UNREPRESENTABLE_STOP;
	const char *wrong = "{\"id\":1,\"n\":null}";
	assert_false(read_message(w, NULL, wrong, strlen(wrong)));
	assert_int_equal(w->err.kind, ERROR_TABLE);
	assert_string_equal(w->err.text,
		"column n: NULL in a column that takes none; on_unrepresentable is stop");
	assert_int_equal(w->batch.rows + w->batch.aside.len, 0);
	assert_int_equal(w->batch.columns[0].rows, 0);
}

static void what_is_out_of_range_may_be_clamped(void **state)
{
	struct world *w = *state;

	w->options.out_of_range = RANGE_CLAMP;
	assert_string_equal(rows_of(w, NULL, "{\"id\":1,\"n\":0,\"at\":\"9999-01-01T00:00:00Z\"}"),
		"{\"op\":\"u\",\"version\":\"0\",\"id\":1,\"name\":null,\"n\":0,\"price\":null,"
		"\"at\":\"2299-12-31T23:59:59.999999Z\"}\n");
}

/* --- Poison ----------------------------------------------------------------------------------- */

static void must_be_poison(struct world *w, const char *text, size_t len)
{
	if (read_message(w, NULL, text, len))
		fail_msg("taken: %.*s", (int)len, text);
	assert_int_equal(w->err.kind, ERROR_DATA);
	assert_true(*w->err.text);
	assert_int_equal(w->batch.rows + w->batch.aside.len, 0);
	for (size_t i = 0; i < w->table->n_columns; i++)
		assert_int_equal(w->batch.columns[i].rows, 0);
}

static void a_document_that_is_no_event_is_poison(void **state)
{
	struct world *w = *state;
	static const char *const documents[] = {"", "null", "1", "\"x\"", "[]", "[{}]", "nonsense",
		"{\"op\":\"c\",\"after\":null}", "{\"op\":5,\"after\":" ROW "}",
		"{\"op\":\"c\",\"after\":[1]}", "{\"op\":\"c\",\"after\":" ROW ",\"source\":[]}",
		"{\"op\":\"c\",\"after\":" ROW ",\"source\":{\"lsn\":[]}}"};

	rows_of(w, NULL, "{\"op\":\"c\",\"after\":" ROW "}");
	for (size_t i = 0; i < COUNT_OF(documents); i++)
		must_be_poison(w, documents[i], strlen(documents[i]));
	assert_string_equal(rows_of(w, NULL, "{\"op\":\"c\",\"after\":" ROW "}"), CREATED);
}

static void a_document_that_ends_too_early_is_poison(void **state)
{
	struct world *w = *state;
	static const char *const documents[] = {
		"{\"before\":null,\"after\":" ROW
		",\"source\":{\"lsn\":1,\"x\":[{}]},\"ts_ms\":1,\"op\":\"c\"}",
		ROW, "{\"id\":1,\"n\":\"wrong\",\"name\":{\"a\":[1,\"\\n\"]}}",
		"{\"op\":\"d\",\"before\":" ROW ",\"after\":null}"};

	for (size_t i = 0; i < COUNT_OF(documents); i++)
		for (size_t len = 0; len < strlen(documents[i]); len++)
			must_be_poison(w, documents[i], len);
}

static void schemas_without_fields_are_refused(void **state)
{
	const struct connect_schema text = {.kind = CONNECT_STRING};
	struct error err;

	(void)state;
	assert_null(debezium_shape_new(NULL, &text, &modes, &err));
	assert_int_equal(err.kind, ERROR_DATA);
	assert_null(debezium_shape_new(&text, NULL, &modes, &err));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_parts_of_an_envelope_come_in_any_order),
		TEST(the_fields_of_a_row_come_in_any_order),
		TEST(a_delete_takes_the_key_of_the_old_row_or_of_the_message),
		TEST(what_is_neither_row_nor_delete_gives_no_row),
		TEST(a_change_of_postgresql_is_placed_by_its_sequence),
		TEST(a_change_of_mysql_is_placed_by_its_binlog),
		TEST(an_event_that_has_no_place_keeps_the_callers),
		TEST(a_plain_row_is_an_update_and_none_is_a_delete),
		TEST(a_flat_row_tells_its_operation),
		TEST(a_topic_whose_events_change_their_form_is_followed),
		TEST(fields_without_a_column_are_counted),
		TEST(a_column_without_a_field_is_null_or_what_rows_had_before_it),
		TEST(a_value_that_the_column_cannot_hold_sets_the_row_aside),
		TEST(a_row_set_aside_takes_the_place_of_an_earlier_one_where_there_may_be_one),
		TEST(the_reason_says_what_is_wrong),
		TEST(on_unrepresentable_null_reads_the_event_without_the_value),
		TEST(on_unrepresentable_stop_ends_the_table),
		TEST(what_is_out_of_range_may_be_clamped),
		TEST(a_document_that_is_no_event_is_poison),
		TEST(a_document_that_ends_too_early_is_poison),
		TEST(schemas_without_fields_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
