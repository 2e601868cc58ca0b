/*
 * Going through values one by one. Lists and dicts are read live, as in Python: what is appended to
 * a list on the way is met, a dict that changes its size is an error.
 */
#include "models/template/render.h"
#include "models/template/unicode.h"

struct value iterator_new(struct render *r, next_fn *next, struct value of, void *data)
{
	struct iterator *it = arena_alloc(&r->arena, sizeof *it);

	it->next = next;
	it->of = of;
	it->data = data;
	return (struct value){.kind = VALUE_ITERATOR, .iterator = it};
}

static enum next next_of_nothing(struct render *r, struct iterator *it, struct value *item)
{
	(void)r;
	(void)it;
	(void)item;
	return NEXT_END;
}

static enum next next_of_list(struct render *r, struct iterator *it, struct value *item)
{
	(void)r;
	if (it->at >= it->of.list->len)
		return NEXT_END;
	*item = it->of.list->items[it->at++];
	return NEXT_ITEM;
}

static enum next next_of_range(struct render *r, struct iterator *it, struct value *item)
{
	const struct range *range = it->of.range;

	(void)r;
	if (it->at >= range->len)
		return NEXT_END;
	*item = value_int(range->start + (int64_t)it->at++ * range->step);
	return NEXT_ITEM;
}

static enum next next_of_text(struct render *r, struct iterator *it, struct value *item)
{
	size_t bytes;

	(void)r;
	if (it->at >= it->of.len)
		return NEXT_END;
	utf8_read(it->of.s + it->at, &bytes);
	*item = value_bytes(it->of.s + it->at, bytes);
	it->at += bytes;
	return NEXT_ITEM;
}

static enum next next_of_view(struct render *r, struct iterator *it, struct value *item)
{
	const struct dict *dict = it->of.view->dict;

	if (it->len != dict->len) {
		render_fail(r, "dictionary changed size during iteration");
		return NEXT_FAILED;
	}
	const struct dict_entry *entry = dict_next(dict, &it->at);
	if (!entry)
		return NEXT_END;
	if (it->of.view->of == VIEW_ITEMS) {
		struct list *pair = list_new(&r->arena, 2);
		list_append(&r->arena, pair, entry->key);
		list_append(&r->arena, pair, entry->value);
		*item = value_tuple(pair);
	} else {
		*item = it->of.view->of == VIEW_KEYS ? entry->key : entry->value;
	}
	return NEXT_ITEM;
}

static struct iterator *open_view(struct render *r, struct value view)
{
	struct iterator *it = iterator_new(r, next_of_view, view, NULL).iterator;

	it->len = view.view->dict->len;
	return it;
}

struct value view_new(struct render *r, struct dict *dict, enum view_of of)
{
	struct view *view = arena_alloc(&r->arena, sizeof *view);

	*view = (struct view){.dict = dict, .of = of};
	return (struct value){.kind = VALUE_VIEW, .view = view};
}

bool iterate_open(struct render *r, struct value v, struct iterator **out)
{
	struct list *items = value_items(v);

	if (items)
		v = value_list(items);
	switch (v.kind) {
	case VALUE_UNDEFINED:
		*out = iterator_new(r, next_of_nothing, v, NULL).iterator;
		return true;
	case VALUE_LIST:
	case VALUE_TUPLE: *out = iterator_new(r, next_of_list, v, NULL).iterator; return true;
	case VALUE_STRING: *out = iterator_new(r, next_of_text, v, NULL).iterator; return true;
	case VALUE_RANGE: *out = iterator_new(r, next_of_range, v, NULL).iterator; return true;
	case VALUE_DICT: *out = open_view(r, view_new(r, v.dict, VIEW_KEYS)); return true;
	case VALUE_VIEW: *out = open_view(r, v); return true;
	case VALUE_ITERATOR: *out = v.iterator; return true;
	case VALUE_ABSENT:
	case VALUE_NONE:
	case VALUE_BOOL:
	case VALUE_INT:
	case VALUE_FLOAT:
	case VALUE_CALLABLE:
	case VALUE_OBJECT: break;
	}
	return render_fail(r, "'%s' object is not iterable", value_type(v));
}

bool iterator_over(struct render *r, struct list *items, struct value *out)
{
	*out = iterator_new(r, next_of_list, value_list(items), NULL);
	return true;
}

enum next iterate_next(struct render *r, struct iterator *it, struct value *item)
{
	if (!render_enter(r))
		return NEXT_FAILED;
	enum next next = render_charge(r, 1) ? it->next(r, it, item) : NEXT_FAILED;
	render_leave(r);
	return next;
}

bool iterate_all(struct render *r, struct value v, struct list **out)
{
	struct iterator *it;
	struct value item;
	enum next next;

	*out = list_new(&r->arena, 0);
	if (!iterate_open(r, v, &it))
		return false;
	while ((next = iterate_next(r, it, &item)) == NEXT_ITEM)
		list_append(&r->arena, *out, item);
	return next == NEXT_END;
}

bool has_length(struct value v)
{
	return v.kind == VALUE_UNDEFINED || (v.kind >= VALUE_STRING && v.kind <= VALUE_VIEW) ||
	       value_items(v);
}

bool length_of(struct render *r, struct value v, size_t *out)
{
	struct list *items = value_items(v);

	if (items)
		v = value_list(items);
	switch (v.kind) {
	case VALUE_UNDEFINED: *out = 0; return true;
	case VALUE_STRING: *out = utf8_count(v.s, v.len); return render_charge(r, v.len / 64);
	case VALUE_LIST:
	case VALUE_TUPLE: *out = v.list->len; return true;
	case VALUE_DICT: *out = v.dict->len; return true;
	case VALUE_RANGE: *out = v.range->len; return true;
	case VALUE_VIEW: *out = v.view->dict->len; return true;
	case VALUE_ABSENT:
	case VALUE_NONE:
	case VALUE_BOOL:
	case VALUE_INT:
	case VALUE_FLOAT:
	case VALUE_ITERATOR:
	case VALUE_CALLABLE:
	case VALUE_OBJECT: break;
	}
	return render_fail(r, "object of type '%s' has no len()", value_type(v));
}
