/*
 * Names of fields as they come in documents. Each remembers which one followed it last, so a document in the order of
 * the one before costs a comparison a field, and no look-up.
 */
#ifndef FORMATS_DEBEZIUM_NAMES_H
#define FORMATS_DEBEZIUM_NAMES_H

#include <string.h>
#include "base/arena.h"
#include "base/map.h"

#define NAME_UNKNOWN SIZE_MAX

struct name {
	const char *text;
	size_t len;
	size_t next; /* the one that followed last */
};
struct names {
	struct name *items; /* one more than n: what follows the beginning */
	size_t n;
	struct map map; /* text -> its place, counted from 1 */
};

void names_init(struct names *, struct arena *, size_t room);
void names_release(struct names *);
size_t names_add(struct names *, const char *text); /* its place; that of the first, when taken */
size_t names_look_up(struct names *, size_t after, const void *text, size_t len);

/* Where the name is; `after`: the place of the one before it, n at the beginning. */
static inline size_t names_find(struct names *s, size_t after, const void *text, size_t len)
{
	const struct name *guess = &s->items[s->items[after].next];

	if (guess->len == len && !memcmp(guess->text, text, len))
		return (size_t)(guess - s->items);
	return names_look_up(s, after, text, len);
}

#endif
