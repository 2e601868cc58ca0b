/*
 * A program run to its end: what it says is handed on line by line, it ends at a deadline or when somebody wants so
 * (SIGTERM to its process group, SIGKILL to all that is left of it, 5 s later at most), and it dies with us.
 */
#ifndef BUILD_PROCESS_H
#define BUILD_PROCESS_H

#include <stdatomic.h>
#include <stdint.h>
#include "base/attrs.h"
#include "base/error.h"

struct process {
	const char *const *argv, *const *env; /* both end with NULL */
	const char *folder;                   /* it runs in */
	const char *input;                    /* its standard input */
	int64_t deadline_ms;                  /* of mono_ms(); 0: none */
	const atomic_bool *cancelled;         /* or NULL */
	/* a line of its standard output or error, without the newline; of longer ones a piece */
	void (*line)(void *context, const char *line);
	void *context;
};

/* True: it ended with 0. ERROR_RETRY: its time was over, it was cancelled, or it ended with 75 (EX_TEMPFAIL: try
 * again); ERROR_TABLE: with another code, or by a signal; ERROR_CONFIG: it could not be started. */
MUST_CHECK bool process_run(const struct process *p, struct error *err);

#endif
