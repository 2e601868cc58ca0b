/*
 * What changes of mirrored tables touch, on its way into the state store (state/assets.h): noted batch by batch,
 * recorded with the position. Of a table in the watch list these are hours; of any other it is all, which costs no
 * look at a row.
 */
#include <stdio.h>
#include <string.h>
#include "base/failpoint.h"
#include "pipeline/internal.h"
#include "state/assets.h"

#define HOUR_US INT64_C(3600000000)

/* NULL: the table is not in the list. */
static const char *event_time_of(const struct stream *s, const struct table *table)
{
	const struct watch_list *list = atomic_load(s->watch);

	for (size_t i = 0; list && i < list->tables.len; i++) {
		const struct watched *w = &list->tables.items[i];
		if (strcmp(w->table, table->target) == 0 &&
			strcmp(w->stream, s->settings->name) == 0)
			return w->event_time;
	}
	return NULL;
}

bool watch_has(const struct stream *s)
{
	const struct watch_list *list = atomic_load(s->watch);

	for (size_t i = 0; list && i < list->tables.len; i++)
		if (strcmp(list->tables.items[i].stream, s->settings->name) == 0)
			return true;
	return false;
}

VEC_TYPE(asset_marks, struct asset_mark);

static const char *asset_of(const struct mirror *m, struct arena *arena)
{
	return arena_printf(arena, "source.%s.%s", m->table->stream, m->table->target);
}

static int64_t time_of(int64_t hour)
{
	int64_t us;

	if (__builtin_mul_overflow(hour, HOUR_US, &us))
		return hour < 0 ? TIME_MIN : TIME_MAX;
	return us;
}

static void add_marks(struct asset_marks *marks, const char *asset, const struct touched *t)
{
	if (t->all)
		vec_push(marks,
			((struct asset_mark){asset, {.from_us = TIME_MIN, .to_us = TIME_MAX}}));
	for (size_t i = 0; !t->all && i < t->len; i++) {
		struct asset_mark mark = {asset,
			{.from_us = time_of(t->items[i].from), .to_us = time_of(t->items[i].to)}};
		if (mark.mark.from_us < mark.mark.to_us)
			vec_push(marks, mark);
	}
}

#define WHOLE                                          \
	{                                              \
		.from_us = TIME_MIN, .to_us = TIME_MAX \
	}

/* The history of the table, which only grows, is beside it. */
static void add_log_mark(struct asset_marks *marks, const struct mirror *m, struct arena *names)
{
	if (m->table->keep != KEEP_LATEST)
		vec_push(marks, ((struct asset_mark){
					arena_printf(names, "%s_log", asset_of(m, names)), WHOLE}));
}

/* Before the rows are written: afterwards nobody could find it any more. */
static bool record_ahead(
	struct stream *s, struct mirror *m, struct touched *found, struct error *err)
{
	bool news = found->all && !m->foreseen.all;
	struct asset_marks marks = {0};
	struct arena names;

	for (size_t i = 0; i < found->len; i++)
		news = news || !touched_has(&m->foreseen, found->items[i]);
	if (!news)
		return true;
	arena_init(&names);
	add_marks(&marks, asset_of(m, &names), found);
	bool ok = state_mark_ahead(s->state, s->settings->name, marks.items, marks.len, err);
	vec_release(&marks);
	arena_release(&names);
	for (size_t i = 0; ok && i < found->len; i++)
		touched_add(&m->foreseen, found->items[i]);
	m->foreseen.all |= ok && found->all;
	failpoint("watch.foreseen");
	return ok;
}

struct note_job {
	struct stream *stream;
	struct mirror *mirror;
	const char *event_time;
	const struct batch *batch;
};

static bool note(void *context, struct error *err)
{
	const struct note_job *job = context;
	struct mirror *m = job->mirror;
	struct landing stored = {.table = job->batch->table, .generation = m->generation};
	struct touched found = {0};
	bool read = m->generation && (!m->building || m->feed_live);
	bool ok = touched_note(&m->touched, &found, job->event_time, job->batch, job->stream->sink,
			  read ? &stored : NULL, err) &&
		  record_ahead(job->stream, m, &found, err);

	touched_release(&found);
	return ok;
}

bool watch_note(struct stream *s, struct mirror *m, const struct batch *batch, struct error *err)
{
	struct note_job job = {s, m, event_time_of(s, m->table), batch};

	if (m->log)
		return true;
	if (job.event_time)
		return stream_attempt(s, "note", note, &job, err);
	m->touched.all = m->touched.all || batch->rows;
	return true;
}

bool watch_advance(struct stream *s, const struct position *to, uint64_t changes, struct error *err)
{
	struct asset_marks marks = {0};
	struct arena names;

	if (s->sink->ops->log)
		return state_stream_advance(s->state, s->settings->name, to, changes, err);
	arena_init(&names);
	vec_each (&s->mirrors, it) {
		if (!touched_any(&(*it)->touched))
			continue;
		add_marks(&marks, asset_of(*it, &names), &(*it)->touched);
		add_log_mark(&marks, *it, &names);
	}
	bool ok = state_stream_advance_marking(
		s->state, s->settings->name, to, changes, marks.items, marks.len, err);
	vec_each (&s->mirrors, it) {
		if (ok)
			touched_clear(&(*it)->touched), touched_clear(&(*it)->foreseen);
	}
	vec_release(&marks);
	arena_release(&names);
	return ok;
}

bool watch_all(struct stream *s, const struct mirror *m, struct error *err)
{
	struct asset_marks marks = {0};
	struct arena names;

	if (m->log)
		return true;
	arena_init(&names);
	vec_push(&marks, ((struct asset_mark){asset_of(m, &names), WHOLE}));
	add_log_mark(&marks, m, &names);
	bool ok = state_mark(s->state, marks.items, marks.len, err);
	vec_release(&marks);
	arena_release(&names);
	return ok;
}

void pipeline_watch(struct pipeline *p, struct watch_list *list)
{
	struct watch_list *kept = xmalloc(sizeof *kept);

	*kept = *list;
	*list = (struct watch_list){0};
	pthread_mutex_lock(&p->watch_lock);
	vec_push(&p->watch_lists, kept);
	atomic_store(&p->watch, kept);
	pthread_mutex_unlock(&p->watch_lock);
}
