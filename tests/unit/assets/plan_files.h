/* A project in a folder, a state store beside it, and the plan of both; builds without an engine. */
#ifndef TESTS_PLAN_FILES_H
#define TESTS_PLAN_FILES_H

#include "assets/plan.h"
#include "base/clock.h"
#include "graph_files.h"

static struct state *state;
static struct survey *survey;
static struct plan plan;
static struct arena arena;
static int64_t now_us;
static struct plan_options planning;

static int64_t at(const char *text)
{
	enum period precision;
	int64_t us;
	assert_true(time_parse(text, &us, &precision));
	return us;
}

static void put_table(int id, const char *name, enum table_status status, uint32_t generation)
{
	struct table_state table = {.source_id = (uint64_t)id,
		.schema = "public",
		.definition = (char *)"{}",
		.status = status,
		.generation = generation};

	snprintf(table.name, sizeof table.name, "%s", name);
	snprintf(table.target, sizeof table.target, "%s", name);
	if (!state_table_put(state, "shop", &table, &err))
		fail_msg("%s", err.text);
}

/* A stream that has copied its tables. */
static int open_all(void **unused)
{
	struct resume resume = {.identity = "x"};

	if (open_folder(unused))
		return -1;
	CLEANUP(free_string) char *dir = xasprintf("%s/state", folder);
	state = state_open(dir, &err);
	arena_init(&arena);
	plan_init(&plan);
	if (!state || !state_stream_begin(state, "shop", 1, &resume, &err))
		return -1;
	put_table(1, "orders", TABLE_LIVE, 1);
	put_table(2, "customers", TABLE_LIVE, 1);
	now_us = at("2026-11-05T10");
	planning = (struct plan_options){.range = SPAN_ALL};
	return 0;
}

static int close_all(void **unused)
{
	plan_release(&plan);
	survey_free(survey);
	survey = NULL;
	state_close(state);
	arena_release(&arena);
	return close_graph(unused);
}

static void assert_done(bool ok)
{
	if (!ok)
		fail_msg("%s", err.text);
}

static void look(void)
{
	survey_free(survey);
	survey = NULL;
	make();
	survey = survey_new(graph, state);
}

/* Of the names, by spaces; "": of all. */
static void make_plan_of(const char *names)
{
	struct assets selected = {0};

	look();
	for (const char *end; *names; names = end + strspn(end, " ")) {
		end = names + strcspn(names, " ");
		CLEANUP(free_string) char *name = xstrndup(names, (size_t)(end - names));
		vec_push(&selected, asset(name));
	}
	planning.selected = selected.len ? &selected : NULL;
	plan_release(&plan);
	plan_init(&plan);
	planning.now_us = now_us;
	assert_done(plan_make(survey, &planning, &plan, &err));
	vec_release(&selected);
}

static void make_plan(void)
{
	make_plan_of("");
}

static const struct plan_asset *planned(const char *name)
{
	vec_each (&plan.assets, it)
		if (!strcmp(it->asset->name, name))
			return it;
	fail_msg("%s is not in the plan", name);
	return NULL;
}

/* "dirty 2026-11-02; missing 2026-11-04 to 2026-11-05" */
static void assert_plan(const char *name, const char *expected)
{
	const struct plan_asset *a = planned(name);
	char span[SPAN_TEXT_SIZE];
	struct buf text;

	buf_init(&text, BUF_MAX);
	vec_each (&a->parts, part)
		buf_printf(&text, "%s%s%s %s", text.len ? "; " : "", part->waits ? "waiting " : "",
			plan_reason_name(part->reason),
			*part->partition ? part->partition
					 : span_print(&a->asset->partitioning, part->span, span));
	if (strcmp(buf_text(&text), expected))
		fail_msg("%s: %s, expected %s", name, buf_text(&text), expected);
	buf_release(&text);
}

static void stamp(const struct asset *a, struct built *b, struct definition *d)
{
	struct survey *v = survey_new(graph, state);

	assert_done(survey_stamp(v, a, &arena, b, &err));
	assert_done(definition_of(graph, a, &arena, d, &err));
	assert_done(survey_inputs(v, a, &arena, d, &err));
	b->fingerprint = d->fingerprint;
	survey_free(v);
}

/* As a build does. */
static void build(const char *name, const char *key, const char *from, const char *to)
{
	const struct asset *a = asset(name);
	struct definition d;
	struct built b = {.partition = key,
		.from_us = from ? at(from) : TIME_MIN,
		.to_us = to ? at(to) : TIME_MAX};
	stamp(a, &b, &d);
	assert_done(state_definition_put(state, a->id, &d, &err));
	struct mark m = {.partition = key, .from_us = b.from_us, .to_us = b.to_us};
	assert_done(state_built_put(state, a->id, &b, &m, 1, &err));
}

/* All that the plan says, in its order. */
static void build_plan(void)
{
	make_plan();
	vec_each (&plan.assets, a) {
		struct definition d;
		vec_each (&a->parts, part) {
			if (part->waits)
				continue;
			struct built b = {.partition = part->partition,
				.from_us = part->span.from_us,
				.to_us = part->span.to_us};
			struct mark m = {
				.partition = b.partition, .from_us = b.from_us, .to_us = b.to_us};
			stamp(a->asset, &b, &d);
			assert_done(state_definition_put(state, a->asset->id, &d, &err));
			assert_done(state_built_put(state, a->asset->id, &b, &m, !a->quiet, &err));
		}
	}
}

static void change(const char *id, const char *from, const char *to)
{
	struct asset_mark m = {
		id, {.from_us = from ? at(from) : TIME_MIN, .to_us = to ? at(to) : TIME_MAX}};
	assert_done(state_mark(state, &m, 1, &err));
}

#define DAILY                                                             \
	"materialized='incremental', incremental_strategy='microbatch', " \
	"event_time='at', batch_size='day', begin='2026-11-01'"

static void put_shop(void)
{
	put("models/sources.yml", "sources: [{name: shop, schema: lake, tables: [{name: orders, "
				  "config: {event_time: at}}, {name: customers}]}]\n");
	put("models/stg.sql",
		"{{ config(event_time='at') }}select * from {{ source('shop', 'orders') }}");
	put("models/facts.sql", "{{ config(" DAILY ") }}select * from {{ ref('stg') }}");
	put("models/weekly.sql",
		"{{ config(" DAILY ", partition_mapping={'facts': {'window': 2}}) }}"
		"select * from {{ ref('facts').render() }}");
	put("models/total.sql",
		"{{ config(materialized='table') }}select sum(x) from {{ ref('facts') }}");
}

#endif
