/*
 * What `tailrace check` says of the publications: those that others must make or add tables to, and what
 * ones that are there keep back or have users refused for.
 */
#include "sources/postgres/finding.h"
#include "sources/postgres/publish.h"

/* One that does not suit is said to be so. */
static bool look(
	struct pg_check *c, const struct pg_publication *pub, bool *exists, struct error *err)
{
	struct error unfit = {0};
	if (!pg_publication_look(c->p, c->conn, pub, exists, &unfit)) {
		if (!*exists)
			return error_set(err, unfit.kind, "%s", unfit.text);
		FINDING(c, FINDING_PROBLEM, NULL, "%s", unfit.text);
	} else if (*exists) {
		FINDING(c, FINDING_OK, NULL, "publication %s is there", pub->name);
	}
	return true;
}

static bool check_missing(struct pg_check *c, const struct pg_relations *tables, struct error *err)
{
	struct buf sql;
	CLEANUP(pg_free_result)
	PGresult *may = pg_query(
		c->conn, err, "SELECT has_database_privilege(current_database(), 'CREATE')");
	if (!may)
		return false;
	buf_init(&sql, BUF_MAX);
	bool ok = pg_publications_missing(c->p, c->conn, tables, &sql, err);
	if (sql.len && c->p->standby)
		FINDING(c, FINDING_PROBLEM, MEND(c, "on the primary: %s", buf_text(&sql)),
			"publications are missing, and nothing can be made on a standby");
	else if (sql.len && !pg_value_bool(may, 0, 0))
		FINDING(c, FINDING_PROBLEM,
			MEND(c,
				"GRANT CREATE ON DATABASE %s TO %s; or, as an owner of the tables: "
				"%s",
				c->database, c->role, buf_text(&sql)),
			"role %s may not create publication %s", c->role, c->p->publication_name);
	buf_release(&sql);
	return ok;
}

/* %s: what servers before 15 do not know; the tables. Columns of a filter that are not in the identity have the users'
 * updates refused. */
static const char *const members_sql =
	"SELECT c.oid, pg_has_role(c.relowner, 'USAGE') AND coalesce(pg_has_role(p.pubowner, "
	"'USAGE'), true) AND NOT pg_is_in_recovery(), r.oid IS NOT NULL, %s, (SELECT "
	"string_agg(quote_ident(a.attname), ', ') FROM pg_depend d JOIN pg_attribute a"
	" ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid"
	" WHERE d.classid = 'pg_publication_rel'::regclass AND d.objid = r.oid"
	" AND d.refobjsubid > 0 AND p.pubupdate AND c.relreplident <> 'f'"
	" AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid"
	" AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])"
	" AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident"
	" ELSE false END))"
	" FROM pg_class c LEFT JOIN pg_publication p ON p.pubname = %s"
	" LEFT JOIN pg_publication_rel r ON r.prpubid = p.oid AND r.prrelid = c.oid"
	" WHERE c.oid IN (0%s) ORDER BY c.oid";

enum {
	TABLE_OID,
	TABLE_MAY_PUBLISH,
	TABLE_PUBLISHED,
	TABLE_WHERE,
	TABLE_LISTS_COLUMNS,
	TABLE_REFUSED_COLUMNS
};

static PGresult *load_members(struct pg_check *c, const struct pg_publication *pub,
	const struct pg_relations *tables, struct error *err)
{
	struct buf oids, name;
	buf_init(&oids, BUF_MAX);
	buf_init(&name, BUF_MAX);
	vec_each (tables, r)
		if (pg_publication_takes(pub, *r))
			buf_printf(&oids, ", %u", (*r)->oid);
	pg_quote_literal(&name, pub->name);
	PGresult *found = pg_query(c->conn, err, members_sql,
		c->p->server_version >= 150000
			? "pg_get_expr(r.prqual, r.prrelid), r.prattrs IS NOT NULL"
			: "NULL, false",
		buf_text(&name), buf_text(&oids));
	buf_release(&oids);
	buf_release(&name);
	return found;
}

static int compare_oid(const void *oid, const void *relation)
{
	uint32_t left = *(const uint32_t *)oid;
	uint32_t right = (*(const struct pg_relation *const *)relation)->oid;
	return left < right ? -1 : left > right;
}

/* They are in the order of their oids. */
static const struct pg_relation *find(const struct pg_relations *tables, uint32_t oid)
{
	struct pg_relation **found = bsearch(
		&oid, tables->items, tables->len, sizeof *tables->items, compare_oid);
	return *found;
}

static void check_member(struct pg_check *c, const struct pg_publication *pub,
	const struct pg_relation *r, const PGresult *found, int row)
{
	const char *refused = pg_value(found, row, TABLE_REFUSED_COLUMNS);
	enum pg_where there = pg_where_in(pg_value(found, row, TABLE_WHERE), r);
	const char *drop = MEND(
		c, "ALTER PUBLICATION \"%s\" DROP TABLE %s;", pub->name, r->sql_name);
	if (pg_value_bool(found, row, TABLE_LISTS_COLUMNS))
		FINDING(c, FINDING_PROBLEM, drop,
			"publication %s lists columns of table %s; tailrace leaves out columns on "
			"the way (columns:)",
			pub->name, r->sql_name);
	if (*refused)
		FINDING(c, FINDING_PROBLEM,
			MEND(c, "start tailrace, which takes the filter off; or %s", drop),
			"publication %s filters table %s by %s, which is not in its replica "
			"identity: PostgreSQL refuses to update and delete rows of it",
			pub->name, r->sql_name, refused);
	if (there == WHERE_FOREIGN || (there != WHERE_NONE && c->p->publication))
		FINDING(c, c->p->publication ? FINDING_PROBLEM : FINDING_NOTE, drop,
			"publication %s has a row filter on table %s that is not tailrace's%s",
			pub->name, r->sql_name,
			c->p->publication ? ""
					  : "; it is taken off at the next start, and the table "
					    "copied anew");
}

static bool say_unpublishable(struct pg_check *c, const struct pg_publication *pub, bool exists,
	const struct pg_relations *tables, const char *names, const char *list, struct error *err)
{
	struct buf sql;
	buf_init(&sql, BUF_MAX);
	bool ok = true;
	if (exists)
		buf_printf(&sql, "ALTER PUBLICATION \"%s\" ADD TABLE %s;", pub->name, list);
	else
		ok = pg_publications_missing(c->p, c->conn, tables, &sql, err);
	if (ok && c->p->standby)
		FINDING(c, FINDING_PROBLEM, MEND(c, "on the primary: %s", buf_text(&sql)),
			"these tables are not in publication %s, and nothing can be added on a "
			"standby: %s",
			pub->name, names);
	else if (ok)
		FINDING(c, FINDING_PROBLEM,
			MEND(c,
				"give role %s the owner's role (GRANT owner TO %s), or let the "
				"owner run: %s",
				c->role, c->role, buf_text(&sql)),
			"role %s is not the owner of these tables, or not of publication %s, and "
			"cannot publish them: %s",
			c->role, pub->name, names);
	buf_release(&sql);
	return ok;
}

static bool check_members(struct pg_check *c, const struct pg_publication *pub, bool exists,
	const struct pg_relations *tables, struct error *err)
{
	struct buf names, list;
	size_t n = 0;
	CLEANUP(pg_free_result) PGresult *found = load_members(c, pub, tables, err);
	if (!found)
		return false;
	buf_init(&names, BUF_MAX);
	buf_init(&list, BUF_MAX);
	for (int row = 0; row < PQntuples(found); row++) {
		uint32_t oid = (uint32_t)pg_value_u64(found, row, TABLE_OID);
		const struct pg_relation *r = find(tables, oid);
		if (pg_value_bool(found, row, TABLE_PUBLISHED)) {
			check_member(c, pub, r, found, row);
		} else if (!pg_value_bool(found, row, TABLE_MAY_PUBLISH)) {
			pg_finding_name(&names, n++, r->sql_name);
			pg_publication_add(&list, r, NULL);
		}
	}
	bool ok = !n ||
		  say_unpublishable(c, pub, exists, tables, buf_text(&names), buf_text(&list), err);
	buf_release(&names);
	buf_release(&list);
	return ok;
}

bool pg_check_publications(struct pg_check *c, const struct pg_relations *tables, struct error *err)
{
	struct pg_publication pubs[2];
	pg_publications(c->p, pubs);
	if (!check_missing(c, tables, err))
		return false;
	for (size_t i = 0; i < COUNT_OF(pubs); i++) {
		bool exists;
		if (!look(c, &pubs[i], &exists, err) ||
			((exists || !c->p->standby) &&
				!check_members(c, &pubs[i], exists, tables, err)))
			return false;
	}
	return true;
}
