/*
 * What is said of a model's columns: the contract that its query is held to, descriptions that become comments; and
 * what stands beside the columns of its table: indexes, projections, checks.
 */
#include "build/making.h"
#include "models/template/value.h"

static struct value property(const struct making *m, const char *key)
{
	return value_member(m->w->node->properties, key);
}

/* A key of a map, as text; NULL: it has none. */
static const char *text_in(const struct making *m, struct value map, const char *key)
{
	struct value v = value_member(map, key);
	return v.kind == VALUE_STRING && v.len ? value_strdup(m->w->arena, v) : NULL;
}

static bool is_on(struct value map, const char *key)
{
	return value_truth(value_member(map, key));
}

/* The items of a list of maps; of anything else none. */
static struct list maps_of(struct value v)
{
	return v.kind == VALUE_LIST ? *v.list : (struct list){0};
}

/* What the yml says of the column: an empty value where it says nothing. */
static struct value said_of(const struct making *m, const char *column)
{
	struct list columns = maps_of(property(m, "columns"));

	for (size_t i = 0; i < columns.len; i++) {
		const char *name = text_in(m, columns.items[i], "name");
		if (name && !strcmp(name, column))
			return columns.items[i];
	}
	return (struct value){0};
}

/* --- the contract --- */

static bool has_contract(const struct making *m)
{
	return is_on(config_value(m, "contract"), "enforced");
}

/* Types are written with spaces or without. */
static bool same_type(const char *a, const char *b)
{
	for (;; a++, b++) {
		a += strspn(a, " ");
		b += strspn(b, " ");
		if (*a != *b || !*a)
			return *a == *b;
	}
}

static bool keeps_column(const struct making *m, const struct engine_columns *given,
	struct value said, struct error *err)
{
	const char *name = text_in(m, said, "name"), *type = text_in(m, said, "data_type");
	const struct engine_column *column = name ? engine_column_named(given, name) : NULL;

	if (!name || !type)
		return config_wrong(m, "contract", err,
			"an enforced contract needs the data_type of each column in the yml; '%s' "
			"has none",
			name ? name : "a column without a name");
	if (!column)
		return config_wrong(m, "contract", err,
			"the contract has a column '%s', which the model does not give", name);
	return same_type(column->type, type) ||
	       config_wrong(m, "contract", err,
		       "the contract says that column '%s' is %s, the model gives %s: cast it, or "
		       "change its data_type",
		       name, type, column->type);
}

bool making_contract(struct making *m, struct error *err)
{
	struct list said = maps_of(property(m, "columns"));
	struct engine_columns given;
	struct buf sql;

	if (!has_contract(m))
		return true;
	if (!making_describe(m, m->w->select, &given, err))
		return false;
	for (size_t i = 0; i < said.len; i++)
		if (!keeps_column(m, &given, said.items[i], err))
			return false;
	for (size_t i = 0; i < given.len; i++)
		if (said_of(m, given.items[i].name).kind != VALUE_DICT)
			return config_wrong(m, "contract", err,
				"the model gives a column '%s', which the contract does not have",
				given.items[i].name);
	buf_init(&sql, BUF_MAX);
	for (size_t i = 0; i < said.len; i++) {
		buf_puts(&sql, i ? ", " : "SELECT ");
		m->d->name(&sql, text_in(m, said.items[i], "name"));
	}
	buf_printf(&sql, "\nFROM (\n%s\n)", m->w->select);
	m->w->select = arena_strdup(m->w->arena, buf_text(&sql));
	buf_release(&sql);
	return true;
}

/* --- beside the columns --- */

struct parts {
	const struct making *m;
	struct table_spec *spec;
	struct table_part *items;
};

static bool add_part(struct parts *p, const char *key, enum table_part_kind kind, const char *name,
	const char *definition, struct error *err)
{
	if (!name || !definition)
		return config_wrong(p->m, key, err, "each of '%s' takes a name and a %s", key,
			kind == PART_INDEX        ? "definition"
			: kind == PART_PROJECTION ? "query"
						  : "expression");
	p->items[p->spec->n_parts++] = (struct table_part){kind, name, definition};
	return true;
}

static bool add_parts(struct parts *p, const char *key, enum table_part_kind kind,
	const char *definition, struct error *err)
{
	struct list list = maps_of(config_value(p->m, key));

	for (size_t i = 0; i < list.len; i++)
		if (!add_part(p, key, kind, text_in(p->m, list.items[i], "name"),
			    text_in(p->m, list.items[i], definition), err))
			return false;
	return true;
}

static bool add_checks(struct parts *p, struct value constraints, struct error *err)
{
	struct list list = maps_of(constraints);

	for (size_t i = 0; i < list.len; i++) {
		const char *type = text_in(p->m, list.items[i], "type");
		if (type && !strcmp(type, "check") &&
			!add_part(p, "constraints", PART_CHECK,
				text_in(p->m, list.items[i], "name"),
				text_in(p->m, list.items[i], "expression"), err))
			return false;
	}
	return true;
}

bool config_parts(const struct making *m, struct table_spec *spec, struct error *err)
{
	static const char *const keys[] = {"indexes", "projections"};
	size_t most = maps_of(property(m, "constraints")).len + 1;
	struct parts p = {.m = m, .spec = spec};

	for (size_t i = 0; i < COUNT_OF(keys); i++)
		most += maps_of(config_value(m, keys[i])).len;
	spec->parts = p.items = arena_alloc(m->w->arena, most * sizeof *p.items);
	return add_parts(&p, "indexes", PART_INDEX, "definition", err) &&
	       add_parts(&p, "projections", PART_PROJECTION, "query", err) &&
	       (!has_contract(m) || add_checks(&p, property(m, "constraints"), err));
}

/* --- the columns of a table or view --- */

/* "CODEC(ZSTD(3)) TTL day + INTERVAL 1 YEAR"; NULL. */
static const char *storage_of(const struct making *m, struct value said)
{
	const char *codec = text_in(m, said, "codec"), *ttl = text_in(m, said, "ttl");

	if (!codec && !ttl)
		return NULL;
	return arena_printf(m->w->arena, "%s%s%s%s%s", codec ? "CODEC(" : "", codec ? codec : "",
		codec ? ")" : "", ttl ? " TTL " : "", ttl ? ttl : "");
}

void making_comments(const struct making *m, struct engine_columns *columns)
{
	bool described = is_on(config_value(m, "persist_docs"), "columns");

	for (size_t i = 0; i < columns->len; i++) {
		struct value said = said_of(m, columns->items[i].name);
		columns->items[i].comment = described ? text_in(m, said, "description") : NULL;
		columns->items[i].storage = storage_of(m, said);
	}
}

bool making_columns(struct making *m, const char *select, bool wanted,
	const struct engine_columns **out, struct error *err)
{
	struct list columns = maps_of(property(m, "columns"));

	wanted |= is_on(config_value(m, "persist_docs"), "columns") && columns.len;
	for (size_t i = 0; i < columns.len; i++)
		wanted |= storage_of(m, columns.items[i]) != NULL;
	*out = NULL;
	if (!wanted)
		return true;
	struct engine_columns *all = arena_alloc(m->w->arena, sizeof *all);
	if (!making_describe(m, select, all, err))
		return false;
	making_comments(m, all);
	*out = all;
	return true;
}

bool making_create(struct making *m, struct relation_name name, const struct table_spec *spec,
	const char *select, struct error *err)
{
	const struct engine_columns *columns;
	uint64_t none;

	if (!making_columns(m, select, spec->n_parts, &columns, err))
		return false;
	m->d->create_table(&m->sql, name, spec, columns, select);
	return making_fill(m, &none, err);
}
