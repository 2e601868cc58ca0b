/* Mirrors looked up, asked where their rows go, and recorded; see mirror.h. */
#include <stdio.h>
#include "base/clock.h"
#include "base/failpoint.h"
#include "pipeline/mirror.h"
#include "pipeline/stream.h"

struct mirror *mirror_find(struct stream *s, uint64_t source_id)
{
	vec_each (&s->mirrors, m) {
		if ((*m)->table->source_id == source_id)
			return *m;
	}
	return NULL;
}

struct mirror *mirror_named(struct stream *s, const char *schema, const char *name)
{
	vec_each (&s->mirrors, m) {
		if ((*m)->status != TABLE_DROPPED && strcmp((*m)->table->schema, schema) == 0 &&
			strcmp((*m)->table->name, name) == 0)
			return *m;
	}
	return NULL;
}

bool mirror_takes_rows(const struct mirror *m)
{
	return m->status == TABLE_COPYING || m->status == TABLE_LIVE;
}

bool mirror_copies(const struct mirror *m, uint32_t generation, uint32_t serial)
{
	return m->status == TABLE_COPYING && m->building == generation && m->copy_serial == serial;
}

size_t mirror_landings(const struct mirror *m, struct landing out[2])
{
	size_t n = 0;

	if (m->log) {
		out[n++] = (struct landing){.table = m->table};
		return n;
	}
	if (m->building)
		out[n++] = (struct landing){.table = m->table,
			.generation = m->building,
			.building = m->generation != 0};
	if (m->generation && (!m->building || m->feed_live))
		out[n++] = (struct landing){.table = m->table, .generation = m->generation};
	return n;
}

bool mirror_chunk_done(
	struct stream *s, struct mirror *m, size_t index, uint64_t rows, struct error *err)
{
	struct chunk_state *chunk = &m->chunks.items[index];

	failpoint("copier.before_done");
	if (!state_chunk_done(s->state, s->settings->name, m->table->source_id, m->building,
		    chunk->chunk.number, rows, err))
		return false;
	pthread_mutex_lock(&s->lock);
	if (!chunk->done) {
		chunk->done = true;
		m->chunks_left--;
	}
	m->copy_failures = 0;
	m->error[0] = '\0'; /* what it waited for is over */
	pthread_mutex_unlock(&s->lock);
	s->unmarked = true;
	failpoint("copier.after_done");
	return true;
}

bool mirror_save(struct stream *s, struct mirror *m, struct error *err)
{
	struct table_state row = {
		.source_id = m->table->source_id,
		.status = m->status,
		.generation = m->generation,
		.building = m->building,
		.copied_rows = m->copied_rows,
		.changes = m->changes,
		.set_aside = m->set_aside,
		.chunks = (uint32_t)m->chunks.len,
		.chunks_done = (uint32_t)(m->chunks.len - m->chunks_left),
		.updated_us = wall_us(),
	};
	struct buf json;

	snprintf(row.schema, sizeof row.schema, "%s", m->table->schema);
	snprintf(row.name, sizeof row.name, "%s", m->table->name);
	snprintf(row.target, sizeof row.target, "%s", m->table->target);
	snprintf(row.error, sizeof row.error, "%s", m->error);
	buf_init(&json, BUF_MAX);
	table_to_json(m->table, &json);
	row.definition = (char *)buf_text(&json);
	bool ok = state_table_put(s->state, s->settings->name, &row, err);
	buf_release(&json);
	s->unmarked = true;
	return ok;
}
