/*
 * /metrics in the Prometheus text format 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats). The
 * metrics of streams, tables and models are rows of metrics.def.
 */
#include <inttypes.h>
#include <math.h>
#include "http/process.h"
#include "http/routes.h"
#include "pipeline/status.h"
#include "state/runs.h"

static void print_head(
	const char *prefix, const char *name, const char *type, const char *help, struct buf *out)
{
	buf_printf(out, "# HELP %s%s %s\n# TYPE %s%s %s\n", prefix, name, help, prefix, name, type);
}

/* A label's value: backslash, quote and line feed are escaped. */
static void print_label(const char *name, const char *value, struct buf *out)
{
	buf_printf(out, "%s=\"", name);
	for (; *value; value++) {
		if (*value == '\n')
			buf_puts(out, "\\n");
		else if (*value == '\\' || *value == '"')
			buf_printf(out, "\\%c", *value);
		else
			buf_u8(out, (uint8_t)*value);
	}
	buf_u8(out, '"');
}

static void print_number(double value, struct buf *out)
{
	buf_printf(out, value == floor(value) ? "%.0f\n" : "%.6f\n", value);
}

static void print_labels(
	const struct stream_snapshot *s, const struct table_snapshot *t, struct buf *out)
{
	print_label("stream", s->name, out);
	if (t) {
		buf_puts(out, ",");
		print_label("table", t->name, out);
	}
}

static void print_sample(const char *prefix, const char *name, const struct stream_snapshot *s,
	const struct table_snapshot *t, double value, struct buf *out)
{
	if (value < 0)
		return;
	buf_printf(out, "%s%s{", prefix, name);
	print_labels(s, t, out);
	buf_puts(out, "} ");
	print_number(value, out);
}

static void print_streams(const struct snapshot *snapshot, struct buf *out)
{
	const struct stream_snapshot *end = snapshot->streams + snapshot->n_streams;

#define STREAM_METRIC(name, type, value, help)                                  \
	print_head("tailrace_stream_", name, type, help, out);                  \
	for (const struct stream_snapshot *s = snapshot->streams; s < end; s++) \
		print_sample("tailrace_stream_", name, s, NULL, (double)(value), out);
#define TABLE_METRIC(name, type, value, help)
#define MODEL_METRIC(name, type, value, help)
#include "http/metrics.def"
#undef STREAM_METRIC
#undef TABLE_METRIC
#undef MODEL_METRIC
}

static void print_tables(const struct snapshot *snapshot, struct buf *out)
{
	const struct stream_snapshot *end = snapshot->streams + snapshot->n_streams;

#define STREAM_METRIC(name, type, value, help)
#define TABLE_METRIC(name, type, value, help)                                                      \
	print_head("tailrace_table_", name, type, help, out);                                      \
	for (const struct stream_snapshot *s = snapshot->streams; s < end; s++)                    \
		for (const struct table_snapshot *t = s->tables; t < s->tables + s->n_tables; t++) \
			print_sample("tailrace_table_", name, s, t, (double)(value), out);
#define MODEL_METRIC(name, type, value, help)
#include "http/metrics.def"
#undef STREAM_METRIC
#undef TABLE_METRIC
#undef MODEL_METRIC
}

static void print_partitions(const struct snapshot *snapshot, struct buf *out)
{
	const struct stream_snapshot *end = snapshot->streams + snapshot->n_streams;

	print_head("tailrace_", "partition_lag_messages", "gauge",
		"Messages of a partition that this process reads and has not made durable yet.",
		out);
	for (const struct stream_snapshot *s = snapshot->streams; s < end; s++)
		for (size_t i = 0; i < s->n_partitions; i++) {
			const struct partition_snapshot *p = &s->partitions[i];
			buf_puts(out, "tailrace_partition_lag_messages{");
			print_labels(s, NULL, out);
			buf_puts(out, ",");
			print_label("topic", p->topic, out);
			buf_printf(out, ",partition=\"%d\"} %" PRIu64 "\n", p->partition, p->lag);
		}
}

/* One sample for each status there is, 1 for the one that holds: so that a change leaves no stale series. */
static void print_status(const char *metric, const struct stream_snapshot *s,
	const struct table_snapshot *t, const char *const *statuses, struct buf *out)
{
	const char *now = t ? t->status : s->status;

	for (; *statuses; statuses++) {
		buf_printf(out, "%s{", metric);
		print_labels(s, t, out);
		buf_puts(out, ",");
		print_label("status", *statuses, out);
		buf_printf(out, "} %d\n", !strcmp(now, *statuses));
	}
}

static void print_statuses(const struct snapshot *snapshot, struct buf *out)
{
	static const char *const of_streams[] = {
		"starting", "copying", "streaming", "retrying", "stopped", NULL};
	static const char *const of_tables[] = {
		"copying", "live", "broken", "dropped", "excluded", NULL};
	const struct stream_snapshot *end = snapshot->streams + snapshot->n_streams;

	print_head("tailrace_", "stream_status", "gauge", "1 for the status that the stream is in.",
		out);
	for (const struct stream_snapshot *s = snapshot->streams; s < end; s++)
		print_status("tailrace_stream_status", s, NULL, of_streams, out);
	print_head("tailrace_", "table_status", "gauge", "1 for the status that the table is in.",
		out);
	for (const struct stream_snapshot *s = snapshot->streams; s < end; s++)
		for (size_t i = 0; i < s->n_tables; i++)
			print_status("tailrace_table_status", s, &s->tables[i], of_tables, out);
}

static void print_whole(const struct snapshot *snapshot, bool ready, struct buf *out)
{
	print_head("tailrace_", "build_info", "gauge", "The version that runs.", out);
	buf_puts(out, "tailrace_build_info{version=\"" TAILRACE_VERSION "\"} 1\n");
	print_head("tailrace_", "ready", "gauge",
		"1 while every stream makes progress, as /readyz answers.", out);
	buf_printf(out, "tailrace_ready %d\n", ready);
	print_head("tailrace_", "uptime_seconds", "gauge", "How long the process has been running.",
		out);
	buf_puts(out, "tailrace_uptime_seconds ");
	print_number(snapshot->uptime_s, out);
}

/* --- models --- */

static void print_model_labels(const struct model_fact *m, struct buf *out)
{
	print_label("project", m->project, out);
	buf_puts(out, ",");
	print_label("model", m->name, out);
}

static void print_model(const char *name, const struct model_fact *m, double value, struct buf *out)
{
	if (value < 0)
		return;
	buf_printf(out, "tailrace_model_%s{", name);
	print_model_labels(m, out);
	buf_puts(out, "} ");
	print_number(value, out);
}

static void print_models(const struct model_facts *models, struct buf *out)
{
#define STREAM_METRIC(name, type, value, help)
#define TABLE_METRIC(name, type, value, help)
#define MODEL_METRIC(name, type, value, help)                 \
	print_head("tailrace_model_", name, type, help, out); \
	vec_each (models, m)                                  \
		print_model(name, m, (double)(value), out);
#include "http/metrics.def"
#undef STREAM_METRIC
#undef TABLE_METRIC
#undef MODEL_METRIC
}

static void print_model_status(const struct model_fact *m, struct buf *out)
{
	for (enum run_status status = 0; status < RUN_STATUSES; status++) {
		const char *name = run_status_name(status);
		if (status == RUN_INTERRUPTED) /* of whole runs alone */
			continue;
		buf_puts(out, "tailrace_model_status{");
		print_model_labels(m, out);
		buf_puts(out, ",");
		print_label("status", name, out);
		buf_printf(out, "} %d\n", !strcmp(m->status, name));
	}
}

/* Those that have ended are forgotten some day, so their number would tell nothing. */
static void print_runs(const int64_t *counts, struct buf *out)
{
	print_head("tailrace_", "runs_open", "gauge",
		"Runs of models that have not ended, by status.", out);
	for (enum run_status status = 0; status < RUN_STATUSES; status++)
		if (!run_status_ended(status))
			buf_printf(out, "tailrace_runs_open{status=\"%s\"} %" PRId64 "\n",
				run_status_name(status), counts[status]);
}

static void print_project(const struct http_request *request, struct buf *out)
{
	int64_t runs[RUN_STATUSES];
	struct model_facts models;
	struct arena arena;

	if (!request->scheduler)
		return;
	arena_init(&arena);
	scheduler_facts(request->scheduler, &arena, &models);
	print_models(&models, out);
	print_head("tailrace_", "model_status", "gauge",
		"1 for the status that the model has in the latest run that builds it.", out);
	vec_each (&models, m)
		print_model_status(m, out);
	vec_release(&models);
	arena_release(&arena);
	if (state_runs_count(request->state, runs, NULL))
		print_runs(runs, out);
}

void answer_metrics(const struct http_request *request, struct http_reply *reply)
{
	struct snapshot snapshot;
	char why[1200];

	bool ready = pipeline_ready(request->pipeline, why, sizeof why);
	pipeline_snapshot(request->pipeline, &snapshot);
	reply->type = "text/plain; version=0.0.4; charset=utf-8";
	print_whole(&snapshot, ready, &reply->body);
	print_streams(&snapshot, &reply->body);
	print_tables(&snapshot, &reply->body);
	print_statuses(&snapshot, &reply->body);
	print_partitions(&snapshot, &reply->body);
	print_project(request, &reply->body);
	process_metrics(&reply->body);
	snapshot_release(&snapshot);
}
