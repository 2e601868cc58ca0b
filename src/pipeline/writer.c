/*
 * The writer thread of a stream: bundles to the sink, then the position to the state store, then the
 * word to the source (design, invariant 3). Between bundles it sees to what else only it may do: plans,
 * publishing, breaking, copying anew.
 */
#include <stdio.h>
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "pipeline/prepare.h"
#include "pipeline/rows.h"
#include "pipeline/stream.h"

#define TICK_MS     100
#define GATHER_MS   500
#define SPLICE_MS   10 /* while copied rows wait for their place in a log */
#define LAG_MS      1000
#define REQUESTS_MS 1000
#define MARK_MS     10000
#define FRESH_US    INT64_C(5000000) /* how often a stream that stands still says as of when it does */

struct writer {
	struct stream *stream;
	int64_t ticked_ms, lag_ms, requests_ms, marked_ms;
	struct bundle *next; /* taken from the queue already */

	/* written, and not yet committed and recorded */
	bool within; /* a transaction of the source goes on behind `end` */
	bool ended;  /* `end` is set */
	struct position end;
	uint64_t changes, transactions;
	int64_t committed_ms;
};

struct write_job {
	struct stream *stream;
	struct landing landing;
	struct batch *batch;
};

static bool write_rows(void *context, struct error *err)
{
	struct write_job *job = context;
	struct sink *sink = job->stream->sink;
	return sink->ops->write(sink, &job->landing, job->batch, err);
}

static bool write_aside(void *context, struct error *err)
{
	struct write_job *job = context;
	struct sink *sink = job->stream->sink;
	return sink->ops->set_aside(sink, &job->landing, job->batch, err);
}

struct prepare_job {
	struct prepare prepare;
	struct batch *batch;
	bool done;
};

static bool prepare(void *context, struct error *err)
{
	struct prepare_job *job = context;
	return prepare_batch(&job->prepare, job->batch, err);
}

static bool land(
	struct stream *s, const struct landing *landing, struct batch *batch, struct error *err)
{
	struct write_job job = {s, *landing, batch};

	job.landing.table = batch->table;
	if (batch->rows && !stream_attempt(s, "write", write_rows, &job, err))
		return false;
	return true;
}

bool writer_land(struct stream *s, struct mirror *m, struct batch *batch, struct error *err)
{
	struct landing landings[2];
	size_t n = mirror_landings(m, landings);

	for (size_t i = 0; i < n; i++) {
		if (!land(s, &landings[i], batch, err))
			return false;
	}
	struct write_job aside = {s, landings[n - 1], batch};
	return !batch->aside.len || stream_attempt(s, "set aside", write_aside, &aside, err);
}

static enum unchanged unchanged_of(const struct mirror *m)
{
	if (!m->log)
		return UNCHANGED_FILL;
	/* a filter judges it, or the copied row that had it gives way to this one */
	return m->filter || m->status == TABLE_COPYING ? UNCHANGED_TRY : UNCHANGED_PASS;
}

static bool prepare_and_land(
	struct stream *s, struct mirror *m, struct batch *batch, struct error *err)
{
	struct landing landings[2];
	size_t n = mirror_landings(m, landings);
	struct prepare_job job = {
		.prepare = {.source = s->source,
			.sink = s->sink,
			.hmac_key = s->config->server.hmac_key,
			.filter = m->filter,
			.landing = landings[n - 1],
			.unchanged = unchanged_of(m)},
		.batch = batch,
	};
	job.prepare.landing.table = batch->table;

	if (!stream_attempt(s, "prepare", prepare, &job, err))
		return false;
	failpoint("writer.before_write");
	if (!writer_land(s, m, batch, err))
		return false;
	failpoint("writer.after_write");
	return true;
}

/* What a copy of the table need not write any more. */
static void note_written(struct mirror *m, const struct batch *batch)
{
	if (!m->log || m->status != TABLE_COPYING || !batch->table->n_key)
		return;
	for (size_t row = 0; row < batch->rows; row++)
		key_set_add(&m->written, batch, row);
}

/* What is left out now a copy will bring, but not that rows are gone, which a log must be told of all the same. */
static bool waits_for_copy(const struct mirror *m)
{
	return m->log && (m->log_lost_track || m->status == TABLE_BROKEN);
}

static void keep_deletes(struct batch *batch)
{
	struct buf fates;

	buf_init(&fates, BUF_MAX);
	for (size_t row = 0; row < batch->rows; row++) {
		char op = batch_meta(batch)[row].op;
		bool gone = op == OP_DELETE || op == OP_KEY_CHANGED;
		buf_u8(&fates, gone ? ROW_TOMBSTONE : ROW_DROP);
	}
	if (batch->rows)
		batch_settle(batch, fates.data);
	batch->aside.len = 0;
	buf_release(&fates);
}

static bool bury(struct stream *s, struct mirror *m, struct batch *batch, struct error *err)
{
	keep_deletes(batch);
	if (!batch->rows || !batch->table->n_key || prepare_and_land(s, m, batch, err))
		return true;
	if (!error_is_of_table(err) && err->kind != ERROR_CONFIG)
		return false;
	error_clear(err); /* the table is broken as it is */
	return true;
}

static bool apply_rows(struct stream *s, struct mirror *m, struct batch *batch, struct error *err)
{
	uint64_t rows = batch->rows, aside = batch->aside.len;
	/* rows are in the log's order until they are written */
	int64_t committed_us = rows ? batch_meta(batch)[rows - 1].commit_time_us : 0;

	if (waits_for_copy(m))
		return bury(s, m, batch, err);
	if (!mirror_takes_rows(m))
		return true;
	if (!watch_note(s, m, batch, err) || !prepare_and_land(s, m, batch, err)) {
		if (!error_is_of_table(err))
			return false;
		mirror_break(s, m, err->text);
		error_clear(err);
		return true;
	}
	note_written(m, batch);
	aside = batch->retried ? 0 : batch->aside.len;
	m->retry.again += batch->aside.len - aside;
	m->changes += rows;
	m->set_aside += aside;
	if (committed_us && !batch->retried)
		m->lag_ms = (wall_us() - committed_us) / 1000;
	s->set_aside += aside;
	s->changes += rows;
	s->batches++;
	return state_table_counts(
		s->state, s->settings->name, m->table->source_id, rows, aside, err);
}

static bool add_mirror(struct stream *s, struct table *table, struct error *err)
{
	if (!absent_replaced(s, table, err))
		return false;
	struct mirror *m = mirror_new(s, table, NULL);

	log_info("table joins", F("stream", s->settings->name), F("table", table->target));
	pthread_mutex_lock(&s->lock);
	vec_push(&s->mirrors, m);
	pthread_mutex_unlock(&s->lock);
	return true; /* a failure of the session is noted by then */
}

static bool apply_event(
	struct stream *s, struct mirror *m, struct bundle_item *item, struct error *err)
{
	switch (item->kind) {
	case BUNDLE_TRUNCATE:
		return (!mirror_takes_rows(m) && !waits_for_copy(m)) ||
		       mirror_truncate(s, m, item->table, &item->meta, err);
	case BUNDLE_TABLE: return mirror_define(s, m, item->table, NULL, err);
	case BUNDLE_RECOPY: return mirror_define(s, m, item->table, item->reason, err);
	case BUNDLE_BROKEN: mirror_break(s, m, item->reason); return true;
	case BUNDLE_DROPPED: return mirror_dropped(s, m, err);
	case BUNDLE_RETRIED: return retry_written(s, m, err);
	case BUNDLE_ROWS: return apply_rows(s, m, &item->batch, err);
	}
	return false;
}

static bool apply_item(struct stream *s, struct bundle_item *item, struct error *err)
{
	struct mirror *m = mirror_find(s, item->table->source_id);

	if (m)
		return apply_event(s, m, item, err) ||
		       error_add(err, "table %s", item->table->target);
	if (item->kind == BUNDLE_TABLE)
		return add_mirror(s, item->table, err);
	return true;
}

static bool apply_bundle(struct writer *w, struct bundle *bundle, struct error *err)
{
	struct stream *s = w->stream;

	s->written_bytes += bundle_bytes(bundle);
	vec_each (&bundle->items, item) {
		if (!apply_item(s, item, err))
			return false;
	}
	w->within = bundle->within || !bundle->ended;
	w->changes += bundle->changes;
	w->transactions += bundle->transactions;
	if (bundle->ended)
		w->end = bundle->end;
	w->ended = w->ended || bundle->ended;
	return true;
}

/* Records the place with the moment up to which all that was committed is here: of its last transaction, or that of
 * an end of the log which has been reached. Of a shared log only the latter: its parts have no common order. */
static bool record(
	struct stream *s, const struct position *place, uint64_t changes, struct error *err)
{
	struct position to = *place;

	if (s->source->ops->shared)
		to.commit_time_us = 0;
	if (s->awaited.order && to.order >= s->awaited.order) {
		s->fresh_us = s->awaited.commit_time_us;
		s->awaited = (struct position){0};
	}
	if (to.commit_time_us < s->fresh_us)
		to.commit_time_us = s->fresh_us;
	if (to.commit_time_us < s->recorded_us)
		to.commit_time_us = s->recorded_us;
	if (!watch_advance(s, &to, changes, err))
		return false;
	s->recorded_us = to.commit_time_us;
	return true;
}

/* Nothing comes, and that is news as well. */
static bool record_idle(struct writer *w, struct error *err)
{
	struct stream *s = w->stream;
	struct position here = s->resume.position;
	bool news = s->awaited.order && here.order >= s->awaited.order &&
		    s->awaited.commit_time_us - s->recorded_us >= FRESH_US;

	return !news || w->within || w->ended || record(s, &here, 0, err);
}

static bool advance(struct writer *w, struct error *err)
{
	struct stream *s = w->stream;

	if (!record(s, &w->end, w->changes, err))
		return false;
	if (!w->end.commit_time_us)
		w->end.commit_time_us = s->recorded_us;
	s->unmarked = s->unmarked || w->changes > 0;
	failpoint("writer.after_record");
	pthread_mutex_lock(&s->lock);
	s->resume.position = w->end;
	s->transactions += w->transactions;
	pthread_mutex_unlock(&s->lock);
	s->source->ops->confirm(s->source, &w->end);
	w->changes = w->transactions = 0;
	w->ended = false;
	return true;
}

static bool commit(struct writer *w, struct error *err)
{
	struct stream *s = w->stream;
	struct resume resume = s->resume;

	if (w->ended)
		resume.position = w->end;
	if (s->sink->ops->commit && !s->sink->ops->commit(s->sink, &resume, err))
		return false;
	failpoint("writer.after_commit");
	if ((w->ended && !advance(w, err)) || !splice_committed(s, err))
		return false;
	w->committed_ms = mono_ms();
	pthread_mutex_lock(&s->lock);
	s->progress_ms = w->committed_ms;
	pthread_mutex_unlock(&s->lock);
	return true;
}

/* What a log commits must end where a transaction of the source does; others may write a row twice. While more is
 * at hand, a log gathers it: to encode and to send go on side by side then. */
static bool maybe_commit(struct writer *w, bool more, struct error *err)
{
	bool log = w->stream->sink->ops->log;

	if (!w->ended && !w->stream->splice.written)
		return true;
	if (log && (w->within || (more && mono_ms() - w->committed_ms < GATHER_MS)))
		return true;
	return commit(w, err);
}

/* What a log was told beside rows does not wait for the next ones. */
static bool commit_idle(const struct writer *w, struct error *err)
{
	struct stream *s = w->stream;
	bool pending = w->ended || w->within || s->splice.written;

	return pending || !s->sink->ops->log || !s->sink->ops->commit ||
	       s->sink->ops->commit(s->sink, &s->resume, err);
}

/* What copy workers asked for; they may not do it themselves. */
static bool see_to_wishes(struct stream *s, struct mirror *m, struct error *err)
{
	char recopy[sizeof m->recopy_wanted], broken[sizeof m->break_wanted];

	pthread_mutex_lock(&s->lock);
	memcpy(recopy, m->recopy_wanted, sizeof recopy);
	memcpy(broken, m->break_wanted, sizeof broken);
	m->recopy_wanted[0] = m->break_wanted[0] = '\0';
	pthread_mutex_unlock(&s->lock);
	if (broken[0])
		mirror_break(s, m, broken);
	else if (recopy[0] && mirror_takes_rows(m))
		return mirror_recopy(s, m, recopy, err);
	if (m->recopy_at && s->resume.position.order >= m->recopy_at) {
		m->recopy_at = 0;
		return m->table->problem ||
		       mirror_recopy(s, m, "of what happened while tailrace was not running", err);
	}
	if (m->status == TABLE_BROKEN && !m->recopy_at && !m->table->problem &&
		mono_ms() >= m->retry_broken_ms)
		return s->source->ops->shared
			       ? mirror_mend(s, m, err)
			       : mirror_recopy(s, m, "another try, after it broke", err);
	return true;
}

static bool finish_copy(struct stream *s, struct mirror *m, struct error *err)
{
	if (!m->publish_at) {
		struct source_lag lag;
		if (!s->source->ops->lag(s->source, &lag, err))
			return false;
		m->publish_at = lag.head.order ? lag.head.order : 1;
	}
	if (s->resume.position.order < m->publish_at)
		return true;
	return mirror_publish(s, m, err);
}

static bool see_to_copy(struct stream *s, struct mirror *m, struct error *err)
{
	if (m->status != TABLE_COPYING || !m->building)
		return true;
	if (!m->planned) {
		if (mirror_plan(s, m, err))
			return true;
		if (!error_is_of_table(err))
			return false;
		mirror_break(s, m, err->text);
		error_clear(err);
		return true;
	}
	pthread_mutex_lock(&s->lock);
	bool done = m->chunks_left == 0;
	pthread_mutex_unlock(&s->lock);
	return !done || finish_copy(s, m, err);
}

static void smooth(double *rate, uint64_t *counted, uint64_t changes, double spent_s)
{
	*rate = *rate * 0.6 + (double)(changes - *counted) / spent_s * 0.4;
	*counted = changes;
}

/* Under the stream's lock. */
static void take_parts(struct stream *s)
{
	arena_reset(&s->parts_arena);
	s->parts.len = 0;
	if (s->source->ops->parts)
		s->source->ops->parts(s->source, &s->parts_arena, &s->parts);
}

static void take_lag(struct stream *s)
{
	struct source_lag lag;
	struct error err = {0};

	if (!s->source->ops->lag(s->source, &lag, &err))
		return; /* the reader sees a lost connection as well, and says so */
	int64_t now = mono_ms();
	pthread_mutex_lock(&s->lock);
	s->lag = lag;
	s->head = lag.head;
	if (!s->awaited.order || s->resume.position.order >= s->awaited.order)
		s->awaited = lag.head;
	take_parts(s);
	if (now > s->counted_ms) {
		double spent_s = (double)(now - s->counted_ms) / 1000;
		smooth(&s->rate, &s->counted, s->changes, spent_s);
		vec_each (&s->mirrors, m)
			smooth(&(*m)->rate, &(*m)->counted, (*m)->changes, spent_s);
		s->counted_ms = now;
	}
	pthread_mutex_unlock(&s->lock);
}

/* Copying while any table is; a broken table does not keep a stream from being called streaming. */
static void see_to_status(struct stream *s)
{
	enum stream_status status = STREAM_STREAMING;

	vec_each (&s->mirrors, m) {
		if ((*m)->status == TABLE_COPYING)
			status = STREAM_COPYING;
	}
	/* what is copied becomes live, or goes into its log, when the stream has come to a place */
	s->source->hurry = status == STREAM_COPYING;
	if (s->status != status)
		stream_set_status(s, status, "");
}

static bool tick(struct writer *w, struct error *err)
{
	struct stream *s = w->stream;
	int64_t now = mono_ms();

	if (now - w->ticked_ms < TICK_MS)
		return true;
	w->ticked_ms = now;
	for (size_t i = 0; i < s->mirrors.len; i++) {
		if (!see_to_wishes(s, s->mirrors.items[i], err) ||
			!see_to_copy(s, s->mirrors.items[i], err))
			return false;
	}
	if (now - w->lag_ms >= LAG_MS) {
		w->lag_ms = now;
		take_lag(s);
		if (!commit_idle(w, err) || !record_idle(w, err))
			return false;
	}
	see_to_status(s);
	if (s->unmarked && (!w->marked_ms || now - w->marked_ms >= MARK_MS)) {
		w->marked_ms = now;
		if (!stream_attempt(s, "mark", stream_mark, s, err))
			return false;
	}
	if (now - w->requests_ms < REQUESTS_MS)
		return true;
	w->requests_ms = now;
	return requests_take(s, err);
}

static int longest_wait_ms(const struct writer *w)
{
	if (!w->ticked_ms)
		return 0;
	return w->stream->splice.bytes ? SPLICE_MS : TICK_MS;
}

/* One round: a bundle, copied rows that are due, and what else there is to see to. */
static bool work(struct writer *w, struct bundle *bundle, struct error *err)
{
	struct stream *s = w->stream;
	bool spliced = false;

	if (bundle && !apply_bundle(w, bundle, err))
		return false;
	w->next = queue_take(&s->queue, 0);
	if (!s->stopping && !w->within && s->sink->ops->log && !splice_write(s, &spliced, err))
		return false;
	return maybe_commit(w, w->next || spliced, err) && (s->stopping || tick(w, err));
}

void *writer_run(void *stream)
{
	struct writer w = {.stream = stream};
	struct stream *s = stream;
	struct error err = {0};
	bool ok = true;

	while (ok && !s->failing) {
		struct bundle *bundle = w.next ? w.next
					       : queue_take(&s->queue, longest_wait_ms(&w));
		w.next = NULL;
		if (!bundle && queue_closed(&s->queue))
			break;
		ok = work(&w, bundle, &err);
		bundle_free(bundle);
	}
	bundle_free(w.next);
	if (!ok)
		stream_fail(s, &err);
	return NULL;
}
