/* Reading source and target alike; see compare.h. */
#include "verify/compare.h"

#include <time.h>
#include "base/backoff.h"
#include "base/clock.h"
#include "pipeline/prepare.h"
#include "pipeline/rows.h"

#define MOST_TRIES     8     /* of a call that may work later: about half a minute */
#define STALL_MS       60000 /* a stream that records nothing for so long stands still */
#define QUIET_MS       3000  /* a log that brings nothing for so long has brought all */
#define MOST_SET_ASIDE ((size_t)1 << 20) /* rows in a row, read at once to get past them */
#define SOURCE_BYTES   ((int64_t)16 << 20)

/* --- Opening --- */

static bool open_sink(struct sides *s, struct error *err)
{
	const struct connection_config *to = s->settings->to;
	const char *url = connection_is_embedded(to) ? s->options->warehouse_url : NULL;
	struct sink *sink = config_sink(to, &s->arena, err);

	if (!sink)
		return false;
	if ((url && !option_set(sink->ops->options, sink, "url", url, &s->arena, err)) ||
		!sink->ops->open(sink, err)) {
		free(sink);
		return error_add(err, "connection %s", to->name);
	}
	s->sink = sink;
	return true;
}

static struct source *open_from(
	struct sides *s, const struct stream_config *settings, struct error *err)
{
	struct source *source = config_source(settings, &s->arena, err);

	if (!source)
		return NULL;
	source->bundle_bytes = source->copy_bytes = SOURCE_BYTES;
	source->batch_rows = settings->options.max_batch_rows;
	source->selection = &s->selection;
	if (source->ops->open(source, err))
		return source;
	free(source);
	error_add(err, "connection %s", settings->from->name);
	return NULL;
}

static bool open_sources(struct sides *s, struct error *err)
{
	struct stream_config origin = *s->settings;

	s->selection = origin.selection;
	if (!origin.verify_with)
		return (s->source = open_from(s, s->settings, err));
	origin.from = origin.verify_with;
	return (s->log = open_from(s, s->settings, err)) &&
	       (s->source = open_from(s, &origin, err));
}

bool sides_open(struct sides *s, struct error *err)
{
	arena_init(&s->arena);
	if (open_sink(s, err) && open_sources(s, err))
		return true;
	sides_close(s);
	return false;
}

static void close_source(struct source **source)
{
	if (*source)
		(*source)->ops->close(*source);
	free(*source);
	*source = NULL;
}

void sides_close(struct sides *s)
{
	close_source(&s->source);
	close_source(&s->log);
	if (s->sink)
		s->sink->ops->close(s->sink);
	free(s->sink);
	s->sink = NULL;
	map_release(&s->left_out);
	arena_release(&s->arena);
}

/* --- Trying again, stopping --- */

bool verify_stopped(const struct sides *s, struct error *err)
{
	if (!s->options->stop || !*s->options->stop)
		return false;
	error_set(err, ERROR_BROKEN, "the comparison was stopped");
	return true;
}

static void pause_ms(const struct sides *s, int ms)
{
	for (int64_t end = mono_ms() + ms; mono_ms() < end && !verify_stopped(s, NULL);)
		nanosleep(&(struct timespec){.tv_nsec = 20 * 1000 * 1000}, NULL);
}

struct attempts {
	struct backoff backoff;
	int made;
};

/* Is a call that failed to be made once more? Waits before it says so. */
static bool once_more(const struct sides *s, struct attempts *attempts, struct error *err)
{
	if (err->kind != ERROR_RETRY || ++attempts->made == MOST_TRIES || verify_stopped(s, NULL))
		return false;
	pause_ms(s, backoff_next_ms(&attempts->backoff));
	error_clear(err);
	return true;
}

void verify_report_progress(const struct comparison *c, const char *doing)
{
	const struct verify_options *options = c->sides->options;

	if (options->progress)
		options->progress(
			options->context, &(struct verify_progress){.stream = c->result->stream,
						  .table = c->result->name,
						  .doing = doing,
						  .rows = c->result->rows,
						  .rows_estimate = c->table->rows_estimate});
}

/* --- The source --- */

void add_key_row(struct batch *keys, const struct batch *from, size_t row)
{
	for (size_t i = 0; i < keys->table->n_columns; i++) {
		if (keys->table->columns[i].key)
			column_copy_row(&keys->columns[i], &from->columns[i], row);
		else
			column_add_default(&keys->columns[i]);
	}
	batch_commit_row(keys, &batch_meta(from)[row]);
}

static void drop_filtered(const struct comparison *c, struct batch *rows)
{
	struct buf fates;

	if (!c->filter || !rows->rows)
		return;
	buf_init(&fates, BUF_MAX);
	for (size_t row = 0; row < rows->rows; row++)
		buf_u8(&fates, filter_matches(c->filter, rows, row) ? ROW_KEEP : ROW_DROP);
	batch_settle(rows, fates.data);
	buf_release(&fates);
}

void source_settle(struct comparison *c, struct batch *rows)
{
	apply_rules(rows, c->sides->hmac_key);
	drop_filtered(c, rows);
}

static bool scan_source(struct comparison *c, const struct batch *after, size_t limit,
	struct batch *out, struct error *err)
{
	struct source *source = c->sides->source;
	struct attempts attempts = {0};

	for (batch_clear(out); !source->ops->scan(source, c->table, after, limit, out, err);
		batch_clear(out)) {
		if (!once_more(c->sides, &attempts, err))
			return error_add(err, "reading the source");
	}
	return true;
}

bool source_page(struct comparison *c, const struct batch *after, struct batch *out,
	struct batch *last, bool *more, struct error *err)
{
	size_t limit = c->page_rows;

	if (!scan_source(c, after, limit, out, err))
		return false;
	/* the next page begins behind a row: of a page of rows set aside alone there is none */
	while (!out->rows && out->aside.len >= limit) {
		if (limit >= MOST_SET_ASIDE)
			return error_set(err, ERROR_TABLE,
				"more than %zu rows in a row cannot be represented", limit);
		limit *= 4;
		if (!scan_source(c, after, limit, out, err))
			return false;
	}
	*more = out->rows + out->aside.len >= limit;
	if (out->rows) {
		batch_clear(last);
		add_key_row(last, out, out->rows - 1);
	}
	source_settle(c, out);
	return true;
}

bool source_chunk(struct comparison *c, const struct chunk *chunk, struct batch_taker *taker,
	int wait_ms, struct error *err)
{
	struct source *source = c->sides->source;
	int64_t until_ms = mono_ms() + wait_ms;
	enum copy_status status;

	while ((status = source->ops->copy(source, c->table, chunk, taker, err)) == COPY_WAIT) {
		if (verify_stopped(c->sides, err))
			return false;
		if (mono_ms() >= until_ms) {
			err->kind = ERROR_TABLE;
			return false;
		}
		pause_ms(c->sides, 200);
		error_clear(err);
	}
	if (status == COPY_STALE)
		err->kind = ERROR_RETRY;
	return status == COPY_DONE;
}

bool source_sample(
	struct comparison *c, double fraction, size_t most, struct batch *out, struct error *err)
{
	struct source *source = c->sides->source;
	struct attempts attempts = {0};

	for (batch_clear(out); !source->ops->sample(source, c->table, fraction, most, out, err);
		batch_clear(out)) {
		if (!once_more(c->sides, &attempts, err))
			return error_add(err, "reading the source");
	}
	return true;
}

bool source_rows(
	struct comparison *c, const struct batch *keys, struct batch *out, struct error *err)
{
	struct source *source = c->sides->source;
	struct attempts attempts = {0};

	for (batch_clear(out); !source->ops->fetch(source, keys, out, err); batch_clear(out)) {
		if (!once_more(c->sides, &attempts, err))
			return error_add(err, "reading the source");
	}
	source_settle(c, out);
	return true;
}

/* --- The target --- */

/* The sink finds columns by the attributes that they have in the storage. */
bool target_page(
	struct comparison *c, const struct scan_range *range, struct batch *out, struct error *err)
{
	struct sink *sink = c->sides->sink;
	struct attempts attempts = {0};
	bool ok = true;

	out->table = c->stored;
	for (batch_clear(out); ok && !sink->ops->scan(sink, &c->landing, range, out, err);
		batch_clear(out))
		ok = once_more(c->sides, &attempts, err);
	out->table = c->table;
	return ok || error_add(err, "reading the target");
}

bool target_rows(
	struct comparison *c, const struct batch *keys, struct batch *out, struct error *err)
{
	struct sink *sink = c->sides->sink;
	struct attempts attempts = {0};
	bool ok = true;

	out->table = c->stored;
	for (batch_clear(out); ok && !sink->ops->fetch(sink, &c->landing, keys, out, err);
		batch_clear(out))
		ok = once_more(c->sides, &attempts, err);
	out->table = c->table;
	return ok || error_add(err, "reading the target");
}

/* --- The stream between them --- */

static bool source_head(struct sides *s, struct position *head, struct error *err)
{
	struct attempts attempts = {0};
	struct source_lag lag;

	while (!s->source->ops->lag(s->source, &lag, err)) {
		if (!once_more(s, &attempts, err))
			return error_add(err, "asking the source how far its log is");
	}
	*head = lag.head;
	return true;
}

/* How long it may record nothing. One that stood still before is not waited for as long again. */
static int64_t patience_ms(const struct sides *s)
{
	return s->stands_still ? STALL_MS / 60 : STALL_MS;
}

static bool log_backlog(struct sides *s, struct source_backlog *out, struct error *err)
{
	struct attempts attempts = {0};

	while (!s->log->ops->backlog(s->log, out, err)) {
		if (!once_more(s, &attempts, err))
			return error_add(err, "asking how far the log is read");
	}
	return true;
}

/* Has the stream carried something that the origin committed well after this moment? Partitions are not read
 * side by side to the moment. */
static bool is_far_behind_us(const struct stream_state *now, const struct position *moment)
{
	return now->resume.position.commit_time_us > moment->commit_time_us + QUIET_MS * 1000;
}

/* The places of a log do not compare with those of the database that it was written from: the stream has come
 * to where the database is when it has carried something from later, or when all of a log is read that nothing
 * has come into for a while. */
static bool wait_for_log(struct sides *s, bool *passed, struct error *err)
{
	int64_t moved_ms = mono_ms(), grown_ms = moved_ms;
	struct source_backlog log, before = {0};
	struct position head = {0};
	struct stream_state now;
	bool found;

	for (*passed = false; !*passed && !verify_stopped(s, err); before = log) {
		if ((!head.commit_time_us && !source_head(s, &head, err)) ||
			!log_backlog(s, &log, err) ||
			!state_stream_get(s->state, s->settings->name, &now, &found, err))
			return false;
		if (!state_runner(s->state) || !strcmp(now.status, "stopped"))
			return true;
		if (log.end != before.end)
			grown_ms = mono_ms();
		if (log.end != before.end || log.waiting != before.waiting)
			moved_ms = mono_ms();
		*passed = is_far_behind_us(&now, &head) ||
			  (!log.waiting && mono_ms() - grown_ms > QUIET_MS);
		s->stands_still = !*passed && log.waiting && mono_ms() - moved_ms > patience_ms(s);
		if (s->stands_still)
			return true;
		pause_ms(s, 100);
	}
	return !verify_stopped(s, err);
}

bool wait_for_stream(struct sides *s, bool *passed, struct error *err)
{
	struct position head = {0};
	unsigned __int128 seen = 0;
	int64_t moved_ms = mono_ms();

	if (s->log)
		return wait_for_log(s, passed, err);
	*passed = false;
	if (!source_head(s, &head, err))
		return false;
	while (!verify_stopped(s, err)) {
		struct stream_state now;
		bool found;
		if (!state_stream_get(s->state, s->settings->name, &now, &found, err))
			return false;
		*passed = found && now.resume.position.order >= head.order;
		if (*passed || !state_runner(s->state) || !strcmp(now.status, "stopped"))
			return true;
		if (now.resume.position.order != seen)
			moved_ms = mono_ms();
		seen = now.resume.position.order;
		s->stands_still = mono_ms() - moved_ms > patience_ms(s);
		if (s->stands_still)
			return true;
		pause_ms(s, 20);
	}
	return false;
}
