/* Tables of the ClickHouse sink, on a real server: columns that are added, renamed, dropped and
 * widened, generations that take each other's place, names that are taken; and a kill at every
 * step of it. */
#include "fixture.h"

static const struct column_spec small[] = {
	{1, "id", "int64!"}, {2, "a", "int32"}, {3, "b", "nullable(string)"}, {0}};

struct change {
	struct landing landing;
	struct table *old;
};

static void evolve(struct fixture *f, void *context)
{
	struct change *c = context;
	bool in_place = false;

	WORKS(f->sink->ops->evolve(f->sink, &c->landing, c->old, &in_place, &err));
	assert_true(in_place);
}

/* Makes the storage of `old` with one row, and lets it follow to `now`, killed at each step. */
static void follow(struct fixture *f, struct table *old, struct table *now,
	const char *const *values, int steps)
{
	struct change c = {.landing = {.table = now, .generation = 1}, .old = old};
	struct batch b;

	attach(f, &(struct landing){.table = old, .generation = 1});
	batch_init(&b, old);
	add_row(&b, OP_INSERT, version_make(1, 1, 0), values);
	write_rows(f, &c.landing, &b);
	assert_int_equal(crash_after_each(f, "clickhouse.altered", evolve, &c), steps);
	batch_release(&b);
}

static void added_columns_have_the_missing_value_in_older_rows(void **state)
{
	struct fixture *f = *state;
	struct table *old = table_of(f, KEEP_BOTH, small);
	struct table *now = TABLE(f, KEEP_BOTH, {1, "id", "int64!"}, {2, "a", "int32"},
		{3, "b", "nullable(string)"}, {4, "c", "nullable(int32)"},
		{5, "d", "int64", "-9223372036854775808"},
		{6, "e", "decimal(40,5)", "12345678901234567890123.45600"},
		{7, "f", "timestamptz", "\"2020-01-01T10:11:12.123456Z\""},
		{8, "g", "timestamp", "\"1969-12-31T23:59:59.5\""},
		{9, "h", "date", "\"1950-02-03\""},
		{10, "i", "uuid", "\"00112233-4455-6677-8899-aabbccddeeff\""},
		{11, "j", "nullable(string)", "\"it's \\\\ \\\"x\\\"\\n\""},
		{12, "k", "symbol", "\"new\""}, {13, "l", "bool", "true"},
		{14, "m", "array(nullable(decimal(20,3)))", "[1234567890123456.789,null]"},
		{15, "n", "array(nullable(string))", "[\"a\",null]"},
		{16, "o", "map", "{\"k\":\"v\",\"n\":null}"}, {17, "p", "point", "[1.5,2]"},
		{18, "q", "float64", "\"Infinity\""}, {19, "r", "nullable(int32)", "null"});

	follow(f, old, now, (const char *const[]){"1", "2", "x"}, 32);
	for (int log = 0; log < 2; log++)
		assert_answer(f,
			log ? "SELECT * EXCEPT(_op, _version, _commit_lsn, _commit_time, _xid) "
			      "FROM {db}.orders_log FORMAT CSV"
			    : "SELECT * FROM {db}.orders FORMAT CSV",
			"1,2,\"x\",\\N,-9223372036854775808,12345678901234567890123.456,\"2020-01-"
			"01 10:11:12.123456\","
			"\"1969-12-31 "
			"23:59:59.500000\",\"1950-02-03\",\"00112233-4455-6677-8899-aabbccddeeff\","
			"\"it's \\ "
			"\"\"x\"\"\n\",\"new\",true,\"[1234567890123456.789,NULL]\",\"['a',NULL]\","
			"\"{'k':'v','n':NULL}\","
			"1.5,2,inf,\\N");
	table_unref(old);
	table_unref(now);
}

static void names_swapped_follow_their_columns(void **state)
{
	struct fixture *f = *state;
	struct table *old = TABLE(f, KEEP_LATEST, {1, "id", "int64!"}, {2, "a", "string"},
		{3, "b", "string"}, {4, "c", "string"});
	struct table *now = TABLE(f, KEEP_LATEST, {1, "id", "int64!"}, {2, "b", "string"},
		{3, "c", "string"}, {4, "a", "string"});

	follow(f, old, now, (const char *const[]){"1", "was a", "was b", "was c"}, 6);
	assert_answer(f, "SELECT a, b, c FROM {db}.orders", "was c\twas a\twas b");
	assert_answer(f, "DESCRIBE TABLE {db}.orders FORMAT TSV",
		"id\tInt64\t\t\t\t\t\nb\tString\t\t\t\t\t\nc\tString\t\t\t\t\t\na\tString\t\t\t\t"
		"\t");
	table_unref(old);
	table_unref(now);
}

static void a_dropped_column_keeps_its_data_and_its_name_can_come_again(void **state)
{
	struct fixture *f = *state;
	struct table *first = table_of(f, KEEP_LATEST, small);
	struct table *second = TABLE(
		f, KEEP_LATEST, {1, "id", "int64!"}, {3, "b", "nullable(string)"});
	struct table *third = TABLE(f, KEEP_LATEST, {1, "id", "int64!"},
		{3, "b", "nullable(string)"}, {4, "a", "nullable(string)"});
	struct change again = {.landing = {.table = third, .generation = 1}, .old = second};
	struct batch b;

	follow(f, first, second, (const char *const[]){"1", "42", "x"}, 2);
	assert_answer(f, "SELECT * FROM {db}.orders", "1\tx");
	assert_answer(f, "SELECT a__dropped_2 FROM {cdc}.orders", "42");
	assert_non_null(strstr(ask(f, "SHOW CREATE TABLE {cdc}.orders FORMAT TSVRaw"),
		"\"type\":\"int32\",\"dropped\":\"20"));
	evolve(f, &again);
	batch_init(&b, third);
	ROW(&b, OP_INSERT, version_make(1, 2, 0), "2", "y", "now text");
	write_rows(f, &again.landing, &b);
	assert_answer(f, "SELECT * FROM {db}.orders ORDER BY id", "1\tx\t\\N\n2\ty\tnow text");
	batch_release(&b);
	table_unref(first);
	table_unref(second);
	table_unref(third);
}

static void widened_columns_keep_their_values(void **state)
{
	struct fixture *f = *state;
	struct table *old = TABLE(f, KEEP_BOTH, {1, "id", "int64!"}, {2, "a", "int32"},
		{3, "b", "decimal(9,2)"}, {4, "c", "symbol"}, {5, "d", "string"});
	struct table *now = TABLE(f, KEEP_BOTH, {1, "id", "int64!"}, {2, "a", "nullable(int64)"},
		{3, "b", "decimal(20,4)"}, {4, "c", "string"}, {5, "d", "nullable(string)"});

	follow(f, old, now, (const char *const[]){"1", "-7", "150", "new", "x"}, 8);
	assert_answer(f,
		"SELECT *, toTypeName(a), toTypeName(b), toTypeName(c), toTypeName(d) FROM "
		"{db}.orders",
		"1\t-7\t1.5\tnew\tx\tNullable(Int64)\tDecimal(20, 4)\tString\tNullable(String)");
	table_unref(old);
	table_unref(now);
}

static void a_column_that_no_longer_takes_null_stays_as_it_is_and_is_read(void **state)
{
	struct fixture *f = *state;
	struct table *old = table_of(f, KEEP_LATEST, small);
	struct table *now = TABLE(
		f, KEEP_LATEST, {1, "id", "int64!"}, {2, "a", "int32"}, {3, "b", "string"});
	struct landing landing = {.table = now, .generation = 1};
	struct batch b, out;

	follow(f, old, now, (const char *const[]){"1", "2", "x"}, 0);
	batch_init(&b, now);
	batch_init(&out, now);
	ROW(&b, OP_INSERT, version_make(1, 2, 0), "2", "3", "y");
	write_rows(f, &landing, &b);
	WORKS(f->sink->ops->scan(f->sink, &landing, &(struct scan_range){.limit = 9}, &out, &err));
	assert_int_equal(out.rows, 2);
	batch_release(&b);
	batch_release(&out);
	table_unref(old);
	table_unref(now);
}

static void expect_not_in_place(struct fixture *f, struct table *old, struct table *now)
{
	struct landing landing = {.table = now, .generation = 1};
	bool in_place = true;

	WORKS(f->sink->ops->evolve(f->sink, &landing, old, &in_place, &err));
	assert_false(in_place);
	table_unref(now);
}

static void evolve_to(struct fixture *f, struct table *old, struct table *now)
{
	evolve(f, &(struct change){.landing = {.table = now, .generation = 1}, .old = old});
}

static void a_column_that_came_to_take_less_and_then_widens_holds_what_it_held(void **state)
{
	struct fixture *f = *state;
	struct table *first = TABLE(f, KEEP_LATEST, {1, "id", "int64!"},
		{2, "a", "nullable(int32)"}, {3, "b", "nullable(decimal(10,4))"},
		{4, "c", "nullable(symbol)"}, {5, "d", "array(nullable(int64))"},
		{6, "e", "nullable(timestamp)"}, {7, "f", "float64"});
	struct table *less = TABLE(f, KEEP_LATEST, {1, "id", "int64!"}, {2, "a", "int16"},
		{3, "b", "decimal(8,2)"}, {4, "c", "symbol"}, {5, "d", "array(int32)"},
		{6, "e", "timestamp"}, {7, "f", "int16"});
	struct table *wider = TABLE(f, KEEP_LATEST, {1, "id", "int64!"}, {2, "a", "int64"},
		{3, "b", "decimal(12,2)"}, {4, "c", "string"}, {5, "d", "array(int64)"},
		{6, "e", "timestamp"}, {7, "f", "int32"});

	attach(f, &(struct landing){.table = first, .generation = 1});
	ask(f, "INSERT INTO {cdc}.orders (id, b, d, f) VALUES (1, 1.2345, [1, NULL], 1.5)");
	evolve_to(f, first, less);
	evolve_to(f, less, wider);
	assert_answer(f,
		"SELECT arrayStringConcat([toTypeName(a), toTypeName(b), toTypeName(c), "
		"toTypeName(d), toTypeName(e), toTypeName(f)], '; ') FROM {db}.orders",
		"Nullable(Int64); Nullable(Decimal(14, 4)); Nullable(String); "
		"Array(Nullable(Int64)); Nullable(DateTime64(6)); Float64");
	assert_answer(f, "SELECT * FROM {db}.orders", "1\t\\N\t1.2345\t\\N\t[1,NULL]\t\\N\t1.5");
	table_unref(first);
	table_unref(less);
	table_unref(wider);
}

static void what_holds_values_that_the_wider_type_does_not_is_not_followed_in_place(void **state)
{
	struct fixture *f = *state;
	struct table *first = TABLE(f, KEEP_LATEST, {1, "id", "int64!"}, {2, "a", "float64"});
	struct table *less = TABLE(f, KEEP_LATEST, {1, "id", "int64!"}, {2, "a", "int32"});

	attach(f, &(struct landing){.table = first, .generation = 1});
	ask(f, "INSERT INTO {cdc}.orders (id, a) VALUES (1, 1.5)");
	evolve_to(f, first, less);
	expect_not_in_place(f, less, TABLE(f, KEEP_LATEST, {1, "id", "int64!"}, {2, "a", "int64"}));
	assert_answer(f, "SELECT a, toTypeName(a) FROM {db}.orders", "1.5\tFloat64");
	table_unref(first);
	table_unref(less);
}

static void a_dropped_column_that_comes_again_is_shown_with_what_it_held(void **state)
{
	struct fixture *f = *state;
	struct table *first = TABLE(
		f, KEEP_BOTH, {1, "id", "int64!"}, {2, "a", "int32"}, {3, "b", "nullable(string)"});
	struct table *without = TABLE(f, KEEP_BOTH, {1, "id", "int64!"});
	struct table *again = TABLE(
		f, KEEP_BOTH, {1, "id", "int64!"}, {3, "b", "nullable(string)"}, {2, "a", "int64"});
	struct table *other = TABLE(f, KEEP_BOTH, {1, "id", "int64!"}, {2, "a", "timestamp"});

	attach(f, &(struct landing){.table = first, .generation = 1});
	ask(f, "INSERT INTO {cdc}.orders (id, a, b) VALUES (1, 42, 'x')");
	evolve_to(f, first, without);
	assert_answer(f, "SELECT * FROM {db}.orders", "1");
	expect_not_in_place(f, without, other);
	evolve_to(f, without, again);
	assert_answer(f, "SELECT b, a, toTypeName(a) FROM {db}.orders", "x\t42\tInt64");
	assert_null(strstr(ask(f, "SHOW CREATE TABLE {cdc}.orders FORMAT TSVRaw"), "dropped"));
	table_unref(first);
	table_unref(without);
	table_unref(again);
}

static void what_cannot_be_followed_in_place_is_left_alone(void **state)
{
	struct fixture *f = *state;
	struct table *old = table_of(f, KEEP_LATEST, small);

	attach(f, &(struct landing){.table = old, .generation = 1});
	char *before = arena_strdup(&f->arena, ask(f, "SHOW CREATE TABLE {cdc}.orders"));
	expect_not_in_place(f, old, TABLE(f, KEEP_LATEST, {1, "key", "int64!"}, {2, "a", "int32"}));
	expect_not_in_place(
		f, old, TABLE(f, KEEP_LATEST, {1, "id", "decimal(30,0)!"}, {2, "a", "int32"}));
	expect_not_in_place(f, old, TABLE(f, KEEP_LATEST, {1, "id", "int64!"}, {2, "a", "int32!"}));
	expect_not_in_place(f, old, TABLE(f, KEEP_LATEST, {1, "id", "int64!"}, {2, "a", "uuid"}));
	assert_answer(f, "SHOW CREATE TABLE {cdc}.orders", before);
	table_unref(old);
}

/* A chunk of a copy, or a replay, may still have the definition from before. */
static void rows_of_an_older_definition_go_where_they_belong(void **state)
{
	struct fixture *f = *state;
	struct table *old = table_of(f, KEEP_LATEST, small);
	struct table *now = TABLE(f, KEEP_LATEST, {1, "id", "int64!"}, {2, "renamed", "int64"},
		{4, "b", "int32", "7"});
	struct landing landing = {.table = old, .generation = 1};
	struct batch b;

	follow(f, old, now, (const char *const[]){"1", "2", "x"}, 5);
	batch_init(&b, old);
	ROW(&b, OP_COPY, version_copied(1), "2", "3", "gone");
	write_rows(f, &landing, &b);
	attach(f, &landing);
	assert_answer(f, "SELECT * FROM {db}.orders ORDER BY id", "1\t2\t7\n2\t3\t7");
	batch_release(&b);
	table_unref(old);
	table_unref(now);
}

static void a_storage_without_a_column_of_the_rows_says_so(void **state)
{
	struct fixture *f = *state;
	struct table *t = table_of(f, KEEP_LATEST, small);
	struct table *wider = TABLE(f, KEEP_LATEST, {1, "id", "int64!"}, {9, "new", "int32"});
	struct landing landing = {.table = wider, .generation = 1};
	struct error refused = {0};
	struct batch b;

	attach(f, &(struct landing){.table = t, .generation = 1});
	batch_init(&b, wider);
	ROW(&b, OP_INSERT, version_make(1, 1, 0), "1", "2");
	assert_false(f->sink->ops->write(f->sink, &landing, &b, &refused));
	assert_int_equal(refused.kind, ERROR_TABLE);
	assert_non_null(strstr(refused.text, "no column for new"));
	batch_release(&b);
	table_unref(t);
	table_unref(wider);
}

static void put_row(
	struct fixture *f, const struct landing *landing, version_t version, const char *id)
{
	struct batch b;

	batch_init(&b, landing->table);
	ROW(&b, OP_COPY, version, id, "1", "x");
	write_rows(f, landing, &b);
	batch_release(&b);
}

static void publish(struct fixture *f, void *landing)
{
	WORKS(f->sink->ops->publish(f->sink, landing, &err));
}

static void a_generation_takes_the_place_of_the_live_one_whenever_it_is_killed(void **state)
{
	struct fixture *f = *state;
	struct table *old = table_of(f, KEEP_BOTH, small);
	struct table *now = TABLE(f, KEEP_BOTH, {1, "id", "int64!"}, {2, "a", "string"},
		{3, "b", "nullable(string)"});
	struct landing live = {.table = old, .generation = 1},
		       built = {.table = now, .generation = 2, .building = true};
	uint32_t generation;

	attach(f, &live);
	put_row(f, &live, version_make(1, 9, 1), "1");
	attach(f, &built);
	put_row(f, &built, version_copied(1), "2");
	assert_answer(f, "SELECT id FROM {db}.orders", "1");
	WORKS(f->sink->ops->generation(f->sink, &live, &generation, &err));
	assert_int_equal(generation, 1);
	assert_int_equal(crash_after_each(f, "clickhouse.exchanged", publish, &built), 2);
	assert_answer(f, "SELECT * FROM {db}.orders", "2\t1\tx");
	assert_answer(f, "SELECT id FROM {db}.orders_log", "2");
	assert_answer(f, "SELECT id FROM {cdc}.orders_log__archive_g1", "1");
	assert_answer(f,
		"SELECT groupConcat(',')(name) FROM (SELECT name FROM system.tables WHERE database "
		"= '{cdc}' ORDER BY name)",
		"_set_aside,orders,orders_log,orders_log__archive_g1");
	WORKS(f->sink->ops->generation(f->sink, &live, &generation, &err));
	assert_int_equal(generation, 2);
	table_unref(old);
	table_unref(now);
}

static void another_name_or_keep_leaves_nothing_stale_behind(void **state)
{
	struct fixture *f = *state;
	struct table *old = table_of(f, KEEP_BOTH, small), *now = table_of(f, KEEP_LATEST, small);
	struct landing live = {.table = old, .generation = 1},
		       built = {.table = now, .generation = 2, .building = true};

	attach(f, &live);
	put_row(f, &live, version_copied(1), "1");
	now->target = "renamed";
	attach(f, &built);
	put_row(f, &built, version_copied(1), "2");
	publish(f, &built);
	assert_answer(f,
		"SELECT groupConcat(',')(concat(database = '{db}' ? '' : 'cdc.', name)) FROM "
		"(SELECT * FROM system.tables"
		" WHERE database IN ('{db}', '{cdc}') ORDER BY database, name)",
		"renamed,cdc._set_aside,cdc.orders_log__archive_g1,cdc.renamed");
	assert_answer(f, "SELECT id FROM {db}.renamed", "2");
	table_unref(old);
	table_unref(now);
}

/* The state store may not know yet that the exchange was made: rows for what was built must reach
 * what is live. */
static void rows_of_a_generation_published_before_a_crash_reach_the_live_storage(void **state)
{
	struct fixture *f = *state;
	struct table *t = table_of(f, KEEP_LATEST, small);
	struct landing live = {.table = t, .generation = 1},
		       built = {.table = t, .generation = 2, .building = true};
	struct sink *first = f->sink;

	attach(f, &live);
	attach(f, &built);
	publish(f, &built);
	f->sink = open_sink(f, NULL, NULL);
	attach(f, &live);
	attach(f, &built);
	put_row(f, &built, version_make(1, 9, 1), "3");
	assert_answer(f, "SELECT id FROM {db}.orders", "3");
	publish(f, &built);
	assert_answer(f, "SELECT id FROM {db}.orders", "3");
	close_sink(f->sink);
	f->sink = first;
	table_unref(t);
}

static void a_discarded_generation_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct table *t = table_of(f, KEEP_BOTH, small);
	struct landing live = {.table = t, .generation = 1},
		       built = {.table = t, .generation = 2, .building = true};

	attach(f, &live);
	put_row(f, &live, version_copied(1), "1");
	for (int round = 0; round < 2; round++) {
		attach(f, &built);
		put_row(f, &built, version_copied(1), "2");
		for (int twice = 0; twice < 2; twice++)
			WORKS(f->sink->ops->discard(f->sink, &built, &err));
	}
	assert_answer(f,
		"SELECT count() FROM system.tables WHERE database = '{cdc}' AND name LIKE '%g2'",
		"0");
	assert_answer(f, "SELECT id FROM {db}.orders", "1");
	table_unref(t);
}

static void expect_refused(struct fixture *f, struct table *t, const char *word)
{
	struct landing landing = {.table = t, .generation = 1};
	struct findings found = {0};
	struct error refused = {0};
	bool told = false;

	assert_false(f->sink->ops->attach(f->sink, &landing, &refused));
	assert_int_equal(refused.kind, ERROR_TABLE);
	assert_non_null(strstr(refused.text, word));
	WORKS(f->sink->ops->check(f->sink, &t, 1, &found, &err));
	vec_each (&found.list, finding)
		told = told || (finding->level == FINDING_PROBLEM && strstr(finding->what, word) &&
				       finding->mend);
	assert_true(told);
	vec_release(&found.list);
	arena_release(&found.arena);
}

static void names_that_are_taken_are_refused_with_a_way_out(void **state)
{
	struct fixture *f = *state;
	struct table *t = table_of(f, KEEP_LATEST, small), *other = table_of(f, KEEP_LATEST, small);
	struct findings found = {0};

	attach(f, &(struct landing){.table = t, .generation = 1});
	WORKS(f->sink->ops->check(f->sink, &t, 1, &found, &err));
	vec_each (&found.list, finding)
		assert_int_not_equal(finding->level, FINDING_PROBLEM);
	vec_release(&found.list);
	arena_release(&found.arena);
	other->stream = "another";
	expect_refused(f, other, "belongs to table public.orders of stream shop");
	assert_answer(f, "CREATE TABLE {db}.mine (x Int8) ENGINE = Memory", "");
	other->stream = "shop";
	other->target = "mine";
	expect_refused(f, other, "was not made by tailrace");
	table_unref(t);
	table_unref(other);
}

static void the_greatest_epoch_of_all_generations_is_found(void **state)
{
	struct fixture *f = *state;
	struct table *t = table_of(f, KEEP_BOTH, small);
	struct landing live = {.table = t, .generation = 1},
		       built = {.table = t, .generation = 2, .building = true};
	uint8_t greatest = 9;

	WORKS(f->sink->ops->epoch(f->sink, "shop", &t, 1, &greatest, &err));
	assert_int_equal(greatest, 0);
	attach(f, &live);
	put_row(f, &live, version_make(3, 1, 1), "1");
	WORKS(f->sink->ops->epoch(f->sink, "shop", &t, 1, &greatest, &err));
	assert_int_equal(greatest, 3);
	attach(f, &built);
	put_row(f, &built, version_copied(200), "1");
	WORKS(f->sink->ops->epoch(f->sink, "shop", &t, 1, &greatest, &err));
	assert_int_equal(greatest, 200);
	WORKS(f->sink->ops->epoch(f->sink, "other", &t, 1, &greatest, &err));
	assert_int_equal(greatest, 0);
	table_unref(t);
}

static void the_latest_mark_of_a_stream_is_found(void **state)
{
	struct fixture *f = *state;
	const struct sink_ops *ops = f->sink->ops;
	int64_t mark_us = 9;

	WORKS(ops->marked(f->sink, "shop", &mark_us, &err));
	assert_int_equal(mark_us, 0);
	WORKS(ops->mark(f->sink, "shop", 1700000000000001, &err));
	WORKS(ops->mark(f->sink, "shop", 1700000000000003, &err));
	WORKS(ops->mark(f->sink, "other", 1700000000000009, &err));
	WORKS(ops->marked(f->sink, "shop", &mark_us, &err));
	assert_int_equal(mark_us, 1700000000000003);
	assert_answer(f, "SELECT stream, marked_at FROM {cdc}._streams FINAL ORDER BY stream",
		"other\t2023-11-14 22:13:20.000009\nshop\t2023-11-14 22:13:20.000003");
	WORKS(ops->marked(f->sink, "another", &mark_us, &err));
	assert_int_equal(mark_us, 0);
}

static void a_known_storage_that_is_gone_is_not_made_in_its_place(void **state)
{
	struct fixture *f = *state;
	struct table *t = table_of(f, KEEP_BOTH, small);
	struct landing live = {.table = t, .generation = 1};
	struct error err = {0};

	attach(f, &live);
	live.known = true;
	attach(f, &live);
	ask(f, "DROP TABLE {cdc}.orders_log SYNC");
	assert_false(f->sink->ops->attach(f->sink, &live, &err));
	assert_int_equal(err.kind, ERROR_TABLE);
	assert_non_null(strstr(err.text, "_cdc.orders_log is gone from the target"));
	assert_answer(f, "EXISTS TABLE {cdc}.orders_log", "0");
	table_unref(t);
}

static void an_acknowledged_insert_is_fsynced(void **state)
{
	struct fixture *f = *state;
	struct table *t = table_of(f, KEEP_BOTH, small);

	attach(f, &(struct landing){.table = t, .generation = 1});
	assert_answer(f,
		"SELECT countIf(create_table_query LIKE '%fsync_after_insert = 1, "
		"fsync_part_directory = 1%')"
		" FROM system.tables WHERE database = '{cdc}' AND name LIKE 'orders%'",
		"2");
	table_unref(t);
}

static bool opens(struct fixture *f, const char *option, const char *value, struct error *err)
{
	const struct sink_ops *ops = sink_find("clickhouse");
	struct sink *sink = xcalloc(1, ops->size);
	bool ok = option_defaults(ops->options, sink, &f->arena, err) &&
		  option_set(ops->options, sink, "url", server_url(), &f->arena, err) &&
		  option_set(ops->options, sink, "database", f->database, &f->arena, err) &&
		  option_set(ops->options, sink, option, value, &f->arena, err) &&
		  ops->open(sink, err);

	if (ok)
		ops->close(sink);
	free(sink);
	return ok;
}

static void a_server_that_is_away_is_tried_again_and_a_wrong_user_is_not(void **state)
{
	struct fixture *f = *state;
	struct error err = {0};

	assert_false(opens(f, "url", "http://127.0.0.1:1", &err));
	assert_int_equal(err.kind, ERROR_RETRY);
	assert_false(opens(f, "user", "nobody", &err));
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_false(opens(f, "url", "no url at all", &err));
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_true(opens(f, "user", "default", &err));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(added_columns_have_the_missing_value_in_older_rows),
		TEST(names_swapped_follow_their_columns),
		TEST(a_dropped_column_keeps_its_data_and_its_name_can_come_again),
		TEST(widened_columns_keep_their_values),
		TEST(a_column_that_came_to_take_less_and_then_widens_holds_what_it_held),
		TEST(what_holds_values_that_the_wider_type_does_not_is_not_followed_in_place),
		TEST(a_dropped_column_that_comes_again_is_shown_with_what_it_held),
		TEST(a_column_that_no_longer_takes_null_stays_as_it_is_and_is_read),
		TEST(what_cannot_be_followed_in_place_is_left_alone),
		TEST(rows_of_an_older_definition_go_where_they_belong),
		TEST(a_storage_without_a_column_of_the_rows_says_so),
		TEST(a_generation_takes_the_place_of_the_live_one_whenever_it_is_killed),
		TEST(another_name_or_keep_leaves_nothing_stale_behind),
		TEST(rows_of_a_generation_published_before_a_crash_reach_the_live_storage),
		TEST(a_discarded_generation_leaves_nothing),
		TEST(names_that_are_taken_are_refused_with_a_way_out),
		TEST(the_greatest_epoch_of_all_generations_is_found),
		TEST(the_latest_mark_of_a_stream_is_found),
		TEST(a_known_storage_that_is_gone_is_not_made_in_its_place),
		TEST(an_acknowledged_insert_is_fsynced),
		TEST(a_server_that_is_away_is_tried_again_and_a_wrong_user_is_not),
	};
	return run_group(argc, argv, tests, sizeof tests / sizeof tests[0]);
}
