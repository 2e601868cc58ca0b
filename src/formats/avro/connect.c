/* Connect's schema of a parsed one, as Confluent's AvroData.toConnectSchema makes it; where Connect has no form, the
 * one that Debezium has. */
#include <openssl/evp.h>
#include <string.h>
#include "base/text.h"
#include "base/vec.h"
#include "formats/avro/forms.h"
#include "formats/avro/node.h"

#define UNION "io.confluent.connect.avro.Union"

VEC_TYPE(parameters, struct connect_parameter);

/* Logical types; Connect's own and Debezium's names of them. */
static const struct logical {
	enum avro_kind kind;
	const char *avro, *connect;
} logicals[] = {
	{AVRO_INT, "date", CONNECT_DATE},
	{AVRO_INT, "time-millis", CONNECT_TIME},
	{AVRO_LONG, "timestamp-millis", CONNECT_TIMESTAMP},
	{AVRO_LONG, "local-timestamp-millis", CONNECT_TIMESTAMP},
	{AVRO_LONG, "time-micros", "io.debezium.time.MicroTime"},
	{AVRO_LONG, "timestamp-micros", "io.debezium.time.MicroTimestamp"},
	{AVRO_LONG, "local-timestamp-micros", "io.debezium.time.MicroTimestamp"},
	{AVRO_LONG, "timestamp-nanos", "io.debezium.time.NanoTimestamp"},
	{AVRO_LONG, "local-timestamp-nanos", "io.debezium.time.NanoTimestamp"},
	{AVRO_STRING, "uuid", "io.debezium.data.Uuid"},
	{AVRO_BYTES, "decimal", CONNECT_DECIMAL},
	{AVRO_FIXED, "decimal", CONNECT_DECIMAL},
};

const char *avro_branch_name(const struct avro_node *node)
{
	static const char *const names[] = {
		[AVRO_NULL] = "null",
		[AVRO_BOOLEAN] = "boolean",
		[AVRO_INT] = "int",
		[AVRO_LONG] = "long",
		[AVRO_FLOAT] = "float",
		[AVRO_DOUBLE] = "double",
		[AVRO_BYTES] = "bytes",
		[AVRO_STRING] = "string",
		[AVRO_ARRAY] = "array",
		[AVRO_MAP] = "map",
		[AVRO_UNION] = "union",
	};
	const char *dot = node->name ? strrchr(node->name, '.') : NULL;

	if (node->name)
		return dot ? dot + 1 : node->name;
	return names[node->kind];
}

/* --- Defaults ---------------------------------------------------------------------------------- */

/* Code points to bytes, the other way than in Avro's schemas. NULL: they are none. */
static const char *base64_of(const uint8_t *text, size_t len, struct arena *arena)
{
	uint8_t *bytes = arena_alloc(arena, len + 1);
	char *coded = arena_alloc(arena, len / 3 * 4 + 8);
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (text[i] >= 0xc4)
			return NULL;
		if (text[i] >= 0xc2) {
			bytes[n++] = (uint8_t)(text[i] << 6 | (text[i + 1] & 0x3f));
			i++;
		} else {
			bytes[n++] = text[i];
		}
	}
	coded[0] = '"';
	int end = 1 + EVP_EncodeBlock((uint8_t *)coded + 1, bytes, (int)n);
	coded[end] = '"';
	return coded;
}

static bool fits(enum connect_kind kind, enum connect_token token)
{
	if (kind <= CONNECT_INT64)
		return token == TOKEN_INTEGER;
	if (kind == CONNECT_FLOAT32 || kind == CONNECT_FLOAT64)
		return token == TOKEN_INTEGER || token == TOKEN_REAL;
	if (kind == CONNECT_BOOLEAN)
		return token == TOKEN_BOOLEAN;
	return token == TOKEN_STRING;
}

/* NULL: none, or none that Connect can have. */
static const char *fallback_of(enum connect_kind kind, struct avro_json json, struct arena *arena)
{
	struct connect_json_reader r;
	const char *found = NULL;

	if (!json.len || kind >= CONNECT_ARRAY)
		return NULL;
	if (fits(kind, avro_json_begin(&r, json, NULL)))
		found = kind == CONNECT_BYTES
				? base64_of(r.base.data, r.base.len, arena)
				: arena_strndup(arena, (const char *)json.at, json.len);
	connect_json_reader_release(&r);
	return found;
}

/* --- Properties -------------------------------------------------------------------------------- */

static void set_parameter(struct parameters *all, const char *key, const char *value)
{
	struct connect_parameter one = {key, value};

	vec_each (all, p) {
		if (!strcmp(p->key, key)) {
			p->value = value;
			return;
		}
	}
	vec_push(all, one);
}

static void take_parameters(struct avro_json json, struct parameters *all, struct arena *arena)
{
	struct connect_json_reader r;

	if (!json.len)
		return;
	if (avro_json_begin(&r, json, NULL) == TOKEN_STRUCT)
		while (connect_next(&r.base, NULL) == TOKEN_FIELD) {
			const char *key = arena_strndup(
				arena, (const char *)r.base.data, r.base.len);
			if (connect_next(&r.base, NULL) != TOKEN_STRING)
				break;
			set_parameter(all, key,
				arena_strndup(arena, (const char *)r.base.data, r.base.len));
		}
	connect_json_reader_release(&r);
}

static void set_decimal(
	const struct avro_object *object, struct parameters *all, struct arena *arena)
{
	int64_t scale, digits;

	if (!avro_json_integer(object->keys[KEY_SCALE], &scale))
		scale = 0;
	set_parameter(all, CONNECT_DECIMAL_SCALE, arena_printf(arena, "%lld", (long long)scale));
	if (avro_json_integer(object->keys[KEY_PRECISION], &digits) &&
		digits != AVRO_DIGITS_UNKNOWN)
		set_parameter(all, CONNECT_DECIMAL_PRECISION,
			arena_printf(arena, "%lld", (long long)digits));
}

static void set_logical(const struct avro_node *node, const struct avro_object *object,
	struct connect_schema *schema, struct parameters *all, struct arena *arena)
{
	const char *said = avro_json_string(object->keys[KEY_LOGICAL_TYPE], arena);

	for (size_t i = 0; said && i < COUNT_OF(logicals); i++) {
		if (logicals[i].kind != node->kind || strcmp(said, logicals[i].avro) != 0)
			continue;
		schema->name = logicals[i].connect;
		schema->version = 1;
		if (node->kind == AVRO_BYTES || node->kind == AVRO_FIXED)
			set_decimal(object, all, arena);
	}
}

static void set_properties(const struct avro_node *node, const struct avro_object *object,
	struct connect_schema *schema, struct parameters *all, struct arena *arena)
{
	const char *type = avro_json_string(object->keys[KEY_CONNECT_TYPE], arena);
	const char *name = avro_json_string(object->keys[KEY_CONNECT_NAME], arena);
	int64_t version;

	set_logical(node, object, schema, all, arena);
	if (node->kind == AVRO_INT && type && !strcmp(type, "int8"))
		schema->kind = CONNECT_INT8;
	if (node->kind == AVRO_INT && type && !strcmp(type, "int16"))
		schema->kind = CONNECT_INT16;
	if (name)
		schema->name = name;
	if (avro_json_integer(object->keys[KEY_CONNECT_VERSION], &version))
		schema->version = (int)version;
	schema->doc = avro_json_string(object->keys[KEY_CONNECT_DOC], arena);
	schema->fallback = fallback_of(schema->kind, object->keys[KEY_CONNECT_DEFAULT], arena);
	take_parameters(object->keys[KEY_CONNECT_PARAMETERS], all, arena);
}

/* --- Types ------------------------------------------------------------------------------------- */

static const struct connect_schema *optional(
	const struct connect_schema *schema, struct arena *arena)
{
	struct connect_schema *copy = arena_alloc(arena, sizeof *copy);

	*copy = *schema;
	copy->optional = true;
	return copy;
}

static void set_fields(
	const struct avro_node *node, struct connect_schema *schema, struct arena *arena)
{
	bool tags = node->kind == AVRO_UNION;

	schema->kind = CONNECT_STRUCT;
	schema->name = tags ? UNION : node->name;
	if (!strncmp(schema->name, AVRO_UNNAMED, strlen(AVRO_UNNAMED)))
		schema->name = NULL;
	schema->fields = arena_alloc(arena, (node->n + 1) * sizeof *schema->fields);
	for (size_t i = 0; i < node->n; i++) {
		const struct connect_schema *part = node->parts[i]->connect;
		if (tags && node->parts[i]->kind == AVRO_NULL)
			schema->optional = true;
		else
			schema->fields[schema->n_fields++] = (struct connect_field){
				node->names[i].text, tags ? optional(part, arena) : part};
	}
}

static void set_union(
	const struct avro_node *node, struct connect_schema *schema, struct arena *arena)
{
	if (node->tagged) {
		set_fields(node, schema, arena);
		return;
	}
	*schema = *node->parts[0]->connect;
	for (size_t i = 0; i < node->n; i++)
		if (node->parts[i]->kind != AVRO_NULL)
			*schema = *node->parts[i]->connect;
	schema->optional |= node->n > 1;
}

static void set_enum(const struct avro_node *node, struct connect_schema *schema,
	struct parameters *all, struct arena *arena)
{
	struct buf symbols;

	buf_init(&symbols, BUF_MAX);
	for (size_t i = 0; i < node->n; i++) {
		buf_puts(&symbols, i ? "," : "");
		buf_puts(&symbols, node->names[i].text);
	}
	schema->kind = CONNECT_STRING;
	schema->name = "io.debezium.data.Enum";
	schema->version = 1;
	set_parameter(all, "allowed", arena_strdup(arena, buf_text(&symbols)));
	buf_release(&symbols);
}

static void set_kind(const struct avro_node *node, struct connect_schema *schema,
	struct parameters *all, struct arena *arena)
{
	static const enum connect_kind kinds[] = {
		[AVRO_NULL] = CONNECT_STRING,
		[AVRO_BOOLEAN] = CONNECT_BOOLEAN,
		[AVRO_INT] = CONNECT_INT32,
		[AVRO_LONG] = CONNECT_INT64,
		[AVRO_FLOAT] = CONNECT_FLOAT32,
		[AVRO_DOUBLE] = CONNECT_FLOAT64,
		[AVRO_BYTES] = CONNECT_BYTES,
		[AVRO_STRING] = CONNECT_STRING,
		[AVRO_ARRAY] = CONNECT_ARRAY,
		[AVRO_MAP] = CONNECT_MAP,
		[AVRO_FIXED] = CONNECT_BYTES,
	};

	if (node->kind == AVRO_RECORD) {
		set_fields(node, schema, arena);
	} else if (node->kind == AVRO_UNION) {
		set_union(node, schema, arena);
	} else if (node->kind == AVRO_ENUM) {
		set_enum(node, schema, all, arena);
	} else {
		schema->kind = kinds[node->kind];
		schema->optional = node->kind == AVRO_NULL;
		schema->element = node->n ? node->parts[0]->connect : NULL;
	}
}

const struct connect_schema *avro_connect(
	const struct avro_node *node, const struct avro_object *object, struct arena *arena)
{
	struct connect_schema *schema = arena_alloc(arena, sizeof *schema);
	struct parameters all = {0};

	set_kind(node, schema, &all, arena);
	if (object)
		set_properties(node, object, schema, &all, arena);
	if (all.len) {
		schema->n_parameters = all.len;
		schema->parameters = arena_alloc(arena, all.len * sizeof *all.items);
		memcpy(schema->parameters, all.items, all.len * sizeof *all.items);
	}
	vec_release(&all);
	return schema;
}

const struct connect_schema *avro_connect_field(
	const struct connect_schema *type, struct avro_json fallback, struct arena *arena)
{
	const char *text = type->fallback ? NULL : fallback_of(type->kind, fallback, arena);

	if (!text) /* "connect.default" has been taken: it is not rounded */
		return type;
	struct connect_schema *schema = arena_alloc(arena, sizeof *schema);
	*schema = *type;
	schema->fallback = text;
	return schema;
}
