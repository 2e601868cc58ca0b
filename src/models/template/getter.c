/* Attributes that filters look up; see getter.h. */
#include "models/template/getter.h"

static struct value part_of(const char *s, size_t len)
{
	int64_t number = 0;

	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9' || number > INT32_MAX)
			return value_bytes(s, len);
		number = number * 10 + (s[i] - '0');
	}
	return len ? value_int(number) : value_bytes(s, 0);
}

bool getter_init(struct render *r, struct getter *g, struct value attribute)
{
	g->parts = list_new(&r->arena, 2);
	if (!value_given(attribute) || attribute.kind == VALUE_NONE)
		return true;
	if (attribute.kind != VALUE_STRING) {
		list_append(&r->arena, g->parts, attribute);
		return true;
	}
	for (size_t at = 0, start = 0; at <= attribute.len; at++) {
		if (at < attribute.len && attribute.s[at] != '.')
			continue;
		list_append(&r->arena, g->parts, part_of(attribute.s + start, at - start));
		start = at + 1;
	}
	return render_charge(r, g->parts->len);
}

bool getter_get(struct render *r, const struct getter *g, struct value item, struct value *out)
{
	*out = item;
	for (size_t i = 0; i < g->parts->len; i++) {
		if (!render_item(r, *out, g->parts->items[i], out))
			return false;
		bool replace = value_given(g->otherwise) && g->otherwise.kind != VALUE_NONE;
		if (replace && out->kind == VALUE_UNDEFINED)
			*out = g->otherwise;
	}
	if (g->fold_case && out->kind == VALUE_STRING)
		*out = lower_of(r, *out);
	return true;
}
