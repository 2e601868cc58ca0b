/*
 * The order in which the rows of a batch are sent: that of the storage's sorting key, so that the
 * server has nothing to sort.
 */
#ifndef SINKS_CLICKHOUSE_ORDER_H
#define SINKS_CLICKHOUSE_ORDER_H

#include "core/batch.h"

struct order {
	uint32_t *rows; /* NULL: as they are; else malloc'd */
	size_t n;
};

/* `key`: indexes of the columns to sort by. newest_only: of several rows of one key only the one
 * of the greatest version, or the last of those, is kept. A key column of a kind that has no
 * order here (arrays, maps) leaves the rows as they are. */
void order_init(struct order *o, const struct batch *b, const uint16_t *key, size_t n_key,
	bool newest_only);
void order_release(struct order *o);

#endif
