/*
 * Shapes: made of schemas, or of a table that is known; the columns that follow from them; and their binding to
 * the table that rows go to, whose columns may be fewer or of wider types. See debezium.h.
 */
#include "formats/debezium/shape.h"

#include <stdlib.h>
#include "base/text.h"
#include "formats/connect/json.h"
#include "formats/debezium/field.h"
#include "formats/debezium/origin.h"

#define MOST_DIGITS 76 /* of a decimal whose schema does not say */

/* --- Making ----------------------------------------------------------------------------------- */

static bool is_struct(const struct connect_schema *s)
{
	return s && s->kind == CONNECT_STRUCT;
}

/* The row of an envelope: the struct of `after`, or of `before`. */
static const struct connect_schema *row_of(const struct connect_schema *value)
{
	const struct connect_field *after = connect_field(value, "after"),
				   *before = connect_field(value, "before");

	if (!connect_field(value, "op") || (!after && !before))
		return NULL;
	const struct connect_schema *row = after ? after->schema : before->schema;
	return is_struct(row) ? row : NULL;
}

static void add_fields(
	struct debezium_shape *s, struct fields *f, const struct connect_schema *schema)
{
	f->schema = schema;
	names_init(&f->names, &s->arena, schema ? schema->n_fields : 0);
	for (size_t i = 0; schema && i < schema->n_fields; i++)
		names_add(&f->names, schema->fields[i].name);
}

static struct debezium_shape *new_shape(const struct debezium_modes *modes)
{
	struct debezium_shape *s = xcalloc(1, sizeof *s);

	arena_init(&s->arena);
	arena_init(&s->bound);
	buf_init(&s->aside_key, BUF_MAX);
	buf_init(&s->aside_row, BUF_MAX);
	s->modes = *modes;
	s->modes.unavailable = arena_strdup(&s->arena, modes->unavailable);
	envelope_names(&s->envelope, &s->arena);
	source_names(&s->source, &s->arena);
	return s;
}

struct debezium_shape *debezium_shape_new(const struct connect_schema *key,
	const struct connect_schema *value, const struct debezium_modes *modes, struct error *err)
{
	const struct connect_schema *row = is_struct(value) ? row_of(value) : NULL;

	if (!is_struct(value) && !is_struct(key)) {
		error_set(err, ERROR_DATA, "neither key nor value is made of fields");
		return NULL;
	}
	struct debezium_shape *s = new_shape(modes);
	s->form = row ? FORM_ENVELOPE : FORM_ROWS;
	s->form_is_sure = true;
	add_fields(s, &s->row, row ? row : is_struct(value) ? value : NULL);
	add_fields(s, &s->key, is_struct(key) ? key : NULL);
	return s;
}

static const char *known_name(const struct field *f, const struct debezium_modes *modes)
{
	if (f->write == write_bit)
		return SCHEMA_BIT;
	if (modes->binary == BINARY_BYTES ||
		(f->write != write_bytes && f->write != write_text_bytes))
		return f->schema->name;
	return modes->binary == BINARY_HEX ? SCHEMA_HEX : SCHEMA_BASE64;
}

/* The table says more than such a schema would: see SCHEMA_BIT. */
static void name_known(const struct field *field, const struct debezium_modes *modes)
{
	const struct field *of = field->write == write_carried ? field->element : field;

	if (of->write == write_array)
		of = of->element;
	/* the schema was made for this shape alone */
	((struct connect_schema *)of->schema)->name = known_name(of, modes);
}

/* The schema that such a table would have been written with. */
struct debezium_shape *debezium_shape_known(
	const struct table *known, const struct debezium_modes *modes)
{
	struct debezium_shape *s = new_shape(modes);
	struct connect_schema *row = arena_alloc(&s->arena, sizeof *row);

	row->kind = CONNECT_STRUCT;
	row->n_fields = known->n_columns;
	row->fields = arena_alloc(&s->arena, (known->n_columns + 1) * sizeof *row->fields);
	for (size_t i = 0; i < known->n_columns; i++) {
		struct field field;
		field_init(&field, &s->arena, &known->columns[i], &s->modes);
		name_known(&field, modes);
		row->fields[i].name = arena_strdup(&s->arena, known->columns[i].name);
		row->fields[i].schema = field.schema;
	}
	add_fields(s, &s->row, row);
	add_fields(s, &s->key, row);
	return s;
}

static void unbind(struct debezium_shape *s);

void debezium_shape_free(struct debezium_shape *s)
{
	if (!s)
		return;
	unbind(s);
	names_release(&s->row.names);
	names_release(&s->key.names);
	names_release(&s->envelope);
	names_release(&s->source);
	buf_release(&s->aside_key);
	buf_release(&s->aside_row);
	arena_release(&s->bound);
	arena_release(&s->arena);
	free(s);
}

enum row_word shape_word(const char *name)
{
	static const char *const words[] = {[WORD_DELETED] = "__deleted",
		[WORD_OP] = "__op",
		[WORD_TIME] = "__source_ts_ms",
		[WORD_LSN] = "__source_lsn"};

	for (enum row_word word = WORD_DELETED; word <= WORD_LSN; word++)
		if (!strcmp(name, words[word]))
			return word;
	return WORD_NONE;
}

/* --- Columns ---------------------------------------------------------------------------------- */

static void set_decimal(const struct connect_schema *s, struct type *out)
{
	const char *scale = connect_parameter(s, "scale"),
		   *precision = connect_parameter(s, "connect.decimal.precision");
	long digits = precision ? strtol(precision, NULL, 10) : MOST_DIGITS;
	long behind = scale ? strtol(scale, NULL, 10) : 0;

	out->kind = TYPE_STRING;
	if (digits < 1 || digits > DECIMAL_MAX_PRECISION || behind < 0 || behind > digits)
		return;
	out->kind = TYPE_DECIMAL;
	out->precision = (uint8_t)digits;
	out->scale = (uint8_t)behind;
}

static void set_numeric(const struct table_options *options, struct type *out)
{
	int mode = options ? options->numeric : NUMERIC_STRING;

	*out = mode == NUMERIC_DECIMAL ? (struct type){.kind = TYPE_DECIMAL,
						 .precision = MOST_DIGITS,
						 .scale = PG_NUMERIC_SCALE}
	       : mode == NUMERIC_FLOAT ? (struct type){.kind = TYPE_FLOAT64}
				       : (struct type){.kind = TYPE_STRING};
}

/* By meaning; false: it has none that counts. */
static bool set_by_name(
	const struct connect_schema *s, const struct table_options *options, struct type *out)
{
	static const struct {
		const char *name;
		enum type_kind kind;
	} kinds[] = {
		{"org.apache.kafka.connect.data.Date", TYPE_DATE},
		{"org.apache.kafka.connect.data.Time", TYPE_STRING},
		{"org.apache.kafka.connect.data.Timestamp", TYPE_TIMESTAMP},
		{"io.debezium.time.Date", TYPE_DATE},
		{"io.debezium.time.IsoDate", TYPE_DATE},
		{"io.debezium.time.Timestamp", TYPE_TIMESTAMP},
		{"io.debezium.time.MicroTimestamp", TYPE_TIMESTAMP},
		{"io.debezium.time.NanoTimestamp", TYPE_TIMESTAMP},
		{"io.debezium.time.IsoTimestamp", TYPE_TIMESTAMP},
		{"io.debezium.time.ZonedTimestamp", TYPE_TIMESTAMPTZ},
		{"io.debezium.time.Time", TYPE_STRING},
		{"io.debezium.time.MicroTime", TYPE_STRING},
		{"io.debezium.time.NanoTime", TYPE_STRING},
		{"io.debezium.time.MicroDuration", TYPE_STRING},
		{"io.debezium.time.NanoDuration", TYPE_STRING},
		{"io.debezium.data.Uuid", TYPE_UUID},
		{"io.debezium.data.Enum", TYPE_SYMBOL},
		{"io.debezium.data.geometry.Point", TYPE_POINT},
	};

	if (!s->name)
		return false;
	if (!strcmp(s->name, "org.apache.kafka.connect.data.Decimal")) {
		set_decimal(s, out);
		return true;
	}
	if (!strcmp(s->name, "io.debezium.data.VariableScaleDecimal")) {
		set_numeric(options, out);
		return true;
	}
	if (!strcmp(s->name, "io.debezium.data.Json") && options && options->json == JSON_NATIVE) {
		out->kind = TYPE_JSON;
		return true;
	}
	for (size_t i = 0; i < COUNT_OF(kinds); i++)
		if (!strcmp(s->name, kinds[i].name)) {
			out->kind = kinds[i].kind;
			return true;
		}
	return false;
}

static void set_type(struct arena *arena, const struct connect_schema *s,
	const struct table_options *options, struct type *out);

static void set_array(struct arena *arena, const struct connect_schema *s,
	const struct table_options *options, struct type *out)
{
	struct type *element = arena_alloc(arena, sizeof *element);

	set_type(arena, s->element, options, element);
	element->nullable = column_child_count(element->kind) == 0;
	*out = (struct type){.kind = TYPE_ARRAY, .element = element};
}

static void set_type(struct arena *arena, const struct connect_schema *s,
	const struct table_options *options, struct type *out)
{
	static const enum type_kind kinds[] = {
		[CONNECT_INT8] = TYPE_INT16,
		[CONNECT_INT16] = TYPE_INT16,
		[CONNECT_INT32] = TYPE_INT32,
		[CONNECT_INT64] = TYPE_INT64,
		[CONNECT_FLOAT32] = TYPE_FLOAT32,
		[CONNECT_FLOAT64] = TYPE_FLOAT64,
		[CONNECT_BOOLEAN] = TYPE_BOOL,
		[CONNECT_STRING] = TYPE_STRING,
		[CONNECT_BYTES] = TYPE_STRING,
		[CONNECT_ARRAY] = TYPE_ARRAY,
		[CONNECT_MAP] = TYPE_STRING, /* its JSON */
		[CONNECT_STRUCT] = TYPE_STRING,
	};

	*out = (struct type){0};
	if (set_by_name(s, options, out))
		return;
	out->kind = kinds[s->kind];
	if (s->kind == CONNECT_ARRAY)
		set_array(arena, s, options, out);
	else if (s->kind == CONNECT_MAP && s->element->kind == CONNECT_STRING)
		out->kind = TYPE_MAP;
}

/* As the PostgreSQL source has it: a container that may be NULL is carried as its JSON. */
static void set_nullable(struct table *t, const struct connect_schema *s, struct table_column *c)
{
	bool empty = t->options && t->options->null_is_empty;

	if (!column_child_count(c->type.kind)) {
		c->type.nullable = s->optional && !c->key;
	} else if (s->optional && !empty) {
		struct type *container = arena_alloc(&t->arena, sizeof *container);
		*container = c->type;
		c->json_of = container;
		c->type = (struct type){.kind = TYPE_STRING, .nullable = true};
	}
}

/* Where the hash is taken, the place. */
int debezium_attribute(const struct table *t, const char *name)
{
	int attribute = (int)(text_hash(name, strlen(name)) & INT32_MAX);

	if (attribute && table_column_by_attribute(t, attribute) < 0)
		return attribute;
	return (int)t->n_columns + 1;
}

static const char *kind_name(const struct connect_schema *s)
{
	static const char *const names[] = {"int8", "int16", "int32", "int64", "float32", "float64",
		"boolean", "string", "bytes", "array", "map", "struct"};

	return s->name ? s->name : names[s->kind];
}

/* Their text is not the database's: in UTC, and hours in place of days and months. */
static bool is_approximate(const struct connect_schema *s)
{
	static const char *const names[] = {"io.debezium.time.ZonedTime",
		"io.debezium.time.MicroDuration", "io.debezium.time.NanoDuration"};

	if (s->kind == CONNECT_ARRAY)
		return is_approximate(s->element);
	for (size_t i = 0; s->name && i < COUNT_OF(names); i++) {
		if (!strcmp(s->name, names[i]))
			return true;
	}
	return false;
}

/* The default of a field is what rows have that were written before it came. */
static void set_missing(struct table *t, const struct connect_schema *s, struct table_column *c,
	const struct debezium_modes *modes)
{
	struct connect_json_reader r;
	struct decoder d;
	struct column value;
	struct buf json;

	if (!s->fallback)
		return;
	buf_init(&json, BUF_MAX);
	column_init(&value, &c->type);
	decoder_init(&d, &t->arena, s, c, t->options, modes);
	connect_json_reader_init(&r);
	connect_json_read(&r, s->fallback, strlen(s->fallback));
	if (decode(&d, &r.base, connect_next(&r.base, NULL), &value, NULL) &&
		!column_is_unchanged(&value, 0)) {
		column_print(&value, 0, &json);
		c->missing = arena_strdup(&t->arena, buf_text(&json));
	}
	connect_json_reader_release(&r);
	decoder_release(&d);
	column_release(&value);
	buf_release(&json);
}

static void add_column(const struct debezium_shape *shape, struct table *t,
	const struct connect_field *field, bool key)
{
	struct table_column *c = &t->columns[t->n_columns];
	const char *labels = connect_parameter(field->schema, "allowed");
	struct table_options own;

	c->name = arena_strdup(&t->arena, field->name);
	c->attribute = debezium_attribute(t, field->name);
	c->source_type = arena_strdup(&t->arena, kind_name(field->schema));
	c->labels = arena_strdup(&t->arena, labels);
	c->approximate = is_approximate(field->schema);
	c->key = key;
	set_type(&t->arena, field->schema, table_options_of(t->options, key, &own), &c->type);
	set_nullable(t, field->schema, c);
	set_missing(t, field->schema, c, &shape->modes);
	c->filled = shape->form == FORM_ENVELOPE && c->missing && !c->type.nullable;
	t->n_columns++;
}

bool debezium_shape_columns(const struct debezium_shape *s, struct table *out, struct error *err)
{
	const struct connect_schema *row = s->row.schema, *key = s->key.schema;
	size_t n_row = row ? row->n_fields : 0, n_key = key ? key->n_fields : 0;

	out->columns = arena_alloc(&out->arena, (n_row + n_key + 1) * sizeof *out->columns);
	out->key = arena_alloc(&out->arena, (n_key + 1) * sizeof *out->key);
	out->n_columns = out->n_key = 0;
	for (size_t i = 0; i < n_row; i++)
		if (table_column_by_name(out, row->fields[i].name) < 0 &&
			!shape_word(row->fields[i].name))
			add_column(s, out, &row->fields[i],
				key && connect_field(key, row->fields[i].name));
	for (size_t i = 0; i < n_key; i++) {
		if (table_column_by_name(out, key->fields[i].name) < 0)
			add_column(s, out, &key->fields[i], true);
		out->key[out->n_key++] = (uint16_t)table_column_by_name(out, key->fields[i].name);
	}
	return out->n_columns || error_set(err, ERROR_DATA, "the schema has no fields");
}

/* --- Binding ---------------------------------------------------------------------------------- */

static void release_decoders(struct fields *f)
{
	for (size_t i = 0; f->decoders && i < f->names.n; i++)
		if (f->decoders[i])
			decoder_release(f->decoders[i]);
	f->decoders = NULL;
	f->columns = NULL;
}

static void unbind(struct debezium_shape *s)
{
	release_decoders(&s->row);
	release_decoders(&s->key);
	arena_reset(&s->bound);
	table_unref(s->table);
	s->table = NULL;
}

static void bind_fields(struct debezium_shape *s, struct fields *f, const struct table *t)
{
	size_t n = f->names.n;

	f->columns = arena_alloc(&s->bound, (n + 1) * sizeof *f->columns);
	f->decoders = arena_alloc(&s->bound, (n + 1) * sizeof *f->decoders);
	for (size_t i = 0; i < n; i++) {
		f->columns[i] = table_column_by_name(t, f->names.items[i].text);
		if (f->columns[i] == NO_COLUMN)
			continue;
		f->decoders[i] = arena_alloc(&s->bound, sizeof *f->decoders[i]);
		decoder_init(f->decoders[i], &s->bound,
			connect_field(f->schema, f->names.items[i].text)->schema,
			&t->columns[f->columns[i]], t->options, &s->modes);
	}
}

void shape_bind(struct debezium_shape *s, struct table *t)
{
	if (s->table == t)
		return;
	unbind(s);
	s->table = table_ref(t);
	bind_fields(s, &s->row, t);
	bind_fields(s, &s->key, t);
}
