/* The process of the embedded ClickHouse, seen from its parent: started, its death noticed, ended. */
#ifndef WAREHOUSE_CHILD_H
#define WAREHOUSE_CHILD_H

#include "warehouse/place.h"

struct child {
	pid_t pid;     /* 0: none */
	int lifeline;  /* readable (end of file) once the process is gone */
	off_t said_at; /* where in output.log its words begin */
};

/* From the thread that outlives it: the child dies with that thread, not only with the process. */
MUST_CHECK bool child_start(struct child *, const struct place *, struct error *err);

/* Reaps it, killing it first when it is alive; how: "exit code 1", "signal 9". */
void child_end(struct child *, char *how, size_t size);

/* Asks it to end; true: it did within wait_ms. */
bool child_ask_to_end(struct child *, int wait_ms);

/* The last lines of what it said since its start, into out; how many bytes there are. */
size_t child_words(const struct child *, const struct place *, char *out, size_t size);

#endif
