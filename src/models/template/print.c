/* Values as text: str() and repr() of Python. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "models/template/render.h"
#include "models/template/unicode.h"

void print_int(int64_t i, struct buf *out)
{
	char text[24];
	buf_append(out, text, (size_t)snprintf(text, sizeof text, "%" PRId64, i));
}

/* A number as digits * 10^exponent. */
struct decimal {
	char digits[24];
	int n, exponent;
};

static bool reads_as(const struct decimal *d, double f)
{
	char text[48];

	snprintf(text, sizeof text, "%se%d", d->digits, d->exponent);
	return strtod(text, NULL) == f;
}

/* The n digits nearest to f, or their neighbour above: next to a power of two the nearest may
 * read as another number. */
static bool try_digits(double f, int n, struct decimal *out)
{
	char text[40];
	int len = 0;

	snprintf(text, sizeof text, "%.*e", n - 1, f);
	char *e = strchr(text, 'e');
	for (const char *p = text; p < e; p++)
		if (*p != '.')
			out->digits[len++] = *p;
	out->digits[len] = '\0';
	out->exponent = atoi(e + 1) - (n - 1);
	if (reads_as(out, f))
		return true;
	snprintf(out->digits, sizeof out->digits, "%llu", strtoull(out->digits, NULL, 10) + 1);
	return reads_as(out, f);
}

/* The fewest digits that read back as the same number, without zeros at the end. */
static void shortest(double f, struct decimal *out)
{
	for (int n = 1; n <= 17 && !try_digits(f, n, out); n++)
		;
	out->n = (int)strlen(out->digits);
	while (out->n > 1 && out->digits[out->n - 1] == '0') {
		out->n--;
		out->exponent++;
	}
}

static void print_exponent(const struct decimal *d, int power, struct buf *out)
{
	buf_u8(out, (uint8_t)d->digits[0]);
	if (d->n > 1)
		buf_printf(out, ".%.*s", d->n - 1, d->digits + 1);
	buf_printf(out, "e%c%02d", power < 0 ? '-' : '+', abs(power));
}

/* As repr(): 1.0, 1e+16, 1.5e-05, inf, nan. */
void print_float(double f, struct buf *out)
{
	struct decimal d;

	if (!isfinite(f)) {
		const char *name = isnan(f) ? "nan" : f > 0 ? "inf" : "-inf";
		buf_append(out, name, strlen(name));
		return;
	}
	shortest(fabs(f), &d);
	if (signbit(f))
		buf_u8(out, '-');
	int power = d.exponent + d.n - 1;
	if (power < -4 || power >= 16) {
		print_exponent(&d, power, out);
		return;
	}
	for (int i = power < 0 ? power : 0; i < d.n || i <= power + 1; i++) {
		if (i == power + 1)
			buf_u8(out, '.');
		buf_u8(out, i >= 0 && i < d.n ? (uint8_t)d.digits[i] : '0');
	}
}

/* What is being printed: a list that holds itself is printed as [...]. */
struct printing {
	const void *container;
	const struct printing *outer;
};

static bool repr(struct render *r, struct value v, const struct printing *outer, struct buf *out);

static bool puts_to(struct render *r, struct buf *out, const char *text)
{
	return render_append(r, out, text, strlen(text));
}

static void escape(uint32_t c, struct buf *out)
{
	char text[12];
	int n = c < 0x100     ? snprintf(text, sizeof text, "\\x%02x", c)
		: c < 0x10000 ? snprintf(text, sizeof text, "\\u%04x", c)
			      : snprintf(text, sizeof text, "\\U%08x", c);
	buf_append(out, text, (size_t)n);
}

static bool repr_text(struct render *r, struct value v, struct buf *out)
{
	static const char special[] = "\\\n\r\t", shown[] = "\\nrt";
	bool single = memchr(v.s, '\'', v.len), both = single && memchr(v.s, '"', v.len);
	char quote = single && !both ? '"' : '\'';
	size_t bytes;

	/* At most ten bytes for one. */
	if (!render_grow(r, out, (size_t)v.len * 10 + 2))
		return false;
	buf_u8(out, (uint8_t)quote);
	for (size_t at = 0; at < v.len; at += bytes) {
		uint32_t c = utf8_read(v.s + at, &bytes);
		const char *found = c && c < 0x80 ? strchr(special, (char)c) : NULL;
		if (found || c == (uint32_t)quote) {
			buf_u8(out, '\\');
			buf_u8(out, found ? (uint8_t)shown[found - special] : (uint8_t)quote);
		} else if (unicode_is(c, UNICODE_PRINTABLE)) {
			buf_append(out, v.s + at, bytes);
		} else {
			escape(c, out);
		}
	}
	buf_u8(out, (uint8_t)quote);
	return true;
}

static bool repr_list(
	struct render *r, struct value v, const struct printing *outer, struct buf *out)
{
	bool tuple = v.kind == VALUE_TUPLE, ok = puts_to(r, out, tuple ? "(" : "[");

	for (size_t i = 0; ok && i < v.list->len; i++)
		ok = (!i || puts_to(r, out, ", ")) && repr(r, v.list->items[i], outer, out);
	if (ok && tuple && v.list->len == 1)
		ok = puts_to(r, out, ",");
	return ok && puts_to(r, out, tuple ? ")" : "]");
}

static bool repr_dict(
	struct render *r, struct value v, const struct printing *outer, struct buf *out)
{
	bool ok = puts_to(r, out, "{");
	size_t i = 0, n = 0;

	for (struct dict_entry *entry; ok && (entry = dict_next(v.dict, &i));)
		ok = (!n++ || puts_to(r, out, ", ")) && repr(r, entry->key, outer, out) &&
		     puts_to(r, out, ": ") && repr(r, entry->value, outer, out);
	return ok && puts_to(r, out, "}");
}

static bool repr_view(
	struct render *r, struct value v, const struct printing *outer, struct buf *out)
{
	struct list *items;

	return puts_to(r, out, value_type(v)) && puts_to(r, out, "(") &&
	       iterate_all(r, v, &items) && repr_list(r, value_list(items), outer, out) &&
	       puts_to(r, out, ")");
}

static bool repr_container(
	struct render *r, struct value v, const struct printing *outer, struct buf *out)
{
	struct printing here = {.container = v.list, .outer = outer};

	for (const struct printing *p = outer; p; p = p->outer)
		if (p->container == v.list)
			return puts_to(r, out,
				v.kind == VALUE_LIST   ? "[...]"
				: v.kind == VALUE_DICT ? "{...}"
						       : "(...)");
	if (!render_enter(r))
		return false;
	bool ok = v.kind == VALUE_DICT   ? repr_dict(r, v, &here, out)
		  : v.kind == VALUE_VIEW ? repr_view(r, v, &here, out)
					 : repr_list(r, v, &here, out);
	render_leave(r);
	return ok;
}

static bool repr_callable(struct render *r, const struct callable *c, struct buf *out)
{
	struct value text;

	if (c->macro && c->macro->name)
		text = render_printf(r, "<Macro '%s'>", c->macro->name);
	else if (c->macro)
		text = value_text("<Macro anonymous>");
	else
		text = render_printf(r, "<function %s>", c->function->name);
	return render_append(r, out, text.s, text.len);
}

static bool repr_range(struct render *r, const struct range *range, struct buf *out)
{
	struct value text = render_printf(r,
		range->step == 1 ? "range(%lld, %lld)" : "range(%lld, %lld, %lld)",
		(long long)range->start, (long long)range->stop, (long long)range->step);

	return render_append(r, out, text.s, text.len);
}

static bool repr_object(struct render *r, struct object *object, struct buf *out)
{
	if (!object->ops->print)
		return puts_to(r, out, "<") && puts_to(r, out, object->ops->type) &&
		       puts_to(r, out, ">");
	if (!render_enter(r))
		return false;
	bool ok = object->ops->print(r, object, out);
	render_leave(r);
	return ok;
}

static bool repr(struct render *r, struct value v, const struct printing *outer, struct buf *out)
{
	if (!render_charge(r, 1) || !render_grow(r, out, 32))
		return false;
	switch (v.kind) {
	case VALUE_ABSENT:
	case VALUE_UNDEFINED: return puts_to(r, out, "Undefined");
	case VALUE_NONE: return puts_to(r, out, "None");
	case VALUE_BOOL: return puts_to(r, out, v.b ? "True" : "False");
	case VALUE_INT: print_int(v.i, out); return true;
	case VALUE_FLOAT: print_float(v.f, out); return true;
	case VALUE_STRING: return repr_text(r, v, out);
	case VALUE_LIST:
	case VALUE_TUPLE:
	case VALUE_DICT:
	case VALUE_VIEW: return repr_container(r, v, outer, out);
	case VALUE_RANGE: return repr_range(r, v.range, out);
	case VALUE_ITERATOR: return puts_to(r, out, "<generator object>");
	case VALUE_CALLABLE: return repr_callable(r, v.callable, out);
	case VALUE_OBJECT: return repr_object(r, v.object, out);
	}
	return true;
}

bool render_repr(struct render *r, struct value v, struct buf *out)
{
	return repr(r, v, NULL, out);
}

bool render_str(struct render *r, struct value v, struct buf *out)
{
	if (v.kind == VALUE_STRING)
		return render_append(r, out, v.s, v.len);
	return v.kind == VALUE_UNDEFINED || repr(r, v, NULL, out);
}

bool str_of(struct render *r, struct value v, struct value *text)
{
	struct buf out;

	*text = v;
	if (v.kind == VALUE_STRING)
		return true;
	render_buf(r, &out);
	bool ok = render_str(r, v, &out) && render_room(r, out.len);
	if (ok)
		*text = render_take(r, &out);
	buf_release(&out);
	return ok;
}
