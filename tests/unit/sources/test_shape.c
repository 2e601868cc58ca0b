/* Columns of the log held against those of the catalog: which attribute numbers names can mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>
#include "sources/postgres/shape.h"

#define TEXT    25
#define INTEGER 23

/* "id=1 note=2 ..." beside how many numbers were given out, and how many of them dropped. No number: a message. */
static struct pg_shape shape(const char *columns, int attributes, int dropped)
{
	struct pg_shape s;
	char name[32];
	int number, taken;

	pg_shape_init(&s, 16, sizeof name * 16);
	s.identity = 'd';
	s.attributes = attributes;
	s.dropped = dropped;
	for (; sscanf(columns, " %31[a-z]=%d%n", name, &number, &taken) == 2; columns += taken)
		pg_shape_add(&s, (struct pg_shape_column){.name = name,
					 .type = s.n ? TEXT : INTEGER,
					 .typmod = -1,
					 .attribute = number,
					 .key = s.n == 0});
	return s;
}

static void assert_match(enum pg_shape_match expected, struct pg_shape message,
	struct pg_shape known, bool before, struct pg_shape now)
{
	assert_int_equal(
		pg_shape_compare(&message, known.n ? &known : NULL, before, now.n ? &now : NULL),
		expected);
	pg_shape_release(&message);
	pg_shape_release(&known);
	pg_shape_release(&now);
}

#define NOTHING shape("", 0, 0)

static void what_is_the_same_everywhere_is_so_now(void **state)
{
	(void)state;
	assert_match(SHAPE_NOW, shape("id=0 a=0", 0, 0), shape("id=1 a=2", 2, 0), true,
		shape("id=1 a=2", 2, 0));
	assert_match(SHAPE_NOW, shape("id=0 a=0", 0, 0), NOTHING, false, shape("id=1 a=2", 2, 0));
}

static void a_column_to_come_leaves_the_definition_as_it_was_known(void **state)
{
	(void)state;
	assert_match(SHAPE_KNOWN, shape("id=0 a=0", 0, 0), shape("id=1 a=2", 2, 0), true,
		shape("id=1 a=2 b=3", 3, 0));
	assert_match(SHAPE_NOW, shape("id=0 a=0 b=0", 0, 0), shape("id=1 a=2", 2, 0), true,
		shape("id=1 a=2 b=3", 3, 0));
}

static void a_column_to_be_dropped_does_too(void **state)
{
	(void)state;
	assert_match(SHAPE_KNOWN, shape("id=0 a=0 b=0", 0, 0), shape("id=1 a=2 b=3", 3, 0), true,
		shape("id=1 b=3", 3, 1));
	assert_match(SHAPE_NOW, shape("id=0 b=0", 0, 0), shape("id=1 a=2 b=3", 3, 0), true,
		shape("id=1 b=3", 3, 1));
}

static void swapped_names_tell_themselves_apart_by_their_order(void **state)
{
	(void)state;
	assert_match(SHAPE_NOW, shape("id=0 b=0 a=0", 0, 0), shape("id=1 a=2 b=3", 3, 0), true,
		shape("id=1 b=2 a=3", 3, 0));
	assert_match(SHAPE_KNOWN, shape("id=0 a=0 b=0", 0, 0), shape("id=1 a=2 b=3", 3, 0), true,
		shape("id=1 b=2 a=3", 3, 0));
}

static void a_name_dropped_and_given_again_could_be_either(void **state)
{
	(void)state;
	assert_match(SHAPE_UNCLEAR, shape("id=0 a=0", 0, 0), shape("id=1 a=2", 2, 0), true,
		shape("id=1 a=3", 3, 1));
	/* also when the new column was dropped, and its number is all that is left of it */
	assert_match(SHAPE_UNCLEAR, shape("id=0 b=0", 0, 0), shape("id=1 a=2", 2, 0), true,
		shape("id=1 a=4", 4, 2));
}

static void after_a_restart_columns_added_at_the_end_are_told_by_their_number(void **state)
{
	(void)state;
	assert_match(SHAPE_ADDED, shape("id=0 a=0", 0, 0), shape("id=1 a=2 b=3", 3, 0), false,
		shape("id=1 a=2 b=3", 3, 0));
	assert_match(SHAPE_UNCLEAR, shape("id=0 a=0", 0, 0), shape("id=1 a=2 b=4", 4, 1), false,
		shape("id=1 a=2 b=4", 4, 1));
	assert_match(SHAPE_UNCLEAR, shape("id=0 b=0", 0, 0), shape("id=1 a=2 b=3", 3, 0), false,
		shape("id=1 a=2 b=3", 3, 0));
}

static void a_table_that_is_gone_is_what_it_was(void **state)
{
	(void)state;
	assert_match(SHAPE_KNOWN, shape("id=0 a=0", 0, 0), shape("id=1 a=2", 2, 0), true, NOTHING);
	assert_match(
		SHAPE_UNCLEAR, shape("id=0 b=0", 0, 0), shape("id=1 a=2", 2, 0), true, NOTHING);
}

static void another_type_or_key_is_another_column(void **state)
{
	struct pg_shape message = shape("id=0 a=0", 0, 0), now = shape("id=1 a=2", 2, 0);
	(void)state;
	assert_true(pg_shape_begins(&message, &now));
	message.columns[1].typmod = 24;
	assert_false(pg_shape_begins(&message, &now));
	message.columns[1].typmod = -1;
	message.columns[1].key = true;
	assert_false(pg_shape_begins(&message, &now));
	message.identity = 'f'; /* all columns are key then */
	assert_true(pg_shape_begins(&message, &now));
	pg_shape_release(&message);
	pg_shape_release(&now);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_the_same_everywhere_is_so_now),
		cmocka_unit_test(a_column_to_come_leaves_the_definition_as_it_was_known),
		cmocka_unit_test(a_column_to_be_dropped_does_too),
		cmocka_unit_test(swapped_names_tell_themselves_apart_by_their_order),
		cmocka_unit_test(a_name_dropped_and_given_again_could_be_either),
		cmocka_unit_test(after_a_restart_columns_added_at_the_end_are_told_by_their_number),
		cmocka_unit_test(a_table_that_is_gone_is_what_it_was),
		cmocka_unit_test(another_type_or_key_is_another_column),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
