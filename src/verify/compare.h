/*
 * Inside of verify: one table under comparison.
 *
 *	verify.c   which streams and tables; opening both sides; the verdict
 *	sample.c   pages that begin at random keys, in place of all
 *	compare.c  the first look: pages of both sides merged, differing keys become suspects
 *	multiset.c tables without a key: how often each row is there
 *	settle.c   the second look: suspects are fetched anew until each is equal, real, or never quiet
 *	origin.c   rows that came through a log, compared with the database it was written from
 *	sides.c    reading source and target alike: retries, rules, filter; waiting for the stream
 *	report.c   the report for people and as JSON
 */
#ifndef VERIFY_COMPARE_H
#define VERIFY_COMPARE_H

#include "base/map.h"
#include "core/filter.h"
#include "verify/verify.h"

/* Both ends of a stream, open. */
struct sides {
	const struct verify_options *options;
	const struct stream_config *settings;
	struct state *state;
	const char *hmac_key;
	struct arena arena;    /* of source and sink */
	struct source *source; /* with verify_with, that */
	struct source *log;    /* what the stream reads where that is another; else NULL */
	struct sink *sink;
	struct selection selection; /* of source */
	struct map left_out;        /* origin.c: name of a table -> names of columns */
	bool stands_still; /* the stream recorded nothing for long, while it had something to do */
};

struct comparison {
	struct sides *sides;
	struct table
		*table; /* as the source has it; the target's storage is of the same definition */
	struct table *stored;  /* the same with the attributes of the storage's columns */
	struct filter *filter; /* NULL: none */
	struct landing landing;
	struct verify_table *result;
	struct arena *arena; /* of the report */
	struct map asides,
		asides_before; /* keys (JSON) set aside in the page at hand and in the one before */
	bool *compared;        /* of each column: is it compared at all? */
	struct batch suspects; /* key columns only */
	size_t page_rows;      /* of the next page */
	size_t most_page_rows;
	size_t show; /* differences and rows set aside that are named */
};

/* --- verify.c --- */

/* Behind what the table's note says already. */
void add_note(struct comparison *, const char *note);

/* --- sides.c --- */

MUST_CHECK bool sides_open(struct sides *, struct error *);
void sides_close(struct sides *);

bool verify_stopped(const struct sides *, struct error *); /* true: err is set */
void verify_report_progress(const struct comparison *, const char *doing);

/*
 * The next page of the source behind `after` (NULL: the first), under the table's rules; rows that the row
 * filter leaves out are not in it, rows set aside are in out->aside. *more: there may be another page; it begins
 * behind *last, which is left alone at the end.
 */
MUST_CHECK bool source_page(struct comparison *, const struct batch *after, struct batch *out,
	struct batch *last, bool *more, struct error *);
/* One chunk of the source, in its own words, under no rule; what it waits for is waited for so long. An
 * ERROR_RETRY may come after rows. */
MUST_CHECK bool source_chunk(struct comparison *, const struct chunk *, struct batch_taker *,
	int wait_ms, struct error *);
/* Rules and filter, over rows as the source has them. */
void source_settle(struct comparison *, struct batch *rows);
/* Rows from anywhere, under no rule. */
MUST_CHECK bool source_sample(
	struct comparison *, double fraction, size_t most, struct batch *out, struct error *);
MUST_CHECK bool source_rows(
	struct comparison *, const struct batch *keys, struct batch *out, struct error *);
MUST_CHECK bool target_page(
	struct comparison *, const struct scan_range *, struct batch *out, struct error *);
MUST_CHECK bool target_rows(
	struct comparison *, const struct batch *keys, struct batch *out, struct error *);

/* Waits until the stream has recorded what the source's log holds now. False in *passed: it does not run, or
 * stands still. */
MUST_CHECK bool wait_for_stream(struct sides *, bool *passed, struct error *);

/* One row's key columns, the rest defaults, appended. */
void add_key_row(struct batch *keys, const struct batch *from, size_t row);

/* --- compare.c --- */

/* The rows set aside of a page, named as far as is asked for. */
void count_asides(struct comparison *, const struct batch *page);

MUST_CHECK bool compare_table(struct comparison *, struct error *);

/* Where the comparison is, and the row that the page at hand ended with. */
struct paging {
	struct batch page, ends[2];
	size_t n;
	bool more; /* there may be another page */
};
void paging_init(struct paging *, struct table *);
void paging_release(struct paging *);
/* The page of both sides behind `after` (NULL: the first). */
MUST_CHECK bool compare_page(
	struct comparison *, struct paging *, const struct batch *after, struct error *);
const struct batch *paging_end(const struct paging *); /* of the last page; while there is more */
/* Of so many rows, as a page holds bytes. */
size_t fitting_page(const struct comparison *, size_t most);
bool rows_equal(const struct comparison *, const struct batch *a, size_t row_a,
	const struct batch *b, size_t row_b);

/* --- sample.c --- */

/* Would a sample of it be less than the table? */
bool sample_is_less(const struct comparison *);
MUST_CHECK bool compare_sample(struct comparison *, struct paging *, struct error *);

/* --- multiset.c --- */

MUST_CHECK bool compare_multiset(struct comparison *, struct error *);

/* --- origin.c: of a stream with verify_with --- */

/* The table of the origin with the name of a stored one; NULL: it is not there. */
struct table *origin_table(const struct tables *, const struct table *stored);
/* Can it (NULL: none) be compared with what is stored? ERROR_TABLE says why not. *again: after another
 * discover(), which leaves out the columns that do not fit. */
MUST_CHECK bool origin_fit(struct sides *, const struct table *origin, const struct table *stored,
	bool *again, struct error *);
/* Their names; NULL: all fit. */
const char *origin_left_out(struct sides *, const struct table *origin);
/* The origin's table with the attributes that its columns have in the target. Memory from the arena. */
struct table *origin_as_stored(
	const struct table *origin, const struct table *stored, struct arena *);

/* --- settle.c --- */

/* Every suspect becomes equal or is counted in the result; none is left. */
MUST_CHECK bool settle_suspects(struct comparison *, struct error *);

#endif
