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
	const char *vars;     /* YAML or JSON that goes before the vars of dbt_project.yml; NULL */
	bool incremental;     /* is_incremental() is true where a model is incremental */
	const struct stream_source *streams;
	size_t n_streams;
};

enum node_kind { NODE_MODEL, NODE_SEED, NODE_SNAPSHOT, NODE_TEST };
enum materialization {
	MATERIALIZED_VIEW,
	MATERIALIZED_TABLE,
	MATERIALIZED_INCREMENTAL,
	MATERIALIZED_EPHEMERAL,
	MATERIALIZED_OTHER, /* config's own word says which */
};

struct node;
VEC_TYPE(nodes, struct node *);

/* A table of a source. */
struct source_table {
	const char *source, *name;          /* as source() says them */
	const char *database, *table;       /* what it is in the warehouse */
	const struct stream_source *stream; /* NULL: none of ours */
	struct value meta;                  /* what the yml says of it: a dict, or absent */
};
VEC_TYPE(source_tables, struct source_table *);

struct package;
struct node {
	enum node_kind kind;
	const char *id;   /* "model.shop.orders" */
	const char *name; /* "orders" */
	const struct package *package;
	const char *
		path; /* "models/staging/orders.sql", below the project's folder; of a test from yml that yml */
	int line;               /* in it, of a test from yml and of a snapshot; 1 */
	const char *const *fqn; /* package, folders, name */
	size_t n_fqn;

	struct template *template;    /* NULL: a seed, or it could not be parsed */
	const struct macro *snapshot; /* the block; NULL */
	struct value arguments;       /* of a test from yml: the dict of its macro's arguments */

	struct dict *config;
	struct value
		properties; /* what the yml says: description, columns, meta; a dict, or absent */
	const char *database, *alias;
	enum materialization materialization;
	bool enabled;

	struct nodes parents;         /* by ref, each once */
	struct source_tables sources; /* by source, each once */
	const char *problem;          /* NULL: none; else why it cannot be compiled */
	int mark;                     /* of whoever walks the graph */
};

struct project;
/* NULL with an error. The strings of the options must outlive the project. */
struct project *project_load(const struct project_options *options, struct error *err);
void project_free(struct project *p);

/* Parents before children; disabled ones are not among them. */
const struct nodes *project_nodes(const struct project *p);
/* By name, by id, or by path; NULL. */
const struct node *project_find(const struct project *p, const char *name);
/* "; did you mean 'orders'?" or "", in the project's arena. */
const char *project_nearest(struct project *p, const char *name);

/* Appends the SQL, with the ephemeral models that it stands on as CTEs. Not of a seed. */
MUST_CHECK bool project_compile(
	const struct project *p, const struct node *node, struct buf *out, struct error *err);

/* Appends what is known of a node as a JSON object, its SQL or its problem among it. */
MUST_CHECK bool project_describe(const struct project *p, const struct node *node, struct buf *out,
	bool *compiled, struct error *err);

const char *node_kind_name(enum node_kind kind);
const char *package_name(const struct package *package);

#endif
