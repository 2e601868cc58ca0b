/*
 * `source` of an envelope. PostgreSQL: the change's place is "sequence", the last commit and the change's own LSN,
 * for a change that began before another's commit has the lower LSN although it comes later. MySQL and MariaDB: the
 * binlog's file and position, which are in the order of commits, and the row within the event.
 */
#include "formats/debezium/origin.h"

#include <stdlib.h>
#include "formats/connect/json.h"

/* What is read; other names are known only to be passed over quickly. */
enum source_field {
	SOURCE_TS_MS,
	SOURCE_TS_US,
	SOURCE_DB,
	SOURCE_SCHEMA,
	SOURCE_TABLE,
	SOURCE_SEQUENCE,
	SOURCE_TX_ID,
	SOURCE_LSN,
	SOURCE_FILE,
	SOURCE_POS,
	SOURCE_ROW,
};

void envelope_names(struct names *names, struct arena *arena)
{
	static const char *const words[] = {[ENVELOPE_BEFORE] = "before",
		[ENVELOPE_AFTER] = "after",
		[ENVELOPE_SOURCE] = "source",
		[ENVELOPE_OP] = "op",
		"transaction",
		"ts_ms",
		"ts_us",
		"ts_ns"};

	names_init(names, arena, COUNT_OF(words));
	for (size_t i = 0; i < COUNT_OF(words); i++)
		names_add(names, words[i]);
}

void source_names(struct names *names, struct arena *arena)
{
	static const char *const words[] = {[SOURCE_TS_MS] = "ts_ms",
		[SOURCE_TS_US] = "ts_us",
		[SOURCE_DB] = "db",
		[SOURCE_SCHEMA] = "schema",
		[SOURCE_TABLE] = "table",
		[SOURCE_SEQUENCE] = "sequence",
		[SOURCE_TX_ID] = "txId",
		[SOURCE_LSN] = "lsn",
		[SOURCE_FILE] = "file",
		[SOURCE_POS] = "pos",
		[SOURCE_ROW] = "row",
		"version",
		"connector",
		"name",
		"snapshot",
		"ts_ns",
		"xmin",
		"origin",
		"origin_lsn",
		"server_id",
		"gtid",
		"thread",
		"query"};

	names_init(names, arena, COUNT_OF(words));
	for (size_t i = 0; i < COUNT_OF(words); i++)
		names_add(names, words[i]);
}

struct origin {
	int64_t ts_ms, ts_us, tx_id, lsn, pos, row;
	uint64_t sequence[2]; /* last commit, own */
	uint64_t file;
	bool has_sequence, has_lsn, has_file;
	char db[64];
};

static void copy_text(const struct connect_reader *r, char *out, size_t size)
{
	size_t n = r->len < size - 1 ? r->len : size - 1;

	memcpy(out, r->data, n);
	out[n] = '\0';
}

/* ["24023119","24023128"]; before the first commit that was seen, [null,"24023128"]. */
static bool read_sequence(const struct connect_reader *r, uint64_t out[2])
{
	const uint8_t *at = r->data, *end = r->data + r->len;

	for (int i = 0; i < 2; i++) {
		out[i] = 0;
		for (; at < end && (*at < '0' || *at > '9') && *at != 'n'; at++)
			;
		if (at == end || (*at == 'n' && i))
			return false;
		if (*at == 'n')
			at += 4;
		for (; at < end && *at >= '0' && *at <= '9'; at++)
			if (__builtin_mul_overflow(out[i], 10u, &out[i]) ||
				__builtin_add_overflow(out[i], (unsigned)(*at - '0'), &out[i]))
				return false;
	}
	return true;
}

/* "mysql-bin.000003" */
static bool read_file(const struct connect_reader *r, uint64_t *out)
{
	const uint8_t *digits = r->data + r->len;

	while (digits > r->data && digits[-1] >= '0' && digits[-1] <= '9')
		digits--;
	*out = 0;
	for (const uint8_t *at = digits; at < r->data + r->len; at++)
		*out = *out * 10 + (uint64_t)(*at - '0');
	return digits < r->data + r->len && *out <= UINT16_MAX;
}

static void take_text(
	const struct connect_reader *r, size_t field, struct origin *o, struct debezium_source *out)
{
	switch ((enum source_field)field) {
	case SOURCE_DB: copy_text(r, o->db, sizeof o->db); break;
	case SOURCE_SCHEMA: copy_text(r, out->schema, sizeof out->schema); break;
	case SOURCE_TABLE: copy_text(r, out->table, sizeof out->table); break;
	case SOURCE_SEQUENCE: o->has_sequence = read_sequence(r, o->sequence); break;
	case SOURCE_FILE: o->has_file = read_file(r, &o->file); break;
	case SOURCE_TS_MS:
	case SOURCE_TS_US:
	case SOURCE_TX_ID:
	case SOURCE_LSN:
	case SOURCE_POS:
	case SOURCE_ROW: break;
	}
}

static void take_number(int64_t v, size_t field, struct origin *o)
{
	switch ((enum source_field)field) {
	case SOURCE_TS_MS: o->ts_ms = v; break;
	case SOURCE_TS_US: o->ts_us = v; break;
	case SOURCE_TX_ID: o->tx_id = v; break;
	case SOURCE_LSN:
		o->lsn = v;
		o->has_lsn = true;
		break;
	case SOURCE_POS: o->pos = v; break;
	case SOURCE_ROW: o->row = v; break;
	case SOURCE_DB:
	case SOURCE_SCHEMA:
	case SOURCE_TABLE:
	case SOURCE_SEQUENCE:
	case SOURCE_FILE: break;
	}
}

static void conclude(const struct origin *o, struct debezium_source *out)
{
	out->commit_time_us = o->ts_us ? o->ts_us : o->ts_ms * 1000;
	out->xid = (uint32_t)o->tx_id;
	out->commit_lsn = out->place = (uint64_t)o->lsn;
	if (!*out->schema)
		memcpy(out->schema, o->db, sizeof out->schema);
	if (o->has_sequence && o->has_lsn && o->sequence[0] < UINT64_C(1) << 56) {
		out->has_position = true;
		out->commit_lsn = o->sequence[0] ? o->sequence[0] : o->sequence[1];
		out->version = version_make(0, o->sequence[0], o->sequence[1]);
	} else if (o->has_file && o->pos >= 0 && o->pos < INT64_C(1) << 40) {
		out->has_position = true;
		out->commit_lsn = out->place = o->file << 40 | (uint64_t)o->pos;
		out->version = version_make(0, out->commit_lsn, (uint64_t)o->row);
	}
}

bool source_read(struct names *names, struct connect_reader *r, struct debezium_source *out,
	struct error *err)
{
	struct origin origin = {0};
	size_t last = names->n;
	enum connect_token token;

	while ((token = connect_next(r, err)) == TOKEN_FIELD) {
		size_t field = names_find(names, last, r->data, r->len);
		last = field == NAME_UNKNOWN ? last : field;
		if (field > SOURCE_ROW) {
			if (!connect_skip(r, err))
				return false;
			continue;
		}
		token = connect_next(r, err);
		if (token == TOKEN_STRING)
			take_text(r, field, &origin, out);
		else if (token == TOKEN_INTEGER)
			take_number(r->integer, field, &origin);
		else if (token != TOKEN_NULL)
			return token != TOKEN_FAILED &&
			       error_set(err, ERROR_DATA, "source.%s is neither text nor number",
				       names->items[field].text);
	}
	if (token != TOKEN_STRUCT_END)
		return false;
	conclude(&origin, out);
	return true;
}
