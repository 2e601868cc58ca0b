/*
 * How far the partitions that are ours have been read, given to the pipeline, and made durable; and what
 * `order` means where a log has many ends.
 *
 * A head is the ends of all our partitions as they were at a moment. order is that moment (microseconds, of
 * the last head that everything has been read up to) << 64 | the number of the end that was given. So a place
 * compares with a head like places of any log: it has passed what was there then. Partitions that another
 * member of the group takes over are its business, and no head waits for them.
 *
 * The reader takes, reads and ends; the writer confirms; any thread asks for the lag.
 */
#ifndef SOURCES_KAFKA_OFFSETS_H
#define SOURCES_KAFKA_OFFSETS_H

#include <pthread.h>
#include "base/map.h"
#include "clients/kafka_consumer.h"
#include "core/bundle.h"
#include "core/source.h"

struct part {
	char *topic;
	int partition;
	uint64_t table; /* source_id of its topic's */
	bool ours;
	bool held,
		let_go; /* its rows are not taken; from now on they are again, those from `confirmed` on */
	bool paused; /* the reader's: nothing is read */
	/* is read again for a copy, of which other members know nothing: should we end, one begins where we did */
	bool retold;
	int64_t next;      /* behind what was read */
	int64_t given;     /* behind what the last end covers */
	int64_t confirmed; /* behind what is durable */
	int64_t committed; /* so far that was told to the brokers, who did not refuse it */
	int64_t head;      /* end of it when last seen */
};

struct part_place {
	struct part *part;
	int64_t offset;
};
struct end {
	unsigned __int128 order;
	struct part_place place;
};
struct head {
	int64_t us;
	VEC(struct part_place) places;
};

struct offsets {
	pthread_mutex_t lock; /* of what follows, but `next` and what was read are the reader's */
	struct map by_name;
	VEC(struct part *) parts;
	VEC(struct end) ends;   /* given and not confirmed yet, oldest first */
	VEC(struct head) heads; /* not reached yet, oldest first */
	unsigned __int128 order;
	bool changed;             /* something is held or let go */
	VEC(uint64_t) held;       /* tables that are, also of partitions that are yet to come */
	VEC(uint64_t) lost;       /* tables whose copy lost a partition */
	int64_t head_us;          /* moment of the last head */
	uint64_t messages, bytes; /* read so far, which tells how large a message is */
};

void offsets_init(struct offsets *o);
void offsets_release(struct offsets *o);
/* Goes on from that place; token: as offsets_print() made it, "" where it counts no more. */
void offsets_begin(struct offsets *o, unsigned __int128 order, const char *token);

uint64_t topic_id(const char *name); /* source_id of its table */
struct part *offsets_part(struct offsets *o, const char *topic, int partition);
/* How far it was durable when last known; 0: it never was. */
int64_t offsets_confirmed(struct offsets *o, const struct kafka_place *place);
void offsets_take(struct offsets *o, const struct kafka_place *place);
void offsets_give(struct offsets *o, const struct kafka_place *place);

/* Rows of a table are not taken for now; they are again, from what was confirmed or from `places` on. */
void offsets_hold(struct offsets *o, uint64_t table);
void offsets_let_go(struct offsets *o, uint64_t table, const struct kafka_places *places);
/* How many partitions of a table are ours; before it is read again for a copy. */
int offsets_count(struct offsets *o, uint64_t table);
/* By the reader: which partitions are to be paused now, and which go on, where. */
void offsets_settle(struct offsets *o, struct kafka_places *pause, struct kafka_places *go_on);
/* The next table whose copy lost a partition; 0: none. */
uint64_t offsets_lost(struct offsets *o);

/* After every round of reading: where the bundle ends now. Nothing happens where nothing has moved
 * and nothing is in it. */
void offsets_end(struct offsets *o, struct bundle *bundle, int64_t commit_time_us);

/* Durable up to that place. */
void offsets_confirm(struct offsets *o, const struct position *upto);
/* Commits what is durable and was not committed yet, or was refused; but of a table that is read again nothing until
 * it is let go without places. */
MUST_CHECK bool offsets_commit(struct offsets *o, struct kafka *client, struct error *err);
void offsets_refused(struct offsets *o, const struct kafka_place *place);

/* Our partitions, to be asked for their ends; the answer makes a head. Release the places. */
void offsets_ours(struct offsets *o, struct kafka_places *out);
void offsets_lag(struct offsets *o, const struct kafka_places *ends, struct source_lag *out);

void offsets_parts(struct offsets *o, struct arena *arena, struct source_parts *out);

/* "shop.public.orders-0=12,shop.public.orders-1=9", as far as there is room. Under the lock. */
void offsets_print(const struct offsets *o, char *out, size_t size);

#endif
