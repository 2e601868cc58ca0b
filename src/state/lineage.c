/* Columns of assets, and what they come from; see assets.h. */
#include "state/store.h"

static bool put_column(struct state *s, const char *asset, size_t number,
	const struct lineage_column *c, struct error *err)
{
	static const char column[] = "INSERT INTO lineage (asset, number, name, type, gap)"
				     " VALUES (?, ?, ?, ?, ?)";
	static const char input[] =
		"INSERT INTO lineage_inputs (asset, number, place, relation, name, how)"
		" VALUES (?, ?, ?, ?, ?, ?)";

	if (!store_run(s, column,
		    VALUES(V(asset), V((int64_t)number), V(c->name), V(text_or_empty(c->type)),
			    V(c->gap)),
		    err))
		return false;
	for (size_t i = 0; i < c->n_inputs; i++) {
		const struct lineage_input *in = &c->inputs[i];
		if (!store_run(s, input,
			    VALUES(V(asset), V((int64_t)number), V((int64_t)i), V(in->relation),
				    V(in->column), V((int64_t)in->how)),
			    err))
			return false;
	}
	return true;
}

static bool put(struct state *s, const char *asset, const struct lineage *l, struct error *err)
{
	bool ok = store_run(s, "DELETE FROM lineage WHERE asset = ?", VALUES(V(asset)), err) &&
		  store_run(s, "DELETE FROM lineage_inputs WHERE asset = ?", VALUES(V(asset)), err);

	for (size_t i = 0; ok && i < l->len; i++)
		ok = put_column(s, asset, i, &l->items[i], err);
	return ok;
}

bool state_lineage_put(
	struct state *s, const char *asset, const struct lineage *l, struct error *err)
{
	store_enter(s);
	if (!store_begin_history(s, err))
		return store_leave(s, false);
	return store_leave(s, store_end_history(s, put(s, asset, l, err), err));
}

VEC_TYPE(inputs, struct lineage_input);

/* Rows of inputs, by column: all of one before those of the next. */
static bool read_inputs(struct state *s, const char *asset, struct arena *arena,
	struct lineage *out, struct error *err)
{
	static const char sql[] = "SELECT number, relation, name, how FROM lineage_inputs"
				  " WHERE asset = ? ORDER BY number, place";
	sqlite3_stmt *row = store_query(s, sql, VALUES(V(asset)), err);
	int step = row ? store_step(s, row, err) : -1;
	struct inputs list = {0};

	for (; step == 1; step = store_step(s, row, err)) {
		size_t number = (size_t)sqlite3_column_int64(row, 0);
		struct lineage_input in = {.relation = store_string(row, 1, arena),
			.column = store_string(row, 2, arena),
			.how = (enum lineage_how)sqlite3_column_int(row, 3)};
		if (number < out->len)
			out->items[number].n_inputs++;
		vec_push(&list, in);
	}
	struct lineage_input *at = arena_alloc(arena, (list.len + 1) * sizeof *at);
	if (list.len)
		memcpy(at, list.items, list.len * sizeof *at);
	for (size_t i = 0; i < out->len; i++) {
		out->items[i].inputs = at;
		at += out->items[i].n_inputs;
	}
	vec_release(&list);
	return step == 0;
}

static bool read_columns(struct state *s, const char *asset, struct arena *arena,
	struct lineage *out, struct error *err)
{
	static const char sql[] =
		"SELECT name, type, gap FROM lineage WHERE asset = ? ORDER BY number";
	sqlite3_stmt *row = store_query(s, sql, VALUES(V(asset)), err);
	int step = row ? store_step(s, row, err) : -1;
	VEC(struct lineage_column) list = {0};

	for (; step == 1; step = store_step(s, row, err)) {
		const char *gap = store_string(row, 2, arena);
		struct lineage_column c = {.name = store_string(row, 0, arena),
			.type = store_string(row, 1, arena),
			.gap = *gap ? gap : NULL};
		vec_push(&list, c);
	}
	out->len = list.len;
	out->items = arena_alloc(arena, (list.len + 1) * sizeof *out->items);
	if (list.len)
		memcpy(out->items, list.items, list.len * sizeof *out->items);
	vec_release(&list);
	return step == 0;
}

bool state_lineage_get(struct state *s, const char *asset, struct arena *arena, struct lineage *out,
	struct error *err)
{
	*out = (struct lineage){0};
	store_enter(s);
	return store_leave(s,
		read_columns(s, asset, arena, out, err) && read_inputs(s, asset, arena, out, err));
}
