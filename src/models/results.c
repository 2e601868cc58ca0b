/*
 * Answers of the warehouse as dbt's templates know them, which is as Python's agate has them: a Table of
 * rows and columns; a row's values by number or name, a column's by number. Numbers, times and truths are
 * values, all else is text as the engine writes it.
 */
#include <errno.h>
#include <stdlib.h>
#include "models/internal.h"

/* Items with names: a row, the columns of a table; without: a column, the rows. */
struct sequence {
	struct object object;
	struct list *items;
	struct list *names;           /* NULL: none */
	const char *name;             /* of a column; NULL */
	const struct sequence *table; /* of the table itself: its columns */
};

static struct sequence *self_of(const struct call *c)
{
	return (struct sequence *)c->self.object;
}

static struct list *items_of(struct object *self)
{
	return ((struct sequence *)self)->items;
}

static bool call_values(struct call *c)
{
	c->result = value_tuple(self_of(c)->items);
	return true;
}

static bool call_keys(struct call *c)
{
	c->result = self_of(c)->names ? value_tuple(self_of(c)->names) : value_none();
	return true;
}

static bool call_pairs(struct call *c)
{
	struct arena *a = render_arena(c->render);
	const struct sequence *self = self_of(c);
	struct list *pairs = list_new(a, self->items->len);

	for (size_t i = 0; self->names && i < self->items->len; i++) {
		struct list *pair = list_new(a, 2);
		list_append(a, pair, self->names->items[i]);
		list_append(a, pair, self->items->items[i]);
		list_append(a, pairs, value_tuple(pair));
	}
	c->result = value_list(pairs);
	return true;
}

static bool call_dict(struct call *c)
{
	struct arena *a = render_arena(c->render);
	const struct sequence *self = self_of(c);

	c->result = value_dict(dict_new(a));
	for (size_t i = 0; self->names && i < self->items->len; i++)
		dict_put(a, c->result.dict, self->names->items[i], self->items->items[i]);
	return true;
}

static struct value named(const struct sequence *self, struct value name)
{
	for (size_t i = 0; self->names && i < self->items->len; i++) {
		struct value one = self->names->items[i];
		if (name.kind == VALUE_STRING && one.len == name.len &&
			!memcmp(one.s, name.s, one.len))
			return self->items->items[i];
	}
	return (struct value){0};
}

static bool call_get(struct call *c)
{
	c->result = named(self_of(c), c->arg[0]);
	if (!value_given(c->result))
		c->result = value_given(c->arg[1]) ? c->arg[1] : value_none();
	return true;
}

/* Each once, or those that are not none. */
static bool call_some_values(struct call *c)
{
	bool distinct = strcmp(c->function->name, "values_distinct") == 0;
	struct arena *a = render_arena(c->render);
	const struct list *items = self_of(c)->items;
	struct list *some = list_new(a, 0);
	struct dict *seen = dict_new(a);

	for (size_t i = 0; i < items->len; i++) {
		if (distinct ? dict_find(seen, items->items[i]) != NULL
			     : items->items[i].kind == VALUE_NONE)
			continue;
		dict_put(a, seen, items->items[i], value_none());
		list_append(a, some, items->items[i]);
	}
	c->result = value_tuple(some);
	return true;
}

static const struct function methods[] = {
	{"values", "", call_values},
	{"keys", "", call_keys},
	{"items", "", call_pairs},
	{"dict", "", call_dict},
	{"get", "key default=", call_get},
	{"values_distinct", "", call_some_values},
	{"values_without_nulls", "", call_some_values},
};

static bool get_of_sequence(
	struct render *r, struct object *object, const char *name, struct value *out)
{
	struct sequence *self = (struct sequence *)object;

	*out = named(self, value_text(name));
	if (!value_given(*out) && self->name && !strcmp(name, "name"))
		*out = value_text(self->name);
	return value_given(*out) ||
	       method_get(r, object, (struct methods){methods, COUNT_OF(methods)}, name, out);
}

static bool print_sequence(struct render *r, struct object *object, struct buf *out)
{
	return render_repr(r, value_tuple(items_of(object)), out);
}

static const struct object_ops sequence_ops = {.type = "MappedSequence",
	.get = get_of_sequence,
	.print = print_sequence,
	.items = items_of};

static struct sequence *sequence_new(struct arena *a, struct list *items, struct list *names)
{
	struct sequence *s = arena_alloc(a, sizeof *s);

	*s = (struct sequence){.object = {&sequence_ops}, .items = items, .names = names};
	return s;
}

/* --- the table --- */

static bool call_print_table(struct call *c)
{
	c->result = value_none();
	return true;
}

static bool get_of_table(
	struct render *r, struct object *object, const char *name, struct value *out)
{
	static const struct function table_methods[] = {
		{"print_table", "* **", call_print_table},
	};
	const struct sequence *self = (struct sequence *)object;

	if (!strcmp(name, "rows"))
		*out = value_object(&sequence_new(render_arena(r), self->items, NULL)->object);
	else if (!strcmp(name, "columns"))
		*out = value_object((struct object *)&self->table->object);
	else if (!strcmp(name, "column_names"))
		*out = value_tuple(self->table->names);
	else
		return method_get(r, object,
			(struct methods){table_methods, COUNT_OF(table_methods)}, name, out);
	return true;
}

static const struct object_ops table_ops = {
	.type = "Table", .get = get_of_table, .items = items_of};

/* Without LowCardinality() and Nullable(), where the name starts so. */
static bool is_type(const char *type, const char *name)
{
	static const char *const wraps[] = {"LowCardinality(", "Nullable("};

	for (size_t i = 0; i < COUNT_OF(wraps); i++)
		if (!strncmp(type, wraps[i], strlen(wraps[i])))
			type += strlen(wraps[i]);
	return strncmp(type, name, strlen(name)) == 0;
}

static struct value integer_value(const char *text)
{
	char *end;

	errno = 0;
	long long i = strtoll(text, &end, 10);
	return errno || *end ? value_text(text) : value_int(i);
}

static struct value number_value(const char *text)
{
	char *end;
	double f = strtod(text, &end);
	return *end ? value_text(text) : value_float(f);
}

static struct value cell_value(struct arena *a, const char *type, const char *text)
{
	enum period precision;
	int64_t us;

	if (!text)
		return value_none();
	if (is_type(type, "Interval"))
		return value_text(text);
	if (is_type(type, "Int") || is_type(type, "UInt"))
		return integer_value(text);
	if (is_type(type, "Float") || is_type(type, "Decimal"))
		return number_value(text);
	if (is_type(type, "Bool"))
		return value_bool(!strcmp(text, "true"));
	if (is_type(type, "Date") && time_parse(text, &us, &precision))
		return time_value(a, us, strlen(text) > 10 ? TIME_PLAIN : TIME_DATE);
	return value_text(text);
}

struct value table_value(struct arena *a, const struct engine_rows *rows)
{
	struct list *names = list_new(a, rows->n_columns), *columns = list_new(a, rows->n_columns);
	struct list *all = list_new(a, rows->n_rows);

	for (size_t i = 0; i < rows->n_columns; i++) {
		list_append(a, names, value_text(rows->names[i]));
		struct sequence *column = sequence_new(a, list_new(a, rows->n_rows), NULL);
		column->name = rows->names[i];
		list_append(a, columns, value_object(&column->object));
	}
	for (size_t row = 0; row < rows->n_rows; row++) {
		struct list *values = list_new(a, rows->n_columns);
		for (size_t i = 0; i < rows->n_columns; i++) {
			struct value v = cell_value(
				a, rows->types[i], rows->cells[row * rows->n_columns + i]);
			list_append(a, values, v);
			list_append(a, items_of(columns->items[i].object), v);
		}
		list_append(a, all, value_object(&sequence_new(a, values, names)->object));
	}
	struct sequence *table = sequence_new(a, all, NULL);
	table->object.ops = &table_ops;
	table->table = sequence_new(a, columns, names);
	return value_object(&table->object);
}
