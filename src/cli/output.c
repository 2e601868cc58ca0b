/* What commands print: failures, colours, aligned tables, and numbers that people read. */
#include "cli/cli.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/text.h"

int failed(const struct error *err)
{
	fprintf(stderr, "tailrace: %s\n", err->text);
	return err->kind == ERROR_CONFIG ? WRONG_USE : FAILED;
}

int wrong_use(const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	fputs("tailrace: ", stderr);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
	va_end(args);
	return WRONG_USE;
}

bool on_terminal(void)
{
	const char *term = getenv("TERM");
	return isatty(STDOUT_FILENO) && term && *term && strcmp(term, "dumb") != 0;
}

static bool colours_seen(void)
{
	const char *off = getenv("NO_COLOR");
	return on_terminal() && !(off && *off);
}

const char *colour(enum colour c)
{
	static const char *const codes[] = {
		[PLAIN] = "\033[0m",
		[BOLD] = "\033[1m",
		[DIM] = "\033[2m",
		[RED] = "\033[31m",
		[GREEN] = "\033[32m",
		[YELLOW] = "\033[33m",
	};
	return colours_seen() ? codes[c] : "";
}

static char plain(char c)
{
	return (unsigned char)c < ' ' || c == 127 ? '?' : c;
}

void put_plain(const char *text, FILE *out)
{
	for (; *text; text++)
		fputc(plain(*text), out);
}

/* --- tables --- */

void grid_init(struct grid *g, size_t n_columns, const char *right)
{
	*g = (struct grid){.n_columns = n_columns, .right = right};
	arena_init(&g->arena);
}

void grid_release(struct grid *g)
{
	arena_release(&g->arena);
	vec_release(&g->cells);
}

void grid_cell(struct grid *g, const char *fmt, ...)
{
	va_list args;
	char text[512];
	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	for (char *c = text; *c; c++)
		*c = plain(*c);
	vec_push(&g->cells, arena_strdup(&g->arena, text));
}

static void print_row(const struct grid *g, const char *const *row, const size_t *widths, FILE *out)
{
	for (size_t i = 0; i < g->n_columns; i++) {
		int pad = (int)(widths[i] - text_width(row[i]));
		bool last = i + 1 == g->n_columns;
		if (g->right && g->right[i] == 'r')
			fprintf(out, "%*s%s%s", pad, "", row[i], last ? "" : "  ");
		else if (last)
			fputs(row[i], out);
		else
			fprintf(out, "%s%*s  ", row[i], pad, "");
	}
}

void grid_print(struct grid *g, const char *indent, FILE *out)
{
	size_t *widths = arena_alloc(&g->arena, g->n_columns * sizeof *widths);
	for (size_t i = 0; i < g->cells.len; i++) {
		size_t w = text_width(g->cells.items[i]);
		if (w > widths[i % g->n_columns])
			widths[i % g->n_columns] = w;
	}
	for (size_t i = 0; i < g->cells.len; i += g->n_columns) {
		fprintf(out, "%s%s", indent, i ? "" : colour(DIM));
		print_row(g, g->cells.items + i, widths, out);
		fprintf(out, "%s\n", i ? "" : colour(PLAIN));
	}
}

/* --- numbers --- */

const char *print_count(uint64_t n, char out[AMOUNT])
{
	char digits[24];
	int len = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n);
	char *to = out;
	for (int i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			*to++ = ',';
		*to++ = digits[i];
	}
	*to = '\0';
	return out;
}

const char *print_size(uint64_t bytes, char out[AMOUNT])
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
	double amount = (double)bytes;
	size_t unit = 0;
	while (amount >= 1024 && unit + 1 < COUNT_OF(units)) {
		amount /= 1024;
		unit++;
	}
	snprintf(out, AMOUNT, unit && amount < 10 ? "%.1f %s" : "%.0f %s", amount, units[unit]);
	return out;
}

const char *print_time(double seconds, char out[AMOUNT])
{
	long s = (long)(seconds + 0.5);
	if (seconds < 0)
		snprintf(out, AMOUNT, "?");
	else if (seconds < 1)
		snprintf(out, AMOUNT, "%.0f ms", seconds * 1000);
	else if (seconds < 10)
		snprintf(out, AMOUNT, "%.1f s", seconds);
	else if (s < 60)
		snprintf(out, AMOUNT, "%ld s", s);
	else if (s < 3600)
		snprintf(out, AMOUNT, "%ld min %ld s", s / 60, s % 60);
	else if (s < 86400)
		snprintf(out, AMOUNT, "%ld h %ld min", s / 3600, s / 60 % 60);
	else
		snprintf(out, AMOUNT, "%ld d %ld h", s / 86400, s / 3600 % 24);
	return out;
}
