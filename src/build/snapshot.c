/*
 * Snapshots. What the query gives now is taken into a table of its own, so that all that follows sees the same rows;
 * then, on a clone of the snapshot, versions that have changed or gone are closed, and new ones added; then both are
 * exchanged. Where nothing has changed nothing is.
 *
 * `s` is a row of now, `c` the current version of its key.
 */
#include "build/snapshot.h"

#include <inttypes.h>
#include <stdlib.h>

struct taking {
	struct snapshot s;
	struct making *m;
	struct relation_name rows, staging;
	struct engine_columns columns; /* that the query gives */
	struct engine_columns had;     /* of the snapshot until now */
	int64_t n_new, n_changed, n_gone;
};

/* --- pieces of SQL --- */

static void put(struct taking *t, const char *text)
{
	buf_puts(&t->m->sql, text);
}

/* `s`.`name` */
static void put_of(struct taking *t, const char *of, const char *name)
{
	buf_printf(&t->m->sql, "%s.", of);
	t->m->d->name(&t->m->sql, name);
}

static void put_keys(struct taking *t, const char *of)
{
	for (size_t i = 0; i < t->s.keys.n; i++) {
		put(t, i ? ", " : "");
		if (of)
			put_of(t, of, t->s.keys.items[i]);
		else
			t->m->d->name(&t->m->sql, t->s.keys.items[i]);
	}
}

/* The rows of now, as s. */
static void put_rows(struct taking *t)
{
	t->m->d->relation(&t->m->sql, t->rows);
	put(t, " AS s");
}

/* The current versions, as c; `present` is true in each. */
static void put_current(struct taking *t)
{
	put(t, "(SELECT *, true AS present__ FROM ");
	t->m->d->relation(&t->m->sql, t->m->target);
	put(t, " WHERE ");
	t->m->d->name(&t->m->sql, t->s.names.current);
	put(t, ") AS c");
}

static void put_on_keys(struct taking *t)
{
	put(t, " ON ");
	for (size_t i = 0; i < t->s.keys.n; i++) {
		put(t, i ? " AND " : "");
		put_of(t, "s", t->s.keys.items[i]);
		put(t, " = ");
		put_of(t, "c", t->s.keys.items[i]);
	}
}

/* When the version of s begins. */
static void put_from(struct taking *t)
{
	if (t->s.updated_at)
		put_of(t, "s", t->s.updated_at);
	else
		put(t, t->s.now);
}

/* Is s another version than c? A column that the snapshot does not have yet makes every row one, as in dbt. */
static void put_differs(struct taking *t)
{
	size_t n = t->s.checked.n ? t->s.checked.n : t->columns.len;
	bool any = false;

	if (t->s.strategy == SNAPSHOT_TIMESTAMP) {
		put_of(t, "c", t->s.names.from);
		put(t, " < ");
		put_of(t, "s", t->s.updated_at);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		const char *name = t->s.checked.n ? t->s.checked.items[i]
						  : t->columns.items[i].name;
		put(t, any ? " OR " : "");
		any = true;
		if (!engine_column_named(&t->had, name)) {
			put(t, "true");
			continue;
		}
		put_of(t, "s", name);
		put(t, " IS DISTINCT FROM ");
		put_of(t, "c", name);
	}
}

static void put_changed(struct taking *t)
{
	put(t, "(");
	put_differs(t);
	if (t->s.names.deleted) {
		put(t, " OR ");
		put_of(t, "c", t->s.names.deleted);
	}
	put(t, ")");
}

/* Is the key of the version c (NULL: of a row without a name) gone? */
static void put_gone(struct taking *t, const char *of)
{
	put(t, "((");
	put_keys(t, of);
	put(t, ") NOT IN (SELECT ");
	put_keys(t, NULL);
	put(t, " FROM ");
	t->m->d->relation(&t->m->sql, t->rows);
	put(t, ")");
	if (t->s.names.deleted) {
		put(t, " AND NOT ");
		if (of)
			put_of(t, of, t->s.names.deleted);
		else
			t->m->d->name(&t->m->sql, t->s.names.deleted);
	}
	put(t, ")");
}

/* --- what has changed --- */

static bool ask_counts(struct taking *t, int64_t *a, int64_t *b, struct error *err)
{
	struct engine_rows rows;
	bool ok = work_query(t->m->w, buf_text(&t->m->sql), &rows, err);

	buf_clear(&t->m->sql);
	if (ok) {
		*a = rows.cells[0] ? strtoll(rows.cells[0], NULL, 10) : 0;
		*b = rows.n_columns > 1 && rows.cells[1] ? strtoll(rows.cells[1], NULL, 10) : 0;
	}
	return ok;
}

static bool count_changes(struct taking *t, struct error *err)
{
	int64_t unused;

	put(t, "SELECT sum(CASE WHEN c.present__ THEN 0 ELSE 1 END), sum(CASE WHEN c.present__ "
	       "AND ");
	put_changed(t);
	put(t, " THEN 1 ELSE 0 END)\nFROM ");
	put_rows(t);
	put(t, " LEFT JOIN ");
	put_current(t);
	put_on_keys(t);
	if (!ask_counts(t, &t->n_new, &t->n_changed, err))
		return false;
	if (t->s.deletes == DELETES_IGNORE)
		return true;
	put(t, "SELECT count(*) FROM ");
	put_current(t);
	put(t, " WHERE ");
	put_gone(t, "c");
	return ask_counts(t, &t->n_gone, &unused, err);
}

/* A key that two rows have, or none, has no version. */
static bool check_keys(struct taking *t, struct error *err)
{
	struct engine_rows rows;

	put(t, "SELECT ");
	put_keys(t, NULL);
	put(t, ", count(*) FROM ");
	t->m->d->relation(&t->m->sql, t->rows);
	put(t, "\nGROUP BY ");
	put_keys(t, NULL);
	put(t, " HAVING count(*) > 1");
	for (size_t i = 0; i < t->s.keys.n; i++) {
		put(t, " OR ");
		t->m->d->name(&t->m->sql, t->s.keys.items[i]);
		put(t, " IS NULL");
	}
	put(t, " LIMIT 1");
	bool ok = work_query(t->m->w, buf_text(&t->m->sql), &rows, err);
	buf_clear(&t->m->sql);
	if (!ok || !rows.n_rows)
		return ok;
	return config_wrong(t->m, "unique_key", err,
		"%s rows of the query have one unique_key, or it is NULL; a version must belong to "
		"one row",
		rows.cells[t->s.keys.n]);
}

/* --- writing versions --- */

/* A version, by the row it is taken from: SQL of our columns, NULL where they are that row's. */
struct version {
	const char *of; /* "s", "c" */
	const char *from, *to;
	bool current;
	const char *deleted;
};

/* "INSERT INTO staging (...) SELECT ...", up to FROM. Of a closed version every column of the snapshot; of a row those
 * that the query gives, and ours. */
static void put_insert(
	struct taking *t, const struct version *v, const struct engine_columns *plain)
{
	const struct snapshot_names *n = &t->s.names;
	const char *const ours[] = {n->from, n->to, n->current, n->deleted};
	const char *const values[] = {v->from, v->to, v->current ? "true" : "false", v->deleted};

	put(t, "INSERT INTO ");
	t->m->d->relation(&t->m->sql, t->staging);
	for (int names = 1; names >= 0; names--) {
		put(t, names ? " (" : ")\nSELECT ");
		for (size_t i = 0; i < plain->len; i++) {
			if (names)
				t->m->d->name(&t->m->sql, plain->items[i].name);
			else
				put_of(t, v->of, plain->items[i].name);
			put(t, ", ");
		}
		for (size_t i = 0; i < COUNT_OF(ours) && ours[i]; i++) {
			put(t, i ? ", " : "");
			if (names)
				t->m->d->name(&t->m->sql, ours[i]);
			else if (values[i])
				put(t, values[i]);
			else
				put_of(t, v->of, ours[i]);
		}
	}
	put(t, "\nFROM ");
}

/* Columns of the snapshot that are not ours. */
static struct engine_columns kept_columns(const struct taking *t)
{
	const struct snapshot_names *n = &t->s.names;
	struct engine_columns out = {
		arena_alloc(t->m->w->arena, (t->had.len + 1) * sizeof *out.items), 0};

	for (size_t i = 0; i < t->had.len; i++) {
		const char *name = t->had.items[i].name;
		bool ours = !strcmp(name, n->from) || !strcmp(name, n->to) ||
			    !strcmp(name, n->current) || (n->deleted && !strcmp(name, n->deleted));
		if (!ours)
			out.items[out.len++] = t->had.items[i];
	}
	return out;
}

static const char *text_from(struct taking *t)
{
	if (!t->s.updated_at)
		return t->s.now;
	struct buf out;
	buf_init(&out, BUF_MAX);
	buf_puts(&out, "s.");
	t->m->d->name(&out, t->s.updated_at);
	const char *kept = arena_strdup(t->m->w->arena, buf_text(&out));
	buf_release(&out);
	return kept;
}

/* Versions that end: of keys whose row has changed, or is gone. */
static bool close_versions(struct taking *t, struct error *err)
{
	struct engine_columns kept = kept_columns(t);
	const struct version changed = {.of = "c", .to = text_from(t)},
			     gone = {.of = "c", .to = t->s.now};

	if (t->n_changed) {
		put_insert(t, &changed, &kept);
		put_current(t);
		put(t, " JOIN ");
		put_rows(t);
		put_on_keys(t);
		put(t, " WHERE ");
		put_changed(t);
		if (!making_run(t->m, err))
			return false;
	}
	if (!t->n_gone)
		return true;
	put_insert(t, &gone, &kept);
	put_current(t);
	put(t, " WHERE ");
	put_gone(t, "c");
	return making_run(t->m, err);
}

/* The versions that close_versions() writes again, from the clone. */
static bool remove_versions(struct taking *t, struct error *err)
{
	put(t, "DELETE FROM ");
	t->m->d->relation(&t->m->sql, t->staging);
	put(t, " WHERE ");
	t->m->d->name(&t->m->sql, t->s.names.current);
	put(t, " AND ((");
	put_keys(t, NULL);
	put(t, ") IN (SELECT ");
	put_keys(t, "s");
	put(t, " FROM ");
	put_rows(t);
	put(t, " JOIN ");
	put_current(t);
	put_on_keys(t);
	put(t, " WHERE ");
	put_changed(t);
	put(t, ")");
	if (t->n_gone) {
		put(t, " OR ");
		put_gone(t, NULL);
	}
	put(t, ")");
	return making_run(t->m, err);
}

static bool add_versions(struct taking *t, struct error *err)
{
	const struct version fresh = {.of = "s",
		.from = text_from(t),
		.to = t->s.current_to,
		.current = true,
		.deleted = "false"};
	const struct version deleted = {.of = "c",
		.from = t->s.now,
		.to = t->s.current_to,
		.current = true,
		.deleted = "true"};

	if (t->n_new || t->n_changed) {
		put_insert(t, &fresh, &t->columns);
		put_rows(t);
		put(t, " LEFT JOIN ");
		put_current(t);
		put_on_keys(t);
		put(t, " WHERE CASE WHEN c.present__ THEN ");
		put_changed(t);
		put(t, " ELSE true END");
		if (!making_run(t->m, err))
			return false;
	}
	if (!t->n_gone || t->s.deletes != DELETES_NEW_RECORD)
		return true;
	struct engine_columns kept = kept_columns(t);
	put_insert(t, &deleted, &kept);
	put_current(t);
	put(t, " WHERE ");
	put_gone(t, "c");
	return making_run(t->m, err);
}

/* --- the whole --- */

static bool take_rows(struct taking *t, const char *select, struct error *err)
{
	struct making *m = t->m;
	struct table_spec spec;
	uint64_t unused;

	if (!config_table(m, &spec, err) || !making_clear(m, t->rows, err))
		return false;
	const struct table_spec plain = {.comment = spec.comment};
	if (!making_create(m, t->rows, &plain, select, err))
		return false;
	m->d->insert(&m->sql, t->rows, NULL, select);
	return making_fill(m, &unused, err) && check_keys(t, err);
}

/* Every row is the first version of its key. */
static bool take_first(struct taking *t, struct error *err)
{
	const struct snapshot_names *n = &t->s.names;
	struct making *m = t->m;
	struct table_spec spec;

	if (!take_rows(t, m->w->select, err) || !config_table(m, &spec, err) ||
		!making_clear(m, t->staging, err))
		return false;
	struct buf select = m->sql; /* written with put(), kept beside the statement */
	buf_init(&m->sql, BUF_MAX);
	put(t, "SELECT s.*, ");
	put_from(t);
	put(t, " AS ");
	m->d->name(&m->sql, n->from);
	buf_printf(&m->sql, ", CASE WHEN true THEN %s ELSE ", t->s.current_to);
	put_from(t);
	put(t, " END AS ");
	m->d->name(&m->sql, n->to);
	put(t, ", true AS ");
	m->d->name(&m->sql, n->current);
	if (n->deleted) {
		put(t, ", false AS ");
		m->d->name(&m->sql, n->deleted);
	}
	put(t, " FROM ");
	put_rows(t);
	const char *text = arena_strdup(m->w->arena, buf_text(&m->sql));
	buf_release(&m->sql);
	m->sql = select;
	if (!making_create(m, t->staging, &spec, text, err))
		return false;
	m->d->insert(&m->sql, t->staging, NULL, text);
	if (!making_run(m, err) || !making_clear(m, t->rows, err))
		return false;
	making_message(m, "first snapshot");
	return swap_table(m, t->staging, err);
}

static bool check_table(const struct taking *t, struct error *err)
{
	const struct snapshot_names *n = &t->s.names;
	const char *const ours[] = {n->from, n->to, n->current, n->deleted};

	for (size_t i = 0; i < COUNT_OF(ours) && ours[i]; i++)
		if (!engine_column_named(&t->had, ours[i]))
			return config_wrong(t->m, "strategy", err,
				"%s.%s has no column '%s': it is no snapshot of tailrace, or one "
				"with other "
				"settings; rename the table, or add the column",
				t->m->target.database, t->m->target.name, ours[i]);
	return true;
}

static bool take_next(struct taking *t, struct error *err)
{
	struct making *m = t->m;
	struct fitting fitting;

	if (!m->w->engine->ops->columns(m->w->engine, m->target, m->w->arena, &t->had, err) ||
		!check_table(t, err) || !making_clear(m, t->staging, err))
		return false;
	m->d->create_clone(&m->sql, t->staging, m->target);
	if (!making_run(m, err) || !making_fit(m, t->staging, &fitting, err))
		return false;
	t->columns = fitting.columns;
	if (!take_rows(t, fitting.select, err) || !count_changes(t, err))
		return false;
	bool changed = t->n_changed || t->n_gone;
	bool ok = (!changed || (remove_versions(t, err) && close_versions(t, err))) &&
		  add_versions(t, err) && making_clear(m, t->rows, err);
	if (!ok)
		return false;
	m->w->rows = (uint64_t)(t->n_new + t->n_changed + t->n_gone);
	making_message(m, "%" PRId64 " new, %" PRId64 " changed, %" PRId64 " gone", t->n_new,
		t->n_changed, t->n_gone);
	bool wider = false;
	for (size_t i = 0; i < t->columns.len; i++)
		wider |= !engine_column_named(&t->had, t->columns.items[i].name);
	m->w->quiet = m->w->quiet || !m->w->rows;
	return m->w->rows || wider ? swap_table(m, t->staging, err)
				   : swap_end(m, t->staging, RELATION_TABLE, err);
}

bool make_snapshot(struct making *m, struct error *err)
{
	struct taking t = {.m = m, .rows = staging_of(m, "rows"), .staging = staging_of(m, "next")};

	if (!snapshot_config(m, &t.s, err) || !making_compile(m, false, err) ||
		!making_database(m, err))
		return false;
	if (t.s.strategy == SNAPSHOT_HISTORY)
		return snapshot_history(&t.s, err);
	return m->had.kind == RELATION_TABLE ? take_next(&t, err) : take_first(&t, err);
}
