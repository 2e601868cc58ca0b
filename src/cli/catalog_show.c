/* `tailrace catalog show ASSET`: what is known of it: who owns it, its table, its columns and what they come from. */
#include <string.h>
#include "base/json.h"
#include "cli/catalog.h"
#include "cli/sizes.h"

struct shown {
	struct catalog *c;
	const struct asset *asset;
	const char *description, *owner;
	struct value about; /* what the yml says */
	struct asset_size size;
	struct lineage
		columns; /* recorded, or, of what is not built by us, as the warehouse has them */
};

static const char *yml_of_column(const struct shown *s, const char *name)
{
	struct value columns = value_member(s->about, "columns");

	for (size_t i = 0; columns.kind == VALUE_LIST && i < columns.list->len; i++) {
		struct value v = columns.list->items[i];
		struct arena *arena = &s->c->outlook->arena;
		const char *of = catalog_text(arena, value_member(v, "name"));
		if (of && !strcmp(of, name))
			return catalog_text(arena, value_member(v, "description"));
	}
	return NULL;
}

/* What the warehouse says; where it is not reached, that is said, and the rest is shown. */
static void ask_warehouse(struct shown *s)
{
	struct outlook *o = s->c->outlook;
	const struct relation_name name = {s->asset->database, s->asset->table};
	struct sizes sizes = {.arena = &o->arena};
	struct engine_columns columns = {0};
	struct error err = {0};

	if (!name.name)
		return;
	bool ok = outlook_reach(o, s->c->ends, true, &err);
	sizes.engine = o->engine;
	ok = ok && size_of(&sizes, s->asset, &s->size, &err) &&
	     (s->columns.len ||
		     o->engine->ops->columns(o->engine, name, &o->arena, &columns, &err));
	sizes_release(&sizes);
	if (!ok)
		fprintf(stderr, "tailrace: the warehouse is not asked: %s\n", err.text);
	if (!columns.len)
		return;
	s->columns.items = arena_alloc(&o->arena, columns.len * sizeof *s->columns.items);
	s->columns.len = columns.len;
	for (size_t i = 0; i < columns.len; i++)
		s->columns.items[i] = (struct lineage_column){
			.name = columns.items[i].name, .type = columns.items[i].type};
}

/* --- for people --- */

static void put_line(const char *key, const char *text)
{
	if (!text)
		return;
	printf("%-12s", key);
	put_plain(text, stdout);
	putchar('\n');
}

static const char *sources_of(const struct shown *s, const struct lineage_column *column)
{
	struct column_refs refs = {0};
	struct buf text;

	buf_init(&text, BUF_MAX);
	columns_up(s->c->columns, s->asset, column->name, s->c->depth, &refs);
	vec_each (&refs, ref) {
		buf_puts(&text, ref == refs.items ? "" : ", ");
		catalog_put_ref(&text, ref);
	}
	if (column->gap)
		buf_printf(&text, "%snot known: %s", refs.len ? ", " : "", column->gap);
	const char *kept = arena_strdup(&s->c->outlook->arena, buf_text(&text));
	buf_release(&text);
	vec_release(&refs);
	return kept;
}

static void print_columns(const struct shown *s)
{
	struct grid g;

	if (!s->columns.len)
		return;
	putchar('\n');
	grid_init(&g, 4, "llll");
	grid_cell(&g, "COLUMN");
	grid_cell(&g, "TYPE");
	grid_cell(&g, "COMES FROM");
	grid_cell(&g, "DESCRIPTION");
	for (size_t i = 0; i < s->columns.len; i++) {
		const struct lineage_column *column = &s->columns.items[i];
		const char *about = yml_of_column(s, column->name);
		grid_cell(&g, "%s", column->name);
		grid_cell(&g, "%s", column->type);
		grid_cell(&g, "%s", sources_of(s, column));
		grid_cell(&g, "%.200s", about ? about : "");
	}
	grid_print(&g, "", stdout);
	grid_release(&g);
}

static void print_text(const struct shown *s)
{
	const struct asset *asset = s->asset;
	char amount[AMOUNT];

	put_line("id", asset->id);
	put_line("kind", asset_kind_name(asset->kind));
	put_line("description", s->description);
	put_line("owner", s->owner);
	for (size_t i = 0; asset->node && i < asset->node->tags.n; i++)
		put_line(i ? "" : "tags", asset->node->tags.items[i]);
	if (asset->table)
		put_line("table", arena_printf(&s->c->outlook->arena, "%s.%s", asset->database,
					  asset->table));
	if (s->size.known) {
		put_line("rows", print_count(s->size.rows, amount));
		put_line("size", print_size(s->size.bytes, amount));
	}
	print_columns(s);
}

/* --- for programs --- */

static void put_column_json(struct buf *out, const struct shown *s, size_t number)
{
	const struct lineage_column *column = &s->columns.items[number];
	struct column_refs refs = {0};

	columns_up(s->c->columns, s->asset, column->name, s->c->depth, &refs);
	json_put_open(out, NULL, '{');
	json_put_text(out, "name", column->name);
	json_put_text(out, "type", column->type);
	json_put_text(out, "description", yml_of_column(s, column->name));
	catalog_put_refs_json(out, "from", &refs);
	json_put_text(out, "gap", column->gap);
	buf_puts(out, "}");
	vec_release(&refs);
}

static void print_json(const struct shown *s)
{
	const struct asset *asset = s->asset;
	struct buf out;

	buf_init(&out, BUF_MAX);
	buf_puts(&out, "{");
	json_put_text(&out, "id", asset->id);
	json_put_text(&out, "name", asset->name);
	json_put_text(&out, "kind", asset_kind_name(asset->kind));
	json_put_text(&out, "description", s->description);
	json_put_text(&out, "owner", s->owner);
	json_put_open(&out, "tags", '[');
	for (size_t i = 0; asset->node && i < asset->node->tags.n; i++)
		json_put_text(&out, NULL, asset->node->tags.items[i]);
	buf_puts(&out, "]");
	json_put_text(&out, "database", asset->database);
	json_put_text(&out, "table", asset->table);
	size_put_json(&out, &s->size);
	json_put_open(&out, "columns", '[');
	for (size_t i = 0; i < s->columns.len; i++)
		put_column_json(&out, s, i);
	buf_puts(&out, "]}");
	puts(buf_text(&out));
	buf_release(&out);
}

bool catalog_show(struct catalog *c, const char *name, struct error *err)
{
	const struct graph *g = c->outlook->graph;
	struct shown s = {.c = c, .asset = graph_find(g, name)};

	if (!s.asset) {
		const char *near = graph_nearest(g, name);
		return error_set(err, ERROR_CONFIG, "there is no asset '%s'%s%s%s", name,
			near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	}
	s.about = s.asset->node ? s.asset->node->properties : s.asset->source->meta;
	s.description = catalog_text(&c->outlook->arena, value_member(s.about, "description"));
	s.owner = catalog_owner(&c->outlook->arena, s.asset);
	s.columns = *columns_of(c->columns, s.asset);
	ask_warehouse(&s);
	if (c->json)
		print_json(&s);
	else
		print_text(&s);
	return true;
}
