/*
 * What is going on, as plain structs: a moment's picture of all streams, for status, metrics, readiness and
 * the demo. The same fields come from a running pipeline and, for a process that is not running, from
 * the state store.
 */
#ifndef PIPELINE_STATUS_H
#define PIPELINE_STATUS_H

#include "config/config.h"
#include "state/state.h"

/* Stands behind the reason of a stream that stopped at a gap, which another start alone would meet again. */
#define GAP_WAY_OUT \
	"to copy every table anew beside what is there, set on_gap: recopy for this stream"

struct table_snapshot {
	const char *name; /* "public.orders" */
	const char
		*target; /* what is read in the target: "orders", of history alone "orders_log" */
	const char *status; /* copying, live, broken, dropped, excluded */
	uint32_t generation, building;
	uint64_t rows_copied, rows_estimate; /* of the copy under way, or of the last one */
	uint32_t chunks, chunks_done;
	double copy_progress; /* 0 to 1 */
	int64_t copy_eta_s;   /* -1: not known, or no copy under way */
	uint64_t changes, set_aside;
	double rate;    /* changes a second */
	int64_t lag_ms; /* of the last change: from its commit, by the source's clock, until it was
	                              * durable and to be read in the target; -1: not known */
	const char *error; /* "" when there is none */
};

/* A part of a log that has several: how many messages are behind what is durable. */
struct partition_snapshot {
	const char *topic;
	int partition;
	uint64_t offset, end, lag;
};

struct stream_snapshot {
	const char *name;
	const char *status; /* starting, copying, streaming, retrying, stopped, not running */
	const char *error;  /* last one, "" when there is none */
	uint8_t epoch;
	const char *position; /* recorded */
	uint64_t lag_bytes, retained_bytes;
	double lag_seconds; /* 0 when everything written has arrived; -1: not known */
	double rate;        /* changes a second */
	uint64_t changes, transactions, set_aside, rows_copied, bytes_written, batches;
	bool progressing; /* counts for readiness */
	struct table_snapshot *tables;
	size_t n_tables;
	struct partition_snapshot *partitions; /* that this process reads */
	size_t n_partitions;
};

/* Of the models that the process builds, by those who know of them; not the pipeline. */
struct models_snapshot {
	uint64_t total; /* 0: there is no project, or it is not read yet */
	uint64_t up_to_date, failed;
	uint64_t runs_queued, runs_running;
};

struct snapshot {
	struct arena arena; /* owns everything below */
	bool running;
	double uptime_s;
	uint64_t memory_bytes; /* resident, of this process */
	struct stream_snapshot *streams;
	size_t n_streams;
	struct models_snapshot models;
};

struct pipeline;
void pipeline_snapshot(struct pipeline *, struct snapshot *out);
/* From the state store alone, of a process that does not run. */
MUST_CHECK bool state_snapshot(
	const struct config *, struct state *, struct snapshot *out, struct error *);
void snapshot_release(struct snapshot *);

/* {"running":true,"uptime_s":..,"streams":[{...,"tables":[...]}]}, fields named as above, numbers as numbers. */
void snapshot_json(const struct snapshot *, struct buf *out);

#endif
