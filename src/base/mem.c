/* Checked allocation; see mem.h. */
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *checked(void *p, size_t size_bytes)
{
	if (!p && size_bytes) {
		fprintf(stderr, "tailrace: out of memory (%zu bytes wanted)\n", size_bytes);
		abort();
	}
	return p;
}

void *xmalloc(size_t size_bytes)
{
	return checked(malloc(size_bytes), size_bytes);
}

void *xcalloc(size_t n, size_t size_bytes)
{
	return checked(calloc(n, size_bytes), n * size_bytes);
}

void *xrealloc(void *p, size_t size_bytes)
{
	return checked(realloc(p, size_bytes), size_bytes);
}

char *xstrdup(const char *s)
{
	return checked(strdup(s), strlen(s) + 1);
}

char *xstrndup(const char *s, size_t n)
{
	return checked(strndup(s, n), n + 1);
}

char *xasprintf(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	char *s = xvasprintf(fmt, ap);
	va_end(ap);
	return s;
}

char *xvasprintf(const char *fmt, va_list ap)
{
	char *s = NULL;
	int n = vasprintf(&s, fmt, ap);

	return checked(n < 0 ? NULL : s, 1);
}

void free_string(char **s)
{
	free(*s);
	*s = NULL;
}
