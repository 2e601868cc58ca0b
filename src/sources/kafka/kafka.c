/* Kafka as a source: its options, what open and start make and close undoes, how far it is. */
#include "sources/kafka/kafka.h"

#include <stdio.h>
#include <string.h>
#include "base/clock.h"
#include "base/log.h"

#define REACH_MS 10000
#define JOIN_MS  60000

#define AT(field) offsetof(struct kafka_source, field)

enum { BEGIN_EARLIEST, BEGIN_LATEST };
static const char *const begin_choices[] = {
	[BEGIN_EARLIEST] = "earliest", [BEGIN_LATEST] = "latest", NULL};

static const struct option kafka_options[] = {
	{"kafka", OPTION_TABLE, AT(kafka), .table = kafka_option_table},
	{"registry", OPTION_TABLE, AT(registry_options), .table = registry_option_table},
	{"debezium", OPTION_TABLE, AT(modes), .table = debezium_option_table},
	{"group", OPTION_STRING, AT(group),
		.help = "Consumer group. Processes with the same group share the partitions "
			"of the topics. Without it: `tailrace-` and the name of the stream."},
	{"topics", OPTION_STRING, AT(topics_wanted),
		.help = "Patterns (`*`, `?`) of the topics to read, separated by commas. Without "
			"it: `prefix.*.*` of the `topic_prefix`. A topic's last two words are "
			"the schema and the table that `tables` speaks of; one word alone is a "
			"table of the schema `public`."},
	{"auto_offset_reset", OPTION_CHOICE, AT(begin), "earliest", .choices = begin_choices,
		.help = "Where a group that is new begins: with all that the topics hold, or "
			"with what comes from then on."},
	OPTION_END,
};

static bool kafka_source_open(struct source *source, struct error *err)
{
	struct kafka_source *k = kafka_of(source);

	arena_init(&k->arena);
	pthread_mutex_init(&k->topics_lock, NULL);
	offsets_init(&k->offsets);
	k->prefix = k->kafka.topic_prefix ? k->kafka.topic_prefix : source->connection;
	kafka_group_name(k->group, source->name, k->group_name, sizeof k->group_name);
	bool ok = !k->registry_options.urls ||
		  (k->registry = registry_new(&k->registry_options, err));
	message_init(&k->message, k->registry);
	k->looker = ok ? kafka_consumer_new(&k->kafka, NULL, 1 << 20, err) : NULL;
	if (k->looker && kafka_reach(kafka_consumer_client(k->looker), REACH_MS, NULL, 0, err)) {
		k->answered_ms = mono_ms();
		return true;
	}
	source->ops->close(source);
	return error_add(err, "source %s", source->name);
}

static void kafka_source_close(struct source *source)
{
	struct kafka_source *k = kafka_of(source);

	kafka_consumer_free(k->member);
	kafka_consumer_free(k->looker);
	k->member = k->looker = NULL;
	topics_release(k);
	message_release(&k->message);
	registry_free(k->registry);
	offsets_release(&k->offsets);
	vec_release(&k->records);
	vec_release(&k->retries);
	arena_release(&k->arena);
	pthread_mutex_destroy(&k->topics_lock);
}

static bool kafka_source_discover(struct source *source, struct tables *out, struct error *err)
{
	struct kafka_source *k = kafka_of(source);

	if (!topics_list(k, err) || !sample_topics(k, err))
		return error_add(err, "source %s", source->name);
	vec_each (&k->topics, topic) {
		if (!(*topic)->form)
			continue;
		vec_push(out, table_ref(tell_table(k, *topic)));
	}
	return true;
}

/* --- The group ------------------------------------------------------------------------------------- */

/* Those that nobody has committed a place in. */
static void copy_nowhere(const struct kafka_places *places, struct kafka_places *out)
{
	vec_each (places, place) {
		if (place->offset == KAFKA_NOWHERE)
			vec_push(out, *place);
	}
}

/* With a topic that is deleted the brokers forget the group's places in it. */
static bool check_made_anew(
	struct kafka_source *k, const struct kafka_places *places, struct error *err)
{
	struct kafka_places ends = {0};

	copy_nowhere(places, &ends);
	bool ok = kafka_bounds(kafka_consumer_client(k->looker), &ends, KAFKA_LATEST, err);
	for (size_t i = 0; ok && i < ends.len; i++)
		if (offsets_confirmed(&k->offsets, &ends.items[i]) > ends.items[i].offset)
			ok = error_set(err, ERROR_GAP,
				"topic %s was deleted and made anew, or emptied: group %s has no "
				"place "
				"in it any more, and it ends before what was read of it; see "
				"docs/kafka.md on gaps",
				ends.items[i].topic, k->group_name);
	vec_release(&ends);
	return ok;
}

/* What nobody has committed a place in begins with its first message: what was there before the group began
 * has a place since then (begin_group). */
static bool take_partitions(void *context, struct kafka_places *places, struct error *err)
{
	struct kafka_source *k = context;

	if (!kafka_committed(kafka_consumer_client(k->member), places, err) ||
		!check_made_anew(k, places, err))
		return false;
	struct kafka_places first = {0};
	copy_nowhere(places, &first);
	bool ok = kafka_bounds(kafka_consumer_client(k->looker), &first, KAFKA_EARLIEST, err);
	for (size_t i = 0, f = 0; ok && i < places->len; i++) {
		if (places->items[i].offset == KAFKA_NOWHERE)
			places->items[i].offset = first.items[f++].offset;
		offsets_take(&k->offsets, &places->items[i]);
	}
	vec_release(&first);
	log_info("partitions taken", F("stream", k->source.name), F("partitions", places->len));
	return ok;
}

static void give_partitions(void *context, const struct kafka_places *places)
{
	struct kafka_source *k = context;

	vec_each (places, place)
		offsets_give(&k->offsets, place);
	log_info("partitions given", F("stream", k->source.name), F("partitions", places->len));
}

static void refuse_offsets(void *context, const struct kafka_places *places)
{
	struct kafka_source *k = context;

	vec_each (places, place)
		offsets_refused(&k->offsets, place);
}

static bool make_member(struct kafka_source *k, struct error *err)
{
	const struct kafka_group group = {
		.name = k->group_name,
		.taken = take_partitions,
		.given = give_partitions,
		.refused = refuse_offsets,
		.context = k,
	};
	/* a message in librdkafka's queue takes as much again as its bytes */
	k->member = kafka_consumer_new(&k->kafka, &group, k->source.bundle_bytes * 3 / 4, err);
	return k->member;
}

static void all_places(const struct kafka_source *k, struct kafka_places *out)
{
	vec_each (&k->topics, topic) {
		if ((*topic)->there)
			topic_places(*topic, out);
	}
}

/* All places, where the group has none; else none. */
static bool places_of_new_group(struct kafka_source *k, struct kafka_places *out, struct error *err)
{
	all_places(k, out);
	bool ok = kafka_committed(kafka_consumer_client(k->member), out, err);
	vec_each (out, place) {
		if (place->offset == KAFKA_NOWHERE)
			continue;
		out->len = 0;
		break;
	}
	return ok;
}

/* Where the group begins is committed at once: from then on what it lacks has been lost. One that others have begun
 * takes commits from its members alone. */
static bool begin_group(struct kafka_source *k, struct error *err)
{
	struct kafka *client = kafka_consumer_client(k->member);
	struct kafka_places places = {0};
	int64_t where = k->begin == BEGIN_LATEST ? KAFKA_LATEST : KAFKA_EARLIEST;

	bool ok = places_of_new_group(k, &places, err) &&
		  kafka_bounds(client, &places, where, err) &&
		  kafka_commit_offsets(client, &places, true, err);
	vec_release(&places);
	return ok;
}

/* A group that nobody uses for a while is forgotten by the brokers, with its offsets. */
static bool check_group(struct kafka_source *k, struct error *err)
{
	struct kafka *client = kafka_consumer_client(k->member);
	struct kafka_places places = {0};
	bool lost = false;

	bool ok = places_of_new_group(k, &places, err) &&
		  kafka_bounds(client, &places, KAFKA_EARLIEST, err);
	vec_each (&places, place)
		lost = lost || place->offset > 0;
	vec_release(&places);
	return ok && (!lost || error_set(err, ERROR_GAP,
				       "group %s has no offsets any more (the brokers' "
				       "offsets.retention.minutes), and the topics do not reach "
				       "back to their beginning; see docs/kafka.md on gaps",
				       k->group_name));
}

static bool same_cluster(const struct kafka_source *k, const struct resume *from)
{
	size_t len = strcspn(k->identity, " ");

	return !strncmp(k->identity, from->identity, len) && from->identity[len] == ' ';
}

static bool check_identity(struct kafka_source *k, const struct resume *from, struct error *err)
{
	return same_cluster(k, from) ||
	       error_set(err, ERROR_GAP,
		       "the brokers are of another cluster (%s) than before (%s); see "
		       "docs/kafka.md on gaps",
		       k->identity, from->identity);
}

static bool join(struct kafka_source *k, struct error *err)
{
	bool any;

	return topics_subscribe(k, &any, err) && (!any || kafka_join(k->member, JOIN_MS, err));
}

static bool kafka_source_start(
	struct source *source, const struct resume *from, struct resume *out, struct error *err)
{
	struct kafka_source *k = kafka_of(source);
	struct resume resume = {0};

	if (!k->member && !make_member(k, err))
		return false;
	k->identity = arena_printf(&k->arena, "%s group %s",
		kafka_cluster(kafka_consumer_client(k->looker), &k->arena), k->group_name);
	bool goes_on = from && !strcmp(from->identity, k->identity);
	if (from && !check_identity(k, from, err))
		return false;
	if (from)
		resume.position = from->position;
	else
		resume.position.order = k->offsets.order;
	offsets_begin(&k->offsets, resume.position.order, goes_on ? from->position.token : "");
	if (!(goes_on ? check_group(k, err) : begin_group(k, err)) || !join(k, err))
		return error_add(err, "source %s", source->name);
	snprintf(resume.identity, sizeof resume.identity, "%s", k->identity);
	*out = resume;
	return true;
}

/* --- How far it is --------------------------------------------------------------------------------- */

void commit_durable(struct kafka_source *k)
{
	struct error err = {0};

	if (!offsets_commit(&k->offsets, kafka_consumer_client(k->member), &err))
		log_info(
			"offsets not committed", F("stream", k->source.name), F("error", err.text));
}

static void kafka_source_confirm(struct source *source, const struct position *upto)
{
	struct kafka_source *k = kafka_of(source);

	offsets_confirm(&k->offsets, upto);
	commit_durable(k);
}

static bool kafka_source_lag(struct source *source, struct source_lag *lag, struct error *err)
{
	struct kafka_source *k = kafka_of(source);
	struct kafka_places ends = {0};

	offsets_ours(&k->offsets, &ends);
	bool ok = kafka_bounds(kafka_consumer_client(k->looker), &ends, KAFKA_LATEST, err);
	if (ok)
		offsets_lag(&k->offsets, &ends, lag);
	vec_release(&ends);
	return ok;
}

static void kafka_source_parts(struct source *source, struct arena *arena, struct source_parts *out)
{
	struct kafka_source *k = kafka_of(source);

	offsets_parts(&k->offsets, arena, out);
}

/* What nobody has a place in waits from its first message on. */
static void count_waiting(const struct kafka_places *first, const struct kafka_places *committed,
	const struct kafka_places *end, struct source_backlog *out)
{
	*out = (struct source_backlog){0};
	for (size_t i = 0; i < end->len; i++) {
		int64_t from = committed->items[i].offset, to = end->items[i].offset;
		if (from < first->items[i].offset)
			from = first->items[i].offset;
		out->waiting += from < to ? (uint64_t)(to - from) : 0;
		out->end += (uint64_t)to;
	}
}

/* A client of the group that subscribes to nothing is no member of it. */
static bool kafka_source_backlog(
	struct source *source, struct source_backlog *out, struct error *err)
{
	struct kafka_source *k = kafka_of(source);
	struct kafka *looker = kafka_consumer_client(k->looker);
	struct kafka_places first = {0}, committed = {0}, end = {0};

	if ((!k->member && !make_member(k, err)) || !topics_list(k, err))
		return false;
	all_places(k, &first);
	all_places(k, &committed);
	all_places(k, &end);
	bool ok = kafka_bounds(looker, &first, KAFKA_EARLIEST, err) &&
		  kafka_committed(kafka_consumer_client(k->member), &committed, err) &&
		  kafka_bounds(looker, &end, KAFKA_LATEST, err);
	if (ok)
		count_waiting(&first, &committed, &end, out);
	vec_release(&first);
	vec_release(&committed);
	vec_release(&end);
	return ok;
}

static bool kafka_same_physical(const char *was, const char *now)
{
	(void)was;
	(void)now;
	return true;
}

const struct source_ops kafka_source = {
	.kind = "kafka",
	.size = sizeof(struct kafka_source),
	.options = kafka_options,
	.shared = true,
	.open = kafka_source_open,
	.check = kafka_source_check,
	.discover = kafka_source_discover,
	.start = kafka_source_start,
	.read = kafka_source_read,
	.confirm = kafka_source_confirm,
	.hold = kafka_source_hold,
	.plan = kafka_source_plan,
	.copy = kafka_source_copy,
	.retry = kafka_source_retry,
	.same_physical = kafka_same_physical,
	.lag = kafka_source_lag,
	.parts = kafka_source_parts,
	.backlog = kafka_source_backlog,
	.close = kafka_source_close,
};
