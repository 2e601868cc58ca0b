/*
 * Partitions, schedules and the other settings that a struct node has members for: read from its
 * configuration, and checked. What is wrong is said with the place where it was set.
 */
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>
#include "core/units.h"
#include "models/internal.h"

#define MOST_LOOKBACK 100000

/* What reads the settings of one node. */
struct taking {
	struct project *p;
	struct node *node;
};

static bool PRINTF(3, 4) wrong(const struct taking *t, const char *setting, const char *fmt, ...)
{
	struct error err = {0};
	va_list args;
	char text[256];

	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	error_set(&err, ERROR_CONFIG, "%s: %s %s", node_place(t->node, setting), setting, text);
	node_fail(t->p, t->node, &err);
	return false;
}

static bool is_said(const struct taking *t, const char *key, struct value *out)
{
	*out = setting(t->node, key);
	return value_given(*out) && out->kind != VALUE_NONE;
}

static bool take_text(const struct taking *t, const char *key, const char **out)
{
	struct value v;

	if (!is_said(t, key, &v))
		return true;
	if (v.kind != VALUE_STRING || !v.len)
		return wrong(t, key, "is no text");
	*out = value_strdup(&t->p->arena, v);
	return true;
}

/* A list of texts and numbers, or one alone. */
static bool take_texts(const struct taking *t, const char *key, struct texts *out)
{
	struct arena *a = &t->p->arena;
	struct value v;

	if (!is_said(t, key, &v))
		return true;
	bool many = v.kind == VALUE_LIST || v.kind == VALUE_TUPLE;
	size_t n = many ? v.list->len : 1;
	const char **items = arena_alloc(a, (n + 1) * sizeof *items);
	for (size_t i = 0; i < n; i++) {
		struct value item = many ? v.list->items[i] : v;
		if (item.kind != VALUE_STRING && item.kind != VALUE_INT)
			return wrong(t, key, "takes a list of texts");
		items[i] = item.kind == VALUE_STRING ? value_strdup(a, item)
						     : arena_printf(a, "%lld", (long long)item.i);
	}
	*out = (struct texts){items, n};
	return true;
}

/* --- partitions --- */

static bool take_batch_size(const struct taking *t)
{
	const char *text = NULL;

	if (!take_text(t, "batch_size", &text))
		return false;
	if (text && !period_parse(text, &t->node->batch_size))
		return wrong(t, "batch_size", "is '%s'; it takes hour, day, month or year", text);
	return true;
}

static bool take_begin(const struct taking *t)
{
	struct node *node = t->node;
	const char *text;
	enum period precision;
	struct value v;

	if (!is_said(t, "begin", &v))
		return wrong(t, "batch_size",
			"needs begin, the time of the first partition, as in begin: '2026-01-01'");
	if (v.kind != VALUE_STRING)
		return wrong(t, "begin", "is no time; write one such as '2026-01-01', in quotes");
	text = value_strdup(&t->p->arena, v);
	if (!time_parse(text, &node->begin_us, &precision))
		return wrong(t, "begin", "is '%s', not a time such as 2026-01-01 or 2026-01-01T05",
			text);
	node->begin_us = period_start(node->batch_size, node->begin_us);
	return true;
}

static bool take_lookback(const struct taking *t)
{
	struct value v;

	if (!is_said(t, "lookback", &v))
		return true;
	if (v.kind != VALUE_INT || v.i < 0 || v.i > MOST_LOOKBACK)
		return wrong(t, "lookback", "takes a number of partitions, 0 to %d", MOST_LOOKBACK);
	t->node->lookback = (int)v.i;
	return true;
}

/* Keys become part of names and of SQL. */
static bool check_keys(const struct taking *t)
{
	const struct texts *keys = &t->node->partitions;

	for (size_t i = 0; i < keys->n; i++) {
		if (!*keys->items[i])
			return wrong(t, "partitions", "holds an empty key");
		for (size_t k = 0; k < i; k++)
			if (!strcmp(keys->items[i], keys->items[k]))
				return wrong(t, "partitions", "holds '%s' twice", keys->items[i]);
	}
	return true;
}

static bool take_keys(const struct taking *t)
{
	struct node *node = t->node;

	if (!take_texts(t, "partitions", &node->partitions) ||
		!take_text(t, "partition_column", &node->partition_column) || !check_keys(t))
		return false;
	if (node->partitions.n && node->batch_size != PERIOD_NONE)
		return wrong(
			t, "partitions", "does not go with batch_size: a model has keys or times");
	if (node->partitions.n && !node->partition_column &&
		node->materialization == MATERIALIZED_INCREMENTAL)
		return wrong(t, "partitions",
			"needs partition_column, the column of the model that holds the key");
	return true;
}

static bool take_times(const struct taking *t)
{
	struct node *node = t->node;

	if (!take_begin(t) || !take_lookback(t))
		return false;
	if (!node->event_time && node->materialization == MATERIALIZED_INCREMENTAL)
		return wrong(t, "batch_size",
			"needs event_time, the column of the model that says when a row happened");
	return true;
}

/* As in dbt, batch_size says nothing of models that are not built in batches. */
static bool is_built_in_batches(const struct taking *t)
{
	struct value strategy = setting(t->node, "incremental_strategy");

	if (t->node->kind != NODE_MODEL || t->node->materialization == MATERIALIZED_VIEW ||
		t->node->materialization == MATERIALIZED_TABLE ||
		t->node->materialization == MATERIALIZED_EPHEMERAL)
		return false;
	return t->node->materialization != MATERIALIZED_INCREMENTAL ||
	       strategy.kind != VALUE_STRING || value_is_text(strategy, "microbatch") ||
	       value_is_text(strategy, "insert_overwrite");
}

static bool take_partitions(const struct taking *t)
{
	if (!take_text(t, "event_time", &t->node->event_time))
		return false;
	if (!is_built_in_batches(t))
		return true;
	if (!take_batch_size(t) || !take_keys(t))
		return false;
	if (t->node->batch_size == PERIOD_NONE &&
		value_is_text(setting(t->node, "incremental_strategy"), "microbatch"))
		return wrong(t, "incremental_strategy",
			"microbatch needs batch_size: hour, day, month or year");
	return t->node->batch_size == PERIOD_NONE || take_times(t);
}

/* --- schedules --- */

static bool take_duration(const struct taking *t, const char *key, struct value v, int64_t *out_us)
{
	struct arena *a = &t->p->arena;
	int64_t ms;

	if (!value_given(v) || v.kind == VALUE_NONE)
		return true;
	const char *text = v.kind == VALUE_STRING ? value_strdup(a, v) : "";
	if (!duration_parse(text, &ms) || ms <= 0 || ms > INT64_MAX / 1000)
		return wrong(t, key, "takes a duration, such as 60s, 15min or 2h");
	*out_us = ms * 1000;
	return true;
}

static bool take_on(const struct taking *t)
{
	struct schedule *schedule = &t->node->schedule;
	struct texts on = {0};

	if (!take_texts(t, "on", &on))
		return false;
	for (size_t i = 0; i < on.n; i++) {
		if (!strcmp(on.items[i], "change"))
			schedule->on_change = true;
		else if (!strcmp(on.items[i], "missing"))
			schedule->on_missing = true;
		else
			return wrong(t, "on", "is '%s'; it takes change or missing", on.items[i]);
	}
	return true;
}

/* freshness: {max_age: 15m}; what dbt has there (build_after) is its own scheduler's. */
static bool take_max_age(const struct taking *t)
{
	struct value v;

	if (!is_said(t, "freshness", &v) || v.kind != VALUE_DICT)
		return true;
	return take_duration(
		t, "freshness", dict_get_text(v.dict, "max_age"), &t->node->schedule.max_age_us);
}

static bool take_schedule(const struct taking *t)
{
	struct schedule *schedule = &t->node->schedule;

	if (!take_text(t, "schedule", &schedule->cron) ||
		!take_text(t, "timezone", &schedule->timezone) || !take_on(t) ||
		!take_duration(t, "at_most_every", setting(t->node, "at_most_every"),
			&schedule->at_most_every_us) ||
		!take_max_age(t))
		return false;
	schedule->place = node_place(t->node, "schedule");
	return true;
}

static bool take_severity(const struct taking *t)
{
	const char *text = "error";

	if (!take_text(t, "severity", &text))
		return false;
	if (strcasecmp(text, "warn") != 0 && strcasecmp(text, "error") != 0)
		return wrong(t, "severity", "is '%s'; it takes error or warn", text);
	t->node->severity = strcasecmp(text, "warn") ? SEVERITY_ERROR : SEVERITY_WARN;
	return true;
}

/* What is called otherwise is the project's own, or another adapter's. */
static bool names_are_known(const struct taking *t)
{
	size_t i = 0;

	for (struct dict_entry *entry; (entry = dict_next(t->node->config, &i));) {
		const char *name = entry->key.kind == VALUE_STRING
					   ? value_strdup(&t->p->arena, entry->key)
					   : "";
		const char *near = setting_nearly(name);
		if (near)
			return wrong(t, name,
				"is no setting; did you mean '%s'? What is your own goes below "
				"meta:",
				near);
	}
	return true;
}

void node_take_settings(struct project *p, struct node *node)
{
	struct taking t = {p, node};

	if (names_are_known(&t) && take_texts(&t, "tags", &node->tags) && take_partitions(&t) &&
		take_schedule(&t) && node->kind == NODE_TEST)
		take_severity(&t);
}

/* --- mapping --- */

/* false: it is none of the words. */
static bool read_mapping(struct value v, struct partition_mapping *out)
{
	struct value window = value_member(v, "window");

	*out = (struct partition_mapping){0};
	if (value_is_text(v, "same"))
		out->kind = MAPPING_SAME;
	else if (value_is_text(v, "all"))
		out->kind = MAPPING_ALL;
	else if (value_is_text(v, "ignore"))
		out->kind = MAPPING_IGNORE;
	else if (window.kind == VALUE_INT && window.i >= 0 && window.i <= MOST_LOOKBACK)
		*out = (struct partition_mapping){MAPPING_WINDOW, (int)window.i};
	else
		return false;
	return true;
}

static bool stands_on(const struct taking *t, const char *name)
{
	vec_each (&t->node->parents, it)
		if (!strcmp((*it)->name, name))
			return true;
	vec_each (&t->node->sources, it)
		if (!strcmp(arena_printf(&t->p->arena, "%s.%s", (*it)->source, (*it)->name), name))
			return true;
	return false;
}

void node_take_mapping(struct project *p, struct node *node)
{
	struct taking t = {p, node};
	struct partition_mapping mapping;
	struct value all;
	size_t i = 0;

	if (!is_said(&t, "partition_mapping", &all) || node->problem)
		return;
	if (all.kind != VALUE_DICT) {
		wrong(&t, "partition_mapping", "takes a map, as in {orders: same}");
		return;
	}
	for (struct dict_entry *entry; (entry = dict_next(all.dict, &i));) {
		const char *name = entry->key.kind == VALUE_STRING
					   ? value_strdup(&p->arena, entry->key)
					   : "";
		if (!read_mapping(entry->value, &mapping))
			wrong(&t, "partition_mapping",
				"of '%s' takes same, all, ignore or {window: 3}", name);
		else if (!stands_on(&t, name))
			wrong(&t, "partition_mapping",
				"speaks of '%s', which the model has no ref() or source() of; a "
				"table "
				"of a source is SOURCE.TABLE",
				name);
	}
}

static struct partition_mapping mapping_of(
	const struct node *node, const char *parent, bool has_event_time)
{
	struct value all = setting(node, "partition_mapping");
	struct partition_mapping mapping;

	if (all.kind == VALUE_DICT && read_mapping(dict_get_text(all.dict, parent), &mapping))
		return mapping;
	bool same = has_event_time && node->batch_size != PERIOD_NONE;
	return (struct partition_mapping){.kind = same ? MAPPING_SAME : MAPPING_ALL};
}

struct partition_mapping node_mapping(const struct node *node, const struct node *parent)
{
	return mapping_of(node, parent->name, parent->event_time);
}

struct partition_mapping node_source_mapping(
	const struct node *node, const struct source_table *parent)
{
	char name[512];

	snprintf(name, sizeof name, "%s.%s", parent->source, parent->name);
	return mapping_of(node, name, parent->event_time);
}

/* --- keys --- */

static bool has_key(const struct node *node, const char *key)
{
	for (size_t i = 0; i < node->partitions.n; i++)
		if (!strcmp(node->partitions.items[i], key))
			return true;
	return false;
}

bool node_batch(
	const struct node *node, const char *key, struct compile_batch *out, struct error *err)
{
	enum period precision;
	char begin[PERIOD_KEY_SIZE];

	*out = (struct compile_batch){.key = key};
	if (!node_is_partitioned(node))
		return error_set(err, ERROR_CONFIG,
			"%s: is not partitioned: it has neither batch_size nor "
			"partitions",
			node->path);
	if (node->partitions.n)
		return has_key(node, key) ||
		       error_set(err, ERROR_CONFIG, "%s: has no partition '%s'", node->path, key);
	period_key(node->batch_size, node->begin_us, begin);
	if (!time_parse(key, &out->from_us, &precision) || precision != node->batch_size)
		return error_set(err, ERROR_CONFIG,
			"%s: '%s' is no partition of it; they are called as its first, %s",
			node->path, key, begin);
	if (out->from_us < node->begin_us)
		return error_set(err, ERROR_CONFIG, "%s: partition %s is before its first, %s",
			node->path, key, begin);
	out->to_us = period_add(node->batch_size, out->from_us, 1);
	return true;
}

bool node_first_batch(const struct node *node, char key[PERIOD_KEY_SIZE], struct compile_batch *out,
	struct error *err)
{
	period_key(node->batch_size, node->begin_us, key);
	return node_batch(node, node->partitions.n ? node->partitions.items[0] : key, out, err);
}
