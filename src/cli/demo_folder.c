/*
 * The folder of the demo: its configuration, which is the user's once it is written, and free ports. Ports stand in
 * it as ${NAME:-8123}, so that a start at which one is taken can do with another and leave the file alone.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/log.h"
#include "cli/demo.h"
#include "demo/project.h"

#define DAY_US     (INT64_C(86400) * 1000000)
#define DAYS_BUILT 37 /* of the fact table, when the demo begins */

static const struct {
	const char *variable;
	int usual;
} ports[] = {
	{"TAILRACE_DEMO_HTTP_PORT", 8123},
	{"TAILRACE_DEMO_TCP_PORT", 9000},
	{"TAILRACE_DEMO_STATUS_PORT", 8080},
};

/* --- the folder --- */

static bool make_folder(const char *path, mode_t mode, struct error *err)
{
	if (mkdir(path, mode) == 0 || errno == EEXIST)
		return true;
	return error_set(err, ERROR_CONFIG, "cannot make the folder %s: %s", path, strerror(errno));
}

/* Another demo is found out here, before it is disturbed. */
static bool nobody_runs(struct error *err)
{
	struct state *state = state_open(DEMO_STATE, err);
	int pid = state ? state_runner(state) : 0;

	if (pid)
		error_set(err, ERROR_CONFIG,
			"the demo in " DEMO_FOLDER " runs already, as process %d; end that one "
			"first, or go to another folder",
			pid);
	state_close(state);
	return state && !pid;
}

bool demo_folder_open(struct error *err)
{
	return make_folder(DEMO_FOLDER, 0755, err) && make_folder(DEMO_STATE, 0700, err) &&
	       nobody_runs(err) && log_to_file(DEMO_LOG, err);
}

/* --- ports --- */

/* The port, when nobody listens there; 0 asks for any. 0: it is taken. */
static int free_port(int wanted)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)wanted),
		.sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t size = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	bool ok = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
		  bind(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
		  listen(fd, 1) == 0 && getsockname(fd, (struct sockaddr *)&address, &size) == 0;

	if (fd >= 0)
		close(fd);
	return ok ? ntohs(address.sin_port) : 0;
}

static void avoid_taken_port(size_t i, int64_t configured)
{
	char number[16];

	if (configured <= 0 || configured > 65535 || free_port((int)configured))
		return;
	snprintf(number, sizeof number, "%d", free_port(0));
	setenv(ports[i].variable, number, 1);
}

/* --- the configuration --- */

static void print_config(const struct cluster *cluster, struct buf *out)
{
	int chosen[COUNT_OF(ports)];

	for (size_t i = 0; i < COUNT_OF(ports); i++)
		chosen[i] = free_port(ports[i].usual) ? ports[i].usual : free_port(0);
	buf_printf(out,
		"# The configuration of `tailrace demo`, written at its first start and yours "
		"from then on:\n"
		"# change it, and start the demo again. Every command takes it:\n"
		"#   tailrace -c " DEMO_CONFIG " status\n"
		"# What may stand here: `tailrace reference`. To begin with nothing again:\n"
		"#   rm -rf %s %s\n"
		"connections:\n"
		"  shop:\n"
		"    kind: postgres\n"
		"    url: \"%s\" # the demo's own; psql takes it as well\n"
		"  warehouse:\n"
		"    kind: clickhouse\n"
		"    url: embedded\n"
		"    database: shop\n"
		"    # Where it listens, on this machine alone. The demo takes another port while "
		"one is taken.\n"
		"    http_port: ${%s:-%d}\n"
		"    tcp_port: ${%s:-%d}\n"
		"streams:\n"
		"  shop:\n"
		"    from: shop\n"
		"    to: warehouse\n"
		"    tables:\n"
		"      - public.*\n"
		"      - logistics.* # is shop.logistics_shipments there\n"
		"      # Try: every version of an order, as orders_log; columns that do not leave "
		"the database\n"
		"      # - public.orders: {keep: both}\n"
		"      # - public.customers: {columns: {email: hash, phone: mask, last_ip: drop}}\n"
		"models: # dbt_project.yml, models/, ... beside this file\n"
		"  project: .\n"
		"  database: mart\n"
		"server:\n"
		"  # /healthz, /readyz, /metrics, /api/v1/status\n"
		"  listen: 127.0.0.1:${%s:-%d}\n",
		DEMO_FOLDER, cluster_dir(cluster), cluster_url(cluster), ports[0].variable,
		chosen[0], ports[1].variable, chosen[1], ports[2].variable, chosen[2]);
}

static bool write_config(const struct cluster *cluster, struct error *err)
{
	struct buf text;
	FILE *file = fopen(DEMO_CONFIG, "wxe");

	if (!file && errno == EEXIST)
		return true;
	buf_init(&text, BUF_MAX);
	print_config(cluster, &text);
	bool ok = file && fwrite(text.data, 1, text.len, file) == text.len;
	ok = file && fclose(file) == 0 && ok;
	buf_release(&text);
	return ok ||
	       error_set(err, ERROR_CONFIG, "cannot write " DEMO_CONFIG ": %s", strerror(errno));
}

struct demo_options {
	const char *url;
	int64_t http_port, tcp_port;
};
static const struct option source_table[] = {
	{"url", OPTION_SECRET, offsetof(struct demo_options, url)},
	OPTION_END,
};
static const struct option target_table[] = {
	{"http_port", OPTION_INT, offsetof(struct demo_options, http_port)},
	{"tcp_port", OPTION_INT, offsetof(struct demo_options, tcp_port)},
	OPTION_END,
};

static bool check_config(const struct config *config, const char *database_url,
	struct demo_options *options, struct arena *arena, struct error *err)
{
	const struct stream_config *stream = config->n_streams ? &config->streams[0] : NULL;

	if (!stream || strcmp(stream->from->kind, "postgres") != 0 ||
		!connection_is_embedded(stream->to))
		return error_set(err, ERROR_CONFIG,
			DEMO_CONFIG " no longer mirrors the demo's PostgreSQL into the embedded "
				    "ClickHouse; remove the file, and the demo writes it anew");
	if (!connection_options(stream->from, source_table, options, arena, err) ||
		!connection_options(stream->to, target_table, options, arena, err))
		return false;
	return strcmp(options->url, database_url) == 0 ||
	       error_set(err, ERROR_CONFIG,
		       DEMO_CONFIG " was written for a demo in another place: its PostgreSQL is "
				   "not the one of this folder; remove " DEMO_FOLDER
				   " to begin anew");
}

bool demo_config_ready(const struct cluster *cluster, struct error *err)
{
	struct config config;
	struct demo_options options = {0};
	struct arena arena;

	if (!demo_project_write(DEMO_FOLDER, wall_us() - DAYS_BUILT * DAY_US, err) ||
		!write_config(cluster, err) || !config_load(DEMO_CONFIG, &config, err))
		return false;
	arena_init(&arena);
	bool ok = check_config(&config, cluster_url(cluster), &options, &arena, err);
	if (ok) {
		const char *colon = strrchr(config.server.listen, ':');
		avoid_taken_port(0, options.http_port);
		avoid_taken_port(1, options.tcp_port);
		avoid_taken_port(2, colon ? atoi(colon + 1) : 0);
	}
	arena_release(&arena);
	config_release(&config);
	return ok;
}
