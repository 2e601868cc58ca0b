/* The order of things between source and sink; see prepare.h. */
#include "pipeline/prepare.h"

#include "pipeline/fill.h"
#include "pipeline/rows.h"

typedef bool match_fn(const struct filter *, const struct batch *, size_t row);

static bool is_tombstone(const struct row_meta *meta)
{
	return meta->op == OP_DELETE || meta->op == OP_KEY_CHANGED;
}

/* The server filtered copied rows already, and a tombstone of a row that was never in is harmless. */
static enum row_fate filtered(
	const struct prepare *p, const struct batch *batch, size_t row, match_fn *matches)
{
	const struct row_meta *meta = &batch_meta(batch)[row];

	if (is_tombstone(meta) || meta->op == OP_COPY || matches(p->filter, batch, row))
		return ROW_KEEP;
	return meta->op == OP_UPDATE ? ROW_TOMBSTONE : ROW_DROP;
}

/* One a row, freed by the caller. */
static uint8_t *filter_fates(const struct prepare *p, const struct batch *batch, match_fn *matches)
{
	uint8_t *fates = xcalloc(batch->rows + 1, 1);

	for (size_t row = 0; p->filter && row < batch->rows; row++)
		fates[row] = (uint8_t)filtered(p, batch, row, matches);
	return fates;
}

static bool fill(const struct prepare *p, struct batch *batch, struct error *err)
{
	uint8_t *fates = filter_fates(p, batch, filter_may_match);
	bool ok = fill_from_outside(p, batch, fates, err);

	free(fates);
	return ok;
}

/* What is not known even now, the source does not have in a row of the filter, if it can be asked. */
static void apply_filter(const struct prepare *p, struct batch *batch)
{
	match_fn *matches = p->source->ops->fetch ? filter_matches : filter_may_match;
	uint8_t *fates = filter_fates(p, batch, matches);

	batch_settle(batch, fates);
	free(fates);
}

bool prepare_batch(const struct prepare *p, struct batch *batch, struct error *err)
{
	bool pass = p->unchanged == UNCHANGED_PASS;
	/* where a row of the batch was set aside, the source knows better, if it can be asked */
	bool whole = !batch->aside.len || !p->source->ops->fetch;

	if (!pass && whole && batch_has_unchanged(batch))
		fill_from_batch(batch);
	if (pass ? !batch_has_moved_holes(batch) : !batch_has_unchanged(batch))
		apply_rules(batch, p->hmac_key);
	else if (!fill(p, batch, err))
		return false;
	if (p->filter)
		apply_filter(p, batch);
	return true;
}
