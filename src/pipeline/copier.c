/*
 * Copy workers: each takes the next chunk of any table, has the source read it, and hands its batches to the
 * sink as one load, which goes on over several chunks of a table. What is copied carries the lowest version
 * of the epoch, so it never matters how it interleaves with the stream. A chunk is in the ledger only once
 * the load that holds its rows has ended, and with it all of them are durable.
 */
#include <stdio.h>
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "pipeline/prepare.h"
#include "pipeline/stream.h"

#define IDLE_MS       200
#define WAIT_MS       250 /* for a transaction from before the fence */
#define WAIT_SAID_MS  60000
#define FAILED_MS     1000
#define FAILURES_MOST 8
/* A load ends after so long or so much: others wait for the mirror, and a failure copies it anew. */
#define LOAD_MS    5000
#define LOAD_BYTES ((uint64_t)512 << 20)

/* A chunk whose rows are all in the load. */
struct loaded {
	size_t index;
	uint64_t rows;
};

struct copier {
	struct batch_taker taker;
	struct stream *stream;

	/* the chunk being copied, of a table as it was when it was taken */
	struct mirror *mirror;
	struct table *table;
	size_t index;
	struct chunk chunk;
	uint32_t generation, serial, round;
	uint64_t rows;
	bool cancelled; /* the copy was started over, or ended by a TRUNCATE */

	/* The load. Meanwhile the mirror's lock is held, so that whatever changes where rows go
	 * comes before or after all of them. */
	bool loading;
	struct sink_load *load; /* NULL: the sink has none, and each batch is written by itself */
	int64_t load_began_ms;
	uint64_t load_rows, load_bytes;
	VEC(struct loaded) loaded;

	bool sink_failed; /* that is why the chunk was not copied */
	bool sink_away;   /* ... and it has been said */
	struct backoff backoff;
};

/* --- Which chunk --------------------------------------------------------------------------------- */

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

/* Under stream->lock. Locks are taken in the order mirror, stream; so the mirror's is only tried. It is not to
 * be had while somebody waits to change the mirror: then a load of it ends. */
static bool take_from(struct copier *c, struct mirror *m)
{
	if (pthread_rwlock_tryrdlock(&m->lock) != 0)
		return false;
	bool found = take_chunk(m, &c->index);
	if (found) {
		table_unref(c->table);
		c->mirror = m;
		c->table = table_ref(m->table);
		c->chunk = m->chunks.items[c->index].chunk;
		c->generation = m->building;
		c->serial = m->copy_serial;
		c->round = m->round;
		m->reading[c->round & 1]++;
	}
	pthread_rwlock_unlock(&m->lock);
	return found;
}

/* While there is a load: only one that goes into it. */
static bool take_job(struct copier *c)
{
	struct stream *s = c->stream;
	bool found = false;

	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; !found && i < s->mirrors.len; i++)
		if (!c->loading || s->mirrors.items[i] == c->mirror)
			found = take_from(c, s->mirrors.items[i]);
	pthread_mutex_unlock(&s->lock);
	return found;
}

static bool is_current(const struct copier *c)
{
	return mirror_copies(c->mirror, c->generation, c->serial);
}

/* Under the mirror's lock. */
static void take_again(struct copier *c, size_t index)
{
	pthread_mutex_lock(&c->stream->lock);
	vec_push(&c->mirror->again, index);
	pthread_mutex_unlock(&c->stream->lock);
}

static void put_back(struct copier *c)
{
	pthread_rwlock_rdlock(&c->mirror->lock);
	if (is_current(c))
		take_again(c, c->index);
	pthread_rwlock_unlock(&c->mirror->lock);
}

static void leave_alone(struct copier *c, int wait_ms)
{
	pthread_mutex_lock(&c->stream->lock);
	c->mirror->wait_until_ms = mono_ms() + wait_ms;
	pthread_mutex_unlock(&c->stream->lock);
}

/* --- The load ------------------------------------------------------------------------------------ */

static struct landing landing_of(const struct copier *c)
{
	return (struct landing){.table = c->table,
		.generation = c->generation,
		.building = c->mirror->generation != 0};
}

static struct splice_chunk splice_chunk_of(const struct copier *c)
{
	return (struct splice_chunk){.mirror = c->mirror,
		.index = c->index,
		.generation = c->generation,
		.serial = c->serial,
		.round = c->round};
}

static bool begin_load(struct copier *c, struct error *err)
{
	struct sink *sink = c->stream->sink;
	struct landing landing = landing_of(c);

	pthread_rwlock_rdlock(&c->mirror->lock);
	c->cancelled = !is_current(c);
	if (!c->cancelled && sink->ops->load) {
		c->load = sink->ops->load(sink, &landing, err);
		c->sink_failed = !c->load;
	}
	c->loading = !c->cancelled && !c->sink_failed;
	if (!c->loading)
		pthread_rwlock_unlock(&c->mirror->lock);
	if (c->cancelled)
		error_set(err, ERROR_RETRY, "the copy was started over");
	c->load_began_ms = mono_ms();
	c->load_rows = c->load_bytes = 0;
	return c->loading;
}

static void load_is_durable(struct copier *c)
{
	struct stream *s = c->stream;
	struct error err = {0};
	bool ok = true;

	c->mirror->copied_rows += c->load_rows;
	s->copied_rows += c->load_rows;
	s->written_bytes += c->load_bytes;
	vec_each (&c->loaded, done)
		ok = ok && mirror_chunk_done(s, c->mirror, done->index, done->rows, &err);
	if (!ok)
		stream_fail(s, &err);
	backoff_reset(&c->backoff);
	if (!c->sink_away)
		return;
	c->sink_away = false;
	log_info("target is back", F("stream", s->settings->name), F("step", "copy"));
	stream_set_status(s, STREAM_STREAMING, "");
}

/* keep false: its chunks are copied once more. */
static bool end_load(struct copier *c, bool keep, struct error *err)
{
	bool ok = true;

	if (!c->loading)
		return true;
	if (c->load)
		ok = c->stream->sink->ops->load_end(c->load, keep, err);
	failpoint("copier.after_write");
	if (ok && keep)
		load_is_durable(c);
	else
		vec_each (&c->loaded, back)
			take_again(c, back->index);
	c->loaded.len = 0;
	c->load = NULL;
	c->loading = false;
	pthread_rwlock_unlock(&c->mirror->lock);
	c->sink_failed = c->sink_failed || !ok;
	return ok;
}

static bool add_rows(struct copier *c, struct batch *batch, struct error *err)
{
	struct sink *sink = c->stream->sink;
	struct landing landing = landing_of(c);
	size_t rows = batch->rows, bytes = batch_bytes(batch);
	bool ok = true;

	if (c->load)
		ok = sink->ops->load_add(c->load, batch, err);
	else if (rows)
		ok = sink->ops->write(sink, &landing, batch, err);
	c->sink_failed = !ok;
	c->rows += rows;
	c->load_rows += rows;
	c->load_bytes += bytes;
	return ok;
}

static bool add_aside(struct copier *c, struct batch *batch, struct error *err)
{
	struct stream *s = c->stream;
	struct landing landing = landing_of(c);

	if (!batch->aside.len)
		return true;
	c->sink_failed = !s->sink->ops->set_aside(s->sink, &landing, batch, err);
	if (c->sink_failed)
		return false;
	c->mirror->set_aside += batch->aside.len;
	s->set_aside += batch->aside.len;
	return state_table_counts(
		s->state, s->settings->name, c->table->source_id, 0, batch->aside.len, err);
}

/* Rows for a log wait for their place in it. */
static bool splice_batch(struct copier *c, struct batch *batch, struct error *err)
{
	struct splice_chunk chunk = splice_chunk_of(c);

	c->rows += batch->rows;
	return splice_rows(c->stream, &chunk, batch, err);
}

static bool take_batch(struct batch_taker *taker, struct batch *batch, struct error *err)
{
	struct copier *c = (struct copier *)taker;

	apply_rules(batch, c->stream->config->server.hmac_key);
	if (c->mirror->log)
		return splice_batch(c, batch, err);
	if (!c->loading && !begin_load(c, err))
		return false;
	bool ok = add_aside(c, batch, err) && add_rows(c, batch, err);
	batch_clear(batch);
	if (ok && (mono_ms() - c->load_began_ms >= LOAD_MS || c->load_bytes >= LOAD_BYTES))
		ok = end_load(c, true, err);
	return ok;
}

/* --- What became of a chunk: how long its table is left alone -------------------------------------- */

/* The reason tells how old it is, so it is another one each time: said once a minute, and in status always. */
static int chunk_waits(struct copier *c, const struct error *err)
{
	struct mirror *m = c->mirror;
	int64_t now = mono_ms();

	pthread_mutex_lock(&c->stream->lock);
	bool news = !m->wait_said_ms || now - m->wait_said_ms >= WAIT_SAID_MS;
	if (news)
		m->wait_said_ms = now;
	snprintf(m->error, sizeof m->error, "%s", err->text);
	pthread_mutex_unlock(&c->stream->lock);
	if (news)
		log_info("a copy waits", F("stream", c->stream->settings->name),
			F("table", c->table->target), F("reason", err->text));
	return WAIT_MS;
}

static int chunk_is_stale(struct copier *c, const struct error *err)
{
	struct mirror *m = c->mirror;

	pthread_mutex_lock(&c->stream->lock);
	snprintf(m->recopy_wanted, sizeof m->recopy_wanted, "%s",
		err->text[0] ? err->text : "it was rewritten while it was copied");
	pthread_mutex_unlock(&c->stream->lock);
	return FAILED_MS;
}

/* Said once; the copy goes on when it is back. */
static int sink_is_away(struct copier *c, const struct error *err)
{
	struct stream *s = c->stream;

	if (!c->sink_away) {
		log_warn("target is away; trying again", F("stream", s->settings->name),
			F("step", "copy"), F("error", err->text));
		stream_set_status(s, STREAM_RETRYING, err->text);
	}
	c->sink_away = true;
	return backoff_next_ms(&c->backoff);
}

static int copy_failed(struct copier *c, const struct error *err)
{
	struct stream *s = c->stream;
	struct mirror *m = c->mirror;

	if (c->sink_failed && err->kind == ERROR_RETRY)
		return sink_is_away(c, err);
	log_warn("a chunk was not copied", F("stream", s->settings->name),
		F("table", c->table->target), F("chunk", c->chunk.number), F("error", err->text));
	pthread_mutex_lock(&s->lock);
	bool give_up = err->kind != ERROR_RETRY && ++m->copy_failures >= FAILURES_MOST;
	if (give_up)
		snprintf(m->break_wanted, sizeof m->break_wanted, "%s", err->text);
	pthread_mutex_unlock(&s->lock);
	return FAILED_MS;
}

static void not_copied(struct copier *c, enum copy_status status, const struct error *err)
{
	if (c->cancelled || stream_leaving(c->stream))
		return;
	leave_alone(c, status == COPY_WAIT    ? chunk_waits(c, err)
		       : status == COPY_STALE ? chunk_is_stale(c, err)
					      : copy_failed(c, err));
	put_back(c);
}

static void finish_load(struct copier *c)
{
	struct error err = {0};

	if (!end_load(c, true, &err) && !stream_leaving(c->stream))
		leave_alone(c, copy_failed(c, &err));
}

static void copy_chunk(struct copier *c)
{
	struct source *source = c->stream->source;
	struct error err = {0}, ignored = {0};

	c->rows = 0;
	c->cancelled = c->sink_failed = false;
	enum copy_status status = source->ops->copy(source, c->table, &c->chunk, &c->taker, &err);
	if (status == COPY_DONE && c->mirror->log) {
		struct splice_chunk chunk = splice_chunk_of(c);
		(void)!splice_end(c->stream, &chunk, c->rows, &err);
		return;
	}
	if (status == COPY_DONE && (c->loading || begin_load(c, &err))) {
		struct loaded loaded = {c->index, c->rows};
		vec_push(&c->loaded, loaded);
		return;
	}
	if (c->sink_failed)
		(void)!end_load(c, false, &ignored);
	else
		finish_load(c);
	not_copied(c, status == COPY_DONE ? COPY_FAILED : status, &err);
}

/* All that was read has been handed over. */
static void end_reading(struct copier *c)
{
	pthread_mutex_lock(&c->stream->lock);
	c->mirror->reading[c->round & 1]--;
	pthread_mutex_unlock(&c->stream->lock);
}

void *copier_run(void *stream)
{
	struct copier c = {.taker = {.take = take_batch}, .stream = stream};

	while (!stream_leaving(c.stream)) {
		if (take_job(&c)) {
			copy_chunk(&c);
			end_reading(&c);
		} else if (c.loading)
			finish_load(&c);
		else
			stream_pause(c.stream, IDLE_MS);
	}
	finish_load(&c);
	table_unref(c.table);
	vec_release(&c.loaded);
	return NULL;
}
