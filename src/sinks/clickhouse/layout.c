/* What the server has: columns of storages, kept until they change, and whose a table is; see
 * clickhouse.h. */
#include <string.h>
#include "sinks/clickhouse/clickhouse.h"

static void layout_free(struct layout *l)
{
	arena_release(&l->arena);
	vec_release(&l->columns);
	free(l);
}

static version_t read_version(const char *digits)
{
	version_t v = 0;

	for (; *digits >= '0' && *digits <= '9'; digits++)
		v = v * 10 + (version_t)(*digits - '0');
	return v;
}

bool layout_read(struct clickhouse_sink *s, const char *database, const char *table,
	struct layout **out, struct error *err)
{
	static const char sql[] =
		"SELECT name, type, toUInt64(greatest(JSONExtractInt(comment, 'attribute'), 0)),"
		" toUInt64(JSONHas(comment, 'dropped')), JSONExtractString(comment, 'told')"
		" FROM system.columns"
		" WHERE database = {d:String} AND table = {t:String} ORDER BY position";
	const struct clickhouse_setting settings[] = {
		{"param_d", database}, {"param_t", table}, {0}};
	struct rows rows;

	if (!rows_query(s, "ssuus", sql, settings, &rows, err))
		return error_add(err, "%s.%s: cannot read its columns", database, table);
	struct layout *l = xcalloc(1, sizeof *l);
	l->references = 1;
	for (size_t i = 0; i < rows.rows; i++) {
		struct stored_column c = {
			.name = rows_text(&rows, &l->arena, i, 0),
			.type = rows_text(&rows, &l->arena, i, 1),
			.attribute = (int)rows_number(&rows, i, 2),
			.dropped = rows_number(&rows, i, 3),
		};
		vec_push(&l->columns, c);
		if (!strcmp(c.name, TOLD_COLUMN))
			l->told = read_version(rows_text(&rows, &l->arena, i, 4));
	}
	rows_release(&rows);
	*out = l;
	return true;
}

bool layout_get(
	struct clickhouse_sink *s, const char *storage, struct layout **out, struct error *err)
{
	pthread_mutex_lock(&s->lock);
	*out = map_get(&s->layouts, storage, strlen(storage));
	if (*out)
		(*out)->references++;
	pthread_mutex_unlock(&s->lock);
	if (*out)
		return true;
	if (!layout_read(s, s->cdc, storage, out, err))
		return false;
	if (!(*out)->columns.len) {
		layout_free(*out);
		return error_set(err, ERROR_TABLE,
			"table %s.%s is gone from the target; tailrace resync makes it anew",
			s->cdc, storage);
	}
	pthread_mutex_lock(&s->lock);
	(*out)->references++;
	struct layout *old = map_put(&s->layouts, storage, strlen(storage), *out);
	pthread_mutex_unlock(&s->lock);
	if (old)
		layout_put(s, old);
	return true;
}

void layout_put(struct clickhouse_sink *s, struct layout *l)
{
	pthread_mutex_lock(&s->lock);
	bool last = --l->references == 0;
	pthread_mutex_unlock(&s->lock);
	if (last)
		layout_free(l);
}

void layout_forget(struct clickhouse_sink *s, const char *storage)
{
	pthread_mutex_lock(&s->lock);
	struct layout *l = map_remove(&s->layouts, storage, strlen(storage));
	pthread_mutex_unlock(&s->lock);
	if (l)
		layout_put(s, l);
}

void layout_forget_all(struct clickhouse_sink *s)
{
	const void *key;
	size_t i = 0, key_len;
	void *value;

	while (map_next(&s->layouts, &i, &key, &key_len, &value))
		layout_put(s, value);
	map_release(&s->layouts);
}

bool layout_map(struct clickhouse_sink *s, const char *storage, const struct table *t,
	struct layout **layout, const struct stored_column **out, struct error *err)
{
	/* A layout that does not know a column may be old: the second one is fresh. */
	for (int attempt = 0; attempt < 2; attempt++) {
		size_t i = 0;
		if (!layout_get(s, storage, layout, err))
			return false;
		while (i < t->n_columns &&
			(out[i] = layout_by_attribute(*layout, t->columns[i].attribute)))
			i++;
		if (i == t->n_columns)
			return true;
		layout_put(s, *layout);
		layout_forget(s, storage);
		error_set(err, ERROR_TABLE,
			"%s.%s has no column for %s of the source; tailrace resync %s mends it",
			s->cdc, storage, t->columns[i].name, t->target);
	}
	return false;
}

const struct stored_column *layout_by_attribute(const struct layout *l, int attribute)
{
	vec_each (&l->columns, c)
		if (attribute > 0 && c->attribute == attribute)
			return c;
	return NULL;
}

const struct stored_column *layout_by_name(const struct layout *l, const char *name)
{
	vec_each (&l->columns, c)
		if (!strcmp(c->name, name))
			return c;
	return NULL;
}

#define OF_COMMENT(member) "JSONExtractString(comment, 'tailrace', '" member "')"
#define STORED_COLUMNS                                                                             \
	"SELECT name, engine, toUInt64(JSONHas(comment, 'tailrace')), " OF_COMMENT(                \
		"stream") ", " OF_COMMENT("table") ", " OF_COMMENT("kind") ", "                    \
									   "toUInt64("             \
									   "JSONExtractUInt("      \
									   "comment, 'tailrace', " \
									   "'generation')) FROM "  \
									   "system.tables WHERE "  \
									   "database = {d:String}"

static struct stored_table stored_table_of(const struct rows *rows, size_t row, struct arena *arena)
{
	return (struct stored_table){
		.exists = true,
		.name = rows_text(rows, arena, row, 0),
		.engine = rows_text(rows, arena, row, 1),
		.ours = rows_number(rows, row, 2),
		.stream = rows_text(rows, arena, row, 3),
		.source = rows_text(rows, arena, row, 4),
		.kind = rows_text(rows, arena, row, 5),
		.generation = (uint32_t)rows_number(rows, row, 6),
	};
}

bool stored_table_get(struct clickhouse_sink *s, const char *database, const char *name,
	struct arena *arena, struct stored_table *out, struct error *err)
{
	const struct clickhouse_setting settings[] = {
		{"param_d", database}, {"param_t", name}, {0}};
	struct rows rows;

	*out = (struct stored_table){.name = name};
	if (!rows_query(
		    s, "ssusssu", STORED_COLUMNS " AND name = {t:String}", settings, &rows, err))
		return error_add(err, "%s.%s", database, name);
	if (rows.rows)
		*out = stored_table_of(&rows, 0, arena);
	rows_release(&rows);
	return true;
}

bool stored_tables_of(struct clickhouse_sink *s, const char *database, const char *stream,
	const char *source, struct arena *arena, struct stored_tables *out, struct error *err)
{
	static const char sql[] = STORED_COLUMNS " AND " OF_COMMENT(
		"stream") " = {s:String}"
			  " AND ({t:String} = '' OR " OF_COMMENT("table") " = {t:String})";
	const struct clickhouse_setting settings[] = {
		{"param_d", database}, {"param_s", stream}, {"param_t", source ? source : ""}, {0}};
	struct rows rows;

	*out = (struct stored_tables){0};
	if (!rows_query(s, "ssusssu", sql, settings, &rows, err))
		return error_add(err, "database %s", database);
	for (size_t i = 0; i < rows.rows; i++)
		vec_push(out, stored_table_of(&rows, i, arena));
	rows_release(&rows);
	return true;
}

const char *source_name(const struct table *t, struct arena *arena)
{
	return arena_printf(arena, "%s.%s", t->schema, t->name);
}

bool stored_table_check(const struct stored_table *have, const char *database,
	const struct table *t, struct error *err)
{
	struct arena arena;

	if (!have->exists)
		return true;
	if (!have->ours)
		return error_set(err, ERROR_TABLE,
			"%s.%s exists and was not made by tailrace; drop it, or give the table "
			"another name (as: other_name)",
			database, have->name);
	arena_init(&arena);
	bool mine = !strcmp(have->stream, t->stream) &&
		    !strcmp(have->source, source_name(t, &arena));
	arena_release(&arena);
	return mine || error_set(err, ERROR_TABLE,
			       "%s.%s belongs to table %s of stream %s; give one of them another "
			       "name (as: other_name)",
			       database, have->name, have->source, have->stream);
}
