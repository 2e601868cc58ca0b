/*
 * The publications: PUBLICATION for tables with an identity, PUBLICATION_insert for those without, which
 * take part with inserts and truncates alone, because PostgreSQL would refuse their users' updates
 * otherwise. Never FOR ALL TABLES. Both are made before the slot, and empty: a log that names a
 * publication younger than itself cannot be decoded, and what keeps one table out of it keeps no other out.
 * Which tables are in them: members.c.
 */
#include "base/log.h"
#include "sources/postgres/publish.h"

void pg_publications(const struct postgres *p, struct pg_publication out[2])
{
	out[0] = (struct pg_publication){
		p->publication_name, true, "insert, update, delete, truncate"};
	out[1] = (struct pg_publication){p->insert_publication_name, false, "insert, truncate"};
}

bool pg_publication_takes(const struct pg_publication *pub, const struct pg_relation *r)
{
	return !r->table->problem && r->keyed == pub->keyed;
}

void pg_published_release(struct pg_published *out)
{
	size_t i = 0, key_len;
	const void *key;
	void *why;
	while (map_next(&out->refused, &i, &key, &key_len, &why))
		free(why);
	map_release(&out->refused);
	vec_release(&out->added);
}

const char *pg_refused(const struct pg_published *out, uint32_t oid)
{
	return map_get(&out->refused, &oid, sizeof oid);
}

void pg_relation_unpublished(struct pg_relation *r, const char *why)
{
	if (!r->table->problem)
		r->table->problem = arena_printf(
			&r->table->arena, "it cannot be published: %s", why);
}

PGresult *pg_publication_query(PGconn *conn, const char *sql, const char *name, struct error *err)
{
	struct buf literal;
	buf_init(&literal, BUF_MAX);
	pg_quote_literal(&literal, name);
	CLEANUP(free_string) char *text = xasprintf("%s%s", sql, buf_text(&literal));
	buf_release(&literal);
	return pg_query(conn, err, "%s", text);
}

bool pg_publication_run(struct postgres *p, const char *statement, const char *advice, int lock_ms,
	struct error *err)
{
	if (p->standby)
		return error_set(err, ERROR_CONFIG,
			"this server is a standby; on its primary, run: %s", advice);
	bool ok = pg_exec(p->control, err, "SET lock_timeout = %d", lock_ms) &&
		  pg_exec(p->control, err, "%s", statement);
	struct error ignored = {0};
	if (!pg_exec(p->control, &ignored, "SET lock_timeout = 0") && ok)
		return error_set(err, ERROR_RETRY, "%s", ignored.text);
	if (ok)
		log_info("publication", F("stream", p->source.name), F("statement", statement));
	else if (err->kind == ERROR_CONFIG)
		return error_add(
			err, "let an owner of these tables, or a superuser, run: %s; --", advice);
	return ok || error_add(err, "%s", statement);
}

void pg_publication_add(struct buf *list, const struct pg_relation *r, const char *where)
{
	buf_printf(
		list, "%s%s%s", list->len ? ", " : "", r->partitioned ? "" : "ONLY ", r->sql_name);
	if (where)
		pg_where_print(where, list);
}

static bool refuse(
	const struct pg_publication *pub, const char *what, const char *mend, struct error *err)
{
	return error_set(err, ERROR_CONFIG,
		"publication \"%s\" %s; %s, or drop it and tailrace makes its own, or name another "
		"by the option "
		"`publication`",
		pub->name, what, mend);
}

/* One that is there must publish what ours would: no less, and nothing that users' statements suffer from. */
static bool check_options(
	const struct pg_publication *pub, const PGresult *found, struct error *err)
{
	if (pg_value_bool(found, 0, 0))
		return refuse(pub, "is FOR ALL TABLES, also of those that are not mirrored",
			"name the tables", err);
	if (!pg_value_bool(found, 0, 1) || (pub->keyed && !pg_value_bool(found, 0, 2)))
		return refuse(pub, "leaves out kinds of changes",
			pub->keyed ? "ALTER PUBLICATION ... SET (publish = 'insert, update, "
				     "delete, truncate')"
				   : "ALTER PUBLICATION ... SET (publish = 'insert, truncate')",
			err);
	if (!pub->keyed && pg_value_bool(found, 0, 3))
		return refuse(pub,
			"publishes updates or deletes, so that those of tables without an identity "
			"fail",
			"ALTER PUBLICATION ... SET (publish = 'insert, truncate')", err);
	if (!pg_value_bool(found, 0, 4))
		return refuse(pub, "publishes partitions as tables of their own",
			"ALTER PUBLICATION ... SET (publish_via_partition_root = true)", err);
	if (pg_value_bool(found, 0, 5))
		return refuse(pub, "is FOR TABLES IN SCHEMA, also of those that are not mirrored",
			"name the tables", err);
	return true;
}

bool pg_publication_look(struct postgres *p, PGconn *conn, const struct pg_publication *pub,
	bool *exists, struct error *err)
{
	CLEANUP(pg_free_result)
	PGresult *found = pg_publication_query(conn,
		p->server_version >= 150000
			? "SELECT puballtables, pubinsert AND pubtruncate, pubupdate AND "
			  "pubdelete, pubupdate OR pubdelete,"
			  " pubviaroot, EXISTS (SELECT FROM pg_publication_namespace n WHERE "
			  "n.pnpubid = b.oid)"
			  " FROM pg_publication b WHERE pubname = "
			: "SELECT puballtables, pubinsert AND pubtruncate, pubupdate AND "
			  "pubdelete, pubupdate OR pubdelete,"
			  " pubviaroot, false FROM pg_publication b WHERE pubname = ",
		pub->name, err);
	*exists = found && PQntuples(found);
	return found && (!*exists || check_options(pub, found, err));
}

static void creation(struct postgres *p, const struct pg_publication *pub,
	const struct pg_relations *relations, struct buf *sql)
{
	struct buf tables;
	buf_init(&tables, BUF_MAX);
	vec_each (relations, r)
		if (pg_publication_takes(pub, *r))
			pg_publication_add(&tables, *r, NULL);
	buf_puts(sql, "CREATE PUBLICATION ");
	pg_quote_name(sql, pub->name);
	buf_printf(sql, "%s%s WITH (publish = '%s', publish_via_partition_root = true%s);",
		tables.len ? " FOR TABLE " : "", buf_text(&tables), pub->publishes,
		p->server_version >= 180000 ? ", publish_generated_columns = stored" : "");
	buf_release(&tables);
}

bool pg_publications_missing(struct postgres *p, PGconn *conn, const struct pg_relations *relations,
	struct buf *sql, struct error *err)
{
	struct pg_publication pubs[2];
	bool exists;
	pg_publications(p, pubs);
	for (size_t i = 0; i < COUNT_OF(pubs); i++) {
		struct error unfit = {0};
		if (!pg_publication_look(p, conn, &pubs[i], &exists, &unfit) && !exists)
			return error_set(err, unfit.kind, "%s", unfit.text);
		buf_puts(sql, !exists && sql->len ? " " : "");
		if (!exists)
			creation(p, &pubs[i], relations, sql);
	}
	return true;
}

/* Empty, so that no table keeps it from being made; who must make it for us is told of the tables as well. */
static bool create(struct postgres *p, const struct pg_publication *pub,
	const struct pg_relations *relations, int lock_ms, struct error *err)
{
	struct buf sql, advice;
	buf_init(&sql, BUF_MAX);
	buf_init(&advice, BUF_MAX);
	creation(p, pub, &(struct pg_relations){0}, &sql);
	bool ok = pg_publications_missing(p, p->control, relations, &advice, err) &&
		  pg_publication_run(p, buf_text(&sql), buf_text(&advice), lock_ms, err);
	buf_release(&advice);
	buf_release(&sql);
	return ok;
}

static bool ensure(struct postgres *p, const struct pg_publication *pub,
	const struct pg_relations *relations, int lock_ms, struct pg_published *out,
	struct error *err)
{
	bool exists;
	if (!pg_publication_look(p, p->control, pub, &exists, err) ||
		(!exists && !create(p, pub, relations, lock_ms, err)))
		return false;
	out->created = out->created || !exists;
	return pg_members_ensure(p, pub, relations, lock_ms, out, err);
}

bool pg_publications_ensure(struct postgres *p, const struct pg_relations *relations, int lock_ms,
	struct pg_published *out, struct error *err)
{
	struct pg_publication pubs[2];
	bool ok = true;
	pg_publications(p, pubs);
	for (size_t i = 0; ok && i < COUNT_OF(pubs); i++)
		ok = ensure(p, &pubs[i], relations, lock_ms, out, err);
	return ok;
}

bool pg_publications_exist(struct postgres *p, bool *exist, struct error *err)
{
	struct pg_publication pubs[2];
	pg_publications(p, pubs);
	*exist = true;
	for (size_t i = 0; *exist && i < COUNT_OF(pubs); i++)
		if (!pg_publication_look(p, p->control, &pubs[i], exist, err))
			return false;
	return true;
}
