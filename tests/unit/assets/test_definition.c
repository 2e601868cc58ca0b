/* Definitions: what changes a fingerprint, and how changes are told apart. */
#include "assets/definition.h"
#include "graph_files.h"

static struct arena arena;

static struct definition define(const char *model)
{
	struct definition d;
	make();
	if (!definition_of(graph, asset(model), &arena, &d, &err))
		fail_msg("%s", err.text);
	return d;
}

/* How a model's text differs from another. */
static enum change between(const char *before, const char *after, const char **what)
{
	put("models/a.sql", before);
	struct definition old = define("a");
	put("models/a.sql", after);
	struct definition now = define("a");
	enum change change = definition_change(&old, &now, &arena, what);
	assert_int_equal(old.fingerprint == now.fingerprint, change <= CHANGE_FORMAT);
	return change;
}

static void assert_change(enum change expected, const char *before, const char *after)
{
	const char *what;
	enum change change = between(before, after, &what);
	if (change != expected)
		fail_msg("%s -> %s is %s", before, after, change_name(change));
}

static void white_space_comments_and_keywords_are_formatting(void **state)
{
	(void)state;
	assert_change(CHANGE_NONE, "select 1", "select 1");
	assert_change(CHANGE_FORMAT, "select a,b from t", "SELECT a, -- the first\n  b\nFrom t;\n");
	assert_change(CHANGE_FORMAT, "select /* x */ 'it''s' from t", "select 'it''s' from t");
	assert_change(CHANGE_FORMAT, "select {{ 1 + 1 }}", "select {{ 2 }} ");
}

static void what_is_quoted_is_no_formatting(void **state)
{
	(void)state;
	assert_change(CHANGE_BREAKING, "select 'a  b'", "select 'a b'");
	assert_change(CHANGE_BREAKING, "select 'SELECT'", "select 'select'");
	assert_change(CHANGE_BREAKING, "select '-- a' from t", "select '-- b' from t");
	assert_change(CHANGE_BREAKING, "select 'it''s /* a */'", "select 'it''s /* b */'");
	assert_change(CHANGE_BREAKING, "select $x$ a $x$", "select $x$  a $x$");
	assert_change(CHANGE_BREAKING, "select Amount from t", "select amount from t");
	assert_change(CHANGE_BREAKING, "select 1 - -1", "select 1 --1");
}

static void columns_that_are_added_break_nothing(void **state)
{
	(void)state;
	assert_change(CHANGE_ADDS, "select a from t where x", "select a, b from t where x");
	assert_change(CHANGE_ADDS, "select a, c from t", "select a, f(b, 1) as b, c from t");
	assert_change(CHANGE_ADDS, "with u as (select 1 as a) select a from u order by a",
		"with u as (select 1 as a) select a, a + 1 as b from u order by a");
	assert_change(CHANGE_ADDS,
		"{{ config(materialized='incremental') }}select a from t "
		"{% if is_incremental() %} where a > 1 {% endif %}",
		"{{ config(materialized='incremental') }}select a, b from t "
		"{% if is_incremental() %} where a > 1 {% endif %}");
}

static void other_changes_break(void **state)
{
	(void)state;
	assert_change(CHANGE_BREAKING, "select a, b from t", "select a from t");
	assert_change(CHANGE_BREAKING, "select a, b from t", "select b, a from t");
	assert_change(CHANGE_BREAKING, "select a from t", "select a, b from u");
	assert_change(CHANGE_BREAKING, "select distinct a from t", "select distinct a, b from t");
	assert_change(CHANGE_BREAKING, "select a from t", "select a, arrayJoin(b) from t");
	assert_change(CHANGE_BREAKING, "select a from t union all select b from u",
		"select a, 1 from t union all select b from u");
	assert_change(CHANGE_BREAKING, "select a, count() from t group by 1",
		"select b, a, count() from t group by 1");
	assert_change(CHANGE_BREAKING, "select a from (select a from t)",
		"select a from (select a, b from t)");
	assert_change(CHANGE_BREAKING,
		"{{ config(materialized='incremental') }}select a from t "
		"{% if is_incremental() %} where a > 1 {% endif %}",
		"{{ config(materialized='incremental') }}select a from t "
		"{% if is_incremental() %} where a > 2 {% endif %}");
}

static void settings_that_change_are_named(void **state)
{
	const char *what;

	(void)state;
	assert_int_equal(between("{{ config(order_by='a', ttl='x') }}select 1",
				 "{{ config(order_by='b', engine='Log') }}select 1", &what),
		CHANGE_BREAKING);
	assert_string_equal(what, "engine, order_by, ttl");
	assert_change(CHANGE_NONE, "{{ config(tags='x') }}select 1",
		"{{ config(tags='y', lookback=3, meta={'a': 1}, schedule='0 0 * * *') }}select 1");
	assert_int_equal(
		between("select 1", "{{ config(alias='b') }}select 1", &what), CHANGE_BREAKING);
	assert_string_equal(what, "its name, which was analytics.a");
}

static void partitions_that_begin_earlier_are_the_same_definition(void **state)
{
	const char *what;

	(void)state;
#define BATCH "materialized='incremental', incremental_strategy='microbatch', event_time='at', "
	assert_change(CHANGE_NONE,
		"{{ config(" BATCH "batch_size='day', begin='2026-01-02') }}"
		"select '{{ partition.start }}' as at",
		"{{ config(" BATCH "batch_size='day', begin='2025-01-01') }}"
		"select '{{ partition.start }}' as at");
	assert_int_equal(
		between("{{ config(" BATCH "batch_size='day', begin='2026-01-01') }}select 1",
			"{{ config(" BATCH "batch_size='month', begin='2026-01-01') }}select 1",
			&what),
		CHANGE_BREAKING);
	assert_string_equal(what, "batch_size");
}

static void seeds_are_what_their_files_hold(void **state)
{
	(void)state;
	put("seeds/s.csv", "a\n1\n");
	struct definition old = define("s"), again = define("s");
	put("seeds/s.csv", "a\n2\n");
	struct definition now = define("s");
	assert_true(old.fingerprint == again.fingerprint);
	assert_true(old.fingerprint != now.fingerprint);
}

static enum change config_change(const char *before, const char *after, const char **what)
{
	struct definition old = {.sql = "select 1", .relation = "shop.a", .config = before};
	struct definition now = {.sql = "select 1", .relation = "shop.a", .config = after};

	return definition_change(&old, &now, &arena, what);
}

static void other_columns_of_what_a_view_reads_break_nothing(void **state)
{
	const char *what;

	(void)state;
	assert_int_equal(config_change("x 1\ncolumns(shop.a) 11\n",
				 "x 1\ncolumns(shop.a) 12\n"
				 "copy(shop_cdc.b) 2\n",
				 &what),
		CHANGE_ADDS);
	assert_string_equal(what, "columns(shop.a), copy(shop_cdc.b)");
	assert_int_equal(
		config_change("x 1\ncolumns(shop.a) 11\n", "x 2\n", &what), CHANGE_BREAKING);
	assert_string_equal(what, "x, columns(shop.a)");
	assert_int_equal(
		config_change("copy(shop_cdc.b) 1\n", "copy(shop_cdc.b) 1\n", &what), CHANGE_NONE);
}

static int open_all(void **state)
{
	arena_init(&arena);
	return open_folder(state);
}

static int close_all(void **state)
{
	arena_release(&arena);
	return close_graph(state);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, open_all, close_all)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(white_space_comments_and_keywords_are_formatting),
		TEST(what_is_quoted_is_no_formatting),
		TEST(columns_that_are_added_break_nothing),
		TEST(other_changes_break),
		TEST(settings_that_change_are_named),
		TEST(other_columns_of_what_a_view_reads_break_nothing),
		TEST(partitions_that_begin_earlier_are_the_same_definition),
		TEST(seeds_are_what_their_files_hold),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
