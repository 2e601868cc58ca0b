/* In which order the jobs of runs are done, what is skipped, and what runs side by side: no engine, no threads. */
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/clock.h"
#include "build/internal.h"

static char dir[64];
static struct config config;
static struct executor executor;
static struct worker workers[8];

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static int begin(void **unused)
{
	struct error err = {0};
	(void)unused;
	snprintf(dir, sizeof dir, "/tmp/tailrace-order-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	config = (struct config){.path = "tailrace.yaml",
		.models = {.project = dir, .database = "shop", .target = "test", .threads = 4}};
	executor = (struct executor){.config = &config, .workers = workers, .n_workers = 4};
	memset(workers, 0, sizeof workers);
	for (size_t i = 0; i < COUNT_OF(workers); i++)
		workers[i].executor = &executor;
	pthread_mutex_init(&executor.lock, NULL);
	executor.state = state_open(dir, &err);
	return executor.state ? 0 : -1;
}

static int end(void **unused)
{
	(void)unused;
	vec_each (&executor.active, it)
		active_free(*it);
	vec_release(&executor.active);
	state_close(executor.state);
	return nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static void file(const char *name, const char *text)
{
	CLEANUP(free_string) char *path = xasprintf("%s/%s", dir, name);
	for (char *slash = path + strlen(dir) + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
		*slash = '\0';
		mkdir(path, 0700);
		*slash = '/';
	}
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* a <- b <- c, and a test of b. */
static void three_models(void)
{
	file("dbt_project.yml", "name: shop\n");
	file("models/a.sql", "select 1 as id");
	file("models/b.sql", "{{ config(tags=['heavy']) }} select * from {{ ref('a') }}");
	file("models/c.sql", "{{ config(tags=['heavy']) }} select * from {{ ref('b') }}");
	file("models/x.sql", "{{ config(tags=['heavy']) }} select 1");
	file("models/models.yml", "models:\n  - name: b\n    columns:\n      - name: id\n        "
				  "tests: [not_null]\n");
}

#define DAY ((int64_t)86400000000)

static void two_facts(void)
{
	static const char config_line[] =
		"{{ config(materialized='incremental', "
		"event_time='t', batch_size='day', begin='1970-01-01') }}";
	CLEANUP(free_string) char *f = xasprintf("%s select now() as t", config_line);
	CLEANUP(free_string) char *g = xasprintf("%s select * from {{ ref('f') }}", config_line);
	file("dbt_project.yml", "name: shop\n");
	file("models/f.sql", f);
	file("models/g.sql", g);
}

static struct step whole(const char *asset)
{
	return (struct step){.asset = asset, .from_us = TIME_MIN, .to_us = TIME_MAX};
}

static struct step day(const char *asset, int number, const char *key)
{
	return (struct step){.asset = asset,
		.partition = key,
		.from_us = number * DAY,
		.to_us = (number + 1) * DAY};
}

static struct active *add_run(int64_t jobs, const struct step *steps, size_t n)
{
	struct error err = {0};
	struct run run = {.kind = "build", .jobs = jobs};
	if (!state_run_add(executor.state, &run, steps, n, &err))
		fail_msg("%s", err.text);
	struct active *a = active_load(&executor, &run, &err);
	if (!a)
		fail_msg("%s", err.text);
	vec_push(&executor.active, a);
	return a;
}
#define ADD(jobs, ...)                                    \
	add_run(jobs, (const struct step[]){__VA_ARGS__}, \
		COUNT_OF(((const struct step[]){__VA_ARGS__})))

static const char *shown(const struct job *job)
{
	static char text[128];
	const char *dot = strrchr(job->step.asset, '.');
	snprintf(text, sizeof text, "%s%s%s%s", dot + 1, *job->step.partition ? "@" : "",
		job->step.partition, job->blocked_by ? "!" : "");
	return text;
}

/* What workers take now, one job each. */
static const char *taken(void)
{
	static char text[512];
	struct active *a;
	int wait_ms;
	*text = '\0';
	for (size_t i = 0; i < executor.n_workers; i++) {
		struct job *job = workers[i].job ? NULL : pick_job(&workers[i], &a, &wait_ms);
		if (!job)
			continue;
		size_t len = strlen(text);
		snprintf(text + len, sizeof text - len, "%s%s", len ? " " : "", shown(job));
	}
	return text;
}

/* Ends what worker 1, 2 ... does. */
static void ends(size_t worker, enum run_status status)
{
	struct worker *w = &workers[worker - 1];
	assert_non_null(w->job);
	vec_each (&executor.active, it) {
		struct active *a = *it;
		if (w->job < a->jobs || w->job >= a->jobs + a->n_jobs)
			continue;
		size_t number = (size_t)(w->job - a->jobs);
		a->jobs[number].step.status = a->jobs[number].blocked_by ? RUN_SKIPPED : status;
		a->n_running--;
		job_ended(a, number);
	}
	w->job = NULL;
}

#define START(n) whole("operation.shop.shop-on-run-start-" #n)
#define END(n)   whole("operation.shop.shop-on-run-end-" #n)
#define A        whole("model.shop.a")
#define B        whole("model.shop.b")
#define C        whole("model.shop.c")
#define X        whole("model.shop.x")
#define T        whole("test.shop.not_null_b_id")

/* --- tests --- */

static void parents_come_before_children_and_tests_in_between(void **unused)
{
	(void)unused;
	three_models();
	struct active *a = ADD(0, C, B, T, A);
	assert_string_equal(taken(), "a");
	assert_string_equal(taken(), "");
	ends(1, RUN_SUCCEEDED);
	assert_string_equal(taken(), "b");
	ends(1, RUN_SUCCEEDED);
	assert_string_equal(taken(), "not_null_b_id");
	ends(1, RUN_WARNED);
	assert_string_equal(taken(), "c");
	ends(1, RUN_SUCCEEDED);
	assert_int_equal(a->n_left, 0);
}

static void a_unit_test_goes_before_its_model_and_keeps_what_is_below_from_being_built(
	void **unused)
{
	(void)unused;
	three_models();
	file("models/unit.yml",
		"unit_tests: [{name: u, model: b, given: [], expect: {rows: []}}]\n");
	struct active *a = ADD(0, A, B, T, C, whole("unit_test.shop.b.u"), X);
	assert_string_equal(taken(), "a x");
	ends(1, RUN_SUCCEEDED);
	ends(2, RUN_SUCCEEDED);
	assert_string_equal(taken(), "u");
	ends(1, RUN_FAILED);
	assert_string_equal(taken(), "b!");
	ends(1, RUN_SUCCEEDED);
	assert_string_equal(taken(), "not_null_b_id!");
	ends(1, RUN_SUCCEEDED);
	assert_string_equal(taken(), "c!");
	ends(1, RUN_SUCCEEDED);
	assert_int_equal(a->n_left, 0);
}

static void what_is_not_part_of_the_run_is_looked_through(void **unused)
{
	(void)unused;
	three_models();
	ADD(0, C, A);
	assert_string_equal(taken(), "a");
	ends(1, RUN_SUCCEEDED);
	assert_string_equal(taken(), "c");
}

static void who_stands_on_what_failed_is_skipped_and_the_rest_goes_on(void **unused)
{
	(void)unused;
	three_models();
	struct active *a = ADD(0, A, B, T, C, X);
	assert_string_equal(taken(), "a x");
	ends(1, RUN_FAILED);
	assert_string_equal(taken(), "b!");
	ends(1, RUN_SUCCEEDED);
	ends(2, RUN_SUCCEEDED);
	assert_string_equal(taken(), "not_null_b_id!");
	ends(1, RUN_SUCCEEDED);
	assert_string_equal(taken(), "c!");
	ends(1, RUN_SUCCEEDED);
	assert_int_equal(a->n_left, 0);
}

static void a_test_that_failed_keeps_children_from_being_built(void **unused)
{
	(void)unused;
	three_models();
	ADD(0, B, T, C);
	assert_string_equal(taken(), "b");
	ends(1, RUN_SUCCEEDED);
	assert_string_equal(taken(), "not_null_b_id");
	ends(1, RUN_FAILED);
	assert_string_equal(taken(), "c!");
}

static void models_with_hooks(void)
{
	three_models();
	file("dbt_project.yml", "name: shop\non-run-start: [select 1, select 2]\n"
				"on-run-end: [select 3, select 4]\n");
}

static void hooks_run_one_by_one_before_and_behind_all_else(void **unused)
{
	(void)unused;
	models_with_hooks();
	struct active *a = ADD(0, START(0), START(1), A, X, END(0), END(1));
	assert_string_equal(taken(), "shop-on-run-start-0");
	ends(1, RUN_SUCCEEDED);
	assert_string_equal(taken(), "shop-on-run-start-1");
	assert_string_equal(taken(), "");
	ends(1, RUN_SUCCEEDED);
	assert_string_equal(taken(), "a x");
	ends(1, RUN_SUCCEEDED);
	assert_string_equal(taken(), "");
	ends(2, RUN_FAILED);
	assert_string_equal(taken(), "shop-on-run-end-0");
	ends(1, RUN_FAILED);
	assert_string_equal(taken(), "shop-on-run-end-1!");
	ends(1, RUN_SUCCEEDED);
	assert_int_equal(a->n_left, 0);
}

static void a_hook_that_fails_at_the_start_blocks_all_but_those_at_the_end(void **unused)
{
	(void)unused;
	models_with_hooks();
	struct active *a = ADD(0, START(0), START(1), A, B, END(0));
	taken();
	ends(1, RUN_FAILED);
	assert_string_equal(taken(), "shop-on-run-start-1!");
	ends(1, RUN_SUCCEEDED);
	assert_string_equal(taken(), "a!");
	assert_string_equal(a->jobs[2].blocked_by, "shop-on-run-start-0");
	ends(1, RUN_SUCCEEDED);
	assert_string_equal(taken(), "b!");
	ends(1, RUN_SUCCEEDED);
	assert_string_equal(taken(), "shop-on-run-end-0");
}

static void a_hook_that_had_ended_before_an_interruption_does_not_run_again(void **unused)
{
	(void)unused;
	struct error err = {0};
	struct run run = {.kind = "build"};
	const struct step steps[] = {START(0), START(1), A, B, END(0)};
	models_with_hooks();
	assert_true(state_run_add(executor.state, &run, steps, COUNT_OF(steps), &err));
	for (int i = 0; i < 3; i++) {
		struct step done = {.number = i, .status = RUN_SUCCEEDED};
		assert_true(state_step_put(executor.state, run.id, &done, NULL, &err));
	}
	struct active *a = active_load(&executor, &run, &err);
	vec_push(&executor.active, a);
	assert_string_equal(taken(), "b");
	ends(1, RUN_SUCCEEDED);
	assert_string_equal(taken(), "shop-on-run-end-0");
}

static void what_had_ended_before_an_interruption_stays_so(void **unused)
{
	(void)unused;
	struct error err = {0};
	struct run run = {.kind = "build"};
	const struct step steps[] = {A, B, C};
	three_models();
	assert_true(state_run_add(executor.state, &run, steps, COUNT_OF(steps), &err));
	struct step done = {.number = 0, .status = RUN_SUCCEEDED};
	assert_true(state_step_put(executor.state, run.id, &done, NULL, &err));
	struct active *a = active_load(&executor, &run, &err);
	vec_push(&executor.active, a);
	assert_int_equal(a->n_left, 2);
	assert_string_equal(taken(), "b");
}

static void what_failed_before_an_interruption_still_blocks(void **unused)
{
	(void)unused;
	struct error err = {0};
	struct run run = {.kind = "build"};
	const struct step steps[] = {A, B};
	three_models();
	assert_true(state_run_add(executor.state, &run, steps, COUNT_OF(steps), &err));
	struct step done = {.number = 0, .status = RUN_FAILED};
	assert_true(state_step_put(executor.state, run.id, &done, NULL, &err));
	struct active *a = active_load(&executor, &run, &err);
	vec_push(&executor.active, a);
	assert_true(a->failed);
	assert_string_equal(taken(), "b!");
}

static void a_partition_waits_for_that_of_its_parent_alone(void **unused)
{
	(void)unused;
	two_facts();
	ADD(0, day("model.shop.f", 0, "1970-01-01"), day("model.shop.f", 1, "1970-01-02"),
		day("model.shop.g", 0, "1970-01-01"), day("model.shop.g", 1, "1970-01-02"));
	assert_string_equal(taken(), "f@1970-01-01 f@1970-01-02");
	ends(2, RUN_SUCCEEDED);
	assert_string_equal(taken(), "g@1970-01-02");
	ends(1, RUN_FAILED);
	assert_string_equal(taken(), "g@1970-01-01!");
}

static void a_tag_has_its_limit(void **unused)
{
	(void)unused;
	struct tag_limit limits[] = {{"heavy", 1}};
	three_models();
	config.models.limits = limits;
	config.models.n_limits = 1;
	ADD(0, B, X);
	assert_string_equal(taken(), "b");
	ends(1, RUN_SUCCEEDED);
	assert_string_equal(taken(), "x");
}

static void a_run_has_no_more_jobs_than_it_wants(void **unused)
{
	(void)unused;
	two_facts();
	ADD(1, day("model.shop.f", 0, "1970-01-01"), day("model.shop.f", 1, "1970-01-02"));
	assert_string_equal(taken(), "f@1970-01-01");
	ends(1, RUN_SUCCEEDED);
	assert_string_equal(taken(), "f@1970-01-02");
}

static void two_runs_never_build_the_same_at_once(void **unused)
{
	(void)unused;
	two_facts();
	ADD(0, day("model.shop.f", 0, "1970-01-01"));
	ADD(0, day("model.shop.f", 0, "1970-01-01"), day("model.shop.f", 1, "1970-01-02"));
	assert_string_equal(taken(), "f@1970-01-01 f@1970-01-02");
	ends(1, RUN_SUCCEEDED);
	assert_string_equal(taken(), "f@1970-01-01");
}

static void a_long_backfill_keeps_nobody_from_being_built(void **unused)
{
	(void)unused;
	two_facts();
	file("models/a.sql", "select 1 as id");
	executor.n_workers = 2;
	ADD(0, day("model.shop.f", 0, "1"), day("model.shop.f", 1, "2"),
		day("model.shop.f", 2, "3"), day("model.shop.f", 3, "4"));
	ADD(0, A);
	assert_string_equal(taken(), "f@1 a");
}

static void a_retry_waits_its_time(void **unused)
{
	(void)unused;
	struct active *of;
	int wait_ms;
	three_models();
	struct active *a = ADD(0, A);
	a->jobs[0].not_before_ms = mono_ms() + 60000;
	assert_null(pick_job(&workers[0], &of, &wait_ms));
	assert_in_range(wait_ms, 50000, 60000);
	a->jobs[0].not_before_ms = mono_ms() - 1;
	assert_non_null(pick_job(&workers[0], &of, &wait_ms));
}

static void what_is_no_longer_in_the_project_blocks_nobody(void **unused)
{
	(void)unused;
	three_models();
	struct active *a = ADD(0, whole("model.shop.gone"), B);
	assert_null(a->jobs[0].node);
	assert_string_equal(taken(), "gone b");
}

#define ORDER(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ORDER(parents_come_before_children_and_tests_in_between),
		ORDER(a_unit_test_goes_before_its_model_and_keeps_what_is_below_from_being_built),
		ORDER(what_is_not_part_of_the_run_is_looked_through),
		ORDER(who_stands_on_what_failed_is_skipped_and_the_rest_goes_on),
		ORDER(a_test_that_failed_keeps_children_from_being_built),
		ORDER(hooks_run_one_by_one_before_and_behind_all_else),
		ORDER(a_hook_that_fails_at_the_start_blocks_all_but_those_at_the_end),
		ORDER(a_hook_that_had_ended_before_an_interruption_does_not_run_again),
		ORDER(what_had_ended_before_an_interruption_stays_so),
		ORDER(what_failed_before_an_interruption_still_blocks),
		ORDER(a_partition_waits_for_that_of_its_parent_alone),
		ORDER(a_tag_has_its_limit),
		ORDER(a_run_has_no_more_jobs_than_it_wants),
		ORDER(two_runs_never_build_the_same_at_once),
		ORDER(a_long_backfill_keeps_nobody_from_being_built),
		ORDER(a_retry_waits_its_time),
		ORDER(what_is_no_longer_in_the_project_blocks_nobody),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
