/* Topics beside those of tables, whose messages have schemas of their own; see kafka.h. */
#include "sinks/kafka/kafka.h"

struct channel {
	struct kafka_topic *topic;
	struct encoding key, value;
	union encoder encoder;
};

struct channel *channel_open(struct kafka_sink *s, const char *name,
	const struct connect_schema *key, const struct connect_schema *value, struct error *err)
{
	struct channel *c = xcalloc(1, sizeof *c);

	c->topic = topic_make(s, name, 1, NULL, err);
	if (c->topic && encoding_init(&c->key, s, name, true, key, err) &&
		encoding_init(&c->value, s, name, false, value, err))
		return c;
	channel_close(c);
	return NULL;
}

void channel_close(struct channel *c)
{
	if (!c)
		return;
	kafka_topic_close(c->topic);
	encoding_release(&c->key);
	encoding_release(&c->value);
	free(c);
}

struct connect_writer *channel_key(struct kafka_sink *s, struct channel *c)
{
	return encoder_begin(&c->encoder, &c->key, &s->key);
}

struct connect_writer *channel_value(struct kafka_sink *s, struct channel *c)
{
	encoder_end(&c->key, &s->key);
	return encoder_begin(&c->encoder, &c->value, &s->value);
}

bool channel_send(struct kafka_sink *s, struct channel *c, struct error *err)
{
	encoder_end(&c->value, &s->value);
	const struct kafka_message message = {.key = s->key.data,
		.key_len = s->key.len,
		.value = s->value.data,
		.value_len = s->value.len};

	return transaction_begin(s, err) && kafka_send(c->topic, &message, err);
}

void put_text(struct connect_writer *w, const char *name, const char *text)
{
	w->ops->field(w, name, strlen(name));
	w->ops->string(w, text, strlen(text));
}

void put_number(struct connect_writer *w, const char *name, int64_t number)
{
	w->ops->field(w, name, strlen(name));
	w->ops->integer(w, number);
}
