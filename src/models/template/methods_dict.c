/* Methods of dicts; see builtins.h. */
#include "models/template/builtins.h"
#include "models/template/render.h"

static bool changeable(struct call *c)
{
	if (!c->self.dict->frozen)
		return true;
	return render_fail(c->render,
		"this dict belongs to the project and cannot be changed; change a copy: dict(x)");
}

static bool wants_key(struct call *c)
{
	return value_is_key(c->arg[0]) ||
	       render_fail(c->render, "unhashable type: '%s'", value_type(c->arg[0]));
}

static bool fail_missing(struct call *c)
{
	struct buf key;

	render_buf(c->render, &key);
	if (render_repr(c->render, c->arg[0], &key))
		render_fail(c->render, "KeyError: %s", buf_text(&key));
	buf_release(&key);
	return false;
}

static bool put(struct render *r, struct dict *dict, struct value key, struct value value)
{
	if (!value_is_key(key))
		return render_fail(r, "unhashable type: '%s'", value_type(key));
	if (dict->used == dict->cap && !render_room(r, 2 * dict->used * sizeof(struct dict_entry)))
		return false;
	dict_put(&r->arena, dict, key, value);
	return true;
}

static bool update_from_pairs(struct render *r, struct dict *dict, struct value from)
{
	struct iterator *it;
	struct value pair;
	struct list *two;
	enum next next;

	if (!iterate_open(r, from, &it))
		return false;
	while ((next = iterate_next(r, it, &pair)) == NEXT_ITEM) {
		if (!iterate_all(r, pair, &two))
			return false;
		if (two->len != 2)
			return render_fail(r,
				"dictionary update sequence element has length %zu; 2 is required",
				two->len);
		if (!put(r, dict, two->items[0], two->items[1]))
			return false;
	}
	return next == NEXT_END;
}

bool dict_update(struct render *r, struct dict *dict, struct value from)
{
	size_t i = 0;

	if (from.kind != VALUE_DICT)
		return update_from_pairs(r, dict, from);
	for (struct dict_entry *entry; (entry = dict_next(from.dict, &i));)
		if (!put(r, dict, entry->key, entry->value))
			return false;
	return render_charge(r, from.dict->len);
}

static bool call_get(struct call *c)
{
	if (!wants_key(c))
		return false;
	struct value *found = dict_find(c->self.dict, c->arg[0]);
	c->result = found ? *found : value_given(c->arg[1]) ? c->arg[1] : value_none();
	return true;
}

static bool call_keys(struct call *c)
{
	c->result = view_new(c->render, c->self.dict, VIEW_KEYS);
	return true;
}

static bool call_values(struct call *c)
{
	c->result = view_new(c->render, c->self.dict, VIEW_VALUES);
	return true;
}

static bool call_items(struct call *c)
{
	c->result = view_new(c->render, c->self.dict, VIEW_ITEMS);
	return true;
}

static bool call_update(struct call *c)
{
	if (!changeable(c) ||
		(value_given(c->arg[0]) && !dict_update(c->render, c->self.dict, c->arg[0])))
		return false;
	for (size_t i = 0; i < c->more.n_named; i++)
		if (!put(c->render, c->self.dict, value_text(c->more.named[i].name),
			    c->more.named[i].value))
			return false;
	return true;
}

static bool call_pop(struct call *c)
{
	if (!changeable(c) || !wants_key(c))
		return false;
	if (dict_remove(c->self.dict, c->arg[0], &c->result))
		return true;
	c->result = c->arg[1];
	return value_given(c->arg[1]) || fail_missing(c);
}

static bool call_popitem(struct call *c)
{
	struct dict *dict = c->self.dict;
	struct list *pair = list_new(&c->render->arena, 2);
	struct dict_entry *last = NULL;
	size_t at = dict->used;

	if (!changeable(c))
		return false;
	if (!dict->len)
		return render_fail(c->render, "popitem(): dictionary is empty");
	while (!last)
		if (value_given(dict->entries[--at].key))
			last = &dict->entries[at];
	list_append(&c->render->arena, pair, last->key);
	list_append(&c->render->arena, pair, last->value);
	dict_remove(dict, last->key, &c->result);
	c->result = value_tuple(pair);
	return true;
}

static bool call_setdefault(struct call *c)
{
	if (!wants_key(c))
		return false;
	struct value *found = dict_find(c->self.dict, c->arg[0]);
	c->result = found ? *found : value_given(c->arg[1]) ? c->arg[1] : value_none();
	return found || (changeable(c) && put(c->render, c->self.dict, c->arg[0], c->result));
}

static bool call_copy(struct call *c)
{
	struct dict *copy = dict_new(&c->render->arena);

	c->result = value_dict(copy);
	return dict_update(c->render, copy, c->self);
}

static bool call_clear(struct call *c)
{
	if (!changeable(c))
		return false;
	dict_clear(c->self.dict);
	return true;
}

static const struct function table[] = {
	{"get", "key default=", call_get},
	{"keys", "", call_keys},
	{"values", "", call_values},
	{"items", "", call_items},
	{"update", "other= **", call_update},
	{"pop", "key default=", call_pop},
	{"popitem", "", call_popitem},
	{"setdefault", "key default=", call_setdefault},
	{"copy", "", call_copy},
	{"clear", "", call_clear},
};
const struct functions methods_of_dicts = {table, COUNT_OF(table)};
