/* '{0} {name.attribute[3]!r:>10}'.format(...), as Python formats, one nested level in
 * specifications. */
#include "models/template/format.h"
#include "models/template/unicode.h"

struct braces {
	struct render *r;
	const struct args *args;
	size_t next; /* of the fields without a name or number */
	bool manual, automatic;
};

static bool put_all(struct braces *b, struct value format, int nesting, struct buf *out);

static bool number_in(struct value text, int64_t *out)
{
	*out = 0;
	for (size_t i = 0; i < text.len; i++) {
		if (text.s[i] < '0' || text.s[i] > '9' || *out > INT32_MAX)
			return false;
		*out = *out * 10 + (text.s[i] - '0');
	}
	return text.len > 0;
}

static bool named_field(struct braces *b, struct value name, struct value *out)
{
	for (size_t i = 0; i < b->args->n_named; i++) {
		if (!value_is_text(name, b->args->named[i].name))
			continue;
		*out = b->args->named[i].value;
		return true;
	}
	return render_fail(b->r, "KeyError: '%.*s'", (int)name.len, name.s);
}

static bool first_of_field(struct braces *b, struct value name, struct value *out)
{
	int64_t i = (int64_t)b->next;
	bool numbered = number_in(name, &i);

	if (name.len && !numbered)
		return named_field(b, name, out);
	if (!name.len)
		i = (int64_t)b->next++;
	b->automatic |= !name.len;
	b->manual |= numbered;
	if (b->automatic && b->manual)
		return render_fail(b->r, numbered ? "cannot switch from automatic field numbering "
						    "to manual field specification"
						  : "cannot switch from manual field specification "
						    "to automatic field numbering");
	if ((size_t)i >= b->args->n)
		return render_fail(b->r,
			"Replacement index %lld out of range for positional args tuple",
			(long long)i);
	*out = b->args->items[i];
	return true;
}

/* name.attribute[item] */
static bool value_of_field(struct braces *b, struct value field, struct value *out)
{
	size_t at = 0;

	while (at < field.len && field.s[at] != '.' && field.s[at] != '[')
		at++;
	if (!first_of_field(b, value_bytes(field.s, at), out))
		return false;
	while (at < field.len) {
		bool item = field.s[at++] == '[';
		size_t start = at;
		while (at < field.len &&
			(item ? field.s[at] != ']' : field.s[at] != '.' && field.s[at] != '['))
			at++;
		struct value name = value_bytes(field.s + start, at - start);
		if (!name.len)
			return render_fail(b->r, "Empty attribute in format string");
		int64_t i;
		if (item && at++ == field.len)
			return render_fail(b->r, "Missing ']' in format string");
		bool ok = item ? render_item(
					 b->r, *out, number_in(name, &i) ? value_int(i) : name, out)
			       : render_attribute(
					 b->r, *out, value_strdup(&b->r->arena, name), out);
		if (!ok)
			return false;
	}
	return true;
}

static bool fail_spec(struct braces *b)
{
	return render_fail(b->r, "Invalid format specifier");
}

static const char *take_size(const char *p, const char *end, int64_t *out)
{
	for (*out = 0; p < end && *p >= '0' && *p <= '9' && *out <= INT32_MAX; p++)
		*out = *out * 10 + (*p - '0');
	return p;
}

static const char *take_align(const char *p, const char *end, struct spec *spec)
{
	size_t bytes = 0;
	uint32_t fill = p < end ? utf8_read(p, &bytes) : 0;

	if (p + bytes < end && strchr("<>^=", p[bytes]) && p[bytes]) {
		spec->fill = fill;
		spec->align = p[bytes];
		return p + bytes + 1;
	}
	if (p < end && *p && strchr("<>^=", *p))
		spec->align = *p++;
	return p;
}

static bool read_spec(struct braces *b, struct value text, struct spec *spec)
{
	const char *p = text.s, *end = text.s + text.len;

	p = take_align(p, end, spec);
	if (p < end && (*p == '+' || *p == '-' || *p == ' '))
		spec->sign = *p++;
	if (p < end && *p == '#') {
		spec->alternate = true;
		p++;
	}
	if (p < end && *p == '0') {
		spec->zero = true;
		spec->fill = spec->fill ? spec->fill : '0';
		p++;
	}
	p = take_size(p, end, &spec->width);
	if (p < end && (*p == ',' || *p == '_'))
		spec->group = *p++;
	if (p < end && *p == '.') {
		const char *digits = p + 1;
		p = take_size(digits, end, &spec->precision);
		if (p == digits)
			return render_fail(b->r, "Format specifier missing precision");
	}
	if (p < end)
		spec->type = *p++;
	return p == end && spec->width <= INT32_MAX ? true : fail_spec(b);
}

static bool put_value(
	struct braces *b, struct value v, struct value spec_text, char conversion, struct buf *out)
{
	struct spec spec = SPEC_NONE;
	struct value text = v;
	struct buf converted;
	bool ok = true;

	if (conversion == 'r' || conversion == 'a') {
		render_buf(b->r, &converted);
		ok = render_repr(b->r, v, &converted);
		text = render_take(b->r, &converted);
	} else if (conversion == 's') {
		ok = str_of(b->r, v, &text);
	} else if (conversion) {
		return render_fail(b->r, "Unknown conversion specifier '%c'", conversion);
	}
	if (!ok || !read_spec(b, spec_text, &spec))
		return false;
	if (text.kind == VALUE_BOOL && !spec_text.len)
		return render_str(b->r, text, out);
	if (number_is(text))
		return format_number(b->r, text, &spec, out);
	if (text.kind != VALUE_STRING) {
		if (spec_text.len && text.kind != VALUE_UNDEFINED)
			return render_fail(b->r,
				"unsupported format string passed to %s.__format__",
				value_type(text));
		return render_str(b->r, text, out);
	}

	return format_text(b->r, text, &spec, out);
}

/* The field between braces: name!conversion:specification. */
static bool put_field(struct braces *b, struct value field, int nesting, struct buf *out)
{
	size_t name = 0;
	char conversion = '\0';
	struct value v, spec = value_bytes("", 0);
	struct buf inner;

	for (bool item = false; name < field.len; name++) {
		char c = field.s[name];
		item = c == '[' || (item && c != ']');
		if (!item && (c == '!' || c == ':'))
			break;
	}
	size_t at = name;
	if (at < field.len && field.s[at] == '!') {
		conversion = at + 1 < field.len ? field.s[at + 1] : '?';
		at += 2;
	}
	if (!value_of_field(b, value_bytes(field.s, name), &v))
		return false;
	if (at < field.len && field.s[at] != ':')
		return render_fail(b->r, "expected ':' after conversion specifier");
	if (at < field.len)
		spec = value_bytes(field.s + at + 1, field.len - at - 1);
	render_buf(b->r, &inner);
	bool ok = put_all(b, spec, nesting + 1, &inner);
	spec = render_take(b->r, &inner);
	return ok && put_value(b, v, spec, conversion, out);
}

/* Behind the brace that closes the one at `at`; 0: none does. */
static size_t field_end(struct value format, size_t at)
{
	int open = 0;

	for (; at < format.len; at++) {
		open += format.s[at] == '{';
		open -= format.s[at] == '}';
		if (!open)
			return at + 1;
	}
	return 0;
}

static bool put_brace(
	struct braces *b, struct value format, size_t *at, int nesting, struct buf *out)
{
	char c = format.s[*at];

	if (*at + 1 < format.len && format.s[*at + 1] == c && !nesting) {
		*at += 2;
		return render_append(b->r, out, &c, 1);
	}
	if (c == '}')
		return render_fail(b->r, "Single '}' encountered in format string");
	size_t end = field_end(format, *at);
	if (!end)
		return render_fail(b->r, *at + 1 == format.len
						 ? "Single '{' encountered in format string"
						 : "expected '}' before end of string");
	if (nesting == 2)
		return render_fail(b->r, "Max string recursion exceeded");
	struct value field = value_bytes(format.s + *at + 1, end - *at - 2);
	*at = end;
	return put_field(b, field, nesting, out);
}

static bool put_all(struct braces *b, struct value format, int nesting, struct buf *out)
{
	for (size_t at = 0; at < format.len;) {
		size_t start = at;
		while (at < format.len && format.s[at] != '{' && format.s[at] != '}')
			at++;
		if (!render_append(b->r, out, format.s + start, at - start))
			return false;
		if (at < format.len && !put_brace(b, format, &at, nesting, out))
			return false;
	}
	return true;
}

bool format_braces(
	struct render *r, struct value format, const struct args *args, struct value *out)
{
	struct braces b = {.r = r, .args = args};
	struct buf text;

	render_buf(r, &text);
	bool ok = put_all(&b, format, 0, &text) && render_room(r, text.len);
	if (ok)
		*out = render_take(r, &text);
	buf_release(&text);
	return ok;
}
