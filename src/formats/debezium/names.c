/* Names of fields; see names.h. */
#include "formats/debezium/names.h"

void names_init(struct names *s, struct arena *arena, size_t room)
{
	*s = (struct names){.items = arena_alloc(arena, (room + 1) * sizeof *s->items)};
	s->items[0].len = NAME_UNKNOWN;
}

void names_release(struct names *s)
{
	map_release(&s->map);
}

size_t names_add(struct names *s, const char *text)
{
	size_t len = strlen(text), place = s->n;
	void *taken = map_get(&s->map, text, len);

	if (taken)
		return (size_t)(uintptr_t)taken - 1;
	s->items[place] = (struct name){.text = text, .len = len, .next = place + 1};
	s->n++;
	s->items[s->n] = (struct name){.len = NAME_UNKNOWN}; /* no name is so long */
	map_put(&s->map, text, len, (void *)(uintptr_t)s->n);
	return place;
}

size_t names_look_up(struct names *s, size_t after, const void *text, size_t len)
{
	void *found = map_get(&s->map, text, len);

	if (!found)
		return NAME_UNKNOWN;
	s->items[after].next = (size_t)(uintptr_t)found - 1;
	return s->items[after].next;
}
