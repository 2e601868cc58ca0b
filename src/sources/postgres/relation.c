/*
 * Tables from the system catalogs: three queries (tables, columns, identity indexes), for one table or
 * for all, joined here with what the configuration says. Tables are read before their columns: when DDL
 * comes in between, `physical` is the older of the two, and the watch sees the difference.
 */
#include "base/log.h"
#include "sources/postgres/relation.h"
#include "sources/postgres/sql.h"

/* %1$s: the condition of sql.h. Long lists are hashed: what counts is whether they change. Labels stay a list,
 * because more of them do no harm. */
static const char *const tables_sql = "WITH RECURSIVE " PG_TREE ", " PG_USED_TYPES(
	"a.attrelid") ", leaves AS ("
		      "SELECT t.root, string_agg(c.oid || ':' || "
		      "coalesce(pg_relation_filenode(c.oid), 0), ','"
		      " ORDER BY c.oid) AS files, sum(CASE WHEN c.reltuples > 0 THEN "
		      "c.reltuples::bigint"
		      " ELSE pg_stat_get_live_tuples(c.oid) END) AS tuples, "
		      "sum(c.relpages::bigint) AS pages,"
		      " bool_and(c.relreplident = 'f') AS all_full,"
		      " min(quote_ident(n.nspname) || '.' || quote_ident(c.relname))"
		      " FILTER (WHERE c.relkind <> 'r' OR c.relpersistence <> 'p') AS unlogged"
		      " FROM tree t JOIN pg_class c ON c.oid = t.oid JOIN pg_namespace n ON n.oid "
		      "= "
		      "c.relnamespace"
		      " WHERE c.relkind <> 'p' GROUP BY t.root), "
		      "labels AS (SELECT u.root, string_agg(e.oid || ':' || left(md5(e.enumlabel), "
		      "8), ',' ORDER "
		      "BY e.oid)"
		      " AS list FROM used u JOIN pg_enum e ON e.enumtypid = u.type GROUP BY u.root)"
		      " SELECT c.oid, n.nspname, c.relname, c.relkind, c.relpersistence, "
		      "c.relreplident,"
		      " coalesce(l.tuples, 0), coalesce(l.pages, 0) * "
		      "current_setting('block_size')::bigint,"
		      " 'files ' || CASE WHEN length(l.files) > 2000 THEN md5(l.files) ELSE "
		      "coalesce(l.files, "
		      "'') END"
		      " || coalesce(' labels ' || e.list, ''), coalesce(l.all_full, true), "
		      "l.unlogged"
		      " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
		      " LEFT JOIN leaves l ON l.root = c.oid LEFT JOIN labels e ON e.root = c.oid"
		      " WHERE %s ORDER BY c.oid";

static const char *const columns_sql =
	"SELECT a.attrelid, a.attnum, a.attname, a.atttypid, a.atttypmod, a.attndims, "
	"a.attgenerated,"
	/* NOT NULL NOT VALID, of servers from 18 on, promises nothing about existing rows. */
	" a.attnotnull AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = a.attrelid"
	" AND k.contype = 'n' AND NOT k.convalidated AND a.attnum = ANY (k.conkey)),"
	" format_type(a.atttypid, a.atttypmod), CASE WHEN a.atthasmissing THEN "
	"a.attmissingval::text END, CASE WHEN t.typtype = 'd' THEN (WITH RECURSIVE base AS ("
	"SELECT t.typbasetype AS type, t.typtypmod AS typmod UNION ALL SELECT n.typbasetype, "
	"n.typtypmod"
	" FROM base JOIN pg_type n ON n.oid = base.type AND n.typtype = 'd') SELECT "
	"format_type(type, typmod)"
	" FROM base WHERE NOT EXISTS (SELECT FROM pg_type n WHERE n.oid = base.type AND n.typtype "
	"= 'd')) END,"
	" CASE WHEN 'e' = e.typtype OR t.typtype IN ('e', 'd') THEN (SELECT "
	"string_agg(l.enumlabel, "
	"',' ORDER BY"
	" l.enumsortorder) FROM pg_enum l WHERE l.enumtypid IN (t.oid, e.oid, t.typbasetype)) END,"
	" CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END"
	" FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid JOIN pg_type t ON t.oid = "
	"a.atttypid"
	" LEFT JOIN pg_type e ON e.oid = t.typelem AND e.typarray = t.oid"
	" LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum"
	" WHERE a.attnum > 0 AND NOT a.attisdropped AND %s ORDER BY a.attrelid, a.attnum";

/* The primary key and the index of REPLICA IDENTITY USING INDEX, their columns in index order, each with the
 * operator that is the index's own equality. */
static const char *const keys_sql =
	"SELECT i.indrelid, i.indisprimary, i.indisreplident, i.indimmediate, k.attnum,"
	" (SELECT 'OPERATOR(' || quote_ident(n.nspname) || '.' || p.oprname || ')' FROM pg_opclass "
	"o"
	" JOIN pg_amop m ON m.amopfamily = o.opcfamily AND m.amoplefttype = o.opcintype"
	" AND m.amoprighttype = o.opcintype AND m.amopstrategy = 3"
	" JOIN pg_operator p ON p.oid = m.amopopr JOIN pg_namespace n ON n.oid = p.oprnamespace"
	" WHERE o.oid = (i.indclass::oid[])[k.nth - 1])"
	" FROM pg_class c JOIN pg_index i ON i.indrelid = c.oid,"
	" LATERAL unnest((i.indkey::int2[])[0:i.indnkeyatts - 1]) WITH ORDINALITY AS k(attnum, nth)"
	" WHERE (i.indisprimary OR i.indisreplident) AND i.indisvalid AND %s"
	" ORDER BY i.indrelid, i.indexrelid, k.nth";

bool pg_definitions_load(struct postgres *p, PGconn *conn, uint32_t oid, struct pg_definitions *out,
	struct error *err)
{
	CLEANUP(free_string) char *which = pg_tables_sql(oid);
	*out = (struct pg_definitions){.conn = conn};
	out->generated_stored = pg_publishes_generated(p, conn);
	if (pg_catalog_load(p, conn, oid, err) &&
		(out->tables = pg_query(conn, err, tables_sql, which, which, which)) &&
		(out->columns = pg_query(conn, err, columns_sql, which)) &&
		(out->keys = pg_query(conn, err, keys_sql, which)))
		return true;
	pg_definitions_release(out);
	return error_add(err, "reading the catalog");
}

void pg_definitions_release(struct pg_definitions *d)
{
	PQclear(d->tables);
	PQclear(d->columns);
	PQclear(d->keys);
	*d = (struct pg_definitions){0};
}

/* Servers from 18 on publish stored generated columns when the publication says so; ours does. */
bool pg_publishes_generated(struct postgres *p, PGconn *conn)
{
	if (p->server_version < 180000)
		return false;
	struct buf sql;
	buf_init(&sql, BUF_MAX);
	buf_puts(&sql, "SELECT FROM pg_publication WHERE pubgencols <> 's' AND pubname IN (");
	pg_quote_literal(&sql, p->publication_name);
	buf_puts(&sql, ", ");
	pg_quote_literal(&sql, p->insert_publication_name);
	buf_puts(&sql, ")");
	CLEANUP(pg_free_result) PGresult *without = pg_query(conn, NULL, "%s", buf_text(&sql));
	buf_release(&sql);
	return without && !PQntuples(without);
}

/* Rows of a result that is ordered by the table's oid in its first column. */
static void rows_of(const PGresult *result, uint32_t oid, int *from, int *to)
{
	int low = 0, high = PQntuples(result);
	while (low < high) {
		int middle = low + (high - low) / 2;
		if (pg_value_u64(result, middle, 0) < oid)
			low = middle + 1;
		else
			high = middle;
	}
	for (*from = *to = low; *to < PQntuples(result) && pg_value_u64(result, *to, 0) == oid;)
		++*to;
}

/* Of several problems the first is shown: it is to be mended first. */
static void set_problem(struct table *t, const char *text)
{
	if (!t->problem)
		t->problem = text;
}

#define PROBLEM(t, ...) set_problem((t), arena_printf(&(t)->arena, __VA_ARGS__))

struct build {
	struct postgres *p;
	const struct pg_definitions *d;
	const struct selection_rule *rule;
	struct pg_relation *relation;
	struct table *table;
	const char **missing; /* a table column, in text form; NULL: none */
};

/* The one element of attmissingval::text, which is an array: '{5}', '{"a \"b\""}'. */
static char *missing_element(struct arena *arena, const char *array)
{
	size_t len = strlen(array), n = 0;
	if (len < 2)
		return NULL;
	bool quoted = array[1] == '"' && len >= 4;
	const char *from = array + 1 + quoted, *end = array + len - 1 - quoted;
	char *text = arena_alloc(arena, len);
	for (; from < end; from++) {
		if (quoted && *from == '\\')
			from++;
		text[n++] = *from;
	}
	text[n] = '\0';
	return text;
}

static bool is_left_out(const struct build *b, char generated)
{
	return generated == 'v' || (generated == 's' && !b->d->generated_stored);
}

/* The type of a column before any rule. */
static bool describe_type(const struct build *b, const struct pg_column *column,
	struct table_column *out, struct error *err)
{
	struct pg_codec codec;
	pthread_rwlock_rdlock(&b->p->catalog_lock);
	bool ok = pg_codec_init(
		&codec, &b->table->arena, &b->p->catalog, column, &b->rule->options, err);
	pthread_rwlock_unlock(&b->p->catalog_lock);
	if (ok) {
		out->type = codec.type;
		out->approximate = codec.approximate;
		out->json_of = codec.json_of;
		pg_codec_release(&codec);
	}
	return ok;
}

static const char *text_or_null(const struct build *b, int row, int field)
{
	const PGresult *columns = b->d->columns;
	return PQgetisnull(columns, row, field)
		       ? NULL
		       : arena_strdup(&b->table->arena, pg_value(columns, row, field));
}

/* How the source itself speaks of the type. */
static void describe_words(const struct build *b, int row, struct table_column *out)
{
	out->source_type = text_or_null(b, row, COLUMN_TYPE_TEXT);
	out->base_type = text_or_null(b, row, COLUMN_BASE_TYPE);
	out->labels = text_or_null(b, row, COLUMN_LABELS);
	out->default_sql = text_or_null(b, row, COLUMN_DEFAULT);
}

static bool build_column(struct build *b, int row, struct error *err)
{
	const PGresult *columns = b->d->columns;
	struct table *t = b->table;
	struct pg_column *column = &b->relation->columns[t->n_columns];
	struct table_column *out = &t->columns[t->n_columns];
	out->attribute = atoi(pg_value(columns, row, COLUMN_NUMBER));
	out->name = arena_strdup(&t->arena, pg_value(columns, row, COLUMN_NAME));
	describe_words(b, row, out);
	*column = (struct pg_column){
		.type = (uint32_t)pg_value_u64(columns, row, COLUMN_TYPE),
		.typmod = atoi(pg_value(columns, row, COLUMN_TYPMOD)),
		.dims = (int16_t)atoi(pg_value(columns, row, COLUMN_DIMS)),
		.not_null = pg_value_bool(columns, row, COLUMN_NOT_NULL),
		.rule = selection_column_rule(b->rule, out->name).kind,
	};
	if (!PQgetisnull(columns, row, COLUMN_MISSING))
		b->missing[t->n_columns] = missing_element(
			&t->arena, pg_value(columns, row, COLUMN_MISSING));
	struct pg_column plain = *column;
	plain.rule = RULE_NONE;
	if (!describe_type(b, &plain, out, err))
		return error_add(err, "column %s", out->name);
	t->n_columns++;
	return true;
}

static bool build_columns(struct build *b, struct error *err)
{
	struct table *t = b->table;
	int from, to;
	rows_of(b->d->columns, b->relation->oid, &from, &to);
	size_t n = (size_t)(to - from);
	t->columns = arena_alloc(&t->arena, (n + 1) * sizeof *t->columns);
	b->relation->columns = arena_alloc(&t->arena, (n + 1) * sizeof *b->relation->columns);
	b->missing = arena_alloc(&t->arena, (n + 1) * sizeof *b->missing);
	for (int row = from; row < to; row++)
		if (!is_left_out(b, pg_value(b->d->columns, row, COLUMN_GENERATED)[0]) &&
			!build_column(b, row, err))
			return false;
	if (!t->n_columns)
		PROBLEM(t, "it has no columns that the log carries; leave it out");
	return true;
}

/* Rows of the index whose flag is set; a deferred one is no identity and, being able to hold the same key twice
 * for a while, no key. */
static bool find_index(const struct build *b, enum key_field flag, int *from, int *to)
{
	const PGresult *keys = b->d->keys;
	int end;
	rows_of(keys, b->relation->oid, from, &end);
	while (*from < end &&
		!(pg_value_bool(keys, *from, flag) && pg_value_bool(keys, *from, KEY_IMMEDIATE)))
		++*from;
	for (*to = *from; *to < end && pg_value_bool(keys, *to, flag);)
		++*to;
	return *from < *to;
}

static void build_key(struct build *b)
{
	struct table *t = b->table;
	struct pg_relation *r = b->relation;
	int from = 0, to = 0;
	bool found = find_index(
		b, r->replica_identity == 'i' ? KEY_IDENTITY : KEY_PRIMARY, &from, &to);
	r->keyed = r->replica_identity == 'f' || (found && r->replica_identity != 'n');
	if (!found || !r->keyed)
		return;
	t->key = arena_alloc(&t->arena, (size_t)(to - from) * sizeof *t->key);
	r->key_equals = arena_alloc(&t->arena, (size_t)(to - from) * sizeof *r->key_equals);
	for (int row = from; row < to; row++) {
		int number = atoi(pg_value(b->d->keys, row, KEY_ATTRIBUTE));
		int column = table_column_by_attribute(t, number);
		if (column < 0) {
			PROBLEM(t,
				"its key holds a generated column, which the log does not carry; "
				"give it "
				"another key: ALTER TABLE %s REPLICA IDENTITY USING INDEX ...",
				r->sql_name);
			return;
		}
		t->columns[column].key = true;
		r->columns[column].key = r->columns[column].not_null = true;
		const char *equals = pg_value(b->d->keys, row, KEY_EQUALS);
		r->key_equals[t->n_key] = arena_strdup(&t->arena, *equals ? equals : "=");
		t->key[t->n_key++] = (uint16_t)column;
	}
}

/* Key columns take no NULL, so their types are described again; and not every type can be sorted by. */
static bool check_key(struct build *b, struct error *err)
{
	struct table *t = b->table;
	for (size_t i = 0; i < t->n_key; i++) {
		struct table_column *c = &t->columns[t->key[i]];
		struct pg_column plain = b->relation->columns[t->key[i]];
		plain.rule = RULE_NONE;
		if (!describe_type(b, &plain, c, err))
			return false;
		if (column_child_count(c->type.kind) || c->type.kind == TYPE_JSON)
			PROBLEM(t,
				"its key column %s is of type %s, which cannot be sorted by in the "
				"target; give "
				"it another key: ALTER TABLE %s REPLICA IDENTITY USING INDEX ...",
				c->name, c->source_type, b->relation->sql_name);
	}
	return true;
}

/* A leaf logs by its own identity, whatever its root's is. */
static bool check_leaves(struct build *b, struct error *err)
{
	struct table *t = b->table;
	struct buf names;
	if (!b->relation->partitioned || !b->relation->keyed)
		return true;
	buf_init(&names, BUF_MAX);
	buf_puts(&names, "ARRAY[");
	for (size_t i = 0; i < t->n_key; i++) {
		buf_puts(&names, i ? ", " : "");
		pg_quote_literal(&names, t->columns[t->key[i]].name);
	}
	buf_puts(&names, "]::name[]");
	CLEANUP(free_string) char *which = pg_tables_sql(b->relation->oid);
	CLEANUP(pg_free_result)
	PGresult *bad = pg_query(b->d->conn, err,
		"WITH RECURSIVE " PG_TREE
		" SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) FROM tree t"
		" JOIN pg_class c ON c.oid = t.oid JOIN pg_namespace n ON n.oid = c.relnamespace"
		" WHERE c.relkind = 'r' AND c.relreplident <> 'f' AND (%s <@ (SELECT "
		"array_agg(a.attname)"
		" FROM pg_index i JOIN pg_attribute a ON a.attrelid = c.oid"
		" AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])"
		" WHERE i.indrelid = c.oid AND i.indimmediate AND i.indisvalid AND CASE "
		"c.relreplident"
		" WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident ELSE false END)) IS "
		"NOT TRUE"
		" ORDER BY 1 LIMIT 1",
		which, buf_text(&names));
	buf_release(&names);
	if (!bad)
		return false;
	if (PQntuples(bad))
		PROBLEM(t,
			"its partition %s has another replica identity than the table itself; give "
			"it the same: "
			"ALTER TABLE %s REPLICA IDENTITY %s",
			pg_value(bad, 0, 0), pg_value(bad, 0, 0),
			b->relation->replica_identity == 'd'   ? "DEFAULT"
			: b->relation->replica_identity == 'f' ? "FULL"
							       : "USING INDEX ...");
	return true;
}

/* ALTER TABLE ... ADD COLUMN of a root leaves the value with its leaves. */
static bool find_missing_of_leaves(struct build *b, struct error *err)
{
	if (!b->relation->partitioned)
		return true;
	CLEANUP(free_string) char *which = pg_tables_sql(b->relation->oid);
	CLEANUP(pg_free_result)
	PGresult *found = pg_query(b->d->conn, err,
		"WITH RECURSIVE " PG_TREE
		" SELECT DISTINCT ON (a.attname) a.attname, a.attmissingval::text"
		" FROM tree t JOIN pg_attribute a ON a.attrelid = t.oid WHERE a.atthasmissing"
		" AND NOT a.attisdropped AND a.attnum > 0 ORDER BY a.attname, t.oid",
		which);
	if (!found)
		return false;
	for (int row = 0; row < PQntuples(found); row++) {
		int column = table_column_by_name(b->table, pg_value(found, row, 0));
		if (column >= 0)
			b->missing[column] = missing_element(
				&b->table->arena, pg_value(found, row, 1));
	}
	return true;
}

/* Columns under `drop` are taken out by selection_apply(): what stands beside each goes along. */
static void apply_selection(struct build *b)
{
	struct table *t = b->table;
	struct pg_relation *r = b->relation;
	VEC(int) attributes = {0};
	for (size_t i = 0; i < t->n_columns; i++)
		vec_push(&attributes, t->columns[i].attribute);
	selection_apply(b->p->source.selection, b->rule, t);
	for (size_t from = 0, to = 0; to < t->n_columns; from++) {
		if (attributes.items[from] != t->columns[to].attribute)
			continue;
		r->columns[to] = r->columns[from];
		r->columns[to].rule = t->columns[to].rule.kind;
		b->missing[to++] = b->missing[from];
	}
	vec_release(&attributes);
}

/* Rows from before ADD COLUMN, as the column carries them. What it cannot carry, and bytes, which look like a text
 * here, only a copy can tell. */
static void set_missing(struct build *b)
{
	struct table *t = b->table;
	struct buf json;
	buf_init(&json, BUF_MAX);
	for (size_t i = 0; i < t->n_columns; i++) {
		struct error ignored = {0};
		if (!b->missing[i])
			continue;
		struct pg_cell cell = {(const uint8_t *)b->missing[i],
			(uint32_t)strlen(b->missing[i]), PG_CELL_TEXT};
		buf_clear(&json);
		bool said = pg_codec_json(&b->relation->rows.codecs[i], &cell, &json, &ignored) &&
			    !strstr(buf_text(&json), "\\\\x");
		t->columns[i].missing = said ? arena_strdup(&t->arena, buf_text(&json)) : "";
	}
	buf_release(&json);
}

static bool build_rows(struct build *b)
{
	struct error err = {0};
	pthread_rwlock_rdlock(&b->p->catalog_lock);
	bool ok = pg_rows_init(
		&b->relation->rows, b->table, &b->p->catalog, b->relation->columns, &err);
	pthread_rwlock_unlock(&b->p->catalog_lock);
	if (!ok) {
		b->relation->rows = (struct pg_rows){0};
		PROBLEM(b->table, "%s", err.text);
	}
	return ok;
}

static void build_table(struct build *b, int row)
{
	const PGresult *tables = b->d->tables;
	struct table *t = b->table;
	struct pg_relation *r = b->relation;
	struct buf sql_name;
	r->oid = (uint32_t)pg_value_u64(tables, row, TABLE_OID);
	r->replica_identity = pg_value(tables, row, TABLE_IDENTITY)[0];
	r->partitioned = pg_value(tables, row, TABLE_KIND)[0] == 'p';
	r->identity_full = r->replica_identity == 'f' && pg_value_bool(tables, row, TABLE_ALL_FULL);
	t->source_id = r->oid;
	t->schema = arena_strdup(&t->arena, pg_value(tables, row, TABLE_SCHEMA));
	t->name = arena_strdup(&t->arena, pg_value(tables, row, TABLE_NAME));
	t->physical = arena_strdup(&t->arena, pg_value(tables, row, TABLE_PHYSICAL));
	t->rows_estimate = pg_value_u64(tables, row, TABLE_TUPLES);
	t->bytes_estimate = pg_value_u64(tables, row, TABLE_BYTES);
	buf_init(&sql_name, BUF_MAX);
	pg_quote_table(&sql_name, t->schema, t->name);
	r->sql_name = arena_strdup(&t->arena, buf_text(&sql_name));
	buf_release(&sql_name);
	const char *unlogged = pg_value(tables, row, TABLE_UNLOGGED);
	if (*unlogged)
		PROBLEM(t,
			"%s is unlogged or foreign: its changes are not in the log; ALTER TABLE %s "
			"SET LOGGED, "
			"or leave it out",
			unlogged, unlogged);
}

/* What is wrong with one table (a type that cannot be described) is no failure of the others. */
static bool build_definition(struct build *b, struct error *err)
{
	struct error of_table = {0};
	bool ok = build_columns(b, &of_table);
	if (ok) {
		build_key(b);
		ok = check_key(b, &of_table) && check_leaves(b, &of_table) &&
		     find_missing_of_leaves(b, &of_table);
	}
	if (ok)
		return true;
	if (of_table.kind != ERROR_TABLE) {
		*err = of_table;
		return false;
	}
	PROBLEM(b->table, "%s", of_table.text);
	return true;
}

struct pg_relation *pg_relation_build(
	struct postgres *p, const struct pg_definitions *d, int row, struct error *err)
{
	struct build b = {.p = p, .d = d};
	b.rule = selection_match(p->source.selection, pg_value(d->tables, row, TABLE_SCHEMA),
		pg_value(d->tables, row, TABLE_NAME));
	if (!b.rule)
		return NULL;
	b.relation = xcalloc(1, sizeof *b.relation);
	b.table = b.relation->table = table_new();
	build_table(&b, row);
	if (!build_definition(&b, err)) {
		error_add(err, "table %s.%s", b.table->schema, b.table->name);
		pg_relation_free(b.relation);
		return NULL;
	}
	apply_selection(&b);
	if (!b.relation->keyed)
		b.table->inserts_only = arena_printf(&b.table->arena,
			"PostgreSQL publishes only its inserts, as it has no replica identity: "
			"rows that "
			"were updated or deleted there differ. Give it a primary key, or ALTER "
			"TABLE %s "
			"REPLICA IDENTITY FULL and `tailrace resync %s.%s`",
			b.relation->sql_name, b.table->schema, b.table->name);
	if (!b.table->problem && build_rows(&b))
		set_missing(&b);
	return b.relation;
}

static struct table *copy_of(const struct table *t, struct error *err)
{
	struct buf json;
	buf_init(&json, BUF_MAX);
	table_to_json(t, &json);
	struct table *copy = table_from_json(buf_text(&json), t->stream, t->options, err);
	buf_release(&json);
	if (copy && t->inserts_only)
		copy->inserts_only = arena_strdup(&copy->arena, t->inserts_only);
	return copy;
}

struct pg_relation *pg_relation_with_null(
	struct postgres *p, const struct pg_relation *r, int column, struct error *err)
{
	struct table *t = copy_of(r->table, err);
	if (!t)
		return NULL;
	struct pg_relation *with = xmalloc(sizeof *with);
	*with = *r;
	with->table = t;
	with->sql_name = arena_strdup(&t->arena, r->sql_name);
	with->columns = arena_alloc(&t->arena, t->n_columns * sizeof *r->columns);
	memcpy(with->columns, r->columns, t->n_columns * sizeof *r->columns);
	with->key_equals = arena_alloc(&t->arena, (t->n_key + 1) * sizeof *with->key_equals);
	for (size_t i = 0; i < t->n_key; i++)
		with->key_equals[i] = arena_strdup(&t->arena, r->key_equals[i]);
	with->columns[column].not_null = false;
	t->columns[column].type.nullable = !column_child_count(t->columns[column].type.kind);
	pthread_rwlock_rdlock(&p->catalog_lock);
	bool ok = pg_rows_init(&with->rows, t, &p->catalog, with->columns, err);
	pthread_rwlock_unlock(&p->catalog_lock);
	if (ok)
		return with;
	with->rows = (struct pg_rows){0};
	pg_relation_free(with);
	return NULL;
}

void pg_relation_free(struct pg_relation *r)
{
	if (!r)
		return;
	if (r->rows.table)
		pg_rows_release(&r->rows);
	table_unref(r->table);
	free(r);
}
