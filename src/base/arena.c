/* Arenas; see arena.h. Blocks double from 4 KiB; the newest is in front and the only one with
 * room. */
#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

struct arena_block {
	struct arena_block *next;
	size_t used, size;
	alignas(max_align_t) unsigned char bytes[];
};

#define FIRST_BLOCK  4096
#define LARGEST_STEP ((size_t)1 << 20)

void arena_init(struct arena *a)
{
	a->blocks = NULL;
}

static void free_chain(struct arena_block *block)
{
	while (block) {
		struct arena_block *next = block->next;
		free(block);
		block = next;
	}
}

void arena_release(struct arena *a)
{
	free_chain(a->blocks);
	a->blocks = NULL;
}

void arena_reset(struct arena *a)
{
	if (!a->blocks)
		return;
	free_chain(a->blocks->next);
	a->blocks->next = NULL;
	memset(a->blocks->bytes, 0, a->blocks->used);
	a->blocks->used = 0;
}

size_t arena_bytes(const struct arena *a)
{
	size_t bytes = 0;

	for (const struct arena_block *block = a->blocks; block; block = block->next)
		bytes += block->used;
	return bytes;
}

static struct arena_block *add_block(struct arena *a, size_t need)
{
	size_t size = a->blocks ? a->blocks->size * 2 : FIRST_BLOCK;
	if (size > LARGEST_STEP)
		size = LARGEST_STEP;
	if (size < need)
		size = need;
	struct arena_block *block = xcalloc(1, sizeof *block + size);
	block->size = size;
	block->next = a->blocks;
	a->blocks = block;
	return block;
}

void *arena_alloc(struct arena *a, size_t size_bytes)
{
	size_t need = (size_bytes + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	struct arena_block *block = a->blocks;
	if (!block || block->size - block->used < need)
		block = add_block(a, need);
	void *p = block->bytes + block->used;
	block->used += need;
	return p;
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
	char *copy = arena_alloc(a, n + 1);
	memcpy(copy, s, n);
	return copy;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return s ? arena_strndup(a, s, strlen(s)) : NULL;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	CLEANUP(free_string) char *formatted = xvasprintf(fmt, ap);
	va_end(ap);
	return arena_strdup(a, formatted);
}
