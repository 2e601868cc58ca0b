/* Kafka as a source against librdkafka's own mock of a cluster, which fails as it is told to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "base/clock.h"
#include "clients/kafka_handle.h"
#include "clients/kafka_producer.h"
#include "sources/kafka/kafka.h"

#include <librdkafka/rdkafka_mock.h> /* behind rdkafka.h */

#define TOPIC         "shop.public.t"
#define PATIENCE_MS   30000
#define OFFSET_COMMIT 8 /* ApiKey */

extern const struct source_ops kafka_source;

static struct arena arena;
static struct error err;
static struct selection_rule rule = {.pattern = "public.*"};
static struct selection selection = {
	.stream = "shop", .target_database = "shop", .rules = &rule, .n_rules = 1};
static struct kafka *brokers;
static struct kafka_source reader;

static rd_kafka_mock_cluster_t *cluster(void)
{
	return rd_kafka_handle_mock_cluster(brokers->rk);
}

static void produce(const char *value)
{
	struct kafka_topic *topic = kafka_topic_open(brokers, TOPIC);
	const struct kafka_message message = {.value = value, .value_len = strlen(value)};

	topic->takes_bytes = 1 << 20; /* the mock does not tell */
	topic->asked_ms = mono_ms();
	assert_true(kafka_send(topic, &message, &err) && kafka_flush(brokers, &err));
	kafka_topic_close(topic);
}

static int start(void **state)
{
	static const struct kafka_setting settings[] = {{"test.mock.num.brokers", "1", false}, {0}};
	(void)state;

	arena_init(&arena);
	reader = (struct kafka_source){0};
	assert_true(option_defaults(kafka_source.options, &reader, &arena, &err));
	reader.kafka.brokers = "127.0.0.1:1";
	brokers = kafka_new(&reader.kafka, KAFKA_PRODUCER, settings, &err);
	assert_non_null(brokers);
	assert_int_equal(rd_kafka_mock_topic_create(cluster(), TOPIC, 1, 1), 0);
	assert_true(option_defaults(table_option_table, &rule.options, &arena, &err));
	rule.options.fields = "id int64";
	rule.options.key = "id";
	reader.kafka.brokers = rd_kafka_mock_cluster_bootstraps(cluster());
	reader.source = (struct source){.ops = &kafka_source,
		.name = "shop",
		.connection = "shop",
		.selection = &selection,
		.bundle_bytes = 1 << 20,
		.batch_rows = 1000,
		.epoch = 1};
	return 0;
}

static int stop(void **state)
{
	(void)state;
	kafka_source.close(&reader.source);
	kafka_free(brokers);
	arena_release(&arena);
	return 0;
}

static void begin(void)
{
	struct tables tables = {0};
	struct resume resume;

	assert_true(kafka_source.open(&reader.source, &err));
	assert_true(kafka_source.discover(&reader.source, &tables, &err));
	assert_int_equal(tables.len, 1);
	table_unref(tables.items[0]);
	vec_release(&tables);
	assert_true(kafka_source.start(&reader.source, NULL, &resume, &err));
}

/* Reads until the bundle has an end. */
static struct position read_on(void)
{
	int64_t until_ms = mono_ms() + PATIENCE_MS;
	struct bundle *bundle = bundle_new();

	while (!bundle->ended && mono_ms() < until_ms)
		if (kafka_source.read(&reader.source, bundle, 100, &err) == SOURCE_FAILED)
			fail_msg("%s", err.text);
	assert_true(bundle->ended);
	struct position end = bundle->end;
	bundle_free(bundle);
	return end;
}

/* Reads, where nothing comes any more, until the group has that place. */
static void await_committed(int64_t offset)
{
	int64_t until_ms = mono_ms() + PATIENCE_MS;
	struct kafka_places places = {0};
	struct bundle *bundle = bundle_new();

	vec_push(&places, ((struct kafka_place){TOPIC, 0, KAFKA_NOWHERE}));
	do {
		if (kafka_source.read(&reader.source, bundle, 100, &err) == SOURCE_FAILED ||
			!kafka_committed(kafka_consumer_client(reader.member), &places, &err))
			fail_msg("%s", err.text);
	} while (places.items[0].offset != offset && mono_ms() < until_ms);
	assert_int_equal(places.items[0].offset, offset);
	vec_release(&places);
	bundle_free(bundle);
}

static void a_commit_that_was_refused_is_repeated_though_nothing_comes(void **state)
{
	struct position end;
	(void)state;

	produce("{\"id\": 1}");
	begin();
	end = read_on();
	rd_kafka_mock_push_request_errors(
		cluster(), OFFSET_COMMIT, 1, RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS);
	kafka_source.confirm(&reader.source, &end);
	await_committed(1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_commit_that_was_refused_is_repeated_though_nothing_comes, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
