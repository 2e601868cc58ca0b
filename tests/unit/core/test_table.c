/* Tables: references, lookups, what makes two definitions the same, and their JSON. */
#include "tables.h"

#include <pthread.h>

static struct table *make_full_table(void)
{
	struct table *t = make_table("sales", "or\"ders", 0, 4, "id", "int64", "amount",
		"nullable(decimal(10,2))", "tags", "array(array(nullable(string)))", "email",
		"nullable(string)");

	t->source_id = UINT64_MAX;
	t->target = "sales_orders";
	t->n_key = 2;
	t->key[0] = 1;
	t->key[1] = 0;
	t->columns[0].key = t->columns[1].key = true;
	t->columns[1].source_type = "numeric(10,2)";
	t->columns[1].missing = "\"1.00\"";
	t->columns[1].base_type = "numeric(10,2)";
	t->columns[1].default_sql = "'1.00'::price";
	t->columns[2].approximate = true;
	t->columns[2].labels = "sad,so so";
	t->columns[2].json_of = &t->columns[2].type;
	t->columns[3].attribute = 9;
	t->columns[3].rule = (struct column_rule){RULE_CONSTANT, "x@y"};
	t->keep = KEEP_BOTH;
	t->physical = "16384/16390,16391";
	t->rows_estimate = (uint64_t)1 << 60;
	t->problem = "none really";
	return t;
}

static void print(const struct table *t, struct buf *out)
{
	buf_clear(out);
	table_to_json(t, out);
	buf_text(out);
}

static void a_table_comes_back_from_its_json_whole(void **state)
{
	struct table_options options = {0};
	struct table *t = make_full_table();
	struct error err = {0};
	struct buf first, second;

	(void)state;
	buf_init(&first, BUF_MAX);
	buf_init(&second, BUF_MAX);
	print(t, &first);
	struct table *back = table_from_json((char *)first.data, "shop", &options, &err);
	if (!back)
		fail_msg("%s", err.text);
	print(back, &second);
	assert_string_equal((char *)first.data, (char *)second.data);
	assert_true(table_same_definition(t, back));
	assert_string_equal(back->stream, "shop");
	assert_ptr_equal(back->options, &options);
	assert_true(back->source_id == UINT64_MAX);
	assert_string_equal(back->name, "or\"ders");
	assert_int_equal(back->keep, KEEP_BOTH);
	assert_true(back->columns[0].key && back->columns[1].key && !back->columns[2].key);
	assert_string_equal(back->columns[1].missing, "\"1.00\"");
	assert_string_equal(back->columns[1].base_type, "numeric(10,2)");
	assert_string_equal(back->columns[1].default_sql, "'1.00'::price");
	assert_true(back->columns[2].approximate);
	assert_string_equal(back->columns[2].labels, "sad,so so");
	assert_true(type_equal(back->columns[2].json_of, &t->columns[2].type));
	assert_null(back->columns[0].json_of);
	assert_string_equal(back->columns[3].rule.constant, "x@y");
	assert_string_equal(back->physical, t->physical);
	assert_true(back->rows_estimate == t->rows_estimate);
	assert_string_equal(back->problem, "none really");
	table_unref(t);
	table_unref(back);
	buf_release(&first);
	buf_release(&second);
}

static void a_table_without_columns_or_key_comes_back_too(void **state)
{
	struct table *t = make_table("public", "empty", 0, 0);
	struct error err = {0};
	struct buf out;

	(void)state;
	buf_init(&out, BUF_MAX);
	print(t, &out);
	struct table *back = table_from_json((char *)out.data, NULL, NULL, &err);
	assert_non_null(back);
	assert_int_equal(back->n_columns, 0);
	assert_null(back->physical);
	assert_null(back->problem);
	table_unref(t);
	table_unref(back);
	buf_release(&out);
}

#define HEAD                    "{\"source_id\":\"1\",\"schema\":\"s\",\"name\":\"n\","
#define TAIL                    ",\"rows_estimate\":\"0\",\"bytes_estimate\":\"0\"}"
#define COLUMN(attribute, type) "{\"attribute\":" attribute ",\"name\":\"a\",\"type\":" type "}"

static void json_that_is_damaged_is_refused_with_its_reason(void **state)
{
	static const char *const cases[][2] = {
		{"", "not JSON"},
		{"{\"source_id\":", "not JSON"},
		{"[]", "source_id"},
		{"{\"source_id\":1}", "source_id"},
		{"{\"source_id\":\"-1\"}", "source_id"},
		{"{\"source_id\":\"99999999999999999999\"}", "source_id"},
		{"{\"source_id\":\"1\",\"source_id\":\"2\"}", "not JSON"},
		{"{\"source_id\":\"1\"}", "schema"},
		{HEAD "\"columns\":{},\"key\":[]" TAIL, "columns"},
		{HEAD "\"columns\":[1],\"key\":[]" TAIL, "column 1: \"attribute\""},
		{HEAD "\"columns\":[" COLUMN("0", "\"int32\"") "],\"key\":[]" TAIL, "attribute"},
		{HEAD "\"columns\":[" COLUMN("1", "\"int33\"") "],\"key\":[]" TAIL,
			"\"int33\" is not a type"},
		{HEAD "\"columns\":[" COLUMN("1", "7") "],\"key\":[]" TAIL, "type"},
		{HEAD "\"columns\":[" COLUMN("1", "\"int32\"") "],\"key\":[1]" TAIL, "key"},
		{HEAD "\"columns\":[" COLUMN("1", "\"int32\"") "],\"key\":[-1]" TAIL, "key"},
		{HEAD "\"columns\":[" COLUMN("1", "\"int32\"") "],\"key\":[\"0\"]" TAIL, "key"},
		{HEAD "\"columns\":[" COLUMN("1", "\"int32\"") "],\"key\":[0,0]" TAIL, "key"},
		{HEAD "\"columns\":[],\"key\":[],\"keep\":\"forever\"" TAIL, "keep"},
		{HEAD "\"columns\":[],\"key\":[],\"keep\":1" TAIL, "keep"},
		{HEAD "\"columns\":[],\"key\":[]}", "rows_estimate"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct error err = {0};
		assert_null(table_from_json(cases[i][0], "s", NULL, &err));
		assert_int_equal(err.kind, ERROR_BROKEN);
		if (!strstr(err.text, cases[i][1]))
			fail_msg("%s: %s", cases[i][0], err.text);
	}
}

static void columns_are_found_by_attribute_and_by_name(void **state)
{
	struct table *t = make_full_table();

	(void)state;
	assert_int_equal(table_column_by_attribute(t, 9), 3);
	assert_int_equal(table_column_by_attribute(t, 4), -1);
	assert_int_equal(table_column_by_name(t, "amount"), 1);
	assert_int_equal(table_column_by_name(t, "Amount"), -1);
	table_unref(t);
}

/* One change at a time to a copy, which must no longer be the same definition. */
static void assert_differs(void (*change)(struct table *))
{
	struct table *a = make_full_table(), *b = make_full_table();

	assert_true(table_same_definition(a, b));
	change(b);
	assert_false(table_same_definition(a, b));
	assert_false(table_same_definition(b, a));
	table_unref(a);
	table_unref(b);
}

static void rename_column(struct table *t)
{
	t->columns[2].name = "labels";
}

static void change_attribute(struct table *t)
{
	t->columns[2].attribute = 77;
}

static void change_type(struct table *t)
{
	t->columns[1].type.scale = 3;
}

static void change_rule(struct table *t)
{
	t->columns[3].rule.constant = "other";
}

static void remove_rule(struct table *t)
{
	t->columns[3].rule = (struct column_rule){.kind = RULE_NONE};
}

static void swap_key(struct table *t)
{
	t->key[0] = 0;
	t->key[1] = 1;
}

static void shorten_key(struct table *t)
{
	t->n_key = 1;
}

static void remove_column(struct table *t)
{
	t->n_columns--;
}

static void any_change_of_columns_or_key_is_another_definition(void **state)
{
	(void)state;
	assert_differs(rename_column);
	assert_differs(change_attribute);
	assert_differs(change_type);
	assert_differs(change_rule);
	assert_differs(remove_rule);
	assert_differs(swap_key);
	assert_differs(shorten_key);
	assert_differs(remove_column);
}

static void physical_and_estimates_do_not_make_another_definition(void **state)
{
	struct table *a = make_full_table(), *b = make_full_table();

	(void)state;
	b->physical = "other";
	b->rows_estimate = 5;
	b->problem = NULL;
	assert_true(table_same_definition(a, b));
	table_unref(a);
	table_unref(b);
}

static void *ref_and_unref(void *table)
{
	for (int i = 0; i < 50000; i++)
		table_unref(table_ref(table));
	return NULL;
}

static void references_are_counted_across_threads(void **state)
{
	struct table *t = table_new();
	pthread_t threads[4];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ref_and_unref, t), 0);
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(t->references, 1);
	table_unref(t);
	table_unref(NULL);
	assert_null(table_ref(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_table_comes_back_from_its_json_whole),
		cmocka_unit_test(a_table_without_columns_or_key_comes_back_too),
		cmocka_unit_test(json_that_is_damaged_is_refused_with_its_reason),
		cmocka_unit_test(columns_are_found_by_attribute_and_by_name),
		cmocka_unit_test(any_change_of_columns_or_key_is_another_definition),
		cmocka_unit_test(physical_and_estimates_do_not_make_another_definition),
		cmocka_unit_test(references_are_counted_across_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
