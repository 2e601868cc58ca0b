/* Where the columns of a query come from, by the analyzer: EXPLAIN QUERY TREE with its first pass, the analysis, alone,
 * so that nothing is optimized away. See query_tree.h. */
#include "engines/clickhouse/clickhouse.h"
#include "engines/clickhouse/query_tree.h"

bool clickhouse_lineage(struct engine *engine, const char *select, struct arena *arena,
	struct lineage *out, struct error *err)
{
	struct clickhouse_engine *e = clickhouse_engine_of(engine);
	struct engine_columns columns;
	const char *tree = NULL;

	*out = (struct lineage){0};
	if (!clickhouse_query_tree(e, select, arena, &tree, err) ||
		!clickhouse_describe_tree(e, select, tree, arena, &columns, err))
		return false;
	query_tree_lineage(tree, &columns, arena, out);
	return true;
}
