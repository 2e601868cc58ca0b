/*
 * Unicode as Python's str sees it: code points of UTF-8, their classes and their case. Classes and
 * simple case mappings come from the C library's C.UTF-8 locale; without it, from ASCII alone.
 */
#ifndef MODELS_TEMPLATE_UNICODE_H
#define MODELS_TEMPLATE_UNICODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"

/* Valid UTF-8 is taken for granted. */
uint32_t utf8_read(const char *s, size_t *bytes); /* the code point at s and its length */
size_t utf8_count(const char *s, size_t n);       /* code points */
size_t utf8_offset(
	const char *s, size_t n, size_t index); /* of a code point; n when past the end */
void utf8_append(struct buf *out, uint32_t c);

enum unicode_class {
	UNICODE_ALPHA,
	UNICODE_DIGIT,
	UNICODE_LOWER,
	UNICODE_UPPER,
	UNICODE_SPACE,     /* what strip() strips and `-` swallows */
	UNICODE_PRINTABLE, /* repr() shows it as it is */
	UNICODE_LINE_END,  /* what splitlines() splits at */
};
bool unicode_is(uint32_t c, enum unicode_class class);

void unicode_upper(uint32_t c, struct buf *out); /* may be several code points */
void unicode_lower(uint32_t c, struct buf *out);

/* Bytes of white space at the start of s, and at its end. */
size_t space_before(const char *s, size_t n);
size_t space_behind(const char *s, size_t n);

#endif
