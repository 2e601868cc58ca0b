/* See csv.h. */
#include "build/csv.h"

#include <errno.h>
#include "base/text.h"

#define LONGEST_ROW ((size_t)64 << 20)

bool csv_open(struct csv *c, const char *path, const char *name, char delimiter, struct error *err)
{
	unsigned char mark[3];

	*c = (struct csv){.name = name, .delimiter = delimiter, .next_line = 1};
	c->file = fopen(path, "r");
	if (!c->file)
		return error_set(err, ERROR_CONFIG, "%s: %s", name, strerror(errno));
	buf_init(&c->text, BUF_MAX);
	if (fread(mark, 1, sizeof mark, c->file) != sizeof mark ||
		memcmp(mark, "\xef\xbb\xbf", sizeof mark) != 0)
		rewind(c->file);
	return true;
}

bool csv_open_text(struct csv *c, const char *text, const char *name, int line, char delimiter,
	struct error *err)
{
	*c = (struct csv){.name = name, .delimiter = delimiter, .next_line = line + 1};
	c->file = fmemopen((void *)text, strlen(text), "r");
	if (!c->file)
		return error_set(err, ERROR_CONFIG, "%s:%d: %s", name, line, strerror(errno));
	buf_init(&c->text, BUF_MAX);
	return true;
}

void csv_close(struct csv *c)
{
	if (c->file)
		fclose(c->file);
	buf_release(&c->text);
	vec_release(&c->starts);
	vec_release(&c->cells);
}

static bool fail(const struct csv *c, struct error *err, const char *what)
{
	return error_set(err, ERROR_CONFIG, "%s:%d: %s", c->name, c->line, what);
}

/* Behind the opening quote, up to the closing one. */
static bool read_quoted(struct csv *c, struct error *err)
{
	for (int byte; (byte = getc_unlocked(c->file)) != EOF;) {
		if (byte == '"') {
			int next = getc_unlocked(c->file);
			if (next != '"') {
				ungetc(next, c->file);
				return true;
			}
		}
		c->next_line += byte == '\n';
		if (c->text.len >= LONGEST_ROW)
			break;
		buf_u8(&c->text, (uint8_t)byte);
	}
	return fail(c, err, "a quote is opened here and not closed");
}

/* *last: the row ends with it. */
static bool read_cell(struct csv *c, bool *last, struct error *err)
{
	size_t start = c->text.len;
	int byte;

	vec_push(&c->starts, start);
	while ((byte = getc_unlocked(c->file)) != EOF && byte != c->delimiter && byte != '\n') {
		if (c->text.len >= LONGEST_ROW)
			return fail(c, err, "the row is longer than 64 MiB");
		if (byte == '"' && c->text.len == start) {
			if (!read_quoted(c, err))
				return false;
			continue;
		}
		buf_u8(&c->text, (uint8_t)byte);
	}
	*last = byte != c->delimiter;
	c->next_line += byte == '\n';
	if (*last && c->text.len > start && c->text.data[c->text.len - 1] == '\r')
		c->text.len--;
	if (c->text.len > start &&
		(memchr(c->text.data + start, 0, c->text.len - start) ||
			!utf8_valid((const char *)c->text.data + start, c->text.len - start)))
		return fail(c, err, "a cell is not UTF-8 text");
	buf_u8(&c->text, 0);
	return true;
}

static bool read_row(struct csv *c, struct error *err)
{
	bool last = false;

	buf_clear(&c->text);
	c->starts.len = c->cells.len = 0;
	c->line = c->next_line;
	while (!last)
		if (!read_cell(c, &last, err))
			return false;
	for (size_t i = 0; i < c->starts.len; i++)
		vec_push(&c->cells, (const char *)c->text.data + c->starts.items[i]);
	return true;
}

enum csv_status csv_next(struct csv *c, struct error *err)
{
	do {
		int byte = getc_unlocked(c->file);
		if (byte == EOF && ferror(c->file)) {
			fail(c, err, strerror(errno));
			return CSV_FAILED;
		}
		if (byte == EOF)
			return CSV_END;
		ungetc(byte, c->file);
		if (!read_row(c, err))
			return CSV_FAILED;
	} while (c->cells.len == 1 && !*c->cells.items[0]);
	return CSV_ROW;
}
