/*
 * Where columns come from, read from recorded query trees: tests/golden/query_tree has each query, what ClickHouse
 * said of it (record.py records that anew) and what is made of it.
 */
#define GOLDEN "tests/golden/query_tree/"
#include "../formats/golden.h"
#include "engines/clickhouse/query_tree.h"

/* "NAME<tab>TYPE" lines up to an empty one; gives what is behind it. */
static const char *read_columns(const char *at, struct arena *arena, struct engine_columns *out)
{
	*out = (struct engine_columns){.items = arena_alloc(arena, 100 * sizeof *out->items)};
	for (; *at != '\n'; at += strcspn(at, "\n") + 1) {
		const char *tab = strchr(at, '\t');
		out->items[out->len++] = (struct engine_column){
			.name = arena_strndup(arena, at, (size_t)(tab - at)),
			.type = arena_strndup(arena, tab + 1, strcspn(tab + 1, "\n")),
		};
	}
	return at + 1;
}

static void print(const struct lineage *lineage, struct buf *out)
{
	static const char *const how[] = {"", " transformed", " aggregated", " window"};

	for (size_t i = 0; i < lineage->len; i++) {
		const struct lineage_column *c = &lineage->items[i];
		buf_printf(out, "%s %s\n", c->name, c->type);
		for (size_t n = 0; n < c->n_inputs; n++)
			buf_printf(out, "\t%s . %s%s\n", c->inputs[n].relation, c->inputs[n].column,
				how[c->inputs[n].how]);
		if (c->gap)
			buf_printf(out, "\tnot known: %s\n", c->gap);
	}
}

static void lineage_of(const char *name, struct buf *out)
{
	CLEANUP(free_string) char *file = xasprintf("%s.tree", name);
	struct engine_columns columns;
	struct lineage lineage;
	struct arena arena;
	struct buf text;

	arena_init(&arena);
	golden_read(file, &text);
	buf_init(out, BUF_MAX);
	const char *tree = read_columns(buf_text(&text), &arena, &columns);
	query_tree_lineage(tree, &columns, &arena, &lineage);
	print(&lineage, out);
	buf_release(&text);
	arena_release(&arena);
}

static void check(const char *name)
{
	CLEANUP(free_string) char *file = xasprintf("%s.expected", name);
	struct buf got;

	lineage_of(name, &got);
	golden_compare(file, &got);
	buf_release(&got);
}

#define FROM(test, name)                \
	static void test(void **unused) \
	{                               \
		(void)unused;           \
		check(name);            \
	}
/* clang-format off */
FROM(columns_of_joins_come_from_their_side, "joins")
FROM(a_column_of_using_comes_from_both_sides, "using")
FROM(a_column_that_a_join_makes_nullable_is_still_the_same, "nulls")
FROM(columns_of_unions_come_by_their_place_and_of_except_from_the_first, "unions")
FROM(columns_pass_through_common_table_expressions, "ctes")
FROM(a_recursive_query_comes_back_to_itself_and_ends, "recursive")
FROM(subqueries_as_values_and_behind_in_are_looked_into, "subqueries")
FROM(aliases_are_followed, "aliases")
FROM(aggregates_are_told_from_functions_and_count_comes_from_nothing, "aggregates")
FROM(what_parts_and_orders_a_window_is_told, "windows")
FROM(a_star_is_the_columns_that_it_stands_for, "star")
FROM(array_joins_are_followed, "arrays")
FROM(elements_of_tuples_come_from_the_whole, "tuples")
FROM(what_a_table_function_or_another_store_gives_is_not_known, "functions")
FROM(constants_come_from_nothing, "constants")
FROM(names_that_cannot_be_told_from_fields_are_not_guessed, "odd_names")
FROM(a_tree_that_a_newline_breaks_is_not_read, "new_line")
FROM(final_and_samples_are_no_part_of_a_name, "final")
FROM(an_input_that_is_reached_by_many_ways_is_named_once, "many_times")
/* clang-format on */

static void a_tree_that_is_cut_anywhere_is_no_crash(void **unused)
{
	static const char file[] = "ctes.tree";
	struct engine_columns columns;
	struct lineage lineage;
	struct arena arena;
	struct buf text;

	(void)unused;
	arena_init(&arena);
	golden_read(file, &text);
	const char *tree = read_columns(buf_text(&text), &arena, &columns);
	for (size_t n = 0; n < strlen(tree); n += 7) {
		char *part = arena_strndup(&arena, tree, n);
		query_tree_lineage(part, &columns, &arena, &lineage);
		assert_int_equal(lineage.len, columns.len);
	}
	buf_release(&text);
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_of_joins_come_from_their_side),
		cmocka_unit_test(a_column_of_using_comes_from_both_sides),
		cmocka_unit_test(a_column_that_a_join_makes_nullable_is_still_the_same),
		cmocka_unit_test(
			columns_of_unions_come_by_their_place_and_of_except_from_the_first),
		cmocka_unit_test(columns_pass_through_common_table_expressions),
		cmocka_unit_test(a_recursive_query_comes_back_to_itself_and_ends),
		cmocka_unit_test(subqueries_as_values_and_behind_in_are_looked_into),
		cmocka_unit_test(aliases_are_followed),
		cmocka_unit_test(aggregates_are_told_from_functions_and_count_comes_from_nothing),
		cmocka_unit_test(what_parts_and_orders_a_window_is_told),
		cmocka_unit_test(a_star_is_the_columns_that_it_stands_for),
		cmocka_unit_test(array_joins_are_followed),
		cmocka_unit_test(elements_of_tuples_come_from_the_whole),
		cmocka_unit_test(what_a_table_function_or_another_store_gives_is_not_known),
		cmocka_unit_test(constants_come_from_nothing),
		cmocka_unit_test(names_that_cannot_be_told_from_fields_are_not_guessed),
		cmocka_unit_test(a_tree_that_a_newline_breaks_is_not_read),
		cmocka_unit_test(final_and_samples_are_no_part_of_a_name),
		cmocka_unit_test(an_input_that_is_reached_by_many_ways_is_named_once),
		cmocka_unit_test(a_tree_that_is_cut_anywhere_is_no_crash),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
