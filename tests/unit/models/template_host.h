/*
 * A host for the tests of templates: a context from JSON, and some of dbt's functions in the
 * plainest form, as tests/golden/template/record.py gives them to Jinja2:
 *	ref('a') is a, ref('p', 'a') p.a, source('s', 't') s.t, var('x', default), log() nothing,
 *	return(), exceptions.raise_compiler_error(), and relation(schema, name), an object.
 */
#ifndef TESTS_TEMPLATE_HOST_H
#define TESTS_TEMPLATE_HOST_H

#include "models/template/call.h"

struct test_host {
	struct host host;
	struct arena arena;
	struct dict *context;
};

static inline bool test_dotted(struct call *c, struct value a, struct value b)
{
	struct buf text;

	buf_init(&text, 1 << 16);
	buf_append(&text, a.s, a.len);
	if (value_given(b)) {
		buf_puts(&text, ".");
		buf_append(&text, b.s, b.len);
	}
	c->result = render_text(c->render, text.data, text.len);
	buf_release(&text);
	return true;
}

static inline bool test_names(struct call *c)
{
	return call_wants(c, 0, VALUE_STRING) && call_wants(c, 1, VALUE_STRING) &&
	       test_dotted(c, c->arg[0], c->arg[1]);
}

static inline bool test_var(struct call *c)
{
	struct test_host *host = c->data;
	struct value vars = dict_get_text(host->context, "vars"), *found = NULL;

	if (!call_wants(c, 0, VALUE_STRING))
		return false;
	if (vars.kind == VALUE_DICT)
		found = dict_find(vars.dict, c->arg[0]);
	if (!found && !value_given(c->arg[1]))
		return render_fail(c->render, "Required var '%.*s' not found in config",
			(int)c->arg[0].len, c->arg[0].s);
	c->result = found ? value_copy(render_arena(c->render), *found) : c->arg[1];
	return true;
}

static inline bool test_log(struct call *c)
{
	c->result = value_text("");
	return true;
}

static inline bool test_return(struct call *c)
{
	return render_return(c->render, c->arg[0]);
}

static inline bool test_raise(struct call *c)
{
	struct buf text;

	buf_init(&text, 1 << 16);
	if (render_str(c->render, c->arg[0], &text))
		render_fail(c->render, "%s", buf_text(&text));
	buf_release(&text);
	return false;
}

struct test_relation {
	struct object object;
	struct value schema, name;
};

static inline bool test_relation_get(
	struct render *r, struct object *self, const char *name, struct value *out)
{
	struct test_relation *relation = (struct test_relation *)self;

	(void)r;
	if (!strcmp(name, "schema"))
		*out = relation->schema;
	else if (!strcmp(name, "identifier") || !strcmp(name, "name"))
		*out = relation->name;
	return value_given(*out);
}

static inline bool test_relation_print(struct render *r, struct object *self, struct buf *out)
{
	struct test_relation *relation = (struct test_relation *)self;

	(void)r;
	buf_append(out, relation->schema.s, relation->schema.len);
	buf_puts(out, ".");
	buf_append(out, relation->name.s, relation->name.len);
	return true;
}

static inline bool test_relation_call(struct call *c)
{
	static const struct object_ops ops = {
		.type = "Relation", .get = test_relation_get, .print = test_relation_print};
	struct test_relation *relation = arena_alloc(render_arena(c->render), sizeof *relation);

	if (!call_wants(c, 0, VALUE_STRING) || !call_wants(c, 1, VALUE_STRING))
		return false;
	relation->object.ops = &ops;
	relation->schema = c->arg[0];
	relation->name = c->arg[1];
	c->result = value_object(&relation->object);
	return true;
}

static inline bool test_global(
	struct host *h, struct render *r, const char *name, struct value *out)
{
	static const struct function functions[] = {
		{"ref", "name other=", test_names},
		{"source", "source name", test_names},
		{"var", "name default=", test_var},
		{"log", "message info=", test_log},
		{"return", "data", test_return},
		{"relation", "schema name", test_relation_call},
	};
	static const struct function raise = {"raise_compiler_error", "message", test_raise};
	struct test_host *host = (struct test_host *)h;
	struct value found = dict_get_text(host->context, name);

	if (value_given(found)) {
		*out = found;
		return true;
	}
	for (size_t i = 0; i < COUNT_OF(functions); i++) {
		if (strcmp(functions[i].name, name))
			continue;
		*out = function_value(render_arena(r), &functions[i], host);
		return true;
	}
	if (strcmp(name, "exceptions"))
		return false;
	*out = value_dict(dict_new(render_arena(r)));
	dict_put_text(render_arena(r), out->dict, "raise_compiler_error",
		function_value(render_arena(r), &raise, NULL));
	return true;
}

/* The context is a JSON object, or NULL. */
static inline void test_host_init(struct test_host *h, const char *context, size_t len)
{
	struct value v;

	*h = (struct test_host){.host.global = test_global};
	arena_init(&h->arena);
	h->context = dict_new(&h->arena);
	if (context && json_value(&h->arena, context, len, &v) && v.kind == VALUE_DICT)
		h->context = v.dict;
}

static inline void test_host_release(struct test_host *h)
{
	arena_release(&h->arena);
}

#endif
