/*
 * for: its items one by one, each in a scope of its own, and the `loop` that the body may ask.
 * loop.last and loop.nextitem look one item ahead; loop.length of what has none reads all that is
 * left.
 */
#include "models/template/builtins.h"
#include "models/template/render.h"

struct loop {
	struct object object;
	struct iterator *items;
	struct value of; /* what is gone through */
	int64_t index0;
	struct value before, current, after; /* after: absent until it was looked at */
	bool ended;                          /* there is nothing after */
	bool has_length;
	int64_t length;
	struct list *changed; /* what changed() was given; NULL */
	bool filtered;
	bool finished; /* a round came to its end: else is not run, as in Jinja2 */
};

/* The items for which the loop's own `if` holds, in the scope around the loop. */
struct filtered {
	const struct statement *loop;
	struct scope scope; /* of the test */
	struct iterator *items;
};

static enum next next_filtered(struct render *r, struct iterator *it, struct value *item)
{
	struct filtered *f = it->data;
	struct scope *inside = r->scope;
	struct value test = value_bool(false);
	enum next next;

	while ((next = iterate_next(r, f->items, item)) == NEXT_ITEM) {
		dict_clear(&f->scope.names);
		r->scope = &f->scope;
		bool ok = render_charge(r, 1) && assign(r, &f->loop->loop.target, *item) &&
			  eval(r, f->loop->loop.test, &test);
		r->scope = inside;
		if (!ok)
			return NEXT_FAILED;
		if (value_truth(test))
			break;
	}
	return next;
}

static enum next peek(struct render *r, struct loop *loop)
{
	if (value_given(loop->after))
		return NEXT_ITEM;
	if (loop->ended)
		return NEXT_END;
	enum next next = iterate_next(r, loop->items, &loop->after);
	if (next != NEXT_ITEM)
		loop->after = (struct value){0};
	loop->ended = next == NEXT_END;
	return next;
}

static enum next advance(struct render *r, struct loop *loop)
{
	enum next next = peek(r, loop);

	if (next != NEXT_ITEM)
		return next;
	loop->before = loop->current;
	loop->current = loop->after;
	loop->after = (struct value){0};
	loop->index0++;
	return NEXT_ITEM;
}

static bool find_length(struct render *r, struct loop *loop)
{
	struct list *rest;
	size_t n;

	if (loop->has_length)
		return true;
	if (!loop->filtered && has_length(loop->of)) {
		if (!length_of(r, loop->of, &n))
			return false;
	} else {
		struct value left = {.kind = VALUE_ITERATOR, .iterator = loop->items};
		if (!iterate_all(r, left, &rest))
			return false;
		n = rest->len + (size_t)loop->index0 + 1 + value_given(loop->after);
		if (!iterate_open(r, value_list(rest), &loop->items))
			return false;
	}
	loop->has_length = true;
	loop->length = (int64_t)n;
	return true;
}

static bool call_cycle(struct call *c)
{
	struct loop *loop = (struct loop *)c->self.object;

	if (!c->more.n)
		return render_fail(c->render, "no items for cycling given");
	c->result = c->more.items[(size_t)loop->index0 % c->more.n];
	return true;
}

static bool call_changed(struct call *c)
{
	struct loop *loop = (struct loop *)c->self.object;
	struct list *now = list_new(&c->render->arena, c->more.n);
	bool same = false;

	for (size_t i = 0; i < c->more.n; i++)
		list_append(&c->render->arena, now, c->more.items[i]);
	if (loop->changed &&
		!render_equal(c->render, value_tuple(loop->changed), value_tuple(now), &same))
		return false;
	loop->changed = now;
	c->result = value_bool(!same);
	return true;
}

static const struct function loop_methods[] = {
	{"cycle", "*", call_cycle},
	{"changed", "*", call_changed},
};

/* What needs to look ahead or to count; absent after a failure. */
static bool get_ahead(struct render *r, struct loop *loop, const char *name, struct value *out)
{
	bool revindex = !strcmp(name, "revindex"), revindex0 = !strcmp(name, "revindex0");

	*out = (struct value){0};
	if (revindex || revindex0 || !strcmp(name, "length")) {
		if (find_length(r, loop))
			*out = value_int(!revindex && !revindex0
						 ? loop->length
						 : loop->length - loop->index0 - revindex0);
		return true;
	}
	bool last = !strcmp(name, "last");
	if (!last && strcmp(name, "nextitem"))
		return false;
	enum next next = peek(r, loop);
	if (next == NEXT_FAILED)
		return true;
	if (last)
		*out = value_bool(next == NEXT_END);
	else
		*out = next == NEXT_ITEM ? loop->after : value_undefined("there is no next item");
	return true;
}

static bool get_loop(struct render *r, struct object *self, const char *name, struct value *out)
{
	struct loop *loop = (struct loop *)self;
	struct functions methods = {loop_methods, COUNT_OF(loop_methods)};
	const struct function *method = functions_find(methods, name);

	if (method) {
		*out = method_value(&r->arena, method, value_object(self));
		return true;
	}
	if (!strcmp(name, "index"))
		*out = value_int(loop->index0 + 1);
	else if (!strcmp(name, "index0"))
		*out = value_int(loop->index0);
	else if (!strcmp(name, "first"))
		*out = value_bool(loop->index0 == 0);
	else if (!strcmp(name, "depth"))
		*out = value_int(1);
	else if (!strcmp(name, "depth0"))
		*out = value_int(0);
	else if (!strcmp(name, "previtem"))
		*out = loop->index0 ? loop->before : value_undefined("there is no previous item");
	else
		return get_ahead(r, loop, name, out);
	return true;
}

static bool print_loop(struct render *r, struct object *self, struct buf *out)
{
	struct loop *loop = (struct loop *)self;

	if (!find_length(r, loop))
		return false;
	struct value text = render_printf(
		r, "<LoopContext %lld/%lld>", (long long)loop->index0 + 1, (long long)loop->length);
	return render_append(r, out, text.s, text.len);
}

static const struct object_ops loop_ops = {
	.type = "LoopContext", .get = get_loop, .print = print_loop};

static enum flow run_rounds(struct render *r, const struct statement *s, struct loop *loop)
{
	struct scope *outer = r->scope, *inner = NULL;
	uint64_t closures = 0;
	enum flow flow = FLOW_NEXT;
	enum next next = NEXT_END;

	while (flow != FLOW_BREAK && flow != FLOW_FAILED &&
		(next = advance(r, loop)) == NEXT_ITEM) {
		/* A scope that a macro holds on to is left to it. */
		if (!inner || r->closures != closures)
			inner = scope_new(r, outer);
		closures = r->closures;
		dict_clear(&inner->names);
		r->scope = inner;
		flow = render_charge(r, 1) && assign(r, &s->loop.target, loop->current)
			       ? FLOW_NEXT
			       : FLOW_FAILED;
		if (s->loop.uses_loop)
			scope_set(r, "loop", value_object(&loop->object));
		if (flow == FLOW_NEXT)
			flow = run_body(r, &s->loop.body);
		loop->finished |= flow == FLOW_NEXT;
		r->scope = outer;
		r->at = s->at;
	}
	return flow == FLOW_FAILED || next == NEXT_FAILED ? FLOW_FAILED : FLOW_NEXT;
}

static enum flow run_otherwise(struct render *r, const struct statement *s)
{
	struct scope *outer = r->scope;

	r->scope = scope_new(r, outer);
	enum flow flow = run_body(r, &s->loop.otherwise);
	r->scope = outer;
	return flow;
}

enum flow run_for(struct render *r, const struct statement *s)
{
	struct loop *loop = arena_alloc(&r->arena, sizeof *loop);

	loop->object.ops = &loop_ops;
	loop->index0 = -1;
	if (!eval(r, s->loop.items, &loop->of))
		return FLOW_FAILED;
	r->at = s->loop.items->at;
	if (!iterate_open(r, loop->of, &loop->items))
		return FLOW_FAILED;
	if (s->loop.test) {
		struct filtered *filtered = arena_alloc(&r->arena, sizeof *filtered);
		*filtered = (struct filtered){
			.loop = s, .scope.outer = r->scope, .items = loop->items};
		loop->items = iterator_new(r, next_filtered, loop->of, filtered).iterator;
		loop->filtered = true;
	}
	enum flow flow = run_rounds(r, s, loop);
	if (flow == FLOW_NEXT && !loop->finished)
		flow = run_otherwise(r, s);
	return flow;
}
