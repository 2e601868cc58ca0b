/* Text from outside; see text.h. */
#include "base/text.h"

#include <string.h>
#include <xxhash.h>

size_t utf8_sequence(const char *s, size_t n)
{
	const unsigned char *p = (const unsigned char *)s;

	if (n >= 1 && p[0] < 0x80)
		return 1;
	if (n >= 2 && p[0] >= 0xc2 && p[0] <= 0xdf && (p[1] & 0xc0) == 0x80)
		return 2;
	if (n >= 3 && (p[0] & 0xf0) == 0xe0 && (p[1] & 0xc0) == 0x80 && (p[2] & 0xc0) == 0x80) {
		bool overlong = p[0] == 0xe0 && p[1] < 0xa0;
		bool surrogate = p[0] == 0xed && p[1] > 0x9f;
		return overlong || surrogate ? 0 : 3;
	}
	if (n >= 4 && p[0] >= 0xf0 && p[0] <= 0xf4 && (p[1] & 0xc0) == 0x80 &&
		(p[2] & 0xc0) == 0x80 && (p[3] & 0xc0) == 0x80) {
		bool overlong = p[0] == 0xf0 && p[1] < 0x90;
		bool beyond = p[0] == 0xf4 && p[1] > 0x8f;
		return overlong || beyond ? 0 : 4;
	}
	return 0;
}

static bool eight_are_ascii(const char *s)
{
	uint64_t eight;

	memcpy(&eight, s, sizeof eight);
	return !(eight & 0x8080808080808080);
}

bool utf8_valid(const char *s, size_t n)
{
	for (size_t i = 0; i < n;) {
		if (n - i >= 8 && eight_are_ascii(s + i)) {
			i += 8;
			continue;
		}
		size_t step = utf8_sequence(s + i, n - i);
		if (!step)
			return false;
		i += step;
	}
	return true;
}

static void print_escaped(unsigned char c, struct buf *out)
{
	static const char short_forms[] = "\"\"\\\\\bb\ff\nn\rr\tt";

	for (const char *form = short_forms; *form; form += 2) {
		if ((unsigned char)*form == c) {
			buf_u8(out, '\\');
			buf_u8(out, (uint8_t)form[1]);
			return;
		}
	}
	buf_printf(out, "\\u%04x", c);
}

void text_print_json(const char *s, size_t n, struct buf *out)
{
	buf_u8(out, '"');
	for (size_t i = 0; i < n;) {
		size_t step = utf8_sequence(s + i, n - i);
		unsigned char c = (unsigned char)s[i];
		if (!step)
			buf_puts(out, "\\ufffd");
		else if (c < 0x20 || c == 0x7f || c == '"' || c == '\\')
			print_escaped(c, out);
		else
			buf_append(out, s + i, step);
		i += step ? step : 1;
	}
	buf_u8(out, '"');
}

static const char pairs[] = /* 00 to 99 */
	"00010203040506070809101112131415161718192021222324"
	"25262728293031323334353637383940414243444546474849"
	"50515253545556575859606162636465666768697071727374"
	"75767778798081828384858687888990919293949596979899";

void text_print_uint(uint64_t v, struct buf *out)
{
	char digits[20], *p = digits + sizeof digits;

	for (; v >= 100; v /= 100)
		memcpy(p -= 2, &pairs[v % 100 * 2], 2);
	if (v >= 10)
		memcpy(p -= 2, &pairs[v * 2], 2);
	else
		*--p = (char)('0' + v);
	buf_append(out, p, (size_t)(digits + sizeof digits - p));
}

void text_print_int(int64_t v, struct buf *out)
{
	if (v < 0)
		buf_u8(out, '-');
	text_print_uint(v < 0 ? -(uint64_t)v : (uint64_t)v, out);
}

uint64_t text_hash(const char *s, size_t n)
{
	return XXH3_64bits(s, n);
}

bool text_is_one_of(const char *text, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(text, *words) == 0)
			return true;
	return false;
}

size_t text_width(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

void text_hex(const void *bytes, size_t n, void *out)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *from = bytes;
	char *to = out;

	for (size_t i = 0; i < n; i++) {
		*to++ = digits[from[i] >> 4];
		*to++ = digits[from[i] & 15];
	}
}
