/*
 * Selectors: words to sets of assets. A set is an array of truths by the assets' index; parents come before children, so
 * one pass through the graph, forth or back, follows a line of any length.
 */
#include "assets/select.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "assets/methods.h"
#include "base/log.h"
#include "base/text.h"
#include "core/option.h"

/* --- reading --- */

/* "2+" or "+" at the start; the word goes on behind it. */
static int take_parents(const char **text)
{
	size_t digits = strspn(*text, "0123456789");
	int depth = digits ? atoi(*text) : ANY_DEPTH;

	if ((*text)[digits] != '+')
		return 0;
	*text += digits + 1;
	return depth;
}

/* "+2" or "+" at the end, which is cut off. */
static int take_children(char *text)
{
	size_t len = strlen(text), end = len;

	while (end && isdigit((unsigned char)text[end - 1]))
		end--;
	if (!end || text[end - 1] != '+')
		return 0;
	int depth = end < len ? atoi(text + end) : ANY_DEPTH;
	text[end - 1] = '\0';
	return depth;
}

static bool looks_like_method(const char *text, const char *colon)
{
	for (const char *c = text; c < colon; c++)
		if (!isalnum((unsigned char)*c) && *c != '_' && *c != '.')
			return false;
	return colon > text;
}

bool word_take_method(struct selecting *s, const char *text, const char *method, const char *value,
	struct word *out)
{
	char *name = arena_strdup(&s->arena, method), *dot = strchr(name, '.');

	if (dot)
		*dot = '\0';
	out->criterion = (struct criterion){name, dot ? dot + 1 : "", value};
	if (!text_is_one_of(name, method_names)) {
		const char *near = nearest_name(name, method_names);
		return error_set(s->err, ERROR_CONFIG,
			"selector '%s': there is no method '%s'%s%s%s", text, name,
			near ? "; did you mean '" : "", near ? near : "", near ? ":'?" : "");
	}
	if (!*value || (dot && dot[1]) != !strcmp(name, "config"))
		return error_set(s->err, ERROR_CONFIG,
			"selector '%s' is not of the form METHOD:VALUE, or config.SETTING:VALUE",
			text);
	return true;
}

static bool take_method(struct selecting *s, const char *text, struct word *out)
{
	const char *colon = strchr(text, ':');
	size_t len = strlen(text);

	if (colon && looks_like_method(text, colon))
		return word_take_method(s, text,
			arena_strndup(&s->arena, text, (size_t)(colon - text)), colon + 1, out);
	if (strchr(text, '/'))
		return word_take_method(s, text, "path", text, out);
	bool file = len > 4 && (!strcmp(text + len - 4, ".sql") || !strcmp(text + len - 4, ".csv"));
	return word_take_method(s, text, file ? "file" : "fqn", text, out);
}

bool word_read(struct selecting *s, const char *text, struct word *out)
{
	char *rest = arena_strdup(&s->arena, text);
	const char *value = rest;

	*out = (struct word){0};
	out->whole_children = *value == '@';
	value += out->whole_children;
	out->parents = take_parents(&value);
	out->children = take_children((char *)value);
	if (out->whole_children && out->children)
		return error_set(s->err, ERROR_CONFIG,
			"selector '%s': @ before and + behind do not go together: @ takes all "
			"children already",
			text);
	return take_method(s, value, out);
}

/* --- the graph --- */

static void nearer(int *depth, const struct asset *asset, int to)
{
	if (to < depth[asset->index])
		depth[asset->index] = to;
}

/* Adds those that stand on what is in the set, at most so many steps away. */
static void add_children(const struct graph *g, bool *set, int most)
{
	const struct assets *all = graph_assets(g);
	int *depth = xcalloc(all->len + 1, sizeof *depth);

	for (size_t i = 0; i < all->len; i++)
		depth[i] = set[i] ? 0 : INT_MAX;
	for (size_t i = 0; i < all->len; i++) {
		set[i] = depth[i] <= most && depth[i] < INT_MAX;
		if (set[i] && depth[i] < most)
			vec_each (&all->items[i]->children, it)
				nearer(depth, *it, depth[i] + 1);
	}
	free(depth);
}

static void add_parents(const struct graph *g, bool *set, int most)
{
	const struct assets *all = graph_assets(g);
	int *depth = xcalloc(all->len + 1, sizeof *depth);

	for (size_t i = 0; i < all->len; i++)
		depth[i] = set[i] ? 0 : INT_MAX;
	for (size_t i = all->len; i-- > 0;) {
		set[i] = depth[i] <= most && depth[i] < INT_MAX;
		if (set[i] && depth[i] < most)
			vec_each (&all->items[i]->parents, it)
				nearer(depth, *it, depth[i] + 1);
	}
	free(depth);
}

static void unite(bool *set, const bool *more, size_t n)
{
	for (size_t i = 0; i < n; i++)
		set[i] |= more[i];
}

/* Parents and children are those of what was named, not of one another. */
static void follow(const struct graph *g, const struct word *w, bool *set)
{
	size_t n = graph_assets(g)->len;
	bool *parents = xcalloc(n + 1, sizeof *parents);

	memcpy(parents, set, n * sizeof *set);
	if (w->children || w->whole_children)
		add_children(g, set, w->whole_children ? ANY_DEPTH : w->children);
	if (w->parents)
		add_parents(g, parents, w->parents);
	if (w->whole_children)
		add_parents(g, set, ANY_DEPTH);
	unite(set, parents, n);
	free(parents);
}

/* --- checks --- */

static bool stands_in(const struct asset *check, const bool *set, bool all)
{
	vec_each (&check->parents, it)
		if (set[(*it)->index] != all)
			return !all;
	return all && check->parents.len;
}

static void add_checks(const struct graph *g, bool *set, enum indirect mode)
{
	const struct assets *all = graph_assets(g);
	bool *within = xcalloc(all->len + 1, sizeof *within);

	memcpy(within, set, all->len * sizeof *set);
	if (mode == INDIRECT_BUILDABLE) {
		add_parents(g, within, ANY_DEPTH);
		vec_each (all, it)
			within[(*it)->index] |= (*it)->source != NULL;
	}
	vec_each (all, it)
		if ((*it)->kind == ASSET_CHECK && mode != INDIRECT_EMPTY)
			set[(*it)->index] |= stands_in(*it, set, false) &&
					     (mode == INDIRECT_EAGER ||
						     stands_in(*it, within, true));
	free(within);
}

/* --- sets --- */

static bool unknown(struct selecting *s, const struct criterion *c)
{
	const char *near = strcmp(c->method, "fqn") && strcmp(c->method, "source")
				   ? NULL
				   : graph_nearest(s->graph, c->value);

	error_set(s->err, ERROR_CONFIG, "nothing is selected by '%s%s%s'%s%s%s",
		strcmp(c->method, "fqn") ? c->method : "", strcmp(c->method, "fqn") ? ":" : "",
		c->value, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	if (!s->listed)
		return false;
	if (!s->alone)
		log_warn(s->err->text, F("file", SELECTORS_FILE));
	error_clear(s->err);
	return true;
}

bool word_select(struct selecting *s, const struct word *w, bool *set)
{
	const struct assets *all = graph_assets(s->graph);
	bool any = false;

	for (size_t i = 0; i < all->len; i++) {
		if (!criterion_matches(s, &w->criterion, all->items[i], &set[i]))
			return false;
		any |= set[i];
	}
	if (!any && criterion_must_match(&w->criterion))
		return unknown(s, &w->criterion);
	if (s->alone)
		return true;
	follow(s->graph, w, set);
	add_checks(s->graph, set, w->indirect);
	return true;
}

/* a,b: in both */
static bool select_common(struct selecting *s, const char *text, bool *set)
{
	size_t n = graph_assets(s->graph)->len;
	bool *one = xcalloc(n + 1, sizeof *one), ok = true, first = true;
	struct word w;

	for (const char *end; ok && *text; text = end + (*end == ','), first = false) {
		end = text + strcspn(text, ",");
		ok = word_read(s, arena_strndup(&s->arena, text, (size_t)(end - text)), &w) &&
		     word_select(s, &w, one);
		for (size_t i = 0; i < n; i++)
			set[i] = one[i] && (first || set[i]);
	}
	free(one);
	return ok;
}

static bool select_text(struct selecting *s, const char *text, bool *set)
{
	static const char blank[] = " \t\r\n";
	size_t n = graph_assets(s->graph)->len;
	bool *one = xcalloc(n + 1, sizeof *one), ok = true;

	text += strspn(text, blank);
	for (const char *end; ok && *text; text = end + strspn(end, blank)) {
		end = text + strcspn(text, blank);
		ok = select_common(s, arena_strndup(&s->arena, text, (size_t)(end - text)), one);
		unite(set, one, n);
	}
	free(one);
	return ok;
}

static bool select_all(const struct graph *g, struct state *state, const struct selector *selector,
	bool alone, struct assets *out, struct error *err)
{
	const struct assets *all = graph_assets(g);
	struct selecting s = {.graph = g, .state = state, .alone = alone, .err = err};
	bool *set = xcalloc(all->len + 1, sizeof *set), *not = xcalloc(all->len + 1, sizeof *not );
	bool ok = true;

	arena_init(&s.arena);
	for (size_t i = 0; i < all->len; i++)
		set[i] = !selector->n_select && !selector->name && !alone;
	if (selector->name)
		ok = select_by_name(&s, selector->name, set);
	for (size_t i = 0; ok && i < selector->n_select; i++)
		ok = select_text(&s, selector->select[i], set);
	ok = ok && (!selector->exclude || select_text(&s, selector->exclude, not ));
	for (size_t i = 0; ok && i < all->len; i++)
		if (set[i] && !not [i])
			vec_push(out, all->items[i]);
	free(set);
	free(not );
	survey_free(s.survey);
	arena_release(&s.arena);
	return ok;
}

bool assets_select(const struct graph *g, struct state *state, const struct selector *selector,
	struct assets *out, struct error *err)
{
	return select_all(g, state, selector, false, out, err);
}

bool assets_named(const struct graph *g, struct state *state, const struct selector *selector,
	struct assets *out, struct error *err)
{
	return select_all(g, state,
		&(struct selector){selector->select, selector->n_select, NULL, selector->name},
		true, out, err);
}
