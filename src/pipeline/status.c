/* Snapshots as JSON, and from the state store of a process that does not run; see status.h. */
#include "pipeline/status.h"

#include "base/json.h"
#include "pipeline/internal.h"

/* --- JSON --- */

static void print_table(const struct table_snapshot *t, struct buf *out)
{
	json_put_open(out, NULL, '{');
	json_put_text(out, "name", t->name);
	json_put_text(out, "target", t->target);
	json_put_text(out, "status", t->status);
	json_put_uint(out, "generation", t->generation);
	json_put_uint(out, "building", t->building);
	json_put_uint(out, "rows_copied", t->rows_copied);
	json_put_uint(out, "rows_estimate", t->rows_estimate);
	json_put_uint(out, "chunks", t->chunks);
	json_put_uint(out, "chunks_done", t->chunks_done);
	json_put_decimal(out, "copy_progress", t->copy_progress);
	json_put_int(out, "copy_eta_s", t->copy_eta_s);
	json_put_uint(out, "changes", t->changes);
	json_put_uint(out, "set_aside", t->set_aside);
	json_put_decimal(out, "rate", t->rate);
	json_put_int(out, "lag_ms", t->lag_ms);
	json_put_text(out, "error", t->error);
	buf_puts(out, "}");
}

static void print_partition(const struct partition_snapshot *p, struct buf *out)
{
	json_put_open(out, NULL, '{');
	json_put_text(out, "topic", p->topic);
	json_put_uint(out, "partition", (uint64_t)p->partition);
	json_put_uint(out, "offset", p->offset);
	json_put_uint(out, "end", p->end);
	json_put_uint(out, "lag", p->lag);
	buf_puts(out, "}");
}

static void print_stream(const struct stream_snapshot *s, struct buf *out)
{
	json_put_open(out, NULL, '{');
	json_put_text(out, "name", s->name);
	json_put_text(out, "status", s->status);
	json_put_text(out, "error", s->error);
	json_put_uint(out, "epoch", s->epoch);
	json_put_text(out, "position", s->position);
	json_put_uint(out, "lag_bytes", s->lag_bytes);
	json_put_uint(out, "retained_bytes", s->retained_bytes);
	json_put_decimal(out, "lag_seconds", s->lag_seconds);
	json_put_decimal(out, "rate", s->rate);
	json_put_uint(out, "changes", s->changes);
	json_put_uint(out, "transactions", s->transactions);
	json_put_uint(out, "set_aside", s->set_aside);
	json_put_uint(out, "rows_copied", s->rows_copied);
	json_put_uint(out, "bytes_written", s->bytes_written);
	json_put_uint(out, "batches", s->batches);
	json_put_bool(out, "progressing", s->progressing);
	json_put_open(out, "partitions", '[');
	for (size_t i = 0; i < s->n_partitions; i++)
		print_partition(&s->partitions[i], out);
	buf_puts(out, "]");
	json_put_open(out, "tables", '[');
	for (size_t i = 0; i < s->n_tables; i++)
		print_table(&s->tables[i], out);
	buf_puts(out, "]}");
}

static void print_models(const struct models_snapshot *m, struct buf *out)
{
	json_put_open(out, "models", '{');
	json_put_uint(out, "total", m->total);
	json_put_uint(out, "up_to_date", m->up_to_date);
	json_put_uint(out, "failed", m->failed);
	json_put_uint(out, "runs_queued", m->runs_queued);
	json_put_uint(out, "runs_running", m->runs_running);
	buf_puts(out, "}");
}

void snapshot_json(const struct snapshot *snapshot, struct buf *out)
{
	json_put_open(out, NULL, '{');
	json_put_bool(out, "running", snapshot->running);
	json_put_decimal(out, "uptime_s", snapshot->uptime_s);
	json_put_uint(out, "memory_bytes", snapshot->memory_bytes);
	json_put_open(out, "streams", '[');
	for (size_t i = 0; i < snapshot->n_streams; i++)
		print_stream(&snapshot->streams[i], out);
	buf_puts(out, "]");
	if (snapshot->models.total)
		print_models(&snapshot->models, out);
	buf_puts(out, "}");
}

void snapshot_release(struct snapshot *snapshot)
{
	arena_release(&snapshot->arena);
	*snapshot = (struct snapshot){0};
}

/* --- From the state store --- */

/* What the recorded definition says; one that cannot be read says nothing. */
static void take_definition(struct arena *a, const struct stream_config *stream,
	const struct table_state *known, struct table_snapshot *out)
{
	static const struct table_options none;
	struct table *table = table_from_json(known->definition, stream->name, &none, NULL);

	out->rows_estimate = table ? table->rows_estimate : 0;
	if (table && !stream->to->sink->log)
		out->target = table_read_as(table, a);
	else
		out->target = arena_strdup(a, known->target);
	table_unref(table);
}

static double recorded_progress(const struct table_state *known)
{
	if (known->status != TABLE_COPYING && !known->building)
		return known->generation ? 1 : 0;
	return known->chunks ? (double)known->chunks_done / known->chunks : 0;
}

struct table_snapshot recorded_table(
	struct arena *a, const struct stream_config *stream, const struct table_state *known)
{
	struct table_snapshot out = {
		.name = arena_printf(a, "%s.%s", known->schema, known->name),
		.status = table_status_name(known->status),
		.generation = known->generation,
		.building = known->building,
		.rows_copied = known->copied_rows,
		.chunks = known->chunks,
		.chunks_done = known->chunks_done,
		.copy_progress = recorded_progress(known),
		.copy_eta_s = -1,
		.changes = known->changes,
		.set_aside = known->set_aside,
		.lag_ms = -1,
		.error = arena_strdup(a, known->error),
	};
	take_definition(a, stream, known, &out);
	return out;
}

static bool recorded_tables(struct arena *a, struct state *state,
	const struct stream_config *stream, struct stream_snapshot *out, struct error *err)
{
	struct table_states tables;

	if (!state_tables(state, out->name, &tables, err))
		return false;
	out->tables = arena_alloc(a, (tables.len + 1) * sizeof *out->tables);
	vec_each (&tables, known) {
		out->tables[out->n_tables++] = recorded_table(a, stream, known);
		out->rows_copied += known->copied_rows;
	}
	table_states_release(&tables);
	return true;
}

static bool recorded_stream(struct arena *a, struct state *state, bool running,
	const struct stream_config *stream, struct stream_snapshot *out, struct error *err)
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
	return recorded_tables(a, state, stream, out, err);
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
		if (!recorded_stream(&out->arena, state, out->running, &config->streams[i],
			    &out->streams[i], err)) {
			snapshot_release(out);
			return false;
		}
	}
	return true;
}
