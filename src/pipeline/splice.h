/*
 * How copied rows come into a log. Where a target keeps the greatest version of a key it does not matter
 * when a copied row arrives; who reads a log takes what comes last. So a copied row goes out only once the
 * stream has come to where the row was read, and only if the stream has not written that key since the copy
 * began: what it wrote is as new, and complete. Thus no reader of the log ever sees a key go back.
 *
 * The keys are remembered in rounds. Once there are SPLICE_KEYS of them a round begins: chunks that nobody has
 * begun get a new fence, so they are read in snapshots that see all that was written until then, and need only
 * the keys of their own round. Those of the round before are forgotten with its last chunk. Where transactions
 * stay open for long this costs a wait for them, as the beginning of a copy does. A session that takes a copy up
 * begins a round as well: of what was written before it knows no keys.
 *
 * Copy workers hand over their batches, bounded in bytes; the writer thread puts them between
 * transactions of the stream.
 */
#ifndef PIPELINE_SPLICE_H
#define PIPELINE_SPLICE_H

#include "core/batch.h"

struct mirror;
struct stream;

/* Keys that the stream has written, as 128-bit hashes; zeroed is empty. */
struct key_set {
	struct key_hash {
		uint64_t a, b;
	} * slots;
	size_t len, cap;
};
#define SPLICE_KEYS ((size_t)1 << 20) /* 32 MiB */
void key_set_release(struct key_set *);
void key_set_add(struct key_set *, const struct batch *, size_t row);
bool key_set_has(const struct key_set *, const struct batch *, size_t row);

/* Of which chunk of which copy of a mirror rows are; and the round that it was begun in. */
struct splice_chunk {
	struct mirror *mirror;
	uint32_t generation, serial, round;
	size_t index;
};

/* A batch handed over, or the end of its chunk: then all of its batches went before. */
struct spliced {
	struct splice_chunk chunk;
	struct batch batch;
	bool ends;
	uint64_t rows; /* of the chunk, when it ends */
	size_t bytes;
	unsigned __int128 due; /* the stream must have come to here; 0: not known yet */
};

/* Of a stream; what waits is under its lock. */
struct splice {
	VEC(struct spliced) waiting;
	_Atomic size_t bytes;
	/* of the writer thread: something was written, and which chunks have ended by it */
	bool written;
	VEC(struct spliced) ended;
};

/* Copy workers. Takes the rows and what was set aside, and leaves the batch empty; waits for room. False: the
 * session ends. */
MUST_CHECK bool splice_rows(
	struct stream *, const struct splice_chunk *, struct batch *, struct error *);
MUST_CHECK bool splice_end(
	struct stream *, const struct splice_chunk *, uint64_t rows, struct error *);

/* Begins a round. Writer thread, or nobody knows the mirror yet; no round before goes on. */
MUST_CHECK bool splice_round(struct stream *, struct mirror *, struct error *);

/* Writer thread, where no transaction of the stream is half written: writes what is due. *any: there was some. */
MUST_CHECK bool splice_write(struct stream *, bool *any, struct error *);
/* What was written is committed: the ledger hears of its chunks. */
MUST_CHECK bool splice_committed(struct stream *, struct error *);

/* When the session has ended. */
void splice_release(struct splice *);

#endif
