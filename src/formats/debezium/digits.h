/*
 * Numbers of any length between decimal digits and two's complement in network order, of the fewest bytes, which
 * is what Connect's Decimal and Debezium's VariableScaleDecimal hold (Java's BigInteger).
 */
#ifndef FORMATS_DEBEZIUM_DIGITS_H
#define FORMATS_DEBEZIUM_DIGITS_H

#include "base/buf.h"

/* Appends the bytes of the number that is written in these digits. */
void digits_to_bytes(const char *digits, size_t n, bool negative, struct buf *out);

/* Appends the number's text with `scale` digits behind the point. */
void digits_from_bytes(const uint8_t *bytes, size_t n, size_t scale, struct buf *out);

#endif
