/*
 * The streams of a process, each with one reader, one writer and some copy workers, isolated from one
 * another: a stream that stops or a table that breaks never stops another.
 *
 *	reader (stream.c) ──bundles──► queue ──► writer (writer.c) ──► sink ──► state ──► source confirm
 *	copy workers (copier.c) ──batches──────────────────────────► sink ──► ledger of chunks
 *
 * What reaches the sink is first prepared (prepare.c): unchanged TOAST filled, column rules, row filter.
 * Everything that changes where rows of a table go happens on the writer thread (mirror.c).
 */
#ifndef PIPELINE_PIPELINE_H
#define PIPELINE_PIPELINE_H

#include "config/config.h"
#include "state/state.h"

struct pipeline;

/* Starts every stream of the configuration. The state store and the configuration outlive the pipeline.
 * warehouse_url replaces a sink url of "embedded"; NULL when there is none. */
struct pipeline *pipeline_start(
	const struct config *, struct state *, const char *warehouse_url, struct error *);

/* By which column, a date or a time, changes of a table are told apart. */
struct watched {
	const char *stream, *table; /* its name in the target */
	const char *event_time;
};
struct watch_list {
	struct arena arena; /* of the names */
	VEC(struct watched) tables;
};
/* Streams into a warehouse mark what changes (state/assets.h): of the tables in the list the hours that are touched,
 * of others all. From now on, in place of an earlier list; takes it over. Any thread. */
void pipeline_watch(struct pipeline *, struct watch_list *);

/* Lets every stream finish what is in flight, for at most some seconds, and frees it all. */
void pipeline_stop(struct pipeline *);

/* As given to pipeline_start(). */
const struct config *pipeline_config(const struct pipeline *);

enum catch_up { CATCH_UP_GOING, CATCH_UP_DONE, CATCH_UP_FAILED };
/* Has every table been copied, and every stream reached what its source's log held when the pipeline
 * started? FAILED: a stream stopped or a table is broken, and it never will; err says which. */
enum catch_up pipeline_caught_up(struct pipeline *, struct error *);

/* Is every stream making progress? False: `why` names the first that is not. Any thread. */
bool pipeline_ready(struct pipeline *, char *why, size_t size);

/* See status.h for what goes on in it. */

#endif
