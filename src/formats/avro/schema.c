/*
 * The Avro schema of a Connect schema, as Confluent's AvroData.fromConnectSchema makes it and Avro's
 * Schema.toString prints it: first what Avro knows of a type, then Connect's own in "connect." properties. A record
 * that was printed once is its name from then on.
 */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "base/vec.h"
#include "formats/avro/avro.h"
#include "formats/avro/forms.h"
#include "formats/connect/json.h"

struct record {
	const struct connect_schema *schema;
	const char *full_name;
};
struct text {
	struct buf *out;
	struct error *err;
	struct arena arena;
	VEC(struct record) records; /* printed so far */
	size_t unnamed;
	const char *space; /* the namespace around, its length */
	size_t space_len;
};

static bool print_schema(struct text *t, const struct connect_schema *schema);

/* --- Names ------------------------------------------------------------------------------------ */

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/*
 * What Avro does not allow becomes _, as in Debezium's SchemaNameAdjuster, which counts UTF-16 units; a digit in
 * front gets one before it. Debezium leaves a digit after a dot, and Avro refuses it then: here it is
 * treated as one in front.
 */
static const char *adjusted(struct text *t, const char *name, bool dots)
{
	char *to = arena_alloc(&t->arena, strlen(name) * 2 + 1);
	char *start = to;

	for (const char *p = name; *p;) {
		size_t step = utf8_sequence(p, strlen(p));
		bool first = p == name || (dots && p[-1] == '.');
		if (is_letter(*p) || (is_digit(*p) && !first) || (*p == '.' && dots && p > name)) {
			*to++ = *p;
		} else {
			*to++ = '_';
			if (is_digit(*p) || step == 4)
				*to++ = is_digit(*p) ? *p : '_';
		}
		p += step ? step : 1;
	}
	return start;
}

static void put_text(struct text *t, const char *text)
{
	text_print_json(text, strlen(text), t->out);
}

static size_t space_of(const char *full_name)
{
	const char *dot = strrchr(full_name, '.');
	return dot ? (size_t)(dot - full_name) : 0;
}

static bool is_space_around(const struct text *t, const char *full_name)
{
	size_t len = space_of(full_name);
	return len == t->space_len && !memcmp(full_name, t->space, len);
}

static const char *simple_name(const char *full_name)
{
	size_t space = space_of(full_name);
	return full_name + (space ? space + 1 : 0);
}

/* --- What Connect says beyond Avro ------------------------------------------------------------- */

/* Bytes stand in a default as text of their code points. */
static void put_bytes_default(struct text *t, const char *json)
{
	size_t len = strlen(json);
	size_t coded = len >= 2 ? len - 2 : 0; /* without its quotes */
	uint8_t *raw = arena_alloc(&t->arena, coded + 3);
	char *text = arena_alloc(&t->arena, 2 * coded + 1), *to = text;
	int got = EVP_DecodeBlock(raw, (const uint8_t *)json + 1, (int)coded);

	for (size_t i = len - 2; coded && got > 0 && json[i] == '='; i--)
		got--;
	for (int i = 0; i < got; i++) {
		if (raw[i] >= 0x80)
			*to++ = (char)(0xc0 | raw[i] >> 6);
		*to++ = raw[i] >= 0x80 ? (char)(0x80 | (raw[i] & 0x3f)) : (char)raw[i];
	}
	text_print_json(text, (size_t)(to - text), t->out);
}

static void put_default(struct text *t, const struct connect_schema *schema)
{
	if (schema->kind == CONNECT_BYTES)
		put_bytes_default(t, schema->fallback);
	else
		buf_puts(t->out, schema->fallback);
}

static void print_parameters(struct text *t, const struct connect_schema *schema)
{
	buf_puts(t->out, ",\"connect.parameters\":{");
	for (size_t i = 0; i < schema->n_parameters; i++) {
		if (i)
			buf_u8(t->out, ',');
		put_text(t, schema->parameters[i].key);
		buf_u8(t->out, ':');
		put_text(t, schema->parameters[i].value);
	}
	buf_u8(t->out, '}');
}

static const char *logical_type(const struct connect_schema *schema)
{
	static const struct {
		const char *name, *avro;
	} known[] = {
		{CONNECT_DECIMAL, "decimal"},
		{CONNECT_DATE, "date"},
		{CONNECT_TIME, "time-millis"},
		{CONNECT_TIMESTAMP, "timestamp-millis"},
	};

	for (size_t i = 0; schema->name && i < COUNT_OF(known); i++)
		if (!strcmp(schema->name, known[i].name))
			return known[i].avro;
	return NULL;
}

static bool is_decimal(const struct connect_schema *schema)
{
	return schema->kind == CONNECT_BYTES && schema->name &&
	       !strcmp(schema->name, CONNECT_DECIMAL);
}

static void print_decimal(struct text *t, const struct connect_schema *schema)
{
	const char *scale = connect_parameter(schema, CONNECT_DECIMAL_SCALE);
	const char *digits = connect_parameter(schema, CONNECT_DECIMAL_PRECISION);

	buf_printf(t->out, ",\"scale\":%d,\"precision\":%d", scale ? atoi(scale) : 0,
		digits ? atoi(digits) : AVRO_DIGITS_UNKNOWN);
}

/* In the order in which Confluent's converter adds them; `name` is the adjusted one. */
static void print_properties(struct text *t, const struct connect_schema *schema, const char *name)
{
	if (is_decimal(schema))
		print_decimal(t, schema);
	if (schema->doc) {
		buf_puts(t->out, ",\"connect.doc\":");
		put_text(t, schema->doc);
	}
	if (schema->version)
		buf_printf(t->out, ",\"connect.version\":%d", schema->version);
	if (schema->n_parameters)
		print_parameters(t, schema);
	if (avro_has_default(schema)) {
		buf_puts(t->out, ",\"connect.default\":");
		put_default(t, schema);
	}
	if (name) {
		buf_puts(t->out, ",\"connect.name\":");
		put_text(t, name);
	}
	if (schema->kind == CONNECT_INT8 || schema->kind == CONNECT_INT16)
		buf_printf(t->out, ",\"connect.type\":\"int%d\"",
			schema->kind == CONNECT_INT8 ? 8 : 16);
	if (logical_type(schema))
		buf_printf(t->out, ",\"logicalType\":\"%s\"", logical_type(schema));
}

static bool has_properties(const struct connect_schema *schema)
{
	return schema->name || schema->version || schema->doc || schema->n_parameters ||
	       avro_has_default(schema) || schema->kind == CONNECT_INT8 ||
	       schema->kind == CONNECT_INT16;
}

/* --- Types ------------------------------------------------------------------------------------- */

/* Avro has a float's default as the double that it is, all digits of it. */
static void put_field_default(struct text *t, const struct connect_schema *schema)
{
	struct connect_json_writer json;

	if (schema->kind != CONNECT_FLOAT32) {
		put_default(t, schema);
		return;
	}
	connect_json_writer_init(&json, t->out);
	json.base.ops->float64(&json.base, (double)strtof(schema->fallback, NULL));
}

static bool print_field(struct text *t, const struct connect_field *field, const char *name)
{
	buf_puts(t->out, "{\"name\":");
	put_text(t, name);
	buf_puts(t->out, ",\"type\":");
	if (!print_schema(t, field->schema))
		return false;
	if (avro_has_default(field->schema)) {
		buf_puts(t->out, ",\"default\":");
		put_field_default(t, field->schema);
	} else if (field->schema->optional) {
		buf_puts(t->out, ",\"default\":null");
	}
	buf_u8(t->out, '}');
	return true;
}

static bool print_fields(struct text *t, const struct connect_schema *schema)
{
	const char **names = arena_alloc(&t->arena, (schema->n_fields + 1) * sizeof *names);

	buf_puts(t->out, ",\"fields\":[");
	for (size_t i = 0; i < schema->n_fields; i++) {
		names[i] = adjusted(t, schema->fields[i].name, false);
		for (size_t j = 0; j < i; j++)
			if (!strcmp(names[i], names[j]))
				return error_set(t->err, ERROR_TABLE,
					"\"%s\" and \"%s\" are both \"%s\" in Avro, which allows "
					"letters, digits and _ "
					"alone; rename one of them, or leave it out",
					schema->fields[j].name, schema->fields[i].name, names[i]);
		if (i)
			buf_u8(t->out, ',');
		if (!print_field(t, &schema->fields[i], names[i]))
			return false;
	}
	buf_u8(t->out, ']');
	return true;
}

static bool same_record(const struct connect_schema *a, const struct connect_schema *b)
{
	struct connect_schema one = *a, other = *b;

	one.optional = other.optional = false;
	return connect_schema_equal(&one, &other);
}

/* The one that was printed already; NULL: none. */
static const struct record *printed(const struct text *t, const struct connect_schema *schema)
{
	vec_each (&t->records, r) {
		if (schema->name ? r->schema->name && !strcmp(schema->name, r->schema->name)
				 : same_record(schema, r->schema))
			return r;
	}
	return NULL;
}

static const char *full_name(struct text *t, const struct connect_schema *schema)
{
	if (schema->name)
		return adjusted(t, schema->name, true);
	return ++t->unnamed == 1 ? AVRO_UNNAMED
				 : arena_printf(&t->arena, AVRO_UNNAMED "%zu", t->unnamed);
}

static bool print_record(struct text *t, const struct connect_schema *schema)
{
	const struct record *before = printed(t, schema);
	const char *outer = t->space;
	size_t outer_len = t->space_len;

	if (before) {
		put_text(t, is_space_around(t, before->full_name) ? simple_name(before->full_name)
								  : before->full_name);
		return true;
	}
	struct record record = {schema, full_name(t, schema)};
	vec_push(&t->records, record);
	buf_puts(t->out, "{\"type\":\"record\",\"name\":");
	put_text(t, simple_name(record.full_name));
	if (!is_space_around(t, record.full_name)) {
		buf_puts(t->out, ",\"namespace\":");
		text_print_json(record.full_name, space_of(record.full_name), t->out);
	}
	t->space = record.full_name;
	t->space_len = space_of(record.full_name);
	if (!print_fields(t, schema))
		return false;
	t->space = outer;
	t->space_len = outer_len;
	print_properties(t, schema, schema->name ? record.full_name : NULL);
	buf_u8(t->out, '}');
	return true;
}

static bool print_collection(
	struct text *t, const struct connect_schema *schema, const char *type, const char *of)
{
	buf_printf(t->out, "{\"type\":\"%s\",\"%s\":", type, of);
	if (!print_schema(t, schema->element))
		return false;
	print_properties(t, schema, schema->name);
	buf_u8(t->out, '}');
	return true;
}

static bool print_scalar(struct text *t, const struct connect_schema *schema)
{
	static const char *const types[] = {
		[CONNECT_INT8] = "int",
		[CONNECT_INT16] = "int",
		[CONNECT_INT32] = "int",
		[CONNECT_INT64] = "long",
		[CONNECT_FLOAT32] = "float",
		[CONNECT_FLOAT64] = "double",
		[CONNECT_BOOLEAN] = "boolean",
		[CONNECT_STRING] = "string",
		[CONNECT_BYTES] = "bytes",
	};

	if (has_properties(schema)) {
		buf_printf(t->out, "{\"type\":\"%s\"", types[schema->kind]);
		print_properties(t, schema, schema->name);
		buf_u8(t->out, '}');
	} else {
		buf_printf(t->out, "\"%s\"", types[schema->kind]);
	}
	return true;
}

static bool print_present(struct text *t, const struct connect_schema *schema)
{
	if (schema->kind == CONNECT_STRUCT)
		return print_record(t, schema);
	if (schema->kind == CONNECT_ARRAY)
		return print_collection(t, schema, "array", "items");
	if (schema->kind == CONNECT_MAP)
		return print_collection(t, schema, "map", "values");
	return print_scalar(t, schema);
}

static bool print_schema(struct text *t, const struct connect_schema *schema)
{
	bool null_last = avro_has_default(schema);

	if (!schema->optional)
		return print_present(t, schema);
	buf_puts(t->out, null_last ? "[" : "[\"null\",");
	if (!print_present(t, schema))
		return false;
	buf_puts(t->out, null_last ? ",\"null\"]" : "]");
	return true;
}

bool avro_schema_from_connect(
	const struct connect_schema *schema, struct buf *out, struct error *err)
{
	struct text t = {.out = out, .err = err, .space = ""};
	size_t start = out->len;

	arena_init(&t.arena);
	bool ok = print_schema(&t, schema);
	arena_release(&t.arena);
	vec_release(&t.records);
	if (!ok)
		out->len = start;
	return ok;
}
