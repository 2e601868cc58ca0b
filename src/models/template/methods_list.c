/* Methods of lists and tuples; see builtins.h. */
#include "models/template/builtins.h"
#include "models/template/render.h"

static bool changeable(struct call *c)
{
	if (!c->self.list->frozen)
		return true;
	return render_fail(c->render,
		"this list belongs to the project and cannot be changed; change a copy: x | list");
}

static bool append(struct call *c, struct value v)
{
	struct list *list = c->self.list;

	if (list->len == list->cap && !render_room(c->render, 2 * list->len * sizeof v))
		return false;
	list_append(&c->render->arena, list, v);
	return true;
}

static bool call_append(struct call *c)
{
	return changeable(c) && append(c, c->arg[0]);
}

static bool call_extend(struct call *c)
{
	struct list *items;

	if (!changeable(c) || !iterate_all(c->render, c->arg[0], &items))
		return false;
	for (size_t i = 0; i < items->len; i++)
		if (!append(c, items->items[i]))
			return false;
	return true;
}

static bool call_insert(struct call *c)
{
	struct list *list = c->self.list;
	int64_t at, len = (int64_t)list->len;

	if (!changeable(c) || !call_integer(c, 0, 0, &at) || !append(c, value_none()))
		return false;
	at = at < 0 ? (at < -len ? 0 : at + len) : at > len ? len : at;
	memmove(list->items + at + 1, list->items + at, (size_t)(len - at) * sizeof *list->items);
	list->items[at] = c->arg[1];
	return true;
}

static void take_out(struct list *list, size_t at)
{
	list->len--;
	memmove(list->items + at, list->items + at + 1, (list->len - at) * sizeof *list->items);
}

static bool call_pop(struct call *c)
{
	struct list *list = c->self.list;
	int64_t at;

	if (!changeable(c) || !call_integer(c, 0, -1, &at))
		return false;
	if (!list->len)
		return render_fail(c->render, "pop from empty list");
	at += at < 0 ? (int64_t)list->len : 0;
	if (at < 0 || at >= (int64_t)list->len)
		return render_fail(c->render, "pop index out of range");
	c->result = list->items[at];
	take_out(list, (size_t)at);
	return true;
}

/* Where the value is; the length when it is nowhere. */
static bool find(struct call *c, size_t *at)
{
	bool equal = false;

	for (*at = 0; *at < c->self.list->len; ++*at) {
		if (!render_equal(c->render, c->self.list->items[*at], c->arg[0], &equal))
			return false;
		if (equal)
			return true;
	}
	return true;
}

static bool call_remove(struct call *c)
{
	size_t at;

	if (!changeable(c) || !find(c, &at))
		return false;
	if (at == c->self.list->len)
		return render_fail(c->render, "list.remove(x): x not in list");
	take_out(c->self.list, at);
	return true;
}

static bool call_index(struct call *c)
{
	size_t at;

	if (!find(c, &at))
		return false;
	if (at == c->self.list->len)
		return render_fail(c->render, "the value is not in the %s", value_type(c->self));
	c->result = value_int((int64_t)at);
	return true;
}

static bool call_count(struct call *c)
{
	int64_t n = 0;
	bool equal;

	for (size_t i = 0; i < c->self.list->len; i++) {
		if (!render_equal(c->render, c->self.list->items[i], c->arg[0], &equal))
			return false;
		n += equal;
	}
	c->result = value_int(n);
	return true;
}

static bool call_clear(struct call *c)
{
	if (!changeable(c))
		return false;
	c->self.list->len = 0;
	return true;
}

static bool call_copy(struct call *c)
{
	struct list *items;

	if (!iterate_all(c->render, c->self, &items))
		return false;
	c->result = value_list(items);
	return true;
}

static bool call_reverse(struct call *c)
{
	struct list *list = c->self.list;

	if (!changeable(c))
		return false;
	for (size_t i = 0; i < list->len / 2; i++) {
		struct value swapped = list->items[i];
		list->items[i] = list->items[list->len - 1 - i];
		list->items[list->len - 1 - i] = swapped;
	}
	return true;
}

static bool call_sort(struct call *c)
{
	struct list *list = c->self.list;

	if (!changeable(c))
		return false;
	if (c->arg[0].kind != VALUE_NONE && value_given(c->arg[0]))
		return render_fail(c->render, "sort() takes no key here; use |sort(attribute=...)");
	struct value *keys = arena_alloc(&c->render->arena, (list->len + 1) * sizeof *keys);
	if (list->len)
		memcpy(keys, list->items, list->len * sizeof *keys);
	return sort_values(c->render, list->items, keys, list->len, value_truth(c->arg[1]));
}

static const struct function of_lists[] = {
	{"append", "object", call_append},
	{"extend", "iterable", call_extend},
	{"insert", "index object", call_insert},
	{"pop", "index=", call_pop},
	{"remove", "value", call_remove},
	{"index", "value", call_index},
	{"count", "value", call_count},
	{"clear", "", call_clear},
	{"copy", "", call_copy},
	{"reverse", "", call_reverse},
	{"sort", "key= reverse=", call_sort},
};
const struct functions methods_of_lists = {of_lists, COUNT_OF(of_lists)};

static const struct function of_tuples[] = {
	{"index", "value", call_index}, {"count", "value", call_count}};
const struct functions methods_of_tuples = {of_tuples, COUNT_OF(of_tuples)};
