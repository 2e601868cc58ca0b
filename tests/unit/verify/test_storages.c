/* Histories, tables without a key, samples: planted differences, while both move. */
#include "fixture.h"

/* --- A history beside the rows --- */

static void the_history_beside_the_rows_is_compared_as_well(void **unused)
{
	(void)unused;
	struct error err = {0};

	table->keep = KEEP_BOTH;
	put_state(TABLE_LIVE, 1);
	add_both(0, 10);
	for (int id = 0; id < 10; id++)
		add(&fake_log, id, id == 3 ? "old" : "new", "100");
	fake_remove(&fake_log, "{\"id\":7}");
	if (!verify_run(&config, state, &options, &report, &err))
		fail_msg("%s", err.text);
	assert_int_equal(report.verdict, VERDICT_DIFFERENT);
	assert_int_equal(report.tables.len, 2);
	assert_string_equal(report.tables.items[0].target, "orders");
	assert_counts(&report.tables.items[0], 10, 0, 0, 0);
	assert_string_equal(report.tables.items[1].target, "orders_log");
	assert_counts(&report.tables.items[1], 10, 1, 0, 1);
	assert_named(&report.tables.items[1], VERIFY_MISSING, "{\"id\":7}", NULL);
	assert_named(&report.tables.items[1], VERIFY_DIFFERENT, "{\"id\":3}", "status");

	const char *name = "orders_log";
	options.tables = &name;
	options.n_tables = 1;
	assert_string_equal(run(VERDICT_DIFFERENT)->target, "orders_log");
}

/* --- Without a key --- */

static const struct column_of events[] = {{"what", "nullable(string)", "text"},
	{"amount", "nullable(float64)", "double precision"}, {0}};

static void make_events(void)
{
	fakes_release();
	table_unref(table);
	make_table(events);
	table->keep = KEEP_HISTORY;
	put_state(TABLE_LIVE, 1);
}

static void event(struct fake *side, char op, const char *what, const char *amount)
{
	static uint64_t version;
	add_row(&side->rows, op, version_make(1, 1, ++version), what, amount);
}

static void rows_without_a_key_are_equal_in_any_order(void **unused)
{
	(void)unused;
	make_events();
	for (int i = 0; i < 30000; i++) {
		char amount[16];
		snprintf(amount, sizeof amount, "%d", i % 7000);
		event(&fake_source, OP_COPY, i % 2 ? "nan" : NULL, amount);
		snprintf(amount, sizeof amount, "%d", (29999 - i) % 7000);
		event(&fake_sink, i % 3 ? OP_INSERT : OP_COPY, (29999 - i) % 2 ? "nan" : NULL,
			amount);
	}
	struct verify_table *t = run(VERDICT_EQUAL);
	assert_counts(t, 30000, 0, 0, 0);
	assert_string_equal(t->target, "orders_log");
	assert_int_equal(fake_source.scans, 3);
}

static void rows_without_a_key_that_differ_are_named(void **unused)
{
	(void)unused;
	make_events();
	for (int i = 0; i < 10; i++) {
		event(&fake_source, OP_COPY, "both", "1");
		event(&fake_sink, OP_COPY, "both", "1");
	}
	event(&fake_source, OP_COPY, "both", "1"); /* one more of the same */
	event(&fake_source, OP_COPY, "", "2");
	event(&fake_sink, OP_INSERT, NULL, "2"); /* NULL for the empty text */
	event(&fake_sink, OP_INSERT, "twice", "3");
	event(&fake_sink, OP_INSERT, "twice", "3");
	event(&fake_source, OP_COPY, "twice", "3");
	struct verify_table *t = run(VERDICT_DIFFERENT);
	assert_counts(t, 13, 2, 2, 0);
	assert_int_equal(t->differences.len, 4);
	assert_named(t, VERIFY_MISSING, "{\"what\":\"both\",\"amount\":1}", NULL);
	assert_named(t, VERIFY_MISSING, "{\"what\":\"\",\"amount\":2}", NULL);
	assert_named(t, VERIFY_EXTRA, "{\"what\":null,\"amount\":2}", NULL);
	assert_named(t, VERIFY_EXTRA, "{\"what\":\"twice\",\"amount\":3}", NULL);
}

static void what_was_deleted_does_not_count(void **unused)
{
	(void)unused;
	make_events();
	for (int i = 0; i < 3; i++)
		event(&fake_sink, OP_INSERT, "a", "1");
	event(&fake_sink, OP_DELETE, "a", "1");
	event(&fake_source, OP_COPY, "a", "1");
	event(&fake_source, OP_COPY, "a", "1");
	assert_counts(run(VERDICT_EQUAL), 2, 0, 0, 0);
	event(&fake_source, OP_COPY, "a", "1");
	assert_counts(run(VERDICT_DIFFERENT), 3, 1, 0, 0);
}

static void of_rows_updated_without_a_key_the_number_is_compared(void **unused)
{
	(void)unused;
	make_events();
	event(&fake_sink, OP_INSERT, "a", "1");
	event(&fake_sink, OP_UPDATE, "b", "1");
	event(&fake_source, OP_COPY, "b", "1");
	struct verify_table *t = run(VERDICT_EQUAL);
	assert_counts(t, 1, 0, 0, 0);
	assert_non_null(strstr(t->note, "only the number of rows is compared"));
	event(&fake_source, OP_COPY, "c", "1");
	event(&fake_source, OP_COPY, "d", "1");
	assert_counts(run(VERDICT_DIFFERENT), 3, 2, 0, 0);
}

static void a_reading_that_broke_off_counts_no_row_twice(void **unused)
{
	(void)unused;
	make_events();
	for (int i = 0; i < 100; i++) {
		event(&fake_source, OP_COPY, "a", "1");
		event(&fake_sink, OP_COPY, "a", "1");
	}
	fake_source.asides[0] = "{\"what\":\"b\",\"amount\":1}";
	event(&fake_source, OP_COPY, "b", "1");
	fake_source.failures = 2;
	fake_sink.failures = 2;
	struct verify_table *t = run(VERDICT_EQUAL);
	assert_counts(t, 100, 0, 0, 0);
	assert_int_equal(t->set_aside, 1);
}

/* The stream: after the first reading of both sides, brings the target to what the source has. */
static void *late_events(void *unused)
{
	while (fake_sink.scans < 1)
		usleep(1000);
	event(&fake_sink, OP_INSERT, "new", "1");
	event(&fake_sink, OP_INSERT, "new", "2");
	set_position(200);
	return unused;
}

static void log_of_events_goes_on(struct fake *fake)
{
	fake_head.order = fake_sink.scans ? 200 : 100;
	(void)fake;
}

static void a_row_without_a_key_on_its_way_is_no_difference(void **unused)
{
	(void)unused;
	struct error err;
	pthread_t thread;

	make_events();
	event(&fake_source, OP_COPY, "new", "1");
	event(&fake_source, OP_COPY, "new", "2");
	set_position(100);
	fake_head.order = 100;
	fake_source.before = log_of_events_goes_on;
	assert_true(state_lock(state, &err));
	pthread_create(&thread, NULL, late_events, NULL);
	assert_counts(run(VERDICT_EQUAL), 2, 0, 0, 0);
	pthread_join(thread, NULL);
}

static void touch_events(struct fake *fake)
{
	event(fake, OP_COPY, "more", "1");
}

static void rows_without_a_key_that_never_rest_are_not_called_different(void **unused)
{
	(void)unused;
	struct error err;

	make_events();
	set_position(100);
	assert_true(state_lock(state, &err));
	for (int i = 0; i < 10; i++)
		event(&fake_source, OP_COPY, "more", "1");
	fake_source.before = touch_events;
	struct verify_table *t = run(VERDICT_INCOMPLETE);
	assert_int_equal(t->missing + t->extra, 0);
	assert_int_equal(t->unsettled, 1);
}

/* --- A sample --- */

static void add_many(int n)
{
	add_both(0, n);
	table->rows_estimate = (uint64_t)n;
	table->bytes_estimate = (uint64_t)n * 40;
}

static void a_sample_is_a_part_of_the_rows_in_ranges(void **unused)
{
	(void)unused;
	add_many(60000);
	options.sample = 0.1;
	struct verify_table *t = run(VERDICT_EQUAL);
	assert_in_range(t->rows, 2000, 12000);
	assert_non_null(strstr(t->note, "a sample, of about "));
	options.sample = 1;
	assert_int_equal(run(VERDICT_EQUAL)->rows, 60000);
}

static void a_sample_finds_every_kind_of_difference_in_its_ranges(void **unused)
{
	(void)unused;
	add_many(20000);
	options.sample = 0.2;
	batch_clear(&fake_sink.rows);
	for (int id = 0; id < 20000; id++) {
		if (id % 10 == 1)
			continue;
		add(&fake_sink, id, id % 10 == 2 ? "old" : "new", "100");
	}
	struct verify_table *t = run(VERDICT_DIFFERENT);
	assert_true(t->missing > 100 && t->missing < 2000);
	assert_true(t->different > 100 && t->different < 2000);
	batch_clear(&fake_source.rows);
	for (int id = 0; id < 20000; id++) {
		if (id % 10 != 1 && id % 10 != 3)
			add(&fake_source, id, id % 10 == 2 ? "old" : "new", "100");
	}
	t = run(VERDICT_DIFFERENT);
	assert_true(t->extra > 100 && t->extra < 2000);
	assert_int_equal(t->missing + t->different, 0);
}

static void a_small_table_is_compared_whole(void **unused)
{
	(void)unused;
	add_many(5000);
	options.sample = 0.01;
	struct verify_table *t = run(VERDICT_EQUAL);
	assert_counts(t, 5000, 0, 0, 0);
	assert_null(t->note);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_history_beside_the_rows_is_compared_as_well),
		TEST(rows_without_a_key_are_equal_in_any_order),
		TEST(rows_without_a_key_that_differ_are_named),
		TEST(what_was_deleted_does_not_count),
		TEST(of_rows_updated_without_a_key_the_number_is_compared),
		TEST(a_reading_that_broke_off_counts_no_row_twice),
		TEST(a_row_without_a_key_on_its_way_is_no_difference),
		TEST(rows_without_a_key_that_never_rest_are_not_called_different),
		TEST(a_sample_is_a_part_of_the_rows_in_ranges),
		TEST(a_sample_finds_every_kind_of_difference_in_its_ranges),
		TEST(a_small_table_is_compared_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
