/*
 * Relations: what ref(), source() and this are. They print as `database`.`name`, or, filtered by time,
 * as a query of those rows.
 */
#include "base/clock.h"
#include "clients/clickhouse.h"
#include "models/internal.h"

struct relation {
	struct object object;
	const char *database, *name, *type; /* database NULL: not printed */
	bool cte;
	struct relation_filter filter;
};

static const struct object_ops relation_ops;

static struct value new_relation(struct arena *a, const struct relation *from)
{
	struct relation *relation = arena_alloc(a, sizeof *relation);

	*relation = *from;
	relation->object.ops = &relation_ops;
	return value_object(&relation->object);
}

struct value relation_value(struct arena *a, const char *database, const char *name,
	const char *type, const struct relation_filter *filter)
{
	struct relation relation = {.database = database, .name = name, .type = type};

	if (filter)
		relation.filter = *filter;
	return new_relation(a, &relation);
}

struct value cte_value(struct arena *a, const struct node *node)
{
	const char *name = arena_printf(a, "__dbt__cte__%s", node->name);
	return new_relation(a, &(struct relation){.name = name, .type = "cte", .cte = true});
}

static void print(const struct relation *relation, struct buf *out)
{
	if (relation->database)
		clickhouse_quote_name(relation->database, out);
	if (relation->database && relation->name)
		buf_puts(out, ".");
	if (relation->cte)
		buf_puts(out, relation->name);
	else if (relation->name)
		clickhouse_quote_name(relation->name, out);
}

static void print_time(int64_t us, struct buf *out)
{
	char text[32];

	format_utc(us, text);
	text[10] = ' ';
	buf_printf(out, "toDateTime64('%.26s', 6, 'UTC')", text);
}

/* As dbt: (select * from x where event_time >= start and event_time < end) */
static void print_filtered(const struct relation *relation, struct buf *out)
{
	const struct relation_filter *filter = &relation->filter;

	buf_puts(out, "(select * from ");
	print(relation, out);
	buf_printf(out, " where %s >= ", filter->event_time);
	print_time(filter->from_us, out);
	buf_printf(out, " and %s < ", filter->event_time);
	print_time(filter->to_us, out);
	buf_puts(out, ")");
}

static bool print_relation(struct render *r, struct object *self, struct buf *out)
{
	struct buf text;

	buf_init(&text, 1 << 16);
	if (((struct relation *)self)->filter.event_time)
		print_filtered((struct relation *)self, &text);
	else
		print((struct relation *)self, &text);
	struct value v = render_text(r, text.data, text.len);
	buf_release(&text);
	return render_str(r, v, out);
}

/* Without what is false. */
static bool call_include(struct call *c)
{
	struct relation part = *(struct relation *)c->self.object;

	if (value_given(c->arg[1]) && !value_truth(c->arg[1]))
		part.database = NULL;
	if (value_given(c->arg[2]) && !value_truth(c->arg[2]))
		part.name = NULL;
	c->result = new_relation(render_arena(c->render), &part);
	return true;
}

static bool call_render(struct call *c)
{
	struct buf text;

	buf_init(&text, 1 << 16);
	print((struct relation *)c->self.object, &text);
	c->result = render_text(c->render, text.data, text.len);
	buf_release(&text);
	return true;
}

static bool call_itself(struct call *c)
{
	c->result = c->self;
	return true;
}

static const struct function methods[] = {
	{"include", "database= schema= identifier=", call_include},
	{"quote", "database= schema= identifier=", call_itself},
	{"render", "", call_render},
};

static bool get_attribute(
	struct render *r, struct object *self, const char *name, struct value *out)
{
	struct relation *relation = (struct relation *)self;
	bool of_name = !strcmp(name, "identifier") || !strcmp(name, "name") ||
		       !strcmp(name, "table");

	*out = value_none();
	if (of_name && relation->name)
		*out = value_text(relation->name);
	else if (!strcmp(name, "schema") && relation->database)
		*out = value_text(relation->database);
	else if (!strcmp(name, "type") && relation->type)
		*out = value_text(relation->type);
	else if (!strcmp(name, "is_view") || !strcmp(name, "is_table") || !strcmp(name, "is_cte"))
		*out = value_bool(relation->type && !strcmp(relation->type, name + 3));
	else if (!of_name && strcmp(name, "schema") && strcmp(name, "type") &&
		 strcmp(name, "database"))
		return method_get(r, self, (struct methods){methods, COUNT_OF(methods)}, name, out);
	return true;
}

static const struct object_ops relation_ops = {
	.type = "Relation", .get = get_attribute, .print = print_relation};
