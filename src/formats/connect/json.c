/* JSON as Jackson prints it for JsonConverter, byte for byte: keys that are equal must go to the same partition
 * whoever wrote them. */
#include "formats/connect/json.h"

#include <math.h>
#include <openssl/evp.h>
#include "base/text.h"
#include "formats/connect/json_scan.h"
#include "formats/pgtype/shortest.h"

/* --- Strings ---------------------------------------------------------------------------------- */

static void print_u16(uint32_t unit, struct buf *out)
{
	static const char hex[] = "0123456789ABCDEF";
	uint8_t *p = buf_extend(out, 6);

	p[0] = '\\';
	p[1] = 'u';
	for (int i = 0; i < 4; i++)
		p[2 + i] = (uint8_t)hex[unit >> (12 - 4 * i) & 15];
}

static void print_escape(uint8_t c, struct buf *out)
{
	static const char letters[256] = {
		['"'] = '"',
		['\\'] = '\\',
		['\b'] = 'b',
		['\f'] = 'f',
		['\n'] = 'n',
		['\r'] = 'r',
		['\t'] = 't',
	};

	if (!letters[c]) {
		print_u16(c, out);
		return;
	}
	buf_u8(out, '\\');
	buf_u8(out, (uint8_t)letters[c]);
}

/* Beyond the 16 bits of Java's characters it is the escapes of two. What is not UTF-8 becomes U+FFFD. */
static size_t print_beyond_ascii(const uint8_t *p, size_t n, struct buf *out)
{
	size_t step = utf8_sequence((const char *)p, n);

	if (!step) {
		buf_append(out, "\xef\xbf\xbd", 3);
		return 1;
	}
	if (step < 4) {
		buf_append(out, p, step);
		return step;
	}
	uint32_t c = (p[0] & 7u) << 18 | (p[1] & 63u) << 12 | (p[2] & 63u) << 6 | (p[3] & 63u);
	c -= 0x10000;
	print_u16(0xd800 + (c >> 10), out);
	print_u16(0xdc00 + (c & 0x3ff), out);
	return step;
}

static void print_string(const uint8_t *p, size_t n, struct buf *out)
{
	if (json_plain(p, n) == n) {
		uint8_t *to = buf_extend(out, n + 2);
		to[0] = to[n + 1] = '"';
		if (n)
			memcpy(to + 1, p, n);
		return;
	}
	buf_u8(out, '"');
	while (n) {
		size_t step = json_plain(p, n);
		buf_append(out, p, step);
		if (step < n && p[step] >= 0x80)
			step += print_beyond_ascii(p + step, n - step, out);
		else if (step < n)
			print_escape(p[step++], out);
		p += step;
		n -= step;
	}
	buf_u8(out, '"');
}

/* --- Numbers ---------------------------------------------------------------------------------- */

/* As Double.toString() lays them out: 0.001, 1234567.0, 1.0E7. */
static void print_digits(struct shortest s, struct buf *out)
{
	char digits[20];
	int n = 0;

	for (uint64_t rest = s.digits; rest; rest /= 10)
		digits[n++] = (char)('0' + rest % 10); /* the last comes first */
	int point = n + s.exponent;                    /* digits before the decimal point */
	bool plain = point > -3 && point <= 7;
	int before = plain ? point : 1;
	if (before <= 0)
		buf_append(out, "0.00", (size_t)(2 - before));
	for (int i = 0; i < before; i++)
		buf_u8(out, n ? (uint8_t)digits[--n] : '0');
	if (before > 0)
		buf_u8(out, '.');
	if (before > 0 && !n)
		buf_u8(out, '0');
	while (n)
		buf_u8(out, (uint8_t)digits[--n]);
	if (!plain) {
		buf_u8(out, 'E');
		text_print_int(point - 1, out);
	}
}

/* Jackson quotes what JSON has no word for. */
static void print_real(double v, struct shortest (*digits)(double), struct buf *out)
{
	if (isnan(v)) {
		buf_append(out, "\"NaN\"", 5);
	} else if (isinf(v)) {
		buf_puts(out, v < 0 ? "\"-Infinity\"" : "\"Infinity\"");
	} else {
		if (signbit(v))
			buf_u8(out, '-');
		if (v == 0)
			buf_append(out, "0.0", 3);
		else
			print_digits(digits(fabs(v)), out);
	}
}

static struct shortest narrow_digits(double v)
{
	return shortest_float((float)v);
}

/* --- The writer ------------------------------------------------------------------------------- */

static struct buf *place(struct connect_writer *base)
{
	struct connect_json_writer *w = (struct connect_json_writer *)base;

	if (w->comma)
		buf_u8(base->out, ',');
	w->comma = true;
	return base->out;
}

static void optional(struct connect_writer *w, const struct connect_schema *schema, bool present)
{
	(void)schema;
	if (!present)
		buf_append(place(w), "null", 4);
}

static void boolean(struct connect_writer *w, bool v)
{
	buf_append(place(w), v ? "true" : "false", v ? 4 : 5);
}

static void integer(struct connect_writer *w, int64_t v)
{
	text_print_int(v, place(w));
}

static void float32(struct connect_writer *w, float v)
{
	print_real((double)v, narrow_digits, place(w));
}

static void float64(struct connect_writer *w, double v)
{
	print_real(v, shortest_double, place(w));
}

static void string(struct connect_writer *w, const void *data, size_t len)
{
	print_string(data, len, place(w));
}

static void bytes(struct connect_writer *w, const void *data, size_t len)
{
	enum { STRIDE = 3 << 20 }; /* whole groups, so that no padding stands within */
	struct buf *out = place(w);
	const uint8_t *p = data;

	buf_u8(out, '"');
	while (len) {
		size_t n = len < STRIDE ? len : STRIDE;
		uint8_t *to = buf_extend(out, (n + 2) / 3 * 4 + 1);
		EVP_EncodeBlock(to, p, (int)n);
		out->len--; /* its NUL */
		p += n;
		len -= n;
	}
	buf_u8(out, '"');
}

static void open(struct connect_writer *base, uint8_t bracket)
{
	buf_u8(place(base), bracket);
	((struct connect_json_writer *)base)->comma = false;
}

static void close(struct connect_writer *base, uint8_t bracket)
{
	buf_u8(base->out, bracket);
	((struct connect_json_writer *)base)->comma = true;
}

static void array_begin(struct connect_writer *w, size_t n)
{
	(void)n;
	open(w, '[');
}

static void array_end(struct connect_writer *w)
{
	close(w, ']');
}

static void map_begin(struct connect_writer *w, size_t n)
{
	(void)n;
	open(w, '{');
}

static void struct_begin(struct connect_writer *w)
{
	open(w, '{');
}

static void struct_end(struct connect_writer *w)
{
	close(w, '}');
}

static void field(struct connect_writer *base, const char *name, size_t len)
{
	print_string((const uint8_t *)name, len, place(base));
	buf_u8(base->out, ':');
	((struct connect_json_writer *)base)->comma = false;
}

static void name(struct connect_writer *base, const struct connect_name *name)
{
	struct connect_json_writer *w = (struct connect_json_writer *)base;

	buf_append(base->out, name->json + !w->comma, name->json_len - !w->comma);
	w->comma = false;
}

static const struct connect_writer_ops ops = {
	.optional = optional,
	.boolean = boolean,
	.integer = integer,
	.float32 = float32,
	.float64 = float64,
	.string = string,
	.bytes = bytes,
	.array_begin = array_begin,
	.array_end = array_end,
	.map_begin = map_begin,
	.map_end = struct_end,
	.struct_begin = struct_begin,
	.struct_end = struct_end,
	.field = field,
	.name = name,
};

struct connect_name connect_name_make(struct arena *arena, const char *text)
{
	struct connect_name made = {.text = arena_strdup(arena, text), .len = strlen(text)};
	struct buf json;

	buf_init(&json, BUF_MAX);
	buf_u8(&json, ',');
	print_string((const uint8_t *)text, made.len, &json);
	buf_u8(&json, ':');
	made.json_len = json.len;
	made.json = arena_strdup(arena, buf_text(&json));
	buf_release(&json);
	return made;
}

void connect_json_writer_init(struct connect_json_writer *w, struct buf *out)
{
	*w = (struct connect_json_writer){.base = {.ops = &ops, .out = out}};
}
