/*
 * Which schema and which function a column gets. Canonical types decide wherever they can; what a string is
 * (numeric without precision, a time, bits, bytea) is told by the source's name of the type. A column under a rule
 * is what the rule made of it.
 */
#include "formats/debezium/field.h"

#include <stdlib.h>

#define US_PER_MS 1000

/* A schema with a meaning, and the function that goes with it. */
struct meaning {
	enum connect_kind kind;
	const char *name;
	const char *absent;
	field_write_fn *write;
	int64_t units_us;
};

static const struct connect_schema int32_schema = {.kind = CONNECT_INT32},
				   bytes_schema = {.kind = CONNECT_BYTES},
				   double_schema = {.kind = CONNECT_FLOAT64},
				   string_schema = {.kind = CONNECT_STRING};
const struct connect_schema optional_int32 = {.kind = CONNECT_INT32, .optional = true},
			    optional_bytes = {.kind = CONNECT_BYTES, .optional = true},
			    optional_string = {.kind = CONNECT_STRING, .optional = true},
			    optional_strings = {.kind = CONNECT_MAP,
				    .optional = true,
				    .element = &string_schema};

#define DEBEZIUM "io.debezium."
#define CONNECT  "org.apache.kafka.connect.data."

struct compiler {
	struct arena *arena;
	const struct debezium_modes *modes;
	const struct table_column *column;
	struct source_type source;
	bool in_json; /* of a container that is carried as its text */
};

static void compile(const struct compiler *cx, const struct type *type, struct field *f,
	struct connect_schema *s);

static void mean(struct field *f, struct connect_schema *s, const struct meaning *m)
{
	s->kind = m->kind;
	s->name = m->name;
	s->version = m->name ? 1 : 0;
	f->absent = m->absent;
	f->write = m->write;
	f->units_us = m->units_us;
}

static void add_parameter(
	const struct compiler *cx, struct connect_schema *s, const char *key, const char *value)
{
	struct connect_parameter *grown = arena_alloc(
		cx->arena, (s->n_parameters + 1) * sizeof *grown);

	if (s->n_parameters)
		memcpy(grown, s->parameters, s->n_parameters * sizeof *grown);
	grown[s->n_parameters++] = (struct connect_parameter){key, value};
	s->parameters = grown;
}

static void add_number(
	const struct compiler *cx, struct connect_schema *s, const char *key, int value)
{
	add_parameter(cx, s, key, arena_printf(cx->arena, "%d", value));
}

static void add_field(const struct compiler *cx, struct connect_schema *s, const char *name,
	const struct connect_schema *schema)
{
	struct connect_field *grown = arena_alloc(cx->arena, (s->n_fields + 1) * sizeof *grown);

	if (s->n_fields)
		memcpy(grown, s->fields, s->n_fields * sizeof *grown);
	grown[s->n_fields++] = (struct connect_field){name, schema};
	s->fields = grown;
}

/* --- Numbers ---------------------------------------------------------------------------------- */

static const struct meaning integers[] = {
	[TYPE_INT16] = {CONNECT_INT16, NULL, "0", write_int16, 0},
	[TYPE_INT32] = {CONNECT_INT32, NULL, "0", write_int32, 0},
	[TYPE_INT64] = {CONNECT_INT64, NULL, "0", write_int64, 0},
	[TYPE_UINT32] = {CONNECT_INT64, NULL, "0", write_uint32, 0},
	[TYPE_UINT64] = {CONNECT_STRING, NULL, "\"0\"", write_uint64, 0},
	[TYPE_FLOAT32] = {CONNECT_FLOAT32, NULL, "0.0", write_float32, 0},
	[TYPE_FLOAT64] = {CONNECT_FLOAT64, NULL, "0.0", write_float64, 0},
};

static void mean_decimal(const struct compiler *cx, const struct type *type, struct field *f,
	struct connect_schema *s)
{
	static const struct meaning meanings[] = {
		[DECIMAL_PRECISE] = {CONNECT_BYTES, CONNECT "Decimal", "\"AA==\"", write_decimal,
			0},
		[DECIMAL_AS_STRING] = {CONNECT_STRING, NULL, "\"0\"", write_decimal_as_string, 0},
		[DECIMAL_AS_DOUBLE] = {CONNECT_FLOAT64, NULL, "0.0", write_decimal_as_double, 0},
	};

	mean(f, s, &meanings[cx->modes->decimal]);
	bool money = source_type_is(&cx->source, "money");
	if (money && cx->modes->decimal == DECIMAL_AS_STRING)
		f->absent = "\"0.00\"";
	if (cx->modes->decimal != DECIMAL_PRECISE)
		return;
	add_number(cx, s, "scale", type->scale);
	if (!money)
		add_number(cx, s, "connect.decimal.precision", type->precision);
}

/* numeric without precision, or with one that no decimal has. */
static void mean_numeric(const struct compiler *cx, struct field *f, struct connect_schema *s)
{
	static const struct meaning meanings[] = {
		[DECIMAL_PRECISE] = {CONNECT_STRUCT, DEBEZIUM "data.VariableScaleDecimal",
			"{\"scale\":0,\"value\":\"AA==\"}", write_variable_decimal, 0},
		[DECIMAL_AS_STRING] = {CONNECT_STRING, NULL, "\"0\"", write_string, 0},
		[DECIMAL_AS_DOUBLE] = {CONNECT_FLOAT64, NULL, "0.0", write_numeric_as_double, 0},
	};

	mean(f, s, &meanings[cx->modes->decimal]);
	if (cx->modes->decimal != DECIMAL_PRECISE)
		return;
	s->doc = "Variable scaled decimal";
	add_field(cx, s, "scale", &int32_schema);
	add_field(cx, s, "value", &bytes_schema);
}

/* --- Time ------------------------------------------------------------------------------------- */

static void mean_date(const struct compiler *cx, struct field *f, struct connect_schema *s)
{
	static const struct meaning days = {CONNECT_INT32, DEBEZIUM "time.Date", "0", write_date,
					    0},
				    connect = {CONNECT_INT32, CONNECT "Date", "0", write_date, 0},
				    iso = {CONNECT_STRING, DEBEZIUM "time.IsoDate",
					    "\"1970-01-01Z\"", write_iso_date, 0};

	mean(f, s,
		cx->modes->time == TIME_CONNECT     ? &connect
		: cx->modes->time == TIME_ISOSTRING ? &iso
						    : &days);
}

/* The finest unit that the column has. */
static enum debezium_time adapt(const struct compiler *cx)
{
	bool millis = cx->source.modifiers[0] >= 0 && cx->source.modifiers[0] <= 3;

	return millis ? TIME_ADAPTIVE : TIME_MICROSECONDS;
}

static void mean_timestamp(const struct compiler *cx, struct field *f, struct connect_schema *s)
{
	static const struct meaning meanings[] = {
		[TIME_ADAPTIVE] = {CONNECT_INT64, DEBEZIUM "time.Timestamp", "0", write_timestamp,
			-US_PER_MS},
		[TIME_CONNECT] = {CONNECT_INT64, CONNECT "Timestamp", "0", write_timestamp,
			-US_PER_MS},
		[TIME_MICROSECONDS] = {CONNECT_INT64, DEBEZIUM "time.MicroTimestamp", "0",
			write_timestamp, 1},
		[TIME_NANOSECONDS] = {CONNECT_INT64, DEBEZIUM "time.NanoTimestamp", "0",
			write_timestamp, 1000},
		[TIME_ISOSTRING] = {CONNECT_STRING, DEBEZIUM "time.IsoTimestamp",
			"\"1970-01-01T00:00:00Z\"", write_iso_timestamp, 0},
	};
	enum debezium_time mode = (enum debezium_time)cx->modes->time;

	if (mode == TIME_ADAPTIVE || mode == TIME_ADAPTIVE_MICROSECONDS)
		mode = adapt(cx);
	mean(f, s, &meanings[mode]);
}

static void mean_time(const struct compiler *cx, struct field *f, struct connect_schema *s)
{
	static const struct meaning meanings[] = {
		[TIME_ADAPTIVE] = {CONNECT_INT32, DEBEZIUM "time.Time", "0", write_time,
			-US_PER_MS},
		[TIME_CONNECT] = {CONNECT_INT32, CONNECT "Time", "0", write_time, -US_PER_MS},
		[TIME_MICROSECONDS] = {CONNECT_INT64, DEBEZIUM "time.MicroTime", "0", write_time,
			1},
		[TIME_NANOSECONDS] = {CONNECT_INT64, DEBEZIUM "time.NanoTime", "0", write_time,
			1000},
		[TIME_ISOSTRING] = {CONNECT_STRING, DEBEZIUM "time.IsoTime", "\"00:00:00Z\"",
			write_iso_time, 0},
	};
	enum debezium_time mode = (enum debezium_time)cx->modes->time;

	if (mode == TIME_ADAPTIVE_MICROSECONDS)
		mode = TIME_MICROSECONDS;
	if (mode == TIME_ADAPTIVE)
		mode = adapt(cx);
	mean(f, s, &meanings[mode]);
}

static void mean_zoned_timestamp(
	const struct compiler *cx, struct field *f, struct connect_schema *s)
{
	static const struct meaning zoned = {CONNECT_STRING, DEBEZIUM "time.ZonedTimestamp",
		"\"1970-01-01T00:00:00Z\"", write_zoned_timestamp, 0};
	int precision = cx->source.modifiers[0];

	mean(f, s, &zoned);
	f->digits = precision < 0 ? 6 : precision ? precision : -1;
}

static void mean_interval(const struct compiler *cx, struct field *f, struct connect_schema *s)
{
	static const struct meaning micros = {CONNECT_INT64, DEBEZIUM "time.MicroDuration", "0",
					    write_duration, 0},
				    text = {CONNECT_STRING, DEBEZIUM "time.Interval",
					    "\"P0Y0M0DT0H0M0S\"", write_interval, 0};

	mean(f, s, cx->modes->interval == INTERVAL_STRING ? &text : &micros);
}

/* --- Strings ---------------------------------------------------------------------------------- */

static void mean_bytes(const struct compiler *cx, struct field *f, struct connect_schema *s)
{
	static const struct meaning bytes = {CONNECT_BYTES, NULL, "\"\"", write_bytes, 0},
				    text = {CONNECT_STRING, NULL, "\"\"", write_bytes, 0};

	mean(f, s, cx->modes->binary == BINARY_BYTES ? &bytes : &text);
	if (cx->in_json)
		f->write = write_text_bytes;
}

static void mean_bits(const struct compiler *cx, struct field *f, struct connect_schema *s)
{
	static const struct meaning one = {CONNECT_BOOLEAN, NULL, "false", write_bit, 0},
				    many = {CONNECT_BYTES, DEBEZIUM "data.Bits", "\"\"", write_bits,
					    0};
	bool varying = source_type_is(&cx->source, "bit varying");
	int length = cx->source.modifiers[0] > 0 ? cx->source.modifiers[0]
		     : varying                   ? INT32_MAX
						 : 1;

	mean(f, s, length == 1 ? &one : &many);
	if (length > 1)
		add_number(cx, s, "length", length);
}

static void mean_text(const struct compiler *cx, struct field *f, struct connect_schema *s)
{
	static const struct {
		const char *source;
		struct meaning meaning;
	} named[] = {
		{"json", {CONNECT_STRING, DEBEZIUM "data.Json", "\"\"", write_string, 0}},
		{"jsonb", {CONNECT_STRING, DEBEZIUM "data.Json", "\"\"", write_string, 0}},
		{"xml", {CONNECT_STRING, DEBEZIUM "data.Xml", "\"\"", write_string, 0}},
		{"tsvector", {CONNECT_STRING, DEBEZIUM "data.Tsvector", "\"\"", write_string, 0}},
		{"ltree", {CONNECT_STRING, DEBEZIUM "data.Ltree", "\"\"", write_string, 0}},
		{"time with time zone", {CONNECT_STRING, DEBEZIUM "time.ZonedTime", "\"00:00:00Z\"",
						write_zoned_time, 0}},
	};
	static const struct meaning plain = {CONNECT_STRING, NULL, "\"\"", write_string, 0};

	mean(f, s, &plain);
	for (size_t i = 0; i < COUNT_OF(named); i++)
		if (source_type_is(&cx->source, named[i].source))
			mean(f, s, &named[i].meaning);
}

static void mean_enum(const struct compiler *cx, struct field *f, struct connect_schema *s)
{
	static const struct meaning label = {
		CONNECT_STRING, DEBEZIUM "data.Enum", "\"\"", write_string, 0};

	mean(f, s, &label);
	if (cx->column->labels)
		add_parameter(cx, s, "allowed", cx->column->labels);
}

/* --- Containers ------------------------------------------------------------------------------- */

static void mean_array(const struct compiler *cx, const struct type *type, struct field *f,
	struct connect_schema *s)
{
	static const struct meaning list = {CONNECT_ARRAY, NULL, "[]", write_array, 0};
	struct connect_schema *element = arena_alloc(cx->arena, sizeof *element);
	struct field *of = arena_alloc(cx->arena, sizeof *of);

	mean(f, s, &list);
	compile(cx, type->element, of, element);
	element->optional = true;
	s->element = element;
	f->element = of;
}

static void mean_map(const struct compiler *cx, struct field *f, struct connect_schema *s)
{
	static const struct meaning json = {CONNECT_STRING, DEBEZIUM "data.Json", "\"{}\"",
					    write_map_as_json, 0},
				    map = {CONNECT_MAP, NULL, "{}", write_map, 0};

	mean(f, s, cx->modes->hstore == HSTORE_MAP ? &map : &json);
	if (cx->modes->hstore == HSTORE_MAP)
		s->element = &optional_string;
}

#define ORIGIN "{\"x\":0.0,\"y\":0.0,\"wkb\":\"AQEAAAAAAAAAAAAAAAAAAAAAAAAA\",\"srid\":null}"

static void mean_point(const struct compiler *cx, struct field *f, struct connect_schema *s)
{
	static const struct meaning point = {
		CONNECT_STRUCT, DEBEZIUM "data.geometry.Point", ORIGIN, write_point, 0};

	mean(f, s, &point);
	s->doc = "Geometry (POINT)";
	add_field(cx, s, "x", &double_schema);
	add_field(cx, s, "y", &double_schema);
	add_field(cx, s, "wkb", &optional_bytes);
	add_field(cx, s, "srid", &optional_int32);
}

/* Point is of the canonical type; these the batch has as text. Debezium has them all optional. */
static void mean_circle(const struct compiler *cx, struct field *f, struct connect_schema *s)
{
	static const struct meaning circle = {CONNECT_STRUCT, DEBEZIUM "data.geometry.Circle",
		"{\"center\":" ORIGIN ",\"radius\":0.0}", write_circle, 0};
	struct connect_schema *center = arena_alloc(cx->arena, sizeof *center);
	struct field point = {0};

	mean(f, s, &circle);
	mean_point(cx, &point, center);
	s->doc = "Geometry (CIRCLE)";
	s->optional = true;
	f->source = "circle";
	add_field(cx, s, "center", center);
	add_field(cx, s, "radius", &double_schema);
}

static void mean_line(const struct compiler *cx, struct field *f, struct connect_schema *s)
{
	static const struct meaning line = {CONNECT_STRUCT, DEBEZIUM "data.geometry.Line",
		"{\"a\":0.0,\"b\":1.0,\"c\":0.0}", write_line, 0};

	mean(f, s, &line);
	s->doc = "Geometry (LINE)";
	s->optional = true;
	f->source = "line";
	add_field(cx, s, "a", &double_schema);
	add_field(cx, s, "b", &double_schema);
	add_field(cx, s, "c", &double_schema);
}

static void mean_shape(const struct compiler *cx, struct field *f, struct connect_schema *s)
{
	/* Debezium's own: a unit square, a segment, a triangle. */
	static const struct {
		const char *source, *absent;
	} shapes[] = {
		{"box", "{\"wkb\":\"AQMAAAABAAAABQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAPA/"
			"AAAAAAAA8D"
			"8AAAAAAADwPwAAAAAAAPA/"
			"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"srid\":null,\"extensions\":{\"type\":"
			"\"box\"}}"},
		{"lseg", "{\"wkb\":\"AQIAAAACAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAPA/"
			 "AAAAAAAAAAA=\",\"srid\":null,\"extensions\":{\"type\":\"lseg\"}}"},
		{"path", "{\"wkb\":\"AQIAAAACAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAPA/"
			 "AAAAAAAAAAA=\",\"srid\":null,\"extensions\":{\"type\":\"path\"}}"},
		{"polygon",
			"{\"wkb\":"
			"\"AQMAAAABAAAABAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAADwPwAAAAAAAAAAAAAAAAAAAA"
			"AAAAAAAADwPwAAAAAAAAAAAAAAAAAAAAA=\",\"srid\":null,\"extensions\":{"
			"\"type\":\"polygon\"}}"},
	};
	struct meaning shape = {
		CONNECT_STRUCT, DEBEZIUM "data.geometry.Geometry", NULL, write_geometry, 0};

	for (size_t i = 0; i < COUNT_OF(shapes); i++)
		if (source_type_is(&cx->source, shapes[i].source)) {
			f->source = shapes[i].source;
			shape.absent = shapes[i].absent;
		}
	mean(f, s, &shape);
	s->version = 2;
	s->doc = "Geometry";
	s->optional = true;
	add_field(cx, s, "wkb", &bytes_schema);
	add_field(cx, s, "srid", &optional_int32);
	add_field(cx, s, "extensions", &optional_strings);
}

/* --- All -------------------------------------------------------------------------------------- */

typedef void mean_fn(const struct compiler *, struct field *, struct connect_schema *);

static void mean_string(const struct compiler *cx, struct field *f, struct connect_schema *s)
{
	static const struct {
		const char *source;
		mean_fn *mean;
	} named[] = {
		{"numeric", mean_numeric},
		{"time without time zone", mean_time},
		{"interval", mean_interval},
		{"bytea", mean_bytes},
		{"bit", mean_bits},
		{"bit varying", mean_bits},
		{"circle", mean_circle},
		{"line", mean_line},
		{"box", mean_shape},
		{"lseg", mean_shape},
		{"path", mean_shape},
		{"polygon", mean_shape},
	};

	for (size_t i = 0; i < COUNT_OF(named); i++)
		if (source_type_is(&cx->source, named[i].source)) {
			named[i].mean(cx, f, s);
			return;
		}
	mean_text(cx, f, s);
}

static void compile(const struct compiler *cx, const struct type *type, struct field *f,
	struct connect_schema *s)
{
	static const struct meaning boolean = {CONNECT_BOOLEAN, NULL, "false", write_bool, 0},
				    uuid = {CONNECT_STRING, DEBEZIUM "data.Uuid", "\"\"",
					    write_uuid, 0},
				    json = {CONNECT_STRING, DEBEZIUM "data.Json", "\"\"",
					    write_string, 0};

	*f = (struct field){
		.schema = s, .modes = cx->modes, .type = type, .nullable = type->nullable};
	*s = (struct connect_schema){.optional = type->nullable};
	switch (type->kind) {
	case TYPE_BOOL: mean(f, s, &boolean); break;
	case TYPE_INT16:
	case TYPE_INT32:
	case TYPE_INT64:
	case TYPE_UINT32:
	case TYPE_UINT64:
	case TYPE_FLOAT32:
	case TYPE_FLOAT64: mean(f, s, &integers[type->kind]); break;
	case TYPE_DECIMAL: mean_decimal(cx, type, f, s); break;
	case TYPE_STRING: mean_string(cx, f, s); break;
	case TYPE_SYMBOL: mean_enum(cx, f, s); break;
	case TYPE_JSON: mean(f, s, &json); break;
	case TYPE_UUID: mean(f, s, &uuid); break;
	case TYPE_DATE: mean_date(cx, f, s); break;
	case TYPE_TIMESTAMP: mean_timestamp(cx, f, s); break;
	case TYPE_TIMESTAMPTZ: mean_zoned_timestamp(cx, f, s); break;
	case TYPE_POINT: mean_point(cx, f, s); break;
	case TYPE_ARRAY: mean_array(cx, type, f, s); break;
	case TYPE_MAP: mean_map(cx, f, s); break;
	}
}

void field_init(struct field *f, struct arena *arena, const struct table_column *column,
	const struct debezium_modes *modes)
{
	struct compiler cx = {.arena = arena, .modes = modes, .column = column};
	struct connect_schema *schema = arena_alloc(arena, sizeof *schema);
	bool ruled = column->rule.kind != RULE_NONE;

	source_type_parse(ruled               ? NULL
			  : column->base_type ? column->base_type
					      : column->source_type,
		&cx.source);
	if (ruled || !column->json_of) {
		compile(&cx, &column->type, f, schema);
		schema->fallback = field_default(arena, column, f);
		return;
	}
	struct field *container = arena_alloc(arena, sizeof *container);
	cx.in_json = true;
	compile(&cx, column->json_of, container, schema);
	schema->optional = column->type.nullable;
	*f = (struct field){.schema = schema,
		.write = write_carried,
		.nullable = column->type.nullable,
		.modes = modes,
		.type = &column->type,
		.element = container,
		.absent = container->absent};
}
