/*
 * What a host writes functions and objects with, and the engine its own filters, tests and methods.
 *
 * A function has a signature, the names of its parameters separated by spaces: `name=` may be left
 * out, `*` at the end takes any more by place and `**` by name. Its arguments are bound before it
 * is called:
 *	static bool call_ref(struct call *c)
 *	{
 *		if (!call_wants(c, 0, VALUE_STRING))
 *			return false;
 *		c->result = ...;
 *		return true;
 *	}
 *	static const struct function ref = {"ref", "name other= version=", call_ref};
 */
#ifndef MODELS_TEMPLATE_CALL_H
#define MODELS_TEMPLATE_CALL_H

#include "base/attrs.h"
#include "base/buf.h"
#include "models/template/template.h"
#include "models/template/value.h"

struct named_value {
	const char *name;
	struct value value;
};
struct args {
	const struct value *items;
	size_t n;
	const struct named_value *named;
	size_t n_named;
};

#define CALL_PARAMETERS 8
struct call {
	struct render *render;
	const struct function *function;
	struct value self;                 /* of a method, filter or test */
	void *data;                        /* of the callable */
	struct value arg[CALL_PARAMETERS]; /* by the signature; absent when left out */
	struct args more;                  /* what `*` and `**` took */
	struct value result;               /* none unless set */
};

/* Ends the rendering with a message at the place where it is; false. */
bool render_fail(struct render *r, const char *fmt, ...) PRINTF(2, 3);
/* Leaves the macro that is running with this value, as dbt's return() does; false. */
bool render_return(struct render *r, struct value v);
/* Where it is, as messages say it: "models/orders.sql:3". */
const char *render_line(struct render *r);
/* The same for a message that comes later: "models/orders.sql:3:15" goes before it, the line itself and the calls
 * of macros behind it. */
struct render_place {
	const char *place, *shown;
};
struct render_place render_here(struct render *r, struct arena *arena);
struct arena *render_arena(struct render *r); /* for values that live as long as the rendering */
/* The memory of the value's bytes is the render's. */
struct value render_text(struct render *r, const void *bytes, size_t len);
struct value render_printf(struct render *r, const char *fmt, ...) PRINTF(2, 3); /* short ones */

/* The argument must be of that kind; one that was left out passes. */
MUST_CHECK bool call_wants(struct call *c, size_t i, enum value_kind kind);
/* Calls anything that can be called. */
MUST_CHECK bool render_call(
	struct render *r, struct value callable, const struct args *args, struct value *out);
/* A macro as a value, its names beyond its own looked up as the render's host answers them. */
struct value macro_value(struct render *r, const struct macro *macro);

/* As str() and repr() write it, appended. */
MUST_CHECK bool render_str(struct render *r, struct value v, struct buf *out);
MUST_CHECK bool render_repr(struct render *r, struct value v, struct buf *out);
/* As JSON: with ", " and ": ", or over several lines when indent > 0; keys sorted or not. */
struct json_style {
	int indent;
	bool sorted;
};
MUST_CHECK bool render_json(
	struct render *r, struct value v, struct json_style style, struct buf *out);
/* As that, outside of a rendering. */
MUST_CHECK bool json_print(struct value v, struct buf *out, struct error *err);
/* The value of a JSON text; false without an error when it is none. */
bool json_value(struct arena *a, const char *text, size_t len, struct value *out);

/* Goes through what can be gone through: iterate_open(), then iterate_next() until it is not
 * NEXT_ITEM. */
enum next { NEXT_ITEM, NEXT_END, NEXT_FAILED };
MUST_CHECK bool iterate_open(struct render *r, struct value v, struct iterator **out);
enum next iterate_next(struct render *r, struct iterator *it, struct value *item);
/* All items in a new list. */
MUST_CHECK bool iterate_all(struct render *r, struct value v, struct list **out);

/* The attribute or item, as a.b and a[b] find it: undefined where there is none. */
MUST_CHECK bool render_attribute(
	struct render *r, struct value of, const char *name, struct value *out);
MUST_CHECK bool render_item(
	struct render *r, struct value of, struct value index, struct value *out);
MUST_CHECK bool render_equal(struct render *r, struct value a, struct value b, bool *equal);

#endif
