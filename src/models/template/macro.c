/*
 * Macros: arguments are bound as Jinja2 binds them (what is left over goes to varargs and kwargs
 * where the body uses those), and the body is run in the scope in which the macro was defined.
 */
#include "models/template/render.h"

static const char *name_of(const struct macro *m)
{
	return m->name ? m->name : "caller";
}

/* Takes the keyword argument out of those that are left; absent when it is none of them. */
static struct value take_named(struct dict *left, const char *name)
{
	struct value old;
	return dict_remove(left, value_text(name), &old) ? old : (struct value){0};
}

/* A parameter hides the names around it before it has its value, too: the defaults come last. */
static bool bind_parameters(
	struct render *r, const struct macro *m, const struct args *args, struct dict *left)
{
	struct value *given = arena_alloc(&r->arena, (m->n_parameters + 1) * sizeof *given);

	for (size_t i = 0; i < m->n_parameters; i++) {
		const char *name = m->parameters[i].name;
		given[i] = i < args->n ? args->items[i] : take_named(left, name);
		scope_set(r, name,
			value_given(given[i]) ? given[i]
					      : value_undefined(arena_printf(&r->arena,
							"parameter '%s' was not provided", name)));
	}
	for (size_t i = 0; i < m->n_parameters; i++) {
		struct value v;
		if (value_given(given[i]) || !m->parameters[i].value)
			continue;
		if (!eval(r, m->parameters[i].value, &v))
			return false;
		scope_set(r, m->parameters[i].name, v);
	}
	return true;
}

static bool has_parameter(const struct macro *m, const char *name)
{
	for (size_t i = 0; i < m->n_parameters; i++)
		if (!strcmp(m->parameters[i].name, name))
			return true;
	return false;
}

/* caller, kwargs and varargs, where the body wants them; what nobody takes is an error. */
static bool bind_rest(
	struct render *r, const struct macro *m, const struct args *args, struct dict *left)
{
	size_t n = args->n < m->n_parameters ? args->n : m->n_parameters, i = 0;

	if (m->uses_caller) {
		struct value caller = take_named(left, "caller");
		bool none = !value_given(caller) || caller.kind == VALUE_NONE;
		scope_set(r, "caller", none ? value_undefined("No caller defined") : caller);
	}
	if (m->uses_kwargs && !has_parameter(m, "kwargs"))
		scope_set(r, "kwargs", value_dict(left));
	else if (left->len)
		return render_fail(r, "macro '%s' takes no keyword argument '%s'", name_of(m),
			value_strdup(&r->arena, dict_next(left, &i)->key));
	if (m->uses_varargs && !has_parameter(m, "varargs")) {
		struct list *rest = list_new(&r->arena, args->n - n);
		for (; n < args->n; n++)
			list_append(&r->arena, rest, args->items[n]);
		scope_set(r, "varargs", value_tuple(rest));
	} else if (args->n > n) {
		return render_fail(r, "macro '%s' takes not more than %zu argument(s)", name_of(m),
			m->n_parameters);
	}
	return true;
}

static struct dict *named_of(struct render *r, const struct args *args)
{
	struct dict *named = dict_new(&r->arena);

	for (size_t i = 0; i < args->n_named; i++)
		dict_put_text(&r->arena, named, args->named[i].name, args->named[i].value);
	return named;
}

static bool run(struct render *r, const struct macro *m, const struct args *args, struct value *out)
{
	struct dict *left = named_of(r, args);

	return bind_parameters(r, m, args, left) && bind_rest(r, m, args, left) &&
	       capture(r, &m->body, r->scope, out);
}

static bool call_macro(struct call *c)
{
	struct render *r = c->render;
	const struct macro *m = c->self.callable->macro;
	const struct template *from = r->template;
	struct frame frame = {{name_of(m), from, r->at}, r->frame};
	struct scope *inside = r->scope;
	uint32_t at = r->at;

	r->scope = scope_new(r, c->data);
	r->template = m->template;
	r->frame = &frame;
	bool ok = run(r, m, &c->more, &c->result);
	if (!ok && r->returning && m->name) {
		r->returning = false;
		c->result = r->returned;
		ok = true;
	}
	r->template = from;
	r->frame = frame.outer;
	r->scope = inside;
	r->at = at;
	return ok;
}

static const struct function macro_function = {"macro", "* **", call_macro};

struct value closure_value(struct render *r, const struct macro *macro, struct scope *scope)
{
	struct callable *callable = arena_alloc(&r->arena, sizeof *callable);

	callable->function = &macro_function;
	callable->data = scope;
	r->closures += scope != NULL;
	callable->macro = macro;
	return value_callable(callable);
}

struct value macro_value(struct render *r, const struct macro *macro)
{
	return closure_value(r, macro, NULL);
}
