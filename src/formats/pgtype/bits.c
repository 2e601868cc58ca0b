/* Bit strings, and the system's own types that users seldom keep: tid, snapshots, vectors of
 * numbers. */
#include <inttypes.h>
#include "formats/pgtype/forms.h"

#define OID_INT2 21

/* bit, varbit: the number of bits, and the bits. */
bool pg_render_bit(const struct pg_codec *c, const uint8_t *data, size_t len, struct buf *out,
	struct error *err)
{
	if (len < 4)
		return pg_bad_binary(c, err);
	size_t bits = pg_load32(data);
	if ((bits + 7) / 8 != len - 4 || bits > INT32_MAX)
		return pg_bad_binary(c, err);
	if (!bits)
		return true;
	uint8_t *to = buf_extend(out, bits);
	for (size_t i = 0; i < bits; i++)
		to[i] = data[4 + i / 8] & (0x80 >> i % 8) ? '1' : '0';
	return true;
}

/* tid: block and offset. */
bool pg_render_tid(const struct pg_codec *c, const uint8_t *data, size_t len, struct buf *out,
	struct error *err)
{
	if (len != 6)
		return pg_bad_binary(c, err);
	buf_printf(out, "(%u,%u)", pg_load32(data), pg_load16(data + 4));
	return true;
}

/* pg_snapshot: the number of transactions in progress, xmin, xmax, and they. */
bool pg_render_snapshot(const struct pg_codec *c, const uint8_t *data, size_t len, struct buf *out,
	struct error *err)
{
	if (len < 20 || (len - 20) % 8 || (len - 20) / 8 != pg_load32(data))
		return pg_bad_binary(c, err);
	buf_printf(out, "%" PRIu64 ":%" PRIu64 ":", pg_load64(data + 4), pg_load64(data + 12));
	for (size_t at = 20; at < len; at += 8)
		buf_printf(out, at > 20 ? ",%" PRIu64 : "%" PRIu64, pg_load64(data + at));
	return true;
}

/* int2vector, oidvector: sent as arrays of one dimension without NULLs, printed with blanks
 * between. */
bool pg_render_vector(const struct pg_codec *c, const uint8_t *data, size_t len, struct buf *out,
	struct error *err)
{
	struct pg_wire w = {data, data + len};
	uint32_t dims, flags, element, n = 0, lower;
	const uint8_t *value;
	size_t size;

	if (!pg_wire_u32(&w, &dims) || !pg_wire_u32(&w, &flags) || !pg_wire_u32(&w, &element) ||
		dims > 1 || (dims && (!pg_wire_u32(&w, &n) || !pg_wire_u32(&w, &lower))))
		return pg_bad_binary(c, err);
	size_t width = element == OID_INT2 ? 2 : 4;
	for (uint32_t i = 0; i < n; i++) {
		if (!pg_wire_value(&w, &value, &size) || !value || size != width)
			return pg_bad_binary(c, err);
		if (i)
			buf_u8(out, ' ');
		if (width == 2)
			buf_printf(out, "%d", (int16_t)pg_load16(value));
		else
			buf_printf(out, "%u", pg_load32(value));
	}
	return w.at == w.end || pg_bad_binary(c, err);
}
