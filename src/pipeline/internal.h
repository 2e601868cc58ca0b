/* Inside of the pipeline: all streams, for pipeline.c and snapshot.c. */
#ifndef PIPELINE_INTERNAL_H
#define PIPELINE_INTERNAL_H

#include "pipeline/pipeline.h"
#include "pipeline/status.h"
#include "pipeline/stream.h"

struct pipeline {
	const struct config *config;
	struct state *state;
	VEC(struct stream *) streams; /* as long as the pipeline */
	int64_t started_ms;
	/* the list in force, and those before it, which a writer may still look at */
	_Atomic(const struct watch_list *) watch;
	VEC(struct watch_list *) watch_lists;
	pthread_mutex_t watch_lock; /* of who replaces it */
};

/* A table as the state store has it; strings are the arena's. */
struct table_snapshot recorded_table(
	struct arena *, const struct stream_config *, const struct table_state *known);

/* Under the stream's lock. */
bool stream_progressing(const struct stream *);

#endif
