/*
 * Connections: made from a libpq URI with our session settings, queries whose errors carry what to do
 * about them (by SQLSTATE), and a pool for the threads that copy, fetch and scan. Nothing here ever
 * shows the URI: it may hold a password.
 */
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include "base/log.h"
#include "sources/postgres/postgres.h"

/* What a role or database may have set otherwise, beside what decoding relies on. */
static const char session_options[] = PG_SESSION_OPTIONS
	" -c search_path=pg_catalog -c row_security=off -c xmloption=content -c statement_timeout=0"
	" -c lock_timeout=0 -c idle_in_transaction_session_timeout=0 -c idle_session_timeout=0"
	" -c default_transaction_isolation=read\\ committed -c default_transaction_read_only=off"
	" -c default_transaction_deferrable=off -c jit=off";

static void notice(void *unused, const char *text)
{
	(void)unused;
	log_debug("notice from the server", F("text", text));
}

/* Mistakes that no waiting mends; a server that is away, starting or full comes back. */
static enum error_kind connection_error_kind(const char *text)
{
	static const char *const permanent[] = {"authentication failed", "pg_hba.conf",
		"does not exist", "no password supplied", "SSL was required",
		"certificate verify failed", "server certificate for", "permission denied",
		"not permitted to log in", "must be superuser or replication role",
		"permission to start WAL sender"};
	for (size_t i = 0; i < COUNT_OF(permanent); i++)
		if (strstr(text, permanent[i]) && !strstr(text, "No such file or directory"))
			return ERROR_CONFIG;
	return ERROR_RETRY;
}

static void one_line(char *text)
{
	size_t len = strlen(text);
	while (len && (text[len - 1] == '\n' || text[len - 1] == ' '))
		text[--len] = '\0';
	for (char *c = text; *c; c++)
		if (*c == '\n' || *c == '\t')
			*c = ' ';
}

static bool connection_failed(PGconn *conn, struct error *err)
{
	char text[768];
	snprintf(text, sizeof text, "%s", conn ? PQerrorMessage(conn) : "out of memory");
	one_line(text);
	return error_set(
		err, connection_error_kind(text), "cannot connect to PostgreSQL: %s", text);
}

/* The `options` of the URL with ours behind them. libpq's own message about a malformed URI is not shown: it
 * quotes it. */
static char *session_options_for(const char *url, struct error *err)
{
	char *message = NULL, *options = NULL;
	PQconninfoOption *parsed = PQconninfoParse(url, &message);
	PQfreemem(message);
	if (!parsed) {
		error_set(err, ERROR_CONFIG,
			"url is no PostgreSQL connection URI: it reads "
			"postgresql://user:password@host:5432/database?sslmode=require, with "
			"special characters of the password written as %%40 and the like, and "
			"behind the question mark only parameters that libpq has");
		return NULL;
	}
	const char *own = getenv("PGOPTIONS");
	for (PQconninfoOption *o = parsed; o->keyword; o++)
		if (!strcmp(o->keyword, "options") && o->val)
			own = o->val;
	options = xasprintf("%s %s", own ? own : "", session_options);
	PQconninfoFree(parsed);
	return options;
}

/* Text of such a database is in no known encoding, and the server refuses to convert what happens not to be
 * UTF-8: its bytes are taken as they are. */
static bool settle_encoding(PGconn *conn)
{
	const char *encoding = PQparameterStatus(conn, "server_encoding");
	return !encoding || strcmp(encoding, "SQL_ASCII") != 0 ||
	       PQsetClientEncoding(conn, "SQL_ASCII") == 0;
}

PGconn *pg_connect(struct postgres *p, bool replication, struct error *err)
{
	CLEANUP(free_string) char *options = session_options_for(p->url, err);
	if (!options)
		return NULL;
	/* What comes before the URL may be overridden in it, what comes behind may not. */
	const char *const names[] = {"connect_timeout", "keepalives_idle", "keepalives_interval",
		"keepalives_count", "fallback_application_name", "dbname", "client_encoding",
		"options", replication ? "replication" : NULL, NULL};
	const char *const values[] = {
		"10", "30", "10", "3", "tailrace", p->url, "UTF8", options, "database", NULL};
	PGconn *conn = PQconnectdbParams(names, values, 1);
	if (conn && PQstatus(conn) == CONNECTION_OK && settle_encoding(conn)) {
		PQsetNoticeProcessor(conn, notice, NULL);
		return conn;
	}
	connection_failed(conn, err);
	PQfinish(conn);
	return NULL;
}

void pg_disconnect(PGconn **conn)
{
	PQfinish(*conn);
	*conn = NULL;
}

bool pg_sqlstate_is(const PGresult *result, const char *sqlstate)
{
	const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
	return state && !strcmp(state, sqlstate);
}

static enum error_kind sqlstate_kind(const char *state)
{
	/* Class or code: lost connections, resources, rollbacks, shutdowns, locks, cancels, timeouts, I/O. */
	static const char *const retry[] = {"08", "53", "40", "57P0", "55P03", "55006", "57014",
		"25P03", "25P04", "58", "72000"};
	static const char *const config[] = {"28", "42501", "3D000"};
	for (size_t i = 0; i < COUNT_OF(retry); i++)
		if (!strncmp(state, retry[i], strlen(retry[i])))
			return ERROR_RETRY;
	for (size_t i = 0; i < COUNT_OF(config); i++)
		if (!strncmp(state, config[i], strlen(config[i])))
			return ERROR_CONFIG;
	return ERROR_BROKEN;
}

bool pg_fail(PGconn *conn, const PGresult *result, struct error *err)
{
	const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
	if (!state) {
		char text[768];
		snprintf(text, sizeof text, "%s",
			result ? PQresultErrorMessage(result) : PQerrorMessage(conn));
		one_line(text);
		return error_set(
			err, ERROR_RETRY, "connection to PostgreSQL: %s", text[0] ? text : "lost");
	}
	/* Data errors and violated constraints show values of rows: in the details, and in quotes. */
	bool shows_values = !strncmp(state, "22", 2) || !strncmp(state, "23", 2);
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *detail = shows_values ? NULL
					  : PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
	const char *hint = shows_values ? NULL : PQresultErrorField(result, PG_DIAG_MESSAGE_HINT);
	int shown = shows_values && message ? (int)strcspn(message, ":\"") : INT_MAX;
	error_set(err, sqlstate_kind(state), "PostgreSQL says: %.*s%s%s%s%s (SQLSTATE %s)", shown,
		message ? message : "an error without a message", detail ? "; " : "",
		detail ? detail : "", hint ? "; " : "", hint ? hint : "", state);
	if (err)
		one_line(err->text);
	return false;
}

void pg_free_result(PGresult **result)
{
	PQclear(*result);
	*result = NULL;
}

static PGresult *query(PGconn *conn, const char *sql, struct error *err)
{
	PGresult *result = PQexec(conn, sql);
	ExecStatusType status = PQresultStatus(result);
	if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_COPY_OUT ||
		status == PGRES_COPY_BOTH)
		return result;
	pg_fail(conn, result, err);
	PQclear(result);
	return NULL;
}

static PGresult *query_formatted(PGconn *conn, struct error *err, const char *fmt, va_list args)
{
	CLEANUP(free_string) char *sql = NULL;
	if (vasprintf(&sql, fmt, args) < 0) {
		error_set(err, ERROR_BROKEN, "out of memory for a query");
		return NULL;
	}
	return query(conn, sql, err);
}

PGresult *pg_query(PGconn *conn, struct error *err, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	PGresult *result = query_formatted(conn, err, fmt, args);
	va_end(args);
	return result;
}

bool pg_exec(PGconn *conn, struct error *err, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	PGresult *result = query_formatted(conn, err, fmt, args);
	va_end(args);
	PQclear(result);
	return result != NULL;
}

void pg_quote_name(struct buf *sql, const char *name)
{
	buf_u8(sql, '"');
	for (; *name; name++) {
		if (*name == '"')
			buf_u8(sql, '"');
		buf_u8(sql, (uint8_t)*name);
	}
	buf_puts(sql, "\"");
}

void pg_quote_table(struct buf *sql, const char *schema, const char *name)
{
	pg_quote_name(sql, schema);
	buf_puts(sql, ".");
	pg_quote_name(sql, name);
}

void pg_quote_literal(struct buf *sql, const char *text)
{
	buf_puts(sql, strchr(text, '\\') ? " E'" : "'");
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			buf_u8(sql, (uint8_t)*text);
		buf_u8(sql, (uint8_t)*text);
	}
	buf_puts(sql, "'");
}

const char *pg_value(const PGresult *result, int row, int column)
{
	return PQgetvalue(result, row, column);
}

uint64_t pg_value_u64(const PGresult *result, int row, int column)
{
	return strtoull(pg_value(result, row, column), NULL, 10);
}

bool pg_value_bool(const PGresult *result, int row, int column)
{
	return pg_value(result, row, column)[0] == 't';
}

void pg_lsn_print(uint64_t lsn, char out[PG_LSN_TEXT])
{
	snprintf(out, PG_LSN_TEXT, "%X/%X", (uint32_t)(lsn >> 32), (uint32_t)lsn);
}

uint64_t pg_lsn_parse(const char *text)
{
	uint32_t high, low;
	if (sscanf(text, "%8X/%8X", &high, &low) != 2)
		return 0;
	return (uint64_t)high << 32 | low;
}

static PGconn *pool_pop(struct postgres *p)
{
	pthread_mutex_lock(&p->pool_lock);
	PGconn *conn = p->pool.len ? p->pool.items[--p->pool.len] : NULL;
	pthread_mutex_unlock(&p->pool_lock);
	return conn;
}

/* Of an idle connection, the server's farewell is all that can be read. */
static bool is_alive(PGconn *conn)
{
	struct pollfd farewell = {.fd = PQsocket(conn), .events = POLLIN};
	return PQstatus(conn) == CONNECTION_OK && poll(&farewell, 1, 0) == 0;
}

PGconn *pg_take_connection(struct postgres *p, struct error *err)
{
	PGconn *conn;
	while ((conn = pool_pop(p))) {
		if (is_alive(conn))
			return conn;
		PQfinish(conn);
	}
	return pg_connect(p, false, err);
}

void pg_return_connection(struct postgres *p, PGconn *conn, bool reusable)
{
	if (!conn)
		return;
	if (!reusable || PQtransactionStatus(conn) != PQTRANS_IDLE) {
		PQfinish(conn);
		return;
	}
	pthread_mutex_lock(&p->pool_lock);
	vec_push(&p->pool, conn);
	pthread_mutex_unlock(&p->pool_lock);
}
