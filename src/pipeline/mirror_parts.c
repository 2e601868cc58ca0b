/* What changes of mirrors are made of; see mirror_parts.h. */
#include "pipeline/mirror_parts.h"

#include <stdio.h>
#include "pipeline/stream.h"

/* The copy starts over; under the write lock. */
void mirror_forget_copy(struct stream *s, struct mirror *m)
{
	pthread_mutex_lock(&s->lock);
	m->chunks.len = 0;
	m->again.len = 0;
	m->next_chunk = m->chunks_left = 0;
	m->planned = false;
	m->publish_at = 0;
	m->copy_failures = 0;
	m->wait_until_ms = 0;
	m->recopy_wanted[0] = m->break_wanted[0] = '\0';
	m->copied_rows = 0;
	pthread_mutex_unlock(&s->lock);
	key_set_release(&m->written);
	key_set_release(&m->written_before);
}

void mirror_replace_table(struct stream *s, struct table **slot, struct table *now)
{
	pthread_mutex_lock(&s->lock);
	struct table *old = *slot;
	*slot = now ? table_ref(now) : NULL;
	if (old)
		table_unref(old);
	pthread_mutex_unlock(&s->lock);
}

void mirror_set_status(
	struct stream *s, struct mirror *m, enum table_status status, const char *error)
{
	pthread_mutex_lock(&s->lock);
	m->status = status;
	snprintf(m->error, sizeof m->error, "%s", error);
	pthread_mutex_unlock(&s->lock);
}

void mirror_set_generations(
	struct stream *s, struct mirror *m, uint32_t live, uint32_t building, bool feed_live)
{
	pthread_mutex_lock(&s->lock);
	m->generation = live;
	m->building = building;
	m->feed_live = feed_live;
	pthread_mutex_unlock(&s->lock);
}

bool mirror_compile_filter(struct mirror *m, struct error *err)
{
	m->filter = NULL;
	arena_release(&m->filter_arena);
	if (!m->table->options || !m->table->options->where)
		return true;
	m->filter = filter_compile(m->table->options->where, m->table, &m->filter_arena, err);
	return m->filter != NULL;
}

struct attach_job {
	struct stream *stream;
	struct landing landing;
};

static bool attach(void *context, struct error *err)
{
	struct attach_job *job = context;
	return job->stream->sink->ops->attach(job->stream->sink, &job->landing, err);
}

bool mirror_attach_all(struct stream *s, struct mirror *m, bool known, struct error *err)
{
	struct landing landings[2];
	size_t n = mirror_landings(m, landings);

	for (size_t i = 0; i < n; i++) {
		struct attach_job job = {s, landings[i]};
		job.landing.known = known;
		if (!stream_attempt(s, "attach", attach, &job, err))
			return false;
	}
	return true;
}
