/* Which tables a stream takes, what rules make of them, and problems with their ways out. */
#include "tables.h"

#include "core/selection.h"

static const struct selection_rule *match(
	const char *const *patterns, size_t n, const char *schema, const char *name)
{
	static struct selection_rule rules[8];
	static struct selection selection;

	for (size_t i = 0; i < n; i++) {
		bool exclude = patterns[i][0] == '!';
		rules[i] = (struct selection_rule){
			.pattern = patterns[i] + exclude, .exclude = exclude};
	}
	selection = (struct selection){.stream = "shop", .rules = rules, .n_rules = n};
	return selection_match(&selection, schema, name);
}

static void globs_match_schema_and_table(void **state)
{
	static const struct {
		const char *pattern, *schema, *name;
		bool matches;
	} cases[] = {
		{"public.*", "public", "orders", true},
		{"public.*", "publics", "orders", false},
		{"public.orders", "public", "orders", true},
		{"public.orders", "public", "orders2", false},
		{"public.order?", "public", "orders", true},
		{"public.order?", "public", "order", false},
		{"*.orders", "sales", "orders", true},
		{"*.orders", "sales", "old_orders", false},
		{"*", "any", "thing", true},
		{"*.*_20??_*", "a", "log_2026_01", true},
		{"*.*_20??_*", "a", "log_2026", false},
		{"*a*b*c", "x", "aXbYbZc", true},
		{"*a*b*c", "x", "aXbYbZ", false},
		{"", "a", "b", false},
		{"public.Orders", "public", "orders", false},
		{"public.**", "public", "", true},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		if (!!match(&cases[i].pattern, 1, cases[i].schema, cases[i].name) !=
			cases[i].matches)
			fail_msg("%s and %s.%s", cases[i].pattern, cases[i].schema, cases[i].name);
}

static void the_last_match_wins_and_an_exclusion_may_be_undone(void **state)
{
	static const char *const patterns[] = {
		"public.*", "!public.audit*", "public.audit_kept", "*.customers"};

	(void)state;
	assert_string_equal(match(patterns, 4, "public", "orders")->pattern, "public.*");
	assert_null(match(patterns, 4, "public", "audit_log"));
	assert_string_equal(
		match(patterns, 4, "public", "audit_kept")->pattern, "public.audit_kept");
	assert_string_equal(match(patterns, 4, "public", "customers")->pattern, "*.customers");
	assert_null(match(patterns, 4, "sales", "orders"));
	assert_null(match(patterns, 0, "public", "orders"));
}

static void a_glob_of_many_stars_ends_soon(void **state)
{
	static const char *const pattern = "*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b";
	char name[3000];

	(void)state;
	memset(name, 'a', sizeof name);
	name[sizeof name - 1] = '\0';
	assert_null(match(&pattern, 1, "public", name));
}

static struct table *customers(void)
{
	return make_table("public", "customers", 2, 7, "id", "int64", "region", "string", "email",
		"nullable(string)", "age", "int32", "tags", "array(int32)", "name", "string",
		"born", "date");
}

static void apply(struct selection_rule *rule, struct table *t)
{
	struct selection selection = {.stream = "shop", .rules = rule, .n_rules = 1};

	selection_apply(&selection, rule, t);
}

static void assert_type(const struct table *t, const char *column, const char *expected)
{
	struct buf out;
	int i = table_column_by_name(t, column);

	assert_true(i >= 0);
	buf_init(&out, BUF_MAX);
	type_print(&t->columns[i].type, &out);
	assert_string_equal(buf_text(&out), expected);
	buf_release(&out);
}

static void a_table_gets_its_target_keep_and_options(void **state)
{
	struct selection_rule rule = {.options = {.keep = KEEP_BOTH}};
	struct table *t = customers(), *other = make_table("sales", "orders", 0, 1, "id", "int64");

	(void)state;
	apply(&rule, t);
	assert_string_equal(t->target, "customers");
	assert_string_equal(t->stream, "shop");
	assert_int_equal(t->keep, KEEP_BOTH);
	assert_ptr_equal(t->options, &rule.options);
	assert_null(t->problem);
	rule.options.keep = KEEP_LATEST;
	apply(&rule, other);
	assert_string_equal(other->target, "sales_orders");
	assert_int_equal(other->keep, KEEP_HISTORY);
	rule.options.as = "other_name";
	apply(&rule, other);
	assert_string_equal(other->target, "other_name");
	table_unref(t);
	table_unref(other);
}

static void rules_change_the_types_of_their_columns(void **state)
{
	struct selection_column columns[] = {{"email", {.kind = RULE_HASH}},
		{"age", {.kind = RULE_MASK}}, {"tags", {.kind = RULE_NULL}},
		{"name", {RULE_CONSTANT, "someone"}}, {"born", {.kind = RULE_NULL}}};
	struct selection_rule rule = {.columns = columns, .n_columns = COUNT_OF(columns)};
	struct table *t = customers();

	(void)state;
	apply(&rule, t);
	assert_null(t->problem);
	assert_type(t, "email", "nullable(string)");
	assert_type(t, "age", "string");
	assert_type(t, "tags", "nullable(string)");
	assert_type(t, "name", "string");
	assert_type(t, "born", "nullable(date)");
	assert_type(t, "region", "string");
	assert_int_equal(t->columns[2].rule.kind, RULE_HASH);
	assert_string_equal(t->columns[5].rule.constant, "someone");
	table_unref(t);
}

static void a_dropped_column_is_gone_and_the_key_still_points_to_its_own(void **state)
{
	struct selection_column columns[] = {
		{"a", {.kind = RULE_DROP}}, {"c", {.kind = RULE_DROP}}};
	struct selection_rule rule = {.columns = columns, .n_columns = COUNT_OF(columns)};
	struct table *t = make_table("public", "t", 0, 5, "a", "int32", "b", "int32", "c", "int32",
		"d", "int32", "e", "int32");

	(void)state;
	t->n_key = 2;
	t->key[0] = 4;
	t->key[1] = 1;
	t->columns[1].key = t->columns[4].key = true;
	apply(&rule, t);
	assert_null(t->problem);
	assert_int_equal(t->n_columns, 3);
	assert_int_equal(table_column_by_name(t, "a"), -1);
	assert_string_equal(t->columns[t->key[0]].name, "e");
	assert_string_equal(t->columns[t->key[1]].name, "b");
	assert_int_equal(t->columns[0].attribute, 2);
	table_unref(t);
}

static void assert_problem(struct selection_rule *rule, const char *expected)
{
	struct table *t = customers();

	apply(rule, t);
	assert_non_null(t->problem);
	assert_string_equal(t->problem, expected);
	table_unref(t);
}

static void what_cannot_be_is_a_problem_that_says_what_mends_it(void **state)
{
	struct selection_column key = {"id", {.kind = RULE_MASK}},
				unknown = {"emial", {.kind = RULE_DROP}};
	struct selection_column far = {"warehouse", {.kind = RULE_DROP}},
				drop_key = {"region", {.kind = RULE_DROP}};
	struct selection_rule rule = {.columns = &key, .n_columns = 1};

	(void)state;
	assert_problem(&rule, "column id is part of the key and cannot be under a rule: rows are "
			      "told apart by it; remove the "
			      "rule, or leave the table out");
	rule.columns = &drop_key;
	assert_problem(&rule, "column region is part of the key and cannot be under a rule: rows "
			      "are told apart by it; remove "
			      "the rule, or leave the table out");
	rule.columns = &unknown;
	assert_problem(
		&rule, "there is no column emial for the rule under columns; did you mean email?");
	rule.columns = &far;
	assert_problem(
		&rule, "there is no column warehouse for the rule under columns; remove the rule");
}

static void order_by_must_permute_the_key(void **state)
{
	static const char *const fine[] = {"id,region", "region, id", " region ,\tid "};
	static const char *const wrong[] = {"id", "id,id", "id,region,age", "id,age", "", ",",
		"id,,region", "id region", "id,region,"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(fine); i++) {
		struct selection_rule rule = {.options = {.order_by = fine[i]}};
		struct table *t = customers();
		uint16_t order[2];
		apply(&rule, t);
		assert_null(t->problem);
		selection_sort_key(t, order);
		assert_int_equal(order[0], i == 0 ? 0 : 1);
		assert_int_equal(order[1], i == 0 ? 1 : 0);
		table_unref(t);
	}
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		struct selection_rule rule = {.options = {.order_by = wrong[i]}};
		char expected[200];
		snprintf(expected, sizeof expected,
			"order_by \"%s\" must name each column of the key (id, region) once, and "
			"no other",
			wrong[i]);
		assert_problem(&rule, expected);
	}
}

static void order_by_without_a_key_is_a_problem(void **state)
{
	struct selection_rule rule = {.options = {.order_by = "id"}};
	struct table *t = make_table("public", "t", 0, 1, "id", "int64");

	(void)state;
	apply(&rule, t);
	assert_string_equal(t->problem, "order_by needs a key, and the table has none; remove it");
	table_unref(t);
}

static bool has_problem_with(const char *column, int keep, enum rule_kind kind)
{
	struct selection_column columns = {column, {.kind = kind}};
	struct selection_rule rule = {
		.options = {.keep = keep}, .columns = &columns, .n_columns = kind != RULE_NONE};
	struct table *t = make_table("public", "t", 1, 2, "id", "int64", column, "int32");

	apply(&rule, t);
	bool problem = t->problem;
	if (problem)
		assert_non_null(strstr(t->problem, "rename it, or drop it under columns"));
	table_unref(t);
	return problem;
}

static void columns_with_names_of_the_mirrors_own_are_a_problem_unless_dropped(void **state)
{
	(void)state;
	assert_true(has_problem_with("_version", KEEP_LATEST, RULE_NONE));
	assert_true(has_problem_with("_deleted", KEEP_LATEST, RULE_NONE));
	assert_false(has_problem_with("_version", KEEP_LATEST, RULE_DROP));
	assert_false(has_problem_with("_op", KEEP_LATEST, RULE_NONE));
	assert_true(has_problem_with("_op", KEEP_HISTORY, RULE_NONE));
	assert_true(has_problem_with("_xid", KEEP_BOTH, RULE_NONE));
	assert_false(has_problem_with("version", KEEP_BOTH, RULE_NONE));
}

static void a_table_that_loses_every_column_is_a_problem(void **state)
{
	struct selection_column columns = {"a", {.kind = RULE_DROP}};
	struct selection_rule rule = {.columns = &columns, .n_columns = 1};
	struct table *t = make_table("public", "t", 0, 1, "a", "int32");

	(void)state;
	apply(&rule, t);
	assert_string_equal(
		t->problem, "every column is dropped; keep one, or leave the table out");
	table_unref(t);
}

static struct table *named(const char *schema, const char *name, const char *target, enum keep keep)
{
	struct table *t = make_table(schema, name, 1, 1, "id", "int64");

	t->target = target;
	t->keep = keep;
	return t;
}

static void the_later_of_two_tables_with_one_name_has_a_problem(void **state)
{
	struct table *tables[] = {
		named("public", "sales_orders", "sales_orders", KEEP_LATEST),
		named("sales", "orders", "sales_orders", KEEP_LATEST),
		named("public", "items", "items", KEEP_BOTH),
		named("public", "items_log", "items_log", KEEP_LATEST),
		named("public", "a", "a", KEEP_HISTORY),
		named("other", "a", "a", KEEP_LATEST),
		named("public", "b_log", "b_log", KEEP_LATEST),
		named("public", "b", "b", KEEP_HISTORY),
	};
	static const bool expected[] = {false, true, false, true, false, false, false, true};

	(void)state;
	selection_collisions(tables, COUNT_OF(tables));
	assert_string_equal(tables[1]->problem,
		"public.sales_orders and sales.orders would both be sales_orders in the target; "
		"give one of them another name "
		"(as: other_name)");
	for (size_t i = 0; i < COUNT_OF(tables); i++) {
		assert_int_equal(!!tables[i]->problem, expected[i]);
		table_unref(tables[i]);
	}
}

static void table_options_are_read_by_their_names(void **state)
{
	struct table_options options = {.keep = 9};
	struct arena arena;
	struct error err = {0};

	(void)state;
	arena_init(&arena);
	assert_true(option_defaults(table_option_table, &options, &arena, &err));
	assert_int_equal(options.keep, KEEP_LATEST);
	assert_int_equal(options.unrepresentable, UNREPRESENTABLE_SET_ASIDE);
	assert_int_equal(options.numeric, NUMERIC_STRING);
	assert_int_equal(options.json, JSON_TEXT);
	assert_int_equal(options.out_of_range, RANGE_UNREPRESENTABLE);
	assert_false(options.null_is_empty);
	assert_true(option_set(table_option_table, &options, "keep", "both", &arena, &err));
	assert_true(option_set(
		table_option_table, &options, "on_unrepresentable", "stop", &arena, &err));
	assert_true(option_set(table_option_table, &options, "numeric", "float", &arena, &err));
	assert_true(option_set(table_option_table, &options, "json", "json", &arena, &err));
	assert_true(
		option_set(table_option_table, &options, "out_of_range", "clamp", &arena, &err));
	assert_true(option_set(table_option_table, &options, "where", "id > 5", &arena, &err));
	assert_int_equal(options.keep, KEEP_BOTH);
	assert_int_equal(options.unrepresentable, UNREPRESENTABLE_STOP);
	assert_int_equal(options.numeric, NUMERIC_FLOAT);
	assert_int_equal(options.json, JSON_NATIVE);
	assert_int_equal(options.out_of_range, RANGE_CLAMP);
	assert_string_equal(options.where, "id > 5");
	for (const struct option *o = table_option_table; o->name; o++)
		assert_true(o->help && strlen(o->help) > 20);
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(globs_match_schema_and_table),
		cmocka_unit_test(the_last_match_wins_and_an_exclusion_may_be_undone),
		cmocka_unit_test(a_glob_of_many_stars_ends_soon),
		cmocka_unit_test(a_table_gets_its_target_keep_and_options),
		cmocka_unit_test(rules_change_the_types_of_their_columns),
		cmocka_unit_test(a_dropped_column_is_gone_and_the_key_still_points_to_its_own),
		cmocka_unit_test(what_cannot_be_is_a_problem_that_says_what_mends_it),
		cmocka_unit_test(order_by_must_permute_the_key),
		cmocka_unit_test(order_by_without_a_key_is_a_problem),
		cmocka_unit_test(
			columns_with_names_of_the_mirrors_own_are_a_problem_unless_dropped),
		cmocka_unit_test(a_table_that_loses_every_column_is_a_problem),
		cmocka_unit_test(the_later_of_two_tables_with_one_name_has_a_problem),
		cmocka_unit_test(table_options_are_read_by_their_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
