/* Inside of the pipeline: all streams, for pipeline.c and snapshot.c. */
#ifndef PIPELINE_INTERNAL_H
#define PIPELINE_INTERNAL_H

#include "pipeline/pipeline.h"
#include "pipeline/stream.h"

struct pipeline {
	const struct config *config;
	struct state *state;
	VEC(struct stream *) streams; /* as long as the pipeline */
	int64_t started_ms;
};

/* Under the stream's lock. */
bool stream_progressing(const struct stream *);

#endif
