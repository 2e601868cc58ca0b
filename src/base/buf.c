/* Growing buffers; see buf.h. Growth is by half, so that slack stays small against the budget. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/mem.h"

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){.max = max};
}

void buf_release(struct buf *b)
{
	free(b->data);
	*b = (struct buf){.max = b->max};
}

void buf_clear(struct buf *b)
{
	b->len = 0;
}

void buf_grow(struct buf *b, size_t more)
{
	if (more > b->max - b->len) {
		fprintf(stderr,
			"tailrace: a buffer of %zu bytes would grow past its limit of %zu\n",
			b->len + more, b->max);
		abort();
	}
	size_t want = b->cap + b->cap / 2;
	if (want < b->len + more)
		want = b->len + more;
	if (want < 64)
		want = 64;
	if (want > b->max)
		want = b->max;
	b->data = xrealloc(b->data, want);
	b->cap = want;
}

void buf_puts(struct buf *b, const char *s)
{
	buf_append(b, s, strlen(s));
	buf_text(b);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;

	va_start(ap, fmt);
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n > 0) {
		if (b->cap - b->len < (size_t)n + 1)
			buf_grow(b, (size_t)n + 1);
		vsnprintf((char *)b->data + b->len, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	}
	va_end(again);
}

const char *buf_text(struct buf *b)
{
	if (b->cap == b->len)
		buf_grow(b, 1);
	b->data[b->len] = '\0';
	return (const char *)b->data;
}
