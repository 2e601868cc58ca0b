/* Definitions and swaps of models, and what was built as one with them; see assets.h. Ranges are in ranges.c. */
#include "state/assets.h"

#include <string.h>
#include "base/clock.h"
#include "state/store.h"

/* --- built --- */

static bool erase_swap(struct state *s, const char *asset, const struct built *b, struct error *err)
{
	static const char sql[] =
		"DELETE FROM swaps WHERE asset = ? AND part = ? AND from_us = ? AND to_us = ?";

	return store_run(s, sql,
		VALUES(V(asset), V(text_or_empty(b->partition)), V(b->from_us), V(b->to_us)), err);
}

static bool mark_all(
	struct state *s, const char *asset, const struct mark *marks, size_t n, struct error *err)
{
	VEC(struct asset_mark) of = {0};

	for (size_t i = 0; i < n; i++) {
		struct asset_mark mark = {.asset = asset, .mark = marks[i]};
		vec_push(&of, mark);
	}
	bool ok = store_mark(s, of.items, of.len, err);
	vec_release(&of);
	return ok;
}

bool state_built_put(struct state *s, const char *asset, const struct built *built,
	const struct mark *marks, size_t n_marks, struct error *err)
{
	struct built b = *built;

	b.built_us = wall_us();
	store_enter(s);
	if (!store_begin(s, err))
		return store_leave(s, false);
	bool ok = store_built(s, asset, &b, err) && mark_all(s, asset, marks, n_marks, err) &&
		  erase_swap(s, asset, &b, err);
	return store_leave(s, store_end(s, ok, err));
}

/* --- definitions --- */

static bool put_definition(
	struct state *s, const char *asset, const struct definition *d, struct error *err)
{
	/* What is known as the newest is not written again: each partition of a backfill says it. */
	static const char put[] =
		"INSERT INTO definitions AS d (asset, fingerprint, relation, sql, config, put_us)"
		" VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (asset, fingerprint) DO UPDATE SET"
		" relation = excluded.relation, sql = excluded.sql, config = excluded.config,"
		" put_us = excluded.put_us WHERE d.relation <> excluded.relation OR"
		" d.sql <> excluded.sql OR d.config <> excluded.config OR"
		" d.put_us < (SELECT max(put_us) FROM definitions WHERE asset = d.asset)";
	static const char forget[] =
		"DELETE FROM definitions WHERE asset = ?1 AND fingerprint <> ?2 AND"
		" fingerprint NOT IN (SELECT fingerprint FROM built WHERE asset = ?1)"
		" AND fingerprint NOT IN (SELECT fingerprint FROM swaps WHERE asset = ?1)";

	return store_run(s, put,
		       VALUES(V(asset), V((int64_t)d->fingerprint), V(text_or_empty(d->relation)),
			       V(text_or_empty(d->sql)), V(text_or_empty(d->config)), V(wall_us())),
		       err) &&
	       store_run(s, forget, VALUES(V(asset), V((int64_t)d->fingerprint)), err);
}

bool state_definition_put(
	struct state *s, const char *asset, const struct definition *d, struct error *err)
{
	store_enter(s);
	if (!store_begin(s, err))
		return store_leave(s, false);
	return store_leave(s, store_end(s, put_definition(s, asset, d, err), err));
}

bool state_definition_get(struct state *s, const char *asset, uint64_t fingerprint,
	struct arena *arena, struct definition *out, bool *found, struct error *err)
{
	static const char sql[] = "SELECT relation, sql, config FROM definitions"
				  " WHERE asset = ? AND fingerprint = ?";

	*out = (struct definition){.fingerprint = fingerprint};
	store_enter(s);
	sqlite3_stmt *row = store_query(s, sql, VALUES(V(asset), V((int64_t)fingerprint)), err);
	int step = row ? store_step(s, row, err) : -1;
	*found = step == 1;
	if (*found) {
		out->relation = store_string(row, 0, arena);
		out->sql = store_string(row, 1, arena);
		out->config = store_string(row, 2, arena);
		sqlite3_reset(row);
	}
	return store_leave(s, step >= 0);
}

/* --- swaps --- */

bool state_swap_put(struct state *s, const struct swap *w, struct error *err)
{
	static const char sql[] =
		"INSERT OR REPLACE INTO swaps (asset, part, from_us, to_us, seq, fingerprint,"
		" checks, as_of_us, position, built_us, run, database, target, staging, staging_id,"
		" engine_partition) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
	const struct built *b = &w->built;

	store_enter(s);
	return store_leave(s, store_run(s, sql,
				      VALUES(V(w->asset), V(text_or_empty(b->partition)),
					      V(b->from_us), V(b->to_us), V(b->seq),
					      V((int64_t)b->fingerprint), V((int64_t)b->checks),
					      V(b->as_of_us), V(text_or_empty(b->position)),
					      V(wall_us()), V(b->run), V(w->database), V(w->target),
					      V(w->staging), V(text_or_empty(w->staging_id)),
					      V(text_or_empty(w->engine_partition))),
				      err));
}

bool state_swaps(struct state *s, struct arena *arena, struct swaps *out, struct error *err)
{
	static const char sql[] =
		"SELECT part, from_us, to_us, seq, fingerprint, checks, as_of_us, position,"
		" built_us, run, asset, database, target, staging, staging_id, engine_partition"
		" FROM swaps ORDER BY asset, part, from_us";

	memset(out, 0, sizeof *out);
	store_enter(s);
	sqlite3_stmt *row = store_query(s, sql, NO_VALUES, err);
	int step = row ? store_step(s, row, err) : -1;
	for (; step == 1; step = store_step(s, row, err)) {
		struct swap swap = {.built = store_read_built(row, 0, arena),
			.asset = store_string(row, 10, arena),
			.database = store_string(row, 11, arena),
			.target = store_string(row, 12, arena),
			.staging = store_string(row, 13, arena),
			.staging_id = store_string(row, 14, arena),
			.engine_partition = store_string(row, 15, arena)};
		vec_push(out, swap);
	}
	if (step != 0)
		vec_release(out);
	return store_leave(s, step == 0);
}

bool state_swap_forget(struct state *s, const struct swap *w, struct error *err)
{
	store_enter(s);
	return store_leave(s, erase_swap(s, w->asset, &w->built, err));
}

/* --- assets --- */

bool state_assets(struct state *s, struct arena *arena, struct known_assets *out, struct error *err)
{
	static const char sql[] = "SELECT asset, relation FROM definitions AS d WHERE put_us ="
				  " (SELECT max(put_us) FROM definitions WHERE asset = d.asset)"
				  " GROUP BY asset ORDER BY asset";

	memset(out, 0, sizeof *out);
	store_enter(s);
	sqlite3_stmt *row = store_query(s, sql, NO_VALUES, err);
	int step = row ? store_step(s, row, err) : -1;
	for (; step == 1; step = store_step(s, row, err)) {
		struct known_asset known = {.asset = store_string(row, 0, arena),
			.relation = store_string(row, 1, arena)};
		vec_push(out, known);
	}
	if (step != 0)
		vec_release(out);
	return store_leave(s, step == 0);
}

bool state_asset_forget(struct state *s, const char *asset, struct error *err)
{
	static const char *const sql[] = {
		"DELETE FROM built WHERE asset = ?",
		"DELETE FROM marks WHERE asset = ?",
		"DELETE FROM definitions WHERE asset = ?",
		"DELETE FROM swaps WHERE asset = ?",
		"DELETE FROM lineage WHERE asset = ?",
		"DELETE FROM lineage_inputs WHERE asset = ?",
		"DELETE FROM reasons WHERE asset = ?",
		"DELETE FROM facts WHERE name IN ('tick ' || ?1, 'schedule ' || ?1, 'taken ' || "
		"?1)",
	};

	store_enter(s);
	if (!store_begin(s, err))
		return store_leave(s, false);
	bool ok = true;
	for (size_t i = 0; ok && i < COUNT_OF(sql); i++)
		ok = store_run(s, sql[i], VALUES(V(asset)), err);
	return store_leave(s, store_end(s, ok, err));
}
