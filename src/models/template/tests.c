/* What follows `is`; see builtins.h. */
#include "models/template/builtins.h"
#include "models/template/render.h"
#include "models/template/unicode.h"

static bool is(struct call *c, bool holds)
{
	c->result = value_bool(holds);
	return true;
}

static bool remainder_is(struct call *c, int64_t by, int64_t wanted)
{
	struct value rest;

	if (!operate(c->render, OP_MOD, c->self, value_int(by), &rest))
		return false;
	return is(c, number_is(rest) && number_compare(rest, value_int(wanted)) == 0);
}

static bool test_odd(struct call *c)
{
	return remainder_is(c, 2, 1);
}

static bool test_even(struct call *c)
{
	return remainder_is(c, 2, 0);
}

static bool test_divisibleby(struct call *c)
{
	struct value rest;

	if (!operate(c->render, OP_MOD, c->self, c->arg[0], &rest))
		return false;
	return is(c, number_is(rest) && !value_truth(rest));
}

static bool test_defined(struct call *c)
{
	return is(c, c->self.kind != VALUE_UNDEFINED);
}

static bool test_undefined(struct call *c)
{
	return is(c, c->self.kind == VALUE_UNDEFINED);
}

static bool test_filter(struct call *c)
{
	return is(c, c->self.kind == VALUE_STRING &&
			     builtin_filter(value_strdup(&c->render->arena, c->self)));
}

static bool test_test(struct call *c)
{
	return is(c, c->self.kind == VALUE_STRING &&
			     builtin_test(value_strdup(&c->render->arena, c->self)));
}

static bool test_none(struct call *c)
{
	return is(c, c->self.kind == VALUE_NONE);
}

static bool test_boolean(struct call *c)
{
	return is(c, c->self.kind == VALUE_BOOL);
}

static bool test_false(struct call *c)
{
	return is(c, c->self.kind == VALUE_BOOL && !c->self.b);
}

static bool test_true(struct call *c)
{
	return is(c, c->self.kind == VALUE_BOOL && c->self.b);
}

static bool test_integer(struct call *c)
{
	return is(c, c->self.kind == VALUE_INT);
}

static bool test_float(struct call *c)
{
	return is(c, c->self.kind == VALUE_FLOAT);
}

static bool test_number(struct call *c)
{
	return is(c, number_is(c->self));
}

static bool test_string(struct call *c)
{
	return is(c, c->self.kind == VALUE_STRING);
}

static bool test_mapping(struct call *c)
{
	return is(c, c->self.kind == VALUE_DICT ||
			     (c->self.kind == VALUE_OBJECT && c->self.object->ops->is_mapping));
}

static bool test_sequence(struct call *c)
{
	return is(c, c->self.kind == VALUE_UNDEFINED ||
			     (c->self.kind >= VALUE_STRING && c->self.kind <= VALUE_RANGE) ||
			     value_items(c->self));
}

static bool test_iterable(struct call *c)
{
	return is(c, has_length(c->self) || c->self.kind == VALUE_ITERATOR);
}

static bool test_callable(struct call *c)
{
	return is(c, c->self.kind == VALUE_CALLABLE || c->self.kind == VALUE_UNDEFINED ||
			     (c->self.kind == VALUE_OBJECT && c->self.object->ops->call));
}

static bool test_escaped(struct call *c)
{
	return is(c, false);
}

/* Some letters, and all of them of that case. */
static bool has_case(struct call *c, enum unicode_class wanted, enum unicode_class other)
{
	struct value text;
	bool some = false;
	size_t bytes;

	if (!str_of(c->render, c->self, &text))
		return false;
	for (size_t at = 0; at < text.len; at += bytes) {
		uint32_t one = utf8_read(text.s + at, &bytes);
		if (unicode_is(one, other))
			return is(c, false);
		some |= unicode_is(one, wanted);
	}
	return is(c, some);
}

static bool test_lower(struct call *c)
{
	return has_case(c, UNICODE_LOWER, UNICODE_UPPER);
}

static bool test_upper(struct call *c)
{
	return has_case(c, UNICODE_UPPER, UNICODE_LOWER);
}

/* Small values are the same when they are equal; lists and dicts when they are one. */
static bool test_sameas(struct call *c)
{
	struct value a = c->self, b = c->arg[0];
	bool equal;

	if (a.kind != b.kind)
		return is(c, false);
	if (a.kind > VALUE_STRING)
		return is(c, a.object == b.object);
	return render_equal(c->render, a, b, &equal) && is(c, equal);
}

static bool test_in(struct call *c)
{
	bool holds;
	return contains(c->render, c->arg[0], c->self, &holds) && is(c, holds);
}

static bool holds(struct call *c, enum operation operation)
{
	bool result;
	return compare(c->render, operation, c->self, c->arg[0], &result) && is(c, result);
}

static bool test_eq(struct call *c)
{
	return holds(c, OP_EQ);
}

static bool test_ne(struct call *c)
{
	return holds(c, OP_NE);
}

static bool test_lt(struct call *c)
{
	return holds(c, OP_LT);
}

static bool test_le(struct call *c)
{
	return holds(c, OP_LE);
}

static bool test_gt(struct call *c)
{
	return holds(c, OP_GT);
}

static bool test_ge(struct call *c)
{
	return holds(c, OP_GE);
}

static const struct function table[] = {
	{"odd", "", test_odd},
	{"even", "", test_even},
	{"divisibleby", "num", test_divisibleby},
	{"defined", "", test_defined},
	{"undefined", "", test_undefined},
	{"filter", "", test_filter},
	{"test", "", test_test},
	{"none", "", test_none},
	{"boolean", "", test_boolean},
	{"false", "", test_false},
	{"true", "", test_true},
	{"integer", "", test_integer},
	{"float", "", test_float},
	{"lower", "", test_lower},
	{"upper", "", test_upper},
	{"string", "", test_string},
	{"mapping", "", test_mapping},
	{"number", "", test_number},
	{"sequence", "", test_sequence},
	{"iterable", "", test_iterable},
	{"callable", "", test_callable},
	{"sameas", "other", test_sameas},
	{"escaped", "", test_escaped},
	{"in", "seq", test_in},
	{"==", "other", test_eq},
	{"eq", "other", test_eq},
	{"equalto", "other", test_eq},
	{"!=", "other", test_ne},
	{"ne", "other", test_ne},
	{">", "other", test_gt},
	{"gt", "other", test_gt},
	{"greaterthan", "other", test_gt},
	{">=", "other", test_ge},
	{"ge", "other", test_ge},
	{"<", "other", test_lt},
	{"lt", "other", test_lt},
	{"lessthan", "other", test_lt},
	{"<=", "other", test_le},
	{"le", "other", test_le},
};
const struct functions tests = {table, COUNT_OF(table)};
