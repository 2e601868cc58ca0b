/* Code points, classes and case; see unicode.h. */
#include "models/template/unicode.h"

#include <locale.h>
#include <pthread.h>
#include <wctype.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static locale_t unicode;

static void open_locale(void)
{
	unicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL);
}

/* (locale_t)0 where the system has none: then only ASCII has classes and case. */
static locale_t locale(void)
{
	pthread_once(&once, open_locale);
	return unicode;
}

uint32_t utf8_read(const char *s, size_t *bytes)
{
	const unsigned char *p = (const unsigned char *)s;

	if (*p < 0x80) {
		*bytes = 1;
		return *p;
	}
	size_t n = *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;
	uint32_t c = *p & (0x7fu >> n);
	for (size_t i = 1; i < n; i++)
		c = c << 6 | (p[i] & 0x3fu);
	*bytes = n;
	return c;
}

size_t utf8_count(const char *s, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += ((unsigned char)s[i] & 0xc0) != 0x80;
	return count;
}

size_t utf8_offset(const char *s, size_t n, size_t index)
{
	for (size_t i = 0; i < n; i++)
		if (((unsigned char)s[i] & 0xc0) != 0x80 && index-- == 0)
			return i;
	return n;
}

void utf8_append(struct buf *out, uint32_t c)
{
	if (c < 0x80) {
		buf_u8(out, (uint8_t)c);
		return;
	}
	int n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	buf_u8(out, (uint8_t)((0xf00u >> n) | (c >> (6 * (n - 1)))));
	for (int i = n - 2; i >= 0; i--)
		buf_u8(out, (uint8_t)(0x80 | ((c >> (6 * i)) & 0x3f)));
}

static bool is_space(uint32_t c)
{
	return (c >= 9 && c <= 13) || (c >= 28 && c <= 32) || c == 0x85 || c == 0xa0 ||
	       c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 ||
	       c == 0x202f || c == 0x205f || c == 0x3000;
}

static bool is_ascii(uint32_t c, enum unicode_class class)
{
	bool upper = c >= 'A' && c <= 'Z', lower = c >= 'a' && c <= 'z';

	switch (class) {
	case UNICODE_ALPHA: return upper || lower;
	case UNICODE_DIGIT: return c >= '0' && c <= '9';
	case UNICODE_LOWER: return lower;
	case UNICODE_UPPER: return upper;
	case UNICODE_SPACE: return is_space(c);
	case UNICODE_PRINTABLE: return c >= 32 && c < 127;
	case UNICODE_LINE_END: return (c >= 10 && c <= 13) || (c >= 28 && c <= 30);
	}
	return false;
}

/* What has no shape of its own: marks of format, private use. */
static bool is_formless(uint32_t c)
{
	static const uint32_t ranges[][2] = {{0xad, 0xad}, {0x600, 0x605}, {0x61c, 0x61c},
		{0x6dd, 0x6dd}, {0x70f, 0x70f}, {0x8e2, 0x8e2}, {0x180e, 0x180e}, {0x200b, 0x200f},
		{0x202a, 0x202e}, {0x2060, 0x206f}, {0xe000, 0xf8ff}, {0xfeff, 0xfeff},
		{0xfff9, 0xfffb}, {0xe0001, 0xe007f}, {0xf0000, 0x10ffff}};

	for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
		if (c >= ranges[i][0] && c <= ranges[i][1])
			return true;
	return false;
}

bool unicode_is(uint32_t c, enum unicode_class class)
{
	if (c < 0x80 || !locale())
		return is_ascii(c, class);
	switch (class) {
	case UNICODE_ALPHA: return iswalpha_l(c, locale()) && !iswdigit_l(c, locale());
	case UNICODE_DIGIT: return false;
	case UNICODE_LOWER: return iswlower_l(c, locale());
	case UNICODE_UPPER: return iswupper_l(c, locale());
	case UNICODE_SPACE: return is_space(c);
	case UNICODE_PRINTABLE: return iswprint_l(c, locale()) && !is_space(c) && !is_formless(c);
	case UNICODE_LINE_END: return c == 0x85 || c == 0x2028 || c == 0x2029;
	}
	return false;
}

void unicode_upper(uint32_t c, struct buf *out)
{
	static const char *const ligatures[] = {"FF", "FI", "FL", "FFI", "FFL", "ST", "ST"};

	if (c < 0x80)
		buf_u8(out, (uint8_t)(c >= 'a' && c <= 'z' ? c - 32 : c));
	else if (c == 0xdf)
		buf_append(out, "SS", 2);
	else if (c >= 0xfb00 && c <= 0xfb06)
		buf_append(out, ligatures[c - 0xfb00], strlen(ligatures[c - 0xfb00]));
	else
		utf8_append(out, locale() ? towupper_l(c, locale()) : c);
}

void unicode_lower(uint32_t c, struct buf *out)
{
	if (c < 0x80)
		buf_u8(out, (uint8_t)(c >= 'A' && c <= 'Z' ? c + 32 : c));
	else if (c == 0x130)
		buf_append(out, "i\xcc\x87", 3);
	else
		utf8_append(out, locale() ? towlower_l(c, locale()) : c);
}

size_t space_before(const char *s, size_t n)
{
	size_t at = 0, bytes;

	while (at < n && is_space(utf8_read(s + at, &bytes)))
		at += bytes;
	return at;
}

size_t space_behind(const char *s, size_t n)
{
	size_t end = n, bytes;

	while (end > 0) {
		size_t at = end - 1;
		while (at > 0 && ((unsigned char)s[at] & 0xc0) == 0x80)
			at--;
		if (!is_space(utf8_read(s + at, &bytes)))
			break;
		end = at;
	}
	return n - end;
}
