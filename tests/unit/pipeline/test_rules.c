/* Column rules, and batches rebuilt by the fates of their rows. */
#include "../rows_of.h"
#include "pipeline/prepare.h"
#include "pipeline/rows.h"

static struct table *ruled_table(enum rule_kind kind, const char *constant)
{
	struct table *t = table_of((struct column_of[]){{"id", "int64", "bigint", .key = true},
		{"email", "nullable(string)", "text", .rule = kind}, {0}});
	t->columns[1].rule.constant = constant;
	return t;
}

/* What the rule makes of one value, as JSON. */
static void assert_ruled(enum rule_kind kind, const char *value, const char *expected)
{
	struct table *t = ruled_table(kind, "hidden");
	struct batch batch;
	char line[400];

	batch_init(&batch, t);
	add_row(&batch, OP_INSERT, 1, "1", value);
	apply_rules(&batch, "secret");
	snprintf(line, sizeof line, "{\"op\":\"c\",\"version\":\"1\",\"id\":1,\"email\":%s}\n",
		expected);
	assert_rows(&batch, line);
	batch_release(&batch);
	table_unref(t);
}

static void hash_is_sha256_in_hex(void **unused)
{
	(void)unused;
	assert_ruled(RULE_HASH, "abc",
		"\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"");
	assert_ruled(RULE_HASH, "",
		"\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"");
	assert_ruled(RULE_HASH, NULL, "null");
}

static void hmac_is_hmac_sha256_under_the_secret(void **unused)
{
	(void)unused;
	assert_ruled(RULE_HMAC, "abc",
		"\"9946dad4e00e913fc8be8e5d3f7e110a4a9e832f83fb09c345285d78638d8a0e\"");
	assert_ruled(RULE_HMAC, NULL, "null");
}

static void a_mask_shows_the_end_of_long_values_alone(void **unused)
{
	(void)unused;
	assert_ruled(RULE_MASK, "4111111111111111", "\"************1111\"");
	assert_ruled(RULE_MASK, "12345678", "\"****5678\"");
	assert_ruled(RULE_MASK, "1234567", "\"*******\"");
	assert_ruled(RULE_MASK, "", "\"\"");
	assert_ruled(RULE_MASK, "ääääöööö", "\"****öööö\"");
	assert_ruled(RULE_MASK, "äöü", "\"***\"");
	assert_ruled(RULE_MASK, NULL, "null");
}

static void constants_and_nulls_say_nothing_of_the_value(void **unused)
{
	(void)unused;
	assert_ruled(RULE_CONSTANT, "a@b", "\"hidden\"");
	assert_ruled(RULE_CONSTANT, NULL, "\"hidden\"");
	assert_ruled(RULE_CONSTANT, UNCHANGED, "\"hidden\"");
	assert_ruled(RULE_NULL, "a@b", "null");
	assert_ruled(RULE_NULL, UNCHANGED, "null");
}

static void what_is_unchanged_stays_so_until_it_is_filled(void **unused)
{
	(void)unused;
	struct table *t = ruled_table(RULE_HASH, NULL);
	struct batch batch;

	batch_init(&batch, t);
	add_row(&batch, OP_INSERT, 1, "1", "abc");
	add_row(&batch, OP_UPDATE, 2, "2", UNCHANGED);
	apply_rules(&batch, NULL);
	assert_false(column_is_unchanged(&batch.columns[1], 0));
	assert_true(column_is_unchanged(&batch.columns[1], 1));
	batch_release(&batch);
	table_unref(t);
}

static void a_tombstone_holds_nothing_but_its_key(void **unused)
{
	(void)unused;
	struct table *t = ruled_table(RULE_CONSTANT, "hidden");
	struct batch batch;

	batch_init(&batch, t);
	add_row(&batch, OP_DELETE, 1, "1");
	add_row(&batch, OP_KEY_CHANGED, 2, "2");
	apply_rules(&batch, NULL);
	assert_true(column_is_null(&batch.columns[1], 0));
	assert_true(column_is_null(&batch.columns[1], 1));
	batch_release(&batch);
	table_unref(t);
}

static void rows_are_kept_dropped_and_made_tombstones(void **unused)
{
	(void)unused;
	struct table *t = table_of((struct column_of[]){{"id", "int64", "bigint", .key = true},
		{"tags", "array(nullable(string))", "text[]"}, {"note", "nullable(string)", "text"},
		{0}});
	struct batch batch;
	const uint8_t fates[] = {ROW_KEEP, ROW_DROP, ROW_TOMBSTONE, ROW_KEEP};

	batch_init(&batch, t);
	for (int i = 1; i <= 4; i++) {
		*(int64_t *)(void *)column_add_fixed(&batch.columns[0], 8) = i;
		for (int n = 0; n < i; n++)
			add_value_of(&batch.columns[1].children[0], "x");
		column_end_row(&batch.columns[1]);
		add_value_of(&batch.columns[2], i == 4 ? NULL : "text");
		batch_commit_row(
			&batch, &(struct row_meta){.op = OP_UPDATE, .version = (version_t)i});
	}
	batch_settle(&batch, fates);
	assert_rows(&batch,
		"{\"op\":\"u\",\"version\":\"1\",\"id\":1,\"tags\":[\"x\"],\"note\":\"text\"}\n"
		"{\"op\":\"d\",\"version\":\"3\",\"id\":3}\n"
		"{\"op\":\"u\",\"version\":\"4\",\"id\":4,\"tags\":[\"x\",\"x\",\"x\",\"x\"],"
		"\"note\":null}\n");
	size_t from, to;
	column_range(&batch.columns[1], 1, &from, &to);
	assert_int_equal(to - from, 0);
	batch_release(&batch);
	table_unref(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hash_is_sha256_in_hex),
		cmocka_unit_test(hmac_is_hmac_sha256_under_the_secret),
		cmocka_unit_test(a_mask_shows_the_end_of_long_values_alone),
		cmocka_unit_test(constants_and_nulls_say_nothing_of_the_value),
		cmocka_unit_test(what_is_unchanged_stays_so_until_it_is_filled),
		cmocka_unit_test(a_tombstone_holds_nothing_but_its_key),
		cmocka_unit_test(rows_are_kept_dropped_and_made_tombstones),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
