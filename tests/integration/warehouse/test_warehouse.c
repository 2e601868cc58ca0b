/*
 * The embedded ClickHouse as it is: a real libchdb in a folder of its own for each test. The test
 * program is also the child, as tailrace is.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/log.h"
#include "base/mem.h"
#include "warehouse/warehouse.h"

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st, (void)kind, (void)ftw;
	return remove(path);
}

static int make_folder(void **state)
{
	char name[] = "/tmp/tailrace-warehouse-XXXXXX";

	*state = xstrdup(mkdtemp(name));
	return 0;
}

static int remove_folder(void **state)
{
	nftw(*state, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(*state);
	return 0;
}

static void pause_ms(int ms)
{
	nanosleep(&(struct timespec){.tv_nsec = ms * 1000000L}, NULL);
}

static int connected(int port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
		return fd;
	close(fd);
	return -1;
}

/* The body of the answer, up to what fits; "" when nobody answers. sql NULL: SELECT 1, without a body in the
 * request, which a server that refuses the user would not read. */
static const char *ask(int port, const char *headers, const char *sql)
{
	static char answer[8192];
	size_t n = 0;
	ssize_t more;
	int fd = connected(port);

	answer[0] = '\0';
	if (fd < 0)
		return answer;
	if (sql)
		dprintf(fd, "POST / HTTP/1.0\r\nContent-Length: %zu\r\n%s\r\n%s", strlen(sql),
			headers, sql);
	else
		dprintf(fd, "GET /?query=SELECT+1 HTTP/1.0\r\n%s\r\n", headers);
	while (n < sizeof answer - 1 && (more = read(fd, answer + n, sizeof answer - 1 - n)) > 0)
		n += (size_t)more;
	close(fd);
	answer[n] = '\0';
	char *body = strstr(answer, "\r\n\r\n");
	return body ? body + 4 : "";
}

static const char *query(struct warehouse *w, const char *sql)
{
	return ask(warehouse_http_port(w), "", sql);
}

static struct warehouse *start(const struct warehouse_options *options)
{
	struct error err = {0};
	struct warehouse *w = warehouse_start(options, &err);

	if (!w)
		fail_msg("%s", err.text);
	return w;
}

static void fill(struct warehouse *w)
{
	assert_string_equal(query(w, "CREATE TABLE t (x Int64) ENGINE = MergeTree ORDER BY x"), "");
	assert_string_equal(
		query(w,
			"INSERT INTO t SETTINGS async_insert = 0 SELECT number FROM numbers(1000)"),
		"");
}

static void it_answers_on_a_free_port_and_keeps_its_data(void **state)
{
	struct warehouse_options options = {.dir = *state};
	struct warehouse *w = start(&options);

	assert_non_null(strstr(warehouse_url(w), "http://127.0.0.1:"));
	assert_true(warehouse_tcp_port(w) > 0 && warehouse_tcp_port(w) != warehouse_http_port(w));
	int fd = connected(warehouse_tcp_port(w));
	assert_true(fd >= 0);
	close(fd);
	fill(w);
	assert_string_equal(query(w, "SELECT timezone()"), "UTC\n");
	warehouse_stop(w);

	w = start(&options);
	assert_string_equal(query(w, "SELECT count() FROM t"), "1000\n");
	warehouse_stop(w);
}

static void killed_it_comes_back_on_the_same_ports_with_its_data(void **state)
{
	struct warehouse *w = start(&(struct warehouse_options){.dir = *state});
	pid_t before = warehouse_pid(w), now = 0;
	int port = warehouse_http_port(w);

	fill(w);
	assert_true(before > 0);
	kill(before, SIGKILL);
	for (int i = 0; i < 3000 && ((now = warehouse_pid(w)) == before || now == 0); i++)
		pause_ms(10);
	assert_true(now > 0 && now != before);
	assert_int_equal(warehouse_http_port(w), port);
	assert_string_equal(query(w, "SELECT count() FROM t"), "1000\n");
	warehouse_stop(w);
}

static void stopping_it_leaves_no_process(void **state)
{
	struct warehouse *w = start(&(struct warehouse_options){.dir = *state});
	pid_t pid = warehouse_pid(w);
	int port = warehouse_http_port(w);

	warehouse_stop(w);
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(errno, ESRCH);
	assert_string_equal(ask(port, "", "SELECT 1"), "");
}

/* Runs as a process of its own, which is then killed: it has a warehouse and tells its pid. */
static void parent_to_be_killed(const char *dir, int out)
{
	struct error err = {0};
	struct warehouse *w = warehouse_start(&(struct warehouse_options){.dir = dir}, &err);
	pid_t pid = w ? warehouse_pid(w) : 0;

	if (write(out, &pid, sizeof pid) != (ssize_t)sizeof pid)
		_exit(1);
	for (;;)
		pause();
}

static void it_dies_with_its_parent_and_another_can_start(void **state)
{
	int ends[2], status;
	pid_t child = 0;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	prctl(PR_SET_CHILD_SUBREAPER, 1); /* the orphan becomes ours, to be waited for */
	pid_t parent = fork();
	assert_true(parent >= 0);
	if (parent == 0)
		parent_to_be_killed(*state, ends[1]);
	assert_int_equal(read(ends[0], &child, sizeof child), sizeof child);
	close(ends[0]);
	close(ends[1]);
	assert_true(child > 0);
	kill(parent, SIGKILL);
	waitpid(parent, NULL, 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);

	struct warehouse *w = start(&(struct warehouse_options){.dir = *state});
	assert_string_equal(query(w, "SELECT 1"), "1\n");
	warehouse_stop(w);
}

static void a_taken_port_is_named_with_its_option(void **state)
{
	struct sockaddr_in any = {.sin_family = AF_INET};
	socklen_t size = sizeof any;
	struct error err = {0};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&any, size), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&any, &size), 0);
	struct warehouse_options options = {.dir = *state, .http_port = ntohs(any.sin_port)};
	assert_null(warehouse_start(&options, &err));
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_non_null(strstr(err.text, "taken by another program; set http_port"));
	options = (struct warehouse_options){.dir = *state, .tcp_port = ntohs(any.sin_port)};
	assert_null(warehouse_start(&options, &err));
	assert_non_null(strstr(err.text, "set tcp_port"));
	options = (struct warehouse_options){.dir = *state, .http_port = 1234, .tcp_port = 1234};
	assert_null(warehouse_start(&options, &err));
	assert_non_null(strstr(err.text, "must differ"));
	close(fd);
}

static void a_folder_in_use_is_refused(void **state)
{
	struct warehouse_options options = {.dir = *state};
	struct warehouse *w = start(&options);
	struct error err = {0};

	assert_null(warehouse_start(&options, &err));
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_non_null(strstr(err.text, "in use by another process (PID: "));
	assert_string_equal(query(w, "SELECT 1"), "1\n");
	warehouse_stop(w);
}

static void a_child_that_cannot_start_is_quoted(void **state)
{
	CLEANUP(free_string) char *dir = xasprintf("%s/config.d", (char *)*state);
	CLEANUP(free_string) char *path = xasprintf("%s/config.d/wrong.xml", (char *)*state);
	struct error err = {0};

	assert_int_equal(mkdir(dir, 0700), 0);
	FILE *file = fopen(path, "we");
	fputs("<clickhouse><unfinished></clickhouse>", file);
	fclose(file);
	assert_null(warehouse_start(&(struct warehouse_options){.dir = *state}, &err));
	assert_int_equal(err.kind, ERROR_BROKEN);
	if (!strstr(err.text, "wrong.xml"))
		fail_msg("%s", err.text);
}

static void a_missing_library_says_how_to_get_it(void **state)
{
	struct error err = {0};

	setenv("TAILRACE_LIBCHDB", "/nowhere/libchdb.so", 1);
	assert_null(warehouse_start(&(struct warehouse_options){.dir = *state}, &err));
	setenv("TAILRACE_LIBCHDB", LIBCHDB, 1);
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_non_null(strstr(err.text, "/nowhere/libchdb.so"));
}

/* sql with the folder in the place of DIR */
static char *in_folder(const char *sql, const char *folder)
{
	const char *at = strstr(sql, "DIR");

	return at ? xasprintf("%.*s%s%s", (int)(at - sql), sql, folder, at + 3) : xstrdup(sql);
}

static void without_a_password_nobody_reaches_the_machine_through_it(void **state)
{
	static const char *const attempts[] = {
		"SELECT * FROM file('/etc/hostname', 'LineAsString')",
		"INSERT INTO FUNCTION file('DIR/must-not-be', 'CSV', 'a Int32') VALUES "
		"(1)",
		"CREATE TABLE f (a String) ENGINE = File(LineAsString, '/etc/hostname')",
		"CREATE DATABASE machine ENGINE = Filesystem('/etc')",
		"SELECT * FROM sqlite('DIR/only-empty', 't')",
		"CREATE TABLE r (k String) ENGINE = EmbeddedRocksDB(0, "
		"'DIR/must-not-be') PRIMARY KEY k",
		"CREATE TABLE i (a Int32) ENGINE = IcebergLocal('DIR/must-not-be/')",
		"CREATE DICTIONARY d (a String) PRIMARY KEY a SOURCE(EXECUTABLE(COMMAND 'id' "
		"FORMAT 'CSV')) "
		"LAYOUT(COMPLEX_KEY_HASHED()) LIFETIME(0)",
	};
	struct warehouse *w = start(&(struct warehouse_options){.dir = *state});

	for (size_t i = 0; i < COUNT_OF(attempts); i++) {
		CLEANUP(free_string) char *sql = in_folder(attempts[i], *state);
		const char *answer = query(w, sql);
		if (!strstr(answer, "Not enough privileges"))
			fail_msg("%s: %s", sql, answer);
	}
	assert_non_null(strstr(query(w, "SELECT * FROM `/etc/hostname`"), "UNKNOWN_TABLE"));
	CLEANUP(free_string) char *path = xasprintf("%s/must-not-be", (char *)*state);
	assert_int_equal(access(path, F_OK), -1);
	warehouse_stop(w);
}

static void a_user_with_a_password_closes_the_open_one(void **state)
{
	struct warehouse_options options = {.dir = *state, .user = "joe", .password = "a<b&c"};
	static const char right[] = "X-ClickHouse-User: joe\r\nX-ClickHouse-Key: a<b&c\r\n";
	static const char wrong[] = "X-ClickHouse-User: joe\r\nX-ClickHouse-Key: a\r\n";
	struct warehouse *w = start(&options);

	assert_non_null(strstr(query(w, "CREATE DATABASE d"), "Not enough privileges"));
	assert_non_null(strstr(ask(warehouse_http_port(w), wrong, NULL), "AUTHENTICATION_FAILED"));
	assert_string_equal(ask(warehouse_http_port(w), right, "CREATE DATABASE d"), "");
	warehouse_stop(w);
}

static void a_user_without_a_password_is_refused(void **state)
{
	struct error err = {0};

	assert_null(
		warehouse_start(&(struct warehouse_options){.dir = *state, .user = "joe"}, &err));
	assert_non_null(strstr(err.text, "set both user and password"));
	assert_null(
		warehouse_start(&(struct warehouse_options){.dir = *state, .password = "x"}, &err));
	assert_non_null(strstr(err.text, "set both user and password"));
	assert_null(warehouse_start(
		&(struct warehouse_options){.dir = *state, .user = "a><b", .password = "x"}, &err));
	assert_non_null(strstr(err.text, "is no name for a user"));
}

static void the_query_log_outlives_a_restart(void **state)
{
	static const char count[] =
		"SELECT count() > 0 FROM system.query_log WHERE query = 'SELECT 4711'";
	struct warehouse_options options = {.dir = *state};
	struct warehouse *w = start(&options);

	query(w, "SELECT 4711");
	query(w, "SYSTEM FLUSH LOGS");
	assert_string_equal(query(w, count), "1\n");
	warehouse_stop(w);
	w = start(&options);
	assert_string_equal(query(w, count), "1\n");
	warehouse_stop(w);
}

static void it_keeps_to_its_memory(void **state)
{
	struct warehouse *w = start(
		&(struct warehouse_options){.dir = *state, .memory_bytes = 600 << 20});
	const char *answer = query(
		w, "SELECT length(groupArray(toString(number))) FROM numbers(50000000)");

	assert_non_null(strstr(answer, "MEMORY_LIMIT_EXCEEDED"));
	assert_string_equal(query(w, "SELECT 1"), "1\n");
	warehouse_stop(w);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(it_answers_on_a_free_port_and_keeps_its_data),
		TEST(killed_it_comes_back_on_the_same_ports_with_its_data),
		TEST(stopping_it_leaves_no_process),
		TEST(it_dies_with_its_parent_and_another_can_start),
		TEST(a_taken_port_is_named_with_its_option),
		TEST(a_folder_in_use_is_refused),
		TEST(a_child_that_cannot_start_is_quoted),
		TEST(a_missing_library_says_how_to_get_it),
		TEST(without_a_password_nobody_reaches_the_machine_through_it),
		TEST(a_user_with_a_password_closes_the_open_one),
		TEST(a_user_without_a_password_is_refused),
		TEST(the_query_log_outlives_a_restart),
		TEST(it_keeps_to_its_memory),
	};

	if (argc > 1 && strcmp(argv[1], WAREHOUSE_CHILD) == 0)
		return warehouse_child_main(argc, argv);
	log_setup(LOG_ERROR, LOG_LOGFMT);
	setenv("TAILRACE_LIBCHDB", LIBCHDB, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
