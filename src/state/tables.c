/*
 * Tables, and the ledger of chunks of the copy of each generation. The counters of a table (rows
 * copied, chunks, changes, rows set aside) are kept here: planning and finishing chunks moves them in
 * the same transaction, so that a row of the ledger is counted once however often it is reported.
 */
#include <string.h>
#include "base/clock.h"
#include "state/store.h"

static const char *const status_names[] = {
	[TABLE_COPYING] = "copying",
	[TABLE_LIVE] = "live",
	[TABLE_BROKEN] = "broken",
	[TABLE_DROPPED] = "dropped",
	[TABLE_EXCLUDED] = "excluded",
};

const char *table_status_name(enum table_status status)
{
	return status_names[status];
}

static bool status_parse(const char *name, enum table_status *out)
{
	for (size_t i = 0; i < COUNT_OF(status_names); i++)
		if (strcmp(name, status_names[i]) == 0) {
			*out = (enum table_status)i;
			return true;
		}
	return false;
}

bool table_state_is_called(const struct table_state *t, const char *name)
{
	static const struct table_options none;
	CLEANUP(free_string) char *full = xasprintf("%s.%s", t->schema, t->name);

	if (strcmp(full, name) == 0 || strcmp(t->target, name) == 0)
		return true;
	struct table *table = table_from_json(t->definition, "", &none, NULL);
	struct arena arena;
	arena_init(&arena);
	bool is = table && strcmp(table_read_as(table, &arena), name) == 0;
	arena_release(&arena);
	table_unref(table);
	return is;
}

void table_states_release(struct table_states *states)
{
	vec_each (states, it)
		free(it->definition);
	vec_release(states);
}

static bool table_read(
	struct state *s, sqlite3_stmt *row, struct table_state *out, struct error *err)
{
	char status[16];
	memset(out, 0, sizeof *out);
	out->source_id = (uint64_t)sqlite3_column_int64(row, 0);
	store_text(row, 1, out->schema, sizeof out->schema);
	store_text(row, 2, out->name, sizeof out->name);
	store_text(row, 3, out->target, sizeof out->target);
	store_text(row, 5, status, sizeof status);
	if (!status_parse(status, &out->status))
		return error_set(err, ERROR_BROKEN, "%s: table %s.%s has the unknown status \"%s\"",
			s->path, out->schema, out->name, status);
	out->generation = (uint32_t)sqlite3_column_int64(row, 6);
	out->building = (uint32_t)sqlite3_column_int64(row, 7);
	out->copied_rows = (uint64_t)sqlite3_column_int64(row, 8);
	out->changes = (uint64_t)sqlite3_column_int64(row, 9);
	out->set_aside = (uint64_t)sqlite3_column_int64(row, 10);
	out->chunks = (uint32_t)sqlite3_column_int64(row, 11);
	out->chunks_done = (uint32_t)sqlite3_column_int64(row, 12);
	store_text(row, 13, out->error, sizeof out->error);
	out->updated_us = sqlite3_column_int64(row, 14);
	out->definition = xstrdup((const char *)sqlite3_column_text(row, 4));
	return true;
}

bool state_tables(struct state *s, const char *stream, struct table_states *out, struct error *err)
{
	static const char sql[] =
		"SELECT source_id, schema, name, target, definition, status, generation,"
		" building, copied_rows, changes, set_aside, chunks, chunks_done, error, updated_us"
		" FROM tables WHERE stream = ? ORDER BY schema, name, source_id";

	memset(out, 0, sizeof *out);
	store_enter(s);
	sqlite3_stmt *row = store_query(s, sql, VALUES(V(stream)), err);
	int step = row ? store_step(s, row, err) : -1;
	for (; step == 1; step = store_step(s, row, err)) {
		struct table_state table;
		if (!table_read(s, row, &table, err)) {
			sqlite3_reset(row);
			step = -1;
			break;
		}
		vec_push(out, table);
	}
	if (step != 0)
		table_states_release(out);
	return store_leave(s, step == 0);
}

bool state_table_put(
	struct state *s, const char *stream, const struct table_state *t, struct error *err)
{
	static const char sql[] =
		"INSERT INTO tables (stream, source_id, schema, name, target, definition, status,"
		" generation, building, error, updated_us)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
		" ON CONFLICT (stream, source_id) DO UPDATE SET schema = ?3, name = ?4,"
		" target = ?5, definition = ?6, status = ?7, generation = ?8, building = ?9,"
		" error = ?10, updated_us = ?11";

	store_enter(s);
	bool ok = store_run(s, sql,
		VALUES(V(stream), V(t->source_id), V(t->schema), V(t->name), V(t->target),
			V(t->definition ? t->definition : ""), V(table_status_name(t->status)),
			V(t->generation), V(t->building), V(t->error), V(wall_us())),
		err);
	return store_leave(s, ok);
}

bool state_table_counts(struct state *s, const char *stream, uint64_t source_id, uint64_t changes,
	uint64_t set_aside, struct error *err)
{
	static const char sql[] =
		"UPDATE tables SET changes = changes + ?3, set_aside = set_aside + ?4,"
		" updated_us = ?5 WHERE stream = ?1 AND source_id = ?2";

	store_enter(s);
	bool ok = store_run(s, sql,
		VALUES(V(stream), V(source_id), V(changes), V(set_aside), V(wall_us())), err);
	return store_leave(s, ok);
}

bool state_table_forget(struct state *s, const char *stream, uint64_t source_id, struct error *err)
{
	static const char sql[] = "DELETE FROM tables WHERE stream = ? AND source_id = ?";

	store_enter(s);
	bool ok = store_run(s, sql, VALUES(V(stream), V(source_id)), err);
	return store_leave(s, ok) && state_chunks_forget(s, stream, source_id, err);
}

/* --- chunks --- */

static bool plan(struct state *s, const char *stream, uint64_t source_id, uint32_t generation,
	const struct chunks *chunks, struct error *err)
{
	static const char forget[] =
		"DELETE FROM chunks WHERE stream = ? AND source_id = ? AND generation = ?";
	static const char add[] = "INSERT INTO chunks (stream, source_id, generation, number, spec)"
				  " VALUES (?, ?, ?, ?, ?)";
	static const char count[] =
		"UPDATE tables SET chunks = ?3, chunks_done = 0, copied_rows = 0, updated_us = ?4"
		" WHERE stream = ?1 AND source_id = ?2";

	bool ok = store_run(s, forget, VALUES(V(stream), V(source_id), V(generation)), err);
	for (size_t i = 0; ok && i < chunks->len; i++) {
		const struct chunk *chunk = &chunks->items[i];
		ok = store_run(s, add,
			VALUES(V(stream), V(source_id), V(generation), V(chunk->number),
				V(chunk->spec)),
			err);
	}
	return ok && store_run(s, count,
			     VALUES(V(stream), V(source_id), V(chunks->len), V(wall_us())), err);
}

bool state_chunks_plan(struct state *s, const char *stream, uint64_t source_id, uint32_t generation,
	const struct chunks *chunks, struct error *err)
{
	store_enter(s);
	bool ok = store_begin(s, err) &&
		  store_end(s, plan(s, stream, source_id, generation, chunks, err), err);
	return store_leave(s, ok);
}

bool state_chunks(struct state *s, const char *stream, uint64_t source_id, uint32_t generation,
	struct chunk_states *out, struct error *err)
{
	static const char sql[] =
		"SELECT number, spec, done, copied_rows FROM chunks"
		" WHERE stream = ? AND source_id = ? AND generation = ? ORDER BY number";

	memset(out, 0, sizeof *out);
	store_enter(s);
	sqlite3_stmt *row = store_query(
		s, sql, VALUES(V(stream), V(source_id), V(generation)), err);
	int step = row ? store_step(s, row, err) : -1;
	for (; step == 1; step = store_step(s, row, err)) {
		struct chunk_state chunk = {
			.chunk.number = (uint32_t)sqlite3_column_int64(row, 0),
			.done = sqlite3_column_int(row, 2),
			.rows = (uint64_t)sqlite3_column_int64(row, 3),
		};
		store_text(row, 1, chunk.chunk.spec, sizeof chunk.chunk.spec);
		vec_push(out, chunk);
	}
	if (step != 0)
		vec_release(out);
	return store_leave(s, step == 0);
}

/* No chunk was left to finish: it was finished before, or is of a plan that is gone. */
static bool chunk_known(struct state *s, const char *stream, uint64_t source_id,
	uint32_t generation, uint32_t number, struct error *err)
{
	static const char sql[] =
		"SELECT 1 FROM chunks"
		" WHERE stream = ? AND source_id = ? AND generation = ? AND number = ?";

	sqlite3_stmt *row = store_query(
		s, sql, VALUES(V(stream), V(source_id), V(generation), V(number)), err);
	int step = row ? store_step(s, row, err) : -1;
	if (step == 1)
		sqlite3_reset(row);
	if (step == 0)
		return error_set(err, ERROR_BROKEN,
			"stream %s: chunk %u of generation %u of table %llu is not in the ledger",
			stream, number, generation, (unsigned long long)source_id);
	return step == 1;
}

static bool chunk_done(struct state *s, const char *stream, uint64_t source_id, uint32_t generation,
	uint32_t number, uint64_t rows, struct error *err)
{
	static const char finish[] =
		"UPDATE chunks SET done = 1, copied_rows = ?5"
		" WHERE stream = ?1 AND source_id = ?2 AND generation = ?3 AND number = ?4"
		" AND done = 0";
	static const char count[] =
		"UPDATE tables SET chunks_done = chunks_done + 1, copied_rows = copied_rows + ?3,"
		" updated_us = ?4 WHERE stream = ?1 AND source_id = ?2";

	if (!store_run(s, finish,
		    VALUES(V(stream), V(source_id), V(generation), V(number), V(rows)), err))
		return false;
	if (store_changed(s) == 0)
		return chunk_known(s, stream, source_id, generation, number, err);
	return store_run(s, count, VALUES(V(stream), V(source_id), V(rows), V(wall_us())), err);
}

bool state_chunk_done(struct state *s, const char *stream, uint64_t source_id, uint32_t generation,
	uint32_t number, uint64_t rows, struct error *err)
{
	store_enter(s);
	bool ok = store_begin(s, err) &&
		  store_end(
			  s, chunk_done(s, stream, source_id, generation, number, rows, err), err);
	return store_leave(s, ok);
}

bool state_chunks_forget(struct state *s, const char *stream, uint64_t source_id, struct error *err)
{
	static const char sql[] = "DELETE FROM chunks WHERE stream = ? AND source_id = ?";

	store_enter(s);
	return store_leave(s, store_run(s, sql, VALUES(V(stream), V(source_id)), err));
}
