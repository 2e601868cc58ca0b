/* Rows that could not be taken, in a table of their own that people can query; see clickhouse.h. */
#include <string.h>
#include "base/clock.h"
#include "formats/native/native.h"
#include "sinks/clickhouse/clickhouse.h"

bool set_aside_create(struct clickhouse_sink *s, struct error *err)
{
	struct buf sql;

	buf_init(&sql, BUF_MAX);
	buf_puts(&sql, "CREATE TABLE IF NOT EXISTS ");
	add_name(&sql, s->cdc, SET_ASIDE);
	buf_puts(&sql, " (stream String, `table` String, generation UInt32, version UInt128, op "
		       "LowCardinality(String),"
		       " key String COMMENT 'as JSON', `column` String, reason String,"
		       " `row` String COMMENT 'as JSON, in the text form of the source', "
		       "commit_lsn UInt64,"
		       " commit_time DateTime64(6, 'UTC'), set_aside_at DateTime64(6, 'UTC'))"
		       " ENGINE = ReplacingMergeTree(set_aside_at) ORDER BY (stream, `table`, key, "
		       "version)" DURABLE " COMMENT '{\"tailrace\":{\"kind\":\"set_aside\"}}'");
	bool ok = clickhouse_run(s->client, buf_text(&sql), err) ||
		  error_add(err, "cannot make table %s.%s", s->cdc, SET_ASIDE);
	buf_release(&sql);
	return ok;
}

enum { TEXT_STREAM, TEXT_TABLE, TEXT_OP, TEXT_KEY, TEXT_COLUMN, TEXT_REASON, TEXT_ROW, N_TEXTS };
static const char *const text_names[N_TEXTS] = {
	"stream", "table", "op", "key", "column", "reason", "row"};

static void add_string(struct column *c, const char *text)
{
	size_t len = text ? strlen(text) : 0;
	uint8_t *to = column_add_string(c, len);
	if (len)
		memcpy(to, text, len);
}

static void fill_texts(struct column *texts, const struct table *t, const struct set_aside *row)
{
	CLEANUP(free_string) char *source = xasprintf("%s.%s", t->schema, t->name);
	const char op[2] = {row->meta.op, '\0'};

	add_string(&texts[TEXT_STREAM], t->stream);
	add_string(&texts[TEXT_TABLE], source);
	add_string(&texts[TEXT_OP], op);
	add_string(&texts[TEXT_KEY], row->key);
	add_string(&texts[TEXT_COLUMN], row->column);
	add_string(&texts[TEXT_REASON], row->reason);
	add_string(&texts[TEXT_ROW], row->row);
}

#define OF_ROW(member)                                                             \
	(const uint8_t *)b->aside.items + offsetof(struct set_aside, meta.member), \
		.stride = sizeof *b->aside.items

static void add_fields(struct native_encoder *e, const struct batch *b, const uint32_t *generation,
	const int64_t *now)
{
	const struct native_field fields[] = {
		{"version", "UInt128", OF_ROW(version), .width = 16},
		{"commit_lsn", "UInt64", OF_ROW(commit_lsn), .width = 8},
		{"commit_time", "DateTime64(6, 'UTC')", OF_ROW(commit_time_us), .width = 8},
		{"generation", "UInt32", generation, .stride = 0, .width = 4},
		{"set_aside_at", "DateTime64(6, 'UTC')", now, .stride = 0, .width = 8},
	};
	for (size_t i = 0; i < COUNT_OF(fields); i++)
		native_encoder_field(e, &fields[i]);
}

int64_t set_aside_time(struct clickhouse_sink *s, int64_t known_us)
{
	int64_t now = wall_us();

	pthread_mutex_lock(&s->lock);
	if (s->aside_us < known_us)
		s->aside_us = known_us;
	s->aside_us = now > s->aside_us ? now : s->aside_us + 1;
	now = s->aside_us;
	pthread_mutex_unlock(&s->lock);
	return now;
}

bool clickhouse_set_aside(
	struct sink *sink, const struct landing *landing, const struct batch *b, struct error *err)
{
	static const struct type text = {.kind = TYPE_STRING};
	struct clickhouse_sink *s = clickhouse_sink_of(sink);
	struct column texts[N_TEXTS];
	struct native_encoder e;
	struct buf sql;
	int64_t now = set_aside_time(s, 0);

	if (!b->aside.len)
		return true;
	for (size_t i = 0; i < N_TEXTS; i++)
		column_init(&texts[i], &text);
	vec_each (&b->aside, row)
		fill_texts(texts, landing->table, row);
	native_encoder_init(&e, N_TEXTS + 5, b->aside.len, NULL);
	for (size_t i = 0; i < N_TEXTS; i++)
		native_encoder_column(&e, text_names[i], &texts[i]);
	add_fields(&e, b, &landing->generation, &now);
	buf_init(&sql, BUF_MAX);
	buf_puts(&sql, "INSERT INTO ");
	add_name(&sql, s->cdc, SET_ASIDE);
	buf_puts(&sql, " FORMAT Native");
	bool ok = insert_block(s, buf_text(&sql), &e, err) ||
		  error_add(err, "%s.%s", s->cdc, SET_ASIDE);
	native_encoder_release(&e);
	buf_release(&sql);
	for (size_t i = 0; i < N_TEXTS; i++)
		column_release(&texts[i]);
	return ok;
}

void add_set_aside_of(const struct landing *landing, struct buf *sql)
{
	const struct table *t = landing->table;
	CLEANUP(free_string) char *source = xasprintf("%s.%s", t->schema, t->name);

	buf_puts(sql, " WHERE stream = ");
	add_text(sql, t->stream);
	buf_puts(sql, " AND `table` = ");
	add_text(sql, source);
	buf_printf(sql, " AND generation = %u", landing->generation);
}

/* --- What is missing of a key ---------------------------------------------------------------------- */

#define MAX_STATEMENT ((size_t)100 << 10) /* servers take 256 KiB */

/* Keys as they are set aside, each with the rows of the batch that have it: the last one, and of each row the one
 * before it, both counted from 1. */
struct asked {
	struct clickhouse_sink *sink;
	const struct landing *landing;
	struct map last;
	size_t *before;
	version_t *missed;
	size_t rows;
};

static void begin_question(const struct asked *a, struct buf *sql)
{
	buf_clear(sql);
	buf_puts(sql, "SELECT key, toUInt64(bitShiftRight(latest, 64)), toUInt64(latest) FROM "
		      "(SELECT key,"
		      " max(if(`column` = '', bitNot(toUInt128(0)), version)) AS latest FROM ");
	add_name(sql, a->sink->cdc, SET_ASIDE);
	add_set_aside_of(a->landing, sql);
	buf_puts(sql, " AND (`column` = '' AND startsWith(key, '" SET_ASIDE_NO_KEY "')");
	buf_puts(sql, " OR key IN (''");
}

static void note_missed(struct asked *a, const char *key, version_t latest)
{
	if (latest == VERSION_MAX && strstr(key, SET_ASIDE_NO_KEY) == key) {
		for (size_t row = 0; row < a->rows; row++)
			a->missed[row] = VERSION_MAX;
		return;
	}
	for (size_t row = (size_t)map_get(&a->last, key, strlen(key)); row;
		row = a->before[row - 1]) {
		if (a->missed[row - 1] < latest)
			a->missed[row - 1] = latest;
	}
}

static bool end_question(struct asked *a, struct buf *sql, struct error *err)
{
	struct arena arena;
	struct rows rows;

	buf_puts(sql, ")) GROUP BY key)");
	if (!rows_query(a->sink, "suu", buf_text(sql), settings_to_read, &rows, err))
		return error_add(err, "%s.%s", a->sink->cdc, SET_ASIDE);
	arena_init(&arena);
	for (size_t row = 0; row < rows.rows; row++)
		note_missed(a, rows_text(&rows, &arena, row, 0),
			(version_t)rows_number(&rows, row, 1) << 64 | rows_number(&rows, row, 2));
	arena_release(&arena);
	rows_release(&rows);
	return true;
}

static bool ask_missed(struct asked *a, const struct batch *keys, struct error *err)
{
	struct buf sql, key;
	bool ok = true;

	buf_init(&sql, BUF_MAX);
	buf_init(&key, BUF_MAX);
	begin_question(a, &sql);
	for (size_t row = 0; ok && row < keys->rows; row++) {
		buf_clear(&key);
		batch_print_key(keys, row, &key);
		a->before[row] = (size_t)map_put(&a->last, key.data, key.len, (void *)(row + 1));
		if (a->before[row])
			continue; /* is asked for already */
		buf_puts(&sql, ",");
		add_text(&sql, buf_text(&key));
		if (sql.len > MAX_STATEMENT) {
			ok = end_question(a, &sql, err);
			begin_question(a, &sql);
		}
	}
	ok = ok && end_question(a, &sql, err);
	buf_release(&key);
	buf_release(&sql);
	return ok;
}

bool clickhouse_missed(struct sink *sink, const struct landing *landing, const struct batch *keys,
	version_t *missed, struct error *err)
{
	struct asked a = {.sink = clickhouse_sink_of(sink),
		.landing = landing,
		.before = xcalloc(keys->rows + 1, sizeof *a.before),
		.missed = missed,
		.rows = keys->rows};

	for (size_t row = 0; row < keys->rows; row++)
		missed[row] = 0;
	bool ok = ask_missed(&a, keys, err);
	map_release(&a.last);
	free(a.before);
	return ok;
}
