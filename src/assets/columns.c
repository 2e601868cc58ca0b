/* See columns.h. */
#include "assets/columns.h"

#include <string.h>
#include "base/map.h"

struct columns {
	const struct graph *graph;
	struct arena arena;
	struct lineage *of;  /* by index of the asset */
	struct map by_table; /* "database.table" -> struct asset * */
};

static const char *relation_of(struct columns *c, const struct asset *asset)
{
	return asset->database ? arena_printf(&c->arena, "%s.%s", asset->database, asset->table)
			       : NULL;
}

struct columns *columns_new(const struct graph *g, struct state *state, struct error *err)
{
	const struct assets *assets = graph_assets(g);
	struct columns *c = xcalloc(1, sizeof *c);
	bool ok = true;

	c->graph = g;
	arena_init(&c->arena);
	c->of = arena_alloc(&c->arena, (assets->len + 1) * sizeof *c->of);
	vec_each (assets, it) {
		const char *relation = relation_of(c, *it);
		if (relation)
			map_put(&c->by_table, relation, strlen(relation), *it);
		ok = ok && (!(*it)->node || (*it)->kind == ASSET_CHECK ||
				   state_lineage_get(
					   state, (*it)->id, &c->arena, &c->of[(*it)->index], err));
	}
	if (ok)
		return c;
	columns_free(c);
	return NULL;
}

void columns_free(struct columns *c)
{
	if (!c)
		return;
	map_release(&c->by_table);
	arena_release(&c->arena);
	free(c);
}

const struct lineage *columns_of(const struct columns *c, const struct asset *asset)
{
	return &c->of[asset->index];
}

const struct lineage_column *column_named(const struct lineage *l, const char *name, size_t len)
{
	for (size_t i = 0; i < l->len; i++)
		if (!strncmp(l->items[i].name, name, len) && !l->items[i].name[len])
			return &l->items[i];
	return NULL;
}

/* Part of a tuple is called "column.part". */
static const struct lineage_column *column_or_whole(
	const struct columns *c, const struct asset *asset, const char *name)
{
	const struct lineage_column *found = NULL;

	for (size_t n = strlen(name); !found && n; n--)
		if (!name[n] || name[n] == '.')
			found = column_named(columns_of(c, asset), name, n);
	return found;
}

/* --- walking --- */

struct step {
	const struct columns *columns;
	struct column_ref from;
	struct column_refs *out;
	size_t first; /* of out that are ours */
};

static bool same_column(const struct column_ref *a, const struct column_ref *b)
{
	return (a->asset ? a->asset == b->asset : !b->asset && !strcmp(a->relation, b->relation)) &&
	       !strcmp(a->column, b->column);
}

static void reach(struct step *s, struct column_ref ref)
{
	ref.depth = s->from.depth + 1;
	for (size_t i = s->first; i < s->out->len; i++)
		if (same_column(&s->out->items[i], &ref)) {
			struct column_ref *it = &s->out->items[i];
			it->how = it->how > ref.how ? it->how : ref.how;
			return;
		}
	vec_push(s->out, ref);
}

static void step_up(struct step *s)
{
	const struct columns *c = s->columns;
	const struct lineage_column *at = s->from.asset ? column_or_whole(
								  c, s->from.asset, s->from.column)
							: NULL;

	for (size_t i = 0; at && i < at->n_inputs; i++) {
		const struct lineage_input *in = &at->inputs[i];
		struct column_ref ref = {.relation = in->relation,
			.column = in->column,
			.how = in->how,
			.asset = map_get(&c->by_table, in->relation, strlen(in->relation))};
		const struct lineage_column *found = ref.asset ? column_or_whole(
									 c, ref.asset, ref.column)
							       : NULL;
		if (found) {
			ref.column = found->name;
			ref.gap = found->gap;
		}
		reach(s, ref);
	}
}

static bool is_made_of(const struct step *s, const struct lineage_input *in)
{
	const struct columns *c = s->columns;
	const struct asset *asset = map_get(&c->by_table, in->relation, strlen(in->relation));
	size_t n = strlen(s->from.column);

	if (asset != s->from.asset || strncmp(in->column, s->from.column, n) != 0)
		return false;
	/* as a whole, or a part of it */
	return !in->column[n] || (in->column[n] == '.' && !column_named(columns_of(c, asset),
								  in->column, strlen(in->column)));
}

static void step_down_to(
	struct step *s, const struct asset *asset, const struct lineage_column *column)
{
	for (size_t i = 0; i < column->n_inputs; i++)
		if (is_made_of(s, &column->inputs[i]))
			reach(s, (struct column_ref){.asset = asset,
					 .relation = asset->name,
					 .column = column->name,
					 .gap = column->gap,
					 .how = column->inputs[i].how});
}

static void step_down(struct step *s)
{
	vec_each (graph_assets(s->columns->graph), it) {
		const struct lineage *l = columns_of(s->columns, *it);
		for (size_t n = 0; n < l->len; n++)
			step_down_to(s, *it, &l->items[n]);
	}
}

static void walk(const struct columns *c, const struct asset *asset, const char *column, int depth,
	void (*step)(struct step *), struct column_refs *out)
{
	struct step s = {.columns = c,
		.from = {.asset = asset, .relation = asset->name, .column = column},
		.out = out,
		.first = out->len};

	step(&s);
	for (size_t i = s.first; i < out->len; i++) {
		s.from = out->items[i];
		if (s.from.asset && (!depth || s.from.depth < depth))
			step(&s);
	}
}

void columns_up(const struct columns *c, const struct asset *asset, const char *column, int depth,
	struct column_refs *out)
{
	walk(c, asset, column, depth, step_up, out);
}

void columns_down(const struct columns *c, const struct asset *asset, const char *column, int depth,
	struct column_refs *out)
{
	walk(c, asset, column, depth, step_down, out);
}

const struct asset *columns_find(const struct columns *c, const char *text, const char **column)
{
	const struct asset *nearly = NULL;
	struct arena arena;

	arena_init(&arena);
	for (const char *dot = text + strlen(text); dot > text; dot--) {
		if (*dot != '.' || !dot[1])
			continue;
		const struct asset *asset = graph_find(
			c->graph, arena_strndup(&arena, text, (size_t)(dot - text)));
		if (!asset || asset->kind == ASSET_CHECK)
			continue;
		*column = dot + 1;
		nearly = asset;
		if (column_named(columns_of(c, asset), *column, strlen(*column)))
			break;
	}
	arena_release(&arena);
	return nearly;
}
