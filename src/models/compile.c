/*
 * The SQL of a node: its template rendered, and before it the ephemeral models that it stands on, each a
 * common table expression, in the order in which they stand on each other.
 */
#include <ctype.h>
#include <strings.h>
#include "models/internal.h"
#include "models/template/origin.h"
#include "models/tokens.h"

/* --- rendering --- */

static bool render_argument(struct context *c, const struct node *node, struct arena *a,
	struct value v, struct value *out, struct error *err)
{
	const char *text = v.kind == VALUE_STRING ? value_strdup(a, v) : "";

	*out = v;
	if (!strstr(text, "{{") && !strstr(text, "{%"))
		return true;
	const char *name = arena_printf(a, "%s:%d", node->path, node->line);
	struct template *t = template_parse(name, text, strlen(text), err);
	bool ok = t && template_value(t, &c->host, NULL, a, out, err);
	template_free(t);
	return ok;
}

static bool render_arguments(struct context *c, const struct node *node, struct arena *a,
	struct dict *out, struct error *err)
{
	size_t i = 0;

	for (struct dict_entry *entry; (entry = dict_next(node->arguments.dict, &i));) {
		struct value v;
		if (!render_argument(c, node, a, entry->value, &v, err))
			return false;
		dict_put(a, out, entry->key, v);
	}
	return true;
}

static bool render_test(
	struct context *c, const struct node *node, struct buf *out, struct error *err)
{
	struct dict more = {0}, arguments = {0};
	struct arena a;

	arena_init(&a);
	bool ok = render_arguments(c, node, &a, &arguments, err);
	dict_put_text(&a, &more, "test_arguments", value_dict(&arguments));
	c->more = &more;
	ok = ok && template_render(node->template, &c->host, NULL, out, err);
	c->more = NULL;
	arena_release(&a);
	return ok;
}

bool node_render(struct context *c, const struct node *node, struct buf *out, struct error *err)
{
	if (node->kind == NODE_HOOK)
		return hook_render(c, node, out, err);
	if (node->snapshot)
		return macro_render(node->snapshot, &c->host, NULL, out, err);
	if (value_given(node->arguments))
		return render_test(c, node, out, err);
	return template_render(node->template, &c->host, NULL, out, err);
}

/* --- common table expressions --- */

static bool is_word(const char *s, const char *word)
{
	size_t len = strlen(word);
	return !strncasecmp(s, word, len) && !isalnum((unsigned char)s[len]) && s[len] != '_';
}

/* Where common table expressions go in a query: behind its own WITH, or before all of it. */
static size_t with_of(const char *sql, bool *has_with)
{
	const char *s = sql_skip_space(sql);

	*has_with = is_word(s, "with");
	if (!*has_with)
		return (size_t)(s - sql);
	s += strlen("with");
	const char *next = sql_skip_space(s);
	return (size_t)((is_word(next, "recursive") ? next + strlen("recursive") : s) - sql);
}

static bool is_ephemeral(const struct node *node)
{
	return node->kind == NODE_MODEL && node->materialization == MATERIALIZED_EPHEMERAL;
}

static bool listed(const struct nodes *list, const struct node *node)
{
	vec_each (list, it)
		if (*it == node)
			return true;
	return false;
}

/* Every ephemeral model that the node stands on by ephemeral ones, what they stand on first. There is no cycle. */
static void list_ephemeral(const struct node *node, struct nodes *out)
{
	vec_each (&node->parents, it) {
		if (!is_ephemeral(*it) || listed(out, *it))
			continue;
		list_ephemeral(*it, out);
		vec_push(out, *it);
	}
}

const struct compile_options compile_nothing = {0};

/* What one compilation is about. */
struct compiling {
	const struct project *p;
	const struct compile_options *options;
};

/* What the engine failed with, not the template; false. */
static bool keep_kind(const struct context *context, struct error *err)
{
	if (context->failure != ERROR_NONE)
		err->kind = context->failure;
	return false;
}

/* SQL, and where it came from, if anybody asks. */
struct rendered {
	struct buf text;
	struct origins origins;
};

static void rendered_init(struct rendered *r, const struct origins *wanted)
{
	buf_init(&r->text, BUF_MAX);
	r->origins = (struct origins){.arena = wanted ? wanted->arena : NULL};
}

static void put_rendered(
	struct origins *origins, const struct rendered *r, size_t from, size_t to, struct buf *out)
{
	if (origins && origins->arena)
		origins_copy(origins, out->len, &r->origins, from, to - from);
	buf_append(out, r->text.data + from, to - from);
}

static bool render_for(const struct compiling *c, const struct node *node, const struct node *test,
	const struct compile_options *options, struct rendered *out, struct error *err)
{
	struct context context;

	if (node->problem)
		return error_set(err, ERROR_CONFIG, "%s", node->problem);
	context_init(&context, c->p, node->package, (struct node *)node);
	context.unit = test;
	context.options = options;
	context.host.origins = out->origins.arena ? &out->origins : NULL;
	return node_render(&context, node, &out->text, err) || keep_kind(&context, err);
}

/* Of a unit test its model, over what the test gives; of one with partitions the first. */
static bool render_unit(
	const struct compiling *c, const struct node *test, struct rendered *out, struct error *err)
{
	struct compile_options options = *c->options;
	struct compile_batch batch;
	char key[PERIOD_KEY_SIZE];

	if (test->problem)
		return error_set(err, ERROR_CONFIG, "%s", test->problem);
	if (!options.batch && node_is_partitioned(test->tested)) {
		if (!node_first_batch(test->tested, key, &batch, err))
			return false;
		options.batch = &batch;
	}
	return render_for(c, test->tested, test, &options, out, err);
}

static bool render_own(
	const struct compiling *c, const struct node *node, struct rendered *out, struct error *err)
{
	return node->unit ? render_unit(c, node, out, err)
			  : render_for(c, node, NULL, c->options, out, err);
}

static void begin_cte(const struct compiling *c, bool first, const char *name, struct buf *out)
{
	buf_puts(out, first ? " " : ", ");
	dialect_of(c->p)->name(out, name);
	buf_puts(out, " as (\n");
}

static bool put_ephemeral(const struct compiling *c, const struct nodes *list, struct rendered *out,
	struct error *err)
{
	vec_each (list, it) {
		struct rendered sql;
		rendered_init(&sql, c->options->origins);
		bool ok = render_own(c, *it, &sql, err);
		if (ok) {
			CLEANUP(free_string) char *name = xasprintf(CTE_PREFIX "%s", (*it)->name);
			begin_cte(c, it == list->items, name, &out->text);
			put_rendered(&out->origins, &sql, 0, sql.text.len, &out->text);
			buf_puts(&out->text, "\n)");
		}
		buf_release(&sql.text);
		if (!ok)
			return error_add(err, "%s", "an ephemeral model");
	}
	return true;
}

static void put_inputs(
	const struct compiling *c, const struct unit_test *unit, struct rendered *out)
{
	for (size_t i = 0; i < unit->n_given; i++) {
		begin_cte(c, i == 0, unit->given[i].cte, &out->text);
		buf_printf(&out->text, "%s\n)", c->options->inputs[i]);
	}
}

/* The node's SQL with common table expressions in front of it. */
static void put_together(const struct compiling *c, struct rendered *sql,
	const struct rendered *ctes, struct buf *out)
{
	struct origins *origins = c->options->origins;
	bool has_with;
	size_t at = with_of(buf_text(&sql->text), &has_with);

	put_rendered(origins, sql, 0, at, out);
	buf_puts(out, has_with ? "" : "with");
	put_rendered(origins, ctes, 0, ctes->text.len, out);
	buf_puts(out, has_with ? "," : "\n");
	put_rendered(origins, sql, at, sql->text.len, out);
}

bool project_compile(const struct project *p, const struct node *node,
	const struct compile_options *options, struct buf *out, struct error *err)
{
	struct compiling c = {p, options ? options : &compile_nothing};
	struct nodes ephemeral = {0};
	struct rendered own, ctes;

	if (node->kind == NODE_SEED)
		return error_set(err, ERROR_CONFIG, "%s: a seed has no SQL", node->path);
	rendered_init(&own, c.options->origins);
	rendered_init(&ctes, c.options->origins);
	if (!node->unit)
		list_ephemeral(node, &ephemeral);
	else if (c.options->inputs)
		put_inputs(&c, node->unit, &ctes);
	bool ok = render_own(&c, node, &own, err) && put_ephemeral(&c, &ephemeral, &ctes, err);
	if (ok && ctes.text.len)
		put_together(&c, &own, &ctes, out);
	else if (ok)
		put_rendered(c.options->origins, &own, 0, own.text.len, out);
	buf_release(&own.text);
	buf_release(&ctes.text);
	vec_release(&ephemeral);
	return ok;
}

static bool render_with(struct context *context, const char *place, const char *text,
	struct buf *out, struct error *err)
{
	struct template *t = template_parse(place, text, strlen(text), err);
	bool ok = t &&
		  (template_render(t, &context->host, NULL, out, err) || keep_kind(context, err));

	template_free(t);
	return ok;
}

bool project_render(const struct project *p, const struct node *node,
	const struct compile_options *options, const char *text, struct buf *out, struct error *err)
{
	struct context context;

	context_init(&context, p, node->package, (struct node *)node);
	context.options = options ? options : &compile_nothing;
	return render_with(&context, node->path, text, out, err);
}

bool project_render_text(const struct project *p, const char *place, const char *text,
	struct buf *out, struct error *err)
{
	struct context context;

	context_init(&context, p, root_of(p), NULL);
	return render_with(&context, place, text, out, err);
}
