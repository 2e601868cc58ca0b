/* The order in which rows are sent: that of a plain sort, for keys of every kind and mixes of
 * them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "sinks/clickhouse/order.h"

static const struct type types[] = {{.kind = TYPE_INT64}, {.kind = TYPE_INT16},
	{.kind = TYPE_STRING}, {.kind = TYPE_UUID},
	{.kind = TYPE_DECIMAL, .precision = 60, .scale = 2}, {.kind = TYPE_FLOAT64},
	{.kind = TYPE_BOOL}, {.kind = TYPE_TIMESTAMPTZ}, {.kind = TYPE_DECIMAL, .precision = 18},
	{.kind = TYPE_UINT64}};
#define N_TYPES (sizeof types / sizeof types[0])

static struct table *table_of_all(void)
{
	struct table *t = table_new();

	t->schema = "public";
	t->name = t->target = "t";
	t->n_columns = N_TYPES;
	t->columns = arena_alloc(&t->arena, N_TYPES * sizeof *t->columns);
	for (size_t i = 0; i < N_TYPES; i++)
		t->columns[i] = (struct table_column){
			.name = "c", .type = types[i], .attribute = (int)i + 1};
	return t;
}

/* Few different values, of both signs, so that there are ties. */
static void add_value(struct column *c)
{
	long v = random() % 41 - 20;

	if (type_is_string(&c->type)) {
		static const char text[] = "aaaaaaaaaaaaaaaaaaaa";
		size_t len = (size_t)(v + 20) / 2;
		memcpy(column_add_string(c, len), text, len);
		if (len && random() % 2)
			c->values.data[c->values.len - 1] = 'b';
	} else if (c->type.kind == TYPE_FLOAT64) {
		double d = v == 1 ? -0.0 : (double)v / 4;
		memcpy(column_add_fixed(c, sizeof d), &d, sizeof d);
	} else {
		size_t width = type_width(&c->type);
		uint8_t *p = column_add_fixed(c, width);
		memset(p, v < 0 && c->type.kind != TYPE_BOOL ? 0xff : 0, width);
		p[c->type.kind == TYPE_UUID ? random() % 16 : 0] = c->type.kind == TYPE_BOOL
									   ? v < 0
									   : (uint8_t)v;
	}
}

static void fill(struct batch *b, size_t rows)
{
	for (size_t i = 0; i < rows; i++) {
		struct row_meta meta = {.version = (version_t)(random() % 5)};
		for (size_t c = 0; c < N_TYPES; c++)
			add_value(&b->columns[c]);
		batch_commit_row(b, &meta);
	}
}

static int compare(const struct batch *b, const uint16_t *key, size_t n_key, size_t x, size_t y)
{
	for (size_t i = 0; i < n_key; i++) {
		const struct column *c = &b->columns[key[i]];
		int order = column_compare(c, x, c, y);
		if (order)
			return order;
	}
	return 0;
}

static void expect_sorted(const struct batch *b, const uint16_t *key, size_t n_key)
{
	struct order o;

	order_init(&o, b, key, n_key, false);
	assert_int_equal(o.n, b->rows);
	for (size_t i = 1; o.rows && i < o.n; i++) {
		int order = compare(b, key, n_key, o.rows[i - 1], o.rows[i]);
		assert_true(order < 0 || (!order && o.rows[i - 1] < o.rows[i]));
	}
	for (size_t i = 1; !o.rows && i < o.n; i++)
		assert_true(compare(b, key, n_key, i - 1, i) <= 0);
	order_release(&o);
}

static void expect_newest(const struct batch *b, const uint16_t *key, size_t n_key)
{
	struct order o;

	order_init(&o, b, key, n_key, true);
	for (size_t i = 1; o.rows && i < o.n; i++)
		assert_true(compare(b, key, n_key, o.rows[i - 1], o.rows[i]) < 0);
	/* no row has a newer one of its key that is not there: each left out loses against one
	 * that is */
	for (size_t row = 0; row < b->rows; row++) {
		size_t i = 0;
		while (i < o.n && compare(b, key, n_key, o.rows ? o.rows[i] : i, row))
			i++;
		assert_true(i < o.n);
		size_t kept = o.rows ? o.rows[i] : i;
		version_t there = batch_meta(b)[kept].version, here = batch_meta(b)[row].version;
		assert_true(there > here || (there == here && kept >= row));
	}
	order_release(&o);
}

static void rows_are_sorted_by_any_key_and_ties_keep_their_order(void **state)
{
	struct table *t = table_of_all();
	struct batch b;
	(void)state;

	srandom(3);
	batch_init(&b, t);
	for (size_t rows = 0; rows < 400; rows = rows * 2 + 1) {
		batch_clear(&b);
		fill(&b, rows);
		for (uint16_t i = 0; i < N_TYPES; i++) {
			expect_sorted(&b, &i, 1);
			expect_newest(&b, &i, 1);
			for (uint16_t k = 0; k < N_TYPES; k++) {
				expect_sorted(&b, (const uint16_t[]){i, k}, 2);
				expect_newest(&b, (const uint16_t[]){i, k, 0}, 3);
			}
		}
	}
	batch_release(&b);
	table_unref(t);
}

static void rows_in_order_are_left_as_they_are(void **state)
{
	struct table *t = table_of_all();
	struct batch b;
	struct order o;
	uint16_t key = 0;
	(void)state;

	batch_init(&b, t);
	fill(&b, 5);
	for (size_t i = 0; i < 5; i++) {
		int64_t v = (int64_t)i - 2;
		memcpy(b.columns[0].values.data + i * sizeof v, &v, sizeof v);
	}
	order_init(&o, &b, &key, 1, true);
	assert_null(o.rows);
	assert_int_equal(o.n, 5);
	batch_release(&b);
	table_unref(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_sorted_by_any_key_and_ties_keep_their_order),
		cmocka_unit_test(rows_in_order_are_left_as_they_are),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
