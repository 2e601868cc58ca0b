/*
 * Hash maps; see map.h. Linear probing over a power of two that is at most three quarters full;
 * removal shifts what follows back, so there are no tombstones. Short keys live in their slot.
 */
#include "base/map.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
#include "base/mem.h"

#define SHORT_KEY 16
#define FIRST_CAP 16

struct map_slot {
	uint64_t hash;
	size_t key_len;
	void *value;
	bool used;
	union {
		unsigned char here[SHORT_KEY];
		void *apart; /* keys longer than SHORT_KEY */
	} key;
};

static const void *slot_key(const struct map_slot *slot)
{
	return slot->key_len <= SHORT_KEY ? slot->key.here : slot->key.apart;
}

static void free_key(struct map_slot *slot)
{
	if (slot->used && slot->key_len > SHORT_KEY)
		free(slot->key.apart);
}

void map_clear(struct map *m)
{
	for (size_t i = 0; i < m->cap; i++)
		free_key(&m->slots[i]);
	if (m->cap)
		memset(m->slots, 0, m->cap * sizeof *m->slots);
	m->len = 0;
}

void map_release(struct map *m)
{
	map_clear(m);
	free(m->slots);
	*m = (struct map){0};
}

/* The slot of the key, or the free one where it would go. The map has at least one free slot. */
static struct map_slot *find(const struct map *m, const void *key, size_t key_len, uint64_t hash)
{
	size_t i = hash & (m->cap - 1);
	while (m->slots[i].used) {
		struct map_slot *slot = &m->slots[i];
		if (slot->hash == hash && slot->key_len == key_len &&
			!memcmp(slot_key(slot), key, key_len))
			return slot;
		i = (i + 1) & (m->cap - 1);
	}
	return &m->slots[i];
}

static void grow(struct map *m)
{
	struct map old = *m;

	m->cap = old.cap ? old.cap * 2 : FIRST_CAP;
	m->slots = xcalloc(m->cap, sizeof *m->slots);
	for (size_t i = 0; i < old.cap; i++) {
		if (!old.slots[i].used)
			continue;
		size_t to = old.slots[i].hash & (m->cap - 1);
		while (m->slots[to].used)
			to = (to + 1) & (m->cap - 1);
		m->slots[to] = old.slots[i];
	}
	free(old.slots);
}

void *map_get(const struct map *m, const void *key, size_t key_len)
{
	if (!m->len)
		return NULL;
	struct map_slot *slot = find(m, key, key_len, XXH3_64bits(key, key_len));
	return slot->used ? slot->value : NULL;
}

void *map_put(struct map *m, const void *key, size_t key_len, void *value)
{
	if (m->len + 1 > m->cap / 4 * 3)
		grow(m);
	uint64_t hash = XXH3_64bits(key, key_len);
	struct map_slot *slot = find(m, key, key_len, hash);
	if (slot->used) {
		void *old = slot->value;
		slot->value = value;
		return old;
	}
	*slot = (struct map_slot){.hash = hash, .key_len = key_len, .value = value, .used = true};
	if (key_len > SHORT_KEY)
		slot->key.apart = xmalloc(key_len);
	if (key_len)
		memcpy(key_len > SHORT_KEY ? slot->key.apart : slot->key.here, key, key_len);
	m->len++;
	return NULL;
}

void *map_remove(struct map *m, const void *key, size_t key_len)
{
	if (!m->len)
		return NULL;
	struct map_slot *slot = find(m, key, key_len, XXH3_64bits(key, key_len));
	if (!slot->used)
		return NULL;
	void *old = slot->value;
	free_key(slot);
	size_t mask = m->cap - 1;
	size_t hole = (size_t)(slot - m->slots);
	for (size_t i = (hole + 1) & mask; m->slots[i].used; i = (i + 1) & mask) {
		size_t home = m->slots[i].hash & mask;
		/* An entry may fill the hole only if its probing passes there on the way to i. */
		if (((i - home) & mask) >= ((i - hole) & mask)) {
			m->slots[hole] = m->slots[i];
			hole = i;
		}
	}
	m->slots[hole] = (struct map_slot){0};
	m->len--;
	return old;
}

bool map_next(const struct map *m, size_t *i, const void **key, size_t *key_len, void **value)
{
	while (*i < m->cap) {
		const struct map_slot *slot = &m->slots[(*i)++];
		if (!slot->used)
			continue;
		if (key)
			*key = slot_key(slot);
		if (key_len)
			*key_len = slot->key_len;
		if (value)
			*value = slot->value;
		return true;
	}
	return false;
}
