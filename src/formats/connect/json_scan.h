/* What goes over JSON in strides of many bytes. */
#ifndef FORMATS_CONNECT_JSON_SCAN_H
#define FORMATS_CONNECT_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* To behind the array or object that begins at p; NULL: it does not end. Looks at brackets and strings
 * alone. */
const uint8_t *json_skip(const uint8_t *p, const uint8_t *end);

static inline bool json_is_plain(uint8_t c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

#ifdef __SSE2__
/* A bit for each byte that is not plain. */
static inline unsigned json_stops(__m128i v)
{
	/* as signed bytes those of non-ASCII are less than a space, too */
	__m128i stop = _mm_cmplt_epi8(v, _mm_set1_epi8(' '));

	stop = _mm_or_si128(stop, _mm_cmpeq_epi8(v, _mm_set1_epi8('"')));
	stop = _mm_or_si128(stop, _mm_cmpeq_epi8(v, _mm_set1_epi8('\\')));
	return (unsigned)_mm_movemask_epi8(stop);
}

/* Of 8 to 15 bytes, in two halves that overlap. */
static inline bool json_all_plain(const uint8_t *p, size_t n)
{
	long long head, tail;

	memcpy(&head, p, 8);
	memcpy(&tail, p + n - 8, 8);
	return !json_stops(_mm_set_epi64x(head, tail));
}
#endif

/* How many bytes there are before the first quote, backslash, control or non-ASCII byte. */
static inline size_t json_plain(const uint8_t *p, size_t n)
{
	size_t i = 0;

#ifdef __SSE2__
	for (; n - i >= 16; i += 16) {
		unsigned stops = json_stops(_mm_loadu_si128((const __m128i *)(p + i)));
		if (stops)
			return i + (size_t)__builtin_ctz(stops);
	}
	if (n - i >= 8 && json_all_plain(p + i, n - i))
		return n;
#endif
	while (i < n && json_is_plain(p[i]))
		i++;
	return i;
}

#endif
