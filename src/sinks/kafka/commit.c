/*
 * Transactions that carry the place in the source with the changes; see kafka.h. The place is the last record
 * of the stream's key on the compacted topic PREFIX.tailrace.positions, written within the transaction, so it
 * is there exactly when the changes are.
 */
#include <jansson.h>
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/json.h"
#include "clients/kafka_consumer.h"
#include "sinks/kafka/kafka.h"

#define TOPIC        "positions"
#define LOOK_BACK    1000 /* messages, looked through first */
#define READ_MS      10000
#define READ_BYTES   (1 << 20)
#define READ_AT_ONCE 100

bool is_transactional(const struct kafka_sink *s)
{
	return s->sink.from && s->delivery == EXACTLY_ONCE;
}

/* As Debezium's: one of each prefix and stream. */
const char *transactional_id(const struct kafka_sink *s, struct arena *arena)
{
	return arena_printf(arena, "tailrace.%s.%s", s->prefix, s->sink.from->name);
}

/* What an earlier process of this stream left open ends; and that process cannot write any more. */
static bool ready(struct kafka_sink *s, struct error *err)
{
	static const struct kafka_setting settings[] = {{"cleanup.policy", "compact"},
		{"segment.bytes", "16777216"}, {"min.cleanable.dirty.ratio", "0.1"}, {0}};

	if (!s->positions)
		s->positions = own_topic(s, TOPIC, settings, err);
	if (!s->positions)
		return false;
	s->fenced = s->fenced || kafka_fence(s->client, err);
	return s->fenced;
}

bool transaction_begin(struct kafka_sink *s, struct error *err)
{
	if (!is_transactional(s) || s->in_transaction)
		return true;
	if (!ready(s, err) || !kafka_begin(s->client, err))
		return false;
	s->in_transaction = true;
	return true;
}

/* --- The place ------------------------------------------------------------------------------------- */

static void print_place(const struct resume *resume, struct buf *out)
{
	unsigned __int128 order = resume->position.order;

	buf_clear(out);
	buf_puts(out, "{");
	json_put_text(out, "identity", resume->identity);
	json_put_text(out, "position", resume->position.token);
	buf_printf(out, ",\"order\":\"%016llx%016llx\",\"commit_time_us\":%lld}",
		(unsigned long long)(order >> 64), (unsigned long long)order,
		(long long)resume->position.commit_time_us);
}

static bool read_place(const struct kafka_record *record, struct resume *out)
{
	unsigned long long high, low;
	const char *identity, *token, *order;
	json_int_t time_us;
	json_t *place = json_loadb((const char *)record->value, record->value_len, 0, NULL);
	bool ok = place &&
		  json_unpack(place, "{s:s, s:s, s:s, s:I}", "identity", &identity, "position",
			  &token, "order", &order, "commit_time_us", &time_us) == 0 &&
		  sscanf(order, "%16llx%16llx", &high, &low) == 2 &&
		  strlen(identity) < sizeof out->identity &&
		  strlen(token) < sizeof out->position.token;

	if (ok) {
		*out = (struct resume){.position = {
					       .order = (unsigned __int128)high << 64 | low,
					       .commit_time_us = time_us,
				       }};
		snprintf(out->identity, sizeof out->identity, "%s", identity);
		snprintf(out->position.token, sizeof out->position.token, "%s", token);
	}
	json_decref(place);
	return ok;
}

static bool send_place(struct kafka_sink *s, const struct resume *resume, struct error *err)
{
	const char *stream = s->sink.from->name;

	print_place(resume, &s->value);
	const struct kafka_message message = {.key = stream,
		.key_len = strlen(stream),
		.value = s->value.data,
		.value_len = s->value.len};
	return kafka_send(s->positions, &message, err);
}

bool kafka_sink_commit(struct sink *sink, const struct resume *resume, struct error *err)
{
	struct kafka_sink *s = kafka_sink_of(sink);

	if (!heartbeat_send(s, err) || !metadata_send(s, err))
		return false;
	if (!is_transactional(s))
		return kafka_flush(s->client, err);
	if (!s->in_transaction)
		return true;
	failpoint("kafka.before_commit");
	if (!send_place(s, resume, err) || !kafka_commit(s->client, err))
		return false;
	s->in_transaction = false;
	failpoint("kafka.committed");
	return true;
}

/* --- The place that was committed last ---------------------------------------------------------------- */

struct look {
	const char *stream;
	struct resume *out;
	bool found;
};

static void look_at(struct look *look, const struct kafka_record *record)
{
	if (record->end || !record->has_value || record->key_len != strlen(look->stream) ||
		memcmp(record->key, look->stream, record->key_len) != 0)
		return;
	look->found = read_place(record, look->out) || look->found;
}

/* Reads the partition from there to its end. */
static bool look_from(struct kafka_consumer *consumer, const char *topic, int64_t offset,
	struct look *look, struct error *err)
{
	struct kafka_place from = {.topic = topic, .offset = offset};
	const struct kafka_places places = {.items = &from, .len = 1};
	struct kafka_record records[READ_AT_ONCE];
	int64_t until = mono_ms() + READ_MS;
	bool at_end = false;

	if (!kafka_assign(consumer, &places, err))
		return false;
	while (!at_end) {
		size_t n = 0;
		if (!kafka_read(consumer, records, READ_AT_ONCE, &n, 100, err))
			return false;
		for (size_t i = 0; i < n; i++) {
			look_at(look, &records[i]);
			at_end = at_end || records[i].end;
		}
		if (n)
			until = mono_ms() + READ_MS;
		if (mono_ms() > until)
			return error_set(
				err, ERROR_RETRY, "topic %s could not be read to its end", topic);
	}
	return true;
}

/* From the end backwards, further each time: the newest is among the last, unless the stream has slept. */
static bool look_back(
	struct kafka_consumer *consumer, const char *topic, struct look *look, struct error *err)
{
	struct kafka *client = kafka_consumer_client(consumer);
	struct kafka_place first = {.topic = topic}, last = first;
	struct kafka_places firsts = {.items = &first, .len = 1},
			    lasts = {.items = &last, .len = 1};

	if (!kafka_bounds(client, &firsts, KAFKA_EARLIEST, err) ||
		!kafka_bounds(client, &lasts, KAFKA_LATEST, err))
		return false;
	int64_t from = last.offset;
	for (int64_t back = LOOK_BACK; !look->found && from > first.offset; back *= 10) {
		from = last.offset - back > first.offset ? last.offset - back : first.offset;
		if (!look_from(consumer, topic, from, look, err))
			return false;
	}
	return true;
}

bool kafka_sink_recorded(struct sink *sink, struct resume *out, bool *found, struct error *err)
{
	struct kafka_sink *s = kafka_sink_of(sink);
	struct look look = {.stream = sink->from ? sink->from->name : "", .out = out};

	*found = false;
	if (!is_transactional(s))
		return true;
	if (!ready(s, err))
		return false;
	struct kafka_consumer *consumer = kafka_consumer_new(&s->broker, NULL, READ_BYTES, err);
	if (!consumer)
		return false;
	const char *topic = own_topic_name(s, TOPIC, &s->arena);
	bool ok = look_back(consumer, topic, &look, err) ||
		  error_add(err, "looking up the position in topic %s", topic);
	kafka_consumer_free(consumer);
	*found = look.found;
	return ok;
}
