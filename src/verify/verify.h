/*
 * Source and target compared, row by row, while both move (design, invariant 15). Of each table, pages of
 * rows in key order are read on both sides, put through the same column rules and row filter, and merged. A
 * difference may only mean that a change is on its way; so the keys that differ are looked at again after
 * the stream has passed the place that the source's log had come to. One that stays while the
 * source's row does not change is real.
 *
 * Where no process runs the stream, nothing is waited for: what it has yet to carry counts as different.
 */
#ifndef VERIFY_VERIFY_H
#define VERIFY_VERIFY_H

#include <stdatomic.h>
#include "config/config.h"
#include "state/state.h"

enum verify_kind {
	VERIFY_MISSING,   /* the source has the row, the target does not */
	VERIFY_EXTRA,     /* the target has it, the source does not */
	VERIFY_DIFFERENT, /* both have it, some columns differ */
};

struct verify_difference {
	enum verify_kind kind;
	const char *key; /* JSON object of the key columns */
	const char *const *
		columns; /* that differ, NULL behind the last; NULL of a row that is missing or extra */
};

/* A row that the target's types cannot hold: it is in the table of rows set aside, with this reason. */
struct verify_aside {
	const char *key; /* JSON */
	const char *column, *reason;
};

struct verify_table {
	const char *stream, *name, *target; /* "shop", "public.orders", "orders" or "orders_log" */
	bool history;  /* of a history: what the latest version of each key says is compared */
	uint64_t rows; /* of the source that were compared */
	uint64_t missing, extra, different;
	uint64_t set_aside;       /* no differences: their reason is known */
	uint64_t unsettled;       /* changed in the source each time they were looked at */
	const char *not_verified; /* why it was not compared, or not to its end; else NULL */
	bool excused; /* ... and that is as it must be (no key, dropped): no verdict hangs on it */
	const char *note; /* what was left out of the comparison; else NULL */
	double seconds;
	VEC(struct verify_difference) differences; /* the first ones */
	VEC(struct verify_aside) asides;           /* the first ones */
};

enum verdict {
	VERDICT_EQUAL,
	VERDICT_DIFFERENT,
	VERDICT_INCOMPLETE, /* nothing differs in what was compared, but not everything could be */
};

struct verify_report {
	struct arena arena; /* of all strings */
	VEC(struct verify_table) tables;
	double sample; /* as asked for */
	enum verdict verdict;
};

struct verify_progress {
	const char *stream, *table;
	const char *doing; /* "waiting for the stream", "comparing", "looking again" */
	uint64_t rows, rows_estimate;
};

struct verify_options {
	const char *const
		*tables; /* globs over "schema.name", or names in the target; none: every table */
	size_t n_tables;
	const char *warehouse_url; /* in place of a sink url of "embedded" */
	double sample; /* compare about that part of each table with a key, 0 to 1; 0: all of it */
	size_t show;   /* so many differences and rows set aside are named, of each table; 0: 20 */
	void (*progress)(void *context, const struct verify_progress *); /* or NULL */
	void *context;
	const _Atomic bool *stop; /* or NULL; true ends it with an error */
};

/* False only where nothing could be compared: wrong names of tables, no state, stopped. What keeps a single
 * stream or table from being compared stands in the report. Release it in any case. */
MUST_CHECK bool verify_run(const struct config *, struct state *, const struct verify_options *,
	struct verify_report *out, struct error *err);
void verify_release(struct verify_report *);

/* For people, and {"verdict":"equal","tables":[{"stream":..,"table":..,"rows":..,"differences":[..]}]}. */
void verify_print(const struct verify_report *, struct buf *out);
void verify_json(const struct verify_report *, struct buf *out);

#endif
