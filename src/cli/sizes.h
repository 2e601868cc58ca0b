/*
 * Rows of assets and their bytes on disk, asked of the warehouse when they are wanted: mirrored tables change all the
 * time, and nothing that was recorded would be true of them. A query a database.
 */
#ifndef CLI_SIZES_H
#define CLI_SIZES_H

#include "assets/assets.h"
#include "base/map.h"
#include "core/engine.h"

struct sizes {
	struct engine *engine; /* NULL: nothing is known */
	struct arena *arena;
	struct map databases, tables;
};
void sizes_release(struct sizes *s);

struct asset_size {
	bool known; /* not of views, files and commands */
	uint64_t rows, bytes;
};
/* Of a mirrored table what its storage holds, older versions of rows among it until they are merged away. */
MUST_CHECK bool size_of(
	struct sizes *s, const struct asset *asset, struct asset_size *out, struct error *err);

/* "rows" and "bytes", null where they are not known. */
void size_put_json(struct buf *out, const struct asset_size *size);

#endif
