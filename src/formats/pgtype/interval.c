/* interval: microseconds, days and months in binary; ISO 8601 ("P1Y2M3DT4H5M6.7S") in text. */
#include "formats/pgtype/forms.h"

static void print_part(int64_t value, char unit, struct buf *out)
{
	if (!value)
		return;
	if (value < 0)
		buf_u8(out, '-');
	pg_print_padded(value < 0 ? -(uint64_t)value : (uint64_t)value, 1, out);
	buf_u8(out, (uint8_t)unit);
}

static void print_seconds(int64_t us, struct buf *out)
{
	if (!us)
		return;
	if (us < 0)
		buf_u8(out, '-');
	us = us < 0 ? -us : us;
	pg_print_padded((uint64_t)(us / 1000000), 1, out);
	pg_print_seconds_fraction(us % 1000000, out);
	buf_u8(out, 'S');
}

/* Since PostgreSQL 17 the extremes of all three fields together are the infinities. */
static bool print_infinite(int64_t us, int32_t days, int32_t months, struct buf *out)
{
	if (us == INT64_MAX && days == INT32_MAX && months == INT32_MAX)
		buf_append(out, "infinity", 8);
	else if (us == INT64_MIN && days == INT32_MIN && months == INT32_MIN)
		buf_append(out, "-infinity", 9);
	else
		return false;
	return true;
}

bool pg_render_interval(const struct pg_codec *c, const uint8_t *data, size_t len, struct buf *out,
	struct error *err)
{
	if (len != 16)
		return pg_bad_binary(c, err);
	int64_t us = (int64_t)pg_load64(data);
	int32_t days = (int32_t)pg_load32(data + 8), months = (int32_t)pg_load32(data + 12);
	if (print_infinite(us, days, months, out))
		return true;
	if (!us && !days && !months) {
		buf_append(out, "PT0S", 4);
		return true;
	}
	buf_u8(out, 'P');
	print_part(months / 12, 'Y', out);
	print_part(months % 12, 'M', out);
	print_part(days, 'D', out);
	if (us)
		buf_u8(out, 'T');
	print_part(us / INT64_C(3600000000), 'H', out);
	print_part(us / 60000000 % 60, 'M', out);
	print_seconds(us % 60000000, out);
	return true;
}
