/*
 * Both schemas are laid out as lists of fields: "before.id" -> "long", "source.snapshot" -> "string or null with a
 * default". A record stands where it is defined; where it is only named again it has no fields.
 */
#include "clients/registry_diff.h"

#include <jansson.h>
#include <string.h>
#include "base/arena.h"
#include "base/map.h"
#include "base/vec.h"

struct field {
	const char *path, *type;
};
struct fields {
	VEC(struct field) list;
	struct map by_path; /* -> its type */
	struct arena arena;
};

static const char *simple_name(const char *name)
{
	const char *dot = strrchr(name, '.');
	return dot ? dot + 1 : name;
}

static void describe(json_t *type, struct buf *out);

static void describe_union(json_t *types, struct buf *out)
{
	size_t i;
	json_t *branch;

	json_array_foreach(types, i, branch)
	{
		buf_puts(out, i ? " or " : "");
		describe(branch, out);
	}
}

static void describe_object(json_t *type, struct buf *out)
{
	const char *of = json_string_value(json_object_get(type, "type"));
	const char *name = json_string_value(json_object_get(type, "name"));
	const char *meaning = json_string_value(json_object_get(type, "connect.name"));
	const char *logical = json_string_value(json_object_get(type, "logicalType"));
	json_t *precision = json_object_get(type, "precision");

	if (!of) {
		describe(json_object_get(type, "type"), out);
		return;
	}
	buf_puts(out, name ? simple_name(name) : of);
	if (json_object_get(type, "items") || json_object_get(type, "values")) {
		buf_puts(out, " of ");
		describe(json_object_get(type, *of == 'a' ? "items" : "values"), out);
	} else if (precision) {
		buf_printf(out, " (decimal %lld, %lld)", (long long)json_integer_value(precision),
			(long long)json_integer_value(json_object_get(type, "scale")));
	} else if (!name && (meaning || logical)) {
		buf_printf(out, " (%s)", meaning ? simple_name(meaning) : logical);
	}
}

static void describe(json_t *type, struct buf *out)
{
	if (json_is_string(type))
		buf_puts(out, simple_name(json_string_value(type)));
	else if (json_is_array(type))
		describe_union(type, out);
	else if (json_is_object(type))
		describe_object(type, out);
}

/* --- Layout ------------------------------------------------------------------------------------ */

static void lay_out(json_t *type, const char *path, struct fields *out);

static void add_field(json_t *field, const char *path, struct fields *out)
{
	const char *name = json_string_value(json_object_get(field, "name"));
	json_t *type = json_object_get(field, "type");
	struct buf text;

	if (!name)
		return;
	buf_init(&text, BUF_MAX);
	describe(type, &text);
	buf_puts(&text, json_object_get(field, "default") ? " with a default" : "");
	struct field one = {
		.path = arena_printf(&out->arena, *path ? "%s.%s" : "%s%s", path, name),
		.type = arena_strdup(&out->arena, buf_text(&text)),
	};
	buf_release(&text);
	vec_push(&out->list, one);
	map_put(&out->by_path, one.path, strlen(one.path), (void *)one.type);
	lay_out(type, one.path, out);
}

/* jansson refuses what is nested deeper than 2048, so this ends. */
static void lay_out(json_t *type, const char *path, struct fields *out)
{
	static const char *const within[] = {"type", "items", "values"};
	size_t i;
	json_t *part;

	json_array_foreach(type, i, part) lay_out(part, path, out);
	if (!json_is_object(type))
		return;
	json_array_foreach(json_object_get(type, "fields"), i, part) add_field(part, path, out);
	for (i = 0; i < COUNT_OF(within); i++)
		lay_out(json_object_get(type, within[i]), path, out);
}

static void fields_init(struct fields *f, const char *schema)
{
	json_t *root = json_loads(schema, JSON_DECODE_ANY, NULL);

	*f = (struct fields){0};
	arena_init(&f->arena);
	lay_out(root, "", f);
	json_decref(root);
}

static void fields_release(struct fields *f)
{
	vec_release(&f->list);
	map_release(&f->by_path);
	arena_release(&f->arena);
}

/* --- Difference -------------------------------------------------------------------------------- */

static const char *type_of(const struct fields *f, const char *path)
{
	return map_get(&f->by_path, path, strlen(path));
}

struct saying {
	struct buf *out;
	size_t start, left, more;
};

static bool may_say(struct saying *s)
{
	if (!s->left) {
		s->more++;
		return false;
	}
	s->left--;
	if (s->out->len > s->start)
		buf_puts(s->out, "; ");
	return true;
}

void registry_diff(const char *before, const char *after, size_t most, struct buf *out)
{
	struct saying s = {.out = out, .start = out->len, .left = most};
	struct fields old, new;

	fields_init(&old, before);
	fields_init(&new, after);
	vec_each (&new.list, f) {
		const char *type = type_of(&old, f->path);
		if (!type && may_say(&s))
			buf_printf(out, "added %s (%s)", f->path, f->type);
		else if (type && strcmp(type, f->type) != 0 && may_say(&s))
			buf_printf(out, "changed %s from %s to %s", f->path, type, f->type);
	}
	vec_each (&old.list, f) {
		if (!type_of(&new, f->path) && may_say(&s))
			buf_printf(out, "removed %s (%s)", f->path, f->type);
	}
	if (s.more)
		buf_printf(out, "; and %zu more", s.more);
	fields_release(&old);
	fields_release(&new);
}
