/*
 * Literals of a row filter as values of the column's type; see filter_tree.h. Everything is strict:
 * a literal that the source might read in two ways, or that the type cannot hold exactly, is an error.
 */
#include "core/filter_tree.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <strings.h>
#include "base/clock.h"

#define DAY_US ((int64_t)86400 * 1000000)

/* Does the type's name, without its modifier, stand in the list (which ends with NULL)? */
static bool is_one_of(const char *source_type, const char *const *names)
{
	size_t len = source_type ? strcspn(source_type, "(") : 0;

	for (; *names; names++) {
		if (strlen(*names) == len && !strncmp(source_type, *names, len))
			return true;
	}
	return false;
}

static bool names_type(const char *source_type, const char *word)
{
	return source_type && strstr(source_type, word);
}

static enum comparable string_comparable(const struct table_column *column, const char **why)
{
	static const char *const padded[] = {"character", "bpchar", NULL};
	static const char *const bytewise[] = {"text", "character varying", "name", NULL};

	if (is_one_of(column->source_type, bytewise)) {
		*why = "text is ordered by the collation of the source, so it is compared by = <> "
		       "IN and LIKE only";
		return COMPARE_EQUALITY;
	}
	if (is_one_of(column->source_type, padded))
		*why = "the source ignores the trailing blanks of this type when it compares, so "
		       "the filter would not "
		       "mean the same here and there; only IS [NOT] NULL can be asked of it";
	else if (names_type(column->source_type, "citext"))
		*why = "the source ignores upper and lower case of this type when it compares, so "
		       "the filter would not "
		       "mean the same here and there; only IS [NOT] NULL can be asked of it";
	else
		*why = "it is carried as text, which the source compares by other rules; only IS "
		       "[NOT] NULL can be "
		       "asked of it";
	return COMPARE_NULL;
}

static enum comparable float_comparable(const struct table_column *column, const char **why)
{
	static const char *const exact[] = {"real", "double precision", NULL};

	if (is_one_of(column->source_type, exact))
		return COMPARE_ORDER;
	*why = "it is carried as a floating-point number, the source compares its exact value; "
	       "only IS [NOT] NULL can "
	       "be asked of it";
	return COMPARE_NULL;
}

enum comparable column_comparable(const struct table_column *column, const char **why)
{
	*why = NULL;
	switch (column->type.kind) {
	case TYPE_STRING: return string_comparable(column, why);
	case TYPE_SYMBOL: *why = "an enum is compared by = <> and IN only"; return COMPARE_EQUALITY;
	case TYPE_JSON:
		*why = "JSON is not compared; only IS [NOT] NULL can be asked of it";
		return COMPARE_NULL;
	case TYPE_POINT:
	case TYPE_ARRAY:
	case TYPE_MAP: *why = "points, arrays and maps are not compared"; return COMPARE_NOTHING;
	case TYPE_FLOAT32:
	case TYPE_FLOAT64: return float_comparable(column, why);
	case TYPE_UINT64:
		if (!names_type(column->source_type, "pg_lsn"))
			return COMPARE_ORDER;
		*why = "a pg_lsn is not compared; only IS [NOT] NULL can be asked of it";
		return COMPARE_NULL;
	case TYPE_DECIMAL:
		if (!names_type(column->source_type, "money"))
			return COMPARE_ORDER;
		*why = "money is written by the source's locale; only IS [NOT] NULL can be asked "
		       "of it";
		return COMPARE_NULL;
	case TYPE_BOOL:
	case TYPE_INT16:
	case TYPE_INT32:
	case TYPE_INT64:
	case TYPE_UINT32:
	case TYPE_UUID:
	case TYPE_DATE:
	case TYPE_TIMESTAMP:
	case TYPE_TIMESTAMPTZ: return COMPARE_ORDER;
	}
	return COMPARE_NOTHING;
}

bool column_takes_like(const struct table_column *column)
{
	const char *why;
	return column->type.kind == TYPE_STRING &&
	       column_comparable(column, &why) >= COMPARE_EQUALITY;
}

struct type literal_type(const struct table_column *column, const struct literal *literal)
{
	struct type type = column->type;

	type.nullable = false;
	if (type.kind == TYPE_FLOAT32 && literal->kind == LITERAL_NUMBER)
		type.kind = TYPE_FLOAT64;
	return type;
}

static bool takes(struct error *err, const char *what)
{
	return error_set(err, ERROR_CONFIG, "the column takes %s", what);
}

static void add_bytes(struct column *to, const void *bytes, size_t width)
{
	memcpy(column_add_fixed(to, width), bytes, width);
}

/* Sign and digits of a number without exponent. `scale` digits stand behind the point; zeros at their end
 * do not count. */
struct digits {
	bool negative;
	char text[160];
	size_t len, scale;
};

static bool digits_read(const char *text, struct digits *out)
{
	bool point = false;

	*out = (struct digits){.negative = *text == '-'};
	for (text += *text == '-' || *text == '+'; *text; text++) {
		if (*text == '.' && !point) {
			point = true;
			continue;
		}
		if (!isdigit((unsigned char)*text) || out->len == sizeof out->text)
			return false;
		out->scale += point;
		if (out->len || *text != '0' || point)
			out->text[out->len++] = *text;
	}
	while (out->scale && out->len && out->text[out->len - 1] == '0') {
		out->scale--;
		out->len--;
	}
	return true;
}

static bool has_digit(const char *text)
{
	return strpbrk(text, "0123456789") != NULL;
}

struct bounds {
	__int128 least, most;
	const char *what;
};

static struct bounds integer_bounds(enum type_kind kind)
{
	if (kind == TYPE_INT16)
		return (struct bounds){INT16_MIN, INT16_MAX, "a whole number from -32768 to 32767"};
	if (kind == TYPE_INT32)
		return (struct bounds){
			INT32_MIN, INT32_MAX, "a whole number from -2147483648 to 2147483647"};
	if (kind == TYPE_UINT32)
		return (struct bounds){0, UINT32_MAX, "a whole number from 0 to 4294967295"};
	if (kind == TYPE_UINT64)
		return (struct bounds){
			0, UINT64_MAX, "a whole number from 0 to 18446744073709551615"};
	return (struct bounds){INT64_MIN, INT64_MAX,
		"a whole number from -9223372036854775808 to 9223372036854775807"};
}

static bool add_integer(struct column *to, const struct literal *literal, struct error *err)
{
	struct bounds bounds = integer_bounds(to->type.kind);
	struct digits digits;
	__int128 n = 0;

	if (literal->kind == LITERAL_BOOL || !has_digit(literal->text) ||
		!digits_read(literal->text, &digits) || digits.scale || digits.len > 20)
		return takes(err, bounds.what);
	for (size_t i = 0; i < digits.len; i++)
		n = n * 10 + (digits.text[i] - '0');
	if (digits.negative)
		n = -n;
	if (n < bounds.least || n > bounds.most)
		return takes(err, bounds.what);
	add_bytes(to, &n, type_width(&to->type)); /* little-endian: the low bytes are the value */
	return true;
}

/* words = words * 10 + digit; `words` has room by the type's precision. */
static void push_digit(uint32_t words[8], unsigned digit)
{
	uint64_t carry = digit;

	for (size_t i = 0; i < 8; i++) {
		carry += (uint64_t)words[i] * 10;
		words[i] = (uint32_t)carry;
		carry >>= 32;
	}
}

static void negate(uint32_t words[8])
{
	uint64_t carry = 1;

	for (size_t i = 0; i < 8; i++) {
		carry += (uint32_t)~words[i];
		words[i] = (uint32_t)carry;
		carry >>= 32;
	}
}

static bool add_decimal(struct column *to, const struct literal *literal, struct error *err)
{
	const struct type *type = &to->type;
	struct digits digits;
	uint32_t words[8] = {0};

	if (literal->kind == LITERAL_BOOL || !has_digit(literal->text) ||
		!digits_read(literal->text, &digits))
		return takes(err, "a number without an exponent");
	if (digits.scale > type->scale || digits.len + type->scale - digits.scale > type->precision)
		return error_set(err, ERROR_CONFIG,
			"the column takes numbers of at most %d digits before the point and %d "
			"behind it",
			type->precision - type->scale, type->scale);
	for (size_t i = 0; i < digits.len; i++)
		push_digit(words, (unsigned)(digits.text[i] - '0'));
	for (size_t i = digits.scale; i < type->scale; i++)
		push_digit(words, 0);
	if (digits.negative)
		negate(words);
	add_bytes(to, words, type_width(type));
	return true;
}

static bool read_float_name(const char *text, double *out)
{
	if (!strcasecmp(text, "nan"))
		*out = NAN;
	else if (!strcasecmp(text, "infinity"))
		*out = INFINITY;
	else if (!strcasecmp(text, "-infinity"))
		*out = -INFINITY;
	else
		return false;
	return true;
}

static bool add_float(struct column *to, const struct literal *literal, struct error *err)
{
	const char *text = literal->text;
	bool narrow = to->type.kind == TYPE_FLOAT32;
	double value;
	char *end;

	if (literal->kind == LITERAL_BOOL)
		return takes(err, "a number");
	if (literal->kind != LITERAL_STRING || !read_float_name(text, &value)) {
		/* letters other than an exponent's are hexadecimal or words to strtod, not numbers to SQL */
		if (!has_digit(text) || text[strspn(text, "+-.eE0123456789")])
			return takes(err, "a number");
		errno = 0;
		value = narrow ? (double)strtof(text, &end) : strtod(text, &end);
		if (*end)
			return takes(err, "a number");
		if (errno == ERANGE && (value == 0 || isinf(value)))
			return takes(err, "a number within the range of its type");
	}
	if (narrow)
		add_bytes(to, &(float){(float)value}, sizeof(float));
	else
		add_bytes(to, &value, sizeof value);
	return true;
}

static bool add_bool(struct column *to, const struct literal *literal, struct error *err)
{
	static const char *const yes[] = {"true", "t", NULL}, *const no[] = {"false", "f", NULL};
	bool truth = is_one_of(literal->text, yes);

	if (literal->kind == LITERAL_NUMBER || (!truth && !is_one_of(literal->text, no)))
		return takes(err, "TRUE or FALSE");
	add_bytes(to, &(uint8_t){truth}, 1);
	return true;
}

static bool add_uuid(struct column *to, const struct literal *literal, struct error *err)
{
	static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
	const char *text = literal->text;
	uint8_t bytes[16];
	size_t n = 0;

	bool fits = literal->kind == LITERAL_STRING && strlen(text) == strlen(shape);
	for (size_t i = 0; fits && shape[i]; i++)
		fits = shape[i] == 'x' ? isxdigit((unsigned char)text[i]) != 0 : text[i] == '-';
	if (!fits)
		return takes(err, "a UUID such as '1b4e28ba-2fa1-11d2-883f-0016d3cca427'");
	for (size_t i = 0; i < strlen(shape); i += 2) {
		i += text[i] == '-';
		char pair[3] = {text[i], text[i + 1], 0};
		bytes[n++] = (uint8_t)strtoul(pair, NULL, 16);
	}
	add_bytes(to, bytes, sizeof bytes);
	return true;
}

/* Takes exactly n digits off the text. */
static bool take_digits(const char **text, int n, int *out)
{
	*out = 0;
	for (int i = 0; i < n; i++, (*text)++) {
		if (!isdigit((unsigned char)**text))
			return false;
		*out = *out * 10 + (**text - '0');
	}
	return true;
}

static bool take_char(const char **text, char c)
{
	bool there = **text == c;
	*text += there;
	return there;
}

static bool take_date(const char **text, int64_t *days)
{
	int year, month, day;

	if (!take_digits(text, 4, &year) || !take_char(text, '-') ||
		!take_digits(text, 2, &month) || !take_char(text, '-') ||
		!take_digits(text, 2, &day))
		return false;
	if (year < 1 || month < 1 || month > 12 || day < 1 || day > 31)
		return false;
	*days = civil_to_days((struct civil){.year = year, .month = month, .day = day});
	return civil_from_days(*days).day == day; /* 31 April would be 1 May */
}

static bool take_fraction(const char **text, int64_t *us)
{
	int64_t unit = 100000;

	if (!take_char(text, '.'))
		return true;
	if (!isdigit((unsigned char)**text))
		return false;
	for (; isdigit((unsigned char)**text) && unit; (*text)++, unit /= 10)
		*us += (**text - '0') * unit;
	return true;
}

static bool take_time(const char **text, int64_t *us)
{
	int hour, minute, second = 0;

	if (!take_digits(text, 2, &hour) || !take_char(text, ':') || !take_digits(text, 2, &minute))
		return false;
	bool seconds = take_char(text, ':');
	if (seconds && !take_digits(text, 2, &second))
		return false;
	if (hour > 23 || minute > 59 || second > 59)
		return false;
	*us += ((hour * 60 + minute) * (int64_t)60 + second) * 1000000;
	return !seconds || take_fraction(text, us);
}

/* Z, +02, +02:00, +0200: how far the clock is ahead of UTC. None is UTC, the zone of our sessions. */
static bool take_zone(const char **text, int64_t *ahead_us)
{
	int hours, minutes = 0;

	if (!**text || take_char(text, 'Z'))
		return true;
	int sign = **text == '+' ? 1 : **text == '-' ? -1 : 0;
	if (!sign)
		return false;
	(*text)++;
	if (!take_digits(text, 2, &hours))
		return false;
	if ((take_char(text, ':') || **text) && !take_digits(text, 2, &minutes))
		return false;
	*ahead_us = sign * (hours * 60 + minutes) * (int64_t)60 * 1000000;
	return hours < 16 && minutes < 60;
}

static bool add_date(struct column *to, const struct literal *literal, struct error *err)
{
	const char *text = literal->text;
	int64_t days;

	if (literal->kind != LITERAL_STRING || !take_date(&text, &days) || *text)
		return takes(err, "a day such as '2026-11-30'");
	add_bytes(to, &(int32_t){(int32_t)days}, sizeof(int32_t));
	return true;
}

static bool add_timestamp(struct column *to, const struct literal *literal, struct error *err)
{
	const char *text = literal->text;
	bool zoned = to->type.kind == TYPE_TIMESTAMPTZ;
	int64_t days, us = 0, ahead_us = 0;

	bool fits = literal->kind == LITERAL_STRING && take_date(&text, &days);
	if (fits && (take_char(&text, ' ') || take_char(&text, 'T')))
		fits = take_time(&text, &us) && (!zoned || take_zone(&text, &ahead_us));
	if (!fits || *text)
		return takes(err,
			zoned ? "a time such as '2026-11-30 18:30:00.5+01:00' (UTC without a zone)"
			      : "a time such as '2026-11-30 18:30:00.5', without a zone");
	us += days * DAY_US - ahead_us;
	add_bytes(to, &us, sizeof us);
	return true;
}

static bool add_text(struct column *to, const struct literal *literal, struct error *err)
{
	size_t len = strlen(literal->text);

	if (literal->kind != LITERAL_STRING)
		return takes(err, "text in single quotes");
	memcpy(column_add_string(to, len), literal->text, len);
	return true;
}

bool literal_add(struct column *to, const struct literal *literal, struct error *err)
{
	switch (to->type.kind) {
	case TYPE_BOOL: return add_bool(to, literal, err);
	case TYPE_INT16:
	case TYPE_INT32:
	case TYPE_INT64:
	case TYPE_UINT32:
	case TYPE_UINT64: return add_integer(to, literal, err);
	case TYPE_FLOAT32:
	case TYPE_FLOAT64: return add_float(to, literal, err);
	case TYPE_DECIMAL: return add_decimal(to, literal, err);
	case TYPE_STRING:
	case TYPE_SYMBOL: return add_text(to, literal, err);
	case TYPE_UUID: return add_uuid(to, literal, err);
	case TYPE_DATE: return add_date(to, literal, err);
	case TYPE_TIMESTAMP:
	case TYPE_TIMESTAMPTZ: return add_timestamp(to, literal, err);
	case TYPE_JSON:
	case TYPE_POINT:
	case TYPE_ARRAY:
	case TYPE_MAP: break;
	}
	return takes(err, "no comparison");
}
