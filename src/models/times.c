/* Times as templates see them, and the partition that is compiled for: `partition`, `model.batch`. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "base/clock.h"
#include "models/internal.h"

#define SECOND_US 1000000
#define DAY_US    ((int64_t)86400 * SECOND_US)

struct time_object {
	struct object object;
	int64_t us;
	int32_t offset_s; /* TIME_ZONED: east of UTC */
	enum time_kind kind;
	char key[32]; /* 2026-11-02T10:11:12.123456Z */
};

/* What the clock shows. */
static int64_t local_us(const struct time_object *t)
{
	return t->us + (int64_t)t->offset_s * SECOND_US;
}

static int64_t self_us(const struct call *c)
{
	return local_us((struct time_object *)c->self.object);
}

/* "+02:00", or with "" between "+0200" */
static void offset_text(const struct time_object *t, const char *between, char out[16])
{
	int minutes = abs(t->offset_s) / 60;

	snprintf(out, 16, "%c%02d%s%02d", t->offset_s < 0 ? '-' : '+', minutes / 60 % 100, between,
		minutes % 60);
}

static bool call_strftime(struct call *c)
{
	int64_t us = self_us(c);
	time_t seconds = (time_t)floor_div(us, SECOND_US);
	struct tm tm;
	const struct time_object *t = (struct time_object *)c->self.object;
	char text[256], zone[32] = "UTC";

	if (!call_wants(c, 0, VALUE_STRING))
		return false;
	const char *format = value_strdup(render_arena(c->render), c->arg[0]);
	gmtime_r(&seconds, &tm);
	if (t->offset_s)
		offset_text(t, ":", zone + 3);
	tm.tm_gmtoff = t->offset_s;
	tm.tm_zone = zone;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	size_t n = strftime(text, sizeof text, format, &tm);
#pragma GCC diagnostic pop
	if (!n && *format)
		return render_fail(
			c->render, "strftime: the text is longer than %zu bytes", sizeof text - 1);
	c->result = render_text(c->render, text, n);
	return true;
}

/* 2026-11-02T10:11:12.123456+01:00, without the fraction where it is 0, and the zone where there is none. */
static struct value iso_text(struct render *r, const struct time_object *t, char between)
{
	char text[32], offset[16];

	format_utc(local_us(t), text);
	text[10] = between;
	offset_text(t, ":", offset);
	int len = t->kind == TIME_DATE ? 10 : t->us % SECOND_US ? 26 : 19;
	return render_printf(r, "%.*s%s", len, text, t->kind == TIME_ZONED ? offset : "");
}

static bool call_isoformat(struct call *c)
{
	c->result = iso_text(c->render, (struct time_object *)c->self.object, 'T');
	return true;
}

static bool print_time(struct render *r, struct object *self, struct buf *out)
{
	return render_str(r, iso_text(r, (struct time_object *)self, ' '), out);
}

static const char *key_of_time(const struct object *self)
{
	return ((const struct time_object *)self)->key;
}

static bool call_date(struct call *c)
{
	int64_t us = self_us(c);

	c->result = time_value(render_arena(c->render), period_start(PERIOD_DAY, us), TIME_DATE);
	return true;
}

/* Monday is 0. */
static bool call_weekday(struct call *c)
{
	int64_t days = period_start(PERIOD_DAY, self_us(c)) / DAY_US;

	c->result = value_int((weekday_of(days) + 6) % 7);
	return true;
}

static bool call_isoweekday(struct call *c)
{
	if (!call_weekday(c))
		return false;
	c->result.i++;
	return true;
}

static bool get_of_time(struct render *r, struct object *self, const char *name, struct value *out)
{
	static const struct function methods[] = {
		{"strftime", "format", call_strftime},
		{"isoformat", "", call_isoformat},
		{"date", "", call_date},
		{"weekday", "", call_weekday},
		{"isoweekday", "", call_isoweekday},
		{"replace", "year= month= day= hour= minute= second= microsecond= tzinfo=",
			call_time_replace},
		{"astimezone", "tz=", call_astimezone},
	};
	static const char *const parts[] = {"year", "month", "day", "hour", "minute", "second"};
	static const int at[][2] = {{0, 4}, {5, 2}, {8, 2}, {11, 2}, {14, 2}, {17, 2}};
	char text[32];

	format_utc(local_us((struct time_object *)self), text);
	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		if (strcmp(name, parts[i]) != 0)
			continue;
		int64_t n = 0;
		for (int k = 0; k < at[i][1]; k++)
			n = n * 10 + (text[at[i][0] + k] - '0');
		*out = value_int(n);
		return true;
	}
	return method_get(r, self, (struct methods){methods, COUNT_OF(methods)}, name, out);
}

#define TIME_OPS(name)                                                                     \
	{                                                                                  \
		.type = name, .get = get_of_time, .print = print_time, .key = key_of_time, \
		.add = time_add                                                            \
	}
static const struct object_ops time_ops[] = {[TIME_ZONED] = TIME_OPS("datetime"),
	[TIME_PLAIN] = TIME_OPS("datetime"),
	[TIME_DATE] = TIME_OPS("date")};

bool value_is_time(struct value v, int64_t *us, enum time_kind *kind)
{
	for (size_t i = 0; v.kind == VALUE_OBJECT && i < COUNT_OF(time_ops); i++) {
		if (v.object->ops != &time_ops[i])
			continue;
		*us = ((struct time_object *)v.object)->us;
		*kind = (enum time_kind)i;
		return true;
	}
	return false;
}

int32_t time_offset(struct value v)
{
	return ((struct time_object *)v.object)->offset_s;
}

struct value time_zoned(struct arena *a, int64_t us, int32_t offset_s)
{
	struct value v = time_value(a, us, TIME_ZONED);

	((struct time_object *)v.object)->offset_s = offset_s;
	return v;
}

struct value time_value(struct arena *a, int64_t us, enum time_kind kind)
{
	struct time_object *object = arena_alloc(a, sizeof *object);

	*object = (struct time_object){{&time_ops[kind]}, us, 0, kind, ""};
	format_utc(us, object->key);
	return value_object(&object->object);
}

/* --- the partition --- */

/* The first rendering only looks for names: any partition will do. */
const struct compile_batch *batch_of(const struct context *c)
{
	static const struct compile_batch some = {"1970-01-01", 0, DAY_US};
	return c->reading ? &some : c->options->batch;
}

static bool has_times(const struct compile_batch *batch)
{
	return batch->from_us < batch->to_us;
}

/* As dbt has it: id is the key without its dashes. */
struct value batch_value(struct context *c, struct arena *a)
{
	const struct compile_batch *batch = batch_of(c);
	struct value v = value_dict(dict_new(a));
	char *id, *to;

	if (!batch || !has_times(batch))
		return value_none();
	id = to = arena_strdup(a, batch->key);
	for (const char *p = id; *p; p++)
		if (*p != '-')
			*to++ = *p;
	*to = '\0';
	dict_put_text(a, v.dict, "id", value_text(id));
	dict_put_text(a, v.dict, "event_time_start", time_value(a, batch->from_us, TIME_ZONED));
	dict_put_text(a, v.dict, "event_time_end", time_value(a, batch->to_us, TIME_ZONED));
	return v;
}

static bool get_of_partition(
	struct render *r, struct object *self, const char *name, struct value *out)
{
	struct context *c = ((struct context_object *)self)->context;
	const struct compile_batch *batch = batch_of(c);
	bool time = !strcmp(name, "start") || !strcmp(name, "end");

	if (!time && strcmp(name, "key") != 0)
		return false;
	*out = (struct value){0};
	if (!batch)
		render_fail(r,
			"partition.%s is known while one partition is built; compile shows it "
			"with --partition KEY",
			name);
	else if (time && !has_times(batch))
		render_fail(r, "partition.%s: '%s' is a key, not a time", name, batch->key);
	else
		*out = !time ? value_text(batch->key)
			     : time_value(render_arena(r),
				       *name == 's' ? batch->from_us : batch->to_us, TIME_ZONED);
	return true;
}

static bool print_partition(struct render *r, struct object *self, struct buf *out)
{
	const struct compile_batch *batch = batch_of(((struct context_object *)self)->context);
	return render_str(r, batch ? value_text(batch->key) : value_none(), out);
}

bool call_partition(struct call *c)
{
	static const struct object_ops ops = {
		.type = "partition", .get = get_of_partition, .print = print_partition};

	c->result = context_object(c, &ops);
	return true;
}
