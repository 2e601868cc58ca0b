/*
 * A table of options fills a struct, checks it, and prints the reference page, `tailrace init`'s
 * comments and the hint at the nearest key. One row, one option.
 */
#ifndef CORE_OPTION_H
#define CORE_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

enum option_kind {
	OPTION_STRING,   /* const char * */
	OPTION_SECRET,   /* const char *, never printed; NAME_file: reads one line of a file */
	OPTION_INT,      /* int64_t, min to max */
	OPTION_BYTES,    /* int64_t, "64MiB", "1 GiB", "500k"; min to max */
	OPTION_DURATION, /* int64_t milliseconds, "100ms", "5s", "1h"; min to max */
	OPTION_BOOL,     /* bool */
	OPTION_CHOICE,   /* int, index into choices */
	OPTION_TABLE, /* not an option: the rows of `table`, which holds no other, for a member */
};

struct option {
	const char *name;
	enum option_kind kind;
	size_t offset;
	/* default, as it would be written; NULL: none (NULL, 0, false) */
	const char *fallback;
	int64_t min, max;           /* both 0: unbounded */
	const char *const *choices; /* NULL-terminated */
	bool required;
	const char *help;           /* one or two sentences */
	const struct option *table; /* OPTION_TABLE */
};

/* clang-format off */
#define OPTION_END {0}
/* clang-format on */

/* Memory of strings comes from the arena. Messages name the option and what it takes. */
MUST_CHECK bool option_defaults(
	const struct option *table, void *target, struct arena *, struct error *);
MUST_CHECK bool option_set(const struct option *table, void *target, const char *name,
	const char *value, struct arena *, struct error *);

/* Once all are set: ERROR_CONFIG names a required text or secret that is still missing. */
MUST_CHECK bool option_complete(const struct option *table, const void *target, struct error *);

/* Visits every option, those of joined tables among them, until it returns NULL. */
struct option_walk {
	const struct option *next, *joined;
	size_t base; /* of the option that was returned: its offset is from there */
};
static inline struct option_walk option_walk(const struct option *table)
{
	return (struct option_walk){.next = table};
}
const struct option *option_next(struct option_walk *);

/* The name nearest to a mistyped one, or NULL when none is near. `names` ends with NULL. */
const char *nearest_name(const char *typed, const char *const *names);
const struct option *option_find(const struct option *table, const char *name);

/* Markdown table of the options: name, type, default, range, help. */
void option_reference(const struct option *table, struct buf *out);

#endif
