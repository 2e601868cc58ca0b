/* See place.h. */
#include "build/place.h"

#include <ctype.h>
#include <string.h>

#define LONGEST_SHOWN 160

struct line {
	const char *start;
	size_t len;
};

/* The next line from *at on, false at the end. */
static bool next_line(const char **at, struct line *out)
{
	if (!*at || !**at)
		return false;
	const char *end = strchrnul(*at, '\n');
	*out = (struct line){*at, (size_t)(end - *at)};
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

static bool is_name_byte(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static const char *find_name(struct line line, struct line name)
{
	const char *end = line.start + line.len;

	for (const char *at = line.start;
		(at = memmem(at, (size_t)(end - at), name.start, name.len)); at++)
		if ((at == line.start || !is_name_byte(at[-1])) &&
			(at + name.len == end || !is_name_byte(at[name.len])))
			return at;
	return NULL;
}

/* What the message quotes first. */
static bool quoted_name(const char *message, struct line *out)
{
	const char *name = strpbrk(message, "`'"), *end = name ? strchr(name + 1, *name) : NULL;

	if (!end || end == name + 1)
		return false;
	*out = (struct line){name + 1, (size_t)(end - name - 1)};
	return true;
}

/* The only line of the text that has that name. */
static bool line_of_name(const char *text, struct line name, struct line *out)
{
	struct line line;
	int found = 0;

	while (next_line(&text, &line)) {
		if (!find_name(line, name))
			continue;
		*out = line;
		found++;
	}
	return found == 1;
}

/* --- in the rendered SQL --- */

/* The line of it that the engine means, and the byte in it; NULL: that is not known. */
static const char *find_line(const struct work *w, const char *sql,
	const struct statement_stats *stats, const char *message, struct line *out)
{
	const char *start = w->rendered && *w->rendered ? strstr(sql, w->rendered) : NULL;
	struct line name = {0};
	bool named = quoted_name(message, &name);

	if (!start)
		return NULL;
	const char *end = start + strlen(w->rendered), *at = NULL;
	if (!stats->line) {
		if (!named || !line_of_name(w->rendered, name, out))
			return NULL;
		return find_name(*out, name);
	}
	if (!line_at(sql, stats->line, out) || out->start >= end || out->start + out->len < start)
		return NULL;
	if (stats->column && (size_t)stats->column <= out->len)
		at = out->start + stats->column - 1;
	if (out->start < start)
		*out = (struct line){start, out->len - (size_t)(start - out->start)};
	if (out->start + out->len > end)
		out->len = (size_t)(end - out->start);
	if (!at)
		at = named ? find_name(*out, name) : NULL;
	if (!at || at < out->start)
		at = out->start + strspn(out->start, " \t\r");
	out->start = w->rendered + (out->start - start);
	return w->rendered + (at - start);
}

static int number_of(const char *text, const char *at)
{
	int number = 1;

	for (; text < at; text++)
		number += *text == '\n';
	return number;
}

/* --- in the file --- */

const char *place_of_node(const struct node *node, struct arena *arena)
{
	return node->line > 1 ? arena_printf(arena, "%s:%d", node->path, node->line) : node->path;
}

/* The line without white space around it. */
static const char *shown(struct line line, struct arena *arena)
{
	while (line.len && isspace((unsigned char)*line.start)) {
		line.start++;
		line.len--;
	}
	while (line.len && isspace((unsigned char)line.start[line.len - 1]))
		line.len--;
	return arena_strndup(
		arena, line.start, line.len > LONGEST_SHOWN ? LONGEST_SHOWN : line.len);
}

void place_error(const struct work *w, const char *sql, const struct statement_stats *stats,
	struct error *err)
{
	const char *at, *place, *behind;
	struct line line;

	if (!err)
		return;
	place = place_of_node(w->node, w->arena);
	at = find_line(w, sql, stats, err->text, &line);
	if (!at) {
		error_add(err, "%s", place);
		return;
	}
	size_t offset = (size_t)(at - w->rendered);
	const struct origin *origin = origins_find(&w->origins, offset);
	if (origin) {
		struct origin_places places = origin_places(origin, offset, w->arena);
		/* A test of a yml is itself a call of a macro, a hook one text of its file. */
		bool of_yml = value_given(w->node->arguments) || w->node->kind == NODE_HOOK;
		place = of_yml ? place : places.outermost;
		behind = arena_printf(w->arena, "%s\n%5d | %s", places.macros, places.line,
			shown(line, w->arena));
	} else {
		behind = arena_printf(w->arena, "\n    line %d of its SQL | %s",
			number_of(w->rendered, at), shown(line, w->arena));
	}
	struct error told = *err;
	int room = (int)(sizeof err->text - strlen(place) - strlen(behind)) - 8;
	error_set(err, told.kind, "%s: %.*s%s", place, room > 200 ? room : 200, told.text, behind);
}
