/*
 * A source reads the log of a database and the tables behind it. To add one: a folder in sources/,
 * a line in sources.def, a line in meson.build, golden inputs, a page in docs/. A source never
 * sleeps for a retry and never retries: it says what went wrong (error.kind).
 *
 * Threads: open, start, read, close on the stream's reader thread; confirm on its writer thread;
 * copy, fetch and scan on any thread, several at once. discover, check and plan on any one thread
 * at a time.
 */
#ifndef CORE_SOURCE_H
#define CORE_SOURCE_H

#include <stdatomic.h>
#include "base/vec.h"
#include "core/bundle.h"
#include "core/selection.h"

struct source {
	const struct source_ops *ops;
	const char *name;                  /* of the stream */
	const char *connection;            /* name of it */
	const struct selection *selection; /* outlives the source */
	/* a bundle, and a copied batch, that holds this much is full */
	int64_t bundle_bytes, copy_bytes;
	int64_t batch_rows; /* and a batch with so many rows */
	/* of the versions it gives out; set before start, copy */
	uint8_t epoch;
	bool want_before; /* rows as they were, in batch.before, where the log has them */
	/* the target is a log: of rows left out after BUNDLE_RECOPY, which a copy will bring, it must be
	 * told that others are gone: OP_DELETE, as far as their keys can be read, of the table as
	 * it is copied or, where its key was another, as it was */
	bool into_log;
	/* somebody waits for the position to move: it is given as soon as it is known */
	_Atomic bool hurry;
	char database[64]; /* that it reads, for events that name it; set by open */
};

enum source_status {
	SOURCE_MORE, /* more can be had at once: the bundle is full or another call will add */
	SOURCE_IDLE, /* wait_ms passed, or everything up to now has been read */
	SOURCE_FAILED,
};

/* A piece of a table to copy, in the source's own words; recorded, so it must make sense after a
 * restart. */
struct chunk {
	uint32_t number;
	char spec[256];
};
VEC_TYPE(chunks, struct chunk);
VEC_TYPE(tables, struct table *);

enum copy_status {
	COPY_DONE,
	/* not yet: a transaction from before the fence is still open; err->text names it */
	COPY_WAIT,
	COPY_STALE, /* the table was rewritten: plan it anew */
	COPY_FAILED,
};

/* Takes the batches of a copy as they fill. */
struct batch_taker {
	/* clears the batch */
	MUST_CHECK bool (*take)(struct batch_taker *, struct batch *, struct error *);
};

/* One thing that is wrong or worth knowing, for `tailrace check`. */
struct finding {
	enum { FINDING_OK, FINDING_NOTE, FINDING_PROBLEM } level;
	const char *what; /* "wal_level is \"replica\", logical replication needs \"logical\"" */
	const char *mend; /* the statement or step that mends it; NULL: nothing to do */
};
struct findings {
	struct arena arena;
	VEC(struct finding) list;
};
/* The texts are the arena's, or live longer. */
static inline void findings_add(struct findings *f, int level, const char *what, const char *mend)
{
	vec_push(&f->list, ((struct finding){.level = level, .what = what, .mend = mend}));
}

/* How far the source is, for status and metrics. */
struct source_lag {
	uint64_t bytes;          /* of log written and not yet confirmed */
	uint64_t retained_bytes; /* of log that the server keeps for us */
	/* end of the log now: what is committed until its time lies before it */
	struct position head;
};

/* A part of a log that has several, in its own numbers: what is durable, and its end. */
struct source_part {
	const char *topic;
	int partition;
	uint64_t durable, end;
};
VEC_TYPE(source_parts, struct source_part);

/* Messages of a shared log, of all who read it together. */
struct source_backlog {
	uint64_t waiting; /* not confirmed by any of them */
	uint64_t end;     /* as many there have ever been */
};

/* Messages of a log of several parts that were set aside, to be read again from their bytes. */
struct message_aside {
	int partition;
	int64_t offset, time_us;
	bool has_key, has_value;
	const uint8_t *key, *value;
	size_t key_len, value_len;
};
struct messages_aside {
	uint64_t table; /* source_id */
	struct arena arena;
	VEC(struct message_aside) list;
};

typedef MUST_CHECK bool source_open_fn(struct source *, struct error *);
typedef MUST_CHECK bool source_check_fn(struct source *, struct findings *, struct error *);
typedef MUST_CHECK bool source_discover_fn(struct source *, struct tables *out, struct error *);
typedef MUST_CHECK bool source_start_fn(
	struct source *, const struct resume *from, struct resume *out, struct error *);
typedef MUST_CHECK bool source_restart_fn(struct source *, struct error *);
typedef MUST_CHECK enum source_status source_read_fn(
	struct source *, struct bundle *, int wait_ms, struct error *);
typedef void source_confirm_fn(struct source *, const struct position *upto);
typedef void source_hold_fn(struct source *, const struct table *, bool hold);
typedef MUST_CHECK bool source_plan_fn(
	struct source *, const struct table *, struct chunks *out, struct error *);
typedef MUST_CHECK bool source_renew_fn(struct source *, struct chunks *, struct error *);
typedef MUST_CHECK enum copy_status source_copy_fn(struct source *, struct table *,
	const struct chunk *, struct batch_taker *, struct error *);
typedef void source_retry_fn(struct source *, struct messages_aside *);
typedef MUST_CHECK bool source_fetch_fn(
	struct source *, const struct batch *keys, struct batch *out, struct error *);
typedef MUST_CHECK bool source_scan_fn(struct source *, struct table *, const struct batch *after,
	size_t limit, struct batch *out, struct error *);
typedef MUST_CHECK bool source_sample_fn(struct source *, struct table *, double fraction,
	size_t most, struct batch *out, struct error *);
typedef bool source_same_physical_fn(const char *was, const char *now);
typedef MUST_CHECK bool source_lag_fn(struct source *, struct source_lag *, struct error *);
typedef void source_parts_fn(struct source *, struct arena *, struct source_parts *out);
typedef MUST_CHECK bool source_backlog_fn(struct source *, struct source_backlog *, struct error *);
typedef void source_close_fn(struct source *);

struct source_ops {
	const char *kind; /* "postgres", as in the configuration */
	size_t size;      /* of the struct that begins with `struct source` */
	/* fill it; also the reference page and the nearest-key hints */
	const struct option *options;
	/* The log is all there is, and several processes may read it together into one target: its
	 * tables are live at once, what is found in the target is the others' work and goes on, and
	 * a copy has the log read again. fetch and scan are NULL */
	bool shared;

	/* connects, checks that it can be used at all; on failure nothing stays open */
	source_open_fn *open;
	/* everything that `tailrace check` can say; changes nothing */
	source_check_fn *check;
	/* the selected tables as they are now, each a reference for the caller; tables with a
	 * `problem` are among them */
	source_discover_fn *discover;
	/* makes what is missing (publication, slot: logged), and begins to read. from NULL: a first
	 * start. ERROR_GAP when the log does not hold `from` any more or is another's. A table of the
	 * last discover() whose changes cannot be had gets its `problem` here. *out: identity, and
	 * where it begins */
	source_start_fn *start;
	/* after a gap: undoes what start made, so that start(NULL) begins anew */
	source_restart_fn *restart; /* NULL: what its log lost, it does not have */
	/* waits at most wait_ms for something; appends until the bundle is full. Tables that
	 * appear, change, are rewritten or dropped come as items in the order of the log. Rows of a
	 * table before its first BUNDLE_TABLE never come. A bundle that is full already gets nothing
	 * more: the connection is kept alive, and SOURCE_MORE is the answer at once */
	source_read_fn *read;
	/* durable and recorded up to here: the log may forget it */
	source_confirm_fn *confirm;
	/* of a shared log: rows of the table are not taken for now, so nothing of them is to be
	 * confirmed; once it is let go they are read again. Any thread */
	source_hold_fn *hold;
	/* cuts a table into chunks; sets the fence that copies wait for */
	source_plan_fn *plan;
	/* optional: sets the fence of planned chunks anew: whoever reads one sees all that read() has
	 * given until now */
	source_renew_fn *renew;
	/* one chunk of one table, in its own short transaction */
	source_copy_fn *copy;
	/* optional, of a shared log: read() gives what these messages say, as they are understood now,
	 * then BUNDLE_RETRIED; they stay the caller's, and there, until then or until close. No row of
	 * them has a cell marked unchanged: what was before is not known, such a message is set aside
	 * again. Any thread */
	source_retry_fn *retry;
	/* the rows of `keys` (only its key columns are looked at) that exist, appended to out, in
	 * any order; meta: op 'r', version copied. out may be of a part of the table. ERROR_TABLE:
	 * the key or a column of out is another one by now, which read() is still to tell */
	source_fetch_fn *fetch;
	/* up to `limit` rows in key order (column_compare) behind the one row of `after` (NULL:
	 * from the start), appended to out */
	source_scan_fn *scan;
	/* optional: about that part of the rows, at most so many, from places taken at random and
	 * at little cost, in any order, appended to out */
	source_sample_fn *sample;
	/* Is what was copied under `was` (table->physical) still what the table holds under
	 * `now`? */
	source_same_physical_fn *same_physical;
	source_lag_fn *lag;
	/* optional: the parts that this process reads, as lag() saw them last; names go to the arena */
	source_parts_fn *parts;
	/* of a shared log: needs no start(), and takes no part in the reading */
	source_backlog_fn *backlog;
	/* undoes open; never fails */
	source_close_fn *close;
};

/* sources.def */
const struct source_ops *source_find(const char *kind);
extern const struct source_ops *const source_kinds[]; /* NULL-terminated */

#endif
