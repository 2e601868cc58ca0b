/* Arenas and growing buffers. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/arena.h"
#include "base/buf.h"
#include "base/vec.h"

static void an_arena_hands_out_zeroed_aligned_memory(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a);
	for (size_t size = 1; size < 20000; size += 777) {
		unsigned char *p = arena_alloc(&a, size);
		assert_int_equal((uintptr_t)p % alignof(max_align_t), 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xff, size);
	}
	arena_release(&a);
}

static void an_arena_that_was_reset_is_empty_and_zeroed_again(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a);
	memset(arena_alloc(&a, 100000), 0xff, 100000);
	assert_true(arena_bytes(&a) >= 100000);
	arena_reset(&a);
	assert_int_equal(arena_bytes(&a), 0);
	const unsigned char *p = arena_alloc(&a, 100000);
	for (size_t i = 0; i < 100000; i++)
		assert_int_equal(p[i], 0);
	arena_release(&a);
}

static void an_arena_copies_and_formats_text(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a);
	assert_string_equal(arena_strdup(&a, "text"), "text");
	assert_null(arena_strdup(&a, NULL));
	assert_string_equal(arena_strndup(&a, "text", 2), "te");
	assert_string_equal(arena_printf(&a, "%d-%s", 7, "x"), "7-x");
	arena_release(&a);
}

static void varints_grow_by_seven_bits_a_byte(void **state)
{
	static const uint8_t expected[] = {0x00, 0x7f, 0x80, 0x01, 0xac, 0x02, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01};
	struct buf b;

	(void)state;
	buf_init(&b, BUF_MAX);
	buf_varint(&b, 0);
	buf_varint(&b, 127);
	buf_varint(&b, 128);
	buf_varint(&b, 300);
	buf_varint(&b, UINT64_MAX);
	assert_int_equal(b.len, sizeof expected);
	assert_memory_equal(b.data, expected, sizeof expected);
	buf_release(&b);
}

static void text_in_a_buffer_is_terminated_and_the_nul_not_counted(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, BUF_MAX);
	buf_puts(&b, "one");
	buf_printf(&b, " %s %d", "two", 3);
	assert_int_equal(b.len, 9);
	assert_string_equal((char *)b.data, "one two 3");
	buf_append(&b, "!", 1);
	assert_string_equal(buf_text(&b), "one two 3!");
	buf_release(&b);
	assert_null(b.data);
}

static void a_buffer_that_would_pass_its_limit_aborts(void **state)
{
	(void)state;
	pid_t child = fork();
	if (child == 0) {
		struct buf b;
		fclose(stderr);
		buf_init(&b, 100);
		buf_extend(&b, 100);
		if (buf_room(&b) == 0)
			buf_u8(&b, 1);
		_exit(0);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void a_vector_keeps_its_items_in_order_as_it_grows(void **state)
{
	VEC(int) v = {0};
	int expected = 0;

	(void)state;
	for (int i = 0; i < 1000; i++)
		vec_push(&v, i * 3);
	vec_each (&v, it)
		assert_int_equal(*it, 3 * expected++);
	assert_int_equal(expected, 1000);
	vec_release(&v);
	assert_int_equal(v.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_arena_hands_out_zeroed_aligned_memory),
		cmocka_unit_test(an_arena_that_was_reset_is_empty_and_zeroed_again),
		cmocka_unit_test(an_arena_copies_and_formats_text),
		cmocka_unit_test(varints_grow_by_seven_bits_a_byte),
		cmocka_unit_test(text_in_a_buffer_is_terminated_and_the_nul_not_counted),
		cmocka_unit_test(a_buffer_that_would_pass_its_limit_aborts),
		cmocka_unit_test(a_vector_keeps_its_items_in_order_as_it_grows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
