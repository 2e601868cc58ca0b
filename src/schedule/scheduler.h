/*
 * What runs by itself: schedules, changes, what is missing, limits of freshness, sensors. One thread in the process
 * that runs; it reads the project, again whenever its files change, tells the streams by which columns their changes
 * are told apart, and puts runs into the queue (state/runs.h). Why something ran, or did not, it writes down
 * (state_reason_put): `tailrace why ASSET`.
 */
#ifndef SCHEDULE_SCHEDULER_H
#define SCHEDULE_SCHEDULER_H

#include "models/project.h"
#include "pipeline/pipeline.h"

/* The tables of streams that have an event time, as sources of the project. */
void project_watch_list(const struct project *, struct watch_list *out);

#endif
