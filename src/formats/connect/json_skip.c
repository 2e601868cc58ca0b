/*
 * Over a whole array or object in blocks of 64 bytes, a bit a byte: quotes that no backslash takes away
 * tell what lies in strings, and the brackets outside of them how deep we are (after Langdale and Lemire,
 * "Parsing Gigabytes of JSON per Second").
 */
#include <string.h>
#include "formats/connect/json_scan.h"

enum { BLOCK = 64 };

struct masks {
	uint64_t quote, backslash, open, close;
};

static inline struct masks look(const uint8_t *p)
{
	struct masks m = {0};

#ifdef __SSE2__
	for (int i = 0; i < BLOCK; i += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(p + i));
		__m128i curly = _mm_or_si128(v, _mm_set1_epi8(0x20)); /* [ to {, ] to } */
#define BITS(of, c) \
	((uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(of, _mm_set1_epi8(c))) << i)
		m.quote |= BITS(v, '"');
		m.backslash |= BITS(v, '\\');
		m.open |= BITS(curly, '{');
		m.close |= BITS(curly, '}');
#undef BITS
	}
#else
	for (int i = 0; i < BLOCK; i++) {
		m.quote |= (uint64_t)(p[i] == '"') << i;
		m.backslash |= (uint64_t)(p[i] == '\\') << i;
		m.open |= (uint64_t)((p[i] | 0x20) == '{') << i;
		m.close |= (uint64_t)((p[i] | 0x20) == '}') << i;
	}
#endif
	return m;
}

/* The bytes that a backslash stands before. *carry: the first byte of the next block is one. */
static inline uint64_t escaped(uint64_t backslash, uint64_t *carry)
{
	uint64_t after = *carry;

	*carry = 0;
	for (backslash &= ~after; backslash;) {
		uint64_t bit = backslash & -backslash;
		after |= bit << 1;
		*carry = bit >> 63;
		backslash &= ~(bit | bit << 1);
	}
	return after;
}

/* Each bit becomes the parity of the bits up to it: set from an opening quote to before the closing. */
static inline uint64_t parity(uint64_t x)
{
	for (int by = 1; by < 64; by *= 2)
		x ^= x << by;
	return x;
}

const uint8_t *json_skip(const uint8_t *p, const uint8_t *end)
{
	uint64_t carry = 0, inside = 0;
	size_t depth = 0;

	for (; p < end; p += BLOCK) {
		uint8_t last[BLOCK];
		const uint8_t *block = p;
		if (end - p < BLOCK) {
			memset(last, ' ', BLOCK);
			block = memcpy(last, p, (size_t)(end - p));
		}
		struct masks m = look(block);
		uint64_t in_string = parity(m.quote & ~escaped(m.backslash, &carry)) ^ inside;
		inside = -(in_string >> 63);
		for (uint64_t rest = (m.open | m.close) & ~in_string; rest; rest &= rest - 1) {
			depth += m.open & rest & -rest ? 1 : (size_t)-1;
			if (!depth)
				return p + __builtin_ctzll(rest) + 1;
		}
	}
	return NULL;
}
