/* Rebuilding a batch with some rows dropped or made tombstones. */
#ifndef PIPELINE_ROWS_H
#define PIPELINE_ROWS_H

#include "core/batch.h"

enum row_fate { ROW_KEEP, ROW_DROP, ROW_TOMBSTONE };

/* One fate (enum row_fate) a row. A tombstone keeps its key columns and gets the operation OP_DELETE. */
void batch_settle(struct batch *, const uint8_t *fates);

#endif
