/*
 * Hooks of a run: the statements of on-run-start and on-run-end in the dbt_project.yml of the root and of its packages.
 * Each is a node, which nothing stands on. What those at the end see beyond other templates is how the run went.
 */
#include <stdlib.h>
#include "models/internal.h"

/* --- reading --- */

static bool add_hook(struct project *p, const struct package *package, bool at_end, int index,
	const struct tree *text, struct error *err)
{
	if (text->kind != TREE_TEXT)
		return error_set(err, ERROR_CONFIG,
			"%sdbt_project.yml:%d: a hook is an SQL statement, not %s", package->below,
			text->line, tree_kind_name(text));
	const char *name = arena_printf(
		&p->arena, "%s-on-run-%s-%d", package->name, at_end ? "end" : "start", index);
	struct node *node = node_new(p, NODE_HOOK, package, name, "dbt_project.yml");
	struct error wrong = {0};

	node->line = text->line;
	node->ends_run = at_end;
	node->database = p->options.database;
	node->alias = name;
	node->template = project_template(p,
		arena_printf(&p->arena, "%s:%d", node->path, node->line), text->text,
		strlen(text->text), &wrong);
	if (!node->template)
		node_fail(p, node, &wrong);
	return true;
}

/* A statement, or a list of them. */
static bool add_hooks(
	struct project *p, const struct package *package, bool at_end, struct error *err)
{
	const struct tree *tree = tree_get(
		package->project, at_end ? "on-run-end" : "on-run-start");

	if (!tree || tree->kind == TREE_NULL)
		return true;
	if (tree->kind != TREE_LIST)
		return add_hook(p, package, at_end, 0, tree, err);
	for (size_t i = 0; i < tree->n; i++)
		if (!add_hook(p, package, at_end, (int)i, tree->entries[i].value, err))
			return false;
	return true;
}

static int by_name(const void *a, const void *b)
{
	const struct package *x = *(struct package *const *)a, *y = *(struct package *const *)b;
	return strcmp(x->name, y->name);
}

/* Those of the root, then packages in the order of their names, as in dbt. */
bool hooks_load(struct project *p, struct error *err)
{
	struct packages order = {0};
	bool ok = true;

	vec_each (&p->packages, it)
		vec_push(&order, *it);
	qsort(order.items + 1, order.len - 1, sizeof *order.items, by_name);
	for (int at_end = 0; at_end < 2; at_end++)
		vec_each (&order, it)
			ok = ok && add_hooks(p, *it, at_end, err);
	vec_release(&order);
	return ok;
}

const struct nodes *project_hooks(const struct project *p)
{
	return &p->hooks;
}

/* --- what a run came to --- */

static struct value result_value(
	struct arena *a, const struct project *p, const struct node_result *result)
{
	struct value v = value_dict(dict_new(a)), response = value_dict(dict_new(a));

	dict_put_text(a, response.dict, "rows_affected", value_int((int64_t)result->rows));
	dict_put_text(a, v.dict, "node", graph_node(a, p, result->node));
	dict_put_text(a, v.dict, "status", value_text(result->status));
	dict_put_text(a, v.dict, "message",
		*result->message ? value_text(result->message) : value_none());
	dict_put_text(a, v.dict, "execution_time", value_float(result->took_s));
	dict_put_text(a, v.dict, "failures",
		result->failures < 0 ? value_none() : value_int(result->failures));
	dict_put_text(a, v.dict, "adapter_response", response);
	dict_put_text(a, v.dict, "thread_id", value_text("Thread-1"));
	dict_put_text(a, v.dict, "timing", value_list(list_new(a, 0)));
	return v;
}

static bool has_schema(const struct list *schemas, const char *name)
{
	for (size_t i = 0; i < schemas->len; i++)
		if (value_is_text(schemas->items[i], name))
			return true;
	return false;
}

static void put_names(
	struct arena *a, const struct project *p, const struct node_results *of, struct dict *names)
{
	static const struct node_results none = {0};
	struct list *results = list_new(a, 8), *schemas = list_new(a, 2), *pairs = list_new(a, 2);

	vec_each (of ? of : &none, it) {
		list_append(a, results, result_value(a, p, it));
		if (!it->made || has_schema(schemas, it->node->database))
			continue;
		struct list *pair = list_new(a, 2);
		list_append(a, pair, value_text(""));
		list_append(a, pair, value_text(it->node->database));
		list_append(a, schemas, value_text(it->node->database));
		list_append(a, pairs, value_tuple(pair));
	}
	dict_put_text(a, names, "results", value_list(results));
	dict_put_text(a, names, "schemas", value_list(schemas));
	dict_put_text(a, names, "database_schemas", value_list(pairs));
	value_freeze(value_dict(names));
}

/* Names that templates see where they are rendered by the run alone; `this` is none, as in dbt. */
bool hook_render(struct context *c, const struct node *node, struct buf *out, struct error *err)
{
	struct dict more = {0};
	struct arena a;

	arena_init(&a);
	dict_put_text(&a, &more, "this", value_none());
	if (node->ends_run)
		put_names(&a, c->project, c->options->results, &more);
	c->more = &more;
	bool ok = template_render(node->template, &c->host, NULL, out, err);
	c->more = NULL;
	arena_release(&a);
	return ok;
}
