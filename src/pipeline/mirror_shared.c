/*
 * Tables of a log that several processes read into one target. None of them owns the target: what is found
 * there goes on. A table that breaks is held back in the log, and read on from there once it is mended.
 */
#include "base/log.h"
#include "pipeline/mirror_parts.h"
#include "pipeline/stream.h"

void mirror_hold(struct stream *s, const struct mirror *m, bool held)
{
	if (s->source->ops->hold)
		s->source->ops->hold(s->source, m->table, held);
}

/* Is it where nobody reads it that rows go? */
static bool builds_alone(const struct mirror *m)
{
	return m->generation && m->building && !m->feed_live;
}

void mirror_wait_for_copy(struct stream *s, const struct mirror *m)
{
	if (builds_alone(m))
		mirror_hold(s, m, true);
}

bool mirror_take_part(struct stream *s, struct mirror *m, struct error *err)
{
	struct landing landing = {.table = m->table};
	uint32_t live = 0;

	if (!s->source->ops->shared)
		return true;
	if (!m->log && !s->sink->ops->generation(s->sink, &landing, &live, err))
		return false;
	uint32_t generation = live > m->generation ? live : m->generation;
	uint32_t building = m->building > generation ? m->building : 0;
	mirror_set_generations(
		s, m, generation || building ? generation : 1, building, m->feed_live);
	mirror_set_status(s, m, building ? TABLE_COPYING : TABLE_LIVE, "");
	mirror_wait_for_copy(s, m);
	return true;
}

bool mirror_retold(struct stream *s, struct mirror *m, struct error *err)
{
	struct chunks chunks = {0};
	bool ok = !s->source->ops->shared ||
		  s->source->ops->plan(s->source, m->table, &chunks, err);

	vec_release(&chunks);
	return ok;
}

bool mirror_mend(struct stream *s, struct mirror *m, struct error *err)
{
	struct table *old = table_ref(m->live_table ? m->live_table : m->table);
	bool configured = !table_same_configuration(old, m->table);

	log_info("table is tried again", F("stream", s->settings->name),
		F("table", m->table->target));
	pthread_rwlock_wrlock(&m->lock);
	bool ok = mirror_take_part(s, m, err) && mirror_compile_filter(m, err) &&
		  mirror_attach_all(s, m, false, err) && mirror_save(s, m, err);
	pthread_rwlock_unlock(&m->lock);
	if (ok)
		ok = configured ? mirror_define_changed(s, m, old, err)
				: mirror_take_over(s, m, err);
	table_unref(old);
	if (!ok)
		return mirror_table_error(s, m, err);
	if (mirror_takes_rows(m) && !builds_alone(m))
		mirror_hold(s, m, false);
	return true;
}
