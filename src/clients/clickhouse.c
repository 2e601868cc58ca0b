/*
 * Statements to ClickHouse; see clickhouse.h. An INSERT has its statement in the URL and its rows
 * as the body; so has a statement with a temporary table, as a form of one file; any other is the
 * body itself.
 *
 * An exception is told by the header X-ClickHouse-Exception-Code, by the status with "Code: N."
 * in the body, or, in a stream that has begun, by a last part of the body between marks
 * (X-ClickHouse-Exception-Tag).
 */
#include "clients/clickhouse.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include "base/mem.h"

#define ERROR_TEXT_BYTES ((size_t)32 << 10)
#define MAX_FIELD_BYTES  131072             /* of a URL: http_max_field_value_size */
#define HELD_BYTES       ((size_t)32 << 10) /* of a stream: an exception at its end is shorter */
#define WHOLE_BYTES      "4194304" /* of an answer held back: more goes to the server's disk */

struct clickhouse {
	struct http *http;
	char *url, *user, *password, *ca_file;
	char *headers[3]; /* NULL-terminated */
	enum http_coding coding;
};

static const struct clickhouse_setting always[] = {
	/* Headers that tell of progress keep a long statement from looking like a dead server. */
	{"send_progress_in_http_headers", "1"},
	{"http_headers_progress_interval_ms", "5000"},
	/* The definition of a table of 1,600 columns is longer than the usual 256 KiB. */
	{"max_query_size", "16777216"},
	/* Rows of constants, as unit tests have them, are more than the usual 50,000 parts. */
	{"max_ast_elements", "4000000"},
	{"max_expanded_ast_elements", "4000000"},
	{NULL, NULL},
};

static struct http_options http_options_of(
	const struct clickhouse *c, const struct clickhouse_options *options)
{
	struct http_options http = options->http;

	http.ca_file = c->ca_file;
	if (!http.connect_timeout_ms)
		http.connect_timeout_ms = 10000;
	if (!http.stall_timeout_ms)
		http.stall_timeout_ms = 300000;
	return http;
}

static char *first_of(const char *a, char *b)
{
	if (!a)
		return b;
	free(b);
	return xstrdup(a);
}

bool clickhouse_new(
	struct clickhouse **out, const struct clickhouse_options *options, struct error *err)
{
	struct clickhouse *c = xcalloc(1, sizeof *c);
	char *user, *password;

	*out = NULL;
	if (!http_split_url(options->url, &c->url, &user, &password, err)) {
		free(c);
		return false;
	}
	c->user = first_of(options->user, user);
	c->password = first_of(options->password, password);
	size_t n = 0;
	if (c->user)
		c->headers[n++] = xasprintf("X-ClickHouse-User: %s", c->user);
	if (c->password)
		c->headers[n++] = xasprintf("X-ClickHouse-Key: %s", c->password);
	c->ca_file = options->http.ca_file ? xstrdup(options->http.ca_file) : NULL;
	c->coding = options->compress_always || !http_is_loopback(c->url) ? options->coding
									  : HTTP_PLAIN;
	struct http_options http = http_options_of(c, options);
	c->http = http_new(&http);
	*out = c;
	return true;
}

void clickhouse_free(struct clickhouse *c)
{
	if (!c)
		return;
	http_free(c->http);
	for (size_t i = 0; c->headers[i]; i++)
		free(c->headers[i]);
	free(c->url);
	free(c->user);
	free(c->password);
	free(c->ca_file);
	free(c);
}

const char *clickhouse_url(const struct clickhouse *c)
{
	return c->url;
}

/* The answer: what is no exception goes on to the caller, an exception's text is kept. */

enum { HEADER_CODE, HEADER_TAG, HEADER_SUMMARY, N_HEADERS };

struct answer {
	struct http_taker taker;
	const struct clickhouse_query *query;
	struct http_header headers[N_HEADERS];
	int status;
	struct buf text; /* of an exception */
	struct buf held; /* of a stream: what has come last */
};

static bool give(struct answer *a, const uint8_t *bytes, size_t len, struct error *err)
{
	const struct clickhouse_query *q = a->query;

	if (!len || (!q->taker && !q->answer))
		return true;
	if (q->taker)
		return q->taker->take(q->taker, bytes, len, err);
	if (buf_room(q->answer) < len)
		return error_set(err, ERROR_DATA,
			"the answer is larger than the %zu bytes it may have", q->answer->max);
	buf_append(q->answer, bytes, len);
	return true;
}

static void keep_text(struct answer *a, const uint8_t *bytes, size_t len)
{
	size_t room = ERROR_TEXT_BYTES - a->text.len;
	buf_append(&a->text, bytes, len < room ? len : room);
}

static bool take_answer(
	struct http_taker *taker, const uint8_t *bytes, size_t len, struct error *err)
{
	struct answer *a = (struct answer *)taker;

	if (a->headers[HEADER_CODE].value[0] || a->status != 200) {
		keep_text(a, bytes, len);
		return true;
	}
	if (!a->query->streams)
		return give(a, bytes, len, err);
	buf_append(&a->held, bytes, len);
	if (a->held.len < 2 * HELD_BYTES)
		return true;
	size_t ready = a->held.len - HELD_BYTES;
	if (!give(a, a->held.data, ready, err))
		return false;
	memmove(a->held.data, a->held.data + ready, HELD_BYTES);
	a->held.len = HELD_BYTES;
	return true;
}

/* "...\r\n__exception__\r\nTAG\r\nCode: 1. DB::Exception: ...\nLENGTH TAG\r\n__exception__\r\n":
 * moves it to a->text. */
static void find_exception(struct answer *a)
{
	char mark[sizeof a->headers[0].value + 32];
	int len = snprintf(
		mark, sizeof mark, "\r\n__exception__\r\n%s\r\n", a->headers[HEADER_TAG].value);

	if (!a->headers[HEADER_TAG].value[0] || !a->held.len)
		return;
	uint8_t *at = memmem(a->held.data, a->held.len, mark, (size_t)len);
	if (!at)
		return;
	size_t before = (size_t)(at - a->held.data), text = before + (size_t)len;
	keep_text(a, a->held.data + text, a->held.len - text);
	a->held.len = before;
}

static int exception_code(struct answer *a)
{
	const char *text = buf_text(&a->text), *code = strstr(text, "Code: ");

	if (a->headers[HEADER_CODE].value[0])
		return atoi(a->headers[HEADER_CODE].value);
	return code ? atoi(code + strlen("Code: ")) : 0;
}

/* "Code: 60. DB::Exception: Table x does not exist. (UNKNOWN_TABLE) (version 26.7.2.1)" without
 * its ends. */
static bool set_exception(struct answer *a, int code, struct error *err)
{
	char *text = (char *)a->text.data, *name = strstr(text, "DB::Exception: "),
	     *version = strstr(text, " (version ");

	if (version)
		*version = '\0';
	text = name ? name + strlen("DB::Exception: ") : text;
	text[strcspn(text, "\r\n")] = '\0';
	return error_set(err, clickhouse_error_kind(code), "ClickHouse: %.850s%s", text,
		clickhouse_error_mend(code));
}

static bool set_status(const struct answer *a, struct error *err)
{
	bool passing = a->status >= 500 || a->status == 408 || a->status == 429;
	enum error_kind kind = passing ? ERROR_RETRY : ERROR_CONFIG;

	return error_set(err, kind,
		"HTTP status %d, and not from ClickHouse: does the URL lead to its HTTP port, "
		"or does something stand before it?",
		a->status);
}

/* `whole`: the request came to its end; a stream that has failed is cut off by the server. */
static bool finish(struct answer *a, bool whole, struct error *err)
{
	find_exception(a);
	int code = exception_code(a);
	if (code)
		return set_exception(a, code, err);
	if (!whole)
		return false;
	return a->status == 200 ? give(a, a->held.data, a->held.len, err) : set_status(a, err);
}

/* Of X-ClickHouse-Summary, {"read_rows":"3000000","read_bytes":"24000000", ...}: numbers as texts. */
static uint64_t summary_number(const char *json, const char *name)
{
	char key[32];

	snprintf(key, sizeof key, "\"%s\":\"", name);
	const char *at = strstr(json, key);
	return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

static void summarize(struct answer *a, struct clickhouse_summary *out)
{
	const char *json = a->headers[HEADER_SUMMARY].value;
	const char *place = strstr(buf_text(&a->text), "(line ");
	int line = 0, column = 0;

	if (place)
		sscanf(place, "(line %d, col %d", &line, &column);
	*out = (struct clickhouse_summary){
		.read_rows = summary_number(json, "read_rows"),
		.read_bytes = summary_number(json, "read_bytes"),
		.written_rows = summary_number(json, "written_rows"),
		.written_bytes = summary_number(json, "written_bytes"),
		.result_rows = summary_number(json, "result_rows"),
		.peak_bytes = summary_number(json, "memory_usage"),
		.error_line = line,
		.error_column = column,
	};
}

static bool perform(struct clickhouse *c, const struct clickhouse_query *q,
	struct http_request *request, struct error *err)
{
	struct answer a = {.taker.take = take_answer,
		.query = q,
		.headers = {{.name = "X-ClickHouse-Exception-Code"},
			{.name = "X-ClickHouse-Exception-Tag"}, {.name = "X-ClickHouse-Summary"}}};

	buf_init(&a.text, ERROR_TEXT_BYTES + 1); /* and the NUL */
	buf_init(&a.held, BUF_MAX);
	request->taker = &a.taker;
	request->status = &a.status;
	request->wanted = a.headers;
	request->n_wanted = N_HEADERS;
	request->cancelled = q->cancelled;
	request->patient = q->patient;
	bool whole = http_perform(c->http, request, err) || error_add(err, "%s", c->url);
	if (q->summary)
		summarize(&a, q->summary);
	bool ok = finish(&a, whole, err);
	if (q->answer_rows)
		*q->answer_rows = summary_number(a.headers[HEADER_SUMMARY].value, "result_rows");
	buf_release(&a.text);
	buf_release(&a.held);
	return ok;
}

/* Values of parameters are read as tab-separated text. */
static void escape_parameter(const char *value, struct buf *out)
{
	buf_clear(out);
	for (; *value; value++) {
		if (strchr("\\\t\n", *value))
			buf_u8(out, '\\');
		buf_u8(out, (uint8_t)(*value == '\t' ? 't' : *value == '\n' ? 'n' : *value));
	}
}

static void add_settings(struct buf *url, const struct clickhouse_setting *settings)
{
	struct buf value;

	buf_init(&value, BUF_MAX);
	for (; settings && settings->name; settings++) {
		bool parameter = !strncmp(settings->name, "param_", 6);
		if (parameter)
			escape_parameter(settings->value, &value);
		buf_puts(url, "&");
		http_escape(settings->name, url);
		buf_puts(url, "=");
		http_escape(parameter ? buf_text(&value) : settings->value, url);
	}
	buf_release(&value);
}

static bool write_url(const struct clickhouse *c, const struct clickhouse_query *q, struct buf *url,
	struct error *err)
{
	buf_printf(url, "%s%swait_end_of_query=%s", c->url, strchr(c->url, '?') ? "&" : "?",
		q->streams ? "0" : "1&buffer_size=" WHOLE_BYTES);
	add_settings(url, always);
	add_settings(url, q->settings);
	if (q->table) {
		buf_printf(url, "&%s_format=Native&%s_structure=", q->table_name, q->table_name);
		http_escape(q->table_structure, url);
	}
	if (!q->rows && !q->table)
		return true;
	buf_puts(url, "&query=");
	size_t before = url->len;
	http_escape(q->sql, url);
	return url->len - before <= MAX_FIELD_BYTES ||
	       error_set(err, ERROR_TABLE,
		       "the statement takes %zu bytes and ClickHouse reads %d of one: the table "
		       "has too many "
		       "columns, or too long names",
		       url->len - before, MAX_FIELD_BYTES);
}

/* A body between two texts: the form that carries a temporary table. */
struct form {
	struct http_body body;
	struct http_bytes before, after;
	struct http_body *parts[3];
	size_t part;
	struct buf head;
	char boundary[48], type[96], end[64];
};

static size_t read_form(struct http_body *body, uint8_t *out, size_t room)
{
	struct form *f = (struct form *)body;

	for (; f->part < COUNT_OF(f->parts); f->part++) {
		size_t n = f->parts[f->part]->read(f->parts[f->part], out, room);
		if (n)
			return n;
	}
	return 0;
}

static void rewind_form(struct http_body *body)
{
	struct form *f = (struct form *)body;

	for (f->part = COUNT_OF(f->parts); f->part-- > 0;)
		f->parts[f->part]->rewind(f->parts[f->part]);
	f->part = 0;
}

/* A mark between parts that no data can hold, because nobody can know it. */
static void draw_boundary(struct form *f)
{
	uint64_t random[2] = {0};
	ssize_t n = getrandom(random, sizeof random, 0);

	assert(n == sizeof random);
	snprintf(f->boundary, sizeof f->boundary, "tailrace-%016llx%016llx",
		(unsigned long long)random[0], (unsigned long long)random[1]);
}

static void form_init(struct form *f, const struct clickhouse_query *q)
{
	*f = (struct form){.body = {.read = read_form, .rewind = rewind_form}};
	draw_boundary(f);
	snprintf(f->type, sizeof f->type, "Content-Type: multipart/form-data; boundary=%s",
		f->boundary);
	snprintf(f->end, sizeof f->end, "\r\n--%s--\r\n", f->boundary);
	buf_init(&f->head, BUF_MAX);
	buf_printf(&f->head,
		"--%s\r\nContent-Disposition: form-data; name=\"%s\"; filename=\"%s\"\r\n"
		"Content-Type: application/octet-stream\r\n\r\n",
		f->boundary, q->table_name, q->table_name);
	http_bytes_init(&f->before, f->head.data, f->head.len);
	http_bytes_init(&f->after, f->end, strlen(f->end));
	f->parts[0] = &f->before.body;
	f->parts[1] = q->table;
	f->parts[2] = &f->after.body;
}

bool clickhouse_query(struct clickhouse *c, const struct clickhouse_query *q, struct error *err)
{
	const char *headers[COUNT_OF(c->headers) + 1];
	struct http_request request = {.body_bytes = -1, .headers = headers};
	struct http_bytes sql;
	struct form form;
	struct buf url;
	size_t n = 0;

	for (; c->headers[n]; n++)
		headers[n] = c->headers[n];
	buf_init(&form.head, BUF_MAX);
	if (q->table) {
		form_init(&form, q);
		request.body = &form.body;
		headers[n++] = form.type;
	} else if (q->rows) {
		request.body = q->rows;
		request.coding = c->coding;
		headers[n++] = "Content-Type: application/octet-stream";
	} else {
		http_bytes_init(&sql, q->sql, strlen(q->sql));
		/* Sent once: where a kept connection is cut libcurl would send it again, and what adds
		 * rows or exchanges tables may have been done. */
		sql.body.rewind = NULL;
		request.body = &sql.body;
		request.body_bytes = (int64_t)sql.len;
		headers[n++] = "Content-Type: text/plain";
	}
	headers[n] = NULL;
	buf_init(&url, BUF_MAX);
	bool ok = write_url(c, q, &url, err);
	request.url = buf_text(&url);
	ok = ok && perform(c, q, &request, err);
	buf_release(&url);
	buf_release(&form.head);
	return ok;
}

bool clickhouse_run(struct clickhouse *c, const char *sql, struct error *err)
{
	return clickhouse_query(c, &(struct clickhouse_query){.sql = sql}, err);
}

static void quote(const char *text, size_t len, char mark, struct buf *out)
{
	buf_u8(out, (uint8_t)mark);
	for (size_t i = 0; i < len; i++) {
		if (text[i] == mark || text[i] == '\\')
			buf_u8(out, '\\');
		if (text[i])
			buf_u8(out, (uint8_t)text[i]);
		else
			buf_puts(out, "\\0");
	}
	buf_u8(out, (uint8_t)mark);
	buf_text(out);
}

void clickhouse_quote_name(const char *name, struct buf *out)
{
	quote(name, strlen(name), '`', out);
}

void clickhouse_quote_text(const char *text, size_t len, struct buf *out)
{
	quote(text, len, '\'', out);
}
