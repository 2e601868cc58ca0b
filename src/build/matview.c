/*
 * Materialized views of the engine: kept up to date by it, either by what is inserted into the table they read
 * (filled without a hole), or by refreshing themselves.
 *
 * A view that follows inserts is made first, beside the old one, and then filled with all that is there: what is
 * inserted meanwhile comes twice. So its engine must make one of two equal rows, ReplacingMergeTree by the version of
 * the row; then it does not matter either in which order rows come, nor that a stream repeats some after a crash.
 *
 * One that is not filled holds what nothing else may have any more. So it stays, and takes the new query in place.
 */
#include "build/making.h"
#include "models/template/value.h"
#include "models/tokens.h"

/* "EVERY 5 MINUTE", or {interval: ..., randomize: ...}; NULL: it follows inserts. */
static bool read_refresh(const struct making *m, const char **out, struct error *err)
{
	struct value v = config_value(m, "refreshable");
	struct arena *a = m->w->arena;
	size_t at = 0;

	*out = config_text(m, "refreshable");
	if (v.kind != VALUE_DICT)
		return true;
	const char *interval = NULL, *randomize = NULL;
	for (struct dict_entry *entry; (entry = dict_next(v.dict, &at));) {
		bool text = entry->value.kind == VALUE_STRING;
		if (text && value_is_text(entry->key, "interval"))
			interval = value_strdup(a, entry->value);
		else if (text && value_is_text(entry->key, "randomize"))
			randomize = value_strdup(a, entry->value);
		else
			return config_wrong(m, "refreshable", err,
				"'refreshable' takes interval and randomize, both texts");
	}
	if (!interval)
		return config_wrong(
			m, "refreshable", err, "'refreshable' needs an interval: 'EVERY 5 MINUTE'");
	*out = randomize ? arena_printf(a, "%s RANDOMIZE FOR %s", interval, randomize) : interval;
	return true;
}

static bool fills(const struct making *m)
{
	struct value v = config_value(m, "catchup");
	return !value_given(v) || value_truth(v);
}

static bool check_engine(const struct making *m, const struct table_spec *spec, struct error *err)
{
	if (!fills(m) || (spec->engine && strstr(spec->engine, "ReplacingMergeTree")))
		return true;
	return config_wrong(m, "engine", err,
		"a materialized view that is filled needs an engine that makes one of two equal "
		"rows, "
		"'ReplacingMergeTree(_version)' ordered by the key: what is inserted while it is "
		"filled comes twice; "
		"or catchup=false, which does not fill it, or 'refreshable'");
}

/* The engine would follow the first query of a UNION, and pass over the others. */
static bool check_query(const struct making *m, struct error *err)
{
	struct tokens sql = {0};
	int depth = 0;
	bool unites = false;

	tokens_of(m->w->select, &sql);
	for (size_t i = 0; i < sql.len; i++) {
		depth += token_is(sql.items[i], "(") - token_is(sql.items[i], ")");
		unites |= !depth && token_is(sql.items[i], "union");
	}
	vec_release(&sql);
	return !unites ||
	       config_wrong(m, "materialized", err,
		       "a materialized view follows one table, and of a UNION the first query "
		       "alone: make a model of each query, and a view that unites them; or make it "
		       "'refreshable'");
}

/* A view is never inserted into, so nothing that reads one follows anything. */
static bool check_source(struct making *m, struct relation_name view, struct error *err)
{
	struct engine_rows rows;
	const char *of_view = NULL;

	m->d->followed(&m->sql, view);
	bool ok = work_query(m->w, buf_text(&m->sql), &rows, err);
	buf_clear(&m->sql);
	for (size_t i = 0; ok && i < rows.n_rows; i++) {
		if (!strcmp(rows.cells[2 * i + 1], "0"))
			return true;
		of_view = rows.cells[2 * i];
	}
	if (!ok)
		return false;
	return config_wrong(m, "materialized", err,
		"a materialized view follows what is inserted into the first table of its FROM, "
		"and %s%s; of a mirrored "
		"table shop.orders that is shop_cdc.orders, with _version and _deleted; or make it "
		"'refreshable'",
		of_view ? of_view : "it reads none", of_view ? " is a view" : "");
}

static bool fill(
	struct making *m, struct relation_name staging, const char *refresh, struct error *err)
{
	if (refresh) {
		m->d->await_refresh(&m->sql, staging);
		return making_run(m, err);
	}
	if (!check_source(m, staging, err))
		return false;
	if (!fills(m))
		return true;
	m->d->insert(&m->sql, staging, NULL, m->w->select);
	return making_fill(m, &m->w->rows, err);
}

/* The view that is there takes the query of the new one, and keeps its rows. */
static bool take_query(struct making *m, struct relation_name staging, struct error *err)
{
	struct engine *engine = m->w->engine;
	struct engine_columns was, is;

	if (!engine->ops->columns(engine, m->target, m->w->arena, &was, err) ||
		!engine->ops->columns(engine, staging, m->w->arena, &is, err))
		return false;
	bool same = was.len == is.len;
	for (size_t i = 0; same && i < is.len; i++)
		same = !strcmp(was.items[i].name, is.items[i].name) &&
		       !strcmp(was.items[i].type, is.items[i].type);
	if (!same)
		return config_wrong(m, "catchup", err,
			"the model gives other columns than %s.%s has, which keeps what it was "
			"given: build with --full-refresh, which makes it anew, and empty",
			m->target.database, m->target.name);
	m->d->change_query(&m->sql, m->target, m->w->select);
	return making_run(m, err) && swap_end(m, staging, RELATION_MATERIALIZED_VIEW, err);
}

bool make_materialized_view(struct making *m, struct error *err)
{
	struct relation_name staging = staging_of(m, "next");
	struct table_spec spec;
	const char *refresh;

	if (!read_refresh(m, &refresh, err) || !making_compile(m, false, err) ||
		!config_table(m, &spec, err) ||
		!(refresh || (check_engine(m, &spec, err) && check_query(m, err))) ||
		!making_database(m, err) || !making_clear(m, staging, err))
		return false;
	m->d->create_materialized_view(&m->sql, staging, &spec, refresh, m->w->select);
	if (!making_run(m, err) || !fill(m, staging, refresh, err))
		return false;
	bool keeps = !refresh && !fills(m) && !m->w->full_refresh &&
		     m->had.kind == RELATION_MATERIALIZED_VIEW;
	making_message(m, keeps ? "materialized view, with the rows it had" : "materialized view");
	return keeps ? take_query(m, staging, err) : swap_table(m, staging, err);
}
