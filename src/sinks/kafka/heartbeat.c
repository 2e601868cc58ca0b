/* A message on __debezium-heartbeat.PREFIX now and then, as Debezium's heartbeats are. */
#include "base/clock.h"
#include "sinks/kafka/kafka.h"

static const struct connect_schema text = {.kind = CONNECT_STRING},
				   number = {.kind = CONNECT_INT64};
static struct connect_field key_fields[] = {{"serverName", &text}},
			    value_fields[] = {{"ts_ms", &number}};
static const struct connect_schema key_schema = {.kind = CONNECT_STRUCT,
	.name = "io.debezium.connector.common.ServerNameKey",
	.version = 1,
	.fields = key_fields,
	.n_fields = COUNT_OF(key_fields)};
static const struct connect_schema value_schema = {.kind = CONNECT_STRUCT,
	.name = "io.debezium.connector.common.Heartbeat",
	.version = 1,
	.fields = value_fields,
	.n_fields = COUNT_OF(value_fields)};

bool heartbeat_send(struct kafka_sink *s, struct error *err)
{
	int64_t now_ms = mono_ms();

	if (!s->heartbeat_ms || (s->beat_ms && now_ms - s->beat_ms < s->heartbeat_ms))
		return true;
	if (!s->heartbeats)
		s->heartbeats = channel_open(s,
			debezium_sanitized(
				arena_printf(&s->arena, "__debezium-heartbeat.%s", s->prefix)),
			&key_schema, &value_schema, err);
	if (!s->heartbeats)
		return false;
	struct connect_writer *w = channel_key(s, s->heartbeats);
	w->ops->struct_begin(w);
	put_text(w, "serverName", s->prefix);
	w->ops->struct_end(w);
	w = channel_value(s, s->heartbeats);
	w->ops->struct_begin(w);
	put_number(w, "ts_ms", wall_us() / 1000);
	w->ops->struct_end(w);
	s->beat_ms = now_ms;
	return channel_send(s, s->heartbeats, err);
}
