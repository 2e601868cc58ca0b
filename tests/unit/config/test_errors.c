/* Configurations that do not load: every message, with its line. */
#include "fixture.h"

#define CONNECTIONS                                             \
	"connections:\n"                                        \
	"  shop: {kind: postgres, url: postgresql://db/shop}\n" \
	"  warehouse: {kind: clickhouse}\n"
#define STREAM CONNECTIONS "streams:\n  shop:\n    from: shop\n    to: warehouse\n"
#define TABLES STREAM "    tables:\n"

/* --- the file --- */

static void a_file_that_cannot_be_read_says_what_to_do(void **unused)
{
	(void)unused;
	assert_false(config_load("none.yaml", &config, &err));
	assert_string_equal(err.text, "none.yaml: No such file or directory; `tailrace init "
				      "postgresql://...` writes one, and -c FILE names "
				      "another");
	assert_false(config_load("/tmp", &config, &err));
	assert_string_equal(err.text, "/tmp: Is a directory");
	assert_refused("", "tailrace.yaml: is empty; `tailrace init postgresql://...` writes one");
	assert_refused("# nothing yet\n\n",
		"tailrace.yaml: is empty; `tailrace init postgresql://...` writes one");
}

static void what_is_not_yaml_is_placed(void **unused)
{
	(void)unused;
	assert_refused("connections:\n  shop:\n\tkind: postgres\n",
		"tailrace.yaml:3: a tab in the indentation; YAML takes spaces only");
	assert_refused("connections:\n  shop: [\n",
		"tailrace.yaml:3: did not find expected node content while "
		"parsing a flow node");
	assert_refused("connections: {}\nstreams: {}\n---\nserver: {}\n",
		"tailrace.yaml:4: a second document; one file holds one configuration");
	assert_refused("connections:\n  shop: {kind: postgres, url: ${URL}}\n",
		"tailrace.yaml:2: a ${NAME} within braces needs quotes, as in {url: \"${URL}\"}");
	assert_refused(TABLES "      - *.orders\n",
		"tailrace.yaml:9: a text that begins with * needs quotes, as in \"*.orders\"");
	assert_refused("a: 1\nb: \xff\n",
		"tailrace.yaml:2: the file is not UTF-8 text: invalid leading UTF-8 octet");
	assert_refused("connections: *where\n",
		"tailrace.yaml:1: a text that begins with * needs quotes, as in \"*.orders\"");
	write_bytes("tailrace.yaml", "a: \0", 4);
	assert_false(config_load("tailrace.yaml", &config, &err));
	assert_string_equal(err.text,
		"tailrace.yaml:1: the file is not UTF-8 text: control characters are not allowed");
}

static void hostile_documents_are_refused_and_never_loop(void **unused)
{
	(void)unused;
	assert_refused("connections: &c\n  x: *c\nstreams: {}\n",
		"tailrace.yaml:2: connection 'x' has no 'kind'; known are postgres, kafka, "
		"clickhouse");
	assert_refused("- a\n- b\n",
		"tailrace.yaml:1: the configuration takes a mapping (key: value), not a list");
	assert_refused("? [a]\n: b\n",
		"tailrace.yaml:1: a key in the configuration is a list and not a text");
	assert_refused("\"\": b\n", "tailrace.yaml:1: a key in the configuration is empty");
	assert_refused("connections:\n  shop: {kind: \"a\\0b\"}\nstreams: {}\n",
		"tailrace.yaml:2: 'kind' in connection 'shop' holds a NUL byte");
}

/* --- keys and types at every level --- */

static void unknown_keys_are_named_with_the_nearest(void **unused)
{
	(void)unused;
	assert_refused("connection: {}\n", "tailrace.yaml:1: unknown key 'connection' in the "
					   "configuration; did you mean 'connections'?");
	assert_refused(STREAM "    tabels: [public.*]\n",
		"tailrace.yaml:8: unknown key 'tabels' in stream 'shop'; did you mean 'tables'?");
	assert_refused("connections:\n  shop:\n    kind: postgres\n    ulr: x\nstreams: {}\n",
		"tailrace.yaml:4: unknown key 'ulr' in connection 'shop'; did you mean 'url'?");
	assert_refused("connections:\n  shop:\n    kind: postgres\n    urlfile: x\nstreams: {}\n",
		"tailrace.yaml:4: unknown key 'urlfile' in connection 'shop'; did you mean "
		"'url_file'?");
	assert_refused("connections:\n  w: {kind: clickhouse, zone: x}\nstreams: {}\n",
		"tailrace.yaml:2: unknown key 'zone' in connection 'w'; known are kind, url, "
		"database, user, verify");
	assert_refused(TABLES "      - public.orders:\n          kep: both\n",
		"tailrace.yaml:10: unknown key 'kep' in table 'public.orders' in stream 'shop'; "
		"did you mean 'keep'?");
	assert_refused(TABLES "      - public.*\nserver:\n  lisen: off\n",
		"tailrace.yaml:11: unknown key 'lisen' in server; did you mean 'listen'?");
	assert_refused(TABLES "      - public.a: {columns: {b: {const: x}}}\n",
		"tailrace.yaml:9: unknown key 'const' in the rule of column 'b' in columns of "
		"table 'public.a' in "
		"stream 'shop'; known are constant");
}

static void a_key_given_twice_is_named_with_its_first_line(void **unused)
{
	(void)unused;
	assert_refused("streams: {}\nconnections: {}\nstreams: {}\n",
		"tailrace.yaml:3: 'streams' stands in the configuration twice; the first is on "
		"line 1");
	assert_refused("connections:\n  shop: {kind: postgres, url: x}\n  shop: {kind: postgres, "
		       "url: y}\nstreams: {}",
		"tailrace.yaml:3: 'shop' stands in connections twice; the first is on line 2");
	assert_refused(STREAM "    from: shop\n    tables: [public.*]\n",
		"tailrace.yaml:8: 'from' stands in stream 'shop' twice; the first is on line 6");
	assert_refused(TABLES "      - public.a:\n          columns: {b: drop, b: mask}\n",
		"tailrace.yaml:10: 'b' stands in columns of table 'public.a' in stream 'shop' "
		"twice; the first is on "
		"line 10");
}

static void a_secret_is_given_once(void **unused)
{
	(void)unused;
	assert_refused("connections:\n  shop:\n    kind: postgres\n    url: x\n    url_file: y\n"
		       "streams: {}\n",
		"tailrace.yaml:5: connection 'shop' has 'url' and 'url_file'; give one of them");
	assert_refused(TABLES "      - public.*\nserver:\n  hmac_key_file: y\n  hmac_key: x\n",
		"tailrace.yaml:11: server has 'hmac_key' and 'hmac_key_file'; give one of them");
}

static void values_of_the_wrong_type_are_named(void **unused)
{
	(void)unused;
	assert_refused("connections: [a]\nstreams: {}\n",
		"tailrace.yaml:1: connections takes a mapping (key: value), not a list");
	assert_refused("connections:\nstreams: {}\n",
		"tailrace.yaml:1: connections takes a mapping (key: value), not nothing");
	assert_refused("connections:\n  shop: postgresql://db/shop\nstreams: {}\n",
		"tailrace.yaml:2: connection 'shop' takes a mapping (key: value), not a text");
	assert_refused("connections:\n  shop:\n    kind: postgres\n    url: [a]\nstreams: {}\n",
		"tailrace.yaml:4: 'url' in connection 'shop' takes a text, not a list");
	assert_refused("connections:\n  shop:\n    kind: postgres\n    url:\nstreams: {}\n",
		"tailrace.yaml:4: 'url' in connection 'shop' has no value");
	assert_refused("connections:\n  w: {kind: clickhouse, verify: maybe}\nstreams: {}\n",
		"tailrace.yaml:2: connection 'w': option 'verify': 'maybe' is neither true nor "
		"false");
	assert_refused(STREAM "    flush_interval: 5\n    tables: [public.*]\n",
		"tailrace.yaml:8: stream 'shop': option 'flush_interval': '5' is not a duration; "
		"write it with its "
		"unit, as 100ms, 5s, 10min or 1h");
	assert_refused(STREAM "    copy_connections: 65\n    tables: [public.*]\n",
		"tailrace.yaml:8: stream 'shop': option 'copy_connections': 65 is not between 0 "
		"and 64");
	assert_refused(STREAM "    tables: [public.*]\nserver: off\n",
		"tailrace.yaml:9: server takes a mapping (key: value), not a text");
	assert_refused(STREAM "    tables: [public.*]\nserver: {listen: 8080}\n",
		"tailrace.yaml:9: server: option 'listen': '8080' is neither host:port nor off");
	assert_refused(STREAM "    tables: [public.*]\nserver: {listen: '::1:8080'}\n",
		"tailrace.yaml:9: server: option 'listen': '::1:8080' is neither host:port nor "
		"off");
	assert_refused(STREAM
		"    tables: [public.*]\nserver:\n  log_level: info\n  listen: host:65536\n",
		"tailrace.yaml:11: server: option 'listen': 'host:65536' is neither host:port nor "
		"off");
	assert_refused(STREAM "    tables: [public.*]\nserver: {hmac_key: short}\n",
		"tailrace.yaml:9: server: option 'hmac_key' has fewer than 16 characters; such a "
		"key can be guessed");
	assert_refused(STREAM "    tables: [public.*]\nserver: {log_level: inof}\n",
		"tailrace.yaml:9: server: option 'log_level': 'inof' is not one of debug, info, "
		"warn, error; did you "
		"mean 'info'?");
}

/* --- connections and streams --- */

static void what_is_missing_is_named(void **unused)
{
	(void)unused;
	assert_refused("streams: {}\n", "tailrace.yaml:1: 'connections' is missing: the databases "
					"to read from and to write to");
	assert_refused("connections: {}\n",
		"tailrace.yaml:1: 'streams' is missing: which connection is mirrored into which");
	assert_refused(CONNECTIONS "streams: {}\n",
		"tailrace.yaml:4: 'streams' is empty: name at least one");
	assert_refused("connections:\n  shop: {url: x}\nstreams: {}\n",
		"tailrace.yaml:2: connection 'shop' has no 'kind'; known are postgres, kafka, "
		"clickhouse");
	assert_refused("connections:\n  shop: {kind: postgres}\nstreams: {}\n",
		"tailrace.yaml:2: connection 'shop': option 'url' is missing: Where it is.");
	assert_refused(CONNECTIONS "streams:\n  s: {to: warehouse, tables: [public.*]}\n",
		"tailrace.yaml:5: stream 's' has no 'from', the connection that it reads from");
	assert_refused(CONNECTIONS "streams:\n  s: {from: shop, tables: [public.*]}\n",
		"tailrace.yaml:5: stream 's' has no 'to', the connection that it writes to");
	assert_refused(STREAM, "tailrace.yaml:5: stream 'shop' has no 'tables'; `tables: "
			       "[public.*]` takes all of the "
			       "schema public");
}

static void connections_that_do_not_fit_are_named(void **unused)
{
	(void)unused;
	assert_refused("connections:\n  shop: {kind: postgresql}\nstreams: {}\n",
		"tailrace.yaml:2: connection 'shop': unknown kind 'postgresql'; did you mean "
		"'postgres'?");
	assert_refused("connections:\n  my shop: {kind: postgres}\nstreams: {}\n",
		"tailrace.yaml:2: connection name 'my shop': it begins with a letter, holds "
		"letters, digits, _ and -, "
		"and is at most 48 long");
	assert_refused(CONNECTIONS
		"streams:\n  s: {from: shp, to: warehouse, tables: [public.*]}\n",
		"tailrace.yaml:5: stream 's': there is no connection 'shp'; did you mean 'shop'?");
	assert_refused(CONNECTIONS "streams:\n  s: {from: shop, to: lake, tables: [public.*]}\n",
		"tailrace.yaml:5: stream 's': there is no connection 'lake'; known are shop, "
		"warehouse");
	assert_refused(CONNECTIONS
		"streams:\n  s: {from: warehouse, to: shop, tables: [public.*]}\n",
		"tailrace.yaml:5: stream 's' cannot read from 'warehouse': a clickhouse connection "
		"is no source");
	assert_refused(CONNECTIONS
		"streams:\n  s:\n    from: shop\n    to: shop\n    tables: [public.*]\n",
		"tailrace.yaml:7: stream 's' cannot write to 'shop': a postgres connection is no "
		"sink");
	assert_refused(CONNECTIONS
		"streams:\n  my-shop: {from: shop, to: warehouse, tables: [public.*]}\n",
		"tailrace.yaml:5: stream name 'my-shop': it begins with a letter, holds lower-case "
		"letters, digits and "
		"_ (it names a slot), and is at most 48 long");
}

static void what_to_verify_with_is_a_database_behind_a_log(void **unused)
{
	(void)unused;
#define LOG CONNECTIONS "  log: {kind: kafka, brokers: b, topic: t}\n"
#define FROM_LOG(with) \
	LOG "streams:\n  s:\n    from: log\n    to: warehouse\n    verify_with: " with "\n"
	assert_refused(FROM_LOG("shp"),
		"tailrace.yaml:9: stream 's': there is no connection 'shp'; did you mean 'shop'?");
	assert_refused(FROM_LOG("warehouse"),
		"tailrace.yaml:9: stream 's': 'warehouse' has no tables to compare with");
	assert_refused(STREAM "    verify_with: shop\n",
		"tailrace.yaml:8: stream 'shop' reads tables that it can be compared with; "
		"verify_with is for streams from logs of changes");
	assert_loads(FROM_LOG("shop") "    tables: [public.*]\n");
	assert_string_equal(config.streams[0].verify_with->name, "shop");
}

/* --- tables and columns --- */

static void tables_that_say_nothing_are_refused(void **unused)
{
	(void)unused;
	assert_refused(STREAM "    tables: public.*\n",
		"tailrace.yaml:8: 'tables' in stream 'shop' takes "
		"a list, as in [public.*, \"!public.audit\"]");
	assert_refused(STREAM "    tables: []\n",
		"tailrace.yaml:8: 'tables' in stream 'shop' is empty; `tables: [public.*]` takes "
		"all of the schema "
		"public");
	assert_refused(TABLES "      - \"!public.audit\"\n",
		"tailrace.yaml:8: 'tables' in stream 'shop' only excludes; begin with what it "
		"takes, as public.*");
	assert_refused(TABLES "      - orders\n", "tailrace.yaml:9: stream 'shop': table pattern "
						  "'orders' has no schema; write 'public.orders'");
	assert_refused(TABLES "      - public.*\n      - '!orders'\n",
		"tailrace.yaml:10: stream 'shop': table pattern '!orders' has no schema; write "
		"'!public.orders'");
	assert_refused(TABLES "      - '!'\n", "tailrace.yaml:9: stream 'shop': an empty table "
					       "pattern; write schema.table, with * for any text");
	assert_refused(
		TABLES "      -\n", "tailrace.yaml:9: 'tables' in stream 'shop' has no value");
	assert_refused(TABLES "      - [public.*]\n",
		"tailrace.yaml:9: 'tables' in stream 'shop' takes a text, not a list");
	assert_refused(TABLES "      - public.*\n      - !public.audit\n",
		"tailrace.yaml:10: 'tables' in stream 'shop': a text that begins with ! needs "
		"quotes: "
		"\"!public.audit\"");
}

static void table_options_that_do_not_fit_are_refused(void **unused)
{
	(void)unused;
	assert_refused(TABLES "      - public.orders:\n        keep: both\n",
		"tailrace.yaml:10: tables of stream 'shop': 'keep' stands beside 'public.orders'; "
		"indent it further "
		"than 'public.orders' if it is an option of it");
	assert_refused(TABLES "      - public.*\n      - {}\n",
		"tailrace.yaml:10: tables of stream 'shop': an empty entry");
	assert_refused(TABLES "      - public.*\n      - \"!public.audit\": {keep: both}\n",
		"tailrace.yaml:10: tables of stream 'shop': '!public.audit' excludes tables and "
		"takes no options");
	assert_refused(TABLES "      - public.orders: {keep: lastest}\n",
		"tailrace.yaml:9: table 'public.orders' in stream 'shop': option 'keep': 'lastest' "
		"is not one of "
		"latest, history, both; did you mean 'latest'?");
	assert_refused(TABLES "      - public.orders: {key: id}\n",
		"tailrace.yaml:9: stream 'shop': 'key' and 'fields' are for topics; 'shop' tells "
		"both");
	assert_refused(TABLES "      - public.orders: both\n",
		"tailrace.yaml:9: table 'public.orders' in stream 'shop' takes a mapping (key: "
		"value), not a text");
}

static void column_rules_that_are_none_are_refused(void **unused)
{
	(void)unused;
#define FORMS  "a rule is drop, hash, hmac, mask, null, or {constant: \"text\"}"
#define COLUMN TABLES "      - public.a:\n          columns:\n            b: "
#define WHERE  "columns of table 'public.a' in stream 'shop'"
	assert_refused(COLUMN "msk\n", "tailrace.yaml:11: column 'b' in " WHERE
				       ": unknown rule 'msk'; did you mean 'mask'?");
	assert_refused(COLUMN "encrypt\n",
		"tailrace.yaml:11: column 'b' in " WHERE ": unknown rule 'encrypt'; " FORMS);
	assert_refused(COLUMN "\n", "tailrace.yaml:11: 'b' in " WHERE " has no value");
	assert_refused(COLUMN "{}\n",
		"tailrace.yaml:11: the rule of column 'b' in " WHERE " is empty; " FORMS);
	assert_refused(
		COLUMN "[drop]\n", "tailrace.yaml:11: 'b' in " WHERE " takes a text, not a list");
	assert_refused(COLUMN "{constant: [x]}\n",
		"tailrace.yaml:11: 'constant' in the rule of column 'b' in " WHERE
		" takes a text, not a list");
	assert_refused(COLUMN "hmac\n",
		"tailrace.yaml:11: column 'b' in " WHERE
		": the rule hmac needs a key: set hmac_key or hmac_key_file under server");
	assert_refused(TABLES "      - public.a: {columns: [b]}\n",
		"tailrace.yaml:9: " WHERE " takes a mapping (key: value), not a list");
}

/* --- models --- */

#define MODELS CONNECTIONS "streams: {}\nmodels:\n"

static void how_models_are_built_is_checked(void **unused)
{
	(void)unused;
	assert_refused(MODELS "  connection: warehause\n",
		"tailrace.yaml:6: models: there is no connection 'warehause'; did you mean "
		"'warehouse'?");
	assert_refused(MODELS "  threads: 0\n",
		"tailrace.yaml:6: models: option 'threads': 0 is not between 1 and 64");
	assert_refused(MODELS "  limits: {heavy: 0}\n",
		"tailrace.yaml:6: models: limits: tag 'heavy': option 'limit': 0 is not "
		"between 1 and 64");
	assert_refused(MODELS "  limits: 3\n",
		"tailrace.yaml:6: limits takes a mapping (key: value), not a text");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_file_that_cannot_be_read_says_what_to_do),
		TEST(what_is_not_yaml_is_placed),
		TEST(hostile_documents_are_refused_and_never_loop),
		TEST(unknown_keys_are_named_with_the_nearest),
		TEST(a_key_given_twice_is_named_with_its_first_line),
		TEST(a_secret_is_given_once),
		TEST(values_of_the_wrong_type_are_named),
		TEST(what_is_missing_is_named),
		TEST(connections_that_do_not_fit_are_named),
		TEST(what_to_verify_with_is_a_database_behind_a_log),
		TEST(tables_that_say_nothing_are_refused),
		TEST(table_options_that_do_not_fit_are_refused),
		TEST(column_rules_that_are_none_are_refused),
		TEST(how_models_are_built_is_checked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
