/* The lives of mirrored tables; see mirror.h. */
#include "pipeline/mirror_parts.h"

#include <stdio.h>
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "pipeline/stream.h"

#define RETRY_BROKEN_FIRST_MS 30000
#define RETRY_BROKEN_MOST_MS  (30 * 60 * 1000)

struct attach_job {
	struct stream *stream;
	struct landing landing;
};

bool mirror_table_error(struct stream *s, struct mirror *m, struct error *err)
{
	if (err->kind != ERROR_TABLE && err->kind != ERROR_DATA && err->kind != ERROR_CONFIG)
		return false;
	mirror_break(s, m, err->text);
	error_clear(err);
	return true;
}

void mirror_break(struct stream *s, struct mirror *m, const char *why)
{
	struct error err = {0};

	if (m->status == TABLE_BROKEN && strcmp(m->error, why) == 0)
		return;
	log_error("table broken; the others go on", F("stream", s->settings->name),
		F("table", m->table->target), F("reason", why));
	pthread_rwlock_wrlock(&m->lock);
	mirror_forget_copy(s, m);
	mirror_set_status(s, m, TABLE_BROKEN, why);
	m->broken_for_ms = m->broken_for_ms ? m->broken_for_ms * 2 : RETRY_BROKEN_FIRST_MS;
	if (m->broken_for_ms > RETRY_BROKEN_MOST_MS)
		m->broken_for_ms = RETRY_BROKEN_MOST_MS;
	m->retry_broken_ms = mono_ms() + m->broken_for_ms;
	pthread_rwlock_unlock(&m->lock);
	mirror_hold(s, m, true);
	if (!mirror_save(s, m, &err))
		stream_fail(s, &err);
}

/* The generation that people read when the state store does not know; a lost store must not start at 1 on
 * top of rows that may be gone from the source by now. */
static bool find_generation(struct stream *s, struct mirror *m, struct error *err)
{
	struct landing landing = {.table = m->table};

	uint32_t live = 0;

	if (s->source->ops->shared) {
		mirror_replace_table(s, &m->live_table, m->table);
		return mirror_take_part(s, m, err);
	}
	if (!m->log && !s->sink->ops->generation(s->sink, &landing, &live, err))
		return false;
	/* what an unfinished copy of that time left beside it is of no use any more */
	landing.generation = live + 1;
	landing.building = true;
	if (live && !s->sink->ops->discard(s->sink, &landing, err))
		return false;
	mirror_set_generations(s, m, live, live + 1, false);
	mirror_set_status(s, m, TABLE_COPYING, "");
	return true;
}

static bool load_chunks(struct stream *s, struct mirror *m, struct error *err)
{
	if (!m->building || s->source->ops->shared)
		return true; /* what was read again of a shared log was confirmed by nobody */
	if (!state_chunks(
		    s->state, s->settings->name, m->table->source_id, m->building, &m->chunks, err))
		return false;
	m->planned = m->chunks.len > 0;
	m->chunks_left = 0;
	vec_each (&m->chunks, c)
		m->chunks_left += !c->done;
	bool renews = m->log && m->table->n_key && m->chunks_left && s->source->ops->renew;
	return !renews || splice_round(s, m, err);
}

/* Does a column come and another go? Across a restart the source cannot tell which rows have which. */
static bool comes_and_goes(const struct table *then, const struct table *now)
{
	bool comes = false, goes = false;

	for (size_t c = 0; c < now->n_columns; c++)
		comes = comes || table_column_by_attribute(then, now->columns[c].attribute) < 0;
	for (size_t c = 0; c < then->n_columns; c++)
		goes = goes || table_column_by_attribute(now, then->columns[c].attribute) < 0;
	return comes && goes;
}

/* What happened while nobody looked that only a copy can make good; NULL: nothing. */
static const char *why_anew(struct stream *s, const struct table_state *known,
	const struct table *then, const struct table *now)
{
	if (s->source->ops->shared)
		return NULL; /* what happened meanwhile is in the log */
	if (known->status == TABLE_BROKEN)
		return "it was broken";
	if (known->status != TABLE_COPYING && known->status != TABLE_LIVE)
		return "it is selected again";
	if (!s->source->ops->same_physical(then->physical, now->physical))
		return "it was rewritten in the source";
	if (comes_and_goes(then, now))
		return "its columns changed while tailrace was not running";
	/* rows from before may not be told apart by it: a delete of one could take another away */
	bool rekeyed = !s->sink->ops->log && !table_same_key(then, now);
	return rekeyed ? "its key changed while tailrace was not running" : NULL;
}

/* The table waits, unwritten, until the log has been read up to where it is now. */
static bool copy_anew_later(
	struct stream *s, struct mirror *m, const char *reason, struct error *err)
{
	char text[sizeof m->error];

	snprintf(text, sizeof text,
		"%.900s; it is copied anew as soon as the log has been read up to where it was at "
		"the start",
		reason);
	mirror_set_status(s, m, TABLE_BROKEN, text);
	m->recopy_at = s->session_head.order;
	return mirror_save(s, m, err);
}

/* A log that has been deleted meanwhile holds nothing of what was copied and streamed into it. */
static bool refill_lost_log(struct stream *s, struct mirror *m, struct error *err)
{
	struct landing landing = {.table = m->table};
	uint32_t there;

	if (!m->log || !mirror_takes_rows(m))
		return true;
	if (!s->sink->ops->generation(s->sink, &landing, &there, err))
		return false;
	return there ||
	       mirror_recopy(s, m, "what it was written to is gone and was made anew", err);
}

/* Takes up a table where the state store left it; what changed while nobody looked is made good. */
static bool resume_known(
	struct stream *s, struct mirror *m, const struct table_state *known, struct error *err)
{
	struct table *now = table_ref(m->table);
	struct table *then = table_from_json(
		known->definition, s->settings->name, now->options, err);
	bool ok = then != NULL;

	m->generation = known->generation;
	m->building = known->building;
	m->copied_rows = known->copied_rows;
	m->changes = m->counted = known->changes;
	m->set_aside = known->set_aside;
	if (ok) {
		mirror_replace_table(s, &m->table, then);
		m->status = known->status;
		ok = load_chunks(s, m, err) && mirror_take_part(s, m, err);
	}
	const char *anew = ok ? why_anew(s, known, then, now) : NULL;
	if (ok && !anew && !mirror_attach_all(s, m, true, err)) {
		anew = err->kind == ERROR_TABLE ? err->text : NULL;
		ok = anew != NULL;
	}
	if (anew) {
		mirror_replace_table(s, &m->table, now);
		ok = copy_anew_later(s, m, anew, err) && absent_renamed(s, m, then, now, err);
	} else if (ok) {
		if (m->generation && !m->building)
			mirror_replace_table(s, &m->live_table, then);
		ok = mirror_define(s, m, now, NULL, err) && refill_lost_log(s, m, err);
	}
	if (then)
		table_unref(then);
	table_unref(now);
	return ok;
}

/* A TRUNCATE must not starve behind copy workers that follow one another. */
static void init_lock(pthread_rwlock_t *lock)
{
	pthread_rwlockattr_t attributes;

	pthread_rwlockattr_init(&attributes);
	pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(lock, &attributes);
	pthread_rwlockattr_destroy(&attributes);
}

struct mirror *mirror_new(struct stream *s, struct table *table, const struct table_state *known)
{
	struct mirror *m = xcalloc(1, sizeof *m);
	struct error err = {0};

	init_lock(&m->lock);
	m->log = s->sink->ops->log;
	m->table = table_ref(table);
	m->copied_estimate = table->rows_estimate;
	m->lag_ms = -1;
	bool ok = !table->problem;
	if (!ok)
		error_set(&err, ERROR_TABLE, "%s", table->problem);
	ok = ok && mirror_compile_filter(m, &err);
	/* broken from its first day: as if it had never been there */
	bool resumes = known && !(s->source->ops->shared && !known->generation && !known->building);
	if (ok && resumes)
		ok = resume_known(s, m, known, &err);
	else if (ok)
		ok = find_generation(s, m, &err) && mirror_attach_all(s, m, false, &err) &&
		     mirror_save(s, m, &err) && mirror_take_over(s, m, &err);
	if (!ok && known) {
		m->generation = known->generation;
		m->building = known->building;
	}
	if (!ok && !mirror_table_error(s, m, &err))
		stream_fail(s, &err);
	return m;
}

void mirror_free(struct mirror *m)
{
	table_unref(m->table);
	if (m->live_table)
		table_unref(m->live_table);
	arena_release(&m->filter_arena);
	vec_release(&m->chunks);
	vec_release(&m->again);
	key_set_release(&m->written);
	key_set_release(&m->written_before);
	retry_end(m);
	touched_release(&m->touched);
	touched_release(&m->foreseen);
	pthread_rwlock_destroy(&m->lock);
	free(m);
}

static bool discard(void *context, struct error *err)
{
	struct attach_job *job = context;
	return job->stream->sink->ops->discard(job->stream->sink, &job->landing, err);
}

static bool discard_building(struct stream *s, struct mirror *m, struct error *err)
{
	struct attach_job job = {
		s, {.table = m->table, .generation = m->building, .building = true}};

	if (!m->building || !m->generation || m->log)
		return true;
	return stream_attempt(s, "discard", discard, &job, err);
}

/* A first copy that starts over leaves what it has as the live storage: stale, but there to be exchanged. */
static void next_generation(struct stream *s, struct mirror *m, bool feed_live)
{
	uint32_t greatest = m->building > m->generation ? m->building : m->generation;

	mirror_set_generations(s, m, m->generation ? m->generation : m->building, greatest + 1,
		feed_live && m->live_table && table_same_definition(m->live_table, m->table));
	mirror_set_status(s, m, TABLE_COPYING, "");
}

bool mirror_recopy(struct stream *s, struct mirror *m, const char *reason, struct error *err)
{
	bool was_live = m->status == TABLE_LIVE || (m->status == TABLE_COPYING && m->feed_live);

	if (!mirror_retold(s, m, err))
		return error_add(err, "%s, and the table cannot be copied anew", reason) ||
		       mirror_table_error(s, m, err);
	log_info("table is copied anew", F("stream", s->settings->name),
		F("table", m->table->target), F("reason", reason));
	pthread_rwlock_wrlock(&m->lock);
	bool ok = true;
	if (!m->generation && !m->building) {
		/* broken from its first day, it has not been looked up in the target yet */
		ok = find_generation(s, m, err);
		mirror_set_generations(s, m, m->generation, 0, false);
	}
	ok = ok && discard_building(s, m, err);
	if (ok) {
		mirror_forget_copy(s, m);
		next_generation(s, m, was_live);
		ok = mirror_compile_filter(m, err) && mirror_attach_all(s, m, false, err) &&
		     state_chunks_forget(s->state, s->settings->name, m->table->source_id, err) &&
		     mirror_save(s, m, err);
		mirror_wait_for_copy(s, m);
	}
	pthread_rwlock_unlock(&m->lock);
	return ok || mirror_table_error(s, m, err);
}

struct evolve_job {
	struct stream *stream;
	struct landing landing;
	struct table *old;
	bool in_place;
};

static bool evolve(void *context, struct error *err)
{
	struct evolve_job *job = context;
	struct sink *sink = job->stream->sink;
	return sink->ops->evolve(sink, &job->landing, job->old, &job->in_place, err);
}

/* Under the write lock, m->table is the new definition. *in_place false: the copy must be made anew. */
static bool evolve_all(
	struct stream *s, struct mirror *m, struct table *old, bool *in_place, struct error *err)
{
	struct landing landings[2];
	size_t n = mirror_landings(m, landings);

	*in_place = true;
	for (size_t i = 0; i < n && *in_place; i++) {
		struct evolve_job job = {.stream = s, .landing = landings[i], .old = old};
		if (!stream_attempt(s, "evolve", evolve, &job, err))
			return false;
		*in_place = job.in_place;
	}
	return true;
}

/* The default that ADD COLUMN gave to old rows is known without its column's rule, which a copy applies, or not at
 * all: then the copy meets each of those rows as any other. */
static bool adds_default_to_copy(const struct table *old, const struct table *now)
{
	for (size_t c = 0; c < now->n_columns; c++) {
		const struct table_column *column = &now->columns[c];
		if (column->missing && (!*column->missing || column->rule.kind != RULE_NONE) &&
			table_column_by_attribute(old, column->attribute) < 0)
			return true;
	}
	return false;
}

/* Under the write lock, m->table is the new definition; its storages follow, if they can. */
static bool follow_in_place(
	struct stream *s, struct mirror *m, struct table *old, bool *in_place, struct error *err)
{
	bool ok = mirror_compile_filter(m, err) && evolve_all(s, m, old, in_place, err);

	if (ok && *in_place) {
		if (m->live_table)
			mirror_replace_table(s, &m->live_table, m->table);
		ok = watch_all(s, m, err) && mirror_save(s, m, err);
	}
	return ok;
}

bool mirror_take_over(struct stream *s, struct mirror *m, struct error *err)
{
	bool in_place = true;

	if (!s->source->ops->shared || m->log)
		return true;
	pthread_rwlock_wrlock(&m->lock);
	bool ok = follow_in_place(s, m, NULL, &in_place, err);
	if (ok && !in_place)
		mirror_replace_table(s, &m->live_table, NULL);
	pthread_rwlock_unlock(&m->lock);
	return ok &&
	       (in_place || mirror_recopy(s, m, "what is in the target has other columns", err));
}

bool mirror_define_changed(struct stream *s, struct mirror *m, struct table *old, struct error *err)
{
	bool in_place = false;
	bool renamed = strcmp(old->schema, m->table->schema) != 0 ||
		       strcmp(old->name, m->table->name) != 0;

	if (!table_same_configuration(old, m->table))
		return mirror_recopy(s, m,
			renamed ? "it has another name in the source"
				: "it is configured otherwise than it was",
			err);
	if (adds_default_to_copy(old, m->table))
		return mirror_recopy(
			s, m, "a column was added with a default that only a copy can tell", err);

	pthread_rwlock_wrlock(&m->lock);
	bool ok = follow_in_place(s, m, old, &in_place, err);
	pthread_rwlock_unlock(&m->lock);
	if (!ok)
		return mirror_table_error(s, m, err);
	log_info("table changed its columns", F("stream", s->settings->name),
		F("table", m->table->target), F("in_place", in_place));
	return in_place ||
	       mirror_recopy(s, m, "its columns changed in a way that only a copy can follow", err);
}

bool mirror_define(
	struct stream *s, struct mirror *m, struct table *now, const char *anew, struct error *err)
{
	struct table *old = table_ref(m->table);
	bool same = table_same_definition(old, now), ok = true;
	bool rewritten = !s->source->ops->same_physical(old->physical, now->physical);

	m->log_lost_track = anew != NULL;
	pthread_rwlock_wrlock(&m->lock);
	mirror_replace_table(s, &m->table, now);
	pthread_rwlock_unlock(&m->lock);
	if (!absent_renamed(s, m, old, now, err))
		ok = false;
	else if (now->problem)
		mirror_break(s, m, now->problem);
	else if (anew)
		ok = mirror_recopy(s, m, anew, err);
	else if (m->recopy_at && !mirror_takes_rows(m))
		ok = mirror_save(s, m, err);
	else if (!mirror_takes_rows(m) && s->source->ops->shared)
		ok = mirror_mend(s, m, err);
	else if (!mirror_takes_rows(m))
		ok = mirror_recopy(s, m, "it changed since it broke", err);
	else if (rewritten)
		ok = mirror_recopy(s, m, "it was rewritten in the source", err);
	else if (!same)
		ok = mirror_define_changed(s, m, old, err);
	else
		ok = mirror_save(s, m, err);
	table_unref(old);
	return ok;
}

struct truncate_job {
	struct stream *stream;
	struct landing landing;
	const struct row_meta *meta;
};

static bool truncate_one(void *context, struct error *err)
{
	struct truncate_job *job = context;
	struct sink *sink = job->stream->sink;
	return sink->ops->truncate(sink, &job->landing, job->meta, err);
}

/* All that lives after a TRUNCATE is streamed, so it ends the copy; workers are kept out by the lock.
 * Not so while the source leaves rows out: then the copy starts over instead. */
static void end_copy(struct stream *s, struct mirror *m)
{
	pthread_mutex_lock(&s->lock);
	vec_each (&m->chunks, c)
		c->done = true;
	m->again.len = 0;
	m->next_chunk = m->chunks.len;
	m->chunks_left = 0;
	m->planned = true;
	pthread_mutex_unlock(&s->lock);
}

static bool record_end_of_copy(struct stream *s, struct mirror *m, struct error *err)
{
	for (size_t i = 0; m->building && i < m->chunks.len; i++) {
		if (!state_chunk_done(s->state, s->settings->name, m->table->source_id, m->building,
			    m->chunks.items[i].chunk.number, 0, err))
			return false;
	}
	return true;
}

bool mirror_truncate(struct stream *s, struct mirror *m, struct table *now,
	const struct row_meta *meta, struct error *err)
{
	struct landing landings[2];
	bool ok = true;

	pthread_rwlock_wrlock(&m->lock);
	if (m->building && !m->log_lost_track) {
		end_copy(s, m);
		m->copy_serial++;
		ok = record_end_of_copy(s, m, err);
	}
	size_t n = mirror_landings(m, landings);
	for (size_t i = 0; ok && i < n; i++) {
		struct truncate_job job = {s, landings[i], meta};
		ok = stream_attempt(s, "truncate", truncate_one, &job, err);
	}
	ok = ok && watch_all(s, m, err);
	/* the new relfilenode is explained: it is no rewrite */
	if (ok && table_same_definition(m->table, now)) {
		mirror_replace_table(s, &m->table, now);
		ok = mirror_compile_filter(m, err) && mirror_save(s, m, err);
	}
	pthread_rwlock_unlock(&m->lock);
	if (ok && m->building && m->log_lost_track)
		ok = mirror_recopy(s, m, "it was truncated while it was copied", err);
	return ok || mirror_table_error(s, m, err);
}

static bool publish(void *context, struct error *err)
{
	struct attach_job *job = context;
	return job->stream->sink->ops->publish(job->stream->sink, &job->landing, err);
}

bool mirror_publish(struct stream *s, struct mirror *m, struct error *err)
{
	struct attach_job job = {s, {.table = m->table,
					    .generation = m->building,
					    .building = m->generation && !m->log}};

	pthread_rwlock_wrlock(&m->lock);
	bool ok = !job.landing.building || stream_attempt(s, "publish", publish, &job, err);
	if (ok) {
		failpoint("mirror.published");
		mirror_set_generations(s, m, m->building, 0, false);
		mirror_set_status(s, m, TABLE_LIVE, "");
		m->broken_for_ms = 0;
		mirror_replace_table(s, &m->live_table, m->table);
		mirror_hold(s, m, false);
		ok = watch_all(s, m, err) && mirror_save(s, m, err) &&
		     state_chunks_forget(s->state, s->settings->name, m->table->source_id, err);
	}
	pthread_rwlock_unlock(&m->lock);
	if (!ok)
		return mirror_table_error(s, m, err);
	log_info("table is live", F("stream", s->settings->name), F("table", m->table->target),
		F("rows_copied", (int64_t)m->copied_rows), F("generation", m->generation));
	return true;
}

bool mirror_dropped(struct stream *s, struct mirror *m, struct error *err)
{
	log_warn("table was dropped in the source; its rows are kept",
		F("stream", s->settings->name), F("table", m->table->target));
	pthread_rwlock_wrlock(&m->lock);
	bool ok = discard_building(s, m, err);
	if (m->generation)
		mirror_set_generations(s, m, m->generation, 0, false);
	mirror_forget_copy(s, m);
	mirror_set_status(
		s, m, TABLE_DROPPED, "dropped in the source; the rows up to then are kept");
	pthread_rwlock_unlock(&m->lock);
	return ok && mirror_save(s, m, err);
}

bool mirror_plan(struct stream *s, struct mirror *m, struct error *err)
{
	struct chunks chunks = {0};
	bool ok = s->source->ops->plan(s->source, m->table, &chunks, err);

	ok = ok && state_chunks_plan(s->state, s->settings->name, m->table->source_id, m->building,
			   &chunks, err);
	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; ok && i < chunks.len; i++)
		vec_push(&m->chunks, ((struct chunk_state){.chunk = chunks.items[i]}));
	m->chunks_left = m->chunks.len;
	m->planned = ok;
	m->wait_said_ms = 0;
	m->copy_began_ms = mono_ms();
	m->copied_estimate = m->table->rows_estimate;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
	vec_release(&chunks);
	return ok;
}
