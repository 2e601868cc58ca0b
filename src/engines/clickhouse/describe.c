/*
 * The columns that a query gives. DESCRIBE plans the query, which takes long where it joins much; its analysis alone
 * takes a fraction of that. So what DESCRIBE has said is kept, and holds for the same query as long as the analysis
 * gives the same columns: also for another partition of the same model, whose query differs in digits alone.
 */
#include <ctype.h>
#include "engines/clickhouse/clickhouse.h"

static const char *join_lines(const struct engine_rows *rows, struct arena *arena)
{
	struct buf text;

	buf_init(&text, BUF_MAX);
	for (size_t i = 0; i < rows->n_rows * rows->n_columns; i++)
		buf_printf(&text, "%s\n", rows->cells[i] ? rows->cells[i] : "");
	const char *kept = arena_strdup(arena, buf_text(&text));
	buf_release(&text);
	return kept;
}

bool clickhouse_query_tree(struct clickhouse_engine *e, const char *select, struct arena *arena,
	const char **out, struct error *err)
{
	/* The analysis runs subqueries that are values; what they give does not matter here. */
	static const struct engine_setting settings[] = {
		{"max_rows_to_read", "1"}, {"read_overflow_mode", "break"}, {NULL, NULL}};
	struct engine_rows rows;
	struct buf sql;

	buf_init(&sql, BUF_MAX);
	buf_printf(&sql, "EXPLAIN QUERY TREE run_passes = 1, passes = 1\n%s", select);
	bool ok = catalog_query(e, buf_text(&sql), settings, arena, &rows, err);
	buf_release(&sql);
	if (ok)
		*out = join_lines(&rows, arena);
	return ok;
}

/* The query, each digit as 0, and the columns that its analysis gives; NULL: it tells of none. */
static const char *key_of(const char *select, const char *tree, struct arena *arena)
{
	static const char head[] = "\n  PROJECTION COLUMNS\n", tail[] = "\n  PROJECTION\n";
	const char *from = strstr(tree, head), *to = from ? strstr(from, tail) : NULL;

	if (!to)
		return NULL;
	char *key = arena_printf(arena, "%s\n%.*s", select, (int)(to - from), from);
	for (char *at = key; at < key + strlen(select); at++)
		if (isdigit((unsigned char)*at))
			*at = '0';
	return key;
}

/* --- what is kept --- */

static void copy_columns(
	const struct engine_columns *from, struct arena *arena, struct engine_columns *out)
{
	out->len = from->len;
	out->items = arena_alloc(arena, (from->len + 1) * sizeof *out->items);
	for (size_t i = 0; i < from->len; i++) {
		const struct engine_column *c = &from->items[i];
		out->items[i] = (struct engine_column){.name = arena_strdup(arena, c->name),
			.type = arena_strdup(arena, c->type),
			.comment = arena_strdup(arena, c->comment)};
	}
}

static bool recall(
	struct descriptions *d, const char *key, struct arena *arena, struct engine_columns *out)
{
	bool found = false;

	pthread_mutex_lock(&d->lock);
	for (size_t i = 0; !found && i < COUNT_OF(d->kept); i++) {
		found = d->kept[i].key && !strcmp(d->kept[i].key, key);
		if (found)
			copy_columns(&d->kept[i].columns, arena, out);
	}
	pthread_mutex_unlock(&d->lock);
	return found;
}

static void keep(struct descriptions *d, const char *key, const struct engine_columns *columns)
{
	pthread_mutex_lock(&d->lock);
	struct description *oldest = &d->kept[d->next++ % COUNT_OF(d->kept)];
	arena_reset(&oldest->arena);
	oldest->key = arena_strdup(&oldest->arena, key);
	copy_columns(columns, &oldest->arena, &oldest->columns);
	pthread_mutex_unlock(&d->lock);
}

void descriptions_init(struct descriptions *d)
{
	*d = (struct descriptions){0};
	pthread_mutex_init(&d->lock, NULL);
	for (size_t i = 0; i < COUNT_OF(d->kept); i++)
		arena_init(&d->kept[i].arena);
}

void descriptions_release(struct descriptions *d)
{
	for (size_t i = 0; i < COUNT_OF(d->kept); i++)
		arena_release(&d->kept[i].arena);
	pthread_mutex_destroy(&d->lock);
}

/* --- asking --- */

bool describe_query(struct clickhouse_engine *e, const char *sql,
	const struct engine_setting *settings, struct arena *arena, struct engine_columns *out,
	struct error *err)
{
	struct engine_setting *all;
	struct engine_rows rows;
	size_t n = 0;

	while (settings && settings[n].name)
		n++;
	all = arena_alloc(arena, (n + 2) * sizeof *all);
	for (size_t i = 0; i < n; i++)
		all[i] = settings[i];
	all[n] = (struct engine_setting){"describe_compact_output", "0"};
	if (!catalog_query(e, sql, all, arena, &rows, err))
		return false;
	out->len = rows.n_rows;
	out->items = arena_alloc(arena, (rows.n_rows + 1) * sizeof *out->items);
	for (size_t i = 0; i < rows.n_rows; i++) {
		/* name, type, default_type, default_expression, comment, ... */
		const char *const *cell = &rows.cells[i * rows.n_columns];
		out->items[i] = (struct engine_column){
			.name = cell[0], .type = cell[1], .comment = cell[4]};
	}
	return true;
}

static bool ask(struct clickhouse_engine *e, const char *select,
	const struct engine_setting *settings, struct arena *arena, struct engine_columns *out,
	struct error *err)
{
	struct buf sql;

	buf_init(&sql, BUF_MAX);
	buf_printf(&sql, "DESCRIBE TABLE (\n%s\n)", select);
	bool ok = describe_query(e, buf_text(&sql), settings, arena, out, err);
	buf_release(&sql);
	return ok;
}

bool clickhouse_describe_tree(struct clickhouse_engine *e, const char *select, const char *tree,
	struct arena *arena, struct engine_columns *out, struct error *err)
{
	const char *key = tree ? key_of(select, tree, arena) : NULL;

	*out = (struct engine_columns){0};
	if (key && recall(&e->descriptions, key, arena, out))
		return true;
	if (!ask(e, select, NULL, arena, out, err))
		return false;
	if (key)
		keep(&e->descriptions, key, out);
	return true;
}

bool clickhouse_describe(struct engine *engine, const char *select,
	const struct engine_setting *settings, struct arena *arena, struct engine_columns *out,
	struct error *err)
{
	struct clickhouse_engine *e = clickhouse_engine_of(engine);
	const char *tree = NULL;
	struct error why = {0};

	*out = (struct engine_columns){0};
	/* Types depend on settings as well: with those of its own it is asked each time. */
	if (settings && settings->name)
		return ask(e, select, settings, arena, out, err);
	/* A query that is wrong is told by DESCRIBE. */
	if (!clickhouse_query_tree(e, select, arena, &tree, &why) && why.kind == ERROR_RETRY) {
		*err = why;
		return false;
	}
	return clickhouse_describe_tree(e, select, tree, arena, out, err);
}
