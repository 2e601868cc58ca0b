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
 * After a crash behind 2 the staging table's identity tells what happened: where it is now the target's, 3 did; where
 * the staging table still has it, 3 is done (again: replacing partitions twice gives the same). A model with
 * post-hooks is recorded then as of no definition, since nobody knows how many of them ran: it is built again. So
 * is one whose attempt fails behind 2, as what is there may be new, or in part.
 */
#include "base/failpoint.h"
#include "base/log.h"
#include "build/making.h"
#include "build/materialize.h"
#include "models/template/value.h"

/* --- in an attempt --- */

static bool intend(
	struct making *m, struct relation_name staging, const char *partitions, struct error *err)
{
	struct work *w = m->w;
	struct relation_info info;

	failpoint("build.filled");
	if (!w->engine->ops->inspect(w->engine, staging, w->arena, &info, err))
		return false;
	const struct swap swap = {.asset = w->node->id,
		.built = w->built,
		.database = staging.database,
		.target = m->target.name,
		.staging = staging.name,
		.staging_id = info.id,
		.engine_partition = partitions};
	if (!state_swap_put(w->state, &swap, err))
		return false;
	m->replacing = true;
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
	m->replacing = false;
	failpoint("build.recorded");
	if (!left.name || kind == RELATION_ABSENT)
		return true;
	m->d->drop(&m->sql, left, kind);
	return making_run(m, err);
}

bool swap_table(struct making *m, struct relation_name staging, struct error *err)
{
	if (!intend(m, staging, "", err))
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

static bool has_partition(const struct engine_partitions *list, const char *id)
{
	for (size_t i = 0; i < list->len; i++)
		if (!strcmp(list->items[i].id, id))
			return true;
	return false;
}

bool swap_partitions(struct making *m, struct relation_name staging, const struct texts *partitions,
	struct error *err)
{
	struct engine *engine = m->w->engine;
	struct engine_partitions have;
	struct buf list;

	buf_init(&list, BUF_MAX);
	for (size_t i = 0; i < partitions->n; i++)
		buf_printf(&list, "%s%s", i ? " " : "", partitions->items[i]);
	bool ok = engine->ops->partitions(engine, staging, m->w->arena, &have, err) &&
		  (!partitions->n || intend(m, staging, buf_text(&list), err));
	for (size_t i = 0; ok && i < partitions->n; i++) {
		const char *id = partitions->items[i];
		if (has_partition(&have, id))
			m->d->replace_partition(&m->sql, m->target, staging, id);
		else
			m->d->drop_partition(&m->sql, m->target, id);
		ok = making_run(m, err);
		failpoint("build.replaced");
	}
	buf_release(&list);
	return ok && swap_end(m, staging, RELATION_TABLE, err);
}

/* --- after a crash --- */

struct recovery {
	struct state *state;
	struct engine *engine;
	const struct project *project;
	struct arena arena;
	struct buf sql;
};

static bool run(struct recovery *r, struct error *err)
{
	const struct statement statement = {.sql = buf_text(&r->sql)};
	bool ok = r->engine->ops->run(r->engine, &statement, NULL, err);

	buf_clear(&r->sql);
	return ok;
}

static bool drop(
	struct recovery *r, struct relation_name name, enum relation_kind kind, struct error *err)
{
	if (kind == RELATION_ABSENT)
		return true;
	r->engine->ops->dialect->drop(&r->sql, name, kind);
	return run(r, err);
}

static bool replace_again(struct recovery *r, const struct swap *s, struct relation_name target,
	struct relation_name staging, struct error *err)
{
	const struct dialect *d = r->engine->ops->dialect;
	char *list = arena_strdup(&r->arena, s->engine_partition), *rest = NULL;
	struct engine_partitions have;

	if (!r->engine->ops->partitions(r->engine, staging, &r->arena, &have, err))
		return false;
	for (char *id = strtok_r(list, " ", &rest); id; id = strtok_r(NULL, " ", &rest)) {
		if (has_partition(&have, id))
			d->replace_partition(&r->sql, target, staging, id);
		else
			d->drop_partition(&r->sql, target, id);
		if (!run(r, err))
			return false;
	}
	return true;
}

static bool swap_again(struct recovery *r, const struct swap *s, struct relation_name target,
	const struct relation_info *had, struct relation_name staging, struct error *err)
{
	if (*s->engine_partition)
		return replace_again(r, s, target, staging, err);
	if (had->kind == RELATION_ABSENT)
		r->engine->ops->dialect->rename(&r->sql, staging, target);
	else
		r->engine->ops->dialect->exchange(&r->sql, target, staging);
	return run(r, err);
}

static bool record(struct recovery *r, const struct swap *s, bool happened, struct error *err)
{
	const struct node *node = project_find(r->project, s->asset);
	const struct mark mark = {.partition = s->built.partition,
		.from_us = s->built.from_us,
		.to_us = s->built.to_us};
	struct value hooks = node ? dict_get_text(node->config, "post_hook") : (struct value){0};

	log_info(happened ? "a build that was interrupted is finished"
			  : "a build that was interrupted is given up",
		F("asset", s->asset), F("partition", s->built.partition ? s->built.partition : ""));
	if (happened && node && !value_truth(hooks))
		return state_built_put(r->state, s->asset, &s->built, &mark, 1, err);
	return (!happened || swap_doubt(r->state, &r->arena, s->asset, &s->built, err)) &&
	       state_swap_forget(r->state, s, err);
}

static bool settle(struct recovery *r, const struct swap *s, struct error *err)
{
	const struct engine_ops *ops = r->engine->ops;
	const struct relation_name target = {s->database, s->target},
				   staging = {s->database, s->staging};
	struct relation_info had, next;

	if (!ops->inspect(r->engine, target, &r->arena, &had, err) ||
		!ops->inspect(r->engine, staging, &r->arena, &next, err))
		return false;
	bool happened = had.kind != RELATION_ABSENT && !strcmp(had.id, s->staging_id);
	bool possible = next.kind != RELATION_ABSENT && !strcmp(next.id, s->staging_id) &&
			(had.kind != RELATION_ABSENT || !*s->engine_partition);
	if (!happened && possible) {
		if (!swap_again(r, s, target, &had, staging, err))
			return false;
		happened = true;
	}
	return record(r, s, happened, err);
}

static bool is_left_over(const struct relation_info *info)
{
	return strstr(info->name, STAGING_MARK) && info->comment &&
	       !strncmp(info->comment, "{\"tailrace\":{\"asset\":", 21);
}

static bool sweep(struct recovery *r, const char *database, struct error *err)
{
	struct relations list;

	if (!r->engine->ops->relations(r->engine, database, &r->arena, &list, err))
		return false;
	for (size_t i = 0; i < list.len; i++) {
		const struct relation_name name = {database, list.items[i].name};
		if (is_left_over(&list.items[i]) && !drop(r, name, list.items[i].kind, err))
			return false;
	}
	return true;
}

/* Each database that models go into, once. */
static bool sweep_all(struct recovery *r, struct error *err)
{
	struct map seen = {0};
	bool ok = true;

	vec_each (project_nodes(r->project), it) {
		const char *database = (*it)->database;
		if (!ok || !database || map_get(&seen, database, strlen(database)))
			continue;
		map_put(&seen, database, strlen(database), r);
		ok = sweep(r, database, err);
	}
	map_release(&seen);
	return ok;
}

bool materialize_recover(struct state *state, struct engine *engine, const struct project *project,
	struct error *err)
{
	struct recovery r = {.state = state, .engine = engine, .project = project};
	struct swaps swaps = {0};

	arena_init(&r.arena);
	buf_init(&r.sql, BUF_MAX);
	bool ok = state_swaps(state, &r.arena, &swaps, err);
	for (size_t i = 0; ok && i < swaps.len; i++)
		ok = settle(&r, &swaps.items[i], err);
	ok = ok && sweep_all(&r, err);
	vec_release(&swaps);
	buf_release(&r.sql);
	arena_release(&r.arena);
	return ok || error_add(err, "finishing what an earlier process left");
}
