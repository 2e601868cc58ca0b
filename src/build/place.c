/* See place.h. */
#include "build/place.h"

#include <ctype.h>
#include <string.h>
#include "base/file.h"

#define LONGEST_SHOWN    160
#define LONGEST_TEMPLATE ((size_t)16 << 20)

struct line {
	const char *start;
	size_t len; /* without white space around it */
};

static struct line trimmed(const char *start, const char *end)
{
	while (start < end && strchr(" \t\r", *start))
		start++;
	while (end > start && strchr(" \t\r", end[-1]))
		end--;
	return (struct line){start, (size_t)(end - start)};
}

/* The next line from *at on, false at the end. */
static bool next_line(const char **at, struct line *out)
{
	if (!*at || !**at)
		return false;
	const char *end = strchrnul(*at, '\n');
	*out = trimmed(*at, end);
	*at = *end ? end + 1 : end;
	return true;
}

static bool line_at(const char *text, int number, struct line *out)
{
	while (number-- > 0)
		if (!next_line(&text, out))
			return false;
	return true;
}

static bool same(struct line a, struct line b)
{
	return a.len == b.len && !memcmp(a.start, b.start, a.len);
}

/* "sum({{ column }}) as total" could be "sum(amount) as total". */
static bool could_be(struct line template, struct line rendered)
{
	const char *open = memmem(template.start, template.len, "{{", 2), *close = NULL;
	const char *end = template.start + template.len;

	for (const char *at = open; at && (at = memmem(at, (size_t)(end - at), "}}", 2)); at += 2)
		close = at + 2;
	if (!open || !close)
		return false;
	size_t before = (size_t)(open - template.start), after = (size_t)(end - close);
	return before + after && before + after <= rendered.len &&
	       !memcmp(template.start, rendered.start, before) &&
	       !memcmp(close, rendered.start + rendered.len - after, after);
}

/* How many lines of the text up to number `upto` (0: all) are the same as that one. */
static int count_same(const char *text, struct line wanted, int upto)
{
	struct line line;
	int n = 0;

	for (int number = 1; next_line(&text, &line) && (!upto || number <= upto); number++)
		n += same(line, wanted);
	return n;
}

/* The number of the nth line that is the same. */
static int nth_same(const char *text, struct line wanted, int n)
{
	struct line line;

	for (int number = 1; next_line(&text, &line); number++)
		if (same(line, wanted) && --n == 0)
			return number;
	return 0;
}

static int only_one_that_could_be(const char *text, struct line wanted)
{
	struct line line;
	int found = 0;

	for (int number = 1; next_line(&text, &line); number++) {
		if (!could_be(line, wanted))
			continue;
		if (found)
			return 0;
		found = number;
	}
	return found;
}

int place_of_line(const char *template, const char *rendered, int line)
{
	struct line wanted;

	if (!line_at(rendered, line, &wanted) || !wanted.len)
		return 0;
	int n = count_same(template, wanted, 0);
	if (n && n == count_same(rendered, wanted, 0))
		return nth_same(template, wanted, count_same(rendered, wanted, line));
	return n ? 0 : only_one_that_could_be(template, wanted);
}

/* The line of the rendered SQL that a line of the statement is; 0: it is none of it. */
static int rendered_line(const char *sql, const char *select, int line)
{
	const char *start = select && *select ? strstr(sql, select) : NULL;
	int n_lines = 1;

	if (!start || !line)
		return 0;
	for (const char *at = sql; at < start; at++)
		line -= *at == '\n';
	for (const char *at = select; *at; at++)
		n_lines += *at == '\n';
	return line >= 1 && line <= n_lines ? line : 0;
}

static int line_of_file(const struct work *w, int rendered)
{
	CLEANUP(free_string) char *path = xasprintf("%s/%s", w->folder, w->node->path);
	struct buf text;
	int line = 0;

	buf_init(&text, LONGEST_TEMPLATE);
	if (file_read(path, &text, NULL))
		line = place_of_line(buf_text(&text), w->select, rendered);
	buf_release(&text);
	return line;
}

static bool is_name_byte(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static bool holds_name(struct line line, const char *name, size_t len)
{
	const char *end = line.start + line.len;

	for (const char *at = line.start; (at = memmem(at, (size_t)(end - at), name, len)); at++)
		if ((at == line.start || !is_name_byte(at[-1])) &&
			(at + len == end || !is_name_byte(at[len])))
			return true;
	return false;
}

/* Where no line is named, what the message quotes first may be: on the only line that has that name. */
static int line_of_name(const char *message, const char *rendered)
{
	const char *name = strpbrk(message, "`'"), *end = name ? strchr(name + 1, *name) : NULL;
	struct line line;
	int found = 0;

	if (!end || end == name + 1 || !rendered)
		return 0;
	for (int number = 1; next_line(&rendered, &line); number++) {
		if (!holds_name(line, name + 1, (size_t)(end - name - 1)))
			continue;
		if (found)
			return 0;
		found = number;
	}
	return found;
}

const char *place_of_node(const struct node *node, struct arena *arena)
{
	return node->line > 1 ? arena_printf(arena, "%s:%d", node->path, node->line) : node->path;
}

void place_error(const struct work *w, const char *sql, int line, struct error *err)
{
	struct line text;
	int rendered, in_file;

	if (!err)
		return;
	rendered = rendered_line(sql, w->select, line);
	if (!rendered && w->select && strstr(sql, w->select))
		rendered = line_of_name(err->text, w->select);
	if (!rendered || !line_at(w->select, rendered, &text) || !text.len) {
		error_add(err, "%s", place_of_node(w->node, w->arena));
		return;
	}
	in_file = line_of_file(w, rendered);
	struct error told = *err;
	int shown = text.len > LONGEST_SHOWN ? LONGEST_SHOWN : (int)text.len;
	if (in_file)
		error_set(err, told.kind, "%s:%d: %.800s\n    %d | %.*s", w->node->path, in_file,
			told.text, in_file, shown, text.start);
	else
		error_set(err, told.kind, "%s: %.800s\n    line %d of its SQL | %.*s",
			place_of_node(w->node, w->arena), told.text, rendered, shown, text.start);
}
