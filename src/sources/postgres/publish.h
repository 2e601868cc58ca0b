/*
 * The publications and the tables in them, between publish.c and members.c and those who start and watch.
 */
#ifndef SOURCES_POSTGRES_PUBLISH_H
#define SOURCES_POSTGRES_PUBLISH_H

#include "sources/postgres/wal.h"

struct pg_publication {
	const char *name;
	bool keyed; /* of the tables with an identity */
	const char *publishes;
};

/* What became of the tables. */
struct pg_published {
	bool created;         /* at least one of the publications was missing */
	struct pg_oids added; /* tables whose changes up to now are not in the log */
	struct map refused;   /* oid -> char *: tables that cannot be published, and why */
};
void pg_published_release(struct pg_published *);
const char *pg_refused(const struct pg_published *, uint32_t oid); /* NULL: it is not */

/* Sets the problem of a table that cannot be published. No other thread has the table yet. */
void pg_relation_unpublished(struct pg_relation *, const char *why);

/* Makes the two publications hold exactly these tables (those with a problem in neither). lock_ms bounds the wait
 * for a table's lock. A table that cannot be published is no error. */
MUST_CHECK bool pg_publications_ensure(struct postgres *, const struct pg_relations *, int lock_ms,
	struct pg_published *out, struct error *);

/* The same of the tables of one that is there. */
MUST_CHECK bool pg_members_ensure(struct postgres *, const struct pg_publication *,
	const struct pg_relations *, int lock_ms, struct pg_published *out, struct error *);

/* PUBLICATION and PUBLICATION_insert; which tables they take. */
void pg_publications(const struct postgres *, struct pg_publication out[2]);
bool pg_publication_takes(const struct pg_publication *, const struct pg_relation *);

/* Is it there? One that does not publish what ours would is an ERROR_CONFIG, with *exists. */
MUST_CHECK bool pg_publication_look(
	struct postgres *, PGconn *, const struct pg_publication *, bool *exists, struct error *);

/* Appends the statements that make those that are missing, with these tables. */
MUST_CHECK bool pg_publications_missing(
	struct postgres *, PGconn *, const struct pg_relations *, struct buf *sql, struct error *);

/* Appends a table, with a filter or NULL, to a list of them. (Children of an inheritance parent are tables of their
 * own; partitions come with their root.) */
void pg_publication_add(struct buf *list, const struct pg_relation *, const char *where);

/* Runs a statement about a publication. Where only another may, or only at another place, the error says what to run
 * there: the advice. */
MUST_CHECK bool pg_publication_run(
	struct postgres *, const char *statement, const char *advice, int lock_ms, struct error *);

/* A query with a literal of that name behind it. */
PGresult *pg_publication_query(PGconn *, const char *sql, const char *name, struct error *);

/* Are both there? */
MUST_CHECK bool pg_publications_exist(struct postgres *, bool *exist, struct error *);

/* --- where.c --- */

/* The filter that the server may apply to the rows of a table; NULL: it shall give all. */
const char *pg_where_for_server(const struct postgres *, const struct pg_relation *);
void pg_where_print(const char *where, struct buf *sql); /* " WHERE (...)" */

/* Whose filter a publication has on a table, as the server shows it ("" for none). */
enum pg_where {
	WHERE_NONE,
	WHERE_OURS,    /* the table's `where` as it is configured now */
	WHERE_FORMER,  /* a `where` that it had: when that changes, the table is copied anew */
	WHERE_FOREIGN, /* somebody else's: rows may be missing */
};
enum pg_where pg_where_in(const char *there, const struct pg_relation *);

#endif
