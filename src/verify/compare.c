/*
 * The first look; see compare.h. A page of the source sets a range of keys, the target is read for that
 * range, and the two are merged: both are in key order. Behind the last row of the source the range has no
 * end, so that rows which only the target has are found as well.
 */
#include "verify/compare.h"

#define PAGE_BYTES       ((size_t)8 << 20)
#define MOST_PAGE_ROWS   20000
#define FIRST_PAGE_ROWS  1000
#define TARGET_MORE_ROWS 1000 /* so that a page of the target is seen to be its last */
#define MOST_SUSPECTS    1000

bool rows_equal(const struct comparison *c, const struct batch *a, size_t row_a,
	const struct batch *b, size_t row_b)
{
	for (size_t i = 0; i < c->table->n_columns; i++) {
		if (c->compared[i] && !column_equal(&a->columns[i], row_a, &b->columns[i], row_b))
			return false;
	}
	return true;
}

static bool same_bytes(const struct buf *a, const struct buf *b)
{
	return a->len == b->len && (!a->len || !memcmp(a->data, b->data, a->len));
}

/* Equal bytes are equal values; different bytes may be all the same. Most pages end here. */
static bool columns_same(const struct column *a, const struct column *b)
{
	if (!same_bytes(&a->values, &b->values) || !same_bytes(&a->nulls, &b->nulls) ||
		!same_bytes(&a->ends, &b->ends))
		return false;
	for (size_t i = 0; a->children && i < column_child_count(a->type.kind); i++) {
		if (!columns_same(&a->children[i], &b->children[i]))
			return false;
	}
	return true;
}

static bool pages_same(const struct comparison *c, const struct batch *a, const struct batch *b)
{
	if (a->rows != b->rows)
		return false;
	for (size_t i = 0; i < c->table->n_columns; i++) {
		if (c->compared[i] && !columns_same(&a->columns[i], &b->columns[i]))
			return false;
	}
	return true;
}

/* --- Rows set aside --- */

static bool is_known(const struct comparison *c, const char *key)
{
	return map_get(&c->asides, key, strlen(key)) ||
	       map_get(&c->asides_before, key, strlen(key));
}

static void count_aside(struct comparison *c, const struct set_aside *aside)
{
	struct verify_aside named = {.key = arena_strdup(c->arena, aside->key),
		.column = arena_strdup(c->arena, aside->column),
		.reason = arena_strdup(c->arena, aside->reason)};

	if (c->result->set_aside++ < c->show)
		vec_push(&c->result->asides, named);
}

void count_asides(struct comparison *c, const struct batch *page)
{
	for (size_t i = 0; i < page->aside.len; i++)
		count_aside(c, &page->aside.items[i]);
}

/* Rows behind the last one of a page come again with the next page, and are counted once. */
static void take_asides(struct comparison *c, const struct batch *page)
{
	struct map oldest = c->asides_before;

	c->asides_before = c->asides;
	c->asides = oldest;
	map_clear(&c->asides);
	for (size_t i = 0; i < page->aside.len; i++) {
		const struct set_aside *aside = &page->aside.items[i];
		bool known = is_known(c, aside->key);
		map_put(&c->asides, aside->key, strlen(aside->key), c);
		if (!known)
			count_aside(c, aside);
	}
}

/* --- Merging --- */

/* An earlier state of a row that was set aside since may still stand in the target: that is no news. */
static bool expected_extra(const struct comparison *c, const struct batch *page, size_t row)
{
	struct buf key;

	if (!c->asides.len && !c->asides_before.len)
		return false;
	buf_init(&key, BUF_MAX);
	batch_print_key(page, row, &key);
	bool expected = is_known(c, buf_text(&key));
	buf_release(&key);
	return expected;
}

/*
 * Goes through a page of the target; *at is the next row of the source's page. Rows of the source beyond
 * the page wait for the next one, unless this one is the last.
 */
static void merge(struct comparison *c, const struct batch *source, size_t *at,
	const struct batch *target, bool last)
{
	for (size_t row = 0; row < target->rows; row++) {
		int order = -1;
		while (*at < source->rows &&
			(order = batch_key_compare(source, *at, target, row)) < 0)
			add_key_row(&c->suspects, source, (*at)++);
		if (*at == source->rows || order > 0) {
			if (!expected_extra(c, target, row))
				add_key_row(&c->suspects, target, row);
			continue;
		}
		if (!rows_equal(c, source, *at, target, row))
			add_key_row(&c->suspects, source, *at);
		(*at)++;
	}
	while (last && *at < source->rows)
		add_key_row(&c->suspects, source, (*at)++);
}

static bool settle_many(struct comparison *c, struct error *err)
{
	return c->suspects.rows < MOST_SUSPECTS || settle_suspects(c, err);
}

/* One page of the source against all that the target has between two keys. */
static bool compare_range(struct comparison *c, struct scan_range range, const struct batch *source,
	struct error *err)
{
	struct batch target, behind;
	size_t at = 0;
	bool ok = true, more = true;

	batch_init(&target, c->table);
	batch_init(&behind, c->table);
	while (ok && more && !c->result->not_verified) {
		ok = target_page(c, &range, &target, err);
		if (!ok)
			break;
		more = target.rows >= range.limit;
		if (at == 0 && !more && pages_same(c, source, &target))
			break;
		merge(c, source, &at, &target, !more);
		if (more) {
			batch_clear(&behind);
			add_key_row(&behind, &target, target.rows - 1);
			range.after = &behind;
		}
		ok = settle_many(c, err);
	}
	batch_release(&behind);
	batch_release(&target);
	return ok;
}

/* --- Pages --- */

static size_t bytes_used(const struct column *c)
{
	size_t bytes = c->values.len + c->nulls.len + c->ends.len;

	for (size_t i = 0; c->children && i < column_child_count(c->type.kind); i++)
		bytes += bytes_used(&c->children[i]);
	return bytes;
}

static size_t fitting(size_t bytes, size_t rows, size_t most)
{
	size_t rows_fitting = PAGE_BYTES / (bytes / rows + 1);

	return rows_fitting < 1 ? 1 : rows_fitting > most ? most : rows_fitting;
}

size_t fitting_page(const struct comparison *c, size_t most)
{
	uint64_t rows = c->table->rows_estimate;

	return rows ? fitting(c->table->bytes_estimate, rows, most) : most;
}

/* Of so many rows, if they go on as they were. */
static void fit_next_page(struct comparison *c, const struct batch *page)
{
	size_t bytes = 0;

	for (size_t i = 0; i < c->table->n_columns; i++)
		bytes += bytes_used(&page->columns[i]);
	if (page->rows)
		c->page_rows = fitting(bytes, page->rows, c->most_page_rows);
}

void paging_init(struct paging *p, struct table *table)
{
	p->n = 0;
	p->more = true;
	batch_init(&p->page, table);
	batch_init(&p->ends[0], table);
	batch_init(&p->ends[1], table);
}

void paging_release(struct paging *p)
{
	batch_release(&p->ends[1]);
	batch_release(&p->ends[0]);
	batch_release(&p->page);
}

const struct batch *paging_end(const struct paging *p)
{
	return &p->ends[p->n % 2];
}

bool compare_page(
	struct comparison *c, struct paging *p, const struct batch *after, struct error *err)
{
	struct batch *last = &p->ends[++p->n % 2];

	if (!source_page(c, after, &p->page, last, &p->more, err))
		return false;
	take_asides(c, &p->page);
	struct scan_range range = {.after = after,
		.upto = p->more ? last : NULL,
		.limit = c->page_rows + TARGET_MORE_ROWS};
	if (!compare_range(c, range, &p->page, err))
		return false;
	c->result->rows += p->page.rows;
	fit_next_page(c, &p->page);
	verify_report_progress(c, "comparing");
	return !verify_stopped(c->sides, err);
}

static bool compare_all(struct comparison *c, struct paging *p, struct error *err)
{
	c->most_page_rows = MOST_PAGE_ROWS;
	c->page_rows = fitting_page(
		c, c->table->rows_estimate ? FIRST_PAGE_ROWS : FIRST_PAGE_ROWS / 10);
	for (bool first = true; p->more && !c->result->not_verified; first = false) {
		if (!compare_page(c, p, first ? NULL : paging_end(p), err))
			return false;
	}
	return true;
}

bool compare_table(struct comparison *c, struct error *err)
{
	bool whole = !c->sides->options->sample || !sample_is_less(c);
	struct paging paging;

	paging_init(&paging, c->table);
	bool ok = (whole ? compare_all(c, &paging, err) : compare_sample(c, &paging, err)) &&
		  settle_suspects(c, err);
	paging_release(&paging);
	return ok;
}
