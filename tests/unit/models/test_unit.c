/* Unit tests of models, as a yml says them and as their model sees them. Running them is tested with a warehouse. */
#include "project_files.h"

#define UNIT(test) "models: []\nunit_tests:\n  - name: t\n    model: m\n" test

static void its_model_reads_what_it_gives(void **state)
{
	static const char *const inputs[] = {"select 1 as id", "select 2", "select 3"};

	(void)state;
	put("models/a.sql", "select 1 as id");
	put("models/m.sql",
		"{{ config(materialized='incremental') }}\nwith x as (select 1)\nselect * from "
		"{{ ref('a') }}, {{ source('shop', 'orders') }}, {{ this }}");
	put("models/y.yml", UNIT("    given:\n      - {input: ref('a'), rows: []}\n"
				 "      - {input: \"source('shop', 'orders')\", rows: []}\n"
				 "      - {input: this, rows: []}\n    expect: {rows: []}\n"));
	load();
	assert_compiles("t", "\nwith x as (select 1)\nselect * from `__dbt__cte__a`, "
			     "`__dbt__cte__shop__orders`, `__dbt__cte__m`");
	options.inputs = inputs;
	assert_compiles("t",
		"\nwith `__dbt__cte__a` as (\nselect 1 as id\n), `__dbt__cte__shop__orders` as "
		"(\nselect 2\n), `__dbt__cte__m` as (\nselect 3\n), x as (select 1)\nselect * "
		"from `__dbt__cte__a`, `__dbt__cte__shop__orders`, `__dbt__cte__m`");
	assert_ptr_equal(node("t")->tested, node("m"));
	assert_int_equal(node("m")->parents.len, 1);
}

static void macros_variables_and_the_environment_are_overridden(void **state)
{
	(void)state;
	setenv("UNIT_TEST_HOME", "there", 1);
	put("dbt_project.yml", "name: p\nvars: {a: 1, b: 2}\n");
	put("macros/m.sql",
		"{% macro one(x) %}1{% endmacro %}\n"
		"{% macro outer() %}{{ one() }} {{ is_incremental() }}{% endmacro %}\n");
	put("dbt_packages/q/dbt_project.yml", "name: q\n");
	put("dbt_packages/q/macros/m.sql", "{% macro two() %}2{% endmacro %}");
	put("models/m.sql", "{{ outer() }} {{ one(x=3) }} {{ q.two() }} "
			    "{{ var('a') }} {{ var('b') }} {{ env_var('UNIT_TEST_HOME') }}");
	put("models/y.yml", UNIT("    overrides:\n      macros: {one: 7, dbt.is_incremental: true, "
				 "q.two: [8]}\n"
				 "      vars: {a: 9}\n      env_vars: {UNIT_TEST_HOME: here}\n"
				 "    expect: {rows: []}\n"));
	load();
	assert_compiles("t", "7 True 7 [8] 9 2 here");
	assert_compiles("m", "1 False 1 2 1 2 there");
}

static void what_is_read_and_not_given_is_named(void **state)
{
	(void)state;
	put("models/a.sql", "select 1 as id");
	put("models/m.sql", "select *\nfrom {{ ref('a') }}");
	put("models/n.sql", "select * from {{ source('shop', 'orders') }}");
	put("models/o.sql", "select * from {{ this }}");
	put("models/y.yml", UNIT("    given: []\n    expect: {rows: []}\n"
				 "  - {name: t2, model: n, expect: {rows: []}}\n"
				 "  - {name: t3, model: o, overrides: {macros: {is_incremental: "
				 "true}}, expect: {rows: []}}\n"));
	load();
	assert_problem("t",
		"models/m.sql:2:9: unit test t (models/y.yml:3) gives no rows of ref('a'); "
		"add `- input: ref('a')` to its 'given'");
	assert_problem("t2", "gives no rows of source('shop', 'orders')");
	assert_problem("t3", "gives no rows of this");
}

static void where_it_adds_to_nothing_this_is_a_name_alone(void **state)
{
	(void)state;
	put("models/m.sql", "{{ config(post_hook='optimize table ' ~ this) }}select 1 as id"
			    "{% if is_incremental() %} from {{ this }}{% endif %}");
	put("models/y.yml", UNIT("    given: []\n    expect: {rows: []}\n"));
	load();
	assert_compiles("t", "select 1 as id");
}

static void parents_of_one_name_are_told_apart(void **state)
{
	static const char *const inputs[] = {"1", "2", "3"};

	(void)state;
	put("dbt_packages/q/dbt_project.yml", "name: q\n");
	put("dbt_packages/q/models/a.sql", "{{ config(schema='q') }}select 1 as id");
	put("models/a.sql", "select 1 as id");
	put("models/shop__orders.sql", "select 1 as id");
	put("models/m.sql", "{{ ref('q', 'a') }} {{ ref('shop__orders') }} "
			    "{{ source('shop', 'orders') }}");
	put("models/y.yml", UNIT("    given:\n      - {input: \"ref('q', 'a')\", rows: []}\n"
				 "      - {input: ref('shop__orders'), rows: []}\n"
				 "      - {input: \"source('shop', 'orders')\", rows: []}\n"
				 "    expect: {rows: []}\n"));
	load();
	options.inputs = inputs;
	assert_compiles("t",
		"with `__dbt__cte__a` as (\n1\n), `__dbt__cte__shop__orders` as (\n2\n), "
		"`__dbt__cte__shop__orders_3` as (\n3\n)\n`__dbt__cte__a` "
		"`__dbt__cte__shop__orders` `__dbt__cte__shop__orders_3`");
}

static void what_is_wrong_with_one_is_its_own_problem_with_its_line(void **state)
{
	static const struct {
		const char *yml, *problem;
	} cases[] = {
		{"    expect: {}\n", "models/y.yml:5: unit test t: 'rows' is missing"},
		{"    given: []\n", "models/y.yml:3: unit test t: 'expect' is missing"},
		{"    given: [{input: ref('nope'), rows: []}]\n    expect: {rows: []}\n",
			"models/y.yml:5: unit test t: there is no model, seed or snapshot 'nope'"},
		{"    given: [{input: ref('a')}]\n    expect: {rows: []}\n",
			"models/y.yml:5: unit test t: 'rows' of ref('a') is missing"},
		{"    given: [{input: a, rows: []}]\n    expect: {rows: []}\n",
			"models/y.yml:5: unit test t: input 'a' is none of ref('NAME'), "
			"source('SOURCE', 'TABLE') and "
			"this"},
		{"    given: [{input: \"'a'\", rows: []}]\n    expect: {rows: []}\n",
			"input ''a'' is none of ref('NAME'), source('SOURCE', 'TABLE') and this"},
		{"    given: [{input: ref('a'), rows: []}, {input: ref('a'), rows: []}]\n"
		 "    expect: {rows: []}\n",
			"models/y.yml:5: unit test t: ref('a') is given twice"},
		{"    expect:\n      rows: [1]\n",
			"models/y.yml:6: unit test t: a row is a map of columns "
			"and values, not a number"},
		{"    expect:\n      format: cvs\n      rows: x\n",
			"models/y.yml:6: unit test t: format 'cvs' is none of dict, csv and sql"},
		{"    expect: {format: csv, rows: [{a: 1}]}\n",
			"models/y.yml:5: unit test t: rows of format csv are a text (rows: |), not "
			"a list"},
		{"    expect: {format: csv, fixture: none}\n",
			"models/y.yml:5: unit test t: there is no fixture none.csv below "
			"tests/fixtures"},
		{"    expect: {fixture: f}\n",
			"a fixture in a file needs 'format: csv' or 'format: sql'"},
		{"    expect: {format: csv, fixture: f, rows: a}\n",
			"'rows' and 'fixture' exclude each other"},
		{"    overrides: {vars: [1]}\n    expect: {rows: []}\n",
			"models/y.yml:5: unit test t: overrides of vars are a map, not a list"},
	};

	(void)state;
	put("models/a.sql", "select 1 as id");
	put("models/m.sql", "select 1 as id");
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		CLEANUP(free_string) char *yml = xasprintf(UNIT("%s"), cases[i].yml);
		put("models/y.yml", yml);
		load();
		assert_problem("t", cases[i].problem);
	}
	put("models/y.yml", "unit_tests: [{name: t, model: mm, expect: {rows: []}}]");
	load();
	assert_problem(
		"t", "models/y.yml:1: unit test t: there is no model 'mm'; did you mean 'm'?");
	put("models/y.yml",
		UNIT("    expect: {rows: []}\n  - {name: t, model: m, expect: {rows: []}}\n"));
	assert_refused("models/y.yml:6: model 'm' has another unit test 't', at models/y.yml:3");
	put("models/y.yml", "unit_tests: [{model: m}]");
	assert_refused("models/y.yml:1: a unit test has no 'name'");
}

static void fixtures_are_files_and_no_tests(void **state)
{
	(void)state;
	put("models/m.sql", "select 1 as id");
	put("seeds/s.csv", "id;name\n1;x\n");
	put("tests/fixtures/deep/f.csv", "id\n1\n");
	put("tests/fixtures/g.sql", "select 1 as id");
	put("dbt_project.yml",
		"name: p\nseeds: {p: {+delimiter: ';'}}\nunit_tests: {p: {+tags: [quick]}}\n");
	put("models/y.yml",
		UNIT("    given: [{input: ref('s')}]\n"
		     "    expect: {format: csv, fixture: f}\n"
		     "    config: {tags: [own], meta: {owner: ann}}\n"
		     "  - {name: u, model: m, expect: {format: sql, fixture: g}}\n"
		     "  - {name: off, model: m, expect: {rows: []}, config: {enabled: false}}\n"));
	load();
	assert_null(project_find(project, "g"));
	assert_null(project_find(project, "off"));
	assert_string_equal(node("t")->unit->expect.rows_path, "tests/fixtures/deep/f.csv");
	assert_string_equal(node("u")->unit->expect.rows_path, "tests/fixtures/g.sql");
	assert_string_equal(node("t")->unit->given[0].rows_path, "seeds/s.csv");
	assert_int_equal(node("t")->unit->given[0].delimiter, ';');
	assert_int_equal(node("t")->tags.n, 2);
	assert_compiles("t", "select 1 as id");
}

static void a_model_with_partitions_is_tested_as_its_first(void **state)
{
	(void)state;
	put("models/a.sql", "{{ config(event_time='at') }}select 1 as id");
	put("models/m.sql",
		"{{ config(materialized='incremental', event_time='at', batch_size='day', "
		"begin='2026-11-20') }}{{ partition.key }} {{ ref('a') }}");
	put("models/y.yml",
		UNIT("    given: [{input: ref('a'), rows: []}]\n    expect: {rows: []}\n"));
	load();
	assert_compiles("t", "2026-11-20 `__dbt__cte__a`");
}

static void of_a_disabled_model_they_are_disabled(void **state)
{
	(void)state;
	put("models/a.sql", "{{ config(enabled=false) }}select 1 as id");
	put("models/m.sql", "select 1 as id");
	put("models/y.yml",
		UNIT("    given: [{input: ref('a'), rows: []}]\n    expect: {rows: []}\n"
		     "  - {name: u, model: a, expect: {rows: []}}\n"));
	load();
	assert_null(project_find(project, "u"));
	assert_problem("t", "models/y.yml:5: unit test t: 'a' is disabled");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(its_model_reads_what_it_gives),
		IN_FOLDER(macros_variables_and_the_environment_are_overridden),
		IN_FOLDER(what_is_read_and_not_given_is_named),
		IN_FOLDER(where_it_adds_to_nothing_this_is_a_name_alone),
		IN_FOLDER(parents_of_one_name_are_told_apart),
		IN_FOLDER(what_is_wrong_with_one_is_its_own_problem_with_its_line),
		IN_FOLDER(fixtures_are_files_and_no_tests),
		IN_FOLDER(a_model_with_partitions_is_tested_as_its_first),
		IN_FOLDER(of_a_disabled_model_they_are_disabled),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
