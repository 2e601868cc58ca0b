/*
 * What the tests of the log share: a source that is started and read, everything that its bundles hold as lines
 * of text, and a writer's part: each bundle is confirmed once it is taken, unless told otherwise.
 *
 *	orders {"op":"c","version":"...","id":1}      a row, as batch_print() has it
 *	orders truncate VERSION
 *	orders table (id,note)                        BUNDLE_TABLE, with its columns
 *	orders recopy REASON
 *	orders broken REASON
 *	orders dropped
 */
#ifndef TESTS_POSTGRES_TAIL_H
#define TESTS_POSTGRES_TAIL_H

#include "mirror.h"

struct tail {
	struct mirror m;
	struct resume resume; /* where it began; position is that of the last bundle read */
	struct buf lines;
	bool keep_unconfirmed;
	uint64_t transactions, changes;
	size_t bundles;
};

/* Opens, discovers and starts. `from` may be NULL. */
void tail_open(struct tail *, const char *url, const struct resume *from);
void tail_close(struct tail *);

/* As tail_open(), in steps: an option between the two; the error of a start that should fail. */
void tail_prepare(struct tail *, const char *url);
void tail_option(struct tail *, const char *name, const char *value);
void tail_start(struct tail *, const struct resume *from);
void tail_refused(struct tail *, const struct resume *from, enum error_kind kind, const char *part);

/* Starts, comes up to the end of the log and closes: what follows is for a tail_open() from there. */
struct resume tail_stand_still(struct tail *, const struct cluster *);

/* Reads until all that is committed now has come. Fails the test after a minute. */
void tail_catch_up(struct tail *, PGconn *);

/* Reads until a line begins with this text; returns the line, to be freed. */
char *tail_await(struct tail *, const char *beginning);

/* One read, its bundle taken. */
enum source_status tail_read(struct tail *, int wait_ms, struct error *err);

/* Forgets the lines; returns those of rows of one table with only their op and these columns (comma-separated), as
 * "c 1 a|u 1 b", in order. To be freed. */
char *tail_rows(struct tail *, const char *table, const char *columns);
void tail_assert_rows(struct tail *, const char *table, const char *columns, const char *expected);
void tail_forget(struct tail *);
bool tail_has(struct tail *, const char *part);

/* All lines, sorted: how they were cut into bundles does not show. To be freed. */
char *tail_sorted(struct tail *);

#endif
