/*
 * A mirror is a table on its way: its definition now, where its rows go, and the copy of it if one is
 * under way. All changes of a mirror are made by the stream's writer thread under its write lock; copy
 * workers hold the read lock while they write rows. A life:
 *
 *	first copy:   building 1 as the live storage ──► live 1
 *	copied anew:  live N stays readable, N+1 is built beside it ──► exchanged ──► live N+1
 *	broken:       not written, not waited for; copied anew after a while, or on request
 */
#ifndef PIPELINE_MIRROR_H
#define PIPELINE_MIRROR_H

#include <pthread.h>
#include <stdatomic.h>
#include "core/sink.h"
#include "core/filter.h"
#include "pipeline/splice.h"
#include "pipeline/touched.h"
#include "state/state.h"

struct stream;

struct mirror {
	bool log; /* the sink is one of logs: rows have one place to go, and nothing is built beside it */
	struct table *table;      /* definition now */
	struct table *live_table; /* definition of the live storage; NULL before there is one */
	struct filter *filter;    /* of `table`; in filter_arena */
	struct arena filter_arena;
	enum table_status status;
	uint32_t generation, building;
	bool feed_live; /* while building: the live storage is of the same definition and gets the stream too */
	bool replaced;       /* dropped, and another table has taken its name */
	bool log_lost_track; /* after BUNDLE_RECOPY, until BUNDLE_TABLE: the source may leave rows out */
	char error[1024];
	pthread_rwlock_t
		lock; /* of the above; who changes them holds stream->lock as well, so that a
	                            * picture (snapshot.c) needs only that one */

	/* the copy; under stream->lock */
	struct chunk_states chunks;
	size_t next_chunk, chunks_left;
	VEC(size_t) again; /* indexes of chunks handed out that must be taken once more */
	uint32_t
		copy_serial; /* counts copies ended early; what was begun under another may not land */
	/* of a log, while it is copied: what the stream has written, since the chunks began that
	 * are read in this round, and in the one before (splice.h); chunks under way in each */
	struct key_set written, written_before;
	uint32_t round;
	unsigned reading[2];      /* by the round's last bit */
	bool planned;             /* the ledger holds a plan for `building` */
	char recopy_wanted[1024]; /* reason; the writer sees to it */
	char break_wanted[1024];  /* likewise */
	unsigned __int128
		publish_at; /* copied: becomes live once the stream has come to here; 0: not yet */
	/* to be copied anew once the stream has come to here: rows of the log from before a rewrite
	 * that nobody saw would win over copied ones; 0: not */
	unsigned __int128 recopy_at;
	int copy_failures;
	int64_t copy_began_ms;
	int64_t wait_until_ms; /* copy workers leave it alone until then */
	int64_t wait_said_ms;  /* when the log last had what this copy waits for; 0: not yet */
	int64_t retry_broken_ms, broken_for_ms;

	/* what was set aside on its way back in (retry.c); request 0: nothing. Of the writer thread */
	struct {
		int64_t request, upto_us;
		uint64_t messages, again;
		struct messages_aside *page; /* the source has it */
	} retry;

	/* of a watched table, since the position was last recorded (watch.c) */
	struct touched touched, foreseen;

	_Atomic uint64_t copied_rows, copied_estimate, changes, set_aside;
	_Atomic int64_t
		lag_ms; /* of its last change: from the commit until it was written; -1: none yet */
	double rate;    /* changes a second, smoothed; under stream->lock */
	uint64_t counted; /* changes when the rate was last taken */
};

/* Makes the mirror of a discovered table from what the state store knows of it (NULL: nothing), attaches its
 * storage, and wants a copy where one is needed. Never fails as a whole: what is wrong breaks the mirror. */
struct mirror *mirror_new(struct stream *, struct table *, const struct table_state *known);

void mirror_free(struct mirror *);

struct mirror *mirror_find(struct stream *, uint64_t source_id);
/* The one that is not dropped. */
struct mirror *mirror_named(struct stream *, const char *schema, const char *name);

/* Writer thread only. The definition is now this. `anew`: the log lost track, why the table is copied anew; else NULL. */
MUST_CHECK bool mirror_define(
	struct stream *, struct mirror *, struct table *now, const char *anew, struct error *);
MUST_CHECK bool mirror_recopy(struct stream *, struct mirror *, const char *reason, struct error *);
MUST_CHECK bool mirror_truncate(struct stream *, struct mirror *, struct table *now,
	const struct row_meta *, struct error *);
MUST_CHECK bool mirror_plan(struct stream *, struct mirror *, struct error *);
MUST_CHECK bool mirror_publish(struct stream *, struct mirror *, struct error *);
MUST_CHECK bool mirror_dropped(struct stream *, struct mirror *, struct error *);
void mirror_break(struct stream *, struct mirror *, const char *why);

/* Of a shared log: a broken table takes rows again, those that it missed first. */
MUST_CHECK bool mirror_mend(struct stream *, struct mirror *, struct error *);
/* Of a shared log: can the table be copied anew, by reading the log again? ERROR_TABLE says why not. */
MUST_CHECK bool mirror_retold(struct stream *, struct mirror *, struct error *);

/* Is what was begun as that copy still wanted? Under the lock, or on the writer thread. */
bool mirror_copies(const struct mirror *, uint32_t generation, uint32_t serial);

/* Does the stream write to it? */
bool mirror_takes_rows(const struct mirror *);
/* Where rows of the stream go, 1 or 2 places, the building one first. Under the lock, or on the writer thread. */
size_t mirror_landings(const struct mirror *, struct landing out[2]);

/* Into the ledger: the rows of that chunk are durable. Copy workers and writer thread. */
MUST_CHECK bool mirror_chunk_done(
	struct stream *, struct mirror *, size_t index, uint64_t rows, struct error *);

MUST_CHECK bool mirror_save(struct stream *, struct mirror *, struct error *);

#endif
