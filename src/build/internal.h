/*
 * Inside of build/: the executor's parts.
 *
 *	executor.c   threads: one that looks for runs, and workers that do jobs
 *	load.c       a run from the queue to jobs, of the project as its files are then
 *	order.c      which job waits for which
 *	pick.c       the next job, within the limits
 *	job.c        one attempt at a job, and what is recorded of it
 *	stamp.c      what a build is made from, and whether that is there
 *	trace.c      what columns come from
 *	openlineage*.c  who is told of runs and attempts
 *	hook.c       on-run-start and on-run-end
 *	check.c      tests of data; checked.c: how those of a model ended
 *	unit.c       unit tests of models; fixture.c: their rows as SQL; difference.c: what they found
 *	engine.c     the engine that the configuration names
 *	work.c       statements of an attempt; place.c: where in a file their errors are
 *	materialize*.c  tables and views, and their swap
 */
#ifndef BUILD_INTERNAL_H
#define BUILD_INTERNAL_H

#include <pthread.h>
#include "assets/partition.h"
#include "base/backoff.h"
#include "build/executor.h"
#include "build/stamp.h"
#include "build/work.h"

VEC_TYPE(numbers, size_t);

enum job_phase { JOB_WAITING, JOB_READY, JOB_RUNNING, JOB_ENDED };

/* A step of a run under way. */
struct job {
	struct step step;
	const struct node *node; /* NULL: the project has it no more */
	size_t group;            /* of the same node */
	struct numbers children; /* jobs that wait for this one alone */
	size_t n_waits;          /* jobs and groups that have not ended */
	enum job_phase phase;
	const char *blocked_by; /* what it stands on and was not built; NULL */
	int64_t not_before_ms;  /* of mono_ms(): a retry */
	struct backoff backoff;
};

/* All jobs of a node in a run. */
struct group {
	const struct node *node;
	struct numbers jobs, waiters; /* waiters: jobs that wait for all of them */
	size_t n_left;
	bool failed; /* any of them */
	bool traced; /* its columns, in this run */
};

/* A node whose tests are among the jobs: how they ended is recorded once the last one has. */
struct checked {
	const struct node *node;
	size_t n_left;
	bool complete; /* all tests of it are in the run */
	bool failed, unsure;
};

struct active {
	struct run run;
	struct arena arena;
	struct project *project;
	struct graph *graph;
	struct stamps *stamps;
	struct job *jobs;
	size_t n_jobs, n_left, n_running;
	VEC(struct group) groups;
	VEC(struct checked) checked;
	struct numbers ready;        /* in the order in which they became so */
	size_t n_open;               /* jobs before the next gate, see order.c */
	size_t n_shut;               /* jobs behind it that have not ended */
	const char *failed_hooks[2]; /* of on-run-start, of on-run-end; NULL: none */
	atomic_bool cancelled;
	bool stopped; /* by the end of the executor, not by a person */
	bool failed, warned;
};

struct executor {
	const struct config *config;
	struct state *state;
	char *warehouse_url;
	struct engine *engine;       /* NULL: not reached yet */
	struct openlineage *lineage; /* NULL: nobody is told */
	struct arena arena;
	bool recovered;
	bool says; /* in its log what fails: nobody else does */

	pthread_mutex_t lock;
	pthread_cond_t changed;
	VEC(struct active *) active;
	bool stopping, poked;
	pthread_t keeper;
	struct worker {
		struct executor *executor;
		pthread_t thread;
		const struct job *job; /* that it runs; NULL */
	} * workers;
	size_t n_workers;
};

/* --- engine.c --- */
/* The kind of engine that models are built by; NULL: the configuration names none. */
const struct engine_ops *models_engine_ops(const struct config *config);

/* --- load.c --- */
/* Jobs of a run that was taken; NULL: it cannot be run, err says why. */
struct active *active_load(struct executor *e, const struct run *run, struct error *err);
void active_free(struct active *a);

/* --- order.c --- */
/* Fills groups, children and waiters, and what of it has ended already. */
void order_jobs(struct active *a);
/* A job has ended, by its step's status; those that waited for it alone are ready, or skipped. */
void job_ended(struct active *a, size_t number);

static inline bool job_is_hook(const struct job *job)
{
	return job->node && job->node->kind == NODE_HOOK;
}

/* --- pick.c --- */
/* The next job, which is running from then on; NULL: none can run now. *wait_ms: when to ask again, -1: once
 * something has changed. With the lock. */
struct job *pick_job(struct worker *worker, struct active **of, int *wait_ms);

/* --- job.c --- */
/* Without the lock. True: it has ended; false: it goes back, to be tried again. */
bool job_run(struct executor *e, struct active *a, struct job *job);

/* --- trace.c --- */
/* After a build: its columns, and what they come from, are recorded. What fails is said in the log of the attempt. */
void trace_columns(struct work *w);

/* --- hook.c --- */
/* Of its jobs that have ended. With the lock; texts are the run's. */
void run_results(const struct active *a, struct node_results *out);
/* The databases of what the run builds, as hooks expect them. */
MUST_CHECK bool make_databases(struct work *w, const struct active *a, struct error *err);
MUST_CHECK bool run_hook(
	struct work *w, const char *command, const struct node_results *results, struct error *err);

/* --- check.c --- */
/* A test: of all that it looks at, or, where there are spans, of those of the model alone. Its severity decides
 * whether what it finds is ERROR_DATA or a warning. */
MUST_CHECK bool check_data(struct work *w, const struct spans *spans, struct error *err);

/* --- unit.c --- */
/* A unit test: what its model gives of the rows that it is given must be what is expected, else ERROR_DATA. */
MUST_CHECK bool check_unit(struct work *w, struct error *err);

/* --- checked.c --- */
void list_checked(struct active *a);
/* A test has ended. */
MUST_CHECK bool record_checked(
	struct executor *e, struct active *a, const struct job *job, struct error *err);
/* Does the run test the node? */
bool is_checked(const struct active *a, const struct node *node);
/* What of the node the run has built, neighbours as one; none: it is not partitioned by time, or not in the run. */
void built_spans(const struct active *a, const struct node *node, struct spans *out);

#endif
