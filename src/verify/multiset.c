/*
 * Tables without a key: there are no two rows to compare, only how often each row is there. Both sides are
 * read in full and summed up in buckets by the hash of the row. Rows of the buckets that differ are counted
 * one by one in further readings, until each count is equal, or stays different while the source's does not
 * change (as in settle.c): a row on its way is no difference.
 *
 * A log with updates does not tell the rows as they were: then only the number of rows is compared.
 */
#include <inttypes.h>
#include "verify/compare.h"

#define BUCKETS          ((size_t)1 << 20)
#define MOST_SUSPECTS    200000 /* different rows that are counted one by one */
#define PAGE_ROWS        20000
#define MOST_READINGS    5
#define MOST_LOOKS       5
#define LOOKS_TO_BE_SURE 2 /* while the stream runs; once when it does not */
#define WAIT_MS          60000

struct bucket {
	uint64_t rows, sum;
};

enum side { BEFORE, TARGET, AFTER, N_SIDES };

/* How often a row is there. */
struct tally {
	uint64_t hash;
	int64_t rows[N_SIDES];
	int sure;        /* how often its difference was seen while the source stood still */
	int64_t missing; /* of a real one; below 0: extra */
	enum { OPEN, EQUAL, REAL } state;
	bool named;
};

struct multiset {
	struct comparison *c;
	struct bucket *buckets[2]; /* of source and target */
	bool *suspected;           /* of each bucket */
	VEC(struct tally) tallies;
	struct map by_hash; /* -> index + 1 */
	bool all_known;     /* those to be tallied are: rows that came later differ in nothing */
	bool updated;       /* the target's log has updates */
	bool too_many;
	uint64_t source_rows;
};

typedef void visit_fn(struct multiset *, const struct batch *, size_t row, int sign, enum side);

static uint64_t row_hash(const struct multiset *m, const struct batch *b, size_t row)
{
	uint64_t hash = 0;

	for (size_t i = 0; !m->updated && i < b->table->n_columns; i++) {
		if (m->c->compared[i])
			hash = column_hash(&b->columns[i], row, hash);
	}
	return hash;
}

static size_t bucket_of(uint64_t hash)
{
	return hash >> 44 & (BUCKETS - 1);
}

/* --- Reading --- */

struct reading {
	struct batch_taker taker;
	struct multiset *m;
	visit_fn *visit;
	enum side side;
};

static bool take(struct batch_taker *taker, struct batch *batch, struct error *err)
{
	struct reading *r = (struct reading *)taker;

	source_settle(r->m->c, batch);
	for (size_t row = 0; row < batch->rows; row++)
		r->visit(r->m, batch, row, 1, r->side);
	if (r->side == BEFORE && !r->m->suspected)
		count_asides(r->m->c, batch);
	batch_clear(batch);
	return !verify_stopped(r->m->c->sides, err);
}

static void forget(struct multiset *m, enum side side)
{
	if (m->buckets[side == TARGET])
		memset(m->buckets[side == TARGET], 0, BUCKETS * sizeof *m->buckets[0]);
	vec_each (&m->tallies, t)
		t->rows[side] = 0;
	if (side == BEFORE && !m->suspected) {
		m->c->result->set_aside = m->source_rows = 0;
		m->c->result->asides.len = 0;
	}
}

static bool read_source_once(struct multiset *m, visit_fn *visit, enum side side, struct error *err)
{
	struct reading r = {.taker.take = take, .m = m, .visit = visit, .side = side};
	struct chunks chunks = {0};
	struct source *source = m->c->sides->source;
	bool ok = source->ops->plan(source, m->c->table, &chunks, err);

	for (size_t i = 0; ok && i < chunks.len; i++)
		ok = source_chunk(m->c, &chunks.items[i], &r.taker, WAIT_MS, err);
	vec_release(&chunks);
	return ok;
}

/* Rows that were visited before a failure would be counted twice: it begins anew. */
static bool read_source(struct multiset *m, visit_fn *visit, enum side side, struct error *err)
{
	for (int readings = 1;; readings++) {
		forget(m, side);
		if (read_source_once(m, visit, side, err))
			return true;
		if (err->kind != ERROR_RETRY || readings == MOST_READINGS ||
			verify_stopped(m->c->sides, NULL))
			return error_add(err, "reading the source");
		error_clear(err);
	}
}

static int sign_of(struct multiset *m, char op)
{
	if (op == OP_UPDATE && !m->updated)
		m->updated = true;
	return op == OP_DELETE ? -1 : op == OP_UPDATE ? 0 : 1;
}

static bool read_target(struct multiset *m, visit_fn *visit, struct error *err)
{
	struct scan_range range = {.limit = PAGE_ROWS};
	struct batch page, after;
	bool ok = true, more = true;

	forget(m, TARGET);
	batch_init(&page, m->c->table);
	batch_init(&after, m->c->table);
	while (ok && more) {
		ok = target_page(m->c, &range, &page, err);
		for (size_t row = 0; ok && row < page.rows; row++)
			visit(m, &page, row, sign_of(m, batch_meta(&page)[row].op), TARGET);
		more = page.rows == range.limit;
		if (ok && more) {
			batch_clear(&after);
			add_key_row(&after, &page, page.rows - 1);
			range.after = &after;
			ok = !verify_stopped(m->c->sides, err);
		}
	}
	batch_release(&after);
	batch_release(&page);
	return ok;
}

/* --- The first look: buckets --- */

static void into_bucket(
	struct multiset *m, const struct batch *b, size_t row, int sign, enum side side)
{
	uint64_t hash = row_hash(m, b, row);
	struct bucket *bucket = &m->buckets[side == TARGET][bucket_of(hash)];

	bucket->rows += (uint64_t)sign;
	bucket->sum += (uint64_t)sign * hash;
	if (side == TARGET)
		return;
	m->source_rows++;
	if (m->source_rows % PAGE_ROWS == 0) {
		m->c->result->rows = m->source_rows;
		verify_report_progress(m->c, "comparing");
	}
}

static size_t suspect_buckets(struct multiset *m)
{
	size_t n = 0;

	m->suspected = xcalloc(BUCKETS, sizeof *m->suspected);
	for (size_t i = 0; i < BUCKETS; i++) {
		const struct bucket *a = &m->buckets[0][i], *b = &m->buckets[1][i];
		m->suspected[i] = a->rows != b->rows || a->sum != b->sum;
		n += m->suspected[i];
	}
	return n;
}

/* Once more where the log turns out to have updates. */
static bool sum_up(struct multiset *m, struct error *err)
{
	bool passed, by_number;

	do {
		by_number = m->updated;
		if (!read_source(m, into_bucket, BEFORE, err) ||
			!wait_for_stream(m->c->sides, &passed, err) ||
			!read_target(m, into_bucket, err))
			return false;
	} while (m->updated != by_number);
	m->c->result->rows = m->source_rows;
	return true;
}

/* --- The second look: rows one by one --- */

static struct tally *tally_of(struct multiset *m, uint64_t hash)
{
	uintptr_t index = (uintptr_t)map_get(&m->by_hash, &hash, sizeof hash);

	if (index)
		return &m->tallies.items[index - 1];
	if (m->all_known)
		return NULL;
	m->too_many = m->too_many || m->tallies.len == MOST_SUSPECTS;
	if (m->too_many)
		return NULL;
	vec_push(&m->tallies, (struct tally){.hash = hash});
	map_put(&m->by_hash, &hash, sizeof hash, (void *)(uintptr_t)m->tallies.len);
	return &m->tallies.items[m->tallies.len - 1];
}

static void into_tally(
	struct multiset *m, const struct batch *b, size_t row, int sign, enum side side)
{
	uint64_t hash = row_hash(m, b, row);
	struct tally *tally = m->suspected[bucket_of(hash)] ? tally_of(m, hash) : NULL;

	if (tally)
		tally->rows[side] += sign;
}

static size_t settle_equal(struct multiset *m, enum side side)
{
	size_t open = 0;

	vec_each (&m->tallies, t) {
		if (t->state == OPEN && t->rows[side] == t->rows[TARGET])
			t->state = EQUAL;
		open += t->state == OPEN;
	}
	return open;
}

/* Those whose rows in the source are as many as they were, and not as many as in the target. */
static void settle_real(struct multiset *m, int looks_to_be_sure)
{
	vec_each (&m->tallies, t) {
		t->sure = t->rows[BEFORE] == t->rows[AFTER] ? t->sure + 1 : 0;
		if (t->state == OPEN && t->sure >= looks_to_be_sure) {
			t->state = REAL;
			t->missing = t->rows[BEFORE] - t->rows[TARGET];
		}
		t->rows[BEFORE] = t->rows[AFTER];
	}
}

static bool look_until_settled(struct multiset *m, struct error *err)
{
	int looks_to_be_sure = state_runner(m->c->sides->state) ? LOOKS_TO_BE_SURE : 1;
	bool passed;

	verify_report_progress(m->c, "looking again");
	if (!read_source(m, into_tally, BEFORE, err))
		return false;
	for (int looks = 0; looks < MOST_LOOKS && !m->too_many; looks++) {
		if (!wait_for_stream(m->c->sides, &passed, err) || !read_target(m, into_tally, err))
			return false;
		m->all_known = true;
		if (!settle_equal(m, BEFORE))
			return true;
		if (!read_source(m, into_tally, AFTER, err))
			return false;
		if (!settle_equal(m, AFTER))
			return true;
		settle_real(m, looks_to_be_sure);
	}
	return true;
}

/* --- What is real --- */

static void name_row(
	struct multiset *m, const struct batch *b, size_t row, int sign, enum side side)
{
	uint64_t hash = row_hash(m, b, row);
	uintptr_t index = (uintptr_t)map_get(&m->by_hash, &hash, sizeof hash);
	struct tally *t = index ? &m->tallies.items[index - 1] : NULL;
	enum verify_kind kind = side == TARGET ? VERIFY_EXTRA : VERIFY_MISSING;
	struct verify_table *result = m->c->result;
	struct buf key;

	if (!t || t->state != REAL || t->named || sign <= 0 ||
		(t->missing < 0) != (side == TARGET) || result->differences.len >= m->c->show)
		return;
	t->named = true;
	buf_init(&key, BUF_MAX);
	batch_print_key(b, row, &key);
	struct verify_difference difference = {
		.kind = kind, .key = arena_strdup(m->c->arena, buf_text(&key))};
	vec_push(&result->differences, difference);
	buf_release(&key);
}

static bool report_real(struct multiset *m, struct error *err)
{
	struct verify_table *result = m->c->result;

	vec_each (&m->tallies, t) {
		result->unsettled += t->state == OPEN;
		if (t->state == REAL && t->missing > 0)
			result->missing += (uint64_t)t->missing;
		else if (t->state == REAL)
			result->extra += (uint64_t)-t->missing;
	}
	if (m->updated || !(result->missing + result->extra))
		return true;
	return (!result->extra || read_target(m, name_row, err)) &&
	       (!result->missing || read_source(m, name_row, AFTER, err));
}

static bool settle_buckets(struct multiset *m, struct error *err)
{
	if (!suspect_buckets(m))
		return true;
	free(m->buckets[0]);
	free(m->buckets[1]);
	m->buckets[0] = m->buckets[1] = NULL;
	if (!look_until_settled(m, err))
		return false;
	if (m->too_many) {
		m->c->result->not_verified = "too many of its rows differ, or it changes faster "
					     "than it can be compared";
		return true;
	}
	return report_real(m, err);
}

bool compare_multiset(struct comparison *c, struct error *err)
{
	struct multiset m = {.c = c};

	m.buckets[0] = xcalloc(BUCKETS, sizeof *m.buckets[0]);
	m.buckets[1] = xcalloc(BUCKETS, sizeof *m.buckets[1]);
	bool ok = sum_up(&m, err) && settle_buckets(&m, err);
	if (m.updated)
		add_note(c,
			"its log has updates, which do not tell the row as it was: only the number "
			"of rows is compared");
	if (c->table->inserts_only &&
		(c->result->missing || c->result->extra || c->result->not_verified))
		add_note(c, c->table->inserts_only);
	free(m.buckets[0]);
	free(m.buckets[1]);
	free(m.suspected);
	vec_release(&m.tallies);
	map_release(&m.by_hash);
	return ok;
}
