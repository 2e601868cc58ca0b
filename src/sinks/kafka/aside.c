/* What could not be written, as JSON on the topic PREFIX.tailrace.set_aside; see kafka.h. */
#include "base/json.h"
#include "sinks/kafka/kafka.h"

static void print_aside(const struct kafka_sink *s, const struct table *t,
	const struct set_aside *aside, struct buf *out)
{
	char version[VERSION_TEXT], op[] = {aside->meta.op, '\0'};

	version_print(aside->meta.version, version);
	buf_clear(out);
	buf_puts(out, "{");
	json_put_text(out, "stream", s->sink.from ? s->sink.from->name : NULL);
	json_put_text(out, "schema", t->schema);
	json_put_text(out, "table", t->name);
	json_put_text(out, "column", aside->column);
	json_put_text(out, "reason", aside->reason);
	json_put_raw(out, "key", aside->key);
	json_put_raw(out, "row", aside->row);
	json_put_text(out, "op", op);
	json_put_text(out, "version", version);
	json_put_uint(out, "lsn", aside->meta.commit_lsn);
	json_put_uint(out, "xid", aside->meta.xid);
	json_put_utc(out, "commit_time", aside->meta.commit_time_us);
	buf_puts(out, "}");
}

static bool send_aside(struct kafka_sink *s, const struct table *t, const struct set_aside *aside,
	struct error *err)
{
	buf_clear(&s->key);
	buf_puts(&s->key, "{");
	json_put_text(&s->key, "schema", t->schema);
	json_put_text(&s->key, "table", t->name);
	json_put_raw(&s->key, "key", aside->key);
	buf_puts(&s->key, "}");
	print_aside(s, t, aside, &s->value);
	const struct kafka_message message = {.key = s->key.data,
		.key_len = s->key.len,
		.value = s->value.data,
		.value_len = s->value.len};
	return kafka_send(s->aside, &message, err);
}

/* Where the topic was made by somebody else, it may not take the row either: then all but the row. */
static bool send_what_fits(struct kafka_sink *s, const struct table *t,
	const struct set_aside *aside, struct error *err)
{
	struct set_aside less = *aside;

	if (send_aside(s, t, aside, err))
		return true;
	if (err->kind != ERROR_DATA)
		return false;
	error_clear(err);
	less.row = NULL;
	less.key = t->n_key ? aside->key : NULL; /* else that is the row again */
	return send_aside(s, t, &less, err);
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
		if (!send_what_fits(s, landing->table, &batch->aside.items[i], err))
			return false;
	return true;
}
