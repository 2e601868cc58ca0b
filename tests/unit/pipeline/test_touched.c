/* Hours that changes touch: the set against a bitmap, and what a batch touches. */
#include "../rows_of.h"
#include "pipeline/touched.h"

#define HOUR INT64_C(3600000000)
#define MOST 3000

static void must_be_whole(const struct touched *t)
{
	for (size_t i = 0; i < t->len; i++) {
		assert_true(t->items[i].from < t->items[i].to);
		assert_true(!i || t->items[i - 1].to < t->items[i].from);
	}
}

static void a_set_holds_what_was_added_and_nothing_else(void **state)
{
	(void)state;
	srand(11);
	for (int round = 0; round < 200; round++) {
		static bool bits[MOST + 40];
		struct touched t = {0};
		memset(bits, 0, sizeof bits);
		for (int i = 0; i < 150; i++) {
			int64_t from = rand() % MOST, n = rand() % 4 ? 1 : 1 + rand() % 30;
			touched_add(&t, (struct hours){from - 1500, from - 1500 + n});
			memset(bits + from, 1, (size_t)n);
			must_be_whole(&t);
		}
		for (int64_t hour = 0; hour < MOST + 40; hour++)
			assert_int_equal(touched_has(&t, (struct hours){hour - 1500, hour - 1499}),
				bits[hour]);
		assert_false(t.all);
		touched_release(&t);
	}
}

static void times_before_1970_are_in_their_hours(void **state)
{
	struct touched t = {0};

	(void)state;
	touched_add_time(&t, -1);
	touched_add_time(&t, -HOUR);
	assert_int_equal(t.len, 1);
	assert_int_equal(t.items[0].from, -1);
	touched_add_time(&t, -HOUR - 1);
	assert_int_equal(t.items[0].from, -2);
	assert_int_equal(t.items[0].to, 0);
	touched_add_time(&t, INT64_MAX);
	touched_add_time(&t, INT64_MIN);
	must_be_whole(&t);
	touched_release(&t);
}

static void too_many_hours_become_days_and_too_many_days_all(void **state)
{
	struct touched t = {0};

	(void)state;
	for (int64_t i = 0; i < 5000; i++)
		touched_add(&t, (struct hours){i * 4, i * 4 + 1});
	assert_false(t.all);
	assert_true(t.len < 1000);
	for (int64_t i = 0; i < 5000; i++)
		assert_true(touched_has(&t, (struct hours){i * 4, i * 4 + 1}));
	for (int64_t i = 0; i < 5000; i++)
		touched_add(&t, (struct hours){i * 48, i * 48 + 1});
	assert_true(t.all);
	touched_release(&t);
}

/* --- batches --- */

static const struct column_of columns[] = {{"id", "int64", "bigint", .key = true},
	{"at", "nullable(timestamptz)", "timestamptz"}, {0}};

static struct sink sink;
static const char *stored; /* what the target says a row was at, in hours; NULL: it has none */
static size_t asked;
static bool away;

static bool fetch(struct sink *s, const struct landing *landing, const struct batch *keys,
	struct batch *out, struct error *err)
{
	(void)s, (void)landing;
	asked += keys->rows;
	if (away)
		return error_set(err, ERROR_RETRY, "away");
	assert_int_equal(out->table->n_columns, 2);
	for (size_t row = 0; stored && row < keys->rows; row++) {
		int64_t us = atoll(stored) * HOUR;
		column_copy_row(&out->columns[0], &keys->columns[0], row);
		memcpy(column_add_fixed(&out->columns[1], sizeof us), &us, sizeof us);
		batch_commit_row(out, &(struct row_meta){.op = OP_COPY});
	}
	return true;
}

static const struct sink_ops ops = {.kind = "target", .fetch = fetch};

static struct table *begin(struct batch *batch, const struct column_of *of, const char *before)
{
	struct table *t = table_of(of);

	batch_init(batch, t);
	sink.ops = &ops;
	stored = before;
	asked = 0;
	away = false;
	return t;
}

static const char *hour(int64_t n)
{
	static char text[4][32];
	static int next;
	char *out = text[next++ % 4];

	snprintf(out, sizeof text[0], "%lld", (long long)(n * HOUR + 1234));
	return out;
}

/* "3-4 17-18", "all"; what was foreseen behind a bar. */
static void touches(struct batch *batch, const char *event_time, const char *expected)
{
	struct touched t = {0}, foreseen = {0};
	struct landing landing = {.table = batch->table, .generation = 1};
	struct error err = {0};
	char got[256] = "";

	if (!touched_note(&t, &foreseen, event_time, batch, &sink, &landing, &err))
		fail_msg("%s", err.text);
	for (size_t i = 0; i < t.len; i++)
		sprintf(got + strlen(got), "%s%d-%d", i ? " " : "", (int)t.items[i].from,
			(int)t.items[i].to);
	if (t.all)
		strcat(got, "all");
	for (size_t i = 0; i < foreseen.len; i++)
		sprintf(got + strlen(got), "%s%d-%d", i ? " " : " | ", (int)foreseen.items[i].from,
			(int)foreseen.items[i].to);
	assert_string_equal(got, expected);
	touched_release(&t);
	touched_release(&foreseen);
	table_unref(batch->table);
	batch_release(batch);
}

static void inserts_touch_their_hour_and_ask_nobody(void **state)
{
	struct batch b;

	(void)state;
	begin(&b, columns, "99");
	add_row(&b, OP_INSERT, 1, "1", hour(3), NULL);
	add_row(&b, OP_INSERT, 2, "2", hour(4), NULL);
	add_row(&b, OP_INSERT, 3, "3", NULL, NULL);
	touches(&b, "at", "3-5");
	assert_int_equal(asked, 0);
}

static void an_update_and_a_delete_touch_what_the_target_has(void **state)
{
	struct batch b;

	(void)state;
	begin(&b, columns, "40");
	add_row(&b, OP_UPDATE, 1, "1", hour(3), NULL);
	touches(&b, "at", "3-4 | 40-41");
	begin(&b, columns, "40");
	add_row(&b, OP_DELETE, 1, "1", NULL, NULL);
	touches(&b, "at", " | 40-41");
	begin(&b, columns, NULL);
	add_row(&b, OP_DELETE, 1, "1", NULL, NULL);
	touches(&b, "at", "");
	assert_int_equal(asked, 1);
}

static void a_key_change_asks_for_the_old_key_alone(void **state)
{
	struct batch b;

	(void)state;
	begin(&b, columns, "40");
	add_row(&b, OP_KEY_CHANGED, 7, "1", NULL, NULL);
	add_row(&b, OP_UPDATE, 7, "2", hour(5), NULL);
	touches(&b, "at", "5-6 | 40-41");
	assert_int_equal(asked, 1);
}

static void the_row_before_that_the_log_has_is_enough(void **state)
{
	struct batch b;

	(void)state;
	begin(&b, columns, "99");
	add_row(&b, OP_UPDATE, 1, "1", hour(3), NULL);
	add_row(batch_before_upto(&b, 0), OP_UPDATE, 1, "1", hour(9), NULL);
	touches(&b, "at", "3-4 9-10");
	assert_int_equal(asked, 0);
}

static void a_key_that_holds_the_time_is_enough(void **state)
{
	static const struct column_of keyed[] = {{"id", "int64", "bigint", .key = true},
		{"at", "timestamptz", "timestamptz", .key = true}, {0}};
	struct batch b;

	(void)state;
	begin(&b, keyed, "99");
	add_row(&b, OP_DELETE, 1, "1", hour(3), NULL);
	add_row(&b, OP_KEY_CHANGED, 2, "2", hour(5), NULL);
	add_row(&b, OP_UPDATE, 2, "2", hour(8), NULL);
	touches(&b, "at", "3-4 5-6 8-9");
	assert_int_equal(asked, 0);
}

static void a_date_touches_its_day(void **state)
{
	static const struct column_of dated[] = {
		{"id", "int64", "bigint", .key = true}, {"at", "date", "date"}, {0}};
	struct batch b;

	(void)state;
	begin(&b, dated, NULL);
	add_row(&b, OP_INSERT, 1, "1", "2", NULL);
	touches(&b, "at", "48-72");
}

static void without_such_a_column_all_is_touched(void **state)
{
	struct batch b;

	(void)state;
	begin(&b, columns, NULL);
	add_row(&b, OP_INSERT, 1, "1", hour(3), NULL);
	touches(&b, "gone", "all");
	begin(&b, columns, NULL);
	add_row(&b, OP_INSERT, 1, "1", hour(3), NULL);
	touches(&b, "id", "all");
	begin(&b, columns, NULL);
	touches(&b, "gone", "");
}

static void a_target_that_is_away_is_an_error(void **state)
{
	struct touched t = {0}, foreseen = {0};
	struct landing landing = {0};
	struct error err = {0};
	struct batch b;

	(void)state;
	begin(&b, columns, NULL);
	away = true;
	add_row(&b, OP_DELETE, 1, "1", NULL, NULL);
	assert_false(touched_note(&t, &foreseen, "at", &b, &sink, &landing, &err));
	assert_int_equal(err.kind, ERROR_RETRY);
	/* what nobody reads yet does not matter */
	assert_true(touched_note(&t, &foreseen, "at", &b, &sink, NULL, &err));
	table_unref(b.table);
	batch_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_set_holds_what_was_added_and_nothing_else),
		cmocka_unit_test(times_before_1970_are_in_their_hours),
		cmocka_unit_test(too_many_hours_become_days_and_too_many_days_all),
		cmocka_unit_test(inserts_touch_their_hour_and_ask_nobody),
		cmocka_unit_test(an_update_and_a_delete_touch_what_the_target_has),
		cmocka_unit_test(a_key_change_asks_for_the_old_key_alone),
		cmocka_unit_test(the_row_before_that_the_log_has_is_enough),
		cmocka_unit_test(a_key_that_holds_the_time_is_enough),
		cmocka_unit_test(a_date_touches_its_day),
		cmocka_unit_test(without_such_a_column_all_is_touched),
		cmocka_unit_test(a_target_that_is_away_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
