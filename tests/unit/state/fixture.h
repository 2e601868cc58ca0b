/* What the tests of the state store share: a folder of their own, and short ways to a stream. */
#ifndef TESTS_STATE_FIXTURE_H
#define TESTS_STATE_FIXTURE_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "state/store.h"

static char dir[64];

static int make_folder(void **unused)
{
	(void)unused;
	snprintf(dir, sizeof dir, "/tmp/tailrace-state-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static int remove_folder(void **unused)
{
	(void)unused;
	return nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static inline void assert_ok(bool ok, const struct error *err)
{
	if (!ok)
		fail_msg("%s", err->text);
}

static inline struct state *open_state(void)
{
	struct error err = {0};
	struct state *s = state_open(dir, &err);
	assert_ok(s != NULL, &err);
	return s;
}

static inline struct position at(unsigned __int128 order, const char *token)
{
	struct position position = {.order = order, .commit_time_us = 1700000000000000};
	snprintf(position.token, sizeof position.token, "%s", token);
	return position;
}

static inline bool begin(struct state *s, uint8_t epoch, unsigned __int128 order, struct error *err)
{
	struct resume resume = {.identity = "system=1", .position = at(order, "begin")};
	return state_stream_begin(s, "shop", epoch, &resume, err);
}

static inline bool advance(struct state *s, unsigned __int128 order, struct error *err)
{
	struct position position = at(order, "advance");
	return state_stream_advance(s, "shop", &position, 1, err);
}

static inline struct stream_state get(struct state *s)
{
	struct stream_state stream;
	struct error err = {0};
	bool found;
	assert_ok(state_stream_get(s, "shop", &stream, &found, &err), &err);
	assert_true(found);
	return stream;
}

/* Runs a function in a process of its own, which must end with 0. */
static inline void in_other_process(void (*run)(void))
{
	pid_t pid = fork();
	if (pid == 0) {
		run();
		_exit(0);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

#endif
