/*
 * Inside of snapshots: every version of a row, for as long as it was valid. snapshot.c compares what the query gives
 * now with the versions that are current; snapshot_history.c reads them from
 * the log of a mirrored table; snapshot_config.c has what the configuration says.
 */
#ifndef BUILD_SNAPSHOT_H
#define BUILD_SNAPSHOT_H

#include "build/making.h"

enum snapshot_strategy { SNAPSHOT_TIMESTAMP, SNAPSHOT_CHECK, SNAPSHOT_HISTORY };
enum hard_deletes { DELETES_IGNORE, DELETES_INVALIDATE, DELETES_NEW_RECORD };

struct snapshot {
	struct making *m;
	enum snapshot_strategy strategy;
	enum hard_deletes deletes;
	struct texts keys;
	struct texts checked;   /* none: all */
	const char *updated_at; /* a column; NULL: the time of the snapshot */
	const char *current_to; /* SQL: valid_to of a version that is current */
	const char *now;        /* SQL: the time of the snapshot */
	struct snapshot_names {
		const char *from, *to, *current;
		const char *deleted; /* NULL: there is none */
	} names;
};

MUST_CHECK bool snapshot_config(struct making *m, struct snapshot *out, struct error *err);

/* snapshot_history.c; w->select is compiled. */
MUST_CHECK bool snapshot_history(const struct snapshot *s, struct error *err);

#endif
