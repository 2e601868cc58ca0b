/*
 * Between relation.c, which makes one table of catalog rows, and discover.c, which asks for one or all:
 * the results of the three catalog queries, and what stands in their columns.
 */
#ifndef SOURCES_POSTGRES_RELATION_H
#define SOURCES_POSTGRES_RELATION_H

#include "sources/postgres/postgres.h"

struct pg_definitions {
	PGconn *conn;
	PGresult *tables, *columns, *keys; /* each ordered by the table's oid */
	bool generated_stored;             /* stored generated columns are published */
};

enum table_field {
	TABLE_OID,
	TABLE_SCHEMA,
	TABLE_NAME,
	TABLE_KIND,
	TABLE_PERSISTENCE,
	TABLE_IDENTITY,
	TABLE_TUPLES,
	TABLE_BYTES,
	TABLE_PHYSICAL,
	TABLE_ALL_FULL,
	TABLE_UNLOGGED
};
enum column_field {
	COLUMN_TABLE,
	COLUMN_NUMBER,
	COLUMN_NAME,
	COLUMN_TYPE,
	COLUMN_TYPMOD,
	COLUMN_DIMS,
	COLUMN_GENERATED,
	COLUMN_NOT_NULL,
	COLUMN_TYPE_TEXT,
	COLUMN_MISSING,
	COLUMN_BASE_TYPE,
	COLUMN_LABELS,
	COLUMN_DEFAULT
};
enum key_field { KEY_TABLE, KEY_PRIMARY, KEY_IDENTITY, KEY_IMMEDIATE, KEY_ATTRIBUTE, KEY_EQUALS };

/* Of one table (a root's oid), or of all (0). */
MUST_CHECK bool pg_definitions_load(
	struct postgres *, PGconn *, uint32_t oid, struct pg_definitions *out, struct error *);
void pg_definitions_release(struct pg_definitions *);

/* The table in a row of d->tables; NULL with err->kind ERROR_NONE when it is not selected. */
struct pg_relation *pg_relation_build(
	struct postgres *, const struct pg_definitions *, int row, struct error *);

#endif
