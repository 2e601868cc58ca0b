/*
 * Where reading begins, and whether it may: who the server is, whether the slot still holds what comes
 * behind the recorded position, and, on a first start, the publications and the slot made. Whatever is missing
 * behind a recorded position is a gap and said to be one, never bridged.
 */
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/log.h"
#include "sources/postgres/publish.h"

#define LOCK_MS         10000
#define STATUS_MS       10000
#define STATUS_LEAST_MS 1000

static void release_tracked(struct map *tracked)
{
	size_t i = 0, key_len;
	const void *key;
	void *value;
	while (map_next(tracked, &i, &key, &key_len, &value))
		pg_tracked_free(value);
	map_release(tracked);
}

void pg_log_close(struct postgres *p)
{
	struct pg_log *log = p->log;
	if (!log)
		return;
	p->log = NULL;
	pg_log_disconnect(log);
	pg_apply_release(&log->apply);
	pg_watch_release(&log->watch);
	release_tracked(&log->tracked);
	vec_release(&log->readded);
	close(log->wake_fd);
	free(log);
}

static struct pg_log *log_new(struct postgres *p)
{
	struct pg_log *log = xcalloc(1, sizeof *log);
	log->p = p;
	log->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	pgcopy_init(&log->copy);
	return log;
}

/* p->relations are what the pipeline knows; start() takes them over. */
void pg_log_discovered(struct postgres *p, struct pg_relations *found)
{
	size_t i = 0, key_len;
	const void *key;
	void *old;
	if (p->log)
		return;
	while (map_next(&p->relations, &i, &key, &key_len, &old))
		pg_relation_free(old);
	map_clear(&p->relations);
	vec_each (found, r)
		map_put(&p->relations, &(*r)->oid, sizeof(*r)->oid, *r);
	found->len = 0;
}

static void list_relations(const struct map *relations, struct pg_relations *out)
{
	size_t i = 0, key_len;
	const void *key;
	void *r;
	while (map_next(relations, &i, &key, &key_len, &r))
		vec_push(out, (struct pg_relation *)r);
}

static bool identify(struct postgres *p, struct error *err)
{
	PGconn *conn = pg_connect(p, true, err);
	if (!conn)
		return false;
	CLEANUP(pg_free_result) PGresult *system = pg_query(conn, err, "IDENTIFY_SYSTEM");
	if (system)
		snprintf(p->identity, sizeof p->identity,
			"system=%.24s timeline=%.12s database=%.63s slot=%.63s",
			pg_value(system, 0, 0), pg_value(system, 0, 1), pg_value(system, 0, 3),
			p->slot_name);
	pg_disconnect(&conn);
	return system != NULL;
}

static bool read_wal_end(struct pg_log *log, struct error *err)
{
	CLEANUP(pg_free_result)
	PGresult *end = pg_query(log->p->control, err,
		"SELECT %s, (SELECT setting::bigint FROM pg_settings WHERE name = "
		"'wal_sender_timeout')",
		pg_wal_end_sql(log->p));
	if (!end)
		return false;
	log->server_end = pg_lsn_parse(pg_value(end, 0, 0));
	int64_t timeout_ms = (int64_t)pg_value_u64(end, 0, 1);
	log->status_every_ms = timeout_ms && timeout_ms / 3 < STATUS_MS ? timeout_ms / 3
									: STATUS_MS;
	if (log->status_every_ms < STATUS_LEAST_MS)
		log->status_every_ms = STATUS_LEAST_MS;
	return true;
}

/* What comes behind `from` must still be in the log, all of it, and this must be the log that it is of. */
static bool check_gap(struct pg_log *log, const struct resume *from, const struct pg_slot *slot,
	struct error *err)
{
	struct postgres *p = log->p;
	uint64_t lsn = (uint64_t)from->position.order;
	char confirmed[PG_LSN_TEXT], end[PG_LSN_TEXT];
	bool exist;
	pg_lsn_print(slot->confirmed_lsn, confirmed);
	pg_lsn_print(log->server_end, end);
	if (strcmp(from->identity, p->identity) != 0)
		return error_set(err, ERROR_GAP,
			"the recorded position is of another log: of %s, while this is %s",
			from->identity, p->identity);
	if (!slot->exists)
		return error_set(err, ERROR_GAP,
			"slot \"%s\" is gone, and with it the log behind %s", p->slot_name,
			from->position.token);
	if (!slot->ours)
		return error_set(err, ERROR_GAP, "slot \"%s\" is not the one that was read: %s",
			p->slot_name, slot->why);
	if (slot->lost)
		return error_set(
			err, ERROR_GAP, "slot \"%s\" is invalidated: %s", p->slot_name, slot->why);
	if (slot->active_pid) /* and whoever it is may be confirming */
		return pg_slot_in_use(p, slot->active_pid, err);
	if (slot->confirmed_lsn > lsn)
		return error_set(err, ERROR_GAP,
			"the recorded position %s is older than what slot \"%s\" has confirmed, "
			"%s: what is in between is gone "
			"(was the state folder restored from a copy, or the slot made anew?)",
			from->position.token, p->slot_name, confirmed);
	if (log->server_end < lsn)
		return error_set(err, ERROR_GAP,
			"the server's log ends at %s, before the recorded position %s: the server "
			"was set back",
			end, from->position.token);
	if (!pg_publications_exist(p, &exist, err))
		return false;
	return exist || error_set(err, ERROR_GAP,
				"publication \"%s\" or \"%s\" was dropped: what the log holds "
				"without it cannot be decoded",
				p->publication_name, p->insert_publication_name);
}

/* A slot of ours from a state that was lost is as good as a new one: all tables are copied behind it. Not so when it is
 * older than the publications, without which its log cannot be decoded. */
static bool make_slot(
	struct pg_log *log, struct pg_slot *slot, bool publications_created, struct error *err)
{
	struct postgres *p = log->p;
	if (slot->exists && !slot->ours)
		return error_set(err, ERROR_CONFIG,
			"slot \"%s\" exists and is not ours: %s; name another by the option `slot`",
			p->slot_name, slot->why);
	if (slot->exists && slot->active_pid)
		return pg_slot_in_use(p, slot->active_pid, err);
	if (slot->exists && (slot->lost || publications_created) && !pg_slot_drop(p, err))
		return false;
	if (slot->exists && !slot->lost && !publications_created) {
		log_info(
			"slot is used again", F("stream", p->source.name), F("slot", p->slot_name));
		return true;
	}
	return pg_slot_create(p, &slot->confirmed_lsn, err);
}

/* Becomes what the log's relations are held against. Ends p->relations. */
static bool track_all(struct pg_log *log, struct error *err)
{
	struct postgres *p = log->p;
	struct pg_relations relations = {0};
	bool ok = true;
	list_relations(&p->relations, &relations);
	map_clear(&p->relations);
	vec_each (&relations, r) {
		if (!(*r)->table->problem && pg_rows_text_stream(&(*r)->rows))
			log->text = true;
		if (ok)
			ok = pg_tracked_adopt(
				log, pg_tracked_get(log, (*r)->oid), *r, log->server_end, err);
		else
			pg_relation_free(*r);
	}
	vec_release(&relations);
	return ok;
}

/* Behind a slot that is made anew, all tables are copied: there is nothing to tell of those that joined. */
static bool publish(struct pg_log *log, bool anew, bool *created, struct error *err)
{
	struct pg_relations relations = {0};
	struct pg_published published = {0};
	list_relations(&log->p->relations, &relations);
	bool ok = pg_publications_ensure(log->p, &relations, LOCK_MS, &published, err);
	*created = published.created;
	vec_each (&published.added, oid)
		if (!anew)
			vec_push(&log->readded, *oid);
	vec_each (&relations, r) {
		const char *why = pg_refused(&published, (*r)->oid);
		if (why)
			pg_relation_unpublished(*r, why);
	}
	vec_release(&relations);
	pg_published_release(&published);
	return ok;
}

static bool discover(struct postgres *p, struct error *err)
{
	struct pg_relations relations = {0};
	if (p->relations.len)
		return true;
	if (!pg_discover(p, p->control, &relations, err))
		return false;
	vec_each (&relations, r)
		map_put(&p->relations, &(*r)->oid, sizeof(*r)->oid, *r);
	vec_release(&relations);
	return true;
}

static bool begin(
	struct pg_log *log, const struct resume *from, struct position *at, struct error *err)
{
	struct postgres *p = log->p;
	struct pg_slot slot;
	bool created;
	if (!identify(p, err) || !read_wal_end(log, err) || !pg_slot_look(p, &slot, err))
		return false;
	if (from && !check_gap(log, from, &slot, err))
		return false;
	if (!discover(p, err) || !publish(log, !from, &created, err))
		return false;
	if (!from && !make_slot(log, &slot, created, err))
		return false;
	if (from)
		*at = from->position;
	else
		pg_position(slot.confirmed_lsn, 0, at);
	return track_all(log, err);
}

bool postgres_start(
	struct source *source, const struct resume *from, struct resume *out, struct error *err)
{
	struct postgres *p = postgres_of(source);
	struct position at;
	bool started;
	pg_log_close(p);
	struct pg_log *log = log_new(p);
	bool ok = begin(log, from, &at, err);
	p->log = log; /* only now: what discover() found until here was for us */
	if (!ok) {
		pg_log_close(p);
		return error_add(err, "source %s", source->name);
	}
	log->position = log->given = (uint64_t)at.order;
	atomic_store(&p->confirmed_lsn, log->position);
	*out = (struct resume){.position = at};
	snprintf(out->identity, sizeof out->identity, "%s", p->identity);
	log->mode = LOG_OPEN;
	if (p->bulk_bytes && log->server_end > log->position + (uint64_t)p->bulk_bytes)
		log->mode = LOG_SETTLE;
	return log->mode == LOG_SETTLE || pg_stream_open(log, &started, err);
}

bool postgres_restart(struct source *source, struct error *err)
{
	struct postgres *p = postgres_of(source);
	struct pg_slot slot;
	pg_log_close(p);
	if (!pg_slot_look(p, &slot, err))
		return false;
	if (!slot.exists || !slot.ours)
		return true;
	if (slot.active_pid)
		return pg_slot_in_use(p, slot.active_pid, err);
	return pg_slot_drop(p, err);
}

void postgres_confirm(struct source *source, const struct position *upto)
{
	struct postgres *p = postgres_of(source);
	uint64_t lsn = (uint64_t)upto->order, one = 1;
	if (lsn <= atomic_load(&p->confirmed_lsn))
		return;
	atomic_store(&p->confirmed_lsn, lsn);
	/* A counter that is full wakes the reader just as well. */
	if (write(p->log->wake_fd, &one, sizeof one) < 0)
		log_debug("reader is awake already", F("stream", source->name));
}
