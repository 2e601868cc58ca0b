/*
 * Which tables of a source a stream takes, and how: the `tables:` of a stream. Patterns are globs
 * over "schema.table" (* and ?), a leading ! excludes, the last match wins; a pattern may carry
 * table options and column rules.
 */
#ifndef CORE_SELECTION_H
#define CORE_SELECTION_H

#include "core/option.h"
#include "core/table.h"

struct selection_column {
	const char *name;
	struct column_rule rule;
};

struct selection_rule {
	const char *pattern; /* without the ! */
	bool exclude;
	struct table_options options;
	struct selection_column *columns;
	size_t n_columns;
	int line; /* in the configuration, for messages */
};

struct selection {
	const char *stream; /* name of the stream */
	const char *target_database;
	struct selection_rule *rules;
	size_t n_rules;
};

extern const struct option table_option_table[]; /* of struct table_options */

/* * and ? as in patterns of tables. */
bool glob_matches(const char *pattern, const char *text);

/* The rule that takes "schema.name", or NULL when none does. */
const struct selection_rule *selection_match(
	const struct selection *, const char *schema, const char *name);
struct column_rule selection_column_rule(const struct selection_rule *, const char *column);

/* Fills target, keep and options of a table whose schema, name, columns and key are set, applies
 * the rules of the columns to their types, and sets `problem` where a rule cannot be (a masked key
 * column, order_by that is no permutation of the key, an unknown column in `columns`, columns
 * _version or _deleted). */
void selection_apply(const struct selection *, const struct selection_rule *, struct table *);

/* The key's columns as the target sorts by them: order_by of the table's options, or the identity's
 * order. `out` holds t->n_key indexes into t->columns. */
void selection_sort_key(const struct table *t, uint16_t *out);

/* Problems between tables: two that would share a name in the target ("orders_log" of a history and
 * a table of that name among them). Sets `problem` of the later one. */
void selection_collisions(struct table *const *tables, size_t n);

#endif
