/*
 * Inside of verify: one table under comparison.
 *
 *	verify.c   which streams and tables; opening both sides; the verdict
 *	compare.c  the first look: pages of both sides merged, differing keys become suspects
 *	settle.c   the second look: suspects are fetched anew until each is equal, real, or never quiet
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
	struct arena arena; /* of source and sink */
	struct source *source;
	struct sink *sink;
	bool stands_still; /* the stream recorded nothing for long, while it had something to do */
};

struct comparison {
	struct sides *sides;
	struct table
		*table; /* as the source has it; the target's storage is of the same definition */
	struct filter *filter; /* NULL: none */
	struct landing landing;
	struct verify_table *result;
	struct arena *arena; /* of the report */
	struct map asides,
		asides_before; /* keys (JSON) set aside in the page at hand and in the one before */
	bool *compared;        /* of each column: is it compared at all? */
	struct batch suspects; /* key columns only */
	size_t page_rows;      /* of the next page */
	size_t show;           /* differences and rows set aside that are named */
};

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

MUST_CHECK bool compare_table(struct comparison *, struct error *);
bool rows_equal(const struct comparison *, const struct batch *a, size_t row_a,
	const struct batch *b, size_t row_b);

/* --- settle.c --- */

/* Every suspect becomes equal or is counted in the result; none is left. */
MUST_CHECK bool settle_suspects(struct comparison *, struct error *);

#endif
