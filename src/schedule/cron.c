/* Reading cron lines; see cron.h. When they come next is in cron_next.c. */
#include "schedule/cron.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "base/attrs.h"
#include "base/text.h"

static const char *const month_names[] = {
	"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec", NULL};
static const char *const day_names[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL};

enum { MINUTE, HOUR, DAY, MONTH, WEEKDAY, N_FIELDS };
static const struct field {
	const char *name;
	int least, most;
	const char *const *names; /* of `least` and up */
} fields[N_FIELDS] = {
	[MINUTE] = {"minute", 0, 59, NULL},
	[HOUR] = {"hour", 0, 23, NULL},
	[DAY] = {"day of the month", 1, 31, NULL},
	[MONTH] = {"month", 1, 12, month_names},
	[WEEKDAY] = {"day of the week", 0, 7, day_names},
};

static const struct nickname {
	const char *name, *line;
} nicknames[] = {
	{"@yearly", "0 0 1 1 *"},
	{"@annually", "0 0 1 1 *"},
	{"@monthly", "0 0 1 * *"},
	{"@weekly", "0 0 * * 0"},
	{"@daily", "0 0 * * *"},
	{"@midnight", "0 0 * * *"},
	{"@hourly", "0 * * * *"},
};

static bool bad_word(const struct field *f, const char *at, struct error *err)
{
	int len = (int)strcspn(at, " \t,");

	if (strchr("LW#?", toupper((unsigned char)*at)) || memchr(at, '#', (size_t)len))
		return error_set(err, ERROR_CONFIG,
			"%s '%.*s': L, W, # and ? are of other schedulers; write days as "
			"numbers, names, ranges and steps",
			f->name, len, at);
	return error_set(err, ERROR_CONFIG, "%s '%.*s' is none of %d to %d%s", f->name, len, at,
		f->least, f->most,
		f->names == month_names ? " or jan to dec"
		: f->names              ? " or sun to sat"
					: "");
}

static bool read_name(const struct field *f, const char **p, int *out)
{
	for (int i = 0; f->names && f->names[i]; i++) {
		if (strncasecmp(*p, f->names[i], 3) != 0 || isalpha((unsigned char)(*p)[3]))
			continue;
		*p += 3;
		*out = f->least + i;
		return true;
	}
	return false;
}

static bool read_number(const char **p, int *out)
{
	int digits = 0;

	for (*out = 0; isdigit((unsigned char)**p); ++*p, digits++)
		*out = digits < 4 ? *out * 10 + (**p - '0') : 9999;
	return digits > 0;
}

static bool read_value(
	const struct field *f, const char *item, const char **p, int *out, struct error *err)
{
	if (read_name(f, p, out))
		return true;
	if (!read_number(p, out) || *out < f->least || *out > f->most)
		return bad_word(f, item, err);
	return true;
}

static bool read_range(const struct field *f, const char *item, const char **p, int *from, int *to,
	struct error *err)
{
	bool single = false;

	if (**p == '*') {
		++*p;
		*from = f->least;
		*to = f->most - (f->names == day_names); /* 0 and 7 are one day */
	} else {
		if (!read_value(f, item, p, from, err))
			return false;
		*to = *from;
		single = **p != '-';
		if (!single) {
			++*p;
			if (!read_value(f, item, p, to, err))
				return false;
		}
	}
	/* "fri-sun" and the like end with Sunday */
	if (f->names == day_names && *to == 0 && *from > 0)
		*to = 7;
	if (single && **p == '/')
		*to = f->most;
	if (*from <= *to)
		return true;
	return error_set(err, ERROR_CONFIG, "%s %d-%d ends before it begins; write %d-%d,%d-%d",
		f->name, *from, *to, *from, f->most, f->least, *to);
}

static bool read_field(const struct field *f, const char *text, uint64_t *out, struct error *err)
{
	const char *p = text;

	for (*out = 0;; p++) {
		const char *item = p;
		int from, to, step = 1;
		if (!read_range(f, item, &p, &from, &to, err))
			return false;
		if (*p == '/') {
			p++;
			if (!read_number(&p, &step) || !step || step > f->most)
				return error_set(err, ERROR_CONFIG,
					"%s '%.*s': a step is a number from 1 to %d", f->name,
					(int)strcspn(item, ","), item, f->most);
		}
		for (int i = from; i <= to; i += step)
			*out |= UINT64_C(1) << i;
		if (!*p)
			return true;
		if (*p != ',')
			return bad_word(f, item, err);
	}
}

static bool split(char *line, char *words[N_FIELDS], struct error *err)
{
	char *rest = line;
	int n = 0;

	for (char *word; (word = strtok_r(rest, " \t", &rest)); n++)
		if (n < N_FIELDS)
			words[n] = word;
	if (n == N_FIELDS)
		return true;
	return error_set(err, ERROR_CONFIG,
		"it has %d field%s; five are wanted: minute, hour, day of the month, month, day of "
		"the week%s",
		n, plural(n), n == 6 || n == 7 ? " (there are no seconds and no years)" : "");
}

/* Some month that is asked for has such a day. */
static bool ever_comes(const struct cron *c)
{
	static const int longest[] = {0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	for (int month = 1; month <= 12; month++)
		for (int day = 1; (c->months >> month & 1) && day <= longest[month]; day++)
			if (c->days >> day & 1)
				return true;
	return c->either_day;
}

static bool parse_line(char *line, struct cron *out, struct error *err)
{
	char *words[N_FIELDS];
	uint64_t bits[N_FIELDS];

	if (!split(line, words, err))
		return false;
	for (int i = 0; i < N_FIELDS; i++)
		if (!read_field(&fields[i], words[i], &bits[i], err))
			return false;
	*out = (struct cron){
		.minutes = bits[MINUTE],
		.hours = (uint32_t)bits[HOUR],
		.days = (uint32_t)bits[DAY],
		.months = (uint32_t)bits[MONTH],
		.weekdays = (uint32_t)((bits[WEEKDAY] | bits[WEEKDAY] >> 7) & 0x7f),
		.any_time = *words[MINUTE] == '*' || *words[HOUR] == '*',
		.either_day = *words[DAY] != '*' && *words[WEEKDAY] != '*',
	};
	return ever_comes(out) ||
	       error_set(err, ERROR_CONFIG, "it never comes: none of its months has such a day");
}

static bool parse_nickname(const char *text, char *line, size_t size, struct error *err)
{
	for (size_t i = 0; i < COUNT_OF(nicknames); i++) {
		if (strcasecmp(text, nicknames[i].name) != 0)
			continue;
		snprintf(line, size, "%s", nicknames[i].line);
		return true;
	}
	return error_set(err, ERROR_CONFIG,
		"'%.40s' is none of @hourly, @daily, @weekly, @monthly and @yearly; for every few "
		"minutes write \"*/5 * * * *\"",
		text);
}

bool cron_parse(const char *text, struct cron *out, struct error *err)
{
	char line[256];

	text += strspn(text, " \t");
	if (strlen(text) >= sizeof line)
		return error_set(err, ERROR_CONFIG, "a cron line of %zu characters", strlen(text));
	snprintf(line, sizeof line, "%s", text);
	line[strcspn(line, "\r\n")] = '\0';
	bool ok = (*line != '@' || parse_nickname(text, line, sizeof line, err)) &&
		  parse_line(line, out, err);
	return ok || error_add(err, "cron line \"%.80s\"", text);
}
