/* The comparison of a source and a target in memory, with planted differences, while both move. */
#include "fixture.h"

static void equal_tables_are_equal(void **unused)
{
	(void)unused;
	add_both(0, 5000);
	struct verify_table *t = run(VERDICT_EQUAL);
	assert_counts(t, 5000, 0, 0, 0);
	assert_null(t->not_verified);
	assert_int_equal(fake_source.fetches, 0);
}

static void empty_tables_are_equal(void **unused)
{
	(void)unused;
	assert_counts(run(VERDICT_EQUAL), 0, 0, 0, 0);
}

static void each_kind_of_difference_is_named_by_its_key(void **unused)
{
	(void)unused;
	add_both(10, 20);
	add(&fake_source, 5, "new", "100");
	add(&fake_sink, 7, "new", "100");
	add(&fake_source, 1, "new", "100");
	add(&fake_sink, 1, "new", "101");
	add(&fake_source, 2, "", "100");
	add(&fake_sink, 2, NULL, "100");
	add(&fake_source, 30, "new", "100");
	add(&fake_sink, 31, "new", "100");
	struct verify_table *t = run(VERDICT_DIFFERENT);
	assert_counts(t, 14, 2, 2, 2);
	assert_named(t, VERIFY_MISSING, "{\"id\":5}", NULL);
	assert_named(t, VERIFY_MISSING, "{\"id\":30}", NULL);
	assert_named(t, VERIFY_EXTRA, "{\"id\":7}", NULL);
	assert_named(t, VERIFY_EXTRA, "{\"id\":31}", NULL);
	assert_named(t, VERIFY_DIFFERENT, "{\"id\":1}", "amount");
	assert_named(t, VERIFY_DIFFERENT, "{\"id\":2}", "status");
}

/* The first page has 100 rows: what is planted around its end must not fall between two pages. */
static void no_difference_falls_between_pages(void **unused)
{
	(void)unused;
	static const int places[] = {1, 99, 100, 101, 102, 199, 200, 299, 300};

	for (size_t i = 0; i < COUNT_OF(places); i++) {
		char key[32];
		snprintf(key, sizeof key, "{\"id\":%d}", places[i]);
		fakes_release();
		fakes_init(table);
		add_both(1, 301);
		fake_remove(&fake_sink, key);
		assert_named(run(VERDICT_DIFFERENT), VERIFY_MISSING, key, NULL);
		assert_counts(&report.tables.items[0], 300, 1, 0, 0);
		fake_remove(&fake_source, key);
		add(&fake_sink, places[i], "new", "100");
		assert_named(run(VERDICT_DIFFERENT), VERIFY_EXTRA, key, NULL);
		assert_counts(&report.tables.items[0], 299, 0, 1, 0);
	}
}

static void many_extra_rows_are_all_found(void **unused)
{
	(void)unused;
	add_both(5000, 5010);
	for (int id = 0; id < 3000; id++)
		add(&fake_sink, id, "new", "100");
	for (int id = 6000; id < 8000; id++)
		add(&fake_sink, id, "new", "100");
	struct verify_table *t = run(VERDICT_DIFFERENT);
	assert_counts(t, 10, 0, 5000, 0);
	assert_int_equal(t->differences.len, 20);
}

static void a_table_with_too_many_differences_is_given_up(void **unused)
{
	(void)unused;
	for (int id = 0; id < 13000; id++)
		add(&fake_sink, id, "new", "100");
	struct verify_table *t = run(VERDICT_DIFFERENT);
	assert_in_range(t->extra, 10000, 11000);
	assert_non_null(strstr(t->not_verified, "given up after"));
}

static void keys_of_several_columns_are_in_order(void **unused)
{
	(void)unused;
	fakes_release();
	table_unref(table);
	make_table((struct column_of[]){{"note", "nullable(string)", "text"},
		{"b", "string", "text", .key = true},
		{"a", "float64", "double precision", .key = true}, {0}});
	static const char *const words[] = {"", "a", "aa", "b", "ä", "Z"}, *const numbers[] = {"-1",
										   "0", "10",
										   "nan"};
	for (size_t w = 0; w < COUNT_OF(words); w++) {
		for (size_t n = 0; n < COUNT_OF(numbers); n++) {
			add_row(&fake_source.rows, OP_COPY, 1, "x", words[w], numbers[n]);
			if (w != 2 || n != 3)
				add_row(&fake_sink.rows, OP_COPY, 1, "x", words[w], numbers[n]);
		}
	}
	struct verify_table *t = run(VERDICT_DIFFERENT);
	assert_counts(t, 24, 1, 0, 0);
	assert_named(t, VERIFY_MISSING, "{\"b\":\"aa\",\"a\":\"NaN\"}", NULL);
}

static void rules_and_filter_hold_for_the_comparison(void **unused)
{
	(void)unused;
	fakes_release();
	table_unref(table);
	make_table((struct column_of[]){{"id", "int64", "bigint", .key = true},
		{"status", "nullable(string)", "text"},
		{"phone", "nullable(string)", "text", .rule = RULE_MASK}, {0}});
	table_options.where = "status <> 'draft'";
	for (int id = 0; id < 500; id++) {
		char text[8];
		snprintf(text, sizeof text, "%d", id);
		add_row(&fake_source.rows, OP_COPY, 1, text, id % 2 ? "draft" : "new", "12345678");
		if (id % 2 == 0)
			add_row(&fake_sink.rows, OP_COPY, 1, text, "new", "****5678");
	}
	assert_counts(run(VERDICT_EQUAL), 250, 0, 0, 0);
	add_row(&fake_sink.rows, OP_COPY, 1, "401", "draft", "****5678");
	add_row(&fake_sink.rows, OP_COPY, 1, "600", "new", "12345678");
	add_row(&fake_source.rows, OP_COPY, 1, "600", "new", "12345678");
	struct verify_table *t = run(VERDICT_DIFFERENT);
	assert_counts(t, 251, 0, 1, 1);
	assert_named(t, VERIFY_EXTRA, "{\"id\":401}", NULL);
	assert_named(t, VERIFY_DIFFERENT, "{\"id\":600}", "phone");
}

static void rows_set_aside_are_no_differences_and_are_named(void **unused)
{
	(void)unused;
	add_both(0, 150);
	add(&fake_source, 150, "new", "1");
	add(&fake_source, 151, "now", "1");
	add(&fake_sink, 151, "an earlier state", "1");
	add(&fake_source, 152, "new", "1");
	fake_source.asides[0] =
		"{\"id\":99}"; /* the last of the first page: comes again with the second */
	fake_source.asides[1] = "{\"id\":150}";
	fake_source.asides[2] = "{\"id\":151}";
	fake_source.asides[3] = "{\"id\":152}";
	fake_remove(&fake_sink, "{\"id\":99}");
	struct verify_table *t = run(VERDICT_EQUAL);
	assert_counts(t, 149, 0, 0, 0);
	assert_int_equal(t->set_aside, 4);
	assert_string_equal(t->asides.items[0].key, "{\"id\":99}");
	assert_string_equal(t->asides.items[0].reason, "out of range");
}

static bool is_below_900(const char *key)
{
	int id = 0;
	return sscanf(key, "{\"id\":%d}", &id) == 1 && id < 900;
}

static void pages_of_rows_set_aside_alone_are_passed(void **unused)
{
	(void)unused;
	for (int id = 0; id < 900; id++)
		add(&fake_source, id, "new", "1");
	add_both(900, 910);
	fake_source.is_aside = is_below_900;
	struct verify_table *t = run(VERDICT_EQUAL);
	assert_counts(t, 10, 0, 0, 0);
	assert_int_equal(t->set_aside, 900);
	assert_int_equal(t->asides.len, 20);
}

static void a_connection_that_is_lost_is_tried_again(void **unused)
{
	(void)unused;
	add_both(0, 10);
	fake_source.failures = 2;
	fake_sink.failures = 2;
	assert_counts(run(VERDICT_EQUAL), 10, 0, 0, 0);
}

static void tables_that_cannot_be_compared_say_why(void **unused)
{
	(void)unused;
	add_both(0, 10);
	put_state(TABLE_COPYING, 0);
	assert_string_equal(run(VERDICT_INCOMPLETE)->not_verified,
		"it is being copied, 0 of 0 chunks are done");
	put_state(TABLE_BROKEN, 1);
	assert_string_equal(run(VERDICT_INCOMPLETE)->not_verified, "it is broken: no space left");
	put_state(TABLE_DROPPED, 1);
	assert_true(run(VERDICT_INCOMPLETE)->excused);
	put_state(TABLE_LIVE, 1);
	table->problem = "column _version is taken";
	assert_string_equal(run(VERDICT_INCOMPLETE)->not_verified, "column _version is taken");
	table->problem = NULL;
	table->columns[1].name = "state";
	assert_string_equal(run(VERDICT_INCOMPLETE)->not_verified,
		"its definition changed in the source and the stream has not come to that yet");
	put_state(TABLE_LIVE, 1);
	assert_counts(run(VERDICT_EQUAL), 10, 0, 0, 0);
}

static void only_tables_that_are_named_are_compared(void **unused)
{
	(void)unused;
	struct error err = {0};
	const char *names[] = {"public.*", "orders"};

	add_both(0, 10);
	options.tables = names;
	options.n_tables = 2;
	run(VERDICT_EQUAL);
	names[1] = "sales.*";
	verify_release(&report);
	assert_false(verify_run(&config, state, &options, &report, &err));
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_string_equal(err.text,
		"there is no mirrored table sales.*; `tailrace status` lists what there is");
}

/* --- Both move --- */

/* The stream: once the first look is done, brings the target to what the source has, and records it. */
static void *late_stream(void *unused)
{
	while (!fake_source.fetches)
		usleep(1000);
	fake_remove(&fake_sink, "{\"id\":3}");
	fake_remove(&fake_sink, "{\"id\":4}");
	add(&fake_sink, 4, "paid", "100");
	add(&fake_sink, 5, "new", "100");
	set_position(200);
	return unused;
}

static void log_goes_on(struct fake *fake)
{
	fake_head.order = fake->scans ? 200 : 100;
}

static void a_change_on_its_way_is_no_difference(void **unused)
{
	(void)unused;
	struct error err;
	pthread_t thread;

	add_both(0, 5);
	fake_remove(&fake_source, "{\"id\":3}");
	fake_remove(&fake_source, "{\"id\":4}");
	add(&fake_source, 4, "paid", "100");
	add(&fake_source, 5, "new", "100");
	set_position(100);
	fake_head.order = 100;
	fake_source.before = log_goes_on;
	assert_true(state_lock(state, &err));
	pthread_create(&thread, NULL, late_stream, NULL);
	assert_counts(run(VERDICT_EQUAL), 5, 0, 0, 0);
	pthread_join(thread, NULL);
	assert_true(fake_source.fetches > 0);
}

static void a_difference_that_stays_is_real_while_the_stream_runs(void **unused)
{
	(void)unused;
	struct error err;

	add_both(0, 5);
	add(&fake_source, 7, "new", "100");
	set_position(100);
	fake_head.order = 100;
	assert_true(state_lock(state, &err));
	assert_named(run(VERDICT_DIFFERENT), VERIFY_MISSING, "{\"id\":7}", NULL);
	assert_true(fake_sink.fetches >= 3);
}

static void touch_source(struct fake *fake)
{
	static int n;
	char status[16];

	snprintf(status, sizeof status, "state %d", n++);
	fake_remove(fake, "{\"id\":3}");
	add(fake, 3, status, "100");
}

static void a_row_that_never_rests_is_not_called_different(void **unused)
{
	(void)unused;
	struct error err;

	add_both(0, 5);
	set_position(100);
	assert_true(state_lock(state, &err));
	fake_source.before = touch_source;
	struct verify_table *t = run(VERDICT_INCOMPLETE);
	assert_counts(t, 5, 0, 0, 0);
	assert_int_equal(t->unsettled, 1);
}

static void publish_anew(struct fake *fake)
{
	fake->before = NULL;
	put_state(TABLE_LIVE, 2);
	fake_remove(&fake_sink, "{\"id\":3}");
	add(&fake_sink, 3, "new", "100");
}

static void a_table_copied_anew_meanwhile_is_compared_again(void **unused)
{
	(void)unused;
	add_both(0, 5);
	fake_remove(&fake_sink, "{\"id\":3}");
	fake_sink.before = publish_anew;
	assert_counts(run(VERDICT_EQUAL), 5, 0, 0, 0);
	assert_int_equal(fake_source.scans, 2);
}

static _Atomic bool stop;
static void stop_now(struct fake *fake)
{
	(void)fake;
	stop = true;
}

static void a_comparison_can_be_stopped(void **unused)
{
	(void)unused;
	struct error err = {0};

	add_both(0, 500);
	stop = false;
	options.stop = &stop;
	fake_sink.before = stop_now;
	assert_false(verify_run(&config, state, &options, &report, &err));
	assert_string_equal(err.text, "the comparison was stopped");
	assert_int_equal(fake_sink.scans, 1);
}

/* --- The report --- */

static void the_report_is_for_people_and_programs(void **unused)
{
	(void)unused;
	struct buf text;

	buf_init(&text, BUF_MAX);
	add_both(0, 3);
	add(&fake_source, 7, "new", "100");
	add(&fake_source, 8, "new", "100");
	add(&fake_sink, 8, NULL, "200");
	fake_source.asides[0] = "{\"id\":9}";
	add(&fake_source, 9, "x", "1");
	run(VERDICT_DIFFERENT);
	verify_print(&report, &text);
	assert_string_equal(buf_text(&text),
		"shop: public.orders  5 rows, 1 missing, 0 extra, 1 different, 1 set aside\n"
		"    {\"id\":7}  missing in the target\n"
		"    {\"id\":8}  different in status, amount\n"
		"    {\"id\":9}  set aside: note: out of range\n"
		"5 rows of 1 table compared: 2 rows differ\n");
	report.tables.items[0].seconds = 0.5;
	buf_clear(&text);
	verify_json(&report, &text);
	assert_string_equal(buf_text(&text),
		"{\"verdict\":\"different\",\"sample\":null,\"tables\":[{\"stream\":\"shop\","
		"\"table\":\"public."
		"orders\",\"target\":"
		"\"orders\",\"rows\":5,\"missing\":1,\"extra\":0,\"different\":1,\"set_aside\":1,"
		"\"unsettled\":0,"
		"\"seconds\":0.500,\"not_verified\":null,\"note\":null,\"differences\":[{\"kind\":"
		"\"missing\",\"key\":"
		"{\"id\":7},\"columns\":[]},{\"kind\":\"different\",\"key\":{\"id\":8},\"columns\":"
		"[\"status\","
		"\"amount\"]}],\"asides\":[{\"key\":{\"id\":9},\"column\":\"note\",\"reason\":"
		"\"out of range\"}]}]}");
	buf_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(equal_tables_are_equal),
		TEST(empty_tables_are_equal),
		TEST(each_kind_of_difference_is_named_by_its_key),
		TEST(no_difference_falls_between_pages),
		TEST(many_extra_rows_are_all_found),
		TEST(a_table_with_too_many_differences_is_given_up),
		TEST(keys_of_several_columns_are_in_order),
		TEST(rules_and_filter_hold_for_the_comparison),
		TEST(rows_set_aside_are_no_differences_and_are_named),
		TEST(pages_of_rows_set_aside_alone_are_passed),
		TEST(a_connection_that_is_lost_is_tried_again),
		TEST(tables_that_cannot_be_compared_say_why),
		TEST(only_tables_that_are_named_are_compared),
		TEST(a_change_on_its_way_is_no_difference),
		TEST(a_difference_that_stays_is_real_while_the_stream_runs),
		TEST(a_row_that_never_rests_is_not_called_different),
		TEST(a_table_copied_anew_meanwhile_is_compared_again),
		TEST(a_comparison_can_be_stopped),
		TEST(the_report_is_for_people_and_programs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
