/* Rows through the ClickHouse sink, on a real server: what goes in comes out, whatever its type,
 * order and repetition; TRUNCATE, histories, rows set aside. */
#include "fixture.h"

#include <pthread.h>

static const struct column_spec small[] = {{1, "id", "int64!"}, {2, "status", "nullable(string)"},
	{3, "amount", "decimal(10,2)"}, {0}};

static void the_newest_version_wins_however_often_and_in_whatever_order_it_comes(void **state)
{
	struct fixture *f = *state;
	struct table *t = table_of(f, KEEP_LATEST, small);
	struct landing landing = {.table = t, .generation = 1};
	struct batch b;

	attach(f, &landing);
	batch_init(&b, t);
	for (int round = 0; round < 3; round++) {
		batch_clear(&b);
		ROW(&b, OP_UPDATE, version_make(1, 30, 1), "2", "paid", "300");
		ROW(&b, OP_INSERT, version_make(1, 30, 0), "1", NULL, "100");
		ROW(&b, OP_UPDATE, version_make(1, 40, 0), "2", "shipped", "301");
		write_rows(f, &landing, &b);
		batch_clear(&b);
		ROW(&b, OP_COPY, version_copied(1), "2", "new", "1");
		ROW(&b, OP_COPY, version_copied(1), "3", "new", "2");
		write_rows(f, &landing, &b);
		assert_answer(f, "SELECT * FROM {db}.orders ORDER BY id",
			"1\t\\N\t1\n2\tshipped\t3.01\n3\tnew\t0.02");
	}
	batch_release(&b);
	table_unref(t);
}

static void a_deleted_row_never_comes_back(void **state)
{
	struct fixture *f = *state;
	struct table *t = table_of(f, KEEP_LATEST, small);
	struct landing landing = {.table = t, .generation = 1};
	struct batch inserted, deleted, moved;
	uint64_t count;

	attach(f, &landing);
	batch_init(&inserted, t);
	batch_init(&deleted, t);
	batch_init(&moved, t);
	ROW(&inserted, OP_INSERT, version_make(1, 10, 0), "1", "new", "1");
	ROW(&inserted, OP_INSERT, version_make(1, 10, 1), "2", "new", "2");
	ROW(&deleted, OP_DELETE, version_make(1, 20, 0), "1", NULL, NULL);
	ROW(&moved, OP_KEY_CHANGED, version_make(1, 30, 0), "2", NULL, NULL);
	ROW(&moved, OP_UPDATE, version_make(1, 30, 0), "3", "new", "2");
	for (int round = 0; round < 2; round++) {
		write_rows(f, &landing, &inserted);
		write_rows(f, &landing, &deleted);
		write_rows(f, &landing, &moved);
		write_rows(f, &landing, &inserted);
		assert_answer(f, "SELECT id FROM {db}.orders", "3");
		ask(f, "OPTIMIZE TABLE {cdc}.orders FINAL");
		assert_answer(f, "SELECT id FROM {db}.orders", "3");
		WORKS(f->sink->ops->count(f->sink, &landing, &count, &err));
		assert_int_equal(count, 1);
	}
	batch_release(&inserted);
	batch_release(&deleted);
	batch_release(&moved);
	table_unref(t);
}

static void the_same_insert_after_a_truncate_is_not_taken_for_a_repetition(void **state)
{
	struct fixture *f = *state;
	struct table *t = table_of(f, KEEP_LATEST, small);
	struct landing landing = {.table = t, .generation = 1};
	struct batch b;

	attach(f, &landing);
	/* as replicated tables are by default */
	assert_answer(f,
		"ALTER TABLE {cdc}.orders MODIFY SETTING non_replicated_deduplication_window = 100",
		"");
	batch_init(&b, t);
	ROW(&b, OP_INSERT, version_make(1, 10, 0), "1", "new", "1");
	write_rows(f, &landing, &b);
	assert_answer(f, "ALTER TABLE {cdc}.orders DELETE WHERE 1 SETTINGS mutations_sync = 2", "");
	write_rows(f, &landing, &b);
	assert_answer(f, "SELECT id FROM {db}.orders", "1");
	batch_release(&b);
	table_unref(t);
}

static void a_batch_is_one_sorted_part_without_the_versions_that_lost(void **state)
{
	struct fixture *f = *state;
	struct table *t = table_of(f, KEEP_LATEST, small);
	struct landing landing = {.table = t, .generation = 1};
	struct batch b;
	char id[24];

	attach(f, &landing);
	assert_answer(f, "SYSTEM STOP MERGES {cdc}.orders", "");
	batch_init(&b, t);
	for (int i = 0; i < 20000; i++) {
		snprintf(id, sizeof id, "%d", (i * 7919) % 10007 - 5000);
		ROW(&b, OP_UPDATE, version_make(1, 10, (uint64_t)i), id, "x", "1");
	}
	write_rows(f, &landing, &b);
	assert_answer(f,
		"SELECT count(), sum(rows) FROM system.parts WHERE database = '{cdc}' AND table = "
		"'orders' AND active",
		"1\t10007");
	assert_answer(
		f, "SELECT count(), min(_version % 100000) >= 9993 FROM {cdc}.orders", "10007\t1");
	batch_release(&b);
	table_unref(t);
}

static void truncate_removes_what_is_below_and_a_replay_nothing_newer(void **state)
{
	struct fixture *f = *state;
	struct table *t = table_of(f, KEEP_BOTH, small);
	struct landing landing = {.table = t, .generation = 1};
	struct batch before, after;
	const struct row_meta at = {.version = version_make(1, 20, 0), .commit_lsn = 20};

	attach(f, &landing);
	batch_init(&before, t);
	batch_init(&after, t);
	ROW(&before, OP_COPY, version_copied(1), "1", "copied", "1");
	ROW(&before, OP_INSERT, version_make(1, 10, 0), "2", "new", "1");
	ROW(&after, OP_INSERT, version_make(1, 20, 1), "3", "new", "1");
	for (int round = 0; round < 2; round++) {
		write_rows(f, &landing, &before);
		WORKS(f->sink->ops->truncate(f->sink, &landing, &at, &err));
		assert_answer(f, "SELECT id FROM {db}.orders ORDER BY id", round ? "3" : "");
		write_rows(f, &landing, &after);
		assert_answer(f, "SELECT id FROM {db}.orders", "3");
	}
	assert_answer(f, "SELECT _op, id FROM {db}.orders_log ORDER BY _version",
		"r\t1\nc\t2\nt\t0\nc\t3");
	batch_release(&before);
	batch_release(&after);
	table_unref(t);
}

static void a_history_has_every_version_once_and_its_latest_can_be_read(void **state)
{
	struct fixture *f = *state;
	struct table *t = table_of(f, KEEP_HISTORY, small);
	struct landing landing = {.table = t, .generation = 1};
	struct batch b, out;
	uint64_t count;

	attach(f, &landing);
	batch_init(&b, t);
	batch_init(&out, t);
	ROW(&b, OP_COPY, version_copied(1), "1", "copied", "1");
	ROW(&b, OP_UPDATE, version_make(1, 10, 0), "1", "paid", "2");
	ROW(&b, OP_INSERT, version_make(1, 11, 0), "2", "new", "3");
	ROW(&b, OP_DELETE, version_make(1, 12, 0), "2", NULL, NULL);
	ROW(&b, OP_KEY_CHANGED, version_make(1, 13, 0), "4", NULL, NULL);
	ROW(&b, OP_UPDATE, version_make(1, 13, 0), "3", "new", "4");
	for (int round = 0; round < 2; round++)
		write_rows(f, &landing, &b);
	assert_answer(f,
		"SELECT _op, id, status, _commit_lsn, _xid, _commit_time FROM {db}.orders_log "
		"ORDER BY _version, id LIMIT 2",
		"r\t1\tcopied\t0\t7\t2023-11-14 22:13:20.000000\nu\t1\tpaid\t10\t7\t2023-11-14 "
		"22:13:20.000000");
	assert_answer(f,
		"SELECT groupConcat(_op) FROM (SELECT _op FROM {db}.orders_log ORDER BY _version, "
		"id)",
		"rucdud");
	assert_answer(f,
		"SELECT count() FROM system.tables WHERE database = '{db}' AND name = 'orders'",
		"0");
	WORKS(f->sink->ops->count(f->sink, &landing, &count, &err));
	assert_int_equal(count, 2);
	WORKS(f->sink->ops->fetch(f->sink, &landing, &b, &out, &err));
	assert_int_equal(out.rows, 2);
	WORKS(f->sink->ops->truncate(
		f->sink, &landing, &(struct row_meta){.version = version_make(1, 13, 0)}, &err));
	WORKS(f->sink->ops->count(f->sink, &landing, &count, &err));
	assert_int_equal(count, 1);
	batch_release(&b);
	batch_release(&out);
	table_unref(t);
}

static void rows_without_a_key_are_told_apart_by_their_version(void **state)
{
	struct fixture *f = *state;
	struct table *t = TABLE(f, KEEP_HISTORY, {1, "line", "string"});
	struct landing landing = {.table = t, .generation = 1};
	struct batch b;
	struct error refused = {0};
	uint64_t count;

	attach(f, &landing);
	batch_init(&b, t);
	ROW(&b, OP_COPY, version_copied(1) + 1, "same");
	ROW(&b, OP_COPY, version_copied(1) + 2, "same");
	ROW(&b, OP_INSERT, version_make(1, 10, 1), "same");
	ROW(&b, OP_DELETE, version_make(1, 11, 1), "same");
	for (int round = 0; round < 2; round++)
		write_rows(f, &landing, &b);
	assert_answer(f, "SELECT count(), any(line) FROM {db}.orders_log", "4\tsame");
	WORKS(f->sink->ops->count(f->sink, &landing, &count, &err));
	assert_int_equal(count, 2);
	batch_clear(&b);
	ROW(&b, OP_COPY, version_copied(1), "where was it?");
	assert_false(f->sink->ops->write(f->sink, &landing, &b, &refused));
	assert_int_equal(refused.kind, ERROR_BROKEN);
	batch_release(&b);
	table_unref(t);
}

static void a_row_set_aside_is_there_once(void **state)
{
	struct fixture *f = *state;
	struct table *t = table_of(f, KEEP_LATEST, small);
	struct landing landing = {.table = t, .generation = 3};
	struct set_aside row = {
		.meta = {.version = version_make(0, 10, 2), .op = 'u', .commit_lsn = 10},
		.key = "{\"id\":1}",
		.row = "{\"id\":1,\"amount\":\"NaN\"}",
		.column = "amount",
		.reason = "NaN is no decimal"};
	struct batch b;

	attach(f, &landing);
	batch_init(&b, t);
	for (int round = 0; round < 2; round++) {
		batch_set_aside(&b, &row);
		WORKS(f->sink->ops->set_aside(f->sink, &landing, &b, &err));
	}
	assert_answer(f,
		"SELECT stream, table, generation, toString(bitShiftRight(version, 64)), op, key, "
		"column, reason,"
		" row, commit_lsn FROM {cdc}._set_aside FINAL FORMAT CSV",
		"\"shop\",\"public.orders\",3,\"10\",\"u\",\"{\"\"id\"\":1}\",\"amount\",\"NaN is "
		"no decimal\","
		"\"{\"\"id\"\":1,\"\"amount\"\":\"\"NaN\"\"}\",10");
	batch_release(&b);
	table_unref(t);
}

static struct table *table_of_all(struct fixture *f)
{
	struct column_spec specs[3 * N_EVERY_TYPE + 8] = {{1, "id", "int64!"}};
	size_t n = 1;

	for (size_t i = 0; i < N_EVERY_TYPE; i++) {
		static const char *const forms[] = {"%s", "nullable(%s)", "array(nullable(%s))"};
		for (size_t k = 0; k < 3; k++, n++)
			specs[n] = (struct column_spec){(int)n + 1,
				arena_printf(&f->arena, "c `%zu\\'", n),
				arena_printf(&f->arena, forms[k], every_type[i])};
	}
	specs[n++] = (struct column_spec){100, "point", "point"};
	specs[n++] = (struct column_spec){101, "map", "map"};
	specs[n++] = (struct column_spec){102, "deep", "array(array(nullable(string)))"};
	return table_of(f, KEEP_LATEST, specs);
}
static void round_trip(struct fixture *f, size_t rows)
{
	struct table *t = table_of_all(f);
	struct landing landing = {.table = t, .generation = 1};
	struct batch b, out;

	attach(f, &landing);
	batch_init(&b, t);
	batch_init(&out, t);
	for (size_t i = 0; i < rows; i++) {
		struct row_meta meta = {.version = version_make(1, 5, i), .op = OP_INSERT};
		int64_t id = (int64_t)(rows - i);
		memcpy(column_add_fixed(&b.columns[0], sizeof id), &id, sizeof id);
		for (size_t c = 1; c < t->n_columns; c++)
			add_random(&b.columns[c]);
		batch_commit_row(&b, &meta);
	}
	write_rows(f, &landing, &b);
	WORKS(f->sink->ops->scan(
		f->sink, &landing, &(struct scan_range){.limit = rows + 1}, &out, &err));
	assert_int_equal(out.rows, rows);
	for (size_t i = 0; i < rows; i++) {
		expect_same_row(&b, rows - 1 - i, &out, i);
		assert_true(batch_meta(&out)[i].version == version_make(1, 5, rows - 1 - i));
	}
	batch_release(&b);
	batch_release(&out);
	table_unref(t);
}

static void every_type_comes_back_as_it_went(void **state)
{
	round_trip(*state, 500);
}

static void every_type_comes_back_from_the_servers_own_json(void **state)
{
	struct fixture *f = *state;

	f->options.json = JSON_NATIVE;
	round_trip(f, 50);
	assert_answer(f,
		"SELECT count() FROM system.columns WHERE database = '{cdc}' AND table = 'orders' "
		"AND type = 'JSON'",
		"1");
}

static void rows_go_through_every_compression(void **state)
{
	static const char *const codings[] = {"none", "lz4", "zstd"};
	struct fixture *f = *state;
	struct sink *first = f->sink;

	for (size_t i = 0; i < 3; i++) {
		f->sink = open_sink(f, "compression", codings[i]);
		round_trip(f, 3000);
		close_sink(f->sink);
	}
	f->sink = first;
}
static void a_table_may_be_as_wide_as_postgresql_has_them(void **state)
{
	static struct column_spec specs[1602];
	static const char *values[1601];
	struct fixture *f = *state;
	struct batch b, out;

	for (int i = 0; i < 1600; i++)
		specs[i] = (struct column_spec){i + 1,
			arena_printf(&f->arena, "a_column_whose_name_is_fairly_long_%04d", i),
			i ? "nullable(string)" : "int64!"};
	struct table *t = table_of(f, KEEP_LATEST, specs);
	struct landing landing = {.table = t, .generation = 1};
	values[0] = "1";
	attach(f, &landing);
	batch_init(&b, t);
	batch_init(&out, t);
	add_row(&b, OP_INSERT, version_make(1, 1, 0), values);
	write_rows(f, &landing, &b);
	WORKS(f->sink->ops->fetch(f->sink, &landing, &b, &out, &err));
	assert_int_equal(out.rows, 1);
	batch_release(&b);
	batch_release(&out);
	table_unref(t);
}

static void a_row_of_64_mib_goes_and_comes(void **state)
{
	struct fixture *f = *state;
	struct table *t = TABLE(
		f, KEEP_LATEST, {1, "id", "int64!"}, {2, "text", "nullable(string)"});
	struct landing landing = {.table = t, .generation = 1};
	struct row_meta meta = {.version = version_make(1, 1, 0), .op = OP_INSERT};
	int64_t id = 7;
	size_t len = (size_t)64 << 20;
	struct batch b, out;

	attach(f, &landing);
	batch_init(&b, t);
	batch_init(&out, t);
	memcpy(column_add_fixed(&b.columns[0], sizeof id), &id, sizeof id);
	memset(column_add_string(&b.columns[1], len), 'x', len);
	batch_commit_row(&b, &meta);
	write_rows(f, &landing, &b);
	WORKS(f->sink->ops->fetch(f->sink, &landing, &b, &out, &err));
	assert_int_equal(out.rows, 1);
	assert_true(column_equal(&b.columns[1], 0, &out.columns[1], 0));
	batch_release(&b);
	batch_release(&out);
	table_unref(t);
}

struct worker {
	pthread_t thread;
	struct fixture *f;
	struct table *table;
	int number;
	bool failed;
};

static void *write_and_attach(void *context)
{
	struct worker *w = context;
	struct landing landing = {.table = w->table, .generation = 1};
	struct sink *sink = w->f->sink;
	struct error err = {0};
	struct batch b;
	char id[24];

	batch_init(&b, w->table);
	for (int i = 0; i < 20 && !w->failed; i++) {
		batch_clear(&b);
		snprintf(id, sizeof id, "%d", i * 4 + w->number);
		ROW(&b, OP_INSERT, version_make(1, 1, 1), id, "x", "1");
		w->failed = !sink->ops->write(sink, &landing, &b, &err) ||
			    (i % 5 == w->number && !sink->ops->attach(sink, &landing, &err));
	}
	batch_release(&b);
	return NULL;
}

static void several_threads_write_at_once(void **state)
{
	struct fixture *f = *state;
	struct table *t = table_of(f, KEEP_BOTH, small);
	struct landing landing = {.table = t, .generation = 1};
	struct worker workers[4];

	attach(f, &landing);
	for (int i = 0; i < 4; i++) {
		workers[i] = (struct worker){.f = f, .table = t, .number = i};
		assert_int_equal(
			pthread_create(&workers[i].thread, NULL, write_and_attach, &workers[i]), 0);
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(workers[i].thread, NULL);
		assert_false(workers[i].failed);
	}
	assert_answer(f, "SELECT count(), max(id) FROM {db}.orders", "80\t79");
	table_unref(t);
}
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(the_newest_version_wins_however_often_and_in_whatever_order_it_comes),
		TEST(a_deleted_row_never_comes_back),
		TEST(the_same_insert_after_a_truncate_is_not_taken_for_a_repetition),
		TEST(a_batch_is_one_sorted_part_without_the_versions_that_lost),
		TEST(truncate_removes_what_is_below_and_a_replay_nothing_newer),
		TEST(a_history_has_every_version_once_and_its_latest_can_be_read),
		TEST(rows_without_a_key_are_told_apart_by_their_version),
		TEST(a_row_set_aside_is_there_once),
		TEST(every_type_comes_back_as_it_went),
		TEST(every_type_comes_back_from_the_servers_own_json),
		TEST(rows_go_through_every_compression),
		TEST(a_table_may_be_as_wide_as_postgresql_has_them),
		TEST(a_row_of_64_mib_goes_and_comes),
		TEST(several_threads_write_at_once),
	};
	return run_group(argc, argv, tests, sizeof tests / sizeof tests[0]);
}
