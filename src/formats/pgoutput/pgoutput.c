/* Messages of pgoutput; see pgoutput.h. Every parser is a few steps over a cursor that knows its
 * end. */
#include "formats/pgoutput/pgoutput.h"

#include "formats/pgtype/pgwire.h"

#define TRUNCATE_CASCADE       1
#define TRUNCATE_RESTART       2
#define MESSAGE_IN_TRANSACTION 1
#define COLUMN_KEY             1

/* Microseconds since 2000 to those since 1970; what does not fit is cut off at the end of time. */
static int64_t unix_time(uint64_t since_2000)
{
	int64_t us;

	return __builtin_add_overflow((int64_t)since_2000, PG_EPOCH_US, &us) ? INT64_MAX : us;
}

static bool take_text(struct pg_wire *w, const char **out)
{
	size_t len;

	return pg_wire_string(w, out, &len);
}

static bool take_byte(struct pg_wire *w, char expected)
{
	uint8_t byte;

	return pg_wire_u8(w, &byte) && byte == (uint8_t)expected;
}

static bool parse_begin(struct pg_wire *w, struct pgoutput_begin *out)
{
	uint64_t time;

	if (!pg_wire_u64(w, &out->commit_lsn) || !pg_wire_u64(w, &time) ||
		!pg_wire_u32(w, &out->xid))
		return false;
	out->commit_time_us = unix_time(time);
	return true;
}

static bool parse_commit(struct pg_wire *w, struct pgoutput_commit *out)
{
	uint8_t flags;
	uint64_t time;

	if (!pg_wire_u8(w, &flags) || !pg_wire_u64(w, &out->commit_lsn) ||
		!pg_wire_u64(w, &out->end_lsn) || !pg_wire_u64(w, &time))
		return false;
	out->commit_time_us = unix_time(time);
	return true;
}

static bool parse_origin(struct pg_wire *w, struct pgoutput_origin *out)
{
	return pg_wire_u64(w, &out->lsn) && take_text(w, &out->name);
}

static bool parse_type(struct pg_wire *w, struct pgoutput_type *out)
{
	return pg_wire_u32(w, &out->id) && take_text(w, &out->schema) && take_text(w, &out->name);
}

/* --- Relations -------------------------------------------------------------------------------- */

static bool take_column(struct pg_wire *w, struct pgoutput_column *out)
{
	uint8_t flags;
	uint32_t typmod;

	if (!pg_wire_u8(w, &flags) || !take_text(w, &out->name) || !pg_wire_u32(w, &out->type) ||
		!pg_wire_u32(w, &typmod))
		return false;
	out->typmod = (int32_t)typmod;
	out->key = flags & COLUMN_KEY;
	return true;
}

static bool parse_relation(struct pg_wire *w, struct pgoutput_relation *out)
{
	struct pgoutput_column column;
	uint8_t identity;

	if (!pg_wire_u32(w, &out->id) || !take_text(w, &out->schema) || !take_text(w, &out->name) ||
		!pg_wire_u8(w, &identity) || !pg_wire_u16(w, &out->n_columns))
		return false;
	out->identity = (char)identity;
	out->columns = w->at;
	for (uint16_t i = 0; i < out->n_columns; i++)
		if (!take_column(w, &column))
			return false;
	out->end = w->at;
	return true;
}

bool pgoutput_next_column(struct pgoutput_relation *rest, struct pgoutput_column *out)
{
	struct pg_wire w = {rest->columns, rest->end};

	if (!rest->n_columns || !take_column(&w, out))
		return false;
	rest->n_columns--;
	rest->columns = w.at;
	return true;
}

/* --- Changes ---------------------------------------------------------------------------------- */

static bool take_cell(struct pg_wire *w, struct pg_cell *out)
{
	uint8_t kind;

	if (!pg_wire_u8(w, &kind))
		return false;
	*out = (struct pg_cell){.kind = (enum pg_cell_kind)kind};
	switch (kind) {
	case PG_CELL_NULL:
	case PG_CELL_UNCHANGED: return true;
	case PG_CELL_TEXT:
	case PG_CELL_BINARY:
		return pg_wire_u32(w, &out->len) && out->len <= INT32_MAX &&
		       pg_wire_bytes(w, out->len, &out->data);
	default: return false;
	}
}

static bool take_tuple(struct pg_wire *w, struct pgoutput_tuple *out)
{
	struct pg_cell cell;

	if (!pg_wire_u16(w, &out->n_columns))
		return false;
	out->data = w->at;
	for (uint16_t i = 0; i < out->n_columns; i++)
		if (!take_cell(w, &cell))
			return false;
	if (w->at - out->data > UINT32_MAX)
		return false;
	out->len = (uint32_t)(w->at - out->data);
	return true;
}

static bool parse_insert(struct pg_wire *w, struct pgoutput_change *out)
{
	return pg_wire_u32(w, &out->relation) && take_byte(w, 'N') && take_tuple(w, &out->new);
}

static bool parse_update(struct pg_wire *w, struct pgoutput_change *out)
{
	uint8_t kind;

	if (!pg_wire_u32(w, &out->relation) || !pg_wire_u8(w, &kind))
		return false;
	if (kind == 'K' || kind == 'O') {
		out->old_kind = (char)kind;
		if (!take_tuple(w, &out->old) || !pg_wire_u8(w, &kind))
			return false;
	}
	return kind == 'N' && take_tuple(w, &out->new);
}

static bool parse_delete(struct pg_wire *w, struct pgoutput_change *out)
{
	uint8_t kind;

	if (!pg_wire_u32(w, &out->relation) || !pg_wire_u8(w, &kind) ||
		(kind != 'K' && kind != 'O'))
		return false;
	out->old_kind = (char)kind;
	return take_tuple(w, &out->old);
}

static bool parse_truncate(struct pg_wire *w, struct pgoutput_truncate *out)
{
	uint8_t flags;

	if (!pg_wire_u32(w, &out->n_relations) || !pg_wire_u8(w, &flags))
		return false;
	out->cascade = flags & TRUNCATE_CASCADE;
	out->restart_identity = flags & TRUNCATE_RESTART;
	return out->n_relations <= pg_wire_left(w) / 4 &&
	       pg_wire_bytes(w, (size_t)out->n_relations * 4, &out->relations);
}

uint32_t pgoutput_truncated(const struct pgoutput_truncate *t, uint32_t i)
{
	return pg_load32(t->relations + (size_t)i * 4);
}

static bool parse_message(struct pg_wire *w, struct pgoutput_message *out)
{
	uint8_t flags;

	if (!pg_wire_u8(w, &flags) || !pg_wire_u64(w, &out->lsn) || !take_text(w, &out->prefix) ||
		!pg_wire_u32(w, &out->len))
		return false;
	out->transactional = flags & MESSAGE_IN_TRANSACTION;
	return pg_wire_bytes(w, out->len, &out->content);
}

/* --- All of them ------------------------------------------------------------------------------ */

static bool parse_body(struct pg_wire *w, struct pgoutput *out)
{
	switch (out->kind) {
	case PGOUTPUT_BEGIN: return parse_begin(w, &out->begin);
	case PGOUTPUT_COMMIT: return parse_commit(w, &out->commit);
	case PGOUTPUT_ORIGIN: return parse_origin(w, &out->origin);
	case PGOUTPUT_RELATION: return parse_relation(w, &out->relation);
	case PGOUTPUT_TYPE: return parse_type(w, &out->type);
	case PGOUTPUT_INSERT: return parse_insert(w, &out->change);
	case PGOUTPUT_UPDATE: return parse_update(w, &out->change);
	case PGOUTPUT_DELETE: return parse_delete(w, &out->change);
	case PGOUTPUT_TRUNCATE: return parse_truncate(w, &out->truncate);
	case PGOUTPUT_MESSAGE: return parse_message(w, &out->message);
	}
	return false;
}

static bool known(uint8_t kind)
{
	return kind && strchr("BCORYIUDTM", kind);
}

bool pgoutput_parse(const uint8_t *data, size_t len, struct pgoutput *out, struct error *err)
{
	struct pg_wire w = {data, data + len};
	uint8_t kind;

	*out = (struct pgoutput){0};
	if (!pg_wire_u8(&w, &kind))
		return error_set(err, ERROR_BROKEN, "pgoutput: an empty message");
	if (!known(kind))
		return error_set(err, ERROR_BROKEN,
			"pgoutput: message type 0x%02x is not one of protocol version 1", kind);
	out->kind = (enum pgoutput_kind)kind;
	if (!parse_body(&w, out))
		return error_set(err, ERROR_BROKEN,
			"pgoutput: a message '%c' of %zu bytes does not parse at byte %td", kind,
			len, w.at - data);
	if (w.at != w.end)
		return error_set(err, ERROR_BROKEN,
			"pgoutput: a message '%c' of %zu bytes should end at byte %td", kind, len,
			w.at - data);
	return true;
}

/* --- Rows ------------------------------------------------------------------------------------- */

bool pgoutput_cells(const struct pgoutput_tuple *tuple, const struct pgoutput_map *map,
	struct pg_cell *cells, size_t n, struct error *err)
{
	struct pg_wire w = {tuple->data, tuple->data + tuple->len};
	struct pg_cell skipped;

	if (tuple->n_columns != map->n_columns)
		return error_set(err, ERROR_BROKEN,
			"pgoutput: a row of %u columns for a relation of %u", tuple->n_columns,
			map->n_columns);
	for (size_t i = 0; i < n; i++)
		cells[i] = (struct pg_cell){.kind = PG_CELL_ABSENT};
	for (uint16_t i = 0; i < tuple->n_columns; i++) {
		int16_t column = map->columns[i];
		if (!take_cell(&w, column >= 0 && (size_t)column < n ? &cells[column] : &skipped))
			return error_set(err, ERROR_BROKEN, "pgoutput: a row does not parse");
	}
	return true;
}
