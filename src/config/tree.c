/* YAML to a tree; see tree.h. A file of aliases of aliases stops at MOST_NODES. */
#include "config/tree.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>
#include "base/buf.h"
#include "base/file.h"
#include "base/text.h"
#include "base/vec.h"

#define LARGEST_FILE ((size_t)64 << 20)
#define MOST_NODES   2000000
#define MOST_NESTING 100

struct reading {
	const char *name;
	yaml_document_t document;
	struct arena *arena;
	struct error *err;
	size_t nodes;
};

VEC_TYPE(tree_entries, struct tree_entry);

static bool fail(struct reading *r, size_t line, const char *what)
{
	return error_set(r->err, ERROR_CONFIG, "%s:%zu: %s", r->name, line + 1, what);
}

/* The text without the underscores that YAML 1.1 allows in numbers. */
static char *digits_of(struct arena *arena, const char *text)
{
	char *plain = arena_alloc(arena, strlen(text) + 1), *to = plain;

	for (; *text; text++)
		if (*text != '_')
			*to++ = *text;
	return plain;
}

/* [-+]? and 0b101, 0x1f, 017, 12 */
static bool read_integer(const char *text, int64_t *out)
{
	const char *digits = text + (*text == '-' || *text == '+');
	int base = digits[0] != '0' || !digits[1] ? 10
		   : digits[1] == 'x'             ? 16
		   : digits[1] == 'b'             ? 2
						  : 8;
	char *end;

	if (base == 2 || base == 16)
		digits += 2;
	if (!isxdigit((unsigned char)*digits))
		return false;
	errno = 0;
	*out = strtoll(digits, &end, base);
	if (*text == '-')
		*out = -*out;
	return !*end && !errno;
}

/* Digits and a point, or .inf and .nan; an exponent has a sign. */
static bool read_float(const char *text, double *out)
{
	static const char *const infinite[] = {".inf", ".Inf", ".INF", NULL};
	static const char *const none[] = {".nan", ".NaN", ".NAN", NULL};
	const char *digits = text + (*text == '-' || *text == '+');
	const char *power = strpbrk(digits, "eE");
	char *end;

	if (text_is_one_of(digits, infinite) || text_is_one_of(digits, none)) {
		*out = text_is_one_of(digits, none) ? NAN : *text == '-' ? -INFINITY : INFINITY;
		return true;
	}
	if (!strchr(digits, '.') || strspn(digits, "0123456789.eE+-") != strlen(digits) ||
		!strpbrk(digits, "0123456789") || (power && power[1] != '+' && power[1] != '-'))
		return false;
	*out = strtod(text, &end);
	return !*end;
}

static void read_plain(struct reading *r, struct tree *out)
{
	static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
	static const char *const yes[] = {
		"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", NULL};
	static const char *const no[] = {
		"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF", NULL};
	const char *digits = isalpha((unsigned char)*out->text) ? ""
								: digits_of(r->arena, out->text);

	if (text_is_one_of(out->text, nulls)) {
		out->kind = TREE_NULL;
	} else if (text_is_one_of(out->text, yes) || text_is_one_of(out->text, no)) {
		out->kind = TREE_BOOL;
		out->b = text_is_one_of(out->text, yes);
	} else if (*out->text != '_' && read_integer(digits, &out->i)) {
		out->kind = TREE_INT;
	} else if (*out->text != '_' && read_float(digits, &out->f)) {
		out->kind = TREE_FLOAT;
	}
}

static bool read_scalar(struct reading *r, const yaml_node_t *node, struct tree *out)
{
	bool plain = node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	const char *tag = (const char *)node->tag;

	out->kind = TREE_TEXT;
	out->text = arena_strndup(
		r->arena, (const char *)node->data.scalar.value, node->data.scalar.length);
	if (strlen(out->text) != node->data.scalar.length)
		return fail(r, node->start_mark.line, "a text holds a NUL byte");
	if (plain && (!tag || strcmp(tag, YAML_STR_TAG) == 0))
		read_plain(r, out);
	return true;
}

static const struct tree *read_node(struct reading *r, int id, int nesting);

static void keep(struct reading *r, struct tree_entries *entries, struct tree *out)
{
	struct tree_entry *kept = arena_alloc(r->arena, (entries->len + 1) * sizeof *kept);

	if (entries->len)
		memcpy(kept, entries->items, entries->len * sizeof *kept);
	out->entries = kept;
	out->n = entries->len;
	vec_release(entries);
}

static bool read_list(struct reading *r, const yaml_node_t *node, struct tree *out, int nesting)
{
	struct tree_entries entries = {0};
	bool ok = true;

	out->kind = TREE_LIST;
	for (yaml_node_item_t *item = node->data.sequence.items.start;
		ok && item < node->data.sequence.items.top; item++) {
		const struct tree *value = read_node(r, *item, nesting);
		struct tree_entry entry = {.line = value ? value->line : 0, .value = value};
		vec_push(&entries, entry);
		ok = value;
	}
	keep(r, &entries, out);
	return ok;
}

static void put(struct tree_entries *entries, const struct tree_entry *entry, bool over)
{
	vec_each (entries, it) {
		if (strcmp(it->key, entry->key) != 0)
			continue;
		if (over)
			*it = *entry;
		return;
	}
	vec_push(entries, *entry);
}

/* What << brings: a map, or a list of them; what stands in the map itself goes before. */
static bool merge(struct reading *r, struct tree_entries *entries, const struct tree *from)
{
	if (from->kind == TREE_LIST) {
		for (size_t i = 0; i < from->n; i++)
			if (!merge(r, entries, from->entries[i].value))
				return false;
		return true;
	}
	if (from->kind != TREE_MAP)
		return fail(r, (size_t)from->line - 1, "<< takes a map, or a list of maps");
	for (size_t i = 0; i < from->n; i++)
		put(entries, &from->entries[i], false);
	return true;
}

static bool read_pair(struct reading *r, const yaml_node_pair_t *pair, int nesting,
	struct tree_entries *entries, struct tree_entries *merged)
{
	const yaml_node_t *key = yaml_document_get_node(&r->document, pair->key);
	struct tree_entry entry = {.line = (int)key->start_mark.line + 1};

	if (key->type != YAML_SCALAR_NODE)
		return fail(r, key->start_mark.line, "a key is a list or a map, not a text");
	entry.key = arena_strdup(r->arena, (const char *)key->data.scalar.value);
	entry.value = read_node(r, pair->value, nesting);
	if (!entry.value)
		return false;
	if (strcmp(entry.key, "<<") == 0)
		vec_push(merged, entry);
	else
		put(entries, &entry, true);
	return true;
}

static bool read_map(struct reading *r, const yaml_node_t *node, struct tree *out, int nesting)
{
	struct tree_entries entries = {0}, merged = {0};
	bool ok = true;

	out->kind = TREE_MAP;
	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
		ok && pair < node->data.mapping.pairs.top; pair++)
		ok = read_pair(r, pair, nesting, &entries, &merged);
	for (size_t i = 0; ok && i < merged.len; i++)
		ok = merge(r, &entries, merged.items[i].value);
	vec_release(&merged);
	keep(r, &entries, out);
	return ok;
}

static const struct tree *read_node(struct reading *r, int id, int nesting)
{
	const yaml_node_t *node = yaml_document_get_node(&r->document, id);
	struct tree *out = arena_alloc(r->arena, sizeof *out);
	bool ok;

	out->line = (int)node->start_mark.line + 1;
	if (nesting == MOST_NESTING || ++r->nodes > MOST_NODES) {
		fail(r, node->start_mark.line,
			nesting == MOST_NESTING ? "nested too deep" : "holds too much");
		return NULL;
	}
	if (node->type == YAML_SCALAR_NODE)
		ok = read_scalar(r, node, out);
	else if (node->type == YAML_SEQUENCE_NODE)
		ok = read_list(r, node, out, nesting + 1);
	else
		ok = read_map(r, node, out, nesting + 1);
	return ok ? out : NULL;
}

static bool syntax_error(
	struct reading *r, const yaml_parser_t *parser, const char *text, size_t len)
{
	size_t at = parser->problem_offset ? parser->problem_offset : parser->problem_mark.index;

	const char *problem = parser->problem ? parser->problem : "cannot be read";
	const char *context = parser->context ? parser->context : "";

	if (at < len && text[at] == '\t')
		problem = "a tab; YAML is indented by spaces:";
	return error_set(r->err, ERROR_CONFIG, "%s:%zu: %s%s%s", r->name,
		parser->problem_mark.line + 1, problem, *context ? " " : "", context);
}

const struct tree *tree_parse(
	const char *name, const char *text, size_t len, struct arena *arena, struct error *err)
{
	struct reading r = {.name = name, .arena = arena, .err = err};
	const struct tree *root = NULL;
	yaml_parser_t parser;

	if (!yaml_parser_initialize(&parser))
		abort();
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	if (!yaml_parser_load(&parser, &r.document)) {
		syntax_error(&r, &parser, text, len);
	} else {
		if (yaml_document_get_root_node(&r.document))
			root = read_node(&r, 1, 0);
		else
			root = arena_alloc(arena, sizeof *root);
		yaml_document_delete(&r.document);
	}
	yaml_parser_delete(&parser);
	return root;
}

const struct tree *tree_read(
	const char *path, const char *name, struct arena *arena, struct error *err)
{
	const struct tree *root = NULL;
	struct buf text;

	buf_init(&text, LARGEST_FILE);
	if (file_read(path, &text, err))
		root = tree_parse(name, buf_text(&text), text.len, arena, err);
	buf_release(&text);
	return root;
}

const struct tree *tree_get(const struct tree *map, const char *key)
{
	for (size_t i = 0; map && map->kind == TREE_MAP && i < map->n; i++)
		if (strcmp(map->entries[i].key, key) == 0)
			return map->entries[i].value;
	return NULL;
}

const char *tree_kind_name(const struct tree *tree)
{
	static const char *const names[] = {
		[TREE_NULL] = "nothing",
		[TREE_BOOL] = "true or false",
		[TREE_INT] = "a number",
		[TREE_FLOAT] = "a number",
		[TREE_TEXT] = "a text",
		[TREE_LIST] = "a list",
		[TREE_MAP] = "a map",
	};
	return names[tree->kind];
}
