/*
 * The row filter of a table (`where`), applied by the server: in its publication, from PostgreSQL 15 on. What it
 * keeps back costs neither decoding nor the way to us; whatever it lets through goes through our own filter all
 * the same. It goes to the server where that does no harm:
 *
 *	a table with an identity: when the filter looks at the key alone. PostgreSQL refuses the users' updates
 *	otherwise. And then all that ever happens to a key passes a filter, or none of it, so that the log from
 *	before a filter was changed says nothing wrong, only less, which the copy made anew holds.
 *	a table without one: always. It is published with inserts alone, which no filter gets refused.
 *
 * The filter carries a mark, a condition that always holds and names the text it was made of: by it we know
 * our own filter again in what the server makes of it.
 */
#include <stdio.h>
#include "core/filter.h"
#include "sources/postgres/publish.h"

#define FILTER_VERSION 150000
#define MARK_TEXT      64

static const char *where_of(const struct pg_relation *r)
{
	const struct table_options *options = r->table->options;
	return options ? options->where : NULL;
}

static void print_mark(const char *where, char out[MARK_TEXT])
{
	uint64_t hash = 0xcbf29ce484222325; /* FNV-1a */
	for (const char *c = where; *c; c++)
		hash = (hash ^ (uint8_t)*c) * 0x100000001b3;
	snprintf(out, MARK_TEXT, "('tailrace %016llx' IS NOT NULL)", (unsigned long long)hash);
}

static bool is_of_key(const struct table *table, const char *where, bool *of_key)
{
	struct arena arena;
	struct error ignored;
	arena_init(&arena);
	struct filter *filter = filter_compile(where, table, &arena, &ignored);
	*of_key = filter && filter_is_of_key(filter, table);
	arena_release(&arena);
	return filter != NULL;
}

/* Of a publication that the user named others may live, with filters of their own. */
const char *pg_where_for_server(const struct postgres *p, const struct pg_relation *r)
{
	const char *where = where_of(r);
	bool of_key;
	if (!where || !p->push_where || p->publication || p->server_version < FILTER_VERSION)
		return NULL;
	return is_of_key(r->table, where, &of_key) && (of_key || !r->keyed) ? where : NULL;
}

void pg_where_print(const char *where, struct buf *sql)
{
	char mark[MARK_TEXT];
	print_mark(where, mark);
	buf_printf(sql, " WHERE ((%s) AND %s)", where, mark);
}

enum pg_where pg_where_in(const char *there, const struct pg_relation *r)
{
	char mark[MARK_TEXT];
	if (!*there)
		return WHERE_NONE;
	print_mark(where_of(r) ? where_of(r) : "", mark);
	if (where_of(r) && strstr(there, mark))
		return WHERE_OURS;
	return strstr(there, "('tailrace ") ? WHERE_FORMER : WHERE_FOREIGN;
}
