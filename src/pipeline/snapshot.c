/* A picture of the running streams; see status.h. Each stream is held only while it is copied. */
#include <stdio.h>
#include <unistd.h>
#include "base/clock.h"
#include "pipeline/internal.h"

static double copy_progress(const struct mirror *m)
{
	if (m->status == TABLE_LIVE)
		return 1;
	if (!m->planned)
		return 0;
	double by_chunks = m->chunks.len ? (double)(m->chunks.len - m->chunks_left) /
						   (double)m->chunks.len
					 : 1;
	double by_rows = m->copied_estimate ? (double)m->copied_rows / (double)m->copied_estimate
					    : by_chunks;
	if (by_rows > 0.99 && by_chunks < 1)
		by_rows = 0.99;
	return m->chunks_left == 0 ? 1 : by_rows > by_chunks ? by_rows : by_chunks;
}

static int64_t copy_eta_s(const struct mirror *m, double progress)
{
	if (m->status != TABLE_COPYING || progress <= 0 || !m->copy_began_ms)
		return -1;
	double spent_s = (double)(mono_ms() - m->copy_began_ms) / 1000;
	return (int64_t)(spent_s * (1 - progress) / progress + 0.5);
}

/* A smoothed rate never quite comes to nothing. */
static double shown_rate(double rate)
{
	return rate < 0.05 ? 0 : rate;
}

static void take_table(const struct mirror *m, struct arena *arena, struct table_snapshot *out)
{
	*out = (struct table_snapshot){
		.name = arena_printf(arena, "%s.%s", m->table->schema, m->table->name),
		.target = m->log ? arena_strdup(arena, m->table->target)
				 : table_read_as(m->table, arena),
		.status = table_status_name(m->status),
		.generation = m->generation,
		.building = m->building,
		.rows_copied = m->copied_rows,
		.rows_estimate = m->copied_estimate,
		.chunks = (uint32_t)m->chunks.len,
		.chunks_done = (uint32_t)(m->chunks.len - m->chunks_left),
		.copy_progress = copy_progress(m),
		.changes = m->changes,
		.set_aside = m->set_aside,
		.rate = shown_rate(m->rate),
		.lag_ms = m->lag_ms,
		.error = arena_strdup(arena, m->error),
	};
	out->copy_eta_s = copy_eta_s(m, out->copy_progress);
}

/* How old is what has not arrived: none when the position is at the head, else since the last commit seen. */
static double lag_seconds(const struct stream *s)
{
	if (s->status == STREAM_STARTING)
		return -1;
	if (s->lag.bytes == 0 || s->resume.position.order >= s->head.order)
		return 0;
	if (!s->resume.position.commit_time_us)
		return -1;
	double lag = (double)(wall_us() - s->resume.position.commit_time_us) / 1e6;
	return lag > 0 ? lag : 0;
}

static void take_partitions(struct stream *s, struct arena *arena, struct stream_snapshot *out)
{
	out->partitions = arena_alloc(arena, (s->parts.len + 1) * sizeof *out->partitions);
	vec_each (&s->parts, part) {
		out->partitions[out->n_partitions++] = (struct partition_snapshot){
			.topic = arena_strdup(arena, part->topic),
			.partition = part->partition,
			.offset = part->durable,
			.end = part->end,
			.lag = part->end > part->durable ? part->end - part->durable : 0,
		};
	}
}

static void take_stream(struct stream *s, struct arena *arena, struct stream_snapshot *out)
{
	*out = (struct stream_snapshot){
		.name = arena_strdup(arena, s->settings->name),
		.status = stream_status_name(s->status),
		.error = arena_strdup(arena, s->error),
		.epoch = s->epoch,
		.position = arena_strdup(arena, s->resume.position.token),
		.lag_bytes = s->lag.bytes,
		.retained_bytes = s->lag.retained_bytes,
		.lag_seconds = lag_seconds(s),
		.rate = shown_rate(s->rate),
		.changes = s->changes,
		.transactions = s->transactions,
		.set_aside = s->set_aside,
		.rows_copied = s->copied_rows,
		.bytes_written = s->written_bytes,
		.batches = s->batches,
		.progressing = stream_progressing(s) && s->taken_up,
	};
	take_partitions(s, arena, out);
	out->tables = arena_alloc(
		arena, (s->mirrors.len + s->absent.len + 1) * sizeof *out->tables);
	/* before all have been taken up, a part of them would look like the whole */
	for (size_t i = 0; s->taken_up && i < s->mirrors.len; i++) {
		if (!s->mirrors.items[i]->replaced)
			take_table(s->mirrors.items[i], arena, &out->tables[out->n_tables++]);
	}
	for (size_t i = 0; s->taken_up && i < s->absent.len; i++)
		out->tables[out->n_tables++] = recorded_table(
			arena, s->settings, &s->absent.items[i]);
}

static uint64_t resident_bytes(void)
{
	unsigned long long size, resident = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (f && fscanf(f, "%llu %llu", &size, &resident) != 2)
		resident = 0;
	if (f)
		fclose(f);
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

void pipeline_snapshot(struct pipeline *p, struct snapshot *out)
{
	*out = (struct snapshot){
		.running = true,
		.uptime_s = (double)(mono_ms() - p->started_ms) / 1000,
		.memory_bytes = resident_bytes(),
		.n_streams = p->streams.len,
	};
	arena_init(&out->arena);
	out->streams = arena_alloc(&out->arena, (p->streams.len + 1) * sizeof *out->streams);
	for (size_t i = 0; i < p->streams.len; i++) {
		struct stream *s = p->streams.items[i];
		pthread_mutex_lock(&s->lock);
		take_stream(s, &out->arena, &out->streams[i]);
		pthread_mutex_unlock(&s->lock);
	}
}
