/* See difference.h. */
#include "build/difference.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/text.h"

/* Rows are paired as long as that is not the square of many. */
#define MOST_PAIRED 500

struct row {
	const char *const *cells;
	bool used;
};

struct side {
	struct row *rows;
	size_t n;
};

struct line {
	const char *mark;
	const struct row *before, *after; /* NULL: none */
};

/* A line of the table is a line. */
static char *shown(const char *cell)
{
	struct buf text;

	buf_init(&text, BUF_MAX);
	for (const char *s = cell ? cell : "NULL"; *s; s++)
		if (*s == '\n' || *s == '\t' || *s == '\r')
			buf_puts(&text, *s == '\n' ? "\\n" : *s == '\t' ? "\\t" : "\\r");
		else
			buf_append(&text, s, 1);
	char *kept = xstrdup(buf_text(&text));
	buf_release(&text);
	return kept;
}

/* --- what is not the same --- */

static bool same_cell(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static int compare_cells(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) : (a != NULL) - (b != NULL);
}

static int compare(const struct row *a, const struct row *b, size_t n_columns)
{
	int order = 0;

	for (size_t i = 0; !order && i < n_columns; i++)
		order = compare_cells(a->cells[i], b->cells[i]);
	return order;
}

static int by_cells(const void *a, const void *b, void *n_columns)
{
	return compare(a, b, *(size_t *)n_columns);
}

static struct side take_side(const struct engine_rows *rows, const char *word)
{
	struct side side = {xcalloc(rows->n_rows + 1, sizeof *side.rows), 0};
	size_t n = rows->n_columns - 1;

	for (size_t i = 0; i < rows->n_rows; i++) {
		const char *const *cells = rows->cells + i * rows->n_columns;
		if (!strcmp(cells[n], word))
			side.rows[side.n++].cells = cells;
	}
	qsort_r(side.rows, side.n, sizeof *side.rows, by_cells, &n);
	return side;
}

static void drop_used(struct side *side)
{
	size_t kept = 0;

	for (size_t i = 0; i < side->n; i++)
		if (!side->rows[i].used)
			side->rows[kept++] = side->rows[i];
	side->n = kept;
}

/* Takes away those that both sides have. */
static void cross_out(struct side *a, struct side *b, size_t n_columns)
{
	for (size_t i = 0, k = 0; i < a->n && k < b->n;) {
		int order = compare(&a->rows[i], &b->rows[k], n_columns);
		if (!order)
			a->rows[i].used = b->rows[k].used = true;
		i += order <= 0;
		k += order >= 0;
	}
	drop_used(a);
	drop_used(b);
}

static size_t alike(const struct row *a, const struct row *b, size_t n_columns)
{
	size_t n = 0;

	for (size_t i = 0; i < n_columns; i++)
		n += same_cell(a->cells[i], b->cells[i]);
	return n;
}

/* The row that is most like it, by a value at least; NULL. */
static struct row *partner(const struct row *of, struct side *side, size_t n_columns)
{
	struct row *best = NULL;
	size_t most = 0;

	for (size_t i = 0; i < side->n && side->n <= MOST_PAIRED; i++) {
		size_t n = side->rows[i].used ? 0 : alike(of, &side->rows[i], n_columns);
		if (n > most) {
			most = n;
			best = &side->rows[i];
		}
	}
	return best;
}

static size_t list_lines(
	struct side *expected, struct side *actual, size_t n_columns, struct line *out)
{
	size_t n = 0;

	cross_out(expected, actual, n_columns);
	for (size_t i = 0; i < expected->n; i++) {
		struct row *before = &expected->rows[i];
		struct row *after = partner(before, actual, n_columns);
		out[n++] = (struct line){after ? "→" : "---", before, after};
		if (after)
			after->used = true;
	}
	for (size_t i = 0; i < actual->n; i++)
		if (!actual->rows[i].used)
			out[n++] = (struct line){"+++", NULL, &actual->rows[i]};
	return n;
}

/* --- the table --- */

static char *cell_of(const struct line *line, size_t column)
{
	const struct row *only = line->before ? line->before : line->after;
	const char *before = only->cells[column];
	const char *after = line->after ? line->after->cells[column] : before;

	CLEANUP(free_string) char *was = shown(before), *is = shown(after);

	return same_cell(before, after) ? xstrdup(is) : xasprintf("%s→%s", was, is);
}

static void put_padded(struct buf *out, const char *text, size_t width)
{
	buf_puts(out, text);
	for (size_t n = text_width(text); n < width; n++)
		buf_puts(out, " ");
}

static void put_line(
	struct buf *out, const char *mark, char *const *cells, const size_t *widths, size_t n)
{
	put_padded(out, mark, 3);
	for (size_t i = 0; i < n; i++) {
		buf_puts(out, " | ");
		put_padded(out, cells[i], i + 1 < n ? widths[i] : 0);
	}
}

static void put_table(
	const struct engine_rows *rows, const struct line *lines, size_t n_lines, struct buf *out)
{
	size_t n = rows->n_columns - 1, *widths = xcalloc(n + 1, sizeof *widths);
	char **cells = xcalloc((n_lines + 1) * n + 1, sizeof *cells);

	for (size_t i = 0; i < (n_lines + 1) * n; i++) {
		size_t column = i % n;
		cells[i] = i < n ? xstrdup(rows->names[column])
				 : cell_of(&lines[i / n - 1], column);
		if (text_width(cells[i]) > widths[column])
			widths[column] = text_width(cells[i]);
	}
	put_line(out, "@@", cells, widths, n);
	for (size_t i = 0; i < n_lines; i++) {
		buf_puts(out, "\n");
		put_line(out, lines[i].mark, cells + (i + 1) * n, widths, n);
	}
	for (size_t i = 0; i < (n_lines + 1) * n; i++)
		free(cells[i]);
	free(cells);
	free(widths);
}

size_t rows_differ(const struct engine_rows *rows, size_t most, struct buf *out)
{
	struct side expected = take_side(rows, "expected"), actual = take_side(rows, "actual");
	struct line *lines = xcalloc(rows->n_rows + 1, sizeof *lines);
	size_t n = list_lines(&expected, &actual, rows->n_columns - 1, lines);

	if (n)
		put_table(rows, lines, n < most ? n : most, out);
	free(lines);
	free(expected.rows);
	free(actual.rows);
	return n;
}
