/* The Kafka sink: its options, opening and closing; see kafka.h. */
#include "sinks/kafka/kafka.h"

#include <stdio.h>

#define REACH_MS  10000
#define AT(field) offsetof(struct kafka_sink, field)

static const char *const deliveries[] = {
	[EXACTLY_ONCE] = "exactly_once", [AT_LEAST_ONCE] = "at_least_once", NULL};
static const char *const compressions[] = {"none", "gzip", "snappy", "lz4", "zstd", NULL};
static const char *const cleanup_policies[] = {"delete", "compact", "compact,delete", NULL};

static const struct option options[] = {
	{"broker", OPTION_TABLE, AT(broker), .table = kafka_option_table},
	{"schemas", OPTION_TABLE, AT(schemas), .table = registry_option_table},
	{"delivery", OPTION_CHOICE, AT(delivery), "exactly_once", .choices = deliveries,
		.help = "`exactly_once`: a transaction holds the changes and their place in the "
			"source, so that who reads committed messages alone sees each change "
			"once, whatever is killed. `at_least_once` uses no transactions; after a "
			"crash some changes come again."},
	{"transaction_timeout", OPTION_DURATION, AT(transaction_timeout_ms), "5min", 10000, 900000,
		.help = "The brokers give a transaction up after so long. It must be longer than "
			"the largest transaction of the source takes to be written, and not above "
			"the brokers' `transaction.max.timeout.ms` (15 min)."},
	{"tombstones", OPTION_BOOL, AT(tombstones), "true",
		.help = "Whether a delete is followed by a message without a value, which makes "
			"compaction forget the key."},
	{"truncate_events", OPTION_BOOL, AT(truncate_events), "true",
		.help = "Whether a TRUNCATE becomes an event of op `t`. Flink's debezium-json "
			"stops at such; Debezium itself leaves them out unless told otherwise."},
	{"transaction_metadata", OPTION_BOOL, AT(transaction_metadata), "false",
		.help = "Whether events have a transaction block, and the topic "
			"`prefix.transaction` tells where each of the source's transactions "
			"begins and ends."},
	{"schema_changes", OPTION_BOOL, AT(schema_changes), "false",
		.help = "Whether the topic named as `topic_prefix` tells of tables that come and "
			"of columns that change."},
	{"heartbeat_interval", OPTION_DURATION, AT(heartbeat_ms), "0", 0, 86400000,
		.help = "A message on the topic `__debezium-heartbeat.prefix` this often, whether "
			"anything changes or not. 0: none."},
	{"outbox", OPTION_STRING, AT(outbox_table),
		.help = "A table as `schema.table` whose inserted rows are messages themselves: "
			"key, payload and topic are in its columns aggregateid, payload and "
			"aggregatetype."},
	{"outbox_topic", OPTION_STRING, AT(outbox_topic), "outbox.event.{aggregatetype}",
		.help = "Where they go. `{aggregatetype}` stands for the row's own."},
	{"events", OPTION_TABLE, AT(modes), .table = debezium_option_table},
	{"partitions", OPTION_INT, AT(partitions), "0", .min = 0, .max = 10000,
		.help = "Partitions of a topic that is made. 0: as the brokers have it."},
	{"replication_factor", OPTION_INT, AT(replication_factor), "0", .min = 0, .max = 100,
		.help = "Replicas of a topic that is made. 0: as the brokers have it."},
	{"cleanup_policy", OPTION_CHOICE, AT(cleanup_policy), "delete", .choices = cleanup_policies,
		.help = "What becomes of old messages of a topic that is made: deleted by age, or "
			"compacted, so that the last one of each key stays."},
	{"topic_settings", OPTION_STRING, AT(topic_settings),
		.help = "Further settings of topics that are made, as `retention.ms=-1, "
			"min.insync.replicas=2`."},
	{"compression", OPTION_CHOICE, AT(compression), "lz4", .choices = compressions,
		.help = "Compression of the messages on their way and in the topic."},
	OPTION_END,
};

/* Large batches; what delivery rests on is fixed. */
static bool open_client(struct kafka_sink *s, struct error *err)
{
	bool transactional = is_transactional(s);
	char timeout[32];

	snprintf(timeout, sizeof timeout, "%lld", (long long)s->transaction_timeout_ms);
	const char *id = transactional ? transactional_id(s, &s->arena) : NULL;
	const struct kafka_setting settings[] = {
		{"acks", "all", true},
		{"enable.idempotence", "true", true},
		{"delivery.report.only.error", "true", true},
		/* a topic that is gone is made anew by us, with its settings and its rows */
		{"allow.auto.create.topics", "false", true},
		{"partitioner", "murmur2_random", false},
		{"compression.type", compressions[s->compression], false},
		{"linger.ms", "20", false},
		{"batch.num.messages", "100000", false},
		{"message.max.bytes", "100000000", false},
		{"queue.buffering.max.messages", "500000", false},
		{"queue.buffering.max.kbytes", "131072", false},
		{transactional ? "transactional.id" : NULL, id, true},
		{"transaction.timeout.ms", timeout, true},
		{0},
	};
	s->client = kafka_new(&s->broker, KAFKA_PRODUCER, settings, err);
	return s->client != NULL;
}

static bool open_registry(struct kafka_sink *s, struct error *err)
{
	if (s->broker.format != KAFKA_AVRO)
		return true;
	if (!s->schemas.urls)
		return error_set(err, ERROR_CONFIG,
			"format avro needs a schema registry; set `registry` to its URL");
	s->registry = registry_new(&s->schemas, err);
	return s->registry && registry_reach(s->registry, err);
}

static void kafka_close(struct sink *sink)
{
	struct kafka_sink *s = kafka_sink_of(sink);

	if (s->in_transaction)
		kafka_abort(s->client);
	outlets_release(s);
	outbox_release(s);
	metadata_release(s);
	channel_close(s->metadata);
	channel_close(s->changes);
	channel_close(s->heartbeats);
	kafka_topic_close(s->aside);
	kafka_topic_close(s->positions);
	kafka_free(s->client);
	registry_free(s->registry);
	buf_release(&s->key);
	buf_release(&s->value);
	arena_release(&s->arena);
}

static bool kafka_open(struct sink *sink, struct error *err)
{
	struct kafka_sink *s = kafka_sink_of(sink);

	arena_init(&s->arena);
	buf_init(&s->key, BUF_MAX);
	buf_init(&s->value, BUF_MAX);
	s->prefix = s->broker.topic_prefix ? s->broker.topic_prefix : sink->name;
	s->topic_set = kafka_settings_parse(s->topic_settings, "topic_settings", &s->arena, err);
	if (s->topic_set && open_registry(s, err) && open_client(s, err) &&
		kafka_reach(s->client, REACH_MS, NULL, 0, err))
		return true;
	kafka_close(sink);
	return false;
}

const struct sink_ops kafka_sink = {
	.kind = "kafka",
	.size = sizeof(struct kafka_sink),
	.options = options,
	.log = true,
	.wants_before = true,
	.open = kafka_open,
	.check = kafka_sink_check,
	.generation = kafka_sink_generation,
	.attach = kafka_sink_attach,
	.evolve = kafka_sink_evolve,
	.write = kafka_sink_write,
	.set_aside = kafka_sink_set_aside,
	.truncate = kafka_sink_truncate,
	.commit = kafka_sink_commit,
	.recorded = kafka_sink_recorded,
	.close = kafka_close,
};
