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

bool clickhouse_set_aside(
	struct sink *sink, const struct landing *landing, const struct batch *b, struct error *err)
{
	static const struct type text = {.kind = TYPE_STRING};
	struct clickhouse_sink *s = clickhouse_sink_of(sink);
	struct column texts[N_TEXTS];
	struct native_encoder e;
	struct buf sql;
	int64_t now = wall_us();

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
