/* Which partitions are whose, held back, and read again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "sources/kafka/offsets.h"

#define TOPIC "shop.public.orders"

static struct offsets offsets;
static struct kafka_places pause, go_on;

static int start(void **state)
{
	(void)state;
	offsets_init(&offsets);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	offsets_release(&offsets);
	vec_release(&pause);
	vec_release(&go_on);
	pause = go_on = (struct kafka_places){0};
	return 0;
}

static struct kafka_place at(int partition, int64_t offset)
{
	return (struct kafka_place){.topic = TOPIC, .partition = partition, .offset = offset};
}

static void take(int partition)
{
	struct kafka_place place = at(partition, 10);

	offsets_take(&offsets, &place);
}

static void give(int partition)
{
	struct kafka_place place = at(partition, 0);

	offsets_give(&offsets, &place);
}

static void settle(void)
{
	pause.len = go_on.len = 0;
	offsets_settle(&offsets, &pause, &go_on);
}

static void a_partition_that_comes_to_a_table_that_is_held_is_held(void **state)
{
	(void)state;
	take(0);
	offsets_hold(&offsets, topic_id(TOPIC));
	take(1);
	settle();
	assert_int_equal(pause.len, 2);
}

static void a_partition_that_was_anothers_while_its_table_was_let_go_is_read(void **state)
{
	(void)state;
	take(0);
	take(1);
	give(1);
	offsets_hold(&offsets, topic_id(TOPIC));
	settle();
	offsets_let_go(&offsets, topic_id(TOPIC), NULL);
	settle();
	take(1);
	settle();
	assert_int_equal(pause.len, 0);
	assert_false(offsets_part(&offsets, TOPIC, 1)->held);
}

static void a_copy_that_begins_while_a_partition_goes_to_another_has_lost_it(void **state)
{
	struct kafka_places first = {0};
	(void)state;

	take(0);
	take(1);
	offsets_hold(&offsets, topic_id(TOPIC));
	give(1);
	assert_int_equal(offsets_lost(&offsets), 0);
	for (int partition = 0; partition < 2; partition++)
		vec_push(&first, at(partition, 0));
	offsets_let_go(&offsets, topic_id(TOPIC), &first);
	vec_release(&first);
	assert_int_equal(offsets_lost(&offsets), topic_id(TOPIC));
	assert_int_equal(offsets_lost(&offsets), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_partition_that_comes_to_a_table_that_is_held_is_held, start, stop),
		cmocka_unit_test_setup_teardown(
			a_partition_that_was_anothers_while_its_table_was_let_go_is_read, start,
			stop),
		cmocka_unit_test_setup_teardown(
			a_copy_that_begins_while_a_partition_goes_to_another_has_lost_it, start,
			stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
