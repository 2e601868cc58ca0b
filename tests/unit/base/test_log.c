/* Log lines as they arrive at the other end of stderr: a pipe, a datagram socket, a terminal. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/log.h"

static int real_stderr;
static char line[8192];

/* Lets stderr go to fd. */
static void redirect(int fd)
{
	real_stderr = dup(STDERR_FILENO);
	dup2(fd, STDERR_FILENO);
}

static void restore(void)
{
	dup2(real_stderr, STDERR_FILENO);
	close(real_stderr);
}

/* A socket of datagrams keeps the boundaries of write(): ends[0] reads what ends[1] is written. */
static void capture(int ends[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
	redirect(ends[1]);
}

/* The next line with its time, which differs each time, taken out of `time=...`; "" when there is none. */
static const char *next_line(int from)
{
	ssize_t n = recv(from, line, sizeof line - 1, MSG_DONTWAIT);
	line[n > 0 ? n : 0] = '\0';
	if (!strncmp(line, "time=", 5))
		return line + strlen("time=2026-11-02T10:11:12.123456Z ");
	if (!strncmp(line, "{\"time\":\"", 9))
		return line + strlen("{\"time\":\"2026-11-02T10:11:12.123456Z\",");
	return line;
}

static void finish(int ends[2])
{
	restore();
	close(ends[0]);
	close(ends[1]);
	log_setup(LOG_INFO, LOG_LOGFMT);
}

static void a_line_is_one_write_with_time_level_message_and_fields(void **state)
{
	int ends[2];

	(void)state;
	capture(ends);
	log_setup(LOG_INFO, LOG_LOGFMT);
	log_info("table copied", F("stream", "shop"), F("rows", (uint32_t)12), F("seconds", 1.5));
	log_info("started");
	const char *got = next_line(ends[0]);
	assert_string_equal(
		got, "level=info msg=\"table copied\" stream=shop rows=12 seconds=1.5\n");
	assert_memory_equal(line, "time=20", 7);
	assert_int_equal(line[5 + 26], 'Z');
	assert_string_equal(next_line(ends[0]), "level=info msg=started\n");
	assert_string_equal(next_line(ends[0]), "");
	finish(ends);
}

static void logfmt_quotes_what_a_bare_word_cannot_hold(void **state)
{
	static const char *const cases[][2] = {
		{"plain", "plain"},
		{"", "\"\""},
		{"two words", "\"two words\""},
		{"a=b", "\"a=b\""},
		{"say \"hi\"", "\"say \\\"hi\\\"\""},
		{"back\\slash", "\"back\\\\slash\""},
		{"line\nbreak", "\"line\\nbreak\""},
		{"\033[31m", "\"\\u001b[31m\""},
		{"caf\xc3\xa9", "caf\xc3\xa9"},
		{"\xff", "\"\\ufffd\""},
		{NULL, "null"},
	};
	int ends[2];

	(void)state;
	capture(ends);
	log_setup(LOG_INFO, LOG_LOGFMT);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char expected[200];
		snprintf(expected, sizeof expected, "level=warn msg=m v=%s\n", cases[i][1]);
		log_warn("m", F("v", cases[i][0]));
		assert_string_equal(next_line(ends[0]), expected);
	}
	finish(ends);
}

static void json_lines_hold_numbers_strings_and_null(void **state)
{
	int ends[2];

	(void)state;
	capture(ends);
	log_setup(LOG_INFO, LOG_JSON);
	log_error("it \"broke\"", F("n", (int64_t)-5), F("s", "a b"), F("none", (char *)NULL),
		F("d", 0.25), F("nan", (double)NAN), F("inf", -(double)INFINITY));
	assert_string_equal(next_line(ends[0]),
		"\"level\":\"error\",\"msg\":\"it \\\"broke\\\"\",\"n\":-5,\"s\":\"a "
		"b\",\"none\":null,\"d\":0.25,"
		"\"nan\":\"nan\",\"inf\":\"-inf\"}\n");
	finish(ends);
}

static void lines_below_the_least_level_are_not_written(void **state)
{
	int ends[2];

	(void)state;
	capture(ends);
	log_setup(LOG_WARN, LOG_LOGFMT);
	assert_int_equal(log_least(), LOG_WARN);
	log_debug("no");
	log_info("no");
	log_warn("yes");
	log_error("yes");
	assert_string_equal(next_line(ends[0]), "level=warn msg=yes\n");
	assert_string_equal(next_line(ends[0]), "level=error msg=yes\n");
	assert_string_equal(next_line(ends[0]), "");
	log_setup(LOG_DEBUG, LOG_LOGFMT);
	log_debug("now");
	assert_string_equal(next_line(ends[0]), "level=debug msg=now\n");
	finish(ends);
}

static void logging_leaves_errno_alone(void **state)
{
	int ends[2];

	(void)state;
	capture(ends);
	close(STDERR_FILENO);
	errno = ENOENT;
	log_error("nobody hears this");
	assert_int_equal(errno, ENOENT);
	finish(ends);
}

static bool coloured_on_a_terminal(const char *no_color)
{
	int terminal = posix_openpt(O_RDWR | O_NOCTTY);
	assert_true(terminal >= 0);
	assert_int_equal(grantpt(terminal), 0);
	assert_int_equal(unlockpt(terminal), 0);
	int end = open(ptsname(terminal), O_RDWR | O_NOCTTY);
	assert_true(end >= 0);
	if (no_color)
		setenv("NO_COLOR", no_color, 1);
	else
		unsetenv("NO_COLOR");
	redirect(end);
	log_setup(LOG_INFO, LOG_LOGFMT);
	log_info("hello");
	restore();
	ssize_t n = read(terminal, line, sizeof line - 1);
	line[n > 0 ? n : 0] = '\0';
	close(end);
	close(terminal);
	log_setup(LOG_INFO, LOG_LOGFMT);
	assert_non_null(strstr(line, "msg=hello"));
	return strchr(line, '\033');
}

static void colour_is_for_terminals_without_no_color(void **state)
{
	int ends[2];

	(void)state;
	assert_true(coloured_on_a_terminal(NULL));
	assert_true(coloured_on_a_terminal(""));
	assert_false(coloured_on_a_terminal("1"));
	unsetenv("NO_COLOR");
	capture(ends);
	log_setup(LOG_INFO, LOG_LOGFMT);
	log_info("hello");
	assert_null(strchr(next_line(ends[0]), '\033'));
	finish(ends);
}

#define WRITERS 4
#define LINES   200

static void *write_lines(void *name)
{
	for (int i = 0; i < LINES; i++)
		log_info("line", F("who", (const char *)name),
			F("pad", "................................"));
	return NULL;
}

static void lines_of_several_threads_do_not_mix(void **state)
{
	static char names[WRITERS][2] = {"a", "b", "c", "d"};
	pthread_t threads[WRITERS];
	char path[] = "/tmp/tailrace-log-XXXXXX", got[256];
	int fd = mkstemp(path), counts[WRITERS] = {0};

	(void)state;
	redirect(fd);
	log_setup(LOG_INFO, LOG_LOGFMT);
	for (int i = 0; i < WRITERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, write_lines, names[i]), 0);
	for (int i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
	restore();
	FILE *file = fopen(path, "r");
	while (fgets(got, sizeof got, file)) {
		char who;
		assert_int_equal(
			sscanf(got, "time=%*s level=info msg=line who=%c pad=....", &who), 1);
		assert_true(
			strlen(got) ==
			strlen("time=2026-11-02T10:11:12.123456Z level=info msg=line who=a pad=") +
				33);
		assert_in_range(who, 'a', 'd');
		counts[who - 'a']++;
	}
	for (int i = 0; i < WRITERS; i++)
		assert_int_equal(counts[i], LINES);
	fclose(file);
	close(fd);
	unlink(path);
}

/* The last test, since there is no way back. */
static void lines_go_to_a_file_once_one_is_named(void **state)
{
	char path[] = "/tmp/test_log.XXXXXX", got[256];
	struct error err = {0};
	int ends[2], fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_false(log_to_file("/nonexistent/log", &err));
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_non_null(strstr(err.text, "/nonexistent/log: "));
	assert_int_equal(write(fd, "earlier\n", 8), 8);
	capture(ends);
	assert_true(log_to_file(path, &err));
	log_warn("to the file");
	assert_string_equal(next_line(ends[0]), "");
	finish(ends);
	ssize_t n = pread(fd, got, sizeof got - 1, 0);
	got[n > 0 ? n : 0] = '\0';
	assert_memory_equal(got, "earlier\ntime=", 13);
	assert_non_null(strstr(got, " level=warn msg=\"to the file\"\n"));
	close(fd);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_one_write_with_time_level_message_and_fields),
		cmocka_unit_test(logfmt_quotes_what_a_bare_word_cannot_hold),
		cmocka_unit_test(json_lines_hold_numbers_strings_and_null),
		cmocka_unit_test(lines_below_the_least_level_are_not_written),
		cmocka_unit_test(logging_leaves_errno_alone),
		cmocka_unit_test(colour_is_for_terminals_without_no_color),
		cmocka_unit_test(lines_of_several_threads_do_not_mix),
		cmocka_unit_test(lines_go_to_a_file_once_one_is_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
