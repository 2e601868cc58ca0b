/* Tables and their references; see table.h. Their JSON is in table_json.c. */
#include "core/table.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

struct table *table_new(void)
{
	struct table *t = xcalloc(1, sizeof *t);

	t->references = 1;
	arena_init(&t->arena);
	return t;
}

struct table *table_ref(struct table *t)
{
	if (t)
		__atomic_add_fetch(&t->references, 1, __ATOMIC_RELAXED);
	return t;
}

void table_unref(struct table *t)
{
	if (!t || __atomic_sub_fetch(&t->references, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	arena_release(&t->arena);
	free(t);
}

const char *table_read_as(const struct table *t, struct arena *arena)
{
	return arena_printf(arena, "%s%s", t->target, t->keep == KEEP_HISTORY ? "_log" : "");
}

struct table *table_part(const struct table *t, const bool *wanted)
{
	struct table *part = table_new();

	part->stream = t->stream;
	part->source_id = t->source_id;
	part->schema = t->schema;
	part->name = t->name;
	part->target = t->target;
	part->keep = t->keep;
	part->options = t->options;
	part->columns = arena_alloc(&part->arena, t->n_columns * sizeof *part->columns);
	part->key = arena_alloc(&part->arena, t->n_key * sizeof *part->key);
	part->n_key = t->n_key;
	for (size_t i = 0; i < t->n_key; i++) {
		part->columns[i] = t->columns[t->key[i]];
		part->key[i] = (uint16_t)i;
	}
	part->n_columns = t->n_key;
	for (size_t c = 0; c < t->n_columns; c++)
		if (wanted[c] && !t->columns[c].key)
			part->columns[part->n_columns++] = t->columns[c];
	return part;
}

int table_column_by_attribute(const struct table *t, int attribute)
{
	for (size_t i = 0; i < t->n_columns; i++)
		if (t->columns[i].attribute == attribute)
			return (int)i;
	return -1;
}

int table_column_by_name(const struct table *t, const char *name)
{
	for (size_t i = 0; i < t->n_columns; i++)
		if (!strcmp(t->columns[i].name, name))
			return (int)i;
	return -1;
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static bool same_column(const struct table_column *a, const struct table_column *b)
{
	return a->attribute == b->attribute && !strcmp(a->name, b->name) &&
	       type_equal(&a->type, &b->type) && a->rule.kind == b->rule.kind &&
	       same_text(a->rule.constant, b->rule.constant);
}

const struct table_options *table_options_of(
	const struct table_options *options, bool key, struct table_options *own)
{
	if (!options || !key)
		return options;
	*own = *options;
	own->out_of_range = RANGE_UNREPRESENTABLE;
	if (own->numeric == NUMERIC_FLOAT)
		own->numeric = NUMERIC_STRING;
	return own;
}

bool table_same_configuration(const struct table *a, const struct table *b)
{
	return !a->configured || !b->configured || !strcmp(a->configured, b->configured);
}

bool table_same_key(const struct table *a, const struct table *b)
{
	bool same = a->n_key == b->n_key;

	for (size_t i = 0; same && i < a->n_key; i++)
		same = a->columns[a->key[i]].attribute == b->columns[b->key[i]].attribute;
	return same;
}

bool table_same_definition(const struct table *a, const struct table *b)
{
	if (!table_same_configuration(a, b) || a->n_columns != b->n_columns || a->n_key != b->n_key)
		return false;
	for (size_t i = 0; i < a->n_columns; i++)
		if (!same_column(&a->columns[i], &b->columns[i]))
			return false;
	return !a->n_key || !memcmp(a->key, b->key, a->n_key * sizeof *a->key);
}
