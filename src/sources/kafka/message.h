/*
 * The key and the value of a message. Each is Avro (Confluent's wire format), JSON with its schema, or JSON
 * without; which, every message tells by itself. What two schemas make together is a form: most messages of
 * a topic have the same.
 */
#ifndef SOURCES_KAFKA_MESSAGE_H
#define SOURCES_KAFKA_MESSAGE_H

#include "base/map.h"
#include "clients/kafka_consumer.h"
#include "clients/registry.h"
#include "formats/avro/avro.h"
#include "formats/connect/json.h"
#include "formats/debezium/debezium.h"

/* One that stands in messages as JSON, under its text. */
struct json_schema {
	struct arena arena;
	const struct connect_schema *schema;
};
struct schemas {
	struct map json; /* text -> struct json_schema * */
	struct map avro; /* id -> struct avro_schema * */
};
void schemas_release(struct schemas *s);

/* A key or a value, opened. */
struct side {
	struct connect_json_reader json;
	struct avro_reader avro;
	struct connect_reader *reader;       /* at the payload; NULL: there is nothing, or null */
	const struct connect_schema *schema; /* NULL: it carries none */
	/* JSON with a schema begins as the last one did, mostly */
	struct buf head;
	const struct connect_schema *head_schema;
};
struct message {
	struct registry *registry; /* of Avro's schemas; NULL: none is configured */
	struct schemas schemas;
	struct side key, value;
};
void message_init(struct message *m, struct registry *registry);
void message_release(struct message *m);

/* ERROR_DATA: it is none of the encodings; ERROR_RETRY, ERROR_CONFIG: of the registry. */
MUST_CHECK bool message_open(
	struct message *m, const struct kafka_record *record, struct error *err);

/* Made of the schemas of a key and a value; one of each topic has none. */
struct form {
	const struct connect_schema *key, *value; /* NULL: none */
	bool envelope;                            /* events; else plain rows */
	struct table *table;                      /* that it makes; see define_table() */
	struct debezium_shape *shape;             /* NULL: the table has a problem */
};
VEC_TYPE(forms, struct form *);
void forms_release(struct forms *forms);
/* The form of the message that is open; NULL: it is new. */
struct form *message_form(const struct message *m, const struct forms *forms);
/* It carries no schema, and nothing else says what its table is; the other knows one. */
bool form_is_worse(const struct form *, const struct form *other);
/* Does the value look like {"before":.., "after":.., "op":..}? */
bool message_is_envelope(struct message *m);

/* As JSON: the text, or "\\x00ff", what is none. */
void print_bytes(const uint8_t *bytes, size_t len, struct buf *out);

#endif
