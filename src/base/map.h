/*
 * A hash map from bytes to a pointer. Keys are copied, values are the caller's. Open addressing,
 * xxh3; zeroed is empty. Keys may be strings (length without the NUL) or any bytes, such as a
 * uint32.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_slot;
struct map {
	struct map_slot *slots;
	size_t len, cap;
};

void map_release(struct map *m);
void map_clear(struct map *m);
void *map_get(const struct map *m, const void *key, size_t key_len);        /* NULL when absent */
void *map_put(struct map *m, const void *key, size_t key_len, void *value); /* returns the old */
void *map_remove(struct map *m, const void *key, size_t key_len);           /* returns the old */

/* Visits every entry in no particular order: start with *i = 0, until it returns false. */
bool map_next(const struct map *m, size_t *i, const void **key, size_t *key_len, void **value);

#endif
