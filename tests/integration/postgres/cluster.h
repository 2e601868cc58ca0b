/*
 * A PostgreSQL of a test program's own: made in a temporary folder, reached by a socket in it, ended with
 * the program whatever becomes of it. TEST_PG_BIN: a folder of PostgreSQL's programs, instead of the newest
 * installed one.
 */
#ifndef TESTS_POSTGRES_CLUSTER_H
#define TESTS_POSTGRES_CLUSTER_H

#include <libpq-fe.h>
#include <sys/types.h>

struct cluster {
	char folder[64];
	char url[160]; /* as the superuser postgres, database postgres */
	pid_t pid;
	PGconn *conn; /* for the test's own statements */
};

/* More settings: "-c", "name=value", ..., NULL. Fails the test when the server does not come up. */
void cluster_start(struct cluster *, const char *const *settings);
void cluster_stop(struct cluster *);

/* Waits until every slot is free: a connection that was closed lets go of it a moment later. */
void cluster_wait_for_slots(const struct cluster *);
/* As at the start: no slots, no publications of ours, schema public empty. */
void cluster_clean(const struct cluster *);

/* A connection more, and statements whose failure fails the test. */
PGconn *cluster_connect(const struct cluster *);
void sql(PGconn *, const char *text);
char *sql_value(PGconn *, const char *text); /* first value of the result, to be freed */
/* Asks until that value is the expected one; fails the test after 20 s. */
void sql_await(PGconn *, const char *text, const char *expected);

#endif
