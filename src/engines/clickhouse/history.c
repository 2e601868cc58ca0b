/*
 * The versions of rows from the log of a mirrored table. From the inside out:
 *	rows of a log that say nothing new, where a table was copied again, are left out;
 *	a version ends where the next of its key begins, or where a TRUNCATE comes first;
 *	deletes are no versions; nor are those that end in the transaction that began them.
 */
#include "engines/clickhouse/clickhouse.h"

static void put_list(struct buf *out, const struct engine_columns *columns)
{
	for (size_t i = 0; i < columns->len; i++) {
		buf_puts(out, i ? ", " : "");
		clickhouse_quote_name(columns->items[i].name, out);
	}
}

static void put_window(struct buf *out, const struct history_spec *h)
{
	buf_puts(out, " WINDOW w AS (PARTITION BY ");
	for (size_t i = 0; i < h->n_keys; i++) {
		buf_puts(out, i ? ", " : "");
		clickhouse_quote_name(h->keys[i], out);
	}
	buf_puts(out,
		" ORDER BY _version ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)");
}

/* Rows of the log with the hash, operation and version of the one before, of the same key. */
static void put_log(struct buf *out, const struct history_spec *h)
{
	buf_puts(out, "SELECT *, sipHash64(toString(tuple(");
	put_list(out, &h->columns);
	buf_puts(out, "))) AS hash__, lagInFrame(toNullable(hash__)) OVER w AS hash_before__, "
		      "lagInFrame(_op) OVER w AS op_before__, lagInFrame(_version) OVER w AS "
		      "version_before__\nFROM (\n");
	buf_printf(out, "%s\n) WHERE _op != 't'", h->select);
	put_window(out, h);
}

static void put_versions(struct buf *out, const struct history_spec *h)
{
	buf_puts(out, "SELECT ");
	put_list(out, &h->columns);
	buf_puts(out, ", _op AS op__, _commit_time AS from__, "
		      "leadInFrame(toNullable(_commit_time)) OVER w AS next__, "
		      "arrayFirst(t -> t.1 > _version, truncations__) AS truncation__, "
		      "if(truncation__.1 = 0, NULL, truncation__.2) AS truncated__, "
		      "if(next__ IS NULL OR truncated__ < next__, truncated__, next__) AS "
		      "until__\nFROM (\n");
	put_log(out, h);
	buf_puts(out, "\n) WHERE NOT (_op = 'r' AND op_before__ != 'd' AND ifNull(hash_before__ = "
		      "hash__, 0) "
		      "AND NOT arrayExists(t -> t.1 > version_before__ AND t.1 < _version, "
		      "truncations__))");
	put_window(out, h);
}

void clickhouse_history(struct buf *out, const struct history_spec *h)
{
	buf_printf(out,
		"WITH (SELECT arraySort(groupArray((_version, _commit_time))) FROM (\n%s\n) WHERE "
		"_op = 't') "
		"AS truncations__\nSELECT ",
		h->select);
	put_list(out, &h->columns);
	buf_puts(out, ", from__ AS ");
	clickhouse_quote_name(h->from, out);
	buf_printf(out, ", CASE WHEN until__ IS NULL THEN %s ELSE until__ END AS ", h->current_to);
	clickhouse_quote_name(h->to, out);
	buf_puts(out, ", until__ IS NULL AS ");
	clickhouse_quote_name(h->current, out);
	buf_puts(out, "\nFROM (\n");
	put_versions(out, h);
	buf_puts(out, "\n) WHERE op__ != 'd' AND (until__ IS NULL OR from__ < until__)");
}
