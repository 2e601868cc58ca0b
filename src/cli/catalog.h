/* The parts of `tailrace catalog`: what of an asset is known, and where its columns come from. */
#ifndef CLI_CATALOG_H
#define CLI_CATALOG_H

#include "assets/columns.h"
#include "cli/cli.h"
#include "cli/outlook.h"

struct catalog {
	const struct call *call;
	struct ends *ends;
	struct outlook *outlook;
	struct columns *columns;
	bool json;
	bool none; /* nothing was found */
	int depth; /* of lineage: 1, or 0 for however far */
};

/* Texts of a yml: of a model its properties, of a table of a source what stands there; NULL where nothing does. */
const char *catalog_text(struct arena *arena, struct value v);
/* owner: ..., owner: {name: ..., email: ...}, meta: {owner: ...}, as people write it; NULL. */
const char *catalog_owner(struct arena *arena, const struct asset *asset);

MUST_CHECK bool catalog_show(struct catalog *c, const char *name, struct error *err);
MUST_CHECK bool catalog_lineage(struct catalog *c, const char *name, struct error *err);

/* "shop.orders.amount, aggregated" */
void catalog_put_ref(struct buf *out, const struct column_ref *ref);
void catalog_put_refs_json(struct buf *out, const char *key, const struct column_refs *refs);

#endif
