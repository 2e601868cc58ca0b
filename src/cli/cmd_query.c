/* `tailrace query`: a statement to the warehouse, its answer to standard output as it comes. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cli/cli.h"
#include "cli/ends.h"

#define LARGEST_STATEMENT ((size_t)64 << 20)

enum { FLAG_FORMAT, FLAG_CONNECTION };
static const struct flag flags[] = {
	{"format", "F",
		"one of ClickHouse's formats; by default PrettyCompact, or TSVWithNames where "
		"the output is no terminal"},
	{"connection", "NAME",
		"which target, where the configuration has several (default: that of the first "
		"stream)"},
	{0},
};

/* What standard output does not take is told by cli_main(): here it only ends the statement. */
static bool print_answer(
	struct http_taker *taker, const uint8_t *bytes, size_t len, struct error *err)
{
	(void)taker;
	return fwrite(bytes, 1, len, stdout) == len || error_set(err, ERROR_BROKEN, "not written");
}

static bool read_statement(const char *arg, struct buf *out, struct error *err)
{
	if (strcmp(arg, "-") != 0) {
		buf_puts(out, arg);
		return true;
	}
	size_t n;
	do {
		if (buf_room(out) < 65536)
			return error_set(err, ERROR_CONFIG, "the statement is too large");
		uint8_t *place = buf_extend(out, 65536);
		n = fread(place, 1, 65536, stdin);
		out->len -= 65536 - n;
	} while (n);
	return true;
}

/* Does it take queries? */
static bool is_warehouse(const struct connection_config *connection)
{
	return strcmp(connection->kind, "clickhouse") == 0;
}

/* The stream whose target is asked; its database is the one that names without a database mean. Without the name of
 * a connection: the first one that takes queries. */
static const struct stream_config *find_stream(const struct config *config, const char *connection)
{
	for (size_t i = 0; i < config->n_streams; i++) {
		const struct stream_config *stream = &config->streams[i];
		if (connection ? strcmp(stream->to->name, connection) == 0
			       : is_warehouse(stream->to))
			return stream;
	}
	return connection || !config->n_streams ? NULL : config->streams;
}

/* Models need no stream. */
static const struct connection_config *find_of_models(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->n_connections; i++) {
		const struct connection_config *c = &config->connections[i];
		if (name ? !strcmp(c->name, name) : is_warehouse(c))
			return c;
	}
	return NULL;
}

/* Before a first run there is none, and a statement that names it as its own would be refused. */
static bool database_exists(
	struct clickhouse *client, const char *name, bool *exists, struct error *err)
{
	const struct clickhouse_setting settings[] = {{"param_name", name}, {NULL, NULL}};
	struct buf answer;
	buf_init(&answer, 4096);
	const struct clickhouse_query query = {
		.sql = "SELECT 1 FROM system.databases WHERE name = {name:String} FORMAT TSV",
		.settings = settings,
		.answer = &answer,
	};
	bool ok = clickhouse_query(client, &query, err);
	*exists = answer.len;
	buf_release(&answer);
	return ok;
}

static bool run_statement(struct clickhouse *client, const char *sql, const char *format,
	const char *database, struct error *err)
{
	bool exists;
	if (!database_exists(client, database, &exists, err))
		return false;
	struct http_taker taker = {print_answer};
	const struct clickhouse_setting settings[] = {
		{"default_format", format}, {exists ? "database" : NULL, database}, {NULL, NULL}};
	const struct clickhouse_query query = {
		.sql = sql, .settings = settings, .taker = &taker, .streams = true};
	return clickhouse_query(client, &query, err) || ferror(stdout);
}

static int query_connection(struct ends *ends, const struct connection_config *connection,
	const char *database, const struct call *call)
{
	struct error err = {0};
	struct buf sql;
	const char *format = call->flags[FLAG_FORMAT];
	int code = DONE;

	if (!is_warehouse(connection))
		return wrong_use("'%s' is a %s connection; queries go to a clickhouse one",
			connection->name, connection->kind);
	if (!format)
		format = isatty(STDOUT_FILENO) ? "PrettyCompact" : "TSVWithNames";
	buf_init(&sql, LARGEST_STATEMENT);
	struct clickhouse *client = NULL;
	if (!read_statement(call->args[0], &sql, &err) ||
		!(client = ends_clickhouse(ends, connection, &err)) ||
		!run_statement(client, buf_text(&sql), format, database, &err))
		code = failed(&err) == WRONG_USE && !client ? WRONG_USE : FAILED;
	clickhouse_free(client);
	buf_release(&sql);
	return code;
}

static int query(const struct call *call)
{
	struct ends ends;
	struct error err = {0};
	if (!ends_open(&ends, call->config_path, &err))
		return failed(&err);
	const char *name = call->flags[FLAG_CONNECTION];
	const struct stream_config *stream = find_stream(&ends.config, name);
	const struct connection_config *of_models = find_of_models(&ends.config, name);
	int code;
	if (stream)
		code = query_connection(&ends, stream->to, stream->selection.target_database, call);
	else if (of_models)
		code = query_connection(&ends, of_models, ends.config.models.database, call);
	else
		code = wrong_use("no stream of %s writes to a connection '%s'", ends.config.path,
			name ? name : "of kind clickhouse");
	ends_close(&ends);
	return code;
}

const struct command query_command = {
	.name = "query",
	.args = "SQL",
	.min_args = 1,
	.max_args = 1,
	.summary = "run a statement in the warehouse",
	.help = "SQL in ClickHouse's dialect; \"-\" reads it from standard input. Names\n"
		"without a database are of the stream's. The embedded ClickHouse is that of\n"
		"the process that runs; when none does, it is started for the statement.\n"
		"\n"
		"  tailrace query \"SELECT status, count() FROM orders GROUP BY status\"\n"
		"  tailrace query \"SELECT * FROM orders\" --format Parquet > orders.parquet\n",
	.flags = flags,
	.run = query,
};
