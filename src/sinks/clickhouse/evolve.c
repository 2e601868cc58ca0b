/*
 * A storage follows its table: columns are added, renamed, widened, and dropped ones are kept
 * under another name. What to do is found by comparing the storage as it is with the table as it
 * should be, by attribute, so a crash between two steps changes nothing: the next call does what
 * is left.
 */
#include <stdio.h>
#include <string.h>
#include "base/failpoint.h"
#include "base/log.h"
#include "sinks/clickhouse/clickhouse.h"

#define MOST_ATTEMPTS 3

static bool same_rule(const struct column_rule *a, const struct column_rule *b)
{
	return a->kind == b->kind &&
	       (a->kind != RULE_CONSTANT || !strcmp(a->constant, b->constant));
}

/* Can a column hold the new type's values, after a widening or as it is? */
static bool type_follows(const struct type *from, const struct type *to)
{
	return type_widens(from, to) || type_widens(to, from);
}

static bool same_key(const struct table *old, const struct table *now)
{
	if (!table_same_key(old, now))
		return false;
	for (size_t i = 0; i < now->n_key; i++) {
		const struct table_column *a = &old->columns[old->key[i]],
					  *b = &now->columns[now->key[i]];
		/* ClickHouse neither renames nor widens what it sorts by. */
		if (strcmp(a->name, b->name) != 0 || !type_equal(&a->type, &b->type))
			return false;
	}
	return true;
}

static bool can_follow(const struct table *old, const struct table *now)
{
	if (!old)
		return true;
	if (!same_key(old, now) || old->keep != now->keep || strcmp(old->target, now->target) != 0)
		return false;
	for (size_t i = 0; i < now->n_columns; i++) {
		const struct table_column *c = &now->columns[i];
		int was = table_column_by_attribute(old, c->attribute);
		if (was < 0)
			continue;
		if (!same_rule(&old->columns[was].rule, &c->rule) ||
			!type_follows(&old->columns[was].type, &c->type))
			return false;
	}
	return true;
}

struct alter {
	struct clickhouse_sink *sink;
	const char *storage;
	const struct table *old, *now; /* old NULL: the storage alone says what was */
	bool behind; /* the storage follows a later definition, of which nothing is taken back */
	struct layout *layout;
	struct arena arena;
	struct buf sql;
	struct error *err;
};

static void begin_alter(struct alter *a)
{
	buf_clear(&a->sql);
	buf_puts(&a->sql, "ALTER TABLE ");
	add_name(&a->sql, part_database(a->sink), a->storage);
	buf_puts(&a->sql, " ");
}

static bool run_alter(struct alter *a)
{
	struct clickhouse_query q = {
		.sql = buf_text(&a->sql), .settings = settings_to_alter, .patient = true};

	failpoint("clickhouse.before_alter");
	if (!run_everywhere(a->sink, &q, a->err))
		return error_add(a->err, "%s.%s: following the source's columns",
			part_database(a->sink), a->storage);
	failpoint("clickhouse.altered");
	return true;
}

static bool read_layout(struct alter *a)
{
	if (a->layout)
		layout_put(a->sink, a->layout);
	a->layout = NULL;
	return layout_read(a->sink, part_database(a->sink), a->storage, &a->layout, a->err);
}

static bool rename_column(struct alter *a, const char *from, const char *to)
{
	begin_alter(a);
	buf_puts(&a->sql, "RENAME COLUMN IF EXISTS ");
	clickhouse_quote_name(from, &a->sql);
	buf_puts(&a->sql, " TO ");
	clickhouse_quote_name(to, &a->sql);
	return run_alter(a);
}

/* As it was; NULL: it is new, or nobody knows. */
static const struct table_column *old_column(const struct alter *a, int attribute)
{
	int was = a->old ? table_column_by_attribute(a->old, attribute) : -1;

	return was < 0 ? NULL : &a->old->columns[was];
}

static bool mark_dropped(struct alter *a, const struct stored_column *c)
{
	const struct table_column *was = old_column(a, c->attribute);
	struct table_column gone = {
		.attribute = c->attribute, .source_type = was ? was->source_type : NULL};

	begin_alter(a);
	buf_puts(&a->sql, "COMMENT COLUMN IF EXISTS ");
	clickhouse_quote_name(c->name, &a->sql);
	buf_puts(&a->sql, " ");
	add_column_comment(&a->sql, &gone, true);
	return run_alter(a);
}

/* A dropped column keeps its data and makes room for another of its name. */
static bool put_dropped_aside(struct alter *a)
{
	vec_each (&a->layout->columns, c) {
		if (!c->attribute || table_column_by_attribute(a->now, c->attribute) >= 0)
			continue;
		CLEANUP(free_string) char *tail = xasprintf("__dropped_%d", c->attribute);
		size_t len = strlen(c->name), tail_len = strlen(tail);
		if (!c->dropped && !mark_dropped(a, c))
			return false;
		if (len >= tail_len && !strcmp(c->name + len - tail_len, tail))
			continue;
		CLEANUP(free_string) char *name = xasprintf("%s%s", c->name, tail);
		if (!rename_column(a, c->name, name))
			return false;
	}
	return read_layout(a);
}

/* Is the column in another's way, or another in its way? */
static bool collides(
	const struct alter *a, const struct stored_column *have, const struct table_column *want)
{
	return layout_by_name(a->layout, want->name) ||
	       table_column_by_name(a->now, have->name) >= 0;
}

/* Two columns may swap their names: those that are in each other's way step aside first. */
static bool rename_columns(struct alter *a, bool step_aside)
{
	for (size_t i = 0; i < a->now->n_columns; i++) {
		const struct table_column *want = &a->now->columns[i];
		const struct stored_column *have = layout_by_attribute(a->layout, want->attribute);
		if (!have || !strcmp(have->name, want->name))
			continue;
		CLEANUP(free_string)
		char *aside = xasprintf("%s__renaming_%d", want->name, want->attribute);
		if (step_aside && (!strcmp(have->name, aside) || !collides(a, have, want)))
			continue;
		if (!rename_column(a, have->name, step_aside ? aside : want->name))
			return false;
	}
	return read_layout(a);
}

/* One that a later definition lacks has its values all the same, as if it had been there and was dropped. It has its
 * own name: who brings it at this moment means the same one, and finds that it is not shown. */
static bool add_column(struct alter *a, const struct table_column *want)
{
	if (a->behind)
		log_warn("a later definition of the table lacks this column: it is stored, and not "
			 "shown",
			F("table", a->storage), F("column", want->name));
	begin_alter(a);
	buf_puts(&a->sql, "ADD COLUMN IF NOT EXISTS ");
	add_column_definition(a->sink, a->now, want, true, a->behind, &a->sql);
	return run_alter(a);
}

static bool add_columns(struct alter *a)
{
	for (size_t i = 0; i < a->now->n_columns; i++) {
		const struct table_column *want = &a->now->columns[i];
		if (layout_by_attribute(a->layout, want->attribute))
			continue;
		if (!add_column(a, want))
			return false;
	}
	return true;
}

/* The stored column of one that is new or comes again, or whose type is another than it was; NULL: there is none, or
 * it is as it was. */
static const struct stored_column *changed_column(struct alter *a, const struct table_column *want)
{
	const struct table_column *was = old_column(a, want->attribute);
	const struct stored_column *have = layout_by_attribute(a->layout, want->attribute);
	bool same = was && type_equal(&was->type, &want->type);

	return have && (have->dropped || !same) ? have : NULL;
}

/*
 * What a stored column becomes. It never holds less than it did: the source's may have come to take less (no
 * NULLs any more) since it was made, and then widen. false: nothing holds both.
 */
static bool type_after(struct alter *a, const struct stored_column *have,
	const struct table_column *want, struct type *out)
{
	const struct table_column *was = old_column(a, want->attribute);
	struct type held;

	if (!storage_type_read(a->sink, was ? a->old : a->now, was ? was : want, have->type,
		    &a->arena, &held)) {
		if (!was)
			return false;
		held = was->type;
	}
	return type_join(&held, &want->type, &a->arena, out);
}

static bool is_stored_as(
	const struct alter *a, const struct stored_column *have, const struct table_column *want)
{
	struct buf type;

	buf_init(&type, BUF_MAX);
	storage_type_print(a->sink, a->now, want, &type);
	bool same = !strcmp(have->type, buf_text(&type)) && !strcmp(have->name, want->name);
	buf_release(&type);
	return same;
}

static bool storage_follows(struct alter *a)
{
	struct type after;

	for (size_t i = 0; i < a->now->n_columns; i++) {
		const struct table_column *want = &a->now->columns[i];
		const struct stored_column *have = changed_column(a, want);
		if (have && !type_after(a, have, want, &after))
			return false;
		if (!a->old && want->key && !(have && is_stored_as(a, have, want)))
			return false;
	}
	return true;
}

static bool widen_column(
	struct alter *a, const struct stored_column *have, const struct table_column *want)
{
	struct table_column made = *want;
	struct buf type;
	bool ok = true;

	buf_init(&type, BUF_MAX);
	if (type_after(a, have, want, &made.type))
		storage_type_print(a->sink, a->now, &made, &type);
	bool comes_again = have->dropped && !a->behind;
	if (type.len && (comes_again || strcmp(have->type, buf_text(&type)) != 0)) {
		begin_alter(a);
		buf_puts(&a->sql, "MODIFY COLUMN IF EXISTS ");
		clickhouse_quote_name(have->name, &a->sql);
		buf_printf(&a->sql, " %s", buf_text(&type));
		if (!a->behind) {
			buf_puts(&a->sql, " COMMENT ");
			add_column_comment(&a->sql, want, false);
		}
		ok = run_alter(a);
	}
	buf_release(&type);
	return ok;
}

static bool widen_columns(struct alter *a)
{
	for (size_t i = 0; i < a->now->n_columns; i++) {
		const struct stored_column *have = changed_column(a, &a->now->columns[i]);
		if (have && !widen_column(a, have, &a->now->columns[i]))
			return false;
	}
	return true;
}

/* It was told of as one that takes NULLs, before what rows from before it have was known. */
static bool is_filled_late(const struct alter *a, const struct table_column *want)
{
	const struct table_column *was = old_column(a, want->attribute);

	return was && was->type.nullable && !was->missing && want->filled &&
	       has_missing_value(want);
}

static void release_alter(struct alter *a)
{
	if (a->layout)
		layout_put(a->sink, a->layout);
	buf_release(&a->sql);
	arena_release(&a->arena);
}

static bool fill_column(struct alter *a, const struct table_column *c)
{
	begin_alter(a);
	buf_puts(&a->sql, "UPDATE ");
	clickhouse_quote_name(c->name, &a->sql);
	buf_puts(&a->sql, " = ");
	add_missing_value(a->sink, a->now, c, &a->sql);
	buf_puts(&a->sql, " WHERE ");
	clickhouse_quote_name(c->name, &a->sql);
	buf_puts(&a->sql, " IS NULL");
	return run_alter(a);
}

static bool fill_late(struct alter *a)
{
	bool ok = true;

	for (size_t i = 0; ok && i < a->now->n_columns; i++)
		if (is_filled_late(a, &a->now->columns[i]))
			ok = fill_column(a, &a->now->columns[i]);
	return ok;
}

static bool write_told(struct alter *a)
{
	begin_alter(a);
	buf_puts(&a->sql, "COMMENT COLUMN `" TOLD_COLUMN "` ");
	add_told_comment(&a->sql, a->now);
	return run_alter(a) && read_layout(a);
}

/*
 * Processes that share a log meet its definitions in any order. A later one says that it is there before it brings a
 * column, and an earlier one looks for both at once: so it never takes such a column for its own to drop.
 */
static bool begin_follow(struct alter *a)
{
	if (!read_layout(a) || (a->layout->told < a->now->told && !write_told(a)))
		return false;
	a->behind = a->now->told && a->layout->told > a->now->told;
	return true;
}

/* Of what an earlier definition has only room is made for. A log stays as it was told: there a NULL may be one. */
static bool alter_columns(struct alter *a, enum storage_kind kind)
{
	if (a->behind)
		return add_columns(a) && widen_columns(a);
	return put_dropped_aside(a) && rename_columns(a, true) && rename_columns(a, false) &&
	       add_columns(a) && widen_columns(a) && (kind != STORAGE_ROWS || fill_late(a));
}

/* Has nobody with an earlier definition come in between, and undone some of it? */
static bool is_settled(const struct alter *a)
{
	if (a->behind)
		return true;
	for (size_t i = 0; i < a->now->n_columns; i++) {
		const struct stored_column *have = layout_by_attribute(
			a->layout, a->now->columns[i].attribute);
		if (!have || have->dropped)
			return false;
	}
	return a->layout->told == a->now->told;
}

static bool follow_once(struct alter *a, enum storage_kind kind, bool *settled)
{
	if (!begin_follow(a) || !alter_columns(a, kind) || (a->now->told && !read_layout(a)))
		return false;
	*settled = !a->now->told || is_settled(a);
	return true;
}

/* Another process may follow the same change at the same time: then a step of ours finds it done. */
static bool follow(struct clickhouse_sink *s, const struct landing *landing, enum storage_kind kind,
	const struct table *old, struct error *err)
{
	CLEANUP(free_string) char *part = part_name(s, landing, kind);
	bool ok = false, settled = false;

	for (int attempt = 0; attempt < MOST_ATTEMPTS && !settled; attempt++) {
		struct alter a = {
			.sink = s, .storage = part, .old = old, .now = landing->table, .err = err};
		error_clear(err);
		buf_init(&a.sql, BUF_MAX);
		ok = follow_once(&a, kind, &settled);
		release_alter(&a);
		layout_forget(s, part);
		if (!ok && err->kind != ERROR_TABLE)
			return false;
	}
	if (ok && !settled)
		return error_set(err, ERROR_RETRY,
			"%s.%s: other processes follow other definitions of it meanwhile",
			part_database(s), part);
	return ok;
}

/* Can all its storages follow as they are? */
static bool find_in_place(struct clickhouse_sink *s, const struct landing *landing,
	const struct table *old, bool *in_place, struct error *err)
{
	bool ok = true;

	*in_place = can_follow(old, landing->table);
	for (enum storage_kind kind = 0; ok && *in_place && kind < N_STORAGE_KINDS; kind++) {
		CLEANUP(free_string) char *part = part_name(s, landing, kind);
		struct alter a = {
			.sink = s, .storage = part, .old = old, .now = landing->table, .err = err};
		if (!table_keeps(landing->table, kind))
			continue;
		buf_init(&a.sql, BUF_MAX);
		ok = read_layout(&a);
		*in_place = ok && storage_follows(&a);
		release_alter(&a);
	}
	return ok;
}

bool clickhouse_evolve(struct sink *sink, const struct landing *landing, const struct table *old,
	bool *in_place, struct error *err)
{
	struct clickhouse_sink *s = clickhouse_sink_of(sink);
	const struct table *now = landing->table;

	if (!find_in_place(s, landing, old, in_place, err))
		return false;
	for (enum storage_kind kind = 0; *in_place && kind < N_STORAGE_KINDS; kind++) {
		CLEANUP(free_string) char *storage = storage_name(s, landing, kind);
		CLEANUP(free_string) char *part = part_name(s, landing, kind);
		if (!table_keeps(now, kind))
			continue;
		if (!follow(s, landing, kind, old, err) ||
			!cluster_spread(
				s, landing, kind, &(struct spread){storage, part, true}, err) ||
			(!landing->building && !view_update(s, now, kind, err)))
			return false;
	}
	return true;
}
