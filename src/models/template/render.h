/*
 * Inside of template/: a rendering, and what its files share.
 *
 *	render.c     statements          loop.c      for
 *	eval.c       expressions         operate.c   arithmetic, comparisons, in
 *	access.c     attributes, items, slices
 *	call.c       calls, arguments    macro.c     macros, call blocks
 *	iterate.c    going through values
 *	print.c      str, repr           format.c, format_*.c   % and str.format
 *	json.c       JSON               origin.c    where text came from
 *
 * A function that can fail returns false (or NEXT_FAILED, FLOW_FAILED) after render_fail(), which
 * has written the error with the place that r->at says, or while a return() leaves a macro. What
 * the template makes lies in the render's arena.
 */
#ifndef MODELS_TEMPLATE_RENDER_H
#define MODELS_TEMPLATE_RENDER_H

#include "models/template/ast.h"
#include "models/template/call.h"
#include "models/template/origin.h"

/* The names of a block; those of the blocks around it are seen through. */
struct scope {
	struct scope *outer;
	struct dict names;
};

/* Text that a body wrote, which may be printed later, or a part of it. */
struct captured {
	const char *s;
	size_t len;
	struct origins origins;
};

/* A macro that runs, on the stack of who calls it. */
struct frame {
	struct origin_call call;
	struct frame *outer;
	const struct origin_call *kept; /* for origins, once something is written */
};

struct render {
	struct arena arena;
	struct host *host;
	struct limits limits;
	struct error *err;
	const struct template *template; /* whose code runs, and where in it */
	uint32_t at;
	struct scope *scope;
	uint64_t closures; /* macros made within scopes: those scopes stay as they are */
	struct buf *out;
	uint32_t depth;
	uint64_t steps;
	bool returning; /* a return() is on its way to its macro */
	struct value returned;
	struct frame *frame;       /* the macro that runs; NULL */
	struct origins *origins;   /* of what goes to `out`; NULL: nobody asks */
	struct captured *captured; /* by their addresses */
	size_t n_captured, cap_captured, n_origins;
};

/* Where text comes from: of what was appended to r->out from `start` on. */
void origin_note(struct render *r, size_t start, uint32_t at, bool is_verbatim);
void origin_note_value(struct render *r, size_t start, uint32_t at, struct value v);
void origin_capture(struct render *r, struct value text, const struct origins *origins);

/* Limits. */
MUST_CHECK bool render_enter(
	struct render *r); /* one level deeper; render_leave() when it is true */
static inline void render_leave(struct render *r)
{
	r->depth--;
}
MUST_CHECK bool render_charge(struct render *r, uint64_t steps);
MUST_CHECK bool render_room(struct render *r, size_t bytes); /* may values of that size be made? */
/* A buffer for text in the making, and a check that so much more goes in. */
void render_buf(struct render *r, struct buf *b);
MUST_CHECK bool render_append(struct render *r, struct buf *b, const char *s, size_t n);
MUST_CHECK bool render_grow(struct render *r, struct buf *b, size_t n); /* room for n */
struct value render_take(struct render *r, struct buf *b);              /* its text; releases it */

/* Statements. */
enum flow { FLOW_NEXT, FLOW_BREAK, FLOW_CONTINUE, FLOW_FAILED };
enum flow run_body(struct render *r, const struct body *body);
enum flow run_for(struct render *r, const struct statement *s);
struct scope *scope_new(struct render *r, struct scope *outer);
void scope_set(struct render *r, const char *name, struct value v);
MUST_CHECK bool assign(struct render *r, const struct target *target, struct value v);
/* Runs a body in that scope, into text. */
MUST_CHECK bool capture(
	struct render *r, const struct body *body, struct scope *scope, struct value *text);

/* Expressions. */
MUST_CHECK bool eval(struct render *r, const struct expr *e, struct value *out);
/* What as_bool, as_number, as_native or as_text, where the expression ends with one, make of its value. */
MUST_CHECK bool native_value(
	struct render *r, const struct expr *e, struct value v, struct value *out);
MUST_CHECK bool eval_arithmetic(struct render *r, const struct expr *e, struct value *out);
MUST_CHECK bool eval_compare(struct render *r, const struct expr *e, struct value *out);
MUST_CHECK bool eval_slice(struct render *r, const struct expr *e, struct value *out);
MUST_CHECK bool eval_call(
	struct render *r, const struct expr *e, struct value *caller, struct value *out);
/* A filter or test of the expression; `of` is what it is applied to. */
MUST_CHECK bool eval_applied(
	struct render *r, const struct expr *e, struct value of, struct value *out);
MUST_CHECK bool eval_captured(
	struct render *r, const struct expr *filters, struct value text, struct value *out);
MUST_CHECK bool eval_arguments(
	struct render *r, const struct arguments *a, struct value *caller, struct args *out);

/* Calls. */
MUST_CHECK bool call_function(struct render *r, const struct function *f,
	const struct callable *callable, struct value self, const struct args *args,
	struct value *out);
struct value closure_value(struct render *r, const struct macro *macro, struct scope *scope);
bool fail_undefined(
	struct render *r, struct value v); /* if it is undefined, with its reason; false */
/* Whole numbers, true and false among them. */
bool integer_of(struct value v, int64_t *out);
MUST_CHECK bool call_integer(struct call *c, size_t i, int64_t otherwise, int64_t *out);

/* Numbers. */
enum { UNORDERED = 2 };
static inline bool number_is(struct value v)
{
	return v.kind == VALUE_BOOL || v.kind == VALUE_INT || v.kind == VALUE_FLOAT;
}
double number_float(struct value v);
int number_compare(struct value a, struct value b); /* below, equal, above 0; UNORDERED */
MUST_CHECK bool operate(struct render *r, enum operation operation, struct value a, struct value b,
	struct value *out);
MUST_CHECK bool compare(
	struct render *r, enum operation operation, struct value a, struct value b, bool *out);
MUST_CHECK bool less(struct render *r, struct value a, struct value b, bool *out);
/* false: they have none; out is 0 where they are equal all the same. */
bool object_order(const struct object *a, const struct object *b, int *out);
MUST_CHECK bool contains(struct render *r, struct value in, struct value item, bool *out);
/* Stable; keys are sorted along. */
MUST_CHECK bool sort_values(
	struct render *r, struct value *items, struct value *keys, size_t n, bool reverse);

/* Texts. */
void print_float(double f, struct buf *out);
void print_int(int64_t i, struct buf *out);
MUST_CHECK bool str_of(struct render *r, struct value v, struct value *text);
MUST_CHECK bool format_percent(
	struct render *r, struct value format, struct value values, struct value *out);
MUST_CHECK bool format_braces(
	struct render *r, struct value format, const struct args *args, struct value *out);
struct value lower_of(struct render *r, struct value text);
struct value upper_of(struct render *r, struct value text);
struct value capitalize_of(struct render *r, struct value text);
enum pad { PAD_LEFT, PAD_RIGHT, PAD_CENTER }; /* where the padding goes */
MUST_CHECK bool text_pad(struct render *r, struct value s, uint32_t fill, int64_t width,
	enum pad pad, struct value *out);
/* Where the needle is first in the haystack from that byte on; SIZE_MAX: nowhere. */
size_t text_find(struct value haystack, struct value needle, size_t from);
MUST_CHECK bool text_replace(struct render *r, struct value s, struct value from, struct value to,
	int64_t count, struct value *out);
struct value text_strip(
	struct value s, struct value chars, bool left, bool right); /* chars absent: space */
struct list *text_lines(struct render *r, struct value s, bool keep_ends);

/* Iterators. */
typedef enum next next_fn(struct render *r, struct iterator *it, struct value *item);
struct iterator {
	next_fn *next;
	struct value of;
	size_t at, len;
	void *data;
};
struct value view_new(struct render *r, struct dict *dict, enum view_of of);
struct value iterator_new(struct render *r, next_fn *next, struct value of, void *data);
bool iterator_over(struct render *r, struct list *items, struct value *out); /* true */
MUST_CHECK bool length_of(struct render *r, struct value v, size_t *out);
bool has_length(struct value v);

/* Puts the entries of a mapping, or pairs, into a dict. */
MUST_CHECK bool dict_update(struct render *r, struct dict *dict, struct value from);

#endif
