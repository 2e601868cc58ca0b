/*
 * Relations: what ref(), source() and this are. They print as the engine names tables, or, filtered by
 * time, as a query of those rows.
 */
#include "models/internal.h"

struct relation {
	struct object object;
	const struct dialect *dialect;
	const char *database, *name, *type; /* database NULL: not printed */
	bool cte;
	struct relation_filter filter;
	const char *key; /* as it prints without a filter */
};

static const struct object_ops relation_ops;

static void print(const struct relation *relation, struct buf *out)
{
	if (relation->database)
		relation->dialect->name(out, relation->database);
	if (relation->database && relation->name)
		buf_puts(out, ".");
	if (relation->name)
		relation->dialect->name(out, relation->name);
}

static struct value new_relation(struct arena *a, const struct relation *from)
{
	struct relation *relation = arena_alloc(a, sizeof *relation);
	struct buf text;

	*relation = *from;
	relation->object.ops = &relation_ops;
	buf_init(&text, 1 << 16);
	print(relation, &text);
	relation->key = arena_strdup(a, buf_text(&text));
	buf_release(&text);
	return value_object(&relation->object);
}

struct value relation_value(struct arena *a, const struct dialect *dialect,
	struct relation_name name, const char *type, const struct relation_filter *filter)
{
	struct relation relation = {
		.dialect = dialect, .database = name.database, .name = name.name, .type = type};

	if (filter)
		relation.filter = *filter;
	return new_relation(a, &relation);
}

struct value cte_value(struct arena *a, const struct dialect *dialect, const char *name)
{
	return new_relation(a,
		&(struct relation){.dialect = dialect, .name = name, .type = "cte", .cte = true});
}

/* As dbt: (select * from x where event_time >= start and event_time < end) */
static void print_filtered(const struct relation *relation, struct buf *out)
{
	const struct relation_filter *filter = &relation->filter;
	const struct dialect *d = relation->dialect;

	buf_printf(out, "(select * from %s where ", relation->key);
	d->name(out, filter->event_time);
	buf_puts(out, " >= ");
	d->time(out, filter->from_us);
	buf_puts(out, " and ");
	d->name(out, filter->event_time);
	buf_puts(out, " < ");
	d->time(out, filter->to_us);
	buf_puts(out, ")");
}

static bool print_relation(struct render *r, struct object *self, struct buf *out)
{
	struct relation *relation = (struct relation *)self;
	struct buf text;

	if (!relation->filter.event_time)
		return render_str(r, value_text(relation->key), out);
	buf_init(&text, 1 << 16);
	print_filtered(relation, &text);
	struct value v = render_text(r, text.data, text.len);
	buf_release(&text);
	return render_str(r, v, out);
}

static const char *key_of(const struct object *object)
{
	return ((const struct relation *)object)->key;
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
	c->result = value_text(((struct relation *)c->self.object)->key);
	return true;
}

static bool call_itself(struct call *c)
{
	c->result = c->self;
	return true;
}

static bool call_without_identifier(struct call *c)
{
	struct relation part = *(struct relation *)c->self.object;

	part.name = NULL;
	c->result = new_relation(render_arena(c->render), &part);
	return true;
}

/* As a dict: what dbt_utils asks a relation for. */
static bool call_get(struct call *c)
{
	struct arena *a = render_arena(c->render);

	if (!call_wants(c, 0, VALUE_STRING))
		return false;
	if (value_is_text(c->arg[0], "metadata")) {
		c->result = value_dict(dict_new(a));
		dict_put_text(a, c->result.dict, "type", value_text("ClickHouseRelation"));
		return true;
	}
	if (!render_attribute(c->render, c->self, value_strdup(a, c->arg[0]), &c->result))
		return false;
	if (c->result.kind == VALUE_UNDEFINED)
		c->result = value_given(c->arg[1]) ? c->arg[1] : value_none();
	return true;
}

static const struct function methods[] = {
	{"include", "database= schema= identifier=", call_include},
	{"quote", "database= schema= identifier=", call_itself},
	{"render", "", call_render},
	{"without_identifier", "", call_without_identifier},
	{"get", "key default=", call_get},
};

/* is_view, is_table, is_cte: of its type. */
static bool is_of_type(const struct relation *relation, const char *name)
{
	const char *type = !strcmp(name, "is_materialized_view") ? "materialized_view" : name + 3;
	return relation->type && !strcmp(relation->type, type);
}

static bool get_attribute(
	struct render *r, struct object *self, const char *name, struct value *out)
{
	struct relation *relation = (struct relation *)self;
	static const char *const known[] = {
		"identifier", "name", "table", "schema", "database", "type"};
	const char *const values[] = {relation->name, relation->name, relation->name,
		relation->database, "", relation->type};

	for (size_t i = 0; i < COUNT_OF(known); i++) {
		if (strcmp(name, known[i]) != 0)
			continue;
		*out = values[i] ? value_text(values[i]) : value_none();
		return true;
	}
	if (!strncmp(name, "is_", 3)) {
		*out = value_bool(is_of_type(relation, name));
		return true;
	}
	return method_get(r, self, (struct methods){methods, COUNT_OF(methods)}, name, out);
}

static const struct object_ops relation_ops = {.type = "Relation",
	.get = get_attribute,
	.print = print_relation,
	.key = key_of,
	.is_mapping = true};

/* --- for who asks --- */

static const char *text_or_null(struct call *c, size_t i)
{
	return c->arg[i].kind == VALUE_STRING && c->arg[i].len
		       ? value_strdup(render_arena(c->render), c->arg[i])
		       : NULL;
}

bool call_create_relation(struct call *c)
{
	const char *database = text_or_null(c, 0), *schema = text_or_null(c, 1);

	const struct relation_name name = {schema ? schema : database, text_or_null(c, 2)};

	c->result = relation_value(render_arena(c->render), dialect_of(context_of(c)->project),
		name, text_or_null(c, 3), NULL);
	return true;
}

bool relation_argument(struct call *c, size_t i, struct relation_name *out)
{
	struct value v = c->arg[i];
	struct relation *relation = (struct relation *)v.object;

	if (v.kind != VALUE_OBJECT || v.object->ops != &relation_ops)
		return render_fail(c->render,
			"%s() wants a relation, as ref() and source() give it, not %s",
			c->function->name, value_type(v));
	if (relation->cte || !relation->database || !relation->name)
		return render_fail(c->render, "%s(): %s is no table in the warehouse",
			c->function->name, relation->key);
	*out = (struct relation_name){relation->database, relation->name};
	return true;
}
