/* Partitions and schedules of models: what the configuration says, and what is rendered for a batch. */
#include "project_files.h"

#define DAY_US ((int64_t)86400 * 1000000)

static struct compile_batch batch;

static void take(const char *name, const char *key)
{
	if (!node_batch(node(name), key, &batch, &err))
		fail_msg("%s", err.text);
	options.batch = &batch;
}

#define DAILY                                                                                      \
	"config(materialized='incremental', incremental_strategy='microbatch', event_time='day', " \
	"batch_size='day', begin='2026-11-01'"
#define ROWS(table, column)                                \
	"(select * from " table " where `" column          \
	"` >= toDateTime64('2026-11-21 00:00:00.000000', " \
	"6, 'UTC') and `" column "` < toDateTime64('2026-11-22 00:00:00.000000', 6, 'UTC'))"

static void a_batch_sees_the_rows_of_its_time(void **state)
{
	(void)state;
	put("models/s.yml", "sources:\n  - name: shop\n    schema: lake\n    tables:\n"
			    "      - {name: orders, config: {event_time: created_at}}\n"
			    "      - name: people\n"
			    "models:\n  - {name: dim, config: {event_time: at}}\n");
	put("models/dim.sql", "select 1");
	put("models/plain.sql", "select 1");
	put("models/f.sql",
		"{{ " DAILY ") }}{{ source('shop', 'orders') }}\n"
		"{{ source('shop', 'people') }}\n{{ ref('dim') }}\n{{ ref('dim').render() }}"
		"\n{{ ref('plain') }}\n{{ this }}");
	load();
	assert_compiles("f",
		"`lake`.`orders`\n`lake`.`people`\n`analytics`.`dim`\n`analytics`.`dim`\n"
		"`analytics`.`plain`\n`analytics`.`f`");
	take("f", "2026-11-21");
	assert_compiles("f", ROWS("`lake`.`orders`", "created_at") "\n`lake`.`people`\n" ROWS(
				     "`analytics`.`dim`", "at") "\n`analytics`.`dim`\n"
								"`analytics`.`plain`\n"
								"`analytics`.`f`");
}

static void a_mapping_says_which_rows_of_a_parent_are_seen(void **state)
{
	(void)state;
	put("models/y.yml", "models:\n  - {name: a, config: {event_time: at}}\n"
			    "  - {name: b, config: {event_time: at}}\n"
			    "  - {name: c, config: {event_time: at}}\n");
	put("models/a.sql", "select 1");
	put("models/b.sql", "select 1");
	put("models/c.sql", "select 1");
	put("models/d.sql", "select 1");
	put("models/f.sql",
		"{{ " DAILY
		", partition_mapping={'a': 'all', 'b': 'ignore', 'c': {'window': 2}, 'd': "
		"'same'}) }}{{ ref('a') }} {{ ref('b') }} {{ ref('c') }} {{ ref('d') }}");
	load();
	take("f", "2026-11-21");
	assert_compiles("f",
		"`analytics`.`a` `analytics`.`b` (select * from `analytics`.`c` where `at` >= "
		"toDateTime64('2026-11-19 00:00:00.000000', 6, 'UTC') and `at` < "
		"toDateTime64('2026-11-22 00:00:00.000000', 6, 'UTC')) `analytics`.`d`");
	assert_int_equal(node_mapping(node("f"), node("a")).kind, MAPPING_ALL);
	assert_int_equal(node_mapping(node("f"), node("b")).kind, MAPPING_IGNORE);
	assert_int_equal(node_mapping(node("f"), node("c")).kind, MAPPING_WINDOW);
	assert_int_equal(node_mapping(node("f"), node("c")).window, 2);
	assert_int_equal(node_mapping(node("f"), node("d")).kind, MAPPING_SAME);
}

static void without_a_mapping_a_parent_with_a_time_is_the_same_others_all(void **state)
{
	(void)state;
	put("models/s.yml",
		"sources:\n  - name: shop\n    schema: lake\n    config: {event_time: at}\n"
		"    tables: [{name: orders}, {name: people, config: {event_time: null}}]\n");
	put("models/f.sql",
		"{{ " DAILY
		") }}{{ source('shop', 'orders') }}{{ source('shop', 'people') }}{{ ref('v') }}");
	put("models/v.sql", "select 1");
	load();
	const struct node *f = node("f");
	assert_int_equal(node_source_mapping(f, f->sources.items[0]).kind, MAPPING_SAME);
	assert_int_equal(node_source_mapping(f, f->sources.items[1]).kind, MAPPING_ALL);
	assert_int_equal(node_mapping(f, node("v")).kind, MAPPING_ALL);
	/* A model without partitions is made of all of everything. */
	assert_int_equal(node_source_mapping(node("v"), f->sources.items[0]).kind, MAPPING_ALL);
}

static void templates_know_their_partition(void **state)
{
	(void)state;
	put("models/f.sql",
		"{{ " DAILY
		") }}{{ partition.key }} {{ partition.start }} {{ partition.end.isoformat() }} "
		"{{ partition.start.strftime('%d.%m.%y') }} {{ partition.start.year }} "
		"{{ model.batch.id }} {{ model.batch.event_time_start.date() }} {{ "
		"model.batch.event_time_end }}");
	put("models/whole.sql", "{{ " DAILY ") }}{{ 'batch' if model.batch else 'whole' }}");
	put("models/s.sql", "{{ config(materialized='incremental', partitions=['eu', 'us', 3], "
			    "partition_column='region') }}{{ partition.key }} {{ model.batch }}");
	put("models/no.sql", "{{ config(materialized='incremental', partitions='eu', "
			     "partition_column='region') }}{{ partition.start }}");
	load();
	assert_compiles("whole", "whole");
	assert_problem("f", "models/f.sql:1:");
	assert_problem("f", "partition.key is known while one partition is built");
	take("f", "2026-11-21");
	assert_compiles("f",
		"2026-11-21 2026-11-21 00:00:00+00:00 2026-11-22T00:00:00+00:00 21.11.26 "
		"2026 20261121 2026-11-21 2026-11-22 00:00:00+00:00");
	assert_compiles("whole", "batch");
	take("s", "us");
	assert_compiles("s", "us None");
	take("s", "3");
	assert_compiles("s", "3 None");
	take("no", "eu");
	assert_problem("no", "partition.start: 'eu' is a key, not a time");
}

static void a_partition_is_called_as_its_period_says(void **state)
{
	(void)state;
	put("models/h.sql",
		"{{ config(materialized='incremental', event_time='t', batch_size='hour', "
		"begin='2026-11-01 05:30:00') }}");
	put("models/m.sql",
		"{{ config(materialized='incremental', event_time='t', batch_size='month', "
		"begin='2026-11-20') }}");
	put("models/s.sql", "{{ config(materialized='incremental', partitions=['eu'], "
			    "partition_column='r') }}");
	put("models/t.sql", "select 1");
	load();
	take("h", "2026-11-21T05");
	assert_int_equal(batch.to_us - batch.from_us, DAY_US / 24);
	take("m", "2026-12");
	assert_int_equal(batch.to_us - batch.from_us, 31 * DAY_US);
	take("m", "2026-11"); /* the month that begin is in */
	assert_false(node_batch(node("m"), "2026-10", &batch, &err));
	assert_string_equal(
		err.text, "models/m.sql: partition 2026-10 is before its first, 2026-11");
	assert_false(node_batch(node("h"), "2026-11-21", &batch, &err));
	assert_string_equal(err.text, "models/h.sql: '2026-11-21' is no partition of it; they are "
				      "called as its first, 2026-11-01T05");
	assert_false(node_batch(node("s"), "asia", &batch, &err));
	assert_string_equal(err.text, "models/s.sql: has no partition 'asia'");
	assert_false(node_batch(node("t"), "eu", &batch, &err));
	assert_non_null(strstr(err.text, "is not partitioned"));
}

static void a_test_of_a_partition_sees_its_rows_and_all_of_the_others(void **state)
{
	(void)state;
	put("models/f.sql", "{{ " DAILY ") }}select 1");
	put("models/d.sql", "{{ config(event_time='at') }}select 1");
	put("models/y.yml", "models:\n  - name: f\n    columns:\n      - name: d\n        tests:\n"
			    "          - relationships: {to: ref('d'), field: id, name: known}\n"
			    "          - unique\n");
	load();
	take("f", "2026-11-21");
	assert_compiles("known",
		"with parent as (select id as known from `analytics`.`d` where id is not null)\n"
		"select child.d as from_field\nfrom " ROWS("`analytics`.`f`",
			"day") " as child\nwhere child.d is not null\n\tand child.d "
			       "not in (select known from parent)");
	assert_ptr_equal(node("known")->tested, node("f"));
	assert_true(node("known")->by_rows);
	assert_false(node("unique_f_d")->by_rows);
}

static void begin_may_be_computed(void **state)
{
	static const char *const begins[] = {"var('start')", "env_var('MODELS_BEGIN')",
		"modules.datetime.date(2026, 10, 4) - modules.datetime.timedelta(days=3)",
		"(modules.datetime.datetime(2026, 10, 1, 7)).strftime('%Y-%m-%d')",
		"'2026-' ~ var('month') ~ '-01'"};
	char text[512];

	(void)state;
	setenv("MODELS_BEGIN", "2026-10-01", 1);
	for (size_t i = 0; i < COUNT_OF(begins); i++) {
		snprintf(text, sizeof text,
			"{{ config(materialized='incremental', incremental_strategy='microbatch', "
			"event_time='t', batch_size='day',\nbegin=%s) }}",
			begins[i]);
		put("models/m.sql", text);
		put("models/n.sql", "{{ config(materialized='incremental', "
				    "incremental_strategy='microbatch', event_time='t') }}");
		snprintf(text, sizeof text,
			"models:\n  - name: n\n    config:\n      batch_size: day\n"
			"      begin: \"{{ %s }}\"\n",
			begins[i]);
		put("models/y.yml", text);
		assert_true(load_with("{start: 2026-10-01, month: '10'}"));
		take("m", "2026-10-01");
		take("n", "2026-10-01");
		assert_true(node("m")->begin_us == 1790812800000000);
		assert_true(node("n")->begin_us == 1790812800000000);
	}
	unsetenv("MODELS_BEGIN");
	load();
	assert_problem("n", "models/y.yml:5:1:14: there is no variable 'month'");
	assert_problem("m", "models/m.sql:2:17: there is no variable 'month'");
}

static void settings_of_partitions_are_refused_where_they_are_made(void **state)
{
	static const struct {
		const char *config, *expected;
	} cases[] = {
		{"batch_size='week', begin='2026', event_time='t'",
			"models/m.sql:2: batch_size is 'week'; it takes hour, day, month or year"},
		{"batch_size='day', event_time='t'",
			"models/m.sql:2: batch_size needs begin, the time of the first partition"},
		{"batch_size='day', begin='2026'",
			"models/m.sql:2: batch_size needs event_time, the column"},
		{"batch_size='day', begin='soon', event_time='t'",
			"models/m.sql:2: begin is 'soon', not a time"},
		{"batch_size='day', begin=2026, event_time='t'",
			"models/m.sql:2: begin is no time; write one such as '2026-01-01', in "
			"quotes"},
		{"batch_size='day', begin='2026', event_time='t', lookback=-1",
			"models/m.sql:2: lookback takes a number of partitions"},
		{"batch_size='day', begin='2026', event_time=['t']",
			"models/m.sql:2: event_time is no text"},
		{"incremental_strategy='microbatch'",
			"models/m.sql:2: incremental_strategy microbatch needs batch_size"},
		{"partitions=['a', 'b', 'a'], partition_column='c'",
			"models/m.sql:2: partitions holds 'a' twice"},
		{"partitions=['a']", "models/m.sql:2: partitions needs partition_column"},
		{"partitions=['a'], batch_size='day'",
			"models/m.sql:2: partitions does not go with batch_size"},
		{"partitions={'a': 1}", "models/m.sql:2: partitions takes a list of texts"},
		{"partition_mapping='all'", "models/m.sql:2: partition_mapping takes a map"},
		{"partition_mapping={'p': 'some'}",
			"models/m.sql:2: partition_mapping of 'p' takes same, all, ignore or"},
		{"partition_mapping={'q': 'all'}",
			"models/m.sql:2: partition_mapping speaks of 'q', which"},
		{"on='sunday'", "models/m.sql:2: on is 'sunday'; it takes change or missing"},
		{"at_most_every='often'", "models/m.sql:2: at_most_every takes a duration"},
		{"freshness={'max_age': '-1s'}", "models/m.sql:2: freshness takes a duration"},
		{"schedule=['0 1 * * *']", "models/m.sql:2: schedule is no text"},
	};

	(void)state;
	put("models/p.sql", "select 1");
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		CLEANUP(free_string)
		char *text = xasprintf(
			"-- {{ ref('p') }}\n{{ config(materialized='incremental', %s) }}",
			cases[i].config);
		put("models/m.sql", text);
		load();
		assert_problem("m", cases[i].expected);
	}
}

static void a_setting_of_yml_is_refused_with_its_line(void **state)
{
	(void)state;
	put("dbt_project.yml", "name: p\nmodels:\n  p:\n    a:\n      +schedule: [x]\n");
	put("models/a/m.sql", "select 1");
	put("models/n.sql", "select 1");
	put("models/y.yml", "models:\n  - name: n\n    config:\n      on: [change, never]\n");
	load();
	assert_problem("m", "dbt_project.yml:5: schedule is no text");
	assert_problem("n", "models/y.yml:4: on is 'never'");
}

static void batches_are_for_models_that_are_built_in_batches(void **state)
{
	(void)state;
	put("dbt_project.yml", "name: p\nmodels:\n  +batch_size: day\n  +begin: '2026-01-01'\n"
			       "  +event_time: t\n");
	put("models/v.sql", "select 1");
	put("models/t.sql", "{{ config(materialized='table') }}select 1");
	put("models/a.sql",
		"{{ config(materialized='incremental', incremental_strategy='append') }}select 1");
	put("models/i.sql", "{{ config(materialized='incremental', "
			    "incremental_strategy='insert_overwrite') }}");
	load();
	assert_false(node_is_partitioned(node("v")));
	assert_false(node_is_partitioned(node("t")));
	assert_false(node_is_partitioned(node("a")));
	assert_true(node_is_partitioned(node("i")));
	assert_string_equal(node("v")->event_time, "t");
}

static void schedules_are_read(void **state)
{
	(void)state;
	put("models/a.sql",
		"{{ config(schedule='0 2 * * *', timezone='Europe/Berlin', tags=['x', 'y'])"
		" }}select 1");
	put("models/b.sql", "select 1");
	put("models/y.yml", "models:\n  - name: b\n    config:\n      on: [change, missing]\n"
			    "      at_most_every: 60s\n      freshness: {max_age: 15m}\n");
	load();
	const struct schedule *a = &node("a")->schedule, *b = &node("b")->schedule;
	assert_string_equal(a->cron, "0 2 * * *");
	assert_string_equal(a->timezone, "Europe/Berlin");
	assert_string_equal(a->place, "models/a.sql:1");
	assert_int_equal(node("a")->tags.n, 2);
	assert_string_equal(node("a")->tags.items[1], "y");
	assert_null(b->cron);
	assert_true(b->on_change && b->on_missing);
	assert_int_equal(b->at_most_every_us, 60000000);
	assert_int_equal(b->max_age_us, 900000000);
}

static void hooks_are_rendered_as_their_node(void **state)
{
	struct buf out;

	(void)state;
	put("models/a.sql", "{{ config(pre_hook=\"drop {{ this }} {{ is_incremental() }}\", "
			    "materialized='incremental') }}select 1");
	load();
	struct value hooks = dict_get_text(node("a")->config, "pre_hook");
	assert_int_equal(hooks.list->len, 1);
	CLEANUP(free_string)
	char *text = xstrndup(hooks.list->items[0].s, hooks.list->items[0].len);
	buf_init(&out, BUF_MAX);
	assert_true(project_render(project, node("a"), NULL, text, &out, &err));
	assert_string_equal(buf_text(&out), "drop `analytics`.`a` False");
	buf_clear(&out);
	options.incremental = true;
	assert_true(project_render(project, node("a"), &options, text, &out, &err));
	assert_string_equal(buf_text(&out), "drop `analytics`.`a` True");
	assert_false(project_render(project, node("a"), NULL, "{{ no.no }}", &out, &err));
	assert_non_null(strstr(err.text, "models/a.sql:1:4: 'no' is undefined"));
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(a_batch_sees_the_rows_of_its_time),
		IN_FOLDER(a_mapping_says_which_rows_of_a_parent_are_seen),
		IN_FOLDER(without_a_mapping_a_parent_with_a_time_is_the_same_others_all),
		IN_FOLDER(templates_know_their_partition),
		IN_FOLDER(a_partition_is_called_as_its_period_says),
		IN_FOLDER(a_test_of_a_partition_sees_its_rows_and_all_of_the_others),
		IN_FOLDER(begin_may_be_computed),
		IN_FOLDER(settings_of_partitions_are_refused_where_they_are_made),
		IN_FOLDER(a_setting_of_yml_is_refused_with_its_line),
		IN_FOLDER(batches_are_for_models_that_are_built_in_batches),
		IN_FOLDER(schedules_are_read),
		IN_FOLDER(hooks_are_rendered_as_their_node),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
