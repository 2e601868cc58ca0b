/*
 * The second look; see compare.h. A suspect is read in the source, the stream is waited for until it has
 * passed where the source's log is then, and the suspect is read in the target, and in the source again. A
 * row that the source did not change meanwhile must be in the target as it is; where it is not, several
 * times over, the difference is real. (More than once: a row may change there and back between two looks.)
 */
#include "verify/compare.h"

#include <inttypes.h>
#include "base/text.h"
#include "pipeline/rows.h"

#define MOST_AT_ONCE     1000
#define MOST_LOOKS       20
#define LOOKS_TO_BE_SURE 3     /* while the stream runs; once when it does not */
#define MOST_DIFFERENCES 10000 /* of a table; then it is given up */

/* Rows of one side, found by key. */
struct look {
	struct batch rows;
	struct map by_key; /* key as JSON -> row + 1; SET_ASIDE of those set aside */
};
#define SET_ASIDE ((void *)UINTPTR_MAX)
#define NO_ROW    SIZE_MAX

static void look_init(struct look *look, struct table *table)
{
	batch_init(&look->rows, table);
	look->by_key = (struct map){0};
}

static void look_release(struct look *look)
{
	batch_release(&look->rows);
	map_release(&look->by_key);
}

static void look_index(struct look *look)
{
	struct buf key;

	buf_init(&key, BUF_MAX);
	map_clear(&look->by_key);
	for (size_t row = 0; row < look->rows.rows; row++) {
		buf_clear(&key);
		batch_print_key(&look->rows, row, &key);
		map_put(&look->by_key, key.data, key.len, (void *)(row + 1));
	}
	for (size_t i = 0; i < look->rows.aside.len; i++) {
		const char *aside = look->rows.aside.items[i].key;
		map_put(&look->by_key, aside, strlen(aside), SET_ASIDE);
	}
	buf_release(&key);
}

static bool look_at_source(
	struct comparison *c, const struct batch *keys, struct look *look, struct error *err)
{
	if (!source_rows(c, keys, &look->rows, err))
		return false;
	look_index(look);
	return true;
}

static bool look_at_target(
	struct comparison *c, const struct batch *keys, struct look *look, struct error *err)
{
	if (!target_rows(c, keys, &look->rows, err))
		return false;
	look_index(look);
	return true;
}

/* The three looks at one key. */
struct seen {
	const char *key;
	size_t before, target, after; /* rows, or NO_ROW */
	bool set_aside;
};

struct suspects {
	struct comparison *comparison;
	struct batch keys;
	uint8_t *
		sure; /* of each key, how often its difference was seen while the source stood still */
	struct look before, target, after;
	int looks_to_be_sure;
};

static size_t find(const struct look *look, const char *key)
{
	uintptr_t row = (uintptr_t)map_get(&look->by_key, key, strlen(key));
	return row ? row - 1 : NO_ROW;
}

static bool same(const struct comparison *c, const struct look *a, size_t row_a,
	const struct look *b, size_t row_b)
{
	if (row_a == NO_ROW || row_b == NO_ROW)
		return row_a == row_b;
	return rows_equal(c, &a->rows, row_a, &b->rows, row_b);
}

/* --- What is real --- */

/* Their names, NULL behind the last. */
static const char *const *differing_columns(const struct suspects *s, const struct seen *seen)
{
	const struct comparison *c = s->comparison;
	const char **names = arena_alloc(c->arena, (c->table->n_columns + 1) * sizeof *names);
	size_t n = 0;

	for (size_t i = 0; i < c->table->n_columns; i++) {
		const struct column *a = &s->after.rows.columns[i], *b = &s->target.rows.columns[i];
		if (c->compared[i] && !column_equal(a, seen->after, b, seen->target))
			names[n++] = arena_strdup(c->arena, c->table->columns[i].name);
	}
	return names;
}

static void count_difference(struct suspects *s, const struct seen *seen)
{
	const struct comparison *c = s->comparison;
	struct verify_table *result = c->result;
	struct verify_difference difference = {.kind = VERIFY_DIFFERENT};

	if (seen->target == NO_ROW)
		difference.kind = VERIFY_MISSING;
	else if (seen->after == NO_ROW)
		difference.kind = VERIFY_EXTRA;
	result->missing += difference.kind == VERIFY_MISSING;
	result->extra += difference.kind == VERIFY_EXTRA;
	result->different += difference.kind == VERIFY_DIFFERENT;
	if (result->differences.len >= c->show)
		return;
	difference.key = arena_strdup(c->arena, seen->key);
	if (difference.kind == VERIFY_DIFFERENT)
		difference.columns = differing_columns(s, seen);
	vec_push(&result->differences, difference);
}

/* Is the suspect settled, one way or the other? */
static bool judge(struct suspects *s, size_t i, const struct seen *seen)
{
	const struct comparison *c = s->comparison;

	if (seen->set_aside || same(c, &s->before, seen->before, &s->target, seen->target) ||
		same(c, &s->after, seen->after, &s->target, seen->target))
		return true;
	if (!same(c, &s->before, seen->before, &s->after, seen->after)) {
		s->sure[i] = 0;
		return false;
	}
	if (++s->sure[i] < s->looks_to_be_sure)
		return false;
	count_difference(s, seen);
	return true;
}

static void judge_all(struct suspects *s)
{
	uint8_t *fates = xcalloc(s->keys.rows + 1, 1);
	size_t open = 0;
	struct buf key;

	buf_init(&key, BUF_MAX);
	for (size_t i = 0; i < s->keys.rows; i++) {
		buf_clear(&key);
		batch_print_key(&s->keys, i, &key);
		struct seen seen = {.key = buf_text(&key)};
		seen.before = find(&s->before, seen.key);
		seen.target = find(&s->target, seen.key);
		seen.after = find(&s->after, seen.key);
		seen.set_aside = map_get(&s->before.by_key, seen.key, key.len) == SET_ASIDE ||
				 map_get(&s->after.by_key, seen.key, key.len) == SET_ASIDE;
		fates[i] = judge(s, i, &seen) ? ROW_DROP : ROW_KEEP;
		if (fates[i] == ROW_KEEP)
			s->sure[open++] = s->sure[i];
	}
	batch_settle(&s->keys, fates);
	buf_release(&key);
	free(fates);
}

/* --- Looking --- */

static bool look_once(struct suspects *s, struct error *err)
{
	struct comparison *c = s->comparison;
	bool passed;

	if (!wait_for_stream(c->sides, &passed, err) ||
		!look_at_target(c, &s->keys, &s->target, err) ||
		!look_at_source(c, &s->keys, &s->after, err))
		return false;
	judge_all(s);
	struct look seen_last = s->after;
	s->after = s->before;
	s->before = seen_last;
	return true;
}

static bool look_until_settled(struct suspects *s, struct error *err)
{
	struct comparison *c = s->comparison;

	verify_report_progress(c, "looking again");
	if (!look_at_source(c, &s->keys, &s->before, err))
		return false;
	for (int looks = 0; s->keys.rows && looks < MOST_LOOKS; looks++) {
		if (!look_once(s, err))
			return false;
	}
	c->result->unsettled += s->keys.rows;
	return true;
}

/* Suspects [from, to). */
static bool settle_some(struct comparison *c, size_t from, size_t to, struct error *err)
{
	struct suspects s = {.comparison = c};

	s.looks_to_be_sure = state_runner(c->sides->state) ? LOOKS_TO_BE_SURE : 1;
	s.sure = xcalloc(to - from, 1);
	look_init(&s.before, c->table);
	look_init(&s.target, c->table);
	look_init(&s.after, c->table);
	batch_init(&s.keys, c->table);
	for (size_t row = from; row < to; row++)
		add_key_row(&s.keys, &c->suspects, row);
	bool ok = look_until_settled(&s, err);
	batch_release(&s.keys);
	look_release(&s.after);
	look_release(&s.target);
	look_release(&s.before);
	free(s.sure);
	return ok;
}

static void give_up_at_many(struct comparison *c)
{
	struct verify_table *t = c->result;
	uint64_t differences = t->missing + t->extra + t->different;

	if (differences >= MOST_DIFFERENCES)
		t->not_verified = arena_printf(c->arena,
			"given up after %" PRIu64 " differences, with %" PRIu64 " row%s compared",
			differences, t->rows, plural(t->rows));
}

bool settle_suspects(struct comparison *c, struct error *err)
{
	size_t n = c->suspects.rows;

	for (size_t from = 0; from < n && !c->result->not_verified; from += MOST_AT_ONCE) {
		size_t to = n - from > MOST_AT_ONCE ? from + MOST_AT_ONCE : n;
		if (!settle_some(c, from, to, err))
			return false;
		give_up_at_many(c);
	}
	batch_clear(&c->suspects);
	return true;
}
