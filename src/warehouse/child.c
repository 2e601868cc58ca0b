/*
 * Both sides of the process that libchdb runs in (child.h, warehouse.h). The parent executes its own
 * program again with WAREHOUSE_CHILD, the parent's pid, the library and ClickHouse's arguments. The child
 * holds one end of a pipe, the lifeline, and says nothing in it: end of file means that it is gone.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/mem.h"
#include "warehouse/child.h"

#define LIFELINE_FD 3
#define MAX_OUTPUT  (1 << 20)
#define WORDS       600

extern char **environ;

/* clickhouse-local listens when told so by SQL, and lives as long as its last query. HTTP comes last: when it
 * answers, all is there. */
static const char server_query[] =
	"SYSTEM START LISTEN TCP; SYSTEM START LISTEN HTTP; "
	"SELECT sleepEachRow(3) FROM system.numbers SETTINGS max_block_size = 1, "
	"function_sleep_max_microseconds_per_block = 0, log_queries = 0 FORMAT Null";

static char *output_path(const struct place *p)
{
	return xasprintf("%s/output.log", p->dir);
}

/* Where the words of a new child will begin; an output.log that has grown large is put aside once. */
static off_t rotate_output(const struct place *p)
{
	CLEANUP(free_string) char *path = output_path(p);
	CLEANUP(free_string) char *old = xasprintf("%s.1", path);
	struct stat st;

	if (stat(path, &st) != 0)
		return 0;
	if (st.st_size < MAX_OUTPUT)
		return st.st_size;
	return rename(path, old) == 0 ? 0 : st.st_size;
}

static int spawn(pid_t *pid, char **argv, const char *output, int lifeline)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t none, all;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_init(&attributes);
	/* A group of its own: Ctrl-C in the terminal is for us, who still have to write to it. */
	posix_spawnattr_setflags(&attributes,
		POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, lifeline, LIFELINE_FD);
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&files, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0600);
	posix_spawn_file_actions_adddup2(&files, 1, 2);
	posix_spawn_file_actions_addclosefrom_np(&files, LIFELINE_FD + 1);
	int failed = posix_spawn(pid, "/proc/self/exe", &files, &attributes, argv, environ);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attributes);
	return failed;
}

bool child_start(struct child *c, const struct place *p, struct error *err)
{
	CLEANUP(free_string) char *parent = xasprintf("%d", (int)getpid());
	CLEANUP(free_string) char *config = xasprintf("--config-file=%s/config.xml", p->dir);
	CLEANUP(free_string) char *data = xasprintf("--path=%s/data", p->dir);
	CLEANUP(free_string) char *host = xasprintf("--listen_host=%s", p->listen);
	CLEANUP(free_string) char *http = xasprintf("--http_port=%d", p->http_port);
	CLEANUP(free_string) char *tcp = xasprintf("--tcp_port=%d", p->tcp_port);
	CLEANUP(free_string) char *output = output_path(p);
	char *argv[] = {(char *)"tailrace", (char *)WAREHOUSE_CHILD, parent, p->library, config,
		data, host, http, tcp, (char *)"--database=default", (char *)"--log-level=warning",
		(char *)"--query", (char *)server_query, NULL};
	int ends[2];

	*c = (struct child){.lifeline = -1, .said_at = rotate_output(p)};
	if (pipe2(ends, O_CLOEXEC) != 0)
		return error_set(err, ERROR_RETRY, "pipe: %s", strerror(errno));
	int failed = spawn(&c->pid, argv, output, ends[1]);
	close(ends[1]);
	if (failed) {
		close(ends[0]);
		c->pid = 0;
		return error_set(err, ERROR_RETRY, "cannot start a process: %s", strerror(failed));
	}
	c->lifeline = ends[0];
	return true;
}

void child_end(struct child *c, char *how, size_t size)
{
	int status = 0;

	if (!c->pid)
		return;
	kill(c->pid, SIGKILL); /* without effect on one that is already gone */
	while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (how && WIFSIGNALED(status))
		snprintf(how, size, "signal %d", WTERMSIG(status));
	else if (how)
		snprintf(how, size, "exit code %d", WEXITSTATUS(status));
	close(c->lifeline);
	*c = (struct child){.lifeline = -1, .said_at = c->said_at};
}

bool child_ask_to_end(struct child *c, int wait_ms)
{
	struct pollfd gone = {.fd = c->lifeline, .events = POLLIN};

	kill(c->pid, SIGTERM);
	return poll(&gone, 1, wait_ms) == 1;
}

size_t child_words(const struct child *c, const struct place *p, char *out, size_t size)
{
	CLEANUP(free_string) char *path = output_path(p);
	char text[WORDS + 1];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	off_t end = fd >= 0 ? lseek(fd, 0, SEEK_END) : 0;
	off_t from = end - c->said_at > WORDS ? end - WORDS : c->said_at;
	ssize_t n = fd >= 0 ? pread(fd, text, WORDS, from) : 0;

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	while (n > 0 && text[n - 1] == '\n')
		text[--n] = '\0';
	snprintf(out, size, "%s", text);
	return strlen(out);
}

/* The functions of libchdb that are used; the package has no header. */
struct chdb_result;
typedef struct chdb_result *chdb_cmdline_fn(int argc, char **argv);
typedef const char *chdb_error_fn(struct chdb_result *);

int warehouse_child_main(int argc, char **argv)
{
	if (argc < 5) {
		fprintf(stderr,
			"%s is for tailrace itself: it is how the embedded ClickHouse runs\n",
			WAREHOUSE_CHILD);
		return 2;
	}
	/* SIGKILL, because the next start must not meet one that is still ending; and what was acknowledged
	 * is on disk. A parent that died before this line is no longer our parent. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != atoi(argv[2]))
		return 1;
	/* clickhouse-local has no time zone of its own: timestamps without a zone mean UTC here. */
	setenv("TZ", "UTC", 1);

	void *library = dlopen(argv[3], RTLD_NOW | RTLD_LOCAL);
	if (!library) {
		fprintf(stderr, "%s\n", dlerror());
		return 1;
	}
	chdb_cmdline_fn *cmdline = (chdb_cmdline_fn *)dlsym(library, "chdb_query_cmdline");
	chdb_error_fn *result_error = (chdb_error_fn *)dlsym(library, "chdb_result_error");
	if (!cmdline || !result_error) {
		fprintf(stderr, "%s is not the libchdb that tailrace was made for\n", argv[3]);
		return 1;
	}
	argv[3] = argv[0];
	struct chdb_result *result = cmdline(argc - 3, argv + 3);
	const char *text = result ? result_error(result) : "no result";
	if (text)
		fprintf(stderr, "%s\n", text);
	fflush(NULL);
	/* Its threads are still running; what it had to close, it has closed. */
	_exit(text != NULL);
}
