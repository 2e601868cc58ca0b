/* Hooks of runs: on-run-start and on-run-end, of the project and its packages. */
#include "project_files.h"

static void assert_hook(size_t i, const char *name, const char *expected)
{
	const struct node *hook = project_hooks(project)->items[i];

	assert_string_equal(hook->name, name);
	buf_clear(&sql);
	if (!project_compile(project, hook, &options, &sql, &err))
		assert_string_equal(err.text, expected);
	else
		assert_string_equal(buf_text(&sql), expected);
}

static void hooks_of_runs_are_those_of_the_root_and_then_of_packages(void **state)
{
	(void)state;
	put("dbt_project.yml",
		"name: p\nvars: {who: me}\non-run-start: \"{{ hello() }} {{ this }}\"\n"
		"on-run-end:\n  - select '{{ var('who') }}' from {{ ref('m') }}\n"
		"  - |\n    {% for s in schemas %}{{ s }}{% endfor %}{{ nobody }}\n");
	put("models/m.sql", "select 1");
	put("macros/m.sql", "{% macro hello() %}hello from p{% endmacro %}");
	put("dbt_packages/zoo/dbt_project.yml",
		"name: aid\non-run-start: ['{{ hello() }}', 'x']\n");
	put("dbt_packages/zoo/macros/m.sql", "{% macro hello() %}hello from aid{% endmacro %}");
	load();
	assert_int_equal(project_nodes(project)->len, 1);
	assert_int_equal(project_hooks(project)->len, 5);
	assert_hook(0, "p-on-run-start-0", "hello from p None");
	assert_string_equal(project_hooks(project)->items[0]->id, "operation.p.p-on-run-start-0");
	assert_hook(1, "aid-on-run-start-0", "hello from aid");
	assert_hook(2, "aid-on-run-start-1", "x");
	assert_hook(3, "p-on-run-end-0", "select 'me' from `analytics`.`m`");
	assert_hook(4, "p-on-run-end-1", "");
}

static void hooks_at_the_end_of_a_run_see_its_results(void **state)
{
	struct node_results results = {0};

	(void)state;
	put("dbt_project.yml",
		"name: p\non-run-end: \"{% for r in results %}{{ r.node.unique_id }} {{ r.status "
		"}} "
		"{{ r.message }} {{ r.failures }} {{ r.execution_time }};{% endfor %}"
		"{{ schemas }} {{ database_schemas }}\"\n");
	put("models/a.sql", "{{ config(schema='x') }}select 1");
	put("models/b.sql", "select 1");
	put("tests/t.sql", "select 1");
	load();
	assert_hook(0, "p-on-run-end-0", "[] []");
	vec_push(&results, ((struct node_result){node("a"), "success", "made", 0.5, -1, 3, true}));
	vec_push(&results, ((struct node_result){node("b"), "error", "", 0, -1, 0, false}));
	vec_push(&results, ((struct node_result){node("t"), "fail", "2 rows", 0, 2, 0, false}));
	options.results = &results;
	assert_hook(0, "p-on-run-end-0",
		"model.p.a success made None 0.5;model.p.b error None None 0.0;"
		"test.p.t fail 2 rows 2 0.0;['analytics_x'] [('', 'analytics_x')]");
	options.results = NULL;
	vec_release(&results);
}

static void a_hook_of_the_wrong_shape_is_refused_with_its_line(void **state)
{
	(void)state;
	put("dbt_project.yml", "name: p\non-run-end:\n  - select 1\n  - {sql: select 2}\n");
	assert_false(load_with(NULL));
	assert_string_equal(err.text, "dbt_project.yml:4: a hook is an SQL statement, not a map");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(hooks_of_runs_are_those_of_the_root_and_then_of_packages),
		IN_FOLDER(hooks_at_the_end_of_a_run_see_its_results),
		IN_FOLDER(a_hook_of_the_wrong_shape_is_refused_with_its_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
