/*
 * Which hours of its event time the changes of a table touch: what is built from them is to be built again.
 * Noted of every batch before it is written: the event time of each row as it will be and as it was (known from the
 * log, from the key, or looked up in the target), and recorded together with the position.
 *
 * What was looked up in the target would not be found a second time: once written, a replay sees the new row.
 * Such hours are recorded ahead of the write; the session that follows a crash takes them over.
 */
#ifndef PIPELINE_TOUCHED_H
#define PIPELINE_TOUCHED_H

#include "core/sink.h"

/* Hours since 1970, [from, to). */
struct hours {
	int64_t from, to;
};

/* Zeroed is none. Not more than a few thousand ranges: beyond, they become days, and then all. */
struct touched {
	struct hours *items; /* ascending, disjoint, never adjacent */
	size_t len, cap;
	size_t near; /* where the last one went */
	bool all;
};

void touched_release(struct touched *);
void touched_clear(struct touched *); /* keeps the memory */
void touched_add(struct touched *, struct hours);
void touched_add_time(struct touched *, int64_t us);
bool touched_has(const struct touched *, struct hours);
static inline bool touched_any(const struct touched *t)
{
	return t->all || t->len;
}

/* Notes what the rows of a batch touch, as they come from the source; *foreseen gets what had to be looked up.
 * `stored`: where people read them; NULL: nowhere yet, and what was before does not matter. */
MUST_CHECK bool touched_note(struct touched *t, struct touched *foreseen, const char *event_time,
	const struct batch *batch, struct sink *sink, const struct landing *stored,
	struct error *err);

#endif
