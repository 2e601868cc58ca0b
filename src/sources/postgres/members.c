/*
 * The tables of a publication: those that are missing are added, those that are too many taken out. What
 * keeps one table out (a right that is missing, a lock, a table that has just gone) is said of that table,
 * and keeps no other out.
 */
#include "base/log.h"
#include "sources/postgres/publish.h"

#define ONE_BY_ONE \
	10 /* part of the wait for locks that each table has, once one has kept all of them out */

struct members {
	struct postgres *p;
	const struct pg_publication *pub;
	int lock_ms;
	struct pg_published *out;
	struct map wanted; /* oid -> struct pg_relation * */
	struct map there;  /* oid -> row of `found`, from 1 */
	PGresult *found;
};

enum { MEMBER_OID, MEMBER_SCHEMA, MEMBER_NAME, MEMBER_NARROWED };

static const char *const members_sql = /* %s: is it narrowed to some rows or columns? */
	"SELECT c.oid, n.nspname, c.relname, %s FROM pg_publication_rel r"
	" JOIN pg_publication b ON b.oid = r.prpubid JOIN pg_class c ON c.oid = r.prrelid"
	" JOIN pg_namespace n ON n.oid = c.relnamespace WHERE b.pubname = ";

static bool load(struct members *m, const struct pg_relations *relations, struct error *err)
{
	CLEANUP(free_string)
	char *sql = xasprintf(members_sql, m->p->server_version >= 150000
						   ? "prqual IS NOT NULL OR prattrs IS NOT NULL"
						   : "false");
	m->found = pg_publication_query(m->p, sql, m->pub->name, err);
	if (!m->found)
		return false;
	for (intptr_t row = 0; row < PQntuples(m->found); row++) {
		uint32_t oid = (uint32_t)pg_value_u64(m->found, (int)row, MEMBER_OID);
		map_put(&m->there, &oid, sizeof oid, (void *)(row + 1));
	}
	vec_each (relations, r)
		if (pg_publication_takes(m->pub, *r))
			map_put(&m->wanted, &(*r)->oid, sizeof(*r)->oid, *r);
	return true;
}

static void refuse(struct members *m, uint32_t oid, const char *why)
{
	free(map_put(&m->out->refused, &oid, sizeof oid, xstrdup(why)));
}

static bool alter(
	struct members *m, const char *what, struct buf *tables, int lock_ms, struct error *err)
{
	struct buf sql;
	buf_init(&sql, BUF_MAX);
	buf_puts(&sql, "ALTER PUBLICATION ");
	pg_quote_name(&sql, m->pub->name);
	buf_printf(&sql, " %s TABLE %s", what, buf_text(tables));
	bool ok = pg_publication_run(m->p, buf_text(&sql), buf_text(&sql), lock_ms, err);
	buf_release(&sql);
	return ok;
}

/* Of a publication that the user named others may live: what is more than ours stays in it. */
static void drop_excess(struct members *m)
{
	struct buf tables;
	struct error kept = {0};
	buf_init(&tables, BUF_MAX);
	for (int row = 0; row < PQntuples(m->found) && !m->p->publication; row++) {
		uint32_t oid = (uint32_t)pg_value_u64(m->found, row, MEMBER_OID);
		if (map_get(&m->wanted, &oid, sizeof oid))
			continue;
		buf_puts(&tables, tables.len ? ", " : "");
		pg_quote_table(&tables, pg_value(m->found, row, MEMBER_SCHEMA),
			pg_value(m->found, row, MEMBER_NAME));
	}
	/* What is too much does no harm to us: a publication that only its owner may change is used as it is. */
	if (tables.len && !alter(m, "DROP", &tables, m->lock_ms, &kept))
		log_warn("publication keeps tables that are not selected",
			F("stream", m->p->source.name), F("publication", m->pub->name),
			F("reason", kept.text));
	buf_release(&tables);
}

/* False only when there is no server any more. */
static bool add(struct members *m, const struct pg_relation *const *relations, size_t n,
	int lock_ms, struct error *err)
{
	struct buf tables;
	struct error why = {0};
	buf_init(&tables, BUF_MAX);
	for (size_t i = 0; i < n; i++)
		pg_publication_add(&tables, relations[i]);
	bool ok = alter(m, "ADD", &tables, lock_ms, &why);
	buf_release(&tables);
	for (size_t i = 0; ok && i < n; i++)
		vec_push(&m->out->added, relations[i]->oid);
	if (ok || PQstatus(m->p->control) != CONNECTION_OK)
		return ok || error_set(err, why.kind, "%s", why.text);
	if (n == 1)
		refuse(m, relations[0]->oid, why.text);
	for (size_t i = 0; n > 1 && i < n; i++)
		if (!add(m, &relations[i], 1, m->lock_ms / ONE_BY_ONE, err))
			return false;
	return true;
}

static bool add_missing(struct members *m, const struct pg_relations *relations, struct error *err)
{
	VEC(const struct pg_relation *) missing = {0};
	vec_each (relations, r) {
		uint32_t oid = (*r)->oid;
		if (map_get(&m->wanted, &oid, sizeof oid) && !map_get(&m->there, &oid, sizeof oid))
			vec_push(&missing, *r);
	}
	bool ok = !missing.len || add(m, missing.items, missing.len, m->lock_ms, err);
	vec_release(&missing);
	return ok;
}

static void refuse_narrowed(struct members *m)
{
	struct buf why;
	buf_init(&why, BUF_MAX);
	for (int row = 0; row < PQntuples(m->found); row++) {
		uint32_t oid = (uint32_t)pg_value_u64(m->found, row, MEMBER_OID);
		const struct pg_relation *r = map_get(&m->wanted, &oid, sizeof oid);
		if (!r || !pg_value_bool(m->found, row, MEMBER_NARROWED))
			continue;
		buf_clear(&why);
		buf_printf(&why,
			"publication \"%s\" has a row filter or a column list on it, tailrace "
			"filters on the way (`where`, `columns`); run: ALTER PUBLICATION \"%s\" "
			"DROP TABLE %s",
			m->pub->name, m->pub->name, r->sql_name);
		refuse(m, oid, buf_text(&why));
	}
	buf_release(&why);
}

bool pg_members_ensure(struct postgres *p, const struct pg_publication *pub,
	const struct pg_relations *relations, int lock_ms, struct pg_published *out,
	struct error *err)
{
	struct members m = {.p = p, .pub = pub, .lock_ms = lock_ms, .out = out};
	bool ok = load(&m, relations, err);
	if (ok) {
		drop_excess(&m);
		refuse_narrowed(&m);
		ok = add_missing(&m, relations, err);
	}
	map_release(&m.wanted);
	map_release(&m.there);
	PQclear(m.found);
	return ok;
}
