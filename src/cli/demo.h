/*
 * Inside of `tailrace demo`: what it does (cmd_demo.c), its folder and ports (demo_folder.c), what it tells once
 * (demo_intro.c), and what it shows while it runs: the table (demo_screen.c), the models (demo_models.c).
 */
#ifndef CLI_DEMO_H
#define CLI_DEMO_H

#include "cli/parts.h"
#include "demo/cluster.h"
#include "pipeline/status.h"

/* --- demo_folder.c --- */

#define DEMO_FOLDER   "tailrace-demo"
#define DEMO_CONFIG   DEMO_FOLDER "/tailrace.yaml"
#define DEMO_STATE    DEMO_FOLDER "/.tailrace"
#define DEMO_POSTGRES DEMO_STATE "/postgres"
#define DEMO_LOG      DEMO_FOLDER "/log"
#define DEMO_DATABASE "shop"

/* Makes the folder; from then on logs go to DEMO_LOG. ERROR_CONFIG where another process has it. */
MUST_CHECK bool demo_folder_open(struct error *err);

/* Writes the configuration where there is none. One that is there must name that cluster; where its ports are taken,
 * the environment of this process gives it others. */
MUST_CHECK bool demo_config_ready(const struct cluster *, struct error *err);

/* --- demo_intro.c --- */

/* What to ask, and where to point clients. */
void demo_tell(const struct parts *, const struct cluster *);

/* --- demo_models.c --- */

/* What is built, or was built last; "" before the first run. */
void demo_models(struct state *state, char *out, size_t size);

/* --- demo_screen.c --- */

/* Rows of a table in the target, counted there. */
struct target_count {
	const char *target;
	int64_t rows; /* -1: not known */
};

struct view {
	const struct snapshot *snapshot;
	const struct target_count *counts; /* in any order */
	size_t n_counts;
	const char *doing;              /* "working", "letting the stream catch up" */
	uint64_t work_rows;             /* changed in the source by the workload */
	double seconds, limit;          /* since the start; 0: there is no limit */
	const char *models, *addresses; /* a line each; models "": nothing was built yet */
};

/* On a terminal the lines of the last view are drawn over; elsewhere a line is printed for each table. */
struct screen {
	bool terminal;
	VEC(size_t) widths; /* of the lines that are shown, in columns */
};
void screen_init(struct screen *);
void screen_show(struct screen *, const struct view *);
void screen_release(struct screen *);

/* Sleeps, but no longer than until a signal comes or the terminal changes its size. */
void screen_pause(int ms);

#endif
