/* Parts of ISO 8601; see iso.h. */
#include "formats/iso.h"

bool iso_take(struct iso_text *t, char ch)
{
	if (t->at == t->end || *t->at != (uint8_t)ch)
		return false;
	t->at++;
	return true;
}

static bool is_digit(const struct iso_text *t)
{
	return t->at < t->end && *t->at >= '0' && *t->at <= '9';
}

bool iso_take_number(struct iso_text *t, int least_digits, int most_digits, int64_t *out)
{
	int n = 0;

	for (*out = 0; n < most_digits && is_digit(t); n++)
		*out = *out * 10 + (*t->at++ - '0');
	return n >= least_digits;
}

bool iso_take_date(struct iso_text *t, int most_digits, struct civil *out)
{
	int64_t month, day;

	if (!iso_take_number(t, 4, most_digits, &out->year) || !iso_take(t, '-') ||
		!iso_take_number(t, 2, 2, &month) || !iso_take(t, '-') ||
		!iso_take_number(t, 2, 2, &day))
		return false;
	out->month = (int)month;
	out->day = (int)day;
	return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

bool iso_take_minutes(struct iso_text *t, int64_t *us)
{
	int64_t hour, minute;

	if (!iso_take_number(t, 2, 2, &hour) || !iso_take(t, ':') ||
		!iso_take_number(t, 2, 2, &minute))
		return false;
	*us = (hour * 60 + minute) * 60 * ISO_SECOND_US;
	return true;
}

bool iso_take_seconds(struct iso_text *t, int64_t *us)
{
	int64_t second, unit = ISO_SECOND_US / 10;

	if (!iso_take_number(t, 2, 2, &second))
		return false;
	*us += second * ISO_SECOND_US;
	if (!iso_take(t, '.'))
		return true;
	const uint8_t *from = t->at;
	for (; is_digit(t); unit /= 10)
		*us += (*t->at++ - '0') * unit;
	return t->at > from;
}
