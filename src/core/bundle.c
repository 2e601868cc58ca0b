/* Bundles; see bundle.h. */
#include "core/bundle.h"

#include "base/clock.h"
#include "base/map.h"

struct bundle *bundle_new(void)
{
	struct bundle *b = xcalloc(1, sizeof *b);

	b->open = xcalloc(1, sizeof *b->open);
	return b;
}

void bundle_free(struct bundle *b)
{
	if (!b)
		return;
	vec_each (&b->items, item) {
		if (item->kind == BUNDLE_ROWS)
			batch_release(&item->batch);
		table_unref(item->table);
	}
	vec_release(&b->items);
	map_release(b->open);
	free(b->open);
	free(b);
}

bool bundle_empty(const struct bundle *b)
{
	return !b->items.len && !b->ended;
}

size_t bundle_bytes(const struct bundle *b)
{
	size_t bytes = 0;

	vec_each (&b->items, item) {
		if (item->kind == BUNDLE_ROWS)
			bytes += batch_bytes(&item->batch);
	}
	return bytes + b->items.len * sizeof *b->items.items;
}

static struct bundle_item *push_item(struct bundle *b, enum bundle_kind kind, struct table *table)
{
	struct bundle_item item = {.kind = kind, .table = table_ref(table)};

	vec_push(&b->items, item);
	if (!b->started_ms)
		b->started_ms = mono_ms();
	return &b->items.items[b->items.len - 1];
}

struct batch *bundle_batch(struct bundle *b, struct table *table)
{
	uintptr_t open = (uintptr_t)map_get(b->open, &table->source_id, sizeof table->source_id);

	if (open && b->items.items[open - 1].table == table)
		return &b->items.items[open - 1].batch;
	struct bundle_item *item = push_item(b, BUNDLE_ROWS, table);
	batch_init(&item->batch, table);
	map_put(b->open, &table->source_id, sizeof table->source_id,
		(void *)(uintptr_t)b->items.len);
	return &item->batch;
}

void bundle_cut(struct bundle *b, const struct table *table)
{
	map_remove(b->open, &table->source_id, sizeof table->source_id);
}

struct bundle_item *bundle_add(struct bundle *b, enum bundle_kind kind, struct table *table)
{
	bundle_cut(b, table);
	return push_item(b, kind, table);
}
