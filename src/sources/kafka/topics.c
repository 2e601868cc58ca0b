/* Which topics are read, and what tables they are; see kafka.h. */
#include <string.h>
#include "core/selection.h"
#include "sources/kafka/kafka.h"

static void topic_free(struct topic *topic)
{
	free(topic->name);
	forms_release(&topic->forms);
	free(topic);
}

static struct topic *topic_new(struct kafka_source *k, const char *name)
{
	struct topic *topic = xcalloc(1, sizeof *topic);

	topic->name = xstrdup(name);
	topic->carries = kafka_topic_table(k->prefix, name);
	topic->id = topic_id(name);
	if (selection_match(k->source.selection, topic->carries.schema, topic->carries.name)) {
		vec_push(&k->topics, topic);
		map_put(&k->topics_by_name, name, strlen(name), topic);
		return topic;
	}
	topic_free(topic);
	return NULL;
}

struct topic *topic_find(struct kafka_source *k, const char *name)
{
	return map_get(&k->topics_by_name, name, strlen(name));
}

bool topics_list(struct kafka_source *k, struct error *err)
{
	struct kafka_topic_infos found = {0};

	if (!kafka_topics(kafka_consumer_client(k->looker), NULL, &found, err))
		return false;
	vec_each (&k->topics, topic)
		(*topic)->there = false;
	pthread_mutex_lock(&k->topics_lock);
	vec_each (&found, info) {
		struct topic *topic = topic_find(k, info->name);
		if (!topic && kafka_topic_wanted(k->topics_wanted, k->prefix, info->name))
			topic = topic_new(k, info->name);
		if (topic) {
			topic->there = true;
			topic->partitions = info->partitions;
		}
	}
	pthread_mutex_unlock(&k->topics_lock);
	kafka_topic_infos_release(&found);
	return true;
}

void topics_release(struct kafka_source *k)
{
	vec_each (&k->topics, topic)
		topic_free(*topic);
	vec_release(&k->topics);
	map_release(&k->topics_by_name);
}

bool topics_subscribe(struct kafka_source *k, bool *any, struct error *err)
{
	VEC(const char *) names = {0};

	vec_each (&k->topics, topic) {
		const struct topic *t = *topic;
		if (t->there && t->told && !t->form->table->problem)
			vec_push(&names, t->name);
	}
	*any = names.len > 0;
	bool ok = !*any || kafka_subscribe(k->member, names.items, names.len, err);
	vec_release(&names);
	return ok;
}

struct topic *topic_of_table(struct kafka_source *k, uint64_t table)
{
	vec_each (&k->topics, topic)
		if ((*topic)->id == table)
			return *topic;
	return NULL;
}

void table_places(struct kafka_source *k, uint64_t table, struct kafka_places *out)
{
	pthread_mutex_lock(&k->topics_lock);
	const struct topic *topic = topic_of_table(k, table);
	if (topic)
		topic_places(topic, out);
	pthread_mutex_unlock(&k->topics_lock);
}

void topic_places(const struct topic *topic, struct kafka_places *out)
{
	for (int p = 0; p < topic->partitions; p++)
		vec_push(out, ((struct kafka_place){topic->name, p, KAFKA_NOWHERE}));
}
