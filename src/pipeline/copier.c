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
#define LOAD_MS       2000 /* longest load, but for its last batch: others wait for the mirror */
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
	uint64_t rows;           /* durable */
	bool cancelled;          /* the copy was started over, or ended by a TRUNCATE */
	enum copy_status status; /* of the last attempt */
	bool sink_failed;        /* that is why it failed */
	/* rows on their way; meanwhile the mirror's lock is held, so that whatever changes where
	 * they go comes before or after all of them */
	bool loading;
	struct sink_load *load; /* NULL: the sink has none, and writes each batch */
	int64_t load_began_ms;
	uint64_t load_rows, load_bytes;
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

static bool is_current(const struct copy_job *job)
{
	const struct mirror *m = job->mirror;
	return m->status == TABLE_COPYING && m->building == job->generation &&
	       m->copy_serial == job->serial;
}

static struct landing landing_of(const struct copy_job *job)
{
	return (struct landing){.table = job->table,
		.generation = job->generation,
		.building = job->mirror->generation != 0};
}

static bool begin_load(struct copy_job *job, struct error *err)
{
	struct sink *sink = job->stream->sink;
	struct landing landing = landing_of(job);

	pthread_rwlock_rdlock(&job->mirror->lock);
	job->cancelled = !is_current(job);
	if (!job->cancelled && sink->ops->load) {
		job->load = sink->ops->load(sink, &landing, err);
		job->sink_failed = !job->load;
	}
	job->loading = !job->cancelled && !job->sink_failed;
	if (!job->loading)
		pthread_rwlock_unlock(&job->mirror->lock);
	if (job->cancelled)
		error_set(err, ERROR_RETRY, "the copy was started over");
	job->load_began_ms = mono_ms();
	job->load_rows = job->load_bytes = 0;
	return job->loading;
}

static void count_load(struct copy_job *job)
{
	struct stream *s = job->stream;

	job->rows += job->load_rows;
	job->mirror->copied_rows += job->load_rows;
	s->copied_rows += job->load_rows;
	s->written_bytes += job->load_bytes;
}

/* keep: true once all rows of the load are durable. */
static bool end_load(struct copy_job *job, bool keep, struct error *err)
{
	bool ok = true;

	if (!job->loading)
		return true;
	if (job->load)
		ok = job->stream->sink->ops->load_end(job->load, keep, err);
	if (ok && keep)
		count_load(job);
	job->load = NULL;
	job->loading = false;
	pthread_rwlock_unlock(&job->mirror->lock);
	job->sink_failed = job->sink_failed || !ok;
	failpoint("copier.after_write");
	return ok;
}

static bool add_rows(struct copy_job *job, struct batch *batch, struct error *err)
{
	struct sink *sink = job->stream->sink;
	struct landing landing = landing_of(job);

	job->load_rows += batch->rows;
	job->load_bytes += batch_bytes(batch);
	bool ok = job->load     ? sink->ops->load_add(job->load, batch, err)
		  : batch->rows ? sink->ops->write(sink, &landing, batch, err)
				: true;
	job->sink_failed = !ok;
	return ok;
}

static bool add_aside(struct copy_job *job, struct batch *batch, struct error *err)
{
	struct stream *s = job->stream;
	struct landing landing = landing_of(job);

	if (!batch->aside.len)
		return true;
	job->sink_failed = !s->sink->ops->set_aside(s->sink, &landing, batch, err);
	if (job->sink_failed)
		return false;
	job->mirror->set_aside += batch->aside.len;
	s->set_aside += batch->aside.len;
	return state_table_counts(
		s->state, s->settings->name, job->table->source_id, 0, batch->aside.len, err);
}

static bool take_batch(struct batch_taker *taker, struct batch *batch, struct error *err)
{
	struct copy_job *job = (struct copy_job *)taker;

	apply_rules(batch, job->stream->config->server.hmac_key);
	if (!job->loading && !begin_load(job, err))
		return false;
	bool ok = add_aside(job, batch, err) && add_rows(job, batch, err);
	batch_clear(batch);
	if (ok && mono_ms() - job->load_began_ms >= LOAD_MS)
		ok = end_load(job, true, err);
	return ok;
}

/* False only when the sink failed: that is tried again, from the chunk's beginning. */
static bool copy_rows(void *context, struct error *err)
{
	struct copy_job *job = context;
	struct source *source = job->stream->source;
	struct error ignored = {0};

	job->rows = 0;
	job->sink_failed = false;
	job->status = source->ops->copy(source, job->table, &job->chunk, &job->taker, err);
	if (job->status != COPY_DONE)
		(void)!end_load(job, false, &ignored);
	else if (!end_load(job, true, err))
		job->status = COPY_FAILED;
	return !job->sink_failed;
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
	struct error err = {0};
	bool ok = stream_attempt(job->stream, "copy", copy_rows, job, &err);
	enum copy_status status = ok ? job->status : COPY_FAILED;

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
