/* See poster.h. */
#include "clients/poster.h"

#include <stdlib.h>
#include <string.h>
#include "base/backoff.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/queue.h"
#include "base/wait.h"
#include "clients/http.h"

#define CONNECT_MS 5000
#define STALL_MS   10000

struct poster {
	char *name, *url, *authorization;
	struct http *http;
	struct queue queue;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool closing, ended;
	bool given_up;   /* of the thread: closing, and the other side does not answer */
	int64_t dropped; /* since that was said last */
	atomic_bool cancelled;
};

static void drop(struct poster *p)
{
	pthread_mutex_lock(&p->lock);
	bool first = !p->dropped++;
	pthread_mutex_unlock(&p->lock);
	if (first)
		log_warn("what is posted is dropped from now on", F("what", (const char *)p->name),
			F("url", (const char *)p->url));
}

/* Said when it is over: how many. */
static void tell_dropped(struct poster *p)
{
	pthread_mutex_lock(&p->lock);
	int64_t dropped = p->dropped;
	p->dropped = 0;
	pthread_mutex_unlock(&p->lock);
	if (dropped)
		log_warn("dropped", F("what", (const char *)p->name), F("number", dropped),
			F("url", (const char *)p->url));
}

/* --- posting --- */

enum verdict { DELIVERED, REFUSED, AGAIN };

static bool ignore(struct http_taker *taker, const uint8_t *bytes, size_t len, struct error *err)
{
	(void)taker, (void)bytes, (void)len, (void)err;
	return true;
}

static enum verdict post(struct poster *p, const char *document, struct error *err)
{
	const char *headers[] = {"Content-Type: application/json", p->authorization, NULL};
	struct http_taker taker = {ignore};
	struct http_bytes body;
	int status = 0;

	http_bytes_init(&body, document, strlen(document));
	const struct http_request request = {.url = p->url,
		.headers = headers,
		.body = &body.body,
		.body_bytes = (int64_t)strlen(document),
		.taker = &taker,
		.status = &status,
		.cancelled = &p->cancelled};
	if (!http_perform(p->http, &request, err))
		return err->kind == ERROR_RETRY ? AGAIN : REFUSED;
	if (status / 100 == 2)
		return DELIVERED;
	error_set(err, ERROR_RETRY, "%s answers %d", p->url, status);
	return status == 408 || status == 429 || status >= 500 ? AGAIN : REFUSED;
}

/* True: it is being closed. */
static bool wait_closing(struct poster *p, int ms)
{
	struct timespec until = deadline_in(ms);

	pthread_mutex_lock(&p->lock);
	while (!p->closing && pthread_cond_timedwait(&p->changed, &p->lock, &until) == 0) {
	}
	bool closing = p->closing;
	pthread_mutex_unlock(&p->lock);
	return closing;
}

static void deliver(struct poster *p, const char *document)
{
	struct backoff backoff = {0};

	for (bool said = false; !p->given_up; said = true) {
		struct error err = {0};
		enum verdict verdict = post(p, document, &err);
		if (verdict == DELIVERED) {
			tell_dropped(p);
			return;
		}
		if (!said)
			log_warn(verdict == AGAIN ? "what is posted cannot be delivered now"
						  : "what is posted is refused",
				F("what", (const char *)p->name),
				F("error", (const char *)err.text));
		if (verdict == REFUSED)
			break;
		p->given_up = wait_closing(p, backoff_next_ms(&backoff));
	}
	drop(p);
}

static void *work(void *argument)
{
	struct poster *p = argument;
	char *document;

	while ((document = queue_take(&p->queue, -1))) {
		deliver(p, document);
		free(document);
	}
	pthread_mutex_lock(&p->lock);
	p->ended = true;
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

/* --- the whole --- */

struct poster *poster_new(const struct poster_options *options)
{
	const struct http_options http = {
		.connect_timeout_ms = CONNECT_MS, .stall_timeout_ms = STALL_MS};
	struct poster *p = xcalloc(1, sizeof *p);

	p->name = xstrdup(options->name);
	p->url = xstrdup(options->url);
	if (options->bearer)
		p->authorization = xasprintf("Authorization: Bearer %s", options->bearer);
	p->http = http_new(&http);
	queue_init(&p->queue, options->max_bytes);
	pthread_mutex_init(&p->lock, NULL);
	wait_init(&p->changed);
	pthread_create(&p->thread, NULL, work, p);
	return p;
}

void poster_put(struct poster *p, const char *document)
{
	char *copy = xstrdup(document);

	if (queue_put(&p->queue, copy, strlen(copy), 0))
		return;
	free(copy);
	drop(p);
}

void poster_free(struct poster *p, int64_t wait_ms)
{
	if (!p)
		return;
	struct timespec until = deadline_in(wait_ms);
	queue_close(&p->queue);
	pthread_mutex_lock(&p->lock);
	p->closing = true;
	pthread_cond_broadcast(&p->changed);
	while (!p->ended && pthread_cond_timedwait(&p->changed, &p->lock, &until) == 0) {
	}
	pthread_mutex_unlock(&p->lock);
	atomic_store(&p->cancelled, true);
	pthread_join(p->thread, NULL);
	tell_dropped(p);
	queue_release(&p->queue);
	http_free(p->http);
	pthread_cond_destroy(&p->changed);
	pthread_mutex_destroy(&p->lock);
	free(p->name);
	free(p->url);
	free(p->authorization);
	free(p);
}
