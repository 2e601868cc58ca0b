/* Reading PostgreSQL's network byte order: plain loads, and a cursor that never passes its end. */
#ifndef FORMATS_PGTYPE_PGWIRE_H
#define FORMATS_PGTYPE_PGWIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define PG_EPOCH_DAYS 10957 /* 2000-01-01, PostgreSQL's epoch, in days since 1970-01-01 */
#define PG_EPOCH_US   INT64_C(946684800000000)
#define PG_DAY_US     INT64_C(86400000000)

static inline uint16_t pg_load16(const uint8_t *p)
{
	uint16_t v;
	memcpy(&v, p, sizeof v);
	return __builtin_bswap16(v);
}
static inline uint32_t pg_load32(const uint8_t *p)
{
	uint32_t v;
	memcpy(&v, p, sizeof v);
	return __builtin_bswap32(v);
}
static inline uint64_t pg_load64(const uint8_t *p)
{
	uint64_t v;
	memcpy(&v, p, sizeof v);
	return __builtin_bswap64(v);
}

struct pg_wire {
	const uint8_t *at, *end;
};

static inline size_t pg_wire_left(const struct pg_wire *w)
{
	return (size_t)(w->end - w->at);
}
static inline bool pg_wire_u8(struct pg_wire *w, uint8_t *out)
{
	if (w->at == w->end)
		return false;
	*out = *w->at++;
	return true;
}
static inline bool pg_wire_u16(struct pg_wire *w, uint16_t *out)
{
	if (pg_wire_left(w) < 2)
		return false;
	*out = pg_load16(w->at);
	w->at += 2;
	return true;
}
static inline bool pg_wire_u32(struct pg_wire *w, uint32_t *out)
{
	if (pg_wire_left(w) < 4)
		return false;
	*out = pg_load32(w->at);
	w->at += 4;
	return true;
}
static inline bool pg_wire_u64(struct pg_wire *w, uint64_t *out)
{
	if (pg_wire_left(w) < 8)
		return false;
	*out = pg_load64(w->at);
	w->at += 8;
	return true;
}
static inline bool pg_wire_bytes(struct pg_wire *w, size_t n, const uint8_t **out)
{
	if (pg_wire_left(w) < n)
		return false;
	*out = w->at;
	w->at += n;
	return true;
}

/* A string with its NUL; *len without it. */
static inline bool pg_wire_string(struct pg_wire *w, const char **out, size_t *len)
{
	const uint8_t *nul = memchr(w->at, 0, pg_wire_left(w));
	if (!nul)
		return false;
	*out = (const char *)w->at;
	*len = (size_t)(nul - w->at);
	w->at = nul + 1;
	return true;
}

/* A length and so many bytes, as send functions nest values. -1 is NULL: *out is NULL then. */
static inline bool pg_wire_value(struct pg_wire *w, const uint8_t **out, size_t *len)
{
	uint32_t n;
	if (!pg_wire_u32(w, &n))
		return false;
	*out = NULL;
	*len = 0;
	if (n == UINT32_MAX)
		return true;
	*len = n;
	return pg_wire_bytes(w, n, out);
}

#endif
