/* `tailrace why ASSET`: whether it would be built, when it runs by itself, and why it ran, or did not. */
#include <string.h>
#include "assets/plan.h"
#include "base/clock.h"
#include "base/json.h"
#include "cli/cli.h"
#include "cli/outlook.h"
#include "schedule/scheduler.h"

enum { FLAG_JSON };
static const struct flag flags[] = {
	{"json", NULL, "print a JSON document"},
	{0},
};

/* What is known of one asset. */
struct answer {
	struct ends ends;
	struct outlook outlook;
	struct asset *asset;
	struct plan plan;
	struct reasons reasons;
	struct outcome latest;
};

static bool find_asset(struct answer *a, const char *name, struct error *err)
{
	a->asset = graph_find(a->outlook.graph, name);
	if (a->asset)
		return true;
	const char *near = graph_nearest(a->outlook.graph, name);
	return error_set(err, ERROR_CONFIG, "there is no asset '%s'%s%s%s", name,
		near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static bool ask(struct answer *a, const char *name, struct error *err)
{
	struct assets selected = {0};

	if (!outlook_open(&a->outlook, &a->ends, NULL, err) || !find_asset(a, name, err))
		return false;
	vec_push(&selected, a->asset);
	struct plan_options options = {
		.selected = &selected, .now_us = wall_us(), .range = SPAN_ALL};
	bool ok = plan_make(a->outlook.survey, &options, &a->plan, err) &&
		  state_reasons(a->ends.state, a->asset->id, &a->outlook.arena, &a->reasons, err) &&
		  state_outcome(a->ends.state, a->asset->id, &a->outlook.arena, &a->latest, err);
	vec_release(&selected);
	return ok;
}

/* --- for people --- */

static void put_time(int64_t us)
{
	char text[28];

	format_utc(us, text);
	text[19] = '\0';
	printf("%sZ", text);
}

static const char *part_name(const struct answer *a, const struct plan_part *part, char *text)
{
	return *part->partition ? part->partition
				: span_print(&a->asset->partitioning, part->span, text);
}

static void print_plan(const struct answer *a)
{
	char text[SPAN_TEXT_SIZE];
	size_t n = 0;

	vec_each (&a->plan.assets, of) {
		if (of->problem)
			printf("cannot be built: %s\n", of->problem);
		vec_each (&of->parts, part) {
			printf("%s, %s: %s", plan_reason_name(part->reason),
				part_name(a, part, text), part->why);
			if (part->waits)
				printf("; it waits for %s, which is not built", part->waits->name);
			putchar('\n');
			n++;
		}
		n += of->problem != NULL;
	}
	if (!n && a->asset->node && !a->asset->passes)
		puts("up to date");
}

static bool is_selected(const struct answer *a, const struct sensor_config *sensor)
{
	struct assets selected = {0};
	bool found = false;

	if (!sensor_selects(sensor, a->outlook.graph, a->ends.state, &selected, NULL))
		return false;
	vec_each (&selected, it)
		found |= *it == a->asset;
	vec_release(&selected);
	return found;
}

/* By what it runs by itself, a line each. */
static void put_schedule(const struct answer *a, struct buf *out)
{
	const struct config *config = &a->ends.config;

	schedule_print(a->asset->node, schedule_last(a->ends.state, a->asset->id), wall_us(), out);
	for (size_t i = 0; i < config->n_sensors; i++) {
		const struct sensor_config *sensor = &config->sensors[i];
		if (is_selected(a, sensor))
			buf_printf(out, "by the sensor %s\n", sensor->name);
	}
	if (out->len && !config->models.schedules)
		buf_puts(out, "not now: `schedules: false` stands in `models:`\n");
}

static void print_schedule(const struct answer *a)
{
	struct buf text;

	if (!a->asset->node)
		return;
	buf_init(&text, BUF_MAX);
	put_schedule(a, &text);
	fputs(text.len ? buf_text(&text) : "it does not run by itself: it has no schedule\n",
		stdout);
	buf_release(&text);
}

/* What went well needs no word. */
static void print_latest(const struct outcome *latest)
{
	if (!latest->run || latest->status == RUN_SUCCEEDED || latest->status == RUN_WARNED)
		return;
	printf("run %lld%s%s: %s%s%s\n", (long long)latest->run, *latest->partition ? ", " : "",
		latest->partition, run_status_name(latest->status), *latest->error ? ": " : "",
		latest->error);
}

static void print_answer(const struct answer *a)
{
	printf("%s\n", a->asset->id);
	print_plan(a);
	print_latest(&a->latest);
	print_schedule(a);
	vec_each (&a->reasons, it) {
		put_time(it->at_us);
		printf("  %s", it->text);
		if (it->times > 1)
			printf(" (%lld times)", (long long)it->times);
		putchar('\n');
	}
}

/* --- for programs --- */

static void put_parts(const struct answer *a, const struct plan_asset *of, struct buf *out)
{
	char text[SPAN_TEXT_SIZE];

	vec_each (&of->parts, part) {
		json_put_open(out, NULL, '{');
		json_put_text(out, "reason", plan_reason_name(part->reason));
		json_put_text(out, "partitions", part_name(a, part, text));
		json_put_text(out, "why", part->why);
		json_put_text(out, "waits_for", part->waits ? part->waits->id : NULL);
		buf_puts(out, "}");
	}
}

static void print_json(const struct answer *a)
{
	struct buf out, lines;

	buf_init(&out, BUF_MAX);
	buf_init(&lines, BUF_MAX);
	buf_puts(&out, "{");
	json_put_text(&out, "asset", a->asset->id);
	json_put_open(&out, "to_build", '[');
	vec_each (&a->plan.assets, of)
		put_parts(a, of, &out);
	buf_puts(&out, "]");
	if (a->asset->node)
		put_schedule(a, &lines);
	json_put_text(&out, "schedule", buf_text(&lines));
	if (a->latest.run) {
		json_put_open(&out, "latest", '{');
		json_put_int(&out, "run", a->latest.run);
		json_put_text(&out, "status", run_status_name(a->latest.status));
		json_put_text(&out, "partition", a->latest.partition);
		json_put_text(&out, "error", a->latest.error);
		buf_puts(&out, "}");
	} else
		json_put_text(&out, "latest", NULL);
	json_put_open(&out, "reasons", '[');
	vec_each (&a->reasons, it) {
		json_put_open(&out, NULL, '{');
		json_put_utc(&out, "at", it->at_us);
		json_put_int(&out, "times", it->times);
		json_put_text(&out, "text", it->text);
		buf_puts(&out, "}");
	}
	buf_puts(&out, "]}");
	puts(buf_text(&out));
	buf_release(&lines);
	buf_release(&out);
}

static int why(const struct call *call)
{
	struct answer a = {0};
	struct error err = {0};
	int code = DONE;

	plan_init(&a.plan);
	if (!ends_open(&a.ends, call->config_path, &err) || !ask(&a, call->args[0], &err))
		code = failed(&err);
	else if (call->flags[FLAG_JSON])
		print_json(&a);
	else
		print_answer(&a);
	vec_release(&a.reasons);
	plan_release(&a.plan);
	outlook_close(&a.outlook);
	ends_close(&a.ends);
	return code;
}

const struct command why_command = {
	.name = "why",
	.args = "ASSET",
	.min_args = 1,
	.max_args = 1,
	.summary = "why a model ran, or did not, and when it will",
	.help = "Prints what of the asset would be built now and for what reason, by what it\n"
		"runs by itself and when next, and the latest reasons for which it ran, or did\n"
		"not, newest first. ASSET is the name, id or path of a model, seed or snapshot.\n"
		"It reads files and the state store and connects to nothing.\n",
	.flags = flags,
	.run = why,
};
