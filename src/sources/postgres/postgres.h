/*
 * Inside of the PostgreSQL source: the struct, and what its files offer one another.
 *
 *	postgres.c   options, open, close, lag, the ops table
 *	connect.c    connections: libpq URIs, session settings, errors by SQLSTATE; the pool for copies
 *	catalog.c    pg_type ... to struct pg_catalog: the types
 *	relation.c   pg_class, pg_attribute, pg_index to struct pg_relation: one table
 *	discover.c   one table by its oid, or all that are selected
 *	sql.h        pieces of catalog queries
 *	check.c      what `tailrace check` says of the server; check_tables.c: of tables;
 *	             check_selection.c: of patterns; check_publications.c: of publications
 *	publish.c    the two publications; members.c: their tables; where.c: row filters; slot.c: the slot
 *	plan.c       ctid chunks, the fence
 *	reader.c     rows of a table by COPY binary, for copy.c and lookup.c
 *	copy.c       one chunk of a table
 *	lookup.c     fetch by key; scan in key order; literal.c: keys as SQL
 *	wal.h        what reading the log is made of:
 *	start.c      where it begins, and whether it may
 *	read.c       streaming or in bulk, and what both share
 *	stream.c     the live tail: COPY BOTH, keepalives, status updates
 *	bulk.c       a backlog: peek in COPY binary, make durable, advance
 *	apply.c      pgoutput messages to a bundle: rows, versions, key changes, truncates
 *	track.c      relations of the log to tables; shape.c: the comparison of their columns
 *	watch.c      what the stream does not tell: relfilenodes, leaves, enum labels, new and dropped tables
 */
#ifndef SOURCES_POSTGRES_H
#define SOURCES_POSTGRES_H

#include <libpq-fe.h>
#include <pthread.h>
#include <stdatomic.h>
#include "base/map.h"
#include "core/source.h"
#include "formats/pgcopy/pgcopy.h"
#include "formats/pgoutput/pgoutput.h"
#include "formats/pgtype/pgrow.h"

/*
 * A table with what decoding it needs. Owned by who loaded it, for one thread; replaced as a whole when it
 * changes. Memory of its strings and columns is the table's arena.
 */
struct pg_relation {
	struct table *table;       /* a reference */
	struct pg_column *columns; /* one a table column, as pg_attribute has it */
	struct pg_rows rows;   /* codecs; unset (rows.table NULL) while the table has a problem */
	uint32_t oid;          /* of the root */
	char replica_identity; /* pg_class.relreplident of the root: d, n, f, i */
	bool identity_full; /* the stream sends whole old rows; false: of old rows only the key counts, 'O' or 'K' */
	bool keyed; /* joins the publication with updates and deletes; otherwise insert, truncate */
	bool partitioned;        /* a root: its rows are in leaves */
	const char *sql_name;    /* "schema"."name" */
	const char **key_equals; /* a key column: OPERATOR(schema.=), the equality of its index */
};
VEC_TYPE(pg_relations, struct pg_relation *);

struct postgres {
	struct source source;
	/* options */
	const char *url;
	const char *publication; /* default tailrace_STREAM */
	const char *slot;        /* default tailrace_STREAM */
	int64_t bulk_bytes;      /* backlog from which it is fetched in bulk; 0: never */
	int64_t bulk_step_bytes; /* most of one peek: 1 GiB */
	bool push_where;         /* row filters go to the server where they do no harm */

	char slot_name[64], publication_name[64], insert_publication_name[64];
	int server_version; /* 150020 */
	bool standby;       /* pg_is_in_recovery() at open */
	char identity[256]; /* "system=7291... timeline=1 database=shop slot=tailrace_shop" */

	PGconn *control; /* catalog queries of the reader thread */

	pthread_rwlock_t
		catalog_lock;      /* read while codecs are made, written while it is replaced */
	struct pg_catalog catalog; /* types */
	struct map
		relations; /* oid -> struct pg_relation *, of the reader thread; freed by close */
	struct map
		plain; /* oids of tables whose `where` the server does not take, or not from us */

	pthread_mutex_t pool_lock; /* idle connections for copy, fetch, scan */
	VEC(PGconn *) pool;

	struct pg_log *log;             /* reading the log, from start to close: wal.h */
	_Atomic uint64_t confirmed_lsn; /* durable and recorded */
};

static inline struct postgres *postgres_of(struct source *s)
{
	return (struct postgres *)s;
}

/* --- connect.c --- */

/*
 * A connection with our session settings: UTF8, ISO dates, UTC, no timeouts, search_path pg_catalog alone (so
 * write schema.name), row_security off (a policy that would hide rows makes a query fail instead).
 * replication: may run START_REPLICATION beside SQL (simple protocol only). NULL on failure.
 */
PGconn *pg_connect(struct postgres *, bool replication, struct error *);
void pg_disconnect(PGconn **); /* NULL-safe; leaves NULL */

/* Runs SQL made by the format (an actual % in it is written %%; values go through pg_quote_*). NULL on
 * failure. Freed with PQclear, or by CLEANUP(pg_free_result). */
PGresult *pg_query(PGconn *, struct error *, const char *fmt, ...) PRINTF(3, 4);
MUST_CHECK bool pg_exec(PGconn *, struct error *, const char *fmt, ...) PRINTF(3, 4);
void pg_free_result(PGresult **);

/* Sets the error from a failed result (NULL: from the connection), kind by SQLSTATE. Always false. */
bool pg_fail(PGconn *, const PGresult *, struct error *);
bool pg_sqlstate_is(const PGresult *, const char *sqlstate);

/* Appends to SQL: "name", 'literal' (E'' where it holds a backslash). */
void pg_quote_name(struct buf *sql, const char *name);
void pg_quote_table(struct buf *sql, const char *schema, const char *name);
void pg_quote_literal(struct buf *sql, const char *text);

/* Values of a result in text form. NULL is "" / 0 / false. */
const char *pg_value(const PGresult *, int row, int column);
uint64_t pg_value_u64(const PGresult *, int row, int column);
bool pg_value_bool(const PGresult *, int row, int column);

#define PG_LSN_TEXT 24
void pg_lsn_print(uint64_t lsn, char out[PG_LSN_TEXT]); /* "0/16B3748" */
uint64_t pg_lsn_parse(const char *text);                /* 0 when it is none */

/* The pool of ordinary connections, for any thread. One that failed, or whose libpq buffer has grown, is
 * given back with reusable false and is closed. */
PGconn *pg_take_connection(struct postgres *, struct error *);
void pg_return_connection(struct postgres *, PGconn *, bool reusable);

/* --- catalog.c, relation.c, discover.c --- */

/* Reads the types that the columns of a table (0: of all) use into p->catalog. pg_relation_load() and
 * pg_discover() do it themselves. */
MUST_CHECK bool pg_catalog_load(struct postgres *, PGconn *, uint32_t oid, struct error *);

/* One table as it is now: definition, physical identity, key, codecs. `oid` may be a leaf's: its root is loaded.
 * NULL with err->kind ERROR_NONE when it is gone or not selected. Any thread, with a connection of its own. */
struct pg_relation *pg_relation_load(struct postgres *, PGconn *, uint32_t oid, struct error *);
void pg_relation_free(struct pg_relation *); /* NULL-safe */

/* The same one, but that this column takes NULL. ERROR_TABLE: it would be of another type then. */
struct pg_relation *pg_relation_with_null(
	struct postgres *, const struct pg_relation *, int column, struct error *);

/* Do our publications carry stored generated columns, or will they once they are made? */
bool pg_publishes_generated(struct postgres *, PGconn *);

/* Is what was copied under `was` (table->physical) still what the table holds? New enum labels do no harm. */
bool pg_physical_same(const char *was, const char *now);

/* All selected tables, collisions marked. The caller frees each (pg_relations_release frees all). */
MUST_CHECK bool pg_discover(struct postgres *, PGconn *, struct pg_relations *out, struct error *);
void pg_relations_release(struct pg_relations *);

/* --- plan.c --- */

/* The fence of invariant 2: whatever ran before has a transaction id up to *xid. */
MUST_CHECK bool pg_fence(PGconn *, uint64_t *xid, struct error *);

/* Names the transactions from before the fence that are still open, into text; false when there is none.
 * pid, user, age, state, or the gid of a prepared one. */
bool pg_fence_holders(PGconn *, uint64_t xid, struct buf *text);

/* The end of a transaction (or any place between two) as a position: order is the LSN, the token its text. */
void pg_position(uint64_t lsn, int64_t commit_time_us, struct position *out);

/* --- the ops --- */
source_open_fn postgres_open;
source_close_fn postgres_close;
source_lag_fn postgres_lag;
source_check_fn postgres_check;
source_discover_fn postgres_discover;
source_plan_fn postgres_plan;
source_renew_fn postgres_renew;
source_copy_fn postgres_copy;
source_fetch_fn postgres_fetch;
source_scan_fn postgres_scan;
source_sample_fn postgres_sample;
source_start_fn postgres_start;
source_restart_fn postgres_restart;
source_read_fn postgres_read;
source_confirm_fn postgres_confirm;

/* --- start.c --- */

/* What the pipeline was told by the last discover() before start(): takes the relations. Later ones are left. */
void pg_log_discovered(struct postgres *, struct pg_relations *);

/* Releases what start and read made. */
void pg_log_close(struct postgres *);

#endif
