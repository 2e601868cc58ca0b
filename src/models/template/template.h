/*
 * Templates of SQL in the language that dbt took from Jinja, rendered as Jinja2 3.1 in dbt's
 * environment renders them: extensions do and loopcontrols, the sandbox, no trimming of blocks.
 *
 *	struct template *t = template_parse("models/orders.sql", text, len, &err);
 *	struct host host = {.global = my_global};
 *	if (!template_render(t, &host, NULL, &out, &err)) ...
 *	template_free(t);
 *
 * The engine knows the language and what Jinja2 has built in (filters, tests, methods of text,
 * lists and dicts, range, dict, namespace, cycler, joiner). All else (ref, source, config, var ...)
 * are globals that the host answers: values, among them callables and objects with attributes; see
 * value.h, call.h and render.h.
 *
 * Known differences to Jinja2: integers have 64 bits; there is no loader (include, import, extends,
 * block), no recursive for, no autoescape; a string is never Markup: escape and safe give plain
 * ones; a name that a block sets further down is, before that, what it is outside (Jinja2 makes it
 * undefined in some orders).
 *
 * A template is immutable: any number of threads may render it. Errors have the kind ERROR_CONFIG
 * and say
 *	models/orders.sql:3:11: 'amout' is undefined
 *	    3 | select {{ amout.x }}
 *	      |           ^
 */
#ifndef MODELS_TEMPLATE_TEMPLATE_H
#define MODELS_TEMPLATE_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/attrs.h"
#include "base/buf.h"
#include "base/error.h"

struct template;
struct macro;
struct origins;
struct render;
struct value;

/* NULL with an error. The name is the file as messages say it; name and source are copied. */
struct template *template_parse(
	const char *name, const char *source, size_t len, struct error *err);
void template_free(struct template *t);
const char *template_name(const struct template *t);
const char *template_source(const struct template *t, size_t *len);

/* The macros at the top of a template, in order: start with NULL; NULL at the end. A block `test
 * NAME` is a macro called test_NAME, `materialization NAME, adapter='A'` one called
 * materialization_NAME_A (A: default), `snapshot NAME` one called snapshot_NAME without
 * parameters. */
enum macro_kind { MACRO_PLAIN, MACRO_TEST, MACRO_MATERIALIZATION, MACRO_SNAPSHOT };
const struct macro *template_next_macro(const struct template *t, const struct macro *previous);
const char *macro_name(const struct macro *macro);
enum macro_kind macro_kind(const struct macro *macro);

/* What a rendering may take at most; what exceeds it is an error. */
struct limits {
	uint32_t depth; /* of calls and nested expressions */
	/* Expressions and rounds of loops, and text gone through, counted in 64 bytes. */
	uint64_t steps;
	size_t max_bytes; /* of all values that it makes, and of its output */
};
extern const struct limits limits_default; /* 1000 deep, 50,000,000 steps, 256 MiB */

/* Who renders: begin your own struct with it. */
struct host {
	/* Answers a name that the template does not define itself; false when the host does not
	 * know it either (then what Jinja has built in is looked up). Called each time a name is
	 * evaluated. */
	bool (*global)(struct host *host, struct render *r, const char *name, struct value *out);
	/* Gets where the output of template_render() came from, by places in all of `out`; NULL:
	 * nobody asks. */
	struct origins *origins;
};

/* Appends the output. NULL limits are the default ones. */
MUST_CHECK bool template_render(const struct template *t, struct host *host,
	const struct limits *limits, struct buf *out, struct error *err);
/* That of the body of a macro without parameters: a snapshot's block. */
MUST_CHECK bool macro_render(const struct macro *m, struct host *host, const struct limits *limits,
	struct buf *out, struct error *err);

/* The value of a template, as dbt reads the texts of its YAML: of `{{ ... }}` alone the value
 * itself, of anything else its text; as_bool, as_number and as_native do their work. Plain
 * values, in the arena. */
struct arena;
MUST_CHECK bool template_value(const struct template *t, struct host *host,
	const struct limits *limits, struct arena *arena, struct value *out, struct error *err);

#endif
