/* Methods of text, as Python's str has them; see builtins.h. */
#include "models/template/builtins.h"
#include "models/template/render.h"
#include "models/template/unicode.h"

static bool give(struct call *c, struct value v)
{
	c->result = v;
	return true;
}

static bool wants_text(struct call *c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!call_wants(c, i, VALUE_STRING))
			return false;
	return true;
}

static bool call_lower(struct call *c)
{
	return render_room(c->render, c->self.len) && give(c, lower_of(c->render, c->self));
}

static bool call_upper(struct call *c)
{
	return render_room(c->render, c->self.len) && give(c, upper_of(c->render, c->self));
}

static bool call_capitalize(struct call *c)
{
	return render_room(c->render, c->self.len) && give(c, capitalize_of(c->render, c->self));
}

/* A letter behind a letter gets the lower case, any other the upper one; swapcase turns each. */
static bool recase(struct call *c, bool swap)
{
	struct buf b;
	bool inside = false;
	size_t bytes;

	if (!render_room(c->render, c->self.len))
		return false;
	buf_init(&b, (size_t)c->self.len * 3 + 16);
	for (size_t at = 0; at < c->self.len; at += bytes) {
		uint32_t one = utf8_read(c->self.s + at, &bytes);
		if (swap ? unicode_is(one, UNICODE_UPPER) : inside)
			unicode_lower(one, &b);
		else
			unicode_upper(one, &b);
		inside = unicode_is(one, UNICODE_ALPHA);
	}
	return give(c, render_take(c->render, &b));
}

static bool call_title(struct call *c)
{
	return recase(c, false);
}

static bool call_swapcase(struct call *c)
{
	return recase(c, true);
}

static bool strip(struct call *c, bool left, bool right)
{
	if (c->arg[0].kind != VALUE_NONE && !call_wants(c, 0, VALUE_STRING))
		return false;
	return give(c, text_strip(c->self, c->arg[0], left, right));
}

static bool call_strip(struct call *c)
{
	return strip(c, true, true);
}

static bool call_lstrip(struct call *c)
{
	return strip(c, true, false);
}

static bool call_rstrip(struct call *c)
{
	return strip(c, false, true);
}

static bool call_replace(struct call *c)
{
	int64_t count;

	return wants_text(c, 2) && call_integer(c, 2, -1, &count) &&
	       text_replace(c->render, c->self, c->arg[0], c->arg[1], count, &c->result);
}

/* The part of self between the code points that two arguments count, in bytes. */
static bool part_of_self(struct call *c, size_t i, size_t *from, struct value *part)
{
	int64_t len = (int64_t)utf8_count(c->self.s, c->self.len), start = 0, end = len;

	if ((c->arg[i].kind != VALUE_NONE && !call_integer(c, i, 0, &start)) ||
		(c->arg[i + 1].kind != VALUE_NONE && !call_integer(c, i + 1, len, &end)))
		return false;
	start = start < 0 ? (start < -len ? 0 : start + len) : start;
	end = end < 0 ? (end < -len ? 0 : end + len) : end > len ? len : end;
	/* Past the end not even the empty text is found. */
	*from = start > end ? SIZE_MAX : utf8_offset(c->self.s, c->self.len, (size_t)start);
	if (*from == SIZE_MAX)
		*part = value_bytes("", 0);
	else
		*part = value_bytes(c->self.s + *from,
			utf8_offset(c->self.s, c->self.len, (size_t)end) - *from);
	return render_charge(c->render, c->self.len / 64);
}

static size_t find_last(struct value text, struct value needle)
{
	size_t last = SIZE_MAX;

	for (size_t at = text.len + 1; at-- > 0 && last == SIZE_MAX;)
		if (text.len - at >= needle.len && !memcmp(text.s + at, needle.s, needle.len))
			last = at;
	return last;
}

static bool find(struct call *c, bool last, bool must)
{
	struct value part;
	size_t from;

	if (!wants_text(c, 1) || !part_of_self(c, 1, &from, &part))
		return false;
	size_t at = from == SIZE_MAX ? SIZE_MAX
		    : last           ? find_last(part, c->arg[0])
				     : text_find(part, c->arg[0], 0);
	if (at == SIZE_MAX && must)
		return render_fail(c->render, "substring not found");
	return give(c, value_int(at == SIZE_MAX ? -1 : (int64_t)utf8_count(c->self.s, from + at)));
}

static bool call_find(struct call *c)
{
	return find(c, false, false);
}

static bool call_rfind(struct call *c)
{
	return find(c, true, false);
}

static bool call_index(struct call *c)
{
	return find(c, false, true);
}

static bool call_rindex(struct call *c)
{
	return find(c, true, true);
}

static bool call_count(struct call *c)
{
	struct value part;
	size_t from, at = 0;
	int64_t n = 0;

	if (!wants_text(c, 1) || !part_of_self(c, 1, &from, &part))
		return false;
	if (!c->arg[0].len)
		return give(c,
			value_int(
				from == SIZE_MAX ? 0 : (int64_t)utf8_count(part.s, part.len) + 1));
	while ((at = text_find(part, c->arg[0], at)) != SIZE_MAX) {
		at += c->arg[0].len;
		n++;
	}
	return give(c, value_int(n));
}

static bool touches(struct value text, struct value part, bool end)
{
	return part.len <= text.len &&
	       !memcmp(text.s + (end ? text.len - part.len : 0), part.s, part.len);
}

/* One text, or a tuple of those of which one will do. */
static bool affix(struct call *c, bool end)
{
	struct value part, wanted = c->arg[0];
	size_t from;

	if (!part_of_self(c, 1, &from, &part))
		return false;
	c->result = value_bool(false);
	if (wanted.kind != VALUE_TUPLE) {
		c->result.b = from != SIZE_MAX && wanted.kind == VALUE_STRING &&
			      touches(part, wanted, end);
		return call_wants(c, 0, VALUE_STRING);
	}
	for (size_t i = 0; i < wanted.list->len; i++) {
		if (wanted.list->items[i].kind != VALUE_STRING)
			return render_fail(c->render, "tuple for %s must only contain str, not %s",
				c->function->name, value_type(wanted.list->items[i]));
		c->result.b |= from != SIZE_MAX && touches(part, wanted.list->items[i], end);
	}
	return true;
}

static bool call_startswith(struct call *c)
{
	return affix(c, false);
}

static bool call_endswith(struct call *c)
{
	return affix(c, true);
}

static bool call_removeprefix(struct call *c)
{
	if (!wants_text(c, 1))
		return false;
	size_t n = touches(c->self, c->arg[0], false) ? c->arg[0].len : 0;
	return give(c, value_bytes(c->self.s + n, c->self.len - n));
}

static bool call_removesuffix(struct call *c)
{
	if (!wants_text(c, 1))
		return false;
	size_t n = touches(c->self, c->arg[0], true) ? c->arg[0].len : 0;
	return give(c, value_bytes(c->self.s, c->self.len - n));
}

static bool join(struct call *c, struct buf *out)
{
	struct iterator *it;
	struct value item;
	enum next next;
	size_t n = 0;

	if (c->arg[0].kind == VALUE_UNDEFINED)
		return true;
	if (!iterate_open(c->render, c->arg[0], &it))
		return false;
	while ((next = iterate_next(c->render, it, &item)) == NEXT_ITEM) {
		if (item.kind != VALUE_STRING)
			return render_fail(c->render,
				"sequence item %zu: expected str instance, %s found; |join takes "
				"anything",
				n, value_type(item));
		if ((n++ && !render_append(c->render, out, c->self.s, c->self.len)) ||
			!render_append(c->render, out, item.s, item.len))
			return false;
	}
	return next == NEXT_END && render_room(c->render, out->len);
}

static bool call_join(struct call *c)
{
	struct buf out;

	render_buf(c->render, &out);
	bool ok = join(c, &out);
	if (ok)
		c->result = render_take(c->render, &out);
	buf_release(&out);
	return ok;
}

static void add_part(struct call *c, struct list *parts, size_t from, size_t to)
{
	list_append(&c->render->arena, parts, value_bytes(c->self.s + from, to - from));
}

/* At runs of space, none at either end. */
static struct list *split_at_space(struct call *c, int64_t most)
{
	struct list *parts = list_new(&c->render->arena, 0);
	struct value s = c->self;
	size_t at = space_before(s.s, s.len), bytes;

	while (at < s.len) {
		size_t start = at;
		if (most-- == 0) {
			add_part(c, parts, start, s.len);
			break;
		}
		while (at < s.len && !unicode_is(utf8_read(s.s + at, &bytes), UNICODE_SPACE))
			at += bytes;
		add_part(c, parts, start, at);
		at += space_before(s.s + at, s.len - at);
	}
	return parts;
}

static struct list *split_at(struct call *c, struct value separator, int64_t most)
{
	struct list *parts = list_new(&c->render->arena, 0);
	size_t at = 0, found;

	for (; most != 0 && (found = text_find(c->self, separator, at)) != SIZE_MAX; most--) {
		add_part(c, parts, at, found);
		at = found + separator.len;
	}
	add_part(c, parts, at, c->self.len);
	return parts;
}

/* What split gives without a limit, but for all before the last `most` separators: it stays
 * whole. */
static struct list *join_first(struct call *c, const struct list *all, int64_t most)
{
	struct list *parts = list_new(&c->render->arena, 0);
	size_t kept = all->len - 1 - (size_t)most;
	struct value last = all->items[kept];
	const char *start = c->self.s;

	list_append(
		&c->render->arena, parts, value_bytes(start, (size_t)(last.s + last.len - start)));
	for (size_t i = kept + 1; i < all->len; i++)
		list_append(&c->render->arena, parts, all->items[i]);
	return parts;
}

static bool split(struct call *c, bool from_right)
{
	bool space = !value_given(c->arg[0]) || c->arg[0].kind == VALUE_NONE;
	int64_t most;

	if ((!space && !wants_text(c, 1)) || !call_integer(c, 1, -1, &most) ||
		!render_charge(c->render, c->self.len / 16))
		return false;
	if (!space && !c->arg[0].len)
		return render_fail(c->render, "empty separator");
	int64_t limit = from_right || most < 0 ? -1 : most;
	struct list *parts = space ? split_at_space(c, limit) : split_at(c, c->arg[0], limit);
	if (from_right && most >= 0 && (int64_t)parts->len > most)
		parts = join_first(c, parts, most);
	return give(c, value_list(parts));
}

static bool call_split(struct call *c)
{
	return split(c, false);
}

static bool call_rsplit(struct call *c)
{
	return split(c, true);
}

static bool call_splitlines(struct call *c)
{
	return render_charge(c->render, c->self.len / 16) &&
	       give(c, value_list(text_lines(c->render, c->self, value_truth(c->arg[0]))));
}

/* Before, separator, after; all before (or after) and two empty ones when it is not found. */
static bool partition(struct call *c, bool last)
{
	struct list *parts = list_new(&c->render->arena, 3);

	if (!wants_text(c, 1))
		return false;
	if (!c->arg[0].len)
		return render_fail(c->render, "empty separator");
	size_t at = last ? find_last(c->self, c->arg[0]) : text_find(c->self, c->arg[0], 0);
	size_t len = at == SIZE_MAX ? 0 : c->arg[0].len;
	if (at == SIZE_MAX)
		at = last ? 0 : c->self.len;
	add_part(c, parts, 0, at);
	add_part(c, parts, at, at + len);
	add_part(c, parts, at + len, c->self.len);
	return give(c, value_tuple(parts));
}

static bool call_partition(struct call *c)
{
	return partition(c, false);
}

static bool call_rpartition(struct call *c)
{
	return partition(c, true);
}

static bool pad(struct call *c, enum pad where)
{
	int64_t width;
	size_t bytes = 1;
	uint32_t fill = ' ';

	if (!call_integer(c, 0, 0, &width) || !call_wants(c, 1, VALUE_STRING))
		return false;
	if (value_given(c->arg[1]) && c->arg[1].len)
		fill = utf8_read(c->arg[1].s, &bytes);
	if (value_given(c->arg[1]) && c->arg[1].len != bytes)
		return render_fail(
			c->render, "The fill character must be exactly one character long");
	return text_pad(c->render, c->self, fill, width, where, &c->result);
}

static bool call_ljust(struct call *c)
{
	return pad(c, PAD_RIGHT);
}

static bool call_rjust(struct call *c)
{
	return pad(c, PAD_LEFT);
}

static bool call_center(struct call *c)
{
	return pad(c, PAD_CENTER);
}

/* Zeros go between the sign and the digits. */
static bool call_zfill(struct call *c)
{
	struct value sign = value_bytes(c->self.s, 0), digits = c->self;
	int64_t width;

	if (!call_integer(c, 0, 0, &width))
		return false;
	if (digits.len && (*digits.s == '-' || *digits.s == '+')) {
		sign.len = 1;
		digits = value_bytes(digits.s + 1, digits.len - 1);
	}
	return text_pad(c->render, digits, '0', width - sign.len, PAD_LEFT, &digits) &&
	       operate(c->render, OP_ADD, sign, digits, &c->result);
}

static bool call_format(struct call *c)
{
	return format_braces(c->render, c->self, &c->more, &c->result);
}

static const struct function table[] = {
	{"lower", "", call_lower},
	{"casefold", "", call_lower},
	{"upper", "", call_upper},
	{"capitalize", "", call_capitalize},
	{"title", "", call_title},
	{"swapcase", "", call_swapcase},
	{"strip", "chars=", call_strip},
	{"lstrip", "chars=", call_lstrip},
	{"rstrip", "chars=", call_rstrip},
	{"replace", "old new count=", call_replace},
	{"find", "sub start= end=", call_find},
	{"rfind", "sub start= end=", call_rfind},
	{"index", "sub start= end=", call_index},
	{"rindex", "sub start= end=", call_rindex},
	{"count", "sub start= end=", call_count},
	{"startswith", "prefix start= end=", call_startswith},
	{"endswith", "suffix start= end=", call_endswith},
	{"removeprefix", "prefix", call_removeprefix},
	{"removesuffix", "suffix", call_removesuffix},
	{"join", "iterable", call_join},
	{"split", "sep= maxsplit=", call_split},
	{"rsplit", "sep= maxsplit=", call_rsplit},
	{"splitlines", "keepends=", call_splitlines},
	{"partition", "sep", call_partition},
	{"rpartition", "sep", call_rpartition},
	{"ljust", "width fillchar=", call_ljust},
	{"rjust", "width fillchar=", call_rjust},
	{"center", "width fillchar=", call_center},
	{"zfill", "width", call_zfill},
	{"format", "* **", call_format},
};
const struct functions methods_of_text = {table, COUNT_OF(table)};
