/*
 * The columns of what was built, and what they come from, for the catalog: the engine analyses the query that was run.
 * A table may have other columns than its query: those of a snapshot, or of what an incremental model once had.
 */
#include <string.h>
#include "assets/columns.h"
#include "build/internal.h"

static bool is_command(const struct node *node)
{
	struct value how = dict_get_text(node->config, "materialized");
	return node->kind == NODE_MODEL && value_is_text(how, "exec");
}

/* Is there a table whose columns may be others than those of the query? */
static bool has_own_columns(const struct node *node)
{
	return node->kind != NODE_MODEL || node->materialization == MATERIALIZED_INCREMENTAL;
}

/* Columns of the table, with what is known of those that the query gives as well. */
static bool take_columns(struct work *w, struct lineage *l, const char *gap, struct error *err)
{
	const struct relation_name table = {w->node->database, w->node->alias};
	struct engine_columns columns;

	if (!w->engine->ops->columns(w->engine, table, w->arena, &columns, err))
		return false;
	struct lineage_column *items = arena_alloc(w->arena, (columns.len + 1) * sizeof *items);
	for (size_t i = 0; i < columns.len; i++) {
		const char *name = columns.items[i].name;
		const struct lineage_column *known = column_named(l, name, strlen(name));
		items[i] = known ? *known : (struct lineage_column){.gap = gap};
		items[i].name = name;
		items[i].type = columns.items[i].type;
	}
	*l = (struct lineage){items, columns.len};
	return true;
}

static bool look(struct work *w, struct lineage *out, struct error *err)
{
	const char *gap = w->select ? "its query does not give it" : NULL;

	*out = (struct lineage){0};
	if (w->select && !w->engine->ops->lineage(w->engine, w->select, w->arena, out, err)) {
		work_log(w, "what columns come from is not known: %s", err->text);
		gap = arena_printf(w->arena, "%.200s", err->text);
		error_clear(err);
		return take_columns(w, out, gap, err);
	}
	bool known = w->select && !has_own_columns(w->node);
	return known || take_columns(w, out, gap, err);
}

void trace_columns(struct work *w)
{
	struct lineage lineage;
	struct error err = {0};

	if (is_command(w->node))
		return;
	if (!look(w, &lineage, &err) || !state_lineage_put(w->state, w->node->id, &lineage, &err))
		work_log(w, "its columns are not recorded: %s", err.text);
}
