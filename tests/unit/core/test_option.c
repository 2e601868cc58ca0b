/* Option tables: values, units, ranges, secrets, messages, and the reference page. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "core/option.h"
#include "core/units.h"

struct settings {
	const char *host, *url;
	int64_t batch_rows, memory, wait_ms, least;
	bool tls;
	int mode;
};

static const char *const modes[] = {"fast", "safe", NULL};
static const struct option table[] = {
	{"host", OPTION_STRING, offsetof(struct settings, host), "localhost",
		.help = "Where it is."},
	{"url", OPTION_SECRET, offsetof(struct settings, url), .required = true,
		.help = "How to reach it."},
	{"batch_rows", OPTION_INT, offsetof(struct settings, batch_rows), "500000", 1, 500000,
		.help = "Rows."},
	{"memory", OPTION_BYTES, offsetof(struct settings, memory), "64MiB", 1024, (int64_t)1 << 30,
		.help = "Memory."},
	{"wait", OPTION_DURATION, offsetof(struct settings, wait_ms), "100ms", 0, 3600000,
		.help = "Wait a|b."},
	{"least", OPTION_INT, offsetof(struct settings, least), NULL, 1, INT64_MAX,
		.help = "At least one."},
	{"tls", OPTION_BOOL, offsetof(struct settings, tls), "true", .help = "Encrypts."},
	{"mode", OPTION_CHOICE, offsetof(struct settings, mode), "safe", .choices = modes,
		.help = "How."},
	OPTION_END,
};

static struct arena arena;
static struct settings settings;
static struct error err;

static int start(void **state)
{
	(void)state;
	arena_init(&arena);
	settings = (struct settings){0};
	err = (struct error){0};
	assert_true(option_defaults(table, &settings, &arena, &err));
	return 0;
}

static int stop(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

static bool set(const char *name, const char *value)
{
	return option_set(table, &settings, name, value, &arena, &err);
}

static void assert_refused(const char *name, const char *value, const char *message)
{
	struct settings before = settings;

	assert_false(set(name, value));
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_string_equal(err.text, message);
	assert_memory_equal(&before, &settings, sizeof before);
}

static void defaults_fill_the_struct(void **state)
{
	(void)state;
	assert_string_equal(settings.host, "localhost");
	assert_null(settings.url);
	assert_int_equal(settings.batch_rows, 500000);
	assert_int_equal(settings.memory, 64 << 20);
	assert_int_equal(settings.wait_ms, 100);
	assert_int_equal(settings.least, 0);
	assert_true(settings.tls);
	assert_int_equal(settings.mode, 1);
}

static void values_of_every_kind_are_set(void **state)
{
	char host[] = "db.example";

	(void)state;
	assert_true(set("host", host));
	host[0] = 'X';
	assert_true(set("url", "postgresql://u:p@h/d"));
	assert_true(set("batch_rows", "1"));
	assert_true(set("memory", "1 GiB"));
	assert_true(set("wait", "1h"));
	assert_true(set("tls", "Off"));
	assert_true(set("mode", "fast"));
	assert_string_equal(settings.host, "db.example");
	assert_string_equal(settings.url, "postgresql://u:p@h/d");
	assert_int_equal(settings.batch_rows, 1);
	assert_int_equal(settings.memory, 1 << 30);
	assert_int_equal(settings.wait_ms, 3600000);
	assert_false(settings.tls);
	assert_int_equal(settings.mode, 0);
}

static void a_value_that_does_not_fit_is_refused_with_what_does(void **state)
{
	(void)state;
	assert_refused("batch_rows", "0", "option 'batch_rows': 0 is not between 1 and 500000");
	assert_refused("batch_rows", "many", "option 'batch_rows': 'many' is not a whole number");
	assert_refused("batch_rows", "1.5", "option 'batch_rows': '1.5' is not a whole number");
	assert_refused("batch_rows", "", "option 'batch_rows': '' is not a whole number");
	assert_refused("batch_rows", " 5", "option 'batch_rows': ' 5' is not a whole number");
	assert_refused("batch_rows", "99999999999999999999",
		"option 'batch_rows': '99999999999999999999' is too large a number");
	assert_refused("least", "-3", "option 'least': -3 is less than 1");
	assert_refused("memory", "1B", "option 'memory': 1B is not between 1KiB and 1GiB");
	assert_refused("memory", "lots",
		"option 'memory': 'lots' is not a size; write it as 64MiB, 500k or 1048576");
	assert_refused("wait", "2h", "option 'wait': 2h is not between 0 and 1h");
	assert_refused("wait", "5",
		"option 'wait': '5' is not a duration; write it with its unit, as 100ms, 5s, 10min "
		"or 1h");
	assert_refused("tls", "maybe", "option 'tls': 'maybe' is neither true nor false");
	assert_refused("mode", "saef",
		"option 'mode': 'saef' is not one of fast, safe; did you mean 'safe'?");
	assert_refused("mode", "quickly", "option 'mode': 'quickly' is not one of fast, safe");
}

static void an_unknown_name_is_refused_with_the_nearest(void **state)
{
	(void)state;
	assert_refused("batch_row", "1", "unknown option 'batch_row'; did you mean 'batch_rows'?");
	assert_refused("hsot", "1", "unknown option 'hsot'; did you mean 'host'?");
	assert_refused("colour", "1",
		"unknown option 'colour'; known are: host, url, batch_rows, memory, wait, least, "
		"tls, mode");
	assert_refused("host_file", "/dev/null",
		"unknown option 'host_file'; known are: host, url, batch_rows, memory, wait, "
		"least, tls, mode");
}

/* Writes the text to a new file whose name goes to `path`. */
static void write_file(char path[32], const char *text)
{
	strcpy(path, "/tmp/tailrace-secret-XXXXXX");
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void a_secret_comes_from_the_first_line_of_a_file(void **state)
{
	char path[32], message[200];

	(void)state;
	write_file(path, "postgresql://u:p@h/d \r\nsecond line\n");
	assert_true(set("url_file", path));
	assert_string_equal(settings.url, "postgresql://u:p@h/d ");
	unlink(path);
	write_file(path, "no newline");
	assert_true(set("url_file", path));
	assert_string_equal(settings.url, "no newline");
	unlink(path);
	write_file(path, "\nsecond");
	snprintf(message, sizeof message, "option 'url_file': the first line of %s is empty", path);
	assert_refused("url_file", path, message);
	unlink(path);
	snprintf(message, sizeof message,
		"option 'url_file': cannot read %s: No such file or directory", path);
	assert_refused("url_file", path, message);
	assert_refused("url_file", "/", "option 'url_file': cannot read /: Is a directory");
}

static void a_required_text_that_is_missing_is_named_with_its_help(void **state)
{
	(void)state;
	assert_false(option_complete(table, &settings, &err));
	assert_string_equal(err.text, "option 'url' is missing: How to reach it.");
	assert_true(set("url", "x"));
	assert_true(option_complete(table, &settings, &err));
}

static void near_names_are_found_and_far_ones_are_not(void **state)
{
	static const char *const names[] = {
		"keep", "order_by", "on_unrepresentable", "as", "error_if", NULL};

	(void)state;
	assert_string_equal(nearest_name("kep", names), "keep");
	assert_string_equal(nearest_name("KEEP", names), "keep");
	assert_string_equal(nearest_name("ordre_by", names), "order_by");
	assert_string_equal(nearest_name("orderby", names), "order_by");
	assert_string_equal(nearest_name("on_unrepresentible", names), "on_unrepresentable");
	assert_string_equal(nearest_name("sa", names), "as");
	assert_null(nearest_name("x", names));
	assert_null(nearest_name("", names));
	assert_null(nearest_name("warehouse", names));
	assert_null(nearest_name("error_msg", names));
	char large[5000];
	memset(large, 'k', sizeof large);
	large[sizeof large - 1] = '\0';
	assert_null(nearest_name(large, names));
}

static void sizes_and_durations_are_read_exactly(void **state)
{
	static const struct {
		const char *text;
		int64_t bytes;
	} sizes[] = {{"0", 0}, {"1", 1}, {"64MiB", 64 << 20}, {"64 mib", 64 << 20},
		{"500k", 500000}, {"500kB", 500000}, {"1.5GiB", 3LL << 29}, {"0.5KiB", 512},
		{"2T", 2000000000000}, {"9223372036854775807", INT64_MAX}, {"1.25M", 1250000},
		{"10B", 10}};
	static const struct {
		const char *text;
		int64_t ms;
	} durations[] = {{"0", 0}, {"100ms", 100}, {"5s", 5000}, {"1.5s", 1500}, {"10min", 600000},
		{"2m", 120000}, {"1h", 3600000}, {"1d", 86400000}, {"5 s", 5000}};
	static const char *const wrong[] = {"", "-1", "x", "5 apples", "1.5.5k", ".5k", "5.", "MiB",
		"1e6", "64MiBx", "9223372036854775808", "9300000T", "0x10", "1 000"};
	int64_t out;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		assert_true(bytes_parse(sizes[i].text, &out));
		assert_int_equal(out, sizes[i].bytes);
	}
	for (size_t i = 0; i < COUNT_OF(durations); i++) {
		assert_true(duration_parse(durations[i].text, &out));
		assert_int_equal(out, durations[i].ms);
	}
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		assert_false(bytes_parse(wrong[i], &out));
		assert_false(duration_parse(wrong[i], &out));
	}
}

static void sizes_and_durations_print_what_reads_back(void **state)
{
	static const char *const sizes[] = {
		"0", "1", "1023", "1KiB", "64MiB", "1GiB", "500kB", "1536KiB", "2TB"};
	static const char *const durations[] = {
		"0", "1ms", "1500ms", "5s", "10min", "1h", "2d", "90s"};
	char text[32];
	int64_t out;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		assert_true(bytes_parse(sizes[i], &out));
		bytes_print(out, text);
		assert_string_equal(text, sizes[i]);
	}
	for (size_t i = 0; i < COUNT_OF(durations); i++) {
		assert_true(duration_parse(durations[i], &out));
		duration_print(out, text);
		assert_string_equal(text, durations[i]);
	}
}

static void the_reference_page_names_every_option_with_default_and_range(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, BUF_MAX);
	option_reference(table, &out);
	assert_string_equal(buf_text(&out),
		"| Option | Type | Default | Values | What it does |\n| --- | --- | --- | --- | "
		"--- |\n"
		"| `host` | text | `localhost` |  | Where it is. |\n"
		"| `url` | secret | required |  | How to reach it. `url_file` reads it from the "
		"first line of a file. |\n"
		"| `batch_rows` | number | `500000` | 1 to 500000 | Rows. |\n"
		"| `memory` | size | `64MiB` | 1KiB to 1GiB | Memory. |\n"
		"| `wait` | duration | `100ms` | 0 to 1h | Wait a\\|b. |\n"
		"| `least` | number |  | at least 1 | At least one. |\n"
		"| `tls` | true or false | `true` |  | Encrypts. |\n"
		"| `mode` | choice | `safe` | `fast`, `safe` | How. |\n");
	buf_release(&out);
}

/* Rows of `table` for a member that is not the first. */
static void a_joined_table_is_part_of_the_outer_one(void **state)
{
	struct outer {
		int64_t before;
		struct settings settings;
		int64_t after;
	} outer = {0};
	static const struct option joining[] = {
		{"before", OPTION_INT, offsetof(struct outer, before), "1", .help = "B."},
		{"settings", OPTION_TABLE, offsetof(struct outer, settings), .table = table},
		{"after", OPTION_INT, offsetof(struct outer, after), "2", .help = "A."},
		OPTION_END,
	};
	(void)state;

	assert_true(option_defaults(joining, &outer, &arena, &err));
	assert_int_equal(outer.before, 1);
	assert_int_equal(outer.after, 2);
	assert_string_equal(outer.settings.host, "localhost");
	assert_int_equal(outer.settings.mode, 1);
	assert_true(option_set(joining, &outer, "mode", "fast", &arena, &err));
	assert_int_equal(outer.settings.mode, 0);
	assert_ptr_equal(option_find(joining, "wait"), option_find(table, "wait"));
	assert_null(option_find(joining, "settings"));
	assert_false(option_complete(joining, &outer, &err));
	assert_non_null(strstr(err.text, "url"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(defaults_fill_the_struct, start, stop),
		cmocka_unit_test_setup_teardown(values_of_every_kind_are_set, start, stop),
		cmocka_unit_test_setup_teardown(
			a_value_that_does_not_fit_is_refused_with_what_does, start, stop),
		cmocka_unit_test_setup_teardown(
			an_unknown_name_is_refused_with_the_nearest, start, stop),
		cmocka_unit_test_setup_teardown(
			a_secret_comes_from_the_first_line_of_a_file, start, stop),
		cmocka_unit_test_setup_teardown(
			a_required_text_that_is_missing_is_named_with_its_help, start, stop),
		cmocka_unit_test_setup_teardown(
			a_joined_table_is_part_of_the_outer_one, start, stop),
		cmocka_unit_test(near_names_are_found_and_far_ones_are_not),
		cmocka_unit_test(sizes_and_durations_are_read_exactly),
		cmocka_unit_test(sizes_and_durations_print_what_reads_back),
		cmocka_unit_test(the_reference_page_names_every_option_with_default_and_range),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
