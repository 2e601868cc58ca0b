/* Maps against a plain array as their model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/attrs.h"
#include "base/map.h"

#define KEYS 500

static void a_value_is_found_under_its_key_alone(void **state)
{
	struct map m = {0};
	int one, two;

	(void)state;
	assert_null(map_get(&m, "a", 1));
	assert_null(map_put(&m, "a", 1, &one));
	assert_null(map_put(&m, "ab", 2, &two));
	assert_ptr_equal(map_get(&m, "a", 1), &one);
	assert_ptr_equal(map_get(&m, "ab", 2), &two);
	assert_null(map_get(&m, "b", 1));
	assert_null(map_get(&m, "", 0));
	assert_int_equal(m.len, 2);
	map_release(&m);
}

static void a_second_put_gives_the_old_value_back(void **state)
{
	struct map m = {0};
	int one, two;

	(void)state;
	map_put(&m, "key", 3, &one);
	assert_ptr_equal(map_put(&m, "key", 3, &two), &one);
	assert_ptr_equal(map_get(&m, "key", 3), &two);
	assert_int_equal(m.len, 1);
	assert_ptr_equal(map_remove(&m, "key", 3), &two);
	assert_null(map_remove(&m, "key", 3));
	assert_int_equal(m.len, 0);
	map_release(&m);
}

static void keys_are_copied(void **state)
{
	struct map m = {0};
	char small[] = "small", large[] = "a key that is longer than what a slot holds";
	int one, two;

	(void)state;
	map_put(&m, small, strlen(small), &one);
	map_put(&m, large, strlen(large), &two);
	small[0] = large[0] = 'X';
	assert_ptr_equal(map_get(&m, "small", 5), &one);
	assert_null(map_get(&m, large, strlen(large)));
	large[0] = 'a';
	assert_ptr_equal(map_get(&m, large, strlen(large)), &two);
	map_release(&m);
}

/* Keys of 4 to 40 bytes, so that some live in their slot and some apart. */
static size_t make_key(unsigned i, char out[48])
{
	return (size_t)snprintf(out, 48, "%04u%.*s", i, (int)(i % 37),
		"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz");
}

static void thousands_of_puts_and_removes_agree_with_a_plain_array(void **state)
{
	static char model[KEYS];
	struct map m = {0};
	size_t len = 0;

	(void)state;
	srand(7);
	for (int step = 0; step < 40000; step++) {
		unsigned i = (unsigned)rand() % KEYS;
		char key[48];
		size_t n = make_key(i, key);
		void *expected = model[i] ? &model[i] : NULL;
		assert_ptr_equal(map_get(&m, key, n), expected);
		if (rand() % 2) {
			assert_ptr_equal(map_put(&m, key, n, &model[i]), expected);
			len += !model[i];
			model[i] = 1;
		} else {
			assert_ptr_equal(map_remove(&m, key, n), expected);
			len -= !!model[i];
			model[i] = 0;
		}
		assert_int_equal(m.len, len);
	}
	map_release(&m);
}

static void every_entry_is_visited_once(void **state)
{
	int values[KEYS], seen[KEYS] = {0};
	struct map m = {0};
	const void *key;
	void *value;
	size_t key_len, i = 0;

	(void)state;
	for (uint32_t k = 0; k < KEYS; k++)
		map_put(&m, &k, sizeof k, &values[k]);
	while (map_next(&m, &i, &key, &key_len, &value)) {
		uint32_t k;
		assert_int_equal(key_len, sizeof k);
		memcpy(&k, key, sizeof k);
		assert_ptr_equal(value, &values[k]);
		seen[k]++;
	}
	for (size_t k = 0; k < KEYS; k++)
		assert_int_equal(seen[k], 1);
	map_clear(&m);
	i = 0;
	assert_false(map_next(&m, &i, &key, &key_len, &value));
	assert_int_equal(m.len, 0);
	map_put(&m, "again", 5, &values[0]);
	assert_ptr_equal(map_get(&m, "again", 5), &values[0]);
	map_release(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_is_found_under_its_key_alone),
		cmocka_unit_test(a_second_put_gives_the_old_value_back),
		cmocka_unit_test(keys_are_copied),
		cmocka_unit_test(thousands_of_puts_and_removes_agree_with_a_plain_array),
		cmocka_unit_test(every_entry_is_visited_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
