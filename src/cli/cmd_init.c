/*
 * `tailrace init URL`: looks at a database and writes a configuration that mirrors it. Passwords do not go into
 * the configuration, which people keep in version control, but into files beside it that only the owner reads.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/text.h"
#include "cli/cli.h"
#include "cli/ends.h"
#include "cli/init.h"
#include "clients/http.h"

enum { FLAG_FORCE };
static const struct flag flags[] = {
	{"force", NULL, "write over files that are there"},
	{0},
};

static const struct {
	const char *scheme, *kind;
} schemes[] = {{"postgresql://", "postgres"}, {"postgres://", "postgres"}};

static const char *kind_of(const char *url)
{
	for (size_t i = 0; i < COUNT_OF(schemes); i++)
		if (strncmp(url, schemes[i].scheme, strlen(schemes[i].scheme)) == 0)
			return schemes[i].kind;
	return NULL;
}

/* --- the URL, as far as it concerns us: the rest is its connector's --- */

static bool holds_password(const char *url)
{
	const char *host = strstr(url, "://") + 3;
	size_t authority = strcspn(host, "/?");
	const char *at = memrchr(host, '@', authority);
	return (at && memchr(host, ':', (size_t)(at - host))) || strstr(url, "password=");
}

/* The database's name as a stream can have it; "source" where the URL names none that is fit. */
static const char *stream_name(const char *url, struct arena *arena)
{
	const char *host = strstr(url, "://") + 3;
	const char *path = host + strcspn(host, "/?");
	size_t len = *path == '/' ? strcspn(path + 1, "?") : 0;

	CLEANUP(free_string) char *database = http_unescape(path + 1, len);
	if (strlen(database) > 48 || !isalpha((unsigned char)*database))
		return "source";
	char *name = arena_strdup(arena, database);
	for (char *c = name; *c; c++)
		*c = isalnum((unsigned char)*c) ? (char)tolower((unsigned char)*c) : '_';
	return strcmp(name, "warehouse") == 0 ? "source" : name;
}

static bool read_target(const char *url, struct plan *p, struct arena *arena, struct error *err)
{
	char *bare, *user, *password;
	p->target_url = "embedded";
	if (!url || strcmp(url, "embedded") == 0)
		return true;
	if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
		return error_set(err, ERROR_CONFIG,
			"'%.100s' is no ClickHouse that can be written to; give "
			"http(s)://user@host:8123, or nothing for the embedded one",
			url);
	if (!http_split_url(url, &bare, &user, &password, err))
		return false;
	p->target_url = arena_strdup(arena, bare);
	p->target_user = arena_strdup(arena, user);
	p->target_password = arena_strdup(arena, password);
	p->target_secret_file = password ? "warehouse.secret" : NULL;
	free(bare);
	free(user);
	free(password);
	return true;
}

/* --- looking at the source --- */

static int by_schema_and_size(const void *a, const void *b)
{
	const struct table *s = *(const struct table *const *)a,
			   *t = *(const struct table *const *)b;
	int schema = strcmp(s->schema, t->schema);
	if (schema)
		return strcmp(s->schema, "public") == 0   ? -1
		       : strcmp(t->schema, "public") == 0 ? 1
							  : schema;
	if (s->bytes_estimate != t->bytes_estimate)
		return s->bytes_estimate > t->bytes_estimate ? -1 : 1;
	return strcmp(s->name, t->name);
}

static bool discover(struct plan *p, struct arena *arena, struct error *err)
{
	struct config_pair url = {.name = "url", .value = p->url};
	struct connection_config connection = {.name = p->stream,
		.kind = p->kind,
		.source = source_find(p->kind),
		.pairs = &url,
		.n_pairs = 1};
	struct selection_rule everything = {.pattern = "*"};
	struct stream_config stream = {.name = p->stream,
		.from = &connection,
		.selection = {p->stream, p->stream, &everything, 1}};

	if (!option_defaults(table_option_table, &everything.options, arena, err))
		return false;
	struct source *source = config_source(&stream, arena, err);
	if (!source)
		return false;
	if (!source->ops->open(source, err)) {
		free(source);
		return false;
	}
	bool ok = source->ops->discover(source, &p->tables, err);
	source_free(source);
	if (ok && p->tables.len)
		qsort(p->tables.items, p->tables.len, sizeof *p->tables.items, by_schema_and_size);
	return ok;
}

/* --- files --- */

static bool write_file(
	const char *path, const void *bytes, size_t len, bool force, mode_t mode, struct error *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (force ? O_TRUNC : O_EXCL), mode);
	if (fd < 0 && errno == EEXIST)
		return error_set(err, ERROR_CONFIG,
			"%s is there already; --force writes over it, and -c FILE names another",
			path);
	if (fd < 0)
		return error_set(err, ERROR_CONFIG, "%s: %s", path, strerror(errno));
	bool ok = fchmod(fd, mode) == 0 && write(fd, bytes, len) == (ssize_t)len;
	if (close(fd) != 0 || !ok)
		return error_set(err, ERROR_BROKEN, "%s: %s", path, strerror(errno));
	return true;
}

static bool write_secret(const char *config_path, const char *name, const char *secret, bool force,
	struct error *err)
{
	const char *slash = strrchr(config_path, '/');
	CLEANUP(free_string)
	char *path = xasprintf(
		"%.*s%s", slash ? (int)(slash - config_path + 1) : 0, config_path, name);
	CLEANUP(free_string) char *line = xasprintf("%s\n", secret);
	return write_file(path, line, strlen(line), force, 0600, err);
}

static bool write_all(const struct plan *p, const char *path, bool force, struct error *err)
{
	struct buf yaml;
	buf_init(&yaml, BUF_MAX);
	plan_print(p, &yaml);
	bool ok = write_file(path, yaml.data, yaml.len, force, 0644, err) &&
		  (!p->secret_file || write_secret(path, p->secret_file, p->url, force, err)) &&
		  (!p->target_secret_file || write_secret(path, p->target_secret_file,
						     p->target_password, force, err));
	buf_release(&yaml);
	return ok;
}

static void tell(const struct plan *p, const char *path)
{
	uint64_t bytes = 0;
	size_t problems = 0;
	char size[AMOUNT];
	for (size_t i = 0; i < p->tables.len; i++) {
		bytes += p->tables.items[i]->bytes_estimate;
		problems += p->tables.items[i]->problem != NULL;
	}
	printf("%zu table%s, %s\n", p->tables.len, plural(p->tables.len), print_size(bytes, size));
	if (problems)
		printf("%zu of them cannot be mirrored as they are; %s says why\n", problems, path);
	if (p->secret_file)
		printf("the URL with its password went to %s, for its owner alone\n",
			p->secret_file);
	bool usual = strcmp(path, "tailrace.yaml") == 0;
	printf("wrote %s; next: tailrace%s%s check\n", path, usual ? "" : " -c ",
		usual ? "" : path);
}

static bool make_plan(
	const struct call *call, struct plan *p, struct arena *arena, struct error *err)
{
	p->url = call->args[0];
	p->kind = kind_of(p->url);
	if (!p->kind)
		return error_set(err, ERROR_CONFIG,
			"'%.100s' is no database that can be mirrored; give "
			"postgresql://user@host:5432/database",
			p->url);
	p->stream = stream_name(p->url, arena);
	p->secret_file = holds_password(p->url) ? arena_printf(arena, "%s.secret", p->stream)
						: NULL;
	if (!read_target(call->n_args > 1 ? call->args[1] : NULL, p, arena, err))
		return false;
	if (!call->flags[FLAG_FORCE] && access(call->config_path, F_OK) == 0)
		return error_set(err, ERROR_CONFIG,
			"%s is there already; --force writes over it, and -c FILE names another",
			call->config_path);
	return discover(p, arena, err);
}

static int init(const struct call *call)
{
	struct plan plan = {0};
	struct arena arena;
	struct error err = {0};
	arena_init(&arena);
	int code = DONE;
	if (make_plan(call, &plan, &arena, &err) &&
		write_all(&plan, call->config_path, call->flags[FLAG_FORCE], &err))
		tell(&plan, call->config_path);
	else
		code = failed(&err);
	vec_each (&plan.tables, it)
		table_unref(*it);
	vec_release(&plan.tables);
	arena_release(&arena);
	return code;
}

const struct command init_command = {
	.name = "init",
	.args = "URL [CLICKHOUSE_URL]",
	.min_args = 1,
	.max_args = 2,
	.summary = "look at a database and write a configuration for it",
	.help = "URL is postgresql://user:password@host:5432/database, with libpq's\n"
		"parameters behind a ?. CLICKHOUSE_URL is http(s)://user:password@host:8123;\n"
		"without it the embedded ClickHouse is the target. The tables are listed with\n"
		"their sizes and keys. A password goes into a file beside the configuration\n"
		"that only you can read. The database is only read.\n",
	.flags = flags,
	.run = init,
};
