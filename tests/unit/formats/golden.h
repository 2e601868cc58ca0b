/*
 * Files of tests/golden, read from the repository's root, where tests run; and the comparison with an
 * .expected file. Who includes this names its folder: GOLDEN.
 */
#ifndef TESTS_GOLDEN_H
#define TESTS_GOLDEN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "base/buf.h"
#include "base/mem.h"

static inline void golden_read(const char *name, struct buf *out)
{
	CLEANUP(free_string) char *path = xasprintf(GOLDEN "%s", name);
	FILE *file = fopen(path, "rb");
	char block[65536];
	size_t n;

	if (!file)
		fail_msg("cannot open %s: run from the root of the repository", path);
	buf_init(out, BUF_MAX);
	while ((n = fread(block, 1, sizeof block, file)))
		buf_append(out, block, n);
	fclose(file);
	buf_text(out);
}

/* With UPDATE_GOLDEN=1 writes the file instead, for a person to read the difference. */
static inline void golden_compare(const char *name, struct buf *got)
{
	CLEANUP(free_string) char *path = xasprintf(GOLDEN "%s", name);
	struct buf expected;
	size_t line = 1, start = 0;

	if (getenv("UPDATE_GOLDEN")) {
		FILE *file = fopen(path, "wb");
		assert_non_null(file);
		assert_int_equal(fwrite(got->data, 1, got->len, file), got->len);
		fclose(file);
		return;
	}
	golden_read(name, &expected);
	const char *a = buf_text(got), *b = buf_text(&expected);
	for (size_t i = 0; a[i] && a[i] == b[i]; i++)
		if (a[i] == '\n') {
			line++;
			start = i + 1;
		}
	if (got->len != expected.len || memcmp(a, b, got->len) != 0)
		fail_msg("%s:%zu: got %.*s, expected %.*s", path, line,
			(int)strcspn(a + start, "\n"), a + start, (int)strcspn(b + start, "\n"),
			b + start);
	buf_release(&expected);
}

/* The next line of a tab-separated file, cut into its fields in place; false at the end. */
static inline bool golden_line(char **rest, char **fields, size_t n)
{
	char *line = strsep(rest, "\n");

	if (!line || !*rest)
		return false;
	for (size_t i = 0; i < n; i++)
		fields[i] = line ? strsep(&line, "\t") : NULL;
	return true;
}

#endif
