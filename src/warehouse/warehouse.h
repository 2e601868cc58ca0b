/*
 * The embedded ClickHouse: a real server out of libchdb, in a child process, for the whole time that
 * the process runs. A thread of ours starts it, restarts it on the same ports when it dies (with
 * backoff, logged), and ends it. It dies with its parent, whatever the parent dies of.
 *
 * In its folder: data/ (ClickHouse's own), config.xml and users.xml (written anew at each start; files
 * in config.d/ and users.d/ beside them are ClickHouse's usual way to add to both), server.log (its
 * warnings and errors, rotated at 10 MB), output.log (what it says when it cannot start).
 */
#ifndef WAREHOUSE_WAREHOUSE_H
#define WAREHOUSE_WAREHOUSE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "base/attrs.h"
#include "base/error.h"

struct warehouse_options {
	const char *dir;    /* its folder; made when missing */
	const char *listen; /* a numeric address; NULL: 127.0.0.1 */
	int64_t http_port;  /* 0: any free one */
	int64_t tcp_port;   /* native protocol; 0: any free one */
	/* NULL, or "default", and NULL: the user `default` without a password; only this machine may
	 * connect, and that user reaches neither files nor programs of the machine. Another name, with a
	 * password: that user may do all, from wherever `listen` is reached. */
	const char *user, *password;
	int64_t memory_bytes; /* what it may use; 0: half of the machine's */
};

struct warehouse;

/* Returns once it answers. The options are copied. NULL: a port is taken (ERROR_CONFIG, names the
 * option), another process has the folder (ERROR_CONFIG), libchdb is not to be found (ERROR_CONFIG), or
 * the child died (ERROR_BROKEN, with the last lines of what it said). */
MUST_CHECK struct warehouse *warehouse_start(const struct warehouse_options *, struct error *err);
void warehouse_stop(struct warehouse *); /* NULL-safe; SIGTERM, after 10 s SIGKILL */

/* Any thread, until warehouse_stop(). */
const char *warehouse_url(const struct warehouse *); /* "http://127.0.0.1:8123" */
int warehouse_http_port(const struct warehouse *);
int warehouse_tcp_port(const struct warehouse *);
pid_t warehouse_pid(struct warehouse *); /* 0 while it is down */

/*
 * The child's side: main() calls it when argv[1] is WAREHOUSE_CHILD, and ends with what it returns. The
 * process is the program itself, executed again, because libchdb wants a process of its own.
 */
#define WAREHOUSE_CHILD "warehouse-server"
int warehouse_child_main(int argc, char **argv);

#endif
