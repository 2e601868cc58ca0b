/* The slot, on a real server: what is a gap, who has it, how far it moves, and when the log is fetched in bulk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/clock.h"
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

static void assert_gap(const struct resume *from, const char *part)
{
	struct tail t;
	tail_prepare(&t, cluster.url);
	tail_refused(&t, from, ERROR_GAP, part);
	tail_close(&t);
	cluster_wait_for_slots(&cluster);
}

static void a_slot_that_is_gone_is_a_gap(void **state)
{
	struct tail t;
	(void)state;
	sql(cluster.conn, "CREATE TABLE orders(id int PRIMARY KEY)");
	struct resume at = tail_stand_still(&t, &cluster);
	sql(cluster.conn, "SELECT pg_drop_replication_slot('tailrace_shop')");
	assert_gap(&at, "is gone");
	sql(cluster.conn, "INSERT INTO orders VALUES (1)");
	sql(cluster.conn, "SELECT pg_create_logical_replication_slot('tailrace_shop', 'pgoutput')");
	assert_gap(&at, "older than what slot");
}

static void a_position_of_another_server_is_a_gap(void **state)
{
	struct tail t;
	(void)state;
	sql(cluster.conn, "CREATE TABLE orders(id int PRIMARY KEY)");
	struct resume at = tail_stand_still(&t, &cluster);
	struct resume other = at;
	other.identity[8]++;
	assert_gap(&other, "of another log");
	other = at;
	other.position.order += (uint64_t)1 << 40;
	assert_gap(&other, "was set back");
	sql(cluster.conn, "DROP PUBLICATION tailrace_shop");
	assert_gap(&at, "was dropped");
}

static void a_position_ahead_of_the_slot_repeats_nothing(void **state)
{
	struct tail t;
	(void)state;
	sql(cluster.conn, "CREATE TABLE orders(id int PRIMARY KEY)");
	tail_prepare(&t, cluster.url);
	t.keep_unconfirmed = true;
	tail_start(&t, NULL);
	sql(cluster.conn, "INSERT INTO orders VALUES (1)");
	tail_catch_up(&t, cluster.conn);
	struct resume at = t.resume;
	tail_close(&t);
	cluster_wait_for_slots(&cluster);
	for (int bulk = 0; bulk < 2; bulk++) {
		sql(cluster.conn,
			bulk ? "INSERT INTO orders VALUES (3)" : "INSERT INTO orders VALUES (2)");
		tail_prepare(&t, cluster.url);
		tail_option(&t, "bulk_threshold", bulk ? "1" : "0");
		t.keep_unconfirmed = !bulk;
		tail_start(&t, &at);
		tail_catch_up(&t, cluster.conn);
		tail_assert_rows(&t, "orders", "id", bulk ? "c 2|c 3" : "c 2");
		tail_close(&t);
		cluster_wait_for_slots(&cluster);
	}
}

static void a_slot_in_use_is_named_and_waited_for(void **state)
{
	struct tail first, second;
	(void)state;
	sql(cluster.conn, "CREATE TABLE orders(id int PRIMARY KEY)");
	tail_open(&first, cluster.url, NULL);
	struct resume at = first.resume;
	tail_prepare(&second, cluster.url);
	tail_refused(&second, &at, ERROR_RETRY, "in use by pid");
	tail_close(&second);
	tail_close(&first);
}

static void a_killed_walsender_is_an_error_to_try_again(void **state)
{
	struct tail t;
	struct error err = {0};
	(void)state;
	sql(cluster.conn, "CREATE TABLE orders(id int PRIMARY KEY)");
	tail_open(&t, cluster.url, NULL);
	sql(cluster.conn, "INSERT INTO orders VALUES (1)");
	tail_catch_up(&t, cluster.conn);
	sql(cluster.conn, "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots");
	int64_t began_ms = mono_ms();
	while (tail_read(&t, 50, &err) != SOURCE_FAILED)
		assert_true(mono_ms() - began_ms < 20000);
	assert_int_equal(err.kind, ERROR_RETRY);
	struct resume at = t.resume;
	tail_close(&t);
	cluster_wait_for_slots(&cluster);
	sql(cluster.conn, "INSERT INTO orders VALUES (2)");
	tail_open(&t, cluster.url, &at);
	tail_catch_up(&t, cluster.conn);
	tail_assert_rows(&t, "orders", "id", "c 2");
	tail_close(&t);
}

static void an_idle_table_does_not_hold_the_log_back(void **state)
{
	struct tail t;
	(void)state;
	sql(cluster.conn, "CREATE TABLE orders(id int PRIMARY KEY); CREATE SCHEMA other; CREATE "
			  "TABLE other.noise(id int)");
	tail_open(&t, cluster.url, NULL);
	uint64_t began = (uint64_t)t.resume.position.order;
	sql(cluster.conn, "INSERT INTO other.noise SELECT generate_series(1, 10000)");
	for (int64_t began_ms = mono_ms(); t.resume.position.order < began + 500000;) {
		struct error err = {0};
		assert_true(tail_read(&t, 50, &err) != SOURCE_FAILED);
		assert_true(mono_ms() - began_ms < 20000);
	}
	for (int64_t began_ms = mono_ms();;) {
		struct error err = {0};
		assert_true(tail_read(&t, 50, &err) != SOURCE_FAILED);
		char *moved = sql_value(cluster.conn,
			"SELECT confirmed_flush_lsn - '0/0' FROM pg_replication_slots");
		bool there = strtoull(moved, NULL, 10) >= began + 500000;
		free(moved);
		if (there)
			break;
		assert_true(mono_ms() - began_ms < 20000);
	}
	tail_close(&t);
	sql(cluster.conn, "DROP SCHEMA other CASCADE");
}

static void a_growing_backlog_goes_over_to_bulk_and_back(void **state)
{
	struct tail t;
	(void)state;
	sql(cluster.conn,
		"CREATE TABLE orders(id int PRIMARY KEY, note text); CREATE SEQUENCE numbers");
	tail_prepare(&t, cluster.url);
	tail_option(&t, "bulk_threshold", "1MiB");
	tail_start(&t, NULL);
	struct resume at = t.resume;
	tail_close(&t);
	cluster_wait_for_slots(&cluster);
	for (int i = 0; i < 20; i++)
		sql(cluster.conn, "INSERT INTO orders SELECT nextval('numbers'), repeat('x', 100) "
				  "FROM generate_series(1, 1000)");
	tail_prepare(&t, cluster.url);
	tail_option(&t, "bulk_threshold", "1MiB");
	tail_start(&t, &at);
	tail_catch_up(&t, cluster.conn);
	char *rows = tail_rows(&t, "orders", "id");
	size_t n = 1;
	for (const char *c = rows; *c; c++)
		n += *c == '|';
	free(rows);
	assert_int_equal(n, 20000);
	sql(cluster.conn, "INSERT INTO orders VALUES (-1, 'live')");
	tail_catch_up(&t, cluster.conn);
	tail_assert_rows(&t, "orders", "id", "c -1");
	tail_close(&t);
}

static void a_publication_for_all_tables_is_refused(void **state)
{
	struct tail t;
	(void)state;
	sql(cluster.conn, "CREATE PUBLICATION tailrace_shop FOR ALL TABLES");
	tail_prepare(&t, cluster.url);
	tail_refused(&t, NULL, ERROR_CONFIG, "FOR ALL TABLES");
	tail_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_slot_that_is_gone_is_a_gap, clean),
		cmocka_unit_test_setup(a_position_of_another_server_is_a_gap, clean),
		cmocka_unit_test_setup(a_position_ahead_of_the_slot_repeats_nothing, clean),
		cmocka_unit_test_setup(a_slot_in_use_is_named_and_waited_for, clean),
		cmocka_unit_test_setup(a_killed_walsender_is_an_error_to_try_again, clean),
		cmocka_unit_test_setup(an_idle_table_does_not_hold_the_log_back, clean),
		cmocka_unit_test_setup(a_growing_backlog_goes_over_to_bulk_and_back, clean),
		cmocka_unit_test_setup(a_publication_for_all_tables_is_refused, clean),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
