/*
 * Events of OpenLineage (openlineage.io/spec/2-0-2): of each run of models, and of each attempt at one of its steps as a
 * run of its own below it, START and then COMPLETE, FAIL or ABORT. They go out by clients/poster.h, so nobody waits for
 * them. The id of a run is made from what it is, so the process that follows a crash can end what its predecessor began.
 *
 *	openlineage.c       what is told when
 *	openlineage_json.c  the documents
 */
#ifndef BUILD_OPENLINEAGE_H
#define BUILD_OPENLINEAGE_H

#include "build/internal.h"

/* NULL where nobody is told; all else takes NULL. */
struct openlineage *openlineage_new(const struct config *config, struct state *state);
void openlineage_free(struct openlineage *l);

/* RUN_RUNNING: it begins. */
void openlineage_run(struct openlineage *l, const struct active *a, enum run_status status);
/* Of the job's attempt of that number; the work may be NULL, the error too. */
void openlineage_attempt(struct openlineage *l, const struct active *a, const struct job *job,
	int attempt, enum run_status status, const struct work *work, const char *error);
/* Of attempts that an earlier process left, ABORT. */
void openlineage_interrupted(struct openlineage *l, const struct active *a);

/* --- openlineage_json.c --- */

#define UUID_SIZE 37

struct lineage_event {
	const struct lineage_config *config;
	const char *type;               /* "START" */
	const char *tables;             /* the namespace of datasets */
	const char *run_id, *job;       /* of the namespace of jobs */
	const char *parent_id, *parent; /* NULL: it is one */
	const char *error;              /* NULL */
	int64_t from_us, to_us;         /* of a partition; both 0 */
	const char *sql;                /* NULL */
	const char *kind;               /* "MODEL" */
	const struct asset *asset;      /* NULL: no datasets */
	struct lineage columns;         /* of the asset; none: not told */
	bool wrote;                     /* rows and bytes are known */
	uint64_t rows, bytes;
};
void openlineage_print(const struct lineage_event *e, struct state *state, struct buf *out);

#endif
