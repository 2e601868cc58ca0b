/*
 * Rows by their keys, and rows in the order of their keys. The order is that of column_compare():
 * numbers, bytes and UUIDs as PostgreSQL itself orders them, so that the key's index serves; whatever is
 * carried as text by the bytes of its text form.
 */
#include "sources/postgres/literal.h"
#include "sources/postgres/reader.h"

#define SLICE_ROWS   1000
#define SLICE_BYTES  ((size_t)256 << 10)
#define LOCK_TIMEOUT "10s"

struct lookup {
	struct pg_reader reader;
	PGconn *conn;
	struct pg_key_type *types; /* one a key column */
	struct batch *out;
};

static void begin_from(const struct lookup *l, struct buf *sql)
{
	buf_init(sql, BUF_MAX);
	pg_reader_select(&l->reader, sql);
	buf_printf(sql, " FROM %s%s AS t", l->reader.relation->partitioned ? "" : "ONLY ",
		l->reader.relation->sql_name);
}

static void key_name(const struct lookup *l, size_t i, struct buf *sql)
{
	buf_puts(sql, "t.");
	pg_quote_name(sql, l->reader.names[l->reader.table->key[i]]);
}

/* "(1, 'a')" of the key columns of a row. */
static void key_row(
	const struct lookup *l, const struct batch *keys, size_t row, bool ordered, struct buf *sql)
{
	const struct table *t = keys->table;
	for (size_t i = 0; i < t->n_key; i++) {
		buf_puts(sql, i ? ", " : "(");
		pg_key_literal(&l->types[i], &keys->columns[t->key[i]], row, ordered, sql);
	}
	buf_puts(sql, ")");
}

/* EXISTS and not a join: a key that is asked for twice gives its row once. */
static bool fetch_slice(struct lookup *l, const struct batch *keys, size_t *row, struct error *err)
{
	struct buf sql;
	size_t n_key = l->reader.table->n_key;
	begin_from(l, &sql);
	buf_puts(&sql, " WHERE EXISTS (SELECT FROM (VALUES ");
	for (size_t from = *row;
		*row < keys->rows && *row - from < SLICE_ROWS && sql.len < SLICE_BYTES; ++*row) {
		buf_puts(&sql, *row > from ? ", " : "");
		key_row(l, keys, *row, false, &sql);
	}
	buf_puts(&sql, ") AS k (");
	for (size_t i = 0; i < n_key; i++)
		buf_printf(&sql, "%sk%zu", i ? ", " : "", i);
	buf_puts(&sql, ")");
	for (size_t i = 0; i < n_key; i++) {
		buf_puts(&sql, i ? " AND " : " WHERE ");
		key_name(l, i, &sql);
		buf_printf(&sql, " %s k.k%zu", l->reader.relation->key_equals[i], i);
	}
	buf_puts(&sql, ")");
	pg_reader_where(&l->reader, &sql, " AND ");
	bool ok = pg_reader_run(&l->reader, &sql, l->out, NULL, err);
	buf_release(&sql);
	return ok;
}

static bool fetch_all(struct lookup *l, const struct batch *keys, struct error *err)
{
	for (size_t row = 0; row < keys->rows;)
		if (!fetch_slice(l, keys, &row, err))
			return false;
	return true;
}

/* What is sorted by, of a key column. */
static void order_expression(const struct lookup *l, size_t i, struct buf *sql)
{
	enum pg_key_order order = l->types[i].order;
	buf_puts(sql, order == PG_ORDER_OUTPUT ? "concat(" : "");
	key_name(l, i, sql);
	buf_puts(sql, order == PG_ORDER_OUTPUT ? ")" : "");
	buf_puts(sql, order == PG_ORDER_NATURAL ? "" : " COLLATE \"C\"");
}

static bool scan_range(struct lookup *l, const struct batch *after, size_t limit, struct error *err)
{
	struct buf sql, order;
	buf_init(&order, BUF_MAX);
	for (size_t i = 0; i < l->reader.table->n_key; i++) {
		buf_puts(&order, i ? ", " : "");
		order_expression(l, i, &order);
	}
	begin_from(l, &sql);
	if (after) {
		buf_printf(&sql, " WHERE (%s) > ", buf_text(&order));
		key_row(l, after, 0, true, &sql);
	}
	pg_reader_where(&l->reader, &sql, after ? " AND " : " WHERE ");
	buf_printf(&sql, " ORDER BY %s LIMIT %zu", buf_text(&order), limit);
	bool ok = pg_reader_run(&l->reader, &sql, l->out, NULL, err);
	buf_release(&sql);
	buf_release(&order);
	return ok;
}

static bool find_key_types(struct lookup *l, bool ordered, struct error *err)
{
	const struct table *t = l->reader.table;
	const struct pg_relation *now = l->reader.relation;
	if (!t->n_key)
		return error_set(err, ERROR_TABLE, "it has no key to look rows up by");
	if (!ordered && !table_same_key(now->table, t))
		return error_set(err, ERROR_TABLE,
			"its key has changed in the source, and the stream has not come there");
	l->types = xcalloc(t->n_key, sizeof *l->types);
	pthread_rwlock_rdlock(&l->reader.p->catalog_lock);
	for (size_t i = 0; i < t->n_key; i++) {
		const struct table_column *column = &t->columns[t->key[i]];
		/* There is one: pg_reader_init() has found it. */
		int now_at = table_column_by_attribute(now->table, column->attribute);
		pg_key_type(&l->reader.p->catalog, now->columns[now_at].type, &column->type,
			&l->types[i]);
	}
	pthread_rwlock_unlock(&l->reader.p->catalog_lock);
	return true;
}

/* *gone: there is no such table any more, and so no such rows. */
static bool begin(struct lookup *l, struct postgres *p, struct batch *out, bool ordered, bool *gone,
	struct error *err)
{
	l->out = out;
	l->conn = pg_take_connection(p, err);
	if (!l->conn || !pg_exec(l->conn, err, "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY") ||
		!pg_exec(l->conn, err, "SET LOCAL lock_timeout = '" LOCK_TIMEOUT "'"))
		return false;
	enum pg_reader_status status = pg_reader_init(&l->reader, p, l->conn, out->table, err);
	*gone = status == PG_READER_GONE;
	/* who asks by key may be the stream itself, which comes there only behind these rows */
	if (status == PG_READER_AHEAD && !ordered)
		err->kind = ERROR_TABLE;
	return *gone || (status == PG_READER_READY && find_key_types(l, ordered, err));
}

static bool end(struct lookup *l, struct postgres *p, bool ok, struct error *err)
{
	if (ok)
		ok = pg_exec(l->conn, err, "COMMIT");
	bool reusable = ok && pg_reader_reusable(&l->reader);
	if (!ok)
		error_add(err, "reading %s.%s", l->out->table->schema, l->out->table->name);
	pg_reader_release(&l->reader);
	pg_return_connection(p, l->conn, reusable);
	free(l->types);
	return ok;
}

bool postgres_fetch(
	struct source *source, const struct batch *keys, struct batch *out, struct error *err)
{
	struct lookup l = {0};
	bool gone = false;
	bool ok = begin(&l, postgres_of(source), out, false, &gone, err) &&
		  (gone || fetch_all(&l, keys, err));
	return end(&l, postgres_of(source), ok, err);
}

bool postgres_scan(struct source *source, struct table *table, const struct batch *after,
	size_t limit, struct batch *out, struct error *err)
{
	struct lookup l = {0};
	bool gone = false;
	(void)table; /* is out->table: rows are appended in its definition */
	bool ok = begin(&l, postgres_of(source), out, true, &gone, err);
	if (ok && gone)
		ok = error_set(err, ERROR_TABLE, "the table is gone, or no longer selected");
	return end(&l, postgres_of(source), ok && scan_range(&l, after, limit, err), err);
}

/* Blocks at random, and the rows in them. */
static bool sample_blocks(struct lookup *l, double fraction, size_t most, struct error *err)
{
	struct buf sql;
	begin_from(l, &sql);
	buf_printf(&sql, " TABLESAMPLE SYSTEM (%.9f)", fraction < 1 ? fraction * 100 : 100);
	pg_reader_where(&l->reader, &sql, " WHERE ");
	buf_printf(&sql, " LIMIT %zu", most);
	bool ok = pg_reader_run(&l->reader, &sql, l->out, NULL, err);
	buf_release(&sql);
	return ok;
}

bool postgres_sample(struct source *source, struct table *table, double fraction, size_t most,
	struct batch *out, struct error *err)
{
	struct lookup l = {0};
	bool gone = false;
	(void)table; /* is out->table */
	bool ok = begin(&l, postgres_of(source), out, true, &gone, err);
	if (ok && gone)
		ok = error_set(err, ERROR_TABLE, "the table is gone, or no longer selected");
	return end(&l, postgres_of(source), ok && sample_blocks(&l, fraction, most, err), err);
}
