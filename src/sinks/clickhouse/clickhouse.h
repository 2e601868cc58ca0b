/*
 * Inside of the ClickHouse sink. For a database `shop` and a table `orders`:
 *
 *	shop_cdc.orders          storage of the rows: every version until merged away, tombstones
 *	shop_cdc.orders_log      storage of the history, where it is kept
 *	shop_cdc.orders__g3      a storage being built, to become shop_cdc.orders
 *	shop.orders, ..._log     views: the source's columns of what is live, or of all versions
 *	shop_cdc._set_aside      rows that could not be taken
 *	shop_cdc._streams        the mark of each stream, see mark.c
 *
 * Of a cluster these are tables over the tables of its servers, see cluster.c.
 *
 * All that is known of a storage stands in the server: whose it is in the table's comment, which
 * column of the source a column is (by attribute number) in the column's comment, both JSON.
 * Nothing else is trusted after a crash.
 */
#ifndef SINKS_CLICKHOUSE_CLICKHOUSE_H
#define SINKS_CLICKHOUSE_CLICKHOUSE_H

#include <pthread.h>
#include "base/map.h"
#include "clients/clickhouse.h"
#include "core/selection.h"
#include "core/sink.h"
#include "formats/native/native.h"

struct clickhouse_sink {
	struct sink sink;
	/* options; those of the embedded server are read by who starts it */
	const char *url, *user, *password, *database, *ca_file, *listen;
	const char *cluster, *cluster_nodes; /* NULL: one server */
	int compression;
	bool verify_tls;
	int64_t connect_timeout_ms, stall_timeout_ms;
	int64_t http_port, tcp_port, memory_limit_bytes;
	/* from open on */
	struct clickhouse *client;
	char *cdc;   /* the database of the storages */
	char *shard; /* of a cluster: the database of the servers' parts of them */
	VEC(struct clickhouse *) others; /* its servers but for `client` */
	unsigned version;                /* 2607 is 26.7 */
	bool utc;                        /* the server's own time zone */
	bool deduplicate_insert; /* the setting exists (its older form is insert_deduplicate) */
	pthread_mutex_t lock;
	struct map layouts; /* storage -> struct layout *, with a reference */
	/* storages that were built and have become the live ones; values non-NULL */
	struct map published;
	int64_t aside_us; /* when something was set aside last, as far as is known */
};

static inline struct clickhouse_sink *clickhouse_sink_of(struct sink *sink)
{
	return (struct clickhouse_sink *)sink;
}

enum storage_kind { STORAGE_ROWS, STORAGE_LOG };
#define N_STORAGE_KINDS 2
#define SET_ASIDE       "_set_aside"

/* Of every table: an acknowledged insert, and what is merged from it, is on the disk. */
#define DURABLE                                                        \
	" SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, " \
	"min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1"

/* --- names.c: names and texts ---------------------------------------------------------------- */

/* Does the table have such a storage? */
bool table_keeps(const struct table *t, enum storage_kind kind);

/* All malloc'd. The live name is also that of the view. */
char *live_name(const struct table *t, enum storage_kind kind);
char *building_name(const struct table *t, enum storage_kind kind, uint32_t generation);
char *storage_name(
	struct clickhouse_sink *s, const struct landing *landing, enum storage_kind kind);

void add_name(struct buf *sql, const char *database, const char *name); /* `database`.`name` */
void add_text(struct buf *sql, const char *text);                       /* 'text' */

/* The type of a column in the storage, as the server prints it. */
void storage_type_print(const struct clickhouse_sink *s, const struct table *t,
	const struct table_column *c, struct buf *out);
/* What a storage's column of that type holds; types of one name (a string, JSON as text) are taken for the
 * column's. Elements are the arena's. false: none that is made for such a column. */
bool storage_type_read(const struct clickhouse_sink *s, const struct table *t,
	const struct table_column *c, const char *text, struct arena *arena, struct type *out);

/* The comments. */
void add_table_comment(struct buf *sql, const struct landing *landing, enum storage_kind kind);
/* dropped: now. */
void add_column_comment(struct buf *sql, const struct table_column *c, bool dropped);
#define TOLD_COLUMN "_version" /* in its comment is how late the definition was told */
void add_told_comment(struct buf *sql, const struct table *t);

/* What a key column is sorted by: itself, or of a UUID the number that orders as its bytes do
 * (the server's own order of UUIDs begins with their second half: no help for scans, and none for
 * UUIDs that grow with time). */
void add_sorted(struct buf *sql, const struct type *type, const char *name);

/* --- rows.c: small answers -------------------------------------------------------------------- */

#define MAX_SHAPE 8
struct rows {
	struct column columns[MAX_SHAPE];
	size_t n_columns, rows;
};

/* Runs a SELECT whose columns are, a letter each, s String and u UInt64. On failure nothing is
 * held. */
MUST_CHECK bool rows_query(struct clickhouse_sink *s, const char *shape, const char *sql,
	const struct clickhouse_setting *settings, struct rows *out, struct error *err);
void rows_release(struct rows *r);
/* Ends the decoder of an answer; ERROR_RETRY when less has come than the server gave (answer_rows of
 * the query). */
MUST_CHECK bool rows_end(struct native_decoder *d, uint64_t answer_rows, struct error *err);
char *rows_text(const struct rows *r, struct arena *arena, size_t row, size_t column);
uint64_t rows_number(const struct rows *r, size_t row, size_t column);

/* --- settings.c: what statements are sent with ------------------------------------------------ */

/* Each ends with a NULL name. */
extern const struct clickhouse_setting settings_to_read[], settings_to_alter[], settings_to_drop[];
#define N_SETTINGS_TO_INSERT 10
/* gather: many blocks, of which the server makes few large parts. */
void settings_to_insert(const struct clickhouse_sink *s, bool gather,
	struct clickhouse_setting out[N_SETTINGS_TO_INSERT]);
/* May the user write at all, and send them? */
MUST_CHECK bool settings_check(struct clickhouse_sink *s, struct findings *f, struct error *err);

/* --- cluster.c: storages over several servers -------------------------------------------------- */

MUST_CHECK bool cluster_open(
	struct clickhouse_sink *s, const struct clickhouse_options *like, struct error *err);
void cluster_close(struct clickhouse_sink *s);
/* A statement that may be made twice, on every server; the one of `client` is the last. */
MUST_CHECK bool run_everywhere(
	struct clickhouse_sink *s, const struct clickhouse_query *query, struct error *err);
/* Where the rows of a storage are: in it, or, of a cluster, in a table of its own on each server. The name is
 * malloc'd. */
const char *part_database(const struct clickhouse_sink *s);
char *part_name(struct clickhouse_sink *s, const struct landing *landing, enum storage_kind kind);
/* Of a cluster: a storage becomes the table over its parts, with the columns that they have. */
struct spread {
	const char *name, *part;
	bool anew; /* in place of what has the name */
};
MUST_CHECK bool cluster_spread(struct clickhouse_sink *s, const struct landing *landing,
	enum storage_kind kind, const struct spread *spread, struct error *err);

/* --- layout.c: what the server has
 * -------------------------------------------------------------- */

struct stored_column {
	const char *name, *type;
	int attribute; /* of the source; 0: one of ours, or not from us */
	bool dropped;  /* no longer in the source */
};

struct layout {
	int references; /* under the sink's lock */
	struct arena arena;
	version_t told; /* of the definition that it follows, see struct table */
	VEC(struct stored_column) columns;
};

/* The columns of a storage, a reference for the caller; kept until layout_forget(). ERROR_TABLE:
 * no such storage. */
MUST_CHECK bool layout_get(
	struct clickhouse_sink *s, const char *storage, struct layout **out, struct error *err);
void layout_put(struct clickhouse_sink *s, struct layout *l);
void layout_forget(struct clickhouse_sink *s, const char *storage);
void layout_forget_all(struct clickhouse_sink *s);
/* Columns of any table, in order, not kept. */
MUST_CHECK bool layout_read(struct clickhouse_sink *s, const char *database, const char *table,
	struct layout **out, struct error *err);

/* The storage's columns for those of a table, by attribute; out holds t->n_columns, its items
 * live as long as the layout. ERROR_TABLE: one is missing. */
MUST_CHECK bool layout_map(struct clickhouse_sink *s, const char *storage, const struct table *t,
	struct layout **layout, const struct stored_column **out, struct error *err);
const struct stored_column *layout_by_attribute(
	const struct layout *l, int attribute); /* or NULL */
const struct stored_column *layout_by_name(const struct layout *l, const char *name);

/* A table or view of the server, by what its comment says. Strings are the arena's. */
struct stored_table {
	bool exists, ours;
	const char *name, *engine;
	const char *stream, *source,
		*kind; /* source: "public.orders"; kind: "rows", "log", "view", "set_aside" */
	uint32_t generation;
};
VEC_TYPE(stored_tables, struct stored_table);
MUST_CHECK bool stored_table_get(struct clickhouse_sink *s, const char *database, const char *name,
	struct arena *arena, struct stored_table *out, struct error *err);
/* Ours in a database, of one stream; source NULL: of all its tables. */
MUST_CHECK bool stored_tables_of(struct clickhouse_sink *s, const char *database,
	const char *stream, const char *source, struct arena *arena, struct stored_tables *out,
	struct error *err);
/* ERROR_TABLE when it is somebody else's. */
MUST_CHECK bool stored_table_check(const struct stored_table *have, const char *database,
	const struct table *t, struct error *err);
/* "public.orders" into the arena. */
const char *source_name(const struct table *t, struct arena *arena);

/* --- attach.c, evolve.c, publish.c, write.c, load.c, read.c, aside.c, retry.c, mark.c, check.c: the slots of
 * the sink --- */

sink_generation_fn clickhouse_generation;
sink_attach_fn clickhouse_attach;
sink_evolve_fn clickhouse_evolve;
sink_publish_fn clickhouse_publish;
sink_discard_fn clickhouse_discard;
sink_write_fn clickhouse_write;
sink_load_fn clickhouse_load;
sink_load_add_fn clickhouse_load_add;
sink_load_end_fn clickhouse_load_end;
sink_truncate_fn clickhouse_truncate;
sink_set_aside_fn clickhouse_set_aside;
sink_asides_fn clickhouse_asides;
sink_forget_fn clickhouse_forget;
sink_fetch_fn clickhouse_fetch;
sink_missed_fn clickhouse_missed;
sink_scan_fn clickhouse_scan;
sink_count_fn clickhouse_count;
sink_marked_fn clickhouse_marked;
sink_mark_fn clickhouse_mark;
sink_check_fn clickhouse_check;

/* Makes the database when it is missing. ERROR_CONFIG: it cannot exchange tables. */
MUST_CHECK bool database_create(struct clickhouse_sink *s, const char *name, struct error *err);

/* Adds "name Type COMMENT ..." of a column of the source; with_default: and the value that older
 * rows have. */
void add_column_definition(struct clickhouse_sink *s, const struct table *t,
	const struct table_column *c, bool with_default, bool dropped, struct buf *sql);
/* That value, as an expression; of a column that has one. */
bool has_missing_value(const struct table_column *c);
void add_missing_value(struct clickhouse_sink *s, const struct table *t,
	const struct table_column *c, struct buf *sql);

/* " WHERE ...": what was set aside of the table, in this generation. */
void add_set_aside_of(const struct landing *landing, struct buf *sql);
/* A time that is later than those before and than `known_us`, also where the clock was set back. */
int64_t set_aside_time(struct clickhouse_sink *s, int64_t known_us);

/* Makes the table of rows that were set aside. */
MUST_CHECK bool set_aside_create(struct clickhouse_sink *s, struct error *err);

/* Makes the view of a storage be of its columns; leaves it when it is. */
MUST_CHECK bool view_update(struct clickhouse_sink *s, const struct table *t,
	enum storage_kind kind, struct error *err);

struct native_encoder;

/* The pieces of an encoder as a request's body. */
struct block_body {
	struct http_body body;
	struct native_encoder *encoder;
	const uint8_t *data;
	size_t left;
};
void block_body_init(struct block_body *b, struct native_encoder *encoder);

/* The rows of a batch as a block of a storage; `columns` as layout_map() gives them. The encoder
 * is released by the caller, and borrows all it is given. */
struct order;
void block_encode(struct native_encoder *e, const struct batch *b, enum storage_kind kind,
	const struct stored_column *const *columns, const struct order *order);

/* ERROR_BROKEN where copied rows of a table without a key have no place in their version. */
MUST_CHECK bool check_places(const struct batch *b, struct error *err);

/* "INSERT INTO storage FORMAT Native", without a list of columns, which may be too long for a
 * URL: the block names them, and those that it does not have (dropped in the source) get their
 * default. */
void insert_statement(struct clickhouse_sink *s, const char *storage, struct buf *sql);

struct insert {
	const char *sql;
	struct http_body *rows;       /* blocks */
	bool gather;                  /* many of them: the server makes few large parts of them */
	const atomic_bool *cancelled; /* or NULL */
};
/* Returns once the rows are durable. */
MUST_CHECK bool insert_run(
	struct clickhouse_sink *s, const struct insert *insert, struct error *err);

/* Encodes and sends one block; `encoder` is built but not begun. sql: INSERT ... FORMAT Native. */
MUST_CHECK bool insert_block(struct clickhouse_sink *s, const char *sql,
	struct native_encoder *encoder, struct error *err);

#endif
