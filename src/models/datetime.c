/*
 * modules.datetime, as much of Python's as projects compute begins and ranges with: datetime, date and
 * timedelta, made, read, added and compared. Now is the start of the run, the same for all models.
 */
#include <math.h>
#include <stdio.h>
#include <time.h>
#include "base/clock.h"
#include "models/internal.h"

#define SECOND_US ((int64_t)1000000)
#define DAY_US    (86400 * SECOND_US)

static bool in_years(int64_t us)
{
	return us >= civil_to_days((struct civil){1, 1, 1}) * DAY_US &&
	       us < civil_to_days((struct civil){10000, 1, 1}) * DAY_US;
}

static bool give_time(struct call *c, int64_t us, enum time_kind kind)
{
	if (!in_years(us))
		return render_fail(c->render, "date value out of range");
	c->result = time_value(render_arena(c->render), us, kind);
	return true;
}

/* --- timedelta --- */

struct delta {
	struct object object;
	int64_t us;
	char key[24]; /* in the order of the times */
};

static int64_t delta_us(const struct call *c)
{
	return ((const struct delta *)c->self.object)->us;
}

static bool call_total_seconds(struct call *c)
{
	c->result = value_float((double)delta_us(c) / (double)SECOND_US);
	return true;
}

static int64_t days_of(int64_t us)
{
	return floor_div(us, DAY_US);
}

static bool get_of_delta(struct render *r, struct object *self, const char *name, struct value *out)
{
	static const struct function methods[] = {{"total_seconds", "", call_total_seconds}};
	int64_t us = ((struct delta *)self)->us, rest = us - days_of(us) * DAY_US;

	if (!strcmp(name, "days"))
		*out = value_int(days_of(us));
	else if (!strcmp(name, "seconds"))
		*out = value_int(rest / SECOND_US);
	else if (!strcmp(name, "microseconds"))
		*out = value_int(rest % SECOND_US);
	else
		return method_get(r, self, (struct methods){methods, COUNT_OF(methods)}, name, out);
	return true;
}

/* "3 days, 4:05:06" */
static bool print_delta(struct render *r, struct object *self, struct buf *out)
{
	int64_t us = ((struct delta *)self)->us, days = days_of(us);
	int64_t s = (us - days * DAY_US) / SECOND_US, rest = (us - days * DAY_US) % SECOND_US;
	char text[80], day[40] = "", fraction[16] = "";

	if (days)
		snprintf(day, sizeof day, "%lld day%s, ", (long long)days,
			days == 1 || days == -1 ? "" : "s");
	if (rest)
		snprintf(fraction, sizeof fraction, ".%06d", (int)rest);
	snprintf(text, sizeof text, "%s%lld:%02d:%02d%s", day, (long long)s / 3600,
		(int)(s / 60 % 60), (int)(s % 60), fraction);
	return render_str(r, render_text(r, text, strlen(text)), out);
}

static const char *key_of_delta(const struct object *self)
{
	return ((const struct delta *)self)->key;
}

static const struct object_ops delta_ops = {.type = "datetime.timedelta",
	.get = get_of_delta,
	.print = print_delta,
	.key = key_of_delta,
	.add = time_add};

static struct value delta_value(struct arena *a, int64_t us)
{
	struct delta *delta = arena_alloc(a, sizeof *delta);

	*delta = (struct delta){{&delta_ops}, us, ""};
	snprintf(delta->key, sizeof delta->key, "%020llu", (unsigned long long)us + (1ULL << 63));
	return value_object(&delta->object);
}

static bool call_timedelta(struct call *c)
{
	static const double units[] = {86400e6, 1e6, 1, 1e3, 60e6, 3600e6, 604800e6};
	double us = 0;

	for (size_t i = 0; i < COUNT_OF(units); i++) {
		if (!value_given(c->arg[i]))
			continue;
		if (c->arg[i].kind != VALUE_INT && c->arg[i].kind != VALUE_FLOAT)
			return render_fail(c->render,
				"timedelta() takes numbers, as in timedelta(days=3), not %s",
				value_type(c->arg[i]));
		us += units[i] * (c->arg[i].kind == VALUE_INT ? (double)c->arg[i].i : c->arg[i].f);
	}
	if (!(fabs(us) < 86400e6 * 366 * 10000))
		return render_fail(c->render, "timedelta(): out of range");
	c->result = delta_value(render_arena(c->render), llround(us));
	return true;
}

/* --- sums --- */

static bool is_delta(struct value v, int64_t *us)
{
	if (v.kind != VALUE_OBJECT || v.object->ops != &delta_ops)
		return false;
	*us = ((struct delta *)v.object)->us;
	return true;
}

bool time_add(struct render *r, struct value a, struct value b, bool minus, struct value *out)
{
	struct arena *arena = render_arena(r);
	enum time_kind kind = TIME_PLAIN, other;
	int64_t x, y;

	if (is_delta(a, &x) && is_delta(b, &y)) {
		*out = delta_value(arena, minus ? x - y : x + y);
	} else if (value_is_time(a, &x, &kind) && value_is_time(b, &y, &other) && minus) {
		*out = delta_value(arena, x - y);
	} else if ((value_is_time(a, &x, &kind) && is_delta(b, &y)) ||
		   (!minus && is_delta(a, &y) && value_is_time(b, &x, &kind))) {
		y = kind == TIME_DATE ? days_of(y) * DAY_US : y;
		x = minus ? x - y : x + y;
		if (!in_years(x))
			return render_fail(r, "date value out of range");
		struct value time = is_delta(a, &y) ? b : a;
		*out = kind == TIME_ZONED ? time_zoned(arena, x, time_offset(time))
					  : time_value(arena, x, kind);
	} else {
		*out = (struct value){0};
	}
	return true;
}

/* --- datetime and date --- */

/* year, month, day, hour, minute, second, microsecond: as given, else as they are. */
static bool make_time(struct call *c, const int64_t was[7], enum time_kind kind)
{
	static const int64_t least[] = {1, 1, 1, 0, 0, 0, 0},
			     most[] = {9999, 12, 31, 23, 59, 59, 999999};
	int64_t part[7];

	for (size_t i = 0; i < COUNT_OF(part); i++) {
		part[i] = was[i];
		if (value_given(c->arg[i])) {
			if (!call_wants(c, i, VALUE_INT))
				return false;
			part[i] = c->arg[i].i;
		}
		if (part[i] < least[i] || part[i] > most[i])
			return render_fail(c->render, "%s(): %lld is out of range",
				c->function->name, (long long)part[i]);
	}
	struct civil civil = {.year = part[0], .month = (int)part[1], .day = (int)part[2]};
	int64_t days = civil_to_days(civil);
	if (civil_from_days(days).day != civil.day)
		return render_fail(c->render, "day is out of range for month");
	return give_time(c,
		days * DAY_US + (part[3] * 3600 + part[4] * 60 + part[5]) * SECOND_US + part[6],
		kind);
}

/* What was made, by the clock of a zone that is given as the last argument. */
static bool with_zone(struct call *c)
{
	enum time_kind kind;
	int64_t us;

	return !value_given(c->arg[7]) || !value_is_time(c->result, &us, &kind) ||
	       time_of_zone(c, us, c->arg[7]);
}

static bool call_datetime(struct call *c)
{
	return make_time(c, (int64_t[7]){0}, TIME_PLAIN) && with_zone(c);
}

static bool call_date(struct call *c)
{
	return make_time(c, (int64_t[7]){0}, TIME_DATE);
}

bool call_time_replace(struct call *c)
{
	enum time_kind kind = TIME_PLAIN;
	int64_t us = 0;

	if (!value_is_time(c->self, &us, &kind))
		return false;
	int32_t offset_s = time_offset(c->self);
	us += offset_s * SECOND_US;
	struct civil civil = civil_from_days(days_of(us));
	int64_t rest = us - days_of(us) * DAY_US, s = rest / SECOND_US;
	if (!make_time(c,
		    (int64_t[7]){civil.year, civil.month, civil.day, s / 3600, s / 60 % 60, s % 60,
			    rest % SECOND_US},
		    kind))
		return false;
	if (kind == TIME_ZONED && value_is_time(c->result, &us, &kind))
		c->result = time_zoned(
			render_arena(c->render), us - offset_s * SECOND_US, offset_s);
	if (value_given(c->arg[7]))
		return time_of_zone(c, us, c->arg[7]);
	return true;
}

static int64_t started_us(const struct call *c)
{
	return self_context(c)->project->started_us;
}

static bool call_now(struct call *c)
{
	if (value_given(c->arg[0]))
		return time_in_zone(c, started_us(c), c->arg[0]);
	return give_time(c, started_us(c), TIME_PLAIN);
}

static bool call_today(struct call *c)
{
	return give_time(c, period_start(PERIOD_DAY, started_us(c)), TIME_DATE);
}

static bool parse_iso(struct call *c, enum time_kind kind)
{
	enum period precision;
	int64_t us;

	if (!call_wants(c, 0, VALUE_STRING))
		return false;
	const char *text = value_strdup(render_arena(c->render), c->arg[0]);
	if (!time_parse(text, &us, &precision) || precision == PERIOD_YEAR ||
		precision == PERIOD_MONTH || (kind == TIME_DATE && precision != PERIOD_DAY))
		return render_fail(c->render, "Invalid isoformat string: '%s'", text);
	return give_time(c, us, kind);
}

static bool call_datetime_iso(struct call *c)
{
	return parse_iso(c, TIME_PLAIN);
}

static bool call_date_iso(struct call *c)
{
	return parse_iso(c, TIME_DATE);
}

static bool call_strptime(struct call *c)
{
	struct tm tm = {.tm_year = 0, .tm_mday = 1};
	struct arena *a = render_arena(c->render);

	if (!call_wants(c, 0, VALUE_STRING) || !call_wants(c, 1, VALUE_STRING))
		return false;
	const char *text = value_strdup(a, c->arg[0]), *format = value_strdup(a, c->arg[1]);
	const char *end = strptime(text, format, &tm);
	if (!end || *end)
		return render_fail(
			c->render, "time data '%s' does not match format '%s'", text, format);
	return give_time(c, (int64_t)timegm(&tm) * SECOND_US, TIME_PLAIN);
}

static bool get_of_datetime(
	struct render *r, struct object *self, const char *name, struct value *out)
{
	static const struct function methods[] = {
		{"now", "tz=", call_now},
		{"utcnow", "", call_now},
		{"today", "", call_now},
		{"strptime", "date_string format", call_strptime},
		{"fromisoformat", "date_string", call_datetime_iso},
	};
	return method_get(r, self, (struct methods){methods, COUNT_OF(methods)}, name, out);
}

static bool get_of_date(struct render *r, struct object *self, const char *name, struct value *out)
{
	static const struct function methods[] = {
		{"today", "", call_today},
		{"fromisoformat", "date_string", call_date_iso},
	};
	return method_get(r, self, (struct methods){methods, COUNT_OF(methods)}, name, out);
}

struct value datetime_module(struct arena *a, struct context *context)
{
	static const struct function
		datetime = {"datetime",
			"year month day hour= minute= second= microsecond= tzinfo=", call_datetime},
		date = {"date", "year month day", call_date},
		timedelta = {"timedelta",
			"days= seconds= microseconds= milliseconds= minutes= "
			"hours= weeks=",
			call_timedelta};
	static const struct object_ops classes[] = {
		{.type = "type", .get = get_of_datetime, .call = &datetime},
		{.type = "type", .get = get_of_date, .call = &date},
		{.type = "type", .call = &timedelta},
	};
	static const char *const names[] = {"datetime", "date", "timedelta"};
	struct value module = value_dict(dict_new(a));

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		struct context_object *class = arena_alloc(a, sizeof *class);
		*class = (struct context_object){{&classes[i]}, context};
		dict_put_text(a, module.dict, names[i], value_object(&class->object));
	}
	return module;
}
