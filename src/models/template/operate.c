/* Arithmetic, comparisons and `in`, with Python's rules for mixed numbers, floors and errors. */
#include <math.h>
#include "models/template/render.h"

double number_float(struct value v)
{
	return v.kind == VALUE_FLOAT ? v.f : v.kind == VALUE_BOOL ? (double)v.b : (double)v.i;
}

bool integer_of(struct value v, int64_t *out)
{
	if (v.kind != VALUE_INT && v.kind != VALUE_BOOL)
		return false;
	*out = v.kind == VALUE_BOOL ? v.b : v.i;
	return true;
}

int number_compare(struct value a, struct value b)
{
	int64_t i, j;

	if (integer_of(a, &i) && integer_of(b, &j))
		return (i > j) - (i < j);
	/* A long double holds every int64 and every double. */
	long double x = a.kind == VALUE_FLOAT  ? (long double)a.f
			: a.kind == VALUE_BOOL ? a.b
					       : (long double)a.i;
	long double y = b.kind == VALUE_FLOAT  ? (long double)b.f
			: b.kind == VALUE_BOOL ? b.b
					       : (long double)b.i;
	if (isnan(x) || isnan(y))
		return UNORDERED;
	return (x > y) - (x < y);
}

static const char *const symbols[] = {[OP_ADD] = "+",
	[OP_SUB] = "-",
	[OP_MUL] = "*",
	[OP_DIV] = "/",
	[OP_FLOORDIV] = "//",
	[OP_MOD] = "%",
	[OP_POW] = "** or pow()",
	[OP_EQ] = "==",
	[OP_NE] = "!=",
	[OP_LT] = "<",
	[OP_LE] = "<=",
	[OP_GT] = ">",
	[OP_GE] = ">=",
	[OP_IN] = "in",
	[OP_NOT_IN] = "not in"};

static bool fail_types(struct render *r, enum operation operation, struct value a, struct value b)
{
	if (operation == OP_ADD &&
		(a.kind == VALUE_STRING || a.kind == VALUE_LIST || a.kind == VALUE_TUPLE)) {
		const char *type = value_type(a);
		return render_fail(r,
			"can only concatenate %s (not \"%s\") to %s; ~ joins anything as text",
			type, value_type(b), type);
	}
	return render_fail(r, "unsupported operand type(s) for %s: '%s' and '%s'",
		symbols[operation], value_type(a), value_type(b));
}

static bool fail_overflow(struct render *r)
{
	return render_fail(
		r, "integer overflow: numbers have 64 bits here; use floats or let SQL compute");
}

static bool power(struct render *r, int64_t base, int64_t exponent, struct value *out)
{
	int64_t result = 1;

	if (exponent < 0) {
		if (!base)
			return render_fail(r, "0.0 cannot be raised to a negative power");
		*out = value_float(pow((double)base, (double)exponent));
		return true;
	}
	while (exponent > 0) {
		if (exponent & 1 && __builtin_mul_overflow(result, base, &result))
			return fail_overflow(r);
		exponent >>= 1;
		if (exponent && __builtin_mul_overflow(base, base, &base))
			return fail_overflow(r);
	}
	*out = value_int(result);
	return true;
}

static bool divide_whole(
	struct render *r, enum operation operation, int64_t a, int64_t b, struct value *out)
{
	if (!b)
		return render_fail(r, "integer division or modulo by zero");
	if (b == -1) {
		if (operation == OP_FLOORDIV && a == INT64_MIN)
			return fail_overflow(r);
		*out = value_int(operation == OP_MOD ? 0 : -a);
		return true;
	}
	int64_t quotient = a / b, rest = a % b;
	if (rest && (rest < 0) != (b < 0)) {
		quotient--;
		rest += b;
	}
	*out = value_int(operation == OP_MOD ? rest : quotient);
	return true;
}

static bool operate_integers(
	struct render *r, enum operation operation, int64_t a, int64_t b, struct value *out)
{
	int64_t result = 0;
	bool overflow = false;

	if (operation == OP_POW)
		return power(r, a, b, out);
	if (operation == OP_MOD || operation == OP_FLOORDIV)
		return divide_whole(r, operation, a, b, out);
	if (operation == OP_DIV) {
		if (!b)
			return render_fail(r, "division by zero");
		*out = value_float((double)((long double)a / (long double)b));
		return true;
	}
	if (operation == OP_ADD)
		overflow = __builtin_add_overflow(a, b, &result);
	else if (operation == OP_SUB)
		overflow = __builtin_sub_overflow(a, b, &result);
	else
		overflow = __builtin_mul_overflow(a, b, &result);
	*out = value_int(result);
	return !overflow || fail_overflow(r);
}

static double modulo(double a, double b)
{
	double rest = fmod(a, b);

	if (rest && (rest < 0) != (b < 0))
		rest += b;
	return rest ? rest : copysign(0, b);
}

static double floor_divide(double a, double b)
{
	double quotient = (a - modulo(a, b)) / b;
	double floored = floor(quotient);

	if (quotient - floored > 0.5)
		floored += 1;
	return quotient ? floored : copysign(0, a / b);
}

static bool operate_floats(
	struct render *r, enum operation operation, double a, double b, struct value *out)
{
	if (!b && (operation == OP_DIV || operation == OP_FLOORDIV || operation == OP_MOD))
		return render_fail(r, operation == OP_DIV   ? "float division by zero"
				      : operation == OP_MOD ? "float modulo"
							    : "float floor division by zero");
	if (operation == OP_POW && !a && b < 0)
		return render_fail(r, "0.0 cannot be raised to a negative power");
	if (operation == OP_POW && a < 0 && isfinite(a) && isfinite(b) && b != floor(b))
		return render_fail(r, "the power of a negative number has no real value");
	if (operation == OP_ADD)
		a += b;
	else if (operation == OP_SUB)
		a -= b;
	else if (operation == OP_MUL)
		a *= b;
	else if (operation == OP_DIV)
		a /= b;
	else if (operation == OP_FLOORDIV)
		a = floor_divide(a, b);
	else
		a = operation == OP_MOD ? modulo(a, b) : pow(a, b);
	*out = value_float(a);
	return true;
}

static bool repeat(struct render *r, struct value v, int64_t times, struct value *out)
{
	size_t one = v.kind == VALUE_STRING ? v.len : v.list->len, total;
	size_t size = v.kind == VALUE_STRING ? 1 : sizeof(struct value);

	if (times < 0)
		times = 0;
	if (__builtin_mul_overflow(one, (size_t)times, &total) ||
		total > r->limits.max_bytes / size)
		total = SIZE_MAX / size;
	if (!render_room(r, total * size))
		return false;
	if (v.kind == VALUE_STRING) {
		char *text = arena_alloc(&r->arena, total + 1);
		for (size_t at = 0; at < total; at += one)
			memcpy(text + at, v.s, one);
		*out = value_bytes(text, total);
		return true;
	}
	struct list *list = list_new(&r->arena, total);
	while (list->len < total)
		list_append(&r->arena, list, v.list->items[list->len % one]);
	*out = v.kind == VALUE_LIST ? value_list(list) : value_tuple(list);
	return true;
}

static bool join_texts(struct render *r, struct value a, struct value b, struct value *out)
{
	if (!render_room(r, (size_t)a.len + b.len))
		return false;
	char *text = arena_alloc(&r->arena, (size_t)a.len + b.len + 1);
	memcpy(text, a.s, a.len);
	memcpy(text + a.len, b.s, b.len);
	*out = value_bytes(text, (size_t)a.len + b.len);
	return true;
}

static bool join_lists(struct render *r, struct value a, struct value b, struct value *out)
{
	size_t len = a.list->len + b.list->len;

	if (!render_room(r, len * sizeof(struct value)))
		return false;
	struct list *list = list_new(&r->arena, len);
	for (size_t i = 0; i < len; i++)
		list_append(&r->arena, list,
			i < a.list->len ? a.list->items[i] : b.list->items[i - a.list->len]);
	*out = a.kind == VALUE_LIST ? value_list(list) : value_tuple(list);
	return true;
}

/* What objects make of + and -; *out is absent where they make nothing. */
static bool add_objects(struct render *r, enum operation operation, struct value a, struct value b,
	struct value *out)
{
	const struct value of = a.kind == VALUE_OBJECT ? a : b;

	*out = (struct value){0};
	if (of.kind != VALUE_OBJECT || !of.object->ops->add ||
		(operation != OP_ADD && operation != OP_SUB))
		return true;
	return of.object->ops->add(r, a, b, operation == OP_SUB, out);
}

static bool is_repeatable(struct value v)
{
	return v.kind == VALUE_STRING || v.kind == VALUE_LIST || v.kind == VALUE_TUPLE;
}

bool operate(struct render *r, enum operation operation, struct value a, struct value b,
	struct value *out)
{
	int64_t i, j;

	if (operation == OP_MOD && a.kind == VALUE_STRING)
		return format_percent(r, a, b, out);
	if (a.kind == VALUE_UNDEFINED || b.kind == VALUE_UNDEFINED)
		return fail_undefined(r, a.kind == VALUE_UNDEFINED ? a : b);
	if (integer_of(a, &i) && integer_of(b, &j))
		return operate_integers(r, operation, i, j, out);
	if (number_is(a) && number_is(b))
		return operate_floats(r, operation, number_float(a), number_float(b), out);
	if (operation == OP_MUL && is_repeatable(a) && integer_of(b, &i))
		return repeat(r, a, i, out);
	if (operation == OP_MUL && is_repeatable(b) && integer_of(a, &i))
		return repeat(r, b, i, out);
	if (!add_objects(r, operation, a, b, out))
		return false;
	if (value_given(*out))
		return true;
	if (operation != OP_ADD || a.kind != b.kind || !is_repeatable(a))
		return fail_types(r, operation, a, b);
	return a.kind == VALUE_STRING ? join_texts(r, a, b, out) : join_lists(r, a, b, out);
}

bool eval_arithmetic(struct render *r, const struct expr *e, struct value *out)
{
	struct value left, right;

	if (!eval(r, e->binary.left, &left) || !eval(r, e->binary.right, &right))
		return false;
	r->at = e->at;
	return operate(r, e->binary.operation, left, right, out);
}

static bool equal_lists(struct render *r, const struct list *a, const struct list *b, bool *equal)
{
	*equal = a->len == b->len;
	for (size_t i = 0; *equal && i < a->len && i < b->len; i++)
		if (!render_equal(r, a->items[i], b->items[i], equal))
			return false;
	return true;
}

static bool equal_dicts(struct render *r, const struct dict *a, const struct dict *b, bool *equal)
{
	size_t i = 0;

	*equal = a->len == b->len;
	for (struct dict_entry *entry; *equal && (entry = dict_next(a, &i));) {
		struct value *other = dict_find(b, entry->key);
		*equal = other;
		if (other && !render_equal(r, entry->value, *other, equal))
			return false;
	}
	return true;
}

static bool equal_inside(struct render *r, struct value a, struct value b, bool *equal)
{
	int c;

	switch (a.kind) {
	case VALUE_LIST:
	case VALUE_TUPLE: return equal_lists(r, a.list, b.list, equal);
	case VALUE_DICT: return equal_dicts(r, a.dict, b.dict, equal);
	case VALUE_STRING: *equal = a.len == b.len && !memcmp(a.s, b.s, a.len); break;
	case VALUE_RANGE:
		*equal = a.range->len == b.range->len &&
			 (!a.range->len || a.range->start == b.range->start) &&
			 (a.range->len < 2 || a.range->step == b.range->step);
		break;
	case VALUE_ABSENT:
	case VALUE_UNDEFINED:
	case VALUE_NONE:
	case VALUE_BOOL:
	case VALUE_INT:
	case VALUE_FLOAT: *equal = true; break;
	case VALUE_VIEW:
	case VALUE_ITERATOR:
	case VALUE_CALLABLE: *equal = a.callable == b.callable; break;
	case VALUE_OBJECT:
		object_order(a.object, b.object, &c);
		*equal = !c;
		break;
	}
	return true;
}

bool render_equal(struct render *r, struct value a, struct value b, bool *equal)
{
	if (number_is(a) && number_is(b)) {
		*equal = number_compare(a, b) == 0;
		return true;
	}
	*equal = false;
	if (a.kind != b.kind)
		return true;
	if (!render_enter(r))
		return false;
	bool ok = render_charge(r, 1) && equal_inside(r, a, b, equal);
	render_leave(r);
	return ok;
}

static bool order(
	struct render *r, enum operation operation, struct value a, struct value b, int *out);

/* As the first items that differ, or the lengths. */
static bool order_lists(struct render *r, enum operation operation, const struct list *a,
	const struct list *b, int *out)
{
	bool equal = true;

	for (size_t i = 0; i < a->len && i < b->len; i++) {
		if (!render_equal(r, a->items[i], b->items[i], &equal))
			return false;
		if (!equal)
			return order(r, operation, a->items[i], b->items[i], out);
	}
	*out = (a->len > b->len) - (a->len < b->len);
	return true;
}

static int order_texts(struct value a, struct value b)
{
	int c = memcmp(a.s, b.s, a.len < b.len ? a.len : b.len);
	return c ? c : (a.len > b.len) - (a.len < b.len);
}

static bool order(
	struct render *r, enum operation operation, struct value a, struct value b, int *out)
{
	if (a.kind == VALUE_UNDEFINED || b.kind == VALUE_UNDEFINED)
		return fail_undefined(r, a.kind == VALUE_UNDEFINED ? a : b);
	if (number_is(a) && number_is(b)) {
		*out = number_compare(a, b);
		return true;
	}
	if (a.kind == VALUE_STRING && b.kind == VALUE_STRING) {
		*out = order_texts(a, b);
		return true;
	}
	if (a.kind == VALUE_OBJECT && b.kind == VALUE_OBJECT && a.object->ops->key &&
		object_order(a.object, b.object, out))
		return true;
	if (a.kind != b.kind || (a.kind != VALUE_LIST && a.kind != VALUE_TUPLE))
		return render_fail(r, "'%s' not supported between instances of '%s' and '%s'",
			symbols[operation], value_type(a), value_type(b));
	if (!render_enter(r))
		return false;
	bool ok = order_lists(r, operation, a.list, b.list, out);
	render_leave(r);
	return ok;
}

bool less(struct render *r, struct value a, struct value b, bool *out)
{
	int c;

	if (!order(r, OP_LT, a, b, &c))
		return false;
	*out = c < 0;
	return true;
}

size_t text_find(struct value haystack, struct value needle, size_t from)
{
	if (from > haystack.len || needle.len > haystack.len - from)
		return SIZE_MAX;
	const char *found = memmem(haystack.s + from, haystack.len - from, needle.s, needle.len);
	return found ? (size_t)(found - haystack.s) : SIZE_MAX;
}

bool contains(struct render *r, struct value in, struct value item, bool *out)
{
	struct iterator *it;
	struct value one;
	enum next next;

	if (in.kind == VALUE_STRING) {
		if (item.kind == VALUE_UNDEFINED)
			return fail_undefined(r, item);
		if (item.kind != VALUE_STRING)
			return render_fail(r,
				"'in <string>' requires string as left operand, not %s",
				value_type(item));
		*out = text_find(in, item, 0) != SIZE_MAX;
		return render_charge(r, in.len / 64);
	}
	if (in.kind == VALUE_DICT || (in.kind == VALUE_VIEW && in.view->of == VIEW_KEYS)) {
		if (!value_is_key(item))
			return render_fail(r, "unhashable type: '%s'", value_type(item));
		*out = dict_find(in.kind == VALUE_DICT ? in.dict : in.view->dict, item);
		return true;
	}
	if (in.kind != VALUE_UNDEFINED && !has_length(in) && in.kind != VALUE_ITERATOR)
		return render_fail(r, "argument of type '%s' is not iterable", value_type(in));
	*out = false;
	if (!iterate_open(r, in, &it))
		return false;
	while (!*out && (next = iterate_next(r, it, &one)) != NEXT_END)
		if (next == NEXT_FAILED || !render_equal(r, one, item, out))
			return false;
	return true;
}

bool compare(struct render *r, enum operation operation, struct value a, struct value b, bool *out)
{
	int c;

	if (operation == OP_EQ || operation == OP_NE) {
		if (!render_equal(r, a, b, out))
			return false;
		*out = *out == (operation == OP_EQ);
		return true;
	}
	if (operation == OP_IN || operation == OP_NOT_IN) {
		if (!contains(r, b, a, out))
			return false;
		*out = *out == (operation == OP_IN);
		return true;
	}
	if (!order(r, operation, a, b, &c))
		return false;
	bool below = c<0, above = c> 0 && c != UNORDERED;
	*out = operation == OP_LT   ? below
	       : operation == OP_GT ? above
	       : operation == OP_LE ? below || c == 0
				    : above || c == 0;
	return true;
}

bool eval_compare(struct render *r, const struct expr *e, struct value *out)
{
	struct value left, right;
	bool holds = true;

	if (!eval(r, e->compare.first, &left))
		return false;
	for (size_t i = 0; holds && i < e->compare.n; i++) {
		if (!eval(r, e->compare.rest[i].right, &right))
			return false;
		r->at = e->at;
		if (!compare(r, e->compare.rest[i].operation, left, right, &holds))
			return false;
		left = right;
	}
	*out = value_bool(holds);
	return true;
}
