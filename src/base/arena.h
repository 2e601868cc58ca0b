/*
 * An arena hands out memory that is freed all at once: with the arena, or by arena_reset(), which
 * keeps the first block for the next round. Memory is zeroed. Not for more than one thread at a
 * time.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>
#include "base/attrs.h"

struct arena_block;
struct arena {
	struct arena_block *blocks;
};

void arena_init(struct arena *a);
void arena_release(struct arena *a);
void arena_reset(struct arena *a);
size_t arena_bytes(const struct arena *a); /* handed out since the last reset */

void *arena_alloc(struct arena *a, size_t size_bytes); /* aligned for any type */
char *arena_strdup(struct arena *a, const char *s);    /* NULL for NULL */
char *arena_strndup(struct arena *a, const char *s, size_t n);
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF(2, 3);

#endif
