/* A schema as JsonConverter prints it (asJsonSchema): what every value has first, then what only some have. */
#include <string.h>
#include "base/text.h"
#include "base/vec.h"
#include "formats/connect/json.h"

static const char *const kind_names[] = {
	[CONNECT_INT8] = "int8",
	[CONNECT_INT16] = "int16",
	[CONNECT_INT32] = "int32",
	[CONNECT_INT64] = "int64",
	[CONNECT_FLOAT32] = "float",
	[CONNECT_FLOAT64] = "double",
	[CONNECT_BOOLEAN] = "boolean",
	[CONNECT_STRING] = "string",
	[CONNECT_BYTES] = "bytes",
	[CONNECT_ARRAY] = "array",
	[CONNECT_MAP] = "map",
	[CONNECT_STRUCT] = "struct",
};

/* --- Writing ---------------------------------------------------------------------------------- */

static void put_text(struct connect_writer *w, const char *name, const char *text)
{
	if (!text)
		return;
	w->ops->field(w, name, strlen(name));
	w->ops->string(w, text, strlen(text));
}

static void put_schema(
	struct connect_writer *w, const struct connect_schema *schema, const char *field);

static void put_parts(struct connect_writer *w, const struct connect_schema *schema)
{
	static const struct connect_schema key = {.kind = CONNECT_STRING};

	if (schema->kind == CONNECT_ARRAY) {
		w->ops->field(w, "items", 5);
		put_schema(w, schema->element, NULL);
	} else if (schema->kind == CONNECT_MAP) {
		w->ops->field(w, "keys", 4);
		put_schema(w, &key, NULL);
		w->ops->field(w, "values", 6);
		put_schema(w, schema->element, NULL);
	} else if (schema->kind == CONNECT_STRUCT) {
		w->ops->field(w, "fields", 6);
		w->ops->array_begin(w, schema->n_fields);
		for (size_t i = 0; i < schema->n_fields; i++)
			put_schema(w, schema->fields[i].schema, schema->fields[i].name);
		w->ops->array_end(w);
	}
}

static void put_parameters(struct connect_writer *w, const struct connect_schema *schema)
{
	if (!schema->n_parameters)
		return;
	w->ops->field(w, "parameters", 10);
	w->ops->struct_begin(w);
	for (size_t i = 0; i < schema->n_parameters; i++)
		put_text(w, schema->parameters[i].key, schema->parameters[i].value);
	w->ops->struct_end(w);
}

/* As the value of the field of that name, if it is one's. */
static void put_schema(
	struct connect_writer *w, const struct connect_schema *schema, const char *field)
{
	w->ops->struct_begin(w);
	put_text(w, "type", kind_names[schema->kind]);
	put_parts(w, schema);
	w->ops->field(w, "optional", 8);
	w->ops->boolean(w, schema->optional);
	put_text(w, "name", schema->name);
	if (schema->version) {
		w->ops->field(w, "version", 7);
		w->ops->integer(w, schema->version);
	}
	put_text(w, "doc", schema->doc);
	put_parameters(w, schema);
	if (schema->fallback) {
		w->ops->field(w, "default", 7);
		buf_puts(w->out, schema->fallback);
		((struct connect_json_writer *)w)->comma = true;
	}
	put_text(w, "field", field);
	w->ops->struct_end(w);
}

void connect_schema_to_json(const struct connect_schema *schema, struct buf *out)
{
	struct connect_json_writer w;

	connect_json_writer_init(&w, out);
	put_schema(&w.base, schema, NULL);
}

/* --- Reading ---------------------------------------------------------------------------------- */

/* What a schema's object has said so far. */
struct draft {
	struct connect_json_reader *in;
	struct arena *arena;
	struct error *err;
	struct connect_schema *schema;
	const struct connect_schema *keys; /* of a map */
	const char *type, *field;
};

static bool bad(const struct draft *d, const char *what)
{
	return error_set(d->err, ERROR_DATA, "schema, at byte %zu: %s",
		(size_t)(d->in->at - d->in->start), what);
}

static bool take(const struct draft *d, enum connect_token *token)
{
	*token = connect_next(&d->in->base, d->err);
	return *token != TOKEN_FAILED;
}

static const char *copy_text(const struct draft *d)
{
	const struct connect_reader *in = &d->in->base;

	if (in->len && memchr(in->data, '\0', in->len)) {
		bad(d, "a text with a NUL in it");
		return NULL;
	}
	return arena_strndup(d->arena, (const char *)in->data, in->len);
}

static bool take_text(const struct draft *d, const char **out)
{
	enum connect_token token;

	if (!take(d, &token))
		return false;
	if (token == TOKEN_NULL)
		return true;
	if (token != TOKEN_STRING)
		return bad(d, "a text is expected");
	*out = copy_text(d);
	return *out;
}

static bool take_optional(struct draft *d)
{
	enum connect_token token;

	if (!take(d, &token))
		return false;
	if (token != TOKEN_BOOLEAN && token != TOKEN_NULL)
		return bad(d, "true or false is expected");
	d->schema->optional = token == TOKEN_BOOLEAN && d->in->base.boolean;
	return true;
}

static bool take_version(struct draft *d)
{
	enum connect_token token;

	if (!take(d, &token))
		return false;
	if (token == TOKEN_NULL)
		return true;
	if (token != TOKEN_INTEGER || d->in->base.integer != (int32_t)d->in->base.integer)
		return bad(d, "a version is expected");
	d->schema->version = (int)d->in->base.integer;
	return true;
}

static bool take_fallback(struct draft *d)
{
	const struct connect_reader *in = &d->in->base;

	if (!in->ops->skip(&d->in->base, d->err))
		return false;
	if (in->len != 4 || memcmp(in->data, "null", 4) != 0)
		d->schema->fallback = arena_strndup(d->arena, (const char *)in->data, in->len);
	return true;
}

static bool take_parameters(struct draft *d)
{
	VEC(struct connect_parameter) seen = {0};
	enum connect_token token;
	bool ok = take(d, &token);

	if (ok && token == TOKEN_NULL)
		return true;
	if (ok && token != TOKEN_STRUCT)
		ok = bad(d, "the parameters are expected");
	while (ok && (ok = take(d, &token)) && token == TOKEN_FIELD) {
		struct connect_parameter p = {.key = copy_text(d)};
		ok = p.key && take_text(d, &p.value) && (p.value || bad(d, "a text is expected"));
		vec_push(&seen, p);
	}
	if (ok && seen.len) {
		size_t bytes = seen.len * sizeof *seen.items;
		d->schema->parameters = memcpy(arena_alloc(d->arena, bytes), seen.items, bytes);
		d->schema->n_parameters = seen.len;
	}
	vec_release(&seen);
	return ok;
}

static struct connect_schema *take_schema(
	const struct draft *outer, const char **field, enum connect_token token);

static bool take_fields(struct draft *d)
{
	VEC(struct connect_field) seen = {0};
	enum connect_token token;
	bool ok = take(d, &token);

	if (ok && token != TOKEN_ARRAY)
		ok = bad(d, "the fields are expected");
	while (ok && (ok = take(d, &token)) && token != TOKEN_ARRAY_END) {
		struct connect_field f = {0};
		f.schema = take_schema(d, &f.name, token);
		ok = f.schema && (f.name || bad(d, "a field without its name"));
		vec_push(&seen, f);
	}
	if (ok && seen.len) {
		size_t bytes = seen.len * sizeof *seen.items;
		d->schema->fields = memcpy(arena_alloc(d->arena, bytes), seen.items, bytes);
		d->schema->n_fields = seen.len;
	}
	vec_release(&seen);
	return ok;
}

static bool take_inner(struct draft *d, const struct connect_schema **out)
{
	enum connect_token token;

	if (!take(d, &token))
		return false;
	*out = take_schema(d, NULL, token);
	return *out;
}

static bool take_member(struct draft *d)
{
	const struct connect_reader *in = &d->in->base;
	struct connect_schema *s = d->schema;
#define IS(name) (in->len == strlen(name) && !memcmp(in->data, name, in->len))

	if (IS("type"))
		return take_text(d, &d->type);
	if (IS("optional"))
		return take_optional(d);
	if (IS("name"))
		return take_text(d, &s->name);
	if (IS("field"))
		return take_text(d, &d->field);
	if (IS("version"))
		return take_version(d);
	if (IS("doc"))
		return take_text(d, &s->doc);
	if (IS("parameters"))
		return take_parameters(d);
	if (IS("default"))
		return take_fallback(d);
	if (IS("fields"))
		return take_fields(d);
	if (IS("items") || IS("values"))
		return take_inner(d, &s->element);
	if (IS("keys"))
		return take_inner(d, &d->keys);
	return in->ops->skip(&d->in->base, d->err);
#undef IS
}

/* Does what was said fit together? */
static bool finish(struct draft *d)
{
	struct connect_schema *s = d->schema;
	size_t kind = 0;

	if (!d->type)
		return bad(d, "a schema without a type");
	while (kind < COUNT_OF(kind_names) && strcmp(kind_names[kind], d->type) != 0)
		kind++;
	if (kind == COUNT_OF(kind_names))
		return bad(d, "a type that Kafka Connect does not know");
	s->kind = (enum connect_kind)kind;
	if ((s->kind == CONNECT_ARRAY || s->kind == CONNECT_MAP) && !s->element)
		return bad(d, "an array or a map without the schema of its values");
	if (s->kind == CONNECT_MAP && (!d->keys || d->keys->kind != CONNECT_STRING))
		return bad(d, "a map whose keys are not strings, which cannot be read");
	if (s->kind != CONNECT_ARRAY && s->kind != CONNECT_MAP)
		s->element = NULL;
	if (s->kind != CONNECT_STRUCT)
		s->n_fields = 0;
	return true;
}

/* `token` is its first; the name of the field that it is of goes to *field. */
static struct connect_schema *take_schema(
	const struct draft *outer, const char **field, enum connect_token token)
{
	struct draft d = {.in = outer->in, .arena = outer->arena, .err = outer->err};

	if (token != TOKEN_STRUCT) {
		bad(&d, "a schema is expected");
		return NULL;
	}
	d.schema = arena_alloc(d.arena, sizeof *d.schema);
	while (take(&d, &token) && token == TOKEN_FIELD)
		if (!take_member(&d))
			return NULL;
	if (token == TOKEN_FAILED || !finish(&d))
		return NULL;
	if (field)
		*field = d.field;
	return d.schema;
}

struct connect_schema *connect_schema_from_json(
	struct connect_json_reader *in, struct arena *arena, struct error *err)
{
	struct draft d = {.in = in, .arena = arena, .err = err};
	enum connect_token token;

	return take(&d, &token) ? take_schema(&d, NULL, token) : NULL;
}
