/* Bundles: which batch a row goes to. */
#include "tables.h"

#include "core/bundle.h"

static struct table *make_id_table(const char *name, uint64_t source_id)
{
	struct table *t = make_table("public", name, 1, 1, "id", "int64");

	t->source_id = source_id;
	return t;
}

static void add_row(struct bundle *b, struct table *t)
{
	struct batch *batch = bundle_batch(b, t);

	add_fixed(&batch->columns[0], (int64_t)1);
	batch_commit_row(batch, &(struct row_meta){.op = OP_INSERT});
}

static void rows_of_one_definition_share_a_batch(void **state)
{
	struct table *orders = make_id_table("orders", 1), *items = make_id_table("items", 2);
	struct bundle *b = bundle_new();

	(void)state;
	assert_true(bundle_empty(b));
	assert_int_equal(b->started_ms, 0);
	add_row(b, orders);
	add_row(b, items);
	add_row(b, orders);
	assert_false(bundle_empty(b));
	assert_true(b->started_ms > 0);
	assert_int_equal(b->items.len, 2);
	assert_int_equal(b->items.items[0].batch.rows, 2);
	assert_int_equal(b->items.items[1].batch.rows, 1);
	assert_ptr_equal(b->items.items[1].table, items);
	bundle_free(b);
	assert_int_equal(orders->references, 1);
	table_unref(orders);
	table_unref(items);
}

static void a_new_definition_of_a_table_gets_a_batch_behind_the_old(void **state)
{
	struct table *before = make_id_table("orders", 1), *after = make_id_table("orders", 1);
	struct bundle *b = bundle_new();

	(void)state;
	add_row(b, before);
	add_row(b, after);
	add_row(b, after);
	assert_int_equal(b->items.len, 2);
	assert_ptr_equal(b->items.items[1].batch.table, after);
	assert_int_equal(b->items.items[1].batch.rows, 2);
	table_unref(before);
	table_unref(after);
	bundle_free(b);
}

static void what_happens_to_a_table_closes_its_batch_alone(void **state)
{
	struct table *orders = make_id_table("orders", 1), *items = make_id_table("items", 2);
	struct bundle *b = bundle_new();

	(void)state;
	add_row(b, orders);
	add_row(b, items);
	struct bundle_item *cut = bundle_add(b, BUNDLE_TRUNCATE, orders);
	cut->meta.version = 5;
	add_row(b, orders);
	add_row(b, items);
	assert_int_equal(b->items.len, 4);
	assert_int_equal(b->items.items[1].batch.rows, 2);
	assert_int_equal(b->items.items[2].kind, BUNDLE_TRUNCATE);
	assert_true(b->items.items[2].meta.version == 5);
	assert_ptr_equal(b->items.items[3].table, orders);
	assert_int_equal(b->items.items[3].batch.rows, 1);
	table_unref(orders);
	table_unref(items);
	bundle_free(b);
}

static void many_tables_and_items_keep_their_batches(void **state)
{
	struct table *tables[200];
	struct bundle *b = bundle_new();

	(void)state;
	for (uint64_t i = 0; i < COUNT_OF(tables); i++)
		tables[i] = make_id_table("t", i);
	for (int round = 0; round < 3; round++)
		for (size_t i = 0; i < COUNT_OF(tables); i++)
			add_row(b, tables[i]);
	assert_int_equal(b->items.len, COUNT_OF(tables));
	for (size_t i = 0; i < COUNT_OF(tables); i++) {
		assert_ptr_equal(b->items.items[i].table, tables[i]);
		assert_int_equal(b->items.items[i].batch.rows, 3);
		table_unref(tables[i]);
	}
	assert_true(bundle_bytes(b) >= 600 * (sizeof(int64_t) + sizeof(struct row_meta)));
	bundle_free(b);
}

static void an_end_alone_makes_a_bundle_worth_sending(void **state)
{
	struct bundle *b = bundle_new();

	(void)state;
	b->ended = true;
	assert_false(bundle_empty(b));
	bundle_free(b);
	bundle_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_of_one_definition_share_a_batch),
		cmocka_unit_test(a_new_definition_of_a_table_gets_a_batch_behind_the_old),
		cmocka_unit_test(what_happens_to_a_table_closes_its_batch_alone),
		cmocka_unit_test(many_tables_and_items_keep_their_batches),
		cmocka_unit_test(an_end_alone_makes_a_bundle_worth_sending),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
