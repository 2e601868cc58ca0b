/* Inside of the client: what librdkafka is called with. For kafka*.c alone. */
#ifndef CLIENTS_KAFKA_HANDLE_H
#define CLIENTS_KAFKA_HANDLE_H

#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include "clients/kafka.h"

#define KAFKA_WAIT_MS  10000 /* for an answer about topics, settings, offsets */
#define KAFKA_SLICE_MS 1000  /* of a wait: what connections suffer from is looked at in between */

struct kafka_consumer;
struct kafka {
	rd_kafka_t *rk;
	struct kafka_consumer *consumer; /* that this is of; NULL: none */
	size_t gathers_bytes;         /* of a producer: in one request for a partition, at most */
	int64_t began_ms, timeout_ms; /* of a producer: its transaction; 0: none is open */
	/* of a producer, since it was flushed last; unlooked: bytes since its queue was looked at */
	uint64_t sent, sent_bytes, unlooked;
	pthread_mutex_t lock;
	/* under the lock: */
	bool reached;      /* brokers have answered once */
	int64_t failed_ms; /* when a connection that failed was last told of, and what was said */
	uint64_t failed;
	int x509;              /* what was wrong with the last certificate; 0: nothing */
	struct error trouble;  /* what a connection last suffered from: why nothing is answered */
	struct error delivery; /* the first message that no broker took */
};

/* Of an event that was waited for; NULL: none came. */
static inline rd_kafka_resp_err_t kafka_event_code(rd_kafka_event_t *event)
{
	return event ? rd_kafka_event_error(event) : RD_KAFKA_RESP_ERR__TIMED_OUT;
}

/* kafka_producer.c */
struct kafka_topic {
	struct kafka *client;
	rd_kafka_topic_t *topic;
	size_t takes_bytes; /* in a message, and in all that is gathered for a partition; 0: not known yet */
	int64_t asked_ms;
	size_t gathered_bytes; /* of all partitions, since a flush */
};

/* An error by what to do about it; `what` was being done. Always false. Timeouts are explained by the trouble
 * that connections have. kafka_fail_right() names the
 * right that was needed on a topic: "Read on it". */
bool kafka_fail(struct kafka *, struct error *, int code, const char *what, const char *why);
bool kafka_fail_right(struct kafka *, struct error *, int code, const char *what, const char *why,
	const char *right);

/* Brokers do not let us in, for a reason that no waiting mends; they have answered: past trouble is over; after
 * that error an answer may still come. */
bool kafka_is_refused(struct kafka *);
void kafka_answered(struct kafka *);
bool kafka_may_answer(struct kafka *, int code);

/* The same of an error object, which it frees; NULL is no error: true. */
MUST_CHECK bool kafka_check(
	struct kafka *, rd_kafka_error_t *, const char *what, struct error *err);

void kafka_delivered(rd_kafka_t *, const rd_kafka_message_t *, void *kafka); /* kafka_producer.c */

/* kafka_consumer.c */

/* What the group has committed, into the list. */
rd_kafka_resp_err_t kafka_group_offsets(struct kafka *, rd_kafka_topic_partition_list_t *);
void kafka_rebalanced(
	rd_kafka_t *, rd_kafka_resp_err_t, rd_kafka_topic_partition_list_t *, void *kafka);
void kafka_offsets_committed(
	rd_kafka_t *, rd_kafka_resp_err_t, rd_kafka_topic_partition_list_t *, void *kafka);

#endif
