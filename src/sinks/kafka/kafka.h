/*
 * Inside of the Kafka sink: a topic a table, a message an event, in Debezium's form.
 *
 *	kafka.c      options, open, close, the ops table
 *	check.c      what `tailrace check` says
 *	topics.c     where the rows of a table go: its topic, made when missing, and how they are encoded
 *	encode.c     Connect data to bytes, by format
 *	write.c      rows and truncations to messages
 *	aside.c      what could not be written, on a topic of its own
 *	commit.c     transactions, and the place in the source that they carry
 */
#ifndef SINKS_KAFKA_H
#define SINKS_KAFKA_H

#include "base/map.h"
#include "clients/kafka_producer.h"
#include "clients/registry.h"
#include "core/sink.h"
#include "formats/avro/avro.h"
#include "formats/connect/json.h"
#include "formats/debezium/debezium.h"

enum delivery { EXACTLY_ONCE, AT_LEAST_ONCE };

struct kafka_sink {
	struct sink sink;
	struct kafka_options broker;
	struct registry_options schemas;
	struct debezium_modes modes;
	int delivery, compression, cleanup_policy;
	int64_t partitions, replication_factor; /* 0: as the brokers have it */
	const char *topic_settings;
	int64_t transaction_timeout_ms;
	bool tombstones, truncate_events;

	struct arena arena;
	const char *prefix; /* of topics */
	struct kafka_setting *topic_set;
	struct kafka *client;
	struct registry *registry; /* of format avro */
	struct map outlets;        /* source_id -> struct outlet * */
	struct kafka_topic *aside, *positions;
	bool fenced, in_transaction;
	int64_t began_ms;      /* the transaction */
	struct buf key, value; /* of the message under way */
};

static inline struct kafka_sink *kafka_sink_of(struct sink *s)
{
	return (struct kafka_sink *)s;
}

/* --- encode.c --- */

/* How keys, or values, of one schema become bytes. */
struct encoding {
	enum kafka_format format;
	struct buf prefix;  /* JSON_SCHEMA: what stands before the payload */
	uint32_t schema_id; /* AVRO */
};
/* Of the keys or values of a topic. ERROR_TABLE: the registry refuses the schema. */
MUST_CHECK bool encoding_init(struct encoding *, const struct kafka_sink *, const char *topic,
	bool is_key, const struct connect_schema *, struct error *);
void encoding_release(struct encoding *);

/* One value: begin, write into what it returns, end. */
union encoder {
	struct connect_json_writer json;
	struct avro_writer avro;
};
struct connect_writer *encoder_begin(union encoder *, const struct encoding *, struct buf *out);
void encoder_end(const struct encoding *, struct buf *out);

/* --- topics.c --- */

/* Where the rows of one definition of a table go. */
struct outlet {
	struct table *table; /* a reference */
	char *name;          /* of the topic */
	struct kafka_topic *topic;
	struct debezium_table *events;
	struct encoding key, value; /* key: of a table that has one */
	size_t max_bytes;           /* of a message */
	bool made;                  /* the topic was not there */
};
/* That of the table as it is now. NULL on failure. */
struct outlet *outlet_of(struct kafka_sink *, struct table *, struct error *);
void outlets_release(struct kafka_sink *);

/* "prefix.public.orders", as Debezium names it; in the arena. */
const char *topic_name(const struct kafka_sink *, const struct table *, struct arena *);
/* A topic of our own, "prefix.tailrace.NAME", of one partition, made when missing. NULL on failure. */
struct kafka_topic *own_topic(struct kafka_sink *, const char *name,
	const struct kafka_setting *settings, struct error *);
const char *own_topic_name(const struct kafka_sink *, const char *name, struct arena *);

/* --- commit.c --- */

/* Before anything is sent: a transaction is open, where there are any. */
MUST_CHECK bool transaction_begin(struct kafka_sink *, struct error *);

/* --- The slots of the ops table --- */

sink_check_fn kafka_sink_check;
sink_attach_fn kafka_sink_attach;
sink_generation_fn kafka_sink_generation;
sink_evolve_fn kafka_sink_evolve;
sink_write_fn kafka_sink_write;
sink_truncate_fn kafka_sink_truncate;
sink_set_aside_fn kafka_sink_set_aside;
sink_commit_fn kafka_sink_commit;
sink_recorded_fn kafka_sink_recorded;

#endif
