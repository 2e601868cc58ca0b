/* Templates beyond what Jinja2 can be asked: places in errors, limits, hosts, dbt's own tags. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include "models/template/template.h"
#include "template_host.h"

static struct buf out;
static struct error err;

/* Renders into `out`; false with `err`. */
static bool render_within(const char *source, const char *context, const struct limits *limits)
{
	struct test_host host;

	buf_clear(&out);
	error_clear(&err);
	struct template *t = template_parse("models/a.sql", source, strlen(source), &err);
	if (!t)
		return false;
	test_host_init(&host, context, context ? strlen(context) : 0);
	bool ok = template_render(t, &host.host, limits, &out, &err);
	test_host_release(&host);
	template_free(t);
	return ok;
}

static void assert_renders(const char *source, const char *expected)
{
	if (!render_within(source, NULL, NULL))
		fail_msg("%s: %s", source, err.text);
	assert_string_equal(buf_text(&out), expected);
}

static void assert_refused(const char *source, const char *message)
{
	if (render_within(source, NULL, NULL))
		fail_msg("%s gave %s", source, buf_text(&out));
	assert_int_equal(err.kind, ERROR_CONFIG);
	if (!strstr(err.text, message))
		fail_msg("%s: %s, expected %s", source, err.text, message);
}

static void an_error_shows_its_line_and_place(void **state)
{
	(void)state;
	assert_false(render_within("select 1,\n  {{ amount.x }}\nfrom t\n", NULL, NULL));
	assert_string_equal(err.text, "models/a.sql:2:6: 'amount' is undefined\n"
				      "    2 |   {{ amount.x }}\n"
				      "      |      ^");
}

static void a_syntax_error_shows_its_line_and_place(void **state)
{
	(void)state;
	assert_false(render_within("a\n\tb {% if x %}\n", NULL, NULL));
	assert_string_equal(err.text, "models/a.sql:2:7: Unexpected end of template. Jinja was "
				      "looking for the following tags: "
				      "'elif' or 'else' or 'endif'. The innermost block that needs "
				      "to be closed is 'if'. It was "
				      "opened on line 2.\n"
				      "    2 |  b {% if x %}\n"
				      "      |       ^");
}

static void columns_are_counted_in_characters(void **state)
{
	(void)state;
	assert_refused("é😀日 {{ x.y }}", "models/a.sql:1:8: ");
	assert_non_null(strstr(err.text, "\n      |        ^"));
}

static void a_long_line_is_shown_in_part(void **state)
{
	char source[3000];

	(void)state;
	memset(source, 'x', sizeof source);
	strcpy(source + 2000, "{{ a.b }}");
	memset(source + 2009, 'y', 900);
	source[2909] = '\0';
	assert_refused(source, "models/a.sql:1:2004: 'a' is undefined\n    1 | ...xxx");
	assert_non_null(strstr(err.text, "yyy...\n"));
	assert_true(strlen(err.text) < 400);
	/* The caret stands below the name. */
	const char *line = strstr(err.text, "| ...") + 2, *below = strstr(line, "\n      | ") + 9;
	assert_int_equal(line[strcspn(below, "^")], 'a');
}

static void an_error_in_a_macro_names_the_calls(void **state)
{
	(void)state;
	assert_refused("{% macro inner(x) %}{{ x.y.z }}{% endmacro %}\n"
		       "{% macro outer() %}\n{{ inner({}) }}\n{% endmacro %}\n\n{{ outer() }}",
		"models/a.sql:1:26: 'dict object' has no attribute 'y'");
	assert_non_null(strstr(err.text, "\n  in macro inner, called at models/a.sql:3"));
	assert_non_null(strstr(err.text, "\n  in macro outer, called at models/a.sql:6"));
}

static void a_recursion_without_end_is_an_error(void **state)
{
	(void)state;
	assert_refused("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
		"nested more than 1000 deep; does a macro call itself without end?");
}

static void a_loop_without_end_is_an_error(void **state)
{
	static const struct limits few = {.depth = 100, .steps = 10000, .max_bytes = 1 << 20};

	(void)state;
	assert_false(render_within(
		"{% set l = [1] %}{% for x in l %}{% do l.append(x) %}{% endfor %}", NULL, &few));
	assert_non_null(strstr(err.text, "more than 10000 steps; does a loop have no end?"));
	assert_false(
		render_within("{% for a in range(1000) %}{% for b in range(1000) %}{% endfor %}"
			      "{% endfor %}",
			NULL, &few));
	assert_non_null(strstr(err.text, "more than 10000 steps"));
}

static void memory_is_bounded(void **state)
{
	static const struct limits little = {.depth = 100, .steps = 1000000, .max_bytes = 1 << 20};
	static const char *const sources[] = {
		"{{ 'x' * 1000000000000 }}",
		"{{ [0] * 100000000 }}",
		"{{ ('x' * 1000000) | replace('x', 'y' * 1000) }}",
		"{{ range(100000) | join('x' * 1000) }}",
		"{{ 'x' | center(1000000000) }}",
		"{{ '%1000000000d' % 1 }}",
		"{{ '{:1000000000}'.format(1) }}",
		"{{ 'x'.ljust(9000000000000000000) }}",
		"{{ ('a\\n' * 1000) | indent(100000) }}",
		"{% set ns = namespace(s='x') %}{% for i in range(100) %}{% set ns.s = ns.s ~ ns.s "
		"%}{% endfor %}",
		"{% set ns = namespace(l=[1]) %}{% for i in range(100) %}{% set ns.l = ns.l + ns.l "
		"%}{% endfor %}",
		"{% for i in range(100000) %}0123456789012345{% endfor %}",
		"{% set l = [] %}{% for i in range(100) %}{% do l.extend(range(100000)) %}{% "
		"endfor %}",
		"{{ ['x' * 100000] * 1000 }}",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(sources); i++) {
		if (render_within(sources[i], NULL, &little))
			fail_msg("%s was rendered", sources[i]);
		if (!strstr(err.text, "makes more than 1 MiB") && !strstr(err.text, "steps"))
			fail_msg("%s: %s", sources[i], err.text);
	}
}

static void sources_nested_too_deep_are_refused(void **state)
{
	static const char *const parts[] = {
		"(", "[", "{1:", "not ", "-", "a if ", "x|map(", "{% if 1 %}"};
	char source[40000];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		strcpy(source, parts[i][0] == '{' && parts[i][1] == '%' ? "" : "{{ ");
		for (size_t k = 0; k < 2000; k++)
			strcat(source, parts[i]);
		assert_false(render_within(source, NULL, NULL));
		assert_int_equal(err.kind, ERROR_CONFIG);
	}
}

static void a_long_chain_of_operators_ends_in_an_error_at_worst(void **state)
{
	struct buf source;

	(void)state;
	buf_init(&source, 1 << 20);
	buf_puts(&source, "{{ 1");
	for (int i = 0; i < 50000; i++)
		buf_puts(&source, "+1");
	buf_puts(&source, " }}");
	assert_refused(buf_text(&source), "nested more than 1000 deep");
	buf_clear(&source);
	buf_puts(&source, "{{ 1");
	for (int i = 0; i < 50000; i++)
		buf_puts(&source, "~1");
	buf_puts(&source, " }}");
	assert_true(render_within(buf_text(&source), NULL, NULL));
	assert_int_equal(out.len, 50001);
	buf_release(&source);
}

static void every_kind_of_newline_is_one(void **state)
{
	(void)state;
	assert_renders("a\r\nb\rc\n", "a\nb\nc");
	assert_refused("a\r\nb\r\n{{ x.y }}", "models/a.sql:3:4: ");
}

static void what_is_not_utf8_is_refused(void **state)
{
	(void)state;
	assert_refused("a \xff b", "models/a.sql: is not UTF-8");
	assert_refused("{{ '\\ud800' }}", "illegal Unicode character");
}

static void blocks_of_dbt_are_macros(void **state)
{
	static const char source[] =
		"{% macro a(x: string, y: list[int] = []) %}{{ x }}{% endmacro %}\n"
		"{% test positive(model, column_name) %}select 1{% endtest %}\n"
		"{% data_test other(model) %}{% enddata_test %}\n"
		"{% materialization m, adapter='clickhouse', supported_languages=['sql'] %}{% "
		"endmaterialization %}\n"
		"{% materialization n, default %}{% endmaterialization %}\n"
		"{% snapshot s %}select * from t{% endsnapshot %}\n"
		"{% if true %}{% macro hidden() %}{% endmacro %}{% endif %}";
	static const struct {
		const char *name;
		enum macro_kind kind;
	} expected[] = {
		{"a", MACRO_PLAIN},
		{"test_positive", MACRO_TEST},
		{"test_other", MACRO_TEST},
		{"materialization_m_clickhouse", MACRO_MATERIALIZATION},
		{"materialization_n_default", MACRO_MATERIALIZATION},
		{"snapshot_s", MACRO_SNAPSHOT},
	};
	struct template *t = template_parse("macros/a.sql", source, strlen(source), &err);
	const struct macro *m = NULL;

	(void)state;
	assert_non_null(t);
	for (size_t i = 0; i < COUNT_OF(expected); i++) {
		m = template_next_macro(t, m);
		assert_non_null(m);
		assert_string_equal(macro_name(m), expected[i].name);
		assert_int_equal(macro_kind(m), expected[i].kind);
	}
	assert_null(template_next_macro(t, m));
	template_free(t);
}

/* A host whose globals are the macros of another template. */
struct library {
	struct host host;
	struct template *macros;
};

static bool from_library(struct host *h, struct render *r, const char *name, struct value *value)
{
	struct library *library = (struct library *)h;

	for (const struct macro *m = NULL; (m = template_next_macro(library->macros, m));) {
		if (strcmp(macro_name(m), name))
			continue;
		*value = macro_value(r, m);
		return true;
	}
	return false;
}

static void macros_of_other_files_see_the_host_alone(void **state)
{
	static const char macros[] =
		"{% set hidden = 1 %}{% macro a(x) %}{{ b(x) }}[{{ local }}][{{ hidden }}]"
		"{% endmacro %}\n{% macro b(x) %}{{ x.y.z }}{% endmacro %}";
	static const char model[] = "{% set local = 5 %}{{ a({'y': {'z': 7}}) }}";
	struct library library = {.host.global = from_library};
	struct template *t = template_parse("models/m.sql", model, strlen(model), &err);

	(void)state;
	library.macros = template_parse("macros/lib.sql", macros, strlen(macros), &err);
	buf_clear(&out);
	assert_true(template_render(t, &library.host, NULL, &out, &err));
	assert_string_equal(buf_text(&out), "7[][]");
	template_free(t);
	t = template_parse("models/m.sql", "\n{{ a({}) }}", 12, &err);
	assert_false(template_render(t, &library.host, NULL, &out, &err));
	assert_non_null(strstr(err.text, "macros/lib.sql:2:"));
	assert_non_null(strstr(err.text, "in macro b, called at macros/lib.sql:1"));
	assert_non_null(strstr(err.text, "in macro a, called at models/m.sql:2"));
	template_free(t);
	template_free(library.macros);
}

static bool frozen_global(struct host *h, struct render *r, const char *name, struct value *value)
{
	(void)h;
	if (strcmp(name, "config"))
		return false;
	*value = value_dict(dict_new(render_arena(r)));
	struct list *list = list_new(render_arena(r), 0);
	list_append(render_arena(r), list, value_int(1));
	dict_put_text(render_arena(r), value->dict, "l", value_list(list));
	value_freeze(*value);
	return true;
}

static void what_the_project_owns_cannot_be_changed(void **state)
{
	static const char *const sources[] = {"{% do config.update({'a': 1}) %}",
		"{% do config.l.append(2) %}", "{% do config.pop('l') %}",
		"{% do config.l.sort() %}", "{% do config.setdefault('x', 1) %}",
		"{% do config.clear() %}"};
	struct host host = {.global = frozen_global};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(sources); i++) {
		struct template *t = template_parse("m", sources[i], strlen(sources[i]), &err);
		assert_false(template_render(t, &host, NULL, &out, &err));
		assert_non_null(strstr(err.text, "belongs to the project"));
		template_free(t);
	}
	static const char copies[] =
		"{% set c = dict(config) %}{% do c.update({'a': 1}) %}{{ c }}"
		"{% set l = config.l | list %}{% do l.append(2) %}{{ l }}{{ config }}";
	struct template *t = template_parse("m", copies, strlen(copies), &err);
	buf_clear(&out);
	assert_true(template_render(t, &host, NULL, &out, &err));
	assert_string_equal(buf_text(&out), "{'l': [1], 'a': 1}[1, 2]{'l': [1]}");
	template_free(t);
}

static void arguments_are_checked_by_signature(void **state)
{
	(void)state;
	assert_refused("{{ ref() }}", "ref() missing required argument 'name'");
	assert_refused("{{ ref(1) }}", "ref() wants str as 'name', not int");
	assert_refused(
		"{{ ref('a', 'b', 'c') }}", "ref() takes at most 2 arguments but 3 were given");
	assert_refused(
		"{{ ref('a', nope='b') }}", "ref() got an unexpected keyword argument 'nope'");
	assert_refused("{{ ref('a', name='b') }}", "ref() got multiple values for argument 'name'");
	assert_refused("{{ ref(x) }}", "'x' is undefined");
	assert_refused("{{ dict(a=1, a=2) }}", "keyword argument repeated: a");
	assert_renders("{{ ref(other='b', name='a') }}", "a.b");
}

static void json_is_read_and_written(void **state)
{
	static const char json[] = "[1, -2.5, \"\\u00e9\", null, {\"b\": true, \"a\": []}]";
	struct arena arena;
	struct value v;

	(void)state;
	arena_init(&arena);
	assert_true(json_value(&arena, json, strlen(json), &v));
	assert_int_equal(v.list->len, 5);
	assert_int_equal(v.list->items[4].dict->len, 2);
	assert_false(json_value(&arena, "[1,", 3, &v));
	arena_release(&arena);
	assert_true(render_within("{{ v | tojson }}{{ v }}",
		"{\"v\": [1, -2.5, \"\\u00e9\", null, {\"b\": true}]}", NULL));
	assert_string_equal(buf_text(&out),
		"[1, -2.5, \"\\u00e9\", null, {\"b\": true}][1, -2.5, 'é', None, {'b': True}]");
}

static int open_out(void **state)
{
	(void)state;
	buf_init(&out, BUF_MAX);
	return 0;
}

static int close_out(void **state)
{
	(void)state;
	buf_release(&out);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_error_shows_its_line_and_place),
		cmocka_unit_test(a_syntax_error_shows_its_line_and_place),
		cmocka_unit_test(columns_are_counted_in_characters),
		cmocka_unit_test(a_long_line_is_shown_in_part),
		cmocka_unit_test(an_error_in_a_macro_names_the_calls),
		cmocka_unit_test(a_recursion_without_end_is_an_error),
		cmocka_unit_test(a_loop_without_end_is_an_error),
		cmocka_unit_test(memory_is_bounded),
		cmocka_unit_test(sources_nested_too_deep_are_refused),
		cmocka_unit_test(a_long_chain_of_operators_ends_in_an_error_at_worst),
		cmocka_unit_test(every_kind_of_newline_is_one),
		cmocka_unit_test(what_is_not_utf8_is_refused),
		cmocka_unit_test(blocks_of_dbt_are_macros),
		cmocka_unit_test(macros_of_other_files_see_the_host_alone),
		cmocka_unit_test(what_the_project_owns_cannot_be_changed),
		cmocka_unit_test(arguments_are_checked_by_signature),
		cmocka_unit_test(json_is_read_and_written),
	};
	return cmocka_run_group_tests(tests, open_out, close_out);
}
