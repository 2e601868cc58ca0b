/* JSON as Python's json module writes it (ASCII only), and values from JSON. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include "models/template/render.h"
#include "models/template/unicode.h"

struct json_writer {
	struct render *r;
	struct json_style style;
	struct buf *out;
};

static bool write_value(struct json_writer *w, struct value v, int level);

static bool put(struct json_writer *w, const char *text)
{
	return render_append(w->r, w->out, text, strlen(text));
}

static void put_unit(struct buf *out, uint32_t unit)
{
	char text[8];
	buf_append(out, text, (size_t)snprintf(text, sizeof text, "\\u%04x", unit));
}

static bool write_text(struct json_writer *w, struct value v)
{
	static const char special[] = "\"\\\b\f\n\r\t", shown[] = "\"\\bfnrt";
	size_t bytes;

	if (!render_grow(w->r, w->out, (size_t)v.len * 6 + 2))
		return false;
	buf_u8(w->out, '"');
	for (size_t at = 0; at < v.len; at += bytes) {
		uint32_t c = utf8_read(v.s + at, &bytes);
		const char *found = c && c < 0x80 ? strchr(special, (char)c) : NULL;
		if (found) {
			buf_u8(w->out, '\\');
			buf_u8(w->out, (uint8_t)shown[found - special]);
		} else if (c >= 0x10000) {
			put_unit(w->out, 0xd800 + ((c - 0x10000) >> 10));
			put_unit(w->out, 0xdc00 + ((c - 0x10000) & 0x3ff));
		} else if (c >= 0x7f || c < 0x20) {
			put_unit(w->out, c);
		} else {
			buf_u8(w->out, (uint8_t)c);
		}
	}
	buf_u8(w->out, '"');
	return true;
}

static bool new_line(struct json_writer *w, int level)
{
	if (!w->style.indent)
		return true;
	size_t n = (size_t)level * (size_t)w->style.indent;
	if (!put(w, "\n") || !render_grow(w->r, w->out, n))
		return false;
	while (n--)
		buf_u8(w->out, ' ');
	return true;
}

static bool next_item(struct json_writer *w, bool first, int level)
{
	return (first || put(w, w->style.indent ? "," : ", ")) && new_line(w, level);
}

static bool write_list(struct json_writer *w, const struct list *list, int level)
{
	bool ok = put(w, "[");

	for (size_t i = 0; ok && i < list->len; i++)
		ok = next_item(w, !i, level + 1) && write_value(w, list->items[i], level + 1);
	return ok && (!list->len || new_line(w, level)) && put(w, "]");
}

/* A key is text; numbers, true, false and none become it. */
static bool write_key(struct json_writer *w, struct value key)
{
	if (key.kind == VALUE_STRING)
		return write_text(w, key);
	if (key.kind != VALUE_NONE && !number_is(key))
		return render_fail(w->r, "keys must be str, int, float, bool or None, not %s",
			value_type(key));
	return put(w, "\"") && write_value(w, key, 0) && put(w, "\"");
}

static bool write_dict(struct json_writer *w, const struct dict *dict, int level)
{
	struct render *r = w->r;
	struct value *keys = arena_alloc(&r->arena, (dict->len + 1) * sizeof *keys);
	struct value *values = arena_alloc(&r->arena, (dict->len + 1) * sizeof *values);
	size_t i = 0, n = 0;

	for (struct dict_entry *entry; (entry = dict_next(dict, &i)); n++) {
		keys[n] = entry->key;
		values[n] = entry->value;
	}
	bool ok = (!w->style.sorted || sort_values(r, values, keys, n, false)) && put(w, "{");
	for (i = 0; ok && i < n; i++)
		ok = next_item(w, !i, level + 1) && write_key(w, keys[i]) && put(w, ": ") &&
		     write_value(w, values[i], level + 1);
	return ok && (!n || new_line(w, level)) && put(w, "}");
}

static bool write_inside(struct json_writer *w, struct value v, int level)
{
	switch (v.kind) {
	case VALUE_NONE: return put(w, "null");
	case VALUE_BOOL: return put(w, v.b ? "true" : "false");
	case VALUE_FLOAT:
		if (!isfinite(v.f))
			return put(w, isnan(v.f) ? "NaN" : v.f > 0 ? "Infinity" : "-Infinity");
		return render_repr(w->r, v, w->out);
	case VALUE_INT: return render_repr(w->r, v, w->out);
	case VALUE_STRING: return write_text(w, v);
	case VALUE_LIST:
	case VALUE_TUPLE: return write_list(w, v.list, level);
	case VALUE_DICT: return write_dict(w, v.dict, level);
	case VALUE_ABSENT:
	case VALUE_UNDEFINED:
	case VALUE_RANGE:
	case VALUE_VIEW:
	case VALUE_ITERATOR:
	case VALUE_CALLABLE:
	case VALUE_OBJECT: break;
	}
	return render_fail(w->r, "Object of type %s is not JSON serializable", value_type(v));
}

static bool write_value(struct json_writer *w, struct value v, int level)
{
	if (!render_enter(w->r))
		return false;
	bool ok = render_charge(w->r, 1) && write_inside(w, v, level);
	render_leave(w->r);
	return ok;
}

bool render_json(struct render *r, struct value v, struct json_style style, struct buf *out)
{
	struct json_writer w = {.r = r, .style = style, .out = out};
	return write_value(&w, v, 0);
}

/* jansson bounds how deep a text nests. */
static struct value value_of(struct arena *a, const json_t *json)
{
	struct value v = value_none();
	const json_t *item;
	const char *key;
	size_t i;

	if (json_is_string(json)) {
		size_t len = json_string_length(json);
		return value_bytes(arena_strndup(a, json_string_value(json), len), len);
	}
	if (json_is_object(json)) {
		v = value_dict(dict_new(a));
		json_object_foreach((json_t *)json, key, item)
			dict_put(a, v.dict, value_text(arena_strdup(a, key)), value_of(a, item));
	} else if (json_is_array(json)) {
		v = value_list(list_new(a, json_array_size(json)));
		json_array_foreach(json, i, item) list_append(a, v.list, value_of(a, item));
	} else if (json_is_integer(json)) {
		v = value_int(json_integer_value(json));
	} else if (json_is_real(json)) {
		v = value_float(json_real_value(json));
	} else if (json_is_boolean(json)) {
		v = value_bool(json_is_true(json));
	}
	return v;
}

bool json_value(struct arena *a, const char *text, size_t len, struct value *out)
{
	json_error_t error;
	json_t *json = json_loadb(text, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);

	if (!json)
		return false;
	*out = value_of(a, json);
	json_decref(json);
	return true;
}
