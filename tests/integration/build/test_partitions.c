/* Partitions of models, and crashes in the middle of a swap, on a real server. */
#include "project.h"

static const char daily[] = "{{ config(materialized='incremental', "
			    "incremental_strategy='microbatch', event_time='at', batch_size='day', "
			    "begin='2026-11-01', order_by='id') }}\n"
			    "select number as id, toDateTime('2026-11-20 00:00:00', 'UTC') + "
			    "number * 3600 as at from numbers(48)\n"
			    "where toDate(at, 'UTC') = '{{ partition.key }}'";

static const char by_day[] =
	"SELECT toDate(at, 'UTC') AS d, count(), max(id) FROM {db}.t GROUP BY d ORDER BY d";

static void a_partition_is_built_by_itself(void **state)
{
	struct shop *s = *state;

	write_file(s, "models/t.sql", daily);
	build_partition(s, "t", "2026-11-20");
	assert_string_equal(s->message, "partition of 24 rows");
	assert_gives(s, by_day, "2026-11-20\t24\t23");
	build_partition(s, "t", "2026-11-21");
	assert_gives(s, by_day, "2026-11-20\t24\t23\n2026-11-21\t24\t47");
	build_partition(s, "t", "2026-11-20");
	assert_gives(s, by_day, "2026-11-20\t24\t23\n2026-11-21\t24\t47");
	assert_string_equal(tables(s), "t");
	assert_int_equal(n_built(s, "model.shop.t"), 1); /* of both days */
	assert_gives(s,
		"SELECT partition_key FROM system.tables WHERE database = '{db}' AND name = 't'",
		"toDate(at, \\'UTC\\')");
}

static void a_partition_that_became_empty_is_emptied(void **state)
{
	struct shop *s = *state;

	write_file(s, "models/t.sql", daily);
	build_partition(s, "t", "2026-11-20");
	build_partition(s, "t", "2026-11-21");
	CLEANUP(free_string) char *none = xasprintf("%s and id < 24", daily);
	write_file(s, "models/t.sql", none);
	build_partition(s, "t", "2026-11-21");
	assert_gives(s, by_day, "2026-11-20\t24\t23");
	build_partition(s, "t", "2026-11-22");
	assert_gives(s, by_day, "2026-11-20\t24\t23");
	assert_string_equal(tables(s), "t");
}

static void rows_of_another_partition_are_refused(void **state)
{
	struct shop *s = *state;

	write_file(s, "models/t.sql", daily);
	build_partition(s, "t", "2026-11-20");
	write_file(s, "models/t.sql",
		"{{ config(materialized='incremental', incremental_strategy='microbatch', "
		"event_time='at', batch_size='day', "
		"begin='2026-11-01', order_by='id') }}\n"
		"select number as id, toDateTime('2026-11-20 00:00:00', 'UTC') + number * 3600 as "
		"at from numbers(30)");
	assert_non_null(strstr(refusal(s, "t", "2026-11-20"),
		"6 rows whose at is NULL or belongs to another partition"));
	assert_gives(s, by_day, "2026-11-20\t24\t23");
}

static void a_partitioning_that_is_too_coarse_loses_nothing(void **state)
{
	struct shop *s = *state;
	static const char coarse[] =
		"{{ config(materialized='incremental', incremental_strategy='microbatch', "
		"event_time='at', batch_size='day', "
		"begin='2026-11-01', partition_by='toStartOfMonth(at)') }}\n"
		"select toDateTime('{{ partition.key }}', 'UTC') as at";

	write_file(s, "models/t.sql", coarse);
	build_partition(s, "t", "2026-11-20");
	assert_non_null(strstr(refusal(s, "t", "2026-11-21"), "1 row of"));
	assert_gives(s, "SELECT count() FROM {db}.t", "1");
}

static void a_finer_partitioning_is_replaced_whole(void **state)
{
	struct shop *s = *state;
	static const char fine[] =
		"{{ config(materialized='incremental', incremental_strategy='microbatch', "
		"event_time='d', batch_size='day', "
		"begin='2026-11-01', partition_by=['d', 'kind']) }}\n"
		"select toDate('2026-11-20') as d, %s as kind, number as n from numbers(4)";
	CLEANUP(free_string)
	char *even = xasprintf(fine, "number % 2"), *three = xasprintf(fine, "number + 1");

	write_file(s, "models/t.sql", even);
	build_partition(s, "t", "2026-11-20");
	assert_gives(
		s, "SELECT kind, count() FROM {db}.t GROUP BY kind ORDER BY kind", "0\t2\n1\t2");
	write_file(s, "models/t.sql", three);
	build_partition(s, "t", "2026-11-20");
	assert_gives(s, "SELECT kind, count() FROM {db}.t GROUP BY kind ORDER BY kind",
		"1\t1\n2\t1\n3\t1\n4\t1");
}

static void a_changed_partitioning_is_refused_and_made_by_a_full_refresh(void **state)
{
	struct shop *s = *state;
	static const char text[] =
		"{{ config(materialized='incremental', incremental_strategy='microbatch', "
		"event_time='d', batch_size='day', "
		"begin='2026-11-01', partition_by=%s) }}\nselect toDate('{{ partition.key }}') "
		"as d, 'x' as kind";
	CLEANUP(free_string)
	char *before = xasprintf(text, "'( d,kind )'"), *after = xasprintf(text, "'d'");

	write_file(s, "models/t.sql", before);
	build_partition(s, "t", "2026-11-20");
	build_partition(s, "t", "2026-11-21");
	build_partition(s, "t", "2026-11-21");
	write_file(s, "models/t.sql", after);
	assert_non_null(strstr(
		refusal(s, "t", "2026-11-21"), "is partitioned by d, kind, and the model says d"));
	assert_int_equal(n_built(s, "model.shop.t"), 1);
	s->full_refresh = true;
	build_partition(s, "t", "2026-11-21");
	assert_gives(s, "SELECT d FROM {db}.t", "2026-11-21");
	s->run--;
	build_partition(s, "t", "2026-11-22");
	assert_gives(s, "SELECT d FROM {db}.t ORDER BY d", "2026-11-21\n2026-11-22");
	assert_string_equal(tables(s), "t");
}

static void partitions_by_key_are_replaced_alone(void **state)
{
	struct shop *s = *state;
	static const char text[] = "{{ config(materialized='incremental', partitions=['eu', 'us'], "
				   "partition_column='region') }}\n"
				   "select '{{ partition.key }}' as region, %d as n";
	CLEANUP(free_string) char *one = xasprintf(text, 1), *two = xasprintf(text, 2);

	write_file(s, "models/t.sql", one);
	build_partition(s, "t", "eu");
	build_partition(s, "t", "us");
	write_file(s, "models/t.sql", two);
	build_partition(s, "t", "us");
	assert_gives(s, "SELECT region, n FROM {db}.t ORDER BY region", "eu\t1\nus\t2");
	assert_int_equal(n_built(s, "model.shop.t"), 2);
}

static void columns_of_partitions_follow_the_model(void **state)
{
	struct shop *s = *state;
	static const char text[] =
		"{{ config(materialized='incremental', incremental_strategy='microbatch', "
		"event_time='d', batch_size='day', "
		"begin='2026-11-01', on_schema_change='append_new_columns') }}\nselect toDate('{{ "
		"partition.key }}') as d%s";
	CLEANUP(free_string)
	char *before = xasprintf(text, ""), *after = xasprintf(text, ", 7 as more");

	write_file(s, "models/t.sql", before);
	build_partition(s, "t", "2026-11-20");
	write_file(s, "models/t.sql", after);
	build_partition(s, "t", "2026-11-21");
	assert_gives(s, "SELECT d, more FROM {db}.t ORDER BY d", "2026-11-20\t0\n2026-11-21\t7");
}

/* --- crashes --- */

static const char *const places[] = {"build.filled", "build.intended", "build.replaced",
	"build.swapped", "build.recorded", NULL};

static void recover(struct shop *s)
{
	load_project(s);
	WORKS(materialize_recover(s->state, s->engine, s->project, &err));
	assert_string_equal(tables(s), "t");
}

static void a_table_survives_a_crash_at_each_step(void **state)
{
	struct shop *s = *state;
	int deaths = 0;

	for (int i = 0; places[i]; i++) {
		write_file(
			s, "models/t.sql", "{{ config(materialized='table') }} select 'old' as a");
		build(s, "t");
		write_file(
			s, "models/t.sql", "{{ config(materialized='table') }} select 'new' as a");
		size_t before = n_built(s, "model.shop.t");
		if (!dies(s, "t", "", places[i]))
			continue;
		deaths++;
		assert_int_equal(before, 1);
		recover(s);
		assert_gives(s, "SELECT a FROM {db}.t", i == 0 ? "old" : "new");
		build(s, "t");
		assert_gives(s, "SELECT a FROM {db}.t", "new");
		assert_string_equal(tables(s), "t");
		assert_int_equal(n_swaps(s), 0);
	}
	assert_int_equal(deaths, 4);
}

static void the_first_table_survives_a_crash_at_each_step(void **state)
{
	struct shop *s = *state;

	write_file(s, "models/t.sql", "{{ config(materialized='table') }} select 'new' as a");
	for (int i = 0; places[i]; i++) {
		ask(s->fixture, "DROP TABLE IF EXISTS {db}.t SYNC");
		WORKS(state_asset_forget(s->state, "model.shop.t", &err));
		if (!dies(s, "t", "", places[i]))
			continue;
		load_project(s);
		WORKS(materialize_recover(s->state, s->engine, s->project, &err));
		assert_string_equal(tables(s), i == 0 ? "" : "t");
		build(s, "t");
		assert_int_equal(n_built(s, "model.shop.t"), 1);
		recover(s);
	}
}

static void added_rows_are_added_once_whatever_dies(void **state)
{
	struct shop *s = *state;

	for (int i = 0; places[i]; i++) {
		s->full_refresh = true;
		write_file(s, "models/t.sql",
			"{{ config(materialized='incremental') }} select number as a from "
			"numbers(5)");
		build(s, "t");
		s->full_refresh = false;
		write_file(s, "models/t.sql",
			"{{ config(materialized='incremental') }} select number + 5 as a from "
			"numbers(3)");
		dies(s, "t", "", places[i]);
		recover(s);
		build(s, "t");
		assert_gives(s, "SELECT count(), sum(a) FROM {db}.t", "8\t28");
		assert_string_equal(tables(s), "t");
	}
}

static void a_partition_survives_a_crash_at_each_step(void **state)
{
	struct shop *s = *state;
	static const char text[] =
		"{{ config(materialized='incremental', incremental_strategy='microbatch', "
		"event_time='d', batch_size='day', "
		"begin='2026-11-01', partition_by=['d', 'kind']) }}\n"
		"select toDate('{{ partition.key }}') as d, number %% %d as kind, '%s' as a from "
		"numbers(6)";
	CLEANUP(free_string)
	char *old = xasprintf(text, 3, "old"), *new = xasprintf(text, 2, "new");
	int deaths = 0;

	for (int i = 0; places[i]; i++) {
		write_file(s, "models/t.sql", old);
		build_partition(s, "t", "2026-11-19");
		build_partition(s, "t", "2026-11-20");
		write_file(s, "models/t.sql", new);
		deaths += dies(s, "t", "2026-11-20", places[i]);
		recover(s);
		assert_gives(s,
			"SELECT d, a, count(), uniqExact(kind) FROM {db}.t GROUP BY ALL ORDER BY "
			"ALL",
			i == 0 ? "2026-11-19\told\t6\t3\n2026-11-20\told\t6\t3"
			       : "2026-11-19\told\t6\t3\n2026-11-20\tnew\t6\t2");
		build_partition(s, "t", "2026-11-20");
		assert_gives(s,
			"SELECT a, uniqExact(kind) FROM {db}.t WHERE d = '2026-11-20' GROUP BY a",
			"new\t2");
	}
	assert_int_equal(deaths, 5);
}

static void hooks_are_run_after_a_crash_and_nothing_is_built_twice(void **state)
{
	struct shop *s = *state;

	write_file(s, "models/t.sql",
		"{{ config(materialized='incremental', post_hook='insert into {{ this }} values "
		"(7)') }} select 1 as a");
	build(s, "t");
	assert_true(dies(s, "t", "", "build.swapped"));
	recover(s);
	assert_gives(s, "SELECT groupArray(a) FROM (SELECT a FROM {db}.t ORDER BY a)", "[1,1,7]");
	build(s, "t");
	assert_gives(s, "SELECT groupArray(a) FROM (SELECT a FROM {db}.t ORDER BY a)", "[1,1,7,7]");
}

static void what_another_run_began_is_finished_before_more_is_added(void **state)
{
	struct shop *s = *state;

	write_file(s, "models/t.sql", "{{ config(materialized='incremental') }} select 1 as a");
	assert_true(dies(s, "t", "", "build.swapped"));
	s->run++;
	s->seq++;
	build(s, "t");
	assert_gives(s, "SELECT count() FROM {db}.t", "2");
	assert_true(dies(s, "t", "", "build.swapped"));
	s->run++;
	build(s, "t");
	assert_gives(s, "SELECT count() FROM {db}.t", "3");
	assert_string_equal(s->message, "finished what was begun");
}

static void what_others_made_is_not_swept(void **state)
{
	struct shop *s = *state;

	write_file(s, "models/t.sql", "select 1 as a");
	build(s, "t");
	ask(s->fixture, "CREATE TABLE {db}.t__tailrace_next (a Int8) ENGINE = Memory");
	load_project(s);
	WORKS(materialize_recover(s->state, s->engine, s->project, &err));
	assert_string_equal(tables(s), "t t__tailrace_next");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		SHOP_TEST(a_partition_is_built_by_itself),
		SHOP_TEST(a_partition_that_became_empty_is_emptied),
		SHOP_TEST(rows_of_another_partition_are_refused),
		SHOP_TEST(a_partitioning_that_is_too_coarse_loses_nothing),
		SHOP_TEST(a_finer_partitioning_is_replaced_whole),
		SHOP_TEST(a_changed_partitioning_is_refused_and_made_by_a_full_refresh),
		SHOP_TEST(partitions_by_key_are_replaced_alone),
		SHOP_TEST(columns_of_partitions_follow_the_model),
		SHOP_TEST(a_table_survives_a_crash_at_each_step),
		SHOP_TEST(the_first_table_survives_a_crash_at_each_step),
		SHOP_TEST(added_rows_are_added_once_whatever_dies),
		SHOP_TEST(a_partition_survives_a_crash_at_each_step),
		SHOP_TEST(hooks_are_run_after_a_crash_and_nothing_is_built_twice),
		SHOP_TEST(what_another_run_began_is_finished_before_more_is_added),
		SHOP_TEST(what_others_made_is_not_swept),
	};
	return run_group(argc, argv, tests, COUNT_OF(tests));
}
