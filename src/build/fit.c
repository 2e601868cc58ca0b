/*
 * The columns that a model gives now, and those of the table that it adds to: on_schema_change, as in dbt. A value that
 * the table's type cannot hold is an error, never another value.
 */
#include "build/making.h"

#include <strings.h>

enum on_change { CHANGE_IGNORE, CHANGE_APPEND, CHANGE_FAIL, CHANGE_SYNC };
static const char *const choices[] = {[CHANGE_IGNORE] = "ignore",
	[CHANGE_APPEND] = "append_new_columns",
	[CHANGE_FAIL] = "fail",
	[CHANGE_SYNC] = "sync_all_columns",
	NULL};

struct fit {
	struct making *m;
	enum on_change change;
	struct relation_name table;
	struct engine_columns is, was; /* of the model, of the table */
};

static bool read_choice(const struct making *m, enum on_change *out, struct error *err)
{
	const char *text = config_text(m, "on_schema_change");

	/* A snapshot takes new columns and keeps those that are gone, its own among them. */
	*out = m->w->node->kind == NODE_SNAPSHOT ? CHANGE_APPEND : CHANGE_IGNORE;
	if (m->w->node->kind == NODE_SNAPSHOT)
		return true;
	for (int i = 0; text && choices[i]; i++)
		if (!strcmp(text, choices[i])) {
			*out = (enum on_change)i;
			return true;
		}
	return !text ||
	       config_wrong(m, "on_schema_change", err,
		       "'%s' is none of ignore, append_new_columns, fail, sync_all_columns", text);
}

/* `also`: what else than sync_all_columns would take it, with " or " behind it. */
static bool refuse(const struct fit *f, struct error *err, const char *what, const char *column,
	const char *also)
{
	return config_wrong(f->m, "on_schema_change", err,
		"%s '%s'; on_schema_change is %s: set it to %ssync_all_columns, or build "
		"with --full-refresh",
		what, column, choices[f->change], also);
}

/* A column that the model has and the table has not. */
static bool add(struct fit *f, const struct engine_column *c, struct error *err)
{
	if (f->change == CHANGE_FAIL)
		return refuse(
			f, err, "the model gives a new column", c->name, "append_new_columns or ");
	if (f->change == CHANGE_IGNORE)
		return true;
	f->m->d->add_column(&f->m->sql, f->table, c);
	return making_run(f->m, err);
}

static bool change(struct fit *f, const struct engine_column *c, struct error *err)
{
	if (f->change == CHANGE_FAIL)
		return refuse(f, err, "the model gives another type of column", c->name,
			"append_new_columns or ");
	if (f->change != CHANGE_SYNC)
		return true;
	f->m->d->change_column(&f->m->sql, f->table, c);
	return making_run(f->m, err);
}

/* What it would hold in the new rows nobody knows. */
static bool remove_column(struct fit *f, const struct engine_column *c, struct error *err)
{
	if (f->m->w->node->kind == NODE_SNAPSHOT)
		return true;
	if (f->change != CHANGE_SYNC)
		return refuse(f, err, "the model no longer gives the column", c->name, "");
	f->m->d->drop_column(&f->m->sql, f->table, c->name);
	return making_run(f->m, err);
}

static bool follow(struct fit *f, struct error *err)
{
	for (size_t i = 0; i < f->is.len; i++) {
		const struct engine_column *c = &f->is.items[i],
					   *old = engine_column_named(&f->was, c->name);
		if (!old ? !add(f, c, err) : strcmp(old->type, c->type) && !change(f, c, err))
			return false;
	}
	for (size_t i = 0; i < f->was.len; i++)
		if (!engine_column_named(&f->is, f->was.items[i].name) &&
			!remove_column(f, &f->was.items[i], err))
			return false;
	return true;
}

/* The columns that are inserted, and whether the model gives just these. */
static bool select_fits(const struct fit *f, struct engine_columns *out)
{
	bool fits = true;

	out->items = arena_alloc(f->m->w->arena, (f->is.len + 1) * sizeof *out->items);
	out->len = 0;
	for (size_t i = 0; i < f->is.len; i++) {
		const struct engine_column *c = &f->is.items[i],
					   *old = engine_column_named(&f->was, c->name);
		bool left_out = !old && f->change == CHANGE_IGNORE;
		if (!left_out)
			out->items[out->len++] = *c;
		fits = fits && !left_out &&
		       (!old || f->change == CHANGE_SYNC || !strcmp(old->type, c->type));
	}
	return fits;
}

static const char *cast_select(const struct fit *f, const struct engine_columns *columns)
{
	const struct dialect *d = f->m->d;
	struct buf sql;

	buf_init(&sql, BUF_MAX);
	buf_puts(&sql, "SELECT ");
	for (size_t i = 0; i < columns->len; i++) {
		const char *name = columns->items[i].name;
		const struct engine_column *old = engine_column_named(&f->was, name);
		buf_puts(&sql, i ? ", " : "");
		if (old && strcmp(old->type, columns->items[i].type) != 0) {
			d->exact_cast(&sql, name, old->type);
			buf_puts(&sql, " AS ");
		}
		d->name(&sql, name);
	}
	buf_printf(&sql, " FROM (\n%s\n)", f->m->w->select);
	const char *kept = arena_strdup(f->m->w->arena, buf_text(&sql));
	buf_release(&sql);
	return kept;
}

bool making_fit(
	struct making *m, struct relation_name table, struct fitting *out, struct error *err)
{
	struct fit f = {.m = m, .table = table};
	struct work *w = m->w;

	if (!read_choice(m, &f.change, err) || !making_describe(m, w->select, &f.is, err) ||
		!w->engine->ops->columns(w->engine, table, w->arena, &f.was, err) ||
		!follow(&f, err))
		return false;
	out->table = f.was;
	out->select = select_fits(&f, &out->columns) ? w->select : cast_select(&f, &out->columns);
	return true;
}
