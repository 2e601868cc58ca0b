/* Canonical types; see type.h. Their text is "name", "decimal(p,s)", "array(T)", "nullable(T)". */
#include "core/type.h"

#include <stdlib.h>
#include <string.h>
#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

#define DEEPEST \
	16 /* nesting that type_parse() takes; PostgreSQL's arrays have at most 6 dimensions */

static const char *const names[] = {
	[TYPE_BOOL] = "bool",
	[TYPE_INT16] = "int16",
	[TYPE_INT32] = "int32",
	[TYPE_INT64] = "int64",
	[TYPE_UINT32] = "uint32",
	[TYPE_UINT64] = "uint64",
	[TYPE_FLOAT32] = "float32",
	[TYPE_FLOAT64] = "float64",
	[TYPE_DECIMAL] = "decimal",
	[TYPE_STRING] = "string",
	[TYPE_SYMBOL] = "symbol",
	[TYPE_JSON] = "json",
	[TYPE_UUID] = "uuid",
	[TYPE_DATE] = "date",
	[TYPE_TIMESTAMP] = "timestamp",
	[TYPE_TIMESTAMPTZ] = "timestamptz",
	[TYPE_POINT] = "point",
	[TYPE_ARRAY] = "array",
	[TYPE_MAP] = "map",
};

static size_t decimal_width(unsigned precision)
{
	return precision <= 9 ? 4 : precision <= 18 ? 8 : precision <= 38 ? 16 : 32;
}

size_t type_width(const struct type *type)
{
	switch (type->kind) {
	case TYPE_BOOL: return 1;
	case TYPE_INT16: return 2;
	case TYPE_INT32:
	case TYPE_UINT32:
	case TYPE_FLOAT32:
	case TYPE_DATE: return 4;
	case TYPE_INT64:
	case TYPE_UINT64:
	case TYPE_FLOAT64:
	case TYPE_TIMESTAMP:
	case TYPE_TIMESTAMPTZ: return 8;
	case TYPE_UUID: return 16;
	case TYPE_DECIMAL: return decimal_width(type->precision);
	case TYPE_STRING:
	case TYPE_SYMBOL:
	case TYPE_JSON:
	case TYPE_POINT:
	case TYPE_ARRAY:
	case TYPE_MAP: return 0;
	}
	return 0;
}

bool type_is_string(const struct type *type)
{
	return type->kind == TYPE_STRING || type->kind == TYPE_SYMBOL || type->kind == TYPE_JSON;
}

bool type_equal(const struct type *a, const struct type *b)
{
	if (a->kind != b->kind || a->nullable != b->nullable)
		return false;
	if (a->kind == TYPE_DECIMAL)
		return a->precision == b->precision && a->scale == b->scale;
	return a->kind != TYPE_ARRAY || type_equal(a->element, b->element);
}

/* Decimal digits that every value of an integer type fits in; 0: not an integer. */
static const int integer_digits[] = {
	[TYPE_INT16] = 5,
	[TYPE_INT32] = 10,
	[TYPE_UINT32] = 10,
	[TYPE_INT64] = 19,
	[TYPE_UINT64] = 20,
	[TYPE_MAP] = 0,
};

static bool decimal_widens(const struct type *from, const struct type *to)
{
	int digits = integer_digits[from->kind];
	if (digits)
		return to->precision - to->scale >= digits;
	return from->kind == TYPE_DECIMAL && to->scale >= from->scale &&
	       to->precision - to->scale >= from->precision - from->scale;
}

bool type_widens(const struct type *from, const struct type *to)
{
	enum type_kind kind = from->kind;

	if (from->nullable && !to->nullable)
		return false;
	switch (to->kind) {
	case TYPE_DECIMAL: return decimal_widens(from, to);
	case TYPE_ARRAY: return kind == TYPE_ARRAY && type_widens(from->element, to->element);
	case TYPE_INT32: return kind == TYPE_INT32 || kind == TYPE_INT16;
	case TYPE_INT64:
		return kind == TYPE_INT64 || kind == TYPE_INT32 || kind == TYPE_INT16 ||
		       kind == TYPE_UINT32;
	case TYPE_UINT64: return kind == TYPE_UINT64 || kind == TYPE_UINT32;
	case TYPE_FLOAT32: return kind == TYPE_FLOAT32 || kind == TYPE_INT16;
	case TYPE_FLOAT64:
		return kind == TYPE_FLOAT64 || kind == TYPE_FLOAT32 || kind == TYPE_INT32 ||
		       kind == TYPE_INT16 || kind == TYPE_UINT32;
	case TYPE_STRING: return type_is_string(from);
	case TYPE_SYMBOL: return kind == TYPE_SYMBOL || kind == TYPE_STRING;
	case TYPE_BOOL:
	case TYPE_INT16:
	case TYPE_UINT32:
	case TYPE_JSON:
	case TYPE_UUID:
	case TYPE_DATE:
	case TYPE_TIMESTAMP:
	case TYPE_TIMESTAMPTZ:
	case TYPE_POINT:
	case TYPE_MAP: return kind == to->kind;
	}
	return false;
}

static bool join_decimals(const struct type *a, const struct type *b, struct type *out)
{
	int whole_a = a->precision - a->scale, whole_b = b->precision - b->scale;
	int whole = whole_a > whole_b ? whole_a : whole_b;
	int scale = a->scale > b->scale ? a->scale : b->scale;

	*out = (struct type){.kind = TYPE_DECIMAL,
		.nullable = a->nullable || b->nullable,
		.precision = (uint8_t)(whole + scale),
		.scale = (uint8_t)scale};
	return whole + scale <= DECIMAL_MAX_PRECISION;
}

static bool join_arrays(
	const struct type *a, const struct type *b, struct arena *arena, struct type *out)
{
	struct type *element = arena_alloc(arena, sizeof *element);

	*out = (struct type){.kind = TYPE_ARRAY, .element = element};
	return type_join(a->element, b->element, arena, element);
}

/* b with the NULLs of a. */
static bool lets_in(const struct type *a, const struct type *b, struct type *out)
{
	*out = *b;
	out->nullable = a->nullable || b->nullable;
	return type_widens(a, out);
}

bool type_join(const struct type *a, const struct type *b, struct arena *arena, struct type *out)
{
	if (a->kind == TYPE_DECIMAL && b->kind == TYPE_DECIMAL)
		return join_decimals(a, b, out);
	if (a->kind == TYPE_ARRAY && b->kind == TYPE_ARRAY)
		return join_arrays(a, b, arena, out);
	return lets_in(a, b, out) || lets_in(b, a, out);
}

void type_print(const struct type *type, struct buf *out)
{
	if (type->nullable)
		buf_puts(out, "nullable(");
	buf_puts(out, names[type->kind]);
	if (type->kind == TYPE_DECIMAL)
		buf_printf(out, "(%u,%u)", type->precision, type->scale);
	if (type->kind == TYPE_ARRAY) {
		buf_puts(out, "(");
		type_print(type->element, out);
		buf_puts(out, ")");
	}
	if (type->nullable)
		buf_puts(out, ")");
}

/* Takes the word off the text if it stands there. */
static bool take(const char **text, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(*text, word, n) != 0)
		return false;
	*text += n;
	return true;
}

static bool take_number(const char **text, unsigned most, uint8_t *out)
{
	unsigned n = 0;
	const char *p = *text;

	while (*p >= '0' && *p <= '9' && n <= most)
		n = n * 10 + (unsigned)(*p++ - '0');
	if (p == *text || n > most)
		return false;
	*text = p;
	*out = (uint8_t)n;
	return true;
}

static bool take_decimal(const char **text, struct type *out)
{
	return take(text, "(") && take_number(text, DECIMAL_MAX_PRECISION, &out->precision) &&
	       take(text, ",") && take_number(text, out->precision, &out->scale) &&
	       take(text, ")") && out->precision > 0;
}

static bool take_kind(const char **text, enum type_kind *out)
{
	size_t n = strspn(*text, "abcdefghijklmnopqrstuvwxyz0123456789");

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (strlen(names[i]) == n && !strncmp(names[i], *text, n)) {
			*text += n;
			*out = (enum type_kind)i;
			return true;
		}
	}
	return false;
}

static bool take_type(const char **text, struct arena *arena, int depth, struct type *out)
{
	*out = (struct type){0};
	if (depth > DEEPEST)
		return false;
	if (take(text, "nullable(")) {
		if (!take_type(text, arena, depth + 1, out) || out->nullable || !take(text, ")"))
			return false;
		out->nullable = true;
		return out->kind != TYPE_ARRAY && out->kind != TYPE_MAP && out->kind != TYPE_POINT;
	}
	if (!take_kind(text, &out->kind))
		return false;
	if (out->kind == TYPE_DECIMAL)
		return take_decimal(text, out);
	if (out->kind != TYPE_ARRAY)
		return true;
	struct type *element = arena_alloc(arena, sizeof *element);
	out->element = element;
	return take(text, "(") && take_type(text, arena, depth + 1, element) && take(text, ")");
}

bool type_parse(const char *text, struct arena *arena, struct type *out, struct error *err)
{
	const char *rest = text;

	if (take_type(&rest, arena, 0, out) && !*rest)
		return true;
	return error_set(err, ERROR_BROKEN, "\"%.100s\" is not a type", text);
}
