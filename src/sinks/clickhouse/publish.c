/*
 * A generation that was built takes the place of the live one: the two exchange their names at
 * once, then the old one goes. Which is which stands in the comments, which travel with the
 * tables, so after a crash in between the same call finds what is done. Of a history the old
 * storage is kept, under NAME__archive_gN: it holds versions that the new copy cannot have.
 */
#include <stdio.h>
#include <string.h>
#include "base/failpoint.h"
#include "base/log.h"
#include "sinks/clickhouse/clickhouse.h"

#define ARCHIVE "__archive_g"

static bool drop_table(
	struct clickhouse_sink *s, const char *database, const char *name, struct error *err)
{
	struct buf sql;

	buf_init(&sql, BUF_MAX);
	buf_puts(&sql, "DROP TABLE IF EXISTS ");
	add_name(&sql, database, name);
	struct clickhouse_query q = {.sql = buf_text(&sql), .settings = settings_to_drop};
	bool ok = run_everywhere(s, &q, err) || error_add(err, "dropping %s.%s", database, name);
	buf_release(&sql);
	layout_forget(s, name);
	return ok;
}

static bool run_pair(struct clickhouse_sink *s, const char *verb, const char *from,
	const char *joint, const char *to, struct error *err)
{
	struct buf sql;

	buf_init(&sql, BUF_MAX);
	buf_puts(&sql, verb);
	add_name(&sql, s->cdc, from);
	buf_puts(&sql, joint);
	add_name(&sql, s->cdc, to);
	bool ok = clickhouse_run(s->client, buf_text(&sql), err) ||
		  error_add(err, "%s%s%s%s", verb, from, joint, to);
	buf_release(&sql);
	layout_forget(s, from);
	layout_forget(s, to);
	return ok;
}

/* Of a cluster the table over the parts becomes one over those that were built: that can be said twice. */
static bool take_place(struct clickhouse_sink *s, const struct landing *landing,
	enum storage_kind kind, const char *live, const char *building, bool is_there,
	struct error *err)
{
	CLEANUP(free_string) char *part = part_name(s, landing, kind);

	if (s->cluster)
		return cluster_spread(s, landing, kind, &(struct spread){live, part, true}, err);
	return is_there ? run_pair(s, "EXCHANGE TABLES ", live, " AND ", building, err)
			: run_pair(s, "RENAME TABLE ", building, " TO ", live, err);
}

static bool exchange(struct clickhouse_sink *s, const struct landing *landing,
	enum storage_kind kind, struct arena *arena, struct error *err)
{
	CLEANUP(free_string) char *live = live_name(landing->table, kind);
	CLEANUP(free_string)
	char *building = building_name(landing->table, kind, landing->generation);
	struct stored_table now, built;

	if (!stored_table_get(s, s->cdc, live, arena, &now, err) ||
		!stored_table_get(s, s->cdc, building, arena, &built, err) ||
		!stored_table_check(&now, s->cdc, landing->table, err) ||
		!stored_table_check(&built, s->cdc, landing->table, err))
		return false;
	bool done = now.exists && now.generation == landing->generation;
	if (!done && !built.exists)
		return error_set(err, ERROR_TABLE,
			"%s.%s, which was to become %s, is gone; tailrace resync %s makes it anew",
			s->cdc, building, live, landing->table->target);
	if (!done && !take_place(s, landing, kind, live, building, now.exists, err))
		return false;
	pthread_mutex_lock(&s->lock);
	map_put(&s->published, building, strlen(building), s);
	pthread_mutex_unlock(&s->lock);
	if (!done)
		failpoint("clickhouse.exchanged");
	return !s->cluster || drop_table(s, s->cdc, building, err);
}

static bool is_empty(struct clickhouse_sink *s, const char *name, bool *empty, struct error *err)
{
	struct rows rows;
	struct buf sql;

	buf_init(&sql, BUF_MAX);
	buf_puts(&sql, "SELECT count() FROM ");
	add_name(&sql, s->cdc, name);
	bool ok = rows_query(s, "u", buf_text(&sql), NULL, &rows, err);
	if (ok) {
		*empty = !rows_number(&rows, 0, 0);
		rows_release(&rows);
	}
	buf_release(&sql);
	return ok;
}

/* "orders" of "orders__g3" and of "orders". */
static char *base_name(const char *name)
{
	const char *tail = strstr(name, "__g");

	for (const char *next = tail; next; next = strstr(next + 1, "__g"))
		tail = next;
	bool built = tail && tail[3] && !tail[3 + strspn(tail + 3, "0123456789")];
	return built ? xstrndup(name, (size_t)(tail - name)) : xstrdup(name);
}

static bool archive(struct clickhouse_sink *s, const struct stored_table *old, const char *base,
	struct error *err)
{
	CLEANUP(free_string) char *name = xasprintf("%s" ARCHIVE "%u", base, old->generation);
	bool empty = false;

	if (!is_empty(s, old->name, &empty, err))
		return false;
	if (empty)
		return drop_table(s, s->cdc, old->name, err);
	if (!run_pair(s, "RENAME TABLE ", old->name, " TO ", name, err))
		return false;
	log_warn("history was copied anew; the earlier one is kept beside it",
		F("stream", old->stream), F("table", old->source), F("archive", name));
	return true;
}

static bool drop_view(struct clickhouse_sink *s, const struct table *t, const char *name,
	struct arena *arena, struct error *err)
{
	struct stored_table have;
	struct error not_ours = {0};

	if (!stored_table_get(s, s->database, name, arena, &have, err))
		return false;
	if (!have.exists || !stored_table_check(&have, s->database, t, &not_ours))
		return true;
	return drop_table(s, s->database, name, err);
}

static bool is_live(const struct table *t, const char *name)
{
	bool is = false;

	for (enum storage_kind kind = 0; !is && kind < N_STORAGE_KINDS; kind++) {
		CLEANUP(free_string) char *live = live_name(t, kind);
		is = table_keeps(t, kind) && !strcmp(live, name);
	}
	return is;
}

static bool retire(struct clickhouse_sink *s, const struct table *t, const struct stored_table *old,
	struct arena *arena, struct error *err)
{
	CLEANUP(free_string) char *base = base_name(old->name);

	if (is_live(t, old->name) || strstr(old->name, ARCHIVE))
		return true;
	if (!is_live(t, base) && !drop_view(s, t, base, arena, err))
		return false;
	return s->cluster || strcmp(old->kind, "log") ? drop_table(s, s->cdc, old->name, err)
						      : archive(s, old, base, err);
}

/* What else there is of the table: the generation before, one that was given up, another name
 * (`as`) or another `keep` from before. All of it would go stale. */
static bool retire_others(
	struct clickhouse_sink *s, const struct table *t, struct arena *arena, struct error *err)
{
	struct stored_tables stored;
	bool ok = stored_tables_of(
		s, s->cdc, t->stream, source_name(t, arena), arena, &stored, err);

	for (size_t i = 0; ok && i < stored.len; i++)
		ok = retire(s, t, &stored.items[i], arena, err);
	vec_release(&stored);
	return ok;
}

/* --- Of a cluster: the parts that no table is over any more -------------------------------------- */

static bool archive_part(struct clickhouse_sink *s, struct table *t,
	const struct stored_table *part, struct arena *arena, struct error *err)
{
	CLEANUP(free_string) char *base = base_name(part->name);
	CLEANUP(free_string) char *name = xasprintf("%s" ARCHIVE "%u", base, part->generation);
	const struct landing was = {.table = t, .generation = part->generation};
	struct stored_table have;
	bool empty = false;

	if (!stored_table_get(s, s->cdc, name, arena, &have, err))
		return false;
	if (have.exists)
		return true;
	if (!cluster_spread(s, &was, STORAGE_LOG, &(struct spread){name, part->name, false}, err) ||
		!is_empty(s, name, &empty, err))
		return false;
	if (empty)
		return drop_table(s, s->cdc, name, err) && drop_table(s, s->shard, part->name, err);
	log_warn("history was copied anew; the earlier one is kept beside it",
		F("stream", part->stream), F("table", part->source), F("archive", name));
	return true;
}

static bool is_part_of(
	struct clickhouse_sink *s, const struct landing *landing, const struct stored_table *part)
{
	bool is = false;

	for (enum storage_kind kind = 0; !is && kind < N_STORAGE_KINDS; kind++) {
		CLEANUP(free_string) char *name = part_name(s, landing, kind);
		is = table_keeps(landing->table, kind) && !strcmp(name, part->name);
	}
	return is;
}

static bool retire_parts(struct clickhouse_sink *s, const struct landing *landing,
	struct arena *arena, struct error *err)
{
	const struct table *t = landing->table;
	struct stored_tables parts;
	bool ok = stored_tables_of(
		s, s->shard, t->stream, source_name(t, arena), arena, &parts, err);

	for (size_t i = 0; ok && i < parts.len; i++) {
		const struct stored_table *part = &parts.items[i];
		if (is_part_of(s, landing, part))
			continue;
		ok = strcmp(part->kind, "log") ? drop_table(s, s->shard, part->name, err)
					       : archive_part(s, landing->table, part, arena, err);
	}
	vec_release(&parts);
	return ok;
}

bool clickhouse_publish(struct sink *sink, const struct landing *landing, struct error *err)
{
	struct clickhouse_sink *s = clickhouse_sink_of(sink);
	struct arena arena;
	bool ok = true;

	arena_init(&arena);
	for (enum storage_kind kind = 0; ok && kind < N_STORAGE_KINDS; kind++)
		if (table_keeps(landing->table, kind))
			ok = exchange(s, landing, kind, &arena, err) &&
			     view_update(s, landing->table, kind, err);
	ok = ok && retire_others(s, landing->table, &arena, err) &&
	     (!s->cluster || retire_parts(s, landing, &arena, err));
	arena_release(&arena);
	return ok;
}

/* Unless they have become what people read. */
static bool discard_parts(struct clickhouse_sink *s, const struct landing *landing,
	struct arena *arena, struct error *err)
{
	bool ok = database_create(s, s->shard, err);

	for (enum storage_kind kind = 0; ok && kind < N_STORAGE_KINDS; kind++) {
		CLEANUP(free_string) char *live = live_name(landing->table, kind);
		CLEANUP(free_string) char *part = part_name(s, landing, kind);
		struct stored_table have;
		ok = stored_table_get(s, s->cdc, live, arena, &have, err) &&
		     (have.generation == landing->generation || drop_table(s, s->shard, part, err));
	}
	return ok;
}

bool clickhouse_discard(struct sink *sink, const struct landing *landing, struct error *err)
{
	struct clickhouse_sink *s = clickhouse_sink_of(sink);
	struct stored_table have;
	struct arena arena;
	bool ok = true;

	arena_init(&arena);
	for (enum storage_kind kind = 0; ok && kind < N_STORAGE_KINDS; kind++) {
		CLEANUP(free_string)
		char *name = building_name(landing->table, kind, landing->generation);
		ok = stored_table_get(s, s->cdc, name, &arena, &have, err);
		if (!ok || !have.exists || have.generation != landing->generation)
			continue;
		ok = stored_table_check(&have, s->cdc, landing->table, err) &&
		     drop_table(s, s->cdc, name, err);
	}
	ok = ok && (!s->cluster || discard_parts(s, landing, &arena, err));
	arena_release(&arena);
	return ok;
}
