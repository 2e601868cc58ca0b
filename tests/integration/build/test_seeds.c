/* Seeds on a real server: what a CSV file becomes. */
#include <unistd.h>
#include "project.h"

#define TYPES                                                                       \
	"SELECT arrayStringConcat(groupArray(concat(name, ' ', type)), ', ') FROM " \
	"(SELECT * FROM system.columns WHERE database = '{db}' AND table = 's' ORDER BY position)"

static void types_are_told_from_values(void **state)
{
	struct shop *s = *state;

	write_file(s, "seeds/s.csv",
		"id,zip,price,day,at,yes,note,none,mixed,nulls,old\n"
		"1,01234,1.50,2026-11-20,2026-11-20 10:11:12,true,x,,1,5,1950-01-01\n"
		"-2,99999,2e3,2026-11-21,2026-11-21T10:11:12.5Z,FALSE,,,x,null,2026-01-01\n");
	build(s, "s");
	assert_string_equal(s->message, "seed of 2 rows");
	assert_gives(s, TYPES,
		"id Int64, zip String, price Float64, day Date, at DateTime64(6, \\'UTC\\'), yes "
		"Bool, "
		"note Nullable(String), none Nullable(String), mixed String, nulls "
		"Nullable(Int64), old Date32");
	assert_gives(s, "SELECT * FROM {db}.s ORDER BY id",
		"-2\t99999\t2000\t2026-11-21\t2026-11-21 "
		"10:11:12.500000\tfalse\t\\N\t\\N\tx\t\\N\t2026-01-01\n"
		"1\t01234\t1.5\t2026-11-20\t2026-11-20 "
		"10:11:12.000000\ttrue\tx\t\\N\t1\t5\t1950-01-01");
	assert_string_equal(tables(s), "s");
}

static void what_a_type_would_change_stays_text(void **state)
{
	struct shop *s = *state;

	write_file(s, "seeds/s.csv",
		"a,b,c,d,e,f\n+49,12345678901234567890,1.2345678901234567,-0,2026-02-30,NULL and "
		"void\n");
	build(s, "s");
	assert_gives(s, TYPES, "a String, b String, c String, d Float64, e String, f String");
	write_file(s, "seeds/s.csv", "a\nnull\nNull\nx\n");
	build(s, "s");
	assert_gives(s, "SELECT * FROM {db}.s ORDER BY a", "Null\nnull\nx");
}

static void quotes_hold_everything(void **state)
{
	struct shop *s = *state;

	write_file(s, "seeds/s.csv",
		"\xef\xbb\xbf\"a\",\"the b, \"\"quoted\"\"\"\r\n\"line\none\ttab\\N\",\"say "
		"\"\"hi\"\"\"\r\n\r\n\"\",5\" tall");
	build(s, "s");
	assert_gives(s, "SELECT * FROM {db}.s ORDER BY 2 FORMAT JSONCompactEachRowWithNames",
		"[\"a\", \"the b, \\\"quoted\\\"\"]\n[null, \"5\\\" "
		"tall\"]\n[\"line\\none\\ttab\\\\N\", \"say \\\"hi\\\"\"]");
}

static void column_types_and_delimiter_are_configured(void **state)
{
	struct shop *s = *state;

	write_file(s, "seeds/s.csv", "a;b;c\n1;2;\n3;;x\n");
	write_file(s, "seeds/s.yml",
		"seeds: [{name: s, config: {delimiter: ';', order_by: a, column_types: {a: UInt8, "
		"b: Nullable(String), c: String}}}]");
	build(s, "s");
	assert_gives(s, TYPES, "a UInt8, b Nullable(String), c String");
	assert_gives(s, "SELECT * FROM {db}.s", "1\t2\t\n3\t\\N\tx");
	write_file(s, "seeds/s.yml",
		"seeds: [{name: s, config: {delimiter: ';', column_types: {b: Int8}}}]");
	assert_string_equal(refusal(s, "s", ""),
		"seeds/s.csv:3: column 'b' is empty, and its type Int8 takes no NULL; "
		"make it Nullable(Int8) in "
		"column_types");
	write_file(s, "seeds/s.yml",
		"seeds: [{name: s, config: {delimiter: ';', column_types: {x: Int8}}}]");
	assert_non_null(strstr(
		refusal(s, "s", ""), "column_types names 'x', which is no column of the file"));
	assert_gives(s, "SELECT count() FROM {db}.s", "2");
}

static void a_broken_file_is_refused_with_its_line(void **state)
{
	struct shop *s = *state;

	write_file(s, "seeds/s.csv", "a,b\n1,2\n3\n");
	assert_string_equal(refusal(s, "s", ""),
		"seeds/s.csv:3: 1 cells, where the first line names 2 columns");
	write_file(s, "seeds/s.csv", "a,b\n1,\"2\n3,4\n");
	assert_string_equal(
		refusal(s, "s", ""), "seeds/s.csv:2: a quote is opened here and not closed");
	write_file(s, "seeds/s.csv", "a,a\n1,2\n");
	assert_string_equal(refusal(s, "s", ""), "seeds/s.csv:1: two columns are called 'a'");
	write_file(s, "seeds/s.csv", "a\n\xff\n");
	assert_string_equal(refusal(s, "s", ""), "seeds/s.csv:2: a cell is not UTF-8 text");
	write_file(s, "seeds/s.csv", "\n");
	assert_string_equal(refusal(s, "s", ""), "seeds/s.csv: has no line of column names");
	assert_string_equal(tables(s), "");
}

static void a_large_file_is_streamed(void **state)
{
	struct shop *s = *state;

	write_file(s, "seeds/s.csv", "");
	CLEANUP(free_string) char *path = xasprintf("%s/seeds/s.csv", s->folder);
	FILE *file = fopen(path, "w");
	fprintf(file, "id,text\n");
	for (int i = 0; i < 300000; i++)
		fprintf(file, "%d,\"row %d of, many\"\n", i, i);
	fclose(file);
	build(s, "s");
	assert_gives(s, "SELECT count(), sum(id), uniqExact(text) FROM {db}.s",
		"300000\t44999850000\t300000");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		SHOP_TEST(types_are_told_from_values),
		SHOP_TEST(what_a_type_would_change_stays_text),
		SHOP_TEST(quotes_hold_everything),
		SHOP_TEST(column_types_and_delimiter_are_configured),
		SHOP_TEST(a_broken_file_is_refused_with_its_line),
		SHOP_TEST(a_large_file_is_streamed),
	};
	return run_group(argc, argv, tests, COUNT_OF(tests));
}
