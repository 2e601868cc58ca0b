/*
 * Inside of template/: the parser, shared by parse.c (statements) and parse_expr.c (expressions).
 * Its grammar is Jinja2's. A function that fails has set the error and returns false or NULL.
 */
#ifndef MODELS_TEMPLATE_PARSE_H
#define MODELS_TEMPLATE_PARSE_H

#include "models/template/lex.h"

/* A tag that is open: what encloses what is being parsed. */
struct open_tag {
	const struct open_tag *outer;
	const char *name;
	uint32_t at;
	const char *const *ends; /* the tags that end its body; NULL until there is one */
};

/* A macro or loop whose body is being parsed: it wants to know which special names it uses. */
struct enclosing {
	struct enclosing *outer;
	struct macro *macro;    /* NULL: a loop */
	struct statement *loop; /* NULL: a macro */
	bool sets_caller, sets_varargs, sets_kwargs;
};

struct parser {
	struct template *t;
	struct tokens tokens;
	size_t at;
	struct error *err;
	int nesting;
	bool soft; /* an unknown filter is an error only once it is reached */
	const struct open_tag *tag;
	struct enclosing *enclosing;
	const struct macro **next_macro;
};

bool parse_fail(struct parser *p, uint32_t at, const char *fmt, ...) PRINTF(3, 4);
/* The end is never passed, also after a failure. */
static inline const struct token *parse_token(const struct parser *p)
{
	return &p->tokens.items[p->at < p->tokens.len ? p->at : p->tokens.len - 1];
}
static inline bool parse_is(const struct parser *p, enum token_kind kind)
{
	return parse_token(p)->kind == kind;
}
bool parse_is_word(const struct parser *p, const char *word);
bool parse_next_is(const struct parser *p, enum token_kind kind);
bool parse_skip(struct parser *p, enum token_kind kind); /* goes on when it is the kind */
bool parse_skip_word(struct parser *p, const char *word);
MUST_CHECK bool parse_expect(struct parser *p, enum token_kind kind);
const char *parse_name(struct parser *p); /* the next token, which must be a name */
bool parse_enter(struct parser *p);       /* fails when nested too deep; then p->nesting-- */
void *parse_alloc(struct parser *p, size_t size_bytes);

/* Expressions, from the loosest binding to the tightest. */
const struct expr *parse_expression(struct parser *p);
const struct expr *parse_or(struct parser *p);
const struct expr *parse_primary(struct parser *p); /* a name or literal */
const struct expr *parse_postfix(
	struct parser *p, const struct expr *e); /* .name [item] (call); NULL for NULL */
const struct expr *parse_applied(
	struct parser *p, const struct expr *e); /* |filter, is test; NULL for NULL */
/* An expression, or a tuple without parentheses. In a loop's head `if` belongs to the loop. */
const struct expr *parse_tuple(struct parser *p, bool with_conditional);
const struct expr *parse_filters(struct parser *p, const struct expr *of, bool first_inline);
MUST_CHECK bool parse_target(struct parser *p, bool attributes, struct target *out);
MUST_CHECK bool parse_signature(struct parser *p, struct macro *macro);

struct expr *parse_new(struct parser *p, enum expr_kind kind, uint32_t at);
VEC_TYPE(exprs, const struct expr *);
struct expr *parse_new_of(struct parser *p, enum expr_kind kind, uint32_t at, struct exprs *items);
const struct expr **parse_keep(
	struct parser *p, struct exprs *list); /* in the arena; releases the list */
bool parse_at_tuple_end(const struct parser *p);
bool parse_is_constant(const char *name); /* true, none ... */
/* Tells the macros and loops around that a special name (loop, caller, varargs, kwargs) is used
 * or set. */
void parse_note_name(struct parser *p, const char *name, bool set);

/* The constants of the source, in literal.c. */
MUST_CHECK bool parse_string(struct parser *p, struct buf *out); /* appends the text of the token */
void parse_number(struct parser *p, struct expr *out);

#endif
