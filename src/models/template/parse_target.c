/* The parser of what is assigned to: targets of set and for, parameters of macros; see parse.h. */
#include "models/template/parse.h"

/* Tells the macros and loops around that a special name is used or set in them. */
void parse_note_name(struct parser *p, const char *name, bool set)
{
	for (struct enclosing *e = p->enclosing; e; e = e->outer) {
		if (e->loop) {
			e->loop->loop.uses_loop |= !set && !strcmp(name, "loop");
			continue;
		}
		bool caller = !strcmp(name, "caller"), varargs = !strcmp(name, "varargs"),
		     kwargs = !strcmp(name, "kwargs");
		if (set) {
			e->sets_caller |= caller;
			e->sets_varargs |= varargs;
			e->sets_kwargs |= kwargs;
		} else {
			e->macro->uses_caller |= caller && !e->sets_caller;
			e->macro->uses_varargs |= varargs && !e->sets_varargs;
			e->macro->uses_kwargs |= kwargs && !e->sets_kwargs;
		}
	}
}

bool parse_is_constant(const char *name)
{
	static const char *const names[] = {"true", "false", "none", "True", "False", "None"};

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

static bool parse_target_one(struct parser *p, bool attributes, struct target *out)
{
	const struct token *token = parse_token(p);

	out->at = token->at;
	if (parse_skip(p, TOKEN_LPAREN))
		return parse_target(p, attributes, out) && parse_expect(p, TOKEN_RPAREN);
	if (token->kind != TOKEN_NAME)
		return parse_fail(p, token->at, "can't assign to '%s'", token_text(p->t, token));
	out->name = parse_name(p);
	if (parse_is_constant(out->name))
		return parse_fail(p, token->at, "can't assign to 'const'");
	if (attributes && parse_skip(p, TOKEN_DOT)) {
		parse_note_name(p, out->name, false);
		return (out->attribute = parse_name(p));
	}
	for (struct enclosing *e = p->enclosing; e; e = e->outer)
		if (e->loop && !strcmp(out->name, "loop"))
			return parse_fail(p, token->at,
				"Can't assign to special loop variable in for-loop target");
	parse_note_name(p, out->name, true);
	return true;
}

bool parse_target(struct parser *p, bool attributes, struct target *out)
{
	struct target first = {0};
	VEC(struct target) items = {0};
	bool ok;

	if (!parse_enter(p))
		return false;
	ok = parse_target_one(p, attributes, &first);
	*out = first;
	if (!ok || !parse_is(p, TOKEN_COMMA)) {
		p->nesting--;
		return ok;
	}
	vec_push(&items, first);
	while (ok && parse_skip(p, TOKEN_COMMA)) {
		if (parse_at_tuple_end(p) || parse_is_word(p, "in") || parse_is(p, TOKEN_ASSIGN))
			break;
		struct target item = {0};
		ok = parse_target_one(p, attributes, &item);
		vec_push(&items, item);
	}
	p->nesting--;
	*out = (struct target){.at = first.at, .n = items.len};
	out->items = parse_alloc(p, items.len * sizeof *items.items);
	memcpy(out->items, items.items, items.len * sizeof *items.items);
	vec_release(&items);
	return ok;
}

/* dbt's macros may name the types of their parameters: `orders: relation`, `names:
 * list[string]`. */
static bool skip_type(struct parser *p)
{
	if (!parse_enter(p) || !parse_name(p))
		return false;
	bool ok = true;
	if (parse_skip(p, TOKEN_LBRACKET)) {
		while (ok && !parse_is(p, TOKEN_RBRACKET))
			ok = skip_type(p) &&
			     (parse_is(p, TOKEN_RBRACKET) || parse_expect(p, TOKEN_COMMA));
		p->at++;
	}
	p->nesting--;
	return ok;
}

static bool parse_parameter(struct parser *p, struct macro *macro, struct parameter *out)
{
	uint32_t at = parse_token(p)->at;
	bool with_value = macro->n_parameters && macro->parameters[macro->n_parameters - 1].value;

	out->name = parse_name(p);
	if (!out->name)
		return false;
	if (parse_is_constant(out->name))
		return parse_fail(p, at, "can't assign to 'name'");
	if (parse_skip(p, TOKEN_COLON) && !skip_type(p))
		return false;
	if (parse_skip(p, TOKEN_ASSIGN))
		return (out->value = parse_expression(p));
	if (with_value)
		return parse_fail(
			p, parse_token(p)->at, "non-default argument follows default argument");
	return true;
}

bool parse_signature(struct parser *p, struct macro *macro)
{
	VEC(struct parameter) parameters = {0};
	bool ok = parse_expect(p, TOKEN_LPAREN);

	while (ok && !parse_is(p, TOKEN_RPAREN)) {
		struct parameter parameter = {0};
		ok = (!parameters.len || parse_expect(p, TOKEN_COMMA)) &&
		     parse_parameter(p, macro, &parameter);
		vec_push(&parameters, parameter);
		macro->parameters = parameters.items;
		macro->n_parameters = parameters.len;
	}
	p->at++;
	macro->parameters = parse_alloc(p, parameters.len * sizeof *parameters.items);
	if (parameters.len)
		memcpy(macro->parameters, parameters.items,
			parameters.len * sizeof *parameters.items);
	vec_release(&parameters);
	return ok;
}
