/* Where the columns of a query come from, by the analyzer: EXPLAIN QUERY TREE with its first pass, the analysis, alone,
 * so that nothing is optimized away. See query_tree.h. */
#include "engines/clickhouse/clickhouse.h"
#include "engines/clickhouse/query_tree.h"

static const char *tree_text(const struct engine_rows *rows, struct arena *arena)
{
	struct buf text;

	buf_init(&text, BUF_MAX);
	for (size_t i = 0; i < rows->n_rows * rows->n_columns; i++)
		buf_printf(&text, "%s\n", rows->cells[i] ? rows->cells[i] : "");
	const char *kept = arena_strdup(arena, buf_text(&text));
	buf_release(&text);
	return kept;
}

bool clickhouse_lineage(struct engine *engine, const char *select, struct arena *arena,
	struct lineage *out, struct error *err)
{
	/* The analysis runs subqueries that are values; what they give does not matter here. */
	static const struct engine_setting settings[] = {
		{"max_rows_to_read", "1"}, {"read_overflow_mode", "break"}, {NULL, NULL}};
	struct engine_columns columns;
	struct engine_rows rows;
	struct buf sql;

	*out = (struct lineage){0};
	if (!clickhouse_describe(engine, select, NULL, arena, &columns, err))
		return false;
	buf_init(&sql, BUF_MAX);
	buf_printf(&sql, "EXPLAIN QUERY TREE run_passes = 1, passes = 1\n%s", select);
	bool ok = catalog_query(
		clickhouse_engine_of(engine), buf_text(&sql), settings, arena, &rows, err);
	buf_release(&sql);
	if (ok)
		query_tree_lineage(tree_text(&rows, arena), &columns, arena, out);
	return ok;
}
