/*
 * PostgreSQL as a source: its options, what open and close make and undo, how far it is, and the table
 * of operations. The work is in the files that postgres.h lists.
 */
#include <ctype.h>
#include <stdio.h>
#include "base/log.h"
#include "sources/postgres/postgres.h"

#define OLDEST_VERSION       140000
#define NEWEST_TRIED_VERSION 189999
#define STANDBY_VERSION      160000
#define NAME_BYTES           63 /* NAMEDATALEN - 1 */

#define AT(field) offsetof(struct postgres, field)

static const struct option postgres_options[] = {
	{"url", OPTION_SECRET, AT(url), .required = true,
		.help = "Connection URI as libpq reads it: "
			"`postgresql://user:password@host:5432/database`, with "
			"`?sslmode=verify-full` and the like. It must reach the server itself, not "
			"a pooler."},
	{"publication", OPTION_STRING, AT(publication),
		.help = "Name of the publication, made when it is missing. Without it: `tailrace_` "
			"and the name of "
			"the stream."},
	{"slot", OPTION_STRING, AT(slot),
		.help = "Name of the replication slot, made when it is missing. Without it: "
			"`tailrace_` and the name "
			"of the stream."},
	{"bulk_threshold", OPTION_BYTES, AT(bulk_bytes), "64MiB", 0, (int64_t)1 << 50,
		.help = "A backlog of at least so much WAL is decoded within the server and "
			"fetched in bulk, two to "
			"three times as fast as streaming. 0: never."},
	{"bulk_step", OPTION_BYTES, AT(bulk_step_bytes), "1GiB", 1 << 20, (int64_t)1 << 40,
		.help = "The most WAL of one such fetch. The server keeps its result in temporary "
			"files meanwhile."},
	{"push_where", OPTION_BOOL, AT(push_where), "true",
		.help = "Has PostgreSQL itself (15 and later) apply `where`, when that names "
			"columns "
			"of the key alone, or the table has no key. As long as it does, PostgreSQL "
			"refuses to drop those columns or to change their types. Not in a "
			"`publication` that has a name of your own."},
	OPTION_END,
};

/* A slot's name takes lower case letters, digits and underscores alone. */
static void default_name(char out[64], const char *given, const char *stream, const char *suffix)
{
	if (given && *given) {
		snprintf(out, NAME_BYTES + 1, "%.*s%s", NAME_BYTES - (int)strlen(suffix), given,
			suffix);
		return;
	}
	snprintf(out, NAME_BYTES + 1, "tailrace_%.*s%s", NAME_BYTES - 9 - (int)strlen(suffix),
		stream, suffix);
	for (char *c = out; *c; c++)
		*c = isalnum((unsigned char)*c) ? (char)tolower((unsigned char)*c) : '_';
}

static bool check_names(const struct postgres *p, struct error *err)
{
	if (p->slot && (strlen(p->slot) > NAME_BYTES ||
			       strspn(p->slot, "abcdefghijklmnopqrstuvwxyz0123456789_") !=
				       strlen(p->slot)))
		return error_set(err, ERROR_CONFIG,
			"slot \"%s\": a name has at most %d lower case letters, digits and "
			"underscores",
			p->slot, NAME_BYTES);
	if (p->publication && strlen(p->publication) > NAME_BYTES - strlen("_insert"))
		return error_set(err, ERROR_CONFIG, "publication \"%s\" is longer than %zu bytes",
			p->publication, NAME_BYTES - strlen("_insert"));
	return true;
}

static bool check_server(struct postgres *p, struct error *err)
{
	p->server_version = PQserverVersion(p->control);
	if (p->server_version < OLDEST_VERSION)
		return error_set(err, ERROR_CONFIG,
			"the server is PostgreSQL %d; 14 or later is needed",
			p->server_version / 10000);
	if (p->server_version > NEWEST_TRIED_VERSION)
		log_warn("the server is newer than what was tried", F("stream", p->source.name),
			F("version", p->server_version / 10000));
	CLEANUP(pg_free_result)
	PGresult *recovery = pg_query(p->control, err, "SELECT pg_is_in_recovery()");
	if (!recovery)
		return false;
	p->standby = pg_value_bool(recovery, 0, 0);
	if (p->standby && p->server_version < STANDBY_VERSION)
		return error_set(err, ERROR_CONFIG,
			"the server is a standby, from which logical replication is possible since "
			"PostgreSQL "
			"16; give the primary's address, with target_session_attrs=read-write "
			"where there are "
			"several hosts");
	return true;
}

bool postgres_open(struct source *source, struct error *err)
{
	struct postgres *p = postgres_of(source);
	if (!check_names(p, err))
		return false;
	default_name(p->slot_name, p->slot, source->name, "");
	default_name(p->publication_name, p->publication, source->name, "");
	default_name(p->insert_publication_name, p->publication, source->name, "_insert");
	pthread_rwlock_init(&p->catalog_lock, NULL);
	pthread_mutex_init(&p->pool_lock, NULL);
	pg_catalog_init(&p->catalog);
	p->control = pg_connect(p, false, err);
	if (p->control && check_server(p, err)) {
		snprintf(source->database, sizeof source->database, "%s", PQdb(p->control));
		return true;
	}
	postgres_close(source);
	return error_add(err, "source %s", source->name);
}

void postgres_close(struct source *source)
{
	struct postgres *p = postgres_of(source);
	const void *key;
	size_t i = 0, key_len;
	void *relation;
	pg_log_close(p);
	pg_disconnect(&p->control);
	vec_each (&p->pool, conn)
		PQfinish(*conn);
	vec_release(&p->pool);
	while (map_next(&p->relations, &i, &key, &key_len, &relation))
		pg_relation_free(relation);
	map_release(&p->relations);
	map_release(&p->plain);
	pg_catalog_release(&p->catalog);
	pthread_mutex_destroy(&p->pool_lock);
	pthread_rwlock_destroy(&p->catalog_lock);
}

void pg_position(uint64_t lsn, int64_t commit_time_us, struct position *out)
{
	*out = (struct position){.order = lsn, .commit_time_us = commit_time_us};
	pg_lsn_print(lsn, out->token);
}

bool postgres_lag(struct source *source, struct source_lag *lag, struct error *err)
{
	struct postgres *p = postgres_of(source);
	PGconn *conn = pg_take_connection(p, err);
	if (!conn)
		return false;
	PGresult *result = pg_query(conn, err,
		"SELECT h.lsn, h.lsn - s.confirmed_flush_lsn, h.lsn - s.restart_lsn,"
		" (extract(epoch FROM h.at) * 1000000)::bigint"
		/* in this order: what was committed by then lies before the place */
		" FROM (SELECT clock_timestamp() AS at, %s AS lsn) h LEFT JOIN "
		"pg_replication_slots s ON s.slot_name = '%s'",
		p->standby ? "pg_last_wal_replay_lsn()" : "pg_current_wal_flush_lsn()",
		p->slot_name);
	if (result) {
		pg_position(pg_lsn_parse(pg_value(result, 0, 0)),
			(int64_t)pg_value_u64(result, 0, 3), &lag->head);
		/* A slot may be ahead of the head for a moment: the two are not read at one instant. */
		lag->bytes = pg_value(result, 0, 1)[0] == '-' ? 0 : pg_value_u64(result, 0, 1);
		lag->retained_bytes = pg_value(result, 0, 2)[0] == '-' ? 0
								       : pg_value_u64(result, 0, 2);
	}
	PQclear(result);
	pg_return_connection(p, conn, result != NULL);
	return result != NULL;
}

const struct source_ops postgres_source = {
	.kind = "postgres",
	.size = sizeof(struct postgres),
	.options = postgres_options,
	.open = postgres_open,
	.check = postgres_check,
	.discover = postgres_discover,
	.start = postgres_start,
	.restart = postgres_restart,
	.read = postgres_read,
	.confirm = postgres_confirm,
	.plan = postgres_plan,
	.renew = postgres_renew,
	.copy = postgres_copy,
	.fetch = postgres_fetch,
	.scan = postgres_scan,
	.sample = postgres_sample,
	.same_physical = pg_physical_same,
	.lag = postgres_lag,
	.close = postgres_close,
};
