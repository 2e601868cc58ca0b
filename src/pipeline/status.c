/* Snapshots as JSON, and from the state store of a process that does not run; see status.h. */
#include "pipeline/status.h"

#include <inttypes.h>
#include "base/text.h"
#include "pipeline/internal.h"

/* --- JSON --- */

/* Members of an object. Each is preceded by a comma unless it is the first, as the buffer tells. */
static void print_name(const char *name, struct buf *out)
{
	if (out->data[out->len - 1] != '{')
		buf_u8(out, ',');
	buf_printf(out, "\"%s\":", name);
}

static void print_text(const char *name, const char *text, struct buf *out)
{
	print_name(name, out);
	text_print_json(text, strlen(text), out);
}

static void print_count(const char *name, uint64_t n, struct buf *out)
{
	print_name(name, out);
	buf_printf(out, "%" PRIu64, n);
}

static void print_number(const char *name, double number, struct buf *out)
{
	print_name(name, out);
	buf_printf(out, "%.3f", number);
}

static void print_bool(const char *name, bool is, struct buf *out)
{
	print_name(name, out);
	buf_puts(out, is ? "true" : "false");
}

static void print_table(const struct table_snapshot *t, struct buf *out)
{
	buf_puts(out, "{");
	print_text("name", t->name, out);
	print_text("target", t->target, out);
	print_text("status", t->status, out);
	print_count("generation", t->generation, out);
	print_count("building", t->building, out);
	print_count("rows_copied", t->rows_copied, out);
	print_count("rows_estimate", t->rows_estimate, out);
	print_count("chunks", t->chunks, out);
	print_count("chunks_done", t->chunks_done, out);
	print_number("copy_progress", t->copy_progress, out);
	print_name("copy_eta_s", out);
	buf_printf(out, "%" PRId64, t->copy_eta_s);
	print_count("changes", t->changes, out);
	print_count("set_aside", t->set_aside, out);
	print_number("rate", t->rate, out);
	print_name("lag_ms", out);
	buf_printf(out, "%" PRId64, t->lag_ms);
	print_text("error", t->error, out);
	buf_puts(out, "}");
}

static void print_partition(const struct partition_snapshot *p, struct buf *out)
{
	buf_puts(out, "{");
	print_text("topic", p->topic, out);
	print_count("partition", (uint64_t)p->partition, out);
	print_count("offset", p->offset, out);
	print_count("end", p->end, out);
	print_count("lag", p->lag, out);
	buf_puts(out, "}");
}

static void print_stream(const struct stream_snapshot *s, struct buf *out)
{
	buf_puts(out, "{");
	print_text("name", s->name, out);
	print_text("status", s->status, out);
	print_text("error", s->error, out);
	print_count("epoch", s->epoch, out);
	print_text("position", s->position, out);
	print_count("lag_bytes", s->lag_bytes, out);
	print_count("retained_bytes", s->retained_bytes, out);
	print_number("lag_seconds", s->lag_seconds, out);
	print_number("rate", s->rate, out);
	print_count("changes", s->changes, out);
	print_count("transactions", s->transactions, out);
	print_count("set_aside", s->set_aside, out);
	print_count("rows_copied", s->rows_copied, out);
	print_count("bytes_written", s->bytes_written, out);
	print_count("batches", s->batches, out);
	print_bool("progressing", s->progressing, out);
	print_name("partitions", out);
	buf_puts(out, "[");
	for (size_t i = 0; i < s->n_partitions; i++) {
		buf_puts(out, i ? "," : "");
		print_partition(&s->partitions[i], out);
	}
	buf_puts(out, "]");
	print_name("tables", out);
	buf_puts(out, "[");
	for (size_t i = 0; i < s->n_tables; i++) {
		if (i)
			buf_puts(out, ",");
		print_table(&s->tables[i], out);
	}
	buf_puts(out, "]}");
}

void snapshot_json(const struct snapshot *snapshot, struct buf *out)
{
	buf_puts(out, "{");
	print_bool("running", snapshot->running, out);
	print_number("uptime_s", snapshot->uptime_s, out);
	print_count("memory_bytes", snapshot->memory_bytes, out);
	print_name("streams", out);
	buf_puts(out, "[");
	for (size_t i = 0; i < snapshot->n_streams; i++) {
		if (i)
			buf_puts(out, ",");
		print_stream(&snapshot->streams[i], out);
	}
	buf_puts(out, "]}");
}

void snapshot_release(struct snapshot *snapshot)
{
	arena_release(&snapshot->arena);
	*snapshot = (struct snapshot){0};
}

/* --- From the state store --- */

/* The estimate stands in the recorded definition; one that cannot be read has none. */
static uint64_t recorded_estimate(const char *stream, const struct table_state *known)
{
	static const struct table_options none;
	struct table *table = table_from_json(known->definition, stream, &none, NULL);
	uint64_t rows = table ? table->rows_estimate : 0;

	table_unref(table);
	return rows;
}

static double recorded_progress(const struct table_state *known)
{
	if (known->status != TABLE_COPYING && !known->building)
		return known->generation ? 1 : 0;
	return known->chunks ? (double)known->chunks_done / known->chunks : 0;
}

struct table_snapshot recorded_table(
	struct arena *a, const char *stream, const struct table_state *known)
{
	return (struct table_snapshot){
		.name = arena_printf(a, "%s.%s", known->schema, known->name),
		.target = arena_strdup(a, known->target),
		.status = table_status_name(known->status),
		.generation = known->generation,
		.building = known->building,
		.rows_copied = known->copied_rows,
		.rows_estimate = recorded_estimate(stream, known),
		.chunks = known->chunks,
		.chunks_done = known->chunks_done,
		.copy_progress = recorded_progress(known),
		.copy_eta_s = -1,
		.changes = known->changes,
		.set_aside = known->set_aside,
		.lag_ms = -1,
		.error = arena_strdup(a, known->error),
	};
}

static bool recorded_tables(
	struct arena *a, struct state *state, struct stream_snapshot *out, struct error *err)
{
	struct table_states tables;

	if (!state_tables(state, out->name, &tables, err))
		return false;
	out->tables = arena_alloc(a, (tables.len + 1) * sizeof *out->tables);
	vec_each (&tables, known) {
		out->tables[out->n_tables++] = recorded_table(a, out->name, known);
		out->rows_copied += known->copied_rows;
	}
	table_states_release(&tables);
	return true;
}

static bool recorded_stream(struct arena *a, struct state *state, bool running,
	struct stream_snapshot *out, struct error *err)
{
	struct stream_state known;
	bool found;

	if (!state_stream_get(state, out->name, &known, &found, err))
		return false;
	out->status = running ? arena_strdup(a, *known.status ? known.status : "starting")
			      : "not running";
	out->error = arena_strdup(a, known.error);
	out->epoch = known.epoch;
	out->position = arena_strdup(a, known.resume.position.token);
	out->lag_seconds = -1;
	out->changes = known.changes;
	out->set_aside = known.set_aside;
	return recorded_tables(a, state, out, err);
}

bool state_snapshot(
	const struct config *config, struct state *state, struct snapshot *out, struct error *err)
{
	*out = (struct snapshot){.running = state_runner(state) != 0};
	arena_init(&out->arena);
	out->streams = arena_alloc(&out->arena, (config->n_streams + 1) * sizeof *out->streams);
	out->n_streams = config->n_streams;
	for (size_t i = 0; i < config->n_streams; i++) {
		out->streams[i].name = arena_strdup(&out->arena, config->streams[i].name);
		if (!recorded_stream(&out->arena, state, out->running, &out->streams[i], err)) {
			snapshot_release(out);
			return false;
		}
	}
	return true;
}
