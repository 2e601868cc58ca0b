/*
 * Incremental models: what the model gives is added to what is there. Readers never see half of it, and a process that
 * dies adds nothing: the table is cloned (the engine shares the rows), the clone is changed, and exchanged with it.
 * insert_overwrite replaces whole partitions and needs no clone.
 */
#include "build/making.h"

#include <strings.h>
#include "base/text.h"

enum strategy { STRATEGY_APPEND, STRATEGY_DELETE_INSERT, STRATEGY_OVERWRITE, STRATEGY_MERGE };

static bool read_strategy(const struct making *m, enum strategy *out, struct error *err)
{
	static const struct {
		const char *name;
		enum strategy strategy;
	} names[] = {{"append", STRATEGY_APPEND}, {"delete+insert", STRATEGY_DELETE_INSERT},
		{"delete_insert", STRATEGY_DELETE_INSERT}, {"legacy", STRATEGY_DELETE_INSERT},
		{"insert_overwrite", STRATEGY_OVERWRITE}, {"merge", STRATEGY_MERGE}};
	const char *text = config_text(m, "incremental_strategy");
	bool keyed = config_texts(m, "unique_key").n;

	*out = keyed ? STRATEGY_DELETE_INSERT : STRATEGY_APPEND;
	for (size_t i = 0; text && i < COUNT_OF(names); i++)
		if (!strcmp(text, names[i].name)) {
			*out = names[i].strategy;
			text = NULL;
		}
	if (text)
		return config_wrong(m, "incremental_strategy", err,
			"'%s' is none of append, delete+insert, insert_overwrite, merge, "
			"microbatch",
			text);
	if (!keyed && *out == STRATEGY_DELETE_INSERT && config_text(m, "incremental_strategy"))
		return config_wrong(m, "incremental_strategy", err,
			"delete+insert needs a 'unique_key', whose rows are replaced");
	return true;
}

/* merge leaves it to the engine which row of a key is the latest. */
static bool can_merge(const struct making *m, struct error *err)
{
	return strstr(m->had.engine, "ReplacingMergeTree") ||
	       config_wrong(m, "incremental_strategy", err,
		       "merge needs a table that keeps the latest row of a key, engine "
		       "'ReplacingMergeTree(version)' with the key as order_by; %s.%s is a %s",
		       m->target.database, m->target.name, m->had.engine);
}

static void put_keys(struct making *m, struct buf *out)
{
	struct texts keys = config_texts(m, "unique_key");

	for (size_t i = 0; i < keys.n; i++)
		buf_printf(out, "%s%s", i ? ", " : "", keys.items[i]);
}

/* "(id) IN (SELECT id FROM rows) AND (predicate)" */
static const char *replaced_rows(struct making *m, struct relation_name rows)
{
	struct texts predicates = config_texts(m, "incremental_predicates");
	struct buf out;

	if (!predicates.n)
		predicates = config_texts(m, "predicates");
	buf_init(&out, BUF_MAX);
	buf_puts(&out, "(");
	put_keys(m, &out);
	buf_puts(&out, ") IN (SELECT ");
	put_keys(m, &out);
	buf_puts(&out, " FROM ");
	m->d->relation(&out, rows);
	buf_puts(&out, ")");
	for (size_t i = 0; i < predicates.n; i++)
		buf_printf(&out, " AND (%s)", predicates.items[i]);
	const char *kept = arena_strdup(m->w->arena, buf_text(&out));
	buf_release(&out);
	return kept;
}

/* The new rows stand in a table of their own while the old ones of their keys go. */
static bool delete_insert(struct making *m, struct relation_name staging,
	const struct fitting *fitting, struct error *err)
{
	struct relation_name rows = staging_of(m, "rows");
	struct table_spec spec;
	struct buf all;

	if (!config_table(m, &spec, err) || !making_clear(m, rows, err))
		return false;
	const struct table_spec plain = {.comment = spec.comment};
	if (!making_create(m, rows, &plain, fitting->select, err))
		return false;
	m->d->insert(&m->sql, rows, NULL, fitting->select);
	if (!making_fill(m, &m->w->rows, err))
		return false;
	m->d->delete_where(&m->sql, staging, replaced_rows(m, rows));
	if (!making_run(m, err))
		return false;
	buf_init(&all, BUF_MAX);
	buf_puts(&all, "SELECT * FROM ");
	m->d->relation(&all, rows);
	m->d->insert(&m->sql, staging, &fitting->columns, buf_text(&all));
	buf_release(&all);
	return making_run(m, err) && making_clear(m, rows, err);
}

static bool append(struct making *m, struct relation_name staging, const struct fitting *fitting,
	struct error *err)
{
	m->d->insert(&m->sql, staging, &fitting->columns, fitting->select);
	return making_fill(m, &m->w->rows, err);
}

static bool add_to_clone(struct making *m, enum strategy strategy, struct error *err)
{
	struct relation_name staging = staging_of(m, "next");
	struct fitting fitting;

	if (strategy == STRATEGY_MERGE && !can_merge(m, err))
		return false;
	if (!making_clear(m, staging, err))
		return false;
	m->d->create_clone(&m->sql, staging, m->target);
	if (!making_run(m, err) || !making_fit(m, staging, &fitting, err))
		return false;
	bool ok = strategy == STRATEGY_DELETE_INSERT ? delete_insert(m, staging, &fitting, err)
						     : append(m, staging, &fitting, err);
	if (!ok)
		return false;
	making_message(m, "%llu row%s added", (unsigned long long)m->w->rows, plural(m->w->rows));
	return swap_table(m, staging, err);
}

static bool overwrite(struct making *m, struct error *err)
{
	struct relation_name staging = staging_of(m, "next");
	struct engine *engine = m->w->engine;
	struct engine_partitions partitions;
	struct relation_info staged;
	struct fitting fitting;

	if (!m->had.partition_by || !*m->had.partition_by)
		return config_wrong(m, "incremental_strategy", err,
			"insert_overwrite replaces partitions, and %s.%s has none: set "
			"'partition_by' and "
			"build with --full-refresh",
			m->target.database, m->target.name);
	if (!making_fit(m, m->target, &fitting, err) || !making_clear(m, staging, err))
		return false;
	m->d->create_like(&m->sql, staging, m->target);
	if (!making_run(m, err) || !append(m, staging, &fitting, err) ||
		!engine->ops->partitions(engine, staging, m->w->arena, &partitions, err))
		return false;
	const char **ids = arena_alloc(m->w->arena, (partitions.len + 1) * sizeof *ids);
	for (size_t i = 0; i < partitions.len; i++)
		ids[i] = partitions.items[i].id;
	const struct texts list = {ids, partitions.len};
	making_message(m, "%zu partition%s of %llu row%s", list.n, plural(list.n),
		(unsigned long long)m->w->rows, plural(m->w->rows));
	return engine->ops->inspect(engine, staging, m->w->arena, &staged, err) &&
	       swap_partitions(m, &staged, &partitions, &list, err) &&
	       swap_end(m, staging, RELATION_TABLE, err);
}

bool make_incremental(struct making *m, struct error *err)
{
	enum strategy strategy;

	if (!read_strategy(m, &strategy, err))
		return false;
	if (m->w->full_refresh || m->had.kind != RELATION_TABLE)
		return make_table(m, err);
	if (!making_compile(m, true, err))
		return false;
	return strategy == STRATEGY_OVERWRITE ? overwrite(m, err) : add_to_clone(m, strategy, err);
}
