/* Dates and times from integers of their units and from ISO 8601. */
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "formats/debezium/decode.h"
#include "formats/iso.h"
#include "formats/pgtype/forms.h"

#define DAY_US (86400 * ISO_SECOND_US)

/* --- ISO 8601 --------------------------------------------------------------------------------- */

static bool take_day(struct iso_text *t, int64_t *days)
{
	bool negative = iso_take(t, '-');
	struct civil date;

	if (!negative)
		iso_take(t, '+');
	if (!iso_take_date(t, 9, &date))
		return false;
	date.year = negative ? -date.year : date.year;
	*days = civil_to_days(date);
	return true;
}

/* Seconds may be left out. */
static bool take_clock(struct iso_text *t, int64_t *us)
{
	return iso_take_minutes(t, us) && (!iso_take(t, ':') || iso_take_seconds(t, us));
}

/* "Z", "+02", "+0530", "-05:30"; none is UTC. */
static bool take_zone(struct iso_text *t, int64_t *us)
{
	int64_t hour, minute = 0;
	bool west;

	*us = 0;
	if (iso_take(t, 'Z'))
		return true;
	west = iso_take(t, '-');
	if (!west && !iso_take(t, '+'))
		return true;
	if (!iso_take_number(t, 2, 2, &hour))
		return false;
	bool more = iso_take(t, ':') || t->at < t->end;
	if (more && !iso_take_number(t, 2, 2, &minute))
		return false;
	*us = (west ? 1 : -1) * (hour * 60 + minute) * 60 * ISO_SECOND_US;
	return true;
}

bool iso_parse(const uint8_t *text, size_t len, int64_t *us)
{
	struct iso_text t = {text, text + len};
	int64_t days, clock_us = 0, zone_us;

	if (!take_day(&t, &days))
		return false;
	if ((iso_take(&t, 'T') || iso_take(&t, ' ')) && !take_clock(&t, &clock_us))
		return false;
	if (!take_zone(&t, &zone_us) || t.at != t.end)
		return false;
	if (__builtin_mul_overflow(days, DAY_US, us))
		*us = days < 0 ? INT64_MIN / 2 : INT64_MAX / 2;
	*us += clock_us + zone_us;
	return true;
}

/* Part after part, without those that are zero. */
bool iso_interval(const uint8_t *text, size_t len, struct buf *out)
{
	struct iso_text t = {text, text + len};
	bool in_time = false, time_begun = false;
	size_t from = out->len;

	if (!iso_take(&t, 'P'))
		return false;
	buf_u8(out, 'P');
	while (t.at < t.end) {
		in_time = in_time || iso_take(&t, 'T');
		const uint8_t *part = t.at;
		bool zero = true;
		for (; t.at < t.end && memchr("-+.0123456789", *t.at, 13); t.at++)
			zero = zero && (*t.at < '1' || *t.at > '9');
		if (t.at == part || t.at == t.end)
			return false;
		t.at++;
		if (zero)
			continue;
		if (in_time && !time_begun)
			buf_u8(out, 'T');
		time_begun = in_time;
		buf_append(out, part, (size_t)(t.at - part));
	}
	if (out->len == from + 1)
		buf_append(out, "T0S", 3);
	return true;
}

static void print_part(int64_t v, char unit, struct buf *out)
{
	if (v)
		buf_printf(out, "%lld%c", (long long)v, unit);
}

/* Debezium's microseconds know neither months nor days: hours, as of an interval that never had any. */
void iso_duration(int64_t us, struct buf *out)
{
	int64_t seconds = us / ISO_SECOND_US, fraction = us % ISO_SECOND_US;

	if (!us) {
		buf_append(out, "PT0S", 4);
		return;
	}
	buf_append(out, "PT", 2);
	print_part(seconds / 3600, 'H', out);
	print_part(seconds / 60 % 60, 'M', out);
	if (!(seconds % 60) && !fraction)
		return;
	if (us < 0)
		buf_u8(out, '-');
	pg_print_padded((uint64_t)llabs(seconds % 60), 1, out);
	pg_print_seconds_fraction(llabs(fraction), out);
	buf_u8(out, 'S');
}

/* --- Into columns ----------------------------------------------------------------------------- */

static bool no_time(const struct decoder *d, struct error *err)
{
	return error_set(err, ERROR_DATA, "the text is no %s in ISO 8601", d->pg.name);
}

static bool is_infinity(const struct connect_reader *r)
{
	return (r->len == 8 && !memcmp(r->data, "infinity", 8)) ||
	       (r->len == 9 && !memcmp(r->data, "-infinity", 9));
}

/* pgtype knows the range of the target, and what clamping is. */
static bool add_days(
	const struct decoder *d, int64_t days, struct column *column, struct error *err)
{
	int64_t since = days - PG_EPOCH_DAYS;
	uint8_t bytes[4];

	since = since < INT32_MIN ? INT32_MIN : since > INT32_MAX ? INT32_MAX : since;
	uint32_t v = __builtin_bswap32((uint32_t)since);
	memcpy(bytes, &v, sizeof v);
	return pg_date_binary(&d->pg, bytes, sizeof bytes, column, err);
}

static bool add_us(const struct decoder *d, int64_t us, struct column *column, struct error *err)
{
	int64_t since;
	uint8_t bytes[8];

	if (__builtin_sub_overflow(us, PG_EPOCH_US, &since))
		since = INT64_MIN;
	uint64_t v = __builtin_bswap64((uint64_t)since);
	memcpy(bytes, &v, sizeof v);
	return pg_timestamp_binary(&d->pg, bytes, sizeof bytes, column, err);
}

bool decode_date(const struct decoder *d, struct connect_reader *r, enum connect_token token,
	struct column *column, struct error *err)
{
	int64_t us;

	if (token == TOKEN_INTEGER && d->wire == WIRE_DAYS) {
		int64_t far = INT64_C(1) << 40;
		return add_days(d,
			r->integer > far    ? far
			: r->integer < -far ? -far
					    : r->integer,
			column, err);
	}
	if (token != TOKEN_STRING)
		return wrong_token(d, token, err);
	if (is_infinity(r))
		return pg_date_text(&d->pg, r->data, r->len, column, err);
	if (!iso_parse(r->data, r->len, &us))
		return no_time(d, err);
	return add_days(d, floor_div(us, DAY_US), column, err);
}

static int64_t to_us(const struct decoder *d, int64_t v)
{
	int64_t us, unit_us = d->unit_ns / 1000;

	if (!unit_us)
		return floor_div(v, 1000);
	if (__builtin_mul_overflow(v, unit_us, &us))
		return v < 0 ? INT64_MIN : INT64_MAX;
	return us;
}

bool decode_timestamp(const struct decoder *d, struct connect_reader *r, enum connect_token token,
	struct column *column, struct error *err)
{
	int64_t us;

	if (token == TOKEN_INTEGER && d->wire == WIRE_TIMESTAMP)
		return add_us(d, to_us(d, r->integer), column, err);
	if (token != TOKEN_STRING)
		return wrong_token(d, token, err);
	if (is_infinity(r))
		return pg_timestamp_text(&d->pg, r->data, r->len, column, err);
	if (!iso_parse(r->data, r->len, &us))
		return no_time(d, err);
	return add_us(d, us, column, err);
}
