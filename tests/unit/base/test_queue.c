/* Queues, with threads on both ends. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include "base/clock.h"
#include "base/queue.h"

static int items[4];

static void what_goes_in_first_comes_out_first(void **state)
{
	struct queue q;

	(void)state;
	queue_init(&q, 100);
	for (int i = 0; i < 4; i++)
		assert_true(queue_put(&q, &items[i], 10, 0));
	for (int i = 0; i < 4; i++)
		assert_ptr_equal(queue_take(&q, 0), &items[i]);
	assert_null(queue_take(&q, 0));
	queue_release(&q);
}

static void what_would_pass_the_bound_waits_but_one_always_fits(void **state)
{
	struct queue q;

	(void)state;
	queue_init(&q, 100);
	assert_true(queue_put(&q, &items[0], 5000, 0));
	assert_false(queue_put(&q, &items[1], 0, 0));
	assert_ptr_equal(queue_take(&q, 0), &items[0]);
	assert_true(queue_put(&q, &items[0], 60, 0));
	assert_true(queue_put(&q, &items[1], 40, 0));
	assert_false(queue_put(&q, &items[2], 1, 0));
	assert_false(queue_put(&q, &items[2], SIZE_MAX, 0));
	assert_ptr_equal(queue_take(&q, 0), &items[0]);
	assert_true(queue_put(&q, &items[2], 60, 0));
	assert_ptr_equal(queue_take(&q, 0), &items[1]);
	assert_ptr_equal(queue_take(&q, 0), &items[2]);
	queue_release(&q);
}

static void a_wait_ends_when_its_time_has_passed(void **state)
{
	struct queue q;

	(void)state;
	queue_init(&q, 10);
	int64_t before = mono_ms();
	assert_null(queue_take(&q, 30));
	assert_true(mono_ms() - before >= 30);
	assert_true(queue_put(&q, &items[0], 10, 0));
	before = mono_ms();
	assert_false(queue_put(&q, &items[1], 10, 30));
	assert_true(mono_ms() - before >= 30);
	assert_ptr_equal(queue_take(&q, 0), &items[0]);
	queue_release(&q);
}

static void *take_one(void *queue)
{
	return queue_take(queue, -1);
}

static void *put_one(void *queue)
{
	return queue_put(queue, &items[3], 10, -1) ? queue : NULL;
}

static void wait_until_wanted(struct queue *q)
{
	while (!queue_wanted(q))
		sched_yield();
}

static void a_queue_is_wanted_while_it_is_empty_and_a_taker_waits(void **state)
{
	struct queue q;
	pthread_t taker;
	void *got;

	(void)state;
	queue_init(&q, 10);
	assert_false(queue_wanted(&q));
	pthread_create(&taker, NULL, take_one, &q);
	wait_until_wanted(&q);
	assert_true(queue_put(&q, &items[0], 1, 0));
	pthread_join(taker, &got);
	assert_ptr_equal(got, &items[0]);
	assert_false(queue_wanted(&q));
	queue_release(&q);
}

static void closing_wakes_a_taker_that_waits(void **state)
{
	struct queue q;
	pthread_t taker;
	void *got;

	(void)state;
	queue_init(&q, 10);
	pthread_create(&taker, NULL, take_one, &q);
	wait_until_wanted(&q);
	queue_close(&q);
	pthread_join(taker, &got);
	assert_null(got);
	queue_release(&q);
}

static void closing_refuses_a_putter_that_waits_and_keeps_what_is_inside(void **state)
{
	struct queue q;
	pthread_t putter;
	void *got;

	(void)state;
	queue_init(&q, 10);
	assert_true(queue_put(&q, &items[0], 10, 0));
	pthread_create(&putter, NULL, put_one, &q);
	queue_close(&q);
	pthread_join(putter, &got);
	assert_null(got);
	assert_true(queue_closed(&q));
	assert_false(queue_put(&q, &items[1], 1, -1));
	assert_ptr_equal(queue_take(&q, -1), &items[0]);
	assert_null(queue_take(&q, -1));
	queue_release(&q);
}

static void taking_lets_a_putter_that_waits_go_on(void **state)
{
	struct queue q;
	pthread_t putter;
	void *got;

	(void)state;
	queue_init(&q, 10);
	assert_true(queue_put(&q, &items[0], 10, 0));
	pthread_create(&putter, NULL, put_one, &q);
	assert_ptr_equal(queue_take(&q, -1), &items[0]);
	assert_ptr_equal(queue_take(&q, -1), &items[3]);
	pthread_join(putter, &got);
	assert_ptr_equal(got, &q);
	queue_release(&q);
}

#define PER_PUTTER 20000

struct load {
	struct queue *q;
	uintptr_t first;
};

static void *put_many(void *arg)
{
	struct load *load = arg;

	for (uintptr_t i = 0; i < PER_PUTTER; i++)
		if (!queue_put(load->q, (void *)(load->first + i), 1, -1))
			return NULL;
	return load;
}

static void *sum_all(void *queue)
{
	uintptr_t sum = 0;
	void *item;

	while ((item = queue_take(queue, -1)))
		sum += (uintptr_t)item;
	return (void *)sum;
}

static void nothing_is_lost_or_doubled_between_many_threads(void **state)
{
	struct queue q;
	pthread_t putters[3], takers[2];
	struct load loads[3];
	uintptr_t sum = 0, n = 3 * PER_PUTTER;
	void *got;

	(void)state;
	queue_init(&q, 7);
	for (int i = 0; i < 2; i++)
		pthread_create(&takers[i], NULL, sum_all, &q);
	for (uintptr_t i = 0; i < 3; i++) {
		loads[i] = (struct load){&q, 1 + i * PER_PUTTER};
		pthread_create(&putters[i], NULL, put_many, &loads[i]);
	}
	for (int i = 0; i < 3; i++) {
		pthread_join(putters[i], &got);
		assert_non_null(got);
	}
	queue_close(&q);
	for (int i = 0; i < 2; i++) {
		pthread_join(takers[i], &got);
		sum += (uintptr_t)got;
	}
	assert_int_equal(sum, n * (n + 1) / 2);
	assert_int_equal(q.bytes, 0);
	queue_release(&q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_goes_in_first_comes_out_first),
		cmocka_unit_test(what_would_pass_the_bound_waits_but_one_always_fits),
		cmocka_unit_test(a_wait_ends_when_its_time_has_passed),
		cmocka_unit_test(a_queue_is_wanted_while_it_is_empty_and_a_taker_waits),
		cmocka_unit_test(closing_wakes_a_taker_that_waits),
		cmocka_unit_test(closing_refuses_a_putter_that_waits_and_keeps_what_is_inside),
		cmocka_unit_test(taking_lets_a_putter_that_waits_go_on),
		cmocka_unit_test(nothing_is_lost_or_doubled_between_many_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
