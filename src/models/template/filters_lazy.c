/*
 * Filters that give an iterator, which works as it is gone through: map, select, reject,
 * selectattr, rejectattr, unique, items, batch, slice; see builtins.h. An empty or undefined value
 * gives nothing.
 */
#include "models/template/builtins.h"
#include "models/template/getter.h"

/* What an iterator does with each item of `of`. */
struct lazy {
	struct iterator *items; /* opened by the first item */
	struct getter getter;
	const struct function *function; /* NULL: the item itself */
	struct args args;
	bool wanted; /* of a select: what the test must say */
	struct dict *seen;
	int64_t size; /* of a batch */
	struct value fill;
};

static enum next next_inner(struct render *r, struct iterator *it, struct value *item)
{
	struct lazy *lazy = it->data;

	if (!lazy->items) {
		if (!value_truth(it->of))
			return NEXT_END;
		if (!iterate_open(r, it->of, &lazy->items))
			return NEXT_FAILED;
	}
	return iterate_next(r, lazy->items, item);
}

static bool lazy_value(struct call *c, const struct lazy *lazy, next_fn *next)
{
	struct lazy *kept = arena_alloc(&c->render->arena, sizeof *kept);

	*kept = *lazy;
	c->result = iterator_new(c->render, next, c->self, kept);
	return true;
}

/* The filter or test that an argument names, and the arguments behind it. */
static bool take_function(struct call *c, size_t i, const char *what, struct lazy *lazy)
{
	struct value name = c->more.items[i];
	bool filter = !strcmp(what, "filter");

	if (name.kind == VALUE_UNDEFINED)
		return render_fail(c->render,
			"No %s named Undefined. (%s; did you forget to quote the callable name?)",
			what, name.why);
	if (name.kind == VALUE_STRING) {
		const char *text = value_strdup(&c->render->arena, name);
		lazy->function = filter ? builtin_filter(text) : builtin_test(text);
	}
	if (!lazy->function)
		return render_fail(c->render, "No %s named '%.*s'.", what,
			name.kind == VALUE_STRING ? (int)name.len : 1,
			name.kind == VALUE_STRING ? name.s : "?");
	lazy->args = c->more;
	lazy->args.items += i + 1;
	lazy->args.n -= i + 1;
	return true;
}

static enum next next_mapped(struct render *r, struct iterator *it, struct value *item)
{
	struct lazy *lazy = it->data;
	enum next next = next_inner(r, it, item);

	if (next != NEXT_ITEM)
		return next;
	bool ok = lazy->function ? call_function(r, lazy->function, NULL, *item, &lazy->args, item)
				 : getter_get(r, &lazy->getter, *item, item);
	return ok ? NEXT_ITEM : NEXT_FAILED;
}

static bool filter_map(struct call *c)
{
	struct lazy lazy = {0};
	struct value attribute = {0};

	if (!c->more.n) {
		for (size_t i = 0; i < c->more.n_named; i++) {
			const struct named_value *named = &c->more.named[i];
			if (!strcmp(named->name, "attribute"))
				attribute = named->value;
			else if (!strcmp(named->name, "default"))
				lazy.getter.otherwise = named->value;
			else
				return render_fail(
					c->render, "Unexpected keyword argument '%s'", named->name);
		}
		if (!value_given(attribute))
			return render_fail(c->render, "map requires a filter argument");
		return getter_init(c->render, &lazy.getter, attribute) &&
		       lazy_value(c, &lazy, next_mapped);
	}
	return take_function(c, 0, "filter", &lazy) && lazy_value(c, &lazy, next_mapped);
}

static enum next next_selected(struct render *r, struct iterator *it, struct value *item)
{
	struct lazy *lazy = it->data;
	struct value tested;
	enum next next;

	while ((next = next_inner(r, it, item)) == NEXT_ITEM) {
		if (!getter_get(r, &lazy->getter, *item, &tested))
			return NEXT_FAILED;
		if (lazy->function &&
			!call_function(r, lazy->function, NULL, tested, &lazy->args, &tested))
			return NEXT_FAILED;
		if (value_truth(tested) == lazy->wanted)
			break;
	}
	return next;
}

static bool select(struct call *c, bool wanted, bool by_attribute)
{
	struct lazy lazy = {.wanted = wanted};
	struct value attribute = {0};

	if (by_attribute && !c->more.n)
		return render_fail(c->render, "Missing parameter for attribute name");
	if (by_attribute)
		attribute = c->more.items[0];
	if (!getter_init(c->render, &lazy.getter, attribute))
		return false;
	if (c->more.n > by_attribute && !take_function(c, by_attribute, "test", &lazy))
		return false;
	return lazy_value(c, &lazy, next_selected);
}

static bool filter_select(struct call *c)
{
	return select(c, true, false);
}

static bool filter_reject(struct call *c)
{
	return select(c, false, false);
}

static bool filter_selectattr(struct call *c)
{
	return select(c, true, true);
}

static bool filter_rejectattr(struct call *c)
{
	return select(c, false, true);
}

static enum next next_unique(struct render *r, struct iterator *it, struct value *item)
{
	struct lazy *lazy = it->data;
	struct value key;
	enum next next;

	while ((next = iterate_next(r, lazy->items, item)) == NEXT_ITEM) {
		if (!getter_get(r, &lazy->getter, *item, &key))
			return NEXT_FAILED;
		if (!value_is_key(key)) {
			render_fail(r, "unhashable type: '%s'", value_type(key));
			return NEXT_FAILED;
		}
		if (dict_find(lazy->seen, key))
			continue;
		dict_put(&r->arena, lazy->seen, key, value_none());
		break;
	}
	return next;
}

static bool filter_unique(struct call *c)
{
	struct lazy lazy = {.seen = dict_new(&c->render->arena)};

	lazy.getter.fold_case = !value_truth(c->arg[0]);
	return iterate_open(c->render, c->self, &lazy.items) &&
	       getter_init(c->render, &lazy.getter, c->arg[1]) && lazy_value(c, &lazy, next_unique);
}

static bool filter_items(struct call *c)
{
	struct list *none = list_new(&c->render->arena, 0);

	if (c->self.kind == VALUE_UNDEFINED)
		return iterator_over(c->render, none, &c->result);
	if (c->self.kind != VALUE_DICT)
		return render_fail(c->render, "Can only get item pairs from a mapping.");
	c->result.kind = VALUE_ITERATOR;
	return iterate_open(
		c->render, view_new(c->render, c->self.dict, VIEW_ITEMS), &c->result.iterator);
}

static enum next next_batch(struct render *r, struct iterator *it, struct value *item)
{
	struct lazy *lazy = it->data;
	struct list *batch = list_new(&r->arena, 0);
	struct value one;
	enum next next = NEXT_END;

	while ((int64_t)batch->len < lazy->size &&
		(next = iterate_next(r, lazy->items, &one)) == NEXT_ITEM)
		list_append(&r->arena, batch, one);
	if (next == NEXT_FAILED || !batch->len)
		return next;
	bool fill = value_given(lazy->fill) && lazy->fill.kind != VALUE_NONE;
	while (fill && (int64_t)batch->len < lazy->size) {
		if (!render_charge(r, 1))
			return NEXT_FAILED;
		list_append(&r->arena, batch, lazy->fill);
	}
	*item = value_list(batch);
	return NEXT_ITEM;
}

static bool filter_batch(struct call *c)
{
	struct lazy lazy = {.fill = c->arg[1]};

	if (!call_integer(c, 0, 0, &lazy.size))
		return false;
	if (lazy.size < 1)
		return render_fail(c->render, "batch wants a number of items above 0");
	return iterate_open(c->render, c->self, &lazy.items) && lazy_value(c, &lazy, next_batch);
}

static bool filter_slice(struct call *c)
{
	struct render *r = c->render;
	struct list *items, *slices = list_new(&r->arena, 0);
	bool fill = value_given(c->arg[1]) && c->arg[1].kind != VALUE_NONE;
	int64_t n;
	size_t at = 0;

	if (!call_integer(c, 0, 0, &n) || !iterate_all(r, c->self, &items))
		return false;
	if (!n)
		return render_fail(r, "integer division or modulo by zero");
	for (int64_t i = 0; i < n; i++) {
		size_t each = items->len / (size_t)n, larger = items->len % (size_t)n;
		struct list *slice = list_new(&r->arena, 0);
		if (!render_charge(r, 1))
			return false;
		for (size_t k = 0; k < each + ((size_t)i < larger); k++)
			list_append(&r->arena, slice, items->items[at++]);
		if (fill && (size_t)i >= larger)
			list_append(&r->arena, slice, c->arg[1]);
		list_append(&r->arena, slices, value_list(slice));
	}
	return iterator_over(r, slices, &c->result);
}

static const struct function table[] = {
	{"map", "* **", filter_map},
	{"select", "* **", filter_select},
	{"reject", "* **", filter_reject},
	{"selectattr", "* **", filter_selectattr},
	{"rejectattr", "* **", filter_rejectattr},
	{"unique", "case_sensitive= attribute=", filter_unique},
	{"items", "", filter_items},
	{"batch", "linecount fill_with=", filter_batch},
	{"slice", "slices fill_with=", filter_slice},
};
const struct functions filters_lazy = {table, COUNT_OF(table)};
