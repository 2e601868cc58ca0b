/*
 * Inside of template/: what Jinja2 has built in, in const tables of functions; NULL for an unknown
 * name. A filter's self is what it is applied to, as a method's is. A test's result is a bool.
 *
 *	filters_*.c                  filters
 *	tests.c                      tests (`is ...`)
 *	methods_*.c                  methods of text, lists and dicts
 *	globals.c                    range, dict, namespace, cycler, joiner
 */
#ifndef MODELS_TEMPLATE_BUILTINS_H
#define MODELS_TEMPLATE_BUILTINS_H

#include "models/template/call.h"

struct functions {
	const struct function *items;
	size_t n;
};
const struct function *functions_find(struct functions table, const char *name);

extern const struct functions filters_of_text, filters_of_values, filters_of_lists, filters_lazy;
extern const struct functions tests;
extern const struct functions methods_of_text, methods_of_classes, methods_of_lists,
	methods_of_tuples, methods_of_dicts;
extern const struct functions globals;

const struct function *builtin_filter(const char *name);
const struct function *builtin_test(const char *name);
const struct function *builtin_method(struct value self, const char *name);

#endif
