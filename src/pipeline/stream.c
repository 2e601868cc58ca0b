/*
 * The reader thread of a stream. It runs sessions: open sink and source, take up the tables, start
 * writer and copy workers, then read bundles and queue them. When anything fails for good the session
 * ends, everything is closed, and by the kind of the failure another begins after a backoff or the
 * stream stops and says why.
 */
#include "pipeline/stream.h"

#include <stdio.h>
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/wait.h"
#include "pipeline/status.h"

#define READ_MS      250   /* longest wait for something to read */
#define BUSY_WAIT_MS 5     /* while a ripe bundle waits for its writer */
#define STEADY_MS    10000 /* a session that lasted so long starts the backoff over */
#define REFUSED_MS   5000  /* the first wait of who is refused: too many tries lock an account */
#define SAID_MS      5000  /* the log gets another reason for waiting this often */
#define LOG_SHARE    16    /* of a share, for each batch that is copied into a log */
#define PUMP_MS      1000 /* a reader held up by a full queue looks after its connection this often */

static const char *const status_names[] = {
	[STREAM_STARTING] = "starting",
	[STREAM_COPYING] = "copying",
	[STREAM_STREAMING] = "streaming",
	[STREAM_RETRYING] = "retrying",
	[STREAM_STOPPED] = "stopped",
};

const char *stream_status_name(enum stream_status status)
{
	return status_names[status];
}

bool stream_leaving(struct stream *s)
{
	return s->failing || s->stopping;
}

void stream_pause(struct stream *s, int ms)
{
	struct timespec until = deadline_in(ms);

	pthread_mutex_lock(&s->lock);
	if (!stream_leaving(s))
		pthread_cond_timedwait(&s->changed, &s->lock, &until);
	pthread_mutex_unlock(&s->lock);
}

/* Waits the whole time, unless the stream is to end. */
static void stream_sleep(struct stream *s, int ms)
{
	int64_t until = mono_ms() + ms;
	for (int64_t left = ms; left > 0 && !stream_leaving(s); left = until - mono_ms())
		stream_pause(s, (int)left);
}

void stream_fail(struct stream *s, const struct error *err)
{
	pthread_mutex_lock(&s->lock);
	if (!s->failing)
		s->failure = *err;
	s->failing = true;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

void stream_set_status(struct stream *s, enum stream_status status, const char *error)
{
	struct error ignored = {0};

	pthread_mutex_lock(&s->lock);
	s->status = status;
	snprintf(s->error, sizeof s->error, "%s", error);
	pthread_mutex_unlock(&s->lock);
	/* a status that cannot be recorded is no reason to stop: the next write to the store will tell */
	if (!state_stream_status(
		    s->state, s->settings->name, stream_status_name(status), error, &ignored))
		log_warn("status not recorded", F("stream", s->settings->name),
			F("error", ignored.text));
}

bool stream_attempt(
	struct stream *s, const char *what, attempt_fn *fn, void *context, struct error *err)
{
	struct backoff backoff = {0};
	struct error said = {0};
	int64_t said_ms = 0;

	while (!fn(context, err)) {
		if (err->kind != ERROR_RETRY || s->failing || s->sink->ops->log)
			return false;
		if (s->stopping)
			return error_add(err, "gave up at the end");
		if (strcmp(said.text, err->text) != 0)
			stream_set_status(s, STREAM_RETRYING, err->text);
		if (!said_ms || (mono_ms() - said_ms > SAID_MS && strcmp(said.text, err->text))) {
			log_warn("target is away; trying again", F("stream", s->settings->name),
				F("step", what), F("error", err->text));
			said_ms = mono_ms();
		}
		said = *err;
		stream_sleep(s, backoff_next_ms(&backoff));
		error_clear(err);
	}
	if (said_ms) {
		log_info("target is back", F("stream", s->settings->name), F("step", what));
		stream_set_status(s, STREAM_STREAMING, "");
	}
	return true;
}

static bool open_sink(struct stream *s, const struct source *from, struct error *err)
{
	struct sink *sink = config_sink(s->settings->to, &s->arena, err);
	bool ok = sink && (!s->warehouse_url || option_set(sink->ops->options, sink, "url",
							s->warehouse_url, &s->arena, err));

	if (ok) {
		sink->from = from;
		ok = sink->ops->open(sink, err) ||
		     error_add(err, "connection %s", s->settings->to->name);
	}
	if (ok)
		s->sink = sink;
	else
		free(sink);
	return ok;
}

static bool open_ends(struct stream *s, struct error *err)
{
	struct source *source = config_source(s->settings, &s->arena, err);
	if (!source)
		return false;
	source->bundle_bytes = s->share_bytes;
	/* one is read while one goes out; into a log those of all workers go out one by one */
	source->copy_bytes = s->share_bytes / (s->settings->to->sink->log ? LOG_SHARE : 2);
	source->batch_rows = s->settings->options.max_batch_rows;
	source->want_before = s->settings->to->sink->wants_before || watch_has(s);
	source->into_log = s->settings->to->sink->log;
	bool ok = open_sink(s, source, err) &&
		  (source->ops->open(source, err) ||
			  error_add(err, "connection %s", s->settings->from->name));
	if (ok)
		s->source = source;
	else
		free(source);
	return ok;
}

static void close_ends(struct stream *s)
{
	if (s->sink)
		s->sink->ops->close(s->sink);
	if (s->source)
		s->source->ops->close(s->source);
	free(s->source);
	free(s->sink);
	s->source = NULL;
	s->sink = NULL;
}

/* Before the epoch is raised: a crash in between must not leave tables that look whole. */
static bool mark_for_recopy(
	struct stream *s, const struct table_states *known, const char *why, struct error *err)
{
	for (size_t i = 0; i < known->len; i++) {
		struct table_state row = known->items[i];
		if (row.status == TABLE_DROPPED || row.status == TABLE_EXCLUDED)
			continue;
		row.status = TABLE_BROKEN;
		snprintf(row.error, sizeof row.error, "%.900s", why);
		if (!state_table_put(s->state, s->settings->name, &row, err))
			return false;
	}
	return true;
}

static bool begin_epoch(
	struct stream *s, const struct tables *tables, uint8_t least, struct error *err)
{
	uint8_t greatest = 0;

	if (s->sink->ops->epoch && !s->sink->ops->epoch(s->sink, s->settings->name, tables->items,
					   tables->len, &greatest, err))
		return false;
	if (greatest < least)
		greatest = least;
	/* of a log that several processes read the versions must compare */
	if (s->source->ops->shared && greatest)
		greatest--;
	if (greatest == UINT8_MAX)
		return error_set(err, ERROR_BROKEN,
			"stream %s has been begun anew 255 times; drop its database in the target "
			"and its state to go on",
			s->settings->name);
	s->epoch = s->source->epoch = (uint8_t)(greatest + 1);
	if (!s->source->ops->start(s->source, NULL, &s->resume, err))
		return false;
	s->marked_us = 0;
	log_info("stream begins", F("stream", s->settings->name), F("epoch", s->epoch),
		F("position", s->resume.position.token));
	return state_stream_begin(s->state, s->settings->name, s->epoch, &s->resume, err);
}

/* What a topic has lost cannot be copied anew from it. */
static bool can_begin_anew(const struct stream *s)
{
	return s->settings->from->source->restart;
}

static bool bridges(const struct stream *s, const struct error *failure)
{
	return failure->kind == ERROR_GAP && s->settings->options.on_gap == ON_GAP_RECOPY &&
	       can_begin_anew(s);
}

static bool bridge_gap(struct stream *s, const struct tables *tables,
	const struct table_states *known, struct error *err)
{
	struct error gap = *err;

	if (!bridges(s, &gap))
		return false;
	log_warn("the log has a gap; every table is copied anew (on_gap: recopy)",
		F("stream", s->settings->name), F("reason", gap.text));
	error_clear(err);
	return mark_for_recopy(s, known, gap.text, err) &&
	       s->source->ops->restart(s->source, err) && begin_epoch(s, tables, s->epoch, err);
}

/* Where the sink commits the place with the rows, a crash may have left it ahead of the state store. */
static bool find_recorded(struct stream *s, const struct resume *known, struct resume *out,
	bool *ahead, struct error *err)
{
	*ahead = false;
	if (!s->sink->ops->recorded)
		return true;
	if (!s->sink->ops->recorded(s->sink, out, ahead, err))
		return false;
	*ahead = *ahead && strcmp(out->identity, known->identity) == 0 &&
		 out->position.order > known->position.order;
	return true;
}

/* The source first: where another process runs this stream it has the log, and is not to lose the sink. */
static bool start_from(struct stream *s, const struct resume *known, struct error *err)
{
	struct resume there;
	bool ahead;

	if (!s->source->ops->start(s->source, known, &s->resume, err) ||
		!find_recorded(s, known, &there, &ahead, err))
		return false;
	if (!ahead)
		return true;
	log_info("the target is ahead of the state store; going on from there",
		F("stream", s->settings->name), F("position", there.position.token));
	return state_stream_advance(s->state, s->settings->name, &there.position, 0, err) &&
	       s->source->ops->start(s->source, &there, &s->resume, err);
}

static bool start_source(struct stream *s, const struct tables *tables, struct table_states *known,
	struct error *err)
{
	struct stream_state then;
	bool found;

	if (!state_stream_get(s->state, s->settings->name, &then, &found, err))
		return false;
	if (!found)
		return begin_epoch(s, tables, 0, err);
	s->epoch = s->source->epoch = then.epoch;
	s->resume = then.resume;
	s->marked_us = then.marked_us;
	/* a gap that only reading meets would be met again and again */
	if (s->gap.kind == ERROR_GAP)
		*err = s->gap;
	else if (stream_check_mark(s, err) && start_from(s, &then.resume, err))
		return true;
	if (!bridge_gap(s, tables, known, err))
		return false;
	error_clear(&s->gap);
	table_states_release(known);
	return state_tables(s->state, s->settings->name, known, err);
}

static const struct table_state *find_known(const struct table_states *known, uint64_t source_id)
{
	for (size_t i = 0; i < known->len; i++) {
		if (known->items[i].source_id == source_id)
			return &known->items[i];
	}
	return NULL;
}

/* A reader that does not get to reading still answers its server. */
static bool keep_alive(struct stream *s, struct error *err)
{
	return s->source->ops->read(s->source, s->bundle, 0, err) != SOURCE_FAILED;
}

static bool take_up_tables(struct stream *s, const struct tables *tables,
	const struct table_states *known, struct error *err)
{
	for (size_t i = 0; i < tables->len && !stream_leaving(s); i++) {
		struct mirror *m = mirror_new(
			s, tables->items[i], find_known(known, tables->items[i]->source_id));
		pthread_mutex_lock(&s->lock);
		vec_push(&s->mirrors, m);
		pthread_mutex_unlock(&s->lock);
		if (!keep_alive(s, err))
			return false;
	}
	if (s->failing) {
		*err = s->failure;
		return false;
	}
	/* Stopped on the way, nobody knows which tables are gone, and rows of those that were not taken up would be
	 * passed over: the session ends without any. */
	return stream_leaving(s) || absent_settle(s, known, err);
}

static bool session_prepare(struct stream *s, struct error *err)
{
	struct tables tables = {0};
	struct table_states known = {0};
	struct source_lag lag;

	if (!open_ends(s, err))
		return false;
	bool ok = state_tables(s->state, s->settings->name, &known, err) &&
		  s->source->ops->discover(s->source, &tables, err);
	if (ok)
		selection_collisions(tables.items, tables.len);
	ok = ok && start_source(s, &tables, &known, err) &&
	     s->source->ops->lag(s->source, &lag, err);
	if (ok)
		s->session_head = lag.head;
	if (ok && !s->first_head.order)
		s->first_head = lag.head;
	ok = ok && take_up_tables(s, &tables, &known, err);
	s->awaited = (struct position){0};
	s->fresh_us = 0;
	s->recorded_us = s->resume.position.commit_time_us;
	s->unmarked = true; /* what the session before recorded last may be */
	pthread_mutex_lock(&s->lock);
	s->taken_up = ok;
	s->worked = s->worked || ok;
	s->refused = s->refused && !ok;
	pthread_mutex_unlock(&s->lock);
	vec_each (&tables, t)
		table_unref(*t);
	vec_release(&tables);
	table_states_release(&known);
	return ok;
}

static void session_free(struct stream *s)
{
	pthread_mutex_lock(&s->lock);
	s->taken_up = false;
	vec_each (&s->mirrors, m)
		mirror_free(*m);
	vec_release(&s->mirrors);
	vec_release(&s->parts);
	arena_release(&s->parts_arena);
	table_states_release(&s->absent);
	pthread_mutex_unlock(&s->lock);
	bundle_free(s->bundle);
	splice_release(&s->splice);
	close_ends(s);
	arena_release(&s->arena);
}

static bool put_bundle(struct stream *s, struct error *err)
{
	while (!queue_put(&s->queue, s->bundle, bundle_bytes(s->bundle), PUMP_MS)) {
		if (s->failing)
			return error_set(err, ERROR_RETRY, "the session ends");
		if (!keep_alive(s, err))
			return false;
	}
	s->bundle = bundle_new();
	return true;
}

static int next_wait_ms(struct stream *s, const struct bundle *bundle)
{
	if (bundle_empty(bundle) || !bundle->started_ms)
		return READ_MS;
	int64_t left = s->settings->options.flush_interval_ms - (mono_ms() - bundle->started_ms);
	if (left <= 0)
		return BUSY_WAIT_MS;
	return left < READ_MS ? (int)left : READ_MS;
}

static bool goes_now(struct stream *s, const struct bundle *bundle)
{
	if (bundle_empty(bundle))
		return false;
	if ((int64_t)bundle_bytes(bundle) >= s->share_bytes)
		return true;
	/* a log is committed only where a transaction ends */
	if (bundle->within && s->sink->ops->log)
		return false;
	bool ripe = mono_ms() - bundle->started_ms >= s->settings->options.flush_interval_ms;
	return ripe && queue_wanted(&s->queue);
}

static void note_idle(struct stream *s)
{
	if (!queue_wanted(&s->queue))
		return;
	pthread_mutex_lock(&s->lock);
	s->progress_ms = mono_ms();
	pthread_mutex_unlock(&s->lock);
}

static bool read_loop(struct stream *s, struct error *err)
{
	bool ok = true;

	while (ok && !stream_leaving(s)) {
		enum source_status status = s->source->ops->read(
			s->source, s->bundle, next_wait_ms(s, s->bundle), err);
		ok = status != SOURCE_FAILED;
		if (ok && bundle_empty(s->bundle) && status == SOURCE_IDLE)
			note_idle(s);
		if (ok && goes_now(s, s->bundle))
			ok = put_bundle(s, err);
	}
	if (ok && s->stopping && !s->failing && !bundle_empty(s->bundle) &&
		queue_put(&s->queue, s->bundle, bundle_bytes(s->bundle), PUMP_MS))
		s->bundle = NULL;
	return ok;
}

static void session_run(struct stream *s)
{
	struct error err = {0};

	queue_init(&s->queue, (size_t)s->share_bytes);
	bool writes = pthread_create(&s->writer, NULL, writer_run, s) == 0;
	size_t copiers = 0;
	while (copiers < s->n_copiers &&
		pthread_create(&s->copiers[copiers], NULL, copier_run, s) == 0)
		copiers++;
	if (!writes || copiers < s->n_copiers)
		error_set(&err, ERROR_RETRY, "the system gives no more threads");
	if (err.kind != ERROR_NONE || !read_loop(s, &err))
		stream_fail(s, &err);
	queue_close(&s->queue);
	if (writes)
		pthread_join(s->writer, NULL);
	for (size_t i = 0; i < copiers; i++)
		pthread_join(s->copiers[i], NULL);
	for (struct bundle *left = queue_take(&s->queue, 0); left; left = queue_take(&s->queue, 0))
		bundle_free(left);
	queue_release(&s->queue);
	/* what keeps it from being written is for the next session to meet */
	if (s->unmarked && !s->failing)
		(void)!stream_mark(s, &err);
}

static void session(struct stream *s)
{
	struct error err = {0};

	arena_init(&s->arena);
	s->bundle = bundle_new();
	bool ok = session_prepare(s, &err);
	if (!ok) {
		stream_fail(s, &err);
	} else if (!stream_leaving(s)) {
		int64_t began_ms = s->progress_ms = mono_ms();
		session_run(s);
		if (mono_ms() - began_ms > STEADY_MS)
			backoff_reset(&s->backoff);
	}
	session_free(s);
}

/* Where it has worked, passwords and rights were changed elsewhere, and may be so again. */
static bool waits_for_mending(struct stream *s, const struct error *failure)
{
	pthread_mutex_lock(&s->lock);
	s->refused = failure->kind == ERROR_CONFIG && s->worked;
	pthread_mutex_unlock(&s->lock);
	if (s->refused)
		backoff_at_least(&s->backoff, REFUSED_MS);
	return s->refused;
}

/* What follows a session that failed. False: the stream stops here. */
static bool goes_on(struct stream *s, const struct error *failure)
{
	bool again = bridges(s, failure);

	if (again)
		s->gap = *failure;
	again = again || waits_for_mending(s, failure);
	if (again || failure->kind == ERROR_RETRY || failure->kind == ERROR_NONE) {
		int wait_ms = backoff_next_ms(&s->backoff);
		log_warn("session ended; another begins", F("stream", s->settings->name),
			F("error", failure->text), F("wait_ms", wait_ms));
		stream_set_status(s, STREAM_RETRYING, failure->text);
		s->failing = false;
		stream_sleep(s, wait_ms);
		return true;
	}
	CLEANUP(free_string)
	char *why = xasprintf("%s%s", failure->text,
		failure->kind == ERROR_GAP && can_begin_anew(s) ? "; " GAP_WAY_OUT : "");
	log_error("stream stops", F("stream", s->settings->name),
		F("kind", error_kind_name(failure->kind)), F("error", why));
	stream_set_status(s, STREAM_STOPPED, why);
	return false;
}

void *stream_run(void *stream)
{
	struct stream *s = stream;

	while (!s->stopping) {
		s->failing = false;
		session(s);
		if (s->failing && !goes_on(s, &s->failure))
			break;
	}
	return NULL;
}
