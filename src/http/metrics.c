/*
 * /metrics in the Prometheus text format 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats). The
 * metrics of streams and tables are rows of metrics.def.
 */
#include <inttypes.h>
#include <math.h>
#include "http/process.h"
#include "http/routes.h"
#include "pipeline/status.h"

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
#include "http/metrics.def"
#undef STREAM_METRIC
#undef TABLE_METRIC
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
#include "http/metrics.def"
#undef STREAM_METRIC
#undef TABLE_METRIC
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
	process_metrics(&reply->body);
	snapshot_release(&snapshot);
}
