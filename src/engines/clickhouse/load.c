/* Rows into a table, as TabSeparated, encoded while they are sent; answers into files as they come. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/mem.h"
#include "engines/clickhouse/clickhouse.h"

/* --- into a table --- */

struct feed_body {
	struct http_body body;
	struct row_feed *feed;
	const char **cells;
	size_t n_columns;
	struct buf text; /* of rows that were taken; sent up to `at` */
	size_t at;
	bool ended;
	struct error err;
};

static void put_cell(struct buf *out, const char *cell)
{
	if (!cell) {
		buf_puts(out, "\\N");
		return;
	}
	for (; *cell; cell++) {
		if (strchr("\t\n\r\\", *cell))
			buf_u8(out, '\\');
		buf_u8(out, (uint8_t)(*cell == '\t'   ? 't'
				      : *cell == '\n' ? 'n'
				      : *cell == '\r' ? 'r'
						      : *cell));
	}
}

static void take_row(struct feed_body *f)
{
	if (!f->feed->next(f->feed, f->cells, &f->err)) {
		f->ended = true;
		return;
	}
	for (size_t i = 0; i < f->n_columns; i++) {
		put_cell(&f->text, f->cells[i]);
		buf_u8(&f->text, i + 1 < f->n_columns ? '\t' : '\n');
	}
}

static size_t read_feed(struct http_body *body, uint8_t *out, size_t room)
{
	struct feed_body *f = (struct feed_body *)body;

	if (f->at == f->text.len) {
		buf_clear(&f->text);
		f->at = 0;
	}
	while (!f->ended && f->text.len - f->at < room)
		take_row(f);
	size_t n = f->text.len - f->at < room ? f->text.len - f->at : room;
	if (n)
		memcpy(out, f->text.data + f->at, n);
	f->at += n;
	return n;
}

bool clickhouse_load_rows(struct engine *engine, const struct statement *s, struct relation_name r,
	const struct engine_columns *columns, struct row_feed *feed, struct statement_stats *stats,
	struct error *err)
{
	static const struct clickhouse_setting settings[] = {{"input_format_null_as_default", "0"},
		{"date_time_input_format", "best_effort"}, {NULL, NULL}};
	struct feed_body body = {
		.body = {.read = read_feed}, .feed = feed, .n_columns = columns->len};
	struct buf sql;

	body.cells = xcalloc(columns->len + 1, sizeof *body.cells);
	buf_init(&body.text, BUF_MAX);
	buf_init(&sql, BUF_MAX);
	clickhouse_dialect.insert(&sql, r, columns, NULL);
	buf_puts(&sql, " FORMAT TabSeparated");
	struct clickhouse_query query = {
		.sql = buf_text(&sql), .settings = settings, .rows = &body.body};
	bool ok = statement_perform(clickhouse_engine_of(engine), s, &query, stats, err);
	if (body.err.kind) {
		*err = body.err;
		ok = false;
	}
	buf_release(&sql);
	buf_release(&body.text);
	free(body.cells);
	return ok;
}

/* --- into a file --- */

struct file_taker {
	struct http_taker taker;
	int fd;
};

static bool write_file(
	struct http_taker *taker, const uint8_t *bytes, size_t len, struct error *err)
{
	int fd = ((struct file_taker *)taker)->fd;

	while (len) {
		ssize_t n = write(fd, bytes, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set(err, ERROR_CONFIG, "write: %s", strerror(errno));
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

bool clickhouse_export(struct engine *engine, const struct statement *s, enum export_format format,
	int fd, struct statement_stats *stats, struct error *err)
{
	const struct clickhouse_setting settings[] = {
		{"default_format", format_name(format)}, {NULL, NULL}};
	struct file_taker taker = {.taker.take = write_file, .fd = fd};
	struct clickhouse_query query = {
		.sql = s->sql, .settings = settings, .taker = &taker.taker, .streams = true};

	return statement_perform(clickhouse_engine_of(engine), s, &query, stats, err);
}
