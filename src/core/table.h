/*
 * A mirrored table: its definition in the source joined with what the configuration says of it.
 * Immutable and counted: a batch in flight keeps the definition it was decoded with. A change of
 * the schema is a new struct table for the same source_id.
 */
#ifndef CORE_TABLE_H
#define CORE_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#include "base/arena.h"
#include "core/type.h"
#include "core/version.h"

enum keep { KEEP_LATEST, KEEP_HISTORY, KEEP_BOTH };
enum unrepresentable { UNREPRESENTABLE_SET_ASIDE, UNREPRESENTABLE_NULL, UNREPRESENTABLE_STOP };
enum rule_kind { RULE_NONE, RULE_DROP, RULE_HASH, RULE_HMAC, RULE_MASK, RULE_NULL, RULE_CONSTANT };

/* What is done to a column on its way. Rules that give text (hash, hmac, mask, constant) make the
 * column a nullable-as-before STRING: the source decodes it to its text form, the pipeline applies
 * the rule. */
struct column_rule {
	enum rule_kind kind;
	const char *constant; /* RULE_CONSTANT */
};

struct table_column {
	const char *name;
	struct type type; /* as it is carried, after options and rules */
	/* PostgreSQL's attnum or what else identifies it through renames; > 0 */
	int attribute;
	/* "numeric(10,2)": for people, for `check`, and to see a change of type */
	const char *source_type;
	struct column_rule rule;
	bool key; /* part of the replica identity that we key by */
	/* JSON text of the value that rows from before ADD COLUMN have, empty where it cannot be said so; or NULL */
	const char *missing;
	/* no row of the source is without a value: what is stored without one is from before `missing` was told. Not
	 * kept by table_to_json() */
	bool filled;
	/* carried in the source's text form for want of a type; `check` says so */
	bool approximate;
	/* What sinks that speak of the source's own types look at; NULL where it is not so. */
	const struct type *json_of; /* a nullable array, map or point: carried as its JSON text */
	const char *base_type;      /* of a domain: "numeric(10,2)" */
	const char *labels;         /* of an enum, or an array of one: "sad,happy" */
	const char *default_sql;    /* "now()", "'x'::text" */
};

/* Per-table settings, from the configuration; see core/selection.h for the option table. */
struct table_options {
	int keep;            /* enum keep */
	int unrepresentable; /* enum unrepresentable */
	const char *as;      /* name in the target; NULL: from the source's */
	/* a permutation of the key's columns, comma-separated; NULL: the key's order */
	const char *order_by;
	const char *partition_by; /* an expression of the target, over key columns; NULL: none */
	const char *settings;     /* engine settings of the target, "name=value, ..." */
	const char *where;        /* row filter; see core/filter.h for the language */
	int numeric;              /* unbounded numeric: enum numeric_mode */
	int json;                 /* enum json_mode */
	int out_of_range;         /* infinity and far dates: enum out_of_range */
	/* a NULL array, map or point becomes an empty one rather than JSON text */
	bool null_is_empty;
	/* of sources whose rows may tell neither; NULL: they do */
	const char *key;    /* names of columns, comma-separated */
	const char *fields; /* "id int64, name nullable(string)" */
};
enum numeric_mode { NUMERIC_STRING, NUMERIC_DECIMAL, NUMERIC_FLOAT };
enum json_mode { JSON_TEXT, JSON_NATIVE };
enum out_of_range { RANGE_UNREPRESENTABLE, RANGE_CLAMP };

/* What of the options holds for a column: of the key nothing that could make one key of two. `own` is memory
 * for the answer, which may be `options` itself; NULL stays NULL. */
const struct table_options *table_options_of(
	const struct table_options *options, bool key, struct table_options *own);

struct table {
	int references;     /* atomic */
	struct arena arena; /* owns everything below */
	const char *stream;
	uint64_t source_id;        /* PostgreSQL: oid of the (root) table */
	const char *schema, *name; /* in the source */
	const char *target;        /* name in the target: "orders", "sales_orders", or `as` */
	struct table_column *columns;
	size_t n_columns;
	uint16_t *key;  /* indexes into columns, in the order of the identity */
	size_t n_key;   /* 0: no usable key; kept as history */
	enum keep keep; /* options->keep, KEEP_HISTORY where there is no key */
	const struct table_options *options; /* outlives the table: the configuration's */
	/* What `options` say of which rows there are and how they are laid out, as text to compare;
	 * NULL: not known */
	const char *configured;
	/* What makes copied rows stale when it changes without logical records: relfilenodes of
	 * every leaf and enum labels, in the source's own form; the source compares it
	 * (same_physical). */
	const char *physical;
	uint64_t rows_estimate, bytes_estimate;
	/* Of a log that several processes read into one target: how late in it the definition was told. One that was told
	 * earlier takes nothing back of what a later one brought. 0: not said. Not kept by table_to_json() */
	version_t told;
	/* why it cannot be mirrored as asked, and what mends it; NULL: nothing */
	const char *problem;
	/* why the source's log has no updates and deletes of it, and what mends that; NULL: it has */
	const char *inserts_only;
};

struct table *table_new(void); /* one reference, arena ready, the rest zero */
struct table *table_ref(struct table *t);
void table_unref(struct table *t);

/* Behind the name of a target's database: that of the storages, which its views show. */
#define TABLE_STORAGES "_cdc"

/* What people read of it in a target of tables: `target`, or where history alone is kept `target`_log. */
const char *table_read_as(const struct table *, struct arena *);

/* For lookups: a table of its key, in the order of the identity, and behind it of the other columns that are wanted
 * (one a column). Its texts are those of `t`, which it must not outlive. */
struct table *table_part(const struct table *t, const bool *wanted);

/* Index of the column with that attribute or name; -1 when there is none. */
int table_column_by_attribute(const struct table *t, int attribute);
int table_column_by_name(const struct table *t, const char *name);

/* Same columns (attribute, name, type, rule), same key, configured alike as far as both know.
 * `physical` and estimates are not looked at. */
bool table_same_definition(const struct table *a, const struct table *b);
bool table_same_configuration(const struct table *a, const struct table *b);
/* Do the same columns, by attribute and in the same order, tell rows apart? */
bool table_same_key(const struct table *a, const struct table *b);

/* The definition as JSON and back, for the state store; options and stream are given by the
 * caller. */
struct buf;
struct error;
void table_to_json(const struct table *t, struct buf *out);
struct table *table_from_json(const char *json, const char *stream,
	const struct table_options *options, struct error *err);

#endif
