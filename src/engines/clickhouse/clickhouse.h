/*
 * Inside of the ClickHouse engine.
 *
 *	clickhouse.c  options, statements: their id, stats, end when they are cancelled
 *	dialect.c     how statements are said
 *	history.c     the versions of rows, from a log
 *	rows.c        small answers, as TabSeparatedWithNamesAndTypes
 *	catalog.c     what the system tables know of relations
 *	describe.c    the columns of a query
 *	lineage.c     where columns come from; query_tree.c reads what EXPLAIN QUERY TREE says
 *	load.c        rows into a table; answers into files
 *
 * All tables of models live in databases of the engine Atomic or Replicated: what others have is no
 * identity, and no exchange.
 */
#ifndef ENGINES_CLICKHOUSE_CLICKHOUSE_H
#define ENGINES_CLICKHOUSE_CLICKHOUSE_H

#include <pthread.h>
#include "clients/clickhouse.h"
#include "core/engine.h"

/* What DESCRIBE said of queries, of the last few. */
struct descriptions {
	pthread_mutex_t lock;
	struct description {
		const char *key; /* NULL: none yet */
		struct engine_columns columns;
		struct arena arena; /* of both */
	} kept[16];
	size_t next;
};
void descriptions_init(struct descriptions *d);
void descriptions_release(struct descriptions *d);

struct clickhouse_engine {
	struct engine engine;
	/* options */
	const char *url, *user, *password, *ca_file;
	bool verify_tls;
	int64_t connect_timeout_ms, stall_timeout_ms;
	/* from open on */
	struct clickhouse *client;
	/* equal rows are kept; the names of this differ between versions */
	struct clickhouse_setting keep_equal[4];
	struct descriptions descriptions;
};

static inline struct clickhouse_engine *clickhouse_engine_of(struct engine *engine)
{
	return (struct clickhouse_engine *)engine;
}

const char *format_name(enum export_format format);
extern const struct dialect clickhouse_dialect;
/* values.c */
void clickhouse_typed(struct buf *, const char *literal, const char *type);
void clickhouse_constants(
	struct buf *, const struct constants *columns, size_t n_columns, size_t n_rows);
void clickhouse_exact_cast(struct buf *, const struct engine_column *, const char *type);
const char *clickhouse_wider_type(struct arena *, const char *from, const char *to);
void clickhouse_history(struct buf *out, const struct history_spec *spec);

/* Runs what `query` says, with the statement's id, settings and limits in place of the query's; ends it
 * in the server where it was cancelled, or went on without us. */
MUST_CHECK bool statement_perform(struct clickhouse_engine *e, const struct statement *s,
	struct clickhouse_query *query, struct statement_stats *stats, struct error *err);

/* A small query of our own with parameters ("param_NAME"); or NULL. */
MUST_CHECK bool catalog_query(struct clickhouse_engine *e, const char *sql,
	const struct engine_setting *settings, struct arena *arena, struct engine_rows *out,
	struct error *err);

/* The columns that a DESCRIBE gives. */
MUST_CHECK bool describe_query(struct clickhouse_engine *e, const char *sql,
	const struct engine_setting *settings, struct arena *arena, struct engine_columns *out,
	struct error *err);

/* What the analysis of a query says, see query_tree.h; and the query's columns, with that (NULL: not known). */
MUST_CHECK bool clickhouse_query_tree(struct clickhouse_engine *e, const char *select,
	struct arena *arena, const char **out, struct error *err);
MUST_CHECK bool clickhouse_describe_tree(struct clickhouse_engine *e, const char *select,
	const char *tree, struct arena *arena, struct engine_columns *out, struct error *err);

engine_query_fn clickhouse_rows;
engine_load_fn clickhouse_load_rows;
engine_export_fn clickhouse_export;
engine_inspect_fn clickhouse_inspect;
engine_columns_fn clickhouse_columns;
engine_describe_fn clickhouse_describe;
engine_lineage_fn clickhouse_lineage;
engine_relations_fn clickhouse_relations;
engine_partitions_fn clickhouse_partitions;

#endif
