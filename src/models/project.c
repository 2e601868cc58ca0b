/* Reading a project, in order, and the graph of its nodes; see project.h. */
#include "models/project.h"

#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include "base/clock.h"
#include <stdio.h>
#include "models/internal.h"

#define MOST_HINTS 20

struct node *project_ref(const struct project *p, const char *package, const char *name)
{
	char key[512];
	int len = package ? snprintf(key, sizeof key, "%s.%s", package, name)
			  : snprintf(key, sizeof key, "%s", name);

	return len > 0 && (size_t)len < sizeof key ? map_get(&p->by_name, key, (size_t)len) : NULL;
}

const char *project_nearest(struct project *p, const char *name)
{
	VEC(const char *) names = {0};

	/* A folder that is missing makes thousands of names unknown. */
	if (p->hints++ >= MOST_HINTS)
		return "";
	vec_each (&p->nodes, it)
		if (!node_is_test(*it))
			vec_push(&names, (*it)->name);
	vec_push(&names, NULL);
	const char *near = nearest_name(name, names.items);
	vec_release(&names);
	return near ? arena_printf(&p->arena, "; did you mean '%s'?", near) : "";
}

const struct node *project_find(const struct project *p, const char *name)
{
	const struct node *found = map_get(&p->by_name, name, strlen(name));

	if (!found)
		found = map_get(&p->by_id, name, strlen(name));
	for (size_t i = 0; !found && i < p->nodes.len; i++) {
		const struct node *node = p->nodes.items[i];
		if (!strcmp(node->name, name) || !strcmp(node->path, name))
			found = node;
	}
	return found;
}

const struct nodes *project_nodes(const struct project *p)
{
	return &p->nodes;
}

const char *project_name(const struct project *p)
{
	return root_of(p)->name;
}

const char *project_folder(const struct project *p)
{
	return p->options.folder;
}

void project_sources(const struct project *p, struct source_tables *out)
{
	const void *key;
	size_t i = 0, len;
	void *table;

	while (map_next(&p->sources, &i, &key, &len, &table))
		vec_push(out, table);
}

/* --- where each goes --- */

struct value node_value(struct arena *a, const struct node *node)
{
	struct dict *d = dict_new(a);
	struct list *fqn = list_new(a, node->n_fqn);

	for (size_t i = 0; i < node->n_fqn; i++)
		list_append(a, fqn, value_text(node->fqn[i]));
	dict_put_text(a, d, "name", value_text(node->name));
	dict_put_text(a, d, "unique_id", value_text(node->id));
	dict_put_text(a, d, "resource_type", value_text(node_kind_name(node->kind)));
	dict_put_text(a, d, "package_name", value_text(node->package->name));
	dict_put_text(a, d, "path", value_text(*node->inside ? node->inside : node->path));
	dict_put_text(a, d, "original_file_path", value_text(node->path));
	dict_put_text(a, d, "fqn", value_list(fqn));
	dict_put_text(a, d, "schema", node->database ? value_text(node->database) : value_none());
	dict_put_text(a, d, "alias", value_text(node->alias ? node->alias : node->name));
	dict_put_text(a, d, "config", value_copy(a, value_dict(node->config)));
	struct value tags = setting(node, "tags"), meta = setting(node, "meta");
	dict_put_text(
		a, d, "tags", value_given(tags) ? value_copy(a, tags) : value_list(list_new(a, 0)));
	dict_put_text(
		a, d, "meta", value_given(meta) ? value_copy(a, meta) : value_dict(dict_new(a)));
	return value_dict(d);
}

/* What a macro of the project makes of the configured name and the node. */
static const char *name_by(struct project *p, const struct template *t, struct node *node,
	const char *setting_name, struct error *err)
{
	struct value custom = setting(node, setting_name), name;
	struct dict more = {0};
	struct context context;

	dict_put_text(&p->arena, &more, "custom_name", value_given(custom) ? custom : value_none());
	dict_put_text(&p->arena, &more, "node", node_value(&p->arena, node));
	context_init(&context, p, root_of(p), node);
	context.more = &more;
	if (!template_value(t, &context.host, NULL, &p->arena, &name, err))
		return NULL;
	return name.kind == VALUE_STRING ? value_strdup(&p->arena, name) : "";
}

static void place_node(struct project *p, struct node *node)
{
	struct error err = {0};
	const char *target = setting_text(&p->arena, node, "target_schema");

	if (node->kind == NODE_SNAPSHOT && target)
		node->database = target;
	else
		node->database = name_by(p, p->schema_name, node, "schema", &err);
	node->alias = node->database ? name_by(p, p->alias, node, "alias", &err) : NULL;
	if (!node->alias)
		node_fail(p, node, &err);
	if (!node->database)
		node->database = p->options.database;
	if (!node->alias)
		node->alias = node->name;
}

static bool place_all(struct project *p, struct error *err)
{
	static const char schema[] = "{{ generate_schema_name(custom_name, node) | trim }}";
	static const char alias[] = "{{ generate_alias_name(custom_name, node) | trim }}";

	p->schema_name = project_template(p, "generate_schema_name", schema, strlen(schema), err);
	p->alias = project_template(p, "generate_alias_name", alias, strlen(alias), err);
	if (!p->schema_name || !p->alias)
		return false;
	vec_each (&p->nodes, it)
		if ((*it)->enabled && (*it)->kind != NODE_HOOK)
			place_node(p, *it);
	return true;
}

static bool has_relation(const struct node *node)
{
	return node->enabled && !node_is_test(node) && node->kind != NODE_HOOK &&
	       node->materialization != MATERIALIZED_EPHEMERAL &&
	       !value_is_text(dict_get_text(node->config, "materialized"), "external") &&
	       !value_is_text(dict_get_text(node->config, "materialized"), "exec");
}

/* Two that become one table would take turns in it. */
static bool each_has_its_own_place(struct project *p, struct error *err)
{
	struct map places = {0};
	bool ok = true;

	for (size_t i = 0; ok && i < p->nodes.len; i++) {
		struct node *node = p->nodes.items[i];
		if (!has_relation(node))
			continue;
		const char *place = arena_printf(&p->arena, "%s.%s", node->database, node->alias);
		const struct node *other = map_put(&places, place, strlen(place), node);
		if (other)
			ok = error_set(err, ERROR_CONFIG,
				"%s and %s both become %s; give one of them another alias or "
				"schema",
				other->path, node->path, place);
	}
	map_release(&places);
	return ok;
}

/* --- the graph --- */

enum { MARK_NEW, MARK_OPEN, MARK_DONE };

static const char *place_of_parent(const struct node *node, const struct node *parent)
{
	size_t i = 0;

	while (node->parents.items[i] != parent)
		i++;
	return node->parent_places.items[i];
}

/* a <- b <- a: from where the cycle closes back to it, and where each names the next one. */
static bool fail_cycle(const struct nodes *path, const struct node *again, struct error *err)
{
	size_t first = path->len - 1;
	struct buf names, places;

	while (path->items[first] != again)
		first--;
	buf_init(&names, BUF_MAX);
	buf_init(&places, BUF_MAX);
	for (size_t i = first; i < path->len; i++) {
		const struct node *next = i + 1 < path->len ? path->items[i + 1] : again;
		buf_printf(&names, "%s <- ", path->items[i]->name);
		buf_printf(&places, "\n  %s: ref('%s')", place_of_parent(path->items[i], next),
			next->name);
	}
	error_set(err, ERROR_CONFIG, "models stand on each other in a circle: %s%s%s",
		buf_text(&names), again->name, buf_text(&places));
	buf_release(&names);
	buf_release(&places);
	return false;
}

/* Parents first. The depth is that of the project, which is as deep as its longest line of models. */
static bool visit(struct project *p, struct node *node, struct nodes *path, struct nodes *out,
	struct error *err)
{
	if (node->mark == MARK_DONE)
		return true;
	if (node->mark == MARK_OPEN)
		return fail_cycle(path, node, err);
	node->mark = MARK_OPEN;
	vec_push(path, node);
	vec_each (&node->parents, it)
		if (!visit(p, *it, path, out, err))
			return false;
	path->len--;
	node->mark = MARK_DONE;
	vec_push(out, node);
	return true;
}

static bool sort_nodes(struct project *p, struct error *err)
{
	struct nodes path = {0}, sorted = {0};
	bool ok = true;

	for (size_t i = 0; ok && i < p->nodes.len; i++)
		if (p->nodes.items[i]->enabled)
			ok = visit(p, p->nodes.items[i], &path, &sorted, err);
	vec_release(&path);
	for (size_t i = 0; i < p->nodes.len; i++)
		if (!p->nodes.items[i]->enabled)
			node_release(p->nodes.items[i]);
	if (!ok) {
		vec_release(&sorted);
		return false;
	}
	p->nodes.len = 0;
	vec_each (&sorted, it)
		vec_push((*it)->kind == NODE_HOOK ? &p->hooks : &p->nodes, *it);
	vec_release(&sorted);
	return true;
}

/* --- the whole --- */

static void set_invocation(struct project *p)
{
	uint8_t b[16];

	p->started_us = wall_us();
	if (getrandom(b, sizeof b, 0) != sizeof b)
		memcpy(b, &p->started_us, sizeof p->started_us);
	b[6] = (b[6] & 0x0f) | 0x40;
	b[8] = (b[8] & 0x3f) | 0x80;
	p->invocation = arena_printf(&p->arena,
		"%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
		b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
		b[15]);
}

static bool load_settings(struct project *p, struct error *err)
{
	vec_each (&p->nodes, it)
		if (!settings_load(p, *it, err))
			return false;
	return true;
}

struct project *project_load(const struct project_options *options, struct error *err)
{
	struct project *p = xcalloc(1, sizeof *p);
	struct stat st;

	arena_init(&p->arena);
	p->options = *options;
	if (!p->options.engine)
		p->options.engine = engine_kinds[0];
	set_invocation(p);
	bool ok = stat(options->folder, &st) == 0 && S_ISDIR(st.st_mode);
	if (!ok)
		error_set(err, ERROR_CONFIG, "%s: there is no such folder", options->folder);
	ok = ok && packages_load(p, err) && nodes_load(p, err) && hooks_load(p, err) &&
	     load_settings(p, err) && docs_load(p, err) && properties_load(p, err) &&
	     nodes_read(p, err) && place_all(p, err) && each_has_its_own_place(p, err) &&
	     sort_nodes(p, err);
	if (ok)
		return p;
	project_free(p);
	return NULL;
}

void node_release(struct node *node)
{
	vec_release(&node->parents);
	vec_release(&node->parent_places);
	vec_release(&node->sources);
}

void project_free(struct project *p)
{
	if (!p)
		return;
	vec_each (&p->templates, it)
		template_free(*it);
	vec_each (&p->nodes, it)
		node_release(*it);
	vec_each (&p->hooks, it)
		node_release(*it);
	vec_release(&p->templates);
	vec_release(&p->nodes);
	vec_release(&p->hooks);
	vec_release(&p->packages);
	map_release(&p->macros);
	map_release(&p->by_id);
	map_release(&p->by_name);
	map_release(&p->sources);
	map_release(&p->docs);
	arena_release(&p->arena);
	free(p);
}
