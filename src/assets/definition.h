/*
 * What a definition is: its SQL, as it is compiled for a fixed partition, and of its configuration what concerns its
 * rows. Its fingerprint is of the tokens of the SQL, so that white space and comments change nothing.
 */
#ifndef ASSETS_DEFINITION_H
#define ASSETS_DEFINITION_H

#include "assets/assets.h"

/* Names of lines that tell what a view was made of, as "columns(shop.orders)". */
#define DEFINITION_COLUMNS "columns" /* what it reads has these columns */
#define DEFINITION_COPY    "copy"    /* what it follows was copied so many times */

/* Of an asset with a node that is no check; texts in the arena. Any thread. Fails where the node has a problem, or its
 * seed cannot be read. */
MUST_CHECK bool definition_of(const struct graph *g, const struct asset *asset, struct arena *arena,
	struct definition *out, struct error *err);

enum change {
	CHANGE_NONE,
	CHANGE_FORMAT, /* white space and comments */
	CHANGE_ADDS,   /* columns were added, or what it reads has others: who stands on it sees no
			  * other rows for that */
	CHANGE_BREAKING, /* anything else */
};
const char *change_name(enum change change); /* "not breaking" */
/* *what says for people what differs: "its SQL", "order_by, batch_size". */
enum change definition_change(const struct definition *old, const struct definition *now,
	struct arena *arena, const char **what);

#endif
