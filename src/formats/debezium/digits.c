/* Nine digits at a time over words of 32 bits; see digits.h. */
#include "formats/debezium/digits.h"

#include <stdlib.h>
#include "base/mem.h"

#define GROUP      9
#define GROUP_UNIT 1000000000u
#define FEW        16 /* words that need no allocation: 154 digits */

struct words {
	uint32_t few[FEW], *words; /* little end first */
	size_t n;
};

static void words_init(struct words *w, size_t room)
{
	w->words = room <= FEW ? w->few : xmalloc(room * sizeof *w->words);
	w->n = 0;
}

static void words_release(struct words *w)
{
	if (w->words != w->few)
		free(w->words);
}

static void multiply_add(struct words *w, uint32_t factor, uint32_t more)
{
	uint64_t carry = more;

	for (size_t i = 0; i < w->n; i++) {
		carry += (uint64_t)w->words[i] * factor;
		w->words[i] = (uint32_t)carry;
		carry >>= 32;
	}
	if (carry)
		w->words[w->n++] = (uint32_t)carry;
}

static uint32_t divide(struct words *w)
{
	uint64_t rest = 0;

	for (size_t i = w->n; i-- > 0;) {
		rest = rest << 32 | w->words[i];
		w->words[i] = (uint32_t)(rest / GROUP_UNIT);
		rest %= GROUP_UNIT;
	}
	while (w->n && !w->words[w->n - 1])
		w->n--;
	return (uint32_t)rest;
}

/* Byte `i` of the magnitude, from the little end. */
static uint8_t byte_at(const struct words *w, size_t i)
{
	return i / 4 < w->n ? (uint8_t)(w->words[i / 4] >> (8 * (i % 4))) : 0;
}

static void append_bytes(const struct words *w, bool negative, struct buf *out)
{
	size_t n = w->n * 4 + 1;
	uint8_t *p = buf_extend(out, n), sign = 0;
	unsigned carry = negative;

	for (size_t i = 0; i < n; i++) {
		unsigned byte = (negative ? 255u - byte_at(w, i) : byte_at(w, i)) + carry;
		carry = negative ? byte >> 8 : 0;
		p[n - 1 - i] = (uint8_t)byte;
	}
	sign = p[0] & 0x80 ? 0xff : 0;
	size_t spare = 0;
	while (spare + 1 < n && p[spare] == sign && (p[spare + 1] & 0x80) == (sign & 0x80))
		spare++;
	memmove(p, p + spare, n - spare);
	out->len -= spare;
}

void digits_to_bytes(const char *digits, size_t n, bool negative, struct buf *out)
{
	struct words w;

	words_init(&w, n / GROUP + 2);
	while (n) {
		uint32_t group = 0, unit = 1;
		for (size_t take = (n - 1) % GROUP + 1; take; take--, n--, unit *= 10)
			group = group * 10 + (uint32_t)(*digits++ - '0');
		multiply_add(&w, unit, group);
	}
	append_bytes(&w, negative, out);
	words_release(&w);
}

static void load(struct words *w, const uint8_t *bytes, size_t n, bool negative)
{
	unsigned carry = negative;

	w->n = (n + 3) / 4;
	memset(w->words, 0, w->n * sizeof *w->words);
	for (size_t i = 0; i < n; i++) {
		unsigned byte = (negative ? 255u - bytes[n - 1 - i] : bytes[n - 1 - i]) + carry;
		carry = negative ? byte >> 8 : 0;
		w->words[i / 4] |= (uint32_t)(uint8_t)byte << (8 * (i % 4));
	}
	while (w->n && !w->words[w->n - 1])
		w->n--;
}

/* Digits come from the little end: they are written backwards, then turned. */
void digits_from_bytes(const uint8_t *bytes, size_t n, size_t scale, struct buf *out)
{
	struct words w;
	bool negative = n && bytes[0] & 0x80;

	words_init(&w, n / 4 + 2);
	load(&w, bytes, n, negative);
	if (negative)
		buf_u8(out, '-');
	size_t from = out->len, digits = 0;
	while (w.n || digits < scale + 1) {
		uint32_t group = divide(&w);
		for (int i = 0; i < GROUP && (group || w.n || digits < scale + 1); i++) {
			if (digits == scale && scale)
				buf_u8(out, '.');
			buf_u8(out, (uint8_t)('0' + group % 10));
			group /= 10;
			digits++;
		}
	}
	for (size_t a = from, b = out->len - 1; a < b; a++, b--) {
		uint8_t swap = out->data[a];
		out->data[a] = out->data[b];
		out->data[b] = swap;
	}
	words_release(&w);
}
