/*
 * Inside of Kafka as a source.
 *
 *	kafka.c      options, open, start, close, lag: what the pipeline calls
 *	topics.c     which topics are read, and what tables they are
 *	message.c    a message's key and value: their encodings, schemas, and shape
 *	sample.c     the newest message of a topic, from which a table is first known
 *	define.c     a table from the schemas of a message
 *	read.c       messages to bundles
 *	again.c      messages that are held back, and read again
 *	aside.c      messages that cannot be read
 *	retry.c      ... and are read once more
 *	offsets.c    how far all is
 *	check.c      what `tailrace check` can say
 *
 * A table is known by the newest message of its topic. A topic that has none yet, or none that can be read, is
 * not read at all: it is looked at again now and then, and its table joins when it can.
 */
#ifndef SOURCES_KAFKA_KAFKA_H
#define SOURCES_KAFKA_KAFKA_H

#include "clients/kafka_names.h"
#include "formats/debezium/debezium.h"
#include "sources/kafka/message.h"
#include "sources/kafka/offsets.h"

struct topic {
	char *name;
	struct kafka_table carries; /* the rows of that one */
	uint64_t id;                /* source_id of the table */
	int partitions;
	bool there;  /* in the cluster, when last looked */
	bool told;   /* the pipeline has its table */
	bool warned; /* of fields without a column */
	struct forms forms;
	struct form *form; /* that makes its table now; NULL: none is known yet */
	version_t
		newest_place; /* of a message of that form: later ones of another define the table anew */
};

struct kafka_source {
	struct source source;
	struct kafka_options kafka;
	struct debezium_modes modes;
	struct registry_options registry_options;
	const char *group, *topics_wanted;
	int begin; /* enum: earliest, latest */

	struct arena arena; /* of the connection */
	const char *prefix; /* of topics */
	char group_name[256];
	struct registry *registry;     /* NULL: none is configured */
	struct kafka_consumer *looker; /* alone: metadata and samples */
	struct kafka_consumer *member; /* of the group; NULL before start */
	const char *identity;

	pthread_mutex_t topics_lock; /* of the list, against other threads than the reader's */
	VEC(struct topic *) topics;
	struct map topics_by_name;
	int64_t listed_ms;        /* when topics were last looked at */
	int64_t answered_ms;      /* when the brokers last answered */
	int64_t committed_ms;     /* when the reader last looked for what was refused */
	struct topic *last_topic; /* of the last message, and the name it had there */
	const char *last_name;
	struct part *last_part;

	struct message message;               /* the one that is being read */
	bool retrying;                        /* it was set aside */
	VEC(struct messages_aside *) retries; /* to come; under the lock of topics */
	struct offsets offsets;
	VEC(struct kafka_record) records;
	int64_t commit_time_us; /* of the last event read */
};

static inline struct kafka_source *kafka_of(struct source *source)
{
	return (struct kafka_source *)source;
}

/* --- kafka.c --- */

/* What is durable and not committed. Any thread. */
void commit_durable(struct kafka_source *k);

/* --- topics.c --- */

/* Looks at the cluster: new topics that are wanted are added, without a table. */
MUST_CHECK bool topics_list(struct kafka_source *k, struct error *err);
struct topic *topic_find(struct kafka_source *k, const char *name); /* NULL: not ours */
/* By the reader, or under the lock of topics; NULL: none. */
struct topic *topic_of_table(struct kafka_source *k, uint64_t table);
void topics_release(struct kafka_source *k);
/* Subscribes to those whose tables the pipeline has. */
MUST_CHECK bool topics_subscribe(struct kafka_source *k, bool *any, struct error *err);
/* All partitions of all topics, or of one; release the places. */
void topic_places(const struct topic *topic, struct kafka_places *out);
void table_places(
	struct kafka_source *k, uint64_t table, struct kafka_places *out); /* any thread */

/* --- sample.c --- */

/* Looks for the newest message of every topic that has no table yet, and defines it where that can be. */
MUST_CHECK bool sample_topics(struct kafka_source *k, struct error *err);

/* --- define.c --- */

/* The form of the message that is open, made with its table when it is new. NULL: ERROR_DATA. */
struct form *topic_form(struct kafka_source *k, struct topic *topic, struct error *err);
/* The topic's table for the pipeline, as its newest message has it. */
struct table *tell_table(struct kafka_source *k, struct topic *topic);
/* How late an event is among those of its topic: by its place in the source's log, or, where it does not say,
 * by the moment it was written; of one place, by its offset. */
version_t event_place(const struct debezium_source *seen, const struct kafka_record *record);
/* Of the message that is open, of that form; 0: it cannot be read, and says nothing. */
version_t message_place(
	struct kafka_source *k, const struct form *form, const struct kafka_record *record);
struct row_meta record_meta(const struct kafka_source *k, const struct kafka_record *record);

/* --- read.c --- */

enum source_status kafka_source_read(
	struct source *source, struct bundle *bundle, int wait_ms, struct error *err);

/* The rows of a message, or what is set aside of it, to the bundle. */
MUST_CHECK bool take_message(struct kafka_source *k, struct topic *topic,
	const struct kafka_record *record, struct bundle *bundle, struct error *err);

/* --- again.c --- */

source_hold_fn kafka_source_hold;
source_plan_fn kafka_source_plan;
source_copy_fn kafka_source_copy;
/* By the reader, before it reads. */
MUST_CHECK bool settle_held(struct kafka_source *k, struct bundle *bundle, struct error *err);

/* --- aside.c --- */

void set_message_aside(struct kafka_source *k, const struct topic *topic,
	const struct kafka_record *record, const char *reason, struct batch *batch);
/* What the batch has set aside last is of this message: its place and bytes go along. */
void keep_message(struct kafka_source *k, const struct topic *topic,
	const struct kafka_record *record, struct batch *batch);

/* --- retry.c --- */

source_retry_fn kafka_source_retry;
/* By the reader: all that is to come. */
MUST_CHECK bool retry_messages(struct kafka_source *k, struct bundle *bundle, struct error *err);
/* The last row of the batch, of the message, lacks values that are as before: it is set aside again. */
bool lacks_values(struct kafka_source *k, const struct topic *topic,
	const struct kafka_record *record, struct batch *batch);

/* --- check.c --- */

bool kafka_source_check(struct source *source, struct findings *out, struct error *err);

#endif
