/* What happens to tables while they are tailed, on a real server. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/clock.h"
#include "sources/postgres/wal.h"
#include "tail.h"

static struct cluster cluster;

static int start(void **state)
{
	static const char *const settings[] = {"-c", "wal_level=logical", NULL};
	(void)state;
	cluster_start(&cluster, settings);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	cluster_stop(&cluster);
	return 0;
}

static int clean(void **state)
{
	(void)state;
	cluster_clean(&cluster);
	return 0;
}

static void assert_string_prefix(const char *text, const char *beginning)
{
	if (strncmp(text, beginning, strlen(beginning)) != 0)
		fail_msg("%s", text);
}

static void await(struct tail *t, const char *beginning)
{
	free(tail_await(t, beginning));
}

static void a_column_added_comes_before_its_first_row(void **state)
{
	struct tail t;
	(void)state;
	sql(cluster.conn, "CREATE TABLE orders(id int PRIMARY KEY, note text)");
	tail_open(&t, cluster.url, NULL);
	sql(cluster.conn,
		"INSERT INTO orders VALUES (1, 'a'); ALTER TABLE orders ADD amount int DEFAULT 5;"
		"INSERT INTO orders VALUES (2, 'b', 7)");
	tail_catch_up(&t, cluster.conn);
	const char *table = strstr(buf_text(&t.lines), "orders table (id,note,amount)");
	assert_non_null(table);
	assert_non_null(strstr(table, "\"amount\":7"));
	assert_null(strstr(table, "\"id\":1"));
	assert_false(tail_has(&t, "recopy"));
	tail_close(&t);
}

static void a_change_without_rows_is_told_all_the_same(void **state)
{
	struct tail t;
	(void)state;
	sql(cluster.conn, "CREATE TABLE orders(id int PRIMARY KEY, note text)");
	tail_open(&t, cluster.url, NULL);
	tail_catch_up(&t, cluster.conn);
	sql(cluster.conn, "ALTER TABLE orders RENAME note TO remark");
	await(&t, "orders table (id,remark)");
	tail_close(&t);
}

static void two_columns_that_swap_names_keep_their_values(void **state)
{
	struct tail t;
	(void)state;
	sql(cluster.conn, "CREATE TABLE orders(id int PRIMARY KEY, a text, b text)");
	tail_open(&t, cluster.url, NULL);
	sql(cluster.conn, "INSERT INTO orders VALUES (1, 'first', 'second'); ALTER TABLE orders "
			  "RENAME a TO c;"
			  "ALTER TABLE orders RENAME b TO a; ALTER TABLE orders RENAME c TO b;"
			  "INSERT INTO orders VALUES (2, 'first', 'second')");
	tail_catch_up(&t, cluster.conn);
	assert_true(tail_has(&t, "orders table (id,b,a)"));
	tail_assert_rows(&t, "orders", "id,a,b", "c 1 first second|c 2 second first");
	tail_close(&t);
}

static void a_column_dropped_and_added_again_is_another(void **state)
{
	struct tail t;
	(void)state;
	sql(cluster.conn, "CREATE TABLE orders(id int PRIMARY KEY, note text)");
	tail_open(&t, cluster.url, NULL);
	sql(cluster.conn, "INSERT INTO orders VALUES (1, 'old'); ALTER TABLE orders DROP note; "
			  "ALTER TABLE orders ADD note text;"
			  "INSERT INTO orders VALUES (2, 'new')");
	tail_catch_up(&t, cluster.conn);
	assert_true(tail_has(&t, "orders recopy"));
	tail_forget(&t);
	sql(cluster.conn, "INSERT INTO orders VALUES (3, 'newer')");
	tail_catch_up(&t, cluster.conn);
	assert_true(tail_has(&t, "orders table (id,note)"));
	tail_assert_rows(&t, "orders", "id,note", "c 3 newer");
	tail_close(&t);
}

static void rows_from_before_a_new_column_are_read_after_a_restart(void **state)
{
	struct tail t;
	(void)state;
	sql(cluster.conn, "CREATE TABLE orders(id int PRIMARY KEY, note text)");
	struct resume at = tail_stand_still(&t, &cluster);
	sql(cluster.conn, "INSERT INTO orders VALUES (1, 'a'); ALTER TABLE orders ADD amount int;"
			  "INSERT INTO orders VALUES (2, 'b', 7)");
	tail_open(&t, cluster.url, &at);
	tail_catch_up(&t, cluster.conn);
	assert_false(tail_has(&t, "recopy"));
	tail_assert_rows(&t, "orders", "id,note,amount", "c 1 a null|c 2 b 7");
	tail_close(&t);
}

static void what_the_log_means_no_more_is_copied_anew(void **state)
{
	struct tail t;
	(void)state;
	sql(cluster.conn, "CREATE TABLE orders(id int PRIMARY KEY, a text, b text)");
	struct resume at = tail_stand_still(&t, &cluster);
	sql(cluster.conn, "INSERT INTO orders VALUES (1, 'a', 'b'); ALTER TABLE orders DROP a; "
			  "INSERT INTO orders VALUES (2, 'b')");
	tail_open(&t, cluster.url, &at);
	tail_catch_up(&t, cluster.conn);
	assert_true(tail_has(&t, "orders recopy"));
	sql(cluster.conn, "INSERT INTO orders VALUES (3, 'c')");
	tail_catch_up(&t, cluster.conn);
	tail_assert_rows(&t, "orders", "id,b", "c 3 c");
	tail_close(&t);
}

static void a_rewrite_is_seen_and_rows_before_it_are_taken_for_what_they_were(void **state)
{
	struct tail t;
	(void)state;
	sql(cluster.conn, "CREATE TABLE orders(id int PRIMARY KEY, amount int)");
	tail_open(&t, cluster.url, NULL);
	sql(cluster.conn, "INSERT INTO orders VALUES (1, 10)");
	tail_catch_up(&t, cluster.conn);
	tail_assert_rows(&t, "orders", "id,amount", "c 1 10");
	char *before = xstrdup(t.m.tables.items[0]->physical);
	sql(cluster.conn, "ALTER TABLE orders ALTER amount TYPE int USING amount + 1");
	await(&t, "orders table (id,amount)");
	struct table *now = mirror_discover(&t.m, "orders");
	assert_false(t.m.source->ops->same_physical(before, now->physical));
	free(before);
	tail_close(&t);
}

static void a_column_with_a_volatile_default_has_its_table_copied_anew(void **state)
{
	struct tail t;
	(void)state;
	sql(cluster.conn, "CREATE TABLE orders(id int PRIMARY KEY)");
	tail_open(&t, cluster.url, NULL);
	tail_catch_up(&t, cluster.conn);
	char *before = xstrdup(t.m.tables.items[0]->physical);
	sql(cluster.conn, "ALTER TABLE orders ADD at timestamptz DEFAULT clock_timestamp();"
			  "INSERT INTO orders VALUES (1)");
	tail_catch_up(&t, cluster.conn);
	await(&t, "orders recopy");
	sql(cluster.conn, "INSERT INTO orders VALUES (2)");
	await(&t, "orders table (id,at)");
	tail_catch_up(&t, cluster.conn);
	tail_assert_rows(&t, "orders", "id", "c 2");
	assert_false(
		t.m.source->ops->same_physical(before, mirror_discover(&t.m, "orders")->physical));
	free(before);
	tail_close(&t);
}

static void a_truncate_explains_its_new_file(void **state)
{
	struct tail t;
	(void)state;
	sql(cluster.conn, "CREATE TABLE orders(id int PRIMARY KEY); INSERT INTO orders VALUES (1)");
	tail_open(&t, cluster.url, NULL);
	tail_catch_up(&t, cluster.conn);
	sql(cluster.conn, "TRUNCATE orders; INSERT INTO orders VALUES (2)");
	tail_catch_up(&t, cluster.conn);
	sql(cluster.conn, "CREATE TABLE later(id int PRIMARY KEY)");
	await(&t, "later table"); /* the watch has looked since */
	assert_true(tail_has(&t, "orders truncate"));
	sql(cluster.conn, "ALTER TABLE later RENAME id TO number");
	await(&t, "later table (number)");
	assert_false(tail_has(&t, "orders table"));
	tail_close(&t);
}

static void leaves_that_come_and_go_change_their_root(void **state)
{
	struct tail t;
	(void)state;
	sql(cluster.conn, "CREATE TABLE parts(id int PRIMARY KEY) PARTITION BY RANGE (id);"
			  "CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);"
			  "CREATE TABLE aside(id int PRIMARY KEY); INSERT INTO aside VALUES (15)");
	tail_open(&t, cluster.url, NULL);
	tail_catch_up(&t, cluster.conn);
	sql(cluster.conn, "ALTER TABLE parts ATTACH PARTITION aside FOR VALUES FROM (10) TO (20)");
	await(&t, "parts table (id)");
	await(&t, "aside dropped");
	tail_forget(&t);
	sql(cluster.conn, "INSERT INTO parts VALUES (16); UPDATE parts SET id = 3 WHERE id = 16");
	tail_catch_up(&t, cluster.conn);
	tail_assert_rows(&t, "parts", "id", "c 16|d 16|c 3");
	sql(cluster.conn, "TRUNCATE parts_1");
	await(&t, "parts table (id)");
	tail_close(&t);
}

static void labels_renamed_change_the_table_and_labels_added_do_not(void **state)
{
	struct tail t;
	(void)state;
	sql(cluster.conn, "CREATE TYPE mood AS ENUM ('sad', 'glad'); CREATE TABLE people(id int "
			  "PRIMARY KEY, mood mood)");
	tail_open(&t, cluster.url, NULL);
	tail_catch_up(&t, cluster.conn);
	sql(cluster.conn, "ALTER TYPE mood ADD VALUE 'bored'");
	sql(cluster.conn, "INSERT INTO people VALUES (1, 'bored')");
	tail_catch_up(&t, cluster.conn);
	assert_false(tail_has(&t, "table"));
	tail_assert_rows(&t, "people", "id,mood", "c 1 bored");
	sql(cluster.conn, "ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'");
	await(&t, "people table");
	tail_close(&t);
	sql(cluster.conn, "DROP TYPE mood CASCADE");
}

static void tables_come_and_go(void **state)
{
	struct tail t;
	(void)state;
	sql(cluster.conn, "CREATE TABLE orders(id int PRIMARY KEY)");
	tail_open(&t, cluster.url, NULL);
	tail_catch_up(&t, cluster.conn);
	sql(cluster.conn, "CREATE TABLE items(id int PRIMARY KEY)");
	await(&t, "items table (id)");
	sql(cluster.conn, "INSERT INTO items VALUES (1)");
	await(&t, "items {");
	sql(cluster.conn, "DROP TABLE items");
	await(&t, "items dropped");
	tail_forget(&t);
	sql(cluster.conn, "CREATE TABLE items(id int PRIMARY KEY, again text)");
	await(&t, "items table (id,again)");
	tail_close(&t);
}

/* The server sends nothing more until it may go on. */
static pid_t hold_back(void)
{
	char *pid = sql_value(
		cluster.conn, "SELECT active_pid FROM pg_replication_slots WHERE active");
	pid_t walsender = (pid_t)atoi(pid);
	free(pid);
	assert_true(walsender > 0 && kill(walsender, SIGSTOP) == 0);
	return walsender;
}

/* Until all that is committed now lies in our socket, to come with one read. */
static void let_go_on(pid_t walsender)
{
	kill(walsender, SIGCONT);
	sql_await(cluster.conn, "SELECT sent_lsn >= pg_current_wal_lsn() FROM pg_stat_replication",
		"t");
}

static void what_was_seen_before_a_later_change_was_read_is_not_acted_upon(void **state)
{
	struct tail t;
	struct error err = {0};
	(void)state;
	sql(cluster.conn, "CREATE TABLE orders(id int PRIMARY KEY, note text)");
	tail_open(&t, cluster.url, NULL);
	tail_catch_up(&t, cluster.conn);
	const struct pg_watch *watch = &((struct postgres *)t.m.source)->log->watch;
	pid_t walsender = hold_back();
	sql(cluster.conn, "ALTER TABLE orders ADD a int");
	for (int64_t began_ms = mono_ms(); !watch->pending && mono_ms() - began_ms < 20000;)
		assert_int_not_equal(tail_read(&t, 10, &err), SOURCE_FAILED);
	assert_true(watch->pending);
	sql(cluster.conn, "ALTER TABLE orders ADD b int; INSERT INTO orders VALUES (1, 'x', 2, 3);"
			  "ALTER TABLE orders RENAME b TO c");
	let_go_on(walsender);
	tail_catch_up(&t, cluster.conn);
	await(&t, "orders table (id,note,a,c)");
	assert_false(tail_has(&t, "orders table (id,note,a)"));
	tail_close(&t);
}

static void a_table_made_again_is_dropped_first(void **state)
{
	struct tail t;
	(void)state;
	sql(cluster.conn, "CREATE TABLE items(id int PRIMARY KEY)");
	tail_open(&t, cluster.url, NULL);
	tail_catch_up(&t, cluster.conn);
	sql(cluster.conn, "BEGIN; DROP TABLE items; CREATE TABLE items(id int PRIMARY KEY, again "
			  "text); COMMIT");
	await(&t, "items table (id,again)");
	const char *dropped = strstr(buf_text(&t.lines), "items dropped");
	assert_non_null(dropped);
	assert_non_null(strstr(dropped, "items table"));
	tail_close(&t);
}

static void a_table_taken_out_of_the_publication_comes_back_and_is_copied_anew(void **state)
{
	struct tail t;
	(void)state;
	sql(cluster.conn, "CREATE TABLE orders(id int PRIMARY KEY)");
	tail_open(&t, cluster.url, NULL);
	tail_catch_up(&t, cluster.conn);
	sql(cluster.conn, "ALTER PUBLICATION tailrace_shop DROP TABLE orders");
	await(&t, "orders recopy");
	sql(cluster.conn, "INSERT INTO orders VALUES (1)");
	await(&t, "orders {");
	tail_close(&t);
}

static void a_table_that_gets_a_key_joins_the_other_publication(void **state)
{
	struct tail t;
	(void)state;
	sql(cluster.conn, "CREATE TABLE events(id int NOT NULL, what text)");
	tail_open(&t, cluster.url, NULL);
	tail_catch_up(&t, cluster.conn);
	sql(cluster.conn, "ALTER TABLE events ADD PRIMARY KEY (id)");
	await(&t, "events table");
	sql(cluster.conn, "INSERT INTO events VALUES (1, 'a'); UPDATE events SET what = 'b'");
	await(&t, "events {\"op\":\"u\"");
	tail_close(&t);
}

static void a_table_that_goes_while_it_is_published_keeps_no_other_waiting(void **state)
{
	struct tail t;
	struct error err = {0};
	(void)state;
	sql(cluster.conn,
		"CREATE TABLE gone(id int PRIMARY KEY); CREATE TABLE orders(id int PRIMARY KEY)");
	tail_prepare(&t, cluster.url);
	mirror_discover(&t.m, "");
	sql(cluster.conn, "DROP TABLE gone");
	if (!t.m.source->ops->start(t.m.source, NULL, &t.resume, &err))
		fail_msg("%s", err.text);
	sql(cluster.conn, "INSERT INTO orders VALUES (1)");
	await(&t, "orders {\"op\":\"c\"");
	await(&t, "gone dropped");
	tail_close(&t);
}

static void a_table_that_is_locked_is_published_later(void **state)
{
	struct tail t;
	(void)state;
	sql(cluster.conn,
		"CREATE TABLE held(id int PRIMARY KEY); CREATE TABLE orders(id int PRIMARY KEY)");
	PGconn *vacuum = cluster_connect(&cluster);
	sql(vacuum, "BEGIN; LOCK TABLE held IN SHARE UPDATE EXCLUSIVE MODE");
	tail_open(&t, cluster.url, NULL);
	vec_each (&t.m.tables, table)
		if (!strcmp((*table)->name, "held"))
			assert_string_prefix(
				(*table)->problem, "it cannot be published: ALTER PUBLICATION");
	sql(cluster.conn, "INSERT INTO orders VALUES (1); INSERT INTO held VALUES (1)");
	await(&t, "orders {\"op\":\"c\"");
	assert_false(tail_has(&t, "held"));
	sql(vacuum, "COMMIT");
	PQfinish(vacuum);
	sql(cluster.conn, "CREATE TABLE another(id int PRIMARY KEY)");
	await(&t, "held table (id) \n");
	sql(cluster.conn, "INSERT INTO held VALUES (2)");
	await(&t, "held {\"op\":\"c\"");
	tail_assert_rows(&t, "held", "id", "c 2");
	tail_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_column_added_comes_before_its_first_row, clean),
		cmocka_unit_test_setup(a_change_without_rows_is_told_all_the_same, clean),
		cmocka_unit_test_setup(two_columns_that_swap_names_keep_their_values, clean),
		cmocka_unit_test_setup(a_column_dropped_and_added_again_is_another, clean),
		cmocka_unit_test_setup(
			rows_from_before_a_new_column_are_read_after_a_restart, clean),
		cmocka_unit_test_setup(what_the_log_means_no_more_is_copied_anew, clean),
		cmocka_unit_test_setup(
			a_rewrite_is_seen_and_rows_before_it_are_taken_for_what_they_were, clean),
		cmocka_unit_test_setup(
			a_column_with_a_volatile_default_has_its_table_copied_anew, clean),
		cmocka_unit_test_setup(a_truncate_explains_its_new_file, clean),
		cmocka_unit_test_setup(leaves_that_come_and_go_change_their_root, clean),
		cmocka_unit_test_setup(
			labels_renamed_change_the_table_and_labels_added_do_not, clean),
		cmocka_unit_test_setup(tables_come_and_go, clean),
		cmocka_unit_test_setup(
			what_was_seen_before_a_later_change_was_read_is_not_acted_upon, clean),
		cmocka_unit_test_setup(a_table_made_again_is_dropped_first, clean),
		cmocka_unit_test_setup(
			a_table_taken_out_of_the_publication_comes_back_and_is_copied_anew, clean),
		cmocka_unit_test_setup(a_table_that_gets_a_key_joins_the_other_publication, clean),
		cmocka_unit_test_setup(
			a_table_that_goes_while_it_is_published_keeps_no_other_waiting, clean),
		cmocka_unit_test_setup(a_table_that_is_locked_is_published_later, clean),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
