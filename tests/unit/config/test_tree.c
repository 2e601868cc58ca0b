/* Any YAML as a tree: what scalars become, aliases and merges, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "config/tree.h"

static struct arena arena;
static struct error err;

static const struct tree *parsed(const char *text)
{
	const struct tree *tree = tree_parse("a.yml", text, strlen(text), &arena, &err);
	if (!tree)
		fail_msg("%s", err.text);
	return tree;
}

static void assert_refused(const char *text, const char *message)
{
	assert_null(tree_parse("a.yml", text, strlen(text), &arena, &err));
	if (!strstr(err.text, message))
		fail_msg("%s, expected %s", err.text, message);
}

static void scalars_are_what_yaml_makes_of_them(void **state)
{
	static const struct {
		const char *text;
		enum tree_kind kind;
	} cases[] = {
		{"true", TREE_BOOL},
		{"No", TREE_BOOL},
		{"off", TREE_BOOL},
		{"y", TREE_TEXT},
		{"~", TREE_NULL},
		{"null", TREE_NULL},
		{"''", TREE_TEXT},
		{"'true'", TREE_TEXT},
		{"12", TREE_INT},
		{"-12", TREE_INT},
		{"0x1F", TREE_INT},
		{"017", TREE_INT},
		{"1_000", TREE_INT},
		{"0b101", TREE_INT},
		{"019", TREE_TEXT},
		{"1.5", TREE_FLOAT},
		{"1.", TREE_FLOAT},
		{".5", TREE_FLOAT},
		{"1e5", TREE_TEXT},
		{"1.0e+5", TREE_FLOAT},
		{"1.0e5", TREE_TEXT},
		{".inf", TREE_FLOAT},
		{"-.Inf", TREE_FLOAT},
		{".nan", TREE_FLOAT},
		{"2024-01-01", TREE_TEXT},
		{"1.2.3", TREE_TEXT},
		{"abc", TREE_TEXT},
		{"-", TREE_LIST},
		{"99999999999999999999", TREE_TEXT},
		{"_1", TREE_TEXT},
		{"\"12\"", TREE_TEXT},
		{"{{ x }}", TREE_MAP},
		{"\"{{ x }}\"", TREE_TEXT},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		if (cases[i].kind == TREE_MAP) {
			assert_refused(cases[i].text, "a key is a list or a map");
			continue;
		}
		const struct tree *tree = parsed(cases[i].text);
		if (tree->kind != cases[i].kind)
			fail_msg("%s is %s", cases[i].text, tree_kind_name(tree));
	}
	assert_int_equal(parsed("0x1F")->i, 31);
	assert_int_equal(parsed("017")->i, 15);
	assert_int_equal(parsed("-1_000")->i, -1000);
	assert_true(parsed("yes")->b);
	assert_false(parsed("OFF")->b);
	assert_true(parsed("-.5")->f == -0.5);
	assert_string_equal(parsed("2024-01-01")->text, "2024-01-01");
}

static void entries_have_their_lines(void **state)
{
	const struct tree *tree = parsed("a: 1\nb:\n  - x\n  - c: d\n");

	(void)state;
	assert_int_equal(tree->n, 2);
	assert_int_equal(tree->entries[1].line, 2);
	const struct tree *list = tree_get(tree, "b");
	assert_int_equal(list->entries[1].line, 4);
	assert_string_equal(tree_get(list->entries[1].value, "c")->text, "d");
	assert_null(tree_get(tree, "z"));
	assert_null(tree_get(list, "z"));
}

static void aliases_and_merges_are_resolved(void **state)
{
	const struct tree *tree = parsed("base: &b {x: 1, y: 2}\nmore: &m {y: 3, z: 4}\n"
					 "one: {<<: *b, y: 5}\ntwo: {<<: [*m, *b]}\nsame: *b\n");

	(void)state;
	assert_int_equal(tree_get(tree_get(tree, "one"), "x")->i, 1);
	assert_int_equal(tree_get(tree_get(tree, "one"), "y")->i, 5);
	assert_int_equal(tree_get(tree_get(tree, "two"), "y")->i, 3);
	assert_int_equal(tree_get(tree_get(tree, "two"), "x")->i, 1);
	assert_int_equal(tree_get(tree_get(tree, "same"), "y")->i, 2);
}

static void the_last_of_two_keys_counts(void **state)
{
	const struct tree *tree = parsed("a: 1\na: 2\n");

	(void)state;
	assert_int_equal(tree->n, 1);
	assert_int_equal(tree_get(tree, "a")->i, 2);
}

static void an_empty_file_is_nothing(void **state)
{
	(void)state;
	assert_int_equal(parsed("")->kind, TREE_NULL);
	assert_int_equal(parsed("# only this\n")->kind, TREE_NULL);
}

static void what_cannot_be_read_is_refused_with_its_line(void **state)
{
	(void)state;
	assert_refused("a: 1\nb: [\n", "a.yml:3: ");
	assert_refused("a: &x [*x]\n", "a.yml:1: nested too deep");
	assert_refused("a: 1\n? [x]\n: 2\n", "a.yml:2: a key is a list or a map");
	assert_refused("a: {<<: 5}\n", "<< takes a map");
	assert_refused("a: \"x\\0y\"\n", "holds a NUL byte");
}

static void a_bomb_of_aliases_is_refused(void **state)
{
	char text[2000] = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";

	(void)state;
	for (int i = 1; i < 9; i++) {
		size_t len = strlen(text);
		snprintf(text + len, sizeof text - len,
			"a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i, i,
			i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
	}
	assert_refused(text, "holds too much");
}

static int open_arena(void **state)
{
	(void)state;
	arena_init(&arena);
	return 0;
}

static int close_arena(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scalars_are_what_yaml_makes_of_them),
		cmocka_unit_test(entries_have_their_lines),
		cmocka_unit_test(aliases_and_merges_are_resolved),
		cmocka_unit_test(the_last_of_two_keys_counts),
		cmocka_unit_test(an_empty_file_is_nothing),
		cmocka_unit_test(what_cannot_be_read_is_refused_with_its_line),
		cmocka_unit_test(a_bomb_of_aliases_is_refused),
	};
	return cmocka_run_group_tests(tests, open_arena, close_arena);
}
