/*
 * Compiles the codec of a column from its type, and reads cells with it; see pgtype.h. A codec is a
 * tree like its type: an array has its element, a composite its fields, a range its bounds' type.
 * What is carried as text needs only the renderers of the tree; an array also decodes by its
 * element.
 */
#include "formats/pgtype/forms.h"

#include "base/mem.h"

#define OID_BYTEA   17
#define OID_JSON    114
#define OID_NUMERIC 1700
#define OID_MONEY   790
#define OID_JSONB   3802

#define DEEPEST       32
#define MAX_DIMS      6 /* PostgreSQL's MAXDIM */
#define TYPMOD_HEADER 4 /* VARHDRSZ: what a typmod is counted from */

struct compiler {
	struct arena *arena;
	const struct pg_catalog *catalog;
	const struct table_options *options;
	bool for_json; /* bytes are carried in their text form: JSON has none */
	struct error *err;
};

static bool compile(const struct compiler *cx, struct pg_codec *c, uint32_t oid, int32_t typmod,
	int16_t dims, int depth);

bool pg_bad_binary(const struct pg_codec *c, struct error *err)
{
	return error_set(err, ERROR_DATA, "the binary form of a %s is malformed", c->name);
}

bool pg_bad_text(const struct pg_codec *c, struct error *err)
{
	return error_set(err, ERROR_DATA, "the text form of a %s is malformed", c->name);
}

/* --- Decoding that needs no knowledge of the type --------------------------------------------- */

bool pg_decode_string(const struct pg_codec *c, const uint8_t *data, size_t len,
	struct column *column, struct error *err)
{
	(void)c;
	(void)err;
	memcpy(column_add_string(column, len), data, len);
	return true;
}

bool pg_decode_rendered(const struct pg_codec *c, const uint8_t *data, size_t len,
	struct column *column, struct error *err)
{
	struct buf *text = &c->scratch->rendered;

	buf_clear(text);
	bool ok = c->render(c, data, len, text, err);
	if (ok && text->len)
		memcpy(column_add_string(column, text->len), text->data, text->len);
	else if (ok)
		column_add_string(column, 0);
	pg_trim(text);
	return ok;
}

static bool decode_unreadable(const struct pg_codec *c, const uint8_t *data, size_t len,
	struct column *column, struct error *err)
{
	(void)data;
	(void)len;
	(void)column;
	return error_set(err, ERROR_DATA,
		"the binary form of type %s is not known; its text form is needed", c->name);
}

static bool decode_ignored(const struct pg_codec *c, const uint8_t *data, size_t len,
	struct column *column, struct error *err)
{
	(void)c;
	(void)data;
	(void)len;
	(void)err;
	column_add_default(column);
	return true;
}

/* A container in a column that takes no container: decoded aside, then printed. */
static bool decode_to_json(const struct pg_codec *c, pg_decode_fn *decode, const uint8_t *data,
	size_t len, struct column *column, struct error *err)
{
	struct buf *json = &c->scratch->rendered;
	struct column *value = &c->scratch->value;

	column_clear(value);
	if (!decode(&c->children[0], data, len, value, err))
		return false;
	buf_clear(json);
	column_print(value, 0, json);
	memcpy(column_add_string(column, json->len), json->data, json->len);
	pg_trim(json);
	return true;
}

static bool decode_wrapped_binary(const struct pg_codec *c, const uint8_t *data, size_t len,
	struct column *column, struct error *err)
{
	return decode_to_json(c, c->children[0].binary, data, len, column, err);
}

static bool decode_wrapped_text(const struct pg_codec *c, const uint8_t *data, size_t len,
	struct column *column, struct error *err)
{
	return decode_to_json(c, c->children[0].text, data, len, column, err);
}

static bool render_child(const struct pg_codec *c, const uint8_t *data, size_t len, struct buf *out,
	struct error *err)
{
	return c->children[0].render(&c->children[0], data, len, out, err);
}

/* --- Compiling -------------------------------------------------------------------------------- */

static struct pg_codec *add_children(const struct compiler *cx, struct pg_codec *c, size_t n)
{
	c->children = arena_alloc(cx->arena, (n + 1) * sizeof *c->children);
	return c->children;
}

static void carry_text(struct pg_codec *c)
{
	c->type = (struct type){.kind = TYPE_STRING};
	c->binary = c->render ? pg_decode_rendered : decode_unreadable;
	c->text = pg_decode_string;
}

static void inherit(struct pg_codec *c, const struct pg_codec *child)
{
	c->cast_in_copy = c->cast_in_copy || child->cast_in_copy;
	/* Send functions of containers call those of their parts, even where there are none. */
	c->text_stream = c->text_stream || child->cast_in_copy;
	if (!child->render)
		c->render = NULL;
}

static void compile_unknown(struct pg_codec *c, const struct pg_type *t)
{
	c->render = NULL;
	c->approximate = c->cast_in_copy = true;
	c->text_stream = !t->no_send;
	carry_text(c);
}

static void carry_decimal(struct pg_codec *c, int precision, int scale)
{
	c->type = (struct type){
		.kind = TYPE_DECIMAL, .precision = (uint8_t)precision, .scale = (uint8_t)scale};
	c->binary = pg_decimal_binary;
	c->text = pg_decimal_text;
}

static void compile_numeric(const struct compiler *cx, struct pg_codec *c, int32_t typmod)
{
	if (typmod >= TYPMOD_HEADER) {
		int precision = ((typmod - TYPMOD_HEADER) >> 16) & 0xffff;
		int scale = (((typmod - TYPMOD_HEADER) & 0x7ff) ^ 0x400) -
			    0x400; /* 11 bits with a sign */
		if (precision > DECIMAL_MAX_PRECISION || scale < 0 || scale > precision)
			c->approximate = true;
		else
			carry_decimal(c, precision, scale);
	} else if (cx->options->numeric == NUMERIC_DECIMAL) {
		carry_decimal(c, DECIMAL_MAX_PRECISION, PG_NUMERIC_SCALE);
	} else if (cx->options->numeric == NUMERIC_FLOAT) {
		c->type.kind = TYPE_FLOAT64;
		c->binary = pg_numeric_float_binary;
		c->text = pg_numeric_float_text;
	}
}

static void compile_form(
	const struct compiler *cx, struct pg_codec *c, const struct pg_form *form, int32_t typmod)
{
	c->render = form->render;
	carry_text(c);
	c->type.kind = form->kind;
	if (form->binary)
		c->binary = form->binary;
	if (form->text)
		c->text = form->text;
	if (form->oid == OID_MONEY)
		c->type = (struct type){.kind = TYPE_DECIMAL, .precision = 19, .scale = 2};
	if (form->oid == OID_NUMERIC)
		compile_numeric(cx, c, typmod);
	if (form->oid == OID_BYTEA && cx->for_json)
		carry_text(c);
	if ((form->oid == OID_JSON || form->oid == OID_JSONB) && cx->options->json == JSON_NATIVE) {
		c->type.kind = TYPE_JSON;
		c->binary = form->oid == OID_JSON ? pg_decode_json_text : pg_decode_json_binary;
		c->text = pg_decode_json_text;
	}
}

static bool compile_array(const struct compiler *cx, struct pg_codec *c, const struct pg_type *t,
	int32_t typmod, int16_t dims, int depth)
{
	struct pg_codec *element = add_children(cx, c, 1);

	c->n_children = 1;
	if (!compile(cx, element, t->element, typmod, 0, depth + 1))
		return false;
	if (element->type.kind == TYPE_ARRAY)
		carry_text(element);
	element->type.nullable = column_child_count(element->type.kind) == 0;
	c->delimiter = element->delimiter;
	c->dims = dims < 1 ? 1 : dims > MAX_DIMS ? MAX_DIMS : dims;
	c->approximate = element->approximate;
	c->render = pg_render_array;
	c->binary = pg_array_binary;
	c->text = pg_array_text;
	inherit(c, element);
	if (!c->render)
		c->binary = decode_unreadable;

	/* Columns keep the type beyond the codec: see pg_codec_release(). */
	struct type *innermost = arena_alloc(cx->arena, sizeof *innermost);
	*innermost = element->type;
	const struct type *inner = innermost;
	for (int16_t i = 1; i < c->dims; i++) {
		struct type *nested = arena_alloc(cx->arena, sizeof *nested);
		*nested = (struct type){.kind = TYPE_ARRAY, .element = inner};
		inner = nested;
	}
	c->type = (struct type){.kind = TYPE_ARRAY, .element = inner};
	return true;
}

static bool compile_parts(
	const struct compiler *cx, struct pg_codec *c, const struct pg_type *t, int depth)
{
	bool record = t->typtype == 'c';
	size_t n = record ? t->n_fields : 1;
	struct pg_codec *parts = add_children(cx, c, n);

	c->render = record              ? pg_render_record
		    : t->typtype == 'r' ? pg_render_range
					: pg_render_multirange;
	for (size_t i = 0; i < n; i++) {
		c->n_children = i + 1;
		uint32_t part = record ? t->fields[i].type : t->subtype;
		if (!compile(cx, &parts[i], part, -1, 0, depth + 1))
			return false;
		inherit(c, &parts[i]);
	}
	carry_text(c);
	return true;
}

static struct pg_scratch *new_scratch(struct arena *arena)
{
	struct pg_scratch *scratch = arena_alloc(arena, sizeof *scratch);

	buf_init(&scratch->rendered, BUF_MAX);
	buf_init(&scratch->unescaped, BUF_MAX);
	return scratch;
}

static bool compile_base(
	const struct compiler *cx, struct pg_codec *c, const struct pg_type *t, int32_t typmod)
{
	const struct pg_form *form = pg_form_find(t->oid);

	if (!form && t->typtype == 'b')
		form = pg_form_named(t->name);
	if (form && form->render)
		compile_form(cx, c, form, typmod);
	else
		compile_unknown(c, t);
	return true;
}

/* The type without nullability: pg_codec_init() and compile_array() add that. */
static bool compile(const struct compiler *cx, struct pg_codec *c, uint32_t oid, int32_t typmod,
	int16_t dims, int depth)
{
	const struct pg_type *t = pg_catalog_find(cx->catalog, oid);

	*c = (struct pg_codec){.oid = oid, .name = "?", .scratch = new_scratch(cx->arena)};
	for (; t && t->typtype == 'd' && depth < DEEPEST; depth++) {
		typmod = t->base_typmod;
		dims = t->base_dims;
		t = pg_catalog_find(cx->catalog, t->base);
	}
	if (!t || depth >= DEEPEST)
		return error_set(cx->err, ERROR_TABLE,
			t ? "type with oid %u is nested too deeply"
			  : "type with oid %u is not in the catalog that was read",
			oid);
	c->name = arena_strdup(cx->arena, t->name);
	c->delimiter = t->delimiter;
	c->clamp = cx->options->out_of_range == RANGE_CLAMP;
	if (t->element)
		return compile_array(cx, c, t, typmod, dims, depth);
	switch (t->typtype) {
	case 'c':
	case 'r':
	case 'm': return compile_parts(cx, c, t, depth);
	case 'e':
		c->render = pg_render_text;
		carry_text(c);
		c->type.kind = TYPE_SYMBOL;
		c->binary = pg_decode_string;
		return true;
	default: return compile_base(cx, c, t, typmod);
	}
}

static bool wrap_in_json(
	const struct compiler *cx, struct pg_codec *c, const struct pg_column *column)
{
	struct compiler inner = *cx;
	struct pg_codec *child = add_children(cx, c, 1);

	inner.for_json = true;
	if (!compile(&inner, child, column->type, column->typmod, column->dims, 0))
		return false;
	c->n_children = 1;
	struct type *container = arena_alloc(cx->arena, sizeof *container);
	*container = child->type;
	c->json_of = container;
	c->type = (struct type){.kind = TYPE_STRING, .nullable = true};
	c->render = child->render ? render_child : NULL;
	c->binary = decode_wrapped_binary;
	c->text = decode_wrapped_text;
	column_init(&c->scratch->value, &child->type);
	c->scratch->value_ready = true;
	return true;
}

/* As selection_apply() changes the type of the column. */
static void apply_rule(struct pg_codec *c, enum rule_kind rule)
{
	bool nullable = c->type.nullable;

	switch (rule) {
	case RULE_NONE:
	case RULE_DROP: return;
	case RULE_HASH:
	case RULE_HMAC:
	case RULE_MASK:
		carry_text(c);
		c->type.nullable = nullable;
		return;
	case RULE_CONSTANT: c->type = (struct type){.kind = TYPE_STRING}; break;
	case RULE_NULL:
		if (column_child_count(c->type.kind))
			c->type = (struct type){.kind = TYPE_STRING};
		c->type.nullable = true;
		break;
	}
	c->ignored = true;
	c->binary = c->text = decode_ignored;
}

/* A value that cannot be had is to be NULL, whatever the source promises. */
static bool may_be_nulled(const struct pg_codec *c, const struct pg_column *column,
	const struct table_options *options)
{
	enum type_kind kind = c->type.kind;

	return options->unrepresentable == UNREPRESENTABLE_NULL && !column->key &&
	       (kind == TYPE_DECIMAL || kind == TYPE_DATE || kind == TYPE_TIMESTAMP ||
		       kind == TYPE_TIMESTAMPTZ || kind == TYPE_JSON);
}

bool pg_codec_init(struct pg_codec *c, struct arena *arena, const struct pg_catalog *catalog,
	const struct pg_column *column, const struct table_options *options, struct error *err)
{
	struct table_options own;
	struct compiler cx = {.arena = arena,
		.catalog = catalog,
		.options = table_options_of(options, column->key, &own),
		.err = err};

	if (!compile(&cx, c, column->type, column->typmod, column->dims, 0))
		return false;
	if (column_child_count(c->type.kind) == 0)
		c->type.nullable = !column->not_null || may_be_nulled(c, column, options);
	else if (!column->not_null && options->null_is_empty)
		c->null_is_empty = true;
	else if (!column->not_null && !wrap_in_json(&cx, c, column))
		return false;
	apply_rule(c, column->rule);
	return true;
}

void pg_codec_release(struct pg_codec *c)
{
	if (c->scratch) {
		buf_release(&c->scratch->rendered);
		buf_release(&c->scratch->unescaped);
		if (c->scratch->value_ready)
			column_release(&c->scratch->value);
	}
	for (size_t i = 0; i < c->n_children; i++)
		pg_codec_release(&c->children[i]);
	*c = (struct pg_codec){0};
}

/* --- Cells ------------------------------------------------------------------------------------ */

bool pg_codec_takes_null(const struct pg_codec *c)
{
	return c->type.nullable || c->null_is_empty || c->ignored;
}

static bool decode_null(const struct pg_codec *c, struct column *column, struct error *err)
{
	if (!pg_codec_takes_null(c))
		return error_set(err, ERROR_DATA, "NULL in a column that takes none");
	column_add_default(column);
	return true;
}

bool pg_codec_decode(const struct pg_codec *c, const struct pg_cell *cell, struct column *column,
	struct error *err)
{
	switch (cell->kind) {
	case PG_CELL_BINARY: return c->binary(c, cell->data, cell->len, column, err);
	case PG_CELL_TEXT: return c->text(c, cell->data, cell->len, column, err);
	case PG_CELL_NULL: return decode_null(c, column, err);
	case PG_CELL_UNCHANGED: column_add_unchanged(column); return true;
	case PG_CELL_ABSENT: break;
	}
	return error_set(err, ERROR_TABLE, "the message has no such column");
}

bool pg_codec_text(
	const struct pg_codec *c, const struct pg_cell *cell, struct buf *out, struct error *err)
{
	if (cell->kind == PG_CELL_TEXT) {
		buf_append(out, cell->data, cell->len);
		return true;
	}
	if (cell->kind != PG_CELL_BINARY)
		return error_set(err, ERROR_DATA, "there is no value");
	if (!c->render)
		return decode_unreadable(c, cell->data, cell->len, NULL, err);
	return c->render(c, cell->data, cell->len, out, err);
}

bool pg_codec_json(
	const struct pg_codec *c, const struct pg_cell *cell, struct buf *out, struct error *err)
{
	struct column value;

	column_init(&value, &c->type);
	bool ok = pg_codec_decode(c, cell, &value, err);
	if (ok)
		column_print(&value, 0, out);
	column_release(&value);
	return ok;
}
