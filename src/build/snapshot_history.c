/*
 * Snapshots of strategy `history`: made anew, whole, from the log of a mirrored table, which has every version and
 * every delete. So they are exact, and do not depend on when a snapshot was taken.
 */
#include "build/snapshot.h"

static const char *const of_log[] = {"_op", "_version", "_commit_lsn", "_commit_time", "_xid"};

static bool is_of_log(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(of_log); i++)
		if (!strcmp(name, of_log[i]))
			return true;
	return false;
}

static bool take_columns(
	const struct snapshot *s, struct engine_columns *columns, struct error *err)
{
	size_t n_log = 0, n = 0;

	for (size_t i = 0; i < columns->len; i++) {
		bool log = is_of_log(columns->items[i].name);
		n_log += log;
		if (!log)
			columns->items[n++] = columns->items[i];
	}
	columns->len = n;
	return n_log == COUNT_OF(of_log) ||
	       config_wrong(s->m, "strategy", err,
		       "strategy history reads the log of a mirrored table, with all its columns: "
		       "select * from {{ source('shop', 'orders_log') }}, of a table with keep: "
		       "history or both");
}

bool snapshot_history(const struct snapshot *s, struct error *err)
{
	struct making *m = s->m;
	struct history_spec spec = {.select = m->w->select,
		.keys = s->keys.items,
		.n_keys = s->keys.n,
		.from = s->names.from,
		.to = s->names.to,
		.current = s->names.current,
		.current_to = s->current_to};
	struct buf select;

	if (!making_describe(m, m->w->select, &spec.columns, err) ||
		!take_columns(s, &spec.columns, err))
		return false;
	buf_init(&select, BUF_MAX);
	m->d->history(&select, &spec);
	const char *text = arena_strdup(m->w->arena, buf_text(&select));
	buf_release(&select);
	return making_replace(m, text, "snapshot", err);
}
