/* Statements of an attempt and their record; see work.h. */
#include "build/work.h"

#include <stdio.h>
#include "base/clock.h"
#include "build/place.h"
#include "models/tokens.h"

void work_init(struct work *w)
{
	*w = (struct work){0};
	buf_init(&w->sql, BUF_MAX);
	buf_init(&w->log, BUF_MAX);
	buf_init(&w->query_ids, BUF_MAX);
}

void work_release(struct work *w)
{
	buf_release(&w->sql);
	buf_release(&w->log);
	buf_release(&w->query_ids);
}

void work_log(struct work *w, const char *fmt, ...)
{
	char when[32];
	va_list ap;

	format_utc(wall_us(), when);
	va_start(ap, fmt);
	CLEANUP(free_string) char *text = xvasprintf(fmt, ap);
	va_end(ap);
	buf_printf(&w->log, "%s %s\n", when, text);
}

struct compile_options work_options(const struct work *w, const char *command)
{
	int64_t left_ms = w->deadline_ms ? w->deadline_ms - mono_ms() : 0;

	return (struct compile_options){.full_refresh = w->full_refresh,
		.command = command,
		.engine = w->engine,
		.timeout_ms = w->deadline_ms && left_ms <= 0 ? 1 : left_ms,
		.cancelled = w->cancelled};
}

bool work_compile(
	struct work *w, const struct node *node, struct compile_options *options, struct error *err)
{
	struct buf sql;

	buf_init(&sql, BUF_MAX);
	w->origins = (struct origins){.arena = w->arena};
	options->origins = &w->origins;
	bool ok = project_compile(w->project, node, options, &sql, err);
	if (ok) {
		sql_trim_end(&sql);
		w->select = w->rendered = arena_strdup(w->arena, buf_text(&sql));
	}
	buf_release(&sql);
	return ok;
}

/* --- statements --- */

bool work_begin(struct work *w, const char *sql, struct statement *out, struct error *err)
{
	const char *id = arena_printf(w->arena, "%s-%d", w->id, ++w->n_statements);

	return work_begin_as(w, id, sql, out, err);
}

bool work_begin_as(
	struct work *w, const char *id, const char *sql, struct statement *out, struct error *err)
{
	int64_t left_ms = w->deadline_ms ? w->deadline_ms - mono_ms() : 0;

	if (w->cancelled && atomic_load(w->cancelled))
		return error_set(err, ERROR_RETRY, "cancelled");
	if (w->deadline_ms && left_ms <= 0)
		return error_set(err, ERROR_RETRY, "the step's time is over (models.timeout)");
	buf_printf(&w->query_ids, "%s%s", w->query_ids.len ? " " : "", id);
	buf_printf(&w->sql, "%s%s;\n", w->sql.len ? "\n" : "", sql);
	*out = (struct statement){
		.sql = sql, .id = id, .timeout_ms = left_ms, .cancelled = w->cancelled};
	return true;
}

bool work_end(struct work *w, const char *sql, const struct statement_stats *stats, bool ok,
	struct error *err)
{
	struct statement_stats *sum = &w->stats;

	sum->read_rows += stats->read_rows;
	sum->read_bytes += stats->read_bytes;
	sum->written_rows += stats->written_rows;
	sum->written_bytes += stats->written_bytes;
	sum->result_rows += stats->result_rows;
	sum->us += stats->us;
	if (stats->peak_bytes > sum->peak_bytes)
		sum->peak_bytes = stats->peak_bytes;
	if (!ok)
		place_error(w, sql, stats, err);
	return ok;
}

bool work_run(struct work *w, const char *sql, struct error *err)
{
	struct statement_stats stats = {0};
	struct statement statement;

	if (!work_begin(w, sql, &statement, err))
		return false;
	bool ok = w->engine->ops->run(w->engine, &statement, &stats, err);
	return work_end(w, sql, &stats, ok, err);
}

bool work_query(struct work *w, const char *sql, struct engine_rows *out, struct error *err)
{
	struct statement_stats stats = {0};
	struct statement statement;

	if (!work_begin(w, sql, &statement, err))
		return false;
	bool ok = w->engine->ops->query(w->engine, &statement, w->arena, out, err);
	return work_end(w, sql, &stats, ok, err);
}

bool work_built(struct work *w, struct error *err)
{
	struct mark mark = {.partition = w->built.partition,
		.from_us = w->built.from_us,
		.to_us = w->built.to_us};

	return state_built_put(w->state, w->node->id, &w->built, &mark, !w->quiet, err);
}
