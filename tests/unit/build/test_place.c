/* Errors of the engine, told with the file and line that the text in question came from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "build/place.h"
#include "models/template/call.h"

static struct arena arena;
static struct template *model, *library;
static struct node node;
static struct work work;
static struct error err;

static bool from_library(struct host *host, struct render *r, const char *name, struct value *out)
{
	(void)host;
	for (const struct macro *m = NULL; (m = template_next_macro(library, m));) {
		if (strcmp(macro_name(m), name) != 0)
			continue;
		*out = macro_value(r, m);
		return true;
	}
	return false;
}

static int set_up(void **state)
{
	static const char macros[] = "{% macro column(name) %}\n"
				     "  {{ name }} as x\n"
				     "{% endmacro %}\n"
				     "{% macro columns(names) %}\n"
				     "{%- for n in names %}\n"
				     "{{ column(n) | trim }},\n"
				     "{%- endfor %}\n"
				     "{% endmacro %}\n"
				     "{% macro kept() %}\n"
				     "{% set sql %}\n"
				     "amout\n"
				     "{% endset %}\n"
				     "{{ sql }}{% endmacro %}\n";

	(void)state;
	arena_init(&arena);
	library = template_parse("macros/lib.sql", macros, strlen(macros), &err);
	assert_non_null(library);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	template_free(library);
	arena_release(&arena);
	return 0;
}

/* What becomes of an error that the engine gives for the model, in a statement that goes before its SQL. */
static const char *told(const char *source, const char *message, int line, int column)
{
	struct host host = {.global = from_library, .origins = &work.origins};
	const struct statement_stats stats = {.line = line, .column = column};
	struct buf sql;

	template_free(model);
	model = template_parse("models/m.sql", source, strlen(source), &err);
	assert_non_null(model);
	node = (struct node){.path = "models/m.sql", .line = 1};
	work = (struct work){.node = &node, .arena = &arena, .origins.arena = &arena};
	buf_init(&sql, BUF_MAX);
	assert_true(template_render(model, &host, NULL, &sql, &err));
	work.rendered = arena_strdup(&arena, buf_text(&sql));
	buf_release(&sql);
	error_set(&err, ERROR_TABLE, "%s", message);
	place_error(&work, arena_printf(&arena, "INSERT INTO t\n%s", work.rendered), &stats, &err);
	template_free(model);
	model = NULL;
	return err.text;
}

static void a_line_is_the_one_of_the_file_whatever_was_rendered_before_it(void **state)
{
	static const char source[] =
		"{% for i in range(3) %}\n\n{% endfor %}select\n  amout\nfrom t";

	(void)state;
	assert_string_equal(
		told(source, "no `amout`", 0, 0), "models/m.sql:4: no `amout`\n    4 | amout");
	assert_string_equal(told(source, "wrong", 9, 0), "models/m.sql:4: wrong\n    4 | amout");
	assert_string_equal(told(source, "wrong", 1, 0), "models/m.sql: wrong");
	assert_string_equal(told(source, "wrong", 99, 0), "models/m.sql: wrong");
}

static void lines_of_a_loop_are_told_apart(void **state)
{
	static const char source[] =
		"{% for c in ['a', 'b'] %}\nselect {{ c }}\n union all\n{% endfor %}\nselect c";

	(void)state;
	assert_string_equal(
		told(source, "no 'b'", 0, 0), "models/m.sql:2: no 'b'\n    2 | select b");
	assert_string_equal(told(source, "wrong", 3, 0), "models/m.sql:2: wrong\n    2 | select a");
	assert_string_equal(told(source, "many 'union'", 0, 0), "models/m.sql: many 'union'");
}

static void text_of_a_macro_is_told_with_the_macros_file_and_line(void **state)
{
	(void)state;
	assert_string_equal(told("select\n{{ column('amout') }}", "no `amout`", 0, 0),
		"models/m.sql:2: no `amout`\n  in macro column, macros/lib.sql:2\n    2 | amout as "
		"x");
	assert_string_equal(told("select\n{{ columns(['a', 'amout']) }}", "no `amout`", 0, 0),
		"models/m.sql:2: no `amout`\n  in macro columns, macros/lib.sql:6\n"
		"  in macro column, macros/lib.sql:2\n    2 | amout as x,");
}

static void text_that_was_kept_is_told_by_where_it_was_written(void **state)
{
	(void)state;
	assert_string_equal(
		told("{% set x = kept() %}\nselect\n{{ x | trim }}", "no `amout`", 0, 0),
		"models/m.sql:1: no `amout`\n  in macro kept, macros/lib.sql:11\n   11 | amout");
	/* A filter made other text of it. */
	assert_string_equal(told("{% set x = kept() %}\nselect\n{{ x | replace('t', 's') }}",
				    "no `amous`", 0, 0),
		"models/m.sql:3: no `amous`\n    3 | amous");
}

static void a_call_block_is_of_its_file_and_of_the_macro_around_it(void **state)
{
	static const char source[] = "{% macro twice() %}\n{{ caller() }}\n{% endmacro %}\n"
				     "{% call twice() %}\nselect\n amout{% endcall %}";

	(void)state;
	assert_string_equal(told(source, "no `amout`", 0, 0),
		"models/m.sql:4: no `amout`\n  in macro twice, models/m.sql:2\n"
		"  in macro caller, models/m.sql:6\n    6 | amout");
}

static void of_a_line_of_several_pieces_the_column_or_the_name_tells_which(void **state)
{
	static const char source[] = "select {{ column('b') }}, amout";

	(void)state;
	/* The first byte of the SQL is on the statement's second line. */
	assert_string_equal(told("select 1, {{ column('b') | trim }} frm", "wrong", 2, 11),
		"models/m.sql:1: wrong\n  in macro column, macros/lib.sql:2\n"
		"    2 | select 1, b as x frm");
	assert_string_equal(told("select 1, {{ column('b') | trim }} frm", "wrong", 2, 18),
		"models/m.sql:1: wrong\n    1 | select 1, b as x frm");
	assert_string_equal(
		told(source, "no 'amout'", 0, 0), "models/m.sql:1: no 'amout'\n    1 | , amout");
}

static void a_long_message_leaves_room_for_the_place(void **state)
{
	char message[1000];

	(void)state;
	memset(message, 'x', sizeof message - 1);
	message[sizeof message - 1] = '\0';
	assert_non_null(strstr(told("select\n{{ column('amout') }}", message, 4, 0),
		"\n  in macro column, macros/lib.sql:2\n    2 | amout as x"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_the_one_of_the_file_whatever_was_rendered_before_it),
		cmocka_unit_test(lines_of_a_loop_are_told_apart),
		cmocka_unit_test(text_of_a_macro_is_told_with_the_macros_file_and_line),
		cmocka_unit_test(text_that_was_kept_is_told_by_where_it_was_written),
		cmocka_unit_test(a_call_block_is_of_its_file_and_of_the_macro_around_it),
		cmocka_unit_test(of_a_line_of_several_pieces_the_column_or_the_name_tells_which),
		cmocka_unit_test(a_long_message_leaves_room_for_the_place),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
