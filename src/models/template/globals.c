/* What Jinja2 defines in every template: range, dict, namespace, cycler, joiner. */
#include "models/template/builtins.h"
#include "models/template/render.h"

#define RANGE_ITEMS 100000 /* as Jinja2's sandbox allows */
#define RANGE_BOUND ((int64_t)1 << 40)

static bool range_argument(struct call *c, size_t i, int64_t *out)
{
	if (c->arg[i].kind == VALUE_UNDEFINED)
		return fail_undefined(c->render, c->arg[i]);
	if (!integer_of(c->arg[i], out))
		return render_fail(c->render, "'%s' object cannot be interpreted as an integer",
			value_type(c->arg[i]));
	if (*out < -RANGE_BOUND || *out > RANGE_BOUND)
		return render_fail(c->render, "range() works up to 2**40");
	return true;
}

static bool call_range(struct call *c)
{
	struct range *range = arena_alloc(&c->render->arena, sizeof *range);

	range->step = 1;
	if (value_given(c->arg[1])) {
		if (!range_argument(c, 0, &range->start) || !range_argument(c, 1, &range->stop))
			return false;
	} else if (!range_argument(c, 0, &range->stop)) {
		return false;
	}
	if (value_given(c->arg[2]) && !range_argument(c, 2, &range->step))
		return false;
	if (!range->step)
		return render_fail(c->render, "range() arg 3 must not be zero");
	int64_t span = range->step > 0 ? range->stop - range->start : range->start - range->stop;
	int64_t step = range->step > 0 ? range->step : -range->step;
	range->len = span > 0 ? (size_t)((span - 1) / step + 1) : 0;
	if (range->len > RANGE_ITEMS)
		return render_fail(c->render,
			"Range too big. The sandbox blocks ranges larger than "
			"MAX_RANGE (%d).",
			RANGE_ITEMS);
	c->result = (struct value){.kind = VALUE_RANGE, .range = range};
	return true;
}

/* A dict of a mapping or of pairs, and of names. */
static struct dict *dict_of(struct call *c)
{
	struct dict *dict = dict_new(&c->render->arena);

	if (value_given(c->arg[0]) && !dict_update(c->render, dict, c->arg[0]))
		return NULL;
	for (size_t i = 0; i < c->more.n_named; i++)
		dict_put_text(
			&c->render->arena, dict, c->more.named[i].name, c->more.named[i].value);
	return dict;
}

static bool call_dict(struct call *c)
{
	struct dict *dict = dict_of(c);

	if (dict)
		c->result = value_dict(dict);
	return dict;
}

struct namespace
{
	struct object object;
	struct dict *names;
};

static bool get_name(struct render *r, struct object *self, const char *name, struct value *out)
{
	(void)r;
	*out = dict_get_text(((struct namespace *)self)->names, name);
	return value_given(*out);
}

static bool set_name(struct render *r, struct object *self, const char *name, struct value v)
{
	dict_put_text(&r->arena, ((struct namespace *)self)->names, name, v);
	return true;
}

static bool print_names(struct render *r, struct object *self, struct buf *out)
{
	return render_append(r, out, "<Namespace ", 11) &&
	       render_repr(r, value_dict(((struct namespace *)self)->names), out) &&
	       render_append(r, out, ">", 1);
}

static const struct object_ops namespace_ops = {
	.type = "Namespace", .get = get_name, .set = set_name, .print = print_names};

static bool call_namespace(struct call *c)
{
	struct namespace *namespace = arena_alloc(&c->render->arena, sizeof *namespace);

	namespace->object.ops = &namespace_ops;
	namespace->names = dict_of(c);
	if (!namespace->names)
		return false;
	c->result = value_object(&namespace->object);
	return true;
}

struct cycler {
	struct object object;
	struct args items;
	size_t at;
};

static bool call_next(struct call *c)
{
	struct cycler *cycler = (struct cycler *)c->self.object;

	c->result = cycler->items.items[cycler->at];
	cycler->at = (cycler->at + 1) % cycler->items.n;
	return true;
}

static bool call_reset(struct call *c)
{
	((struct cycler *)c->self.object)->at = 0;
	return true;
}

static const struct function cycler_methods[] = {
	{"next", "", call_next}, {"reset", "", call_reset}};

static bool get_of_cycler(
	struct render *r, struct object *self, const char *name, struct value *out)
{
	struct cycler *cycler = (struct cycler *)self;
	struct functions methods = {cycler_methods, COUNT_OF(cycler_methods)};
	const struct function *method = functions_find(methods, name);

	if (!strcmp(name, "current"))
		*out = cycler->items.items[cycler->at];
	else if (method)
		*out = method_value(&r->arena, method, value_object(self));
	return value_given(*out);
}

static const struct object_ops cycler_ops = {.type = "Cycler", .get = get_of_cycler};

static bool call_cycler(struct call *c)
{
	struct cycler *cycler = arena_alloc(&c->render->arena, sizeof *cycler);

	if (!c->more.n)
		return render_fail(c->render, "at least one item has to be provided");
	cycler->object.ops = &cycler_ops;
	cycler->items = c->more;
	c->result = value_object(&cycler->object);
	return true;
}

struct joiner {
	struct value separator;
	bool used;
};

static bool call_joined(struct call *c)
{
	struct joiner *joiner = c->data;

	c->result = joiner->used ? joiner->separator : value_text("");
	joiner->used = true;
	return true;
}

static bool call_joiner(struct call *c)
{
	static const struct function joined = {"joiner", "", call_joined};
	struct joiner *joiner = arena_alloc(&c->render->arena, sizeof *joiner);

	joiner->separator = value_given(c->arg[0]) ? c->arg[0] : value_text(", ");
	c->result = function_value(&c->render->arena, &joined, joiner);
	return true;
}

static const struct function table[] = {
	{"range", "start stop= step=", call_range},
	{"dict", "mapping= **", call_dict},
	{"namespace", "mapping= **", call_namespace},
	{"cycler", "*", call_cycler},
	{"joiner", "sep=", call_joiner},
};
const struct functions globals = {table, COUNT_OF(table)};
