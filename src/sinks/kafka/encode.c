/* Connect data to the bytes of a message; see kafka.h. */
#include "sinks/kafka/kafka.h"

static bool find_schema_id(struct encoding *e, const struct kafka_sink *s, const char *topic,
	bool is_key, const struct connect_schema *schema, struct error *err)
{
	struct buf text, subject;

	buf_init(&text, BUF_MAX);
	buf_init(&subject, BUF_MAX);
	bool ok = avro_schema_from_connect(schema, &text, err);
	if (ok) {
		registry_subject(s->registry, topic, is_key, buf_text(&text), &subject);
		ok = registry_register(
			s->registry, buf_text(&subject), buf_text(&text), &e->schema_id, err);
	}
	buf_release(&subject);
	buf_release(&text);
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
