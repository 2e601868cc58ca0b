/*
 * What the stream does not tell: tables that appear, are dropped or no longer selected, columns that
 * changed and no row since, files that were rewritten, leaves attached or detached, enum labels renamed,
 * tables that left the publication. About every second a glance tells whether the catalogs may have changed,
 * a hash over what is of interest whether they have. What is found was written before the end of the log at that moment: it is acted upon once the
 * log has been read up to there, so that rows from before are taken for what they were. New tables need no such
 * wait, since no row of theirs is in the log before they are published.
 */
#include <stdio.h>
#include "base/clock.h"
#include "base/log.h"
#include "sources/postgres/publish.h"

#define LEAST_MS   1000
#define MOST_MS    30000
#define HASH_SHARE 200 /* of the time, at most one part in so many goes into the hash */
#define LOOK_SHARE 20  /* and, while the catalogs change, into looking at them */
#define AGAIN_MS   30000
#define LOCK_MS    2000
#define OWN_OID    "16384" /* FirstNormalObjectId */

/* What of the catalogs matters to us. Each row goes into the hash by its identity and the transaction that wrote it. */
static const struct {
	const char *row, *id, *from;
} catalogs[] = {
	{"c", "c.oid::bigint",
		"pg_class c WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND c.oid "
		">= " OWN_OID},
	{"a", "a.attrelid::bigint << 16 | a.attnum",
		"pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE a.attnum > 0"
		" AND a.attrelid >= " OWN_OID
		" AND c.relkind IN ('r', 'p', 'c') AND c.relpersistence <> 't'"},
	{"i", "i.indexrelid::bigint",
		"pg_index i WHERE i.indexrelid >= " OWN_OID
		" AND (i.indisprimary OR i.indisreplident)"},
	{"h", "h.inhrelid::bigint", "pg_inherits h"},
	{"e", "e.oid::bigint", "pg_enum e"},
	{"t", "t.oid::bigint", "pg_type t WHERE t.typtype = 'd' AND t.oid >= " OWN_OID},
	{"n", "n.oid::bigint", "pg_namespace n"},
	{"b", "b.oid::bigint", "pg_publication b"},
	{"r", "r.oid::bigint", "pg_publication_rel r"},
};

/* How often those catalogs were written to, as the statistics have it, which may be late: a change of it is worth a
 * look, no change says nothing. By oid: class, attribute, index, inherits, enum, type, namespace, publication,
 * publication_rel. */
#define WRITES                                                                                  \
	"(SELECT sum(pg_stat_get_tuples_inserted(oid) + pg_stat_get_tuples_updated(oid)"        \
	" + pg_stat_get_tuples_deleted(oid)) FROM unnest('{1259,1249,2610,2611,3501,1247,2615," \
	"6104,6106}'::oid[]) AS oid)"

void pg_watch_release(struct pg_watch *w)
{
	pg_relations_release(&w->changed);
	map_release(&w->present);
	*w = (struct pg_watch){0};
}

/* --- What the log has come to --------------------------------------------------------------------- */

void pg_watch_again(struct pg_log *log)
{
	log->watch.again = true;
	log->watch.again_ms = mono_ms() + LEAST_MS;
}

static const char *what_changed(const struct pg_relation *was, const struct pg_relation *now)
{
	if (now->table->problem)
		return now->table->problem;
	if (was->table->problem)
		return "what was wrong with it is mended";
	if (!pg_physical_same(was->table->physical, now->table->physical))
		return "it was rewritten, or its partitions or enum labels changed";
	if (!table_same_definition(was->table, now->table))
		return "its columns or its key changed";
	return "its name changed";
}

static bool adopt(struct pg_log *log, struct bundle *bundle, struct pg_relation *now, uint64_t lsn,
	struct error *err)
{
	struct pg_tracked *t = pg_tracked_get(log, now->oid);
	log_info(t->relation ? "table changed in the source" : "table appeared in the source",
		F("stream", log->p->source.name), F("table", now->sql_name),
		F("what", t->relation ? what_changed(t->relation, now) : "new"));
	if (now->rows.table && pg_rows_text_stream(&now->rows) && !log->text)
		log->text = log->reopen = true;
	if (!pg_tracked_adopt(log, t, now, lsn, err))
		return false;
	bundle_add(bundle, BUNDLE_TABLE, now->table);
	return true;
}

static bool is_present(const struct pg_watch *w, uint32_t oid)
{
	return map_get(&w->present, &oid, sizeof oid) != NULL;
}

static void drop_absent(struct pg_log *log, struct bundle *bundle)
{
	size_t i = 0, key_len;
	const void *key;
	void *value;
	while (map_next(&log->tracked, &i, &key, &key_len, &value)) {
		struct pg_tracked *t = value;
		if (!t->relation || t->read_lsn > log->watch.pending_lsn ||
			is_present(&log->watch, t->oid))
			continue;
		log_info("table is gone, or no longer selected", F("stream", log->p->source.name),
			F("table", t->relation->sql_name));
		bundle_add(bundle, BUNDLE_DROPPED, t->relation->table);
		pg_tracked_forget(t);
	}
}

void pg_watch_outdated(struct pg_log *log, uint32_t oid)
{
	struct pg_watch *w = &log->watch;
	vec_each (&w->changed, r) {
		if (!*r || (*r)->oid != oid)
			continue;
		pg_relation_free(*r);
		*r = NULL;
		pg_watch_again(log);
	}
}

/* Rows of a table whose track was lost are left out for a while longer: it is looked at again then. */
static bool is_stale(struct pg_log *log, const struct pg_relation *now)
{
	const struct pg_tracked *t = pg_tracked_find(log, now->oid);
	return t && t->relation && t->lost && log->position < t->lost_until;
}

static bool act(struct pg_log *log, struct bundle *bundle, struct error *err)
{
	struct pg_watch *w = &log->watch;
	bool ok = true;
	drop_absent(log, bundle);
	vec_each (&w->changed, r) {
		struct pg_relation *now = *r;
		if (!now)
			continue;
		struct pg_tracked *t = pg_tracked_find(log, now->oid);
		*r = NULL;
		bool stale = is_stale(log, now);
		if (stale)
			pg_watch_again(log);
		if (!ok || stale || (t && t->relation && pg_relation_same(t->relation, now)))
			pg_relation_free(now);
		else
			ok = adopt(log, bundle, now, w->pending_lsn, err);
	}
	w->changed.len = 0;
	w->pending = false;
	return ok;
}

/* --- Looking -------------------------------------------------------------------------------------- */

/* age() is the cheapest way to a number of xmin; the difference to any fixed one does not change as time goes by. */
static bool fingerprint(struct pg_log *log, char *out, size_t size, struct error *err)
{
	struct buf sql;
	buf_init(&sql, BUF_MAX);
	for (size_t i = 0; i < COUNT_OF(catalogs); i++)
		buf_printf(&sql,
			"%s(SELECT count(*) || ':' || "
			"bit_xor(hashint8extended(age(%s.xmin)::bigint - age('1000'::xid), %s))"
			" FROM %s)",
			i ? ", " : "SELECT concat_ws(' ', ", catalogs[i].row, catalogs[i].id,
			catalogs[i].from);
	CLEANUP(pg_free_result)
	PGresult *result = pg_query(log->p->control, err, "%s)", buf_text(&sql));
	buf_release(&sql);
	if (result)
		snprintf(out, size, "%s", pg_value(result, 0, 0));
	return result != NULL;
}

/* A table of this name is there under another oid: it was dropped and made again, and that comes first. */
static bool takes_a_name(struct pg_log *log, const struct pg_relation *now)
{
	size_t i = 0, key_len;
	const void *key;
	void *value;
	while (map_next(&log->tracked, &i, &key, &key_len, &value)) {
		const struct pg_tracked *t = value;
		if (t->relation && t->oid != now->oid &&
			!strcmp(t->relation->sql_name, now->sql_name))
			return true;
	}
	return false;
}

struct looking {
	struct pg_relations found;
	struct pg_published published;
	bool unpublished; /* the publications cannot be used */
	struct error why;
};

static bool was_added(const struct looking *l, uint32_t oid)
{
	vec_each (&l->published.added, added)
		if (*added == oid)
			return true;
	return false;
}

/* Tables that could not be published are shown as broken, and tried again. NULL: it could. */
static const char *why_unpublished(const struct looking *l, uint32_t oid, bool known)
{
	const char *why = pg_refused(&l->published, oid);
	return why || known || !l->unpublished ? why : l->why.text;
}

/* Changes that were made while it was not published are in no log. */
static void recopy(struct pg_log *log, struct bundle *bundle, const struct pg_tracked *t)
{
	struct bundle_item *item = bundle_add(bundle, BUNDLE_RECOPY, t->relation->table);
	snprintf(item->reason, sizeof item->reason, "it was not in the publication");
	log_warn("table was not in the publication; it is published from here on, and copied anew",
		F("stream", log->p->source.name), F("table", t->relation->sql_name));
	bundle_add(bundle, BUNDLE_TABLE, t->relation->table);
}

/* One of the tables that are there now. Takes it. */
static bool consider(struct pg_log *log, struct bundle *bundle, struct looking *l,
	struct pg_relation *now, struct error *err)
{
	struct pg_watch *w = &log->watch;
	struct pg_tracked *t = pg_tracked_find(log, now->oid);
	bool known = t && t->relation;
	const char *why = why_unpublished(l, now->oid, known);
	if (why)
		pg_relation_unpublished(now, why);
	else if (known && was_added(l, now->oid) && t->relation->keyed == now->keyed &&
		 !t->relation->table->problem)
		recopy(log, bundle, t);
	if (!known && !takes_a_name(log, now))
		return adopt(log, bundle, now, log->server_end, err);
	if ((known && pg_relation_same(t->relation, now)) || w->pending) {
		w->again = w->again || !known || !pg_relation_same(t->relation, now);
		pg_relation_free(now);
		return true;
	}
	vec_push(&w->changed, now);
	return true;
}

static bool any_dropped(struct pg_log *log)
{
	size_t i = 0, key_len;
	const void *key;
	void *value;
	while (map_next(&log->tracked, &i, &key, &key_len, &value)) {
		const struct pg_tracked *t = value;
		if (t->relation && !is_present(&log->watch, t->oid))
			return true;
	}
	return false;
}

static void note_present(struct pg_watch *w, const struct pg_relations *found)
{
	map_clear(&w->present);
	vec_each (found, r)
		map_put(&w->present, &(*r)->oid, sizeof(*r)->oid, w);
}

static bool publish(struct pg_log *log, struct looking *l, struct error *err)
{
	if (pg_publications_ensure(log->p, &l->found, LOCK_MS, &l->published, &l->why)) {
		log->watch.again = log->watch.again || l->published.refused.len > 0;
		return true;
	}
	if (PQstatus(log->p->control) != CONNECTION_OK) {
		*err = l->why;
		return false;
	}
	log_warn("publication could not be changed", F("stream", log->p->source.name),
		F("reason", l->why.text));
	l->unpublished = log->watch.again = true;
	return true;
}

static bool consider_all(struct pg_log *log, struct bundle *bundle, struct looking *l, uint64_t lsn,
	struct error *err)
{
	struct pg_watch *w = &log->watch;
	bool ok = true;
	if (!w->pending)
		note_present(w, &l->found);
	vec_each (&l->found, r) {
		if (ok)
			ok = consider(log, bundle, l, *r, err);
		else
			pg_relation_free(*r);
	}
	l->found.len = 0;
	if (ok && !w->pending && (w->changed.len || any_dropped(log))) {
		w->pending = true;
		w->pending_lsn = lsn;
	}
	return ok;
}

static bool look(struct pg_log *log, struct bundle *bundle, struct error *err)
{
	struct looking l = {0};
	uint64_t lsn;
	log->watch.again = false;
	if (!pg_discover(log->p, log->p->control, &l.found, err))
		return false;
	bool ok = pg_log_insert_end(log, &lsn, err) && publish(log, &l, err) &&
		  consider_all(log, bundle, &l, lsn, err);
	pg_relations_release(&l.found);
	pg_published_release(&l.published);
	return ok;
}

/* --- How far behind ------------------------------------------------------------------------------- */

static void judge_backlog(struct pg_log *log)
{
	uint64_t backlog = log->server_end > log->position ? log->server_end - log->position : 0;
	uint64_t large = (uint64_t)log->p->bulk_bytes;
	if (backlog < large)
		log->bulk_off = false;
	if (!large || log->bulk_off || backlog < large || log->mode != LOG_STREAM)
		log->large_backlogs = 0;
	else
		log->large_backlogs++;
	log->want_bulk = log->large_backlogs > 1;
}

/* --- When ----------------------------------------------------------------------------------------- */

static void rest(int64_t *until_ms, int64_t cost_us, int64_t share)
{
	int64_t ms = cost_us * share / 1000;
	int64_t then_ms = mono_ms() + (ms < LEAST_MS ? LEAST_MS : ms > MOST_MS ? MOST_MS : ms);
	*until_ms = then_ms > *until_ms ? then_ms : *until_ms;
}

static bool is_due(const struct pg_watch *w)
{
	int64_t now_ms = mono_ms();
	return now_ms >= w->hash_ms || (w->touched && now_ms >= w->touched_ms) ||
	       (w->again && now_ms >= w->again_ms);
}

static bool look_if_changed(struct pg_log *log, struct bundle *bundle, struct error *err)
{
	struct pg_watch *w = &log->watch;
	char now[sizeof w->fingerprint];
	int64_t began_us = mono_us();
	if (!fingerprint(log, now, sizeof now, err))
		return false;
	w->touched = false;
	rest(&w->hash_ms, mono_us() - began_us, HASH_SHARE);
	rest(&w->touched_ms, mono_us() - began_us, LOOK_SHARE);
	if (!strcmp(now, w->fingerprint) && !(w->again && mono_ms() >= w->again_ms))
		return true;
	memcpy(w->fingerprint, now, sizeof now);
	began_us = mono_us();
	if (!look(log, bundle, err))
		return false;
	rest(&w->hash_ms, mono_us() - began_us, LOOK_SHARE);
	rest(&w->touched_ms, mono_us() - began_us, LOOK_SHARE);
	w->again_ms = mono_ms() + AGAIN_MS;
	return true;
}

/* One cheap query a second: is anything worth more? An idle server's catalog has not changed. */
static bool glance(struct pg_log *log, bool *worth, struct error *err)
{
	struct pg_watch *w = &log->watch;
	CLEANUP(pg_free_result)
	PGresult *found = pg_query(log->p->control, err, "SELECT %s, %s, pg_is_in_recovery()",
		pg_wal_end_sql(log->p), WRITES);
	if (!found)
		return false;
	if (pg_value_bool(found, 0, 2) != log->p->standby)
		return error_set(err, ERROR_GAP,
			"the standby was promoted: its log goes on, on another timeline");
	uint64_t writes = pg_value_u64(found, 0, 1);
	log->server_end = pg_lsn_parse(pg_value(found, 0, 0));
	w->touched = w->touched || writes != w->writes;
	*worth = log->server_end != w->looked_at || w->touched || w->again;
	w->writes = writes;
	return true;
}

/* Tables that had to be published again at the start, once. */
static void recopy_readded(struct pg_log *log, struct bundle *bundle)
{
	vec_each (&log->readded, oid) {
		const struct pg_tracked *t = pg_tracked_find(log, *oid);
		if (t && t->relation && !t->relation->table->problem)
			recopy(log, bundle, t);
	}
	log->readded.len = 0;
}

bool pg_watch_tick(struct pg_log *log, struct bundle *bundle, struct error *err)
{
	struct pg_watch *w = &log->watch;
	recopy_readded(log, bundle);
	if (w->pending && !log->apply.in_transaction && log->position >= w->pending_lsn &&
		!act(log, bundle, err))
		return error_add(err, "following the tables");
	if (mono_ms() < w->next_ms)
		return true;
	w->next_ms = mono_ms() + LEAST_MS;
	bool worth = false;
	if (!glance(log, &worth, err))
		return error_add(err, "looking at the server");
	judge_backlog(log);
	if (!worth || !is_due(w))
		return true;
	w->looked_at = log->server_end;
	return look_if_changed(log, bundle, err) || error_add(err, "looking at the tables");
}
