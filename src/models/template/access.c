/*
 * Attributes, items and slices. As in Jinja2, a.b is the attribute or else the item of that name,
 * and a['b'] the item or else the attribute; what is neither is undefined, and says so when it is
 * used.
 */
#include "models/template/builtins.h"
#include "models/template/render.h"
#include "models/template/unicode.h"

/* As messages name a value: "dict object", "None". */
static const char *described(struct render *r, struct value v)
{
	if (v.kind == VALUE_NONE)
		return "None";
	return arena_printf(&r->arena, "%s object", value_type(v));
}

/* As repr() shows it; a name too long for that as it is. */
static const char *quoted(struct render *r, const char *name)
{
	struct buf text;

	buf_init(&text, 256);
	const char *shown = strlen(name) < 20 && render_repr(r, value_text(name), &text)
				    ? arena_strdup(&r->arena, buf_text(&text))
				    : arena_printf(&r->arena, "'%s'", name);
	buf_release(&text);
	return shown;
}

static struct value no_attribute(struct render *r, struct value of, const char *name)
{
	if (name[0] == '_' && name[1] == '_')
		return value_undefined(arena_printf(&r->arena,
			"access to attribute '%s' of '%s' object is unsafe.", name,
			value_type(of)));
	return value_undefined(arena_printf(
		&r->arena, "'%s' has no attribute %s", described(r, of), quoted(r, name)));
}

static struct value field_of(struct value tuple, const char *name)
{
	for (size_t i = 0; tuple.list->fields && i < tuple.list->len; i++)
		if (!strcmp(tuple.list->fields[i], name))
			return tuple.list->items[i];
	return (struct value){0};
}

/* What Python has as an attribute; absent: none. False after a failure. */
static bool own_attribute(struct render *r, struct value of, const char *name, struct value *out)
{
	*out = (struct value){0};
	if (of.kind == VALUE_OBJECT)
		return !of.object->ops->get || !of.object->ops->get(r, of.object, name, out) ||
		       value_given(*out);
	if (of.kind == VALUE_TUPLE)
		*out = field_of(of, name);
	if (of.kind == VALUE_CALLABLE && of.callable->macro && !strcmp(name, "name"))
		*out = value_text(of.callable->macro->name ? of.callable->macro->name : "caller");
	if (value_given(*out))
		return true;
	const struct function *method = builtin_method(of, name);
	if (method)
		*out = method_value(&r->arena, method, of);
	return true;
}

bool render_attribute(struct render *r, struct value of, const char *name, struct value *out)
{
	if (of.kind == VALUE_UNDEFINED)
		return fail_undefined(r, of);
	if (!own_attribute(r, of, name, out))
		return false;
	if (!value_given(*out) && of.kind == VALUE_DICT)
		*out = dict_get_text(of.dict, name);
	if (!value_given(*out))
		*out = no_attribute(r, of, name);
	return true;
}

/* The index in a sequence of that length, counted from the end when it is negative; SIZE_MAX:
 * outside. */
static size_t index_in(int64_t i, size_t len)
{
	if (i < 0)
		i += (int64_t)len;
	return i >= 0 && i < (int64_t)len ? (size_t)i : SIZE_MAX;
}

static struct value item_of_text(struct value text, int64_t index)
{
	size_t i = index_in(index, utf8_count(text.s, text.len)), bytes;

	if (i == SIZE_MAX)
		return (struct value){0};
	const char *s = text.s + utf8_offset(text.s, text.len, i);
	utf8_read(s, &bytes);
	return value_bytes(s, bytes);
}

/* What Python's of[index] is; absent where it raises. */
static struct value own_item(struct value of, struct value index)
{
	int64_t i;

	if (of.kind == VALUE_DICT) {
		struct value *found = value_is_key(index) ? dict_find(of.dict, index) : NULL;
		return found ? *found : (struct value){0};
	}
	if (!integer_of(index, &i))
		return (struct value){0};
	if (value_items(of))
		of = value_list(value_items(of));
	if (of.kind == VALUE_STRING)
		return item_of_text(of, i);
	size_t at = SIZE_MAX;
	if (of.kind == VALUE_LIST || of.kind == VALUE_TUPLE)
		at = index_in(i, of.list->len);
	if (at != SIZE_MAX)
		return of.list->items[at];
	if (of.kind == VALUE_RANGE)
		at = index_in(i, of.range->len);
	return at != SIZE_MAX ? value_int(of.range->start + (int64_t)at * of.range->step)
			      : (struct value){0};
}

bool render_item(struct render *r, struct value of, struct value index, struct value *out)
{
	struct buf text;

	if (of.kind == VALUE_UNDEFINED)
		return fail_undefined(r, of);
	if (of.kind == VALUE_STRING && !render_charge(r, of.len / 64))
		return false;
	*out = own_item(of, index);
	if (value_given(*out))
		return true;
	if (index.kind == VALUE_STRING) {
		const char *name = value_strdup(&r->arena, index);
		if (!own_attribute(r, of, name, out))
			return false;
		if (!value_given(*out))
			*out = no_attribute(r, of, name);
		return true;
	}
	render_buf(r, &text);
	bool ok = render_repr(r, index, &text);
	if (ok)
		*out = value_undefined(arena_printf(
			&r->arena, "%s has no element %s", described(r, of), buf_text(&text)));
	buf_release(&text);
	return ok;
}

/* The bounds of a slice as Python's slice.indices() computes them. */
struct bounds {
	int64_t start, stop, step;
};

static int64_t clamp(int64_t i, int64_t least, int64_t most)
{
	return i < least ? least : i > most ? most : i;
}

static bool bound_of(struct render *r, const struct expr *e, int64_t otherwise, int64_t len,
	bool backwards, int64_t *out)
{
	struct value v = value_none();

	*out = otherwise;
	if (e && !eval(r, e, &v))
		return false;
	if (v.kind == VALUE_NONE)
		return true;
	if (v.kind == VALUE_UNDEFINED)
		return fail_undefined(r, v);
	if (!integer_of(v, out))
		return render_fail(
			r, "slice indices must be integers or None or have an __index__ method");
	if (*out < 0)
		*out = *out < -len ? -1 : *out + len;
	*out = backwards ? clamp(*out, -1, len - 1) : clamp(*out, 0, len);
	return true;
}

static bool bounds_of(struct render *r, const struct expr *e, size_t length, struct bounds *out)
{
	int64_t len = (int64_t)length;
	struct value step = value_none();

	if (e->slice.step && !eval(r, e->slice.step, &step))
		return false;
	out->step = 1;
	if (step.kind != VALUE_NONE && !integer_of(step, &out->step))
		return render_fail(
			r, "slice indices must be integers or None or have an __index__ method");
	if (!out->step)
		return render_fail(r, "slice step cannot be zero");
	bool back = out->step < 0;
	return bound_of(r, e->slice.start, back ? len - 1 : 0, len, back, &out->start) &&
	       bound_of(r, e->slice.stop, back ? -1 : len, len, back, &out->stop);
}

static size_t count_of(const struct bounds *b)
{
	int64_t span = b->step > 0 ? b->stop - b->start : b->start - b->stop;

	if (span <= 0)
		return 0;
	uint64_t step = b->step > 0 ? (uint64_t)b->step : 0 - (uint64_t)b->step;
	return (size_t)(((uint64_t)span - 1) / step + 1);
}

static bool slice_text(struct render *r, struct value of, const struct bounds *b, struct value *out)
{
	struct buf text;

	if (b->step == 1) {
		size_t from = utf8_offset(of.s, of.len, (size_t)b->start);
		*out = value_bytes(of.s + from, 0);
		if (b->stop > b->start)
			out->len = (uint32_t)utf8_offset(
				of.s + from, of.len - from, (size_t)(b->stop - b->start));
		return true;
	}
	/* Where each code point begins. */
	size_t chars = utf8_count(of.s, of.len), n = count_of(b);
	if (!render_room(r, chars * sizeof(uint32_t)))
		return false;
	uint32_t *starts = arena_alloc(&r->arena, (chars + 1) * sizeof *starts);
	for (size_t i = 0, c = 0; i < of.len; i++)
		if (((unsigned char)of.s[i] & 0xc0) != 0x80)
			starts[c++] = (uint32_t)i;
	starts[chars] = of.len;
	render_buf(r, &text);
	for (size_t i = 0; i < n; i++) {
		size_t at = (size_t)(b->start + (int64_t)i * b->step);
		buf_append(&text, of.s + starts[at], starts[at + 1] - starts[at]);
	}
	*out = render_take(r, &text);
	return true;
}

static bool slice_list(struct render *r, struct value of, const struct bounds *b, struct value *out)
{
	size_t n = count_of(b);

	if (!render_room(r, n * sizeof(struct value)) || !render_charge(r, n / 8))
		return false;
	struct list *list = list_new(&r->arena, n);
	for (size_t i = 0; i < n; i++)
		list_append(&r->arena, list, of.list->items[b->start + (int64_t)i * b->step]);
	*out = of.kind == VALUE_LIST ? value_list(list) : value_tuple(list);
	return true;
}

static bool slice_range(
	struct render *r, struct value of, const struct bounds *b, struct value *out)
{
	struct range *range = arena_alloc(&r->arena, sizeof *range);

	/* No range has more than a few items, or numbers near the limits: see globals.c. */
	range->start = of.range->start + b->start * of.range->step;
	range->stop = of.range->start + b->stop * of.range->step;
	range->step = b->step * of.range->step;
	range->len = count_of(b);
	*out = (struct value){.kind = VALUE_RANGE, .range = range};
	return true;
}

bool eval_slice(struct render *r, const struct expr *e, struct value *out)
{
	struct bounds bounds;
	struct value of;
	size_t len = 0;

	if (!eval(r, e->slice.of, &of))
		return false;
	r->at = e->at;
	if (of.kind == VALUE_UNDEFINED)
		return fail_undefined(r, of);
	if (of.kind == VALUE_DICT)
		return render_fail(r, "unhashable type: 'slice'");
	bool list = of.kind == VALUE_LIST || of.kind == VALUE_TUPLE;
	if (!list && of.kind != VALUE_STRING && of.kind != VALUE_RANGE)
		return render_fail(r, "'%s' object is not subscriptable", value_type(of));
	if (!length_of(r, of, &len) || !bounds_of(r, e, len, &bounds))
		return false;
	if (list)
		return slice_list(r, of, &bounds, out);
	return of.kind == VALUE_STRING ? slice_text(r, of, &bounds, out)
				       : slice_range(r, of, &bounds, out);
}
