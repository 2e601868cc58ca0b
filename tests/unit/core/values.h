/* Short forms for tests of columns: adding values of each layout, and a value's JSON text. */
#ifndef TESTS_CORE_VALUES_H
#define TESTS_CORE_VALUES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/arena.h"
#include "base/error.h"
#include "core/column.h"

/* A column of the type that the text names; `arena` holds its element types. */
static inline struct column make_column(struct arena *arena, const char *type_text)
{
	struct type type;
	struct column c;
	struct error err = {0};

	if (!type_parse(type_text, arena, &type, &err))
		fail_msg("%s", err.text);
	column_init(&c, &type);
	return c;
}

/* The value's C type must be as wide as the column's. */
#define add_fixed(c, value)                                                           \
	do {                                                                          \
		__typeof__(value) added_ = (value);                                   \
		assert_int_equal(sizeof added_, type_width(&(c)->type));              \
		memcpy(column_add_fixed((c), sizeof added_), &added_, sizeof added_); \
	} while (0)

static inline void add_text(struct column *c, const char *text)
{
	size_t len = strlen(text);

	memcpy(column_add_string(c, len), text, len);
}

static inline void assert_prints(const struct column *c, size_t row, const char *expected)
{
	struct buf out;

	buf_init(&out, BUF_MAX);
	column_print(c, row, &out);
	assert_string_equal(buf_text(&out), expected);
	buf_release(&out);
}

#endif
