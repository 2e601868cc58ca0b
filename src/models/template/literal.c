/* Texts and numbers as the source writes them: Python's escapes, bases and underscores. */
#include <errno.h>
#include <stdlib.h>
#include "models/template/parse.h"
#include "models/template/unicode.h"

/* Up to `most` digits of the base at s; how many there were. */
static size_t read_digits(const char *s, size_t n, size_t most, unsigned base, uint32_t *out)
{
	size_t len = 0;

	*out = 0;
	for (; len < most && len < n; len++) {
		unsigned c = (unsigned char)s[len], lower = c | 0x20;
		unsigned digit = c >= '0' && c <= '9'           ? c - '0'
				 : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10
								: 99;
		if (digit >= base)
			break;
		*out = *out * base + digit;
	}
	return len;
}

/* \xhh, \uhhhh and \Uhhhhhhhh; how many bytes it took, 0 after a failure. */
static size_t unescape_hex(struct parser *p, uint32_t at, const char *s, size_t n, struct buf *out)
{
	size_t digits = s[1] == 'x' ? 2 : s[1] == 'u' ? 4 : 8;
	uint32_t c;

	if (read_digits(s + 2, n - 2, digits, 16, &c) < digits)
		return (size_t)parse_fail(
			p, at, "truncated \\%c%.*s escape", s[1], (int)digits, "XXXXXXXX");
	if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return (size_t)parse_fail(p, at, "illegal Unicode character");
	utf8_append(out, c);
	return 2 + digits;
}

/* The escape at s, which is a backslash with something behind it; how many bytes it took, 0
 * after a failure. */
static size_t unescape(struct parser *p, uint32_t at, const char *s, size_t n, struct buf *out)
{
	static const char from[] = "\\'\"abfnrtv", to[] = "\\'\"\a\b\f\n\r\t\v";
	const char *simple = s[1] ? strchr(from, s[1]) : NULL;
	uint32_t c;

	if (simple) {
		buf_u8(out, (uint8_t)to[simple - from]);
		return 2;
	}
	if (s[1] == '\n')
		return 2;
	if (s[1] == 'x' || s[1] == 'u' || s[1] == 'U')
		return unescape_hex(p, at, s, n, out);
	if (s[1] == 'N')
		return (size_t)parse_fail(p, at, "\\N{...} is not known here; write \\uXXXX");
	size_t octal = read_digits(s + 1, n - 1, 3, 8, &c);
	if (octal) {
		utf8_append(out, c);
		return 1 + octal;
	}
	buf_append(out, s, 1);
	return 1;
}

bool parse_string(struct parser *p, struct buf *out)
{
	const struct token *token = parse_token(p);
	const char *s = p->t->source + token->at + 1;
	size_t n = token->len - 2;

	p->at++;
	for (size_t i = 0; i < n;) {
		if (s[i] != '\\') {
			buf_u8(out, (uint8_t)s[i++]);
			continue;
		}
		size_t taken = unescape(p, token->at, s + i, n - i, out);
		if (!taken)
			return false;
		i += taken;
	}
	return true;
}

void parse_number(struct parser *p, struct expr *out)
{
	const struct token *token = parse_token(p);
	struct buf digits;
	char *end;

	p->at++;
	buf_init(&digits, (size_t)token->len + 64);
	for (size_t i = 0; i < token->len; i++)
		if (p->t->source[token->at + i] != '_')
			buf_u8(&digits, (uint8_t)p->t->source[token->at + i]);
	const char *text = buf_text(&digits);
	if (token->kind == TOKEN_FLOAT) {
		out->constant = value_float(strtod(text, NULL));
	} else {
		char base = text[0] == '0' ? (char)(text[1] | 0x20) : '\0';
		int radix = base == 'x' ? 16 : base == 'o' ? 8 : base == 'b' ? 2 : 10;
		errno = 0;
		out->constant = value_int(strtoll(text + (radix == 10 ? 0 : 2), &end, radix));
		if (errno)
			out->kind = EXPR_TOO_LARGE;
	}
	buf_release(&digits);
}
