/* What a chunk says, between plan.c, which cuts, and copy.c, which reads. */
#ifndef SOURCES_POSTGRES_CHUNK_H
#define SOURCES_POSTGRES_CHUNK_H

#include "sources/postgres/postgres.h"

struct pg_chunk {
	uint32_t leaf;     /* oid */
	uint32_t part;     /* number of the leaf among those of the plan */
	uint32_t file;     /* relfilenode */
	uint64_t from, to; /* blocks [from, to) */
	bool open_end;     /* no `to` */
	uint64_t fence;
};

MUST_CHECK bool pg_chunk_parse(const struct chunk *, struct pg_chunk *out, struct error *);

#endif
