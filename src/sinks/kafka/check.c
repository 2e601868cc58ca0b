/* What `tailrace check` says of the brokers and of the topics of these tables; see kafka.h. */
#include "sinks/kafka/kafka.h"
#include "base/text.h"

/* A finding of its own, where it is the user's to mend. */
static bool note_refusal(struct findings *f, struct error *err)
{
	if (err->kind != ERROR_CONFIG)
		return false;
	findings_add(f, FINDING_PROBLEM, arena_strdup(&f->arena, err->text), NULL);
	error_clear(err);
	return true;
}

/* All are made alike, so it is enough to ask for one of those that are missing. */
static bool check_making(
	struct kafka_sink *s, const char *name, struct findings *f, struct error *err)
{
	if (topic_can_be_made(s, name, err)) {
		findings_add(
			f, FINDING_OK, arena_printf(&f->arena, "topic %s can be made", name), NULL);
		return true;
	}
	return note_refusal(f, err);
}

static bool is_there(const char *name, const struct kafka_topic_infos *there, struct findings *f)
{
	for (size_t i = 0; i < there->len; i++) {
		const struct kafka_topic_info *info = &there->items[i];
		if (strcmp(info->name, name) != 0)
			continue;
		findings_add(f, FINDING_OK,
			arena_printf(&f->arena, "topic %s has %d partition%s", name,
				info->partitions, plural(info->partitions)),
			NULL);
		return true;
	}
	return false;
}

/* Notes its topic in `missing` when that is not there yet. */
static void check_table(const struct kafka_sink *s, const struct table *t,
	const struct kafka_topic_infos *there, struct map *taken, const char **missing,
	struct findings *f)
{
	const char *name = topic_name(s, t, &f->arena);
	const struct table *other = map_put(taken, name, strlen(name), (void *)(uintptr_t)t);

	if (other)
		findings_add(f, FINDING_PROBLEM,
			arena_printf(&f->arena, "topic %s is that of %s.%s and of %s.%s", name,
				other->schema, other->name, t->schema, t->name),
			arena_printf(&f->arena, "%s.%s: {as: other_name}", t->schema, t->name));
	if (!t->n_key)
		findings_add(f, FINDING_NOTE,
			arena_printf(&f->arena,
				"%s.%s has no key: its messages have none, and no order "
				"across partitions",
				t->schema, t->name),
			NULL);
	if (!is_there(name, there, f))
		*missing = name;
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
	struct debezium_table *events = events_of(s, t);
	bool ok = ask_schemas(s, events, topic_name(s, t, &f->arena), err);
	debezium_table_free(events);
	if (ok || err->kind != ERROR_TABLE)
		return ok;
	findings_add(f, FINDING_PROBLEM,
		arena_printf(&f->arena, "table %s.%s: %s", t->schema, t->name, err->text), NULL);
	error_clear(err);
	return true;
}

/* Whether those that are missing will be writable nobody can ask. */
static bool check_writing(const struct kafka_sink *s, const struct map *wanted,
	const struct kafka_topic_infos *there, struct findings *f, struct error *err)
{
	struct kafka *asker = kafka_asker_new(&s->broker, err);
	bool ok = asker;

	for (size_t i = 0; ok && i < there->len; i++) {
		const char *name = there->items[i].name;
		if (map_get(wanted, name, strlen(name)))
			ok = kafka_may_write(asker, name, err) || note_refusal(f, err);
	}
	kafka_free(asker);
	return ok;
}

static bool check_transactions(const struct kafka_sink *s, struct findings *f, struct error *err)
{
	return !is_transactional(s) ||
	       kafka_may_transact(&s->broker, transactional_id(s, &f->arena), err) ||
	       note_refusal(f, err);
}

bool kafka_sink_check(struct sink *sink, struct table *const *tables, size_t n, struct findings *f,
	struct error *err)
{
	struct kafka_sink *s = kafka_sink_of(sink);
	struct kafka_topic_infos there = {0};
	struct map taken = {0};
	const char *missing = NULL;
	char about[64];

	if (!kafka_reach(s->client, 10000, about, sizeof about, err) ||
		!kafka_topics(s->client, NULL, &there, err))
		return false;
	findings_add(f, FINDING_OK,
		arena_printf(&f->arena, "Kafka at %s: %s", s->broker.brokers, about), NULL);
	bool ok = true;
	for (size_t i = 0; ok && i < n; i++) {
		if (tables[i]->problem || is_outbox(s, tables[i]))
			continue;
		check_table(s, tables[i], &there, &taken, &missing, f);
		ok = check_schemas(s, tables[i], f, err);
	}
	ok = ok && (!missing || check_making(s, missing, f, err)) &&
	     check_writing(s, &taken, &there, f, err) && check_transactions(s, f, err);
	map_release(&taken);
	kafka_topic_infos_release(&there);
	return ok;
}
