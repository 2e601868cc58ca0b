/* Text from outside: is it UTF-8, and how does it go into a JSON string or a log line; and integers as text. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include "base/buf.h"

/* Bytes of the UTF-8 sequence that begins at s; 0 when none does (overlong forms, surrogates, above
 * U+10FFFF). */
size_t utf8_sequence(const char *s, size_t n);
bool utf8_valid(const char *s, size_t n);

/* The same in every process and for ever: fit to be recorded. */
uint64_t text_hash(const char *s, size_t n);

/* Appends the text as a JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD. */
void text_print_json(const char *s, size_t n, struct buf *out);

void text_print_int(int64_t v, struct buf *out);
void text_print_uint(uint64_t v, struct buf *out);

/* `words` ends with NULL. */
bool text_is_one_of(const char *text, const char *const *words);

/* In characters, which is close enough to columns of the terminal. */
size_t text_width(const char *text);

/* "1 row", "2 rows": what follows the noun behind a count. */
const char *plural(uint64_t n);

/* Two digits a byte, in lower case, into `out`, which has room for 2 * n. */
void text_hex(const void *bytes, size_t n, void *out);

#endif
