/* All streams of a process: start, stop, are they ready, have they caught up; see pipeline.h. */
#include "pipeline/pipeline.h"

#include <stdio.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/wait.h"
#include "pipeline/internal.h"

#define STUCK_MS 30000 /* no progress for so long is not ready */

#define COPIERS_DEFAULT 4
#define SHARE_LEAST     (1 << 20)

static size_t copiers_of(const struct stream_config *settings)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	int64_t n = settings->options.copy_connections;

	/* one more than cores: now and then one waits until its rows are durable */
	if (n == 0)
		n = cores > 0 && cores < COPIERS_DEFAULT ? cores + 1 : COPIERS_DEFAULT;
	return n > MAX_COPIERS ? MAX_COPIERS : (size_t)n;
}

/* A bundle being read, one in the queue, one being written, and one batch a copy worker. */
static int64_t share_of_budget(const struct config *config)
{
	int64_t holders = 0;

	for (size_t i = 0; i < config->n_streams; i++)
		holders += 3 + (int64_t)copiers_of(&config->streams[i]);
	int64_t share = config->server.memory_bytes / (holders ? holders : 1);
	return share < SHARE_LEAST ? SHARE_LEAST : share;
}

static struct stream *stream_new(
	struct pipeline *p, const struct stream_config *settings, const char *warehouse_url)
{
	struct stream *s = xcalloc(1, sizeof *s);

	s->config = p->config;
	s->settings = settings;
	s->state = p->state;
	s->warehouse_url = connection_is_embedded(settings->to) ? warehouse_url : NULL;
	s->watch = &p->watch;
	s->share_bytes = share_of_budget(p->config);
	s->n_copiers = copiers_of(settings);
	s->progress_ms = s->counted_ms = mono_ms();
	pthread_mutex_init(&s->lock, NULL);
	wait_init(&s->changed);
	return s;
}

static void stream_free(struct stream *s)
{
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->changed);
	free(s);
}

struct pipeline *pipeline_start(const struct config *config, struct state *state,
	const char *warehouse_url, struct error *err)
{
	struct pipeline *p = xcalloc(1, sizeof *p);

	p->config = config;
	p->state = state;
	p->started_ms = mono_ms();
	pthread_mutex_init(&p->watch_lock, NULL);
	for (size_t i = 0; i < config->n_streams; i++) {
		struct stream *s = stream_new(p, &config->streams[i], warehouse_url);
		if (pthread_create(&s->reader, NULL, stream_run, s) != 0) {
			stream_free(s);
			pipeline_stop(p);
			error_set(err, ERROR_RETRY, "no thread could be started for stream %s",
				config->streams[i].name);
			return NULL;
		}
		vec_push(&p->streams, s);
	}
	return p;
}

const struct config *pipeline_config(const struct pipeline *p)
{
	return p->config;
}

void pipeline_stop(struct pipeline *p)
{
	vec_each (&p->streams, s) {
		pthread_mutex_lock(&(*s)->lock);
		(*s)->stopping = true;
		pthread_cond_broadcast(&(*s)->changed);
		pthread_mutex_unlock(&(*s)->lock);
	}
	vec_each (&p->streams, s) {
		pthread_join((*s)->reader, NULL);
		stream_free(*s);
	}
	vec_release(&p->streams);
	vec_each (&p->watch_lists, list) {
		vec_release(&(*list)->tables);
		arena_release(&(*list)->arena);
		free(*list);
	}
	vec_release(&p->watch_lists);
	pthread_mutex_destroy(&p->watch_lock);
	free(p);
}

/* Under the stream's lock. */
static enum catch_up stream_caught_up(const struct stream *s, struct error *err)
{
	bool broken = false;

	if (s->status == STREAM_STOPPED || s->refused) {
		error_set(err, ERROR_BROKEN, "stream %s %s: %s", s->settings->name,
			s->refused ? "is refused" : "has stopped", s->error);
		return CATCH_UP_FAILED;
	}
	if (!s->first_head.order || s->resume.position.order < s->first_head.order || !s->taken_up)
		return CATCH_UP_GOING;
	vec_each (&s->mirrors, m) {
		if ((*m)->status == TABLE_COPYING || (*m)->recopy_at)
			return CATCH_UP_GOING;
		if ((*m)->status == TABLE_BROKEN && !broken)
			error_set(err, ERROR_TABLE, "table %s is broken: %s", (*m)->table->target,
				(*m)->error);
		broken = broken || (*m)->status == TABLE_BROKEN;
	}
	return broken ? CATCH_UP_FAILED : CATCH_UP_DONE;
}

enum catch_up pipeline_caught_up(struct pipeline *p, struct error *err)
{
	enum catch_up all = CATCH_UP_DONE;

	vec_each (&p->streams, s) {
		pthread_mutex_lock(&(*s)->lock);
		enum catch_up one = stream_caught_up(*s, err);
		pthread_mutex_unlock(&(*s)->lock);
		if (one == CATCH_UP_GOING)
			return CATCH_UP_GOING;
		if (one == CATCH_UP_FAILED)
			all = CATCH_UP_FAILED;
	}
	return all;
}

bool stream_progressing(const struct stream *s)
{
	return s->status != STREAM_STOPPED && s->status != STREAM_RETRYING &&
	       mono_ms() - s->progress_ms < STUCK_MS;
}

bool pipeline_ready(struct pipeline *p, char *why, size_t size)
{
	bool ready = true;

	vec_each (&p->streams, s) {
		pthread_mutex_lock(&(*s)->lock);
		if (ready && (!stream_progressing(*s) || !(*s)->taken_up)) {
			snprintf(why, size, "stream %s is %s%s%s", (*s)->settings->name,
				stream_status_name((*s)->status), (*s)->error[0] ? ": " : "",
				(*s)->error);
			ready = false;
		}
		pthread_mutex_unlock(&(*s)->lock);
	}
	return ready;
}
