/* Batches: half rows, keys, rows set aside, and the dump that golden tests read. */
#include "tables.h"

#include "core/batch.h"

static struct table *orders;

static int make_orders(void **state)
{
	(void)state;
	orders = make_table("public", "orders", 2, 4, "id", "int64", "code", "string", "note",
		"nullable(string)", "tags", "array(int32)");
	return 0;
}

static int drop_orders(void **state)
{
	(void)state;
	assert_int_equal(orders->references, 1);
	table_unref(orders);
	return 0;
}

static void add_order(struct batch *b, int64_t id, const char *code, const char *note, char op)
{
	struct row_meta meta = {.version = (version_t)id << 64 | 7, .op = op};

	add_fixed(&b->columns[0], id);
	add_text(&b->columns[1], code);
	if (note)
		add_text(&b->columns[2], note);
	else
		column_add_null(&b->columns[2]);
	column_end_row(&b->columns[3]);
	batch_commit_row(b, &meta);
}

static void assert_dump(const struct batch *b, const char *expected)
{
	struct buf out;

	buf_init(&out, BUF_MAX);
	batch_print(b, &out);
	assert_string_equal(buf_text(&out), expected);
	buf_release(&out);
}

static void a_row_is_printed_as_a_line_of_json(void **state)
{
	struct batch b;

	(void)state;
	batch_init(&b, orders);
	add_order(&b, 1, "a", "hi", OP_INSERT);
	add_order(&b, 2, "b", NULL, OP_COPY);
	assert_dump(&b, "{\"op\":\"c\",\"version\":\"18446744073709551623\",\"id\":1,\"code\":"
			"\"a\",\"note\":\"hi\",\"tags\":[]}\n"
			"{\"op\":\"r\",\"version\":\"36893488147419103239\",\"id\":2,\"code\":"
			"\"b\",\"note\":null,\"tags\":[]}\n");
	batch_release(&b);
}

static void a_tombstone_prints_its_key_and_unchanged_columns_their_names(void **state)
{
	struct batch b;
	struct row_meta meta = {.version = 5, .op = OP_UPDATE};

	(void)state;
	batch_init(&b, orders);
	add_order(&b, 0, "a", NULL, OP_DELETE);
	add_order(&b, 0, "b", NULL, OP_KEY_CHANGED);
	add_fixed(&b.columns[0], (int64_t)3);
	add_text(&b.columns[1], "c");
	column_add_unchanged(&b.columns[2]);
	column_add_unchanged(&b.columns[3]);
	batch_commit_row(&b, &meta);
	assert_dump(&b, "{\"op\":\"d\",\"version\":\"7\",\"id\":0,\"code\":\"a\"}\n"
			"{\"op\":\"k\",\"version\":\"7\",\"id\":0,\"code\":\"b\"}\n"
			"{\"op\":\"u\",\"version\":\"5\",\"unchanged\":[\"note\",\"tags\"],\"id\":"
			"3,\"code\":\"c\"}\n");
	batch_release(&b);
}

static void a_row_is_taken_back_from_every_column(void **state)
{
	struct batch b;

	(void)state;
	batch_init(&b, orders);
	add_order(&b, 1, "a", "hi", OP_INSERT);
	size_t bytes = batch_bytes(&b);
	add_fixed(&b.columns[0], (int64_t)2);
	add_text(&b.columns[1], "half");
	add_fixed(&b.columns[3].children[0], (int32_t)9);
	assert_true(batch_bytes(&b) > bytes);
	batch_abort_row(&b);
	assert_int_equal(batch_bytes(&b), bytes);
	batch_abort_row(&b);
	add_order(&b, 3, "c", NULL, OP_INSERT);
	assert_int_equal(b.rows, 2);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(b.columns[i].rows, 2);
	assert_prints(&b.columns[3], 1, "[]");
	assert_prints(&b.columns[0], 1, "3");
	batch_take_back_row(&b);
	assert_int_equal(b.rows, 1);
	assert_int_equal(batch_bytes(&b), bytes);
	batch_release(&b);
}

static void a_row_set_aside_outlives_the_texts_it_was_made_from(void **state)
{
	struct batch b;
	char reason[] = "NaN does not fit decimal(10,2)";
	struct set_aside aside = {.meta = {.version = 9, .op = OP_INSERT},
		.key = "{\"id\":4}",
		.row = "{\"id\":\"4\"}",
		.column = "amount",
		.reason = reason};

	(void)state;
	batch_init(&b, orders);
	batch_set_aside(&b, &aside);
	reason[0] = 'X';
	aside = (struct set_aside){.meta = {.version = 1, .op = OP_COPY}, .reason = "x"};
	batch_set_aside(&b, &aside);
	assert_true(batch_bytes(&b) > sizeof reason);
	assert_dump(&b, "{\"op\":\"c\",\"version\":\"9\",\"column\":\"amount\",\"reason\":\"NaN "
			"does not fit decimal(10,2)\","
			"\"key\":{\"id\":4},\"row\":{\"id\":\"4\"}}\n"
			"{\"op\":\"r\",\"version\":\"1\",\"column\":null,\"reason\":\"x\",\"key\":"
			"null,\"row\":null}\n");
	batch_clear(&b);
	assert_int_equal(b.aside.len, 0);
	batch_release(&b);
}

static void a_cleared_batch_is_empty_and_takes_rows_again(void **state)
{
	struct batch b;

	(void)state;
	batch_init(&b, orders);
	add_order(&b, 1, "a", "hi", OP_INSERT);
	batch_clear(&b);
	assert_int_equal(b.rows, 0);
	assert_int_equal(batch_bytes(&b), 0);
	add_order(&b, 2, "b", NULL, OP_INSERT);
	assert_int_equal(batch_meta(&b)[0].version >> 64, 2);
	assert_prints(&b.columns[1], 0, "\"b\"");
	batch_release(&b);
}

static void keys_are_compared_by_their_columns_in_order(void **state)
{
	struct batch a, b;

	(void)state;
	batch_init(&a, orders);
	batch_init(&b, orders);
	add_order(&a, 1, "x", "one note", OP_INSERT);
	add_order(&a, 1, "y", NULL, OP_INSERT);
	add_order(&b, 2, "a", NULL, OP_INSERT);
	add_order(&b, 1, "x", "another", OP_UPDATE);
	assert_true(batch_key_equal(&a, 0, &b, 1));
	assert_int_equal(batch_key_hash(&a, 0), batch_key_hash(&b, 1));
	assert_false(batch_key_equal(&a, 0, &a, 1));
	assert_int_not_equal(batch_key_hash(&a, 0), batch_key_hash(&a, 1));
	assert_int_equal(batch_key_compare(&a, 0, &b, 1), 0);
	assert_int_equal(batch_key_compare(&a, 0, &a, 1), -1);
	assert_int_equal(batch_key_compare(&b, 0, &a, 1), 1);
	batch_release(&a);
	batch_release(&b);
}

static void the_key_prints_as_an_object_and_without_a_key_the_whole_row(void **state)
{
	struct table *plain = make_table("public", "plain", 0, 2, "a", "int32", "b\"", "string");
	struct batch b;
	struct buf out;

	(void)state;
	buf_init(&out, BUF_MAX);
	batch_init(&b, orders);
	add_order(&b, 1, "x", "note", OP_INSERT);
	batch_print_key(&b, 0, &out);
	assert_string_equal(buf_text(&out), "{\"id\":1,\"code\":\"x\"}");
	batch_release(&b);
	buf_clear(&out);
	batch_init(&b, plain);
	add_fixed(&b.columns[0], (int32_t)1);
	add_text(&b.columns[1], "z");
	batch_commit_row(&b, &(struct row_meta){.op = OP_INSERT});
	batch_print_key(&b, 0, &out);
	assert_string_equal(buf_text(&out), "{\"a\":1,\"b\\\"\":\"z\"}");
	assert_true(batch_key_equal(&b, 0, &b, 0));
	batch_release(&b);
	buf_release(&out);
	table_unref(plain);
}

static void the_row_as_it_was_is_found_under_the_same_number(void **state)
{
	struct batch b;

	(void)state;
	batch_init(&b, orders);
	add_order(&b, 1, "a", NULL, OP_INSERT);
	assert_null(batch_before(&b, 0));
	size_t bytes = batch_bytes(&b);
	add_order(&b, 2, "b", "now", OP_UPDATE);
	add_order(batch_before_upto(&b, 1), 2, "b", "then", OP_UPDATE);
	add_order(&b, 3, "c", NULL, OP_INSERT);
	assert_null(batch_before(&b, 0));
	assert_null(batch_before(&b, 2));
	const struct batch *before = batch_before(&b, 1);
	assert_non_null(before);
	size_t len;
	assert_memory_equal(column_string(&before->columns[2], 1, &len), "then", 4);
	assert_true(batch_bytes(&b) > 3 * bytes);
	batch_clear(&b);
	add_order(&b, 1, "a", NULL, OP_INSERT);
	assert_null(batch_before(&b, 0));
	batch_release(&b);
}

static void a_row_is_set_aside_as_far_as_it_is_known(void **state)
{
	struct batch b;

	(void)state;
	batch_init(&b, orders);
	add_order(&b, 1, "a", "hi", OP_UPDATE);
	column_truncate(&b.columns[2], 0);
	column_add_unchanged(&b.columns[2]);
	batch_set_row_aside(&b, 0, "note", "too large");
	assert_string_equal(b.aside.items[0].key, "{\"id\":1,\"code\":\"a\"}");
	assert_string_equal(b.aside.items[0].row, "{\"id\":1,\"code\":\"a\",\"tags\":[]}");
	assert_string_equal(b.aside.items[0].reason, "too large");
	assert_int_equal(b.rows, 1);
	batch_release(&b);
}

static void versions_print_all_128_bits_in_decimal(void **state)
{
	char text[VERSION_TEXT];

	(void)state;
	version_print(0, text);
	assert_string_equal(text, "0");
	version_print(~(version_t)0, text);
	assert_string_equal(text, "340282366920938463463374607431768211455");
	version_print(version_make(3, 0x16B3748, 12), text);
	assert_string_equal(text, "3987683987793848749553662708833845260");
}

static void a_version_is_ordered_by_epoch_then_commit_then_place(void **state)
{
	version_t v = version_make(3, 0xffffffffffffff, UINT64_MAX);

	(void)state;
	assert_int_equal(version_epoch(v), 3);
	assert_int_equal(version_commit(v), 0xffffffffffffff);
	assert_true(version_copied(4) > v);
	assert_true(version_copied(3) < version_make(3, 1, 0));
	assert_true(version_make(3, 2, 0) > version_make(3, 1, UINT64_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_row_is_printed_as_a_line_of_json),
		cmocka_unit_test(a_tombstone_prints_its_key_and_unchanged_columns_their_names),
		cmocka_unit_test(a_row_is_taken_back_from_every_column),
		cmocka_unit_test(a_row_set_aside_outlives_the_texts_it_was_made_from),
		cmocka_unit_test(a_cleared_batch_is_empty_and_takes_rows_again),
		cmocka_unit_test(keys_are_compared_by_their_columns_in_order),
		cmocka_unit_test(the_key_prints_as_an_object_and_without_a_key_the_whole_row),
		cmocka_unit_test(the_row_as_it_was_is_found_under_the_same_number),
		cmocka_unit_test(a_row_is_set_aside_as_far_as_it_is_known),
		cmocka_unit_test(versions_print_all_128_bits_in_decimal),
		cmocka_unit_test(a_version_is_ordered_by_epoch_then_commit_then_place),
	};
	return cmocka_run_group_tests(tests, make_orders, drop_orders);
}
