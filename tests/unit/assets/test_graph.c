/* The graph: what is an asset, of what kind, and what it stands on. */
#include "graph_files.h"

static void put_shop(void)
{
	put("models/sources.yml", "sources: [{name: erp, schema: raw, tables: [{name: stock}, "
				  "{name: never_read}]}]\n");
	put("models/stg.sql", "select * from {{ source('shop', 'orders') }}");
	put("models/tmp.sql",
		"{{ config(materialized='ephemeral') }}select * from {{ ref('stg') }}");
	put("models/facts.sql", "{{ config(materialized='table') }}select * from {{ ref('tmp') }}, "
				"{{ source('erp', 'stock') }}, {{ ref('rates') }}");
	put("models/files.sql",
		"{{ config(materialized='external') }}select * from {{ ref('facts') }}");
	put("models/call.sql", "{{ config(materialized='exec') }}echo {{ ref('facts') }}");
	put("models/facts.yml",
		"models: [{name: facts, columns: [{name: id, tests: [not_null]}]}]");
	put("seeds/rates.csv", "a\n1\n");
}

static void whatever_holds_rows_is_an_asset(void **state)
{
	(void)state;
	put_shop();
	make();
	assert_int_equal(asset("shop.orders")->kind, ASSET_MIRROR);
	assert_string_equal(asset("shop.orders")->id, "source.shop.orders");
	assert_string_equal(asset("shop.unread")->table, "unread");
	assert_int_equal(asset("erp.stock")->kind, ASSET_SOURCE);
	assert_string_equal(asset("erp.stock")->database, "raw");
	assert_int_equal(asset("erp.never_read")->children.len, 0);
	assert_int_equal(asset("rates")->kind, ASSET_SEED);
	assert_int_equal(asset("files")->kind, ASSET_EXPORT);
	assert_null(asset("files")->table);
	assert_int_equal(asset("call")->kind, ASSET_COMMAND);
	assert_true(asset("stg")->passes && asset("tmp")->passes && !asset("facts")->passes);
	assert_null(asset("tmp")->table);
	assert_string_equal(asset("models/facts.sql")->table, "facts");
	assert_null(graph_find(graph, "nothing"));
	assert_string_equal(graph_nearest(graph, "fact"), "facts");
}

static void assets_know_what_they_stand_on_and_what_stands_on_them(void **state)
{
	(void)state;
	put_shop();
	make();
	assert_assets(&asset("facts")->parents, "erp.stock tmp rates");
	assert_int_equal(asset("facts")->children.len, 3);
	assert_assets(&asset("shop.orders")->children, "stg");
	vec_each (graph_assets(graph), it)
		vec_each (&(*it)->parents, parent)
			assert_true((*parent)->index < (*it)->index);
}

static void what_views_hide_makes_dirty_too(void **state)
{
	struct asset_ids ids = {0};

	(void)state;
	put_shop();
	make();
	asset_inputs(graph, asset("facts"), &ids);
	struct buf text;
	buf_init(&text, BUF_MAX);
	vec_each (&ids, id)
		buf_printf(&text, "%s ", *id);
	assert_true(strstr(buf_text(&text), "source.shop.orders "));
	assert_true(strstr(buf_text(&text), ".stg "));
	assert_int_equal(ids.len, 5);
	vec_release(&ids);
	asset_inputs(graph, asset("files"), &ids);
	assert_int_equal(ids.len, 1);
	vec_release(&ids);
	buf_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_GRAPH(whatever_holds_rows_is_an_asset),
		IN_GRAPH(assets_know_what_they_stand_on_and_what_stands_on_them),
		IN_GRAPH(what_views_hide_makes_dirty_too),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
