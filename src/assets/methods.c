/* What each method of a selector takes; see select.h. */
#include "assets/methods.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include "assets/definition.h"

const char *const method_names[] = {"config", "file", "fqn", "package", "path", "resource_type",
	"source", "state", "tag", "test_name", "test_type", "unit_test", NULL};

static bool glob(const char *pattern, const char *text)
{
	return fnmatch(pattern, text, 0) == 0;
}

static bool has_glob(const char *text)
{
	return strpbrk(text, "*?[");
}

/* --- names --- */

/* The parts of the name, from the first-th on, with dots between. */
static const char *joined(struct arena *arena, const struct node *node, size_t first)
{
	const char *text = "";

	for (size_t i = first; i < node->n_fqn; i++)
		text = arena_printf(arena, "%s%s%s", text, *text ? "." : "", node->fqn[i]);
	return text;
}

/* "staging.orders" begins "staging.orders.daily", and not "staging.orders_old". */
static bool begins(const char *prefix, const char *text)
{
	size_t len = strlen(prefix);

	return !strncmp(prefix, text, len) && (!text[len] || text[len] == '.');
}

static bool fqn_matches(struct selecting *s, const char *value, const struct asset *asset)
{
	if (!asset->node)
		return glob(value, asset->name) || !strcmp(value, asset->id);
	if (glob(value, asset->name) || !strcmp(value, asset->id))
		return true;
	for (size_t first = 0; first < 2 && first < asset->node->n_fqn; first++) {
		const char *fqn = joined(&s->arena, asset->node, first);
		if (has_glob(value) ? glob(value, fqn) : begins(value, fqn))
			return true;
	}
	return false;
}

/* SOURCE, SOURCE.TABLE or PACKAGE.SOURCE.TABLE. */
static bool source_matches(struct selecting *s, const char *value, const struct asset *asset)
{
	const char *root = project_name(graph_project(s->graph));

	if (!asset->source)
		return false;
	return glob(value, asset->source->source) || glob(value, asset->name) ||
	       glob(value, arena_printf(&s->arena, "%s.%s", root, asset->name));
}

/* --- places --- */

/* The file itself, or a folder that it is in. */
static bool path_matches(struct selecting *s, const char *value, const struct asset *asset)
{
	if (!asset->node)
		return false;
	char *path = arena_strdup(&s->arena, asset->node->path);
	size_t len = strlen(value);
	int flags = strstr(value, "**") ? 0 : FNM_PATHNAME;

	while (len && value[len - 1] == '/')
		len--;
	const char *pattern = arena_strndup(&s->arena, value, len);
	for (char *slash = path + strlen(path); slash; slash = strrchr(path, '/')) {
		*slash = '\0';
		if (!strcmp(pattern, path) || fnmatch(pattern, path, flags) == 0)
			return true;
	}
	return !strcmp(pattern, ".");
}

static bool file_matches(struct selecting *s, const char *value, const struct asset *asset)
{
	if (!asset->node)
		return false;
	const char *slash = strrchr(asset->node->path, '/');
	char *name = arena_strdup(&s->arena, slash ? slash + 1 : asset->node->path);
	bool found = glob(value, name);
	char *dot = strrchr(name, '.');

	if (dot)
		*dot = '\0';
	return found || glob(value, name);
}

/* --- settings --- */

static bool value_matches(struct selecting *s, struct value v, const char *text)
{
	char number[32];

	if (v.kind == VALUE_STRING)
		return glob(text, value_strdup(&s->arena, v));
	if (v.kind == VALUE_BOOL)
		return !strcmp(text, v.b ? "true" : "false");
	if (v.kind == VALUE_INT) {
		snprintf(number, sizeof number, "%lld", (long long)v.i);
		return !strcmp(text, number);
	}
	bool found = false;
	for (size_t i = 0; v.kind == VALUE_LIST && i < v.list->len; i++)
		found |= v.list->items[i].kind != VALUE_LIST &&
			 value_matches(s, v.list->items[i], text);
	return found || (v.kind == VALUE_DICT && value_given(dict_get_text(v.dict, text)));
}

/* config.meta.owner:me */
static bool config_matches(
	struct selecting *s, const struct criterion *c, const struct asset *asset)
{
	if (!asset->node)
		return false;
	struct value v = value_dict(asset->node->config);
	for (const char *part = c->argument, *end; *part; part = end + (*end == '.')) {
		end = part + strcspn(part, ".");
		if (v.kind != VALUE_DICT)
			return false;
		v = dict_get_text(v.dict, arena_strndup(&s->arena, part, (size_t)(end - part)));
	}
	return value_given(v) && value_matches(s, v, c->value);
}

static bool tag_matches(const char *value, const struct asset *asset)
{
	for (size_t i = 0; asset->node && i < asset->node->tags.n; i++)
		if (glob(value, asset->node->tags.items[i]))
			return true;
	return false;
}

static bool type_matches(const char *value, const struct asset *asset)
{
	static const char *const of_dbt[] = {[ASSET_SOURCE] = "source",
		[ASSET_MIRROR] = "source",
		[ASSET_SEED] = "seed",
		[ASSET_MODEL] = "model",
		[ASSET_SNAPSHOT] = "snapshot",
		[ASSET_EXPORT] = "model",
		[ASSET_COMMAND] = "model",
		[ASSET_CHECK] = "test"};

	if (asset->kind == ASSET_CHECK && asset->node->unit)
		return !strcmp(value, "unit_test") || !strcmp(value, asset_kind_name(ASSET_CHECK));
	return !strcmp(value, of_dbt[asset->kind]) || !strcmp(value, asset_kind_name(asset->kind));
}

static bool test_matches(const char *value, const struct asset *asset)
{
	if (asset->kind != ASSET_CHECK)
		return false;
	bool generic = value_given(asset->node->arguments);
	if (asset->node->unit)
		return !strcmp(value, "unit");
	return !strcmp(value, "data") || !strcmp(value, generic ? "generic" : "singular");
}

/* What a test is of: not_null, expression_is_true; a unit test by its own name. */
static bool test_name_matches(const char *value, const struct asset *asset)
{
	if (asset->kind != ASSET_CHECK)
		return false;
	return glob(value, asset->node->test_name ? asset->node->test_name : asset->name);
}

/* NAME, or PACKAGE.NAME */
static bool unit_test_matches(struct selecting *s, const char *value, const struct asset *asset)
{
	if (!asset->node || !asset->node->unit)
		return false;
	return glob(value, asset->name) ||
	       glob(value, arena_printf(&s->arena, "%s.%s", package_name(asset->node->package),
				   asset->name));
}

static bool package_matches(struct selecting *s, const char *value, const struct asset *asset)
{
	const char *root = project_name(graph_project(s->graph));
	const char *package = asset->node ? package_name(asset->node->package) : root;

	return glob(strcmp(value, "this") ? value : root, package);
}

/* --- what was built --- */

/* Whose SQL cannot be told is built by another one. */
static bool is_built_by_definition(
	struct selecting *s, const struct asset *asset, const struct builts *built)
{
	struct error unknown = {0};
	struct definition now;

	if (!s->survey)
		s->survey = survey_new(s->graph, s->state);
	bool same = definition_of(s->graph, asset, &s->arena, &now, &unknown) &&
		    survey_inputs(s->survey, asset, &s->arena, &now, &unknown);
	vec_each (built, b)
		same = same && b->fingerprint == now.fingerprint;
	return same;
}

/* Of the latest build. */
static bool state_matches(
	struct selecting *s, const char *value, const struct asset *asset, bool *out)
{
	static const char *const values[] = {"modified", "new", "old", "unmodified"};
	struct builts built;
	bool known = false, same;

	for (size_t i = 0; i < COUNT_OF(values); i++)
		known |= !strcmp(value, values[i]);
	if (!known)
		return error_set(s->err, ERROR_CONFIG,
			"state:%s: there are state:new, state:modified, state:old and "
			"state:unmodified",
			value);
	*out = false;
	if (!asset->node || asset->kind == ASSET_CHECK)
		return true;
	if (!state_built(s->state, asset->id, &s->arena, &built, s->err))
		return false;
	bool is_new = !built.len;
	same = !is_new && is_built_by_definition(s, asset, &built);
	vec_release(&built);
	if (!strcmp(value, "new") || !strcmp(value, "old"))
		*out = is_new == !strcmp(value, "new");
	else
		*out = same == !strcmp(value, "unmodified");
	return true;
}

bool criterion_matches(
	struct selecting *s, const struct criterion *c, const struct asset *asset, bool *out)
{
	if (!strcmp(c->method, "state"))
		return state_matches(s, c->value, asset, out);
	if (!strcmp(c->method, "config"))
		*out = config_matches(s, c, asset);
	else if (!strcmp(c->method, "file"))
		*out = file_matches(s, c->value, asset);
	else if (!strcmp(c->method, "package"))
		*out = package_matches(s, c->value, asset);
	else if (!strcmp(c->method, "path"))
		*out = path_matches(s, c->value, asset);
	else if (!strcmp(c->method, "resource_type"))
		*out = type_matches(c->value, asset);
	else if (!strcmp(c->method, "source"))
		*out = source_matches(s, c->value, asset);
	else if (!strcmp(c->method, "tag"))
		*out = tag_matches(c->value, asset);
	else if (!strcmp(c->method, "test_type"))
		*out = test_matches(c->value, asset);
	else if (!strcmp(c->method, "test_name"))
		*out = test_name_matches(c->value, asset);
	else if (!strcmp(c->method, "unit_test"))
		*out = unit_test_matches(s, c->value, asset);
	else
		*out = fqn_matches(s, c->value, asset);
	return true;
}

bool criterion_must_match(const struct criterion *c)
{
	static const char *const names[] = {"file", "fqn", "package", "path", "source", "tag"};

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (!strcmp(names[i], c->method))
			return true;
	return false;
}
