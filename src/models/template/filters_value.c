/* Filters of numbers and of any value; see builtins.h. */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "models/template/builtins.h"
#include "models/template/render.h"

static bool filter_default(struct call *c)
{
	bool missing = c->self.kind == VALUE_UNDEFINED ||
		       (value_truth(c->arg[1]) && !value_truth(c->self));

	c->result = !missing ? c->self : value_given(c->arg[0]) ? c->arg[0] : value_text("");
	return true;
}

static bool filter_is_list(struct call *c)
{
	c->result = value_bool(c->self.kind == VALUE_LIST);
	return true;
}

static bool filter_abs(struct call *c)
{
	int64_t i;

	if (c->self.kind == VALUE_UNDEFINED)
		return fail_undefined(c->render, c->self);
	if (c->self.kind == VALUE_FLOAT) {
		c->result = value_float(fabs(c->self.f));
		return true;
	}
	if (!integer_of(c->self, &i))
		return render_fail(
			c->render, "bad operand type for abs(): '%s'", value_type(c->self));
	return operate(c->render, i < 0 ? OP_SUB : OP_ADD, value_int(0), value_int(i), &c->result);
}

/* The text without space around it and underscores between digits; NULL when it cannot be a
 * number. */
static char *plain_number(struct render *r, struct value text)
{
	struct value stripped = text_strip(text, (struct value){0}, true, true);
	char *plain = arena_alloc(&r->arena, stripped.len + 1), *to = plain;

	for (size_t i = 0; i < stripped.len; i++) {
		char c = stripped.s[i];
		bool between = i && i + 1 < stripped.len &&
			       isalnum((unsigned char)stripped.s[i - 1]) &&
			       isalnum((unsigned char)stripped.s[i + 1]);
		if (!c || (c == '_' && !between))
			return NULL;
		if (c != '_')
			*to++ = c;
	}
	return to > plain ? plain : NULL;
}

/* float(text): false when it is none. */
static bool float_of_text(struct render *r, struct value text, double *out)
{
	char *plain = plain_number(r, text), *end;

	/* strtod() takes hexadecimal and nan(...) too. */
	if (!plain || strpbrk(plain, "xX(") || isspace((unsigned char)*plain))
		return false;
	*out = strtod(plain, &end);
	return !*end;
}

enum parsed { PARSED_NOT, PARSED, PARSED_TOO_LARGE };

/* int(text, base) */
static enum parsed integer_of_text(struct render *r, struct value text, int base, int64_t *out)
{
	char *plain = plain_number(r, text), *end;

	if (!plain)
		return PARSED_NOT;
	bool negative = *plain == '-';
	if (*plain == '-' || *plain == '+')
		plain++;
	if (*plain == '0' && ((base == 2 && (plain[1] | 0x20) == 'b') ||
				     (base == 8 && (plain[1] | 0x20) == 'o')))
		plain += 2;
	if (!isalnum((unsigned char)*plain) ||
		(base == 10 && strlen(plain) > 1 && (plain[1] | 0x20) == 'x'))
		return PARSED_NOT;
	errno = 0;
	uint64_t magnitude = strtoull(plain, &end, base);
	if (*end)
		return PARSED_NOT;
	if (errno || magnitude > (uint64_t)INT64_MAX + negative)
		return PARSED_TOO_LARGE;
	*out = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
	return PARSED;
}

/* The number, the truth value or the none that a text is as Python writes it; absent: none of
 * them. */
static struct value literal_of(struct render *r, struct value text)
{
	static const struct {
		const char *text;
		struct value value;
	} names[] = {{"True", {.kind = VALUE_BOOL, .b = true}}, {"False", {.kind = VALUE_BOOL}},
		{"None", {.kind = VALUE_NONE}}};
	int64_t i;
	double f;

	for (size_t k = 0; k < COUNT_OF(names); k++)
		if (value_is_text(text, names[k].text))
			return names[k].value;
	if (integer_of_text(r, text, 10, &i) == PARSED)
		return value_int(i);
	return float_of_text(r, text, &f) ? value_float(f) : (struct value){0};
}

/* These give what they are given: what they say counts at the end of a YAML's text, see native_value(). */
static bool filter_as(struct call *c)
{
	c->result = c->self;
	return true;
}

bool native_value(struct render *r, const struct expr *e, struct value v, struct value *out)
{
	const struct function *function = e->kind == EXPR_FILTER ? e->applied.function : NULL;
	bool boolean, number;

	*out = v;
	if (!function || function->call != filter_as)
		return true;
	if (!strcmp(function->name, "as_text"))
		return str_of(r, v, out);
	if (v.kind == VALUE_STRING) {
		struct value literal = literal_of(r, v);
		*out = value_given(literal) ? literal : v;
	}
	boolean = !strcmp(function->name, "as_bool");
	number = !strcmp(function->name, "as_number");
	r->at = e->at;
	if ((boolean && out->kind != VALUE_BOOL) ||
		(number && (!number_is(*out) || out->kind == VALUE_BOOL)))
		return render_fail(
			r, "Could not convert value into type '%s'", boolean ? "bool" : "number");
	return true;
}

static bool integer_of_float(struct call *c, double f, struct value otherwise)
{
	c->result = otherwise;
	if (isnan(f))
		return true;
	if (isinf(f))
		return c->self.kind == VALUE_STRING ||
		       render_fail(c->render, "cannot convert float infinity to integer");
	if (fabs(f) >= 0x1p63)
		return render_fail(c->render, "int: the number does not fit 64 bits");
	c->result = value_int((int64_t)f);
	return true;
}

static bool filter_int(struct call *c)
{
	struct value otherwise = value_given(c->arg[0]) ? c->arg[0] : value_int(0);
	int64_t base, i;
	double f;

	if (!call_integer(c, 1, 10, &base))
		return false;
	if (c->self.kind == VALUE_UNDEFINED)
		return fail_undefined(c->render, c->self);
	if (c->self.kind == VALUE_FLOAT)
		return integer_of_float(c, c->self.f, otherwise);
	if (integer_of(c->self, &i)) {
		c->result = value_int(i);
		return true;
	}
	c->result = otherwise;
	if (c->self.kind != VALUE_STRING)
		return true;
	enum parsed parsed = base < 0 || base == 1 || base > 36
				     ? PARSED_NOT
				     : integer_of_text(c->render, c->self, (int)base, &i);
	if (parsed == PARSED_TOO_LARGE)
		return render_fail(c->render, "int: the number does not fit 64 bits");
	if (parsed == PARSED)
		c->result = value_int(i);
	else if (float_of_text(c->render, c->self, &f))
		return integer_of_float(c, f, otherwise);
	return true;
}

static bool filter_float(struct call *c)
{
	double f = 0;

	if (c->self.kind == VALUE_UNDEFINED)
		return fail_undefined(c->render, c->self);
	bool ok = number_is(c->self);
	if (ok)
		f = number_float(c->self);
	else if (c->self.kind == VALUE_STRING)
		ok = float_of_text(c->render, c->self, &f);
	c->result = ok ? value_float(f) : value_given(c->arg[0]) ? c->arg[0] : value_float(0);
	return true;
}

static bool round_integer(struct call *c, int64_t i, int64_t precision)
{
	int64_t unit = 1;

	c->result = value_int(i);
	for (; precision < 0; precision++)
		if (__builtin_mul_overflow(unit, 10, &unit)) {
			c->result = value_int(0);
			return true;
		}
	/* To the even one of two that are as near. */
	int64_t rest = i % unit, half = unit / 2, down = i - rest,
		up = down + (i < 0 ? -unit : unit);
	if (unit == 1)
		return true;
	int64_t distance = rest < 0 ? -rest : rest;
	bool even = (down / unit) % 2 == 0;
	c->result = value_int(distance < half || (distance == half && even) ? down : up);
	return true;
}

static double round_float(double f, int64_t precision)
{
	char text[400];

	if (!isfinite(f) || precision > 300)
		return f;
	if (precision < -300)
		return 0;
	if (precision >= 0) {
		/* printf rounds the exact value, to even where it lies in the middle, as Python
		 * does. */
		if (fabs(f) > 1e22)
			return f;
		snprintf(text, sizeof text, "%.*f", (int)precision, f);
		return strtod(text, NULL);
	}
	double unit = pow(10, (double)-precision);
	return nearbyint(f / unit) * unit;
}

static bool filter_round(struct call *c)
{
	int64_t precision, i;
	struct value method = value_given(c->arg[1]) ? c->arg[1] : value_text("common");

	if (c->self.kind == VALUE_UNDEFINED)
		return fail_undefined(c->render, c->self);
	if (!call_integer(c, 0, 0, &precision))
		return false;
	bool common = value_is_text(method, "common"), up = value_is_text(method, "ceil");
	if (!common && !up && !value_is_text(method, "floor"))
		return render_fail(c->render, "method must be common, ceil or floor");
	if (!number_is(c->self))
		return render_fail(
			c->render, "type %s doesn't define __round__ method", value_type(c->self));
	if (common && integer_of(c->self, &i))
		return round_integer(c, i, precision);
	if (common) {
		c->result = value_float(round_float(c->self.f, precision));
		return true;
	}
	double unit = pow(10, (double)precision), scaled = number_float(c->self) * unit;
	c->result = value_float((up ? ceil(scaled) : floor(scaled)) / unit);
	return true;
}

/* JSON that is safe within HTML, as Jinja2's: < > & ' become escapes. */
static bool filter_tojson(struct call *c)
{
	static const struct {
		const char *from, *to;
	} unsafe[] = {{"<", "\\u003c"}, {">", "\\u003e"}, {"&", "\\u0026"}, {"'", "\\u0027"}};
	struct json_style style = {.sorted = true};
	int64_t indent = 0;
	struct buf b;

	if (c->arg[0].kind != VALUE_NONE && !call_integer(c, 0, 0, &indent))
		return false;
	style.indent = indent < 0 || indent > 100 ? 0 : (int)indent;
	render_buf(c->render, &b);
	bool ok = render_json(c->render, c->self, style, &b) && render_room(c->render, b.len);
	c->result = render_take(c->render, &b);
	for (size_t i = 0; ok && i < COUNT_OF(unsafe); i++)
		ok = text_replace(c->render, c->result, value_text(unsafe[i].from),
			value_text(unsafe[i].to), -1, &c->result);
	return ok;
}

static bool filter_attr(struct call *c)
{
	if (!call_wants(c, 0, VALUE_STRING))
		return false;
	const char *name = value_strdup(&c->render->arena, c->arg[0]);
	/* The entries of a dict are no attributes of it. */
	if (c->self.kind == VALUE_DICT && !builtin_method(c->self, name)) {
		struct value empty = value_dict(dict_new(&c->render->arena));
		return render_attribute(c->render, empty, name, &c->result);
	}
	return render_attribute(c->render, c->self, name, &c->result);
}

static const struct function table[] = {
	{"default", "default_value= boolean=", filter_default},
	{"d", "default_value= boolean=", filter_default},
	{"int", "default= base=", filter_int},
	{"float", "default=", filter_float},
	{"abs", "", filter_abs},
	{"round", "precision= method=", filter_round},
	{"tojson", "indent=", filter_tojson},
	{"attr", "name", filter_attr},
	{"as_bool", "", filter_as},
	{"as_number", "", filter_as},
	{"as_native", "", filter_as},
	{"as_text", "", filter_as},
	{"is_list", "", filter_is_list},
};
const struct functions filters_of_values = {table, COUNT_OF(table)};
