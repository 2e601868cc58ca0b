/*
 * A stream whose rows come from a log of changes has no tables to compare with; the database that the log was
 * written from has (verify_with). Its tables are found by name. The log may carry a column in another form
 * than the database has it: such columns are left out of the comparison, and named.
 */
#include "verify/compare.h"

VEC_TYPE(names, const char *);

/* Columns of the origin that the target has not, has in another type, or as a text of the log's own. */
static void find_misfits(const struct table *origin, const struct table *then, struct names *out)
{
	for (size_t i = 0; i < origin->n_columns; i++) {
		const struct table_column *c = &origin->columns[i];
		int at = table_column_by_name(then, c->name);
		if (at < 0 || then->columns[at].approximate ||
			!type_equal(&then->columns[at].type, &c->type))
			vec_push(out, c->name);
	}
}

/* The last rule wins: one for this table alone, which drops them. */
static void drop_columns(struct sides *s, const struct table *t, const struct names *columns)
{
	struct selection *all = &s->selection;
	const struct selection_rule *was = selection_match(all, t->schema, t->name);
	struct selection_rule rule = *was;
	struct selection_rule *rules = arena_alloc(&s->arena, (all->n_rules + 1) * sizeof *rules);

	rule.pattern = arena_printf(&s->arena, "%s.%s", t->schema, t->name);
	rule.columns = arena_alloc(
		&s->arena, (was->n_columns + columns->len) * sizeof *rule.columns);
	if (was->n_columns)
		memcpy(rule.columns, was->columns, was->n_columns * sizeof *rule.columns);
	vec_each (columns, name)
		rule.columns[rule.n_columns++] = (struct selection_column){
			arena_strdup(&s->arena, *name), {.kind = RULE_DROP}};
	memcpy(rules, all->rules, all->n_rules * sizeof *rules);
	rules[all->n_rules] = rule;
	all->rules = rules;
	all->n_rules++;
}

static const char *left_out_key(struct sides *s, const struct table *t)
{
	return arena_printf(&s->arena, "%s.%s", t->schema, t->name);
}

static void leave_out(struct sides *s, const struct table *t, const struct names *columns)
{
	const char *key = left_out_key(s, t), *list = origin_left_out(s, t);

	drop_columns(s, t, columns);
	vec_each (columns, name)
		list = arena_printf(&s->arena, "%s%s%s", list ? list : "", list ? ", " : "", *name);
	map_put(&s->left_out, key, strlen(key), (void *)(uintptr_t)list);
}

const char *origin_left_out(struct sides *s, const struct table *t)
{
	const char *key = left_out_key(s, t);

	return map_get(&s->left_out, key, strlen(key));
}

static bool same_key(const struct table *a, const struct table *b)
{
	for (size_t i = 0; i < a->n_key; i++) {
		int at = table_column_by_name(b, a->columns[a->key[i]].name);
		if (at < 0 || !b->columns[at].key)
			return false;
	}
	return a->n_key && a->n_key == b->n_key;
}

struct table *origin_table(const struct tables *tables, const struct table *stored)
{
	vec_each (tables, table) {
		const struct table *t = *table;
		if (!strcmp(t->schema, stored->schema) && !strcmp(t->name, stored->name))
			return *table;
	}
	return NULL;
}

bool origin_fit(struct sides *s, const struct table *origin, const struct table *stored,
	bool *again, struct error *err)
{
	struct names misfits = {0};
	const char *name = s->settings->verify_with->name;

	if (!origin)
		return error_set(err, ERROR_TABLE, "%s has no such table", name);
	if (origin->problem)
		return error_set(err, ERROR_TABLE, "%s", origin->problem);
	if (!same_key(origin, stored))
		return error_set(err, ERROR_TABLE,
			"rows cannot be told apart alike: its key in %s is not that of the topic",
			name);
	find_misfits(origin, stored, &misfits);
	*again = misfits.len > 0;
	if (*again)
		leave_out(s, origin, &misfits);
	vec_release(&misfits);
	return true;
}

struct table *origin_as_stored(
	const struct table *origin, const struct table *stored, struct arena *arena)
{
	struct table *t = arena_alloc(arena, sizeof *t);

	*t = *origin;
	t->columns = arena_alloc(arena, (t->n_columns + 1) * sizeof *t->columns);
	for (size_t i = 0; i < t->n_columns; i++) {
		int at = table_column_by_name(stored, origin->columns[i].name);
		t->columns[i] = origin->columns[i];
		t->columns[i].attribute = stored->columns[at].attribute;
	}
	return t;
}
