/* Plans: what is built and why, of projects in a folder and a state store beside them. */
#include "plan_files.h"

/* --- reasons --- */

static void what_was_never_built_is_new(void **unused)
{
	(void)unused;
	put_shop();
	make_plan();
	assert_plan("facts", "new 2026-11-01 to 2026-11-05");
	assert_plan("stg", "new all");
	assert_plan("total", "new all");
	assert_int_equal(plan.n_steps, 12);
	assert_int_equal(planned("facts")->n_missing, 5);
}

static void what_is_built_of_what_is_there_is_not_built_again(void **unused)
{
	(void)unused;
	put_shop();
	build_plan();
	make_plan();
	assert_int_equal(plan.n_steps, 0);
	assert_int_equal(planned("facts")->n_built, 5);
	now_us = at("2026-11-06");
	make_plan();
	assert_plan("facts", "missing 2026-11-06");
	assert_plan("total", "upstream all");
}

static void changes_make_their_partitions_dirty_and_no_other(void **unused)
{
	(void)unused;
	put_shop();
	build_plan();
	change("source.shop.orders", "2026-11-02T23", "2026-11-03T01");
	change("source.shop.orders", "2026-10-02", "2026-10-03");
	make_plan();
	assert_plan("stg", "");
	assert_plan("facts", "dirty 2026-11-02 to 2026-11-03");
	assert_plan("weekly", "upstream 2026-11-02 to 2026-11-05");
	assert_plan("total", "upstream all");
	assert_string_equal(planned("facts")->parts.items[0].cause->id, "source.shop.orders");
	assert_int_equal(planned("facts")->n_dirty, 2);
	/* One of them is built: the other is still dirty, and what stands on the first is. */
	build("facts", "", "2026-11-02", "2026-11-03");
	make_plan();
	assert_plan("facts", "dirty 2026-11-03");
	assert_plan("weekly", "dirty 2026-11-02 to 2026-11-04; upstream 2026-11-05");
	build_plan();
	make_plan();
	assert_int_equal(plan.n_steps, 0);
}

static void partitions_side_by_side_that_one_parent_made_dirty_are_told_as_one(void **unused)
{
	(void)unused;
	put_shop();
	build_plan();
	change("source.shop.orders", "2026-11-03", "2026-11-04");
	change("source.shop.orders", "2026-11-02", "2026-11-03");
	make_plan();
	assert_plan("facts", "dirty 2026-11-02 to 2026-11-03");
	assert_int_equal(planned("facts")->n_dirty, 2);
}

static void a_change_while_a_build_runs_is_not_lost(void **unused)
{
	(void)unused;
	put_shop();
	build_plan();
	change("source.shop.orders", "2026-11-02", "2026-11-03");
	const struct asset *a = asset("facts");
	struct definition d;
	struct built b = {.from_us = at("2026-11-02"), .to_us = at("2026-11-03")};
	stamp(a, &b, &d);
	change("source.shop.orders", "2026-11-02", "2026-11-03");
	assert_done(state_built_put(state, a->id, &b, NULL, 0, &err));
	make_plan();
	assert_plan("facts", "dirty 2026-11-02");
}

/* So that a run of n steps does not look n * n times. */
static void what_a_run_builds_is_looked_at_again_and_nothing_behind_it(void **unused)
{
	(void)unused;
	put_shop();
	put("models/one.sql", "{{ config(materialized='table') }}select * from {{ source('shop', "
			      "'customers') }}");
	put("models/two.sql", "{{ config(materialized='table') }}select * from {{ ref('one') }}");
	put("models/three.sql", "{{ config(materialized='table') }}select * from {{ ref('two') }}");
	build_plan();
	const struct asset *two = asset("two"), *three = asset("three");
	struct survey *v = survey_new(graph, state);
	struct built b = {0};
	assert_done(survey_stamp(v, three, &arena, &b, &err));
	const struct status *one = survey_status(v, asset("one"), &err);
	assert_int_equal(one->built.len, 1);
	assert_done(state_built_forget(state, "model.shop.one", &err));
	assert_done(state_built_forget(state, two->id, &err));
	survey_forget(v, two);
	assert_done(survey_stamp(v, three, &arena, &b, &err));
	assert_int_equal(survey_status(v, two, &err)->built.len, 0);
	assert_int_equal(survey_status(v, asset("one"), &err)->built.len, 1);
	survey_free(v);
}

static void parents_without_times_make_everything_dirty(void **unused)
{
	(void)unused;
	put_shop();
	put("models/facts.sql", "{{ config(" DAILY ") }}select * from {{ ref('stg') }}, "
				"{{ source('shop', 'customers') }}");
	put("models/calm.sql", "{{ config(" DAILY ", partition_mapping={'customers': 'ignore'}) }}"
			       "select * from {{ ref('stg') }}, {{ source('shop', 'customers') }}");
	build_plan();
	change("source.shop.customers", NULL, NULL);
	make_plan();
	assert_plan("facts", "dirty 2026-11-01 to 2026-11-05");
	assert_plan("calm", "");
}

static void views_that_rename_the_time_make_everything_dirty(void **unused)
{
	(void)unused;
	put_shop();
	put("models/stg.sql",
		"{{ config(event_time='day') }}select * from {{ source('shop', 'orders') }}");
	build_plan();
	change("source.shop.orders", "2026-11-02", "2026-11-03");
	make_plan();
	assert_plan("facts", "dirty 2026-11-01 to 2026-11-05");
	put("models/stg.sql",
		"{{ config(event_time='day', partition_mapping={'shop.orders': 'same'}) "
		"}}select * from {{ source('shop', 'orders') }}");
	make_plan();
	assert_plan("facts", "dirty 2026-11-02");
}

static void static_partitions_are_dirty_by_key(void **unused)
{
	(void)unused;
#define KEYS "materialized='incremental', partitions=['eu', 'us'], partition_column='r'"
	put("models/a.sql", "{{ config(" KEYS ") }}select * from {{ source('shop', 'orders') }}");
	put("models/b.sql", "{{ config(" KEYS ", partition_mapping={'a': 'same'}) }}"
			    "select * from {{ ref('a') }}");
	build_plan();
	make_plan();
	assert_int_equal(plan.n_steps, 0);
	build("a", "eu", NULL, NULL);
	make_plan();
	assert_plan("a", "");
	assert_plan("b", "dirty eu");
	change("source.shop.orders", NULL, NULL);
	make_plan();
	assert_plan("a", "dirty eu; dirty us");
}

static void definitions_that_changed_are_built_again(void **unused)
{
	(void)unused;
	put_shop();
	build_plan();
	put("models/facts.sql", "{{ config(" DAILY ") }}select * from {{ ref('stg') }} where x");
	make_plan();
	assert_plan("facts", "changed 2026-11-01 to 2026-11-05");
	assert_string_equal(planned("facts")->parts.items[0].why, "its SQL changed (breaking)");
	assert_plan("total", "upstream all");
	put("models/facts.sql", "{{ config(" DAILY ") }}select  *\nfrom {{ ref('stg') }} -- all");
	make_plan();
	assert_plan("facts", "");
	assert_int_equal(planned("facts")->change, CHANGE_FORMAT);
}

static void columns_that_are_added_build_nothing_downstream(void **unused)
{
	(void)unused;
	put_shop();
	build_plan();
	put("models/facts.sql", "{{ config(" DAILY ") }}select *, 1 as one from {{ ref('stg') }}");
	make_plan();
	assert_plan("facts", "changed 2026-11-01 to 2026-11-05");
	assert_true(planned("facts")->quiet);
	assert_plan("total", "");
	build_plan();
	make_plan();
	assert_int_equal(plan.n_steps, 0);
}

static void other_partitions_are_another_definition(void **unused)
{
	(void)unused;
	put_shop();
	build_plan();
	put("models/facts.sql",
		"{{ config(materialized='incremental', incremental_strategy='microbatch', "
		"event_time='at', batch_size='month', begin='2026-10-01') }}"
		"select * from {{ ref('stg') }}");
	make_plan();
	assert_plan("facts", "changed 2026-11; missing 2026-10");
	assert_string_equal(planned("facts")->what, "batch_size");
	put("models/facts.sql", "{{ config(materialized='table') }}select * from {{ ref('stg') }}");
	make_plan();
	assert_plan("facts", "changed all");
}

static void what_keeps_history_is_not_built_anew(void **unused)
{
	(void)unused;
	put_shop();
	put("models/facts.sql",
		"{{ config(" DAILY ", full_refresh=false) }}select * from {{ ref('stg') }}");
	build_plan();
	put("models/facts.sql",
		"{{ config(" DAILY ", full_refresh=false) }}select a from {{ ref('stg') }}");
	make_plan();
	assert_plan("facts", "");
	assert_non_null(planned("facts")->note);
}

static void tables_of_no_stream_are_built_from_each_time(void **unused)
{
	(void)unused;
	put("models/s.yml", "sources: [{name: erp, tables: [{name: stock}]}]");
	put("models/v.sql", "select * from {{ source('erp', 'stock') }}");
	put("models/t.sql", "{{ config(materialized='table') }}select * from {{ ref('v') }}");
	put("models/d.sql", "{{ config(" DAILY ") }}select * from {{ ref('v') }}");
	build_plan();
	make_plan();
	assert_plan("v", "");
	assert_plan("t", "unknown all");
	assert_plan("d", "");
	assert_non_null(strstr(planned("d")->note, "no stream feeds erp.stock"));
}

static void nothing_is_built_on_what_is_not_there(void **unused)
{
	(void)unused;
	put_shop();
	look();
	build("stg", "", NULL, NULL);
	build("facts", "", "2026-11-02", "2026-11-04");
	make_plan_of("weekly total");
	assert_plan("weekly", "waiting new 2026-11-01 to 2026-11-05");
	assert_plan("total", "new all");
	assert_int_equal(plan.n_steps, 1);
	build("facts", "", "2026-11-01", "2026-11-02");
	make_plan_of("weekly");
	assert_plan("weekly", "new 2026-11-01 to 2026-11-03; waiting new 2026-11-04 to 2026-11-05");
	make_plan_of("weekly facts");
	assert_plan("weekly", "new 2026-11-01 to 2026-11-05");
}

static void problems_are_told_and_keep_no_other_back(void **unused)
{
	(void)unused;
	put_shop();
	put("models/facts.sql",
		"{{ config(" DAILY ") }}select {{ nothing.x }} from {{ ref('stg') }}");
	make_plan();
	assert_non_null(strstr(planned("facts")->problem, "models/facts.sql:1"));
	assert_plan("stg", "new all");
	assert_plan("total", "waiting new all");
}

static void models_that_disappear_are_named_and_kept(void **unused)
{
	(void)unused;
	put_shop();
	build_plan();
	char path[128];
	snprintf(path, sizeof path, "%s/models/total.sql", folder);
	assert_int_equal(unlink(path), 0);
	make_plan();
	assert_int_equal(plan.gone.len, 1);
	assert_string_equal(plan.gone.items[0].relation, "analytics.total");
	struct buf text;
	buf_init(&text, BUF_MAX);
	plan_text(&plan, &text);
	assert_non_null(strstr(buf_text(&text), "analytics.total is kept"));
	buf_release(&text);
	put_shop();
	make_plan();
	assert_int_equal(plan.n_steps, 0);
}

static void ranges_and_wishes_narrow_a_plan(void **unused)
{
	(void)unused;
	put_shop();
	look();
	build("stg", "", NULL, NULL);
	build("facts", "", "2026-11-02", "2026-11-04");
	planning.range = (struct span){at("2026-11-03"), at("2026-11-05")};
	planning.all = true;
	make_plan();
	assert_plan("facts", "asked 2026-11-03 to 2026-11-04");
	planning.all = false;
	planning.missing = true;
	make_plan();
	assert_plan("facts", "missing 2026-11-04");
}

/* Were every way followed, there would be 3 to the power of 40. */
static void views_that_meet_again_are_looked_at_once(void **unused)
{
	(void)unused;
	put("models/v00.sql", "select * from {{ source('shop', 'orders') }}");
	for (int i = 1; i <= 40; i++) {
		CLEANUP(free_string) char *path = xasprintf("models/v%02d.sql", i);
		CLEANUP(free_string)
		char *text = xasprintf(
			"{{ config(materialized='%s') }}select * from {{ ref('v%02d') }}, "
			"{{ ref('v%02d') }}, {{ ref('v%02d') }}",
			i == 40 ? "table" : "view", i - 1, i > 1 ? i - 2 : 0, i > 2 ? i - 3 : 0);
		put(path, text);
	}
	build_plan();
	change("source.shop.orders", NULL, NULL);
	make_plan();
	assert_plan("v40", "dirty all");
	assert_int_equal(plan.n_steps, 1);
}

static void tables_that_are_not_copied_yet_are_waited_for(void **unused)
{
	(void)unused;
	put_shop();
	put_table(1, "orders", TABLE_COPYING, 0);
	make_plan();
	assert_int_equal(plan.n_steps, 0);
	assert_plan("stg", "waiting new all");
	/* Copied anew, it is there. */
	put_table(1, "orders", TABLE_COPYING, 1);
	make_plan();
	assert_true(plan.n_steps > 0);
}

/* --- as of --- */

static void stream_at(int64_t order, const char *time)
{
	struct position position = {.order = (unsigned __int128)order, .commit_time_us = at(time)};
	snprintf(position.token, sizeof position.token, "0/%lld", (long long)order);
	assert_done(state_stream_advance(state, "shop", &position, 1, &err));
}

static struct as_of as_of(const char *name)
{
	look();
	const struct status *s = survey_status(survey, asset(name), &err);
	assert_done(s);
	return s->as_of;
}

static void assets_are_as_fresh_as_what_they_stand_on(void **unused)
{
	(void)unused;
	put_shop();
	stream_at(1, "2026-11-05T08");
	assert_int_equal(as_of("facts").us, 0);
	build_plan();
	assert_int_equal(as_of("facts").us, at("2026-11-05T08"));
	assert_string_equal(as_of("total").position, "shop 0/1");
	/* No change of theirs: they are as fresh as the stream. */
	stream_at(2, "2026-11-05T09");
	assert_int_equal(as_of("total").us, at("2026-11-05T09"));
	change("source.shop.orders", "2026-11-02", "2026-11-03");
	stream_at(3, "2026-11-05T10");
	assert_int_equal(as_of("stg").us, at("2026-11-05T10"));
	assert_int_equal(as_of("facts").us, at("2026-11-05T08"));
	assert_int_equal(as_of("total").us, at("2026-11-05T08"));
	assert_string_equal(as_of("total").position, "shop 0/1");
	build_plan();
	assert_int_equal(as_of("total").us, at("2026-11-05T10"));
}

static void tables_that_are_copied_are_as_of_no_time(void **unused)
{
	(void)unused;
	put_shop();
	put_table(1, "orders", TABLE_COPYING, 0);
	stream_at(1, "2026-11-05T08");
	build_plan();
	assert_int_equal(as_of("total").us, 0);
	assert_string_equal(as_of("total").unknown->name, "shop.orders");
}

/* --- steps --- */

static void steps_are_partitions_with_checks_behind(void **unused)
{
	struct steps steps = {0};

	(void)unused;
	put_shop();
	put("models/facts.yml",
		"models: [{name: facts, columns: [{name: id, tests: [not_null]}]}]");
	planning.range = (struct span){at("2026-11-01"), at("2026-11-03")};
	make_plan();
	plan_steps(&plan, graph, &arena, &steps);
	assert_int_equal(steps.len, plan.n_steps + 1);
	assert_string_equal(steps.items[0].asset, asset("stg")->id);
	assert_string_equal(steps.items[1].partition, "2026-11-01");
	assert_int_equal(steps.items[2].to_us, at("2026-11-03"));
	assert_string_equal(steps.items[2].why, "new: never built");
	assert_int_equal(steps.items[2].number, 2);
	assert_int_equal(asset(steps.items[steps.len - 1].asset)->kind, ASSET_CHECK);
	vec_release(&steps);
}

static void checks_that_failed_run_again(void **unused)
{
	struct steps steps = {0};

	(void)unused;
	put_shop();
	put("models/facts.yml",
		"models: [{name: facts, columns: [{name: id, tests: [not_null]}]}]");
	build_plan();
	assert_done(state_built_checked(
		state, asset("facts")->id, "", TIME_MIN, TIME_MAX, CHECKS_FAILED, &err));
	make_plan();
	plan_steps(&plan, graph, &arena, &steps);
	assert_int_equal(steps.len, 1);
	assert_int_equal(asset(steps.items[0].asset)->kind, ASSET_CHECK);
	vec_release(&steps);
}

static void plans_are_printed_for_people_and_programs(void **unused)
{
	struct buf text;

	(void)unused;
	buf_init(&text, BUF_MAX);
	put_shop();
	build_plan();
	change("source.shop.orders", "2026-11-02", "2026-11-03");
	make_plan();
	plan_text(&plan, &text);
	assert_non_null(strstr(buf_text(&text), "facts  incremental, 1 of 5 partitions by day\n"
						"  2026-11-02  dirty: shop.orders changed\n"));
	assert_non_null(strstr(buf_text(&text), "1 asset is up to date\n"));
	buf_clear(&text);
	plan_json(&plan, &text);
	assert_non_null(strstr(buf_text(&text),
		"{\"reason\":\"dirty\",\"why\":\"shop.orders changed\",\"cause\":"
		"\"source.shop.orders\",\"waits_for\":null,\"first\":\"2026-11-02\",\"last\":"
		"\"2026-11-02\",\"partitions\":1}"));
	buf_release(&text);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, open_all, close_all)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_never_built_is_new),
		TEST(tables_that_are_not_copied_yet_are_waited_for),
		TEST(what_is_built_of_what_is_there_is_not_built_again),
		TEST(changes_make_their_partitions_dirty_and_no_other),
		TEST(partitions_side_by_side_that_one_parent_made_dirty_are_told_as_one),
		TEST(a_change_while_a_build_runs_is_not_lost),
		TEST(what_a_run_builds_is_looked_at_again_and_nothing_behind_it),
		TEST(parents_without_times_make_everything_dirty),
		TEST(views_that_rename_the_time_make_everything_dirty),
		TEST(static_partitions_are_dirty_by_key),
		TEST(definitions_that_changed_are_built_again),
		TEST(columns_that_are_added_build_nothing_downstream),
		TEST(other_partitions_are_another_definition),
		TEST(what_keeps_history_is_not_built_anew),
		TEST(tables_of_no_stream_are_built_from_each_time),
		TEST(nothing_is_built_on_what_is_not_there),
		TEST(problems_are_told_and_keep_no_other_back),
		TEST(models_that_disappear_are_named_and_kept),
		TEST(ranges_and_wishes_narrow_a_plan),
		TEST(views_that_meet_again_are_looked_at_once),
		TEST(assets_are_as_fresh_as_what_they_stand_on),
		TEST(tables_that_are_copied_are_as_of_no_time),
		TEST(steps_are_partitions_with_checks_behind),
		TEST(checks_that_failed_run_again),
		TEST(plans_are_printed_for_people_and_programs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
