/* Failpoints, each setting in a process of its own. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/failpoint.h"

/* Passes "a" and "b" alternately eight times; the exit code is 100 + the pass at which "a" failed, or 100. */
static int run(const char *setting)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		int failed = 0;
		fclose(stderr);
		if (setting)
			setenv("TAILRACE_FAILPOINT", setting, 1);
		else
			unsetenv("TAILRACE_FAILPOINT");
		failpoints_init();
		for (int pass = 1; pass <= 8; pass++) {
			if (failpoint("a") && !failed)
				failed = pass;
			else if (failpoint("a"))
				_exit(1);
			if (failpoint("b"))
				_exit(50 + pass);
		}
		_exit(100 + failed);
	}
	waitpid(child, &status, 0);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void nothing_fails_without_a_setting(void **state)
{
	(void)state;
	assert_int_equal(run(NULL), 100);
	assert_int_equal(run(""), 100);
	assert_int_equal(run("other=kill"), 100);
}

static void an_error_comes_once_at_its_pass(void **state)
{
	(void)state;
	assert_int_equal(run("a=error"), 101);
	assert_int_equal(run("a=error@1"), 101);
	assert_int_equal(run("b=error@3"), 53);
	assert_int_equal(run("b=error@99"), 100);
	assert_int_equal(run("other=kill,b=error@2"), 52);
}

static void a_kill_ends_the_process_at_its_pass(void **state)
{
	(void)state;
	assert_int_equal(run("a=kill"), -SIGKILL);
	assert_int_equal(run("b=kill@4,b=error@6"), -SIGKILL);
	assert_int_equal(run("b=kill@4,b=error@3"), 53);
}

static void a_setting_that_does_not_parse_ends_the_process(void **state)
{
	static const char *const wrong[] = {
		"a", "a=", "=kill", "a=explode", "a=kill@", "a=kill@0", "a=kill@x", "a=kill@2x"};

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_int_equal(run(wrong[i]), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_fails_without_a_setting),
		cmocka_unit_test(an_error_comes_once_at_its_pass),
		cmocka_unit_test(a_kill_ends_the_process_at_its_pass),
		cmocka_unit_test(a_setting_that_does_not_parse_ends_the_process),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
