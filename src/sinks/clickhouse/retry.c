/*
 * Messages that were set aside, out of the table of those and, once they have been written, from it. What of it is
 * a message begins with its place (SET_ASIDE_NO_KEY), and where a column failed holds `row` as well: rows of a table may
 * have such columns. Where a column rule keeps its bytes out, "..." stands for them.
 */
#include <inttypes.h>
#include "sinks/clickhouse/clickhouse.h"

/* A page. Those of a statement stand in it by their places: servers take 256 KiB. */
#define PAGE_ROWS  "5000"
#define PAGE_BYTES "4000000"
#define BLOCK_ROWS "10"

/* " WHERE ..": those of the table, with their bytes. */
static void add_messages(const struct landing *landing, struct buf *sql)
{
	add_set_aside_of(landing, sql);
	buf_puts(sql, " AND startsWith(`row`, '" SET_ASIDE_NO_KEY
		      "') AND (`column` = '' OR JSONType(`row`, 'row') = 'Object')"
		      " AND JSONExtractString(`row`, 'key') != '...'"
		      " AND JSONExtractString(`row`, 'value') != '...'");
}

static bool find_latest(struct clickhouse_sink *s, const struct landing *landing, int64_t *upto_us,
	struct error *err)
{
	struct rows rows;
	struct buf sql;

	buf_init(&sql, BUF_MAX);
	buf_puts(&sql, "SELECT toUInt64(toUnixTimestamp64Micro(max(set_aside_at))) FROM ");
	add_name(&sql, s->cdc, SET_ASIDE);
	add_messages(landing, &sql);
	bool ok = rows_query(s, "u", buf_text(&sql), settings_to_read, &rows, err);
	if (ok) {
		*upto_us = (int64_t)rows_number(&rows, 0, 0);
		rows_release(&rows);
		set_aside_time(s, *upto_us);
	}
	buf_release(&sql);
	return ok;
}

#define PLACE "JSONExtractUInt(`row`, 'partition'), JSONExtractUInt(`row`, 'offset')"

/* ", is it there, its bytes": text as it is, else in hex. */
static void add_side(const char *name, struct buf *sql)
{
	buf_printf(sql,
		", toUInt64(JSONType(`row`, '%s') = 'String')"
		", JSONExtractString(`row`, '%s') AS %s_text, if(startsWith(%s_text, '\\\\x'), "
		"unhex(substring(%s_text, 3)), %s_text)",
		name, name, name, name, name, name);
}

/* The server stops behind the block that has the page full, and a block holds few rows of any size. */
static void write_page(
	struct clickhouse_sink *s, const struct landing *landing, int64_t upto_us, struct buf *sql)
{
	buf_puts(sql, "SELECT * EXCEPT (key_text, value_text) FROM (SELECT " PLACE
		      ", toUInt64(toUnixTimestamp64Micro(commit_time))");
	add_side("key", sql);
	add_side("value", sql);
	buf_puts(sql, " FROM ");
	add_name(sql, s->cdc, SET_ASIDE);
	buf_puts(sql, " FINAL");
	add_messages(landing, sql);
	buf_printf(sql,
		" AND set_aside_at <= fromUnixTimestamp64Micro(%" PRId64 ", 'UTC') LIMIT " PAGE_ROWS
		") SETTINGS max_block_size = " BLOCK_ROWS ", max_result_bytes = " PAGE_BYTES
		", result_overflow_mode = 'break'",
		upto_us);
}

static const uint8_t *take_bytes(
	const struct rows *rows, struct arena *arena, size_t row, size_t column, size_t *len)
{
	const uint8_t *bytes = column_string(&rows->columns[column], row, len);

	return (const uint8_t *)arena_strndup(arena, (const char *)bytes, *len);
}

static void take_message(const struct rows *rows, size_t row, struct messages_aside *out)
{
	struct message_aside m = {.partition = (int)rows_number(rows, row, 0),
		.offset = (int64_t)rows_number(rows, row, 1),
		.time_us = (int64_t)rows_number(rows, row, 2),
		.has_key = rows_number(rows, row, 3),
		.has_value = rows_number(rows, row, 5)};

	m.key = take_bytes(rows, &out->arena, row, 4, &m.key_len);
	m.value = take_bytes(rows, &out->arena, row, 6, &m.value_len);
	vec_push(&out->list, m);
}

bool clickhouse_asides(struct sink *sink, const struct landing *landing, int64_t *upto_us,
	struct messages_aside *out, struct error *err)
{
	struct clickhouse_sink *s = clickhouse_sink_of(sink);
	struct rows rows;
	struct buf sql;

	buf_init(&sql, BUF_MAX);
	bool ok = *upto_us || find_latest(s, landing, upto_us, err);
	if (ok) {
		write_page(s, landing, *upto_us, &sql);
		ok = rows_query(s, "uuuusus", buf_text(&sql), settings_to_read, &rows, err);
	}
	buf_release(&sql);
	if (!ok)
		return error_add(err, "%s.%s", s->cdc, SET_ASIDE);
	for (size_t row = 0; row < rows.rows; row++)
		take_message(&rows, row, out);
	rows_release(&rows);
	return true;
}

bool clickhouse_forget(struct sink *sink, const struct landing *landing, int64_t upto_us,
	const struct messages_aside *messages, struct error *err)
{
	struct clickhouse_sink *s = clickhouse_sink_of(sink);
	struct buf sql;

	buf_init(&sql, BUF_MAX);
	buf_puts(&sql, "ALTER TABLE ");
	add_name(&sql, s->cdc, SET_ASIDE);
	buf_puts(&sql, " DELETE");
	add_messages(landing, &sql);
	buf_printf(&sql,
		" AND set_aside_at <= fromUnixTimestamp64Micro(%" PRId64 ", 'UTC') AND (" PLACE
		") IN (",
		upto_us);
	vec_each (&messages->list, m)
		buf_printf(&sql, "%s(%d,%" PRId64 ")", m == messages->list.items ? "" : ",",
			m->partition, m->offset);
	buf_puts(&sql, ")");
	struct clickhouse_query q = {
		.sql = buf_text(&sql), .settings = settings_to_alter, .patient = true};
	bool ok = clickhouse_query(s->client, &q, err) ||
		  error_add(err, "%s.%s", s->cdc, SET_ASIDE);
	buf_release(&sql);
	return ok;
}
