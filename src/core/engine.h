/*
 * An engine runs SQL where tables live; models are built by it. It has two sides: what is done (run,
 * query, inspect ...), and how it is said there (struct dialect: each function appends one statement,
 * or a piece of one, to a buffer and reaches nobody, so that a plan can show what a build will run).
 *
 * To add one: a folder in engines/, a line in engines.def, a line in meson.build, a page in docs/.
 *
 * An engine never retries. ERROR_RETRY says that the same statement may work later, ERROR_CONFIG that
 * the connection or its rights are wrong, ERROR_TABLE that the statement or its tables are. Every
 * function may be called by several threads at once.
 */
#ifndef CORE_ENGINE_H
#define CORE_ENGINE_H

#include <stdatomic.h>
#include <string.h>
#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "core/option.h"
#include "core/period.h"

struct engine {
	const struct engine_ops *ops;
	const char *name; /* of the connection */
};

/* A table or view, or its name. */
struct relation_name {
	const char *database, *name;
};

struct engine_column {
	const char *name, *type; /* type as the engine writes it */
	const char *comment;
	const char *storage; /* to create it with, in the engine's words: "CODEC(ZSTD)"; NULL */
};
struct engine_columns {
	struct engine_column *items;
	size_t len;
};

enum relation_kind {
	RELATION_ABSENT,
	RELATION_TABLE,
	RELATION_VIEW,
	RELATION_MATERIALIZED_VIEW,
	RELATION_OTHER, /* a dictionary, another server's table: nothing that models replace */
};
struct relation_info {
	enum relation_kind kind;
	const char *name;
	/* of this very table: one made anew under the name has another; an exchange takes it along */
	const char *id;
	const char *comment;
	/* of tables, as the engine writes them back */
	const char *engine, *engine_full, *order_by, *partition_by;
	uint64_t rows, bytes; /* of tables; 0 where they are not known */
};
struct relations {
	struct relation_info *items;
	size_t len;
};

/* How a column of a query comes by what it is made of; of several ways the latter. */
enum lineage_how {
	LINEAGE_SAME,        /* as it is */
	LINEAGE_TRANSFORMED, /* by functions of the same row */
	LINEAGE_AGGREGATED,  /* by an aggregate, or over a window */
	LINEAGE_WINDOW,      /* it parts or orders a window */
};
struct lineage_input {
	const char *relation, *column; /* "database.table" */
	enum lineage_how how;
};
/* What the values of a column are made of. What only chooses rows (conditions, joins, groups) is no part of it. */
struct lineage_column {
	const char *name, *type;
	struct lineage_input *inputs; /* each once */
	size_t n_inputs;
	const char *gap; /* why there may be more than these; NULL: they are all */
};
struct lineage {
	struct lineage_column *items;
	size_t len;
};

struct engine_partition {
	const char *id;    /* what dialect.replace_partition and drop_partition take */
	const char *value; /* for people */
	uint64_t rows, bytes;
};
struct engine_partitions {
	struct engine_partition *items;
	size_t len;
};

struct engine_setting {
	const char *name, *value;
};

struct statement {
	const char *sql;
	const char *id;     /* of the query, unique; NULL: the engine draws one */
	int64_t timeout_ms; /* 0: none */
	/* NULL; or, once it is true, the call ends with ERROR_RETRY, the statement in the engine as well */
	const atomic_bool *cancelled;
	const struct engine_setting *settings; /* ends with a NULL name; or NULL */
};

struct statement_stats {
	uint64_t read_rows, read_bytes, written_rows, written_bytes, result_rows, peak_bytes;
	int64_t us;
	/* of a statement that failed: what the engine names of it, the column in bytes; 0: none */
	int line, column;
};

/* What a column holds in constant rows. */
struct constants {
	const char *name, *type;
	char *const *literals; /* one a row; NULL: NULL, or what the type has instead */
	bool alike;            /* all are texts, or all are numbers: they can stand in one list */
};

/* A small answer as text; a NULL is NULL. */
struct engine_rows {
	const char *const *names, *const *types; /* of columns; types as the engine writes them */
	const char *const *cells;                /* row by row */
	size_t n_columns, n_rows;
};

/* Rows for engine_load_fn(): texts that the engine reads as values of the columns. */
struct row_feed {
	/* True: `cells`, one a column, hold a row (NULL is NULL, a text may hold any byte but NUL) until the
	 * next call. False: the end, or, with err set, a failure. */
	bool (*next)(struct row_feed *, const char **cells, struct error *err);
};

enum export_format { EXPORT_PARQUET, EXPORT_CSV, EXPORT_JSON_LINES };

/* An object of a storage that speaks S3's protocol; without keys the engine uses what it has itself. */
struct object_target {
	const char *url; /* http(s)://HOST/BUCKET/PATH, as a URL is encoded */
	const char *access_key_id, *secret_access_key, *session_token; /* NULL: none */
};

static inline const struct engine_column *engine_column_named(
	const struct engine_columns *list, const char *name) /* NULL: there is none */
{
	for (size_t i = 0; i < list->len; i++)
		if (!strcmp(list->items[i].name, name))
			return &list->items[i];
	return NULL;
}

/* What stands beside the columns of a table. */
enum table_part_kind { PART_INDEX, PART_PROJECTION, PART_CHECK };
struct table_part {
	enum table_part_kind kind;
	const char *name, *definition;
};

/* How a table is kept: what a model's configuration says, in the engine's own words; NULL where nothing. */
struct table_spec {
	const char *engine, *order_by, *partition_by, *primary_key, *ttl, *settings, *comment;
	const struct table_part *parts;
	size_t n_parts; /* where there are any the columns must be given */
};

/* Every version of a row, from the log of a mirrored table: _op, _version, _commit_time. */
struct history_spec {
	const char *select; /* gives the log */
	const char *const *keys;
	size_t n_keys;
	struct engine_columns columns;   /* of the row, without those of the log */
	const char *from, *to, *current; /* names of what is added */
	const char *current_to;          /* SQL: the end of what has none */
};

/* One function, one statement. `select` is a query, without a semicolon behind it; it stands on lines of
 * its own, so that a line of it can be told from a line of the statement. Where several relations are
 * named, the first is what changes. */
struct dialect {
	/* pieces */
	void (*name)(struct buf *, const char *);
	void (*relation)(struct buf *, struct relation_name);
	void (*text)(struct buf *, const char *, size_t len);
	/* a moment that compares with any kind of date or time column */
	void (*time)(struct buf *, int64_t us);
	/* Can such periods be told by a column of its type? */
	bool (*has_period)(const struct engine_column *, enum period);
	/* the expression that tables are partitioned by: the period of a column of dates or times */
	void (*period)(struct buf *, const struct engine_column *, enum period);
	/* a column's value as that type; one that it cannot hold is an error */
	void (*exact_cast)(struct buf *, const struct engine_column *, const char *type);
	/* the type that what is there and what comes are changed to: `to`, or where it is, also NULL */
	const char *(*wider_type)(struct arena *, const char *from, const char *to);
	/* a literal as that type; one that it cannot hold is an error. NULL: NULL, or what the type has instead */
	void (*typed)(struct buf *, const char *literal, const char *type);
	/* a query of constant rows, at least one, each value as typed() has it */
	void (*rows)(
		struct buf *, const struct constants *columns, size_t n_columns, size_t n_rows);
	/* literals of a list, and of a map: its keys and values in turn */
	void (*list)(struct buf *, const char *const *items, size_t n);
	void (*map)(struct buf *, const char *const *items, size_t n);

	void (*create_database)(struct buf *, const char *); /* unless it is there */
	/* or replaces what has the name, atomically; columns as below */
	void (*create_view)(struct buf *, struct relation_name, const char *comment,
		const struct engine_columns *, const char *select);
	/* Empty, unless it is there; of these columns, or of those that `select` gives where they are NULL. */
	void (*create_table)(struct buf *, struct relation_name, const struct table_spec *,
		const struct engine_columns *, const char *select);
	/* Follows inserts, or with `refresh` ("EVERY 5 MINUTE") makes itself anew; not filled. */
	void (*create_materialized_view)(struct buf *, struct relation_name,
		const struct table_spec *, const char *refresh, const char *select);
	/* The one that is there takes another query of the same columns, and keeps its rows. */
	void (*change_query)(struct buf *, struct relation_name, const char *select);
	/* Returns when it has refreshed itself for the first time. */
	void (*await_refresh)(struct buf *, struct relation_name);
	/* A query: the tables whose inserts a materialized view follows, and 1 where that is a view. */
	void (*followed)(struct buf *, struct relation_name);
	/* Empty, with the comment of the one it is like, unless it is there. */
	void (*create_like)(struct buf *, struct relation_name, struct relation_name like);
	/* With all rows, sharing them where the engine can. */
	void (*create_clone)(struct buf *, struct relation_name, struct relation_name of);
	/* columns NULL: all of the table, in its order; select NULL: the rows come by engine_load_fn */
	void (*insert)(struct buf *, struct relation_name, const struct engine_columns *,
		const char *select);
	void (*delete_where)(struct buf *, struct relation_name, const char *condition);
	void (*add_column)(struct buf *, struct relation_name, const struct engine_column *);
	void (*drop_column)(struct buf *, struct relation_name, const char *column);
	void (*change_column)(struct buf *, struct relation_name, const struct engine_column *);
	void (*rename)(struct buf *, struct relation_name, struct relation_name to);
	/* two relations take each other's name, atomically */
	void (*exchange)(struct buf *, struct relation_name, struct relation_name);
	/* atomic and idempotent; `from` keeps its rows, and has some in that partition */
	void (*replace_partition)(
		struct buf *, struct relation_name, struct relation_name from, const char *id);
	void (*drop_partition)(struct buf *, struct relation_name, const char *id);
	/* if it is there; TABLE where it is not known what it is */
	void (*drop)(struct buf *, struct relation_name, enum relation_kind);
	/* Writes what `select` gives as one object, which takes the place of the one that is there when it is
	 * whole; another such statement of the same id that still runs is ended. NULL: not here. */
	void (*write_object)(
		struct buf *, const struct object_target *, enum export_format, const char *select);
	/* A query: 1 where both are the same expression, however they are written. */
	void (*same_expression)(struct buf *, const char *a, const char *b);
	/* A query: the versions, each from its commit to that of the next, of its delete, or of a TRUNCATE. */
	void (*history)(struct buf *, const struct history_spec *);
	/* A query: the id of each partition of a table, and how many rows it has outside of the condition. With
	 * `ids`: of those of them that are there, and of those that have a row of the condition. */
	void (*partitions_outside)(struct buf *, struct relation_name, const char *const *ids,
		size_t n_ids, const char *condition);
	/* Is each such period of the column a partition by itself, of a table that is partitioned by `by`, as the
	 * engine writes it back? False also where that is not known. */
	bool (*splits_by)(const char *by, const struct engine_column *, enum period,
		int64_t from_us, int64_t to_us);
};

typedef MUST_CHECK bool engine_open_fn(struct engine *, struct error *);
typedef void engine_close_fn(struct engine *);
typedef MUST_CHECK bool engine_run_fn(
	struct engine *, const struct statement *, struct statement_stats *, struct error *);
typedef MUST_CHECK bool engine_query_fn(struct engine *, const struct statement *, struct arena *,
	struct engine_rows *, struct error *);
typedef MUST_CHECK bool engine_load_fn(struct engine *, const struct statement *,
	struct relation_name, const struct engine_columns *, struct row_feed *,
	struct statement_stats *, struct error *);
typedef MUST_CHECK bool engine_export_fn(struct engine *, const struct statement *,
	enum export_format, int fd, struct statement_stats *, struct error *);
typedef MUST_CHECK bool engine_inspect_fn(struct engine *, struct relation_name, struct arena *,
	struct relation_info *, struct error *);
typedef MUST_CHECK bool engine_columns_fn(struct engine *, struct relation_name, struct arena *,
	struct engine_columns *, struct error *);
/* `settings` as those of a statement. */
typedef MUST_CHECK bool engine_describe_fn(struct engine *, const char *select,
	const struct engine_setting *settings, struct arena *, struct engine_columns *,
	struct error *);
typedef MUST_CHECK bool engine_lineage_fn(
	struct engine *, const char *select, struct arena *, struct lineage *, struct error *);
typedef MUST_CHECK bool engine_relations_fn(
	struct engine *, const char *database, struct arena *, struct relations *, struct error *);
typedef MUST_CHECK bool engine_partitions_fn(struct engine *, struct relation_name, struct arena *,
	struct engine_partitions *, struct error *);

struct engine_ops {
	const char *kind; /* "clickhouse", as in the configuration */
	size_t size;      /* of the struct that begins with `struct engine` */
	/* those of a connection of that kind that concern the engine */
	const struct option *options;
	const struct dialect *dialect;

	engine_open_fn *open;   /* reaches it; on failure nothing stays open */
	engine_close_fn *close; /* undoes open; never fails */
	/* a statement whose answer does not matter; stats may be NULL, else set also on failure */
	engine_run_fn *run;
	/* a query with a small answer (64 MiB at most), in the arena */
	engine_query_fn *query;
	/* inserts rows, however many; the statement's sql is NULL */
	engine_load_fn *load;
	/* writes the answer of a query to a file as it comes; a failure may leave a part of it there */
	engine_export_fn *export;
	/* what is there; kind ABSENT: nothing */
	engine_inspect_fn *inspect;
	/* of a table or view, in order; none: it is not there */
	engine_columns_fn *columns;
	/* what a query would give; it is not run */
	engine_describe_fn *describe;
	/* the columns of a query, and by the engine's own analysis what they come from; never a guess */
	engine_lineage_fn *lineage;
	/* all of a database, by name */
	engine_relations_fn *relations;
	engine_partitions_fn *partitions;
};

/* engines.def */
const struct engine_ops *engine_find(const char *kind);
extern const struct engine_ops *const engine_kinds[]; /* NULL-terminated */

#endif
