/* A private PostgreSQL for the demo (cluster.h): initdb once, then `postgres` itself as our child. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "demo/cluster.h"

#define SYSTEM_USER "postgres"
#define READY_MS    60000 /* recovery after a crash included */
#define IN_USE_MS   10000 /* one whose parent was killed needs a moment to end */
#define FAST_MS     20000
#define LOOK_MS     20
#define SOCKET_MAX  90 /* of 107 bytes, for the folder of "/.s.PGSQL.5432" */

struct cluster {
	char *dir;    /* holds data/, log */
	char *socket; /* folder of the socket: dir, or a shorter one */
	char *bin;    /* folder of the server's programs */
	char *url;
	uid_t uid; /* to run as; ours unless we are root */
	gid_t gid;
	pid_t pid; /* 0: not running */
};

extern char **environ;

static uint64_t hash(const char *text)
{
	uint64_t h = 14695981039346656037ull; /* FNV-1a */

	for (; *text; text++)
		h = (h ^ (uint8_t)*text) * 1099511628211ull;
	return h;
}

/* A folder that is ours alone, or the cluster user's. */
static bool own_folder(const struct cluster *c, const char *path, struct error *err)
{
	struct stat st;

	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return error_set(
			err, ERROR_CONFIG, "cannot make the folder %s: %s", path, strerror(errno));
	if (lstat(path, &st) != 0 || !S_ISDIR(st.st_mode) ||
		(st.st_uid != geteuid() && st.st_uid != c->uid))
		return error_set(err, ERROR_CONFIG, "%s is not a folder of ours; remove it", path);
	if (st.st_uid != c->uid && chown(path, c->uid, c->gid) != 0)
		return error_set(err, ERROR_CONFIG, "cannot give %s to the user %s: %s", path,
			SYSTEM_USER, strerror(errno));
	return true;
}

static bool choose_user(struct cluster *c, struct error *err)
{
	c->uid = geteuid();
	c->gid = getegid();
	if (c->uid != 0)
		return true;
	const struct passwd *user = getpwnam(SYSTEM_USER);
	if (!user)
		return error_set(err, ERROR_CONFIG,
			"PostgreSQL refuses to run as root, and there is no user %s; apt-get "
			"install postgresql-15",
			SYSTEM_USER);
	c->uid = user->pw_uid;
	c->gid = user->pw_gid;
	return true;
}

static bool choose_folders(struct cluster *c, const char *dir, struct error *err)
{
	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		return error_set(
			err, ERROR_CONFIG, "cannot make the folder %s: %s", dir, strerror(errno));
	CLEANUP(free_string) char *whole = realpath(dir, NULL);
	if (!whole)
		return error_set(
			err, ERROR_CONFIG, "cannot open the folder %s: %s", dir, strerror(errno));
	unsigned long long id = hash(whole);
	c->dir = geteuid() == 0 ? xasprintf("/var/lib/tailrace-demo-%016llx", id) : xstrdup(whole);
	c->socket = strlen(c->dir) <= SOCKET_MAX ? xstrdup(c->dir)
						 : xasprintf("/tmp/tailrace-demo-%016llx", id);
	return own_folder(c, c->dir, err) && own_folder(c, c->socket, err);
}

/* The number that a file of the cluster begins with; 0: there is none. */
static int number_in(const struct cluster *c, const char *name)
{
	CLEANUP(free_string) char *path = xasprintf("%s/data/%s", c->dir, name);
	char text[16] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool ok = fd >= 0 && read(fd, text, sizeof text - 1) > 0;

	if (fd >= 0)
		close(fd);
	return ok ? atoi(text) : 0;
}

/* The programs of that version, or of the newest one (0): Debian keeps each major version in its folder. */
static bool choose_programs(struct cluster *c, int version, struct error *err)
{
	int best = 0;
	glob_t found;

	if (glob("/usr/lib/postgresql/*/bin/postgres", 0, NULL, &found) == 0) {
		for (size_t i = 0; i < found.gl_pathc; i++) {
			int number = atoi(found.gl_pathv[i] + strlen("/usr/lib/postgresql/"));
			if (number > best && (!version || number == version))
				best = number;
		}
		globfree(&found);
	}
	if (best)
		c->bin = xasprintf("/usr/lib/postgresql/%d/bin", best);
	else if (version)
		return error_set(err, ERROR_CONFIG,
			"the demo's data in %s is of PostgreSQL %d, whose server is not installed; "
			"install postgresql-%d, "
			"or remove that folder to begin anew",
			c->dir, version, version);
	else
		return error_set(err, ERROR_CONFIG,
			"no PostgreSQL server in /usr/lib/postgresql/*/bin; apt-get install "
			"postgresql-15");
	return true;
}

/* In the new process: nothing here but what is safe after fork() in a program of threads. */
static NORETURN void become(const struct cluster *c, char *const *argv, int log, pid_t parent)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* A group of its own: Ctrl-C in the terminal is for us, who end it in order. */
	setpgid(0, 0);
	if (dup2(open("/dev/null", O_RDONLY), 0) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0 ||
		close_range(3, ~0u, 0) != 0 || chdir("/") != 0)
		_exit(126);
	if (geteuid() == 0 &&
		(setgroups(1, &c->gid) != 0 || setgid(c->gid) != 0 || setuid(c->uid) != 0))
		_exit(126);
	/* Behind the change of user, which clears it. SIGQUIT: at once, as by a crash. */
	prctl(PR_SET_PDEATHSIG, SIGQUIT);
	if (getppid() != parent)
		_exit(126);
	execv(argv[0], argv);
	_exit(127);
}

static pid_t start_process(const struct cluster *c, char *const *argv, struct error *err)
{
	CLEANUP(free_string) char *path = xasprintf("%s/log", c->dir);
	int log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	pid_t parent = getpid();

	if (log < 0) {
		error_set(err, ERROR_CONFIG, "cannot write %s: %s", path, strerror(errno));
		return -1;
	}
	pid_t pid = fork();
	if (pid == 0)
		become(c, argv, log, parent);
	if (pid < 0)
		error_set(err, ERROR_RETRY, "cannot start a process: %s", strerror(errno));
	close(log);
	return pid;
}

/* The end of the log, from a place on. */
static void last_words(const struct cluster *c, off_t from, char *out, size_t size)
{
	CLEANUP(free_string) char *path = xasprintf("%s/log", c->dir);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	off_t end = fd >= 0 ? lseek(fd, 0, SEEK_END) : 0;
	off_t most = (off_t)size - 1;
	ssize_t n = fd >= 0 ? pread(fd, out, size - 1, end - from > most ? end - most : from) : 0;

	if (fd >= 0)
		close(fd);
	while (n > 0 && out[n - 1] == '\n')
		n--;
	out[n > 0 ? n : 0] = '\0';
}

static off_t log_size(const struct cluster *c)
{
	CLEANUP(free_string) char *path = xasprintf("%s/log", c->dir);
	struct stat st;

	return stat(path, &st) == 0 ? st.st_size : 0;
}

static bool run_to_end(const struct cluster *c, char *const *argv, struct error *err)
{
	off_t from = log_size(c);
	char words[600];
	int status = 0;
	pid_t pid = start_process(c, argv, err);

	if (pid < 0)
		return false;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	last_words(c, from, words, sizeof words);
	return error_set(err, ERROR_BROKEN, "%s failed: %s", argv[0], words);
}

/* Made under another name: what an initdb that was killed leaves behind is not taken for a cluster. */
static bool make_data(const struct cluster *c, struct error *err)
{
	CLEANUP(free_string) char *initdb = xasprintf("%s/initdb", c->bin);
	CLEANUP(free_string) char *unfinished = xasprintf("%s/data.new", c->dir);
	CLEANUP(free_string) char *data = xasprintf("%s/data", c->dir);
	char *clear[] = {(char *)"/bin/rm", (char *)"-rf", unfinished, NULL};
	char *make[] = {initdb, (char *)"--no-sync", (char *)"-A", (char *)"trust", (char *)"-U",
		(char *)SYSTEM_USER, (char *)"-E", (char *)"UTF8", (char *)"--locale=C.UTF-8",
		(char *)"-D", unfinished, NULL};

	if (!run_to_end(c, clear, err) || !run_to_end(c, make, err))
		return false;
	if (rename(unfinished, data) != 0)
		return error_set(
			err, ERROR_CONFIG, "cannot rename %s: %s", unfinished, strerror(errno));
	return true;
}

static void pause_ms(int ms)
{
	nanosleep(&(struct timespec){.tv_nsec = ms * 1000000L}, NULL);
}

/* Has our child ended? Reaps it. */
static bool ended(struct cluster *c)
{
	if (c->pid && waitpid(c->pid, NULL, WNOHANG) == c->pid)
		c->pid = 0;
	return !c->pid;
}

static bool spawn_server(struct cluster *c, struct error *err)
{
	CLEANUP(free_string) char *program = xasprintf("%s/postgres", c->bin);
	CLEANUP(free_string) char *data = xasprintf("%s/data", c->dir);
	char *argv[] = {program, (char *)"-D", data, (char *)"-k", c->socket, (char *)"-c",
		(char *)"listen_addresses=", (char *)"-c", (char *)"unix_socket_permissions=0700",
		(char *)"-c", (char *)"wal_level=logical", (char *)"-c",
		(char *)"max_replication_slots=10", (char *)"-c", (char *)"max_wal_senders=10",
		(char *)"-c", (char *)"max_wal_size=2GB", NULL};
	pid_t pid = start_process(c, argv, err);

	c->pid = pid > 0 ? pid : 0;
	return pid > 0;
}

static char *url_of(const struct cluster *c, const char *database)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";
	struct buf url;

	buf_init(&url, BUF_MAX);
	buf_printf(&url, "postgresql://%s@/%s?host=", SYSTEM_USER, database);
	for (const char *p = c->socket; *p; p++)
		buf_printf(&url, strchr(plain, *p) ? "%c" : "%%%02X", (unsigned char)*p);
	char *text = xstrdup(buf_text(&url));
	buf_release(&url);
	return text;
}

/* It answers, and it is our child that does: another one may still be there in the same folder. */
static bool ready(const struct cluster *c, const char *url)
{
	return number_in(c, "postmaster.pid") == c->pid && PQping(url) == PQPING_OK;
}

/* Waits until it answers. *again: its folder is still locked by one that is ending. */
static bool wait_ready(struct cluster *c, off_t log_from, bool *again, struct error *err)
{
	CLEANUP(free_string)
	char *any = xasprintf("host=%s dbname=postgres user=%s", c->socket, SYSTEM_USER);
	int64_t until = mono_ms() + READY_MS;
	char words[600];

	*again = false;
	while (!ready(c, any)) {
		if (ended(c)) {
			last_words(c, log_from, words, sizeof words);
			*again = strstr(words, "already exists") || strstr(words, "shared memory");
			return error_set(err, ERROR_BROKEN,
				"the demo's PostgreSQL does not start: %s", words);
		}
		if (mono_ms() > until)
			return error_set(err, ERROR_BROKEN,
				"the demo's PostgreSQL did not answer in %d s; see %s/log",
				READY_MS / 1000, c->dir);
		pause_ms(LOOK_MS);
	}
	return true;
}

static bool start_server(struct cluster *c, struct error *err)
{
	int64_t until = mono_ms() + IN_USE_MS;
	bool again = true;

	while (again) {
		off_t from = log_size(c);
		if (!spawn_server(c, err))
			return false;
		if (wait_ready(c, from, &again, err))
			return true;
		if (again && mono_ms() > until)
			return error_set(err, ERROR_CONFIG,
				"the demo's PostgreSQL in %s is in use by another process; stop "
				"the other demo first",
				c->dir);
		pause_ms(10 * LOOK_MS);
	}
	return false;
}

static bool make_database(struct cluster *c, const char *database, struct error *err)
{
	CLEANUP(free_string)
	char *any = xasprintf("host=%s dbname=postgres user=%s", c->socket, SYSTEM_USER);
	const char *values[] = {database};
	PGconn *conn = PQconnectdb(any);
	PGresult *there = PQexecParams(
		conn, "SELECT FROM pg_database WHERE datname = $1", 1, NULL, values, NULL, NULL, 0);
	bool ok = PQresultStatus(there) == PGRES_TUPLES_OK;

	if (ok && PQntuples(there) == 0) {
		char *name = PQescapeIdentifier(conn, database, strlen(database));
		CLEANUP(free_string) char *sql = xasprintf("CREATE DATABASE %s", name);
		PQfreemem(name);
		PGresult *made = PQexec(conn, sql);
		ok = PQresultStatus(made) == PGRES_COMMAND_OK;
		PQclear(made);
	}
	if (!ok)
		error_set(err, ERROR_BROKEN, "cannot make the database %s: %s", database,
			PQerrorMessage(conn));
	PQclear(there);
	PQfinish(conn);
	return ok;
}

struct cluster *cluster_start(const char *dir, const char *database, struct error *err)
{
	struct cluster *c = xcalloc(1, sizeof *c);

	if (choose_user(c, err) && choose_folders(c, dir, err)) {
		int version = number_in(c, "PG_VERSION");
		if (choose_programs(c, version, err) && (version || make_data(c, err)) &&
			start_server(c, err) && make_database(c, database, err)) {
			c->url = url_of(c, database);
			return c;
		}
	}
	cluster_stop(c);
	return NULL;
}

static bool end_with(struct cluster *c, int number, int wait_ms)
{
	int64_t until = mono_ms() + wait_ms;

	if (!ended(c))
		kill(c->pid, number);
	while (!ended(c) && mono_ms() < until)
		pause_ms(LOOK_MS);
	return !c->pid;
}

void cluster_stop(struct cluster *c)
{
	if (!c)
		return;
	if (!end_with(c, SIGINT, FAST_MS) && !end_with(c, SIGQUIT, FAST_MS))
		end_with(c, SIGKILL, FAST_MS);
	free(c->dir);
	free(c->socket);
	free(c->bin);
	free(c->url);
	free(c);
}

const char *cluster_url(const struct cluster *c)
{
	return c->url;
}

const char *cluster_dir(const struct cluster *c)
{
	return c->dir;
}
