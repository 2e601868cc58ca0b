/* Times in Debezium's forms: integers of a unit, or ISO 8601 in UTC as Java prints it. */
#include <stdlib.h>
#include "base/clock.h"
#include "base/text.h"
#include "formats/debezium/field.h"

#define SECOND_US INT64_C(1000000)
#define DAY_US    (86400 * SECOND_US)

static int64_t read_i64(const struct column *c, size_t row)
{
	int64_t v;

	memcpy(&v, column_fixed(c, row, sizeof v), sizeof v);
	return v;
}

static int32_t read_i32(const struct column *c, size_t row)
{
	int32_t v;

	memcpy(&v, column_fixed(c, row, sizeof v), sizeof v);
	return v;
}

static bool write_units(
	const struct field *f, int64_t us, struct connect_writer *w, struct error *err)
{
	int64_t v;

	if (f->units_us < 0)
		v = floor_div(us, -f->units_us);
	else if (__builtin_mul_overflow(us, f->units_us, &v))
		return error_set(err, ERROR_DATA, "the time is out of the range of nanoseconds");
	w->ops->integer(w, v);
	return true;
}

/* --- ISO 8601 --------------------------------------------------------------------------------- */

/* Digits of a fixed width; what stands behind them. */
static char *put_digits(char *out, uint64_t v, int width)
{
	for (int i = width; i-- > 0; v /= 10)
		out[i] = (char)('0' + v % 10);
	return out + width;
}

static char *put_day(char *out, int64_t days)
{
	struct civil day = civil_from_days(days);
	uint64_t year = (uint64_t)llabs(day.year);
	int width = 4;

	for (uint64_t most = 9999; year > most; most = most * 10 + 9)
		width++;
	if (day.year < 0 || day.year > 9999)
		*out++ = day.year < 0 ? '-' : '+';
	out = put_digits(out, year, width);
	*out++ = '-';
	out = put_digits(out, (uint64_t)day.month, 2);
	*out++ = '-';
	return put_digits(out, (uint64_t)day.day, 2);
}

/* Of a fraction `digits`; -1: as many as there are. */
static char *put_fraction(char *out, int64_t us, int digits)
{
	int width = 6;

	if (!digits || (digits < 0 && !us))
		return out;
	for (; digits < 0 ? us % 10 == 0 : width > digits; us /= 10)
		width--;
	*out++ = '.';
	return put_digits(out, (uint64_t)us, width);
}

static char *put_time(char *out, int64_t us, int digits)
{
	uint64_t second = (uint64_t)(us / SECOND_US);

	out = put_digits(out, second / 3600, 2);
	*out++ = ':';
	out = put_digits(out, second / 60 % 60, 2);
	*out++ = ':';
	out = put_digits(out, second % 60, 2);
	return put_fraction(out, us % SECOND_US, digits);
}

static size_t print_timestamp(char *text, int64_t us, int digits)
{
	int64_t days = floor_div(us, DAY_US);
	char *end = put_day(text, days);

	*end++ = 'T';
	end = put_time(end, us - days * DAY_US, digits);
	*end++ = 'Z';
	return (size_t)(end - text);
}

/* --- Dates and timestamps --------------------------------------------------------------------- */

bool write_date(const struct field *f, const struct column *c, size_t row, struct connect_writer *w,
	struct error *err)
{
	(void)f;
	(void)err;
	w->ops->integer(w, read_i32(c, row));
	return true;
}

bool write_iso_date(const struct field *f, const struct column *c, size_t row,
	struct connect_writer *w, struct error *err)
{
	char text[40], *end = put_day(text, read_i32(c, row));

	(void)f;
	(void)err;
	*end++ = 'Z';
	w->ops->string(w, text, (size_t)(end - text));
	return true;
}

bool write_timestamp(const struct field *f, const struct column *c, size_t row,
	struct connect_writer *w, struct error *err)
{
	return write_units(f, read_i64(c, row), w, err);
}

bool write_iso_timestamp(const struct field *f, const struct column *c, size_t row,
	struct connect_writer *w, struct error *err)
{
	char text[64];

	(void)f;
	(void)err;
	w->ops->string(w, text, print_timestamp(text, read_i64(c, row), -1));
	return true;
}

bool write_zoned_timestamp(const struct field *f, const struct column *c, size_t row,
	struct connect_writer *w, struct error *err)
{
	char text[64];

	(void)err;
	w->ops->string(w, text, print_timestamp(text, read_i64(c, row), f->digits));
	return true;
}

/* --- time, timetz: the batch has PostgreSQL's text -------------------------------------------- */

struct text {
	const char *at, *end;
};

static struct text text_of(const struct column *c, size_t row)
{
	size_t len;
	const char *at = (const char *)column_string(c, row, &len);

	return (struct text){at, at + len};
}

static bool take_two(struct text *t, int64_t *out)
{
	if (t->end - t->at < 2 || t->at[0] < '0' || t->at[0] > '9' || t->at[1] < '0' ||
		t->at[1] > '9')
		return false;
	*out = (t->at[0] - '0') * 10 + (t->at[1] - '0');
	t->at += 2;
	return true;
}

static bool take(struct text *t, char ch)
{
	if (t->at == t->end || *t->at != ch)
		return false;
	t->at++;
	return true;
}

/* "04:05:06", "+05", "-15:59:59": what is left out is 0. */
static bool take_clock(struct text *t, int64_t *seconds)
{
	int64_t hour, minute = 0, second = 0;

	if (!take_two(t, &hour) || (take(t, ':') && !take_two(t, &minute)) ||
		(take(t, ':') && !take_two(t, &second)))
		return false;
	*seconds = (hour * 60 + minute) * 60 + second;
	return true;
}

static void take_fraction(struct text *t, int64_t *us)
{
	int64_t unit = SECOND_US / 10;

	if (!take(t, '.'))
		return;
	for (; t->at < t->end && *t->at >= '0' && *t->at <= '9'; unit /= 10)
		*us += (*t->at++ - '0') * unit;
}

static bool take_time(struct text *t, int64_t *us)
{
	int64_t seconds;

	if (!take_clock(t, &seconds))
		return false;
	*us = seconds * SECOND_US;
	take_fraction(t, us);
	return true;
}

static bool no_form(const struct column *c, size_t row, const char *what, struct error *err)
{
	size_t len;
	const uint8_t *text = column_string(c, row, &len);

	return error_set(
		err, ERROR_DATA, "\"%.*s\" is not %s", (int)(len < 40 ? len : 40), text, what);
}

static bool read_time(const struct column *c, size_t row, int64_t *us, struct error *err)
{
	struct text t = text_of(c, row);

	return (take_time(&t, us) && t.at == t.end) || no_form(c, row, "a time", err);
}

bool write_time(const struct field *f, const struct column *c, size_t row, struct connect_writer *w,
	struct error *err)
{
	int64_t us;

	return read_time(c, row, &us, err) && write_units(f, us, w, err);
}

bool write_iso_time(const struct field *f, const struct column *c, size_t row,
	struct connect_writer *w, struct error *err)
{
	char text[32];
	int64_t us;

	(void)f;
	if (!read_time(c, row, &us, err))
		return false;
	char *end = put_time(text, us, -1);
	*end++ = 'Z';
	w->ops->string(w, text, (size_t)(end - text));
	return true;
}

/* In UTC, around midnight where need be; 24:00:00+00 stays what it is. */
bool write_zoned_time(const struct field *f, const struct column *c, size_t row,
	struct connect_writer *w, struct error *err)
{
	struct text t = text_of(c, row);
	char text[32];
	int64_t us, east = 0;

	(void)f;
	if (!take_time(&t, &us))
		return no_form(c, row, "a time with a time zone", err);
	bool west = take(&t, '-');
	if ((!west && !take(&t, '+')) || !take_clock(&t, &east) || t.at != t.end)
		return no_form(c, row, "a time with a time zone", err);
	if (east)
		us = (us + (west ? east : -east) * SECOND_US + 2 * DAY_US) % DAY_US;
	char *end = put_time(text, us, -1);
	*end++ = 'Z';
	w->ops->string(w, text, (size_t)(end - text));
	return true;
}

/* --- interval: "P1Y2M3DT-4H5M-6.7S" ----------------------------------------------------------- */

struct interval {
	int64_t years, months, days, hours, minutes;
	int64_t us; /* of the seconds */
};

static bool take_part(struct text *t, struct interval *v, bool in_time)
{
	bool negative = take(t, '-');
	int64_t n = 0, us = 0;
	const char *from = t->at;

	while (t->at < t->end && *t->at >= '0' && *t->at <= '9' && t->at - from < 18)
		n = n * 10 + (*t->at++ - '0');
	take_fraction(t, &us);
	if (t->at == from || t->at == t->end)
		return false;
	n = negative ? -n : n;
	switch (*t->at++) {
	case 'Y': v->years = n; return !in_time;
	case 'M': *(in_time ? &v->minutes : &v->months) = n; return true;
	case 'D': v->days = n; return !in_time;
	case 'H': v->hours = n; return in_time;
	case 'S': v->us = n * SECOND_US + (negative ? -us : us); return in_time;
	default: return false;
	}
}

static bool read_interval(
	const struct column *c, size_t row, struct interval *out, struct error *err)
{
	struct text t = text_of(c, row);
	bool in_time = false, fine = take(&t, 'P');

	*out = (struct interval){0};
	while (fine && t.at < t.end) {
		in_time = in_time || take(&t, 'T');
		fine = take_part(&t, out, in_time);
	}
	return fine || no_form(c, row, "a finite interval", err);
}

/* As Debezium's MicroDuration computes it, in its order of operations: a month is 30.4375 days. */
bool write_duration(const struct field *f, const struct column *c, size_t row,
	struct connect_writer *w, struct error *err)
{
	struct interval v;

	(void)f;
	if (!read_interval(c, row, &v, err))
		return false;
	double days = (double)(v.years * 12 + v.months) * (365.25 / 12.0) + (double)v.days;
	double seconds = ((days * 24 + (double)v.hours) * 60 + (double)v.minutes) * 60 +
			 (double)v.us / 1e6;
	double us = seconds * 1e6;
	if (us >= 0x1p63 || us < -0x1p63)
		return no_form(c, row, "an interval of less than 292,000 years", err);
	w->ops->integer(w, (int64_t)us);
	return true;
}

static char *put_part(char *out, int64_t v, char unit)
{
	struct buf text = {.data = (uint8_t *)out, .cap = 24, .max = 24};

	text_print_int(v, &text);
	text.data[text.len++] = (uint8_t)unit;
	return out + text.len;
}

bool write_interval(const struct field *f, const struct column *c, size_t row,
	struct connect_writer *w, struct error *err)
{
	struct interval v;
	char text[160], *end = text;

	(void)f;
	if (!read_interval(c, row, &v, err))
		return false;
	*end++ = 'P';
	end = put_part(end, v.years, 'Y');
	end = put_part(end, v.months, 'M');
	end = put_part(end, v.days, 'D');
	*end++ = 'T';
	end = put_part(end, v.hours, 'H');
	end = put_part(end, v.minutes, 'M');
	if (v.us < 0)
		*end++ = '-';
	end = put_part(end, llabs(v.us) / SECOND_US, 'S');
	end = put_fraction(end - 1, llabs(v.us) % SECOND_US, -1);
	*end++ = 'S';
	w->ops->string(w, text, (size_t)(end - text));
	return true;
}
