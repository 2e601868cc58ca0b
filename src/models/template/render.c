/*
 * Statements: a template is run by walking its tree. A body returns how it was left; a function for
 * each kind of statement stands in a table.
 */
#include "models/template/render.h"

struct scope *scope_new(struct render *r, struct scope *outer)
{
	struct scope *scope = arena_alloc(&r->arena, sizeof *scope);

	scope->outer = outer;
	return scope;
}

void scope_set(struct render *r, const char *name, struct value v)
{
	dict_put_text(&r->arena, &r->scope->names, name, v);
}

static bool assign_attribute(struct render *r, const struct target *target, struct value v)
{
	struct expr name = {.kind = EXPR_NAME, .at = target->at, .name = target->name};
	struct value of;

	if (!eval(r, &name, &of))
		return false;
	if (of.kind != VALUE_OBJECT || !of.object->ops->set)
		return render_fail(r, "cannot assign attribute on non-namespace object");
	return of.object->ops->set(r, of.object, target->attribute, v);
}

static bool assign_all(struct render *r, const struct target *target, struct value v)
{
	struct list *list;

	r->at = target->at;
	if (!iterate_all(r, v, &list))
		return false;
	if (list->len < target->n)
		return render_fail(r, "not enough values to unpack (expected %zu, got %zu)",
			target->n, list->len);
	if (list->len > target->n)
		return render_fail(r, "too many values to unpack (expected %zu)", target->n);
	for (size_t i = 0; i < target->n; i++)
		if (!assign(r, &target->items[i], list->items[i]))
			return false;
	return true;
}

bool assign(struct render *r, const struct target *target, struct value v)
{
	if (!target->name)
		return assign_all(r, target, v);
	if (target->attribute)
		return assign_attribute(r, target, v);
	scope_set(r, target->name, v);
	return true;
}

bool capture(struct render *r, const struct body *body, struct scope *scope, struct value *text)
{
	struct scope *outer_scope = r->scope;
	struct buf *outer_out = r->out, out;
	struct origins *outer_origins = r->origins, origins = {0};

	render_buf(r, &out);
	r->scope = scope;
	r->out = &out;
	if (outer_origins) {
		origins.arena = outer_origins->arena;
		r->origins = &origins;
	}
	enum flow flow = run_body(r, body);
	r->scope = outer_scope;
	r->out = outer_out;
	r->origins = outer_origins;
	if (flow == FLOW_FAILED || !render_room(r, out.len)) {
		buf_release(&out);
		return false;
	}
	*text = render_take(r, &out);
	origin_capture(r, *text, &origins);
	return true;
}

/* Prints a value of what stands at `at`. */
static bool put(struct render *r, struct value v, uint32_t at)
{
	size_t start = r->out->len;

	r->at = at;
	if (!render_str(r, v, r->out))
		return false;
	origin_note_value(r, start, at, v);
	return true;
}

static enum flow done(bool ok)
{
	return ok ? FLOW_NEXT : FLOW_FAILED;
}

static enum flow run_text(struct render *r, const struct statement *s)
{
	size_t start = r->out->len;

	if (!render_append(r, r->out, s->text.s, s->text.len))
		return FLOW_FAILED;
	origin_note(r, start, s->at, true);
	return FLOW_NEXT;
}

static enum flow run_print(struct render *r, const struct statement *s)
{
	struct value v;

	if (!eval(r, s->expr, &v))
		return FLOW_FAILED;
	return done(put(r, v, s->expr->at));
}

static enum flow run_do(struct render *r, const struct statement *s)
{
	struct value v;
	return done(eval(r, s->expr, &v));
}

static enum flow run_if(struct render *r, const struct statement *s)
{
	for (size_t i = 0; i < s->choice.n; i++) {
		const struct branch *branch = &s->choice.branches[i];
		struct value test = value_bool(true);
		if (branch->test && !eval(r, branch->test, &test))
			return FLOW_FAILED;
		if (value_truth(test))
			return run_body(r, &branch->body);
	}
	return FLOW_NEXT;
}

static enum flow run_set(struct render *r, const struct statement *s)
{
	struct value v;

	if (!eval(r, s->set.value, &v))
		return FLOW_FAILED;
	r->at = s->at;
	return done(assign(r, &s->set.target, v));
}

static enum flow run_set_block(struct render *r, const struct statement *s)
{
	struct value v;

	if (!capture(r, &s->set_block.body, scope_new(r, r->scope), &v))
		return FLOW_FAILED;
	if (s->set_block.filter && !eval_captured(r, s->set_block.filter, v, &v))
		return FLOW_FAILED;
	return done(assign(r, &s->set_block.target, v));
}

static enum flow run_filter(struct render *r, const struct statement *s)
{
	struct value v;

	if (!capture(r, &s->filter.body, scope_new(r, r->scope), &v) ||
		!eval_captured(r, s->filter.filter, v, &v))
		return FLOW_FAILED;
	return done(put(r, v, s->at));
}

static enum flow run_macro(struct render *r, const struct statement *s)
{
	scope_set(r, s->macro->name, closure_value(r, s->macro, r->scope));
	return FLOW_NEXT;
}

static enum flow run_call(struct render *r, const struct statement *s)
{
	struct value caller = closure_value(r, s->call.body, r->scope), v;

	if (!eval_call(r, s->call.call, &caller, &v))
		return FLOW_FAILED;
	return done(put(r, v, s->at));
}

static enum flow run_with(struct render *r, const struct statement *s)
{
	struct scope *outer = r->scope, *inner = scope_new(r, outer);
	enum flow flow = FLOW_NEXT;

	for (size_t i = 0; i < s->with.n && flow == FLOW_NEXT; i++) {
		struct value v;
		flow = done(eval(r, s->with.values[i], &v));
		r->scope = inner;
		if (flow == FLOW_NEXT)
			flow = done(assign(r, &s->with.targets[i], v));
		r->scope = outer;
	}
	r->scope = inner;
	if (flow == FLOW_NEXT)
		flow = run_body(r, &s->with.body);
	r->scope = outer;
	return flow;
}

static enum flow run_break(struct render *r, const struct statement *s)
{
	(void)r;
	return s->kind == STATEMENT_BREAK ? FLOW_BREAK : FLOW_CONTINUE;
}

typedef enum flow run_fn(struct render *r, const struct statement *s);
static run_fn *const runners[] = {
	[STATEMENT_TEXT] = run_text,
	[STATEMENT_PRINT] = run_print,
	[STATEMENT_IF] = run_if,
	[STATEMENT_FOR] = run_for,
	[STATEMENT_SET] = run_set,
	[STATEMENT_SET_BLOCK] = run_set_block,
	[STATEMENT_MACRO] = run_macro,
	[STATEMENT_CALL] = run_call,
	[STATEMENT_FILTER] = run_filter,
	[STATEMENT_WITH] = run_with,
	[STATEMENT_DO] = run_do,
	[STATEMENT_BREAK] = run_break,
	[STATEMENT_CONTINUE] = run_break,
};

enum flow run_body(struct render *r, const struct body *body)
{
	for (const struct statement *s = body->first; s; s = s->next) {
		r->at = s->at;
		enum flow flow = runners[s->kind](r, s);
		if (flow != FLOW_NEXT)
			return flow;
	}
	return FLOW_NEXT;
}

static void render_init(struct render *r, const struct template *t, struct host *host,
	const struct limits *limits, struct error *err)
{
	*r = (struct render){.host = host,
		.limits = limits ? *limits : limits_default,
		.err = err,
		.template = t};
	arena_init(&r->arena);
	r->scope = scope_new(r, NULL);
}

static bool run_whole(struct render *r, const struct body *body, struct buf *out)
{
	size_t max = out->max;

	if (buf_room(out) > r->limits.max_bytes)
		out->max = out->len + r->limits.max_bytes;
	r->out = out;
	bool ok = run_body(r, body) == FLOW_NEXT;
	out->max = max;
	if (!ok && r->returning)
		render_fail(r, "return() stands outside of a macro");
	return ok;
}

static bool render_body(const struct template *t, const struct body *body, struct host *host,
	const struct limits *limits, struct buf *out, struct error *err)
{
	struct render r;

	render_init(&r, t, host, limits, err);
	r.origins = host->origins;
	bool ok = run_whole(&r, body, out);
	arena_release(&r.arena);
	return ok;
}

bool template_render(const struct template *t, struct host *host, const struct limits *limits,
	struct buf *out, struct error *err)
{
	return render_body(t, &t->body, host, limits, out, err);
}

bool macro_render(const struct macro *m, struct host *host, const struct limits *limits,
	struct buf *out, struct error *err)
{
	return render_body(m->template, &m->body, host, limits, out, err);
}

static bool eval_native(struct render *r, const struct expr *e, struct value *out)
{
	struct value v;

	while (e->kind == EXPR_CONDITIONAL && e->conditional.no) {
		if (!eval(r, e->conditional.test, &v))
			return false;
		e = value_truth(v) ? e->conditional.yes : e->conditional.no;
	}
	return eval(r, e, &v) && native_value(r, e, v, out);
}

bool template_value(const struct template *t, struct host *host, const struct limits *limits,
	struct arena *arena, struct value *out, struct error *err)
{
	const struct statement *only = t->body.first;
	struct render r;
	struct value v = {0};
	struct buf text;
	bool ok;

	*out = v;
	render_init(&r, t, host, limits, err);
	render_buf(&r, &text);
	if (only && only->kind == STATEMENT_PRINT && !only->next) {
		ok = eval_native(&r, only->expr, &v);
		*out = ok ? value_copy(arena, v) : v;
		ok = ok && (value_given(*out) || render_str(&r, v, &text));
	} else {
		ok = run_whole(&r, &t->body, &text);
	}
	if (ok && !value_given(*out))
		*out = value_bytes(
			arena_strndup(arena, text.len ? (char *)text.data : "", text.len),
			text.len);
	buf_release(&text);
	arena_release(&r.arena);
	return ok;
}

bool json_print(struct value v, struct buf *out, struct error *err)
{
	static const struct template none = {.name = "JSON", .source = ""};
	struct host host = {0};
	struct render r;

	render_init(&r, &none, &host, NULL, err);
	bool ok = render_json(&r, v, (struct json_style){0}, out);
	arena_release(&r.arena);
	return ok;
}
