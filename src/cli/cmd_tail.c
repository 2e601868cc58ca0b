/* `tailrace tail TOPIC`: messages of a topic, decoded, as JSON lines. */
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/brokers.h"
#include "cli/cli.h"
#include "cli/stop.h"
#include "core/units.h"
#include "sources/kafka/message.h"

#define BATCH        256
#define BUFFER_BYTES (4 << 20)

enum { FLAG_FROM, FLAG_COUNT, FLAG_CONNECTION };
static const struct flag flags[] = {
	{"from", "WHERE",
		"begin with the first message (`beginning`), with what comes (`end`), an offset "
		"(120), "
		"so many before the end (-20), or so long ago (1h); by default -10"},
	{"count", "N", "end after N messages; by default when interrupted"},
	{"connection", "NAME", "which brokers, where the configuration has several"},
	{0},
};

struct tail {
	struct brokers brokers;
	struct kafka_consumer *consumer;
	struct registry_options registry_options;
	struct registry *registry;
	struct message message;
	struct buf line;
	int64_t left; /* messages still to show */
};

/* --- Where to begin -------------------------------------------------------------------------------- */

static bool start_at(
	struct kafka *kafka, const char *from, struct kafka_places *places, struct error *err)
{
	struct kafka_places first = {0};
	int64_t ago_ms;
	char *rest;
	int64_t n = strtoll(from, &rest, 10);

	if (!strcmp(from, "beginning"))
		return kafka_bounds(kafka, places, KAFKA_EARLIEST, err);
	if (!strcmp(from, "end"))
		return kafka_bounds(kafka, places, KAFKA_LATEST, err);
	if (*rest && duration_parse(from, &ago_ms))
		return kafka_since(kafka, places, wall_us() / 1000 - ago_ms, err);
	if (!*from || *rest)
		return error_set(err, ERROR_CONFIG,
			"--from takes beginning, end, an offset, -N, or a duration as 1h; not '%s'",
			from);
	vec_each (places, place)
		vec_push(&first, *place);
	bool ok = kafka_bounds(kafka, &first, KAFKA_EARLIEST, err) &&
		  kafka_bounds(kafka, places, KAFKA_LATEST, err);
	for (size_t i = 0; ok && i < places->len; i++) {
		int64_t at = n < 0 ? places->items[i].offset + n : n;
		places->items[i].offset = at < first.items[i].offset ? first.items[i].offset : at;
	}
	vec_release(&first);
	return ok;
}

static bool begin(struct tail *t, const char *topic, const char *from, struct error *err)
{
	struct kafka *kafka = kafka_consumer_client(t->consumer);
	struct kafka_topic_infos found = {0};
	struct kafka_places places = {0};

	if (!kafka_topics(kafka, topic, &found, err))
		return false;
	for (int p = 0; found.len && p < found.items[0].partitions; p++)
		vec_push(&places, ((struct kafka_place){topic, p, 0}));
	bool ok = places.len ? start_at(kafka, from, &places, err) &&
				       kafka_assign(t->consumer, &places, err)
			     : error_set(err, ERROR_CONFIG,
				       "there is no topic %s; `tailrace topics` lists them", topic);
	vec_release(&places);
	kafka_topic_infos_release(&found);
	return ok;
}

/* --- A message as JSON ----------------------------------------------------------------------------- */

/* One token; false: there are no more, or the document is not well formed. */
static bool print_token(
	struct connect_reader *r, struct connect_writer *w, int *depth, struct error *err)
{
	switch (connect_next(r, err)) {
	case TOKEN_NULL: w->ops->optional(w, NULL, false); return true;
	case TOKEN_BOOLEAN: w->ops->boolean(w, r->boolean); return true;
	case TOKEN_INTEGER: w->ops->integer(w, r->integer); return true;
	case TOKEN_REAL: w->ops->float64(w, r->real); return true;
	case TOKEN_STRING: w->ops->string(w, r->data, r->len); return true;
	case TOKEN_BYTES: w->ops->bytes(w, r->data, r->len); return true;
	case TOKEN_FIELD: w->ops->field(w, (const char *)r->data, r->len); return true;
	case TOKEN_ARRAY:
		w->ops->array_begin(w, 0);
		++*depth;
		return true;
	case TOKEN_STRUCT:
		w->ops->struct_begin(w);
		++*depth;
		return true;
	case TOKEN_ARRAY_END:
		w->ops->array_end(w);
		--*depth;
		return true;
	case TOKEN_STRUCT_END:
		w->ops->struct_end(w);
		--*depth;
		return true;
	case TOKEN_END:
	case TOKEN_FAILED: break;
	}
	return false;
}

static bool print_document(struct connect_reader *r, struct buf *out)
{
	struct connect_json_writer w;
	struct error ignored = {0};
	int depth = 0;

	connect_json_writer_init(&w, out);
	do {
		if (!print_token(r, &w.base, &depth, &ignored))
			return false;
	} while (depth);
	return connect_next(r, &ignored) == TOKEN_END;
}

/* What is no document is shown as text. */
static void print_side(const char *name, bool there, const struct side *side, const uint8_t *bytes,
	size_t len, struct buf *out)
{
	json_put_key(out, name);
	size_t before = out->len;
	if (!there || (side && !side->reader)) {
		buf_puts(out, "null");
	} else if (!side || !print_document(side->reader, out)) {
		out->len = before;
		text_print_json((const char *)bytes, len, out);
	}
}

static bool print_record(struct tail *t, const struct kafka_record *r, struct error *err)
{
	struct error unread = {0};
	bool opened = message_open(&t->message, r, &unread);

	if (!opened && unread.kind != ERROR_DATA) {
		*err = unread;
		return false;
	}
	buf_clear(&t->line);
	json_put_open(&t->line, NULL, '{');
	json_put_int(&t->line, "partition", r->partition);
	json_put_int(&t->line, "offset", r->offset);
	json_put_utc(&t->line, "at", r->timestamp_ms * 1000);
	print_side(
		"key", r->has_key, opened ? &t->message.key : NULL, r->key, r->key_len, &t->line);
	print_side("value", r->has_value, opened ? &t->message.value : NULL, r->value, r->value_len,
		&t->line);
	if (!opened)
		json_put_text(&t->line, "error", unread.text);
	buf_puts(&t->line, "}");
	puts(buf_text(&t->line));
	return true;
}

static bool follow(struct tail *t, struct error *err)
{
	struct kafka_record records[BATCH];
	size_t n;

	while (t->left && !stop_asked && !ferror(stdout)) {
		if (!kafka_read(t->consumer, records, BATCH, &n, 100, err))
			return false;
		for (size_t i = 0; i < n && t->left; i++) {
			if (records[i].end)
				continue;
			if (!print_record(t, &records[i], err))
				return false;
			t->left--;
		}
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
	struct tail t = {.left = INT64_MAX};
	struct arena arena;
	struct error err = {0};
	const char *from = call->flags[FLAG_FROM] ? call->flags[FLAG_FROM] : "-10";

	if (!flag_count(call, FLAG_COUNT, INT64_MAX, &t.left))
		return WRONG_USE;
	arena_init(&arena);
	buf_init(&t.line, BUF_MAX);
	stop_on_signals();
	bool ok = open_tail(&t, connection, &arena, &err);
	message_init(&t.message, t.registry);
	ok = ok && begin(&t, call->args[0], from, &err) && follow(&t, &err);
	kafka_consumer_free(t.consumer);
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
	.help = "Shows partition, offset, time, key and value of each message, and waits for\n"
		"more. Avro is decoded through the registry; of JSON with a schema the\n"
		"payload is shown. A message that is neither is shown as text.\n"
		"\n"
		"  tailrace tail shop.public.orders --from -1 --count 1\n"
		"  tailrace tail shop.public.orders --from 1h | jq .value.after\n",
	.flags = flags,
	.run = tail,
};
