/* The log of a real server, streamed and fetched in bulk: rows, versions, positions, gaps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/clock.h"
#include "tail.h"

static struct cluster cluster;

static int start(void **state)
{
	static const char *const settings[] = {
		"-c", "wal_level=logical", "-c", "max_prepared_transactions=5", NULL};
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

static void inserts_updates_and_deletes_come_in_order(void **state)
{
	struct tail t;
	(void)state;
	sql(cluster.conn, "CREATE TABLE orders(id int PRIMARY KEY, note text)");
	tail_open(&t, cluster.url, NULL);
	sql(cluster.conn, "INSERT INTO orders VALUES (1, 'a'), (2, NULL); UPDATE orders SET note = "
			  "'b' WHERE id = 1;"
			  "DELETE FROM orders WHERE id = 2");
	tail_catch_up(&t, cluster.conn);
	assert_false(tail_has(&t, "table"));
	tail_assert_rows(&t, "orders", "id,note", "c 1 a|c 2 null|u 1 b|d 2 -");
	tail_close(&t);
}

static void a_changed_key_buries_the_old_one_under_the_same_version(void **state)
{
	struct tail t;
	(void)state;
	sql(cluster.conn,
		"CREATE TABLE orders(id int, shop int, note text, PRIMARY KEY (shop, id));"
		"INSERT INTO orders VALUES (1, 7, 'a')");
	tail_open(&t, cluster.url, NULL);
	sql(cluster.conn, "UPDATE orders SET id = 2");
	tail_catch_up(&t, cluster.conn);
	char *first = tail_await(&t, "orders {\"op\":\"k\""),
	     *second = tail_await(&t, "orders {\"op\":\"u\"");
	assert_memory_equal(strstr(first, "\"version\""), strstr(second, "\"version\""), 40);
	free(first);
	free(second);
	tail_assert_rows(&t, "orders", "id,shop,note", "k 1 7 -|u 2 7 a");
	tail_close(&t);
}

static void keys_that_differ_in_bytes_alone_are_one_key(void **state)
{
	struct tail t;
	(void)state;
	sql(cluster.conn, "CREATE TABLE prices(price numeric PRIMARY KEY, note text); INSERT INTO "
			  "prices VALUES (1.0, 'a')");
	tail_prepare(&t, cluster.url);
	t.m.rules[0].options.numeric = NUMERIC_DECIMAL;
	tail_start(&t, NULL);
	sql(cluster.conn, "UPDATE prices SET price = 1.00, note = 'b'");
	tail_catch_up(&t, cluster.conn);
	tail_assert_rows(&t, "prices", "note", "u b");
	tail_close(&t);
}

static void rows_that_share_a_record_have_versions_of_their_own(void **state)
{
	struct tail t;
	(void)state;
	sql(cluster.conn, "CREATE TABLE orders(id int PRIMARY KEY, note text)");
	tail_open(&t, cluster.url, NULL);
	sql(cluster.conn, "COPY (SELECT i, 'x' FROM generate_series(1, 500) i) TO "
			  "'/var/tmp/tailrace_copy_test'");
	sql(cluster.conn, "COPY orders FROM '/var/tmp/tailrace_copy_test'");
	tail_catch_up(&t, cluster.conn);
	char *rows = tail_rows(&t, "orders", "version"), *rest = rows, *row;
	char last[64] = "";
	size_t n = 0;
	while ((row = strsep(&rest, "|"))) {
		assert_true(strlen(row) > strlen(last) || strcmp(row, last) > 0);
		snprintf(last, sizeof last, "%s", row);
		n++;
	}
	free(rows);
	assert_int_equal(n, 500);
	tail_close(&t);
	unlink("/var/tmp/tailrace_copy_test");
}

static void unchanged_toast_is_marked_and_filled_under_full_identity(void **state)
{
	struct tail t;
	(void)state;
	sql(cluster.conn, "CREATE TABLE docs(id int PRIMARY KEY, body text, note text);"
			  "CREATE TABLE full_docs(id int PRIMARY KEY, body text, note text);"
			  "ALTER TABLE docs ALTER body SET STORAGE EXTERNAL; ALTER TABLE full_docs "
			  "ALTER body SET STORAGE EXTERNAL;"
			  "ALTER TABLE full_docs REPLICA IDENTITY FULL;"
			  "INSERT INTO docs VALUES (1, repeat('x', 9000), 'a'); INSERT INTO "
			  "full_docs SELECT * FROM docs");
	tail_open(&t, cluster.url, NULL);
	sql(cluster.conn, "UPDATE docs SET note = 'b'; UPDATE full_docs SET note = 'b'");
	tail_catch_up(&t, cluster.conn);
	char *row = tail_await(&t, "docs {");
	assert_non_null(strstr(row, "\"unchanged\":[\"body\"]"));
	free(row);
	row = tail_await(&t, "full_docs {");
	assert_null(strstr(row, "unchanged"));
	assert_non_null(strstr(row, "xxxxxxxx"));
	free(row);
	tail_close(&t);
}

static void a_truncate_comes_between_the_rows_around_it(void **state)
{
	struct tail t;
	(void)state;
	sql(cluster.conn, "CREATE TABLE orders(id int PRIMARY KEY)");
	tail_open(&t, cluster.url, NULL);
	sql(cluster.conn, "BEGIN; INSERT INTO orders VALUES (1); TRUNCATE orders; INSERT INTO "
			  "orders VALUES (2); COMMIT");
	tail_catch_up(&t, cluster.conn);
	const char *first = strstr(buf_text(&t.lines), "\"id\":1"),
		   *truncate = strstr(first, "orders truncate");
	assert_non_null(truncate);
	assert_non_null(strstr(truncate, "\"id\":2"));
	tail_close(&t);
}

static void a_table_without_identity_comes_with_its_inserts_and_its_updates_go_on(void **state)
{
	struct tail t;
	(void)state;
	sql(cluster.conn, "CREATE TABLE events(what text); INSERT INTO events VALUES ('old')");
	tail_open(&t, cluster.url, NULL);
	sql(cluster.conn, "INSERT INTO events VALUES ('a'); UPDATE events SET what = 'b'; DELETE "
			  "FROM events");
	tail_catch_up(&t, cluster.conn);
	tail_assert_rows(&t, "events", "what", "c a");
	tail_close(&t);
}

static const char workload[] =
	"CREATE TABLE orders(id int PRIMARY KEY, amount numeric(10,2), note text, at timestamptz);"
	"CREATE TABLE parts(id int, day date, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);"
	"CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');"
	"CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');"
	"CREATE TABLE events(what text)";
static const char work[] =
	"INSERT INTO orders SELECT i, i * 1.5, repeat('n', i % 50), '2026-01-01'::timestamptz + i "
	"* '1 s'::interval"
	" FROM generate_series(1, 3000) i;"
	"UPDATE orders SET amount = amount + 1 WHERE id % 3 = 0; UPDATE orders SET id = -id WHERE "
	"id % 100 = 0;"
	"DELETE FROM orders WHERE id % 7 = 0;"
	"INSERT INTO parts SELECT i, '2026-01-15'::date + i % 30 FROM generate_series(1, 200) i;"
	"UPDATE parts SET day = '2026-02-20' WHERE id < 20; TRUNCATE parts; INSERT INTO parts "
	"VALUES (1, '2026-01-02');"
	"INSERT INTO events SELECT 'e' || i FROM generate_series(1, 100) i";

static char *read_all(const char *threshold, const struct resume *from, const char *batch_rows)
{
	struct tail t;
	tail_prepare(&t, cluster.url);
	tail_option(&t, "bulk_threshold", threshold);
	t.m.source->batch_rows = atoi(batch_rows);
	t.keep_unconfirmed = !strcmp(threshold, "0");
	tail_start(&t, from);
	tail_catch_up(&t, cluster.conn);
	char *lines = tail_sorted(&t);
	tail_close(&t);
	cluster_wait_for_slots(&cluster);
	return lines;
}

static void streamed_and_in_bulk_the_log_is_the_same_to_the_byte(void **state)
{
	struct tail t;
	(void)state;
	sql(cluster.conn, workload);
	tail_open(&t, cluster.url, NULL);
	struct resume from = t.resume;
	tail_close(&t);
	cluster_wait_for_slots(&cluster);
	sql(cluster.conn, work);
	char *streamed = read_all("0", &from, "10000");
	char *again = read_all("0", &from, "97");
	assert_string_equal(streamed, again);
	free(again);
	char *bulk = read_all("1", &from, "500");
	assert_true(strlen(streamed) > 100000);
	assert_string_equal(streamed, bulk);
	free(streamed);
	free(bulk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(inserts_updates_and_deletes_come_in_order, clean),
		cmocka_unit_test_setup(
			a_changed_key_buries_the_old_one_under_the_same_version, clean),
		cmocka_unit_test_setup(keys_that_differ_in_bytes_alone_are_one_key, clean),
		cmocka_unit_test_setup(rows_that_share_a_record_have_versions_of_their_own, clean),
		cmocka_unit_test_setup(
			unchanged_toast_is_marked_and_filled_under_full_identity, clean),
		cmocka_unit_test_setup(a_truncate_comes_between_the_rows_around_it, clean),
		cmocka_unit_test_setup(
			a_table_without_identity_comes_with_its_inserts_and_its_updates_go_on,
			clean),
		cmocka_unit_test_setup(streamed_and_in_bulk_the_log_is_the_same_to_the_byte, clean),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
