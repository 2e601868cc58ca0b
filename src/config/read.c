/* The YAML file, by libyaml's document API: every node knows its line. See read.h. */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/file.h"
#include "config/read.h"

#define LARGEST_FILE ((size_t)4 << 20)

bool complain(struct reader *r, int line, const char *fmt, ...)
{
	char text[sizeof r->err->text];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	return error_set(r->err, ERROR_CONFIG, "%s:%d: %s", r->path, line, text);
}

bool complain_at(struct reader *r, int line, const char *what)
{
	return error_add(r->err, "%s:%d: %s", r->path, line, what);
}

const char *list_names(struct reader *r, const char *const *names)
{
	const char *list = *names ? *names : "";
	for (size_t i = 1; *names && names[i]; i++)
		list = arena_printf(r->arena, "%s, %s", list, names[i]);
	return list;
}

const char *suggestion(struct reader *r, const char *typed, const char *const *names)
{
	const char *near = nearest_name(typed, names);
	return near ? arena_printf(r->arena, "; did you mean '%s'?", near)
		    : arena_printf(r->arena, "; known are %s", list_names(r, names));
}

bool is_name(const char *text, bool lower_case)
{
	if (!isalpha((unsigned char)*text) || strlen(text) > 48)
		return false;
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		if (lower_case ? !(islower(c) || isdigit(c) || c == '_')
			       : !(isalnum(c) || c == '_' || c == '-'))
			return false;
	}
	return true;
}

/* --- the file --- */

static bool slurp(struct reader *r, struct buf *out)
{
	if (access(r->path, R_OK) == 0)
		return file_read(r->path, out, r->err);
	return error_set(r->err, ERROR_CONFIG,
		"%s: %s; `tailrace init postgresql://...` writes one, and -c FILE names another",
		r->path, strerror(errno));
}

/* From that line (from 1) on. */
static const char *line_at(struct buf *text, int line)
{
	const char *s = buf_text(text);
	while (--line > 0 && *s)
		s += strcspn(s, "\n") + (strchr(s, '\n') != NULL);
	return s;
}

/* Does it begin with blanks that hold a tab? */
static bool indented_by_tab(const char *line)
{
	return line[strspn(line, " ")] == '\t';
}

static int line_of_offset(struct buf *text, size_t offset)
{
	int line = 1;
	for (size_t i = 0; i < offset && i < text->len; i++)
		line += text->data[i] == '\n';
	return line;
}

/* What libyaml found, in words that say what to do where its own would not. */
static bool yaml_failed(struct reader *r, const yaml_parser_t *parser, struct buf *text)
{
	const char *problem = parser->problem ? parser->problem : "cannot be read";
	const char *context = parser->context ? parser->context : "";
	int line = (int)parser->problem_mark.line + 1;

	if (parser->error == YAML_READER_ERROR)
		return complain(r, line_of_offset(text, parser->problem_offset),
			"the file is not UTF-8 text: %s", problem);
	if (indented_by_tab(line_at(text, line)))
		return complain(r, line, "a tab in the indentation; YAML takes spaces only");
	if (strstr(context, "scanning an alias") || strstr(problem, "undefined alias"))
		return complain(
			r, line, "a text that begins with * needs quotes, as in \"*.orders\"");
	if (strstr(context, "scanning a tag"))
		return complain(
			r, line, "a text that begins with ! needs quotes, as in \"!public.audit\"");
	if (strstr(context, "parsing a flow") && strstr(line_at(text, line), "${"))
		return complain(
			r, line, "a ${NAME} within braces needs quotes, as in {url: \"${URL}\"}");
	return complain(r, line, "%s%s%s", problem, *context ? " " : "", context);
}

static bool single_document(struct reader *r, yaml_parser_t *parser, struct buf *text)
{
	yaml_document_t another;
	if (!yaml_parser_load(parser, &r->document))
		return yaml_failed(r, parser, text);
	if (!yaml_document_get_root_node(&r->document)) {
		yaml_document_delete(&r->document);
		return error_set(r->err, ERROR_CONFIG,
			"%s: is empty; `tailrace init postgresql://...` writes one", r->path);
	}
	bool ok = yaml_parser_load(parser, &another) || yaml_failed(r, parser, text);
	if (ok) {
		yaml_node_t *root = yaml_document_get_root_node(&another);
		if (root)
			ok = complain(r, node_line(root),
				"a second document; one file holds one configuration");
		yaml_document_delete(&another);
	}
	if (!ok)
		yaml_document_delete(&r->document);
	return ok;
}

bool reader_open(struct reader *r)
{
	yaml_parser_t parser;
	struct buf text;

	buf_init(&text, LARGEST_FILE);
	bool ok = slurp(r, &text);
	if (ok && !yaml_parser_initialize(&parser))
		abort();
	if (ok) {
		yaml_parser_set_input_string(&parser, text.data, text.len);
		ok = single_document(r, &parser, &text);
		yaml_parser_delete(&parser);
	}
	buf_release(&text);
	return ok;
}

void reader_close(struct reader *r)
{
	yaml_document_delete(&r->document);
}

/* --- mappings --- */

int node_line(const yaml_node_t *node)
{
	return (int)node->start_mark.line + 1;
}

static const char *kind_of(const yaml_node_t *node)
{
	return node->type == YAML_MAPPING_NODE    ? "a mapping"
	       : node->type == YAML_SEQUENCE_NODE ? "a list"
	       : node->data.scalar.length         ? "a text"
						  : "nothing";
}

static const char *scalar(const yaml_node_t *node)
{
	return (const char *)node->data.scalar.value;
}

bool section_next(struct reader *r, const struct section *s, struct entry *e)
{
	const yaml_node_pair_t *pair = s->node->data.mapping.pairs.start + e->next;
	if (pair >= s->node->data.mapping.pairs.top)
		return false;
	const yaml_node_t *key = yaml_document_get_node(&r->document, pair->key);
	*e = (struct entry){
		.next = e->next + 1,
		.key = scalar(key),
		.line = node_line(key),
		.value = yaml_document_get_node(&r->document, pair->value),
	};
	return true;
}

const yaml_node_t *section_get(
	struct reader *r, const struct section *s, const char *key, int *line)
{
	for (struct entry e = {0}; section_next(r, s, &e);)
		if (strcmp(e.key, key) == 0) {
			*line = e.line;
			return e.value;
		}
	return NULL;
}

static bool keys_are_texts(struct reader *r, const struct section *s)
{
	const yaml_node_pair_t *pair = s->node->data.mapping.pairs.start;
	for (; pair < s->node->data.mapping.pairs.top; pair++) {
		const yaml_node_t *key = yaml_document_get_node(&r->document, pair->key);
		if (key->type != YAML_SCALAR_NODE)
			return complain(r, node_line(key), "a key in %s is %s and not a text",
				s->what, kind_of(key));
		if (strlen(scalar(key)) != key->data.scalar.length || !key->data.scalar.length)
			return complain(r, node_line(key), "a key in %s is empty", s->what);
	}
	return true;
}

static bool keys_are_unique(struct reader *r, const struct section *s)
{
	for (struct entry e = {0}; section_next(r, s, &e);)
		for (struct entry earlier = {0};
			section_next(r, s, &earlier) && earlier.next < e.next;)
			if (strcmp(e.key, earlier.key) == 0)
				return complain(r, e.line,
					"'%s' stands in %s twice; the first is on line %d", e.key,
					s->what, earlier.line);
	return true;
}

/* All names that a mapping takes. A secret can come from a file as well. */
static const char **key_names(struct reader *r, const struct keys *keys)
{
	VEC(const char *) names = {0};
	for (size_t i = 0; keys->fixed && keys->fixed[i]; i++)
		vec_push(&names, keys->fixed[i]);
	for (size_t i = 0; i < COUNT_OF(keys->options); i++) {
		struct option_walk w = option_walk(keys->options[i]);
		for (const struct option *o; w.next && (o = option_next(&w));) {
			vec_push(&names, o->name);
			if (o->kind == OPTION_SECRET)
				vec_push(&names, arena_printf(r->arena, "%s_file", o->name));
		}
	}
	vec_push(&names, NULL);
	const char **list = arena_alloc(r->arena, names.len * sizeof *list);
	memcpy(list, names.items, names.len * sizeof *list);
	vec_release(&names);
	return list;
}

static bool keys_are_known(struct reader *r, const struct section *s, const struct keys *keys)
{
	const char **names = key_names(r, keys);
	for (struct entry e = {0}; section_next(r, s, &e);) {
		size_t i = 0;
		while (names[i] && strcmp(names[i], e.key) != 0)
			i++;
		if (names[i])
			continue;
		return complain(r, e.line, "unknown key '%.100s' in %s%s", e.key, s->what,
			suggestion(r, e.key, names));
	}
	return true;
}

/* A secret is given in the file or by name of a file, not both. */
static bool secrets_are_single(struct reader *r, const struct section *s, const struct keys *keys)
{
	for (struct entry e = {0}; section_next(r, s, &e);)
		for (size_t i = 0; i < COUNT_OF(keys->options); i++) {
			const struct option *o = keys->options[i]
							 ? option_find(keys->options[i], e.key)
							 : NULL;
			const char *other = arena_printf(r->arena, "%s_file", e.key);
			int line;
			if (o && o->kind == OPTION_SECRET && section_get(r, s, other, &line))
				return complain(r, line, "%s has '%s' and '%s'; give one of them",
					s->what, e.key, other);
		}
	return true;
}

bool section_open(struct reader *r, const yaml_node_t *node, int line, const char *what,
	const struct keys *keys, struct section *out)
{
	*out = (struct section){.node = node, .what = what, .line = line};
	if (node->type != YAML_MAPPING_NODE)
		return complain(
			r, line, "%s takes a mapping (key: value), not %s", what, kind_of(node));
	if (!keys_are_texts(r, out) || !keys_are_unique(r, out))
		return false;
	return !keys || (keys_are_known(r, out, keys) && secrets_are_single(r, out, keys));
}

const char *read_text(struct reader *r, const struct section *s, const struct entry *e)
{
	const yaml_node_t *node = e->value;
	struct error why = {0};

	if (node->type != YAML_SCALAR_NODE) {
		complain(r, e->line, "'%s' in %s takes a text, not %s", e->key, s->what,
			kind_of(node));
		return NULL;
	}
	bool plain = node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	if (plain && *scalar(node) == '\0' && node->tag[0] == '!') {
		complain(r, e->line, "'%s' in %s: a text that begins with ! needs quotes: \"%s\"",
			e->key, s->what, node->tag);
		return NULL;
	}
	if (plain && (*scalar(node) == '\0' || strcmp(scalar(node), "~") == 0)) {
		complain(r, e->line, "'%s' in %s has no value", e->key, s->what);
		return NULL;
	}
	if (strlen(scalar(node)) != node->data.scalar.length) {
		complain(r, e->line, "'%s' in %s holds a NUL byte", e->key, s->what);
		return NULL;
	}
	const char *text = expand_text(scalar(node), r->arena, &why);
	if (!text)
		complain(r, node_line(node), "'%s' in %s: %s", e->key, s->what, why.text);
	return text;
}

/* "url_file", where "url" is a secret of the table. */
static bool names_secret_file(const struct option *table, const char *key)
{
	size_t len = strlen(key), cut = strlen("_file");
	if (len <= cut || strcmp(key + len - cut, "_file") != 0)
		return false;
	struct option_walk w = option_walk(table);
	for (const struct option *o; (o = option_next(&w));)
		if (o->kind == OPTION_SECRET && strlen(o->name) == len - cut &&
			strncmp(o->name, key, len - cut) == 0)
			return true;
	return false;
}

bool option_takes(const struct option *table, const char *key)
{
	return table && (option_find(table, key) || names_secret_file(table, key));
}

const char *read_value(struct reader *r, const struct section *s, const struct entry *e,
	const struct option *table)
{
	const char *text = read_text(r, s, e);
	if (text && *text && names_secret_file(table, e->key))
		return read_path(r, text);
	return text;
}

const char *read_path(const struct reader *r, const char *path)
{
	if (*path == '/' || strcmp(r->folder, ".") == 0)
		return path;
	return strcmp(path, ".") == 0 ? r->folder
				      : arena_printf(r->arena, "%s/%s", r->folder, path);
}

bool read_options(
	struct reader *r, const struct section *s, const struct option *table, void *target)
{
	for (struct entry e = {0}; section_next(r, s, &e);) {
		if (!option_takes(table, e.key))
			continue;
		const char *text = read_value(r, s, &e, table);
		if (!text)
			return false;
		if (!option_set(table, target, e.key, text, r->arena, r->err))
			return complain_at(r, e.line, s->what);
	}
	return true;
}
