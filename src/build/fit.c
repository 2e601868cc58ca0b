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

static const char *way_out(const struct fit *f)
{
	if (f->m->w->node->kind == NODE_SNAPSHOT)
		return "cast it in the query, or change the column of the table";
	return f->change == CHANGE_SYNC ? "cast it in the model, or build with --full-refresh"
					: "set on_schema_change to sync_all_columns, cast it in "
					  "the model, or build with --full-refresh";
}

/* Changes the table, whose rows may not bear it. */
static bool alter(struct fit *f, const char *column, const char *what, struct error *err)
{
	if (making_run(f->m, err))
		return true;
	if (err->kind != ERROR_TABLE)
		return false;
	const char *why = arena_strdup(f->m->w->arena, err->text);
	return config_wrong(f->m, "on_schema_change", err,
		"the column '%s' of %s.%s cannot be %s: %s\n  %s", column, f->m->target.database,
		f->m->target.name, what, way_out(f), why);
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
	return alter(f, c->name, "added", err);
}

static bool change(struct fit *f, const struct engine_column *old, const struct engine_column *c,
	struct error *err)
{
	const struct dialect *d = f->m->d;
	struct buf *sql = &f->m->sql;

	if (f->change == CHANGE_FAIL)
		return refuse(f, err, "the model gives another type of column", c->name,
			"append_new_columns or ");
	if (f->change != CHANGE_SYNC)
		return true;
	const struct engine_column wide = {
		.name = c->name, .type = d->wider_type(f->m->w->arena, old->type, c->type)};
	if (!strcmp(wide.type, old->type))
		return true;
	/* The engine would wrap numbers that are too great. */
	buf_puts(sql, "SELECT any(");
	d->exact_cast(sql, old, wide.type);
	buf_puts(sql, ") FROM ");
	d->relation(sql, f->table);
	const char *what = arena_printf(f->m->w->arena, "changed to %s", wide.type);
	if (!alter(f, c->name, what, err))
		return false;
	d->change_column(sql, f->table, &wide);
	return alter(f, c->name, what, err);
}

/* What it would hold in the new rows nobody knows. */
static bool remove_column(struct fit *f, const struct engine_column *c, struct error *err)
{
	if (f->m->w->node->kind == NODE_SNAPSHOT)
		return true;
	if (f->change != CHANGE_SYNC)
		return refuse(f, err, "the model no longer gives the column", c->name, "");
	f->m->d->drop_column(&f->m->sql, f->table, c->name);
	return alter(f, c->name, "dropped", err);
}

static bool follow(struct fit *f, struct error *err)
{
	for (size_t i = 0; i < f->is.len; i++) {
		const struct engine_column *c = &f->is.items[i],
					   *old = engine_column_named(&f->was, c->name);
		if (!old ? !add(f, c, err) : strcmp(old->type, c->type) && !change(f, old, c, err))
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
		if (old && f->change != CHANGE_SYNC && strcmp(old->type, columns->items[i].type)) {
			d->exact_cast(&sql, &columns->items[i], old->type);
			buf_puts(&sql, " AS ");
			f->m->casts = arena_printf(f->m->w->arena,
				"the column '%s' of %s.%s is %s, and %s in the model: where it "
				"does not hold what comes, %s",
				name, f->m->target.database, f->m->target.name, old->type,
				columns->items[i].type, way_out(f));
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
