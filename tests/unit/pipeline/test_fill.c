/* Unchanged TOAST values and what else prepare.c does to a batch, with a source and a target in memory. */
#include "../fakes.h"
#include "pipeline/fill.h"

static struct table *table;
static struct batch batch;
static struct source source = {.ops = &fake_source_ops};
static struct sink sink = {.ops = &fake_sink_ops};
static struct prepare prepare;
static struct arena arena; /* of its filter */

static void begin(enum keep keep, enum rule_kind rule)
{
	table = table_of((struct column_of[]){{"id", "int64", "bigint", .key = true},
		{"status", "nullable(string)", "text"},
		{"note", "nullable(string)", "text", .rule = rule}, {"body", "string", "text"},
		{0}});
	table->keep = keep;
	batch_init(&batch, table);
	arena_init(&arena);
	source.ops = &fake_source_ops;
	fakes_init(table);
	prepare = (struct prepare){.source = &source,
		.sink = &sink,
		.hmac_key = "secret",
		.landing = {.table = table, .generation = 1}};
}

static int set_up(void **unused)
{
	(void)unused;
	begin(KEEP_LATEST, RULE_NONE);
	return 0;
}

static int tear_down(void **unused)
{
	(void)unused;
	fakes_release();
	batch_release(&batch);
	arena_release(&arena);
	table_unref(table);
	return 0;
}

static void run(void)
{
	struct error err = {0};
	if (!prepare_batch(&prepare, &batch, &err))
		fail_msg("%s", err.text);
	assert_false(batch_has_unchanged(&batch));
}

#define ROW(op, version, id, status, note, body)                                            \
	"{\"op\":\"" op "\",\"version\":\"" #version "\",\"id\":" #id ",\"status\":" status \
	",\"note\":" note ",\"body\":" body "}\n"
#define GONE(op, version, id) "{\"op\":\"" op "\",\"version\":\"" #version "\",\"id\":" #id "}\n"

static void an_earlier_row_of_the_batch_fills(void **unused)
{
	(void)unused;
	add_row(&batch, OP_INSERT, 10, "1", "new", NULL, "one");
	add_row(&batch, OP_INSERT, 11, "2", "new", "n", "two");
	add_row(&batch, OP_UPDATE, 12, "1", "paid", UNCHANGED, UNCHANGED);
	add_row(&batch, OP_UPDATE, 13, "2", "paid", "m", UNCHANGED);
	add_row(&batch, OP_UPDATE, 14, "2", "sent", UNCHANGED, UNCHANGED);
	run();
	assert_rows(&batch, ROW("c", 10, 1, "\"new\"", "null", "\"one\"") ROW("c", 11, 2, "\"new\"",
				    "\"n\"", "\"two\"") ROW("u", 12, 1, "\"paid\"", "null",
				    "\"one\"") ROW("u", 13, 2, "\"paid\"", "\"m\"", "\"two\"")
				    ROW("u", 14, 2, "\"sent\"", "\"m\"", "\"two\""));
	assert_int_equal(fake_source.fetches + fake_sink.fetches, 0);
}

static void the_target_fills_what_the_batch_does_not_have(void **unused)
{
	(void)unused;
	add_row(&fake_sink.rows, OP_INSERT, 5, "1", "old", "n", "one");
	add_row(&fake_source.rows, OP_COPY, 0, "1", "later", "later", "later");
	add_row(&batch, OP_UPDATE, 12, "1", "paid", UNCHANGED, UNCHANGED);
	add_row(&batch, OP_UPDATE, 13, "1", "sent", UNCHANGED, "new");
	add_row(&batch, OP_UPDATE, 14, "1", "back", UNCHANGED, UNCHANGED);
	run();
	assert_rows(&batch, ROW("u", 12, 1, "\"paid\"", "\"n\"", "\"one\"")
				    ROW("u", 13, 1, "\"sent\"", "\"n\"", "\"new\"")
					    ROW("u", 14, 1, "\"back\"", "\"n\"", "\"new\""));
	assert_int_equal(fake_source.fetches, 0);
}

static void a_row_that_the_target_holds_already_is_a_replay(void **unused)
{
	(void)unused;
	add_row(&fake_sink.rows, OP_INSERT, 12, "1", "paid", "n", "one");
	add_row(&fake_sink.rows, OP_INSERT, 99, "2", "later", "n", "two");
	add_row(&batch, OP_UPDATE, 12, "1", "paid", "n", UNCHANGED);
	add_row(&batch, OP_UPDATE, 13, "2", "paid", "n", UNCHANGED);
	add_row(&batch, OP_UPDATE, 14, "1", "sent", "n", UNCHANGED);
	run();
	assert_rows(&batch, ROW("u", 14, 1, "\"sent\"", "\"n\"", "\"one\""));
	assert_int_equal(fake_source.fetches, 0);
}

static void the_source_fills_what_the_target_does_not_have(void **unused)
{
	(void)unused;
	add_row(&fake_source.rows, OP_COPY, 0, "1", "later", NULL, "one");
	add_row(&batch, OP_UPDATE, 12, "1", "paid", UNCHANGED, UNCHANGED);
	run();
	assert_rows(&batch, ROW("u", 12, 1, "\"paid\"", "null", "\"one\""));
	assert_int_equal(fake_source.keys_asked, 1);
}

static void only_rows_with_holes_are_looked_up(void **unused)
{
	(void)unused;
	add_row(&fake_source.rows, OP_COPY, 0, "2", "x", "x", "two");
	add_row(&batch, OP_INSERT, 12, "1", "new", NULL, "one");
	add_row(&batch, OP_UPDATE, 13, "2", "paid", "n", UNCHANGED);
	add_row(&batch, OP_DELETE, 14, "3");
	run();
	assert_int_equal(fake_sink.keys_asked, 1);
	assert_int_equal(fake_source.keys_asked, 1);
	assert_rows(&batch, ROW("c", 12, 1, "\"new\"", "null", "\"one\"") ROW(
				    "u", 13, 2, "\"paid\"", "\"n\"", "\"two\"") GONE("d", 14, 3));
}

/* A source that cannot be asked, as topics are. */
static struct source_ops deaf_ops;

static void make_source_deaf(void)
{
	deaf_ops = fake_source_ops;
	deaf_ops.fetch = NULL;
	source.ops = &deaf_ops;
}

static void where_the_source_cannot_be_asked_only_keys_that_miss_rows_are_not_trusted(void **unused)
{
	(void)unused;
	make_source_deaf();
	add_row(&fake_sink.rows, OP_INSERT, 5, "1", "old", "n", "stale");
	add_row(&fake_sink.rows, OP_INSERT, 6, "2", "old", "n", "two");
	add_row(&fake_sink.rows, OP_INSERT, 9, "3", "old", "n", "three");
	fake_sink.missed_key = "{\"id\":1}";
	fake_sink.missed = 8;
	add_row(&batch, OP_UPDATE, 12, "1", "paid", "n", UNCHANGED);
	add_row(&batch, OP_UPDATE, 12, "2", "paid", "n", UNCHANGED);
	run();
	assert_int_equal(batch.rows, 2);
	assert_int_equal(batch_meta(&batch)[0].op, OP_DELETE);
	assert_int_equal(batch.aside.len, 1);
	assert_string_equal(batch.aside.items[0].key, "{\"id\":1}");
	batch_clear(&batch);
	/* it has the row that came later */
	fake_sink.missed_key = "{\"id\":3}";
	add_row(&batch, OP_UPDATE, 13, "3", "paid", "n", UNCHANGED);
	run();
	assert_rows(&batch, ROW("u", 13, 3, "\"paid\"", "\"n\"", "\"three\""));
}

static void beside_a_row_set_aside_others_of_the_batch_are_filled(void **unused)
{
	const struct set_aside one = {.key = "{\"id\":1}", .row = "{}", .reason = "y"},
			       any = {.key = SET_ASIDE_NO_KEY "\"t\"}", .row = "{}", .reason = "y"};

	(void)unused;
	make_source_deaf();
	add_row(&fake_sink.rows, OP_INSERT, 5, "1", "old", "n", "stale");
	add_row(&fake_sink.rows, OP_INSERT, 6, "2", "old", "n", "two");
	for (int keyless = 0; keyless < 2; keyless++) {
		add_row(&batch, OP_INSERT, 11, "3", "new", "n", "three");
		batch_set_aside(&batch, keyless ? &any : &one);
		add_row(&batch, OP_UPDATE, 12, "1", "paid", "n", UNCHANGED);
		add_row(&batch, OP_UPDATE, 12, "2", "paid", "n", UNCHANGED);
		add_row(&batch, OP_UPDATE, 12, "3", "paid", "n", UNCHANGED);
		run();
		assert_int_equal(batch.rows, 4);
		for (size_t row = 1; row < 4; row++)
			assert_int_equal(batch_meta(&batch)[row].op,
				keyless || row == 1 ? OP_DELETE : OP_UPDATE);
		assert_int_equal(batch.aside.len, keyless ? 4 : 2);
		batch_clear(&batch);
	}
}

/* Who reads the log knows the value of a key's row before, but not of a key that is new. */
static void a_log_is_told_the_values_of_a_row_whose_key_changed(void **unused)
{
	struct error err = {0};
	size_t len;

	(void)unused;
	prepare.unchanged = UNCHANGED_PASS;
	add_row(&fake_source.rows, OP_COPY, 0, "2", "x", "n", "two");
	add_row(&fake_source.rows, OP_COPY, 0, "3", "x", "n", "three");
	add_row(&batch, OP_KEY_CHANGED, 12, "1");
	add_row(&batch, OP_UPDATE, 12, "2", "paid", "n", UNCHANGED);
	add_row(&batch, OP_UPDATE, 13, "3", "paid", "n", UNCHANGED);
	assert_true(prepare_batch(&prepare, &batch, &err));
	assert_int_equal(fake_source.keys_asked, 1);
	assert_false(column_is_unchanged(&batch.columns[3], 1));
	assert_memory_equal(column_string(&batch.columns[3], 1, &len), "two", 3);
	assert_true(column_is_unchanged(&batch.columns[3], 2));
}

/* The row set aside may be of this very key: neither the batch nor the target has the value before this one. */
static void a_row_set_aside_sends_the_batch_to_the_source(void **unused)
{
	(void)unused;
	add_row(&fake_sink.rows, OP_INSERT, 5, "1", "old", "stale", "stale");
	add_row(&fake_source.rows, OP_COPY, 0, "1", "now", "n", "now");
	add_row(&batch, OP_INSERT, 11, "1", "new", "n", "stale");
	batch_set_aside(
		&batch, &(struct set_aside){
				.key = "{\"id\":1}", .row = "{}", .column = "x", .reason = "y"});
	add_row(&batch, OP_UPDATE, 13, "1", "paid", "n", UNCHANGED);
	run();
	assert_int_equal(fake_sink.fetches, 0);
	assert_int_equal(batch.rows, 2);
	size_t len;
	assert_memory_equal(column_string(&batch.columns[3], 1, &len), "now", 3);
}

static void a_row_gone_from_the_source_leaves_latest(void **unused)
{
	(void)unused;
	add_row(&batch, OP_UPDATE, 12, "1", "paid", "n", UNCHANGED);
	add_row(&batch, OP_INSERT, 13, "2", "new", "n", "two");
	run();
	assert_rows(&batch, ROW("c", 13, 2, "\"new\"", "\"n\"", "\"two\""));
	assert_int_equal(batch.aside.len, 0);
}

static void a_row_gone_from_the_source_is_set_aside_in_history(void **unused)
{
	(void)unused;
	tear_down(NULL);
	begin(KEEP_HISTORY, RULE_HASH);
	table->columns[1].name = "sta\"tus"; /* the table's own text goes with its arena */
	add_row(&batch, OP_UPDATE, 12, "1", "paid", "n", UNCHANGED);
	run();
	assert_rows(&batch,
		GONE("d", 12,
			1) "{\"op\":\"u\",\"version\":\"12\",\"column\":\"body\",\"reason\":\"the "
			   "update left this large value "
			   "unchanged, so the log does not carry it, and the row is gone from the "
			   "source\",\"key\":{\"id\":1},"
			   "\"row\":{\"id\":1,\"sta\\\"tus\":\"paid\",\"note\":\"...\"}}\n");
}

static void a_delete_ends_what_came_before_it(void **unused)
{
	(void)unused;
	add_row(&fake_source.rows, OP_COPY, 0, "1", "now", "n", "second life");
	add_row(&batch, OP_INSERT, 10, "1", "new", "n", "first life");
	add_row(&batch, OP_DELETE, 11, "1");
	/* the log would begin the second life with an insert; a hole must all the same not reach over the delete */
	add_row(&batch, OP_UPDATE, 13, "1", "paid", "n", UNCHANGED);
	run();
	assert_rows(&batch, ROW("c", 10, 1, "\"new\"", "\"n\"", "\"first life\"") GONE("d", 11, 1)
				    ROW("u", 13, 1, "\"paid\"", "\"n\"", "\"second life\""));
}

static void a_key_change_is_filled_from_the_old_key(void **unused)
{
	(void)unused;
	add_row(&batch, OP_INSERT, 10, "1", "new", "n", "one");
	add_row(&batch, OP_INSERT, 11, "2", "new", "n", "two");
	add_row(&batch, OP_DELETE, 12, "2");
	add_row(&batch, OP_KEY_CHANGED, 13, "1");
	add_row(&batch, OP_UPDATE, 13, "2", "moved", UNCHANGED, UNCHANGED);
	add_row(&batch, OP_UPDATE, 14, "2", "paid", UNCHANGED, UNCHANGED);
	run();
	assert_rows(&batch, ROW("c", 10, 1, "\"new\"", "\"n\"", "\"one\"") ROW("c", 11, 2,
				    "\"new\"", "\"n\"", "\"two\"") GONE("d", 12, 2) GONE("k", 13, 1)
				    ROW("u", 13, 2, "\"moved\"", "\"n\"", "\"one\"")
					    ROW("u", 14, 2, "\"paid\"", "\"n\"", "\"one\""));
}

static void two_keys_that_swap_are_filled_each_from_its_own(void **unused)
{
	(void)unused;
	add_row(&fake_sink.rows, OP_INSERT, 5, "1", "old", "n", "one");
	add_row(&fake_sink.rows, OP_INSERT, 6, "2", "old", "n", "two");
	add_row(&fake_source.rows, OP_COPY, 0, "1", "moved", "n", "two");
	add_row(&fake_source.rows, OP_COPY, 0, "2", "moved", "n", "one");
	add_row(&batch, OP_KEY_CHANGED, 13, "1");
	add_row(&batch, OP_UPDATE, 13, "3", "moved", "n", UNCHANGED);
	add_row(&batch, OP_KEY_CHANGED, 14, "2");
	add_row(&batch, OP_UPDATE, 14, "1", "moved", "n", UNCHANGED);
	add_row(&batch, OP_KEY_CHANGED, 15, "3");
	add_row(&batch, OP_UPDATE, 15, "2", "moved", "n", UNCHANGED);
	run();
	assert_rows(&batch,
		GONE("k", 13, 1) ROW("u", 13, 3, "\"moved\"", "\"n\"", "\"one\"") GONE("k", 14, 2)
			ROW("u", 14, 1, "\"moved\"", "\"n\"", "\"two\"") GONE("k", 15, 3)
				ROW("u", 15, 2, "\"moved\"", "\"n\"", "\"one\""));
}

static void a_key_change_looks_for_the_old_key_in_the_target_and_the_new_one_in_the_source(
	void **unused)
{
	(void)unused;
	add_row(&fake_sink.rows, OP_INSERT, 5, "1", "old", "n", "one");
	add_row(&fake_sink.rows, OP_INSERT, 6, "4", "another row of that key", "n", "wrong");
	add_row(&fake_source.rows, OP_COPY, 0, "3", "now", "n", "three");
	add_row(&fake_source.rows, OP_COPY, 0, "8", "a new row of the old key", "n", "wrong");
	add_row(&batch, OP_KEY_CHANGED, 13, "1");
	add_row(&batch, OP_UPDATE, 13, "4", "moved", "n", UNCHANGED);
	add_row(&batch, OP_KEY_CHANGED, 14, "8");
	add_row(&batch, OP_UPDATE, 14, "3", "moved", "n", UNCHANGED);
	run();
	assert_rows(&batch, GONE("k", 13, 1) ROW("u", 13, 4, "\"moved\"", "\"n\"", "\"one\"") GONE(
				    "k", 14, 8) ROW("u", 14, 3, "\"moved\"", "\"n\"", "\"three\""));
}

static void a_key_change_that_is_replayed_is_dropped(void **unused)
{
	(void)unused;
	add_row(&fake_sink.rows, OP_UPDATE, 13, "2", "moved", "n", "one");
	add_row(&batch, OP_KEY_CHANGED, 13, "1");
	add_row(&batch, OP_UPDATE, 13, "2", "moved", "n", UNCHANGED);
	run();
	assert_rows(&batch, GONE("k", 13, 1));
	assert_int_equal(fake_source.fetches, 0);
}

static void filled_values_have_been_through_the_rules_once(void **unused)
{
	(void)unused;
	tear_down(NULL);
	begin(KEEP_LATEST, RULE_MASK);
	add_row(&fake_sink.rows, OP_INSERT, 5, "1", "old", "****5678", "one");
	add_row(&fake_source.rows, OP_COPY, 0, "2", "now", "12341234", "two");
	add_row(&batch, OP_UPDATE, 12, "1", "paid", UNCHANGED, "b");
	add_row(&batch, OP_UPDATE, 13, "2", "paid", UNCHANGED, "b");
	add_row(&batch, OP_INSERT, 14, "3", "new", "99999999", "b");
	add_row(&batch, OP_UPDATE, 15, "3", "paid", UNCHANGED, "b");
	run();
	assert_rows(&batch,
		ROW("u", 12, 1, "\"paid\"", "\"****5678\"", "\"b\"") ROW("u", 13, 2, "\"paid\"",
			"\"****1234\"", "\"b\"") ROW("c", 14, 3, "\"new\"", "\"****9999\"", "\"b\"")
			ROW("u", 15, 3, "\"paid\"", "\"****9999\"", "\"b\""));
}

static void a_failed_lookup_fails_the_batch_and_it_can_be_tried_again(void **unused)
{
	(void)unused;
	struct error err = {0};

	add_row(&fake_source.rows, OP_COPY, 0, "1", "now", "n", "one");
	add_row(&batch, OP_UPDATE, 12, "1", "paid", "n", UNCHANGED);
	fake_sink.failures = 1;
	assert_false(prepare_batch(&prepare, &batch, &err));
	assert_int_equal(err.kind, ERROR_RETRY);
	assert_string_equal(
		err.text, "looking up unchanged values in the target: the connection was closed");
	fake_source.failures = 1;
	assert_false(prepare_batch(&prepare, &batch, &err));
	assert_int_equal(err.kind, ERROR_RETRY);
	run();
	assert_rows(&batch, ROW("u", 12, 1, "\"paid\"", "\"n\"", "\"one\""));
}

/* A batch tried again must not go through the rules again: the hash of a hash is another value. */
static void a_batch_tried_again_has_its_rules_applied_once(void **unused)
{
	(void)unused;
	struct error err = {0};

	tear_down(NULL);
	begin(KEEP_LATEST, RULE_HASH);
	add_row(&fake_source.rows, OP_COPY, 0, "1", "now", "n", "one");
	add_row(&batch, OP_UPDATE, 12, "1", "paid", "abc", UNCHANGED);
	fake_source.failures = 1;
	assert_false(prepare_batch(&prepare, &batch, &err));
	run();
	assert_rows(&batch,
		ROW("u", 12, 1, "\"paid\"",
			"\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"",
			"\"one\""));
}

static void a_value_that_a_rule_replaces_is_not_looked_up(void **unused)
{
	(void)unused;
	tear_down(NULL);
	begin(KEEP_LATEST, RULE_NULL);
	add_row(&batch, OP_UPDATE, 12, "1", "paid", UNCHANGED, "b");
	run();
	assert_rows(&batch, ROW("u", 12, 1, "\"paid\"", "null", "\"b\""));
	assert_int_equal(fake_source.fetches + fake_sink.fetches, 0);
}

static void filter_by(const char *where)
{
	struct error err = {0};

	prepare.filter = filter_compile(where, table, &arena, &err);
	assert_non_null(prepare.filter);
}

static void a_filter_makes_tombstones_of_updates_that_leave_it(void **unused)
{
	(void)unused;
	filter_by("status <> 'draft' and body <> 'secret'");
	add_row(&fake_sink.rows, OP_INSERT, 5, "4", "new", "n", "secret");
	add_row(&batch, OP_INSERT, 10, "1", "new", "n", "b");
	add_row(&batch, OP_INSERT, 11, "2", "draft", "n", "b");
	add_row(&batch, OP_UPDATE, 12, "1", "draft", "n", "b");
	add_row(&batch, OP_UPDATE, 13, "3", NULL, "n", "b");
	add_row(&batch, OP_UPDATE, 14, "4", "new", "n", UNCHANGED);
	add_row(&batch, OP_COPY, 0, "5", "draft", "n", "b");
	add_row(&batch, OP_DELETE, 15, "2");
	run();
	assert_rows(&batch,
		ROW("c", 10, 1, "\"new\"", "\"n\"", "\"b\"") GONE("d", 12, 1) GONE("d", 13, 3) GONE(
			"d", 14, 4) ROW("r", 0, 5, "\"draft\"", "\"n\"", "\"b\"") GONE("d", 15, 2));
}

static void a_row_outside_the_filter_needs_no_value(void **unused)
{
	static const enum keep keeps[] = {KEEP_LATEST, KEEP_HISTORY, KEEP_BOTH};

	(void)unused;
	for (size_t i = 0; i < 2 * COUNT_OF(keeps); i++) {
		tear_down(NULL);
		begin(keeps[i / 2], RULE_HASH);
		if (i % 2)
			make_source_deaf();
		filter_by("status = 'paid' and body <> 'secret'");
		add_row(&batch, OP_UPDATE, 12, "1", "draft", "n", UNCHANGED);
		add_row(&batch, OP_UPDATE, 13, "1", NULL, UNCHANGED, UNCHANGED);
		add_row(&batch, OP_KEY_CHANGED, 14, "2");
		add_row(&batch, OP_UPDATE, 14, "3", "draft", "n", UNCHANGED);
		add_row(&batch, OP_INSERT, 15, "4", "draft", "n", UNCHANGED);
		run();
		assert_rows(&batch,
			GONE("d", 12, 1) GONE("d", 13, 1) GONE("k", 14, 2) GONE("d", 14, 3));
		assert_int_equal(fake_source.fetches + fake_sink.fetches, 0);
	}
}

static void a_row_that_may_be_within_the_filter_is_looked_up(void **unused)
{
	(void)unused;
	tear_down(NULL);
	begin(KEEP_BOTH, RULE_NONE);
	filter_by("status = 'paid' or body <> 'secret'");
	add_row(&fake_sink.rows, OP_INSERT, 5, "1", "paid", "n", "secret");
	add_row(&fake_sink.rows, OP_INSERT, 6, "2", "paid", "n", "two");
	add_row(&batch, OP_UPDATE, 12, "1", "draft", "n", UNCHANGED);
	add_row(&batch, OP_UPDATE, 13, "2", "draft", "n", UNCHANGED);
	run();
	assert_rows(&batch, GONE("d", 12, 1) ROW("u", 13, 2, "\"draft\"", "\"n\"", "\"two\""));
	batch_clear(&batch);
	add_row(&batch, OP_UPDATE, 14, "3", "draft", "n", UNCHANGED);
	run();
	assert_int_equal(batch_meta(&batch)[0].op, OP_DELETE);
	assert_int_equal(batch.aside.len, 1);
}

/* The source tells no rows outside the filter: this update may be what took the row out, and no other follows. */
static void a_row_that_leaves_the_filter_goes_though_its_value_is_nowhere(void **unused)
{
	static const char *const filters[] = {"status = 'paid'", "status = 'paid' or body = 'x'"};

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(filters); i++) {
		filter_by(filters[i]);
		batch_clear(&batch);
		batch_set_aside(&batch,
			&(struct set_aside){
				.key = "{\"id\":9}", .row = "{}", .column = "x", .reason = "y"});
		add_row(&fake_sink.rows, OP_INSERT, 5, "1", "paid", "n", "one");
		add_row(&batch, OP_UPDATE, 12, "1", "draft", "n", UNCHANGED);
		run();
		assert_int_equal(batch.rows, 1);
		assert_int_equal(batch_meta(&batch)[0].op, OP_DELETE);
		assert_int_equal(batch.aside.len, 1);
	}
}

static void a_row_outside_the_filter_still_tells_where_values_come_from(void **unused)
{
	(void)unused;
	filter_by("status <> 'draft'");
	add_row(&fake_sink.rows, OP_INSERT, 5, "1", "old", "n", "first stay");
	add_row(&fake_sink.rows, OP_INSERT, 6, "2", "old", "n", "two");
	add_row(&fake_sink.rows, OP_INSERT, 7, "3", "old", "n", "three");
	add_row(&fake_source.rows, OP_COPY, 0, "1", "now", "n", "now");
	add_row(&batch, OP_DELETE, 11, "1");
	add_row(&batch, OP_INSERT, 12, "1", "draft", "n", UNCHANGED);
	add_row(&batch, OP_UPDATE, 13, "1", "paid", "n", UNCHANGED);
	add_row(&batch, OP_UPDATE, 14, "2", "draft", "n", UNCHANGED);
	add_row(&batch, OP_UPDATE, 15, "2", "paid", "n", UNCHANGED);
	add_row(&batch, OP_KEY_CHANGED, 16, "3");
	add_row(&batch, OP_UPDATE, 16, "4", "draft", "n", UNCHANGED);
	add_row(&batch, OP_UPDATE, 17, "4", "paid", "n", UNCHANGED);
	run();
	assert_rows(&batch,
		GONE("d", 11, 1) ROW("u", 13, 1, "\"paid\"", "\"n\"", "\"now\"") GONE("d", 14, 2)
			ROW("u", 15, 2, "\"paid\"", "\"n\"", "\"two\"") GONE("k", 16, 3)
				GONE("d", 16, 4) ROW("u", 17, 4, "\"paid\"", "\"n\"", "\"three\""));
}

/* A log takes the row without its value, but not one that the filter does not. */
static void a_log_is_told_of_a_row_as_far_as_the_filter_is_known_to_take_it(void **unused)
{
	struct error err = {0};

	(void)unused;
	prepare.unchanged = UNCHANGED_TRY;
	filter_by("status = 'paid' or body <> 'secret'");
	add_row(&batch, OP_UPDATE, 12, "1", "paid", "n", UNCHANGED);
	add_row(&batch, OP_UPDATE, 13, "2", "draft", "n", UNCHANGED);
	assert_true(prepare_batch(&prepare, &batch, &err));
	assert_int_equal(batch_meta(&batch)[0].op, OP_UPDATE);
	assert_true(column_is_unchanged(&batch.columns[3], 0));
	assert_int_equal(
		batch_meta(&batch)[1].op, OP_DELETE); /* the source has no such row within */
	batch_clear(&batch);
	make_source_deaf();
	add_row(&batch, OP_UPDATE, 14, "2", "draft", "n", UNCHANGED);
	assert_true(prepare_batch(&prepare, &batch, &err));
	assert_int_equal(batch_meta(&batch)[0].op, OP_UPDATE);
}

/* What stays in a server's filter comes as an update, what enters it as an insert, without its large values. */
static void a_row_that_enters_takes_no_value_from_an_earlier_stay(void **unused)
{
	(void)unused;
	add_row(&fake_sink.rows, OP_INSERT, 5, "1", "old", "n", "first stay");
	add_row(&fake_sink.rows, OP_INSERT, 6, "2", "old", "n", "first stay");
	add_row(&fake_source.rows, OP_COPY, 0, "1", "now", "n", "now");
	add_row(&fake_source.rows, OP_COPY, 0, "2", "now", "n", "now");
	add_row(&batch, OP_DELETE, 11, "1");
	add_row(&batch, OP_INSERT, 12, "1", "back", "n", UNCHANGED);
	add_row(&batch, OP_UPDATE, 13, "1", "paid", "n", UNCHANGED);
	add_row(&batch, OP_UPDATE, 14, "2", "paid", "n", UNCHANGED);
	run();
	assert_rows(&batch, GONE("d", 11, 1) ROW("c", 12, 1, "\"back\"", "\"n\"", "\"now\"")
				    ROW("u", 13, 1, "\"paid\"", "\"n\"", "\"now\"")
					    ROW("u", 14, 2, "\"paid\"", "\"n\"", "\"first stay\""));
}

static void a_row_that_moved_to_a_key_takes_nothing_of_who_had_it_before(void **unused)
{
	(void)unused;
	add_row(&fake_sink.rows, OP_INSERT, 5, "1", "old", "n", "one");
	add_row(&fake_sink.rows, OP_INSERT, 6, "2", "old", "n", "two");
	add_row(&batch, OP_DELETE, 12, "2");
	add_row(&batch, OP_KEY_CHANGED, 13, "1");
	add_row(&batch, OP_UPDATE, 13, "2", "moved", "n", UNCHANGED);
	add_row(&batch, OP_UPDATE, 14, "2", "paid", "n", UNCHANGED);
	run();
	assert_rows(&batch, GONE("d", 12, 2) GONE("k", 13, 1) ROW("u", 13, 2, "\"moved\"", "\"n\"",
				    "\"one\"") ROW("u", 14, 2, "\"paid\"", "\"n\"", "\"one\""));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_earlier_row_of_the_batch_fills),
		TEST(the_target_fills_what_the_batch_does_not_have),
		TEST(a_row_that_the_target_holds_already_is_a_replay),
		TEST(the_source_fills_what_the_target_does_not_have),
		TEST(only_rows_with_holes_are_looked_up),
		TEST(where_the_source_cannot_be_asked_only_keys_that_miss_rows_are_not_trusted),
		TEST(beside_a_row_set_aside_others_of_the_batch_are_filled),
		TEST(a_log_is_told_the_values_of_a_row_whose_key_changed),
		TEST(a_row_set_aside_sends_the_batch_to_the_source),
		TEST(a_row_gone_from_the_source_leaves_latest),
		TEST(a_row_gone_from_the_source_is_set_aside_in_history),
		TEST(a_delete_ends_what_came_before_it),
		TEST(a_key_change_is_filled_from_the_old_key),
		TEST(two_keys_that_swap_are_filled_each_from_its_own),
		TEST(a_key_change_looks_for_the_old_key_in_the_target_and_the_new_one_in_the_source),
		TEST(a_key_change_that_is_replayed_is_dropped),
		TEST(filled_values_have_been_through_the_rules_once),
		TEST(a_failed_lookup_fails_the_batch_and_it_can_be_tried_again),
		TEST(a_batch_tried_again_has_its_rules_applied_once),
		TEST(a_value_that_a_rule_replaces_is_not_looked_up),
		TEST(a_filter_makes_tombstones_of_updates_that_leave_it),
		TEST(a_row_outside_the_filter_needs_no_value),
		TEST(a_row_that_may_be_within_the_filter_is_looked_up),
		TEST(a_row_that_leaves_the_filter_goes_though_its_value_is_nowhere),
		TEST(a_row_outside_the_filter_still_tells_where_values_come_from),
		TEST(a_log_is_told_of_a_row_as_far_as_the_filter_is_known_to_take_it),
		TEST(a_row_that_enters_takes_no_value_from_an_earlier_stay),
		TEST(a_row_that_moved_to_a_key_takes_nothing_of_who_had_it_before),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
