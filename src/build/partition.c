/*
 * One partition of a model, of time or by a key: built by itself, and put in the place of all rows of that time or key.
 * The table is partitioned so that these are whole partitions of it; what is not is found before anything is replaced.
 * Several partitions are built at once, each in a staging table of its own.
 */
#include <pthread.h>
#include <stdio.h>
#include "base/text.h"
#include "build/making.h"

/* "`sold_at` >= ... AND `sold_at` < ...", or "`region` = 'eu'" */
static const char *condition_of(const struct making *m)
{
	const struct work *w = m->w;
	const struct node *node = w->node;
	struct buf out;

	buf_init(&out, BUF_MAX);
	m->d->name(
		&out, node->batch_size == PERIOD_NONE ? node->partition_column : node->event_time);
	if (node->batch_size == PERIOD_NONE) {
		buf_puts(&out, " = ");
		m->d->text(&out, w->partition, strlen(w->partition));
	} else {
		buf_puts(&out, " >= ");
		m->d->time(&out, w->from_us);
		buf_puts(&out, " AND ");
		m->d->name(&out, node->event_time);
		buf_puts(&out, " < ");
		m->d->time(&out, w->to_us);
	}
	const char *kept = arena_strdup(w->arena, buf_text(&out));
	buf_release(&out);
	return kept;
}

/* --- the table --- */

/* What splits the table, where the model does not say. */
static void put_usual(const struct making *m, struct buf *out, const struct engine_column *column)
{
	if (m->w->node->batch_size == PERIOD_NONE)
		m->d->name(out, column->name);
	else
		m->d->period(out, column, m->w->node->batch_size);
}

static bool usual_partition(struct making *m, const struct engine_columns *columns,
	struct table_spec *spec, struct error *err)
{
	const struct node *node = m->w->node;
	bool by_key = node->batch_size == PERIOD_NONE;
	const char *name = by_key ? node->partition_column : node->event_time;
	const struct engine_column *column = engine_column_named(columns, name);
	struct buf out;

	if (!column)
		return config_wrong(m, by_key ? "partition_column" : "event_time", err,
			"the model gives no column '%s', which its partitions are told by", name);
	if (!by_key && !m->d->has_period(column, node->batch_size))
		return config_wrong(m, "event_time", err,
			"column '%s' is of type %s, which does not tell the %s of a row; let the "
			"model give a %s",
			name, column->type, period_name(node->batch_size),
			node->batch_size == PERIOD_HOUR ? "time" : "date or a time");
	if (spec->partition_by)
		return true;
	buf_init(&out, BUF_MAX);
	put_usual(m, &out, column);
	spec->partition_by = arena_strdup(m->w->arena, buf_text(&out));
	buf_release(&out);
	return true;
}

static bool create_empty(struct making *m, struct relation_name name, struct error *err)
{
	struct engine_columns columns;
	struct table_spec spec;

	if (!making_describe(m, m->w->select, &columns, err) || !config_table(m, &spec, err) ||
		!usual_partition(m, &columns, &spec, err))
		return false;
	making_comments(m, &columns);
	m->d->create_table(&m->sql, name, &spec, &columns, NULL);
	return making_run(m, err);
}

/* Was it made anew by this run? Its comment tells. */
static bool made_by_this_run(const struct making *m)
{
	char mark[64];

	snprintf(mark, sizeof mark, "\"run\":%lld}", (long long)m->w->built.run);
	return m->had.comment && strstr(m->had.comment, mark);
}

/* An empty one takes the place of the table, whose partitions are all missing from then on. */
static bool make_anew(struct making *m, struct error *err)
{
	struct relation_name fresh = {m->target.database,
		arena_printf(m->w->arena, "%s" STAGING_MARK "anew", m->target.name)};

	if (!making_clear(m, fresh, err) || !create_empty(m, fresh, err) ||
		!state_built_forget(m->w->state, m->w->node->id, err))
		return false;
	m->d->exchange(&m->sql, m->target, fresh);
	if (!making_run(m, err))
		return false;
	m->d->drop(&m->sql, fresh, m->had.kind);
	return making_run(m, err);
}

/* If the table was there once somebody dropped it, and what was built into it is missing. */
static bool make_first(struct making *m, struct error *err)
{
	return state_built_forget(m->w->state, m->w->node->id, err) &&
	       create_empty(m, m->target, err);
}

/* Partitions that are built at once share the table: one at a time looks what is in it and changes that. Some
 * tables share a lock. */
static pthread_mutex_t *lock_table(const struct making *m)
{
	static pthread_mutex_t locks[] = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER,
		PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER,
		PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER};
	uint64_t of = text_hash(m->target.name, strlen(m->target.name));
	pthread_mutex_t *lock = &locks[of % COUNT_OF(locks)];

	pthread_mutex_lock(lock);
	return lock;
}

static bool is_usable(const struct making *m)
{
	return m->had.kind == RELATION_TABLE && (!m->w->full_refresh || made_by_this_run(m));
}

static bool have_table(struct making *m, struct error *err)
{
	struct work *w = m->w;

	if (is_usable(m))
		return true;
	pthread_mutex_t *lock = lock_table(m);
	bool ok = w->engine->ops->inspect(w->engine, m->target, w->arena, &m->had, err);
	bool usable = is_usable(m), first = m->had.kind == RELATION_ABSENT;
	if (ok && first)
		ok = making_database(m, err) && make_first(m, err);
	else if (ok && !usable)
		ok = make_anew(m, err);
	if (ok && !usable)
		ok = w->engine->ops->inspect(w->engine, m->target, w->arena, &m->had, err);
	pthread_mutex_unlock(lock);
	return ok;
}

/* "(a, b)" is "a, b" where the engine writes it back. */
static const char *unwrapped(struct arena *a, const char *text)
{
	size_t len = strlen(text);
	bool wrapped = len > 1 && text[0] == '(' && text[len - 1] == ')';
	return wrapped ? arena_strndup(a, text + 1, len - 2) : text;
}

/* Is the table partitioned as the model says? */
static bool same_partitioning(struct making *m, struct error *err)
{
	struct arena *a = m->w->arena;
	struct engine_rows rows;
	struct table_spec spec;

	if (!config_table(m, &spec, err))
		return false;
	const char *is = unwrapped(a, m->had.partition_by);
	const char *says = spec.partition_by ? unwrapped(a, spec.partition_by) : is;
	if (!*is)
		return config_wrong(m, "batch_size", err,
			"%s.%s was made without partitions; build with --full-refresh to make the "
			"table anew",
			m->target.database, m->target.name);
	if (!strcmp(is, says))
		return true;
	m->d->same_expression(&m->sql, is, says);
	bool ok = work_query(m->w, buf_text(&m->sql), &rows, err);
	buf_clear(&m->sql);
	if (!ok || (rows.n_rows && rows.cells[0] && !strcmp(rows.cells[0], "1")))
		return ok;
	return config_wrong(m, "partition_by", err,
		"%s.%s is partitioned by %s, and the model says %s; build with --full-refresh to "
		"make the table "
		"anew",
		m->target.database, m->target.name, *is ? is : "nothing", spec.partition_by);
}

/* --- the swap --- */

static bool refuse_rows(
	const struct making *m, const char *where, const char *rows, struct error *err)
{
	const struct node *node = m->w->node;
	const char *column = node->batch_size == PERIOD_NONE ? node->partition_column
							     : node->event_time;
	const struct engine_column of = {.name = column, .type = ""};
	struct buf usual;

	if (!strcmp(where, m->target.name)) {
		buf_init(&usual, BUF_MAX);
		put_usual(m, &usual, &of);
		config_wrong(m, "partition_by", err,
			"the table's partitions hold more than %s: %s row%s of %s.%s would be "
			"lost; "
			"partition_by must tell partitions of the model apart, as %s does "
			"(--full-refresh makes the table anew)",
			m->w->partition, rows, plural(strtoull(rows, NULL, 10)), m->target.database,
			m->target.name, buf_text(&usual));
		buf_release(&usual);
		return false;
	}
	return config_wrong(m, node->batch_size == PERIOD_NONE ? "partition_column" : "event_time",
		err,
		"partition %s: the model gives %s row%s whose %s is NULL or belongs to another "
		"partition; nothing was "
		"replaced",
		m->w->partition, rows, plural(strtoull(rows, NULL, 10)), column);
}

/* Of the engine's partitions: each of the table, or, with `ids`, those and what else has rows of this one. None of them
 * may have rows of another. */
static bool list_partitions(struct making *m, struct relation_name table, const char *const *ids,
	size_t n_ids, struct engine_partitions *out, struct error *err)
{
	struct engine_rows rows;

	m->d->partitions_outside(&m->sql, table, ids, n_ids, condition_of(m));
	bool ok = work_query(m->w, buf_text(&m->sql), &rows, err);
	buf_clear(&m->sql);
	if (!ok)
		return false;
	out->len = rows.n_rows;
	out->items = arena_alloc(m->w->arena, (rows.n_rows + 1) * sizeof *out->items);
	for (size_t i = 0; i < rows.n_rows; i++) {
		const char *const *cell = &rows.cells[i * rows.n_columns];
		if (strcmp(cell[1], "0") != 0)
			return refuse_rows(m, table.name, cell[1], err);
		out->items[i] = (struct engine_partition){.id = cell[0]};
	}
	return true;
}

static void add_ids(
	const struct engine_partitions *list, struct map *seen, const char **ids, struct texts *out)
{
	for (size_t i = 0; i < list->len; i++)
		if (!map_put(seen, list->items[i].id, strlen(list->items[i].id), ids))
			ids[out->n++] = list->items[i].id;
	out->items = ids;
}

/* What is to be replaced: what there is to put in, and where rows of this partition are now. */
static bool list_replaced(struct making *m, const struct engine_partitions *have, struct texts *out,
	struct error *err)
{
	const char **ids = arena_alloc(m->w->arena, (have->len + 1) * sizeof *ids);
	struct engine_partitions are;
	struct map seen = {0};

	add_ids(have, &seen, ids, out);
	bool ok = list_partitions(m, m->target, ids, out->n, &are, err);
	if (ok) {
		const char **all = arena_alloc(
			m->w->arena, (have->len + are.len + 1) * sizeof *all);
		memcpy(all, ids, out->n * sizeof *all);
		add_ids(&are, &seen, all, out);
	}
	map_release(&seen);
	return ok;
}

/* Is it a partition of the engine by itself, so that there is nothing else to look for? */
static bool is_by_itself(const struct making *m, const struct relation_info *staging,
	const struct engine_columns *columns)
{
	const struct node *node = m->w->node;
	const struct engine_column *column = node->batch_size == PERIOD_NONE
						     ? NULL
						     : engine_column_named(
							       columns, node->event_time);

	return column && m->d->splits_by(staging->partition_by, column, node->batch_size,
				 m->w->from_us, m->w->to_us);
}

/* Nobody puts rows into what is going to be replaced between the look and the swap. */
static bool replace(struct making *m, struct relation_name staging,
	const struct engine_columns *columns, struct error *err)
{
	struct engine *engine = m->w->engine;
	struct engine_partitions have;
	struct relation_info info;
	struct texts partitions = {0};

	if (!list_partitions(m, staging, NULL, 0, &have, err) ||
		!engine->ops->inspect(engine, staging, m->w->arena, &info, err))
		return false;
	bool single = have.len == 1 && is_by_itself(m, &info, columns);
	if (single)
		partitions = (struct texts){&have.items[0].id, 1};
	pthread_mutex_t *lock = lock_table(m);
	bool ok = (single || list_replaced(m, &have, &partitions, err)) &&
		  swap_partitions(m, &info, &have, &partitions, err);
	pthread_mutex_unlock(lock);
	return ok && swap_end(m, staging, RELATION_TABLE, err);
}

bool make_partition(struct making *m, struct error *err)
{
	struct relation_name staging = staging_of(m, "next");
	struct fitting fitting;
	struct work *w = m->w;

	bool incremental = !w->full_refresh && m->had.kind == RELATION_TABLE;
	if (!making_compile(m, incremental, err) || !have_table(m, err) ||
		!same_partitioning(m, err) || !making_fit(m, m->target, &fitting, err) ||
		!making_clear(m, staging, err))
		return false;
	m->d->create_like(&m->sql, staging, m->target);
	if (!making_run(m, err))
		return false;
	m->d->insert(&m->sql, staging, &fitting.columns, fitting.select);
	if (!making_fill(m, &w->rows, err))
		return false;
	making_message(m, "partition of %llu row%s", (unsigned long long)w->rows, plural(w->rows));
	return replace(m, staging, &fitting.table, err);
}
