/*
 * The table of a running demo. On a terminal it is drawn over the last one: the cursor goes up by as many lines as
 * that one takes now (a terminal that became narrower has wrapped them), each line is cut to the width and clears what
 * stood behind it, and all of it leaves in one write(), so that nothing flickers.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include "base/text.h"
#include "cli/cli.h"
#include "cli/demo.h"

#define BAR_WIDE   20
#define BAR_NARROW 8
#define WIDE       96 /* columns of a terminal with room for the wide bar */
#define LINES_LEFT 5  /* of a view, beside the tables: heads, sums, three lines around them */

/* --- the terminal --- */

static void on_resize(int number)
{
	(void)number; /* it ends the sleep */
}

void screen_init(struct screen *s)
{
	struct sigaction action = {.sa_handler = on_resize};

	*s = (struct screen){.terminal = on_terminal()};
	sigemptyset(&action.sa_mask);
	sigaction(SIGWINCH, &action, NULL);
}

void screen_release(struct screen *s)
{
	vec_release(&s->widths);
}

void screen_pause(int ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L}, NULL);
}

struct size {
	size_t columns, lines;
};

static struct size size_of_terminal(void)
{
	struct winsize w;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) != 0 || !w.ws_col || !w.ws_row)
		return (struct size){80, 24};
	return (struct size){w.ws_col, w.ws_row};
}

/* Does the terminal take more than ASCII? */
static bool speaks_utf8(void)
{
	static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		const char *locale = getenv(names[i]);
		if (locale && *locale)
			return strcasestr(locale, "utf-8") || strcasestr(locale, "utf8");
	}
	return false;
}

/* Appends a line without what is wider than the terminal; its escapes stay. Returns its width. */
static size_t cut_line(const char *line, size_t len, size_t columns, struct buf *out)
{
	size_t width = 0;

	for (const char *c = line; c < line + len; c++) {
		if (*c == '\033') {
			size_t n = strcspn(c, "m") + 1;
			buf_append(out, c, n);
			c += n - 1;
			continue;
		}
		width += (*c & 0xc0) != 0x80;
		if (width <= columns)
			buf_u8(out, (uint8_t)*c);
	}
	return width < columns ? width : columns;
}

static void go_up(const struct screen *s, size_t columns, struct buf *out)
{
	size_t up = 0;

	vec_each (&s->widths, width)
		up += *width > columns ? (*width + columns - 1) / columns : 1;
	if (up)
		buf_printf(out, "\r\033[%zuA", up);
}

static void draw(struct screen *s, const char *text, size_t columns)
{
	struct buf out;

	buf_init(&out, BUF_MAX);
	go_up(s, columns, &out);
	s->widths.len = 0;
	while (*text) {
		size_t len = strcspn(text, "\n");
		vec_push(&s->widths, cut_line(text, len, columns, &out));
		buf_puts(&out, "\033[K\n");
		text += len + (text[len] == '\n');
	}
	buf_puts(&out, "\033[J");
	fwrite(out.data, 1, out.len, stdout);
	fflush(stdout);
	buf_release(&out);
}

/* --- what is shown of a table --- */

static int64_t rows_in_target(const struct view *view, const char *target)
{
	for (size_t i = 0; i < view->n_counts; i++)
		if (strcmp(view->counts[i].target, target) == 0)
			return view->counts[i].rows;
	return -1;
}

static const char *number_or_dash(int64_t n, char out[AMOUNT])
{
	return n < 0 ? "-" : print_count((uint64_t)n, out);
}

static const char *print_lag(int64_t lag_ms, char out[AMOUNT])
{
	if (lag_ms < 0)
		return "-";
	if (lag_ms < 10000)
		snprintf(out, AMOUNT, "%" PRId64 " ms", lag_ms);
	else
		print_time((double)lag_ms / 1000, out);
	return out;
}

static const char *print_rate(double rate, char out[AMOUNT])
{
	snprintf(out, AMOUNT, rate < 99.95 ? "%.1f" : "%.0f", rate);
	return out;
}

static const char *print_eta(const struct table_snapshot *t, char out[AMOUNT])
{
	if (strcmp(t->status, "copying") != 0)
		return t->copy_progress >= 1 ? "done" : t->status;
	if (t->copy_eta_s < 1)
		return t->copy_eta_s < 0 ? "..." : "<1 s";
	return print_time((double)t->copy_eta_s, out);
}

static const char *print_bar(double progress, size_t width, bool utf8, char *out)
{
	size_t full = (size_t)(progress * (double)width); /* full only when it is done */
	char *to = out;

	for (size_t i = 0; i < width; i++)
		to = stpcpy(to, i < full ? (utf8 ? "█" : "#") : (utf8 ? "░" : "."));
	return out;
}

/* The large ones first: where the terminal is low, the last ones are not seen. */
static int by_size(const void *a, const void *b)
{
	const struct table_snapshot *s = *(const struct table_snapshot *const *)a,
				    *t = *(const struct table_snapshot *const *)b;
	if (s->rows_estimate != t->rows_estimate)
		return s->rows_estimate > t->rows_estimate ? -1 : 1;
	return strcmp(s->name, t->name);
}

VEC_TYPE(shown_tables, const struct table_snapshot *);

static void select_tables(const struct snapshot *snapshot, struct shown_tables *out)
{
	for (size_t i = 0; i < snapshot->n_streams; i++)
		for (size_t k = 0; k < snapshot->streams[i].n_tables; k++)
			vec_push(out, &snapshot->streams[i].tables[k]);
	if (out->len)
		qsort(out->items, out->len, sizeof *out->items, by_size);
}

/* --- a view on the terminal --- */

static void add_table(
	struct grid *g, const struct view *view, const struct table_snapshot *t, size_t bar_width)
{
	char bar[BAR_WIDE * 3 + 1], amount[AMOUNT];

	grid_cell(g, "%s", t->target);
	grid_cell(g, "%s", print_bar(t->copy_progress, bar_width, speaks_utf8(), bar));
	grid_cell(g, "%8s", print_count(t->rows_copied, amount));
	grid_cell(g, "%5s", print_eta(t, amount));
	grid_cell(g, "%9s", print_rate(t->rate, amount));
	grid_cell(g, "%7s", print_lag(t->lag_ms, amount));
	grid_cell(g, "%9s", number_or_dash(rows_in_target(view, t->target), amount));
}

static void add_sums(struct grid *g, const struct view *view, const struct shown_tables *tables)
{
	uint64_t copied = 0, in_target = 0;
	double rate = 0;
	char amount[AMOUNT];

	vec_each (tables, t) {
		int64_t rows = rows_in_target(view, (*t)->target);
		copied += (*t)->rows_copied;
		rate += (*t)->rate;
		in_target += rows > 0 ? (uint64_t)rows : 0;
	}
	grid_cell(g, "%zu table%s", tables->len, plural(tables->len));
	grid_cell(g, "%s", "");
	grid_cell(g, "%s", print_count(copied, amount));
	grid_cell(g, "%s", "");
	grid_cell(g, "%s", print_rate(rate, amount));
	grid_cell(g, "%s", "");
	grid_cell(g, "%s", print_count(in_target, amount));
}

static void print_tables(const struct view *view, const struct shown_tables *tables,
	const struct size *size, FILE *out)
{
	static const char *const heads[] = {
		"TABLE", "COPY", "ROWS", "LEFT", "CHANGES/s", "LAG", "IN TARGET"};
	size_t room = size->lines > LINES_LEFT + 2 ? size->lines - LINES_LEFT - 1 : 1;
	struct grid grid;

	grid_init(&grid, COUNT_OF(heads), "llrrrrr");
	for (size_t i = 0; i < COUNT_OF(heads); i++)
		grid_cell(&grid, "%s", heads[i]);
	for (size_t i = 0; i < tables->len && i < room; i++)
		add_table(&grid, view, tables->items[i],
			size->columns >= WIDE ? BAR_WIDE : BAR_NARROW);
	add_sums(&grid, view, tables);
	grid_print(&grid, "", out);
	grid_release(&grid);
}

/* What went wrong last, of the streams and then of tables; false where all is well. */
static bool print_trouble(const struct snapshot *snapshot, FILE *out)
{
	const char *where = NULL, *what = NULL;

	for (size_t i = 0; i < snapshot->n_streams && !what; i++) {
		const struct stream_snapshot *s = &snapshot->streams[i];
		if (*s->error && strcmp(s->status, "streaming") != 0) {
			where = s->status;
			what = s->error;
		}
		for (size_t k = 0; k < s->n_tables && !what; k++)
			if (*s->tables[k].error) {
				where = s->tables[k].name;
				what = s->tables[k].error;
			}
	}
	if (!what)
		return false;
	fprintf(out, "%s", colour(RED));
	put_plain(where, out);
	fputs(": ", out);
	put_plain(what, out);
	fprintf(out, "%s\n", colour(PLAIN));
	return true;
}

static void print_summary(const struct view *view, FILE *out)
{
	char time[AMOUNT], limit[AMOUNT], rows[AMOUNT], memory[AMOUNT];
	const char *status = view->snapshot->n_streams ? view->snapshot->streams[0].status : "";

	fprintf(out, "%s%s%s, %s: %s rows changed in PostgreSQL in %s%s%s; tailrace takes %s\n",
		colour(BOLD), status, colour(PLAIN), view->doing,
		print_count(view->work_rows, rows), print_time(view->seconds, time),
		view->limit > 0 ? " of " : "",
		view->limit > 0 ? print_time(view->limit, limit) : "",
		print_size(view->snapshot->memory_bytes, memory));
}

static void show_on_terminal(
	struct screen *s, const struct view *view, const struct shown_tables *tables)
{
	struct size size = size_of_terminal();
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return;
	print_summary(view, out);
	print_tables(view, tables, &size, out);
	fprintf(out, "%s\n", view->models);
	if (!print_trouble(view->snapshot, out))
		fprintf(out, "%s%s%s\n", colour(DIM), view->addresses, colour(PLAIN));
	if (fclose(out) == 0)
		draw(s, text, size.columns);
	free(text);
}

/* --- without a terminal --- */

static void print_line(const struct view *view, const struct table_snapshot *t)
{
	char rows[AMOUNT], rate[AMOUNT], lag[AMOUNT], there[AMOUNT], eta[AMOUNT];

	printf("%s: %s, %s rows copied (%.0f%%%s%s), %s changes/s, lag %s, %s rows in the target\n",
		t->target, t->status, print_count(t->rows_copied, rows), t->copy_progress * 100,
		t->copy_eta_s > 0 ? ", left: " : "",
		t->copy_eta_s > 0 ? print_time((double)t->copy_eta_s, eta) : "",
		print_rate(t->rate, rate), print_lag(t->lag_ms, lag),
		number_or_dash(rows_in_target(view, t->target), there));
}

void screen_show(struct screen *s, const struct view *view)
{
	struct shown_tables tables = {0};

	select_tables(view->snapshot, &tables);
	if (s->terminal) {
		show_on_terminal(s, view, &tables);
	} else {
		print_summary(view, stdout);
		vec_each (&tables, t)
			print_line(view, *t);
		if (*view->models)
			puts(view->models);
		print_trouble(view->snapshot, stdout);
		fflush(stdout);
	}
	vec_release(&tables);
}
