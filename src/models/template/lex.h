/*
 * Inside of template/: the source cut into tokens, as Jinja2's lexer does it (no line statements).
 * Tokens point into the source; comments and spaces are no tokens, text between tags is one.
 */
#ifndef MODELS_TEMPLATE_LEX_H
#define MODELS_TEMPLATE_LEX_H

#include "base/vec.h"
#include "models/template/ast.h"

enum token_kind {
	TOKEN_TEXT, /* between tags, stripped as their signs say */
	TOKEN_BLOCK_BEGIN,
	TOKEN_BLOCK_END,
	TOKEN_PRINT_BEGIN,
	TOKEN_PRINT_END,
	TOKEN_NAME,
	TOKEN_STRING,
	TOKEN_INTEGER,
	TOKEN_FLOAT,
	TOKEN_ADD,
	TOKEN_SUB,
	TOKEN_MUL,
	TOKEN_DIV,
	TOKEN_FLOORDIV,
	TOKEN_MOD,
	TOKEN_POW,
	TOKEN_EQ,
	TOKEN_NE,
	TOKEN_LT,
	TOKEN_LE,
	TOKEN_GT,
	TOKEN_GE,
	TOKEN_ASSIGN,
	TOKEN_TILDE,
	TOKEN_PIPE,
	TOKEN_DOT,
	TOKEN_COMMA,
	TOKEN_COLON,
	TOKEN_SEMICOLON,
	TOKEN_LPAREN,
	TOKEN_RPAREN,
	TOKEN_LBRACKET,
	TOKEN_RBRACKET,
	TOKEN_LBRACE,
	TOKEN_RBRACE,
	TOKEN_END, /* of the source */
};

struct token {
	enum token_kind kind;
	uint32_t at, len;
};

VEC_TYPE(tokens, struct token);

/* The tokens end with TOKEN_END; the caller releases them, after a failure too. */
MUST_CHECK bool lex(const struct template *t, struct tokens *out, struct error *err);

/* What messages call it: "end of print statement"; a name is called by itself. Arena memory or
 * static. */
const char *token_text(struct template *t, const struct token *token);
const char *token_kind_text(enum token_kind kind);

#endif
