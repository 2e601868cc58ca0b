/*
 * The names that a template of a project sees: what its node brings, macros (its package's, the root's,
 * tailrace's own), packages as namespaces of theirs, then the tables of globals.
 */
#include "models/internal.h"

/* package.macro */
struct namespace
{
	struct object object;
	const struct context *context;
	const char *package;
};

static bool get_macro(struct render *r, struct object *self, const char *name, struct value *out)
{
	struct namespace *namespace = (struct namespace *)self;
	const struct context *c = namespace->context;
	const struct macro *macro = project_macro(c->project, namespace->package, name);

	*out = unit_override(c, r, namespace->package, name);
	if (value_given(*out))
		return true;
	if (macro)
		*out = macro_value(r, macro);
	return macro;
}

static const struct object_ops namespace_ops = {.type = "package", .get = get_macro};

static bool find_package(
	const struct context *c, struct render *r, const char *name, struct value *out)
{
	vec_each (&c->project->packages, it) {
		if (strcmp((*it)->name, name) != 0)
			continue;
		struct namespace *namespace = arena_alloc(render_arena(r), sizeof *namespace);
		*namespace = (struct namespace){{&namespace_ops}, c, (*it)->name};
		*out = value_object(&namespace->object);
		return true;
	}
	return false;
}

static const struct macro *find_macro(const struct context *c, const char *name)
{
	const struct macro *macro = project_macro(c->project, c->package->name, name);

	if (!macro)
		macro = project_macro(c->project, root_of(c->project)->name, name);
	return macro ? macro : project_macro(c->project, OWN_PACKAGE, name);
}

static const struct global *find_global(const char *name)
{
	static const struct globals *const tables[] = {
		&globals_of_project, &globals_of_run, &globals_of_asking, &globals_of_values};

	for (size_t t = 0; t < COUNT_OF(tables); t++)
		for (size_t i = 0; i < tables[t]->n; i++)
			if (strcmp(tables[t]->items[i].function.name, name) == 0)
				return &tables[t]->items[i];
	return NULL;
}

static bool global(struct host *host, struct render *r, const char *name, struct value *out)
{
	struct context *c = (struct context *)host;
	const struct macro *macro;
	const struct global *found;

	if (c->more)
		*out = dict_get_text(c->more, name);
	if (!value_given(*out))
		*out = unit_override(c, r, NULL, name);
	if (value_given(*out))
		return true;
	macro = find_macro(c, name);
	if (macro) {
		*out = macro_value(r, macro);
		return true;
	}
	found = find_global(name);
	if (!found)
		return find_package(c, r, name, out);
	*out = function_value(render_arena(r), &found->function, c);
	if (found->is_value) {
		struct value function = *out;
		if (!render_call(r, function, &(struct args){0}, out))
			*out = (struct value){0};
	}
	return true;
}

void context_init(struct context *c, const struct project *p, const struct package *package,
	struct node *node)
{
	*c = (struct context){.host.global = global,
		.project = p,
		.package = package,
		.node = node,
		.options = &compile_nothing};
}

bool method_get(struct render *r, struct object *self, struct methods methods, const char *name,
	struct value *out)
{
	for (size_t i = 0; i < methods.n; i++) {
		if (strcmp(methods.items[i].name, name) != 0)
			continue;
		*out = method_value(render_arena(r), &methods.items[i], value_object(self));
		return true;
	}
	return false;
}

struct value context_object(struct call *c, const struct object_ops *ops)
{
	struct context_object *object = arena_alloc(render_arena(c->render), sizeof *object);

	object->object.ops = ops;
	object->context = context_of(c);
	return value_object(&object->object);
}
