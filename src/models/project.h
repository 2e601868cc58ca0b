/*
 * A project of models in dbt's layout: its files, what they say of each other, and the SQL that they
 * become; docs/models.md. Reading one connects to nothing.
 *
 *	struct project *p = project_load(&options, &err);
 *	const struct node *node = project_find(p, "orders");
 *	if (node->problem || !project_compile(p, node, &sql, &err)) ...
 *	project_free(p);
 *
 * What is wrong with one file is that node's problem and keeps nobody else from being read; what is wrong
 * with the project as a whole (dbt_project.yml, two models of one name, a cycle) is an error. Everything
 * lives in the project's arena. One thread at a time reads a project; once it is read, any number
 * may compile.
 */
#ifndef MODELS_PROJECT_H
#define MODELS_PROJECT_H

#include "base/arena.h"
#include "base/map.h"
#include "base/vec.h"
#include "config/tree.h"
#include "core/engine.h"
#include "core/period.h"
#include "core/selection.h"
#include "models/template/template.h"
#include "models/template/value.h"

/* The mirrored tables of a stream are a source of its name. */
struct stream_source {
	const char *name, *database;
	const struct selection *selection;
};

struct project_options {
	const char *folder;
	const char *database; /* that models go into: target.schema */
	const char *target;   /* target.name */
	/* of the engine that models are built by: its name and its dialect; NULL: the first there is */
	const struct engine_ops *engine;
	const char *vars; /* YAML or JSON that goes before the vars of dbt_project.yml; NULL */
	bool again; /* the process has read it before: what was warned of then is not said again */
	const struct stream_source *streams;
	size_t n_streams;
};

enum node_kind {
	NODE_MODEL,
	NODE_SEED,
	NODE_SNAPSHOT,
	NODE_TEST,
	NODE_UNIT_TEST,
	NODE_HOOK, /* of a run; dbt's word is operation */
};
enum materialization {
	MATERIALIZED_VIEW,
	MATERIALIZED_TABLE,
	MATERIALIZED_INCREMENTAL,
	MATERIALIZED_EPHEMERAL,
	MATERIALIZED_OTHER, /* config's own word says which */
};

struct node;
VEC_TYPE(nodes, struct node *);
VEC_TYPE(places, const char *);
struct texts {
	const char *const *items;
	size_t n;
};

/* 12 hours. */
struct age_limit {
	int64_t count, period_us; /* 0: none */
};
static inline int64_t age_limit_us(struct age_limit limit)
{
	return limit.count * limit.period_us;
}

/* A table of a source. */
struct source_table {
	const char *source, *name;          /* as source() says them */
	const char *database, *table;       /* what it is in the warehouse */
	const struct stream_source *stream; /* NULL: none of ours */
	struct value meta;                  /* what the yml says of it: a dict, or absent */
	const char *place;                  /* "models/shop.yml:3"; NULL: no yml speaks of it */
	const char *event_time;             /* the column that says when; NULL */
	bool disabled;                      /* it has no tests */
	/* SQL; NULL: a column or a query that says when its newest row came, and of which rows */
	const char *loaded_at_field, *loaded_at_query, *freshness_filter;
	struct age_limit warn_after, error_after; /* how old that may be */
};
VEC_TYPE(source_tables, struct source_table *);

/* When a node is to run by itself; nothing where nothing is said. */
struct schedule {
	const char *cron, *timezone;
	bool on_change, on_missing;
	int64_t at_most_every_us; /* with on_change */
	int64_t max_age_us;       /* a limit of freshness */
	const char *place;        /* of the cron line, "models/orders.sql:3" */
};

/* Which partitions of a parent one of the child's is made of. */
struct partition_mapping {
	enum mapping_kind {
		MAPPING_SAME,   /* those of the same time */
		MAPPING_ALL,    /* all: when any of it changes the whole child does */
		MAPPING_IGNORE, /* all, and its changes make nothing dirty */
		MAPPING_WINDOW, /* those of the same time and so many before */
	} kind;
	int window;
};

enum severity { SEVERITY_ERROR, SEVERITY_WARN };

/* Rows of a unit test: what the model reads in place of a table, or what it is to give. */
enum fixture_format { FIXTURE_ROWS, FIXTURE_CSV, FIXTURE_SQL };
struct unit_rows {
	const char *input;                 /* "ref('orders')"; NULL: what is expected */
	const struct node *node;           /* what it stands for; of `this` the tested model */
	const struct source_table *source; /* or that */
	const char *cte;                   /* what the model's SQL calls it */
	enum fixture_format format;
	const struct tree *rows; /* a list of maps, or the text; NULL: it is in the file */
	struct value values;     /* of such a list the dicts */
	const char *file;        /* where that is */
	char delimiter;
	const char *path; /* of the yml, and the line in it */
	int line;
	const char *rows_path; /* of that or of the file, as messages say it */
};

/* A unit test: what its model, node->tested, gives where `given` are its tables. */
struct unit_test {
	struct unit_rows *given, expect;
	size_t n_given;
	struct value macros, vars, env_vars; /* that it overrides: dicts, or absent */
};

struct package;
struct node {
	enum node_kind kind;
	const char *id;   /* "model.shop.orders" */
	const char *name; /* "orders" */
	const struct package *package;
	const char *
		path; /* "models/staging/orders.sql", below the project's folder; of a test or hook from yml that yml */
	const char *inside;     /* of the path: below the folder that dbt_project.yml names; "" */
	int line;               /* in it, of a test or hook from yml and of a snapshot; 1 */
	const char *const *fqn; /* package, folders, name */
	size_t n_fqn;

	struct template *template;    /* NULL: a seed, or it could not be parsed */
	const struct macro *snapshot; /* the block; NULL */
	struct value arguments;       /* of a test from yml: the dict of its macro's arguments */

	struct dict *config;
	struct dict *places;   /* of its settings: "models/orders.sql:3" */
	const char *described; /* "models/y.yml:3": where a yml speaks of it; NULL */
	struct value
		properties; /* what the yml says: description, columns, meta; a dict, or absent */
	const char *database, *alias;
	enum materialization materialization;
	bool enabled;
	struct texts tags;
	struct schedule schedule;

	/* Partitioned by time, where batch_size is not PERIOD_NONE; or by keys. */
	const char *event_time; /* the column that says when; NULL */
	enum period batch_size;
	int64_t begin_us; /* where the first partition starts */
	int lookback;     /* so many partitions before a dirty one are rebuilt, too */
	struct texts partitions;
	const char *partition_column; /* of the keys */

	/* Of a test: */
	const struct node *tested;                /* NULL: a query of its own, or of a source */
	const struct source_table *tested_source; /* NULL */
	enum severity severity;
	bool is_freshness; /* of a source: its failures are an age in s */
	bool by_rows; /* it judges each row by itself, so that partitions can be tested alone */
	struct unit_test *unit; /* of a unit test */
	const char *test_name;  /* of one from a yml what it is: "not_null"; NULL */

	bool ends_run; /* of a hook: on-run-end; else on-run-start */

	struct nodes parents;         /* by ref, each once */
	struct places parent_places;  /* of the ref to each of them, "models/orders.sql:3:15" */
	struct source_tables sources; /* by source, each once */
	const char *problem;          /* NULL: none; else why it cannot be compiled */
	int mark;                     /* of whoever walks the graph */
};

struct project;
/* NULL with an error. The strings of the options must outlive the project. */
struct project *project_load(const struct project_options *options, struct error *err);
void project_free(struct project *p);

/* Parents before children; neither disabled ones nor hooks are among them. */
const struct nodes *project_nodes(const struct project *p);
/* In the order in which they run, those of on-run-start first. */
const struct nodes *project_hooks(const struct project *p);
const char *project_name(const struct project *p);
const char *project_folder(const struct project *p);
const struct stream_source *project_streams(const struct project *p, size_t *n);
/* Appends the tables of sources that a yml declares, in no order. */
void project_sources(const struct project *p, struct source_tables *out);
/* By name, by id, or by path; NULL. */
const struct node *project_find(const struct project *p, const char *name);
/* "; did you mean 'orders'?" or "", in the project's arena. */
const char *project_nearest(struct project *p, const char *name);

/* One partition: of time, or by a key alone (then from and to are 0). */
struct compile_batch {
	const char *key; /* 2026-11-21, eu */
	int64_t from_us, to_us;
};
/* How a run went for one of its nodes, in dbt's words. */
struct node_result {
	const struct node *node;
	const char *
		status; /* "success", "partial success", "error", "skipped"; "pass", "warn", "fail" */
	const char *message; /* "" */
	double took_s;
	int64_t failures; /* of a test, of a hook; -1 */
	uint64_t rows;
	bool made; /* its relation, or a part of it */
};
VEC_TYPE(node_results, struct node_result);
/* For what run the SQL is; NULL where it is taken: for none, as if nothing was there yet. */
struct compile_options {
	/* ref() and source() give the rows of its time, where the parent has an event_time; of a test
	 * the tested table alone does. NULL: all of the model. */
	const struct compile_batch *batch;
	bool incremental;    /* the table is there, and it is no full refresh: is_incremental() */
	bool full_refresh;   /* flags.FULL_REFRESH */
	const char *command; /* flags.WHICH: "run"; NULL: "compile" */
	const struct node_results *results; /* what a hook of on-run-end is told; NULL: none */
	/* Gets where the SQL came from, by places in all of `out`; NULL: nobody asks. */
	struct origins *origins;

	/* Whom macros ask while they render (run_query, get_columns_in_relation ...), and for how
	 * long. NULL: nobody, and a macro that asks is an error. */
	struct engine *engine;
	/* Of a unit test the SQL of each fixture that it gives, which become CTEs. NULL: they are left out. */
	const char *const *inputs;
	bool *asks;                   /* set where nobody could be asked; or NULL */
	int64_t timeout_ms;           /* of one statement; 0: none */
	const atomic_bool *cancelled; /* or NULL */
};
/* Appends the SQL, with the ephemeral models that it stands on as CTEs. Not of a seed. What is wrong with the
 * project is ERROR_CONFIG; what the engine answered keeps its kind. */
MUST_CHECK bool project_compile(const struct project *p, const struct node *node,
	const struct compile_options *options, struct buf *out, struct error *err);
/* Appends what a text becomes as a template of the node: its hooks. */
MUST_CHECK bool project_render(const struct project *p, const struct node *node,
	const struct compile_options *options, const char *text, struct buf *out,
	struct error *err);

/* Appends what a text of a yml of the root becomes; `place` is "selectors.yml:3". */
MUST_CHECK bool project_render_text(const struct project *p, const char *place, const char *text,
	struct buf *out, struct error *err);

/* Can it be built as it is? Its SQL is rendered, with nobody asked, and its materialization known; what asks the
 * warehouse counts as possible. The error names the place of the first thing that is not. */
MUST_CHECK bool project_supports(
	const struct project *p, const struct node *node, struct error *err);

/* How partitions of a parent map to those of the node: as its configuration says, else the same
 * where the parent has an event_time, else all. */
struct partition_mapping node_mapping(const struct node *node, const struct node *parent);
struct partition_mapping node_source_mapping(
	const struct node *node, const struct source_table *parent);
static inline bool node_is_test(const struct node *node)
{
	return node->kind == NODE_TEST || node->kind == NODE_UNIT_TEST;
}
static inline bool node_is_partitioned(const struct node *node)
{
	return node->batch_size != PERIOD_NONE || node->partitions.n;
}
/* The partition of that key, which must outlive it. */
MUST_CHECK bool node_batch(
	const struct node *node, const char *key, struct compile_batch *out, struct error *err);
/* Where the setting was made, "models/orders.sql:3"; the node's path where nobody made it. */
const char *node_place(const struct node *node, const char *setting);

/* Appends what is known of a node as a JSON object, its SQL or its problem among it. */
MUST_CHECK bool project_describe(const struct project *p, const struct node *node,
	const struct compile_options *options, struct buf *out, bool *compiled, struct error *err);

const char *node_kind_name(enum node_kind kind);
const char *package_name(const struct package *package);

#endif
