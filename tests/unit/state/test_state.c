/* The state store on real files, with real processes that are killed and real locks. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "state/store.h"

static char dir[64];

static int make_folder(void **unused)
{
	(void)unused;
	snprintf(dir, sizeof dir, "/tmp/tailrace-state-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static int remove_folder(void **unused)
{
	(void)unused;
	return nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static void assert_ok(bool ok, const struct error *err)
{
	if (!ok)
		fail_msg("%s", err->text);
}

static struct state *open_state(void)
{
	struct error err = {0};
	struct state *s = state_open(dir, &err);
	assert_ok(s != NULL, &err);
	return s;
}

static struct position at(unsigned __int128 order, const char *token)
{
	struct position position = {.order = order, .commit_time_us = 1700000000000000};
	snprintf(position.token, sizeof position.token, "%s", token);
	return position;
}

static bool begin(struct state *s, uint8_t epoch, unsigned __int128 order, struct error *err)
{
	struct resume resume = {.identity = "system=1", .position = at(order, "begin")};
	return state_stream_begin(s, "shop", epoch, &resume, err);
}

static bool advance(struct state *s, unsigned __int128 order, struct error *err)
{
	struct position position = at(order, "advance");
	return state_stream_advance(s, "shop", &position, 1, err);
}

static struct stream_state get(struct state *s)
{
	struct stream_state stream;
	struct error err = {0};
	bool found;
	assert_ok(state_stream_get(s, "shop", &stream, &found, &err), &err);
	assert_true(found);
	return stream;
}

/* Runs a function in a process of its own, which must end with 0. */
static void in_other_process(void (*run)(void))
{
	pid_t pid = fork();
	if (pid == 0) {
		run();
		_exit(0);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* --- opening --- */

static void only_the_owner_reads_what_is_stored(void **unused)
{
	(void)unused;
	struct stat st;
	struct error err = {0};
	struct state *s = open_state();
	assert_ok(state_fact_put(s, "warehouse_url", "http://u:secret@127.0.0.1:1", &err), &err);
	static const char *const names[] = {"state.db", "state.db-wal", "state.db-shm"};
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		char path[128];
		snprintf(path, sizeof path, "%s/%s", dir, names[i]);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
	}
	state_close(s);
}

static void every_commit_is_synced_to_disk(void **unused)
{
	(void)unused;
	struct state *s = open_state();
	sqlite3_stmt *row = store_query(s, "PRAGMA synchronous", NO_VALUES, NULL);
	assert_int_equal(store_step(s, row, NULL), 1);
	assert_int_equal(sqlite3_column_int(row, 0), 2);
	sqlite3_reset(row);
	state_close(s);
}

static void a_file_that_is_no_database_is_named_as_damaged(void **unused)
{
	(void)unused;
	char path[128];
	struct error err = {0};
	snprintf(path, sizeof path, "%s/state.db", dir);
	FILE *f = fopen(path, "w");
	for (int i = 0; i < 4096; i++)
		fputs("garbage ", f);
	fclose(f);
	assert_null(state_open(dir, &err));
	assert_int_equal(err.kind, ERROR_BROKEN);
	assert_non_null(strstr(err.text, path));
	assert_non_null(strstr(err.text, "the file is damaged"));
	assert_non_null(strstr(err.text, "put a backup in its place, or move it away"));
}

static void pages_overwritten_under_our_feet_are_named_as_damaged(void **unused)
{
	(void)unused;
	char path[128], garbage[8192];
	struct error err = {0};
	state_close(open_state());
	snprintf(path, sizeof path, "%s/state.db", dir);
	memset(garbage, 0x5a, sizeof garbage);
	int fd = open(path, O_WRONLY);
	struct stat st;
	assert_int_equal(fstat(fd, &st), 0);
	for (off_t offset = 4096; offset < st.st_size; offset += 4096)
		assert_int_equal(pwrite(fd, garbage, 4096, offset), 4096);
	close(fd);

	struct state *s = state_open(dir, &err);
	bool ok = s && state_stream_status(s, "shop", "streaming", NULL, &err);
	assert_false(ok);
	assert_int_equal(err.kind, ERROR_BROKEN);
	assert_non_null(strstr(err.text, "the file is damaged"));
	state_close(s);
}

static void a_database_of_a_newer_version_is_left_alone(void **unused)
{
	(void)unused;
	struct error err = {0};
	struct state *s = open_state();
	assert_int_equal(
		sqlite3_exec(s->db, "PRAGMA user_version = 99", NULL, NULL, NULL), SQLITE_OK);
	state_close(s);
	assert_null(state_open(dir, &err));
	assert_int_equal(err.kind, ERROR_BROKEN);
	assert_non_null(strstr(err.text, "is of a newer tailrace (version 99"));
}

static void a_folder_that_cannot_be_made_is_named(void **unused)
{
	(void)unused;
	struct error err = {0};
	assert_null(state_open("/nonexistent/.tailrace", &err));
	assert_non_null(strstr(err.text, "/nonexistent/.tailrace: No such file or directory"));
	assert_null(state_open("/dev/null", &err));
	assert_non_null(strstr(err.text, "/dev/null/lock: Not a directory"));
}

static void open_and_count(void)
{
	struct state *s = open_state();
	for (int i = 0; i < 20; i++)
		if (!advance(s, 7, NULL))
			_exit(1);
	state_close(s);
}

static void processes_that_write_at_once_lose_nothing(void **unused)
{
	(void)unused;
	struct error err = {0};
	struct state *s = open_state();
	assert_ok(begin(s, 1, 7, &err), &err);
	pid_t pids[4];
	for (size_t i = 0; i < COUNT_OF(pids); i++)
		if ((pids[i] = fork()) == 0) {
			open_and_count();
			_exit(0);
		}
	for (size_t i = 0; i < COUNT_OF(pids); i++) {
		int status;
		waitpid(pids[i], &status, 0);
		assert_int_equal(status, 0);
	}
	assert_int_equal(get(s).changes, 80);
	state_close(s);
}

static void processes_that_open_a_new_folder_at_once_all_succeed(void **unused)
{
	(void)unused;
	pid_t pids[8];
	int gate[2];
	assert_int_equal(pipe(gate), 0);
	for (size_t i = 0; i < COUNT_OF(pids); i++)
		if ((pids[i] = fork()) == 0) {
			char byte;
			close(gate[1]);
			(void)!read(gate[0], &byte, 1);
			struct state *s = state_open(dir, NULL);
			_exit(s && state_stream_status(s, "shop", "starting", NULL, NULL) ? 0 : 1);
		}
	close(gate[0]);
	close(gate[1]);
	for (size_t i = 0; i < COUNT_OF(pids); i++) {
		int status;
		waitpid(pids[i], &status, 0);
		assert_int_equal(status, 0);
	}
}

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

/* --- several processes --- */

static void ask_for_a_resync(void)
{
	struct state *s = open_state();
	if (!state_request(s, "resync", "shop", "public.orders", NULL) ||
		!state_request(s, "resync", "shop", "public.customers", NULL))
		_exit(1);
	state_close(s);
}

static void requests_of_another_process_come_in_order_until_done(void **unused)
{
	(void)unused;
	struct error err = {0};
	struct requests requests;
	struct state *s = open_state();
	in_other_process(ask_for_a_resync);
	assert_ok(state_requests(s, &requests, &err), &err);
	assert_int_equal(requests.len, 2);
	assert_string_equal(requests.items[0].kind, "resync");
	assert_string_equal(requests.items[0].stream, "shop");
	assert_string_equal(requests.items[0].table, "public.orders");
	assert_ok(state_request_done(s, requests.items[0].id, &err), &err);
	vec_release(&requests);
	assert_ok(state_requests(s, &requests, &err), &err);
	assert_int_equal(requests.len, 1);
	assert_string_equal(requests.items[0].table, "public.customers");
	vec_release(&requests);
	state_close(s);
}

static void facts_are_put_replaced_and_taken_away(void **unused)
{
	(void)unused;
	char value[64];
	struct error err = {0};
	struct state *s = open_state();
	assert_false(state_fact_get(s, "http_address", value, sizeof value));
	assert_ok(state_fact_put(s, "http_address", "127.0.0.1:8080", &err), &err);
	assert_ok(state_fact_put(s, "http_address", "127.0.0.1:8081", &err), &err);
	assert_true(state_fact_get(s, "http_address", value, sizeof value));
	assert_string_equal(value, "127.0.0.1:8081");
	assert_ok(state_fact_put(s, "http_address", NULL, &err), &err);
	assert_false(state_fact_get(s, "http_address", value, sizeof value));
	state_close(s);
}

static void a_second_runner_is_refused_until_the_first_is_gone(void **unused)
{
	(void)unused;
	char pid_text[32];
	int told[2];
	struct error err = {0};
	assert_int_equal(pipe(told), 0);
	pid_t pid = fork();
	if (pid == 0) {
		struct state *own = open_state();
		if (!state_lock(own, NULL) || state_runner(own) != getpid())
			_exit(1);
		(void)!write(told[1], "x", 1);
		pause();
	}
	assert_int_equal(read(told[0], pid_text, 1), 1);
	struct state *s = open_state();
	assert_int_equal(state_runner(s), pid);
	assert_false(state_lock(s, &err));
	snprintf(pid_text, sizeof pid_text, "as process %d;", (int)pid);
	assert_non_null(strstr(err.text, pid_text));
	assert_non_null(strstr(err.text, "already runs"));
	assert_int_equal(state_runner(s), pid);

	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(told[0]);
	close(told[1]);
	assert_int_equal(state_runner(s), 0);
	assert_ok(state_lock(s, &err), &err);
	state_close(s);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(only_the_owner_reads_what_is_stored),
		TEST(every_commit_is_synced_to_disk),
		TEST(a_file_that_is_no_database_is_named_as_damaged),
		TEST(pages_overwritten_under_our_feet_are_named_as_damaged),
		TEST(a_database_of_a_newer_version_is_left_alone),
		TEST(a_folder_that_cannot_be_made_is_named),
		TEST(processes_that_write_at_once_lose_nothing),
		TEST(processes_that_open_a_new_folder_at_once_all_succeed),
		TEST(a_position_is_read_back_as_it_was),
		TEST(a_position_never_moves_back_within_an_epoch),
		TEST(a_stream_that_never_began_has_a_status_and_no_position),
		TEST(what_was_committed_survives_kill_9),
		TEST(a_table_is_read_back_as_it_was),
		TEST(a_chunk_is_counted_once),
		TEST(the_ledger_tells_what_is_left_after_a_kill),
		TEST(a_new_plan_replaces_the_ledger_of_its_generation_alone),
		TEST(a_full_disk_says_so_and_loses_nothing),
		TEST(requests_of_another_process_come_in_order_until_done),
		TEST(facts_are_put_replaced_and_taken_away),
		TEST(a_second_runner_is_refused_until_the_first_is_gone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
