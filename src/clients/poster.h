/*
 * Documents that are posted to an HTTP address by a thread of their own, in order, for who must never wait for it: what
 * comes while the other side is down or slow is kept up to a bound, and tried again with backoff; beyond that bound it
 * is dropped, and a line of the log says how much. What the other side refuses (4xx) is dropped as well.
 */
#ifndef CLIENTS_POSTER_H
#define CLIENTS_POSTER_H

#include <stddef.h>
#include <stdint.h>

struct poster_options {
	const char *name;   /* as the log calls what is posted: "lineage events" */
	const char *url;    /* http(s)://... */
	const char *bearer; /* Authorization; NULL: none */
	size_t max_bytes;   /* of what waits */
};

struct poster;
/* Reaches nobody. Copies its strings. */
struct poster *poster_new(const struct poster_options *options);
/* A JSON document; never waits. Any thread. */
void poster_put(struct poster *p, const char *document);
/* What waits is tried once more, for so long at most, and not beyond the first that fails. NULL-safe. */
void poster_free(struct poster *p, int64_t wait_ms);

#endif
