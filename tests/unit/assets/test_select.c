/* Selectors: what each method, operator and set takes. */
#include "assets/definition.h"
#include "assets/select.h"
#include "graph_files.h"

static struct state *state;

static int open_all(void **unused)
{
	if (open_folder(unused))
		return -1;
	CLEANUP(free_string) char *dir = xasprintf("%s/state", folder);
	state = state_open(dir, &err);
	put("dbt_project.yml", "name: shop_dw\n");
	put("models/staging/stg_orders.sql", "{{ config(tags=['hourly', 'core']) }}"
					     "select * from {{ source('shop', 'orders') }}");
	put("models/staging/stg_items.sql", "select * from {{ source('shop', 'items') }}");
	put("models/marts/facts.sql",
		"{{ config(materialized='table', tags='core', meta={'owner': {'name': 'ann'}}) }}"
		"select * from {{ ref('stg_orders') }}, {{ ref('stg_items') }}");
	put("models/marts/daily.sql",
		"{{ config(materialized='table') }}select * from {{ ref('facts') }}");
	put("models/marts/last.sql", "{{ config(materialized='incremental') }}select * from {{ "
				     "ref('daily') }}, {{ ref('rates') }}");
	put("models/marts/facts.yml",
		"models: [{name: facts, columns: [{name: id, tests: [not_null]}]}]");
	put("seeds/rates.csv", "a\n1\n");
	make();
	return !state;
}

static int close_all(void **unused)
{
	state_close(state);
	return close_graph(unused);
}

static bool has(const struct assets *assets, const char *name)
{
	vec_each (assets, it)
		if (!strcmp((*it)->name, name))
			return true;
	return false;
}

/* In any order. */
static void assert_names(const char *select, const struct assets *out, const char *expected)
{
	size_t n = 0;

	for (const char *end; *expected; expected = end + strspn(end, " "), n++) {
		end = expected + strcspn(expected, " ");
		CLEANUP(free_string) char *name = xstrndup(expected, (size_t)(end - expected));
		if (!has(out, name))
			fail_msg("%s does not select %s", select, name);
	}
	if (n != out->len)
		fail_msg("%s selects %zu, expected %zu", select, out->len, n);
}

static void assert_selected_but(const char *select, const char *exclude, const char *expected)
{
	struct assets out = {0};
	struct selector selector = {&select, select ? 1 : 0, exclude, NULL};
	if (!assets_select(graph, state, &selector, &out, &err))
		fail_msg("%s: %s", select, err.text);
	assert_names(select, &out, expected);
	vec_release(&out);
}

static void assert_selected(const char *select, const char *expected)
{
	assert_selected_but(select, NULL, expected);
}

static void assert_wrong(const char *select, const char *expected)
{
	struct assets out = {0};
	struct selector selector = {&select, 1, NULL, NULL};
	assert_false(assets_select(graph, state, &selector, &out, &err));
	if (!strstr(err.text, expected))
		fail_msg("%s, expected %s", err.text, expected);
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_int_equal(out.len, 0);
}

static void names_globs_and_folders(void **unused)
{
	(void)unused;
	assert_selected("facts", "facts not_null_facts_id");
	assert_selected("model.shop_dw.facts", "facts not_null_facts_id");
	assert_selected("stg_*", "stg_items stg_orders");
	assert_selected("staging", "stg_items stg_orders");
	assert_selected("shop_dw.marts.daily", "daily");
	assert_selected("fqn:marts.d*", "daily");
	assert_selected("models/staging", "stg_items stg_orders");
	assert_selected("models/staging/", "stg_items stg_orders");
	assert_selected("path:models/*/daily.sql", "daily");
	assert_selected("facts.sql", "facts not_null_facts_id");
	assert_selected("rates.csv", "rates");
	assert_selected("file:daily", "daily");
}

static void parents_and_children_by_depth(void **unused)
{
	(void)unused;
	assert_selected("+stg_orders", "shop.orders stg_orders");
	assert_selected("1+facts", "stg_items stg_orders facts not_null_facts_id");
	assert_selected(
		"2+facts", "shop.items shop.orders stg_items stg_orders facts not_null_facts_id");
	assert_selected("facts+1", "facts daily not_null_facts_id");
	assert_selected("stg_items+", "stg_items facts daily last not_null_facts_id");
	assert_selected("1+daily+1", "facts daily last not_null_facts_id");
	assert_selected("@daily", "shop.items shop.orders stg_items stg_orders facts daily rates "
				  "last not_null_facts_id");
	assert_selected("source:shop.items+2", "shop.items stg_items facts not_null_facts_id");
}

static void unions_intersections_and_what_is_left_out(void **unused)
{
	(void)unused;
	assert_selected("facts daily", "facts daily not_null_facts_id");
	assert_selected("+facts,tag:core", "stg_orders facts not_null_facts_id");
	assert_selected("+facts,tag:core rates", "stg_orders facts rates not_null_facts_id");
	assert_selected("tag:hourly,tag:core", "stg_orders");
	assert_selected_but("tag:core", "stg_*", "facts not_null_facts_id");
	assert_selected_but(NULL, "+last test_type:data", "shop.unread");
	assert_selected("stg_items,facts", "");
}

static void methods(void **unused)
{
	(void)unused;
	assert_selected("config.materialized:table", "facts daily not_null_facts_id");
	assert_selected("config.meta.owner.name:a*", "facts not_null_facts_id");
	assert_selected("config.tags:hourly", "stg_orders");
	assert_selected("resource_type:seed", "rates");
	assert_selected("resource_type:test", "not_null_facts_id");
	assert_selected("resource_type:mirror", "shop.items shop.orders shop.unread");
	assert_selected("source:shop", "shop.items shop.orders shop.unread");
	assert_selected("source:shop_dw.shop.items", "shop.items");
	assert_selected("package:this,path:models/staging", "stg_items stg_orders");
	assert_selected("test_type:generic", "not_null_facts_id");
	assert_selected("test_type:singular", "");
}

static void what_was_built_is_told_from_what_is_new(void **unused)
{
	struct arena arena;
	struct definition d;
	struct built b = {.from_us = TIME_MIN, .to_us = TIME_MAX};

	(void)unused;
	arena_init(&arena);
	assert_true(definition_of(graph, asset("facts"), &arena, &d, &err));
	b.fingerprint = d.fingerprint;
	assert_true(state_built_put(state, asset("facts")->id, &b, NULL, 0, &err));
	assert_true(state_built_put(state, asset("daily")->id, &b, NULL, 0, &err));
	arena_release(&arena);
	assert_selected("state:new", "rates stg_items stg_orders last");
	assert_selected("state:modified,marts", "daily last");
	assert_selected("state:modified+1,daily+", "daily last");
	assert_selected("state:unmodified", "facts not_null_facts_id");
	assert_selected("state:old", "facts daily not_null_facts_id");
	assert_wrong("state:changed", "state:modified");
}

static void mistakes_are_told_with_what_is_near(void **unused)
{
	(void)unused;
	assert_wrong("fact", "nothing is selected by 'fact'; did you mean 'facts'?");
	assert_wrong("+fact+", "did you mean 'facts'?");
	assert_wrong("facts stg_order", "did you mean 'stg_orders'?");
	assert_wrong("source:shop.order", "did you mean 'shop.orders'?");
	assert_wrong("tags:core", "there is no method 'tags'; did you mean 'tag:'?");
	assert_wrong("tag:nightly", "nothing is selected by 'tag:nightly'");
	assert_wrong("@facts+", "do not go together");
	assert_wrong("tag:", "METHOD:VALUE");
	assert_wrong("config:table", "config.SETTING:VALUE");
}

/* --- selectors.yml --- */

static void assert_definition(const char *definition, const char *expected)
{
	CLEANUP(free_string)
	char *text = xasprintf("selectors:\n"
			       "- {name: base, definition: 'tag:core'}\n"
			       "- name: it\n  definition:\n%s\n"
			       "- {name: later, definition: facts}\n",
		definition);
	const struct selector selector = {.name = "it"};
	struct assets out = {0};

	put("selectors.yml", text);
	bool ok = assets_select(graph, state, &selector, &out, &err);
	if (!ok && !strstr(err.text, expected))
		fail_msg("%s: %s, expected %s", definition, err.text, expected);
	if (ok)
		assert_names(definition, &out, expected);
	vec_release(&out);
}

static void selectors_have_names_and_three_forms(void **unused)
{
	(void)unused;
	assert_definition("    'tag:hourly'", "stg_orders");
	assert_definition("    '2+daily'", "stg_orders stg_items facts daily not_null_facts_id");
	assert_definition("    tag: hourly", "stg_orders");
	assert_definition("    config.materialized: incremental", "last");
	assert_definition("    {method: fqn, value: daily}", "daily");
	assert_definition(
		"    {method: tag, value: \"{{ target.name and 'hourly' }}\"}", "stg_orders");
	assert_definition("    {method: fqn, value: daily, parents: true, parents_depth: 1}",
		"facts daily not_null_facts_id");
	assert_definition("    {method: fqn, value: facts, children: true, children_depth: 1}",
		"facts daily not_null_facts_id");
	assert_definition("    {method: fqn, value: daily, childrens_parents: true}",
		"shop.items shop.orders stg_items stg_orders facts daily rates last "
		"not_null_facts_id");
	assert_definition("    {method: fqn, value: '*', exclude: [marts, 'tag:hourly']}",
		"stg_items rates shop.items shop.orders shop.unread");
	assert_definition("    {method: tag, value: nothing_has_it}", "");
}

static void selectors_unite_intersect_and_leave_out(void **unused)
{
	(void)unused;
	assert_definition(
		"    union: [stg_items, {tag: hourly}, daily]", "stg_items stg_orders daily");
	assert_definition("    intersection: [{tag: core}, {path: models/staging}]", "stg_orders");
	assert_definition(
		"    union: [{tag: core}, daily, {exclude: [stg_orders, 'test_type:generic']}]",
		"facts daily");
	assert_definition("    intersection: [{tag: core}, {exclude: [facts]}]", "stg_orders");
	assert_definition(
		"    union:\n"
		"    - intersection: [{method: fqn, value: daily, parents: true}, staging]\n"
		"    - {method: tag, value: core, exclude: [stg_orders]}",
		"stg_items stg_orders facts not_null_facts_id");
	assert_definition(
		"    {method: selector, value: base}", "stg_orders facts not_null_facts_id");
	assert_definition(
		"    union: [{method: selector, value: base}, {exclude: [{selector: base}]}]", "");
	assert_definition("    union: []", "");
}

static void checks_come_with_what_they_look_at_as_a_selector_says(void **unused)
{
	(void)unused;
	put("tests/both.sql", "select * from {{ ref('daily') }}, {{ ref('facts') }}");
	put("tests/other.sql", "select * from {{ ref('daily') }}, {{ ref('rates') }}");
	make();
	assert_definition("    daily", "daily both other");
	assert_definition(
		"    {method: fqn, value: daily, indirect_selection: eager}", "daily both other");
	assert_definition("    {method: fqn, value: daily, indirect_selection: cautious}", "daily");
	assert_definition(
		"    {method: fqn, value: daily, indirect_selection: buildable}", "daily both");
	assert_definition("    {method: fqn, value: daily, indirect_selection: empty}", "daily");
	assert_definition(
		"    {method: tag, value: core, parents: true, children: true, children_depth: 1, "
		"indirect_selection: cautious}",
		"shop.orders shop.items stg_items stg_orders facts daily both not_null_facts_id");
}

static void a_wrong_selector_is_told_with_its_line(void **unused)
{
	(void)unused;
	assert_definition("    {method: selector, value: later}",
		"selectors.yml:5: no selector 'later' stands before this one");
	assert_definition(
		"    {tags: core}", "selectors.yml:5: selector 'tags:core': there is no method");
	assert_definition("    {method: tag, value: core, parent: true}",
		"selectors.yml:5: 'parent' is no key of a selector; did you mean 'parents'?");
	assert_definition(
		"    {method: tag, valu: core}", "selectors.yml:5: a selector has one key");
	assert_definition(
		"    {method: tag, value: core, parents: 2}", "parents is true or false, not 2");
	assert_definition("    {method: tag, value: core, indirect_selection: lazy}", "not 'lazy'");
	assert_definition(
		"    {union: [facts], exclude: [facts]}", "union and intersection stand alone");
	assert_definition("    union: [{exclude: [facts]},\n     {exclude: [daily]}]",
		"selectors.yml:6: there is an exclude already, line 5");
	assert_definition("    union: facts", "holds a list, not a text");
	assert_definition(
		"    {method: tag, value: '{{ nobody.x }}'}", "selectors.yml:5:1:4: 'nobody'");
}

static void assert_no_selector(const char *name, const char *expected)
{
	const struct selector selector = {.name = name};
	struct assets out = {0};

	assert_false(assets_select(graph, state, &selector, &out, &err));
	if (!strstr(err.text, expected))
		fail_msg("%s, expected %s", err.text, expected);
}

static void a_selector_is_known_by_its_name_and_one_is_the_default(void **unused)
{
	struct arena arena;
	const char *name = "";

	(void)unused;
	arena_init(&arena);
	assert_no_selector("nightly", "selectors.yml is not there");
	assert_true(selector_default(project, &arena, &name, &err));
	assert_null(name);
	put("selectors.yml", "selectors:\n- {name: nightly, definition: facts}\n"
			     "- {name: usual, default: true, definition: daily}\n");
	assert_no_selector("nihgtly", "there is no selector 'nihgtly'; did you mean 'nightly'?");
	assert_true(selector_default(project, &arena, &name, &err));
	assert_string_equal(name, "usual");
	put("selectors.yml", "selectors:\n- {name: a, default: true, definition: facts}\n"
			     "- {name: b, default: true, definition: daily}\n");
	assert_no_selector("a", "selectors.yml:3: 'a' is the default already, line 2");
	put("selectors.yml", "selectors:\n- {name: a}\n");
	assert_no_selector("a", "selectors.yml:2: a selector has a name and a definition");
	put("selectors.yml", "selectors:\n\t- {name: a, definition: facts}\n");
	assert_no_selector("a", "selectors.yml:2: a tab; YAML is indented by spaces");
	assert_ptr_equal(err.text, strstr(err.text, "selectors.yml:"));
	put("selectors.yml", "x: 1\n");
	assert_no_selector("a", "selectors.yml:1: holds no list 'selectors:'");
	arena_release(&arena);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, open_all, close_all)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(names_globs_and_folders),
		TEST(parents_and_children_by_depth),
		TEST(unions_intersections_and_what_is_left_out),
		TEST(methods),
		TEST(what_was_built_is_told_from_what_is_new),
		TEST(mistakes_are_told_with_what_is_near),
		TEST(selectors_have_names_and_three_forms),
		TEST(selectors_unite_intersect_and_leave_out),
		TEST(checks_come_with_what_they_look_at_as_a_selector_says),
		TEST(a_wrong_selector_is_told_with_its_line),
		TEST(a_selector_is_known_by_its_name_and_one_is_the_default),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
