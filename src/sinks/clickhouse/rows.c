/* Small answers as text and numbers; see clickhouse.h. */
#include <assert.h>
#include <inttypes.h>
#include <string.h>
#include "formats/native/native.h"
#include "sinks/clickhouse/clickhouse.h"

#define MAX_ANSWER_BYTES ((size_t)64 << 20)

struct rows_taker {
	struct http_taker taker;
	struct native_decoder decoder;
};

static bool take_rows(struct http_taker *taker, const uint8_t *bytes, size_t len, struct error *err)
{
	struct rows_taker *t = (struct rows_taker *)taker;
	return native_decoder_push(&t->decoder, bytes, len, err);
}

bool rows_end(struct native_decoder *d, uint64_t answer_rows, struct error *err)
{
	bool ended = native_decoder_end(d, err);

	if (d->rows >= answer_rows)
		return ended;
	return error_set(err, ERROR_RETRY,
		"ClickHouse sent %zu of the %" PRIu64
		" rows of an answer; is there space left on its disk?",
		d->rows, answer_rows);
}

bool rows_query(struct clickhouse_sink *s, const char *shape, const char *sql,
	const struct clickhouse_setting *settings, struct rows *out, struct error *err)
{
	static const struct type text = {.kind = TYPE_STRING}, number = {.kind = TYPE_UINT64};
	struct native_target targets[MAX_SHAPE];
	struct rows_taker t = {.taker.take = take_rows};
	CLEANUP(free_string) char *with_format = xasprintf("%s FORMAT Native", sql);

	*out = (struct rows){.n_columns = strlen(shape)};
	assert(out->n_columns <= MAX_SHAPE);
	for (size_t i = 0; i < out->n_columns; i++) {
		column_init(&out->columns[i], shape[i] == 's' ? &text : &number);
		targets[i] = (struct native_target){.column = &out->columns[i]};
	}
	native_decoder_init(&t.decoder, targets, out->n_columns, MAX_ANSWER_BYTES);
	uint64_t given;
	struct clickhouse_query q = {
		.sql = with_format, .settings = settings, .taker = &t.taker, .answer_rows = &given};
	bool ok = clickhouse_query(s->client, &q, err) && rows_end(&t.decoder, given, err);
	out->rows = t.decoder.rows;
	native_decoder_release(&t.decoder);
	if (ok)
		return true;
	rows_release(out);
	if (err->kind == ERROR_DATA)
		err->kind = ERROR_BROKEN; /* no row of the source is at fault */
	return false;
}

void rows_release(struct rows *r)
{
	for (size_t i = 0; i < r->n_columns; i++)
		column_release(&r->columns[i]);
	*r = (struct rows){0};
}

char *rows_text(const struct rows *r, struct arena *arena, size_t row, size_t column)
{
	size_t len;
	const uint8_t *text = column_string(&r->columns[column], row, &len);
	return arena_strndup(arena, (const char *)text, len);
}

uint64_t rows_number(const struct rows *r, size_t row, size_t column)
{
	uint64_t value;
	memcpy(&value, column_fixed(&r->columns[column], row, sizeof value), sizeof value);
	return value;
}
