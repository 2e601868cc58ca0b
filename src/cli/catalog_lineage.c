/* `tailrace catalog lineage ASSET.COLUMN`: what a column is made of, and what is made of it. */
#include <string.h>
#include "base/json.h"
#include "cli/catalog.h"

static const char *how_name(enum lineage_how how)
{
	static const char *const names[] = {[LINEAGE_SAME] = "same",
		[LINEAGE_TRANSFORMED] = "transformed",
		[LINEAGE_AGGREGATED] = "aggregated",
		[LINEAGE_WINDOW] = "window"};
	return names[how];
}

void catalog_put_ref(struct buf *out, const struct column_ref *ref)
{
	buf_printf(out, "%s.%s", ref->asset ? ref->asset->name : ref->relation, ref->column);
	if (ref->how != LINEAGE_SAME)
		buf_printf(out, " (%s)", how_name(ref->how));
}

void catalog_put_refs_json(struct buf *out, const char *key, const struct column_refs *refs)
{
	json_put_open(out, key, '[');
	vec_each (refs, ref) {
		json_put_open(out, NULL, '{');
		json_put_text(out, "asset", ref->asset ? ref->asset->id : NULL);
		json_put_text(out, "name", ref->asset ? ref->asset->name : ref->relation);
		json_put_text(out, "column", ref->column);
		json_put_text(out, "how", how_name(ref->how));
		json_put_int(out, "depth", ref->depth);
		json_put_text(out, "gap", ref->gap);
		buf_puts(out, "}");
	}
	buf_puts(out, "]");
}

static void print_refs(const char *title, const struct column_refs *refs)
{
	struct buf line;

	printf("%s%s%s\n", colour(BOLD), title, colour(PLAIN));
	if (!refs->len)
		puts("  nothing");
	buf_init(&line, BUF_MAX);
	vec_each (refs, ref) {
		buf_clear(&line);
		buf_printf(&line, "%*s", 2 * ref->depth, "");
		catalog_put_ref(&line, ref);
		if (ref->gap)
			buf_printf(&line, "  and what is not known: %s", ref->gap);
		put_plain(buf_text(&line), stdout);
		putchar('\n');
	}
	buf_release(&line);
}

static void print_json(const struct asset *asset, const struct lineage_column *column,
	const char *name, const struct column_refs *up, const struct column_refs *down)
{
	struct buf out;

	buf_init(&out, BUF_MAX);
	buf_puts(&out, "{");
	json_put_text(&out, "asset", asset->id);
	json_put_text(&out, "column", name);
	json_put_text(&out, "gap", column ? column->gap : NULL);
	catalog_put_refs_json(&out, "upstream", up);
	catalog_put_refs_json(&out, "downstream", down);
	buf_puts(&out, "}");
	puts(buf_text(&out));
	buf_release(&out);
}

static const char *nearest_column(const struct lineage *l, const char *typed, struct arena *arena)
{
	const char **names = arena_alloc(arena, (l->len + 1) * sizeof *names);

	for (size_t i = 0; i < l->len; i++)
		names[i] = l->items[i].name;
	return nearest_name(typed, names);
}

static bool find(struct catalog *c, const char *text, const struct asset **asset,
	const char **column, struct error *err)
{
	*asset = columns_find(c->columns, text, column);
	if (!*asset)
		return error_set(err, ERROR_CONFIG,
			"there is no column '%s': name it as ASSET.COLUMN; `tailrace assets` lists "
			"the assets",
			text);
	const struct lineage *l = columns_of(c->columns, *asset);
	if (!l->len && (*asset)->node)
		return error_set(err, ERROR_CONFIG,
			"the columns of %s are not known: they are recorded when it is built",
			(*asset)->name);
	if (!l->len || column_named(l, *column, strlen(*column)))
		return true;
	const char *near = nearest_column(l, *column, &c->outlook->arena);
	return error_set(err, ERROR_CONFIG, "%s has no column '%s'%s%s%s", (*asset)->name, *column,
		near ? "; did you mean '" : "; `tailrace catalog show` lists them",
		near ? near : "", near ? "'?" : "");
}

bool catalog_lineage(struct catalog *c, const char *name, struct error *err)
{
	const struct asset *asset;
	const char *column;
	struct column_refs up = {0}, down = {0};

	if (!find(c, name, &asset, &column, err))
		return false;
	const struct lineage_column *known = column_named(
		columns_of(c->columns, asset), column, strlen(column));
	columns_up(c->columns, asset, column, c->depth, &up);
	columns_down(c->columns, asset, column, c->depth, &down);
	if (c->json) {
		print_json(asset, known, column, &up, &down);
	} else {
		print_refs("made of", &up);
		if (known && known->gap)
			printf("  and what is not known: %s\n", known->gap);
		print_refs("makes", &down);
	}
	vec_release(&up);
	vec_release(&down);
	return true;
}
