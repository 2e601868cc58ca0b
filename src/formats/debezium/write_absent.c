/*
 * What stands where there is no value: of a column that was not sent because it is as before, Debezium's placeholder
 * in the form that its type leaves for it; of a column that is not known, NULL, or where that is not allowed, the
 * column's default or a zero.
 */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "formats/connect/json.h"
#include "formats/debezium/base64.h"
#include "formats/debezium/field.h"

static void begin_optional(const struct connect_schema *s, struct connect_writer *w)
{
	if (s->optional)
		w->ops->optional(w, s, true);
}

/* --- As before -------------------------------------------------------------------------------- */

/* UUID.nameUUIDFromBytes() */
void placeholder_uuid(const char *placeholder, char out[37])
{
	uint8_t b[EVP_MAX_MD_SIZE];

	EVP_Digest(placeholder, strlen(placeholder), b, NULL, EVP_md5(), NULL);
	b[6] = (uint8_t)((b[6] & 0x0f) | 0x30);
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	snprintf(out, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12],
		b[13], b[14], b[15]);
}

/* Numbers of an array: the codes of the placeholder's letters. */
static void write_letters(
	const struct connect_schema *element, const char *placeholder, struct connect_writer *w)
{
	bool real = element->kind == CONNECT_FLOAT32 || element->kind == CONNECT_FLOAT64;

	w->ops->array_begin(w, strlen(placeholder));
	for (const char *letter = placeholder; *letter; letter++) {
		begin_optional(element, w);
		if (!real)
			w->ops->integer(w, *letter);
		else if (element->kind == CONNECT_FLOAT32)
			w->ops->float32(w, (float)*letter);
		else
			w->ops->float64(w, (double)*letter);
	}
	w->ops->array_end(w);
}

static bool write_placeholder(const struct connect_schema *s, const char *placeholder,
	struct connect_writer *w, struct error *err);

static bool write_array_placeholder(const struct connect_schema *s, const char *placeholder,
	struct connect_writer *w, struct error *err)
{
	const struct connect_schema *element = s->element;
	char uuid[37];

	if (element->kind <= CONNECT_FLOAT64) {
		write_letters(element, placeholder, w);
		return true;
	}
	if (element->name && !strcmp(element->name, "io.debezium.data.Uuid")) {
		placeholder_uuid(placeholder, uuid);
		placeholder = uuid;
	}
	w->ops->array_begin(w, 1);
	begin_optional(element, w);
	bool fine = write_placeholder(element, placeholder, w, err);
	w->ops->array_end(w);
	return fine;
}

/* Of VariableScaleDecimal and Geometry: its bytes are the placeholder's. */
static void write_struct_placeholder(
	const struct connect_schema *s, const char *placeholder, struct connect_writer *w)
{
	w->ops->struct_begin(w);
	for (size_t i = 0; i < s->n_fields; i++) {
		const struct connect_schema *field = s->fields[i].schema;
		w->ops->field(w, s->fields[i].name, strlen(s->fields[i].name));
		if (field->optional)
			w->ops->optional(w, field, false);
		else if (field->kind == CONNECT_BYTES)
			w->ops->bytes(w, placeholder, strlen(placeholder));
		else
			w->ops->integer(w, 0);
	}
	w->ops->struct_end(w);
}

static bool write_placeholder(const struct connect_schema *s, const char *placeholder,
	struct connect_writer *w, struct error *err)
{
	size_t len = strlen(placeholder);

	switch (s->kind) {
	case CONNECT_STRING: w->ops->string(w, placeholder, len); return true;
	case CONNECT_BYTES: w->ops->bytes(w, placeholder, len); return true;
	case CONNECT_ARRAY: return write_array_placeholder(s, placeholder, w, err);
	case CONNECT_MAP:
		w->ops->map_begin(w, 1);
		w->ops->field(w, placeholder, len);
		begin_optional(s->element, w);
		w->ops->string(w, placeholder, len);
		w->ops->map_end(w);
		return true;
	case CONNECT_STRUCT: write_struct_placeholder(s, placeholder, w); return true;
	case CONNECT_INT8:
	case CONNECT_INT16:
	case CONNECT_INT32:
	case CONNECT_INT64:
	case CONNECT_FLOAT32:
	case CONNECT_FLOAT64:
	case CONNECT_BOOLEAN: break;
	}
	return error_set(err, ERROR_DATA,
		"the value is as before and was not sent, and its type has no placeholder; "
		"REPLICA IDENTITY FULL sends it");
}

static void write_map_placeholder_as_json(const char *placeholder, struct connect_writer *w)
{
	struct buf json;

	buf_init(&json, BUF_MAX);
	buf_printf(&json, "{\"%s\":\"%s\"}", placeholder, placeholder);
	w->ops->string(w, json.data, json.len);
	buf_release(&json);
}

bool field_write_unchanged(const struct field *f, struct connect_writer *w, struct error *err)
{
	begin_optional(f->schema, w);
	const struct field *of = f->write == write_carried ? f->element : f;
	if (of->write == write_map_as_json) {
		write_map_placeholder_as_json(f->modes->unavailable, w);
		return true;
	}
	return write_placeholder(f->schema, f->modes->unavailable, w, err);
}

/* --- Not known -------------------------------------------------------------------------------- */

static void write_base64(const struct connect_reader *r, struct connect_writer *w)
{
	uint8_t *bytes = xmalloc(r->len + 1);

	w->ops->bytes(w, bytes, (size_t)base64_decode(r->data, r->len, bytes));
	free(bytes);
}

static void write_json(const struct connect_schema *s, struct connect_reader *r,
	enum connect_token token, struct connect_writer *w);

static void write_json_struct(
	const struct connect_schema *s, struct connect_reader *r, struct connect_writer *w)
{
	w->ops->struct_begin(w);
	for (size_t i = 0; i < s->n_fields; i++) {
		connect_next(r, NULL);
		w->ops->field(w, s->fields[i].name, strlen(s->fields[i].name));
		write_json(s->fields[i].schema, r, connect_next(r, NULL), w);
	}
	connect_next(r, NULL);
	w->ops->struct_end(w);
}

/* Of one pair, or of none. */
static void write_json_map(
	const struct connect_schema *s, struct connect_reader *r, struct connect_writer *w)
{
	bool one = connect_next(r, NULL) == TOKEN_FIELD;

	w->ops->map_begin(w, one);
	if (one) {
		w->ops->field(w, (const char *)r->data, r->len);
		write_json(s->element, r, connect_next(r, NULL), w);
		connect_next(r, NULL);
	}
	w->ops->map_end(w);
}

/* The text is ours: it fits the schema, its arrays are empty. */
static void write_json(const struct connect_schema *s, struct connect_reader *r,
	enum connect_token token, struct connect_writer *w)
{
	if (s->optional)
		w->ops->optional(w, s, token != TOKEN_NULL);
	if (s->optional && token == TOKEN_NULL)
		return;
	switch (s->kind) {
	case CONNECT_INT8:
	case CONNECT_INT16:
	case CONNECT_INT32:
	case CONNECT_INT64: w->ops->integer(w, r->integer); break;
	case CONNECT_FLOAT32:
		w->ops->float32(w, token == TOKEN_REAL ? (float)r->real : (float)r->integer);
		break;
	case CONNECT_FLOAT64:
		w->ops->float64(w, token == TOKEN_REAL ? r->real : (double)r->integer);
		break;
	case CONNECT_BOOLEAN: w->ops->boolean(w, r->boolean); break;
	case CONNECT_STRING: w->ops->string(w, r->data, r->len); break;
	case CONNECT_BYTES: write_base64(r, w); break;
	case CONNECT_ARRAY:
		connect_next(r, NULL);
		w->ops->array_begin(w, 0);
		w->ops->array_end(w);
		break;
	case CONNECT_MAP: write_json_map(s, r, w); break;
	case CONNECT_STRUCT: write_json_struct(s, r, w); break;
	}
}

void field_write_absent(const struct field *f, struct connect_writer *w)
{
	struct connect_json_reader json;
	const char *text = f->schema->fallback ? f->schema->fallback : f->absent;

	if (f->nullable) {
		w->ops->optional(w, f->schema, false);
		return;
	}
	connect_json_reader_init(&json);
	connect_json_read(&json, text, strlen(text));
	write_json(f->schema, &json.base, connect_next(&json.base, NULL), w);
	connect_json_reader_release(&json);
}
