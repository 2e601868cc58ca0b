/*
 * modules.pytz: zones of tzdata by name, as tzinfo of datetimes. As with pytz a datetime keeps the offset it has when
 * something is added to it; astimezone() asks the zone again. What has no zone is in UTC.
 */
#include "base/clock.h"
#include "core/zone.h"
#include "models/internal.h"

#define SECOND_US ((int64_t)1000000)

struct zone_object {
	struct object object;
	const char *name;
};

static bool call_localize(struct call *c);

static bool get_of_zone(struct render *r, struct object *self, const char *name, struct value *out)
{
	static const struct function methods[] = {{"localize", "dt", call_localize}};

	if (!strcmp(name, "zone")) {
		*out = value_text(((struct zone_object *)self)->name);
		return true;
	}
	return method_get(r, self, (struct methods){methods, COUNT_OF(methods)}, name, out);
}

static bool print_zone(struct render *r, struct object *self, struct buf *out)
{
	return render_str(r, value_text(((struct zone_object *)self)->name), out);
}

static const char *key_of_zone(const struct object *self)
{
	return ((const struct zone_object *)self)->name;
}

static const struct object_ops zone_ops = {
	.type = "tzinfo", .get = get_of_zone, .print = print_zone, .key = key_of_zone};

static struct value zone_value(struct arena *a, const char *name)
{
	struct zone_object *object = arena_alloc(a, sizeof *object);

	*object = (struct zone_object){{&zone_ops}, name};
	return value_object(&object->object);
}

/* NULL: none of that name; the rendering has failed. */
static struct zone *load(struct call *c, const char *name)
{
	struct error err = {0};
	struct zone *zone = zone_load(name, &err);

	if (!zone)
		render_fail(c->render, "%s", err.text);
	return zone;
}

static const char *name_of(struct call *c, struct value zone)
{
	if (zone.kind == VALUE_OBJECT && zone.object->ops == &zone_ops)
		return ((struct zone_object *)zone.object)->name;
	render_fail(c->render, "a time zone is modules.pytz.timezone('Europe/Berlin'), not %s",
		value_type(zone));
	return NULL;
}

bool time_in_zone(struct call *c, int64_t us, struct value zone)
{
	const char *name = name_of(c, zone);
	struct zone *z = name ? load(c, name) : NULL;

	if (!z)
		return false;
	c->result = time_zoned(
		render_arena(c->render), us, zone_offset(z, floor_div(us, SECOND_US)));
	zone_free(z);
	return true;
}

bool time_of_zone(struct call *c, int64_t local_us, struct value zone)
{
	if (zone.kind == VALUE_NONE) {
		c->result = time_value(render_arena(c->render), local_us, TIME_PLAIN);
		return true;
	}
	const char *name = name_of(c, zone);
	struct zone *z = name ? load(c, name) : NULL;
	if (!z)
		return false;
	int64_t wall = floor_div(local_us, SECOND_US), instant = zone_instant(z, wall);
	c->result = time_zoned(render_arena(c->render),
		instant * SECOND_US + local_us - wall * SECOND_US, zone_offset(z, instant));
	zone_free(z);
	return true;
}

static bool call_localize(struct call *c)
{
	enum time_kind kind;
	int64_t us;

	if (!value_is_time(c->arg[0], &us, &kind) || kind != TIME_PLAIN)
		return render_fail(c->render, "localize() takes a datetime without a zone");
	return time_of_zone(c, us, c->self);
}

bool call_astimezone(struct call *c)
{
	enum time_kind kind;
	int64_t us;

	if (!value_is_time(c->self, &us, &kind) || kind == TIME_DATE)
		return render_fail(c->render, "'date object' has no attribute 'astimezone'");
	return time_in_zone(c, us,
		value_given(c->arg[0]) ? c->arg[0] : zone_value(render_arena(c->render), "UTC"));
}

static bool call_timezone(struct call *c)
{
	if (!call_wants(c, 0, VALUE_STRING))
		return false;
	const char *name = value_strdup(render_arena(c->render), c->arg[0]);
	struct zone *zone = load(c, name);
	if (!zone)
		return false;
	zone_free(zone);
	c->result = zone_value(render_arena(c->render), name);
	return true;
}

struct value pytz_module(struct arena *a)
{
	static const struct function timezone = {"timezone", "zone", call_timezone};
	struct value module = value_dict(dict_new(a));

	dict_put_text(a, module.dict, "timezone", function_value(a, &timezone, NULL));
	dict_put_text(a, module.dict, "utc", zone_value(a, "UTC"));
	dict_put_text(a, module.dict, "UTC", zone_value(a, "UTC"));
	return module;
}
