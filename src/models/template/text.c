/* What filters and methods of text share: finding, replacing, stripping, case, lines. */
#include "models/template/render.h"
#include "models/template/unicode.h"

typedef void case_fn(uint32_t c, struct buf *out);

static struct value map_case(struct render *r, struct value text, case_fn *convert)
{
	struct buf b;
	size_t bytes;

	buf_init(&b, (size_t)text.len * 3 + 16);
	for (size_t at = 0; at < text.len; at += bytes)
		convert(utf8_read(text.s + at, &bytes), &b);
	return render_take(r, &b);
}

struct value lower_of(struct render *r, struct value text)
{
	return map_case(r, text, unicode_lower);
}

struct value upper_of(struct render *r, struct value text)
{
	return map_case(r, text, unicode_upper);
}

struct value capitalize_of(struct render *r, struct value text)
{
	struct buf b;
	size_t bytes;

	buf_init(&b, (size_t)text.len * 3 + 16);
	for (size_t at = 0; at < text.len; at += bytes) {
		uint32_t c = utf8_read(text.s + at, &bytes);
		if (at)
			unicode_lower(c, &b);
		else
			unicode_upper(c, &b);
	}
	return render_take(r, &b);
}

bool text_pad(struct render *r, struct value s, uint32_t fill, int64_t width, enum pad pad,
	struct value *out)
{
	int64_t room = width - (int64_t)utf8_count(s.s, s.len);
	struct buf b;

	*out = s;
	if (room <= 0)
		return true;
	/* As Python's center() rounds. */
	int64_t left = pad == PAD_LEFT    ? room
		       : pad == PAD_RIGHT ? 0
					  : room / 2 + (room & width & 1);
	if (!render_room(r, room > INT32_MAX ? SIZE_MAX : (size_t)room * 4))
		return false;
	buf_init(&b, (size_t)room * 4 + s.len + 16);
	for (int64_t i = 0; i < left; i++)
		utf8_append(&b, fill);
	buf_append(&b, s.s, s.len);
	for (int64_t i = left; i < room; i++)
		utf8_append(&b, fill);
	*out = render_take(r, &b);
	return true;
}

/* An empty `from` is found before every code point and at the end. */
static bool interleave(
	struct render *r, struct value s, struct value to, int64_t count, struct buf *out)
{
	size_t at = 0, bytes = 0;

	for (; count != 0; count--) {
		if (!render_append(r, out, to.s, to.len))
			return false;
		if (at == s.len)
			return true;
		utf8_read(s.s + at, &bytes);
		if (!render_append(r, out, s.s + at, bytes))
			return false;
		at += bytes;
	}
	return render_append(r, out, s.s + at, s.len - at);
}

static bool replace(struct render *r, struct value s, struct value from, struct value to,
	int64_t count, struct buf *out)
{
	size_t at = 0, found;

	if (!from.len)
		return interleave(r, s, to, count, out);
	for (; count != 0 && (found = text_find(s, from, at)) != SIZE_MAX; count--) {
		if (!render_append(r, out, s.s + at, found - at) ||
			!render_append(r, out, to.s, to.len))
			return false;
		at = found + from.len;
	}
	return render_append(r, out, s.s + at, s.len - at);
}

bool text_replace(struct render *r, struct value s, struct value from, struct value to,
	int64_t count, struct value *out)
{
	struct buf b;

	render_buf(r, &b);
	bool ok = render_charge(r, s.len / 64) && replace(r, s, from, to, count, &b) &&
		  render_room(r, b.len);
	if (ok)
		*out = render_take(r, &b);
	buf_release(&b);
	return ok;
}

/* Does one of the code points of chars stand at s? */
static bool is_one_of(const char *s, size_t bytes, struct value chars)
{
	return text_find(chars, value_bytes(s, bytes), 0) != SIZE_MAX;
}

struct value text_strip(struct value s, struct value chars, bool left, bool right)
{
	size_t bytes;

	if (!value_given(chars) || chars.kind == VALUE_NONE) {
		size_t skip = left ? space_before(s.s, s.len) : 0;
		size_t drop = right ? space_behind(s.s + skip, s.len - skip) : 0;
		return value_bytes(s.s + skip, s.len - skip - drop);
	}
	while (left && s.len) {
		utf8_read(s.s, &bytes);
		if (!is_one_of(s.s, bytes, chars))
			break;
		s = value_bytes(s.s + bytes, s.len - bytes);
	}
	while (right && s.len) {
		size_t at = s.len - 1;
		while (at > 0 && ((unsigned char)s.s[at] & 0xc0) == 0x80)
			at--;
		if (!is_one_of(s.s + at, s.len - at, chars))
			break;
		s.len = (uint32_t)at;
	}
	return s;
}

struct list *text_lines(struct render *r, struct value s, bool keep_ends)
{
	struct list *lines = list_new(&r->arena, 0);
	size_t bytes;

	for (size_t at = 0, start = 0; at < s.len; start = at) {
		while (at < s.len && !unicode_is(utf8_read(s.s + at, &bytes), UNICODE_LINE_END))
			at += bytes;
		size_t end = at;
		if (at < s.len) {
			bool crlf = s.s[at] == '\r' && at + 1 < s.len && s.s[at + 1] == '\n';
			at += crlf ? 2 : bytes;
		}
		list_append(
			&r->arena, lines, value_bytes(s.s + start, (keep_ends ? at : end) - start));
	}
	return lines;
}
