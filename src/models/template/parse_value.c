/*
 * The parser of values and what follows them: names, literals, attributes, items, slices, calls,
 * filters and tests; see parse.h.
 */
#include "base/vec.h"
#include "models/template/builtins.h"
#include "models/template/parse.h"

struct expr *parse_new(struct parser *p, enum expr_kind kind, uint32_t at)
{
	struct expr *e = parse_alloc(p, sizeof *e);

	e->kind = kind;
	e->at = at;
	return e;
}

/* The list in the arena; releases it. */
const struct expr **parse_keep(struct parser *p, struct exprs *list)
{
	const struct expr **kept = parse_alloc(p, list->len * sizeof *kept);

	if (list->len)
		memcpy(kept, list->items, list->len * sizeof *kept);
	vec_release(list);
	return kept;
}

struct expr *parse_new_of(struct parser *p, enum expr_kind kind, uint32_t at, struct exprs *items)
{
	struct expr *e = parse_new(p, kind, at);

	e->items.n = items->len;
	e->items.items = parse_keep(p, items);
	return e;
}

static const struct expr *parse_named(struct parser *p)
{
	uint32_t at = parse_token(p)->at;
	const char *name = parse_name(p);
	bool constant = parse_is_constant(name);
	struct expr *e = parse_new(p, constant ? EXPR_CONSTANT : EXPR_NAME, at);

	if (!constant) {
		e->name = name;
		parse_note_name(p, name, false);
	} else if ((name[0] | 0x20) == 'n') {
		e->constant = value_none();
	} else {
		e->constant = value_bool((name[0] | 0x20) == 't');
	}
	return e;
}

static const struct expr *parse_texts(struct parser *p)
{
	struct expr *e = parse_new(p, EXPR_CONSTANT, parse_token(p)->at);
	struct buf text;
	bool ok = true;

	buf_init(&text, p->t->len + 64);
	while (ok && parse_is(p, TOKEN_STRING))
		ok = parse_string(p, &text);
	e->constant = value_bytes(
		arena_strndup(&p->t->arena, text.len ? (char *)text.data : "", text.len), text.len);
	buf_release(&text);
	return ok ? e : NULL;
}

static const struct expr *parse_numeral(struct parser *p)
{
	struct expr *e = parse_new(p, EXPR_CONSTANT, parse_token(p)->at);
	parse_number(p, e);
	return e;
}

bool parse_at_tuple_end(const struct parser *p)
{
	return parse_is(p, TOKEN_PRINT_END) || parse_is(p, TOKEN_BLOCK_END) ||
	       parse_is(p, TOKEN_RPAREN);
}

static const struct expr *parse_items(struct parser *p, bool conditional, bool parentheses)
{
	struct exprs items = {0};
	bool is_tuple = false, ok = true;
	uint32_t at = parse_token(p)->at;

	while (ok && !parse_at_tuple_end(p)) {
		const struct expr *item = conditional ? parse_expression(p) : parse_or(p);
		vec_push(&items, item);
		ok = item;
		if (!ok || !parse_skip(p, TOKEN_COMMA))
			break;
		is_tuple = true;
	}
	const struct expr *only = items.len == 1 && !is_tuple ? items.items[0] : NULL;
	if (!ok || only) {
		vec_release(&items);
		return only;
	}
	if (!items.len && !parentheses) {
		parse_fail(p, at, "Expected an expression, got '%s'",
			token_text(p->t, parse_token(p)));
		return NULL;
	}
	return parse_new_of(p, EXPR_TUPLE, at, &items);
}

const struct expr *parse_tuple(struct parser *p, bool with_conditional)
{
	return parse_items(p, with_conditional, false);
}

static const struct expr *parse_parentheses(struct parser *p)
{
	p->at++;
	const struct expr *e = parse_items(p, true, true);
	return e && parse_expect(p, TOKEN_RPAREN) ? e : NULL;
}

/* A list, or a dict: pairs of a key and a value. */
static const struct expr *parse_display(struct parser *p, enum expr_kind kind, enum token_kind end)
{
	struct exprs items = {0};
	uint32_t at = parse_token(p)->at;
	bool ok = true;

	p->at++;
	while (ok && !parse_is(p, end)) {
		const struct expr *item = parse_expression(p), *value = NULL;
		vec_push(&items, item);
		if (kind == EXPR_DICT) {
			value = item && parse_expect(p, TOKEN_COLON) ? parse_expression(p) : NULL;
			vec_push(&items, value);
		}
		ok = item && (value || kind == EXPR_LIST) &&
		     (parse_is(p, end) || parse_expect(p, TOKEN_COMMA));
	}
	p->at++;
	const struct expr *e = parse_new_of(p, kind, at, &items);
	return ok ? e : NULL;
}

const struct expr *parse_primary(struct parser *p)
{
	const struct token *token = parse_token(p);

	if (token->kind == TOKEN_NAME)
		return parse_named(p);
	if (token->kind == TOKEN_STRING)
		return parse_texts(p);
	if (token->kind == TOKEN_INTEGER || token->kind == TOKEN_FLOAT)
		return parse_numeral(p);
	if (token->kind == TOKEN_LPAREN)
		return parse_parentheses(p);
	if (token->kind == TOKEN_LBRACKET)
		return parse_display(p, EXPR_LIST, TOKEN_RBRACKET);
	if (token->kind == TOKEN_LBRACE)
		return parse_display(p, EXPR_DICT, TOKEN_RBRACE);
	parse_fail(p, token->at, "unexpected '%s'", token_text(p->t, token));
	return NULL;
}

static bool parse_argument(struct parser *p, struct arguments *out, struct exprs *positional,
	struct exprs *values, uint32_t at)
{
	static const char *const invalid = "invalid syntax for function call expression";

	if (parse_skip(p, TOKEN_MUL)) {
		if (out->more_positional || out->more_keywords)
			return parse_fail(p, at, "%s", invalid);
		return (out->more_positional = parse_expression(p));
	}
	if (parse_skip(p, TOKEN_POW)) {
		if (out->more_keywords)
			return parse_fail(p, at, "%s", invalid);
		return (out->more_keywords = parse_expression(p));
	}
	bool named = parse_is(p, TOKEN_NAME) && parse_next_is(p, TOKEN_ASSIGN);
	if (out->more_keywords || (!named && (out->more_positional || values->len)))
		return parse_fail(p, at, "%s", invalid);
	if (!named) {
		vec_push(positional, parse_expression(p));
		return positional->items[positional->len - 1];
	}
	struct expr *keyword = parse_new(p, EXPR_NAME, parse_token(p)->at);
	keyword->name = parse_name(p);
	p->at++;
	vec_push(values, keyword);
	vec_push(values, parse_expression(p));
	return values->items[values->len - 1];
}

static bool parse_arguments(struct parser *p, struct arguments *out)
{
	struct exprs positional = {0}, values = {0};
	uint32_t at = parse_token(p)->at;
	bool ok = parse_expect(p, TOKEN_LPAREN);

	while (ok && !parse_is(p, TOKEN_RPAREN)) {
		ok = parse_argument(p, out, &positional, &values, at) &&
		     (parse_is(p, TOKEN_RPAREN) || parse_expect(p, TOKEN_COMMA));
	}
	p->at++;
	out->n_keywords = values.len / 2;
	out->keywords = parse_alloc(p, out->n_keywords * sizeof *out->keywords);
	for (size_t i = 0; i < out->n_keywords; i++)
		out->keywords[i] = (struct keyword){
			values.items[2 * i]->name, values.items[2 * i + 1]};
	vec_release(&values);
	out->n_positional = positional.len;
	out->positional = parse_keep(p, &positional);
	return ok;
}

static const struct expr *parse_call(struct parser *p, const struct expr *callee)
{
	struct expr *e = parse_new(p, EXPR_CALL, callee->at);

	e->call.callee = callee;
	return parse_arguments(p, &e->call.arguments) ? e : NULL;
}

static const struct expr *parse_dotted(struct parser *p, const struct expr *of)
{
	p->at++;
	struct expr *e = parse_new(p, EXPR_ATTRIBUTE, parse_token(p)->at);
	if (parse_is(p, TOKEN_NAME)) {
		e->attribute.of = of;
		e->attribute.name = parse_name(p);
		return e;
	}
	if (!parse_is(p, TOKEN_INTEGER)) {
		parse_fail(p, e->at, "expected name or number");
		return NULL;
	}
	e->kind = EXPR_ITEM;
	e->item.of = of;
	e->item.index = parse_numeral(p);
	return e->item.index ? e : NULL;
}

static bool at_slice_end(const struct parser *p)
{
	return parse_is(p, TOKEN_RBRACKET) || parse_is(p, TOKEN_COMMA) || parse_is(p, TOKEN_COLON);
}

/* The rest of a slice, behind its first colon. */
static const struct expr *parse_slice(struct parser *p, struct expr *e, const struct expr *start)
{
	e->kind = EXPR_SLICE;
	e->slice.of = e->item.of;
	e->slice.start = start;
	e->slice.stop = e->slice.step = NULL;
	if (!at_slice_end(p) && !(e->slice.stop = parse_expression(p)))
		return NULL;
	if (parse_skip(p, TOKEN_COLON) && !at_slice_end(p) &&
		!(e->slice.step = parse_expression(p)))
		return NULL;
	return parse_expect(p, TOKEN_RBRACKET) ? e : NULL;
}

static const struct expr *parse_subscript(struct parser *p, const struct expr *of)
{
	struct expr *e = parse_new(p, EXPR_ITEM, parse_token(p)->at);
	struct exprs several = {0};
	bool ok = true;

	p->at++;
	e->item.of = of;
	if (parse_skip(p, TOKEN_COLON))
		return parse_slice(p, e, NULL);
	e->item.index = parse_expression(p);
	if (!e->item.index)
		return NULL;
	if (parse_skip(p, TOKEN_COLON))
		return parse_slice(p, e, e->item.index);
	if (!parse_is(p, TOKEN_COMMA))
		return parse_expect(p, TOKEN_RBRACKET) ? e : NULL;
	vec_push(&several, e->item.index);
	while (ok && parse_skip(p, TOKEN_COMMA)) {
		vec_push(&several, parse_expression(p));
		ok = several.items[several.len - 1];
	}
	e->item.index = parse_new_of(p, EXPR_TUPLE, e->at, &several);
	return ok && parse_expect(p, TOKEN_RBRACKET) ? e : NULL;
}

const struct expr *parse_postfix(struct parser *p, const struct expr *e)
{
	while (e) {
		if (parse_is(p, TOKEN_DOT))
			e = parse_dotted(p, e);
		else if (parse_is(p, TOKEN_LBRACKET))
			e = parse_subscript(p, e);
		else if (parse_is(p, TOKEN_LPAREN))
			e = parse_call(p, e);
		else
			break;
	}
	return e;
}

/* The name of a filter or test, which may have dots. */
static bool parse_applied_name(struct parser *p, struct expr *e)
{
	e->applied.name = parse_name(p);
	while (e->applied.name && parse_skip(p, TOKEN_DOT)) {
		const char *more = parse_name(p);
		e->applied.name = more ? arena_printf(&p->t->arena, "%s.%s", e->applied.name, more)
				       : NULL;
	}
	return e->applied.name;
}

static bool check_known(struct parser *p, const struct expr *e, const char *what)
{
	if (e->applied.function || p->soft)
		return true;
	return parse_fail(p, e->at, "No %s named '%s'.", what, e->applied.name);
}

const struct expr *parse_filters(struct parser *p, const struct expr *of, bool first_inline)
{
	while (first_inline || parse_skip(p, TOKEN_PIPE)) {
		struct expr *e = parse_new(p, EXPR_FILTER, parse_token(p)->at);
		first_inline = false;
		e->applied.of = of;
		if (!parse_applied_name(p, e))
			return NULL;
		e->applied.function = builtin_filter(e->applied.name);
		if (!check_known(p, e, "filter"))
			return NULL;
		if (parse_is(p, TOKEN_LPAREN) && !parse_arguments(p, &e->applied.arguments))
			return NULL;
		of = e;
	}
	return of;
}

/* A test's only argument may stand without parentheses: `is divisibleby 3`. */
static bool parse_bare_argument(struct parser *p, struct expr *e)
{
	bool starts = parse_is(p, TOKEN_NAME) || parse_is(p, TOKEN_STRING) ||
		      parse_is(p, TOKEN_INTEGER) || parse_is(p, TOKEN_FLOAT) ||
		      parse_is(p, TOKEN_LBRACKET) || parse_is(p, TOKEN_LBRACE);

	if (!starts || parse_is_word(p, "else") || parse_is_word(p, "or") ||
		parse_is_word(p, "and"))
		return true;
	if (parse_is_word(p, "is"))
		return parse_fail(p, parse_token(p)->at, "You cannot chain multiple tests with is");
	const struct expr *argument = parse_primary(p);
	argument = argument ? parse_postfix(p, argument) : NULL;
	e->applied.arguments.positional = parse_alloc(p, sizeof(void *));
	e->applied.arguments.positional[0] = argument;
	e->applied.arguments.n_positional = 1;
	return argument;
}

static const struct expr *parse_is_test(struct parser *p, const struct expr *of)
{
	p->at++;
	bool negated = parse_skip_word(p, "not");
	struct expr *e = parse_new(p, EXPR_TEST, parse_token(p)->at);
	e->applied.of = of;
	if (!parse_applied_name(p, e))
		return NULL;
	e->applied.function = builtin_test(e->applied.name);
	if (!check_known(p, e, "test"))
		return NULL;
	if (parse_is(p, TOKEN_LPAREN) ? !parse_arguments(p, &e->applied.arguments)
				      : !parse_bare_argument(p, e))
		return NULL;
	if (!negated)
		return e;
	struct expr *not = parse_new(p, EXPR_NOT, e->at);
	not ->binary.right = e;
	return not ;
}

const struct expr *parse_applied(struct parser *p, const struct expr *e)
{
	while (e) {
		if (parse_is(p, TOKEN_PIPE))
			e = parse_filters(p, e, false);
		else if (parse_is_word(p, "is"))
			e = parse_is_test(p, e);
		else if (parse_is(p, TOKEN_LPAREN))
			e = parse_call(p, e);
		else
			break;
	}
	return e;
}
