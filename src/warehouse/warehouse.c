/*
 * The life of the embedded ClickHouse (warehouse.h). One thread starts the child, waits for its death
 * or for the end, and starts it again; it is that thread's child, because Linux ties a child to the
 * thread that made it. A pipe wakes the thread up when it is to stop.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "warehouse/child.h"
#include "warehouse/place.h"
#include "warehouse/warehouse.h"

#define PING_MS       20
#define PATIENCE_MS   (10 * 60 * 1000) /* a folder of very many parts takes its time to open */
#define STOP_MS       10000
#define PORT_ATTEMPTS 3

struct warehouse {
	struct place place;
	struct warehouse_options
		options; /* its strings are the caller's: only good while starting */
	pthread_t thread;
	int wake[2];

	struct child child; /* the thread's own */

	pthread_mutex_t lock;
	pthread_cond_t settled;
	bool started, failed; /* the first start */
	struct error error;   /* why it failed */
	pid_t pid;            /* of the child that answers */
};

enum event { EVENT_NONE, EVENT_GONE, EVENT_STOP };

static enum event wait_event(struct warehouse *w, int wait_ms)
{
	struct pollfd fds[2] = {{.fd = w->wake[0], .events = POLLIN},
		{.fd = w->child.pid ? w->child.lifeline : -1, .events = POLLIN}};

	if (poll(fds, 2, wait_ms) <= 0)
		return EVENT_NONE;
	return fds[0].revents ? EVENT_STOP : EVENT_GONE;
}

static void set_pid(struct warehouse *w, pid_t pid)
{
	pthread_mutex_lock(&w->lock);
	w->pid = pid;
	pthread_mutex_unlock(&w->lock);
}

/* The child is dead: reaps it and tells why it died. */
static bool bury(struct warehouse *w, struct error *err)
{
	char how[32] = "", words[512];

	child_end(&w->child, how, sizeof how);
	child_words(&w->child, &w->place, words, sizeof words);
	return error_set(err, ERROR_BROKEN,
		"the embedded ClickHouse ended with %s: %s (its logs: %s/*.log)", how,
		*words ? words : "it said nothing", w->place.dir);
}

/* Starts the child and waits until it answers. *stop: the end came first. */
static bool raise_child(struct warehouse *w, bool *stop, struct error *err)
{
	int64_t until = mono_ms() + PATIENCE_MS;

	*stop = false;
	if (!child_start(&w->child, &w->place, err))
		return false;
	while (!place_ping(&w->place)) {
		enum event event = wait_event(w, PING_MS);
		if (event == EVENT_GONE)
			return bury(w, err);
		if (event == EVENT_STOP)
			*stop = true;
		if (*stop || mono_ms() > until) {
			child_end(&w->child, NULL, 0);
			return error_set(err, ERROR_BROKEN,
				"the embedded ClickHouse did not answer on %s", w->place.url);
		}
	}
	/* Some other program might answer on that port: the child must be alive as well. */
	return wait_event(w, 0) != EVENT_GONE || bury(w, err);
}

/* The first start: with other ports when those that were picked got lost to another program. */
static bool raise_first(struct warehouse *w, bool *stop, struct error *err)
{
	for (int attempt = 1;; attempt++) {
		if (raise_child(w, stop, err))
			return true;
		if (*stop || !w->place.any_port || attempt == PORT_ATTEMPTS ||
			!strstr(err->text, "in use"))
			return false;
		if (!place_pick_ports(&w->place, &w->options, err))
			return false;
	}
}

static void settle(struct warehouse *w, bool failed, const struct error *err)
{
	pthread_mutex_lock(&w->lock);
	w->started = true;
	w->failed = failed;
	w->error = *err;
	w->pid = w->child.pid;
	pthread_cond_broadcast(&w->settled);
	pthread_mutex_unlock(&w->lock);
}

/* Raises the child again, for as long as it takes. False: the end came first. */
static bool raise_again(struct warehouse *w)
{
	struct backoff backoff = {0};
	struct error err = {0};
	bool stop = false;

	while (wait_event(w, backoff_next_ms(&backoff)) != EVENT_STOP) {
		int64_t began = mono_ms();
		if (raise_child(w, &stop, &err)) {
			log_info("the embedded ClickHouse is back", F("url", w->place.url),
				F("after_ms", mono_ms() - began));
			return true;
		}
		if (stop)
			return false;
		log_error("the embedded ClickHouse does not start", F("error", err.text));
	}
	return false;
}

static void *supervise(void *argument)
{
	struct warehouse *w = argument;
	struct error err = {0};
	bool stop = false;

	bool up = raise_first(w, &stop, &err);
	settle(w, !up, &err);
	while (up) {
		if (wait_event(w, -1) == EVENT_STOP)
			break;
		set_pid(w, 0);
		bury(w, &err);
		log_warn("the embedded ClickHouse has died; starting it again",
			F("error", err.text));
		up = raise_again(w);
		set_pid(w, w->child.pid);
	}
	set_pid(w, 0);
	if (w->child.pid && !child_ask_to_end(&w->child, STOP_MS))
		log_warn("the embedded ClickHouse did not end in time; killing it");
	child_end(&w->child, NULL, 0);
	return NULL;
}

static void warehouse_free(struct warehouse *w)
{
	pthread_cond_destroy(&w->settled);
	pthread_mutex_destroy(&w->lock);
	for (int i = 0; i < 2; i++)
		if (w->wake[i] >= 0)
			close(w->wake[i]);
	place_release(&w->place);
	free(w);
}

static bool start_thread(struct warehouse *w, struct error *err)
{
	if (pipe2(w->wake, O_CLOEXEC) != 0)
		return error_set(err, ERROR_RETRY, "pipe: %s", strerror(errno));
	int failed = pthread_create(&w->thread, NULL, supervise, w);
	if (failed)
		return error_set(err, ERROR_RETRY, "cannot start a thread: %s", strerror(failed));
	pthread_mutex_lock(&w->lock);
	while (!w->started)
		pthread_cond_wait(&w->settled, &w->lock);
	pthread_mutex_unlock(&w->lock);
	if (!w->failed)
		return true;
	pthread_join(w->thread, NULL);
	if (err)
		*err = w->error;
	return false;
}

struct warehouse *warehouse_start(const struct warehouse_options *options, struct error *err)
{
	struct warehouse *w = xcalloc(1, sizeof *w);

	w->wake[0] = w->wake[1] = -1;
	w->child.lifeline = -1;
	w->options = *options;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->settled, NULL);
	int64_t began = mono_ms();
	if (!place_init(&w->place, options, err) || !start_thread(w, err)) {
		warehouse_free(w);
		return NULL;
	}
	log_info("the embedded ClickHouse is up", F("url", w->place.url),
		F("tcp_port", w->place.tcp_port), F("after_ms", mono_ms() - began));
	return w;
}

void warehouse_stop(struct warehouse *w)
{
	if (!w)
		return;
	while (write(w->wake[1], "", 1) < 0 && errno == EINTR)
		;
	pthread_join(w->thread, NULL);
	warehouse_free(w);
}

const char *warehouse_url(const struct warehouse *w)
{
	return w->place.url;
}

int warehouse_http_port(const struct warehouse *w)
{
	return w->place.http_port;
}

int warehouse_tcp_port(const struct warehouse *w)
{
	return w->place.tcp_port;
}

pid_t warehouse_pid(struct warehouse *w)
{
	pthread_mutex_lock(&w->lock);
	pid_t pid = w->pid;
	pthread_mutex_unlock(&w->lock);
	return pid;
}
