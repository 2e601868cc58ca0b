/*
 * The tables of a publication: those that are missing are added, those that are too many taken out, and the
 * filter that each has there is ours or none. What keeps one table out (a right that is missing, a lock, a
 * table that has just gone) is said of that table, and keeps no other out.
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

enum { MEMBER_OID, MEMBER_SCHEMA, MEMBER_NAME, MEMBER_WHERE, MEMBER_COLUMNS };

static const char *const members_sql = /* %s: its filter, whether columns are listed */
	"SELECT c.oid, n.nspname, c.relname, %s FROM pg_publication_rel r"
	" JOIN pg_publication b ON b.oid = r.prpubid JOIN pg_class c ON c.oid = r.prrelid"
	" JOIN pg_namespace n ON n.oid = c.relnamespace WHERE b.pubname = ";

static bool load(struct members *m, const struct pg_relations *relations, struct error *err)
{
	CLEANUP(free_string)
	char *sql = xasprintf(
		members_sql, m->p->server_version >= 150000
				     ? "pg_get_expr(r.prqual, r.prrelid), r.prattrs IS NOT NULL"
				     : "NULL, false");
	m->found = pg_publication_query(m->p->control, sql, m->pub->name, err);
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

/* The filter that a table shall have; NULL: none. */
static const char *filter_for(const struct members *m, const struct pg_relation *r)
{
	return map_get(&m->p->plain, &r->oid, sizeof r->oid) ? NULL : pg_where_for_server(m->p, r);
}

/* Never again: our own filter is enough. */
static void keep_plain(struct members *m, const struct pg_relation *r, const struct error *why)
{
	log_info("where is applied here alone, the server does not", F("stream", m->p->source.name),
		F("table", r->sql_name), F("reason", why->text));
	map_put(&m->p->plain, &r->oid, sizeof r->oid, m->p);
}

/* False only when there is no server any more. */
static bool add(struct members *m, const struct pg_relation *const *relations, size_t n,
	int lock_ms, struct error *err)
{
	struct buf tables;
	struct error why = {0};
	buf_init(&tables, BUF_MAX);
	for (size_t i = 0; i < n; i++)
		pg_publication_add(&tables, relations[i], filter_for(m, relations[i]));
	bool ok = alter(m, "ADD", &tables, lock_ms, &why);
	buf_release(&tables);
	for (size_t i = 0; ok && i < n; i++)
		vec_push(&m->out->added, relations[i]->oid);
	if (ok || PQstatus(m->p->control) != CONNECTION_OK)
		return ok || error_set(err, why.kind, "%s", why.text);
	for (size_t i = 0; n > 1 && i < n; i++)
		if (!add(m, &relations[i], 1, m->lock_ms / ONE_BY_ONE, err))
			return false;
	if (n > 1)
		return true;
	if (filter_for(m, relations[0]) && why.kind == ERROR_BROKEN) {
		keep_plain(m, relations[0], &why);
		return add(m, relations, 1, lock_ms, err);
	}
	refuse(m, relations[0]->oid, why.text);
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

static void refuse_columns(struct members *m, const struct pg_relation *r)
{
	CLEANUP(free_string)
	char *why = xasprintf(
		"publication \"%s\" has a column list on it, tailrace leaves out columns on "
		"the way (`columns`); run: ALTER PUBLICATION \"%s\" DROP TABLE %s",
		m->pub->name, m->pub->name, r->sql_name);
	refuse(m, r->oid, why);
}

/* Takes a table out and in again, with that filter or none, in one transaction. */
static bool replace(
	struct members *m, const struct pg_relation *r, const char *where, struct error *err)
{
	struct buf sql, name;
	buf_init(&sql, BUF_MAX);
	buf_init(&name, BUF_MAX);
	pg_quote_name(&name, m->pub->name);
	buf_printf(&sql, "ALTER PUBLICATION %s DROP TABLE %s%s; ALTER PUBLICATION %s ADD TABLE ",
		buf_text(&name), r->partitioned ? "" : "ONLY ", r->sql_name, buf_text(&name));
	buf_clear(&name);
	pg_publication_add(&name, r, where);
	buf_puts(&sql, buf_text(&name));
	bool ok = pg_publication_run(m->p, buf_text(&sql), buf_text(&sql), m->lock_ms, err);
	buf_release(&name);
	buf_release(&sql);
	return ok;
}

/* What was there was not what shall be there, and could not be changed. */
static void left_as_it_was(struct members *m, const struct pg_relation *r, enum pg_where there,
	const struct error *why)
{
	switch (there) {
	case WHERE_NONE:
		if (why->kind != ERROR_RETRY)
			keep_plain(m, r, why);
		break;
	case WHERE_OURS: /* it keeps nothing back that we would not */
		log_warn("the filter of a table cannot be taken off",
			F("stream", m->p->source.name), F("table", r->sql_name),
			F("reason", why->text));
		break;
	case WHERE_FORMER:
	case WHERE_FOREIGN: refuse(m, r->oid, why->text); break;
	}
}

/* Of what a foreign filter kept back, nobody knows. */
static bool see_to_filter(
	struct members *m, const struct pg_relation *r, const char *is, struct error *err)
{
	struct error why = {0};
	enum pg_where there = pg_where_in(is, r);
	const char *where = filter_for(m, r);
	if (there == (where ? WHERE_OURS : WHERE_NONE))
		return true;
	if (m->p->publication)
		error_set(&why, ERROR_CONFIG,
			"publication \"%s\" has a row filter on it; run: ALTER PUBLICATION \"%s\" "
			"DROP TABLE %s",
			m->pub->name, m->pub->name, r->sql_name);
	else if (replace(m, r, where, &why) ||
		 (there != WHERE_NONE && where && why.kind == ERROR_BROKEN &&
			 replace(m, r, NULL, &why))) {
		if (there == WHERE_FOREIGN)
			vec_push(&m->out->added, r->oid);
		return true;
	}
	if (PQstatus(m->p->control) != CONNECTION_OK)
		return error_set(err, why.kind, "%s", why.text);
	left_as_it_was(m, r, there, &why);
	return true;
}

static bool see_to_members(struct members *m, struct error *err)
{
	for (int row = 0; row < PQntuples(m->found); row++) {
		uint32_t oid = (uint32_t)pg_value_u64(m->found, row, MEMBER_OID);
		const struct pg_relation *r = map_get(&m->wanted, &oid, sizeof oid);
		if (!r)
			continue;
		if (pg_value_bool(m->found, row, MEMBER_COLUMNS))
			refuse_columns(m, r);
		else if (!see_to_filter(m, r, pg_value(m->found, row, MEMBER_WHERE), err))
			return false;
	}
	return true;
}

bool pg_members_ensure(struct postgres *p, const struct pg_publication *pub,
	const struct pg_relations *relations, int lock_ms, struct pg_published *out,
	struct error *err)
{
	struct members m = {.p = p, .pub = pub, .lock_ms = lock_ms, .out = out};
	bool ok = load(&m, relations, err);
	if (ok) {
		drop_excess(&m);
		ok = see_to_members(&m, err) && add_missing(&m, relations, err);
	}
	map_release(&m.wanted);
	map_release(&m.there);
	PQclear(m.found);
	return ok;
}
