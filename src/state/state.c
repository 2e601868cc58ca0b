/*
 * The connection to state.db: opening it, the lock of the one process that runs, and the calls that
 * every statement goes through. WAL with synchronous=FULL: a commit that returned survives a power
 * failure, and readers of other processes never wait for it.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "state/store.h"

#define BUSY_TIMEOUT_MS 10000

bool store_failed(struct state *s, const char *doing, struct error *err)
{
	int code = sqlite3_errcode(s->db) & 0xff;
	const char *says = sqlite3_errmsg(s->db);
	int os_error = sqlite3_system_errno(s->db);

	switch (code) {
	case SQLITE_FULL:
		return error_set(err, ERROR_RETRY,
			"%s: %s: no space left in %s; free some, and it goes on", s->path, doing,
			s->dir);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return error_set(err, ERROR_RETRY, "%s: %s: another process has held it for %d s",
			s->path, doing, BUSY_TIMEOUT_MS / 1000);
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return error_set(err, ERROR_BROKEN,
			"%s: %s: the file is damaged (%s); put a backup in its place, or move "
			"it away: every table is then copied anew",
			s->path, doing, says);
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_AUTH:
	case SQLITE_CANTOPEN:
		return error_set(err, ERROR_BROKEN,
			"%s: %s: %s; the user who runs tailrace must own %s and what is in it",
			s->path, doing, os_error ? strerror(os_error) : says, s->dir);
	case SQLITE_IOERR:
		return error_set(err, ERROR_RETRY, "%s: %s: %s%s%s", s->path, doing, says,
			os_error ? ": " : "", os_error ? strerror(os_error) : "");
	default: return error_set(err, ERROR_BROKEN, "%s: %s: %s", s->path, doing, says);
	}
}

/* Bytes of the lock file. The locks are of the open file, not of the process: such a lock can be asked
 * for without being taken, and does not go when some other descriptor of the file is closed. */
enum lock_byte { LOCK_RUNNING, LOCK_OPENING };

static int open_lock(struct state *s, struct error *err)
{
	CLEANUP(free_string) char *path = xasprintf("%s/lock", s->dir);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		error_set(err, ERROR_BROKEN,
			"%s: %s; the user who runs tailrace must own %s and what is in it", path,
			strerror(errno), s->dir);
	return fd;
}

static bool lock_do(int fd, int command, enum lock_byte byte, struct flock *out)
{
	*out = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
	return fcntl(fd, command, out) == 0;
}

/* The file is made here and not by SQLite, so that only its owner reads it: facts hold passwords. One
 * that is there is not touched: closing a descriptor of it would end the locks of SQLite in this process. */
static bool make_file(struct state *s, struct error *err)
{
	int fd = open(s->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 && errno != EEXIST)
		return error_set(err, ERROR_BROKEN, "%s: %s", s->path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return true;
}

static bool pragmas(struct state *s, struct error *err)
{
	static const char *const sql[] = {"PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL"};
	for (size_t i = 0; i < COUNT_OF(sql); i++)
		if (sqlite3_exec(s->db, sql[i], NULL, NULL, NULL) != SQLITE_OK)
			return store_failed(s, "open", err);
	return true;
}

static bool open_database(struct state *s, struct error *err)
{
	/* Our mutex serializes the calls. */
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
	if (sqlite3_open_v2(s->path, &s->db, flags, NULL) != SQLITE_OK)
		return store_failed(s, "open", err);
	sqlite3_busy_timeout(s->db, BUSY_TIMEOUT_MS);
	sqlite3_extended_result_codes(s->db, 1);
	return pragmas(s, err) && store_migrate(s, err);
}

/* One process at a time: SQLite's change to WAL does not wait for others. */
static bool open_alone(struct state *s, struct error *err)
{
	struct flock lock;
	if (mkdir(s->dir, 0711) != 0 && errno != EEXIST)
		return error_set(err, ERROR_BROKEN,
			"state folder %s: %s; the user who runs tailrace must be able to make it, "
			"beside the configuration",
			s->dir, strerror(errno));
	int fd = open_lock(s, err);
	if (fd < 0)
		return false;
	bool ok = lock_do(fd, F_OFD_SETLKW, LOCK_OPENING, &lock) ||
		  error_set(err, ERROR_BROKEN, "%s/lock: %s", s->dir, strerror(errno));
	ok = ok && make_file(s, err) && open_database(s, err);
	close(fd);
	return ok;
}

struct state *state_open(const char *dir, struct error *err)
{
	struct state *s = xcalloc(1, sizeof *s);
	s->dir = xstrdup(dir);
	s->path = xasprintf("%s/state.db", dir);
	s->lock_fd = -1;
	pthread_mutex_init(&s->mutex, NULL);
	if (open_alone(s, err))
		return s;
	state_close(s);
	return NULL;
}

void state_close(struct state *s)
{
	if (!s)
		return;
	const void *key;
	size_t len;
	void *stmt;
	for (size_t i = 0; map_next(&s->statements, &i, &key, &len, &stmt);)
		sqlite3_finalize(stmt);
	map_release(&s->statements);
	sqlite3_close(s->db);
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	pthread_mutex_destroy(&s->mutex);
	free(s->dir);
	free(s->path);
	free(s);
}

/* --- the process that runs --- */

#define BRIEFLY " briefly"

static bool read_briefly(int fd)
{
	char text[32] = "";
	return pread(fd, text, sizeof text - 1, 0) > 0 && strstr(text, BRIEFLY);
}

static int read_pid(int fd)
{
	char text[32];
	ssize_t n = pread(fd, text, sizeof text - 1, 0);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	return atoi(text);
}

int state_runner(struct state *s)
{
	int fd = open_lock(s, NULL);
	if (fd < 0)
		return 0;
	struct flock lock;
	int pid = 0;
	if (s->lock_fd >= 0)
		pid = getpid();
	else if (lock_do(fd, F_OFD_GETLK, LOCK_RUNNING, &lock) && lock.l_type != F_UNLCK)
		pid = read_pid(fd);
	close(fd);
	return pid;
}

bool state_runner_ends(struct state *s)
{
	int fd = open_lock(s, NULL);
	if (fd < 0)
		return false;
	struct flock lock;
	bool held = lock_do(fd, F_OFD_GETLK, LOCK_RUNNING, &lock) && lock.l_type != F_UNLCK;
	bool ends = !held || read_briefly(fd);
	close(fd);
	return ends;
}

static bool lock_as(struct state *s, const char *how, struct error *err)
{
	assert(s->lock_fd < 0);
	int fd = open_lock(s, err);
	if (fd < 0)
		return false;
	struct flock lock;
	if (!lock_do(fd, F_OFD_SETLK, LOCK_RUNNING, &lock)) {
		if (errno == EAGAIN || errno == EACCES)
			error_set(err, ERROR_BROKEN,
				"%s is in use: tailrace already runs there, as process %d; end "
				"it first, or use a configuration in another folder",
				s->dir, read_pid(fd));
		else
			error_set(err, ERROR_BROKEN, "%s/lock: %s", s->dir, strerror(errno));
		close(fd);
		return false;
	}
	char pid[32];
	int n = snprintf(pid, sizeof pid, "%d%s\n", (int)getpid(), how);
	if (ftruncate(fd, 0) != 0 || pwrite(fd, pid, (size_t)n, 0) != n) {
		error_set(err, ERROR_RETRY, "%s/lock: %s", s->dir, strerror(errno));
		close(fd);
		return false;
	}
	s->lock_fd = fd;
	return true;
}

bool state_lock(struct state *s, struct error *err)
{
	return lock_as(s, "", err);
}

bool state_lock_briefly(struct state *s, struct error *err)
{
	return lock_as(s, BRIEFLY, err);
}

/* --- statements --- */

void store_enter(struct state *s)
{
	pthread_mutex_lock(&s->mutex);
}

bool store_leave(struct state *s, bool result)
{
	pthread_mutex_unlock(&s->mutex);
	return result;
}

static sqlite3_stmt *prepared(struct state *s, const char *sql, struct error *err)
{
	sqlite3_stmt *stmt = map_get(&s->statements, sql, strlen(sql));
	if (stmt)
		return stmt;
	if (sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) !=
		SQLITE_OK) {
		store_failed(s, "prepare", err);
		return NULL;
	}
	map_put(&s->statements, sql, strlen(sql), stmt);
	return stmt;
}

static int bind(sqlite3_stmt *stmt, int at, const struct value *value)
{
	switch (value->kind) {
	case VALUE_TEXT: return sqlite3_bind_text(stmt, at, value->text, -1, SQLITE_STATIC);
	case VALUE_INT: return sqlite3_bind_int64(stmt, at, value->integer);
	case VALUE_BLOB:
		return sqlite3_bind_blob64(stmt, at, value->bytes, value->len, SQLITE_STATIC);
	}
	return SQLITE_MISUSE;
}

sqlite3_stmt *store_query(
	struct state *s, const char *sql, const struct value *values, size_t n, struct error *err)
{
	sqlite3_stmt *stmt = prepared(s, sql, err);
	if (!stmt)
		return NULL;
	assert((size_t)sqlite3_bind_parameter_count(stmt) == n);
	for (size_t i = 0; i < n; i++) {
		int code = bind(stmt, (int)i + 1, &values[i]);
		assert(code == SQLITE_OK);
	}
	return stmt;
}

int store_step(struct state *s, sqlite3_stmt *row, struct error *err)
{
	int code = sqlite3_step(row);
	if (code == SQLITE_ROW)
		return 1;
	if (code != SQLITE_DONE)
		store_failed(s, sqlite3_stmt_readonly(row) ? "read" : "write", err);
	sqlite3_reset(row);
	sqlite3_clear_bindings(row);
	return code == SQLITE_DONE ? 0 : -1;
}

bool store_run(
	struct state *s, const char *sql, const struct value *values, size_t n, struct error *err)
{
	sqlite3_stmt *stmt = store_query(s, sql, values, n, err);
	int step = stmt ? store_step(s, stmt, err) : -1;
	assert(step <= 0);
	return step == 0;
}

int store_changed(struct state *s)
{
	return sqlite3_changes(s->db);
}

void store_text(sqlite3_stmt *row, int column, char *out, size_t size)
{
	const char *text = (const char *)sqlite3_column_text(row, column);
	snprintf(out, size, "%s", text ? text : "");
}

bool store_begin(struct state *s, struct error *err)
{
	return store_run(s, "BEGIN IMMEDIATE", NO_VALUES, err);
}

bool store_end(struct state *s, bool ok, struct error *err)
{
	if (ok && store_run(s, "COMMIT", NO_VALUES, err))
		return true;
	/* A failed statement may have rolled back by itself; then there is nothing to undo. */
	if (!sqlite3_get_autocommit(s->db))
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	return false;
}

bool state_version(struct state *s, int64_t *out, struct error *err)
{
	store_enter(s);
	sqlite3_stmt *row = store_query(s, "PRAGMA data_version", NO_VALUES, err);
	bool ok = row && store_step(s, row, err) == 1;
	if (ok) {
		/* what others wrote, and we */
		*out = sqlite3_column_int64(row, 0) + sqlite3_total_changes(s->db);
		sqlite3_reset(row);
	}
	return store_leave(s, ok);
}
