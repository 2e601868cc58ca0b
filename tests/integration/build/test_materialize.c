/* Views, tables and incremental models on a real server: what is there after one build and after the next. */
#include "project.h"

static void a_view_is_made_and_made_anew(void **state)
{
	struct shop *s = *state;

	write_file(s, "models/one.sql", "select 1 as one -- the end");
	build(s, "one");
	assert_string_equal(s->message, "view");
	assert_gives(s, "SELECT * FROM {db}.one", "1");
	write_file(s, "models/one.sql", "select 2 as one;\n\n");
	build(s, "one");
	assert_gives(s, "SELECT * FROM {db}.one", "2");
	assert_int_equal(n_built(s, "model.shop.one"), 1);
	assert_string_equal(tables(s), "one");
}

static void a_table_is_kept_as_its_configuration_says(void **state)
{
	struct shop *s = *state;

	write_file(s, "models/t.sql",
		"{{ config(materialized='table', order_by=['a', 'b'], partition_by='a % 2', ttl='d "
		"+ interval 1 year', "
		"settings={'index_granularity': 1024}, engine='ReplacingMergeTree(a)') }}\n"
		"select number as a, toString(number) as b, today() as d from numbers(10)");
	build(s, "t");
	assert_int_equal(s->rows, 10);
	assert_string_equal(s->message, "table of 10 rows");
	assert_gives(s,
		"SELECT engine, sorting_key, partition_key, engine_full LIKE '%index_granularity = "
		"1024%', "
		"engine_full LIKE '%TTL d + toIntervalYear(1)%', comment FROM system.tables "
		"WHERE database = '{db}' AND name = 't'",
		"ReplacingMergeTree\ta, b\ta % "
		"2\t1\t1\t{\"tailrace\":{\"asset\":\"model.shop.t\",\"run\":1}}");
	assert_string_equal(tables(s), "t");
}

static void columns_are_of_the_types_that_query_settings_make_of_them(void **state)
{
	struct shop *s = *state;

	write_file(s, "models/t.sql",
		"{{ config(materialized='incremental', query_settings={'join_use_nulls': 1}) }}\n"
		"select b.x as x from (select 1 as k) a left join (select 2 as k, 3 as x) b on b.k "
		"= a.k");
	build(s, "t");
	build(s, "t");
	assert_gives(s, "SELECT toTypeName(x), x FROM {db}.t",
		"Nullable(UInt8)\t\\N\nNullable(UInt8)\t\\N");
}

static void what_a_yml_says_of_columns_is_kept_with_them(void **state)
{
	struct shop *s = *state;
	static const char shown[] =
		"SELECT table, name, comment, compression_codec FROM system.columns "
		"WHERE database = '{db}' ORDER BY table, position";

	write_file(s, "models/t.sql",
		"{{ config(materialized='table', order_by='a', persist_docs={'columns': true}, "
		"indexes=[{'name': 'by_b', 'definition': 'b TYPE bloom_filter'}], "
		"projections=[{'name': 'n', 'query': 'select b, count() group by b'}]) }} "
		"select 1 as a, 'x' as b");
	write_file(s, "models/v.sql",
		"{{ config(persist_docs={'columns': true}) }} select a, b from {db}.t");
	write_file(s, "models/d.md", "{% docs b %}\nthe `b`\n{% enddocs %}\n");
	write_file(s, "models/y.yml",
		"models:\n"
		"  - {name: t, columns: [{name: a, description: it's a}, {name: b, codec: "
		"ZSTD(3)}]}\n"
		"  - {name: v, columns: [{name: b, description: \"{{ doc('b') }}\"}]}\n");
	build(s, "t");
	build(s, "v");
	assert_gives(
		s, shown, "t\ta\tit\\'s a\t\nt\tb\t\tCODEC(ZSTD(3))\nv\ta\t\t\nv\tb\tthe `b`\t");
	assert_gives(s,
		"SELECT (SELECT groupArray(name) FROM system.data_skipping_indices WHERE database "
		"= '{db}'), groupArray(name) FROM system.projections WHERE database = '{db}'",
		"['by_b']\t['n']");
}

static void a_contract_is_kept_or_nothing_is_built(void **state)
{
	struct shop *s = *state;
	static const char config[] = "{{ config(materialized='table', order_by='id', "
				     "contract={'enforced': true}) }} ";
	static const char yml[] = "models:\n  - name: t\n    constraints: [{type: check, name: "
				  "positive, expression: id > 0}]\n    columns: [{name: id, "
				  "data_type: Int64}, {name: price, data_type: 'Decimal(9,2)'}]\n";
	static const char *const broken[][2] = {
		{"select 1 as id, 2::Decimal(9, 2) as price",
			"says that column 'id' is Int64, the model gives UInt8"},
		{"select 1::Int64 as id", "a column 'price', which the model does not give"},
		{"select 1::Int64 as id, 2::Decimal(9, 2) as price, 3 as more",
			"gives a column 'more', which the contract does not have"},
		{"select 0::Int64 as id, 2::Decimal(9, 2) as price", "VIOLATED_CONSTRAINT"}};

	write_file(s, "models/y.yml", yml);
	for (size_t i = 0; i < COUNT_OF(broken); i++) {
		CLEANUP(free_string) char *text = xasprintf("%s%s", config, broken[i][0]);
		write_file(s, "models/t.sql", text);
		const char *why = refusal(s, "t", "");
		if (!strstr(why, broken[i][1]))
			fail_msg("%s", why);
	}
	assert_string_equal(tables(s), "");
	CLEANUP(free_string)
	char *kept = xasprintf("%sselect 2::Decimal(9, 2) as price, 1::Int64 as id", config);
	write_file(s, "models/t.sql", kept);
	build(s, "t");
	assert_gives(s, "SELECT * FROM {db}.t", "1\t2");
}

static void a_table_takes_the_place_of_a_view_and_a_view_of_a_table(void **state)
{
	struct shop *s = *state;

	write_file(s, "models/t.sql", "select 1 as a");
	build(s, "t");
	write_file(s, "models/t.sql", "{{ config(materialized='table') }} select 2 as a");
	build(s, "t");
	assert_gives(s, "SELECT a FROM {db}.t", "2");
	write_file(s, "models/t.sql", "select 3 as a");
	build(s, "t");
	assert_gives(s, "SELECT a FROM {db}.t", "3");
	assert_string_equal(tables(s), "t");
}

static void a_build_that_fails_leaves_what_was_there(void **state)
{
	struct shop *s = *state;

	write_file(s, "models/t.sql", "{{ config(materialized='table') }} select 1 as a");
	build(s, "t");
	write_file(s, "models/t.sql",
		"{{ config(materialized='table') }}\nselect throwIf(number = 7, 'seven') as a from "
		"numbers(10)");
	assert_non_null(strstr(refusal(s, "t", ""), "seven"));
	assert_string_equal(tables(s), "t");
	assert_gives(s, "SELECT a FROM {db}.t", "1");
	write_file(s, "models/t.sql", "{{ config(materialized='table') }} select 2 as a");
	build(s, "t");
	assert_gives(s, "SELECT a FROM {db}.t", "2");
	assert_string_equal(tables(s), "t");
}

static void a_mirrored_table_is_not_replaced(void **state)
{
	struct shop *s = *state;

	write_file(s, "models/orders.sql", "select 1 as a");
	build(s, "orders");
	ask(s->fixture, "DROP VIEW {db}.orders");
	ask(s->fixture, "CREATE VIEW {db}.orders AS SELECT 7 AS a COMMENT "
			"'{\"tailrace\":{\"stream\":\"shop\",\"table\":\"public.orders\",\"kind\":"
			"\"view\"}}'");
	assert_non_null(strstr(refusal(s, "orders", ""), "is a mirrored table"));
	assert_gives(s, "SELECT a FROM {db}.orders", "7");
}

static void hooks_run_before_and_after(void **state)
{
	struct shop *s = *state;

	ask(s->fixture, "CREATE DATABASE {db}");
	ask(s->fixture, "CREATE TABLE {db}.log (at String, there UInt64) ENGINE = Memory");
	write_file(s, "models/t.sql",
		"{{ config(materialized='table', pre_hook=\"insert into {db}.log select 'before', "
		"0\", "
		"post_hook=[\"insert into {db}.log select 'after', count() from {{ this }}\", '{% "
		"if false %}x{% endif %}']) }}"
		"select 1 as a from numbers(3)");
	build(s, "t");
	assert_gives(s, "SELECT * FROM {db}.log ORDER BY at", "after\t3\nbefore\t0");
	write_file(s, "models/t.sql",
		"{{ config(materialized='table', post_hook='drop nonsense') }} select 1 as a");
	assert_non_null(strstr(refusal(s, "t", ""), "post_hook"));
}

static void what_is_not_supported_is_named(void **state)
{
	struct shop *s = *state;

	write_file(
		s, "models/t.sql", "{{ config(grants={'select': ['reporter']}) }} select 1 as a");
	assert_non_null(strstr(refusal(s, "t", ""), "models/t.sql:1: 'grants' is not supported"));
}

/* --- incremental --- */

static const char since[] =
	"{% if is_incremental() %} where a > (select max(a) from {{ this }}) {% endif %}";

static void write_model(struct shop *s, const char *config, const char *select, const char *more)
{
	CLEANUP(free_string)
	char *text = xasprintf(
		"{{ config(materialized='incremental', %s) }}\n%s\n%s", config, select, more);
	write_file(s, "models/t.sql", text);
}

static void new_rows_are_appended(void **state)
{
	struct shop *s = *state;

	write_model(s, "order_by='a'", "select number + 0 as a from numbers(5)", since);
	build(s, "t");
	write_model(s, "order_by='a'", "select number as a from numbers(8)", since);
	build(s, "t");
	assert_int_equal(s->rows, 3);
	assert_gives(s, "SELECT count(), sum(a) FROM {db}.t", "8\t28");
	s->full_refresh = true;
	write_model(s, "order_by='a'", "select number as a from numbers(2)", since);
	build(s, "t");
	assert_gives(s, "SELECT count() FROM {db}.t", "2");
	assert_string_equal(tables(s), "t");
}

static void what_a_model_says_of_a_full_refresh_goes_before_what_is_asked_for(void **state)
{
	struct shop *s = *state;
	static const char keeps[] = "order_by='a', full_refresh=false";

	write_model(s, keeps, "select number + 0 as a from numbers(5)", since);
	build(s, "t");
	s->full_refresh = true;
	write_model(s, keeps, "select number as a from numbers(8)", since);
	build(s, "t");
	assert_gives(s, "SELECT count(), sum(a) FROM {db}.t", "8\t28");
	s->full_refresh = false;
	write_model(
		s, "order_by='a', full_refresh=true", "select number as a from numbers(2)", since);
	build(s, "t");
	assert_gives(s, "SELECT count() FROM {db}.t", "2");
}

static void rows_of_a_key_are_replaced(void **state)
{
	struct shop *s = *state;
	static const char config[] = "unique_key=['a', 'b'], order_by='a'";

	write_model(s, config, "select number as a, 'x' as b, 1 as v from numbers(5)", "");
	build(s, "t");
	write_model(s, config,
		"select number as a, if(number = 4, 'y', 'x') as b, 2 as v from numbers(3, 3)", "");
	build(s, "t");
	assert_gives(s, "SELECT a, b, v FROM {db}.t ORDER BY ALL",
		"0\tx\t1\n1\tx\t1\n2\tx\t1\n3\tx\t2\n4\tx\t1\n4\ty\t2\n5\tx\t2");
	assert_string_equal(tables(s), "t");
}

static void whole_partitions_are_overwritten(void **state)
{
	struct shop *s = *state;
	static const char config[] = "incremental_strategy='insert_overwrite', partition_by='p'";

	write_model(s, config, "select number % 3 as p, number as a from numbers(9)", "");
	build(s, "t");
	write_model(s, config, "select 1 as p, 100 as a union all select 7, 700", "");
	build(s, "t");
	assert_gives(s, "SELECT p, count(), max(a) FROM {db}.t GROUP BY p ORDER BY p",
		"0\t3\t6\n1\t1\t100\n2\t3\t8\n7\t1\t700");
	assert_string_equal(tables(s), "t");
	write_file(s, "models/u.sql",
		"{{ config(materialized='incremental', incremental_strategy='insert_overwrite') }} "
		"select 1 as a");
	build(s, "u");
	assert_non_null(strstr(refusal(s, "u", ""), "partition_by"));
}

static void merge_leaves_the_latest_version(void **state)
{
	struct shop *s = *state;
	static const char config[] =
		"incremental_strategy='merge', engine='ReplacingMergeTree(version)', order_by='a', "
		"unique_key='a'";

	write_model(s, config, "select number as a, 1 as version from numbers(3)", "");
	build(s, "t");
	write_model(s, config, "select 1 as a, 2 as version", "");
	build(s, "t");
	assert_gives(s, "SELECT a, version FROM {db}.t FINAL ORDER BY a", "0\t1\n1\t2\n2\t1");
	write_file(s, "models/u.sql",
		"{{ config(materialized='incremental', incremental_strategy='merge', "
		"unique_key='a') }} select 1 as a");
	build(s, "u");
	assert_non_null(strstr(refusal(s, "u", ""), "ReplacingMergeTree(version)"));
}

static void a_strategy_that_is_not_known_or_lacks_its_key_is_refused(void **state)
{
	struct shop *s = *state;

	write_model(s, "incremental_strategy='upsert'", "select 1 as a", "");
	assert_non_null(strstr(refusal(s, "t", ""), "'upsert' is none of append"));
	write_model(s, "incremental_strategy='delete+insert'", "select 1 as a", "");
	assert_non_null(strstr(refusal(s, "t", ""), "needs a 'unique_key'"));
}

/* --- columns that change --- */

static void columns_change_as_on_schema_change_says(void **state)
{
	struct shop *s = *state;

	write_model(s, "order_by='a'", "select 1 as a, 'old' as b", "");
	build(s, "t");
	write_model(s, "order_by='a'", "select 'new' as b, 2 as a, 3 as c", "");
	build(s, "t");
	assert_gives(s, "SELECT * FROM {db}.t ORDER BY a", "1\told\n2\tnew");
	write_model(s, "on_schema_change='fail'", "select 'new' as b, 2 as a, 3 as c", "");
	assert_non_null(strstr(refusal(s, "t", ""), "the model gives a new column 'c'"));
	write_model(s, "on_schema_change='append_new_columns'", "select 3 as c, 3 as a", "");
	assert_non_null(strstr(refusal(s, "t", ""),
		"no longer gives the column 'b'; on_schema_change is append_new_columns: set it to "
		"sync_all_columns"));
	write_model(
		s, "on_schema_change='append_new_columns'", "select 3 as c, 3 as a, '' as b", "");
	build(s, "t");
	assert_gives(s, "SELECT a, b, c FROM {db}.t ORDER BY a", "1\told\t0\n2\tnew\t0\n3\t\t3");
	write_model(s, "on_schema_change='sync_all_columns'", "select 4 as a, 1.5 as c", "");
	build(s, "t");
	assert_gives(s, "SELECT * FROM {db}.t ORDER BY a", "1\t0\n2\t0\n3\t3\n4\t1.5");
	write_model(s, "on_schema_change='ignore'", "select 5 as a", "");
	assert_non_null(strstr(refusal(s, "t", ""), "no longer gives the column 'c'"));
	assert_gives(s, "SELECT count() FROM {db}.t", "4");
}

static void a_value_that_does_not_fit_is_an_error_and_no_other_value(void **state)
{
	struct shop *s = *state;

	write_model(s, "order_by='a'", "select 1::Int8 as a, 'x' as b", "");
	build(s, "t");
	write_model(s, "order_by='a'", "select 2::Int64 as a, 'y'::Nullable(String) as b", "");
	build(s, "t");
	write_model(s, "order_by='a'", "select 1000::Int64 as a, 'y' as b", "");
	assert_non_null(strstr(refusal(s, "t", ""), "Int8"));
	write_model(s, "order_by='a'", "select 3 as a, NULL::Nullable(String) as b", "");
	assert_non_null(strstr(refusal(s, "t", ""), "NULL"));
	assert_gives(s, "SELECT * FROM {db}.t ORDER BY a", "1\tx\n2\ty");
	write_model(s, "order_by='a'",
		"select 1 as a, 5::Nullable(Int32) as n, 1.5::Decimal(9, 1) as d", "");
	s->full_refresh = true;
	build(s, "t");
	s->full_refresh = false;
	write_model(s, "order_by='a'",
		"select 2 as a, 'x'::Nullable(String) as n, 1.5::Decimal(9, 1) as d", "");
	assert_non_null(strstr(refusal(s, "t", ""), "set on_schema_change to sync_all_columns"));
	write_model(s, "order_by='a'",
		"select 2 as a, 5::Nullable(Int32) as n, 1.55::Decimal(9, 2) as d", "");
	assert_non_null(strstr(refusal(s, "t", ""), "'d' has a value that is none of Decimal(9"));
	write_model(s, "order_by='a'",
		"select 2 as a, '7'::Nullable(String) as n, 1.50::Decimal(9, 2) as d", "");
	build(s, "t");
	assert_gives(s, "SELECT * FROM {db}.t ORDER BY a", "1\t5\t1.5\n2\t7\t1.5");
}

static void a_column_that_is_synced_takes_no_row_another_value(void **state)
{
	const char *sync = "order_by='a', on_schema_change='sync_all_columns'";
	struct shop *s = *state;

	write_model(
		s, sync, "select 1 as a, 3000000000::Int64 as n, NULL::Nullable(Int32) as m", "");
	build(s, "t");
	write_model(s, sync, "select 2 as a, 2::Int32 as n, NULL::Nullable(Int32) as m", "");
	const char *why = refusal(s, "t", "");
	assert_non_null(strstr(why, "the column 'n'"));
	assert_non_null(strstr(why, "cannot be changed to Int32: cast it in the model, or build "
				    "with --full-refresh"));
	write_model(s, sync, "select 2 as a, 2::Int64 as n, 5::Int64 as m", "");
	build(s, "t");
	assert_gives(s, "SELECT * FROM {db}.t ORDER BY a", "1\t3000000000\t\\N\n2\t2\t5");
	write_model(s, sync, "select 3::Int64 as a, '3' as n, 5::Int64 as m", "");
	assert_non_null(strstr(refusal(s, "t", ""), "build with --full-refresh"));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		SHOP_TEST(a_view_is_made_and_made_anew),
		SHOP_TEST(a_table_is_kept_as_its_configuration_says),
		SHOP_TEST(columns_are_of_the_types_that_query_settings_make_of_them),
		SHOP_TEST(what_a_yml_says_of_columns_is_kept_with_them),
		SHOP_TEST(a_contract_is_kept_or_nothing_is_built),
		SHOP_TEST(a_table_takes_the_place_of_a_view_and_a_view_of_a_table),
		SHOP_TEST(a_build_that_fails_leaves_what_was_there),
		SHOP_TEST(a_mirrored_table_is_not_replaced),
		SHOP_TEST(hooks_run_before_and_after),
		SHOP_TEST(what_is_not_supported_is_named),
		SHOP_TEST(new_rows_are_appended),
		SHOP_TEST(what_a_model_says_of_a_full_refresh_goes_before_what_is_asked_for),
		SHOP_TEST(rows_of_a_key_are_replaced),
		SHOP_TEST(whole_partitions_are_overwritten),
		SHOP_TEST(merge_leaves_the_latest_version),
		SHOP_TEST(a_strategy_that_is_not_known_or_lacks_its_key_is_refused),
		SHOP_TEST(columns_change_as_on_schema_change_says),
		SHOP_TEST(a_column_that_is_synced_takes_no_row_another_value),
		SHOP_TEST(a_value_that_does_not_fit_is_an_error_and_no_other_value),
	};
	return run_group(argc, argv, tests, COUNT_OF(tests));
}
