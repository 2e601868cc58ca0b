/*
 * The graph as templates see it, with dbt's names: what there is and what stands on what, for macros that go through
 * models or sources. It is empty while the project is read, as in dbt.
 */
#include "models/internal.h"

static struct value columns_of(struct arena *a, struct value properties)
{
	struct value list = value_member(properties, "columns");
	struct value columns = value_dict(dict_new(a));

	for (size_t i = 0; list.kind == VALUE_LIST && i < list.list->len; i++) {
		struct value item = list.list->items[i], name = value_member(item, "name");
		if (name.kind == VALUE_STRING)
			dict_put(a, columns.dict, name, value_copy(a, item));
	}
	return columns;
}

static struct value text_of(struct arena *a, struct value properties, const char *key)
{
	struct value v = value_member(properties, key);
	return v.kind == VALUE_STRING ? value_copy(a, v) : value_text("");
}

static const char *source_id(struct arena *a, const struct project *p, const struct source_table *t)
{
	return arena_printf(a, "source.%s.%s.%s", root_of(p)->name, t->source, t->name);
}

static struct value depends_on(struct arena *a, const struct project *p, const struct node *node)
{
	struct list *nodes = list_new(a, node->parents.len + node->sources.len);
	struct value v = value_dict(dict_new(a));

	vec_each (&node->parents, it)
		list_append(a, nodes, value_text((*it)->id));
	vec_each (&node->sources, it)
		list_append(a, nodes, value_text(source_id(a, p, *it)));
	dict_put_text(a, v.dict, "nodes", value_list(nodes));
	dict_put_text(a, v.dict, "macros", value_list(list_new(a, 0)));
	return v;
}

static struct value relation_name_of(
	struct arena *a, const struct project *p, const struct node *node)
{
	struct buf name;

	if (!node->alias || node->kind == NODE_TEST || node->kind == NODE_HOOK ||
		node->materialization == MATERIALIZED_EPHEMERAL)
		return value_none();
	buf_init(&name, BUF_MAX);
	dialect_of(p)->relation(&name, (struct relation_name){node->database, node->alias});
	struct value v = value_text(arena_strdup(a, buf_text(&name)));
	buf_release(&name);
	return v;
}

struct value graph_node(struct arena *a, const struct project *p, const struct node *node)
{
	struct value v = node_value(a, node);
	size_t len = 0;
	const char *source = node->template ? template_source(node->template, &len) : "";

	dict_put_text(a, v.dict, "database", value_text(""));
	dict_put_text(a, v.dict, "relation_name", relation_name_of(a, p, node));
	dict_put_text(a, v.dict, "description", text_of(a, node->properties, "description"));
	dict_put_text(a, v.dict, "columns", columns_of(a, node->properties));
	dict_put_text(a, v.dict, "depends_on", depends_on(a, p, node));
	dict_put_text(a, v.dict, "raw_code", value_bytes(source, len));
	dict_put_text(a, v.dict, "language", value_text("sql"));
	return v;
}

static struct value source_value(
	struct arena *a, const struct project *p, const struct source_table *t)
{
	struct value v = value_dict(dict_new(a));
	struct value meta = value_member(t->meta, "meta");

	dict_put_text(a, v.dict, "name", value_text(t->name));
	dict_put_text(a, v.dict, "unique_id", value_text(source_id(a, p, t)));
	dict_put_text(a, v.dict, "resource_type", value_text("source"));
	dict_put_text(a, v.dict, "package_name", value_text(root_of(p)->name));
	dict_put_text(a, v.dict, "source_name", value_text(t->source));
	dict_put_text(a, v.dict, "database", value_text(""));
	dict_put_text(a, v.dict, "schema", value_text(t->database));
	dict_put_text(a, v.dict, "identifier", value_text(t->table));
	dict_put_text(a, v.dict, "description", text_of(a, t->meta, "description"));
	dict_put_text(a, v.dict, "columns", columns_of(a, t->meta));
	dict_put_text(a, v.dict, "meta",
		value_given(meta) ? value_copy(a, meta) : value_dict(dict_new(a)));
	return v;
}

static void put_all(
	struct arena *a, const struct project *p, struct dict *nodes, struct dict *sources)
{
	struct source_tables tables = {0};

	vec_each (&p->nodes, it)
		if (!(*it)->unit)
			dict_put_text(a, nodes, (*it)->id, graph_node(a, p, *it));
	project_sources(p, &tables);
	vec_each (&tables, it)
		dict_put_text(a, sources, source_id(a, p, *it), source_value(a, p, *it));
	vec_release(&tables);
}

bool call_graph(struct call *c)
{
	static const char *const others[] = {"exposures", "metrics", "groups"};
	struct context *context = context_of(c);
	struct arena *a = render_arena(c->render);
	struct dict *nodes, *sources;

	if (!value_given(context->graph)) {
		context->graph = value_dict(dict_new(a));
		nodes = dict_new(a);
		sources = dict_new(a);
		if (!context->reading)
			put_all(a, context->project, nodes, sources);
		dict_put_text(a, context->graph.dict, "nodes", value_dict(nodes));
		dict_put_text(a, context->graph.dict, "sources", value_dict(sources));
		for (size_t i = 0; i < COUNT_OF(others); i++)
			dict_put_text(a, context->graph.dict, others[i], value_dict(dict_new(a)));
		value_freeze(context->graph);
	}
	c->result = context->graph;
	return true;
}
