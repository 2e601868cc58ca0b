/* See sizes.h. */
#include "cli/sizes.h"

#include <string.h>
#include "base/json.h"
#include "core/table.h"

void sizes_release(struct sizes *s)
{
	map_release(&s->databases);
	map_release(&s->tables);
}

static bool load(struct sizes *s, const char *database, struct error *err)
{
	struct relations list;

	if (map_put(&s->databases, database, strlen(database), s))
		return true;
	if (!s->engine->ops->relations(s->engine, database, s->arena, &list, err))
		return false;
	for (size_t i = 0; i < list.len; i++) {
		const char *key = arena_printf(s->arena, "%s.%s", database, list.items[i].name);
		map_put(&s->tables, key, strlen(key), &list.items[i]);
	}
	return true;
}

static bool add(struct sizes *s, const char *database, const char *table, struct asset_size *out,
	struct error *err)
{
	const char *key = arena_printf(s->arena, "%s.%s", database, table);

	if (!load(s, database, err))
		return false;
	const struct relation_info *info = map_get(&s->tables, key, strlen(key));
	if (!info || info->kind == RELATION_VIEW)
		return true;
	out->known = true;
	out->rows += info->rows;
	out->bytes += info->bytes;
	return true;
}

bool size_of(struct sizes *s, const struct asset *asset, struct asset_size *out, struct error *err)
{
	*out = (struct asset_size){0};
	if (!s->engine || !asset->database)
		return true;
	if (asset->kind != ASSET_MIRROR)
		return add(s, asset->database, asset->table, out, err);
	const char *storage = arena_printf(s->arena, "%s" TABLE_STORAGES, asset->database);
	return add(s, storage, asset->table, out, err);
}

void size_put_json(struct buf *out, const struct asset_size *size)
{
	if (!size->known) {
		json_put_raw(out, "rows", NULL);
		json_put_raw(out, "bytes", NULL);
		return;
	}
	json_put_uint(out, "rows", size->rows);
	json_put_uint(out, "bytes", size->bytes);
}
