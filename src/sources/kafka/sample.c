/* The newest message of a topic, from which a table is first known; see kafka.h. */
#include <string.h>
#include "base/clock.h"
#include "base/log.h"
#include "sources/kafka/kafka.h"

#define SAMPLE_MS    10000
#define LAST_OFFSETS 16 /* looked at first: the last one may be the mark of a transaction */
#define BATCH        256

/* A partition of a topic without a table. */
struct look {
	struct topic *topic;
	int partition;
	int64_t first, end; /* what is looked at */
	bool ended;
};
struct looks {
	VEC(struct look) list;
	size_t open;
};

static void places_of_unknown(struct kafka_source *k, struct kafka_places *out)
{
	vec_each (&k->topics, topic) {
		if ((*topic)->there && !(*topic)->form)
			topic_places(*topic, out);
	}
}

static struct look *find_look(struct looks *looks, const struct kafka_record *record)
{
	vec_each (&looks->list, look) {
		if (look->partition == record->partition &&
			!strcmp(look->topic->name, record->topic))
			return look;
	}
	return NULL;
}

static void take_sample(
	struct kafka_source *k, struct topic *topic, const struct kafka_record *record)
{
	struct error err = {0};
	struct form *form = NULL;

	if (!record->has_value)
		return;
	if (message_open(&k->message, record, &err) && k->message.value.reader)
		form = topic_form(k, topic, &err);
	if (!form) {
		if (err.kind != ERROR_NONE)
			log_warn("message cannot be read", F("topic", topic->name),
				F("partition", record->partition), F("offset", record->offset),
				F("error", err.text));
		return;
	}
	version_t place = message_place(k, form, record);
	bool better = !topic->form || form_is_worse(topic->form, form);
	if (!better && (place < topic->newest_place || form_is_worse(form, topic->form)))
		return;
	topic->form = form;
	topic->newest_place = place;
}

static bool read_samples(struct kafka_source *k, struct looks *looks, struct error *err)
{
	struct kafka_record records[BATCH];
	int64_t until_ms = mono_ms() + SAMPLE_MS;
	size_t n;

	while (looks->open && mono_ms() < until_ms) {
		if (!kafka_read(k->looker, records, BATCH, &n, 100, err))
			return false;
		for (size_t i = 0; i < n; i++) {
			struct look *look = find_look(looks, &records[i]);
			if (!look || look->ended)
				continue;
			if (!records[i].end)
				take_sample(k, look->topic, &records[i]);
			look->ended = records[i].end || records[i].offset + 1 >= look->end;
			looks->open -= look->ended;
		}
	}
	return true;
}

static bool look_at(struct kafka_source *k, struct looks *looks, struct error *err)
{
	struct kafka_places places = {0}, none = {0};

	vec_each (&looks->list, look)
		vec_push(&places,
			((struct kafka_place){look->topic->name, look->partition, look->first}));
	looks->open = places.len;
	bool ok = kafka_assign(k->looker, &places, err) && read_samples(k, looks, err) &&
		  kafka_assign(k->looker, &none, err);
	vec_release(&places);
	return ok;
}

/* Further back, where nothing was found yet. */
static void go_back(struct looks *looks, const struct kafka_places *first)
{
	size_t kept = 0;

	for (size_t i = 0; i < looks->list.len; i++) {
		struct look look = looks->list.items[i];
		int64_t least = 0;
		vec_each (first, place) {
			if (place->partition == look.partition &&
				!strcmp(place->topic, look.topic->name))
				least = place->offset;
		}
		if (look.topic->form || look.first <= least)
			continue;
		int64_t step = (look.end - look.first) * 16;
		look.first = look.end - step > least ? look.end - step : least;
		look.ended = false;
		looks->list.items[kept++] = look;
	}
	looks->list.len = kept;
}

static bool sample_places(struct kafka_source *k, const struct kafka_places *first,
	const struct kafka_places *end, struct error *err)
{
	struct looks looks = {0};
	bool ok = true;

	for (size_t i = 0; i < end->len; i++) {
		int64_t from = end->items[i].offset - LAST_OFFSETS, least = first->items[i].offset;
		if (end->items[i].offset <= least)
			continue;
		vec_push(&looks.list,
			((struct look){topic_find(k, end->items[i].topic), end->items[i].partition,
				from > least ? from : least, end->items[i].offset, false}));
	}
	while (ok && looks.list.len) {
		ok = look_at(k, &looks, err);
		go_back(&looks, first);
	}
	vec_release(&looks.list);
	return ok;
}

bool sample_topics(struct kafka_source *k, struct error *err)
{
	struct kafka *client = kafka_consumer_client(k->looker);
	struct kafka_places first = {0}, end = {0};

	places_of_unknown(k, &first);
	places_of_unknown(k, &end);
	bool ok = kafka_bounds(client, &first, KAFKA_EARLIEST, err) &&
		  kafka_bounds(client, &end, KAFKA_LATEST, err) &&
		  sample_places(k, &first, &end, err);
	vec_release(&first);
	vec_release(&end);
	return ok;
}
