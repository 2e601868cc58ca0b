/* The key and the value of a message; see message.h. */
#include "sources/kafka/message.h"

#include <string.h>
#include "base/text.h"

/* --- Schemas --------------------------------------------------------------------------------------- */

void schemas_release(struct schemas *s)
{
	const void *key;
	size_t i = 0, len;
	void *value;

	while (map_next(&s->json, &i, &key, &len, &value)) {
		arena_release(&((struct json_schema *)value)->arena);
		free(value);
	}
	for (i = 0; map_next(&s->avro, &i, &key, &len, &value);)
		avro_schema_free(value);
	map_release(&s->json);
	map_release(&s->avro);
}

static const struct connect_schema *json_schema(struct schemas *s, struct connect_json_reader *r,
	const uint8_t *text, size_t len, struct error *err)
{
	struct json_schema *known = map_get(&s->json, text, len);

	if (known)
		return known->schema;
	known = xcalloc(1, sizeof *known);
	arena_init(&known->arena);
	connect_json_read(r, text, len);
	known->schema = connect_schema_from_json(r, &known->arena, err);
	if (known->schema) {
		map_put(&s->json, text, len, known);
		return known->schema;
	}
	arena_release(&known->arena);
	free(known);
	return NULL;
}

/* --- Sides ----------------------------------------------------------------------------------------- */

struct text {
	const uint8_t *at;
	size_t len;
};

/* Is it {"schema": .., "payload": ..} and nothing else? */
static bool is_wrapped(struct connect_json_reader *r, struct text document, struct text *schema,
	struct text *payload)
{
	struct error ignored = {0};

	*schema = *payload = (struct text){0};
	connect_json_read(r, document.at, document.len);
	if (connect_next(&r->base, &ignored) != TOKEN_STRUCT)
		return false;
	while (connect_next(&r->base, &ignored) == TOKEN_FIELD) {
		struct text *part = NULL;
		if (r->base.len == 6 && !memcmp(r->base.data, "schema", 6))
			part = schema;
		else if (r->base.len == 7 && !memcmp(r->base.data, "payload", 7))
			part = payload;
		if (!part || part->at || !connect_skip(&r->base, &ignored))
			return false;
		*part = (struct text){r->base.data, r->base.len};
	}
	return schema->at && payload->at && connect_next(&r->base, &ignored) == TOKEN_END;
}

static bool is_null(struct text text)
{
	return text.len == 4 && !memcmp(text.at, "null", 4);
}

static void open_payload(struct side *side, struct text payload)
{
	side->reader = is_null(payload) ? NULL : &side->json.base;
	connect_json_read(&side->json, payload.at, payload.len);
}

/* What stands before the payload is compared as bytes: schemas are far longer than rows. */
static bool begins_as_before(struct side *side, struct text document)
{
	size_t head = side->head.len;

	if (!head || document.len < head + 2 || document.at[document.len - 1] != '}' ||
		memcmp(document.at, side->head.data, head) != 0)
		return false;
	side->schema = side->head_schema;
	open_payload(side, (struct text){document.at + head, document.len - head - 1});
	return true;
}

static void remember_head(struct side *side, struct text document, struct text payload)
{
	buf_clear(&side->head);
	if (payload.at + payload.len + 1 != document.at + document.len)
		return;
	buf_append(&side->head, document.at, (size_t)(payload.at - document.at));
	side->head_schema = side->schema;
}

static bool open_json(struct message *m, struct side *side, struct text document, struct error *err)
{
	static const uint8_t mark[] = {0xef, 0xbb, 0xbf}; /* of UTF-8; some write it */
	struct text schema, payload;

	if (document.len >= sizeof mark && !memcmp(document.at, mark, sizeof mark)) {
		document.at += sizeof mark;
		document.len -= sizeof mark;
	}
	if (begins_as_before(side, document))
		return true;
	if (!is_wrapped(&side->json, document, &schema, &payload)) {
		open_payload(side, document);
		return true;
	}
	if (!is_null(schema)) {
		side->schema = json_schema(&m->schemas, &side->json, schema.at, schema.len, err);
		if (!side->schema)
			return error_add(err, "schema");
		remember_head(side, document, payload);
	}
	open_payload(side, payload);
	return true;
}

static const struct avro_schema *avro_schema(struct message *m, uint32_t id, struct error *err)
{
	struct avro_schema *known = map_get(&m->schemas.avro, &id, sizeof id);

	if (known)
		return known;
	if (!m->registry) {
		error_set(err, ERROR_CONFIG,
			"the message is Avro; give the connection the address of its schema "
			"registry as `registry`");
		return NULL;
	}
	const char *text = registry_schema(m->registry, id, err);
	if (text)
		known = avro_schema_parse(text, strlen(text), err);
	if (known)
		map_put(&m->schemas.avro, &id, sizeof id, known);
	else
		error_add(err, "schema %u", id);
	return known;
}

static bool open_avro(
	struct message *m, struct side *side, uint32_t id, struct text body, struct error *err)
{
	const struct avro_schema *schema = avro_schema(m, id, err);

	if (!schema)
		return false;
	side->schema = avro_schema_connect(schema);
	avro_read(&side->avro, schema, body.at, body.len);
	side->reader = &side->avro.base;
	return true;
}

static bool open_side(struct message *m, struct side *side, struct text text, struct error *err)
{
	uint32_t id;

	side->reader = NULL;
	side->schema = NULL;
	if (!text.at)
		return true;
	if (avro_take_header(&text.at, &text.len, &id))
		return open_avro(m, side, id, text, err);
	return open_json(m, side, text, err);
}

bool message_open(struct message *m, const struct kafka_record *record, struct error *err)
{
	struct text key = {record->key, record->key_len},
		    value = {record->value, record->value_len};

	if (!open_side(m, &m->value, value, err))
		return error_add(err, "value");
	return open_side(m, &m->key, key, err) || error_add(err, "key");
}

static void side_init(struct side *side)
{
	connect_json_reader_init(&side->json);
	avro_reader_init(&side->avro);
	buf_init(&side->head, BUF_MAX);
}

static void side_release(struct side *side)
{
	connect_json_reader_release(&side->json);
	buf_release(&side->head);
}

void message_init(struct message *m, struct registry *registry)
{
	*m = (struct message){.registry = registry};
	side_init(&m->key);
	side_init(&m->value);
}

void message_release(struct message *m)
{
	side_release(&m->key);
	side_release(&m->value);
	schemas_release(&m->schemas);
}

/* --- Forms ----------------------------------------------------------------------------------------- */

void forms_release(struct forms *forms)
{
	vec_each (forms, form) {
		debezium_shape_free((*form)->shape);
		table_unref((*form)->table);
		free(*form);
	}
	vec_release(forms);
}

struct form *message_form(const struct message *m, const struct forms *forms)
{
	for (size_t i = forms->len; i-- > 0;) {
		struct form *form = forms->items[i];
		if (form->key == m->key.schema && form->value == m->value.schema)
			return form;
	}
	return NULL;
}

bool form_is_worse(const struct form *form, const struct form *other)
{
	return !form->value && !form->shape && other->shape;
}

static bool is_name(const struct connect_reader *r, const char *name)
{
	return r->len == strlen(name) && !memcmp(r->data, name, r->len);
}

bool message_is_envelope(struct message *m)
{
	const struct connect_schema *schema = m->value.schema;
	struct connect_reader *r = m->value.reader;
	bool op = false, row = false;
	struct error ignored = {0};

	if (schema)
		return schema->kind == CONNECT_STRUCT && connect_field(schema, "op") &&
		       connect_field(schema, "after");
	if (connect_next(r, &ignored) == TOKEN_STRUCT) {
		while (connect_next(r, &ignored) == TOKEN_FIELD) {
			op = op || is_name(r, "op");
			row = row || is_name(r, "after") || is_name(r, "before");
			if (!connect_skip(r, &ignored))
				break;
		}
	}
	r->ops->restart(r);
	return op && row;
}

void print_bytes(const uint8_t *bytes, size_t len, struct buf *out)
{
	bool looks_hex = len >= 2 && !memcmp(bytes, "\\x", 2);

	if (utf8_valid((const char *)bytes, len) && !memchr(bytes, 0, len) && !looks_hex) {
		text_print_json((const char *)bytes, len, out);
		return;
	}
	buf_puts(out, "\"\\\\x");
	text_hex(bytes, len, buf_extend(out, 2 * len));
	buf_puts(out, "\"");
}
