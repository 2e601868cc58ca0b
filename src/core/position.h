/*
 * A place in a source's log, at the end of a transaction. `order` compares places of one source and
 * one identity; `token` is the source's own form of it, which it alone reads ("0/16B3748",
 * "binlog.000003:154", "orders-0=12,orders-1=9").
 */
#ifndef CORE_POSITION_H
#define CORE_POSITION_H

#include <stdint.h>

struct position {
	unsigned __int128 order;
	/* of the last transaction up to here; of a log's end, when that was it; as recorded, all that
	 * was committed until then is here. 0 when unknown */
	int64_t commit_time_us;
	char token[224];
};

/* Where a stream goes on after a start. */
struct resume {
	/* what the position is of: system identifier, timeline, database, slot */
	char identity[256];
	struct position position;
};

#endif
