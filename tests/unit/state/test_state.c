/* The store as a file that several processes share: real ones, that are killed, and real locks. */
#include "fixture.h"

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

/* Takes a database back to the first of its versions. */
static void age(struct state *s)
{
	static const char later[] =
		"SELECT group_concat('DROP TABLE ' || name, ';') FROM sqlite_master"
		" WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
		" AND name NOT IN ('streams', 'tables', 'chunks', 'requests', 'facts')";
	char drops[4096];
	sqlite3_stmt *row = store_query(s, later, NO_VALUES, NULL);
	assert_int_equal(store_step(s, row, NULL), 1);
	store_text(row, 0, drops, sizeof drops);
	sqlite3_reset(row);
	assert_int_equal(sqlite3_exec(s->db, drops, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(s->db,
				 "ALTER TABLE streams DROP COLUMN marked_us;"
				 "PRAGMA user_version = 1",
				 NULL, NULL, NULL),
		SQLITE_OK);
}

static void an_older_database_is_brought_on(void **unused)
{
	(void)unused;
	struct error err = {0};
	struct runs runs;
	struct arena arena;
	struct state *s = open_state();
	assert_ok(begin(s, 1, 7, &err), &err);
	age(s);
	state_close(s);
	s = open_state();
	assert_string_equal(get(s).resume.position.token, "begin");
	assert_int_equal(get(s).marked_us, 0);
	arena_init(&arena);
	assert_ok(state_runs(s, 0, 0, &arena, &runs, &err), &err);
	assert_int_equal(runs.len, 0);
	arena_release(&arena);
	state_close(s);
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
	assert_false(state_runner_ends(s));

	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(told[0]);
	close(told[1]);
	assert_int_equal(state_runner(s), 0);
	assert_true(state_runner_ends(s));
	assert_ok(state_lock_briefly(s, &err), &err);
	struct state *other = open_state();
	assert_true(state_runner_ends(other));
	assert_int_equal(state_runner(other), getpid());
	state_close(s);
	assert_ok(state_lock(other, &err), &err);
	s = open_state();
	assert_false(state_runner_ends(s));
	state_close(s);
	state_close(other);
}

static void whoever_waits_sees_what_any_process_writes(void **state)
{
	struct state *s = open_state(), *other = open_state();
	struct error err = {0};
	int64_t before, now;
	(void)state;

	assert_ok(state_version(s, &before, &err), &err);
	assert_ok(state_version(s, &now, &err), &err);
	assert_int_equal(now, before);
	assert_ok(state_fact_put(s, "a", "mine", &err), &err);
	assert_ok(state_version(s, &now, &err), &err);
	assert_true(now > before);
	before = now;
	assert_ok(state_fact_put(other, "a", "theirs", &err), &err);
	assert_ok(state_version(s, &now, &err), &err);
	assert_true(now > before);
	state_close(s);
	state_close(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(only_the_owner_reads_what_is_stored),
		TEST(every_commit_is_synced_to_disk),
		TEST(a_file_that_is_no_database_is_named_as_damaged),
		TEST(pages_overwritten_under_our_feet_are_named_as_damaged),
		TEST(a_database_of_a_newer_version_is_left_alone),
		TEST(an_older_database_is_brought_on),
		TEST(a_folder_that_cannot_be_made_is_named),
		TEST(processes_that_write_at_once_lose_nothing),
		TEST(processes_that_open_a_new_folder_at_once_all_succeed),
		TEST(requests_of_another_process_come_in_order_until_done),
		TEST(facts_are_put_replaced_and_taken_away),
		TEST(a_second_runner_is_refused_until_the_first_is_gone),
		TEST(whoever_waits_sees_what_any_process_writes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
