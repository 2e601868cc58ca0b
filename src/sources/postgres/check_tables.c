/*
 * What `tailrace check` says of tables: which cannot be mirrored and why, which are kept as history for
 * want of a key, what the log or the target leaves out of them, and whether our role may read them.
 */
#include "base/text.h"
#include "sources/postgres/finding.h"
#include "sources/postgres/sql.h"

/* Rights on the tables, on every leaf below them, and on their schemas. */
static bool check_rights(struct pg_check *c, const char *which, struct error *err)
{
	CLEANUP(pg_free_result)
	PGresult *missing = pg_query(c->conn, err,
		"WITH RECURSIVE " PG_TREE " SELECT quote_ident(n.nspname), quote_ident(n.nspname) "
		"|| '.' || quote_ident(c.relname),"
		" has_schema_privilege(n.oid, 'USAGE'), has_table_privilege(c.oid, 'SELECT'),"
		" row_security_active(c.oid) FROM tree t JOIN pg_class c ON c.oid = t.oid"
		" JOIN pg_namespace n ON n.oid = c.relnamespace"
		" WHERE NOT (has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, "
		"'SELECT'))"
		" OR row_security_active(c.oid) ORDER BY 2",
		which);
	if (!missing)
		return false;
	for (int i = 0; i < PQntuples(missing); i++) {
		const char *schema = pg_value(missing, i, 0), *table = pg_value(missing, i, 1);
		if (!pg_value_bool(missing, i, 2))
			FINDING(c, FINDING_PROBLEM,
				MEND(c, "GRANT USAGE ON SCHEMA %s TO %s;", schema, c->role),
				"role %s may not use schema %s, which table %s is in", c->role,
				schema, table);
		if (!pg_value_bool(missing, i, 3))
			FINDING(c, FINDING_PROBLEM,
				MEND(c, "GRANT SELECT ON %s TO %s;", table, c->role),
				"role %s may not read table %s", c->role, table);
		if (pg_value_bool(missing, i, 4))
			FINDING(c, FINDING_PROBLEM, MEND(c, "ALTER ROLE %s BYPASSRLS;", c->role),
				"row security hides rows of table %s from role %s", table, c->role);
	}
	return true;
}

/* Why a table has no key that changes could be told apart by, and what gives it one. */
static bool check_keyless(struct pg_check *c, const struct pg_relation *r, struct error *err)
{
	CLEANUP(pg_free_result)
	PGresult *primary = pg_query(c->conn, err,
		"SELECT indimmediate FROM pg_index WHERE indrelid = %u AND indisprimary", r->oid);
	if (!primary)
		return false;
	bool deferrable = PQntuples(primary) && !pg_value_bool(primary, 0, 0);
	const char *table = r->sql_name;
	const char *consequence =
		r->keyed ? "is kept as history"
			 : "is kept as history, of inserts alone: its updates and deletes "
			   "cannot be published";
	if (deferrable)
		FINDING(c, FINDING_NOTE,
			MEND(c,
				"make the primary key NOT DEFERRABLE, or ALTER TABLE %s REPLICA "
				"IDENTITY USING INDEX "
				"<a unique index, not deferrable, on NOT NULL columns>;",
				table),
			"the primary key of table %s is deferrable, which is no identity of rows: "
			"the table %s",
			table, consequence);
	else if (r->replica_identity == 'n')
		FINDING(c, FINDING_NOTE, MEND(c, "ALTER TABLE %s REPLICA IDENTITY DEFAULT;", table),
			"table %s has REPLICA IDENTITY NOTHING: it %s", table, consequence);
	else if (r->replica_identity == 'i')
		FINDING(c, FINDING_NOTE, MEND(c, "ALTER TABLE %s REPLICA IDENTITY DEFAULT;", table),
			"the index that was the replica identity of table %s is gone: it %s", table,
			consequence);
	else
		FINDING(c, FINDING_NOTE,
			MEND(c, "ALTER TABLE %s ADD PRIMARY KEY (...);%s", table,
				r->keyed ? ""
					 : " or, for a history of updates and deletes too, REPLICA "
					   "IDENTITY FULL"),
			"table %s has no primary key: it %s", table, consequence);
	return true;
}

static void check_columns(struct pg_check *c, const struct pg_relation *r)
{
	const struct table *t = r->table;
	for (size_t i = 0; i < t->n_columns; i++)
		if (t->columns[i].approximate)
			FINDING(c, FINDING_NOTE, NULL,
				"column %s of table %s is of type %s: it is carried as "
				"PostgreSQL's text",
				t->columns[i].name, r->sql_name, t->columns[i].source_type);
}

static bool check_generated(struct pg_check *c, const char *which, struct error *err)
{
	bool stored = pg_publishes_generated(c->p, c->conn);
	CLEANUP(pg_free_result)
	PGresult *left_out = pg_query(c->conn, err,
		"SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname),"
		" string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum), "
		"bool_or(a.attgenerated = 's')"
		" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
		" JOIN pg_attribute a ON a.attrelid = c.oid WHERE a.attnum > 0 AND NOT "
		"a.attisdropped"
		" AND a.attgenerated IN ('v', '%s') AND %s GROUP BY 1 ORDER BY 1",
		stored ? "v" : "s", which);
	if (!left_out)
		return false;
	for (int i = 0; i < PQntuples(left_out); i++)
		FINDING(c, FINDING_NOTE,
			c->p->server_version >= 180000 && pg_value_bool(left_out, i, 2)
				? MEND(c,
					  "ALTER PUBLICATION \"%s\" SET (publish_generated_columns "
					  "= stored);",
					  c->p->publication_name)
				: NULL,
			"generated columns are not in the log and are left out: %s of table %s",
			pg_value(left_out, i, 1), pg_value(left_out, i, 0));
	return true;
}

static bool check_table(struct pg_check *c, const struct pg_relation *r, struct error *err)
{
	if (r->table->problem) {
		FINDING(c, FINDING_PROBLEM, NULL, "table %s: %s", r->sql_name, r->table->problem);
		return true;
	}
	check_columns(c, r);
	return r->table->n_key || check_keyless(c, r, err);
}

/* "AND c.oid IN (...)": those that can be mirrored. */
static char *tables_condition(const struct pg_relations *tables)
{
	struct buf sql;
	buf_init(&sql, BUF_MAX);
	buf_puts(&sql, PG_TABLES_ALL " AND c.oid IN (0");
	vec_each (tables, r)
		if (!(*r)->table->problem)
			buf_printf(&sql, ", %u", (*r)->oid);
	buf_puts(&sql, ")");
	char *condition = xstrdup(buf_text(&sql));
	buf_release(&sql);
	return condition;
}

static bool check_all(struct pg_check *c, const struct pg_relations *tables, struct error *err)
{
	CLEANUP(free_string) char *which = tables_condition(tables);
	vec_each (tables, r)
		if (!check_table(c, *r, err))
			return false;
	return pg_check_selection(c, tables, err) && check_rights(c, which, err) &&
	       check_generated(c, which, err) && pg_check_publications(c, tables, err);
}

bool pg_check_tables(struct pg_check *c, struct error *err)
{
	struct pg_relations tables = {0};
	size_t fine = 0;
	if (!pg_discover(c->p, c->conn, &tables, err))
		return false;
	bool ok = check_all(c, &tables, err);
	vec_each (&tables, r)
		fine += !(*r)->table->problem;
	if (fine)
		FINDING(c, FINDING_OK, NULL, "%zu table%s can be mirrored", fine, plural(fine));
	else if (!tables.len)
		FINDING(c, FINDING_PROBLEM,
			"look at the patterns under tables: in the configuration",
			"no table is selected");
	pg_relations_release(&tables);
	return ok;
}
