/*
 * The configuration of a node: what the folders of dbt_project.yml say, from the package down to the file,
 * the root's after a package's own; then the yml's `config:`; then config() in the file itself.
 */
#include "models/internal.h"

static const char *const sections[] = {[NODE_MODEL] = "models",
	[NODE_SEED] = "seeds",
	[NODE_SNAPSHOT] = "snapshots",
	[NODE_TEST] = "tests",
	[NODE_UNIT_TEST] = "unit_tests"};

static struct list *as_list(struct arena *a, struct value v)
{
	struct list *list = list_new(a, 4);

	if (v.kind == VALUE_LIST || v.kind == VALUE_TUPLE)
		for (size_t i = 0; i < v.list->len; i++)
			list_append(a, list, v.list->items[i]);
	else if (value_given(v) && v.kind != VALUE_NONE)
		list_append(a, list, v);
	return list;
}

static bool has_text(const struct list *list, struct value v)
{
	for (size_t i = 0; i < list->len; i++)
		if (list->items[i].kind == VALUE_STRING && v.kind == VALUE_STRING &&
			list->items[i].len == v.len && !memcmp(list->items[i].s, v.s, v.len))
			return true;
	return false;
}

static struct value added(struct arena *a, struct value before, struct value v, bool once)
{
	struct list *list = as_list(a, before), *more = as_list(a, v);

	for (size_t i = 0; i < more->len; i++)
		if (!once || !has_text(list, more->items[i]))
			list_append(a, list, more->items[i]);
	return value_list(list);
}

static struct value merged(struct arena *a, struct value before, struct value v)
{
	size_t i = 0;

	if (before.kind != VALUE_DICT || v.kind != VALUE_DICT)
		return v;
	struct value out = value_copy(a, before);
	for (struct dict_entry *entry; (entry = dict_next(v.dict, &i));)
		dict_put(a, out.dict, entry->key, entry->value);
	return out;
}

/* A hook is a statement, or {sql: ..., transaction: ...}: there is no transaction that it could be part of. */
static struct value statements_of(struct arena *a, struct value hooks)
{
	struct list *list = as_list(a, hooks);

	for (size_t i = 0; i < list->len; i++)
		if (list->items[i].kind == VALUE_DICT)
			list->items[i] = dict_get_text(list->items[i].dict, "sql");
	return value_list(list);
}

/* pre-hook is pre_hook. */
static struct value name_of(struct arena *a, struct value key)
{
	char *name = value_strdup(a, key);

	for (char *p = name; *p; p++)
		if (*p == '-')
			*p = '_';
	return value_text(*name == '+' ? name + 1 : name);
}

void setting_put(struct arena *a, const struct settings *settings, struct value key, struct value v,
	struct value place)
{
	struct value name = key.kind == VALUE_STRING ? name_of(a, key) : key;
	struct value *found = dict_find(settings->values, name);
	struct value before = found ? *found : (struct value){0};
	bool tags = value_is_text(name, "tags");

	if (tags)
		v = added(a, before, v, true);
	else if (value_is_text(name, "pre_hook") || value_is_text(name, "post_hook"))
		v = added(a, before, statements_of(a, v), false);
	else if (value_is_text(name, "meta"))
		v = merged(a, before, v);
	dict_put(a, settings->values, name, v);
	dict_put(a, settings->places, name, place);
}

bool setting_put_tree(struct project *p, struct node *node, const struct tree_entry *entry,
	const char *path, struct error *err)
{
	const struct settings settings = {node->config, node->places};
	struct value v;

	if (strstr(entry->key, "hook")) /* they are rendered each time they run */
		v = value_of_tree(&p->arena, entry->value);
	else if (!rendered_tree(p, node->package, entry->value, path, &v, err))
		return false;
	setting_put(&p->arena, &settings, value_text(entry->key), v,
		value_text(arena_printf(&p->arena, "%s:%d", path, entry->line)));
	return true;
}

/* A level of dbt_project.yml: settings, and the folder that leads on to the node. */
static bool put_level(struct project *p, struct node *node, const struct tree *level, size_t depth,
	const char *path, struct error *err)
{
	const struct tree *next = NULL;

	for (size_t i = 0; level && level->kind == TREE_MAP && i < level->n; i++) {
		const struct tree_entry *entry = &level->entries[i];
		bool plain = entry->value->kind != TREE_MAP || strcmp(entry->key, "meta") == 0;
		if (depth < node->n_fqn && strcmp(entry->key, node->fqn[depth]) == 0 && !plain)
			next = entry->value;
		else if ((*entry->key == '+' || plain) &&
			 !setting_put_tree(p, node, entry, path, err))
			return false;
	}
	return !next || put_level(p, node, next, depth + 1, path, err);
}

static bool put_package(
	struct project *p, struct node *node, const struct package *from, struct error *err)
{
	const char *path = arena_printf(&p->arena, "%sdbt_project.yml", from->below);
	const struct tree *section = tree_get(from->project, sections[node->kind]);

	if (!section && node->kind == NODE_TEST)
		section = tree_get(from->project, "data_tests");
	return put_level(p, node, section, 0, path, err);
}

static void put_defaults(struct project *p, struct node *node)
{
	static const char *const materialized[] = {[NODE_MODEL] = "view",
		[NODE_SEED] = "seed",
		[NODE_SNAPSHOT] = "snapshot",
		[NODE_TEST] = "test",
		[NODE_UNIT_TEST] = "unit"};
	struct arena *a = &p->arena;

	dict_put_text(a, node->config, "enabled", value_bool(true));
	dict_put_text(a, node->config, "materialized", value_text(materialized[node->kind]));
	dict_put_text(a, node->config, "tags", value_list(list_new(a, 0)));
	dict_put_text(a, node->config, "meta", value_dict(dict_new(a)));
	if (node->kind != NODE_TEST)
		return;
	dict_put_text(a, node->config, "severity", value_text("error"));
	dict_put_text(a, node->config, "schema", value_text("dbt_test__audit"));
}

bool settings_load(struct project *p, struct node *node, struct error *err)
{
	if (node->kind == NODE_HOOK)
		return true;
	put_defaults(p, node);
	return put_package(p, node, node->package, err) &&
	       (node->package == root_of(p) || put_package(p, node, root_of(p), err));
}

struct value setting(const struct node *node, const char *key)
{
	return dict_get_text(node->config, key);
}

bool setting_truth(const struct node *node, const char *key, bool otherwise)
{
	struct value v = setting(node, key);
	return value_given(v) && v.kind != VALUE_NONE ? value_truth(v) : otherwise;
}

const char *setting_text(struct arena *a, const struct node *node, const char *key)
{
	struct value v = setting(node, key);
	return v.kind == VALUE_STRING ? value_strdup(a, v) : NULL;
}

const char *node_place(const struct node *node, const char *setting)
{
	struct value place = dict_get_text(node->places, setting);
	/* Made by us, it ends with a NUL. */
	return place.kind == VALUE_STRING ? place.s : node->path;
}
