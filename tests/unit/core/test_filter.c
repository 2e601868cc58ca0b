/* Row filters: what they match, and what they refuse and in which words. */
#include "../rows_of.h"
#include "core/filter.h"

static const struct column_of columns[] = {
	{"id", "int64", "bigint", .key = true},
	{"status", "nullable(string)", "text"},
	{"amount", "nullable(decimal(10,2))", "numeric(10,2)"},
	{"active", "nullable(bool)", "boolean"},
	{"Mixed \"Case\"", "nullable(int32)", "integer"},
	{"small", "nullable(int16)", "smallint"},
	{"ratio", "nullable(float64)", "double precision"},
	{"weight", "nullable(float32)", "real"},
	{"born", "nullable(date)", "date"},
	{"made", "nullable(timestamp)", "timestamp without time zone"},
	{"seen", "nullable(timestamptz)", "timestamp with time zone"},
	{"token", "nullable(uuid)", "uuid"},
	{"level", "nullable(symbol)", "public.level"},
	{"code", "nullable(string)", "character(8)"},
	{"email", "nullable(string)", "public.citext"},
	{"phone", "nullable(string)", "character varying(20)", .rule = RULE_MASK},
	{"doc", "nullable(json)", "jsonb"},
	{"tags", "array(nullable(string))", "text[]"},
	{"address", "nullable(string)", "inet"},
	{"big", "nullable(decimal(76,10))", "numeric(76,10)"},
	{"tag", "nullable(uint32)", "oid"},
	{"wide", "nullable(float64)", "numeric"},
	{0},
};

static struct table *table;
static struct batch batch;
static struct arena arena;

static int set_up(void **unused)
{
	(void)unused;
	table = table_of(columns);
	batch_init(&batch, table);
	arena_init(&arena);
	return 0;
}

static int tear_down(void **unused)
{
	(void)unused;
	batch_release(&batch);
	table_unref(table);
	arena_release(&arena);
	return 0;
}

/* One row: NULL everywhere but for the id and one column. */
static void row_with(const char *name, const char *value)
{
	batch_clear(&batch);
	for (size_t c = 0; c < table->n_columns; c++) {
		if (!strcmp(table->columns[c].name, name))
			add_value_of(&batch.columns[c], value);
		else if (table->columns[c].type.nullable)
			column_add_null(&batch.columns[c]);
		else
			column_add_default(&batch.columns[c]);
	}
	batch_commit_row(&batch, &(struct row_meta){.op = OP_INSERT});
}

static bool matches(const char *where)
{
	struct error err = {0};
	struct filter *filter = filter_compile(where, table, &arena, &err);
	if (!filter)
		fail_msg("%s", err.text);
	return filter_matches(filter, &batch, 0);
}

#define assert_matches(name, value, where)   \
	do {                                 \
		row_with(name, value);       \
		assert_true(matches(where)); \
	} while (0)
#define assert_misses(name, value, where)     \
	do {                                  \
		row_with(name, value);        \
		assert_false(matches(where)); \
	} while (0)

static void refuses(const char *where, const char *message)
{
	struct error err = {0};

	assert_null(filter_compile(where, table, &arena, &err));
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_string_equal(err.text, message);
}

static void integers_compare_by_value(void **unused)
{
	(void)unused;
	static const struct {
		const char *where;
		bool below, same, above; /* of -5, 7, 100 */
	} cases[] = {
		{"id = 7", false, true, false},
		{"id <> 7", true, false, true},
		{"id != 7", true, false, true},
		{"id < 7", true, false, false},
		{"id <= 7", true, true, false},
		{"id > 7", false, false, true},
		{"id >= 7", false, true, true},
		{"id>=-5", true, true, true},
		{"id > -5", false, true, true},
		{"id between -5 and 7", true, true, false},
		{"id NOT BETWEEN 7 AND 7", true, false, true},
		{"id in (100, 7)", false, true, true},
		{"id not in (100, 7)", true, false, false},
		{"id = +7.0", false, true, false},
		{"id = '7'", false, true, false},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		static const char *const values[] = {"-5", "7", "100"};
		bool expected[] = {cases[i].below, cases[i].same, cases[i].above};
		for (size_t v = 0; v < COUNT_OF(values); v++) {
			row_with("id", values[v]);
			if (matches(cases[i].where) != expected[v])
				fail_msg("%s with %s", cases[i].where, values[v]);
		}
	}
}

static void the_ends_of_integer_ranges_can_be_written(void **unused)
{
	(void)unused;
	assert_matches("id", "-9223372036854775808", "id = -9223372036854775808");
	assert_matches("id", "9223372036854775807", "id = 9223372036854775807");
	assert_matches("small", "-32768", "small = -32768");
	assert_matches("tag", "4294967295", "tag = 4294967295 and tag > 2147483648");
}

static void decimals_compare_exactly(void **unused)
{
	(void)unused;
	assert_matches("amount", "1010", "amount = 10.1");
	assert_matches("amount", "1010", "amount = 10.1000");
	assert_matches("amount", "-1", "amount = -.01");
	assert_matches("amount", "-1", "amount < 0 and amount > -0.02");
	assert_misses("amount", "1009", "amount >= 10.1");
	assert_matches("amount", "9999999999", "amount = 99999999.99");
	/* 10^20 + 0.0000000001, beyond what a double tells from 10^20 */
	assert_matches(
		"big", "1000000000000000000000000000001", "big = 100000000000000000000.0000000001");
	assert_matches("big", "1000000000000000000000000000001", "big > 100000000000000000000");
	assert_misses("big", "1000000000000000000000000000000", "big > 100000000000000000000");
	assert_matches("big", "-1000000000000000000000000000001", "big < -100000000000000000000");
}

static void text_compares_for_equality(void **unused)
{
	(void)unused;
	assert_matches("status", "paid", "status = 'paid'");
	assert_misses("status", "Paid", "status = 'paid'");
	assert_misses("status", "paid ", "status = 'paid'");
	assert_matches("status", "it's", "status = 'it''s'");
	assert_matches("status", "", "status = ''");
	assert_matches("status", "a\\b", "status = 'a\\b'");
	assert_matches("status", "bezahlt ü", "status IN ('paid', 'bezahlt ü')");
	assert_matches("level", "high", "level = 'high' and level <> 'low'");
}

static void names_fold_unless_quoted(void **unused)
{
	(void)unused;
	assert_matches("status", "paid", "STATUS = 'paid'");
	assert_matches("status", "paid", "\"status\"='paid'");
	assert_matches("Mixed \"Case\"", "3", "\"Mixed \"\"Case\"\"\" = 3");
	refuses("\"Status\" = 'paid'", "public.orders: where: there is no column Status (did you "
				       "mean status?), at offset 0, near "
				       "\"\"Status\" = 'paid'\"");
}

static void like_is_that_of_sql(void **unused)
{
	(void)unused;
	static const struct {
		const char *text, *pattern;
		bool is;
	} cases[] = {
		{"paid", "paid", true},
		{"paid", "pai", false},
		{"paid", "p%", true},
		{"paid", "%d", true},
		{"paid", "%ai%", true},
		{"paid", "%", true},
		{"", "%", true},
		{"", "", true},
		{"", "_", false},
		{"paid", "p__d", true},
		{"paid", "p_d", false},
		{"aab", "%ab", true},
		{"abcabd", "%abd", true},
		{"abcabd", "a%b_", true},
		{"50%", "50\\%", true},
		{"500", "50\\%", false},
		{"a_b", "a\\_b", true},
		{"axb", "a\\_b", false},
		{"a\\b", "a\\\\b", true},
		{"ü", "_", true},
		{"ü", "__", false},
		{"xü", "%_", true},
		{"üx", "%_x", true},
		{"Paid", "p%", false},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char where[64];
		snprintf(where, sizeof where, "status like '%s'", cases[i].pattern);
		row_with("status", cases[i].text);
		if (matches(where) != cases[i].is)
			fail_msg("'%s' like '%s'", cases[i].text, cases[i].pattern);
		snprintf(where, sizeof where, "status NOT LIKE '%s'", cases[i].pattern);
		if (matches(where) == cases[i].is)
			fail_msg("'%s' not like '%s'", cases[i].text, cases[i].pattern);
	}
}

static void a_pattern_with_many_wildcards_ends(void **unused)
{
	(void)unused;
	char text[2001];

	memset(text, 'a', sizeof text - 1);
	text[sizeof text - 1] = 0;
	assert_misses("status", text, "status like '%a%a%a%a%a%a%a%a%a%a%b'");
}

static void unknown_is_neither_true_nor_false(void **unused)
{
	(void)unused;
	static const char *const unknown[] = {
		"amount > 1",
		"not amount > 1",
		"not not amount > 1",
		"amount in (1, 2)",
		"amount not in (1, 2)",
		"amount between 1 and 2",
		"amount not between 1 and 2",
		"status like '%'",
		"status not like '%'",
		"active",
		"not active",
		"active or amount > 1",
		"id = 0 and active",
		"not (id = 0 and active)",
		"not (id = 1 or active)",
	};
	row_with("id", "0");
	for (size_t i = 0; i < COUNT_OF(unknown); i++) {
		if (matches(unknown[i]))
			fail_msg("%s", unknown[i]);
	}
	assert_true(matches("id = 0 or active"));
	assert_true(matches("not (id = 1 and active)"));
	assert_true(matches("amount is null and status is null"));
	assert_false(matches("amount is not null"));
	assert_true(matches("id is not null and not id is null"));
}

static void and_binds_tighter_than_or_and_not_tighter_than_and(void **unused)
{
	(void)unused;
	row_with("id", "1");
	assert_true(matches("id = 1 or id = 2 and id = 3"));
	assert_false(matches("(id = 1 or id = 2) and id = 3"));
	assert_true(matches("not id = 2 and id = 1"));
	assert_false(matches("not (id = 2 or id = 1)"));
	assert_true(matches("((id = 1))"));
}

static void booleans_stand_alone_or_compare(void **unused)
{
	(void)unused;
	assert_matches("active", "1", "active");
	assert_misses("active", "0", "active");
	assert_matches("active", "0", "not active");
	assert_matches("active", "1", "active = true and active <> FALSE and active = 't'");
	assert_matches("active", "1", "active AND (id = 0)");
	assert_matches("active", "0", "active in (false)");
}

static void floats_compare_as_the_source_does(void **unused)
{
	(void)unused;
	assert_matches("ratio", "0.1", "ratio = 0.1");
	assert_matches("ratio", "1e300", "ratio > 1e299");
	assert_matches("ratio", "nan", "ratio = 'NaN' and ratio > 1");
	assert_matches("ratio", "inf", "ratio = 'Infinity'");
	/* SQL: a number without quotes meets a real in double precision, where 0.1 is another number */
	assert_misses("weight", "0.1", "weight = 0.1");
	assert_matches("weight", "0.1", "weight = '0.1'");
	assert_matches("weight", "0.5", "weight = 0.5 and weight between 0.5 and 0.5");
	assert_matches("weight", "nan", "weight > 1 and weight <> 1");
}

static void days_and_times_are_read_strictly(void **unused)
{
	(void)unused;
	assert_matches("born", "0", "born = '1970-01-01'");
	assert_matches("born", "19782", "born = '2024-02-29' and born < '2024-03-01'");
	assert_matches("born", "-719162", "born = '0001-01-01'");
	assert_matches("made", "86400000000", "made = '1970-01-02'");
	assert_matches("made", "90061500000", "made = '1970-01-02 01:01:01.5'");
	assert_matches("made", "90060000001", "made = '1970-01-02T01:01:00.000001'");
	assert_matches("seen", "0", "seen = '1970-01-01 00:00:00'");
	assert_matches("seen", "0", "seen = '1970-01-01 00:00Z'");
	assert_matches("seen", "0", "seen = '1970-01-01 02:00:00+02'");
	assert_matches("seen", "0", "seen = '1969-12-31 18:30:00-05:30'");
	assert_matches("seen", "0", "seen = '1970-01-01 05:45+0545'");
}

static void uuids_compare_by_their_bytes(void **unused)
{
	(void)unused;
	assert_matches("token", "1b4e28ba2fa111d2883f0016d3cca427",
		"token = '1B4E28ba-2fa1-11d2-883f-0016d3cca427'");
	assert_misses("token", "1b4e28ba2fa111d2883f0016d3cca428",
		"token = '1b4e28ba-2fa1-11d2-883f-0016d3cca427'");
}

static void columns_of_any_type_can_be_asked_for_null(void **unused)
{
	(void)unused;
	assert_matches(
		"code", NULL, "code is null and email is null and doc is null and address is null");
	assert_matches("code", "x", "code is not null");
	assert_matches("doc", "{}", "doc is not null");
}

static void a_filter_knows_whether_the_key_decides_it(void **unused)
{
	static const struct {
		const char *where;
		bool of_key;
	} cases[] = {
		{"id = 1", true},
		{"id IN (1, 2) OR NOT (id BETWEEN 5 AND 9 AND id <> 7)", true},
		{"id IS NOT NULL", true},
		{"status = 'a'", false},
		{"id = 1 AND active", false},
		{"id = 1 OR NOT (id = 2 OR status LIKE 'a%')", false},
		{"id > 1 AND status IS NULL", false},
	};
	struct error err = {0};

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct filter *filter = filter_compile(cases[i].where, table, &arena, &err);
		if (!filter || filter_is_of_key(filter, table) != cases[i].of_key)
			fail_msg("%s", cases[i].where);
	}
}

static void a_long_chain_is_not_a_deep_one(void **unused)
{
	(void)unused;
	struct buf where;

	buf_init(&where, BUF_MAX);
	buf_puts(&where, "id = 0");
	for (int i = 1; i < 100000; i++)
		buf_printf(&where, " or id = %d", i);
	assert_matches("id", "99999", buf_text(&where));
	row_with("id", "100000");
	assert_false(matches(buf_text(&where)));
	buf_release(&where);
}

static void nesting_is_bounded(void **unused)
{
	(void)unused;
	char where[200001];
	struct error err = {0};

	memset(where, '(', sizeof where - 1);
	where[sizeof where - 1] = 0;
	assert_null(filter_compile(where, table, &arena, &err));
	assert_non_null(strstr(err.text, "more than 64 levels of parentheses and NOT"));
	for (size_t i = 0; i < 50000; i++)
		memcpy(where + 4 * i, "not ", 4);
	assert_null(filter_compile(where, table, &arena, &err));
}

/* What is no filter, and the message without its beginning. */
static const char *const no_filters[][2] = {
	{"", "the name of a column was expected, at the end of \"\""},
	{"   ", "the name of a column was expected, at the end of \"   \""},
	{"id =", "a number, text in single quotes, TRUE or FALSE was expected (columns are "
		 "compared with "
		 "literals only), at the end of \"id =\""},
	{"id = 1 and", "the name of a column was expected, at the end of \"id = 1 and\""},
	{"id = 1)", "AND, OR or the end was expected, at offset 6, near \")\""},
	{"(id = 1", ") was expected, at the end of \"(id = 1\""},
	{"id = 1 id = 2", "AND, OR or the end was expected, at offset 7, near \"id = 2\""},
	{"id = small", "a number, text in single quotes, TRUE or FALSE was expected "
		       "(columns are compared with "
		       "literals only), at offset 5, near \"small\""},
	{"1 = id", "the name of a column was expected, at offset 0, near \"1 = id\""},
	{"id == 1", "a number, text in single quotes, TRUE or FALSE was expected (columns "
		    "are compared with "
		    "literals only), at offset 4, near \"= 1\""},
	{"id = null", "a comparison with NULL is never true, write IS NULL or IS NOT NULL, "
		      "at offset 5, near "
		      "\"null\""},
	{"id in (1, null)", "a comparison with NULL is never true, write IS NULL or IS NOT "
			    "NULL, at offset 10, "
			    "near \"null)\""},
	{"id in ()", "a number, text in single quotes, TRUE or FALSE was expected (columns "
		     "are compared with "
		     "literals only), at offset 7, near \")\""},
	{"id in (1", "a comma or ) was expected, at the end of \"id in (1\""},
	{"id in 1", "a list in parentheses was expected, at offset 6, near \"1\""},
	{"id between 1 or 2", "AND was expected, at offset 13, near \"or 2\""},
	{"id not 1", "IN, BETWEEN or LIKE was expected, at offset 7, near \"1\""},
	{"id is 1", "NULL or NOT NULL was expected, at offset 6, near \"1\""},
	{"id", "column id is no boolean, so it needs a comparison: = <> < <= > >= IN "
	       "BETWEEN LIKE IS, at offset "
	       "0, near \"id\""},
	{"status = 'paid", "the quote is not closed, at offset 9, near \"'paid\""},
	{"status = 'paid''", "the quote is not closed, at offset 9, near \"'paid''\""},
	{"status = \"paid\"", "a number, text in single quotes, TRUE or FALSE was expected "
			      "(columns are compared "
			      "with literals only), at offset 9, near \"\"paid\"\""},
	{"id = 1; drop table orders",
		"';' has no meaning in a filter, at offset 6, near \"; drop table "
		"orders\""},
	{"id = 1 -- all", "AND, OR or the end was expected, at offset 7, near \"-- all\""},
	{"id = 1a", "this is no number, at offset 5, near \"1a\""},
	{"id = 0x10", "this is no number, at offset 5, near \"0x10\""},
	{"id = 1.2.3", "this is no number, at offset 5, near \"1.2.3\""},
	{"id = --1", "a number was expected, at offset 6, near \"-1\""},
	{"id = -'1'", "a number was expected, at offset 6, near \"'1'\""},
	{"not", "the name of a column was expected, at the end of \"not\""},
	{"null is null", "the name of a column was expected, at offset 0, near \"null is null\""},
	{"upper(status) = 'A'", "there is no column upper; a column that a rule drops "
				"cannot be filtered on, at "
				"offset 0, near \"upper(status) = 'A'\""},
	{"statsu = 'x'", "there is no column statsu (did you mean status?), at offset 0, "
			 "near \"statsu = 'x'\""},
	{"status like 5", "a pattern in single quotes was expected, at offset 12, near \"5\""},
	{"status like 'a\\'", "the pattern ends in the escape character \\, at offset 12, "
			      "near \"'a\\'\""},
};

static void what_is_no_filter_is_refused_with_its_place(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT_OF(no_filters); i++) {
		char message[400];
		snprintf(message, sizeof message, "public.orders: where: %s", no_filters[i][1]);
		refuses(no_filters[i][0], message);
	}
}

static void what_a_type_cannot_hold_is_refused(void **unused)
{
	(void)unused;
	static const char *const cases[][2] = {
		{"id = 1.5", "column id is bigint: the column takes a whole number from "
			     "-9223372036854775808 to "
			     "9223372036854775807"},
		{"id = 9223372036854775808", "to 9223372036854775807"},
		{"small = 32768", "from -32768 to 32767"},
		{"tag = -1", "from 0 to 4294967295"},
		{"id = true", "a whole number"},
		{"id = ''", "a whole number"},
		{"id = '1 '", "a whole number"},
		{"amount = 1.005", "at most 8 digits before the point and 2 behind it"},
		{"amount = 100000000", "at most 8 digits before the point and 2 behind it"},
		{"amount = 1e3", "a number without an exponent"},
		{"amount = 'NaN'", "a number without an exponent"},
		{"ratio = '0x10'", "a number"},
		{"ratio = 1e999", "within the range of its type"},
		{"weight = '1e99'", "within the range of its type"},
		{"ratio = 'inf'", "a number"},
		{"active = 1", "TRUE or FALSE"},
		{"active = 'maybe'", "TRUE or FALSE"},
		{"status = 5", "text in single quotes"},
		{"born = 20240101", "a day such as"},
		{"born = '2023-02-29'", "a day such as"},
		{"born = '0000-01-01'", "a day such as"},
		{"born = '2024-1-1'", "a day such as"},
		{"born = '01/02/2024'", "a day such as"},
		{"born = 'today'", "a day such as"},
		{"born = '2024-01-01 00:00'", "a day such as"},
		{"made = '2024-01-01 00:00:00+01'", "without a zone"},
		{"made = '2024-01-01 24:00:00'", "a time such as"},
		{"made = '2024-01-01 00:00:60'", "a time such as"},
		{"made = '2024-01-01 00:00:00.1234567'", "a time such as"},
		{"made = '2024-01-01 '", "a time such as"},
		{"seen = '2024-01-01 00:00:00 Europe/Berlin'", "a time such as"},
		{"seen = '2024-01-01 00:00:00+99'", "a time such as"},
		{"seen = 'infinity'", "a time such as"},
		{"token = '1b4e28ba2fa111d2883f0016d3cca427'", "a UUID such as"},
		{"token = '1b4e28ba-2fa1-11d2-883f-0016d3cca42g'", "a UUID such as"},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct error err = {0};
		if (filter_compile(cases[i][0], table, &arena, &err) ||
			!strstr(err.text, cases[i][1]))
			fail_msg("%s: %s", cases[i][0], err.text);
	}
}

static void what_would_mean_something_else_in_the_source_is_refused(void **unused)
{
	(void)unused;
	static const char *const cases[][2] = {
		{"status > 'a'",
			"column status is text: text is ordered by the collation of the source"},
		{"status between 'a' and 'b'", "text is ordered by the collation of the source"},
		{"level > 'low'", "an enum is compared by = <> and IN only"},
		{"level like 'l%'", "LIKE is for text columns"},
		{"code = 'x'",
			"column code is character(8): the source ignores the trailing blanks"},
		{"code like 'x%'", "the source ignores the trailing blanks"},
		{"email = 'A@B'",
			"column email is public.citext: the source ignores upper and lower case"},
		{"email in ('A@B')", "the source ignores upper and lower case"},
		{"address = '10.0.0.1'",
			"carried as text, which the source compares by other rules"},
		{"doc = '{}'", "JSON is not compared"},
		{"tags is null", "points, arrays and maps are not compared"},
		{"wide = 1", "the source compares its exact value"},
		{"id like '1%'", "LIKE is for text columns"},
		{"weight in (0.1, 0.2)", "IN compares a real in another precision"},
		{"phone is null", "column phone is under a rule"},
		{"phone = '1'", "column phone is under a rule"},
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct error err = {0};
		if (filter_compile(cases[i][0], table, &arena, &err) ||
			!strstr(err.text, cases[i][1]))
			fail_msg("%s: %s", cases[i][0], err.text);
	}
}

static void a_message_quotes_no_half_character(void **unused)
{
	(void)unused;
	refuses("id = 1 üüüüüüüüüüüüüüüüüüüüüüüüüüüüüü",
		"public.orders: where: AND, OR or the end was expected, at offset 7, near "
		"\"üüüüüüüüüüüüüüüüüüüü\"");
	refuses("id = 1 xüüüüüüüüüüüüüüüüüüüüüüüüüüüüüü",
		"public.orders: where: AND, OR or the end was expected, at offset 7, near "
		"\"xüüüüüüüüüüüüüüüüüüü\"");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(integers_compare_by_value),
		TEST(the_ends_of_integer_ranges_can_be_written),
		TEST(decimals_compare_exactly),
		TEST(text_compares_for_equality),
		TEST(names_fold_unless_quoted),
		TEST(like_is_that_of_sql),
		TEST(a_pattern_with_many_wildcards_ends),
		TEST(unknown_is_neither_true_nor_false),
		TEST(and_binds_tighter_than_or_and_not_tighter_than_and),
		TEST(booleans_stand_alone_or_compare),
		TEST(floats_compare_as_the_source_does),
		TEST(days_and_times_are_read_strictly),
		TEST(uuids_compare_by_their_bytes),
		TEST(columns_of_any_type_can_be_asked_for_null),
		TEST(a_filter_knows_whether_the_key_decides_it),
		TEST(a_long_chain_is_not_a_deep_one),
		TEST(nesting_is_bounded),
		TEST(what_is_no_filter_is_refused_with_its_place),
		TEST(what_a_type_cannot_hold_is_refused),
		TEST(what_would_mean_something_else_in_the_source_is_refused),
		TEST(a_message_quotes_no_half_character),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
