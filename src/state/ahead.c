/*
 * Marks ahead of a write: what changes of a stream are about to touch, kept until its position passes them. They
 * become marks with the next position that is recorded, whether by this process or, after a crash, by another.
 */
#include "state/store.h"

bool state_mark_ahead(struct state *s, const char *stream, const struct asset_mark *marks, size_t n,
	struct error *err)
{
	static const char sql[] =
		"INSERT OR IGNORE INTO marks_ahead (stream, asset, from_us, to_us) VALUES (?, ?, "
		"?, ?)";

	store_enter(s);
	if (!store_begin(s, err))
		return store_leave(s, false);
	bool ok = true;
	for (size_t i = 0; ok && i < n; i++)
		ok = store_run(s, sql,
			VALUES(V(stream), V(marks[i].asset), V(marks[i].mark.from_us),
				V(marks[i].mark.to_us)),
			err);
	return store_leave(s, store_end(s, ok, err));
}

bool store_mark_foreseen(struct state *s, const char *stream, struct error *err)
{
	static const char sql[] = "SELECT asset, from_us, to_us FROM marks_ahead WHERE stream = ?";
	VEC(struct asset_mark) marks = {0};
	struct arena names;

	arena_init(&names);
	sqlite3_stmt *row = store_query(s, sql, VALUES(V(stream)), err);
	int step = row ? store_step(s, row, err) : -1;
	for (; step == 1; step = store_step(s, row, err)) {
		struct asset_mark mark = {.asset = store_string(row, 0, &names),
			.mark = {.from_us = sqlite3_column_int64(row, 1),
				.to_us = sqlite3_column_int64(row, 2)}};
		vec_push(&marks, mark);
	}
	bool ok = step == 0;
	if (ok && marks.len)
		ok = store_mark(s, marks.items, marks.len, err) &&
		     store_run(
			     s, "DELETE FROM marks_ahead WHERE stream = ?", VALUES(V(stream)), err);
	vec_release(&marks);
	arena_release(&names);
	return ok;
}
