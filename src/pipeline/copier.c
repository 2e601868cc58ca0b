/*
 * Copy workers: each takes the next chunk of any table, has the source read it, and writes its batches.
 * What is copied carries the lowest version of the epoch, so it never matters how it interleaves with
 * the stream. A chunk is in the ledger only once all of its rows are durable.
 */
#include <stdio.h>
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "pipeline/prepare.h"
#include "pipeline/stream.h"

#define IDLE_MS       200
#define WAIT_MS       250 /* for a transaction from before the fence */
#define FAILED_MS     1000
#define FAILURES_MOST 8

/* A chunk being copied; `taker` takes its batches. */
struct copy_job {
	struct batch_taker taker;
	struct stream *stream;
	struct mirror *mirror;
	struct table *table;
	size_t index;
	struct chunk chunk;
	uint32_t generation, serial;
	uint64_t rows;
	bool cancelled; /* the copy was started over, or ended by a TRUNCATE */
};

static bool take_chunk(struct mirror *m, size_t *index)
{
	if (m->status != TABLE_COPYING || !m->planned || mono_ms() < m->wait_until_ms)
		return false;
	if (m->again.len) {
		*index = m->again.items[--m->again.len];
		return true;
	}
	while (m->next_chunk < m->chunks.len && m->chunks.items[m->next_chunk].done)
		m->next_chunk++;
	if (m->next_chunk == m->chunks.len)
		return false;
	*index = m->next_chunk++;
	return true;
}

/* Under stream->lock. Locks are taken in the order mirror, stream; so the mirror's is only tried. */
static bool take_from(struct mirror *m, struct copy_job *job)
{
	if (pthread_rwlock_tryrdlock(&m->lock) != 0)
		return false;
	bool found = take_chunk(m, &job->index);
	if (found) {
		job->mirror = m;
		job->table = table_ref(m->table);
		job->chunk = m->chunks.items[job->index].chunk;
		job->generation = m->building;
		job->serial = m->copy_serial;
	}
	pthread_rwlock_unlock(&m->lock);
	return found;
}

static bool take_job(struct stream *s, struct copy_job *job)
{
	bool found = false;

	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; !found && i < s->mirrors.len; i++)
		found = take_from(s->mirrors.items[i], job);
	pthread_mutex_unlock(&s->lock);
	return found;
}

static bool write_rows(void *context, struct error *err)
{
	struct copy_job *job = (struct copy_job *)((void **)context)[0];
	struct batch *batch = ((void **)context)[1];
	struct landing landing = {.table = job->table,
		.generation = job->generation,
		.building = job->mirror->generation != 0};
	struct sink *sink = job->stream->sink;

	if (batch->rows && !sink->ops->write(sink, &landing, batch, err))
		return false;
	return !batch->aside.len || sink->ops->set_aside(sink, &landing, batch, err);
}

static bool is_current(const struct copy_job *job)
{
	const struct mirror *m = job->mirror;
	return m->status == TABLE_COPYING && m->building == job->generation &&
	       m->copy_serial == job->serial;
}

static bool take_batch(struct batch_taker *taker, struct batch *batch, struct error *err)
{
	struct copy_job *job = (struct copy_job *)taker;
	struct stream *s = job->stream;
	void *context[] = {job, batch};

	apply_rules(batch, s->config->server.hmac_key);
	pthread_rwlock_rdlock(&job->mirror->lock);
	job->cancelled = !is_current(job);
	bool ok = !job->cancelled && stream_attempt(s, "copy", write_rows, context, err);
	if (ok) {
		job->rows += batch->rows;
		job->mirror->copied_rows += batch->rows;
		job->mirror->set_aside += batch->aside.len;
		s->copied_rows += batch->rows;
		s->set_aside += batch->aside.len;
		s->written_bytes += batch_bytes(batch);
		ok = !batch->aside.len || state_table_counts(s->state, s->settings->name,
						  job->table->source_id, 0, batch->aside.len, err);
	}
	pthread_rwlock_unlock(&job->mirror->lock);
	if (job->cancelled)
		error_set(err, ERROR_RETRY, "the copy was started over");
	batch_clear(batch);
	failpoint("copier.after_write");
	return ok;
}

/* The chunk is durable: into the ledger, unless its copy is over. */
static void chunk_done(struct copy_job *job)
{
	struct stream *s = job->stream;
	struct mirror *m = job->mirror;
	struct error err = {0};

	failpoint("copier.before_done");
	pthread_rwlock_rdlock(&m->lock);
	bool ok = true;
	if (is_current(job)) {
		ok = state_chunk_done(s->state, s->settings->name, job->table->source_id,
			job->generation, job->chunk.number, job->rows, &err);
		pthread_mutex_lock(&s->lock);
		if (ok && !m->chunks.items[job->index].done) {
			m->chunks.items[job->index].done = true;
			m->chunks_left--;
		}
		m->copy_failures = 0;
		pthread_mutex_unlock(&s->lock);
	}
	pthread_rwlock_unlock(&m->lock);
	if (!ok)
		stream_fail(s, &err);
	failpoint("copier.after_done");
}

static void put_back(struct copy_job *job, int wait_ms)
{
	struct stream *s = job->stream;
	struct mirror *m = job->mirror;

	pthread_rwlock_rdlock(&m->lock);
	if (is_current(job)) {
		pthread_mutex_lock(&s->lock);
		vec_push(&m->again, job->index);
		m->wait_until_ms = mono_ms() + wait_ms;
		pthread_mutex_unlock(&s->lock);
	}
	pthread_rwlock_unlock(&m->lock);
}

static void chunk_waits(struct copy_job *job, const struct error *err)
{
	struct mirror *m = job->mirror;

	pthread_mutex_lock(&job->stream->lock);
	bool news = strcmp(m->error, err->text) != 0;
	snprintf(m->error, sizeof m->error, "%s", err->text);
	pthread_mutex_unlock(&job->stream->lock);
	if (news)
		log_info("a copy waits", F("stream", job->stream->settings->name),
			F("table", job->table->target), F("reason", err->text));
	put_back(job, WAIT_MS);
}

static void chunk_failed(struct copy_job *job, const struct error *err)
{
	struct stream *s = job->stream;
	struct mirror *m = job->mirror;

	if (job->cancelled || stream_leaving(s))
		return;
	log_warn("a chunk was not copied", F("stream", s->settings->name),
		F("table", job->table->target), F("chunk", job->chunk.number),
		F("error", err->text));
	pthread_mutex_lock(&s->lock);
	bool give_up = err->kind != ERROR_RETRY && ++m->copy_failures >= FAILURES_MOST;
	if (give_up)
		snprintf(m->break_wanted, sizeof m->break_wanted, "%s", err->text);
	pthread_mutex_unlock(&s->lock);
	put_back(job, FAILED_MS);
}

static void copy_chunk(struct copy_job *job)
{
	struct source *source = job->stream->source;
	struct error err = {0};
	enum copy_status status = source->ops->copy(
		source, job->table, &job->chunk, &job->taker, &err);

	if (job->cancelled)
		return;
	if (status == COPY_DONE) {
		chunk_done(job);
	} else if (status == COPY_WAIT) {
		chunk_waits(job, &err);
	} else if (status == COPY_STALE) {
		pthread_mutex_lock(&job->stream->lock);
		snprintf(job->mirror->recopy_wanted, sizeof job->mirror->recopy_wanted, "%s",
			err.text[0] ? err.text : "it was rewritten while it was copied");
		pthread_mutex_unlock(&job->stream->lock);
		put_back(job, FAILED_MS);
	} else {
		chunk_failed(job, &err);
	}
}

void *copier_run(void *stream)
{
	struct stream *s = stream;

	while (!stream_leaving(s)) {
		struct copy_job job = {.taker = {.take = take_batch}, .stream = s};
		if (!take_job(s, &job)) {
			stream_pause(s, IDLE_MS);
			continue;
		}
		copy_chunk(&job);
		table_unref(job.table);
	}
	return NULL;
}
