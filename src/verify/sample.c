/*
 * A part of a large table: pages that begin at keys taken from random places of the source, and the first
 * one. Between its first and its last key a page is compared as any other, extra rows of the target included.
 */
#include "verify/compare.h"

#define MOST_RANGES   1000
#define RANGE_ROWS    1000  /* at least: each costs a query on both sides */
#define LEAST_ROWS    10000 /* a table of fewer rows is compared whole */
#define BLOCK_BYTES   8192
#define MOST_IN_BLOCK 200

struct sampling {
	size_t ranges, range_rows;
};

static struct sampling sampling_of(const struct comparison *c)
{
	double rows = (double)c->table->rows_estimate * c->sides->options->sample;
	size_t at_least = (size_t)(rows / MOST_RANGES) + 1;
	struct sampling s = {
		.range_rows = fitting_page(c, at_least > RANGE_ROWS ? at_least : RANGE_ROWS)};

	s.ranges = (size_t)(rows / (double)s.range_rows) + 1;
	return s;
}

bool sample_is_less(const struct comparison *c)
{
	return c->sides->source->ops->sample && c->sides->options->sample < 1 &&
	       c->table->rows_estimate > LEAST_ROWS;
}

/* As many rows as so many blocks may hold: those of one block lie together, and one of them is enough. */
static bool take_rows(
	struct comparison *c, const struct sampling *s, struct batch *rows, struct error *err)
{
	double row_bytes = (double)c->table->bytes_estimate / (double)c->table->rows_estimate;
	double in_block = row_bytes > 0 ? BLOCK_BYTES / row_bytes : MOST_IN_BLOCK;

	if (in_block < 1)
		in_block = 1;
	if (in_block > MOST_IN_BLOCK)
		in_block = MOST_IN_BLOCK;
	double wanted = 2 * in_block * (double)s->ranges;
	return source_sample(
		c, wanted / (double)c->table->rows_estimate, (size_t)wanted * 4, rows, err);
}

static int by_key(const void *a, const void *b, void *rows)
{
	return batch_key_compare(rows, *(const size_t *)a, rows, *(const size_t *)b);
}

/* So many of the rows, by chance, in the order of their keys. The caller frees them. */
static size_t *choose(struct batch *rows, size_t *n)
{
	size_t *chosen = xcalloc(rows->rows + 1, sizeof *chosen);

	for (size_t i = 0; i < rows->rows; i++)
		chosen[i] = i;
	if (*n > rows->rows)
		*n = rows->rows;
	for (size_t i = 0; i < *n; i++) {
		size_t other = i + arc4random_uniform((uint32_t)(rows->rows - i));
		size_t row = chosen[i];
		chosen[i] = chosen[other];
		chosen[other] = row;
	}
	qsort_r(chosen, *n, sizeof *chosen, by_key, rows);
	return chosen;
}

/* Ranges that the one before has been through are left out. */
static bool compare_ranges(struct comparison *c, struct paging *p, const struct sampling *s,
	const struct batch *rows, const size_t *from, size_t n, struct error *err)
{
	struct batch after;
	bool ok = compare_page(c, p, NULL, err);

	batch_init(&after, c->table);
	for (size_t i = 0; ok && i < n && p->more && !c->result->not_verified; i++) {
		if (batch_key_compare(rows, from[i], paging_end(p), 0) < 0)
			continue;
		batch_clear(&after);
		add_key_row(&after, rows, from[i]);
		c->page_rows = s->range_rows;
		ok = compare_page(c, p, &after, err);
	}
	batch_release(&after);
	return ok;
}

static void note_sample(struct comparison *c)
{
	const char *note = c->result->note;

	c->result->note = arena_printf(c->arena, "a sample, of about %.3g%% of its rows%s%s",
		100 * (double)c->result->rows / (double)c->table->rows_estimate, note ? "; " : "",
		note ? note : "");
}

bool compare_sample(struct comparison *c, struct paging *p, struct error *err)
{
	struct sampling s = sampling_of(c);
	struct batch rows;

	c->most_page_rows = c->page_rows = s.range_rows;
	batch_init(&rows, c->table);
	bool ok = take_rows(c, &s, &rows, err);
	if (ok) {
		size_t n = s.ranges, *from = choose(&rows, &n);
		ok = compare_ranges(c, p, &s, &rows, from, n, err);
		free(from);
		note_sample(c);
	}
	batch_release(&rows);
	return ok;
}
