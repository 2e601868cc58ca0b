/*
 * Inside of the Kafka sink: a topic a table, a message an event, in Debezium's form.
 *
 *	kafka.c      options, open, close, the ops table
 *	check.c      what `tailrace check` says
 *	topics.c     where the rows of a table go: its topic, made when missing, and how they are encoded
 *	encode.c     Connect data to bytes, by format
 *	write.c      rows and truncations to messages
 *	outbox.c     rows of an outbox table to the topics that they name
 *	aside.c      what could not be written, on a topic of its own
 *	commit.c     transactions, and the place in the source that they carry
 *	channel.c    topics beside those of tables, for:
 *	metadata.c   where the source's transactions begin and end
 *	changes.c    tables that came and columns that changed
 *	heartbeat.c  a message now and then, so that consumers see that all is well
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
	bool tombstones, truncate_events, transaction_metadata, schema_changes;
	int64_t heartbeat_ms;                    /* 0: none */
	const char *outbox_table, *outbox_topic; /* NULL: none */

	struct arena arena;
	const char *prefix; /* of topics */
	struct kafka_setting *topic_set;
	struct kafka *client;
	struct registry *registry; /* of format avro */
	struct map outlets;        /* source_id -> struct outlet * */
	struct kafka_topic *aside, *positions;
	struct map routes; /* name -> struct kafka_topic * of outbox.c */
	struct channel *metadata, *changes, *heartbeats;
	struct metadata *seen; /* the source's transactions in ours */
	int64_t beat_ms;
	bool fenced, in_transaction;
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
/* Would the registry take the schema, or has it? Changes nothing. */
MUST_CHECK bool encoding_check(const struct kafka_sink *, const char *topic, bool is_key,
	const struct connect_schema *, struct error *);

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
	bool made;                  /* the topic was not there */
	struct outbox *outbox;      /* its rows are routed instead; NULL: they are not */
};
/* That of the table as it is now. NULL on failure. */
struct outlet *outlet_of(struct kafka_sink *, struct table *, struct error *);
void outlets_release(struct kafka_sink *);
struct debezium_table *events_of(const struct kafka_sink *, const struct table *);

/* "prefix.public.orders", as Debezium names it; in the arena. */
const char *topic_name(const struct kafka_sink *, const struct table *, struct arena *);
/* A topic of our own, "prefix.tailrace.NAME", of one partition, made when missing. NULL on failure. */
struct kafka_topic *own_topic(struct kafka_sink *, const char *name,
	const struct kafka_setting *settings, struct error *);
const char *own_topic_name(const struct kafka_sink *, const char *name, struct arena *);

/* Would the brokers take the topic of a table? Makes nothing. ERROR_CONFIG: they refuse it. */
MUST_CHECK bool topic_can_be_made(struct kafka_sink *, const char *name, struct error *);
/* The topic, made when missing with so many partitions (0: as the brokers have it). NULL on failure. */
struct kafka_topic *topic_make(struct kafka_sink *, const char *name, int64_t partitions,
	const struct kafka_setting *settings, struct error *);

/* --- outbox.c --- */

/* Is the table an outbox? */
bool is_outbox(const struct kafka_sink *, const struct table *);
/* ERROR_TABLE: it lacks a column. */
struct outbox *outbox_new(const struct table *, struct error *);
MUST_CHECK bool outbox_write(
	struct kafka_sink *, const struct outbox *, struct batch *, struct error *);
void outbox_release(struct kafka_sink *); /* the topics of all */

/* --- channel.c --- */

/* A topic of messages whose keys and values have schemas of their own. NULL on failure. */
struct channel;
struct channel *channel_open(struct kafka_sink *, const char *name,
	const struct connect_schema *key, const struct connect_schema *value, struct error *);
void channel_close(struct channel *); /* NULL is allowed */
/* One message: key, then value, then send. */
struct connect_writer *channel_key(struct kafka_sink *, struct channel *);
struct connect_writer *channel_value(struct kafka_sink *, struct channel *);
MUST_CHECK bool channel_send(struct kafka_sink *, struct channel *, struct error *);
/* Members of a struct being written. */
void put_text(struct connect_writer *, const char *name, const char *text);
void put_number(struct connect_writer *, const char *name, int64_t number);

/* --- metadata.c --- */

/* Counts an event; *out is its place for debezium_event. `text` holds the id for as long. */
#define TRANSACTION_ID 40
void metadata_note(struct kafka_sink *, const struct outlet *, const struct row_meta *,
	char text[TRANSACTION_ID], struct debezium_transaction *out);
/* It was not sent after all. */
void metadata_forget(struct kafka_sink *, const struct outlet *, const struct row_meta *);
/* Before a commit: tells of the transactions whose events it holds. */
MUST_CHECK bool metadata_send(struct kafka_sink *, struct error *);
void metadata_release(struct kafka_sink *);

/* --- changes.c, heartbeat.c --- */

/* `old` NULL: the table is new. */
MUST_CHECK bool changes_send(
	struct kafka_sink *, const struct table *old, const struct table *now, struct error *);
/* When it is time. */
MUST_CHECK bool heartbeat_send(struct kafka_sink *, struct error *);

/* --- commit.c --- */

bool is_transactional(const struct kafka_sink *);
const char *transactional_id(const struct kafka_sink *, struct arena *);

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
