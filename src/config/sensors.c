/* The section `sensors`: what outside of the project has models built. */
#include <string.h>
#include "config/read.h"

#define SENSOR(field) offsetof(struct sensor_config, field)
const struct option sensor_option_table[] = {
	{"select", OPTION_STRING, SENSOR(select), .required = true,
		.help = "What is built: a selector, as of `tailrace build`."},
	{"file", OPTION_STRING, SENSOR(file),
		.help = "A path, relative to this file, with * and ? in its last part: when such a "
			"file appears or changes."},
	{"sql", OPTION_STRING, SENSOR(sql),
		.help = "A query: when its first value has become true, that is neither NULL, 0, "
			"false nor empty."},
	{"webhook", OPTION_BOOL, SENSOR(webhook), "false",
		.help = "Whenever somebody posts to `/api/v1/sensors/NAME`."},
	{"token", OPTION_SECRET, SENSOR(token),
		.help = "With webhook: who posts must send it as `Authorization: Bearer TOKEN`."},
	{"every", OPTION_DURATION, SENSOR(every_ms), "30s", .min = 1000, .max = 86400000,
		.help = "How often file or sql are looked at."},
	OPTION_END,
};

static bool read_sensor(struct reader *r, const struct entry *e, struct sensor_config *out)
{
	static const struct keys keys = {.options = {sensor_option_table}};
	const char *what = arena_printf(r->arena, "sensor '%s'", e->key);
	struct section s;

	if (!is_name(e->key, false))
		return complain(r, e->line,
			"sensor name '%.100s': it begins with a letter, holds letters, digits, _ "
			"and -, and is at most 48 long",
			e->key);
	*out = (struct sensor_config){.name = arena_strdup(r->arena, e->key), .line = e->line};
	if (!option_defaults(sensor_option_table, out, r->arena, r->err) ||
		!section_open(r, e->value, e->line, what, &keys, &s) ||
		!read_options(r, &s, sensor_option_table, out))
		return false;
	if (!option_complete(sensor_option_table, out, r->err))
		return complain_at(r, e->line, what);
	if (!!out->file + !!out->sql + out->webhook != 1)
		return complain(r, e->line, "%s: it takes one of file, sql and webhook", what);
	if (out->token && !out->webhook)
		return complain(r, e->line, "%s: a token is of a webhook", what);
	if (out->file)
		out->file = read_path(r, out->file);
	return true;
}

bool read_sensors(struct reader *r, struct config *config, const yaml_node_t *node, int line)
{
	struct section s;

	if (!node)
		return true;
	if (!section_open(r, node, line, "sensors", NULL, &s))
		return false;
	size_t n = (size_t)(s.node->data.mapping.pairs.top - s.node->data.mapping.pairs.start);
	config->sensors = arena_alloc(r->arena, (n + 1) * sizeof *config->sensors);
	for (struct entry e = {0}; section_next(r, &s, &e);)
		if (!read_sensor(r, &e, &config->sensors[config->n_sensors++]))
			return false;
	return true;
}
