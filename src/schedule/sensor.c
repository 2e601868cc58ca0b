/*
 * Sensors: a file, a value in the warehouse, a word by HTTP. What was seen last is a fact of the state store, so that a
 * restart is no news; it is recorded once the run is in the queue.
 */
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include "assets/select.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "core/engine.h"
#include "schedule/internal.h"
#include "state/runs.h"

#define SQL_MS 30000 /* the schedules wait for the query of a sensor */

/* --- what is seen --- */

/* A word for each file that matches, another one once the file has changed. */
static void see_files(const char *pattern, struct buf *seen)
{
	glob_t found;

	if (glob(pattern, 0, NULL, &found) != 0)
		return;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		struct stat st;
		if (stat(found.gl_pathv[i], &st) != 0)
			continue;
		CLEANUP(free_string)
		char *text = xasprintf("%s %lld %lld %ld", found.gl_pathv[i], (long long)st.st_size,
			(long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
		buf_printf(seen, "%016llx ", (unsigned long long)text_hash(text, strlen(text)));
	}
	globfree(&found);
}

static bool is_true(const char *value)
{
	return value && *value && strcmp(value, "0") != 0 && strcasecmp(value, "false") != 0;
}

static bool see_value(struct scheduler *s, const char *sql, struct buf *seen, struct error *err)
{
	struct statement statement = {.sql = sql, .timeout_ms = SQL_MS, .cancelled = &s->stopping};
	struct engine_rows rows = {0};
	struct arena arena;

	arena_init(&arena);
	if (!s->engine)
		s->engine = models_engine(
			s->options.config, s->options.warehouse_url, &s->engine_arena, err);
	bool ok = s->engine && s->engine->ops->query(s->engine, &statement, &arena, &rows, err);
	if (ok && rows.n_rows && is_true(rows.cells[0]))
		buf_puts(seen, "true ");
	arena_release(&arena);
	return ok;
}

static size_t word_bytes(const char *p)
{
	size_t n = strcspn(p, " ");

	return p[n] ? n + 1 : n;
}

/* Is there a word that was not there the last time? What is gone is no news. */
static bool is_news(const char *seen, const char *last)
{
	struct map known = {0};
	bool news = false;

	for (size_t n; (n = word_bytes(last)); last += n)
		map_put(&known, last, n, &known);
	for (size_t n; (n = word_bytes(seen)); seen += n)
		news |= !map_get(&known, seen, n);
	map_release(&known);
	return news;
}

/* A request of that sensor that waits; 0: none does. */
static bool see_request(struct scheduler *s, const char *name, int64_t *id, struct error *err)
{
	struct requests requests;

	*id = 0;
	if (!state_requests(s->options.state, &requests, err))
		return false;
	vec_each (&requests, it)
		if (strcmp(it->kind, "sensor") == 0 && strcmp(it->table, name) == 0)
			*id = it->id;
	vec_release(&requests);
	return true;
}

/* --- what it has built --- */

/* Partitions as far as they need it, all else in any case: what a sensor tells of is often not seen otherwise. */
static bool plan_selected(struct scheduler *s, struct survey *v, const struct assets *selected,
	bool all, struct arena *arena, struct steps *out, struct error *err)
{
	struct plan_options options = {.selected = selected,
		.some_checks = true,
		.now_us = wall_us(),
		.range = SPAN_ALL,
		.all = all};
	struct steps steps = {0};
	struct plan plan;

	plan_init(&plan);
	bool ok = plan_make(v, &options, &plan, err);
	for (size_t i = 0; ok && i < plan.assets.len; i++)
		if (is_partitioned(&plan.assets.items[i].asset->partitioning) == all)
			plan.assets.items[i].parts.len = 0;
	if (ok)
		plan_steps(&plan, s->graph, arena, &steps);
	vec_each (&steps, it) {
		it->number = (int)out->len;
		vec_push(out, *it);
	}
	vec_release(&steps);
	plan_release(&plan);
	return ok;
}

static bool say_run(struct scheduler *s, const struct sensor_config *sensor,
	const struct steps *steps, int64_t run, struct error *err)
{
	CLEANUP(free_string)
	char *text = xasprintf("run %lld: by the sensor %s", (long long)run, sensor->name);
	bool ok = true;

	for (size_t i = 0; ok && i < steps->len; i++)
		if (!i || strcmp(steps->items[i].asset, steps->items[i - 1].asset) != 0)
			ok = state_reason_put(s->options.state, steps->items[i].asset, text, err);
	return ok;
}

static bool queue_selected(struct scheduler *s, const struct sensor_config *sensor,
	const struct assets *selected, struct error *err)
{
	struct survey *v = survey_new(s->graph, s->options.state);
	struct steps steps = {0};
	struct arena arena;
	struct run run = {.kind = "build", .selector = sensor->select, .vars = ""};

	arena_init(&arena);
	run.reason = arena_printf(&arena, "sensor %s", sensor->name);
	bool ok = plan_selected(s, v, selected, true, &arena, &steps, err) &&
		  plan_selected(s, v, selected, false, &arena, &steps, err);
	if (ok && steps.len) {
		ok = run_queue(s->options.state, s->project, &run, &steps, err) &&
		     say_run(s, sensor, &steps, run.id, err);
		executor_poke(s->options.executor);
	}
	if (ok)
		log_info("a sensor fired", F("sensor", sensor->name), F("run", run.id),
			F("steps", (int64_t)steps.len));
	survey_free(v);
	vec_release(&steps);
	arena_release(&arena);
	return ok;
}

bool sensor_selects(const struct sensor_config *sensor, const struct graph *g, struct state *state,
	struct assets *out, struct error *err)
{
	struct selector selector = {.select = &sensor->select, .n_select = 1};

	return assets_select(g, state, &selector, out, err);
}

/* *done false: what it would build is being built; it is asked again. */
static bool fire(
	struct scheduler *s, const struct sensor_config *sensor, bool *done, struct error *err)
{
	struct assets selected = {0};

	*done = s->graph != NULL;
	if (!s->graph)
		return true;
	bool ok = sensor_selects(sensor, s->graph, s->options.state, &selected, err);
	vec_each (&selected, it)
		if (map_get(&s->busy, (*it)->id, strlen((*it)->id)))
			*done = false;
	ok = ok && (!*done || queue_selected(s, sensor, &selected, err));
	vec_release(&selected);
	return ok;
}

/* --- one look --- */

static bool look_at_request(
	struct scheduler *s, const struct sensor_config *sensor, struct error *err)
{
	int64_t id;
	bool done;

	return see_request(s, sensor->name, &id, err) &&
	       (!id || (fire(s, sensor, &done, err) &&
			       (!done || state_request_done(s->options.state, id, err))));
}

static bool look_outside(struct scheduler *s, const struct sensor_config *sensor, struct buf *seen,
	struct buf *last, struct error *err)
{
	CLEANUP(free_string) char *fact = xasprintf("sensor %s", sensor->name);
	bool done = true;

	if (sensor->file)
		see_files(sensor->file, seen);
	else if (!see_value(s, sensor->sql, seen, err))
		return false;
	(void)state_fact_read(s->options.state, fact, last);
	if (strcmp(buf_text(seen), buf_text(last)) == 0)
		return true;
	if (is_news(buf_text(seen), buf_text(last)) && !fire(s, sensor, &done, err))
		return false;
	return !done || state_fact_put(s->options.state, fact, buf_text(seen), err);
}

static bool look_at(struct scheduler *s, const struct sensor_config *sensor, struct error *err)
{
	struct buf seen, last;

	if (sensor->webhook)
		return look_at_request(s, sensor, err);
	buf_init(&seen, BUF_MAX);
	buf_init(&last, BUF_MAX);
	bool ok = look_outside(s, sensor, &seen, &last, err);
	buf_release(&seen);
	buf_release(&last);
	return ok;
}

/* What it would build is told why that is not. */
static void say_blind(struct scheduler *s, const struct sensor_config *sensor, struct error *said,
	const struct error *err)
{
	struct assets selected = {0};

	if (!say_failure(said, "a sensor could not be looked at", err) || !s->graph ||
		!sensor_selects(sensor, s->graph, s->options.state, &selected, NULL))
		return;
	vec_each (&selected, it)
		if (!state_reason_put(s->options.state, (*it)->id, err->text, NULL))
			break;
	vec_release(&selected);
}

void look_at_sensors(struct scheduler *s)
{
	const struct config *config = s->options.config;
	int64_t now = mono_ms();

	for (size_t i = 0; i < config->n_sensors; i++) {
		const struct sensor_config *sensor = &config->sensors[i];
		struct look *look = &s->looks[i];
		struct error err = {0};
		if (!sensor->webhook && look->ms && now - look->ms < sensor->every_ms)
			continue;
		look->ms = now;
		if (look_at(s, sensor, &err)) {
			error_clear(&look->said);
			continue;
		}
		error_add(&err, "sensor '%s'", sensor->name);
		say_blind(s, sensor, &look->said, &err);
	}
}
