/* Connect data to the bytes of a message; see kafka.h. */
#include "sinks/kafka/kafka.h"

/* A schema as the registry knows it. */
struct named {
	struct buf text, subject;
};

static void named_release(struct named *n)
{
	buf_release(&n->subject);
	buf_release(&n->text);
}

static bool named_init(struct named *n, const struct kafka_sink *s, const char *topic, bool is_key,
	const struct connect_schema *schema, struct error *err)
{
	buf_init(&n->text, BUF_MAX);
	buf_init(&n->subject, BUF_MAX);
	if (!avro_schema_from_connect(schema, &n->text, err))
		return false;
	registry_subject(s->registry, topic, is_key, buf_text(&n->text), &n->subject);
	return true;
}

static bool find_schema_id(struct encoding *e, const struct kafka_sink *s, const char *topic,
	bool is_key, const struct connect_schema *schema, struct error *err)
{
	struct named n;
	bool ok = named_init(&n, s, topic, is_key, schema, err) &&
		  registry_register(
			  s->registry, buf_text(&n.subject), buf_text(&n.text), &e->schema_id, err);

	named_release(&n);
	return ok;
}

bool encoding_check(const struct kafka_sink *s, const char *topic, bool is_key,
	const struct connect_schema *schema, struct error *err)
{
	struct named n;

	if (s->broker.format != KAFKA_AVRO)
		return true;
	bool ok = named_init(&n, s, topic, is_key, schema, err) &&
		  registry_compatible(s->registry, buf_text(&n.subject), buf_text(&n.text), err);
	named_release(&n);
	return ok;
}

bool encoding_init(struct encoding *e, const struct kafka_sink *s, const char *topic, bool is_key,
	const struct connect_schema *schema, struct error *err)
{
	*e = (struct encoding){.format = (enum kafka_format)s->broker.format};
	buf_init(&e->prefix, BUF_MAX);
	switch (e->format) {
	case KAFKA_JSON: break;
	case KAFKA_JSON_SCHEMA:
		buf_puts(&e->prefix, "{\"schema\":");
		connect_schema_to_json(schema, &e->prefix);
		buf_puts(&e->prefix, ",\"payload\":");
		break;
	case KAFKA_AVRO: return find_schema_id(e, s, topic, is_key, schema, err);
	}
	return true;
}

void encoding_release(struct encoding *e)
{
	buf_release(&e->prefix);
}

struct connect_writer *encoder_begin(
	union encoder *encoder, const struct encoding *e, struct buf *out)
{
	buf_clear(out);
	if (e->format == KAFKA_AVRO) {
		avro_header(out, e->schema_id);
		avro_writer_init(&encoder->avro, out);
		return &encoder->avro.base;
	}
	buf_append(out, e->prefix.data, e->prefix.len);
	connect_json_writer_init(&encoder->json, out);
	return &encoder->json.base;
}

void encoder_end(const struct encoding *e, struct buf *out)
{
	if (e->format == KAFKA_JSON_SCHEMA)
		buf_u8(out, '}');
}
