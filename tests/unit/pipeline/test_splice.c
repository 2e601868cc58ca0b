/* Copied rows on their way into a log: when they go, which give way, and when the ledger hears of it. */
#include "../fakes.h"
#include "../state/fixture.h"
#include "pipeline/splice.h"
#include "pipeline/stream.h"

static struct table *table;
static struct stream stream;
static struct mirror mirror;
static struct source_ops source_ops;
static struct source source = {.ops = &source_ops};
static int renewed;
static uint32_t round_of_copy; /* that copied rows are read in */
static struct stream_config settings = {.name = "shop"};
static struct batch written; /* what the sink was given, in its order */
static bool refuses;         /* the sink, a table */

static bool take_rows(
	struct sink *s, const struct landing *landing, struct batch *batch, struct error *err)
{
	(void)s, (void)landing;
	if (refuses)
		return error_set(err, ERROR_TABLE, "it cannot go on");
	for (size_t row = 0; row < batch->rows; row++) {
		for (size_t c = 0; c < table->n_columns; c++)
			column_copy_row(&written.columns[c], &batch->columns[c], row);
		batch_commit_row(&written, &batch_meta(batch)[row]);
	}
	return true;
}

static const struct sink_ops log_ops = {.kind = "log",
	.size = sizeof(struct sink),
	.options = fake_options,
	.log = true,
	.write = take_rows};
static struct sink sink = {.ops = &log_ops};

static bool renew(struct source *unused, struct chunks *chunks, struct error *err)
{
	(void)unused, (void)err;
	renewed++;
	vec_each (chunks, chunk)
		snprintf(chunk->spec, sizeof chunk->spec, "renewed %d", renewed);
	return true;
}

static int set_up(void **state)
{
	struct error err = {0};
	struct chunks chunks = {0};

	make_folder(state);
	source_ops = fake_source_ops;
	source_ops.renew = renew;
	renewed = 0;
	round_of_copy = 0;
	table = table_of((struct column_of[]){
		{"id", "int64", "bigint", .key = true}, {"note", "nullable(string)", "text"}, {0}});
	fakes_init(table);
	batch_init(&written, table);
	refuses = false;
	stream = (struct stream){
		.settings = &settings, .source = &source, .sink = &sink, .share_bytes = 1 << 20};
	stream.state = open_state();
	pthread_mutex_init(&stream.lock, NULL);
	pthread_cond_init(&stream.changed, NULL);
	mirror = (struct mirror){.table = table,
		.log = true,
		.status = TABLE_COPYING,
		.building = 1,
		.planned = true};
	pthread_rwlock_init(&mirror.lock, NULL);
	vec_push(&chunks, ((struct chunk){.number = 0, .spec = "all"}));
	vec_push(&mirror.chunks, ((struct chunk_state){.chunk = chunks.items[0]}));
	mirror.chunks_left = 1;
	assert_ok(mirror_save(&stream, &mirror, &err), &err);
	assert_ok(
		state_chunks_plan(stream.state, "shop", table->source_id, 1, &chunks, &err), &err);
	vec_release(&chunks);
	vec_push(&stream.mirrors, &mirror);
	fake_head = at(100, "0/64");
	return 0;
}

static int tear_down(void **state)
{
	splice_release(&stream.splice);
	key_set_release(&mirror.written);
	key_set_release(&mirror.written_before);
	vec_release(&stream.mirrors);
	vec_release(&mirror.chunks);
	pthread_rwlock_destroy(&mirror.lock);
	state_close(stream.state);
	batch_release(&written);
	fakes_release();
	table_unref(table);
	return remove_folder(state);
}

/* Hands a row over, and the end of its chunk. */
static void copy_row(const char *id, const char *note)
{
	struct splice_chunk chunk = {.mirror = &mirror,
		.generation = 1,
		.serial = mirror.copy_serial,
		.round = round_of_copy};
	struct batch batch;
	struct error err = {0};

	batch_init(&batch, table);
	add_row(&batch, OP_COPY, 1, id, note);
	assert_ok(splice_rows(&stream, &chunk, &batch, &err), &err);
	assert_int_equal(batch.rows, 0);
	batch_release(&batch);
	assert_ok(splice_end(&stream, &chunk, 1, &err), &err);
}

static bool write_due(void)
{
	struct error err = {0};
	bool any;

	assert_ok(splice_write(&stream, &any, &err), &err);
	return any;
}

static void stream_writes(const char *id)
{
	struct batch batch;

	batch_init(&batch, table);
	add_row(&batch, OP_DELETE, 2, id);
	key_set_add(&mirror.written, &batch, 0);
	batch_release(&batch);
}

static void rows_wait_until_the_stream_has_come_to_where_they_were_read(void **unused)
{
	(void)unused;
	copy_row("1", "one");
	stream.resume.position = at(99, "0/63");
	assert_false(write_due());
	assert_int_equal(written.rows, 0);
	fake_head = at(500, "0/1F4"); /* that place stays where it was */
	stream.resume.position = at(100, "0/64");
	assert_true(write_due());
	assert_rows(&written, "{\"op\":\"r\",\"version\":\"1\",\"id\":1,\"note\":\"one\"}\n");
	assert_int_equal(mirror.copied_rows, 1);
	assert_int_equal(stream.splice.bytes, 0);
}

static void a_row_that_the_stream_has_written_gives_way(void **unused)
{
	(void)unused;
	copy_row("1", "one");
	copy_row("2", "two");
	stream_writes("1");
	stream.resume.position = at(100, "0/64");
	assert_true(write_due());
	assert_rows(&written, "{\"op\":\"r\",\"version\":\"1\",\"id\":2,\"note\":\"two\"}\n");
}

static void rows_of_a_copy_that_was_started_over_are_dropped(void **unused)
{
	(void)unused;
	copy_row("1", "one");
	mirror.copy_serial++;
	stream.resume.position = at(100, "0/64");
	assert_true(write_due());
	assert_int_equal(written.rows, 0);
	struct error err = {0};
	assert_ok(splice_committed(&stream, &err), &err);
	assert_int_equal(mirror.chunks_left, 1);
}

static void the_ledger_hears_of_a_chunk_once_it_is_committed(void **unused)
{
	struct chunk_states ledger = {0};
	struct error err = {0};
	(void)unused;

	copy_row("1", "one");
	stream.resume.position = at(100, "0/64");
	assert_true(write_due());
	assert_int_equal(mirror.chunks_left, 1);
	assert_ok(splice_committed(&stream, &err), &err);
	assert_int_equal(mirror.chunks_left, 0);
	assert_ok(state_chunks(stream.state, "shop", table->source_id, 1, &ledger, &err), &err);
	assert_true(ledger.items[0].done);
	assert_int_equal(ledger.items[0].rows, 1);
	vec_release(&ledger);
}

static void a_table_that_breaks_takes_no_more_rows(void **unused)
{
	(void)unused;
	refuses = true;
	copy_row("1", "one");
	copy_row("2", "two");
	stream.resume.position = at(100, "0/64");
	assert_true(write_due());
	assert_int_equal(mirror.status, TABLE_BROKEN);
	assert_int_equal(written.rows, 0);
}

static void keys_that_were_added_are_found_and_no_others(void **unused)
{
	struct batch rows;
	char id[16];
	(void)unused;

	batch_init(&rows, table);
	for (int i = 0; i < 20000; i++) {
		snprintf(id, sizeof id, "%d", i);
		add_row(&rows, OP_INSERT, 1, id, NULL);
	}
	for (size_t row = 0; row < rows.rows; row += 2)
		key_set_add(&mirror.written, &rows, row);
	key_set_add(&mirror.written, &rows, 0);
	assert_int_equal(mirror.written.len, rows.rows / 2);
	for (size_t row = 0; row < rows.rows; row++)
		assert_int_equal(key_set_has(&mirror.written, &rows, row), row % 2 == 0);
	batch_release(&rows);
}

/* So many keys, from 1 on. */
static void stream_writes_many(size_t n)
{
	struct batch rows;
	char id[16];

	batch_init(&rows, table);
	add_row(&rows, OP_INSERT, 1, "1", NULL);
	for (size_t i = 1; i <= n; i++) {
		snprintf(id, sizeof id, "%zu", i);
		batch_clear(&rows);
		add_row(&rows, OP_INSERT, 1, id, NULL);
		key_set_add(&mirror.written, &rows, 0);
	}
	batch_release(&rows);
}

static void keys_are_forgotten_once_no_chunk_is_read_that_began_before_them(void **unused)
{
	(void)unused;
	mirror.reading[0] = 1;
	copy_row("1", "old");
	stream_writes_many(SPLICE_KEYS - 1);
	assert_false(write_due());
	assert_int_equal(renewed, 0);
	stream_writes_many(SPLICE_KEYS);
	assert_false(write_due());
	assert_int_equal(renewed, 1);
	assert_int_equal(mirror.round, 1);
	assert_int_equal(mirror.written.len, 0);
	assert_string_equal(mirror.chunks.items[0].chunk.spec, "renewed 1");

	/* what was read before gives way still, what is read from now on is newer than those keys */
	stream.resume.position = at(100, "0/64");
	assert_true(write_due());
	assert_int_equal(written.rows, 0);
	round_of_copy = 1;
	copy_row("1", "new");
	stream_writes("2");
	copy_row("2", "new");
	assert_true(write_due());
	assert_rows(&written, "{\"op\":\"r\",\"version\":\"1\",\"id\":1,\"note\":\"new\"}\n");

	assert_int_equal(mirror.written_before.len, SPLICE_KEYS);
	mirror.reading[0] = 0;
	assert_false(write_due());
	assert_int_equal(mirror.written_before.len, 0);
	assert_int_equal(mirror.written.len, 1);
}

static void a_chunk_that_is_being_read_keeps_its_fence(void **unused)
{
	(void)unused;
	mirror.next_chunk = 1;
	stream_writes_many(SPLICE_KEYS);
	assert_false(write_due());
	assert_int_equal(mirror.round, 1);
	assert_string_equal(mirror.chunks.items[0].chunk.spec, "all");
	vec_push(&mirror.again, (size_t)0); /* it failed, and is to be read once more */
	assert_false(write_due());          /* forgets the round before */
	stream_writes_many(SPLICE_KEYS);
	assert_false(write_due());
	assert_string_equal(mirror.chunks.items[0].chunk.spec, "renewed 2");
	vec_release(&mirror.again);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(rows_wait_until_the_stream_has_come_to_where_they_were_read),
		CASE(a_row_that_the_stream_has_written_gives_way),
		CASE(rows_of_a_copy_that_was_started_over_are_dropped),
		CASE(the_ledger_hears_of_a_chunk_once_it_is_committed),
		CASE(a_table_that_breaks_takes_no_more_rows),
		CASE(keys_that_were_added_are_found_and_no_others),
		CASE(keys_are_forgotten_once_no_chunk_is_read_that_began_before_them),
		CASE(a_chunk_that_is_being_read_keeps_its_fence),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
