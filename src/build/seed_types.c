/* See seed_types.h. */
#include "build/seed_types.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/clock.h"
#include "core/period.h"

enum seed_kind { SEED_BOOL, SEED_INT, SEED_NUMBER, SEED_DATE, SEED_TIME, SEED_TEXT, N_SEED_KINDS };

static const char digits[] = "0123456789";

bool is_null_word(const char *cell)
{
	return !strcasecmp(cell, "null");
}

/* -12, 0; not 007, +1, -0 */
static bool is_whole(const char *cell)
{
	const char *start = *cell == '-' ? cell + 1 : cell;
	size_t n = strspn(start, digits);

	if (!n || start[n] || (*start == '0' && (n > 1 || start != cell)))
		return false;
	errno = 0;
	strtoll(cell, NULL, 10);
	return errno == 0;
}

/* 1, -1.5, 2.5e10; at most the 15 digits that a double keeps */
static bool is_number(const char *cell)
{
	const char *start = *cell == '-' ? cell + 1 : cell, *at = start;
	size_t whole = strspn(at, digits), fraction = 0;

	at += whole;
	if (*at == '.') {
		fraction = strspn(at + 1, digits);
		at += 1 + fraction;
		if (!fraction)
			return false;
	}
	if (!whole || (whole > 1 && *start == '0') || whole + fraction > 15)
		return false;
	if (*at == 'e' || *at == 'E') {
		at += 1 + (at[1] == '-' || at[1] == '+');
		size_t exponent = strspn(at, digits);
		if (!exponent || exponent > 2)
			return false;
		at += exponent;
	}
	return !*at;
}

/* 2026-11-21 */
static bool is_date(const char *cell, bool *wide)
{
	enum period precision;
	int64_t us;

	if (strlen(cell) != 10 || cell[4] != '-' || !time_parse(cell, &us, &precision))
		return false;
	int year = atoi(cell);
	*wide = *wide || year < 1970 || year > 2148;
	return precision == PERIOD_DAY && year >= 1900 && year <= 2298;
}

/* 2026-11-21 10:11, and finer */
static bool is_time(const char *cell)
{
	enum period precision;
	int64_t us;
	int year = atoi(cell);

	return strlen(cell) >= 16 && cell[4] == '-' && time_parse(cell, &us, &precision) &&
	       year >= 1900 && year <= 2261;
}

void seed_type_see(struct seed_type *t, const char *cell)
{
	if (!*cell || is_null_word(cell)) {
		t->has_empty |= !*cell;
		t->has_null |= *cell != '\0';
		return;
	}
	bool wide = t->wide_date, date = is_date(cell, &wide), whole = is_whole(cell);
	const bool is[N_SEED_KINDS] = {
		[SEED_BOOL] = !strcasecmp(cell, "true") || !strcasecmp(cell, "false"),
		[SEED_INT] = whole,
		[SEED_NUMBER] = is_number(cell),
		[SEED_DATE] = date,
		[SEED_TIME] = date || is_time(cell),
		[SEED_TEXT] = true,
	};

	t->any = true;
	t->wide_date = wide;
	for (int kind = 0; kind < N_SEED_KINDS; kind++)
		if (!is[kind])
			t->isnt |= 1u << kind;
}

static enum seed_kind kind_of(const struct seed_type *t)
{
	int kind = t->any ? 0 : SEED_TEXT;

	while (t->isnt & (1u << kind))
		kind++;
	return (enum seed_kind)kind;
}

bool seed_type_is_text(const struct seed_type *t)
{
	return kind_of(t) == SEED_TEXT;
}

const char *seed_type_name(const struct seed_type *t)
{
	static const char *const names[N_SEED_KINDS][2] = {
		[SEED_BOOL] = {"Bool", "Nullable(Bool)"},
		[SEED_INT] = {"Int64", "Nullable(Int64)"},
		[SEED_NUMBER] = {"Float64", "Nullable(Float64)"},
		[SEED_DATE] = {"Date", "Nullable(Date)"},
		[SEED_TIME] = {"DateTime64(6, 'UTC')", "Nullable(DateTime64(6, 'UTC'))"},
		[SEED_TEXT] = {"String", "Nullable(String)"},
	};
	enum seed_kind kind = kind_of(t);
	bool nullable = t->has_empty || (t->has_null && kind != SEED_TEXT);

	if (kind == SEED_DATE && t->wide_date)
		return nullable ? "Nullable(Date32)" : "Date32";
	return names[kind][nullable];
}
