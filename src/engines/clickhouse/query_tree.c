/* Lines, headings and fields of a query tree; see query_tree.h. */
#include "engines/clickhouse/query_tree.h"

#include <stdlib.h>
#include <string.h>

/* "TABLE_FUNCTION id: 12, ..." or "CROSS JOIN id: 6": the id; of all else -1. */
static int id_of(const char *text)
{
	size_t n = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_ ");
	const char *at = text + n;

	if (!n || text[n - 1] != ' ' || strncmp(at, "id: ", 4) != 0)
		return -1;
	size_t digits = strspn(at + 4, "0123456789");
	if (!digits || digits > 8 || (at[4 + digits] && at[4 + digits] != ','))
		return -1;
	return atoi(at + 4);
}

static void note_id(struct query_tree *t, int id, size_t line)
{
	while (t->by_id.len <= (size_t)id)
		vec_push(&t->by_id, 0);
	if (!t->by_id.items[id])
		t->by_id.items[id] = line + 1;
}

static bool read_line(struct query_tree *t, const char *from, size_t n)
{
	size_t indent = 0;

	while (indent < n && from[indent] == ' ')
		indent++;
	struct tree_line line = {.text = arena_strndup(t->arena, from + indent, n - indent),
		.depth = (int)(indent / 2)};
	bool first = !t->lines.len;
	line.id = id_of(line.text);
	/* A name with a newline in it breaks the order of levels, or the count of a list. */
	if (indent % 2 || first != (line.depth == 0) ||
		(!first && line.depth > t->lines.items[t->lines.len - 1].depth + 1))
		return false;
	if (line.id >= 0)
		note_id(t, line.id, t->lines.len);
	vec_push(&t->lines, line);
	return true;
}

static void find_ends(struct query_tree *t)
{
	for (size_t i = t->lines.len; i-- > 0;) {
		size_t end = i + 1;
		while (end < t->lines.len && t->lines.items[end].depth > t->lines.items[i].depth)
			end = t->lines.items[end].end;
		t->lines.items[i].end = end;
	}
}

static bool lists_are_whole(const struct query_tree *t)
{
	for (size_t i = 0; i < t->lines.len; i++) {
		int n = 0;
		if (!tree_is(t, i, "LIST"))
			continue;
		for (size_t c = tree_first(t, i); c != NO_LINE; c = tree_next(t, i, c))
			n += t->lines.items[c].id >= 0 ? 1 : 1 << 20;
		if (n != tree_last_number(t, i, "nodes"))
			return false;
	}
	return true;
}

bool query_tree_read(struct query_tree *t, const char *text, struct arena *arena)
{
	*t = (struct query_tree){.arena = arena};
	while (*text) {
		size_t n = strcspn(text, "\n");
		if (n && !read_line(t, text, n))
			return false;
		text += n + (text[n] == '\n');
	}
	find_ends(t);
	return t->lines.len && lists_are_whole(t);
}

void query_tree_release(struct query_tree *t)
{
	vec_release(&t->lines);
	vec_release(&t->by_id);
}

size_t tree_first(const struct query_tree *t, size_t at)
{
	return at + 1 < t->lines.items[at].end ? at + 1 : NO_LINE;
}

size_t tree_next(const struct query_tree *t, size_t at, size_t child)
{
	size_t next = t->lines.items[child].end;
	return next < t->lines.items[at].end ? next : NO_LINE;
}

size_t tree_heading(const struct query_tree *t, size_t at, const char *heading)
{
	for (size_t c = tree_first(t, at); c != NO_LINE; c = tree_next(t, at, c)) {
		const struct tree_line *line = &t->lines.items[c];
		size_t n = strlen(heading);
		if (line->id < 0 && !strncmp(line->text, heading, n) &&
			strspn(line->text + n, " ") == strlen(line->text + n))
			return c;
	}
	return NO_LINE;
}

size_t tree_list(const struct query_tree *t, size_t heading)
{
	size_t list = heading == NO_LINE ? NO_LINE : tree_first(t, heading);
	return list != NO_LINE && tree_is(t, list, "LIST") ? list : NO_LINE;
}

bool tree_is(const struct query_tree *t, size_t at, const char *kind)
{
	const struct tree_line *line = &t->lines.items[at];
	size_t n = strlen(kind);

	return line->id >= 0 && !strncmp(line->text, kind, n) &&
	       !strncmp(line->text + n, " id: ", 5);
}

size_t tree_by_id(const struct query_tree *t, int id)
{
	size_t line = id >= 0 && (size_t)id < t->by_id.len ? t->by_id.items[id] : 0;
	return line ? line - 1 : NO_LINE;
}

/* Behind ", KEY: ", where the line has that once. */
static const char *behind(const char *text, const char *key, struct arena *arena)
{
	const char *mark = arena_printf(arena, ", %s: ", key);
	const char *at = strstr(text, mark);

	if (!at || strstr(at + 1, mark))
		return NULL;
	return at + strlen(mark);
}

const char *tree_field(const struct query_tree *t, size_t at, const char *key, const char *next)
{
	const char *text = t->lines.items[at].text;
	const char *from = behind(text, key, t->arena);
	const char *to = next ? behind(text, next, t->arena) : text + strlen(text);

	if (!from || !to)
		return NULL;
	if (next)
		to -= strlen(next) + 4;
	return to >= from ? arena_strndup(t->arena, from, (size_t)(to - from)) : NULL;
}

int tree_last_number(const struct query_tree *t, size_t at, const char *key)
{
	const char *text = t->lines.items[at].text, *found = NULL;
	const char *mark = arena_printf(t->arena, ", %s: ", key);

	for (const char *it = text; (it = strstr(it, mark)); it++)
		found = it + strlen(mark);
	size_t digits = found ? strspn(found, "0123456789") : 0;
	return digits && digits < 9 && !found[digits] ? atoi(found) : -1;
}
