/* Snapshots on a real server: which versions are there after rows have changed, come and gone. */
#include "project.h"

static void write_snapshot(struct shop *s, const char *config)
{
	CLEANUP(free_string)
	char *text = xasprintf("{%% snapshot t %%}\n{{ config(unique_key='id', %s) }}\nselect * "
			       "from {db}.people -- all\n"
			       "{%% endsnapshot %%}\n",
		config);
	write_file(s, "snapshots/t.sql", text);
}

/* What the table is snapshots are taken of: "(1, 'a', 10)". */
static void set_people(struct shop *s, const char *values)
{
	CLEANUP(free_string)
	char *insert = xasprintf("INSERT INTO {db}.people VALUES %s", values);

	ask(s->fixture, "CREATE DATABASE IF NOT EXISTS {db}");
	ask(s->fixture, "CREATE OR REPLACE TABLE {db}.people (id Int32, name Nullable(String), "
			"points Int32, "
			"at DateTime DEFAULT '2026-11-01 00:00:00') ENGINE = Memory");
	if (*values)
		assert_string_equal(ask(s->fixture, insert), "");
}

static const char versions[] = "SELECT id, name, points, is_current, valid_to IS NULL FROM {db}.t "
			       "ORDER BY id, valid_from, valid_to";
/* Each version ends where the next begins, and one alone is current. */
static const char broken_chains[] =
	"SELECT count() FROM (SELECT id, valid_to, leadInFrame(toNullable(valid_from)) OVER "
	"(PARTITION BY id ORDER BY "
	"valid_from ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS next FROM {db}.t) WHERE "
	"valid_to IS DISTINCT FROM next";

#define CHECK "strategy='check', check_cols='all'"

static void a_changed_row_gets_another_version(void **state)
{
	struct shop *s = *state;

	write_snapshot(s, CHECK);
	set_people(s, "(1, 'a', 10, now()), (2, NULL, 20, now()), (3, 'c', 30, now())");
	write_snapshot(s, "strategy='check', check_cols=['name', 'points']");
	build(s, "t");
	assert_string_equal(s->message, "first snapshot");
	set_people(s, "(1, 'a', 10, now()), (2, 'b', 20, now()), (3, NULL, 30, now()), (4, 'd', "
		      "40, now())");
	build(s, "t");
	assert_string_equal(s->message, "1 new, 2 changed, 0 gone");
	assert_gives(s, versions,
		"1\ta\t10\ttrue\t1\n2\t\\N\t20\tfalse\t0\n2\tb\t20\ttrue\t1\n3\tc\t30\tfalse\t0\n3"
		"\t\\N\t30\ttrue\t1\n4\td\t40\ttrue\t1");
	assert_gives(s, broken_chains, "0");
	assert_string_equal(tables(s), "people t");
}

static void nothing_is_written_where_nothing_changed(void **state)
{
	struct shop *s = *state;

	write_snapshot(s, CHECK);
	set_people(s, "(1, 'a', 10, '2026-11-01 00:00:00'), (2, NULL, 20, '2026-11-01 00:00:00')");
	build(s, "t");
	CLEANUP(free_string)
	char *before = xstrdup(ask(s->fixture,
		"SELECT uuid FROM system.tables WHERE database = '{db}' AND name = 't'"));
	int64_t marked = last_mark(s, "snapshot.shop.t");
	build(s, "t");
	assert_string_equal(s->message, "0 new, 0 changed, 0 gone");
	assert_int_equal(last_mark(s, "snapshot.shop.t"), marked);
	assert_gives(
		s, "SELECT uuid FROM system.tables WHERE database = '{db}' AND name = 't'", before);
	assert_string_equal(tables(s), "people t");
}

static void a_row_that_is_gone_ends_where_that_is_asked_for(void **state)
{
	struct shop *s = *state;

	write_snapshot(s, CHECK);
	set_people(s, "(1, 'a', 10, '2026-11-01 00:00:00'), (2, 'b', 20, '2026-11-01 00:00:00')");
	build(s, "t");
	set_people(s, "(1, 'a', 10, '2026-11-01 00:00:00')");
	build(s, "t");
	assert_gives(s, versions, "1\ta\t10\ttrue\t1\n2\tb\t20\ttrue\t1");
	write_snapshot(s, CHECK ", hard_deletes='invalidate'");
	build(s, "t");
	assert_string_equal(s->message, "0 new, 0 changed, 1 gone");
	build(s, "t");
	assert_string_equal(s->message, "0 new, 0 changed, 0 gone");
	assert_gives(s, versions, "1\ta\t10\ttrue\t1\n2\tb\t20\tfalse\t0");
	set_people(s, "(1, 'a', 10, '2026-11-01 00:00:00'), (2, 'b', 20, '2026-11-01 00:00:00')");
	build(s, "t");
	assert_gives(s, versions, "1\ta\t10\ttrue\t1\n2\tb\t20\tfalse\t0\n2\tb\t20\ttrue\t1");
}

static void a_row_that_is_gone_gets_a_record_of_it(void **state)
{
	struct shop *s = *state;
	static const char all[] =
		"SELECT id, is_deleted, is_current FROM {db}.t ORDER BY id, valid_from";

	write_snapshot(s, CHECK ", hard_deletes='new_record'");
	set_people(s, "(1, 'a', 10, '2026-11-01 00:00:00'), (2, 'b', 20, '2026-11-01 00:00:00')");
	build(s, "t");
	set_people(s, "(1, 'a', 10, '2026-11-01 00:00:00')");
	build(s, "t");
	build(s, "t");
	assert_gives(s, all, "1\tfalse\ttrue\n2\tfalse\tfalse\n2\ttrue\ttrue");
	set_people(s, "(1, 'a', 10, '2026-11-01 00:00:00'), (2, 'b', 20, '2026-11-01 00:00:00')");
	build(s, "t");
	assert_gives(s, all, "1\tfalse\ttrue\n2\tfalse\tfalse\n2\ttrue\tfalse\n2\tfalse\ttrue");
	assert_gives(s, broken_chains, "0");
}

static void times_are_those_of_the_row_where_it_has_one(void **state)
{
	struct shop *s = *state;

	write_snapshot(s, "strategy='timestamp', updated_at='at'");
	set_people(s, "(1, 'a', 10, '2026-11-01 00:00:00'), (2, 'b', 20, '2026-11-02 00:00:00')");
	build(s, "t");
	set_people(s,
		"(1, 'z', 10, '2026-11-05 00:00:00'), (2, 'not told', 20, '2026-11-02 00:00:00')");
	build(s, "t");
	assert_gives(s,
		"SELECT id, name, valid_from, valid_to, is_current FROM {db}.t ORDER BY id, "
		"valid_from",
		"1\ta\t2026-11-01 00:00:00\t2026-11-05 00:00:00\tfalse\n1\tz\t2026-11-05 "
		"00:00:00\t\\N\ttrue\n"
		"2\tb\t2026-11-02 00:00:00\t\\N\ttrue");
}

static void names_and_the_end_of_time_are_configured(void **state)
{
	struct shop *s = *state;

	write_snapshot(s,
		CHECK ", snapshot_meta_column_names={'dbt_valid_from': 'dbt_valid_from', "
		      "'dbt_valid_to': 'dbt_valid_to'}, "
		      "dbt_valid_to_current=\"toDateTime64('2100-01-01 00:00:00', 6, 'UTC')\"");
	set_people(s, "(1, 'a', 10, '2026-11-01 00:00:00')");
	build(s, "t");
	set_people(s, "(1, 'b', 10, '2026-11-01 00:00:00')");
	build(s, "t");
	assert_gives(s,
		"SELECT name, dbt_valid_from > '2020-01-01', dbt_valid_to >= '2100-01-01', "
		"is_current FROM {db}.t ORDER BY name",
		"a\t1\t0\tfalse\nb\t1\t1\ttrue");
}

static void a_new_column_is_taken_and_an_old_one_kept(void **state)
{
	struct shop *s = *state;

	write_snapshot(s, CHECK);
	set_people(s, "(1, 'a', 10, '2026-11-01 00:00:00')");
	build(s, "t");
	ask(s->fixture, "CREATE OR REPLACE TABLE {db}.people (id Int32, name Nullable(String), "
			"more Nullable(String)) ENGINE = Memory");
	ask(s->fixture, "INSERT INTO {db}.people VALUES (1, 'a', 'x')");
	build(s, "t");
	assert_gives(s, "SELECT id, name, points, more, is_current FROM {db}.t ORDER BY is_current",
		"1\ta\t10\t\\N\tfalse\n1\ta\t0\tx\ttrue");
}

static void a_new_column_is_taken_where_no_row_has_changed(void **state)
{
	struct shop *s = *state;

	write_snapshot(s, "strategy='check', check_cols=['name']");
	set_people(s, "(1, 'a', 10, '2026-11-01 00:00:00')");
	build(s, "t");
	ask(s->fixture, "ALTER TABLE {db}.people ADD COLUMN more String DEFAULT 'x'");
	build(s, "t");
	assert_gives(s, "SELECT id, name, more, is_current FROM {db}.t", "1\ta\t\ttrue");
}

static void a_key_that_is_not_unique_is_refused(void **state)
{
	struct shop *s = *state;

	write_snapshot(s, CHECK);
	set_people(s, "(1, 'a', 10, now()), (1, 'b', 10, now())");
	assert_non_null(strstr(refusal(s, "t", ""), "2 rows of the query have one unique_key"));
	write_snapshot(s, "strategy='sometimes'");
	assert_non_null(strstr(refusal(s, "t", ""), "a snapshot needs a 'strategy'"));
	write_snapshot(s, "strategy='check'");
	assert_non_null(strstr(refusal(s, "t", ""), "strategy check needs 'check_cols'"));
}

static void a_crash_neither_loses_a_version_nor_adds_one(void **state)
{
	struct shop *s = *state;
	static const char *const places[] = {
		"build.filled", "build.intended", "build.swapped", "build.recorded"};

	for (size_t i = 0; i < COUNT_OF(places); i++) {
		ask(s->fixture, "DROP TABLE IF EXISTS {db}.t SYNC");
		write_snapshot(s, CHECK);
		set_people(s, "(1, 'a', 10, '2026-11-01 00:00:00')");
		build(s, "t");
		set_people(s, "(1, 'b', 10, '2026-11-01 00:00:00')");
		assert_true(dies(s, "t", "", places[i]));
		load_project(s);
		WORKS(materialize_recover(s->state, s->engine, s->project, &err));
		build(s, "t");
		assert_gives(s, versions, "1\ta\t10\tfalse\t0\n1\tb\t10\ttrue\t1");
		assert_string_equal(tables(s), "people t");
	}
}

/* --- from a log --- */

static void a_log_tells_every_version_and_delete(void **state)
{
	struct shop *s = *state;

	ask(s->fixture, "CREATE DATABASE {db}");
	ask(s->fixture, "CREATE TABLE {db}.people (id Int32, name Nullable(String), _op "
			"LowCardinality(String), _version UInt128, "
			"_commit_lsn UInt64, _commit_time DateTime64(6, 'UTC'), _xid UInt32) "
			"ENGINE = Memory");
	ask(s->fixture,
		"INSERT INTO {db}.people SELECT id, name, op, version, version, toDateTime64(at, "
		"6, 'UTC'), 1 FROM "
		"values('id Int32, name Nullable(String), op String, version UInt128, at String', "
		"(1, 'a', 'r', 1, '2026-11-01 00:00:00'), (2, 'b', 'r', 1, '2026-11-01 00:00:00'), "
		"(1, 'within', 'u', 10, '2026-11-02 00:00:00'), (1, 'c', 'u', 11, '2026-11-02 "
		"00:00:00'), "
		"(2, 'b', 'd', 12, '2026-11-03 00:00:00'), (3, NULL, 'c', 13, '2026-11-04 "
		"00:00:00'), "
		"(1, 'c', 'r', 100, '2026-11-05 00:00:00'), (2, 'b', 'c', 101, '2026-11-06 "
		"00:00:00'), "
		"(0, NULL, 't', 110, '2026-11-07 00:00:00'), (3, NULL, 'c', 120, '2026-11-08 "
		"00:00:00'))");
	write_snapshot(s, "strategy='history'");
	build(s, "t");
	assert_gives(s,
		"SELECT id, name, toDate(valid_from), toDate(valid_to), is_current FROM {db}.t "
		"ORDER BY id, valid_from",
		"1\ta\t2026-11-01\t2026-11-02\t0\n1\tc\t2026-11-02\t2026-11-07\t0\n"
		"2\tb\t2026-11-01\t2026-11-03\t0\n2\tb\t2026-11-06\t2026-11-07\t0\n"
		"3\t\\N\t2026-11-04\t2026-11-07\t0\n3\t\\N\t2026-11-08\t\\N\t1");
	assert_gives(s,
		"SELECT arrayStringConcat(groupArray(name), ' ') FROM system.columns WHERE "
		"database = '{db}' AND table = 't'",
		"id name valid_from valid_to is_current");
	build(s, "t");
	assert_gives(s, "SELECT count() FROM {db}.t", "6");
	set_people(s, "");
	assert_non_null(
		strstr(refusal(s, "t", ""), "strategy history reads the log of a mirrored table"));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		SHOP_TEST(a_changed_row_gets_another_version),
		SHOP_TEST(nothing_is_written_where_nothing_changed),
		SHOP_TEST(a_row_that_is_gone_ends_where_that_is_asked_for),
		SHOP_TEST(a_row_that_is_gone_gets_a_record_of_it),
		SHOP_TEST(times_are_those_of_the_row_where_it_has_one),
		SHOP_TEST(names_and_the_end_of_time_are_configured),
		SHOP_TEST(a_new_column_is_taken_and_an_old_one_kept),
		SHOP_TEST(a_new_column_is_taken_where_no_row_has_changed),
		SHOP_TEST(a_key_that_is_not_unique_is_refused),
		SHOP_TEST(a_crash_neither_loses_a_version_nor_adds_one),
		SHOP_TEST(a_log_tells_every_version_and_delete),
	};
	return run_group(argc, argv, tests, COUNT_OF(tests));
}
