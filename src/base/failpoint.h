/*
 * Named places where a test lets the process die or fail. TAILRACE_FAILPOINT="name=kill" (SIGKILL
 * at the first pass), "name=kill@7" (at the seventh), "name=error@3" (failpoint() returns true
 * there once), "name=stop" (SIGSTOP, until SIGCONT), several separated by commas. Unset, a pass
 * costs one load of a static flag.
 */
#ifndef BASE_FAILPOINT_H
#define BASE_FAILPOINT_H

#include <stdbool.h>

extern bool failpoints_set;
void failpoints_init(void); /* reads the environment; once, at the start of main */
bool failpoint_hit(const char *name);

static inline bool failpoint(const char *name)
{
	return __builtin_expect(failpoints_set, 0) && failpoint_hit(name);
}

#endif
