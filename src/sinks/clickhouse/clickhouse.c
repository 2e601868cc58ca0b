/* The ClickHouse sink: its options, and what does not concern one table; see clickhouse.h. */
#include "sinks/clickhouse/clickhouse.h"

#include <stdio.h>
#include <string.h>

#define AT(field) offsetof(struct clickhouse_sink, field)
#define OLDEST    2408 /* 24.8 */

enum compression { COMPRESSION_AUTO, COMPRESSION_NONE, COMPRESSION_LZ4, COMPRESSION_ZSTD };
static const char *const compressions[] = {"auto", "none", "lz4", "zstd", NULL};

static const struct option options[] = {
	{"url", OPTION_STRING, AT(url), "embedded",
		.help = "`embedded` for the ClickHouse that tailrace runs itself, or "
			"`http(s)://[user:password@]host:port` of "
			"a server."},
	{"user", OPTION_STRING, AT(user),
		.help = "User, before the one in the URL. Without either it is `default`."},
	{"password", OPTION_SECRET, AT(password), .help = "Password of the user."},
	{"database", OPTION_STRING, AT(database), .required = true,
		.help = "Database of the views that people read. The rows are kept in the database "
			"of that name with `_cdc` "
			"behind it. Both are made when they are missing."},
	{"cluster", OPTION_STRING, AT(cluster),
		.help = "Name of a cluster (of the server's `remote_servers`) that the rows are "
			"spread over by the hash of their keys, to all replicas of a shard: "
			"docs/scale-out.md. Not of the embedded one."},
	{"cluster_nodes", OPTION_STRING, AT(cluster_nodes),
		.help = "The cluster's other servers as `http(s)://host:port`, separated by "
			"commas. User and password are those of `url`."},
	{"compression", OPTION_CHOICE, AT(compression), "auto", .choices = compressions,
		.help = "Compression of the rows on their way. `auto` is LZ4, or none to a server "
			"on this machine."},
	{"ca_file", OPTION_STRING, AT(ca_file),
		.help = "Certificates to trust for https, in PEM. Without it the system's."},
	{"verify_tls", OPTION_BOOL, AT(verify_tls), "true",
		.help = "Whether the server's certificate must be valid. Switch it off only to try "
			"something."},
	{"connect_timeout", OPTION_DURATION, AT(connect_timeout_ms), "10s", 100, 600000,
		.help = "How long a connection may take to come about."},
	{"stall_timeout", OPTION_DURATION, AT(stall_timeout_ms), "5min", 1000, 86400000,
		.help = "A request during which nothing comes or goes for so long is given up and "
			"made again."},
	{"http_port", OPTION_INT, AT(http_port), "8123", 0, 65535,
		.help = "Embedded only: port of its HTTP interface. 0 is any free one, shown by "
			"`tailrace status`."},
	{"tcp_port", OPTION_INT, AT(tcp_port), "9000", 0, 65535,
		.help = "Embedded only: port of its native interface, for clickhouse-client and "
			"drivers. 0 is any free one."},
	{"listen", OPTION_STRING, AT(listen), "127.0.0.1",
		.help = "Embedded only: the address it listens on."},
	{"memory_limit", OPTION_BYTES, AT(memory_limit_bytes), .min = 0, .max = INT64_MAX,
		.help = "Embedded only: the memory it may take. Without it, half of the "
			"machine's."},
	OPTION_END,
};

static bool read_server(struct clickhouse_sink *s, struct error *err)
{
	static const char sql[] = "SELECT version(), timezone(), count() FROM system.settings "
				  "WHERE name = 'deduplicate_insert'";
	unsigned major = 0, minor = 0;
	struct arena arena;
	struct rows rows;

	if (!rows_query(s, "ssu", sql, NULL, &rows, err))
		return false;
	arena_init(&arena);
	const char *version = rows_text(&rows, &arena, 0, 0),
		   *zone = rows_text(&rows, &arena, 0, 1);
	bool ok = sscanf(version, "%u.%u", &major, &minor) == 2;
	s->version = major * 100 + minor;
	s->utc = !strcmp(zone, "UTC") || !strcmp(zone, "Etc/UTC");
	s->deduplicate_insert = rows_number(&rows, 0, 2);
	if (!ok || s->version < OLDEST)
		ok = error_set(err, ERROR_CONFIG,
			"ClickHouse at %s is version %s; 24.8 or later is needed",
			clickhouse_url(s->client), version);
	arena_release(&arena);
	rows_release(&rows);
	return ok;
}

static void release(struct clickhouse_sink *s)
{
	layout_forget_all(s);
	map_release(&s->published);
	clickhouse_free(s->client);
	cluster_close(s);
	free_string(&s->cdc);
	free_string(&s->shard);
	pthread_mutex_destroy(&s->lock);
	s->client = NULL;
}

static bool clickhouse_open(struct sink *sink, struct error *err)
{
	static const enum http_coding codings[] = {[COMPRESSION_AUTO] = HTTP_LZ4,
		[COMPRESSION_NONE] = HTTP_PLAIN,
		[COMPRESSION_LZ4] = HTTP_LZ4,
		[COMPRESSION_ZSTD] = HTTP_ZSTD};
	struct clickhouse_sink *s = clickhouse_sink_of(sink);
	const struct clickhouse_options client = {
		.url = s->url,
		.user = s->user,
		.password = s->password,
		.coding = codings[s->compression],
		.compress_always = s->compression != COMPRESSION_AUTO,
		.http = {.connect_timeout_ms = s->connect_timeout_ms,
			.stall_timeout_ms = s->stall_timeout_ms,
			.ca_file = s->ca_file,
			.accept_any_certificate = !s->verify_tls},
	};

	if (!clickhouse_new(&s->client, &client, err))
		return false;
	pthread_mutex_init(&s->lock, NULL);
	s->cdc = xasprintf("%s" TABLE_STORAGES, s->database);
	s->shard = xasprintf("%s_shard", s->database);
	if (read_server(s, err) && cluster_open(s, &client, err))
		return true;
	release(s);
	return false;
}

static void clickhouse_close(struct sink *sink)
{
	release(clickhouse_sink_of(sink));
}

/* The storages of all generations count: versions in one that was being built were given out as
 * well. */
static bool clickhouse_epoch(struct sink *sink, const char *stream, struct table *const *tables,
	size_t n, uint8_t *greatest, struct error *err)
{
	struct clickhouse_sink *s = clickhouse_sink_of(sink);
	struct stored_tables stored;
	struct arena arena;
	(void)tables, (void)n;

	*greatest = 0;
	arena_init(&arena);
	bool ok = stored_tables_of(s, s->cdc, stream, NULL, &arena, &stored, err);
	for (size_t i = 0; ok && i < stored.len; i++) {
		struct rows rows;
		struct buf sql;
		buf_init(&sql, BUF_MAX);
		buf_puts(&sql, "SELECT toUInt64(bitShiftRight(max(_version), 120)) FROM ");
		add_name(&sql, s->cdc, stored.items[i].name);
		ok = rows_query(s, "u", buf_text(&sql), NULL, &rows, err) ||
		     error_add(err, "%s.%s", s->cdc, stored.items[i].name);
		if (ok && rows.rows && rows_number(&rows, 0, 0) > *greatest)
			*greatest = (uint8_t)rows_number(&rows, 0, 0);
		if (ok)
			rows_release(&rows);
		buf_release(&sql);
	}
	vec_release(&stored);
	arena_release(&arena);
	return ok;
}

const struct sink_ops clickhouse_sink = {
	.kind = "clickhouse",
	.size = sizeof(struct clickhouse_sink),
	.options = options,
	.open = clickhouse_open,
	.check = clickhouse_check,
	.epoch = clickhouse_epoch,
	.generation = clickhouse_generation,
	.attach = clickhouse_attach,
	.evolve = clickhouse_evolve,
	.write = clickhouse_write,
	.load = clickhouse_load,
	.load_add = clickhouse_load_add,
	.load_end = clickhouse_load_end,
	.set_aside = clickhouse_set_aside,
	.asides = clickhouse_asides,
	.forget = clickhouse_forget,
	.truncate = clickhouse_truncate,
	.publish = clickhouse_publish,
	.discard = clickhouse_discard,
	.fetch = clickhouse_fetch,
	.missed = clickhouse_missed,
	.scan = clickhouse_scan,
	.count = clickhouse_count,
	.marked = clickhouse_marked,
	.mark = clickhouse_mark,
	.close = clickhouse_close,
};
