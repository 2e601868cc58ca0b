/*
 * Dates and times. In binary, days or microseconds since 2000-01-01, the extremes of the integer
 * being the infinities; in text, ISO with a BC behind, in UTC. What the target's Date32 and
 * DateTime64(6) hold ends with the year 2299.
 */
#include "formats/iso.h"
#include "formats/pgtype/forms.h"

#define FIRST_DAY    INT64_C(-25567) /* 1900-01-01 */
#define LAST_DAY     INT64_C(120529) /* 2299-12-31 */
#define FIRST_US     (FIRST_DAY * PG_DAY_US)
#define LAST_US      ((LAST_DAY + 1) * PG_DAY_US - 1)
#define MAX_YEAR     INT64_C(5874897) /* of a date, after Christ */
#define ZONE_SECONDS (16 * 3600)      /* less than that, east or west */

/* --- Into the column -------------------------------------------------------------------------- */

static bool out_of_range(const struct pg_codec *c, struct error *err)
{
	return error_set(err, ERROR_DATA,
		"the %s is infinite or not within the years 1900 to 2299, which is what "
		"the target holds; `out_of_range: clamp` takes the nearest it holds",
		c->name);
}

static bool add_days(
	const struct pg_codec *c, int64_t days, struct column *column, struct error *err)
{
	if (days < FIRST_DAY || days > LAST_DAY) {
		if (!c->clamp)
			return out_of_range(c, err);
		days = days < FIRST_DAY ? FIRST_DAY : LAST_DAY;
	}
	int32_t v = (int32_t)days;
	memcpy(column_add_fixed(column, sizeof v), &v, sizeof v);
	return true;
}

static bool add_us(const struct pg_codec *c, int64_t us, struct column *column, struct error *err)
{
	if (__builtin_expect(us < FIRST_US || us > LAST_US, 0)) {
		if (!c->clamp)
			return out_of_range(c, err);
		us = us < FIRST_US ? FIRST_US : LAST_US;
	}
	memcpy(column_add_fixed(column, sizeof us), &us, sizeof us);
	return true;
}

bool pg_date_binary(const struct pg_codec *c, const uint8_t *data, size_t len,
	struct column *column, struct error *err)
{
	if (len != 4)
		return pg_bad_binary(c, err);
	return add_days(c, (int64_t)(int32_t)pg_load32(data) + PG_EPOCH_DAYS, column, err);
}

bool pg_timestamp_binary(const struct pg_codec *c, const uint8_t *data, size_t len,
	struct column *column, struct error *err)
{
	int64_t us;

	if (len != 8)
		return pg_bad_binary(c, err);
	if (__builtin_add_overflow((int64_t)pg_load64(data), PG_EPOCH_US, &us))
		us = INT64_MAX;
	return add_us(c, us, column, err);
}

/* --- Reading text ----------------------------------------------------------------------------- */

static bool take_date(struct iso_text *t, struct civil *out)
{
	return iso_take_date(t, 7, out) && out->year > 0 && out->year <= MAX_YEAR;
}

static bool take_time(struct iso_text *t, int64_t *us)
{
	return iso_take_minutes(t, us) && iso_take(t, ':') && iso_take_seconds(t, us);
}

/* "+05:30" is east, what is before UTC. No zone is none. */
static bool take_zone(struct iso_text *t, int64_t *us)
{
	bool west = iso_take(t, '-');
	int64_t hour, minute = 0, second = 0;

	*us = 0;
	if (!west && !iso_take(t, '+'))
		return true;
	if (!iso_take_number(t, 2, 2, &hour) ||
		(iso_take(t, ':') && !iso_take_number(t, 2, 2, &minute)) ||
		(iso_take(t, ':') && !iso_take_number(t, 2, 2, &second)))
		return false;
	int64_t seconds = (hour * 60 + minute) * 60 + second;
	*us = (west ? seconds : -seconds) * ISO_SECOND_US;
	return seconds < ZONE_SECONDS;
}

static bool take_era(struct iso_text *t, struct civil *date)
{
	if (iso_take(t, ' ')) {
		if (!iso_take(t, 'B') || !iso_take(t, 'C'))
			return false;
		date->year = 1 - date->year;
	}
	return t->at == t->end;
}

static bool is_text(const uint8_t *data, size_t len, const char *text)
{
	return len == strlen(text) && !memcmp(data, text, len);
}

bool pg_date_text(const struct pg_codec *c, const uint8_t *data, size_t len, struct column *column,
	struct error *err)
{
	struct iso_text t = {data, data + len};
	struct civil date;

	if (is_text(data, len, "infinity"))
		return add_days(c, INT64_MAX, column, err);
	if (is_text(data, len, "-infinity"))
		return add_days(c, INT64_MIN, column, err);
	if (!take_date(&t, &date) || !take_era(&t, &date))
		return pg_bad_text(c, err);
	return add_days(c, civil_to_days(date), column, err);
}

bool pg_timestamp_text(const struct pg_codec *c, const uint8_t *data, size_t len,
	struct column *column, struct error *err)
{
	struct iso_text t = {data, data + len};
	struct civil date;
	int64_t time_us, zone_us;

	if (is_text(data, len, "infinity"))
		return add_us(c, INT64_MAX, column, err);
	if (is_text(data, len, "-infinity"))
		return add_us(c, INT64_MIN, column, err);
	if (!take_date(&t, &date) || !iso_take(&t, ' ') || !take_time(&t, &time_us) ||
		!take_zone(&t, &zone_us) || !take_era(&t, &date))
		return pg_bad_text(c, err);
	int64_t days = civil_to_days(date);
	if (days < FIRST_DAY - 1 || days > LAST_DAY + 1)
		return add_us(c, days < 0 ? INT64_MIN : INT64_MAX, column, err);
	return add_us(c, days * PG_DAY_US + time_us + zone_us, column, err);
}

/* --- Text of binary values -------------------------------------------------------------------- */

void pg_print_padded(uint64_t value, int width, struct buf *out)
{
	char digits[20];
	int n = 0;

	for (; value || n < width; value /= 10)
		digits[n++] = (char)('0' + value % 10);
	while (n)
		buf_u8(out, (uint8_t)digits[--n]);
}

/* ".5" of 500,000; nothing of 0. */
void pg_print_seconds_fraction(int64_t us, struct buf *out)
{
	int width = 6;

	if (!us)
		return;
	for (; us % 10 == 0; us /= 10)
		width--;
	buf_u8(out, '.');
	pg_print_padded((uint64_t)us, width, out);
}

void pg_print_time(int64_t us, struct buf *out)
{
	int64_t seconds = us / ISO_SECOND_US;

	pg_print_padded((uint64_t)(seconds / 3600), 2, out);
	buf_u8(out, ':');
	pg_print_padded((uint64_t)(seconds / 60 % 60), 2, out);
	buf_u8(out, ':');
	pg_print_padded((uint64_t)(seconds % 60), 2, out);
	pg_print_seconds_fraction(us % ISO_SECOND_US, out);
}

/* Returns whether it is before Christ: the caller writes that last. */
static bool print_date(int64_t days, struct buf *out)
{
	struct civil date = civil_from_days(days);
	bool bc = date.year <= 0;

	pg_print_padded((uint64_t)(bc ? 1 - date.year : date.year), 4, out);
	buf_u8(out, '-');
	pg_print_padded((uint64_t)date.month, 2, out);
	buf_u8(out, '-');
	pg_print_padded((uint64_t)date.day, 2, out);
	return bc;
}

static bool print_infinity(bool negative, struct buf *out)
{
	if (negative)
		buf_u8(out, '-');
	buf_append(out, "infinity", 8);
	return true;
}

bool pg_render_date(const struct pg_codec *c, const uint8_t *data, size_t len, struct buf *out,
	struct error *err)
{
	if (len != 4)
		return pg_bad_binary(c, err);
	int32_t days = (int32_t)pg_load32(data);
	if (days == INT32_MIN || days == INT32_MAX)
		return print_infinity(days < 0, out);
	if (print_date((int64_t)days + PG_EPOCH_DAYS, out))
		buf_append(out, " BC", 3);
	return true;
}

static bool render_timestamp(const struct pg_codec *c, const uint8_t *data, size_t len,
	const char *zone, struct buf *out, struct error *err)
{
	if (len != 8)
		return pg_bad_binary(c, err);
	int64_t us = (int64_t)pg_load64(data);
	if (us == INT64_MIN || us == INT64_MAX)
		return print_infinity(us < 0, out);
	int64_t days = us / PG_DAY_US, time_us = us % PG_DAY_US;
	if (time_us < 0) {
		days--;
		time_us += PG_DAY_US;
	}
	bool bc = print_date(days + PG_EPOCH_DAYS, out);
	buf_u8(out, ' ');
	pg_print_time(time_us, out);
	buf_append(out, zone, strlen(zone));
	if (bc)
		buf_append(out, " BC", 3);
	return true;
}

bool pg_render_timestamp(const struct pg_codec *c, const uint8_t *data, size_t len, struct buf *out,
	struct error *err)
{
	return render_timestamp(c, data, len, "", out, err);
}

bool pg_render_timestamptz(const struct pg_codec *c, const uint8_t *data, size_t len,
	struct buf *out, struct error *err)
{
	return render_timestamp(c, data, len, "+00", out, err);
}

static bool good_time(int64_t us)
{
	return us >= 0 && us <= PG_DAY_US;
}

bool pg_render_time(const struct pg_codec *c, const uint8_t *data, size_t len, struct buf *out,
	struct error *err)
{
	if (len != 8 || !good_time((int64_t)pg_load64(data)))
		return pg_bad_binary(c, err);
	pg_print_time((int64_t)pg_load64(data), out);
	return true;
}

bool pg_render_timetz(const struct pg_codec *c, const uint8_t *data, size_t len, struct buf *out,
	struct error *err)
{
	if (len != 12 || !good_time((int64_t)pg_load64(data)))
		return pg_bad_binary(c, err);
	int32_t west = (int32_t)pg_load32(data + 8);
	if (west <= -ZONE_SECONDS || west >= ZONE_SECONDS)
		return pg_bad_binary(c, err);
	uint64_t seconds = (uint64_t)(west < 0 ? -west : west);
	pg_print_time((int64_t)pg_load64(data), out);
	buf_u8(out, west > 0 ? '-' : '+');
	pg_print_padded(seconds / 3600, 2, out);
	if (seconds % 3600) {
		buf_u8(out, ':');
		pg_print_padded(seconds / 60 % 60, 2, out);
	}
	if (seconds % 60) {
		buf_u8(out, ':');
		pg_print_padded(seconds % 60, 2, out);
	}
	return true;
}
