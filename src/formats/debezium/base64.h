/* Bytes as text: base64 (RFC 4648), as JSON has Connect's, of which the alphabet for URLs is taken as well; and
 * hexadecimal. */
#ifndef FORMATS_DEBEZIUM_BASE64_H
#define FORMATS_DEBEZIUM_BASE64_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* `out` has room for len bytes, and may be `text`. Returns how many there are; -1: it is no such text. */
ssize_t base64_decode(const uint8_t *text, size_t len, uint8_t *out);
ssize_t hex_decode(const uint8_t *text, size_t len, uint8_t *out);

#endif
