/* How far the partitions are; see offsets.h. */
#include "sources/kafka/offsets.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "base/clock.h"
#include "base/text.h"

#define MOST_HEADS    64
#define MESSAGE_BYTES 512 /* of a message, until some have been read */

void offsets_init(struct offsets *o)
{
	*o = (struct offsets){.order = 1};
	pthread_mutex_init(&o->lock, NULL);
}

static void forget_head(struct offsets *o, size_t i)
{
	vec_release(&o->heads.items[i].places);
	o->heads.len--;
	memmove(&o->heads.items[i], &o->heads.items[i + 1],
		(o->heads.len - i) * sizeof *o->heads.items);
}

void offsets_release(struct offsets *o)
{
	while (o->heads.len)
		forget_head(o, o->heads.len - 1);
	vec_release(&o->heads);
	vec_release(&o->ends);
	vec_release(&o->held);
	vec_release(&o->lost);
	vec_each (&o->parts, part) {
		free((*part)->topic);
		free(*part);
	}
	vec_release(&o->parts);
	map_release(&o->by_name);
	pthread_mutex_destroy(&o->lock);
}

uint64_t topic_id(const char *name)
{
	return text_hash(name, strlen(name)) >> 1;
}

static bool is_held(const struct offsets *o, uint64_t table)
{
	vec_each (&o->held, held)
		if (*held == table)
			return true;
	return false;
}

struct part *offsets_part(struct offsets *o, const char *topic, int partition)
{
	char name[320];
	size_t len = (size_t)snprintf(name, sizeof name, "%s %d", topic, partition);
	struct part *part = map_get(&o->by_name, name, len);

	if (part)
		return part;
	part = xcalloc(1, sizeof *part);
	part->topic = xstrdup(topic);
	part->partition = partition;
	part->table = topic_id(topic);
	map_put(&o->by_name, name, len, part);
	vec_push(&o->parts, part);
	return part;
}

void offsets_take(struct offsets *o, const struct kafka_place *place)
{
	pthread_mutex_lock(&o->lock);
	struct part *part = offsets_part(o, place->topic, place->partition);
	part->ours = true;
	part->paused = part->let_go = false;
	part->held = is_held(o, part->table); /* it may have been let go while it was another's */
	o->changed = o->changed || part->held;
	part->next = part->given = part->head = place->offset;
	part->confirmed = part->committed = place->offset;
	pthread_mutex_unlock(&o->lock);
}

int64_t offsets_confirmed(struct offsets *o, const struct kafka_place *place)
{
	pthread_mutex_lock(&o->lock);
	int64_t confirmed = offsets_part(o, place->topic, place->partition)->confirmed;
	pthread_mutex_unlock(&o->lock);
	return confirmed;
}

/* What offsets_print() wrote. */
static void take_recorded(struct offsets *o, const char *token)
{
	char topic[256];
	int partition, n;
	int64_t offset;

	for (const char *at = token; *at; at += *at == ',') {
		size_t len = strcspn(at, ",");
		const char *equals = memchr(at, '=', len), *dash = equals;
		while (dash && dash > at && *dash != '-')
			dash--;
		n = dash ? snprintf(topic, sizeof topic, "%.*s", (int)(dash - at), at) : 0;
		if (n > 0 && sscanf(dash, "-%d=%" SCNd64, &partition, &offset) == 2)
			offsets_part(o, topic, partition)->confirmed = offset;
		at += len;
	}
}

void offsets_begin(struct offsets *o, unsigned __int128 order, const char *token)
{
	o->order = order;
	o->head_us = (int64_t)(order >> 64);
	take_recorded(o, token);
}

static void forget_ends(struct offsets *o, const struct part *part)
{
	size_t kept = 0;

	vec_each (&o->ends, end) {
		if (end->place.part != part)
			o->ends.items[kept++] = *end;
	}
	o->ends.len = kept;
}

/* What is on its way is written all the same, but it is the new owner that commits from now on. */
void offsets_give(struct offsets *o, const struct kafka_place *place)
{
	pthread_mutex_lock(&o->lock);
	struct part *part = offsets_part(o, place->topic, place->partition);
	part->ours = false;
	forget_ends(o, part);
	if (part->retold)
		vec_push(&o->lost, part->table);
	part->retold = false;
	pthread_mutex_unlock(&o->lock);
}

/* --- Held back ------------------------------------------------------------------------------------- */

void offsets_hold(struct offsets *o, uint64_t table)
{
	pthread_mutex_lock(&o->lock);
	if (!is_held(o, table))
		vec_push(&o->held, table);
	vec_each (&o->parts, part) {
		if ((*part)->table != table)
			continue;
		(*part)->held = true;
		(*part)->let_go = false;
		forget_ends(o, *part);
	}
	o->changed = true;
	pthread_mutex_unlock(&o->lock);
}

static const struct kafka_place *place_of(
	const struct part *part, const struct kafka_places *places)
{
	for (size_t i = 0; places && i < places->len; i++) {
		const struct kafka_place *place = &places->items[i];
		if (place->partition == part->partition && !strcmp(place->topic, part->topic))
			return place;
	}
	return NULL;
}

void offsets_let_go(struct offsets *o, uint64_t table, const struct kafka_places *places)
{
	pthread_mutex_lock(&o->lock);
	vec_each (&o->held, held) {
		if (*held != table)
			continue;
		*held = o->held.items[--o->held.len];
		break;
	}
	vec_each (&o->parts, it) {
		struct part *part = *it;
		const struct kafka_place *place = place_of(part, places);
		if (part->table != table)
			continue;
		if (place && !part->ours) /* it was given away meanwhile */
			vec_push(&o->lost, table);
		part->retold = place && part->ours;
		if (place)
			part->confirmed = part->committed = place->offset;
		part->let_go = part->held;
		if (part->held)
			part->given = part->confirmed;
	}
	o->changed = true;
	pthread_mutex_unlock(&o->lock);
}

int offsets_count(struct offsets *o, uint64_t table)
{
	int n = 0;

	pthread_mutex_lock(&o->lock);
	vec_each (&o->parts, part)
		n += (*part)->table == table && (*part)->ours;
	pthread_mutex_unlock(&o->lock);
	return n;
}

static void settle_part(struct part *part, struct kafka_places *pause, struct kafka_places *go_on)
{
	if (part->let_go) {
		part->held = part->let_go = part->paused = false;
		part->next = part->given = part->confirmed;
		vec_push(go_on,
			((struct kafka_place){part->topic, part->partition, part->confirmed}));
	} else if (part->held && !part->paused) {
		part->paused = true;
		vec_push(pause, ((struct kafka_place){part->topic, part->partition, 0}));
	}
}

void offsets_settle(struct offsets *o, struct kafka_places *pause, struct kafka_places *go_on)
{
	pthread_mutex_lock(&o->lock);
	vec_each (&o->parts, part) {
		if (o->changed && (*part)->ours)
			settle_part(*part, pause, go_on);
	}
	o->changed = false;
	pthread_mutex_unlock(&o->lock);
}

uint64_t offsets_lost(struct offsets *o)
{
	pthread_mutex_lock(&o->lock);
	uint64_t table = o->lost.len ? o->lost.items[--o->lost.len] : 0;
	pthread_mutex_unlock(&o->lock);
	return table;
}

/* --- Ends ------------------------------------------------------------------------------------------ */

static bool is_reached(const struct head *head)
{
	for (size_t i = 0; i < head->places.len; i++) {
		const struct part_place *place = &head->places.items[i];
		const struct part *part = place->part;
		if (!part->ours || (part->held && !part->let_go))
			continue;
		if (part->let_go || part->next < place->offset)
			return false;
	}
	return true;
}

/* The moment of the last head that was reached; 0: no other than before. */
static int64_t reached_us(struct offsets *o)
{
	int64_t us = 0;

	while (o->heads.len && is_reached(&o->heads.items[0])) {
		us = o->heads.items[0].us;
		forget_head(o, 0);
	}
	return us;
}

void offsets_end(struct offsets *o, struct bundle *bundle, int64_t commit_time_us)
{
	bool moved = false;

	pthread_mutex_lock(&o->lock);
	int64_t us = reached_us(o);
	unsigned __int128 order = o->order + 1;
	if (us)
		order = (unsigned __int128)us << 64 | (uint64_t)order;
	vec_each (&o->parts, part) {
		struct part *p = *part;
		if (!p->ours || p->held || p->next == p->given)
			continue;
		p->given = p->next;
		vec_push(&o->ends, ((struct end){order, {p, p->given}}));
		moved = true;
	}
	if (moved || us || (bundle->items.len && !bundle->ended)) {
		o->order = order;
		bundle->end = (struct position){.order = order, .commit_time_us = commit_time_us};
		offsets_print(o, bundle->end.token, sizeof bundle->end.token);
		bundle->ended = true;
		if (!bundle->started_ms)
			bundle->started_ms = mono_ms();
	}
	pthread_mutex_unlock(&o->lock);
}

void offsets_confirm(struct offsets *o, const struct position *upto)
{
	size_t n = 0;

	pthread_mutex_lock(&o->lock);
	for (; n < o->ends.len && o->ends.items[n].order <= upto->order; n++) {
		const struct part_place *place = &o->ends.items[n].place;
		place->part->confirmed = place->offset;
	}
	o->ends.len -= n;
	memmove(o->ends.items, o->ends.items + n, o->ends.len * sizeof *o->ends.items);
	pthread_mutex_unlock(&o->lock);
}

/* Under the lock to its end: no place follows a later one, nor one of a table that goes back. */
bool offsets_commit(struct offsets *o, struct kafka *client, struct error *err)
{
	struct kafka_places places = {0};

	pthread_mutex_lock(&o->lock);
	vec_each (&o->parts, it) {
		struct part *part = *it;
		if (!part->ours || part->held || part->retold || part->committed == part->confirmed)
			continue;
		part->committed = part->confirmed;
		vec_push(&places,
			((struct kafka_place){part->topic, part->partition, part->confirmed}));
	}
	bool ok = kafka_commit_offsets(client, &places, false, err);
	pthread_mutex_unlock(&o->lock);
	vec_release(&places);
	return ok;
}

void offsets_refused(struct offsets *o, const struct kafka_place *place)
{
	pthread_mutex_lock(&o->lock);
	offsets_part(o, place->topic, place->partition)->committed = KAFKA_NOWHERE;
	pthread_mutex_unlock(&o->lock);
}

void offsets_print(const struct offsets *o, char *out, size_t size)
{
	size_t at = 0;

	*out = '\0';
	vec_each (&o->parts, part) {
		const struct part *p = *part;
		if (!p->ours || at >= size)
			continue;
		int n = snprintf(out + at, size - at, "%s%s-%d=%" PRId64, at ? "," : "", p->topic,
			p->partition, p->given);
		if (n < 0 || at + (size_t)n >= size - 4) {
			snprintf(out + at, size - at, ",..");
			return;
		}
		at += (size_t)n;
	}
}

/* --- Lag ------------------------------------------------------------------------------------------- */

void offsets_ours(struct offsets *o, struct kafka_places *out)
{
	pthread_mutex_lock(&o->lock);
	vec_each (&o->parts, part) {
		if ((*part)->ours)
			vec_push(
				out, ((struct kafka_place){(*part)->topic, (*part)->partition, 0}));
	}
	pthread_mutex_unlock(&o->lock);
}

/* With too many of them every second goes: who waits for one then waits for the next. */
static void thin_out(struct offsets *o)
{
	for (size_t i = 1; i + 1 < o->heads.len; i++)
		forget_head(o, i);
}

static int64_t add_head(struct offsets *o, const struct kafka_places *ends)
{
	struct head head = {.us = wall_us()};

	if (head.us <= o->head_us)
		head.us = o->head_us + 1;
	o->head_us = head.us;
	vec_each (ends, end) {
		struct part *part = offsets_part(o, end->topic, end->partition);
		vec_push(&head.places, ((struct part_place){part, end->offset}));
	}
	if (o->heads.len == MOST_HEADS)
		thin_out(o);
	vec_push(&o->heads, head);
	return head.us;
}

void offsets_lag(struct offsets *o, const struct kafka_places *ends, struct source_lag *out)
{
	bool behind = false;
	uint64_t waiting = 0;

	*out = (struct source_lag){.head.commit_time_us = wall_us()};
	pthread_mutex_lock(&o->lock);
	vec_each (ends, end) {
		struct part *part = offsets_part(o, end->topic, end->partition);
		part->head = end->offset;
		if (!part->ours)
			continue;
		behind = behind || (part->given < part->head && (!part->held || part->let_go));
		waiting += part->confirmed < part->head ? (uint64_t)(part->head - part->confirmed)
							: 0;
	}
	out->bytes = waiting * (o->messages ? o->bytes / o->messages + 1 : MESSAGE_BYTES);
	out->head.order = behind ? (unsigned __int128)add_head(o, ends) << 64 : o->order;
	offsets_print(o, out->head.token, sizeof out->head.token);
	pthread_mutex_unlock(&o->lock);
}

void offsets_parts(struct offsets *o, struct arena *arena, struct source_parts *out)
{
	pthread_mutex_lock(&o->lock);
	vec_each (&o->parts, part) {
		if ((*part)->ours)
			vec_push(out, ((struct source_part){
					      .topic = arena_strdup(arena, (*part)->topic),
					      .partition = (*part)->partition,
					      .durable = (uint64_t)(*part)->confirmed,
					      .end = (uint64_t)(*part)->head,
				      }));
	}
	pthread_mutex_unlock(&o->lock);
}
