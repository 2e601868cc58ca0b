/*
 * Reading topics: as a member of a consumer group, which shares their partitions, or alone, from places of
 * one's own choice. Only what is committed is seen (read_committed). Nothing is committed by itself.
 *
 * One thread reads (new, subscribe, assign, read, hold, free); the functions on offsets may be called by any.
 */
#ifndef CLIENTS_KAFKA_CONSUMER_H
#define CLIENTS_KAFKA_CONSUMER_H

#include "clients/kafka.h"

/* The next message to be read of a partition. */
struct kafka_place {
	const char *topic;
	int partition;
	int64_t offset; /* or one of the below */
};
VEC_TYPE(kafka_places, struct kafka_place);
enum { KAFKA_EARLIEST = -2, KAFKA_LATEST = -1, KAFKA_NOWHERE = -1001 };

struct kafka_record {
	const char *topic;
	int partition;
	int64_t offset;
	int64_t timestamp_ms; /* 0: not known */
	const uint8_t *key, *value;
	size_t key_len, value_len;
	bool has_key, has_value;
	bool end;            /* no message: `offset` is the end of the partition for now */
	const void *message; /* for kafka_header() */
};

struct kafka_header {
	const char *name;
	const uint8_t *value; /* NULL: none */
	size_t len;
};
/* The i-th header of a record; false: it has no more. */
bool kafka_header(const struct kafka_record *, size_t i, struct kafka_header *out);

/* What a member of a group is told, within kafka_read() and kafka_consumer_free(). */
struct kafka_group {
	const char *name;
	/* these partitions are ours from now on; sets where each begins. False: err is what kafka_read() says */
	bool (*taken)(void *context, struct kafka_places *, struct error *);
	/* these are not any more; another member may read them already */
	void (*given)(void *context, const struct kafka_places *);
	/* the brokers did not commit these, as when the group shares out its partitions anew */
	void (*refused)(void *context, const struct kafka_places *);
	void *context;
};

struct kafka_consumer;
/* `group` NULL: alone. About `buffer_bytes` are read ahead. */
struct kafka_consumer *kafka_consumer_new(const struct kafka_options *, const struct kafka_group *,
	int64_t buffer_bytes, struct error *);
void kafka_consumer_free(struct kafka_consumer *); /* leaves the group; NULL is allowed */
struct kafka *kafka_consumer_client(struct kafka_consumer *);

/* Of a member: replaces the topics it reads. Of one alone: replaces the partitions. */
MUST_CHECK bool kafka_subscribe(
	struct kafka_consumer *, const char *const *topics, size_t n, struct error *);
MUST_CHECK bool kafka_assign(struct kafka_consumer *, const struct kafka_places *, struct error *);

/*
 * Waits for something to come, then takes what is there, `most` records at most; they are valid until the
 * next call. ERROR_GAP: the partition holds nothing at the place where it was to go on.
 */
MUST_CHECK bool kafka_read(struct kafka_consumer *, struct kafka_record *out, size_t most,
	size_t *n, int wait_ms, struct error *);

/* Waits until the group has given this member its share, which may be nothing. What comes meanwhile is kept
 * for kafka_read(). ERROR_RETRY: not in time. */
MUST_CHECK bool kafka_join(struct kafka_consumer *, int wait_ms, struct error *);

/* Nothing comes until it is called with false; the group is answered all the same. */
void kafka_hold(struct kafka_consumer *, bool hold);

/* Some partitions alone: nothing comes of them until they go on from those places. */
void kafka_pause(struct kafka_consumer *, const struct kafka_places *);
MUST_CHECK bool kafka_go_on(struct kafka_consumer *, const struct kafka_places *, struct error *);

/* Fills in the offsets: what the group has committed (KAFKA_NOWHERE: nothing); the ends, or the
 * first messages that there are. */
MUST_CHECK bool kafka_committed(struct kafka *, struct kafka_places *, struct error *);
MUST_CHECK bool kafka_bounds(
	struct kafka *, struct kafka_places *, int64_t earliest_or_latest, struct error *);

/* The first message of each partition that was written at that time or later; their ends where none was. */
MUST_CHECK bool kafka_since(struct kafka *, struct kafka_places *, int64_t time_ms, struct error *);

/* Without `wait` the group is told when the brokers refuse; with it ERROR_RETRY after some seconds without an answer,
 * and it may have been done all the same. */
MUST_CHECK bool kafka_commit_offsets(
	struct kafka *, const struct kafka_places *, bool wait, struct error *);

/* A name that no other cluster has; "" where the brokers do not tell. */
const char *kafka_cluster(struct kafka *, struct arena *);

#endif
