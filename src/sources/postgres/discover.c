/* Tables as they are now: one by its oid, or all that are selected. See relation.c for how one is made. */
#include "sources/postgres/relation.h"

static bool root_of(PGconn *conn, uint32_t oid, uint32_t *root, struct error *err)
{
	CLEANUP(pg_free_result)
	PGresult *found = pg_query(
		conn, err, "SELECT coalesce(pg_partition_root(%u), %u)::oid", oid, oid);
	if (!found)
		return false;
	*root = (uint32_t)pg_value_u64(found, 0, 0);
	return true;
}

struct pg_relation *pg_relation_load(
	struct postgres *p, PGconn *conn, uint32_t oid, struct error *err)
{
	struct pg_definitions d;
	struct pg_relation *r = NULL;
	uint32_t root;
	error_clear(err);
	if (!root_of(conn, oid, &root, err) || !pg_definitions_load(p, conn, root, &d, err))
		return NULL;
	if (PQntuples(d.tables))
		r = pg_relation_build(p, &d, 0, err);
	pg_definitions_release(&d);
	return r;
}

void pg_relations_release(struct pg_relations *relations)
{
	vec_each (relations, r)
		pg_relation_free(*r);
	vec_release(relations);
}

static void mark_collisions(const struct pg_relations *relations)
{
	VEC(struct table *) tables = {0};
	vec_each (relations, r)
		vec_push(&tables, (*r)->table);
	selection_collisions(tables.items, tables.len);
	vec_release(&tables);
}

bool pg_discover(struct postgres *p, PGconn *conn, struct pg_relations *out, struct error *err)
{
	struct pg_definitions d;
	error_clear(err);
	if (!pg_definitions_load(p, conn, 0, &d, err))
		return false;
	for (int row = 0; row < PQntuples(d.tables) && err->kind == ERROR_NONE; row++) {
		struct pg_relation *r = pg_relation_build(p, &d, row, err);
		if (r)
			vec_push(out, r);
	}
	pg_definitions_release(&d);
	if (err->kind != ERROR_NONE) {
		pg_relations_release(out);
		return false;
	}
	mark_collisions(out);
	return true;
}

bool postgres_discover(struct source *source, struct tables *out, struct error *err)
{
	struct postgres *p = postgres_of(source);
	struct pg_relations relations = {0};
	PGconn *conn = pg_take_connection(p, err);
	if (!conn)
		return false;
	bool ok = pg_discover(p, conn, &relations, err);
	pg_return_connection(p, conn, ok);
	if (!ok)
		return false;
	vec_each (&relations, r)
		vec_push(out, table_ref((*r)->table));
	pg_log_discovered(p, &relations);
	pg_relations_release(&relations);
	return true;
}

/* The list behind `section` in "files 16400:16402 labels 16500:1a2b3c4d,16502:...": its start and length. */
static const char *section(const char *physical, const char *name, size_t *len)
{
	const char *found = physical ? strstr(physical, name) : NULL;
	const char *list = found ? found + strlen(name) : "";
	*len = strcspn(list, " ");
	return list;
}

static bool in_list(const char *item, size_t item_len, const char *list, size_t len)
{
	for (const char *end = list + len; list < end;) {
		size_t n = strcspn(list, ", ");
		if (n == item_len && !memcmp(item, list, n))
			return true;
		list += n + 1;
	}
	return false;
}

bool pg_physical_same(const char *was, const char *now)
{
	size_t was_len, now_len;
	const char *was_files = section(was, "files ", &was_len);
	const char *now_files = section(now, "files ", &now_len);
	if (was_len != now_len || memcmp(was_files, now_files, was_len) != 0)
		return false;
	const char *was_labels = section(was, "labels ", &was_len);
	const char *now_labels = section(now, "labels ", &now_len);
	for (const char *label = was_labels; label < was_labels + was_len;) {
		size_t n = strcspn(label, ", ");
		if (!in_list(label, n, now_labels, now_len))
			return false;
		label += n + 1;
	}
	return true;
}
