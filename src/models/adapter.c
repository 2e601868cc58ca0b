/* adapter: macros by adapter, quoting, and what is asked of the warehouse: its tables and their columns. */
#include <strings.h>
#include <stdio.h>
#include "models/internal.h"

static const char otherwise[] = "default";

/* kind__name, as dbt calls what an adapter has of its own. */
static const struct macro *find_prefixed(
	const struct project *p, const char *package, const char *kind, const char *name)
{
	char full[256];

	snprintf(full, sizeof full, "%s__%s", kind, name);
	return project_macro(p, package, full);
}

static const struct macro *find_dispatched(
	const struct project *p, const char *package, const char *name)
{
	const struct macro *macro = find_prefixed(p, package, p->options.engine->kind, name);
	return macro ? macro : find_prefixed(p, package, otherwise, name);
}

/* Where macros of a package are looked for: dispatch: in dbt_project.yml, or the root and the package itself. */
static const struct tree *search_order(const struct project *p, const char *package)
{
	const struct tree *dispatch = tree_get(root_of(p)->project, "dispatch");

	for (size_t i = 0; dispatch && dispatch->kind == TREE_LIST && i < dispatch->n; i++) {
		const struct tree *one = dispatch->entries[i].value,
				  *name = tree_get(one, "macro_namespace");
		if (name && name->text && strcmp(name->text, package) == 0)
			return tree_get(one, "search_order");
	}
	return NULL;
}

static const struct macro *dispatch(const struct project *p, const char *package, const char *name)
{
	const struct tree *order = package ? search_order(p, package) : NULL;
	const char *kind = p->options.engine->kind;
	const struct macro *macro = NULL;

	for (size_t i = 0; !macro && order && order->kind == TREE_LIST && i < order->n; i++)
		if (order->entries[i].value->text)
			macro = find_dispatched(p, order->entries[i].value->text, name);
	if (!macro)
		macro = find_dispatched(p, root_of(p)->name, name);
	if (!macro && package)
		macro = find_prefixed(p, package, kind, name);
	/* What tailrace brings goes before what a package wrote for no warehouse in particular. */
	if (!macro)
		macro = find_prefixed(p, OWN_PACKAGE, kind, name);
	if (!macro && package)
		macro = find_prefixed(p, package, otherwise, name);
	return macro ? macro : find_prefixed(p, OWN_PACKAGE, otherwise, name);
}

static bool call_dispatch(struct call *c)
{
	struct arena *a = render_arena(c->render);

	if (!call_wants(c, 0, VALUE_STRING) ||
		(c->arg[1].kind != VALUE_NONE && !call_wants(c, 1, VALUE_STRING)))
		return false;
	const char *name = value_strdup(a, c->arg[0]);
	const char *package = c->arg[1].kind == VALUE_STRING ? value_strdup(a, c->arg[1]) : NULL;
	const struct macro *macro = dispatch(self_context(c)->project, package, name);
	if (!macro)
		return render_fail(c->render, "there is no macro %s__%s nor %s__%s%s%s",
			self_context(c)->project->options.engine->kind, name, otherwise, name,
			package ? " in package " : "", package ? package : "");
	c->result = macro_value(c->render, macro);
	return true;
}

static bool call_quote(struct call *c)
{
	if (!call_wants(c, 0, VALUE_STRING))
		return false;
	c->result = quoted_name(c->render, dialect_of(self_context(c)->project),
		value_strdup(render_arena(c->render), c->arg[0]));
	return true;
}

/* --- what asks --- */

static const char *type_of(enum relation_kind kind)
{
	static const char *const types[] = {[RELATION_TABLE] = "table",
		[RELATION_VIEW] = "view",
		[RELATION_MATERIALIZED_VIEW] = "materialized_view",
		[RELATION_OTHER] = "table"};
	return types[kind];
}

static bool find_relation(struct call *c, struct context *context, struct relation_name name)
{
	struct engine *engine = context->options->engine;
	struct arena *a = render_arena(c->render);
	struct relation_info info;
	struct error err = {0};

	if (!engine->ops->inspect(engine, name, a, &info, &err))
		return asking_failed(c, context, &err);
	if (info.kind != RELATION_ABSENT)
		c->result = relation_value(a, engine->ops->dialect, name, type_of(info.kind), NULL);
	return true;
}

/* A database is what dbt calls a schema. */
static bool database_argument(struct call *c, size_t database, size_t schema, const char **out)
{
	size_t i = c->arg[schema].kind == VALUE_STRING && c->arg[schema].len ? schema : database;

	*out = self_context(c)->project->options.database;
	if (c->arg[i].kind == VALUE_NONE)
		return true;
	if (!call_wants(c, i, VALUE_STRING))
		return false;
	if (value_given(c->arg[i]) && c->arg[i].len)
		*out = value_strdup(render_arena(c->render), c->arg[i]);
	return true;
}

static bool call_get_relation(struct call *c)
{
	struct relation_name name;
	bool ok;

	if (!may_ask(c, self_context(c), &ok))
		return ok;
	if (!database_argument(c, 0, 1, &name.database) || !call_wants(c, 2, VALUE_STRING))
		return false;
	name.name = value_strdup(render_arena(c->render), c->arg[2]);
	return find_relation(c, self_context(c), name);
}

static bool load(struct call *c, struct context *context)
{
	struct relation_name name;
	bool ok;

	if (!may_ask(c, context, &ok))
		return ok;
	return relation_argument(c, 0, &name) && find_relation(c, context, name);
}

static bool call_load_relation_method(struct call *c)
{
	return load(c, self_context(c));
}

bool call_load_relation(struct call *c)
{
	return load(c, context_of(c));
}

static bool call_already_exists(struct call *c)
{
	struct relation_name name;
	bool ok;

	if (!may_ask(c, self_context(c), &ok))
		return ok;
	if (!call_wants(c, 0, VALUE_STRING) || !call_wants(c, 1, VALUE_STRING))
		return false;
	name.database = value_strdup(render_arena(c->render), c->arg[0]);
	name.name = value_strdup(render_arena(c->render), c->arg[1]);
	if (!find_relation(c, self_context(c), name))
		return false;
	c->result = value_bool(c->result.kind != VALUE_NONE);
	return true;
}

static bool columns_of(struct call *c, size_t i, struct list **out)
{
	struct context *context = self_context(c);
	struct engine *engine = context->options->engine;
	struct arena *a = render_arena(c->render);
	struct engine_columns columns = {0};
	struct relation_name name;
	struct error err = {0};

	if (!relation_argument(c, i, &name))
		return false;
	if (!engine->ops->columns(engine, name, a, &columns, &err))
		return asking_failed(c, context, &err);
	*out = list_new(a, columns.len);
	for (size_t k = 0; k < columns.len; k++)
		list_append(a, *out,
			column_value(a, engine->ops->dialect, columns.items[k].name,
				columns.items[k].type));
	return true;
}

/* In the first rendering an empty list, as in dbt. */
static bool may_ask_for_list(struct call *c, bool *ok)
{
	bool may = may_ask(c, self_context(c), ok);

	c->result = value_list(list_new(render_arena(c->render), 0));
	return may;
}

static bool call_get_columns(struct call *c)
{
	bool ok;
	return may_ask_for_list(c, &ok) ? columns_of(c, 0, &c->result.list) : ok;
}

/* Columns of the first that the second has not. */
static bool call_get_missing_columns(struct call *c)
{
	struct arena *a = render_arena(c->render);
	struct list *from, *to;
	struct dict *known = dict_new(a);
	bool ok;

	if (!may_ask_for_list(c, &ok))
		return ok;
	if (!columns_of(c, 0, &from) || !columns_of(c, 1, &to))
		return false;
	for (size_t i = 0; i < to->len; i++)
		dict_put(a, known, to->items[i], value_none());
	for (size_t i = 0; i < from->len; i++)
		if (!dict_find(known, from->items[i]))
			list_append(a, c->result.list, from->items[i]);
	return true;
}

static bool call_list_relations(struct call *c)
{
	struct context *context = self_context(c);
	struct arena *a = render_arena(c->render);
	struct relations relations = {0};
	struct error err = {0};
	const char *database;
	bool ok;

	if (!may_ask_for_list(c, &ok))
		return ok;
	if (!database_argument(c, 0, 1, &database))
		return false;
	struct engine *engine = context->options->engine;
	if (!engine->ops->relations(engine, database, a, &relations, &err))
		return asking_failed(c, context, &err);
	for (size_t i = 0; i < relations.len; i++)
		list_append(a, c->result.list,
			relation_value(a, engine->ops->dialect,
				(struct relation_name){database, relations.items[i].name},
				type_of(relations.items[i].kind), NULL));
	return true;
}

static bool call_check_schema_exists(struct call *c)
{
	struct context *context = self_context(c);
	struct engine *engine = context->options->engine;
	struct arena *a = render_arena(c->render);
	struct engine_rows rows;
	struct error err = {0};
	const char *database;
	struct buf sql;
	bool ok;

	if (!may_ask(c, context, &ok))
		return ok;
	if (!database_argument(c, 0, 1, &database))
		return false;
	buf_init(&sql, 1 << 16);
	buf_puts(&sql, "select 1 from information_schema.schemata where schema_name = ");
	engine->ops->dialect->text(&sql, database, strlen(database));
	struct statement s = {.sql = buf_text(&sql)};
	ok = engine->ops->query(engine, &s, a, &rows, &err) || asking_failed(c, context, &err);
	buf_release(&sql);
	c->result = value_bool(ok && rows.n_rows);
	return ok;
}

/* What would change the warehouse beside the build. */
static bool call_changing(struct call *c)
{
	if (self_context(c)->reading)
		return true;
	return render_fail(c->render,
		"adapter.%s() changes the warehouse while the template renders, which a model does "
		"not do here; pre_hook and post_hook run statements",
		c->function->name);
}

static bool call_type(struct call *c)
{
	c->result = value_text(self_context(c)->project->options.engine->kind);
	return true;
}

static const struct function methods[] = {
	{"dispatch", "macro_name macro_namespace=", call_dispatch},
	{"quote", "identifier", call_quote},
	{"quote_as_configured", "identifier quote_key=", call_quote},
	{"type", "", call_type},
	{"get_relation", "database= schema= identifier=", call_get_relation},
	{"load_relation", "relation", call_load_relation_method},
	{"already_exists", "schema name", call_already_exists},
	{"get_columns_in_relation", "relation", call_get_columns},
	{"get_missing_columns", "from_relation to_relation", call_get_missing_columns},
	{"list_relations", "database= schema=", call_list_relations},
	{"list_relations_without_caching", "database= schema=", call_list_relations},
	{"check_schema_exists", "database= schema=", call_check_schema_exists},
	{"execute", "sql auto_begin= fetch= limit=", call_execute_sql},
	{"create_schema", "* **", call_changing},
	{"drop_schema", "* **", call_changing},
	{"drop_relation", "* **", call_changing},
	{"truncate_relation", "* **", call_changing},
	{"rename_relation", "* **", call_changing},
};

static bool get_of_adapter(
	struct render *r, struct object *self, const char *name, struct value *out)
{
	return method_get(r, self, (struct methods){methods, COUNT_OF(methods)}, name, out);
}

bool call_adapter(struct call *c)
{
	static const struct object_ops ops = {.type = "adapter", .get = get_of_adapter};

	c->result = context_object(c, &ops);
	return true;
}

/* --- api --- */

static bool call_ephemeral_prefix(struct call *c)
{
	if (!call_wants(c, 0, VALUE_STRING))
		return false;
	c->result = render_printf(
		c->render, CTE_PREFIX "%.200s", value_strdup(render_arena(c->render), c->arg[0]));
	return true;
}

/* What dbt calls types without a dialect. */
static bool call_translate_type(struct call *c)
{
	static const char *const types[][2] = {{"string", "String"}, {"timestamp", "DateTime"},
		{"float", "Float64"}, {"integer", "Int32"}, {"bigint", "Int64"},
		{"boolean", "Bool"}, {"numeric", "Decimal(28, 6)"}};

	if (!call_wants(c, 0, VALUE_STRING))
		return false;
	c->result = c->arg[0];
	for (size_t i = 0; i < COUNT_OF(types); i++) {
		const char *name = value_strdup(render_arena(c->render), c->arg[0]);
		if (strcasecmp(name, types[i][0]) == 0)
			c->result = value_text(types[i][1]);
	}
	return true;
}

static bool call_create_column(struct call *c)
{
	struct arena *a = render_arena(c->render);

	if (!call_wants(c, 0, VALUE_STRING) || !call_wants(c, 1, VALUE_STRING))
		return false;
	c->result = column_value(a, dialect_of(context_of(c)->project), value_strdup(a, c->arg[0]),
		value_strdup(a, c->arg[1]));
	return true;
}

bool call_api(struct call *c)
{
	static const struct function of_relation[] = {
		{"create", "database= schema= identifier= type=", call_create_relation},
		{"add_ephemeral_prefix", "name", call_ephemeral_prefix},
	};
	static const struct function of_column[] = {
		{"create", "name label_or_dtype", call_create_column},
		{"translate_type", "dtype", call_translate_type},
	};
	struct arena *a = render_arena(c->render);
	struct value relation = value_dict(dict_new(a)), column = value_dict(dict_new(a));

	for (size_t i = 0; i < COUNT_OF(of_relation); i++)
		dict_put_text(a, relation.dict, of_relation[i].name,
			function_value(a, &of_relation[i], c->data));
	for (size_t i = 0; i < COUNT_OF(of_column); i++)
		dict_put_text(a, column.dict, of_column[i].name,
			function_value(a, &of_column[i], c->data));
	c->result = value_dict(dict_new(a));
	dict_put_text(a, c->result.dict, "Relation", relation);
	dict_put_text(a, c->result.dict, "Column", column);
	return true;
}
