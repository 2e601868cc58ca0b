/*
 * Composites, ranges and multiranges, rendered by the renderers of their parts. record_send: the
 * number of fields, and of each its type and value. range_send: flags, then the bounds that there
 * are. multirange_send: the number of ranges, and each with its length.
 */
#include "formats/pgtype/forms.h"

#define RANGE_EMPTY    0x01
#define RANGE_LOWER_IN 0x02
#define RANGE_UPPER_IN 0x04
#define RANGE_NO_LOWER 0x08
#define RANGE_NO_UPPER 0x10

static bool render_part(const struct pg_codec *part, const uint8_t *data, size_t len,
	enum pg_quoting quoting, struct buf *out, struct error *err)
{
	size_t from = out->len;

	if (!part->render(part, data, len, out, err))
		return false;
	pg_quote_tail(out, from, quoting, ',');
	return true;
}

static bool altered(const struct pg_codec *c, struct error *err)
{
	return error_set(err, ERROR_TABLE,
		"composite type %s is no longer what the catalog said: it was altered", c->name);
}

bool pg_render_record(const struct pg_codec *c, const uint8_t *data, size_t len, struct buf *out,
	struct error *err)
{
	struct pg_wire w = {data, data + len};
	uint32_t n, type;

	if (!pg_wire_u32(&w, &n))
		return pg_bad_binary(c, err);
	if (n != c->n_children)
		return altered(c, err);
	buf_u8(out, '(');
	for (size_t i = 0; i < n; i++) {
		const uint8_t *value;
		size_t value_len;
		if (!pg_wire_u32(&w, &type) || !pg_wire_value(&w, &value, &value_len))
			return pg_bad_binary(c, err);
		if (type != c->children[i].oid)
			return altered(c, err);
		if (i)
			buf_u8(out, ',');
		if (value &&
			!render_part(&c->children[i], value, value_len, PG_QUOTE_RECORD, out, err))
			return false;
	}
	buf_u8(out, ')');
	return w.at == w.end || pg_bad_binary(c, err);
}

static bool render_bound(
	const struct pg_codec *c, struct pg_wire *w, struct buf *out, struct error *err)
{
	const uint8_t *value;
	size_t len;

	if (!pg_wire_value(w, &value, &len) || !value)
		return pg_bad_binary(c, err);
	return render_part(&c->children[0], value, len, PG_QUOTE_RANGE, out, err);
}

bool pg_render_range(const struct pg_codec *c, const uint8_t *data, size_t len, struct buf *out,
	struct error *err)
{
	struct pg_wire w = {data, data + len};
	uint8_t flags;

	if (!pg_wire_u8(&w, &flags))
		return pg_bad_binary(c, err);
	if (flags & RANGE_EMPTY) {
		buf_append(out, "empty", 5);
		return w.at == w.end || pg_bad_binary(c, err);
	}
	buf_u8(out, flags & RANGE_LOWER_IN ? '[' : '(');
	if (!(flags & RANGE_NO_LOWER) && !render_bound(c, &w, out, err))
		return false;
	buf_u8(out, ',');
	if (!(flags & RANGE_NO_UPPER) && !render_bound(c, &w, out, err))
		return false;
	buf_u8(out, flags & RANGE_UPPER_IN ? ']' : ')');
	return w.at == w.end || pg_bad_binary(c, err);
}

bool pg_render_multirange(const struct pg_codec *c, const uint8_t *data, size_t len,
	struct buf *out, struct error *err)
{
	struct pg_wire w = {data, data + len};
	const struct pg_codec *range = &c->children[0];
	uint32_t n;

	if (!pg_wire_u32(&w, &n))
		return pg_bad_binary(c, err);
	buf_u8(out, '{');
	for (uint32_t i = 0; i < n; i++) {
		const uint8_t *value;
		size_t value_len;
		if (!pg_wire_value(&w, &value, &value_len) || !value)
			return pg_bad_binary(c, err);
		if (i)
			buf_u8(out, ',');
		if (!range->render(range, value, value_len, out, err))
			return false;
	}
	buf_u8(out, '}');
	return w.at == w.end || pg_bad_binary(c, err);
}
