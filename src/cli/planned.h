/* From words of the command line to the steps of a run, for commands that build. */
#ifndef CLI_PLANNED_H
#define CLI_PLANNED_H

#include "cli/builder.h"
#include "cli/outlook.h"

struct planned {
	struct outlook outlook;
	struct plan plan;
	struct steps steps;
};

/* What the call selects. Once opened, also in vain: planned_close(). */
MUST_CHECK bool planned_open(struct planned *p, struct builder *b, const struct choice *choice,
	const char *vars, struct error *err);
/* The plan, and its steps. The options' selection, time and engine are filled in here. */
MUST_CHECK bool planned_make(
	struct planned *p, struct builder *b, struct plan_options *options, struct error *err);
/* Steps of the checks of what is selected. */
void planned_checks(struct planned *p);
/* Says what waits, and runs the steps; `nothing` is said where there are none. The exit code. */
int planned_run(struct planned *p, struct builder *b, struct run *run, const char *nothing);
void planned_close(struct planned *p);

#endif
