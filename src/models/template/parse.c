/*
 * The parser of statements; see parse.h. Each tag has its function in a table; a body ends where
 * one of the tags that its statement names is met.
 */
#include "models/template/parse.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/mem.h"
#include "base/text.h"
#include "models/template/place.h"

#define MAX_NESTING 150

bool parse_fail(struct parser *p, uint32_t at, const char *fmt, ...)
{
	char message[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof message, fmt, ap);
	va_end(ap);
	return template_error(p->t, at, message, p->err);
}

static bool is_text(const struct parser *p, const struct token *token, const char *text)
{
	return token->len == strlen(text) && !memcmp(p->t->source + token->at, text, token->len);
}

bool parse_is_word(const struct parser *p, const char *word)
{
	return parse_is(p, TOKEN_NAME) && is_text(p, parse_token(p), word);
}

bool parse_next_is(const struct parser *p, enum token_kind kind)
{
	return p->at + 1 < p->tokens.len && p->tokens.items[p->at + 1].kind == kind;
}

bool parse_skip(struct parser *p, enum token_kind kind)
{
	if (!parse_is(p, kind))
		return false;
	p->at++;
	return true;
}

bool parse_skip_word(struct parser *p, const char *word)
{
	if (!parse_is_word(p, word))
		return false;
	p->at++;
	return true;
}

bool parse_expect(struct parser *p, enum token_kind kind)
{
	const struct token *token = parse_token(p);

	if (token->kind == kind) {
		p->at++;
		return true;
	}
	if (token->kind == TOKEN_END)
		return parse_fail(p, token->at, "unexpected end of template, expected '%s'.",
			token_kind_text(kind));
	return parse_fail(p, token->at, "expected token '%s', got '%s'", token_kind_text(kind),
		token_text(p->t, token));
}

const char *parse_name(struct parser *p)
{
	const struct token *token = parse_token(p);

	if (!parse_expect(p, TOKEN_NAME))
		return NULL;
	return arena_strndup(&p->t->arena, p->t->source + token->at, token->len);
}

bool parse_enter(struct parser *p)
{
	if (p->nesting == MAX_NESTING)
		return parse_fail(
			p, parse_token(p)->at, "nested too deep: more than %d levels", MAX_NESTING);
	p->nesting++;
	return true;
}

void *parse_alloc(struct parser *p, size_t size_bytes)
{
	return arena_alloc(&p->t->arena, size_bytes);
}

static void list_ends(const struct open_tag *tag, struct buf *out)
{
	for (size_t i = 0; tag->ends[i]; i++)
		buf_printf(out, "%s'%s'", i ? " or " : "", tag->ends[i]);
}

static bool expects(const struct open_tag *tag, const char *name)
{
	for (; tag; tag = tag->outer)
		for (size_t i = 0; tag->ends && tag->ends[i]; i++)
			if (!strcmp(tag->ends[i], name))
				return true;
	return false;
}

/* An unknown tag, or the end of the template (name NULL) where a tag was to come. */
static bool fail_tag(struct parser *p, uint32_t at, const char *name)
{
	const struct open_tag *tag = p->tag;
	struct buf text;

	buf_init(&text, 4096);
	if (name)
		buf_printf(&text, "Encountered unknown tag '%s'.", name);
	else
		buf_puts(&text, "Unexpected end of template.");
	if (tag && name && expects(tag, name)) {
		buf_puts(&text,
			" You probably made a nesting mistake. Jinja is expecting this tag, but "
			"currently looking for ");
		list_ends(tag, &text);
		buf_puts(&text, ".");
	} else if (tag) {
		buf_puts(&text, " Jinja was looking for the following tags: ");
		list_ends(tag, &text);
		buf_puts(&text, ".");
	}
	if (tag)
		buf_printf(&text,
			" The innermost block that needs to be closed is '%s'. It was opened on "
			"line %d.",
			tag->name, place_of(p->t, tag->at).line);
	parse_fail(p, at, "%s", buf_text(&text));
	buf_release(&text);
	return false;
}

static bool parse_statement(struct parser *p, const struct statement **out);

static bool at_end_tag(const struct parser *p, const char *const *ends)
{
	for (size_t i = 0; ends && ends[i]; i++)
		if (parse_is_word(p, ends[i]))
			return true;
	return false;
}

static const struct statement *parse_text(struct parser *p)
{
	const struct token *token = parse_token(p);
	struct statement *s = parse_alloc(p, sizeof *s);

	s->kind = STATEMENT_TEXT;
	s->at = token->at;
	s->text = value_bytes(p->t->source + token->at, token->len);
	p->at++;
	return s;
}

static const struct statement *parse_output(struct parser *p)
{
	struct statement *s = parse_alloc(p, sizeof *s);

	s->kind = STATEMENT_PRINT;
	s->at = parse_token(p)->at;
	p->at++;
	s->expr = parse_tuple(p, true);
	return s->expr && parse_expect(p, TOKEN_PRINT_END) ? s : NULL;
}

/* Statements up to one of the ends (NULL: of the source), behind whose `{%` the parser then
 * stands. */
static bool parse_until(struct parser *p, const char *const *ends, struct body *out)
{
	const struct statement **link = &out->first;

	while (!parse_is(p, TOKEN_END)) {
		if (parse_is(p, TOKEN_TEXT)) {
			*link = parse_text(p);
		} else if (parse_is(p, TOKEN_PRINT_BEGIN)) {
			*link = parse_output(p);
		} else {
			p->at++;
			if (at_end_tag(p, ends))
				return true;
			if (!parse_statement(p, link) || !parse_expect(p, TOKEN_BLOCK_END))
				return false;
		}
		if (!*link)
			return false;
		/* The list is made once; const is for those who read it. */
		link = &((struct statement *)*link)->next;
	}
	return ends ? fail_tag(p, p->tag->at, NULL) : true;
}

/* The rest of the opening tag and the body up to one of the ends. */
static bool parse_body(struct parser *p, const char *const *ends, struct body *out)
{
	struct open_tag *tag = (struct open_tag *)p->tag;

	parse_skip(p, TOKEN_COLON);
	if (!parse_expect(p, TOKEN_BLOCK_END) || !parse_enter(p))
		return false;
	tag->ends = ends;
	bool soft = p->soft, ok = parse_until(p, ends, out);
	p->soft = soft;
	p->nesting--;
	return ok;
}

/* A body that has one end, which is passed. */
static bool parse_block(struct parser *p, const char *end, struct body *out)
{
	bool soft = p->soft;

	p->soft = false;
	bool ok = parse_body(p, (const char *const[]){end, NULL}, out);
	p->soft = soft;
	if (ok)
		p->at++;
	return ok;
}

static bool parse_if(struct parser *p, struct statement *s)
{
	static const char *const ends[] = {"elif", "else", "endif", NULL}, *const last[] = {
										   "endif", NULL};
	VEC(struct branch) branches = {0};
	bool ok = true, soft = p->soft, more = true;

	s->kind = STATEMENT_IF;
	p->soft = true;
	while (ok && more) {
		struct branch branch = {.test = parse_tuple(p, false)};
		ok = branch.test && parse_body(p, ends, &branch.body);
		vec_push(&branches, branch);
		more = ok && parse_skip_word(p, "elif");
	}
	if (ok && parse_skip_word(p, "else")) {
		struct branch branch = {0};
		ok = parse_body(p, last, &branch.body);
		vec_push(&branches, branch);
	}
	p->soft = soft;
	p->at++;
	s->choice.branches = parse_alloc(p, branches.len * sizeof *branches.items);
	memcpy(s->choice.branches, branches.items, branches.len * sizeof *branches.items);
	s->choice.n = branches.len;
	vec_release(&branches);
	return ok;
}

static bool parse_for(struct parser *p, struct statement *s)
{
	static const char *const ends[] = {"endfor", "else", NULL};
	struct enclosing loop = {.outer = p->enclosing, .loop = s};
	bool soft = p->soft;

	s->kind = STATEMENT_FOR;
	p->enclosing = &loop;
	if (!parse_target(p, false, &s->loop.target))
		return false;
	if (!parse_skip_word(p, "in"))
		return parse_fail(p, parse_token(p)->at, "expected token 'in', got '%s'",
			token_text(p->t, parse_token(p)));
	s->loop.items = parse_tuple(p, false);
	if (!s->loop.items)
		return false;
	if (parse_skip_word(p, "if") && !(s->loop.test = parse_expression(p)))
		return false;
	if (parse_is_word(p, "recursive"))
		return parse_fail(
			p, parse_token(p)->at, "recursive loops are not known here; use a macro");
	p->soft = false;
	bool ok = parse_body(p, ends, &s->loop.body);
	p->enclosing = loop.outer;
	if (ok && parse_skip_word(p, "else"))
		ok = parse_body(p, (const char *const[]){"endfor", NULL}, &s->loop.otherwise);
	p->soft = soft;
	p->at++;
	return ok;
}

static bool parse_set(struct parser *p, struct statement *s)
{
	struct target target = {0};

	s->kind = STATEMENT_SET;
	if (!parse_target(p, true, &target))
		return false;
	if (parse_skip(p, TOKEN_ASSIGN)) {
		s->set.target = target;
		s->set.value = parse_tuple(p, true);
		return s->set.value;
	}
	s->kind = STATEMENT_SET_BLOCK;
	s->set_block.target = target;
	if (parse_is(p, TOKEN_PIPE) && !(s->set_block.filter = parse_filters(p, NULL, false)))
		return false;
	return parse_block(p, "endset", &s->set_block.body);
}

static bool parse_macro_body(struct parser *p, struct macro *macro, const char *end)
{
	struct enclosing frame = {.outer = p->enclosing, .macro = macro};

	p->enclosing = &frame;
	bool ok = parse_block(p, end, &macro->body);
	p->enclosing = frame.outer;
	for (size_t i = 0; ok && macro->uses_caller && i < macro->n_parameters; i++) {
		if (strcmp(macro->parameters[i].name, "caller"))
			continue;
		if (!macro->parameters[i].value)
			return parse_fail(p, macro->at,
				"When defining macros or call blocks the special \"caller\" "
				"argument "
				"must be omitted or be given a default.");
		macro->uses_caller = false;
	}
	return ok;
}

static struct macro *new_macro(struct parser *p, struct statement *s, enum macro_kind kind)
{
	struct macro *macro = parse_alloc(p, sizeof *macro);

	s->kind = STATEMENT_MACRO;
	s->macro = macro;
	macro->template = p->t;
	macro->kind = kind;
	macro->at = s->at;
	macro->name = parse_name(p);
	if (!macro->name)
		return NULL;
	if (!p->tag->outer) {
		*p->next_macro = macro;
		p->next_macro = &macro->next;
	}
	return macro;
}

static bool parse_macro(struct parser *p, struct statement *s)
{
	struct macro *macro = new_macro(p, s, MACRO_PLAIN);
	return macro && parse_signature(p, macro) && parse_macro_body(p, macro, "endmacro");
}

static bool parse_test(struct parser *p, struct statement *s)
{
	struct macro *macro = new_macro(p, s, MACRO_TEST);

	if (!macro)
		return false;
	const char *end = !strcmp(p->tag->name, "test") ? "endtest" : "enddata_test";
	macro->name = arena_printf(&p->t->arena, "test_%s", macro->name);
	return parse_signature(p, macro) && parse_macro_body(p, macro, end);
}

static bool parse_snapshot(struct parser *p, struct statement *s)
{
	struct macro *macro = new_macro(p, s, MACRO_SNAPSHOT);

	if (!macro)
		return false;
	macro->name = arena_printf(&p->t->arena, "snapshot_%s", macro->name);
	return parse_macro_body(p, macro, "endsnapshot");
}

static bool parse_materialization(struct parser *p, struct statement *s)
{
	struct macro *macro = new_macro(p, s, MACRO_MATERIALIZATION);
	const char *adapter = "default";

	if (!macro)
		return false;
	while (parse_skip(p, TOKEN_COMMA)) {
		uint32_t at = parse_token(p)->at;
		const char *key = parse_name(p);
		if (!key)
			return false;
		if (!strcmp(key, "default"))
			continue;
		if (strcmp(key, "adapter") && strcmp(key, "supported_languages"))
			return parse_fail(p, at,
				"a materialization takes default, adapter and "
				"supported_languages, not '%s'",
				key);
		if (!parse_expect(p, TOKEN_ASSIGN))
			return false;
		const struct expr *value = parse_expression(p);
		if (!value)
			return false;
		if (!strcmp(key, "adapter") && value->kind == EXPR_CONSTANT &&
			value->constant.kind == VALUE_STRING)
			adapter = value_strdup(&p->t->arena, value->constant);
	}
	macro->name = arena_printf(&p->t->arena, "materialization_%s_%s", macro->name, adapter);
	return parse_macro_body(p, macro, "endmaterialization");
}

static bool parse_call(struct parser *p, struct statement *s)
{
	struct macro *body = parse_alloc(p, sizeof *body);

	s->kind = STATEMENT_CALL;
	body->template = p->t;
	body->at = s->at;
	if (parse_is(p, TOKEN_LPAREN) && !parse_signature(p, body))
		return false;
	s->call.call = parse_expression(p);
	if (!s->call.call)
		return false;
	if (s->call.call->kind != EXPR_CALL)
		return parse_fail(p, s->at, "expected call");
	s->call.body = body;
	return parse_macro_body(p, body, "endcall");
}

static bool parse_filter(struct parser *p, struct statement *s)
{
	s->kind = STATEMENT_FILTER;
	s->filter.filter = parse_filters(p, NULL, true);
	return s->filter.filter && parse_block(p, "endfilter", &s->filter.body);
}

static bool parse_with(struct parser *p, struct statement *s)
{
	VEC(struct target) targets = {0};
	VEC(const struct expr *) values = {0};
	bool ok = true;

	s->kind = STATEMENT_WITH;
	while (ok && !parse_is(p, TOKEN_BLOCK_END)) {
		struct target target = {0};
		ok = (!targets.len || parse_expect(p, TOKEN_COMMA)) &&
		     parse_target(p, false, &target) && parse_expect(p, TOKEN_ASSIGN);
		const struct expr *value = ok ? parse_expression(p) : NULL;
		ok = value;
		vec_push(&targets, target);
		vec_push(&values, value);
	}
	s->with.n = targets.len;
	s->with.targets = parse_alloc(p, targets.len * sizeof *targets.items);
	s->with.values = parse_alloc(p, values.len * sizeof(void *));
	for (size_t i = 0; i < targets.len; i++) {
		s->with.targets[i] = targets.items[i];
		s->with.values[i] = values.items[i];
	}
	vec_release(&targets);
	vec_release(&values);
	return ok && parse_block(p, "endwith", &s->with.body);
}

static bool parse_do(struct parser *p, struct statement *s)
{
	s->kind = STATEMENT_DO;
	s->expr = parse_tuple(p, true);
	return s->expr;
}

static bool parse_jump(struct parser *p, struct statement *s)
{
	bool is_break = !strcmp(p->tag->name, "break");

	s->kind = is_break ? STATEMENT_BREAK : STATEMENT_CONTINUE;
	if (p->enclosing && p->enclosing->loop)
		return true;
	return parse_fail(
		p, s->at, is_break ? "'break' outside loop" : "'continue' not properly in loop");
}

static bool parse_foreign(struct parser *p, struct statement *s)
{
	return parse_fail(p, s->at,
		"the tag '%s' is not known here: templates are single files, as in dbt",
		p->tag->name);
}

typedef bool parse_statement_fn(struct parser *p, struct statement *s);
static const struct {
	const char *tag;
	parse_statement_fn *parse;
} statements[] = {
	{"if", parse_if},
	{"for", parse_for},
	{"set", parse_set},
	{"macro", parse_macro},
	{"call", parse_call},
	{"filter", parse_filter},
	{"with", parse_with},
	{"do", parse_do},
	{"break", parse_jump},
	{"continue", parse_jump},
	{"test", parse_test},
	{"data_test", parse_test},
	{"snapshot", parse_snapshot},
	{"materialization", parse_materialization},
	{"include", parse_foreign},
	{"import", parse_foreign},
	{"from", parse_foreign},
	{"extends", parse_foreign},
	{"block", parse_foreign},
	{"autoescape", parse_foreign},
};

static bool parse_statement(struct parser *p, const struct statement **out)
{
	const struct token *token = parse_token(p);

	if (token->kind != TOKEN_NAME)
		return parse_fail(p, token->at, "tag name expected");
	const char *name = parse_name(p);
	struct open_tag tag = {.outer = p->tag, .name = name, .at = token->at};
	for (size_t i = 0; i < COUNT_OF(statements); i++) {
		if (strcmp(statements[i].tag, name))
			continue;
		struct statement *s = parse_alloc(p, sizeof *s);
		s->at = token->at;
		p->tag = &tag;
		bool ok = statements[i].parse(p, s);
		p->tag = tag.outer;
		*out = s;
		return ok;
	}
	return fail_tag(p, token->at, name);
}

/* The source with one kind of newline, and without the last one, as Jinja reads it. */
static void take_source(struct template *t, const char *source, size_t len)
{
	char *to = arena_alloc(&t->arena, len + 1);

	t->source = to;
	for (size_t i = 0; i < len; i++) {
		if (source[i] == '\r' && i + 1 < len && source[i + 1] == '\n')
			continue;
		*to++ = source[i] == '\r' ? '\n' : source[i];
	}
	if (to > t->source && to[-1] == '\n')
		to--;
	*to = '\0';
	t->len = (size_t)(to - t->source);
}

struct template *template_parse(const char *name, const char *source, size_t len, struct error *err)
{
	if (len > INT32_MAX || !utf8_valid(source, len)) {
		error_set(err, ERROR_CONFIG, "%s: %s", name,
			len > INT32_MAX ? "larger than 2 GiB" : "is not UTF-8; save it as UTF-8");
		return NULL;
	}
	struct template *t = xcalloc(1, sizeof *t);
	arena_init(&t->arena);
	t->name = arena_strdup(&t->arena, name);
	take_source(t, source, len);
	struct parser p = {.t = t, .err = err, .next_macro = &t->macros};
	bool ok = lex(t, &p.tokens, err) && parse_until(&p, NULL, &t->body);
	vec_release(&p.tokens);
	if (ok)
		return t;
	template_free(t);
	return NULL;
}

void template_free(struct template *t)
{
	if (!t)
		return;
	arena_release(&t->arena);
	free(t);
}

const struct macro *template_next_macro(const struct template *t, const struct macro *previous)
{
	return previous ? previous->next : t->macros;
}

const char *macro_name(const struct macro *macro)
{
	return macro->name;
}

enum macro_kind macro_kind(const struct macro *macro)
{
	return macro->kind;
}
