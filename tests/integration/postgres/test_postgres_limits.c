/* What a server may refuse or hold back while its log is read, and what bounds the reader: on a real server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/clock.h"
#include "base/failpoint.h"
#include "tail.h"

static struct cluster cluster;

static int start(void **state)
{
	static const char *const settings[] = {"-c", "wal_level=logical", "-c",
		"max_prepared_transactions=5", "-c", "logical_decoding_work_mem=64kB", NULL};
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

static size_t count_rows(struct tail *t, const char *table)
{
	char *rows = tail_rows(t, table, "op");
	size_t n = *rows ? 1 : 0;
	for (const char *c = rows; *c; c++)
		n += *c == '|';
	free(rows);
	return n;
}

/* A slot and a position from which a backlog is read. */
static struct resume stand_still(void)
{
	struct tail t;
	tail_open(&t, cluster.url, NULL);
	tail_catch_up(&t, cluster.conn);
	struct resume at = t.resume;
	tail_close(&t);
	cluster_wait_for_slots(&cluster);
	return at;
}

static void open_in_bulk(struct tail *t, const struct resume *at, const char *step)
{
	tail_prepare(t, cluster.url);
	tail_option(t, "bulk_threshold", "1");
	tail_option(t, "bulk_step", step);
	tail_start(t, at);
}

static void a_backlog_of_many_steps_is_whole(void **state)
{
	struct tail t;
	(void)state;
	sql(cluster.conn,
		"CREATE TABLE orders(id int PRIMARY KEY, note text); CREATE SEQUENCE numbers");
	struct resume at = stand_still();
	for (int i = 0; i < 30; i++) {
		sql(cluster.conn, "INSERT INTO orders SELECT nextval('numbers'), repeat('x', 300) "
				  "FROM generate_series(1, 500)");
		if (i % 5 == 0)
			sql(cluster.conn, "CHECKPOINT");
	}
	open_in_bulk(&t, &at, "1MiB");
	tail_catch_up(&t, cluster.conn);
	assert_int_equal(count_rows(&t, "orders"), 15000);
	tail_close(&t);
}

static void a_transaction_that_stays_open_pins_the_slot_and_streaming_goes_on(void **state)
{
	struct tail t;
	(void)state;
	sql(cluster.conn,
		"CREATE TABLE orders(id int PRIMARY KEY, note text); CREATE SEQUENCE numbers");
	struct resume at = stand_still();
	PGconn *other = cluster_connect(&cluster);
	sql(other, "BEGIN; INSERT INTO orders VALUES (-1, 'late')");
	for (int i = 0; i < 10; i++)
		sql(cluster.conn, "INSERT INTO orders SELECT nextval('numbers'), repeat('x', 1000) "
				  "FROM generate_series(1, 500)");
	open_in_bulk(&t, &at, "1MiB");
	tail_catch_up(&t, cluster.conn);
	assert_int_equal(count_rows(&t, "orders"), 5000);
	sql(other, "COMMIT");
	PQfinish(other);
	tail_catch_up(&t, cluster.conn);
	assert_int_equal(count_rows(&t, "orders"), 1);
	tail_close(&t);
}

static void a_limit_on_temporary_files_ends_in_streaming(void **state)
{
	struct tail t;
	(void)state;
	sql(cluster.conn,
		"CREATE TABLE orders(id int PRIMARY KEY, note text); CREATE SEQUENCE numbers");
	struct resume at = stand_still();
	for (int i = 0; i < 20; i++)
		sql(cluster.conn, "INSERT INTO orders SELECT nextval('numbers'), repeat('x', 1000) "
				  "FROM generate_series(1, 500)");
	sql(cluster.conn, "ALTER SYSTEM SET temp_file_limit = '1MB'");
	sql(cluster.conn, "SELECT pg_reload_conf()");
	open_in_bulk(&t, &at, "1GiB");
	tail_catch_up(&t, cluster.conn);
	assert_int_equal(count_rows(&t, "orders"), 10000);
	tail_close(&t);
	sql(cluster.conn, "ALTER SYSTEM RESET temp_file_limit");
	sql(cluster.conn, "SELECT pg_reload_conf()");
}

static void a_transaction_of_any_size_goes_through_in_bundles_of_the_size_asked_for(void **state)
{
	struct tail t;
	(void)state;
	sql(cluster.conn, "CREATE TABLE orders(id int PRIMARY KEY, note text)");
	tail_prepare(&t, cluster.url);
	t.m.source->bundle_bytes = 256 << 10;
	tail_start(&t, NULL);
	sql(cluster.conn,
		"INSERT INTO orders SELECT i, repeat('x', 100) FROM generate_series(1, 40000) i");
	tail_catch_up(&t, cluster.conn);
	assert_int_equal(count_rows(&t, "orders"), 40000);
	assert_true(t.bundles >= 15);
	assert_true(t.transactions >= 1 && t.transactions <= 3);
	tail_close(&t);
}

static void a_reader_that_is_held_up_stays_connected(void **state)
{
	struct tail t;
	struct error err = {0};
	(void)state;
	sql(cluster.conn, "CREATE TABLE orders(id int PRIMARY KEY, note text)");
	sql(cluster.conn, "ALTER SYSTEM SET wal_sender_timeout = '3s'");
	sql(cluster.conn, "SELECT pg_reload_conf()");
	tail_prepare(&t, cluster.url);
	t.m.source->batch_rows = 100;
	tail_start(&t, NULL);
	sql(cluster.conn,
		"INSERT INTO orders SELECT i, repeat('x', 100) FROM generate_series(1, 40000) i");
	struct bundle *full = bundle_new();
	uint64_t held;
	do { /* until it takes no more, be it that the transaction might have ended by it */
		held = full->changes;
		assert_true(t.m.source->ops->read(t.m.source, full, 50, &err) != SOURCE_FAILED);
	} while (full->changes < 100 || full->changes > held);
	for (int64_t began_ms = mono_ms(); mono_ms() - began_ms < 8000; usleep(500000))
		assert_int_equal(t.m.source->ops->read(t.m.source, full, 0, &err), SOURCE_MORE);
	assert_int_equal(full->changes, held);
	bundle_free(full);
	tail_catch_up(&t, cluster.conn);
	assert_int_equal(count_rows(&t, "orders"), 40000 - held);
	tail_close(&t);
	sql(cluster.conn, "ALTER SYSTEM RESET wal_sender_timeout");
	sql(cluster.conn, "SELECT pg_reload_conf()");
}

/* The timer was set by the timeout of the start, and so does not answer in time. */
static void a_keepalive_that_asks_is_answered_at_once(void **state)
{
	struct tail t;
	struct error err = {0};
	(void)state;
	sql(cluster.conn, "CREATE TABLE orders(id int PRIMARY KEY, note text)");
	tail_open(&t, cluster.url, NULL);
	tail_catch_up(&t, cluster.conn);
	sql(cluster.conn, "ALTER SYSTEM SET wal_sender_timeout = '3s'");
	sql(cluster.conn, "SELECT pg_reload_conf()");
	for (int64_t began_ms = mono_ms(); mono_ms() - began_ms < 6000;)
		if (tail_read(&t, 500, &err) == SOURCE_FAILED)
			fail_msg("%s", err.text);
	tail_close(&t);
	sql(cluster.conn, "ALTER SYSTEM RESET wal_sender_timeout");
	sql(cluster.conn, "SELECT pg_reload_conf()");
}

static size_t resident_bytes(void)
{
	unsigned long size, resident;
	FILE *f = fopen("/proc/self/statm", "r");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%lu %lu", &size, &resident), 2);
	fclose(f);
	return resident * (size_t)sysconf(_SC_PAGESIZE);
}

static void the_memory_of_a_huge_row_comes_back(void **state)
{
	struct tail t;
	struct error err = {0};
	(void)state;
	sql(cluster.conn, "CREATE TABLE docs(id int PRIMARY KEY, body text); ALTER TABLE docs "
			  "ALTER body SET STORAGE EXTERNAL");
	tail_open(&t, cluster.url, NULL);
	tail_catch_up(&t, cluster.conn);
	size_t before = resident_bytes(), most = 0;
	sql(cluster.conn, "INSERT INTO docs SELECT 1, repeat('x', 64 << 20)");
	sql(cluster.conn, "INSERT INTO docs VALUES (2, 'small')");
	for (size_t changes = 0; changes < 2;) {
		struct bundle *bundle = bundle_new();
		if (t.m.source->ops->read(t.m.source, bundle, 50, &err) == SOURCE_FAILED)
			fail_msg("%s", err.text);
		changes += bundle->changes;
		if (bundle->ended)
			t.m.source->ops->confirm(t.m.source, &bundle->end);
		most = resident_bytes() > most ? resident_bytes() : most;
		bundle_free(bundle);
	}
	tail_catch_up(&t, cluster.conn);
	size_t after = resident_bytes();
#ifdef __SANITIZE_ADDRESS__
	after = before; /* it keeps what is freed for a while */
#endif
	if (most - before > (size_t)280 << 20 || after - before > (size_t)20 << 20)
		fail_msg("%zu MiB at most, %zu MiB after", (most - before) >> 20,
			(after - before) >> 20);
	tail_close(&t);
}

static void a_type_without_binary_form_is_streamed_as_text(void **state)
{
	struct tail t;
	(void)state;
	sql(cluster.conn, "CREATE TABLE plain(id int PRIMARY KEY); CREATE TABLE rights(id int "
			  "PRIMARY KEY, acl aclitem, n numeric(9,2))");
	for (int bulk = 0; bulk < 2; bulk++) {
		tail_open(&t, cluster.url, NULL);
		sql(cluster.conn, "INSERT INTO rights VALUES (1, 'postgres=r/postgres', 1.5); "
				  "DELETE FROM rights");
		tail_catch_up(&t, cluster.conn);
		assert_true(tail_has(&t, "postgres=r/postgres"));
		tail_close(&t);
		cluster_wait_for_slots(&cluster);
	}
}

static void a_type_without_binary_form_may_join_later(void **state)
{
	struct tail t;
	(void)state;
	sql(cluster.conn, "CREATE TABLE plain(id int PRIMARY KEY)");
	tail_open(&t, cluster.url, NULL);
	tail_catch_up(&t, cluster.conn);
	sql(cluster.conn, "CREATE TABLE rights(id int PRIMARY KEY, acl aclitem)");
	free(tail_await(&t, "rights table"));
	sql(cluster.conn, "INSERT INTO rights VALUES (1, 'postgres=r/postgres'); INSERT INTO plain "
			  "VALUES (7)");
	tail_catch_up(&t, cluster.conn);
	assert_true(tail_has(&t, "postgres=r/postgres"));
	assert_true(tail_has(&t, "\"id\":7"));
	tail_close(&t);
}

static void a_row_that_stops_its_table_stops_no_other(void **state)
{
	struct tail t;
	(void)state;
	sql(cluster.conn, "CREATE TABLE prices(id int PRIMARY KEY, price numeric(9,2)); CREATE "
			  "TABLE other(id int PRIMARY KEY)");
	tail_prepare(&t, cluster.url);
	t.m.rules[0].options.unrepresentable = UNREPRESENTABLE_STOP;
	tail_start(&t, NULL);
	sql(cluster.conn,
		"INSERT INTO prices VALUES (1, 'NaN'), (2, 'NaN'); INSERT INTO other VALUES (7)");
	tail_catch_up(&t, cluster.conn);
	assert_true(tail_has(&t, "prices broken"));
	assert_true(tail_has(&t, "\"id\":7"));
	tail_close(&t);
}

/* --- Making the slot ------------------------------------------------------------------------------ */

static void a_slot_of_a_lost_state_is_used_again(void **state)
{
	struct tail t;
	(void)state;
	sql(cluster.conn, "CREATE TABLE orders(id int PRIMARY KEY)");
	stand_still();
	sql(cluster.conn, "INSERT INTO orders VALUES (1)");
	tail_open(&t, cluster.url, NULL);
	tail_catch_up(&t, cluster.conn);
	assert_int_equal(count_rows(&t, "orders"), 1);
	tail_close(&t);
}

static void a_slot_older_than_its_publication_is_made_anew(void **state)
{
	struct tail t;
	(void)state;
	sql(cluster.conn, "CREATE TABLE orders(id int PRIMARY KEY)");
	stand_still();
	sql(cluster.conn, "INSERT INTO orders VALUES (1)");
	sql(cluster.conn, "DROP PUBLICATION tailrace_shop");
	tail_open(&t, cluster.url, NULL);
	sql(cluster.conn, "INSERT INTO orders VALUES (2)");
	tail_catch_up(&t, cluster.conn);
	assert_int_equal(count_rows(&t, "orders"), 1);
	tail_close(&t);
}

static void a_slot_of_another_plugin_is_left_alone(void **state)
{
	struct tail t;
	(void)state;
	sql(cluster.conn, "CREATE TABLE orders(id int PRIMARY KEY)");
	sql(cluster.conn, "SELECT pg_create_physical_replication_slot('tailrace_shop')");
	tail_prepare(&t, cluster.url);
	tail_refused(&t, NULL, ERROR_CONFIG, "is not ours");
	tail_close(&t);
}

static void after_a_gap_it_begins_anew(void **state)
{
	struct tail t;
	struct error err = {0};
	(void)state;
	sql(cluster.conn, "CREATE TABLE orders(id int PRIMARY KEY)");
	struct resume at = stand_still();
	at.identity[8]++;
	tail_prepare(&t, cluster.url);
	tail_refused(&t, &at, ERROR_GAP, "another log");
	assert_true(t.m.source->ops->restart(t.m.source, &err));
	assert_true(t.m.source->ops->start(t.m.source, NULL, &t.resume, &err));
	sql(cluster.conn, "INSERT INTO orders VALUES (1)");
	tail_catch_up(&t, cluster.conn);
	assert_int_equal(count_rows(&t, "orders"), 1);
	tail_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_backlog_of_many_steps_is_whole, clean),
		cmocka_unit_test_setup(
			a_transaction_that_stays_open_pins_the_slot_and_streaming_goes_on, clean),
		cmocka_unit_test_setup(a_limit_on_temporary_files_ends_in_streaming, clean),
		cmocka_unit_test_setup(
			a_transaction_of_any_size_goes_through_in_bundles_of_the_size_asked_for,
			clean),
		cmocka_unit_test_setup(a_reader_that_is_held_up_stays_connected, clean),
		cmocka_unit_test_setup(a_keepalive_that_asks_is_answered_at_once, clean),
		cmocka_unit_test_setup(the_memory_of_a_huge_row_comes_back, clean),
		cmocka_unit_test_setup(a_type_without_binary_form_is_streamed_as_text, clean),
		cmocka_unit_test_setup(a_type_without_binary_form_may_join_later, clean),
		cmocka_unit_test_setup(a_row_that_stops_its_table_stops_no_other, clean),
		cmocka_unit_test_setup(a_slot_of_a_lost_state_is_used_again, clean),
		cmocka_unit_test_setup(a_slot_older_than_its_publication_is_made_anew, clean),
		cmocka_unit_test_setup(a_slot_of_another_plugin_is_left_alone, clean),
		cmocka_unit_test_setup(after_a_gap_it_begins_anew, clean),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
