/*
 * Row filters; see filter.h. A recursive-descent parser makes a small tree in the arena; literals are
 * values of their column's type from then on, so that a comparison is exact and costs no conversion.
 *
 *	or:        and { OR and }
 *	and:       not { AND not }
 *	not:       NOT not | predicate
 *	predicate: ( or ) | column | column OP literal | column IS [NOT] NULL
 *	         | column [NOT] IN ( literal, ... ) | column [NOT] BETWEEN literal AND literal
 *	         | column [NOT] LIKE 'pattern'
 */
#include "core/filter.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include "core/option.h"
#include "core/filter_tree.h"

#define DEEPEST 64 /* parentheses and NOTs within one another */

enum token_kind { TOKEN_END, TOKEN_WORD, TOKEN_NAME, TOKEN_NUMBER, TOKEN_STRING, TOKEN_SYMBOL };

struct token {
	enum token_kind kind;
	const char *start; /* in the text */
	const char *text;  /* a word in lower case, a name or string without its quotes */
};

struct parser {
	const struct table *table;
	struct arena *arena;
	struct error *err;
	const char *where, *rest;
	struct token token; /* the next one */
	int depth;
};

/* --- Errors --- */

static bool fail(struct parser *p, const struct token *at, const char *fmt, ...) PRINTF(3, 4);

static bool fail(struct parser *p, const struct token *at, const char *fmt, ...)
{
	char what[600];
	va_list args;
	size_t near = strnlen(at->start, 40);

	va_start(args, fmt);
	vsnprintf(what, sizeof what, fmt, args);
	va_end(args);
	while (at->start[near] && ((unsigned char)at->start[near] & 0xc0) == 0x80)
		near--; /* no half character */
	if (!near)
		return error_set(p->err, ERROR_CONFIG, "%s.%s: where: %s, at the end of \"%.200s\"",
			p->table->schema, p->table->name, what, p->where);
	return error_set(p->err, ERROR_CONFIG, "%s.%s: where: %s, at offset %zu, near \"%.*s\"",
		p->table->schema, p->table->name, what, (size_t)(at->start - p->where), (int)near,
		at->start);
}

/* --- Tokens --- */

static bool begins_word(char c)
{
	return isalpha((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

static bool continues_word(char c)
{
	return begins_word(c) || isdigit((unsigned char)c) || c == '$';
}

/* SQL folds what is not quoted to lower case; of ASCII, as PostgreSQL does in UTF-8. */
static void lex_word(struct parser *p)
{
	size_t len = 0;

	while (continues_word(p->rest[len]))
		len++;
	char *text = arena_strndup(p->arena, p->rest, len);
	for (char *c = text; *c; c++)
		*c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
	p->token.kind = TOKEN_WORD;
	p->token.text = text;
	p->rest += len;
}

/* A doubled quote stands for itself. */
static bool lex_quoted(struct parser *p, char quote)
{
	const char *end = p->rest + 1;
	size_t len = 0;

	while (*end && (*end != quote || end[1] == quote))
		end += *end == quote ? 2 : 1;
	if (!*end)
		return fail(p, &p->token, "the quote is not closed");
	char *text = arena_alloc(p->arena, (size_t)(end - p->rest));
	for (const char *c = p->rest + 1; c < end; c += *c == quote ? 2 : 1)
		text[len++] = *c;
	p->token.kind = quote == '"' ? TOKEN_NAME : TOKEN_STRING;
	p->token.text = text;
	p->rest = end + 1;
	return true;
}

static bool lex_number(struct parser *p)
{
	const char *end = p->rest;

	end += strspn(end, "0123456789");
	if (*end == '.')
		end += 1 + strspn(end + 1, "0123456789");
	if (*end == 'e' || *end == 'E') {
		end++;
		end += *end == '+' || *end == '-';
		end += strspn(end, "0123456789");
	}
	p->token.kind = TOKEN_NUMBER;
	p->token.text = arena_strndup(p->arena, p->rest, (size_t)(end - p->rest));
	p->rest = end;
	if (continues_word(*end) || *end == '.')
		return fail(p, &p->token, "this is no number");
	return true;
}

static bool lex_symbol(struct parser *p)
{
	static const char *const symbols[] = {
		"<>", "!=", "<=", ">=", "=", "<", ">", "(", ")", ",", "-", "+"};

	for (size_t i = 0; i < COUNT_OF(symbols); i++) {
		size_t len = strlen(symbols[i]);
		if (strncmp(p->rest, symbols[i], len) != 0)
			continue;
		p->token.kind = TOKEN_SYMBOL;
		p->token.text = symbols[i];
		p->rest += len;
		return true;
	}
	return fail(p, &p->token, "'%c' has no meaning in a filter", *p->rest);
}

static bool advance(struct parser *p)
{
	p->rest += strspn(p->rest, " \t\r\n\f\v");
	p->token = (struct token){.kind = TOKEN_END, .start = p->rest, .text = ""};
	if (!*p->rest)
		return true;
	if (begins_word(*p->rest))
		return lex_word(p), true;
	if (*p->rest == '"' || *p->rest == '\'')
		return lex_quoted(p, *p->rest);
	if (isdigit((unsigned char)*p->rest) ||
		(*p->rest == '.' && isdigit((unsigned char)p->rest[1])))
		return lex_number(p);
	return lex_symbol(p);
}

static bool is_word(const struct parser *p, const char *word)
{
	return p->token.kind == TOKEN_WORD && !strcmp(p->token.text, word);
}

static bool is_symbol(const struct parser *p, const char *symbol)
{
	return p->token.kind == TOKEN_SYMBOL && !strcmp(p->token.text, symbol);
}

static bool expect(struct parser *p, bool there, const char *what)
{
	return there ? advance(p) : fail(p, &p->token, "%s was expected", what);
}

/* --- Literals --- */

/* The heap buffer's bytes in the arena: the tree is freed with it. */
static void settle(struct buf *b, struct arena *arena)
{
	if (!b->len)
		return;
	uint8_t *bytes = arena_alloc(arena, b->len);
	memcpy(bytes, b->data, b->len);
	free(b->data);
	b->data = bytes;
	b->cap = b->len;
}

static void settle_column(struct column *c, struct arena *arena)
{
	settle(&c->values, arena);
	settle(&c->ends, arena);
}

static bool parse_literal(struct parser *p, struct literal *out, struct token *at)
{
	const char *sign = "";

	*at = p->token;
	if (is_symbol(p, "-") || is_symbol(p, "+")) {
		sign = p->token.text;
		if (!advance(p))
			return false;
	}
	out->text = p->token.text;
	if (p->token.kind == TOKEN_NUMBER) {
		out->kind = LITERAL_NUMBER;
		out->text = arena_printf(p->arena, "%s%s", sign, p->token.text);
	} else if (*sign) {
		return fail(p, &p->token, "a number was expected");
	} else if (p->token.kind == TOKEN_STRING) {
		out->kind = LITERAL_STRING;
	} else if (is_word(p, "true") || is_word(p, "false")) {
		out->kind = LITERAL_BOOL;
	} else if (is_word(p, "null")) {
		return fail(p, &p->token,
			"a comparison with NULL is never true, write IS NULL or IS NOT NULL");
	} else {
		return fail(p, &p->token,
			"a number, text in single quotes, TRUE or FALSE was expected (columns are "
			"compared with "
			"literals only)");
	}
	return advance(p);
}

static bool add_literal(struct parser *p, struct filter *node)
{
	const struct table_column *column = &p->table->columns[node->column];
	struct literal literal;
	struct error why;
	struct token at;

	if (!parse_literal(p, &literal, &at))
		return false;
	struct type type = literal_type(column, &literal);
	if (!node->literals.rows)
		column_init(&node->literals, &type);
	if (literal_add(&node->literals, &literal, &why))
		return true;
	return fail(p, &at, "column %s is %s: %s", column->name,
		column->source_type ? column->source_type : "another", why.text);
}

/* --- Predicates --- */

static struct filter *new_node(struct parser *p, enum node_kind kind, size_t column)
{
	struct filter *node = arena_alloc(p->arena, sizeof *node);

	node->kind = kind;
	node->column = column;
	return node;
}

static struct filter *negated(struct parser *p, bool negate, struct filter *node)
{
	if (!negate || !node)
		return node;
	struct filter *not_node = new_node(p, NODE_NOT, 0);
	not_node->first = node;
	return not_node;
}

static bool unknown_column(struct parser *p)
{
	const char **names = arena_alloc(p->arena, (p->table->n_columns + 1) * sizeof *names);
	for (size_t c = 0; c < p->table->n_columns; c++)
		names[c] = p->table->columns[c].name;
	const char *nearest = nearest_name(p->token.text, names);
	return fail(p, &p->token, "there is no column %s%s%s%s", p->token.text,
		nearest ? " (did you mean " : "", nearest ? nearest : "",
		nearest ? "?)" : "; a column that a rule drops cannot be filtered on");
}

static bool parse_column(struct parser *p, size_t *out)
{
	static const char *const reserved[] = {
		"and", "or", "not", "in", "is", "null", "like", "between", "true", "false"};

	bool named = p->token.kind == TOKEN_WORD || p->token.kind == TOKEN_NAME;
	for (size_t i = 0; i < COUNT_OF(reserved); i++)
		named = named && !is_word(p, reserved[i]);
	if (!named)
		return fail(p, &p->token, "the name of a column was expected");
	int column = table_column_by_name(p->table, p->token.text);
	if (column < 0)
		return unknown_column(p);
	if (p->table->columns[column].rule.kind != RULE_NONE)
		return fail(p, &p->token,
			"column %s is under a rule, so its value is not at hand here",
			p->token.text);
	*out = (size_t)column;
	return advance(p);
}

/* May this be asked of the column? */
static bool allowed(struct parser *p, const struct token *at, size_t column, enum comparable asked)
{
	const struct table_column *c = &p->table->columns[column];
	const char *why;

	if (column_comparable(c, &why) >= asked)
		return true;
	return fail(p, at, "column %s is %s: %s", c->name,
		c->source_type ? c->source_type : "of no known type", why);
}

/* column OP literal; the literal is next. */
static struct filter *parse_operand(struct parser *p, size_t column, const char *op)
{
	struct filter *node = new_node(p, NODE_COMPARE, column);

	snprintf(node->op, sizeof node->op, "%s", op);
	bool ok = add_literal(p, node);
	settle_column(&node->literals, p->arena);
	return ok ? node : NULL;
}

static struct filter *parse_comparison(struct parser *p, size_t column)
{
	struct token at = p->token;
	const char *op = strcmp(at.text, "!=") ? at.text : "<>";
	bool equality = !strcmp(op, "=") || !strcmp(op, "<>");

	if (!allowed(p, &at, column, equality ? COMPARE_EQUALITY : COMPARE_ORDER) || !advance(p))
		return NULL;
	return parse_operand(p, column, op);
}

static struct filter *parse_between(struct parser *p, size_t column)
{
	struct filter *both = new_node(p, NODE_AND, 0);
	struct token at = p->token;

	if (!allowed(p, &at, column, COMPARE_ORDER) || !advance(p) ||
		!(both->first = parse_operand(p, column, ">=")) ||
		!expect(p, is_word(p, "and"), "AND") ||
		!(both->first->next = parse_operand(p, column, "<=")))
		return NULL;
	return both;
}

static bool parse_list(struct parser *p, struct filter *node)
{

	if (!expect(p, is_symbol(p, "("), "a list in parentheses"))
		return false;
	while (add_literal(p, node)) {
		if (!is_symbol(p, ","))
			return expect(p, is_symbol(p, ")"), "a comma or )");
		if (!advance(p))
			return false;
	}
	return false;
}

static struct filter *parse_in(struct parser *p, size_t column)
{
	struct filter *node = new_node(p, NODE_IN, column);
	struct token at = p->token;

	if (p->table->columns[column].type.kind == TYPE_FLOAT32)
		return fail(p, &at,
			       "IN compares a real in another precision than =, write = ... OR = "
			       "..."),
		       NULL;
	if (!allowed(p, &at, column, COMPARE_EQUALITY) || !advance(p))
		return NULL;
	bool ok = parse_list(p, node);
	settle_column(&node->literals, p->arena);
	return ok ? node : NULL;
}

static bool ends_in_escape(const char *pattern)
{
	size_t escapes = 0;

	for (const char *c = pattern + strlen(pattern); c > pattern && c[-1] == '\\'; c--)
		escapes++;
	return escapes % 2;
}

static struct filter *parse_like(struct parser *p, size_t column)
{
	struct filter *node = new_node(p, NODE_LIKE, column);
	struct token at = p->token;

	if (!allowed(p, &at, column, COMPARE_EQUALITY))
		return NULL;
	if (!column_takes_like(&p->table->columns[column]))
		return fail(p, &at, "LIKE is for text columns"), NULL;
	if (!advance(p))
		return NULL;
	node->pattern = p->token.text;
	if (p->token.kind == TOKEN_STRING && ends_in_escape(node->pattern))
		return fail(p, &p->token, "the pattern ends in the escape character \\"), NULL;
	return expect(p, p->token.kind == TOKEN_STRING, "a pattern in single quotes") ? node : NULL;
}

static struct filter *parse_is(struct parser *p, size_t column)
{
	struct token at = p->token;

	if (!allowed(p, &at, column, COMPARE_NULL) || !advance(p))
		return NULL;
	bool negate = is_word(p, "not");
	if (negate && !advance(p))
		return NULL;
	if (!expect(p, is_word(p, "null"), negate ? "NULL" : "NULL or NOT NULL"))
		return NULL;
	return negated(p, negate, new_node(p, NODE_NULL, column));
}

static struct filter *parse_asked(struct parser *p, size_t column, const struct token *name)
{
	static const char *const comparisons[] = {"=", "<>", "!=", "<", "<=", ">", ">="};

	for (size_t i = 0; i < COUNT_OF(comparisons); i++) {
		if (is_symbol(p, comparisons[i]))
			return parse_comparison(p, column);
	}
	if (is_word(p, "is"))
		return parse_is(p, column);
	bool negate = is_word(p, "not");
	if (negate && !advance(p))
		return NULL;
	if (is_word(p, "in"))
		return negated(p, negate, parse_in(p, column));
	if (is_word(p, "between"))
		return negated(p, negate, parse_between(p, column));
	if (is_word(p, "like"))
		return negated(p, negate, parse_like(p, column));
	if (negate)
		return fail(p, &p->token, "IN, BETWEEN or LIKE was expected"), NULL;
	if (p->table->columns[column].type.kind == TYPE_BOOL)
		return new_node(p, NODE_TRUE, column);
	return fail(p, name,
		       "column %s is no boolean, so it needs a comparison: = <> < <= > >= IN "
		       "BETWEEN LIKE IS",
		       p->table->columns[column].name),
	       NULL;
}

static struct filter *parse_or(struct parser *p);

static struct filter *parse_predicate(struct parser *p)
{
	struct token at = p->token;
	size_t column = 0;

	if (!is_symbol(p, "("))
		return parse_column(p, &column) ? parse_asked(p, column, &at) : NULL;
	if (!advance(p))
		return NULL;
	struct filter *inner = parse_or(p);
	return inner && expect(p, is_symbol(p, ")"), ")") ? inner : NULL;
}

static struct filter *parse_not(struct parser *p)
{
	struct filter *node;

	if (p->depth == DEEPEST)
		return fail(p, &p->token, "more than %d levels of parentheses and NOT", DEEPEST),
		       NULL;
	p->depth++;
	if (is_word(p, "not"))
		node = advance(p) ? negated(p, true, parse_not(p)) : NULL;
	else
		node = parse_predicate(p);
	p->depth--;
	return node;
}

/* A chain is one node with many children, so that a long one is not a deep one. */
static struct filter *parse_chain(struct parser *p, enum node_kind kind, const char *word,
	struct filter *(*parse_part)(struct parser *))
{
	struct filter *first = parse_part(p), *last = first;

	if (!first || !is_word(p, word))
		return first;
	struct filter *chain = new_node(p, kind, 0);
	chain->first = first;
	while (is_word(p, word)) {
		if (!advance(p) || !(last->next = parse_part(p)))
			return NULL;
		last = last->next;
	}
	return chain;
}

static struct filter *parse_and(struct parser *p)
{
	return parse_chain(p, NODE_AND, "and", parse_not);
}

static struct filter *parse_or(struct parser *p)
{
	return parse_chain(p, NODE_OR, "or", parse_and);
}

struct filter *filter_compile(
	const char *where, const struct table *table, struct arena *arena, struct error *err)
{
	struct parser parser = {
		.table = table, .arena = arena, .err = err, .where = where, .rest = where};

	if (!advance(&parser))
		return NULL;
	struct filter *filter = parse_or(&parser);
	if (filter && parser.token.kind != TOKEN_END)
		return fail(&parser, &parser.token, "AND, OR or the end was expected"), NULL;
	return filter;
}
