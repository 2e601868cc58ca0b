/* `tailrace catalog`: assets found by their names, descriptions, columns, owners and tags; one of them shown; and where
 * a column comes from. */
#include <string.h>
#include <strings.h>
#include "base/json.h"
#include "cli/catalog.h"

enum { FLAG_JSON, FLAG_DIRECT, FLAG_ALL };
static const struct flag flags[] = {
	{"json", NULL, "print a JSON document"},
	{"direct", NULL, "of lineage: one step alone"},
	{"all", NULL, "of show: what columns come from, as far as it is known"},
	{0},
};

/* Where a word was found. */
struct hit {
	const struct asset *asset;
	const char *where; /* "column amount"; of what it is */
	const char *text;  /* what was found there; "" */
};

struct search {
	char **words;
	int n_words;
	struct arena arena;
	VEC(struct hit) hits;
	const struct asset *asset; /* that is looked at */
};

static bool holds_words(const struct search *s, const char *text)
{
	for (int i = 0; i < s->n_words; i++)
		if (!strcasestr(text, s->words[i]))
			return false;
	return true;
}

/* False: found, or there is nothing. */
static void look(struct search *s, const char *where, const char *text)
{
	struct hit hit = {s->asset, where, text};

	if (text && holds_words(s, text))
		vec_push(&s->hits, hit);
}

const char *catalog_text(struct arena *arena, struct value v)
{
	return v.kind == VALUE_STRING ? value_strdup(arena, v) : NULL;
}

static const char *text_of(struct search *s, struct value v)
{
	return catalog_text(&s->arena, v);
}

static void look_at_columns(struct search *s, struct value columns)
{
	for (size_t i = 0; columns.kind == VALUE_LIST && i < columns.list->len; i++) {
		struct value column = columns.list->items[i];
		const char *name = text_of(s, value_member(column, "name"));
		const char *about = text_of(s, value_member(column, "description"));
		if (!name)
			continue;
		size_t before = s->hits.len;
		const char *where = arena_printf(&s->arena, "column %s", name);
		look(s, where, about);
		if (s->hits.len == before && holds_words(s, name))
			look(s, where, name);
	}
}

/* meta: {owner: ...}, group: {owner: {name: ...}}: as people write it. */
static void look_at_owner(struct search *s, struct value of)
{
	struct value owner = value_member(of, "owner");

	look(s, "owner", text_of(s, owner));
	look(s, "owner", text_of(s, value_member(owner, "name")));
	look(s, "owner", text_of(s, value_member(owner, "email")));
}

/* The first of them. */
static const char *owner_in(struct arena *arena, struct value of)
{
	struct value owner = value_member(of, "owner");
	const char *text = catalog_text(arena, owner);

	if (!text)
		text = catalog_text(arena, value_member(owner, "name"));
	return text ? text : catalog_text(arena, value_member(owner, "email"));
}

const char *catalog_owner(struct arena *arena, const struct asset *asset)
{
	const struct node *node = asset->node;
	struct value about = node ? node->properties : asset->source->meta;
	const struct value places[] = {about, value_member(about, "meta"),
		node ? value_dict(node->config) : (struct value){0},
		node ? dict_get_text(node->config, "meta") : (struct value){0}};
	const char *owner = NULL;

	for (size_t i = 0; !owner && i < COUNT_OF(places); i++)
		owner = owner_in(arena, places[i]);
	return owner;
}

static void look_at_asset(struct search *s, const struct asset *asset)
{
	const struct node *node = asset->node;
	struct value about = node ? node->properties : asset->source->meta;

	s->asset = asset;
	look(s, "name", asset->name);
	look(s, "description", text_of(s, value_member(about, "description")));
	look_at_columns(s, value_member(about, "columns"));
	look_at_owner(s, about);
	look_at_owner(s, value_member(about, "meta"));
	for (size_t i = 0; node && i < node->tags.n; i++)
		look(s, "tag", node->tags.items[i]);
	if (node) {
		look_at_owner(s, value_dict(node->config));
		look_at_owner(s, dict_get_text(node->config, "meta"));
	}
}

/* --- what was found --- */

static void print_hits(const struct search *s)
{
	struct grid g;

	grid_init(&g, 4, "llll");
	grid_cell(&g, "ASSET");
	grid_cell(&g, "KIND");
	grid_cell(&g, "FOUND IN");
	grid_cell(&g, "TEXT");
	vec_each (&s->hits, hit) {
		grid_cell(&g, "%s", hit->asset->name);
		grid_cell(&g, "%s", asset_kind_name(hit->asset->kind));
		grid_cell(&g, "%s", hit->where);
		grid_cell(&g, "%.200s", strcmp(hit->where, "name") ? hit->text : "");
	}
	grid_print(&g, "", stdout);
	grid_release(&g);
}

static void print_json(const struct search *s)
{
	struct buf out;

	buf_init(&out, BUF_MAX);
	buf_puts(&out, "{");
	json_put_open(&out, "found", '[');
	vec_each (&s->hits, hit) {
		json_put_open(&out, NULL, '{');
		json_put_text(&out, "id", hit->asset->id);
		json_put_text(&out, "name", hit->asset->name);
		json_put_text(&out, "kind", asset_kind_name(hit->asset->kind));
		json_put_text(&out, "where", hit->where);
		json_put_text(&out, "text", hit->text);
		buf_puts(&out, "}");
	}
	buf_puts(&out, "]}");
	puts(buf_text(&out));
	buf_release(&out);
}

static bool search(struct catalog *c, struct error *err)
{
	struct search s = {.words = c->call->args + 1, .n_words = c->call->n_args - 1};

	(void)err;
	arena_init(&s.arena);
	vec_each (graph_assets(c->outlook->graph), it)
		if ((*it)->kind != ASSET_CHECK)
			look_at_asset(&s, *it);
	c->none = !s.hits.len;
	if (c->json)
		print_json(&s);
	else if (s.hits.len)
		print_hits(&s);
	else
		fputs("tailrace: nothing is found\n", stderr);
	vec_release(&s.hits);
	arena_release(&s.arena);
	return true;
}

static bool show(struct catalog *c, struct error *err)
{
	c->depth = c->call->flags[FLAG_ALL] ? 0 : 1;
	return catalog_show(c, c->call->args[1], err);
}

static bool lineage(struct catalog *c, struct error *err)
{
	c->depth = c->call->flags[FLAG_DIRECT] ? 1 : 0;
	return catalog_lineage(c, c->call->args[1], err);
}

static const struct action {
	const char *name;
	bool (*run)(struct catalog *, struct error *);
	int most; /* arguments; -1: any number */
} actions[] = {{"search", search, -1}, {"show", show, 2}, {"lineage", lineage, 2}};

static const struct action *find_action(const struct call *call)
{
	static const char *const names[] = {"search", "show", "lineage", NULL};
	const char *near = nearest_name(call->args[0], names);

	for (size_t i = 0; i < COUNT_OF(actions); i++) {
		if (strcmp(call->args[0], actions[i].name) != 0)
			continue;
		if (actions[i].most < 0 || call->n_args <= actions[i].most)
			return &actions[i];
		wrong_use("'catalog %s' takes one name", actions[i].name);
		return NULL;
	}
	wrong_use("there is no 'catalog %s'; did you mean 'catalog %s'?", call->args[0],
		near ? near : "search");
	return NULL;
}

static bool open_catalog(struct catalog *c, struct error *err)
{
	if (!ends_open(c->ends, c->call->config_path, err) ||
		!outlook_open(c->outlook, c->ends, NULL, err))
		return false;
	c->columns = columns_new(c->outlook->graph, c->ends->state, err);
	return c->columns;
}

static int run(const struct call *call)
{
	struct ends ends = {0};
	struct outlook o = {0};
	struct catalog c = {
		.call = call, .ends = &ends, .outlook = &o, .json = call->flags[FLAG_JSON]};
	const struct action *action = find_action(call);
	struct error err = {0};

	if (!action)
		return WRONG_USE;
	bool ok = open_catalog(&c, &err) && action->run(&c, &err);
	columns_free(c.columns);
	outlook_close(&o);
	ends_close(&ends);
	if (!ok)
		return failed(&err);
	return c.none ? FAILED : DONE;
}

const struct command catalog_command = {
	.name = "catalog",
	.args = "search WORD... | show ASSET | lineage ASSET.COLUMN",
	.min_args = 2,
	.max_args = -1,
	.summary = "find assets, show one, or where a column comes from",
	.help = "search: texts that hold all of the words, whatever their case: names of assets\n"
		"and columns, descriptions in yml, owners (owner: or meta: {owner: ...}), tags.\n"
		"Ends with 1 where nothing is found.\n\n"
		"show: an asset: its description and owner, its rows and size in the warehouse,\n"
		"its columns, and which columns those are made of, directly or with --all.\n\n"
		"lineage: what a column is made of, down to the sources, and what is made of it.\n"
		"It is recorded when a model is built, from the warehouse's own analysis; what\n"
		"that cannot tell is said.\n",
	.flags = flags,
	.run = run,
};
