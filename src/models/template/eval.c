/* Expressions: a function for each kind stands in a table; see render.h. */
#include "models/template/builtins.h"
#include "models/template/render.h"

static bool eval_constant(struct render *r, const struct expr *e, struct value *out)
{
	(void)r;
	*out = e->constant;
	return true;
}

static bool eval_too_large(struct render *r, const struct expr *e, struct value *out)
{
	(void)e;
	(void)out;
	return render_fail(r, "integers have 64 bits here: this one does not fit");
}

static bool eval_name(struct render *r, const struct expr *e, struct value *out)
{
	struct value key = value_text(e->name);

	for (struct scope *scope = r->scope; scope; scope = scope->outer) {
		struct value *found = dict_find(&scope->names, key);
		if (!found)
			continue;
		*out = *found;
		return true;
	}
	*out = (struct value){0};
	if (r->host->global && r->host->global(r->host, r, e->name, out))
		return value_given(*out);
	const struct function *function = functions_find(globals, e->name);
	*out = function ? function_value(&r->arena, function, NULL)
			: value_undefined(arena_printf(&r->arena, "'%s' is undefined", e->name));
	return true;
}

static bool eval_list(struct render *r, const struct expr *e, struct value *out)
{
	struct list *list = list_new(&r->arena, e->items.n);

	for (size_t i = 0; i < e->items.n; i++) {
		struct value item;
		if (!eval(r, e->items.items[i], &item))
			return false;
		list_append(&r->arena, list, item);
	}
	*out = e->kind == EXPR_LIST ? value_list(list) : value_tuple(list);
	return true;
}

static bool eval_dict(struct render *r, const struct expr *e, struct value *out)
{
	struct dict *dict = dict_new(&r->arena);

	for (size_t i = 0; i < e->items.n; i += 2) {
		struct value key, value;
		if (!eval(r, e->items.items[i], &key) || !eval(r, e->items.items[i + 1], &value))
			return false;
		r->at = e->items.items[i]->at;
		if (!value_is_key(key))
			return render_fail(r, "unhashable type: '%s'", value_type(key));
		dict_put(&r->arena, dict, key, value);
	}
	*out = value_dict(dict);
	return true;
}

static bool eval_concat(struct render *r, const struct expr *e, struct value *out)
{
	struct buf text;
	bool ok = true;

	render_buf(r, &text);
	for (size_t i = 0; ok && i < e->items.n; i++) {
		struct value item;
		ok = eval(r, e->items.items[i], &item);
		r->at = e->at;
		ok = ok && render_str(r, item, &text);
	}
	ok = ok && render_room(r, text.len);
	if (ok)
		*out = render_take(r, &text);
	buf_release(&text);
	return ok;
}

static bool eval_attribute(struct render *r, const struct expr *e, struct value *out)
{
	struct value of;

	if (!eval(r, e->attribute.of, &of))
		return false;
	r->at = of.kind == VALUE_UNDEFINED ? e->attribute.of->at : e->at;
	return render_attribute(r, of, e->attribute.name, out);
}

static bool eval_item(struct render *r, const struct expr *e, struct value *out)
{
	struct value of, index;

	if (!eval(r, e->item.of, &of) || !eval(r, e->item.index, &index))
		return false;
	r->at = e->at;
	return render_item(r, of, index, out);
}

static bool eval_plain_call(struct render *r, const struct expr *e, struct value *out)
{
	return eval_call(r, e, NULL, out);
}

bool eval_applied(struct render *r, const struct expr *e, struct value of, struct value *out)
{
	struct args args;

	if (!eval_arguments(r, &e->applied.arguments, NULL, &args))
		return false;
	r->at = e->at;
	if (!e->applied.function)
		return render_fail(r, "No %s named '%s' found.",
			e->kind == EXPR_FILTER ? "filter" : "test", e->applied.name);
	return call_function(r, e->applied.function, NULL, of, &args, out);
}

static bool eval_filter(struct render *r, const struct expr *e, struct value *out)
{
	struct value of;
	return eval(r, e->applied.of, &of) && eval_applied(r, e, of, out);
}

bool eval_captured(
	struct render *r, const struct expr *filters, struct value text, struct value *out)
{
	struct value of = text;

	if (!render_enter(r))
		return false;
	bool ok = !filters->applied.of || eval_captured(r, filters->applied.of, text, &of);
	render_leave(r);
	return ok && eval_applied(r, filters, of, out);
}

static bool eval_unary(struct render *r, const struct expr *e, struct value *out)
{
	struct value v;
	int64_t i;

	if (!eval(r, e->binary.right, &v))
		return false;
	r->at = e->at;
	if (v.kind == VALUE_UNDEFINED)
		return fail_undefined(r, v);
	bool minus = e->binary.operation == OP_SUB;
	if (v.kind == VALUE_FLOAT) {
		*out = value_float(minus ? -v.f : v.f);
		return true;
	}
	if (!integer_of(v, &i))
		return render_fail(
			r, "bad operand type for unary %c: '%s'", minus ? '-' : '+', value_type(v));
	return operate(r, minus ? OP_SUB : OP_ADD, value_int(0), value_int(i), out);
}

static bool eval_and_or(struct render *r, const struct expr *e, struct value *out)
{
	if (!eval(r, e->binary.left, out))
		return false;
	if (value_truth(*out) == (e->kind == EXPR_OR))
		return true;
	return eval(r, e->binary.right, out);
}

static bool eval_not(struct render *r, const struct expr *e, struct value *out)
{
	struct value v;

	if (!eval(r, e->binary.right, &v))
		return false;
	*out = value_bool(!value_truth(v));
	return true;
}

static bool eval_conditional(struct render *r, const struct expr *e, struct value *out)
{
	struct value test;

	if (!eval(r, e->conditional.test, &test))
		return false;
	if (value_truth(test))
		return eval(r, e->conditional.yes, out);
	if (e->conditional.no)
		return eval(r, e->conditional.no, out);
	*out = value_undefined(e->conditional.why);
	return true;
}

typedef bool eval_fn(struct render *r, const struct expr *e, struct value *out);
static eval_fn *const evaluators[] = {
	[EXPR_CONSTANT] = eval_constant,
	[EXPR_TOO_LARGE] = eval_too_large,
	[EXPR_NAME] = eval_name,
	[EXPR_LIST] = eval_list,
	[EXPR_TUPLE] = eval_list,
	[EXPR_DICT] = eval_dict,
	[EXPR_CONCAT] = eval_concat,
	[EXPR_ATTRIBUTE] = eval_attribute,
	[EXPR_ITEM] = eval_item,
	[EXPR_SLICE] = eval_slice,
	[EXPR_CALL] = eval_plain_call,
	[EXPR_FILTER] = eval_filter,
	[EXPR_TEST] = eval_filter,
	[EXPR_UNARY] = eval_unary,
	[EXPR_ARITHMETIC] = eval_arithmetic,
	[EXPR_COMPARE] = eval_compare,
	[EXPR_AND] = eval_and_or,
	[EXPR_OR] = eval_and_or,
	[EXPR_NOT] = eval_not,
	[EXPR_CONDITIONAL] = eval_conditional,
};

bool eval(struct render *r, const struct expr *e, struct value *out)
{
	r->at = e->at;
	if (!render_enter(r))
		return false;
	bool ok = render_charge(r, 1) && evaluators[e->kind](r, e, out);
	render_leave(r);
	return ok;
}
