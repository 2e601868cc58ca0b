/* A node as JSON: what is known of it, its SQL or its problem. */
#include "models/internal.h"

static void put_text(struct arena *a, struct dict *d, const char *key, const char *text)
{
	dict_put_text(a, d, key, text ? value_text(text) : value_none());
}

static struct value parents_of(struct arena *a, const struct node *node)
{
	struct list *parents = list_new(a, node->parents.len);

	vec_each (&node->parents, it)
		list_append(a, parents, value_text((*it)->id));
	return value_list(parents);
}

static struct value sources_of(struct arena *a, const struct node *node)
{
	struct list *sources = list_new(a, node->sources.len);

	vec_each (&node->sources, it) {
		struct dict *d = dict_new(a);
		put_text(a, d, "source", (*it)->source);
		put_text(a, d, "name", (*it)->name);
		put_text(a, d, "database", (*it)->database);
		put_text(a, d, "table", (*it)->table);
		put_text(a, d, "stream", (*it)->stream ? (*it)->stream->name : NULL);
		list_append(a, sources, value_dict(d));
	}
	return value_list(sources);
}

static struct dict *described(struct arena *a, const struct node *node)
{
	struct dict *d = dict_new(a);

	put_text(a, d, "id", node->id);
	put_text(a, d, "kind", node_kind_name(node->kind));
	put_text(a, d, "name", node->name);
	put_text(a, d, "package", node->package->name);
	put_text(a, d, "path", node->path);
	dict_put_text(a, d, "line", value_int(node->line));
	put_text(a, d, "database", node->database);
	put_text(a, d, "alias", node->alias);
	dict_put_text(a, d, "config", value_dict(node->config));
	dict_put_text(a, d, "parents", parents_of(a, node));
	dict_put_text(a, d, "sources", sources_of(a, node));
	return d;
}

bool project_describe(const struct project *p, const struct node *node,
	const struct compile_options *options, struct buf *out, bool *compiled, struct error *err)
{
	struct error problem = {0};
	struct arena a;
	struct buf sql;

	arena_init(&a);
	buf_init(&sql, BUF_MAX);
	struct dict *d = described(&a, node);
	*compiled = project_compile(p, node, options, &sql, &problem);
	put_text(&a, d, "sql", *compiled ? buf_text(&sql) : NULL);
	put_text(&a, d, "problem", *compiled ? NULL : problem.text);
	bool ok = json_print(value_dict(d), out, err);
	buf_release(&sql);
	arena_release(&a);
	return ok;
}
