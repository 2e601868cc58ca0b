/* The demo's private PostgreSQL and its shop: real servers, in a folder of their own for each test. */
#include <ftw.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <libpq-fe.h>
#include <cmocka.h>
#include "base/mem.h"
#include "demo/cluster.h"
#include "demo/shop.h"

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st, (void)kind, (void)ftw;
	return remove(path);
}

static int make_folder(void **state)
{
	char name[] = "/tmp/tailrace-cluster-XXXXXX";

	*state = xstrdup(mkdtemp(name));
	return 0;
}

static int remove_folder(void **state)
{
	nftw(*state, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(*state);
	return 0;
}

static struct cluster *start(const char *dir)
{
	struct error err = {0};
	struct cluster *c = cluster_start(dir, "shop", &err);

	if (!c)
		fail_msg("%s", err.text);
	return c;
}

/* Stops it, and removes its folder, which is not in the test's own when the test is run by root. */
static void stop_for_good(struct cluster *c)
{
	CLEANUP(free_string) char *dir = xstrdup(cluster_dir(c));

	cluster_stop(c);
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static char *ask(const char *url, const char *sql)
{
	static char answer[512];
	PGconn *conn = PQconnectdb(url);
	PGresult *result = PQexec(conn, sql);

	if (PQresultStatus(result) == PGRES_TUPLES_OK)
		snprintf(answer, sizeof answer, "%s", PQgetvalue(result, 0, 0));
	else
		snprintf(answer, sizeof answer, "%s", PQerrorMessage(conn));
	PQclear(result);
	PQfinish(conn);
	return answer;
}

static void a_cluster_goes_on_where_it_stopped(void **state)
{
	struct cluster *c = start(*state);

	assert_string_equal(ask(cluster_url(c), "SHOW wal_level"), "logical");
	ask(cluster_url(c), "CREATE TABLE t AS SELECT 42 AS x");
	cluster_stop(c);
	c = start(*state);
	assert_string_equal(ask(cluster_url(c), "SELECT x FROM t"), "42");
	stop_for_good(c);
}

static void a_second_one_in_the_same_folder_is_refused(void **state)
{
	struct cluster *c = start(*state);
	struct error err = {0};

	assert_null(cluster_start(*state, "shop", &err));
	assert_non_null(strstr(err.text, "in use by another process"));
	assert_string_equal(ask(cluster_url(c), "SELECT 1"), "1");
	stop_for_good(c);
}

static void killed_with_its_parent_it_can_be_started_again(void **state)
{
	int ends[2];
	char byte;

	assert_int_equal(pipe(ends), 0);
	pid_t parent = fork();
	if (parent == 0) {
		struct error err = {0};
		struct cluster *c = cluster_start(*state, "shop", &err);
		if (c && write(ends[1], "y", 1) == 1)
			pause();
		_exit(1);
	}
	assert_int_equal(read(ends[0], &byte, 1), 1);
	close(ends[0]);
	close(ends[1]);
	kill(parent, SIGKILL);
	waitpid(parent, NULL, 0);
	struct cluster *c = start(*state);
	assert_string_equal(ask(cluster_url(c), "SELECT 1"), "1");
	stop_for_good(c);
}

static void a_shop_is_whole_and_made_once(void **state)
{
	struct cluster *c = start(*state);
	struct error err = {0};
	bool made = false;

	assert_true(shop_create(cluster_url(c), 2000, &made, &err));
	assert_true(made);
	assert_string_equal(ask(cluster_url(c), "SELECT count(*) FROM orders"), "2000");
	assert_string_equal(ask(cluster_url(c), "SELECT count(*) FROM orders AS o WHERE NOT EXISTS"
						" (SELECT FROM order_items WHERE order_id = o.id)"),
		"0");
	assert_string_equal(
		ask(cluster_url(c),
			"SELECT count(*) FROM orders AS o JOIN payments AS p ON p.order_id = o.id"
			" WHERE p.amount <> o.total"),
		"0");
	assert_string_equal(ask(cluster_url(c), "SELECT count(DISTINCT table_schema || table_name) "
						"FROM information_schema.tables"
						" WHERE table_schema IN ('public', 'logistics')"),
		"14");
	assert_true(shop_create(cluster_url(c), 5000, &made, &err));
	assert_false(made);
	assert_string_equal(ask(cluster_url(c), "SELECT count(*) FROM orders"), "2000");
	stop_for_good(c);
}

static void a_table_that_is_not_ours_is_left_alone(void **state)
{
	struct cluster *c = start(*state);
	struct error err = {0};
	bool made;

	ask(cluster_url(c), "CREATE TABLE orders AS SELECT 1 AS x");
	assert_false(shop_create(cluster_url(c), 100, &made, &err));
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_string_equal(ask(cluster_url(c), "SELECT x FROM orders"), "1");
	stop_for_good(c);
}

static void the_work_inserts_updates_and_deletes_at_its_rate(void **state)
{
	struct cluster *c = start(*state);
	struct shop_work work = {
		.url = cluster_url(c), .rate = 500, .duration_ms = 4000, .seed = 0.5};
	struct error err = {0};
	bool made;

	assert_true(shop_create(cluster_url(c), 2000, &made, &err));
	if (!shop_run(&work, &err))
		fail_msg("%s", err.text);
	assert_in_range(work.rows, 500, 2300);
	assert_string_equal(
		ask(cluster_url(c), "SELECT pg_stat_force_next_flush(), pg_sleep(1.1)"), "");
	assert_string_equal(
		ask(cluster_url(c), "SELECT count(*) FROM pg_stat_user_tables WHERE relname IN "
				    "('orders', 'payments',"
				    " 'shipments', 'order_items', 'reviews') AND n_tup_ins > 0"),
		"5");
	assert_string_equal(ask(cluster_url(c), "SELECT sum(n_tup_upd) > 100 AND sum(n_tup_del) > "
						"0 FROM pg_stat_user_tables"),
		"t");
	stop_for_good(c);
}

static void *run_work(void *work)
{
	struct error err = {0};

	return shop_run(work, &err) ? work : NULL;
}

static void the_work_stops_when_it_is_told(void **state)
{
	struct cluster *c = start(*state);
	atomic_bool stop = false;
	struct shop_work work = {.url = cluster_url(c), .stop = &stop};
	struct error err = {0};
	pthread_t thread;
	void *result;
	bool made;

	assert_true(shop_create(cluster_url(c), 500, &made, &err));
	pthread_create(&thread, NULL, run_work, &work);
	while (atomic_load(&work.rows) < 100)
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	atomic_store(&stop, true);
	pthread_join(thread, &result);
	assert_ptr_equal(result, &work);
	stop_for_good(c);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_cluster_goes_on_where_it_stopped),
		TEST(a_second_one_in_the_same_folder_is_refused),
		TEST(killed_with_its_parent_it_can_be_started_again),
		TEST(a_shop_is_whole_and_made_once),
		TEST(a_table_that_is_not_ours_is_left_alone),
		TEST(the_work_inserts_updates_and_deletes_at_its_rate),
		TEST(the_work_stops_when_it_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
