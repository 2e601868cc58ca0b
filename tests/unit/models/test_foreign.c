/* Projects as dbt's users bring them: what is in the way is named with its place, the rest compiles. */
#include "project_files.h"

static void assert_supported(const char *name)
{
	error_clear(&err);
	if (!project_supports(project, node(name), &err))
		fail_msg("%s: %s", name, err.text);
}

static void assert_unsupported(const char *name, const char *expected)
{
	error_clear(&err);
	if (project_supports(project, node(name), &err))
		fail_msg("%s is supported, expected: %s", name, expected);
	if (strncmp(err.text, expected, strlen(expected)) != 0)
		fail_msg("%s: %s, expected %s", name, err.text, expected);
}

static void what_is_in_the_way_is_named_with_its_place(void **state)
{
	(void)state;
	put("dbt_project.yml",
		"name: p\nmodels:\n  p:\n    odd:\n      +materialized: distributed_table\n");
	put("models/odd/o.sql", "select 1");
	put("models/s.sql", "select 1 as a\n{{ config(materialized='incremental', "
			    "incremental_strategy='upsert') }}");
	put("models/v.sql", "select\n\t* from {{ ref('s', v=2) }}");
	put("models/e.sql", "select 1\n{% include 'x.sql' %}");
	put("models/m.py", "def model(dbt, session): pass");
	put("models/fine.sql",
		"{{ config(materialized='incremental', incremental_strategy='merge') }}1");
	load();
	assert_unsupported("o", "dbt_project.yml:5: materialized: 'distributed_table'");
	assert_unsupported("s", "models/s.sql:2: incremental_strategy: 'upsert'");
	assert_unsupported("v", "models/v.sql:2:12: versions of models");
	assert_unsupported("e", "models/e.sql:2:");
	assert_unsupported("m", "models/m.py: a model in Python");
	assert_supported("fine");
}

static void what_asks_the_warehouse_counts_as_supported(void **state)
{
	(void)state;
	put("models/a.sql", "select 1");
	put("models/q.sql", "{% for row in run_query('select 1') %}{{ row[0] }}{% endfor %}");
	put("models/c.sql",
		"{% for c in adapter.get_columns_in_relation(ref('a')) %}{{ c.name }}{% "
		"endfor %}");
	put("models/p.sql",
		"{{ config(materialized='incremental', batch_size='day', event_time='t', "
		"begin='2026-01-01') }}{{ partition.start }}");
	load();
	assert_supported("q");
	assert_supported("c");
	assert_supported("p");
	assert_problem("q", "models/q.sql:1:15: run_query() asks the warehouse while the template "
			    "renders; nobody is asked here");
}

static void variables_are_templates_themselves(void **state)
{
	(void)state;
	put("dbt_project.yml",
		"name: p\nvars:\n  a: \"{{ 'x' if target.name == 'prod' else 'y' }}\"\n"
		"  b: \"{{ var('a') }}!\"\n  c: \"{{ var('d') }}\"\n  d: \"{{ var('c') }}\"\n");
	put("models/m.sql", "{{ var('a') }} {{ var('b') }}");
	put("models/n.sql", "{{ var('c') }}");
	load();
	assert_compiles("m", "x x!");
	assert_problem(
		"n", "models/n.sql:1:4: var('c'): variables speak of each other in a circle");
}

static void a_test_of_what_is_disabled_is_disabled(void **state)
{
	(void)state;
	put("models/a.sql", "{{ config(enabled=false) }}select 1");
	put("models/b.sql", "select 1");
	put("models/y.yml", "models:\n  - name: a\n    columns: [{name: id, tests: [unique]}]\n"
			    "  - name: b\n    columns: [{name: id, tests: [{relationships: {to: "
			    "ref('a'), field: id}}, not_null]}]\n");
	load();
	assert_int_equal(project_nodes(project)->len, 2);
	assert_non_null(node("not_null_b_id"));
}

static void sql_is_said_as_the_warehouse_says_it(void **state)
{
	static const struct {
		const char *call, *sql;
	} cases[] = {
		{"dbt.type_string()", "String"},
		{"type_timestamp()", "DateTime"},
		{"dbt.dateadd('day', -1, 'now()')", "dateAdd(day, -1, now())"},
		{"dbt.datediff('a', 'b', 'month')", "dateDiff('month', a, b)"},
		{"dbt.string_literal(\"it's \\\\\")", "'it''s \\\\'"},
		{"dbt.concat(['a', \"'-'\", 'b'])", "a || '-' || b"},
		{"dbt.split_part('a', \"','\", 1)", "splitByString(',', assumeNotNull(a))[1]"},
		{"dbt.safe_cast('a', 'Int32')", "accurateCastOrNull(a, 'Int32')"},
		{"dbt.array_construct(['1', '2'])", "[1, 2]"},
		{"dbt.array_construct()", "cast([] as Array(Int32))"},
		{"dbt.last_day('d', 'month')",
			"toDate(dateAdd(day, -1, dateAdd(month, 1, date_trunc('month', d))))"},
		{"dbt.listagg('a', \"';'\")", "arrayStringConcat(groupArray(toString(a)), ';')"},
		{"dbt.listagg('a', \"';'\", 'order by b desc', 3)",
			"arrayStringConcat(arraySlice(arrayMap(x -> x.1, arrayReverseSort(x -> "
			"x.2, "
			"groupArray((toString(a), (b))))), 1, 3), ';')"},
		{"api.Column.translate_type('integer')", "Int32"},
		{"dbt_utils.generate_surrogate_key(['a'])",
			"lower(hex(MD5(toString(ifNull(toString(a), "
			"'_dbt_utils_surrogate_key_null_')))))"},
		{"adapter.type()", "clickhouse"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		CLEANUP(free_string) char *text = xasprintf("{{ %s }}", cases[i].call);
		put("models/a.sql", text);
		load();
		assert_compiles("a", cases[i].sql);
	}
}

static void a_project_overrides_what_is_said(void **state)
{
	(void)state;
	put("macros/m.sql",
		"{% macro clickhouse__dateadd(datepart, interval, d) %}mine{% endmacro %}");
	put("models/a.sql", "{{ dbt.dateadd('day', 1, 'x') }}");
	load();
	assert_compiles("a", "mine");
}

static void tests_of_dbt_utils_come_without_it(void **state)
{
	(void)state;
	put("models/a.sql", "select 1");
	put("models/y.yml",
		"models:\n  - name: a\n    tests:\n"
		"      - dbt_utils.unique_combination_of_columns: {combination_of_columns: [x, y], "
		"name: pair}\n"
		"      - expression_is_true: {expression: 'x > 0', name: true_expression}\n"
		"      - row_count: {min_value: 1, max_value: 9, name: rows}\n"
		"      - row_count: {name: neither}\n"
		"      - recency: {field: at, datepart: day, interval: 1, name: recent}\n"
		"    columns:\n      - name: x\n        tests:\n"
		"          - accepted_range: {min_value: 0, max_value: 9, name: inside}\n"
		"          - dbt_utils.accepted_range: {min_value: 0, inclusive: false, name: "
		"above}\n"
		"          - expression_is_true: {expression: '>= 0', name: column_expression}\n"
		"          - not_null_proportion: {at_least: 0.9, group_by_columns: [y], name: "
		"most}\n");
	load();
	assert_compiles("pair",
		"select x, y, count(*) as n_rows\nfrom `analytics`.`a`\ngroup by x, "
		"y\nhaving count(*) > 1");
	assert_compiles("true_expression", "select *\nfrom `analytics`.`a`\nwhere not (x > 0)");
	assert_compiles("column_expression", "select *\nfrom `analytics`.`a`\nwhere not (x >= 0)");
	assert_compiles("inside", "select *\nfrom `analytics`.`a`\nwhere x < 0 or x > 9");
	assert_compiles("above", "select *\nfrom `analytics`.`a`\nwhere x <= 0");
	assert_compiles("rows",
		"select count(*) as n_rows\nfrom `analytics`.`a`\nhaving n_rows < 1 or "
		"n_rows > 9");
	assert_problem("neither", "row_count needs min_value, max_value or both");
	assert_compiles("recent",
		"select max(at) as newest\nfrom `analytics`.`a`\nhaving count(*) = 0 or "
		"ifNull(newest < dateAdd(day, -1, now()), 1)");
	assert_compiles("most",
		"select y, countIf(x is not null) / count(*) as not_null_proportion\n"
		"from `analytics`.`a`\ngroup by y\nhaving count(*) > 0 and "
		"(not_null_proportion < 0.9 or not_null_proportion > 1.0)");
	assert_true(node("inside")->by_rows);
	assert_false(node("rows")->by_rows);
}

static void arguments_of_tests_are_relations_where_they_are_refs(void **state)
{
	(void)state;
	put("macros/t.sql",
		"{% test against(model, to, word) %}{{ to.schema }} {{ to.identifier }} "
		"{{ to is mapping }} {{ word }}{% endtest %}");
	put("models/a.sql", "select 1");
	put("models/y.yml",
		"models:\n  - name: a\n    tests:\n"
		"      - against: {to: ref('a'), word: \"it's {{ 1 + 1 }}\", name: plain}\n"
		"      - against: {to: \"{{ ref('a') }}\", word: x, name: braced}\n"
		"      - against: {to: \"ref('a' b)\", word: x, name: broken}\n");
	load();
	assert_compiles("plain", "analytics a True it's 2");
	assert_compiles("braced", "analytics a True x");
	assert_problem("broken", "models/y.yml:6: test against:1:");
}

static void the_time_is_that_of_the_run(void **state)
{
	(void)state;
	put("models/a.sql",
		"{% set f = '%Y%m%d' %}{{ modules.datetime.datetime.now().strftime(f) == "
		"run_started_at.strftime(f) }} {{ modules.datetime.date.today() | string == "
		"run_started_at.strftime('%Y-%m-%d') }}");
	put("models/b.sql", "{{ modules.re.sub('a', 'b', 'c') }}");
	load();
	assert_compiles("a", "True True");
	assert_problem("b", "models/b.sql:1:12: modules.re is Python's");
}

static void times_are_told_by_the_clocks_of_zones(void **state)
{
	(void)state;
	put("models/a.sql",
		"{% set dt = modules.datetime.datetime %}{% set berlin = "
		"modules.pytz.timezone('Europe/Berlin') %}{% set utc = modules.pytz.utc %}"
		"{% set t = dt(2026, 10, 25, 0, 30, tzinfo=utc).astimezone(berlin) %}"
		"{{ t }}|{{ t + modules.datetime.timedelta(hours=1) }}|"
		"{{ (t + modules.datetime.timedelta(hours=1)).astimezone(berlin) }}|"
		"{{ t.hour }} {{ t.date() }} {{ t.strftime('%H:%M%z %Z') }}|"
		"{{ t == dt(2026, 10, 25, 0, 30, tzinfo=utc) }}|{{ t.replace(hour=0) }}|"
		"{{ t.replace(tzinfo=none) }}|{{ berlin.localize(dt(2026, 3, 29, 12)) }}|"
		"{{ dt(2026, 1, 1).astimezone(modules.pytz.timezone('Asia/Kolkata')).isoformat() "
		"}}|{{ dt(2026, 1, 1).astimezone(modules.pytz.timezone('America/St_Johns')) }}|"
		"{{ berlin }}|{{ t.astimezone() }}|"
		"{{ run_started_at.astimezone(berlin) == run_started_at }}|"
		"{{ dt.now(berlin) == run_started_at }}");
	put("models/b.sql", "{{ modules.pytz.timezone('Europe/Berlim') }}");
	put("models/c.sql", "{{ run_started_at.astimezone('UTC') }}");
	load();
	assert_compiles("a",
		"2026-10-25 02:30:00+02:00|2026-10-25 03:30:00+02:00|2026-10-25 02:30:00+01:00|"
		"2 2026-10-25 02:30+0200 UTC+02:00|True|2026-10-25 00:30:00+02:00|"
		"2026-10-25 02:30:00|2026-03-29 12:00:00+02:00|2026-01-01T05:30:00+05:30|"
		"2025-12-31 20:30:00-03:30|Europe/Berlin|2026-10-25 00:30:00+00:00|True|True");
	assert_problem("b", "Europe/Berlim");
	assert_problem("c", "a time zone is modules.pytz.timezone('Europe/Berlin'), not str");
}

static void dates_are_computed_as_python_does(void **state)
{
	(void)state;
	put("models/a.sql",
		"{% set dt = modules.datetime %}{% set t = dt.datetime(2026, 3, 1, 10, 30) %}"
		"{{ t }}|{{ t - dt.timedelta(days=1, hours=11) }}|{{ dt.date(2024, 2, 28) + "
		"dt.timedelta(2) }}|{{ t - dt.datetime(2026, 2, 27) }}|{{ (t - dt.datetime(2026, "
		"2, "
		"27)).days }}|{{ t.replace(day=5, hour=0) }}|{{ t.weekday() }}|"
		"{{ dt.datetime.strptime('20260102', '%Y%m%d').strftime('%d.%m.%Y') }}|"
		"{{ dt.date.fromisoformat('2026-01-02').isoformat() }}|{{ dt.timedelta(weeks=1) > "
		"dt.timedelta(-8) }}|{{ dt.timedelta(minutes=-1) }}|{{ t < t + dt.timedelta(0, 1) "
		"}}|{{ (dt.datetime.now() - dt.timedelta(hours=2)).date() <= dt.date.today() }}");
	put("models/b.sql", "\n{{ modules.datetime.date(2026, 2, 29) }}");
	put("models/c.sql", "{{ modules.datetime.date(2026, 2, 28) + 1 }}");
	put("models/d.sql", "{{ modules.datetime.timedelta('a') }}");
	load();
	assert_compiles("a",
		"2026-03-01 10:30:00|2026-02-27 23:30:00|2024-03-01|2 days, 10:30:00|2|"
		"2026-03-05 00:30:00|6|02.01.2026|2026-01-02|True|-1 day, 23:59:00|True|True");
	assert_problem("b", "models/b.sql:2:21: day is out of range for month");
	assert_problem("c", "unsupported operand type(s) for +: 'date' and 'int'");
	assert_problem("d", "timedelta() takes numbers");
}

static void relations_are_keys_and_mappings(void **state)
{
	(void)state;
	put("models/b.sql", "select 1");
	put("models/a.sql",
		"{% set d = {ref('b'): 1} %}{{ d[ref('b')] }} {{ ref('b') in d }} {{ this in d }} "
		"{{ ref('b') is mapping }} {{ ref('b').get('metadata', {}).get('type') }} "
		"{{ api.Relation.create(schema='s', identifier='t') }} {{ ref('b').schema }}");
	load();
	assert_compiles("a", "1 True False True ClickHouseRelation `s`.`t` analytics");
}

static void tests_are_called_as_dbt_calls_them(void **state)
{
	(void)state;
	put("macros/t.sql", "{% test big(model) %}{% endtest %}"
			    "{% test least(model, column_name, n, zs, a) %}{% endtest %}");
	put("models/a.sql", "select 1");
	put("models/y.yml",
		"models:\n  - name: a\n    tests: [big]\n    columns:\n      - name: id\n"
		"        tests:\n          - least: {zs: [x > 1, 0.5], n: {k: true}, a: null}\n"
		"          - accepted_values: {values: [a, b], config: {alias: short}}\n"
		"          - accepted_values: {values: [aaaaaaaaaaaaaaaa, bbbbbbbbbbbbbbbb, "
		"cccccccccccccccc]}\n"
		"sources: [{name: raw, tables: [{name: t, columns: [{name: id, tests: "
		"[not_null, dbt_utils.accepted_range: {min_value: 1}]}]}]}]\n");
	load();
	node("big_a_");
	node("least_a_None__id__True__x_1__0_5");
	assert_string_equal(node("accepted_values_a_id__a__b")->alias, "short");
	node("source_not_null_raw_t_id");
	node("dbt_utils_source_accepted_range_raw_t_id__1");
	const char *table = node("accepted_values_a_id__aaaaaaaaaaaaaaaa__bbbbbbbbbbbbbbbb__"
				 "cccccccccccccccc")
				    ->alias;
	assert_int_equal(strlen(table), 47);
	assert_memory_equal(table, "accepted_values_a_id__aaaaaaaa_", 31);
}

static void assert_setting(const struct node *of, const char *key, const char *expected)
{
	assert_true(value_is_text(dict_get_text(of->config, key), expected));
}

static void assert_holds(const char *name, const char *expected)
{
	buf_clear(&sql);
	if (!project_compile(project, node(name), &options, &sql, &err))
		fail_msg("%s: %s", name, err.text);
	if (!strstr(buf_text(&sql), expected))
		fail_msg("%s is %s, expected %s", name, buf_text(&sql), expected);
}

static void freshness_of_a_source_is_a_test_of_it(void **state)
{
	(void)state;
	put("models/y.yml",
		"sources:\n  - name: s\n    loaded_at_field: at\n    freshness: {warn_after: "
		"{count: 12, period: hour}, error_after: {count: 1, period: day}, filter: "
		"x > 1}\n    tables:\n      - name: a\n      - {name: b, freshness: null}\n"
		"      - name: c\n        config: {freshness: {warn_after: {count: 5}, "
		"error_after: null}, loaded_at_field: c.at}\n"
		"      - {name: d, loaded_at_query: 'select max(x) from {{ this }}'}\n"
		"      - {name: e, loaded_at_field: null}\n"
		"      - {name: off, tests: [row_count: {min_value: 1}], config: {enabled: \"{{ "
		"var('used', false) }}\"}}\n");
	load();
	const struct node *a = node("source_freshness_s_a"), *c = node("source_freshness_s_c");
	assert_string_equal(a->test_name, "source_freshness");
	assert_string_equal(a->tested_source->name, "a");
	assert_int_equal(a->severity, SEVERITY_ERROR);
	assert_int_equal(a->line, 6);
	assert_setting(a, "warn_if", "> 43200");
	assert_setting(a, "error_if", "> 86400");
	assert_holds(a->name, "maxOrNull(at)");
	assert_holds(a->name, "(select * from `s`.`a` where x > 1)");
	assert_int_equal(c->severity, SEVERITY_WARN);
	assert_setting(c, "warn_if", "> 18000");
	assert_holds(c->name, "maxOrNull(c.at)");
	assert_holds("source_freshness_s_d", "select max(x) from `s`.`d`");
	assert_null(project_find(project, "source_freshness_s_b"));
	assert_null(project_find(project, "source_freshness_s_e"));
	assert_null(project_find(project, "source_freshness_s_off"));
	assert_null(project_find(project, "source_row_count_s_off_1"));
	assert_true(load_with("{used: true}"));
	node("source_freshness_s_off");
	node("source_row_count_s_off_1");
	put("models/y.yml", "sources:\n  - name: s\n    freshness: {warn_after: {count: 1, period: "
			    "week}}\n    tables: [{name: a}]\n");
	assert_refused("models/y.yml:3: freshness takes warn_after and error_after");
	put("models/y.yml", "sources: [{name: s, tables: [{name: a, loaded_at_field: at, config: "
			    "{loaded_at_query: select 1}}]}]\n");
	assert_refused("models/y.yml:1: loaded_at_field and loaded_at_query say the same twice");
}

static void templates_go_through_the_graph(void **state)
{
	(void)state;
	put("models/y.yml",
		"models:\n  - name: a\n    description: all of it\n    meta: {pii: true}\n"
		"    columns: [{name: id, description: key}]\n"
		"sources: [{name: raw, tables: [{name: t, meta: {x: 1}}]}]\n");
	put("models/a.sql", "select * from {{ source('raw', 't') }}");
	put("models/b.sql", "select * from {{ ref('a') }}");
	put("models/all.sql",
		"{% for n in graph.nodes.values() | selectattr('resource_type', 'equalto', "
		"'model') "
		"| sort(attribute='name') -%}\n"
		"{{ n.name }} {{ n.schema }} {{ n.depends_on.nodes }} {{ n.description }}\n"
		"{% endfor -%}\n"
		"{{ graph.nodes['model.project.a'].columns.id.description if execute }}\n"
		"{% for s in graph.sources.values() -%}\n"
		"{{ s.source_name }}.{{ s.identifier }} {{ s.meta.x }}\n"
		"{%- endfor %}{{ graph.exposures | length }} {{ model.columns }}");
	put("dbt_project.yml", "name: project\n");
	load();
	assert_compiles("all", "a analytics ['source.project.raw.t'] all of it\n"
			       "all analytics [] \n"
			       "b analytics ['model.project.a'] \n"
			       "key\nraw.t 10 {}");
	put("models/all.sql", "{% do graph.nodes.update({'x': 1}) %}");
	load();
	assert_problem("all", "belongs to the project");
}

static void what_a_yml_says_of_a_test_goes_before_its_macro_and_its_folder(void **state)
{
	(void)state;
	put("dbt_project.yml",
		"name: shop\ndata_tests: {shop: {stg: {+limit: 3, +severity: warn}}}");
	put("macros/t.sql",
		"{% test least(model, n) %}{{ config(severity='error', fail_calc='sum(n)', "
		"tags=['own']) }}{{ model }}{% endtest %}");
	put("models/stg/a.sql", "select 1");
	put("models/stg/y.yml", "models:\n  - name: a\n    data_tests:\n"
				"      - least: {arguments: {n: 1}}\n"
				"      - least: {name: mine, arguments: {n: 1}, config: {severity: "
				"warn, tags: [x], "
				"where: \"d > {{ var('d', 4) }}\"}}\n");
	load();
	assert_compiles("mine", "(select * from `analytics`.`a` where d > 4) as tested");
	assert_int_equal(node("mine")->severity, SEVERITY_WARN);
	assert_int_equal(node("mine")->tags.n, 2);
	assert_int_equal(node("least_a_1")->severity, SEVERITY_ERROR);
	assert_true(value_is_text(dict_get_text(node("mine")->config, "fail_calc"), "sum(n)"));
	assert_int_equal(dict_get_text(node("mine")->config, "limit").i, 3);
	assert_int_equal(node("mine")->n_fqn, 3);
	assert_string_equal(node("mine")->fqn[1], "stg");
}

static void a_model_is_told_where_it_is(void **state)
{
	(void)state;
	put("models/stg/a.sql", "{{ model.path }} {{ model.original_file_path }} "
				"{{ model.relation_name }} [{{ this.database }}]");
	put("models/d.sql",
		"{{ config(materialized='dictionary', source_type='clickhouse') }}select 1");
	load();
	assert_compiles("a", "stg/a.sql models/stg/a.sql `analytics`.`a` []");
	assert_unsupported(
		"d", "models/d.sql:1: materialized: 'dictionary' is none that is known here");
	put("macros/m.sql",
		"{% materialization dictionary, adapter='clickhouse' %}{% endmaterialization %}");
	load();
	assert_unsupported("d", "models/d.sql:1: materialized: 'dictionary' is none that is known "
				"here, where the macro of package '");
}

static void a_hook_may_be_a_map(void **state)
{
	(void)state;
	put("dbt_project.yml", "name: shop\nmodels: {+post-hook: {sql: 'select 1', transaction: "
			       "false}}");
	put("models/a.sql", "{{ config(post_hook=[{'sql': 'select 2'}, 'select 3']) }}"
			    "{{ config.get('post_hook') | join(', ') if execute }}");
	load();
	assert_compiles("a", "select 1, select 2, select 3");
}

static void a_yml_configures_a_test_that_is_a_file(void **state)
{
	(void)state;
	put("models/a.sql", "select 1");
	put("tests/none.sql", "select * from {{ ref('a') }}");
	put("tests/y.yml", "data_tests:\n  - {name: none, config: {severity: warn}}\n");
	load();
	assert_int_equal(node("none")->severity, SEVERITY_WARN);
}

static void a_private_model_is_for_its_group(void **state)
{
	(void)state;
	put("models/a.sql", "select 1");
	put("models/b.sql", "select * from {{ ref('a') }}");
	put("models/c.sql", "{{ config(group='sales') }}select * from {{ ref('a') }}");
	put("models/y.yml", "models:\n  - {name: a, access: private, group: finance, data_tests: [{"
			    "row_count: {min_value: 1}}]}\n"
			    "  - {name: b, config: {group: finance}}\n");
	load();
	assert_compiles("b", "select * from `analytics`.`a`");
	assert_problem("c", "models/c.sql:1:45: 'a' is private, and this is not of its group\n"
			    "    1 | {{ config(group='sales') }}select * from {{ ref('a') }}\n"
			    "      |                                             ^");
	assert_null(node("row_count_a_1")->problem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(templates_go_through_the_graph),
		IN_FOLDER(tests_are_called_as_dbt_calls_them),
		IN_FOLDER(freshness_of_a_source_is_a_test_of_it),
		IN_FOLDER(what_is_in_the_way_is_named_with_its_place),
		IN_FOLDER(what_asks_the_warehouse_counts_as_supported),
		IN_FOLDER(variables_are_templates_themselves),
		IN_FOLDER(a_test_of_what_is_disabled_is_disabled),
		IN_FOLDER(sql_is_said_as_the_warehouse_says_it),
		IN_FOLDER(a_project_overrides_what_is_said),
		IN_FOLDER(tests_of_dbt_utils_come_without_it),
		IN_FOLDER(arguments_of_tests_are_relations_where_they_are_refs),
		IN_FOLDER(the_time_is_that_of_the_run),
		IN_FOLDER(times_are_told_by_the_clocks_of_zones),
		IN_FOLDER(dates_are_computed_as_python_does),
		IN_FOLDER(relations_are_keys_and_mappings),
		IN_FOLDER(what_a_yml_says_of_a_test_goes_before_its_macro_and_its_folder),
		IN_FOLDER(a_model_is_told_where_it_is),
		IN_FOLDER(a_hook_may_be_a_map),
		IN_FOLDER(a_yml_configures_a_test_that_is_a_file),
		IN_FOLDER(a_private_model_is_for_its_group),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
