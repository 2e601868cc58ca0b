/*
 * What was built is put in the place of what is there, at once, and so that a process that dies anywhere leaves one of
 * both, and a record by which the next one finishes:
 *
 *	1. the staging table is filled
 *	2. the intent is recorded, with the identity of the staging table
 *	3. the engine exchanges both, or replaces partitions
 *	4. post-hooks; what was built is recorded, and the intent erased, as one
 *	5. what was replaced is dropped
 *
 * Where it is not known how far that came, because the process died or the engine's answer was lost, the staging
 * table's identity tells: where it is now the target's, 3 did happen; where the staging table still has it, 3 is done
 * (again: replacing partitions twice gives the same). The next attempt does so before anything else, since what adds
 * rows must not add them twice, and so does the next process. Where neither is so, or a post-hook fails, what is there
 * may be new, or in part: it is recorded as of no definition, and built again.
 */
#include "base/failpoint.h"
#include "base/log.h"
#include "build/making.h"
#include "build/materialize.h"
#include "models/template/value.h"

/* --- in an attempt --- */

static bool intend(struct making *m, const struct relation_info *staging, const char *partitions,
	struct error *err)
{
	struct work *w = m->w;
	const struct swap swap = {.asset = w->node->id,
		.built = w->built,
		.database = m->target.database,
		.target = m->target.name,
		.staging = staging->name,
		.staging_id = staging->id,
		.engine_partition = partitions};
	if (!state_swap_put(w->state, &swap, err))
		return false;
	m->replacing = m->intended = true;
	failpoint("build.intended");
	return true;
}

bool swap_end(
	struct making *m, struct relation_name left, enum relation_kind kind, struct error *err)
{
	struct texts hooks = config_texts(m, "post_hook");

	failpoint("build.swapped");
	m->replacing = true;
	for (size_t i = 0; i < hooks.n; i++)
		if (!making_hook(m, hooks.items[i], err))
			return error_add(err, "post_hook");
	if (!work_built(m->w, err))
		return false;
	m->replacing = m->intended = false;
	failpoint("build.recorded");
	if (!left.name || kind == RELATION_ABSENT)
		return true;
	m->d->drop(&m->sql, left, kind);
	return making_run(m, err);
}

bool swap_table(struct making *m, struct relation_name staging, struct error *err)
{
	struct work *w = m->w;
	struct relation_info info;

	failpoint("build.filled");
	if (!w->engine->ops->inspect(w->engine, staging, w->arena, &info, err) ||
		!intend(m, &info, "", err))
		return false;
	if (m->had.kind == RELATION_ABSENT)
		m->d->rename(&m->sql, staging, m->target);
	else
		m->d->exchange(&m->sql, m->target, staging);
	return making_run(m, err) && swap_end(m, staging, m->had.kind, err);
}

bool swap_doubt(struct state *state, struct arena *arena, const char *asset,
	const struct built *built, struct error *err)
{
	struct built doubted = *built;
	const struct mark mark = {
		.partition = built->partition, .from_us = built->from_us, .to_us = built->to_us};
	struct builts list;
	bool known = false;

	if (!state_built(state, asset, arena, &list, err))
		return false;
	vec_each (&list, b)
		known |= !strcmp(b->partition, built->partition ? built->partition : "") &&
			 b->from_us < built->to_us && b->to_us > built->from_us;
	vec_release(&list);
	doubted.fingerprint = 0;
	doubted.seq = 0;
	return !known || state_built_put(state, asset, &doubted, &mark, 1, err);
}

/* The statement for one partition: what the staging table does not have goes. */
static void put_swap_of(struct buf *sql, const struct dialect *d, struct relation_name target,
	struct relation_name staging, const struct engine_partitions *have, const char *id)
{
	for (size_t i = 0; i < have->len; i++)
		if (!strcmp(have->items[i].id, id)) {
			d->replace_partition(sql, target, staging, id);
			return;
		}
	d->drop_partition(sql, target, id);
}

bool swap_partitions(struct making *m, const struct relation_info *staging,
	const struct engine_partitions *have, const struct texts *partitions, struct error *err)
{
	const struct relation_name name = {m->target.database, staging->name};
	struct buf list;

	failpoint("build.filled");
	buf_init(&list, BUF_MAX);
	for (size_t i = 0; i < partitions->n; i++)
		buf_printf(&list, "%s%s", i ? " " : "", partitions->items[i]);
	bool ok = !partitions->n || intend(m, staging, buf_text(&list), err);
	for (size_t i = 0; ok && i < partitions->n; i++) {
		put_swap_of(&m->sql, m->d, m->target, name, have, partitions->items[i]);
		ok = making_run(m, err);
		failpoint("build.replaced");
	}
	buf_release(&list);
	return ok;
}

/* --- where it is not known whether it happened --- */

struct settling {
	struct state *state;
	struct engine *engine;
	struct work *work; /* the attempt that does it; NULL: a process that starts */
	struct arena *arena;
	struct buf sql;
};

static bool run(struct settling *s, struct error *err)
{
	const struct statement statement = {.sql = buf_text(&s->sql)};
	bool ok = s->work ? work_run(s->work, statement.sql, err)
			  : s->engine->ops->run(s->engine, &statement, NULL, err);

	buf_clear(&s->sql);
	return ok;
}

static bool replace_again(struct settling *s, const struct swap *w, struct relation_name target,
	struct relation_name staging, struct error *err)
{
	char *list = arena_strdup(s->arena, w->engine_partition), *rest = NULL;
	struct engine_partitions have;

	if (!s->engine->ops->partitions(s->engine, staging, s->arena, &have, err))
		return false;
	for (char *id = strtok_r(list, " ", &rest); id; id = strtok_r(NULL, " ", &rest)) {
		put_swap_of(&s->sql, s->engine->ops->dialect, target, staging, &have, id);
		if (!run(s, err))
			return false;
	}
	return true;
}

static bool swap_again(struct settling *s, const struct swap *w, struct relation_name target,
	const struct relation_info *had, struct relation_name staging, struct error *err)
{
	if (*w->engine_partition)
		return replace_again(s, w, target, staging, err);
	if (had->kind == RELATION_ABSENT)
		s->engine->ops->dialect->rename(&s->sql, staging, target);
	else
		s->engine->ops->dialect->exchange(&s->sql, target, staging);
	return run(s, err);
}

/* It happens now, unless it did; not where the tables are no longer those that were meant. */
static bool settle(struct settling *s, const struct swap *w, bool *happened, struct error *err)
{
	const struct engine_ops *ops = s->engine->ops;
	const struct relation_name target = {w->database, w->target},
				   staging = {w->database, w->staging};
	struct relation_info had, next;

	if (!ops->inspect(s->engine, target, s->arena, &had, err) ||
		!ops->inspect(s->engine, staging, s->arena, &next, err))
		return false;
	*happened = had.kind != RELATION_ABSENT && !strcmp(had.id, w->staging_id);
	bool possible = next.kind != RELATION_ABSENT && !strcmp(next.id, w->staging_id) &&
			(had.kind != RELATION_ABSENT || !*w->engine_partition);
	if (!*happened && possible) {
		*happened = swap_again(s, w, target, &had, staging, err);
		if (!*happened && err->kind != ERROR_TABLE)
			return false;
		err->kind = ERROR_NONE;
	}
	log_info(*happened ? "a build that was interrupted is finished"
			   : "a build that was interrupted is given up",
		F("asset", w->asset), F("partition", w->built.partition));
	return true;
}

static bool give_up(struct settling *s, const struct swap *w, struct error *err)
{
	return swap_doubt(s->state, s->arena, w->asset, &w->built, err) &&
	       state_swap_forget(s->state, w, err);
}

/* --- by the next attempt --- */

static bool is_whole(const struct built *b)
{
	return !*b->partition && b->from_us == TIME_MIN && b->to_us == TIME_MAX;
}

static bool is_same(const struct built *a, const struct built *b)
{
	return !strcmp(a->partition, b->partition) && a->from_us == b->from_us &&
	       a->to_us == b->to_us;
}

/* Would the attempt do just that once more? */
static bool is_its_work(const struct work *w, const struct built *b)
{
	return is_same(&w->built, b) &&
	       (w->built.run == b->run || (!w->full_refresh && w->built.seq == b->seq &&
						  w->built.fingerprint == b->fingerprint));
}

/* Other partitions are being built at the same time, perhaps. */
static bool concerns(const struct work *w, const struct swap *swap)
{
	return !strcmp(swap->asset, w->node->id) &&
	       (is_same(&w->built, &swap->built) || is_whole(&w->built) || is_whole(&swap->built));
}

static bool finish(struct making *m, const struct swap *swap, bool *finished, struct error *err)
{
	struct work *w = m->w;
	const struct built wanted = w->built;
	bool enough = is_its_work(w, &swap->built);

	w->built = swap->built;
	w->built.checks = wanted.checks;
	m->intended = true;
	if (!swap_end(
		    m, (struct relation_name){swap->database, swap->staging}, RELATION_TABLE, err))
		return false;
	w->built = wanted;
	*finished |= enough;
	if (enough)
		making_message(m, "finished what was begun");
	return true;
}

/* A process that died may have recorded what was built, and not that the step had ended. */
static bool is_recorded(struct making *m, bool *out, struct error *err)
{
	struct work *w = m->w;
	struct builts list;

	if (!state_built(w->state, w->node->id, w->arena, &list, err))
		return false;
	vec_each (&list, b)
		*out |= is_whole(b) && b->fingerprint && b->run && b->run == w->built.run;
	vec_release(&list);
	return true;
}

bool swap_resume(struct making *m, bool *finished, struct error *err)
{
	struct work *w = m->w;
	struct settling s = {.state = w->state, .engine = w->engine, .work = w, .arena = w->arena};
	struct swaps swaps;

	if (!is_recorded(m, finished, err) || !state_swaps(w->state, w->arena, &swaps, err))
		return false;
	if (*finished)
		making_message(m, "finished before it was interrupted");
	buf_init(&s.sql, BUF_MAX);
	bool ok = true, happened;
	for (size_t i = 0; ok && i < swaps.len; i++) {
		const struct swap *swap = &swaps.items[i];
		if (!concerns(w, swap))
			continue;
		ok = settle(&s, swap, &happened, err) &&
		     (happened ? finish(m, swap, finished, err) : give_up(&s, swap, err));
	}
	buf_release(&s.sql);
	vec_release(&swaps);
	return ok;
}

/* --- by the next process --- */

static bool is_left_over(const struct relation_info *info)
{
	return strstr(info->name, STAGING_MARK) && info->comment &&
	       !strncmp(info->comment, "{\"tailrace\":{\"asset\":", 21);
}

static bool sweep(struct settling *s, const char *database, struct error *err)
{
	const struct engine_ops *ops = s->engine->ops;
	struct relations list;

	if (!ops->relations(s->engine, database, s->arena, &list, err))
		return false;
	for (size_t i = 0; i < list.len; i++) {
		if (!is_left_over(&list.items[i]))
			continue;
		ops->dialect->drop(&s->sql, (struct relation_name){database, list.items[i].name},
			list.items[i].kind);
		if (!run(s, err))
			return false;
	}
	return true;
}

/* Each database that models go into, once. */
static bool sweep_all(struct settling *s, const struct project *project, struct error *err)
{
	struct map seen = {0};
	bool ok = true;

	vec_each (project_nodes(project), it) {
		const char *database = (*it)->database;
		if (!ok || !database || map_get(&seen, database, strlen(database)))
			continue;
		map_put(&seen, database, strlen(database), s);
		ok = sweep(s, database, err);
	}
	map_release(&seen);
	return ok;
}

bool materialize_recover(struct state *state, struct engine *engine, const struct project *project,
	struct error *err)
{
	struct arena arena;
	struct settling s = {.state = state, .engine = engine, .arena = &arena};
	struct swaps swaps = {0};
	bool happened;

	arena_init(&arena);
	buf_init(&s.sql, BUF_MAX);
	bool ok = state_swaps(state, &arena, &swaps, err);
	for (size_t i = 0; ok && i < swaps.len; i++) {
		const struct swap *w = &swaps.items[i];
		ok = settle(&s, w, &happened, err);
		/* else the step that goes on runs the hooks and records it */
		if (ok && (!happened || !project_find(project, w->asset)))
			ok = give_up(&s, w, err);
	}
	ok = ok && sweep_all(&s, project, err);
	vec_release(&swaps);
	buf_release(&s.sql);
	arena_release(&arena);
	return ok || error_add(err, "finishing what an earlier process left");
}
