/*
 * A growing buffer of bytes, with the largest size it may reach. Growing past it is a bug of ours
 * and aborts: code that takes sizes from outside compares them with buf_room() first. A zeroed
 * struct is not a buffer: start with buf_init(). A moved-from buffer is empty and usable.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "base/attrs.h"

struct buf {
	uint8_t *data; /* NULL while cap is 0 */
	size_t len, cap, max;
};

#define BUF_MAX ((size_t)3 << 30) /* for buffers that only a whole row bounds: above 2 GiB of hex */

void buf_init(struct buf *b, size_t max);
void buf_release(struct buf *b);           /* frees; leaves it empty and usable */
void buf_clear(struct buf *b);             /* keeps the memory */
void buf_grow(struct buf *b, size_t more); /* room for `more` bytes beyond len */

static inline size_t buf_room(const struct buf *b)
{
	return b->max - b->len;
}

/* n new bytes at the end, for the caller to fill. */
static inline uint8_t *buf_extend(struct buf *b, size_t n)
{
	if (b->cap - b->len < n)
		buf_grow(b, n);
	uint8_t *p = b->data + b->len;
	b->len += n;
	return p;
}

static inline void buf_append(struct buf *b, const void *p, size_t n)
{
	if (n)
		memcpy(buf_extend(b, n), p, n);
}

static inline void buf_u8(struct buf *b, uint8_t v)
{
	*buf_extend(b, 1) = v;
}

/* Unsigned LEB128, as Native, Avro's blocks and Protobuf use it. */
static inline void buf_varint(struct buf *b, uint64_t v)
{
	while (v >= 0x80) {
		buf_u8(b, (uint8_t)(v | 0x80));
		v >>= 7;
	}
	buf_u8(b, (uint8_t)v);
}

/* Text: the buffer is NUL-terminated after each of these, the NUL not counted in len. */
void buf_puts(struct buf *b, const char *s);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF(2, 3);
const char *buf_text(struct buf *b); /* terminates and returns the bytes as a C string */

#endif
