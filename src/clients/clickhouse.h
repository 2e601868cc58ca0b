/*
 * ClickHouse over HTTP (clickhouse.com/docs/interfaces/http): a statement, its settings, the rows
 * that go with it, and the answer in the format the statement names. An answer is whole or an
 * error: the server holds it back until the statement has ended, or, of one that streams, the
 * tail is looked at for an exception.
 *
 * Errors are classified by the server's code: what may pass (too many parts, memory, disk, a
 * server that is away, starting or read-only) is ERROR_RETRY, who may not or an unknown setting
 * ERROR_CONFIG, all else that a statement about a table can meet ERROR_TABLE.
 */
#ifndef CLIENTS_CLICKHOUSE_H
#define CLIENTS_CLICKHOUSE_H

#include "clients/http.h"

struct clickhouse_options {
	const char *url; /* http(s)://[user[:password]@]host:port[/path] */
	/* before those of the URL; NULL: those of the URL, or `default` without one */
	const char *user, *password;
	bool compress_always;     /* also to a server on this machine */
	enum http_coding coding;  /* of the rows that are sent */
	struct http_options http; /* 0 in its times: 10 s to connect, 5 min of standing still */
};

/* Pure: reaches nobody. Keeps copies of all strings. Any thread may use it. */
struct clickhouse;
MUST_CHECK bool clickhouse_new(
	struct clickhouse **out, const struct clickhouse_options *options, struct error *err);
void clickhouse_free(struct clickhouse *c);             /* NULL is allowed */
const char *clickhouse_url(const struct clickhouse *c); /* without user and password */

struct clickhouse_setting {
	const char *name, *value; /* "param_NAME" gives {NAME:Type} in the statement its value */
};

/* What the server says of a statement that has ended. */
struct clickhouse_summary {
	uint64_t read_rows, read_bytes, written_rows, written_bytes, result_rows, peak_bytes;
	int error_line, error_column; /* of the statement, where an exception names them; 0 */
};

struct clickhouse_query {
	const char *sql;
	const struct clickhouse_setting *settings; /* ends with a NULL name; or NULL */
	struct http_body *rows;                    /* what comes after INSERT ... FORMAT */
	struct http_body *table;     /* a temporary table for this statement, in Native, */
	const char *table_name;      /* its name, */
	const char *table_structure; /* and its columns: "k0 Int64, k1 String" */
	struct http_taker *taker;    /* takes the answer; or */
	/* the answer is appended: ERROR_DATA when it grows past the buffer's limit */
	struct buf *answer;
	/* filled: how many rows the server says its answer has, 0 when it does not say; or NULL. A server
	 * whose disk is full cuts what does not fit its memory off, and says nothing else. */
	uint64_t *answer_rows;
	bool streams; /* hand out the answer as it comes */
	bool patient; /* a statement that is silent until it has ended, such as a mutation */
	const atomic_bool *cancelled;       /* or NULL */
	struct clickhouse_summary *summary; /* or NULL; set also where the statement failed */
};

MUST_CHECK bool clickhouse_query(
	struct clickhouse *c, const struct clickhouse_query *query, struct error *err);

/* A statement whose answer does not matter. */
MUST_CHECK bool clickhouse_run(struct clickhouse *c, const char *sql, struct error *err);

/* What an exception's code asks for; and what mends it, where its text does not tell, or "". */
enum error_kind clickhouse_error_kind(int code);
const char *clickhouse_error_mend(int code);

/* Appends `name` and 'text' as ClickHouse's SQL quotes them. */
void clickhouse_quote_name(const char *name, struct buf *out);
void clickhouse_quote_text(const char *text, size_t len, struct buf *out);

#endif
