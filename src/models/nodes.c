/*
 * Nodes: a file each, but for snapshots, which are blocks. Each is rendered once with nothing behind its
 * names, which tells what config() sets and what ref() and source() stand on.
 */
#include <stdlib.h>
#include "base/file.h"
#include "core/option.h"
#include "models/internal.h"

const char *node_kind_name(enum node_kind kind)
{
	static const char *const names[] = {[NODE_MODEL] = "model",
		[NODE_SEED] = "seed",
		[NODE_SNAPSHOT] = "snapshot",
		[NODE_TEST] = "test",
		[NODE_UNIT_TEST] = "unit_test",
		[NODE_HOOK] = "operation"};
	return names[kind];
}

void node_fail(struct project *p, struct node *node, const struct error *err)
{
	if (!node->problem)
		node->problem = arena_strdup(&p->arena, err->text);
}

void node_set_inside(struct project *p, struct node *node, const char *inside)
{
	size_t n = 2;

	node->inside = inside;
	for (const char *s = inside; *s; s++)
		n += *s == '/';
	const char **fqn = arena_alloc(&p->arena, n * sizeof *fqn);
	fqn[0] = node->package->name;
	for (size_t i = 1; i < n - 1; i++) {
		const char *slash = strchr(inside, '/');
		fqn[i] = arena_strndup(&p->arena, inside, (size_t)(slash - inside));
		inside = slash + 1;
	}
	fqn[n - 1] = node->name;
	node->fqn = fqn;
	node->n_fqn = n;
}

struct node *node_new(struct project *p, enum node_kind kind, const struct package *package,
	const char *name, const char *path)
{
	struct node *node = arena_alloc(&p->arena, sizeof *node);

	node->kind = kind;
	node->package = package;
	node->name = name;
	node->path = arena_printf(&p->arena, "%s%s", package->below, path);
	node->line = 1;
	node->id = arena_printf(&p->arena, "%s.%s.%s", node_kind_name(kind), package->name, name);
	node->enabled = true;
	node->config = dict_new(&p->arena);
	node->places = dict_new(&p->arena);
	node_set_inside(p, node, "");
	vec_push(&p->nodes, node);
	return node;
}

static const char *base_name(struct arena *a, const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	return arena_strndup(a, name, strlen(name) - strlen(strrchr(name, '.')));
}

static void add_snapshots(struct project *p, struct node *first, const char *inside)
{
	struct template *t = first->template;
	struct node *node = first;

	for (const struct macro *m = NULL; (m = template_next_macro(t, m));) {
		if (macro_kind(m) != MACRO_SNAPSHOT)
			continue;
		const char *name = macro_name(m) + strlen("snapshot_");
		if (!node)
			node = node_new(p, NODE_SNAPSHOT, first->package, name,
				first->path + strlen(first->package->below));
		node->name = name;
		node->id = arena_printf(&p->arena, "snapshot.%s.%s", first->package->name, name);
		node->template = t;
		node->snapshot = m;
		node_set_inside(p, node, inside);
		node = NULL;
	}
	if (node)
		node->problem = arena_printf(
			&p->arena, "%s: holds no {%% snapshot NAME %%} block", first->path);
}

static void add_file(struct project *p, enum node_kind kind, const struct package *package,
	const char *folder, const char *path)
{
	struct node *node = node_new(p, kind, package, base_name(&p->arena, path), path);
	const char *inside = path + strlen(folder) + (strcmp(folder, ".") != 0);
	struct error err = {0};

	node_set_inside(p, node, inside);
	if (kind == NODE_SEED)
		return;
	node->template = package_template(p, package, path, &err);
	if (!node->template)
		node_fail(p, node, &err);
	else if (kind == NODE_SNAPSHOT)
		add_snapshots(p, node, inside);
}

static void add_python(struct project *p, const struct package *package, const char *path)
{
	struct node *node = node_new(p, NODE_MODEL, package, base_name(&p->arena, path), path);

	node->problem = arena_printf(&p->arena,
		"%s: a model in Python; models are SQL here, other programs can build the table as "
		"a source",
		node->path);
}

/* Macros of tests, and rows of unit tests, stand below the tests. */
static bool is_for_tests(const char *folder, const char *path)
{
	size_t len = strlen(folder);
	return strncmp(path, folder, len) == 0 &&
	       (strncmp(path + len, "/generic/", 9) == 0 ||
		       strncmp(path + len, "/fixtures/", 10) == 0);
}

static bool add_files(struct project *p, const struct package *package, const char *key,
	const char *usual, enum node_kind kind, const char *suffix, struct error *err)
{
	struct paths folders = package_paths(p, package, key, usual);
	bool ok = true;

	for (size_t f = 0; ok && f < folders.len; f++) {
		struct paths files = {0};
		ok = files_below(package->folder, folders.items[f], suffix, &p->arena, &files, err);
		vec_each (&files, it) {
			if (strcmp(suffix, ".py") == 0)
				add_python(p, package, *it);
			else if (kind != NODE_TEST || !is_for_tests(folders.items[f], *it))
				add_file(p, kind, package, folders.items[f], *it);
		}
		vec_release(&files);
	}
	vec_release(&folders);
	return ok;
}

bool nodes_load(struct project *p, struct error *err)
{
	for (size_t i = 0; i < p->packages.len && !p->packages.items[i]->is_own; i++) {
		const struct package *package = p->packages.items[i];
		if (!add_files(p, package, "model-paths", "models", NODE_MODEL, ".sql", err) ||
			!add_files(p, package, "model-paths", "models", NODE_MODEL, ".py", err) ||
			!add_files(p, package, "seed-paths", "seeds", NODE_SEED, ".csv", err) ||
			!add_files(p, package, "snapshot-paths", "snapshots", NODE_SNAPSHOT, ".sql",
				err) ||
			!add_files(p, package, "test-paths", "tests", NODE_TEST, ".sql", err))
			return false;
	}
	vec_each (&p->nodes, it)
		if (!map_get(&p->by_id, (*it)->id, strlen((*it)->id)))
			map_put(&p->by_id, (*it)->id, strlen((*it)->id), *it);
	return true;
}

/* --- the first rendering --- */

static bool render_first(
	struct project *p, struct node *node, struct reading *reading, struct error *err)
{
	struct context context;
	struct buf out;
	bool ok;

	context_init(&context, p, node->package, node);
	context.reading = reading;
	buf_init(&out, BUF_MAX);
	ok = node_render(&context, node, &out, err);
	buf_release(&out);
	return ok;
}

struct render_place node_here(const struct node *node, struct arena *arena)
{
	return (struct render_place){arena_printf(arena, "%s:%d", node->path, node->line), ""};
}

/* A private model is for its group alone, and for its own tests. */
static bool may_stand_on(struct project *p, const struct node *node, const struct node *parent)
{
	const char *access = setting_text(&p->arena, parent, "access");
	const char *group = setting_text(&p->arena, parent, "group");
	const char *own = setting_text(&p->arena, node, "group");

	return !access || strcmp(access, "private") || node->tested == parent ||
	       !strcmp(group ? group : "", own ? own : "");
}

static void add_parent(struct project *p, struct node *node, const struct ref_name *ref)
{
	struct node *parent = project_ref(p, ref->package, ref->name);
	struct error err = {0};

	vec_each (&node->parents, it)
		if (*it == parent)
			return;
	if (parent && parent->enabled) {
		vec_push(&node->parents, parent);
		vec_push(&node->parent_places, ref->at.place);
		if (may_stand_on(p, node, parent))
			return;
		error_set(&err, ERROR_CONFIG, "%s: '%s' is private, and this is not of its group%s",
			ref->at.place, parent->name, ref->at.shown);
		node_fail(p, node, &err);
		return;
	}
	/* A test of what is disabled is disabled itself, as in dbt. */
	if (parent && node_is_test(node)) {
		node->enabled = false;
		return;
	}
	const char *full = ref->package ? arena_printf(&p->arena, "%s.%s", ref->package, ref->name)
					: ref->name;
	error_set(&err, ERROR_CONFIG, "%s: there is no model, seed or snapshot '%s'%s%s",
		ref->at.place, full, parent ? ", it is disabled" : project_nearest(p, ref->name),
		ref->at.shown);
	node_fail(p, node, &err);
}

/* A test that cannot be rendered stands on its model all the same: it is part of what builds it, and fails. */
static void add_tested(struct project *p, struct node *test)
{
	const struct ref_name ref = {.package = test->tested->package->name,
		.name = test->tested->name,
		.at = node_here(test, &p->arena)};

	add_parent(p, test, &ref);
}

/* The package whose macro a materialization of that name is; NULL: none has it. */
static const char *definer_of(struct project *p, const char *materialization)
{
	static const char *const adapters[] = {"clickhouse", "default"};

	for (size_t i = 0; i < COUNT_OF(adapters); i++) {
		const char *macro = arena_printf(
			&p->arena, "materialization_%s_%s", materialization, adapters[i]);
		vec_each (&p->packages, it)
			if (project_macro(p, (*it)->name, macro))
				return (*it)->name;
	}
	return NULL;
}

static void unknown_materialization(
	struct project *p, struct node *node, const char *text, const char *const *names)
{
	const char *definer = definer_of(p, text), *near = nearest_name(text, names);
	const char *hint = "";
	struct error err = {0};

	if (definer)
		hint = arena_printf(
			&p->arena, ", where the macro of package '%s' is not run", definer);
	else if (near)
		hint = arena_printf(&p->arena, "; did you mean '%s'?", near);
	error_set(&err, ERROR_CONFIG, "%s: materialized: '%s' is none that is known here%s",
		node_place(node, "materialized"), text, hint);
	node_fail(p, node, &err);
}

static void take_materialization(struct project *p, struct node *node)
{
	static const char *const names[] = {[MATERIALIZED_VIEW] = "view",
		[MATERIALIZED_TABLE] = "table",
		[MATERIALIZED_INCREMENTAL] = "incremental",
		[MATERIALIZED_EPHEMERAL] = "ephemeral",
		[MATERIALIZED_OTHER] = "materialized_view",
		"external",
		"exec",
		NULL};
	const char *text = setting_text(&p->arena, node, "materialized");
	size_t i = 0;

	node->materialization = MATERIALIZED_OTHER;
	if (node->kind != NODE_MODEL)
		return;
	while (names[i] && strcmp(names[i], text ? text : "") != 0)
		i++;
	if (i < MATERIALIZED_OTHER)
		node->materialization = (enum materialization)i;
	if (!names[i] && node->enabled)
		unknown_materialization(p, node, text ? text : "", names);
}

/* What config() says within a test's macro gives way to what the yml says of the one test. */
static bool is_of_yml(const struct node *node, struct value place)
{
	size_t len = strlen(node->path);

	return value_given(node->arguments) && place.kind == VALUE_STRING && place.len > len &&
	       !memcmp(place.s, node->path, len) && place.s[len] == ':';
}

static void take_reading(struct project *p, struct node *node, const struct settings *read)
{
	const struct settings settings = {node->config, node->places};
	size_t i = 0;

	for (struct dict_entry *entry; (entry = dict_next(read->values, &i));) {
		struct value *found = dict_find(node->places, entry->key);
		struct value place = found ? *found : (struct value){0};
		struct value said = found ? *dict_find(node->config, entry->key) : place;
		setting_put(&p->arena, &settings, entry->key, entry->value,
			*dict_find(read->places, entry->key));
		if (is_of_yml(node, place))
			setting_put(&p->arena, &settings, entry->key, said, place);
	}
}

static void read_node(struct project *p, struct node *node, struct reading *reading)
{
	struct error err = {0};

	*reading = (struct reading){
		.arena = &p->arena, .settings = {dict_new(&p->arena), dict_new(&p->arena)}};
	if (node->kind != NODE_SEED && !node->unit && !node->problem &&
		!render_first(p, node, reading, &err))
		node_fail(p, node, &err);
	take_reading(p, node, &reading->settings);
	node->enabled = setting_truth(node, "enabled", true);
	take_materialization(p, node);
	node->sources = reading->sources;
	if (node->enabled)
		node_take_settings(p, node);
}

static bool is_referable(const struct node *node)
{
	return !node_is_test(node) && node->kind != NODE_HOOK;
}

/* What ref() finds: enabled ones, each with a name of its own; those that are disabled where the name is free. */
static bool add_names(struct project *p, bool enabled, struct error *err)
{
	vec_each (&p->nodes, it) {
		struct node *node = *it;
		if (!is_referable(node) || node->enabled != enabled)
			continue;
		const char *key = arena_printf(&p->arena, "%s.%s", node->package->name, node->name);
		struct node *other = map_get(&p->by_name, key, strlen(key));
		if (other && enabled)
			return error_set(err, ERROR_CONFIG,
				"%s and %s are both called '%s'; give one of them another name",
				other->path, node->path, node->name);
		if (!other)
			map_put(&p->by_name, key, strlen(key), node);
		if (!map_get(&p->by_name, node->name, strlen(node->name)))
			map_put(&p->by_name, node->name, strlen(node->name), node);
	}
	return true;
}

bool nodes_read(struct project *p, struct error *err)
{
	struct reading *readings = xcalloc(p->nodes.len + 1, sizeof *readings);

	for (size_t i = 0; i < p->nodes.len; i++)
		read_node(p, p->nodes.items[i], &readings[i]);
	bool ok = add_names(p, true, err) && add_names(p, false, err);
	for (size_t i = 0; i < p->nodes.len; i++) {
		vec_each (&readings[i].refs, ref)
			if (ok && p->nodes.items[i]->enabled)
				add_parent(p, p->nodes.items[i], ref);
		vec_release(&readings[i].refs);
		if (ok && p->nodes.items[i]->enabled && p->nodes.items[i]->tested)
			add_tested(p, p->nodes.items[i]);
		if (ok && p->nodes.items[i]->enabled && p->nodes.items[i]->unit)
			unit_test_resolve(p, p->nodes.items[i]);
		if (p->nodes.items[i]->enabled)
			node_take_mapping(p, p->nodes.items[i]);
	}
	free(readings);
	return ok;
}
