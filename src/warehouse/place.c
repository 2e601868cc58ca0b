/*
 * The folder of the embedded ClickHouse, its configuration, its ports and its library (place.h).
 *
 * In clickhouse-local, which libchdb is, the databases `system` and `default` live in memory and in an
 * overlay that reads files of the machine by name. Both are made ordinary databases by the metadata
 * files that a server would have written: then system.query_log outlives a restart.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "warehouse/place.h"

#define LOCK_WAIT_MS   5000 /* a child whose parent was killed needs a moment to be gone */
#define QUERY_LOG_DAYS "3"

static bool make_dir(const char *path, struct error *err)
{
	if (mkdir(path, 0700) == 0 || errno == EEXIST)
		return true;
	return error_set(err, ERROR_CONFIG, "cannot make the folder %s: %s", path, strerror(errno));
}

static bool write_file(const char *path, const struct buf *text, struct error *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool ok = fd >= 0 && write(fd, text->data, text->len) == (ssize_t)text->len;
	if (fd >= 0)
		ok = close(fd) == 0 && ok;
	if (!ok)
		return error_set(err, ERROR_CONFIG, "cannot write %s: %s", path, strerror(errno));
	return true;
}

static void put_xml(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (strchr("<>&", *text))
			buf_printf(out, "&#%d;", *text);
		else
			buf_u8(out, (uint8_t)*text);
	}
}

static void put_memory(struct buf *out, int64_t memory_bytes)
{
	if (memory_bytes > 0)
		buf_printf(out, "\t<max_server_memory_usage>%lld</max_server_memory_usage>\n",
			(long long)memory_bytes);
	else
		buf_puts(out, "\t<max_server_memory_usage_to_ram_ratio>0.5"
			      "</max_server_memory_usage_to_ram_ratio>\n");
}

/* Caches of a size for a neighbour rather than for the master of the machine; merges for its cores;
 * of the system's logs only query_log, and that not for ever; a table of any size may be dropped, for it
 * is a copy. */
static const char config_rest[] =
	"\t<mark_cache_size>268435456</mark_cache_size>\n"
	"\t<index_mark_cache_size>67108864</index_mark_cache_size>\n"
	"\t<primary_index_cache_size>268435456</primary_index_cache_size>\n"
	"\t<uncompressed_cache_size>0</uncompressed_cache_size>\n"
	"\t<index_uncompressed_cache_size>0</index_uncompressed_cache_size>\n"
	"\t<vector_similarity_index_cache_size>268435456</vector_similarity_index_cache_size>\n"
	"\t<text_index_postings_cache_size>67108864</text_index_postings_cache_size>\n"
	"\t<background_schedule_pool_size>16</background_schedule_pool_size>\n"
	"\t<max_table_size_to_drop>0</max_table_size_to_drop>\n"
	"\t<max_partition_size_to_drop>0</max_partition_size_to_drop>\n"
	"\t<query_log>\n"
	"\t\t<database>system</database>\n"
	"\t\t<table>query_log</table>\n"
	"\t\t<partition_by>event_date</partition_by>\n"
	"\t\t<ttl>event_date + INTERVAL " QUERY_LOG_DAYS " DAY</ttl>\n"
	"\t\t<flush_interval_milliseconds>15000</flush_interval_milliseconds>\n"
	"\t</query_log>\n"
	"</clickhouse>\n";

static bool write_config(
	const struct place *p, const struct warehouse_options *options, struct error *err)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	struct buf out;

	buf_init(&out, BUF_MAX);
	buf_puts(&out, "<clickhouse>\n"
		       "\t<!-- Written anew at each start; add your own settings in config.d/*.xml,"
		       " users in users.d/*.xml. -->\n"
		       "\t<default_database></default_database>\n"
		       "\t<user_directories><users_xml><path>");
	put_xml(&out, p->dir);
	buf_puts(&out, "/users.xml</path></users_xml></user_directories>\n\t<logger><log>");
	put_xml(&out, p->dir);
	buf_puts(&out, "/server.log</log><size>10M</size><count>3</count></logger>\n");
	put_memory(&out, options->memory_bytes);
	buf_printf(&out, "\t<background_pool_size>%ld</background_pool_size>\n",
		cores < 2    ? 2
		: cores > 16 ? 16
			     : cores);
	buf_puts(&out, config_rest);

	CLEANUP(free_string) char *path = xasprintf("%s/config.xml", p->dir);
	bool ok = write_file(path, &out, err);
	buf_release(&out);
	return ok;
}

/* What reaches beyond the tables is kept from a user that everybody on this machine can be: clickhouse-
 * local reads and writes any file, and an executable dictionary runs any command. */
static const char *const open_grants[] = {
	"GRANT ALL ON *.*",
	"REVOKE READ, WRITE ON FILE",
	"REVOKE READ, WRITE ON SQLITE",
	"REVOKE TABLE ENGINE ON File",
	"REVOKE TABLE ENGINE ON FileLog",
	"REVOKE TABLE ENGINE ON Filesystem",
	"REVOKE TABLE ENGINE ON EmbeddedRocksDB",
	"REVOKE TABLE ENGINE ON IcebergLocal",
	"REVOKE TABLE ENGINE ON DeltaLakeLocal",
	"REVOKE TABLE ENGINE ON PaimonLocal",
	"REVOKE CREATE DICTIONARY ON *.*",
	NULL,
};
/* The session that keeps the server running is always `default` without a password; where there is
 * another user, this is all that is left to it. */
static const char *const closed_grants[] = {
	"GRANT SYSTEM LISTEN ON *.*",
	"GRANT SELECT ON system.numbers",
	NULL,
};
static const char *const all_grants[] = {"GRANT ALL ON *.*", NULL};

static bool has_password(const struct warehouse_options *options)
{
	return options->password && *options->password;
}

static void put_user(
	struct buf *out, const char *name, const char *password, const char *const *grants)
{
	buf_printf(out, "\t\t<%s>\n\t\t\t<password>", name);
	put_xml(out, password ? password : "");
	buf_printf(out, "</password>\n\t\t\t<networks>%s</networks>\n",
		password ? "<ip>::/0</ip>" : "<ip>127.0.0.0/8</ip><ip>::1</ip>");
	buf_puts(out,
		"\t\t\t<profile>default</profile>\n\t\t\t<quota>default</quota>\n\t\t\t<grants>\n");
	for (; *grants; grants++)
		buf_printf(out, "\t\t\t\t<query>%s</query>\n", *grants);
	buf_printf(out, "\t\t\t</grants>\n\t\t</%s>\n", name);
}

static bool write_users(
	const struct place *p, const struct warehouse_options *options, struct error *err)
{
	bool closed = has_password(options);
	struct buf out;

	buf_init(&out, BUF_MAX);
	buf_puts(&out, "<clickhouse>\n\t<profiles><default/></profiles>\n\t<quotas><default/></"
		       "quotas>\n\t<users>\n");
	put_user(&out, "default", NULL, closed ? closed_grants : open_grants);
	if (closed)
		put_user(&out, options->user, options->password, all_grants);
	buf_puts(&out, "\t</users>\n</clickhouse>\n");

	CLEANUP(free_string) char *path = xasprintf("%s/users.xml", p->dir);
	bool ok = write_file(path, &out, err);
	buf_release(&out);
	return ok;
}

/* A user's name becomes an XML element. */
static bool check_user(const struct warehouse_options *options, struct error *err)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
	static const char more[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789-.";
	const char *user = options->user ? options->user : "default";
	bool is_default = strcmp(user, "default") == 0;

	if (is_default != !has_password(options))
		return error_set(err, ERROR_CONFIG,
			"the embedded ClickHouse has the user default, without a password, or "
			"another user with one: "
			"set both user and password of the connection, or neither");
	if (!strchr(letters, *user) || user[strspn(user, more)])
		return error_set(err, ERROR_CONFIG,
			"user: \"%s\" is no name for a user of the embedded ClickHouse (letters, "
			"digits, _ - .)",
			user);
	return true;
}

/* The metadata of an ordinary database, unless ClickHouse has written it already. */
static bool write_database(const struct place *p, const char *name, int number, struct error *err)
{
	CLEANUP(free_string) char *path = xasprintf("%s/data/metadata/%s.sql", p->dir, name);
	struct buf out;

	if (access(path, F_OK) == 0)
		return true;
	buf_init(&out, BUF_MAX);
	buf_printf(&out, "ATTACH DATABASE _ UUID '7a110ace-0000-4000-8000-%012d' ENGINE = Atomic\n",
		number);
	bool ok = write_file(path, &out, err);
	buf_release(&out);
	return ok;
}

/* ClickHouse locks data/status for as long as it runs, and writes "PID: 123" into it. */
static bool wait_for_lock(const struct place *p, struct error *err)
{
	CLEANUP(free_string) char *path = xasprintf("%s/data/status", p->dir);
	char text[32] = "";
	int64_t until = mono_ms() + LOCK_WAIT_MS;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool ours = fd < 0;

	while (!ours && !(ours = flock(fd, LOCK_EX | LOCK_NB) == 0) && mono_ms() < until)
		usleep(20 * 1000);
	if (!ours && read(fd, text, sizeof text - 1) < 0)
		text[0] = '\0';
	if (fd >= 0)
		close(fd);
	if (ours)
		return true;
	return error_set(err, ERROR_CONFIG,
		"the embedded ClickHouse in %s is in use by another process (%.*s); stop the other "
		"tailrace first",
		p->dir, (int)strcspn(text, "\n"), text);
}

static bool make_folder(struct place *p, const struct warehouse_options *options, struct error *err)
{
	static const char *const parts[] = {"/data", "/data/metadata", NULL};

	if (!make_dir(options->dir, err))
		return false;
	p->dir = realpath(options->dir, NULL);
	if (!p->dir)
		return error_set(err, ERROR_CONFIG, "cannot open the folder %s: %s", options->dir,
			strerror(errno));
	for (int i = 0; parts[i]; i++) {
		CLEANUP(free_string) char *path = xasprintf("%s%s", p->dir, parts[i]);
		if (!make_dir(path, err))
			return false;
	}
	return wait_for_lock(p, err) && write_config(p, options, err) &&
	       write_users(p, options, err) && write_database(p, "system", 1, err) &&
	       write_database(p, "default", 2, err);
}

static bool find_library(struct place *p, struct error *err)
{
	static const char *const places[] = {"../lib/tailrace/libchdb.so",
		"../deps/node_modules/@chdb/lib-linux-x64-gnu/libchdb.so", NULL};
	const char *set = getenv("TAILRACE_LIBCHDB");
	char self[PATH_MAX];

	if (set && *set) {
		p->library = xstrdup(set);
		if (access(set, R_OK) == 0)
			return true;
		return error_set(
			err, ERROR_CONFIG, "TAILRACE_LIBCHDB names %s: %s", set, strerror(errno));
	}
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	self[n > 0 ? n : 0] = '\0';
	char *slash = strrchr(self, '/');
	int folder = slash ? (int)(slash - self) : 0;
	for (int i = 0; places[i]; i++) {
		free(p->library);
		p->library = xasprintf("%.*s/%s", folder, self, places[i]);
		if (access(p->library, R_OK) == 0)
			return true;
	}
	return error_set(err, ERROR_CONFIG,
		"libchdb.so, the embedded ClickHouse, is neither at %.*s/%s nor at %.*s/%s; run "
		"tools/setup, or set "
		"TAILRACE_LIBCHDB to its path, or give the connection the url of a ClickHouse "
		"server",
		folder, self, places[0], folder, self, places[1]);
}

static bool listen_address(const char *listen, int port, struct addrinfo **out, struct error *err)
{
	struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
	char number[16];

	snprintf(number, sizeof number, "%d", port);
	if (getaddrinfo(listen, number, &hints, out) == 0)
		return true;
	return error_set(err, ERROR_CONFIG,
		"listen: %s is not a numeric address such as 127.0.0.1 or ::1", listen);
}

static int port_of(const struct sockaddr_storage *address)
{
	return ntohs(address->ss_family == AF_INET6
			     ? ((const struct sockaddr_in6 *)address)->sin6_port
			     : ((const struct sockaddr_in *)address)->sin_port);
}

/* Takes the port, or, for 0, any that is free, and returns the socket; -1: it cannot be had. */
static int take_port(
	const struct place *p, const char *option, int wanted, int *port, struct error *err)
{
	struct addrinfo *address;
	struct sockaddr_storage bound;
	socklen_t size = sizeof bound;
	int reuse = wanted != 0; /* as the server does; but a free one is to be free for all */

	if (!listen_address(p->listen, wanted, &address, err))
		return -1;
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool ok = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof reuse) == 0 &&
		  bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, 1) == 0 &&
		  getsockname(fd, (struct sockaddr *)&bound, &size) == 0;
	int failed = errno;
	freeaddrinfo(address);
	if (ok) {
		*port = port_of(&bound);
		return fd;
	}
	if (fd >= 0)
		close(fd);
	if (failed == EADDRINUSE)
		error_set(err, ERROR_CONFIG,
			"%s %d on %s is taken by another program; set %s of the connection to a "
			"free port, or to 0 "
			"for any free one",
			option, wanted, p->listen, option);
	else
		error_set(err, ERROR_CONFIG, "%s %d on %s: %s", option, wanted, p->listen,
			strerror(failed));
	return -1;
}

/* An address that listens everywhere is reached at the machine itself. */
static const char *reach(const char *listen)
{
	return strcmp(listen, "0.0.0.0") == 0 ? "127.0.0.1"
	       : strcmp(listen, "::") == 0    ? "::1"
					      : listen;
}

bool place_pick_ports(struct place *p, const struct warehouse_options *options, struct error *err)
{
	if (options->http_port && options->http_port == options->tcp_port)
		return error_set(err, ERROR_CONFIG,
			"http_port and tcp_port are both %d; they must differ",
			(int)options->http_port);
	/* The one is held while the other is chosen. */
	int http = take_port(p, "http_port", (int)options->http_port, &p->http_port, err);
	if (http < 0)
		return false;
	int tcp = take_port(p, "tcp_port", (int)options->tcp_port, &p->tcp_port, err);
	close(http);
	if (tcp < 0)
		return false;
	close(tcp);
	const char *host = reach(p->listen);
	bool v6 = strchr(host, ':');
	free(p->url);
	p->url = xasprintf("http://%s%s%s:%d", v6 ? "[" : "", host, v6 ? "]" : "", p->http_port);
	return true;
}

bool place_init(struct place *p, const struct warehouse_options *options, struct error *err)
{
	*p = (struct place){
		.listen = xstrdup(options->listen ? options->listen : "127.0.0.1"),
		.any_port = !options->http_port || !options->tcp_port,
	};
	if (check_user(options, err) && find_library(p, err) && make_folder(p, options, err) &&
		place_pick_ports(p, options, err))
		return true;
	place_release(p);
	return false;
}

void place_release(struct place *p)
{
	free(p->dir);
	free(p->library);
	free(p->listen);
	free(p->url);
	*p = (struct place){0};
}

bool place_ping(const struct place *p)
{
	static const char request[] = "GET /ping HTTP/1.0\r\n\r\n";
	struct timeval wait = {.tv_sec = 5};
	struct addrinfo *address;
	char answer[16] = "";

	if (!listen_address(reach(p->listen), p->http_port, &address, NULL))
		return false;
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool ok = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) == 0 &&
		  connect(fd, address->ai_addr, address->ai_addrlen) == 0 &&
		  send(fd, request, sizeof request - 1, MSG_NOSIGNAL) ==
			  (ssize_t)sizeof request - 1 &&
		  recv(fd, answer, sizeof answer - 1, MSG_WAITALL) > 12 &&
		  strncmp(answer + 9, "200", 3) == 0;
	freeaddrinfo(address);
	if (fd >= 0)
		close(fd);
	return ok;
}
