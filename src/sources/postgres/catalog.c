/*
 * The types that mirrored columns use, with all that they are made of (elements, bases of domains,
 * subtypes of ranges, attributes of composites), from the server to p->catalog. A catalog only ever
 * grows, so what a codec points to stays where it is.
 */
#include "sources/postgres/postgres.h"
#include "sources/postgres/sql.h"

static const char *const types_sql = /* %s: PG_TABLES_ALL or PG_TABLES_ONE */
	"WITH RECURSIVE " PG_USED_TYPES("0") " SELECT t.oid, n.nspname, t.typname, t.typtype, "
					     "t.typcategory, t.typdelim, t.typsend = 0,"
					     " CASE WHEN e.typarray = t.oid THEN e.oid ELSE 0 END, "
					     "t.typbasetype, t.typtypmod, "
					     "t.typndims,"
					     " coalesce(r.rngsubtype, m.rngtypid, 0), t.typrelid"
					     " FROM used u JOIN pg_type t ON t.oid = u.type"
					     " JOIN pg_namespace n ON n.oid = t.typnamespace"
					     " LEFT JOIN pg_type e ON e.oid = t.typelem"
					     " LEFT JOIN pg_range r ON r.rngtypid = t.oid"
					     " LEFT JOIN pg_range m ON m.rngmultitypid = t.oid";

enum {
	OID,
	SCHEMA,
	NAME,
	TYPTYPE,
	CATEGORY,
	DELIMITER,
	NO_SEND,
	ELEMENT,
	BASE,
	BASE_TYPMOD,
	BASE_DIMS,
	SUBTYPE,
	RELATION
};

static struct pg_type type_from_row(const PGresult *types, int row)
{
	return (struct pg_type){
		.oid = (uint32_t)pg_value_u64(types, row, OID),
		.schema = pg_value(types, row, SCHEMA),
		.name = pg_value(types, row, NAME),
		.typtype = pg_value(types, row, TYPTYPE)[0],
		.category = pg_value(types, row, CATEGORY)[0],
		.delimiter = pg_value(types, row, DELIMITER)[0],
		.no_send = pg_value_bool(types, row, NO_SEND),
		.element = (uint32_t)pg_value_u64(types, row, ELEMENT),
		.base = (uint32_t)pg_value_u64(types, row, BASE),
		.base_typmod = atoi(pg_value(types, row, BASE_TYPMOD)),
		.base_dims = (int16_t)atoi(pg_value(types, row, BASE_DIMS)),
		.subtype = (uint32_t)pg_value_u64(types, row, SUBTYPE),
	};
}

static bool same_fields(const struct pg_type *a, const struct pg_type *b)
{
	if (a->n_fields != b->n_fields)
		return false;
	for (size_t i = 0; i < a->n_fields; i++)
		if (a->fields[i].type != b->fields[i].type ||
			strcmp(a->fields[i].name, b->fields[i].name))
			return false;
	return true;
}

/* Types hardly ever change; to add each again at every look would grow the catalog without end. */
static bool is_known(const struct pg_catalog *catalog, const struct pg_type *type)
{
	const struct pg_type *known = pg_catalog_find(catalog, type->oid);
	return known && known->typtype == type->typtype && known->no_send == type->no_send &&
	       known->element == type->element && known->base == type->base &&
	       known->base_typmod == type->base_typmod && known->base_dims == type->base_dims &&
	       known->subtype == type->subtype && !strcmp(known->name, type->name) &&
	       !strcmp(known->schema, type->schema) && same_fields(known, type);
}

/* Attributes of all composites among the types, ordered by (pg_type.oid, attnum). */
static PGresult *load_fields(PGconn *conn, const PGresult *types, struct error *err)
{
	struct buf sql;
	buf_init(&sql, BUF_MAX);
	buf_puts(&sql, "SELECT t.oid, a.attname, a.atttypid FROM pg_type t"
		       " JOIN pg_attribute a ON a.attrelid = t.typrelid"
		       " WHERE a.attnum > 0 AND NOT a.attisdropped AND t.oid IN (0");
	for (int row = 0; row < PQntuples(types); row++)
		if (pg_value_u64(types, row, RELATION))
			buf_printf(&sql, ", %s", pg_value(types, row, OID));
	buf_puts(&sql, ") ORDER BY t.oid, a.attnum");
	PGresult *fields = pg_query(conn, err, "%s", buf_text(&sql));
	buf_release(&sql);
	return fields;
}

static void add_type(struct postgres *p, struct pg_type *type, const PGresult *attributes)
{
	VEC(struct pg_field) fields = {0};
	for (int row = 0; type->typtype == 'c' && row < PQntuples(attributes); row++) {
		if (pg_value_u64(attributes, row, 0) != type->oid)
			continue;
		struct pg_field field = {
			pg_value(attributes, row, 1), (uint32_t)pg_value_u64(attributes, row, 2)};
		vec_push(&fields, field);
	}
	type->fields = fields.items;
	type->n_fields = fields.len;
	pthread_rwlock_wrlock(&p->catalog_lock);
	if (!is_known(&p->catalog, type))
		pg_catalog_add(&p->catalog, type);
	pthread_rwlock_unlock(&p->catalog_lock);
	vec_release(&fields);
}

bool pg_catalog_load(struct postgres *p, PGconn *conn, uint32_t oid, struct error *err)
{
	CLEANUP(free_string) char *tables = pg_tables_sql(oid);
	CLEANUP(pg_free_result) PGresult *types = pg_query(conn, err, types_sql, tables);
	if (!types)
		return error_add(err, "reading the types");
	CLEANUP(pg_free_result) PGresult *attributes = load_fields(conn, types, err);
	if (!attributes)
		return error_add(err, "reading the attributes of composite types");
	for (int row = 0; row < PQntuples(types); row++) {
		struct pg_type type = type_from_row(types, row);
		add_type(p, &type, attributes);
	}
	return true;
}
