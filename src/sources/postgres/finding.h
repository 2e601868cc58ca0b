/* What check.c, check_tables.c, check_selection.c and check_publications.c share: adding a finding, and the role that they look at. */
#ifndef SOURCES_POSTGRES_FINDING_H
#define SOURCES_POSTGRES_FINDING_H

#include "sources/postgres/postgres.h"

struct pg_check {
	struct postgres *p;
	PGconn *conn;
	struct findings *findings;
	const char *role;     /* quoted for SQL */
	const char *database; /* quoted for SQL */
};

#define FINDING(check, level, mend, ...) \
	pg_finding_add(                  \
		(check), (level), (mend), arena_printf(&(check)->findings->arena, __VA_ARGS__))
#define MEND(check, ...) arena_printf(&(check)->findings->arena, __VA_ARGS__)

void pg_finding_add(struct pg_check *, int level, const char *mend, const char *what);

/* Appends the nth name, from 0, to a list for people: the first few. */
void pg_finding_name(struct buf *list, size_t nth, const char *name);

/* Everything about tables: rights, keys, types, what is left out; and about the publications they join. */
MUST_CHECK bool pg_check_tables(struct pg_check *, struct error *);
MUST_CHECK bool pg_check_selection(struct pg_check *, const struct pg_relations *, struct error *);
MUST_CHECK bool pg_check_publications(
	struct pg_check *, const struct pg_relations *, struct error *);

#endif
