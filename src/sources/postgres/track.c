/*
 * From relations of the log to tables. A Relation message gives names alone, so the catalog is asked
 * which columns they are, before the first row behind it is taken. Where the catalog is ahead of the log,
 * the definition known so far may still be the right one; where that cannot be told, the track is lost:
 * BUNDLE_RECOPY, and rows are left out until the log has passed the place where the catalog was read. The copy
 * made anew holds them all, since its fence is taken later than that.
 */
#include <poll.h>
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "sources/postgres/wal.h"

#define WAL_PAGE      8192
#define PAGE_HEADER   24
#define LONG_HEADER   40
#define LOAD_ATTEMPTS 10
#define SEEN_MOST_MS  2000
#define SEEN_EVERY_MS 5

struct pg_tracked *pg_tracked_find(struct pg_log *log, uint32_t oid)
{
	return map_get(&log->tracked, &oid, sizeof oid);
}

struct pg_tracked *pg_tracked_get(struct pg_log *log, uint32_t oid)
{
	struct pg_tracked *t = pg_tracked_find(log, oid);
	if (t)
		return t;
	t = xcalloc(1, sizeof *t);
	t->oid = oid;
	map_put(&log->tracked, &oid, sizeof oid, t);
	return t;
}

void pg_tracked_forget(struct pg_tracked *t)
{
	pg_relation_free(t->relation);
	pg_relation_free(t->seen);
	t->relation = t->seen = NULL;
	pg_shape_release(&t->shape);
	t->settled = t->lost = false;
}

void pg_tracked_free(struct pg_tracked *t)
{
	pg_tracked_forget(t);
	pg_shape_release(&t->message);
	free(t->map);
	free(t);
}

void pg_tracked_described(struct pg_tracked *t, const struct pgoutput_relation *message)
{
	pg_shape_from_message(&t->message, message);
	t->settled = false;
}

static bool same_text(const char *a, const char *b)
{
	return !strcmp(a ? a : "", b ? b : "");
}

bool pg_relation_same(const struct pg_relation *a, const struct pg_relation *b)
{
	return table_same_definition(a->table, b->table) && a->keyed == b->keyed &&
	       pg_physical_same(a->table->physical, b->table->physical) &&
	       same_text(a->table->schema, b->table->schema) &&
	       same_text(a->table->name, b->table->name) &&
	       same_text(a->table->target, b->table->target) &&
	       same_text(a->table->problem, b->table->problem);
}

/* The insert position of an idle server may stand behind a page's header, where no record ends. */
static uint64_t without_page_header(uint64_t lsn)
{
	uint64_t within = lsn % WAL_PAGE;
	return within == PAGE_HEADER || within == LONG_HEADER ? lsn - within : lsn;
}

bool pg_log_insert_end(struct pg_log *log, uint64_t *lsn, struct error *err)
{
	CLEANUP(pg_free_result)
	/* the commit of our own transaction has the WAL writer flush what lies before it: an idle server
	 * would leave it unflushed, and so undecoded, for many seconds */
	PGresult *end = pg_query(log->p->control, err, "SELECT %s",
		log->p->standby ? "pg_last_wal_replay_lsn()"
				: "pg_current_wal_insert_lsn(), pg_current_xact_id()");
	if (!end)
		return false;
	*lsn = without_page_header(pg_lsn_parse(pg_value(end, 0, 0)));
	return true;
}

/* --- Shapes from the catalog --------------------------------------------------------------------- */

static void add_column(
	struct pg_shape *s, const PGresult *columns, int row, const struct table *table)
{
	int attribute = atoi(pg_value(columns, row, 0));
	int column = table_column_by_attribute(table, attribute);
	pg_shape_add(s, (struct pg_shape_column){
				.name = pg_value(columns, row, 1),
				.type = (uint32_t)pg_value_u64(columns, row, 2),
				.typmod = atoi(pg_value(columns, row, 3)),
				.attribute = attribute,
				.key = column >= 0 && table->columns[column].key,
			});
}

static void build_shape(
	const PGresult *columns, const struct table *table, bool generated, struct pg_shape *out)
{
	size_t n = (size_t)PQntuples(columns), name_bytes = 0;
	for (size_t row = 0; row < n; row++)
		name_bytes += (size_t)PQgetlength(columns, (int)row, 1) + 1;
	pg_shape_release(out);
	pg_shape_init(out, n, name_bytes);
	out->attributes = (int)n;
	for (int row = 0; row < out->attributes; row++) {
		char kind = pg_value(columns, row, 5)[0];
		if (pg_value_bool(columns, row, 4))
			out->dropped++;
		else if (!kind || (kind == 's' && generated))
			add_column(out, columns, row, table);
	}
}

static bool load_shape(
	struct pg_log *log, const struct pg_relation *r, struct pg_shape *out, struct error *err)
{
	CLEANUP(pg_free_result)
	PGresult *columns = pg_query(log->p->control, err,
		"SELECT attnum, attname, atttypid, atttypmod, attisdropped, attgenerated"
		" FROM pg_attribute WHERE attrelid = %u AND attnum > 0 ORDER BY attnum",
		r->oid);
	if (!columns)
		return false;
	build_shape(columns, r->table, pg_publishes_generated(log->p, log->p->control), out);
	return true;
}

/* Were the table and its shape read on the same side of every ALTER TABLE? */
static bool shape_is_of(const struct pg_shape *s, const struct pg_relation *r)
{
	size_t found = 0;
	for (uint16_t i = 0; i < s->n; i++) {
		int column = table_column_by_attribute(r->table, s->columns[i].attribute);
		if (column < 0)
			continue;
		if (!same_text(r->table->columns[column].name, s->columns[i].name) ||
			r->columns[column].type != s->columns[i].type ||
			r->columns[column].typmod != s->columns[i].typmod)
			return false;
		found++;
	}
	return found == r->table->n_columns;
}

/* What the catalog says now; *relation NULL where the table is gone or not selected. */
struct reading {
	struct pg_relation *relation;
	struct pg_shape shape;
	uint64_t lsn;
};

static void reading_release(struct reading *now)
{
	pg_relation_free(now->relation);
	now->relation = NULL;
	pg_shape_release(&now->shape);
}

/* Which versions of its rows the catalogs have of a table, its columns and its indexes; "": it is gone. */
static bool catalog_stamp(
	struct pg_log *log, uint32_t oid, char *out, size_t size, struct error *err)
{
	CLEANUP(pg_free_result)
	PGresult *stamp = pg_query(log->p->control, err,
		"SELECT hashtextextended(concat_ws(' ', c.xmin,"
		" (SELECT string_agg(concat(attnum, ':', xmin), ',' ORDER BY attnum)"
		" FROM pg_attribute WHERE attrelid = c.oid),"
		" (SELECT string_agg(concat(indexrelid, ':', xmin), ',' ORDER BY indexrelid)"
		" FROM pg_index WHERE indrelid = c.oid)), 0) FROM pg_class c WHERE c.oid = %u",
		oid);
	if (stamp)
		snprintf(out, size, "%s", PQntuples(stamp) ? pg_value(stamp, 0, 0) : "");
	return stamp != NULL;
}

static bool read_once(struct pg_log *log, uint32_t oid, struct reading *now, struct error *err)
{
	struct error why = {0};
	now->relation = pg_relation_load(log->p, log->p->control, oid, &why);
	if (!now->relation && why.kind != ERROR_NONE) {
		*err = why;
		return false;
	}
	if (now->relation && now->relation->oid != oid) /* a leaf: its rows come as its root's */
		reading_release(now);
	failpoint("postgres.relation_read");
	return (!now->relation || load_shape(log, now->relation, &now->shape, err)) &&
	       pg_log_insert_end(log, &now->lsn, err);
}

/* The table, its shape and the end of the log as of one moment: what is altered in between would be neither in the
 * definition nor in the rows behind that place. */
static bool read_catalog(struct pg_log *log, uint32_t oid, struct reading *now, struct error *err)
{
	for (int i = 0; i < LOAD_ATTEMPTS; i++) {
		char before[32], after[32];
		*now = (struct reading){0};
		bool ok = catalog_stamp(log, oid, before, sizeof before, err) &&
			  read_once(log, oid, now, err) &&
			  catalog_stamp(log, oid, after, sizeof after, err);
		if (ok && !strcmp(before, after) &&
			(!now->relation || shape_is_of(&now->shape, now->relation)))
			return true;
		reading_release(now);
		if (!ok)
			return false;
	}
	return error_set(
		err, ERROR_RETRY, "a table is being altered again and again while it is looked at");
}

/* --- What is in force ---------------------------------------------------------------------------- */

static void take(struct pg_log *log, struct pg_tracked *t, struct reading *now)
{
	pg_watch_outdated(log, t->oid);
	pg_relation_free(t->relation);
	pg_shape_release(&t->shape);
	pg_relation_free(t->seen);
	t->seen = NULL;
	t->relation = now->relation;
	t->shape = now->shape;
	t->read_lsn = t->shape_lsn = now->lsn;
	t->settled = t->lost = false;
	*now = (struct reading){0};
}

bool pg_tracked_adopt(struct pg_log *log, struct pg_tracked *t, struct pg_relation *r,
	uint64_t read_lsn, struct error *err)
{
	struct reading now = {.relation = r, .lsn = read_lsn};
	if (!load_shape(log, r, &now.shape, err)) {
		pg_relation_free(r);
		return false;
	}
	/* A table that was altered in between is not known by this: the next look at it will tell. */
	if (!shape_is_of(&now.shape, r))
		pg_shape_release(&now.shape);
	take(log, t, &now);
	return true;
}

static void map_columns(struct pg_tracked *t, const struct pg_shape *shape)
{
	t->map = xrealloc(t->map, (t->message.n + 1u) * sizeof *t->map);
	for (uint16_t i = 0; i < t->message.n; i++)
		t->map[i] = (int16_t)table_column_by_attribute(
			t->relation->table, shape->columns[i].attribute);
	t->fill_null = t->message.n < shape->n;
	t->settled = true;
}

/* Of a message's column: that of the key which has this name and type; -1: none. */
static int key_column(const struct pg_relation *r, const struct pg_shape_column *in_message)
{
	for (size_t i = 0; i < r->table->n_key; i++) {
		int column = (int)r->table->key[i];
		if (in_message->key &&
			strcmp(r->table->columns[column].name, in_message->name) == 0 &&
			r->columns[column].type == in_message->type &&
			r->columns[column].typmod == in_message->typmod)
			return column;
	}
	return -1;
}

static bool map_key(struct pg_tracked *t, const struct pg_relation *r)
{
	size_t found = 0;
	if (!r || r->table->problem)
		return false;
	for (uint16_t i = 0; i < t->message.n; i++) {
		t->map[i] = (int16_t)key_column(r, &t->message.columns[i]);
		found += t->map[i] >= 0;
	}
	return found && found == r->table->n_key;
}

struct pg_relation *pg_tracked_map_key(struct pg_tracked *t)
{
	t->map = xrealloc(t->map, (t->message.n + 1u) * sizeof *t->map);
	return map_key(t, t->seen) ? t->seen : map_key(t, t->relation) ? t->relation : NULL;
}

static void adopt_changed(
	struct pg_log *log, struct bundle *bundle, struct pg_tracked *t, struct reading *now)
{
	bool had = t->relation != NULL;
	take(log, t, now);
	bundle_add(bundle, BUNDLE_TABLE, t->relation->table);
	log_info(had ? "table changed in the source" : "table is new in the log",
		F("stream", log->p->source.name), F("table", t->relation->sql_name));
}

static void lose(struct pg_log *log, struct bundle *bundle, struct pg_tracked *t,
	struct reading *now, const char *reason)
{
	/* copied as the catalog has it: the changes that filled its newest columns are among those left out */
	struct bundle_item *item = bundle_add(bundle, BUNDLE_RECOPY, now->relation->table);
	snprintf(item->reason, sizeof item->reason, "%s", reason);
	log_warn("the log cannot carry the table on; it is copied anew",
		F("stream", log->p->source.name), F("table", now->relation->sql_name),
		F("reason", reason));
	pg_watch_outdated(log, t->oid);
	pg_relation_free(t->seen);
	t->seen = now->relation;
	now->relation = NULL;
	t->lost = true;
	t->lost_until = now->lsn;
	t->settled = false;
}

/* Columns added since can be filled in when rows from before them have NULL there. */
static bool added_are_null(const struct pg_shape *message, const struct reading *now)
{
	for (uint16_t i = message->n; i < now->shape.n; i++) {
		const struct table *table = now->relation->table;
		int column = table_column_by_attribute(table, now->shape.columns[i].attribute);
		if (column >= 0 &&
			(!table->columns[column].type.nullable || table->columns[column].missing))
			return false;
	}
	return true;
}

/* The definition stays; its files, where they are others, are for pg_watch_tick() to judge in time. */
static void keep(struct pg_tracked *t, struct reading *now)
{
	pg_shape_release(&t->shape);
	t->shape = now->shape;
	t->shape_lsn = now->lsn;
	now->shape = (struct pg_shape){0};
}

/* Under FULL rows from before another key look as those behind it, but it does not tell them apart. */
static bool key_is_ahead(const struct pg_tracked *t, const struct reading *now)
{
	return t->message.identity == 'f' &&
	       !table_same_key(t->relation->table, now->relation->table);
}

/* The catalog's definition is that of the rows that follow. */
static void settle_now(
	struct pg_log *log, struct bundle *bundle, struct pg_tracked *t, struct reading *now)
{
	bool still = t->lost && t->seen && pg_relation_same(t->seen, now->relation);
	if (!t->relation || still) {
		adopt_changed(log, bundle, t, now);
		return;
	}
	bool rewritten = !pg_physical_same(
		t->relation->table->physical, now->relation->table->physical);
	bool same = table_same_definition(t->relation->table, now->relation->table);
	if (same && !t->lost)
		keep(t, now);
	else if (rewritten)
		lose(log, bundle, t, now, "it was altered and rewritten");
	else if (key_is_ahead(t, now))
		lose(log, bundle, t, now, "its key changed, which the log does not tell");
	else
		adopt_changed(log, bundle, t, now);
}

static void settle_unclear(
	struct pg_log *log, struct bundle *bundle, struct pg_tracked *t, struct reading *now)
{
	if (now->relation) {
		lose(log, bundle, t, now, "its columns in the log are not those in the catalog");
		return;
	}
	/* it is gone, and what it was is not known: nothing can be said of these rows */
	t->lost = true;
	t->lost_until = now->lsn;
}

static void settle(struct pg_log *log, struct bundle *bundle, struct pg_tracked *t,
	struct reading *now, enum pg_shape_match match)
{
	switch (match) {
	case SHAPE_ADDED:
		if (!added_are_null(&t->message, now)) {
			lose(log, bundle, t, now,
				"a column was added whose value in rows from before is not in the "
				"log");
			break;
		}
		settle_now(log, bundle, t, now);
		break;
	case SHAPE_NOW: settle_now(log, bundle, t, now); break;
	case SHAPE_KNOWN:
		if (t->lost)
			bundle_add(bundle, BUNDLE_TABLE, t->relation->table);
		t->lost = false;
		break;
	case SHAPE_UNCLEAR: settle_unclear(log, bundle, t, now); break;
	}
	if (!t->lost && t->relation && t->shape.columns && match != SHAPE_UNCLEAR)
		map_columns(t, &t->shape);
}

static bool settle_with(struct pg_log *log, struct bundle *bundle, struct pg_tracked *t,
	struct reading *now, struct error *err)
{
	bool before = t->shape_lsn <= log->apply.commit_lsn;
	const struct pg_shape *known = t->relation && t->shape.columns ? &t->shape : NULL;
	bool still = t->lost && t->seen && now->relation &&
		     pg_relation_same(t->seen, now->relation);
	if (still)
		known = NULL; /* the log has come to where the catalog was like this already */
	enum pg_shape_match match = pg_shape_compare(
		&t->message, known, before, now->relation ? &now->shape : NULL);
	if (still && match != SHAPE_NOW) {
		t->lost_until = now->lsn;
		return error_set(err, ERROR_TABLE,
			"the log carries other columns of it than the table has; does a "
			"publication name its columns?");
	}
	settle(log, bundle, t, now, match);
	return true;
}

/* A commit is in the log before snapshots see it: the catalog may not show yet what the open transaction made of the
 * table. One that waits for a standby is not waited for long. */
static bool wait_until_seen(struct pg_log *log, struct error *err)
{
	int64_t until_ms = mono_ms() + SEEN_MOST_MS;
	bool seen = false;
	while (!seen) {
		CLEANUP(pg_free_result)
		PGresult *runs = pg_query(log->p->control, err,
			"SELECT FROM pg_locks WHERE locktype = 'transactionid' AND granted AND "
			"transactionid = '%u'::xid",
			log->apply.xid);
		if (!runs)
			return false;
		seen = !PQntuples(runs) || mono_ms() >= until_ms;
		if (!seen)
			poll(NULL, 0, SEEN_EVERY_MS);
	}
	return true;
}

bool pg_tracked_settle(
	struct pg_log *log, struct bundle *bundle, struct pg_tracked *t, struct error *err)
{
	struct reading now;
	bool ok = true;
	if (!t->message.columns)
		return error_set(err, ERROR_BROKEN,
			"the log has rows of relation %u, which it never described", t->oid);
	if (!wait_until_seen(log, err) || !read_catalog(log, t->oid, &now, err))
		return error_add(err, "relation %u of the log", t->oid);
	if (t->relation && t->relation->table->problem)
		t->settled = true; /* pg_watch_tick() sees when that is mended */
	else if (now.relation && now.relation->table->problem && !t->relation)
		t->settled = true;
	else if (!now.relation && !t->relation)
		t->settled = true;
	else
		ok = settle_with(log, bundle, t, &now, err);
	reading_release(&now);
	return ok;
}

bool pg_tracked_takes_null(struct pg_log *log, struct bundle *bundle, struct pg_tracked *t,
	int column, struct error *err)
{
	struct error why = {0};
	struct pg_relation *wider = pg_relation_with_null(log->p, t->relation, column, &why);
	struct reading now;
	if (wider) {
		pg_relation_free(t->relation);
		t->relation = wider;
		bundle_add(bundle, BUNDLE_TABLE, wider->table);
		pg_watch_again(log); /* the catalog's own is taken once the log has come there */
		return true;
	}
	if (!read_catalog(log, t->oid, &now, err))
		return false;
	if (now.relation)
		lose(log, bundle, t, &now,
			"a column has NULLs in the log, and takes none any more");
	reading_release(&now);
	return true;
}

/* --- TRUNCATE ------------------------------------------------------------------------------------ */

/* Did the open transaction give every leaf the file that it has? (Not so when a subtransaction did, or when
 * something else touched the table since: then it is copied anew, which is right as well.) */
static bool files_are_of(
	struct pg_log *log, uint32_t oid, uint32_t xid, bool *yes, struct error *err)
{
	CLEANUP(pg_free_result)
	PGresult *others = pg_query(log->p->control, err,
		"WITH RECURSIVE tree(oid) AS (SELECT %u::oid UNION ALL SELECT i.inhrelid FROM tree "
		"t"
		" JOIN pg_class c ON c.oid = t.oid AND c.relkind = 'p' JOIN pg_inherits i ON "
		"i.inhparent = t.oid)"
		" SELECT FROM tree t JOIN pg_class c ON c.oid = t.oid WHERE c.relkind <> 'p'"
		" AND c.xmin <> '%u'::xid",
		oid, xid);
	*yes = others && !PQntuples(others);
	return others != NULL;
}

static bool same_labels(const struct pg_relation *a, const struct pg_relation *b)
{
	return same_text(
		strstr(a->table->physical, " labels "), strstr(b->table->physical, " labels "));
}

bool pg_tracked_truncated(struct pg_log *log, struct pg_tracked *t, struct error *err)
{
	struct reading now;
	bool yes;
	if (t->lost)
		return true;
	if (!read_catalog(log, t->oid, &now, err))
		return false;
	bool ok = files_are_of(log, t->oid, log->apply.xid, &yes, err);
	if (ok && yes && now.relation && same_labels(now.relation, t->relation) &&
		table_same_definition(now.relation->table, t->relation->table))
		take(log, t, &now);
	reading_release(&now);
	return ok;
}
