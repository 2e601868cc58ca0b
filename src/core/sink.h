/*
 * A sink takes rows and makes them durable. To add one: a folder in sinks/, a line in sinks.def, a
 * line in meson.build, a page in docs/. A sink never retries: ERROR_RETRY says that the same call
 * may work later, ERROR_TABLE that this table cannot go on, ERROR_BROKEN that nothing can.
 *
 * A table lives in the sink in generations: the one that people read, and, while it is copied anew,
 * a building one beside it; sink_publish() exchanges them. All calls are idempotent: after a crash
 * the same call is made again. Every function may be called by several threads at once.
 *
 * A sink of logs (`log`) keeps every event in the order it is written and reads nothing back: it has
 * no storage to build beside another, so one landing only. What is written is kept once commit() has
 * returned; after a failure the session ends, and what was not committed comes again. Its write,
 * set_aside, truncate and commit are called by one thread at a time. It has open, check, generation,
 * attach, evolve, write, set_aside, truncate and close, may have commit and recorded, and no other.
 */
#ifndef CORE_SINK_H
#define CORE_SINK_H

#include "core/bundle.h"
#include "core/selection.h"
#include "core/source.h"

struct sink {
	const struct sink_ops *ops;
	const char *name; /* of the connection */
	/* whose rows it takes; set before open, opened behind it; NULL: no stream runs. For check()
	 * alone it is set behind open */
	const struct source *from;
};

/* Where the rows of a table go. */
struct landing {
	struct table *table; /* definition that the rows have now */
	uint32_t generation;
	bool building; /* not yet what people read */
	bool known;    /* for attach: it has rows, so where it is gone none is made in its place */
};

/* Copied rows on their way into one table, many batches of them; of one thread. */
struct sink_load;

struct scan_range {
	/* one row, only its key columns count: begin behind it; NULL: from the start */
	const struct batch *after;
	const struct batch *upto; /* one row: end with it; NULL: no end */
	size_t limit;
};

typedef MUST_CHECK bool sink_open_fn(struct sink *, struct error *);
typedef MUST_CHECK bool sink_check_fn(
	struct sink *, struct table *const *, size_t n, struct findings *, struct error *);
typedef MUST_CHECK bool sink_epoch_fn(struct sink *, const char *stream, struct table *const *,
	size_t n, uint8_t *greatest, struct error *);
typedef MUST_CHECK bool sink_generation_fn(
	struct sink *, const struct landing *, uint32_t *live, struct error *);
typedef MUST_CHECK bool sink_attach_fn(struct sink *, const struct landing *, struct error *);
typedef MUST_CHECK bool sink_evolve_fn(struct sink *, const struct landing *,
	const struct table *old, bool *in_place, struct error *);
typedef MUST_CHECK bool sink_write_fn(
	struct sink *, const struct landing *, struct batch *, struct error *);
typedef MUST_CHECK struct sink_load *sink_load_fn(
	struct sink *, const struct landing *, struct error *);
typedef MUST_CHECK bool sink_load_add_fn(struct sink_load *, struct batch *, struct error *);
typedef MUST_CHECK bool sink_load_end_fn(struct sink_load *, bool keep, struct error *);
typedef MUST_CHECK bool sink_set_aside_fn(
	struct sink *, const struct landing *, const struct batch *, struct error *);
typedef MUST_CHECK bool sink_asides_fn(struct sink *, const struct landing *, int64_t *upto_us,
	struct messages_aside *out, struct error *);
typedef MUST_CHECK bool sink_forget_fn(struct sink *, const struct landing *, int64_t upto_us,
	const struct messages_aside *, struct error *);
typedef MUST_CHECK bool sink_truncate_fn(
	struct sink *, const struct landing *, const struct row_meta *, struct error *);
typedef MUST_CHECK bool sink_publish_fn(struct sink *, const struct landing *, struct error *);
typedef MUST_CHECK bool sink_discard_fn(struct sink *, const struct landing *, struct error *);
typedef MUST_CHECK bool sink_fetch_fn(struct sink *, const struct landing *,
	const struct batch *keys, struct batch *out, struct error *);
typedef MUST_CHECK bool sink_missed_fn(struct sink *, const struct landing *,
	const struct batch *keys, version_t *missed, struct error *);
typedef MUST_CHECK bool sink_scan_fn(struct sink *, const struct landing *,
	const struct scan_range *, struct batch *out, struct error *);
typedef MUST_CHECK bool sink_count_fn(
	struct sink *, const struct landing *, uint64_t *rows, struct error *);
typedef MUST_CHECK bool sink_commit_fn(struct sink *, const struct resume *, struct error *);
typedef MUST_CHECK bool sink_recorded_fn(
	struct sink *, struct resume *out, bool *found, struct error *);
typedef MUST_CHECK bool sink_marked_fn(
	struct sink *, const char *stream, int64_t *mark_us, struct error *);
typedef MUST_CHECK bool sink_mark_fn(
	struct sink *, const char *stream, int64_t mark_us, struct error *);
typedef void sink_close_fn(struct sink *);

struct sink_ops {
	const char *kind; /* "clickhouse", as in the configuration */
	size_t size;      /* of the struct that begins with `struct sink` */
	const struct option *options;
	bool log;          /* a sink of logs, as told above */
	bool wants_before; /* batch.before, where the source knows it */

	/* reaches it, checks version and rights */
	sink_open_fn *open;
	/* what `tailrace check` can say of these tables there; changes nothing */
	sink_check_fn *check;
	/* the greatest epoch found in the storage of these tables; 0: none */
	sink_epoch_fn *epoch;
	/* the live generation found in the target for landing->table; 0: there is none. Of logs,
	 * asked behind attach: 0 where that had to make the log, so that nothing is in it; else 1 */
	sink_generation_fn *generation;
	/* makes database, storage and views when missing; leaves what is there. ERROR_TABLE: of a
	 * known one the storage is missing */
	sink_attach_fn *attach;
	/* storage of `old` becomes that of landing->table; where that was told earlier than what is stored (`told`), it
	 * only has room for it then. *in_place false: nothing was done, this
	 * change needs a new generation (key, order, inexact type). old NULL, but of logs: whatever
	 * is stored */
	sink_evolve_fn *evolve;
	/* returns once the rows are durable. May sort the batch; its rows stay valid for a second
	 * call. A row that is refused for itself goes to batch_set_aside(). Of logs: cells may still
	 * be marked unchanged */
	sink_write_fn *write;
	/* optional, all three: the rows of a copy, where many batches that go in together cost less
	 * than as many writes. load: NULL on failure. load_add takes the rows and leaves the batch
	 * without any. load_end returns once all are durable; keep false: they do not matter any
	 * more, though some may have arrived. It frees the load in any case */
	sink_load_fn *load;
	sink_load_add_fn *load_add;
	sink_load_end_fn *load_end;
	/* batch->aside, durable, queryable, once per (table, version, key) in effect */
	sink_set_aside_fn *set_aside;
	/* optional, both: messages that were set aside with their bytes, some of them, until *upto_us
	 * (0: all so far; it is set then); no more: none. forget: those are set aside no longer, unless
	 * they have been once more since */
	sink_asides_fn *asides;
	sink_forget_fn *forget;
	/* what is below meta's version is gone when it returns; history keeps a 't' row instead */
	sink_truncate_fn *truncate;
	/* the building generation becomes what people read; the old one is dropped */
	sink_publish_fn *publish;
	/* drops a building generation */
	sink_discard_fn *discard;
	/* the latest live rows of these keys, appended to out, in any order, meta.version set */
	sink_fetch_fn *fetch;
	/* with fetch: of each of these keys the latest version that was set aside, and so is missing:
	 * 0 for none, VERSION_MAX where it is not known */
	sink_missed_fn *missed;
	/* latest live rows in key order (column_compare), appended to out. Of a table without a
	 * key: all rows of its history since the last TRUNCATE in the order of their versions, with
	 * their operations; of `after` the version counts, `upto` is NULL */
	sink_scan_fn *scan;
	/* latest live rows */
	sink_count_fn *count;
	/* optional, of logs: all that was written is kept, and with it, as one, the place to go on
	 * from */
	sink_commit_fn *commit;
	/* optional: the place that was committed last; what follows it was not */
	sink_recorded_fn *recorded;
	/* optional, both: a durable mark of the stream, a time that only rises, kept with the rows
	 * and lost or set back together with them. marked: the latest one, 0 for none */
	sink_marked_fn *marked;
	sink_mark_fn *mark;
	sink_close_fn *close;
};

/* sinks.def */
const struct sink_ops *sink_find(const char *kind);
extern const struct sink_ops *const sink_kinds[]; /* NULL-terminated */

#endif
