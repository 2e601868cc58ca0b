/*
 * The messages of PostgreSQL's logical decoding plugin pgoutput, proto_version 1 (PostgreSQL's
 * manual, "Logical Replication Message Formats"). A parsed message points into the bytes it was
 * parsed from; nothing is allocated, and every length has been checked. What does not parse is
 * ERROR_BROKEN, with the offset.
 */
#ifndef FORMATS_PGOUTPUT_PGOUTPUT_H
#define FORMATS_PGOUTPUT_PGOUTPUT_H

#include "formats/pgtype/pgrow.h"

enum pgoutput_kind {
	PGOUTPUT_BEGIN = 'B',
	PGOUTPUT_COMMIT = 'C',
	PGOUTPUT_ORIGIN = 'O',
	PGOUTPUT_RELATION = 'R',
	PGOUTPUT_TYPE = 'Y',
	PGOUTPUT_INSERT = 'I',
	PGOUTPUT_UPDATE = 'U',
	PGOUTPUT_DELETE = 'D',
	PGOUTPUT_TRUNCATE = 'T',
	PGOUTPUT_MESSAGE = 'M',
};

/* The columns of a row, raw and checked: read with pgoutput_cells(). */
struct pgoutput_tuple {
	const uint8_t *data;
	uint32_t len;
	uint16_t n_columns;
};

struct pgoutput_begin {
	uint64_t commit_lsn;    /* of the commit record: what versions are made of */
	int64_t commit_time_us; /* since 1970 */
	uint32_t xid;
};
struct pgoutput_commit {
	uint64_t commit_lsn;
	uint64_t end_lsn; /* behind the commit record: what is confirmed */
	int64_t commit_time_us;
};
struct pgoutput_relation {
	uint32_t id;
	const char *schema; /* "" is pg_catalog */
	const char *name;
	char identity; /* d default, n nothing, f full, i index */
	uint16_t n_columns;
	const uint8_t *columns; /* read with pgoutput_next_column() */
	const uint8_t *end;
};
struct pgoutput_column {
	const char *name;
	uint32_t type;
	int32_t typmod;
	bool key; /* of the replica identity; under FULL all are */
};
struct pgoutput_type {
	uint32_t id;
	const char *schema, *name;
};
/* Insert: `new`. Update: `new`, and `old` where old_kind is 'K' (key columns, others NULL) or
 * 'O' (all). Delete: `old`. */
struct pgoutput_change {
	uint32_t relation;
	char old_kind; /* 'K', 'O', or 0: there is no old tuple */
	struct pgoutput_tuple old, new;
};
struct pgoutput_truncate {
	uint32_t n_relations;
	const uint8_t *relations; /* read with pgoutput_truncated() */
	bool cascade, restart_identity;
};
struct pgoutput_message {
	bool transactional;
	uint64_t lsn;
	const char *prefix;
	const uint8_t *content;
	uint32_t len;
};
struct pgoutput_origin {
	uint64_t lsn;
	const char *name;
};

struct pgoutput {
	enum pgoutput_kind kind;
	union {
		struct pgoutput_begin begin;
		struct pgoutput_commit commit;
		struct pgoutput_origin origin;
		struct pgoutput_relation relation;
		struct pgoutput_type type;
		struct pgoutput_change change; /* insert, update, delete */
		struct pgoutput_truncate truncate;
		struct pgoutput_message message;
	};
};

MUST_CHECK bool pgoutput_parse(
	const uint8_t *data, size_t len, struct pgoutput *out, struct error *err);

/* The columns of a Relation, one by one; start with a copy of `relation`. False at the end. */
bool pgoutput_next_column(struct pgoutput_relation *rest, struct pgoutput_column *out);

uint32_t pgoutput_truncated(const struct pgoutput_truncate *t, uint32_t i);

/* Which column of the table (index into table->columns; -1: none, skip it) a column of the
 * message is. */
struct pgoutput_map {
	const int16_t *columns;
	uint16_t n_columns; /* as many as the Relation has */
};

/* Fills a cell for each of the n columns of the table; those that the message lacks are
 * PG_CELL_ABSENT. ERROR_BROKEN where the tuple has not the Relation's number of columns. */
MUST_CHECK bool pgoutput_cells(const struct pgoutput_tuple *tuple, const struct pgoutput_map *map,
	struct pg_cell *cells, size_t n, struct error *err);

#endif
