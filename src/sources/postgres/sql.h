/*
 * Pieces of SQL over the system catalogs that several queries share. All run with search_path
 * pg_catalog; none takes a lock on a table, so that none waits behind an ALTER TABLE.
 */
#ifndef SOURCES_POSTGRES_SQL_H
#define SOURCES_POSTGRES_SQL_H

#include "base/mem.h"

/* Tables that could be mirrored: ordinary ones and partition roots; never leaves, views, foreign or temporary
 * ones. Of pg_class c. Unlogged ones are among them, to be reported. */
#define PG_TABLES_ALL                                                                  \
	"c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'" \
	" AND c.relnamespace NOT IN (SELECT oid FROM pg_namespace"                     \
	" WHERE starts_with(nspname, 'pg_') OR nspname = 'information_schema')"

/* The condition as a format argument: for one table, or for all (oid 0). To be freed. */
static inline char *pg_tables_sql(uint32_t oid)
{
	return oid ? xasprintf("%s AND c.oid = %u", PG_TABLES_ALL, oid) : xstrdup(PG_TABLES_ALL);
}

/* Part of a WITH RECURSIVE whose %s is that condition: each table (root: a.attrelid; or one number for all of
 * them together, which is much less to do) with the types of its columns, and with all types that those
 * are made of. */
#define PG_USED_TYPES(root)                                                                    \
	"used(root, type) AS ("                                                                \
	"SELECT DISTINCT " root ", a.atttypid FROM pg_attribute a"                             \
	" JOIN pg_class c ON c.oid = a.attrelid"                                               \
	" WHERE a.attnum > 0 AND NOT a.attisdropped AND %s"                                    \
	" UNION SELECT u.root, x.type FROM used u JOIN pg_type t ON t.oid = u.type, LATERAL (" \
	"SELECT t.typelem AS type WHERE t.typelem <> 0"                                        \
	" UNION ALL SELECT t.typbasetype WHERE t.typbasetype <> 0"                             \
	" UNION ALL SELECT r.rngsubtype FROM pg_range r WHERE r.rngtypid = t.oid"              \
	" UNION ALL SELECT r.rngtypid FROM pg_range r WHERE r.rngmultitypid = t.oid"           \
	" UNION ALL SELECT f.atttypid FROM pg_attribute f WHERE t.typrelid <> 0"               \
	" AND f.attrelid = t.typrelid AND f.attnum > 0 AND NOT f.attisdropped) x)"

/* Part of a WITH RECURSIVE whose %s is that condition: each table with itself and, of a partition root, with all
 * that hangs below it. */
#define PG_TREE                                                 \
	"tree(root, oid) AS ("                                  \
	"SELECT c.oid, c.oid FROM pg_class c WHERE %s"          \
	" UNION ALL SELECT t.root, i.inhrelid FROM tree t"      \
	" JOIN pg_class c ON c.oid = t.oid AND c.relkind = 'p'" \
	" JOIN pg_inherits i ON i.inhparent = t.oid)"

#endif
