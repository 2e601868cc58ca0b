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
	struct selector selector = {&select, select ? 1 : 0, exclude};
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
	struct selector selector = {&select, 1, NULL};
	assert_false(assets_select(graph, state, &selector, &out, &err));
	if (!strstr(err.text, expected))
		fail_msg("%s, expected %s", err.text, expected);
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_int_equal(out.len, 0);
}

static void names_globs_and_folders(void **unused)
{
	(void)unused;
	assert_selected("facts", "facts");
	assert_selected("model.shop_dw.facts", "facts");
	assert_selected("stg_*", "stg_items stg_orders");
	assert_selected("staging", "stg_items stg_orders");
	assert_selected("shop_dw.marts.daily", "daily");
	assert_selected("fqn:marts.d*", "daily");
	assert_selected("models/staging", "stg_items stg_orders");
	assert_selected("models/staging/", "stg_items stg_orders");
	assert_selected("path:models/*/daily.sql", "daily");
	assert_selected("facts.sql", "facts");
	assert_selected("rates.csv", "rates");
	assert_selected("file:daily", "daily");
}

static void parents_and_children_by_depth(void **unused)
{
	(void)unused;
	assert_selected("+stg_orders", "shop.orders stg_orders");
	assert_selected("1+facts", "stg_items stg_orders facts");
	assert_selected("2+facts", "shop.items shop.orders stg_items stg_orders facts");
	assert_selected("facts+1", "facts daily not_null_facts_id");
	assert_selected("stg_items+", "stg_items facts daily last not_null_facts_id");
	assert_selected("1+daily+1", "facts daily last");
	assert_selected(
		"@daily", "shop.items shop.orders stg_items stg_orders facts daily rates last");
	assert_selected("source:shop.items+2", "shop.items stg_items facts");
}

static void unions_intersections_and_what_is_left_out(void **unused)
{
	(void)unused;
	assert_selected("facts daily", "facts daily");
	assert_selected("+facts,tag:core", "stg_orders facts");
	assert_selected("+facts,tag:core rates", "stg_orders facts rates");
	assert_selected("tag:hourly,tag:core", "stg_orders");
	assert_selected_but("tag:core", "stg_*", "facts");
	assert_selected_but(NULL, "+last test_type:data", "shop.unread");
	assert_selected("stg_items,facts", "");
}

static void methods(void **unused)
{
	(void)unused;
	assert_selected("config.materialized:table", "facts daily");
	assert_selected("config.meta.owner.name:a*", "facts");
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
	assert_selected("state:unmodified", "facts");
	assert_selected("state:old", "facts daily");
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
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
