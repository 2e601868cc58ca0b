/* Configurations that load: what the structs hold then. Those that do not are in test_errors.c. */
#include "fixture.h"

static const char design[] =
	"# of the design\n"
	"connections:\n"
	"  shop:\n"
	"    kind: postgres\n"
	"    url: postgresql://tailrace@127.0.0.1:5432/shop?sslmode=require\n"
	"    bulk_bytes: 1 GiB\n"
	"  warehouse:\n"
	"    kind: clickhouse\n"
	"    url: embedded                  # or http(s)://user:password@host:8123\n"
	"    database: lake\n"
	"streams:\n"
	"  shop:\n"
	"    from: shop\n"
	"    to: warehouse\n"
	"    flush_interval: 250ms\n"
	"    on_gap: recopy\n"
	"    tables:\n"
	"      - public.*\n"
	"      - \"!public.audit\"\n"
	"      - public.customers:\n"
	"          keep: both\n"
	"          columns: {password: drop, email: hmac, phone: mask, note: null, a: hash,\n"
	"                    b: {constant: \"it's ours\"}}\n"
	"server:\n"
	"  listen: 127.0.0.1:8080\n"
	"  log_format: json\n"
	"  hmac_key: 0123456789abcdef\n";

static void streams_and_server_of_the_design_are_read(void **unused)
{
	(void)unused;
	assert_loads(design);
	assert_int_equal(config.n_connections, 2);
	assert_int_equal(config.n_streams, 1);
	const struct stream_config *s = &config.streams[0];
	assert_string_equal(s->name, "shop");
	assert_ptr_equal(s->from, &config.connections[0]);
	assert_ptr_equal(s->to, config_connection(&config, "warehouse"));
	assert_null(config_connection(&config, "lake"));
	assert_int_equal(s->line, 12);
	assert_int_equal(s->options.flush_interval_ms, 250);
	assert_int_equal(s->options.max_batch_rows, 500000);
	assert_int_equal(s->options.on_gap, ON_GAP_RECOPY);
	assert_string_equal(s->selection.stream, "shop");
	assert_string_equal(s->selection.target_database, "lake");
	assert_true(connection_is_embedded(s->to));

	assert_int_equal(config.server.log_format, LOG_JSON);
	assert_int_equal(config.server.log_level, LOG_INFO);
	assert_int_equal(config.server.memory_bytes, 64 << 20);
	assert_string_equal(config.server.hmac_key, "0123456789abcdef");
	assert_string_equal(config.state_dir, ".tailrace");
}

static void tables_and_columns_of_the_design_are_read(void **unused)
{
	(void)unused;
	assert_loads(design);
	assert_int_equal(config.streams[0].selection.n_rules, 3);
	const struct selection_rule *rules = config.streams[0].selection.rules;
	assert_string_equal(rules[0].pattern, "public.*");
	assert_false(rules[0].exclude);
	assert_int_equal(rules[0].options.keep, KEEP_LATEST);
	assert_string_equal(rules[1].pattern, "public.audit");
	assert_true(rules[1].exclude);
	assert_int_equal(rules[2].options.keep, KEEP_BOTH);
	assert_int_equal(rules[2].line, 20);
	static const enum rule_kind kinds[] = {
		RULE_DROP, RULE_HMAC, RULE_MASK, RULE_NULL, RULE_HASH, RULE_CONSTANT};
	assert_int_equal(rules[2].n_columns, COUNT_OF(kinds));
	for (size_t i = 0; i < COUNT_OF(kinds); i++)
		assert_int_equal(rules[2].columns[i].rule.kind, kinds[i]);
	assert_string_equal(rules[2].columns[1].name, "email");
	assert_string_equal(rules[2].columns[5].rule.constant, "it's ours");
}

static void sources_and_sinks_are_filled_from_their_connection(void **unused)
{
	(void)unused;
	struct arena arena;
	arena_init(&arena);
	assert_loads("connections:\n"
		     "  shop: {kind: postgres, url: "
		     "\"postgresql://u:p%40ss@[::1]:5432/shop?a=b&c=d\", bulk_bytes: 5}\n"
		     "  warehouse: {kind: clickhouse, user: me, verify: no}\n"
		     "streams:\n"
		     "  one: {from: shop, to: warehouse, tables: [public.*]}\n"
		     "  two: {from: shop, to: warehouse, tables: [sales.*]}\n");
	assert_string_equal(config.streams[1].selection.target_database, "two");
	struct fake_source *source = (struct fake_source *)config_source(
		&config.streams[1], &arena, &err);
	struct fake_sink *sink = (struct fake_sink *)config_sink(
		config.streams[1].to, &arena, &err);
	assert_non_null(source);
	assert_non_null(sink);
	assert_string_equal(source->url, "postgresql://u:p%40ss@[::1]:5432/shop?a=b&c=d");
	assert_string_equal(source->source.name, "two");
	assert_ptr_equal(source->source.ops, &postgres);
	assert_ptr_equal(source->source.selection, &config.streams[1].selection);
	assert_int_equal(source->bulk_bytes, 5);
	assert_string_equal(sink->sink.name, "warehouse");
	assert_string_equal(sink->url, "embedded");
	assert_true(connection_is_embedded(config.streams[1].to));
	assert_false(connection_is_embedded(config.streams[1].from));
	assert_string_equal(sink->user, "me");
	assert_false(sink->verify);
	free(source);
	free(sink);
	arena_release(&arena);
}

static void the_environment_fills_in_texts(void **unused)
{
	(void)unused;
	setenv("SHOP_HOST", "db${X}", 1);
	setenv("SHOP_EMPTY", "", 1);
	assert_loads("connections:\n"
		     "  shop: {kind: postgres, url: 'h=${SHOP_HOST}${SHOP_EMPTY} ${SHOP_NONE:-a:b} "
		     "${SHOP_EMPTY:-c} "
		     "$$ pa$word $5 ${SHOP_NONE:-}$'}\n"
		     "  warehouse: {kind: clickhouse}\n"
		     "streams: {s: {from: shop, to: warehouse, tables: "
		     "[\"${SHOP_NONE:-public}.*\"]}}\n");
	assert_string_equal(config.connections[0].pairs[0].value, "h=db${X} a:b c $ pa$word $5 $");
	assert_string_equal(config.streams[0].selection.rules[0].pattern, "public.*");
}

static void an_environment_variable_that_is_not_set_is_named(void **unused)
{
	(void)unused;
	assert_refused("connections:\n  shop:\n    kind: postgres\n    url: "
		       "postgresql://${SHOP_HOST}/shop\nstreams: {}\n",
		"tailrace.yaml:4: 'url' in connection 'shop': the environment variable SHOP_HOST "
		"is not set; set it, "
		"or write ${SHOP_HOST:-default}");
	assert_refused("connections:\n  shop:\n    kind: ${SHOP_HOST\nstreams: {}\n",
		"tailrace.yaml:3: 'kind' in connection 'shop': '${SHOP_HOST' has no closing }; a "
		"plain ${ is written "
		"$${");
	assert_refused("connections:\n  shop:\n    kind: ${9}x\nstreams: {}\n",
		"tailrace.yaml:3: 'kind' in connection 'shop': '${9}' is neither ${NAME} nor "
		"${NAME:-default}; a plain "
		"${ is written $${");
	assert_refused("connections:\n  shop:\n    kind: ${A-b}\nstreams: {}\n",
		"tailrace.yaml:3: 'kind' in connection 'shop': '${A-b}' is neither ${NAME} nor "
		"${NAME:-default}; a "
		"plain ${ is written $${");
	assert_refused("connections:\n  shop:\n    kind: \"${A:-${B}}\"\nstreams: {}\n",
		"tailrace.yaml:3: 'kind' in connection 'shop': '${A:-${B}': one ${...} cannot "
		"stand in another");
}

static void a_secret_can_stand_in_a_file_beside_the_configuration(void **unused)
{
	(void)unused;
	struct arena arena;
	arena_init(&arena);
	write_bytes("url.secret", "postgresql://u:p@db/shop\r\nrest\n", 32);
	char path[128], yaml[] = "connections:\n"
				 "  shop: {kind: postgres, url_file: url.secret}\n"
				 "  warehouse: {kind: clickhouse}\n"
				 "streams: {s: {from: shop, to: warehouse, tables: [public.*]}}\n";
	write_bytes("tailrace.yaml", yaml, sizeof yaml - 1);
	snprintf(path, sizeof path, "%s/tailrace.yaml", dir);
	assert_int_equal(chdir("/"), 0);
	bool ok = config_load(path, &config, &err);
	assert_int_equal(chdir(dir), 0);
	assert_true(ok);
	struct fake_source *source = (struct fake_source *)config_source(
		&config.streams[0], &arena, &err);
	assert_string_equal(source->url, "postgresql://u:p@db/shop");
	free(source);
	arena_release(&arena);
	snprintf(path, sizeof path, "%s/.tailrace", dir);
	assert_string_equal(config.state_dir, path);
}

static void a_secret_file_that_cannot_be_had_is_named(void **unused)
{
	(void)unused;
	assert_refused(
		"connections:\n  shop:\n    kind: postgres\n    url_file: none\nstreams: {}\n",
		"tailrace.yaml:4: connection 'shop': option 'url_file': cannot read none: No "
		"such file or directory");
	assert_refused("connections:\n  shop:\n    kind: postgres\n    url_file: /x\n    url: "
		       "y\nstreams: {}\n",
		"tailrace.yaml:4: connection 'shop' has 'url' and 'url_file'; give one of them");
}

static void a_connection_may_be_both_source_and_sink(void **unused)
{
	(void)unused;
	assert_loads("connections:\n"
		     "  db: {kind: postgres, url: x}\n"
		     "  bus: {kind: kafka, brokers: x}\n"
		     "streams: {s: {from: db, to: bus, tables: ['*']}}\n");
	assert_refused("connections:\n"
		       "  warehouse: {kind: clickhouse}\n"
		       "  bus: {kind: kafka, brokers: x}\n"
		       "streams:\n  s: {from: bus, to: warehouse, tables: ['*']}\n",
		"tailrace.yaml:3: stream 's': connection 'bus': option 'topic' is missing: What to "
		"read.");
	assert_refused("connections:\n  bus: {kind: kafka, brokers: x, topic: y}\n"
		       "streams:\n  s: {from: bus, to: bus, tables: ['*']}\n",
		"tailrace.yaml:4: stream 's' reads from and writes to the same connection 'bus'");
}

/* --- the reference --- */

static void the_reference_names_every_option(void **unused)
{
	(void)unused;
	struct buf out;
	buf_init(&out, BUF_MAX);
	config_reference(&out);
	const char *text = buf_text(&out);
	static const struct option *const tables[] = {source_options, both_source_options,
		sink_options, both_sink_options, stream_option_table, table_option_table,
		server_option_table};
	for (size_t i = 0; i < COUNT_OF(tables); i++)
		for (const struct option *o = tables[i]; o->name; o++) {
			char cell[80];
			snprintf(cell, sizeof cell, "| `%s` |", o->name);
			assert_non_null(strstr(text, cell));
		}
	buf_release(&out);
}

/* The example on the reference page is one that loads. */
static void the_example_of_the_reference_loads(void **unused)
{
	(void)unused;
	struct buf out;
	buf_init(&out, BUF_MAX);
	config_reference(&out);
	char *start = strstr(buf_text(&out), "```yaml\n") + strlen("```yaml\n");
	*strstr(start, "```\n") = '\0';
	char *key_file = strstr(start, "hmac_key_file: /run/secrets/hmac");
	assert_non_null(key_file);
	memcpy(key_file, "hmac_key: 0123456789abcdef      ",
		strlen("hmac_key_file: /run/secrets/hmac"));
	assert_loads(start);
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(streams_and_server_of_the_design_are_read),
		TEST(tables_and_columns_of_the_design_are_read),
		TEST(sources_and_sinks_are_filled_from_their_connection),
		TEST(the_environment_fills_in_texts),
		TEST(an_environment_variable_that_is_not_set_is_named),
		TEST(a_secret_can_stand_in_a_file_beside_the_configuration),
		TEST(a_secret_file_that_cannot_be_had_is_named),
		TEST(a_connection_may_be_both_source_and_sink),
		TEST(the_reference_names_every_option),
		TEST(the_example_of_the_reference_loads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
