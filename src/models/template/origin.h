/*
 * Where the text of a rendering came from: of each piece the statement that wrote it, and the calls of macros that led
 * there. Who wants to know gives them to template_render() by its host. What a filter made anew is of where it was
 * printed; what it only cut is of where it was written.
 *
 * They live in an arena of who asks, and point into the templates. In no order but that of their places.
 */
#ifndef MODELS_TEMPLATE_ORIGIN_H
#define MODELS_TEMPLATE_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct template;

/* A macro, and where it was called. */
struct origin_call {
	const char *macro;
	const struct template *template;
	uint32_t at;
	const struct origin_call *outer; /* in which macro; NULL: in none */
};
struct origin {
	size_t start, len; /* of the piece, in the text */
	const struct template *template;
	uint32_t at;      /* in its source */
	bool is_verbatim; /* the piece stands there as it is; else it is the value of what does */
	const struct origin_call *call; /* NULL: outside of macros */
};
struct origins {
	struct arena *arena;
	struct origin *items; /* by their start */
	size_t n, cap;
};

void origins_add(struct origins *o, struct origin piece);
/* Of a part of a text, which is put at `at` of another one. */
void origins_copy(
	struct origins *out, size_t at, const struct origins *of, size_t start, size_t len);
const struct origin *origins_find(const struct origins *o, size_t at); /* NULL: not known */

/* Where the byte `at` of the text, which is in that piece, came from. */
struct origin_places {
	const char *outermost; /* "models/orders.sql:3" */
	const char
		*macros; /* "\n  in macro total, macros/total.sql:2", the inner ones behind; "" */
	int line;        /* the innermost's */
};
struct origin_places origin_places(const struct origin *piece, size_t at, struct arena *arena);

#endif
