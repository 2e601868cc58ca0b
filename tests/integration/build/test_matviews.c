/* Materialized views on a real server: what they hold when rows come before, while and after they are made. */
#include <pthread.h>
#include "clients/clickhouse.h"
#include "project.h"

static void write_view(struct shop *s, const char *config, const char *factor)
{
	CLEANUP(free_string)
	char *text = xasprintf("{{ config(materialized='materialized_view', order_by='id', %s) }}\n"
			       "select id, v * %s as v, _version, _deleted from {db}.src",
		config, factor);
	write_file(s, "models/t.sql", text);
}

#define REPLACING "engine='ReplacingMergeTree(_version, _deleted)'"

static void make_source(struct shop *s)
{
	ask(s->fixture, "CREATE DATABASE IF NOT EXISTS {db}");
	ask(s->fixture,
		"CREATE TABLE {db}.src (id UInt64, v Int64, _version UInt64, _deleted UInt8) "
		"ENGINE = ReplacingMergeTree(_version, _deleted) ORDER BY id");
	assert_string_equal(
		ask(s->fixture,
			"INSERT INTO {db}.src SELECT number, number, 1, 0 FROM numbers(100)"),
		"");
}

/* Views without those that the engine keeps their rows in. */
static const char *own_tables(struct shop *s)
{
	return ask(s->fixture,
		"SELECT arrayStringConcat(arraySort(groupArray(name)), ' ') FROM system.tables "
		"WHERE database = '{db}' AND name NOT LIKE '.inner%'");
}

static void a_view_is_filled_and_follows(void **state)
{
	struct shop *s = *state;

	make_source(s);
	write_view(s, REPLACING, "2");
	build(s, "t");
	assert_string_equal(s->message, "materialized view");
	ask(s->fixture,
		"INSERT INTO {db}.src VALUES (1, 1000, 2, 0), (2, 2, 2, 1), (500, 500, 2, 0)");
	assert_gives(s, "SELECT count(), sum(v) FROM {db}.t FINAL", "100\t12894");
	assert_string_equal(own_tables(s), "src t");
	write_view(s, REPLACING, "3");
	build(s, "t");
	ask(s->fixture, "INSERT INTO {db}.src VALUES (501, 1, 3, 0)");
	assert_gives(s, "SELECT count(), sum(v) FROM {db}.t FINAL", "101\t19344");
	assert_string_equal(own_tables(s), "src t");
	assert_gives(s,
		"SELECT count() FROM system.tables WHERE database = '{db}' AND name LIKE '.inner%'",
		"1");
}

struct inserting {
	const char *database;
	atomic_bool stop, ended;
	atomic_int inserted;
	struct error error;
};

static void *insert_all_the_time(void *context)
{
	struct inserting *in = context;
	const struct clickhouse_options options = {.url = server_url()};
	struct clickhouse *c = NULL;
	struct error err = {0};

	bool ok = clickhouse_new(&c, &options, &err);
	while (ok && !atomic_load(&in->stop)) {
		CLEANUP(free_string)
		char *sql = xasprintf("INSERT INTO %s.src VALUES (%d, 1, 1, 0)", in->database,
			1000 + atomic_load(&in->inserted));
		ok = clickhouse_run(c, sql, &err);
		atomic_fetch_add(&in->inserted, 1);
	}
	in->error = err;
	atomic_store(&in->ended, true);
	clickhouse_free(c);
	return NULL;
}

static void rows_that_come_while_it_is_made_are_there_once(void **state)
{
	struct shop *s = *state;
	struct inserting in = {.database = s->fixture->database};
	pthread_t thread;

	make_source(s);
	pthread_create(&thread, NULL, insert_all_the_time, &in);
	for (int i = 0; i < 5 || (atomic_load(&in.inserted) <= 10 && !atomic_load(&in.ended));
		i++) {
		write_view(s, REPLACING, i % 2 ? "1" : "1 * 1");
		build(s, "t");
	}
	atomic_store(&in.stop, true);
	pthread_join(thread, NULL);
	assert_string_equal(in.error.text, "");
	CLEANUP(free_string)
	char *expected = xstrdup(ask(s->fixture, "SELECT count(), sum(id) FROM {db}.src FINAL"));
	assert_gives(s, "SELECT count(), sum(id) FROM {db}.t FINAL", expected);
}

static void a_view_that_could_not_be_filled_right_is_refused(void **state)
{
	struct shop *s = *state;

	make_source(s);
	write_view(s, "engine='SummingMergeTree()'", "1");
	assert_non_null(strstr(refusal(s, "t", ""), "ReplacingMergeTree(_version)"));
	ask(s->fixture, "CREATE VIEW {db}.live AS SELECT * FROM {db}.src FINAL");
	write_file(s, "models/t.sql",
		"{{ config(materialized='materialized_view', order_by='id', " REPLACING
		") }} select * from {db}.live");
	assert_non_null(strstr(refusal(s, "t", ""), ".live is a view"));
	write_file(s, "models/t.sql",
		"{{ config(materialized='materialized_view', order_by='id', " REPLACING ") }}\n"
		"select id, throwIf(id = 50, 'fifty') as v, _version, _deleted from {db}.src");
	assert_non_null(strstr(refusal(s, "t", ""), "fifty"));
	write_view(s, REPLACING, "1 as v, _version, _deleted from {db}.src union all select id, v");
	assert_non_null(strstr(refusal(s, "t", ""), "of a UNION the first query alone"));
	assert_string_equal(own_tables(s), "live src");
	assert_string_equal(ask(s->fixture, "INSERT INTO {db}.src VALUES (50, 1, 9, 0)"), "");
}

static void a_view_that_is_not_filled_has_what_comes(void **state)
{
	struct shop *s = *state;

	make_source(s);
	write_view(s, "engine='SummingMergeTree(v)', catchup=false", "1");
	build(s, "t");
	ask(s->fixture, "INSERT INTO {db}.src VALUES (7, 5, 1, 0)");
	assert_gives(s, "SELECT id, v FROM {db}.t", "7\t5");
}

static void a_view_that_is_not_filled_keeps_what_came_until_a_full_refresh(void **state)
{
	struct shop *s = *state;

	make_source(s);
	write_view(s, "engine='MergeTree', catchup=false", "1");
	build(s, "t");
	ask(s->fixture, "INSERT INTO {db}.src VALUES (7, 5, 1, 0)");
	write_view(s, "engine='MergeTree', catchup=false", "2");
	build(s, "t");
	ask(s->fixture, "INSERT INTO {db}.src VALUES (8, 5, 1, 0)");
	assert_gives(s, "SELECT groupArray((id, v)) FROM (SELECT * FROM {db}.t ORDER BY id)",
		"[(7,5),(8,10)]");
	assert_string_equal(own_tables(s), "src t");
	write_view(s, "engine='MergeTree', catchup=false", "2 as w, v * 1");
	assert_non_null(strstr(refusal(s, "t", ""), "build with --full-refresh"));
	assert_gives(s, "SELECT count() FROM {db}.t", "2");
	write_view(s, "engine='MergeTree', catchup=false", "3");
	s->full_refresh = true;
	build(s, "t");
	assert_gives(s, "SELECT count() FROM {db}.t", "0");
}

static void a_view_refreshes_itself(void **state)
{
	struct shop *s = *state;

	make_source(s);
	ask(s->fixture, "CREATE VIEW {db}.live AS SELECT * FROM {db}.src FINAL");
	write_file(s, "models/t.sql",
		"{{ config(materialized='materialized_view', refreshable={'interval': 'EVERY 1 "
		"SECOND'}) }}\n"
		"select sum(v) as total from {db}.live");
	build(s, "t");
	assert_gives(s, "SELECT total FROM {db}.t", "4950");
	ask(s->fixture, "INSERT INTO {db}.src VALUES (0, 50, 2, 0)");
	ask(s->fixture, "SYSTEM REFRESH VIEW {db}.t");
	ask(s->fixture, "SYSTEM WAIT VIEW {db}.t");
	assert_gives(s, "SELECT total FROM {db}.t", "5000");
	write_file(s, "models/t.sql",
		"{{ config(materialized='materialized_view', refreshable={'interval': 'EVERY 1 "
		"HOUR'}) }} select throwIf(1) as a");
	assert_non_null(strstr(refusal(s, "t", ""), "throwIf"));
	assert_gives(s, "SELECT total FROM {db}.t", "5000");
	write_file(s, "models/t.sql",
		"{{ config(materialized='materialized_view', refreshable={'intervall': 'x'}) }} "
		"select 1 as a");
	assert_non_null(strstr(refusal(s, "t", ""), "takes interval and randomize"));
}

static void a_view_survives_a_crash_at_each_step(void **state)
{
	struct shop *s = *state;
	static const char *const places[] = {
		"build.filled", "build.intended", "build.swapped", "build.recorded"};

	make_source(s);
	for (size_t i = 0; i < COUNT_OF(places); i++) {
		write_view(s, REPLACING, "2");
		build(s, "t");
		write_view(s, REPLACING, "3");
		assert_true(dies(s, "t", "", places[i]));
		load_project(s);
		WORKS(materialize_recover(s->state, s->engine, s->project, &err));
		assert_string_equal(own_tables(s), "src t");
		assert_gives(s, "SELECT count(), sum(v) FROM {db}.t FINAL",
			i == 0 ? "100\t9900" : "100\t14850");
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		SHOP_TEST(a_view_is_filled_and_follows),
		SHOP_TEST(rows_that_come_while_it_is_made_are_there_once),
		SHOP_TEST(a_view_that_could_not_be_filled_right_is_refused),
		SHOP_TEST(a_view_that_is_not_filled_has_what_comes),
		SHOP_TEST(a_view_that_is_not_filled_keeps_what_came_until_a_full_refresh),
		SHOP_TEST(a_view_refreshes_itself),
		SHOP_TEST(a_view_survives_a_crash_at_each_step),
	};
	return run_group(argc, argv, tests, COUNT_OF(tests));
}
