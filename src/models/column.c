/* Columns of tables as dbt's templates know them: their name, their type and what kind of type that is. */
#include <stdlib.h>
#include <strings.h>
#include "models/internal.h"

struct column {
	struct object object;
	const struct dialect *dialect;
	const char *name, *type; /* type as the engine writes it */
	const char *inner;       /* without Nullable and LowCardinality */
};

static const struct column *self_of(const struct call *c)
{
	return (const struct column *)c->self.object;
}

static bool starts(const char *text, const char *with)
{
	return strncasecmp(text, with, strlen(with)) == 0;
}

static bool is_string(const struct column *column)
{
	return starts(column->inner, "String") || starts(column->inner, "FixedString");
}

static bool call_is_string(struct call *c)
{
	c->result = value_bool(is_string(self_of(c)));
	return true;
}

static bool call_is_integer(struct call *c)
{
	const char *type = self_of(c)->inner;

	c->result = value_bool(
		(starts(type, "Int") && !starts(type, "Interval")) || starts(type, "UInt"));
	return true;
}

static bool call_is_float(struct call *c)
{
	c->result = value_bool(starts(self_of(c)->inner, "Float"));
	return true;
}

static bool call_is_numeric(struct call *c)
{
	c->result = value_bool(starts(self_of(c)->inner, "Decimal"));
	return true;
}

static bool call_is_number(struct call *c)
{
	return (call_is_integer(c) && c->result.b) || (call_is_float(c) && c->result.b) ||
	       call_is_numeric(c);
}

/* Of a FixedString its length; dbt gives 256 for those without a limit. */
static bool call_string_size(struct call *c)
{
	const struct column *column = self_of(c);

	if (!is_string(column))
		return render_fail(c->render, "string_size(): %s is no text but %s", column->name,
			column->type);
	const char *open = strchr(column->inner, '(');
	c->result = value_int(open ? atoi(open + 1) : 256);
	return true;
}

static const struct function methods[] = {
	{"is_string", "", call_is_string},
	{"is_integer", "", call_is_integer},
	{"is_float", "", call_is_float},
	{"is_numeric", "", call_is_numeric},
	{"is_number", "", call_is_number},
	{"string_size", "", call_string_size},
};

struct value quoted_name(struct render *r, const struct dialect *dialect, const char *name)
{
	struct buf text;

	buf_init(&text, 1 << 16);
	dialect->name(&text, name);
	struct value v = render_text(r, text.data, text.len);
	buf_release(&text);
	return v;
}

static bool get_of_column(
	struct render *r, struct object *object, const char *name, struct value *out)
{
	const struct column *self = (const struct column *)object;

	if (!strcmp(name, "name") || !strcmp(name, "column"))
		*out = value_text(self->name);
	else if (!strcmp(name, "data_type") || !strcmp(name, "dtype"))
		*out = value_text(name[1] == 'a' ? self->type : self->inner);
	else if (!strcmp(name, "quoted"))
		*out = quoted_name(r, self->dialect, self->name);
	else if (!strcmp(name, "is_nullable"))
		*out = value_bool(strstr(self->type, "Nullable(") != NULL);
	else
		return method_get(
			r, object, (struct methods){methods, COUNT_OF(methods)}, name, out);
	return true;
}

static bool print_column(struct render *r, struct object *object, struct buf *out)
{
	const struct column *self = (const struct column *)object;
	const char *text = arena_printf(render_arena(r), "%s %s", self->name, self->type);

	return render_str(r, value_text(text), out);
}

static const char *key_of(const struct object *object)
{
	return ((const struct column *)object)->name;
}

struct value column_value(
	struct arena *a, const struct dialect *dialect, const char *name, const char *type)
{
	static const struct object_ops ops = {
		.type = "Column", .get = get_of_column, .print = print_column, .key = key_of};
	static const char *const wraps[] = {"LowCardinality(", "Nullable("};
	struct column *column = arena_alloc(a, sizeof *column);
	size_t start = 0, end = strlen(type);

	for (size_t i = 0; i < COUNT_OF(wraps); i++) {
		if (!starts(type + start, wraps[i]) || end <= start + strlen(wraps[i]))
			continue;
		start += strlen(wraps[i]);
		end--;
	}
	*column = (struct column){
		{&ops}, dialect, name, type, arena_strndup(a, type + start, end - start)};
	return value_object(&column->object);
}
