/* The queue of runs: who adds, who takes, who follows, who dies; and what is kept of it all. */
#include <string.h>
#include "base/clock.h"
#include "fixture.h"

static struct arena arena;

static int begin_test(void **state)
{
	arena_init(&arena);
	return make_folder(state);
}

static int end_test(void **state)
{
	arena_release(&arena);
	return remove_folder(state);
}

static const struct step two_steps[] = {
	{.asset = "model.shop.orders", .why = "never built"},
	{.asset = "model.shop.facts",
		.partition = "2026-11-02",
		.from_us = 1,
		.to_us = 2,
		.why = "dirty",
		.quiet = true},
};

static int64_t add(struct state *s)
{
	struct error err = {0};
	struct run run = {.kind = "build", .selector = "orders+", .reason = "by hand", .jobs = 3};
	assert_ok(state_run_add(s, &run, two_steps, COUNT_OF(two_steps), &err), &err);
	assert_true(run.id > 0);
	return run.id;
}

static struct run run_of(struct state *s, int64_t id)
{
	struct error err = {0};
	struct run run;
	bool found;
	assert_ok(state_run_get(s, id, &arena, &run, &found, &err), &err);
	assert_true(found);
	return run;
}

static struct step step_of(struct state *s, int64_t run, size_t number)
{
	struct error err = {0};
	struct steps steps;
	assert_ok(state_steps(s, run, &arena, &steps, &err), &err);
	assert_true(number < steps.len);
	struct step step = steps.items[number];
	vec_release(&steps);
	return step;
}

static bool take(struct state *s, int64_t id)
{
	struct error err = {0};
	bool taken;
	assert_ok(state_run_take(s, id, &taken, &err), &err);
	return taken;
}

static bool cancel(struct state *s, int64_t id)
{
	struct error err = {0};
	bool found;
	assert_ok(state_run_cancel(s, id, &found, &err), &err);
	return found;
}

static void end_run(struct state *s, int64_t id, enum run_status status)
{
	struct error err = {0};
	assert_ok(state_run_end(s, id, status, NULL, &err), &err);
}

/* The first step with an attempt under way. */
static void begin_step(struct state *s, int64_t run)
{
	struct error err = {0};
	struct step step = {.number = 0, .status = RUN_RUNNING, .attempts = 1, .started_us = 5};
	struct attempt attempt = {.step = 0, .number = 1, .status = RUN_RUNNING, .started_us = 5};
	assert_ok(state_step_put(s, run, &step, &attempt, &err), &err);
}

/* --- tests --- */

static void a_run_comes_back_as_it_was_added(void **unused)
{
	(void)unused;
	struct state *s = open_state();
	int64_t id = add(s);
	struct run run = run_of(s, id);
	assert_string_equal(run.kind, "build");
	assert_string_equal(run.selector, "orders+");
	assert_string_equal(run.reason, "by hand");
	assert_int_equal(run.jobs, 3);
	assert_int_equal(run.status, RUN_QUEUED);
	assert_int_equal(run.n_steps, 2);
	assert_int_equal(run.n_done, 0);
	assert_true(run.created_us > 0 && run.started_us == 0 && run.ended_us == 0);
	struct step step = step_of(s, id, 1);
	assert_string_equal(step.asset, "model.shop.facts");
	assert_string_equal(step.partition, "2026-11-02");
	assert_string_equal(step.why, "dirty");
	assert_true(step.quiet);
	assert_false(step_of(s, id, 0).quiet);
	assert_int_equal(step.from_us, 1);
	assert_int_equal(step.to_us, 2);
	assert_int_equal(step.status, RUN_QUEUED);
	state_close(s);
}

static void a_step_and_its_attempt_are_written_as_they_go(void **unused)
{
	(void)unused;
	struct error err = {0};
	struct attempts attempts;
	struct state *s = open_state();
	int64_t id = add(s);
	assert_true(take(s, id));
	begin_step(s, id);
	assert_int_equal(step_of(s, id, 0).status, RUN_RUNNING);
	struct step step = {.number = 0,
		.status = RUN_FAILED,
		.attempts = 1,
		.error = "no such column",
		.rows = 7,
		.started_us = 5,
		.ended_us = 9};
	struct attempt attempt = {.step = 0,
		.number = 1,
		.status = RUN_FAILED,
		.query_ids = "q1 q2",
		.sql = "SELECT 1",
		.error = "no such column",
		.read_rows = 10,
		.written_rows = 7,
		.peak_bytes = 99,
		.started_us = 5,
		.ended_us = 9};
	assert_ok(state_step_put(s, id, &step, &attempt, &err), &err);
	assert_string_equal(step_of(s, id, 0).error, "no such column");
	assert_int_equal(step_of(s, id, 0).rows, 7);
	assert_ok(state_attempts(s, id, -1, &arena, &attempts, &err), &err);
	assert_int_equal(attempts.len, 1);
	assert_string_equal(attempts.items[0].query_ids, "q1 q2");
	assert_string_equal(attempts.items[0].sql, "SELECT 1");
	assert_int_equal(attempts.items[0].status, RUN_FAILED);
	assert_int_equal(attempts.items[0].peak_bytes, 99);
	vec_release(&attempts);
	assert_int_equal(run_of(s, id).n_failed, 1);
	state_close(s);
}

static void an_endless_statement_is_cut(void **unused)
{
	(void)unused;
	struct error err = {0};
	struct attempts attempts;
	size_t len = (size_t)3 << 20;
	char *sql = xmalloc(len + 1);
	memset(sql, 'x', len);
	sql[len] = '\0';
	struct state *s = open_state();
	int64_t id = add(s);
	struct step step = {.number = 0, .status = RUN_RUNNING};
	struct attempt attempt = {.number = 1, .sql = sql};
	assert_ok(state_step_put(s, id, &step, &attempt, &err), &err);
	assert_ok(state_attempts(s, id, 0, &arena, &attempts, &err), &err);
	assert_int_equal(strlen(attempts.items[0].sql), (size_t)1 << 20);
	vec_release(&attempts);
	free(sql);
	state_close(s);
}

static void open_runs_are_the_oldest_first_and_the_list_the_newest_first(void **unused)
{
	(void)unused;
	struct error err = {0};
	struct runs runs;
	struct state *s = open_state();
	int64_t first = add(s), second = add(s), third = add(s);
	assert_true(take(s, second));
	end_run(s, second, RUN_SUCCEEDED);
	assert_ok(state_runs_open(s, &arena, &runs, &err), &err);
	assert_int_equal(runs.len, 2);
	assert_int_equal(runs.items[0].id, first);
	assert_int_equal(runs.items[1].id, third);
	vec_release(&runs);
	assert_ok(state_runs(s, 0, 2, &arena, &runs, &err), &err);
	assert_int_equal(runs.len, 2);
	assert_int_equal(runs.items[0].id, third);
	assert_int_equal(runs.items[1].id, second);
	vec_release(&runs);
	assert_ok(state_runs(s, second, 0, &arena, &runs, &err), &err);
	assert_int_equal(runs.len, 1);
	assert_int_equal(runs.items[0].id, first);
	vec_release(&runs);
	state_close(s);
}

static void what_is_queued_is_cancelled_at_once_and_never_taken(void **unused)
{
	(void)unused;
	struct state *s = open_state();
	int64_t id = add(s);
	assert_true(cancel(s, id));
	assert_int_equal(run_of(s, id).status, RUN_CANCELLED);
	assert_int_equal(step_of(s, id, 1).status, RUN_CANCELLED);
	assert_false(take(s, id));
	assert_false(cancel(s, id));
	assert_false(cancel(s, id + 1));
	state_close(s);
}

static void what_runs_is_asked_to_end(void **unused)
{
	(void)unused;
	struct state *s = open_state();
	int64_t id = add(s);
	assert_true(take(s, id));
	assert_false(run_of(s, id).cancel);
	assert_true(cancel(s, id));
	assert_int_equal(run_of(s, id).status, RUN_RUNNING);
	assert_true(run_of(s, id).cancel);
	end_run(s, id, RUN_CANCELLED);
	assert_int_equal(step_of(s, id, 0).status, RUN_CANCELLED);
	state_close(s);
}

static void begin_and_die(void)
{
	struct state *s = open_state();
	begin_step(s, take(s, 1) ? 1 : -1);
	_exit(0);
}

static void a_dead_process_leaves_its_run_interrupted_and_its_steps_queued(void **unused)
{
	(void)unused;
	struct error err = {0};
	struct attempts attempts;
	struct state *s = open_state();
	int64_t id = add(s);
	in_other_process(begin_and_die);
	assert_int_equal(step_of(s, id, 0).status, RUN_RUNNING);
	assert_ok(state_runs_interrupt(s, &err), &err);
	assert_int_equal(run_of(s, id).status, RUN_INTERRUPTED);
	assert_int_equal(step_of(s, id, 0).status, RUN_QUEUED);
	assert_int_equal(step_of(s, id, 0).attempts, 1);
	assert_ok(state_attempts(s, id, 0, &arena, &attempts, &err), &err);
	assert_int_equal(attempts.items[0].status, RUN_INTERRUPTED);
	vec_release(&attempts);
	assert_true(take(s, id));
	state_close(s);
}

static void steps_that_were_not_reached_share_the_end(void **unused)
{
	(void)unused;
	struct state *s = open_state();
	int64_t id = add(s);
	assert_true(take(s, id));
	end_run(s, id, RUN_FAILED);
	assert_int_equal(step_of(s, id, 0).status, RUN_SKIPPED);
	assert_int_equal(run_of(s, id).n_skipped, 2);
	assert_true(run_of(s, id).ended_us > 0);
	state_close(s);
}

static void old_runs_are_forgotten_with_all_that_is_of_them(void **unused)
{
	(void)unused;
	struct error err = {0};
	struct runs runs;
	struct steps steps;
	struct state *s = open_state();
	for (int i = 0; i < 5; i++)
		end_run(s, add(s), RUN_SUCCEEDED);
	int64_t open = add(s);
	begin_step(s, 1);
	assert_ok(state_runs_prune(s, 2, 0, &err), &err);
	assert_ok(state_runs(s, 0, 0, &arena, &runs, &err), &err);
	assert_int_equal(runs.len, 3);
	assert_int_equal(runs.items[0].id, open);
	assert_int_equal(runs.items[2].id, 4);
	vec_release(&runs);
	assert_ok(state_steps(s, 1, &arena, &steps, &err), &err);
	assert_int_equal(steps.len, 0);
	assert_ok(state_runs_prune(s, 100, wall_us() + 1, &err), &err);
	assert_ok(state_runs(s, 0, 0, &arena, &runs, &err), &err);
	assert_int_equal(runs.len, 1);
	assert_int_equal(runs.items[0].id, open);
	vec_release(&runs);
	state_close(s);
}

static void a_number_is_never_given_twice(void **unused)
{
	(void)unused;
	struct error err = {0};
	struct state *s = open_state();
	int64_t id = add(s);
	end_run(s, id, RUN_SUCCEEDED);
	assert_ok(state_runs_prune(s, 0, 0, &err), &err);
	assert_true(add(s) > id);
	state_close(s);
}

static void a_reason_that_is_said_again_is_counted_and_the_newest_are_kept(void **unused)
{
	(void)unused;
	struct error err = {0};
	struct reasons reasons;
	struct state *s = open_state();
	for (int i = 0; i < 30; i++) {
		char text[32];
		snprintf(text, sizeof text, "reason %d", i);
		assert_ok(state_reason_put(s, "model.shop.a", text, &err), &err);
	}
	assert_ok(state_reason_put(s, "model.shop.a", "reason 29", &err), &err);
	assert_ok(state_reason_put(s, "model.shop.b", "another", &err), &err);
	assert_ok(state_reasons(s, "model.shop.a", &arena, &reasons, &err), &err);
	assert_int_equal(reasons.len, 20);
	assert_string_equal(reasons.items[0].text, "reason 29");
	assert_int_equal(reasons.items[0].times, 2);
	assert_string_equal(reasons.items[19].text, "reason 10");
	vec_release(&reasons);
	state_close(s);
}

static void commits_are_synced_again_after_history_was_written(void **unused)
{
	(void)unused;
	struct state *s = open_state();
	begin_step(s, add(s));
	sqlite3_stmt *row = store_query(s, "PRAGMA synchronous", NO_VALUES, NULL);
	assert_int_equal(store_step(s, row, NULL), 1);
	assert_int_equal(sqlite3_column_int(row, 0), 2);
	sqlite3_reset(row);
	state_close(s);
}

static void put_step(struct state *s, int64_t run, int number, enum run_status status,
	int64_t started_us, int64_t ended_us, uint64_t rows)
{
	struct error err = {0};
	struct step step = {.number = number,
		.status = status,
		.started_us = started_us,
		.ended_us = ended_us,
		.rows = rows};
	assert_ok(state_step_put(s, run, &step, NULL, &err), &err);
}

static struct latest latest_of(struct state *s, const char *asset, int64_t built_run)
{
	struct error err = {0};
	struct latest latest;
	bool found;
	assert_ok(state_latest(s, asset, built_run, &latest, &found, &err), &err);
	assert_true(found);
	return latest;
}

static void what_became_of_an_asset_last_is_told(void **unused)
{
	(void)unused;
	struct error err = {0};
	struct state *s = open_state();
	struct latest latest;
	bool found;
	assert_ok(state_latest(s, "model.shop.orders", 0, &latest, &found, &err), &err);
	assert_false(found);
	int64_t first = add(s);
	assert_true(take(s, first));
	put_step(s, first, 0, RUN_SUCCEEDED, 100, 350, 7);
	put_step(s, first, 1, RUN_FAILED, 100, 200, 3);
	end_run(s, first, RUN_FAILED);
	latest = latest_of(s, "model.shop.orders", first);
	assert_int_equal(latest.status, RUN_SUCCEEDED);
	assert_int_equal(latest.took_us, 250);
	assert_int_equal(latest.rows, 7);
	latest = latest_of(s, "model.shop.facts", 0);
	assert_int_equal(latest.status, RUN_FAILED);
	assert_int_equal(latest.took_us, -1);

	/* a later run changes the status; what was built last stays that of the first */
	int64_t second = add(s);
	assert_true(take(s, second));
	put_step(s, second, 0, RUN_FAILED, 500, 600, 0);
	latest = latest_of(s, "model.shop.orders", first);
	assert_int_equal(latest.status, RUN_FAILED);
	assert_int_equal(latest.took_us, 250);
	assert_int_equal(latest_of(s, "model.shop.facts", 0).status, RUN_QUEUED);

	int64_t counts[RUN_STATUSES];
	assert_ok(state_runs_count(s, counts, &err), &err);
	assert_int_equal(counts[RUN_FAILED], 1);
	assert_int_equal(counts[RUN_RUNNING], 1);
	assert_int_equal(counts[RUN_QUEUED], 0);
	state_close(s);
}

static void the_steps_of_one_asset_are_one(void **unused)
{
	(void)unused;
	struct error err = {0};
	struct state *s = open_state();
	struct run run = {.kind = "backfill", .reason = "by hand"};
	const struct step days[] = {
		{.asset = "model.shop.facts", .partition = "2026-11-01", .why = "missing"},
		{.asset = "model.shop.facts", .partition = "2026-11-02", .why = "missing"},
		{.asset = "model.shop.facts", .partition = "2026-11-03", .why = "missing"},
	};
	assert_ok(state_run_add(s, &run, days, COUNT_OF(days), &err), &err);
	put_step(s, run.id, 0, RUN_SUCCEEDED, 100, 200, 10);
	put_step(s, run.id, 1, RUN_WARNED, 150, 400, 20);
	put_step(s, run.id, 2, RUN_FAILED, 50, 900, 40);
	struct latest latest = latest_of(s, "model.shop.facts", run.id);
	assert_int_equal(latest.status, RUN_FAILED);
	assert_int_equal(latest.took_us, 300);
	assert_int_equal(latest.rows, 30);
	put_step(s, run.id, 0, RUN_RUNNING, 100, 0, 0);
	assert_int_equal(latest_of(s, "model.shop.facts", run.id).status, RUN_RUNNING);
	state_close(s);
}

#define RUNS(name) cmocka_unit_test_setup_teardown(name, begin_test, end_test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUNS(a_run_comes_back_as_it_was_added),
		RUNS(a_step_and_its_attempt_are_written_as_they_go),
		RUNS(an_endless_statement_is_cut),
		RUNS(open_runs_are_the_oldest_first_and_the_list_the_newest_first),
		RUNS(what_is_queued_is_cancelled_at_once_and_never_taken),
		RUNS(what_runs_is_asked_to_end),
		RUNS(a_dead_process_leaves_its_run_interrupted_and_its_steps_queued),
		RUNS(steps_that_were_not_reached_share_the_end),
		RUNS(old_runs_are_forgotten_with_all_that_is_of_them),
		RUNS(a_number_is_never_given_twice),
		RUNS(a_reason_that_is_said_again_is_counted_and_the_newest_are_kept),
		RUNS(commits_are_synced_again_after_history_was_written),
		RUNS(what_became_of_an_asset_last_is_told),
		RUNS(the_steps_of_one_asset_are_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
