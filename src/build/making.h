/*
 * Inside of materialize(): what the ways to make a table share. Each way is one function that fills something beside
 * what is there and puts it in its place; making.c has what they read of a model, swap.c the putting in place.
 *
 * Beside `orders` stand, while it is built:
 *	orders__tailrace_next[_KEY]   what is to become it, or one of its partitions
 *	orders__tailrace_rows         new rows on their way into that
 * All that is made here says in its comment whose it is: {"tailrace":{"asset":"model.shop.orders","run":12}}.
 */
#ifndef BUILD_MAKING_H
#define BUILD_MAKING_H

#include "build/work.h"

#define STAGING_MARK "__tailrace_"

/* One attempt at making a node's relation. */
struct making {
	struct work *w;
	const struct dialect *d;
	struct relation_name target;
	struct relation_info had;    /* what the target is before */
	const char *described;       /* the query that was described last; NULL */
	struct engine_columns gives; /* of that */
	struct buf sql;              /* of the statement that is being written */
	const char *casts;           /* what making_fit() casts, for errors; NULL: nothing */
	bool replacing; /* the target may be new, or in part, and nothing says so yet */
	bool intended;  /* but the record of a swap, by which the next attempt can tell */
};

/* --- making.c, fit.c --- */

/* Texts are the attempt's. NULL, or of no items: the setting is not there. */
struct value config_value(const struct making *m, const char *key);
const char *config_text(const struct making *m, const char *key);
struct texts config_texts(const struct making *m, const char *key); /* of a list, or of one text */
/* ERROR_CONFIG that begins with the place of the setting. Always false. */
bool config_wrong(const struct making *m, const char *key, struct error *err, const char *fmt, ...)
	PRINTF(4, 5);
/* How the table is kept. */
MUST_CHECK bool config_table(const struct making *m, struct table_spec *out, struct error *err);

struct relation_name staging_of(const struct making *m, const char *what);
/* Runs m->sql, and clears it. */
MUST_CHECK bool making_run(struct making *m, struct error *err);
/* The model's query_settings; NULL: none. */
const struct engine_setting *making_settings(const struct making *m);
/* Runs m->sql with those, and clears it; *rows gets the rows it wrote. */
MUST_CHECK bool making_fill(struct making *m, uint64_t *rows, struct error *err);
/* For what its templates are rendered; `batch` is filled where it is of a partition. */
MUST_CHECK bool making_options(struct making *m, bool incremental, struct compile_batch *batch,
	struct compile_options *out, struct error *err);
/* The model's SQL into w->select. */
MUST_CHECK bool making_compile(struct making *m, bool incremental, struct error *err);
/* What a query gives, the caller's to change; of the one that was described last the engine is not asked again. */
MUST_CHECK bool making_describe(
	struct making *m, const char *select, struct engine_columns *out, struct error *err);
/* names.c: w->select, with a query around it where the engine would call its columns by their tables too. */
MUST_CHECK bool making_names(struct making *m, struct error *err);
/* What is there under the name of a staging table, if anything is, is dropped. */
MUST_CHECK bool making_clear(struct making *m, struct relation_name name, struct error *err);
/* The database is made where the target is not there. */
MUST_CHECK bool making_database(struct making *m, struct error *err);

/* What the model gives, and how it goes into a table that is there. */
struct fitting {
	struct engine_columns columns; /* that go in */
	struct engine_columns table;   /* that it has, as it was */
	const char *select; /* w->select, or that with what makes its columns those of the table */
};
/* Looks at the columns that w->select gives and those of `table`, which is changed as on_schema_change says. */
MUST_CHECK bool making_fit(
	struct making *m, struct relation_name table, struct fitting *out, struct error *err);
void making_message(struct making *m, const char *fmt, ...) PRINTF(2, 3);

/* --- materialize.c --- */

/* The rows of `select` become the whole of the target; the message takes their number. */
MUST_CHECK bool making_replace(
	struct making *m, const char *select, const char *message, struct error *err);
/* Runs a hook, a template; nothing where it renders to nothing. */
MUST_CHECK bool making_hook(struct making *m, const char *text, struct error *err);

/* --- swap.c --- */

/* The staging table becomes the target, which becomes the staging table; then as swap_end(). */
MUST_CHECK bool swap_table(struct making *m, struct relation_name staging, struct error *err);
/* Those partitions of the target become those of the staging table, which has `have`, where it has none they go;
 * swap_end() is to follow. */
MUST_CHECK bool swap_partitions(struct making *m, const struct relation_info *staging,
	const struct engine_partitions *have, const struct texts *partitions, struct error *err);
/* The hooks, the record; `left` is dropped, its name may be NULL. */
MUST_CHECK bool swap_end(
	struct making *m, struct relation_name left, enum relation_kind kind, struct error *err);
/* What an earlier attempt began to put in its place, and nobody knows whether it came to that, is ended. `finished`:
 * that was all that this attempt is for. */
MUST_CHECK bool swap_resume(struct making *m, bool *finished, struct error *err);
/* What was built may be there or not, and will be neither said to be there nor to be what was recorded before: if there
 * is such a record it is of no definition from now on. */
MUST_CHECK bool swap_doubt(struct state *state, struct arena *arena, const char *asset,
	const struct built *built, struct error *err);

#define S3_SCHEME "s3://"
/* --- object.c --- */
MUST_CHECK bool make_object(
	struct making *m, const char *location, enum export_format format, struct error *err);

/* --- the ways --- */

typedef bool make_fn(struct making *m, struct error *err);
make_fn make_view, make_table, make_incremental, make_partition, make_seed, make_snapshot,
	make_external, make_exec, make_materialized_view;

/* --- columns.c --- */

/* The indexes, projections and checks of its table into spec. */
MUST_CHECK bool config_parts(const struct making *m, struct table_spec *spec, struct error *err);
/* Where the contract is enforced: does w->select keep it? Its columns come in the contract's order then. */
MUST_CHECK bool making_contract(struct making *m, struct error *err);
/* Those that `select` gives, with what the yml says of them, to create it with. NULL, and nobody was asked: they are
 * not `wanted`, and the yml says nothing. */
MUST_CHECK bool making_columns(struct making *m, const char *select, bool wanted,
	const struct engine_columns **out, struct error *err);
/* Gives columns what the yml says of them. */
void making_comments(const struct making *m, struct engine_columns *columns);
/* An empty table of what `select` gives. */
MUST_CHECK bool making_create(struct making *m, struct relation_name name,
	const struct table_spec *spec, const char *select, struct error *err);

#endif
