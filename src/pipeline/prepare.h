/*
 * What happens to a batch between the source and the sink, in this order:
 *	unchanged TOAST values are taken from an earlier row of the same key in the batch,
 *	what is still unchanged is looked up in the target, or else in the source by key,
 *		but of rows that the filter does not take, whatever it is,
 *	column rules are applied, and what was found is filled in,
 *	the row filter turns what leaves it into tombstones and drops what was never in it.
 * Afterwards no cell is marked unchanged, but for a sink of logs.
 */
#ifndef PIPELINE_PREPARE_H
#define PIPELINE_PREPARE_H

#include "core/sink.h"
#include "core/source.h"
#include "core/filter.h"

/* What becomes of unchanged values: filled, or else the row goes; filled where they are found, else passed on
 * so marked; passed on, but where the key changed and the source has the value. Only a sink of logs takes them. */
enum unchanged { UNCHANGED_FILL, UNCHANGED_TRY, UNCHANGED_PASS };

struct prepare {
	struct source *source;
	struct sink *sink;
	const char *hmac_key;
	const struct filter *filter; /* NULL: none */
	struct landing landing;      /* where the rows of this batch go */
	enum unchanged unchanged;
};

MUST_CHECK bool prepare_batch(const struct prepare *, struct batch *, struct error *);

/* Only the column rules; also for verify, which compares what the source has under the same rules. */
void apply_rules(struct batch *, const char *hmac_key);

#endif
