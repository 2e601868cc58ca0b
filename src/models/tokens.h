/*
 * SQL as a sequence of tokens, without white space, comments and the semicolon at its end, with keywords in lower case:
 * two texts of the same tokens mean the same. Of any dialect's quotes and comments that ClickHouse or Trino know. Pure.
 */
#ifndef MODELS_TOKENS_H
#define MODELS_TOKENS_H

#include <stdbool.h>
#include <stddef.h>
#include "base/arena.h"
#include "base/buf.h"
#include "base/vec.h"

struct token {
	const char *s; /* not terminated; of the text, or a keyword in lower case */
	size_t len;
};
VEC_TYPE(tokens, struct token);

/* Behind the white space and comments at s. */
const char *sql_skip_space(const char *s);
/* Takes white space and semicolons off its end, so that it can be part of a statement. */
void sql_trim_end(struct buf *sql);

/* Of a text that outlives them. */
void tokens_of(const char *sql, struct tokens *out);
bool token_is(struct token t, const char *text);
bool tokens_equal(const struct token *a, const struct token *b, size_t n);

/* Does `now` differ from `old` by columns that were added to its outermost list, alone, so that all rows stay what
 * they were but for these? False also where that cannot be told. Of several queries, with semicolons between, each
 * does or is the same. */
bool tokens_add_columns(const struct tokens *old, const struct tokens *now);

#endif
