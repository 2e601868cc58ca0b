/*
 * The parser of expressions; see parse.h. One function a level of precedence, as in Jinja2: if, or,
 * and, not, comparisons, + -, ~, * / // %, **, + - of one value, and then the values of
 * parse_value.c.
 */
#include "models/template/parse.h"
#include "models/template/place.h"

static const struct expr *parse_unary(struct parser *p, bool with_filters)
{
	const struct token *token = parse_token(p);
	const struct expr *e;

	if (token->kind == TOKEN_SUB || token->kind == TOKEN_ADD) {
		struct expr *unary = parse_new(p, EXPR_UNARY, token->at);
		unary->binary.operation = token->kind == TOKEN_SUB ? OP_SUB : OP_ADD;
		p->at++;
		if (!parse_enter(p))
			return NULL;
		unary->binary.right = parse_unary(p, false);
		p->nesting--;
		e = unary->binary.right ? unary : NULL;
	} else {
		e = parse_primary(p);
	}
	e = parse_postfix(p, e);
	return with_filters ? parse_applied(p, e) : e;
}

static const struct operator_token {
	enum token_kind token;
	enum operation operation;
} powers[] = {{TOKEN_POW, OP_POW}},
  products[] = {{TOKEN_MUL, OP_MUL}, {TOKEN_DIV, OP_DIV}, {TOKEN_FLOORDIV, OP_FLOORDIV},
	  {TOKEN_MOD, OP_MOD}},
  sums[] = {{TOKEN_ADD, OP_ADD}, {TOKEN_SUB, OP_SUB}},
  comparisons[] = {{TOKEN_EQ, OP_EQ}, {TOKEN_NE, OP_NE}, {TOKEN_LT, OP_LT}, {TOKEN_LE, OP_LE},
	  {TOKEN_GT, OP_GT}, {TOKEN_GE, OP_GE}};

static const struct operator_token *find_operator(
	const struct parser *p, const struct operator_token *table, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (parse_is(p, table[i].token))
			return &table[i];
	return NULL;
}

typedef const struct expr *parse_operand_fn(struct parser *p);

static const struct expr *parse_binary(
	struct parser *p, const struct operator_token *table, size_t n, parse_operand_fn *operand)
{
	const struct operator_token *found;
	const struct expr *left = operand(p);

	while (left && (found = find_operator(p, table, n))) {
		struct expr *e = parse_new(p, EXPR_ARITHMETIC, parse_token(p)->at);
		p->at++;
		e->binary.operation = found->operation;
		e->binary.left = left;
		e->binary.right = operand(p);
		left = e->binary.right ? e : NULL;
	}
	return left;
}

static const struct expr *parse_factor(struct parser *p)
{
	return parse_unary(p, true);
}

static const struct expr *parse_power(struct parser *p)
{
	return parse_binary(p, powers, COUNT_OF(powers), parse_factor);
}

static const struct expr *parse_product(struct parser *p)
{
	return parse_binary(p, products, COUNT_OF(products), parse_power);
}

static const struct expr *parse_concat(struct parser *p)
{
	struct exprs items = {0};
	uint32_t at = parse_token(p)->at;
	bool ok = true;

	do {
		vec_push(&items, parse_product(p));
		ok = items.items[items.len - 1];
	} while (ok && parse_skip(p, TOKEN_TILDE));
	const struct expr *e = items.items[0];
	if (ok && items.len > 1)
		return parse_new_of(p, EXPR_CONCAT, at, &items);
	vec_release(&items);
	return ok ? e : NULL;
}

static const struct expr *parse_sum(struct parser *p)
{
	return parse_binary(p, sums, COUNT_OF(sums), parse_concat);
}

/* The comparison that the parser stands before; passes it. */
static bool take_comparison(struct parser *p, enum operation *out)
{
	const struct operator_token *found = find_operator(p, comparisons, COUNT_OF(comparisons));

	if (found) {
		*out = found->operation;
		p->at++;
		return true;
	}
	*out = OP_IN;
	if (parse_skip_word(p, "in"))
		return true;
	*out = OP_NOT_IN;
	if (!parse_is_word(p, "not"))
		return false;
	p->at++;
	if (parse_skip_word(p, "in"))
		return true;
	p->at--;
	return false;
}

static const struct expr *parse_compare(struct parser *p)
{
	const struct expr *first = parse_sum(p);
	VEC(struct comparison) rest = {0};
	struct comparison one;
	uint32_t at = parse_token(p)->at;
	bool ok = first;

	while (ok && take_comparison(p, &one.operation)) {
		one.right = parse_sum(p);
		vec_push(&rest, one);
		ok = one.right;
	}
	if (!ok || !rest.len) {
		vec_release(&rest);
		return ok ? first : NULL;
	}
	struct expr *e = parse_new(p, EXPR_COMPARE, at);
	e->compare.first = first;
	e->compare.n = rest.len;
	e->compare.rest = parse_alloc(p, rest.len * sizeof one);
	memcpy(e->compare.rest, rest.items, rest.len * sizeof one);
	vec_release(&rest);
	return e;
}

static const struct expr *parse_not(struct parser *p)
{
	uint32_t at = parse_token(p)->at;

	if (!parse_skip_word(p, "not"))
		return parse_compare(p);
	if (!parse_enter(p))
		return NULL;
	struct expr *e = parse_new(p, EXPR_NOT, at);
	e->binary.right = parse_not(p);
	p->nesting--;
	return e->binary.right ? e : NULL;
}

static const struct expr *parse_logic(
	struct parser *p, const char *word, enum expr_kind kind, parse_operand_fn *operand)
{
	const struct expr *left = operand(p);

	while (left && parse_is_word(p, word)) {
		struct expr *e = parse_new(p, kind, parse_token(p)->at);
		p->at++;
		e->binary.left = left;
		e->binary.right = operand(p);
		left = e->binary.right ? e : NULL;
	}
	return left;
}

static const struct expr *parse_and(struct parser *p)
{
	return parse_logic(p, "and", EXPR_AND, parse_not);
}

const struct expr *parse_or(struct parser *p)
{
	if (!parse_enter(p))
		return NULL;
	const struct expr *e = parse_logic(p, "or", EXPR_OR, parse_and);
	p->nesting--;
	return e;
}

const struct expr *parse_expression(struct parser *p)
{
	const struct expr *e = parse_or(p);
	bool soft = p->soft;

	while (e && parse_is_word(p, "if")) {
		struct expr *conditional = parse_new(p, EXPR_CONDITIONAL, e->at);
		p->at++;
		p->soft = true;
		conditional->conditional.yes = e;
		conditional->conditional.test = parse_or(p);
		if (!conditional->conditional.test)
			return NULL;
		if (!parse_skip_word(p, "else")) {
			conditional->conditional.why = arena_printf(&p->t->arena,
				"the inline if-expression on line %d evaluated to false and no "
				"else "
				"section was defined.",
				place_of(p->t, conditional->at).line);
			e = conditional;
			continue;
		}
		if (!parse_enter(p))
			return NULL;
		conditional->conditional.no = parse_expression(p);
		p->nesting--;
		e = conditional->conditional.no ? conditional : NULL;
	}
	p->soft = soft;
	return e;
}
