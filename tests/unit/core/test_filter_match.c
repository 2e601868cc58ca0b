/* Row filters over rows with values that an update left unchanged: what is settled without them. */
#include "../rows_of.h"
#include "core/filter.h"

/* Of the row status is not known, small is 1, active is NULL. */
static const struct {
	const char *where;
	bool may, does;
} cases[] = {
	{"status = 'x'", true, false},
	{"not status = 'x'", true, false},
	{"status <> ''", true, false},
	{"status in ('', 'x')", true, false},
	{"status not like 'x%'", true, false},
	{"status is null", false, false}, /* a NULL is never left out of the log */
	{"status is not null", true, true},
	{"status = 'x' and small = 1", true, false},
	{"status = 'x' and small = 2", false, false},
	{"status = 'x' or small = 1", true, true},
	{"status = 'x' or small = 2", true, false},
	{"not (status = 'x' or small = 1)", false, false},
	{"not (status = 'x' and small = 2)", true, true},
	{"not (status = 'x' and small = 1)", true, false},
	{"active and status = 'x'", false, false},
	{"active or status = 'x'", true, false},
	{"not (active or status = 'x')", false, false},
	{"not (active and status = 'x')", true, false},
};

static void a_value_that_is_not_known_leaves_open_what_hangs_on_it(void **unused)
{
	struct table *table = table_of((struct column_of[]){{"id", "int64", "bigint", .key = true},
		{"status", "nullable(string)", "text"}, {"small", "nullable(int16)", "smallint"},
		{"active", "nullable(bool)", "boolean"}, {0}});
	struct batch batch;
	struct arena arena;

	(void)unused;
	batch_init(&batch, table);
	arena_init(&arena);
	add_row(&batch, OP_UPDATE, 1, "1", UNCHANGED, "1", NULL);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct error err = {0};
		struct filter *filter = filter_compile(cases[i].where, table, &arena, &err);
		assert_non_null(filter);
		if (filter_may_match(filter, &batch, 0) != cases[i].may ||
			filter_matches(filter, &batch, 0) != cases[i].does)
			fail_msg("%s", cases[i].where);
	}
	arena_release(&arena);
	batch_release(&batch);
	table_unref(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_that_is_not_known_leaves_open_what_hangs_on_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
