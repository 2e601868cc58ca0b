/*
 * selectors.yml at the root of a project: selectors with names, as dbt has them. A definition is a word of the command
 * line, `method: value`, a map with method, value and what stands around it, or the union or intersection of
 * several; whatever `exclude` selects is taken away. `method: selector` takes one that stands before.
 */
#include "assets/methods.h"
#include "assets/select.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "base/text.h"
#include "config/tree.h"
#include "core/option.h"

/* The definitions that may be taken: those before the one that is read. */
struct definitions {
	struct selecting *s;
	const struct tree_entry *entries;
	size_t n;
};

PRINTF(3, 4)
static bool wrong(struct error *err, const struct tree *at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	CLEANUP(free_string) char *text = xvasprintf(fmt, ap);
	va_end(ap);
	return error_set(err, ERROR_CONFIG, SELECTORS_FILE ":%d: %s", at->line, text);
}

/* --- the file --- */

static bool is_well_formed(const struct tree *root, struct error *err)
{
	const struct tree *list = tree_get(root, "selectors"), *usual = NULL;

	if (!list || list->kind != TREE_LIST)
		return wrong(err, root, "holds no list 'selectors:'");
	for (size_t i = 0; i < list->n; i++) {
		const struct tree *item = list->entries[i].value;
		const struct tree *name = tree_get(item, "name");
		const struct tree *is_default = tree_get(item, "default");
		if (!name || !name->text || !tree_get(item, "definition"))
			return wrong(err, item, "a selector has a name and a definition");
		if (!is_default || !is_default->b)
			continue;
		if (usual)
			return wrong(err, is_default, "'%s' is the default already, line %d",
				tree_get(usual, "name")->text, usual->line);
		usual = item;
	}
	return true;
}

/* *out NULL: there is no such file. */
static bool read_list(const struct project *project, struct arena *arena, const struct tree **out,
	struct error *err)
{
	CLEANUP(free_string)
	char *path = xasprintf("%s/" SELECTORS_FILE, project_folder(project));
	struct stat st;

	*out = NULL;
	if (stat(path, &st) != 0)
		return true;
	const struct tree *root = tree_read(path, SELECTORS_FILE, arena, err);
	if (!root || !is_well_formed(root, err))
		return false;
	*out = tree_get(root, "selectors");
	return true;
}

bool selector_default(
	const struct project *project, struct arena *arena, const char **name, struct error *err)
{
	const struct tree *list;

	*name = NULL;
	if (!read_list(project, arena, &list, err))
		return false;
	for (size_t i = 0; list && i < list->n; i++) {
		const struct tree *is_default = tree_get(list->entries[i].value, "default");
		if (is_default && is_default->b)
			*name = tree_get(list->entries[i].value, "name")->text;
	}
	return true;
}

/* --- definitions --- */

static bool define(const struct definitions *l, const struct tree *tree, bool *set);

/* A scalar, rendered. */
static bool text_of(const struct definitions *l, const struct tree *tree, const char **out)
{
	struct selecting *s = l->s;
	struct buf text;

	if (!tree->text)
		return wrong(
			s->err, tree, "holds %s where a text is expected", tree_kind_name(tree));
	*out = tree->text;
	if (!strstr(tree->text, "{{") && !strstr(tree->text, "{%"))
		return true;
	buf_init(&text, BUF_MAX);
	const char *place = arena_printf(&s->arena, SELECTORS_FILE ":%d", tree->line);
	bool ok = project_render_text(graph_project(s->graph), place, tree->text, &text, s->err);
	*out = arena_strdup(&s->arena, buf_text(&text));
	buf_release(&text);
	return ok;
}

/* The words are the command line's, and so are their errors. */
static bool placed(const struct definitions *l, const struct tree *tree, bool ok)
{
	return ok || error_add(l->s->err, SELECTORS_FILE ":%d", tree->line);
}

static bool take_selector(const struct definitions *l, const struct tree *name, bool *set)
{
	const char *text;

	if (!text_of(l, name, &text))
		return false;
	for (size_t i = 0; i < l->n; i++) {
		const struct tree *item = l->entries[i].value;
		const struct definitions before = {l->s, l->entries, i};
		if (!strcmp(tree_get(item, "name")->text, text))
			return define(&before, tree_get(item, "definition"), set);
	}
	return wrong(l->s->err, name, "no selector '%s' stands before this one", text);
}

static bool flag_of(const struct definitions *l, const struct tree *map, const char *key, bool *out)
{
	const struct tree *tree = tree_get(map, key);

	*out = tree && tree->b;
	if (tree && tree->kind != TREE_BOOL && tree->kind != TREE_NULL)
		return wrong(l->s->err, tree, "%s is true or false, not %s", key,
			tree->text ? tree->text : tree_kind_name(tree));
	return true;
}

static bool depth_of(const struct definitions *l, const struct tree *map, const char *key,
	const char *depth_key, int *out)
{
	const struct tree *depth = tree_get(map, depth_key);
	bool wanted;

	if (!flag_of(l, map, key, &wanted))
		return false;
	if (depth && (depth->kind != TREE_INT || depth->i < 0 || depth->i > INT_MAX))
		return wrong(l->s->err, depth, "%s is a number of steps", depth_key);
	*out = !wanted ? 0 : depth && depth->i ? (int)depth->i : ANY_DEPTH;
	return true;
}

static bool indirect_of(const struct definitions *l, const struct tree *map, enum indirect *out)
{
	static const char *const names[] = {"eager", "cautious", "buildable", "empty", NULL};
	const struct tree *tree = tree_get(map, "indirect_selection");
	const char *text = "eager";

	if (tree && !text_of(l, tree, &text))
		return false;
	for (size_t i = 0; names[i]; i++)
		if (!strcmp(names[i], text)) {
			*out = (enum indirect)i;
			return true;
		}
	return wrong(l->s->err, tree,
		"indirect_selection is eager, cautious, buildable or empty, not '%s'", text);
}

static bool keys_are_known(
	const struct definitions *l, const struct tree *map, const char *const *known)
{
	for (size_t i = 0; i < map->n; i++) {
		if (text_is_one_of(map->entries[i].key, known))
			continue;
		const char *near = nearest_name(map->entries[i].key, known);
		return wrong(l->s->err, map->entries[i].value, "'%s' is no key of a selector%s%s%s",
			map->entries[i].key, near ? "; did you mean '" : "", near ? near : "",
			near ? "'?" : "");
	}
	return true;
}

/* {method: tag, value: nightly, parents: true ...} */
static bool take_criterion(const struct definitions *l, const struct tree *map, bool *set)
{
	static const char *const known[] = {"method", "value", "exclude", "parents",
		"parents_depth", "children", "children_depth", "childrens_parents",
		"indirect_selection", NULL};
	static const char *const of_selector[] = {"method", "value", NULL};
	const struct tree *value = tree_get(map, "value");
	const char *method, *text;
	struct word w = {0};

	if (!value)
		return wrong(l->s->err, map, "a selector has one key, or a method and a value");
	if (!text_of(l, tree_get(map, "method"), &method))
		return false;
	if (!strcmp(method, "selector"))
		return keys_are_known(l, map, of_selector) && take_selector(l, value, set);
	if (!keys_are_known(l, map, known) || !text_of(l, value, &text) ||
		!depth_of(l, map, "parents", "parents_depth", &w.parents) ||
		!depth_of(l, map, "children", "children_depth", &w.children) ||
		!flag_of(l, map, "childrens_parents", &w.whole_children) ||
		!indirect_of(l, map, &w.indirect))
		return false;
	if (w.whole_children && w.children)
		return wrong(l->s->err, map,
			"childrens_parents and children do not go together: it takes all children "
			"already");
	return placed(l, map,
		word_take_method(l->s, arena_printf(&l->s->arena, "%s:%s", method, text), method,
			text, &w) &&
			word_select(l->s, &w, set));
}

/* method: value */
static bool take_pair(const struct definitions *l, const struct tree_entry *pair, bool *set)
{
	struct word w = {0};
	const char *text;

	if (!strcmp(pair->key, "selector"))
		return take_selector(l, pair->value, set);
	return text_of(l, pair->value, &text) &&
	       placed(l, pair->value,
		       word_take_method(l->s, arena_printf(&l->s->arena, "%s:%s", pair->key, text),
			       pair->key, text, &w) &&
			       word_select(l->s, &w, set));
}

/* --- sets --- */

enum operation { UNITE, INTERSECT, TAKE_AWAY };

static void combine(enum operation how, bool *set, const bool *one, size_t n)
{
	for (size_t i = 0; i < n; i++)
		set[i] = how == UNITE       ? set[i] || one[i]
			 : how == INTERSECT ? set[i] && one[i]
					    : set[i] && !one[i];
}

/* exclude: [...]; what a word itself means is asked without. */
static bool take_away(const struct definitions *l, const struct tree *exclude, bool *set)
{
	size_t n = graph_assets(l->s->graph)->len;
	bool ok = true;

	if (exclude->kind != TREE_LIST)
		return wrong(l->s->err, exclude, "exclude holds a list, not %s",
			tree_kind_name(exclude));
	for (size_t i = 0; ok && !l->s->alone && i < exclude->n; i++) {
		bool *one = xcalloc(n + 1, sizeof *one);
		ok = define(l, exclude->entries[i].value, one);
		combine(TAKE_AWAY, set, one, n);
		free(one);
	}
	return ok;
}

static bool is_exclude(const struct tree *part)
{
	return part->kind == TREE_MAP && part->n == 1 && tree_get(part, "exclude");
}

/* union: [...], intersection: [...]; an exclude among them is of the whole. */
static bool take_several(
	const struct definitions *l, const struct tree *parts, enum operation how, bool *set)
{
	size_t n = graph_assets(l->s->graph)->len, taken = 0;
	const struct tree *exclude = NULL;
	bool ok = true;

	if (parts->kind != TREE_LIST)
		return wrong(l->s->err, parts, "a union or intersection holds a list, not %s",
			tree_kind_name(parts));
	for (size_t i = 0; ok && i < parts->n; i++) {
		const struct tree *part = parts->entries[i].value;
		if (is_exclude(part)) {
			if (exclude)
				return wrong(l->s->err, part,
					"there is an exclude already, line %d; make one of them",
					exclude->line);
			exclude = tree_get(part, "exclude");
			continue;
		}
		bool *one = xcalloc(n + 1, sizeof *one);
		ok = define(l, part, one);
		combine(taken++ ? how : UNITE, set, one, n);
		free(one);
	}
	return ok && (!exclude || take_away(l, exclude, set));
}

static bool define(const struct definitions *l, const struct tree *tree, bool *set)
{
	const struct tree *sum = tree_get(tree, "union"), *common = tree_get(tree, "intersection"),
			  *exclude = tree_get(tree, "exclude");
	struct word w;
	const char *text;

	if (tree->kind != TREE_MAP)
		return text_of(l, tree, &text) &&
		       placed(l, tree, word_read(l->s, text, &w) && word_select(l->s, &w, set));
	if ((sum || common) && tree->n > 1)
		return wrong(l->s->err, tree,
			"union and intersection stand alone; put `exclude` into their list");
	if (sum || common)
		return take_several(l, sum ? sum : common, sum ? UNITE : INTERSECT, set);
	if (tree->n == 1 && !tree_get(tree, "method"))
		return take_pair(l, &tree->entries[0], set);
	if (!tree_get(tree, "method"))
		return wrong(l->s->err, tree, "a selector has one key, or a method and a value");
	return take_criterion(l, tree, set) && (!exclude || take_away(l, exclude, set));
}

bool select_by_name(struct selecting *s, const char *name, bool *set)
{
	struct definitions l = {.s = s};
	const struct tree *list;
	VEC(const char *) names = {0};

	if (!read_list(graph_project(s->graph), &s->arena, &list, s->err))
		return false;
	if (!list)
		return error_set(s->err, ERROR_CONFIG,
			"there is no selector '%s': %s/" SELECTORS_FILE " is not there", name,
			project_folder(graph_project(s->graph)));
	s->listed = true;
	for (size_t i = 0; i < list->n; i++) {
		const struct tree *item = list->entries[i].value;
		l = (struct definitions){s, list->entries, i};
		vec_push(&names, tree_get(item, "name")->text);
		if (strcmp(names.items[i], name) != 0)
			continue;
		vec_release(&names);
		return define(&l, tree_get(item, "definition"), set);
	}
	vec_push(&names, NULL);
	const char *near = nearest_name(name, names.items);
	vec_release(&names);
	return error_set(s->err, ERROR_CONFIG, SELECTORS_FILE ": there is no selector '%s'%s%s%s",
		name, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}
