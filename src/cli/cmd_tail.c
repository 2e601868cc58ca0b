/* `tailrace tail TOPIC`: messages of a topic, decoded, as JSON lines. */
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/brokers.h"
#include "cli/cli.h"
#include "cli/stop.h"
#include "core/option.h"
#include "core/units.h"
#include "formats/debezium/decode.h"
#include "sources/kafka/message.h"

#define BATCH        256
#define BUFFER_BYTES (4 << 20)

enum { FLAG_FROM, FLAG_COUNT, FLAG_PARTITION, FLAG_UNTIL_END, FLAG_CONNECTION };
static const struct flag flags[] = {
	{"from", "WHERE",
		"where each partition begins: with its first message (`beginning`), with what "
		"comes (`end`), at an offset (120), with its last messages (-20), so long ago "
		"(1h), or at a time (2026-11-21T09:30:00Z); by default -10"},
	{"count", "N", "end after N messages; by default when interrupted"},
	{"partition", "N", "that partition alone"},
	{"until-end", NULL, "end once all partitions have been read to their ends"},
	{"connection", "NAME", "which brokers, where the configuration has several"},
	{0},
};

/* A partition, and what is looked at of it. */
struct part {
	int partition;
	int64_t first, end; /* what there was at the start */
	int64_t from;
	int64_t found; /* messages from there to the end */
	int64_t skip;  /* messages that are not shown */
	bool ended;
};
struct tail {
	struct brokers brokers;
	struct kafka_consumer *consumer;
	struct registry_options registry_options;
	struct registry *registry;
	struct message message;
	const char *topic;
	VEC(struct part) parts;
	struct buf line;
	int64_t left; /* messages still to show */
	bool until_end;
};

/* --- Where to begin -------------------------------------------------------------------------------- */

static struct part *part_of(struct tail *t, const struct kafka_record *record)
{
	vec_each (&t->parts, part) {
		if (part->partition == record->partition)
			return part;
	}
	return NULL;
}

static bool assign(struct tail *t, struct error *err)
{
	struct kafka_places places = {0};

	vec_each (&t->parts, part) {
		if (!part->ended)
			vec_push(&places,
				((struct kafka_place){t->topic, part->partition, part->from}));
	}
	bool ok = kafka_assign(t->consumer, &places, err);
	vec_release(&places);
	return ok;
}

static bool all_ended(const struct tail *t)
{
	vec_each (&t->parts, part) {
		if (!part->ended)
			return false;
	}
	return true;
}

/* Counts what the parts that have not ended hold up to where they ended at the start. */
static bool count_messages(struct tail *t, struct error *err)
{
	struct kafka_record records[BATCH];
	size_t n;

	while (!all_ended(t) && !stop_asked) {
		if (!kafka_read(t->consumer, records, BATCH, &n, 100, err))
			return false;
		for (size_t i = 0; i < n; i++) {
			const struct kafka_record *r = &records[i];
			struct part *part = part_of(t, r);
			part->found += !part->ended && !r->end && r->offset < part->end;
			part->ended = part->ended || r->end || r->offset + 1 >= part->end;
		}
	}
	return true;
}

/*
 * The last `wanted` messages of each partition. The marks of transactions and what compaction took away have
 * offsets too, so a partition in which too few are found is looked at again, from further back.
 */
static bool find_last(struct tail *t, int64_t wanted, struct error *err)
{
	int64_t back = wanted;

	for (;;) {
		vec_each (&t->parts, part) {
			part->ended = part->found >= wanted || part->from <= part->first;
			if (part->ended)
				continue;
			part->found = 0;
			part->from = part->end - part->first > back ? part->end - back
								    : part->first;
		}
		if (all_ended(t) || stop_asked)
			break;
		if (!assign(t, err) || !count_messages(t, err))
			return false;
		back = back < INT64_MAX / 8 ? back * 8 : back;
	}
	vec_each (&t->parts, part)
		part->skip = part->found > wanted ? part->found - wanted : 0;
	return true;
}

static bool start_at(
	struct tail *t, const char *from, struct kafka_places *places, struct error *err)
{
	struct kafka *kafka = kafka_consumer_client(t->consumer);
	int64_t ago_ms, at_us;
	char *rest;
	int64_t n = strtoll(from, &rest, 10);

	if (!strcmp(from, "beginning")) {
		vec_each (&t->parts, part)
			part->from = part->first;
		return true;
	}
	if (!strcmp(from, "end"))
		return true;
	if (*from && !*rest && n < 0)
		return find_last(t, n == INT64_MIN ? INT64_MAX : -n, err);
	if (*from && !*rest) {
		vec_each (&t->parts, part)
			part->from = n < part->first ? part->first : n;
		return true;
	}
	if (duration_parse(from, &ago_ms))
		at_us = wall_us() - ago_ms * 1000;
	else if (!iso_parse((const uint8_t *)from, strlen(from), &at_us))
		return error_set(err, ERROR_CONFIG,
			"--from takes beginning, end, an offset, -N, a duration as 1h, or a time "
			"as "
			"2026-11-21T09:30:00Z; not '%s'",
			from);
	if (!kafka_since(kafka, places, at_us / 1000, err))
		return false;
	for (size_t i = 0; i < places->len; i++)
		t->parts.items[i].from = places->items[i].offset;
	return true;
}

static bool ends_in(const char *name, const char *words)
{
	size_t len = strlen(words), other = strlen(name);

	return other > len && name[other - len - 1] == '.' && !strcmp(name + other - len, words);
}

/* Of what lacks its beginning, above all that of the connection, or is mistyped. */
static const char *similar_topic(const struct tail *t, const struct kafka_topic_infos *all)
{
	VEC(const char *) names = {0};
	const char *near = NULL;
	size_t prefix = strlen(t->brokers.prefix);

	vec_each (all, info) {
		vec_push(&names, info->name);
		if (ends_in(info->name, t->topic) &&
			(!near || !strncmp(info->name, t->brokers.prefix, prefix)))
			near = info->name;
	}
	vec_push(&names, NULL);
	near = near ? near : nearest_name(t->topic, names.items);
	vec_release(&names);
	return near;
}

static bool no_topic(struct tail *t, struct error *err)
{
	struct kafka_topic_infos all = {0};

	if (!kafka_topics(kafka_consumer_client(t->consumer), NULL, &all, err))
		return false;
	const char *near = similar_topic(t, &all);
	if (near)
		error_set(err, ERROR_CONFIG, "there is no topic %s; did you mean '%s'?", t->topic,
			near);
	else
		error_set(err, ERROR_CONFIG, "there is no topic %s; `tailrace topics` lists them",
			t->topic);
	kafka_topic_infos_release(&all);
	return false;
}

/* All partitions, or the one that was asked for (-1: none was). */
static bool take_parts(struct tail *t, int64_t wanted, struct error *err)
{
	struct kafka_topic_infos found = {0};

	if (!kafka_topics(kafka_consumer_client(t->consumer), t->topic, &found, err))
		return false;
	int partitions = found.len ? found.items[0].partitions : 0;
	kafka_topic_infos_release(&found);
	if (!partitions)
		return no_topic(t, err);
	if (wanted >= partitions)
		return error_set(err, ERROR_CONFIG, "topic %s has the partitions 0 to %d", t->topic,
			partitions - 1);
	for (int p = 0; p < partitions; p++)
		if (wanted < 0 || p == wanted)
			vec_push(&t->parts, ((struct part){.partition = p}));
	return true;
}

static bool begin(struct tail *t, const char *from, int64_t partition, struct error *err)
{
	struct kafka *kafka = kafka_consumer_client(t->consumer);
	struct kafka_places first = {0}, end = {0};

	if (!take_parts(t, partition, err))
		return false;
	vec_each (&t->parts, part) {
		vec_push(&first, ((struct kafka_place){t->topic, part->partition, 0}));
		vec_push(&end, ((struct kafka_place){t->topic, part->partition, 0}));
	}
	bool ok = kafka_bounds(kafka, &first, KAFKA_EARLIEST, err) &&
		  kafka_bounds(kafka, &end, KAFKA_LATEST, err);
	for (size_t i = 0; ok && i < t->parts.len; i++) {
		struct part *part = &t->parts.items[i];
		part->first = first.items[i].offset;
		part->end = part->from = end.items[i].offset;
	}
	ok = ok && start_at(t, from, &first, err);
	vec_each (&t->parts, part)
		part->ended = false;
	ok = ok && assign(t, err);
	vec_release(&first);
	vec_release(&end);
	return ok;
}

/* --- A message as JSON ----------------------------------------------------------------------------- */

static bool print_document(struct connect_reader *r, struct buf *out)
{
	struct error ignored = {0};

	return print_json(r, connect_next(r, &ignored), out, &ignored) &&
	       connect_next(r, &ignored) == TOKEN_END;
}

/* What is no document is shown as the text or the bytes that it is. */
static void print_side(const char *name, bool there, const struct side *side, const uint8_t *bytes,
	size_t len, struct buf *out)
{
	json_put_key(out, name);
	size_t before = out->len;
	if (!there || (side && !side->reader)) {
		buf_puts(out, "null");
	} else if (!side || !print_document(side->reader, out)) {
		out->len = before;
		print_bytes(bytes, len, out);
	}
}

/* [["name", "value"], ..], as a name may be there twice. */
static void print_headers(const struct kafka_record *r, struct buf *out)
{
	struct kafka_header h;

	for (size_t i = 0; kafka_header(r, i, &h); i++) {
		if (i)
			buf_puts(out, ",");
		else
			json_put_open(out, "headers", '[');
		buf_puts(out, "[");
		text_print_json(h.name, strlen(h.name), out);
		buf_puts(out, ",");
		if (h.value)
			print_bytes(h.value, h.len, out);
		else
			buf_puts(out, "null");
		buf_puts(out, "]");
	}
	if (kafka_header(r, 0, &h))
		buf_puts(out, "]");
}

static void print_record(struct tail *t, const struct kafka_record *r)
{
	struct error unread = {0};
	bool opened = message_open(&t->message, r, &unread);

	buf_clear(&t->line);
	json_put_open(&t->line, NULL, '{');
	json_put_int(&t->line, "partition", r->partition);
	json_put_int(&t->line, "offset", r->offset);
	json_put_utc(&t->line, "at", r->timestamp_ms * 1000);
	print_headers(r, &t->line);
	print_side(
		"key", r->has_key, opened ? &t->message.key : NULL, r->key, r->key_len, &t->line);
	print_side("value", r->has_value, opened ? &t->message.value : NULL, r->value, r->value_len,
		&t->line);
	if (!opened)
		json_put_text(&t->line, "error", unread.text);
	buf_puts(&t->line, "}");
	puts(buf_text(&t->line));
}

static void show(struct tail *t, const struct kafka_record *r)
{
	struct part *part = part_of(t, r);

	part->ended = part->ended || r->end;
	if (r->end || part->skip-- > 0)
		return;
	print_record(t, r);
	t->left--;
}

static bool follow(struct tail *t, struct error *err)
{
	struct kafka_record records[BATCH];
	size_t n;

	while (t->left && !stop_asked && !ferror(stdout) && !(t->until_end && all_ended(t))) {
		if (!kafka_read(t->consumer, records, BATCH, &n, 100, err))
			return false;
		for (size_t i = 0; i < n && t->left; i++)
			show(t, &records[i]);
		fflush(stdout);
	}
	return true;
}

static bool open_tail(struct tail *t, const struct connection_config *connection,
	struct arena *arena, struct error *err)
{
	if (!brokers_of(connection, arena, &t->brokers, err) ||
		!connection_options(
			connection, registry_option_table, &t->registry_options, arena, err))
		return false;
	if (t->registry_options.urls && !(t->registry = registry_new(&t->registry_options, err)))
		return false;
	t->consumer = kafka_consumer_new(&t->brokers.kafka, NULL, BUFFER_BYTES, err);
	return t->consumer;
}

static int tail_connection(const struct connection_config *connection, const struct call *call)
{
	struct tail t = {.left = INT64_MAX,
		.topic = call->args[0],
		.until_end = call->flags[FLAG_UNTIL_END]};
	struct arena arena;
	struct error err = {0};
	const char *from = call->flags[FLAG_FROM] ? call->flags[FLAG_FROM] : "-10";
	int64_t partition = -1;

	if (!flag_count(call, FLAG_COUNT, INT64_MAX, &t.left) ||
		!flag_count(call, FLAG_PARTITION, INT32_MAX, &partition))
		return WRONG_USE;
	arena_init(&arena);
	buf_init(&t.line, BUF_MAX);
	stop_on_signals();
	bool ok = open_tail(&t, connection, &arena, &err);
	message_init(&t.message, t.registry);
	ok = ok && begin(&t, from, partition, &err) && follow(&t, &err);
	kafka_consumer_free(t.consumer);
	vec_release(&t.parts);
	message_release(&t.message);
	registry_free(t.registry);
	buf_release(&t.line);
	arena_release(&arena);
	return ok ? DONE : failed(&err);
}

/* The one that was named, or the only one. */
static const struct connection_config *choose(const struct config *config, const char *name)
{
	const struct connection_config *found = NULL, *connection;
	size_t i = 0;

	while ((connection = next_kafka(config, &i))) {
		if (name ? !strcmp(connection->name, name) : !found)
			found = connection;
		else if (!name)
			return NULL;
	}
	return found;
}

static int tail(const struct call *call)
{
	struct config config;
	struct error err = {0};
	const char *name = call->flags[FLAG_CONNECTION];

	if (!config_load(call->config_path, &config, &err))
		return failed(&err);
	const struct connection_config *connection = choose(&config, name);
	int code = connection ? tail_connection(connection, call)
		   : name     ? wrong_use("%s has no kafka connection '%s'", config.path, name)
			      : wrong_use("%s has no kafka connection, or several; say which with "
					      "--connection",
					config.path);
	config_release(&config);
	return code;
}

const struct command tail_command = {
	.name = "tail",
	.args = "TOPIC",
	.min_args = 1,
	.max_args = 1,
	.summary = "messages of a topic, decoded, as JSON lines",
	.help = "Shows partition, offset, time, headers, key and value of each message that is\n"
		"committed, and waits for more. Avro is decoded through the registry; of JSON\n"
		"with a schema the payload is shown. What is neither is shown as text, or as\n"
		"\"\\\\x\" and its bytes, with the reason.\n"
		"\n"
		"  tailrace tail shop.public.orders --from -1 --count 1\n"
		"  tailrace tail shop.public.orders --from 1h | jq .value.after\n",
	.flags = flags,
	.run = tail,
};
