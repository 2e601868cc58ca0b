/*
 * JSON, token by token and in one pass: a string without escapes is pointed at where it stands, one with
 * escapes is unescaped into r->text; both are checked to be UTF-8. What is open is a bit a level.
 */
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "formats/connect/json.h"
#include "formats/connect/json_scan.h"

enum { DEPTH_MAX = 64 };
enum state { AT_VALUE, AT_FIRST_ELEMENT, AT_FIRST_FIELD, AFTER_VALUE };

static enum connect_token fail(
	struct connect_json_reader *r, const uint8_t *at, const char *what, struct error *err)
{
	error_set(err, ERROR_DATA, "JSON, at byte %zu: %s", (size_t)(at - r->start), what);
	r->at = r->end;
	r->state = AT_VALUE; /* so that whoever goes on fails again */
	return TOKEN_FAILED;
}

static inline void skip_space(struct connect_json_reader *r)
{
	while (r->at < r->end &&
		(*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t'))
		r->at++;
}

/* --- Strings ---------------------------------------------------------------------------------- */

/* To the first byte that does not stand for itself. */
static inline const uint8_t *run_end(const uint8_t *p, const uint8_t *end)
{
	for (;;) {
		p += json_plain(p, (size_t)(end - p));
		if (p == end || *p < 0x80)
			return p;
		while (p < end && *p >= 0x80) {
			size_t step = utf8_sequence((const char *)p, (size_t)(end - p));
			if (!step)
				return p;
			p += step;
		}
	}
}

static enum connect_token bad_string(
	struct connect_json_reader *r, const uint8_t *p, struct error *err)
{
	if (p == r->end)
		return fail(r, p, "the document ends within a string", err);
	if (*p < 0x20)
		return fail(r, p, "a control character within a string", err);
	return fail(r, p, *p == '\\' ? "an escape that JSON does not know" : "not UTF-8", err);
}

/* The four digits of \uXXXX; -1: they are not. */
static int32_t hex4(const uint8_t *p, const uint8_t *end)
{
	int32_t value = 0;

	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		unsigned digit = (unsigned)p[i] - '0', letter = ((unsigned)p[i] | 0x20) - 'a';
		if (digit > 9 && letter > 5)
			return -1;
		value = value << 4 | (int32_t)(digit <= 9 ? digit : letter + 10);
	}
	return value;
}

static uint8_t *put_utf8(uint8_t *to, int32_t c)
{
	if (c < 0x80) {
		*to++ = (uint8_t)c;
		return to;
	}
	if (c < 0x800) {
		*to++ = (uint8_t)(0xc0 | c >> 6);
	} else {
		if (c < 0x10000) {
			*to++ = (uint8_t)(0xe0 | c >> 12);
		} else {
			*to++ = (uint8_t)(0xf0 | c >> 18);
			*to++ = (uint8_t)(0x80 | (c >> 12 & 0x3f));
		}
		*to++ = (uint8_t)(0x80 | (c >> 6 & 0x3f));
	}
	*to++ = (uint8_t)(0x80 | (c & 0x3f));
	return to;
}

/* After \u: the character and, of a surrogate pair, its second half. NULL: it is none. */
static const uint8_t *unescape_u(const uint8_t *p, const uint8_t *end, uint8_t **to)
{
	int32_t c = hex4(p, end), low = -1;

	p += 4;
	if (c >= 0xd800 && c < 0xdc00 && end - p >= 2 && p[0] == '\\' && p[1] == 'u') {
		low = hex4(p + 2, end);
		p += 6;
		if (low < 0xdc00 || low > 0xdfff)
			return NULL;
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	}
	if (c < 0 || (c >= 0xd800 && c < 0xe000))
		return NULL;
	*to = put_utf8(*to, c);
	return p;
}

/* The escape at p, to behind it; NULL: there is none of the kind. */
static const uint8_t *unescape(const uint8_t *p, const uint8_t *end, uint8_t **to)
{
	static const uint8_t meaning[256] = {
		['"'] = '"',
		['\\'] = '\\',
		['/'] = '/',
		['b'] = '\b',
		['f'] = '\f',
		['n'] = '\n',
		['r'] = '\r',
		['t'] = '\t',
	};

	if (end - p < 2)
		return NULL;
	if (p[1] == 'u')
		return unescape_u(p + 2, end, to);
	*(*to)++ = meaning[p[1]];
	return meaning[p[1]] ? p + 2 : NULL;
}

/* What begins at `from` and has its first escape at p. Unescaped is never longer. */
static bool escaped_string(
	struct connect_json_reader *r, const uint8_t *from, const uint8_t *p, struct error *err)
{
	buf_clear(&r->text);
	uint8_t *to = buf_extend(&r->text, (size_t)(r->end - from));
	while (p < r->end && *p == '\\') {
		memcpy(to, from, (size_t)(p - from));
		to += p - from;
		from = unescape(p, r->end, &to);
		if (!from) {
			bad_string(r, p, err);
			return false;
		}
		p = run_end(from, r->end);
	}
	if (p == r->end || *p != '"') {
		bad_string(r, p, err);
		return false;
	}
	memcpy(to, from, (size_t)(p - from));
	to += p - from;
	r->base.data = r->text.data;
	r->base.len = (size_t)(to - r->text.data);
	r->at = p + 1;
	return true;
}

static inline bool string(struct connect_json_reader *r, struct error *err)
{
	const uint8_t *from = r->at + 1, *p = run_end(from, r->end);

	if (p == r->end || *p != '"') {
		if (p < r->end && *p == '\\')
			return escaped_string(r, from, p, err);
		bad_string(r, p, err);
		return false;
	}
	r->base.data = from;
	r->base.len = (size_t)(p - from);
	r->at = p + 1;
	return true;
}

/* --- Numbers ---------------------------------------------------------------------------------- */

/* Its value is mantissa * 10^exponent, unless it is rounded: digits did not fit. */
struct number {
	uint64_t mantissa;
	int64_t exponent;
	bool negative, real, rounded;
};

static inline const uint8_t *take_digits(const uint8_t *p, const uint8_t *end, struct number *n)
{
	const uint64_t full = UINT64_MAX / 10 - 1;

	for (; p < end && (unsigned)*p - '0' < 10; p++) {
		if (n->mantissa <= full)
			n->mantissa = n->mantissa * 10 + (*p - '0');
		else
			n->rounded = true;
	}
	return p;
}

/* After the e. NULL: no digits. */
static const uint8_t *take_exponent(const uint8_t *p, const uint8_t *end, struct number *n)
{
	int64_t exponent = 0;
	bool negative = p < end && *p == '-';

	if (p < end && (*p == '-' || *p == '+'))
		p++;
	const uint8_t *first = p;
	for (; p < end && (unsigned)*p - '0' < 10; p++)
		if (exponent < 1000000)
			exponent = exponent * 10 + (*p - '0');
	n->exponent += negative ? -exponent : exponent;
	return p > first ? p : NULL;
}

/* To behind the number; NULL: it is none. */
static inline const uint8_t *take_number(const uint8_t *p, const uint8_t *end, struct number *n)
{
	n->negative = *p == '-';
	p += n->negative;
	const uint8_t *first = p;
	p = take_digits(p, end, n);
	if (p == first || (*first == '0' && p > first + 1))
		return NULL;
	if (p < end && *p == '.') {
		n->real = true;
		first = ++p;
		p = take_digits(p, end, n);
		n->exponent -= p - first;
		if (p == first)
			return NULL;
	}
	if (p < end && (*p | 0x20) == 'e') {
		n->real = true;
		p = take_exponent(p + 1, end, n);
	}
	return p;
}

/* Exact where mantissa and power of ten are doubles themselves: one rounding is the right one (Clinger). */
static double real_value(struct connect_json_reader *r, const struct number *n)
{
	static const double powers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10,
		1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

	if (!n->rounded && n->mantissa <= (uint64_t)1 << 53 && n->exponent >= -22 &&
		n->exponent <= 22) {
		double v = (double)n->mantissa;
		v = n->exponent < 0 ? v / powers[-n->exponent] : v * powers[n->exponent];
		return n->negative ? -v : v;
	}
	buf_clear(&r->text);
	buf_append(&r->text, r->base.data, r->base.len);
	return strtod(buf_text(&r->text), NULL);
}

static enum connect_token number(struct connect_json_reader *r, struct error *err)
{
	struct number n = {0};
	const uint8_t *p = take_number(r->at, r->end, &n);

	if (!p)
		return fail(r, r->at, "a number that JSON does not know", err);
	r->base.data = r->at;
	r->base.len = (size_t)(p - r->at);
	r->at = p;
	if (!n.real && !n.rounded && n.mantissa <= (uint64_t)INT64_MAX + n.negative) {
		r->base.integer = (int64_t)(n.negative ? -n.mantissa : n.mantissa);
		return TOKEN_INTEGER;
	}
	r->base.real = real_value(r, &n);
	return TOKEN_REAL;
}

/* --- Tokens ----------------------------------------------------------------------------------- */

static enum connect_token word(struct connect_json_reader *r, const char *text, size_t len,
	enum connect_token token, struct error *err)
{
	if ((size_t)(r->end - r->at) < len || memcmp(r->at, text, len) != 0)
		return fail(r, r->at, "a word that is not true, false or null", err);
	r->at += len;
	return token;
}

static enum connect_token open(
	struct connect_json_reader *r, enum connect_token token, struct error *err)
{
	if (r->depth == DEPTH_MAX)
		return fail(r, r->at, "arrays and objects more than 64 levels deep", err);
	r->at++;
	r->depth++;
	r->is_array = r->is_array << 1 | (token == TOKEN_ARRAY);
	r->state = token == TOKEN_ARRAY ? AT_FIRST_ELEMENT : AT_FIRST_FIELD;
	return token;
}

static enum connect_token close(struct connect_json_reader *r)
{
	enum connect_token token = r->is_array & 1 ? TOKEN_ARRAY_END : TOKEN_STRUCT_END;

	r->at++;
	r->depth--;
	r->is_array >>= 1;
	r->state = AFTER_VALUE;
	return token;
}

static enum connect_token value(struct connect_json_reader *r, struct error *err)
{
	r->state = AFTER_VALUE;
	switch (*r->at) {
	case '"': return string(r, err) ? TOKEN_STRING : TOKEN_FAILED;
	case '{': return open(r, TOKEN_STRUCT, err);
	case '[': return open(r, TOKEN_ARRAY, err);
	case 't': r->base.boolean = true; return word(r, "true", 4, TOKEN_BOOLEAN, err);
	case 'f': r->base.boolean = false; return word(r, "false", 5, TOKEN_BOOLEAN, err);
	case 'n': return word(r, "null", 4, TOKEN_NULL, err);
	case '-':
	case '0' ... '9': return number(r, err);
	default: return fail(r, r->at, "a value is missing", err);
	}
}

static enum connect_token field(struct connect_json_reader *r, struct error *err)
{
	if (*r->at != '"')
		return fail(r, r->at, "the name of a field is missing", err);
	if (!string(r, err))
		return TOKEN_FAILED;
	skip_space(r);
	if (r->at == r->end || *r->at != ':')
		return fail(r, r->at, "a colon is missing", err);
	r->at++;
	r->state = AT_VALUE;
	return TOKEN_FIELD;
}

/* To the first byte of what is next. */
enum place { PLACE_VALUE, PLACE_FIELD, PLACE_CLOSE, PLACE_END, PLACE_FAILED };

static enum place failed(struct connect_json_reader *r, const char *what, struct error *err)
{
	fail(r, r->at, what, err);
	return PLACE_FAILED;
}

static inline enum place advance(struct connect_json_reader *r, struct error *err)
{
	bool in_array = r->is_array & 1;

	skip_space(r);
	if (r->at == r->end)
		return r->state == AFTER_VALUE && !r->depth
			       ? PLACE_END
			       : failed(r, "the document ends too early", err);
	if (r->state == AT_VALUE)
		return PLACE_VALUE;
	if (!r->depth)
		return failed(r, "there is more behind the document", err);
	if (*r->at == (in_array ? ']' : '}'))
		return PLACE_CLOSE;
	if (r->state == AFTER_VALUE) {
		if (*r->at != ',')
			return failed(r, "neither a comma nor the closing bracket", err);
		r->at++;
		skip_space(r);
		if (r->at == r->end)
			return failed(r, "the document ends too early", err);
	}
	return in_array ? PLACE_VALUE : PLACE_FIELD;
}

static enum connect_token next(struct connect_reader *base, struct error *err)
{
	struct connect_json_reader *r = (struct connect_json_reader *)base;

	switch (advance(r, err)) {
	case PLACE_VALUE: return value(r, err);
	case PLACE_FIELD: return field(r, err);
	case PLACE_CLOSE: return close(r);
	case PLACE_END: return TOKEN_END;
	case PLACE_FAILED: break;
	}
	return TOKEN_FAILED;
}

static bool skip(struct connect_reader *base, struct error *err)
{
	struct connect_json_reader *r = (struct connect_json_reader *)base;
	enum place place = advance(r, err);

	if (place == PLACE_FAILED)
		return false;
	if (place != PLACE_VALUE)
		return fail(r, r->at, "a value is missing", err) != TOKEN_FAILED;
	const uint8_t *from = r->at;
	if (*from == '{' || *from == '[') {
		r->at = json_skip(from, r->end);
		r->state = AFTER_VALUE;
		if (!r->at)
			return fail(r, r->end, "the document ends too early", err) != TOKEN_FAILED;
	} else if (value(r, err) == TOKEN_FAILED) {
		return false;
	}
	r->base.data = from;
	r->base.len = (size_t)(r->at - from);
	return true;
}

static void restart(struct connect_reader *base)
{
	struct connect_json_reader *r = (struct connect_json_reader *)base;

	r->at = r->start;
	r->depth = 0;
	r->state = AT_VALUE;
}

static const struct connect_reader_ops ops = {.next = next, .skip = skip, .restart = restart};

void connect_json_reader_init(struct connect_json_reader *r)
{
	*r = (struct connect_json_reader){.base.ops = &ops};
	buf_init(&r->text, BUF_MAX);
}

void connect_json_reader_release(struct connect_json_reader *r)
{
	buf_release(&r->text);
}

void connect_json_read(struct connect_json_reader *r, const void *data, size_t len)
{
	r->start = data;
	r->end = r->start + len;
	restart(&r->base);
}
