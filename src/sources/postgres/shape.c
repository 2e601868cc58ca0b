/* Shapes of relations; see shape.h. */
#include "sources/postgres/shape.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

void pg_shape_init(struct pg_shape *out, size_t n, size_t name_bytes)
{
	*out = (struct pg_shape){
		.columns = xcalloc(1, (n + 1) * sizeof *out->columns + name_bytes)};
	out->names_end = (char *)(out->columns + n + 1);
}

void pg_shape_release(struct pg_shape *s)
{
	free(s->columns);
	*s = (struct pg_shape){0};
}

void pg_shape_add(struct pg_shape *s, struct pg_shape_column column)
{
	size_t size = strlen(column.name) + 1;

	column.name = memcpy(s->names_end, column.name, size);
	s->names_end += size;
	s->columns[s->n++] = column;
}

void pg_shape_from_message(struct pg_shape *out, const struct pgoutput_relation *message)
{
	struct pgoutput_relation rest = *message;
	struct pgoutput_column column;

	pg_shape_release(out);
	pg_shape_init(out, message->n_columns, (size_t)(message->end - message->columns));
	out->identity = message->identity;
	while (pgoutput_next_column(&rest, &column))
		pg_shape_add(out, (struct pg_shape_column){.name = column.name,
					  .type = column.type,
					  .typmod = column.typmod,
					  .key = column.key});
}

static bool same_column(
	const struct pg_shape_column *message, const struct pg_shape_column *column, bool keys)
{
	return message->type == column->type && message->typmod == column->typmod &&
	       !strcmp(message->name, column->name) && (!keys || message->key == column->key);
}

bool pg_shape_begins(const struct pg_shape *message, const struct pg_shape *shape)
{
	/* Under FULL every column counts as key, under NOTHING none: the catalog's key is another matter. */
	bool keys = message->identity == 'd' || message->identity == 'i';

	if (message->n > shape->n)
		return false;
	for (uint16_t i = 0; i < message->n; i++)
		if (!same_column(&message->columns[i], &shape->columns[i], keys))
			return false;
	return true;
}

static bool has_attribute(const struct pg_shape *s, int attribute)
{
	for (uint16_t i = 0; i < s->n; i++)
		if (s->columns[i].attribute == attribute)
			return true;
	return false;
}

/* Does `b` have all the attributes of `a`? */
static bool holds_all(const struct pg_shape *b, const struct pg_shape *a)
{
	for (uint16_t i = 0; i < a->n; i++)
		if (!has_attribute(b, a->columns[i].attribute))
			return false;
	return true;
}

/* Nothing was dropped from `then` to `now`, or nothing added. */
static bool one_way(const struct pg_shape *then, const struct pg_shape *now)
{
	bool dropped = now->dropped != then->dropped || !holds_all(now, then);
	bool added = now->attributes != then->attributes || !holds_all(then, now);

	return !dropped || !added;
}

enum pg_shape_match pg_shape_compare(const struct pg_shape *message, const struct pg_shape *known,
	bool known_before, const struct pg_shape *now)
{
	bool is_known = known && message->n == known->n && pg_shape_begins(message, known);

	if (!now)
		return is_known ? SHAPE_KNOWN : SHAPE_UNCLEAR;
	if (message->n == now->n && pg_shape_begins(message, now))
		return !known || !known_before || one_way(known, now) ? SHAPE_NOW : SHAPE_UNCLEAR;
	if (is_known && one_way(known, now))
		return SHAPE_KNOWN;
	if (now->dropped == 0 && pg_shape_begins(message, now))
		return SHAPE_ADDED;
	return SHAPE_UNCLEAR;
}
