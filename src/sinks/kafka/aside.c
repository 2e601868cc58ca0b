/* What could not be written, as JSON on the topic PREFIX.tailrace.set_aside; see kafka.h. */
#include "base/clock.h"
#include "base/text.h"
#include "sinks/kafka/kafka.h"

static void member(struct buf *out, const char *name, const char *text)
{
	buf_printf(out, "%s\"%s\":", out->len > 1 ? "," : "", name);
	if (text)
		text_print_json(text, strlen(text), out);
	else
		buf_puts(out, "null");
}

/* `document` is JSON already. */
static void nested(struct buf *out, const char *name, const char *document)
{
	buf_printf(out, ",\"%s\":%s", name, document ? document : "null");
}

static void print_aside(const struct kafka_sink *s, const struct table *t,
	const struct set_aside *aside, struct buf *out)
{
	char version[VERSION_TEXT], time[32];

	version_print(aside->meta.version, version);
	format_utc(aside->meta.commit_time_us, time);
	buf_clear(out);
	buf_puts(out, "{");
	member(out, "stream", s->sink.from ? s->sink.from->name : NULL);
	member(out, "schema", t->schema);
	member(out, "table", t->name);
	member(out, "column", aside->column);
	member(out, "reason", aside->reason);
	nested(out, "key", aside->key);
	nested(out, "row", aside->row);
	buf_printf(out, ",\"op\":\"%c\",\"version\":\"%s\",\"lsn\":%llu,\"xid\":%u", aside->meta.op,
		version, (unsigned long long)aside->meta.commit_lsn, aside->meta.xid);
	member(out, "commit_time", aside->meta.commit_time_us ? time : NULL);
	buf_puts(out, "}");
}

static bool send_aside(struct kafka_sink *s, const struct table *t, const struct set_aside *aside,
	struct error *err)
{
	buf_clear(&s->key);
	buf_puts(&s->key, "{");
	member(&s->key, "schema", t->schema);
	member(&s->key, "table", t->name);
	nested(&s->key, "key", aside->key);
	buf_puts(&s->key, "}");
	print_aside(s, t, aside, &s->value);
	const struct kafka_message message = {.key = s->key.data,
		.key_len = s->key.len,
		.value = s->value.data,
		.value_len = s->value.len};
	return kafka_send(s->aside, &message, err);
}

bool kafka_sink_set_aside(struct sink *sink, const struct landing *landing,
	const struct batch *batch, struct error *err)
{
	static const struct kafka_setting settings[] = {
		{"retention.ms", "-1"}, {"max.message.bytes", "100000000"}, {0}};
	struct kafka_sink *s = kafka_sink_of(sink);

	if (!s->aside)
		s->aside = own_topic(s, "set_aside", settings, err);
	if (!s->aside || !transaction_begin(s, err))
		return false;
	for (size_t i = 0; i < batch->aside.len; i++)
		if (!send_aside(s, landing->table, &batch->aside.items[i], err))
			return false;
	return true;
}
