/*
 * The state store: what must survive a crash, in SQLite (WAL, synchronous=FULL), in .tailrace/state.db.
 * All SQL of it is in this folder. A call that returns true has committed durably. Any thread may call
 * any function (one connection, a mutex). Other processes (status, resync) may have it open as well;
 * only one may run: state_lock().
 */
#ifndef STATE_STATE_H
#define STATE_STATE_H

#include "base/buf.h"
#include "base/vec.h"
#include "core/position.h"
#include "core/source.h"

struct state;

struct state *state_open(
	const char *dir, struct error *err); /* makes dir and database when missing; migrates */
void state_close(struct state *);

/* Held until close: the one process that runs. False when another holds it; its pid is in the message. */
MUST_CHECK bool state_lock(struct state *, struct error *err);
/* By a process that ends by itself, as one that builds does: others may wait for that. */
MUST_CHECK bool state_lock_briefly(struct state *, struct error *err);
bool state_runner_ends(struct state *); /* it holds the lock briefly, or nobody does by now */
int state_runner(struct state *);       /* pid of the process that holds it; 0: nobody runs */

/* A number that is greater once anything was written, by whomever; for those who wait for that. */
MUST_CHECK bool state_version(struct state *, int64_t *out, struct error *err);

/* --- streams --- */
struct stream_state {
	struct resume resume;
	uint8_t epoch;   /* 1 and up */
	char status[16]; /* starting, copying, streaming, retrying, stopped */
	char error[1024];
	uint64_t changes, set_aside;
	int64_t updated_us;
	int64_t marked_us; /* of this epoch; see core/sink.h. 0: not yet */
};
/* *found false: it never began; a status and an error may be there all the same. */
MUST_CHECK bool state_stream_get(
	struct state *, const char *stream, struct stream_state *out, bool *found, struct error *);
MUST_CHECK bool state_stream_begin(
	struct state *, const char *stream, uint8_t epoch, const struct resume *, struct error *);
/* Moves the position; in one transaction with nothing else. A position never moves back within an epoch, nor
 * an epoch to an earlier one: both calls refuse it with ERROR_BROKEN. The same place again is allowed. */
MUST_CHECK bool state_stream_advance(struct state *, const char *stream, const struct position *,
	uint64_t changes, struct error *);
MUST_CHECK bool state_stream_mark(
	struct state *, const char *stream, int64_t mark_us, struct error *);
MUST_CHECK bool state_stream_status(
	struct state *, const char *stream, const char *status, const char *error, struct error *);

/* --- tables --- */
enum table_status {
	TABLE_COPYING, /* streamed into and copied at once */
	TABLE_LIVE,
	TABLE_BROKEN,   /* not written any more; `error` says why; copied anew once mended */
	TABLE_DROPPED,  /* gone in the source, kept in the target */
	TABLE_EXCLUDED, /* no longer selected */
};
struct table_state {
	uint64_t source_id;
	char schema[64], name[64], target[192];
	char *definition; /* table_to_json(); owned by the row */
	enum table_status status;
	uint32_t generation; /* live one; 0 before the first copy is published */
	uint32_t
		building; /* generation being built, 0: none (the first copy builds generation 1 as live) */
	uint64_t copied_rows, changes,
		set_aside;            /* these five are counted by the store (state_table_counts, */
	uint32_t chunks, chunks_done; /* state_chunks_plan, state_chunk_done); put leaves them */
	char error[1024];
	int64_t updated_us;
};
const char *table_status_name(enum table_status); /* "copying" */
struct table_states {
	struct table_state *items;
	size_t len, cap;
};
void table_states_release(struct table_states *);
/* "public.orders" as in the source, "orders" or "orders_log" as what is read in the target? */
bool table_state_is_called(const struct table_state *, const char *name);
MUST_CHECK bool state_tables(
	struct state *, const char *stream, struct table_states *out, struct error *);
MUST_CHECK bool state_table_put(
	struct state *, const char *stream, const struct table_state *, struct error *);
/* The table's row and its ledger go: another table has taken its name. */
MUST_CHECK bool state_table_forget(
	struct state *, const char *stream, uint64_t source_id, struct error *);
MUST_CHECK bool state_table_counts(struct state *, const char *stream, uint64_t source_id,
	uint64_t changes, uint64_t set_aside, struct error *); /* adds */

/* --- chunks of the copy of one generation; lists are released with vec_release() --- */
struct chunk_state {
	struct chunk chunk;
	bool done;
	uint64_t rows;
};
struct chunk_states {
	struct chunk_state *items;
	size_t len, cap;
};
/* Replaces the ledger of that generation (a plan made anew). */
MUST_CHECK bool state_chunks_plan(struct state *, const char *stream, uint64_t source_id,
	uint32_t generation, const struct chunks *, struct error *);
MUST_CHECK bool state_chunks(struct state *, const char *stream, uint64_t source_id,
	uint32_t generation, struct chunk_states *out, struct error *);
MUST_CHECK bool state_chunk_done(struct state *, const char *stream, uint64_t source_id,
	uint32_t generation, uint32_t number, uint64_t rows, struct error *);
MUST_CHECK bool state_chunks_forget(
	struct state *, const char *stream, uint64_t source_id, struct error *);

/* --- requests from other processes to the one that runs (resync) --- */
struct request {
	int64_t id;
	char kind[16], stream[64], table[192];
};
struct requests {
	struct request *items;
	size_t len, cap;
};
MUST_CHECK bool state_request(
	struct state *, const char *kind, const char *stream, const char *table, struct error *);
MUST_CHECK bool state_requests(struct state *, struct requests *out, struct error *);
MUST_CHECK bool state_request_done(struct state *, int64_t id, struct error *);

/* --- facts that commands share: addresses of the server and of the embedded ClickHouse, pid --- */
MUST_CHECK bool state_fact_put(struct state *, const char *name, const char *value, struct error *);
bool state_fact_get(struct state *, const char *name, char *value, size_t size);
/* Likewise, of any length; appended. */
bool state_fact_read(struct state *, const char *name, struct buf *value);

#endif
