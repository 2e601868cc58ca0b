/*
 * Inside of reading the log: what start.c makes, read.c drives, and stream.c, bulk.c, apply.c, track.c
 * and watch.c share. All of it belongs to the reader thread, but for postgres.confirmed_lsn and wake_fd,
 * through which the writer's confirm() reaches it.
 *
 * A position P means: every transaction whose commit record begins before P has been read whole. It is
 * the end of a commit record, or a place that the server says it has decoded up to.
 */
#ifndef SOURCES_POSTGRES_WAL_H
#define SOURCES_POSTGRES_WAL_H

#include "sources/postgres/postgres.h"
#include "sources/postgres/shape.h"

VEC_TYPE(pg_oids, uint32_t);

/* A relation of the log: the table that it is, and what its rows look like at this place in the log. */
struct pg_tracked {
	uint32_t oid;
	struct pg_relation *relation; /* the definition in force; NULL: not mirrored */
	struct pg_shape shape;        /* the columns of `relation` that are published */
	uint64_t read_lsn;            /* `relation` holds what was committed before */
	uint64_t shape_lsn;           /* so does `shape` */
	struct pg_shape message;      /* of the latest Relation message; empty before the first */
	bool settled;                 /* `map` leads from `message` to relation->table */
	int16_t *map;                 /* a column of the message: the table's, or -1 */
	bool fill_null;               /* columns that the message lacks were added since: NULL */
	bool lost; /* rows are left out until the log passes lost_until (the copy holds them) */
	uint64_t lost_until;
	struct pg_relation *seen; /* as the catalog had it when the track was lost */
};

struct pg_apply {
	bool in_transaction;
	uint64_t commit_lsn;
	int64_t commit_time_us;
	uint32_t xid;
	uint64_t record_lsn, ordinal; /* of the latest row: rows of one COPY share a WAL record */
	uint32_t order;               /* of the latest row among those that were given out */
	struct pg_tracked *latest;    /* of the latest row */
	struct pg_cell *cells, *old_cells;
	size_t n_cells;
};

/* What the catalog looked like at `lsn`; acted upon once the log has been read up to there. */
struct pg_watch {
	char fingerprint[320];
	uint64_t writes;             /* to the catalogs, as last seen */
	bool touched;                /* there were some since the last hash */
	uint64_t looked_at;          /* end of the log when last looked */
	int64_t next_ms;             /* of the next glance */
	int64_t hash_ms, touched_ms; /* not before: the next hash; the next one for a reason */
	bool again; /* look at the tables although the fingerprint is the same, but not before ... */
	int64_t again_ms;
	bool pending; /* to be acted upon once the log is read up to ... */
	uint64_t pending_lsn;
	struct pg_relations changed; /* selected tables that differ from what is tracked */
	struct map present;          /* oids of all selected tables */
};

enum pg_log_mode {
	LOG_OPEN, /* a streaming connection is to be opened */
	LOG_STREAM,
	LOG_SETTLE,  /* before a peek: wait until all that was read is confirmed */
	LOG_ADVANCE, /* the slot is being moved to the position */
	LOG_DECIDE,  /* peek on, or stream? */
	LOG_PEEK,
};

struct pg_log {
	struct postgres *p;
	enum pg_log_mode mode;
	PGconn *conn; /* COPY BOTH, or of the peek; NULL: none */
	bool conn_replication;
	struct map tracked; /* uint32_t oid -> struct pg_tracked * */
	struct pg_apply apply;
	struct pg_watch watch;
	int wake_fd;       /* eventfd: something was confirmed */
	uint64_t position; /* read up to here */
	uint64_t given;    /* the last position that a bundle carried */
	int64_t given_ms;
	uint64_t server_end;    /* the log's end when last looked at */
	size_t unchecked_bytes; /* read since the bundle's size was last looked at */
	bool full;              /* a batch has reached batch_rows */
	/* streaming */
	uint64_t status_lsn; /* last confirmed position that the server was told */
	int64_t status_ms, status_every_ms;
	int64_t busy_until_us, wakes_since_us;
	unsigned wakes;
	bool reopen; /* at the end of the transaction: libpq's buffer has grown, or text is needed */
	bool text;   /* values in text form: a type has no binary one */
	int64_t active_since_ms; /* the slot has been held by another since; 0: not */
	/* bulk */
	struct pg_oids readded;   /* tables that had left the publication when we came back */
	bool want_bulk, bulk_off; /* bulk_off: until the backlog is small once */
	unsigned large_backlogs;  /* times in a row that it was found large */
	struct pgcopy copy;
	bool copying;  /* the peek has begun to give rows */
	uint64_t upto; /* end of the peek */
};

/* --- read.c --- */

/* The log is read up to lsn: the end of a transaction, or where none is open. The bundle carries it. */
void pg_log_reached(struct pg_log *, struct bundle *, uint64_t lsn, int64_t commit_time_us);
void pg_log_give(
	struct pg_log *, struct bundle *, int64_t commit_time_us); /* log->position, as it is */
bool pg_log_full(struct pg_log *, const struct bundle *);

/* After each message of `len` bytes: has the bundle become full? Looks only now and then. */
bool pg_log_check_full(struct pg_log *, const struct bundle *, size_t len);

/* Waits until the connection can be read, something is confirmed, or the time has passed. True: readable. */
bool pg_log_wait(struct pg_log *, int64_t until_ms);

/* The error of a failed read, with what it means for a slot: a gap, or another try. Always false. */
bool pg_log_fail(struct pg_log *, const PGresult *, struct error *);

void pg_log_disconnect(struct pg_log *);

/* The expression for the end of the flushed (on a standby: replayed) log. */
const char *pg_wal_end_sql(const struct postgres *);

/* --- stream.c --- */

/* Opens the connection and starts streaming from log->position. *started false: the slot is still held by a
 * connection of ours that is ending; try again. */
MUST_CHECK bool pg_stream_open(struct pg_log *, bool *started, struct error *);
enum source_status pg_stream_read(
	struct pg_log *, struct bundle *, int64_t until_ms, struct error *);
/* Tells the server what is confirmed, when something is or when it is time. */
MUST_CHECK bool pg_stream_status(struct pg_log *, bool now, struct error *);

/* --- bulk.c --- */
enum source_status pg_bulk_read(struct pg_log *, struct bundle *, int64_t until_ms, struct error *);

/* --- apply.c --- */

/* One message of pgoutput; `lsn` is where its WAL record begins. */
MUST_CHECK bool pg_apply_message(struct pg_log *, struct bundle *, uint64_t lsn,
	const uint8_t *data, size_t len, struct error *);
void pg_apply_release(struct pg_apply *);

/* --- track.c --- */
struct pg_tracked *pg_tracked_find(struct pg_log *, uint32_t oid); /* NULL when unknown */
struct pg_tracked *pg_tracked_get(struct pg_log *, uint32_t oid);  /* made when unknown */

/* Takes the relation as what is in force now; `read_lsn` as in struct pg_tracked. Reads its shape. */
MUST_CHECK bool pg_tracked_adopt(struct pg_log *, struct pg_tracked *, struct pg_relation *,
	uint64_t read_lsn, struct error *);
void pg_tracked_forget(struct pg_tracked *); /* the table is gone or no longer selected */
void pg_tracked_free(struct pg_tracked *);

void pg_tracked_described(struct pg_tracked *, const struct pgoutput_relation *);

/* Makes `map` valid, or loses the track (items of the bundle say so). Called before a row is taken. ERROR_TABLE: this
 * table cannot go on. */
MUST_CHECK bool pg_tracked_settle(
	struct pg_log *, struct bundle *, struct pg_tracked *, struct error *);

/* While the track is lost: makes `map` lead to the columns of the key alone, of `seen` or, where that has another, of
 * what was before: which one is returned. NULL: there are none, or they are those of neither. */
struct pg_relation *pg_tracked_map_key(struct pg_tracked *);

/* A row of it has NULL in a column that takes none by the catalog, which is ahead of the log: from here on it takes
 * them. Where that makes another type of it, the track is lost instead. */
MUST_CHECK bool pg_tracked_takes_null(
	struct pg_log *, struct bundle *, struct pg_tracked *, int column, struct error *);

/* After a TRUNCATE by the open transaction: if that alone explains the new files, they are taken over. */
MUST_CHECK bool pg_tracked_truncated(struct pg_log *, struct pg_tracked *, struct error *);

/* Same definition, name, files and problem: nothing that the pipeline must be told. */
bool pg_relation_same(const struct pg_relation *a, const struct pg_relation *b);

/* Reads where the log ends after everything that is committed by now: what the catalog shows was written
 * before that place. */
MUST_CHECK bool pg_log_insert_end(struct pg_log *, uint64_t *lsn, struct error *);

/* --- watch.c --- */

/* About every second: what changed in the catalog. Items go to the bundle. */
MUST_CHECK bool pg_watch_tick(struct pg_log *, struct bundle *, struct error *);
/* The table was read anew since it was looked at: what was seen then is older, and is not acted upon. */
void pg_watch_outdated(struct pg_log *, uint32_t oid);
/* Looks at the tables soon, whether the catalogs change or not. */
void pg_watch_again(struct pg_log *);
void pg_watch_release(struct pg_watch *);

/* --- slot.c --- */
struct pg_slot {
	bool exists, lost, ours; /* ours: pgoutput, of this database */
	int active_pid;          /* 0: not in use */
	uint64_t confirmed_lsn, restart_lsn;
	char why[160]; /* of `lost`, or of not `ours` */
};
MUST_CHECK bool pg_slot_look(struct postgres *, struct pg_slot *, struct error *);

/* Waits for the transactions that are open; longer than a minute is ERROR_RETRY and names them. */
MUST_CHECK bool pg_slot_create(struct postgres *, uint64_t *lsn, struct error *);
MUST_CHECK bool pg_slot_drop(struct postgres *, struct error *);

/* ERROR_RETRY that names who holds the slot. Always false. */
bool pg_slot_in_use(struct postgres *, int pid, struct error *);

#endif
