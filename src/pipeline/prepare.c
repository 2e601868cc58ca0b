/* The order of things between source and sink; see prepare.h. */
#include "pipeline/prepare.h"

#include "pipeline/fill.h"
#include "pipeline/rows.h"

static bool is_tombstone(const struct row_meta *meta)
{
	return meta->op == OP_DELETE || meta->op == OP_KEY_CHANGED;
}

/* The server filtered copied rows already, and a tombstone of a row that was never in is harmless. */
static enum row_fate filtered(const struct prepare *p, const struct batch *batch, size_t row)
{
	const struct row_meta *meta = &batch_meta(batch)[row];

	if (is_tombstone(meta) || meta->op == OP_COPY || filter_matches(p->filter, batch, row))
		return ROW_KEEP;
	return meta->op == OP_UPDATE ? ROW_TOMBSTONE : ROW_DROP;
}

static void apply_filter(const struct prepare *p, struct batch *batch)
{
	struct buf fates;
	bool all = true;

	buf_init(&fates, BUF_MAX);
	for (size_t row = 0; row < batch->rows; row++) {
		enum row_fate fate = filtered(p, batch, row);
		buf_u8(&fates, (uint8_t)fate);
		all = all && fate == ROW_KEEP;
	}
	if (!all)
		batch_settle(batch, fates.data);
	buf_release(&fates);
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
	else if (!fill_from_outside(p, batch, err))
		return false;
	if (p->filter)
		apply_filter(p, batch);
	return true;
}
