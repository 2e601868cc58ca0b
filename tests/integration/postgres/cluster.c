/* See cluster.h. PostgreSQL refuses to run as root: then it is run as the user postgres. */
#include "cluster.h"

#include <glob.h>
#include <grp.h>
#include <pwd.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/clock.h"
#include "base/mem.h"

#define MAX_ARGUMENTS 64

static char *program(const char *name)
{
	const char *folder = getenv("TEST_PG_BIN");
	glob_t found = {0};

	if (folder)
		return xasprintf("%s/%s", folder, name);
	if (glob("/usr/lib/postgresql/*/bin", 0, NULL, &found) != 0)
		fail_msg("there is no PostgreSQL in /usr/lib/postgresql; set TEST_PG_BIN");
	char *path = xasprintf("%s/%s", found.gl_pathv[found.gl_pathc - 1], name);
	globfree(&found);
	return path;
}

static const struct passwd *unprivileged_user(void)
{
	return geteuid() == 0 ? getpwnam("postgres") : NULL;
}

/* In the child: gives up root, and dies with the test program. */
static void become_server(const char *log)
{
	const struct passwd *user = unprivileged_user();
	int out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);

	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	close(STDIN_FILENO);
	if (user && (setgroups(0, NULL) || setgid(user->pw_gid) || setuid(user->pw_uid)))
		_exit(126);
	prctl(PR_SET_PDEATHSIG, SIGQUIT); /* an immediate shutdown */
}

static pid_t run(const struct cluster *c, char *const *arguments)
{
	CLEANUP(free_string) char *log = xasprintf("%s/log", c->folder);
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		become_server(log);
		execv(arguments[0], arguments);
		_exit(127);
	}
	return pid;
}

static void make_folder(struct cluster *c)
{
	const struct passwd *user = unprivileged_user();

	snprintf(c->folder, sizeof c->folder, "/var/tmp/tailrace-postgres-XXXXXX");
	assert_non_null(mkdtemp(c->folder));
	if (user)
		assert_int_equal(chown(c->folder, user->pw_uid, user->pw_gid), 0);
}

static void make_cluster(const struct cluster *c)
{
	CLEANUP(free_string) char *initdb = program("initdb");
	CLEANUP(free_string) char *data = xasprintf("%s/data", c->folder);
	char *arguments[] = {initdb, (char *)"-D", data, (char *)"-U", (char *)"postgres",
		(char *)"-A", (char *)"trust", (char *)"-E", (char *)"UTF8",
		(char *)"--locale=C.UTF-8", (char *)"--no-sync", NULL};
	int status;

	pid_t pid = run(c, arguments);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (status)
		fail_msg("initdb failed; see %s/log", c->folder);
}

static void wait_for_server(const struct cluster *c)
{
	for (int tries = 0; PQping(c->url) != PQPING_OK; tries++) {
		if (tries > 1500)
			fail_msg("PostgreSQL does not come up; see %s/log", c->folder);
		nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
	}
}

void cluster_start(struct cluster *c, const char *const *settings)
{
	make_folder(c);
	make_cluster(c);
	CLEANUP(free_string) char *postgres = program("postgres");
	CLEANUP(free_string) char *data = xasprintf("%s/data", c->folder);
	const char *arguments[MAX_ARGUMENTS] = {postgres, "-D", data, "-k", c->folder, "-c",
		"listen_addresses=", "-c", "wal_level=logical", "-c", "fsync=off", "-c",
		"max_prepared_transactions=10", "-c", "autovacuum=off"};
	size_t n = 0;

	while (arguments[n])
		n++;
	for (; settings && *settings; settings++)
		arguments[n++] = *settings;
	c->pid = run(c, (char *const *)arguments);
	snprintf(c->url, sizeof c->url, "postgresql://postgres@/postgres?host=%s", c->folder);
	wait_for_server(c);
	c->conn = cluster_connect(c);
}

void cluster_stop(struct cluster *c)
{
	CLEANUP(free_string) char *remove = xasprintf("rm -rf %s", c->folder);

	PQfinish(c->conn);
	if (c->pid > 0) {
		kill(c->pid, SIGQUIT);
		waitpid(c->pid, NULL, 0);
	}
	if (c->folder[0])
		assert_int_equal(system(remove), 0);
}

PGconn *cluster_connect(const struct cluster *c)
{
	PGconn *conn = PQconnectdb(c->url);

	if (PQstatus(conn) != CONNECTION_OK)
		fail_msg("%s", PQerrorMessage(conn));
	sql(conn, "SET client_min_messages = warning");
	return conn;
}

static PGresult *execute(PGconn *conn, const char *text)
{
	PGresult *result = PQexec(conn, text);
	ExecStatusType status = PQresultStatus(result);

	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
		fail_msg("%s: %s", text, PQerrorMessage(conn));
	return result;
}

void sql(PGconn *conn, const char *text)
{
	PQclear(execute(conn, text));
}

char *sql_value(PGconn *conn, const char *text)
{
	PGresult *result = execute(conn, text);
	char *value = xstrdup(PQntuples(result) ? PQgetvalue(result, 0, 0) : "");

	PQclear(result);
	return value;
}

void sql_await(PGconn *conn, const char *text, const char *expected)
{
	for (int64_t began_ms = mono_ms(); mono_ms() - began_ms < 20000; usleep(10000)) {
		char *value = sql_value(conn, text);
		bool there = !strcmp(value, expected);
		free(value);
		if (there)
			return;
	}
	fail_msg("it is not %s: %s", expected, text);
}

void cluster_wait_for_slots(const struct cluster *c)
{
	sql_await(c->conn, "SELECT count(*) FROM pg_replication_slots WHERE active", "0");
}

void cluster_clean(const struct cluster *c)
{
	cluster_wait_for_slots(c);
	sql(c->conn, "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots");
	sql(c->conn, "DROP PUBLICATION IF EXISTS tailrace_shop, tailrace_shop_insert;"
		     "DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT ALL ON SCHEMA "
		     "public TO public");
}
