/*
 * The parts of a process that mirrors: state store, embedded ClickHouse, pipeline, the builder of models, listener. They come up one behind
 * the other, each after what it needs, and go down in the opposite order; the state store tells other commands
 * where they are.
 */
#ifndef CLI_PARTS_H
#define CLI_PARTS_H

#include "build/executor.h"
#include "cli/ends.h"
#include "http/server.h"
#include "pipeline/pipeline.h"
#include "schedule/scheduler.h"

struct parts {
	struct ends ends;
	struct pipeline *pipeline;
	struct executor *executor;   /* NULL where there are no models */
	struct scheduler *scheduler; /* likewise */
	int64_t look_ms;             /* of mono_ms(): when parts_look() looks again */
	struct server *server;       /* NULL where server.listen is "off" */
};

/* Logs as the configuration says from then on. On failure what has come up is still there: parts_stop(). */
MUST_CHECK bool parts_start(struct parts *p, const char *config_path, struct error *err);

/* From time to time: models that there were none of before are built from then on. */
void parts_look(struct parts *p);

/* Lets what is in flight arrive. Of a zeroed struct too. */
void parts_stop(struct parts *p);

#endif
