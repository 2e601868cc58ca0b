/*
 * Blocks of documentation: {% docs NAME %} ... {% enddocs %} in files of Markdown, which descriptions take by
 * {{ doc('NAME') }} or {{ doc('PACKAGE', 'NAME') }}. Neither is a template: what a block holds is text, as it is.
 */
#include <ctype.h>
#include "base/file.h"
#include "base/log.h"
#include "models/internal.h"

#define MOST_BYTES ((size_t)16 << 20)

static const char *skip_space(const char *s)
{
	while (isspace((unsigned char)*s))
		s++;
	return s;
}

static size_t name_len(const char *s)
{
	size_t len = 0;

	while (isalnum((unsigned char)s[len]) || s[len] == '_')
		len++;
	return len;
}

/* --- blocks --- */

/* The next {% WORD ... %}, with or without dashes; *rest is what follows WORD, *end what follows the tag. */
static const char *find_tag(const char *s, const char *word, const char **rest, const char **end)
{
	size_t len = strlen(word);

	for (const char *tag = s; (tag = strstr(tag, "{%")); tag += 2) {
		const char *at = skip_space(tag + 2 + (tag[2] == '-'));
		const char *close = strstr(at, "%}");
		if (!close || strncmp(at, word, len) != 0 || name_len(at) != len)
			continue;
		*rest = skip_space(at + len);
		*end = close + 2;
		return tag;
	}
	return NULL;
}

static void take_blocks(struct project *p, const struct package *package, const char *text)
{
	const char *name, *from, *unused, *next, *to;

	while (find_tag(text, "docs", &name, &from)) {
		to = find_tag(from, "enddocs", &unused, &next);
		if (!to)
			return;
		from = skip_space(from);
		while (to > from && isspace((unsigned char)to[-1]))
			to--;
		const char *block = arena_strndup(&p->arena, from, (size_t)(to - from));
		const char *key = arena_printf(
			&p->arena, "%s.%.*s", package->name, (int)name_len(name), name);
		map_put(&p->docs, key, strlen(key), (void *)block);
		text = next;
	}
}

static bool load_package(struct project *p, const struct package *package, struct error *err)
{
	static const char *const keys[][2] = {{"model-paths", "models"}, {"seed-paths", "seeds"},
		{"snapshot-paths", "snapshots"}, {"macro-paths", "macros"},
		{"analysis-paths", "analyses"}, {"docs-paths", "docs"}};
	static const char *const suffixes[] = {".md", NULL};
	struct paths files = {0};

	bool ok = package_files(p, package, keys, COUNT_OF(keys), suffixes, &files, err);
	for (size_t i = 0; ok && i < files.len; i++) {
		const char *path = arena_printf(
			&p->arena, "%s/%s", package->folder, files.items[i]);
		struct buf text;
		buf_init(&text, MOST_BYTES);
		ok = file_read(path, &text, err);
		if (ok)
			take_blocks(p, package, buf_text(&text));
		buf_release(&text);
	}
	vec_release(&files);
	return ok;
}

bool docs_load(struct project *p, struct error *err)
{
	for (size_t i = 0; i < p->packages.len && !p->packages.items[i]->is_own; i++)
		if (!load_package(p, p->packages.items[i], err))
			return false;
	return true;
}

/* --- calls --- */

/* 'text' or "text", and the comma behind it; NULL: no such thing. */
static const char *read_text(const char *s, struct arena *a, const char **out)
{
	const char *end = *s == '\'' || *s == '"' ? strchr(s + 1, *s) : NULL;

	if (!end)
		return NULL;
	*out = arena_strndup(a, s + 1, (size_t)(end - s - 1));
	end = skip_space(end + 1);
	return *end == ',' ? skip_space(end + 1) : end;
}

/* {{ doc(...) }} at s: what follows it; NULL: it is none. */
static const char *read_call(
	const char *s, struct arena *a, const char **package, const char **name)
{
	const char *first, *second = NULL, *at = skip_space(s + 2 + (s[2] == '-'));

	if (strncmp(at, "doc", 3) != 0 || *skip_space(at + 3) != '(')
		return NULL;
	at = read_text(skip_space(skip_space(at + 3) + 1), a, &first);
	if (at && *at != ')')
		at = read_text(at, a, &second);
	if (!at || *at != ')')
		return NULL;
	at = skip_space(at + 1);
	at += *at == '-';
	*package = second ? first : NULL;
	*name = second ? second : first;
	return strncmp(at, "}}", 2) == 0 ? at + 2 : NULL;
}

static const char *block_of(
	const struct project *p, const struct package *from, const char *package, const char *name)
{
	const char *const packages[] = {package ? package : from->name, root_of(p)->name};

	for (size_t i = 0; i < (package ? 1 : COUNT_OF(packages)); i++) {
		CLEANUP(free_string) char *key = xasprintf("%s.%s", packages[i], name);
		const char *block = map_get(&p->docs, key, strlen(key));
		if (block)
			return block;
	}
	return NULL;
}

const char *docs_fill(
	struct project *p, const struct package *from, const char *path, const char *text)
{
	const char *package, *name, *next;
	struct buf out;

	if (!strstr(text, "{{"))
		return text;
	buf_init(&out, MOST_BYTES);
	for (const char *tag; (tag = strstr(text, "{{")); text = next) {
		next = read_call(tag, &p->arena, &package, &name);
		const char *block = next ? block_of(p, from, package, name) : NULL;
		buf_append(&out, text, (size_t)(tag - text));
		if (next && !block)
			project_warn(p, "there is no such block of docs", F("file", path),
				F("name", name));
		if (block)
			buf_puts(&out, block);
		else
			buf_append(&out, tag, 2);
		next = block ? next : tag + 2;
	}
	buf_puts(&out, text);
	const char *kept = arena_strdup(&p->arena, buf_text(&out));
	buf_release(&out);
	return kept;
}
