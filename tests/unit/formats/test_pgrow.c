/* Rows from cells: what becomes of values that cannot be had, of rules, of deletes, of unchanged
 * values. */
#include "pg_golden.h"

#define TEXT(s)                                                   \
	{                                                         \
		(const uint8_t *)(s), sizeof(s) - 1, PG_CELL_TEXT \
	}

static const struct pg_cell null_cell = {.kind = PG_CELL_NULL};
static const struct pg_cell unchanged = {.kind = PG_CELL_UNCHANGED};

enum { ID, PRICE, SECRET, DAY, N_COLUMNS };

struct setup {
	struct pg_catalog catalog;
	struct table_options options;
	struct golden_table table;
	struct pg_rows rows;
	struct batch batch;
	struct error err;
};

/* A key, a nullable decimal, a column under a rule and a date that takes no NULL. */
static struct setup *start(enum unrepresentable policy, bool keyed)
{
	struct setup *s = xcalloc(1, sizeof *s);

	pg_catalog_init(&s->catalog);
	s->options.unrepresentable = policy;
	golden_table_init(&s->table, "t", &s->options);
	golden_column(&s->table, &s->catalog, "id",
		&(struct pg_column){.type = 23, .not_null = true}, keyed);
	golden_column(&s->table, &s->catalog, "price",
		&(struct pg_column){.type = 1700, .typmod = (10 << 16 | 2) + 4}, false);
	golden_column(&s->table, &s->catalog, "secret",
		&(struct pg_column){.type = 25, .rule = RULE_HASH}, false);
	golden_column(&s->table, &s->catalog, "day",
		&(struct pg_column){.type = 1082, .not_null = true}, false);
	if (!pg_rows_init(&s->rows, s->table.table, &s->catalog, s->table.columns, &s->err))
		fail_msg("%s", s->err.text);
	batch_init(&s->batch, s->table.table);
	return s;
}

static void finish(struct setup *s)
{
	batch_release(&s->batch);
	pg_rows_release(&s->rows);
	table_unref(s->table.table);
	pg_catalog_release(&s->catalog);
	free(s);
}

static bool append(struct setup *s, char op, const struct pg_cell *cells)
{
	return pg_rows_append(
		&s->rows, &s->batch, cells, &(struct row_meta){.version = 7, .op = op}, &s->err);
}

static void dumps(struct setup *s, const char *expected)
{
	struct buf dump;

	buf_init(&dump, BUF_MAX);
	batch_print(&s->batch, &dump);
	assert_string_equal(buf_text(&dump), expected);
	buf_release(&dump);
}

static void a_row_that_cannot_be_had_is_set_aside_with_key_and_text(void **state)
{
	struct setup *s = start(UNREPRESENTABLE_SET_ASIDE, true);
	const struct pg_cell good[] = {TEXT("1"), TEXT("1.50"), TEXT("s"), TEXT("2024-01-01")};
	const struct pg_cell bad[] = {TEXT("2"), TEXT("NaN"), TEXT("s"), TEXT("2024-01-01")};
	const struct pg_cell late[] = {TEXT("3"), unchanged, null_cell, TEXT("infinity")};

	(void)state;
	assert_true(append(s, OP_INSERT, good));
	assert_true(append(s, OP_INSERT, bad));
	assert_true(append(s, OP_UPDATE, late));
	assert_true(append(s, OP_INSERT, good));
	assert_int_equal(s->batch.rows, 2);
	dumps(s, "{\"op\":\"c\",\"version\":\"7\",\"id\":1,\"price\":1.50,\"secret\":\"s\",\"day\":"
		 "\"2024-01-01\"}\n"
		 "{\"op\":\"c\",\"version\":\"7\",\"id\":1,\"price\":1.50,\"secret\":\"s\",\"day\":"
		 "\"2024-01-01\"}\n"
		 "{\"op\":\"c\",\"version\":\"7\",\"column\":\"price\",\"reason\":\"NaN in a "
		 "Decimal(10,2), which "
		 "holds finite numbers "
		 "only\",\"key\":{\"id\":2},\"row\":{\"id\":\"2\",\"price\":\"NaN\","
		 "\"secret\":\"...\",\"day\":\"2024-01-01\"}}\n"
		 "{\"op\":\"u\",\"version\":\"7\",\"column\":\"day\",\"reason\":\"the date is "
		 "infinite or not within "
		 "the years 1900 to 2299, which is what the target holds; `out_of_range: clamp` "
		 "takes the nearest it "
		 "holds\",\"key\":{\"id\":3},\"row\":{\"id\":\"3\",\"secret\":\"...\",\"day\":"
		 "\"infinity\"}}\n");
	finish(s);
}

static void a_row_without_a_key_is_its_own_key_when_set_aside(void **state)
{
	struct setup *s = start(UNREPRESENTABLE_SET_ASIDE, false);
	const struct pg_cell bad[] = {TEXT("2"), null_cell, TEXT("s"), null_cell};

	(void)state;
	assert_true(append(s, OP_INSERT, bad));
	assert_int_equal(s->batch.rows, 0);
	assert_int_equal(s->batch.aside.len, 1);
	assert_string_equal(s->batch.aside.items[0].key,
		"{\"id\":\"2\",\"price\":null,\"secret\":\"...\",\"day\":null}");
	assert_string_equal(s->batch.aside.items[0].reason, "NULL in a column that takes none");
	finish(s);
}

static void the_null_policy_keeps_the_row_also_where_the_source_says_not_null(void **state)
{
	struct setup *s = start(UNREPRESENTABLE_NULL, true);
	const struct pg_cell bad[] = {TEXT("2"), TEXT("NaN"), null_cell, TEXT("2024-01-01")};
	const struct pg_cell worse[] = {TEXT("3"), TEXT("NaN"), null_cell, TEXT("infinity")};
	const struct pg_cell no_key[] = {null_cell, TEXT("1"), null_cell, TEXT("2024-01-01")};

	(void)state;
	assert_true(append(s, OP_INSERT, bad));
	assert_true(append(s, OP_INSERT, worse));
	assert_true(append(s, OP_INSERT, no_key));
	assert_int_equal(s->batch.rows, 2);
	assert_true(column_is_null(&s->batch.columns[PRICE], 0));
	assert_true(column_is_null(&s->batch.columns[DAY], 1));
	assert_int_equal(s->batch.aside.len, 1);
	assert_string_equal(s->batch.aside.items[0].column, "id");
	finish(s);
}

static void the_stop_policy_stops_the_table(void **state)
{
	struct setup *s = start(UNREPRESENTABLE_STOP, true);
	const struct pg_cell bad[] = {TEXT("2"), TEXT("NaN"), null_cell, TEXT("2024-01-01")};

	(void)state;
	assert_false(append(s, OP_INSERT, bad));
	assert_int_equal(s->err.kind, ERROR_TABLE);
	assert_non_null(strstr(s->err.text, "column price: NaN"));
	assert_int_equal(s->batch.rows, 0);
	assert_int_equal(s->batch.columns[ID].rows, 0);
	assert_int_equal(s->batch.aside.len, 0);
	finish(s);
}

static void an_absent_column_stops_the_table_whatever_the_policy(void **state)
{
	struct setup *s = start(UNREPRESENTABLE_NULL, true);
	const struct pg_cell bad[] = {
		TEXT("2"), {.kind = PG_CELL_ABSENT}, null_cell, TEXT("2024-01-01")};

	(void)state;
	assert_false(append(s, OP_INSERT, bad));
	assert_int_equal(s->err.kind, ERROR_TABLE);
	assert_int_equal(s->batch.columns[ID].rows, 0);
	finish(s);
}

static void of_a_delete_only_the_key_is_looked_at(void **state)
{
	struct setup *s = start(UNREPRESENTABLE_SET_ASIDE, true);
	const struct pg_cell old[] = {TEXT("2"), TEXT("NaN"), null_cell, null_cell};

	(void)state;
	assert_true(append(s, OP_DELETE, old));
	assert_true(append(s, OP_KEY_CHANGED, old));
	assert_int_equal(s->batch.columns[DAY].rows, 2);
	dumps(s, "{\"op\":\"d\",\"version\":\"7\",\"id\":2}\n{\"op\":\"k\",\"version\":\"7\","
		 "\"id\":2}\n");
	finish(s);
}

static void without_a_key_a_delete_holds_the_whole_row(void **state)
{
	struct setup *s = start(UNREPRESENTABLE_SET_ASIDE, false);
	const struct pg_cell old[] = {TEXT("2"), TEXT("1"), null_cell, TEXT("2024-01-01")};

	(void)state;
	assert_true(append(s, OP_DELETE, old));
	dumps(s, "{\"op\":\"d\",\"version\":\"7\",\"id\":2,\"price\":1.00,\"secret\":null,\"day\":"
		 "\"2024-01-01\"}\n");
	finish(s);
}

static void unchanged_values_are_marked_or_taken_from_the_old_row(void **state)
{
	struct setup *s = start(UNREPRESENTABLE_SET_ASIDE, true);
	struct pg_cell row[] = {TEXT("2"), unchanged, unchanged, unchanged};
	const struct pg_cell old[] = {TEXT("2"), TEXT("1"), null_cell, TEXT("2024-01-01")};

	(void)state;
	assert_true(append(s, OP_UPDATE, row));
	assert_true(column_is_unchanged(&s->batch.columns[PRICE], 0));
	assert_true(column_is_unchanged(&s->batch.columns[DAY], 0));
	pg_rows_fill(&s->rows, row, old);
	assert_int_equal(row[PRICE].kind, PG_CELL_TEXT);
	assert_int_equal(row[SECRET].kind, PG_CELL_UNCHANGED);
	assert_int_equal(row[DAY].kind, PG_CELL_TEXT);
	finish(s);
}

static void keys_are_compared_by_their_bytes(void **state)
{
	struct setup *s = start(UNREPRESENTABLE_SET_ASIDE, true);
	const struct pg_cell a[] = {TEXT("2"), TEXT("1"), null_cell, null_cell};
	const struct pg_cell b[] = {TEXT("2"), TEXT("9"), TEXT("x"), null_cell};
	const struct pg_cell c[] = {TEXT("22"), TEXT("1"), null_cell, null_cell};
	const struct pg_cell toasted[] = {unchanged, null_cell, null_cell, null_cell};

	(void)state;
	assert_true(pg_rows_same_key(&s->rows, a, b));
	assert_false(pg_rows_same_key(&s->rows, a, c));
	assert_true(pg_rows_same_key(&s->rows, a, toasted));
	finish(s);
}

static void a_table_described_otherwise_is_refused(void **state)
{
	struct setup *s = start(UNREPRESENTABLE_SET_ASIDE, true);
	struct pg_rows rows;

	(void)state;
	s->table.columns[ID].type = 20;
	assert_false(pg_rows_init(&rows, s->table.table, &s->catalog, s->table.columns, &s->err));
	assert_int_equal(s->err.kind, ERROR_TABLE);
	assert_non_null(strstr(s->err.text, "column id"));
	s->table.columns[ID].type = 99999;
	assert_false(pg_rows_init(&rows, s->table.table, &s->catalog, s->table.columns, &s->err));
	assert_non_null(strstr(s->err.text, "99999 is not in the catalog"));
	finish(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_row_that_cannot_be_had_is_set_aside_with_key_and_text),
		cmocka_unit_test(a_row_without_a_key_is_its_own_key_when_set_aside),
		cmocka_unit_test(the_null_policy_keeps_the_row_also_where_the_source_says_not_null),
		cmocka_unit_test(the_stop_policy_stops_the_table),
		cmocka_unit_test(an_absent_column_stops_the_table_whatever_the_policy),
		cmocka_unit_test(of_a_delete_only_the_key_is_looked_at),
		cmocka_unit_test(without_a_key_a_delete_holds_the_whole_row),
		cmocka_unit_test(unchanged_values_are_marked_or_taken_from_the_old_row),
		cmocka_unit_test(keys_are_compared_by_their_bytes),
		cmocka_unit_test(a_table_described_otherwise_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
