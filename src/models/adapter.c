/* adapter: macros by adapter, quoting; what would ask the warehouse does nothing in the first rendering. */
#include "clients/clickhouse.h"
#include <stdio.h>
#include "models/internal.h"

static const struct macro *find_dispatched(
	const struct project *p, const char *package, const char *name)
{
	static const char *const prefixes[] = {"clickhouse__", "default__"};
	const struct macro *macro = NULL;
	char full[256];

	for (size_t i = 0; !macro && i < COUNT_OF(prefixes); i++) {
		snprintf(full, sizeof full, "%s%s", prefixes[i], name);
		macro = project_macro(p, package, full);
	}
	return macro;
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
	const struct macro *macro = NULL;

	for (size_t i = 0; !macro && order && order->kind == TREE_LIST && i < order->n; i++)
		if (order->entries[i].value->text)
			macro = find_dispatched(p, order->entries[i].value->text, name);
	if (!macro)
		macro = find_dispatched(p, root_of(p)->name, name);
	if (!macro && package)
		macro = find_dispatched(p, package, name);
	return macro ? macro : find_dispatched(p, OWN_PACKAGE, name);
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
		return render_fail(c->render,
			"there is no macro clickhouse__%s nor default__%s%s%s", name, name,
			package ? " in package " : "", package ? package : "");
	c->result = macro_value(c->render, macro);
	return true;
}

static bool call_quote(struct call *c)
{
	struct buf text;

	if (!call_wants(c, 0, VALUE_STRING))
		return false;
	buf_init(&text, 1 << 16);
	clickhouse_quote_name(value_strdup(render_arena(c->render), c->arg[0]), &text);
	c->result = render_text(c->render, text.data, text.len);
	buf_release(&text);
	return true;
}

static bool call_method(struct call *c)
{
	return call_asking(c, self_context(c),
		arena_printf(render_arena(c->render), "adapter.%s", c->function->name));
}

static const struct function methods[] = {
	{"dispatch", "macro_name macro_namespace=", call_dispatch},
	{"quote", "identifier", call_quote},
	{"get_relation", "* **", call_method},
	{"load_relation", "* **", call_method},
	{"get_columns_in_relation", "* **", call_method},
	{"get_missing_columns", "* **", call_method},
	{"list_relations", "* **", call_method},
	{"check_schema_exists", "* **", call_method},
	{"already_exists", "* **", call_method},
	{"create_schema", "* **", call_method},
	{"drop_relation", "* **", call_method},
	{"rename_relation", "* **", call_method},
	{"execute", "* **", call_method},
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
