/* Messages with their place: file, line, column, and the line itself with a caret; see ast.h. */
#include "models/template/place.h"

#include "models/template/unicode.h"

#define SHOWN 100 /* code points of a long line */

const char *template_name(const struct template *t)
{
	return t->name;
}

const char *template_source(const struct template *t, size_t *len)
{
	*len = t->len;
	return t->source;
}

static size_t line_start(const struct template *t, uint32_t at)
{
	size_t start = at < t->len ? at : t->len;

	while (start > 0 && t->source[start - 1] != '\n')
		start--;
	return start;
}

struct place place_of(const struct template *t, uint32_t at)
{
	struct place place = {.line = 1};
	size_t start = line_start(t, at);

	for (size_t i = 0; i < start; i++)
		place.line += t->source[i] == '\n';
	place.column = 1 + (int)utf8_count(t->source + start, (at < t->len ? at : t->len) - start);
	return place;
}

void place_show(const struct template *t, uint32_t at, struct buf *out)
{
	struct place place = place_of(t, at);
	size_t start = line_start(t, at), end = start;
	while (end < t->len && t->source[end] != '\n')
		end++;
	const char *line = t->source + start;
	size_t len = end - start, skip = 0;
	if (place.column > SHOWN - 20)
		skip = (size_t)place.column - SHOWN / 2;
	size_t from = utf8_offset(line, len, skip), to = utf8_offset(line, len, skip + SHOWN);
	buf_printf(out, "\n%5d | %s", place.line, skip ? "..." : "");
	for (size_t i = from; i < to; i++)
		buf_u8(out, line[i] == '\t' ? ' ' : (uint8_t)line[i]);
	buf_printf(out, "%s\n      | %*s", to < len ? "..." : "",
		place.column - (int)skip + (skip ? 3 : 0), "^");
}

bool template_error(const struct template *t, uint32_t at, const char *message, struct error *err)
{
	struct place place = place_of(t, at);
	struct buf text;

	if (!err)
		return false;
	buf_init(&text, (size_t)1 << 20);
	place_show(t, at, &text);
	error_set(err, ERROR_CONFIG, "%s:%d:%d: %.512s%s", t->name, place.line, place.column,
		message, buf_text(&text));
	buf_release(&text);
	return false;
}
