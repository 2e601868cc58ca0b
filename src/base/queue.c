/*
 * Bounded queues; see queue.h. Waiting is by the monotonic clock, so that a step of the wall's
 * neither wakes nor stalls anyone. One condition serves putters and takers: there are one or two of
 * each.
 */
#include "base/queue.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include "base/mem.h"
#include "base/wait.h"

struct queue_item {
	struct queue_item *next;
	void *item;
	size_t bytes;
};

void queue_init(struct queue *q, size_t max_bytes)
{
	*q = (struct queue){.max_bytes = max_bytes};
	pthread_mutex_init(&q->lock, NULL);
	wait_init(&q->changed);
}

void queue_release(struct queue *q)
{
	assert(!q->first);
	pthread_cond_destroy(&q->changed);
	pthread_mutex_destroy(&q->lock);
}

void queue_close(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->closed = true;
	pthread_cond_broadcast(&q->changed);
	pthread_mutex_unlock(&q->lock);
}

/* False once the deadline has passed. */
static bool wait_changed(struct queue *q, int wait_ms, const struct timespec *deadline)
{
	if (wait_ms < 0)
		return pthread_cond_wait(&q->changed, &q->lock) == 0;
	return pthread_cond_timedwait(&q->changed, &q->lock, deadline) != ETIMEDOUT;
}

static bool has_room(const struct queue *q, size_t bytes)
{
	return !q->first || (bytes <= q->max_bytes && q->bytes <= q->max_bytes - bytes);
}

bool queue_put(struct queue *q, void *item, size_t bytes, int wait_ms)
{
	struct timespec deadline = deadline_in(wait_ms);

	pthread_mutex_lock(&q->lock);
	while (!q->closed && !has_room(q, bytes) && wait_changed(q, wait_ms, &deadline))
		;
	bool taken = !q->closed && has_room(q, bytes);
	if (taken) {
		struct queue_item *link = xmalloc(sizeof *link);
		*link = (struct queue_item){.item = item, .bytes = bytes};
		if (q->last)
			q->last->next = link;
		else
			q->first = link;
		q->last = link;
		q->bytes += bytes;
		pthread_cond_broadcast(&q->changed);
	}
	pthread_mutex_unlock(&q->lock);
	return taken;
}

static void *take_first(struct queue *q)
{
	struct queue_item *link = q->first;
	void *item = link->item;

	q->first = link->next;
	if (!q->first)
		q->last = NULL;
	q->bytes -= link->bytes;
	free(link);
	pthread_cond_broadcast(&q->changed);
	return item;
}

void *queue_take(struct queue *q, int wait_ms)
{
	struct timespec deadline = deadline_in(wait_ms);

	pthread_mutex_lock(&q->lock);
	q->takers_waiting++;
	while (!q->first && !q->closed && wait_changed(q, wait_ms, &deadline))
		;
	q->takers_waiting--;
	void *item = q->first ? take_first(q) : NULL;
	pthread_mutex_unlock(&q->lock);
	return item;
}

bool queue_wanted(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	bool wanted = !q->first && q->takers_waiting > 0;
	pthread_mutex_unlock(&q->lock);
	return wanted;
}

bool queue_closed(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	bool closed = q->closed;
	pthread_mutex_unlock(&q->lock);
	return closed;
}
