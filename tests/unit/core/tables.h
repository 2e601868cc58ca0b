/* Tables for tests: make_table("public", "orders", 3, "id", "int64", ...), keyed by its first n_key columns. */
#ifndef TESTS_CORE_TABLES_H
#define TESTS_CORE_TABLES_H

#include <stdarg.h>
#include "values.h"
#include "core/table.h"

static inline struct table *make_table(
	const char *schema, const char *name, size_t n_key, size_t n_columns, ...)
{
	struct table *t = table_new();
	struct error err = {0};
	va_list ap;

	t->schema = arena_strdup(&t->arena, schema);
	t->name = t->target = arena_strdup(&t->arena, name);
	t->columns = arena_alloc(&t->arena, n_columns * sizeof *t->columns);
	t->key = arena_alloc(&t->arena, n_columns * sizeof *t->key);
	t->n_columns = n_columns;
	t->n_key = n_key;
	va_start(ap, n_columns);
	for (size_t i = 0; i < n_columns; i++) {
		struct table_column *c = &t->columns[i];
		c->name = arena_strdup(&t->arena, va_arg(ap, const char *));
		if (!type_parse(va_arg(ap, const char *), &t->arena, &c->type, &err))
			fail_msg("%s", err.text);
		c->attribute = (int)i + 1;
		c->key = i < n_key;
		t->key[i] = (uint16_t)i;
	}
	va_end(ap);
	return t;
}

#endif
