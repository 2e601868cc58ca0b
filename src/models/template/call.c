/* Calls: arguments are evaluated, bound to the parameters of a signature, and handed over; see
 * call.h. */
#include "models/template/render.h"
#include "base/text.h"

static bool add_positional(struct render *r, struct value more, struct list *out)
{
	struct list *items;

	if (more.kind == VALUE_UNDEFINED)
		return fail_undefined(r, more);
	if (!iterate_all(r, more, &items))
		return false;
	for (size_t i = 0; i < items->len; i++)
		list_append(&r->arena, out, items->items[i]);
	return true;
}

/* The names of **kwargs; those before it must not come again. */
static bool add_named(struct render *r, struct value more, struct dict *out)
{
	size_t i = 0;

	if (more.kind == VALUE_UNDEFINED)
		return fail_undefined(r, more);
	if (more.kind != VALUE_DICT)
		return render_fail(
			r, "argument after ** must be a mapping, not %s", value_type(more));
	for (struct dict_entry *entry; (entry = dict_next(more.dict, &i));) {
		if (entry->key.kind != VALUE_STRING)
			return render_fail(r, "keywords must be strings");
		if (dict_find(out, entry->key))
			return render_fail(r, "got multiple values for keyword argument '%.*s'",
				(int)entry->key.len, entry->key.s);
		dict_put(&r->arena, out, entry->key, entry->value);
	}
	return true;
}

static void put_args(
	struct render *r, const struct list *positional, const struct dict *named, struct args *out)
{
	struct named_value *names = arena_alloc(&r->arena, (named->len + 1) * sizeof *names);
	size_t i = 0, n = 0;

	for (struct dict_entry *entry; (entry = dict_next(named, &i));)
		names[n++] = (struct named_value){
			value_strdup(&r->arena, entry->key), entry->value};
	*out = (struct args){positional->items, positional->len, names, n};
}

bool eval_arguments(
	struct render *r, const struct arguments *a, struct value *caller, struct args *out)
{
	struct list *positional = list_new(&r->arena, a->n_positional);
	struct dict named = {0};
	struct value v;
	uint32_t at = r->at;

	for (size_t i = 0; i < a->n_positional; i++) {
		if (!eval(r, a->positional[i], &v))
			return false;
		list_append(&r->arena, positional, v);
	}
	if (a->more_positional &&
		(!eval(r, a->more_positional, &v) || !add_positional(r, v, positional)))
		return false;
	for (size_t i = 0; i < a->n_keywords; i++) {
		if (!eval(r, a->keywords[i].value, &v))
			return false;
		r->at = at;
		if (value_given(dict_get_text(&named, a->keywords[i].name)))
			return render_fail(r, "keyword argument repeated: %s", a->keywords[i].name);
		dict_put_text(&r->arena, &named, a->keywords[i].name, v);
	}
	if (caller)
		dict_put_text(&r->arena, &named, "caller", *caller);
	if (a->more_keywords && (!eval(r, a->more_keywords, &v) || !add_named(r, v, &named)))
		return false;
	put_args(r, positional, &named, out);
	return true;
}

bool eval_call(struct render *r, const struct expr *e, struct value *caller, struct value *out)
{
	struct value callee;
	struct args args;

	if (!eval(r, e->call.callee, &callee))
		return false;
	r->at = e->at;
	if (callee.kind == VALUE_UNDEFINED)
		return fail_undefined(r, callee);
	if (!eval_arguments(r, &e->call.arguments, caller, &args))
		return false;
	r->at = e->at;
	return render_call(r, callee, &args, out);
}

bool render_call(
	struct render *r, struct value callable, const struct args *args, struct value *out)
{
	if (callable.kind == VALUE_UNDEFINED)
		return fail_undefined(r, callable);
	if (callable.kind == VALUE_OBJECT && callable.object->ops->call)
		return call_function(r, callable.object->ops->call, NULL, callable, args, out);
	if (callable.kind != VALUE_CALLABLE)
		return render_fail(r, "'%s' object is not callable", value_type(callable));
	const struct callable *c = callable.callable;
	return call_function(r, c->function, c, c->self, args, out);
}

/* The words of a signature, one after the other. */
struct parameter_word {
	const char *name;
	size_t len;
	bool optional;
};

static bool next_word(const char **at, struct parameter_word *out)
{
	*at += strspn(*at, " ");
	out->name = *at;
	out->len = strcspn(*at, " =");
	*at += out->len;
	out->optional = **at == '=';
	*at += out->optional;
	return out->len > 0 && out->name[0] != '*';
}

static size_t count_words(const char *signature)
{
	struct parameter_word word;
	size_t n = 0;

	while (next_word(&signature, &word))
		n++;
	return n;
}

static bool bind_named(
	struct call *c, const struct args *args, const struct named_value *named, bool *taken)
{
	const char *at = c->function->signature;
	struct parameter_word word;

	*taken = false;
	for (size_t i = 0; next_word(&at, &word); i++) {
		if (strncmp(named->name, word.name, word.len) || named->name[word.len])
			continue;
		if (i < args->n)
			return render_fail(c->render, "%s() got multiple values for argument '%s'",
				c->function->name, named->name);
		c->arg[i] = named->value;
		*taken = true;
		return true;
	}
	return true;
}

static bool bind_all_named(struct call *c, const struct args *args, bool any)
{
	struct named_value *more = NULL;

	for (size_t i = 0; i < args->n_named; i++) {
		bool taken;
		if (!bind_named(c, args, &args->named[i], &taken))
			return false;
		if (taken)
			continue;
		if (!any)
			return render_fail(c->render,
				"%s() got an unexpected keyword argument '%s'", c->function->name,
				args->named[i].name);
		if (!more)
			more = arena_alloc(&c->render->arena, args->n_named * sizeof *more);
		more[c->more.n_named++] = args->named[i];
	}
	c->more.named = more;
	return true;
}

static bool bind(struct call *c, const struct args *args)
{
	const char *signature = c->function->signature, *at = signature,
		   *star = strchr(signature, '*');
	struct parameter_word word;
	size_t n = count_words(signature);
	bool any = star && star[1] != '*', any_named = star && strstr(star, "**");

	if (args->n > n && !any)
		return render_fail(c->render, "%s() takes %s%zu argument%s but %zu were given",
			c->function->name, strchr(signature, '=') ? "at most " : "", n, plural(n),
			args->n);
	for (size_t i = 0; i < n && i < args->n; i++)
		c->arg[i] = args->items[i];
	if (args->n > n)
		c->more = (struct args){.items = args->items + n, .n = args->n - n};
	if (!bind_all_named(c, args, any_named))
		return false;
	for (size_t i = 0; next_word(&at, &word); i++)
		if (!word.optional && !value_given(c->arg[i]))
			return render_fail(c->render, "%s() missing required argument '%.*s'",
				c->function->name, (int)word.len, word.name);
	return true;
}

bool call_function(struct render *r, const struct function *f, const struct callable *callable,
	struct value self, const struct args *args, struct value *out)
{
	struct call c = {.render = r, .function = f, .self = self, .result = value_none()};
	bool ok;

	if (callable)
		c.data = callable->data;
	if (!render_enter(r))
		return false;
	if (callable && callable->macro) {
		c.more = *args;
		c.self = value_callable(callable);
		ok = f->call(&c);
	} else {
		ok = bind(&c, args) && f->call(&c);
	}
	render_leave(r);
	*out = c.result;
	return ok;
}

bool call_wants(struct call *c, size_t i, enum value_kind kind)
{
	struct value v = c->arg[i];
	const char *at = c->function->signature;
	struct parameter_word word = {0};

	if (!value_given(v) || v.kind == kind)
		return true;
	if (v.kind == VALUE_UNDEFINED)
		return fail_undefined(c->render, v);
	for (size_t k = 0; k <= i && next_word(&at, &word); k++)
		;
	struct value wanted = {.kind = kind};
	return render_fail(c->render, "%s() wants %s as '%.*s', not %s", c->function->name,
		value_type(wanted), (int)word.len, word.name, value_type(v));
}

bool call_integer(struct call *c, size_t i, int64_t otherwise, int64_t *out)
{
	*out = otherwise;
	if (!value_given(c->arg[i]) || integer_of(c->arg[i], out))
		return true;
	return call_wants(c, i, VALUE_INT);
}
