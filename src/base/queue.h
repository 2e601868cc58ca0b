/*
 * A bounded queue of pointers between threads, bounded in bytes: put waits while what is inside,
 * with what is put, exceeds the bound (one item always fits). Closing wakes everyone: puts fail
 * from then on, takes drain what is left.
 */
#ifndef BASE_QUEUE_H
#define BASE_QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include "base/attrs.h"

struct queue_item;
struct queue {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct queue_item *first, *last;
	size_t bytes, max_bytes;
	int takers_waiting;
	bool closed;
};

void queue_init(struct queue *q, size_t max_bytes);
void queue_release(struct queue *q); /* the caller has drained it */
void queue_close(struct queue *q);

/* False when closed, or when wait_ms passed (the item stays the caller's). wait_ms < 0 waits for
 * ever. */
MUST_CHECK bool queue_put(struct queue *q, void *item, size_t bytes, int wait_ms);
void *queue_take(
	struct queue *q, int wait_ms); /* NULL: nothing came in time, or closed and empty */

bool queue_wanted(
	struct queue *q); /* empty, and a taker is waiting: what is put now goes at once */
bool queue_closed(struct queue *q);

#endif
