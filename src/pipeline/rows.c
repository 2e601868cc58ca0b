/* Rebuilding a batch; see rows.h. */
#include "pipeline/rows.h"

static void settle_column(struct column *column, bool key, const uint8_t *fates, size_t rows)
{
	struct column settled;

	column_init(&settled, &column->type);
	for (size_t row = 0; row < rows; row++) {
		if (fates[row] == ROW_KEEP || (fates[row] == ROW_TOMBSTONE && key))
			column_copy_row(&settled, column, row);
		else if (fates[row] == ROW_TOMBSTONE)
			column_add_default(&settled);
	}
	column_release(column);
	*column = settled;
}

static void settle(struct batch *batch, const uint8_t *fates)
{
	struct row_meta *meta = batch_meta(batch);
	size_t kept = 0;

	for (size_t c = 0; c < batch->table->n_columns; c++)
		settle_column(&batch->columns[c], batch->table->columns[c].key, fates, batch->rows);
	for (size_t row = 0; row < batch->rows; row++) {
		if (fates[row] == ROW_DROP)
			continue;
		meta[kept] = meta[row];
		if (fates[row] == ROW_TOMBSTONE)
			meta[kept].op = OP_DELETE;
		kept++;
	}
	batch->meta.len = kept * sizeof *meta;
	batch->rows = kept;
}

/* A row that becomes a tombstone was what it was. */
static void settle_before(struct batch *batch, const uint8_t *fates)
{
	struct buf kept;

	buf_init(&kept, BUF_MAX);
	for (size_t row = 0; row < batch->before->rows; row++)
		buf_u8(&kept, fates[row] == ROW_DROP ? ROW_DROP : ROW_KEEP);
	settle(batch->before, kept.data);
	buf_release(&kept);
}

void batch_settle(struct batch *batch, const uint8_t *fates)
{
	size_t row = 0;

	while (row < batch->rows && fates[row] == ROW_KEEP)
		row++;
	if (row == batch->rows)
		return;
	if (batch->before && batch->before->rows)
		settle_before(batch, fates);
	settle(batch, fates);
}
