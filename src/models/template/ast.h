/*
 * Inside of template/: what a template is parsed into. The nodes lie in the template's arena and
 * never change, so that several threads can render one template. Every node knows where in the
 * source it stands (an offset in bytes); lines and columns are counted only when an error wants
 * them.
 */
#ifndef MODELS_TEMPLATE_AST_H
#define MODELS_TEMPLATE_AST_H

#include "models/template/template.h"
#include "models/template/value.h"

enum expr_kind {
	EXPR_CONSTANT,
	EXPR_TOO_LARGE, /* an integer beyond 64 bits: fails when it is computed, not what stands around */
	EXPR_NAME,
	EXPR_LIST,
	EXPR_TUPLE,
	EXPR_DICT, /* items: key, value, key, value */
	EXPR_CONCAT,
	EXPR_ATTRIBUTE,
	EXPR_ITEM,
	EXPR_SLICE,
	EXPR_CALL,
	EXPR_FILTER,
	EXPR_TEST,
	EXPR_UNARY,
	EXPR_ARITHMETIC,
	EXPR_COMPARE,
	EXPR_AND,
	EXPR_OR,
	EXPR_NOT,
	EXPR_CONDITIONAL,
};

enum operation {
	OP_ADD,
	OP_SUB,
	OP_MUL,
	OP_DIV,
	OP_FLOORDIV,
	OP_MOD,
	OP_POW,
	OP_EQ,
	OP_NE,
	OP_LT,
	OP_LE,
	OP_GT,
	OP_GE,
	OP_IN,
	OP_NOT_IN,
};

struct expr;
struct keyword {
	const char *name;
	const struct expr *value;
};

/* The arguments of a call, as written. */
struct arguments {
	const struct expr **positional;
	size_t n_positional;
	struct keyword *keywords;
	size_t n_keywords;
	const struct expr *more_positional; /* *args; NULL */
	const struct expr *more_keywords;   /* **kwargs; NULL */
};

struct comparison {
	enum operation operation;
	const struct expr *right;
};

struct expr {
	enum expr_kind kind;
	uint32_t at;
	union {
		struct value constant;
		const char *name;
		struct {
			const struct expr **items;
			size_t n;
		} items; /* list, tuple, dict, concat */
		struct {
			const struct expr *of;
			const char *name;
		} attribute;
		struct {
			const struct expr *of, *index;
		} item;
		struct {
			const struct expr *of, *start, *stop, *step; /* NULL: left out */
		} slice;
		struct {
			const struct expr *callee;
			struct arguments arguments;
		} call;
		struct {
			const struct expr *of; /* NULL: what a filter or set block holds */
			const char *name;
			const struct function *function; /* NULL: there is none of that name */
			struct arguments arguments;
		} applied; /* filter, test */
		struct {
			enum operation operation;
			const struct expr *left, *right;
		} binary; /* arithmetic, and, or; unary and not: right alone */
		struct {
			const struct expr *first;
			struct comparison *rest;
			size_t n;
		} compare;
		struct {
			const struct expr *test, *yes, *no; /* no: NULL without an else */
			const char *why; /* what the use of a missing else is answered with */
		} conditional;
	};
};

/* What is assigned to: a name, an attribute of a namespace, or several of them. */
struct target {
	uint32_t at;
	const char *name; /* NULL: several */
	const char *attribute;
	struct target *items;
	size_t n;
};

enum statement_kind {
	STATEMENT_TEXT,
	STATEMENT_PRINT,
	STATEMENT_IF,
	STATEMENT_FOR,
	STATEMENT_SET,
	STATEMENT_SET_BLOCK,
	STATEMENT_MACRO,
	STATEMENT_CALL,
	STATEMENT_FILTER,
	STATEMENT_WITH,
	STATEMENT_DO,
	STATEMENT_BREAK,
	STATEMENT_CONTINUE,
};

struct statement;
struct body {
	const struct statement *first; /* linked by next */
};

struct branch {
	const struct expr *test; /* NULL: else */
	struct body body;
};

struct parameter {
	const char *name;
	const struct expr *value; /* by default; NULL: none */
};

/* A macro; also the body of a call block, which has no name. */
struct macro {
	const struct template *template;
	const char *name; /* NULL: of a call block */
	enum macro_kind kind;
	uint32_t at;
	struct parameter *parameters;
	size_t n_parameters;
	bool uses_caller, uses_varargs, uses_kwargs;
	struct body body;
	const struct macro *next; /* at the top of the template */
};

struct statement {
	enum statement_kind kind;
	uint32_t at;
	const struct statement *next;
	union {
		struct value text;
		const struct expr *expr; /* print, do */
		struct {
			struct branch *branches;
			size_t n;
		} choice;
		struct {
			struct target target;
			const struct expr *items, *test; /* test: NULL */
			struct body body, otherwise;
			bool uses_loop;
		} loop;
		struct {
			struct target target;
			const struct expr *value;
		} set;
		struct {
			struct target target;
			const struct expr *filter; /* NULL */
			struct body body;
		} set_block;
		const struct macro *macro;
		struct {
			const struct expr *call;
			const struct macro *body;
		} call;
		struct {
			const struct expr *filter;
			struct body body;
		} filter;
		struct {
			struct target *targets;
			const struct expr **values;
			size_t n;
			struct body body;
		} with;
	};
};

struct template
{
	struct arena arena;
	const char *name;
	const char *source; /* newlines made one kind, the last one taken off */
	size_t len;
	struct body body;
	const struct macro *macros; /* those at the top, in order */
};

/* "NAME:LINE:COLUMN: " and the message go before the line itself, with a caret under the place. */
bool template_error(const struct template *t, uint32_t at, const char *message, struct error *err);

#endif
