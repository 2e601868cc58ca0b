/* See process.h. */
#include "build/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/clock.h"

#define TICK_MS       100
#define PATIENCE_MS   5000
#define LAST_WORDS_MS 1000 /* what it left running may hold its output open */
#define CANNOT_EXEC   127
#define TRY_AGAIN     75 /* EX_TEMPFAIL of sysexits.h */

struct running {
	const struct process *p;
	pid_t pid;
	int output;
	char text[4096];
	size_t len;
	int64_t killed_ms, exited_ms;
	int status;
	const char *why; /* it was ended */
};

/* In the child, between fork and exec: nothing but system calls. */
NORETURN static void become(const struct process *p, int input, int output, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(CANNOT_EXEC);
	setpgid(0, 0);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (dup2(input, STDIN_FILENO) >= 0 && dup2(output, STDOUT_FILENO) >= 0 &&
		dup2(output, STDERR_FILENO) >= 0 && chdir(p->folder) == 0) {
		close_range(STDERR_FILENO + 1, ~0U, 0);
		execvpe(p->argv[0], (char *const *)p->argv, (char *const *)p->env);
	}
	const char *why = strerrordesc_np(errno);
	ssize_t ignored = write(STDERR_FILENO, why, strlen(why));
	(void)ignored;
	_exit(CANNOT_EXEC);
}

static int input_of(const char *text)
{
	int fd = memfd_create("input", MFD_CLOEXEC);
	size_t len = strlen(text);

	if (fd >= 0 && (write(fd, text, len) != (ssize_t)len || lseek(fd, 0, SEEK_SET) != 0)) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool start(struct running *r, struct error *err)
{
	int ends[2] = {-1, -1}, input = input_of(r->p->input);
	pid_t parent = getpid();

	if (input < 0 || pipe2(ends, O_CLOEXEC) != 0 || (r->pid = fork()) < 0) {
		error_set(err, ERROR_RETRY, "cannot start %s: %s", r->p->argv[0], strerror(errno));
		r->pid = -1;
	} else if (r->pid == 0) {
		become(r->p, input, ends[1], parent);
	}
	if (input >= 0)
		close(input);
	if (ends[1] >= 0)
		close(ends[1]);
	if (r->pid < 0 && ends[0] >= 0)
		close(ends[0]);
	r->output = ends[0];
	return r->pid > 0;
}

static void hand_on(struct running *r, bool all)
{
	char *at = r->text, *end = r->text + r->len, *newline;

	while ((newline = memchr(at, '\n', (size_t)(end - at)))) {
		*newline = '\0';
		r->p->line(r->p->context, at);
		at = newline + 1;
	}
	r->len = (size_t)(end - at);
	memmove(r->text, at, r->len);
	if (r->len && (all || r->len == sizeof r->text - 1)) {
		r->text[r->len] = '\0';
		r->p->line(r->p->context, r->text);
		r->len = 0;
	}
}

/* False: there is no more. */
static bool listen_to(struct running *r)
{
	struct pollfd poll_fd = {.fd = r->output, .events = POLLIN};

	if (poll(&poll_fd, 1, TICK_MS) <= 0)
		return true;
	ssize_t n = read(r->output, r->text + r->len, sizeof r->text - 1 - r->len);
	if (n <= 0)
		return n < 0 && errno == EINTR;
	r->len += (size_t)n;
	hand_on(r, false);
	return true;
}

static void end_where_wanted(struct running *r)
{
	const struct process *p = r->p;
	int64_t now = mono_ms();

	if (r->killed_ms) {
		if (now - r->killed_ms > PATIENCE_MS)
			kill(-r->pid, SIGKILL);
		return;
	}
	if (p->cancelled && atomic_load(p->cancelled))
		r->why = "it was cancelled";
	else if (p->deadline_ms && now >= p->deadline_ms)
		r->why = "its time was over";
	if (!r->why)
		return;
	kill(-r->pid, SIGTERM);
	r->killed_ms = now;
}

static void run_to_its_end(struct running *r)
{
	bool open = true;

	for (;;) {
		if (open)
			open = listen_to(r);
		else
			poll(NULL, 0, TICK_MS);
		if (!r->exited_ms && waitpid(r->pid, &r->status, WNOHANG) == r->pid)
			r->exited_ms = mono_ms();
		if (!r->exited_ms)
			end_where_wanted(r);
		else if (!open || mono_ms() - r->exited_ms > LAST_WORDS_MS)
			return;
	}
}

bool process_run(const struct process *p, struct error *err)
{
	struct running r = {.p = p};

	if (!start(&r, err))
		return false;
	run_to_its_end(&r);
	hand_on(&r, true);
	close(r.output);
	if (r.why)
		kill(-r.pid, SIGKILL);
	if (r.why)
		return error_set(err, ERROR_RETRY, "%s: %s", p->argv[0], r.why);
	if (WIFSIGNALED(r.status))
		return error_set(err, ERROR_TABLE, "%s: ended by signal %d (%s)", p->argv[0],
			WTERMSIG(r.status), strsignal(WTERMSIG(r.status)));
	int code = WEXITSTATUS(r.status);
	if (code == CANNOT_EXEC)
		return error_set(err, ERROR_CONFIG, "%s: cannot be run; see the log of the attempt",
			p->argv[0]);
	return !code ||
	       error_set(err, code == TRY_AGAIN ? ERROR_RETRY : ERROR_TABLE,
		       "%s: ended with exit code %d; see the log of the attempt", p->argv[0], code);
}
