/* Runs as people and programs read them: lines of progress in dbt's manner, lists, one run in full. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/builder.h"
#include "cli/cli.h"

#define LINE_WIDTH     72
#define SELECTOR_WIDTH 40

static bool is_of(const struct step *step, const char *kind)
{
	size_t len = strlen(kind);
	return !strncmp(step->asset, kind, len) && step->asset[len] == '.';
}

static bool is_test(const struct step *step)
{
	return is_of(step, "test") || is_of(step, "unit_test");
}

const char *step_name(const struct step *step, struct arena *arena)
{
	const char *dot = strchr(step->asset, '.'), *name = dot ? strchr(dot + 1, '.') : NULL;

	name = name ? name + 1 : step->asset;
	return arena_printf(arena, "%s%s%s", name, *step->partition ? " " : "", step->partition);
}

/* --- progress --- */

static const char *verdict(const struct step *step, enum colour *c)
{
	switch (step->status) {
	case RUN_SUCCEEDED:
		return *c = GREEN, is_test(step)              ? "PASS"
				   : is_of(step, "operation") ? "OK hook"
							      : "OK created";
	case RUN_WARNED: return *c = YELLOW, "WARN";
	case RUN_FAILED: return *c = RED, is_test(step) && step->rows ? "FAIL" : "ERROR";
	case RUN_SKIPPED: return *c = YELLOW, "SKIP";
	case RUN_CANCELLED: return *c = YELLOW, "CANCEL";
	case RUN_QUEUED:
	case RUN_RUNNING:
	case RUN_INTERRUPTED: break;
	}
	return *c = PLAIN, "";
}

static double seconds_of(const struct step *step)
{
	return step->started_us && step->ended_us > step->started_us
		       ? (double)(step->ended_us - step->started_us) / 1e6
		       : 0;
}

/* An error's own lines, indented; what a terminal would obey is not shown. */
static void print_indented(const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n");
		CLEANUP(free_string) char *line = xstrndup(text, len);
		fputs("  ", stdout);
		put_plain(line, stdout);
		putchar('\n');
		text += len + (text[len] == '\n');
	}
}

void print_step(const struct step *step, int64_t number, int64_t total)
{
	struct arena arena;
	enum colour c;
	char digits[AMOUNT];

	arena_init(&arena);
	const char *what = verdict(step, &c), *name = step_name(step, &arena);
	int width = snprintf(digits, sizeof digits, "%" PRId64, total);
	bool says = *step->message && step->status != RUN_FAILED && strcmp(step->message, "passed");
	const char *line = arena_printf(&arena, "%s%s%s%s", name, says ? " (" : "",
		says ? step->message : "", says ? ")" : "");
	int used = printf("%*" PRId64 " of %" PRId64 " ", width, number, total);
	printf("%s%s%s ", colour(c), what, colour(PLAIN));
	put_plain(line, stdout);
	used += (int)(strlen(what) + strlen(line)) + 2;
	putchar(' ');
	for (; used < LINE_WIDTH; used++)
		putchar('.');
	printf(" [%.2fs]\n", seconds_of(step));
	if (*step->error)
		print_indented(step->error);
	arena_release(&arena);
}

void print_outcome(const struct run *run, const struct steps *steps)
{
	size_t n[RUN_SKIPPED + 1] = {0};
	char amount[AMOUNT];

	vec_each (steps, it)
		n[it->status]++;
	bool good = run->status == RUN_SUCCEEDED || run->status == RUN_WARNED;
	if (*run->error)
		print_indented(run->error);
	printf("%sRun %" PRId64 " %s%s in %s. PASS=%zu WARN=%zu ERROR=%zu SKIP=%zu",
		colour(good ? GREEN : RED), run->id, run_status_name(run->status), colour(PLAIN),
		print_time((double)(run->ended_us - run->started_us) / 1e6, amount),
		n[RUN_SUCCEEDED], n[RUN_WARNED], n[RUN_FAILED], n[RUN_SKIPPED]);
	if (n[RUN_CANCELLED])
		printf(" CANCEL=%zu", n[RUN_CANCELLED]);
	printf(" TOTAL=%zu\n", steps->len);
}

/* --- lists --- */

static const char *when(int64_t us, struct arena *arena)
{
	char text[32];

	if (!us)
		return "";
	format_utc(us, text);
	text[10] = ' ';
	text[19] = '\0';
	return arena_strdup(arena, text);
}

static const char *how_long(int64_t from_us, int64_t to_us, struct arena *arena)
{
	char amount[AMOUNT];

	if (!from_us)
		return "";
	if (to_us < from_us)
		to_us = wall_us();
	return arena_strdup(arena, print_time((double)(to_us - from_us) / 1e6, amount));
}

/* A scheduler's selector may name a hundred models. */
static const char *shortened(const char *text, struct arena *arena)
{
	bool longer = strlen(text) > SELECTOR_WIDTH;

	return longer ? arena_printf(arena, "%.*s...", SELECTOR_WIDTH - 3, text) : text;
}

void print_runs(const struct runs *runs)
{
	static const char *const heads[] = {"run", "kind", "status", "begun (UTC)", "took", "steps",
		"failed", "selector", "reason"};
	struct arena arena;
	struct grid grid;

	arena_init(&arena);
	grid_init(&grid, COUNT_OF(heads), "rlllrrrll");
	for (size_t i = 0; i < COUNT_OF(heads); i++)
		grid_cell(&grid, "%s", heads[i]);
	vec_each (runs, it) {
		grid_cell(&grid, "%" PRId64, it->id);
		grid_cell(&grid, "%s", it->kind);
		grid_cell(&grid, "%s", run_status_name(it->status));
		grid_cell(&grid, "%s", when(it->started_us, &arena));
		grid_cell(&grid, "%s", how_long(it->started_us, it->ended_us, &arena));
		grid_cell(&grid, "%" PRId64 "/%" PRId64, it->n_done, it->n_steps);
		grid_cell(&grid, "%" PRId64, it->n_failed);
		grid_cell(&grid, "%s", shortened(it->selector, &arena));
		grid_cell(&grid, "%s", it->reason);
	}
	grid_print(&grid, "", stdout);
	grid_release(&grid);
	arena_release(&arena);
}

void print_run(const struct run *run, const struct steps *steps)
{
	static const char *const heads[] = {
		"step", "asset", "status", "took", "rows", "attempts", "why"};
	struct arena arena;
	struct grid grid;
	char amount[AMOUNT];

	arena_init(&arena);
	printf("run %" PRId64 ", %s%s%s, %s: %s\n", run->id, run->kind, *run->selector ? " " : "",
		run->selector, run->reason, run_status_name(run->status));
	grid_init(&grid, COUNT_OF(heads), "rllrrrl");
	for (size_t i = 0; i < COUNT_OF(heads); i++)
		grid_cell(&grid, "%s", heads[i]);
	vec_each (steps, it) {
		grid_cell(&grid, "%d", it->number);
		grid_cell(&grid, "%s", step_name(it, &arena));
		grid_cell(&grid, "%s", run_status_name(it->status));
		grid_cell(&grid, "%s", how_long(it->started_us, it->ended_us, &arena));
		grid_cell(&grid, "%s", print_count(it->rows, amount));
		grid_cell(&grid, "%d", it->attempts);
		grid_cell(&grid, "%s", it->why);
	}
	grid_print(&grid, "", stdout);
	vec_each (steps, it)
		if (*it->error) {
			printf("\nstep %d, %s:\n", it->number, step_name(it, &arena));
			print_indented(it->error);
		}
	grid_release(&grid);
	arena_release(&arena);
}

void print_attempts(const struct steps *steps, const struct attempts *attempts, bool sql, bool log)
{
	struct arena arena;
	char amount[AMOUNT];

	arena_init(&arena);
	vec_each (attempts, it) {
		const char *name = (size_t)it->step < steps->len
					   ? step_name(&steps->items[it->step], &arena)
					   : "";
		printf("\n-- step %d, %s, attempt %d: %s", it->step, name, it->number,
			run_status_name(it->status));
		printf("; read %s row%s", print_count(it->read_rows, amount),
			plural(it->read_rows));
		printf(", wrote %s", print_count(it->written_rows, amount));
		printf(", peak %s; queries %s\n", print_size(it->peak_bytes, amount),
			it->query_ids);
		if (sql)
			fputs(it->sql, stdout);
		if (log)
			fputs(it->log, stdout);
		if (*it->error)
			printf("-- %s\n", it->error);
	}
	arena_release(&arena);
}

/* --- for programs --- */

static void step_json(const struct step *s, struct buf *out)
{
	json_put_open(out, NULL, '{');
	json_put_int(out, "number", s->number);
	json_put_text(out, "asset", s->asset);
	json_put_text(out, "partition", s->partition);
	json_put_text(out, "status", run_status_name(s->status));
	json_put_text(out, "why", s->why);
	json_put_text(out, "message", s->message);
	json_put_text(out, "error", s->error);
	json_put_uint(out, "attempts", (uint64_t)s->attempts);
	json_put_uint(out, "rows", s->rows);
	json_put_utc(out, "started", s->started_us);
	json_put_utc(out, "ended", s->ended_us);
	buf_puts(out, "}");
}

static void attempt_json(const struct attempt *a, struct buf *out)
{
	json_put_open(out, NULL, '{');
	json_put_int(out, "step", a->step);
	json_put_uint(out, "number", (uint64_t)a->number);
	json_put_text(out, "status", run_status_name(a->status));
	json_put_text(out, "query_ids", a->query_ids);
	json_put_text(out, "sql", a->sql);
	json_put_text(out, "log", a->log);
	json_put_text(out, "error", a->error);
	json_put_uint(out, "read_rows", a->read_rows);
	json_put_uint(out, "read_bytes", a->read_bytes);
	json_put_uint(out, "written_rows", a->written_rows);
	json_put_uint(out, "written_bytes", a->written_bytes);
	json_put_uint(out, "peak_bytes", a->peak_bytes);
	json_put_utc(out, "started", a->started_us);
	json_put_utc(out, "ended", a->ended_us);
	buf_puts(out, "}");
}

void run_json(const struct run *run, const struct steps *steps, const struct attempts *attempts,
	struct buf *out)
{
	json_put_open(out, NULL, '{');
	json_put_int(out, "id", run->id);
	json_put_text(out, "kind", run->kind);
	json_put_text(out, "selector", run->selector);
	json_put_text(out, "reason", run->reason);
	json_put_text(out, "status", run_status_name(run->status));
	json_put_text(out, "error", run->error);
	json_put_uint(out, "steps_total", (uint64_t)run->n_steps);
	json_put_uint(out, "steps_done", (uint64_t)run->n_done);
	json_put_uint(out, "steps_failed", (uint64_t)run->n_failed);
	json_put_uint(out, "steps_skipped", (uint64_t)run->n_skipped);
	json_put_utc(out, "created", run->created_us);
	json_put_utc(out, "started", run->started_us);
	json_put_utc(out, "ended", run->ended_us);
	if (steps) {
		json_put_open(out, "steps", '[');
		vec_each (steps, step)
			step_json(step, out);
		buf_puts(out, "]");
	}
	if (attempts) {
		json_put_open(out, "attempts", '[');
		vec_each (attempts, attempt)
			attempt_json(attempt, out);
		buf_puts(out, "]");
	}
	buf_puts(out, "}");
}
