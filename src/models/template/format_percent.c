/* '%05.2f of %(name)s' % values, as Python formats. */
#include <math.h>
#include "models/template/format.h"
#include "models/template/unicode.h"

struct percent {
	struct render *r;
	struct value format;
	size_t at;
	struct value values; /* a tuple, a dict or one value */
	size_t used;         /* of a tuple, or 1 once the one value is taken */
	bool by_name;
	struct buf *out;
};

static char char_at(const struct percent *p)
{
	return p->at < p->format.len ? p->format.s[p->at] : '\0';
}

static bool take_value(struct percent *p, struct value *out)
{
	bool tuple = p->values.kind == VALUE_TUPLE;

	if (p->used >= (tuple ? p->values.list->len : 1))
		return render_fail(p->r, "not enough arguments for format string");
	*out = tuple ? p->values.list->items[p->used] : p->values;
	p->used++;
	return true;
}

static bool take_named(struct percent *p, struct value *out)
{
	size_t start = ++p->at;

	while (p->at < p->format.len && p->format.s[p->at] != ')')
		p->at++;
	if (p->at == p->format.len)
		return render_fail(p->r, "incomplete format key");
	if (p->values.kind != VALUE_DICT)
		return render_fail(p->r, "format requires a mapping");
	struct value key = value_bytes(p->format.s + start, p->at++ - start);
	struct value *found = dict_find(p->values.dict, key);
	if (!found)
		return render_fail(p->r, "KeyError: '%.*s'", (int)key.len, key.s);
	p->by_name = true;
	*out = *found;
	return true;
}

/* Digits, or * and the next value. */
static bool take_size(struct percent *p, int64_t *out)
{
	struct value v;

	*out = 0;
	if (char_at(p) == '*') {
		p->at++;
		if (!take_value(p, &v))
			return false;
		return integer_of(v, out) || render_fail(p->r, "* wants int");
	}
	while (char_at(p) >= '0' && char_at(p) <= '9') {
		*out = *out * 10 + (p->format.s[p->at++] - '0');
		if (*out > INT32_MAX)
			return render_fail(p->r, "width too big");
	}
	return true;
}

static bool take_spec(struct percent *p, struct spec *spec)
{
	for (char c; (c = char_at(p)) && strchr("#0- +", c); p->at++) {
		if (c == '-')
			spec->align = '<';
		else if (c == '#')
			spec->alternate = true;
		else if (c == '0')
			spec->zero = true;
		else if (c == '+' || spec->sign == '-')
			spec->sign = c;
	}
	if (!take_size(p, &spec->width))
		return false;
	if (spec->width < 0) {
		spec->width = -spec->width;
		spec->align = '<';
	}
	if (char_at(p) == '.') {
		p->at++;
		if (!take_size(p, &spec->precision))
			return false;
	}
	while (char_at(p) && strchr("hlL", char_at(p)))
		p->at++;
	spec->type = char_at(p);
	if (!spec->type)
		return render_fail(p->r, "incomplete format");
	p->at++;
	return true;
}

static bool put_text(struct percent *p, struct value v, struct spec *spec)
{
	struct value text;
	struct buf b;
	bool ok;

	render_buf(p->r, &b);
	if (spec->type == 's')
		ok = render_str(p->r, v, &b);
	else
		ok = render_repr(p->r, v, &b);
	spec->type = 's';
	spec->fill = ' ';
	spec->align = spec->align ? spec->align : '>';
	if (ok) {
		text = value_bytes(b.len ? (char *)b.data : "", b.len);
		ok = format_text(p->r, text, spec, p->out);
	}
	buf_release(&b);
	return ok;
}

static bool put_integer(struct percent *p, struct value v, struct spec *spec)
{
	char type = spec->type;
	int64_t i;

	if (v.kind == VALUE_UNDEFINED)
		return fail_undefined(p->r, v);
	if (v.kind == VALUE_FLOAT && type == 'd' && fabs(v.f) < 0x1p63)
		v = value_int((int64_t)v.f);
	if (!integer_of(v, &i))
		return render_fail(p->r, "%%%c format: %s is required, not %s", type,
			type == 'd' ? "a real number" : "an integer", value_type(v));
	if (spec->precision > 0) {
		/* The least number of digits. */
		spec->zero = true;
		spec->fill = '0';
		spec->width = spec->precision > spec->width ? spec->precision : spec->width;
	}
	spec->precision = -1;
	return format_number(p->r, value_int(i), spec, p->out);
}

static bool put_character(struct percent *p, struct value v, struct spec *spec)
{
	int64_t i;

	if (v.kind == VALUE_STRING && utf8_count(v.s, v.len) == 1) {
		spec->type = 's';
		return put_text(p, v, spec);
	}
	if (!integer_of(v, &i))
		return render_fail(p->r, "%%c requires int or char");
	return format_number(p->r, v, spec, p->out);
}

static bool put_value(struct percent *p, struct value v, struct spec *spec)
{
	spec->zero = spec->zero && spec->align != '<';
	spec->fill = spec->zero ? '0' : ' ';
	if (strchr("sra", spec->type))
		return put_text(p, v, spec);
	if (strchr("diu", spec->type))
		spec->type = 'd';
	if (strchr("doxX", spec->type))
		return put_integer(p, v, spec);
	if (spec->type == 'c')
		return put_character(p, v, spec);
	if (!strchr("eEfFgG", spec->type))
		return render_fail(p->r, "unsupported format character '%c'", spec->type);
	if (v.kind == VALUE_UNDEFINED)
		return fail_undefined(p->r, v);
	if (!number_is(v))
		return render_fail(p->r, "must be real number, not %s", value_type(v));
	return format_number(p->r, v, spec, p->out);
}

static bool put_one(struct percent *p)
{
	struct spec spec = SPEC_NONE;
	struct value v = {0};

	p->at++;
	if (char_at(p) == '(' && !take_named(p, &v))
		return false;
	if (!take_spec(p, &spec))
		return false;
	if (spec.type == '%')
		return render_append(p->r, p->out, "%", 1);
	if (!value_given(v) && !take_value(p, &v))
		return false;
	return put_value(p, v, &spec);
}

static bool put_all(struct percent *p)
{
	while (p->at < p->format.len) {
		const char *from = p->format.s + p->at,
			   *percent = memchr(from, '%', p->format.len - p->at);
		size_t plain = percent ? (size_t)(percent - from) : p->format.len - p->at;
		if (!render_append(p->r, p->out, from, plain))
			return false;
		p->at += plain;
		if (percent && !put_one(p))
			return false;
	}
	/* What has items, but for a tuple, may be left over. */
	bool all = p->by_name || p->values.kind == VALUE_DICT || p->values.kind == VALUE_LIST ||
		   p->values.kind == VALUE_RANGE || p->values.kind == VALUE_UNDEFINED ||
		   p->used == (p->values.kind == VALUE_TUPLE ? p->values.list->len : 1);
	return all || render_fail(p->r, "not all arguments converted during string formatting");
}

bool format_percent(struct render *r, struct value format, struct value values, struct value *out)
{
	struct buf text;
	struct percent p = {.r = r, .format = format, .values = values, .out = &text};

	render_buf(r, &text);
	bool ok = put_all(&p) && render_room(r, text.len);
	if (ok)
		*out = render_take(r, &text);
	buf_release(&text);
	return ok;
}
