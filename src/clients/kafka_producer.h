/*
 * Writing to topics. kafka_send() hands a message to librdkafka, which gathers, compresses and sends; what
 * was handed over is on enough brokers' disks (acks=all) only once kafka_flush() or kafka_commit() says so.
 * A message that no broker takes is told there, and by the next kafka_send(); the producer is then of no use
 * any more. Of one thread at a time.
 */
#ifndef CLIENTS_KAFKA_PRODUCER_H
#define CLIENTS_KAFKA_PRODUCER_H

#include "clients/kafka.h"

/* A topic that is written to; freed before its client. */
struct kafka_topic;
struct kafka_topic *kafka_topic_open(struct kafka *, const char *name);
void kafka_topic_close(struct kafka_topic *);

struct kafka_message {
	const void *key, *value; /* copied; NULL: none, of a value: a tombstone */
	size_t key_len, value_len;
	/* one header: a name, and its bytes; NULL: none */
	const char *header;
	const void *header_value;
	size_t header_len;
};

/* Waits while the buffers are full. ERROR_DATA: the message is larger than the topic takes; it is not sent, and
 * others may be. */
MUST_CHECK bool kafka_send(struct kafka_topic *, const struct kafka_message *, struct error *);

/* Waits until all is written. ERROR_RETRY: not in time; what was sent may arrive still. */
MUST_CHECK bool kafka_flush(struct kafka *, struct error *);

/*
 * Transactions, of a client with a transactional.id. kafka_fence() comes first: it ends what an earlier
 * process of that id left open. A failure of any of them leaves a client that can only be freed; whether a
 * commit that failed took place can be seen only by reading (read_committed) after the next kafka_fence().
 * Whatever fails once transaction.timeout.ms has passed is ERROR_RETRY: the brokers have given it up, and
 * answer as if somebody else had fenced us.
 */
MUST_CHECK bool kafka_fence(struct kafka *, struct error *);
MUST_CHECK bool kafka_begin(struct kafka *, struct error *);
MUST_CHECK bool kafka_commit(struct kafka *, struct error *); /* and flushes */
void kafka_abort(struct kafka *); /* as far as it can be told to the brokers */

#endif
