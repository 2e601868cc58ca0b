/* Filters of text; see builtins.h. What they are applied to becomes text first, as str() does
 * it. */
#include "models/template/builtins.h"
#include "models/template/render.h"
#include "models/template/unicode.h"

static bool self_text(struct call *c, struct value *text)
{
	return str_of(c->render, c->self, text);
}

static bool filter_string(struct call *c)
{
	return self_text(c, &c->result);
}

static bool filter_lower(struct call *c)
{
	struct value text;

	if (!self_text(c, &text) || !render_room(c->render, text.len))
		return false;
	c->result = lower_of(c->render, text);
	return true;
}

static bool filter_upper(struct call *c)
{
	struct value text;

	if (!self_text(c, &text) || !render_room(c->render, text.len))
		return false;
	c->result = upper_of(c->render, text);
	return true;
}

static bool filter_capitalize(struct call *c)
{
	struct value text;

	if (!self_text(c, &text) || !render_room(c->render, text.len))
		return false;
	c->result = capitalize_of(c->render, text);
	return true;
}

/* Words begin behind spaces, hyphens and opening brackets. */
static bool filter_title(struct call *c)
{
	struct value text;
	struct buf b;
	bool start = true;
	size_t bytes;

	if (!self_text(c, &text) || !render_room(c->render, text.len))
		return false;
	buf_init(&b, (size_t)text.len * 3 + 16);
	for (size_t at = 0; at < text.len; at += bytes) {
		uint32_t one = utf8_read(text.s + at, &bytes);
		if (start)
			unicode_upper(one, &b);
		else
			unicode_lower(one, &b);
		start = unicode_is(one, UNICODE_SPACE) ||
			(one && one < 0x80 && strchr("-({[<", (char)one));
	}
	c->result = render_take(c->render, &b);
	return true;
}

static bool filter_trim(struct call *c)
{
	struct value text;

	if (!self_text(c, &text))
		return false;
	if (c->arg[0].kind != VALUE_NONE && !call_wants(c, 0, VALUE_STRING))
		return false;
	c->result = text_strip(text, c->arg[0], true, true);
	return true;
}

static bool filter_replace(struct call *c)
{
	struct value text, from, to;
	int64_t count = -1;

	if (c->arg[2].kind != VALUE_NONE && !call_integer(c, 2, -1, &count))
		return false;
	return self_text(c, &text) && str_of(c->render, c->arg[0], &from) &&
	       str_of(c->render, c->arg[1], &to) &&
	       text_replace(c->render, text, from, to, count, &c->result);
}

static bool filter_center(struct call *c)
{
	struct value text;
	int64_t width;

	return self_text(c, &text) && call_integer(c, 0, 80, &width) &&
	       text_pad(c->render, text, ' ', width, PAD_CENTER, &c->result);
}

static bool filter_format(struct call *c)
{
	struct value text, values;

	if (!self_text(c, &text))
		return false;
	if (c->more.n && c->more.n_named)
		return render_fail(c->render,
			"can't handle positional and keyword arguments at the same time");
	values = value_tuple(list_new(&c->render->arena, 0));
	for (size_t i = 0; i < c->more.n; i++)
		list_append(&c->render->arena, values.list, c->more.items[i]);
	if (c->more.n_named)
		values = value_dict(dict_new(&c->render->arena));
	for (size_t i = 0; i < c->more.n_named; i++)
		dict_put_text(&c->render->arena, values.dict, c->more.named[i].name,
			c->more.named[i].value);
	return format_percent(c->render, text, values, &c->result);
}

static bool indent(struct render *r, const struct list *lines, struct value by, bool first,
	bool blank, struct buf *out)
{
	for (size_t i = 0; i < lines->len; i++) {
		struct value line = lines->items[i];
		bool shift = i ? blank || line.len : first;
		if ((i && !render_append(r, out, "\n", 1)) ||
			(shift && !render_append(r, out, by.s, by.len)) ||
			!render_append(r, out, line.s, line.len))
			return false;
	}
	return true;
}

static bool filter_indent(struct call *c)
{
	struct render *r = c->render;
	struct value by = c->arg[0], text = c->self;
	int64_t width = 4;
	struct buf b;

	if (text.kind == VALUE_UNDEFINED)
		return fail_undefined(r, text);
	if (text.kind != VALUE_STRING)
		return render_fail(r, "indent works on text, not on %s", value_type(text));
	if (by.kind != VALUE_STRING) {
		if (!call_integer(c, 0, 4, &width) ||
			!operate(r, OP_MUL, value_text(" "), value_int(width), &by))
			return false;
	}
	/* With a last newline, so that an empty text is one line. */
	if (!operate(r, OP_ADD, text, value_text("\n"), &text))
		return false;
	render_buf(r, &b);
	bool ok = indent(r, text_lines(r, text, false), by, value_truth(c->arg[1]),
			  value_truth(c->arg[2]), &b) &&
		  render_room(r, b.len);
	if (ok)
		c->result = render_take(r, &b);
	buf_release(&b);
	return ok;
}

static bool filter_truncate(struct call *c)
{
	struct value text = c->self, end = value_given(c->arg[2]) ? c->arg[2] : value_text("...");
	int64_t length, leeway = 5;
	size_t len;

	if (!call_integer(c, 0, 255, &length) || !call_wants(c, 2, VALUE_STRING))
		return false;
	if (c->arg[3].kind != VALUE_NONE && !call_integer(c, 3, 5, &leeway))
		return false;
	int64_t end_len = (int64_t)utf8_count(end.s, end.len);
	if (length < end_len)
		return render_fail(c->render, "expected length >= %lld, got %lld",
			(long long)end_len, (long long)length);
	if (leeway < 0)
		return render_fail(c->render, "expected leeway >= 0, got %lld", (long long)leeway);
	c->result = text;
	if (!length_of(c->render, text, &len))
		return false;
	if ((int64_t)len <= length + leeway)
		return true;
	if (text.kind != VALUE_STRING)
		return render_fail(
			c->render, "truncate works on text, not on %s", value_type(text));
	text.len = (uint32_t)utf8_offset(text.s, text.len, (size_t)(length - end_len));
	const char *space = value_truth(c->arg[1]) ? NULL : memrchr(text.s, ' ', text.len);
	if (space)
		text.len = (uint32_t)(space - text.s);
	return operate(c->render, OP_ADD, text, end, &c->result);
}

static bool filter_wordcount(struct call *c)
{
	struct value text;
	bool inside = false;
	int64_t words = 0;
	size_t bytes;

	if (!self_text(c, &text))
		return false;
	for (size_t at = 0; at < text.len; at += bytes) {
		uint32_t one = utf8_read(text.s + at, &bytes);
		bool word = one == '_' || unicode_is(one, UNICODE_ALPHA) ||
			    unicode_is(one, UNICODE_DIGIT);
		words += word && !inside;
		inside = word;
	}
	c->result = value_int(words);
	return true;
}

static bool filter_escape(struct call *c)
{
	static const struct {
		char from;
		const char *to;
	} entities[] = {
		{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'\'', "&#39;"}, {'"', "&#34;"}};
	struct value text;
	struct buf b;

	if (!self_text(c, &text) || !render_room(c->render, text.len))
		return false;
	buf_init(&b, (size_t)text.len * 5 + 16);
	for (size_t at = 0; at < text.len; at++) {
		const char *to = NULL;
		for (size_t i = 0; i < COUNT_OF(entities); i++)
			if (entities[i].from == text.s[at])
				to = entities[i].to;
		buf_append(&b, to ? to : text.s + at, to ? strlen(to) : 1);
	}
	c->result = render_take(c->render, &b);
	return true;
}

static const struct function table[] = {
	{"string", "", filter_string},
	{"lower", "", filter_lower},
	{"upper", "", filter_upper},
	{"capitalize", "", filter_capitalize},
	{"title", "", filter_title},
	{"trim", "chars=", filter_trim},
	{"replace", "old new count=", filter_replace},
	{"center", "width=", filter_center},
	{"format", "* **", filter_format},
	{"indent", "width= first= blank=", filter_indent},
	{"truncate", "length= killwords= end= leeway=", filter_truncate},
	{"wordcount", "", filter_wordcount},
	{"escape", "", filter_escape},
	{"e", "", filter_escape},
	{"forceescape", "", filter_escape},
	{"safe", "", filter_string},
};
const struct functions filters_of_text = {table, COUNT_OF(table)};
