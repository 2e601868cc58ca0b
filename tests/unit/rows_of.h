/*
 * Tables and rows for tests, from text:
 *	struct table *t = table_of((struct column_of[]){{"id", "int64", "bigint", .key = true}, {0}});
 *	add_row(&batch, OP_INSERT, 7, "1", "paid", NULL);
 * A value is text in the plainest form of its type (a decimal unscaled, a date in days, a time in
 * microseconds), NULL for NULL, UNCHANGED for a value the log did not carry.
 */
#ifndef TESTS_ROWS_OF_H
#define TESTS_ROWS_OF_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "base/error.h"
#include "core/batch.h"

#define UNCHANGED "\x01unchanged"

struct column_of {
	const char *name, *type, *source_type;
	bool key;
	enum rule_kind rule;
};

static const struct table_options no_options;

/* `columns` ends with {0}. */
static inline struct table *table_of(const struct column_of *columns)
{
	struct table *t = table_new();
	struct error err = {0};

	while (columns[t->n_columns].name)
		t->n_columns++;
	t->stream = "shop";
	t->source_id = 16384;
	t->schema = "public";
	t->name = t->target = "orders";
	t->options = &no_options;
	t->columns = arena_alloc(&t->arena, t->n_columns * sizeof *t->columns);
	t->key = arena_alloc(&t->arena, t->n_columns * sizeof *t->key);
	for (size_t c = 0; c < t->n_columns; c++) {
		t->columns[c] = (struct table_column){.name = columns[c].name,
			.attribute = (int)c + 1,
			.source_type = columns[c].source_type,
			.key = columns[c].key,
			.rule.kind = columns[c].rule};
		if (!type_parse(columns[c].type, &t->arena, &t->columns[c].type, &err))
			fail_msg("%s", err.text);
		if (columns[c].key)
			t->key[t->n_key++] = (uint16_t)c;
	}
	return t;
}

static inline void add_fixed_of(struct column *to, const char *text)
{
	enum type_kind kind = to->type.kind;
	size_t width = type_width(&to->type);
	uint8_t *out = column_add_fixed(to, width);
	__int128 whole = 0;

	if (kind == TYPE_FLOAT32) {
		memcpy(out, &(float){strtof(text, NULL)}, width);
	} else if (kind == TYPE_FLOAT64) {
		memcpy(out, &(double){strtod(text, NULL)}, width);
	} else if (kind == TYPE_UUID) {
		for (size_t i = 0; i < width; i++)
			assert_int_equal(sscanf(text + 2 * i, "%2hhx", out + i), 1);
	} else {
		for (const char *c = text + (*text == '-'); *c; c++)
			whole = whole * 10 + (*c - '0');
		whole = *text == '-' ? -whole : whole;
		memset(out, whole < 0 ? 0xff : 0, width);
		memcpy(out, &whole, width < sizeof whole ? width : sizeof whole);
	}
}

static inline void add_value_of(struct column *to, const char *text)
{
	if (!text)
		column_add_null(to);
	else if (!strcmp(text, UNCHANGED))
		column_add_unchanged(to);
	else if (type_is_string(&to->type))
		memcpy(column_add_string(to, strlen(text)), text, strlen(text));
	else
		add_fixed_of(to, text);
}

/* Of a tombstone, give values for the key columns alone; without a key, for all. */
static inline void add_row(struct batch *to, enum row_op op, version_t version, ...)
{
	va_list values;
	bool tombstone = op == OP_DELETE || op == OP_KEY_CHANGED;

	va_start(values, version);
	for (size_t c = 0; c < to->table->n_columns; c++) {
		if (tombstone && to->table->n_key && !to->table->columns[c].key)
			column_add_default(&to->columns[c]);
		else
			add_value_of(&to->columns[c], va_arg(values, const char *));
	}
	va_end(values);
	batch_commit_row(to, &(struct row_meta){.op = (char)op, .version = version});
}

/* The batch as batch_print() has it. Freed by the caller. */
static inline char *text_of(const struct batch *batch)
{
	struct buf text;

	buf_init(&text, BUF_MAX);
	batch_print(batch, &text);
	char *copy = xstrdup(buf_text(&text));
	buf_release(&text);
	return copy;
}

static inline void assert_rows(const struct batch *batch, const char *expected)
{
	char *text = text_of(batch);

	assert_string_equal(text, expected);
	free(text);
}

#endif
