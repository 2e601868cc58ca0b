/*
 * Unchanged TOAST values: PostgreSQL does not send a large value that an UPDATE left alone. Each is
 * filled with the value the row had before, never with NULL (design, invariant 8).
 */
#ifndef PIPELINE_FILL_H
#define PIPELINE_FILL_H

#include "pipeline/prepare.h"

bool batch_has_unchanged(const struct batch *);

/* A row whose key has just changed, with values that were not sent: nobody has them under the new key. */
bool batch_has_moved_holes(const struct batch *);

/* From earlier rows of the same (for a key change: the old) key in the batch. */
void fill_from_batch(struct batch *);

/* From the target where it may be trusted, else from the source. A row that the target holds at the same or
 * a later version is a replay and leaves the batch; a row gone from the source leaves it too (a later change
 * of the key follows; under a filter, which this one may have left it by, it is a tombstone), and is set aside
 * where history is kept. Also applies the column rules, which what it fills in has been through already; a batch
 * whose lookups failed is as it was. ERROR_TABLE: what is missing is of another type in the source by now, and
 * only a copy brings it. `fates`, one a row (enum row_fate), are written over: a row not to be kept is not looked
 * up, and goes as they say. */
MUST_CHECK bool fill_from_outside(
	const struct prepare *, struct batch *, uint8_t *fates, struct error *);

#endif
