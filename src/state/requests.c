/* What processes on one state folder tell one another: requests to the one that runs, and facts of it. */
#include <stdio.h>
#include <string.h>
#include "base/clock.h"
#include "state/store.h"

bool state_request(
	struct state *s, const char *kind, const char *stream, const char *table, struct error *err)
{
	static const char sql[] =
		"INSERT INTO requests (kind, stream, name, made_us) VALUES (?, ?, ?, ?)";

	store_enter(s);
	bool ok = store_run(s, sql, VALUES(V(kind), V(stream), V(table), V(wall_us())), err);
	return store_leave(s, ok);
}

bool state_requests(struct state *s, struct requests *out, struct error *err)
{
	memset(out, 0, sizeof *out);
	store_enter(s);
	sqlite3_stmt *row = store_query(
		s, "SELECT id, kind, stream, name FROM requests ORDER BY id", NO_VALUES, err);
	int step = row ? store_step(s, row, err) : -1;
	for (; step == 1; step = store_step(s, row, err)) {
		struct request request = {.id = sqlite3_column_int64(row, 0)};
		store_text(row, 1, request.kind, sizeof request.kind);
		store_text(row, 2, request.stream, sizeof request.stream);
		store_text(row, 3, request.table, sizeof request.table);
		vec_push(out, request);
	}
	if (step != 0)
		vec_release(out);
	return store_leave(s, step == 0);
}

bool state_request_done(struct state *s, int64_t id, struct error *err)
{
	store_enter(s);
	return store_leave(
		s, store_run(s, "DELETE FROM requests WHERE id = ?", VALUES(V(id)), err));
}

bool state_fact_put(struct state *s, const char *name, const char *value, struct error *err)
{
	static const char put[] = "INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)";
	static const char forget[] = "DELETE FROM facts WHERE name = ?";

	store_enter(s);
	bool ok = value ? store_run(s, put, VALUES(V(name), V(value)), err)
			: store_run(s, forget, VALUES(V(name)), err);
	return store_leave(s, ok);
}

bool state_fact_read(struct state *s, const char *name, struct buf *value)
{
	store_enter(s);
	sqlite3_stmt *row = store_query(
		s, "SELECT value FROM facts WHERE name = ?", VALUES(V(name)), NULL);
	bool found = row && store_step(s, row, NULL) == 1;
	if (found) {
		buf_puts(value, (const char *)sqlite3_column_text(row, 0));
		sqlite3_reset(row);
	}
	return store_leave(s, found);
}

bool state_fact_get(struct state *s, const char *name, char *value, size_t size)
{
	struct buf text;

	buf_init(&text, BUF_MAX);
	bool found = state_fact_read(s, name, &text);
	if (found)
		snprintf(value, size, "%s", buf_text(&text));
	buf_release(&text);
	return found;
}
