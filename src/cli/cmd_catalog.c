/* `tailrace catalog search WORD`: assets by their names, descriptions, columns, owners and tags. */
#include <string.h>
#include <strings.h>
#include "base/json.h"
#include "cli/cli.h"
#include "cli/outlook.h"

enum { FLAG_JSON };
static const struct flag flags[] = {
	{"json", NULL, "print a JSON document"},
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

static const char *text_of(struct search *s, struct value v)
{
	return v.kind == VALUE_STRING ? value_strdup(&s->arena, v) : NULL;
}

static struct value member(struct value of, const char *key)
{
	return of.kind == VALUE_DICT ? dict_get_text(of.dict, key) : (struct value){0};
}

static void look_at_columns(struct search *s, struct value columns)
{
	for (size_t i = 0; columns.kind == VALUE_LIST && i < columns.list->len; i++) {
		struct value column = columns.list->items[i];
		const char *name = text_of(s, member(column, "name"));
		const char *about = text_of(s, member(column, "description"));
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
	struct value owner = member(of, "owner");

	look(s, "owner", text_of(s, owner));
	look(s, "owner", text_of(s, member(owner, "name")));
	look(s, "owner", text_of(s, member(owner, "email")));
}

static void look_at_asset(struct search *s, const struct asset *asset)
{
	const struct node *node = asset->node;
	struct value about = node ? node->properties : asset->source->meta;

	s->asset = asset;
	look(s, "name", asset->name);
	look(s, "description", text_of(s, member(about, "description")));
	look_at_columns(s, member(about, "columns"));
	look_at_owner(s, about);
	look_at_owner(s, member(about, "meta"));
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

static int search(const struct call *call, const struct graph *g)
{
	struct search s = {.words = call->args + 1, .n_words = call->n_args - 1};

	arena_init(&s.arena);
	vec_each (graph_assets(g), it)
		if ((*it)->kind != ASSET_CHECK)
			look_at_asset(&s, *it);
	int code = s.hits.len ? DONE : FAILED;
	if (call->flags[FLAG_JSON])
		print_json(&s);
	else if (s.hits.len)
		print_hits(&s);
	else
		fputs("tailrace: nothing is found\n", stderr);
	vec_release(&s.hits);
	arena_release(&s.arena);
	return code;
}

static int run(const struct call *call)
{
	struct ends ends = {0};
	struct outlook o = {0};
	struct error err = {0};

	if (strcmp(call->args[0], "search") != 0)
		return wrong_use(
			"there is no 'catalog %s'; did you mean 'catalog search'?", call->args[0]);
	bool ok = ends_open(&ends, call->config_path, &err) && outlook_open(&o, &ends, NULL, &err);
	int code = ok ? search(call, o.graph) : failed(&err);
	outlook_close(&o);
	ends_close(&ends);
	return code;
}

const struct command catalog_command = {
	.name = "catalog",
	.args = "search WORD...",
	.min_args = 2,
	.max_args = -1,
	.summary = "find assets by name, description, column, owner or tag",
	.help = "Looks for texts that hold all of the words, whatever their case: names of assets\n"
		"and columns, descriptions in yml, owners (owner: or meta: {owner: ...}), tags.\n"
		"Ends with 1 where nothing is found.\n",
	.flags = flags,
	.run = run,
};
