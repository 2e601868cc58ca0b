/* Filters of lists and dicts that give a value at once; see builtins.h. */
#include <sys/random.h>
#include "models/template/builtins.h"
#include "models/template/getter.h"
#include "models/template/unicode.h"

static bool filter_list(struct call *c)
{
	struct list *items;

	if (!iterate_all(c->render, c->self, &items))
		return false;
	c->result = value_list(items);
	return true;
}

static bool filter_length(struct call *c)
{
	size_t n;

	if (!length_of(c->render, c->self, &n))
		return false;
	c->result = value_int((int64_t)n);
	return true;
}

static bool filter_first(struct call *c)
{
	struct iterator *it;

	if (!iterate_open(c->render, c->self, &it))
		return false;
	enum next next = iterate_next(c->render, it, &c->result);
	if (next == NEXT_END)
		c->result = value_undefined("No first item, sequence was empty.");
	return next != NEXT_FAILED;
}

/* Another one each time: what is made of it is never the same twice. */
static bool filter_random(struct call *c)
{
	struct list *items;
	uint64_t number;

	if (!iterate_all(c->render, c->self, &items))
		return false;
	if (getrandom(&number, sizeof number, 0) != sizeof number)
		return render_fail(c->render, "random: the system gives no random numbers");
	c->result = items->len ? items->items[number % items->len]
			       : value_undefined("No random item, sequence was empty.");
	return true;
}

static bool filter_last(struct call *c)
{
	struct list *items;

	if (!has_length(c->self))
		return render_fail(c->render, "'%s' object is not reversible", value_type(c->self));
	if (!iterate_all(c->render, c->self, &items))
		return false;
	c->result = items->len ? items->items[items->len - 1]
			       : value_undefined("No last item, sequence was empty.");
	return true;
}

static bool join(
	struct call *c, const struct getter *getter, struct value separator, struct buf *out)
{
	struct render *r = c->render;
	struct iterator *it;
	struct value item;
	enum next next;
	size_t n = 0;

	if (!iterate_open(r, c->self, &it))
		return false;
	while ((next = iterate_next(r, it, &item)) == NEXT_ITEM) {
		if (!getter_get(r, getter, item, &item) ||
			(n++ && !render_append(r, out, separator.s, separator.len)) ||
			!render_str(r, item, out))
			return false;
	}
	return next == NEXT_END && render_room(r, out->len);
}

static bool filter_join(struct call *c)
{
	struct getter getter = {0};
	struct value separator = value_text("");
	struct buf out;

	if (!getter_init(c->render, &getter, c->arg[1]) ||
		(value_given(c->arg[0]) && !str_of(c->render, c->arg[0], &separator)))
		return false;
	render_buf(c->render, &out);
	bool ok = join(c, &getter, separator, &out);
	if (ok)
		c->result = render_take(c->render, &out);
	buf_release(&out);
	return ok;
}

/* Text backwards; else an iterator, or a list where it was gone through for good. */
static bool filter_reverse(struct call *c)
{
	struct list *items;

	if (!has_length(c->self) && c->self.kind != VALUE_ITERATOR)
		return render_fail(c->render, "argument must be iterable");
	if (!iterate_all(c->render, c->self, &items))
		return false;
	for (size_t i = 0; i < items->len / 2; i++) {
		struct value swapped = items->items[i];
		items->items[i] = items->items[items->len - 1 - i];
		items->items[items->len - 1 - i] = swapped;
	}
	c->result = value_list(items);
	if (c->self.kind == VALUE_STRING) {
		struct getter itself = {0};
		struct buf out;
		if (!getter_init(c->render, &itself, (struct value){0}))
			return false;
		c->self = c->result;
		render_buf(c->render, &out);
		bool ok = join(c, &itself, value_text(""), &out);
		c->result = render_take(c->render, &out);
		return ok;
	}
	return c->self.kind == VALUE_ITERATOR || iterator_over(c->render, items, &c->result);
}

/* The keys of several attributes, separated by commas, are lists. */
static bool sort_key(struct render *r, const struct getter *getters, size_t n, struct value item,
	struct value *out)
{
	struct list *keys = list_new(&r->arena, n);

	for (size_t i = 0; i < n; i++) {
		struct value key;
		if (!getter_get(r, &getters[i], item, &key))
			return false;
		list_append(&r->arena, keys, key);
	}
	*out = n == 1 ? keys->items[0] : value_list(keys);
	return true;
}

#define SORT_ATTRIBUTES 16

static bool sort_getters(
	struct call *c, struct value attribute, bool fold_case, struct getter *getters, size_t *n)
{
	*n = 0;
	for (size_t at = 0, start = 0; attribute.kind == VALUE_STRING && at <= attribute.len;
		at++) {
		if (at < attribute.len && attribute.s[at] != ',')
			continue;
		if (*n == SORT_ATTRIBUTES)
			return render_fail(
				c->render, "sort takes up to %d attributes", SORT_ATTRIBUTES);
		getters[*n] = (struct getter){.fold_case = fold_case};
		if (!getter_init(c->render, &getters[(*n)++],
			    value_bytes(attribute.s + start, at - start)))
			return false;
		start = at + 1;
	}
	if (*n)
		return true;
	*n = 1;
	getters[0] = (struct getter){.fold_case = fold_case};
	return getter_init(c->render, &getters[0], attribute);
}

static bool filter_sort(struct call *c)
{
	struct getter getters[SORT_ATTRIBUTES];
	struct list *items, *keys = list_new(&c->render->arena, 0);
	size_t n;

	if (!sort_getters(c, c->arg[2], !value_truth(c->arg[1]), getters, &n) ||
		!iterate_all(c->render, c->self, &items))
		return false;
	for (size_t i = 0; i < items->len; i++) {
		struct value key;
		if (!sort_key(c->render, getters, n, items->items[i], &key))
			return false;
		list_append(&c->render->arena, keys, key);
	}
	c->result = value_list(items);
	return sort_values(
		c->render, items->items, keys->items, items->len, value_truth(c->arg[0]));
}

static bool filter_dictsort(struct call *c)
{
	struct render *r = c->render;
	struct value by = value_given(c->arg[1]) ? c->arg[1] : value_text("key");
	bool by_value = value_is_text(by, "value"), fold_case = !value_truth(c->arg[0]);
	struct list *items, *keys = list_new(&r->arena, 0);

	if (!by_value && !value_is_text(by, "key"))
		return render_fail(r, "You can only sort by either \"key\" or \"value\"");
	if (c->self.kind == VALUE_UNDEFINED)
		return fail_undefined(r, c->self);
	if (c->self.kind != VALUE_DICT)
		return render_fail(r, "'%s' object has no attribute 'items'", value_type(c->self));
	if (!iterate_all(r, view_new(r, c->self.dict, VIEW_ITEMS), &items))
		return false;
	for (size_t i = 0; i < items->len; i++) {
		struct value key = items->items[i].list->items[by_value];
		if (fold_case && key.kind == VALUE_STRING)
			key = lower_of(r, key);
		list_append(&r->arena, keys, key);
	}
	c->result = value_list(items);
	return sort_values(r, items->items, keys->items, items->len, value_truth(c->arg[2]));
}

static bool extreme(struct call *c, bool greatest)
{
	struct render *r = c->render;
	struct getter getter = {.fold_case = !value_truth(c->arg[0])};
	struct value item, key, best = {0};
	struct iterator *it;
	enum next next;

	if (!getter_init(r, &getter, c->arg[1]) || !iterate_open(r, c->self, &it))
		return false;
	c->result = value_undefined("No aggregated item, sequence was empty.");
	while ((next = iterate_next(r, it, &item)) == NEXT_ITEM) {
		bool better = true;
		if (!getter_get(r, &getter, item, &key))
			return false;
		if (value_given(best) &&
			!(greatest ? less(r, best, key, &better) : less(r, key, best, &better)))
			return false;
		if (!better)
			continue;
		best = key;
		c->result = item;
	}
	return next == NEXT_END;
}

static bool filter_min(struct call *c)
{
	return extreme(c, false);
}

static bool filter_max(struct call *c)
{
	return extreme(c, true);
}

static bool filter_sum(struct call *c)
{
	struct render *r = c->render;
	struct getter getter = {0};
	struct iterator *it;
	struct value item;
	enum next next;

	c->result = value_given(c->arg[1]) ? c->arg[1] : value_int(0);
	if (c->result.kind == VALUE_STRING)
		return render_fail(r, "sum() can't sum strings [use ''.join(seq) instead]");
	if (!getter_init(r, &getter, c->arg[0]) || !iterate_open(r, c->self, &it))
		return false;
	while ((next = iterate_next(r, it, &item)) == NEXT_ITEM)
		if (!getter_get(r, &getter, item, &item) ||
			!operate(r, OP_ADD, c->result, item, &c->result))
			return false;
	return next == NEXT_END;
}

/* A group: a tuple of what its items have in common, and the list of them. */
static struct value new_group(struct render *r, struct value key, struct list **items)
{
	static const char *const fields[] = {"grouper", "list"};
	struct list *group = list_new(&r->arena, 2);

	*items = list_new(&r->arena, 0);
	group->fields = fields;
	list_append(&r->arena, group, key);
	list_append(&r->arena, group, value_list(*items));
	return value_tuple(group);
}

static bool filter_groupby(struct call *c)
{
	struct render *r = c->render;
	struct getter getter = {.otherwise = c->arg[1]}, folded = {.otherwise = c->arg[1]};
	struct list *items, *keys = list_new(&r->arena, 0), *groups = list_new(&r->arena, 0),
			    *group = NULL;
	struct value key, previous = {0};

	folded.fold_case = !value_truth(c->arg[2]);
	if (!getter_init(r, &getter, c->arg[0]) || !getter_init(r, &folded, c->arg[0]) ||
		!iterate_all(r, c->self, &items))
		return false;
	for (size_t i = 0; i < items->len; i++) {
		if (!getter_get(r, &folded, items->items[i], &key))
			return false;
		list_append(&r->arena, keys, key);
	}
	if (!sort_values(r, items->items, keys->items, items->len, false))
		return false;
	for (size_t i = 0; i < items->len; i++) {
		bool same = false;
		if (group && !render_equal(r, previous, keys->items[i], &same))
			return false;
		if (!same && !getter_get(r, &getter, items->items[i], &key))
			return false;
		if (!same)
			list_append(&r->arena, groups, new_group(r, key, &group));
		list_append(&r->arena, group, items->items[i]);
		previous = keys->items[i];
	}
	c->result = value_list(groups);
	return true;
}

static const struct function table[] = {
	{"list", "", filter_list},
	{"length", "", filter_length},
	{"count", "", filter_length},
	{"first", "", filter_first},
	{"last", "", filter_last},
	{"random", "", filter_random},
	{"join", "d= attribute=", filter_join},
	{"reverse", "", filter_reverse},
	{"sort", "reverse= case_sensitive= attribute=", filter_sort},
	{"dictsort", "case_sensitive= by= reverse=", filter_dictsort},
	{"min", "case_sensitive= attribute=", filter_min},
	{"max", "case_sensitive= attribute=", filter_max},
	{"sum", "attribute= start=", filter_sum},
	{"groupby", "attribute default= case_sensitive=", filter_groupby},
};
const struct functions filters_of_lists = {table, COUNT_OF(table)};
