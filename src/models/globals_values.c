/* Functions of values alone: JSON and YAML, zip, set. */
#include "models/internal.h"

static bool call_tojson(struct call *c)
{
	struct json_style style = {.sorted = value_truth(c->arg[2])};
	struct buf out;

	buf_init(&out, BUF_MAX);
	bool ok = render_json(c->render, c->arg[0], style, &out);
	if (ok)
		c->result = render_text(c->render, out.data, out.len);
	buf_release(&out);
	return ok;
}

static bool call_fromjson(struct call *c)
{
	if (!call_wants(c, 0, VALUE_STRING))
		return false;
	if (!json_value(render_arena(c->render), c->arg[0].s, c->arg[0].len, &c->result))
		c->result = value_given(c->arg[1]) ? c->arg[1] : value_none();
	return true;
}

static bool call_fromyaml(struct call *c)
{
	struct arena *a = render_arena(c->render);
	struct error err = {0};

	if (!call_wants(c, 0, VALUE_STRING))
		return false;
	const struct tree *tree = tree_parse("fromyaml", c->arg[0].s, c->arg[0].len, a, &err);
	c->result = tree                     ? value_of_tree(a, tree)
		    : value_given(c->arg[1]) ? c->arg[1]
					     : value_none();
	return true;
}

/* A list of tuples, as long as the shortest. */
static bool call_zip(struct call *c)
{
	struct arena *a = render_arena(c->render);
	struct list *rows = list_new(a, 0),
		    **lists = arena_alloc(a, (c->more.n + 1) * sizeof(struct list *));
	size_t n = c->more.n ? SIZE_MAX : 0;

	for (size_t i = 0; i < c->more.n; i++) {
		if (!iterate_all(c->render, c->more.items[i], &lists[i]))
			return false;
		n = lists[i]->len < n ? lists[i]->len : n;
	}
	for (size_t row = 0; row < n; row++) {
		struct list *tuple = list_new(a, c->more.n);
		for (size_t i = 0; i < c->more.n; i++)
			list_append(a, tuple, lists[i]->items[row]);
		list_append(a, rows, value_tuple(tuple));
	}
	c->result = value_list(rows);
	return true;
}

/* The values, each once, in their order. */
static bool call_set(struct call *c)
{
	struct arena *a = render_arena(c->render);
	struct list *all, *once = list_new(a, 0);
	struct dict *seen = dict_new(a);

	if (!iterate_all(c->render, c->arg[0], &all))
		return false;
	for (size_t i = 0; i < all->len; i++) {
		if (!value_is_key(all->items[i]))
			return render_fail(
				c->render, "unhashable type: '%s'", value_type(all->items[i]));
		if (dict_find(seen, all->items[i]))
			continue;
		dict_put(a, seen, all->items[i], value_none());
		list_append(a, once, all->items[i]);
	}
	c->result = value_list(once);
	return true;
}

static const struct global table[] = {
	{{"tojson", "value default= sort_keys=", call_tojson}},
	{{"fromjson", "string default=", call_fromjson}},
	{{"fromyaml", "value default=", call_fromyaml}},
	{{"zip", "*", call_zip}},
	{{"zip_strict", "*", call_zip}},
	{{"set", "value default=", call_set}},
	{{"set_strict", "value", call_set}},
};
const struct globals globals_of_values = {table, COUNT_OF(table)};
