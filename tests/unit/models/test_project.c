/* Projects: read and compiled. */
#include "project_files.h"
#include "models/template/call.h"

static void refs_and_streams_are_resolved(void **state)
{
	(void)state;
	put("models/stg.sql", "select * from {{ source('shop', 'orders') }}\n");
	put("models/a/mart.sql", "select * from {{ ref('stg') }}, {{ ref('seeded') }}, {{ this }}");
	put("seeds/seeded.csv", "id\n1\n");
	load();
	assert_compiles("stg", "select * from `lake`.`orders`");
	assert_compiles("mart",
		"select * from `analytics`.`stg`, `analytics`.`seeded`, `analytics`.`mart`");
	assert_compiles("models/a/mart.sql",
		"select * from `analytics`.`stg`, `analytics`.`seeded`, `analytics`.`mart`");
	assert_int_equal(node("mart")->parents.len, 2);
	assert_string_equal(node("stg")->sources.items[0]->stream->name, "shop");
}

static void parents_come_before_children(void **state)
{
	size_t seen = 0;

	(void)state;
	put("models/a.sql", "select * from {{ ref('b') }}");
	put("models/b.sql", "select * from {{ ref('c') }}");
	put("models/c.sql", "select 1");
	load();
	vec_each (project_nodes(project), it)
		assert_string_equal((*it)->name, ((const char *[]){"c", "b", "a"})[seen++]);
}

static void tables_that_a_stream_does_not_take_are_errors(void **state)
{
	(void)state;
	put("models/ok.sql", "{{ source('shop', 'sales_items') }} {{ source('shop', 'short') }} "
			     "{{ source('shop', 'orders_log') }}");
	put("models/no.sql", "\n  {{ source('shop', 'secret') }}");
	put("models/near.sql", "{{ source('shp', 'orders') }}");
	load();
	assert_compiles("ok", "`lake`.`sales_items` `lake`.`short` `lake`.`orders_log`");
	assert_problem("no",
		"models/no.sql:2:6: stream 'shop' takes no table that would be called 'secret'");
	assert_problem("near", "did you mean 'shop'?");
}

static void sources_of_yml_go_before_streams(void **state)
{
	(void)state;
	put("models/s.yml", "sources:\n  - name: shop\n    schema: \"{{ target.schema }}_raw\"\n"
			    "    tables: [{name: orders, identifier: o_v2}]\n");
	put("models/a.sql", "{{ source('shop', 'orders') }} {{ source('shop', 'items') }}");
	put("models/b.sql", "{{ source('erp', 'lines') }}");
	put("models/e.yml", "sources: [{name: erp, tables: [{name: heads}]}]\n");
	load();
	assert_compiles("a", "`analytics_raw`.`o_v2` `lake`.`items`");
	assert_problem("b",
		"models/b.sql:1:4: there is no source 'erp' with a table 'lines': the yml that "
		"declares the source does not have it, nor is there a stream of that name");
}

static void a_yml_that_names_a_stream_and_no_schema_speaks_of_its_tables(void **state)
{
	(void)state;
	put("models/s.yml", "sources:\n  - name: shop\n"
			    "    tables: [{name: orders, config: {event_time: at}}]\n");
	put("models/a.sql", "{{ source('shop', 'orders') }}");
	load();
	assert_compiles("a", "`lake`.`orders`");
	assert_string_equal(node("a")->sources.items[0]->stream->name, "shop");
	assert_string_equal(node("a")->sources.items[0]->event_time, "at");
}

static void configuration_goes_from_the_folder_to_the_file(void **state)
{
	(void)state;
	put("dbt_project.yml", "name: p\nmodels:\n  p:\n    +materialized: view\n    +tags: [all]\n"
			       "    deep:\n      +materialized: table\n      +meta: {a: 1}\n"
			       "      +schema: \"{{ 'x' if target.name == 'prod' else 'y' }}\"\n");
	put("models/deep/a.sql",
		"{{ config(tags='mine', meta={'b': 2}, order_by=['id']) }}select 1");
	put("models/deep/b.sql",
		"{{ config(materialized='incremental', schema=none, alias='other') }}select 2");
	put("models/c.sql",
		"select '{{ config.get('materialized') }} {{ config.get('nope', 'd') }}'");
	put("models/y.yml", "models:\n  - name: a\n    config: {materialized: ephemeral}\n");
	load();
	assert_int_equal(node("a")->materialization, MATERIALIZED_EPHEMERAL);
	assert_int_equal(node("b")->materialization, MATERIALIZED_INCREMENTAL);
	assert_int_equal(node("c")->materialization, MATERIALIZED_VIEW);
	assert_string_equal(node("a")->database, "analytics_x");
	assert_string_equal(node("b")->database, "analytics");
	assert_string_equal(node("b")->alias, "other");
	assert_int_equal(dict_get_text(node("a")->config, "tags").list->len, 2);
	assert_int_equal(dict_get_text(node("a")->config, "meta").dict->len, 2);
	assert_compiles("c", "select 'view d'");
}

static void ephemeral_models_become_common_table_expressions(void **state)
{
	(void)state;
	put("models/e1.sql", "{{ config(materialized='ephemeral') }}select 1");
	put("models/e2.sql", "{{ config(materialized='ephemeral') }}select * from {{ ref('e1') }}");
	put("models/plain.sql", "-- a note\nselect * from {{ ref('e2') }}");
	put("models/own.sql", "/* a */ WITH x as (select 1) select * from x, {{ ref('e1') }}");
	load();
	assert_compiles("plain",
		"-- a note\nwith `__dbt__cte__e1` as (\nselect 1\n), `__dbt__cte__e2` as (\n"
		"select * from `__dbt__cte__e1`\n)\nselect * from `__dbt__cte__e2`");
	assert_compiles("own",
		"/* a */ WITH `__dbt__cte__e1` as (\nselect 1\n), x as (select 1) select * from x, "
		"`__dbt__cte__e1`");
}

static void incremental_models_know_which_run_it_is(void **state)
{
	(void)state;
	put("models/i.sql", "{{ config(materialized='incremental') }}a{% if is_incremental() %} "
			    "where{% endif %}");
	put("models/t.sql", "b{% if is_incremental() %} where{% endif %}");
	load();
	assert_compiles("i", "a");
	options.incremental = true;
	assert_compiles("i", "a where");
	assert_compiles("t", "b");
}

static void variables_come_from_the_run_then_the_project(void **state)
{
	(void)state;
	put("dbt_project.yml", "name: p\nvars:\n  a: 1\n  b: [x, y]\n  p: {a: 2}\n");
	put("models/v.sql",
		"{{ var('a') }} {{ var('b') | join }} {{ var('c', 'd') }} {{ var.has_var('c') }}");
	put("models/no.sql", "{{ var('nope') }}");
	load();
	assert_compiles("v", "2 xy d False");
	assert_problem("no", "models/no.sql:1:4: there is no variable 'nope'");
	assert_true(load_with("{a: 5, c: six}"));
	assert_compiles("v", "5 xy six True");
	assert_false(load_with("[1]"));
	assert_non_null(strstr(err.text, "--vars takes a map"));
}

static void macros_are_found_by_package_and_adapter(void **state)
{
	(void)state;
	put("dbt_project.yml", "name: root\n");
	put("macros/m.sql", "{% macro local() %}local{% endmacro %}"
			    "{% macro clickhouse__pick() %}root's{% endmacro %}");
	put("dbt_packages/util/dbt_project.yml", "name: util\n");
	put("dbt_packages/util/macros/u.sql",
		"{% macro star() %}*{% endmacro %}"
		"{% macro pick() %}{{ return(adapter.dispatch('pick', 'util')()) }}{% endmacro %}"
		"{% macro default__pick() %}default{% endmacro %}"
		"{% macro other() %}{{ adapter.dispatch('other', 'util')() }}{% endmacro %}"
		"{% macro default__other() %}{{ util.star() }}{% endmacro %}"
		"{% macro none() %}{{ adapter.dispatch('nope', 'util')() }}{% endmacro %}");
	put("dbt_packages/util/models/packaged.sql", "select 1");
	put("models/a.sql", "{{ local() }} {{ util.star() }} {{ util.pick() }} {{ util.other() }} "
			    "{{ ref('util', 'packaged') }}");
	put("models/no.sql", "{{ util.none() }}");
	put("models/unknown.sql", "{{ util.nope() }}");
	load();
	assert_compiles("a", "local * root's * `analytics`.`packaged`");
	assert_problem(
		"no", "there is no macro clickhouse__nope nor default__nope in package util");
	assert_problem("unknown", "'package object' has no attribute 'nope'");
}

static void a_project_says_itself_where_models_go(void **state)
{
	(void)state;
	put("macros/g.sql",
		"{% macro generate_schema_name(custom, node) %} {{ custom or 'base' }} {% endmacro "
		"%}"
		"{% macro generate_alias_name(custom, node) %}v_{{ node.name }}{% endmacro %}");
	put("models/a.sql", "{{ config(schema='gold') }}{{ this }}");
	put("models/b.sql", "{{ ref('a') }} {{ this }}");
	load();
	assert_compiles("b", "`gold`.`v_a` `base`.`v_b`");
}

static void tests_of_yml_become_queries(void **state)
{
	(void)state;
	put("macros/t.sql", "{% test least(model, column_name, n) %}{{ model }} {{ column_name }} "
			    "{{ n }}{% endtest %}");
	put("models/a.sql", "select 1");
	put("models/b.sql", "select 1");
	put("models/y.yml", "models:\n  - name: a\n    columns:\n      - name: id\n        "
			    "tests:\n          - not_null\n"
			    "          - least: {n: 5, config: {where: 'x > 1', severity: warn}}\n"
			    "          - accepted_values: {values: [\"it's\", b], name: named}\n"
			    "          - relationships: {to: ref('b'), field: key}\n"
			    "          - unknown_test\n");
	load();
	assert_compiles("not_null_a_id", "select *\nfrom `analytics`.`a`\nwhere id is null");
	assert_compiles(
		"least_a_id__5", "(select * from `analytics`.`a` where x > 1) as tested id 5");
	assert_compiles("named",
		"select id as value_field, count(*) as n_records\nfrom `analytics`.`a`\n"
		"where id not in ('it''s', 'b')\ngroup by id");
	assert_true(
		value_is_text(dict_get_text(node("least_a_id__5")->config, "severity"), "warn"));
	assert_problem("unknown_test_a_id", "models/y.yml:10: there is no test 'unknown_test'");
	assert_int_equal(node("relationships_a_id__key__ref_b_")->parents.len, 2);
	assert_int_equal(node("not_null_a_id")->line, 6);
}

static void snapshots_are_blocks_or_yml(void **state)
{
	(void)state;
	put("models/a.sql", "select 1");
	put("snapshots/s.sql", "{% snapshot one %}{{ config(target_schema='snap', unique_key='id') "
			       "}}select * from {{ ref('a') }}"
			       "{% endsnapshot %}\n{% snapshot two %}select 2{% endsnapshot %}");
	put("snapshots/y.yml", "snapshots:\n  - name: three\n    relation: ref('a')\n    config: "
			       "{unique_key: id}\n");
	put("models/b.sql", "{{ ref('one') }} {{ ref('three') }}");
	load();
	assert_compiles("one", "select * from `analytics`.`a`");
	assert_compiles("two", "select 2");
	assert_compiles("three", "select * from `analytics`.`a`");
	assert_compiles("b", "`snap`.`one` `analytics`.`three`");
}

static void one_broken_file_keeps_no_other_from_compiling(void **state)
{
	(void)state;
	put("models/good.sql", "select 1");
	put("models/syntax.sql", "select\n{% if %}");
	put("models/unknown.sql", "--\n{{ ref('goood') }}");
	put("macros/m.sql", "{% macro take(name) %}\n{{ ref(name) }}{% endmacro %}");
	put("models/by_macro.sql", "{{ take('b') }}");
	put("models/y.yml",
		"models:\n  - name: good\n    columns:\n      - name: x\n        tests: "
		"[relationships: {to: ref('gone'), field: x, name: related}]");
	put("models/python.py", "def model(dbt, session): pass");
	put("models/late.sql", "{% if execute %}{{ ref('good') }}{% endif %}");
	put("models/asks.sql",
		"{% if execute %}{% set r = run_query('select 1') %}{% endif %}{{ modules }}");
	put("models/off.sql", "{{ config(enabled=false) }}{{ ref('nowhere') }}");
	put("models/on_off.sql", "{{ ref('off') }}");
	load();
	assert_compiles("good", "select 1");
	assert_problem("syntax", "models/syntax.sql:2:7: Expected an expression");
	assert_problem("unknown", "models/unknown.sql:2:4: there is no model, seed or snapshot "
				  "'goood'; did you mean 'good'?\n"
				  "    2 | {{ ref('goood') }}\n"
				  "      |    ^");
	assert_problem("by_macro", "macros/m.sql:2:4: there is no model, seed or snapshot 'b'\n"
				   "    2 | {{ ref(name) }}{% endmacro %}\n"
				   "      |    ^\n"
				   "  in macro take, called at models/by_macro.sql:1");
	assert_problem("related", "models/y.yml:5: there is no model, seed or snapshot 'gone'");
	assert_problem("python", "a model in Python");
	assert_problem("late", "-- depends_on: {{ ref('good') }}");
	assert_problem("asks", "run_query() asks the warehouse");
	assert_problem("on_off", "'off', it is disabled");
	assert_int_equal(project_nodes(project)->len, 9);
}

static void an_integer_beyond_64_bits_stops_only_who_uses_it(void **state)
{
	(void)state;
	put("macros/m.sql", "{% macro big() %}{{ 18446744073709551616 }}{% endmacro %}"
			    "{% macro small() %}{{ 9223372036854775807 }}{% endmacro %}");
	put("models/good.sql", "select {{ small() }}{{ 0x8000000000000000 if false }}");
	put("models/wrong.sql", "select {{ big() }}");
	load();
	assert_compiles("good", "select 9223372036854775807");
	assert_problem(
		"wrong", "macros/m.sql:1:21: integers have 64 bits here: this one does not fit");
}

static void circles_are_named_in_full(void **state)
{
	(void)state;
	put("models/a.sql", "{{ ref('c') }}");
	put("models/b.sql", "\n {{ ref('a') }}{{ ref('a') }}");
	put("macros/m.sql", "{% macro b() %}\n{{ ref('b') }}{% endmacro %}");
	put("models/c.sql", "{{ b() }}");
	put("models/before.sql", "{{ ref('c') }}");
	assert_refused("models stand on each other in a circle: a <- c <- b <- a\n"
		       "  models/a.sql:1:4: ref('c')\n"
		       "  macros/m.sql:2:4: ref('b')\n"
		       "  models/b.sql:2:5: ref('a')");
	put("models/a.sql", "{{ ref('a') }}");
	assert_refused("a <- a");
}

static void two_models_of_one_name_are_refused(void **state)
{
	(void)state;
	put("models/x/a.sql", "select 1");
	put("models/y/a.sql", "select 2");
	assert_refused("models/x/a.sql and models/y/a.sql are both called 'a'");
	put("models/y/a.sql", "{{ config(enabled=false) }}select 2");
	load();
	assert_compiles("a", "select 1");
}

static void two_models_that_become_one_table_are_refused(void **state)
{
	(void)state;
	put("models/a.sql", "select 1");
	put("models/b.sql", "{{ config(alias='a') }}select 2");
	assert_refused("models/a.sql and models/b.sql both become analytics.a; give one of them "
		       "another alias or schema");
	put("models/b.sql", "{{ config(alias='a', schema='other') }}select 2");
	load();
	put("models/b.sql", "{{ config(alias='a', materialized='ephemeral') }}select 2");
	load();
}

static void a_test_that_cannot_be_rendered_stands_on_its_model(void **state)
{
	(void)state;
	put("models/a.sql", "select 1 as id");
	put("models/a.yml", "models:\n  - name: a\n    columns:\n      - name: id\n"
			    "        tests: [no_such_test]\n");
	load();
	const struct node *test = project_find(project, "no_such_test_a_id");
	assert_non_null(test);
	assert_non_null(test->problem);
	assert_int_equal(test->parents.len, 1);
	assert_string_equal(test->parents.items[0]->name, "a");
}

static void what_as_bool_says_counts_where_an_expression_ends_with_it(void **state)
{
	(void)state;
	put("dbt_project.yml",
		"name: shop\nmodels:\n  shop:\n"
		"    a: {+enabled: \"{{ target.type == 'bigquery' | as_bool() }}\"}\n"
		"    b: {+enabled: \"{{ target.type in ['clickhouse', 'x'] | as_bool }}\"}\n"
		"    c: {+enabled: \"{{ var('on') == 'True' | as_bool }}\"}\n"
		"    d: {+enabled: \"{{ var('on') | as_bool if true else 'no' }}\"}\n"
		"    e: {+enabled: \"{{ (var('on') == 'x') | as_bool }}\"}\n"
		"vars: {on: 'True'}\n");
	for (const char *name = "abcde"; *name; name++) {
		char path[] = "models/?/m_?.sql";
		path[7] = path[11] = *name;
		put(path, "select 1");
	}
	load();
	assert_false(project_find(project, "m_a")->enabled);
	assert_true(project_find(project, "m_b")->enabled);
	assert_true(project_find(project, "m_c")->enabled);
	assert_true(project_find(project, "m_d")->enabled);
	assert_false(project_find(project, "m_e")->enabled);
	put("dbt_project.yml", "models: {+enabled: \"{{ target.type | as_bool }}\"}\n");
	assert_refused("dbt_project.yml:1:1:18: Could not convert value into type 'bool'");
}

static void broken_yml_is_refused_with_its_line(void **state)
{
	(void)state;
	put("models/a.sql", "select 1");
	put("models/y.yml", "models:\n  - description: x\n");
	assert_refused("models/y.yml:2: 'name' is missing");
	put("models/y.yml", "models: [\n");
	assert_refused("models/y.yml:2: ");
}

static void a_wrong_setting_in_a_yml_is_the_problem_of_its_node_alone(void **state)
{
	(void)state;
	put("models/a.sql", "select 1");
	put("models/b.sql", "select 2");
	put("models/c.sql", "select 3");
	put("models/y.yml", "models:\n  - name: a\n    config: {schema: \"{{ x.y }}\"}\n"
			    "  - name: b\n    config:\n      meta: {n: 18446744073709551616}\n"
			    "      query_settings: {most: \"{{ 18446744073709551616 }}\"}\n"
			    "  - name: c\n    columns:\n      - name: x\n        tests:\n"
			    "          - not_null: {name: t, limit: \"{{ 1 / 0 }}\"}\n"
			    "snapshots: [{name: s, relation: \"ref(\"}]\n");
	load();
	assert_problem("a", "models/y.yml:3:1:4: 'x' is undefined");
	assert_problem("b", "models/y.yml:7:1:4: integers have 64 bits here");
	assert_problem("t", "models/y.yml:12:1:");
	assert_problem("s", "models/y.yml:13");
	assert_compiles("c", "select 3");
}

static void assert_setting(const char *test, const char *setting, const char *expected)
{
	struct value v = dict_get_text(node(test)->config, setting);
	struct buf text;

	buf_init(&text, 1 << 16);
	assert_true(value_given(v) && json_print(v, &text, &err));
	assert_string_equal(buf_text(&text), expected);
	buf_release(&text);
}

/* Each of the shapes that dbt reads, from before and after its 1.10. */
static void settings_of_a_test_stand_wherever_dbt_takes_them_from(void **state)
{
	static const char *const shapes[] = {
		"{values: [1], quote: false, severity: warn, limit: 7, where: x > 1}",
		"{values: [1], quote: false, config: {severity: warn, limit: 7, where: x > 1}}",
		"{arguments: {values: [1], quote: false}, "
		"config: {severity: warn, limit: 7, where: x > 1}}",
		"{arguments: {values: [1], quote: false}, severity: warn, limit: 7, where: x > 1}",
		"{arguments: {values: [1], quote: false, "
		"config: {severity: warn, limit: 7, where: x > 1}}}",
		"{arguments: {values: [1], quote: false, severity: warn, limit: 7, where: x > 1}}",
		"{arguments: {values: [1]}, quote: false, config: {severity: warn}, limit: 7, "
		"where: x > 1}",
		"{column_name: x, arguments: {values: [1], quote: false, column_name: x}, "
		"severity: warn, limit: 7, where: x > 1}",
	};
	char text[400];

	(void)state;
	put("models/m.sql", "select 1 as x");
	for (size_t i = 0; i < COUNT_OF(shapes); i++) {
		snprintf(text, sizeof text,
			"models:\n  - name: m\n    columns:\n      - name: x\n"
			"        data_tests:\n          - accepted_values: %s\n",
			shapes[i]);
		put("models/y.yml", text);
		load();
		const struct node *test = NULL;
		vec_each (project_nodes(project), it)
			if ((*it)->kind == NODE_TEST)
				test = *it;
		assert_non_null(test);
		assert_int_equal(test->severity, SEVERITY_WARN);
		assert_setting(test->name, "limit", "7");
		assert_setting(test->name, "where", "\"x > 1\"");
		buf_clear(&sql);
		assert_true(project_compile(project, test, &options, &sql, &err));
		assert_non_null(strstr(buf_text(&sql), "where x > 1"));
		assert_null(strstr(buf_text(&sql), "'1'"));
	}
}

static void other_name(struct buf *out, const char *name)
{
	buf_printf(out, "\"%s\"", name);
}

static void other_time(struct buf *out, int64_t us)
{
	buf_printf(out, "TIME %lld", (long long)us);
}

static void what_a_model_says_to_the_warehouse_is_said_in_the_words_of_its_engine(void **state)
{
	static const struct dialect dialect = {.name = other_name, .time = other_time};
	static const struct engine_ops other = {.kind = "trino", .dialect = &dialect};
	const struct compile_batch batch = {"1970-01-02", 86400000000, 172800000000};

	(void)state;
	engine = &other;
	put("macros/m.sql", "{% macro clickhouse__who() %}ch{% endmacro %}"
			    "{% macro trino__who() %}tr{% endmacro %}");
	put("models/a.sql", "{{ config(event_time='at') }}select 1");
	put("models/b.sql",
		"{{ config(materialized='incremental', incremental_strategy='microbatch', "
		"event_time='at', batch_size='day', begin='1970-01-01') }}"
		"select * from {{ ref('a') }} where {{ adapter.quote('x') }}");
	put("models/c.sql",
		"select * from {{ source('shop', 'orders') }}, {{ this }}, {{ "
		"api.Relation.create(schema='s', identifier='t') }}, {{ api.Column.create('c', "
		"'int').quoted }}, {{ target.type }}, {{ adapter.type() }}, {{ "
		"adapter.dispatch('who')() }}");
	load();
	options.batch = &batch;
	assert_compiles("b",
		"select * from (select * from \"analytics\".\"a\" where \"at\" >= TIME 86400000000 "
		"and \"at\" < TIME 172800000000) where \"x\"");
	options.batch = NULL;
	assert_compiles("c", "select * from \"lake\".\"orders\", \"analytics\".\"c\", "
			     "\"s\".\"t\", \"c\", trino, trino, tr");
}

static void a_yml_of_the_wrong_shape_is_refused_with_its_line(void **state)
{
	static const char *const cases[][2] = {
		{"models: 5\n", "y.yml:1: 'models' takes a list of maps (- name: ...), not "},
		{"models:\n  - a\n", "y.yml:2: 'models' takes a list of maps"},
		{"models:\n  - name: a\n    columns: {a: 1}\n",
			"y.yml:3: 'columns' takes a list of maps"},
		{"models:\n  - name: a\n    columns:\n      - name: b\n        tests: not_null\n",
			"y.yml:5: 'tests' takes a list, not a text"},
		{"models:\n  - name: [a]\n", "y.yml:2: 'name' takes a text, not a list"},
		{"models:\n\t- name: a\n", "y.yml:2: a tab; YAML is indented by spaces"},
		{"models:\n  - name: a\n  - name: a\n",
			"y.yml:3: 'a' is described twice, also at models/y.yml:2"},
		{"sources:\n  - name: s\n    tables:\n      - name: t\n      - name: t\n",
			"y.yml:5: table 's.t' is declared twice, also at models/y.yml:4"},
		{"sources:\n  - name: s\n    tables:\n      - nam: t\n",
			"y.yml:4: a table of a source has no 'name'"},
	};

	(void)state;
	put("models/a.sql", "select 1");
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		put("models/y.yml", cases[i][0]);
		assert_refused(cases[i][1]);
		assert_ptr_equal(err.text, strstr(err.text, "models/y.yml:"));
	}
}

static void a_misspelt_setting_is_a_problem_and_one_of_ones_own_is_not(void **state)
{
	(void)state;
	put("dbt_project.yml", "name: p\nmodels:\n  p:\n    c:\n      +shedule: '@daily'\n");
	put("models/a.sql", "select 1");
	put("models/b.sql", "select 1\n{{ config(materialised='table') }}");
	put("models/c/c.sql", "select 1");
	put("models/d.sql", "select 1");
	put("models/y.yml",
		"version: 2\nmodels:\n  - name: a\n    confidential: 1\n    config:\n"
		"      cluster_by: x\n      our_own_thing: 2\n  - name: d\n    config:\n"
		"      batchsize: day\n");
	load();
	assert_compiles("a", "select 1");
	assert_problem(
		"b", "models/b.sql:2: materialised is no setting; did you mean 'materialized'?");
	assert_problem("c", "dbt_project.yml:5: shedule is no setting; did you mean 'schedule'?");
	assert_problem("d", "models/y.yml:10: batchsize is no setting; did you mean 'batch_size'?");
}

static void a_misspelt_materialization_is_told_as_the_project_is_read(void **state)
{
	(void)state;
	put("dbt_project.yml", "name: p\nmodels:\n  p:\n    c:\n      +materialized: tabel\n");
	put("models/a.sql", "select 1\n{{ config(materialized='incremantal') }}");
	put("models/c/b.sql", "select 1");
	put("models/c/d.sql", "{{ config(enabled=false) }}select 1");
	put("models/c/e.sql", "{{ config(materialized='exec') }}select 1");
	load();
	assert_problem("a", "models/a.sql:2: materialized: 'incremantal' is none that is known "
			    "here; did you mean 'incremental'?");
	assert_problem("b", "dbt_project.yml:5: materialized: 'tabel' is none that is known here; "
			    "did you mean 'table'?");
	assert_compiles("e", "select 1");
}

static void a_folder_that_is_not_there_is_an_error(void **state)
{
	const struct project_options nowhere = {
		.folder = "/nowhere/at/all", .database = "a", .target = "t"};

	(void)state;
	assert_null(project_load(&nowhere, &err));
	assert_string_equal(err.text, "/nowhere/at/all: there is no such folder");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(refs_and_streams_are_resolved),
		IN_FOLDER(a_yml_of_the_wrong_shape_is_refused_with_its_line),
		IN_FOLDER(a_misspelt_setting_is_a_problem_and_one_of_ones_own_is_not),
		IN_FOLDER(a_misspelt_materialization_is_told_as_the_project_is_read),
		IN_FOLDER(what_a_model_says_to_the_warehouse_is_said_in_the_words_of_its_engine),
		IN_FOLDER(parents_come_before_children),
		IN_FOLDER(tables_that_a_stream_does_not_take_are_errors),
		IN_FOLDER(sources_of_yml_go_before_streams),
		IN_FOLDER(a_yml_that_names_a_stream_and_no_schema_speaks_of_its_tables),
		IN_FOLDER(configuration_goes_from_the_folder_to_the_file),
		IN_FOLDER(ephemeral_models_become_common_table_expressions),
		IN_FOLDER(incremental_models_know_which_run_it_is),
		IN_FOLDER(variables_come_from_the_run_then_the_project),
		IN_FOLDER(macros_are_found_by_package_and_adapter),
		IN_FOLDER(a_project_says_itself_where_models_go),
		IN_FOLDER(tests_of_yml_become_queries),
		IN_FOLDER(snapshots_are_blocks_or_yml),
		IN_FOLDER(one_broken_file_keeps_no_other_from_compiling),
		IN_FOLDER(an_integer_beyond_64_bits_stops_only_who_uses_it),
		IN_FOLDER(circles_are_named_in_full),
		IN_FOLDER(two_models_of_one_name_are_refused),
		IN_FOLDER(two_models_that_become_one_table_are_refused),
		IN_FOLDER(a_test_that_cannot_be_rendered_stands_on_its_model),
		IN_FOLDER(what_as_bool_says_counts_where_an_expression_ends_with_it),
		IN_FOLDER(broken_yml_is_refused_with_its_line),
		IN_FOLDER(a_wrong_setting_in_a_yml_is_the_problem_of_its_node_alone),
		IN_FOLDER(settings_of_a_test_stand_wherever_dbt_takes_them_from),
		cmocka_unit_test(a_folder_that_is_not_there_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
