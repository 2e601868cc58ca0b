/*
 * Marks and built ranges; see assets.h. A new range cuts off what it covers of the two rows at its ends, deletes
 * what lies within, and takes neighbours that say the same into itself: a few statements, however many rows there
 * are.
 */
#include <assert.h>
#include <string.h>
#include "base/clock.h"
#include "state/assets.h"
#include "state/store.h"

/* The statements of one of the two tables: the key is ?1 asset, ?2 part, ?3 from, ?4 to. */
struct range_table {
	const char *tail; /* of a row that spans the end, what is behind it becomes a row */
	const char *cut;  /* a row that spans the start ends there */
	const char *drop; /* what lies within */
	const char *near; /* the rows right before the start and right behind the end */
};

#define ROW_BEFORE(table, at) \
	"(SELECT max(from_us) FROM " table " WHERE asset = ?1 AND part = ?2 AND from_us < " at ")"
#define RANGE_TABLE(table, columns)                                                             \
	{                                                                                       \
		.tail = "INSERT INTO " table " (asset, part, from_us, to_us, " columns ")"      \
			" SELECT asset, part, ?4, to_us, " columns " FROM " table               \
			" WHERE asset = ?1 AND part = ?2 AND to_us > ?4 AND ?3 < ?4"            \
			" AND from_us = " ROW_BEFORE(table, "?4"),                              \
		.cut = "UPDATE " table                                                          \
		       " SET to_us = ?3 WHERE asset = ?1 AND part = ?2 AND to_us > ?3"          \
		       " AND ?3 < ?4 AND from_us = " ROW_BEFORE(table, "?3"),                   \
		.drop = "DELETE FROM " table                                                    \
			" WHERE asset = ?1 AND part = ?2 AND from_us >= ?3 AND from_us < ?4",   \
		.near = "SELECT part, from_us, to_us, " columns " FROM " table                  \
			" WHERE asset = ?1 AND part = ?2 AND to_us = ?3 AND from_us "           \
			"= " ROW_BEFORE(                                                        \
				table, "?3") " UNION ALL SELECT part, from_us, to_us, " columns \
					     " FROM " table                                     \
					     " WHERE asset = ?1 AND part = ?2 AND from_us = ?4" \
	}
#define BUILT_COLUMNS "seq, fingerprint, checks, as_of_us, position, built_us, run"

static const struct range_table marks_table = RANGE_TABLE("marks", "seq");
static const struct range_table built_table = RANGE_TABLE("built", BUILT_COLUMNS);

/* Nothing is left of what [from, to) covers. */
static bool clear_range(struct state *s, const struct range_table *t, const char *asset,
	const char *part, int64_t from_us, int64_t to_us, struct error *err)
{
	const struct value key[] = {V(asset), V(part), V(from_us), V(to_us)};

	return store_run(s, t->tail, key, 4, err) && store_run(s, t->cut, key, 4, err) &&
	       store_run(s, t->drop, key, 4, err);
}

/* --- marks --- */

static bool next_seq(struct state *s, int64_t *seq, struct error *err)
{
	sqlite3_stmt *row = store_query(
		s, "UPDATE mark_seq SET seq = seq + 1 RETURNING seq", NO_VALUES, err);

	if (!row || store_step(s, row, err) != 1)
		return false;
	*seq = sqlite3_column_int64(row, 0);
	return store_step(s, row, err) == 0;
}

/* The range grows by its neighbours of the same seq. */
static bool grow_mark(struct state *s, const char *asset, struct mark *m, struct error *err)
{
	int64_t from_us = m->from_us, to_us = m->to_us;
	sqlite3_stmt *row = store_query(
		s, marks_table.near, VALUES(V(asset), V(m->partition), V(from_us), V(to_us)), err);
	int step = row ? store_step(s, row, err) : -1;

	for (; step == 1; step = store_step(s, row, err)) {
		if (sqlite3_column_int64(row, 3) != m->seq)
			continue;
		if (sqlite3_column_int64(row, 1) < from_us)
			m->from_us = sqlite3_column_int64(row, 1);
		else
			m->to_us = sqlite3_column_int64(row, 2);
	}
	return step == 0;
}

static bool put_mark(struct state *s, const char *asset, struct mark m, struct error *err)
{
	static const char again[] = "UPDATE marks SET seq = ?5 WHERE asset = ?1 AND part = ?2 AND"
				    " from_us = ?3 AND to_us = ?4";
	static const char add[] =
		"INSERT INTO marks (asset, part, from_us, to_us, seq) VALUES (?, ?, ?, ?, ?)";

	m.partition = text_or_empty(m.partition);
	assert(m.from_us < m.to_us);
	/* Most marks are of what was marked before. */
	if (!store_run(s, again,
		    VALUES(V(asset), V(m.partition), V(m.from_us), V(m.to_us), V(m.seq)), err))
		return false;
	if (store_changed(s))
		return true;
	if (!clear_range(s, &marks_table, asset, m.partition, m.from_us, m.to_us, err) ||
		!grow_mark(s, asset, &m, err) ||
		!clear_range(s, &marks_table, asset, m.partition, m.from_us, m.to_us, err))
		return false;
	return store_run(
		s, add, VALUES(V(asset), V(m.partition), V(m.from_us), V(m.to_us), V(m.seq)), err);
}

bool store_mark(struct state *s, const struct asset_mark *marks, size_t n, struct error *err)
{
	int64_t seq;

	if (n && !next_seq(s, &seq, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		struct mark mark = marks[i].mark;
		mark.seq = seq;
		if (!put_mark(s, marks[i].asset, mark, err))
			return false;
	}
	return true;
}

bool state_mark(struct state *s, const struct asset_mark *marks, size_t n, struct error *err)
{
	store_enter(s);
	if (!store_begin(s, err))
		return store_leave(s, false);
	return store_leave(s, store_end(s, store_mark(s, marks, n, err), err));
}

/* Most keys are "". */
static const char *read_text(sqlite3_stmt *row, int column, struct arena *arena)
{
	return sqlite3_column_bytes(row, column) ? store_string(row, column, arena) : "";
}

bool state_marks(struct state *s, const char *asset, struct arena *arena, struct marks *out,
	struct error *err)
{
	static const char sql[] = "SELECT part, from_us, to_us, seq FROM marks WHERE asset = ?"
				  " ORDER BY part, from_us";

	memset(out, 0, sizeof *out);
	store_enter(s);
	sqlite3_stmt *row = store_query(s, sql, VALUES(V(asset)), err);
	int step = row ? store_step(s, row, err) : -1;
	for (; step == 1; step = store_step(s, row, err)) {
		struct mark mark = {.partition = read_text(row, 0, arena),
			.from_us = sqlite3_column_int64(row, 1),
			.to_us = sqlite3_column_int64(row, 2),
			.seq = sqlite3_column_int64(row, 3)};
		vec_push(out, mark);
	}
	if (step != 0)
		vec_release(out);
	return store_leave(s, step == 0);
}

bool state_seq(
	struct state *s, const char *const *assets, size_t n, int64_t *seq, struct error *err)
{
	bool ok = true;

	*seq = 0;
	store_enter(s);
	for (size_t i = 0; ok && i < n; i++) {
		sqlite3_stmt *row = store_query(s,
			"SELECT coalesce(max(seq), 0) FROM marks WHERE asset = ?",
			VALUES(V(assets[i])), err);
		ok = row && store_step(s, row, err) == 1;
		int64_t latest = ok ? sqlite3_column_int64(row, 0) : 0;
		*seq = latest > *seq ? latest : *seq;
		if (ok)
			sqlite3_reset(row);
	}
	return store_leave(s, ok);
}

/* --- built --- */

struct built store_read_built(sqlite3_stmt *row, int first, struct arena *arena)
{
	return (struct built){.partition = read_text(row, first, arena),
		.from_us = sqlite3_column_int64(row, first + 1),
		.to_us = sqlite3_column_int64(row, first + 2),
		.seq = sqlite3_column_int64(row, first + 3),
		.fingerprint = (uint64_t)sqlite3_column_int64(row, first + 4),
		.checks = (enum checks)sqlite3_column_int(row, first + 5),
		.as_of_us = sqlite3_column_int64(row, first + 6),
		.position = read_text(row, first + 7, arena),
		.built_us = sqlite3_column_int64(row, first + 8),
		.run = sqlite3_column_int64(row, first + 9)};
}

/* A neighbour that says the same becomes part of it. */
static void fold(struct built *b, const struct built *near)
{
	if (near->seq != b->seq || near->fingerprint != b->fingerprint || near->checks != b->checks)
		return;
	if (near->from_us < b->from_us)
		b->from_us = near->from_us;
	else
		b->to_us = near->to_us;
	if (near->as_of_us < b->as_of_us) {
		b->as_of_us = near->as_of_us;
		b->position = near->position;
	}
	b->built_us = near->built_us > b->built_us ? near->built_us : b->built_us;
	b->run = near->run > b->run ? near->run : b->run;
}

static bool grow_built(
	struct state *s, const char *asset, struct built *b, struct arena *arena, struct error *err)
{
	int64_t from_us = b->from_us, to_us = b->to_us;
	sqlite3_stmt *row = store_query(
		s, built_table.near, VALUES(V(asset), V(b->partition), V(from_us), V(to_us)), err);
	int step = row ? store_step(s, row, err) : -1;

	for (; step == 1; step = store_step(s, row, err)) {
		struct built near = store_read_built(row, 0, arena);
		fold(b, &near);
	}
	return step == 0;
}

static bool put_built(
	struct state *s, const char *asset, struct built b, struct arena *arena, struct error *err)
{
	static const char add[] = "INSERT INTO built (asset, part, from_us, to_us, " BUILT_COLUMNS
				  ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

	b.partition = text_or_empty(b.partition);
	b.position = text_or_empty(b.position);
	assert(b.from_us < b.to_us);
	if (!clear_range(s, &built_table, asset, b.partition, b.from_us, b.to_us, err) ||
		!grow_built(s, asset, &b, arena, err) ||
		!clear_range(s, &built_table, asset, b.partition, b.from_us, b.to_us, err))
		return false;
	return store_run(s, add,
		VALUES(V(asset), V(b.partition), V(b.from_us), V(b.to_us), V(b.seq),
			V((int64_t)b.fingerprint), V((int64_t)b.checks), V(b.as_of_us),
			V(b.position), V(b.built_us), V(b.run)),
		err);
}

bool store_built(struct state *s, const char *asset, const struct built *built, struct error *err)
{
	struct arena arena;

	arena_init(&arena);
	bool ok = put_built(s, asset, *built, &arena, err);
	arena_release(&arena);
	return ok;
}

static bool read_built(struct state *s, const char *asset, struct arena *arena, struct builts *out,
	struct error *err)
{
	static const char sql[] = "SELECT part, from_us, to_us, " BUILT_COLUMNS
				  " FROM built WHERE asset = ? ORDER BY part, from_us";

	memset(out, 0, sizeof *out);
	sqlite3_stmt *row = store_query(s, sql, VALUES(V(asset)), err);
	int step = row ? store_step(s, row, err) : -1;
	for (; step == 1; step = store_step(s, row, err))
		vec_push(out, store_read_built(row, 0, arena));
	if (step != 0)
		vec_release(out);
	return step == 0;
}

bool state_built(struct state *s, const char *asset, struct arena *arena, struct builts *out,
	struct error *err)
{
	store_enter(s);
	return store_leave(s, read_built(s, asset, arena, out, err));
}

/* What of `b` is within the range. */
static bool within(struct built *b, const char *part, int64_t from_us, int64_t to_us)
{
	b->from_us = b->from_us > from_us ? b->from_us : from_us;
	b->to_us = b->to_us < to_us ? b->to_us : to_us;
	return b->from_us < b->to_us && !strcmp(b->partition, part);
}

bool state_built_checked(struct state *s, const char *asset, const char *partition, int64_t from_us,
	int64_t to_us, enum checks checks, struct error *err)
{
	struct arena arena;
	struct builts all = {0};

	arena_init(&arena);
	store_enter(s);
	bool begun = store_begin(s, err), ok = begun && read_built(s, asset, &arena, &all, err);
	for (size_t i = 0; ok && i < all.len; i++) {
		struct built *b = &all.items[i];
		bool changed = b->checks != checks;
		b->checks = checks;
		if (changed && within(b, text_or_empty(partition), from_us, to_us))
			ok = put_built(s, asset, *b, &arena, err);
	}
	ok = begun && store_end(s, ok, err);
	vec_release(&all);
	arena_release(&arena);
	return store_leave(s, ok);
}

bool state_built_forget(struct state *s, const char *asset, struct error *err)
{
	store_enter(s);
	return store_leave(
		s, store_run(s, "DELETE FROM built WHERE asset = ?", VALUES(V(asset)), err));
}
