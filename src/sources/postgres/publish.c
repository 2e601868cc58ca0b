/*
 * The publications: PUBLICATION for tables with an identity, PUBLICATION_insert for those without, which
 * take part with inserts and truncates alone, because PostgreSQL would refuse their users' updates
 * otherwise. Never FOR ALL TABLES. Both are made before the slot, even if empty: a log that names a
 * publication younger than itself cannot be decoded. Filters and column lists are not asked of
 * the server: there they can break the users' own statements (invariant 13), and ours are applied on the way.
 */
#include "base/log.h"
#include "sources/postgres/wal.h"

struct publication {
	const char *name;
	bool keyed; /* of the tables with an identity */
	const char *publishes;
};

static void describe(struct postgres *p, struct publication out[2])
{
	out[0] = (struct publication){
		p->publication_name, true, "insert, update, delete, truncate"};
	out[1] = (struct publication){p->insert_publication_name, false, "insert, truncate"};
}

static bool belongs(const struct publication *pub, const struct pg_relation *r)
{
	return !r->table->problem && r->keyed == pub->keyed;
}

/* Children of an inheritance parent are tables of their own; partitions come with their root. */
static void add_table(struct buf *list, const struct pg_relation *r)
{
	buf_printf(
		list, "%s%s%s", list->len ? ", " : "", r->partitioned ? "" : "ONLY ", r->sql_name);
}

static PGresult *query_by_name(
	struct postgres *p, const char *sql, const char *name, struct error *err)
{
	struct buf literal;
	buf_init(&literal, BUF_MAX);
	pg_quote_literal(&literal, name);
	CLEANUP(free_string) char *text = xasprintf("%s%s", sql, buf_text(&literal));
	buf_release(&literal);
	return pg_query(p->control, err, "%s", text);
}

static bool run(struct postgres *p, const char *statement, int lock_ms, struct error *err)
{
	bool ok = pg_exec(p->control, err, "SET lock_timeout = %d", lock_ms) &&
		  pg_exec(p->control, err, "%s", statement);
	struct error ignored = {0};
	if (!pg_exec(p->control, &ignored, "SET lock_timeout = 0") && ok)
		return error_set(err, ERROR_RETRY, "%s", ignored.text);
	if (ok)
		log_info("publication", F("stream", p->source.name), F("statement", statement));
	else if (err->kind == ERROR_CONFIG)
		return error_add(err, "let an owner of these tables, or a superuser, run: %s; --",
			statement);
	return ok || error_add(err, "%s", statement);
}

static bool create(struct postgres *p, const struct publication *pub,
	const struct pg_relations *relations, int lock_ms, struct error *err)
{
	struct buf sql, tables;
	buf_init(&sql, BUF_MAX);
	buf_init(&tables, BUF_MAX);
	vec_each (relations, r)
		if (belongs(pub, *r))
			add_table(&tables, *r);
	buf_puts(&sql, "CREATE PUBLICATION ");
	pg_quote_name(&sql, pub->name);
	buf_printf(&sql, "%s%s WITH (publish = '%s', publish_via_partition_root = true%s)",
		tables.len ? " FOR TABLE " : "", buf_text(&tables), pub->publishes,
		p->server_version >= 180000 ? ", publish_generated_columns = stored" : "");
	bool ok = run(p, buf_text(&sql), lock_ms, err);
	buf_release(&tables);
	buf_release(&sql);
	return ok;
}

static bool alter(struct postgres *p, const struct publication *pub, const char *what,
	struct buf *tables, int lock_ms, struct error *err)
{
	struct buf sql;
	if (!tables->len)
		return true;
	buf_init(&sql, BUF_MAX);
	buf_puts(&sql, "ALTER PUBLICATION ");
	pg_quote_name(&sql, pub->name);
	buf_printf(&sql, " %s TABLE %s", what, buf_text(tables));
	bool ok = run(p, buf_text(&sql), lock_ms, err);
	buf_release(&sql);
	return ok;
}

static bool refuse(
	const struct publication *pub, const char *what, const char *mend, struct error *err)
{
	return error_set(err, ERROR_CONFIG,
		"publication \"%s\" %s; %s, or drop it and tailrace makes its own, or name another "
		"by the option "
		"`publication`",
		pub->name, what, mend);
}

/* One that is there must publish what ours would: no less, and nothing that users' statements suffer from. */
static bool check_options(const struct publication *pub, const PGresult *found, struct error *err)
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

static bool check_members(const struct publication *pub, const PGresult *members, struct error *err)
{
	for (int row = 0; row < PQntuples(members); row++)
		if (pg_value_bool(members, row, 3))
			return error_set(err, ERROR_CONFIG,
				"publication \"%s\" has a row filter or a column list on %s.%s; "
				"take it off (ALTER PUBLICATION "
				"... DROP TABLE), tailrace filters on the way (`where`, `columns`)",
				pub->name, pg_value(members, row, 1), pg_value(members, row, 2));
	return true;
}

static const struct pg_relation *find(const struct pg_relations *relations, uint32_t oid)
{
	vec_each (relations, r)
		if ((*r)->oid == oid)
			return *r;
	return NULL;
}

static int compare_u32(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
	return left < right ? -1 : left > right;
}

/* Of a publication that the user named others may live: what is more than ours stays in it. */
static void find_excess(struct postgres *p, const struct publication *pub,
	const struct pg_relations *relations, const PGresult *members, struct buf *tables)
{
	for (int row = 0; row < PQntuples(members) && !p->publication; row++) {
		const struct pg_relation *r = find(
			relations, (uint32_t)pg_value_u64(members, row, 0));
		if (r && belongs(pub, r))
			continue;
		buf_puts(tables, tables->len ? ", " : "");
		pg_quote_table(tables, pg_value(members, row, 1), pg_value(members, row, 2));
	}
}

static void find_missing(const struct publication *pub, const struct pg_relations *relations,
	const PGresult *members, struct buf *tables, struct pg_oids *added)
{
	VEC(uint32_t) oids = {0};
	for (int row = 0; row < PQntuples(members); row++)
		vec_push(&oids, (uint32_t)pg_value_u64(members, row, 0));
	if (oids.len)
		qsort(oids.items, oids.len, sizeof *oids.items, compare_u32);
	vec_each (relations, r) {
		uint32_t oid = (*r)->oid;
		if (!belongs(pub, *r) || (oids.len && bsearch(&oid, oids.items, oids.len,
							      sizeof *oids.items, compare_u32)))
			continue;
		add_table(tables, *r);
		vec_push(added, oid);
	}
	vec_release(&oids);
}

static bool adjust(struct postgres *p, const struct publication *pub,
	const struct pg_relations *relations, int lock_ms, struct pg_oids *added, struct error *err)
{
	struct buf excess, missing;
	CLEANUP(pg_free_result)
	PGresult *members = query_by_name(p,
		p->server_version >= 150000
			? "SELECT c.oid, n.nspname, c.relname, r.prqual IS NOT NULL OR r.prattrs "
			  "IS NOT NULL"
			  " FROM pg_publication_rel r JOIN pg_publication b ON b.oid = r.prpubid"
			  " JOIN pg_class c ON c.oid = r.prrelid JOIN pg_namespace n ON n.oid = "
			  "c.relnamespace"
			  " WHERE b.pubname = "
			: "SELECT c.oid, n.nspname, c.relname, false"
			  " FROM pg_publication_rel r JOIN pg_publication b ON b.oid = r.prpubid"
			  " JOIN pg_class c ON c.oid = r.prrelid JOIN pg_namespace n ON n.oid = "
			  "c.relnamespace"
			  " WHERE b.pubname = ",
		pub->name, err);
	if (!members || !check_members(pub, members, err))
		return false;
	buf_init(&excess, BUF_MAX);
	buf_init(&missing, BUF_MAX);
	find_excess(p, pub, relations, members, &excess);
	find_missing(pub, relations, members, &missing, added);
	struct error kept = {0};
	/* What is too much does no harm to us: a publication that only its owner may change is used as it is. */
	if (!alter(p, pub, "DROP", &excess, lock_ms, &kept))
		log_warn("publication keeps tables that are not selected",
			F("stream", p->source.name), F("publication", pub->name),
			F("reason", kept.text));
	bool ok = alter(p, pub, "ADD", &missing, lock_ms, err);
	buf_release(&excess);
	buf_release(&missing);
	return ok;
}

static bool ensure(struct postgres *p, const struct publication *pub,
	const struct pg_relations *relations, int lock_ms, bool *created, struct pg_oids *added,
	struct error *err)
{
	CLEANUP(pg_free_result)
	PGresult *found = query_by_name(p,
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
	if (!found)
		return false;
	if (PQntuples(found))
		return check_options(pub, found, err) &&
		       adjust(p, pub, relations, lock_ms, added, err);
	if (p->standby)
		return error_set(err, ERROR_CONFIG,
			"publication \"%s\" is missing, and this server is a standby; make it on "
			"the primary: CREATE PUBLICATION "
			"... WITH (publish = '%s', publish_via_partition_root = true)",
			pub->name, pub->publishes);
	*created = true;
	return create(p, pub, relations, lock_ms, err);
}

bool pg_publications_ensure(struct postgres *p, const struct pg_relations *relations, int lock_ms,
	bool *created, struct pg_oids *added, struct error *err)
{
	struct publication pubs[2];
	bool ok = true;
	*created = false;
	describe(p, pubs);
	for (size_t i = 0; ok && i < COUNT_OF(pubs); i++)
		ok = ensure(p, &pubs[i], relations, lock_ms, created, added, err);
	return ok;
}

bool pg_publications_exist(struct postgres *p, bool *exist, struct error *err)
{
	struct publication pubs[2];
	describe(p, pubs);
	*exist = true;
	for (size_t i = 0; *exist && i < COUNT_OF(pubs); i++) {
		CLEANUP(pg_free_result)
		PGresult *found = query_by_name(
			p, "SELECT FROM pg_publication WHERE pubname = ", pubs[i].name, err);
		if (!found)
			return false;
		*exist = PQntuples(found) > 0;
	}
	return true;
}
