/* What is stored of streams, tables and the ledgers of their copies. */
#include "fixture.h"

/* --- streams --- */

static void a_position_is_read_back_as_it_was(void **unused)
{
	(void)unused;
	struct error err = {0};
	unsigned __int128 order = (unsigned __int128)0xfedcba9876543210 << 64 | 0x0123456789abcdef;
	struct resume resume = {
		.identity = "system=7 slot=tailrace_shop", .position = at(order, "0/16B3748")};
	struct state *s = open_state();
	bool found;
	struct stream_state stream;
	assert_ok(state_stream_get(s, "shop", &stream, &found, &err), &err);
	assert_false(found);
	assert_ok(state_stream_begin(s, "shop", 255, &resume, &err), &err);
	assert_ok(state_stream_status(s, "shop", "streaming", NULL, &err), &err);
	state_close(s);

	s = open_state();
	stream = get(s);
	assert_true(stream.resume.position.order == order);
	assert_string_equal(stream.resume.position.token, "0/16B3748");
	assert_int_equal(stream.resume.position.commit_time_us, 1700000000000000);
	assert_string_equal(stream.resume.identity, "system=7 slot=tailrace_shop");
	assert_string_equal(stream.status, "streaming");
	assert_int_equal(stream.epoch, 255);
	state_close(s);
}

static void a_position_never_moves_back_within_an_epoch(void **unused)
{
	(void)unused;
	struct error err = {0};
	unsigned __int128 top = (unsigned __int128)1 << 127;
	struct state *s = open_state();
	assert_ok(begin(s, 2, 0xff, &err), &err);
	assert_ok(advance(s, 0x100, &err), &err);
	assert_ok(advance(s, top, &err), &err);
	assert_ok(advance(s, top, &err), &err);
	assert_false(advance(s, top - 1, &err));
	assert_int_equal(err.kind, ERROR_BROKEN);
	assert_non_null(strstr(err.text, "never move back"));
	assert_false(begin(s, 2, 0x100, &err));
	assert_false(begin(s, 1, top, &err));
	assert_non_null(strstr(err.text, "cannot go back to epoch 1"));
	assert_true(get(s).resume.position.order == top);
	assert_int_equal(get(s).changes, 3);

	assert_ok(begin(s, 3, 1, &err), &err);
	assert_true(get(s).resume.position.order == 1);
	assert_int_equal(get(s).epoch, 3);
	state_close(s);
}

static void a_mark_is_of_its_epoch(void **unused)
{
	(void)unused;
	struct error err = {0};
	struct state *s = open_state();
	assert_ok(begin(s, 1, 7, &err), &err);
	assert_int_equal(get(s).marked_us, 0);
	assert_ok(state_stream_mark(s, "shop", 1700000000000000, &err), &err);
	assert_ok(advance(s, 8, &err) && begin(s, 1, 9, &err), &err);
	assert_int_equal(get(s).marked_us, 1700000000000000);
	assert_ok(begin(s, 2, 1, &err), &err);
	assert_int_equal(get(s).marked_us, 0);
	state_close(s);
}

static void a_stream_that_never_began_has_a_status_and_no_position(void **unused)
{
	(void)unused;
	struct error err = {0};
	struct stream_state stream;
	bool found;
	struct state *s = open_state();
	assert_ok(state_stream_status(s, "shop", "retrying", "connection refused", &err), &err);
	assert_ok(state_stream_get(s, "shop", &stream, &found, &err), &err);
	assert_false(found);
	assert_string_equal(stream.status, "retrying");
	assert_string_equal(stream.error, "connection refused");
	assert_false(advance(s, 1, &err));
	assert_non_null(strstr(err.text, "it never began"));
	state_close(s);
}

/* Commits one position after the other and tells each once it is committed, until it is killed. */
static void commit_until_killed(int told)
{
	struct state *s = open_state();
	for (uint32_t i = 1;; i++)
		if (!advance(s, i, NULL) || write(told, &i, sizeof i) != sizeof i)
			_exit(1);
}

static void what_was_committed_survives_kill_9(void **unused)
{
	(void)unused;
	struct error err = {0};
	uint32_t last = 0;
	for (int round = 0; round < 5; round++) {
		struct state *s = open_state();
		assert_ok(begin(s, (uint8_t)(round + 1), 0, &err), &err);
		state_close(s);
		int told[2];
		assert_int_equal(pipe(told), 0);
		pid_t pid = fork();
		if (pid == 0)
			commit_until_killed(told[1]);
		close(told[1]);
		while (read(told[0], &last, sizeof last) == sizeof last &&
			last < 10u + (uint32_t)round * 7)
			;
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		while (read(told[0], &last, sizeof last) == sizeof last)
			;
		close(told[0]);

		s = open_state();
		uint32_t stored = (uint32_t)get(s).resume.position.order;
		assert_true(stored == last || stored == last + 1);
		state_close(s);
	}
}

/* --- tables and chunks --- */

static struct table_state orders(void)
{
	struct table_state table = {
		.source_id = 16384,
		.schema = "public",
		.name = "orders",
		.target = "orders",
		.definition = (char *)(uintptr_t) "{\"columns\":[]}",
		.status = TABLE_COPYING,
		.building = 1,
	};
	return table;
}

static struct table_state get_table(struct state *s)
{
	struct error err = {0};
	struct table_states tables;
	assert_ok(state_tables(s, "shop", &tables, &err), &err);
	assert_int_equal(tables.len, 1);
	struct table_state table = tables.items[0];
	table.definition = NULL;
	table_states_release(&tables);
	return table;
}

static void a_table_is_read_back_as_it_was(void **unused)
{
	(void)unused;
	struct error err = {0};
	struct table_state table = orders();
	table.source_id = UINT64_MAX;
	table.generation = UINT32_MAX;
	snprintf(table.error, sizeof table.error, "why");
	table.status = TABLE_BROKEN;
	struct state *s = open_state();
	assert_ok(state_table_put(s, "shop", &table, &err), &err);
	state_close(s);

	s = open_state();
	struct table_states tables;
	assert_ok(state_tables(s, "shop", &tables, &err), &err);
	assert_int_equal(tables.len, 1);
	assert_string_equal(tables.items[0].definition, "{\"columns\":[]}");
	assert_true(tables.items[0].source_id == UINT64_MAX);
	assert_int_equal(tables.items[0].generation, UINT32_MAX);
	assert_int_equal(tables.items[0].building, 1);
	assert_int_equal(tables.items[0].status, TABLE_BROKEN);
	assert_string_equal(tables.items[0].error, "why");
	table_states_release(&tables);
	assert_ok(state_tables(s, "other", &tables, &err), &err);
	assert_int_equal(tables.len, 0);
	state_close(s);
}

static void plan_chunks(struct state *s, uint32_t generation, uint32_t n)
{
	struct error err = {0};
	struct chunks chunks = {0};
	for (uint32_t i = 0; i < n; i++) {
		struct chunk chunk = {.number = i};
		snprintf(chunk.spec, sizeof chunk.spec, "ctid %u", i);
		vec_push(&chunks, chunk);
	}
	assert_ok(state_chunks_plan(s, "shop", 16384, generation, &chunks, &err), &err);
	vec_release(&chunks);
}

static void a_chunk_is_counted_once(void **unused)
{
	(void)unused;
	struct error err = {0};
	struct table_state table = orders();
	struct state *s = open_state();
	assert_ok(state_table_put(s, "shop", &table, &err), &err);
	plan_chunks(s, 1, 3);
	assert_ok(state_chunk_done(s, "shop", 16384, 1, 2, 500, &err), &err);
	assert_ok(state_chunk_done(s, "shop", 16384, 1, 2, 500, &err), &err);
	assert_ok(state_table_counts(s, "shop", 16384, 7, 2, &err), &err);
	assert_ok(state_table_put(s, "shop", &table, &err), &err);

	table = get_table(s);
	assert_int_equal(table.chunks, 3);
	assert_int_equal(table.chunks_done, 1);
	assert_int_equal(table.copied_rows, 500);
	assert_int_equal(table.changes, 7);
	assert_int_equal(table.set_aside, 2);
	state_close(s);
}

static void the_ledger_tells_what_is_left_after_a_kill(void **unused)
{
	(void)unused;
	struct error err = {0};
	struct table_state table = orders();
	struct state *s = open_state();
	assert_ok(state_table_put(s, "shop", &table, &err), &err);
	plan_chunks(s, 1, 2);
	state_close(s);
	pid_t pid = fork();
	if (pid == 0) {
		s = open_state();
		if (!state_chunk_done(s, "shop", 16384, 1, 1, 10, NULL))
			_exit(1);
		kill(getpid(), SIGKILL);
	}
	waitpid(pid, NULL, 0);

	s = open_state();
	struct chunk_states chunks;
	assert_ok(state_chunks(s, "shop", 16384, 1, &chunks, &err), &err);
	assert_int_equal(chunks.len, 2);
	assert_false(chunks.items[0].done);
	assert_string_equal(chunks.items[0].chunk.spec, "ctid 0");
	assert_true(chunks.items[1].done);
	assert_int_equal(chunks.items[1].rows, 10);
	vec_release(&chunks);
	state_close(s);
}

static void a_new_plan_replaces_the_ledger_of_its_generation_alone(void **unused)
{
	(void)unused;
	struct error err = {0};
	struct table_state table = orders();
	struct chunk_states chunks;
	struct state *s = open_state();
	assert_ok(state_table_put(s, "shop", &table, &err), &err);
	plan_chunks(s, 1, 5);
	plan_chunks(s, 2, 4);
	assert_ok(state_chunk_done(s, "shop", 16384, 2, 3, 9, &err), &err);
	plan_chunks(s, 2, 3);
	assert_int_equal(get_table(s).chunks, 3);
	assert_int_equal(get_table(s).chunks_done, 0);
	assert_int_equal(get_table(s).copied_rows, 0);
	assert_ok(state_chunks(s, "shop", 16384, 1, &chunks, &err), &err);
	assert_int_equal(chunks.len, 5);
	vec_release(&chunks);

	assert_false(state_chunk_done(s, "shop", 16384, 2, 3, 9, &err));
	assert_non_null(
		strstr(err.text, "chunk 3 of generation 2 of table 16384 is not in the ledger"));

	assert_ok(state_chunks_forget(s, "shop", 16384, &err), &err);
	assert_ok(state_chunks(s, "shop", 16384, 2, &chunks, &err), &err);
	assert_int_equal(chunks.len, 0);
	state_close(s);
}

static void a_full_disk_says_so_and_loses_nothing(void **unused)
{
	(void)unused;
	struct error err = {0};
	struct table_state table = orders();
	struct state *s = open_state();
	assert_ok(state_table_put(s, "shop", &table, &err), &err);
	plan_chunks(s, 1, 2);
	sqlite3_exec(s->db, "PRAGMA max_page_count = 12", NULL, NULL, NULL);
	struct chunks chunks = {0};
	for (uint32_t i = 0; i < 2000; i++)
		vec_push(&chunks, ((struct chunk){.number = i, .spec = "a place in a table"}));
	assert_false(state_chunks_plan(s, "shop", 16384, 1, &chunks, &err));
	assert_int_equal(err.kind, ERROR_RETRY);
	assert_non_null(strstr(err.text, "no space left in"));
	assert_int_equal(get_table(s).chunks, 2);

	sqlite3_exec(s->db, "PRAGMA max_page_count = 100000", NULL, NULL, NULL);
	assert_ok(state_chunks_plan(s, "shop", 16384, 1, &chunks, &err), &err);
	assert_int_equal(get_table(s).chunks, 2000);
	vec_release(&chunks);
	state_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_position_is_read_back_as_it_was),
		TEST(a_position_never_moves_back_within_an_epoch),
		TEST(a_mark_is_of_its_epoch),
		TEST(a_stream_that_never_began_has_a_status_and_no_position),
		TEST(what_was_committed_survives_kill_9),
		TEST(a_table_is_read_back_as_it_was),
		TEST(a_chunk_is_counted_once),
		TEST(the_ledger_tells_what_is_left_after_a_kill),
		TEST(a_new_plan_replaces_the_ledger_of_its_generation_alone),
		TEST(a_full_disk_says_so_and_loses_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
