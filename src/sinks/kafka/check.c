/* What `tailrace check` says of the brokers and of the topics of these tables; see kafka.h. */
#include "sinks/kafka/kafka.h"

static void note(struct findings *f, int level, const char *what, const char *mend)
{
	const struct finding finding = {.level = level, .what = what, .mend = mend};

	vec_push(&f->list, finding);
}

static void check_table(const struct kafka_sink *s, const struct table *t,
	const struct kafka_topic_infos *there, struct map *taken, struct findings *f)
{
	const char *name = topic_name(s, t, &f->arena);
	const struct table *other = map_put(taken, name, strlen(name), (void *)(uintptr_t)t);

	if (other)
		note(f, FINDING_PROBLEM,
			arena_printf(&f->arena, "topic %s is that of %s.%s and of %s.%s", name,
				other->schema, other->name, t->schema, t->name),
			arena_printf(&f->arena, "%s.%s: {as: other_name}", t->schema, t->name));
	if (!t->n_key)
		note(f, FINDING_NOTE,
			arena_printf(&f->arena,
				"%s.%s has no key: its messages have none, and no order "
				"across partitions",
				t->schema, t->name),
			NULL);
	for (size_t i = 0; i < there->len; i++)
		if (strcmp(there->items[i].name, name) == 0)
			note(f, FINDING_OK,
				arena_printf(&f->arena, "topic %s has %d partition%s", name,
					there->items[i].partitions,
					there->items[i].partitions == 1 ? "" : "s"),
				NULL);
}

static bool ask_schemas(const struct kafka_sink *s, const struct debezium_table *events,
	const char *topic, struct error *err)
{
	const struct connect_schema *key = debezium_key_schema(events);

	return encoding_check(s, topic, false, debezium_value_schema(events), err) &&
	       (!key || encoding_check(s, topic, true, key, err));
}

/* What the registry would refuse once the table is taken up. */
static bool check_schemas(
	const struct kafka_sink *s, const struct table *t, struct findings *f, struct error *err)
{
	if (t->problem || is_outbox(s, t))
		return true;
	struct debezium_table *events = events_of(s, t);
	bool ok = ask_schemas(s, events, topic_name(s, t, &f->arena), err);
	debezium_table_free(events);
	if (ok || err->kind != ERROR_TABLE)
		return ok;
	note(f, FINDING_PROBLEM,
		arena_printf(&f->arena, "table %s.%s: %s", t->schema, t->name, err->text), NULL);
	error_clear(err);
	return true;
}

bool kafka_sink_check(struct sink *sink, struct table *const *tables, size_t n, struct findings *f,
	struct error *err)
{
	struct kafka_sink *s = kafka_sink_of(sink);
	struct kafka_topic_infos there = {0};
	struct map taken = {0};
	char about[64];

	if (!kafka_reach(s->client, 10000, about, sizeof about, err) ||
		!kafka_topics(s->client, NULL, &there, err))
		return false;
	note(f, FINDING_OK, arena_printf(&f->arena, "Kafka at %s: %s", s->broker.brokers, about),
		NULL);
	bool ok = true;
	for (size_t i = 0; ok && i < n; i++) {
		check_table(s, tables[i], &there, &taken, f);
		ok = check_schemas(s, tables[i], f, err);
	}
	map_release(&taken);
	kafka_topic_infos_release(&there);
	return ok;
}
