/*
 * The version of a change: deterministic from its place in the source's log, so that replaying any
 * stretch of the log any number of times gives the same table. 128 bits: the epoch on top, then the
 * place of the commit, then the place of the row within its transaction (design, invariant 1).
 */
#ifndef CORE_VERSION_H
#define CORE_VERSION_H

#include <stdint.h>

typedef unsigned __int128 version_t;
#define VERSION_MAX (~(version_t)0)

/* commit is below 2^56: PostgreSQL's commit LSN, or MySQL's file number << 40 | position. */
static inline version_t version_make(uint8_t epoch, uint64_t commit, uint64_t within)
{
	return (version_t)epoch << 120 | (version_t)commit << 64 | within;
}
/* A copied row: any streamed change of the epoch wins over it. */
static inline version_t version_copied(uint8_t epoch)
{
	return (version_t)epoch << 120;
}
static inline uint8_t version_epoch(version_t v)
{
	return (uint8_t)(v >> 120);
}
static inline uint64_t version_commit(version_t v)
{
	return (uint64_t)(v >> 64) & (((uint64_t)1 << 56) - 1);
}

#define VERSION_TEXT 40
/* decimal, as ClickHouse prints a UInt128 */
void version_print(version_t v, char out[VERSION_TEXT]);

#endif
