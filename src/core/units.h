/* Sizes and durations as people write them, and back. */
#ifndef CORE_UNITS_H
#define CORE_UNITS_H

#include <stdbool.h>
#include <stdint.h>

/* "64MiB", "1.5 GiB", "500k" (powers of 1000 without the i), "1048576". False when it is not that,
 * is negative or above INT64_MAX. */
bool bytes_parse(const char *text, int64_t *out);

/* "100ms", "5s", "10min", "1.5h", "2d" to milliseconds; only 0 needs no unit. */
bool duration_parse(const char *text, int64_t *out_ms);

/* The shortest exact form: "64MiB", "1500ms", "2h". */
void bytes_print(int64_t bytes, char out[32]);
void duration_print(int64_t ms, char out[32]);

#endif
