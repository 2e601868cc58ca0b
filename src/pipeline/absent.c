/*
 * Tables that are no more, whose rows are kept in the target: gone in the source, no longer selected, or
 * known by another name since. The state store has them, and status shows them; a table that takes such a
 * name takes its place.
 */
#include <stdio.h>
#include <string.h>
#include "base/log.h"
#include "pipeline/stream.h"

static bool is_named(const struct table *t, const char *schema, const char *name)
{
	return strcmp(t->schema, schema) == 0 && strcmp(t->name, name) == 0;
}

/* What stays behind under an earlier name has no id in the source any more: this one, above all of
 * PostgreSQL's, is of the name. */
static uint64_t id_of_name(const char *schema, const char *name)
{
	uint64_t hash = 0xcbf29ce484222325; /* FNV-1a */

	for (const char *c = schema; *c; c++)
		hash = (hash ^ (uint8_t)*c) * 0x100000001b3;
	hash = (hash ^ '.') * 0x100000001b3;
	for (const char *c = name; *c; c++)
		hash = (hash ^ (uint8_t)*c) * 0x100000001b3;
	return hash | (uint64_t)1 << 63;
}

static bool show_absent(struct stream *s, struct error *err)
{
	struct table_states all, absent = {0};

	if (!state_tables(s->state, s->settings->name, &all, err))
		return false;
	vec_each (&all, row) {
		if (mirror_find(s, row->source_id))
			free(row->definition);
		else
			vec_push(&absent, *row);
	}
	vec_release(&all);
	pthread_mutex_lock(&s->lock);
	struct table_states before = s->absent;
	s->absent = absent;
	pthread_mutex_unlock(&s->lock);
	table_states_release(&before);
	return true;
}

static bool settle(struct stream *s, const struct table_state *known, struct error *err)
{
	struct table_state row = *known;
	bool selected = selection_match(&s->settings->selection, row.schema, row.name) != NULL;

	if (mirror_find(s, row.source_id))
		return true;
	if (mirror_named(s, row.schema, row.name))
		return state_table_forget(s->state, s->settings->name, row.source_id, err);
	row.status = selected ? TABLE_DROPPED : TABLE_EXCLUDED;
	if (row.status == known->status)
		return true;
	log_warn(selected ? "table is gone from the source; its rows are kept"
			  : "table is no longer selected; its rows are kept",
		F("stream", s->settings->name), F("table", row.target));
	return state_table_put(s->state, s->settings->name, &row, err);
}

bool absent_settle(struct stream *s, const struct table_states *known, struct error *err)
{
	for (size_t i = 0; i < known->len; i++) {
		if (!settle(s, &known->items[i], err))
			return false;
	}
	return show_absent(s, err);
}

bool absent_replaced(struct stream *s, const struct table *by, struct error *err)
{
	for (size_t i = 0; i < s->mirrors.len; i++) {
		struct mirror *m = s->mirrors.items[i];
		if (m->replaced || m->status != TABLE_DROPPED ||
			!is_named(m->table, by->schema, by->name))
			continue;
		pthread_mutex_lock(&s->lock);
		m->replaced = true;
		pthread_mutex_unlock(&s->lock);
		if (!state_table_forget(s->state, s->settings->name, m->table->source_id, err))
			return false;
	}
	return state_table_forget(
		       s->state, s->settings->name, id_of_name(by->schema, by->name), err) &&
	       show_absent(s, err);
}

bool absent_renamed(struct stream *s, const struct mirror *m, const struct table *old,
	const struct table *now, struct error *err)
{
	struct table_state row = {.source_id = id_of_name(old->schema, old->name),
		.status = TABLE_DROPPED,
		.generation = m->generation ? m->generation : m->building};
	struct mirror *heir = mirror_named(s, old->schema, old->name);

	if (is_named(now, old->schema, old->name))
		return true;
	snprintf(row.schema, sizeof row.schema, "%s", old->schema);
	snprintf(row.name, sizeof row.name, "%s", old->name);
	snprintf(row.target, sizeof row.target, "%s", old->target);
	snprintf(row.error, sizeof row.error,
		"it is %s.%s in the source now; its rows up to then are kept under this name",
		now->schema, now->name);
	bool stays = row.generation && (!heir || heir == m);
	if (stays)
		log_warn("table was renamed in the source; its rows up to then are kept under the "
			 "earlier name",
			F("stream", s->settings->name), F("table", old->target),
			F("now", now->target));
	return (!stays || state_table_put(s->state, s->settings->name, &row, err)) &&
	       absent_replaced(s, now, err);
}
