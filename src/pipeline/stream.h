/* Inside of the pipeline: one stream, shared by reader (stream.c), writer.c, copier.c and mirror.c. */
#ifndef PIPELINE_STREAM_H
#define PIPELINE_STREAM_H

#include <pthread.h>
#include <stdatomic.h>
#include "base/backoff.h"
#include "base/queue.h"
#include "config/config.h"
#include "pipeline/mirror.h"
#include "pipeline/pipeline.h"
#include "state/state.h"

enum stream_status {
	STREAM_STARTING,
	STREAM_COPYING,
	STREAM_STREAMING,
	STREAM_RETRYING,
	STREAM_STOPPED
};

#define MAX_COPIERS 64

struct stream {
	const struct config *config;
	const struct stream_config *settings;
	const char *warehouse_url;
	_Atomic(const struct watch_list *) *watch; /* the pipeline's; NULL: none yet */
	struct state *state;
	struct arena arena; /* of the session: source, sink */
	struct source *source;
	struct sink *sink;
	uint8_t epoch;
	int64_t share_bytes; /* of the memory budget, for each bundle or copied batch */
	size_t n_copiers;

	pthread_t reader, writer, copiers[MAX_COPIERS];
	struct bundle *bundle; /* of the reader: what it reads into */
	struct queue queue;    /* of struct bundle */
	_Atomic bool stopping; /* the whole stream */
	_Atomic bool failing;  /* this session: every thread leaves */

	pthread_mutex_t lock;   /* of what follows, and of the copies in the mirrors */
	pthread_cond_t changed; /* a chunk may be had, a session ends, the stream stops */
	VEC(struct mirror *) mirrors;
	struct table_states absent; /* see absent.c */
	struct splice splice;       /* copied rows on their way into a log */
	struct error failure;       /* why the session ends; the first one counts */
	struct error gap;           /* met while reading: the next session has to bridge it */
	bool taken_up;              /* the mirrors are all there */
	bool worked;                /* they were, once in this process */
	bool refused;               /* the last session was: a person has to mend something */
	enum stream_status status;
	char error[1024];             /* last one, for status */
	struct resume resume;         /* recorded position */
	struct position head;         /* end of the source's log when last seen */
	struct position session_head; /* ... when the session began */
	struct position first_head; /* ... when the process first saw it: what catch-up waits for */
	struct source_lag lag;
	/* of the writer thread: an end of the log that is to be reached; of the last one that was, the time; and the
	 * time recorded with the position */
	struct position awaited;
	int64_t fresh_us, recorded_us;
	struct arena parts_arena; /* of parts */
	struct source_parts parts;
	int64_t progress_ms; /* when something was last written, or there was nothing to write */
	double rate;         /* changes a second, smoothed */
	uint64_t counted;    /* changes when the rate was last taken */
	int64_t counted_ms;
	int64_t marked_us;     /* of the last mark; of who writes them (mark.c) */
	_Atomic bool unmarked; /* something was recorded since */
	_Atomic uint64_t changes, transactions, set_aside, copied_rows, written_bytes, batches;
	struct backoff backoff;
};

/* stream.c */
void *stream_run(void *stream); /* the reader thread: sessions with backoff until stopping */
void stream_fail(
	struct stream *, const struct error *); /* ends the session; the first failure counts */
bool stream_leaving(struct stream *);           /* failing or stopping */
void stream_pause(struct stream *, int ms);     /* wakes when leaving */
void stream_set_status(struct stream *, enum stream_status, const char *error);
const char *stream_status_name(enum stream_status);

/* writer.c, copier.c: threads of a session */
void *writer_run(void *stream);
void *copier_run(void *stream);

/* Of the writer thread: prepared rows to where they go, with what was set aside. */
MUST_CHECK bool writer_land(struct stream *, struct mirror *, struct batch *, struct error *);

/* requests.c, of the writer thread: sees to what other processes have asked for. */
MUST_CHECK bool requests_take(struct stream *, struct error *);

/* retry.c, of the writer thread: asks the source to read again what the target has set aside of a table; to be called
 * with BUNDLE_RETRIED; undoes. *done false: not yet, the request stays until the last of it has been written. */
MUST_CHECK bool retry_begin(
	struct stream *, struct mirror *, const struct request *, bool *done, struct error *);
MUST_CHECK bool retry_written(struct stream *, struct mirror *, struct error *);
void retry_end(struct mirror *);

/* absent.c: settle takes what the state store knows beyond the mirrors, once all are there; a table takes
 * the place of one of its name; one that is called otherwise now leaves its rows behind. */
MUST_CHECK bool absent_settle(struct stream *, const struct table_states *known, struct error *);
MUST_CHECK bool absent_replaced(struct stream *, const struct table *by, struct error *);
MUST_CHECK bool absent_renamed(struct stream *, const struct mirror *, const struct table *old,
	const struct table *now, struct error *);

/* watch.c, of the writer thread: what changes of tables in a warehouse touch. note: of rows that are to be written; advance:
 * records the position, and all that was noted; all: any row of the table may be another than it was, recorded at
 * once, behind the change and before what keeps it from being made again. */
MUST_CHECK bool watch_note(struct stream *, struct mirror *, const struct batch *, struct error *);
MUST_CHECK bool watch_advance(
	struct stream *, const struct position *, uint64_t changes, struct error *);
MUST_CHECK bool watch_all(struct stream *, const struct mirror *, struct error *);
bool watch_has(const struct stream *); /* a table of the stream is in the list; any thread */

/* mark.c. ERROR_GAP where the target has an earlier mark than the state store. */
MUST_CHECK bool stream_check_mark(struct stream *, struct error *);
MUST_CHECK bool stream_mark(void *stream, struct error *); /* checks, and writes the next one */

/* Calls `fn` until it works, it fails for good, or the session ends; in between it backs off and says so.
 * Of a sink of logs it is called once: what it may have written is taken back as the session ends.
 * False: err holds the last failure. */
typedef bool attempt_fn(void *context, struct error *);
MUST_CHECK bool stream_attempt(
	struct stream *, const char *what, attempt_fn *, void *context, struct error *);

#endif
