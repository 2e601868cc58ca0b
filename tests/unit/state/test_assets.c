/* Marks, built ranges, definitions and swaps: what overlays what, what becomes one, and what a crash leaves. */
#include <string.h>
#include "base/clock.h"
#include "fixture.h"

#define MODEL "model.shop.facts"
#define DAYS  24

static struct arena arena;

static int begin_test(void **state)
{
	arena_init(&arena);
	return make_folder(state);
}

static int end_test(void **state)
{
	arena_release(&arena);
	return remove_folder(state);
}

static void mark(struct state *s, const char *asset, int64_t from_us, int64_t to_us)
{
	struct error err = {0};
	struct asset_mark m = {.asset = asset, .mark = {.from_us = from_us, .to_us = to_us}};
	assert_ok(state_mark(s, &m, 1, &err), &err);
}

static struct marks marks_of(struct state *s, const char *asset)
{
	struct error err = {0};
	struct marks marks;
	assert_ok(state_marks(s, asset, &arena, &marks, &err), &err);
	return marks;
}

static int64_t seq_of(struct state *s, const char *asset)
{
	struct error err = {0};
	int64_t seq;
	assert_ok(state_seq(s, &asset, 1, &seq, &err), &err);
	return seq;
}

static void build(struct state *s, struct built b)
{
	struct error err = {0};
	struct mark m = {.partition = b.partition, .from_us = b.from_us, .to_us = b.to_us};
	assert_ok(state_built_put(s, MODEL, &b, &m, 1, &err), &err);
}

static struct builts built_of(struct state *s)
{
	struct error err = {0};
	struct builts built;
	assert_ok(state_built(s, MODEL, &arena, &built, &err), &err);
	return built;
}

/* --- marks --- */

static void a_mark_overlays_what_it_covers(void **unused)
{
	(void)unused;
	struct state *s = open_state();
	mark(s, MODEL, TIME_MIN, TIME_MAX);
	mark(s, MODEL, 10, 20);
	mark(s, MODEL, 15, 30);
	struct marks marks = marks_of(s, MODEL);
	static const struct mark expected[] = {
		{"", TIME_MIN, 10, 1}, {"", 10, 15, 2}, {"", 15, 30, 3}, {"", 30, TIME_MAX, 1}};
	assert_int_equal(marks.len, COUNT_OF(expected));
	for (size_t i = 0; i < marks.len; i++) {
		assert_int_equal(marks.items[i].from_us, expected[i].from_us);
		assert_int_equal(marks.items[i].to_us, expected[i].to_us);
		assert_int_equal(marks.items[i].seq, expected[i].seq);
	}
	vec_release(&marks);
	mark(s, MODEL, TIME_MIN, TIME_MAX);
	marks = marks_of(s, MODEL);
	assert_int_equal(marks.len, 1);
	assert_int_equal(marks.items[0].seq, 4);
	vec_release(&marks);
	state_close(s);
}

static void days_marked_together_become_one_range(void **unused)
{
	(void)unused;
	struct state *s = open_state();
	struct error err = {0};
	struct asset_mark days[] = {{MODEL, {NULL, 0, 1, 0}}, {MODEL, {NULL, 2, 3, 0}},
		{MODEL, {NULL, 1, 2, 0}}, {"source.shop.orders", {NULL, 0, 9, 0}}};
	assert_ok(state_mark(s, days, COUNT_OF(days), &err), &err);
	struct marks marks = marks_of(s, MODEL);
	assert_int_equal(marks.len, 1);
	assert_int_equal(marks.items[0].from_us, 0);
	assert_int_equal(marks.items[0].to_us, 3);
	assert_int_equal(marks.items[0].seq, 1);
	assert_int_equal(seq_of(s, "source.shop.orders"), 1);
	vec_release(&marks);
	state_close(s);
}

/* Against an array with a seq a day. */
static void many_overlapping_marks_are_as_if_each_day_had_its_own(void **unused)
{
	(void)unused;
	struct state *s = open_state();
	int64_t days[DAYS] = {0};
	unsigned seed = 7;
	for (int round = 1; round <= 300; round++) {
		int from = (int)(rand_r(&seed) % DAYS);
		int to = from + 1 + (int)(rand_r(&seed) % (unsigned)(DAYS - from));
		mark(s, MODEL, from, to);
		for (int day = from; day < to; day++)
			days[day] = round;
		struct marks marks = marks_of(s, MODEL);
		int64_t end = -1, seq = -1;
		int known = 0;
		vec_each (&marks, m) {
			assert_true(m->from_us >= end);
			assert_false(m->from_us == end && m->seq == seq);
			for (int64_t day = m->from_us; day < m->to_us; day++, known++)
				assert_int_equal(m->seq, days[day]);
			end = m->to_us;
			seq = m->seq;
		}
		for (int day = 0; day < DAYS; day++)
			known -= days[day] != 0;
		assert_int_equal(known, 0);
		vec_release(&marks);
	}
	state_close(s);
}

static void the_latest_mark_of_several_assets_is_found(void **unused)
{
	(void)unused;
	struct state *s = open_state();
	struct error err = {0};
	static const char *const assets[] = {"a", "b", "never"};
	int64_t seq;
	mark(s, "b", 0, 10);
	mark(s, "a", 0, 10);
	mark(s, "other", 0, 10);
	assert_ok(state_seq(s, assets, COUNT_OF(assets), &seq, &err), &err);
	assert_int_equal(seq, 2);
	assert_int_equal(seq_of(s, "never"), 0);
	assert_ok(state_asset_forget(s, "other", &err), &err);
	mark(s, "b", 0, 10);
	assert_int_equal(seq_of(s, "b"), 4);
	state_close(s);
}

static void a_position_and_its_marks_move_as_one(void **unused)
{
	(void)unused;
	struct state *s = open_state();
	struct error err = {0};
	struct asset_mark m = {"source.shop.orders", {NULL, 0, 10, 0}};
	struct position there = at(200, "there"), back = at(50, "back");
	assert_ok(begin(s, 1, 100, &err), &err);
	assert_ok(state_stream_advance_marking(s, "shop", &there, 3, &m, 1, &err), &err);
	assert_int_equal(get(s).changes, 3);
	assert_int_equal(seq_of(s, m.asset), 1);
	/* One that is refused marks nothing. */
	assert_false(state_stream_advance_marking(s, "shop", &back, 3, &m, 1, &err));
	assert_int_equal(err.kind, ERROR_BROKEN);
	assert_int_equal(seq_of(s, m.asset), 1);
	state_close(s);
}

/* --- built --- */

static void neighbours_that_say_the_same_become_one(void **unused)
{
	(void)unused;
	struct state *s = open_state();
	build(s, (struct built){.from_us = 0, .to_us = 10, .as_of_us = 900, .run = 1});
	build(s, (struct built){.from_us = 20,
			 .to_us = 30,
			 .as_of_us = 700,
			 .position = "shop 7",
			 .run = 2});
	build(s, (struct built){.from_us = 10, .to_us = 20, .as_of_us = 800, .run = 3});
	struct builts built = built_of(s);
	assert_int_equal(built.len, 1);
	assert_int_equal(built.items[0].from_us, 0);
	assert_int_equal(built.items[0].to_us, 30);
	assert_int_equal(built.items[0].as_of_us, 700);
	assert_string_equal(built.items[0].position, "shop 7");
	assert_int_equal(built.items[0].run, 3);
	vec_release(&built);
	/* Another definition in the middle is another range. */
	build(s, (struct built){.from_us = 10, .to_us = 20, .fingerprint = UINT64_MAX});
	built = built_of(s);
	assert_int_equal(built.len, 3);
	assert_true(built.items[1].fingerprint == UINT64_MAX);
	assert_int_equal(built.items[2].from_us, 20);
	assert_int_equal(built.items[2].as_of_us, 700);
	vec_release(&built);
	state_close(s);
}

static void static_partitions_are_told_apart_by_key(void **unused)
{
	(void)unused;
	struct state *s = open_state();
	struct built eu = {.partition = "eu", .from_us = TIME_MIN, .to_us = TIME_MAX, .seq = 1};
	struct built us = eu;
	us.partition = "us";
	build(s, eu);
	build(s, us);
	eu.seq = 5;
	build(s, eu);
	struct builts built = built_of(s);
	assert_int_equal(built.len, 2);
	assert_string_equal(built.items[0].partition, "eu");
	assert_int_equal(built.items[0].seq, 5);
	assert_int_equal(built.items[1].seq, 1);
	vec_release(&built);
	struct marks marks = marks_of(s, MODEL);
	assert_int_equal(marks.len, 2);
	assert_string_equal(marks.items[1].partition, "us");
	vec_release(&marks);
	state_close(s);
}

static void checks_are_known_of_what_they_ran_on(void **unused)
{
	(void)unused;
	struct state *s = open_state();
	struct error err = {0};
	build(s, (struct built){.from_us = 0, .to_us = 30, .checks = CHECKS_PENDING});
	assert_ok(state_built_checked(s, MODEL, "", 0, 10, CHECKS_PASSED, &err), &err);
	assert_ok(state_built_checked(s, MODEL, "", 10, 20, CHECKS_FAILED, &err), &err);
	struct builts built = built_of(s);
	assert_int_equal(built.len, 3);
	assert_int_equal(built.items[0].checks, CHECKS_PASSED);
	assert_int_equal(built.items[1].checks, CHECKS_FAILED);
	assert_int_equal(built.items[2].checks, CHECKS_PENDING);
	vec_release(&built);
	assert_ok(state_built_checked(s, MODEL, "", TIME_MIN, TIME_MAX, CHECKS_PASSED, &err), &err);
	built = built_of(s);
	assert_int_equal(built.len, 1);
	vec_release(&built);
	state_close(s);
}

static void a_hundred_thousand_partitions_are_listed(void **unused)
{
	(void)unused;
	struct state *s = open_state();
	struct error err = {0};
	assert_true(store_begin(s, &err));
	for (int64_t i = 0; i < 100000; i++) {
		struct built b = {.from_us = i * 3600, .to_us = (i + 1) * 3600, .seq = i % 2};
		assert_ok(store_built(s, MODEL, &b, &err), &err);
	}
	assert_true(store_end(s, true, &err));
	int64_t start_us = wall_us();
	struct builts built = built_of(s);
	print_message("100,000 ranges read in %lld ms\n", (long long)(wall_us() - start_us) / 1000);
	assert_int_equal(built.len, 100000);
	vec_release(&built);
	/* One that covers them all leaves one. */
	build(s, (struct built){.from_us = TIME_MIN, .to_us = TIME_MAX});
	built = built_of(s);
	assert_int_equal(built.len, 1);
	vec_release(&built);
	state_close(s);
}

/* --- definitions and swaps --- */

static void definitions_live_as_long_as_something_is_built_by_them(void **unused)
{
	(void)unused;
	struct state *s = open_state();
	struct error err = {0};
	struct definition old = {1, "shop.facts", "select 1", "{}"},
			  new = {2, "shop.facts", "select 2", "{}"},
			  newest = {3, "shop.facts3", "select 3", "{}"}, found_one;
	int64_t before, after;
	bool found;
	assert_ok(state_definition_put(s, MODEL, &old, &err), &err);
	build(s, (struct built){.from_us = 0, .to_us = 10, .fingerprint = 1});
	assert_ok(state_definition_put(s, MODEL, &new, &err), &err);
	assert_ok(state_definition_put(s, MODEL, &newest, &err), &err);
	assert_ok(state_version(s, &before, &err), &err);
	assert_ok(state_definition_put(s, MODEL, &newest, &err), &err);
	assert_ok(state_version(s, &after, &err), &err);
	assert_int_equal(after, before);
	assert_ok(state_definition_get(s, MODEL, 2, &arena, &found_one, &found, &err), &err);
	assert_false(found);
	assert_ok(state_definition_get(s, MODEL, 1, &arena, &found_one, &found, &err), &err);
	assert_true(found);
	assert_string_equal(found_one.sql, "select 1");
	struct known_assets known;
	assert_ok(state_assets(s, &arena, &known, &err), &err);
	assert_int_equal(known.len, 1);
	assert_string_equal(known.items[0].relation, "shop.facts3");
	vec_release(&known);
	char value[8];
	struct reasons reasons = {0};
	assert_ok(state_fact_put(s, "tick " MODEL, "1", &err), &err);
	assert_ok(state_fact_put(s, "tick " MODEL "2", "1", &err), &err);
	assert_ok(state_reason_put(s, MODEL, "run 1", &err), &err);
	assert_ok(state_asset_forget(s, MODEL, &err), &err);
	assert_ok(state_assets(s, &arena, &known, &err), &err);
	assert_int_equal(known.len, 0);
	assert_false(state_fact_get(s, "tick " MODEL, value, sizeof value));
	assert_true(state_fact_get(s, "tick " MODEL "2", value, sizeof value));
	assert_ok(state_reasons(s, MODEL, &arena, &reasons, &err), &err);
	assert_int_equal(reasons.len, 0);
	vec_release(&reasons);
	state_close(s);
}

static const struct swap a_swap = {.asset = MODEL,
	.built = {.from_us = 10, .to_us = 20, .seq = 4, .fingerprint = 9, .position = "shop 4"},
	.database = "shop",
	.target = "facts",
	.staging = "facts__next_10",
	.staging_id = "8d1c",
	.engine_partition = "'1970-01-01'"};

static void die_with_a_swap_under_way(void)
{
	struct error err = {0};
	struct state *s = state_open(dir, &err);
	if (!s || !state_swap_put(s, &a_swap, &err))
		_exit(1);
	/* It had begun to record the end. */
	if (!store_begin(s, &err) || !store_built(s, MODEL, &a_swap.built, &err))
		_exit(1);
	kill(getpid(), SIGKILL);
}

static void a_swap_is_erased_with_what_it_built_or_not_at_all(void **unused)
{
	(void)unused;
	pid_t pid = fork();
	if (pid == 0)
		die_with_a_swap_under_way();
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));

	struct state *s = open_state();
	struct error err = {0};
	struct swaps swaps;
	struct builts built = built_of(s);
	assert_int_equal(built.len, 0);
	assert_ok(state_swaps(s, &arena, &swaps, &err), &err);
	assert_int_equal(swaps.len, 1);
	assert_string_equal(swaps.items[0].staging_id, "8d1c");
	assert_string_equal(swaps.items[0].engine_partition, "'1970-01-01'");
	build(s, swaps.items[0].built);
	vec_release(&swaps);
	assert_ok(state_swaps(s, &arena, &swaps, &err), &err);
	assert_int_equal(swaps.len, 0);
	built = built_of(s);
	assert_int_equal(built.len, 1);
	assert_int_equal(built.items[0].seq, 4);
	assert_true(built.items[0].fingerprint == 9);
	assert_string_equal(built.items[0].position, "shop 4");
	assert_int_equal(seq_of(s, MODEL), 1);
	vec_release(&built);
	state_close(s);
}

static void a_swap_that_is_given_up_is_gone(void **unused)
{
	(void)unused;
	struct state *s = open_state();
	struct error err = {0};
	struct swaps swaps;
	assert_ok(state_swap_put(s, &a_swap, &err), &err);
	assert_ok(state_swap_put(s, &a_swap, &err), &err);
	assert_ok(state_swap_forget(s, &a_swap, &err), &err);
	assert_ok(state_swaps(s, &arena, &swaps, &err), &err);
	assert_int_equal(swaps.len, 0);
	state_close(s);
}

static void put_lineage(struct state *s, struct lineage_column *columns, size_t n)
{
	struct error err = {0};
	assert_ok(state_lineage_put(s, MODEL, &(struct lineage){columns, n}, &err), &err);
}

static void what_columns_come_from_is_of_the_latest_build(void **unused)
{
	(void)unused;
	struct error err = {0};
	struct state *s = open_state();
	struct lineage_input inputs[] = {{"shop.orders", "amount", LINEAGE_AGGREGATED},
		{"shop.orders", "t", LINEAGE_WINDOW}, {"shop.customers", "id", LINEAGE_SAME}};
	struct lineage_column first[] = {{"total", "Int64", inputs, 2, NULL},
		{"n", "UInt64", NULL, 0, NULL}, {"x", "String", &inputs[2], 1, "a dictionary"}};
	struct lineage got;

	put_lineage(s, &first[1], 2);
	put_lineage(s, first, 3);
	assert_ok(state_lineage_get(s, MODEL, &arena, &got, &err), &err);
	assert_int_equal(got.len, 3);
	assert_string_equal(got.items[0].name, "total");
	assert_int_equal(got.items[0].n_inputs, 2);
	assert_string_equal(got.items[0].inputs[1].column, "t");
	assert_int_equal(got.items[0].inputs[1].how, LINEAGE_WINDOW);
	assert_null(got.items[0].gap);
	assert_int_equal(got.items[1].n_inputs, 0);
	assert_string_equal(got.items[2].type, "String");
	assert_string_equal(got.items[2].inputs[0].relation, "shop.customers");
	assert_string_equal(got.items[2].gap, "a dictionary");
	assert_ok(state_asset_forget(s, MODEL, &err), &err);
	assert_ok(state_lineage_get(s, MODEL, &arena, &got, &err), &err);
	assert_int_equal(got.len, 0);
	state_close(s);
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin_test, end_test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_mark_overlays_what_it_covers),
		TEST(days_marked_together_become_one_range),
		TEST(many_overlapping_marks_are_as_if_each_day_had_its_own),
		TEST(the_latest_mark_of_several_assets_is_found),
		TEST(a_position_and_its_marks_move_as_one),
		TEST(neighbours_that_say_the_same_become_one),
		TEST(static_partitions_are_told_apart_by_key),
		TEST(checks_are_known_of_what_they_ran_on),
		TEST(a_hundred_thousand_partitions_are_listed),
		TEST(definitions_live_as_long_as_something_is_built_by_them),
		TEST(a_swap_is_erased_with_what_it_built_or_not_at_all),
		TEST(a_swap_that_is_given_up_is_gone),
		TEST(what_columns_come_from_is_of_the_latest_build),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
