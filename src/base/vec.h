/*
 * A growing array of any type: VEC(struct thing) things; then vec_push(&things, thing).
 * Zeroed is empty. Items move when it grows: keep indexes, not pointers.
 */
#ifndef BASE_VEC_H
#define BASE_VEC_H

#include <stdlib.h>
#include "base/mem.h"

#define VEC(type)                \
	struct {                 \
		type *items;     \
		size_t len, cap; \
	}

/* A named one, for parameters: VEC_TYPE(chunks, struct chunk); makes struct chunks. */
#define VEC_TYPE(tag, type)      \
	struct tag {             \
		type *items;     \
		size_t len, cap; \
	}

#define vec_push(v, item)                                                                 \
	do {                                                                              \
		if ((v)->len == (v)->cap) {                                               \
			(v)->cap = (v)->cap ? (v)->cap * 2 : 8;                           \
			(v)->items = xrealloc((v)->items, (v)->cap * sizeof *(v)->items); \
		}                                                                         \
		(v)->items[(v)->len++] = (item);                                          \
	} while (0)

#define vec_each(v, it) \
	for (__typeof__(*(v)->items) *it = (v)->items; it < (v)->items + (v)->len; it++)

#define vec_release(v)                   \
	do {                             \
		free((v)->items);        \
		(v)->items = NULL;       \
		(v)->len = (v)->cap = 0; \
	} while (0)

#endif
