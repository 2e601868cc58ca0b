/*
 * Schemas from their JSON (Avro 1.11 specification, "Schema Declaration"). The keys of an object may come in any
 * order, so it is passed over once and each value that means something is read from where it stands.
 */
#include <string.h>
#include "base/map.h"
#include "base/mem.h"
#include "base/vec.h"
#include "formats/avro/node.h"

enum { VALUES_MAX = 100000, FIXED_MAX = INT32_MAX };

struct parser {
	struct avro_schema *schema;
	struct map named; /* full name -> struct avro_node */
	const char *space;
	unsigned level;
	struct error *err;
};

VEC_TYPE(nodes, const struct avro_node *);
VEC_TYPE(names, struct avro_name);

static struct avro_node *parse_json(struct parser *p, struct avro_json json);

static void *fail(struct parser *p, const char *what, const char *name)
{
	error_set(p->err, ERROR_DATA, "%s%s%s", name ? name : "", name ? " " : "", what);
	return NULL;
}

/* --- JSON -------------------------------------------------------------------------------------- */

enum connect_token avro_json_begin(
	struct connect_json_reader *r, struct avro_json json, struct error *err)
{
	connect_json_reader_init(r);
	connect_json_read(r, json.at, json.len);
	return connect_next(&r->base, err);
}

const char *avro_json_string(struct avro_json json, struct arena *arena)
{
	struct connect_json_reader r;
	const char *found = NULL;

	if (!json.len)
		return NULL;
	if (avro_json_begin(&r, json, NULL) == TOKEN_STRING)
		found = arena_strndup(arena, (const char *)r.base.data, r.base.len);
	connect_json_reader_release(&r);
	return found;
}

bool avro_json_integer(struct avro_json json, int64_t *out)
{
	struct connect_json_reader r;

	if (!json.len)
		return false;
	bool found = avro_json_begin(&r, json, NULL) == TOKEN_INTEGER;
	*out = r.base.integer;
	connect_json_reader_release(&r);
	return found;
}

static enum avro_key key_of(const uint8_t *name, size_t len)
{
	static const char *const keys[N_KEYS] = {
		[KEY_TYPE] = "type",
		[KEY_NAME] = "name",
		[KEY_NAMESPACE] = "namespace",
		[KEY_FIELDS] = "fields",
		[KEY_ITEMS] = "items",
		[KEY_VALUES] = "values",
		[KEY_SYMBOLS] = "symbols",
		[KEY_SIZE] = "size",
		[KEY_DEFAULT] = "default",
		[KEY_LOGICAL_TYPE] = "logicalType",
		[KEY_SCALE] = "scale",
		[KEY_PRECISION] = "precision",
		[KEY_CONNECT_NAME] = "connect.name",
		[KEY_CONNECT_VERSION] = "connect.version",
		[KEY_CONNECT_DOC] = "connect.doc",
		[KEY_CONNECT_TYPE] = "connect.type",
		[KEY_CONNECT_DEFAULT] = "connect.default",
		[KEY_CONNECT_PARAMETERS] = "connect.parameters",
	};

	for (enum avro_key key = 0; key < N_KEYS; key++)
		if (len == strlen(keys[key]) && !memcmp(name, keys[key], len))
			return key;
	return N_KEYS;
}

/* The rest of an object that was begun. */
static bool take_object(
	struct connect_json_reader *r, struct avro_object *object, struct error *err)
{
	*object = (struct avro_object){0};
	for (;;) {
		enum connect_token token = connect_next(&r->base, err);
		if (token != TOKEN_FIELD)
			return token == TOKEN_STRUCT_END;
		enum avro_key key = key_of(r->base.data, r->base.len);
		if (!connect_skip(&r->base, err))
			return false;
		if (key < N_KEYS)
			object->keys[key] = (struct avro_json){r->base.data, r->base.len};
	}
}

/* --- Names ------------------------------------------------------------------------------------- */

static const char *qualified(struct parser *p, const char *space, const char *name)
{
	return space && *space && !strchr(name, '.')
		       ? arena_printf(&p->schema->arena, "%s.%s", space, name)
		       : name;
}

static struct avro_node *find_named(struct parser *p, const char *name)
{
	const char *full = qualified(p, p->space, name);
	struct avro_node *found = map_get(&p->named, full, strlen(full));

	if (!found)
		found = map_get(&p->named, name, strlen(name));
	if (!found)
		return fail(p, "is not a type of Avro, and is not defined before it is used", name);
	if (!found->complete)
		return fail(p, "contains itself, which no table can", found->name);
	return found;
}

/* Gives a named type its name, and the names within it their namespace. */
static bool define(struct parser *p, struct avro_node *node, const struct avro_object *object)
{
	struct arena *arena = &p->schema->arena;
	const char *name = avro_json_string(object->keys[KEY_NAME], arena);
	const char *space = avro_json_string(object->keys[KEY_NAMESPACE], arena);

	if (!name || !*name)
		return fail(p, "a record, enum or fixed has no name", NULL);
	node->name = qualified(p, space ? space : p->space, name);
	if (map_get(&p->named, node->name, strlen(node->name)))
		return fail(p, "is defined twice", node->name);
	map_put(&p->named, node->name, strlen(node->name), node);
	const char *dot = strrchr(node->name, '.');
	p->space = dot ? arena_strndup(arena, node->name, (size_t)(dot - node->name)) : NULL;
	return true;
}

static void push_name(struct names *names, const char *text)
{
	struct avro_name name = {text, strlen(text)};

	vec_push(names, name);
}

/* --- Nodes ------------------------------------------------------------------------------------- */

static struct avro_node *new_node(struct parser *p, enum avro_kind kind)
{
	struct avro_node *node = arena_alloc(&p->schema->arena, sizeof *node);

	node->kind = kind;
	return node;
}

static void *in_arena(struct arena *arena, const void *items, size_t bytes)
{
	void *copy = arena_alloc(arena, bytes + 1);

	return bytes ? memcpy(copy, items, bytes) : copy;
}

/* Takes over what the vectors hold, and empties them. */
static void set_parts(
	struct parser *p, struct avro_node *node, struct nodes *parts, struct names *names)
{
	struct arena *arena = &p->schema->arena;

	node->n = parts->len ? parts->len : names->len;
	node->parts = in_arena(arena, parts->items, parts->len * sizeof *parts->items);
	node->names = in_arena(arena, names->items, names->len * sizeof *names->items);
}

static size_t least_bytes(const struct avro_node *node)
{
	size_t sum = 0;

	switch (node->kind) {
	case AVRO_NULL: return 0;
	case AVRO_FLOAT: return 4;
	case AVRO_DOUBLE: return 8;
	case AVRO_FIXED: return node->size;
	case AVRO_RECORD:
		for (size_t i = 0; i < node->n; i++)
			sum += node->parts[i]->least;
		return sum;
	case AVRO_BOOLEAN:
	case AVRO_INT:
	case AVRO_LONG:
	case AVRO_BYTES:
	case AVRO_STRING:
	case AVRO_ENUM:
	case AVRO_ARRAY:
	case AVRO_MAP:
	case AVRO_UNION: break;
	}
	return 1;
}

/* What follows from the parts, and the bounds that hold a reader. */
static struct avro_node *complete(
	struct parser *p, struct avro_node *node, const struct avro_object *object)
{
	size_t n_parts = node->kind == AVRO_ENUM ? 0 : node->n;

	node->values = 1;
	for (size_t i = 0; i < n_parts; i++) {
		node->values += node->parts[i]->values;
		if (node->depth < node->parts[i]->depth)
			node->depth = node->parts[i]->depth;
	}
	node->depth++;
	node->least = least_bytes(node);
	if (node->values > VALUES_MAX)
		return fail(p, "more than 100000 values in one", NULL);
	if (node->depth > AVRO_DEPTH)
		return fail(p, "types more than 64 levels deep", NULL);
	if ((node->kind == AVRO_ARRAY || node->kind == AVRO_MAP) && !node->parts[0]->least)
		return fail(p, "an array or a map of what takes no bytes", NULL);
	node->connect = avro_connect(node, object, &p->schema->arena);
	node->complete = true;
	return node;
}

/* --- Types ------------------------------------------------------------------------------------- */

static bool parse_field(struct parser *p, const struct avro_object *field, struct avro_node *record,
	struct nodes *parts, struct names *names)
{
	const char *name = avro_json_string(field->keys[KEY_NAME], &p->schema->arena);

	if (!name || !*name)
		return fail(p, "has a field without a name", record->name);
	if (!field->keys[KEY_TYPE].len)
		return fail(p, "is a field without a type", name);
	struct avro_node *type = parse_json(p, field->keys[KEY_TYPE]);
	if (!type)
		return false;
	struct avro_node *part = new_node(p, type->kind);
	*part = *type;
	part->connect = avro_connect_field(
		type->connect, field->keys[KEY_DEFAULT], &p->schema->arena);
	vec_push(parts, part);
	push_name(names, name);
	return true;
}

static bool parse_fields(struct parser *p, struct connect_json_reader *r, struct avro_node *record,
	struct nodes *parts, struct names *names)
{
	struct map seen = {0};
	struct avro_object field;
	enum connect_token token;
	bool ok = true;

	while (ok && (token = connect_next(&r->base, p->err)) == TOKEN_STRUCT) {
		ok = take_object(r, &field, p->err) && parse_field(p, &field, record, parts, names);
		struct avro_name name = ok ? names->items[names->len - 1] : (struct avro_name){0};
		if (ok && map_put(&seen, name.text, name.len, record))
			ok = fail(p, "is the name of two fields", name.text);
	}
	map_release(&seen);
	if (ok && token == TOKEN_FAILED)
		return false;
	return ok &&
	       (token == TOKEN_ARRAY_END || fail(p, "has a field that is no object", record->name));
}

static struct avro_node *parse_record(struct parser *p, const struct avro_object *object)
{
	struct avro_node *node = new_node(p, AVRO_RECORD);
	struct connect_json_reader r;
	struct nodes parts = {0};
	struct names names = {0};
	const char *outer = p->space;

	if (!define(p, node, object))
		return NULL;
	if (!object->keys[KEY_FIELDS].len)
		return fail(p, "has no fields", node->name);
	bool ok = avro_json_begin(&r, object->keys[KEY_FIELDS], p->err) == TOKEN_ARRAY ||
		  fail(p, "has no array of fields", node->name);
	ok = ok && parse_fields(p, &r, node, &parts, &names);
	if (ok)
		set_parts(p, node, &parts, &names);
	connect_json_reader_release(&r);
	vec_release(&parts);
	vec_release(&names);
	p->space = outer;
	return ok ? complete(p, node, object) : NULL;
}

static struct avro_node *parse_enum(struct parser *p, const struct avro_object *object)
{
	struct avro_node *node = new_node(p, AVRO_ENUM);
	struct connect_json_reader r;
	struct names symbols = {0};
	const char *outer = p->space;
	enum connect_token token = TOKEN_FAILED;

	if (!define(p, node, object))
		return NULL;
	p->space = outer;
	if (!object->keys[KEY_SYMBOLS].len)
		return fail(p, "has no symbols", node->name);
	if (avro_json_begin(&r, object->keys[KEY_SYMBOLS], p->err) == TOKEN_ARRAY)
		while ((token = connect_next(&r.base, p->err)) == TOKEN_STRING)
			push_name(&symbols, arena_strndup(&p->schema->arena,
						    (const char *)r.base.data, r.base.len));
	set_parts(p, node, &(struct nodes){0}, &symbols);
	connect_json_reader_release(&r);
	vec_release(&symbols);
	if (token != TOKEN_ARRAY_END)
		return fail(p, "has symbols that are no array of strings", node->name);
	return complete(p, node, object);
}

static struct avro_node *parse_fixed(struct parser *p, const struct avro_object *object)
{
	struct avro_node *node = new_node(p, AVRO_FIXED);
	const char *outer = p->space;
	int64_t size;

	if (!define(p, node, object))
		return NULL;
	p->space = outer;
	if (!avro_json_integer(object->keys[KEY_SIZE], &size) || size < 0 || size > FIXED_MAX)
		return fail(p, "has no size", node->name);
	node->size = (size_t)size;
	return complete(p, node, object);
}

static struct avro_node *parse_collection(
	struct parser *p, enum avro_kind kind, const struct avro_object *object)
{
	struct avro_json of = object->keys[kind == AVRO_ARRAY ? KEY_ITEMS : KEY_VALUES];
	struct avro_node *node = new_node(p, kind);
	struct nodes parts = {0};

	if (!of.len)
		return fail(p,
			kind == AVRO_ARRAY ? "an array without items" : "a map without values",
			NULL);
	struct avro_node *element = parse_json(p, of);
	if (!element)
		return NULL;
	vec_push(&parts, element);
	set_parts(p, node, &parts, &(struct names){0});
	vec_release(&parts);
	return complete(p, node, object);
}

static struct avro_node *parse_primitive(
	struct parser *p, const char *name, const struct avro_object *object)
{
	static const char *const primitives[] = {
		[AVRO_NULL] = "null",
		[AVRO_BOOLEAN] = "boolean",
		[AVRO_INT] = "int",
		[AVRO_LONG] = "long",
		[AVRO_FLOAT] = "float",
		[AVRO_DOUBLE] = "double",
		[AVRO_BYTES] = "bytes",
		[AVRO_STRING] = "string",
	};

	for (enum avro_kind kind = AVRO_NULL; kind <= AVRO_STRING; kind++)
		if (!strcmp(name, primitives[kind]))
			return complete(p, new_node(p, kind), object);
	return find_named(p, name);
}

static struct avro_node *parse_object(struct parser *p, const struct avro_object *object)
{
	struct avro_json type = object->keys[KEY_TYPE];

	if (!type.len)
		return fail(p, "an object without a type", NULL);
	const char *name = avro_json_string(type, &p->schema->arena);
	if (!name)
		return parse_json(p, type);
	if (!strcmp(name, "record") || !strcmp(name, "error"))
		return parse_record(p, object);
	if (!strcmp(name, "enum"))
		return parse_enum(p, object);
	if (!strcmp(name, "fixed"))
		return parse_fixed(p, object);
	if (!strcmp(name, "array") || !strcmp(name, "map"))
		return parse_collection(p, *name == 'a' ? AVRO_ARRAY : AVRO_MAP, object);
	return parse_primitive(p, name, object);
}

static struct avro_node *parse_value(
	struct parser *p, struct connect_json_reader *r, enum connect_token token);

static bool parse_branches(struct parser *p, struct connect_json_reader *r, struct nodes *parts)
{
	enum connect_token token;

	while ((token = connect_next(&r->base, p->err)) != TOKEN_ARRAY_END) {
		if (token == TOKEN_ARRAY)
			return fail(p, "a union within a union", NULL);
		struct avro_node *branch = parse_value(p, r, token);
		if (!branch)
			return false;
		vec_push(parts, branch);
	}
	return parts->len || fail(p, "a union of nothing", NULL);
}

static struct avro_node *parse_union(struct parser *p, struct connect_json_reader *r)
{
	struct avro_node *node = new_node(p, AVRO_UNION);
	struct nodes parts = {0};
	struct names names = {0};
	size_t types = 0;

	bool ok = parse_branches(p, r, &parts);
	vec_each (&parts, part) {
		const char *name = avro_branch_name(*part);
		types += (*part)->kind != AVRO_NULL;
		vec_each (&names, other) {
			if (ok && !strcmp(other->text, name))
				ok = fail(p, "stands twice in a union", name);
		}
		push_name(&names, name);
	}
	node->tagged = types > 1;
	set_parts(p, node, &parts, &names);
	vec_release(&parts);
	vec_release(&names);
	return ok ? complete(p, node, NULL) : NULL;
}

static struct avro_node *parse_value(
	struct parser *p, struct connect_json_reader *r, enum connect_token token)
{
	struct avro_object object;

	if (token == TOKEN_STRING) {
		const char *name = arena_strndup(
			&p->schema->arena, (const char *)r->base.data, r->base.len);
		return parse_primitive(p, name, NULL);
	}
	if (token == TOKEN_ARRAY)
		return parse_union(p, r);
	if (token == TOKEN_STRUCT)
		return take_object(r, &object, p->err) ? parse_object(p, &object) : NULL;
	return token == TOKEN_FAILED ? NULL
				     : fail(p, "a type that is no string, object or array", NULL);
}

static struct avro_node *parse_json(struct parser *p, struct avro_json json)
{
	struct avro_node *node;
	struct connect_json_reader r;

	if (++p->level > AVRO_DEPTH)
		return fail(p, "types more than 64 levels deep", NULL);
	enum connect_token token = avro_json_begin(&r, json, p->err);
	node = parse_value(p, &r, token);
	if (node && connect_next(&r.base, p->err) != TOKEN_END)
		node = NULL;
	connect_json_reader_release(&r);
	p->level--;
	return node;
}

struct avro_schema *avro_schema_parse(const char *json, size_t len, struct error *err)
{
	struct avro_schema *schema = xcalloc(1, sizeof *schema);
	struct parser p = {.schema = schema, .err = err};

	arena_init(&schema->arena);
	schema->root = parse_json(&p, (struct avro_json){(const uint8_t *)json, len});
	map_release(&p.named);
	if (schema->root)
		return schema;
	avro_schema_free(schema);
	error_add(err, "Avro schema");
	return NULL;
}

void avro_schema_free(struct avro_schema *schema)
{
	if (!schema)
		return;
	arena_release(&schema->arena);
	free(schema);
}

const struct connect_schema *avro_schema_connect(const struct avro_schema *schema)
{
	return schema->root->connect;
}
