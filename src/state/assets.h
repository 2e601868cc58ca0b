/*
 * What is known of assets beyond their files: what changed (marks), what was built from what (built ranges), what a
 * definition was when it was built, and swaps under way. Nothing of it is consumed, so nothing of it can be lost:
 *
 *	missing   no built range holds the partition
 *	dirty     a mark of a parent that maps to the partition has a greater seq than its built range
 *	changed   its built range has another fingerprint than the model has now
 *
 * `seq` is one counter of the store; every call that marks takes the next. Who builds reads state_seq() of its
 * parents before its first statement and records that: what is marked meanwhile makes it dirty again.
 *
 * Everything is kept as ranges that do not overlap: a new one overlays what it covers, and neighbours that say the
 * same become one. Times are microseconds since 1970, UTC, [from, to); TIME_MIN to TIME_MAX is the whole. A static
 * partition ("eu") is a whole of its own.
 *
 * An asset is called by its id: "source.STREAM.TABLE" of a mirrored table, with the table's name in the target;
 * "model.PROJECT.NAME", "seed.", "snapshot." and so on of nodes, as in dbt.
 *
 * Texts that are read are in the caller's arena; lists are released with vec_release().
 */
#ifndef STATE_ASSETS_H
#define STATE_ASSETS_H

#include "base/arena.h"
#include "core/engine.h"
#include "state/state.h"

#define TIME_MIN INT64_MIN
#define TIME_MAX INT64_MAX

/* --- what changed --- */

struct mark {
	const char
		*partition; /* of a static partition its key; NULL or "": of time, or the whole */
	int64_t from_us, to_us;
	int64_t seq; /* given by the store */
};
VEC_TYPE(marks, struct mark);

struct asset_mark {
	const char *asset;
	struct mark mark;
};

/* All with one new seq. A mark without a key is of every partition in its time, so [TIME_MIN, TIME_MAX) is of all. */
MUST_CHECK bool state_mark(
	struct state *, const struct asset_mark *marks, size_t n, struct error *err);
/* state_stream_advance(), and that, as one: after a crash neither or both have happened. */
MUST_CHECK bool state_stream_advance_marking(struct state *, const char *stream,
	const struct position *, uint64_t changes, const struct asset_mark *marks, size_t n,
	struct error *);
/* What changes of the stream that are about to be written touch, where nobody could tell afterwards: marked with the
 * next position that is recorded so, also by the process that follows a crash. Of time alone. */
MUST_CHECK bool state_mark_ahead(struct state *, const char *stream, const struct asset_mark *marks,
	size_t n, struct error *err);
/* By partition, then by time. */
MUST_CHECK bool state_marks(struct state *, const char *asset, struct arena *arena,
	struct marks *out, struct error *err);
/* Of the latest mark of any of these assets; 0: none has any. */
MUST_CHECK bool state_seq(
	struct state *, const char *const *assets, size_t n, int64_t *seq, struct error *err);

/* --- what was built --- */

enum checks {
	CHECKS_PASSED,  /* or there are none */
	CHECKS_PENDING, /* not ended yet: of a crash between the build and its checks too */
	CHECKS_FAILED,  /* with severity error: nothing is built on it */
};

struct built {
	const char *partition; /* as of a mark */
	int64_t from_us, to_us;
	int64_t seq;          /* state_seq() of its parents before the build's first statement */
	uint64_t fingerprint; /* of the definition that made it */
	enum checks checks;
	/* Of what is known of the sources at that time; of ranges that became one, the least. */
	int64_t as_of_us;     /* commit time of the source that is furthest behind; 0: not known */
	const char *position; /* "shop 0/16B3748"; "" where not known */
	/* of ranges that became one, the latest */
	int64_t built_us; /* set by the store */
	int64_t run;      /* of state/runs.h; 0: none */
};
VEC_TYPE(builts, struct built);

/* Records what was built, marks it as changed, and erases the asset's swap of the same partition and time, as one. The
 * marks say what of it changed (usually what was built); n_marks 0: nothing. */
MUST_CHECK bool state_built_put(struct state *, const char *asset, const struct built *,
	const struct mark *marks, size_t n_marks, struct error *err);
/* How the checks ended of what is built within [from, to) of that partition. */
MUST_CHECK bool state_built_checked(struct state *, const char *asset, const char *partition,
	int64_t from_us, int64_t to_us, enum checks checks, struct error *err);
/* By partition, then by time. */
MUST_CHECK bool state_built(struct state *, const char *asset, struct arena *arena,
	struct builts *out, struct error *err);
/* All of it is missing from now on; its definitions, swaps and marks stay. */
MUST_CHECK bool state_built_forget(struct state *, const char *asset, struct error *err);

/* --- what a definition was --- */

struct definition {
	uint64_t fingerprint;
	const char *relation; /* "database.table" */
	const char *sql;      /* as it was compiled */
	const char *
		config; /* what else the fingerprint is of: a line a setting, its name, a space, its value */
};

/* Before the first statement that builds by it. Those that no built range is of any more are forgotten. */
MUST_CHECK bool state_definition_put(
	struct state *, const char *asset, const struct definition *, struct error *err);
MUST_CHECK bool state_definition_get(struct state *, const char *asset, uint64_t fingerprint,
	struct arena *arena, struct definition *out, bool *found, struct error *err);

/* --- what its columns come from --- */

/* Of the latest build; in place of what was recorded before. */
MUST_CHECK bool state_lineage_put(
	struct state *, const char *asset, const struct lineage *, struct error *err);
/* No columns: nothing is recorded. */
MUST_CHECK bool state_lineage_get(struct state *, const char *asset, struct arena *arena,
	struct lineage *out, struct error *err);

/* --- swaps under way --- */

struct swap {
	const char *asset;
	struct built built; /* what is recorded once it has happened */
	const char *database, *target, *staging;
	const char
		*staging_id; /* id of the staging table, which is the target's after an exchange */
	const char *
		engine_partition; /* what is replaced, as the engine says it; "": all, by an exchange */
};
VEC_TYPE(swaps, struct swap);

/* The intent, before the exchange. Another of the same asset, partition and time is replaced. */
MUST_CHECK bool state_swap_put(struct state *, const struct swap *, struct error *err);
MUST_CHECK bool state_swaps(
	struct state *, struct arena *arena, struct swaps *out, struct error *err);
/* What was intended is given up. */
MUST_CHECK bool state_swap_forget(struct state *, const struct swap *, struct error *err);

/* --- assets --- */

struct known_asset {
	const char *asset, *relation; /* of its latest definition */
};
VEC_TYPE(known_assets, struct known_asset);

/* Those with a definition, by id: whose file may be gone by now. */
MUST_CHECK bool state_assets(
	struct state *, struct arena *arena, struct known_assets *out, struct error *err);
/* Everything of it. */
MUST_CHECK bool state_asset_forget(struct state *, const char *asset, struct error *err);

#endif
