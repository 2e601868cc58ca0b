/* What the server's system tables know of relations; see core/engine.h. */
#include "engines/clickhouse/clickhouse.h"

#include <stdlib.h>

static enum relation_kind kind_of(const char *engine)
{
	static const char *const others[] = {"Dictionary", "Distributed", "Merge", "Buffer",
		"Kafka", "MySQL", "PostgreSQL", "MongoDB", "ODBC", "JDBC", "S3", "URL", "File",
		"LiveView", "WindowView", NULL};

	if (!strcmp(engine, "View"))
		return RELATION_VIEW;
	if (!strcmp(engine, "MaterializedView"))
		return RELATION_MATERIALIZED_VIEW;
	for (size_t i = 0; others[i]; i++)
		if (!strcmp(engine, others[i]))
			return RELATION_OTHER;
	return RELATION_TABLE;
}

static uint64_t number(const char *text)
{
	return text ? strtoull(text, NULL, 10) : 0;
}

#define RELATION_COLUMNS                                                                 \
	"SELECT name, engine, toString(uuid) AS id, comment, engine_full, sorting_key, " \
	"partition_key, total_rows, total_bytes FROM system.tables "
#define N_RELATION_COLUMNS 9

static void read_relation(const char *const *cell, struct relation_info *out)
{
	*out = (struct relation_info){
		.kind = kind_of(cell[1]),
		.name = cell[0],
		.engine = cell[1],
		.id = cell[2],
		.comment = cell[3],
		.engine_full = cell[4],
		.order_by = cell[5],
		.partition_by = cell[6],
		.rows = number(cell[7]),
		.bytes = number(cell[8]),
	};
}

bool clickhouse_inspect(struct engine *engine, struct relation_name name, struct arena *arena,
	struct relation_info *out, struct error *err)
{
	const struct engine_setting settings[] = {
		{"param_database", name.database}, {"param_name", name.name}, {NULL, NULL}};
	struct engine_rows rows;

	*out = (struct relation_info){.kind = RELATION_ABSENT};
	if (!catalog_query(clickhouse_engine_of(engine),
		    RELATION_COLUMNS "WHERE database = {database:String} AND name = {name:String}",
		    settings, arena, &rows, err))
		return false;
	if (rows.n_rows)
		read_relation(rows.cells, out);
	return true;
}

bool clickhouse_relations(struct engine *engine, const char *database, struct arena *arena,
	struct relations *out, struct error *err)
{
	const struct engine_setting settings[] = {{"param_database", database}, {NULL, NULL}};
	struct engine_rows rows;

	*out = (struct relations){0};
	if (!catalog_query(clickhouse_engine_of(engine),
		    RELATION_COLUMNS "WHERE database = {database:String} ORDER BY name", settings,
		    arena, &rows, err))
		return false;
	out->len = rows.n_rows;
	out->items = arena_alloc(arena, (rows.n_rows + 1) * sizeof *out->items);
	for (size_t i = 0; i < rows.n_rows; i++)
		read_relation(&rows.cells[i * N_RELATION_COLUMNS], &out->items[i]);
	return true;
}

static bool is_absent(const struct error *err)
{
	return err->kind == ERROR_TABLE &&
	       (strstr(err->text, "(UNKNOWN_TABLE)") || strstr(err->text, "(UNKNOWN_DATABASE)"));
}

/* Not from system.columns, which is several times as slow. */
bool clickhouse_columns(struct engine *engine, struct relation_name name, struct arena *arena,
	struct engine_columns *out, struct error *err)
{
	struct error why = {0};
	struct buf sql;

	*out = (struct engine_columns){0};
	buf_init(&sql, BUF_MAX);
	buf_puts(&sql, "DESCRIBE TABLE ");
	clickhouse_dialect.relation(&sql, name);
	bool ok = describe_query(
		clickhouse_engine_of(engine), buf_text(&sql), NULL, arena, out, &why);
	buf_release(&sql);
	if (ok || is_absent(&why))
		return true;
	*err = why;
	return false;
}

bool clickhouse_partitions(struct engine *engine, struct relation_name name, struct arena *arena,
	struct engine_partitions *out, struct error *err)
{
	const struct engine_setting settings[] = {
		{"param_database", name.database}, {"param_name", name.name}, {NULL, NULL}};
	struct engine_rows rows;

	*out = (struct engine_partitions){0};
	if (!catalog_query(clickhouse_engine_of(engine),
		    "SELECT partition_id, any(partition), sum(rows), sum(bytes_on_disk) FROM "
		    "system.parts "
		    "WHERE active AND database = {database:String} AND table = {name:String} "
		    "GROUP BY partition_id ORDER BY partition_id",
		    settings, arena, &rows, err))
		return false;
	out->len = rows.n_rows;
	out->items = arena_alloc(arena, (rows.n_rows + 1) * sizeof *out->items);
	for (size_t i = 0; i < rows.n_rows; i++) {
		const char *const *cell = &rows.cells[i * rows.n_columns];
		out->items[i] = (struct engine_partition){
			cell[0], cell[1], number(cell[2]), number(cell[3])};
	}
	return true;
}
