/*
 * Filling unchanged TOAST values; see fill.h. Rows are found by a hash of their key; a filled column is
 * rebuilt as a whole, since values of any length change places.
 */
#include "pipeline/fill.h"

#include <string.h>
#include "base/map.h"
#include "base/mem.h"
#include "pipeline/rows.h"

#define NO_ROW UINT32_MAX

/* Rows of one batch by key; the last one put wins. */
struct key_index {
	const struct batch *batch;
	uint32_t *slots; /* row, or NO_ROW */
	size_t mask;
};

static void key_index_init(struct key_index *index, const struct batch *batch)
{
	size_t size = 16;
	while (size < batch->rows * 2)
		size *= 2;
	index->batch = batch;
	index->mask = size - 1;
	index->slots = xmalloc(size * sizeof *index->slots);
	memset(index->slots, 0xff, size * sizeof *index->slots);
}

static void key_index_release(struct key_index *index)
{
	free(index->slots);
}

static uint32_t *key_slot(const struct key_index *index, const struct batch *batch, size_t row)
{
	size_t i = batch_key_hash(batch, row) & index->mask;
	while (index->slots[i] != NO_ROW &&
		!batch_key_equal(index->batch, index->slots[i], batch, row))
		i = (i + 1) & index->mask;
	return &index->slots[i];
}

static void key_index_all(struct key_index *index, const struct batch *batch)
{
	key_index_init(index, batch);
	for (size_t row = 0; row < batch->rows; row++)
		*key_slot(index, batch, row) = (uint32_t)row;
}

/* Where a row's values come from: a row of a batch; from NULL: nowhere yet. */
struct origin {
	const struct batch *from;
	size_t row;
};

bool batch_has_unchanged(const struct batch *batch)
{
	for (size_t c = 0; c < batch->table->n_columns; c++) {
		if (batch->columns[c].unchanged.len)
			return true;
	}
	return false;
}

/* A value that is wanted: that of a column which a rule replaces is not. */
static bool is_hole(const struct batch *batch, size_t c, size_t row)
{
	enum rule_kind rule = batch->table->columns[c].rule.kind;

	return rule != RULE_NULL && rule != RULE_CONSTANT &&
	       column_is_unchanged(&batch->columns[c], row);
}

static bool row_has_holes(const struct batch *batch, size_t row)
{
	for (size_t c = 0; c < batch->table->n_columns; c++) {
		if (is_hole(batch, c, row))
			return true;
	}
	return false;
}

/* The row whose key the value was stored under before: of a key change, the tombstone in front. */
static size_t former_row(const struct batch *batch, size_t row)
{
	const struct row_meta *meta = batch_meta(batch);
	bool moved = row && meta[row - 1].op == OP_KEY_CHANGED &&
		     meta[row - 1].version == meta[row].version;
	return moved ? row - 1 : row;
}

bool batch_has_moved_holes(const struct batch *batch)
{
	for (size_t row = 1; row < batch->rows; row++) {
		if (former_row(batch, row) != row && row_has_holes(batch, row))
			return true;
	}
	return false;
}

static void rebuild(struct column *column, size_t rows, const struct origin *origins, size_t c)
{
	struct column filled;

	if (!column->unchanged.len)
		return;
	column_init(&filled, &column->type);
	for (size_t row = 0; row < rows; row++) {
		bool fill = column_is_unchanged(column, row) && origins[row].from;
		if (fill)
			column_copy_row(&filled, &origins[row].from->columns[c], origins[row].row);
		else
			column_copy_row(&filled, column, row);
	}
	column_release(column);
	*column = filled;
}

/* Rows that were set aside have no place in the batch: before or behind any row of their key. */
static void mark_missed(const struct batch *batch, uint8_t *missed)
{
	struct map keys = {0};
	struct buf key;
	bool any = false; /* a message whose key could not be read */

	if (!batch->aside.len)
		return;
	buf_init(&key, BUF_MAX);
	vec_each (&batch->aside, aside) {
		map_put(&keys, aside->key, strlen(aside->key), aside);
		any = any || (!aside->column && strstr(aside->key, SET_ASIDE_NO_KEY) == aside->key);
	}
	for (size_t row = 0; row < batch->rows; row++) {
		buf_clear(&key);
		batch_print_key(batch, row, &key);
		missed[row] = any || map_get(&keys, key.data, key.len);
	}
	buf_release(&key);
	map_release(&keys);
}

/* Of each row, the nearest earlier row of the same key. A delete ends what came before it. */
static uint32_t *earlier_rows(const struct batch *batch)
{
	const struct row_meta *meta = batch_meta(batch);
	uint32_t *earlier = xmalloc((batch->rows + 1) * sizeof *earlier);
	uint32_t *last = xmalloc((batch->rows + 1) * sizeof *last);
	struct key_index index;

	/* `last` maps the first row of a key, which stays in its slot, to the newest one of that key */
	key_index_init(&index, batch);
	for (size_t row = 0; row < batch->rows; row++) {
		uint32_t *former = key_slot(&index, batch, former_row(batch, row));
		earlier[row] = *former == NO_ROW ? NO_ROW : last[*former];
		if (meta[row].op == OP_KEY_CHANGED)
			continue; /* the row behind it still looks this key up */
		uint32_t *own = key_slot(&index, batch, row);
		if (*own == NO_ROW)
			*own = (uint32_t)row;
		last[*own] = meta[row].op == OP_DELETE ? NO_ROW : (uint32_t)row;
		if (former_row(batch, row) != row && *former != NO_ROW && former != own)
			last[*former] = NO_ROW;
	}
	key_index_release(&index);
	free(last);
	return earlier;
}

void fill_from_batch(struct batch *batch)
{
	uint32_t *earlier = earlier_rows(batch);
	struct origin *origins = xcalloc(batch->rows + 1, sizeof *origins);
	uint8_t *missed = xcalloc(batch->rows + 1, 1);

	mark_missed(batch, missed);
	for (size_t c = 0; c < batch->table->n_columns; c++) {
		const struct column *column = &batch->columns[c];
		for (size_t row = 0; row < batch->rows; row++) {
			bool hole = column_is_unchanged(column, row) && !missed[row];
			uint32_t from = hole ? earlier[row] : NO_ROW;
			while (from != NO_ROW && column_is_unchanged(column, from))
				from = earlier[from];
			origins[row] = (struct origin){
				.from = from == NO_ROW ? NULL : batch, .row = from};
		}
		rebuild(&batch->columns[c], batch->rows, origins, c);
	}
	free(missed);
	free(origins);
	free(earlier);
}

/* What is to be filled from outside, and what has been found for it. */
struct holes {
	struct batch *batch;
	bool moved_only; /* rows whose key has just changed */
	uint32_t *
		heads; /* of a row: the first one in the batch of the same, ever unchanged, value */
	uint8_t *moved; /* its key changed between that one and this */
	struct origin *origins;
	uint8_t *fates;
	version_t *
		missed; /* of each row sought in the target, in their order: versions its key lacks there */
};

static void find_heads(struct holes *h)
{
	uint32_t *earlier = earlier_rows(h->batch);

	for (size_t row = 0; row < h->batch->rows; row++) {
		uint32_t from = earlier[row];
		h->heads[row] = from == NO_ROW ? (uint32_t)row : h->heads[from];
		h->moved[row] = former_row(h->batch, row) != row ||
				(from != NO_ROW && h->moved[from]);
	}
	free(earlier);
}

static bool is_open(const struct holes *h, size_t row)
{
	return h->fates[row] == ROW_KEEP && !h->origins[row].from &&
	       (!h->moved_only || former_row(h->batch, row) != row) && row_has_holes(h->batch, row);
}

static void add_key(struct batch *keys, const struct batch *from, size_t row)
{
	for (size_t c = 0; c < keys->table->n_columns; c++) {
		if (keys->table->columns[c].key)
			column_copy_row(&keys->columns[c], &from->columns[c], row);
		else
			column_add_default(&keys->columns[c]);
	}
	batch_commit_row(keys, &batch_meta(from)[row]);
}

/* Where is looked, one after the other. A row that changed its key was stored under the old one; under the new
 * one the target can only hold the row itself, replayed. */
enum place { TARGET_BY_FORMER_KEY, TARGET_BY_NEW_KEY, SOURCE_BY_KEY };

static bool is_sought(const struct holes *h, enum place place, size_t row)
{
	return is_open(h, row) && (place != TARGET_BY_NEW_KEY || h->moved[row]);
}

/* The row that holds the key to look for. */
static size_t key_row(const struct holes *h, enum place place, size_t row)
{
	return place == TARGET_BY_FORMER_KEY ? former_row(h->batch, h->heads[row]) : row;
}

static void sought_keys(const struct holes *h, enum place place, struct batch *keys)
{
	batch_init(keys, h->batch->table);
	for (size_t row = 0; row < h->batch->rows; row++) {
		if (is_sought(h, place, row))
			add_key(keys, h->batch, key_row(h, place, row));
	}
}

/* Is what the target holds, at that version, the value of this row? Rows are written in order: from before the
 * head it is what the head left unchanged; but an update that entered a filter of the server comes as an insert,
 * and what its key held before is of another stay. From behind the head it is what the head became, replayed,
 * if the key is still that one. */
static bool is_value_of(const struct holes *h, enum place place, size_t row, version_t version)
{
	const struct row_meta *head = &batch_meta(h->batch)[h->heads[row]];

	if (place != TARGET_BY_FORMER_KEY)
		return place == SOURCE_BY_KEY;
	return version < head->version ? head->op != OP_INSERT : !h->moved[row];
}

static void settle_found(struct holes *h, enum place place, const struct batch *found)
{
	const struct row_meta *meta = batch_meta(h->batch);
	struct key_index index;
	size_t sought = 0;

	key_index_all(&index, found);
	for (size_t row = 0; row < h->batch->rows; row++) {
		if (!is_sought(h, place, row))
			continue;
		version_t missed = place == TARGET_BY_FORMER_KEY ? h->missed[sought++] : 0;
		uint32_t at = *key_slot(&index, h->batch, key_row(h, place, row));
		if (at == NO_ROW)
			continue;
		version_t version = batch_meta(found)[at].version;
		bool own_key = place == TARGET_BY_NEW_KEY || !h->moved[row];
		/* the target holds this row itself, or a later one */
		if (place != SOURCE_BY_KEY && own_key && version >= meta[row].version)
			h->fates[row] = ROW_DROP;
		else if (version >= missed && is_value_of(h, place, row, version))
			h->origins[row] = (struct origin){.from = found, .row = at};
	}
	key_index_release(&index);
}

/* Where the source can be asked, a target that misses rows is not asked at all. */
static bool look_for_missed(
	const struct prepare *p, struct holes *h, const struct batch *keys, struct error *err)
{
	uint8_t *of_batch = xcalloc(h->batch->rows + 1, 1);
	size_t sought = 0;
	bool ok = true;

	if (!p->source->ops->fetch && keys->rows)
		ok = p->sink->ops->missed(p->sink, &p->landing, keys, h->missed, err);
	mark_missed(h->batch, of_batch);
	for (size_t row = 0; ok && row < h->batch->rows; row++) {
		if (!is_sought(h, TARGET_BY_FORMER_KEY, row))
			continue;
		if (of_batch[row])
			h->missed[sought] = VERSION_MAX;
		sought++;
	}
	free(of_batch);
	return ok;
}

static bool look_in_target(const struct prepare *p, struct holes *h, enum place place,
	struct batch *found, struct error *err)
{
	struct batch keys;

	sought_keys(h, place, &keys);
	bool ok = !keys.rows || p->sink->ops->fetch(p->sink, &p->landing, &keys, found, err);
	ok = ok && (place != TARGET_BY_FORMER_KEY || look_for_missed(p, h, &keys, err));
	batch_release(&keys);
	if (!ok)
		return error_add(err, "looking up unchanged values in the target");
	settle_found(h, place, found);
	return true;
}

/* The source may be ahead of the batch: what is not needed may be of another type there by now. */
static struct table *part_with_holes(const struct holes *h)
{
	const struct batch *batch = h->batch;
	bool *wanted = xcalloc(batch->table->n_columns, sizeof *wanted);

	for (size_t row = 0; row < batch->rows; row++) {
		bool sought = is_sought(h, SOURCE_BY_KEY, row);
		for (size_t c = 0; sought && c < batch->table->n_columns; c++)
			wanted[c] = wanted[c] || is_hole(batch, c, row);
	}
	struct table *part = table_part(batch->table, wanted);
	free(wanted);
	return part;
}

static void add_part(const struct batch *part, struct batch *found)
{
	const struct table *t = found->table;

	for (size_t c = 0; c < t->n_columns; c++) {
		int at = table_column_by_attribute(part->table, t->columns[c].attribute);
		for (size_t row = 0; row < part->rows; row++) {
			if (at >= 0)
				column_copy_row(&found->columns[c], &part->columns[at], row);
			else
				column_add_default(&found->columns[c]);
		}
	}
	for (size_t row = 0; row < part->rows; row++)
		batch_commit_row(found, &batch_meta(part)[row]);
}

static bool fetch_from_source(const struct prepare *p, const struct holes *h,
	const struct batch *keys, struct batch *found, struct error *err)
{
	struct table *table = part_with_holes(h);
	struct batch part;

	batch_init(&part, table);
	bool ok = p->source->ops->fetch(p->source, keys, &part, err);
	if (ok)
		add_part(&part, found);
	batch_release(&part);
	table_unref(table);
	return ok;
}

static bool look_in_source(
	const struct prepare *p, struct holes *h, struct batch *found, struct error *err)
{
	struct batch keys;

	sought_keys(h, SOURCE_BY_KEY, &keys);
	bool ok = !keys.rows || fetch_from_source(p, h, &keys, found, err);
	batch_release(&keys);
	if (!ok)
		return error_add(err, "looking up unchanged values in the source");
	apply_rules(found, p->hmac_key);
	settle_found(h, SOURCE_BY_KEY, found);
	return true;
}

static const char *first_hole(const struct batch *batch, size_t row)
{
	for (size_t c = 0; c < batch->table->n_columns; c++)
		if (is_hole(batch, c, row))
			return batch->table->columns[c].name;
	return NULL;
}

/* A row that is gone from the source may be left out where its latest state alone counts: the change that
 * took it away follows. But a source that tells the rows of a filter alone may not have it because of this change.
 * Where it is set aside, no earlier row of its key stays in its place. */
static void settle_missing(const struct prepare *p, struct holes *h)
{
	bool gone = p->source->ops->fetch;

	for (size_t row = 0; row < h->batch->rows; row++) {
		if (!is_open(h, row))
			continue;
		bool aside = !gone || h->batch->table->keep != KEEP_LATEST;
		h->fates[row] = aside || p->filter ? ROW_TOMBSTONE : ROW_DROP;
		if (aside)
			batch_set_row_aside(h->batch, row, first_hole(h->batch, row),
				gone ? "the update left this large value unchanged, so the log "
				       "does "
				       "not carry it, and the row is gone from the source"
				     : "the update left this large value unchanged, so the log "
				       "does "
				       "not carry it, and the target does not have it either");
	}
}

static bool fill_holes(
	const struct prepare *p, struct holes *h, struct batch found[3], struct error *err)
{
	/* else the latest row of a key may be one of those, which the target has not heard of yet */
	bool whole = !h->batch->aside.len;

	if (p->sink->ops->fetch && (whole || !p->source->ops->fetch)) {
		if (!look_in_target(p, h, TARGET_BY_NEW_KEY, &found[0], err) ||
			!look_in_target(p, h, TARGET_BY_FORMER_KEY, &found[1], err))
			return false;
	}
	if (p->source->ops->fetch && !look_in_source(p, h, &found[2], err))
		return false;
	if (p->unchanged == UNCHANGED_FILL)
		settle_missing(p, h);
	/* only now, as a batch whose lookups failed comes again: the hash of a hash is another value */
	apply_rules(h->batch, p->hmac_key);
	for (size_t c = 0; c < h->batch->table->n_columns; c++)
		rebuild(&h->batch->columns[c], h->batch->rows, h->origins, c);
	batch_settle(h->batch, h->fates);
	return true;
}

bool fill_from_outside(
	const struct prepare *p, struct batch *batch, uint8_t *fates, struct error *err)
{
	struct holes holes = {
		.batch = batch, .moved_only = p->unchanged == UNCHANGED_PASS, .fates = fates};
	struct batch found[3];

	holes.heads = xcalloc(batch->rows + 1, sizeof *holes.heads);
	holes.moved = xcalloc(batch->rows + 1, 1);
	holes.origins = xcalloc(batch->rows + 1, sizeof *holes.origins);
	holes.missed = xcalloc(batch->rows + 1, sizeof *holes.missed);
	find_heads(&holes);
	for (size_t i = 0; i < COUNT_OF(found); i++)
		batch_init(&found[i], batch->table);
	bool ok = fill_holes(p, &holes, found, err);
	for (size_t i = 0; i < COUNT_OF(found); i++)
		batch_release(&found[i]);
	free(holes.heads);
	free(holes.moved);
	free(holes.origins);
	free(holes.missed);
	return ok;
}
