/*
 * Inside of the state store: the connection, and the few calls that every statement goes through.
 *
 *	state.c      open, close, lock, the few calls below
 *	schema.c     the tables, and how older ones become these
 *	streams.c    positions and status of streams
 *	tables.c     tables and the ledgers of their copies
 *	requests.c   requests and facts: what processes tell one another
 *	runs.c       the queue of runs of models, and reasons
 *	steps.c      their steps and attempts
 *	latest.c     what became of an asset last, and the number of runs
 *	ranges.c     marks and built ranges: overlaid and merged
 *	ahead.c      marks of changes that are about to be written
 *	lineage.c    columns of assets, and what they come from
 *	assets.c     definitions and swaps of models; what is built, as one with them
 *
 * A public function enters, runs its statements, and leaves. Statements are prepared once and kept by
 * their text.
 */
#ifndef STATE_STORE_H
#define STATE_STORE_H

#include <pthread.h>
#include <sqlite3.h>
#include "base/map.h"
#include "state/assets.h"
#include "state/runs.h"
#include "state/state.h"

struct state {
	sqlite3 *db;
	pthread_mutex_t mutex;
	struct map statements; /* text -> sqlite3_stmt * */
	char *dir, *path;      /* the folder, the database in it */
	int lock_fd;           /* of the lock file while we run, else -1 */
};

/* A value to bind, typed by what it is made of: V(name), V(rows), BLOB(bytes, n). */
struct value {
	enum { VALUE_TEXT, VALUE_INT, VALUE_BLOB } kind;
	union {
		const char *text; /* NULL binds NULL */
		int64_t integer;
		const void *bytes;
	};
	size_t len;
};
static inline struct value value_text(const char *s)
{
	return (struct value){.kind = VALUE_TEXT, .text = s};
}
static inline struct value value_int(int64_t i)
{
	return (struct value){.kind = VALUE_INT, .integer = i};
}
#define V(x)          _Generic((x), char * : value_text, const char * : value_text, default : value_int)(x)
#define BLOB(p, size) ((struct value){.kind = VALUE_BLOB, .bytes = (p), .len = (size)})
#define VALUES(...) \
	(const struct value[]){__VA_ARGS__}, COUNT_OF(((const struct value[]){__VA_ARGS__}))
#define NO_VALUES NULL, 0
static inline const char *text_or_empty(const char *text) /* NULL is "" */
{
	return text ? text : "";
}

void store_enter(struct state *s);
bool store_leave(struct state *s, bool result); /* gives back result */

/* Runs a statement that gives no rows; *changed, where asked for, is how many it changed. */
MUST_CHECK bool store_run(
	struct state *s, const char *sql, const struct value *values, size_t n, struct error *err);
int store_changed(struct state *s); /* rows that the last store_run() changed */

/* Runs one that gives rows: step until it returns 0 (end) or -1 (failed); 1 is a row. A caller that
 * stops early resets the statement. */
sqlite3_stmt *store_query(
	struct state *s, const char *sql, const struct value *values, size_t n, struct error *err);
MUST_CHECK int store_step(struct state *s, sqlite3_stmt *row, struct error *err);
void store_text(
	sqlite3_stmt *row, int column, char *out, size_t size); /* cut where it does not fit */

/* Several statements as one. store_end() commits what is `ok` and rolls back what is not. */
MUST_CHECK bool store_begin(struct state *s, struct error *err);
MUST_CHECK bool store_end(struct state *s, bool ok, struct error *err);

/* The same for what is history: it survives the process, but not at once a power failure. */
MUST_CHECK bool store_begin_history(struct state *s, struct error *err);
MUST_CHECK bool store_end_history(struct state *s, bool ok, struct error *err);

/* A text of a row, "" for NULL, in the arena; and a status of runs.h. */
const char *store_string(sqlite3_stmt *row, int column, struct arena *arena);
enum run_status store_run_status(sqlite3_stmt *row, int column);

/* The error of the last call to SQLite, with what to do about it. Always false. */
bool store_failed(struct state *s, const char *doing, struct error *err);

/* --- ranges.c, within a transaction --- */
MUST_CHECK bool store_mark(
	struct state *s, const struct asset_mark *marks, size_t n, struct error *err);
MUST_CHECK bool store_built(
	struct state *s, const char *asset, const struct built *built, struct error *err);
/* The first columns of a row of `built` and of `swaps`: part, from_us, to_us, seq, fingerprint, checks, as_of_us,
 * position, built_us, run. */
struct built store_read_built(sqlite3_stmt *row, int first, struct arena *arena);

/* --- ahead.c, within a transaction: what was foreseen of the stream has happened --- */
MUST_CHECK bool store_mark_foreseen(struct state *s, const char *stream, struct error *err);

MUST_CHECK bool store_migrate(struct state *s, struct error *err);

#endif
