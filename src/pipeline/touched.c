/* Hours that changes touch; see touched.h. */
#include "pipeline/touched.h"

#include <string.h>
#include "base/clock.h"
#include "base/mem.h"

#define MOST_RANGES 4096
#define DAY_HOURS   24
#define HOUR_US     INT64_C(3600000000)

/* --- the set --- */

void touched_release(struct touched *t)
{
	free(t->items);
	*t = (struct touched){0};
}

void touched_clear(struct touched *t)
{
	t->len = t->near = 0;
	t->all = false;
}

/* The first range that ends at or behind `hour`. */
static size_t find(const struct touched *t, int64_t hour)
{
	size_t low = 0, high = t->len;

	while (low < high) {
		size_t middle = (low + high) / 2;
		if (t->items[middle].to < hour)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void insert(struct touched *t, size_t at, struct hours h)
{
	size_t end = at;

	/* those that it meets become one with it */
	for (; end < t->len && t->items[end].from <= h.to; end++) {
		h.from = t->items[end].from < h.from ? t->items[end].from : h.from;
		h.to = t->items[end].to > h.to ? t->items[end].to : h.to;
	}
	if (end == at) {
		vec_push(t, h);
		end = t->len - 1;
		memmove(&t->items[at + 1], &t->items[at], (end - at) * sizeof h);
	} else {
		memmove(&t->items[at + 1], &t->items[end], (t->len - end) * sizeof h);
		t->len -= end - at - 1;
	}
	t->items[at] = h;
	t->near = at;
}

static int64_t day_of(int64_t hour)
{
	int64_t rest = hour % DAY_HOURS;
	return hour - (rest < 0 ? rest + DAY_HOURS : rest);
}

static void widen(struct touched *t)
{
	struct touched days = {0};

	for (size_t i = 0; i < t->len; i++) {
		struct hours h = {day_of(t->items[i].from), day_of(t->items[i].to - 1) + DAY_HOURS};
		insert(&days, find(&days, h.from), h);
	}
	touched_release(t);
	*t = days;
	if (t->len > MOST_RANGES / 2) {
		touched_clear(t);
		t->all = true;
	}
}

bool touched_has(const struct touched *t, struct hours h)
{
	size_t at = find(t, h.from);

	/* a range that only ends where it begins is not the one */
	if (at < t->len && t->items[at].to == h.from)
		at++;
	return t->all || (at < t->len && t->items[at].from <= h.from && h.to <= t->items[at].to);
}

void touched_add(struct touched *t, struct hours h)
{
	const struct hours *near = t->items + t->near;

	if (t->all || (t->near < t->len && near->from <= h.from && h.to <= near->to))
		return;
	insert(t, find(t, h.from), h);
	if (t->len > MOST_RANGES)
		widen(t);
}

void touched_add_time(struct touched *t, int64_t us)
{
	int64_t hour = floor_div(us, HOUR_US);

	touched_add(t, (struct hours){hour, hour + 1});
}

/* --- of a batch --- */

struct note {
	struct touched *touched;
	const struct batch *batch;
	size_t column;
	bool by_key;        /* what a tombstone touches is in its key */
	struct table *slim; /* slim_of(); NULL: nothing is to be looked up yet */
	struct batch keys;
};

static void note_value(struct touched *t, const struct column *column, size_t row)
{
	int64_t us;
	int32_t days;

	/* NULL is in no partition; what is as it was is known from there */
	if (column_is_null(column, row) || column_is_unchanged(column, row))
		return;
	if (column->type.kind == TYPE_DATE) {
		memcpy(&days, column_fixed(column, row, sizeof days), sizeof days);
		int64_t hour = (int64_t)days * DAY_HOURS;
		touched_add(t, (struct hours){hour, hour + DAY_HOURS});
		return;
	}
	memcpy(&us, column_fixed(column, row, sizeof us), sizeof us);
	touched_add_time(t, us);
}

static bool is_time(const struct table_column *column)
{
	enum type_kind kind = column->type.kind;
	return kind == TYPE_DATE || kind == TYPE_TIMESTAMP || kind == TYPE_TIMESTAMPTZ;
}

/* The key, and that column. */
static struct table *slim_of(const struct table *t, size_t column)
{
	bool *wanted = xcalloc(t->n_columns, sizeof *wanted);

	wanted[column] = true;
	struct table *slim = table_part(t, wanted);
	free(wanted);
	return slim;
}

static void look_up(struct note *n, size_t row)
{
	const struct table *t = n->batch->table;

	if (!n->slim) {
		n->slim = slim_of(t, n->column);
		batch_init(&n->keys, n->slim);
	}
	for (size_t i = 0; i < t->n_key; i++)
		column_copy_row(&n->keys.columns[i], &n->batch->columns[t->key[i]], row);
	column_add_default(&n->keys.columns[t->n_key]);
	batch_commit_row(&n->keys, &batch_meta(n->batch)[row]);
}

/* What the row was. */
static void note_before(struct note *n, size_t row)
{
	const struct row_meta *meta = batch_meta(n->batch);
	const struct batch *before = batch_before(n->batch, row);
	bool moved = row && meta[row - 1].op == OP_KEY_CHANGED &&
		     meta[row - 1].version == meta[row].version;

	if (before)
		note_value(n->touched, &before->columns[n->column], row);
	else if (!n->by_key && !moved)
		look_up(n, row);
}

static void note_rows(struct note *n)
{
	const struct row_meta *meta = batch_meta(n->batch);
	const struct column *column = &n->batch->columns[n->column];
	bool keyed = n->batch->table->n_key;

	for (size_t row = 0; row < n->batch->rows; row++) {
		char op = meta[row].op;
		bool gone = op == OP_DELETE || op == OP_KEY_CHANGED;
		/* of a tombstone only the key is known; without one there is all of the row */
		if (!gone || n->by_key || !keyed)
			note_value(n->touched, column, row);
		if (keyed && op != OP_INSERT && op != OP_COPY)
			note_before(n, row);
	}
}

static bool note_stored(struct note *n, struct touched *foreseen, struct sink *sink,
	const struct landing *stored, struct error *err)
{
	struct batch found;
	bool ok = true;

	batch_init(&found, n->slim);
	if (sink->ops->fetch)
		ok = sink->ops->fetch(sink, stored, &n->keys, &found, err) ||
		     error_add(err, "looking up when changed rows were");
	else
		n->touched->all = true;
	for (size_t row = 0; ok && row < found.rows; row++)
		note_value(foreseen, &found.columns[n->slim->n_key], row);
	batch_release(&found);
	return ok;
}

bool touched_note(struct touched *t, struct touched *foreseen, const char *event_time,
	const struct batch *batch, struct sink *sink, const struct landing *stored,
	struct error *err)
{
	int column = table_column_by_name(batch->table, event_time);
	struct note n = {.touched = t, .batch = batch};
	bool ok = true;

	if (!batch->rows)
		return true;
	if (column < 0 || !is_time(&batch->table->columns[column])) {
		touched_clear(t);
		t->all = true;
		return true;
	}
	n.column = (size_t)column;
	n.by_key = batch->table->columns[column].key;
	note_rows(&n);
	if (n.slim) {
		if (stored)
			ok = note_stored(&n, foreseen, sink, stored, err);
		batch_release(&n.keys);
		table_unref(n.slim);
	}
	return ok;
}
