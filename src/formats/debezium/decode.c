/* Decoders: made of a schema and a column, and what all have in common; see decode.h. */
#include "formats/debezium/decode.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "formats/connect/json.h"
#include "formats/debezium/base64.h"

#define NS_PER_US INT64_C(1000)
#define NS_PER_MS INT64_C(1000000)

bool wrong_token(const struct decoder *d, enum connect_token token, struct error *err)
{
	static const char *const names[] = {
		[TOKEN_NULL] = "NULL",
		[TOKEN_BOOLEAN] = "a boolean",
		[TOKEN_INTEGER] = "an integer",
		[TOKEN_REAL] = "a number with a fraction",
		[TOKEN_STRING] = "a string",
		[TOKEN_BYTES] = "bytes",
		[TOKEN_ARRAY] = "a list",
		[TOKEN_STRUCT] = "an object",
	};

	if (token == TOKEN_FAILED)
		return false;
	return error_set(err, ERROR_DATA, "%s where the column takes a %s",
		token <= TOKEN_STRUCT && names[token] ? names[token] : "nothing", d->pg.name);
}

/* --- What a schema says ----------------------------------------------------------------------- */

#define DEBEZIUM "io.debezium."
#define CONNECT  "org.apache.kafka.connect.data."

static const struct meaning {
	const char *name;
	enum wire wire;
	int64_t unit_ns;
} meanings[] = {
	{SCHEMA_BASE64, WIRE_BASE64, 0},
	{SCHEMA_HEX, WIRE_HEX, 0},
	{SCHEMA_BIT, WIRE_BITS, 0},
	{CONNECT "Decimal", WIRE_DECIMAL, 0},
	{CONNECT "Date", WIRE_DAYS, 0},
	{CONNECT "Time", WIRE_TIME, NS_PER_MS},
	{CONNECT "Timestamp", WIRE_TIMESTAMP, NS_PER_MS},
	{DEBEZIUM "data.VariableScaleDecimal", WIRE_VARIABLE, 0},
	{DEBEZIUM "data.Bits", WIRE_BITS, 0},
	{DEBEZIUM "time.Date", WIRE_DAYS, 0},
	{DEBEZIUM "time.Timestamp", WIRE_TIMESTAMP, NS_PER_MS},
	{DEBEZIUM "time.MicroTimestamp", WIRE_TIMESTAMP, NS_PER_US},
	{DEBEZIUM "time.NanoTimestamp", WIRE_TIMESTAMP, 1},
	{DEBEZIUM "time.Time", WIRE_TIME, NS_PER_MS},
	{DEBEZIUM "time.MicroTime", WIRE_TIME, NS_PER_US},
	{DEBEZIUM "time.NanoTime", WIRE_TIME, 1},
	{DEBEZIUM "time.IsoTime", WIRE_ISO_TIME, 0},
	{DEBEZIUM "time.ZonedTime", WIRE_ZONED_TIME, 0},
	{DEBEZIUM "time.MicroDuration", WIRE_DURATION, NS_PER_US},
	{DEBEZIUM "time.NanoDuration", WIRE_DURATION, 1},
	{DEBEZIUM "time.Interval", WIRE_INTERVAL, 0},
	{DEBEZIUM "data.geometry.Point", WIRE_POINT, 0},
	{DEBEZIUM "data.geometry.Geometry", WIRE_GEOMETRY, 0},
	{DEBEZIUM "data.geometry.Circle", WIRE_CIRCLE, 0},
	{DEBEZIUM "data.geometry.Line", WIRE_LINE, 0},
};

static int number_of(const struct connect_schema *s, const char *key)
{
	const char *value = connect_parameter(s, key);

	return value ? (int)strtol(value, NULL, 10) : 0;
}

static void read_schema(struct decoder *d, const struct connect_schema *s)
{
	if (!s)
		return;
	if (s->kind == CONNECT_BYTES)
		d->wire = WIRE_BYTES;
	if (s->kind == CONNECT_FLOAT64)
		d->wire = WIRE_FLOAT;
	for (size_t i = 0; s->name && i < COUNT_OF(meanings); i++)
		if (!strcmp(s->name, meanings[i].name)) {
			d->wire = meanings[i].wire;
			d->unit_ns = meanings[i].unit_ns;
		}
	if (d->wire == WIRE_DECIMAL)
		d->scale = number_of(s, "scale");
	if (d->wire == WIRE_BITS && number_of(s, "length") < INT32_MAX)
		d->scale = number_of(s, "length");
}

/* --- What a column takes ---------------------------------------------------------------------- */

static const struct kind {
	decode_fn *decode;
	const char *name;
} kinds[] = {
	[TYPE_BOOL] = {decode_bool, "boolean"},
	[TYPE_INT16] = {decode_integer, "smallint"},
	[TYPE_INT32] = {decode_integer, "integer"},
	[TYPE_INT64] = {decode_integer, "bigint"},
	[TYPE_UINT32] = {decode_integer, "number below 2^32"},
	[TYPE_UINT64] = {decode_integer, "number below 2^64"},
	[TYPE_FLOAT32] = {decode_float, "real"},
	[TYPE_FLOAT64] = {decode_float, "double"},
	[TYPE_DECIMAL] = {decode_decimal, "numeric"},
	[TYPE_STRING] = {decode_string, "text"},
	[TYPE_SYMBOL] = {decode_string, "text"},
	[TYPE_JSON] = {decode_string, "json"},
	[TYPE_UUID] = {decode_uuid, "uuid"},
	[TYPE_DATE] = {decode_date, "date"},
	[TYPE_TIMESTAMP] = {decode_timestamp, "timestamp"},
	[TYPE_TIMESTAMPTZ] = {decode_timestamp, "timestamptz"},
	[TYPE_POINT] = {decode_point, "point"},
	[TYPE_ARRAY] = {decode_array, "list"},
	[TYPE_MAP] = {decode_map, "map"},
};

struct compiler {
	struct arena *arena;
	const struct table_options *options; /* NULL: the defaults */
	const char *unavailable;             /* NULL: no placeholder */
	bool in_json;
};

static struct decode_scratch *new_scratch(struct arena *arena)
{
	struct decode_scratch *scratch = arena_alloc(arena, sizeof *scratch);

	buf_init(&scratch->text, BUF_MAX);
	return scratch;
}

/* Of elements in text a list of one has to be looked at whole: the placeholder may be a value among others. */
static bool elements_have_placeholders(const struct decoder *element)
{
	return element->wire > WIRE_BYTES || !type_is_string(&element->type);
}

static void compile(const struct compiler *cx, const struct type *type,
	const struct connect_schema *s, struct decoder *d)
{
	*d = (struct decoder){.decode = kinds[type->kind].decode,
		.type = *type,
		.hex = cx->in_json,
		.unavailable = cx->unavailable,
		.unavailable_len = cx->unavailable ? strlen(cx->unavailable) : 0,
		.scratch = new_scratch(cx->arena)};
	d->pg = (struct pg_codec){.type = *type,
		.name = kinds[type->kind].name,
		.clamp = cx->options && cx->options->out_of_range == RANGE_CLAMP};
	read_schema(d, s);
	if (type->kind != TYPE_ARRAY)
		return;
	struct decoder *element = arena_alloc(cx->arena, sizeof *element);
	compile(cx, type->element, s ? s->element : NULL, element);
	if (!elements_have_placeholders(element))
		element->unavailable = NULL;
	d->element = element;
}

static bool ignores(enum rule_kind rule)
{
	return rule == RULE_NULL || rule == RULE_CONSTANT;
}

static bool pass_over(struct connect_reader *r, enum connect_token token, struct error *err)
{
	int depth = 0;

	for (;; token = connect_next(r, err)) {
		if (token == TOKEN_FAILED || token == TOKEN_END)
			return false;
		depth += (token == TOKEN_ARRAY || token == TOKEN_STRUCT) -
			 (token == TOKEN_ARRAY_END || token == TOKEN_STRUCT_END);
		if (depth <= 0 && token != TOKEN_FIELD)
			return true;
	}
}

/* Under a rule that looks at no value. */
static bool decode_nothing(const struct decoder *d, struct connect_reader *r,
	enum connect_token token, struct column *column, struct error *err)
{
	(void)d;
	if (!pass_over(r, token, err))
		return false;
	column_add_default(column);
	return true;
}

void decoder_init(struct decoder *d, struct arena *arena, const struct connect_schema *schema,
	const struct table_column *column, const struct table_options *options,
	const struct debezium_modes *modes)
{
	struct table_options own;
	struct compiler cx = {.arena = arena,
		.options = table_options_of(options, column->key, &own),
		.unavailable = modes->unavailable};

	compile(&cx, &column->type, schema, d);
	d->null_is_empty = (options && options->null_is_empty &&
				   column_child_count(column->type.kind)) ||
			   ignores(column->rule.kind);
	if (ignores(column->rule.kind)) {
		d->decode = decode_nothing;
		d->unavailable = NULL;
	} else if (column->json_of && column->rule.kind == RULE_NONE) {
		struct decoder *container = arena_alloc(arena, sizeof *container);
		cx.in_json = true;
		compile(&cx, column->json_of, schema, container);
		d->decode = decode_carried;
		d->element = container;
		column_init(&d->scratch->value, column->json_of);
		d->scratch->has_value = true;
	}
}

void decoder_release(struct decoder *d)
{
	if (d->scratch) {
		buf_release(&d->scratch->text);
		if (d->scratch->has_value)
			column_release(&d->scratch->value);
	}
	if (d->element)
		decoder_release((struct decoder *)d->element);
}

/* --- Any value -------------------------------------------------------------------------------- */

static bool decode_null(const struct decoder *d, struct column *column, struct error *err)
{
	if (!column->type.nullable && !d->null_is_empty)
		return error_set(err, ERROR_DATA, "NULL in a column that takes none");
	column_add_default(column);
	return true;
}

static bool is_bytes(enum wire wire)
{
	return wire == WIRE_BYTES || wire == WIRE_DECIMAL || wire == WIRE_BITS;
}

static bool is_base64_of(const struct connect_reader *r, const char *text, size_t len)
{
	uint8_t bytes[128];

	return r->len == (len + 2) / 3 * 4 && r->len <= sizeof bytes &&
	       base64_decode(r->data, r->len, bytes) == (ssize_t)len && !memcmp(bytes, text, len);
}

static bool is_placeholder(
	const struct decoder *d, const struct connect_reader *r, enum connect_token token)
{
	size_t len = d->unavailable_len;

	if (token != TOKEN_STRING && token != TOKEN_BYTES)
		return false;
	if (r->len == len && !memcmp(r->data, d->unavailable, len))
		return true;
	return token == TOKEN_STRING && is_bytes(d->wire) && is_base64_of(r, d->unavailable, len);
}

bool decode(const struct decoder *d, struct connect_reader *r, enum connect_token token,
	struct column *column, struct error *err)
{
	if (token == TOKEN_NULL)
		return decode_null(d, column, err);
	if (d->unavailable && is_placeholder(d, r, token)) {
		column_add_unchanged(column);
		return true;
	}
	if (token == TOKEN_STRUCT && d->wire == WIRE_VARIABLE)
		return decode_variable(d, r, column, err);
	return d->decode(d, r, token, column, err);
}

bool decode_json(const struct type *type, const void *json, size_t len, struct column *column,
	struct error *err)
{
	struct compiler cx = {.in_json = true};
	struct connect_json_reader r;
	struct decoder d;
	struct arena arena;

	arena_init(&arena);
	cx.arena = &arena;
	compile(&cx, type, NULL, &d);
	connect_json_reader_init(&r);
	connect_json_read(&r, json, len);
	bool fine = decode(&d, &r.base, connect_next(&r.base, err), column, err);
	connect_json_reader_release(&r);
	decoder_release(&d);
	arena_release(&arena);
	return fine;
}
