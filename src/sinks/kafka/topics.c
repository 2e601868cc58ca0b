/* Topics of tables, named as Debezium names them, made when missing; see kafka.h. */
#include "sinks/kafka/kafka.h"

#include <stdlib.h>

#define LONGEST_NAME 249

const char *topic_name(const struct kafka_sink *s, const struct table *t, struct arena *arena)
{
	if (t->options && t->options->as)
		return debezium_sanitized(arena_printf(arena, "%s.%s", s->prefix, t->options->as));
	return debezium_sanitized(arena_printf(arena, "%s.%s.%s", s->prefix, t->schema, t->name));
}

const char *own_topic_name(const struct kafka_sink *s, const char *name, struct arena *arena)
{
	return debezium_sanitized(arena_printf(arena, "%s.tailrace.%s", s->prefix, name));
}

static struct kafka_new_topic new_topic(const struct kafka_sink *s, const char *name,
	int64_t partitions, const struct kafka_setting *settings)
{
	return (struct kafka_new_topic){.name = name,
		.partitions = partitions ? (int)partitions : -1,
		.replication = s->replication_factor ? (int)s->replication_factor : -1,
		.settings = settings};
}

struct kafka_topic *topic_make(struct kafka_sink *s, const char *name, int64_t partitions,
	const struct kafka_setting *settings, struct error *err)
{
	const struct kafka_new_topic topic = new_topic(s, name, partitions, settings);
	bool made;

	return kafka_topic_create(s->client, &topic, &made, err) ? kafka_topic_open(s->client, name)
								 : NULL;
}

struct kafka_topic *own_topic(struct kafka_sink *s, const char *name,
	const struct kafka_setting *settings, struct error *err)
{
	return topic_make(s, own_topic_name(s, name, &s->arena), 1, settings, err);
}

/* `asked`: only whether it could be made. */
static bool make_topic_of_table(
	struct kafka_sink *s, const char *name, bool asked, bool *made, struct error *err)
{
	static const char *const policies[] = {"delete", "compact", "compact,delete"};
	VEC(struct kafka_setting) settings = {0};

	vec_push(&settings,
		((struct kafka_setting){"cleanup.policy", policies[s->cleanup_policy], false}));
	for (const struct kafka_setting *own = s->topic_set; own->name; own++)
		vec_push(&settings, *own);
	vec_push(&settings, (struct kafka_setting){0});
	struct kafka_new_topic topic = new_topic(s, name, s->partitions, settings.items);
	topic.asked = asked;
	bool ok = kafka_topic_create(s->client, &topic, made, err);
	vec_release(&settings);
	return ok;
}

bool topic_can_be_made(struct kafka_sink *s, const char *name, struct error *err)
{
	bool made;

	return make_topic_of_table(s, name, true, &made, err);
}

static void outlet_free(struct outlet *o)
{
	if (!o)
		return;
	kafka_topic_close(o->topic);
	debezium_table_free(o->events);
	encoding_release(&o->key);
	encoding_release(&o->value);
	table_unref(o->table);
	free(o->outbox);
	free(o->name);
	free(o);
}

void outlets_release(struct kafka_sink *s)
{
	const void *key;
	size_t i = 0, key_len;
	void *outlet;

	while (map_next(&s->outlets, &i, &key, &key_len, &outlet))
		outlet_free(outlet);
	map_release(&s->outlets);
}

/* Two tables whose names differ only in what a topic's cannot hold would share one. */
static bool is_free(struct kafka_sink *s, const char *name, uint64_t source_id, struct error *err)
{
	const void *key;
	size_t i = 0, key_len;
	void *value;

	if (strlen(name) > LONGEST_NAME)
		return error_set(err, ERROR_TABLE,
			"the name of its topic, %.80s..., is longer than %d bytes; give it a "
			"shorter one: {as: other_name}",
			name, LONGEST_NAME);
	while (map_next(&s->outlets, &i, &key, &key_len, &value)) {
		const struct outlet *other = value;
		if (other->table->source_id != source_id && strcmp(other->name, name) == 0)
			return error_set(err, ERROR_TABLE,
				"topic %s is that of table %s.%s too; give one of them another "
				"name: {as: other_name}",
				name, other->table->schema, other->table->name);
	}
	return true;
}

struct debezium_table *events_of(const struct kafka_sink *s, const struct table *table)
{
	const struct source *from = s->sink.from;
	const struct debezium_origin origin = {
		.connector = strcmp(from->ops->kind, "postgres") ? from->ops->kind : "postgresql",
		.prefix = s->prefix,
		.database = from->database,
	};

	return debezium_table_new(table, &origin, &s->modes);
}

/* The encoders of this definition; the topic stays the one it is. */
static bool define(struct kafka_sink *s, struct outlet *o, struct table *table, struct error *err)
{
	debezium_table_free(o->events);
	encoding_release(&o->key);
	encoding_release(&o->value);
	table_unref(o->table);
	o->table = table_ref(table);
	o->events = events_of(s, table);
	const struct connect_schema *key = debezium_key_schema(o->events);
	o->key = (struct encoding){0};
	return encoding_init(&o->value, s, o->name, false, debezium_value_schema(o->events), err) &&
	       (!key || encoding_init(&o->key, s, o->name, true, key, err));
}

/* Its rows name their topics. */
static struct outlet *outlet_of_outbox(struct table *table, struct error *err)
{
	struct outlet *o = xcalloc(1, sizeof *o);

	o->table = table_ref(table);
	o->name = xstrdup("");
	o->outbox = outbox_new(table, err);
	if (o->outbox)
		return o;
	outlet_free(o);
	return NULL;
}

static struct outlet *outlet_new(struct kafka_sink *s, struct table *table, struct error *err)
{
	struct outlet *o = xcalloc(1, sizeof *o);
	struct arena arena;

	arena_init(&arena);
	o->name = xstrdup(topic_name(s, table, &arena));
	arena_release(&arena);
	if (is_free(s, o->name, table->source_id, err) &&
		make_topic_of_table(s, o->name, false, &o->made, err) && define(s, o, table, err)) {
		o->topic = kafka_topic_open(s->client, o->name);
		return o;
	}
	outlet_free(o);
	return NULL;
}

struct outlet *outlet_of(struct kafka_sink *s, struct table *table, struct error *err)
{
	struct outlet *o = map_get(&s->outlets, &table->source_id, sizeof table->source_id);

	if (o && o->table == table)
		return o;
	if (o && !o->outbox)
		return define(s, o, table, err) ? o : NULL;
	outlet_free(o);
	map_remove(&s->outlets, &table->source_id, sizeof table->source_id);
	o = is_outbox(s, table) ? outlet_of_outbox(table, err) : outlet_new(s, table, err);
	if (o)
		map_put(&s->outlets, &table->source_id, sizeof table->source_id, o);
	return o;
}

/* What is attached again, to be copied anew, may have other columns. */
bool kafka_sink_attach(struct sink *sink, const struct landing *landing, struct error *err)
{
	struct kafka_sink *s = kafka_sink_of(sink);
	struct table *now = landing->table;
	const struct outlet *o = map_get(&s->outlets, &now->source_id, sizeof now->source_id);
	struct table *old = o ? table_ref(o->table) : NULL;

	o = outlet_of(s, now, err);
	bool news = o && (old ? !table_same_definition(old, now) : o->made);
	bool ok = o && (!news || changes_send(s, old, now, err));
	if (old)
		table_unref(old);
	return ok;
}

bool kafka_sink_generation(
	struct sink *sink, const struct landing *landing, uint32_t *live, struct error *err)
{
	const struct outlet *o = outlet_of(kafka_sink_of(sink), landing->table, err);

	*live = o && !o->made;
	return o != NULL;
}

/* From now on events have the new columns. */
bool kafka_sink_evolve(struct sink *sink, const struct landing *landing, const struct table *old,
	bool *in_place, struct error *err)
{
	struct kafka_sink *s = kafka_sink_of(sink);

	*in_place = true;
	return outlet_of(s, landing->table, err) && changes_send(s, old, landing->table, err);
}
